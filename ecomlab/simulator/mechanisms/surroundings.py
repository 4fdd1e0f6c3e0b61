"""What the day brings by itself, what the plan in force asks for, and what is being tried."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.entering import is_old
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import Array
from ecomlab.simulator.recommending import is_personal

__all__ = ["apply_plan", "observe_day", "run_experiments"]


@mechanism(
    writes=("traffic", "forecast", "intent", "approach", "event_promotion", "category_season",
            "category_shock", "sku_shock", "cost_index", "media_index", "rank"),
)  # fmt: skip
def observe_day(day: Day) -> None:
    """Read season, events and shocks of the day from the world's paths."""
    around, i = day.world.around, day.index
    everywhere = {"region": np.arange(len(day.world.region_people))}
    day["traffic"] = day.parameter("market.traffic", around.traffic[i], at=everywhere)
    day["forecast"] = around.forecast[i]
    day["intent"] = around.days.intent[i]
    day["approach"] = around.days.approach[i]
    day["event_promotion"] = around.days.promotion_share[i]
    day["category_season"] = around.category_season[i]
    day["category_shock"] = around.category_shock[i]
    day["sku_shock"] = around.sku_shock[around.week[i] - around.week[0]]
    day["cost_index"] = around.cost_index[i]
    day["media_index"] = around.media_index[i]
    day["rank"] = day.parameter("search.rank", around.rank[i])


@mechanism(
    writes=("budget_factor", "price_factor", "discount_factor", "promotion_factor", "built",
            "reorder_factor", "second_share", "is_delisted", "is_personal"),
)  # fmt: skip
def apply_plan(day: Day) -> None:
    """Put the plan's levers in force; one that no plan names stays at 1, the status quo."""
    world, scenario = day.world, day.world.scenario
    today = world.around.days.dates[day.index]
    budget: dict[str, float] = dict.fromkeys(map(str, scenario.routes), 1.0)
    price = np.ones(len(world.products.key))
    stock, second = np.ones(len(price)), np.zeros(len(price))
    gone: tuple[str, ...] = ()
    discounts = promotions = 1.0
    built: dict[str, None] = {}
    for plan in day.plans:
        if plan.start is None or np.datetime64(plan.start, "D") > today:
            continue
        for lever, factor in sorted(plan.budgets.items(), key=lambda one: "." in one[0]):
            budget.update(dict.fromkeys(scenario.levers[lever], factor))
        for name, factor in sorted(plan.prices.items(), key=lambda one: "-" in one[0]):
            price[_goods_of(day, name)] = factor
        for levels, named in ((stock, plan.reorder), (second, plan.suppliers)):
            for name, value in sorted(named.items(), key=_how_narrow):
                levels[_goods_of(day, name)] = value
        discounts = discounts if plan.discounts is None else plan.discounts
        promotions = promotions if plan.promotions is None else plan.promotions
        built.update(dict.fromkeys(plan.features))
        gone = gone if plan.delist is None else plan.delist
    day["budget_factor"] = np.array(list(budget.values()))
    day["price_factor"] = price
    day["discount_factor"], day["promotion_factor"] = discounts, promotions
    day["built"], day["is_personal"] = tuple(built), is_personal(day.plans, today)
    day["reorder_factor"], day["second_share"] = stock, second
    day["is_delisted"] = np.zeros(len(price), dtype=bool)
    day["is_delisted"][[world.products.sku.index(sku) for sku in gone]] = True


def _how_narrow(named: tuple[str, float]) -> int:
    """Rank a setting for all before one for a category, and that before a product's."""
    return (named[0] != "all") + ("-" in named[0])


def _goods_of(day: Day, name: str) -> Array:
    """Return the positions of a product, of a category's products, or of all."""
    goods, kinds = day.world.products, list(day.world.scenario.categories)
    if name == "all":
        return np.arange(len(goods.key))
    if name in kinds:
        return np.flatnonzero(goods.category == kinds.index(name))
    return np.array([goods.sku.index(name)])


@mechanism(
    reads=("budget_factor", "price_factor"),
    writes=("budget_by_region", "price_by_sku", "lottery", "running"),
)
def run_experiments(day: Day) -> None:
    """Draw lots for what is switched by region or by product today.

    Who among the people is in which arm is drawn where they are met: ``running`` lists the
    experiments on people.
    """
    world, scenario = day.world, day.world.scenario
    today = world.around.days.dates[day.index]
    names = [str(name) for name in scenario.routes]
    budget = np.repeat(day["budget_factor"][:, None], len(scenario.regions), axis=1)
    price, lottery = day["price_factor"].copy(), np.zeros(len(world.products.key), dtype=bool)
    running = []
    for plan in day.plans:
        for test in plan.experiments:
            if not 0 <= (age := test.age(today)) < test.days:
                continue
            if test.kind == "geo":
                on = test.regions_on(day.lot, is_old(scenario), age)
                rows = [names.index(route) for route in scenario.levers[test.what]]
                budget[rows] *= on
            elif test.kind == "price":
                here = _goods_of(day, test.what)
                arm = test.arm(day.lot, world.products.key[here])
                price[here] *= np.array([1.0, *test.factors])[arm]
            elif test.kind == "promotion":
                here = _goods_of(day, test.what)
                lottery[here] |= test.arm(day.lot, world.products.key[here]) == 1
            else:
                running.append(test)
    day["budget_by_region"], day["price_by_sku"] = budget, price
    day["lottery"], day["running"] = lottery, tuple(running)
