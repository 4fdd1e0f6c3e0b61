"""Tests drawn by lot: sizes are the published ones, intervals cover, looking often is paid for."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ecomlab.analysis import marketing


def outcomes_of(rng, *, units: int = 400, lift: float = 0.0, arms: str = "AB") -> pd.DataFrame:
    """Units in turn in each arm; every arm after the first is lifted."""
    arm = np.array([arms[i % len(arms)] for i in range(units)])
    outcome = rng.normal(size=units) * np.where(arm == "A", 1.0, 2.0) + lift * (arm != "A")
    return pd.DataFrame({"unit_id": np.arange(units), "arm": arm, "outcome": outcome})


# how large a test must be


def test_the_example_of_r_s_power_prop_test_needs_77_units():
    """R's help page of power.prop.test: p1 = .50, p2 = .75, power = .90 gives n = 76.7."""
    assert marketing.plan_test(base_share=0.5, lift_share=0.5, power=0.9).units_per_arm == 77


@pytest.mark.parametrize(("base", "lift"), [(0.03, 0.1), (0.2, -0.25), (0.5, 0.02)])
def test_the_size_is_the_smallest_that_reaches_the_power(base, lift):
    plan = marketing.plan_test(base_share=base, lift_share=lift)
    other = base * (1 + lift)
    pooled = (base + other) / 2

    def power(n: int) -> float:
        edge = stats.norm.isf(0.025) * np.sqrt(2 * pooled * (1 - pooled) / n)
        error = np.sqrt((base * (1 - base) + other * (1 - other)) / n)
        return float(stats.norm.sf((edge - abs(other - base)) / error))

    assert power(plan.units_per_arm) >= 0.8 > power(plan.units_per_arm - 1)


def test_a_test_of_the_planned_size_finds_the_lift_as_often_as_planned():
    plan = marketing.plan_test(base_share=0.1, lift_share=0.3)
    rng, found = np.random.default_rng(0), 0
    for _ in range(400):
        x = rng.binomial(plan.units_per_arm, [0.1, 0.13]) / plan.units_per_arm
        pooled = x.mean()
        found += abs(x[1] - x[0]) > 1.96 * np.sqrt(2 * pooled * (1 - pooled) / plan.units_per_arm)
    assert found / 400 == pytest.approx(0.8, abs=0.06)  # three binomial sds


def test_a_loss_of_the_planned_share_trips_the_sample_ratio_check_as_often_as_planned():
    plan = marketing.plan_ratio_check(lost_share=0.1)
    rng = np.random.default_rng(1)
    treated = rng.binomial(plan.units, 0.9 / 1.9, size=2000)
    chi = (2 * treated - plan.units) ** 2 / plan.units
    assert (chi > stats.chi2.ppf(0.95, 1)).mean() == pytest.approx(0.8, abs=0.03)


# what a test said


def test_the_reading_is_welch_s_as_scipy_has_it():
    seen = outcomes_of(np.random.default_rng(2), units=90, lift=0.4)
    row = marketing.read_test(seen, control="A").table.iloc[1]
    a, b = (seen.loc[seen["arm"] == arm, "outcome"] for arm in "AB")
    welch = stats.ttest_ind(b, a, equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert row["p_value"] == pytest.approx(welch.pvalue)
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))


def test_the_control_stands_first_and_differs_from_itself_by_nothing():
    seen = outcomes_of(np.random.default_rng(3), arms="BAC")
    table = marketing.read_test(seen, control="A").table
    assert table["arm"].tolist() == ["A", "B", "C"]
    assert table.iloc[0][["difference", "low", "high", "p_value"]].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_the_interval_covers_the_lift_nineteen_times_in_twenty():
    hits = 0
    for seed in range(200):
        seen = outcomes_of(np.random.default_rng(seed), units=120, lift=0.3)
        row = marketing.read_test(seen, control="A").table.iloc[1]
        hits += row["low"] <= 0.3 <= row["high"]
    assert 181 <= hits <= 198  # binomial at level .95: outside in one of a thousand


def test_arms_of_wrong_size_are_told_and_planned_shares_are_heeded():
    seen = pd.DataFrame({"unit_id": range(1900), "arm": ["A"] * 1000 + ["B"] * 900,
                         "outcome": 0.0})  # fmt: skip
    even = marketing.read_test(seen, control="A")
    assert even.sample_ratio_p_value == pytest.approx(stats.chisquare([1000, 900]).pvalue)
    lost = marketing.read_test(seen.drop(index=range(1600, 1900)), control="A")
    assert lost.sample_ratio_p_value < 1e-6 and "units were lost" in lost.caveats[0]
    planned = marketing.read_test(seen, control="A", shares={"A": 10 / 19, "B": 9 / 19})
    assert planned.sample_ratio_p_value == pytest.approx(1.0)


def test_an_arm_of_one_unit_has_no_interval():
    seen = pd.DataFrame({"unit_id": range(3), "arm": list("AAB"), "outcome": [1.0, 2.0, 9.0]})
    reading = marketing.read_test(seen, control="A")
    assert np.isnan(reading.low) and any("Not estimated" in c for c in reading.caveats)


@given(st.floats(-100, 100), st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_the_reading_follows_the_unit_of_the_outcome(shift, scale):
    seen = outcomes_of(np.random.default_rng(4), units=60, lift=0.5)
    plain = marketing.read_test(seen, control="A")
    moved = seen.assign(outcome=shift + scale * seen["outcome"])
    assert marketing.read_test(moved, control="A").low == pytest.approx(scale * plain.low, rel=1e-6)


# fewer units: what was known before


def test_cuped_is_the_regression_on_the_past_within_arms():
    rng = np.random.default_rng(5)
    seen = outcomes_of(rng, lift=0.5).assign(before=rng.normal(size=400))
    seen["outcome"] += 3 * seen["before"]
    made = marketing.adjust_outcomes(seen)
    on = (seen["arm"] == "B").to_numpy(dtype=float)
    design = np.column_stack([np.ones(400), on, seen["before"]])
    b = np.linalg.lstsq(design, seen["outcome"], rcond=None)[0]
    reading = marketing.read_test(made.table, control="A")
    assert made.slope == pytest.approx(b[2])
    assert reading.difference == pytest.approx(b[1])
    assert made.variance_saved_share == pytest.approx(0.78, abs=0.06)  # 9 of 9 + 2.5
    assert reading.high - reading.low < 0.6 * np.ptp(
        marketing.read_test(seen, control="A").table[["low", "high"]].iloc[1]
    )


def test_a_past_that_says_nothing_is_left_alone():
    seen = outcomes_of(np.random.default_rng(6)).assign(before=2.0)
    made = marketing.adjust_outcomes(seen)
    assert made.table["outcome"].tolist() == seen["outcome"].tolist()
    assert "Not adjusted" in made.caveats[0]


# looking often


@pytest.mark.parametrize(
    ("looks", "share"), [(1, 0.050), (2, 0.083), (3, 0.107), (5, 0.142), (10, 0.193), (50, 0.320)]
)
def test_looking_often_finds_nothing_as_often_as_armitage_and_others_say(looks, share):
    """Armitage, McPherson and Rowe, JRSS A 132, 1969, table 2, at the 5 % level."""
    assert marketing.compute_false_find_share(looks=looks) == pytest.approx(share, abs=6e-4)


def watched(seed: int, *, lift: float, days: int = 30, daily: int = 60) -> marketing.TestWatch:
    seen = outcomes_of(np.random.default_rng(seed), units=days * daily, lift=lift)
    seen["outcome"] = np.random.default_rng(seed).normal(size=len(seen)) + lift * (seen.arm == "B")
    seen["day"] = np.arange(len(seen)) // daily
    return marketing.watch_test(seen, control="A", expected_difference=0.15)


def test_the_interval_that_is_right_on_all_days_is_left_by_one_null_in_twenty_at_most():
    made = [watched(seed, lift=0.0) for seed in range(150)]
    naive = np.mean([one.naive_stop is not None for one in made])
    always = np.mean([one.stopped is not None for one in made])
    assert always <= 0.10  # at most .05; three binomial sds
    assert naive > 0.20  # .24 at 30 looks by Armitage and others


def test_a_true_lift_is_found_by_watching_and_covered_on_all_days():
    made = [watched(seed, lift=0.15) for seed in range(60)]
    covered = [
        ((one.table["always_low"] <= 0.15) & (one.table["always_high"] >= 0.15)).all()
        for one in made
    ]
    assert np.mean(covered) >= 0.90
    assert np.mean([one.stopped is not None for one in made]) > 0.5


def test_the_always_valid_interval_holds_what_the_mixture_test_does_not_refuse():
    """The likelihood ratio against a normal mixture, integrated by hand, is 1 / (1 - level)."""
    table = watched(3, lift=0.1).table
    row = table.iloc[-1]
    variance = ((row["high"] - row["low"]) / 2 / stats.norm.isf(0.025)) ** 2
    grid = np.linspace(-1.5, 1.5, 60_001)
    edge = row["always_high"] - row["difference"]
    ratio = stats.norm.pdf(edge, grid, np.sqrt(variance)) / stats.norm.pdf(
        edge, 0, np.sqrt(variance)
    )
    mixed = np.trapezoid(ratio * stats.norm.pdf(grid, 0, 0.15), grid)
    assert mixed == pytest.approx(20, rel=1e-3)


# several outcomes


@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=12))
@settings(max_examples=15, deadline=None)
def test_several_outcomes_are_judged_as_statsmodels_does(values):
    from statsmodels.stats.multitest import multipletests

    asked = pd.DataFrame({"metric": range(len(values)), "p_value": values})
    for method, name in (("holm", "holm"), ("benjamini_hochberg", "fdr_bh")):
        ours = marketing.judge_metrics(asked, method=method)
        np.testing.assert_allclose(ours["adjusted_p_value"], multipletests(values, method=name)[1])


# whom to mail


def people_of(seed: int, size: int = 6000) -> pd.DataFrame:
    """Loyal people buy anyhow, new ones are moved by a mail, tired ones are put off."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, size=size, p=[0.3, 0.4, 0.3])
    treated = rng.integers(0, 2, size)
    base, effect = np.array([0.5, 0.1, 0.2])[kind], np.array([0.0, 0.15, -0.08])[kind]
    return pd.DataFrame(
        {"treated": treated, "loyal": (kind == 0) * 1.0, "tired": (kind == 2) * 1.0,
         "noise": rng.normal(size=size), "effect": effect,
         "outcome": (rng.uniform(size=size) < base + treated * effect) * 1.0}
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["t", "x"])
def test_the_uplift_model_finds_who_is_moved(kind):
    people, new = people_of(0, 12_000), people_of(1)
    features = ["loyal", "tired", "noise"]
    model = marketing.UpliftModel(kind=kind).fit(
        people[features], people["treated"], people["outcome"]
    )
    by_kind = pd.Series(model.predict(new[features])).groupby(new["effect"].to_numpy()).mean()
    np.testing.assert_allclose(by_kind, by_kind.index, atol=0.06)  # sd of a kind's mean is .017


def test_mailing_by_uplift_beats_mailing_by_response():
    people = people_of(2, 12_000)
    found = marketing.compare_targeting(
        people, features=["loyal", "tired", "noise"], cost=0.02, share=0.4
    )
    gain = found.table.set_index("rule")["gain"]
    assert gain["uplift above its cost"] > gain["everybody"] > 0
    assert gain["highest uplift (40%)"] > gain["highest response (40%)"] + 0.02
    assert gain["highest uplift (40%)"] == pytest.approx(0.4 * (0.15 - 0.02), abs=0.015)


def test_what_a_rule_earns_is_covered_nineteen_times_in_twenty():
    hits = 0
    for seed in range(8):
        people = people_of(seed, 600).drop(columns=["noise"])
        found = marketing.compare_targeting(people, features=["loyal"], cost=0.02).table
        row = found.set_index("rule").loc["everybody"]
        hits += row["low"] <= 0.4 * 0.15 - 0.3 * 0.08 - 0.02 <= row["high"]
    assert hits >= 6  # of 8: fewer in one of 170; two hundred seeds are in the study


def test_the_qini_curve_is_what_a_slow_loop_finds():
    people = people_of(3, 300).assign(score=np.random.default_rng(0).normal(size=300))
    table = marketing.measure_qini(people, resamples=10).table
    ranked = people.sort_values("score", ascending=False)
    for row in table.iloc[[5, 20, 40, 50]].itertuples():
        top = ranked.head(round(row.share * 300))
        means = top.groupby("treated")["outcome"].mean()
        assert row.gain == pytest.approx((means[1] - means[0]) * len(top) / 300)


def test_the_qini_interval_tells_a_good_score_from_none():
    people = people_of(4, 4000)
    good = marketing.measure_qini(people.assign(score=people["effect"]))
    none = marketing.measure_qini(people.assign(score=people["noise"]))
    assert good.low > 0 > none.low
    assert good.best_share == pytest.approx(0.4, abs=0.32)  # the loyal are neither here nor there
    truth = np.trapezoid([0, 0.06, 0.06, 0.036], [0, 0.4, 0.7, 1.0]) - 0.036 / 2
    assert good.low <= truth <= good.high


# manners

GOOD = pd.DataFrame({"unit_id": [1, 2, 3, 4], "arm": list("AABB"), "outcome": [1.0, 2, 3, 4],
                     "before": 1.0, "day": [1, 2, 1, 2]})  # fmt: skip


@pytest.mark.parametrize(
    ("call", "bad", "word"),
    [
        (marketing.read_test, GOOD.drop(columns="arm"), "outcomes.arm: the column is missing"),
        (marketing.read_test, GOOD.iloc[:0], "empty"),
        (marketing.read_test, GOOD.assign(outcome=list("abcd")), "outcomes.outcome"),
        (
            marketing.read_test,
            GOOD.assign(outcome=[1, np.nan, np.inf, 2]),
            r"2 rows are not finite numbers \(first at \[1",
        ),
        (marketing.read_test, GOOD.assign(unit_id=1), "one row a unit"),
        (marketing.read_test, GOOD.assign(arm="B"), "no arm"),
        (marketing.read_test, GOOD.assign(arm="A"), "at least two arms"),
        (marketing.watch_test, GOOD.drop(columns="day"), "outcomes.day"),
    ],
)
def test_bad_outcomes_are_told_by_column_row_and_remedy(call, bad, word):
    more = {"expected_difference": 1.0} if call is marketing.watch_test else {}
    with pytest.raises(ValueError, match=word):
        call(bad, control="A", **more)


@pytest.mark.parametrize(
    ("values", "word"),
    [({"base_share": 0.0, "lift_share": 0.1}, "base_share"),
     ({"base_share": 5.0, "lift_share": 0.1}, "base_share"),
     ({"base_share": 0.5, "lift_share": 0.0}, "lift_share"),
     ({"base_share": 0.5, "lift_share": 1.5}, "lift_share"),
     ({"base_share": 0.5, "lift_share": 0.1, "power": 1.0}, "power")],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(values, word):
    with pytest.raises(ValueError, match=word):
        marketing.plan_test(**values)


def test_other_bad_inputs_are_refused():
    with pytest.raises(ValueError, match=r"metrics.p_value: 1 rows \(first at \[1\]\) above 1"):
        marketing.judge_metrics(pd.DataFrame({"metric": ["a", "b"], "p_value": [0.1, 1.2]}))
    with pytest.raises(ValueError, match="treated: only one arm"):
        marketing.UpliftModel().fit(pd.DataFrame({"x": [1.0, 2.0]}), [1, 1], [0.0, 1.0])
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        marketing.measure_qini(pd.DataFrame({"treated": [0, 2], "outcome": 0.0, "score": 1.0}))
    with pytest.raises(ValueError, match="looks"):
        marketing.compute_false_find_share(looks=0)


def test_results_show_themselves():
    seen = outcomes_of(np.random.default_rng(0), lift=2.0).assign(day=np.arange(400) // 40)
    people = people_of(1, 400).assign(score=1.0)
    for result in (
        marketing.plan_test(base_share=0.1, lift_share=0.2), marketing.read_test(seen, control="A"),
        marketing.watch_test(seen, control="A", expected_difference=1.0),
        marketing.measure_qini(people, resamples=5),
        marketing.compare_targeting(people, features=["loyal"]),
    ):  # fmt: skip
        assert result.plot().get_title()
        assert len(result.summary()) and "<table" in result._repr_html_()
