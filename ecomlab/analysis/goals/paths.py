"""Futures of weekly totals, drawn from a fitted model.

Model: log weekly totals are a level that wanders (local level, ARIMA(0,1,1)), the season of
the year and the days of events, fitted in ``level.py`` (Hyndman and Athanasopoulos,
Forecasting, 3rd ed., ch. 9 and 10). No trend is carried forward: over many simulated
stores that made the forecast worse (docs/decisions.md).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecomlab.analysis.goals.level import Fit, fit_still, fit_wandering

__all__ = ["WEEKS_FOR_SEASON", "draw_paths"]

_DRAWS = 4_000
WEEKS_FOR_SEASON = 91  # a year and three quarters: each season is seen nearly twice


def draw_paths(
    history: pd.DataFrame, events: pd.DataFrame, *, weeks: int, seed: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Fit the model to weekly totals and draw futures from it, parameters included.

    Parameters
    ----------
    history
        Columns ``week_start`` and ``value``, one row a week.
    events
        Columns ``date`` and ``event_id``, past and ahead.
    weeks
        How many weeks to draw.
    seed
        Seed of the draws.

    Returns
    -------
    tuple
        The draws [draws x weeks], and what the reader should mind.

    Raises
    ------
    ValueError
        Where the weeks carry no estimate.
    """
    known = len(history)
    starts = pd.date_range(history["week_start"].iloc[0], periods=known + weeks, freq="7D")
    lifts, caveats = _event_shares(starts, events, known=known)
    value = history["value"].to_numpy()
    dry = _dry_weeks(value)
    if dry.any():
        caveats += (f"{int(dry.sum())} weeks without positive sales were left out of the fit.",)
    logs = np.log(np.where(dry, np.nan, value))
    if known >= WEEKS_FOR_SEASON:
        choices = [np.column_stack([_season(starts, waves), lifts]) for waves in (1, 2)]
    else:
        choices = [lifts]
        caveats += (
            f"Only {known} weeks of history: the season of the year is not known, so the forecast "
            "carries the recent level forward. Two years would tell season from level.",
        )
    wandering = [fit_wandering(logs, design[:known]) for design in choices]
    pairs = [(fit, design) for fit, design in zip(wandering, choices, strict=True) if fit]
    pairs = pairs or [(fit_still(logs, design[:known]), design) for design in choices]
    fitted, design = min(pairs, key=lambda pair: pair[0].aicc)
    return _run_forward(fitted, logs, design, seed=seed), caveats


def _dry_weeks(value: np.ndarray) -> np.ndarray:
    """Mark weeks without positive sales; too many, or recent ones, are no basis for a forecast."""
    dry = value <= 0
    if dry[-4:].any() or dry.mean() > 0.05:
        raise ValueError(
            f"daily: not estimated, because {int(dry.sum())} of {len(dry)} weeks, or one of the "
            "last four, have no positive sales. Forecast a busier part of the store."
        )
    return dry


def _run_forward(fitted: Fit, logs: np.ndarray, design: np.ndarray, *, seed: int) -> np.ndarray:
    """Draw parameters, follow the level through the past, and go on from there."""
    known = len(logs)
    slopes, gain, spread = _draw_parameters(fitted, seen=int(np.isfinite(logs).sum()), seed=seed)
    level_seen = logs - slopes @ design[:known].T
    level = np.nanmean(level_seen, axis=1)
    # Once backwards to find where the level began, then forwards to where it is.
    for week in (*range(known - 1, -1, -1), *range(known)):
        if np.isfinite(logs[week]):
            level = level + gain * (level_seen[:, week] - level)
    rng = np.random.default_rng((seed, 1))
    paths = np.empty((_DRAWS, len(design) - known))
    for ahead in range(paths.shape[1]):
        shock = spread * rng.standard_normal(_DRAWS)
        paths[:, ahead] = np.exp(slopes @ design[known + ahead] + level + shock)
        level = level + gain * shock
    return paths


def _draw_parameters(
    fitted: Fit, *, seen: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw slopes, the level's gain and the error's size.

    Maximum likelihood forgets the degrees of freedom that the slopes have used up; without
    the correction intervals are too narrow. The gain of the level is 1 + theta.
    """
    rng = np.random.default_rng((seed, 0))
    drawn = rng.multivariate_normal(fitted.parameters, fitted.covariance, size=_DRAWS)
    middle = fitted.parameters[:-2]
    freedom = seen / (seen - len(middle) - 2)
    slopes = middle + np.sqrt(freedom) * (drawn[:, :-2] - middle)
    gain = np.clip(1 + drawn[:, -2], 0.0, 1.0)
    return slopes, gain, np.sqrt(freedom * np.maximum(drawn[:, -1], 1e-12))


def _season(starts: pd.DatetimeIndex, waves: int) -> np.ndarray:
    """Return the yearly season of the weeks' middles as sines and cosines."""
    angle = 2 * np.pi * ((starts.day_of_year.to_numpy() + 3) / 365.25)
    return np.column_stack(
        [wave(k * angle) for k in range(1, waves + 1) for wave in (np.sin, np.cos)]
    )


def _event_shares(
    starts: pd.DatetimeIndex, events: pd.DataFrame, *, known: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a column an event seen before: the share of each week's days in its window."""
    columns: list[np.ndarray] = []
    caveats: tuple[str, ...] = ()
    edges = np.append(starts.to_numpy(), starts[-1].to_datetime64() + np.timedelta64(7, "D"))
    inside = events[events["date"] < edges[-1]]
    for name, days in inside.groupby("event_id", sort=True)["date"]:
        at = days.to_numpy().astype(edges.dtype).astype("int64")
        share = np.histogram(at, bins=edges.astype("int64"))[0] / 7
        if share[:known].sum() > 0:
            columns.append(share)
        elif share[known:].sum() > 0:
            caveats += (f"Event {name} lies ahead but was never seen: it is not in the forecast.",)
    return np.array(columns).T.reshape(len(starts), -1), caveats
