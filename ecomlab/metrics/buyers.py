"""Known customers and guests, kept apart: orders, sales and buyers of each, and in all."""

from __future__ import annotations

from datetime import date

import narwhals as nw
import pandas as pd

from ecomlab.metrics.counted import TICKS, counted_orders, ticks
from ecomlab.metrics.tables import Source, as_tables, period, within

__all__ = ["count_buyers"]


def count_buyers(
    store: Source, *, since: date | str | None = None, until: date | str | None = None
) -> pd.DataFrame:
    """Return orders, sales and buyers of known customers, of guests, and in all.

    How many people guests are cannot be known: their ``buyers``, and so the total's, are
    empty rather than guessed.

    Parameters
    ----------
    store
        A store, or a mapping from table name to a frame of any engine narwhals knows.
    since, until
        First and last day; by default the store's whole period.

    Returns
    -------
    DataFrame
        A row each for ``known``, ``guest`` and ``total``: ``group``; ``orders``; ``sales``
        [currency]; ``average_order`` = sales / orders [currency/order]; ``buyers``;
        ``orders_per_buyer`` = orders / buyers; ``order_share`` and ``sales_share`` of the total.

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": list("abc"), "customer_id": ["x", "x", None],
    ...     "date": pd.to_datetime(["2024-03-01"] * 3), "amount": [18.0, 12.0, 6.0]})
    >>> count_buyers({"orders": orders})[["group", "orders", "sales", "buyers"]]
       group  orders  sales  buyers
    0  known       2   30.0       1
    1  guest       1    6.0    <NA>
    2  total       3   36.0    <NA>
    """
    tables = as_tables(store)
    orders = within(counted_orders(tables), period(tables, since, until))
    marked = orders.select("customer_id", amount=ticks(nw.col("amount")))
    a_buyer = marked.group_by("customer_id").agg(orders=nw.len(), amount=nw.col("amount").sum())
    is_known = nw.when(nw.col("customer_id").is_null()).then(nw.lit(0)).otherwise(nw.lit(1))
    groups = a_buyer.with_columns(known=is_known).group_by("known")
    summed = groups.agg(nw.col("orders", "amount").sum(), buyers=nw.len()).collect("pandas")
    found = summed.to_native().set_index("known").reindex([1, 0]).fillna(0)
    found = pd.concat([found, found.sum().to_frame().T])
    orders_placed, sales = found["orders"].to_numpy(float), found["amount"].to_numpy(float) / TICKS
    buyers = pd.array([int(found["buyers"].iloc[0]), None, None], dtype="Int64")
    answer = pd.DataFrame({"group": ["known", "guest", "total"], "orders": orders_placed})
    answer = answer.assign(sales=sales, buyers=buyers)
    return answer.assign(
        orders=answer["orders"].astype("int64"),
        average_order=answer["sales"] / answer["orders"],
        orders_per_buyer=answer["orders"] / answer["buyers"].astype("float64"),
        order_share=answer["orders"] / answer["orders"].iloc[-1],
        sales_share=answer["sales"] / answer["sales"].iloc[-1],
    )
