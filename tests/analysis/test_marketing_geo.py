"""Geo tests side by side, of channels whose effect lasts: memory, and what others did."""

import numpy as np
import pandas as pd
import pytest

from ecomlab.analysis import marketing

REGIONS, DAYS = 6, 84


def remembered(on: np.ndarray, half_life: float) -> np.ndarray:
    """The share of a lasting effect at work, day by day; on before the first day."""
    kept, work = 0.5 ** (1 / half_life), np.ones_like(on)
    for day in range(on.shape[1]):
        before = work[:, day - 1] if day else 1.0
        work[:, day] = kept * before + (1 - kept) * on[:, day]
    return work


def two_tests(seed: int = 0, half_life: float = 3.0, noise: float = 0.0) -> pd.DataFrame:
    """Social lifts by 20 % and lasts; search lifts by 30 % at once; blocks of two weeks by lot."""
    rng = np.random.default_rng(seed)
    on, other = (np.repeat(rng.random((REGIONS, DAYS // 14)) < 0.5, 14, axis=1).astype(float)
                 for _ in range(2))  # fmt: skip
    work = remembered(on, half_life)
    size = 40.0 * np.arange(1, REGIONS + 1)[:, None] * (1 + 0.3 * np.sin(np.arange(DAYS) / 9))
    mean = size * 1.2**work * 1.3**other
    drawn = rng.poisson(mean * np.exp(noise * rng.normal(size=mean.shape))) if noise else mean
    return pd.DataFrame({
        "region_id": np.repeat(list("abcdef"), DAYS),
        "date": np.tile(pd.date_range("2025-01-06", periods=DAYS), REGIONS),
        "outcome": drawn.ravel(), "is_on": on.ravel() > 0, "spend": 10 * on.ravel(),
        "search": other.ravel(), "block": np.tile(np.arange(DAYS) // 14, REGIONS),
        "brought": (mean * (1 - 1.2**-work)).ravel(),
    })  # fmt: skip


def test_an_effect_that_lasts_is_read_whole_where_its_half_life_is_told():
    panel = two_tests()
    found = marketing.read_geo_test(panel, half_lives=(3.0,), beside=("search",))
    assert found.lift_share == pytest.approx(0.2, abs=1e-6)
    assert found.gained == pytest.approx(panel["brought"].sum(), rel=1e-6)
    assert found.return_ratio == pytest.approx(panel["brought"].sum() / panel["spend"].sum())
    hasty = marketing.read_geo_test(panel, beside=("search",))
    assert hasty.lift_share < 0.18  # dark days still have some of it


def test_parts_of_an_effect_find_how_much_of_it_is_slow():
    found = marketing.read_geo_test(
        two_tests(half_life=7.0), half_lives=(0.0, 7.0), beside=("search",)
    )
    assert found.lift_share == pytest.approx(0.2, abs=1e-6)


def test_what_another_test_does_to_the_regions_is_taken_out():
    panel = two_tests(seed=3, noise=0.02)
    alone = marketing.read_geo_test(panel, half_lives=(3.0,))
    beside = marketing.read_geo_test(panel, half_lives=(3.0,), beside=("search",))
    assert beside.high - beside.low < 0.5 * (alone.high - alone.low)
    row = beside.table.set_index("reading").loc["lift_share"]
    assert row["low"] < 0.2 < row["high"]


def test_intervals_of_lasting_effects_hold_the_truth_about_as_often_as_they_say():
    held = []
    for seed in range(40):
        panel = two_tests(seed=100 + seed, noise=0.05)
        found = marketing.read_geo_test(panel, half_lives=(3.0,), beside=("search",))
        row = found.table.set_index("reading").loc["lift_share"]
        held.append(row["low"] <= 0.2 <= row["high"])
    assert np.mean(held) >= 0.85  # 0.95 less three standard errors


@pytest.mark.parametrize(("given", "says"), [
    ({"half_lives": (-1.0,)}, "half_lives: .*at least 0"),
    ({"half_lives": (float("nan"),)}, "half_lives"),
    ({"beside": ("tv",)}, "tv"),
])  # fmt: skip
def test_bad_memories_and_unknown_tests_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        marketing.read_geo_test(two_tests(), **given)


def test_days_that_are_missing_are_refused_where_their_spend_would_still_work():
    with pytest.raises(ValueError, match="half_lives: a region misses days"):
        marketing.read_geo_test(two_tests().drop(index=[5]), half_lives=(3.0,))
