"""What drives revenue, and which driver moved? The KPI tree.

In: daily KPIs and two periods. Answer: each factor before and after, and its share of the
change. Contributions are logarithmic mean (LMDI, additive: Ang, Energy Policy 33, 2005),
so they add up to the change exactly, whatever the order of the factors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from textwrap import fill
from typing import ClassVar

import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREEN, GREY, RED, draw_boxes, format_amount, new_axes
from ecomlab.result import Result

__all__ = ["KpiTree", "build_kpi_tree"]

_LEVERS: Mapping[str, str] = {
    "sessions": "budgets by channel, search rank, mailings",
    "conversion": "price, pages, service before the sale",
    "units_per_order": "bundles, free-shipping threshold, recommendations",
    "amount_per_unit": "prices, discounts, mix of products",
    "returns": "product pages, quality, delivery",
    "orders": "traffic and conversion (sessions would tell them apart)",
}
_LABELS: Mapping[str, str] = {
    "net": "Net revenue",
    "sales": "Sales",
    "returns": "Returns",
    "orders": "Orders",
    "average_order": "Average order",
    "sessions": "Sessions",
    "conversion": "Conversion",
    "units_per_order": "Units per order",
    "amount_per_unit": "Amount per unit",
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class KpiTree(Result):
    """Net revenue taken apart into its factors, in two periods.

    ``table`` has a row a node: ``node, parent, before, after, change_share, contribution,
    lever``; the contributions of the leaves add up to the change of net revenue.
    """

    headline: ClassVar[dict[str, str]] = {
        "before": "currency",
        "after": "currency",
        "biggest": "",
    }

    before: float
    after: float
    biggest: str
    currency: str

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the tree, each box with its value and its change."""
        return _draw(self.table, self.currency, ax)


def build_kpi_tree(
    daily: pd.DataFrame,
    *,
    start: date | pd.Timestamp,
    compare_start: date | pd.Timestamp,
    days: int = 364,
    currency: str = "",
) -> KpiTree:
    """Take net revenue apart, and say which factor moved it.

    Parameters
    ----------
    daily
        Columns ``date, orders, units, sales, returns, net`` and, where there is web data,
        ``sessions`` [orders, units, currency, sessions a day].
    start, compare_start
        First days of the two periods.
    days
        Length of each period; whole weeks keep weekdays comparable.
    currency
        ISO code for the labels.

    Returns
    -------
    KpiTree
        Without sessions the tree stops at orders, and a caveat says so.

    Raises
    ------
    ValueError
        On a missing column, a period outside the data, or a factor that is not positive.

    Examples
    --------
    >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=14), "orders": 2.0,
    ...     "units": 4.0, "sales": 40.0, "returns": 4.0, "net": 36.0, "sessions": 100.0})
    >>> days.loc[7:, ["orders", "units", "sales", "returns", "net"]] *= 1.5
    >>> tree = build_kpi_tree(days, start="2024-01-08", compare_start="2024-01-01", days=7)
    >>> tree
    KpiTree(before=252.0 currency, after=378.0 currency, biggest=conversion)
    """
    after = _totals(daily, start, days)
    before = _totals(daily, compare_start, days)
    names = ["conversion", "units_per_order", "amount_per_unit"]
    caveats: tuple[str, ...] = ()
    if "sessions" in after and after["sessions"] > 0 and before["sessions"] > 0:
        names = ["sessions", *names]
    else:
        names = ["orders", *names[1:]]
        caveats = ("Without sessions the tree stops at orders: traffic and conversion are one.",)
    parts = {name: (_factor(before, name), _factor(after, name)) for name in names}
    weight = _log_mean(before["sales"], after["sales"])
    moved = {name: weight * math.log(new / old) for name, (old, new) in parts.items()}
    moved["returns"] = before["returns"] - after["returns"]
    rows = [_row(name, before, after, moved) for name in _nodes(names)]
    return KpiTree(
        table=pd.DataFrame(rows),
        caveats=caveats,
        before=float(before["net"]),
        after=float(after["net"]),
        biggest=max(moved, key=lambda name: abs(moved[name])),
        currency=currency,
    )


def _totals(daily: pd.DataFrame, start: date | pd.Timestamp, days: int) -> dict[str, float]:
    needed = ["date", "orders", "units", "sales", "returns", "net"]
    if missing := [name for name in needed if name not in daily]:
        raise ValueError(f"daily.{missing[0]}: the column is missing. Use metrics.daily_kpis.")
    first = pd.Timestamp(start)
    inside = daily[daily["date"].between(first, first + pd.Timedelta(days=days - 1))]
    if len(inside) != days:
        raise ValueError(
            f"daily.date: {len(inside)} of the {days} days from {first.date()} are there. "
            "Choose a period inside the store's."
        )
    columns = [name for name in (*needed[1:], "sessions") if name in inside]
    totals = inside[columns].sum()
    if (bad := [n for n in ("orders", "units", "sales") if totals[n] <= 0]) != []:
        raise ValueError(f"daily.{bad[0]}: nothing sold from {first.date()}; choose another start.")
    return {name: float(totals[name]) for name in columns}


def _factor(totals: Mapping[str, float], name: str) -> float:
    match name:
        case "conversion":
            return totals["orders"] / totals["sessions"]
        case "units_per_order":
            return totals["units"] / totals["orders"]
        case "amount_per_unit":
            return totals["sales"] / totals["units"]
        case "average_order":
            return totals["sales"] / totals["orders"]
    return totals[name]


def _log_mean(one: float, two: float) -> float:
    """Return the logarithmic mean, the weight that makes contributions add up exactly."""
    return one if math.isclose(one, two) else (two - one) / math.log(two / one)


def _nodes(factors: list[str]) -> list[str]:
    middle = ["orders", "average_order"] if "sessions" in factors else ["average_order"]
    return ["net", "sales", "returns", *middle, *factors]


_PARENTS: Mapping[str, str] = {
    "sales": "net",
    "returns": "net",
    "orders": "sales",
    "average_order": "sales",
    "sessions": "orders",
    "conversion": "orders",
    "units_per_order": "average_order",
    "amount_per_unit": "average_order",
}


def _row(
    name: str,
    before: Mapping[str, float],
    after: Mapping[str, float],
    moved: Mapping[str, float],
) -> dict[str, object]:
    old, new = _factor(before, name), _factor(after, name)
    return {
        "node": name,
        "parent": _PARENTS.get(name, ""),
        "before": old,
        "after": new,
        "change_share": new / old - 1 if old else float("nan"),
        "contribution": moved.get(name, float("nan")),
        "lever": _LEVERS.get(name, "") if name in moved else "",
    }


_PLACES: Mapping[str, tuple[float, float]] = {
    "net": (3.0, 3.0),
    "sales": (2.0, 2.0),
    "returns": (4.6, 2.0),
    "orders": (0.95, 1.0),
    "average_order": (3.65, 1.0),
    "sessions": (0.2, 0.0),
    "conversion": (2.0, 0.0),
    "units_per_order": (3.8, 0.0),
    "amount_per_unit": (5.6, 0.0),
}


def _draw(table: pd.DataFrame, currency: str, ax: Axes | None) -> Axes:
    """Place the boxes level by level; green grew, red fell (returns the other way)."""
    ax = new_axes(height=5.2) if ax is None else ax
    rows = []
    for row in table.itertuples():
        x, y = _PLACES[row.node]
        good = (row.change_share >= 0) != (row.node == "returns")
        color = BLUE if row.node == "net" else GREY if pd.isna(row.change_share) else (
            GREEN if good else RED)  # fmt: skip
        text = f"{_show(row.node, row.after, currency)}\n{row.change_share:+.1%}"
        if not pd.isna(row.contribution) and row.node != "orders":
            text += f"\nmoved net by {format_amount(row.contribution)}"
        rows.append((row.node, x, y, fill(_LABELS[row.node], 22), text, color))
    boxes = pd.DataFrame(rows, columns=["name", "x", "y", "title", "text", "color"])
    links = [(row.parent, row.node) for row in table.itertuples() if row.parent]
    return draw_boxes(boxes, links, ax=ax, box_size=(1.66, 0.72))


def _show(node: str, value: float, currency: str) -> str:
    if node == "conversion":
        return f"{value:.2%}"
    if node in ("net", "sales", "returns", "average_order", "amount_per_unit"):
        return format_amount(value, currency)
    return format_amount(value)
