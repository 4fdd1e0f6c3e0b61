"""Routes to the shop fire independently for each person; any that fires makes a visit."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism

__all__ = ["fire_routes"]

_MOST = 0.6  # chance of a route on a day, at most


@mechanism(
    reads=("traffic", "response", "alive"),
    writes=("visitors", "fired", "route_chance", "channel", "expected_visits"),
    streams=("route", "route.time"),
)
def fire_routes(day: Day) -> None:
    """Decide who visits today and by which routes; the last one is the visit's channel."""
    people, scenario = day.world.people, day.world.scenario
    here = np.flatnonzero(day["alive"] & (people.aware_from <= day.index))
    regions = people.region[here]
    chance = np.empty((len(scenario.channels), len(here)))
    fired = np.empty(chance.shape, dtype=bool)
    for i, name in enumerate(scenario.channels):
        level = (day["traffic"] * day["response"][i])[regions]
        np.minimum(people.affinity[i, here] * level, _MOST, out=chance[i])
        fired[i] = day.uniform("route", people.ids[here], part=name) < chance[i]
    came = fired.any(axis=0)
    day["expected_visits"] = float((1 - np.prod(1 - chance, axis=0)).sum())
    day["visitors"] = here[came]
    day["route_chance"] = chance[:, came]
    day["fired"] = fired = fired[:, came]
    at = np.stack(
        [day.uniform("route.time", people.ids[here[came]], part=name) for name in scenario.channels]
    )
    day["channel"] = np.argmax(np.where(fired, at, -1.0), axis=0)
