"""Slopes of units on columns, where each product and each period has a level of its own.

In: arrays. Answer: slopes, with errors that may go together within a cluster. Counts are fitted
by Poisson pseudo-maximum likelihood, which keeps the zeros and needs nothing but the mean to be
right (Santos Silva and Tenreyro, Review of Economics and Statistics 88, 2006); the levels are
taken out by alternating projections (Correia, Guimaraes and Zylkin, Stata Journal 20, 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Slopes", "fit_counts", "fit_logs", "sum_within", "take_out"]

_ROUNDS, _SWEEPS = 200, 2000
_CLOSE, _NO_SPREAD = 1e-9, 1e-10
Sets = Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class Slopes:
    """What was fitted: slopes and the rest of each row.

    Parameters
    ----------
    values
        One slope a column.
    inside
        The columns without the levels, rows x columns.
    mean
        Fitted mean of each row.
    weight
        How much each row counted.
    residual
        What is left of each row, on the scale of ``inside @ values``.
    """

    values: np.ndarray
    inside: np.ndarray
    mean: np.ndarray
    weight: np.ndarray
    residual: np.ndarray

    def covariance(self, cluster: np.ndarray) -> np.ndarray:
        """Return the slopes' covariance, by leaving one cluster out at a time.

        The jackknife stays honest where few clusters hold most of the rows (MacKinnon, Nielsen
        and Webb, Journal of Econometrics 232, 2023, CV3); for counts each step is Newton's
        first.
        """
        weighted = self.inside * self.weight[:, None]
        score = sum_within(weighted * self.residual[:, None], cluster)
        size, width = score.shape
        pairs = (weighted[:, :, None] * self.inside[:, None, :]).reshape(len(weighted), -1)
        blocks = sum_within(pairs, cluster).reshape(size, width, width)
        rest = blocks.sum(axis=0) - blocks
        scale = np.abs(np.diagonal(blocks.sum(axis=0))).max()
        if (np.abs(np.linalg.eigvalsh(rest)).min(axis=1) < 1e-12 * scale).any():
            return np.full((width, width), np.inf)  # one cluster alone carries a slope
        moved = np.linalg.solve(rest, score[:, :, None])[:, :, 0]
        return (size - 1) / size * moved.T @ moved


def fit_logs(values: np.ndarray, columns: np.ndarray, sets: Sets) -> Slopes | None:
    """Fit values on columns by least squares, with a level for each group of each set.

    Parameters
    ----------
    values
        One value a row.
    columns
        Rows x columns.
    sets
        For each set of levels, the number of each row's group.

    Returns
    -------
    Slopes or None
        None where a column does not move beside the levels and the other columns.

    Examples
    --------
    >>> fit = fit_logs(np.array([1.0, 3.0, 5.0, 9.0]), np.array([[0.0], [1], [0], [2]]),
    ...                [np.array([0, 0, 1, 1])])
    >>> fit.values
    array([2.])
    """
    weight = np.ones(len(values))
    clear = take_out(np.column_stack([values, columns]), weight, sets)
    inside = clear[:, 1:]
    if not _moves(inside, columns, weight):
        return None
    slopes = np.linalg.lstsq(inside, clear[:, 0], rcond=None)[0]
    residual = clear[:, 0] - inside @ slopes
    return Slopes(slopes, inside, values - residual, weight, residual)


def fit_counts(
    counts: np.ndarray,
    columns: np.ndarray,
    sets: Sets,
    *,
    start: np.ndarray | None = None,
    exposure: np.ndarray | None = None,
) -> Slopes | None:
    """Fit ``E[count] = exposure exp(columns @ slopes + a level for each group of each set)``.

    Parameters
    ----------
    counts
        One count a row; every group holds one above 0. Need not be whole.
    columns
        Rows x columns; there may be none.
    sets
        For each set of levels, the number of each row's group.
    start
        Means to begin with, above 0: those of a fit that was much the same.
    exposure
        How long each row was watched, above 0; the same for all where it is left out.

    Returns
    -------
    Slopes or None
        None where a column does not move beside the levels, or the fit does not settle.

    Examples
    --------
    >>> fit = fit_counts(np.array([2.0, 4.0, 3.0, 6.0]), np.array([[0.0], [1], [0], [1]]),
    ...                  [np.array([0, 0, 1, 1])])
    >>> fit.values.round(4)  # log 2
    array([0.6931])
    """
    mean = (counts + counts.mean()) / 2 if start is None else start
    offset = np.zeros(len(counts)) if exposure is None else np.log(exposure)
    level, last = np.log(mean), np.inf
    for _ in range(_ROUNDS):
        target = level - offset + (counts - mean) / mean
        clear = take_out(np.column_stack([target, columns]), mean, sets)
        inside = clear[:, 1:]
        if not _moves(inside, columns, mean):
            return None
        root = np.sqrt(mean)
        slopes = np.linalg.lstsq(inside * root[:, None], clear[:, 0] * root, rcond=None)[0]
        fitted = target - (clear[:, 0] - inside @ slopes) + offset
        step = np.clip(fitted - level, -4, 4)
        level = np.clip(level + step, -30, 30)
        mean = np.exp(level)
        loss = float((mean - counts * level).sum())
        if abs(loss - last) <= _CLOSE * 1e-3 * (abs(loss) + 1) and np.abs(step * root).max() < 1e-6:
            return Slopes(slopes, inside, mean, mean, (counts - mean) / mean)
        last = loss
    return None


def _moves(inside: np.ndarray, columns: np.ndarray, weight: np.ndarray) -> bool:
    """Say whether each column moves beside the levels, and beside the others."""
    if not columns.shape[1]:
        return True
    spread = np.sqrt((columns**2 * weight[:, None]).sum(axis=0))
    if (spread <= 0).any():
        return False
    scaled = inside * np.sqrt(weight)[:, None] / spread
    return bool(np.linalg.eigvalsh(scaled.T @ scaled).min() > _NO_SPREAD)


def take_out(columns: np.ndarray, weight: np.ndarray, sets: Sets) -> np.ndarray:
    """Take the weighted means of all groups of all sets out of columns.

    Parameters
    ----------
    columns
        Rows x columns.
    weight
        Weight of each row, above 0.
    sets
        For each set, the number of each row's group.

    Examples
    --------
    >>> take_out(np.array([[1.0], [3.0], [5.0]]), np.ones(3), [np.array([0, 0, 1])]).ravel()
    array([-1.,  1.,  0.])
    """
    out = columns.astype(float)
    if not sets:
        return out
    totals = [np.bincount(group, weights=weight) for group in sets]
    scale = np.abs(out).max(axis=0, initial=1e-300)
    for _ in range(_SWEEPS if len(sets) > 1 else 1):
        moved = 0.0
        for group, total in zip(sets, totals, strict=True):
            mean = sum_within(out * weight[:, None], group) / total[:, None]
            out -= mean[group]
            moved = max(moved, float((np.abs(mean).max(axis=0, initial=0.0) / scale).max(
                initial=0.0)))  # fmt: skip
        if moved < _CLOSE:
            break
    return out


def sum_within(columns: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the sums of columns within groups, groups x columns.

    Parameters
    ----------
    columns
        Rows x columns.
    group
        The number of each row's group.

    Examples
    --------
    >>> sum_within(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 0])).ravel()
    array([5., 2.])
    """
    size = int(group.max()) + 1
    sums = np.empty((size, columns.shape[1]))
    for place in range(columns.shape[1]):
        sums[:, place] = np.bincount(group, weights=columns[:, place], minlength=size)
    return sums
