"""What buyers make of an order, and how it changes whether they come again."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.carriers import delight_of
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Array
from ecomlab.simulator.scenario import Scenario

__all__ = [
    "NO_PARCELS", "feel", "first_luck", "judge_delivery", "leaving_chance", "most_rate_factor",
    "standing",
]  # fmt: skip

# Parcels on their way: the day they come, whose they are, what goods and delivery bring.
NO_PARCELS = (np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32), np.empty(0))
_STAYS, _GONE = 1.0, -1.0  # luck that no chance of leaving reaches, or that every chance does
_MOST = 1.5  # satisfaction lies within this on either side of 0


@mechanism(
    reads=("promised_days", "delivery_days", "late_days", "usual_delight"), writes=("delight",)
)
def judge_delivery(day: Day) -> None:
    """Put a number on each delivery: late spoils more than early pleases, and less each day."""
    early = np.maximum(day["promised_days"] - day["delivery_days"], 0)
    felt = delight_of(day.world.scenario, day["late_days"], early)
    day["delight"] = felt - day["usual_delight"]


@mechanism(
    reads=("buyers", "payment", "line_order", "surprise", "delight", "delivery_days", "on_the_way",
           "feelings", "satisfaction", "customer", "leave_luck", "left", "rate"),
    writes=("satisfaction", "on_the_way", "feelings", "left", "rate"),
)  # fmt: skip
def feel(day: Day) -> None:
    """Let parcels that arrive today, and whatever else was felt, change satisfaction.

    Who becomes more or less satisfied comes more or less often from then on, and may turn out
    to have left with the last order, or to have stayed after all.
    """
    law, felt = day.world.scenario.satisfaction, day["feelings"]
    day["feelings"] = []  # a new list, since a twin may hold the old one
    if law is None:
        return
    parcels, state = day["on_the_way"], day["satisfaction"]
    touched = [people for people, _ in felt]
    fresh = 1 - law.memory
    here = parcels[0] <= day.index
    person, delight = parcels[1][here], parcels[2][here]
    while len(person):  # several parcels of a person come one after another
        who, first = np.unique(person, return_index=True)
        state[who] = law.memory * state[who] + fresh * (law.usual + delight[first])
        touched.append(who)
        person, delight = np.delete(person, first), np.delete(delight, first)
    for people, change in felt:
        np.add.at(state, people, fresh * change)
    day["on_the_way"] = tuple(
        np.concatenate([old[~here], new]) for old, new in zip(parcels, _sent(day), strict=True)
    )
    who = np.unique(np.concatenate(touched)) if touched else np.empty(0, dtype=np.int64)
    state[who] = np.clip(state[who], -_MOST, _MOST)
    day["satisfaction"] = state
    left, rate = standing(day, who)
    day.put("left", who, left)
    day.put("rate", who, rate)


def _sent(day: Day) -> tuple[Array, Array, Array]:
    """Return today's paid orders as parcels on their way."""
    law, order = day.world.scenario.satisfaction, day["line_order"]
    assert law is not None
    lines = np.bincount(order, minlength=len(day["buyers"]))
    luck = np.bincount(order, weights=day["surprise"], minlength=len(lines))
    paid = np.flatnonzero(day["payment"] == PAID)
    delight = day["delight"] + law.surprise * luck / np.maximum(lines, 1)
    due = (day.index + day["delivery_days"][paid]).astype(np.int32)
    return due, day["buyers"][paid].astype(np.int32), delight[paid]


def standing(day: Day, people: Array) -> tuple[Array, Array]:
    """Return who of some people has left, and the rate of occasions of each."""
    crowd, law, known = day.world.people, day.world.scenario.satisfaction, day["customer"][people]
    usual, effect = (law.usual, law.rate) if law is not None else (0.0, 0.0)
    above = day["satisfaction"][people] - np.float32(usual)
    chance = leaving_chance(day.world.scenario, crowd.dropout[people], above)
    left = known & (day["leave_luck"][people] < chance)
    base = np.where(known, crowd.customer_rate[people], crowd.newcomer_rate[people])
    return left, np.where(left, 0, base * np.exp(effect * above))


def most_rate_factor(scenario: Scenario) -> float:
    """Return by how much satisfaction raises the rate of occasions at most."""
    law = scenario.satisfaction
    return float(np.exp(law.rate * (_MOST - law.usual))) if law is not None else 1.0


def leaving_chance(scenario: Scenario, usual: Array, above: Array) -> Array:
    """Return the chance to leave after an order, given satisfaction above the usual.

    ``logistic(logit(usual) - leaving x above)``, which is ``usual`` where ``above`` is 0.
    """
    law = scenario.satisfaction
    if law is None:
        return usual
    p = usual.astype(np.float64)
    kept = np.exp(-law.leaving * above.astype(np.float64))
    return np.asarray(p * kept / (1 - p + p * kept))


def first_luck(has_left: Array) -> Array:
    """Return the luck of leaving of those whose last order was before the first day."""
    return np.where(has_left, _GONE, _STAYS)
