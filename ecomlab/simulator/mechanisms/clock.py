"""The hour of an order, which decides who is served first."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.clock import order_seconds, visit_seconds
from ecomlab.simulator.codes import occasions
from ecomlab.simulator.graph import Day, mechanism

__all__ = ["time_orders", "time_visits"]

_DAY = 86_400  # seconds; where clocks change, only the order of orders counts


@mechanism(reads=("visitors",), writes=("visit_luck",), streams=("visit.hour",))
def time_visits(day: Day) -> None:
    """Draw when in the day each visit begins, as a uniform (see ``clock.visit_seconds``)."""
    number = occasions(day.world.people.numbers(day["visitors"]), day.index)
    day["visit_luck"] = day.lasting("visit.hour", number)


@mechanism(
    reads=("visitors", "wants", "visit_luck"), writes=("order_second",), streams=("order.minutes",)
)
def time_orders(day: Day) -> None:
    """Tell at which second of the day each visit that wants to order does so; others -1."""
    wants = day["wants"]
    number = occasions(day.world.people.ids[day["visitors"][wants]], day.index)
    start = visit_seconds(day["visit_luck"][wants], _DAY)
    second = np.full(len(day["visitors"]), -1, dtype=np.int64)
    second[wants] = order_seconds(start, day.lasting("order.minutes", number), _DAY)
    day["order_second"] = second
