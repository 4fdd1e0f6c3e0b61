"""What waiting for an answer does to buying again: the truth, by three runs of one seed.

In one twin every contact is answered at once, at any hour, in the other none ever is. People,
contacts and luck are the same, so that the orders of the same contacts' people in the 90 days
after differ by what waiting did.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from ecomlab.simulator.graph import Day, Mechanism, mechanism
from ecomlab.simulator.loop import MECHANISMS, Log, run_days
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.mechanisms.contacts import PER_OCCASION
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.scenario import Scenario, load_scenario
from ecomlab.simulator.service import KINDS
from ecomlab.simulator.world import World, build_world

__all__ = ["measure_response"]

_WINDOW = 90  # days after a contact
_DAY = 86_400
_ENOUGH = 1 << 20  # agents, so that nobody ever waits


def _staffed(agents: int) -> tuple[Mechanism, ...]:
    """Return the order of the day with so many agents at every desk, at every hour."""

    @mechanism(reads=("present_agents",), writes=("present_agents",))
    def staff_all(day: Day) -> None:
        day["present_agents"] = np.full_like(day["present_agents"], agents)

    at = 1 + [one.name for one in MECHANISMS].index("staff_desks")
    return (*MECHANISMS[:at], staff_all, *MECHANISMS[at:])


def measure_response(
    scenario: str | Scenario,
    seed: int = 7,
    *,
    plan: Plan | None = None,
    people: int | None = None,
    days: int | None = None,
    since: date | None = None,
) -> pd.DataFrame:
    """Measure what waiting does to orders in the 90 days after a contact, by its kind.

    Parameters
    ----------
    scenario, seed, plan, people, days
        See :func:`~ecomlab.simulator.simulate`; more than 90 days.
    since
        First day of the contacts that count; the first day if left out.

    Returns
    -------
    DataFrame
        One row a kind and one for ``all``: ``contacts``; ``minutes`` in the queue, mean;
        ``abandoned_share``; ``repurchase_share``, of contacts whose person orders within 90
        days, as it was, ``repurchase_share_at_once`` and ``repurchase_share_never`` in the
        twins; ``gain`` of all being answered at once and ``loss`` of none ever being, each with
        its standard error; ``change_per_ten_minutes`` of waiting: less ``gain`` over the wait.

    Examples
    --------
    >>> measure_response("tiny", people=600, days=120)["kind"].tolist()[-1]
    'all'
    """
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    days = law.days if days is None else days
    if law.service is None or days <= _WINDOW:
        raise ValueError(
            f"{law.name}: no contacts to follow for {_WINDOW} days. Give a scenario with the part "
            f"service, and more than {_WINDOW} days."
        )
    if plan is not None:
        plan.check(law, days=days)
    noise = Noise(seed)
    world = build_world(law, noise, people=people or law.people, days=days)
    contacts, orders = _live(world, noise, plan, days, MECHANISMS)
    twins = [_live(world, noise, plan, days, _staffed(agents))[1] for agents in (_ENOUGH, 0)]
    first = 0 if since is None else (since - law.start).days
    day = contacts["created"] // _DAY
    contacts = contacts[(day >= first) & (day < days - _WINDOW)]
    again = np.stack([_orders_after(contacts, one, days) for one in (orders, *twins)]) > 0
    kind = np.array(KINDS)[contacts["number"] % PER_OCCASION]
    rows = [_row(name, contacts[pick], again[:, pick].astype(float))
            for name, pick in [*((k, kind == k) for k in KINDS), ("all", kind == kind)]
            if pick.any()]  # fmt: skip
    return pd.DataFrame(rows)


def _live(
    world: World, noise: Noise, plan: Plan | None, days: int, steps: tuple[Mechanism, ...]
) -> tuple[Array, Array]:
    """Return the contacts of a run, and its paid orders as person x days + day, in order."""
    contacts, orders = [], []

    def flush(log: Log) -> None:
        contacts.append(log.join("tickets"))
        paid = log.join("payment") == PAID
        orders.append((log.join("buyers") * days + log.day_of("buyers"))[paid])

    run_days(world, noise, plan, days, flush=flush, mechanisms=steps)
    return np.concatenate(contacts), np.sort(np.concatenate(orders))


def _orders_after(contacts: Array, orders: Array, days: int) -> Array:
    """Return how many orders each contact's person places in the days after it."""
    day = contacts["created"] // _DAY
    slot = contacts["person"] * days + day
    return np.searchsorted(orders, slot + _WINDOW, "right") - np.searchsorted(orders, slot, "right")


def _row(kind: str, contacts: Array, again: Array) -> dict[str, object]:
    """Return a row of the table; who orders again as it was, answered at once, and never."""
    gain, loss = again[1] - again[0], again[0] - again[2]
    minutes = float(contacts["wait"].mean()) / 60
    usual, at_once, never = again.mean(axis=1).tolist()
    return {
        "kind": kind,
        "contacts": len(contacts),
        "minutes": minutes,
        "abandoned_share": float(contacts["is_abandoned"].mean()),
        "repurchase_share": usual,
        "repurchase_share_at_once": at_once,
        "repurchase_share_never": never,
        "gain": float(gain.mean()),
        "gain_se": float(gain.std() / np.sqrt(len(gain))),
        "loss": float(loss.mean()),
        "loss_se": float(loss.std() / np.sqrt(len(loss))),
        "change_per_ten_minutes": float(-10 * gain.mean() / minutes) if minutes else np.nan,
    }
