"""The days of a store: seasons, events by rule, and where local days lie in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ecomlab.simulator.noise import Array
from ecomlab.simulator.parameters import Event
from ecomlab.simulator.scenario import Scenario

__all__ = ["Days", "day_bounds", "event_peak", "lay_out_days", "wave"]

_WINDOW = 14  # days before an event that count as its approach


@dataclass(frozen=True)
class Days:
    """What is known beforehand of each day of the period; position 0 is the first day."""

    dates: Array  # datetime64[D]
    weekday: Array
    year_day: Array
    years: Array  # since the first day
    event: tuple[str | None, ...]
    to_event: Array  # days until the next peak; -1 where there is no event
    lift: Array  # log effect of events on visits
    intent: Array  # of events on the readiness to buy
    promotion_share: Array  # of products promoted for an event
    approach: Array  # 0 far from an event to 1 at it


def lay_out_days(scenario: Scenario, days: int) -> Days:
    """Return the days of a period; a longer period begins with the same days."""
    dates = np.datetime64(scenario.start, "D") + np.arange(days)
    ordinal = np.arange(days)
    year_start = dates.astype("datetime64[Y]").astype("datetime64[D]")
    lift, intent = np.zeros(days), np.zeros(days)
    share, approach = np.zeros(days), np.zeros(days)
    names: list[str | None] = [None] * days
    to_event = np.full(days, 10_000)
    for peak, name, event in _peaks(scenario, days):
        gap = peak - ordinal  # positive before the peak, negative after it began
        at_peak = (gap <= 0) & (gap > -event.peak_days)
        late = -gap - event.peak_days + 1
        lift += _kernel(event, gap, late, at_peak)
        intent += np.where(at_peak, event.intent, 0.0)
        share = np.maximum(share, np.where(at_peak, event.promotion_share, 0.0))
        near = np.where(at_peak, 1.0, np.clip(1 - gap / (_WINDOW + 1), 0, 1) * (gap > 0))
        approach = np.maximum(approach, near)
        for i in np.flatnonzero((gap <= event.before_days) & (late <= 0)):
            names[int(i)] = name
        to_event = np.where(gap >= 0, np.minimum(to_event, gap), to_event)
    return Days(
        dates=dates,
        weekday=(dates.astype("int64") + 3) % 7,
        year_day=(dates - year_start).astype("int64") + 1,
        years=ordinal / 365.25,
        event=tuple(names),
        to_event=np.where(to_event == 10_000, -1, to_event),
        lift=lift,
        intent=intent,
        promotion_share=share,
        approach=approach,
    )


def _kernel(event: Event, gap: Array, late: Array, at_peak: Array) -> Array:
    """Log effect of one event: growing until it, full at it, fading after it."""
    ahead = (gap > 0) & (gap <= event.before_days)
    behind = (late > 0) & (late <= event.after_days)
    before = np.where(ahead, event.before * (1 - (gap - 1) / max(event.before_days, 1)), 0.0)
    after = np.where(behind, event.after * (1 - (late - 1) / max(event.after_days, 1)), 0.0)
    return np.where(at_peak, event.peak, 0.0) + before + after


def _peaks(scenario: Scenario, days: int) -> list[tuple[int, str, Event]]:
    """First peak days that matter to the period, as offsets from its first day, in order."""
    last = scenario.start + timedelta(days=days)
    found = [
        ((event_peak(event, year) - scenario.start).days, name, event)
        for name, event in scenario.events.items()
        for year in range(scenario.start.year - 1, last.year + 2)
    ]
    return sorted(found, key=lambda one: (one[0], one[1]))


def event_peak(event: Event, year: int) -> date:
    """Return the first peak day of an event in a year.

    Examples
    --------
    >>> thanksgiving = Event(month=11, weekday=3, nth=4)
    >>> event_peak(thanksgiving, 2024)
    datetime.date(2024, 11, 28)
    """
    if event.day is not None:
        day = date(year, event.month, event.day)
    else:
        first = date(year, event.month, 1)
        to_weekday = ((event.weekday or 0) - first.weekday()) % 7
        day = first + timedelta(days=to_weekday + 7 * (event.nth - 1))
    return day + timedelta(days=event.shift_days)


def wave(year_day: Array, amplitude: float, peak_day: int, *, per_year: int = 1) -> Array:
    """Return a yearly harmonic as a log effect, highest on the peak day."""
    return amplitude * np.cos(2 * np.pi * per_year * (year_day - peak_day) / 365.25)


def day_bounds(scenario: Scenario, days: int) -> Array:
    """Return the UTC second at which each local day begins, one more than there are days.

    Local midnights, and so days of 23 and 25 hours, are exact; no local clock time is ever
    converted, hence none can fall into the hour that does not exist.
    """
    zone = ZoneInfo(scenario.time_zone)
    first = datetime(scenario.start.year, scenario.start.month, scenario.start.day)
    starts = [(first + timedelta(days=i)).replace(tzinfo=zone) for i in range(days + 1)]
    return np.array([int(midnight.timestamp()) for midnight in starts], dtype=np.int64)
