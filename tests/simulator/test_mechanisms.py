from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecomlab.simulator import causal_graph
from ecomlab.simulator.expectation import sole_route_chance
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.loop import MECHANISMS, run_days
from ecomlab.simulator.mechanisms.choice import choose, consider
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.scenario import load_scenario
from ecomlab.simulator.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_scenario("west_d2c"), Noise(7), people=6000, days=30)


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

    run_days(world, Noise(7), None, 5, mechanisms=[trace(one) for one in MECHANISMS])
    for one in MECHANISMS:
        read, written = seen[one.name]
        assert (one.name, read) == (one.name, set(one.reads))
        assert (one.name, written) == (one.name, set(one.writes))


def test_a_stream_that_is_not_declared_is_refused(world):
    @mechanism(writes=("weather",))
    def rain(day: Day) -> None:
        day["weather"] = day.uniform("weather", np.arange(3))

    with pytest.raises(KeyError, match="'weather' is not declared"):
        run_days(world, Noise(7), None, 1, mechanisms=[*MECHANISMS, rain])


def test_no_two_mechanisms_share_a_stream_or_write_the_same_value():
    streams = [stream for one in MECHANISMS for stream in one.streams]
    written = [value for one in MECHANISMS for value in one.writes]
    assert len(streams) == len(set(streams))
    assert len(written) == len(set(written))


def test_only_state_is_read_before_it_is_written():
    known: set[str] = set()
    early = set()
    for one in MECHANISMS:
        early |= set(one.reads) - known
        known |= set(one.writes)
    assert early == {"adstock", "alive", "last_click"}


def test_demand_moves_budgets_and_budgets_move_visits_in_the_declared_graph():
    arrows = {(cause, effect) for cause, effect, _ in causal_graph()}
    assert {("forecast", "spend_cents"), ("traffic", "visitors"), ("response", "visitors"),
            ("category_shock", "price_cents"), ("cost_index", "price_cents")} <= arrows  # fmt: skip
    assert ("cost_index", "lines") not in arrows  # costs reach demand by the price alone


def choices(world: World, raised: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return what 6,000 visitors of one day look at and order, one price raised or not."""
    day = Day(world, Noise(7), ())
    day.index = 3
    goods = world.products
    day["visitors"] = world.people.ids
    day["on_sale"] = goods.launch <= day.index
    day["category_season"] = np.zeros(len(world.scenario.categories))
    day["category_shock"] = np.zeros(len(world.scenario.categories))
    day["intent"] = 3.0  # ready to buy, so that there is something to see
    price = goods.list_cents.copy()
    if raised is not None:
        price[raised] = price[raised] * 11 // 10
    day["price_cents"] = price
    consider(day)
    choose(day)
    return day["considered"], day["lines"]


def test_a_dearer_product_moves_choices_only_to_or_from_itself(world):
    seen, before = choices(world, None)
    for sku in np.argsort(-world.products.popularity)[:5]:
        same_seen, after = choices(world, int(sku))
        np.testing.assert_array_equal(seen, same_seen)
        changed = np.flatnonzero((before != after).any(axis=1))
        its_own = ((seen == sku) & (before | after)).any(axis=1)
        assert len(changed) > 0
        assert its_own[changed].all()
        assert not ((seen == sku) & after & ~before).any(), "nobody turns to a dearer product"


def test_nobody_orders_what_was_not_looked_at_or_is_not_on_sale(world):
    seen, _ = choices(world, None)
    assert seen.shape == (6000, world.scenario.shoppers.considered)
    assert all(len(set(row)) == len(row) for row in seen[:200].tolist())
    assert (world.products.launch[seen] <= 3).all()


def test_order_chances_are_those_that_draws_show(world):
    day = Day(world, Noise(7), ())
    day["on_sale"] = world.products.launch <= 0
    for name in ("category_season", "category_shock"):
        day[name] = np.zeros(len(world.scenario.categories))
    day["intent"], day["price_cents"] = 1.0, world.products.list_cents
    day["visitors"] = world.people.ids
    orders = lines = chance = line_chance = 0.0
    for day.index in range(20):
        consider(day)
        choose(day)
        orders += day["lines"].any(axis=1).sum()
        lines += day["lines"].sum()
        chance += day["order_chance"].sum()
        line_chance += day["line_chance"].sum()
    # Some 8,500 orders: a binomial sd of 1.1 %; lines vary little more.
    assert abs(orders / chance - 1) < 0.04
    assert abs(lines / line_chance - 1) < 0.05


def test_a_sole_route_has_the_chance_that_enumeration_gives():
    p, q, r = 0.2, 0.5, 0.1
    chance = sole_route_chance(np.array([[p], [q], [r]]))[:, 0]
    some = 1 - (1 - p) * (1 - q) * (1 - r)
    alone = [p * (1 - q) * (1 - r), q * (1 - p) * (1 - r), r * (1 - p) * (1 - q)]
    np.testing.assert_allclose(chance, np.array(alone) / some)
