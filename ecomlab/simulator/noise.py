"""Keyed randomness: a draw belongs to (seed, stream, part, day, entity), not to a call order.

Two rounds of the splitmix64 finaliser turn an entity's number and a stream's key into a
uniform (Steele, Lea and Flood 2014); every other distribution is a quantile function of
one uniform, so that a larger parameter moves a draw and never replaces it. Adding a
stream moves no other (`simulator.md`, section 5).
"""

from __future__ import annotations

import functools
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from ecomlab.simulator.kernels.draws import hash_uniforms, hash_words, poisson_quantiles

__all__ = ["Array", "Noise", "beta", "gamma", "low_half", "normal", "pick", "poisson", "to_uniform"]

Array = npt.NDArray[Any]

_ALL = 0xFFFFFFFFFFFFFFFF


class Noise:
    """Uniforms that a seed gives to entities, the same wherever and whenever they are asked for.

    Parameters
    ----------
    seed
        Any whole number; two seeds give unrelated draws.

    Examples
    --------
    >>> noise = Noise(7)
    >>> together = noise.uniform("visit", np.arange(5), day=3)
    >>> bool(together[4] == noise.uniform("visit", np.array([4]), day=3)[0])
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)
        self._begun: dict[tuple[str, str], Any] = {}  # hashes of names, up to the day

    def uniform(
        self, stream: str, ids: Array, *, day: int | None = None, part: str = ""
    ) -> npt.NDArray[np.float64]:
        """Return one uniform in (0, 1) for each entity.

        Parameters
        ----------
        stream
            Name of what is decided, such as ``visit``.
        ids
            Whole numbers of the entities, of any shape.
        day
            Day of the period, where the draw is renewed daily.
        part
            A second name within the stream, such as the channel.
        """
        given, keys = np.asarray(ids), self.keys(stream, day=day, part=part)
        drawn: npt.NDArray[np.float64] = hash_uniforms(given.ravel(), *keys)
        return drawn if given.ndim == 1 else drawn.reshape(given.shape)

    def words(
        self, stream: str, ids: Array, *, day: int | None = None, part: str = ""
    ) -> npt.NDArray[np.uint64]:
        """Return 64 random bits for each entity (see :meth:`uniform`), for several small draws."""
        given, keys = np.asarray(ids), self.keys(stream, day=day, part=part)
        drawn: npt.NDArray[np.uint64] = hash_words(given.ravel(), *keys)
        return drawn if given.ndim == 1 else drawn.reshape(given.shape)

    def keys(
        self, stream: str, *, day: int | None = None, part: str = ""
    ) -> tuple[np.uint64, np.uint64]:
        """Return the two keys of a stream's hash, for kernels that draw as they go."""
        begun = self._begun.get((stream, part))
        if begun is None:
            begun = blake2b(f"{self.seed}|{stream}|{part}|".encode(), digest_size=8)
            self._begun[stream, part] = begun
        whole = begun.copy()
        whole.update(b"-|1" if day is None else b"%d|1" % day)
        key = int.from_bytes(whole.digest(), "little")
        return np.uint64(key), np.uint64(((key << 32) | (key >> 32)) & _ALL)

    def normal(
        self, stream: str, ids: Array, *, day: int | None = None, part: str = ""
    ) -> npt.NDArray[np.float64]:
        """Return one standard normal for each entity (see :meth:`uniform`)."""
        return normal(self.uniform(stream, ids, day=day, part=part))


def to_uniform(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Return uniforms in (0, 1) from the upper bits of random words.

    Examples
    --------
    >>> to_uniform(np.array([0, 2**63], dtype=np.uint64)).round(6).tolist()
    [0.0, 0.5]
    """
    # 52 bits and a half step: with 53 the largest value would round to 1.
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def low_half(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Return second uniforms from the lower bits of words, all but independent of the first."""
    return ((words & np.uint64(0xFFFFFFFF)).astype(np.float64) + 0.5) * 2.0**-32


def normal(u: Array) -> npt.NDArray[np.float64]:
    """Return the standard normal quantiles of uniforms."""
    return np.asarray(special.ndtri(u), dtype=np.float64)


def gamma(u: Array, shape: float) -> npt.NDArray[np.float64]:
    """Return quantiles of the gamma distribution with the given shape and mean 1.

    By a table of log quantiles over log odds, right to five digits (see the tests).

    Examples
    --------
    >>> gamma(np.array([0.5]), 1.0).round(4).tolist()
    [0.6931]
    """
    return np.exp(np.interp(_log_odds(u), _KNOTS, _gamma_table(float(shape))))


def beta(u: Array, a: float, b: float) -> npt.NDArray[np.float64]:
    """Return quantiles of the beta distribution, by a table as in :func:`gamma`."""
    return np.asarray(special.expit(np.interp(_log_odds(u), _KNOTS, _beta_table(a, b))))


_KNOTS = np.linspace(-37.0, 37.0, 1 << 14)  # log odds of every uniform there can be


def _log_odds(u: Array) -> npt.NDArray[np.float64]:
    return np.log(u) - np.log1p(-np.asarray(u))


@functools.lru_cache(maxsize=64)
def _gamma_table(shape: float) -> npt.NDArray[np.float64]:
    low, high = special.expit(_KNOTS), special.expit(-_KNOTS)
    below = special.gammaincinv(shape, low)
    quantile = np.where(_KNOTS < 0, below, special.gammainccinv(shape, high)) / shape
    return np.log(np.maximum(quantile, 1e-300))


@functools.lru_cache(maxsize=64)
def _beta_table(a: float, b: float) -> npt.NDArray[np.float64]:
    low, high = special.expit(_KNOTS), special.expit(-_KNOTS)
    below, above = special.betaincinv(a, b, low), special.betaincinv(b, a, high)
    tiny = 1e-300
    up = np.log(np.maximum(below, tiny)) - np.log1p(-np.minimum(below, 1 - 2.0**-53))
    down = np.log1p(-np.minimum(above, 1 - 2.0**-53)) - np.log(np.maximum(above, tiny))
    return np.where(_KNOTS < 0, up, down)


def poisson(u: Array, mean: Array | float) -> npt.NDArray[np.int64]:
    """Return Poisson quantiles, by adding up the distribution's terms.

    Examples
    --------
    >>> poisson(np.array([0.3, 0.9, 0.999]), 1.0).tolist()
    [0, 2, 5]
    """
    u, mean = np.asarray(u, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    if mean.ndim:
        u, mean = np.broadcast_arrays(u, mean)
    return np.asarray(poisson_quantiles(u.ravel(), mean.ravel())).reshape(u.shape)


def pick(u: Array, shares: Array) -> npt.NDArray[np.int64]:
    """Return the position that each uniform falls on among shares that add up to 1.

    Only for attributes with a fixed order; choices among products use Gumbel noise.

    Examples
    --------
    >>> pick(np.array([0.1, 0.5, 0.99]), np.array([0.3, 0.3, 0.4])).tolist()
    [0, 1, 2]
    """
    edges = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.minimum(np.searchsorted(edges / edges[-1], u), len(edges) - 1)
