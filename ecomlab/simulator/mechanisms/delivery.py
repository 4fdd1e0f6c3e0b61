"""Parcels: what is promised, when they are picked, who carries them, how long it takes."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.carriers import Network, promise_days, shares_in_force
from ecomlab.simulator.codes import occasions
from ecomlab.simulator.dates import wave
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Array, gamma, low_half, normal, to_uniform

__all__ = ["carry_parcels", "pick_parcels", "quote_delivery"]

_PROMISED, _TAKES = 5, 3  # days, where the scenario has no carriers
_LEAST = 0.05  # days on the way
_WEEK = 7


@mechanism(
    reads=("people_served",),
    writes=("carrier_share", "transit_known", "transit_delay", "carrier_load", "pick_capacity",
            "quoted_days", "wait_cost"),
)  # fmt: skip
def quote_delivery(day: Day) -> None:
    """Promise each region a delivery time by the carriers in force; each day more puts off.

    What is true today of carriers and depot is laid out here, so that an incident can change
    it: it does not change what was promised.
    """
    scenario = day.world.scenario
    law, net, regions = scenario.fulfilment, day.world.network, len(scenario.regions)
    if law is None or net is None:
        day["carrier_share"] = day["transit_known"] = day["transit_delay"] = np.zeros((0, regions))
        day["carrier_load"], day["pick_capacity"] = 1.0, np.inf
        day["quoted_days"], day["wait_cost"] = np.full(regions, _PROMISED), np.zeros(regions)
        return
    today = day.world.around.days.dates[day.index]
    share, quantile = shares_in_force(scenario, net.share, day.plans, today)
    quoted = day.world.once(
        ("promise", share.tobytes(), quantile), lambda: promise_days(scenario, law, share, quantile)
    )
    day["carrier_share"], day["quoted_days"] = share, quoted
    day["transit_known"] = net.known_days
    day["carrier_load"] = load = _market_load(day) / law.market_capacity
    crowded = 1 + net.strain * max(load - 1, 0.0)
    day["transit_delay"] = day.parameter(
        "carrier.delay", net.delay_days * crowded[:, None],
        at={"carrier": np.arange(len(crowded))[:, None], "region": np.arange(regions)},
    )  # fmt: skip
    picked = law.picks_per_1000_people * day["people_served"] / 1000
    day["pick_capacity"] = max(day.parameter("depot.capacity", picked), 1.0)
    day["wait_cost"] = law.promise_utility * (quoted - law.usual_promise_days)


def _market_load(day: Day) -> float:
    """Return what all shops hand to carriers, over the year's mean: the last week's events."""
    shoppers, days = day.world.scenario.shoppers, day.world.around.days
    lift = np.exp(days.lift[max(day.index - _WEEK + 1, 0) : day.index + 1]).mean()
    season = wave(days.year_day[day.index], shoppers.season, shoppers.season_peak_day)
    return float(lift * np.exp(season))


@mechanism(
    reads=("buyers", "payment", "order_visit", "order_second", "pick_capacity", "backlog"),
    writes=("pick_place", "backlog"),
)
def pick_parcels(day: Day) -> None:
    """Queue today's paid orders behind those of days before, first come first served.

    ``pick_place`` is the place in the queue in days of the depot's capacity: its whole part is
    the number of days until the parcel is picked.
    """
    paid = np.flatnonzero(day["payment"] == PAID)
    turn = np.argsort(day["order_second"][day["order_visit"][paid]], kind="stable")
    place = np.zeros(len(day["buyers"]))
    place[paid[turn]] = (day["backlog"] + np.arange(len(paid)) + 0.5) / day["pick_capacity"]
    day["pick_place"] = place
    day["backlog"] = max(day["backlog"] + len(paid) - day["pick_capacity"], 0.0)


@mechanism(
    reads=("buyers", "line_order", "line_sku", "line_units", "pick_place", "carrier_share",
           "transit_known", "transit_delay", "carrier_load", "quoted_days", "running"),
    writes=("carrier", "promised_days", "delivery_days", "late_days", "transit_days",
            "parcel_cents", "parcel_co2_g", "parcel_luck", "transit_by_carrier"),
    streams=("carrier", "parcel", "carrier.shock", "promise"),
)  # fmt: skip
def carry_parcels(day: Day) -> None:
    """Give each order a carrier, a promised day, and the luck of its parcel.

    The luck is one number a parcel, whoever carries it, and one shock for each carrier, region
    and day: another carrier changes the law, not the luck.
    """
    world, net, buyers = day.world, day.world.network, day["buyers"]
    ids, region = world.people.ids[buyers], world.people.region[buyers]
    luck = day.uniform("parcel", ids)
    day["parcel_luck"] = luck
    if net is None:
        _carry_all_in_time(day)
        return
    spot = np.arange(len(net.shape))[:, None] * 64 + np.arange(len(net.distance))
    shock = net.shock_sd[:, None] * normal(day.uniform("carrier.shock", spot))
    known = (day["transit_known"] + shock).T[region]
    drawn = {shape: gamma(luck, shape) for shape in dict.fromkeys(net.shape.tolist())}
    delay = np.stack([drawn[shape] for shape in net.shape.tolist()], axis=1)
    by = known + delay * day["transit_delay"].T[region]
    day["transit_by_carrier"] = np.maximum(by, _LEAST)
    day["carrier"] = chosen = _choose_carriers(day, ids, region)
    day["transit_days"] = takes = day["transit_by_carrier"][np.arange(len(buyers)), chosen]
    # the mean of the whole days promised is the promise
    said = np.floor(day["quoted_days"][region] + day.uniform("promise", ids)).astype(np.int64)
    day["promised_days"] = said
    day["delivery_days"] = np.floor(day["pick_place"]).astype(np.int64) + np.ceil(takes).astype(
        np.int64
    )
    day["late_days"] = np.maximum(day["delivery_days"] - said, 0).astype(np.float64)
    _charge(day, net, chosen, region)


def _choose_carriers(day: Day, ids: Array, region: Array) -> Array:
    """Return each order's carrier: by the shares in force, or by lot in an experiment."""
    words = day.words("carrier", ids)
    edges = np.cumsum(day["carrier_share"], axis=0)
    count = len(edges)
    chosen = (to_uniform(words) > (edges / edges[-1])[:-1, region]).sum(axis=0)
    for test in day["running"]:
        if test.kind == "carrier":
            tried = test.arm(day.lot, occasions(ids, day.index)) == 1
            drawn = np.minimum((low_half(words) * count).astype(np.int64), count - 1)
            chosen = np.where(tried, drawn, chosen)
    return np.asarray(chosen)


def _charge(day: Day, net: Network, chosen: Array, region: Array) -> None:
    """Set each parcel's cost, whole cents, and its emissions."""
    fee, per_kg, per_km, stop, line_haul = net.rates[:, chosen]
    distance = net.distance[region]
    cost = fee + per_kg * _kilos(day) + per_km * distance
    if day["carrier_load"] > 1:
        cost = cost + net.surcharge[chosen]
    day["parcel_cents"] = np.rint(100 * cost).astype(np.int64)
    day["parcel_co2_g"] = stop + line_haul * distance


def _kilos(day: Day) -> Array:
    grams = day.world.products.weight_g[day["line_sku"]] * day["line_units"]
    return np.bincount(day["line_order"], weights=grams, minlength=len(day["buyers"])) / 1000


def _carry_all_in_time(day: Day) -> None:
    """Deliver every order in time, at the scenario's flat cost."""
    costs, count = day.world.scenario.costs, len(day["buyers"])
    day["carrier"] = np.full(count, -1)
    day["promised_days"], day["delivery_days"] = np.full(count, _PROMISED), np.full(count, _TAKES)
    day["late_days"], day["transit_days"] = np.zeros(count), np.full(count, float(_TAKES))
    cost = costs.per_parcel + costs.per_kg * _kilos(day)
    day["parcel_cents"] = np.rint(100 * cost).astype(np.int64)
    day["parcel_co2_g"] = np.zeros(count)
    day["transit_by_carrier"] = np.zeros((count, 0))
