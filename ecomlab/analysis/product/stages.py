"""Where in its life is each product, and what to do about it.

In: units by week and product, the products' categories and launch dates. Answer: for each
product the chance of introduction, growth, maturity and decline, with season, the store's
trend, events, promotions and stock-outs taken out. Growth is relative to the products that
hold their place: what these share is the store's trend. The fit is in ``growth.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.analysis.product.growth import Exposure, Growth, build_exposure, fit_growth
from ecomlab.frames import need_filled, need_numbers, need_unique
from ecomlab.plotting import PALETTE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["STAGES", "LifeStages", "advise_by_stage", "confuse_stages", "stage_products"]

STAGES = ("introduction", "growth", "maturity", "decline")
_SURE = 0.8
_HIGHEST_DRAWN = 3.0  # growth above it is drawn at the rim [share/year]
_YOUNG_WEEKS, _GROWN_UP_WEEKS = 30, 65


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LifeStages(Result):
    """The stage of every product.

    ``table`` has a row a product: ``sku, category_id, age_weeks, units`` (in the window),
    ``growth_share`` a year with ``low`` and ``high``, the chance of each stage, the most
    probable ``stage``, and ``is_sure`` where its chance is at least 0.8 (never before the
    season is known).
    """

    headline: ClassVar[dict[str, str]] = {
        "introduction": "products",
        "growth": "products",
        "maturity": "products",
        "decline": "products",
        "sure_share": "share",
    }

    introduction: int
    growth: int
    maturity: int
    decline: int
    sure_share: float
    promotion_lift: float
    knows_season: bool

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw growth against what was sold; full dots are sure, rings are not."""
        ax = new_axes() if ax is None else ax
        for color, stage in zip(PALETTE, STAGES, strict=False):
            here = self.table[self.table["stage"] == stage]
            for is_sure, face in ((True, color), (False, "none")):
                dots = here[here["is_sure"] == is_sure]
                ax.scatter(dots["units"].clip(lower=0.5),
                           dots["growth_share"].clip(upper=_HIGHEST_DRAWN), s=26,
                           facecolors=face, edgecolors=color, linewidth=1,
                           label=stage if is_sure else None)  # fmt: skip
        ax.axhline(0, linewidth=0.8, color="black")
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:,g}")
        ax.yaxis.set_major_formatter("{x:+.0%}")
        ax.legend(loc="lower right", fontsize=9, frameon=True)
        sure = self.table[self.table["is_sure"]]["stage"].eq("decline").sum()
        title = (
            f"{self.decline} of {len(self.table)} products look like declining, "
            f"{sure} of them for sure (full dots)"
        )
        beyond = (self.table["growth_share"] > _HIGHEST_DRAWN).any()
        rim = f" (over {_HIGHEST_DRAWN:+.0%} at the rim)" if beyond else ""
        return finish(
            ax, title=title, x="units sold in the weeks looked at", y=f"growth a year{rim}"
        )


def stage_products(
    weekly: pd.DataFrame,
    products: pd.DataFrame,
    *,
    window_weeks: int = 104,
    steady_share: float = 0.10,
    introduction_weeks: int = 8,
    level: float = LEVEL,
) -> LifeStages:
    """Place every product in its life cycle.

    A product's units of a week are held against what a product that stands still would have
    sold: the store's total, times its category's season, while on the shelf, more in promoted
    weeks. What is left is its own growth. In words: not "is it selling less than in
    December", but "does it hold its place among the others".

    Parameters
    ----------
    weekly
        ``week_start, sku, units``, weeks without sales may be left out; where known also
        ``promoted_share`` and ``available_share`` of the week.
    products
        ``sku, category_id`` (may have gaps) and, where known, ``launch_date``. Products that are
        launched after the last week are left out.
    window_weeks
        How far to look back [weeks]; whole years, so that a season weighs the same at both
        ends.
    steady_share
        Growth a year up to which a product counts as steady [share].
    introduction_weeks
        A product younger than this is in its introduction [weeks].
    level
        Level of the intervals of growth.

    Raises
    ------
    ValueError
        Where a column is missing, units are negative, rows repeat, or fewer than 13 weeks are
        there.

    Examples
    --------
    >>> weeks = pd.date_range("2023-01-02", periods=104, freq="7D")
    >>> def sold(sku, rate):
    ...     units = 200 * np.exp(rate * np.arange(104) / 52)
    ...     return pd.DataFrame({"week_start": weeks, "sku": sku, "units": units.round()})
    >>> log = pd.concat([sold("A", 0.0), sold("B", -0.7), sold("C", 0.01)])
    >>> goods = pd.DataFrame({"sku": ["A", "B", "C"], "category_id": "x"})
    >>> stage_products(log, goods).table.set_index("sku")["stage"].to_dict()
    {'A': 'maturity', 'B': 'decline', 'C': 'maturity'}
    """
    _check(weekly, products)
    last = weekly["week_start"].max() + pd.Timedelta(days=6)
    goods = products.reset_index(drop=True)
    if "launch_date" in goods:
        goods = goods[~(pd.to_datetime(goods["launch_date"]) > last)].reset_index(drop=True)
    told = build_exposure(weekly[weekly["sku"].isin(goods["sku"])], goods)
    grown = fit_growth(_grown_up(told), _kinds(told, goods), window_weeks=window_weeks)
    return _summarize(told, grown, goods, (window_weeks, introduction_weeks, steady_share, level))


def _check(weekly: pd.DataFrame, products: pd.DataFrame) -> None:
    need_filled(weekly, "weekly", ["week_start", "sku"])
    need_numbers(weekly, "weekly", ["units"], least=0)
    if not pd.api.types.is_datetime64_any_dtype(weekly["week_start"]):
        kind = weekly["week_start"].dtype
        raise ValueError(f"weekly.week_start: {kind} instead of days. Use pd.to_datetime.")
    need_unique(weekly, "weekly", ["week_start", "sku"], remedy="Add them up.")
    need_filled(products, "products", ["sku"])
    need_unique(products, "products", ["sku"])
    if "category_id" not in products:
        raise ValueError("products.category_id: the column is missing. Give one, empty if unknown.")
    off = (weekly["week_start"] - weekly["week_start"].min()).dt.days % 7 != 0
    if off.any():
        where = weekly.index[off][:3].tolist()
        raise ValueError(
            f"weekly.week_start: {int(off.sum())} rows are not whole weeks from the first one "
            f"(first at {where}). Start all weeks on one weekday."
        )
    if (strange := ~weekly["sku"].isin(products["sku"])).any():
        where = weekly.index[strange][:3].tolist()
        raise ValueError(f"weekly.sku: {int(strange.sum())} rows are of no product listed (first "
                         f"at {where}). Add them to products.")  # fmt: skip
    weeks = (weekly["week_start"].max() - weekly["week_start"].min()).days // 7 + 1
    if weeks < 13:
        raise ValueError(f"weekly: {weeks} weeks tell no stage. Give at least 13, better 104.")


def _grown_up(told: Exposure) -> Exposure:
    """Leave the first weeks of a product out once it is past them: they were another stage."""
    weeks = len(told.weeks)
    age = np.nan_to_num(told.age_weeks, nan=np.inf)
    own = np.arange(weeks)[:, None] - (weeks - age)
    youth = (own < _YOUNG_WEEKS) & (age > _YOUNG_WEEKS + 12)
    return replace(told, expected=np.where(youth, 0.0, told.expected))


def _kinds(told: Exposure, goods: pd.DataFrame) -> np.ndarray:
    """Name what a product is alike to: its category, and whether it is young or a year old."""
    age = np.where(np.isnan(told.age_weeks), np.inf, told.age_weeks)
    band = np.select([age < _YOUNG_WEEKS, age < _GROWN_UP_WEEKS], ["young", "first year"], "older")
    band = np.where((band == "older") & (age >= 208), "old", band)
    kind = goods["category_id"].astype(object).fillna("all").astype(str).to_numpy()
    # the young are few: they are alike across categories
    return np.where(
        np.isin(band, ["older", "old"]), np.char.add(np.char.add(kind.astype(str), " "), band), band
    )


def _summarize(
    told: Exposure, grown: Growth, goods: pd.DataFrame, rules: tuple[int, int, float, float]
) -> LifeStages:
    window, young_weeks, steady, level = rules
    up, down = np.log1p(steady), np.log1p(-steady)
    is_new = np.nan_to_num(told.age_weeks, nan=np.inf) < young_weeks
    may_grow = ~is_new & ~(np.nan_to_num(told.age_weeks, nan=0.0) >= _GROWN_UP_WEEKS)
    growing = np.where(may_grow, norm.sf(up, grown.rate, grown.error), 0.0)
    declining = np.where(is_new, 0.0, norm.cdf(down, grown.rate, grown.error))
    chances = np.column_stack(
        [is_new.astype(float), growing, 1 - is_new - growing - declining, declining]
    )
    half = norm.ppf((1 + level) / 2) * grown.error
    table = pd.DataFrame({
        "sku": told.skus, "category_id": goods["category_id"].to_numpy(),
        "age_weeks": told.age_weeks, "units": told.units[-window:].sum(axis=0),
        "growth_share": np.expm1(grown.rate), "low": np.expm1(grown.rate - half),
        "high": np.expm1(grown.rate + half), **dict(zip(STAGES, chances.T, strict=True)),
        "stage": np.array(STAGES)[chances.argmax(axis=1)],
        "is_sure": (chances.max(axis=1) >= _SURE) & (told.knows_season | is_new),
    })  # fmt: skip
    count = table["stage"].value_counts()
    return LifeStages(
        table=table, caveats=_caveats(told, table), **{s: int(count.get(s, 0)) for s in STAGES},
        sure_share=float(table["is_sure"].mean()), promotion_lift=told.promotion_lift,
        knows_season=told.knows_season,
    )  # fmt: skip


def _caveats(told: Exposure, table: pd.DataFrame) -> tuple[str, ...]:
    said = [
        "Growth is relative to products that hold their place in the store, not in units.",
        "The chances count the luck of sales; what a whole category gains or loses for a while is "
        "not in them, so that of the sure stages, too, some are wrong.",
    ]
    if not told.knows_season:
        said.append(
            f"{len(told.weeks)} weeks do not tell a category's season from a life cycle: a product "
            "of the season looks like one that grows or declines."
        )
    if (table["category_id"].isna()).any():
        said.append("Without categories every product is held against the whole store's season.")
    vague = float((~table["is_sure"]).mean())
    if vague > 0.2 and told.knows_season:
        said.append(
            f"{vague:.0%} of the products sell too little to be sure of their stage; theirs leans "
            "on products alike."
        )
    return tuple(said)


def confuse_stages(stages: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Count products by true stage (rows) and found stage (columns).

    Parameters
    ----------
    stages, truth
        Columns ``sku`` and ``stage``: as found, and as it is.

    Examples
    --------
    >>> found = pd.DataFrame({"sku": ["A", "B"], "stage": ["maturity", "maturity"]})
    >>> truth = pd.DataFrame({"sku": ["A", "B"], "stage": ["maturity", "decline"]})
    >>> confuse_stages(found, truth).loc["decline", "maturity"]
    np.int64(1)
    """
    for name, frame in (("stages", stages), ("truth", truth)):
        need_filled(frame, name, ["sku", "stage"])
        need_unique(frame, name, ["sku"])
    both = stages[["sku", "stage"]].merge(truth[["sku", "stage"]], on="sku", suffixes=("", "_true"))
    table = pd.crosstab(both["stage_true"], both["stage"])
    table = table.reindex(index=list(STAGES), columns=list(STAGES), fill_value=0)
    return table.rename_axis(index="true stage", columns="found stage")


_ADVICE = {
    "introduction": (
        "Be found and tried; learn fast",
        "features and mails that show it; budgets of the channel that reaches new people; no "
        "promotion yet",
        "small orders, often; decide after eight weeks",
    ),
    "growth": (
        "Be there when it is wanted",
        "budgets up; prices at list, no promotion: it sells without",
        "order ahead of the trend; a stock-out now costs most",
    ),
    "maturity": (
        "Earn",
        "prices by elasticity (experiments of kind price); promotions by lottery, to keep those "
        "that pay",
        "regular orders by forecast; delist tests among the weakest",
    ),
    "decline": (
        "Free the money",
        "discounts and promotions up to clear; no budget; then off the list, where a delist test "
        "says that buyers switch",
        "no new orders; sell what is there",
    ),
}


def advise_by_stage(stages: LifeStages) -> pd.DataFrame:
    """Return what to do in each stage, and how many products it concerns.

    Parameters
    ----------
    stages
        The stages of :func:`stage_products`.

    Returns
    -------
    DataFrame
        ``stage, products, units_share, aim, plan_levers, stock``; the levers are those of a plan.

    Examples
    --------
    >>> weeks = pd.date_range("2023-01-02", periods=60, freq="7D")
    >>> log = pd.DataFrame({"week_start": weeks, "sku": "A", "units": 50})
    >>> found = stage_products(log, pd.DataFrame({"sku": ["A"], "category_id": "x"}))
    >>> print(advise_by_stage(found).loc[2, "plan_levers"])
    prices by elasticity (experiments of kind price); promotions by lottery, to keep those that pay
    """
    sums = stages.table.groupby("stage")["units"].agg(["size", "sum"]).reindex(STAGES, fill_value=0)
    rows = [
        (stage, int(sums.loc[stage, "size"]),
         float(sums.loc[stage, "sum"]) / max(float(sums["sum"].sum()), 1.0), *_ADVICE[stage])
        for stage in STAGES
    ]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["stage", "products", "units_share", "aim", "plan_levers", "stock"]
    )
