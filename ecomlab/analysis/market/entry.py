"""Should we enter, and with what? The profit of each option against staying out.

In: the options with their multiple of usual sales and their cost; the sales that usual demand
would bring. Answer: the expected profit of each, its interval, the chance of a loss, and the
best. Sales and multiples are log-normal and independent; costs are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.frames import need_columns, need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, amounts_on, finish, format_amount, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["STAY_OUT", "EntryPlan", "plan_entry"]

STAY_OUT = "stay out"
_DRAWS = 20_000


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EntryPlan(Result):
    """The option that earns most, and all others beside it.

    ``table`` has ``option, sales, profit, low, high, loss_chance``, staying out included.
    """

    headline: ClassVar[dict[str, str]] = {
        "best": "",
        "profit": "currency",
        "low": "currency",
        "high": "currency",
    }

    best: str
    profit: float
    low: float
    high: float
    unit: str
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the profit of each option with its interval."""
        ax = new_axes(height=0.6 * len(self.table) + 1.6) if ax is None else ax
        rows = self.table.iloc[::-1].reset_index(drop=True)
        place = np.arange(len(rows))
        ax.axvline(0, color=GREY, linewidth=1)
        ax.hlines(place, rows["low"], rows["high"], color=BLUE, alpha=0.4, linewidth=3)
        colors = [ORANGE if name == self.best else BLUE for name in rows["option"]]
        ax.scatter(rows["profit"], place, color=colors, zorder=3, s=60)
        ax.set_yticks(place, rows["option"])
        ax.set_ylim(-0.6, len(rows) - 0.4)
        amounts_on(ax, "x")
        shown = self.table[self.table["option"] != STAY_OUT].iloc[0]
        said = (
            f"{format_amount(float(shown['profit']), self.unit)} "
            f"({format_amount(float(shown['low']))} to {format_amount(float(shown['high']))})"
        )
        return finish(
            ax,
            title=f"Stay out: the best way in, {shown['option']}, brings {said}"
            if self.best == STAY_OUT
            else f"Best: {self.best}, with {said}",
            x=f"profit over staying out [{self.unit or 'currency'}]",
            y="",
        )


def plan_entry(
    options: pd.DataFrame,
    *,
    sales: float,
    sales_error: float,
    earned_share: float,
    unit: str = "",
    level: float = LEVEL,
    seed: int = 0,
) -> EntryPlan:
    """Return the option with the highest expected profit, staying out included.

    Parameters
    ----------
    options
        A row an option: ``option``, ``multiple`` (of the usual sales), ``relative_error`` of the
        multiple [share] and ``cost`` (all that does not grow with sales) [currency].
    sales
        Sales that usual demand would bring over the period [currency].
    sales_error
        Its relative standard error [share].
    earned_share
        What is left of a unit of sales after goods, delivery and payment [share].
    unit
        Currency, for words and pictures.
    level
        Level of the intervals [share].
    seed
        Seed of the draws.

    Returns
    -------
    EntryPlan
        Options by expected profit; entering must earn more than staying out to be best.

    Raises
    ------
    ValueError
        For a missing column, negative numbers, or an option named twice.

    Examples
    --------
    >>> options = pd.DataFrame({"option": ["all", "eco"], "multiple": [1.0, 1.4],
    ...                         "relative_error": 0.1, "cost": [2200.0, 2600.0]})
    >>> found = plan_entry(options, sales=10_000, sales_error=0.1, earned_share=0.2)
    >>> found.best, found.table["option"].tolist()
    ('eco', ['eco', 'stay out', 'all'])
    """
    names = ("option", "multiple", "relative_error", "cost")
    need_columns(options, "options", names)
    need_filled(options, "options", ["option"])
    need_unique(options, "options", ["option"])
    need_numbers(options, "options", names[1:], least=0.0)
    for name, value in (("sales", sales), ("sales_error", sales_error)):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name}: {value} is no amount. Give a number of 0 or more.")
    if not -1 <= earned_share <= 1:
        raise ValueError(f"earned_share: {earned_share} is no share of sales. Give -1 to 1.")
    rng = np.random.default_rng([seed, 0xE47])
    base = sales * _around_one(rng, sales_error)
    rows = [(STAY_OUT, 0.0, 0.0, 0.0, 0.0, 0.0)]
    for row in options.itertuples():
        drawn = base * row.multiple * _around_one(rng, row.relative_error)
        earned = earned_share * drawn - row.cost
        low, high = np.quantile(earned, [(1 - level) / 2, (1 + level) / 2])
        mean = earned_share * sales * row.multiple - row.cost
        rows.append((str(row.option), sales * row.multiple, mean, low, high, (earned < 0).mean()))
    columns = ["option", "sales", "profit", "low", "high", "loss_chance"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.sort_values("profit", ascending=False, kind="stable", ignore_index=True)
    best = table.iloc[0]
    return EntryPlan(
        table=table,
        caveats=_caveats(best),
        best=str(best["option"]), profit=float(best["profit"]), low=float(best["low"]),
        high=float(best["high"]), unit=unit, level=level,
    )  # fmt: skip


def _around_one(rng: np.random.Generator, error: float) -> np.ndarray:
    """Return log-normal draws with mean one and the given relative error."""
    spread = np.sqrt(np.log1p(error**2))
    return np.asarray(np.exp(spread * rng.standard_normal(_DRAWS) - spread**2 / 2))


def _caveats(best: pd.Series) -> tuple[str, ...]:
    said = ["One period is counted: customers won earn later, too, and costs go on."]
    if best["low"] < 0 < best["high"]:
        said.append(f"A loss is possible: its chance is {best['loss_chance']:.0%}.")
    return tuple(said)
