"""Can we find the same lift with fewer units? Take out what was known before the test.

In: an outcome and what the unit did before, for each unit of a test. Answer: the outcomes
less what the past foretold (CUPED: Deng, Xu, Kohavi and Walker, WSDM 2013), for read_test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from ecomlab.frames import need_columns, need_numbers, need_unique
from ecomlab.result import Result

__all__ = ["Adjustment", "adjust_outcomes"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Adjustment(Result):
    """Outcomes less what the past foretold.

    ``table`` is the frame given with ``outcome`` adjusted and the old one as ``raw_outcome``.
    """

    headline: ClassVar[dict[str, str]] = {"slope": "", "variance_saved_share": "share"}

    slope: float
    variance_saved_share: float


def adjust_outcomes(outcomes: pd.DataFrame) -> Adjustment:
    """Take out of each outcome what the time before the test foretold (CUPED).

    ``outcome - slope (before - mean of before)``; the slope is that of a regression within arms,
    so that a true effect is not taken out with it (Deng et al. 2013, eq. 4 and 6).

    Parameters
    ----------
    outcomes
        Columns ``unit_id, arm, outcome, before``; ``before`` was measured before the test began,
        0 for units that were not there.

    Raises
    ------
    ValueError
        Where a column is missing or not a number, or a unit appears twice.

    Examples
    --------
    >>> seen = pd.DataFrame({"unit_id": range(6), "arm": list("AAABBB"),
    ...                      "before": [1.0, 2, 3, 1, 2, 3], "outcome": [2.0, 4, 6, 3, 5, 7]})
    >>> made = adjust_outcomes(seen)
    >>> made, made.table["outcome"].tolist()
    (Adjustment(slope=2.0, variance_saved_share=1.0 share), [4.0, 4.0, 4.0, 5.0, 5.0, 5.0])
    """
    need_columns(outcomes, "outcomes", ("unit_id", "arm", "outcome", "before"))
    need_numbers(outcomes, "outcomes", ("outcome", "before"))
    need_unique(outcomes, "outcomes", ("unit_id",),
                remedy="Give one row a unit: add its outcomes up.")  # fmt: skip
    past = outcomes["before"].astype(float)
    within_past = past - past.groupby(outcomes["arm"]).transform("mean")
    within = outcomes["outcome"] - outcomes.groupby("arm")["outcome"].transform("mean")
    spread = float((within_past**2).sum())
    slope = float((within_past * within).sum()) / spread if spread > 0 else 0.0
    total = float((within**2).sum())
    left = float(((within - slope * within_past) ** 2).sum())
    caveats: tuple[str, ...] = (
        "What was measured after the test began must not be used to adjust.",
    )
    if spread == 0:
        caveats = ("Not adjusted, because all units were alike before the test.", *caveats)
    return Adjustment(
        table=outcomes.assign(
            raw_outcome=outcomes["outcome"],
            outcome=outcomes["outcome"] - slope * (past - past.mean()),
        ),
        caveats=caveats,
        slope=slope,
        variance_saved_share=float(np.clip(1 - left / total, 0, 1)) if total > 0 else 0.0,
    )
