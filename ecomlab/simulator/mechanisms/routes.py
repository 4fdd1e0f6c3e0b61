"""Occasions to shop, and the routes that turn an occasion into a visit."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import Array, low_half, to_uniform
from ecomlab.simulator.scenario import ROUTES

__all__ = ["enter_front", "fire_routes", "meet_occasions"]

_MOST = 0.9  # chance of a route on an occasion, at most
_BIAS = 0.5 / 0.30  # power of activity in social targeting, a unit of dose
_ROUNDING = 1e-6
_RISE = 0.04  # of awareness, far more than two days can bring
_ALL = np.float32(2.0**32 - 512)  # the largest chance as 32 bits


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
    found something out of stock may come again on a day of their own.
    One word of luck serves a person for two days. Only those who may have an occasion are
    looked at closely: the others' luck is above any chance they could have.
    """
    people, half = day.world.people, day.index % 2
    if half == 0 or day["tide"] is None:
        day["tide"] = _tide(day)
    else:
        day["tide"] = day["tide"]
    _, known, words = day["tide"]
    luck, rate = words.view(np.uint32)[half::2], day["rate"]
    most = np.float32(day["traffic"].max() * (1 + _ROUNDING) * 2.0**32)
    close = np.flatnonzero(luck < np.minimum(rate[known] * most, _ALL).astype(np.uint32))
    near, luck = known[close], luck[close]
    region = people.region[near]
    knows = day["customer"][near] | (
        people.aware_at[near] < day["aware"].astype(np.float32)[region]
    )
    near, region, luck = near[knows], region[knows], luck[knows]
    level = rate[near].astype(np.float64) * day["traffic"][region]
    stocked = day["stocked_until"][near] >= day.index
    chance = -np.expm1(-level) * np.where(stocked, 0.6, 1.0)
    natural = near[(luck + 0.5) * 2.0**-32 < chance]
    due = day["returning"][:, 0] <= day.index
    day["returned"] = np.unique(day["returning"][due, 1])
    day["returning"] = day["returning"][~due]
    if len(day["returned"]):
        natural = np.union1d(natural, day["returned"])
    opened = day["mailed"][day["is_opened"]]
    here = np.sort(np.concatenate([natural, opened]))
    here = here[np.diff(here, prepend=-1) > 0]
    day["people_today"], day["is_customer"] = here, day["customer"][here]
    day["is_natural"], day["has_mail_today"] = _among(here, natural), _among(here, opened)


def _tide(day: Day) -> tuple[float, Array, Array]:
    """Return two days' luck of those who may know the shop, and up to which awareness."""
    people, aware = day.world.people, float(day["aware"].max())
    if day["tide"] is None or aware + _RISE / 2 > day["tide"][0] or day.index % 28 == 0:
        limit = aware + _RISE
        may = (day["rate"] > 0) & (day["customer"] | (people.aware_at < limit))
        known = np.flatnonzero(may)
    else:
        limit, known, _ = day["tide"]
    return limit, known, day.world_words("occasion", people.ids[known], day.index // 2)


def _among(here: Array, some: Array) -> Array:
    """Return which of the people here are among some of them, both in order."""
    out = np.zeros(len(here), dtype=bool)
    out[np.searchsorted(here, some)] = True
    return out


@mechanism(
    reads=("people_today", "is_customer", "is_natural", "has_mail_today", "response", "burst",
           "rank", "rate", "running"),
    writes=("visitors", "fired", "route_chance", "route", "visitor_is_customer",
            "searching", "searches"),
    streams=("search", "route"),
)  # fmt: skip
def fire_routes(day: Day) -> None:
    """Let routes fire independently on each occasion; the last one is the visit's channel."""
    people, here = day.world.people, day["people_today"]
    ids, names = people.ids[here], list(day.world.scenario.routes)
    day["searching"] = brand, generic = _searches(day)
    chance = np.minimum(_route_chances(day), _MOST)
    fired, at = np.zeros(chance.shape, dtype=bool), np.full(chance.shape, -1.0)
    which, who = np.nonzero(chance)
    number = np.array([ROUTES.index(name) for name in names])
    words = day.words("route", ids[who] * 64 + number[which])
    hits = to_uniform(words) < chance[which, who]
    which, who = which[hits], who[hits]
    fired[which, who] = True
    at[which, who] = low_half(words[hits])
    came = fired.any(axis=0)
    day["visitors"] = here[came]
    day["visitor_is_customer"] = day["is_customer"][came]
    day["route_chance"] = chance[:, came]
    day["fired"] = fired[:, came]
    day["route"] = np.argmax(at[:, came], axis=0)
    found = fired[names.index("seo")] if "seo" in names else np.zeros(len(here), dtype=bool)
    day["searches"] = np.array([[kind.sum(), (kind & found).sum()] for kind in (brand, generic)])


def _searches(day: Day) -> tuple[Array, Array]:
    """Return which occasions begin with a search for the shop, or for what it sells."""
    search, loyal = day.world.scenario.search, day["is_customer"]
    words = day.words("search", day.world.people.ids[day["people_today"]])
    searches = to_uniform(words) < search.share
    named = low_half(words) < np.where(loyal, search.brand_share_loyal, search.brand_share_new)
    return searches & named, searches & ~named


def _route_chances(day: Day) -> Array:
    """Return the chance that each route fires on each of today's occasions."""
    world, here = day.world, day["people_today"]
    routes, search = world.scenario.routes, world.scenario.search
    region, loyal = world.people.region[here], day["is_customer"]
    brand, generic = day["searching"]
    out = np.zeros((len(routes), len(here)))
    likings = np.ascontiguousarray(world.people.liking[here].T)
    response = day["response"][:, region]
    for i, (name, route) in enumerate(routes.items()):
        liking = likings[i]
        own = route.reach if route.loyal_reach is None else route.loyal_reach
        if name == "seo":
            found = search.organic_first / day["rank"]
            out[i] = brand * search.organic_brand + generic * found
        elif name == "brand_search":
            out[i] = brand * search.click_brand * response[i]
        elif name == "generic_search":
            out[i] = generic * search.click_generic * response[i]
        elif name == "email":
            out[i] = day["has_mail_today"] * world.scenario.mail.visit_share
        elif name in ("creators", "live"):
            out[i] = liking * day["burst"][i]
        else:
            out[i] = np.where(loyal, own, route.reach) * liking * response[i]
        if name == "social":
            out[i] *= _targeting(day, here)
        if name != "email":
            out[i] *= day["is_natural"]
    return out


def _targeting(day: Day, here: Array) -> Array:
    """Return how much more social advertisements are shown to whom: the active, by habit."""
    world = day.world
    usual = world.scenario.shoppers.occasions_per_day
    shown = (day["rate"][here] / usual) ** (_BIAS * world.scenario.traps.social)
    for test in day["running"]:
        if test.kind == "holdout" and test.what == "social":
            shown = shown * (test.arm(day.lot, world.people.ids[here]) == 1)
    return np.asarray(shown, dtype=np.float64)


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
