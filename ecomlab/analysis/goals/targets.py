"""What should we promise, and what should we prepare for? Targets as chances and as money.

In: a baseline forecast's draws. Answers: the chance of a target, the amount to prepare for
(the newsvendor rule: Arrow, Harris and Marschak, Econometrica 19, 1951), the way of a target
down to quarters, weeks, channels and owners, and what a share of the market asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.analysis.goals.baseline import Baseline
from ecomlab.plotting import BLUE, ORANGE, amounts_on, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = [
    "Commitment",
    "MarketGoal",
    "TargetChance",
    "assess_target",
    "cascade_target",
    "plan_commitment",
    "plan_market_share",
    "price_commitment",
]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TargetChance(Result):
    """The chance that a total is reached if nothing changes.

    ``table`` has ``target, chance_share`` for a ladder of targets around the one asked for.
    """

    headline: ClassVar[dict[str, str]] = {
        "target": "currency",
        "chance_share": "share",
        "gap": "currency",
    }

    target: float
    chance_share: float
    gap: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the chance of every target, and mark the one asked for."""
        ax = new_axes() if ax is None else ax
        ax.plot(self.table["target"], self.table["chance_share"], color=BLUE)
        ax.plot([self.target], [self.chance_share], "o", color=ORANGE, markersize=9)
        ax.annotate(
            f"{self.chance_share:.0%}", (self.target, self.chance_share), (10, 8),
            textcoords="offset points", color=ORANGE, fontweight="bold",
        )  # fmt: skip
        ax.yaxis.set_major_formatter("{x:.0%}")
        ax.set_ylim(0, 1.02)
        return amounts_on(ax, "x")


def assess_target(baseline: Baseline, *, target: float) -> TargetChance:
    """Return the chance that the total reaches a target without action.

    Parameters
    ----------
    baseline
        The forecast of :func:`~ecomlab.analysis.goals.forecast_baseline`.
    target
        The total to reach over the forecast's weeks, in the forecast's unit.

    Returns
    -------
    TargetChance
        The share of draws at or above the target; `gap` is target less median.

    Raises
    ------
    ValueError
        Where the target is not a positive number, or the baseline does not know the season:
        a chance without it would be no chance.

    Examples
    --------
    >>> flat = Baseline(table=pd.DataFrame(), total=10.0, low=9.0, high=11.0, level=0.95,
    ...     measure="net", history=pd.DataFrame(), draws=np.array([[9.0], [10.0], [11.0], [12.0]]))
    >>> assess_target(flat, target=11.0).chance_share
    0.5
    """
    if not np.isfinite(target) or target <= 0:
        raise ValueError(f"target: {target} is not a positive amount. Give the total to reach.")
    _need_season(baseline)
    totals = np.sort(baseline.draws.sum(axis=1))
    ladder = np.linspace(
        totals[int(0.002 * len(totals))], totals[-1 - int(0.002 * len(totals))], 80
    )
    reached = 1 - np.searchsorted(totals, ladder, side="left") / len(totals)
    chance = float((totals >= target).mean())
    caveats = (
        "The chance holds if nothing changes: no new decision, competitor or crisis.",
        *baseline.caveats,
    )
    if chance * len(totals) < 20:
        caveats += ("Fewer than 20 draws reach the target: read the chance as 'hardly any'.",)
    return TargetChance(
        table=pd.DataFrame({"target": ladder, "chance_share": reached}),
        caveats=caveats,
        target=float(target),
        chance_share=chance,
        gap=float(target - np.median(totals)),
    )


def _need_season(baseline: Baseline) -> None:
    if not baseline.knows_season:
        raise ValueError(
            f"baseline: not estimated, because {len(baseline.history)} weeks do not tell the "
            "season of the year from the level. Give two years of days."
        )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Commitment(Result):
    """How much to prepare for: the total whose chance of not being exceeded is the ratio.

    ``table`` has ``committed, expected_cost`` for a ladder of amounts.
    """

    headline: ClassVar[dict[str, str]] = {
        "committed": "currency",
        "critical_ratio": "share",
        "expected_cost": "currency",
    }

    committed: float
    critical_ratio: float
    expected_cost: float


def plan_commitment(baseline: Baseline, *, underage_cost: float, overage_cost: float) -> Commitment:
    """Return the amount to prepare for when too little and too much cost differently.

    Parameters
    ----------
    baseline
        The forecast of the total to prepare for.
    underage_cost
        Lost for each unit of the total that was not prepared for [currency/unit].
    overage_cost
        Lost for each unit prepared for in vain [currency/unit].

    Raises
    ------
    ValueError
        Where a cost is not positive, or the baseline does not know the season.

    Examples
    --------
    >>> flat = Baseline(table=pd.DataFrame(), total=10.0, low=9.0, high=11.0, level=0.95,
    ...     measure="net", history=pd.DataFrame(), draws=np.arange(1.0, 101.0).reshape(-1, 1))
    >>> plan_commitment(flat, underage_cost=3.0, overage_cost=1.0)
    Commitment(committed=75.25 currency, critical_ratio=0.75 share, expected_cost=37.5 currency)
    """
    if underage_cost <= 0 or overage_cost <= 0:
        raise ValueError(
            f"underage_cost, overage_cost: {underage_cost} and {overage_cost}; both cost something."
        )
    _need_season(baseline)
    totals = baseline.draws.sum(axis=1)
    ratio = underage_cost / (underage_cost + overage_cost)
    best = float(np.quantile(totals, ratio))
    ladder = np.unique(np.append(np.quantile(totals, np.linspace(0.02, 0.98, 49)), best))
    costs = [
        float(np.mean([_cost(amount, totals, underage_cost, overage_cost)])) for amount in ladder
    ]
    return Commitment(
        table=pd.DataFrame({"committed": ladder, "expected_cost": costs}),
        committed=best,
        critical_ratio=ratio,
        expected_cost=float(_cost(best, totals, underage_cost, overage_cost).mean()),
    )


def _cost(amount: float, actual: np.ndarray, underage: float, overage: float) -> np.ndarray:
    return np.where(actual > amount, (actual - amount) * underage, (amount - actual) * overage)


def price_commitment(
    committed: float, actual: float, *, underage_cost: float, overage_cost: float
) -> float:
    """Return what a commitment cost once the actual total is known [currency].

    Parameters
    ----------
    committed
        The total prepared for [currency or units].
    actual
        The total that came, in the same unit.
    underage_cost, overage_cost
        Lost for each unit missed, and for each one prepared in vain [currency/unit].

    Examples
    --------
    >>> price_commitment(120.0, 100.0, underage_cost=0.5, overage_cost=0.1)
    2.0
    """
    return float(_cost(committed, np.array([actual]), underage_cost, overage_cost)[0])


def cascade_target(
    baseline: Baseline,
    channels: pd.DataFrame,
    *,
    target: float,
    owners: Mapping[str, str],
) -> pd.DataFrame:
    """Break a target down to weeks and channels, each part with its owner.

    Weeks take the shape of the forecast (an event week is asked for more), channels their
    share of the past; the parts add up to the target to the cent.

    Parameters
    ----------
    baseline
        The forecast whose weeks give the shape.
    channels
        Columns ``channel`` and ``amount`` of a past period [currency].
    target
        The total to reach [currency].
    owners
        Who answers for each channel; a channel without one gets "to be named".

    Returns
    -------
    DataFrame
        ``week_start, channel, target, owner``, one row a week and channel.

    Raises
    ------
    ValueError
        Where a channel's amount is negative or all are zero.

    Examples
    --------
    >>> weeks = pd.DataFrame({"week_start": pd.to_datetime(["2026-01-01", "2026-01-08"]),
    ...                       "value": [1.0, 3.0]})
    >>> two = Baseline(table=weeks, total=4.0, low=3.0, high=5.0, level=0.95, measure="net",
    ...     history=pd.DataFrame(), draws=np.ones((2, 2)))
    >>> shares = pd.DataFrame({"channel": ["seo", "email"], "amount": [30.0, 10.0]})
    >>> cascade_target(two, shares, target=100.0, owners={"seo": "Ann"})["target"].tolist()
    [18.75, 6.25, 56.25, 18.75]
    """
    if (channels["amount"] < 0).any() or channels["amount"].sum() <= 0:
        bad = channels.index[channels["amount"] < 0][:3].tolist()
        raise ValueError(f"channels.amount: negative or all zero (rows {bad}). Use past sales.")
    week = baseline.table["value"] / baseline.table["value"].sum()
    share = channels.set_index("channel")["amount"] / channels["amount"].sum()
    cells = np.outer(week, share).ravel() * target
    edges = np.round(np.cumsum(cells), 2)
    parts = np.diff(edges, prepend=0.0).round(2)
    frame = pd.MultiIndex.from_product(
        [baseline.table["week_start"], share.index], names=["week_start", "channel"]
    ).to_frame(index=False)
    owner = [owners.get(channel, "to be named") for channel in frame["channel"]]
    return frame.assign(target=parts, owner=owner)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MarketGoal(Result):
    """What a share of the market asks of the store.

    ``table`` has a row a year: ``year, share, sales, market, growth_share``.
    """

    headline: ClassVar[dict[str, str]] = {
        "share_now": "share",
        "share_low": "share",
        "share_high": "share",
        "growth_share_per_year": "share",
        "growth_low": "share",
        "growth_high": "share",
    }

    share_now: float
    share_low: float
    share_high: float
    growth_share_per_year: float
    growth_low: float
    growth_high: float


def plan_market_share(
    *,
    sales: float,
    market: tuple[float, float, float],
    market_growth: float,
    target_share: float,
    years: int,
    seed: int = 0,
) -> MarketGoal:
    """Turn a long-term share of the market into sales a year.

    Parameters
    ----------
    sales
        The store's sales of the last year [currency].
    market
        The market's sales a year: low, likely, high [currency]; drawn as a triangle.
    market_growth
        Growth of the market a year [share].
    target_share
        The share to hold after `years` [share].
    years
        How far ahead.
    seed
        Seed of the draws behind the interval of today's share.

    Raises
    ------
    ValueError
        Where the market is not low <= likely <= high, is below the store's sales, or the
        target is not between 0 and 1.

    Examples
    --------
    >>> plan_market_share(sales=5.0, market=(80.0, 100.0, 120.0), market_growth=0.03,
    ...                   target_share=0.08, years=3).growth_share_per_year.__round__(3)
    0.205
    """
    low, likely, high = market
    if not 0 < low <= likely <= high or sales <= 0 or sales > low:
        raise ValueError(
            f"market: {market} with sales of {sales}; give low <= likely <= high, above the sales."
        )
    if not 0 < target_share < 1 or years < 1:
        raise ValueError(f"target_share, years: {target_share}, {years}; a share and whole years.")
    draws = (
        np.full(4_000, likely)
        if low == high
        else np.random.default_rng(seed).triangular(low, likely, high, size=4_000)
    )
    tail = (1 - LEVEL) / 2
    now = sales / likely
    growth = (target_share * draws / sales) ** (1 / years) * (1 + market_growth) - 1
    steps = np.arange(years + 1)
    size = likely * (1 + market_growth) ** steps
    share = now * (target_share / now) ** (steps / years)
    yearly = share * size
    return MarketGoal(
        table=pd.DataFrame(
            {"year": steps, "share": share, "market": size, "sales": yearly,
             "growth_share": np.append(np.nan, yearly[1:] / yearly[:-1] - 1)}
        ),
        caveats=("The market's size is an estimate from outside; its interval is the triangle's.",),
        share_now=float(now),
        share_low=float(np.quantile(sales / draws, tail)),
        share_high=float(np.quantile(sales / draws, 1 - tail)),
        growth_share_per_year=float((yearly[-1] / yearly[0]) ** (1 / years) - 1),
        growth_low=float(np.quantile(growth, tail)),
        growth_high=float(np.quantile(growth, 1 - tail)),
    )  # fmt: skip
