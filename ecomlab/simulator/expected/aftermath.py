"""What comes back of an order, by expectation: how much, when, and what it is then worth.

The laws are those of ``mechanisms.aftermath``.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import special

from ecomlab.simulator.mechanisms.aftermath import (
    DELAY,
    FITS,
    OTHER,
    REASONS,
    TO_REFUND,
    WINDOW,
    WORN,
)
from ecomlab.simulator.noise import Array
from ecomlab.simulator.world import World

__all__ = ["DAMAGED", "resold_shares", "restocked_shares", "wait_chances"]

DAMAGED = (FITS[REASONS.index("damaged")], OTHER[REASONS.index("damaged")])  # worn goods, others


def _damaged(world: World) -> Array:
    """Return what share of a product's returns arrived damaged."""
    kinds = list(world.scenario.categories)
    worn = np.array([kind in WORN for kind in kinds])[world.products.category]
    return np.where(worn, *DAMAGED)


def restocked_shares(world: World) -> Array:
    """Return what share of the units ordered of a product comes back to the shelf."""
    law, extra = world.scenario.stock, world.scenario.choice.extra_units
    kept = law.restocked_share if law is not None else 0.0
    back = world.products.return_share * (1 + extra / 2) / (1 + extra)
    return np.asarray(kept * (1 - _damaged(world)) * back)


def resold_shares(world: World) -> Array:
    """Return what share of its cost a product that comes back is still worth on the mean."""
    return np.asarray((1 - _damaged(world)) * world.scenario.costs.resale_share)


@functools.cache
def wait_chances() -> Array:
    """Return the chance that a return is refunded 0, 1, 2, ... days after its delivery.

    The wait is a gamma law of shape 2, cut at the window, and what refunding takes.

    Examples
    --------
    >>> chances = wait_chances()
    >>> float(chances.sum().round(9)), round(float(chances @ np.arange(len(chances))), 2)
    (1.0, 11.48)
    """
    edges = np.arange(WINDOW + 1.0)
    below = special.gammainc(2.0, 2.0 * edges / DELAY)
    below[-1] = 1.0
    return np.concatenate([np.zeros(TO_REFUND + 1), np.diff(below)])
