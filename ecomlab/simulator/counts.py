"""Counts explained: Poisson regression with fixed effects, and the estimate it gives.

Consistent for counts with zeros, whatever their scatter (Santos Silva and Tenreyro 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ecomlab.simulator.noise import Array

__all__ = ["Estimate", "fit_counts", "fit_slope", "number_groups", "to_share"]

_ROUNDS = 200


@dataclass(frozen=True)
class Estimate:
    """A number from a store's tables, and its standard error."""

    value: float
    se: float = float("nan")


def fit_counts(
    counts: Array, regressors: Array, groups: tuple[Array, ...], *, cluster: Array | None = None
) -> tuple[Array, Array]:
    """Fit ``E[count] = exp(regressors @ b + a level for each group)``; return b and its errors.

    Iterated weighted least squares, the levels taken out by alternating projections (Correia,
    Guimarães and Zylkin 2020). Groups without any count say nothing and are dropped.

    Parameters
    ----------
    counts
        One count a row.
    regressors
        Rows x columns.
    groups
        For each set of levels, the group of each row.
    cluster
        Rows whose errors may go together; each row for itself if left out.

    Examples
    --------
    >>> b, se = fit_counts(np.array([2.0, 4.0, 3.0, 6.0]), np.array([[0.0], [1], [0], [1]]),
    ...                    (np.array([0, 0, 1, 1]),))
    >>> b.round(4).tolist()  # log 2
    [0.6931]
    """
    kept = np.ones(len(counts), dtype=bool)
    for group in groups:
        kept &= np.bincount(group, weights=counts)[group] > 0
    y, x = counts[kept].astype(np.float64), regressors[kept].astype(np.float64)
    sets = [np.unique(group[kept], return_inverse=True)[1] for group in groups]
    mean = (y + y.mean()) / 2
    level, b = np.log(mean), np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        target = level + (y - mean) / mean
        columns = _within(np.column_stack([target, x]), mean, sets)
        inside, gram = columns[:, 1:], (columns[:, 1:] * mean[:, None]).T @ columns[:, 1:]
        last, b = b, np.linalg.solve(gram, (inside * mean[:, None]).T @ columns[:, 0])
        level = np.clip(target - (columns[:, 0] - inside @ b), -30, 30)
        mean = np.exp(level)
        if np.abs(b - last).max() < 1e-7:
            break
    score = inside * (y - mean)[:, None]
    if cluster is not None:
        score = _sums(score, np.unique(cluster[kept], return_inverse=True)[1])
    bread = np.linalg.inv(gram)
    return b, np.sqrt(np.diag(bread @ (score.T @ score) @ bread))


def _within(columns: Array, weight: Array, sets: list[Array]) -> Array:
    """Take the weighted means of all groups out of the columns."""
    out = columns.copy()
    for _ in range(500 if len(sets) > 1 else 1):
        before = out.copy()
        for group in sets:
            total = np.bincount(group, weights=weight)
            out -= (_sums(out * weight[:, None], group) / total[:, None])[group]
        if len(sets) < 2 or np.abs(out - before).max() < 1e-9:
            break
    return out


def _sums(columns: Array, group: Array) -> Array:
    return np.stack([np.bincount(group, weights=one) for one in columns.T], axis=1)


def number_groups(values: Any, within: Any = None) -> Array:
    """Return the number of each row's group: rows with the same value, in the same ``within``."""
    columns = [values] if within is None else [values, within]
    return pd.MultiIndex.from_arrays(columns).factorize()[0]


def fit_slope(counts: Any, x: Any, groups: tuple[Any, ...], cluster: Any) -> Estimate:
    """Fit counts on one regressor (see :func:`fit_counts`); return its slope."""
    b, se = fit_counts(
        np.asarray(counts, dtype=float), np.asarray(x, dtype=float)[:, None],
        tuple(number_groups(group) for group in groups), cluster=number_groups(cluster),
    )  # fmt: skip
    return Estimate(float(b[0]), float(se[0]))


def to_share(found: Estimate) -> Estimate:
    """Turn a difference of logs into a share more."""
    return Estimate(float(np.expm1(found.value)), float(np.exp(found.value) * found.se))
