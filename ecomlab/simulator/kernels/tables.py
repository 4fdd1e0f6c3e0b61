"""Compiled loops of the tables: identifiers, and what is seen of a visit."""

from __future__ import annotations

import numpy as np
from numba import njit

from ecomlab.simulator.kernels.draws import high_of, low_of, word_of

__all__ = ["draw_looks", "scramble_numbers", "write_hex"]

_MIX = np.uint64(0xBF58476D1CE4E5B9)
_NINETEEN, _FOUR = np.uint64(29), np.uint64(4)
_HALF_WORD = np.uint64(32)
_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


@njit(cache=True)
def scramble_numbers(numbers, half, keys):
    """Return a permutation of the numbers of ``2 half`` bits, by a Feistel network."""
    out = np.empty(len(numbers), dtype=np.uint64)
    shift, mask = np.uint64(half), (np.uint64(1) << np.uint64(half)) - np.uint64(1)
    for i in range(len(numbers)):
        given = np.uint64(max(numbers[i], 0))
        left, right = given >> shift, given & mask
        for key in keys:
            mixed = (right + (key & mask)) * key
            mixed ^= mixed >> _NINETEEN
            mixed *= _MIX
            left, right = right, left ^ ((mixed >> _HALF_WORD) & mask)
        out[i] = (left << shift) | right
    return out


@njit(cache=True)
def write_hex(codes, gap, prefix, width):
    """Return the text of codes, a prefix and ``2 width`` digits each, and where each ends."""
    size = len(prefix) + 2 * width
    text = np.empty((len(codes) - gap.sum()) * size, dtype=np.uint8)
    ends = np.zeros(len(codes) + 1, dtype=np.int32)
    at = 0
    for i in range(len(codes)):
        if not gap[i]:
            for k in range(len(prefix)):
                text[at + k] = prefix[k]
            code = codes[i]
            for k in range(size - 1, len(prefix) - 1, -1):
                text[at + k] = _DIGITS[code & np.uint64(15)]
                code >>= _FOUR
            at += size
        ends[i + 1] = at
    return text, ends


@njit(cache=True)
def draw_looks(occasion, stays, in_cart, route, steps, edges, keys):
    """Return product views and landing of visits, and the luck that other columns share.

    Who does not stay looks at nothing. ``steps`` are the distribution functions of further
    views, without and with a cart (2 x counts), ``edges`` those of landings by route; ``keys``
    are those of three streams. The luck has three rows: of loading, of hesitating at the cart,
    and of signing in.
    """
    views = np.zeros(len(occasion), dtype=np.int64)
    landing = np.zeros(len(occasion), dtype=np.int64)
    luck = np.empty((3, len(occasion)))
    for i in range(len(occasion)):
        first = word_of(occasion[i], keys[0], keys[1])
        second = word_of(occasion[i], keys[2], keys[3])
        third = word_of(occasion[i], keys[4], keys[5])
        if stays[i]:
            row, pages = 1 if in_cart[i] else 0, 0
            while pages < steps.shape[1] - 1 and high_of(third) > steps[row, pages]:
                pages += 1
            views[i] = 1 + pages
        place = 0
        while place < edges.shape[1] - 1 and low_of(third) > edges[route[i], place]:
            place += 1
        landing[i] = place
        luck[0, i], luck[1, i], luck[2, i] = high_of(second), low_of(first), low_of(second)
    return views, landing, luck
