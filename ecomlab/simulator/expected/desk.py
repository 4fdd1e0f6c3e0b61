"""Customer service in expected mode: which visits have a question answered before they order."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.clock import visit_seconds
from ecomlab.simulator.graph import Day
from ecomlab.simulator.noise import Array
from ecomlab.simulator.scenario import Scenario

__all__ = ["Desk"]

_DAY = 86_400  # seconds
_STATES = 40  # contacts in the queue beyond the agents, that are reckoned with at most
_LEAST = 1e-7  # weight of a state, over that of none, from which on the rest is left out


class Desk:
    """Questions by chat: asked by few of the visits that stay, answered while patience lasts."""

    def __init__(self, scenario: Scenario) -> None:
        self.law = scenario.service
        seconds = visit_seconds((np.arange(24_000) + 0.5) / 24_000, _DAY)
        self.hours = np.bincount(seconds // 3600, minlength=24) / 24_000

    @property
    def lift(self) -> float:
        """Factor of the chance to order, of who is answered."""
        return self.law.lift if self.law is not None else 1.0

    def answered(self, day: Day, visits: float, orders: float) -> float:
        """Return the share of visits that stay whose question is answered.

        Parameters
        ----------
        day
            Today, with agents present.
        visits
            Visits that stay today.
        orders
            Orders of a day, some of whose buyers write later, by the same channel too.
        """
        law = self.law
        if law is None or "chat" not in law.channels:
            return 0.0
        place, desks = list(law.channels).index("chat"), law.desks
        is_open, slots = desks.is_open[place], day["present_agents"][place] * desks.at_a_time[place]
        asked = law.presale_share * self.hours * is_open
        later = orders * law.other_share * law.channels["chat"].share / max(is_open.sum(), 1)
        handling = 60 * law.handling_minutes * desks.slowed[place]
        share = answered_shares((asked * visits + later * is_open) / 3600, handling,
                                float(desks.patience[place]), slots)  # fmt: skip
        return float(asked @ share)


def answered_shares(arrivals: Array, handling: float, patience: float, slots: Array) -> Array:
    """Return the share of contacts that is answered, hour by hour: Erlang-A (Palm 1957).

    Parameters
    ----------
    arrivals
        Contacts a second, by hour.
    handling, patience
        Means [s]; patience is exponential, handling is taken to be.
    slots
        Contacts that are served at once, by hour.

    Examples
    --------
    >>> answered_shares(np.full(2, 1 / 60), 360.0, 300.0, np.array([6, 9])).round(4).tolist()
    [0.8323, 0.9706]
    """
    served, most = 1 / handling, int(np.max(slots, initial=0)) + _STATES
    weight, total = np.ones(len(arrivals)), np.ones(len(arrivals))
    waiting = np.zeros(len(arrivals))
    for count in range(1, most + 1):
        rate = np.minimum(count, slots) * served + np.maximum(count - slots, 0) / patience
        weight = weight * arrivals / rate
        total = total + weight
        waiting = waiting + weight * np.maximum(count - slots, 0)
        if weight.max() < _LEAST:
            break
    gone = waiting / total / patience
    return np.asarray(1 - gone / np.maximum(arrivals, 1e-300))
