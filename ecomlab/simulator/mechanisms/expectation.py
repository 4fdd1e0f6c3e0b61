"""Expected truth of a day, by closed form, free of the luck of choice and of routes."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.kernels.choice import expect_money, expect_units, weigh_routes
from ecomlab.simulator.kernels.visits import only_route
from ecomlab.simulator.noise import Array

__all__ = ["expect", "last_route_change", "shapley_route_share", "sole_route_chance"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


@mechanism(
    reads=("visitors", "considered", "route_chance", "order_chance", "line_chance", "pull",
           "price_cents", "unit_cost_cents", "live_depth", "by_depth"),
    writes=("expected_orders", "expected_amount", "expected_margin", "route_visits", "route_orders",
            "route_amount", "route_margin", "sku_units", "sku_slope", "visit_sole"),
)  # fmt: skip
def expect(day: Day) -> None:
    """Expect paid orders and their amount given the day's visits, in total and by route.

    A route's contribution is leave-one-out: the visits that only it brought, times what a
    visit is expected to buy. What several routes would have brought belongs to none, so
    that contributions add up to less than the total. A live show also lowers the price of
    the visits it comes last on, which is its own, and less of it where another route fires.
    """
    scenario, people, seen = day.world.scenario, day.world.people, day["considered"]
    worth = _worth(day, day["live_depth"], day["order_chance"], day["line_chance"])
    orders, amount, margin = worth.sum(axis=1).tolist()
    day["expected_orders"], day["expected_amount"], day["expected_margin"] = orders, amount, margin
    chance = day["route_chance"]
    day["visit_sole"] = alone = sole_route_chance(chance)
    at_depths = day["by_depth"]
    usual, *shows = [_worth(day, *at) for at in at_depths] if scenario.live else [worth]
    sums = weigh_routes(alone.T, usual)
    day["route_visits"], told = sums[0], sums[1:]
    for show in shows:
        last = last_route_change(chance, list(scenario.routes).index("live"))
        told = told + weigh_routes(np.ascontiguousarray(last.T), show - usual)[1:]
    day["route_orders"], day["route_amount"], day["route_margin"] = told
    units, paid = 1 + scenario.choice.extra_units, np.broadcast_to(_paid_share(day), worth[0].shape)
    sold, slope = expect_units(
        seen.T, (day["line_chance"].T, day["pull"].T), day["visitors"], paid,
        people.price_sensitivity, len(day.world.products.key),
    )  # fmt: skip
    day["sku_units"], day["sku_slope"] = units * sold, -units * slope


def _paid_share(day: Day) -> Array | float:
    """Return the share of orders that are paid; by visit where an incident strikes some."""
    costs = day.world.scenario.costs
    failed = day.parameter("till.failed_share", costs.failed_share, people=day["visitors"])
    paid: Array | float = 1 - failed - costs.pending_share - costs.cancelled_share
    return paid


def _worth(day: Day, depth: Array | float, order_chance: Array, line_chance: Array) -> Array:
    """Return each visit's expected orders, amount and margin at a live discount, in rows."""
    habits, people = day.world.scenario.habits, day.world.people
    finds = day.parameter("till.coupon_share", habits.coupon_share, people=day["visitors"])
    coupon = people.has_mail[day["visitors"]] * (finds * habits.coupon_depth)
    money = (day["price_cents"] / 100, day["unit_cost_cents"] / 100)
    till = (np.broadcast_to(one, coupon.shape) for one in (_paid_share(day), coupon, depth))
    return np.asarray(expect_money(
        day["considered"].T, (order_chance, line_chance.T), money,
        (1 + day.world.scenario.choice.extra_units, *till),
    ))  # fmt: skip


def sole_route_chance(chance: Array) -> Array:
    """Return, given that some route fired, the chance that a route was the only one.

    Parameters
    ----------
    chance
        Chances of independent routes, routes x visits.

    Examples
    --------
    >>> sole_route_chance(np.array([[0.5], [0.5]])).round(4).tolist()
    [[0.3333], [0.3333]]
    """
    return np.asarray(only_route(np.ascontiguousarray(chance.T))).T


def shapley_route_share(chance: Array) -> Array:
    """Return each route's Shapley share of a visit, given that some route fired.

    Of a visit that k routes fired for, each of them gets 1/k; the mean over what may have
    fired is an integral of a polynomial, exact by Gauss and Legendre's rule up to degree 11.

    Examples
    --------
    >>> shapley_route_share(np.array([[0.5], [0.5]])).round(4).tolist()
    [[0.5], [0.5]]
    """
    some = np.maximum(1 - np.prod(1 - chance, axis=0), 1e-300)
    out = np.zeros_like(chance)
    for node, weight in zip((_NODES + 1) / 2, _WEIGHTS / 2, strict=True):
        kept = 1 - chance * (1 - node)
        out += weight * np.prod(kept, axis=0) / kept
    return np.asarray(chance * out / some)


def last_route_change(chance: Array, row: int) -> Array:
    """Return, for each route, how much less often one of them comes last if that route is off.

    Given that some route fired, and that of k routes that fired each is last with chance 1/k
    (see :func:`shapley_route_share`).

    Examples
    --------
    >>> last_route_change(np.array([[0.5], [0.5]]), 0).round(4).tolist()
    [[0.5], [-0.1667]]
    """
    some = np.maximum(1 - np.prod(1 - chance, axis=0), 1e-300)
    out = np.zeros_like(chance)
    for node, weight in zip((_NODES + 1) / 2, _WEIGHTS / 2, strict=True):
        kept = 1 - chance * (1 - node)
        others = np.prod(kept, axis=0) / kept[row]
        change = others - others / kept
        change[row] = others
        out += weight * change
    return np.asarray(chance[row] * out / some)
