"""How people stand, as shares: never bought, customers of several kinds, gone for good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.simulator.noise import Array
from ecomlab.simulator.people import People
from ecomlab.simulator.scenario import Scenario

__all__ = ["Crowd", "Flows"]


@dataclass(frozen=True)
class Flows:
    """Chances of an order today by standing, and what becomes of who orders; one each person."""

    new: Array
    idle: Array
    recent: Array
    stocked: Array
    leaves: Array  # chance to leave for good after an order
    stocks: Array  # chance that an order stocks up


class Crowd:
    """Shares of each person's luck: the chance of every standing, one position each person.

    ``new`` never bought; ``idle`` are customers whose last order is long ago, ``recent`` those
    who ordered within the days that mail calls recent, ``stocked`` those of them who bought
    ahead; ``gone`` have left for good. All but ``stocked``, a part of ``recent``, add up to 1.
    """

    def __init__(self, scenario: Scenario, people: People) -> None:
        count = len(people.since)
        customer = people.since <= 0
        here = customer & ~people.has_left
        self.memory = scenario.mail.recent_days + 1
        self.ahead = scenario.choice.stockpile_days + 1
        lately = -people.since < self.memory
        self.new = (~customer).astype(float)
        self.recent = (here & lately).astype(float)
        self.idle = (here & ~lately).astype(float)
        self.gone = (customer & people.has_left).astype(float)
        self.gone_lately = (customer & people.has_left & lately).astype(float)
        self.stocked = np.zeros(count)
        # by day, as a ring: who ordered and stayed, who left, who stocked up; and the sums of
        # chances to order, or to stock up anew, that tell how many of them are still as they were
        self._ordered, self._left = np.zeros((2, self.memory, count))
        self._stocked = np.zeros((self.ahead, count))
        self._hazard = np.zeros((self.memory, count))
        self._restock = np.zeros((self.ahead, count))
        self._sum, self._sum_restock = np.zeros(count), np.zeros(count)
        # of today's recent: those who came from elsewhere; and those who went on
        self.came_new = self.came_idle = self.went_idle = np.zeros(count)
        who = np.flatnonzero(customer & lately)
        ring = self._ordered, self._left
        for of, rows in ((here, ring[0]), (people.has_left, ring[1])):
            some = who[of[who]]
            rows[people.since[some] % self.memory, some] = 1.0

    @property
    def customers(self) -> Array:
        """Chance of having bought, before the period or in it."""
        return 1 - self.new

    def move(self, day: int, flow: Flows) -> Array:
        """Let a day's orders be placed; return the chance of each person's order."""
        plain = self.recent - self.stocked
        by = [self.new * flow.new, self.idle * flow.idle, plain * flow.recent,
              self.stocked * flow.stocked]  # fmt: skip
        orders = by[0] + by[1] + by[2] + by[3]
        stay = orders * (1 - flow.leaves)
        left = orders - stay
        lately = np.maximum(self.recent, 1e-12)
        hazard = (by[2] + by[3]) / lately
        restocks = flow.stocked * (flow.leaves + (1 - flow.leaves) * flow.stocks)
        self._sum += -np.log1p(-np.minimum(hazard, 0.999))
        self._sum_restock += -np.log1p(-np.minimum(restocks, 0.999))
        self.came_new, self.came_idle = (one * (1 - flow.leaves) for one in by[:2])
        self.new -= by[0]
        self.idle -= by[1]
        self.recent += stay - by[2] - by[3]
        self.stocked += stay * flow.stocks - self.stocked * restocks
        self.gone += left
        self.gone_lately += left
        self._age(day, stay, left, stay * flow.stocks)
        return orders

    def _age(self, day: int, stay: Array, left: Array, stocks: Array) -> None:
        """Remember today's orders; let those go by whose time is over tomorrow."""
        now = day % self.memory
        self._ordered[now], self._left[now], self._hazard[now] = stay, left, self._sum
        now = day % self.ahead
        self._stocked[now], self._restock[now] = stocks, self._sum_restock
        then = (day + 1) % self.memory  # the oldest: recent today for the last time
        over = self._ordered[then] * np.exp(self._hazard[then] - self._sum)
        over = np.minimum(over, self.recent)
        self.recent -= over
        self.idle += over
        self.went_idle = over
        self.gone_lately -= self._left[then]
        then = (day + 1) % self.ahead
        over = self._stocked[then] * np.exp(self._restock[then] - self._sum_restock)
        self.stocked = np.clip(self.stocked - over, 0.0, self.recent)
