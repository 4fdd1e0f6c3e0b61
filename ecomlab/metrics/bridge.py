"""How list-price turnover becomes what the shop keeps: gross to net, and on to margin."""

from __future__ import annotations

from datetime import date

import pandas as pd

from ecomlab.metrics.counted import TICKS
from ecomlab.metrics.daily import daily_totals
from ecomlab.metrics.tables import Source, as_tables, period

__all__ = ["bridge_revenue"]

# step, the running total after it, the rows behind it, what these rows are; a step named
# as its total is a level, any other a change
_STEPS = (
    ("gross", "gross", "lines", "order lines"),
    ("discounts", "sales", "discounted_lines", "discounted lines"),
    ("sales", "sales", "orders", "orders"),
    ("returns", "net", "return_lines", "returns"),
    ("net", "net", "orders", "orders"),
    ("uncosted_sales", "costed_net", "uncosted_lines", "order lines"),
    ("cost_of_goods", "costed_rest", "costed_lines", "order lines"),
    ("resale_value", "margin", "return_lines", "returns"),
    ("margin", "margin", "costed_lines", "order lines"),
)


def bridge_revenue(
    store: Source, *, since: date | str | None = None, until: date | str | None = None
) -> pd.DataFrame:
    """Return the steps from gross over sales and net to margin; they add up to the cent.

    Levels (gross, sales, net, margin) are exact sums rounded to the cent; a change is the
    difference of the levels beside it, so that no cent goes missing on the way. Sales whose
    cost is unknown are set aside before the margin, less their own refunds where a return
    names its order and line; ``resale_value`` then leaves these goods out too. Steps whose
    table is missing are NaN, and so are costs and margin where no line has a known cost.

    Parameters
    ----------
    store
        A store, or a mapping from table name to a frame of any engine narwhals knows.
    since, until
        First and last day; by default the store's whole period.

    Returns
    -------
    DataFrame
        ``step``; ``kind`` (level or change); ``amount`` [currency], a deduction being
        negative; ``rows`` behind the step, and what these rows are in ``counted``.

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": ["a"], "customer_id": ["x"], "amount": [18.0],
    ...                        "date": pd.to_datetime(["2024-03-01"])})
    >>> lines = pd.DataFrame({"order_id": ["a"], "line": [1], "sku": ["s"], "units": [2],
    ...                       "price": [10.0], "amount": [18.0]})
    >>> bridge_revenue({"orders": orders, "order_lines": lines}).head(3)[["step", "amount"]]
            step  amount
    0      gross    20.0
    1  discounts    -2.0
    2      sales    18.0
    """
    tables = as_tables(store)
    total = daily_totals(tables, period(tables, since, until)).sum(skipna=False)
    total["uncosted_lines"] = total["lines"] - total["costed_lines"]
    total["costed_rest"] = total["costed_net"] - total["cost_of_goods"]
    steps = pd.DataFrame(_STEPS, columns=["step", "total", "rows", "counted"])
    is_level = steps["step"] == steps["total"]
    cents = (steps["total"].map(total).astype(float) / (TICKS // 100)).round()
    return pd.DataFrame(
        {
            "step": steps["step"],
            "kind": is_level.map({True: "level", False: "change"}),
            "amount": cents.where(is_level, cents.diff()) / 100,
            "rows": steps["rows"].map(total).astype("Int64"),
            "counted": steps["counted"],
        }
    )
