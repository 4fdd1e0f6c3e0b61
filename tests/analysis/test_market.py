"""Market analysis in numbers: whom to ask, and whom the answers stand for."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes

from ecomlab.analysis import market

Z = 1.959964


# --- how many to ask ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("population", "published"),
    [(10, 10), (100, 80), (200, 132), (300, 169), (500, 217), (1_000, 278), (2_000, 322),
     (5_000, 357), (10_000, 370)],
)  # fmt: skip
def test_sample_sizes_are_those_of_krejcie_and_morgan(population, published):
    """Educational and Psychological Measurement 30, 1970, table 1: rounded, ours rounded up."""
    plan = market.plan_sample(margin_share=0.05, population=population)
    assert plan.respondents - published in (0, 1)


def test_without_correction_the_sizes_are_those_of_every_textbook():
    """Cochran (1977), section 4.4: z² p (1 - p) / e²."""
    assert market.plan_sample(margin_share=0.05).respondents == 385
    assert market.plan_sample(margin_share=0.03).respondents == 1068
    assert market.plan_sample(margin_share=0.05, level=0.99).respondents == 664
    assert market.plan_sample(margin_share=0.05, share=0.1).respondents == 139
    assert market.plan_sample(margin_share=0.05, design_effect=2.0).respondents == 769


@settings(max_examples=60, deadline=None)
@given(st.floats(0.005, 0.3), st.floats(0.05, 0.95), st.integers(50, 10**6), st.floats(0.5, 5.0))
def test_the_size_keeps_the_margin_and_one_less_does_not(margin, share, population, effect):
    plan = market.plan_sample(margin_share=margin, share=share, population=population,
                              design_effect=effect)  # fmt: skip

    def half_width(n: float) -> float:
        left = (population - n) / (population - 1)
        return Z * np.sqrt(effect * share * (1 - share) / n * left)

    assert 1 <= plan.respondents <= population
    assert half_width(plan.respondents) <= margin * (1 + 1e-6)
    assert plan.respondents == 1 or half_width(plan.respondents - 1) >= margin * (1 - 1e-6)


def test_a_sample_of_the_planned_size_is_as_sure_as_planned():
    plan = market.plan_sample(margin_share=0.05, share=0.3, population=800)
    rng = np.random.default_rng(1)
    seen = rng.hypergeometric(240, 560, plan.respondents, size=4_000) / plan.respondents
    assert np.mean(np.abs(seen - 0.3) <= 0.05) == pytest.approx(0.95, abs=0.02)  # lattice


@pytest.mark.parametrize(
    ("named", "wrong"),
    [("margin_share", {"margin_share": 5}), ("margin_share", {"margin_share": 0.0}),
     ("share", {"margin_share": 0.1, "share": 1.0}), ("level", {"margin_share": 0.1, "level": 95}),
     ("population", {"margin_share": 0.1, "population": 0}),
     ("population", {"margin_share": 0.1, "population": 2.5}),
     ("margin_share", {"margin_share": "5 %"}),
     ("design_effect", {"margin_share": 0.1, "design_effect": float("nan")})],
)  # fmt: skip
def test_a_plan_of_impossible_numbers_is_refused_by_name(named, wrong):
    with pytest.raises(ValueError, match=named):
        market.plan_sample(**wrong)


# --- strata ------------------------------------------------------------------------------------

STRATA = pd.DataFrame({"stratum": ["a", "b", "c"], "people": [600, 300, 100], "sd": [1.0, 2, 10]})


def draw_strata(rng: np.random.Generator, world: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    parts = [
        world[world["stratum"] == row.stratum].iloc[
            rng.choice(row.people, row.respondents, replace=False)
        ]
        for row in asked.itertuples()
    ]
    return pd.concat(parts, ignore_index=True)


def stratified_world(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"stratum": row.stratum, "value": rng.normal(5 * i, row.sd, row.people)})
        for i, row in enumerate(STRATA.itertuples())
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_stratified_interval_covers_the_mean_of_all_people_and_neyman_is_narrower():
    hits, width = {"proportional": 0, "neyman": 0}, {"proportional": 0.0, "neyman": 0.0}
    for seed in range(150):
        world = stratified_world(seed)
        for method in hits:
            asked = market.allocate_sample(STRATA, respondents=90, method=method)
            found = market.estimate_stratified_mean(
                draw_strata(np.random.default_rng(seed + 1), world, asked), STRATA
            )
            hits[method] += found.low <= world["value"].mean() <= found.high
            width[method] += found.high - found.low
    assert all(134 <= hit <= 149 for hit in hits.values())  # of 150: 142.5, sd 2.7
    assert width["neyman"] < 0.8 * width["proportional"]


def test_the_stratified_variance_is_the_formula_added_up_by_hand():
    world = stratified_world(3)
    asked = market.allocate_sample(STRATA, respondents=60)
    answers = draw_strata(np.random.default_rng(0), world, asked)
    found = market.estimate_stratified_mean(answers, STRATA)
    mean, variance = 0.0, 0.0
    for row in STRATA.itertuples():
        mine = answers.loc[answers["stratum"] == row.stratum, "value"].tolist()
        m = sum(mine) / len(mine)
        s2 = sum((v - m) ** 2 for v in mine) / (len(mine) - 1)
        mean += row.people / 1000 * m
        variance += row.people * (row.people - len(mine)) * s2 / len(mine) / 1000**2
    assert found.mean == pytest.approx(mean)
    assert found.standard_error == pytest.approx(np.sqrt(variance))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5_000), st.floats(0, 50)), min_size=1, max_size=8),
    st.floats(0, 1),
    st.sampled_from(["proportional", "neyman"]),
)
def test_an_allocation_adds_up_and_asks_nobody_twice(rows, part, method):
    strata = pd.DataFrame(rows, columns=["people", "sd"]).assign(stratum=range(len(rows)))
    least = np.minimum(strata["people"], 2).sum()
    total = int(least + part * (strata["people"].sum() - least))
    found = market.allocate_sample(strata, respondents=total, method=method)
    assert found["respondents"].sum() == total
    assert (found["respondents"] <= found["people"]).all()
    assert (found["respondents"] >= np.minimum(found["people"], 2)).all()


def test_everybody_asked_leaves_no_doubt():
    world = stratified_world(5)
    found = market.estimate_stratified_mean(world, STRATA)
    assert found.low == found.high == pytest.approx(world["value"].mean())


def test_strata_that_do_not_fit_the_answers_are_refused_by_name():
    one = pd.DataFrame({"stratum": ["a", "a", "d"], "value": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match=r"answers.stratum: 1 rows belong to no stratum"):
        market.estimate_stratified_mean(one, STRATA)
    with pytest.raises(ValueError, match=r"fewer than two answers in \['b', 'c'\]"):
        market.estimate_stratified_mean(one.head(2), STRATA)
    with pytest.raises(ValueError, match="respondents: 2000"):
        market.allocate_sample(STRATA, respondents=2_000)
    with pytest.raises(ValueError, match=r"strata.sd: the column is missing"):
        market.allocate_sample(STRATA.drop(columns="sd"), respondents=50, method="neyman")


# --- raking ------------------------------------------------------------------------------------

MARGINS = {"age": {"young": 0.4, "old": 0.6}, "device": {"phone": 0.5, "desk": 0.5}}


def panel(seed: int, people: int = 600) -> pd.DataFrame:
    """People of whom the young with phones answer most; orders depend on both, and on luck."""
    rng = np.random.default_rng(seed)
    age = rng.choice(["young", "old"], people * 4, p=[0.4, 0.6])
    device = np.where(rng.random(len(age)) < 0.5, "phone", "desk")
    chance = np.where(age == "young", 0.5, 0.2) * np.where(device == "phone", 0.9, 0.45)
    orders = 5 + 4 * (age == "young") + 2 * (device == "phone") + rng.normal(0, 3, len(age))
    world = pd.DataFrame({"age": age, "device": device, "orders": orders})
    return world[rng.random(len(age)) < chance].reset_index(drop=True)


def test_raking_keeps_the_odds_ratio_and_meets_the_margins_in_closed_form():
    """Iterative proportional fitting leaves the odds ratio as it was (Deming and Stephan 1940):
    with a 2 x 2 table the fitted cell is the root of a quadratic equation."""
    cells = {
        ("young", "phone"): 50,
        ("young", "desk"): 10,
        ("old", "phone"): 20,
        ("old", "desk"): 40,
    }
    rows = [key for key, count in cells.items() for _ in range(count)]
    sample = pd.DataFrame(rows, columns=["age", "device"])
    fitted = market.rake(sample, margins=MARGINS).table
    odds, a, b = 50 * 40 / (10 * 20), 0.4, 0.5
    root = np.roots([odds - 1, -(odds * (a + b) + 1 - a - b), odds * a * b])
    want = next(x for x in root.real if max(0, a + b - 1) < x < min(a, b))
    here = (fitted["age"] == "young") & (fitted["device"] == "phone")
    assert fitted.loc[here, "weight"].sum() / len(fitted) == pytest.approx(want, abs=1e-8)


def test_raking_agrees_with_a_slow_loop_over_people():
    sample = panel(2, 150)
    weights = [1.0] * len(sample)
    for _ in range(200):
        for column, shares in MARGINS.items():
            for level, share in shares.items():
                mine = [i for i, v in enumerate(sample[column]) if v == level]
                factor = share * len(sample) / sum(weights[i] for i in mine)
                for i in mine:
                    weights[i] *= factor
    found = market.rake(sample, margins=MARGINS)
    np.testing.assert_allclose(found.table["weight"], weights, rtol=1e-7)
    np.testing.assert_allclose(
        found.design_effect, len(weights) * sum(w * w for w in weights) / sum(weights) ** 2
    )
    np.testing.assert_allclose(found.margins["weighted_share"], found.margins["target_share"])


def test_weights_do_not_depend_on_the_order_of_rows_or_margins():
    sample = panel(3)
    one = market.rake(sample, margins=MARGINS).table["weight"]
    other = market.rake(
        sample.sample(frac=1, random_state=0), margins=dict(reversed(MARGINS.items()))
    )
    np.testing.assert_allclose(other.table["weight"].sort_index(), one, rtol=1e-7)


def test_a_sample_that_fits_already_keeps_equal_weights():
    sample = pd.DataFrame({"age": ["young"] * 4 + ["old"] * 6})
    found = market.rake(sample, margins={"age": {"young": 0.4, "old": 0.6}})
    assert (found.table["weight"] == 1).all()
    assert found.design_effect == 1
    assert found.iterations == 1


def test_the_weighted_interval_covers_the_population_mean_and_the_raw_one_does_not():
    truth, weighted, raw = 5 + 4 * 0.4 + 2 * 0.5, 0, 0
    for seed in range(200):
        found = market.estimate_weighted_mean(
            market.rake(panel(seed), margins=MARGINS), value="orders"
        )
        weighted += found.low <= truth <= found.high
        raw += found.table["low"].iloc[0] <= truth <= found.table["high"].iloc[0]
    assert 181 <= weighted <= 198  # of 200: 190, sd 3.1
    assert raw < 40


def test_the_weighted_standard_error_is_that_of_raking_many_bootstrap_samples():
    sample = panel(4)
    found = market.estimate_weighted_mean(market.rake(sample, margins=MARGINS), value="orders")
    means = []
    for seed in range(300):
        again = sample.sample(frac=1, replace=True, random_state=seed, ignore_index=True)
        weight = market.rake(again, margins=MARGINS).table["weight"]
        means.append(np.average(again["orders"], weights=weight))
    assert found.standard_error == pytest.approx(np.std(means), rel=0.12)  # 4 % of 300 draws


def test_a_weighted_ratio_and_its_error_are_those_of_bootstrap_samples():
    rng = np.random.default_rng(0)
    sample = panel(4).assign(ours=lambda d: (d["orders"] * rng.random(len(d)) ** 4).clip(lower=0))
    found = market.estimate_weighted_mean(
        market.rake(sample, margins=MARGINS), value="ours", over="orders"
    )
    ratios = []
    for seed in range(200):
        again = sample.sample(frac=1, replace=True, random_state=seed, ignore_index=True)
        weight = market.rake(again, margins=MARGINS).table["weight"]
        ratios.append((weight * again["ours"]).sum() / (weight * again["orders"]).sum())
    assert found.mean == pytest.approx(np.mean(ratios), rel=0.02)
    assert found.standard_error == pytest.approx(np.std(ratios), rel=0.15)  # 5 % of 200 draws


def test_asking_a_good_part_of_the_people_narrows_the_interval_by_the_correction():
    raking = market.rake(panel(4), margins=MARGINS)
    wide = market.estimate_weighted_mean(raking, value="orders")
    narrow = market.estimate_weighted_mean(
        raking, value="orders", population=2 * raking.respondents
    )
    assert narrow.standard_error == pytest.approx(wide.standard_error * np.sqrt(0.5))


@pytest.mark.parametrize(
    ("margins", "words"),
    [
        ({"age": {"young": 0.4, "old": 0.5, "ancient": 0.1}}, r"nobody in the sample is \['anc"),
        ({"age": {"young": 1.0}}, r"sample.age: \['old'\] have no share"),
        ({"age": {"young": 40, "old": 60}}, "add up to 100"),
        ({"age": {"young": -0.1, "old": 1.1}}, r"shares of \['young'\]"),
        ({"age": {"young": 0.0, "old": 1.0}}, "share 0, and there"),
        ({"wealth": {"rich": 1.0}}, r"sample.wealth: the column is missing"),
        ({}, "margins: none given"),
    ],
)
def test_margins_that_cannot_be_met_are_refused_by_name(margins, words):
    with pytest.raises(ValueError, match=words):
        market.rake(panel(1), margins=margins)


def test_margins_that_contradict_each_other_are_not_estimated():
    sample = pd.DataFrame(
        {"age": ["young"] * 5 + ["old"] * 5, "device": ["phone"] * 5 + ["desk"] * 5}
    )
    with pytest.raises(ValueError, match="not estimated, because after"):
        market.rake(sample, margins={"age": {"young": 0.4, "old": 0.6},
                                     "device": {"phone": 0.5, "desk": 0.5}})  # fmt: skip


def test_a_level_in_percent_is_refused():
    with pytest.raises(ValueError, match="level: 95 is not between 0 and 1"):
        market.estimate_weighted_mean(
            market.rake(panel(1), margins=MARGINS), value="orders", level=95
        )


def test_an_empty_answer_is_named_with_its_rows():
    sample = panel(1)
    sample.loc[7, "age"] = None
    with pytest.raises(ValueError, match=r"sample.age: 1 rows are empty \(first at \[7\]"):
        market.rake(sample, margins=MARGINS)


# --- pictures ----------------------------------------------------------------------------------


def title(ax: Axes) -> str:
    return "".join(ax.get_title(loc=place) for place in ("left", "center"))


def test_pictures_say_what_was_found():
    plan = market.plan_sample(margin_share=0.05)
    assert "385 answers" in title(plan.plot())
    raking = market.rake(panel(1), margins=MARGINS)
    assert "young have 1.6 times their true share" in title(raking.plot())
    found = market.estimate_weighted_mean(raking, value="orders")
    assert "Weights move orders from" in title(found.plot())
    strata = market.estimate_stratified_mean(stratified_world(1), STRATA)
    assert "most in c" in title(strata.plot())
