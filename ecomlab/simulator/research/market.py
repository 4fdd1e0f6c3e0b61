"""The market's truth: how much is bought in all, from whom, and what products are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomlab.simulator.kernels.tables import add_up_need
from ecomlab.simulator.noise import Array
from ecomlab.simulator.research.pricing import shown_products, worth_now, worth_when_buying
from ecomlab.simulator.research.traits import stock_taken

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = ["QUANTILES", "tell_market", "tell_willingness"]

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def tell_market(recorder: Recorder) -> pa.Table:
    """Return orders and money of the market by calendar quarter, category and seller.

    A person places ``market_rate`` orders in 365 days of usual traffic, over all shops, in
    categories by own taste and season, each order in one category: what people need is given,
    and a shop that sells more takes it from the others. Ours are the paid orders, each in the
    category that most of its money went to. Named competitors and all other shops divide the
    rest by attraction, ``exp(-beta * ln(price / usual price))`` with the median price
    sensitivity; the other shops count as ``market.other_shops`` competitors of the usual
    price. Where a small shop outsold the market, the market is what it sold.
    """
    scenario, memory = recorder.world.scenario, recorder.memory
    need = np.maximum(_need(recorder), memory.orders)
    names, price = _sellers(recorder)
    pull = np.exp(-scenario.shoppers.price_sensitivity * price)
    pull[-1] *= scenario.market.other_shops
    theirs = (need - memory.orders) * pull / np.maximum(pull.sum(axis=0), 1e-12)
    mean = np.array([kind.mean_price for kind in scenario.categories.values()])
    money = theirs * scenario.market.units_per_order * mean * np.exp(price)
    orders = np.concatenate([need[None], memory.orders[None], theirs])
    amount = np.concatenate([memory.cents[None] / 100, money])
    amount = np.concatenate([amount.sum(axis=0, keepdims=True), amount])
    sellers = ("market", "ours", *names)
    shape = (*need.shape, len(sellers))
    quarter, category, seller = (at.ravel() for at in np.indices(shape))
    place = (seller, quarter, category)
    return pa.table(
        {
            "quarter": pa.array(_quarters(recorder)).take(pa.array(quarter)),
            "days": np.bincount(memory.quarter[: recorder.days])[quarter],
            "category_id": pa.array(list(scenario.categories)).take(pa.array(category)),
            "seller": pa.array(sellers).take(pa.array(seller)),
            "orders": np.round(orders[place], 2),
            "amount": np.round(amount[place], 2),
            "order_share": np.round(orders[place] / np.maximum(need[quarter, category], 1e-9), 6),
        }
    )


def _quarters(recorder: Recorder) -> list[str]:
    """Return the calendar quarters of the period, as 2024-Q1."""
    months = recorder.world.around.days.dates.astype("datetime64[M]").astype("int64")
    first = int(months[0]) // 3
    count = int(recorder.memory.quarter[-1]) + 1
    return [f"{1970 + (first + i) // 4}-Q{(first + i) % 4 + 1}" for i in range(count)]


def _need(recorder: Recorder) -> Array:
    """Orders that all people place over all shops, quarters x categories."""
    world, quarter = recorder.world, recorder.memory.quarter
    people, around, popularity = world.people, world.around, world.of_categories("popularity")
    out = np.zeros(recorder.memory.orders.shape)
    for q in range(len(out)):
        days = np.flatnonzero(quarter == q)
        season = around.category_season[days].mean(axis=0)
        years = around.traffic[days].sum(axis=0) / 365
        mood = (popularity * np.exp(season)).astype(np.float32)
        out[q] = add_up_need(people.market_rate, people.category_taste, people.region, mood, years)
    return out


def _sellers(recorder: Recorder) -> tuple[tuple[str, ...], Array]:
    """Return competitors and, last, the other shops, with log prices over the usual ones.

    Sellers x quarters x categories. A competitor's level is that of its scraped prices.
    """
    world, memory = recorder.world, recorder.memory
    goods, names = world.products, world.scenario.competitors.names
    days = np.bincount(memory.quarter)
    path = np.zeros(memory.orders.shape)
    np.add.at(path, memory.quarter, memory.rival())
    path /= days[:, None]
    level = np.stack(
        [
            np.bincount(
                goods.category,
                weights=goods.popularity
                * 0.08 * recorder.noise.normal("scrape.level", goods.key * 8 + i),
            )
            for i in range(len(names))
        ]
    )  # fmt: skip
    price = np.concatenate([path + level[:, None, :], np.zeros((1, *path.shape))])
    return (*names, "other shops"), price


def tell_willingness(recorder: Recorder) -> pa.Table:
    """Return quantiles of what products are worth to people, by category.

    ``price_now`` and ``price_when_buying`` [currency/unit] are about the product each person
    is shown (see :mod:`~ecomlab.simulator.research.pricing`); ``eco_premium_share``, which
    knows no category, is ``exp(omega / beta) - 1``. Quantile -1 stands for the mean.
    """
    world = recorder.world
    who = stock_taken(world)
    sku = shown_products(recorder, who)
    beta = world.people.price_sensitivity[who].astype(np.float64)
    premium = np.expm1(world.people.eco_taste[who] / beta)
    rows: list[tuple[str, str, float, float]] = []
    for name, worth in (
        ("price_now", worth_now(world, who, sku)),
        ("price_when_buying", worth_when_buying(world, who, sku)),
    ):
        for kind, category in enumerate(world.scenario.categories):
            rows += [(category, name, *one) for one in _quantiles(worth[:, kind])]
    rows += [("all", "eco_premium_share", *one) for one in _quantiles(premium)]
    names = ("category_id", "quantity", "quantile", "value")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _quantiles(values: Array) -> list[tuple[float, float]]:
    """Return quantiles with their values, and the mean as quantile -1."""
    found = np.quantile(values, QUANTILES)
    rows = [(at, round(float(value), 4)) for at, value in zip(QUANTILES, found, strict=True)]
    return [*rows, (-1.0, round(float(values.mean()), 4))]
