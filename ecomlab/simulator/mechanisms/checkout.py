"""Buyers check out: units, coupon, shipping, payment."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import Array, low_half, to_uniform

__all__ = ["PAID", "STATUS", "check_out"]

STATUS = ("paid", "failed", "pending", "cancelled")
PAID = 0


@mechanism(
    reads=("visitors", "considered", "wants", "lines", "base_cents", "price_cents",
           "unit_cost_cents", "live_depth", "quarter_units"),
    writes=("buyers", "order_visit", "order_cents", "order_discount_cents", "shipping_cents",
            "payment", "coupon", "line_order", "line_sku", "line_units", "line_price_cents",
            "line_discount_cents", "line_cents", "line_cost_cents", "quarter_units"),
    streams=("till",),
)  # fmt: skip
def check_out(day: Day) -> None:
    """Write the day's orders and lines, money in cents.

    The coupon is found at the till: it lowers what is paid, not what is chosen.
    """
    world, costs = day.world, day.world.scenario.costs
    some = day["lines"].any(axis=1)
    order_visit, lines = day["wants"][some], day["lines"][some]
    buyers = day["visitors"][order_visit]
    ids = world.people.ids[buyers]
    habits = world.scenario.habits
    words = day.words("till", ids)
    finds = day.parameter("till.coupon_share", habits.coupon_share, people=buyers)
    coupon = world.people.has_mail[buyers] & (low_half(words) < finds)
    order, slot = np.nonzero(lines)
    sku, units = day["considered"][slot, order_visit[order]], lines[order, slot]
    base, asked = day["base_cents"][sku], day["price_cents"][sku]
    kept = (1 - day["live_depth"][order_visit]) * np.where(coupon, 1 - habits.coupon_depth, 1.0)
    off = units * (base - asked) + np.rint(units * asked * (1 - kept[order])).astype(np.int64)
    amount = units * base - off
    total = _by_order(order, amount, len(buyers))
    day["buyers"], day["order_visit"], day["coupon"] = buyers, order_visit, coupon
    day["order_cents"] = total
    day["order_discount_cents"] = _by_order(order, off, len(buyers))
    free = total >= costs.free_shipping_from * 100
    fee = day.parameter("till.shipping_fee", costs.shipping_fee, people=buyers)
    day["shipping_cents"] = np.where(free, 0, np.rint(np.asarray(fee) * 100).astype(np.int64))
    day["payment"] = _payments(day, buyers, to_uniform(words))
    day["line_order"], day["line_sku"], day["line_units"] = order, sku, units
    day["line_price_cents"], day["line_discount_cents"] = base, off
    day["line_cents"], day["line_cost_cents"] = amount, day["unit_cost_cents"][sku]
    sold = np.bincount(sku, weights=units, minlength=len(world.products.key))
    day["quarter_units"] = day["quarter_units"] + sold


def _payments(day: Day, buyers: Array, luck: Array) -> Array:
    """Return what becomes of each order's payment: it fails, waits, is called off, or is paid."""
    costs = day.world.scenario.costs
    failed = day.parameter("till.failed_share", costs.failed_share, people=buyers)
    waits = failed + costs.pending_share
    place = np.where(luck > failed, 1, 0) + (luck > waits) + (luck > waits + costs.cancelled_share)
    return np.where(place == 3, PAID, place + 1)


def _by_order(order: Array, cents: Array, count: int) -> Array:
    return np.rint(np.bincount(order, weights=cents, minlength=count)).astype(np.int64)
