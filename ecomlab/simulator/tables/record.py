"""The record of a run: its log, joined over the days, with ids and instants.

An occasion is a person on a day; visit and order are numbered by it, so that the same
visit has the same number under another plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ecomlab.simulator.dates import day_bounds
from ecomlab.simulator.loop import Log
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.world import World

__all__ = ["Record", "lay_out_tables", "take_record"]

# Visits begin by the local hour, in shares: a lunch bump and a long evening.
_HOURS = (1.2, 0.7, 0.4, 0.3, 0.3, 0.6, 1.4, 2.6, 3.8, 4.8, 5.4, 5.7,
          6.0, 5.6, 5.2, 5.2, 5.3, 5.5, 6.0, 6.9, 7.6, 7.4, 5.6, 3.1)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """A run's visits, orders and lines, one position each, in the order of person and day."""

    world: World
    noise: Noise
    plan: Plan | None
    log: Log
    bounds: Array  # UTC second at which each local day begins
    visitor: Array
    visit_day: Array
    visit_start: Array  # UTC second
    order_visit: Array  # position of the visit
    order_at: Array
    line_order: Array  # position of the order
    line_number: Array
    customer_from: Array  # first day of a known order of each person; -1 without one

    @property
    def visit_id(self) -> Array:
        """Occasion numbers of visits: person x 4096 + day."""
        return self.visitor * 4096 + self.visit_day

    @property
    def buyer(self) -> Array:
        """Person of each order."""
        return self.visitor[self.order_visit]

    @property
    def order_day(self) -> Array:
        """Day of each order."""
        return self.visit_day[self.order_visit]

    @property
    def order_customer(self) -> Array:
        """Person of each order where known to the shop, -1 for guests."""
        return np.where(self.world.people.is_guest[self.buyer], -1, self.buyer)


def take_record(world: World, noise: Noise, plan: Plan | None, log: Log) -> Record:
    """Join the days of a log and date its visits and orders."""
    bounds = day_bounds(world.scenario, log.days)
    visitor, day = log.join("visitors"), log.day_of("visitors")
    occasion = visitor * 4096 + day
    share = np.concatenate([[0.0], np.cumsum(_HOURS) / np.sum(_HOURS)])
    clock = np.interp(noise.uniform("visit.hour", occasion), share, np.linspace(0, 1, 25))
    start = bounds[day] + np.floor(clock * (bounds[day + 1] - bounds[day])).astype(np.int64)
    order_visit = log.join_positions("order_visit", "visitors")
    minutes = 3 + 25 * noise.uniform("order.minutes", occasion[order_visit]) ** 2
    placed = start[order_visit] + np.rint(minutes * 60).astype(np.int64)
    line_order = log.join_positions("line_order", "buyers")
    first_line = np.searchsorted(line_order, line_order)
    known = ~world.people.is_guest[visitor[order_visit]]
    customer_from = np.full(len(world.people.ids), -1)
    late_first = order_visit[known][::-1]  # assigning backwards leaves the first day
    customer_from[visitor[late_first]] = day[late_first]
    return Record(
        world=world,
        noise=noise,
        plan=plan,
        log=log,
        bounds=bounds,
        visitor=visitor,
        visit_day=day,
        visit_start=start,
        order_visit=order_visit,
        # An order stays on the local day of its visit.
        order_at=np.minimum(placed, bounds[day[order_visit] + 1] - 1),
        line_order=line_order,
        line_number=np.arange(len(line_order)) - first_line + 1,
        customer_from=customer_from,
    )


def lay_out_tables(record: Record) -> dict[str, pa.Table]:
    """Return the observed tables of a run."""
    from ecomlab.simulator.tables import behaviour, ledger, shop

    return {
        "calendar": shop.calendar(record),
        "regions": shop.regions(record),
        "products": shop.products(record),
        "prices": shop.prices(record),
        "customers": behaviour.customers(record),
        "ad_daily": shop.ad_daily(record),
        "sessions": behaviour.sessions(record),
        "orders": ledger.orders(record),
        "order_lines": ledger.order_lines(record),
        "returns": ledger.returns(record),
        "plan_log": shop.plan_log(record),
        "costs_daily": ledger.costs_daily(record),
    }
