"""Visitors look at some products and take the best of them, or none (Gumbel-max)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecomlab.simulator.entering import is_old
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.kernels.choice import (
    SLOTS,
    choose_products,
    find_gaps,
    look_around,
    weigh_products,
)
from ecomlab.simulator.mechanisms.recommendation import recommend
from ecomlab.simulator.mechanisms.substitution import chance_with_gaps
from ecomlab.simulator.noise import Array
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.world import World

__all__ = ["SLOTS", "choose", "consider", "see_features", "value_products"]

_TINY = 1e-300
_SLOW = 0.6  # utility lost, times the log of the time that pages take over the usual [P]


@mechanism(
    reads=(
        "visitors",
        "stays",
        "category_season",
        "category_shock",
        "on_sale",
        "on_hand",
        "shelf_range",
        "is_personal",
        "appeal",
        "log_price",
    ),
    writes=(
        "considered",
        "is_seen",
        "main_category",
        "is_out",
        "short_visits",
        "label_luck",
        "label_share",
    ),
    streams=("consider", "consider.category", "recommend", "label"),
)
def consider(day: Day) -> None:
    """Draw the products looked at: popular ones oftener, without regard to price.

    A visitor turns to a category, looks at six places of its shelf and one of its
    companion's, and at the partner of the first. A place is a product's for good: one that
    is not on sale leaves it empty, so that no other product moves. In a new region the shelf
    is that of its range. A recommender that is on draws a second product for each place and
    shows the one it believes is liked better (see ``recommendation``).
    """
    world, visitors, goods = day.world, day["visitors"], day.world.products
    mood = world.of_categories("popularity")
    mood = mood * np.exp(day["category_season"] + day["category_shock"])
    companion = world.once("companion", lambda: _companions(world.scenario))
    shelf = (goods.shelf, day["shelf_range"][world.people.region[visitors]], goods.partner,
             day["on_sale"], goods.is_offered)  # fmt: skip
    numbers = world.people.numbers(visitors)
    looks = (visitors, day["stays"], numbers, world.people.category_taste, mood, companion, shelf)
    kind, known = day.keys("consider.category"), (day["appeal"], day["log_price"])
    keys = (*kind, *day.keys("consider"), *day.keys("consider", part="more"))
    main, seen, counts = look_around(*looks, keys)
    if day["is_personal"]:
        keys = (*kind, *day.keys("recommend", part="few"), *day.keys("recommend", part="more"))
        _, *others = look_around(*looks, keys)
        seen, counts = recommend(day, main, known, (seen, counts), (others[0], others[1]))
    day["considered"], day["is_seen"], day["main_category"] = seen.T, counts.T, main
    _mark_gaps(day, numbers)


def _companions(scenario: Scenario) -> Array:
    """Return the position of each category's companion, or its own."""
    kinds = list(scenario.categories)
    return np.array([kinds.index(k.companion or n) for n, k in scenario.categories.items()])


def _mark_gaps(day: Day, ids: Array) -> None:
    """Find what is looked at and out of stock since the morning; draw who sees labels.

    A visitor's luck serves for all labels of the day, those of its later hours too.
    """
    law, goods = day.world.scenario.stock, np.arange(len(day["on_hand"]))
    out, short = find_gaps(day["considered"].T, day["is_seen"].T, day["on_hand"] <= 0)
    day["is_out"], day["short_visits"] = out.T, short
    share = np.full(len(goods), law.label_share if law is not None else 0.0)
    day["label_share"] = day.parameter("stock.label_share", share, skus=goods)
    day["label_luck"] = day.uniform("label", ids) if law is not None else np.ones(len(ids))


@mechanism(
    reads=("price_cents", "category_shock", "sku_shock", "coached"),
    writes=("appeal", "log_price"),
)
def value_products(day: Day) -> None:
    """Give each product the day's utility for the mean person, and its relative log price."""
    world, goods, law = day.world, day.world.products, day.world.scenario.choice
    mean = world.of_categories("mean_price")[goods.category]
    fades = world.of_categories("fades_per_year")[goods.category]
    age = np.maximum(day.index - goods.launch, 0)
    dip = world.once("dip", lambda: law.launch_dip * 0.5 ** (np.arange(_oldest(world) + 1) / 45))
    life = -dip[age] - fades * np.minimum(np.maximum(age / 365 - 1, 0), 3)
    care = world.scenario.habits.coaching_effect * day["coached"]
    shock = day["category_shock"][goods.category] + day["sku_shock"]
    day["appeal"] = goods.quality + life + care + shock
    day["log_price"] = np.log(day["price_cents"] / 100 / mean)


def _oldest(world: World) -> int:
    """Return the age in days that a product has at most in the period."""
    return max(len(world.around.days.dates) - int(world.products.launch.min()), 0)


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
            on = test.regions_on(day.lot, is_old(world.scenario), age)
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
    scenario, goods, law = day.world.scenario, day.world.products, day.world.scenario.choice
    inside, outside = _utilities(day)
    answered = np.zeros(len(outside), dtype=bool)
    if scenario.service is not None:
        answered[day["chat_answered"]] = True
    has_gaps = scenario.stock is not None and len(day["short_visits"]) > 0
    gaps = (
        day["is_out"].T[: len(answered) if has_gaps else 0],
        scenario.stock.stay if scenario.stock is not None else 0.0,
        day["label_luck"], day["label_share"],
    )  # fmt: skip
    time, rest, wants, day["in_cart"], wanted, day["order_chance"], line, pull = choose_products(
        day.world.people.numbers(day["visitors"]),
        (day["considered"].T, day["is_seen"].T, day["main_category"]), (inside.T, outside),
        (goods.key, goods.category), (law.companion_bonus, law.add_on_outside, law.cart_slack),
        day["feature_cart"], (*day.keys("gumbel"), *day.keys("add_on")), gaps,
        (answered, scenario.service.lift if scenario.service is not None else 1.0),
    )  # fmt: skip
    day["wanted"], day["wants"] = wanted.T, np.flatnonzero(wants)
    with np.errstate(divide="ignore"):  # what is not on sale never comes in
        day["liking"] = np.log(rest[day["wants"]] / time[day["wants"]].T)
    day["line_chance"], day["pull"] = line.T, pull.T
    day["by_depth"] = tuple(_at_depths(day, inside, outside))


def _chances(day: Day, inside: Array, outside: Array) -> tuple[Array, Array]:
    """Return the chance to order and of each line, as ``choose_products`` does."""
    law, choice, seen = day.world.scenario.stock, day.world.scenario.choice, day["considered"]
    is_other = day.world.products.category.take(seen) != day["main_category"]
    bar = choice.add_on_outside - choice.companion_bonus * is_other
    weight, nothing = np.exp(inside), np.exp(outside)
    total = weight.sum(axis=0)
    order, share = total / (total + nothing), weight / np.maximum(total, _TINY)
    add_on = day["is_seen"] / (1 + np.exp(bar - inside))
    short = day["short_visits"]
    if law is not None and len(short):
        out = day["is_out"][:, short]
        order[short], _, share[:, short] = chance_with_gaps(
            weight[:, short], nothing[short], out, law.stay
        )
        add_on[:, short] *= ~out
    return order, order * (share + (1 - share) * add_on)


def _at_depths(day: Day, inside: Array, outside: Array) -> Iterator[tuple[float, Array, Array]]:
    """Yield order and line chances at usual prices and, where there are shows, at theirs."""
    live = day.world.scenario.live
    if live is None:
        yield 0.0, day["order_chance"], day["line_chance"]
        return
    sensitivity = day.world.people.price_sensitivity[day["visitors"]].astype(np.float64)
    for depth in (0.0, live.discount_share):
        gain = sensitivity * (np.log1p(-day["live_depth"]) - np.log1p(-depth))
        yield depth, *_chances(day, inside + gain, outside)


def _utilities(day: Day) -> tuple[Array, Array]:
    """Return the utilities of the products considered, and of buying nothing, without noise."""
    world, scenario, visitors = day.world, day.world.scenario, day["visitors"]
    people, goods, live = world.people, world.products, world.scenario.live
    regions = scenario.regions
    route, depth = day["route"], np.zeros(len(visitors))
    if live is not None and "live" in scenario.routes:
        depth[route == list(scenario.routes).index("live")] = live.discount_share
    day["live_depth"] = depth
    away = world.once("elsewhere", lambda: np.array([r.elsewhere for r in regions.values()]))
    away = away + day["wait_cost"]
    lift = day["feature_order"].copy()
    if scenario.stock is not None and len(day["returned"]):
        lift[np.isin(visitors, day["returned"], kind="sort")] += scenario.stock.stay
    inside, outside = weigh_products(
        visitors, (day["considered"].T, day["is_seen"].T, day["main_category"]),
        (people.price_sensitivity, people.eco_taste, people.taste, people.readiness,
         people.device, people.region),
        (day["appeal"], day["log_price"], goods.is_eco, goods.attribute),
        (day["visitor_is_customer"], depth, lift),
        (scenario.choice.outside, np.array(scenario.shoppers.device_outside), away,
         float(day["intent"]), scenario.choice.competition * day["rival"]),
    )  # fmt: skip
    return inside.T, outside
