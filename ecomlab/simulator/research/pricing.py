"""What products are worth to people, and the four prices they name (Van Westendorp 1976).

Two kinds of worth. *Now*: the price at which buying on an ordinary visit is as good as not
buying, low since most visits are no occasion to buy. *When buying*: the price at which the
product is as good as a competitor's usual one at the category's mean price; this is what
people have in mind when they are asked, and so what the four prices are about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomlab.simulator.goods import SHELF
from ecomlab.simulator.noise import Array
from ecomlab.simulator.research.orders import Sample
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.world import World

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = ["four_prices", "price_answers", "shown_products", "worth_now", "worth_when_buying"]

_ROUND, _FINE = 2, 20  # parts of a power of ten that people round to, and finer ones
_DRAWS = 5
_LEAST = 1.0  # currency: nobody names a price below it as too expensive


def shown_products(recorder: Recorder, who: Array, day: int = 0) -> Array:
    """Return the product of each category that each person is shown: popular ones oftener.

    People x categories, positions of products. A person is always shown the same, unless it
    is not launched by the day: then the next of five draws, or the category's first launched.
    """
    world, goods = recorder.world, recorder.world.products
    kinds = np.arange(len(world.scenario.categories))
    words = recorder.noise.words("market.shown", world.people.ids[who][:, None] * 64 + kinds)
    first = [
        np.flatnonzero(goods.category == k)[np.argmin(goods.launch[goods.category == k])]
        for k in kinds
    ]
    shown = np.broadcast_to(np.array(first), words.shape)
    for draw in reversed(range(_DRAWS)):
        place = (words >> np.uint64(12 * draw)) & np.uint64(SHELF - 1)
        sku = goods.shelf[0, kinds, place.astype(np.int64)]
        shown = np.where(goods.launch[sku] <= day, sku, shown)
    return np.asarray(shown)


def worth_when_buying(world: World, who: Array, sku: Array) -> Array:
    """Return the highest price for which people prefer products to a usual one elsewhere.

    ``mean_price * exp((V - V0) / beta)``, V without its price and V0 = 0 the usual product at
    its usual price [currency/unit]; ``sku`` holds people x any number of products.
    """
    people, goods = world.people, world.products
    value = goods.quality[sku] + people.eco_taste[who, None] * goods.is_eco[sku]
    for axis in range(people.taste.shape[1]):
        value = value + people.taste[who, axis, None] * goods.attribute[sku, axis]
    mean = np.array([kind.mean_price for kind in world.scenario.categories.values()])
    beta = people.price_sensitivity[who, None].astype(np.float64)
    return np.asarray(mean[goods.category[sku]] * np.exp(value / beta))


def worth_now(world: World, who: Array, sku: Array) -> Array:
    """Return the price at which buying on a visit is as good as leaving, luck aside.

    As :func:`worth_when_buying`, but V0 is what leaving is worth on the first day
    [currency/unit] (`simulator.md`, section 6).
    """
    people, scenario = world.people, world.scenario
    at_device = np.array(scenario.shoppers.device_outside)[people.device[who]]
    ready = np.where(people.since[who] <= 0, np.clip(people.readiness[who], -8.0, 4.5), 0.0)
    away = np.array([region.elsewhere for region in scenario.regions.values()])
    leave = scenario.choice.outside + away[people.region[who]] + at_device - ready
    beta = people.price_sensitivity[who].astype(np.float64)
    return worth_when_buying(world, who, sku) * np.exp(-leave / beta)[:, None]


def price_answers(recorder: Recorder, sample: Sample) -> dict[str, Any]:
    """Return the four prices each respondent names for one product of each category."""
    world, law = recorder.world, recorder.world.scenario.panel
    sku = shown_products(recorder, sample.who, sample.order.day)
    launched = world.products.launch[sku] <= sample.order.day
    ids = world.people.ids[sample.who]
    slot = ids[:, None] * 64 + np.arange(sku.shape[1])
    stated = worth_when_buying(world, sample.who, sku) * law.price_inflation
    stated = stated * np.exp(0.12 * recorder.noise.normal("answer.price", slot))
    stated = np.maximum(stated, _LEAST)
    gap = 0.62 + 0.26 * recorder.noise.uniform("style.gap", ids)
    rounds = recorder.noise.uniform("style.round", ids) < law.round_share
    prices = four_prices(stated, gap[:, None], rounds[:, None])
    names = ("too_cheap", "cheap", "expensive", "too_expensive")
    kind = np.broadcast_to(np.arange(sku.shape[1]), sku.shape)
    return {
        "category_id": arrow.words(kind.ravel(), tuple(world.scenario.categories)),
        "sku": arrow.words(np.where(launched, sku, -1).ravel(), world.products.sku),
        **{name: at.ravel() for name, at in zip(names, prices, strict=True)},
    }


def four_prices(worth: Array, gap: Array, rounds: Array) -> tuple[Array, Array, Array, Array]:
    """Return the prices too cheap to trust, cheap, expensive, and too expensive to consider.

    The last is the stated worth; each one before is ``gap`` times the next. People who round
    say halves of powers of ten, the others twentieths; names never tie.

    Examples
    --------
    >>> [p.tolist() for p in four_prices(np.array([38.0]), np.array([0.7]), np.array([True]))]
    [[15.0], [20.0], [25.0], [40.0]]
    """
    below = np.zeros_like(worth)
    found = []
    for power in (3, 2, 1, 0):
        exact = worth * gap**power
        size = 10.0 ** np.floor(np.log10(exact))
        step = size / np.where(rounds, _ROUND, _FINE)
        said = np.round(np.rint(exact / step) * step, 2)
        below = np.where(said > below, said, np.round(below + size / _FINE, 2))
        found.append(below)
    return found[0], found[1], found[2], found[3]
