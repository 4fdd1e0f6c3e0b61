"""What should it cost? The price of most profit within what cost, rivals and buyers allow.

In: products with price and cost, an elasticity with its interval. Answer: a price a product, what
stopped it, what it earns, and how far the answer moves within the interval. The rule is Lerner's
(Review of Economic Studies 1, 1934): margin over price is one over the size of the elasticity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.analysis.product.elasticity import Elasticity
from ecomlab.frames import need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result

__all__ = ["PricePlan", "build_price_ladder", "list_price_points", "plan_prices"]

_FREE = "none: the best price"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PricePlan(Result):
    """A price for every product, and what it earns over today's.

    ``table`` has ``sku, price_today, best_price`` (before limits; infinite where dearer is always
    better), ``price`` (within limits, at a price point), ``price_low, price_high`` (the price
    under the ends of the elasticity's interval), ``limit`` (what stopped it) and
    ``profit_change`` [currency over the same units' period]. ``low`` and ``high`` are what the
    same prices earn if the elasticity is at an end of its interval.
    """

    headline: ClassVar[dict[str, str]] = {
        "profit_change_share": "share",
        "low": "share",
        "high": "share",
        "changed": "products",
    }

    profit_change_share: float
    low: float
    high: float
    changed: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw today's and the planned price of the products that gain most."""
        top = self.table.nlargest(12, "profit_change").iloc[::-1]
        ax = new_axes(height=max(2.2, 0.36 * len(top) + 1.2)) if ax is None else ax
        place = np.arange(len(top))
        ax.hlines(place, top["price_today"], top["price"], color=GREY, linewidth=1.4)
        ax.plot(top["price_today"], place, "o", color=GREY, label="today")
        ax.plot(top["price"], place, "o", color=BLUE, label="planned")
        span = np.isfinite(top["price_high"])
        ax.hlines(place[span], top["price_low"][span], top["price_high"][span], color=ORANGE,
                  linewidth=5, alpha=0.35, label="elasticity at its interval's end")  # fmt: skip
        ax.set_yticks(place, top["sku"].astype(str))
        ax.legend(loc="best")
        title = f"New prices for {self.changed} products should change profit by "
        title += f"{self.profit_change_share:+.1%} ({self.low:+.1%} to {self.high:+.1%})"
        return finish(ax, title=title, x="price [currency/unit]", y="")


def list_price_points(*, lowest: float, highest: float, ending_gap: float = 0.01) -> np.ndarray:
    """List the prices that shops print between two bounds, just below round ones.

    Round prices are 2 to 5 % of the price apart: 0.50 from 10 to 20, 1 from 20 to 50, 2 up to
    100, and the same at other powers of ten.

    Parameters
    ----------
    lowest, highest
        Bounds, included [currency/unit].
    ending_gap
        How far below the round price [currency/unit]; 0 gives the round ones.

    Raises
    ------
    ValueError
        Where the bounds are not 0 < lowest <= highest.

    Examples
    --------
    >>> list_price_points(lowest=18.7, highest=21.5)
    array([18.99, 19.49, 19.99, 20.99])
    """
    if not (np.isfinite([lowest, highest]).all() and 0 < lowest <= highest):
        raise ValueError(f"lowest, highest: {lowest}, {highest}; give 0 < lowest <= highest.")
    if not 0 <= ending_gap < 1:
        raise ValueError(f"ending_gap: {ending_gap}; give the gap to the round price, below 1.")
    points: list[float] = []
    power = np.floor(np.log10(lowest))
    while 10**power <= highest + ending_gap:
        for start, end, step in ((1, 2, 0.05), (2, 5, 0.1), (5, 10, 0.2)):
            points += list(10**power * np.arange(start, end - 1e-9, step))
        power += 1
    found = np.unique(np.round(np.array(points) - ending_gap, 2))
    return found[(found >= lowest - 1e-9) & (found <= highest + 1e-9) & (found > 0)]


def plan_prices(
    products: pd.DataFrame,
    *,
    elasticity: Elasticity | float,
    least_margin_share: float = 0.0,
    most_change_share: float = 0.3,
    over_competitor_share: float = 0.0,
    ending_gap: float | None = 0.01,
) -> PricePlan:
    """Plan the price of most profit for each product, within limits.

    At a constant elasticity ``e`` below -1 profit ``units (p/p0)^e (p - c)`` is highest at ``p =
    c e / (1 + e)``; where ``e`` is -1 or weaker every rise pays, and the limits decide. Limits
    are applied in this order, a later one winning: competitors' price and willingness to pay,
    the largest step, cost. Of the price points within the limits the one of most profit is
    taken.

    Parameters
    ----------
    products
        One row a product: ``sku, price`` (today's) and ``unit_cost`` [currency/unit]; may have
        ``units`` (sold in some period at today's price; 1 if left out), ``competitor_price`` and
        ``willing_price`` (the most that buyers accept; both may have gaps), and ``elasticity``
        of its own.
    elasticity
        What :func:`~ecomlab.analysis.product.estimate_elasticity` found, or a number (below 0).
    least_margin_share
        Least margin over price [share].
    most_change_share
        Largest step from today's price, up or down [share].
    over_competitor_share
        How far above the competitor's price one may go [share].
    ending_gap
        How far below round prices the price points are [currency/unit]; None allows any cent.

    Raises
    ------
    ValueError
        Where a column is missing, not numeric or not above 0, a product repeats, the elasticity
        is not below 0 or was not estimated, or a share is out of range.

    Examples
    --------
    >>> goods = pd.DataFrame({"sku": ["A"], "price": [20.0], "unit_cost": [12.0]})
    >>> plan = plan_prices(goods, elasticity=-3.0, ending_gap=None)
    >>> plan.table[["best_price", "price", "limit"]]
       best_price  price                 limit
    0        18.0   18.0  none: the best price
    """
    limits = _Limits(least_margin_share, most_change_share, over_competitor_share, ending_gap)
    goods = _goods(products, elasticity)
    price = limits.apply(goods, goods["elasticity"])
    table = pd.DataFrame(
        {
            "sku": goods["sku"],
            "price_today": goods["price"],
            "best_price": _lerner(goods, goods["elasticity"]),
            "price": price["price"],
            "price_low": limits.apply(goods, goods["e_low"])["price"],
            "price_high": limits.apply(goods, goods["e_high"])["price"],
            "limit": price["limit"],
            "profit_change": _profit(goods, price["price"], goods["elasticity"])
            - _profit(goods, goods["price"], goods["elasticity"]),
        }
    )
    today = float(_profit(goods, goods["price"], goods["elasticity"]).sum())
    known = goods["e_low"].notna().all()
    ends = [float((_profit(goods, price["price"], goods[name]).sum() - today) / abs(today))
            for name in ("e_low", "e_high")] if known and today else [float("nan")] * 2  # fmt: skip
    if not known:
        table[["price_low", "price_high"]] = np.nan
    return PricePlan(
        table=table,
        caveats=_caveats(table, goods, known),
        profit_change_share=float(table["profit_change"].sum() / abs(today)) if today else np.nan,
        low=min(ends),
        high=max(ends),
        changed=int((~np.isclose(table["price"], table["price_today"])).sum()),
    )


def _goods(products: pd.DataFrame, elasticity: Elasticity | float) -> pd.DataFrame:
    """Check the products and give each an elasticity with its ends."""
    need_filled(products, "products", ["sku", "price", "unit_cost"])
    need_unique(products, "products", ["sku"])
    optional = [c for c in ("competitor_price", "willing_price") if c in products]
    need_numbers(products, "products", ["price", "unit_cost"], least=0)
    for column in optional:
        there = products.loc[products[column].notna(), [column]]
        if len(there):
            need_numbers(there, "products", [column], least=0)
    if (bad := products["price"] <= 0).any():
        raise ValueError(f"products.price: {int(bad.sum())} rows are not above 0 (first at "
                         f"{bad.index[bad][:3].tolist()}). Give today's price.")  # fmt: skip
    goods = products[["sku", "price", "unit_cost", *optional]].astype(
        dict.fromkeys(["price", "unit_cost", *optional], float)
    )
    goods = goods.assign(units=1.0, **_ends(elasticity))
    if "units" in products:
        need_numbers(products, "products", ["units"], least=0)
        goods = goods.assign(units=products["units"].astype(float))
    if "elasticity" in products:
        need_numbers(products, "products", ["elasticity"])
        own = products["elasticity"].astype(float)
        goods = goods.assign(elasticity=own, e_low=np.nan, e_high=np.nan)
    if (bad := ~(goods["elasticity"] < 0)).any():
        raise ValueError(
            f"elasticity: {goods['elasticity'][bad].iloc[0]:g} is not below 0. A price rise that "
            "sells more is a sign of a naive estimate; estimate it anew."
        )
    return goods.reset_index(drop=True)


def _ends(elasticity: Elasticity | float) -> dict[str, float]:
    if isinstance(elasticity, Elasticity):
        if not elasticity.is_estimated:
            raise ValueError(f"elasticity: {elasticity.caveats[0]}")
        # an interval may reach above 0, where no price is the best: just below is as bold
        high = min(elasticity.high, -1e-6)
        return {"elasticity": elasticity.elasticity, "e_low": elasticity.low, "e_high": high}
    return {"elasticity": float(elasticity), "e_low": float("nan"), "e_high": float("nan")}


def _lerner(goods: pd.DataFrame, elasticity: pd.Series) -> pd.Series:
    """Return the price of most profit at a constant elasticity; infinite from -1 on."""
    safe = elasticity.where(elasticity < -1, -2.0)
    return (goods["unit_cost"] * safe / (1 + safe)).where(elasticity < -1, np.inf)


def _profit(goods: pd.DataFrame, price: pd.Series, elasticity: pd.Series) -> pd.Series:
    return goods["units"] * (price / goods["price"]) ** elasticity * (price - goods["unit_cost"])


@dataclass(frozen=True)
class _Limits:
    """What prices must not pass."""

    least_margin_share: float
    most_change_share: float
    over_competitor_share: float
    ending_gap: float | None

    def __post_init__(self) -> None:
        for name in ("least_margin_share", "most_change_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)}; give a share from 0, below 1.")
        if not (np.isfinite(self.over_competitor_share) and self.over_competitor_share > -1):
            raise ValueError(f"over_competitor_share: {self.over_competitor_share}; give a share.")

    def apply(self, goods: pd.DataFrame, elasticity: pd.Series) -> pd.DataFrame:
        """Return the price of each product within the limits, and the limit that binds."""
        price, limit = _lerner(goods, elasticity), pd.Series(_FREE, index=goods.index)
        low, high = pd.Series(0.0, goods.index), pd.Series(np.inf, goods.index)
        steps = [("competitor_price", 1 + self.over_competitor_share, "competitors' price"),
                 ("willing_price", 1.0, "willingness to pay")]  # fmt: skip
        for column, factor, name in steps:
            if column in goods:
                cap = (goods[column] * factor).fillna(np.inf)
                limit = limit.mask(price > cap, name)
                price, high = np.minimum(price, cap), np.minimum(high, cap)
        floor, cap = (goods["price"] * (1 + s * self.most_change_share) for s in (-1, 1))
        limit = limit.mask((price < floor) | (price > cap), "largest step")
        price = price.clip(floor, cap)
        low, high = floor, np.maximum(np.minimum(high, cap), floor)
        cost = goods["unit_cost"] / (1 - self.least_margin_share)
        limit = limit.mask(price < cost, "cost")
        price, low, high = np.maximum(price, cost), np.maximum(low, cost), np.maximum(high, cost)
        if self.ending_gap is not None:
            price = self._at_points(goods, elasticity, price, low, high)
        return pd.DataFrame({"price": price, "limit": limit})

    def _at_points(
        self,
        goods: pd.DataFrame,
        elasticity: pd.Series,
        price: pd.Series,
        low: pd.Series,
        high: pd.Series,
    ) -> pd.Series:
        """Move prices to the neighbouring price point of more profit, if there is one inside."""
        if elasticity.isna().any():
            return price
        top = float(high.max())
        points = list_price_points(lowest=max(float(low.min()) * 0.5, 0.01), highest=2 * top + 1,
                                   ending_gap=self.ending_gap or 0.0)  # fmt: skip
        above = np.searchsorted(points, price)
        best, most = price.copy(), pd.Series(-np.inf, goods.index)
        for place in (above - 1, above):
            at = pd.Series(points[place.clip(0, len(points) - 1)], goods.index)
            earns = _profit(goods, at, elasticity)
            ok = (at >= low - 1e-9) & (at <= high + 1e-9) & (earns > most)
            best, most = best.mask(ok, at), most.mask(ok, earns)
        return best.round(2)


def _caveats(table: pd.DataFrame, goods: pd.DataFrame, known: bool) -> tuple[str, ...]:
    said = [
        "Units are taken to follow a constant elasticity, at unchanged competitors' prices, and "
        "no product to take sales from another.",
    ]
    if not known:
        said.append("The elasticity came without an interval: nothing is said of its error.")
    elif (goods["e_high"] >= -1).any():
        said.append("The interval of the elasticity reaches -1 or weaker, where no price is the "
                    "best: the upper end of a price is a limit, not an optimum.")  # fmt: skip
    bound = int((table["limit"] != _FREE).sum())
    if bound:
        said.append(f"{bound} of {len(table)} prices are set by a limit, not by the elasticity.")
    caps = [c for c in ("competitor_price", "willing_price") if c in goods]
    if len(caps):
        over = (goods[caps].min(axis=1) < goods["unit_cost"]).sum()
        if over:
            said.append(f"{int(over)} products cost more than the market bears: look at delisting.")
    return tuple(said)


def build_price_ladder(
    products: pd.DataFrame,
    *,
    elasticity: Elasticity | float,
    least_gap_share: float = 0.15,
    most_change_share: float = 0.3,
    ending_gap: float = 0.01,
) -> pd.DataFrame:
    """Set the prices of a line so that better products cost visibly more.

    Of all ways to put the products on price points, each rung at least ``least_gap_share`` above
    the one below, the one of most profit at constant elasticities is found exactly (dynamic
    programming from the lowest rung up).

    Parameters
    ----------
    products
        One row a product of the line, as for :func:`plan_prices`, with ``rung``: its place by
        quality, 1 the plainest.
    elasticity
        As for :func:`plan_prices`.
    least_gap_share
        Least rise from rung to rung [share].
    most_change_share
        Largest step from today's price [share].
    ending_gap
        How far below round prices the price points are [currency/unit].

    Returns
    -------
    pandas.DataFrame
        One row a rung, plainest first: ``sku, rung, price_today, price, gap_share`` (over the
        rung below) and ``profit_change``.

    Raises
    ------
    ValueError
        As :func:`plan_prices`; where rungs repeat; and where no ladder fits the limits.

    Examples
    --------
    >>> line = pd.DataFrame({"sku": ["good", "better", "best"], "rung": [1, 2, 3],
    ...                      "price": [20.0, 21.0, 30.0], "unit_cost": [10.0, 10.5, 15.0]})
    >>> build_price_ladder(line, elasticity=-2.5)["price"].tolist()
    [15.99, 18.49, 24.99]
    """
    need_numbers(products, "products", ["rung"], least=0)
    need_unique(products, "products", ["rung"])
    if not 0 <= least_gap_share < 1:
        raise ValueError(f"least_gap_share: {least_gap_share}; give a share from 0, below 1.")
    limits = _Limits(0.0, most_change_share, 0.0, ending_gap)
    ordered = products.sort_values("rung")
    goods = _goods(ordered, elasticity)
    rungs = [_points_of(row, limits) for row in goods.itertuples()]
    chosen = _climb(rungs, 1 + least_gap_share)
    price = pd.Series(chosen, goods.index)
    change = _profit(goods, price, goods["elasticity"]) - _profit(
        goods, goods["price"], goods["elasticity"])  # fmt: skip
    return pd.DataFrame(
        {"sku": goods["sku"], "rung": ordered["rung"].to_numpy(), "price_today": goods["price"],
         "price": price, "gap_share": price / price.shift() - 1, "profit_change": change}
    )  # fmt: skip


def _points_of(row: Any, limits: _Limits) -> tuple[np.ndarray, np.ndarray]:
    """Return the price points of a product and what each earns."""
    low = max(row.price * (1 - limits.most_change_share), row.unit_cost)
    high = row.price * (1 + limits.most_change_share)
    points = np.empty(0)
    if low <= high:
        points = list_price_points(lowest=low, highest=high, ending_gap=limits.ending_gap or 0.0)
    if not len(points):
        raise ValueError(f"products: no price point for {row.sku} within the limits. "
                         "Allow larger steps.")  # fmt: skip
    earns = row.units * (points / row.price) ** row.elasticity * (points - row.unit_cost)
    return points, earns


def _climb(rungs: list[tuple[np.ndarray, np.ndarray]], least_ratio: float) -> list[float]:
    """Choose a price point on each rung, most profit in all, each far enough above the last."""
    best: list[tuple[np.ndarray, np.ndarray]] = []  # per rung: profit up to it, last choice
    for place, (points, earns) in enumerate(rungs):
        if not place:
            best.append((earns, np.zeros(len(points), dtype=int)))
            continue
        below, sums = rungs[place - 1][0], best[-1][0]
        fits = below[None, :] * least_ratio <= points[:, None] + 1e-9
        total = np.where(fits, sums[None, :], -np.inf)
        last = total.argmax(axis=1)
        best.append((earns + total.max(axis=1), last))
    at = int(best[-1][0].argmax())
    if not np.isfinite(best[-1][0][at]):
        raise ValueError("products: no ladder fits. Allow larger steps, or smaller gaps.")
    chosen: list[float] = []
    for (points, _), (_, last) in zip(rungs[::-1], best[::-1], strict=True):
        chosen.append(float(points[at]))
        at = int(last[at])
    return chosen[::-1]
