"""Faults of exports are found, sound exports are left alone, and bad input is named."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecomlab.analysis import screening


def export(seed: int, *, days: int = 120, per_day: int = 15) -> pd.DataFrame:
    """A sound export: prices by product, hours as people keep them."""
    rng = np.random.default_rng(seed)
    rows = days * per_day
    profile = np.array([1, 1, 1, 1, 1, 2, 4, 8, 10, 12, 13, 14, 15, 14, 13, 13, 13, 14, 16, 18, 18,
                        14, 8, 3], dtype=float)  # fmt: skip
    hours = rng.choice(24, size=rows, p=profile / profile.sum())
    date = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.repeat(np.arange(days), per_day), "D")
    sku = rng.integers(0, 20, rows)
    return pd.DataFrame(
        {
            "order_id": np.arange(rows).astype(str),
            "date": date,
            "ordered_at": date + pd.to_timedelta(hours, "h"),
            "region_id": rng.choice(["N", "S"], rows),
            "sku": sku.astype(str),
            "price": np.round((5.0 + 3 * sku) * rng.choice([1.0, 0.9], rows), 2),
        }
    )


def test_a_sound_export_raises_no_alarm():
    alarms = 0
    for seed in range(40):
        lines = export(seed)
        alarms += screening.find_double_delivery(lines).rows
        alarms += screening.find_currency_slip(lines).rows
        alarms += abs(screening.find_clock_shift(lines).hours)
    assert alarms == 0


@pytest.mark.parametrize("hours", [-8, -5, 3, 6])
def test_a_shift_of_ten_days_is_found_with_its_hours_and_its_span(hours):
    found_hours, near = [], 0
    for seed in range(10):
        lines = export(seed)
        span = lines["date"].between("2025-02-10", "2025-02-19")
        lines.loc[span, "ordered_at"] += pd.Timedelta(hours=hours)
        found = screening.find_clock_shift(lines)
        found_hours.append(found.hours)
        off = abs(pd.Timestamp(found.first_day) - pd.Timestamp("2025-02-10")) if (
            found.first_day) else pd.Timedelta(days=99)  # fmt: skip
        near += off <= pd.Timedelta(days=2)
    # 150 orders tell hours apart by one only: neighbouring hours of the day look alike.
    assert max(abs(h - hours) for h in found_hours) <= 1 and near >= 9
    assert sum(h == hours for h in found_hours) >= 5


def test_a_slip_is_found_by_region_and_day_and_short_days_between_are_taken_along():
    lines = export(3)
    hit = lines["date"].between("2025-03-01", "2025-03-05") & (lines["region_id"] == "S")
    short = lines.index[hit & (lines["date"] == "2025-03-03")][2:]
    lines, hit = lines.drop(short), hit.drop(short)
    lines.loc[hit, "price"] *= 100
    found = screening.find_currency_slip(lines)
    assert (found.flags == hit).all()
    np.testing.assert_allclose(found.table["factor"], 100, rtol=0.12)
    assert set(found.table["region_id"]) == {"S"}
    assert replace(found, factor=98.3).divisor == 100.0  # cents, though prices have drifted
    assert replace(found, factor=7.2).divisor == 7.2  # a currency
    back = screening.find_currency_slip(
        lines.assign(price=lines["price"].mask(hit, lines["price"] / 700))
    )
    assert back.divisor == pytest.approx(1 / 7, rel=0.1)


def test_only_days_of_many_copies_are_a_double_delivery():
    lines = export(5)
    again = lines[lines["date"] == "2025-02-02"]
    scattered = lines.iloc[[3, 500, 900]]
    found = screening.find_double_delivery(pd.concat([lines, again, scattered], ignore_index=True))
    assert found.rows == len(again) and "3 equal rows" in found.caveats[0]


def test_robots_are_those_who_never_order():
    day = pd.Timestamp("2025-01-01")
    office = pd.DataFrame({"visitor_id": "office", "date": day, "order_id": [None] * 30 + ["7"]})
    robot = pd.DataFrame({"visitor_id": "robot", "date": day, "order_id": [None] * 30})
    people = pd.DataFrame({"visitor_id": list("abc"), "date": day, "order_id": [None, "1", "2"]})
    visits = pd.concat([office, robot, people], ignore_index=True)
    assert set(visits.loc[screening.find_bots(visits).flags, "visitor_id"]) == {"robot"}


@pytest.mark.parametrize(
    "find",
    [
        screening.find_double_delivery,
        screening.find_currency_slip,
        screening.find_clock_shift,
        screening.find_bots,
    ],
)
def test_a_missing_column_or_an_empty_frame_is_named(find):
    with pytest.raises(ValueError, match="missing"):
        find(pd.DataFrame({"nothing": [1]}))
    whole = export(1, days=2).assign(visitor_id="a").iloc[:0]
    with pytest.raises(ValueError, match="empty"):
        find(whole)


def test_times_with_a_zone_are_refused():
    lines = export(1, days=2)
    with pytest.raises(ValueError, match="without a zone"):
        screening.find_clock_shift(
            lines.assign(ordered_at=lines["ordered_at"].dt.tz_localize("UTC"))
        )


def test_inputs_are_left_as_they_were():
    lines = export(2, days=20)
    before = lines.copy(deep=True)
    screening.find_double_delivery(lines)
    screening.find_currency_slip(lines)
    screening.find_clock_shift(lines)
    pd.testing.assert_frame_equal(lines, before)
