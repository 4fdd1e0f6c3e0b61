"""Compiled draws: keyed hashes (splitmix64, see ``noise``) and Poisson quantiles.

The functions that end in ``_of`` serve other kernels, one entity at a time.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = [
    "between_knots", "gather_rows", "hash_uniforms", "hash_words", "high_of", "low_of",
    "poisson_quantiles", "word_of",
]  # fmt: skip

_PHI = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_TWELVE, _LOW = np.uint64(12), np.uint64(0xFFFFFFFF)
_STEP, _HALF_STEP = 2.0**-52, 2.0**-32


@njit(cache=True, inline="always")
def word_of(number, first, turned):
    """Return the 64 random bits of one entity, given a stream's two keys."""
    z = (np.uint64(number) * _PHI) ^ first
    z = (z ^ (z >> _SHIFT_1)) * _MIX_1
    z = (z ^ (z >> _SHIFT_2)) * _MIX_2
    z = (z ^ (z >> _SHIFT_3)) ^ turned
    z = (z ^ (z >> _SHIFT_1)) * _MIX_1
    z = (z ^ (z >> _SHIFT_2)) * _MIX_2
    return z ^ (z >> _SHIFT_3)


@njit(cache=True, inline="always")
def high_of(word):
    """Return a uniform in (0, 1) from the upper bits of a word."""
    # 52 bits and a half step: with 53 the largest value would round to 1.
    return (np.float64(np.int64(word >> _TWELVE)) + 0.5) * _STEP


@njit(cache=True, inline="always")
def low_of(word):
    """Return a second uniform from the lower bits of a word."""
    return (np.float64(np.int64(word & _LOW)) + 0.5) * _HALF_STEP


@njit(cache=True)
def hash_words(numbers, first, turned):
    """Return the random bits of each entity: in a loop of nothing else, many at a time."""
    out = np.empty(len(numbers), dtype=np.uint64)
    for i in range(len(numbers)):
        out[i] = word_of(numbers[i], first, turned)
    return out


@njit(cache=True)
def hash_uniforms(numbers, first, turned):
    """Return a uniform in (0, 1) for each entity."""
    out = np.empty(len(numbers), dtype=np.float64)
    for i in range(len(numbers)):
        out[i] = high_of(word_of(numbers[i], first, turned))
    return out


@njit(cache=True)
def gather_rows(table, rows):
    """Return some rows of a table: fetched together, they wait for memory together."""
    out = np.empty((len(rows), table.shape[1]), dtype=table.dtype)
    for j in range(len(rows)):
        for i in range(table.shape[1]):
            out[j, i] = table[rows[j], i]
    return out


@njit(cache=True)
def poisson_quantiles(u, mean):
    """Return the Poisson quantile of each uniform, by adding up the terms.

    Each has its own mean, or all have the same one.
    """
    out = np.zeros(len(u), dtype=np.int64)
    usual = mean[0] if len(mean) else 0.0
    none = math.exp(-usual)
    for i in range(len(u)):
        own = mean[i] if len(mean) > 1 else usual
        term = none if own == usual else math.exp(-own)
        below, k, most = term, 0, int(2 * own + 40)
        while u[i] > below and k < most:
            k += 1
            term *= own / k
            below += term
        out[i] = k
    return out


@njit(cache=True)
def between_knots(x, knots, values):
    """Return what ``numpy.interp`` does, for a few knots and x between the first and the last."""
    out = np.empty(len(x))
    rise = np.diff(values) / np.diff(knots)
    for i in range(len(x)):
        at = 0
        for knot in range(1, len(knots) - 1):  # counted, which takes no guess
            at += x[i] >= knots[knot]
        out[i] = rise[at] * (x[i] - knots[at]) + values[at]
    return out
