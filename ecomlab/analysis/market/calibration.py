"""Do people do what they say? Answers set beside sales, and corrected by what they differ.

In: for people (or products) of whom both are known, what was stated and what was done.
Answer: the factor from the one to the other with its interval (the ratio estimator: Cochran,
Sampling Techniques, 3rd ed. 1977, section 6.4; its exact interval is Fieller's, section 6.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm
from scipy.stats import t as student

from ecomlab.frames import need_columns, need_numbers, need_share
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Calibration", "calibrate_answers", "correct_answer"]

_FEW = 30


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Calibration(Result):
    """What is done for each unit stated.

    ``table`` is the pairs with ``expected``, the answer times the factor; ``factor`` below 1
    means that people overstate.
    """

    headline: ClassVar[dict[str, str]] = {
        "factor": "done/stated",
        "low": "done/stated",
        "high": "done/stated",
        "pairs": "pairs",
    }

    factor: float
    low: float
    high: float
    standard_error: float
    pairs: int
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what was done against what was stated."""
        ax = new_axes() if ax is None else ax
        ax.plot(self.table["stated"], self.table["done"], "o", color=BLUE, alpha=0.35, markersize=5)
        end = float(max(self.table["stated"].max(), self.table["done"].max()))
        ax.plot([0, end], [0, end], color=GREY, linestyle="--", linewidth=1)
        most = float(self.table["stated"].max())
        ax.plot([0, most], [0, self.factor * most], color=ORANGE)
        ax.annotate("done as stated", (end, end), (-4, -14), textcoords="offset points",
                    color=GREY, ha="right")  # fmt: skip
        return finish(
            ax,
            title=f"For each unit stated, {self.factor:.2f} were done "
            f"({self.low:.2f} to {self.high:.2f})",
            x="stated [its unit]",
            y="done [the same unit]",
        )


def calibrate_answers(pairs: pd.DataFrame, *, level: float = LEVEL) -> Calibration:
    """Estimate how much is done for each unit stated.

    Parameters
    ----------
    pairs
        One row a person (or product): ``stated`` and ``done``, in the same unit.
    level
        Confidence level of the interval.

    Returns
    -------
    Calibration
        ``factor`` is the sum done over the sum stated.

    Raises
    ------
    ValueError
        Where a column is missing, negative or not finite, there are fewer than two pairs, or
        the mean stated cannot be told from zero.

    Examples
    --------
    >>> pairs = pd.DataFrame({"stated": [10.0, 20.0, 30.0, 40.0], "done": [6.0, 9.0, 16.0, 19.0]})
    >>> calibrate_answers(pairs).factor
    0.5
    """
    need_share(level, of="level")
    need_columns(pairs, "pairs", ["stated", "done"])
    need_numbers(pairs, "pairs", ["stated", "done"], least=0)
    stated, done = (pairs[name].to_numpy(dtype=float) for name in ("stated", "done"))
    count = len(pairs)
    if count < 2 or stated.sum() <= 0:
        raise ValueError(
            f"pairs.stated: {count} pairs, {stated.sum():g} stated in all. Give at least two "
            "pairs, not all zero."
        )
    factor = float(done.sum() / stated.sum())
    rest = done - factor * stated
    error = float(np.sqrt((rest**2).sum() / (count - 1) / count) / stated.mean())
    low, high = _fieller(stated, done, float(student.ppf((1 + level) / 2, count - 1)))
    caveats = ["The factor holds for people like these; who cannot be checked may differ."]
    if count < _FEW:
        caveats.append(f"{count} pairs are few: one odd person moves the factor.")
    return Calibration(
        table=pairs.assign(expected=factor * stated),
        caveats=tuple(caveats),
        factor=factor,
        low=low,
        high=high,
        standard_error=error,
        pairs=count,
        level=level,
    )


def _fieller(stated: np.ndarray, done: np.ndarray, reach: float) -> tuple[float, float]:
    """Return the ratios r for which the mean of ``done - r stated`` is within reach of zero."""
    cov = np.cov(done, stated) / len(stated)
    top, bottom = done.mean(), stated.mean()
    square = bottom**2 - reach**2 * cov[1, 1]
    if square <= 0:
        raise ValueError(
            "pairs.stated: not estimated, because its mean cannot be told from zero. "
            "Collect more pairs."
        )
    middle = top * bottom - reach**2 * cov[0, 1]
    constant = top**2 - reach**2 * cov[0, 0]
    root = float(np.sqrt(max(middle**2 - square * constant, 0.0)))
    return float((middle - root) / square), float((middle + root) / square)


def correct_answer(
    calibration: Calibration, *, value: float, standard_error: float, level: float = LEVEL
) -> pd.DataFrame:
    """Correct a stated quantity by a calibration; both uncertainties count.

    Parameters
    ----------
    calibration
        The factor, from :func:`calibrate_answers`.
    value
        What was stated, on average [any unit].
    standard_error
        Its standard error, from answers other than those of the calibration [same unit].
    level
        Confidence level of the interval.

    Returns
    -------
    DataFrame
        The rows ``stated`` and ``calibrated``: ``answer, value, standard_error, low, high``.

    Raises
    ------
    ValueError
        Where a number is not finite or the error negative.

    Examples
    --------
    >>> pairs = pd.DataFrame({"stated": [10.0, 20.0, 30.0, 40.0], "done": [6.0, 9.0, 16.0, 19.0]})
    >>> correct_answer(calibrate_answers(pairs), value=8.0, standard_error=0.5)["value"].tolist()
    [8.0, 4.0]
    """
    need_share(level, of="level")
    if not (np.isfinite(value) and np.isfinite(standard_error) and standard_error >= 0):
        raise ValueError(
            f"value, standard_error: {value}, {standard_error}; give finite numbers, the error "
            "not negative."
        )
    factor, doubt = calibration.factor, calibration.standard_error
    # of a product of two independent estimates (Goodman 1960), the small last term kept
    error = float(np.sqrt((factor * standard_error) ** 2 + (value * doubt) ** 2
                          + (standard_error * doubt) ** 2))  # fmt: skip
    reach = float(norm.ppf((1 + level) / 2))
    table = pd.DataFrame(
        {
            "answer": ["stated", "calibrated"],
            "value": [value, factor * value],
            "standard_error": [standard_error, error],
        }
    )
    return table.assign(
        low=table["value"] - reach * table["standard_error"],
        high=table["value"] + reach * table["standard_error"],
    )
