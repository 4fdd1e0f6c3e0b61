"""Can these numbers be trusted? Four faults that exports commonly have, and how to find them.

In: the lines of an export, its orders' local times, its visits. Answer: which rows are
suspect, of what, and how sure that is. A fault is a pattern in time, not an odd row: a
batch delivered twice, days in another currency, a clock that ran shifted, a robot's visits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import GREY, RED, new_axes
from ecomlab.result import Result

__all__ = [
    "ClockShift",
    "CurrencySlip",
    "Finding",
    "find_bots",
    "find_clock_shift",
    "find_currency_slip",
    "find_double_delivery",
]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Finding(Result):
    """Rows that look faulty.

    ``flags`` marks them (true or false, aligned with the frame given); ``table`` says where
    they are.
    """

    headline: ClassVar[dict[str, str]] = {"rows": "rows", "rows_share": "share"}

    rows: int
    rows_share: float
    flags: pd.Series = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CurrencySlip(Finding):
    """Rows in another currency, and the ``factor`` their prices are off by (1 where none are).

    ``divisor`` is what to divide them by: the factor, or the power of ten it is near to (cents).
    """

    headline: ClassVar[dict[str, str]] = {"rows": "rows", "factor": "ratio"}

    factor: float

    @property
    def divisor(self) -> float:
        """What to divide the rows' prices and amounts by."""
        power = 10.0 ** round(float(np.log10(self.factor)))
        return power if abs(self.factor / power - 1) < 0.15 else self.factor


def _finding(flags: pd.Series, table: pd.DataFrame, *caveats: str) -> Finding:
    return Finding(
        table=table.reset_index(drop=True),
        caveats=caveats,
        rows=int(flags.sum()),
        rows_share=float(flags.mean()),
        flags=flags,
    )


def _need(frame: pd.DataFrame, *columns: str) -> None:
    for column in columns:
        if column not in frame:
            raise ValueError(f"{column}: the column is missing. Rename yours to {column!r}.")
    if frame.empty:
        raise ValueError("The frame is empty: give at least one row.")


def find_double_delivery(
    lines: pd.DataFrame, *, least_share: float = 0.3, least_rows: int = 4
) -> Finding:
    """Find days whose rows were delivered twice.

    A few equal rows are normal (the same product scanned twice); a day of which a good part
    is repeated to the letter is a batch that was loaded two times.

    Parameters
    ----------
    lines
        The export's rows, with ``date`` and whatever else it has; rows are equal if all is.
    least_share
        From which share of repeated rows a day counts as delivered twice [share].
    least_rows
        Fewest rows a day needs to be judged.

    Returns
    -------
    Finding
        ``flags`` marks the second copies; ``table`` has ``date, rows, repeated_rows``.

    Examples
    --------
    >>> day = pd.DataFrame({"date": pd.to_datetime(["2024-05-01"] * 3), "order_id": list("abc")})
    >>> find_double_delivery(pd.concat([day, day], ignore_index=True))
    Finding(rows=3 rows, rows_share=0.5 share)
    """
    _need(lines, "date")
    repeated = lines.duplicated(keep="first")
    by_day = (
        pd.DataFrame({"date": lines["date"], "repeated": repeated})
        .groupby("date", as_index=False)
        .agg(rows=("repeated", "size"), repeated_rows=("repeated", "sum"))
    )
    often = by_day["repeated_rows"] >= least_share * by_day["rows"]
    batches = by_day[often & (by_day["rows"] >= least_rows)]
    flags = repeated & lines["date"].isin(batches["date"])
    elsewhere = int(repeated.sum() - flags.sum())
    return _finding(
        flags,
        batches,
        f"{elsewhere:,} equal rows on other days were left alone: scattered copies are usually "
        "the same product scanned twice.",
    )


def find_currency_slip(
    lines: pd.DataFrame, *, least_factor: float = 3.0, least_rows: int = 3
) -> CurrencySlip:
    """Find days and regions whose prices are another currency's, or cents.

    Each price is divided by the median price of its product; a region's day on which the
    median of those ratios leaves the band is a slip, whatever one odd price may say, if it or
    the run of such days around it has enough rows.

    Parameters
    ----------
    lines
        Columns ``date, region_id, sku, price`` [price in currency/unit].
    least_factor
        From which factor, up or down, a day counts as slipped. Shops change their prices by
        less; neighbouring currencies differ by less too, and need the bank's statement.
    least_rows
        Fewest rows that a run of slipped days of a region needs.

    Returns
    -------
    CurrencySlip
        ``table`` has ``date, region_id, rows, factor``, one row a slipped day of a region;
        the answer's own ``factor`` is the median over all its rows.

    Examples
    --------
    >>> days = pd.date_range("2024-05-01", periods=20).repeat(4)
    >>> lines = pd.DataFrame({"date": days, "region_id": "N", "sku": list("abcd") * 20,
    ...                       "price": [5.0, 8.0, 9.0, 20.0] * 20})
    >>> lines.loc[lines["date"] == "2024-05-03", "price"] *= 100
    >>> find_currency_slip(lines)
    CurrencySlip(rows=4 rows, factor=100.0 ratio)
    """
    _need(lines, "date", "region_id", "sku", "price")
    usual = lines.groupby("sku")["price"].transform("median")
    ratio = (lines["price"] / usual).where(usual > 0)
    by_day = (
        lines.assign(ratio=ratio)
        .groupby(["date", "region_id"], as_index=False, dropna=False)
        .agg(rows=("ratio", "size"), factor=("ratio", "median"))
    )
    off = (by_day["factor"] >= least_factor) | (by_day["factor"] <= 1 / least_factor)
    # Neighbouring days of a region (those with rows) are judged together, as one run.
    by_day = by_day.assign(off=off).sort_values(["region_id", "date"], ignore_index=True)
    starts = (by_day["off"] != by_day["off"].shift()) | (
        by_day["region_id"] != by_day["region_id"].shift()
    )
    rows_of_run = by_day.groupby(starts.cumsum())["rows"].transform("sum")
    slipped = by_day[by_day["off"] & (rows_of_run >= least_rows)].drop(columns="off")
    marked = pd.MultiIndex.from_frame(slipped[["date", "region_id"]])
    flags = pd.Series(
        pd.MultiIndex.from_frame(lines[["date", "region_id"]]).isin(marked), index=lines.index
    )
    found = _finding(
        flags,
        slipped,
        f"Runs of fewer than {least_rows} rows were left alone: they may be odd prices.",
    )
    factor = float(ratio[flags].median()) if found.rows else 1.0
    return CurrencySlip(**vars(found), factor=factor)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ClockShift(Result):
    """A span of days whose times of day are shifted.

    ``table`` has ``hour, usual_share, span_share``; ``hours`` is what the clock was ahead
    (0 where no shift was found), ``support`` the gain in log-likelihood over no shift.
    """

    headline: ClassVar[dict[str, str]] = {
        "hours": "hours",
        "first_day": "",
        "last_day": "",
        "support": "log-likelihood",
    }

    hours: int
    first_day: str
    last_day: str
    support: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the usual day and the span's day, hour by hour."""
        ax = new_axes(height=3.2) if ax is None else ax
        ax.plot(self.table["hour"], self.table["usual_share"], color=GREY, label="usual day")
        ax.plot(self.table["hour"], self.table["span_share"], color=RED, label="the span found")
        ax.legend()
        ax.set_xlabel("hour of the day")
        ax.set_ylabel("share of orders")
        return ax


def find_clock_shift(
    orders: pd.DataFrame, *, false_alarm_share: float = 0.01, least_days: int = 3
) -> ClockShift:
    """Find the span of days whose clock ran ahead or behind, and by how many hours.

    Every shift and every span is tried; the one under which the hours of the orders are most
    likely, given the usual profile of the day, is taken, if days in random order hardly ever
    give as much (the scan statistic with its Monte Carlo test: Kulldorff, Communications in
    Statistics 26, 1997). Shuffling whole days keeps what makes single days differ.

    Parameters
    ----------
    orders
        Column ``ordered_at``: local times, without a zone.
    false_alarm_share
        How often a sound export may be suspected [share]; not below 0.005.
    least_days
        Shortest span that counts as a shifted clock [days].

    Returns
    -------
    ClockShift
        The span and the shift; a shift of 0 hours where there is none.

    Examples
    --------
    >>> hours = pd.to_timedelta(list(range(9, 19)) * 60, unit="h")
    >>> days = pd.Series(pd.date_range("2024-03-01", periods=60)).repeat(10).reset_index(drop=True)
    >>> at = days + hours
    >>> at[200:300] += pd.Timedelta(hours=5)
    >>> shift = find_clock_shift(pd.DataFrame({"ordered_at": at}))
    >>> shift.hours, shift.first_day, shift.last_day
    (5, '2024-03-21', '2024-03-30')
    """
    _need(orders, "ordered_at")
    if orders["ordered_at"].dt.tz is not None:
        raise ValueError("ordered_at: give local times without a zone (dt.tz_convert first).")
    hour = orders["ordered_at"].dt.hour.to_numpy()
    days, day = np.unique(orders["ordered_at"].dt.normalize().to_numpy(), return_inverse=True)
    counts = np.zeros((len(days), 24))
    np.add.at(counts, (day, hour), 1)
    usual = counts.sum(axis=0) + 0.5
    profile = np.log(usual / usual.sum())
    shifts = [shift for shift in range(-11, 13) if shift]
    gain = np.column_stack([counts @ (np.roll(profile, shift) - profile) for shift in shifts])
    support, column, first, last = _best_span(gain)
    by_chance = _chance_of(gain, support) > false_alarm_share
    if by_chance or last - first + 1 < least_days:
        return _clock_shift(0, days[:0], support, usual, counts[:0])
    return _clock_shift(
        shifts[column], days[first : last + 1], support, usual, counts[first : last + 1]
    )


def _clock_shift(
    hours: int, span: np.ndarray, support: float, usual: np.ndarray, counts: np.ndarray
) -> ClockShift:
    seen = counts.sum(axis=0)
    table = pd.DataFrame(
        {
            "hour": np.arange(24),
            "usual_share": usual / usual.sum(),
            "span_share": seen / seen.sum() if seen.sum() else np.nan,
        }
    )
    return ClockShift(
        table=table,
        caveats=("The first and last day can be off by one where few orders fall on them.",),
        hours=hours,
        first_day=str(span[0])[:10] if len(span) else "",
        last_day=str(span[-1])[:10] if len(span) else "",
        support=support,
    )


def _best_span(gain: np.ndarray) -> tuple[float, int, int, int]:
    """Return the largest sum over a run of days of one column: sum, column, first, last day."""
    total = np.vstack([np.zeros(gain.shape[1]), gain.cumsum(axis=0)])
    lowest = np.minimum.accumulate(total, axis=0)
    last, column = np.unravel_index(np.argmax(total - lowest), total.shape)
    first = int(np.argmin(total[: last + 1, column]))
    return float((total - lowest)[last, column]), int(column), first, int(last) - 1


def _chance_of(gain: np.ndarray, support: float) -> float:
    """Return how often days in random order support a shift as much: a Monte Carlo p-value."""
    rng = np.random.default_rng(0)
    as_much = 0
    for _ in range(_SHUFFLES):
        total = gain[rng.permutation(len(gain))].cumsum(axis=0)
        total = np.vstack([np.zeros(gain.shape[1]), total])
        as_much += bool((total - np.minimum.accumulate(total, axis=0)).max() >= support)
    return (1 + as_much) / (1 + _SHUFFLES)


_SHUFFLES = 199


def find_bots(sessions: pd.DataFrame, *, least_per_day: float = 10.0) -> Finding:
    """Find visitors who come too often to be people and never order.

    Parameters
    ----------
    sessions
        Columns ``visitor_id, date, order_id`` (empty where the visit placed no order).
    least_per_day
        From how many visits on an active day a visitor is suspect [sessions/day].

    Returns
    -------
    Finding
        ``table`` has ``visitor_id, sessions, active_days, sessions_per_day``.

    Examples
    --------
    >>> visits = pd.DataFrame({"visitor_id": ["a", "b"] + ["robot"] * 40,
    ...                        "date": pd.Timestamp("2024-05-01"), "order_id": ["1"] + [None] * 41})
    >>> find_bots(visits).rows
    40
    """
    _need(sessions, "visitor_id", "date", "order_id")
    by_visitor = sessions.groupby("visitor_id", as_index=False).agg(
        sessions=("date", "size"), active_days=("date", "nunique"), orders=("order_id", "count")
    )
    rate = by_visitor["sessions"] / by_visitor["active_days"]
    suspect = by_visitor[(rate >= least_per_day) & (by_visitor["orders"] == 0)]
    table = suspect.assign(sessions_per_day=rate).drop(columns="orders")
    return _finding(
        sessions["visitor_id"].isin(suspect["visitor_id"]),
        table.sort_values("sessions", ascending=False),
        "A shared address (an office, a school) can look like a robot, but now and then it orders.",
    )
