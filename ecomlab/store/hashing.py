"""The hash of a table's content: what a manifest vouches for, whatever wrote the table."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["ContentHash", "canonical_hash"]

_BLOCK = 1 << 20  # rows


def canonical_hash(table: pa.Table) -> str:
    """Return the SHA-256 of a table's content, whatever wrote it and however it is chunked.

    Columns are taken by name: name, type, which rows are empty, and the values (texts as UTF-8
    with their lengths, all else as little-endian numbers). Rows count in the order they stand.

    Examples
    --------
    >>> one = pa.table({"b": [1], "a": ["x"]})
    >>> canonical_hash(one) == canonical_hash(one.select(["a", "b"]))
    True
    >>> canonical_hash(one) == canonical_hash(pa.table({"b": [1], "a": ["y"]}))
    False
    """
    whole = ContentHash()
    whole.add(table)
    return whole.digest()


def _begin_gaps(rows: int) -> Any:
    """Return the hash of rows of which none is empty, as in most columns."""
    found = hashlib.sha256()
    for start in range(0, rows, _BLOCK):
        found.update(bytes(min(_BLOCK, rows - start)))
    return found


@functools.lru_cache(maxsize=8)
def _no_gaps(rows: int) -> bytes:
    return bytes(_begin_gaps(rows).digest())


class _Column:
    """The hashes of a column so far: of which rows are empty, and of the values."""

    def __init__(self, kind: str) -> None:
        self.kind, self.rows = kind, 0
        self._gaps: Any = None  # begun at the first empty row
        self.values = [hashlib.sha256(), hashlib.sha256()]

    def tell(self, gaps: np.ndarray | None, count: int) -> None:
        """Add rows, some of them empty."""
        if self._gaps is None and gaps is not None:
            self._gaps = _begin_gaps(self.rows)
        if self._gaps is not None:
            self._gaps.update(bytes(count) if gaps is None else gaps)
        self.rows += count

    def digests(self) -> tuple[bytes, ...]:
        """Return the digest of which rows are empty, and those of the values."""
        gaps = _no_gaps(self.rows) if self._gaps is None else self._gaps.digest()
        return (gaps, *(part.digest() for part in self.values))


class ContentHash:
    """The :func:`canonical_hash` of a table that comes in pieces.

    Examples
    --------
    >>> table, pieces = pa.table({"a": ["x", None, "y"]}), ContentHash()
    >>> for start in (0, 1):
    ...     pieces.add(table.slice(start, 1 + start))
    >>> pieces.digest() == canonical_hash(table)
    True
    """

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}

    @property
    def rows(self) -> int:
        """Rows so far."""
        return max((column.rows for column in self._columns.values()), default=0)

    def add(self, piece: pa.Table) -> None:
        """Add the next rows."""
        for name in piece.column_names:
            self.add_column(name, piece[name])

    def add_column(self, name: str, column: pa.ChunkedArray) -> None:
        """Add the next rows of one column."""
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        part = self._columns.setdefault(name, _Column(str(kind)))
        if part.kind != str(kind):
            raise ValueError(f"{name}: a piece of type {kind} follows one of {part.kind}.")
        for held in column.chunks:
            if pa.types.is_dictionary(held.type):
                # indices lie within their dictionary: Arrow has made both
                held = pc.take(held.dictionary, held.indices, boundscheck=False)
            gaps = held.is_null().to_numpy(zero_copy_only=False) if held.null_count else None
            part.tell(gaps, len(held))
            for digest, values in zip(part.values, _plain_values(held, gaps), strict=False):
                digest.update(np.ascontiguousarray(values).data)

    def digest(self) -> str:
        """Return the hash of the rows so far."""
        whole = hashlib.sha256()
        for name, column in sorted(self._columns.items()):
            whole.update(f"{name}:{column.kind}:{column.rows}\n".encode())
            for digest in column.digests():
                whole.update(digest)
        return whole.hexdigest()


def _plain_values(held: pa.Array, gaps: np.ndarray | None) -> Iterator[np.ndarray]:
    """Yield a column's values as arrays whose bytes do not depend on how Arrow holds them."""
    if pa.types.is_string(held.type):
        ends = _ends(held)
        lengths = np.diff(ends)
        if gaps is not None and lengths[gaps].any():  # what stands in a gap does not count
            held = held.fill_null("")
            ends = _ends(held)
            lengths = np.diff(ends)
        yield lengths
        yield np.frombuffer(held.buffers()[2] or b"", "u1")[ends[0] : ends[-1]]
    elif pa.types.is_floating(held.type):
        values = held.to_numpy(zero_copy_only=False)
        values = np.where(np.isnan(values), np.nan, values) if gaps is not None else values
        yield (values + 0.0).astype("<f8", copy=False)
    elif pa.types.is_boolean(held.type):
        yield held.fill_null(False).to_numpy(zero_copy_only=False).astype("u1")
    elif pa.types.is_integer(held.type) or pa.types.is_temporal(held.type):
        width = pa.int32() if held.type.bit_width == 32 else pa.int64()
        held = held.cast(width)
        yield (held if gaps is None else held.fill_null(0)).to_numpy().astype("<i8", copy=False)
    else:  # no type of ours: a table that somebody changed by hand
        yield np.frombuffer(repr(held.to_pylist()).encode(), "u1")


def _ends(held: pa.Array) -> np.ndarray:
    """Return where each text of an array begins, and where the last one ends."""
    if not len(held):
        return np.zeros(1, "<i4")
    return np.frombuffer(held.buffers()[1], "<i4")[held.offset : held.offset + len(held) + 1]
