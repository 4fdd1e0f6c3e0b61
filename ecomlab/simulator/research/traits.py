"""What is true of people that field work asks about, before anybody answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomlab.simulator.noise import Array, poisson
from ecomlab.simulator.world import World

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = ["ONWARD_DAYS", "Traits", "category_shares", "stock_taken", "true_traits"]

ONWARD_DAYS = 91  # days that a purchase intention is about
_NEW_ORDERS = 0.01  # orders an occasion, of people who know the shop and never bought
_YEAR = 365
_ENOUGH = 20_000


@dataclass(frozen=True)
class Traits:
    """True values of some people on a day, one position each."""

    has_bought: Array  # here, at any time
    knows: Array  # the shop
    orders: Array  # over all shops, in a year
    spend: Array  # the same [currency]
    orders_here: Array  # in the last year
    category: Array  # position of the favourite one
    opinion: Array  # of the shop: 0 is the mean customer's, in standard deviations
    chance: Array  # of an order here within the next 91 days
    eco_premium: Array  # share over the price that an ecological claim is worth


def stock_taken(world: World) -> Array:
    """Return people by whom the population's tastes are measured: the first ones, up to 20,000.

    People are numbered by no trait, so that these are as good as any.
    """
    return world.people.ids[:_ENOUGH]


def category_shares(world: World, who: Array) -> Array:
    """Return the share of each person's orders that falls into each category.

    Parameters
    ----------
    world
        The world.
    who
        Positions of people.
    """
    mood = world.of_categories("popularity").astype(np.float32)
    weight = world.people.category_taste[who] * mood
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def true_traits(recorder: Recorder, who: Array, day: int) -> Traits:
    """Return what is true of people on a day; nothing rests on what comes after it.

    A person's orders in a year are Poisson about the person's own rate, and never fewer than
    those placed here; the spend is in the categories' mean prices.
    """
    world, memory = recorder.world, recorder.memory
    people, scenario, ids = world.people, world.scenario, world.people.ids[who]
    had = _orders_before(world, who, day)
    since_start = memory.purchases(0, day)[who]
    here = had + memory.purchases(day - _YEAR + 1, day)[who]
    has_bought = (people.since[who] <= 0) | (since_start > 0)
    knows = has_bought | (people.aware_at[who] < memory.aware(day)[people.region[who]])
    rate = people.market_rate[who].astype(np.float64)
    orders = np.maximum(poisson(recorder.noise.uniform("market.orders", ids), rate), here)
    share = category_shares(world, who)
    price = np.array([kind.mean_price for kind in scenario.categories.values()])
    basket = scenario.market.units_per_order * (share * price).sum(axis=1)
    return Traits(
        has_bought=has_bought,
        knows=knows,
        orders=orders,
        spend=orders * basket,
        orders_here=here,
        category=share.argmax(axis=1),
        opinion=_opinion(recorder, who),
        chance=_chance(world, who, has_bought, knows),
        eco_premium=np.expm1(people.eco_taste[who] / people.price_sensitivity[who].astype(float)),
    )


def _orders_before(world: World, who: Array, day: int) -> Array:
    """Orders before the first day that fall into the year up to a day, spread evenly."""
    orders, since = world.people.orders_before[who], world.people.since[who]
    span = np.maximum(1 - since, 1)  # days from the first order to the first day
    return np.rint(orders * np.clip((_YEAR - day) / span, 0, 1)).astype(np.int64)


def _opinion(recorder: Recorder, who: Array) -> Array:
    """Return what people think of the shop: who is ready to buy again thinks better of it."""
    people, law = recorder.world.people, recorder.world.scenario.loyalty
    ready = np.clip(people.readiness[who].astype(np.float64) - law.readiness, -1.5, 1.5)
    luck = recorder.noise.normal("person.opinion", people.ids[who])
    return np.asarray(0.5 * ready + 0.85 * luck)


def _chance(world: World, who: Array, has_bought: Array, knows: Array) -> Array:
    """Chance of an order within a quarter, as far as it lies in the person."""
    people = world.people
    stays = 1 - people.dropout[who].astype(np.float64)
    loyal = stays * -np.expm1(-people.order_rate[who].astype(np.float64) * ONWARD_DAYS / 7)
    fresh = -np.expm1(-people.newcomer_rate[who].astype(float) * ONWARD_DAYS * _NEW_ORDERS)
    return np.asarray(np.where(has_bought, loyal, fresh * knows))
