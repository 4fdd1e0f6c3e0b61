"""Buyers check out: units, coupon, shipping, payment."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import poisson

__all__ = ["PAID", "STATUS", "check_out"]

STATUS = ("paid", "failed", "pending", "cancelled")
PAID = 0


@mechanism(
    reads=("visitors", "considered", "lines", "base_cents", "price_cents", "unit_cost_cents"),
    writes=("buyers", "order_visit", "order_cents", "order_discount_cents", "shipping_cents",
            "payment", "coupon", "line_order", "line_sku", "line_units", "line_price_cents",
            "line_discount_cents", "line_cents", "line_cost_cents"),
    streams=("units", "coupon", "payment"),
)  # fmt: skip
def check_out(day: Day) -> None:
    """Write the day's orders and lines, money in cents.

    The coupon is found at the till: it lowers what is paid, not what is chosen.
    """
    world, costs = day.world, day.world.scenario.costs
    lines = day["lines"]
    order_visit = np.flatnonzero(lines.any(axis=1))
    buyers = day["visitors"][order_visit]
    ids = world.people.ids[buyers]
    habits = world.scenario.habits
    coupon = world.people.has_mail[buyers] & (day.uniform("coupon", ids) < habits.coupon_share)
    order, slot = np.nonzero(lines[order_visit])
    sku = day["considered"][order_visit[order], slot]
    luck = day.uniform("units", ids[order] * 4096 + world.products.key[sku])
    units = 1 + poisson(luck, world.scenario.shoppers.extra_units)
    base, asked = day["base_cents"][sku], day["price_cents"][sku]
    depth = np.where(coupon, habits.coupon_depth, 0.0)[order]
    off = units * (base - asked) + np.rint(units * asked * depth).astype(np.int64)
    amount = units * base - off
    total = _by_order(order, amount, len(buyers))
    day["buyers"], day["order_visit"], day["coupon"] = buyers, order_visit, coupon
    day["order_cents"] = total
    day["order_discount_cents"] = _by_order(order, off, len(buyers))
    free = total >= costs.free_shipping_from * 100
    day["shipping_cents"] = np.where(free, 0, round(costs.shipping_fee * 100))
    steps = np.cumsum([costs.failed_share, costs.pending_share, costs.cancelled_share])
    place = np.searchsorted(steps, day.uniform("payment", ids))
    day["payment"] = np.where(place == len(steps), PAID, place + 1)
    day["line_order"], day["line_sku"], day["line_units"] = order, sku, units
    day["line_price_cents"], day["line_discount_cents"] = base, off
    day["line_cents"], day["line_cost_cents"] = amount, day["unit_cost_cents"][sku]


def _by_order(order: np.ndarray, cents: np.ndarray, count: int) -> np.ndarray:
    out = np.zeros(count, dtype=np.int64)
    np.add.at(out, order, cents)
    return out
