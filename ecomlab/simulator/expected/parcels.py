"""Parcels in expected mode: what they cost, when they come, what lateness does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ecomlab.simulator.carriers import arrival_chances, delight_of, usual_delight
from ecomlab.simulator.expected.aftermath import DAMAGED, wait_chances
from ecomlab.simulator.graph import Day
from ecomlab.simulator.mechanisms.aftermath import BLAMED, LATE_MOST
from ecomlab.simulator.noise import Array
from ecomlab.simulator.scenario import Scenario

__all__ = ["Delivered", "Parcels"]

_TAKES = 3  # days of a delivery, where the scenario has no carriers
_STEP = 0.02  # of carriers' delay, to which it is rounded where it is crowded
_RARE = 1e-4  # a chance of waiting longer that is left out
_MOST = 2_000  # parcels of a day, above which arrivals at the depot are taken at their mean


@dataclass(frozen=True)
class Delivered:
    """A day's parcels, had all orders been paid: cost; by region, what delivery does.

    ``delight`` is over its usual mean; ``returns`` multiplies what comes back and ``resale`` what
    that is worth; ``refunded`` is the chance of 0, 1, 2, ... days until the refund.
    """

    cost: float
    delight: Array
    returns: Array
    resale: Array
    refunded: Array


class Parcels:
    """The depot and the carriers: closed forms of a day's delivery by region.

    What waits in the depot is followed as a distribution: Poisson orders in, capacity out.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.usual = scenario, usual_delight(scenario)
        self.backlog = np.ones(1)  # chances of 0, 1, 2, ... parcels waiting
        self._transit: dict[tuple[float, ...], Array] = {}
        self._felt: dict[tuple[bytes, ...], tuple[Array, ...]] = {}

    def deliver(self, day: Day, orders: Array, kilos: Array, paid: float) -> Delivered:
        """Return what becomes of a day's orders, numbers and weight by region."""
        costs, law, regions = self.scenario.costs, self.scenario.fulfilment, len(orders)
        if law is None:
            flat = float(costs.per_parcel * orders.sum() + costs.per_kg * kilos.sum())
            ones, none = np.ones(regions), np.zeros(regions)
            after = np.concatenate([np.zeros(_TAKES), wait_chances()])
            return Delivered(flat, none, ones, ones, np.tile(after, (regions, 1)))
        waits = self._pick(float(orders.sum()) * paid, float(day["pick_capacity"]))
        transit = self._arrivals(day)
        key = (transit.tobytes(), day["quoted_days"].tobytes(), waits.tobytes())
        if key not in self._felt:
            self._felt[key] = self._judge(day["quoted_days"], transit, waits)
        return Delivered(self._cost(day, orders, kilos), *self._felt[key])

    def _cost(self, day: Day, orders: Array, kilos: Array) -> float:
        net = day.world.network
        assert net is not None
        fee, per_kg, per_km = (rate[:, None] for rate in net.rates[:3])
        each = fee + per_km * net.distance
        if day["carrier_load"] > 1:
            each = each + net.surcharge[:, None]
        return float((day["carrier_share"] * (each * orders + per_kg * kilos)).sum())

    def _arrivals(self, day: Day) -> Array:
        """Return the chance of 1, 2, ... days on the way, regions x days."""
        net, share = day.world.network, day["carrier_share"]
        assert net is not None
        crowded = 1 + np.rint((day["transit_delay"] / net.delay_days)[:, 0] / _STEP - 1 / _STEP
                              ) * _STEP  # fmt: skip
        key = tuple(crowded.tolist())
        if key not in self._transit:
            self._transit[key] = arrival_chances(
                net.known_days, net.delay_days * crowded[:, None], net.shape, net.shock_sd
            )
        return np.asarray((share[..., None] * self._transit[key]).sum(axis=0))

    def _pick(self, orders: float, capacity: float) -> Array:
        """Return the chance that a parcel waits 0, 1, 2, ... days; move the backlog on."""
        if len(self.backlog) == 1 and orders + 6 * np.sqrt(orders) + 3 < capacity:
            return np.ones(1)
        if orders > _MOST:
            come = np.zeros(round(orders) + 1)
            come[-1] = 1.0
        else:
            count = np.arange(int(orders + 8 * np.sqrt(orders) + 10))
            come = np.exp(special.xlogy(count, orders) - orders - special.gammaln(count + 1))
            come /= come.sum()
        ahead = np.cumsum(come[::-1])[::-1][1:]  # P(more than 0, 1, ... come)
        place = np.convolve(self.backlog, ahead / max(ahead.sum(), 1e-300))
        days = ((np.arange(len(place)) + 0.5) / capacity).astype(np.int64)
        waits = np.bincount(days, weights=place)
        self.backlog = _shift(np.convolve(self.backlog, come), capacity)
        waits = waits[: 1 + int(np.flatnonzero(waits > _RARE)[-1])]
        return waits / waits.sum()

    def _judge(self, quoted: Array, transit: Array, waits: Array) -> tuple[Array, ...]:
        """Compare the days a parcel takes with what was promised."""
        law = self.scenario.fulfilment
        assert law is not None
        takes = np.stack([np.convolve(np.concatenate([[0.0], one]), waits) for one in transit])
        days, whole, rest = np.arange(takes.shape[1]), np.floor(quoted), quoted % 1
        delight = np.zeros(len(quoted))
        more, damaged = np.zeros((2, len(quoted)))
        for said, part in ((whole, 1 - rest), (whole + 1, rest)):
            late = np.maximum(days - said[:, None], 0.0)
            early = np.maximum(said[:, None] - days, 0.0)
            chance = part[:, None] * takes
            delight += (chance * delight_of(self.scenario, late, early)).sum(axis=1)
            rise = np.exp(law.late_returns * np.minimum(late, LATE_MOST))
            more += (chance * rise).sum(axis=1)
            damaged += (chance * rise * (1 - BLAMED * (1 - 1 / rise))).sum(axis=1)
        odds = np.mean(DAMAGED) / (1 - np.mean(DAMAGED))  # what is blamed is not damaged
        refunded = np.stack([np.convolve(one, wait_chances()) for one in takes])
        resale = more + odds * (more - damaged)
        return delight - self.usual, more, resale, refunded


def _shift(waiting: Array, capacity: float) -> Array:
    """Return what still waits once a day's capacity is picked, between whole numbers split."""
    left = np.maximum(np.arange(len(waiting)) - capacity, 0.0)
    low, rest = np.floor(left).astype(np.int64), left % 1
    out = np.bincount(low, weights=waiting * (1 - rest), minlength=int(low[-1]) + 2)
    out += np.bincount(low + 1, weights=waiting * rest, minlength=len(out))
    kept = np.flatnonzero(out > 1e-9)
    return out[: kept[-1] + 1] / out.sum()
