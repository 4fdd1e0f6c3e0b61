"""Differences in differences: units that had a launch against units that had it later or never.

In: a panel as a matrix. Answer: group-time effects and their mean (Callaway and Sant'Anna
2021), with inference that takes a unit as one observation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ecomlab.analysis.marketing.panel import Panel

__all__ = ["Estimated", "compare_slopes", "estimate_differences", "regress_two_way"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimated:
    """What either method finds; NaN where it is not estimated."""

    effect: float
    low: float
    high: float
    p_value: float
    pretrend_p_value: float
    two_way_effect: float
    counterfactual: np.ndarray
    weights: dict[Any, float]
    groups: pd.DataFrame
    caveats: tuple[str, ...]


def estimate_differences(matrix: Panel, *, level: float) -> Estimated:
    """Estimate the effect by differences in differences, staggered starts included.

    Parameters
    ----------
    matrix
        The panel.
    level
        Level of the interval [share].
    """
    effect, counterfactual, groups, dropped = _average(matrix)
    if len(set(matrix.first[matrix.is_treated])) == 1:
        error, freedom = _error_of_changes(matrix)
    else:
        error, freedom = _jackknife(matrix, effect)
    reach = student.ppf((1 + level) / 2, freedom) * error if freedom > 0 else np.nan
    p_value = 2 * student.sf(abs(effect) / error, freedom) if freedom > 0 and error > 0 else np.nan
    pretrend = compare_slopes(matrix)
    return Estimated(
        effect=effect,
        low=float(effect - reach),
        high=float(effect + reach),
        p_value=float(p_value),
        pretrend_p_value=pretrend,
        two_way_effect=regress_two_way(matrix),
        counterfactual=counterfactual,
        weights={},
        groups=groups,
        caveats=_caveats(matrix, freedom, pretrend, dropped),
    )


def _average(matrix: Panel) -> tuple[float, np.ndarray, pd.DataFrame, int]:
    """Return the mean effect, the counterfactual of the treated, all group effects, and gaps."""
    outcome, first = matrix.outcome, matrix.first
    gap = np.full(outcome.shape, np.nan)
    rows, dropped = [], 0
    for begins in sorted(set(first[matrix.is_treated])):
        mine = first == begins
        change = outcome - outcome[:, :begins].mean(axis=1, keepdims=True)
        for period in range(len(matrix.periods)):
            # who is compared with must be untreated in the period and in the whole base
            other = (first > max(period, begins - 1)) & ~mine
            if not other.any():
                dropped += int(mine.sum()) * (period >= begins)
                continue
            effect = change[mine, period] - change[other, period].mean()
            gap[mine, period] = effect
            if period >= begins:
                rows.append((matrix.periods[begins], matrix.periods[period],
                             float(effect.mean()), int(mine.sum())))  # fmt: skip
    groups = pd.DataFrame(rows, columns=["start", "period", "effect", "units"])
    if groups.empty:
        raise ValueError("treated: no unit is left to compare with. Give some that never had it.")
    treated = matrix.is_treated
    after = np.arange(len(matrix.periods)) >= first[:, None]
    effect = float(np.average(groups["effect"], weights=groups["units"]))
    shown = np.where(after, gap, np.nan_to_num(gap))[treated]
    counterfactual = (outcome[treated] - shown).mean(axis=0)
    return effect, counterfactual, groups, dropped


def _error_of_changes(matrix: Panel) -> tuple[float, float]:
    """Return standard error and freedom where all start together: units' changes, two groups."""
    begins = int(matrix.first.min())
    change = matrix.outcome[:, begins:].mean(axis=1) - matrix.outcome[:, :begins].mean(axis=1)
    one, two = change[matrix.is_treated], change[~matrix.is_treated]
    if len(two) < 2:
        return np.nan, 0
    if len(one) < 2:  # one treated unit: its spread is taken from the others (Donald and Lang 2007)
        return sqrt(two.var(ddof=1) * (1 / len(one) + 1 / len(two))), len(two) - 1
    parts = np.array([one.var(ddof=1) / len(one), two.var(ddof=1) / len(two)])
    if parts.sum() == 0:
        return 0.0, len(change) - 2
    freedom = parts.sum() ** 2 / (parts**2 / np.array([len(one) - 1, len(two) - 1])).sum()
    return float(np.sqrt(parts.sum())), float(freedom)


def _jackknife(matrix: Panel, effect: float) -> tuple[float, float]:
    """Return standard error and freedom of staggered starts: leave each unit out in turn."""
    left = []
    for unit in range(len(matrix.units)):
        keep = np.arange(len(matrix.units)) != unit
        rest = Panel(matrix.outcome[keep], [u for i, u in enumerate(matrix.units) if keep[i]],
                     matrix.periods, matrix.first[keep])  # fmt: skip
        try:
            left.append(_average(rest)[0])
        except ValueError:
            continue
    size = len(left)
    if size < 4 or size < len(matrix.units):
        return np.nan, 0
    return float(np.sqrt((size - 1) / size * ((np.array(left) - effect) ** 2).sum())), size - 2


def compare_slopes(matrix: Panel) -> float:
    """Return the p-value of equal slopes before the first start, first ones against the others.

    Parameters
    ----------
    matrix
        The panel. NaN where there are fewer than three periods before, or too few units.
    """
    begins = int(matrix.first.min())
    if begins < 3:
        return float("nan")
    time = np.arange(begins) - (begins - 1) / 2
    slopes = matrix.outcome[:, :begins] @ time / (time @ time)
    # who starts later, or never, is what the first ones are compared with
    one, two = slopes[matrix.first == begins], slopes[matrix.first > begins]
    if len(two) < 2:
        return float("nan")
    spread = ((two - two.mean()) ** 2).sum() + ((one - one.mean()) ** 2).sum()
    freedom = len(one) + len(two) - 2
    error = sqrt(spread / freedom * (1 / len(one) + 1 / len(two)))
    gap = abs(one.mean() - two.mean())
    if error <= 1e-12 * max(1.0, np.abs(slopes).max()):
        return 1.0 if gap <= 1e-9 * max(1.0, np.abs(slopes).max()) else 0.0
    return float(2 * student.sf(gap / error, freedom))


def regress_two_way(matrix: Panel) -> float:
    """Return the coefficient of treatment beside unit and period effects.

    Parameters
    ----------
    matrix
        The panel, balanced, so that effects are taken out by subtracting means.
    """
    on = (np.arange(len(matrix.periods)) >= matrix.first[:, None]).astype(float)
    rest = on - on.mean(axis=1, keepdims=True) - on.mean(axis=0) + on.mean()
    spread = float((rest**2).sum())
    return float((rest * matrix.outcome).sum() / spread) if spread > 0 else float("nan")


def _caveats(matrix: Panel, freedom: float, pretrend: float, dropped: int) -> tuple[str, ...]:
    said: tuple[str, ...] = (
        "It is assumed that without the launch all units would have moved in parallel.",
    )
    if freedom <= 0:
        said += ("The interval is not estimated, because there are too few units to compare.",)
    elif int(matrix.is_treated.sum()) == 1:
        said += ("One unit was treated: its own luck cannot be told from the effect, and the "
                 "interval takes that luck to be the others'.",)  # fmt: skip
    if not np.isfinite(pretrend):
        said += ("The time before the start is too short to test for parallel paths.",)
    elif pretrend < 0.05:
        said += (f"Before the start the paths were not parallel (p = {pretrend:.2g}): do not take "
                 "the effect for the launch's.",)  # fmt: skip
    else:
        said += ("Paths that looked parallel before the start need not have stayed so.",)
    if dropped:
        said += (f"{dropped} treated units and periods have nobody left to compare with; they are "
                 "not in the effect.",)  # fmt: skip
    return said
