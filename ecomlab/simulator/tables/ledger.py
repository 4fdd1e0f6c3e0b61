"""Orders, their lines, what comes back, and what the days cost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab.simulator.mechanisms.aftermath import REASONS
from ecomlab.simulator.mechanisms.checkout import PAID, STATUS
from ecomlab.simulator.noise import Array
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Record

__all__ = ["costs_daily", "order_lines", "orders", "returns"]

_PROMISED_DAYS = 5
_COUPON = "MAIL10"


def _order_rank(record: Record) -> Array:
    """Positions of orders in the order of time."""
    return np.lexsort((record.buyer, record.order_at))


def orders(record: Record) -> pa.Table:
    """One row an order, in the order of time."""
    log, scenario = record.log, record.world.scenario
    number = record.visit_id[record.order_visit]
    coupon = log.join("coupon")
    columns = {
        "order_id": arrow.ids("O", number, 10),
        "ordered_at": arrow.instants(record.order_at),
        "date": arrow.days(scenario.start, record.order_day),
        "customer_id": arrow.ids("C", record.order_customer, 6),
        "session_id": arrow.ids("S", number, 10),
        "region_id": arrow.words(record.world.people.region[record.buyer], tuple(scenario.regions)),
        "amount": arrow.money(log.join("order_cents")),
        "discount_amount": arrow.money(log.join("order_discount_cents")),
        "shipping_fee": arrow.money(log.join("shipping_cents")),
        "payment_status": arrow.words(log.join("payment"), STATUS),
        "promised_date": arrow.days(scenario.start, record.order_day + _PROMISED_DAYS),
        "coupon": arrow.words(np.where(coupon, 0, -1), (_COUPON,)),
    }
    return arrow.table("orders", columns).take(pa.array(_order_rank(record)))


def order_lines(record: Record) -> pa.Table:
    """One row a product within an order, orders in the order of time."""
    log = record.log
    place = np.empty(len(record.order_visit), dtype=np.int64)
    place[_order_rank(record)] = np.arange(len(place))
    columns = {
        "order_id": arrow.ids("O", record.visit_id[record.order_visit][record.line_order], 10),
        "line": record.line_number,
        "sku": arrow.words(log.join("line_sku"), record.world.products.sku),
        "units": log.join("line_units"),
        "price": arrow.money(log.join("line_price_cents")),
        "discount_amount": arrow.money(log.join("line_discount_cents")),
        "amount": arrow.money(log.join("line_cents")),
        "unit_cost": arrow.money(log.join("line_cost_cents")),
    }
    rank = np.lexsort((record.line_number, place[record.line_order]))
    return arrow.table("order_lines", columns).take(pa.array(rank))


def _booked(record: Record) -> tuple[Array, Array, Array]:
    """Return line, day of refund and position in the log of the returns booked in the period."""
    line = record.log.join_positions("back_line", "line_sku")
    day = record.order_day[record.line_order[line]] + record.log.join("back_after_days")
    at = np.flatnonzero(day < record.log.days)
    at = at[np.lexsort((line[at], day[at]))]
    return line[at], day[at], at


def returns(record: Record) -> pa.Table:
    """One row a line sent back, by the day its refund is booked; later ones are not seen yet."""
    log, scenario = record.log, record.world.scenario
    line, day, at = _booked(record)
    units, order = log.join("back_units")[at], record.line_order[line]
    sold, reason = log.join("line_units")[line], log.join("back_reason")[at]
    refund = np.rint(log.join("line_cents")[line] * units / sold).astype(np.int64)
    resold = np.where(reason == REASONS.index("damaged"), 0.0, scenario.costs.resale_share)
    number = record.visit_id[record.order_visit][order]
    asked = day - 1 - number % 3  # the goods travel and are looked at before the refund
    moment = record.noise.uniform("return.hour", number * 64 + record.line_number[line])
    seconds = record.bounds[asked] + np.floor(
        (0.3 + 0.6 * moment) * (record.bounds[asked + 1] - record.bounds[asked])
    )
    return arrow.table(
        "returns",
        {
            "return_id": arrow.ids("R", number * 64 + record.line_number[line], 12),
            "order_id": arrow.ids("O", number, 10),
            "line": record.line_number[line],
            "sku": arrow.words(log.join("line_sku")[line], record.world.products.sku),
            "customer_id": arrow.ids("C", record.order_customer[order], 6),
            "requested_at": arrow.instants(seconds.astype(np.int64)),
            "date": arrow.days(scenario.start, day),
            "units": units,
            "reason": arrow.words(reason, REASONS),
            "refund_amount": arrow.money(refund),
            "resale_value": arrow.money(
                np.rint(log.join("line_cost_cents")[line] * units * resold)
            ),
        },
    )


def costs_daily(record: Record) -> pa.Table:
    """One row a day; parcels and payments are booked with the order, returns with the refund."""
    log, costs, days = record.log, record.world.scenario.costs, record.log.days
    paid = log.join("payment") == PAID
    grams = record.world.products.weight_g[log.join("line_sku")] * log.join("line_units")
    kilos = np.bincount(record.line_order, weights=grams, minlength=len(paid)) / 1000
    taken = (log.join("order_cents") + log.join("shipping_cents")) / 100

    def daily(each: Array) -> Array:
        return np.round(np.bincount(record.order_day, weights=each * paid, minlength=days), 2)

    back = np.bincount(_booked(record)[1], minlength=days)
    thousands = len(record.world.people.ids) / 1000
    return arrow.table(
        "costs_daily",
        {
            "date": arrow.days(record.world.scenario.start, np.arange(days)),
            "marketing": arrow.money(log.stack("spend_cents").sum(axis=(1, 2))),
            "fulfilment": daily(costs.per_parcel + costs.per_kg * kilos),
            "returns_handling": np.round(back * costs.per_return, 2),
            "payment": daily(costs.payment_fee + costs.payment_share * taken),
            "fixed": np.full(days, round(costs.fixed_per_1000_people * thousands, 2)),
        },
    )
