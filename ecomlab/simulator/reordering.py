"""Reorder rules as numbers: the status-quo manager's levels, and a rule on trial.

A rule is two levels, *s* and *S*: when the stock position (on hand and under way) is at *s* or
below, order up to *S*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecomlab.simulator.noise import Array
from ecomlab.simulator.parameters_stock import Stock

__all__ = ["Trial", "leanness", "reorder_levels", "simulate_policy"]

_USUAL_DOSE = 0.30
_LEAN = 1.1  # log of the reorder point at dose 0 over that at the usual dose


def leanness(dose: float) -> float:
    """Return the multiple of the reorder point that a dose of the stock trap means.

    Examples
    --------
    >>> [round(leanness(dose), 2) for dose in (0, 0.15, 0.3, 0.45)]
    [3.0, 1.73, 1.0, 0.58]
    """
    return float(np.exp(_LEAN * (1 - dose / _USUAL_DOSE)))


def reorder_levels(
    law: Stock, rate: Array, lead_days: Array, factor: Array | float
) -> tuple[Array, Array]:
    """Return reorder points and order-up-to levels [units] for forecasts of sales.

    Parameters
    ----------
    law
        Habits of the manager.
    rate
        Forecast sales [units/day].
    lead_days
        Lead time promised [days].
    factor
        Multiple of the usual reorder point.

    Examples
    --------
    >>> low, high = reorder_levels(Stock(), np.array([2.0]), np.array([9.0]), 1.0)
    >>> low.tolist(), high.tolist()  # 2 x (9 + 7 + 4), and 0.3 of its root
    ([42], [102])
    """
    ahead = rate * (lead_days + law.review_days + law.spare_days)
    low = np.rint(np.maximum(factor * (ahead + law.safety * np.sqrt(ahead)), 0)).astype(np.int64)
    size = np.maximum(np.rint(rate * law.cover_days).astype(np.int64), law.least_units)
    return low, low + size


@dataclass(frozen=True)
class Trial:
    """What a rule did, period by period.

    Parameters
    ----------
    ordered
        Units ordered; 0 where none were.
    over, short
        Stock held and demand waiting at the end of the period [units].
    mean_over, mean_short
        Their means over the period [units], where moments within it are known.
    """

    ordered: Array
    over: Array
    short: Array
    mean_over: Array
    mean_short: Array

    def cost(
        self, *, holding: float, shortage: float, order: float = 0.0, unit: float = 0.0
    ) -> Array:
        """Return the cost of each period [currency]: held and short are a unit and period."""
        placed = order * (self.ordered > 0) + unit * self.ordered
        return np.asarray(placed + holding * self.mean_over + shortage * self.mean_short)


def simulate_policy(
    low: float,
    high: float,
    *,
    demands: Sequence[tuple[Array, Array]],
    lead_periods: Array,
    start: float = 0.0,
) -> Trial:
    """Follow one product under a rule (s, S), what cannot be served waiting for stock.

    The rule is looked at when a period begins, before its demand; an order placed then
    arrives ``lead_periods`` later, within the period. One order at a time is under way
    where lead times are at most one period, as they must be.

    Parameters
    ----------
    low, high
        The levels s and S; an order is placed where the level is *below* s [units].
    demands
        Of each period: the moments within it, 0 to 1, and the units asked for at each.
    lead_periods
        Lead time of the order placed in each period [periods, 0 to 1].
    start
        Stock before the first period [units].

    Examples
    --------
    >>> half = (np.array([0.5]), np.array([3.0]))
    >>> trial = simulate_policy(2, 5, demands=[half, half], lead_periods=np.zeros(2), start=5)
    >>> trial.ordered.tolist(), trial.over.tolist(), trial.mean_over.tolist()
    ([0.0, 0.0], [2.0, 0.0], [3.5, 1.0])
    """
    level, rows = float(start), []
    for (moments, units), lead in zip(demands, np.asarray(lead_periods), strict=True):
        ordered = high - level if level < low else 0.0
        at = np.concatenate([[0.0], moments, [lead]])
        change = np.concatenate([[0.0], -np.asarray(units, dtype=float), [ordered]])
        turn = np.argsort(at, kind="stable")
        path = level + np.cumsum(change[turn])
        spans = np.diff(np.append(at[turn], 1.0))
        level = float(path[-1])
        rows.append(
            (ordered, max(level, 0.0), max(-level, 0.0),
             float(np.maximum(path, 0) @ spans), float(np.maximum(-path, 0) @ spans))
        )  # fmt: skip
    return Trial(*np.array(rows).T)
