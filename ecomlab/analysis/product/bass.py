"""How many will ever buy it, and how fast? The Bass model of a new product's first purchases.

In: units by period since launch. Answer: innovation, imitation and the size of the market with
intervals, or the plain word that they cannot be estimated yet. Model: Bass, Management Science
15, 1969. Estimation by non-linear least squares on the differences of the cumulative curve:
Srinivasan and Mason, Marketing Science 5, 1986, equation 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.optimize import least_squares
from scipy.stats import f as f_dist
from scipy.stats import t as student

from ecomlab.frames import need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, amounts_on, finish, format_amount, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["BassFit", "fit_bass"]

_LEAST_PERIODS = 5
_IDEAS = tuple((p, q) for p in (0.002, 0.03) for q in (0.1, 0.3, 0.6, 1.2))
_LOWEST, _HIGHEST = np.log([1e-8, 1e-5]), np.log([1.0, 6.0])
_WIDEST = 0.7  # standard error of the log of the market beyond which it is not known


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class BassFit(Result):
    """Innovation, imitation and market of a new product, or why they are not estimated.

    ``table`` has ``period, units, fitted``. Where ``is_estimated`` is false all estimates are
    NaN and the caveats say why. ``peak_period`` is when most is sold; 0 where sales fall from
    the start.
    """

    headline: ClassVar[dict[str, str]] = {
        "innovation": "share/period",
        "imitation": "share/period",
        "market_units": "units",
        "peak_period": "periods",
    }

    innovation: float
    innovation_low: float
    innovation_high: float
    imitation: float
    imitation_low: float
    imitation_high: float
    market_units: float
    market_low: float
    market_high: float
    peak_period: float
    peak_seen: bool
    is_estimated: bool

    def predict(self, periods: int) -> pd.DataFrame:
        """Return ``period, units`` expected in the first periods, seen ones included."""
        edges = np.arange(periods + 1.0)
        parameters = np.log([self.innovation, self.imitation, self.market_units])
        return pd.DataFrame(
            {"period": np.arange(1, periods + 1), "units": np.diff(_cumulative(parameters, edges))}
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what was sold and the curve, on beyond its peak."""
        ax = new_axes() if ax is None else ax
        ax.bar(self.table["period"], self.table["units"], color=GREY, width=0.7)
        last = int(self.table["period"].max())
        if not self.is_estimated:
            title = f"{last} periods do not tell how large the market is"
            return finish(amounts_on(ax), title=title, x="period since launch", y="units a period")
        ahead = self.predict(max(last + 2, int(1.6 * self.peak_period) + 2))
        ax.plot(ahead["period"], ahead["units"], color=BLUE)
        ax.axvline(max(self.peak_period, 0) + 0.5, color=ORANGE, linewidth=1)
        market = f"{format_amount(self.market_low)} to {format_amount(self.market_high)}"
        title = f"Sales peak in period {int(max(self.peak_period, 0)) + 1}; {market} units in all"
        return finish(amounts_on(ax), title=title, x="period since launch", y="units a period")


def fit_bass(
    adoptions: pd.DataFrame,
    *,
    method: Literal["difference", "density", "regression"] = "difference",
    level: float = LEVEL,
) -> BassFit:
    """Fit the Bass model, or say why the series does not carry it.

    A period's sales are expected to be ``m (F(t) - F(t - 1))`` with
    ``F(t) = (1 - exp(-(p + q) t)) / (1 + (q / p) exp(-(p + q) t))``. In words: of those left,
    a share p buys of its own accord, and q more for each share of the market that has bought.

    Parameters
    ----------
    adoptions
        ``period`` (1, 2, ... since launch) and ``units`` bought for the first time.
    method
        ``difference``: as above. ``density``: sales are ``m f(t)``, as in some textbooks.
        ``regression``: Bass's own, sales on the cumulative of the periods before and its square;
        it has no intervals.
    level
        Level of the intervals.

    Returns
    -------
    BassFit
        Not estimated where fewer than five periods are there, where the search does not
        converge, where steady sales would look the same (an F test), or where the peak has not
        been seen: before it the market's size is known to be guessed too small (Van den Bulte
        and Lilien, Marketing Science 16, 1997).

    Raises
    ------
    ValueError
        Where a column is missing, periods are not 1, 2, 3, ..., or units are negative.

    Examples
    --------
    >>> vcr = [840, 1470, 2110, 4000, 7590, 10950, 10530, 9470, 7790, 5890]
    >>> sold = pd.DataFrame({"period": range(1, 11), "units": vcr})
    >>> fit_bass(sold, method="density").market_units.__round__(-1)
    67980.0
    >>> fit_bass(sold.head(4)).caveats
    ('Not estimated, because 4 periods are fewer than 5.',)
    """
    need_numbers(adoptions, "adoptions", ["period"], least=1)
    need_numbers(adoptions, "adoptions", ["units"], least=0)
    need_unique(adoptions, "adoptions", ["period"], remedy="Add them up.")
    series = adoptions.sort_values("period", ignore_index=True)
    periods, units = series["period"].to_numpy(float), series["units"].to_numpy(float)
    if (gap := periods != np.arange(1, len(periods) + 1)).any():
        where = series.index[gap][:3].tolist()
        raise ValueError(
            f"adoptions.period: not 1, 2, 3, ... (first at {where}). Start with the launch, and "
            "give periods without sales as 0."
        )
    if len(units) < _LEAST_PERIODS:
        return _unknown(series, f"{len(units)} periods are fewer than {_LEAST_PERIODS}.")
    if units.sum() <= 0:
        return _unknown(series, "nothing was sold.")
    if method == "regression":
        return _regress(series)
    if method not in ("difference", "density"):
        raise ValueError(f"method: {method!r}. Use difference, density or regression.")
    return _search(series, method == "density", level)


def _cumulative(logs: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the units sold up to t under the logs of p, q and m."""
    p, q, m = np.exp(logs)
    decay = np.exp(-(p + q) * t)
    return np.asarray(m * (1 - decay) / (1 + q / p * decay))


def _density(logs: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the rate of sales at t."""
    p, q, m = np.exp(logs)
    decay = np.exp(-(p + q) * t)
    return np.asarray(m * (p + q) ** 2 / p * decay / (1 + q / p * decay) ** 2)


def _search(series: pd.DataFrame, at_a_point: bool, level: float) -> BassFit:
    """Minimise the squares from several starts, on logs so that nothing turns negative."""
    units = series["units"].to_numpy(float)
    ends = np.arange(len(units) + 1.0)
    scale = units.std() + units.mean()

    def curve(logs: np.ndarray) -> np.ndarray:
        return _density(logs, ends[1:]) if at_a_point else np.diff(_cumulative(logs, ends))

    total = np.log(units.sum())
    bounds = (np.append(_LOWEST, total - 1), np.append(_HIGHEST, total + 7))
    tries = [
        least_squares(lambda logs: (curve(logs) - units) / scale,
                      np.array([np.log(p), np.log(q), total + 0.2]),
                      bounds=bounds, xtol=1e-10, ftol=1e-12, gtol=1e-10, max_nfev=400)
        for p, q in _IDEAS
    ]  # fmt: skip
    best = min(tries, key=lambda found: float(found.cost))
    fitted = curve(best.x)
    freedom = len(units) - 3
    variance = 2 * best.cost / freedom
    information = best.jac.T @ best.jac
    if not best.success or np.linalg.cond(information) > 1e14:
        return _unknown(series, "the search for the best curve did not converge.")
    flat = float(((units - units.mean()) ** 2).sum()) / scale**2
    if (
        f_dist.sf(max(flat - 2 * best.cost, 0.0) / 2 / max(variance, 1e-300), 2, freedom)
        > 1 - level
    ):
        return _unknown(
            series, "steady sales with their luck fit the periods about as well as the curve."
        )
    errors = np.sqrt(np.diag(np.linalg.inv(information)) * variance)
    return _judge(series, best.x, errors * student.ppf((1 + level) / 2, freedom), fitted)


def _judge(series: pd.DataFrame, logs: np.ndarray, half: np.ndarray, fitted: np.ndarray) -> BassFit:
    """Decide whether the series carries the estimates, and give them if it does."""
    p, q, _ = np.exp(logs)
    last, peak = len(series), float(max(np.log(q / p) / (p + q), 0.0))
    if peak > last - 1:
        said = (
            f"the peak has not been seen: the curve puts it at period {peak:.1f}, and only {last} "
            "are there. Before the peak the market's size cannot be told."
        )
        return _unknown(series, said)
    if half[2] > 2 * _WIDEST:
        return _unknown(series, "the periods do not tell the size of the market.", peak_seen=True)
    half = np.minimum(half, 30.0)  # beyond that nothing is known, and exp would overflow
    low, middle, high = np.exp(logs - half), np.exp(logs), np.exp(logs + half)
    caveats = ["The model is about first purchases: take repeat purchases out before fitting."]
    if last < 10:
        caveats.append(f"{last} periods are few: the intervals hold only roughly.")
    if logs[1] <= _LOWEST[1] + 0.1 or low[1] < 1e-3:
        caveats.append("Imitation cannot be told from none.")
    return BassFit(
        table=series[["period", "units"]].assign(fitted=fitted), caveats=tuple(caveats),
        innovation=float(middle[0]), innovation_low=float(low[0]), innovation_high=float(high[0]),
        imitation=float(middle[1]), imitation_low=float(low[1]), imitation_high=float(high[1]),
        market_units=float(middle[2]), market_low=float(low[2]), market_high=float(high[2]),
        peak_period=peak, peak_seen=True, is_estimated=True,
    )  # fmt: skip


def _regress(series: pd.DataFrame) -> BassFit:
    """Regress sales on the cumulative before and its square (Bass 1969, equation 9)."""
    units = series["units"].to_numpy(float)
    before = units.cumsum() - units
    design = np.column_stack([np.ones(len(units)), before, before**2])
    (a, b, c), *_ = np.linalg.lstsq(design, units)
    root = b * b - 4 * a * c
    if c >= 0 or a <= 0 or root < 0:
        return _unknown(series, "the regression's signs are not those of a market that fills up.")
    market = (-b - np.sqrt(root)) / (2 * c)
    p, q = a / market, -c * market
    none = float("nan")
    peak = float(max(np.log(q / p) / (p + q), 0.0))
    caveats = [
        "The regression has no intervals, and is biased: a period's sales are treated as if "
        "nobody had bought within it."
    ]
    if peak > len(series) - 1:
        caveats.append("The peak has not been seen: the market's size is a guess.")
    return BassFit(
        table=series[["period", "units"]].assign(fitted=design @ [a, b, c]), caveats=tuple(caveats),
        innovation=float(p), innovation_low=none, innovation_high=none,
        imitation=float(q), imitation_low=none, imitation_high=none,
        market_units=float(market), market_low=none, market_high=none,
        peak_period=peak, peak_seen=peak <= len(series) - 1, is_estimated=True,
    )  # fmt: skip


def _unknown(series: pd.DataFrame, why: str, *, peak_seen: bool = False) -> BassFit:
    none = float("nan")
    return BassFit(
        table=series[["period", "units"]].assign(fitted=none),
        caveats=(f"Not estimated, because {why}",),
        innovation=none, innovation_low=none, innovation_high=none,
        imitation=none, imitation_low=none, imitation_high=none,
        market_units=none, market_low=none, market_high=none,
        peak_period=none, peak_seen=peak_seen, is_estimated=False,
    )  # fmt: skip
