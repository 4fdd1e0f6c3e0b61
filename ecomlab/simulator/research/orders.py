"""Which field work is carried out, and who answers it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomlab.simulator.experiments import Research
from ecomlab.simulator.noise import Array
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.scenario import Scenario

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = ["FieldOrder", "Sample", "draw_sample", "draw_samples", "list_orders"]


@dataclass(frozen=True)
class FieldOrder:
    """Field work ordered: its identifier, what it is, and the day it falls on."""

    id: str
    about: Research
    day: int


@dataclass(frozen=True)
class Sample:
    """People who answer an order, in the order in which they were asked."""

    order: FieldOrder
    who: Array
    asked: int


def list_orders(scenario: Scenario, plan: Plan | None, days: int) -> tuple[FieldOrder, ...]:
    """Return the orders that fall into the period: the scenario's own first, then the plans'.

    An identifier is made of kind, panel and day, so that a further order renames no other.

    Examples
    --------
    >>> from ecomlab.simulator.scenario import load_scenario
    >>> [order.id for order in list_orders(load_scenario("tiny"), None, 50)][:1]
    ['survey-online-20240213']
    """
    plans = plan.in_force(scenario.start) if plan is not None else ()
    asked = [*scenario.research, *(order for one in plans for order in one.research)]
    seen: Counter[str] = Counter()
    found = []
    for about in asked:
        name = f"{about.kind}-{about.panel}-{about.day:%Y%m%d}"
        seen[name] += 1
        day = (about.day - scenario.start).days
        if 0 <= day < days:
            again = f"-{seen[name]}" if seen[name] > 1 else ""
            found.append(FieldOrder(name + again, about, day))
    return tuple(found)


def draw_samples(recorder: Recorder, kind: str) -> list[Sample]:
    """Return who answers each order of a kind."""
    orders = list_orders(recorder.world.scenario, recorder.plan, recorder.days)
    return [draw_sample(recorder, one) for one in orders if one.about.kind == kind]


def draw_sample(recorder: Recorder, order: FieldOrder) -> Sample:
    """Ask people in an order of their own until enough have answered, or all were asked.

    Who belongs to a panel, who would answer and who is asked first are a person's luck:
    a larger order asks the same people first, and another plan asks the same people.
    """
    drawn: dict[str, Sample] = recorder.memory.samples
    if order.id not in drawn:
        reached, answers = _coverage(recorder, order)
        ids, count = recorder.world.people.ids, order.about.respondents
        turn = recorder.noise.uniform("panel.ask", ids, part=order.id)
        willing = np.flatnonzero(reached & answers)
        if len(willing) >= count:
            last = np.partition(turn[willing], count - 1)[count - 1]
            willing, reached = willing[turn[willing] <= last], reached & (turn <= last)
        who = willing[np.argsort(turn[willing], kind="stable")]
        drawn[order.id] = Sample(order, who, int(reached.sum()))
    return drawn[order.id]


def _coverage(recorder: Recorder, order: FieldOrder) -> tuple[Array, Array]:
    """Return whom the panel reaches, and who of all people would answer."""
    people, law = recorder.world.people, recorder.world.scenario.panel
    everybody = np.ones(len(people.ids), dtype=bool)
    if order.about.panel == "customers":
        return recorder.customer_from <= order.day, everybody
    if order.about.panel == "random":
        chance = np.array(law.response_shares)[people.age]
        luck = recorder.noise.uniform("panel.response", people.ids, part=order.id)
        return everybody, luck < chance
    heavy = people.market_rate / recorder.world.scenario.market.orders_per_year
    tilt = np.array(law.member_ages)[people.age] * np.array(law.member_devices)[people.device]
    member = law.member_share * tilt * heavy.astype(np.float64) ** law.member_heavy
    return recorder.noise.uniform("panel.member", people.ids) < member, everybody
