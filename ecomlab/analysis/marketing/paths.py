"""Which channels did a journey touch? Journeys from visits, and journeys as codes.

In: one row a visit (or one row a path). Answer: paths with what came of them, the table
that :func:`~ecomlab.analysis.marketing.attribute_paths` takes, and its arrays.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import pandas as pd

__all__ = ["CodedPaths", "check_paths", "code_paths", "collect_paths"]

_NUMBERS = ("conversions", "value", "nulls")
_PIECE = 20_000  # paths numbered at a time: what is in between stays in the cache


@dataclass(frozen=True, kw_only=True, eq=False)
class CodedPaths:
    """Paths as numbers: touch ``j`` of path ``i`` is ``touches[starts[i] + j]``.

    ``numbers`` has the conversions, value and nulls, one row a path.
    """

    channels: tuple[object, ...]
    touches: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    numbers: np.ndarray

    @cached_property
    def path_of_touch(self) -> np.ndarray:
        """The path that each touch belongs to."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


def check_paths(paths: pd.DataFrame) -> None:
    """Raise where a frame is not a table of paths.

    Parameters
    ----------
    paths
        Columns ``path, conversions, value, nulls``.

    Raises
    ------
    ValueError
        Naming the column, the first bad rows and the remedy.
    """
    for column in ("path", *_NUMBERS):
        if column not in paths:
            raise ValueError(f"paths.{column}: the column is missing. Use collect_paths, or name "
                             f"yours {column!r}.")  # fmt: skip
    if paths.empty:
        raise ValueError("paths: the frame is empty. Give at least one path.")
    column = paths["path"].to_numpy()
    if set(map(type, column)) != {tuple} or not all(column):
        bad = np.array([not isinstance(one, tuple) or not one for one in column])
        _complain(paths, "path", bad, "are not tuples of channels. Split text with str.split, then "
                  "tuple.")  # fmt: skip
    for column in _NUMBERS:
        values = pd.to_numeric(paths[column], errors="coerce").to_numpy(dtype=float)
        _complain(paths, column, ~np.isfinite(values), "are not finite numbers. Fill or drop them.")
        _complain(paths, column, values < 0, "are below 0. Counts and values cannot be.")
    value, conversions = (paths[name].to_numpy(dtype=float) for name in ("value", "conversions"))
    _complain(paths, "value", (value > 0) & (conversions == 0), "have a value and no conversion. "
              "Count the conversions that brought it.")  # fmt: skip


def _complain(paths: pd.DataFrame, column: str, bad: np.ndarray, what: str) -> None:
    if bad.any():
        where = paths.index[bad][:3].tolist()
        raise ValueError(f"paths.{column}: {int(bad.sum())} rows (first at {where}) {what}")


def code_paths(paths: pd.DataFrame) -> CodedPaths:
    """Return a checked table of paths as numbers; channels are in alphabetical order.

    Parameters
    ----------
    paths
        Columns ``path`` (tuples), ``conversions``, ``value``, ``nulls``.
    """
    column = paths["path"].tolist()
    lengths = np.fromiter(map(len, column), dtype=np.int64, count=len(column))
    number: dict[object, int] = {}
    codes = np.empty(lengths.sum(), dtype=np.int32)
    done = 0
    for start in range(0, len(column), _PIECE):
        size = int(lengths[start : start + _PIECE].sum())
        codes[done : done + size] = _number_channels(column[start : start + _PIECE], size, number)
        done += size
    names = list(number)
    if gaps := [name for name in names if pd.isna(name)]:
        bad = np.array([any(name is gap for name in path for gap in gaps) for path in column])
        _complain(paths, "path", bad, "name a channel that is missing. Name it, or drop the touch.")
    order = sorted(range(len(names)), key=lambda i: str(names[i]))
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names))
    return CodedPaths(
        channels=tuple(names[i] for i in order),
        touches=rank[codes],
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        numbers=paths[list(_NUMBERS)].to_numpy(dtype=float),
    )


def _number_channels(
    paths: list[tuple[object, ...]], size: int, number: dict[object, int]
) -> np.ndarray:
    """Return the number of each touch's channel; channels met for the first time get the next.

    Thousands of journeys share a handful of objects. Where these lie in memory tells them apart
    faster than asking each for its hash; equal channels in different places are then one.
    """
    touches = np.fromiter(chain.from_iterable(paths), dtype=object, count=size)
    places = np.ctypeslib.as_array((ctypes.c_ssize_t * size).from_address(touches.ctypes.data))
    codes, found = pd.factorize(places)
    first = np.empty(len(found), dtype=np.int64)
    first[codes[::-1]] = np.arange(size - 1, -1, -1)
    return np.array([number.setdefault(name, len(number)) for name in touches[first]])[codes]


def collect_paths(visits: pd.DataFrame, *, window_days: int = 30) -> pd.DataFrame:
    """Return the journeys of visitors: runs of visits that end with an order, or with silence.

    A journey ends with an order, or when the next visit comes more than `window_days` later.

    Parameters
    ----------
    visits
        Columns ``visitor_id, started_at, channel``, and ``amount``: what the visit's order
        paid, missing where it brought none [currency].
    window_days
        Longest pause within a journey [days].

    Returns
    -------
    DataFrame
        One row a path: ``path`` (tuple of channels), ``conversions``, ``value`` [currency],
        ``nulls``; equal paths are added up.

    Raises
    ------
    ValueError
        Where a column is missing, the frame is empty, or the window is not positive.

    Examples
    --------
    >>> visits = pd.DataFrame({
    ...     "visitor_id": ["v1", "v1", "v2"],
    ...     "started_at": pd.to_datetime(["2024-03-01", "2024-03-02", "2024-03-01"]),
    ...     "channel": ["social", "seo", "email"], "amount": [np.nan, 40.0, np.nan]})
    >>> collect_paths(visits)
                path  conversions  value  nulls
    0       (email,)            0    0.0      1
    1  (social, seo)            1   40.0      0
    """
    for column in ("visitor_id", "started_at", "channel", "amount"):
        if column not in visits:
            raise ValueError(f"visits.{column}: the column is missing. Join sessions and orders.")
    if visits.empty:
        raise ValueError("visits: the frame is empty. Give at least one visit.")
    if window_days <= 0:
        raise ValueError(f"window_days: {window_days}; a journey needs a positive window.")
    rows = visits.sort_values(["visitor_id", "started_at"], kind="stable")
    ordered = rows["amount"].notna().to_numpy()
    same = (rows["visitor_id"] == rows["visitor_id"].shift()).to_numpy()
    near = (rows["started_at"].diff() <= pd.Timedelta(days=window_days)).to_numpy()
    begins = ~(same & near & ~np.roll(ordered, 1))
    at = np.flatnonzero(begins)
    codes, channels = pd.factorize(rows["channel"], use_na_sentinel=False)
    names = np.asarray(channels, dtype=object)[codes]  # one object a channel, not one a visit
    journeys = [tuple(one) for one in np.split(names, at[1:])]
    ends = np.append(at[1:], len(rows)) - 1
    amounts = rows["amount"].fillna(0.0).to_numpy(dtype=float)
    return _add_up(journeys, ordered[ends], np.where(ordered[ends], amounts[ends], 0.0))


def _add_up(
    journeys: list[tuple[object, ...]], converted: np.ndarray, value: np.ndarray
) -> pd.DataFrame:
    """Return one row a path, in alphabetical order."""
    codes, paths = pd.factorize(pd.Series(journeys, dtype=object))
    size = len(paths)
    table = pd.DataFrame(
        {
            "path": pd.Series(list(paths), dtype=object),
            "conversions": np.bincount(codes, converted, size).astype(int),
            "value": np.bincount(codes, value, size),
            "nulls": np.bincount(codes, ~converted, size).astype(int),
        }
    )
    order = sorted(range(size), key=lambda i: tuple(map(str, paths[i])))
    return table.iloc[order].reset_index(drop=True)
