"""What is an attribute worth in money? Willingness to pay, and how sure it is.

In: a choice model with a price. Answer: the price rise that an attribute makes up for, with
an interval for the ratio by the delta method, by draws (Krinsky and Robb, Review of Economics
and Statistics 68, 1986) or exact for normal coefficients (Fieller, Journal of the Royal
Statistical Society B 16, 1954). Hole (Health Economics 16, 2007) compares the three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.analysis.market.choice import ChoiceFit
from ecomlab.frames import need_share
from ecomlab.plotting import BLUE, GREY, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Willingness", "estimate_willingness"]

Method = Literal["fieller", "delta", "krinsky_robb"]
_DRAWS = 20_000


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Willingness(Result):
    """What each attribute is worth: in currency, or as a share of the price.

    ``table`` has ``attribute, willingness, low, high``; ``unit`` is ``currency`` where the
    price entered the model as it is, and ``share`` where its logarithm did.
    """

    headline: ClassVar[dict[str, str]] = {"attributes": "attributes", "method": "", "unit": ""}

    attributes: int
    method: str
    unit: str
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what each attribute is worth, with its interval."""
        ax = new_axes(height=1.2 + 0.45 * len(self.table)) if ax is None else ax
        factor = 100 if self.unit == "share" else 1
        ranked = self.table.sort_values("willingness")
        place = np.arange(len(ranked))
        ax.axvline(0, color=GREY, linewidth=1)
        ax.hlines(place, factor * ranked["low"], factor * ranked["high"], color=BLUE, linewidth=3,
                  alpha=0.5)  # fmt: skip
        ax.plot(factor * ranked["willingness"], place, "o", color=BLUE, markersize=8)
        ax.set_yticks(place, ranked["attribute"])
        ax.set_ylim(-0.6, len(ranked) - 0.4)
        top = ranked.iloc[-1]
        mark = " %" if self.unit == "share" else ""
        worth, low, high = (factor * float(top[n]) for n in ("willingness", "low", "high"))
        return finish(
            ax,
            title=f"{top['attribute']} makes up for a price {worth:.3g}{mark} higher "
            f"({low:.3g} to {high:.3g}{mark})",
            x=f"price rise it makes up for [{'% of the price' if mark else 'currency'}], "
            f"with {self.level:.0%} intervals",
            y="",
        )


def estimate_willingness(
    fit: ChoiceFit,
    *,
    price: str,
    price_scale: Literal["linear", "log"] = "linear",
    method: Method = "fieller",
    level: float = LEVEL,
    seed: int = 0,
) -> Willingness:
    """Estimate the price rise that one more unit of each attribute makes up for.

    With a linear price this is ``-b / b_price`` [currency]; with its logarithm the share
    ``exp(-b / b_price) - 1`` of the price. Not the highest price people would pay: that also
    depends on what else they could buy.

    Parameters
    ----------
    fit
        A fit of :func:`fit_choice` or of :func:`fit_mixed_choice`; of the latter, the ratio of
        the mean coefficients is taken.
    price
        The attribute that is the price, or its logarithm; its coefficient must be below zero.
    price_scale
        ``linear`` or ``log``.
    method
        ``fieller`` (exact for normal coefficients), ``delta`` or ``krinsky_robb``.
    level
        Confidence level of the intervals.
    seed
        Seed of the draws of ``krinsky_robb``.

    Raises
    ------
    ValueError
        Where the price is not among the attributes, its coefficient is not below zero, or it is
        so unsure that the interval of a ratio has no end (Fieller).

    Examples
    --------
    >>> from ecomlab.analysis.market import fit_choice
    >>> tasks = pd.DataFrame({
    ...     "task_id": np.repeat(np.arange(80), 2), "price": [2.0, 1.0] * 80,
    ...     "eco": [1, 0] * 40 + [0, 0] * 40,
    ...     "chosen": [1, 0] * 20 + [0, 1] * 20 + [1, 0] * 10 + [0, 1] * 30})
    >>> fit = fit_choice(tasks, attributes=["price", "eco"])  # eco wins as often as it loses
    >>> estimate_willingness(fit, price="price").table.round(2)
      attribute  willingness   low  high
    0       eco          1.0  0.26  1.74
    """
    names = fit.table["attribute"].tolist()
    need_share(level, of="level")
    _check(names, price, price_scale, method)
    value = fit.table["coefficient"].to_numpy()
    at = names.index(price)
    if value[at] >= 0:
        raise ValueError(
            f"price: not estimated, because the coefficient of {price} is {value[at]:.3g}: who "
            "likes to pay has no willingness to pay. Check the column's sign and its scale."
        )
    rows = []
    for name in names:
        if name == price:
            continue
        pair = fit.covariance.loc[[name, price], [name, price]].to_numpy()
        low, high = _interval(value[names.index(name)], value[at], pair, method, level, seed)
        rows.append((name, -value[names.index(name)] / value[at], low, high))
    table = pd.DataFrame(rows, columns=["attribute", "willingness", "low", "high"])
    if price_scale == "log":
        table = table.assign(**{c: np.expm1(table[c]) for c in ("willingness", "low", "high")})
    return Willingness(
        table=table,
        caveats=(
            "Stated on paper: people pay less in the shop. Calibrate it before setting a price.",
        ),
        attributes=len(table),
        method=method,
        unit="share" if price_scale == "log" else "currency",
        level=level,
    )


def _check(names: Sequence[str], price: str, price_scale: str, method: str) -> None:
    if price not in names:
        raise ValueError(f"price: {price!r} is not in the model, which has {', '.join(names)}.")
    if price_scale not in ("linear", "log"):
        raise ValueError(f"price_scale: {price_scale!r} is not one of 'linear', 'log'.")
    if method not in ("fieller", "delta", "krinsky_robb"):
        raise ValueError(f"method: {method!r} is not 'fieller', 'delta' or 'krinsky_robb'.")


def _interval(
    top: float, bottom: float, covariance: np.ndarray, method: str, level: float, seed: int
) -> tuple[float, float]:
    """Return the interval of ``-top / bottom``."""
    reach = float(norm.ppf((1 + level) / 2))
    ratio = -top / bottom
    if method == "delta":
        slope = np.array([-1 / bottom, top / bottom**2])
        error = float(np.sqrt(slope @ covariance @ slope))
        return ratio - reach * error, ratio + reach * error
    if method == "krinsky_robb":
        draws = np.random.default_rng(seed).multivariate_normal([top, bottom], covariance, _DRAWS)
        low, high = np.quantile(-draws[:, 0] / draws[:, 1], [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)
    return _fieller(-top, bottom, covariance * np.array([[1, -1], [-1, 1]]), reach)


def _fieller(
    top: float, bottom: float, covariance: np.ndarray, reach: float
) -> tuple[float, float]:
    """Return the ratios r for which ``top - r bottom`` is within reach of zero."""
    square = bottom**2 - reach**2 * covariance[1, 1]
    if square <= 0:
        raise ValueError(
            "price: not estimated, because its coefficient cannot be told from zero, so that the "
            "interval of the ratio has no end. Collect more choices or show prices further apart."
        )
    middle = top * bottom - reach**2 * covariance[0, 1]
    constant = top**2 - reach**2 * covariance[0, 0]
    root = float(np.sqrt(middle**2 - square * constant))
    return (middle - root) / square, (middle + root) / square
