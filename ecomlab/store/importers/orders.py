"""From typed rows to orders and their lines.

An order's values may stand on each of its lines or on one only; its discount is spread over
its lines to the coin. Lines are put in a fixed order: how the file is sorted does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecomlab.store.importers.amounts import PRICE_STEPS, TICKS
from ecomlab.store.importers.cells import Cells
from ecomlab.store.importers.grouping import commonest, first_rows, sum_by
from ecomlab.store.importers.ledger import Ledger
from ecomlab.store.importers.lines import SOLD, Lines
from ecomlab.store.importers.money import coin_of
from ecomlab.store.importers.roles import ORDER_MONEY, ORDER_TEXTS
from ecomlab.store.importers.spread import spread
from ecomlab.store.importers.status import settle_status
from ecomlab.store.importers.wording import number_of

__all__ = ["OrderValues", "build_lines", "gather_values", "unit_price"]


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderValues:
    """What is known of each order id of the export, and money that stands on orders only.

    ``exists`` marks ids with goods sold. Money is in 1e-4 of the currency unit.
    """

    at: np.ndarray
    texts: dict[str, np.ndarray]
    shipping: np.ndarray
    discount: np.ndarray
    refund: np.ndarray
    exists: np.ndarray
    carrier: np.ndarray


def gather_values(cells: Cells, lines: Lines, *, ledger: Ledger, currency: str) -> OrderValues:
    """Gather each order's values and discount; reject orders whose values contradict.

    Parameters
    ----------
    cells, lines
        The rows.
    ledger
        Takes rejections, and the money that stands on orders.
    currency
        The store's currency, whose smallest coin discounts round to.
    """
    size, codes = len(lines.order.distinct), lines.order.codes
    counts = ~lines.stays_out
    texts = {}
    for role in ORDER_TEXTS:
        found, problems = cells.words(role) if role != "customer_id" else cells.ids(role)
        _reject_orders(problems, lines, ledger, cells.label(role))
        if role == "payment_status":
            texts[role], several = settle_status(cells, lines, found, ledger=ledger)
        else:
            texts[role], several = commonest(found, codes, size=size, where=counts)
        if several.any():
            torn = number_of(int(several.sum()), "order has", "orders have")
            cells.notes.append(f"{cells.label(role)}: {torn} several values; the commonest counts")
    money = {role: _order_money(cells, lines, role, ledger) for role in ORDER_MONEY}
    shipping = money["shipping_fee"]
    discount = _discounts(cells, lines, money, ledger, coin_of(currency))
    sold = _sold(lines, ledger)
    exists = sum_by(codes, sold.astype(np.int64), size=size) > 0
    lonely = ~exists[codes] & np.isin(lines.action, ("shipping", "discount"))
    ledger.reject(lonely, column=cells.label("sku"),
                  reason="no goods were sold in this order")  # fmt: skip
    first = first_rows(codes, size=size, where=counts & ~ledger.rejected)
    carrier = np.where(first >= 0, first, first_rows(codes, size=size, where=counts))
    _book_on_carriers(ledger, carrier, shipping - discount["column"], exists)
    fees = sum_by(codes, np.where(lines.rows("shipping") & ~ledger.rejected,
                                  lines.money.signed, 0), size=size)  # fmt: skip
    dated = counts & (np.isin(lines.action, SOLD) | ~exists[codes])
    return OrderValues(
        at=_earliest(lines, size, dated), texts=texts,
        shipping=shipping + fees, discount=discount["all"], exists=exists, carrier=carrier,
        refund=np.abs(money["order_refund_amount"]),
    )  # fmt: skip


def _book_on_carriers(
    ledger: Ledger, carrier: np.ndarray, money: np.ndarray, exists: np.ndarray
) -> None:
    """Book the money that stands on orders with one row of each; set aside where none was sold."""
    held = (carrier >= 0) & (money != 0)
    lone = held & ~exists & ~ledger.rejected[carrier]
    booked = held & ~lone
    np.add.at(ledger.money, carrier[booked], money[booked])
    reason = "shipping or discount of an order without goods: not counted"
    ledger.set_aside(carrier[lone], money[lone], column="", reason=reason)


def _reject_orders(problems: np.ndarray, lines: Lines, ledger: Ledger, column: str) -> None:
    """Reject all rows of an order one of whose values of the whole order cannot be read."""
    counted = np.where(lines.stays_out, "", problems)
    for reason in sorted({problem for problem in counted if problem}):
        wrong = np.zeros(len(lines.order.distinct), dtype=bool)
        wrong[lines.order.codes[counted == reason]] = True
        ledger.reject(wrong[lines.order.codes] & ~lines.stays_out, column=column, reason=reason)


def _sold(lines: Lines, ledger: Ledger) -> np.ndarray:
    return np.isin(lines.action, SOLD) & ~ledger.rejected


def _earliest(lines: Lines, size: int, where: np.ndarray) -> np.ndarray:
    """Return each order's earliest time."""
    latest = np.iinfo(np.int64).max
    at = np.where(np.isnat(lines.at) | ~where, latest, lines.at.astype("int64"))
    first = np.full(size, latest, dtype=np.int64)
    np.minimum.at(first, lines.order.codes, at)
    return np.where(first == latest, np.iinfo(np.int64).min, first).astype("datetime64[us]")


def _order_money(cells: Cells, lines: Lines, role: str, ledger: Ledger) -> np.ndarray:
    """Return an order-level amount for each order, without its sign."""
    size, codes = len(lines.order.distinct), lines.order.codes
    if not cells.has(role):
        return np.zeros(size, dtype=np.int64)
    steps, _, problems = cells.money(role)
    _reject_orders(problems, lines, ledger, cells.label(role))
    steps = np.abs(np.rint(steps * lines.rate).astype(np.int64)) * ~lines.stays_out
    if cells.map(role).per == "line":
        return sum_by(codes, steps, size=size)
    largest = np.zeros(size, dtype=np.int64)
    np.maximum.at(largest, codes, steps)
    clash = (steps > 0) & (steps != largest[codes])
    torn = sum_by(codes, clash.astype(np.int64), size=size) > 0
    ledger.reject(torn[codes] & ~lines.stays_out, column=cells.label(role),
                  reason=f"differs within the order: declare {role}'s per = \"line\" if each row "
                         f"has its own part")  # fmt: skip
    return largest


def _discounts(
    cells: Cells, lines: Lines, money: dict[str, np.ndarray], ledger: Ledger, coin: int
) -> dict[str, np.ndarray]:
    """Return each order's discount: what its columns say, and that plus its discount rows."""
    size, codes = len(lines.order.distinct), lines.order.codes
    sold = _sold(lines, ledger)
    own = lines.money.discount
    net = sum_by(codes, np.where(sold, lines.money.gross - own, 0), size=size)
    column = money["order_discount_amount"]
    if cells.has("order_discount_share"):
        parts, _, problems = cells.share("order_discount_share")
        _reject_orders(problems, lines, ledger, cells.label("order_discount_share"))
        share = np.zeros(size, dtype=np.int64)
        np.maximum.at(share, codes, parts * ~lines.stays_out)
        column = column + np.rint(net * (share / 1_000_000) / coin).astype(np.int64) * coin
    if cells.has("order_amount"):
        whole = sum_by(codes, (ledger.rejected & ~lines.stays_out).astype(np.int64), size=size) == 0
        cut = sum_by(codes, np.where(sold, own, 0), size=size)
        stated = cells.has("order_discount_amount") or cells.has("order_discount_share")
        column = _arbitrate(cells, column, net, cut, money["order_amount"], whole, stated)
    rows = lines.rows("discount") & ~ledger.rejected
    every = column + sum_by(codes, np.where(rows, -lines.money.signed, 0), size=size)
    too_much = (every > net) & (sum_by(codes, sold.astype(np.int64), size=size) > 0)
    ledger.reject(too_much[codes] & ~lines.stays_out, column=cells.label("order_discount_amount"),
                  reason="the order's discount is more than its goods")  # fmt: skip
    return {"column": column, "all": every}


def _arbitrate(
    cells: Cells, discount: np.ndarray, net: np.ndarray, cut: np.ndarray,
    amount: np.ndarray, whole: np.ndarray, stated: bool,
) -> np.ndarray:  # fmt: skip
    """Let the order's own total say what its discount column means.

    A discount column may hold the order's discount alone, or the lines' discounts too, or a
    discount on shipping; the reading that gives the total is the right one.
    """
    implied = net - amount
    known = whole & (implied >= 0)
    if not stated:
        settled = known
    else:
        settled = known & ((implied == discount) | (implied == discount - cut) | (implied == 0))
    off = whole & ~settled & (net > 0) & (implied != discount)
    if off.any():
        orders = number_of(int(off.sum()), "order", "orders")
        cells.notes.append(f"{cells.label('order_amount')}: {orders} whose lines "
                           f"do not add up to it; the lines count")  # fmt: skip
    return np.where(settled, implied, np.where(whole & ~known & (not stated), 0, discount))


def build_lines(
    lines: Lines, values: OrderValues, *, ledger: Ledger, currency: str
) -> pd.DataFrame:
    """Return the lines sold, in their fixed order, with all discounts spread over them.

    Returns
    -------
    DataFrame
        ``place`` (row of the export), ``order`` and ``sku`` (codes), ``line``, ``units``,
        ``price_steps``, ``gross``, ``discount``, ``amount`` [1e-4 currency].
    """
    place = np.flatnonzero(_sold(lines, ledger))
    money, order, sku = lines.money, lines.order.codes[place], lines.sku.codes[place]
    keys = (
        money.discount[place], money.units[place], money.price_steps[place], money.gross[place],
        sku, order, values.at[order].astype("int64"),
    )  # fmt: skip
    sort = np.lexsort(keys)
    place, order, sku = place[sort], order[sort], sku[sort]
    starts = np.flatnonzero(np.r_[True, order[1:] != order[:-1]]) if len(order) else order
    lengths = np.diff(np.r_[starts, len(order)])
    discount = money.discount[place].copy()
    gross = money.gross[place]
    coin = coin_of(currency)
    for start, length in zip(starts, lengths, strict=True):
        total = int(values.discount[order[start]])
        if total:
            part = slice(start, start + length)
            discount[part] += spread(total, gross[part] - discount[part], coin=coin)
    return pd.DataFrame(
        {
            "place": place, "order": order, "sku": sku,
            "line": np.arange(len(order)) - np.repeat(starts, lengths) + 1,
            "units": money.units[place], "price_steps": money.price_steps[place],
            "gross": gross, "discount": discount, "amount": gross - discount,
        }
    )  # fmt: skip


def unit_price(sold: pd.DataFrame) -> pd.Series:
    """Return the price of a unit, such that units x price is the line before discounts."""
    follows = (sold["gross"] / sold["units"] / TICKS).round(10)
    return follows.where(sold["price_steps"] < 0, sold["price_steps"] / PRICE_STEPS)
