"""One value for many rows: the commonest text, an exact sum, whatever the rows' order."""

from __future__ import annotations

import numpy as np

from ecomlab.store.importers.texts import Texts

__all__ = ["commonest", "first_rows", "sum_by"]


def commonest(
    texts: Texts, groups: np.ndarray, *, size: int, where: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each group's commonest filled text, and which groups have several.

    Parameters
    ----------
    texts
        One text a row.
    groups
        The number of each row's group, from 0.
    size
        How many groups there are.
    where
        Which rows count.

    Returns
    -------
    tuple
        Texts by group (``""`` where none; of equally common ones the first in sorted order)
        and a mask of groups with more than one text.

    Examples
    --------
    >>> seen = Texts(("x", "y"), np.array([1, 0, 1]))
    >>> commonest(seen, np.zeros(3, dtype=int), size=1, where=np.ones(3, dtype=bool))[0].tolist()
    ['y']
    """
    found = np.full(size, "", dtype=object)
    several = np.zeros(size, dtype=bool)
    kept = where & ~texts.empty
    if not kept.any():
        return found, several
    texts, width = texts.sorted(), len(texts.distinct)
    pairs, counts = np.unique(groups[kept] * width + texts.codes[kept], return_counts=True)
    group, rank = np.divmod(pairs, width)
    order = np.lexsort((rank, -counts, group))
    leaders, first, many = np.unique(group[order], return_index=True, return_counts=True)
    found[leaders] = np.array(texts.distinct, dtype=object)[rank[order][first]]
    several[leaders] = many > 1
    return found, several


def sum_by(groups: np.ndarray, values: np.ndarray, *, size: int) -> np.ndarray:
    """Return the exact sum of whole numbers in each group.

    Examples
    --------
    >>> sum_by(np.array([0, 1, 0]), np.array([1, 2, 3]), size=2).tolist()
    [4, 2]
    """
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, groups, values)
    return total


def first_rows(groups: np.ndarray, *, size: int, where: np.ndarray) -> np.ndarray:
    """Return each group's first row among those that count, -1 where there is none.

    Examples
    --------
    >>> first_rows(np.array([1, 1]), size=2, where=np.array([False, True])).tolist()
    [-1, 1]
    """
    first = np.full(size, -1, dtype=np.int64)
    rows = np.flatnonzero(where)[::-1]
    first[groups[rows]] = rows
    return first
