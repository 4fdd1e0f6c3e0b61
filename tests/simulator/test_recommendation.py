"""A recommender shows, of two products of the shelf, the one that is believed to be liked."""

from __future__ import annotations

import numpy as np
import pytest

from ecomlab.simulator import Plan, advance, load_scenario, simulate
from ecomlab.simulator.graph import Day
from ecomlab.simulator.loop import MECHANISMS, begin
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.world import World, build_world

ON = Plan(personalisation=True)
PERFECT = {"recommender_sd": 0.0}


def changed(**choice: object) -> Scenario:
    world = load_scenario("west_d2c")
    return world.model_copy(update={"choice": world.choice.model_copy(update=choice)})


def looks(world: World, plan: Plan | None) -> Day:
    """Return a first day as far as products are looked at."""
    day = begin(world, Noise(7), plan)
    day.index = 0
    for step in MECHANISMS:
        step(day)
        if step.name == "choose":
            return day
    raise AssertionError


@pytest.fixture(scope="module")
def world():
    return build_world(changed(), Noise(7), people=30_000, days=3)


def test_only_the_first_places_are_filled(world):
    usual, personal = looks(world, None), looks(world, ON)
    same = usual["considered"] == personal["considered"]
    assert same[2:].all()
    assert 0.2 < same[:2][:, usual["stays"]].mean() < 0.8  # one of two draws, mostly different ones


def test_a_recommender_without_error_never_shows_what_is_liked_less():
    world = build_world(changed(**PERFECT, recommender_places=6), Noise(7), people=10_000, days=3)
    usual, personal = looks(world, None), looks(world, ON)
    gain = 0.0
    fit = {}
    for name, day in (("usual", usual), ("personal", personal)):
        who, seen = day["visitors"], day["considered"]
        people, goods = world.people, world.products
        fit[name] = (
            day["appeal"][seen]
            + (people.taste[who][None] * goods.attribute[seen]).sum(axis=2)
            + people.eco_taste[who] * goods.is_eco[seen]
            - people.price_sensitivity[who] * day["log_price"][seen]
        )
    both = (usual["is_seen"] & personal["is_seen"])[:6]
    gain = (fit["personal"] - fit["usual"])[:6][both]
    assert (gain > -1e-5).all()
    assert gain.mean() > 0.1


def test_nothing_is_looked_at_twice_and_nothing_that_is_not_on_sale(world):
    day = looks(world, ON)
    kept = np.where(day["is_seen"], day["considered"], -1 - np.arange(8)[:, None])
    assert all(len(set(row)) == len(row) for row in kept.T.tolist())
    assert day["on_sale"][day["considered"][day["is_seen"]]].all()


def test_a_recommender_lifts_orders_and_its_cost_is_booked():
    off, on = (simulate("west_d2c", 7, plan, 4000, 45) for plan in (None, ON))
    lift = [one.truth["truth_day"]["expected_orders"].sum() for one in (on, off)]
    assert 1.02 < lift[0] / lift[1] < 1.2
    cost = [one.store.table("costs_daily")["research"].sum() for one in (on, off)]
    assert cost[0] - cost[1] == pytest.approx(0.3 * 4 * 45)
    log = on.store.table("plan_log")
    assert log.loc[log["decision"] == "personalisation", "new"].tolist() == ["on"]


def test_a_recommender_that_is_switched_off_again_leaves_the_shelf_as_it_was():
    eve = simulate("tiny", 7, None, 600, 20)
    plan = Plan(start="2024-01-22", personalisation=False).after(
        Plan(start="2024-01-21", personalisation=True)
    )
    usual, tried = advance(eve, days=2), advance(eve, plan=plan, days=2)
    cost = [one.store.table("costs_daily")["research"].iloc[-2:].tolist() for one in (tried, usual)]
    assert [a - b for a, b in zip(*cost, strict=True)] == pytest.approx([0.3 * 0.6, 0])
