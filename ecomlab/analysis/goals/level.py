"""How fast does the level wander, beside season and events? The fit behind the forecast.

In: log weekly totals and the columns that shift them. Answer: slopes, theta and the error's
variance with their covariance. The likelihood is exact: the changes of ARIMA(0,1,1) are a
moving average, so their covariance is a band, also across weeks that are left out. Given
theta the slopes are least squares, so the search has one dimension (Harvey, Forecasting,
Structural Time Series Models and the Kalman Filter, 1989, section 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky_banded, solve_banded
from scipy.optimize import minimize_scalar

__all__ = ["Fit", "fit_still", "fit_wandering"]

_THETAS = np.linspace(-1.0, 1.0, 41)
_STEP, _EDGE, _STEP_AT_EDGE = 1e-4, -0.995, 0.03
_HARDLY_ANY = 1e-12  # variance of log totals that are all alike


@dataclass(frozen=True, eq=False)
class Fit:
    """Slopes, theta and error variance, their covariance, and the criterion to choose by."""

    parameters: np.ndarray
    covariance: np.ndarray
    aicc: float


@dataclass(frozen=True, eq=False)
class _Profile:
    """The best that one theta can do."""

    theta: float
    slopes: np.ndarray
    variance: float
    likelihood: float
    white: np.ndarray


def fit_wandering(logs: np.ndarray, design: np.ndarray) -> Fit | None:
    """Fit a level that wanders by maximum likelihood.

    Parameters
    ----------
    logs
        Log weekly totals; weeks to leave out are NaN.
    design
        What shifts them, a row a week.

    Returns
    -------
    Fit or None
        None where the likelihood has no curvature to take a covariance from: the weeks are all
        alike, or a column never changes.

    Examples
    --------
    >>> steps = np.random.default_rng(0).normal(size=(2, 400))
    >>> fit = fit_wandering(0.1 * steps[0].cumsum() + steps[1], np.empty((400, 0)))
    >>> fit.parameters.round(2)  # theta is the level's gain less one
    array([-0.92,  1.12])
    """
    seen = np.flatnonzero(np.isfinite(logs))
    changes = np.diff(np.column_stack([logs, design])[seen], axis=0)
    gaps = np.diff(seen)

    def profile(theta: float) -> _Profile:
        return _profile(theta, changes, gaps)

    tried = [profile(theta).likelihood for theta in _THETAS]
    near = int(np.argmax(tried))
    low, high = _THETAS[max(near - 1, 0)], _THETAS[min(near + 1, len(_THETAS) - 1)]
    found = minimize_scalar(
        lambda theta: -profile(theta).likelihood, bounds=(low, high), options={"xatol": 1e-6}
    )
    best = profile(float(found.x))
    if best.variance <= _HARDLY_ANY:
        return None
    # at the edge the likelihood can be flat for a little, which is not how wide it is
    step = _STEP if best.theta > _EDGE else _STEP_AT_EDGE
    covariance = _covariance(best, profile(best.theta - step), profile(best.theta + step))
    if covariance is None:
        return None
    parameters = np.append(best.slopes, [best.theta, best.variance])
    return Fit(parameters, covariance, _aicc(best.likelihood, len(parameters), len(changes)))


def _profile(theta: float, changes: np.ndarray, gaps: np.ndarray) -> _Profile:
    """Return slopes, variance and log-likelihood under one theta."""
    band = np.empty((2, len(gaps)))
    band[0] = gaps * (1 + theta**2) + 2 * (gaps - 1) * theta
    band[1] = theta
    root = cholesky_banded(band, lower=True)
    white = solve_banded((1, 0), root, changes)
    slopes, *_ = np.linalg.lstsq(white[:, 1:], white[:, 0])
    size = len(gaps)
    variance = float(((white[:, 0] - white[:, 1:] @ slopes) ** 2).mean())
    spread = np.log(2 * np.pi * max(variance, np.finfo(float).tiny)) + 1
    likelihood = -size / 2 * spread - np.log(root[0]).sum()
    return _Profile(theta, slopes, variance, float(likelihood), white[:, 1:])


def _covariance(best: _Profile, below: _Profile, above: _Profile) -> np.ndarray | None:
    """Return the parameters' covariance: the inverse of the likelihood's curvature."""
    step = (above.theta - below.theta) / 2
    curvature = (above.likelihood - 2 * best.likelihood + below.likelihood) / step**2
    solve = np.linalg.pinv(best.white)  # events that always come together share what they lift
    inverse = solve @ solve.T
    if curvature >= 0 or (np.diag(inverse) <= _HARDLY_ANY).any():
        return None
    theta = -1 / curvature
    # how the best slopes follow theta: what they owe to not knowing it
    drift = np.append((above.slopes - below.slopes) / (2 * step), 1.0)
    size = len(best.slopes)
    covariance = np.zeros((size + 2, size + 2))
    covariance[: size + 1, : size + 1] = theta * np.outer(drift, drift)
    covariance[:size, :size] += best.variance * inverse
    covariance[-1, -1] = 2 * best.variance**2 / len(best.white)
    return covariance


def fit_still(logs: np.ndarray, design: np.ndarray) -> Fit:
    """Fit a level that stands still, by least squares (theta is -1).

    Parameters
    ----------
    logs, design
        As for :func:`fit_wandering`.

    Raises
    ------
    ValueError
        Where the weeks are all alike, or the columns cannot be told apart.

    Examples
    --------
    >>> fit_still(np.array([0.0, 2.0, 0.0, 2.0, 0.0, 2.0]), np.empty((6, 0))).parameters
    array([-1. ,  1.2])
    """
    seen = np.isfinite(logs)
    columns = np.column_stack([np.ones(len(logs)), design])[seen]
    weeks, rank = len(columns), int(np.linalg.matrix_rank(columns))
    solve = np.linalg.pinv(columns)
    slopes, inverse = solve @ logs[seen], solve @ solve.T
    squares = float(((logs[seen] - columns @ slopes) ** 2).sum())
    variance = squares / max(weeks - rank, 1)
    if weeks <= rank or variance <= _HARDLY_ANY or (np.diag(inverse) <= _HARDLY_ANY).any():
        raise ValueError(
            "daily: not estimated, because the weeks are all alike or the events cannot be told "
            "apart. Look for repeated days, or give a longer history."
        )
    size = len(slopes)
    covariance = np.zeros((size + 1, size + 1))
    covariance[: size - 1, : size - 1] = variance * inverse[1:, 1:]
    covariance[-1, -1] = 2 * variance**2 / weeks
    likelihood = -weeks / 2 * (np.log(2 * np.pi * squares / weeks) + 1)
    parameters = np.append(slopes[1:], [-1.0, variance])
    return Fit(parameters, covariance, _aicc(likelihood, rank, weeks))


def _aicc(likelihood: float, parameters: int, weeks: int) -> float:
    """Return Akaike's criterion, corrected for short histories."""
    penalty = 2 * parameters * (parameters + 1) / max(weeks - parameters - 1, 1)
    return -2 * likelihood + 2 * parameters + penalty
