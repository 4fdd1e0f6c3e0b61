"""The shop posts its prices: costs passed on, promotions by habit, by event and into demand."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import Array
from ecomlab.simulator.world import World

__all__ = ["coach", "post_prices", "usual_shares"]

_SHOCK_TO_LOG = 10.0  # a category one unit of shock up is promoted e**(10 x dose) times as often
_USUAL_DOSE = 0.30
_LOTTERY_SHARE = 0.25  # of weeks in which a product of the lottery is promoted
_CARE_DAYS = 91
_SHOCK = 0.2  # log sd of a product's sales from one quarter to another
_LEARNS = 0.4  # weight of the last quarter in what is usual for a product


@mechanism(
    reads=("cost_index", "category_shock", "sku_shock", "event_promotion", "price_by_sku",
           "discount_factor", "promotion_factor", "lottery", "own_index", "source_cost",
           "is_delisted"),
    writes=("on_sale", "base_cents", "price_cents", "depth", "unit_cost_cents", "own_index"),
    streams=("promotion", "promotion.depth", "promotion.lottery"),
)  # fmt: skip
def post_prices(day: Day) -> None:
    """Set the price before and after promotion of each product, in cents.

    The status-quo manager promotes by the week, more where he feels demand rising and at
    events: this is what makes naive elasticities and uplifts wrong. Passed-on supply costs
    move prices without moving demand, and lots move promotions: the ways out.
    """
    habits, goods = day.world.scenario.habits, day.world.products
    slot = goods.key * 8192 + day.world.around.week[day.index]
    promoted = day.lasting("promotion", slot) < _promotion_chance(day)
    drawn = day.lasting("promotion.lottery", slot) < _LOTTERY_SHARE
    promoted = np.where(day["lottery"], drawn, promoted)
    ladder = np.array(habits.promotion_depths)
    step = (day.lasting("promotion.depth", slot) * len(ladder)).astype(np.int64)
    depth = np.where(promoted, np.minimum(ladder[step] * day["discount_factor"], 0.9), 0.0)
    cost_index = day["cost_index"][goods.category]
    passed_on = 1 + habits.cost_pass_through * (cost_index - 1)
    all_goods = np.arange(len(goods.key))
    posted = day.parameter("shelf.price_factor", 1.0, skus=all_goods)
    base = _whole(goods.list_cents * passed_on * day["price_by_sku"] * posted)
    price = np.maximum(np.rint(base * (1 - depth)), 1)
    is_listed = day.parameter("shelf.is_listed", 1.0, skus=all_goods)
    is_listed = (np.asarray(is_listed) > 0) & ~day["is_delisted"]
    day["on_sale"] = (goods.launch <= day.index) & is_listed
    day["base_cents"], day["price_cents"] = base, price.astype(np.int64)
    day["depth"] = depth
    cost = goods.cost_cents * cost_index * day["source_cost"]
    day["unit_cost_cents"] = np.rint(cost).astype(np.int64)
    relative = np.log(price / goods.list_cents) * goods.popularity
    ours = np.bincount(goods.category, weights=relative)
    day["own_index"] = np.concatenate([day["own_index"][1:], ours[None]])


def _promotion_chance(day: Day) -> Array:
    """Return the chance that each product is promoted this week, at the doses of the traps."""
    habits, traps = day.world.scenario.habits, day.world.scenario.traps
    category = day.world.products.category
    felt = day["category_shock"][category] + day["sku_shock"]
    usual = habits.promotion_share * np.exp(_SHOCK_TO_LOG * traps.price * felt)
    event = day["event_promotion"] * traps.promotion / _USUAL_DOSE
    share = np.maximum(usual, event) * day["promotion_factor"]
    return np.asarray(np.minimum(np.maximum(share, 0), 0.95))


def _whole(cents: Array) -> Array:
    """Round prices to end in nine cents."""
    return (np.maximum(np.rint(cents / 10), 1) * 10 - 1).astype(np.int64)


@mechanism(
    reads=("quarter_units", "usual_share", "on_sale"),
    writes=("picked", "coached", "quarter_units", "usual_share"),
    streams=("coach", "coach.lot"),
)
def coach(day: Day) -> None:
    """Pick products for care every quarter, mostly those that just sold worst; half get it.

    Worst is by what is usual for the product itself, so that a poor seller is not picked for ever.
    Those that sold badly by bad luck would have recovered anyhow (regression to the mean);
    the half that is left alone, by lot, shows how much.
    """
    habits, goods = day.world.scenario.habits, day.world.products
    if day.index % _CARE_DAYS or day.index == 0:
        return
    kind = np.bincount(goods.category, weights=day["quarter_units"])[goods.category]
    usual = day["usual_share"] * kind
    current = day["quarter_units"] / np.maximum(kind, 1)
    day["usual_share"] = day["usual_share"] + _LEARNS * (current - day["usual_share"])
    # the luck of sales, and that of shocks, which does not fade in a large shop
    score = (day["quarter_units"] - usual) / np.sqrt(usual + 1 + (_SHOCK * usual) ** 2)
    dose = day.world.scenario.traps.targets / _USUAL_DOSE
    rank = dose * score - np.log(-np.log(day.uniform("coach", goods.key))) * (1.5 - dose)
    rank = np.where(day["on_sale"] & (goods.launch <= day.index - _CARE_DAYS), rank, np.inf)
    picked = np.zeros(len(goods.key), dtype=bool)
    picked[np.argsort(rank, kind="stable")[: habits.coached_per_quarter]] = True
    day["picked"] = picked & np.isfinite(rank)
    day["coached"] = day["picked"] & (day.uniform("coach.lot", goods.key) < 0.5)
    day["quarter_units"] = np.zeros(len(goods.key))


def usual_shares(world: World) -> Array:
    """Return what share of its category's units each product may be expected to sell."""
    goods, law = world.products, world.scenario
    mean = np.array([kind.mean_price for kind in law.categories.values()])[goods.category]
    dearer = np.log(goods.list_cents / 100 / mean)
    drawn = goods.popularity * np.exp(goods.quality - law.shoppers.price_sensitivity * dearer)
    drawn = np.where(goods.launch < _CARE_DAYS, drawn, 0.0)
    whole = np.bincount(goods.category, weights=drawn)[goods.category]
    return np.asarray(drawn / np.maximum(whole, 1e-300))
