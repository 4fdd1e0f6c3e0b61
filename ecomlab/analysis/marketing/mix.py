"""What does each channel add? A mix model of weekly spend and outcome, with intervals.

In: a row a week with the outcome, the spend of each channel and controls. Answer: what each
channel contributed, its return on spend and its response curve, or why the weeks cannot say.
Curves are in ``mix_curves.py``, the density in ``mix_posterior.py``, draws in
``mix_sampling.py``, the health card in ``mix_health.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.analysis.marketing.mix_health import Fitted, judge_fit, say_verdicts
from ecomlab.analysis.marketing.mix_posterior import Posterior, build_posterior, filter_noise
from ecomlab.analysis.marketing.mix_prior import MixPrior
from ecomlab.analysis.marketing.mix_response import ResponseCurves, build_curves
from ecomlab.analysis.marketing.mix_sampling import Peak, find_peak, sample
from ecomlab.frames import need_columns, need_numbers, need_share, where
from ecomlab.plotting import BLUE, GREY, ORANGE, amounts_on, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["MixFit", "fit_mix"]

_SPARE = 8  # periods more than parameters, at least


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MixFit(Result):
    """What channels contributed, and how they answer to spend.

    ``table`` has ``channel, spend, contribution, low, high, roas, roas_low, roas_high,
    verdict``: contributions over all periods in the outcome's unit, with the bounds of their
    interval, and outcome per unit of spend. A channel that the data cannot speak of has gaps
    and a verdict that says why. ``health`` has the nine checks: ``check, channel, value,
    limit, state, meaning``. ``form`` is ``additive`` or ``multiplicative``.
    """

    headline: ClassVar[dict[str, str]] = {
        "media_share": "share of the outcome",
        "low": "share of the outcome",
        "high": "share of the outcome",
        "channels_estimated": "channels",
    }

    media_share: float
    low: float
    high: float
    channels_estimated: int
    level: float
    outcome: str
    form: str
    health: pd.DataFrame
    curves: ResponseCurves = field(repr=False)

    def response(self, channel: str, *, spend: Sequence[float] | None = None) -> pd.DataFrame:
        """Return what a channel brings per period at lasting spends.

        Parameters
        ----------
        channel
            The channel.
        spend
            Spends per period [currency]; from 0 to twice the mean where left out.

        Returns
        -------
        DataFrame
            ``spend, response, low, high, marginal_return`` (of the next unit of spend), at
            the mean level of the baseline.
        """
        self._need(channel)
        mean = self.curves.mean_spend[self.curves.channels.index(channel)]
        at = np.linspace(0, 2 * mean, 41) if spend is None else np.asarray(spend, dtype=float)
        if not np.isfinite(at).all() or (at < 0).any():
            raise ValueError("spend: give finite amounts of at least 0.")
        draws, slopes = self.curves.respond(channel, at)
        tail = (1 - self.level) / 2
        low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
        return pd.DataFrame(
            {
                "spend": at,
                "response": draws.mean(axis=0),
                "low": low,
                "high": high,
                "marginal_return": slopes.mean(axis=0),
            }
        )

    def _need(self, channel: str) -> None:
        if channel not in self.curves.channels:
            known = ", ".join(map(str, self.curves.channels))
            raise ValueError(f"channel: there is no {channel!r}. Known: {known}.")
        row = self.table[self.table["channel"] == channel].iloc[0]
        if not np.isfinite(row["contribution"]):
            raise ValueError(f"{channel}: {row['verdict']}")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each channel's return on spend with its interval."""
        ax = new_axes(height=1.2 + 0.5 * len(self.table)) if ax is None else ax
        rows = self.table.iloc[::-1].reset_index(drop=True)
        told = rows["contribution"].notna()
        places = np.arange(len(rows))
        ax.hlines(places[told], rows["roas_low"][told], rows["roas_high"][told], color=BLUE,
                  linewidth=6, alpha=0.35)  # fmt: skip
        ax.plot(rows["roas"][told], places[told], "o", color=BLUE)
        for place in places[~told]:
            ax.annotate("not estimated", (0, place), (4, 0), textcoords="offset points",
                        va="center", color=GREY)  # fmt: skip
        ax.set_yticks(places, rows["channel"].astype(str))
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.set_xlim(left=0)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(f"{self.outcome} per unit of spend, {self.level:.0%} interval")
        ax.set_title(_finding(self.table))
        return amounts_on(ax, "x")

    def plot_response(self, channel: str, ax: Axes | None = None) -> Axes:
        """Draw a channel's response curve with its interval, and where it is spent today."""
        curve = self.response(channel)
        ax = new_axes() if ax is None else ax
        ax.fill_between(curve["spend"], curve["low"], curve["high"], color=BLUE, alpha=0.2,
                        linewidth=0)  # fmt: skip
        ax.plot(curve["spend"], curve["response"], color=BLUE)
        today = curve.iloc[len(curve) // 2]
        ax.plot([today["spend"]], [today["response"]], "o", color=ORANGE, markersize=9)
        ax.annotate("today", (today["spend"], today["response"]), (8, -12),
                    textcoords="offset points", color=ORANGE, fontweight="bold")  # fmt: skip
        ax.set_xlim(left=0)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("spend per period")
        ax.set_ylabel(f"{self.outcome} per period")
        share = today["marginal_return"] * today["spend"] / today["response"]
        ax.set_title(f"The next unit on {channel} brings {share:.0%} of what the average one does")
        return amounts_on(ax, "x")


def _finding(table: pd.DataFrame) -> str:
    told = table.dropna(subset="roas")
    if told.empty:
        return "These weeks do not tell what any channel adds"
    best = told.loc[told["roas"].idxmax()]
    others = told.drop(index=best.name)
    if others.empty:
        return f"{best['channel']} brings {best['roas']:.3g} per unit of spend"
    sure = (best["roas_low"] > others["roas_high"]).all()
    rest = "clearly the most" if sure else "the most, though intervals overlap"
    return f"{best['channel']} brings {best['roas']:.3g} per unit of spend, {rest}"


def fit_mix(
    weekly: pd.DataFrame,
    *,
    outcome: str,
    channels: Sequence[str],
    controls: Sequence[str] = (),
    prior: MixPrior = MixPrior(),  # noqa: B008  (frozen)
    level: float = LEVEL,
    seed: int = 0,
) -> MixFit:
    """Estimate what each channel's spend added to the outcome.

    The outcome is a baseline (level, trend, season, controls) plus what channels add, or times
    one plus it. Spend is remembered (geometric adstock) and saturates (Hill or exponential);
    effects are never negative. Bayesian, with draws by importance sampling; lift tests in the
    prior count as data. What a channel contributed is what would be missing had it alone
    spent nothing.

    Parameters
    ----------
    weekly
        One row a period in the order of time, with the columns named below; a column
        ``week_start``, where there is one, must ascend.
    outcome
        Column of what is explained (orders, revenue), not negative.
    channels
        Columns of spend [currency/period].
    controls
        Columns that move the outcome beside the channels (events, prices, the budget that
        the manager set in view of the demand he expected).
    prior
        Priors, curve and lift tests.
    level
        Share of the draws that the intervals hold.
    seed
        Seed of the draws.

    Returns
    -------
    MixFit
        Contributions, returns, response curves and the health card.

    Raises
    ------
    ValueError
        On bad input, too few periods, or a test of an unknown channel.

    References
    ----------
    Jin, Wang, Sun, Chan and Koehler, Bayesian methods for media mix modeling with carryover
    and shape effects (2017).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> tv = rng.gamma(2.0, 50.0, size=104)
    >>> weekly = pd.DataFrame({"tv": tv, "sales": 900 + 200 * tv / (tv + 100)})
    >>> weekly["sales"] += rng.normal(0, 5, size=104)
    >>> mix = fit_mix(weekly, outcome="sales", channels=["tv"])
    >>> row = mix.table.iloc[0]
    >>> bool(row["low"] < (200 * tv / (tv + 100)).sum() < row["high"])
    True
    """
    for name, given in (("channels", channels), ("controls", controls)):
        if isinstance(given, str):
            raise ValueError(f"{name}: {given!r} is one name. Give a list of names.")
    names, held = tuple(channels), tuple(controls)
    _check(weekly, outcome, names, held, prior)
    need_share(level, of="level")
    design = _design(weekly, held, prior)
    if len(weekly) < (least := design.shape[1] + 2 * len(names) + _SPARE):
        raise ValueError(f"weekly: {len(weekly)} rows; these channels and controls need {least}. "
                         "Give more weeks, or fewer channels and controls.")  # fmt: skip
    y = weekly[outcome].to_numpy(dtype=float)
    spend = weekly[list(names)].to_numpy(dtype=float)
    plain, posterior, peak = _choose_form(y, spend, design, prior, names)
    draws = sample(posterior.density, peak, groups=len(names), seed=seed)
    fitted = Fitted(
        names=names, y=y, spend=spend, plain=plain, posterior=posterior, peak=peak, draws=draws
    )
    return _answer(fitted, outcome, level)


def _check(
    weekly: pd.DataFrame,
    outcome: str,
    channels: tuple[str, ...],
    controls: tuple[str, ...],
    prior: MixPrior,
) -> None:
    if not channels:
        raise ValueError("channels: none given. Name the columns of spend.")
    named = (outcome, *channels, *controls)
    if len(set(named)) < len(named):
        twice = next(name for name in named if named.count(name) > 1)
        raise ValueError(
            f"{twice}: named twice among outcome, channels and controls. Once will do."
        )
    need_columns(weekly, "weekly", named)
    need_numbers(weekly, "weekly", (outcome, *channels), least=0)
    need_numbers(weekly, "weekly", controls)
    for name in channels:
        if not weekly[name].any():
            raise ValueError(f"weekly.{name}: nothing was ever spent. Leave it out of channels.")
    for name in (outcome, *controls):
        if weekly[name].nunique() < 2:
            raise ValueError(f"weekly.{name}: it never changes. Leave it out, or give more weeks.")
    if "week_start" in weekly and not weekly["week_start"].is_monotonic_increasing:
        back = weekly["week_start"] < weekly["week_start"].shift()
        raise ValueError(f"weekly.week_start: {where(back)} before the row before. Sort by it.")
    for test in prior.tests:
        if test.channel not in channels:
            raise ValueError(f"prior.tests: {test.channel!r} is none of the channels. Name the "
                             "tested channel as its column.")  # fmt: skip


def _design(weekly: pd.DataFrame, controls: tuple[str, ...], prior: MixPrior) -> np.ndarray:
    """Return level, trend, season and controls by period, each of about unit size."""
    size = len(weekly)
    waves = prior.waves
    if waves is None:
        waves = 2 if size >= prior.periods_per_year - 1 else 0
    turn = 2 * np.pi * np.arange(size) / prior.periods_per_year
    columns = [np.ones(size), np.linspace(-1, 1, size)]
    columns += [wave(k * turn) for k in range(1, waves + 1) for wave in (np.sin, np.cos)]
    for name in controls:
        values = weekly[name].to_numpy(dtype=float)
        columns.append((values - values.mean()) / values.std())
    return np.column_stack(columns)


def _choose_form(
    y: np.ndarray, spend: np.ndarray, design: np.ndarray, prior: MixPrior, names: tuple[str, ...]
) -> tuple[Posterior, Posterior, Peak]:
    """Return the posterior of the likelier form, without and with memory of noise, and its peak."""
    forms = {"additive": [False], "multiplicative": [True], "auto": [False, True]}[prior.form]
    if (y <= 0).any():
        if prior.form == "multiplicative":
            raise ValueError("outcome: it is 0 in some periods, where no effect can be a share of "
                             "it. Use form='additive', or longer periods.")  # fmt: skip
        forms = [False]
    found = []
    for is_multiplicative in forms:
        plain = build_posterior(
            y, spend, design, prior=prior, names=names, is_multiplicative=is_multiplicative
        )
        first = find_peak(plain.density, _starts(len(names)))
        memory = _noise_memory(plain, first.at)
        posterior = filter_noise(plain, memory)
        peak = find_peak(posterior.density, first.at[None])
        # the density of the outcome, not of its log
        jacobian = np.log(plain.outcome).sum() if is_multiplicative else 0.0
        found.append((peak.log_evidence - jacobian, plain, posterior, peak))
    _, plain, posterior, peak = max(found, key=lambda one: one[0])
    return plain, posterior, peak


def _starts(channels: int) -> np.ndarray:
    """Return where the search for the peak begins: small lasting effects, larger quick ones."""
    return np.array([np.repeat([-1.3, 1.1, 0.0], channels), np.repeat([-0.6, -0.5, 0.0], channels)])


def _noise_memory(posterior: Posterior, at: np.ndarray) -> float:
    """Return the correlation of neighbouring residuals, less what fitting takes away."""
    left = posterior.project @ posterior.residuals(posterior.unpack(at).effects)[0]
    share = float(left[1:] @ left[:-1] / (left @ left))
    return float(np.clip(share + (1 + 3 * share) / len(left), 0.0, 0.8))


def _answer(fitted: Fitted, outcome: str, level: float) -> MixFit:
    """Put the draws into a table, and hold back what the health card does not let pass."""
    contributions = fitted.contributions
    tail = (1 - level) / 2
    low, middle, high = np.quantile(contributions, [tail, 0.5, 1 - tail], axis=0)
    health = judge_fit(fitted, level)
    verdicts = say_verdicts(health, fitted.names)
    told = np.array([not one for one in verdicts])
    spent = fitted.spend.sum(axis=0)
    numbers = np.where(told, [middle, low, high, middle / spent, low / spent, high / spent], np.nan)
    table = pd.DataFrame({"channel": fitted.names, "spend": spent})
    names = ["contribution", "low", "high", "roas", "roas_low", "roas_high"]
    table = table.assign(**dict(zip(names, numbers, strict=True)))
    table = table.assign(verdict=[one or "estimated" for one in verdicts])
    share = contributions.sum(axis=1) / fitted.y.sum()
    shares = np.quantile(share, [0.5, tail, 1 - tail]) if told.all() else np.full(3, np.nan)
    return MixFit(
        table=table,
        caveats=_caveats(fitted, health, verdicts),
        media_share=float(shares[0]),
        low=float(shares[1]),
        high=float(shares[2]),
        channels_estimated=int(told.sum()),
        level=level,
        outcome=outcome,
        form="multiplicative" if fitted.posterior.is_multiplicative else "additive",
        health=health,
        curves=build_curves(fitted.names, fitted.posterior, fitted.draws.values, fitted.y),
    )


def _caveats(fitted: Fitted, health: pd.DataFrame, verdicts: list[str]) -> tuple[str, ...]:
    tested = {one.channel for one in fitted.posterior.prior.tests}
    words = [f"{name}: {said}" for name, said in zip(fitted.names, verdicts, strict=True) if said]
    loose = [name for name in fitted.names if name not in tested]
    if loose:
        words.append(f"No lift test stands behind {', '.join(loose)}: where budgets follow the "
                     "demand that is expected, their numbers can be demand's.")  # fmt: skip
    for row in health[health["state"] == "warn"].head(4).itertuples():
        of = "All channels" if row.channel == "all" else str(row.channel)
        words.append(f"{of}: {row.meaning}.")
    words.append("Spends far from those that were seen are answered by the shape of the curve.")
    return tuple(words)
