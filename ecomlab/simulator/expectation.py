"""Expected truth of a day, by closed form, free of the luck of choice and of routes."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import Array

__all__ = ["expect", "sole_route_chance"]


@mechanism(
    reads=("visitors", "considered", "route_chance", "order_chance", "line_chance", "price_cents"),
    writes=("expected_orders", "expected_amount", "channel_orders", "channel_amount"),
)
def expect(day: Day) -> None:
    """Expect paid orders and their amount given the day's visits, in total and by channel.

    A channel's contribution is leave-one-out: the visits that only it brought, times what a
    visit is expected to buy. What several channels would have brought belongs to none, so
    that contributions add up to less than the total.
    """
    scenario, people = day.world.scenario, day.world.people
    law, habits, costs = scenario.shoppers, scenario.habits, scenario.costs
    paid = 1 - costs.failed_share - costs.pending_share - costs.cancelled_share
    coupon = people.has_mail[day["visitors"]] * (habits.coupon_share * habits.coupon_depth)
    asked = day["price_cents"][day["considered"]] / 100
    basket = (day["line_chance"] * asked).sum(axis=1) * (1 + law.extra_units)
    orders = paid * day["order_chance"]
    amount = paid * basket * (1 - coupon)
    alone = sole_route_chance(day["route_chance"])
    day["expected_orders"] = float(orders.sum())
    day["expected_amount"] = float(amount.sum())
    day["channel_orders"] = (alone * orders).sum(axis=1)
    day["channel_amount"] = (alone * amount).sum(axis=1)


def sole_route_chance(chance: Array) -> Array:
    """Return, given that some route fired, the chance that a route was the only one.

    Parameters
    ----------
    chance
        Chances of independent routes, channels x visits.

    Examples
    --------
    >>> sole_route_chance(np.array([[0.5], [0.5]])).round(4).tolist()
    [[0.3333], [0.3333]]
    """
    none = np.prod(1 - chance, axis=0)
    others = none / (1 - chance)  # chances stay below 1, see routes
    return np.asarray((others - none) / np.maximum(1 - none, 1e-300))
