"""The business by region, channel, category or another dimension: orders, money, visits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from ecomlab.metrics.counted import (
    TICKS,
    counted_lines,
    counted_orders,
    counted_returns,
    counted_sessions,
    ticks,
)
from ecomlab.metrics.tables import Source, Tables, as_tables, has, period, within

__all__ = ["DIMENSIONS", "UNKNOWN", "summarize_by"]

UNKNOWN = "unknown"

# dimension -> the table it stands in
DIMENSIONS: Mapping[str, str] = {
    "region_id": "orders",
    "payment_status": "orders",
    "coupon": "orders",
    "channel": "sessions",
    "device": "sessions",
    "landing": "sessions",
    "age_band": "customers",
    "first_touch": "customers",
    "sku": "order_lines",
    "category_id": "products",
    "brand": "products",
    "supplier_id": "products",
}


def summarize_by(
    store: Source, *, by: str, since: date | str | None = None, until: date | str | None = None
) -> pd.DataFrame:
    """Return orders, money and visits for each value of one dimension, the largest first.

    Rows whose value is not known are gathered under ``unknown``, so that the rows add up to
    the whole. A dimension of products counts an order once in each value it holds.

    Parameters
    ----------
    store
        A store, or a mapping from table name to a frame of any engine narwhals knows.
    by
        One of :data:`DIMENSIONS`, such as ``region_id``, ``channel`` or ``category_id``.
    since, until
        First and last day; by default the store's whole period.

    Returns
    -------
    DataFrame
        The dimension, then ``orders, units, sales, returns, net``, ``average_order`` = sales /
        orders [currency/order], ``sessions, converted_sessions, conversion_share``; NaN where
        the store cannot tell.

    Raises
    ------
    ValueError
        Where the dimension is not known, or the store lacks it.

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": ["a", "b"], "region_id": ["north", None],
    ...     "date": pd.to_datetime(["2024-03-01"] * 2), "amount": [18.0, 5.0]})
    >>> summarize_by({"orders": orders}, by="region_id")[["region_id", "orders", "sales"]]
      region_id  orders  sales
    0     north       1   18.0
    1   unknown       1    5.0
    """
    tables = as_tables(store)
    _require(tables, by)
    days = period(tables, since, until)
    goods = DIMENSIONS[by] in ("products", "order_lines")
    parts = [_goods(tables, by, days)] if goods else _orders(tables, by, days)
    parts += [_returns(tables, by, days), _sessions(tables, by, days)]
    small = [part.collect("pandas").to_native() for part in parts if part is not None]
    found = pd.concat([frame.set_index(by) for frame in small], axis=1).fillna(0)
    found = found.round().reindex(columns=_ADDITIVE).assign(by=found.index.astype("str"))
    found = found.sort_values(["sales", "by"], ascending=[False, True], ignore_index=True)
    found = found.assign(net=found["sales"] - found["returns"])
    money = {name: found[name] / TICKS for name in ("sales", "returns", "net")}
    whole = {name: found[name].astype("int64") for name in _COUNTS if found[name].notna().all()}
    answer = found.assign(**money, **whole).rename(columns={"by": by})
    answer = answer.assign(
        average_order=answer["sales"] / answer["orders"],
        conversion_share=answer["converted_sessions"] / answer["sessions"],
    )
    return answer[[by, *_SHOWN]]


_COUNTS = ("orders", "units", "sessions", "converted_sessions")
_ADDITIVE = ["orders", "units", "sales", "returns", "sessions", "converted_sessions"]
_SHOWN = [
    "orders", "units", "sales", "returns", "net", "average_order",
    "sessions", "converted_sessions", "conversion_share",
]  # fmt: skip


def _require(tables: Tables, by: str) -> None:
    if by not in DIMENSIONS:
        raise ValueError(f"by={by!r} is not a dimension. Choose from {', '.join(DIMENSIONS)}.")
    if not has(tables, f"{DIMENSIONS[by]}.{by}"):
        raise ValueError(
            f"{DIMENSIONS[by]}.{by} is missing, so the store cannot be broken down by it. "
            f"Import the column, or choose another dimension."
        )


def _label(frame: nw.LazyFrame[Any], by: str) -> nw.LazyFrame[Any]:
    return frame.with_columns(nw.col(by).fill_null(UNKNOWN))


def _labelled_orders(tables: Tables, by: str) -> nw.LazyFrame[Any]:
    """Return ``order_id`` and the dimension of every order that counts."""
    orders, home = counted_orders(tables), DIMENSIONS[by]
    if home == "orders":
        return _label(orders.select("order_id", by), by)
    if home == "customers":
        key = "customer_id"
    else:
        key = "order_id" if has(tables, "sessions.order_id") else "session_id"
    # should several visits claim one order, it still counts once
    placed = tables.scan(home).filter(~nw.col(key).is_null())  # most visits place no order
    values = placed.group_by(key).agg(nw.col(by).min())
    linked = orders.select("order_id", *({key} - {"order_id"}))
    return _label(linked.join(values, on=key, how="left").select("order_id", by), by)


def _orders(tables: Tables, by: str, days: pd.DatetimeIndex) -> list[nw.LazyFrame[Any] | None]:
    labels = _labelled_orders(tables, by)
    orders = within(counted_orders(tables), days)
    placed = orders.select("order_id", sales=ticks(nw.col("amount"))).join(labels, on="order_id")
    found: list[nw.LazyFrame[Any] | None] = [
        placed.group_by(by).agg(orders=nw.len(), sales=nw.col("sales").sum())
    ]
    if has(tables, "order_lines"):
        lines = within(counted_lines(tables), days).select("order_id", "units")
        found.append(lines.join(labels, on="order_id").group_by(by).agg(nw.col("units").sum()))
    return found


def _goods(tables: Tables, by: str, days: pd.DatetimeIndex) -> nw.LazyFrame[Any]:
    lines = within(counted_lines(tables), days)
    lines = lines.select("order_id", "sku", "units", sales=ticks(nw.col("amount")))
    labelled = _by_product(tables, lines, by)
    return labelled.group_by(by).agg(
        nw.col("units", "sales").sum(), orders=nw.col("order_id").n_unique()
    )


def _by_product(tables: Tables, frame: nw.LazyFrame[Any], by: str) -> nw.LazyFrame[Any]:
    """Label rows that have a ``sku``."""
    if by != "sku":
        frame = frame.join(tables.scan("products").select("sku", by), on="sku", how="left")
    return _label(frame, by)


def _returns(tables: Tables, by: str, days: pd.DatetimeIndex) -> nw.LazyFrame[Any] | None:
    goods = DIMENSIONS[by] in ("products", "order_lines")
    key = "sku" if goods else "order_id"
    if not has(tables, f"returns.{key}"):
        return None
    refunds = within(counted_returns(tables), days).select(
        key, returns=ticks(nw.col("refund_amount"))
    )
    if goods:
        labelled = _by_product(tables, refunds, by)
    else:
        labels = _labelled_orders(tables, by)
        labelled = _label(refunds.join(labels, on="order_id", how="left"), by)
    return labelled.group_by(by).agg(nw.col("returns").sum())


def _sessions(tables: Tables, by: str, days: pd.DatetimeIndex) -> nw.LazyFrame[Any] | None:
    if not has(tables, f"sessions.{by}"):
        return None
    sessions = _label(within(counted_sessions(tables), days), by).group_by(by)
    names = counted_sessions(tables).collect_schema().names()
    if "is_converted" not in names:
        return sessions.agg(sessions=nw.len())
    return sessions.agg(sessions=nw.len(), converted_sessions=nw.col("is_converted").sum())
