"""Satisfaction in expected mode: its mean for each person, and what it does to coming again."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.mechanisms.satisfaction import leaving_chance
from ecomlab.simulator.noise import Array
from ecomlab.simulator.scenario import Scenario

__all__ = ["Mood"]


class Mood:
    """How far above the usual people's satisfaction is on the mean, while they are customers.

    Deliveries move it. What luck of goods, contacts and empty shelves do to it is taken at the
    usual mean: their effects on rates and on leaving, convex but small, are left out.
    """

    def __init__(self, scenario: Scenario, dropout: Array) -> None:
        self.scenario, self.law, self.dropout = scenario, scenario.satisfaction, dropout
        self.above, self._next = np.zeros((2, len(dropout)))

    @property
    def livelier(self) -> Array | float:
        """Factor of the rate of occasions."""
        return 1.0 if self.law is None else np.exp(self.law.rate * self.above)

    def leaving(self, delight: Array) -> Array:
        """Return the chance to leave after an order of today, its delivery being as it is."""
        if self.law is None:
            return self.dropout
        memory = self.law.memory
        self._next = memory * self.above + (1 - memory) * delight
        return leaving_chance(self.scenario, self.dropout, self._next)

    def feel(self, orders: Array, customers: Array) -> None:
        """Move the mean of each person's customers by those who ordered today."""
        if self.law is not None:
            share = np.minimum(orders / np.maximum(customers, 1e-12), 1.0)
            self.above += share * (self._next - self.above)
