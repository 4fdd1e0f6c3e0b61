"""Visitors look at some products and take the best of them, or none (Gumbel-max)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecomlab.simulator.goods import SHELF
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import Array, to_uniform

__all__ = ["SLOTS", "choose", "consider", "see_features", "value_products"]

SLOTS = 8  # products looked at: six of a category, one of its companion, one partner
_OWN = 6
_OUTSIDE = 0  # product keys begin at 1, so that 0 keys the outside option
_NOTHING = -60.0  # utility of an empty place


@mechanism(
    reads=("visitors", "category_season", "category_shock", "on_sale"),
    writes=("considered", "is_seen", "main_category"),
    streams=("consider", "consider.category"),
)
def consider(day: Day) -> None:
    """Draw the products looked at: popular ones oftener, without regard to price.

    A visitor turns to a category, looks at six places of its shelf and one of its
    companion's, and at the partner of the first. A place is a product's for good: one that
    is not on sale leaves it empty, so that no other product moves.
    """
    world, visitors = day.world, day["visitors"]
    goods, kinds = world.products, list(world.scenario.categories)
    ids = world.people.ids[visitors]
    main = _turn_to(day, to_uniform(day.words("consider.category", ids)))
    companion = np.array(
        [kinds.index(k.companion or n) for n, k in world.scenario.categories.items()]
    )
    seen = np.empty((SLOTS, len(visitors)), dtype=np.int32)
    luck = (day.words("consider", ids), day.words("consider", ids, part="more"))
    shelf, row = goods.shelf.ravel(), (main * SHELF, companion[main] * SHELF)
    for slot in range(_OWN + 1):
        place = (luck[slot // 5] >> np.uint64(12 * (slot % 5))) & np.uint64(SHELF - 1)
        shelf.take(row[slot // _OWN] + place.astype(np.int64), out=seen[slot])
    seen[_OWN + 1] = goods.partner.take(seen[0])
    is_seen = day["on_sale"].take(seen)
    for slot in range(1, SLOTS):  # what is seen twice counts once
        for earlier in range(slot):
            is_seen[slot] &= seen[slot] != seen[earlier]
    day["considered"], day["is_seen"], day["main_category"] = seen, is_seen, main


def _turn_to(day: Day, luck: Array) -> Array:
    """Return the category each visitor turns to, by taste, season and mood."""
    kinds = day.world.scenario.categories.values()
    mood = np.array([kind.popularity for kind in kinds])
    mood = mood * np.exp(day["category_season"] + day["category_shock"])
    edges = day.world.people.category_taste[day["visitors"]].T * mood[:, None]
    for kind in range(1, len(edges)):
        edges[kind] += edges[kind - 1]
    return (luck * edges[-1] > edges[:-1]).sum(axis=0)


@mechanism(
    reads=("price_cents", "category_shock", "sku_shock", "coached"),
    writes=("appeal", "log_price"),
)
def value_products(day: Day) -> None:
    """Give each product the day's utility for the mean person, and its relative log price."""
    world, goods, law = day.world, day.world.products, day.world.scenario.choice
    kinds = list(world.scenario.categories.values())
    mean = np.array([kind.mean_price for kind in kinds])[goods.category]
    fades = np.array([kind.fades_per_year for kind in kinds])[goods.category]
    age = np.maximum(day.index - goods.launch, 0)
    life = -law.launch_dip * 0.5 ** (age / 45) - fades * np.clip(age / 365 - 1, 0, 3)
    care = world.scenario.habits.coaching_effect * day["coached"]
    shock = day["category_shock"][goods.category] + day["sku_shock"]
    day["appeal"] = goods.quality + life + care + shock
    day["log_price"] = np.log(day["price_cents"] / 100 / mean)


@mechanism(
    reads=("visitors", "built", "running"),
    writes=("feature_order", "feature_cart"),
)
def see_features(day: Day) -> None:
    """Show features to those who are to see them: everybody, a region, or an arm by lot."""
    world, visitors = day.world, day["visitors"]
    order, cart = np.zeros(len(visitors)), np.zeros(len(visitors))
    known = world.scenario.features
    for name in day["built"]:
        order += known[name].order
        cart += known[name].cart
    today = world.around.days.dates[day.index]
    for test in day["running"]:
        if test.kind not in ("feature", "launch"):
            continue
        age, feature = test.age(today), known[test.what]
        if test.kind == "feature":
            sees = test.arm(day.lot, world.people.ids[visitors]) == 1
        else:
            on = test.regions_on(day.lot, len(world.scenario.regions), age)
            sees = on[world.people.region[visitors]]
        order += sees * (feature.order + feature.novelty * 0.5 ** (age / 7))
        cart += sees * feature.cart
    day["feature_order"], day["feature_cart"] = order, cart


@mechanism(
    reads=("visitors", "visitor_is_customer", "considered", "is_seen", "main_category", "appeal",
           "log_price", "intent", "rival", "route", "feature_order", "feature_cart"),
    writes=("lines", "in_cart", "order_chance", "line_chance", "pull", "live_depth",
            "by_depth"),
    streams=("gumbel", "add_on"),
)  # fmt: skip
def choose(day: Day) -> None:
    """Take the best product if it beats buying nothing; add others to the order by own appeal.

    The noise belongs to (person, day, product): another price moves choices only to or
    from the product repriced. Cart and order share it, so that every order was in a cart.
    """
    law, goods = day.world.scenario.choice, day.world.products
    visitors, seen = day["visitors"], day["considered"]
    inside, outside = _utilities(day)
    ids = day.world.people.ids[visitors] * 4096
    keys = goods.key.take(seen)
    luck = day.uniform("gumbel", ids + keys)
    shaken = inside - np.log(-np.log(luck))
    nothing = outside - np.log(-np.log(day.uniform("gumbel", ids + _OUTSIDE)))
    best = shaken.max(axis=0)
    bonus = law.companion_bonus * (goods.category.take(seen) != day["main_category"])
    bar = law.add_on_outside - bonus
    order, share, add_on = _chances(day, inside, outside, bar)
    lines = np.zeros(seen.shape, dtype=bool)
    buys = np.flatnonzero(best > nothing)
    liked = day.uniform("add_on", ids[buys] + keys[:, buys]) < add_on[:, buys]
    lines[:, buys] = (shaken[:, buys] == best[buys]) | liked
    day["lines"] = lines
    day["in_cart"] = best > nothing - law.cart_slack - day["feature_cart"]
    day["order_chance"] = order
    day["line_chance"] = order * (share + (1 - share) * add_on)
    day["by_depth"] = tuple(_at_depths(day, inside, outside, bar))
    # how fast a line's chance grows with the product's own utility
    day["pull"] = order * (
        (1 - order) * share * (share + (1 - share) * add_on)
        + (1 - add_on) * share * (1 - share)
        + (1 - share) * add_on * (1 - add_on)
    )


def _chances(day: Day, inside: Array, outside: Array, bar: Array) -> tuple[Array, Array, Array]:
    """Return the chance to order, each product's to be the one, and each one's to be added."""
    exp_in = np.exp(inside)
    total = exp_in.sum(axis=0)
    order = total / (total + np.exp(outside))
    return order, exp_in / total, day["is_seen"] / (1 + np.exp(bar - inside))


def _at_depths(
    day: Day, inside: Array, outside: Array, bar: Array
) -> Iterator[tuple[float, Array, Array]]:
    """Yield order and line chances at usual prices and, where there are shows, at theirs."""
    live = day.world.scenario.live
    if live is None:
        yield 0.0, day["order_chance"], day["line_chance"]
        return
    sensitivity = day.world.people.price_sensitivity[day["visitors"]].astype(np.float64)
    for depth in (0.0, live.discount_share):
        gain = sensitivity * (np.log1p(-day["live_depth"]) - np.log1p(-depth))
        order, share, add_on = _chances(day, inside + gain, outside, bar)
        yield depth, order, order * (share + (1 - share) * add_on)


def _utilities(day: Day) -> tuple[Array, Array]:
    """Return the utilities of the products considered, and of buying nothing, without noise."""
    world, law, visitors, seen = (
        day.world, day.world.scenario.choice, day["visitors"], day["considered"],
    )  # fmt: skip
    people, goods = world.people, world.products
    live = world.scenario.live
    is_live = np.array([name == "live" for name in world.scenario.routes])[day["route"]]
    depth = (
        np.where(is_live, live.discount_share, 0.0) if live is not None else np.zeros(len(visitors))
    )
    day["live_depth"] = depth
    sensitivity = people.price_sensitivity[visitors].astype(np.float64)
    taste = people.taste[visitors].T
    fit = day["appeal"].take(seen)
    fit += people.eco_taste[visitors] * goods.is_eco.take(seen)
    for axis in range(len(taste)):  # a loop, since matrix products depend on threads
        fit += taste[axis] * goods.attribute[:, axis].take(seen)
    price = day["log_price"].take(seen) + np.log1p(-depth)
    inside = np.where(day["is_seen"], fit - sensitivity * price, _NOTHING)
    at = np.array(world.scenario.shoppers.device_outside)[people.device[visitors]]
    ready = np.where(day["visitor_is_customer"], people.readiness[visitors], 0.0)
    ready = np.clip(ready, -8.0, 4.5) + day["intent"] + day["feature_order"]
    pulled = law.competition * sensitivity * day["rival"][day["main_category"]]
    return inside, law.outside + at - ready - pulled
