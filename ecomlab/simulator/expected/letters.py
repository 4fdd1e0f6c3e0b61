"""Mail in expected mode: how many are sent, how many open them, who unsubscribes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ecomlab.simulator.expected.crowd import Crowd
from ecomlab.simulator.noise import Array
from ecomlab.simulator.scenario import Scenario

__all__ = ["Letters", "Sent", "mail_cost"]

_USUAL_DOSE = 0.30
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(3)
_SHARES = _WEIGHTS / _WEIGHTS.sum()
_MANY = 150  # mails of a day and region, above which rounding the bill does not matter


@dataclass(frozen=True)
class Sent:
    """A day's mail, one value each person: chance to open one, and mails sent."""

    open_recent: Array
    open_idle: Array
    count: Array


class Letters:
    """Who gets mail and how tired of it people are, by moments.

    The mails that a person remembers are a sum that fades; its mean and its variance are
    followed for recent and for other customers, and the chance to open is taken over a normal
    law of three points.
    """

    def __init__(self, scenario: Scenario, has_mail: Array, weight: Array) -> None:
        self.law, self.habit = scenario.mail, scenario.traps.email / _USUAL_DOSE
        self.has_mail, self.weight = has_mail, weight
        count = len(has_mail)
        self.unsubscribed = np.zeros(count)  # chance of being a customer who unsubscribed
        self.mean, self.variance = np.zeros((2, 2, count))  # recent, idle
        self._rates = np.zeros((2, count))

    def send(self, crowd: Crowd, budget: Array) -> Sent:
        """Send a day's mail; ``budget`` is the multiple of the usual number for each person."""
        law, customers = self.law, crowd.customers
        left_over = 1 - self.unsubscribed / np.maximum(customers, 1e-12)
        reads = self.has_mail * np.clip(left_over, 0.0, 1.0)
        lately = crowd.recent + crowd.gone_lately
        members = reads * self.weight
        share = (members @ lately) / max(members @ customers, 1e-12)
        mean = law.per_week_recent * share + law.per_week_others * (1 - share)
        usual = np.array([law.per_week_recent, law.per_week_others])
        each = np.maximum(mean + self.habit * (usual - mean), 0.0) / 7
        rates = np.minimum(each[:, None] * budget, 1.0)
        self._rates = rates
        count = reads * (rates[0] * lately + rates[1] * (customers - lately))
        tired = np.exp(law.fatigue * self.mean + law.fatigue**2 * self.variance / 2)
        leave = np.minimum(law.unsubscribe * tired, 1.0) * rates
        hazard = leave[0] * lately + leave[1] * (customers - lately)
        self.unsubscribed = self.unsubscribed + reads * hazard
        opened = reads * rates * self._opens()
        return Sent(opened[0], opened[1], count)

    def _opens(self) -> Array:
        """Return the chance to open a mail, of recent and of other customers who still read."""
        law, usual = self.law, np.log(self.law.open_share / (1 - self.law.open_share))
        total, spread = np.zeros_like(self.mean), np.sqrt(self.variance)
        for node, share in zip(_NODES, _SHARES, strict=True):
            remembered = np.maximum(self.mean + node * spread, 0.0)
            total += share / (1 + np.exp(law.fatigue * (remembered - 1) - usual))
        return total

    def fade(self, crowd: Crowd) -> None:
        """Forget some mails overnight, and let tiredness move along with the day's orders."""
        memory, rates = self.law.fatigue_memory, self._rates
        self.mean = memory * (self.mean + rates)
        self.variance = memory**2 * (self.variance + rates * (1 - rates))
        recent, idle = np.maximum(crowd.recent, 1e-12), np.maximum(crowd.idle, 1e-12)
        new, back = crowd.came_new / recent, crowd.came_idle / recent
        off = crowd.went_idle / idle
        for moment in (self.mean, self.variance):
            lately, long_ago = moment
            moved = lately + np.minimum(back, 1.0) * (long_ago - lately)
            moment[1] = long_ago + np.minimum(off, 1.0) * (lately - long_ago)
            moment[0] = moved * (1 - np.minimum(new, 1.0))


def mail_cost(cost_per_thousand: float, count: Array) -> float:
    """Return what a day's mail costs, given the number expected in each region [currency].

    Numbers are taken as Poisson: the bill of a region and day is rounded to the cent.

    Examples
    --------
    >>> mail_cost(1.0, np.array([2.0])) < 0.002, round(mail_cost(1.0, np.array([9000.0])), 2)
    (True, 9.0)
    """
    each = cost_per_thousand / 10  # cents
    total = float(count[count > _MANY].sum()) * each
    few = count[count <= _MANY]
    if len(few):
        bill = np.rint(np.arange(2 * _MANY + 1) * each)
        steps = np.flatnonzero(np.diff(bill)) + 1
        chance = special.pdtrc(steps[:, None] - 1, few)
        total += float((np.diff(bill)[steps - 1] @ chance).sum())
    return total / 100
