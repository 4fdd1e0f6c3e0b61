"""Closed forms are the best of their lever, and the oracle is the best of its plan space."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from scipy import optimize, stats

from ecomlab.simulator import Plan, PlanError, advance, load_scenario, simulate
from ecomlab.simulator.carriers import delay_means, known_days, usual_shares
from ecomlab.simulator.closed_forms import (
    critical_fractile,
    equal_marginal,
    first_guess,
    lerner_factor,
    square_root_staff,
    unit_economics,
)
from ecomlab.simulator.damage import daily_books
from ecomlab.simulator.oracle import RUNGS, find_oracle
from ecomlab.simulator.plan_space import PlanSpace, carrier_mix
from ecomlab.simulator.rungs import naive_guess
from ecomlab.simulator.valuing import Eve

WEST = load_scenario("west_d2c")
ALONE = dict.fromkeys(
    ("budgets", "prices", "discounts", "promotions", "reorder", "service", "carriers", "promise")
)


@pytest.fixture(scope="module")
def run():
    return simulate("tiny", 7, people=2000, days=100)


@pytest.fixture(scope="module")
def eve(run):
    return Eve.of(run, 20)


@pytest.mark.parametrize("load", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("brought", [30.0, 120.0, 500.0])
def test_equal_marginal_return_is_the_best_budget_of_a_hill_curve(load, brought):
    spend = 100.0
    curve = lambda b: brought * (b * load / (b * load + 1)) / (load / (load + 1)) - spend * b  # noqa: E731
    found = optimize.minimize_scalar(lambda b: -curve(b), bounds=(0, 20), method="bounded")
    assert equal_marginal(brought, spend, load=load) == pytest.approx(max(found.x, 0), abs=2e-3)


@pytest.mark.parametrize("elasticity", [-1.8, -2.6, -4.0])
def test_lerners_rule_is_the_best_price_at_a_constant_elasticity(elasticity):
    cost, kept = 0.45, 0.8
    best = optimize.minimize_scalar(
        lambda m: -(m**elasticity) * (kept * m - cost), bounds=(0.2, 5), method="bounded"
    )
    assert lerner_factor(elasticity, cost, kept) == pytest.approx(best.x, rel=1e-4)
    assert math.isinf(lerner_factor(-1.0, cost))


def test_newsvendor_covers_what_the_textbook_covers():
    # Snyder and Shen, Fundamentals of Supply Chain Theory, example 4.3: h 0.18, p 0.70,
    # demand normal with mean 50 and standard deviation 8; base stock 56.6
    cover = critical_fractile(0.70, 0.18)
    assert 50 + 8 * stats.norm.ppf(cover) == pytest.approx(56.6040, abs=1e-3)


@pytest.mark.parametrize("load", [100.0, 400.0, 2500.0])
def test_square_root_staffing_keeps_the_chance_to_wait_where_halfin_and_whitt_say(load):
    # Halfin and Whitt (1981): the chance tends to 1 / (1 + b Phi(b) / phi(b))
    agents = square_root_staff(load, 1.0)
    blocked = 1.0
    for n in range(1, round(agents) + 1):  # Erlang B by its recursion, then Erlang C
        blocked = load * blocked / (n + load * blocked)
    waits = blocked / (1 - load / agents * (1 - blocked))
    limit = 1 / (1 + stats.norm.cdf(1) / stats.norm.pdf(1))
    assert waits == pytest.approx(limit, abs=0.02)


@pytest.mark.parametrize("days", [0.95, 1.0, 1.1])
def test_no_mix_of_carriers_that_is_as_quick_is_cheaper(days):
    law, weight = WEST.fulfilment, np.array([one.share for one in WEST.regions.values()])
    takes = known_days(WEST, law) + delay_means(WEST, law)
    kinds = list(WEST.categories.values())
    kilos = np.average([k.weight_kg for k in kinds], weights=[k.popularity for k in kinds])
    km = np.array([one.km_to_depot for one in WEST.regions.values()]) / 1000
    cost = np.stack(
        [c.per_parcel + c.per_kg * kilos + c.per_1000_km * km for c in law.carriers.values()]
    )
    mix = carrier_mix(WEST, days)
    share = np.array([[mix[r].get(c, 0) for r in WEST.regions] for c in law.carriers])
    most = days * (weight * (usual_shares(WEST, law) * takes).sum(axis=0)).sum()
    assert (weight * (share * takes).sum(axis=0)).sum() <= most * (1 + 1e-4)
    # the dual: for any price of a day, the cheapest mix costs at least this much
    dual = max(
        (weight * (cost + worth * takes).min(axis=0)).sum() - worth * most
        for worth in np.linspace(0, 30, 3001)
    )
    assert (weight * (share * cost).sum(axis=0)).sum() == pytest.approx(dual, rel=1e-3)


def test_a_quarter_is_worth_what_the_books_of_the_longer_store_say(run, eve):
    plan = Plan(budgets={"social": 0.5}, prices={"apparel": 0.9}, features=("photo_reviews",))
    books = daily_books(advance(run, plan=plan, days=20).store).iloc[-20:].sum()
    lines = eve.value(plan).lines
    both = {
        "goods": "goods", "fulfilment": "fulfilment", "payment": "payment",
        "marketing": "marketing", "service": "service", "holding": "holding", "fixed": "fixed",
        "features": "research",
    }  # fmt: skip
    for mine, theirs in both.items():
        assert lines[mine] == pytest.approx(books[theirs], abs=0.5), mine
    assert lines["revenue"] + lines["shipping"] == pytest.approx(books["revenue"], abs=0.01)
    assert lines["refunds"] < 0 < lines["resale"]


def test_other_luck_leaves_people_goods_and_the_past_alone(eve):
    own, again, other = eve.value(), eve.value(seed=eve.seed), eve.value(seed=5)
    assert own == again != other
    assert own == eve.value()  # nothing of the state was changed
    assert other.lines["fixed"] == own.lines["fixed"]


def test_expected_profit_has_the_mean_of_realised_profit_and_less_luck(eve):
    plan = Plan(prices=dict.fromkeys(eve.world.scenario.categories, 0.9))
    pairs = [(eve.value(plan, seed=s), eve.value(seed=s)) for s in range(1, 13)]
    realised = np.array([one.realised - other.realised for one, other in pairs])
    expected = np.array([one.expected - other.expected for one, other in pairs])
    gap = realised - expected
    assert abs(gap.mean()) < 3.5 * gap.std(ddof=1) / np.sqrt(len(gap))
    assert expected.std() < realised.std()


def test_a_plan_space_tells_its_bounds_and_refuses_what_lies_outside():
    space = PlanSpace(prices=(0.9, 1.1))
    assert "prices 0.9 to 1.1" in str(space)
    with pytest.raises(ValueError, match="not in the plan space"):
        space.plan(WEST, {"prices.toys": 1.2})
    with pytest.raises(ValueError, match="does not run upwards"):
        PlanSpace(budgets=(2.0, 1.0))
    with pytest.raises(ValueError, match="one lever at least"):
        PlanSpace(**ALONE)
    with pytest.raises(ValueError, match="status quo"):
        PlanSpace(budgets=(1.5, 2.0)).levers(WEST)


def test_every_lever_of_the_space_makes_a_plan_that_fits():
    space = PlanSpace()
    for lever in space.levers(WEST):
        for place in (lever.low, lever.high):
            plan = space.plan(WEST, {lever.name: place})
            plan.check(WEST, days=91)
            assert plan != Plan()
    assert space.plan(WEST, {one.name: one.usual for one in space.levers(WEST)}) == Plan()


def test_closed_forms_and_the_naive_rung_stay_within_the_space(run):
    levers = PlanSpace().levers(run_scenario(run))
    for place in (first_guess(run, run_scenario(run), levers), naive_guess(run.store, levers)):
        assert list(place) == [one.name for one in levers]
        assert all(one.low <= place[one.name] <= one.high for one in levers)


def run_scenario(run):
    return load_scenario(run.store.manifest.origin["scenario"])


def test_unit_economics_add_up_with_the_books(run):
    economics, books = unit_economics(run.store), daily_books(run.store).sum()
    margin = ((economics["kept_share"] - economics["cost_share"]) * economics["amount"]).sum()
    lines = ("revenue", "goods", "refunds", "resale", "fulfilment", "payment", "returns_handling")
    assert margin == pytest.approx(sum(books[name] for name in lines), abs=0.5)


@pytest.fixture(scope="module")
def found(run):
    return find_oracle(run, days=20, space=PlanSpace(**ALONE | {"budgets": (0, 3)}), seeds=4)


def test_the_oracle_of_budgets_is_as_good_as_any_on_a_grid(found, eve):
    space = PlanSpace(**ALONE | {"budgets": (0, 3)})
    scenario = eve.world.scenario
    best = found.levers.set_index("lever")["oracle"].to_dict()
    worth = lambda point: np.mean(  # noqa: E731
        [eve.value(space.plan(scenario, point), seed=s).expected for s in range(1, 5)]
    )
    mine = worth(best)
    others = [
        worth(dict.fromkeys(best, 1.0)), worth(dict.fromkeys(best, 0.0)),
        worth(dict.fromkeys(best, 0.5)), worth(best | {"budgets.social": 1.0}),
    ]  # fmt: skip
    assert mine >= max(others) - 0.01 * abs(max(others))
    assert found.gain == pytest.approx(mine - others[0])


def test_the_ladder_has_its_rungs_its_space_and_its_luck(found):
    assert found.table["rung"].tolist() == list(RUNGS)
    assert found.table["gain"].iloc[0] == 0
    assert found.table["grade"].iloc[-1] == 1
    assert found.gain > 0
    assert "budgets 0 to 3" in repr(found)
    assert found.draws.groupby("rung")["seed"].nunique().eq(4).all()
    assert found.gaps["levers"].tolist() == ["budgets"]
    assert found.plan.to_dict().keys() == {"budgets"}


def test_a_plan_is_graded_between_the_status_quo_and_the_oracle(found, run):
    assert found.grade(found.plan, run, days=20) == pytest.approx(1)
    assert found.grade(Plan(), run, days=20) == pytest.approx(0)
    assert found.grade(Plan(budgets={"social": 3.0}), run, days=20) < 0


def test_a_store_on_the_disk_has_the_same_worth_as_its_run(tmp_path, run, eve):
    from ecomlab.simulator.oracle import run_of

    run.save(tmp_path / "shop")
    from ecomlab.store import open_store

    again = Eve.of(run_of(open_store(tmp_path / "shop")), 20)
    assert again.value(seed=3) == eve.value(seed=3)


def test_what_cannot_be_lived_on_has_no_oracle(run):
    with pytest.raises(ValueError, match="two different ones"):
        find_oracle(run, seeds=1)
    with pytest.raises(ValueError, match="checkpoint"):
        find_oracle(run.store)


def test_a_plan_that_reaches_back_before_the_eve_is_refused(eve):
    with pytest.raises(PlanError, match="before the quarter's first day"):
        eve.value(Plan(start="2024-02-01", budgets={"social": 0}))


@pytest.mark.slow
def test_the_oracle_of_a_quarter_wins_on_fresh_luck_and_is_no_optimist():
    eve = simulate("west_d2c", 7, people=20_000, days=182)
    begun = time.perf_counter()
    found = find_oracle(eve, seeds=20)
    assert time.perf_counter() - begun < 300
    wide = found.draws.pivot(index="seed", columns="rung", values="expected")
    assert (wide["oracle"] > wide["status quo"]).all()
    assert abs(found.optimism) < 0.05
    order = found.table.set_index("rung")["gain"]
    assert order["oracle"] > order["analyst"] > order["naive"]
