"""Draws from a posterior density: its peak, then Hamiltonian Monte Carlo in numpy.

Many chains move at once, in the coordinates in which the posterior is about round (Neal, MCMC
using Hamiltonian dynamics, 2011, sections 4 and 5.4). Whether they agree is told by the
split R-hat of Gelman and others (Bayesian Data Analysis, 3rd edition, 2013, section 11.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

__all__ = ["Draws", "Peak", "find_peak", "sample", "split_r_hat"]

Density = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

_CHAINS, _WARM_UP, _KEPT = 16, (60, 80, 40), 250
_TARGET = 0.8  # share of moves accepted


@dataclass(frozen=True, kw_only=True, eq=False)
class Peak:
    """The most likely parameters, the covariance of the bell around them, and the log evidence."""

    at: np.ndarray
    covariance: np.ndarray
    log_evidence: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """Draws, chains x draws x parameters, and what tells whether to believe them."""

    values: np.ndarray
    accepted_share: float
    r_hat: np.ndarray
    effective_draws: np.ndarray

    @property
    def flat(self) -> np.ndarray:
        """All chains' draws, one below another."""
        return self.values.reshape(-1, self.values.shape[-1])


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
    best = min(found, key=lambda one: float(one.fun))
    at, size = best.x, len(best.x)
    step = 1e-4
    around = np.vstack([at + step * np.eye(size), at - step * np.eye(size)])
    slopes = density(around)[1]
    bend = -(slopes[:size] - slopes[size:]) / (2 * step)
    values, vectors = np.linalg.eigh((bend + bend.T) / 2)
    values = np.clip(values, 0.05, 1e8)  # flat directions are taken to be as wide as the prior
    evidence = -float(best.fun) + 0.5 * (size * np.log(2 * np.pi) - np.log(values).sum())
    return Peak(at=at, covariance=(vectors / values) @ vectors.T, log_evidence=evidence)


def sample(density: Density, peak: Peak, *, seed: int) -> Draws:
    """Return draws from the density, begun around its peak.

    Parameters
    ----------
    density
        Log density and slope of rows of parameters.
    peak
        Where to begin, and in which shape.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng([seed, 4])
    factor = np.linalg.cholesky(peak.covariance)
    at = peak.at + 0.7 * rng.standard_normal((_CHAINS, len(peak.at))) @ factor.T
    state = _State(density, at, factor, step=0.5)
    for length in _WARM_UP:
        state.restart()
        seen = [state.move(rng, adapt=True) for _ in range(length)]
        late = np.concatenate(seen[length // 3 :])
        if length > _WARM_UP[-1]:
            spread = np.cov(late.T) + 1e-6 * np.eye(len(peak.at))
            state.factor = np.linalg.cholesky(np.atleast_2d(spread))
    state.settle()
    values = np.stack([state.move(rng, adapt=False) for _ in range(_KEPT)], axis=1)
    return Draws(
        values=values,
        accepted_share=float(np.mean(state.accepted[-_KEPT:])),
        r_hat=split_r_hat(values),
        effective_draws=_effective(values),
    )


class _State:
    """Where the chains are, and the size of their steps (dual averaging: Nesterov 2009)."""

    def __init__(self, density: Density, at: np.ndarray, factor: np.ndarray, step: float) -> None:
        self.density, self.at, self.factor = density, at, factor
        self.value, self.slope = density(at)
        self.accepted: list[float] = []
        self.step = step
        self.restart()

    def restart(self) -> None:
        """Begin to look for a step anew."""
        self.gap, self.tries, self.mean_log, self.centre = 0.0, 0, 0.0, np.log(2 * self.step)

    def settle(self) -> None:
        """Keep the step found."""
        self.step = float(np.exp(self.mean_log))

    def move(self, rng: np.random.Generator, *, adapt: bool) -> np.ndarray:
        """Make one move of all chains, and return where they are."""
        kick = rng.standard_normal(self.at.shape)
        length = int(rng.integers(3, 9))
        at, value, slope, push = self.at, self.value, self.slope, kick
        step = self.step * rng.uniform(0.85, 1.15)
        push = push + 0.5 * step * slope @ self.factor
        for left in range(length, 0, -1):
            at = at + step * push @ self.factor.T
            value, slope = self.density(at)
            push = push + (1.0 if left > 1 else 0.5) * step * slope @ self.factor
        energy = value - self.value - 0.5 * ((push**2).sum(axis=1) - (kick**2).sum(axis=1))
        chance = np.exp(np.minimum(np.nan_to_num(energy, nan=-np.inf), 0.0))
        taken = rng.random(len(chance)) < chance
        self.at = np.where(taken[:, None], at, self.at)
        self.value = np.where(taken, value, self.value)
        self.slope = np.where(taken[:, None], slope, self.slope)
        self.accepted.append(float(chance.mean()))
        if adapt:
            self._adapt(float(chance.mean()))
        return self.at

    def _adapt(self, accepted: float) -> None:
        self.tries += 1
        weight = 1 / (self.tries + 10)
        self.gap += weight * (_TARGET - accepted - self.gap)
        log_step = self.centre - np.sqrt(self.tries) / 0.05 * self.gap
        fade = self.tries**-0.75
        self.mean_log += fade * (log_step - self.mean_log)
        self.step = float(np.exp(np.clip(log_step, -8.0, 0.7)))


def split_r_hat(values: np.ndarray) -> np.ndarray:
    """Return the potential scale reduction of each parameter, chains cut in halves.

    Parameters
    ----------
    values
        Chains x draws x parameters.
    """
    half = values.shape[1] // 2
    parts = np.concatenate([values[:, :half], values[:, half : 2 * half]])
    within = parts.var(axis=1, ddof=1).mean(axis=0)
    between = parts.mean(axis=1).var(axis=0, ddof=1)
    return np.sqrt((half - 1) / half + between / np.maximum(within, 1e-300))


def _effective(values: np.ndarray) -> np.ndarray:
    """Return how many independent draws the chains are worth (Geyer's initial sequence)."""
    chains, length, _ = values.shape
    centred = values - values.mean(axis=(0, 1))
    padded = np.fft.rfft(centred, n=2 * length, axis=1)
    products = np.fft.irfft(np.abs(padded) ** 2, axis=1)[:, :length].mean(axis=0)
    share = products / np.maximum(products[0], 1e-300)
    pairs = share[: length // 2 * 2].reshape(length // 2, 2, -1).sum(axis=1)
    positive = np.cumprod(pairs > 0, axis=0)
    pairs = np.minimum.accumulate(np.where(positive, pairs, 0.0), axis=0)
    time = np.maximum(2 * pairs.sum(axis=0) - 1, 1 / (chains * length))
    return np.asarray(np.minimum(chains * length / time, chains * length))
