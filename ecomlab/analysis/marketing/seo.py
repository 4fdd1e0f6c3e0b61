"""What is a better rank in unpaid search worth? Clicks by rank, and keywords to work on.

In: rank, impressions and clicks by day and keyword cluster. Answers: the share of searches
clicked as a power of the rank, with an interval, and what each cluster would gain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import t as student

from ecomlab.analysis.marketing.counts import LogLinearFit, fit_log_linear
from ecomlab.frames import need_columns, need_numbers, need_share, where
from ecomlab.plotting import BLUE, GREY, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["ClickCurve", "find_keyword_opportunities", "fit_click_curve"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ClickCurve(Result):
    """Share of searches clicked by rank: ``share at rank 1 x rank^exponent``.

    ``table`` has ``rank, click_share, low, high`` of the mean cluster whose rank moved;
    ``first_share`` is a series cluster -> share clicked at rank 1.
    """

    headline: ClassVar[dict[str, str]] = {"exponent": "", "low": "", "high": ""}

    exponent: float
    low: float
    high: float
    level: float
    first_share: pd.Series = field(repr=False)
    seen: pd.DataFrame = field(repr=False)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve over the days it was fitted to."""
        ax = new_axes() if ax is None else ax
        ax.scatter(self.seen["rank"], self.seen["clicks"] / self.seen["impressions"], s=10,
                   color=GREY, alpha=0.35, linewidth=0)  # fmt: skip
        ax.fill_between(self.table["rank"], self.table["low"], self.table["high"], color=BLUE,
                        alpha=0.2, linewidth=0)  # fmt: skip
        ax.plot(self.table["rank"], self.table["click_share"], color=BLUE)
        ax.yaxis.set_major_formatter("{x:.0%}")
        ax.set_xlabel("rank in the unpaid results (1 is best)")
        ax.set_ylabel("share of searches clicked")
        half = 1 - 2.0**self.exponent
        ax.set_title(f"Twice as far down, {half:.0%} fewer clicks")
        return ax


def fit_click_curve(days: pd.DataFrame, *, level: float = LEVEL) -> ClickCurve:
    """Fit how the share of searches that are clicked falls with the rank.

    ``clicks = impressions x share_of_cluster x rank^exponent``: the exponent comes from days on
    which the same cluster stood higher and lower, never from comparing clusters, which differ in
    what people look for. Errors allow for anything within a cluster's week.

    Parameters
    ----------
    days
        Columns ``date, cluster, rank, impressions, clicks``.
    level
        Level of the intervals [share].

    Raises
    ------
    ValueError
        Where a column is missing or negative, clicks exceed impressions, or no rank ever moved.

    Examples
    --------
    >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=40), "cluster": "shoes",
    ...                      "rank": np.tile([1.0, 2.0, 4.0, 8.0], 10), "impressions": 8000})
    >>> days["clicks"] = (0.4 * days["impressions"] / days["rank"]).astype(int)
    >>> fit_click_curve(days).exponent
    -1.0
    """
    need_share(level, of="level")
    rows = _checked(days)
    log_rank = np.log(rows["rank"].to_numpy(dtype=float))
    names, place = np.unique(rows["cluster"].astype(str), return_inverse=True)
    spread = log_rank - (np.bincount(place, log_rank) / np.bincount(place))[place]
    moved = np.bincount(place, spread**2) > 1e-6 * np.bincount(place)
    if not moved.any():
        raise ValueError("days.rank: not estimated, because no cluster's rank ever moved.")
    design = np.column_stack([log_rank, np.eye(len(names))[place]])
    week = rows["date"].dt.to_period("W").astype(str) + " " + rows["cluster"].astype(str)
    fit = fit_log_linear(rows["clicks"].to_numpy(dtype=float), design,
                         exposure=rows["impressions"].to_numpy(dtype=float),
                         cluster=pd.factorize(week, sort=True)[0])  # fmt: skip
    value, error = float(fit.coefficients[0]), float(np.sqrt(fit.covariance[0, 0]))
    reach = student.ppf((1 + level) / 2, fit.clusters - 1) * error
    weight = np.bincount(place, rows["impressions"]) * moved
    caveats: tuple[str, ...] = (
        "Rank moved for reasons of its own: a rank that followed demand would bend the curve.",
    )
    if not moved.all():
        still = ", ".join(names[~moved])
        caveats = (*caveats, f"The rank of {still} never moved: its clicks tell nothing of rank.")
    return ClickCurve(
        table=_curve(fit, rows[moved[place]], weight / weight.sum(), level),
        caveats=caveats,
        exponent=round(value, 12),
        low=value - reach,
        high=value + reach,
        level=level,
        first_share=pd.Series(np.exp(fit.coefficients[1:]), index=names, name="click_share"),
        seen=rows.loc[moved[place], ["cluster", "rank", "impressions", "clicks"]],
    )


def _checked(days: pd.DataFrame) -> pd.DataFrame:
    columns = ("date", "cluster", "rank", "impressions", "clicks")
    need_columns(days, "days", columns)
    need_numbers(days, "days", ("impressions", "clicks"), least=0)
    need_numbers(days, "days", ("rank",), least=1)
    if not pd.api.types.is_datetime64_any_dtype(days["date"]):
        raise ValueError("days.date: give days (pd.to_datetime first).")
    if (over := days["clicks"] > days["impressions"]).any():
        raise ValueError(f"days.clicks: {where(over)} above the impressions. Look for swaps.")
    rows = days.loc[days["impressions"] > 0, list(columns)].reset_index(drop=True)
    if rows.empty or rows["clicks"].sum() == 0:
        raise ValueError("days.clicks: not estimated, because nothing was shown or clicked.")
    return rows


def _curve(fit: LogLinearFit, rows: pd.DataFrame, share: np.ndarray, level: float) -> pd.DataFrame:
    """Return the mean cluster's curve over the ranks seen."""
    ranks = np.linspace(max(1.0, np.floor(rows["rank"].min())), np.ceil(rows["rank"].max()), 40)
    points = np.column_stack([np.log(ranks), np.tile(share, (len(ranks), 1))])
    middle = points @ fit.coefficients
    error = np.sqrt(np.einsum("ij,jk,ik->i", points, fit.covariance, points))
    reach = student.ppf((1 + level) / 2, fit.clusters - 1) * error
    lines = {"click_share": middle, "low": middle - reach, "high": middle + reach}
    return pd.DataFrame({"rank": ranks, **{name: np.exp(line) for name, line in lines.items()}})


def find_keyword_opportunities(
    days: pd.DataFrame, curve: ClickCurve, *, value_per_click: float, better_by: float = 1.0
) -> pd.DataFrame:
    """Return what each keyword cluster would gain by a better rank.

    Parameters
    ----------
    days
        The frame given to :func:`fit_click_curve`, or its last weeks.
    curve
        The curve fitted.
    value_per_click
        Margin that an unpaid click adds [currency/click].
    better_by
        How many ranks better; rank 1 is the best there is.

    Returns
    -------
    DataFrame
        ``cluster, rank, impressions_per_day, clicks_per_day, new_rank, extra_clicks_per_day,
        extra_low, extra_high, value_per_year``, most valuable first.

    Raises
    ------
    ValueError
        Where a column is missing, or a value is not positive.

    Examples
    --------
    >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=40), "cluster": "shoes",
    ...                      "rank": np.tile([1.0, 2.0, 4.0, 8.0], 10), "impressions": 8000})
    >>> days["clicks"] = (0.4 * days["impressions"] / days["rank"]).astype(int)
    >>> found = find_keyword_opportunities(days, fit_click_curve(days), value_per_click=0.5)
    >>> found[["rank", "clicks_per_day", "new_rank", "extra_clicks_per_day"]].round(2).values
    array([[   3.75, 1500.  ,    2.75,  545.45]])
    """
    rows = _checked(days)
    if not (value_per_click > 0 and better_by > 0):
        raise ValueError("value_per_click, better_by: give positive numbers.")
    span = (rows["date"].max() - rows["date"].min()).days + 1
    table = rows.groupby(rows["cluster"].astype(str)).agg(
        rank=("rank", "mean"), impressions_per_day=("impressions", "sum"),
        clicks_per_day=("clicks", "sum"))  # fmt: skip
    table[["impressions_per_day", "clicks_per_day"]] /= span
    new_rank = (table["rank"] - better_by).clip(lower=1)
    ratio = new_rank / table["rank"]
    extra = {name: table["clicks_per_day"] * (ratio**power - 1)
             for name, power in (("extra_clicks_per_day", curve.exponent),
                                 ("extra_low", curve.high), ("extra_high", curve.low))}  # fmt: skip
    value = 365 * value_per_click * extra["extra_clicks_per_day"]
    return (
        table.assign(new_rank=new_rank, **extra, value_per_year=value)
        .sort_values("value_per_year", ascending=False)
        .rename_axis("cluster")
        .reset_index()
    )
