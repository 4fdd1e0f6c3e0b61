"""Expected mode is the mean of sampled runs, without luck, and smooth in the levers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecomlab.simulator import Expected, Plan, PlanError, Scenario, expect, load_scenario, simulate
from ecomlab.simulator.damage import daily_books
from ecomlab.simulator.expected.books import LINES, Books
from ecomlab.simulator.expected.cells import draw_cells
from ecomlab.simulator.expected.crowd import Crowd, Flows
from ecomlab.simulator.expected.desk import answered_shares
from ecomlab.simulator.expected.letters import mail_cost
from ecomlab.simulator.incidents import Incident
from ecomlab.simulator.kernels.expected import COLUMNS, expect_visits
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.world import build_world

TINY = load_scenario("tiny")
PLAIN = TINY.without_operations()
PEOPLE, DAYS, RUNS = 4000, 90, 10


def sampled_books(law: Scenario, seed: int, plan: Plan | None = None) -> pd.Series:
    """Return what the tables of a sampled run add up to."""
    store = simulate(law, seed, plan, PEOPLE, DAYS).store
    found = daily_books(store).sum()
    found["sessions"] = float(len(store.arrow("sessions")))
    sold = "SELECT sum(units) v FROM order_lines JOIN orders USING (order_id)"
    found["units"] = float(store.query(f"{sold} WHERE payment_status = 'paid'")["v"][0])
    return found


def books_of(law: Scenario, seed: int, plan: Plan | None = None) -> pd.Series:
    return expect(law, seed, plan, PEOPLE, DAYS).lines()


def off(law: Scenario, seeds: range, plan: Plan | None = None) -> pd.DataFrame:
    """Return, by line, the mean gap to sampled runs, its standard error, and their mean."""
    drawn = pd.DataFrame([sampled_books(law, seed, plan) for seed in seeds])
    told = pd.DataFrame([books_of(law, seed, plan) for seed in seeds])
    gaps = (told - drawn).dropna(axis=1)
    return pd.DataFrame({"gap": gaps.mean(), "error": gaps.std(ddof=1) / np.sqrt(len(gaps)),
                         "mean": drawn.mean()})  # fmt: skip


@pytest.fixture(scope="module")
def usual() -> Expected:
    return expect("tiny", people=600, days=90)


def test_expected_mode_is_the_mean_of_sampled_runs():
    table = off(PLAIN, range(1, RUNS + 1))
    assert {"sessions", "orders", "units", "revenue", "goods", "refunds", "resale", "fulfilment",
            "marketing", "payment", "returns_handling", "research", "fixed", "profit"
            } <= set(table.index)  # fmt: skip
    # 4 of Student's t with 9 degrees of freedom; what luck does not move, to the cent of a day
    assert (table["gap"].abs() < 4 * table["error"] + 0.01 * DAYS).all(), table
    sure = table.loc[["sessions", "orders", "revenue"]]
    assert (4 * sure["error"] < 0.25 * sure["mean"]).all(), "too few runs to tell anything"


def test_operations_too_are_at_their_mean():
    table = off(TINY, range(1, RUNS + 1))
    assert {"holding", "service"} <= set(table.index)
    assert (table["gap"].abs() < 4 * table["error"] + 0.01 * DAYS).all(), table


def test_buying_ahead_costs_as_many_visits_as_in_sampled_runs():
    """Of the same people with the same luck, all of whom stock up at promotions, or nobody."""
    choice, plan = PLAIN.choice.model_copy(update={"stockpile_days": 60}), Plan(promotions=5.0)
    laws = []
    for share in (1.0, 0.0):
        kinds = {name: kind.model_copy(update={"stockpiled_share": share})
                 for name, kind in PLAIN.categories.items()}  # fmt: skip
        laws.append(PLAIN.model_copy(update={"categories": kinds, "choice": choice}))
    drawn, told = [], []
    for seed in range(1, 7):
        some, none = (simulate(law, seed, plan, PEOPLE, 120).store for law in laws)
        drawn.append(len(some.arrow("sessions")) - len(none.arrow("sessions")))
        some, none = (expect(law, seed, plan, PEOPLE, 120) for law in laws)
        told.append(some.sessions - none.sessions)
    error = np.std(np.subtract(told, drawn), ddof=1) / np.sqrt(len(drawn))
    assert abs(np.mean(told) - np.mean(drawn)) < 4 * error < 0.5 * abs(np.mean(drawn))
    assert max(drawn) < 0


def test_the_books_add_up(usual):
    daily = usual.daily
    assert len(daily) == 90 and daily["date"].is_monotonic_increasing
    assert np.isfinite(daily.drop(columns="date").to_numpy()).all()
    np.testing.assert_allclose(daily["profit"], daily[list(LINES)].sum(axis=1))
    np.testing.assert_allclose(daily["revenue"], daily["sales"] + daily["shipping_fee"])
    np.testing.assert_allclose(daily["gross"], daily["sales"] + daily["discounts"])
    assert usual.profit == pytest.approx(usual.lines()["profit"])
    assert usual.summary()["unit"].tolist()[-1] == "USD"


def test_only_what_is_paid_is_booked_and_what_comes_back_on_its_day():
    costs, books = PLAIN.costs, Books(PLAIN, 3)
    paid = 1 - costs.failed_share - costs.pending_share - costs.cancelled_share
    brought = np.arange(1.0, 1 + len(COLUMNS))
    row = dict(zip(COLUMNS, brought, strict=True))
    books.book(0, 100.0, brought, parcels=7.0)
    books.give_back(1, "refunds", np.array([0.0, 4.0, 9.0]))
    told = books.values
    assert told["sessions"][0] == 100.0 and told["orders"][0] == pytest.approx(paid)
    assert told["revenue"][0] == pytest.approx(paid * (row["sales"] + row["shipping"]))
    assert told["goods"][0] == pytest.approx(-paid * row["goods"])
    assert told["fulfilment"][0] == pytest.approx(-paid * 7.0)
    fee = costs.payment_fee * paid + costs.payment_share * told["revenue"][0]
    assert told["payment"][0] == pytest.approx(-fee)
    np.testing.assert_allclose(told["refunds"], [0.0, 0.0, -4.0 * paid])  # 9 is after the end


def test_the_same_arguments_give_the_same_numbers(usual):
    again = expect("tiny", people=600, days=90)
    pd.testing.assert_frame_equal(usual.daily, again.daily, check_exact=True)
    empty = expect("tiny", plan=Plan(), people=600, days=90)
    pd.testing.assert_frame_equal(usual.daily, empty.daily, check_exact=True)


def test_before_a_plan_starts_nothing_changes(usual):
    plan = Plan(start="2024-02-15", budgets={"social": 3.0}, prices={"toys": 0.8})
    daily = expect("tiny", plan=plan, people=600, days=90).daily
    before = daily["date"] < "2024-02-15"
    booked = daily.columns.difference(["date"])
    pd.testing.assert_frame_equal(daily.loc[before, booked], usual.daily.loc[before, booked])
    assert daily["sessions"].sum() > usual.sessions


@pytest.mark.parametrize(
    ("lever", "what", "sign"),
    [("social", "sessions", 1), ("email", "sessions", 1), ("apparel", "units", -1),
     ("discounts", "units", 1)],
)  # fmt: skip
def test_what_a_lever_does_is_smooth_and_has_one_sign(lever, what, sign):
    def at(place: float) -> float:
        given = {"apparel": {"prices": {"apparel": place}}, "discounts": {"discounts": place}}
        plan = Plan.from_dict(given.get(lever, {"budgets": {lever: place}}))
        return float(expect(PLAIN, plan=plan, people=600, days=60).lines()[what])

    steps = np.diff([at(place) for place in np.linspace(0.9, 1.1, 9)])
    assert (sign * steps > 0).all(), steps
    assert np.abs(np.diff(steps)).max() < 0.5 * np.abs(steps).mean(), steps


def test_a_plan_moves_expected_mode_as_it_moves_sampled_runs():
    plan = Plan(budgets={"paid_search": 0.0}, prices={"apparel": 1.25}, discounts=0.3)
    seeds = range(1, 8)
    drawn = pd.DataFrame([sampled_books(PLAIN, s, plan) - sampled_books(PLAIN, s) for s in seeds])
    told = pd.DataFrame([books_of(PLAIN, s, plan) - books_of(PLAIN, s) for s in seeds])
    for line in ("sessions", "orders", "revenue", "marketing"):
        gap = told[line] - drawn[line]
        assert abs(gap.mean()) < 5 * gap.std(ddof=1) / np.sqrt(len(gap)) + 1.5, line
        assert np.sign(told[line].mean()) == np.sign(drawn[line].mean()), line


def test_operations_levers_move_what_they_are_for(usual):
    def gain(**levers: object) -> pd.Series:
        return expect("tiny", plan=Plan.from_dict(levers), people=600, days=90).lines() - (
            usual.lines()
        )

    fuller = gain(reorder={"all": 3.0})
    assert fuller["orders"] > 0 and fuller["holding"] < 0
    assert gain(service={"agents": {"chat": 2.0}})["service"] < 0
    cheap = {"carriers": {"all": {"economy": 1.0}}}
    assert gain(**cheap)["fulfilment"] > 0
    assert gain(features=["one_page_checkout"])["orders"] > 0
    assert gain(delist=["AP-001"])["units"] < 0


@pytest.mark.parametrize(
    ("plan", "named"),
    [({"personalisation": True}, "personalisation"),
     ({"experiments": [{"id": "no-mail", "kind": "holdout", "what": "email",
                        "start": "2024-01-10", "days": 14, "share": 0.1}]}, "experiments.no-mail"),
     ({"experiments": [{"id": "lots", "kind": "feature", "what": "photo_reviews",
                        "start": "2024-01-10", "days": 14}]}, "experiments.lots"),
     ({"budgets": {"sozial": 2.0}}, "budgets.sozial")],
)  # fmt: skip
def test_a_lever_that_is_not_known_is_named(plan, named):
    with pytest.raises(PlanError, match=named):
        expect("tiny", plan=Plan.from_dict(plan), people=200, days=30)


def test_a_world_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match=r"fronts: cn_platform .* simulate"):
        expect("cn_platform", people=200, days=30)
    slow = Incident(id="slow", parameter="site.load_factor", op="times", value=3.0,
                    start="2024-01-10", days=5)  # fmt: skip
    with pytest.raises(ValueError, match=r"incidents: .* ordinary days"):
        expect(TINY.with_incidents([slow]), people=200, days=30)
    with pytest.raises(ValueError, match="There is no scenario 'tinny'"):
        expect("tinny")


@pytest.mark.parametrize("size", [{"people": 0}, {"days": 5000}, {"cells": 0}, {"cells": 1.5}])
def test_a_size_out_of_its_range_is_named(size):
    with pytest.raises(ValueError, match=next(iter(size))):
        expect("tiny", **{"people": 200, "days": 10, **size})


def test_some_people_can_stand_for_all():
    whole = expect(PLAIN, people=6000, days=60, cells=6000)
    some = expect(PLAIN, people=6000, days=60, cells=2000)
    assert whole.cells == 6000 and some.cells == pytest.approx(2000, abs=2)
    assert some.sessions == pytest.approx(whole.sessions, rel=0.02)
    assert some.orders == pytest.approx(whole.orders, rel=0.06)
    assert any("stand for" in caveat for caveat in some.caveats)


def test_weights_of_those_who_stand_for_all_add_up_to_all():
    people = build_world(PLAIN, Noise(3), people=5000, days=1).people
    who, weight = draw_cells(PLAIN, people, 1000)
    assert len(np.unique(who)) == len(who)
    assert weight.min() >= 1 and weight.sum() == pytest.approx(5000, rel=0.03)


def test_standings_add_up_to_everybody_and_orders_go_by_after_their_time():
    people = build_world(PLAIN, Noise(3), people=400, days=1).people
    crowd = Crowd(PLAIN, people)
    ones = np.ones(400)
    some = Flows(new=0.03 * ones, idle=0.05 * ones, recent=0.08 * ones, stocked=0.04 * ones,
                 leaves=0.2 * ones, stocks=0.3 * ones)  # fmt: skip
    none = Flows(*(0 * ones for _ in range(4)), leaves=ones, stocks=ones)
    for day in range(150):
        crowd.move(day, some if day < 80 else none)
        parts = np.stack([crowd.new, crowd.idle, crowd.recent, crowd.gone])
        np.testing.assert_allclose(parts.sum(axis=0), 1.0)
        assert parts.min() > -1e-12
        assert (crowd.stocked <= crowd.recent + 1e-12).all() and crowd.stocked.min() >= 0
        if day == 80 + PLAIN.choice.stockpile_days:
            assert crowd.stocked.max() < 1e-9
    assert crowd.recent.max() < 1e-9, "nobody ordered for longer than mail calls recent"


def test_one_certain_route_brings_everybody_and_none_nobody():
    region, liking, social = np.zeros(1, dtype=np.int8), np.ones((1, 1), dtype=np.float32), 1.0
    habits = (0.5, 0.1, 0.4, 0.9)

    def chance(reach: float) -> float:
        routes = (np.array([5]), np.zeros(1), np.array([False]), np.array([[reach, reach]]))
        flow = (np.ones((1, 1)), np.zeros(1), 0.0, (0.0, 0.0, 0.0, 0.0))
        found = expect_visits(region, liking, social * np.ones((2, 1)), routes, flow, habits)
        return float(found[0, 0])

    assert chance(0.0) == 0.0
    assert chance(0.25) == pytest.approx(0.25)
    assert chance(5.0) == pytest.approx(0.9)  # a route's chance at most


def test_waiting_customers_are_answered_as_erlang_a_says():
    # arrivals 1/min, mean service 6 min, patience 5 min: abandonment at 6, 7 and 9 agents
    found = 1 - answered_shares(np.full(3, 1 / 60), 360.0, 300.0, np.array([6, 7, 9]))
    np.testing.assert_allclose(found, [0.1677, 0.1008, 0.0294], atol=5e-5)


def test_a_bill_of_few_mails_is_rounded_away():
    sent = np.random.default_rng(1).poisson(4.0, 400_000)
    bill = np.rint(sent / 10).mean() / 100
    assert mail_cost(1.0, np.array([4.0])) == pytest.approx(bill, rel=0.02)
