"""Media are bought, remembered, and answered with saturation."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import Array, normal
from ecomlab.simulator.scenario import Scenario

__all__ = ["book_creators", "buy_media", "remember_media"]

_USUAL_DOSE = 0.30
_ON_SEASON, _BEFORE_EVENTS = 0.8, 0.35  # of budgets, at the usual dose
_BURST_DAYS = 14
_SLOTS = 8  # posts, or shows, of a week at most


@mechanism(
    reads=("forecast", "approach", "budget_by_region", "is_open"),
    writes=("budget_cents",),
    streams=("budget",),
)
def buy_media(day: Day) -> None:
    """Set budgets by route and region, in cents: more where demand is expected anyway.

    Budgets that follow the season are what makes the naive return on advertising wrong.
    """
    scenario, traps = day.world.scenario, day.world.scenario.traps
    usual = day.world.of_routes("spend")
    dose = [traps.search if "search" in name else traps.mix for name in scenario.routes]
    habit = _ON_SEASON * day["forecast"] + _BEFORE_EVENTS * day["approach"]
    jitter = scenario.habits.spend_noise * normal(day.uniform("budget", day.world.slots))
    pull = np.exp(np.array(dose)[:, None] / _USUAL_DOSE * habit + jitter)
    thousands = day.world.region_people * day["is_open"] / 1000
    used = day.parameter("media.budget_factor", 1.0, at=_everywhere(day))
    wanted = usual[:, None] * thousands * pull * day["budget_by_region"] * used
    day["budget_cents"] = np.rint(wanted * 100).astype(np.int64)


@mechanism(
    reads=("budget_by_region", "posts", "is_open", "people_served"),
    writes=("posts", "burst", "posted", "fee_cents"),
    streams=("post", "post.quality", "post.fee"),
)
def book_creators(day: Day) -> None:
    """Book the day's posts and shows; a post's burst rises and fades, a show's lasts the day.

    Each slot of a week has its day and quality, so that a larger budget makes posts bigger
    and moves none.
    """
    scenario = day.world.scenario
    names = [str(name) for name in scenario.routes]
    burst, fees = np.zeros(len(names)), np.zeros(len(names))
    kept = [post for post in day["posts"] if day.index - post[1] < _BURST_DAYS]
    posted = []
    for name, per_week, fee in _bookings(scenario):
        row = names.index(name)
        factor = day["budget_by_region"][row] @ day.world.region_people
        factor /= max(day.world.region_people.sum(), 1)
        for slot, quality, asked in _todays(day, name, per_week, fee * factor):
            posted.append((name, slot, quality, asked))
            kept.append((name, day.index, quality, asked))
            fees[row] += asked
        here = {"route": np.array(row)}
        burst[row] = day.parameter("creators.burst", _burst(day, name, kept), at=here)
    day["posts"], day["posted"], day["burst"] = tuple(kept), tuple(posted), burst
    share = day.world.region_people * day["is_open"] / max(day["people_served"], 1)
    thousands = day["people_served"] / 1000
    day["fee_cents"] = np.rint(fees[:, None] * thousands * share * 100).astype(np.int64)


def _everywhere(day: Day) -> dict[str, Array]:
    """Return the positions of all routes and regions, routes x regions."""
    regions = np.arange(len(day.world.region_people))
    return {"route": np.arange(len(day.world.scenario.routes))[:, None], "region": regions}


def _bookings(scenario: Scenario) -> list[tuple[str, float, float]]:
    """Return the kinds of posts there are, with their number a week and their usual fee."""
    creators, live = scenario.creators, scenario.live
    found = []
    if creators is not None and "creators" in scenario.routes:
        found.append(("creators", creators.posts_per_week, creators.fee))
    if live is not None and "live" in scenario.routes:
        found.append(("live", live.shows_per_week, live.fee))
    return found


def _todays(day: Day, name: str, per_week: float, fee: float) -> list[tuple[int, float, float]]:
    """Return slot, quality and fee [currency per 1,000 people] of today's posts."""
    slots = np.arange(_SLOTS) + _SLOTS * int(day.world.around.week[day.index])
    luck = day.lasting("post", slots, part=name)
    weekday = int(day.world.around.days.weekday[day.index])
    # a slot is filled with its share of the week's number, on the weekday that its luck says
    share = np.minimum(np.maximum(per_week - np.arange(_SLOTS), 0), 1)
    when = np.floor(luck * 7 / np.maximum(share, 1e-9))
    today = np.flatnonzero((luck < share) & (when == weekday))
    if not len(today):
        return []
    slots = slots[today]
    law = day.world.scenario.creators
    spread = law.quality_sd if law is not None and name == "creators" else 0.3
    quality = np.exp(spread * normal(day.lasting("post.quality", slots, part=name)))
    asked = fee * np.exp(0.4 * normal(day.lasting("post.fee", slots, part=name)) - 0.08)
    return [(int(s), float(q), float(a)) for s, q, a in zip(slots, quality, asked, strict=True)
            if a > 0]  # fmt: skip


def _burst(day: Day, name: str, posts: list[tuple[str, int, float, float]]) -> float:
    """Return the reach that a route's posts have today."""
    creators, live = day.world.scenario.creators, day.world.scenario.live
    total = 0.0
    for kind, start, quality, fee in posts:
        age = day.index - start
        if kind != name:
            continue
        if kind == "creators" and creators is not None:
            peak = (creators.shape - 1) * creators.scale_days
            lag = age + 0.5
            wave = (lag / peak) ** (creators.shape - 1) * np.exp((peak - lag) / creators.scale_days)
            total += creators.reach * quality * (fee / creators.fee) ** creators.elasticity * wave
        elif kind == "live" and live is not None and age < 7:
            total += (
                live.reach * quality * fee / (fee + live.half_saturation) * (live.carryover**age)
            )
    return float(min(total, 0.9))


@mechanism(
    reads=("budget_cents", "fee_cents", "media_index", "adstock"),
    writes=("spend_cents", "adstock", "response"),
    streams=("spend",),
)
def remember_media(day: Day) -> None:
    """Spend, carry it over (geometric adstock) and saturate it, per 1,000 people and day.

    Dearer media in the last quarter buy less: spend counts at the index of the day.
    """
    world = day.world
    kept = 0.5 ** (1 / world.of_routes("half_life_days"))[:, None]
    half, slope = world.of_routes("half_saturation")[:, None], world.of_routes("slope")[:, None]
    luck = day.uniform("spend", day.world.slots)
    used = np.rint(day["budget_cents"] * (0.9 + 0.1 * luck))
    day["spend_cents"] = used.astype(np.int64) + day["fee_cents"]
    thousands = np.maximum(day.world.region_people, 1) / 1000
    index = day.parameter("media.price_index", day["media_index"], at=_everywhere(day))
    seen = 1 - day.parameter("media.wasted_share", 0.0, at=_everywhere(day))
    bought = used / 100 / thousands / index * seen
    adstock = kept * day["adstock"] + (1 - kept) * bought
    day["adstock"] = adstock
    free = world.of_routes("spend")[:, None] == 0
    power = adstock**slope
    day["response"] = np.where(free, 1.0, power / np.maximum(power + half**slope, 1e-12))
