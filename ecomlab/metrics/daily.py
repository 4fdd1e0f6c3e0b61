"""What a store did each day: orders, money, buyers, visits and advertising.

Tables in: orders and order_lines, and whatever there is of returns, products, sessions and
ad_daily. Answer out: one row a local day of the period. Each indicator is defined once, in
``ecomlab.metrics.definitions``; which rows count is decided in ``ecomlab.metrics.counted``.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw
import numpy as np
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
    Visits and advertising are NaN before the first and after the last day of their table:
    what was not logged is not known to be nothing. Costs and margin are NaN where no line
    sold in the period has a known cost; goods of unknown cost stay out of the margin, and so
    do their refunds where a return names its ``order_id`` and ``line``; a return that names
    neither lowers the margin in full.

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
        (``lines, discounted_lines, costed_lines, return_lines``), and ``costed_net,
        costed_resale``, net and resale value without the goods whose cost is unknown.

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": ["a"], "date": pd.to_datetime(["2024-03-01"]),
    ...                        "customer_id": ["x"], "amount": [18.5]})
    >>> days = pd.date_range("2024-03-01", "2024-03-02", name="date")
    >>> daily_totals(as_tables({"orders": orders}), days)["sales"].tolist()
    [185000, 0]
    """
    parts = [_orders(tables), _buyers(tables), _lines(tables), _returns(tables)]
    parts += [_uncosted_returns(tables)]
    found = [_by_day(part, days) for part in parts if part is not None]
    logs = [_sessions(tables), _spend(tables)]
    found += [_by_day(log, days, is_log=True) for log in logs if log is not None]
    totals = pd.concat(found, axis=1).reindex(columns=_ADDITIVE)
    if not totals["costed_lines"].any():
        # margin would be what returns leave of it: no cost is known, so none is shown
        totals = totals.assign(costed_sales=np.nan, cost_of_goods=np.nan)
    totals = totals.assign(
        net=totals["sales"] - totals["returns"],
        uncosted_returns=totals["uncosted_returns"].fillna(0),
        costed_resale=totals["resale_value"].fillna(0) - totals["uncosted_resale"].fillna(0),
    )
    costed_net = totals["costed_sales"] - (totals["returns"] - totals["uncosted_returns"])
    return totals.assign(
        discounts=totals["gross"] - totals["sales"],
        costed_net=costed_net,
        margin=costed_net - totals["cost_of_goods"] + totals["costed_resale"],
        returning_buyers=totals["buyers"] - totals["new_buyers"],
    )


_ADDITIVE = [
    "orders", "sales", "guest_orders", "buyers", "new_buyers", "gross", "units", "costed_sales",
    "cost_of_goods", "lines", "discounted_lines", "costed_lines", "returns", "return_lines",
    "resale_value", "uncosted_returns", "uncosted_resale", "sessions", "converted_sessions",
    "ad_spend",
]  # fmt: skip


def _by_day(
    frame: nw.LazyFrame[Any], days: pd.DatetimeIndex, *, is_log: bool = False
) -> pd.DataFrame:
    """Bring a small answer into pandas: a row for each day asked for, nothing as 0.

    A log says nothing of the days before its first and after its last: there it is NaN.
    """
    small = frame.collect("pandas").to_native()
    index = pd.DatetimeIndex(small["date"]).as_unit("us")
    found: pd.DataFrame = small.drop(columns="date").set_axis(index, axis=0)
    filled = found.reindex(days).fillna(0).round().astype("int64")
    if not is_log:
        return filled
    logged = (days >= index.min()) & (days <= index.max())
    return filled[logged].reindex(days)


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
    return marked.group_by("date").agg(nw.col(*summed).sum(), lines=nw.len())


def _returns(tables: Tables) -> nw.LazyFrame[Any] | None:
    if not has(tables, "returns"):
        return None
    amounts = _return_amounts(tables)
    marked = counted_returns(tables).select("date", **amounts)
    return marked.group_by("date").agg(nw.col(*amounts).sum(), return_lines=nw.len())


def _return_amounts(tables: Tables) -> dict[str, nw.Expr]:
    amounts = {"returns": ticks(nw.col("refund_amount"))}
    if has(tables, "returns.resale_value"):
        amounts["resale_value"] = ticks(nw.col("resale_value"))
    return amounts


def _uncosted_returns(tables: Tables) -> nw.LazyFrame[Any] | None:
    """Sum the returns of lines whose cost is unknown, where a return names its line."""
    needed = ("order_lines.line", "returns.order_id", "returns.line")
    if not all(has(tables, name) for name in needed):
        return None
    keys = ["order_id", "line"]
    uncosted = counted_lines(tables).filter(nw.col("cost").is_null()).select(*keys)
    marked = counted_returns(tables).join(uncosted, on=keys, how="semi")
    names = {"returns": "uncosted_returns", "resale_value": "uncosted_resale"}
    amounts = {names[name]: amount for name, amount in _return_amounts(tables).items()}
    return marked.select("date", **amounts).group_by("date").agg(nw.col(*amounts).sum())


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
