from __future__ import annotations

from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecomlab.simulator import Plan, SimulatedRun, load_scenario, simulate
from ecomlab.simulator.score import score
from ecomlab.simulator.twins import measure_effect


@pytest.fixture(scope="module")
def run() -> SimulatedRun:
    """A confounded western store of half a year."""
    return simulate("west_d2c", seed=7, people=12_000, days=182)


ESTIMANDS = [
    "elasticity:AP-045", "elasticity:apparel", "elasticity:all", "orders:social", "orders:seo",
    "amount:paid_search", "margin:email", "roas:paid_search.brand", "roas:generic_search",
    "market_size:apparel", "market_size:all", "market_share:apparel", "eco_premium",
    "willingness:home", "mean_satisfaction", "feature:one_page_checkout",
]  # fmt: skip
WINDOW = ("2024-02-01", "2024-03-31")
COST = load_scenario("west_d2c").features["countdown_timer"].cost_per_day


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_the_truth_has_no_error_and_loses_nothing(run, estimand):
    truth = score(0.0, estimand, WINDOW, of=run).truth
    exact = score({"value": truth, "low": truth, "high": truth}, estimand, WINDOW, of=run)
    assert exact.error == 0 and exact.covered
    assert exact.decision_loss in (0.0, None)
    assert exact.decision == exact.best_decision
    assert bool(exact.caveats) or exact.decision_loss == 0  # no loss, and it says why
    assert "decision_loss" in set(exact.summary()["quantity"])


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_no_answer_gains_over_the_truth(run, estimand):
    for answer in (-5.0, -2.0, -1.0, 0.0, 0.02, 3.0, 1e4):
        found = score(answer, estimand, WINDOW, of=run)
        assert found.decision_loss is None or found.decision_loss >= 0
        if found.decision_loss is not None and found.decision_loss_share is not None:
            assert np.isfinite(found.decision_loss_share)


def test_a_wrong_sign_loses_money(run):
    wrong = score(2.6, "elasticity:apparel", of=run)
    near = score(-2.6, "elasticity:apparel", of=run)
    assert wrong.decision == "prices x1.6"
    assert wrong.decision_loss_share > 0.3 > 0.01 > near.decision_loss_share
    assert score(-1, "orders:email", of=run).decision_loss > 0  # e-mail earns its small cost


def test_a_biased_answer_that_leads_to_the_right_action_loses_nothing(run):
    truth = score(0, "roas:social", of=run)
    assert truth.best_decision == "cut"
    biased = score(1.4 * truth.truth, "roas:social", of=run)
    assert biased.relative_error == pytest.approx(0.4)
    assert biased.decision_loss == 0


def test_the_naive_return_on_social_advertising_costs_money(run):
    """Platforms claim orders of people who would have come anyway: the return looks good."""
    ads = run.store.table("ad_daily").query("channel == 'social'")
    paid = run.store.table("orders").query("payment_status == 'paid'")
    claimed = ads["reported_orders"].sum() * paid["amount"].mean() / ads["spend"].sum()
    naive = score(claimed, "roas:social", of=run)
    true = score(naive.truth, "roas:social", of=run)
    assert naive.relative_error > 1
    assert naive.decision == "keep" and true.decision == "cut"
    assert naive.decision_loss > true.decision_loss == 0
    by_hand = run.truth["truth_route_day"].query("channel == 'social'").sum(numeric_only=True)
    assert naive.decision_loss == pytest.approx(by_hand["spend"] - by_hand["incremental_margin"])
    assert naive.decision_loss_share == pytest.approx(naive.decision_loss / by_hand["spend"])


def test_prices_follow_the_rule_of_lerner(run):
    """For one product: c e / (1 + e), within 0.6 and 1.6 of today's price, done by hand."""
    goods = run.store.table("products").set_index("sku").loc["AP-045"]
    price = run.store.table("prices").query("sku == 'AP-045'")["price"].mean()
    told = run.truth["truth_elasticity"].query("sku == 'AP-045'")
    units, truth = told["expected_units"].sum(), score(0, "elasticity:AP-045", of=run).truth
    assert truth == pytest.approx(
        np.average(told["own_price_elasticity"], weights=told["expected_units"])
    )
    found = score(-2.2, "elasticity:AP-045", of=run)

    def profit(asked):
        return units * (asked / price) ** truth * (asked - goods["unit_cost"])

    asked, best = (np.clip(goods["unit_cost"] * e / (1 + e), 0.6 * price, 1.6 * price)
                   for e in (-2.2, truth))  # fmt: skip
    assert found.decision_loss == pytest.approx(profit(best) - profit(asked), rel=1e-6)
    grid = np.linspace(0.6, 1.6, 2001) * price
    assert profit(best) == pytest.approx(profit(grid).max(), rel=1e-5)  # the rule is the optimum


def test_the_window_matters_where_the_truth_is_dated(run):
    early, late = ("2024-01-01", "2024-03-31"), ("2024-04-01", "2024-06-30")
    whole = score(0, "orders:social", of=run).truth
    parts = [score(0, "orders:social", window, of=run).truth for window in (early, late)]
    assert parts[0] != parts[1] and sum(parts) == pytest.approx(whole)
    halves = [score(0, "market_size:all", window, of=run).truth for window in (early, late)]
    assert sum(halves) == pytest.approx(score(0, "market_size:all", of=run).truth)
    day = score(0, "market_size:all", ("2024-04-01", "2024-04-01"), of=run).truth
    assert day == pytest.approx(halves[1] / 91)
    elastic = [score(0, "elasticity:apparel", window, of=run).truth for window in (early, late)]
    assert elastic[0] != elastic[1]
    told = run.truth["truth_market"].query("quarter == '2024-Q1' and category_id == 'home'")
    by_hand = told.set_index("seller")["orders"]
    share = score(0, "market_share:home", early, of=run).truth
    assert share == pytest.approx(by_hand["ours"] / by_hand["market"])


def test_a_feature_has_the_effect_that_two_runs_show(run):
    found = score(0.0, "feature:one_page_checkout", WINDOW, of=run)
    plan = Plan(start="2024-02-01", features=("one_page_checkout",))
    both = measure_effect("west_d2c", 7, plan=plan, people=12_000, window=WINDOW)
    base = run.truth["truth_day"].set_index("date").loc[WINDOW[0] : WINDOW[1], "expected_orders"]
    # two runs add what follows from more customers, within two months less than a tenth of it
    assert found.truth == pytest.approx(both.orders / base.sum(), rel=0.2)
    nothing = score(0.05, "feature:countdown_timer", WINDOW, of=run)
    assert nothing.truth == 0 and nothing.relative_error is None
    assert nothing.decision == "build" and nothing.best_decision == "leave"
    assert nothing.decision_loss == pytest.approx(COST * 12 * 365)


def test_a_feature_that_is_built_or_tried_has_the_same_effect(run):
    plan = Plan(features=("one_page_checkout",))
    built = simulate("west_d2c", 7, plan=plan, people=12_000, days=91)
    one, other = (score(0, "feature:one_page_checkout", WINDOW, of=r).truth for r in (built, run))
    assert one == pytest.approx(other, rel=1e-9)


def test_answers_are_numbers_mappings_or_results(run):
    plain = score(np.float64(2.0), "roas:email", of=run)
    assert plain.covered is None
    told = SimpleNamespace(value=2.0, low=1.0, high=3.0)
    result = SimpleNamespace(headline={"elasticity": ""}, elasticity=2.0, low=1.0, high=3.0)
    for answer in ({"value": 2.0, "low": 1.0, "high": 3.0}, told, result):
        found = score(answer, "roas:email", of=run)
        assert (found.estimate, found.covered) == (2.0, False)
    assert score({"value": 2, "low": 1, "high": 1e9}, "roas:email", of=run).covered


def test_a_folder_with_its_truth_beside_it_scores_like_the_run(run, tmp_path):
    run.save(tmp_path / "shop")
    kept, held = (score(-2.0, "elasticity:apparel", WINDOW, of=of) for of in
                  (tmp_path / "shop", run))  # fmt: skip
    assert repr(kept) == repr(held)


def test_a_score_shows_its_loss_first_and_is_frozen(run):
    found = score({"value": 6.0, "low": 5.0, "high": 7.0}, "roas:social", of=run)
    assert repr(found).startswith("Score(roas:social: decision_loss=")
    assert "USD" in repr(found) and repr(found) == repr(
        score({"value": 6.0, "low": 5.0, "high": 7.0}, "roas:social", of=run)
    )
    summary = found.summary()
    assert isinstance(summary, pd.DataFrame) and summary["quantity"].iloc[0] == "decision_loss"
    with pytest.raises(FrozenInstanceError):
        found.truth = 0.0


@pytest.mark.parametrize(
    ("answer", "estimand", "window", "said"),
    [
        (1, "rosa:social", None, r"Did you mean 'roas'\? Families: elasticity:SKU"),
        (1, "elasticity", None, "Known for elasticity"),
        (1, "elasticity:apprel", None, "Did you mean 'elasticity:apparel'"),
        (1, "orders:sozial", None, "Did you mean 'orders:social'"),
        (1, "feature:timer", None, "Known for feature: one_page_checkout"),
        (1, "eco_premium:home", None, "There is no estimand 'eco_premium:home'"),
        (1, "roas:seo", None, "nothing was spent"),
        (float("nan"), "roas:social", None, "not a finite number"),
        (True, "roas:social", None, "not a finite number"),
        ("much", "roas:social", None, "has no value"),
        ({"low": 1, "high": 2}, "roas:social", None, "has no value"),
        ({"value": 1, "low": 1}, "roas:social", None, "needs a low and a higher high"),
        ({"value": 1, "low": 2, "high": 1}, "roas:social", None, "needs a low and a higher high"),
        (1, "roas:social", ("2023-12-01", "2024-01-31"), "window: 2023-12-01 to 2024-01-31"),
        (1, "roas:social", ("2024-02-01", "2024-01-01"), "not a span of days"),
    ],
)
def test_what_cannot_be_scored_is_said(run, answer, estimand, window, said):
    with pytest.raises(ValueError, match=said):
        score(answer, estimand, window, of=run)


def test_satisfaction_is_that_of_all_buyers_and_not_of_those_who_write(run):
    told = run.truth["truth_reviews"].query("date >= '2024-02-01' and date <= '2024-03-31'")
    truth = score(0, "mean_satisfaction", WINDOW, of=run).truth
    assert truth == pytest.approx((told["stars"] * told["lines"]).sum() / told["lines"].sum())
    written = run.store.table("reviews").query("not is_invited")["stars"].mean()
    assert abs(score(written, "mean_satisfaction", of=run).error) > 0.02
    with pytest.raises(ValueError, match="nothing was bought"):
        score(4, "mean_satisfaction", of=simulate("tiny", people=5, days=2))
