"""What will happen if nothing changes? A forecast of weekly totals, with honest intervals.

In: daily totals and the days of shopping events. Answer: a forecast of the next weeks as
draws, from which any interval or chance follows, and a back-test against last year's weeks.
The model is in ``paths.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.analysis.goals.paths import WEEKS_FOR_SEASON, draw_paths
from ecomlab.plotting import BLUE, GREY, ORANGE, amounts_on, draw_fan, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Backtest", "Baseline", "backtest_baseline", "forecast_baseline", "sum_weeks"]

_LEAST_WEEKS = 8


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Baseline(Result):
    """A forecast of weekly totals if nothing changes.

    ``table`` has ``week_start, value, low, high`` (a row a week ahead, value is the median);
    ``history`` has ``week_start, value``; ``draws`` holds one path a row [draws x weeks].
    """

    headline: ClassVar[dict[str, str]] = {
        "total": "currency",
        "low": "currency",
        "high": "currency",
    }

    total: float
    low: float
    high: float
    level: float
    measure: str
    history: pd.DataFrame
    draws: np.ndarray = field(repr=False)
    knows_season: bool = True

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the last two years, the forecast and its weekly interval."""
        ax = new_axes() if ax is None else ax
        past = self.history.tail(104)
        ax.plot(past["week_start"], past["value"], color=BLUE)
        fan = self.table.rename(columns={"week_start": "date"})
        draw_fan(fan, ax=ax, label="forecast")
        ax.set_ylim(bottom=0)
        return amounts_on(ax)

    def plot_against(self, came: pd.DataFrame, ax: Axes | None = None) -> Axes:
        """Draw the forecast and the weeks that came: ``week_start, value``."""
        ax = new_axes() if ax is None else ax
        draw_fan(self.table.rename(columns={"week_start": "date"}), ax=ax, label="forecast")
        ax.plot(came["week_start"], came["value"], color=BLUE, marker="o", markersize=4)
        at = came["value"].idxmax()
        ax.annotate("what came", (came["week_start"][at], came["value"][at]), (8, 4),
                    textcoords="offset points", color=BLUE, fontweight="bold")  # fmt: skip
        ax.set_ylim(bottom=0)
        return amounts_on(ax)


def sum_weeks(daily: pd.DataFrame, *, measure: str = "net") -> pd.DataFrame:
    """Return totals of whole weeks, counted back from the last day.

    Parameters
    ----------
    daily
        Columns ``date`` and ``measure``; one row a day without gaps.
    measure
        The column to add up.

    Returns
    -------
    DataFrame
        ``week_start`` (first of seven days) and ``value``; days before the first whole week
        are left out.

    Raises
    ------
    ValueError
        Where a column is missing, days are missing or repeated, or values are not finite.

    Examples
    --------
    >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=15), "net": 1.0})
    >>> sum_weeks(days)["value"].tolist(), str(sum_weeks(days)["week_start"][0].date())
    ([7.0, 7.0], '2024-01-02')
    """
    _check_daily(daily, measure)
    ordered = daily.sort_values("date", ignore_index=True)
    whole = ordered.tail(len(ordered) // 7 * 7).reset_index(drop=True)
    block = np.arange(len(whole)) // 7
    return pd.DataFrame(
        {
            "week_start": whole["date"].groupby(block).min(),
            "value": whole[measure].astype(float).groupby(block).sum(),
        }
    )


def _check_daily(daily: pd.DataFrame, measure: str) -> None:
    for column in ("date", measure):
        if column not in daily:
            raise ValueError(f"daily.{column}: the column is missing. Use metrics.daily_kpis.")
    if len(daily) < 7:
        raise ValueError(f"daily: {len(daily)} rows; at least one week of days is needed.")
    values = pd.to_numeric(daily[measure], errors="coerce")
    if (bad := ~np.isfinite(values)).any():
        where = daily.index[bad][:3].tolist()
        raise ValueError(f"daily.{measure}: {int(bad.sum())} rows are not finite numbers "
                         f"(first at {where}). Fill or drop them.")  # fmt: skip
    steps = daily["date"].sort_values().diff().dropna()
    if (steps != pd.Timedelta(days=1)).any():
        at = steps.index[steps != pd.Timedelta(days=1)][0]
        raise ValueError(f"daily.date: days are missing or repeated (near row {at}). "
                         "Give one row a day, zeros included.")  # fmt: skip


def forecast_baseline(
    daily: pd.DataFrame,
    events: pd.DataFrame,
    *,
    measure: str = "net",
    weeks: int = 13,
    level: float = LEVEL,
    seed: int = 0,
) -> Baseline:
    """Forecast the next weeks from the level reached, the season and the events ahead.

    Parameters
    ----------
    daily
        Columns ``date`` and ``measure``, a row a day [currency/day or units/day].
    events
        Columns ``date`` and ``event_id`` for the past and for the weeks to come.
    measure
        The column to forecast.
    weeks
        How many weeks ahead.
    level
        Share of the draws that the intervals hold.
    seed
        Seed of the draws; the fit itself uses none.

    Returns
    -------
    Baseline
        The weeks, their total, its interval, and the draws behind both. The draws carry
        the week-to-week noise and the uncertainty of the fitted parameters.

    Raises
    ------
    ValueError
        On bad input, fewer than 8 weeks, or weeks that carry no estimate.

    Examples
    --------
    >>> days = pd.DataFrame({"date": pd.date_range("2022-01-01", periods=1001), "net": 100.0})
    >>> days["net"] += np.sin(np.arange(1001))
    >>> none = pd.DataFrame({"date": days["date"][:0], "event_id": []})
    >>> round(forecast_baseline(days, none).total, -2)
    9100.0
    """
    history = sum_weeks(daily, measure=measure)
    if len(history) < _LEAST_WEEKS:
        raise ValueError(f"daily: {len(history)} whole weeks; a baseline needs {_LEAST_WEEKS}.")
    if weeks < 1:
        raise ValueError(f"weeks: {weeks}; look at least one week ahead.")
    draws, caveats = draw_paths(history, events, weeks=weeks, seed=seed)
    tail = (1 - level) / 2
    starts = history["week_start"].iloc[-1] + pd.to_timedelta(7 * np.arange(1, weeks + 1), "D")
    low, middle, high = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
    total = draws.sum(axis=1)
    return Baseline(
        table=pd.DataFrame({"week_start": starts, "value": middle, "low": low, "high": high}),
        caveats=caveats,
        total=float(np.median(total)),
        low=float(np.quantile(total, tail)),
        high=float(np.quantile(total, 1 - tail)),
        level=level,
        measure=measure,
        history=history,
        draws=draws,
        knows_season=len(history) >= WEEKS_FOR_SEASON,
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Backtest(Result):
    """How forecasts made in the past would have done.

    ``table`` has a row a cut-off: ``origin, actual, forecast, low, high, last_year``;
    the errors are mean absolute ones of the totals, as shares of the actual.
    """

    headline: ClassVar[dict[str, str]] = {
        "error_share": "share",
        "last_year_error_share": "share",
        "folds_inside": "folds",
        "folds": "folds",
    }

    error_share: float
    last_year_error_share: float
    folds_inside: int
    folds: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each fold: the interval, the forecast, last year's weeks, and what came."""
        ax = new_axes(height=3.6) if ax is None else ax
        at = self.table["origin"]
        ax.vlines(at, self.table["low"], self.table["high"], color=ORANGE, linewidth=7, alpha=0.35)
        ax.plot(at, self.table["forecast"], "o", color=ORANGE, label="baseline and interval")
        ax.plot(at, self.table["last_year"], "_", color=GREY, markersize=16, label="last year")
        ax.plot(at, self.table["actual"], "D", color=BLUE, label="what came")
        ax.margins(y=0.2)
        ax.legend(loc="upper left", ncols=3)
        return amounts_on(ax)


def backtest_baseline(
    daily: pd.DataFrame,
    events: pd.DataFrame,
    *,
    measure: str = "net",
    weeks: int = 13,
    folds: int = 4,
    level: float = LEVEL,
    seed: int = 0,
) -> Backtest:
    """Forecast past quarters from what was known then, and compare with what came.

    The rival is the seasonal-naive forecast: the same weeks of the year before.

    Parameters
    ----------
    daily, events, measure, weeks, level, seed
        As for :func:`forecast_baseline`.
    folds
        How many cut-offs at most, each four weeks apart, the last one `weeks` before the end.

    Raises
    ------
    ValueError
        Where `weeks` is above 52, or the history is too short for a single fold (a year and
        `weeks`, at least).

    Examples
    --------
    >>> days = pd.DataFrame({"date": pd.date_range("2022-01-01", periods=1001), "net": 100.0})
    >>> days["net"] += np.sin(np.arange(1001))
    >>> none = pd.DataFrame({"date": days["date"][:0], "event_id": []})
    >>> backtest_baseline(days, none, folds=2).folds_inside
    2
    """
    if not 1 <= weeks <= 52:
        raise ValueError(f"weeks: {weeks}; last year's weeks are a rival for 1 to 52 of them.")
    history = sum_weeks(daily, measure=measure)
    ordered = daily.sort_values("date", ignore_index=True)
    # Every try uses the model that the whole history gets: with the season, where it has one.
    least = WEEKS_FOR_SEASON if len(history) >= WEEKS_FOR_SEASON + weeks else 53
    rows = []
    for fold in range(folds):
        cut = len(history) - weeks - 4 * fold
        if cut < least:
            break
        before = ordered[ordered["date"] < history["week_start"].iloc[cut]]
        made = forecast_baseline(
            before, events, measure=measure, weeks=weeks, level=level, seed=seed
        )
        rows.append(_one_fold(history, cut, made))
    if not rows:
        raise ValueError(
            f"daily: {len(history)} whole weeks; a back-test needs a year and {weeks} weeks."
        )
    table = pd.DataFrame(rows[::-1])
    inside = table["actual"].between(table["low"], table["high"])
    return Backtest(
        table=table,
        caveats=("The folds overlap: they are fewer independent trials than they seem.",),
        error_share=float(_error(table, "forecast")),
        last_year_error_share=float(_error(table, "last_year")),
        folds_inside=int(inside.sum()),
        folds=len(table),
    )


def _one_fold(history: pd.DataFrame, cut: int, made: Baseline) -> dict[str, object]:
    """Set a forecast beside what came and beside the same weeks of the year before."""
    value, weeks = history["value"], made.draws.shape[1]
    return {
        "origin": history["week_start"].iloc[cut],
        "actual": value.iloc[cut : cut + weeks].sum(),
        "forecast": made.total,
        "low": made.low,
        "high": made.high,
        "last_year": value.iloc[cut - 52 : cut - 52 + weeks].sum(),
    }


def _error(table: pd.DataFrame, column: str) -> float:
    return float(((table[column] - table["actual"]).abs() / table["actual"].abs()).mean())
