"""Visitors look at some products and take the best of them, or none (Gumbel-max)."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import Array

__all__ = ["choose", "consider"]

_OUTSIDE = 0  # product keys begin at 1, so that 0 keys the outside option


@mechanism(
    reads=("visitors", "on_sale", "category_season", "category_shock"),
    writes=("considered",),
    streams=("consider",),
)
def consider(day: Day) -> None:
    """Draw the products looked at: popular ones oftener, without regard to price.

    The first in an exponential race at the products' weights; a product's luck is its own.
    """
    people, goods, visitors = day.world.people, day.world.products, day["visitors"]
    mood = np.exp(day["category_season"] + day["category_shock"])[goods.category]
    weight = goods.popularity * mood * day["on_sale"]
    open_to = np.flatnonzero(weight > 0)
    ids = people.ids[visitors][:, None] * 4096 + goods.key[open_to]
    taste = people.category_taste[visitors][:, goods.category[open_to]]
    race = -np.log(day.uniform("consider", ids)) / (weight[open_to] * taste)
    size = min(day.world.scenario.shoppers.considered, len(open_to))
    first = np.argpartition(race, size - 1, axis=1)[:, :size]
    day["considered"] = open_to[np.sort(first, axis=1)]


@mechanism(
    reads=("visitors", "considered", "price_cents", "intent", "category_shock"),
    writes=("lines", "in_cart", "order_chance", "line_chance"),
    streams=("gumbel", "add_on"),
)
def choose(day: Day) -> None:
    """Take the best product if it beats buying nothing; add others to the order by own appeal.

    The noise belongs to (person, day, product): another price moves choices only to or
    from the product repriced. Cart and order share it, so that every order was in a cart.
    """
    law, people, visitors = day.world.scenario.shoppers, day.world.people, day["visitors"]
    inside, outside = _utilities(day)
    ids = people.ids[visitors] * 4096
    keys = day.world.products.key[day["considered"]]
    shaken = inside + _gumbel(day.uniform("gumbel", ids[:, None] + keys))
    nothing = outside + _gumbel(day.uniform("gumbel", ids + _OUTSIDE))
    best = shaken.max(axis=1, initial=-np.inf)
    top = shaken == best[:, None]
    add_on = 1 / (1 + np.exp(law.add_on_outside - inside))
    liked = day.uniform("add_on", ids[:, None] + keys) < add_on
    lines = (top | liked) & (best > nothing)[:, None]
    day["lines"] = lines
    day["in_cart"] = best > nothing - law.cart_slack
    exp_in = np.exp(inside)
    total = exp_in.sum(axis=1, keepdims=True)
    order = total / (total + np.exp(outside)[:, None])
    best_chance = exp_in / total
    day["order_chance"] = order[:, 0]
    day["line_chance"] = order * (best_chance + (1 - best_chance) * add_on)


def _utilities(day: Day) -> tuple[Array, Array]:
    """Return the utilities of the products considered, and of buying nothing, without noise."""
    world, law, visitors, seen = (
        day.world, day.world.scenario.shoppers, day["visitors"], day["considered"],
    )  # fmt: skip
    people, goods = world.people, world.products
    mean = np.array([kind.mean_price for kind in world.scenario.categories.values()])
    relative = np.log(day["price_cents"] / 100 / mean[goods.category])
    fit = np.zeros(seen.shape)
    for axis in range(people.taste.shape[1]):  # a loop, since matrix products depend on threads
        fit += people.taste[visitors, axis][:, None] * goods.attribute[seen, axis]
    base = goods.quality + day["category_shock"][goods.category]
    inside = base[seen] + fit - people.price_sensitivity[visitors][:, None] * relative[seen]
    at = np.array(law.device_outside)[people.device[visitors]]
    return inside, law.outside + at - day["intent"]


def _gumbel(u: Array) -> Array:
    return np.asarray(-np.log(-np.log(u)))
