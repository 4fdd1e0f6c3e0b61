"""Draws from a posterior density: its peak, then importance sampling that learns.

Points are proposed from a mixture of t laws, weighed by the density, and the mixture is fitted
to them anew; points of all rounds count, weighed by the mean of the rounds' mixtures (Cornuet,
Marin, Mira and Robert, Adaptive multiple importance sampling, 2012). No step is accepted or
refused, so that a last digit that differs between machines stays a last digit. Whether the
weights can be believed is told by their tail (Vehtari, Simpson, Gelman, Yao and Gabry, Pareto
smoothed importance sampling, 2024).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ecomlab.analysis.marketing.mix_proposal import Proposal, build_proposal, fit_proposal

__all__ = ["Draws", "Peak", "find_peak", "measure_tail", "sample"]

Density = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

_ROUNDS, _MOST_ROUNDS, _POINTS, _KEPT = 6, 12, 3000, 4000
_ENOUGH = 1000  # independent draws, from which on no further round is made
_WIDER = 1.3  # of the covariance around the peak, in the first round
_AT_ONCE = 250  # points whose density is taken together, so that they fit the cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Peak:
    """The most likely parameters, the covariance of the bell around them, and the log evidence."""

    at: np.ndarray
    covariance: np.ndarray
    log_evidence: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """Draws of equal weight, a row each, and what tells whether to believe them."""

    values: np.ndarray
    effective_draws: float
    tail_index: float


def find_peak(density: Density, starts: np.ndarray) -> Peak:
    """Return the best peak found from several starts, with Laplace's approximation around it.

    Parameters
    ----------
    density
        Log density and slope of rows of parameters.
    starts
        One start a row.
    """

    def lower(at: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = density(at[None])
        return -float(value[0]), -slope[0]

    found = [minimize(lower, start, jac=True, method="L-BFGS-B") for start in starts]
    at = min(found, key=lambda one: float(one.fun)).x
    for _ in range(6):  # Newton's steps, to the last digit
        covariance, _ = _bend(density, at)
        value, slope = density(at[None])
        nearer = at + covariance @ slope[0]
        if not density(nearer[None])[0][0] >= value[0]:
            break
        at = nearer
    covariance, log_size = _bend(density, at)
    evidence = float(density(at[None])[0][0]) + 0.5 * (len(at) * np.log(2 * np.pi) + log_size)
    return Peak(at=at, covariance=covariance, log_evidence=evidence)


def _bend(density: Density, at: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the inverse of the curvature at a point, and the log of its determinant."""
    size, step = len(at), 1e-3
    around = np.vstack([at + step * np.eye(size), at - step * np.eye(size)])
    slopes = density(around)[1]
    bend = -(slopes[:size] - slopes[size:]) / (2 * step)
    values, vectors = np.linalg.eigh((bend + bend.T) / 2)
    values = np.clip(values, 0.05, 1e8)  # flat directions are taken to be wide
    return (vectors / values) @ vectors.T, -float(np.log(values).sum())


def sample(density: Density, peak: Peak, *, groups: int = 1, seed: int = 0) -> Draws:
    """Return draws of a density.

    Parameters
    ----------
    density
        Log density and slope of rows of parameters, whose prior is the unit bell.
    peak
        Where it is highest.
    groups
        In how many groups the parameters fall (every ``groups``-th is one), each of which the
        data may leave as it was before them.
    seed
        Seed of the points.
    """
    rng = np.random.default_rng(seed)
    proposal = build_proposal(peak.at, _WIDER * peak.covariance, groups)
    used: list[Proposal] = []
    points, heights = np.empty((0, len(peak.at))), np.empty(0)
    laws: list[np.ndarray] = []
    for made in range(1, _MOST_ROUNDS + 1):
        new = proposal.draw(_POINTS, rng)
        laws = [np.append(law, one.log_density(new)) for law, one in zip(laws, used, strict=True)]
        points, heights = np.vstack([points, new]), np.append(heights, _height(density, new))
        used.append(proposal)
        laws.append(proposal.log_density(points))
        log_weight = heights - np.logaddexp.reduce(laws, axis=0)
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()
        worth = 1 / float(weight @ weight)
        if made >= _ROUNDS and worth >= _ENOUGH:
            break
        proposal = fit_proposal(points, weight, groups, parts=1 if made == 1 else 3)
    return Draws(values=_pick(points, weight, rng), effective_draws=min(worth, _KEPT),
                 tail_index=measure_tail(weight))  # fmt: skip


def _height(density: Density, points: np.ndarray) -> np.ndarray:
    parts = [points[i : i + _AT_ONCE] for i in range(0, len(points), _AT_ONCE)]
    return np.concatenate([density(part)[0] for part in parts])


def _pick(points: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return draws of equal weight, in an order by lot (systematic resampling)."""
    steps = (np.arange(_KEPT) + 0.5) / _KEPT
    chosen = np.searchsorted(np.cumsum(weight), steps).clip(max=len(weight) - 1)
    return np.asarray(points[rng.permutation(chosen)])


def measure_tail(weight: np.ndarray) -> float:
    """Return the index of the Pareto tail of weights: to be believed below 0.7.

    Parameters
    ----------
    weight
        Weights of independent points.

    References
    ----------
    Zhang and Stephens, A new and efficient estimation method for the generalized Pareto
    distribution, 2009; weakly drawn to 0.5 as in Vehtari and others (2024), appendix C.

    Examples
    --------
    >>> u = (np.arange(10_000) + 0.5) / 10_000
    >>> round(measure_tail(u**-0.4), 2), round(measure_tail(np.ones(100) + u[:100]), 2) < 0
    (0.4, True)
    """
    size = len(weight)
    kept = int(min(0.2 * size, 3 * np.sqrt(size)))
    ordered = np.sort(weight)[-kept - 1 :]
    over = ordered[1:] - ordered[0]
    if over[-1] <= 0:
        return -np.inf
    over = np.maximum(over, over[-1] * 1e-12)
    tried = 30 + int(np.sqrt(kept))
    quarter = over[int(kept / 4 + 0.5) - 1]
    rates = 1 / over[-1] + (1 - np.sqrt(tried / (np.arange(tried) + 0.5))) / (3 * quarter)
    index = np.log1p(-rates[:, None] * over).mean(axis=1)
    profile = kept * (np.log(-rates / index) - index - 1)
    chance = np.exp(profile - profile.max())
    rate = float(rates @ chance / chance.sum())
    found = float(np.log1p(-rate * over).mean())
    return (found * kept + 0.5 * 10) / (kept + 10)
