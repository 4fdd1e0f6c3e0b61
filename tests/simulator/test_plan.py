from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomlab.simulator import Plan, PlanError, Scenario, load_scenario, presets, simulate


@pytest.mark.parametrize(
    "values, words",
    [
        ({"budgts": {"social": 1}}, "no lever 'budgts'. Did you mean 'budgets'"),
        ({"budgets": {"social": -1}}, "budgets.social: .*greater than or equal to 0"),
        ({"budgets": {"social": "much"}}, "budgets.social: .*number"),
        ({"prices": {"home": 90}}, "prices.home: .*less than or equal to 5"),
        ({"discounts": float("nan")}, "discounts: .*finite"),
        ({"start": "31.02.2024"}, "start: .*date"),
        ({"before": {"discounts": 9}}, "before.discounts: .*less than"),
        ({"before": {"discounts": 1}}, "start: .*needs a start"),
        ({"start": "2024-02-01", "before": {"start": "2024-03-01"}}, "start: .*is not after"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_lever(values, words):
    with pytest.raises(PlanError, match=words):
        Plan.from_dict(values)


@pytest.mark.parametrize(
    "plan, words",
    [
        (Plan(budgets={"socal": 1}), "budgets.socal: .*Did you mean 'social'"),
        (Plan(budgets={"direct": 1}), "budgets.direct: not one of the budgets"),
        (Plan(prices={"hom": 1}), "prices.hom: .*Did you mean 'home'"),
        (Plan(start=date(2025, 1, 1)), "start: 2025-01-01 lies outside the simulated period"),
        (Plan(start=date(2024, 1, 20), before=Plan(prices={"x": 1})), "prices.x: not one of"),
    ],
)
def test_a_plan_that_does_not_fit_the_scenario_is_refused_by_lever(plan, words):
    with pytest.raises(PlanError, match=words):
        simulate("tiny", people=10, days=30, plan=plan)


multiples = st.floats(0.2, 3).map(lambda x: round(x, 3))


@settings(max_examples=40, deadline=None)
@given(
    st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    st.dictionaries(st.sampled_from(["social", "email"]), multiples),
    st.dictionaries(st.sampled_from(["home", "toys"]), multiples),
    st.none() | multiples,
)
def test_plans_survive_yaml(tmp_path_factory, start, budgets, prices, discounts):
    plan = Plan(start=start, budgets=budgets, prices=prices, discounts=discounts)
    file = tmp_path_factory.mktemp("plan") / "plan.yaml"
    for one in (plan, Plan(start=date(2031, 1, 1), discounts=1).after(plan)):
        file.write_text(one.to_yaml(), encoding="utf-8")
        assert Plan.from_yaml(file) == one


@pytest.mark.parametrize("text", ["- 1", "just words", "start: [", "\x00"])
def test_a_file_that_is_no_plan_is_named(tmp_path, text):
    file = tmp_path / "wish.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=r"wish\.yaml"):
        Plan.from_yaml(file)


def test_a_plan_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Plan().discounts = 2.0  # type: ignore[misc]


def test_a_lever_that_a_later_plan_leaves_alone_stays():
    first = Plan(budgets={"social": 0, "affiliate": 2})
    second = Plan(start=date(2024, 2, 1), budgets={"affiliate": 1}).after(first)
    spend = simulate("tiny", people=300, days=60, plan=second).store.query(
        "SELECT channel, date >= DATE '2024-02-01' AS later, sum(spend) AS spend "
        "FROM ad_daily WHERE channel IN ('social', 'affiliate') GROUP BY ALL ORDER BY ALL"
    )
    before, after, social_before, social_after = spend["spend"]
    assert social_before == social_after == 0
    assert 1.3 < before / 31 / (after / 29) < 2.7


def test_the_plan_log_says_what_changed_and_from_what():
    first = Plan(start=date(2024, 1, 1), budgets={"social": 0.5})
    second = Plan(start=date(2024, 1, 20), budgets={"social": 2}, discounts=0).after(first)
    log = simulate("tiny", people=50, days=30, plan=second).store.table("plan_log")
    told = log[log["author"] == "plan"][["date", "decision", "old", "new"]].astype(str)
    assert told.to_numpy().tolist() == [
        ["2024-01-01", "budget.social", "1", "0.5"],
        ["2024-01-20", "budget.social", "0.5", "2"],
        ["2024-01-20", "discount", "1", "0"],
    ]
    assert not log.duplicated(["date", "decision"]).any()


def test_no_discounts_means_no_promotions_but_for_coupons():
    store = simulate("tiny", days=60, plan=Plan(discounts=0)).store
    assert not store.table("prices")["is_promoted"].any()


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'west_d2c'"):
        simulate("west_d2")
    assert {"cn_platform", "tiny", "west_d2c"} <= set(presets())


@pytest.mark.parametrize(
    "change, words",
    [
        ({"time_zone": "Mars/Base"}, "name a zone"),
        ({"brands": ()}, "brands"),
        ({"colour": "red"}, "colour"),
        ({"regions": {"A": {"name": "A", "population": 1, "share": 0.4}}}, "add up to 0.4"),
        ({"events": {"e": {"month": 2, "day": 29}}}, "events.e"),
        ({"events": {"e": {"month": 2}}}, "either day or weekday"),
        (
            {"routes": {"social": {"channel": "social", "reach": 0.1, "spend": 2}}},
            "half_saturation",
        ),
        ({"fronts": {"mall": {}}}, "routes.direct.fronts"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(change, words):
    values = load_scenario("tiny").model_dump()
    with pytest.raises(ValueError, match=words):
        Scenario.model_validate(values | change)


def test_realistic_effects_are_a_third_of_the_teaching_ones_and_back():
    usual = load_scenario("west_d2c")
    small = usual.with_power("realistic")
    for name, feature in usual.features.items():
        assert small.features[name].order == pytest.approx(feature.order / 3)
        assert small.features[name].cost_per_day == feature.cost_per_day
    assert small.with_power("realistic") is small
    back = small.with_power("teaching").features["photo_reviews"].cart
    assert back == pytest.approx(usual.features["photo_reviews"].cart)
