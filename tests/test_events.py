"""The shopping calendar falls on the days that calendars give."""

import pandas as pd
import pytest

from ecomlab.events import MARKETS, list_events, market_of


@pytest.mark.parametrize(
    ("year", "day"),
    [(1818, "03-22"), (1943, "04-25"), (2000, "04-23"), (2024, "03-31"), (2025, "04-20"),
     (2038, "04-25")],
)  # fmt: skip
def test_easter_is_the_published_day(year, day):
    """Meeus, Astronomical Algorithms, ch. 8 (1818, 1943, 2000, 2038: its extremes and examples)."""
    days = list_events(f"{year}-01-01", f"{year}-12-31", market="GB")
    assert days.loc[days["event_id"] == "easter", "date"].max() == pd.Timestamp(f"{year}-{day}")


@pytest.mark.parametrize(
    ("event", "peak"), [("black_friday", "2024-11-29"), ("mothers_day", "2024-05-08")]
)
def test_movable_feasts_are_in_their_windows(event, peak):
    days = list_events("2024-01-01", "2024-12-31")
    assert pd.Timestamp(peak) in set(days.loc[days["event_id"] == event, "date"])


def test_cyber_monday_belongs_to_black_friday_and_tuesday_does_not():
    days = list_events("2023-11-01", "2023-12-05")
    window = set(days.loc[days["event_id"] == "black_friday", "date"])
    assert pd.Timestamp("2023-11-27") in window and pd.Timestamp("2023-11-28") not in window


@pytest.mark.parametrize("market", MARKETS)
def test_a_long_period_is_its_years_put_together(market):
    whole = list_events("2024-01-01", "2026-12-31", market=market)
    parts = [list_events(f"{y}-01-01", f"{y}-12-31", market=market) for y in (2024, 2025, 2026)]
    pd.testing.assert_frame_equal(whole, pd.concat(parts, ignore_index=True))
    assert whole["date"].between("2024-01-01", "2026-12-31").all()


def test_an_unknown_market_and_swapped_days_are_named():
    with pytest.raises(ValueError, match="market"):
        list_events("2024-01-01", "2024-02-01", market="XX")
    with pytest.raises(ValueError, match="Swap"):
        list_events("2024-02-01", "2024-01-01")
    assert market_of("Europe/Paris") == "GB"
