"""Compiled loops of the tables: identifiers, and what is seen of a visit."""

from __future__ import annotations

import numpy as np
from numba import njit

from ecomlab.simulator.kernels.draws import hash_words, high_of, low_of

__all__ = ["add_up_need", "draw_looks", "scramble_numbers", "write_hex"]

_MIX = np.uint64(0xBF58476D1CE4E5B9)
_NINETEEN, _EIGHT, _BYTE = np.uint64(29), np.uint64(8), np.uint64(255)
_HALF_WORD = np.uint64(32)
_PAIRS = np.frombuffer("".join(f"{i:02x}" for i in range(256)).encode(), dtype=np.uint8)


@njit(cache=True)
def scramble_numbers(numbers, half, keys):
    """Return a permutation of the numbers of ``2 half`` bits, by a Feistel network."""
    out = np.empty(len(numbers), dtype=np.uint64)
    shift, mask = np.uint64(half), (np.uint64(1) << np.uint64(half)) - np.uint64(1)
    for i in range(len(numbers)):
        out[i] = np.uint64(max(numbers[i], 0))
    for key in keys:  # a round for all, then the next: many are worked on at once
        small = key & mask
        for i in range(len(numbers)):
            right = out[i] & mask
            mixed = (right + small) * key
            mixed ^= mixed >> _NINETEEN
            mixed *= _MIX
            out[i] = (right << shift) | ((out[i] >> shift) ^ ((mixed >> _HALF_WORD) & mask))
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
            for k in range(size - 2, len(prefix) - 1, -2):
                pair = 2 * np.int64(code & _BYTE)
                text[at + k], text[at + k + 1] = _PAIRS[pair], _PAIRS[pair + 1]
                code >>= _EIGHT
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
    first = hash_words(occasion, keys[0], keys[1])
    second = hash_words(occasion, keys[2], keys[3])
    third = hash_words(occasion, keys[4], keys[5])
    for i in range(len(occasion)):
        if stays[i]:
            row, draw = np.int64(in_cart[i]), high_of(third[i])
            pages = 0
            for page in range(steps.shape[1] - 1):
                pages += draw > steps[row, page]
            views[i] = 1 + pages
        draw, of = low_of(third[i]), route[i]
        place = 0
        for edge in range(edges.shape[1] - 1):
            place += draw > edges[of, edge]
        landing[i] = place
    for i in range(len(occasion)):
        luck[0, i], luck[1, i] = high_of(second[i]), low_of(first[i])
        luck[2, i] = low_of(second[i])
    return views, landing, luck


@njit(cache=True)
def add_up_need(rate, taste, region, mood, years):
    """Return orders by category: each person's rate, shared out by own taste and the mood.

    ``rate`` is in orders a year and ``years`` how many each region has of them.
    """
    kinds = taste.shape[1]
    out = np.zeros(kinds)
    weight, sums = np.empty(kinds, dtype=np.float32), np.empty(kinds, dtype=np.float32)
    for who in range(len(rate)):
        for kind in range(kinds):
            weight[kind] = sums[kind] = taste[who, kind] * mood[kind]
        left = kinds
        while left > 1:  # added in pairs, which keeps the error of single precision small
            for pair in range(left // 2):
                sums[pair] = sums[2 * pair] + sums[2 * pair + 1]
            if left % 2:
                sums[left // 2] = sums[left - 1]
            left = (left + 1) // 2
        orders = np.float64(rate[who]) * years[region[who]]
        for kind in range(kinds):
            out[kind] += np.float64(weight[kind] / sums[0]) * orders
    return out
