"""What a frame must hold before an answer is taken from it: said by column, row and remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from numbers import Real

import numpy as np
import pandas as pd

__all__ = ["need_columns", "need_filled", "need_numbers", "need_share", "need_unique", "where"]


def need_columns(frame: pd.DataFrame, name: str, columns: Iterable[str]) -> None:
    """Raise where a column is missing or the frame has no rows.

    Examples
    --------
    >>> need_columns(pd.DataFrame({"sku": ["A"]}), "sales", ["sku", "units"])
    Traceback (most recent call last):
    ValueError: sales.units: the column is missing. Rename yours to 'units'; there are sku.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(f"{name}: {type(frame).__name__} given. Give a pandas frame.")
    for column in columns:
        if column not in frame:
            raise ValueError(
                f"{name}.{column}: the column is missing. Rename yours to {column!r}; "
                f"there are {', '.join(map(str, frame.columns)) or 'none'}."
            )
    if frame.empty:
        raise ValueError(f"{name}: the frame is empty. Give at least one row.")


def need_filled(frame: pd.DataFrame, name: str, columns: Collection[str]) -> None:
    """Raise where a column is missing or has empty values."""
    need_columns(frame, name, columns)
    for column in columns:
        bad = frame[column].isna()
        if bad.any():
            raise ValueError(
                f"{name}.{column}: {int(bad.sum())} rows are empty (first at {_first(bad)}). "
                "Fill or drop them."
            )


def need_numbers(
    frame: pd.DataFrame,
    name: str,
    columns: Collection[str],
    *,
    least: float = -np.inf,
    above: float = -np.inf,
) -> None:
    """Raise where a column is missing or holds anything but finite numbers in the range.

    Examples
    --------
    >>> need_numbers(pd.DataFrame({"units": [1, -2]}), "sales", ["units"], least=0)
    Traceback (most recent call last):
    ValueError: sales.units: 1 rows are below 0 (first at [1]). Correct or drop them.
    """
    need_columns(frame, name, columns)
    for column in columns:
        values = pd.to_numeric(frame[column], errors="coerce").astype(float)
        bad = ~np.isfinite(values)
        if bad.any():
            raise ValueError(
                f"{name}.{column}: {int(bad.sum())} rows are not finite numbers "
                f"(first at {_first(bad)}). Fill, correct or drop them."
            )
        if not pd.api.types.is_numeric_dtype(frame[column].infer_objects()):
            raise ValueError(
                f"{name}.{column}: {frame[column].dtype}, not numbers. Use pd.to_numeric first."
            )
        low = (values < least) | (values <= above)
        if low.any():
            bound = f"below {least:g}" if least > -np.inf else f"not above {above:g}"
            raise ValueError(
                f"{name}.{column}: {int(low.sum())} rows are {bound} "
                f"(first at {_first(low)}). Correct or drop them."
            )


def need_share(value: float, *, of: str) -> None:
    """Raise where a number does not lie between 0 and 1, as a level or a share does."""
    if not (isinstance(value, Real) and 0 < value < 1):
        raise ValueError(f"{of}: {value!r} is not between 0 and 1. Give 0.05 for 5 %.")


def need_unique(
    frame: pd.DataFrame,
    name: str,
    columns: Sequence[str],
    *,
    remedy: str = "Keep one row each.",
) -> None:
    """Raise where rows that should be one thing each are there twice."""
    bad = frame.duplicated(list(columns))
    if bad.any():
        raise ValueError(
            f"{name}.{columns[-1]}: {int(bad.sum())} rows repeat the same {', '.join(columns)} "
            f"(first at {_first(bad)}). {remedy}"
        )


def where(bad: pd.Series) -> str:
    """Return how many rows are bad, and the labels of the first.

    Examples
    --------
    >>> where(pd.Series([False, True], index=["a", "b"]))
    "1 rows (first at ['b'])"
    """
    return f"{int(bad.sum())} rows (first at {_first(bad)})"


def _first(bad: pd.Series) -> list[object]:
    return list(bad.index[bad.to_numpy()][:3])
