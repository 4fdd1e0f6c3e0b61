"""A panel of units and periods as a matrix, and which of it was treated when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ecomlab.frames import need_columns, need_numbers, need_unique

__all__ = ["Panel", "read_panel"]

Treated = str | Iterable[Any] | Mapping[Any, Any]


@dataclass(frozen=True, eq=False)
class Panel:
    """Outcomes [units x periods], and each unit's first treated column (``never`` if none)."""

    outcome: np.ndarray
    units: list[Any]
    periods: list[Any]
    first: np.ndarray

    @property
    def never(self) -> int:
        """The mark of units that are never treated."""
        return len(self.periods)

    @property
    def is_treated(self) -> np.ndarray:
        """Which units are treated at some time."""
        return np.asarray(self.first < self.never)


def read_panel(panel: pd.DataFrame, *, treated: Treated, start: Any) -> Panel:
    """Check a long panel and turn it into a matrix.

    Parameters
    ----------
    panel
        Columns ``unit, period, outcome``, one row each unit and period, without gaps.
    treated
        A unit, several of them, or unit -> its first treated period.
    start
        First treated period; not needed where ``treated`` tells it.

    Raises
    ------
    ValueError
        Where a column is missing, a unit and period appears twice or not at all, a treated unit
        is unknown, or there is no time before the start.

    Examples
    --------
    >>> rows = pd.DataFrame({"unit": ["a", "a", "b", "b"], "period": [1, 2, 1, 2],
    ...                      "outcome": [1.0, 2.0, 1.0, 5.0]})
    >>> read_panel(rows, treated="b", start=2).first
    array([2, 1])
    """
    need_columns(panel, "panel", ("unit", "period", "outcome"))
    need_numbers(panel, "panel", ("outcome",))
    need_unique(panel, "panel", ("unit", "period"),
                remedy="Give one row each unit and period: add up or average first.")  # fmt: skip
    wide = panel.pivot(index="unit", columns="period", values="outcome").sort_index(axis=1)
    if wide.isna().to_numpy().any():
        rows, columns = np.nonzero(wide.isna().to_numpy())
        missing = [f"{wide.index[r]} in {wide.columns[c]}"
                   for r, c in zip(rows[:3], columns[:3], strict=True)]  # fmt: skip
        raise ValueError(
            f"panel.outcome: {len(rows)} units and periods are missing (first: "
            f"{'; '.join(missing)}). Fill them (0 where nothing sold), or drop these units."
        )
    return Panel(
        outcome=wide.to_numpy(dtype=float),
        units=list(wide.index),
        periods=list(wide.columns),
        first=_first_columns(wide, _starts(treated, start)),
    )


def _starts(treated: Treated, start: Any) -> dict[Any, Any]:
    """Return unit -> first treated period."""
    if isinstance(treated, Mapping):
        found = dict(treated)
    elif isinstance(treated, str) or not isinstance(treated, Iterable):
        found = {treated: start}
    else:
        found = dict.fromkeys(treated, start)
    if not found:
        raise ValueError("treated: no unit given. Name those that were treated.")
    if any(one is None for one in found.values()):
        raise ValueError("start: none given. Give the first treated period.")
    return found


def _first_columns(wide: pd.DataFrame, starts: Mapping[Any, Any]) -> np.ndarray:
    """Return the place of each unit's first treated period."""
    if unknown := [unit for unit in starts if unit not in wide.index]:
        raise ValueError(
            f"treated: {unknown[0]!r} is no unit of the panel. Units: "
            f"{', '.join(map(str, wide.index[:8]))}."
        )
    first = np.full(len(wide), wide.shape[1])
    for unit, begins in starts.items():
        try:
            place = sum(period < _like(begins, wide.columns) for period in wide.columns)
        except TypeError:
            raise ValueError(
                f"start: {begins!r} cannot be compared with panel.period ({wide.columns.dtype})."
            ) from None
        if not 0 < place < wide.shape[1]:
            raise ValueError(
                f"start: {begins} for {unit!r} leaves no period before it, or none after. The "
                f"panel has {wide.columns[0]} to {wide.columns[-1]}."
            )
        first[wide.index.get_loc(unit)] = place
    if (first < wide.shape[1]).all() and len(set(first)) == 1:
        raise ValueError("treated: all units are. Give the panel units that were not treated.")
    return first


def _like(value: Any, periods: pd.Index) -> Any:
    """Let days be given as text."""
    return pd.Timestamp(value) if isinstance(periods, pd.DatetimeIndex) else value
