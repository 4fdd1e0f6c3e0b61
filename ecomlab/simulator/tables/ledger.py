"""Orders, their lines, what comes back, what is said of them, and what the days cost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab.simulator.entering import book_entries, is_old, people_served
from ecomlab.simulator.mechanisms.aftermath import REASONS
from ecomlab.simulator.mechanisms.checkout import PAID, STATUS
from ecomlab.simulator.noise import Array
from ecomlab.simulator.recommending import book_recommender
from ecomlab.simulator.research.orders import list_orders
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Piece, Recorder

__all__ = ["add_costs", "costs_daily", "order_lines", "orders", "returns", "reviews"]

_COUPON = "MAIL10"
_LINE = 56  # bits of an order line's code


def orders(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row an order, in the order of time."""
    scenario, number = recorder.world.scenario, piece.order_number
    coupon = piece.of_order("coupon")
    region = recorder.world.people.region[piece.buyer]
    front = piece.front[piece.order_visit]
    fronts = {"front": arrow.words(front, tuple(scenario.fronts))} if scenario.fronts else {}
    return arrow.table(
        "orders",
        {
            **fronts,
            "order_id": recorder.order_id(number),
            "ordered_at": arrow.instants(piece.order_at),
            "date": arrow.days(scenario.start, piece.order_day),
            "customer_id": recorder.person(recorder.named_buyer(piece)),
            "session_id": recorder.session_id(number),
            "region_id": arrow.words(region, tuple(scenario.regions)),
            "amount": arrow.money(piece.of_order("order_cents")),
            "discount_amount": arrow.money(piece.of_order("order_discount_cents")),
            "shipping_fee": arrow.money(piece.of_order("shipping_cents")),
            "payment_status": arrow.words(piece.of_order("payment"), STATUS),
            "promised_date": arrow.days(
                scenario.start, piece.order_day + piece.of_order("promised_days")
            ),
            "coupon": arrow.words(np.where(coupon, 0, -1), (_COUPON,)),
        },
    )


def order_lines(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a product within an order, orders in the order of time."""
    return arrow.table(
        "order_lines",
        {
            "order_id": recorder.order_id(piece.order_number[piece.line_order]),
            "line": piece.line_number,
            "sku": arrow.words(piece.of_line("line_sku"), recorder.world.products.sku),
            "units": piece.of_line("line_units"),
            "price": arrow.money(piece.of_line("line_price_cents")),
            "discount_amount": arrow.money(piece.of_line("line_discount_cents")),
            "amount": arrow.money(piece.of_line("line_cents")),
            "unit_cost": arrow.money(piece.of_line("line_cost_cents")),
        },
    )


def _lines_of(recorder: Recorder, piece: Piece, at: Array) -> dict[str, Array]:
    """Return what later bookings need to know of lines, given their positions in the log."""
    place = np.empty_like(piece.line_rank)
    place[piece.line_rank] = np.arange(len(place))
    line = place[at]
    order = piece.line_order[line]
    return {
        "number": piece.order_number[order],
        "line": piece.line_number[line],
        "ordered": piece.order_day[order],
        "sku": piece.of_line("line_sku")[line],
        "buyer": recorder.named_buyer(piece)[order],
        "units": piece.of_line("line_units")[line],
        "cents": piece.of_line("line_cents")[line],
        "cost_cents": piece.of_line("line_cost_cents")[line],
    }


def _wait(recorder: Recorder, name: str, fresh: dict[str, Array], last: int) -> dict[str, Array]:
    """Put bookings with a day to come aside; return those due by the last day, in order."""
    parts = [*recorder.pending[name], fresh]
    joined = {key: np.concatenate([part[key] for part in parts]) for key in fresh}
    due = joined["day"] <= last
    recorder.pending[name] = [{key: values[~due] for key, values in joined.items()}]
    out = {key: values[due] for key, values in joined.items()}
    rank = np.lexsort((out["line"], out["number"], out["day"]))
    return {key: values[rank] for key, values in out.items()}


def returns(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a line sent back, by the day its refund is booked; later ones are not seen yet."""
    log, scenario = piece.log, recorder.world.scenario
    fresh = _lines_of(recorder, piece, log.join_positions("back_line", "line_sku"))
    fresh |= {"back": log.join("back_units"), "reason": log.join("back_reason")}
    fresh["day"] = fresh["ordered"] + log.join("back_after_days")
    found = _wait(recorder, "returns", fresh, log.first + log.days - 1)
    refund = np.rint(found["cents"] * found["back"] / found["units"]).astype(np.int64)
    damaged = found["reason"] == REASONS.index("damaged")
    resold = np.where(damaged, 0.0, scenario.costs.resale_share)
    code = found["number"] * 64 + found["line"]
    asked = found["day"] - 1 - found["number"] % 3  # the goods travel and are looked at first
    moment = 0.3 + 0.6 * recorder.noise.uniform("return.hour", code)
    bounds = recorder.bounds
    seconds = bounds[asked] + np.floor(moment * (bounds[asked + 1] - bounds[asked]))
    _book(recorder, "returns_handling", found["day"], scenario.costs.per_return)
    return arrow.table(
        "returns",
        {
            "return_id": recorder.codes.write("R", code, bits=_LINE),
            "order_id": recorder.order_id(found["number"]),
            "line": found["line"],
            "sku": arrow.words(found["sku"], recorder.world.products.sku),
            "customer_id": recorder.person(found["buyer"]),
            "requested_at": arrow.instants(seconds.astype(np.int64)),
            "date": arrow.days(scenario.start, found["day"]),
            "units": found["back"],
            "reason": arrow.words(found["reason"], REASONS),
            "refund_amount": arrow.money(refund),
            "resale_value": arrow.money(np.rint(found["cost_cents"] * found["back"] * resold)),
        },
    )


def reviews(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a review, by the day it was written."""
    log = piece.log
    fresh = _lines_of(recorder, piece, log.join_positions("rated_line", "line_sku"))
    fresh |= {"stars": log.join("rated_stars"), "invited": log.join("is_invited")}
    fresh["day"] = fresh["ordered"] + log.join("rated_after_days")
    found = _wait(recorder, "reviews", fresh, log.first + log.days - 1)
    code = found["number"] * 64 + found["line"]
    return arrow.table(
        "reviews",
        {
            "review_id": recorder.codes.write("W", code, bits=_LINE),
            "order_id": recorder.order_id(found["number"]),
            "sku": arrow.words(found["sku"], recorder.world.products.sku),
            "date": arrow.days(recorder.world.scenario.start, found["day"]),
            "stars": found["stars"],
            "is_verified": np.ones(len(code), dtype=bool),
            "is_invited": found["invited"],
        },
    )


def _book(recorder: Recorder, line: str, day: Array, each: Array | float) -> None:
    """Add costs to a line of the books, by day."""
    books = recorder.costs.setdefault(line, np.zeros(recorder.days))
    np.add.at(books, day, each)


def add_costs(recorder: Recorder, piece: Piece) -> None:
    """Book the days' costs; parcels and payments are booked with the order."""
    costs, log = recorder.world.scenario.costs, piece.log
    paid = piece.of_order("payment") == PAID
    grams = recorder.world.products.weight_g[piece.of_line("line_sku")]
    kilos = np.bincount(
        piece.line_order, weights=grams * piece.of_line("line_units"), minlength=len(paid)
    )
    parcel = costs.per_parcel + costs.per_kg * kilos / 1000
    if recorder.world.scenario.fulfilment is not None:
        parcel = piece.of_order("parcel_cents") / 100
    taken = (piece.of_order("order_cents") + piece.of_order("shipping_cents")) / 100
    fronts = [front.fee_share for front in recorder.world.scenario.fronts.values()] or [0.0]
    platform = np.array(fronts)[piece.front[piece.order_visit]]
    fee = costs.payment_fee + (costs.payment_share + platform) * taken
    _book(recorder, "fulfilment", piece.order_day, parcel * paid)
    _book(recorder, "payment", piece.order_day, fee * paid)
    spent = log.stack("paid_cents").sum(axis=(1, 2)) / 100
    _book(recorder, "marketing", log.first + np.arange(log.days), spent)


def costs_daily(recorder: Recorder) -> pa.Table:
    """One row a day."""
    days, scenario = recorder.days, recorder.world.scenario
    plans = recorder.plan.in_force(scenario.start) if recorder.plan is not None else ()
    thousands = people_served(recorder.world) / 1000
    fixed = round(scenario.costs.fixed_per_1000_people * thousands, 2)
    _book_research(recorder, len(recorder.world.people.ids) / 1000)
    if not is_old(scenario).all():
        recorder.costs["entry"] = book_entries(recorder.world, plans, days)
    books = {line: np.round(values, 2) for line, values in sorted(recorder.costs.items())}
    return arrow.table(
        "costs_daily",
        {"date": arrow.days(scenario.start, np.arange(days)), **books,
         "fixed": np.full(days, fixed)},
    )  # fmt: skip


def _book_research(recorder: Recorder, thousands: float) -> None:
    """Book experiments, features and market research on the days they were ordered."""
    scenario, start = recorder.world.scenario, np.datetime64(recorder.world.scenario.start, "D")
    recorder.costs["research"] = np.zeros(recorder.days)
    for order in list_orders(scenario, recorder.plan, recorder.days):
        cost = order.about.respondents * scenario.market.panel_cost
        _book(recorder, "research", np.array([order.day]), cost)
    plans = recorder.plan.in_force(scenario.start) if recorder.plan is not None else ()
    recorder.costs["research"] += book_recommender(
        scenario, len(recorder.world.people.ids), plans, recorder.days
    )
    for plan in plans:
        for test in plan.experiments:
            age = int((np.datetime64(test.start, "D") - start).astype(int))
            span = np.arange(max(age, 0), min(age + test.days, recorder.days))
            running = scenario.features[test.what].cost_per_day if (
                test.what in scenario.features) else 0.0  # fmt: skip
            _book(recorder, "research", span, running * thousands)
            _book(recorder, "research", span[:1],
                  scenario.costs.experiment_per_1000_people * thousands)  # fmt: skip
        begun = int((np.datetime64(plan.start or scenario.start, "D") - start).astype(int))
        built = sum(scenario.features[name].cost_per_day for name in plan.features)
        _book(recorder, "research", np.arange(max(begun, 0), recorder.days), built * thousands)
