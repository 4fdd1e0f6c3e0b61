"""The shop opens in the regions that the plan enters, each with a range of its own."""

from __future__ import annotations

from ecomlab.simulator.entering import open_doors
from ecomlab.simulator.graph import Day, mechanism

__all__ = ["open_regions"]


@mechanism(writes=("is_open", "shelf_range", "launch_spend", "people_served"))
def open_regions(day: Day) -> None:
    """See which regions are sold in today, with what range, and what a launch spends there."""
    world = day.world
    doors = open_doors(world.scenario, day.plans, world.around.days.dates[day.index])
    day["is_open"], day["shelf_range"] = doors.is_open, doors.range
    day["launch_spend"] = doors.launch_spend
    day["people_served"] = int(world.region_people[doors.is_open].sum())
