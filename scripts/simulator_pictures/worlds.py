"""The small worlds that pictures are drawn from, and how their lines are labelled."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from matplotlib.axes import Axes

from ecomlab.simulator import Plan, SimulatedRun, load_scenario, simulate
from ecomlab.simulator.graph import Day
from ecomlab.simulator.loop import MECHANISMS, begin
from ecomlab.simulator.mechanisms.choice import choose, consider, value_products
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.world import build_world

__all__ = [
    "CHINA", "PEOPLE", "SEED", "WEST", "after", "day_after", "label", "let_all_visit", "live",
    "source", "west_year",
]  # fmt: skip

SEED, PEOPLE = 7, 20_000
WEST, CHINA = load_scenario("west_d2c"), load_scenario("cn_platform")


def live(
    scenario: Scenario, *, people: int, days: int, plan: Plan | None = None
) -> Iterator[tuple[int, Day]]:
    """Yield each day of a world after it was lived."""
    noise = Noise(SEED)
    day = begin(build_world(scenario, noise, people=people, days=days), noise, plan)
    for index in range(days):
        day.index = index
        for step in MECHANISMS:
            step(day)
        yield index, day


def after(scenario: Scenario, *, people: int, days: int) -> Day:
    """Return the last of some days, as it was lived."""
    *_, (_, day) = live(scenario, people=people, days=days)
    return day


@functools.cache
def west_year() -> SimulatedRun:
    """Return the run that several pictures share: 20,000 people, 400 days."""
    return simulate(WEST, SEED, None, PEOPLE, 400)


def let_all_visit(day: Day) -> None:
    """Let everybody visit and choose, as the day's prices and tastes are."""
    people = len(day.world.people.ids)
    day["visitors"], day["visitor_is_customer"] = np.arange(people), day["customer"]
    day["route"] = np.zeros(people, dtype=np.int64)
    day["stays"] = np.ones(people, dtype=bool)
    day["chat_answered"] = day["returned"] = np.zeros(0, dtype=np.int64)
    day["feature_order"] = day["feature_cart"] = np.zeros(people)
    for step in (value_products, consider, choose):
        step(day)


def day_after(days: int) -> date:
    """Return the date that lies some days after the first one of the western world."""
    return WEST.start + timedelta(days=days)


def label(ax: Axes, x: object, y: float, text: str, color: str, *, up: float = 0) -> None:
    """Write a label at the end of a line, in its color, moved up by some points."""
    ax.annotate(text, (x, y), (6, up), textcoords="offset points", va="center", color=color,
                fontweight="bold", fontsize=9.5, annotation_clip=False)  # fmt: skip


def source(scenario: Scenario, *parts: str) -> str:
    """Return the source line of a picture."""
    return ", ".join((f"simulated, {scenario.name}, seed {SEED}", *parts))
