"""A recommender: of two products for a place, the one it believes the visitor likes better."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day
from ecomlab.simulator.kernels.choice import weigh_products
from ecomlab.simulator.noise import Array, normal

__all__ = ["recommend"]


def recommend(
    day: Day,
    main: Array,
    known: tuple[Array, Array],
    looks: tuple[Array, Array],
    others: tuple[Array, Array],
) -> tuple[Array, Array]:
    """Return the products looked at, and which count, where a recommender fills the shelf.

    It believes that a visitor values a product by its utility and an error of its own, the same
    every day for a person and a product. It fills the first places of the shelf; what would be
    there anyway is one of the two.

    Parameters
    ----------
    day
        The day.
    main
        Categories turned to.
    known
        Appeal and log price of products.
    looks, others
        Products looked at and which count, visits x places: those of the shelf, and a second
        draw from it.
    """
    (seen, counts), (seen_too, counts_too) = looks, others
    mine, its = (_believed(day, main, known, one) for one in (looks, others))
    better = counts_too & (its > np.where(counts, mine, -np.inf))
    better[:, day.world.scenario.choice.recommender_places :] = False
    shown = np.where(better, seen_too, seen)
    return shown, _once(shown, np.where(better, counts_too, counts))


def _believed(
    day: Day, main: Array, known: tuple[Array, Array], looks: tuple[Array, Array]
) -> Array:
    """Return the utility of products as the recommender sees it."""
    world, visitors, (seen, counts) = day.world, day["visitors"], looks
    people, goods, choice = world.people, world.products, world.scenario.choice
    zero = np.zeros(len(visitors))
    inside, _ = weigh_products(
        visitors, (seen, counts, main),
        (people.price_sensitivity, people.eco_taste, people.taste, people.readiness,
         people.device, people.region),
        (*known, goods.is_eco, goods.attribute),
        (np.zeros(len(visitors), dtype=bool), zero, zero),
        (0.0, np.zeros(3), np.zeros(len(world.region_people)), 0.0,
         np.zeros(len(world.scenario.categories))),
    )  # fmt: skip
    ids = people.ids[visitors][:, None] * 4096 + goods.key[seen]
    return np.asarray(inside + choice.recommender_sd * normal(day.lasting("recommend", ids)))


def _once(shown: Array, counts: Array) -> Array:
    """Return which places count: what is shown twice counts once, at the first."""
    kept = counts.copy()
    for place in range(1, shown.shape[1]):
        for earlier in range(place):
            kept[:, place] &= ~(kept[:, earlier] & (shown[:, earlier] == shown[:, place]))
    return kept
