"""The store's tables, from orders, lines and returns: also who bought, what, and where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ecomlab.store.importers.amounts import PRICE_STEPS, TICKS
from ecomlab.store.importers.cells import Cells
from ecomlab.store.importers.grouping import commonest
from ecomlab.store.importers.lines import Lines
from ecomlab.store.importers.mapping import FormatMap
from ecomlab.store.importers.orders import OrderValues, unit_price

__all__ = ["make_tables"]

DISCOUNTS = ("discount_amount", "discount_share", "order_discount_amount", "order_discount_share")


def make_tables(
    cells: Cells, lines: Lines, values: OrderValues, sold: pd.DataFrame, back: pd.DataFrame,
    *, mapping: FormatMap, hide: Callable[[str], str],
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """Return the tables an orders export gives.

    Parameters
    ----------
    cells, lines, values, sold, back
        The export typed: rows, orders, lines sold, returns.
    mapping
        Gives the time zone in which days are counted.
    hide
        Turns a customer's id into its pseudonym.
    """
    zone = mapping.time_zone
    people = {text: hide(text) for text in set(values.texts["customer_id"])}
    values.texts["customer_id"] = np.array(
        [people[text] for text in values.texts["customer_id"]], dtype=object
    )
    ids = np.array([*lines.order.distinct, ""], dtype=object)
    if mapping.hides_orders:
        ids = np.array(["o" + hide(text)[1:] if text else "" for text in ids], dtype=object)
    orders = _orders(cells, lines, values, sold, ids, zone)
    tables = {
        "orders": orders,
        "order_lines": _order_lines(cells, lines, sold, ids),
        "products": _products(cells, lines, sold, back),
    }
    if len(back):
        tables["returns"] = _returns(lines, values, back, ids, zone)
    if cells.has("region"):
        names = sorted({*values.texts["region"][_seen(values, back)]} - {""})
        tables["regions"] = pd.DataFrame({"region_id": names, "name": names})
    if cells.has("customer_id"):
        tables["customers"] = _customers(cells, values, orders, back, zone)
    return {name: frame.reset_index(drop=True) for name, frame in tables.items()}


def _seen(values: OrderValues, back: pd.DataFrame) -> np.ndarray:
    """Return which order ids enter the store: those with goods sold or returned."""
    seen = values.exists.copy()
    seen[back["own"].to_numpy(dtype=np.int64)] = True
    return seen


def _orders(
    cells: Cells, lines: Lines, values: OrderValues, sold: pd.DataFrame, ids: np.ndarray, zone: str
) -> pd.DataFrame:
    size = len(values.exists)
    amount, discount = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    np.add.at(amount, sold["order"].to_numpy(), sold["amount"].to_numpy())
    np.add.at(discount, sold["order"].to_numpy(), sold["discount"].to_numpy())
    order = sold["order"].drop_duplicates().to_numpy()
    at = values.at[order]
    frame = pd.DataFrame(
        {
            "order_id": ids[order],
            "ordered_at": pd.DatetimeIndex(at).tz_localize("UTC"),
            "date": _local_day(at, zone),
            "customer_id": _text(values.texts["customer_id"][order]),
            "amount": amount[order] / TICKS,
        }
    )
    if cells.has("region"):
        frame["region_id"] = _text(values.texts["region"][order])
    if any(map(cells.has, DISCOUNTS)) or lines.rows("discount").any():
        frame["discount_amount"] = discount[order] / TICKS
    if cells.has("shipping_fee") or lines.rows("shipping").any():
        frame["shipping_fee"] = values.shipping[order] / TICKS
    # No column of orders, but the first one says how its customer found the shop.
    for role in ("payment_status", "coupon", "channel"):
        if cells.has(role):
            frame[role] = _text(values.texts[role][order])
    return frame


def _order_lines(cells: Cells, lines: Lines, sold: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "order_id": ids[sold["order"]],
            "line": sold["line"],
            "sku": np.array(lines.sku.distinct, dtype=object)[sold["sku"]],
            "units": sold["units"],
            "price": unit_price(sold),
            "amount": sold["amount"] / TICKS,
        }
    )
    if any(map(cells.has, DISCOUNTS)) or lines.rows("discount").any():
        frame["discount_amount"] = sold["discount"] / TICKS
    cost = _unit_cost(cells, sold)
    return frame if cost is None else frame.assign(unit_cost=cost)


def _unit_cost(cells: Cells, sold: pd.DataFrame) -> np.ndarray | None:
    """Return what a unit cost: as given, or from the line's cost or margin."""
    place = sold["place"].to_numpy()

    def read(role: str) -> np.ndarray:
        steps, there, problems = cells.money(role)
        return np.where(there & (problems == ""), steps, np.nan)[place]

    units = sold["units"].to_numpy()
    if cells.has("unit_cost"):
        return np.asarray(np.abs(read("unit_cost")) / PRICE_STEPS)
    if cells.has("cost_amount"):
        return np.asarray((np.abs(read("cost_amount")) / units / TICKS).round(10))
    if cells.has("margin_amount"):
        cost = (sold["amount"].to_numpy() - read("margin_amount")) / units / TICKS
        return np.where(cost < 0, np.nan, cost.round(10))
    return None


def _products(cells: Cells, lines: Lines, sold: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """Return one row a product sold or returned, named as it most often is."""
    size = len(lines.sku.distinct)
    named = np.unique(np.r_[sold["sku"].to_numpy(dtype=np.int64), back["sku"].to_numpy(np.int64)])
    used = named[named >= 0]
    every = ~lines.stays_out
    frame = {"sku": np.array(lines.sku.distinct, dtype=object)[used]}
    for role, column in (("product_name", "name"), ("category", "category_id"), ("brand", "brand")):
        if cells.has(role):
            found, _ = commonest(cells.texts(role), lines.sku.codes, size=size, where=every)
            frame[column] = _text(found[used])
    for role in ("list_price", "unit_cost"):
        if cells.has(role):
            steps, there, problems = cells.money(role)
            seen = there & (problems == "") & every
            largest = np.full(size, -1, dtype=np.int64)
            np.maximum.at(largest, lines.sku.codes[seen], steps[seen])
            frame[role] = np.where(largest[used] < 0, np.nan, largest[used] / PRICE_STEPS)
    return pd.DataFrame(frame).sort_values("sku")


def _customers(
    cells: Cells, values: OrderValues, orders: pd.DataFrame, back: pd.DataFrame, zone: str
) -> pd.DataFrame:
    """Return one row a known customer: who ordered, and who only returned."""
    known = orders[orders["customer_id"].notna()]
    grouped = known.groupby("customer_id", sort=True)
    frame = grouped.agg(first_seen=("date", "min"), orders_to_date=("order_id", "size"))
    if cells.has("region"):
        counted = known.dropna(subset=["region_id"]).value_counts(["customer_id", "region_id"])
        ordered = counted.reset_index().sort_values(
            ["customer_id", "count", "region_id"], ascending=[True, False, True]
        )
        frame["region_id"] = ordered.drop_duplicates("customer_id").set_index("customer_id")[
            "region_id"
        ]
    if cells.has("channel"):
        first = known.sort_values(["ordered_at", "order_id"]).drop_duplicates("customer_id")
        frame["first_touch"] = first.set_index("customer_id")["channel"]
    others = pd.DataFrame({
        "customer_id": values.texts["customer_id"][back["own"].to_numpy(dtype=np.int64)],
        "first_seen": _local_day(back["at"].to_numpy(dtype="datetime64[us]"), zone),
    })  # fmt: skip
    others = others[(others["customer_id"] != "") & ~others["customer_id"].isin(frame.index)]
    only = others.groupby("customer_id").agg(first_seen=("first_seen", "min"))
    return pd.concat([frame, only.assign(orders_to_date=0)]).sort_index().reset_index()


def _returns(
    lines: Lines, values: OrderValues, back: pd.DataFrame, ids: np.ndarray, zone: str
) -> pd.DataFrame:
    skus = np.array([*lines.sku.distinct, ""], dtype=object)
    own = ids[back["own"]]
    number = back.groupby("own").cumcount() + 1
    at = back["at"].to_numpy(dtype="datetime64[us]")
    return pd.DataFrame(
        {
            "return_id": [f"{order}-{n}" for order, n in zip(own, number, strict=True)],
            "order_id": _text(ids[back["order"]]),
            "line": back["line"].astype("Int64").mask(back["line"] == 0),
            "sku": _text(skus[back["sku"]]),
            "customer_id": _text(values.texts["customer_id"][back["own"]]),
            "requested_at": pd.DatetimeIndex(at).tz_localize("UTC"),
            "date": _local_day(at, zone),
            "units": back["units"],
            "reason": _text(back["reason"].to_numpy(dtype=object)),
            "refund_amount": back["refund"] / TICKS,
        }
    )


def _text(values: np.ndarray) -> pd.Series:
    """Return texts with gaps where they are empty."""
    return pd.Series(values, dtype="str").mask(values == "")


def _local_day(at: np.ndarray, zone: str) -> pd.DatetimeIndex:
    local = pd.DatetimeIndex(at).tz_localize("UTC").tz_convert(zone)
    return local.tz_localize(None).normalize()
