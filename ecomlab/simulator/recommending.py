"""Whether a recommender chooses what visitors look at, on a day, and what running it costs."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.noise import Array
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.scenario import Scenario

__all__ = ["book_recommender", "is_personal"]


def is_personal(plans: tuple[Plan, ...], today: np.datetime64) -> bool:
    """Return whether the recommender is on, by the last plan in force that names it."""
    on = False
    for plan in plans:
        if plan.start is not None and np.datetime64(plan.start, "D") <= today:
            on = on if plan.personalisation is None else plan.personalisation
    return on


def book_recommender(scenario: Scenario, people: int, plans: tuple[Plan, ...], days: int) -> Array:
    """Return what the recommender costs, by day [currency]."""
    first = np.datetime64(scenario.start, "D")
    is_on = [is_personal(plans, first + np.timedelta64(day, "D")) for day in range(days)]
    return np.array(is_on) * (scenario.costs.recommender_per_1000_people * people / 1000)
