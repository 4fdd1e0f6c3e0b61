"""Market analysis in numbers: how big the market is, and what people do of what they say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from ecomlab.analysis import market

Z = 1.959964


# --- market size -------------------------------------------------------------------------------


def steps(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["path", "tier", "step", "value", "standard_error"])


TWO_WAYS = steps(
    ("top-down", "TAM", "people", 10_000, 0),
    ("top-down", "TAM", "spend", 500.0, 20.0),
    ("top-down", "SAM", "in reach", 0.6, 0.02),
    ("top-down", "SOM", "won", 0.1, 0.01),
    ("bottom-up", "TAM", "own sales", 200_000.0, 0.0),
    ("bottom-up", "TAM", "own share", 0.041, 0.003),
).assign(is_divisor=lambda s: s["step"] == "own share")


def test_the_ways_are_multiplied_and_weighted_by_their_precision_by_hand():
    found = market.size_market(TWO_WAYS)
    top, bottom = np.log(10_000 * 500), np.log(200_000 / 0.041)
    precision = np.array([(20 / 500) ** -2, (0.003 / 0.041) ** -2])
    middle = np.average([top, bottom], weights=precision)
    assert found.total == pytest.approx(np.exp(middle))
    assert found.total_high == pytest.approx(np.exp(middle + Z / np.sqrt(precision.sum())))
    assert found.of_tier("SAM")["value"] == pytest.approx(10_000 * 500 * 0.6)


def test_the_intervals_are_those_of_monte_carlo():
    found = market.size_market(TWO_WAYS).sizes.set_index(["tier", "path"])
    rng = np.random.default_rng(0)

    def draw(value: float, error: float) -> np.ndarray:
        return value * np.exp(error / value * rng.standard_normal(400_000))

    won = 10_000 * draw(500, 20) * draw(0.6, 0.02) * draw(0.1, 0.01)
    low, high = np.quantile(won, [0.025, 0.975])
    assert found.loc[("SOM", "top-down"), "low"] == pytest.approx(low, rel=0.005)
    assert found.loc[("SOM", "top-down"), "high"] == pytest.approx(high, rel=0.005)


def test_what_two_ways_share_counts_once():
    """Were the shared error taken for two, the middle would seem surer than its only source."""
    people = ("TAM", "people", 100.0, 10.0)
    both = steps(("one", *people), ("one", "TAM", "rate", 2.0, 0.02),
                 ("two", *people), ("two", "TAM", "other", 2.0, 0.02))  # fmt: skip
    error = market.size_market(both).sizes["relative_error"].iloc[-1]
    assert error == pytest.approx(np.sqrt(0.1**2 + 0.01**2 / 2))


def test_ways_that_contradict_each_other_are_told_and_widen_the_interval():
    apart = TWO_WAYS.assign(value=TWO_WAYS["value"].where(TWO_WAYS["step"] != "own share", 0.02))
    found = market.size_market(apart)
    agreed = market.size_market(TWO_WAYS)
    assert "contradict each other" in found.caveats[0]
    assert not any("contradict" in caveat for caveat in agreed.caveats)
    assert found.total_high / found.total_low > 1.5 * agreed.total_high / agreed.total_low


def test_the_reconciled_size_covers_the_truth_and_is_surer_than_either_way():
    hits, narrower = 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        seen = TWO_WAYS.assign(
            value=TWO_WAYS["value"].replace(0.041, 0.04) + TWO_WAYS["standard_error"]
            * rng.standard_normal(len(TWO_WAYS))
        )  # fmt: skip
        found = market.size_market(seen)
        hits += found.total_low <= 5_000_000 <= found.total_high
        rows = found.sizes[found.sizes["tier"] == "TAM"].set_index("path")["relative_error"]
        narrower += rows["reconciled"] < rows.drop("reconciled").min()
    assert 0.91 <= hits / 200 <= 0.985  # binomial sd 0.015
    assert narrower > 180  # all but those that contradict each other


def test_currency_scales_sizes_and_leaves_errors():
    in_cents = TWO_WAYS.copy()
    money = in_cents["step"].isin(["spend", "own sales"])
    in_cents.loc[money, ["value", "standard_error"]] *= 100
    one, other = market.size_market(TWO_WAYS).sizes, market.size_market(in_cents).sizes
    np.testing.assert_allclose(other["value"], 100 * one["value"])
    np.testing.assert_allclose(other["relative_error"], one["relative_error"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tier": "ALL"}, "steps.tier"),
        ({"value": -1.0}, r"steps.value: 6 rows are not above 0"),
        ({"standard_error": np.nan}, "steps.standard_error: 6 rows are not finite"),
        ({"step": "the same"}, "has two values"),
        ({"tier": "SAM"}, "has no TAM"),
    ],
)
def test_steps_that_make_no_size_are_refused_by_name(change, words):
    with pytest.raises(ValueError, match=words):
        market.size_market(TWO_WAYS.assign(**change))


def test_a_share_above_one_is_refused():
    bad = TWO_WAYS.assign(value=TWO_WAYS["value"].where(TWO_WAYS["step"] != "won", 10.0))
    with pytest.raises(ValueError, match=r"steps.value: \['won'\] is above 1"):
        market.size_market(bad)


# --- what is said, and what is done ------------------------------------------------------------


def pairs(seed: int, people: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    will = rng.gamma(2.0, 5.0, people)
    return pd.DataFrame(
        {"stated": will * 1.25 * np.exp(0.3 * rng.standard_normal(people) - 0.045),
         "done": rng.poisson(will)}
    )  # fmt: skip


def test_the_factor_from_word_to_deed_is_covered():
    hits = 0
    for seed in range(300):
        found = market.calibrate_answers(pairs(seed))
        hits += found.low <= 0.8 <= found.high
    assert 0.91 <= hits / 300 <= 0.98  # binomial sd 0.0126


def test_the_interval_of_the_factor_holds_the_ratios_that_a_test_lets_stand():
    from scipy.stats import ttest_1samp

    sample = pairs(1)
    found = market.calibrate_answers(sample)
    for ratio in np.linspace(0.4, 1.4, 101):
        stands = ttest_1samp(sample["done"] - ratio * sample["stated"], 0).pvalue >= 0.05
        assert stands == (found.low <= ratio <= found.high)


def test_a_corrected_answer_is_as_unsure_as_both_of_its_parts_by_draws():
    found = market.calibrate_answers(pairs(2))
    table = market.correct_answer(found, value=10.0, standard_error=1.0)
    rng = np.random.default_rng(0)
    draws = (10 + rng.standard_normal(400_000)) * (
        found.factor + found.standard_error * rng.standard_normal(400_000)
    )
    assert table["standard_error"].iloc[1] == pytest.approx(draws.std(), rel=0.01)


def test_pairs_without_a_statement_are_refused():
    with pytest.raises(ValueError, match=r"pairs.stated: 3 pairs, 0 stated"):
        market.calibrate_answers(pd.DataFrame({"stated": [0.0] * 3, "done": [1.0] * 3}))
    with pytest.raises(ValueError, match="cannot be told from zero"):
        market.calibrate_answers(pd.DataFrame({"stated": [0.0, 0, 9], "done": [1.0, 0, 0]}))


# --- pictures ----------------------------------------------------------------------------------


def title(ax: Axes) -> str:
    return "".join(ax.get_title(loc=place) for place in ("left", "center"))


def test_pictures_say_what_was_found():
    assert "Of a market of 4.97 M USD" in title(market.size_market(TWO_WAYS, unit="USD").plot())
    only = market.size_market(TWO_WAYS[TWO_WAYS["tier"] == "TAM"], unit="USD")
    assert title(only.plot()).startswith("The market is 4.97 M USD")
    assert "For each unit stated" in title(market.calibrate_answers(pairs(1)).plot())
