"""The shop becomes known, and is forgotten (Vidale and Wolfe 1957, with word of mouth)."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism

__all__ = ["spread_awareness"]


@mechanism(
    reads=("response", "burst", "customers_by_region", "is_open", "launch_spend", "aware"),
    writes=("aware",),
)
def spread_awareness(day: Day) -> None:
    """Move the share of each region's people that know the shop.

    A person knows it while the share is above a threshold of the person's own, so that
    nobody flickers and a larger share never loses anybody. Where nobody can buy, it stays.
    """
    scenario, law = day.world.scenario, day.world.scenario.shoppers
    effect = day.world.of_routes("brand_effect")
    reached = (effect[:, None] * (day["response"] + day["burst"][:, None])).sum(axis=0)
    buyers = day["customers_by_region"] / np.maximum(day.world.region_people, 1)
    entry, spend, aware = scenario.entry, day["launch_spend"], day["aware"]
    launched = entry.launch_effect * spend / (spend + entry.launch_half_saturation)
    gain = (reached + law.word_of_mouth * buyers + launched) * (1 - aware)
    moved = np.minimum(np.maximum(aware + gain - law.forget_per_day * aware, 0), 1)
    day["aware"] = np.where(day["is_open"], moved, aware)
