"""What is known about a channel before the weeks are looked at: habits, and lift tests.

In: what the analyst believes, and what tests measured. Answer: the frozen argument `prior`
of :func:`~ecomlab.analysis.marketing.fit_mix`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["LiftTest", "MixPrior"]


@dataclass(frozen=True, kw_only=True)
class LiftTest:
    """What an experiment found a channel to add, and how sure that is.

    Parameters
    ----------
    channel
        The channel that was tested.
    spend
        What is usually spent on it [currency/period].
    spend_without
        What was spent where it was held back [currency/period].
    lift
        Outcome that the usual spend adds to the held-back one [outcome/period], for the whole
        shop at its mean level.
    standard_error
        Of the lift.

    Examples
    --------
    >>> LiftTest(channel="social", spend=450.0, lift=14.0, standard_error=3.0).spend_without
    0.0
    """

    channel: str
    spend: float
    lift: float
    standard_error: float
    spend_without: float = 0.0

    def __post_init__(self) -> None:
        for name in ("spend", "lift", "standard_error", "spend_without"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"LiftTest.{name}: {getattr(self, name)} is not a number.")
        if self.standard_error <= 0:
            raise ValueError(f"LiftTest.standard_error: {self.standard_error}; give one above 0.")
        if not 0 <= self.spend_without < self.spend:
            raise ValueError(
                f"LiftTest.spend: {self.spend} must be above spend_without, {self.spend_without}. "
                "A test that spent more than usual has its usual spend as spend_without."
            )


@dataclass(frozen=True, kw_only=True)
class MixPrior:
    """How a channel's effect may look before the weeks are seen.

    Parameters
    ----------
    share
        Scale of a channel's contribution at its mean spend: half-normal [share of the outcome].
    memory
        The two parameters of the beta law of the share of the effect that a period leaves to
        the next one.
    half_spread
        Spread of the log of the spend that brings half of the most possible, around the mean
        spend (log-normal).
    saturation
        ``hill``: ``a^s / (a^s + h^s)``; ``exponential``: ``1 - 2^(-a/h)``; half at ``h``.
    slope
        ``s`` of the Hill curve; above 1 it is S-shaped.
    form
        ``additive``: effects add outcome; ``multiplicative``: they add shares of a baseline
        that has a season; ``auto`` takes the one that the data make more likely.
    waves
        Pairs of sines and cosines of a year's season; ``None`` takes 2 from a year on, else 0.
    periods_per_year
        Length of the season [periods].
    tests
        Lift tests, which count as data.

    Examples
    --------
    >>> MixPrior(slope=1.5).saturation
    'hill'
    """

    share: float = 0.4
    memory: tuple[float, float] = (1.0, 3.0)
    half_spread: float = 1.0
    saturation: Literal["hill", "exponential"] = "hill"
    slope: float = 1.0
    form: Literal["auto", "additive", "multiplicative"] = "auto"
    waves: int | None = None
    periods_per_year: float = 365.25 / 7
    tests: tuple[LiftTest, ...] = ()

    def __post_init__(self) -> None:
        for name in ("share", "half_spread", "slope", "periods_per_year"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"MixPrior.{name}: {getattr(self, name)}; give one above 0.")
        if min(self.memory) <= 0:
            raise ValueError(f"MixPrior.memory: {self.memory}; give two numbers above 0.")
        if self.saturation not in ("hill", "exponential"):
            raise ValueError(f"MixPrior.saturation: {self.saturation!r}; hill or exponential.")
        if self.form not in ("auto", "additive", "multiplicative"):
            raise ValueError(f"MixPrior.form: {self.form!r}; auto, additive or multiplicative.")
        if self.waves is not None and self.waves < 0:
            raise ValueError(f"MixPrior.waves: {self.waves}; give 0 or more.")
