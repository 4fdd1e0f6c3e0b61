"""After an order: some goods come back, and some buyers never do."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import gamma, pick

__all__ = ["REASONS", "leave", "send_back"]

REASONS = ("does not fit", "not as described", "changed mind", "damaged", "arrived late")
_FITS = np.array([0.45, 0.17, 0.24, 0.08, 0.06])  # shares of reasons, assumed
_OTHER = np.array([0.06, 0.34, 0.36, 0.16, 0.08])
_WORN = ("apparel", "shoes")
_TO_DELIVERY, _DELAY, _TO_REFUND = 3, 8.0, 3  # days; delays are gamma with shape 2
_WINDOW = 30  # days after delivery within which goods may be returned


@mechanism(
    reads=("buyers", "payment", "line_order", "line_sku", "line_units"),
    writes=("back_line", "back_units", "back_after_days", "back_reason"),
    streams=("return", "return.delay", "return.units", "return.reason"),
)
def send_back(day: Day) -> None:
    """Decide which lines come back, after how many days, and why."""
    world, sku, order = day.world, day["line_sku"], day["line_order"]
    ids = world.people.ids[day["buyers"]][order] * 4096 + world.products.key[sku]
    comes = day.uniform("return", ids) < world.products.return_share[sku]
    back = np.flatnonzero(comes & (day["payment"] == PAID)[order])
    ids, units = ids[back], day["line_units"][back]
    delay = np.minimum(gamma(day.uniform("return.delay", ids), 2.0) * _DELAY, _WINDOW)
    some = np.ceil(day.uniform("return.units", ids) * units).astype(np.int64)
    kinds = list(world.scenario.categories)
    worn = np.array([kind in _WORN for kind in kinds])[world.products.category[sku[back]]]
    luck = day.uniform("return.reason", ids)
    day["back_line"] = back
    day["back_units"] = some
    day["back_after_days"] = _TO_DELIVERY + np.ceil(delay).astype(np.int64) + _TO_REFUND
    day["back_reason"] = np.where(worn, pick(luck, _FITS), pick(luck, _OTHER))


@mechanism(reads=("alive", "buyers"), writes=("alive",), streams=("leave",))
def leave(day: Day) -> None:
    """Let each buyer leave for good with the own chance (the dropout of BG/NBD)."""
    people, buyers = day.world.people, day["buyers"]
    gone = buyers[day.uniform("leave", people.ids[buyers]) < people.dropout[buyers]]
    alive = day["alive"].copy()
    alive[gone] = False
    day["alive"] = alive
