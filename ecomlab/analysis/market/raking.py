"""Whom does the panel stand for? Weights that give a sample the population's margins.

In: one row a respondent, and the population's share of each level of some columns. Answer: a
weight a respondent by iterative proportional fitting (Deming and Stephan, Annals of
Mathematical Statistics 11, 1940), and what it costs: the design effect of Kish (Survey
Sampling, 1965, section 11.7). Means take the linearised variance of Deville and Särndal
(Journal of the American Statistical Association 87, 1992, section 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.frames import need_columns, need_filled, need_numbers, need_share
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Raking", "WeightedMean", "estimate_weighted_mean", "rake"]

Margins = Mapping[str, Mapping[Any, float]]

_CYCLES, _TOLERANCE = 1_000, 1e-10
_ROUNDED = 0.005  # published shares may add up to 1 but for this
_HEAVY = 5.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Raking(Result):
    """A sample with weights that give it the population's margins.

    ``table`` is the sample with the column ``weight`` (mean 1); ``margins`` has a row a level:
    ``column, level, target_share, sample_share, weighted_share``.
    """

    headline: ClassVar[dict[str, str]] = {
        "respondents": "people",
        "effective_respondents": "people",
        "design_effect": "ratio",
        "iterations": "cycles",
    }

    respondents: int
    effective_respondents: float
    design_effect: float
    iterations: int
    margins: pd.DataFrame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each level's share in the sample and in the population."""
        ax = new_axes(height=0.8 + 0.27 * len(self.margins)) if ax is None else ax
        place = np.arange(len(self.margins))[::-1]
        sample, target = self.margins["sample_share"], self.margins["target_share"]
        ax.hlines(place, 100 * sample, 100 * target, color=GREY, linewidth=1.2)
        ax.plot(100 * sample, place, "o", color=ORANGE, label="sample")
        ax.plot(100 * target, place, "D", color=BLUE, label="population, and the weighted sample")
        ax.set_yticks(place, self.margins["level"].astype(str))
        ax.legend(loc="upper right")
        worst = self.margins.loc[(sample / target).idxmax()]
        times = worst["sample_share"] / worst["target_share"]
        return finish(
            ax,
            title=f"{worst['level']} have {times:.1f} times "
            f"their true share; weighted, {self.respondents:,} answers say as much as "
            f"{self.effective_respondents:,.0f}",
            x="share of people [%]",
            y="",
        )


def rake(sample: pd.DataFrame, *, margins: Margins) -> Raking:
    """Weight a sample so that its margins are those of the population.

    Each column in turn multiplies the weights of a level by the share it should have over the
    share it has, until all columns fit at once.

    Parameters
    ----------
    sample
        One row a respondent; the columns named in `margins`.
    margins
        ``{column: {level: share}}``; the shares of a column add up to 1.

    Returns
    -------
    Raking
        ``table`` is the sample with ``weight``; ``design_effect`` is ``n Σw² / (Σw)²``, the
        factor by which unequal weights raise a variance, and ``effective_respondents`` is
        what is left of the sample.

    Raises
    ------
    ValueError
        Where a level has no respondents or no share, shares do not add up to 1, answers are
        empty, or no weights fit all margins at once.

    Examples
    --------
    >>> sample = pd.DataFrame({"age": ["young"] * 6 + ["old"] * 2})
    >>> raking = rake(sample, margins={"age": {"young": 0.5, "old": 0.5}})
    >>> raking.table["weight"].round(3).tolist()[4:7], round(raking.design_effect, 3)
    ([0.667, 0.667, 2.0], 1.333)
    """
    if not margins:
        raise ValueError("margins: none given. Name at least one column and its levels' shares.")
    need_columns(sample, "sample", margins)
    need_filled(sample, "sample", margins)
    groups = [_group(sample, column, shares) for column, shares in margins.items()]
    weight, cycles = _fit(groups, len(sample))
    effect = float(len(sample) * (weight**2).sum() / weight.sum() ** 2)
    caveats = [
        "Weights repair what the margins know of; who differs within a level still does.",
    ]
    if weight.max() > _HEAVY:
        caveats.append(
            f"The heaviest answer counts {weight.max():.1f} times: join small levels before "
            "trusting a result that rests on few people."
        )
    return Raking(
        table=sample.assign(weight=weight),
        caveats=tuple(caveats),
        respondents=len(sample),
        effective_respondents=len(sample) / effect,
        design_effect=effect,
        iterations=cycles,
        margins=_compare(sample, margins, weight),
    )


def _group(
    sample: pd.DataFrame, column: str, shares: Mapping[Any, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return each respondent's level as a number, and the share that each level should have."""
    share = pd.Series(dict(shares), dtype=float)
    if not np.isfinite(share).all() or (share < 0).any():
        bad = list(share.index[~(share >= 0)])[:3]
        raise ValueError(f"margins.{column}: the shares of {bad} are not shares. Give 0 to 1.")
    if abs(share.sum() - 1) > _ROUNDED:
        raise ValueError(
            f"margins.{column}: the shares add up to {share.sum():.4g}, not to 1. "
            "Give all levels, as shares and not as percentages."
        )
    level = share.index.get_indexer(pd.Index(sample[column]))
    if (level < 0).any():
        lost = sample[column][level < 0]
        raise ValueError(
            f"sample.{column}: {lost.unique().tolist()[:3]} have no share (first at "
            f"{lost.index[:3].tolist()}). Add them to the margins, or join them to a level there."
        )
    held = np.bincount(level, minlength=len(share))
    empty, unwanted = (held == 0) & (share > 0), (held > 0) & (share == 0)
    if empty.any():
        raise ValueError(
            f"margins.{column}: nobody in the sample is {share.index[empty].tolist()[:3]}. "
            "Join the level to its neighbour: no weight can stand in for people never asked."
        )
    if unwanted.any():
        raise ValueError(
            f"margins.{column}: {share.index[unwanted].tolist()[:3]} have the share 0, and there "
            "are such people in the sample. Drop them, or correct the share."
        )
    return level, share.to_numpy() / share.sum()


def _fit(groups: list[tuple[np.ndarray, np.ndarray]], count: int) -> tuple[np.ndarray, int]:
    """Return weights of mean 1 that fit all margins, and the cycles it took."""
    weight = np.ones(count)
    for cycle in range(1, _CYCLES + 1):
        for level, share in groups:
            held = np.bincount(level, weight, len(share))
            factor = np.divide(share * count, held, out=np.ones(len(share)), where=held > 0)
            weight = weight * factor[level]
        off = max(
            float(np.abs(np.bincount(level, weight, len(share)) / count - share).max())
            for level, share in groups
        )
        if off < _TOLERANCE:
            return weight, cycle
    raise ValueError(
        f"margins: not estimated, because after {_CYCLES} cycles a margin is still off by "
        f"{off:.2g}. They contradict each other in this sample (a combination of levels that "
        "nobody has): join levels, or leave a column out."
    )


def _compare(sample: pd.DataFrame, margins: Margins, weight: np.ndarray) -> pd.DataFrame:
    rows = []
    for column, shares in margins.items():
        total = sum(shares.values())
        for level, share in shares.items():
            here = (sample[column] == level).to_numpy()
            weighted = float(weight[here].sum() / weight.sum())
            rows.append((column, level, share / total, float(here.mean()), weighted))
    names = ["column", "level", "target_share", "sample_share", "weighted_share"]
    return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WeightedMean(Result):
    """A mean (or share) over the population, from a raked sample.

    ``table`` has the rows ``as answered`` and ``weighted``: ``answers, mean, low, high``.
    """

    headline: ClassVar[dict[str, str]] = {
        "mean": "unit of the answer",
        "low": "unit of the answer",
        "high": "unit of the answer",
        "standard_error": "unit of the answer",
    }

    mean: float
    low: float
    high: float
    standard_error: float
    level: float
    value: str

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the mean as answered and weighted, with intervals."""
        ax = new_axes(height=2.4) if ax is None else ax
        for place, row in enumerate(self.table.itertuples()):
            ax.plot([row.low, row.high], [place, place], color=(GREY, BLUE)[place], linewidth=3)
            ax.plot([row.mean], [place], "o", color=(GREY, BLUE)[place], markersize=8)
        ax.set_yticks([0, 1], self.table["answers"])
        ax.set_ylim(-0.6, 1.6)
        raw = float(self.table["mean"].iloc[0])
        return finish(
            ax,
            title=f"Weights move {self.value} from {raw:.3g} to {self.mean:.3g} "
            f"({self.low:.3g} to {self.high:.3g})",
            x=f"{self.value} [its unit], with {self.level:.0%} intervals",
            y="",
        )


def estimate_weighted_mean(
    raking: Raking,
    *,
    value: str,
    over: str | None = None,
    population: int | None = None,
    level: float = LEVEL,
) -> WeightedMean:
    """Estimate a population's mean or share from a raked sample, with its interval.

    The variance is that of ``w e``, where e is what the margins do not explain of the answer:
    margins that explain it win precision back that the weights cost.

    Parameters
    ----------
    raking
        The sample with its weights, of :func:`rake`.
    value
        Column of the answer; 0 and 1 (or true and false) for a share.
    over
        Column to divide by, where a ratio of two means is wanted: our orders over all orders.
    population
        How many people there are, where the sample is a good part of them [people].
    level
        Confidence level of the interval.

    Raises
    ------
    ValueError
        Where the column is missing or holds anything but finite numbers, or the population
        is smaller than the sample.

    Examples
    --------
    >>> sample = pd.DataFrame({"age": ["young"] * 6 + ["old"] * 2, "orders": [8] * 6 + [2, 4]})
    >>> raking = rake(sample, margins={"age": {"young": 0.5, "old": 0.5}})
    >>> round(estimate_weighted_mean(raking, value="orders").mean, 3)
    5.5
    """
    need_share(level, of="level")
    names = [value] if over is None else [value, over]
    need_columns(raking.table, "raking.table", names)
    need_numbers(raking.table, "raking.table", names)
    count = raking.respondents
    if population is not None and not population >= count:
        raise ValueError(f"population: {population} is smaller than the sample of {count}.")
    weight = raking.table["weight"].to_numpy()
    top, below = (raking.table[name].to_numpy(dtype=float) for name in (value, over or value))
    below = np.ones(count) if over is None else below
    if min(below.sum(), (weight * below).sum()) <= 0:
        raise ValueError(f"raking.table.{over}: not above zero on average; nothing to divide by.")
    mean, raw = float(weight @ top / (weight @ below)), float(top.sum() / below.sum())
    # a ratio's linearised answer; a mean's is the answer itself, but for a constant
    answer = (top - mean * below) / np.average(below, weights=weight)
    plain_answer = (top - raw * below) / below.mean()
    unasked = 1.0 if population is None else 1 - count / population
    error = float(np.sqrt(unasked) * _error_of(raking, answer))
    plain = float(np.sqrt(unasked * plain_answer.var(ddof=1) / count)) if count > 1 else np.nan
    reach = float(norm.ppf((1 + level) / 2))
    return WeightedMean(
        table=pd.DataFrame(
            {"answers": ["as answered", "weighted"], "mean": [raw, mean],
             "low": [raw - reach * plain, mean - reach * error],
             "high": [raw + reach * plain, mean + reach * error]}
        ),
        caveats=("The interval counts chance; what respondents misremember or gloss over stays.",),
        mean=mean,
        low=mean - reach * error,
        high=mean + reach * error,
        standard_error=error,
        level=level,
        value=value,
    )  # fmt: skip


def _error_of(raking: Raking, answer: np.ndarray) -> float:
    """Return the standard error of a weighted mean: what the margins do not explain varies."""
    weight = raking.table["weight"].to_numpy()
    columns = list(raking.margins["column"].unique())
    dummies = pd.get_dummies(raking.table[columns].astype(str), dtype=float).to_numpy()
    root = np.sqrt(weight)[:, None]
    slopes = np.linalg.lstsq(dummies * root, answer * root[:, 0], rcond=None)[0]
    rest = weight * (answer - dummies @ slopes)
    freedom = max(len(weight) - np.linalg.matrix_rank(dummies), 1)
    return float(np.sqrt((rest**2).sum() / (len(weight) * freedom)))
