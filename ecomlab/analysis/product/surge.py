"""Which products surge, and how early could one have known.

In: units by week and group. Answer: for each surge the week a watch would have noticed it, its
peak, how far ahead of the peak that was, and how large it grew. The watch is a cumulative sum
for counts (Lucas, Technometrics 27, 1985): it adds up what is above the usual and rings when
the sum is more than luck gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.frames import need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result

__all__ = ["SurgeWatch", "watch_surges"]

_RUNS, _YEAR = 400, 52
_REST_WEEKS = 4  # after a surge has ended, before the next one can begin
_LEVEL_WEEKS = 26  # what lasts longer is no surge but the new usual


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SurgeWatch(Result):
    """The surges that a weekly watch noticed.

    ``table`` has a row a surge: ``group, noticed, peak, lead_weeks`` (from noticing to peak),
    ``peak_ratio`` (peak week over usual), ``weeks`` it lasted. ``history`` has ``week_start,
    group, units, usual, is_surge``.
    """

    headline: ClassVar[dict[str, str]] = {
        "surges": "surges",
        "groups": "groups",
        "median_lead_weeks": "weeks",
    }

    surges: int
    groups: int
    median_lead_weeks: float
    history: pd.DataFrame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the group with the largest surge, its usual level and when the watch rang."""
        ax = new_axes() if ax is None else ax
        if self.table.empty:
            return finish(ax, title="No group surged beyond luck", x="week", y="units a week")
        top = self.table.loc[self.table["peak_ratio"].idxmax()]
        rows = self.history[self.history["group"] == top["group"]]
        ax.plot(rows["week_start"], rows["units"], color=BLUE)
        ax.plot(rows["week_start"], rows["usual"], color=GREY)
        for noticed in self.table.loc[self.table["group"] == top["group"], "noticed"]:
            ax.axvline(noticed, color=ORANGE, linewidth=1.4)
        title = (
            f"{top['group']} surged to {top['peak_ratio']:.1f} times the usual; the watch rang "
            f"{top['lead_weeks']:.0f} weeks before the peak"
        )
        return finish(
            ax, title=title, x="week (orange: noticed; grey: the usual)", y="units a week"
        )


def watch_surges(
    weekly: pd.DataFrame,
    *,
    usual_weeks: int = 26,
    surge_ratio: float = 1.5,
    false_alarms_per_year: float = 0.25,
    seed: int = 0,
) -> SurgeWatch:
    """Watch each group week by week, knowing only its past, and tell when a surge begins.

    The usual level is the median of the last calm weeks. Each week the watch adds what was sold
    less ``k = usual (r - 1) / ln r``, never below zero, and rings above a bound that calm weeks,
    drawn with the spread of the past, pass as seldom as asked. What lasts half a year is the new
    usual. In words: one good week is luck, several are a surge, many are the shop of today.

    Parameters
    ----------
    weekly
        ``week_start, group, units``: a row a week and group, zeros included.
    usual_weeks
        Calm weeks that the usual level is taken from [weeks].
    surge_ratio
        Over the usual, from which sales are a surge [ratio].
    false_alarms_per_year
        How often calm sales of a group may ring [alarms/year].
    seed
        Seed of the calm weeks drawn for the bound.

    Raises
    ------
    ValueError
        Where a column is missing or impossible, a week repeats, or too few weeks are there.

    Examples
    --------
    >>> weeks = pd.date_range("2024-01-01", periods=40, freq="7D")
    >>> units = [20, 22, 19, 21] * 8 + [24, 35, 44, 50, 41, 22, 20, 21]
    >>> sold = pd.DataFrame({"week_start": weeks, "group": "toys", "units": units})
    >>> watch_surges(sold).table[["noticed", "lead_weeks"]].astype(str).values.tolist()
    [['2024-08-26', '1']]
    """
    need_filled(weekly, "weekly", ["week_start", "group"])
    need_numbers(weekly, "weekly", ["units"], least=0)
    need_unique(weekly, "weekly", ["week_start", "group"], remedy="Add them up.")
    if surge_ratio <= 1 or not 0 < false_alarms_per_year <= 10 or usual_weeks < 8:
        raise ValueError(
            f"surge_ratio, false_alarms_per_year, usual_weeks: {surge_ratio}, "
            f"{false_alarms_per_year}, {usual_weeks}. Give a ratio above 1, alarms in (0, 10], "
            "and at least 8 weeks."
        )
    wide = weekly.pivot(index="week_start", columns="group", values="units").fillna(0.0)
    if len(wide) <= usual_weeks:
        raise ValueError(f"weekly: {len(wide)} weeks; give more than the {usual_weeks} usual ones.")
    slope = (surge_ratio - 1) / np.log(surge_ratio)
    rule = (usual_weeks, slope, false_alarms_per_year, seed)
    watched = [_watch(wide[name], rule) for name in wide.columns]
    return _summarize(wide, watched)


def _watch(units: pd.Series, rule: tuple[int, float, float, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the usual level and whether a surge is on, week by week."""
    weeks, slope, alarms, seed = rule
    sold = units.to_numpy(float)
    usual, is_on = np.full(len(sold), np.nan), np.zeros(len(sold), dtype=bool)
    calm, total, below = list(sold[:weeks]), 0.0, 0
    first = np.array(calm)
    spread = float(max(first.var(ddof=1) / max(first.mean(), 1e-9), 1.0))
    level = max(float(np.median(calm)), 0.5)
    bound = _bound(level, spread, slope, alarms, seed)
    for week in range(weeks, len(sold)):
        before, level = level, max(float(np.median(calm[-weeks:])), 0.5)
        bound *= level / before  # the sum grows with the level
        usual[week] = level
        total = max(0.0, total + sold[week] - slope * level)
        is_on[week] = total > bound
        below = below + 1 if sold[week] < slope * level else 0
        if is_on[week] and below >= 2:  # two weeks back at the usual end it
            is_on[week - 1 : week + 1], total = False, 0.0
        if is_on[max(week - _LEVEL_WEEKS, 0) : week + 1].sum() > _LEVEL_WEEKS:
            calm, total, is_on[week] = [*calm, *sold[week - weeks + 1 : week]], 0.0, False
        if not is_on[week]:
            calm.append(sold[week])
    return usual, is_on


def _bound(level: float, spread: float, slope: float, alarms: float, seed: int) -> float:
    """Return the bound that calm weeks pass as often as asked: a quantile of simulated years."""
    rng = np.random.default_rng(seed)
    shape = level / max(spread - 1, 1e-6)
    rate = rng.gamma(shape, level / shape, (_RUNS, _YEAR)) if spread > 1.01 else level
    calm = rng.poisson(rate, (_RUNS, _YEAR))
    total, highest = np.zeros(_RUNS), np.zeros(_RUNS)
    for week in range(_YEAR):
        total = np.maximum(0.0, total + calm[:, week] - slope * level)
        highest = np.maximum(highest, total)
    return float(np.quantile(highest, np.exp(-alarms))) + 1e-9


def _summarize(wide: pd.DataFrame, watched: list[tuple[np.ndarray, np.ndarray]]) -> SurgeWatch:
    rows, parts = [], []
    for name, (usual, is_on) in zip(wide.columns, watched, strict=True):
        sold = wide[name].to_numpy(float)
        parts.append(pd.DataFrame({"week_start": wide.index, "group": name, "units": sold,
                                   "usual": usual, "is_surge": is_on}))  # fmt: skip
        for start, end in _spells(is_on):
            peak = start + int(np.argmax(sold[start : end + 1]))
            rows.append((name, wide.index[start], wide.index[peak], peak - start,
                         sold[peak] / usual[start], end - start + 1))  # fmt: skip
    names = ["group", "noticed", "peak", "lead_weeks", "peak_ratio", "weeks"]
    table = pd.DataFrame(rows, columns=names)
    caveats = ["A surge that is over within the week it is noticed leaves no time to react."]
    if len(table) and (table["lead_weeks"] < 2).mean() > 0.5:
        caveats.append(
            "Most surges were noticed less than two weeks before the peak: order by the calendar "
            "of last year, not by the watch."
        )
    return SurgeWatch(
        table=table, caveats=tuple(caveats), surges=len(table),
        groups=int(table["group"].nunique()),
        median_lead_weeks=float(table["lead_weeks"].median()) if len(table) else float("nan"),
        history=pd.concat(parts, ignore_index=True),
    )  # fmt: skip


def _spells(is_on: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last week of each surge; breaks shorter than a rest do not end it."""
    found: list[tuple[int, int]] = []
    for week in np.flatnonzero(is_on):
        if found and week - found[-1][1] <= _REST_WEEKS:
            found[-1] = (found[-1][0], int(week))
        else:
            found.append((int(week), int(week)))
    return found
