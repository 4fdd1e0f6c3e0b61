"""What do people say it may cost? Van Westendorp's price sensitivity meter, with intervals.

In: four prices a respondent. Answer: four points where curves of respondents cross, the range
between the outer two, and what answers cannot tell. Source: van Westendorp, NSS Price
Sensitivity Meter, Proceedings of the 29th ESOMAR Congress, 1976, pages 139-167.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.frames import need_numbers, need_share
from ecomlab.plotting import BLUE, GREEN, GREY, ORANGE, RED, finish, format_amount, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["PriceRange", "find_price_range"]

_QUESTIONS = ("too_cheap", "cheap", "expensive", "too_expensive")
_POINTS = ("lowest_price", "optimal_price", "indifference_price", "highest_price")
_FEW = 50  # respondents below which the points are hardly worth a decision
_SAMPLES = 500
# point -> (rising curve, falling curve); they cross where the first reaches the second
_CROSSINGS = {
    "original": {
        "lowest_price": ("not_cheap", "too_cheap"),
        "optimal_price": ("too_expensive", "too_cheap"),
        "indifference_price": ("expensive", "cheap"),
        "highest_price": ("too_expensive", "not_expensive"),
    },
    "narrower": {
        "lowest_price": ("expensive", "too_cheap"),
        "optimal_price": ("too_expensive", "too_cheap"),
        "indifference_price": ("expensive", "cheap"),
        "highest_price": ("too_expensive", "cheap"),
    },
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PriceRange(Result):
    """The prices that respondents accept, and the four points that bound and divide them.

    ``table`` has ``point, price, low, high, curves``; ``curves`` (a frame) has ``price`` and the
    share of respondents to whom it is ``too_cheap, cheap, expensive, too_expensive``.
    """

    headline: ClassVar[dict[str, str]] = {
        "lowest_price": "currency/unit",
        "optimal_price": "currency/unit",
        "indifference_price": "currency/unit",
        "highest_price": "currency/unit",
        "respondents": "people",
    }

    lowest_price: float
    optimal_price: float
    indifference_price: float
    highest_price: float
    respondents: int
    dropped: int
    curves: pd.DataFrame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the four curves, the accepted range and the optimal point."""
        ax = new_axes(height=4.6) if ax is None else ax
        labels = {"too_cheap": (ORANGE, 0.5, -1), "cheap": (GREEN, 0.9, 1),
                  "expensive": (BLUE, 0.9, -1), "too_expensive": (RED, 0.5, 1)}  # fmt: skip
        for name, (color, height, side) in labels.items():
            ax.step(self.curves["price"], self.curves[name], where="post", color=color)
            near = (self.curves[name] - height).abs().idxmin()
            ax.annotate(name.replace("_", " "), (self.curves["price"][near], height),
                        (5 * side, 7 if height > 0.5 else -9), textcoords="offset points",
                        color=color, ha="left" if side > 0 else "right",
                        fontweight="bold")  # fmt: skip
        ax.set_xlim(0, self.curves["price"][(self.curves["too_expensive"] - 0.96).abs().idxmin()])
        ax.axvspan(self.lowest_price, self.highest_price, color=GREY, alpha=0.13, linewidth=0)
        ax.axvline(self.optimal_price, color=GREY, linestyle="--", linewidth=1.2)
        ax.yaxis.set_major_formatter("{x:.0%}")
        ax.set_ylim(0, 1.02)
        low, best, high = (format_amount(price) for price in
                           (self.lowest_price, self.optimal_price, self.highest_price))  # fmt: skip
        title = f"Respondents accept {low} to {high}; resistance is lowest at {best}"
        return finish(ax, title=title, x="price [currency/unit]", y="share of respondents")


def find_price_range(
    answers: pd.DataFrame,
    *,
    definition: Literal["original", "narrower"] = "original",
    weight: str | None = None,
    overstated_share: float = 0.0,
    level: float = LEVEL,
    seed: int = 0,
) -> PriceRange:
    """Find the accepted prices by van Westendorp's price sensitivity meter.

    Of four curves, "too cheap" and "cheap" fall with the price (who finds a price cheap finds
    lower ones cheap too), "expensive" and "too expensive" rise. They cross at

    - the *optimal* price: too cheap and too expensive (as many refuse it for the one as for the
      other);
    - the *indifference* price: cheap and expensive;
    - the *lowest* price, of marginal cheapness: too cheap and *not* cheap;
    - the *highest* price, of marginal expensiveness: too expensive and *not* expensive.

    These are the pairs of the original paper, and the default of the R package
    pricesensitivitymeter. Some firms take a ``narrower`` range: too cheap and expensive, too
    expensive and cheap. As in that package a crossing is the lowest price named by anybody at
    which the rising curve has reached the falling one, and respondents whose four prices do not
    rise strictly are left out. Intervals are percentiles of 500 samples of the respondents.

    Parameters
    ----------
    answers
        One row a respondent: ``too_cheap, cheap, expensive, too_expensive`` [currency/unit].
    definition
        Which curves bound the range.
    weight
        Column with the weights of respondents (from raking); all count alike if left out.
    overstated_share
        By how much answers are above what people pay [share]; all prices are divided by one
        more than this. Hypothetical answers were 21 % too high on average
        (Schmidt and Bijmolt, Journal of the Academy of Marketing Science 48, 2020).
    level
        Level of the intervals [share].
    seed
        Seed of the samples behind the intervals.

    Raises
    ------
    ValueError
        Where a column is missing, not a number or negative, or no respondent is consistent.

    Examples
    --------
    >>> said = pd.DataFrame({"too_cheap": [2.0, 3, 4, 7], "cheap": [5.0, 6, 7, 8],
    ...                      "expensive": [6.0, 8, 9, 10], "too_expensive": [7.0, 11, 12, 13]})
    >>> find_price_range(said)  # doctest: +NORMALIZE_WHITESPACE
    PriceRange(lowest_price=5.0 currency/unit, optimal_price=7.0 currency/unit,
    indifference_price=7.0 currency/unit, highest_price=9.0 currency/unit, respondents=4 people)
    """
    need_numbers(answers, "answers", _QUESTIONS, least=0)
    if definition not in _CROSSINGS:
        raise ValueError(f"definition: {definition!r}; choose one of {', '.join(_CROSSINGS)}.")
    need_share(level, of="level")
    if not (np.isfinite(overstated_share) and overstated_share > -1):
        raise ValueError(f"overstated_share: {overstated_share}; give a share, such as 0.21.")
    weights = _weights(answers, weight)
    prices = answers[list(_QUESTIONS)].to_numpy(float) / (1 + overstated_share)
    rises = (np.diff(prices, axis=1) > 0).all(axis=1) & (weights > 0)
    if not rises.any():
        raise ValueError(
            "answers: no respondent names four rising prices (too_cheap < cheap < expensive < "
            "too_expensive). Look whether the columns are swapped."
        )
    prices, weights = prices[rises], weights[rises]
    meter = _Meter(prices)
    points = meter.cross(weights, _CROSSINGS[definition])
    low, high = _interval(meter, weights, _CROSSINGS[definition], level, seed)
    curves = meter.curves(weights)
    table = pd.DataFrame(
        {"point": _POINTS, "price": points, "low": low, "high": high,
         "curves": [" x ".join(_CROSSINGS[definition][p][::-1]) for p in _POINTS]}
    )  # fmt: skip
    return PriceRange(
        table=table,
        caveats=_caveats(answers, rises, curves, overstated_share),
        **dict(zip(_POINTS, map(float, points), strict=True)),
        respondents=len(prices),
        dropped=int((~rises).sum()),
        curves=pd.DataFrame(curves)[["price", *_QUESTIONS]],
    )


def _weights(answers: pd.DataFrame, weight: str | None) -> np.ndarray:
    if weight is None:
        return np.ones(len(answers))
    need_numbers(answers, "answers", [weight], least=0)
    return answers[weight].to_numpy(float)


class _Meter:
    """The curves of a sample, on the grid of all prices that anybody named."""

    def __init__(self, prices: np.ndarray) -> None:
        self.grid = np.unique(prices)
        self.place = np.searchsorted(self.grid, prices)

    def curves(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return the shares by price; a named price is where its opinion begins or ends."""
        total = weights.sum()
        size = len(self.grid)
        upto = [np.bincount(at, weights, size).cumsum() / total for at in self.place.T]
        return {
            "price": self.grid,
            "too_cheap": 1 - upto[0],
            "cheap": 1 - upto[1],
            "expensive": upto[2],
            "too_expensive": upto[3],
            "not_cheap": upto[1],
            "not_expensive": 1 - upto[2],
        }

    def cross(self, weights: np.ndarray, pairs: dict[str, tuple[str, str]]) -> np.ndarray:
        """Return the lowest price at which each rising curve has reached its falling one."""
        found = self.curves(weights)
        # a difference of sums of the same weights: equal but for rounding counts as reached
        return np.array([
            self.grid[np.argmax(found[rising] >= found[falling] - 1e-12)]
            for rising, falling in (pairs[point] for point in _POINTS)
        ])  # fmt: skip


def _interval(
    meter: _Meter,
    weights: np.ndarray,
    pairs: dict[str, tuple[str, str]],
    level: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return percentiles over samples of respondents, drawn with replacement."""
    rng = np.random.default_rng(seed)
    size = len(weights)
    drawn = rng.multinomial(size, np.full(size, 1 / size), size=_SAMPLES)
    found = np.array([
        meter.cross(weights * times, pairs) for times in drawn if (weights * times).sum() > 0
    ])  # fmt: skip
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _caveats(
    answers: pd.DataFrame,
    rises: np.ndarray,
    curves: dict[str, np.ndarray],
    overstated_share: float,
) -> tuple[str, ...]:
    said = []
    if lost := int((~rises).sum()):
        said.append(
            f"{lost} of {len(answers)} respondents ({lost / len(answers):.0%}) were left out: "
            "their four prices do not rise, or they have no weight."
        )
    if overstated_share == 0:
        said.append(
            "These are prices that people name, not prices they pay: hypothetical answers are "
            "too high by a fifth on average (overstated_share=0.21 takes this out)."
        )
    said.append(
        "The meter knows neither cost nor competitors, nor how many would buy: it gives a range "
        "to look in, not the price to ask."
    )
    calm = (curves["too_cheap"] <= 0) & (curves["too_expensive"] <= 0)
    if calm.sum() > 1:
        first, last = curves["price"][calm][[0, -1]]
        said.append(
            f"Nobody refuses a price from {first:g} to {last:g}; the optimal price given is the "
            "lowest of them."
        )
    if rises.sum() < _FEW:
        said.append(f"Only {int(rises.sum())} respondents: the points may move far in another.")
    return tuple(said)
