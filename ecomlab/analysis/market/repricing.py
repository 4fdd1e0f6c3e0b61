"""Which price earns most? Answers on paper, made to fit what is really sold.

In: a choice model and the offers side by side with their unit costs. Answer: the profit of
each price, as answered and calibrated: constants are shifted until the model sells to as
many visitors as the shop does (Train, Discrete Choice Methods with Simulation, 2nd ed. 2009,
section 2.8). On paper nearly everybody buys something, so that a dearer product seems to lose
nobody; in a shop most leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.analysis.market.choice import ChoiceFit
from ecomlab.frames import need_columns, need_filled, need_numbers
from ecomlab.plotting import BLUE, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Repricing", "plan_repricing"]

_FACTORS = tuple(round(0.6 + 0.02 * step, 2) for step in range(51))
_DRAWS = 1_000


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Repricing(Result):
    """The price that earns most, as a multiple of today's.

    ``table`` has a row a multiple: ``factor, choice_share`` (of the repriced offers),
    ``buying_share`` (of all offers) and ``profit`` of a visitor [currency]. ``low`` and ``high``
    hold the best factor under other coefficients that fit as well.
    """

    headline: ClassVar[dict[str, str]] = {
        "factor": "of today's price",
        "low": "of today's price",
        "high": "of today's price",
        "gain_share": "share of profit",
    }

    factor: float
    low: float
    high: float
    gain_share: float
    is_calibrated: bool
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the profit at each price over today's."""
        ax = new_axes() if ax is None else ax
        now = float(np.interp(1.0, self.table["factor"], self.table["profit"]))
        change = 100 * (self.table["profit"] / now - 1)
        ax.axvspan(100 * (self.low - 1), 100 * (self.high - 1), color=BLUE, alpha=0.1, linewidth=0)
        ax.plot(100 * (self.table["factor"] - 1), change, color=BLUE)
        best = 100 * (self.factor - 1)
        ax.plot([best], [100 * self.gain_share], "o", color=ORANGE, markersize=9)
        ax.annotate(f"{best:+.0f} %", (best, 100 * self.gain_share), (8, 6),
                    textcoords="offset points", color=ORANGE, fontweight="bold")  # fmt: skip
        word = "Calibrated to real sales" if self.is_calibrated else "Taken at its word"
        return finish(
            ax,
            title=f"{word}, the model prices {best:+.0f} % "
            f"({100 * (self.low - 1):+.0f} to {100 * (self.high - 1):+.0f} %)",
            x="price over today's [%]",
            y="profit over today's [%]",
        )


def plan_repricing(
    fit: ChoiceFit,
    offers: pd.DataFrame,
    *,
    price: str,
    price_scale: Literal["linear", "log"] = "log",
    buying_share: float | None = None,
    factors: Sequence[float] = _FACTORS,
    level: float = LEVEL,
    seed: int = 0,
) -> Repricing:
    """Return the price of some offers that earns most beside the others.

    Parameters
    ----------
    fit
        A choice model whose attributes hold the price.
    offers
        A row an alternative a visitor has: the attributes of the fit; ``price`` and ``unit_cost``
        [currency/unit] (empty for buying nothing); ``is_repriced`` marks the offers in question.
    price
        The attribute that is the price, or its logarithm.
    price_scale
        ``log`` where the attribute is a logarithm.
    buying_share
        Share of visitors who really buy, to calibrate by; None takes the answers at their word.
    factors
        Multiples of today's price to try.
    level
        Level of the interval [share].
    seed
        Seed of the draws of coefficients (Krinsky and Robb 1986).

    Returns
    -------
    Repricing
        The best multiple and the profit at each.

    Raises
    ------
    ValueError
        For missing columns, no offer to reprice, no alternative of buying nothing (where there is
        something to calibrate), and a share that is not between 0 and 1.

    Notes
    -----
    The calibration adds ``ln(s / (1 - s)) - ln(q / (1 - q))`` to the utility of every offer, with
    the real share of buyers *s* and the model's *q*. In words: the offers become less tempting,
    all alike, until as few people buy as do. What one offer is worth beside another stays.

    Examples
    --------
    >>> tasks = pd.DataFrame({"task_id": np.repeat(np.arange(8), 2), "log_price": [0.2, 0.0] * 8,
    ...                       "chosen": [0, 1] * 5 + [1, 0] * 3})
    >>> from ecomlab.analysis.market import fit_choice
    >>> fit = fit_choice(tasks, attributes=["log_price"])
    >>> offers = pd.DataFrame({"log_price": [0.0, 0.0], "price": [10.0, np.nan],
    ...     "unit_cost": [5.0, np.nan], "is_repriced": [True, False]})
    >>> plan_repricing(fit, offers, price="log_price").factor
    1.26
    >>> plan_repricing(fit, offers, price="log_price", buying_share=0.03).factor
    0.84
    """
    names = fit.table["attribute"].tolist()
    _check(offers, names, price, price_scale, buying_share)
    ladder = np.array(sorted({*factors, 1.0}), dtype=float)
    shop = _Shop.of(offers, names, price, price_scale, buying_share)
    slopes = fit.table["coefficient"].to_numpy()
    share, profit = shop.earn(slopes, ladder)
    drawn = np.random.default_rng([seed, 0x9C]).multivariate_normal(slopes, fit.covariance, _DRAWS)
    best = [ladder[shop.earn(one, ladder)[1].argmax()] for one in drawn]
    low, high = np.quantile(best, [(1 - level) / 2, (1 + level) / 2])
    top = int(profit.argmax())
    now = float(profit[ladder == 1.0][0])
    return Repricing(
        table=pd.DataFrame(
            {
                "factor": ladder,
                "choice_share": share[:, shop.is_repriced].sum(axis=1),
                "buying_share": share[:, shop.sells].sum(axis=1),
                "profit": profit,
            }
        ),
        caveats=_caveats(top in (0, len(ladder) - 1), buying_share is not None),
        factor=float(ladder[top]),
        low=float(low),
        high=float(high),
        gain_share=float(profit[top]) / now - 1,
        is_calibrated=buying_share is not None,
        level=level,
    )


@dataclass(frozen=True, eq=False)
class _Shop:
    """What a visitor chooses from: attributes, prices, costs, and which offers are repriced."""

    shown: np.ndarray
    place: int  # of the price among the attributes
    is_log: bool
    price: np.ndarray
    cost: np.ndarray
    sells: np.ndarray
    is_repriced: np.ndarray
    buying_share: float | None

    @classmethod
    def of(
        cls, offers: pd.DataFrame, names: list[str], price: str, scale: str, share: float | None
    ) -> _Shop:
        """Read the offers."""
        money = offers[["price", "unit_cost"]].to_numpy(dtype=float)
        return cls(
            offers[names].to_numpy(dtype=float), names.index(price), scale == "log",
            np.nan_to_num(money[:, 0]), np.nan_to_num(money[:, 1]), ~np.isnan(money[:, 0]),
            offers["is_repriced"].to_numpy(dtype=bool), share,
        )  # fmt: skip

    def earn(self, slopes: np.ndarray, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return choice shares, factors x offers, and the profit of a visitor at each factor."""
        usual = self.shown @ slopes
        if self.buying_share is not None:
            taken = np.exp(usual - usual.max())
            bought = taken[self.sells].sum() / taken.sum()
            usual = usual + self.sells * (_logit(self.buying_share) - _logit(bought))
        size = np.ones(len(usual)) if self.is_log else self.price
        step = np.log(factors) if self.is_log else factors - 1
        value = usual + step[:, None] * slopes[self.place] * size * self.is_repriced
        weight = np.exp(value - value.max(axis=1, keepdims=True))
        share = weight / weight.sum(axis=1, keepdims=True)
        asked = np.where(self.is_repriced, factors[:, None] * self.price, self.price)
        return share, (share * (asked - self.cost)).sum(axis=1)


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _check(
    offers: pd.DataFrame, names: list[str], price: str, scale: str, share: float | None
) -> None:
    need_columns(offers, "offers", (*names, "price", "unit_cost", "is_repriced"))
    need_filled(offers, "offers", ["is_repriced"])
    need_numbers(offers, "offers", names)
    sold = offers[offers["price"].notna()]
    need_columns(sold, "offers", ["price"])
    need_numbers(sold, "offers", ["price"], above=0.0)
    need_numbers(sold, "offers", ["unit_cost"], least=0.0)
    if price not in names:
        raise ValueError(f"price: {price!r} is not in the model, which has {', '.join(names)}.")
    if scale not in ("linear", "log"):
        raise ValueError(f"price_scale: {scale!r} is not one of 'linear', 'log'.")
    if not sold["is_repriced"].astype(bool).any():
        raise ValueError("offers.is_repriced: no offer with a price is marked. Mark one.")
    if share is not None and not 0 < share < 1:
        raise ValueError(f"buying_share: {share} is not between 0 and 1. Give a share, as 0.03.")
    if share is not None and len(sold) == len(offers):
        raise ValueError(
            "offers.price: every row is an offer. Add the row of buying nothing, its price empty."
        )


def _caveats(is_at_the_end: bool, is_calibrated: bool) -> tuple[str, ...]:
    said = ["Competitors' answers, and what customers think of us next year, are not in it."]
    if is_at_the_end:
        said.append("The best price is at the end of those tried: look further, and with care.")
    said.append(
        "Calibrated: as many buy as really do. Prices far from today's are still guesses."
        if is_calibrated
        else "Taken at its word: on paper nearly everybody buys, and dear products lose nobody."
    )
    return tuple(said)
