"""How a column of an export is found by its header."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ecomlab.store.importers.problem import ImportProblem
from ecomlab.store.importers.texts import tidy

__all__ = ["find_header", "fold_header"]


def fold_header(name: str) -> str:
    r"""Return a header without what does not tell headers apart: case, spaces, byte order mark.

    Examples
    --------
    >>> fold_header("\ufeffUnit Price ") == fold_header("unitprice")
    True
    """
    plain = unicodedata.normalize("NFKC", tidy(name)).casefold()
    return "".join(plain.split())


def find_header(name: str, headers: Sequence[str], *, file: str) -> int:
    """Return the place of a column, or -1 where it is absent.

    Raises
    ------
    ImportProblem
        Where the header occurs twice: it does not say which column is meant.

    Examples
    --------
    >>> find_header("order id", ["Order ID", "SKU"], file="a.csv")
    0
    """
    folded = [fold_header(header) for header in headers]
    places = [place for place, header in enumerate(folded) if header == fold_header(name)]
    if len(places) > 1:
        raise ImportProblem(
            f"{file}: the column {name!r} occurs {len(places)} times. Rename all but one."
        )
    return places[0] if places else -1
