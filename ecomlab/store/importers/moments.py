"""How dates and times are written in exports, read without guessing.

Year-first and Chinese dates mean one thing only. ``01/02/2024`` means two: the order of day
and month must be declared, or proven by a day above 12 somewhere in the column.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd

from ecomlab.store.importers.problem import ImportProblem, nearest

__all__ = ["NAMED_FORMATS", "Moments", "read_moments"]

NAMED_FORMATS = (
    "auto", "iso", "day_first", "month_first", "chinese",
    "excel", "excel_1904", "unix", "unix_ms",
)  # fmt: skip
FIRST_YEAR, LAST_YEAR = 1990, 2100

_TIME = (
    r"(?:(?:T|,?\s+|\s*)"
    r"(?P<noon>上午|下午|凌晨|早上|中午|晚上)?\s*"
    r"(?P<hour>\d{1,2})[:：时点.](?P<minute>\d{1,2})分?"
    r"(?:[:：.]?(?P<second>\d{1,2})(?:[.,](?P<part>\d{1,9}))?秒?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<offset>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_NUMERIC = re.compile(
    r"(?P<a>\d{1,4})\s?(?P<sep>[-/.年])\s?(?P<b>\d{1,2})\s?(?:(?P=sep)|月)\s?(?P<c>\d{1,4})日?"
    + _TIME
)
_COMPACT = re.compile(r"(?P<a>(?:19|20)\d{2})(?P<sep>)(?P<b>\d{2})(?P<c>\d{2})" + _TIME)
_NAMED = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?"
    r"(?:(?P<day1>\d{1,2})(?:st|nd|rd|th)?[\s\-./]+(?P<month1>[A-Za-z]{3,9})\.?"
    r"|(?P<month2>[A-Za-z]{3,9})\.?\s+(?P<day2>\d{1,2})(?:st|nd|rd|th)?)"
    r"[\s,\-./]+(?P<year>\d{4})" + _TIME
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_AFTERNOON = ("下午", "晚上")


@dataclass(frozen=True, eq=False)
class Moments:
    """Each distinct text's instant in UTC, and why there is none where there is none."""

    utc: np.ndarray
    problems: np.ndarray
    ambiguous: np.ndarray
    shifted: np.ndarray
    notes: tuple[str, ...] = ()


def read_moments(
    texts: Sequence[str], *, formats: Sequence[str], zone: str, nonexistent: str = "reject"
) -> Moments:
    """Read distinct date texts as instants.

    Parameters
    ----------
    texts
        Distinct cells of one column.
    formats
        Names (see :data:`NAMED_FORMATS`) or ``strptime`` patterns, tried in order.
    zone
        Time zone of times that carry no offset.
    nonexistent
        What becomes of a local time that the clocks skipped: ``reject`` or ``shift``
        (to the first moment after the gap).

    Raises
    ------
    ImportProblem
        Where day and month could be swapped and nothing proves which is which.

    Examples
    --------
    >>> seen = read_moments(["13/02/2024 09:30"], formats=["auto"], zone="Europe/Berlin")
    >>> str(seen.utc[0])
    '2024-02-13T08:30:00.000000'
    """
    bare = [unicodedata.normalize("NFKC", text).strip() for text in texts]
    order, note = _decide_order(bare, formats)
    read = [_read(text, formats, order) for text in bare]
    problems = np.array([_complaint(t, r) for t, r in zip(bare, read, strict=True)], dtype=object)
    utc, gap, twice = _to_utc(read, zone, nonexistent)
    if nonexistent == "reject":
        problems[gap] = f"this local time did not exist in {zone}: the clocks went forward"
    notes = (note,) if note else ()
    shifted = gap if nonexistent == "shift" else np.zeros(len(gap), dtype=bool)
    return Moments(utc, problems, twice, shifted, notes)


def _decide_order(texts: Sequence[str], formats: Sequence[str]) -> tuple[str, str]:
    """Return which comes first in 01/02/2024, and the sentence that says how we know."""
    for name in formats:
        if "%" not in name and name not in NAMED_FORMATS:
            raise ImportProblem(
                f"{name!r} is not a date format: use a pattern such as %d/%m/%Y or one of "
                f"{', '.join(NAMED_FORMATS)}.{nearest(name, NAMED_FORMATS)}"
            )
    declared = [name for name in formats if name in ("day_first", "month_first")]
    if declared or "auto" not in formats:
        return (declared or [""])[0], ""
    day_first = month_first = doubtful = 0
    for text in texts:
        match = _NUMERIC.fullmatch(text)
        if match is None or len(match["a"]) == 4 or len(match["c"]) != 4:
            continue
        first, second = int(match["a"]), int(match["b"])
        day_first += first > 12 >= second
        month_first += second > 12 >= first
        doubtful += first <= 12 and second <= 12 and first != second
    if day_first and month_first:
        raise ImportProblem(
            "some dates can only be day/month and others only month/day. Split the file, or "
            'declare the column\'s format = "day_first" or "month_first" and lose the others.'
        )
    if doubtful and not (day_first or month_first):
        raise ImportProblem(
            "01/02/2024 could be in January or in February, and no day above 12 settles it. "
            'Declare the column\'s format = "day_first" or "month_first".'
        )
    if not (day_first or month_first):
        return "day_first", ""
    order = "day_first" if day_first else "month_first"
    return order, f"dates read as {order.replace('_', ' ')}: a day above 12 proves it"


def _read(text: str, formats: Sequence[str], order: str) -> datetime | None:
    for name in formats:
        moment = _read_as(text, name, order)
        if moment is not None:
            return moment
    # A spreadsheet's real dates reach us year first, whatever the format of typed ones.
    return _from_parts(text, "iso")


def _read_as(text: str, name: str, order: str) -> datetime | None:
    try:
        if name in ("excel", "excel_1904"):
            start = datetime(1904, 1, 1) if name == "excel_1904" else datetime(1899, 12, 30)
            return start + timedelta(seconds=round(float(text.replace(",", ".")) * 86_400))
        if name in ("unix", "unix_ms"):
            scale = 1 if name == "unix" else 1000
            seconds = float(text) / scale
            return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
        if "%" in name:
            return datetime.strptime(text, name)
    except (ValueError, OverflowError):
        return None
    return _from_parts(text, order if name == "auto" else name)


def _from_parts(text: str, order: str) -> datetime | None:
    match = _NUMERIC.fullmatch(text) or _COMPACT.fullmatch(text)
    try:
        if match is not None:
            year, month, day = _year_month_day(match, order)
        else:
            match = _NAMED.fullmatch(text)
            if match is None:
                return None
            name = (match["month1"] or match["month2"])[:3].lower()
            year, month = int(match["year"]), _MONTHS.index(name) + 1
            day = int(match["day1"] or match["day2"])
        return _with_time(match, year, month, day)
    except (ValueError, OverflowError):
        return None


def _year_month_day(match: re.Match[str], order: str) -> tuple[int, int, int]:
    a, b, c = int(match["a"]), int(match["b"]), int(match["c"])
    if len(match["a"]) == 4:
        return a, b, c
    if len(match["c"]) != 4 or order not in ("day_first", "month_first"):
        raise ValueError("the year has two digits, or the order is not known")
    return (c, b, a) if order == "day_first" else (c, a, b)


def _with_time(match: re.Match[str], year: int, month: int, day: int) -> datetime:
    if match["hour"] is None:
        return datetime(year, month, day)
    hour, half = int(match["hour"]), (match["half"] or "").lower().replace(".", "")
    if half and not 1 <= hour <= 12:
        raise ValueError("no such hour on a twelve-hour clock")
    if half == "pm" or match["noon"] in _AFTERNOON or (match["noon"] == "中午" and hour < 11):
        hour += 12 if hour < 12 else 0
    elif half == "am":
        hour %= 12
    micro = int((match["part"] or "0").ljust(6, "0")[:6])
    second = int(match["second"] or 0)
    zone = _offset(match["offset"])
    return datetime(year, month, day, hour, int(match["minute"]), second, micro, tzinfo=zone)


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if not text.startswith(("+", "-")):
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _complaint(text: str, moment: datetime | None) -> str:
    if not text:
        return "empty"
    if moment is None:
        if re.fullmatch(r"\d{5}(\.\d+)?|\d{10}|\d{13}", text):
            return 'a bare number: declare format = "excel", "unix" or "unix_ms" if it is a date'
        return "not a date in the declared format, or a day that does not exist"
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return f"a year before {FIRST_YEAR} or after {LAST_YEAR}"
    return ""


def _to_utc(
    read: Sequence[datetime | None], zone: str, nonexistent: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return instants, which local times the clocks skipped, and which occurred twice."""
    sane = [m if m is not None and FIRST_YEAR <= m.year <= LAST_YEAR else None for m in read]
    aware = np.array([m is not None and m.tzinfo is not None for m in sane], dtype=bool)
    local = pd.DatetimeIndex(
        [None if m is None or m.tzinfo is not None else m for m in sane], dtype="datetime64[us]"
    )
    first = np.ones(len(local), dtype=bool)
    strict = local.tz_localize(zone, ambiguous=first, nonexistent="NaT")
    gap = np.asarray(strict.isna() & local.notna())
    single = local[~gap].tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    twice = np.zeros(len(local), dtype=bool)
    twice[~gap] = np.asarray(single.isna() & local[~gap].notna())
    if nonexistent == "shift":
        strict = local.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    utc = strict.tz_convert("UTC").tz_localize(None).to_numpy(dtype="datetime64[us]").copy()
    for place in np.flatnonzero(aware):
        moment = sane[place]
        assert moment is not None
        utc[place] = np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
    return utc, gap, twice
