"""Log-linear models of counts and amounts: fit by Newton's method, errors by cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LogLinearFit", "fit_log_linear"]

_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class LogLinearFit:
    """Coefficients, their covariance (robust to whatever happens within clusters), and means."""

    coefficients: np.ndarray
    covariance: np.ndarray
    mean: np.ndarray
    clusters: int


def fit_log_linear(
    outcome: np.ndarray, design: np.ndarray, *, exposure: np.ndarray, cluster: np.ndarray
) -> LogLinearFit:
    """Fit ``mean = exposure exp(design b)`` by Poisson pseudo maximum likelihood.

    It needs no counts and no Poisson scatter, only the mean (Gourieroux, Monfort and Trognon,
    Econometrica 52, 1984); the errors are those of clusters (Liang and Zeger, Biometrika 73,
    1986), times G / (G - 1).

    Parameters
    ----------
    outcome
        Counts or amounts, at least 0.
    design
        A column a coefficient.
    exposure
        What the mean is proportional to, positive.
    cluster
        Group of each row; rows of different groups are independent.

    Raises
    ------
    ValueError
        Where the likelihood has no maximum that is found, or there are fewer than two clusters.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    >>> made = fit_log_linear(np.array([1.0, 3.0, 4.0, 8.0]), x, exposure=np.ones(4),
    ...                       cluster=np.arange(4))
    >>> made.coefficients.round(4).tolist()  # logs of 2, and of 6 / 2
    [0.6931, 1.0986]
    """
    b = np.zeros(design.shape[1])
    log_mean = np.log(max(outcome.sum(), 1e-9) / exposure.sum())
    b = np.linalg.lstsq(design, np.full(len(outcome), log_mean), rcond=None)[0]
    value, converged = _likelihood(outcome, design, exposure, b), False
    for _ in range(_ROUNDS):
        mean = exposure * np.exp(design @ b)
        score = design.T @ (outcome - mean)
        information = design.T @ (design * mean[:, None])
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        if float(score @ step) < 1e-18 * max(1.0, outcome.sum()):
            converged = True
            break
        b, value = _move(outcome, design, exposure, b, step, value)
    names = np.unique(cluster)
    if not converged or not np.isfinite(b).all() or np.abs(step).max() > 1:
        raise ValueError("not estimated, because the search for the best fit did not end.")
    if len(names) < 2:
        raise ValueError("not estimated, because all rows are one cluster.")
    inverse = np.linalg.pinv(information, hermitian=True)
    scores = np.zeros((len(names), design.shape[1]))
    np.add.at(scores, np.searchsorted(names, cluster), design * (outcome - mean)[:, None])
    meat = scores.T @ scores * len(names) / (len(names) - 1)
    return LogLinearFit(b, inverse @ meat @ inverse, mean, len(names))


def _likelihood(
    outcome: np.ndarray, design: np.ndarray, exposure: np.ndarray, b: np.ndarray
) -> float:
    shift = design @ b
    return float(outcome @ shift - exposure @ np.exp(np.minimum(shift, 500)))


def _move(
    outcome: np.ndarray,
    design: np.ndarray,
    exposure: np.ndarray,
    b: np.ndarray,
    step: np.ndarray,
    value: float,
) -> tuple[np.ndarray, float]:
    """Go along a step, halved until the likelihood grows."""
    for halving in range(40):
        tried = b + step / 2**halving
        reached = _likelihood(outcome, design, exposure, tried)
        if reached >= value - 1e-12 * abs(value):
            return tried, reached
    return b, value
