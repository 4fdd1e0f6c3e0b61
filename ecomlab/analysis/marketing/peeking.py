"""May we look at a test every day? What looking costs, and an interval that survives it.

In: outcomes with the day each unit came. Answers: the chance of a false find by looking
often (Armitage, McPherson and Rowe 1969), and intervals that hold on all days at once (the
mixture sequential probability ratio test: Johari, Koomen, Pekelis and Walsh, Operations
Research 70, 2022, on asymptotic confidence sequences).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from scipy.signal import fftconvolve
from scipy.stats import norm

from ecomlab.frames import need_columns, need_numbers, need_share, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["TestWatch", "compute_false_find_share", "watch_test"]

_ENOUGH = 30  # units an arm from which the normal approximation is used


def compute_false_find_share(*, looks: int, level: float = LEVEL) -> float:
    """Return how often a test of nothing is called a find by looking several times.

    After each of equally spaced looks the test is stopped if its usual p-value is small enough.
    The density of the running sum is carried forward numerically (Armitage, McPherson and Rowe,
    Journal of the Royal Statistical Society A 132, 1969, table 2: 0.142 at 5 looks).

    Parameters
    ----------
    looks
        How many times the result is looked at.
    level
        One less the chance of a false find by a single look [share].

    Raises
    ------
    ValueError
        Where there is no look, or more than 2,000.

    Examples
    --------
    >>> [round(compute_false_find_share(looks=looks), 3) for looks in (1, 2, 5, 10)]
    [0.05, 0.083, 0.142, 0.193]
    """
    need_share(level, of="level")
    if not 1 <= looks <= 2000:
        raise ValueError(f"looks: {looks} given. Give a number from 1 to 2,000.")
    edge = norm.isf((1 - level) / 2)
    step = 0.02
    half = int(np.ceil((edge * np.sqrt(looks) + 8) / step))
    place = step * np.arange(-half, half + 1)
    kernel = norm.pdf(step * np.arange(-int(8 / step), int(8 / step) + 1)) * step
    density = norm.pdf(place)
    for look in range(1, looks):
        inside = np.abs(place) / np.sqrt(look)
        kept = density * np.clip((edge - inside) * np.sqrt(look) / step + 0.5, 0, 1)
        density = fftconvolve(kept, kernel, mode="same")
    inside = np.abs(place) / np.sqrt(looks)
    weight = np.clip((edge - inside) * np.sqrt(looks) / step + 0.5, 0, 1)
    return float(1 - (density * weight).sum() * step)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TestWatch(Result):
    """A test watched day by day.

    ``table`` has ``day, units, difference, low, high, p_value`` (right for one look only) and
    ``always_low, always_high, always_p_value`` (right for all days at once). ``stopped`` is the
    first day on which the always-valid interval leaves out 0, ``naive_stop`` that of the usual
    one; None where there is no such day. The fields are of the day stopped, or of the last.
    """

    __test__: ClassVar[bool] = False
    headline: ClassVar[dict[str, str]] = {
        "difference": "", "low": "", "high": "", "p_value": "", "stopped": "", "naive_stop": "",
    }  # fmt: skip

    difference: float
    low: float
    high: float
    p_value: float
    stopped: object
    naive_stop: object
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both intervals as the days go by."""
        ax = new_axes() if ax is None else ax
        seen = self.table.dropna(subset="low")
        ax.fill_between(seen["day"], seen["always_low"], seen["always_high"], color=BLUE,
                        alpha=0.18, linewidth=0)  # fmt: skip
        ax.fill_between(seen["day"], seen["low"], seen["high"], color=ORANGE, alpha=0.30,
                        linewidth=0)  # fmt: skip
        ax.plot(seen["day"], seen["difference"], color=GREY)
        ax.axhline(0, color=GREY, linewidth=1)
        for column, color, label in (("always_low", BLUE, "right on all days"),
                                     ("high", ORANGE, "right for one look")):  # fmt: skip
            if len(seen):
                ax.annotate(label, (seen["day"].iloc[-1], seen[column].iloc[-1]), (5, 0),
                            textcoords="offset points", color=color, va="center",
                            fontweight="bold", annotation_clip=False)  # fmt: skip
        spread = seen["always_high"].tail(max(len(seen) // 2, 1)).abs().max() if len(seen) else 1
        ax.set_ylim(-2.2 * spread, 2.2 * spread)
        if pd.api.types.is_datetime64_any_dtype(self.table["day"]):
            ax.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=6))
        ax.set_ylabel("difference to the control [outcome a unit]")
        ax.set_title(
            "Nothing is found that survives watching" if self.stopped is None
            else f"Found, whenever one looks, from {_word(self.stopped)} on"
        )  # fmt: skip
        return ax


def _word(day: object) -> str:
    return f"{day:%d %b}" if isinstance(day, pd.Timestamp) else f"day {day}"


def watch_test(
    outcomes: pd.DataFrame, *, control: str, expected_difference: float, level: float = LEVEL
) -> TestWatch:
    """Watch a test of two arms day by day, with intervals that hold on all days at once.

    With ``V`` the variance of the difference so far and ``q = expected_difference^2`` the interval
    reaches ``sqrt(V (V + q) / q (2 ln(1 / (1 - level)) + ln((V + q) / V)))`` to either side: all
    differences that the mixture sequential test has not yet refused. It is wider on any one day
    than the usual one, and is the price for stopping when one likes.

    Parameters
    ----------
    outcomes
        Columns ``unit_id, arm, outcome, day``: one row a unit, with the day it entered, and its
        outcome known by the end of that day.
    control
        Name of the control arm.
    expected_difference
        Difference that one hopes to find [outcome a unit]. The interval holds whatever it is; it
        is narrowest where this is about right.
    level
        Level of the intervals [share].

    Raises
    ------
    ValueError
        Where a column is missing, a unit appears twice, or there are not two arms.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> seen = pd.DataFrame({"unit_id": range(4000), "arm": np.tile(["A", "B"], 2000),
    ...                      "day": np.arange(4000) // 200, "outcome": rng.normal(size=4000)})
    >>> seen["outcome"] += 0.2 * (seen["arm"] == "B")
    >>> watch_test(seen, control="A", expected_difference=0.2).stopped
    1
    """
    need_share(level, of="level")
    _check_watched(outcomes, control, expected_difference)
    sums = _running_sums(outcomes, control)
    units, first, second = sums["size"], sums["sum"], sums["square"]
    mean = first / units
    spread = (second - first**2 / units) / (units - 1).clip(lower=1)
    variance = (spread / units).sum(axis=1)
    enough = (units.min(axis=1) >= _ENOUGH) & (variance > 0)
    difference = mean["treated"] - mean["control"]
    v, q = variance.where(enough), expected_difference**2
    usual = norm.isf((1 - level) / 2) * np.sqrt(v)
    always = np.sqrt(v * (v + q) / q * (2 * np.log(1 / (1 - level)) + np.log((v + q) / v)))
    support = np.sqrt(v / (v + q)) * np.exp(difference**2 * q / (2 * v * (v + q)))
    table = pd.DataFrame(
        {
            "day": units.index, "units": units.sum(axis=1).astype("int64"),
            "difference": difference, "low": difference - usual, "high": difference + usual,
            "p_value": 2 * norm.sf(np.abs(difference) / np.sqrt(v)),
            "always_low": difference - always, "always_high": difference + always,
            "always_p_value": (1 / support).clip(upper=1).cummin(),
        }
    ).reset_index(drop=True)  # fmt: skip
    return _watched(table, level)


def _check_watched(outcomes: pd.DataFrame, control: str, expected_difference: float) -> None:
    need_columns(outcomes, "outcomes", ("unit_id", "arm", "outcome", "day"))
    need_numbers(outcomes, "outcomes", ("outcome",))
    need_unique(outcomes, "outcomes", ("unit_id",), remedy="Give one row a unit.")
    arms = sorted(outcomes["arm"].dropna().unique(), key=str)
    if control not in arms or len(arms) != 2:
        raise ValueError(f"outcomes.arm: {arms} given. Give {control!r} and one other arm.")
    if not np.isfinite(expected_difference) or expected_difference == 0:
        raise ValueError("expected_difference: give the difference hoped for, not 0.")


def _running_sums(outcomes: pd.DataFrame, control: str) -> pd.DataFrame:
    """Return units, sum and sum of squares of both arms up to each day."""
    side = np.where(outcomes["arm"] == control, "control", "treated")
    value = outcomes["outcome"].astype(float)
    daily = pd.DataFrame({"day": outcomes["day"], "side": side, "sum": value, "square": value**2})
    daily = daily.groupby(["day", "side"]).agg(
        size=("sum", "size"), sum=("sum", "sum"), square=("square", "sum")
    )
    return daily.unstack("side").fillna(0).sort_index().cumsum().astype(float)


def _watched(table: pd.DataFrame, level: float) -> TestWatch:
    out = (table["always_low"] > 0) | (table["always_high"] < 0)
    naive = (table["low"] > 0) | (table["high"] < 0)
    at = table.loc[out.idxmax() if out.any() else table.index[-1]]
    days = table["day"].tolist()
    caveats: tuple[str, ...] = (
        "A difference found early is too large on average: report the interval.",
    )
    if table["low"].isna().all():
        caveats = ("Not estimated, because an arm has fewer than 30 units.", *caveats)
    return TestWatch(
        table=table,
        caveats=caveats,
        difference=float(at["difference"]),
        low=float(at["always_low"]),
        high=float(at["always_high"]),
        p_value=float(at["always_p_value"]),
        stopped=days[int(out.to_numpy().argmax())] if out.any() else None,
        naive_stop=days[int(naive.to_numpy().argmax())] if naive.any() else None,
        level=level,
    )
