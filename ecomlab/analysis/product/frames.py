"""What a frame must hold before it is believed: columns, numbers, keys that do not repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

__all__ = ["need_columns", "need_numbers", "need_unique"]


def need_columns(frame: pd.DataFrame, columns: Sequence[str], *, name: str) -> None:
    """Raise where the frame is empty or a column is missing or has gaps.

    Parameters
    ----------
    frame
        The frame to check.
    columns
        Columns it needs, without gaps.
    name
        What the frame is called, for the message.

    Raises
    ------
    ValueError
        Naming the column, the first bad rows and the remedy.

    Examples
    --------
    >>> need_columns(pd.DataFrame({"sku": ["A"]}), ["sku", "units"], name="sales")
    Traceback (most recent call last):
    ValueError: sales.units: the column is missing. Give sku, units.
    """
    for column in columns:
        if column not in frame:
            wanted = ", ".join(columns)
            raise ValueError(f"{name}.{column}: the column is missing. Give {wanted}.")
    if frame.empty:
        raise ValueError(f"{name}: no rows. Give at least one.")
    for column in columns:
        if (bad := frame[column].isna()).any():
            raise ValueError(
                f"{name}.{column}: {int(bad.sum())} rows are empty (first at {_first(bad)}). "
                "Fill or drop them."
            )


def need_numbers(frame: pd.DataFrame, least: Mapping[str, float], *, name: str) -> None:
    """Raise where a column is missing, not numeric, not finite, or below its least value.

    Parameters
    ----------
    frame
        The frame to check.
    least
        Column -> least value it may take.
    name
        What the frame is called, for the message.

    Raises
    ------
    ValueError
        Naming the column, the first bad rows and the remedy.

    Examples
    --------
    >>> need_numbers(pd.DataFrame({"units": [1, -2]}), {"units": 0}, name="sales")
    Traceback (most recent call last):
    ValueError: sales.units: 1 rows below 0 (first at [1]). Take returns out, or correct them.
    """
    need_columns(frame, list(least), name=name)
    for column, lowest in least.items():
        if not pd.api.types.is_numeric_dtype(frame[column]):
            kind = frame[column].dtype
            raise ValueError(f"{name}.{column}: {kind} instead of numbers. Use pd.to_numeric.")
        values = frame[column].astype(float)
        if (bad := ~np.isfinite(values)).any():
            raise ValueError(
                f"{name}.{column}: {int(bad.sum())} rows are not finite (first at {_first(bad)}). "
                "Fill or drop them."
            )
        if (bad := values < lowest).any():
            raise ValueError(
                f"{name}.{column}: {int(bad.sum())} rows below {lowest:g} (first at "
                f"{_first(bad)}). Take returns out, or correct them."
            )


def need_unique(frame: pd.DataFrame, key: Sequence[str], *, name: str) -> None:
    """Raise where a key repeats.

    Parameters
    ----------
    frame
        The frame to check.
    key
        Columns that together name a row.
    name
        What the frame is called, for the message.

    Raises
    ------
    ValueError
        Naming the key, the first repeated rows and the remedy.

    Examples
    --------
    >>> need_unique(pd.DataFrame({"sku": ["A", "A"]}), ["sku"], name="products")
    Traceback (most recent call last):
    ValueError: products.sku: 1 rows repeat (first at [1]). Give one row each: add them up.
    """
    if (bad := frame.duplicated(list(key))).any():
        raise ValueError(
            f"{name}.{', '.join(key)}: {int(bad.sum())} rows repeat (first at {_first(bad)}). "
            "Give one row each: add them up."
        )


def _first(bad: pd.Series) -> list[object]:
    return bad.index[bad][:3].tolist()
