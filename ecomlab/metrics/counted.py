"""Which orders, lines and returns count as business, and how money is summed.

An order counts unless its payment failed or it was cancelled; where ``payment_status`` is
absent or empty it counts. A return counts unless its order is known not to. Money is summed
as whole ten-thousandths of the currency, so that no sum depends on the order of rows.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from ecomlab.metrics.tables import Tables, has

__all__ = [
    "NOT_COUNTED",
    "TICKS",
    "counted_lines",
    "counted_orders",
    "counted_returns",
    "counted_sessions",
    "ticks",
]

NOT_COUNTED = ("failed", "cancelled")
TICKS = 10_000  # prices carry up to four decimals


def ticks(amount: nw.Expr) -> nw.Expr:
    """Return an amount of money in whole ten-thousandths of the currency, unknown as 0.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = nw.from_native(pd.DataFrame({"amount": [0.1 + 0.2]}))
    >>> frame.select(ticks(nw.col("amount")))["amount"].to_list()
    [3000]
    """
    return (amount.fill_null(0.0) * TICKS).round(0).cast(nw.Int64)


def counted_orders(tables: Tables) -> nw.LazyFrame[Any]:
    """Return the orders that count.

    Examples
    --------
    >>> import pandas as pd
    >>> from ecomlab.metrics.tables import as_tables
    >>> orders = pd.DataFrame({"order_id": ["a", "b"], "payment_status": ["paid", "failed"]})
    >>> counted_orders(as_tables({"orders": orders})).collect()["order_id"].to_list()
    ['a']
    """
    orders = tables.scan("orders")
    if not has(tables, "orders.payment_status"):
        return orders
    return orders.filter(~_is_void())


def counted_lines(tables: Tables) -> nw.LazyFrame[Any]:
    """Return the lines of the orders that count, with ``date`` and a ``cost`` of a unit.

    The cost is the line's own where it has one, else the product's, else empty.

    Examples
    --------
    >>> import pandas as pd
    >>> from ecomlab.metrics.tables import as_tables
    >>> orders = pd.DataFrame({"order_id": ["a"], "date": pd.to_datetime(["2024-01-01"])})
    >>> lines = pd.DataFrame({"order_id": ["a", "?"], "line": [1, 1], "unit_cost": [2.5, 1.0]})
    >>> store = as_tables({"orders": orders, "order_lines": lines})
    >>> counted_lines(store).collect()["cost"].to_list()
    [2.5]
    """
    day_of_order = counted_orders(tables).select("order_id", "date")
    lines = tables.scan("order_lines").join(day_of_order, on="order_id")
    own = has(tables, "order_lines.unit_cost")
    listed = has(tables, "products.unit_cost")
    if listed:
        of_product = tables.scan("products").select("sku", product_cost="unit_cost")
        lines = lines.join(of_product, on="sku", how="left")
    costs = [nw.col("unit_cost")] * own + [nw.col("product_cost")] * listed
    unknown = nw.lit(None, dtype=nw.Float64)
    return lines.with_columns(cost=nw.coalesce(*costs) if costs else unknown)


def counted_returns(tables: Tables) -> nw.LazyFrame[Any]:
    """Return the returns that count: all but those of orders that do not.

    Examples
    --------
    >>> import pandas as pd
    >>> from ecomlab.metrics.tables import as_tables
    >>> orders = pd.DataFrame({"order_id": ["a"], "payment_status": ["cancelled"]})
    >>> returns = pd.DataFrame({"return_id": ["r", "s"], "order_id": ["a", None]})
    >>> store = as_tables({"orders": orders, "returns": returns})
    >>> counted_returns(store).collect()["return_id"].to_list()
    ['s']
    """
    returns = tables.scan("returns")
    if not (has(tables, "orders.payment_status") and has(tables, "returns.order_id")):
        return returns
    void = tables.scan("orders").filter(_is_void()).select("order_id")
    return returns.join(void, on="order_id", how="anti")


def counted_sessions(tables: Tables) -> nw.LazyFrame[Any]:
    """Return the sessions, with ``is_converted`` 1 where an order that counts was placed.

    The session's own ``order_id`` decides where it is kept, else the orders' ``session_id``;
    where neither is, ``is_converted`` is absent.

    Examples
    --------
    >>> import pandas as pd
    >>> from ecomlab.metrics.tables import as_tables
    >>> orders = pd.DataFrame({"order_id": ["a"], "payment_status": ["paid"]})
    >>> sessions = pd.DataFrame({"session_id": ["s", "t"], "order_id": ["a", None]})
    >>> store = as_tables({"orders": orders, "sessions": sessions})
    >>> counted_sessions(store).collect().sort("session_id")["is_converted"].to_list()
    [1, 0]
    """
    sessions = tables.scan("sessions")
    if has(tables, "sessions.order_id"):
        key = "order_id"
    elif has(tables, "sessions.session_id") and has(tables, "orders.session_id"):
        key = "session_id"
    else:
        return sessions
    placed = counted_orders(tables).select(key).unique()
    marked = placed.with_columns(is_converted=nw.lit(1, dtype=nw.Int64))
    joined = sessions.join(marked, on=key, how="left")
    return joined.with_columns(nw.col("is_converted").fill_null(0).cast(nw.Int64))


def _is_void() -> nw.Expr:
    return nw.col("payment_status").fill_null("paid").is_in(NOT_COUNTED)
