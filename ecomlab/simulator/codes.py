"""Identifiers that say nothing: numbers scrambled one to one, written in hexadecimal.

An identifier is the number of a person or of an occasion, through a Feistel network keyed
by the seed: distinct numbers give distinct codes, and only who knows the seed can go back.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab.simulator.kernels.tables import scramble_numbers, write_hex
from ecomlab.simulator.noise import Array, Noise

__all__ = ["OCCASION", "PERSON", "Codes", "occasions", "write_codes"]

PERSON, OCCASION = 32, 48  # bits of a person's and of an occasion's code
_DAYS = 4096
_ROUNDS = 4


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
        given = np.asarray(numbers)
        mixed = scramble_numbers(given.ravel(), bits // 2, self._keys)
        return np.asarray(mixed).reshape(given.shape)

    def write(self, prefix: str, numbers: Array, *, bits: int) -> pa.Array:
        """Return identifiers such as ``C1f0b3a9c``; a negative number is a gap."""
        numbers = np.asarray(numbers, dtype=np.int64)
        mixed = self.scramble(numbers, bits=bits)  # of a negative number: that of 0
        return write_codes(prefix, mixed, bits=bits, gap=numbers < 0)


def write_codes(prefix: str, codes: Array, *, bits: int, gap: Array | None = None) -> pa.Array:
    """Return codes as text: the prefix, and two hexadecimal digits a byte."""
    gap = np.zeros(len(codes), dtype=bool) if gap is None else gap
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    text, ends = write_hex(codes, gap, head, bits // 8)
    valid = pa.py_buffer(np.packbits(~gap, bitorder="little")) if gap.any() else None
    buffers = [valid, pa.py_buffer(ends), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string(), len(codes), buffers)
