"""A column of an export as text: each distinct text is read once, whatever the rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Texts", "tidy"]

# Zero-width signs and the byte order mark; invisible, and never part of an id.
INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")


def tidy(text: str) -> str:
    r"""Return a text without invisible signs and outer spaces (no-break ones included).

    Examples
    --------
    >>> tidy("\ufeff 007\u00a0")
    '007'
    """
    return INVISIBLE.sub("", text).strip()


@dataclass(frozen=True, eq=False)
class Texts:
    """A column held as its distinct texts and, for each row, the number of its text."""

    distinct: tuple[str, ...]
    codes: np.ndarray

    @classmethod
    def from_arrow(cls, column: pa.ChunkedArray | pa.Array) -> Texts:
        """Return a string column, tidied."""
        encoded = pc.dictionary_encode(column)
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.unify_dictionaries().combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string())
        raw = encoded.dictionary.to_pylist()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(tuple(raw), codes).rewrite(tidy)

    @classmethod
    def constant(cls, text: str, rows: int) -> Texts:
        """Return a column that says the same in every row."""
        return cls((text,), np.zeros(rows, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.codes)

    def rewrite(self, change: Callable[[str], str]) -> Texts:
        """Return the column with every text changed; texts that meet become one."""
        return self._merge([change(text) for text in self.distinct])

    def _merge(self, texts: Sequence[str]) -> Texts:
        known: dict[str, int] = {}
        place = np.array([known.setdefault(text, len(known)) for text in texts], dtype=np.int64)
        if not len(place):
            return Texts((), self.codes)
        return Texts(tuple(known), place[self.codes])

    def sorted(self) -> Texts:
        """Return the column with its distinct texts in sorted order: codes then sort as texts."""
        order = sorted(range(len(self.distinct)), key=self.distinct.__getitem__)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return Texts(tuple(self.distinct[old] for old in order), self.take(place))

    def map(self, read: Callable[[str], Any], dtype: str) -> np.ndarray:
        """Return what a function makes of each row's text."""
        return self.take(np.array([read(text) for text in self.distinct], dtype=dtype))

    def take(self, values: np.ndarray) -> np.ndarray:
        """Spread one value a distinct text over the rows."""
        return values[self.codes] if len(values) else np.empty(0, dtype=values.dtype)

    @property
    def empty(self) -> np.ndarray:
        """For each row, whether there is no text."""
        return self.map(lambda text: text == "", "bool")

    def where(self, keep: np.ndarray, other: Texts) -> Texts:
        """Return this column's text where ``keep`` holds, the other's elsewhere."""
        texts = (*self.distinct, *other.distinct)
        codes = np.where(keep, self.codes, other.codes + len(self.distinct))
        return Texts(texts, codes)._merge(texts)

    def join(self, other: Texts) -> Texts:
        """Return both columns' texts put together with a space."""
        pairs = self.codes * max(len(other.distinct), 1) + other.codes
        unique, codes = np.unique(pairs, return_inverse=True)
        left, right = np.divmod(unique, max(len(other.distinct), 1))
        texts = [f"{self.distinct[a]} {other.distinct[b]}".strip()
                 for a, b in zip(left, right, strict=True)]  # fmt: skip
        return Texts(tuple(texts), codes)._merge(texts)

    def fill_down(self) -> Texts:
        """Return the column with each gap filled from the row above."""
        rows = np.where(self.empty, -1, np.arange(len(self)))
        last = np.maximum.accumulate(rows) if len(rows) else rows
        return Texts(self.distinct, self.codes[np.maximum(last, 0)])

    def to_series(self) -> pd.Series:
        """Return the column as pandas text."""
        return pd.Series(pd.Categorical.from_codes(self.codes, list(self.distinct)))

    @staticmethod
    def normalise(text: str) -> str:
        """Return the text in compatibility form: full-width digits become plain ones."""
        return unicodedata.normalize("NFKC", text)
