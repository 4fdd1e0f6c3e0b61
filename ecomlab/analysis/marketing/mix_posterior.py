"""How likely are parameters of a mix model? The density, given weeks, tests and prior.

The outcome over its mean is a baseline plus (or times one plus) the channels' responses. Level,
trend, season, controls and the size of the noise are integrated out exactly (flat priors), so
that three parameters a channel remain: contribution at the mean spend, memory, half point,
each as the score of its prior (``mix_scores.py``). In logs: ``-(T - p)/2 ln RSS - scores^2/2
+ tests``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.analysis.marketing.mix_curves import Media, lag_spend, respond, saturate
from ecomlab.analysis.marketing.mix_prior import MixPrior
from ecomlab.analysis.marketing.mix_scores import Parameters, translate_scores

__all__ = [
    "Posterior",
    "Responses",
    "build_posterior",
    "filter_noise",
    "find_basis",
    "hold_out",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Responses:
    """Parameters in their own units and what they imply, for sets of parameters."""

    share: np.ndarray
    memory: np.ndarray
    half: np.ndarray
    effects: np.ndarray  # sets x channels x periods, in mean outcomes (or shares of the baseline)


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """The log posterior density and its slope, for many sets of parameters at once."""

    media: Media
    outcome: np.ndarray  # over its mean
    design: np.ndarray  # level, trend, season, controls
    project: np.ndarray  # takes out the design and the memory of the noise
    freedom: int
    is_multiplicative: bool
    prior: MixPrior
    tests: np.ndarray  # rows: channel, spend without, spend (in means), lift, error (in outcomes)

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return len(self.media.mean_spend)

    def unpack(self, at: np.ndarray) -> Responses:
        """Return the parameters in their own units, and the channels' effects by period."""
        own = translate_scores(at, self.prior)
        curves = respond(self.media, own.memory, own.half, self.prior)
        effects = own.share[:, :, None] * curves.response
        return Responses(share=own.share, memory=own.memory, half=own.half, effects=effects)

    def residuals(self, effects: np.ndarray) -> np.ndarray:
        """Return what design and effects leave of the outcome, before projecting."""
        total = effects.sum(axis=1)
        if self.is_multiplicative:
            return np.asarray(np.log(self.outcome) - np.log1p(total))
        return np.asarray(self.outcome - total)

    def density(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the log density of each set (a row) and its slope."""
        at = np.atleast_2d(at)
        own = translate_scores(at, self.prior)
        curves = respond(self.media, own.memory, own.half, self.prior)
        effects = own.share[:, :, None] * curves.response
        left = self.residuals(effects) @ self.project.T
        rss = (left**2).sum(axis=1)
        pull = self.freedom / rss[:, None] * (left @ self.project)
        if self.is_multiplicative:
            pull = pull / (1 + effects.sum(axis=1))
        by_share, by_memory, by_log_half = (
            (curve * pull[:, None]).sum(axis=2)
            for curve in (curves.response, curves.by_memory, curves.by_half)
        )
        slopes = [by_share * own.share_slope, own.share * by_memory * own.memory_slope,
                  own.share * by_log_half * own.half_slope / own.half]  # fmt: skip
        tested, tested_slopes = self._tested(own)
        value = -0.5 * self.freedom * np.log(rss) - 0.5 * (at**2).sum(axis=1)
        return value + tested, np.concatenate(slopes, axis=1) - at + tested_slopes

    def _tested(self, own: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """Return the log likelihood of the lift tests and its slope."""
        value, slope = np.zeros(len(own.share)), np.zeros((len(own.share), 3 * self.channels))
        for channel, without, spend, lift, error in self.tests:
            c = int(channel)
            found, by_share, by_half = self.predict_lift(
                own.share, own.half[:, c], c, (without, spend)
            )
            gap = (lift - found) / error
            value -= 0.5 * gap**2
            slope[:, : self.channels] += (gap / error)[:, None] * by_share * own.share_slope
            slope[:, 2 * self.channels + c] += (
                gap / error * by_half * own.half_slope[:, c] / own.half[:, c]
            )
        return value, slope

    def predict_lift(
        self, share: np.ndarray, half: np.ndarray, channel: int, spends: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the lift between two lasting spends, and its slopes in shares and half point."""
        (low, _, low_half), (high, _, high_half), (one, _, one_half) = (
            saturate(np.full_like(half, level), half, self.prior) for level in (*spends, 1.0)
        )
        step = (high - low) / one
        by_half = share[:, channel] * ((high_half - low_half) - step * one_half) / one
        by_share = np.zeros_like(share)
        by_share[:, channel] = step
        lift = share[:, channel] * step
        if not self.is_multiplicative:
            return lift, by_share, by_half
        level = 1 / (1 + share.sum(axis=1))  # the baseline, where the outcome is at its mean
        by_share = (by_share - (lift * level)[:, None]) * level[:, None]
        return lift * level, by_share, by_half * level


def build_posterior(
    outcome: np.ndarray,
    spend: np.ndarray,
    design: np.ndarray,
    *,
    prior: MixPrior,
    names: tuple[str, ...],
    is_multiplicative: bool,
) -> Posterior:
    """Return the posterior of a mix model, with noise that has no memory yet.

    Parameters
    ----------
    outcome, spend
        By period; by period and channel.
    design
        Level, trend, season and controls, by period.
    prior
        Priors and tests.
    names
        The channels.
    is_multiplicative
        Whether effects are shares of the baseline.
    """
    media, level = lag_spend(spend), outcome.mean()
    tests = [
        (names.index(one.channel), one.spend_without / (mean := media.mean_spend[names.index(
            one.channel)]), one.spend / mean, one.lift / level, one.standard_error / level)
        for one in prior.tests
    ]  # fmt: skip
    return Posterior(
        media=media,
        outcome=outcome / level,
        design=design,
        project=_remover(design),
        freedom=len(outcome) - find_basis(design).shape[1],
        is_multiplicative=is_multiplicative,
        prior=prior,
        tests=np.array(tests, dtype=float).reshape(len(tests), 5),
    )


def filter_noise(posterior: Posterior, memory: float) -> Posterior:
    """Return the posterior where noise keeps a share of itself a period (Prais and Winsten 1954).

    Parameters
    ----------
    posterior
        With noise that has no memory.
    memory
        Correlation of neighbouring periods' noise.
    """
    size = len(posterior.outcome)
    whiten = np.eye(size) - memory * np.eye(size, k=-1)
    whiten[0, 0] = np.sqrt(1 - memory**2)
    project = _remover(whiten @ posterior.design) @ whiten
    return Posterior(**{**vars(posterior), "project": project})


def hold_out(posterior: Posterior, periods: int) -> Posterior:
    """Return the posterior that has not seen the outcome of the last periods.

    Parameters
    ----------
    posterior
        With noise that has no memory.
    periods
        How many periods to hold out.
    """
    size = len(posterior.outcome)
    seen = np.eye(size)[: size - periods]
    basis = find_basis(posterior.design[: size - periods])
    project = seen - basis @ (basis.T @ seen)
    freedom = size - periods - basis.shape[1]
    return Posterior(**{**vars(posterior), "project": project, "freedom": freedom})


def find_basis(design: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span a design's, dependent ones left out.

    Parameters
    ----------
    design
        Any columns, by period.
    """
    scale = np.linalg.norm(design, axis=0)
    left, size, _ = np.linalg.svd(design / np.where(scale > 0, scale, 1), full_matrices=False)
    return np.asarray(left[:, size > 1e-8 * size[0]])


def _remover(design: np.ndarray) -> np.ndarray:
    """Return the matrix that takes a design's part out of a series."""
    basis = find_basis(design)
    return np.asarray(np.eye(len(design)) - basis @ basis.T)
