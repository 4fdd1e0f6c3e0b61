"""Who must we ask how many of? Stratified samples, and what they say of everybody.

In: the strata and how many people each has. Answers: the respondents of each stratum, and
the mean over all people with its interval (Cochran, Sampling Techniques, 3rd ed. 1977,
sections 5.4 and 5.5; the interval's degrees of freedom are Satterthwaite's).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import t as student

from ecomlab.frames import (
    need_columns,
    need_filled,
    need_numbers,
    need_share,
    need_unique,
)
from ecomlab.plotting import BLUE, GREY, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["StratifiedMean", "allocate_sample", "estimate_stratified_mean"]

_LEAST = 2  # respondents of a stratum: one says nothing about the spread
_HARDLY = 1e-9  # weight of a stratum whose people are all alike


def allocate_sample(
    strata: pd.DataFrame,
    *,
    respondents: int,
    method: Literal["proportional", "neyman"] = "proportional",
) -> pd.DataFrame:
    """Divide a sample among strata.

    Proportional: by people. Neyman: by people times standard deviation, which makes the mean
    over everybody as precise as the size allows (Cochran 1977, section 5.5). No stratum
    gets more than its people or, where it has them, fewer than two.

    Parameters
    ----------
    strata
        Columns ``stratum``, ``people`` and, for Neyman, ``sd`` (of the answer, from an earlier
        survey).
    respondents
        The whole sample [people].
    method
        ``proportional`` or ``neyman``.

    Returns
    -------
    DataFrame
        ``stratum, people, respondents, sampling_share``; the respondents add up to the sample.

    Raises
    ------
    ValueError
        Where a column is missing or not positive, or the sample is too small or too large.

    Examples
    --------
    >>> strata = pd.DataFrame({"stratum": ["city", "land"], "people": [800, 200],
    ...                        "sd": [10.0, 40.0]})
    >>> allocate_sample(strata, respondents=100, method="neyman")["respondents"].tolist()
    [50, 50]
    """
    if method not in ("proportional", "neyman"):
        raise ValueError(f"method: {method!r} is not one of 'proportional', 'neyman'.")
    need_columns(strata, "strata", ["stratum", "people"] + ["sd"] * (method == "neyman"))
    need_unique(strata, "strata", ["stratum"])
    need_numbers(strata, "strata", ["people"], above=0)
    people = strata["people"].to_numpy(dtype=float)
    least = np.minimum(people, _LEAST)
    if not least.sum() <= respondents <= people.sum():
        raise ValueError(
            f"respondents: {respondents} for {len(strata)} strata of {people.sum():,.0f} people. "
            f"Give at least {least.sum():.0f} and at most everybody."
        )
    weight = people
    if method == "neyman":
        need_numbers(strata, "strata", ["sd"], least=0)
        weight = people * strata["sd"].to_numpy(dtype=float)
    count = _whole(_within(weight, float(respondents), least, people), respondents, people)
    return pd.DataFrame(
        {
            "stratum": strata["stratum"].to_numpy(),
            "people": strata["people"].to_numpy(),
            "respondents": count,
            "sampling_share": count / people,
        }
    )


def _within(weight: np.ndarray, total: float, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return the parts of a total in proportion to weights, none outside its bounds."""
    weight = np.maximum(weight / weight.max(), _HARDLY) if weight.max() > 0 else most / most.max()
    low, high = 0.0, most.max() / weight.min()
    for _ in range(200):  # the factor by which weights become parts, by bisection
        factor = (low + high) / 2
        if np.clip(factor * weight, least, most).sum() < total:
            low = factor
        else:
            high = factor
    return np.asarray(np.clip(high * weight, least, most))


def _whole(parts: np.ndarray, total: int, most: np.ndarray) -> np.ndarray:
    """Round parts so that they add up to the total: the largest remainders are rounded up."""
    down = np.floor(parts + 1e-9).astype("int64")
    order = np.argsort(-(parts - down), kind="stable")
    room = order[down[order] < most[order]]
    down[room[: total - down.sum()]] += 1
    return down


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StratifiedMean(Result):
    """The mean over all people, from a stratified sample.

    ``table`` has a row a stratum: ``stratum, people, respondents, mean, standard_error``.
    """

    headline: ClassVar[dict[str, str]] = {
        "mean": "unit of the answer",
        "low": "unit of the answer",
        "high": "unit of the answer",
        "design_effect": "ratio",
    }

    mean: float
    low: float
    high: float
    standard_error: float
    design_effect: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the mean of each stratum beside that of everybody."""
        ax = new_axes() if ax is None else ax
        place = np.arange(len(self.table))
        ax.errorbar(self.table["mean"], place, xerr=2 * self.table["standard_error"], fmt="o",
                    color=BLUE, capsize=3)  # fmt: skip
        ax.axvline(self.mean, color=GREY, linestyle="--")
        ax.axvspan(self.low, self.high, color=GREY, alpha=0.2, linewidth=0)
        ax.set_yticks(place, self.table["stratum"].astype(str))
        top = self.table.loc[self.table["mean"].idxmax()]
        return finish(
            ax,
            title=f"{self.mean:.3g} over everybody ({self.low:.3g} to {self.high:.3g}); "
            f"most in {top['stratum']}",
            x="mean answer [its unit]; bars are two standard errors",
            y="stratum",
        )


def estimate_stratified_mean(
    answers: pd.DataFrame, strata: pd.DataFrame, *, level: float = LEVEL
) -> StratifiedMean:
    """Estimate the mean over all people from a stratified sample, with its interval.

    Each stratum counts by its people, and its variance by the share of them who were not
    asked (Cochran 1977, section 5.4).

    Parameters
    ----------
    answers
        One row a respondent: ``stratum`` and ``value`` (0 and 1 for a share).
    strata
        One row a stratum: ``stratum`` and ``people``.
    level
        Confidence level of the interval.

    Returns
    -------
    StratifiedMean
        ``design_effect`` is the variance over that of a simple random sample of the size.

    Raises
    ------
    ValueError
        Where a stratum has fewer than two answers (or one of several people), or an answer
        belongs to no stratum.

    Examples
    --------
    >>> strata = pd.DataFrame({"stratum": ["a", "b"], "people": [75, 25]})
    >>> answers = pd.DataFrame({"stratum": list("aaabbb"), "value": [1, 2, 3, 9, 10, 11]})
    >>> estimate_stratified_mean(answers, strata).mean
    4.0
    """
    need_share(level, of="level")
    _check(answers, strata)
    found = answers.groupby("stratum")["value"].agg(["size", "mean", "var"])
    found = found.reindex(strata["stratum"])
    few = (found["size"].fillna(0) < _LEAST).to_numpy()
    if few.any():
        raise ValueError(
            f"answers.stratum: fewer than two answers in {list(strata['stratum'][few])[:3]}. "
            "Ask more, or join strata that are alike."
        )
    people, count = strata["people"].to_numpy(dtype=float), found["size"].to_numpy(dtype=float)
    share, unasked = people / people.sum(), 1 - count / people
    squared = unasked * found["var"].to_numpy() / count  # of each stratum's mean
    variance = float((share**2 * squared).sum())
    mean = float((share * found["mean"].to_numpy()).sum())
    freedom = variance**2 / max(float(((share**2 * squared) ** 2 / (count - 1)).sum()), 1e-300)
    reach = float(student.ppf((1 + level) / 2, max(freedom, 1.0))) * variance**0.5
    within = found["var"].to_numpy() * (1 - 1 / people)
    spread = float((share * (within + (found["mean"].to_numpy() - mean) ** 2 - squared)).sum())
    simple = max(spread, 0.0) * (1 - count.sum() / people.sum()) / count.sum()
    return StratifiedMean(
        table=pd.DataFrame(
            {"stratum": strata["stratum"].to_numpy(), "people": strata["people"].to_numpy(),
             "respondents": found["size"].to_numpy(), "mean": found["mean"].to_numpy(),
             "standard_error": np.sqrt(squared)}
        ),
        caveats=("Each stratum's people are taken as known, and its respondents as drawn by lot.",),
        mean=mean,
        low=mean - reach,
        high=mean + reach,
        standard_error=variance**0.5,
        design_effect=variance / simple if simple > 0 else float("nan"),
        level=level,
    )  # fmt: skip


def _check(answers: pd.DataFrame, strata: pd.DataFrame) -> None:
    need_columns(answers, "answers", ["stratum", "value"])
    need_columns(strata, "strata", ["stratum", "people"])
    need_filled(answers, "answers", ["stratum"])
    need_numbers(answers, "answers", ["value"])
    need_unique(strata, "strata", ["stratum"])
    need_numbers(strata, "strata", ["people"], above=0)
    lost = ~answers["stratum"].isin(strata["stratum"])
    if lost.any():
        raise ValueError(
            f"answers.stratum: {int(lost.sum())} rows belong to no stratum (first at "
            f"{list(answers.index[lost])[:3]}). Add the stratum with its people."
        )
    asked = strata["stratum"].map(answers["stratum"].value_counts()).fillna(0)
    over = (asked > strata["people"]).to_numpy()
    if over.any():
        raise ValueError(
            f"strata.people: more answers than people in {list(strata['stratum'][over])[:3]}. "
            "Count the people, not the answers."
        )
