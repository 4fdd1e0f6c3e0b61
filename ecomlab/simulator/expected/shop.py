"""The shop's side of a day in expected mode: what all visitors meet alike.

Seasons, shocks, costs and competitors, the manager's habits and the plan are as in the sampled
world of the same seed: its own mechanisms are run.
"""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, Mechanism
from ecomlab.simulator.mechanisms.awareness import spread_awareness
from ecomlab.simulator.mechanisms.choice import value_products
from ecomlab.simulator.mechanisms.competition import set_rival_prices
from ecomlab.simulator.mechanisms.contacts import staff_desks
from ecomlab.simulator.mechanisms.delivery import quote_delivery
from ecomlab.simulator.mechanisms.media import book_creators, buy_media, remember_media
from ecomlab.simulator.mechanisms.prices import coach, post_prices
from ecomlab.simulator.mechanisms.regions import open_regions
from ecomlab.simulator.mechanisms.supply import watch_suppliers
from ecomlab.simulator.mechanisms.surroundings import apply_plan, observe_day, run_experiments

__all__ = ["open_shop"]

_BEFORE: tuple[Mechanism, ...] = (
    observe_day, apply_plan, open_regions, run_experiments, staff_desks, quote_delivery,
    watch_suppliers, set_rival_prices,
)  # fmt: skip
_AFTER: tuple[Mechanism, ...] = (
    coach, buy_media, book_creators, remember_media, spread_awareness, value_products,
)  # fmt: skip


def open_shop(day: Day) -> None:
    """Run what comes before anybody visits, for all alike.

    A plan's prices are multiples of the rounded usual ones and are not rounded themselves, so
    that what they do is smooth; a shop rounds them to ten cents.
    """
    for step in _BEFORE:
        step(day)
    factor = day["price_by_sku"]
    day["price_by_sku"] = np.ones(len(factor))
    post_prices(day)
    goods = day.world.products
    day["base_cents"] = day["base_cents"] * factor
    day["price_cents"] = day["base_cents"] * (1 - day["depth"])
    index = day["own_index"].copy()
    index[-1] += np.bincount(goods.category, weights=np.log(factor) * goods.popularity)
    day["own_index"] = index
    for step in _AFTER:
        step(day)
