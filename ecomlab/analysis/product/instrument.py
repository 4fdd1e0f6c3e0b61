"""What does price do, judged only by what moves it from outside? An instrument's estimate.

In: units, log price, an instrument that moves prices and reaches demand through them alone.
Answer: the slope at which what is left of demand has nothing to do with the instrument, and all
slopes that a test does not refuse (Anderson and Rubin, Annals of Mathematical Statistics 20,
1949), an interval that is honest however weak the instrument. Without zeros this is two-stage
least squares in logs; with them the same moments of an exponential mean (Mullahy, Review of
Economics and Statistics 79, 1997).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq

from ecomlab.analysis.product.levels import (
    Sets,
    Slopes,
    fit_counts,
    fit_logs,
    sum_within,
    take_out,
)

__all__ = ["Instrumented", "fit_by_instrument"]

_STEP, _WIDEST = 0.25, 24.0  # how far from the first idea slopes are tried


@dataclass(frozen=True, eq=False)
class Instrumented:
    """The slope, what the test does not refuse, and how strongly the instrument moves prices.

    ``low`` and ``high`` are infinite where the test refuses no slope on that side. ``apart`` is
    how far each row's log price is from the usual, ``usual`` the units it would hold there.
    """

    slope: float
    low: float
    high: float
    first_stage_f: float
    apart: np.ndarray
    usual: np.ndarray


@dataclass(frozen=True, eq=False)
class _Moments:
    """The rows of a fit: outcome, log price, instrument, controls, levels, clusters.

    ``moved`` is log price without the levels: with it a product counts by what it sells, not
    by a power of what it costs.
    """

    units: np.ndarray
    moved: np.ndarray
    instrument: np.ndarray
    controls: np.ndarray
    sets: Sets
    cluster: np.ndarray
    exposure: np.ndarray
    in_logs: bool
    _seen: dict[float, float] = field(default_factory=dict)
    _means: list[np.ndarray] = field(default_factory=list)

    def rest(self, slope: float) -> Slopes:
        """Fit what is left of demand, the effect of prices taken out, by levels and controls."""
        effect = slope * self.moved
        if self.in_logs:
            logs = np.log(self.units / self.exposure)
            fit = fit_logs(logs - effect, self.controls, self.sets)
        else:
            near = self._means[-1] if self._means else None
            fit = fit_counts(self.units * np.exp(-effect), self.controls, self.sets, start=near,
                             exposure=self.exposure)  # fmt: skip
        if fit is None:
            raise ArithmeticError("the levels did not settle")
        self._means[:] = [fit.mean]
        return fit

    def usual(self, slope: float) -> tuple[np.ndarray, np.ndarray]:
        """Return how far log prices are from usual, and the units expected there."""
        fit = self.rest(slope)
        apart = take_out(self.moved[:, None], fit.weight, self.sets)[:, 0]
        mean = self.exposure * np.exp(fit.mean) if self.in_logs else fit.mean
        return apart, mean * np.exp(slope * (self.moved - apart))

    def test(self, slope: float) -> float:
        """Return the t-ratio of the instrument in what is left of demand at a slope."""
        if slope not in self._seen:
            fit = self.rest(slope)
            outside = np.column_stack([self.instrument, self.controls])
            column = _beside(take_out(outside, fit.weight, self.sets), fit.weight)
            left = column * fit.weight * fit.residual
            parts = sum_within(left[:, None], self.cluster)[:, 0]
            size = len(parts)
            spread = np.sqrt((parts**2).sum() * size / (size - 1))
            self._seen[slope] = float(parts.sum() / spread) if spread > 0 else 0.0
        return self._seen[slope]


def fit_by_instrument(
    units: np.ndarray,
    log_price: np.ndarray,
    instrument: np.ndarray,
    controls: np.ndarray,
    sets: Sets,
    cluster: np.ndarray,
    critical: float,
    *,
    exposure: np.ndarray | None = None,
) -> Instrumented | None:
    """Find the slope of units on log price at which the rest does not follow the instrument.

    Parameters
    ----------
    units, log_price, instrument
        One value a row; where all units are above 0 they are taken in logs.
    controls
        Rows x columns that may move demand by themselves.
    sets, cluster
        Numbers of each row's groups: of the sets of levels, and of rows whose errors may go
        together.
    critical
        Size of a t-ratio that refuses a slope.
    exposure
        How long each row was watched, above 0; the same for all where it is left out.

    Returns
    -------
    Instrumented or None
        None where the instrument or the controls do not move beside the levels.

    Examples
    --------
    >>> cost = np.tile([0.0, 0.1, 0.2, 0.3], 3)
    >>> at = np.arange(12)
    >>> price, luck = cost + 0.01 * (at % 5), 1 + 0.01 * np.sin(5.0 * at)
    >>> found = fit_by_instrument(luck * np.exp(3 - 2 * price), price, cost, np.empty((12, 0)),
    ...                           [at // 4], at, 2.2)
    >>> round(found.slope, 1), found.low < -2 < found.high
    (-2.0, True)
    """
    columns = np.column_stack([instrument, controls])
    in_logs = bool((units > 0).all())
    seen = np.ones(len(units)) if exposure is None else exposure
    demand = (fit_logs(np.log(units / seen), columns, sets) if in_logs
              else fit_counts(units, columns, sets, exposure=seen))  # fmt: skip
    if demand is None:
        return None
    prices = _first_stage(log_price, columns, demand.weight, sets, cluster)
    moved = take_out(log_price[:, None], demand.weight, sets)[:, 0]
    moments = _Moments(units, moved, instrument, controls, sets, cluster, seen, in_logs)
    first = float(demand.values[0] / prices[0]) if prices[0] else -1.0
    first = float(np.clip(first, -_WIDEST / 2, _WIDEST / 2))
    try:
        slope, low, high = _accepted(moments.test, first, critical)
        apart, usual = moments.usual(slope)
    except ArithmeticError:
        return None
    return Instrumented(slope, low, high, prices[1], apart, usual)


def _beside(clear: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the first column without what the others say of it."""
    if clear.shape[1] == 1:
        return clear[:, 0]
    root = np.sqrt(weight)[:, None]
    others = clear[:, 1:]
    told = np.linalg.lstsq(others * root, clear[:, 0] * root[:, 0], rcond=None)[0]
    return clear[:, 0] - others @ told


def _first_stage(
    log_price: np.ndarray,
    columns: np.ndarray,
    weight: np.ndarray,
    sets: Sets,
    cluster: np.ndarray,
) -> tuple[float, float]:
    """Return what the instrument does to log price, and the F of that slope by clusters."""
    clear = take_out(np.column_stack([log_price, columns]), weight, sets)
    column = _beside(clear[:, 1:], weight)
    price = _beside(np.column_stack([clear[:, 0], clear[:, 2:]]), weight)
    power = float((weight * column**2).sum())
    slope = float((weight * column * price).sum() / power)
    parts = sum_within((weight * column * (price - slope * column))[:, None], cluster)[:, 0]
    size = len(parts)
    variance = float((parts**2).sum()) * size / (size - 1) / power**2
    return slope, slope**2 / variance if variance > 0 else float("inf")


def _accepted(
    test: Callable[[float], float], first: float, critical: float
) -> tuple[float, float, float]:
    """Return the slope at which the test is 0, and how far around it the test refuses nothing."""
    slope = _root(test, first)
    return slope, _edge(test, slope, -1, critical), _edge(test, slope, 1, critical)


def _root(test: Callable[[float], float], first: float) -> float:
    """Find where the test changes its sign, nearest to a first idea."""
    here = test(first)
    if here == 0:
        return first
    last = {-1: (first, here), 1: (first, here)}
    for step in np.arange(_STEP, _WIDEST, _STEP):
        for side, (place, value) in last.items():
            at = first + side * step
            now = test(at)
            if now * value <= 0:
                return float(brentq(test, min(place, at), max(place, at), xtol=1e-7))
            last[side] = at, now
    raise ArithmeticError("no slope leaves the instrument without effect")


def _edge(test: Callable[[float], float], slope: float, side: int, critical: float) -> float:
    """Walk from the slope until the test refuses; infinite where it never does."""
    inside = slope + side * 0.02
    if abs(test(inside)) > critical:  # demand follows prices all but exactly
        if abs(test(slope)) > critical:
            return slope
        return float(brentq(lambda b: abs(test(b)) - critical, slope, inside, xtol=1e-7))
    # were the ratio a line, this would be half way to where it refuses
    step = 0.5 * critical * 0.02 / max(abs(test(inside)), 1e-3)
    while abs(inside - slope) < _WIDEST:
        at = inside + side * step
        if abs(test(at)) > critical:
            return float(brentq(lambda b: abs(test(b)) - critical, min(inside, at),
                                max(inside, at), xtol=1e-5))  # fmt: skip
        inside, step = at, min(step * 1.6, 2.0)
    return side * float("inf")
