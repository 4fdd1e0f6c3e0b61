"""Customer service: agents come, customers write in, some are answered and some give up.

The queue of a day is run before anybody chooses: questions before an order come from today's
visits, all others from orders of days before, so that nothing in it depends on today's choice.
A contact's arrival, handling and patience belong to the contact (see ``service``).
"""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.clock import visit_seconds
from ecomlab.simulator.codes import occasions
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.mechanisms.aftermath import REASONS
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Array, low_half, to_uniform
from ecomlab.simulator.parameters_service import Service
from ecomlab.simulator.queueing import serve
from ecomlab.simulator.service import (
    WORDS,
    difficulty_of,
    effect_of,
    handling_of,
    patience_of,
    plan_agents,
    solved_chance,
)

__all__ = [
    "NO_CONTACTS", "PER_OCCASION", "TICKET", "answer_contacts", "note_contacts", "staff_desks",
    "weigh_chats", "write_in",
]  # fmt: skip

PER_OCCASION = 8  # numbers of contacts that an occasion has; the remainder is the kind
NO_CONTACTS = np.zeros((4, 0), dtype=np.int64)
_DAY = 86_400  # seconds; where clocks change, tables put them right
_SLOTS = 1024  # agents of a team, fewer than this
_MOST_DOSE = 0.45  # at which every easy question comes first
_DAMAGED = REASONS.index("damaged")
_OTHER_DAYS = 10  # after the order, within which other questions come
_LEAST = 1e-9

TICKET = np.dtype([
    ("number", "i8"), ("person", "i8"), ("channel", "i8"), ("created", "i8"), ("wait", "f8"),
    ("is_abandoned", "?"), ("is_first", "?"),
])  # fmt: skip


@mechanism(
    reads=("forecast", "people_served"),
    writes=("planned_agents", "present_agents", "service_rule", "service_cents"),
    streams=("sick",),
)
def staff_desks(day: Day) -> None:
    """Plan agents by team and hour, and see who comes: sickness is luck, by day and team."""
    law = day.world.scenario.service
    if law is None:
        day["planned_agents"] = day["present_agents"] = np.zeros((0, 24), dtype=np.int64)
        day["service_rule"], day["service_cents"] = ("fifo", 0.0), np.int64(0)
        return
    factors, rule = _plan_in_force(day, law)
    ahead = np.exp(law.follows * day["forecast"])
    needed = law.desks.needed * (day["people_served"] / 1000 * ahead)
    planned = plan_agents(law, needed, factors, 24 * day.index)
    teams = np.arange(len(law.channels))
    luck = day.uniform("sick", teams[:, None] * _SLOTS + np.arange(1 + planned.max()))
    share = -np.log(luck[:, :1]) * day.parameter("service.sick_share", law.sick_share)
    healthy = np.zeros(luck.shape, dtype=np.int64)
    np.cumsum(luck[:, 1:] >= share, axis=1, out=healthy[:, 1:])
    day["planned_agents"], day["service_rule"] = planned, rule
    day["present_agents"] = healthy[teams[:, None], planned]
    # Who is needed for a part of the time only does other work meanwhile.
    booked = np.minimum(needed / np.maximum(np.rint(needed), 1), 1)
    cost = law.per_agent_hour * (planned.sum(axis=1) * booked).sum()
    day["service_cents"] = np.int64(np.rint(100 * cost))


def _plan_in_force(day: Day, law: Service) -> tuple[Array, tuple[str, float]]:
    """Return each team's multiple, and the rule of who is answered first."""
    factors, routing, jump = dict.fromkeys(law.channels, 1.0), "habit", 0.0
    today = day.world.around.days.dates[day.index]
    for plan in day.plans:
        if plan.service is None or plan.start is None or np.datetime64(plan.start, "D") > today:
            continue
        factors |= plan.service.agents
        routing = routing if plan.service.routing is None else plan.service.routing
        jump = jump if plan.service.queue_jump is None else plan.service.queue_jump
    return np.array(list(factors.values())), (routing, jump)


@mechanism(
    reads=("visitors", "stays", "visit_luck", "contacts_due"),
    writes=("writing", "writing_visit", "contacts_due"),
    streams=("contact.presale", "contact.when"),
)
def write_in(day: Day) -> None:
    """Let visitors ask before they order, and buyers about their orders of days before.

    A contact is its number, person, channel and second since the first day.
    """
    law, due = day.world.scenario.service, day["contacts_due"]
    if law is None:
        day["writing"], day["contacts_due"] = NO_CONTACTS, due
        day["writing_visit"] = np.zeros(0, dtype=np.int64)
        return
    visit, asking = _ask_before(day, law)
    here = due[0] <= day.index
    day["contacts_due"], (_, number, person, _) = due[:, ~here], due[:, here]
    words, desks = day.world_words("contact.when", number, 0), law.desks
    channel, luck = np.searchsorted(desks.edges, to_uniform(words)), low_half(words)
    opens, closes = desks.opens[channel], desks.closes[channel]
    within = (3600 * (opens + luck * (closes - opens))).astype(np.int64)
    second = np.where(desks.overnight[channel], visit_seconds(luck, _DAY), within)
    later = np.stack([number, person, channel, second + day.index * _DAY])
    day["writing"] = np.concatenate([asking, later], axis=1)
    day["writing_visit"] = np.concatenate([visit, np.full(len(number), -1)])


def _ask_before(day: Day, law: Service) -> tuple[Array, Array]:
    """Return which visits ask a question by chat, and their contacts."""
    visitors = day["visitors"]
    luck = day.uniform("contact.presale", day.world.people.ids[visitors])
    asks = np.flatnonzero(day["stays"] & (luck < law.presale_share))
    if not len(asks):
        return asks, NO_CONTACTS
    chat, second = law.channels["chat"], visit_seconds(day["visit_luck"][asks], _DAY)
    is_open = (second >= 3600 * chat.opens) & (second < 3600 * chat.closes)
    asks, second = asks[is_open], second[is_open]
    person = visitors[asks]
    number = occasions(day.world.people.ids[person], day.index) * PER_OCCASION
    place = np.full(len(asks), list(law.channels).index("chat"))
    return asks, np.stack([number, person, place, second + day.index * _DAY])


@mechanism(
    reads=("writing", "writing_visit", "waiting", "present_agents", "service_rule", "feelings",
           "running"),
    writes=("waiting", "feelings", "tickets", "ticket_visit", "chat_answered"),
    streams=("ticket",),
)  # fmt: skip
def answer_contacts(day: Day) -> None:
    """Answer who is in the queue, while patience lasts; tell what it does to satisfaction."""
    law, before = day.world.scenario.service, day["waiting"]
    held = np.concatenate([before, day["writing"]], axis=1)
    visit = np.concatenate([np.full(before.shape[1], -1), day["writing_visit"]])
    tickets, done = np.zeros(held.shape[1], TICKET), np.ones(held.shape[1], dtype=bool)
    for i, name in enumerate(("number", "person", "channel", "created")):
        tickets[name] = held[i]
    day["feelings"] = day["feelings"]
    if law is not None and len(tickets):
        words = day.world_words("ticket", held[0] * WORDS + np.arange(WORDS)[:, None], 0)
        done = _queue(day, law, tickets, words)
        at = np.flatnonzero(done & (visit < 0))
        if len(at):
            day["feelings"] = [*day["feelings"], _feelings(law, tickets[at], words[:, at])]
    day["waiting"], day["tickets"], day["ticket_visit"] = held[:, ~done], tickets[done], visit[done]
    day["chat_answered"] = visit[done & ~tickets["is_abandoned"] & (visit >= 0)]


def _queue(day: Day, law: Service, tickets: Array, words: Array) -> Array:
    """Run the day's queues; write into the tickets what became of them; return who is done."""
    desks, channel = law.desks, tickets["channel"]
    routing, jump = day["service_rule"]
    tickets["is_first"] = to_uniform(words[3]) < jump
    turn = _turns(day, routing, words)
    for test in day["running"]:
        if test.kind == "queue":
            drawn = test.arm(day.lot, tickets["number"]) == 1
            turn = np.where(drawn, low_half(words[3]), turn)
    turn = np.where(tickets["is_first"], -1.0, turn)
    arrival = tickets["created"] - day.index * _DAY
    handling, patience = handling_of(law, words, channel), patience_of(law, words, channel)
    waits = np.zeros(len(tickets), dtype=bool)
    for i in np.flatnonzero(np.bincount(channel)).tolist():
        at = np.flatnonzero(channel == i)
        slots = day["present_agents"][i] * desks.at_a_time[i]
        served = serve(arrival[at], handling[at], patience[at], slots, turn=turn[at])
        wait, left = served.wait, np.isnan(served.start)
        if desks.overnight[i]:
            waits[at], left = left & ~served.is_abandoned, served.is_abandoned
        else:  # at closing time the line is cut
            wait = np.where(left, np.minimum(wait, 3600 * desks.closes[i] - arrival[at]), wait)
        tickets["wait"][at], tickets["is_abandoned"][at] = wait, left
    return ~waits


def _turns(day: Day, routing: str, words: Array) -> Array:
    """Return whose turn it is: the lower number; by habit, easy questions come first."""
    if routing == "fifo":
        return np.ones(words.shape[1])
    if routing == "random":
        return low_half(words[3])
    dose = day.world.scenario.traps.response / _MOST_DOSE if routing == "habit" else 1.0
    return np.where((difficulty_of(words) < 0) & (low_half(words[3]) < dose), 0.0, 1.0)


def _feelings(law: Service, tickets: Array, words: Array) -> tuple[Array, Array]:
    """Return whose satisfaction changes, and by how much."""
    solved = low_half(words[1]) < solved_chance(law, words)
    change = effect_of(law, tickets["channel"], wait=tickets["wait"],
                       is_abandoned=tickets["is_abandoned"], solved=solved)  # fmt: skip
    return tickets["person"], change


@mechanism(reads=("ticket_visit", "order_chance"), writes=("ticket_order_chance",))
def weigh_chats(day: Day) -> None:
    """Tell how ready to order the visits are that asked a question."""
    # -1, a contact about an order of before, reads the gap at the end
    day["ticket_order_chance"] = np.append(day["order_chance"], np.nan)[day["ticket_visit"]]


@mechanism(
    reads=("buyers", "payment", "promised_days", "late_days", "line_order", "back_line",
           "back_after_days", "back_reason", "contacts_due"),
    writes=("contacts_due",),
    streams=("contact.order",),
)  # fmt: skip
def note_contacts(day: Day) -> None:
    """Note which of today's orders will be asked about, and on which day.

    Where goods come back, the one contact is on the day that the return is asked for.
    """
    law, due = day.world.scenario.service, day["contacts_due"]
    day["contacts_due"] = due
    if law is None:
        return
    ids = day.world.people.ids[day["buyers"]]
    number = occasions(ids, day.index)
    one, two = day.words("contact.order", ids * 2 + np.arange(2)[:, None])
    back = day["line_order"][day["back_line"]]
    returned = np.zeros((2, len(ids)), dtype=np.int64)  # after how many days; of damaged goods
    damaged = (day["back_reason"] == _DAMAGED).astype(np.int64)
    # assigning backwards leaves the first
    returned[damaged[::-1], back[::-1]] = (day["back_after_days"] - 1 - number[back] % 3)[::-1]
    late = np.where(day["late_days"] > 0, day["promised_days"] + 1, 0)
    spread = 1 + _OTHER_DAYS * low_half(two) / max(law.other_share, _LEAST)
    after = np.stack([late, *returned, spread]).astype(np.int64)
    luck = np.stack([to_uniform(one), low_half(one), to_uniform(two), low_half(two)])
    share = np.array([law.late_share, law.return_share, law.damage_share, law.other_share])
    writes = (luck < share[:, None]) & (after > 0) & (day["payment"] == PAID)
    kind, at = np.nonzero(writes)
    later = day.index + after[kind, at]
    fresh = np.stack([later, number[at] * PER_OCCASION + kind + 1, day["buyers"][at], 0 * at])
    day["contacts_due"] = np.concatenate([due, fresh], axis=1)
