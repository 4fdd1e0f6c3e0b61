"""How many people must we ask? Sample sizes before the field work.

In: the margin of error wanted. Answer: the respondents it takes, with the finite population
correction and the design effect (Cochran, Sampling Techniques, 3rd ed. 1977, sections 4.4
and 4.7; Kish, Survey Sampling, 1965, section 8.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.frames import need_share
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["SamplePlan", "plan_sample"]

_HARDLY = 1e-9  # a size of 278.0000000001 is 278


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SamplePlan(Result):
    """The respondents that a margin of error takes.

    ``table`` has ``margin_share, respondents`` for margins around the one asked for.
    """

    headline: ClassVar[dict[str, str]] = {"respondents": "people", "margin_share": "share"}

    respondents: int
    margin_share: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the respondents that each margin takes, and mark the one asked for."""
        ax = new_axes() if ax is None else ax
        ax.plot(100 * self.table["margin_share"], self.table["respondents"], color=BLUE)
        ax.plot([100 * self.margin_share], [self.respondents], "o", color=ORANGE, markersize=9)
        ax.annotate(
            f"{self.respondents:,} people", (100 * self.margin_share, self.respondents), (10, 6),
            textcoords="offset points", color=ORANGE, fontweight="bold",
        )  # fmt: skip
        ax.axhline(self.respondents, color=GREY, linewidth=0.8, linestyle=":")
        ax.set_ylim(bottom=0)
        half = self.table.iloc[0]
        return finish(
            ax,
            title=f"{self.respondents:,} answers for ±{100 * self.margin_share:.3g} points; "
            f"half the margin takes {half['respondents'] / self.respondents:.1f} times as many",
            x="margin of error [± percentage points]",
            y="respondents [people]",
        )


def plan_sample(
    *,
    margin_share: float,
    share: float = 0.5,
    level: float = LEVEL,
    population: int | None = None,
    design_effect: float = 1.0,
) -> SamplePlan:
    """Return how many people must answer for a share to be known within a margin.

    ``n = D / (1 + (D - 1) / N)`` with ``D = deff z² p (1 - p) / e²``, rounded up once, at the
    end (Cochran 1977, section 4.4). The design effect multiplies the variance, so it comes
    before the finite population correction: the size never exceeds the population.

    Parameters
    ----------
    margin_share
        Half the width of the interval wanted [share].
    share
        The share expected; 0.5 is the safe choice, since it takes the most people.
    level
        Confidence level of the interval.
    population
        How many people there are to ask [people]; None where they are very many.
    design_effect
        How much larger the variance is than that of a simple random sample of the same size:
        above 1 for clusters and weights, below 1 for good strata.

    Raises
    ------
    ValueError
        Where a share or the level is not between 0 and 1, or a size is not positive.

    Examples
    --------
    >>> plan_sample(margin_share=0.05)
    SamplePlan(respondents=385 people, margin_share=0.05 share)
    >>> plan_sample(margin_share=0.05, population=1_000).respondents
    278
    """
    for name, value in (("margin_share", margin_share), ("share", share), ("level", level)):
        need_share(value, of=name)
    whole = isinstance(population, Real) and population >= 1 and float(population).is_integer()
    if population is not None and not whole:
        raise ValueError(
            f"population: {population!r} is no number of people to ask. Give a whole one, or None."
        )
    if not (isinstance(design_effect, Real) and 0 < design_effect < np.inf):
        raise ValueError(f"design_effect: {design_effect!r} is not positive. 1 is a simple sample.")
    margins = margin_share * np.linspace(0.5, 2.0, 31)
    spread = design_effect * norm.ppf((1 + level) / 2) ** 2 * share * (1 - share)
    sizes = _corrected(spread / margins**2, population)
    respondents = int(_corrected(np.array([spread / margin_share**2]), population)[0])
    caveats = [
        "The margin counts chance alone: who cannot be reached or will not answer is not in it.",
        f"These are answers, not invitations: if one in three answers, ask {3 * respondents:,}.",
    ]
    if respondents * min(share, 1 - share) < 5:
        caveats.append("Fewer than five cases are expected: the normal interval is too narrow.")
    return SamplePlan(
        table=pd.DataFrame({"margin_share": margins, "respondents": sizes.astype("int64")}),
        caveats=tuple(caveats),
        respondents=respondents,
        margin_share=float(margin_share),
        level=float(level),
    )


def _corrected(needed: np.ndarray, population: float | None) -> np.ndarray:
    """Apply the finite population correction, and round up."""
    if population is not None:
        needed = needed / (1 + (needed - 1) / population)
    return np.maximum(np.ceil(needed - _HARDLY), 1)
