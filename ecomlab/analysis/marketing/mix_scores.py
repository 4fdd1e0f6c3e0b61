"""Parameters of a mix model as scores of their prior: standard normal before any data.

In: scores. Answer: the parameters at the same quantiles of their priors, and slopes. In scores
the prior is the unit bell, so the posterior has no tail wider than it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainccinv, betaincinv, betaln, erfcinv, erfinv, ndtr

from ecomlab.analysis.marketing.mix_prior import MixPrior

__all__ = ["Parameters", "translate_scores"]

_FURTHEST = 8.0  # scores


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameters:
    """Sets x channels in their own units, and their slopes in the scores."""

    share: np.ndarray
    memory: np.ndarray
    half: np.ndarray
    share_slope: np.ndarray
    memory_slope: np.ndarray
    half_slope: np.ndarray


def translate_scores(at: np.ndarray, prior: MixPrior) -> Parameters:
    """Return the parameters of rows of scores.

    Parameters
    ----------
    at
        Sets x (3 channels): scores of contributions, memories and half points.
    prior
        Whose quantiles they are.

    Examples
    --------
    >>> middle = translate_scores(np.zeros((1, 3)), MixPrior(share=0.4))
    >>> middle.share.round(4), middle.memory.round(4), middle.half
    (array([[0.2698]]), array([[0.2063]]), array([[1.]]))
    """
    scores = np.clip(np.atleast_2d(at), -_FURTHEST, _FURTHEST)
    first, second, third = np.split(scores, 3, axis=1)
    half = np.exp(prior.half_spread * third)
    memory, memory_slope = _memory(second, prior.memory)
    share, share_slope = _share(first, prior.share)
    return Parameters(
        share=share,
        memory=memory,
        half=half,
        share_slope=share_slope,
        memory_slope=memory_slope,
        half_slope=prior.half_spread * half,
    )


def _share(score: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return quantiles of the half-normal law, by whichever tail is told more precisely."""
    ratio = np.sqrt(2) * np.where(score < 0, erfinv(ndtr(score)), erfcinv(ndtr(-score)))
    return scale * ratio, scale * 0.5 * np.exp(0.5 * (ratio**2 - score**2))


def _memory(score: np.ndarray, law: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return quantiles of the beta law, by whichever tail is told more precisely."""
    a, b = law
    value = np.where(score < 0, betaincinv(a, b, ndtr(score)), betainccinv(a, b, ndtr(-score)))
    value = np.clip(value, 1e-12, 1 - 1e-12)
    log_density = (a - 1) * np.log(value) + (b - 1) * np.log1p(-value) - betaln(a, b)
    return value, np.exp(-0.5 * score**2 - log_density) / np.sqrt(2 * np.pi)
