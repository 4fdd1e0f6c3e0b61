"""Visits and the people behind them, as far as the shop sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from scipy import special

from ecomlab.simulator.codes import OCCASION, occasions
from ecomlab.simulator.kernels.tables import draw_looks
from ecomlab.simulator.noise import Array, low_half, normal, to_uniform
from ecomlab.simulator.parameters import AGES, DEVICES
from ecomlab.simulator.tables import arrow, trials
from ecomlab.simulator.tables.bots import with_bots
from ecomlab.simulator.tables.record import NEVER, Piece, Recorder

__all__ = ["customers", "email_sends", "sessions"]

LANDINGS = ("home", "category", "product", "promotion")
_LANDING_SHARES = {
    "direct": (0.62, 0.18, 0.15, 0.05), "seo": (0.12, 0.38, 0.47, 0.03),
    "brand_search": (0.55, 0.20, 0.20, 0.05), "generic_search": (0.05, 0.36, 0.54, 0.05),
    "social": (0.10, 0.20, 0.42, 0.28), "email": (0.12, 0.22, 0.26, 0.40),
    "creators": (0.06, 0.14, 0.62, 0.18), "affiliate": (0.10, 0.20, 0.35, 0.35),
    "live": (0.02, 0.06, 0.62, 0.30),
}  # fmt: skip
# Further products looked at, without and with a cart: Poisson with means 1.4 and 3.2.
_STEPS = special.pdtr(np.arange(40), np.array([[1.4], [3.2]]))
_LOAD_MS = (1250.0, 1900.0, 1700.0)  # medians by device


def sessions(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a visit, in the order of time."""
    scenario, people, noise = recorder.world.scenario, recorder.world.people, recorder.noise
    occasion, visitor, in_cart = piece.occasion, piece.visitor, piece.in_cart
    bought = np.zeros(len(occasion), dtype=bool)
    bought[piece.order_visit] = True
    keys = [key for part in ("look", "load", "pages") for key in noise.keys("visit", part=part)]
    edges = np.cumsum([_LANDING_SHARES[name] for name in scenario.routes], axis=1)
    views, landing, luck = draw_looks(
        occasion, piece.stays, in_cart, piece.route, _STEPS, edges, tuple(keys)
    )
    device = people.device[visitor]
    load = np.array(_LOAD_MS)[device] * np.exp(0.35 * normal(luck[0]))
    hesitates = luck[1] < 0.28
    known = _logged_in(recorder, piece, bought, luck[2])
    fronts = {"front": arrow.words(piece.front, tuple(scenario.fronts))} if scenario.fronts else {}
    people_alone = arrow.table(
        "sessions",
        {
            **fronts,
            "session_id": recorder.session_id(occasion),
            "started_at": arrow.instants(piece.visit_start),
            "date": arrow.days(scenario.start, piece.visit_day),
            "visitor_id": trials.write_cookies(recorder, trials.cookies(recorder, piece)),
            "customer_id": recorder.person(known),
            "region_id": arrow.words(people.region[visitor], tuple(scenario.regions)),
            "device": arrow.words(device, DEVICES),
            "channel": _labels(recorder, piece),
            "landing": arrow.words(landing, LANDINGS),
            "experiment_arms": trials.arms_of_visits(recorder, piece),
            "product_views": _counted(recorder, piece, views),
            "added_to_cart": in_cart,
            "reached_checkout": _recorded(recorder, piece, bought | (in_cart & hesitates)),
            "order_id": recorder.order_id(np.where(bought, occasion, -1)),
            "load_ms": np.rint(load * recorder.parameter("site.load_factor", 1.0, **_met(piece))),
        },
    )
    return with_bots(recorder, piece, people_alone)


def _met(piece: Piece) -> dict[str, Any]:
    """Return whom the visits of a piece met, and when."""
    return {"day": piece.visit_day, "people": piece.visitor}


def _counted(recorder: Recorder, piece: Piece, views: Array) -> Array:
    """Return how many product views are counted."""
    factor = recorder.parameter("log.views_factor", 1.0, **_met(piece))
    return np.asarray(np.rint(views * factor).astype(np.int64))


def _recorded(recorder: Recorder, piece: Piece, reached: Array) -> Array:
    """Return which checkouts are recorded."""
    share = recorder.parameter("log.checkout_share", 1.0, **_met(piece))
    if np.ndim(share):
        reached = reached & (recorder.noise.uniform("visit.recorded", piece.occasion) < share)
    return reached


def _labels(recorder: Recorder, piece: Piece) -> pa.DictionaryArray:
    """Return the channel each visit is put down to: a label that is lost leaves ``direct``."""
    routes, channels = recorder.world.scenario.routes, recorder.world.scenario.channels
    channel = np.array([channels.index(route.channel) for route in routes.values()])
    names, label = list(routes), channel[piece.route]
    lost = recorder.parameter("log.label_share", 0.0, at={"route": piece.route}, **_met(piece))
    if np.ndim(lost) and "direct" in names:
        luck = recorder.noise.uniform("visit.label", piece.occasion)
        label = np.where(luck < lost, channel[names.index("direct")], label)
    return arrow.words(label, channels)


def _logged_in(recorder: Recorder, piece: Piece, bought: Array, luck: Array) -> Array:
    """Person of visits in which a customer is known, else -1."""
    since = recorder.customer_from[piece.visitor]
    usual = recorder.world.scenario.shoppers.login_share
    signs_in = luck < recorder.parameter("log.login_share", usual, **_met(piece))
    known = (piece.visit_day >= since) & (bought | signs_in)
    return np.where(known, piece.visitor, -1)


def email_sends(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a mail; only customers who gave their name and agreed get any."""
    log, people = piece.log, recorder.world.people
    person, day = log.join("mailed"), log.day_of("mailed")
    named = ~people.is_guest[person]
    person, day = person[named], day[named]
    opened, left = log.join("is_opened")[named], log.join("has_unsubscribed")[named]
    number = occasions(person, day)
    words = recorder.noise.words("mail.hour", number)
    length = recorder.bounds[day + 1] - recorder.bounds[day]
    read = recorder.bounds[day] + ((0.33 + 0.55 * to_uniform(words)) * length).astype(np.int64)
    clicked = opened & np.isin(number, _came_by_mail(recorder, piece))
    after = read + (60 + 600 * low_half(words)).astype(np.int64)
    return arrow.table(
        "email_sends",
        {
            "send_id": recorder.codes.write("M", number, bits=OCCASION),
            "date": arrow.days(recorder.world.scenario.start, day),
            "customer_id": recorder.person(person),
            "kind": arrow.words(np.zeros(len(person), dtype=np.int64), ("campaign",)),
            "opened_at": arrow.blank(arrow.instants(read), ~opened),
            "clicked_at": arrow.blank(arrow.instants(after), ~clicked),
            "is_unsubscribed": left,
        },
    )


def _came_by_mail(recorder: Recorder, piece: Piece) -> Array:
    """Occasions whose visit came by mail."""
    names = list(recorder.world.scenario.routes)
    if "email" not in names:
        return np.zeros(0, dtype=np.int64)
    return piece.occasion[piece.route == names.index("email")]


def customers(recorder: Recorder) -> pa.Table:
    """One row a person who has ordered under a name; counts are as of the last day."""
    people, scenario = recorder.world.people, recorder.world.scenario
    who = np.flatnonzero(recorder.customer_from < NEVER)
    channels = scenario.channels
    by_route = np.array([channels.index(r.channel) for r in scenario.routes.values()])
    touch = recorder.first_touch[who]
    return arrow.table(
        "customers",
        {
            "customer_id": recorder.person(who),
            "first_seen": arrow.days(scenario.start, recorder.first_seen[who]),
            "region_id": arrow.words(people.region[who], tuple(scenario.regions)),
            "device_main": arrow.words(people.device[who], DEVICES),
            "age_band": arrow.words(people.age[who], AGES),
            "is_email_optin": people.has_mail[who],
            "first_touch": arrow.words(np.where(touch < 0, -1, by_route[touch]), channels),
            "orders_to_date": recorder.orders_to_date[who],
        },
    )
