"""The traps at small size: which way the naive answer errs, and that the way out does not.

That the ways out come within 5 % of the truth is shown by the slow study, at twenty times
the default size.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecomlab.simulator import Plan, Scenario, load_scenario, simulate
from ecomlab.simulator.counts import fit_counts
from ecomlab.simulator.experiments import Experiment
from ecomlab.simulator.parameters import Traps
from ecomlab.simulator.traps import TRAPS, naive_limits, plan_ways_out

SIZE = {"seed": 7, "people": 60_000, "days": 364}
WORLD = load_scenario("west_d2c")
HIGH = ("promotion", "search", "social", "email", "mix", "reviews", "targets",
        "response")  # naive: too much  # fmt: skip
LOW = (
    "price",
    "region",
    "carriers",
    "stock",
)  # too elastic, so below the truth; taste explained away


def dark(channel: str, first: int, days: int) -> Experiment:
    """Region-blocks without a channel, in a part of the period."""
    (test,) = TRAPS["search" if channel == "paid_search" else "mix"].trial(WORLD, days)
    return test.model_copy(update={"start": WORLD.start + timedelta(days=first)})


def care_for_more() -> Scenario:
    """A world in which more products are picked for care, for a small test."""
    values = WORLD.model_dump()
    values["habits"]["coached_per_quarter"] = 40
    return Scenario.model_validate(values)


@pytest.fixture(scope="module")
def naively():
    """Of each trap: the store that the naive answer is read from."""
    usual = simulate(WORLD, plan=None, **SIZE)
    care = simulate(care_for_more(), plan=None, seed=7, people=30_000, days=1456)
    desk = simulate(TRAPS["response"].world(WORLD), plan=None, seed=7, people=40_000, days=182)
    return {**dict.fromkeys(TRAPS, usual), "targets": care, "response": desk}


@pytest.fixture(scope="module")
def usual(naively):
    """The status quo."""
    return naively["price"]


@pytest.fixture(scope="module")
def tried(usual, naively):
    """Of each trap: a run in which its way out is open, and its twin without the trial."""
    lots = plan_ways_out(WORLD, days=364, traps=["price", "promotion", "carriers"]).experiments
    plan = Plan(experiments=(*lots, dark("paid_search", 0, 182), dark("affiliate", 182, 182)))
    run = simulate(WORLD, plan=plan, **SIZE)
    uncut = simulate(WORLD, plan=plan.model_copy(update={"discounts": 0.0}), **SIZE)
    held = plan_ways_out(WORLD, days=364, traps=["social"])
    lots = plan_ways_out(WORLD, days=182, traps=["response"])
    queue = simulate(TRAPS["response"].world(WORLD), plan=lots, seed=7, people=40_000, days=182)
    return {
        **{name: (run, run) for name, run in naively.items()},
        "price": (run, usual),
        "carriers": (run, run),
        "response": (queue, queue),
        "promotion": (run, uncut),
        "search": (run, usual),
        "mix": (run, usual),
        "region": (usual, simulate(WORLD.with_traps({"region": 0}), plan=None, **SIZE)),
        "social": (simulate(WORLD, plan=held, **SIZE), usual),
    }


@pytest.fixture(scope="module")
def undosed():
    """The unconfounded twin: every dose 0, the same draws."""
    return simulate(WORLD.with_traps(dict.fromkeys(TRAPS, 0.0)), plan=None, **SIZE)


def test_every_dose_of_a_scenario_has_a_trap_and_every_trap_a_dose():
    assert set(TRAPS) == set(Traps.model_fields)
    assert set(HIGH) | set(LOW) == set(TRAPS)


def test_the_page_on_traps_tells_each_of_them():
    page = (Path(__file__).resolve().parents[2] / "docs" / "traps.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    for trap in TRAPS.values():
        assert f"## {trap.name.capitalize()}" in page
        assert trap.question in text
        assert trap.confounder in text


@pytest.mark.parametrize("name", TRAPS)
def test_the_way_out_agrees_with_the_truth_within_its_error(tried, name):
    run, twin = tried[name]
    found, truth = TRAPS[name].way_out(run.store), TRAPS[name].truth(run, twin)
    # Nine traps: one set in 1,700 has an error of four standard errors by luck.
    assert abs(found.value - truth) < 4 * found.se
    assert np.isfinite(found.se)


@pytest.mark.parametrize("name", TRAPS)
def test_the_naive_answer_errs_in_its_direction(tried, naively, name):
    naive, truth = TRAPS[name].naive(naively[name].store), TRAPS[name].truth(*tried[name])
    error = (naive.value - truth) * (1 if name in HIGH else -1)
    assert error > 2 * naive.se
    assert error > 0.1 * abs(truth)


@pytest.mark.parametrize("name", [n for n in TRAPS if not TRAPS[n].remains and n != "promotion"])
def test_at_dose_zero_the_naive_answer_is_right(undosed, name):
    naive, truth = TRAPS[name].naive(undosed.store), TRAPS[name].truth(undosed, undosed)
    assert abs(naive.value - truth) < 4 * naive.se


def test_promotions_at_random_weeks_show_their_uplift_naively(tried, undosed):
    truth = TRAPS["promotion"].truth(*tried["promotion"])
    naive = TRAPS["promotion"].naive(undosed.store)
    assert abs(naive.value - truth) < 4 * naive.se


def test_the_unconfounded_twin_has_the_same_people_products_and_surroundings(usual, undosed):
    pd.testing.assert_frame_equal(usual.truth["truth_sku"], undosed.truth["truth_sku"])
    one, other = (run.store.table("calendar") for run in (usual, undosed))
    pd.testing.assert_frame_equal(one, other)
    cost = [run.store.table("prices")["supply_cost_index"] for run in (usual, undosed)]
    pd.testing.assert_series_equal(*cost)
    people = [run.truth["truth_person"].set_index("customer_id") for run in (usual, undosed)]
    both = people[0].merge(people[1], on="customer_id", suffixes=("", "_twin"))
    assert len(both) > 1000
    assert (both["orders_per_week"] == both["orders_per_week_twin"]).all()


def test_limits_grow_with_the_dose_and_the_truth_does_not():
    found = naive_limits(
        WORLD, traps=["reviews"], doses=[0, 0.15, 0.45], seed=7, people=30_000, days=182
    )
    error = found["naive"] - found["truth"]
    assert error.is_monotonic_increasing
    assert found["truth"].std() < 0.02


@pytest.mark.parametrize("name", ["price", "promotion", "search", "social", "mix"])
def test_a_way_out_without_its_trial_says_what_to_order(usual, tried, name):
    others = {"price": "social", "social": "price"}
    for store in (usual.store, tried[others.get(name, "social")][0].store):
        with pytest.raises(ValueError, match=r"Order it in a plan"):
            TRAPS[name].way_out(store)


def test_counts_with_two_sets_of_levels_agree_with_a_regression_on_dummies():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(5)
    row, column = (at.ravel() for at in np.indices((12, 9)))
    x = rng.normal(size=(len(row), 2))
    level = rng.normal(size=12)[row] + rng.normal(size=9)[column]
    y = rng.poisson(np.exp(1 + level + x @ [0.5, -0.3])).astype(float)
    b, se = fit_counts(y, x, (row, column))
    dummies = np.column_stack([x, np.eye(12)[row], np.eye(9)[column][:, 1:]])
    slow = sm.GLM(y, dummies, family=sm.families.Poisson()).fit(cov_type="HC0")
    assert b == pytest.approx(slow.params[:2], abs=1e-6)
    assert se == pytest.approx(slow.bse[:2], rel=1e-4)


def test_traps_are_frozen():
    trap = TRAPS["price"]
    assert replace(trap, name="other").name == "other"
    with pytest.raises(AttributeError):
        trap.name = "other"
