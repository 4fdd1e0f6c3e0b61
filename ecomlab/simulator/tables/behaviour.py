"""Visits and the people behind them, as far as the shop sees."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab.simulator.noise import Array, normal, pick, poisson
from ecomlab.simulator.scenario import AGES, DEVICES
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Record

__all__ = ["customers", "sessions"]

LANDINGS = ("home", "category", "product", "promotion")
_LANDING_SHARES = {
    "direct": (0.62, 0.18, 0.15, 0.05), "seo": (0.12, 0.38, 0.47, 0.03),
    "paid_search": (0.08, 0.34, 0.53, 0.05), "social": (0.10, 0.20, 0.42, 0.28),
    "email": (0.12, 0.22, 0.26, 0.40), "affiliate": (0.10, 0.20, 0.35, 0.35),
}  # fmt: skip
_LOAD_MS = (1250.0, 1900.0, 1700.0)  # medians by device


def sessions(record: Record) -> pa.Table:
    """One row a visit, in the order of time."""
    log, people, noise = record.log, record.world.people, record.noise
    occasion, visitor = record.visit_id, record.visitor
    bought = np.zeros(len(occasion), dtype=bool)
    bought[record.order_visit] = True
    in_cart, channel = log.join("in_cart"), log.join("channel")
    curious = noise.uniform("visit.bounce", occasion) > 0.36
    pages = poisson(noise.uniform("visit.pages", occasion), np.where(in_cart, 3.2, 1.4))
    load = np.array(_LOAD_MS)[people.device[visitor]]
    load = load * np.exp(0.35 * normal(noise.uniform("visit.load", occasion)))
    hesitates = noise.uniform("visit.checkout", occasion) < 0.28
    order = np.lexsort((occasion, record.visit_start))
    columns = {
        "session_id": arrow.ids("S", occasion, 10),
        "started_at": arrow.instants(record.visit_start),
        "date": arrow.days(record.world.scenario.start, record.visit_day),
        "visitor_id": arrow.ids("V", _cookies(record), 10),
        "customer_id": arrow.ids("C", _logged_in(record, bought), 6),
        "region_id": arrow.words(people.region[visitor], tuple(record.world.scenario.regions)),
        "device": arrow.words(people.device[visitor], DEVICES),
        "channel": arrow.words(channel, tuple(record.world.scenario.channels)),
        "landing": arrow.words(_landings(record, channel), LANDINGS),
        "product_views": np.where(in_cart, 1 + pages, np.where(curious, 1 + pages, 0)),
        "added_to_cart": in_cart,
        "reached_checkout": bought | (in_cart & hesitates),
        "order_id": arrow.ids("O", np.where(bought, occasion, -1), 10),
        "load_ms": np.rint(load),
    }
    return arrow.table("sessions", columns).take(pa.array(order))


def _cookies(record: Record) -> Array:
    """Return the browser of each visit: a person gets a new one every two to six months."""
    ids = record.world.people.ids
    life = 60 + np.floor(120 * record.noise.uniform("cookie.life", ids)).astype(np.int64)
    shift = np.floor(life * record.noise.uniform("cookie.shift", ids)).astype(np.int64)
    turn = (record.visit_day + shift[record.visitor]) // life[record.visitor]
    return record.visitor * 128 + turn


def _logged_in(record: Record, bought: Array) -> Array:
    """Person of visits in which a customer is known, else -1."""
    since = record.customer_from[record.visitor]
    share = record.world.scenario.shoppers.login_share
    signs_in = record.noise.uniform("visit.login", record.visit_id) < share
    known = (since >= 0) & (record.visit_day >= since) & (bought | signs_in)
    return np.where(known, record.visitor, -1)


def _landings(record: Record, channel: Array) -> Array:
    luck = record.noise.uniform("visit.landing", record.visit_id)
    by_channel = [pick(luck, np.array(_LANDING_SHARES[n])) for n in record.world.scenario.channels]
    return np.choose(channel, by_channel)


def customers(record: Record) -> pa.Table:
    """One row a person who has ordered under a name; counts are as of the last day."""
    people, scenario = record.world.people, record.world.scenario
    who = np.flatnonzero(record.customer_from >= 0)
    seen, first = np.unique(record.visitor, return_index=True)  # visits are in the order of days
    first = first[np.searchsorted(seen, who)]
    known = record.order_customer
    return arrow.table(
        "customers",
        {
            "customer_id": arrow.ids("C", who, 6),
            "first_seen": arrow.days(scenario.start, record.visit_day[first]),
            "region_id": arrow.words(people.region[who], tuple(scenario.regions)),
            "device_main": arrow.words(people.device[who], DEVICES),
            "age_band": arrow.words(people.age[who], AGES),
            "is_email_optin": people.has_mail[who],
            "first_touch": arrow.words(record.log.join("channel")[first], tuple(scenario.channels)),
            "orders_to_date": np.bincount(known[known >= 0], minlength=len(people.ids))[who],
        },
    )
