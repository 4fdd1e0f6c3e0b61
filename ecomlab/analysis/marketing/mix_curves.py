"""How spend becomes response: memory (geometric adstock) and saturation, with derivatives.

In: spend by period and many sets of parameters at once. Answer: each channel's response,
1 where the mean spend goes on for ever. Equations: Jin, Wang, Sun, Chan and Koehler,
Bayesian methods for media mix modeling with carryover and shape effects, 2017, eqs 1 to 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.analysis.marketing.mix_prior import MixPrior

__all__ = ["Curves", "Media", "lag_spend", "respond", "saturate"]

_LAGS = 26  # periods; what is older counts as spent at the mean


@dataclass(frozen=True, kw_only=True, eq=False)
class Media:
    """Spend over its mean, lagged: ``lagged[c, l, t]`` is channel c's l periods before t."""

    lagged: np.ndarray
    mean_spend: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Responses of channels, sets x channels x periods, and slopes in the two parameters."""

    response: np.ndarray
    by_memory: np.ndarray
    by_half: np.ndarray


def lag_spend(spend: np.ndarray) -> Media:
    """Return spend (periods x channels) over each channel's mean, lagged.

    Before the first period the mean of the first four was spent.

    Parameters
    ----------
    spend
        Periods x channels [currency/period].
    """
    mean = spend.mean(axis=0)
    scaled = (spend / np.where(mean > 0, mean, 1.0)).T
    lags = min(_LAGS, spend.shape[0])
    before = np.repeat(scaled[:, :4].mean(axis=1, keepdims=True), lags, axis=1)
    long = np.concatenate([before, scaled], axis=1)
    lagged = np.stack([long[:, lags - one : long.shape[1] - one] for one in range(lags)], axis=1)
    return Media(lagged=lagged, mean_spend=mean)


def saturate(
    stock: np.ndarray, half: np.ndarray, prior: MixPrior
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the saturated stock, its slope in the stock and in the log of the half point.

    Parameters
    ----------
    stock, half
        Stock of spend, and the stock that brings half of the most possible; they broadcast.
    prior
        Which curve, and its slope.
    """
    if prior.saturation == "exponential":
        rate = np.log(2) / half
        left = np.exp(-rate * stock)
        return 1 - left, rate * left, -rate * stock * left
    s = prior.slope
    stock = np.maximum(stock, 1e-12)
    ratio = (stock / half) if s == 1 else (stock / half) ** s
    value = ratio / (1 + ratio)
    turn = s * value * (1 - value)
    return value, turn / stock, -turn


def respond(media: Media, memory: np.ndarray, half: np.ndarray, prior: MixPrior) -> Curves:
    """Return the responses of all channels over all periods, for sets of parameters.

    Parameters
    ----------
    media
        Lagged spend.
    memory, half
        Sets x channels: the share that lasts a period; half points in mean spends.
    prior
        Which curve.
    """
    lags = np.arange(media.lagged.shape[1])
    kept = np.clip(memory, 1e-9, 1 - 1e-9).T[:, :, None]
    power = kept**lags
    weight = (1 - kept) * power
    weight[..., -1] = power[..., -1]  # the rest lies with the oldest lag
    slope = lags * power / kept * (1 - kept) - power
    slope[..., -1] = lags[-1] * power[..., -1] / kept[..., 0]
    stock, stock_slope = weight @ media.lagged, slope @ media.lagged
    h = half.T[:, :, None]
    value, by_stock, by_half = saturate(stock, h, prior)
    one, _, one_by_half = saturate(np.ones_like(h), h, prior)
    response = value / one
    return Curves(
        response=response.transpose(1, 0, 2),
        by_memory=(by_stock * stock_slope / one).transpose(1, 0, 2),
        by_half=((by_half - response * one_by_half) / one).transpose(1, 0, 2),
    )
