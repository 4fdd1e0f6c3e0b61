"""Can these weeks carry a mix model? Nine checks, some of which keep a number from being told.

In: a fitted model. Answer: the health card, a row a check (and channel), with ``pass``,
``warn`` or ``fail``; where a check fails, the channel is not estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ecomlab.analysis.marketing.mix_posterior import Posterior, Responses, find_basis, hold_out
from ecomlab.analysis.marketing.mix_sampling import Draws, Peak, find_peak

__all__ = ["CHECKS", "Fitted", "judge_fit", "say_verdicts"]

CHECKS = (
    "convergence", "identifiability", "negative baseline", "residual autocorrelation",
    "collinearity", "spend variation", "prior dominance", "out-of-sample error",
    "contribution plausibility",
)  # fmt: skip
_HALF_NORMAL_SD = float(np.sqrt(1 - 2 / np.pi))
Row = tuple[str, str, float, float, str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A mix model's data, posterior and draws, and what follows from them."""

    names: tuple[str, ...]
    y: np.ndarray
    spend: np.ndarray
    plain: Posterior
    posterior: Posterior
    peak: Peak
    draws: Draws

    @cached_property
    def told(self) -> Responses:
        """The draws in their own units."""
        return self.posterior.unpack(self.draws.values)

    @cached_property
    def contributions(self) -> np.ndarray:
        """What would be missing without each channel alone, draws x channels."""
        effects = self.told.effects
        if not self.posterior.is_multiplicative:
            return np.asarray(effects.sum(axis=2) * self.y.mean())
        weight = self.y / (1 + effects.sum(axis=1))
        return np.asarray((effects * weight[:, None]).sum(axis=2))

    @cached_property
    def usual_effects(self) -> np.ndarray:
        """Effects at the posterior's peak, channels x periods."""
        return np.asarray(self.posterior.unpack(self.peak.at).effects[0])

    @property
    def tested(self) -> set[str]:
        """Channels that a lift test stands behind."""
        return {one.channel for one in self.posterior.prior.tests}


def judge_fit(fitted: Fitted, level: float) -> pd.DataFrame:
    """Return the health card.

    Parameters
    ----------
    fitted
        The model.
    level
        Share of the draws that its intervals hold.

    Returns
    -------
    DataFrame
        ``check, channel`` (or ``all``), ``value, limit, state, meaning``.
    """
    rows = [
        _convergence(fitted),
        *_identifiability(fitted),
        _baseline(fitted),
        _autocorrelation(fitted),
        *_collinearity(fitted),
        *_variation(fitted),
        *_dominance(fitted),
        _out_of_sample(fitted),
        *_plausibility(fitted, level),
    ]
    return pd.DataFrame(rows, columns=["check", "channel", "value", "limit", "state", "meaning"])


def say_verdicts(health: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    """Return for each channel why it is not estimated, or nothing.

    Parameters
    ----------
    health
        The health card.
    names
        The channels.
    """
    bad = health[health["state"] == "fail"]
    said = []
    for name in names:
        mine = bad.loc[bad["channel"].isin([name, "all"]), "meaning"]
        said.append(f"not estimated, because {mine.iloc[0]}" if len(mine) else "")
    return said


def _state(value: float, warn: float, fail: float = np.inf) -> str:
    return "fail" if not value <= fail else "warn" if value > warn else "pass"


def _advise(state: str, found: str, advice: str) -> str:
    """Return what was found, and what to make of it where that is not well."""
    return found if state == "pass" else f"{found}: {advice}"


def _convergence(fitted: Fitted) -> Row:
    tail, worth = fitted.draws.tail_index, fitted.draws.effective_draws
    state = _state(tail, 0.7, 1.0)
    if worth < 400 and state == "pass":
        state = "warn"
    if worth < 100:
        state = "fail"
    found = (f"the draws are worth {worth:,.0f} independent ones, and the tail of their weights "
             f"has the index {tail:.2f}")  # fmt: skip
    return ("convergence", "all", tail, 0.7, state,
            _advise(state, found, "a few draws decide what is told"))  # fmt: skip


def _identifiability(fitted: Fitted) -> list[Row]:
    rows: list[Row] = []
    if len(fitted.names) == 1:
        return [("identifiability", fitted.names[0], 0.0, 0.8, "pass",
                 "there is no other channel to be mistaken for")]  # fmt: skip
    together = np.corrcoef(fitted.contributions.T) - np.eye(len(fitted.names))
    for i, name in enumerate(fitted.names):
        other = int(np.abs(together[i]).argmax())
        value = float(abs(together[i, other]))
        state = _state(value, 0.8)
        found = f"its estimate and that of {fitted.names[other]} have a correlation of {value:.2f}"
        rows.append(("identifiability", name, value, 0.8, state,
                     _advise(state, found, "trust their sum more than each")))  # fmt: skip
    return rows


def _baseline(fitted: Fitted) -> Row:
    share = 0.0
    if not fitted.posterior.is_multiplicative:
        left = fitted.plain.residuals(fitted.usual_effects[None])[0]
        basis = find_basis(fitted.plain.design)
        share = float((basis @ (basis.T @ left) < 0).mean())
    state = _state(share, 0.0, 0.1)
    found = f"without any channel {share:.0%} of the periods would sell less than nothing"
    return ("negative baseline", "all", share, 0.0, state,
            _advise(state, found, "media are credited with the season or the level"))  # fmt: skip


def _autocorrelation(fitted: Fitted) -> Row:
    left = fitted.posterior.project @ fitted.plain.residuals(fitted.usual_effects[None])[0]
    value = float(abs(left[1:] @ left[:-1] / (left @ left)))
    state = _state(value, 0.3)
    found = f"what is left unexplained has a correlation of {value:.2f} from period to period"
    return ("residual autocorrelation", "all", value, 0.3, state,
            _advise(state, found, "a driver is missing, and intervals are too narrow"))  # fmt: skip


def _collinearity(fitted: Fitted) -> list[Row]:
    rows: list[Row] = []
    for i, name in enumerate(fitted.names):
        others = np.delete(fitted.usual_effects, i, axis=0).T
        value = _inflation(fitted.usual_effects[i], np.column_stack([fitted.plain.design, others]))
        state = _state(value, 10.0)
        found = f"beside season, controls and other channels its variance is {value:.1f} times"
        rows.append(("collinearity", name, value, 10.0, state,
                     _advise(state, found, "they tell nearly the same story as it")))  # fmt: skip
    return rows


def _inflation(series: np.ndarray, others: np.ndarray) -> float:
    """Return the variance inflation factor of a series, given others with a level."""
    basis = find_basis(others)
    left = series - basis @ (basis.T @ series)
    spread = series - series.mean()
    return float(min((spread @ spread + 1e-12) / (left @ left + 1e-12), 1e6))


def _variation(fitted: Fitted) -> list[Row]:
    """Judge by how much spend moves that season, trend and controls do not move."""
    rows: list[Row] = []
    basis = find_basis(fitted.plain.design)
    for i, name in enumerate(fitted.names):
        spend = fitted.spend[:, i] / fitted.spend[:, i].mean()
        value = float((spend - basis @ (basis.T @ spend)).std())
        state = "pass" if value >= 0.15 else "warn" if value >= 0.05 else "fail"
        if state == "fail" and name in fitted.tested:
            state = "warn"
        found = f"its spend moves by {value:.1%} of its mean where season and controls do not"
        rows.append(("spend variation", name, value, 0.15, state,
                     _advise(state, found, "vary it by lot, or test it")))  # fmt: skip
    return rows


def _dominance(fitted: Fitted) -> list[Row]:
    """Compare the width of the posterior with the prior's: near 1, only the prior speaks."""
    rows: list[Row] = []
    before = fitted.posterior.prior.share * _HALF_NORMAL_SD
    for i, name in enumerate(fitted.names):
        share = fitted.told.share[:, i]
        value = float(share.std() / before)
        wide = float(share.std() / share.mean())
        state = "fail" if value > 0.85 else "warn" if value > 0.3 or wide > 0.6 else "pass"
        found = (f"it is {value:.0%} as uncertain as before any data, by {wide:.0%} of its own "
                 "size")  # fmt: skip
        rows.append(("prior dominance", name, value, 0.3, state,
                     _advise(state, found, "a lift test would settle it")))  # fmt: skip
    return rows


def _out_of_sample(fitted: Fitted) -> Row:
    """Forecast the last fifth of the periods, and compare with a forecast without channels."""
    held = int(np.clip(len(fitted.y) // 5, 4, 13))
    blind = hold_out(fitted.plain, held)
    at = find_peak(blind.density, fitted.peak.at[None]).at
    errors = [_forecast_error(blind, effects, held)
              for effects in (blind.unpack(at).effects, 0 * blind.unpack(at).effects)]  # fmt: skip
    value = errors[0] / max(errors[1], 1e-12)
    state = _state(value, 1.1)
    found = (f"the last {held} periods are forecast with an error of {errors[0]:.1%}, {value:.2f} "
             "times that of a model without channels")  # fmt: skip
    return ("out-of-sample error", "all", value, 1.1, state,
            _advise(state, found, "what it learned does not carry forward"))  # fmt: skip


def _forecast_error(blind: Posterior, effects: np.ndarray, held: int) -> float:
    """Return the root mean square error of the last periods' forecast [share of the mean]."""
    left = blind.residuals(effects)[0]
    weights = np.linalg.lstsq(blind.design[:-held], left[:-held], rcond=None)[0]
    return float(np.sqrt(np.mean((left[-held:] - blind.design[-held:] @ weights) ** 2)))


def _plausibility(fitted: Fitted, level: float) -> list[Row]:
    shares = fitted.contributions.sum(axis=1) / fitted.y.sum()
    value = float(np.median(shares))
    said = f"all channels together are credited with {value:.0%} of the outcome"
    state = _state(value, 0.8)
    rows: list[Row] = [("contribution plausibility", "all", value, 0.8, state, said)]
    low, middle, high = np.quantile(fitted.contributions,
                                    [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)  # fmt: skip
    for i, name in enumerate(fitted.names):
        wide = float((high[i] - low[i]) / middle[i])
        said = f"its interval is {wide:.1f} times as wide as the estimate itself"
        rows.append(("contribution plausibility", name, wide, 2.0, _state(wide, 2.0), said))
    return rows
