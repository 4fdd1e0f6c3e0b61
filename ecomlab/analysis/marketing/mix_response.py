"""How would a channel answer to another budget? Response curves with their uncertainty.

In: draws of a mix model. Answer: outcome per period at any lasting spend, and what the next
unit of spend brings, draw by draw.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecomlab.analysis.marketing.mix_curves import saturate
from ecomlab.analysis.marketing.mix_posterior import Posterior
from ecomlab.analysis.marketing.mix_prior import MixPrior

__all__ = ["ResponseCurves", "build_curves"]

_MOST_DRAWS = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class ResponseCurves:
    """Draws of the curves: ``size`` is the response at the mean spend, ``half`` in mean spends."""

    channels: tuple[str, ...]
    mean_spend: np.ndarray
    size: np.ndarray = field(repr=False)
    half: np.ndarray = field(repr=False)
    prior: MixPrior = field(repr=False)

    def respond(self, channel: str, spend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return response and marginal return at lasting spends, draws x spends.

        Parameters
        ----------
        channel
            The channel.
        spend
            Spends per period [currency].
        """
        at = self.channels.index(channel)
        mean, size = self.mean_spend[at], self.size[:, [at]]
        half = self.half[:, [at]]
        stock = np.asarray(spend, dtype=float)[None] / mean
        value, slope, _ = saturate(stock, half, self.prior)
        value = np.where(stock > 0, value, 0.0)
        one = saturate(np.ones_like(half), half, self.prior)[0]
        return size * value / one, size * slope / one / mean


def build_curves(
    channels: tuple[str, ...], posterior: Posterior, draws: np.ndarray, outcome: np.ndarray
) -> ResponseCurves:
    """Return the curves of evenly picked draws, at the mean level of the baseline.

    Parameters
    ----------
    channels
        Their names.
    posterior, draws
        The posterior and rows of parameters drawn from it.
    outcome
        The outcome by period.
    """
    told = posterior.unpack(draws[:: max(1, len(draws) // _MOST_DRAWS)])
    level = np.full(len(told.share), outcome.mean())
    if posterior.is_multiplicative:
        level = (outcome / (1 + told.effects.sum(axis=1))).mean(axis=1)
    return ResponseCurves(
        channels=channels,
        mean_spend=posterior.media.mean_spend,
        size=told.share * level[:, None],
        half=told.half,
        prior=posterior.prior,
    )
