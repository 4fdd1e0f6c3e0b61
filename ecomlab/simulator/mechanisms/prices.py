"""The shop posts its prices: costs passed on, promotions by habit, by event and into demand."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism

__all__ = ["post_prices"]

_SHOCK_TO_LOGIT = 10.0  # a category one shock deviation up is promoted e**(10 * dose * sd) oftener


@mechanism(
    reads=("cost_index", "category_shock", "event_promotion", "price_factor", "discount_factor"),
    writes=("on_sale", "base_cents", "price_cents", "depth", "unit_cost_cents"),
    streams=("promotion", "promotion.depth"),
)
def post_prices(day: Day) -> None:
    """Set the price before and after promotion of each product, in cents.

    The status-quo manager promotes by the week, more in categories where he feels demand
    rising: this is what makes the naive price elasticity wrong. Passed-on supply costs
    move prices without moving demand: the way out.
    """
    habits, goods = day.world.scenario.habits, day.world.products
    days = day.world.around.days
    week = (int(days.dates[day.index].astype("int64")) + 3) // 7
    dose = habits.promotion_on_demand * _SHOCK_TO_LOGIT
    usual = habits.promotion_share * np.exp(dose * day["category_shock"])[goods.category]
    share = np.clip(np.maximum(usual, day["event_promotion"]), 0, 0.95)
    slot = goods.key * 8192 + week
    promoted = day.uniform("promotion", slot, part="week") < share
    ladder = np.array(habits.promotion_depths)
    step = (day.uniform("promotion.depth", slot) * len(ladder)).astype(np.int64)
    depth = np.where(promoted, np.minimum(ladder[step] * day["discount_factor"], 0.9), 0.0)
    cost_index = day["cost_index"][goods.category]
    passed_on = 1 + habits.cost_pass_through * (cost_index - 1)
    wanted = goods.list_cents * passed_on * day["price_factor"][goods.category]
    base = np.maximum(np.rint(wanted / 10), 1) * 10 - 1  # prices end in 9 cents
    day["on_sale"] = goods.launch <= day.index
    day["base_cents"] = base.astype(np.int64)
    day["depth"] = depth
    day["price_cents"] = np.maximum(np.rint(base * (1 - depth)), 1).astype(np.int64)
    day["unit_cost_cents"] = np.rint(goods.cost_cents * cost_index).astype(np.int64)
