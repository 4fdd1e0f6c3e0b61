"""Where to look for likely parameters: a mixture of t laws, fitted to weighted points.

In: weighted points. Answer: a law to draw points from, near where the weight lies, with some
points everywhere that the prior allows, so that nothing likely is overlooked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import gammaln

__all__ = ["Proposal", "build_proposal", "fit_proposal"]

_FREEDOM = 8.0  # of the t laws: their tails are wider than the prior's
_GUARD = 0.15  # share of points that do not follow the weights
_ITERATIONS = 6
_FLOOR = 0.02  # of the covariance of all points, added to each part's
_FURTHEST = 1.2  # where the outer parts begin [standard deviations along the longest axis]


@dataclass(frozen=True, kw_only=True, eq=False)
class Proposal:
    """A mixture of t laws: shares, means and triangular factors of their scale."""

    shares: np.ndarray
    means: np.ndarray
    factors: np.ndarray

    def draw(self, points: int, rng: np.random.Generator) -> np.ndarray:
        """Return points, each part its share of them.

        Parameters
        ----------
        points
            How many.
        rng
            Where luck comes from.
        """
        size = self.means.shape[1]
        edges = np.round(np.append(0.0, np.cumsum(self.shares)) * points).astype(int)
        wide = np.sqrt(rng.chisquare(_FREEDOM, points) / _FREEDOM)
        bells = rng.standard_normal((points, size)) / wide[:, None]
        parts = zip(self.means, self.factors, edges[:-1], edges[1:], strict=True)
        return np.vstack([mean + bells[i:j] @ factor.T for mean, factor, i, j in parts])

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density at points.

        Parameters
        ----------
        points
            One a row.
        """
        laws = [np.log(share) + _log_t(points, mean, factor) for share, mean, factor
                in zip(self.shares, self.means, self.factors, strict=True)]  # fmt: skip
        return np.asarray(np.logaddexp.reduce(laws, axis=0))


def build_proposal(mean: np.ndarray, covariance: np.ndarray, groups: int) -> Proposal:
    """Return a t law around a point, guarded.

    Parameters
    ----------
    mean, covariance
        The point, and how wide to look around it.
    groups
        In how many groups the parameters fall: every ``groups``-th belongs to one.
    """
    return _guard([(1.0, mean, np.linalg.cholesky(covariance))], mean, covariance, groups)


def fit_proposal(points: np.ndarray, weight: np.ndarray, groups: int, *, parts: int) -> Proposal:
    """Return the mixture that fits weighted points, guarded.

    Parameters
    ----------
    points, weight
        Points and their weights, which add up to 1.
    groups
        In how many groups the parameters fall.
    parts
        Laws of the mixture.
    """
    even = np.minimum(weight, 0.3 / np.sqrt(len(weight)))  # no point draws all others to it
    even = even / even.sum()
    mean, covariance = _moments(points, even)
    spread, axes = np.linalg.eigh(covariance)
    longest = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    along = (points - mean) @ longest / np.sqrt(spread[-1])
    centres = np.linspace(-_FURTHEST, _FURTHEST, parts) if parts > 1 else np.zeros(1)
    logs = -0.5 * ((along[:, None] - centres) * parts / (2 * _FURTHEST)) ** 2
    for _ in range(_ITERATIONS if parts > 1 else 1):
        belongs = np.exp(logs - logs.max(axis=1, keepdims=True))
        belongs *= (even / belongs.sum(axis=1))[:, None]
        laws = []
        for mine in belongs.T:
            centre, around = _moments(points, mine / mine.sum())
            factor = np.linalg.cholesky(around + _FLOOR * covariance)
            laws.append((float(mine.sum()), centre, factor))
        logs = np.stack([np.log(a) + _log_bell(points, b, c) for a, b, c in laws], axis=1)
    return _guard(laws, mean, covariance, groups)


def _moments(points: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = weight @ points
    left = points - mean
    return mean, (left * weight[:, None]).T @ left


def _guard(
    laws: list[tuple[float, np.ndarray, np.ndarray]],
    mean: np.ndarray,
    covariance: np.ndarray,
    groups: int,
) -> Proposal:
    """Add the prior, and for each group a law in which the data say nothing of it."""
    size = len(mean)
    guards = [(np.zeros(size), np.eye(size))]
    for group in range(groups):
        mine = np.arange(group, size, groups)
        centre, around = mean.copy(), covariance.copy()
        centre[mine], around[mine], around[:, mine] = 0.0, 0.0, 0.0
        around[mine, mine] = 1.0
        guards.append((centre, np.linalg.cholesky(around)))
    total = sum(share for share, _, _ in laws)
    shares = [(1 - _GUARD) * share / total for share, _, _ in laws]
    shares += [_GUARD / len(guards)] * len(guards)
    return Proposal(
        shares=np.array(shares),
        means=np.array([at for _, at, _ in laws] + [at for at, _ in guards]),
        factors=np.array([wide for _, _, wide in laws] + [wide for _, wide in guards]),
    )


def _squares(points: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    left = solve_triangular(factor, (points - mean).T, lower=True, check_finite=False)
    return np.asarray((left**2).sum(axis=0))


def _log_bell(points: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return the log density of a bell, less a constant that all have."""
    return -0.5 * _squares(points, mean, factor) - np.log(np.diag(factor)).sum()


def _log_t(points: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    size, free = len(mean), _FREEDOM
    level = gammaln((free + size) / 2) - gammaln(free / 2) - 0.5 * size * np.log(free * np.pi)
    squares = _squares(points, mean, factor)
    wide = np.log(np.diag(factor)).sum()
    return np.asarray(level - wide - 0.5 * (free + size) * np.log1p(squares / free))
