"""What did a launch add in the units that had it? Their counterfactual from those that had not.

In: a long panel of units and periods, who was treated, and since when. Answer: the mean
effect a unit and period, with an interval, the counterfactual path, and a test of the time
before. The two methods are in ``differences.py`` and ``synthetic.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.analysis.marketing.differences import estimate_differences
from ecomlab.analysis.marketing.panel import Panel, Treated, read_panel
from ecomlab.analysis.marketing.synthetic import estimate_synthetic
from ecomlab.frames import need_share
from ecomlab.plotting import BLUE, GREY, ORANGE, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Launch", "estimate_launch"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Launch(Result):
    """What a launch added.

    ``table`` has ``period, actual, counterfactual, effect``, means over the treated units.
    ``effect`` is the mean over the treated units and periods, in the outcome's unit.
    ``weights`` (synthetic) is a series unit -> share. ``pretrend_p_value`` says how well the time
    before the start agrees with there being no difference. ``groups`` (difference) has ``start,
    period, effect, units``, an effect for each group of units that started together.
    ``two_way_effect`` is what the plain regression on unit and period gives.
    """

    headline: ClassVar[dict[str, str]] = {
        "effect": "outcome a unit and period", "low": "", "high": "", "p_value": "",
        "pretrend_p_value": "",
    }  # fmt: skip

    effect: float
    low: float
    high: float
    p_value: float
    pretrend_p_value: float
    two_way_effect: float
    method: str
    level: float
    start: Any
    weights: pd.Series = field(repr=False)
    groups: pd.DataFrame = field(repr=False)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what came and what would have come."""
        ax = new_axes() if ax is None else ax
        table = self.table
        ax.plot(table["period"], table["actual"], color=BLUE)
        ax.plot(table["period"], table["counterfactual"], color=ORANGE, linestyle="--")
        after = table["period"] >= self.start
        ax.fill_between(table["period"], table["actual"], table["counterfactual"], where=after,
                        color=BLUE, alpha=0.15, linewidth=0)  # fmt: skip
        ax.axvline(self.start, color=GREY, linewidth=1)
        for column, color, label in (("actual", BLUE, "as it came"),
                                     ("counterfactual", ORANGE, "without it")):  # fmt: skip
            last = table.dropna(subset=column).iloc[-1]
            ax.annotate(label, (last["period"], last[column]), (5, 0), color=color, va="center",
                        textcoords="offset points", fontweight="bold",
                        annotation_clip=False)  # fmt: skip
        ax.set_ylabel("outcome a unit and period")
        span = f" ({self.low:+.3g} to {self.high:+.3g})" if np.isfinite(self.low) else ""
        ax.set_title(f"The launch added {self.effect:+.3g} a unit and period{span}")
        return ax


def estimate_launch(
    panel: pd.DataFrame,
    *,
    treated: Treated,
    start: Any = None,
    method: str = "difference",
    level: float = LEVEL,
) -> Launch:
    """Estimate what a launch added where it took place.

    ``difference`` compares each treated unit's change since before its start with that of units
    not yet, or never, treated in the same periods, and averages over groups and periods
    (group-time effects: Callaway and Sant'Anna, Journal of Econometrics 225, 2021, eq. 2.8, the
    base being the mean of all periods before). Where all start together this is the two-way
    regression. The interval takes a unit as one observation (Bertrand, Duflo and Mullainathan,
    Quarterly Journal of Economics 119, 2004).

    ``synthetic`` weighs the other units so that they follow the treated one before the start
    (Abadie, Diamond and Hainmueller, Journal of the American Statistical Association 105, 2010),
    fitted to all outcomes before; p-value and interval come from placebos.

    Parameters
    ----------
    panel
        Columns ``unit, period, outcome``, one row each unit and period, without gaps.
    treated
        A unit, several of them, or unit -> its first treated period (a staggered launch).
    start
        First treated period; not needed where ``treated`` tells it.
    method
        ``difference`` or ``synthetic``.
    level
        Level of the interval [share].

    Raises
    ------
    ValueError
        On gaps or repeated rows, unknown units, no time before the start, no units to compare
        with, or a method that is unknown.

    Examples
    --------
    >>> rows = pd.DataFrame([(unit, t, base + 2 * t + 5 * (unit == "c" and t >= 3))
    ...                      for unit, base in zip("abcd", (1, 2, 3, 5)) for t in range(6)],
    ...                     columns=["unit", "period", "outcome"])
    >>> estimate_launch(rows, treated="c", start=3).effect
    5.0
    >>> round(estimate_launch(rows, treated="c", start=3, method="synthetic").effect, 6)
    5.0
    """
    need_share(level, of="level")
    matrix = read_panel(panel, treated=treated, start=start)
    begins = matrix.periods[int(matrix.first[matrix.is_treated].min())]
    if method == "difference":
        found = estimate_differences(matrix, level=level)
    elif method == "synthetic":
        found = estimate_synthetic(matrix, level=level)
    else:
        raise ValueError(f"method: {method!r}. Give 'difference' or 'synthetic'.")
    return Launch(
        table=_path(matrix, found.counterfactual),
        caveats=found.caveats,
        effect=found.effect,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        pretrend_p_value=found.pretrend_p_value,
        two_way_effect=found.two_way_effect,
        method=method,
        level=level,
        start=begins,
        weights=pd.Series(found.weights, dtype=float, name="share"),
        groups=found.groups,
    )


def _path(matrix: Panel, counterfactual: np.ndarray) -> pd.DataFrame:
    """Return the mean path of the treated units, and what it would have been."""
    actual = matrix.outcome[matrix.is_treated].mean(axis=0)
    return pd.DataFrame(
        {
            "period": matrix.periods,
            "actual": actual,
            "counterfactual": counterfactual,
            "effect": actual - counterfactual,
        }
    )
