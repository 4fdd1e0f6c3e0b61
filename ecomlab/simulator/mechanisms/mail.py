"""Mail goes to customers who agreed to it: mostly to recent buyers, which is a trap."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.kernels.visits import draw_mails, list_members
from ecomlab.simulator.noise import low_half, to_uniform

__all__ = ["send_mail"]

_USUAL_DOSE = 0.30


@mechanism(
    reads=("budget_by_region", "running", "customer", "left", "last_order", "unsubscribed",
           "fatigue", "mailed_on", "spend_cents"),
    writes=("mailed", "is_opened", "has_unsubscribed", "unsubscribed", "fatigue", "mailed_on",
            "mail_spend_cents"),
    streams=("mail", "mail.open", "mail.leak"),
)  # fmt: skip
def send_mail(day: Day) -> None:
    """Send the day's mails, see who opens them, and tire the readers.

    Fatigue adds up mails and forgets some every day; it lowers opening and raises the
    chance to unsubscribe.
    """
    world, law = day.world, day.world.scenario.mail
    names, ids = list(world.scenario.routes), world.people.ids
    day["mailed"] = np.zeros(0, dtype=np.int64)
    day["is_opened"] = day["has_unsubscribed"] = np.zeros(0, dtype=bool)
    day["mail_spend_cents"] = np.zeros(day["spend_cents"].shape, dtype=np.int64)
    if "email" not in names:
        return
    row = names.index("email")
    habit = world.scenario.traps.email / _USUAL_DOSE  # moves mails to recent buyers
    members = list_members(world.people.has_mail, day["customer"], day["unsubscribed"])
    sent = draw_mails(
        members, day["last_order"], world.people.region,
        (law.per_week_recent, law.per_week_others, law.recent_days, habit),
        day["budget_by_region"][row].astype(np.float64), world.people.numbers(members),
        day.keys("mail"), day.index,
    )  # fmt: skip
    for test in day["running"]:
        if test.kind == "holdout" and test.what == "email":
            leak = day.parameter("mail.holdout_leak", 0.0)
            leaks = day.uniform("mail.leak", ids[sent], part=test.id) < leak if leak else False
            sent = sent[(test.arm(day.lot, ids[sent]) == 1) | leaks]
    _read(day, sent, row)


def _read(day: Day, sent: np.ndarray, row: int) -> None:
    """Let receivers open, tire and leave, and book the cost of sending."""
    law, ids = day.world.scenario.mail, day.world.people.numbers(sent)
    days = len(day.world.around.days.dates)  # those who were never mailed remember none
    kept = day.world.once("mail.kept", lambda: law.fatigue_memory ** np.arange(days + 1))
    gap = np.minimum(day.index - day["mailed_on"][sent], days)
    remembered = day["fatigue"][sent] * kept[gap]
    usual = day.parameter("mail.open_share", law.open_share, people=sent)
    logit = np.log(usual / (1 - usual)) - law.fatigue * (remembered - 1)
    words = day.words("mail.open", ids)
    opened = to_uniform(words) < 1 / (1 + np.exp(-logit))
    opened &= ~day["left"][sent]  # who has left for good reads nothing either
    leave = law.unsubscribe * np.exp(law.fatigue * remembered)
    left = low_half(words) < leave
    day.put("fatigue", sent, remembered + 1)
    day.put("mailed_on", sent, day.index)
    day.put("unsubscribed", sent[left], True)
    day["mailed"], day["is_opened"], day["has_unsubscribed"] = sent, opened, left
    regions = len(day.world.region_people)
    count = np.bincount(day.world.people.region[sent], minlength=regions)
    cost = np.zeros(day["spend_cents"].shape, dtype=np.int64)
    cost[row] = np.rint(count * law.cost_per_thousand / 10)
    day["mail_spend_cents"] = cost
