"""From texts to typed rows: what each row is, its money, its order's values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.store.importers.cells import Cells
from ecomlab.store.importers.grouping import commonest
from ecomlab.store.importers.ledger import Ledger
from ecomlab.store.importers.mapping import FormatMap
from ecomlab.store.importers.money import RowMoney, read_money
from ecomlab.store.importers.problem import ImportProblem
from ecomlab.store.importers.rules import holds
from ecomlab.store.importers.texts import Texts
from ecomlab.store.importers.wording import number_of

__all__ = ["SOLD", "Lines", "read_lines", "settle_currency"]

SOLD = ("sale", "sold_and_returned")
MEANINGS = {
    "return": "counted as a return",
    "sold_and_returned": "counted as sold and returned",
    "shipping": "counted as the order's shipping fee",
    "discount": "counted as a discount on the order",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """Every row of the export, typed; rejected rows are marked in the ledger only.

    ``action`` is one of :data:`ecomlab.store.importers.roles.ACTIONS`, ``why`` the reason of
    the rule that decided. ``stays_out`` marks rows that a rule rejected: what they say of
    their order does not count either. ``back_at``, ``refund`` [1e-4 currency] and
    ``back_units`` tell of a return that stands beside a sale.
    """

    action: np.ndarray
    order: Texts
    sku: Texts
    at: np.ndarray
    money: RowMoney
    rate: np.ndarray
    stays_out: np.ndarray
    why: np.ndarray
    back_at: np.ndarray
    refund: np.ndarray
    back_units: np.ndarray

    def rows(self, action: str) -> np.ndarray:
        """Return the mask of rows with an action."""
        return np.asarray(self.action == action)


def settle_currency(cells: Cells, mapping: FormatMap) -> str:
    """Return the store's currency: declared, or the one the export names throughout."""
    if mapping.currency != "AUTO":
        return mapping.currency
    named = {text.upper() for text in cells.texts("currency").distinct} - {""}
    if len(named) == 1:
        return named.pop()
    if named:
        raise ImportProblem(
            f"{mapping.title}: the export holds several currencies "
            f"({', '.join(sorted(named)[:5])}). Set [store] currency, "
            f"and [rates] for those to be converted."
        )
    raise ImportProblem(f'{mapping.title}: [store] needs currency, such as "EUR".')


def read_lines(cells: Cells, *, mapping: FormatMap, ledger: Ledger) -> Lines:
    """Type every row, decide what it is, and reject what cannot be read.

    Parameters
    ----------
    cells
        The mapped columns of the export.
    mapping
        With the store's currency settled.
    ledger
        Takes the rejections and reinterpretations.
    """
    order, lost = cells.ids("order_id")
    rate = _rates(cells, order, mapping, ledger)
    money = read_money(cells, rate=rate, currency=mapping.currency)
    ledger.money = money.signed
    action, stays_out, why = _classify(cells, mapping, money, ledger)
    _return_by_sign(action, money, mapping, cells, ledger)
    sold = np.isin(action, SOLD) & ~stays_out
    at = _times(cells, order, action, sold, ledger=ledger, zone=mapping.time_zone)
    back_at, refund, back_units = _refunds(cells, rate, ledger)
    sku, lost_sku = _sku(cells)
    ledger.reject(order.empty, column=cells.label("order_id"), reason="empty")
    ledger.reject_each(lost, column=cells.label("order_id"))
    goods = ~np.isin(action, ("shipping", "discount"))
    ledger.reject(sku.empty & goods, column=cells.label("sku"), reason="empty")
    ledger.reject_each(lost_sku, column=cells.label("sku"))
    for role, problems in money.problems.items():
        ledger.reject_each(problems, column=cells.label(role))
    return Lines(
        action=action, order=order, sku=sku, at=at, money=money, rate=rate, stays_out=stays_out,
        why=why, back_at=back_at, refund=refund, back_units=back_units,
    )  # fmt: skip


def _times(
    cells: Cells, order: Texts, action: np.ndarray, sold: np.ndarray, *, ledger: Ledger, zone: str
) -> np.ndarray:
    """Return when each row was ordered; reject rows without a time, note odd ones.

    An empty time is forgiven where a sold line of the same order has one.
    """
    at, late, twice, shifted = cells.instant("ordered_at")
    column = cells.label("ordered_at")
    dated = np.zeros(max(len(order.distinct), 1), dtype=bool)
    dated[order.codes[(late == "") & sold]] = True
    late[(late == "empty") & dated[order.codes] & (action != "return")] = ""
    ledger.reject_each(late, column=column)
    moved = f"moved to the hour after the clocks went forward in {zone}"
    ledger.reinterpret(shifted, column=column, reason=moved)
    if count := int((twice & ~ledger.rejected).sum()):
        rows = number_of(count, "row has", "rows have")
        cells.notes.append(f"{rows} a local time that occurred twice in {zone}: "
                           f"taken as the first occurrence")  # fmt: skip
    return at


def _refunds(
    cells: Cells, rate: np.ndarray, ledger: Ledger
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what each row says of a return beside its sale: when, money, units."""
    rows = len(rate)
    at = np.full(rows, np.datetime64("NaT"), dtype="datetime64[us]")
    refund = units = np.zeros(rows, dtype=np.int64)
    if cells.has("returned_at"):
        at, problems, _, _ = cells.instant("returned_at")
        problems = np.where(problems == "empty", "", problems)
        ledger.reject_each(problems, column=cells.label("returned_at"))
    if cells.has("refund_amount"):
        steps, _, problems = cells.money("refund_amount")
        ledger.reject_each(problems, column=cells.label("refund_amount"))
        refund = np.abs(np.rint(steps * rate).astype(np.int64))
    if cells.has("refund_units"):
        units, _, problems = cells.whole("refund_units")
        ledger.reject_each(problems, column=cells.label("refund_units"))
    return at, refund, np.abs(units)


def _sku(cells: Cells) -> tuple[Texts, np.ndarray]:
    """Return the product of each row: its code, else its name, else the order as a whole."""
    if cells.has("sku"):
        return cells.ids("sku")
    if cells.has("product_name"):
        return cells.ids("product_name")
    rows = len(cells.export)
    return Texts.constant("order", rows), np.full(rows, "", dtype=object)


def _rates(cells: Cells, order: Texts, mapping: FormatMap, ledger: Ledger) -> np.ndarray:
    """Return each row's exchange rate; rows in a currency without one are rejected.

    A row that names no currency is in that of its order.
    """
    if not cells.has("currency"):
        return np.ones(len(cells.export))
    store, label = mapping.currency, cells.label("currency")
    texts = cells.texts("currency").rewrite(str.upper)
    size, every = len(order.distinct), np.ones(len(cells.export), dtype=bool)
    of_order = commonest(texts, order.codes, size=size, where=every)[0][order.codes]
    named = np.where(texts.empty, of_order, texts.map(str, "object"))
    known = {"": 1.0, **mapping.rates, store: 1.0}
    rates = np.array([known.get(code, np.nan) for code in named], dtype="float64")
    foreign = np.isnan(rates)
    ledger.reject(foreign, column=label, reason=f"not in {store}, and [rates] has no rate for it")
    ledger.reinterpret((rates != 1) & ~foreign, column=label,
                       reason=f"converted into {store} at the rate in the mapping")  # fmt: skip
    return np.where(foreign, 1.0, rates)


def _classify(
    cells: Cells, mapping: FormatMap, money: RowMoney, ledger: Ledger
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each row's action by the first rule that holds, what a rule rejected, and why."""
    rows = len(cells.export)
    action = np.full(rows, "sale", dtype=object)
    open_rows = np.ones(rows, dtype=bool)
    stays_out = np.zeros(rows, dtype=bool)
    why = np.full(rows, "", dtype=object)
    numbers: dict[str, np.ndarray] = {}

    def number(name: str) -> np.ndarray:
        if name not in numbers:
            numbers[name] = cells.any_numbers(name)
        return numbers[name]

    for rule in mapping.rules:
        hit = open_rows & holds(rule, text=cells.any_texts, number=number)
        open_rows &= ~hit
        column = cells.label(rule.when[0].column)
        if rule.then == "reject":
            stays_out |= hit
            ledger.reject(hit, column=column, reason=rule.reason)
            continue
        action[hit], why[hit] = rule.then, rule.reason
        if rule.then in ("return", "discount"):
            # Either sign may be written; both always take money off.
            money.sign[hit] = -1
            ledger.money = money.signed
        if rule.then != "sale":
            ledger.reinterpret(hit, column=column, reason=f"{rule.reason}: {MEANINGS[rule.then]}")
    return action, stays_out, why


def _return_by_sign(
    action: np.ndarray, money: RowMoney, mapping: FormatMap, cells: Cells, ledger: Ledger
) -> None:
    """Settle rows of negative money that no rule spoke of, and rows at no price."""
    back = (money.sign < 0) & ~ledger.rejected
    plain = back & np.isin(action, SOLD)
    column = cells.label("units" if cells.has("units") else "amount")
    if mapping.settings.negative == "reject":
        ledger.reject(plain, column=column, reason="negative units or amount")
    else:
        action[plain] = "return"
        ledger.reinterpret(plain, column=column,
                           reason=f"negative units or amount: {MEANINGS['return']}")  # fmt: skip
    ledger.reject(back & (action == "shipping"), column=column,
                  reason="shipping paid back: not part of net revenue")  # fmt: skip
    if mapping.settings.zero_price == "reject":
        free = (money.gross == 0) & (action == "sale")
        ledger.reject(free, column=cells.label("price"), reason="the price is zero")
