from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecomlab.simulator import causal_graph
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.loop import MECHANISMS, STATE, run_days
from ecomlab.simulator.mechanisms.choice import choose, consider, value_products
from ecomlab.simulator.mechanisms.expectation import sole_route_chance
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.scenario import load_scenario
from ecomlab.simulator.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_scenario("west_d2c"), Noise(7), people=6000, days=100)


class Tracing(dict[str, Any]):
    """Values that remember which were written, and which were read before."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()
        self.written: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name not in self.written:
            self.read.add(name)
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.written.add(name)
        super().__setitem__(name, value)


def test_mechanisms_read_and_write_just_what_they_declare(world):
    seen: dict[str, tuple[set[str], set[str]]] = {}

    def trace(one):
        def step(day: Day) -> None:
            if not isinstance(day.values, Tracing):
                traced = Tracing()
                traced.update(day.values)
                day.values = traced
            day.values.read, day.values.written = set(), set()
            one.step(day)
            read, written = seen.setdefault(one.name, (set(), set()))
            read |= day.values.read
            written |= day.values.written

        return mechanism(reads=one.reads, writes=one.writes, streams=one.streams)(step)

    traced = [trace(one) for one in MECHANISMS]
    run_days(world, Noise(7), None, 100, mechanisms=traced, flush=lambda _: None)
    for one in MECHANISMS:
        read, written = seen[one.name]
        assert (one.name, read) == (one.name, set(one.reads))
        assert (one.name, written) == (one.name, set(one.writes))


def test_a_stream_that_is_not_declared_is_refused(world):
    @mechanism(writes=("weather",))
    def rain(day: Day) -> None:
        day["weather"] = day.uniform("weather", np.arange(3))

    with pytest.raises(KeyError, match="'weather' is not declared"):
        run_days(world, Noise(7), None, 1, mechanisms=[*MECHANISMS, rain], flush=lambda _: None)


def test_no_two_mechanisms_share_a_stream_or_write_the_same_value():
    streams = [stream for one in MECHANISMS for stream in one.streams]
    written = [v for one in MECHANISMS for v in one.writes if v not in STATE]
    assert len(streams) == len(set(streams))
    assert len(written) == len(set(written))


def test_only_state_is_read_before_it_is_written():
    known: set[str] = set()
    early = set()
    for one in MECHANISMS:
        early |= set(one.reads) - known
        known |= set(one.writes)
    # who was picked for care stays so for a quarter
    assert early | {"picked", "coached"} == set(STATE)


def test_demand_moves_budgets_and_budgets_move_visits_in_the_declared_graph():
    arrows = {(cause, effect) for cause, effect, _ in causal_graph()}
    assert {("forecast", "budget_cents"), ("traffic", "people_today"), ("response", "visitors"),
            ("category_shock", "price_cents"), ("cost_index", "price_cents")} <= arrows  # fmt: skip
    assert ("cost_index", "lines") not in arrows  # costs reach demand by prices alone


def visitors_of(world: World, *, people: int = 6000) -> Day:
    """Return a day on which many people visit at once."""
    day = Day(world, Noise(7), ())
    day.index = 3
    kinds = len(world.scenario.categories)
    day["visitors"] = world.people.ids[:people]
    day["visitor_is_customer"] = np.zeros(people, dtype=bool)
    day["on_sale"] = world.products.launch <= day.index
    for name in ("category_season", "category_shock", "rival"):
        day[name] = np.zeros(kinds)
    for name in ("sku_shock", "coached"):
        day[name] = np.zeros(len(world.products.key))
    for name in ("feature_order", "feature_cart"):
        day[name] = np.zeros(people)
    day["route"] = np.zeros(people, dtype=np.int64)
    day["on_hand"], day["returned"] = np.full(len(world.products.key), 99), np.zeros(0, dtype=int)
    day["wait_cost"] = np.zeros(len(world.scenario.regions))
    day["shelf_range"] = np.zeros(len(world.scenario.regions), dtype=np.int64)
    day["stays"], day["is_personal"] = np.ones(people, dtype=bool), False
    day["chat_answered"] = np.zeros(0, dtype=np.int64)
    day["intent"], day["price_cents"] = 3.0, world.products.list_cents
    return day


def choices(world: World, raised: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return what 6,000 visitors of one day look at and order, one price raised or not."""
    day = visitors_of(world)
    if raised is not None:
        price = world.products.list_cents.copy()
        price[raised] = price[raised] * 11 // 10
        day["price_cents"] = price
    for step in (value_products, consider, choose):
        step(day)
    return np.where(day["is_seen"], day["considered"], -1), day["wanted"]


def test_a_dearer_product_moves_choices_only_to_or_from_itself(world):
    seen, before = choices(world, None)
    moved = 0
    for sku in np.argsort(-world.products.popularity)[:5]:
        same_seen, after = choices(world, int(sku))
        np.testing.assert_array_equal(seen, same_seen)
        changed = np.flatnonzero((before != after).any(axis=0))
        its_own = ((seen == sku) & (before | after)).any(axis=0)
        moved += len(changed)
        assert its_own[changed].all()
        assert not ((seen == sku) & after & ~before).any(), "nobody turns to a dearer product"
    assert moved > 10


def test_with_forty_products_a_dearer_one_changes_only_its_own_choices():
    scenario = load_scenario("west_d2c").model_copy(
        update={"categories": {"toys": load_scenario("west_d2c").categories["toys"].model_copy(
            update={"skus": 40, "companion": ""})}}
    )  # fmt: skip
    world = build_world(scenario, Noise(3), people=6000, days=5)
    _, before = choices(world, None)
    seen, after = choices(world, 11)
    changed = (before != after).any(axis=0)
    assert 0 < changed.sum() < 60  # about one choice in forty could, few do
    assert (seen[:, changed] == 11).any(axis=0).all()


def test_a_product_taken_off_sale_leaves_every_other_place_as_it_was(world):
    day = visitors_of(world)
    value_products(day)
    consider(day)
    seen, on = day["considered"].copy(), day["is_seen"].copy()
    gone = int(np.argmax(world.products.popularity))
    day["on_sale"] = day["on_sale"] & (np.arange(len(world.products.key)) != gone)
    consider(day)
    np.testing.assert_array_equal(seen, day["considered"])
    np.testing.assert_array_equal(on & (seen != gone), day["is_seen"])


def test_nobody_orders_what_was_not_looked_at_or_is_not_on_sale(world):
    day = visitors_of(world)
    for step in (value_products, consider, choose):
        step(day)
    assert (day["wanted"] <= day["is_seen"]).all()
    assert (world.products.launch[day["considered"][day["wanted"]]] <= 3).all()
    kept = np.where(day["is_seen"], day["considered"], -1 - np.arange(8)[:, None])
    assert all(len(set(row)) == len(row) for row in kept[:, :300].T.tolist())


def test_order_chances_are_those_that_draws_show(world):
    day = visitors_of(world)
    day["intent"] = 1.5
    orders = lines = chance = line_chance = 0.0
    for day.index in range(20):
        for step in (value_products, consider, choose):
            step(day)
        orders += day["wanted"].any(axis=0).sum()
        lines += day["wanted"].sum()
        chance += day["order_chance"].sum()
        line_chance += day["line_chance"].sum()
    # Some 8,000 orders: a binomial sd of 1.1 %; lines vary little more.
    assert orders > 5000
    assert abs(orders / chance - 1) < 0.04
    assert abs(lines / line_chance - 1) < 0.05


def test_the_slope_of_a_lines_chance_is_the_difference_quotient(world):
    day = visitors_of(world, people=800)
    for step in (value_products, consider, choose):
        step(day)
    pull, chance = day["pull"], day["line_chance"]
    goods = np.arange(len(world.products.key))
    for sku in (5, 70, 200):
        value_products(day)
        day["appeal"] = day["appeal"] + 1e-5 * (goods == sku)
        choose(day)
        here = day["considered"] == sku
        slope = (day["line_chance"] - chance)[here].sum() / 1e-5
        assert slope == pytest.approx(pull[here].sum(), rel=1e-3)


def test_a_sole_route_has_the_chance_that_enumeration_gives():
    p, q, r = 0.2, 0.5, 0.1
    chance = sole_route_chance(np.array([[p], [q], [r]]))[:, 0]
    some = 1 - (1 - p) * (1 - q) * (1 - r)
    alone = [p * (1 - q) * (1 - r), q * (1 - p) * (1 - r), r * (1 - p) * (1 - q)]
    np.testing.assert_allclose(chance, np.array(alone) / some)
