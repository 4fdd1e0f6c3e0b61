"""The shopping calendar: which days belong to which shopping event, past and to come.

In: first and last day, and a market. Answer: one row a day that lies in an event's window.
Dates follow the calendars of each market (Thanksgiving is the fourth Thursday of November);
the widths of the windows are ours, and a shop may bring its own frame of the same form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

__all__ = ["MARKETS", "Event", "list_events", "market_of"]


@dataclass(frozen=True)
class Event:
    """One shopping event: its peak day in a year, and the days around it that count."""

    name: str
    peak: Callable[[int], date]
    days_before: int
    days_after: int


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _nth(month: int, weekday: int, nth: int, shift_days: int = 0) -> Callable[[int], date]:
    """Return the rule "nth weekday (0 is Monday) of a month", shifted by some days."""

    def peak(year: int) -> date:
        first = date(year, month, 1)
        offset = (weekday - first.weekday()) % 7 + 7 * (nth - 1)
        return first + timedelta(days=offset + shift_days)

    return peak


def _easter(year: int, shift_days: int = 0) -> date:
    """Return Easter Sunday, Gregorian (Meeus, Astronomical Algorithms, 1991, ch. 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1) + timedelta(days=shift_days)


_VALENTINE = Event("valentine", _fixed(2, 11), 7, 2)
_BLACK_FRIDAY = Event("black_friday", _nth(11, 3, 4, shift_days=1), 1, 3)
_CHRISTMAS = (
    Event("christmas", _fixed(12, 16), 9, 2),
    Event("christmas_lull", _fixed(12, 24), 5, 4),
)

MARKETS: Mapping[str, tuple[Event, ...]] = {
    "US": (
        _VALENTINE,
        Event("mothers_day", _nth(5, 6, 2, shift_days=-4), 7, 2),
        Event("summer_sale", _nth(7, 1, 2), 0, 3),
        Event("back_to_school", _fixed(8, 20), 7, 5),
        _BLACK_FRIDAY,
        *_CHRISTMAS,
    ),
    "GB": (
        Event("new_year_sale", _fixed(1, 2), 2, 8),
        _VALENTINE,
        Event("mothers_day", lambda year: _easter(year, -24), 7, 3),
        Event("easter", _easter, 9, 0),
        _BLACK_FRIDAY,
        *_CHRISTMAS,
    ),
    "CN": (
        Event("womens_day", _fixed(3, 8), 6, 1),
        Event("mid_year_618", _fixed(6, 18), 18, 2),
        Event("double_11", _fixed(11, 11), 21, 1),
        Event("double_12", _fixed(12, 12), 4, 1),
    ),
}


def list_events(first: date | str, last: date | str, *, market: str = "US") -> pd.DataFrame:
    """Return the event days between two days, both included.

    Parameters
    ----------
    first, last
        The days to cover.
    market
        A key of :data:`MARKETS`.

    Returns
    -------
    DataFrame
        ``date`` (datetime64), ``event_id``; a day in two windows has two rows.

    Raises
    ------
    ValueError
        For a market we do not know, or a last day before the first.

    Examples
    --------
    >>> days = list_events("2024-11-01", "2024-11-30")
    >>> days["event_id"].unique().tolist(), days["date"].min().date().isoformat()
    (['black_friday'], '2024-11-28')
    """
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    if market not in MARKETS:
        raise ValueError(f"market: {market!r} is not one of {', '.join(MARKETS)}.")
    if end < start:
        raise ValueError(f"last: {end.date()} lies before first, {start.date()}. Swap them.")
    rows = []
    for event in MARKETS[market]:
        for year in range(start.year - 1, end.year + 2):
            peak = pd.Timestamp(event.peak(year))
            window = pd.date_range(
                peak - pd.Timedelta(days=event.days_before),
                peak + pd.Timedelta(days=event.days_after),
            )
            rows += [(day, event.name) for day in window if start <= day <= end]
    frame = pd.DataFrame(rows, columns=["date", "event_id"]).astype({"date": "datetime64[us]"})
    return frame.sort_values(["date", "event_id"], ignore_index=True)


def market_of(time_zone: str) -> str:
    """Return the market whose shopping calendar fits a store's time zone best.

    Examples
    --------
    >>> market_of("Europe/London"), market_of("Asia/Shanghai"), market_of("America/New_York")
    ('GB', 'CN', 'US')
    """
    area = time_zone.split("/", maxsplit=1)[0]
    return {"Europe": "GB", "Asia": "CN", "PRC": "CN", "GB": "GB"}.get(area, "US")
