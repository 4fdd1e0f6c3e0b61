"""How large must a test be, and what did it say? Two or more arms, drawn by lot.

In: the shares to tell apart, or an outcome for each unit and its arm. Answers: units per
arm (two-sided z test of two proportions), and each arm's difference to the control with
Welch's interval and the check that the arms have the sizes they should.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.optimize import brentq
from scipy.stats import chi2, chisquare, ncx2, norm
from scipy.stats import t as student

from ecomlab.frames import need_columns, need_numbers, need_share, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["RatioPlan", "TestPlan", "TestReading", "plan_ratio_check", "plan_test", "read_test"]

_RATIO_ALARM = 0.001  # Fabijan et al., KDD 2019, use 0.0005 to 0.01; chance must be ruled out


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TestPlan(Result):
    """How many units each arm needs.

    ``table`` has ``lift_share, target_share, units_per_arm`` for a ladder of lifts around the
    one asked for.
    """

    __test__: ClassVar[bool] = False  # not a test case, whatever its name begins with
    headline: ClassVar[dict[str, str]] = {"units_per_arm": "units", "power": "share"}

    units_per_arm: int
    base_share: float
    lift_share: float
    power: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the units an arm needs against the lift to be found."""
        ax = new_axes() if ax is None else ax
        ax.plot(self.table["lift_share"], self.table["units_per_arm"], color=BLUE)
        ax.plot([self.lift_share], [self.units_per_arm], "o", color=ORANGE, markersize=9)
        ax.annotate(f"{self.units_per_arm:,}", (self.lift_share, self.units_per_arm), (10, 6),
                    textcoords="offset points", color=ORANGE, fontweight="bold")  # fmt: skip
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        ax.xaxis.set_major_formatter("{x:+.0%}")
        ax.set_xlabel("lift to be found [share of the base]")
        ax.set_ylabel("units per arm")
        ax.set_title(f"A lift of {self.lift_share:+.0%} on {self.base_share:.2%} needs "
                     f"{self.units_per_arm:,} units per arm")  # fmt: skip
        return ax


def plan_test(
    *, base_share: float, lift_share: float, power: float = 0.8, level: float = LEVEL
) -> TestPlan:
    """Plan the size of a test of two shares.

    The variance is pooled under the null and not under the alternative:
    ``n = (z_a sqrt(2 p (1 - p)) + z_b sqrt(p1 (1 - p1) + p2 (1 - p2)))^2 / (p2 - p1)^2`` with
    ``p = (p1 + p2) / 2`` (Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions,
    3rd ed. 2003, eq. 4.14). R's ``power.prop.test`` uses the same; its help page has the example
    below with n = 76.7.

    Parameters
    ----------
    base_share
        Share of units that convert without the change [share].
    lift_share
        Relative lift to be found, as 0.1 for ten per cent more [share of the base].
    power
        Chance to find it if it is there [share].
    level
        One less the chance to find something where there is nothing [share].

    Raises
    ------
    ValueError
        Where a share does not lie between 0 and 1, or the lift is none.

    Examples
    --------
    >>> plan_test(base_share=0.50, lift_share=0.5, power=0.90)
    TestPlan(units_per_arm=77 units, power=0.9 share)
    """
    for name, value in (("base_share", base_share), ("power", power), ("level", level)):
        need_share(value, of=name)
    if not np.isfinite(lift_share) or lift_share == 0:
        raise ValueError(f"lift_share: {lift_share} given. Give the lift to be found, as 0.1.")
    if not 0 < base_share * (1 + lift_share) < 1:
        raise ValueError(
            f"lift_share: {lift_share:+.2f} on a base of {base_share:.3f} leads to a share of "
            f"{base_share * (1 + lift_share):.3f}. Give a lift that stays between 0 and 1."
        )
    ladder = lift_share * np.array([0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0])
    ladder = ladder[(base_share * (1 + ladder) < 1) & (base_share * (1 + ladder) > 0)]
    sizes = [_units_per_arm(base_share, base_share * (1 + lift), power, level) for lift in ladder]
    return TestPlan(
        table=pd.DataFrame(
            {
                "lift_share": ladder,
                "target_share": base_share * (1 + ladder),
                "units_per_arm": sizes,
            }
        ),
        caveats=(
            "The size is for one look at the end, at one outcome.",
            "Half the lift needs about four times the units.",
        ),
        units_per_arm=_units_per_arm(base_share, base_share * (1 + lift_share), power, level),
        base_share=base_share,
        lift_share=lift_share,
        power=power,
        level=level,
    )


def _units_per_arm(p1: float, p2: float, power: float, level: float) -> int:
    """Return the smallest whole number of units an arm that gives the power."""
    pooled = (p1 + p2) / 2
    null = norm.isf((1 - level) / 2) * sqrt(2 * pooled * (1 - pooled))
    other = norm.ppf(power) * sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    return max(2, ceil((null + other) ** 2 / (p2 - p1) ** 2 - 1e-9))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RatioPlan(Result):
    """How many units show that an arm loses some of its own.

    ``table`` has ``lost_share, units`` for a ladder of losses.
    """

    headline: ClassVar[dict[str, str]] = {"units": "units", "lost_share": "share"}

    units: int
    lost_share: float
    power: float
    level: float


def plan_ratio_check(*, lost_share: float, power: float = 0.8, level: float = LEVEL) -> RatioPlan:
    """Plan how many units a test needs for its sample-ratio check to notice a loss.

    The check is a chi-square test of two arms that should be equal; the one arm loses a share of
    its units, so that its noncentrality is ``N (lost / (2 - lost))^2`` (Cohen, Statistical Power
    Analysis, 1988, ch. 7).

    Parameters
    ----------
    lost_share
        Share of one arm's units that never reach the table [share].
    power
        Chance to notice it [share].
    level
        One less the chance of a false alarm [share]; 0.999 is usual for this check.

    Raises
    ------
    ValueError
        Where a share does not lie between 0 and 1.

    Examples
    --------
    >>> plan_ratio_check(lost_share=0.02, level=0.999)
    RatioPlan(units=167349 units, lost_share=0.02 share)
    """
    for name, value in (("lost_share", lost_share), ("power", power), ("level", level)):
        need_share(value, of=name)
    edge = chi2.ppf(level, 1)
    needed = brentq(lambda shift: ncx2.sf(edge, 1, shift) - power, 1e-6, 1e4)
    losses = np.unique(np.append(lost_share, [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]))
    units = np.ceil(needed * ((2 - losses) / losses) ** 2).astype(int)
    return RatioPlan(
        table=pd.DataFrame({"lost_share": losses, "units": units}),
        caveats=("A smaller loss than this goes unnoticed and can still bend the result.",),
        units=int(units[losses == lost_share][0]),
        lost_share=lost_share,
        power=power,
        level=level,
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TestReading(Result):
    """What a test said.

    ``table`` has ``arm, units, mean, difference, low, high, p_value``, the control first, each
    difference to it. ``arm`` and the fields beside it are of the arm with the highest mean.
    """

    __test__: ClassVar[bool] = False
    headline: ClassVar[dict[str, str]] = {
        "arm": "", "difference": "", "low": "", "high": "", "p_value": "",
        "sample_ratio_p_value": "",
    }  # fmt: skip

    arm: str
    difference: float
    low: float
    high: float
    p_value: float
    sample_ratio_p_value: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each arm's difference to the control with its interval."""
        ax = new_axes(height=1.6 + 0.55 * len(self.table)) if ax is None else ax
        treated = self.table.iloc[1:]
        for place, row in enumerate(treated.itertuples()):
            sure = row.low > 0 or row.high < 0
            color = BLUE if sure else GREY
            ax.plot([row.low, row.high], [place, place], color=color, linewidth=3)
            ax.plot([row.difference], [place], "o", color=color, markersize=9)
            ax.annotate(f"{row.difference:+.2g}", (row.difference, place), (0, 9), ha="center",
                        textcoords="offset points", color=color, fontweight="bold")  # fmt: skip
        ax.axvline(0, color=GREY, linewidth=1)
        ax.set_yticks(range(len(treated)), [str(arm) for arm in treated["arm"]])
        ax.set_ylim(-0.6, len(treated) - 0.3)
        ax.set_xlabel("difference to the control [outcome a unit]")
        ax.set_title(_finding(self))
        return ax


def _finding(reading: TestReading) -> str:
    if not np.isfinite(reading.low):
        return "Not estimated: too few units"
    span = f"({reading.low:+.2g} to {reading.high:+.2g})"
    if reading.low <= 0 <= reading.high:
        return f"{reading.arm}: {reading.difference:+.2g} {span}, which may be nothing"
    return f"{reading.arm} changes the outcome by {reading.difference:+.2g} {span}"


def read_test(
    outcomes: pd.DataFrame,
    *,
    control: str,
    shares: Mapping[str, float] | None = None,
    level: float = LEVEL,
) -> TestReading:
    """Read a test: each arm's mean against the control's, by Welch's t interval.

    Welch (Biometrika 34, 1947) lets arms differ in spread. The sample-ratio check is a chi-square
    test of the arms' sizes (Fabijan et al., KDD 2019): a test whose arms have not the sizes that
    the lot should give has lost units, and which ones is not chance.

    Parameters
    ----------
    outcomes
        Columns ``unit_id, arm, outcome``, one row a unit that was assigned, those with outcome 0
        included.
    control
        Name of the arm to compare with.
    shares
        Arm -> share of units planned; equal where left out.
    level
        Level of the intervals [share].

    Raises
    ------
    ValueError
        Where a column is missing or not a number, a unit appears twice, or the control is no arm.

    Examples
    --------
    >>> seen = pd.DataFrame({"unit_id": range(8), "arm": list("AAAABBBB"),
    ...                      "outcome": [1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 5.0, 6.0]})
    >>> read_test(seen, control="A").table.round(3).values.tolist()
    [['A', 4, 2.5, 0.0, 0.0, 0.0, 1.0], ['B', 4, 4.5, 2.0, -0.234, 4.234, 0.071]]
    """
    need_share(level, of="level")
    arms = _arms_of(outcomes, control)
    by_arm = outcomes.groupby("arm")["outcome"].agg(["size", "mean", "var"]).loc[arms]
    rows = [(control, by_arm.loc[control, "size"], by_arm.loc[control, "mean"], 0.0, 0.0, 0.0, 1.0)]
    for arm in arms[1:]:
        one = by_arm.loc[arm]
        found = _welch(one, by_arm.loc[control], level)
        rows.append((arm, one["size"], one["mean"], one["mean"] - by_arm.loc[control, "mean"],
                     *found))  # fmt: skip
    table = pd.DataFrame(rows, columns=["arm", "units", "mean", "difference", "low", "high",
                                        "p_value"]).astype({"units": "int64"})  # fmt: skip
    ratio = _ratio_p_value(by_arm["size"], shares)
    best = table.iloc[1:].sort_values("mean", ascending=False, kind="stable").iloc[0]
    return TestReading(
        table=table,
        caveats=_warnings(table, ratio, level),
        arm=str(best["arm"]),
        difference=float(best["difference"]),
        low=float(best["low"]),
        high=float(best["high"]),
        p_value=float(best["p_value"]),
        sample_ratio_p_value=ratio,
        level=level,
    )


def _arms_of(outcomes: pd.DataFrame, control: str) -> list[str]:
    """Check the rows and return the arms, the control first."""
    need_columns(outcomes, "outcomes", ("unit_id", "arm", "outcome"))
    need_numbers(outcomes, "outcomes", ("outcome",))
    remedy = "Give one row a unit: add its outcomes up, drop units in two arms."
    need_unique(outcomes, "outcomes", ("unit_id",), remedy=remedy)
    if outcomes["arm"].isna().any():
        raise ValueError("outcomes.arm: some units have no arm. Drop them, and ask why.")
    found = sorted(outcomes["arm"].unique(), key=str)
    if control not in found:
        raise ValueError(f"control: {control!r} is no arm. Arms: {', '.join(map(str, found))}.")
    if len(found) < 2:
        raise ValueError(f"outcomes.arm: only {control!r} is there. Give at least two arms.")
    return [control, *(arm for arm in found if arm != control)]


def _welch(arm: pd.Series, control: pd.Series, level: float) -> tuple[float, float, float]:
    """Return low, high and p-value of the difference of two means."""
    if min(arm["size"], control["size"]) < 2:
        return (np.nan, np.nan, np.nan)
    parts = np.array([arm["var"] / arm["size"], control["var"] / control["size"]])
    difference, variance = arm["mean"] - control["mean"], parts.sum()
    if variance <= 0:
        return (difference, difference, float(difference == 0))
    freedom = variance**2 / (parts**2 / (np.array([arm["size"], control["size"]]) - 1)).sum()
    error = sqrt(variance)
    reach = student.ppf((1 + level) / 2, freedom) * error
    return (
        float(difference - reach),
        float(difference + reach),
        float(2 * student.sf(abs(difference) / error, freedom)),
    )


def _ratio_p_value(units: pd.Series, shares: Mapping[str, float] | None) -> float:
    if shares is None:
        return float(chisquare(units.to_numpy()).pvalue)
    planned = pd.Series(shares, dtype=float).reindex(units.index)
    if planned.isna().any() or (planned <= 0).any() or abs(planned.sum() - 1) > 1e-6:
        raise ValueError("shares: give each arm a positive share, adding up to 1.")
    return float(chisquare(units.to_numpy(), planned.to_numpy() * units.sum()).pvalue)


def _warnings(table: pd.DataFrame, ratio: float, level: float) -> tuple[str, ...]:
    said: tuple[str, ...] = ()
    if ratio < _RATIO_ALARM:
        said += (
            f"The arms have sizes that the lot hardly gives (p = {ratio:.1g}): units were lost. Do "
            "not read the differences before it is known which.",
        )
    if table["low"].isna().any():
        said += ("Not estimated where an arm has fewer than two units.",)
    elif (table["units"] < 30).any():
        said += ("An arm has fewer than 30 units: the interval leans on normal outcomes.",)
    if len(table) > 2:
        said += (
            f"{len(table) - 1} comparisons at {level:.0%} each: hold their p-values against "
            "judge_metrics before calling one a find.",
        )
    return (*said, "The interval is right for one look, fixed in advance.")
