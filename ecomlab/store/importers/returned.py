"""Returns: rows of money back, matched to the sale they undo where the export allows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ecomlab.store.importers.amounts import TICKS
from ecomlab.store.importers.cells import Cells
from ecomlab.store.importers.grouping import sum_by
from ecomlab.store.importers.ledger import Ledger
from ecomlab.store.importers.lines import Lines
from ecomlab.store.importers.orders import OrderValues

__all__ = ["build_returns"]


class Return(NamedTuple):
    """One return: codes are -1, and the line 0, where they are not known."""

    own: int
    order: int
    line: int
    sku: int
    at: np.datetime64
    units: int
    reason: str
    refund: int


@dataclass
class Sale:
    """A line sold, and how many of its units have not come back."""

    order: int
    line: int
    at: np.datetime64
    price: float
    left: int


def build_returns(
    cells: Cells, lines: Lines, values: OrderValues, sold: pd.DataFrame, *, ledger: Ledger
) -> pd.DataFrame:
    """Return one row a return: from rows of money back, refund columns and order refunds.

    Returns
    -------
    DataFrame
        The fields of :class:`Return`, in a fixed order; ``refund`` is in 1e-4 of the
        currency unit.
    """
    found = [
        *_booked(cells, lines, values, sold, ledger),
        *_refunded_lines(cells, lines, values, sold, ledger),
    ]
    found += _refunded_orders(cells, values, sold, found, ledger, lines)
    frame = pd.DataFrame(found, columns=list(Return._fields))
    keys = ["at", "own", "sku", "units", "refund", "line", "order"]
    return frame.sort_values(keys, kind="stable", ignore_index=True)


def _reasons(cells: Cells, lines: Lines) -> np.ndarray:
    """Return each row's reason: the export's own, else that of the rule."""
    texts = cells.texts("return_reason")
    said = np.array([*texts.distinct, ""], dtype=object)[texts.codes]
    return np.where(said == "", lines.why, said)


def _booked(
    cells: Cells, lines: Lines, values: OrderValues, sold: pd.DataFrame, ledger: Ledger
) -> list[Return]:  # fmt: skip
    """Return the rows that are themselves returns, each matched to an earlier sale."""
    place = np.flatnonzero(lines.rows("return") & ~ledger.rejected)
    if not len(place):
        return []
    money, reasons = lines.money, _reasons(cells, lines)
    by_customer, by_order = _shelves(values, sold[sold["sku"].isin(lines.sku.codes[place])])
    target = _targets(cells, lines, values)
    refund = money.gross - money.discount
    at = np.where(np.isnat(lines.at), values.at[lines.order.codes], lines.at)
    at = np.where(np.isnat(lines.back_at), at, lines.back_at)
    keys = (refund[place], money.units[place], lines.sku.codes[place],
            lines.order.codes[place], at[place].astype("int64"))  # fmt: skip
    found = []
    for row in place[np.lexsort(keys)]:
        own, sku, units = lines.order.codes[row], lines.sku.codes[row], int(money.units[row])
        customer = values.texts["customer_id"][own]
        order, line = int(target[row]), 0
        shelf = by_order[order, sku] if order >= 0 else by_customer[customer, sku]
        price = refund[row] / units
        match = _match(shelf, at[row], units, price)
        if match is not None:
            match.left -= units
            order, line = match.order, match.line
        found.append(Return(own, order, line, sku, at[row], units, reasons[row], refund[row]))
    return found


def _targets(cells: Cells, lines: Lines, values: OrderValues) -> np.ndarray:
    """Return for each row the order it says it undoes, -1 where it says none that we have."""
    own = lines.order.codes
    target = np.where(values.exists[own], own, -1)
    if cells.has("returned_order_id"):
        texts = cells.texts("returned_order_id")
        known = {text: code for code, text in enumerate(lines.order.distinct)}
        named = texts.map(lambda text: known.get(text, -1), "int64")
        target = np.where((named >= 0) & values.exists[named], named, target)
    return target


def _shelves(
    values: OrderValues, sold: pd.DataFrame
) -> tuple[dict[tuple[str, int], list[Sale]], dict[tuple[int, int], list[Sale]]]:
    by_customer: dict[tuple[str, int], list[Sale]] = defaultdict(list)
    by_order: dict[tuple[int, int], list[Sale]] = defaultdict(list)
    columns = (sold[name].tolist() for name in ("order", "sku", "line", "units", "amount"))
    for order, sku, line, units, amount in zip(*columns, strict=True):
        sale = Sale(order, line, values.at[order], amount / units, units)
        by_order[order, sku].append(sale)
        customer = values.texts["customer_id"][order]
        if customer:
            by_customer[customer, sku].append(sale)
    return by_customer, by_order


def _match(shelf: list[Sale], at: np.datetime64, units: int, price: float) -> Sale | None:
    """Return the latest earlier sale with enough units left, of the same price if there is one."""
    fits = [sale for sale in shelf if sale.left >= units and sale.at <= at]
    same = [sale for sale in fits if abs(sale.price - price) < TICKS / 100]
    return (same or fits or [None])[-1]  # type: ignore[list-item]


def _refunded_lines(
    cells: Cells, lines: Lines, values: OrderValues, sold: pd.DataFrame, ledger: Ledger
) -> list[Return]:  # fmt: skip
    """Return refunds that stand beside a sale, in columns or by a rule on its status."""
    place = sold["place"].to_numpy()
    part = sold[lines.rows("sold_and_returned")[place] | (lines.refund[place] > 0)]
    reasons = _reasons(cells, lines)
    found = []
    for row, order, sku, line, sold_units, amount in zip(
        *(part[name].tolist() for name in ("place", "order", "sku", "line", "units", "amount")),
        strict=True,
    ):
        back = int(lines.refund[row]) or amount
        beyond = max(back - amount, 0)
        back -= beyond
        ledger.money[row] -= back
        if beyond:
            _set_aside(ledger, row, cells.label("refund_amount"), beyond)
        count = min(int(lines.back_units[row]), sold_units) or (sold_units if back == amount else 0)
        at = values.at[order] if np.isnat(lines.back_at[row]) else lines.back_at[row]
        found.append(Return(order, order, line, sku, at, count, reasons[row], back))
    return found


def _refunded_orders(
    cells: Cells, values: OrderValues, sold: pd.DataFrame, found: list[Return],
    ledger: Ledger, lines: Lines,
) -> list[Return]:  # fmt: skip
    """Return refunds that stand on whole orders: goods first, then shipping, the rest aside."""
    refunded = sold[(values.refund > 0)[sold["order"].to_numpy()]]
    whole = sum_by(refunded["order"].to_numpy(), refunded["amount"].to_numpy(),
                   size=len(values.exists))  # fmt: skip
    lines_of = defaultdict(list)
    for order, *line in refunded[["order", "line", "sku", "units", "amount"]].itertuples(
        index=False
    ):
        lines_of[order].append(line)
    goods = whole.copy()
    for one in found:
        if one.order >= 0:
            goods[one.order] -= one.refund
    latest = np.full(len(whole), np.datetime64("NaT"), dtype="datetime64[us]")
    np.fmax.at(latest, lines.order.codes, lines.back_at)
    extra = []
    for order in np.flatnonzero(values.refund).tolist():
        total, row = int(values.refund[order]), int(values.carrier[order])
        if row < 0 or ledger.rejected[row]:
            continue
        back = min(total, max(int(goods[order]), 0))
        fee = min(total - back, int(values.shipping[order]) * bool(values.exists[order]))
        values.shipping[order] -= fee
        ledger.money[row] -= back + fee
        if rest := total - back - fee:
            _set_aside(ledger, row, cells.label("order_refund_amount"), rest)
        at = values.at[order] if np.isnat(latest[order]) else latest[order]
        if back == whole[order] > 0:
            extra += [
                Return(order, order, line, sku, at, units, "whole order refunded", amount)
                for line, sku, units, amount in lines_of[order]
            ]
        elif back:
            extra.append(Return(order, order, 0, -1, at, 0, "part of the order refunded", back))
    return extra


def _set_aside(ledger: Ledger, row: int, column: str, money: int) -> None:
    """Book money paid back beyond the goods (tax, tips) outside the tables."""
    ledger.set_aside(np.array([row]), np.array([-money]), column=column,
                     reason="paid back beyond goods and shipping (tax, tips): not part of "
                            "net revenue")  # fmt: skip
