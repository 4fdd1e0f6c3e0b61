"""Does a frame hold what a function of this chapter needs? Words for when it does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["need_columns", "need_numbers", "need_share", "need_unique", "where"]


def where(bad: pd.Series) -> str:
    """Name the first bad rows, counted from 0."""
    places = np.flatnonzero(bad.to_numpy(dtype=bool))
    rows = "row" if len(places) == 1 else "rows"
    return f"{len(places)} {rows} (first at {', '.join(map(str, places[:3]))})"


def need_columns(frame: pd.DataFrame, columns: Sequence[str], *, of: str) -> None:
    """Raise where a frame is empty or lacks a column.

    Raises
    ------
    ValueError
        Naming the column, and what it should be called.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(f"{of}: {type(frame).__name__} given. Give a pandas frame.")
    for column in columns:
        if column not in frame.columns:
            held = ", ".join(map(str, frame.columns[:8]))
            raise ValueError(
                f"{of}.{column}: the column is missing. Rename yours to {column!r} (it has {held})."
            )
    if frame.empty:
        raise ValueError(f"{of}: the frame is empty. Give at least one row.")


def need_numbers(
    frame: pd.DataFrame, columns: Sequence[str], *, of: str, least: float | None = None
) -> None:
    """Raise where a column does not hold finite numbers, or holds some below the least possible.

    Raises
    ------
    ValueError
        Naming the column, the first bad rows and the remedy.
    """
    for column in columns:
        values = frame[column]
        if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
            raise ValueError(
                f"{of}.{column}: {values.dtype} given. Give numbers (pd.to_numeric first)."
            )
        bad = ~pd.Series(np.isfinite(values.to_numpy(dtype=float)), index=frame.index)
        if bad.any():
            raise ValueError(
                f"{of}.{column}: {where(bad)} without a finite number. Fill or drop them."
            )
        if least is not None and (low := values < least).any():
            raise ValueError(
                f"{of}.{column}: {where(low)} below {least:g}. Correct them, or drop these rows."
            )


def need_unique(frame: pd.DataFrame, columns: Sequence[str], *, of: str, remedy: str) -> None:
    """Raise where several rows have the same key.

    Raises
    ------
    ValueError
        Naming the columns, the first repeated rows and the remedy.
    """
    twice = frame.duplicated(list(columns))
    if twice.any():
        raise ValueError(f"{of}.{', '.join(columns)}: {where(twice)} repeated. {remedy}")


def need_share(value: float, *, of: str) -> None:
    """Raise where a number does not lie strictly between 0 and 1.

    Raises
    ------
    ValueError
        Naming the argument.
    """
    if not (np.isfinite(value) and 0 < value < 1):
        raise ValueError(f"{of}: {value} given. Give a share between 0 and 1, as 0.05 for 5 %.")
