"""What a store did each day: orders, money, buyers, visits and advertising.

Tables in: orders and order_lines, and whatever there is of returns, products, sessions and
ad_daily. Answer out: one row a local day of the period. Each indicator is defined once, in
``ecomlab.metrics.definitions``; which rows count is decided in ``ecomlab.metrics.counted``.
"""

from __future__ import annotations

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
from ecomlab.metrics.definitions import KPIS
from ecomlab.metrics.tables import Source, Tables, as_tables, has, period

__all__ = ["daily_kpis", "daily_totals"]

_MONEY = tuple(kpi.name for kpi in KPIS.values() if kpi.unit == "currency")


def daily_kpis(
    store: Source, *, since: date | str | None = None, until: date | str | None = None
) -> pd.DataFrame:
    """Return what the store did each local day, days without sales included.

    Amounts stand on a grid of a ten-thousandth of the currency, so that days add up to
    months exactly; rates are not rounded, and a rate of nothing is NaN. A column whose
    table the store lacks is NaN (``store.readiness()`` says which table would fill it).

    Parameters
    ----------
    store
        A store, or a mapping from table name to a frame of any engine narwhals knows.
    since, until
        First and last day; by default the store's whole period.

    Returns
    -------
    DataFrame
        ``date`` and the columns of :data:`KPIS`, which gives their units and meanings.

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": ["a", "b"], "customer_id": ["x", None],
    ...     "date": pd.to_datetime(["2024-03-01", "2024-03-03"]), "amount": [18.0, 5.0]})
    >>> lines = pd.DataFrame({"order_id": ["a", "b"], "line": [1, 1], "sku": ["s", "t"],
    ...     "units": [2, 1], "price": [10.0, 5.0], "amount": [18.0, 5.0]})
    >>> days = daily_kpis({"orders": orders, "order_lines": lines})
    >>> days[["orders", "gross", "discounts", "sales", "buyers", "guest_orders"]]
       orders  gross  discounts  sales  buyers  guest_orders
    0       1   20.0        2.0   18.0       1             0
    1       0    0.0        0.0    0.0       0             0
    2       1    5.0        0.0    5.0       0             1
    """
    tables = as_tables(store)
    totals = daily_totals(tables, period(tables, since, until))
    money = {name: totals[name] / TICKS for name in _MONEY}
    rates = {
        kpi.name: (money.get(kpi.numerator, totals.get(kpi.numerator)))
        / money.get(kpi.denominator, totals.get(kpi.denominator))
        for kpi in KPIS.values()
        if kpi.numerator
    }
    return totals.assign(**money, **rates)[list(KPIS)].reset_index()


def daily_totals(tables: Tables, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Return everything that adds up over days, money in whole ten-thousandths.

    Parameters
    ----------
    tables
        Where to read.
    days
        The days wanted, the index of the answer.

    Returns
    -------
    DataFrame
        The counts and amounts of :data:`KPIS`, and of rows behind the amounts
        (``lines, discounted_lines, costed_lines, return_lines``).

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": ["a"], "date": pd.to_datetime(["2024-03-01"]),
    ...                        "customer_id": ["x"], "amount": [18.5]})
    >>> days = pd.date_range("2024-03-01", "2024-03-02", name="date")
    >>> daily_totals(as_tables({"orders": orders}), days)["sales"].tolist()
    [185000, 0]
    """
    parts = [_orders(tables), _buyers(tables), _lines(tables), _returns(tables)]
    parts += [_sessions(tables), _spend(tables)]
    found = pd.concat([_by_day(part, days) for part in parts if part is not None], axis=1)
    totals = found.reindex(columns=_ADDITIVE)
    uncosted = totals["sales"] - totals["costed_sales"]
    net = totals["sales"] - totals["returns"]
    return totals.assign(
        discounts=totals["gross"] - totals["sales"],
        net=net,
        margin=net - uncosted - totals["cost_of_goods"] + totals["resale_value"].fillna(0),
        returning_buyers=totals["buyers"] - totals["new_buyers"],
    )


_ADDITIVE = [
    "orders", "sales", "guest_orders", "buyers", "new_buyers", "gross", "units", "costed_sales",
    "cost_of_goods", "lines", "discounted_lines", "costed_lines", "returns", "return_lines",
    "resale_value", "sessions", "converted_sessions", "ad_spend",
]  # fmt: skip


def _by_day(frame: nw.LazyFrame[Any], days: pd.DatetimeIndex) -> pd.DataFrame:
    """Bring a small answer into pandas: a row for each day asked for, nothing as 0."""
    small = frame.collect("pandas").to_native()
    index = pd.DatetimeIndex(small["date"]).as_unit("us")
    found: pd.DataFrame = small.drop(columns="date").set_axis(index, axis=0)
    return found.reindex(days).fillna(0).round().astype("int64")


def _is(condition: nw.Expr) -> nw.Expr:
    """Turn a condition into 1 or 0, so that its sum is a count on every engine."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))


def _orders(tables: Tables) -> nw.LazyFrame[Any]:
    marked = counted_orders(tables).select(
        "date", sales=ticks(nw.col("amount")), guest=_is(nw.col("customer_id").is_null())
    )
    total = marked.group_by("date")
    return total.agg(
        orders=nw.len(), sales=nw.col("sales").sum(), guest_orders=nw.col("guest").sum()
    )


def _buyers(tables: Tables) -> nw.LazyFrame[Any]:
    known = counted_orders(tables).filter(~nw.col("customer_id").is_null())
    a_day = known.select("customer_id", "date").unique()
    first = a_day.group_by("customer_id").agg(first=nw.col("date").min())
    marked = a_day.join(first, on="customer_id").with_columns(
        is_new=_is(nw.col("date") == nw.col("first"))
    )
    return marked.group_by("date").agg(buyers=nw.len(), new_buyers=nw.col("is_new").sum())


def _lines(tables: Tables) -> nw.LazyFrame[Any] | None:
    if not has(tables, "order_lines"):
        return None
    units, price, cost = nw.col("units"), nw.col("price"), nw.col("cost")
    gross, amount, is_costed = ticks(units * price), ticks(nw.col("amount")), ~cost.is_null()
    marked = counted_lines(tables).select(
        "date",
        "units",
        gross=gross,
        costed_sales=nw.when(is_costed).then(amount).otherwise(nw.lit(0)),
        cost_of_goods=ticks(units * cost),
        discounted_lines=_is(amount < gross),
        costed_lines=_is(is_costed),
    )
    summed = [name for name in marked.collect_schema().names() if name != "date"]
    known = _costs_known(tables)
    summed = [name for name in summed if known or name not in ("costed_sales", "cost_of_goods")]
    return marked.group_by("date").agg(nw.col(*summed).sum(), lines=nw.len())


def _costs_known(tables: Tables) -> bool:
    """Say whether any cost could be known; where none can, there is no margin to show."""
    return has(tables, "order_lines.unit_cost") or has(tables, "products.unit_cost")


def _returns(tables: Tables) -> nw.LazyFrame[Any] | None:
    if not has(tables, "returns"):
        return None
    amounts = {"returns": ticks(nw.col("refund_amount"))}
    if has(tables, "returns.resale_value"):
        amounts["resale_value"] = ticks(nw.col("resale_value"))
    marked = counted_returns(tables).select("date", **amounts)
    return marked.group_by("date").agg(nw.col(*amounts).sum(), return_lines=nw.len())


def _sessions(tables: Tables) -> nw.LazyFrame[Any] | None:
    if not has(tables, "sessions"):
        return None
    sessions = counted_sessions(tables)
    if "is_converted" not in sessions.collect_schema().names():
        return sessions.group_by("date").agg(sessions=nw.len())
    converted = nw.col("is_converted").sum()
    return sessions.group_by("date").agg(sessions=nw.len(), converted_sessions=converted)


def _spend(tables: Tables) -> nw.LazyFrame[Any] | None:
    if not has(tables, "ad_daily"):
        return None
    spent = tables.scan("ad_daily").select("date", ad_spend=ticks(nw.col("spend")))
    return spent.group_by("date").agg(nw.col("ad_spend").sum())
