"""Are the others cheaper, and do they sell the same? Like for like, or not at all.

In: prices by day, item and seller; ranges as lists of items. Answer: a matched price index with
its interval (Jevons, and Laspeyres with our own sales as the basket: Consumer Price Index
Manual, IMF and others 2020); the path of prices of items that come and go (time-product
dummies, the country-product dummies of Summers, Review of Income and Wealth 19, 1973); the
overlap of ranges (Jaccard).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import t as student

from ecomlab.frames import need_columns, need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["PriceIndex", "compare_prices", "compare_ranges", "track_prices"]

_ROUNDS, _CLOSE = 500, 1e-12
_LEAST_ITEMS = 2


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PriceIndex(Result):
    """Their prices over ours, for the same item on the same day.

    ``table`` has a row a competitor: ``competitor, items, index, low, high, cheaper_share``
    (items at which they are cheaper) and ``naive_index``, their mean price over ours without
    matching. ``index`` is over all of them.
    """

    headline: ClassVar[dict[str, str]] = {
        "index": "of our price",
        "low": "of our price",
        "high": "of our price",
        "naive_index": "of our price",
        "items": "items",
    }

    index: float
    low: float
    high: float
    naive_index: float
    items: int
    method: str
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each competitor's index with its interval, and the unmatched ratio beside it."""
        ax = new_axes(height=0.7 * len(self.table) + 1.6) if ax is None else ax
        rows = self.table.iloc[::-1].reset_index(drop=True)
        place = np.arange(len(rows))
        ax.axvline(1, color=GREY, linewidth=1)
        reach = [rows["index"] - rows["low"], rows["high"] - rows["index"]]
        ax.errorbar(rows["index"], place, xerr=reach, fmt="o", color=BLUE, capsize=3)
        ax.plot(rows["naive_index"], place, "x", color=ORANGE, markersize=8, markeredgewidth=2)
        for at, row in enumerate(rows.itertuples()):
            ax.annotate(f"{row.index:.3f}", (row.index, at), (0, 9), textcoords="offset points",
                        ha="center", color=BLUE, fontweight="bold")  # fmt: skip
        ax.annotate("x: means, not matched", (0.99, 0.02), xycoords="axes fraction", ha="right",
                    color=ORANGE, fontsize=9)  # fmt: skip
        ax.set_yticks(place, rows["competitor"])
        ax.set_ylim(-0.6, len(rows) - 0.3)
        ax.grid(visible=False, axis="y")
        gap = self.index - 1
        word = "about as dear as we are" if self.low <= 1 <= self.high else (
            f"{abs(gap):.1%} {'dearer' if gap > 0 else 'cheaper'} than we are"
        )  # fmt: skip
        return finish(
            ax,
            title=f"Like for like, competitors are {word}",
            x="their price over ours [1: the same]",
            y="",
        )


def compare_prices(
    theirs: pd.DataFrame,
    ours: pd.DataFrame,
    *,
    method: Literal["jevons", "laspeyres"] = "jevons",
    level: float = LEVEL,
) -> PriceIndex:
    """Return competitors' prices over ours, like for like.

    Parameters
    ----------
    theirs
        Long: ``date, sku, competitor, price`` [currency/unit]; rows without a price are left out.
    ours
        Long: ``date, sku, price``; for Laspeyres also ``units``, what we sold.
    method
        ``"jevons"``: every item counts the same, geometric mean of the ratios. ``"laspeyres"``:
        an item counts by what we sell of it: what our customers' basket would cost there.
    level
        Level of the interval, over items [share].

    Returns
    -------
    PriceIndex
        The index of each competitor and of all; below 1 they are cheaper.

    Raises
    ------
    ValueError
        For a missing column, prices that are not positive, items priced twice a day, and where
        fewer than two items are matched.

    Notes
    -----
    Ratios are averaged over days first, geometrically, so that an item has one ratio *r*. Jevons
    is ``exp(mean(ln r))``, Laspeyres ``sum(w r)`` with *w* the item's share of our sales. In
    words: compare each thing with itself, then average; never average first.

    Examples
    --------
    >>> ours = pd.DataFrame({"date": "2026-01-05", "sku": list("ABC"), "price": [10.0, 20.0, 40.0]})
    >>> theirs = ours.assign(competitor="Bluepeak", price=[9.0, 20.0, 44.0])
    >>> found = compare_prices(theirs, ours)
    >>> round(found.index, 4), round(found.naive_index, 4)
    (0.9967, 1.0429)
    """
    if method not in ("jevons", "laspeyres"):
        raise ValueError(f"method: {method!r} is not one of jevons, laspeyres.")
    need_columns(theirs, "theirs", ("date", "sku", "competitor", "price"))
    weighing = ("units",) if method == "laspeyres" else ()
    need_columns(ours, "ours", ("date", "sku", "price", *weighing))
    asked = theirs.dropna(subset="price")
    for frame, name in ((asked, "theirs"), (ours, "ours")):
        need_numbers(frame, name, ["price"], above=0.0)
    need_numbers(ours, "ours", weighing, least=0.0)
    need_unique(asked, "theirs", ["date", "competitor", "sku"])
    need_unique(ours, "ours", ["date", "sku"])
    met = asked.merge(ours[["date", "sku", "price"]], on=["date", "sku"], suffixes=("", "_ours"))
    ratios = met.assign(log=np.log(met["price"] / met["price_ours"]))
    weight = _basket(ours) if method == "laspeyres" else None
    rows = [
        (name, *_index(part, weight, level), _unmatched(asked[asked["competitor"] == name], ours))
        for name, part in ratios.groupby("competitor", sort=True)
    ]
    columns = ["competitor", "items", "index", "low", "high", "cheaper_share", "naive_index"]
    items, index, low, high, _ = _index(ratios, weight, level)
    return PriceIndex(
        table=pd.DataFrame(rows, columns=columns),
        caveats=_price_caveats(asked, met, method),
        index=index, low=low, high=high, naive_index=_unmatched(asked, ours), items=items,
        method=method, level=level,
    )  # fmt: skip


def _index(
    ratios: pd.DataFrame, weight: pd.Series | None, level: float
) -> tuple[int, float, float, float, float]:
    """Return items, index, low, high and the share of items at which they are cheaper."""
    by_item = ratios.groupby("sku")["log"].mean()
    if weight is not None:
        by_item = by_item[by_item.index.isin(weight.index[weight > 0])]
    size = len(by_item)
    if size < _LEAST_ITEMS:
        raise ValueError(
            f"theirs.sku: {size} items are matched with ours on the same day; an index needs two. "
            "Use our codes, and days on which we have a price."
        )
    reach = student.ppf(0.5 + level / 2, size - 1)
    cheaper = float((by_item < 0).mean())
    if weight is None:
        middle, error = by_item.mean(), by_item.std() / np.sqrt(size)
        low, high = np.exp(middle - reach * error), np.exp(middle + reach * error)
        return size, float(np.exp(middle)), float(low), float(high), cheaper
    share = weight.reindex(by_item.index) / weight.reindex(by_item.index).sum()
    ratio = np.exp(by_item)
    middle = float((share * ratio).sum())
    error = np.sqrt(size / (size - 1) * (share**2 * (ratio - middle) ** 2).sum())
    return size, middle, float(middle - reach * error), float(middle + reach * error), cheaper


def _basket(ours: pd.DataFrame) -> pd.Series:
    """Return what we sell of each item, at our prices."""
    sold = (ours["units"] * ours["price"]).groupby(ours["sku"]).sum()
    if not sold.sum() > 0:
        raise ValueError("ours.units: nothing was sold. Give units, or method='jevons'.")
    return sold


def _unmatched(asked: pd.DataFrame, ours: pd.DataFrame) -> float:
    """Return the ratio of plain means: other items, other days."""
    return float(asked["price"].mean() / ours["price"].mean())


def _price_caveats(asked: pd.DataFrame, met: pd.DataFrame, method: str) -> tuple[str, ...]:
    said = [
        "Prices asked, not paid: coupons, shipping fees and member prices are not in them.",
        "An index says who is cheaper, not why: costs that both bear move both prices.",
    ]
    lost = 1 - len(met) / len(asked)
    if lost > 0:
        said.append(f"{lost:.0%} of their prices have no price of ours on the same day.")
    if method == "jevons":
        said.append("Every item counts the same, whether it sells or not.")
    return tuple(said)


def track_prices(prices: pd.DataFrame) -> pd.DataFrame:
    """Return the path of prices by group, free of which items happen to be in the list.

    Parameters
    ----------
    prices
        Long: ``date, item, price`` [currency/unit], and ``group`` where there are several. An
        item is one thing of one seller.

    Returns
    -------
    DataFrame
        ``group, date, index``: 1 is the geometric mean of the group's path.

    Raises
    ------
    ValueError
        For a missing column, and prices that are not positive.

    Notes
    -----
    ``ln price = item + date + error`` by least squares. In words: every item has its own usual
    price; what moves them all on a day is the path. Dates that share no item with the others
    cannot be compared and are said to be so.

    Examples
    --------
    >>> seen = pd.DataFrame({"date": [1, 1, 2, 2], "item": list("abac"),
    ...                      "price": [10.0, 40.0, 11.0, 5.0]})
    >>> track_prices(seen)["index"].round(4).tolist()
    [0.9535, 1.0488]
    """
    need_columns(prices, "prices", ("date", "item", "price"))
    need_filled(prices, "prices", ("date", "item"))
    need_numbers(prices, "prices", ["price"], above=0.0)
    groups = prices["group"] if "group" in prices else pd.Series("all", prices.index)
    found = []
    for name, part in prices.groupby(groups, sort=True):
        item, _ = pd.factorize(part["item"])
        date, dates = pd.factorize(part["date"], sort=True)
        path = _two_way(np.log(part["price"].to_numpy(dtype=float)), item, date, str(name))
        found.append(pd.DataFrame({"group": name, "date": dates, "index": np.exp(path)}))
    return pd.concat(found, ignore_index=True)


def _two_way(logs: np.ndarray, item: np.ndarray, date: np.ndarray, name: str) -> np.ndarray:
    """Fit item and date effects by turns; return those of dates, with mean zero."""
    items, dates = np.bincount(item), np.bincount(date)
    path = np.zeros(len(dates))
    for _ in range(_ROUNDS):
        level = np.bincount(item, logs - path[date]) / items
        new = np.bincount(date, logs - level[item]) / dates
        new -= new.mean()
        moved = np.abs(new - path).max()
        path = new
        if moved < _CLOSE:
            return path
    raise ValueError(
        f"prices.item: not estimated, because the dates of group {name!r} share too few items. "
        "Keep items that were seen on many dates."
    )


def compare_ranges(ranges: pd.DataFrame) -> pd.DataFrame:
    """Return how much of each seller's range the others carry, too.

    Parameters
    ----------
    ranges
        Long: ``seller, item``, an item having one code for all sellers.

    Returns
    -------
    DataFrame
        A row a pair: ``seller, other, items`` (of the seller), ``shared``, ``shared_share`` (of
        the seller's items) and ``jaccard_share`` (of the items that either carries).

    Raises
    ------
    ValueError
        For a missing or empty column.

    Examples
    --------
    >>> carried = pd.DataFrame({"seller": list("AAABB"), "item": [1, 2, 3, 3, 4]})
    >>> compare_ranges(carried)[["shared_share", "jaccard_share"]].round(3).to_numpy().tolist()
    [[0.333, 0.25], [0.5, 0.25]]
    """
    need_columns(ranges, "ranges", ("seller", "item"))
    need_filled(ranges, "ranges", ("seller", "item"))
    carried = {name: set(part) for name, part in ranges.groupby("seller", sort=True)["item"]}
    rows = []
    for one, other in permutations(carried, 2):
        shared = len(carried[one] & carried[other])
        either = len(carried[one] | carried[other])
        size = len(carried[one])
        rows.append((one, other, size, shared, shared / size, shared / either))
    columns = ["seller", "other", "items", "shared", "shared_share", "jaccard_share"]
    return pd.DataFrame(rows, columns=columns)
