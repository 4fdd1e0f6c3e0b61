"""Competitors set their prices: they follow costs at once and ours some days later."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import normal

__all__ = ["set_rival_prices"]


@mechanism(reads=("cost_index", "rival", "own_index"), writes=("rival",), streams=("rival",))
def set_rival_prices(day: Day) -> None:
    """Move each category's rival price, as a log over its usual one.

    The common cost shock moves theirs and ours together: a trap for who reads their price
    as the cause of our sales.
    """
    law = day.world.scenario.competitors
    drawn = law.sd * normal(day.uniform("rival", np.arange(len(day["rival"]))))
    ours = day["own_index"][-law.delay_days]
    pull = law.cost_share * np.log(day["cost_index"]) + law.reaction * ours
    pull = pull + day.parameter("rival.target", 0.0, at={"category": np.arange(len(pull))})
    day["rival"] = law.memory * day["rival"] + (1 - law.memory) * pull + drawn
