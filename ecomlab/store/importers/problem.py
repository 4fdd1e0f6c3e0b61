"""What stops an import: one class, one sentence, with the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["ImportProblem", "nearest"]


class ImportProblem(ValueError):
    """An export cannot be brought in; the message names file, place and remedy in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word most like the one given, or nothing.

    Examples
    --------
    >>> nearest("curency", ["currency", "name"])
    " Did you mean 'currency'?"
    >>> nearest("zzz", ["currency"])
    ''
    """
    by_fold = {other.casefold(): other for other in known}
    close = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return f" Did you mean {by_fold[close[0]]!r}?" if close else ""
