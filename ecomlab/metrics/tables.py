"""What metrics read: a store, or the same tables in any engine that narwhals knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Protocol

import narwhals as nw
import pandas as pd

from ecomlab.schema import TABLES
from ecomlab.store import Store

__all__ = ["Source", "Tables", "as_date", "as_tables", "has", "period", "within"]


class Tables(Protocol):
    """Tables by name, read lazily; a :class:`~ecomlab.store.Store` is one."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables there are."""

    def columns(self, name: str) -> tuple[str, ...]:
        """Names of the columns a table has."""

    def scan(self, name: str) -> nw.LazyFrame[Any]:
        """Return a table as a lazy frame."""


Source = Tables | Mapping[str, Any]


@dataclass(frozen=True)
class _Frames:
    """Frames of one engine by table name, made lazy."""

    frames: Mapping[str, nw.LazyFrame[Any]]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self.frames)

    def columns(self, name: str) -> tuple[str, ...]:
        return tuple(self.frames[name].collect_schema().names())

    def scan(self, name: str) -> nw.LazyFrame[Any]:
        return self.frames[name]


def as_tables(source: Source) -> Tables:
    """Return what metrics read from: a store as it is, a mapping of frames made lazy.

    Parameters
    ----------
    source
        A store, or a mapping from table name to a frame of any engine narwhals knows
        (pandas, Polars, DuckDB, Spark, Ibis), all of one engine, in schema columns.

    Raises
    ------
    ValueError
        Where a name is not a table of a store.

    Examples
    --------
    >>> as_tables({"orders": pd.DataFrame({"order_id": ["a"]})}).columns("orders")
    ('order_id',)
    """
    if not isinstance(source, Mapping):
        return source
    if unknown := [name for name in source if name not in TABLES]:
        raise ValueError(f"{unknown} are not tables of a store. Known: {', '.join(TABLES)}.")
    return _Frames({name: nw.from_native(frame).lazy() for name, frame in source.items()})


def has(tables: Tables, name: str) -> bool:
    """Return whether a table, or a column named ``table.column``, is there.

    Examples
    --------
    >>> tables = as_tables({"orders": pd.DataFrame({"order_id": ["a"]})})
    >>> has(tables, "orders"), has(tables, "orders.amount")
    (True, False)
    """
    table, _, column = name.partition(".")
    return table in tables.tables and (not column or column in tables.columns(table))


def period(tables: Tables, since: date | str | None, until: date | str | None) -> pd.DatetimeIndex:
    """Return the local days asked for: by default all of a store's period.

    A mapping of frames has no manifest; there the period runs from the first order to the last.

    Raises
    ------
    ValueError
        Where the last day comes before the first.

    Examples
    --------
    >>> orders = pd.DataFrame({"date": pd.to_datetime(["2024-03-02", "2024-03-05"])})
    >>> len(period(as_tables({"orders": orders}), None, "2024-03-04"))
    3
    """
    first, last = _known_period(tables)
    first, last = as_date(since) or first, as_date(until) or last
    if last < first:
        raise ValueError(f"until={last} comes before since={first}. Swap them.")
    return pd.date_range(first, last, freq="D", unit="us", name="date")


def as_date(day: date | str | None) -> date | None:
    """Return a day given as a date or as ISO text.

    Raises
    ------
    ValueError
        Where the text is not a day.

    Examples
    --------
    >>> as_date("2024-02-29")
    datetime.date(2024, 2, 29)
    """
    if not isinstance(day, str):
        return day.date() if isinstance(day, datetime) else day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"{day!r} is not a day. Write it as YYYY-MM-DD.") from None


def within(frame: nw.LazyFrame[Any], days: pd.DatetimeIndex) -> nw.LazyFrame[Any]:
    """Return the rows whose ``date`` lies in the days asked for.

    Examples
    --------
    >>> orders = as_tables({"orders": pd.DataFrame({"date": pd.to_datetime(["2024-03-02"])})})
    >>> march = pd.date_range("2024-03-03", "2024-03-31")
    >>> within(orders.scan("orders"), march).collect().shape
    (0, 1)
    """
    first, last = (datetime.combine(day.date(), time()) for day in (days[0], days[-1]))
    return frame.filter(nw.col("date") >= first, nw.col("date") <= last)


def _known_period(tables: Tables) -> tuple[date, date]:
    if isinstance(tables, Store):
        about = tables.manifest
        return date.fromisoformat(about.first_day), date.fromisoformat(about.last_day)
    day = nw.col("date")
    ends = tables.scan("orders").select(first=day.min(), last=day.max()).collect("pandas")
    first, last = (pd.Timestamp(ends[name][0]) for name in ("first", "last"))
    if pd.isna(first):
        raise ValueError("orders.date: there are no orders. Name the period: since=, until=.")
    return first.date(), last.date()
