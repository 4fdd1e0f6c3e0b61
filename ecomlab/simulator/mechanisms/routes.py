"""Occasions to shop, and the routes that turn an occasion into a visit."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ecomlab.simulator.codes import occasions
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.kernels.visits import (
    BRAND,
    BURST,
    EMAIL,
    GENERIC,
    REACH,
    SEO,
    draw_occasions,
    draw_routes,
    gather_people,
    screen_occasions,
)
from ecomlab.simulator.mechanisms.satisfaction import most_rate_factor
from ecomlab.simulator.noise import Array
from ecomlab.simulator.scenario import ROUTES, Scenario

__all__ = ["BIAS", "KINDS", "MOST", "enter_front", "fire_routes", "look_in", "meet_occasions"]

KINDS = {"seo": SEO, "brand_search": BRAND, "generic_search": GENERIC, "email": EMAIL,
         "creators": BURST, "live": BURST}  # fmt: skip
MOST = 0.9  # chance of a route on an occasion, at most
BIAS = 0.5 / 0.30  # power of activity in social targeting, a unit of dose
_ROUNDING = 1e-6
_SURGE = 1.3  # traffic of the second of two days over the first, seldom more
_RISE = 0.04  # of awareness, far more than two days can bring


@mechanism(
    reads=(
        "tide",
        "traffic",
        "rate",
        "customer",
        "aware",
        "stocked_until",
        "mailed",
        "is_opened",
        "returning",
        "is_open",
    ),
    writes=(
        "people_today",
        "tide",
        "is_customer",
        "is_natural",
        "has_mail_today",
        "returning",
        "returned",
    ),
    streams=("occasion",),
)
def meet_occasions(day: Day) -> None:
    """Decide who has an occasion to shop today, with chance 1 - exp(-rate x traffic).

    Who opened a mail today has an occasion to come by that mail, if by no other route; who
    found something out of stock may come again on a day of their own. Where the shop does not
    sell, nobody can have one: nobody there has bought, and to them it is as if unknown.
    Only those are looked at whose luck is below any chance they could have (see ``_tide``).
    """
    people = day.world.people
    day["tide"] = tide = _tide(day)
    known_to = (day["aware"] * day["is_open"]).astype(np.float32)
    natural = draw_occasions(
        *tide[4][day.index % 2], day["rate"], np.asarray(day["traffic"], dtype=np.float64),
        (people.region, people.aware_at),
        (day["customer"], known_to, day["stocked_until"]), day.index,
    )  # fmt: skip
    due = day["returning"][:, 0] <= day.index
    day["returned"] = np.unique(day["returning"][due, 1])
    day["returning"] = day["returning"][~due]
    here, by_nature, by_mail = gather_people(
        natural, day["returned"], day["mailed"][day["is_opened"]]
    )
    day["people_today"], day["is_customer"] = here, day["customer"][here]
    day["is_natural"], day["has_mail_today"] = by_nature, by_mail


_Tide: TypeAlias = tuple[float, Array, Array, float, tuple[tuple[Array, Array], ...]]


def _tide(day: Day) -> _Tide:
    """Return whose luck may bring an occasion in these two days, and up to what it holds.

    That is: the awareness and the traffic up to which it does, who may know the shop and how
    often each might have an occasion, and for each of the two days people and their luck.
    """
    people, aware, tide = day.world.people, float(day["aware"].max()), day["tide"]
    need = float(day["traffic"].max()) * (1 + _ROUNDING)
    if tide is None or aware + _RISE / 2 > tide[0] or day.index % 28 == 0:
        limit = aware + _RISE
        may = (day["rate"] > 0) & (day["customer"] | (people.aware_at < limit))
        known = np.flatnonzero(may)
        ceiling = np.maximum(people.newcomer_rate[known], people.customer_rate[known])
        ceiling = ceiling * np.float32(most_rate_factor(day.world.scenario))
    elif day.index % 2 == 0 or need > tide[3]:
        limit, known, ceiling = tide[:3]
    else:
        return tide
    level, keys = need * _SURGE, day.world_keys("occasion", day.index // 2)
    slack = np.float32(level * 2.0**32)
    close = screen_occasions(known, people.numbers(known), ceiling, slack, keys)
    return limit, known, ceiling, level, close


@mechanism(
    reads=("people_today", "is_customer", "is_natural", "has_mail_today", "response", "burst",
           "rank", "rate", "running"),
    writes=("visitors", "fired", "route_chance", "route", "visitor_is_customer", "searches"),
    streams=("search", "route"),
)  # fmt: skip
def fire_routes(day: Day) -> None:
    """Let routes fire independently on each occasion; the last one is the visit's channel."""
    world, people, here = day.world, day.world.people, day["people_today"]
    search, names = world.scenario.search, list(world.scenario.routes)
    social = _targeting(day, here) if "social" in names else np.ones(len(here))
    flags = (day["is_customer"], day["is_natural"], day["has_mail_today"], social)
    chances = (search.organic_brand, search.click_brand, search.click_generic,
               world.scenario.mail.visit_share)  # fmt: skip
    flow = (day["response"], day["burst"], float(search.organic_first / day["rank"]), chances)
    habits = (search.share, search.brand_share_new, search.brand_share_loyal, MOST)
    kept, chance, fired, route, searches = draw_routes(
        here, people.numbers(here), flags, (people.region, people.liking),
        world.once("route_kinds", lambda: _kinds_of(world.scenario)), flow,
        habits, (*day.keys("search"), *day.keys("route")),
    )  # fmt: skip
    day["visitors"], day["visitor_is_customer"] = here[kept], day["is_customer"][kept]
    day["route_chance"], day["fired"] = chance.T, fired.T
    day["route"], day["searches"] = route, searches


def _kinds_of(scenario: Scenario) -> tuple[Array, Array, Array, Array]:
    """Return of each route: kind, number in the hash, whether it is social, its two reaches."""
    names = [str(name) for name in scenario.routes]
    reach = [
        (one.reach, one.reach if one.loyal_reach is None else one.loyal_reach)
        for one in scenario.routes.values()
    ]
    return (
        np.array([KINDS.get(name, REACH) for name in names]),
        np.array([ROUTES.index(name) for name in names]),
        np.array([name == "social" for name in names]),
        np.array(reach, dtype=np.float64),
    )


def _targeting(day: Day, here: Array) -> Array:
    """Return how much more social advertisements are shown to whom: the active, by habit."""
    world = day.world
    usual = world.scenario.shoppers.occasions_per_day
    shown = (day["rate"][here] / usual) ** (BIAS * world.scenario.traps.social)
    for test in day["running"]:
        if test.kind == "holdout" and test.what == "social":
            shown = shown * (test.arm(day.lot, world.people.ids[here]) == 1)
    return np.asarray(shown, dtype=np.float64)


@mechanism(reads=("visitors",), writes=("stays",), streams=("visit",))
def look_in(day: Day) -> None:
    """Let some visits leave at once, having looked at nothing: whoever comes, by luck."""
    number = occasions(day.world.people.numbers(day["visitors"]), day.index)
    luck = day.lasting("visit", number, part="look")
    day["stays"] = luck >= day.world.scenario.choice.leaves_at_once


@mechanism(reads=("visitors", "route"), writes=("front",), streams=("front",))
def enter_front(day: Day) -> None:
    """Let a visit arrive at one of its route's storefronts, each person by habit."""
    scenario, visitors, route = day.world.scenario, day["visitors"], day["route"]
    day["front"] = np.zeros(len(visitors), dtype=np.int8)
    if not scenario.fronts:
        return
    shares = [[route.fronts.get(name, 0.0) for name in scenario.fronts]
              for route in scenario.routes.values()]  # fmt: skip
    edges = np.cumsum(shares, axis=1)
    edges /= edges[:, -1:]
    luck = day.lasting("front", day.world.people.ids[visitors])
    day["front"] = (luck[:, None] > edges[route, :-1]).sum(axis=1).astype(np.int8)
