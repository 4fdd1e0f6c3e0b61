"""What the day brings by itself, and what the plan in force asks for."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism

__all__ = ["apply_plan", "observe_day"]


@mechanism(
    writes=("traffic", "forecast", "intent", "approach", "event_promotion", "category_season",
            "category_shock", "cost_index", "media_index"),
)  # fmt: skip
def observe_day(day: Day) -> None:
    """Read season, events and shocks of the day from the world's paths."""
    around, i = day.world.around, day.index
    day["traffic"] = around.traffic[i]
    day["forecast"] = around.forecast[i]
    day["intent"] = around.days.intent[i]
    day["approach"] = around.days.approach[i]
    day["event_promotion"] = around.days.promotion_share[i]
    day["category_season"] = around.category_season[i]
    day["category_shock"] = around.category_shock[i]
    day["cost_index"] = around.cost_index[i]
    day["media_index"] = around.media_index[i]


@mechanism(writes=("budget_factor", "price_factor", "discount_factor"))
def apply_plan(day: Day) -> None:
    """Put the plan's levers in force; one that no plan names stays at 1, the status quo."""
    scenario, today = day.world.scenario, day.world.around.days.dates[day.index]
    budgets = dict.fromkeys(scenario.channels, 1.0)
    prices = dict.fromkeys(scenario.categories, 1.0)
    discounts = 1.0
    for plan in day.plans:
        if plan.start is not None and np.datetime64(plan.start, "D") <= today:
            budgets.update({name: plan.budgets[name] for name in budgets if name in plan.budgets})
            prices.update(plan.prices)
            discounts = discounts if plan.discounts is None else plan.discounts
    day["budget_factor"] = np.array(list(budgets.values()))
    day["price_factor"] = np.array(list(prices.values()))
    day["discount_factor"] = discounts
