"""Who stands for everybody in expected mode: all people, or some of them with weights."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.noise import Array
from ecomlab.simulator.people import People
from ecomlab.simulator.scenario import Scenario

__all__ = ["draw_cells"]

_AHEAD = 0.1  # of awareness, that a period may add


def draw_cells(scenario: Scenario, people: People, most: int) -> tuple[Array, Array]:
    """Return who stands for all people, and how many each stands for.

    Everybody where there are no more than ``most``. Else a systematic draw, likelier of those
    who may be expected to order more often, in the order of standing, region and rate, so that
    all sorts are there in their shares (Madow 1949: each person's chance is what it should be).

    Parameters
    ----------
    scenario, people
        Of a world.
    most
        People that may stand for all.
    """
    count = len(people.ids)
    if count <= most:
        return np.arange(count), np.ones(count)
    customer = people.since <= 0
    known = people.aware_at < scenario.shoppers.aware_share + _AHEAD
    order = people.order_rate / 7
    new = people.newcomer_rate * np.where(known, 0.02, 0.004)
    size = np.where(people.has_left, 0.0, np.where(customer, order, new)) + 0.0
    size = np.sqrt(size / size.mean()) + 0.15
    chance = _capped(size.astype(float), most)
    standing = np.where(customer, np.where(people.has_left, 2, 1), 0) * 2 + known
    turn = np.lexsort((np.where(customer, order, new), people.region, standing))
    upto = np.cumsum(chance[turn])
    taken = np.floor(upto + 0.5) > np.floor(upto - chance[turn] + 0.5)
    who = np.sort(turn[taken])
    return who, 1 / chance[who]


def _capped(size: Array, most: int) -> Array:
    """Return chances in proportion to sizes, 1 at most, that add up to a number."""
    chance = np.minimum(size * (most / size.sum()), 1.0)
    for _ in range(50):
        free = chance < 1
        room = most - np.count_nonzero(~free)
        scaled = np.where(free, size * (room / size[free].sum()), 1.0)
        chance = np.minimum(scaled, 1.0)
        if (chance < 1).sum() == free.sum():
            break
    return chance
