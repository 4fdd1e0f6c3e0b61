"""The assortment: products with prices, costs, tastes, life cycles and places on the shelf."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.simulator.noise import Array, Noise, pick
from ecomlab.simulator.people import TASTES
from ecomlab.simulator.scenario import Scenario

__all__ = ["SHELF", "Products", "draw_products"]

SHELF = 4096  # places on a category's shelf; a product has as many as it is popular
_LAUNCHED_BEFORE = 0.86


@dataclass(frozen=True)
class Products:
    """Products, one position each; ``key`` is the number their noise is keyed by."""

    sku: tuple[str, ...]
    name: tuple[str, ...]
    brand: tuple[str, ...]
    key: Array
    category: Array
    is_eco: Array
    attribute: Array  # products x tastes
    popularity: Array  # share of looks within the category
    shelf: Array  # ranges x categories x SHELF: the product at each place
    is_offered: Array  # ranges x products
    partner: Array  # the product looked at along with this one
    quality: Array  # utility at list price, for the mean person
    list_cents: Array
    cost_cents: Array
    weight_g: Array
    return_share: Array
    launch: Array  # day of launch; negative is before the period


def draw_products(scenario: Scenario, noise: Noise) -> Products:
    """Draw the assortment, those included that are launched later."""
    kinds = list(scenario.categories.values())
    category = np.repeat(np.arange(len(kinds)), [kind.skus for kind in kinds])
    number = np.concatenate([np.arange(1, kind.skus + 1) for kind in kinds])
    key = category * 64 + number

    def of_kind(field: str) -> Array:
        return np.array([getattr(kind, field) for kind in kinds])[category]

    relative = np.exp(0.32 * noise.normal("sku.price", key))
    list_cents = _charm(of_kind("mean_price") * relative)
    margin = np.clip(of_kind("margin_share") + 0.04 * noise.normal("sku.margin", key), 0.1, 0.9)
    weight = of_kind("weight_kg") * np.exp(0.3 * noise.normal("sku.weight", key))
    share = of_kind("return_share") * np.exp(0.25 * noise.normal("sku.return", key) - 0.03)
    brand = pick(noise.uniform("sku.brand", key), np.ones(len(scenario.brands)))
    popularity = _zipf(noise, key, category)
    dearer = np.log(list_cents / 100 / of_kind("mean_price"))
    tastes = noise.normal("sku.attribute", key[:, None] * 64 + np.arange(TASTES))
    is_eco = noise.uniform("sku.eco", key) < 0.22
    return Products(
        sku=tuple(f"{kinds[c].prefix}-{n:03d}" for c, n in zip(category, number, strict=True)),
        name=_names(scenario, category, number, brand),
        brand=tuple(scenario.brands[b] for b in brand),
        key=key,
        category=category,
        is_eco=is_eco,
        attribute=np.round(tastes, 3),
        popularity=popularity,
        shelf=_shelves_by_range(popularity, category, is_eco, scenario.entry.eco_places),
        is_offered=np.stack([is_eco | True, is_eco | True, ~is_eco]),
        partner=_partners(scenario, noise, key, category),
        quality=scenario.choice.quality_sd * noise.normal("sku.quality", key)
        + scenario.shoppers.price_sensitivity * dearer,
        list_cents=list_cents,
        cost_cents=np.rint(list_cents * (1 - margin)).astype(np.int64),
        weight_g=np.rint(weight * 1000).astype(np.int64),
        return_share=np.clip(share, 0, 0.8),
        launch=_launches(noise, key),
    )


def _zipf(noise: Noise, key: Array, category: Array) -> Array:
    """Return each product's share of its category's looks, by a rank drawn for it."""
    luck = noise.uniform("sku.rank", key)
    rank = [1 + np.sum(luck[category == c] < u) for c, u in zip(category, luck, strict=True)]
    weight = np.array(rank) ** -0.9
    total = np.bincount(category, weights=weight)
    return np.asarray(weight / total[category])


def _shelves_by_range(popularity: Array, category: Array, is_eco: Array, places: float) -> Array:
    """Return a shelf for each of RANGES: all products, ecological ones first, or without them."""
    weights = (popularity, *(_led(popularity, category, is_eco, one) for one in (places, 0.0)))
    return np.stack([_shelves(one, category) for one in weights])


def _led(popularity: Array, category: Array, is_eco: Array, places: float) -> Array:
    """Return each product's share of places where ecological products have some of them.

    Who leads with a few products spreads them out: their places go by the root of popularity.
    A category of one sort alone keeps its shelf.
    """
    drawn = np.where(is_eco, np.sqrt(popularity), popularity)
    eco = np.bincount(category, weights=drawn * is_eco)[category]
    other = np.bincount(category, weights=drawn * ~is_eco)[category]
    mixed = (eco > 0) & (other > 0)
    part, whole = np.where(is_eco, places, 1 - places), np.where(is_eco, eco, other)
    return np.where(mixed, drawn * part / np.where(mixed, whole, 1), popularity)


def _shelves(popularity: Array, category: Array) -> Array:
    """Lay the products of each category out on a shelf, in a fixed order.

    Where a product is not on sale its places stay empty, so that no other product moves.
    """
    rows = []
    for kind in range(int(category.max()) + 1):
        members = np.flatnonzero(category == kind)
        edges = np.rint(np.cumsum(popularity[members]) * SHELF).astype(np.int64)
        rows.append(members[np.searchsorted(edges, np.arange(SHELF), side="right")])
    return np.array(rows, dtype=np.int32)


def _partners(scenario: Scenario, noise: Noise, key: Array, category: Array) -> Array:
    """Give each product one of the companion category (its own where none is named)."""
    names = list(scenario.categories)
    own = {name: i for i, name in enumerate(names)}
    luck = noise.uniform("sku.partner", key)
    partner = np.empty(len(key), dtype=np.int32)
    for name, kind in scenario.categories.items():
        here = np.flatnonzero(category == own[name])
        there = np.flatnonzero(category == own[kind.companion or name])
        partner[here] = there[(luck[here] * len(there)).astype(np.int64)]
    return partner


def _launches(noise: Noise, key: Array) -> Array:
    """Return the day of launch: one product in seven comes within two years of the first day."""
    luck = noise.uniform("sku.launch", key)
    before = -1 - np.floor(luck * 1400)
    later = np.ceil((luck - _LAUNCHED_BEFORE) * 4600)
    return np.where(luck < _LAUNCHED_BEFORE, before, later).astype(np.int64)


def _charm(price: Array) -> Array:
    """Round prices to what shops print, such as 23.99, 47.49 and 119.99; in cents."""
    step = np.where(price < 30, 100, np.where(price < 100, 250, 500))
    return (np.maximum(np.rint(price * 100 / step), 1) * step - 1).astype(np.int64)


def _names(scenario: Scenario, category: Array, number: Array, brand: Array) -> tuple[str, ...]:
    kinds = list(scenario.categories.values())
    goods = [kinds[c].goods for c in category]
    return tuple(
        f"{scenario.brands[b]} {good[(n - 1) % len(good)]} {100 + 7 * n}"
        for good, n, b in zip(goods, number.tolist(), brand.tolist(), strict=True)
    )
