"""Which regions are open on a day, with what range, and what opening them costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ecomlab.simulator.noise import Array
from ecomlab.simulator.parameters_entry import RANGES, Entry
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.world import World

__all__ = ["Doors", "book_entries", "entered_on", "is_old", "open_doors", "people_served"]


@dataclass(frozen=True)
class Doors:
    """Regions on a day, one value each."""

    is_open: Array
    range: Array  # position in RANGES
    launch_spend: Array  # currency per 1,000 people of the region, today


def is_old(scenario: Scenario) -> Array:
    """Return which regions the shop has always sold in."""
    return np.array([not region.is_new for region in scenario.regions.values()])


def people_served(world: World) -> int:
    """Return how many people live where the shop has always sold."""
    return int(world.region_people[is_old(world.scenario)].sum())


def _decisions(scenario: Scenario, plans: tuple[Plan, ...]) -> Iterator[tuple[int, date, Entry]]:
    """Yield region, first day and entry, in the order in which plans come into force."""
    names = list(scenario.regions)
    for plan in plans:
        for name, entry in plan.regions.items():
            yield names.index(name), plan.start or scenario.start, entry


def entered_on(scenario: Scenario, plans: tuple[Plan, ...]) -> dict[int, date]:
    """Return the first day of sale of each region that plans enter."""
    found: dict[int, date] = {}
    for place, start, _ in _decisions(scenario, plans):
        found.setdefault(place, start)
    return found


def open_doors(scenario: Scenario, plans: tuple[Plan, ...], today: np.datetime64) -> Doors:
    """Return which regions are open today, and with what range and launch."""
    is_open = is_old(scenario)
    shelf, spend = np.zeros(len(is_open), dtype=np.int64), np.zeros(len(is_open))
    for place, start, entry in _decisions(scenario, plans):
        age = int((today - np.datetime64(start, "D")).astype(int))
        if age < 0:
            continue
        is_open[place], shelf[place] = True, RANGES.index(entry.range)
        if age < scenario.entry.launch_days:
            spend[place] += entry.launch_budget / scenario.entry.launch_days
    return Doors(is_open, shelf, spend)


def book_entries(world: World, plans: tuple[Plan, ...], days: int) -> Array:
    """Return what entered regions cost, by day."""
    scenario, law = world.scenario, world.scenario.entry
    old, people, cost = is_old(scenario), world.region_people, np.zeros(days)
    first = min(entered_on(scenario, plans).values(), default=None)
    begun = days if first is None else max((first - scenario.start).days, 0)
    for day in range(begun, days):
        today = np.datetime64(scenario.start + timedelta(days=day), "D")
        doors = open_doors(scenario, plans, today)
        fresh = doors.is_open & ~old
        a_day = law.cost_per_1000_people + law.eco_cost_per_1000_people * (doors.range == 1)
        cost[day] = ((a_day * fresh + doors.launch_spend) * people / 1000).sum()
    return cost
