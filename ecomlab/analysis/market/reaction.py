"""If we cut a price, do they follow? Their prices taken apart into cost, answer and will.

In: indices by market and period: theirs, ours, and what goods cost both. Answer: how much of a
lasting change of our price they copy in the long run, with its interval; beside it the naive
slope, which credits to us what costs did to both. An autoregressive distributed lag with market
effects, long-run coefficient by the delta method (Hendry, Pagan and Sargan, Handbook of
Econometrics 2, 1984; Bardsen, Oxford Bulletin of Economics and Statistics 51, 1989).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import t as student

from ecomlab.frames import need_columns, need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, PALETTE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Reaction", "estimate_reaction"]

_TERMS = ("rival_before", "own", "own_before", "cost", "cost_before")
_LEAST_PERIODS = 12


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Reaction(Result):
    """How far competitors follow our prices, all else equal.

    ``reaction`` is the elasticity of their price to a lasting change of ours, ``naive`` the
    plain slope of their price on ours, ``cost_pass_through`` their long-run elasticity to the
    common cost. ``table`` has ``term, coefficient, standard_error``; ``parts`` the log index of
    their prices by market and period, taken apart: ``market, period, actual, cost, reaction,
    their_own``.
    """

    headline: ClassVar[dict[str, str]] = {
        "reaction": "% per % of ours",
        "low": "% per % of ours",
        "high": "% per % of ours",
        "naive": "% per % of ours",
        "cost_pass_through": "% per % of cost",
        "half_life": "periods",
    }

    reaction: float
    low: float
    high: float
    naive: float
    naive_low: float
    naive_high: float
    cost_pass_through: float
    half_life: float
    level: float
    parts: pd.DataFrame = field(repr=False)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what moved their prices, on average over markets."""
        ax = new_axes() if ax is None else ax
        mean = self.parts.groupby("period")[["actual", "cost", "reaction", "their_own"]].mean()
        shown = {"actual": ("their price", GREY, 2.4), "cost": ("costs of both", ORANGE, 1.8),
                 "reaction": ("answer to us", BLUE, 1.8),
                 "their_own": ("their own", PALETTE[2], 1.0)}  # fmt: skip
        for name, (_, color, width) in shown.items():
            ax.plot(mean.index, 100 * mean[name], color=color, linewidth=width)
        ends = sorted(shown, key=lambda name: mean[name].iloc[-1])
        span = 100 * (mean.to_numpy().max() - mean.to_numpy().min())
        height = -np.inf
        for name in ends:
            height = max(height + 0.075 * span, 100 * mean[name].iloc[-1])
            ax.annotate(shown[name][0], (mean.index[-1], height), (6, 0),
                        textcoords="offset points", va="center", color=shown[name][1],
                        fontweight="bold", annotation_clip=False)  # fmt: skip
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.margins(x=0.01)
        return finish(
            ax,
            title=f"They follow {max(self.reaction, 0):.0%} of our price changes "
            f"({self.low:.0%} to {self.high:.0%}); the plain slope says {self.naive:.0%}",
            x="period",
            y="change over the usual price [%]",
        )


def estimate_reaction(prices: pd.DataFrame, *, level: float = LEVEL) -> Reaction:
    """Return how much of a lasting change of our price competitors copy, costs held fixed.

    Parameters
    ----------
    prices
        A row a market (a category, say) and period, no period left out: ``market, period,
        rival, own, cost``, each an index above 0 (:func:`track_prices` makes them of prices).
    level
        Level of the intervals [share].

    Returns
    -------
    Reaction
        Long-run reaction with interval, the naive slope, and their path taken apart.

    Raises
    ------
    ValueError
        For a missing column, indices that are not positive, fewer than 12 periods a market, a
        column that never changes, and prices whose past does not fade (no long run then).

    Notes
    -----
    With logs, and an effect a market, by least squares:
    ``rival(t) = m rival(t-1) + b0 own(t) + b1 own(t-1) + c0 cost(t) + c1 cost(t-1) + error``;
    the long-run reaction is ``(b0 + b1) / (1 - m)``. In words: what they ask today is part
    habit, part cost, part answer to us; add up the answer until habit has let go.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> cost, own = np.cumsum(rng.normal(0, 0.02, 200)), rng.normal(0, 0.02, 200)
    >>> rival = np.zeros(200)
    >>> for t in range(1, 200):
    ...     rival[t] = 0.5 * rival[t - 1] + 0.2 * own[t - 1] + 0.3 * cost[t]
    >>> found = estimate_reaction(pd.DataFrame({"market": "toys", "period": range(200),
    ...     "rival": np.exp(rival), "own": np.exp(own + cost), "cost": np.exp(cost)}))
    >>> round(found.reaction, 2), round(found.naive, 2)
    (0.4, 0.58)
    """
    logs = _logs(prices)
    before = logs.groupby("market")[["rival", "own", "cost"]].shift()
    lagged = pd.concat([logs, before.add_suffix("_before")], axis=1).dropna()
    within = lagged[["rival", *_TERMS]] - lagged.groupby("market")[["rival", *_TERMS]].transform(
        "mean"
    )
    slopes, covariance, free = _least_squares(within, logs["market"].nunique())
    memory = slopes[0]
    if memory >= 0.999:
        raise ValueError(
            "prices.rival: not estimated, because their price keeps every change for ever "
            f"(memory {memory:.2f}); there is no long run. Give a longer history."
        )
    long_run = (slopes[1] + slopes[2]) / (1 - memory)
    slope = np.array([long_run, 1, 1, 0, 0]) / (1 - memory)
    reach = student.ppf(0.5 + level / 2, free) * np.sqrt(slope @ covariance @ slope)
    naive, naive_error = _plain_slope(logs)
    naive_reach = student.ppf(0.5 + level / 2, free) * naive_error
    half = np.log(0.5) / np.log(memory) if memory > 0 else 0.0
    return Reaction(
        table=pd.DataFrame(
            {"term": _TERMS, "coefficient": slopes, "standard_error": np.sqrt(np.diag(covariance))}
        ),
        caveats=_caveats(long_run - reach, logs),
        reaction=float(long_run), low=float(long_run - reach), high=float(long_run + reach),
        naive=naive, naive_low=naive - naive_reach, naive_high=naive + naive_reach,
        cost_pass_through=float((slopes[3] + slopes[4]) / (1 - memory)),
        half_life=float(half), level=level, parts=_take_apart(logs, slopes),
    )  # fmt: skip


def _logs(prices: pd.DataFrame) -> pd.DataFrame:
    """Return checked logs, in order, each about its market's mean."""
    names = ["rival", "own", "cost"]
    need_columns(prices, "prices", ("market", "period", *names))
    need_filled(prices, "prices", ("market", "period"))
    need_numbers(prices, "prices", names, above=0.0)
    need_unique(prices, "prices", ["market", "period"])
    ordered = prices.sort_values(["market", "period"], ignore_index=True)
    periods = ordered.groupby("market").size()
    if periods.min() < _LEAST_PERIODS:
        raise ValueError(
            f"prices.period: market {periods.idxmin()!r} has {periods.min()} periods; "
            f"{_LEAST_PERIODS} are needed."
        )
    logs = ordered[["market", "period"]].join(np.log(ordered[names].astype(float)))
    logs[names] -= logs.groupby("market")[names].transform("mean")
    for name in names:
        if logs[name].std() < 1e-9:
            raise ValueError(f"prices.{name}: not estimated, because the column never changes.")
    return logs


def _least_squares(within: pd.DataFrame, markets: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return slopes, their covariance and degrees of freedom, markets' effects counted."""
    design, target = within[list(_TERMS)].to_numpy(), within["rival"].to_numpy()
    if np.linalg.matrix_rank(design) < len(_TERMS):
        raise ValueError(
            "prices: not estimated, because own price and cost move in step: what is whose cannot "
            "be told. Give a history in which we changed prices for other reasons."
        )
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ design.T @ target
    free = len(target) - markets - len(_TERMS)
    left = target - design @ slopes
    return slopes, inverse * (left @ left) / free, free


def _plain_slope(logs: pd.DataFrame) -> tuple[float, float]:
    """Return the slope of their price on ours, and the error that a plain regression gives it."""
    slope = (logs["own"] @ logs["rival"]) / (logs["own"] @ logs["own"])
    left = logs["rival"] - slope * logs["own"]
    free = len(logs) - logs["market"].nunique() - 1
    return float(slope), float(np.sqrt(left @ left / free / (logs["own"] @ logs["own"])))


def _take_apart(logs: pd.DataFrame, slopes: np.ndarray) -> pd.DataFrame:
    """Run the equation on cost alone and on our price alone; the rest is their own."""
    memory, found = slopes[0], []
    for market, part in logs.groupby("market"):
        paths = {}
        for name, now, before in (("cost", *slopes[3:5]), ("reaction", *slopes[1:3])):
            driver = part["cost" if name == "cost" else "own"].to_numpy()
            path = np.empty(len(driver))
            path[0] = (now + before) / (1 - memory) * driver[0]
            for t in range(1, len(driver)):
                path[t] = memory * path[t - 1] + now * driver[t] + before * driver[t - 1]
            paths[name] = path - path.mean()
        actual = part["rival"].to_numpy()
        found.append(
            pd.DataFrame(
                {
                    "market": market,
                    "period": part["period"].to_numpy(),
                    "actual": actual,
                    **paths,
                    "their_own": actual - paths["cost"] - paths["reaction"],
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _caveats(low: float, logs: pd.DataFrame) -> tuple[str, ...]:
    said = [
        "What else moves both prices (a season, a fashion) and is not in the cost still counts as "
        "reaction.",
        "Past cuts were small and short; a price war is not in the data.",
    ]
    if low < 0:
        said.append("The interval holds 0: that they follow at all is not shown.")
    if logs["market"].nunique() < 3:
        said.append("Few markets: a single competitor's habit may decide the answer.")
    return tuple(said)
