"""Claims are replayed between worlds that differ by what was decided, and by nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import stats

from ecomlab.simulator import Plan, simulate
from ecomlab.simulator.claims import Claim, load_claims, replay_claim
from ecomlab.simulator.outcomes import OUTCOMES, Span, read_outcome

SAME = {
    "claim": "Nothing differs.", "preset": "tiny", "people": 400, "start": "2024-01-21", "days": 14,
    "worlds": {"one": {}, "other": {}}, "effects": {"none": {"one": 1, "other": -1}},
    "outcomes": ["orders", "profit"], "expects": {"orders": "more"},
}  # fmt: skip


def test_every_claim_names_plans_and_incidents_that_its_scenario_has():
    for name, claim in load_claims().items():
        days = (claim.start - claim.scenario.start).days + claim.days
        for world in claim.worlds.values():
            if world.plan is not None:
                world.plan.check(claim.scenario, days=days)
            for one in world.incidents:
                assert claim.start <= one.start, name
        assert "profit" in claim.outcomes


def test_worlds_in_which_nothing_differs_have_no_effect_at_all():
    found = replay_claim(Claim.model_validate(SAME), (1, 2))
    assert (found.table[["mean", "low", "high"]] == 0).all(axis=None)
    assert not found.borne_out
    assert found.verdict == "Not borne out: orders is not clear."


def test_an_effect_is_the_mean_of_paired_differences_with_its_t_interval():
    worlds = {"one": {"plan": {"budgets": {"social": 0}}}, "other": {}}
    found = replay_claim(Claim.model_validate(SAME | {"worlds": worlds}), (1, 2, 3))
    wide = found.draws.query("outcome == 'profit'").pivot(
        index="seed", columns="world", values="value"
    )
    gap = wide["one"] - wide["other"]
    low, high = stats.t.interval(0.95, 2, loc=gap.mean(), scale=stats.sem(gap))
    row = found.table.set_index("outcome").loc["profit"]
    assert row[["mean", "low", "high"]].tolist() == pytest.approx([gap.mean(), low, high])
    assert gap.mean() > 0  # social advertising does not pay in a quarter of a year


def test_a_claim_whose_worlds_go_the_other_way_is_not_borne_out():
    worlds = {"one": {"plan": {"prices": dict.fromkeys(("apparel", "home", "shoes"), 2.0)}},
              "other": {}}  # fmt: skip
    wrong = SAME | {"worlds": worlds, "people": 1500, "days": 40, "outcomes": ["units"],
                    "expects": {"units": "more"}}  # fmt: skip
    found = replay_claim(Claim.model_validate(wrong), (1, 2, 3))
    assert found.verdict == "Not borne out: units goes the other way."


def test_an_interaction_weighs_four_worlds():
    launch = load_claims()["M-case"].model_copy(update={"days": 14})
    found = replay_claim(launch, (1, 2), people=600)
    mean = found.draws.groupby(["outcome", "world"])["value"].mean()["aware_share"]
    want = mean["both"] - mean["social"] - mean["creators"] + mean["neither"]
    rows = found.table.set_index(["effect", "outcome"])["mean"]
    assert rows["interaction", "aware_share"] == pytest.approx(want)
    # each of them reaches people whom the other one would have reached
    assert rows["interaction", "aware_share"] < 0 < rows["both", "aware_share"]


def test_a_claim_with_a_wrong_name_is_refused():
    with pytest.raises(ValueError, match="Did you mean 'M-case'"):
        replay_claim("M-cass")
    with pytest.raises(ValueError, match="two different seeds"):
        replay_claim("M-case", (1,))
    for wrong in ({"outcomes": ["luck"], "expects": {"luck": "more"}},
                  {"effects": {"none": {"one": 1, "third": -1}}},
                  {"effects": {"none": {"one": 1}}}):  # fmt: skip
        with pytest.raises(ValidationError):
            Claim.model_validate(SAME | wrong)


@pytest.fixture(scope="module")
def shop():
    return simulate("tiny", 7, people=1500, days=70)


def test_outcomes_agree_with_the_tables(shop):
    span = Span(pd.Timestamp("2024-01-10"), pd.Timestamp("2024-02-20"))
    orders = shop.store.table("orders").query("payment_status == 'paid'")
    mine = span.of(orders)
    assert read_outcome(shop, "orders", span) == len(mine)
    assert read_outcome(shop, "amount", span) == pytest.approx(mine["amount"].sum())
    lines = shop.store.table("order_lines").merge(mine[["order_id"]], on="order_id")
    best = lines.groupby("sku")["units"].sum()
    assert read_outcome(shop, f"units:{best.idxmax()}", span) == best.max()
    assert read_outcome(shop, "units", span) == best.sum()
    for name in OUTCOMES:
        assert np.isfinite(read_outcome(shop, name, span)) or name == "repeat_after_contact"


def test_profit_of_the_whole_run_is_what_the_effect_of_twins_adds_up(shop):
    from ecomlab.simulator import measure_effect

    plan = Plan(budgets={"social": 0})
    window = ("2024-01-01", "2024-03-10")
    effect = measure_effect("tiny", 7, plan=plan, people=1500, window=window)
    span = Span(*(pd.Timestamp(day) for day in window))
    other = simulate("tiny", 7, plan, 1500, 70)
    gap = read_outcome(other, "profit", span) - read_outcome(shop, "profit", span)
    assert gap == pytest.approx(effect.profit, abs=0.5)


def test_an_outcome_that_does_not_exist_is_refused(shop):
    span = Span(pd.Timestamp("2024-01-10"), pd.Timestamp("2024-02-20"))
    with pytest.raises(ValueError, match="Did you mean 'orders'"):
        read_outcome(shop, "order", span)
    with pytest.raises(ValueError, match="whole shop"):
        read_outcome(shop, "profit:toys", span)
