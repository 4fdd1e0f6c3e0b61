"""Identifiers that say nothing: numbers scrambled one to one, written in hexadecimal.

An identifier is the number of a person or of an occasion, through a Feistel network keyed
by the seed: distinct numbers give distinct codes, and only who knows the seed can go back.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab.simulator.noise import Array, Noise

__all__ = ["OCCASION", "PERSON", "Codes", "occasions", "write_codes"]

PERSON, OCCASION = 32, 48  # bits of a person's and of an occasion's code
_DAYS = 4096
_ROUNDS = 4
_HEX = np.frombuffer("".join(f"{i:02x}" for i in range(256)).encode(), dtype="u2")


def occasions(people: Array, day: Array | int) -> Array:
    """Return the number of each person's occasion on a day.

    Examples
    --------
    >>> occasions(np.array([2]), 5).tolist()
    [8197]
    """
    return np.asarray(people, dtype=np.int64) * _DAYS + day


class Codes:
    """Identifiers of one store's people and occasions.

    Examples
    --------
    >>> codes = Codes(Noise(7))
    >>> codes.write("C", np.array([1, -1]), bits=PERSON).to_pylist()[1] is None
    True
    """

    def __init__(self, noise: Noise) -> None:
        self._keys = noise.words("codes", np.arange(_ROUNDS)) | np.uint64(1)

    def scramble(self, numbers: Array, *, bits: int) -> Array:
        """Return a permutation of the numbers below ``2**bits``, applied to each."""
        half = np.uint64(bits // 2)
        mask = np.uint64((1 << (bits // 2)) - 1)
        given = np.asarray(numbers).astype(np.uint64)
        left, right = given >> half, given & mask
        for key in self._keys:
            mixed = (right + (key & mask)) * key
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
            left, right = right, left ^ ((mixed >> np.uint64(32)) & mask)
        return (left << half) | right

    def write(self, prefix: str, numbers: Array, *, bits: int) -> pa.Array:
        """Return identifiers such as ``C1f0b3a9c``; a negative number is a gap."""
        numbers = np.asarray(numbers, dtype=np.int64)
        return write_codes(prefix, self.scramble(np.maximum(numbers, 0), bits=bits),
                           bits=bits, gap=numbers < 0)  # fmt: skip


def write_codes(prefix: str, codes: Array, *, bits: int, gap: Array | None = None) -> pa.Array:
    """Return codes as text: the prefix, and two hexadecimal digits a byte."""
    width = bits // 8
    if gap is not None and gap.any():
        held = codes[~gap]
        ends = np.concatenate([[0], np.cumsum(~gap)]).astype(np.int32) * (2 * width + len(prefix))
        valid = pa.py_buffer(np.packbits(~gap, bitorder="little"))
    else:
        held, valid = codes, None
        ends = np.arange(len(codes) + 1, dtype=np.int32) * (2 * width + len(prefix))
    text = np.empty((len(held), len(prefix) + 2 * width), dtype=np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    raw = held.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - width :]
    text[:, len(prefix) :] = _HEX[raw].view(np.uint8).reshape(len(held), 2 * width)
    buffers = [valid, pa.py_buffer(ends), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string(), len(codes), buffers)
