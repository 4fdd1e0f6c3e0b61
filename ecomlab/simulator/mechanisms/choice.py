"""Visitors look at some products and take the best of them, or none (Gumbel-max)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecomlab.simulator.goods import SHELF
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.mechanisms.substitution import chance_with_gaps
from ecomlab.simulator.noise import Array, to_uniform
from ecomlab.simulator.service import gain_of_answer, rise_of_lifted

__all__ = ["SLOTS", "choose", "consider", "see_features", "value_products"]

SLOTS = 8  # products looked at: six of a category, one of its companion, one partner
_OWN = 6
_OUTSIDE = 0  # product keys begin at 1, so that 0 keys the outside option
_NOTHING = -60.0  # utility of an empty place
_SLOW = 0.6  # utility lost, times the log of the time that pages take over the usual [P]


@mechanism(
    reads=("visitors", "category_season", "category_shock", "on_sale", "on_hand"),
    writes=("considered", "is_seen", "main_category", "is_out", "short_visits", "label_luck",
            "label_share"),
    streams=("consider", "consider.category", "label"),
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
    _find_gaps(day, ids)


def _find_gaps(day: Day, ids: Array) -> None:
    """Find what is looked at and out of stock since the morning; draw who sees labels.

    A visitor's luck serves for all labels of the day, those of its later hours too.
    """
    law, goods = day.world.scenario.stock, np.arange(len(day["on_hand"]))
    out = (day["on_hand"] <= 0).take(day["considered"])
    out &= day["is_seen"]
    day["is_out"], day["short_visits"] = out, np.flatnonzero(out.any(axis=0))
    share = np.full(len(goods), law.label_share if law is not None else 0.0)
    day["label_share"] = day.parameter("stock.label_share", share, skus=goods)
    day["label_luck"] = day.uniform("label", ids) if law is not None else np.ones(len(ids))


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
    reads=("visitors", "built", "running", "route"),
    writes=("feature_order", "feature_cart"),
)
def see_features(day: Day) -> None:
    """Show features to those who are to see them: everybody, a region, or an arm by lot.

    Slow pages and a broken checkout are features too, which nobody built.
    """
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
    slow = day.parameter("site.load_factor", 1.0, people=visitors)
    broken = day.parameter("checkout.friction", 0.0, people=visitors, at={"route": day["route"]})
    order -= _SLOW * np.log(slow) + broken
    cart += broken  # the cart is filled before the checkout is met
    day["feature_order"], day["feature_cart"] = order, cart


@mechanism(
    reads=("visitors", "visitor_is_customer", "considered", "is_seen", "main_category", "appeal",
           "log_price", "intent", "rival", "route", "feature_order", "feature_cart", "wait_cost",
           "is_out", "short_visits", "label_luck", "label_share", "returned", "chat_answered"),
    writes=("wanted", "wants", "liking", "in_cart", "order_chance", "line_chance", "pull",
            "live_depth", "by_depth"),
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
    _hear_answers(day, inside, outside)
    ids = day.world.people.ids[visitors] * 4096
    keys = goods.key.take(seen)
    luck = day.uniform("gumbel", ids + keys)
    shaken = inside - np.log(-np.log(luck))
    nothing = outside - np.log(-np.log(day.uniform("gumbel", ids + _OUTSIDE)))
    best = shaken.max(axis=0)
    bonus = law.companion_bonus * (goods.category.take(seen) != day["main_category"])
    bar = law.add_on_outside - bonus
    order, rise, share, add_on = _chances(day, inside, outside, bar)
    _rise_with_answers(day, order, rise)
    wanted = np.zeros(seen.shape, dtype=bool)
    buys = np.flatnonzero(best > nothing)
    joins = day["is_seen"][:, buys] / (1 + np.exp(bar[:, buys] - inside[:, buys]))
    liked = day.uniform("add_on", ids[buys] + keys[:, buys]) < joins
    wanted[:, buys] = (shaken[:, buys] == best[buys]) | liked
    day["wanted"], day["wants"], day["liking"] = wanted, buys, shaken[:, buys] - nothing[buys]
    day["in_cart"] = best > nothing - law.cart_slack - day["feature_cart"]
    _leave_out_of_cart(day, shaken, nothing)
    day["order_chance"] = order
    day["line_chance"] = order * (share + (1 - share) * add_on)
    day["by_depth"] = tuple(_at_depths(day, inside, outside, bar))
    # how fast a line's chance grows with the product's own utility
    day["pull"] = order * (
        rise * share * (share + (1 - share) * add_on)
        + (1 - add_on) * share * (1 - share)
        + (1 - share) * add_on * (1 - add_on)
    )


def _hear_answers(day: Day, inside: Array, outside: Array) -> None:
    """Lift the chance to order of visits whose question was answered by chat.

    Where something is out of stock the odds are lifted, whatever the other prices are.
    """
    service, at = day.world.scenario.service, day["chat_answered"]
    if service is None or not len(at):
        return
    liked = np.exp(inside[:, at]).sum(axis=0)
    gain = gain_of_answer(liked / (liked + np.exp(outside[at])), service.lift)
    outside[at] -= np.where(np.isin(at, day["short_visits"]), np.log(service.lift), gain)


def _rise_with_answers(day: Day, order: Array, rise: Array) -> None:
    """Let the chance to order of such visits rise as that without the answer does."""
    service, at = day.world.scenario.service, day["chat_answered"]
    if service is None or not len(at):
        return
    at = np.setdiff1d(at, day["short_visits"])
    rise[at] = rise_of_lifted(order[at], service.lift)


def _leave_out_of_cart(day: Day, shaken: Array, nothing: Array) -> None:
    """Take out of the cart what a label said was out, unless another product is bought instead."""
    law, at = day.world.scenario.stock, day["short_visits"]
    if law is None or not len(at):
        return
    out, least = day["is_out"][:, at], nothing[at]
    sees = day["label_luck"][at] < day["label_share"].take(day["considered"][:, at])
    offered = np.where(out & sees, -np.inf, shaken[:, at]).max(axis=0)
    in_stock = np.where(out, -np.inf, shaken[:, at]).max(axis=0)
    stays = (shaken[:, at].max(axis=0) > least) & (in_stock > least - law.stay)
    slack = day.world.scenario.choice.cart_slack + day["feature_cart"][at]
    day["in_cart"][at] = (offered > least - slack) | stays


def _chances(
    day: Day, inside: Array, outside: Array, bar: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the chance to order and its rise, each product's to be the one, and to be added."""
    exp_in, nothing = np.exp(inside), np.exp(outside)
    total = exp_in.sum(axis=0)
    order = total / (total + nothing)
    rise, share = 1 - order, exp_in / total
    add_on = day["is_seen"] / (1 + np.exp(bar - inside))
    law, at = day.world.scenario.stock, day["short_visits"]
    if law is not None and len(at):
        out = day["is_out"][:, at]
        order[at], rise[at], share[:, at] = chance_with_gaps(
            exp_in[:, at], nothing[at], out, law.stay
        )
        add_on[:, at] *= ~out
    return order, rise, share, add_on


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
        order, _, share, add_on = _chances(day, inside + gain, outside, bar)
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
    if world.scenario.stock is not None and len(day["returned"]):
        ready = ready + world.scenario.stock.stay * np.isin(visitors, day["returned"])
    pulled = law.competition * sensitivity * day["rival"][day["main_category"]]
    wait = day["wait_cost"][people.region[visitors]]
    return inside, law.outside + at - ready - pulled + wait
