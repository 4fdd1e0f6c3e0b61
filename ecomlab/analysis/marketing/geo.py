"""What does a channel bring that would not have come anyway? Regions in which it was off.

In: outcome, spend and what the platform claims, by region and day, with the channel on or
off by lot. Answers: the outcome gained with an interval, return on spend beside the
platform's own, and average against marginal return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import t as student

from ecomlab.analysis.marketing.columns import need_columns, need_numbers, need_share, need_unique
from ecomlab.analysis.marketing.counts import LogLinearFit, fit_log_linear
from ecomlab.plotting import BLUE, GREY, ORANGE, amounts_on, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["GeoReading", "ReturnLadder", "compare_returns", "read_geo_test"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GeoReading(Result):
    """What a channel brought where it was on.

    ``gained`` is the outcome that its days on brought, ``lift_share`` the same over what would
    have come without it. ``return_ratio`` is the gain over spend and ``reported_return`` what the
    platform claims over spend; NaN without spend or claims. ``table`` has ``reading, value, low,
    high``, one row each of these.
    """

    headline: ClassVar[dict[str, str]] = {
        "gained": "outcome", "low": "", "high": "", "lift_share": "share",
        "return_ratio": "outcome/currency", "reported_return": "outcome/currency",
    }  # fmt: skip

    gained: float
    low: float
    high: float
    p_value: float
    lift_share: float
    return_ratio: float
    return_low: float
    return_high: float
    reported_return: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the return measured by the regions beside the platform's."""
        ax = new_axes(height=2.6) if ax is None else ax
        ax.plot([self.return_low, self.return_high], [0, 0], color=BLUE, linewidth=4)
        ax.plot([self.return_ratio], [0], "o", color=BLUE, markersize=10)
        ax.plot([self.reported_return], [1], "o", color=ORANGE, markersize=10)
        for place, value, color in ((0, self.return_ratio, BLUE),
                                    (1, self.reported_return, ORANGE)):  # fmt: skip
            ax.annotate(f"{value:.2f}", (value, place), (0, 9), textcoords="offset points",
                        ha="center", color=color, fontweight="bold")  # fmt: skip
        ax.axvline(0, color=GREY, linewidth=1)
        ax.set_yticks([0, 1], ["regions off and on", "platform's report"])
        ax.set_ylim(-0.6, 1.6)
        ax.set_xlabel("outcome for a unit of spend")
        ax.set_title(f"Measured {self.return_ratio:.2f} a unit of spend, claimed "
                     f"{self.reported_return:.2f}")  # fmt: skip
        return ax


def read_geo_test(panel: pd.DataFrame, *, settle_days: int = 0, level: float = LEVEL) -> GeoReading:
    """Read a test in which a channel was off by region and block of days.

    ``outcome = exp(region + day + b * on)``: each region is compared with itself and with the other
    regions on the same day, as a ratio, since regions differ in size. Errors allow for anything
    within a region's block. The gain over spend is the incremental return of Vaver and Koehler
    (Measuring Ad Effectiveness Using Geo Experiments, Google 2011).

    Parameters
    ----------
    panel
        Columns ``region_id, date, outcome, is_on``; and, if known, ``spend``, ``reported`` (what
        the platform claims, in the outcome's unit) and ``block`` (else the calendar week).
    settle_days
        Days left out after each switch, for the effect of earlier spend to settle [days].
    level
        Level of the intervals [share].

    Raises
    ------
    ValueError
        Where a column is missing, a region and day appears twice, or nothing is compared.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=28)
    >>> rows = [(r, day, 100.0 * size * (1.2 if on else 1.0), on, 10.0 * on)
    ...         for r, size in (("N", 1), ("S", 2)) for week, day in enumerate(days)
    ...         for on in [(week // 7 + (r == "S")) % 2 == 0]]
    >>> panel = pd.DataFrame(rows, columns=["region_id", "date", "outcome", "is_on", "spend"])
    >>> found = read_geo_test(panel)
    >>> round(found.gained), round(found.lift_share, 3), round(found.return_ratio, 2)
    (840, 0.2, 3.0)
    """
    need_share(level, of="level")
    rows = _settled(_checked(panel), settle_days)
    fit, theta, error = _fit(rows)
    reach = student.ppf((1 + level) / 2, fit.clusters - 1) * error
    on = rows["is_on"].to_numpy(dtype=bool)
    base = float(fit.mean[on].sum())
    gains = [float(base * -np.expm1(-value)) for value in (theta, theta - reach, theta + reach)]
    spend = float(rows.loc[on, "spend"].sum()) if "spend" in rows else float("nan")
    returns = [gain / spend if spend > 0 else float("nan") for gain in gains]
    claimed = float(rows.loc[on, "reported"].sum()) if "reported" in rows else float("nan")
    reported = claimed / spend if spend > 0 else float("nan")
    table = pd.DataFrame(
        [("gained", *gains), ("lift_share", *(np.expm1([theta, theta - reach, theta + reach]))),
         ("return_ratio", *returns), ("reported_return", reported, np.nan, np.nan)],
        columns=["reading", "value", "low", "high"],
    )  # fmt: skip
    return GeoReading(
        table=table,
        caveats=_caveats(fit.clusters, returns, reported),
        gained=gains[0],
        low=gains[1],
        high=gains[2],
        p_value=float(2 * student.sf(abs(theta) / error, fit.clusters - 1)) if error > 0 else 0.0,
        lift_share=float(np.expm1(theta)),
        return_ratio=returns[0],
        return_low=returns[1],
        return_high=returns[2],
        reported_return=reported,
        level=level,
    )


def _checked(panel: pd.DataFrame) -> pd.DataFrame:
    need_columns(panel, ("region_id", "date", "outcome", "is_on"), of="panel")
    numbers = [name for name in ("outcome", "spend", "reported") if name in panel]
    need_numbers(panel, numbers, of="panel", least=0)
    need_unique(panel, ("region_id", "date"), of="panel",
                remedy="Give one row each region and day: add its campaigns up.")  # fmt: skip
    if not pd.api.types.is_datetime64_any_dtype(panel["date"]):
        raise ValueError("panel.date: give days (pd.to_datetime first).")
    on = panel["is_on"].astype(bool)
    if on.all() or not on.any():
        raise ValueError(
            "panel.is_on: the channel is always on, or always off. Nothing to compare."
        )
    if panel["region_id"].nunique() < 2:
        raise ValueError("panel.region_id: one region only. Give at least two.")
    return panel.assign(is_on=on).sort_values(["region_id", "date"], ignore_index=True)


def _settled(rows: pd.DataFrame, settle_days: int) -> pd.DataFrame:
    """Leave out the days after a switch."""
    if settle_days <= 0:
        return rows
    change = rows["is_on"] != rows.groupby("region_id")["is_on"].shift()
    since = rows.groupby(change.cumsum()).cumcount()
    kept = rows[since >= settle_days]
    if kept.empty or kept["is_on"].nunique() < 2:
        raise ValueError(f"settle_days: {settle_days} leaves nothing to compare. Leave fewer out.")
    return kept.reset_index(drop=True)


def _fit(rows: pd.DataFrame) -> tuple[LogLinearFit, float, float]:
    """Return the fit, and the log lift with its standard error."""
    dead = rows.groupby("date")["outcome"].transform("sum") == 0
    rows_left = rows[~dead]
    places = [pd.factorize(rows_left[name], sort=True)[0] for name in ("region_id", "date")]
    dummies = [np.eye(place.max() + 1)[place] for place in places]
    design = np.column_stack([rows_left["is_on"], dummies[0], dummies[1][:, 1:]]).astype(float)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError(
            "panel.is_on: not estimated, because regions and days leave nothing to compare. Switch "
            "some regions on while others are off, on the same days."
        )
    block = rows_left["block"] if "block" in rows else rows_left["date"].dt.to_period("W")
    cluster = rows_left.groupby([rows_left["region_id"], block]).ngroup().to_numpy()
    try:
        fit = fit_log_linear(rows_left["outcome"].to_numpy(dtype=float), design,
                             exposure=np.ones(len(rows_left)), cluster=cluster)  # fmt: skip
    except ValueError as error:
        raise ValueError(
            f"panel.outcome: {error} A region without any outcome does this."
        ) from None
    mean = np.zeros(len(rows))
    mean[~dead.to_numpy()] = fit.mean
    whole = LogLinearFit(fit.coefficients, fit.covariance, mean, fit.clusters)
    return whole, float(fit.coefficients[0]), float(np.sqrt(max(fit.covariance[0, 0], 0.0)))


def _caveats(clusters: int, returns: list[float], reported: float) -> tuple[str, ...]:
    said: tuple[str, ...] = (
        "It is the average return of the budget that was switched off, over the test's days; the "
        "next unit of spend brings less.",
        "Effects that take longer than the blocks, and shoppers who cross regions, are not in it.",
    )
    if clusters < 30:
        said += (f"Only {clusters} blocks of regions were compared: the interval is rough.",)
    if np.isfinite(reported) and np.isfinite(returns[2]) and reported > returns[2]:
        said += ("The platform claims more than the regions allow: it counts people who would "
                 "have come anyway.",)  # fmt: skip
    return said


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ReturnLadder(Result):
    """Average and marginal return along a ladder of budgets.

    ``table`` has ``spend, outcome, average_return, marginal_return, profit``: the average is what
    all spend brought over no spend, the marginal what the step from the budget before brought.
    """

    headline: ClassVar[dict[str, str]] = {
        "best_spend": "currency",
        "average_return": "outcome/currency",
        "marginal_return": "outcome/currency",
    }

    best_spend: float
    average_return: float
    marginal_return: float
    margin_share: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both returns against spend, and where a step stops paying."""
        ax = new_axes() if ax is None else ax
        table = self.table.iloc[1:]
        for column, color, label in (("average_return", ORANGE, "average"),
                                     ("marginal_return", BLUE, "next step")):  # fmt: skip
            ax.plot(table["spend"], table[column], "o-", color=color)
            ax.annotate(label, (table["spend"].iloc[-1], table[column].iloc[-1]), (7, 0),
                        textcoords="offset points", color=color, va="center",
                        fontweight="bold", annotation_clip=False)  # fmt: skip
        ax.axhline(1 / self.margin_share, color=GREY, linestyle="--", linewidth=1)
        ax.annotate("pays above", (table["spend"].iloc[0], 1 / self.margin_share), (0, 4),
                    textcoords="offset points", color=GREY)  # fmt: skip
        ax.set_xlabel("spend")
        ax.set_ylabel("outcome for a unit of spend")
        ax.set_title("The next unit of spend brings less than the average one")
        return amounts_on(ax, "x")


def compare_returns(steps: pd.DataFrame, *, margin_share: float) -> ReturnLadder:
    """Compare average with marginal return along a ladder of budgets.

    Parameters
    ----------
    steps
        Columns ``spend`` and ``outcome``, one row a budget, one of them without spend.
    margin_share
        Margin on a unit of outcome [share].

    Returns
    -------
    ReturnLadder
        The headline is of the step with the highest profit: margin less spend.

    Raises
    ------
    ValueError
        Where a column is missing or negative, two rows have the same spend, or none is without.

    Examples
    --------
    >>> steps = pd.DataFrame({"spend": [0.0, 100.0, 200.0], "outcome": [500.0, 900.0, 1000.0]})
    >>> found = compare_returns(steps, margin_share=0.5)
    >>> found.best_spend, found.table["marginal_return"].tolist()[1:]
    (100.0, [4.0, 1.0])
    """
    need_columns(steps, ("spend", "outcome"), of="steps")
    need_numbers(steps, ("spend", "outcome"), of="steps", least=0)
    need_unique(steps, ("spend",), of="steps", remedy="Give one row a budget.")
    need_share(margin_share, of="margin_share")
    table = steps[["spend", "outcome"]].sort_values("spend", ignore_index=True).astype(float)
    if table["spend"].iloc[0] != 0 or len(table) < 2:
        raise ValueError("steps.spend: give one row without spend, and at least one with.")
    gained = table["outcome"] - table["outcome"].iloc[0]
    table = table.assign(
        average_return=gained / table["spend"].where(table["spend"] > 0),
        marginal_return=table["outcome"].diff() / table["spend"].diff(),
        profit=margin_share * table["outcome"] - table["spend"],
    )
    best = table.loc[table["profit"].idxmax()]
    caveats: tuple[str, ...] = ()
    if (table["marginal_return"].diff() > 0).any():
        caveats = ("The marginal return rises somewhere: noise, or a budget too small to be seen.",)
    return ReturnLadder(
        table=table,
        caveats=caveats,
        best_spend=float(best["spend"]),
        average_return=float(best["average_return"]),
        marginal_return=float(best["marginal_return"]),
        margin_share=margin_share,
    )
