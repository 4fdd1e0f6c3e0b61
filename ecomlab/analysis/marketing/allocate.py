"""Where does the next unit of money go? A budget split by marginal return.

In: a fitted mix model and a total. Answer: the split that earns most by its curves: all
channels between their bounds return the same on the next unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.analysis.marketing.mix import MixFit
from ecomlab.analysis.marketing.mix_response import ResponseCurves
from ecomlab.plotting import BLUE, GREY, amounts_on, new_axes
from ecomlab.result import Result

__all__ = ["Allocation", "allocate_budget"]

_STEPS = 1000  # of the total, on the grid that decides where curves are not concave
_HALVINGS = 200


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Allocation(Result):
    """A budget by channel.

    ``table`` has ``channel, budget, marginal_return, usual_budget, multiple, response, low,
    high, at_bound``: budgets per period [currency], what the next unit of spend returns, what
    the budget brings per period with its interval, and whether a bound holds it. ``gain`` is
    against today's split of the same money. All are outcomes, times their worth where given.
    """

    headline: ClassVar[dict[str, str]] = {
        "total": "currency/period",
        "response": "worth/period",
        "gain": "worth/period",
        "gain_low": "worth/period",
        "gain_high": "worth/period",
        "gain_chance_share": "share",
    }

    total: float
    response: float
    gain: float
    gain_low: float
    gain_high: float
    gain_chance_share: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the usual budgets (in the same total) and the new ones."""
        ax = new_axes(height=1.2 + 0.55 * len(self.table)) if ax is None else ax
        rows = self.table.iloc[::-1].reset_index(drop=True)
        places = np.arange(len(rows))
        usual = rows["usual_budget"] * self.total / rows["usual_budget"].sum()
        ax.hlines(places, usual, rows["budget"], color=GREY, linewidth=2)
        ax.plot(usual, places, "|", color=GREY, markersize=16, markeredgewidth=3)
        ax.plot(rows["budget"], places, "o", color=BLUE, markersize=8)
        for place, row in enumerate(rows.itertuples()):
            ax.annotate(f"next unit: {row.marginal_return:.3g}", (row.budget, place), (0, 9),
                        textcoords="offset points", ha="center", fontsize=9)  # fmt: skip
        ax.set_yticks(places, rows["channel"].astype(str))
        ax.set_ylim(-0.6, len(rows) - 0.3)
        ax.set_xlim(0, 1.12 * max(rows["budget"].max(), usual.max()))
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("budget per period (bar: today's split of the same total)")
        moved = rows["budget"] - usual
        source, target = rows["channel"][moved.idxmin()], rows["channel"][moved.idxmax()]
        ax.set_title(f"Money moved from {source} to {target}: {self.gain:+.3g} a period expected")
        return amounts_on(ax, "x")


def allocate_budget(
    mix: MixFit,
    *,
    total: float,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    worth: Mapping[str, float] | None = None,
    least_return: float = 0.0,
) -> Allocation:
    """Split a total among the channels so that the next unit earns the same everywhere.

    Where curves are concave, that is the best split; where they are S-shaped, the best split
    on a grid of a thousandth of the total is taken (dynamic programming).

    Parameters
    ----------
    mix
        The mix model of :func:`~ecomlab.analysis.marketing.fit_mix`; all its channels must be
        estimated.
    total
        What is to be spent per period on all channels [currency/period].
    bounds
        Channel -> least and most [currency/period]; from 0 to the total where not named.
    worth
        Channel -> what one unit of the outcome is worth that it brings (margin of the orders
        that a visit leads to) [currency/outcome]; 1 where not named. Returns are then money.
    least_return
        What the next unit of spend must return; money that would return less stays unspent.

    Returns
    -------
    Allocation
        Budgets, and what the next unit of spend returns in each channel.

    Raises
    ------
    ValueError
        Where the total is not positive or does not fit the bounds, or a channel is not estimated.

    Examples
    --------
    >>> from ecomlab.analysis.marketing import fit_mix
    >>> rng = np.random.default_rng(1)
    >>> spend = rng.gamma(2.0, 50.0, size=(104, 2))
    >>> weekly = pd.DataFrame(spend, columns=["tv", "search"])
    >>> weekly["sales"] = 900 + spend @ [0.5, 1.5] + rng.normal(0, 5, size=104)
    >>> mix = fit_mix(weekly, outcome="sales", channels=["tv", "search"])
    >>> plan = allocate_budget(mix, total=200.0)
    >>> plan.table["channel"][plan.table["budget"].idxmax()], round(plan.table["budget"].sum())
    ('search', 200)
    """
    if not np.isfinite(total) or total <= 0:
        raise ValueError(f"total: {total}; give what is to be spent per period, above 0.")
    if not np.isfinite(least_return) or least_return < 0:
        raise ValueError(f"least_return: {least_return}; give 0 or more.")
    for row in mix.table[mix.table["contribution"].isna()].itertuples():
        raise ValueError(f"{row.channel}: {row.verdict}. Fit the mix without this channel, or "
                         "calibrate it with a lift test, before money is moved.")  # fmt: skip
    names = mix.curves.channels
    task = _Task(
        curves=mix.curves,
        worth=_worth(names, worth or {}),
        limits=_limits(names, float(total), bounds or {}),
        total=float(total),
        least_return=float(least_return),
    )
    concave = mix.curves.prior.saturation == "exponential" or mix.curves.prior.slope <= 1
    budget = _by_margins(task) if concave else _by_grid(task)
    return _answer(task, budget, mix.level)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Task:
    """Curves, what their outcome is worth, least and most by channel, and the total."""

    curves: ResponseCurves
    worth: np.ndarray
    limits: np.ndarray
    total: float
    least_return: float

    def gain(self, channel: int, spend: np.ndarray) -> np.ndarray:
        """Return what spends bring, draws x spends."""
        name = self.curves.channels[channel]
        return self.worth[channel] * self.curves.respond(name, spend)[0]

    def margin(self, channel: int, spend: float) -> float:
        """Return what the next unit of spend brings, on average over the draws."""
        name = self.curves.channels[channel]
        slope = self.curves.respond(name, np.array([spend]))[1]
        return float(self.worth[channel] * slope.mean())


def _worth(names: tuple[str, ...], worth: Mapping[str, float]) -> np.ndarray:
    for name, value in worth.items():
        if name not in names:
            raise ValueError(f"worth: there is no channel {name!r}. Known: {', '.join(names)}.")
        if not np.isfinite(value) or value < 0:
            raise ValueError(f"worth.{name}: {value}; give an amount of at least 0.")
    return np.array([worth.get(name, 1.0) for name in names], dtype=float)


def _limits(
    names: tuple[str, ...], total: float, bounds: Mapping[str, tuple[float, float]]
) -> np.ndarray:
    """Return least and most by channel."""
    for name in bounds:
        if name not in names:
            raise ValueError(f"bounds: there is no channel {name!r}. Known: {', '.join(names)}.")
    limits = np.array([bounds.get(name, (0.0, total)) for name in names], dtype=float)
    if not np.isfinite(limits).all() or (limits < 0).any() or (limits[:, 0] > limits[:, 1]).any():
        raise ValueError("bounds: give two amounts for each, the least first, none below 0.")
    limits[:, 1] = np.minimum(limits[:, 1], total)
    least, most = limits.sum(axis=0)
    if least > total * (1 + 1e-9) or most < total * (1 - 1e-9):
        raise ValueError(f"bounds: together they allow {least:.6g} to {most:.6g}, not {total:.6g}. "
                         "Widen a bound, or change the total.")  # fmt: skip
    return limits


def _by_margins(task: _Task) -> np.ndarray:
    """Find the marginal return at which the channels' concave curves use up the total."""
    if (budget := _spends_at(task, task.least_return)).sum() <= task.total * (1 + 1e-9):
        return _use_up(task, budget) if task.least_return == 0 else budget
    low = task.least_return
    high = max(task.margin(i, least) for i, (least, _) in enumerate(task.limits)) * 1.01
    for _ in range(_HALVINGS):
        margin = (low + high) / 2
        budget = _spends_at(task, margin)
        low, high = (margin, high) if budget.sum() > task.total else (low, margin)
        if high - low < 1e-12 * high:
            break
    return _use_up(task, budget)


def _spends_at(task: _Task, margin: float) -> np.ndarray:
    """Return where each channel's marginal return has fallen to a level, within its limits."""
    low, high = task.limits[:, 0].copy(), task.limits[:, 1].copy()
    for _ in range(45):
        middle = (low + high) / 2
        above = np.array([task.margin(i, at) > margin for i, at in enumerate(middle)])
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2)


def _use_up(task: _Task, budget: np.ndarray) -> np.ndarray:
    """Spread what rounding left over among the channels between their bounds."""
    gap = task.total - budget.sum()
    room = (task.limits[:, 1] - budget) if gap > 0 else (budget - task.limits[:, 0])
    return np.asarray(budget + np.sign(gap) * room * min(1.0, abs(gap) / max(room.sum(), 1e-300)))


def _by_grid(task: _Task) -> np.ndarray:
    """Return the best split on a grid of the total, by dynamic programming over channels."""
    step = (task.total - task.limits[:, 0].sum()) / _STEPS
    best, chosen = np.zeros(_STEPS + 1), []
    for i, (least, most) in enumerate(task.limits):
        reach = int((most - least) / step + 1e-9) if step > 0 else 0
        at = least + step * np.arange(reach + 1)
        gain = task.gain(i, at).mean(axis=0) - task.least_return * at
        tried = np.full((_STEPS + 1, reach + 1), -np.inf)
        for k in range(reach + 1):
            tried[k:, k] = best[: _STEPS + 1 - k] + gain[k]
        chosen.append(tried.argmax(axis=1))
        best = tried.max(axis=1)
    spent, budget = _STEPS, task.limits[:, 0].copy()
    if task.least_return > 0:
        spent = int(best.argmax())
    for i in range(len(budget) - 1, -1, -1):
        budget[i] += step * chosen[i][spent]
        spent -= int(chosen[i][spent])
    return budget


def _answer(task: _Task, budget: np.ndarray, level: float) -> Allocation:
    """Set the budgets beside today's split of the same total."""
    curves, count = task.curves, len(budget)
    usual = curves.mean_spend * budget.sum() / curves.mean_spend.sum()
    new = np.array([task.gain(i, budget[[i]])[:, 0] for i in range(count)])
    old = np.array([task.gain(i, usual[[i]])[:, 0] for i in range(count)])
    tail = (1 - level) / 2
    gain = (new - old).sum(axis=0)
    span = 1e-6 * task.total
    most = np.where(task.limits[:, 1] < task.total, task.limits[:, 1], np.inf)
    held = (budget <= task.limits[:, 0] + span) | (budget >= most - span)
    table = pd.DataFrame(
        {
            "channel": curves.channels,
            "budget": budget,
            "marginal_return": [task.margin(i, at) for i, at in enumerate(budget)],
            "usual_budget": curves.mean_spend,
            "multiple": budget / curves.mean_spend,
            "response": new.mean(axis=1),
            "low": np.quantile(new, tail, axis=1),
            "high": np.quantile(new, 1 - tail, axis=1),
            "at_bound": held,
        }
    )
    return Allocation(
        table=table,
        caveats=_caveats(table),
        total=float(budget.sum()),
        response=float(new.sum(axis=0).mean()),
        gain=float(gain.mean()),
        gain_low=float(np.quantile(gain, tail)),
        gain_high=float(np.quantile(gain, 1 - tail)),
        gain_chance_share=float((gain > 0).mean()),
    )


def _caveats(table: pd.DataFrame) -> tuple[str, ...]:
    words = ["The gain is against today's split of the same total, by the model's own curves."]
    far = table.loc[(table["multiple"] > 2) | (table["multiple"] < 0.3), "channel"]
    if len(far):
        words.append(f"{', '.join(map(str, far))}: far from the spends that were seen. Go there in "
                     "steps, and measure each.")  # fmt: skip
    if table["at_bound"].any():
        held = ", ".join(map(str, table.loc[table["at_bound"], "channel"]))
        words.append(f"A bound holds {held}: its next unit returns more or less than the others'.")
    return tuple(words)
