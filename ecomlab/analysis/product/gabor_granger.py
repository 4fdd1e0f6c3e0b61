"""How many would buy at which price? Gabor and Granger's ladder of prices, read with care.

In: who would buy at which of the prices asked. Answer: a demand curve that never rises, the
price at which it earns most, and how sure that is. Source: Gabor and Granger, Price as an
indicator of quality, Economica 33, 1966.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.frames import need_filled, need_numbers, need_share, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, format_amount, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["DemandCurve", "build_purchase_answers", "estimate_demand_curve"]

_SAMPLES = 500


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DemandCurve(Result):
    """The share that buys at each price, and the price that earns most.

    ``table`` has ``price, share, low, high, revenue_per_person, margin_per_person``; ``low`` and
    ``high`` of the answer itself bound the best price.
    """

    headline: ClassVar[dict[str, str]] = {
        "best_price": "currency/unit",
        "low": "currency/unit",
        "high": "currency/unit",
        "best_share": "share",
        "margin_per_person": "currency",
    }

    best_price: float
    low: float
    high: float
    best_share: float
    margin_per_person: float
    respondents: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the demand curve with its interval, and mark the best price."""
        ax = new_axes() if ax is None else ax
        table = self.table
        ax.fill_between(table["price"], table["low"], table["high"], color=BLUE, alpha=0.2,
                        linewidth=0)  # fmt: skip
        ax.plot(table["price"], table["share"], color=BLUE, marker="o", markersize=4)
        ax.axvspan(self.low, self.high, color=GREY, alpha=0.13, linewidth=0)
        ax.plot([self.best_price], [self.best_share], "o", color=ORANGE, markersize=9)
        ax.annotate("earns most", (self.best_price, self.best_share), (8, 8),
                    textcoords="offset points", color=ORANGE, fontweight="bold")  # fmt: skip
        ax.yaxis.set_major_formatter("{x:.0%}")
        ax.set_ylim(0, 1.02)
        title = (f"{format_amount(self.best_price)} earns most: {self.best_share:.0%} say they "
                 f"would buy (best price {format_amount(self.low)} to "
                 f"{format_amount(self.high)})")  # fmt: skip
        return finish(ax, title=title, x="price [currency/unit]", y="share that would buy")


def build_purchase_answers(
    answers: pd.DataFrame, *, prices: Sequence[float], refuse_cheap: bool = False
) -> pd.DataFrame:
    """Construct purchase answers from the four prices of van Westendorp's questions.

    Who calls 20 too expensive would buy below it. A ladder can be read off these answers, though
    nobody was asked "would you buy at 15?". Whether a price "too cheap to trust" is refused in
    the shop is another matter; counted as a refusal it hides the buyers that a low price wins.

    Parameters
    ----------
    answers
        One row a respondent: ``respondent_id, too_cheap, too_expensive`` [currency/unit].
    prices
        The ladder [currency/unit].
    refuse_cheap
        Whether a price of ``too_cheap`` or less is refused.

    Returns
    -------
    pandas.DataFrame
        One row a respondent and price: ``respondent_id, price, buys`` (0 or 1).

    Raises
    ------
    ValueError
        Where a column is missing or not numeric, a respondent repeats, or a price is not above
        0.

    Examples
    --------
    >>> said = pd.DataFrame({"respondent_id": ["P1"], "too_cheap": [8.0], "too_expensive": [20.0]})
    >>> build_purchase_answers(said, prices=[5, 15, 25])["buys"].tolist()
    [1, 1, 0]
    """
    need_filled(answers, "answers", ["respondent_id"])
    need_numbers(answers, "answers", ["too_cheap", "too_expensive"], least=0)
    need_unique(answers, "answers", ["respondent_id"])
    ladder = np.asarray(prices, dtype=float)
    if ladder.size == 0 or not np.isfinite(ladder).all() or (ladder <= 0).any():
        raise ValueError("prices: give at least one, each above 0.")
    low, high = (answers[c].to_numpy(float)[:, None] for c in ("too_cheap", "too_expensive"))
    buys = (ladder < high) & ((low < ladder) | (not refuse_cheap))
    return pd.DataFrame(
        {
            "respondent_id": np.repeat(answers["respondent_id"].to_numpy(), len(ladder)),
            "price": np.tile(ladder, len(answers)),
            "buys": buys.ravel().astype(int),
        }
    )


def estimate_demand_curve(
    purchases: pd.DataFrame,
    *,
    unit_cost: float = 0.0,
    overstated_share: float = 0.0,
    level: float = LEVEL,
    seed: int = 0,
) -> DemandCurve:
    """Estimate the share of buyers by price, and the price with the highest margin.

    Shares are made to fall with the price by pooling neighbours that do not (isotonic
    regression: Ayer and others, Annals of Mathematical Statistics 26, 1955). The best price is
    that of the ladder with the most margin a person asked; intervals are percentiles over 500
    samples of the respondents.

    Parameters
    ----------
    purchases
        One row a respondent and price: ``respondent_id, price`` [currency/unit] and ``buys`` (0
        or 1). Not everybody need have been asked every price.
    unit_cost
        What a unit costs the shop [currency/unit]; 0 finds the price of most revenue.
    overstated_share
        By how much stated prices are above those paid [share]; all prices are divided by one
        more than this.
    level
        Level of the intervals [share].
    seed
        Seed of the samples behind the intervals.

    Raises
    ------
    ValueError
        Where a column is missing or not numeric, ``buys`` is not 0 or 1, a respondent answers
        the same price twice, or the cost is negative.

    Examples
    --------
    >>> asked = pd.DataFrame({"respondent_id": [1, 1, 2, 2, 3, 3, 4, 4], "price": [10.0, 20.0] * 4,
    ...                       "buys": [1, 1, 1, 1, 1, 1, 1, 0]})
    >>> curve = estimate_demand_curve(asked)
    >>> curve.best_price, curve.best_share, curve.margin_per_person
    (20.0, 0.75, 15.0)
    """
    _check(purchases, unit_cost, overstated_share, level)
    person, _ = pd.factorize(purchases["respondent_id"])
    price, ladder = pd.factorize(purchases["price"].astype(float), sort=True)
    asked, bought = (np.zeros((person.max() + 1, len(ladder))) for _ in range(2))
    asked[person, price] = 1
    bought[person, price] = purchases["buys"].to_numpy(float)
    ladder = np.asarray(ladder) / (1 + overstated_share)
    share = _fall(bought.sum(axis=0)[None], asked.sum(axis=0)[None])[0]
    margin = (ladder - unit_cost) * share
    best = int(np.argmax(margin))

    size = len(asked)
    drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=_SAMPLES)
    answered = drawn @ asked
    whole = (answered > 0).all(axis=1)  # a price few were asked can miss from a sample
    samples = _fall((drawn @ bought)[whole], answered[whole])
    bests = ladder[np.argmax((ladder - unit_cost) * samples, axis=1)]
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(samples, ends, axis=0)
    best_low, best_high = np.quantile(bests, ends, method="nearest")
    return DemandCurve(
        table=pd.DataFrame({"price": ladder, "share": share, "low": low, "high": high,
                            "revenue_per_person": ladder * share, "margin_per_person": margin}),
        caveats=_caveats(asked, bought, best, unit_cost, overstated_share),
        best_price=float(ladder[best]),
        low=float(min(best_low, ladder[best])),
        high=float(max(best_high, ladder[best])),
        best_share=float(share[best]),
        margin_per_person=float(margin[best]),
        respondents=size,
    )  # fmt: skip


def _check(
    purchases: pd.DataFrame, unit_cost: float, overstated_share: float, level: float
) -> None:
    need_filled(purchases, "purchases", ["respondent_id"])
    need_numbers(purchases, "purchases", ["price", "buys"], least=0)
    need_unique(purchases, "purchases", ["respondent_id", "price"])
    if (bad := ~purchases["buys"].isin([0, 1])).any():
        raise ValueError(
            f"purchases.buys: {int(bad.sum())} rows are neither 0 nor 1 (first at "
            f"{bad.index[bad][:3].tolist()}). Turn scales of intention into 0 and 1 first."
        )
    if not (np.isfinite(unit_cost) and unit_cost >= 0):
        raise ValueError(f"unit_cost: {unit_cost}; give a cost of 0 or more.")
    if not (np.isfinite(overstated_share) and overstated_share > -1):
        raise ValueError(f"overstated_share: {overstated_share}; give a share, such as 0.21.")
    need_share(level, of="level")


def _fall(bought: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return shares that never rise along the ladder, one row a sample.

    Least squares under the order has the closed form ``min over i <= j of max over l >= j`` of
    the mean from i to l (Robertson, Wright and Dykstra 1988, theorem 1.4.4).
    """
    size = asked.shape[1]
    sums, counts = (np.pad(one.cumsum(axis=1), ((0, 0), (1, 0))) for one in (bought, asked))
    best = np.full(asked.shape, np.inf)
    for first in range(size):
        # mean of first..l for l >= first, then the largest from each j on
        mean = (sums[:, first + 1 :] - sums[:, [first]]) / (counts[:, first + 1 :]
                                                            - counts[:, [first]])  # fmt: skip
        highest = np.maximum.accumulate(mean[:, ::-1], axis=1)[:, ::-1]
        best[:, first:] = np.minimum(best[:, first:], highest)
    return best


def _caveats(
    asked: np.ndarray,
    bought: np.ndarray,
    best: int,
    unit_cost: float,
    overstated_share: float,
) -> tuple[str, ...]:
    said = []
    refused = asked - bought
    odd = int(((refused.cumsum(axis=1) > 0) & (bought > 0)).any(axis=1).sum())
    if odd:
        said.append(
            f"{odd} of {len(asked)} respondents would buy at a price but not at a lower one; they "
            "count as they answered (a low price may look like low quality)."
        )
    if overstated_share == 0:
        said.append(
            "Saying costs nothing: people name prices a fifth too high on average, and more say "
            "they would buy than do (overstated_share=0.21 takes the first out)."
        )
    if best in (0, asked.shape[1] - 1):
        said.append("The best price is at the end of the ladder: ask beyond it.")
    if unit_cost == 0:
        said.append("Without a unit cost this is the price of most revenue, not of most profit.")
    return tuple(said)
