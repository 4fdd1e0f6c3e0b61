"""Counts in sentences: one row is, two rows are."""

from __future__ import annotations

__all__ = ["number_of"]


def number_of(count: int, one: str, many: str) -> str:
    """Return a count with the words that agree with it.

    Examples
    --------
    >>> number_of(1, "row is", "rows are"), number_of(1200, "row is", "rows are")
    ('1 row is', '1,200 rows are')
    """
    return f"{count:,} {one if count == 1 else many}"
