"""Which products could go? What leaving costs, who stays, and what money it frees.

In: what each product sells, earns and binds; how many of its buyers would switch. Answer: the
net gain a year of taking each off the list, with its interval, and the candidates for which
even the lower end is a gain. Also the lot for a delist test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.frames import need_filled, need_numbers, need_unique
from ecomlab.plotting import GREY, RED, amounts_on, finish, format_amount, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["DelistPlan", "find_delist_candidates", "plan_delist_test"]

_DRAWS = 2_000


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DelistPlan(Result):
    """Products to let go, and what it brings a year.

    ``table`` has a row a product, best first: ``sku, group, units`` a year, ``margin_lost``
    (its own), ``margin_kept`` (of those who switch), ``cash_freed``, ``cost_saved`` (capital
    and listing), ``gain`` with ``low`` and ``high`` [currency/year], ``is_candidate``.
    """

    headline: ClassVar[dict[str, str]] = {
        "candidates": "products",
        "cash_freed": "currency",
        "gain": "currency/year",
        "low": "currency/year",
        "high": "currency/year",
    }

    candidates: int
    cash_freed: float
    gain: float
    low: float
    high: float

    @property
    def skus(self) -> tuple[str, ...]:
        """The candidates."""
        return tuple(self.table.loc[self.table["is_candidate"], "sku"])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the gain of letting go, product by product, best first."""
        ax = new_axes() if ax is None else ax
        rows = self.table.head(max(30, self.candidates + 10)).reset_index(drop=True)
        color = np.where(rows["is_candidate"], RED, GREY)
        ax.vlines(rows.index, rows["low"], rows["high"], colors=color, linewidth=1.4)
        ax.scatter(rows.index, rows["gain"], s=16, c=color)
        ax.axhline(0, color="black", linewidth=0.8)
        title = (
            f"{self.candidates} products can go: {format_amount(self.gain)} a year more, "
            f"{format_amount(self.cash_freed)} of cash freed"
            if self.candidates
            else "No product can go for sure: each may earn more than it costs"
        )
        return finish(amounts_on(ax), title=title, x="products, best to let go first (red: sure)",
                      y="gain of letting go [currency/year]")  # fmt: skip


def find_delist_candidates(
    products: pd.DataFrame,
    *,
    years: float,
    switching_share: float,
    switching_error: float = 0.0,
    capital_cost_share: float = 0.22,
    level: float = LEVEL,
    seed: int = 0,
) -> DelistPlan:
    """Find the products that earn less than they cost, sure beyond the luck of their sales.

    Taking a product off loses its margin, keeps the margin of those who switch, and frees the
    money it binds. In words: not "who sells least", but "who would not be missed".

    How much a product could have sold is drawn about what it did sell: a gamma about the count
    (Jeffreys). Units that come several to an order tell less than as many orders would; where
    ``orders`` are known the units of an order are taken for geometric, whose variance over mean
    is twice the mean units an order, less 1.

    Parameters
    ----------
    products
        ``sku, group, units`` sold in the time looked at, ``margin`` of a unit and ``cash`` bound;
        ``cost`` of listing a year and the ``orders`` that held it are optional.
    years
        How long that time is [years].
    switching_share, switching_error
        Share of a missing product's buyers that take another, and its standard error
        (:func:`measure_switching`); below 0 where others sell less without it.
    capital_cost_share
        What a year's use of a unit of money costs: interest, space, ageing [share/year].
    level
        Level of the intervals.
    seed
        Seed of the draws behind them.

    Raises
    ------
    ValueError
        Where a column is missing or impossible, a product repeats, or a share is out of range.

    Examples
    --------
    >>> goods = pd.DataFrame({"sku": ["a", "b"], "group": "x", "units": [2000.0, 3.0],
    ...                       "margin": 10.0, "cash": [900.0, 900.0]})
    >>> find_delist_candidates(goods, years=1.0, switching_share=0.5).skus
    ('b',)
    """
    need_filled(products, "products", ["sku", "group"])
    need_numbers(products, "products", ["units", "cash"], least=0)
    need_numbers(products, "products", ["margin"])
    need_unique(products, "products", ["sku"])
    if "orders" in products:
        need_numbers(products, "products", ["orders"], least=0)
    if years <= 0 or abs(switching_share) > 1 or switching_error < 0 or capital_cost_share < 0:
        raise ValueError(
            f"years, switching_share, switching_error, capital_cost_share: {years}, "
            f"{switching_share}, {switching_error}, {capital_cost_share}. Give a time above 0, a "
            "share in [-1, 1] and costs of at least 0."
        )
    goods = products.reset_index(drop=True)
    rng = np.random.default_rng(seed)
    clump = _clump(goods)
    shape = goods["units"].to_numpy(float) / clump + 0.5
    units = clump * rng.gamma(shape, size=(_DRAWS, len(goods))) / years
    switches = np.clip(rng.normal(switching_share, switching_error, (_DRAWS, 1)), -1, 1)
    cost = goods["cost"].to_numpy(float) if "cost" in goods else np.zeros(len(goods))
    saved = capital_cost_share * goods["cash"].to_numpy(float) + cost
    margin = goods["margin"].to_numpy(float)
    staying = np.ones(len(goods), dtype=bool)
    for _ in range(2):  # once to find who goes, once with switchers going to who stays
        taken = _margin_of_others(goods, units.mean(axis=0), staying)
        gains = units * (switches * taken - margin) + saved
        low, high = np.quantile(gains, [(1 - level) / 2, (1 + level) / 2], axis=0)
        staying = ~(low > 0)
    kept = (units * switches).mean(axis=0) * taken
    table = pd.DataFrame({
        "sku": goods["sku"], "group": goods["group"], "units": goods["units"] / years,
        "margin_lost": goods["units"] / years * margin, "margin_kept": kept,
        "cash_freed": goods["cash"], "cost_saved": saved, "gain": gains.mean(axis=0),
        "low": low, "high": high, "is_candidate": low > 0,
    })  # fmt: skip
    words = _words(knows_orders="orders" in goods, knows_error=switching_error > 0)
    return _delist(table, gains[:, low > 0].sum(axis=1), level, words)


def _clump(goods: pd.DataFrame) -> float:
    """Return variance over mean of units whose number an order is geometric; 1 if not known."""
    if "orders" not in goods or goods["orders"].sum() == 0:
        return 1.0
    return max(2 * float(goods["units"].sum() / goods["orders"].sum()) - 1, 1.0)


def _words(*, knows_orders: bool, knows_error: bool) -> list[str]:
    said = ["Units lost to stock-outs are not in a product's sales: look at those first."]
    if not knows_orders:
        said.append("Each unit counted as a sale of its own: where orders hold several, the "
                    "intervals are too narrow (give the orders).")  # fmt: skip
    if not knows_error:
        said.append("The share that switches was taken as known; give its standard error.")
    return said


def _margin_of_others(goods: pd.DataFrame, units: np.ndarray, staying: np.ndarray) -> np.ndarray:
    """Return the mean margin of what a product's buyers would switch to."""
    weight = pd.Series(units * staying)
    total = weight.groupby(goods["group"]).transform("sum") - weight
    earned = weight * goods["margin"]
    others = earned.groupby(goods["group"]).transform("sum") - earned
    return np.asarray((others / total.where(total > 1e-9)).fillna(0.0))


def _delist(table: pd.DataFrame, sums: np.ndarray, level: float, caveats: list[str]) -> DelistPlan:
    chosen = table[table["is_candidate"]]
    if len(chosen) > 0.2 * len(table):
        caveats = [
            *caveats,
            "Many products would go at once: buyers who come for the choice itself may leave too. "
            "Let them go in steps, and by lot.",
        ]
    low, high = np.quantile(sums, [(1 - level) / 2, (1 + level) / 2])
    return DelistPlan(
        table=table.sort_values(["gain", "sku"], ascending=[False, True], ignore_index=True),
        caveats=tuple(caveats), candidates=len(chosen), gain=float(sums.mean()),
        cash_freed=float(chosen["cash_freed"].sum()), low=float(low), high=float(high),
    )  # fmt: skip


def plan_delist_test(
    products: pd.DataFrame, *, periods: int, missing_share: float = 0.2, seed: int = 0
) -> pd.DataFrame:
    """Draw the lot of a delist test: which products are off the list in which period.

    Parameters
    ----------
    products
        ``sku, group``: the products in the test.
    periods
        How many periods it runs.
    missing_share
        Share of each group that is missing in a period [share]; at least one product, and never
        all of them.
    seed
        Seed of the lot.

    Returns
    -------
    DataFrame
        ``period, group, sku, available_share``, a row a product and period.

    Raises
    ------
    ValueError
        Where a product repeats, a group has only one, or the share is not inside (0, 1).

    Examples
    --------
    >>> goods = pd.DataFrame({"sku": list("abcd"), "group": "x"})
    >>> lot = plan_delist_test(goods, periods=3, missing_share=0.25)
    >>> lot.groupby("period")["available_share"].sum().tolist()
    [3.0, 3.0, 3.0]
    """
    need_filled(products, "products", ["sku", "group"])
    need_unique(products, "products", ["sku"])
    if periods < 1 or not 0 < missing_share < 1:
        raise ValueError(f"periods, missing_share: {periods}, {missing_share}. Give whole periods "
                         "and a share inside (0, 1).")  # fmt: skip
    sizes = products.groupby("group")["sku"].transform("size")
    if (alone := sizes < 2).any():
        where = products.index[alone][:3].tolist()
        raise ValueError(f"products.group: groups of one product (first at {where}). A test needs "
                         "others to switch to.")  # fmt: skip
    rng = np.random.default_rng(seed)
    lots = []
    for period in range(periods):
        luck = pd.Series(rng.random(len(products)), index=products.index)
        place = luck.groupby(products["group"]).rank(method="first")
        missing = place <= np.maximum(np.round(missing_share * sizes), 1)
        lots.append(products[["group", "sku"]].assign(
            period=period, available_share=1.0 - missing.astype(float)))  # fmt: skip
    return pd.concat(lots, ignore_index=True)[["period", "group", "sku", "available_share"]]
