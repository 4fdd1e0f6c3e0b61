"""What does each product bring, how steady is it, where does the line grow.

In: units and value by period and product; own and market sales of two periods by segment.
Answer: classes A, B, C of value and X, Y, Z of steadiness, with the luck of counting taken
out; and the growth-share map. References: Dickie, Factory Management and Maintenance 109,
1951 (ABC); Henderson, The Product Portfolio, BCG Perspectives 66, 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.frames import need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, PALETTE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["GrowthShareMap", "ProductClasses", "classify_products", "map_growth_share"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ProductClasses(Result):
    """ABC by value and XYZ by steadiness.

    ``table`` has ``sku, units, value, value_share, cumulative_share, abc, variation``
    (standard deviation over mean of a period's units), ``luck`` (what counting alone gives),
    ``excess`` (what is left), ``xyz`` by variation, and ``xyz_beyond_luck`` by excess.
    ``matrix`` counts products by class.
    """

    headline: ClassVar[dict[str, str]] = {
        "a_products": "products",
        "a_share": "share",
        "z_products": "products",
        "z_beyond_luck": "products",
    }

    a_products: int
    a_share: float
    z_products: int
    z_beyond_luck: int
    matrix: pd.DataFrame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of value that the best products bring."""
        ax = new_axes() if ax is None else ax
        share = np.arange(1, len(self.table) + 1) / len(self.table)
        ax.plot(share, self.table["cumulative_share"], color=BLUE)
        ax.axvline(self.a_share, color=ORANGE, linewidth=1)
        ax.xaxis.set_major_formatter("{x:.0%}")
        ax.yaxis.set_major_formatter("{x:.0%}")
        reached = float(self.table["cumulative_share"].iloc[self.a_products - 1])
        title = f"{self.a_share:.0%} of the products bring {reached:.0%} of the value"
        return finish(ax, title=title, x="products, best first", y="share of value")


def classify_products(
    sales: pd.DataFrame,
    *,
    a_share: float = 0.80,
    b_share: float = 0.95,
    x_variation: float = 0.5,
    y_variation: float = 1.0,
) -> ProductClasses:
    """Sort products by what they bring (ABC) and by how steadily they sell (XYZ).

    Class A are the best products that together bring ``a_share`` of the value, B those up to
    ``b_share``. X are steady, Z erratic. A slow product looks erratic by counting alone: one
    that sells two units a month on average varies by 71 % though nothing ever changes. So the
    variation beyond that luck, ``sqrt(max(variation² - 1/mean, 0))``, is given beside it.

    Parameters
    ----------
    sales
        ``sku, period, units, value``; periods without a row count as no sales.
    a_share, b_share
        Shares of value up to which products are A, and B.
    x_variation, y_variation
        Variation up to which products are X, and Y.

    Raises
    ------
    ValueError
        Where a column is missing, units or value are negative, rows repeat, nothing was sold, or
        the bounds are not in order.

    Examples
    --------
    >>> sold = pd.DataFrame({"sku": list("AABB"), "period": [1, 2, 1, 2],
    ...                      "units": [90, 110, 9, 1], "value": [900, 1100, 90, 10]})
    >>> classify_products(sold).table[["sku", "abc", "xyz"]].values.tolist()
    [['A', 'A', 'X'], ['B', 'C', 'Z']]
    """
    need_filled(sales, "sales", ["sku", "period"])
    need_numbers(sales, "sales", ["units", "value"], least=0)
    need_unique(sales, "sales", ["sku", "period"], remedy="Add them up.")
    if not 0 < a_share <= b_share <= 1 or not 0 < x_variation <= y_variation:
        raise ValueError(
            f"a_share, b_share: {a_share}, {b_share}; x_variation, y_variation: {x_variation}, "
            f"{y_variation}. Give them in order, shares up to 1."
        )
    if sales["value"].sum() <= 0:
        raise ValueError("sales.value: nothing was sold. Give a period with sales.")
    wide = sales.pivot_table(index="sku", columns="period", values="units", fill_value=0.0)
    mean = wide.mean(axis=1)
    variation = (wide.std(axis=1) / mean.where(mean > 0)).fillna(0.0)
    luck = (1 / mean.where(mean > 0)) ** 0.5
    table = pd.DataFrame({
        "units": wide.sum(axis=1), "value": sales.groupby("sku")["value"].sum(),
        "variation": variation, "luck": luck.fillna(0.0),
        "excess": np.sqrt(np.maximum(variation**2 - luck.fillna(0.0) ** 2, 0.0)),
    })  # fmt: skip
    table = table.reset_index().sort_values(["value", "sku"], ascending=[False, True])
    share = table["value"] / table["value"].sum()
    before = share.cumsum() - share
    abc = np.select([before < a_share - 1e-12, before < b_share - 1e-12], ["A", "B"], "C")
    table = table.assign(value_share=share, cumulative_share=share.cumsum(), abc=abc)
    for name, of in (("xyz", "variation"), ("xyz_beyond_luck", "excess")):
        steps = [table[of] <= x_variation, table[of] <= y_variation]
        table[name] = np.select(steps, ["X", "Y"], "Z")
    return _classes(table.reset_index(drop=True), wide.shape[1])


def _classes(table: pd.DataFrame, periods: int) -> ProductClasses:
    matrix = pd.crosstab(table["abc"], table["xyz_beyond_luck"])
    matrix = matrix.reindex(index=list("ABC"), columns=list("XYZ"), fill_value=0)
    is_a = table["abc"].eq("A")
    caveats = ["A season counts as unsteady here: it can be planned for, luck cannot."]
    slow = float((table["luck"] > 1).mean())
    if slow > 0.2:
        caveats.append(
            f"{slow:.0%} of the products sell less than one unit a period: their steadiness can "
            "hardly be told; take longer periods."
        )
    if periods < 12:
        caveats.append(f"{periods} periods are few to tell steadiness from.")
    return ProductClasses(
        table=table, caveats=tuple(caveats), a_products=int(is_a.sum()),
        a_share=float(is_a.mean()), z_products=int(table["xyz"].eq("Z").sum()),
        z_beyond_luck=int(table["xyz_beyond_luck"].eq("Z").sum()), matrix=matrix,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GrowthShareMap(Result):
    """The growth-share map of the line's segments.

    ``table`` has ``segment, growth_share`` of the market with ``low`` and ``high``,
    ``relative_share`` (own over the largest rival), ``field`` (star, cash cow, question mark,
    dog), and ``is_sure`` where the interval of growth does not cross the line.
    """

    headline: ClassVar[dict[str, str]] = {
        "stars": "segments",
        "cash_cows": "segments",
        "question_marks": "segments",
        "dogs": "segments",
    }

    stars: int
    cash_cows: int
    question_marks: int
    dogs: int
    growth_line: float
    is_market_known: bool

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the map: share to the left, growth up, dots as large as own sales."""
        ax = new_axes(height=4.8) if ax is None else ax
        size = 900 * self.table["own_after"] / self.table["own_after"].max()
        color = self.table["field"].map(dict(zip(_FIELDS, PALETTE, strict=False)))
        share, growth = self.table["relative_share"], self.table["growth_share"]
        spread = [growth - self.table["low"], self.table["high"] - growth]
        ax.errorbar(share, growth, yerr=spread, fmt="none", ecolor=GREY, linewidth=1)
        ax.scatter(share, growth, s=size, c=color, alpha=0.75)
        for row in self.table.itertuples():
            ax.annotate(str(row.segment), (row.relative_share, row.growth_share), (8, 8),
                        textcoords="offset points", fontsize=9)  # fmt: skip
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter("{x:g}")
        ax.axvline(1.0, color=GREY, linewidth=1)
        ax.axhline(self.growth_line, color=GREY, linewidth=1)
        ax.invert_xaxis()
        ax.yaxis.set_major_formatter("{x:+.0%}")
        for field, corner, tint in zip(_FIELDS, _CORNERS, PALETTE, strict=False):
            ax.text(*corner, f"{field}s", transform=ax.transAxes, color=tint, fontweight="bold",
                    ha="right" if corner[0] > 0.5 else "left", va="center")  # fmt: skip
        sure = int(self.table["is_sure"].sum())
        title = f"{sure} of {len(self.table)} segments have a place on the map that is sure"
        rival = "largest rival" if self.is_market_known else "largest other segment of the store"
        return finish(ax, title=title, x=f"own sales over those of the {rival} (log scale)",
                      y="growth over the span before")  # fmt: skip


_FIELDS = ("star", "cash cow", "question mark", "dog")
_CORNERS = ((0.01, 0.96), (0.01, 0.04), (0.99, 0.96), (0.99, 0.04))  # of each field [of the axes]


def map_growth_share(
    segments: pd.DataFrame, *, growth_line: float | None = None, level: float = LEVEL
) -> GrowthShareMap:
    """Place segments by growth of their market and share relative to the largest rival.

    Parameters
    ----------
    segments
        ``segment, own_before, own_after`` [any one unit]; where known ``market_before,
        market_after`` (all sellers) and ``rival_after`` (the largest other one). Without them
        the store's own growth and its largest other segment take their place, and the result
        says so. ``orders_before, orders_after``, where given, carry the intervals.
    growth_line
        Growth that parts the map's upper half from the lower one [share]; the growth of all
        segments together unless given.
    level
        Level of the intervals of growth.

    Raises
    ------
    ValueError
        Where a column is missing, a value is negative, a segment repeats or there is but one.

    Examples
    --------
    >>> lines = pd.DataFrame({"segment": ["tea", "coffee"], "own_before": [10.0, 40.0],
    ...     "own_after": [20.0, 40.0], "market_before": [100.0, 80.0],
    ...     "market_after": [150.0, 80.0], "rival_after": [40.0, 20.0]})
    >>> map_growth_share(lines).table[["segment", "relative_share", "field"]].values.tolist()
    [['tea', 0.5, 'question mark'], ['coffee', 2.0, 'cash cow']]
    """
    need_filled(segments, "segments", ["segment"])
    need_unique(segments, "segments", ["segment"])
    known = "rival_after" in segments and "market_after" in segments
    numbers = ["own_before", "own_after"]
    numbers += ["market_before", "market_after", "rival_after"] if known else []
    need_numbers(segments, "segments", numbers, least=0)
    if len(segments) < 2:
        raise ValueError("segments: one segment makes no map. Give at least two.")
    base = "market" if known else "own"
    before, after = segments[f"{base}_before"], segments[f"{base}_after"]
    for column, values in ((f"{base}_before", before), (f"{base}_after", after)):
        if (bad := values <= 0).any():
            where = segments.index[bad][:3].tolist()
            raise ValueError(f"segments.{column}: {int(bad.sum())} rows without sales (first at "
                             f"{where}). Leave them out: they have no growth.")  # fmt: skip
    line = float(after.sum() / before.sum() - 1) if growth_line is None else growth_line
    growth = np.log(after / before)
    half = norm.ppf((1 + level) / 2) * _growth_error(segments)
    rival = segments["rival_after"] if known else _largest_other(segments["own_after"])
    relative = segments["own_after"] / rival.where(rival > 0)
    table = segments[["segment", "own_after"]].assign(
        growth_share=np.expm1(growth), low=np.expm1(growth - half), high=np.expm1(growth + half),
        relative_share=relative.fillna(np.inf),
    )  # fmt: skip
    is_up, is_large = table["growth_share"] > line, table["relative_share"] >= 1
    table["field"] = np.select([is_up & is_large, is_large, is_up], _FIELDS[:3], _FIELDS[3])
    table["is_sure"] = (table["low"] > line) | (table["high"] < line)
    return _map(table.reset_index(drop=True), line, known, "orders_before" in segments)


def _growth_error(segments: pd.DataFrame) -> pd.Series:
    """Return the standard error of log growth: orders are counted, and vary in size."""
    if "orders_before" not in segments or "orders_after" not in segments:
        return pd.Series(0.0, index=segments.index)
    need_numbers(segments, "segments", ["orders_before", "orders_after"], least=1)
    return np.sqrt(2 / segments["orders_before"] + 2 / segments["orders_after"])


def _largest_other(own: pd.Series) -> pd.Series:
    return pd.Series([own.drop(index=i).max() for i in own.index], index=own.index)


def _map(table: pd.DataFrame, line: float, known: bool, counted: bool) -> GrowthShareMap:
    count = table["field"].value_counts()
    caveats = ["The map says where segments are, not what more money would do to them."]
    if not known:
        caveats.append(
            "The market is not known: growth is the store's own, and share is over its largest "
            "other segment. Buy market figures before milking or feeding a segment by this map."
        )
    if not counted:
        caveats.append("Without numbers of orders the growth rates have no intervals.")
    return GrowthShareMap(
        table=table, caveats=tuple(caveats), stars=int(count.get("star", 0)),
        cash_cows=int(count.get("cash cow", 0)), growth_line=line, is_market_known=known,
        question_marks=int(count.get("question mark", 0)), dogs=int(count.get("dog", 0)),
    )  # fmt: skip
