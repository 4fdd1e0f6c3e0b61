"""The picture of expected mode against sampled runs, as benchmarks/compare_expected.py left it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, finish, new_axes

__all__ = ["PICTURES"]

_DRAWS = Path(__file__).resolve().parents[2] / "docs" / "simulator" / "expected.csv"
_SURE = 3.0  # standard errors


def expected() -> Axes:
    """Draw by how much each line is off, and three standard errors to each side."""
    draws = pd.read_csv(_DRAWS)
    draws = draws[draws["errors"].notna() & (draws["line"] != "profit")]
    lines = list(dict.fromkeys(draws["line"]))[::-1]
    ax = new_axes()
    for world, color, shift in (
        ("without operations", GREY, 0.15),
        ("with operations", BLUE, -0.15),
    ):
        rows = draws[draws["world"] == world].set_index("line").reindex(lines)
        wide = 100 * _SURE * rows["error"] / rows["sampled"].abs()
        ax.errorbar(100 * rows["share"], np.arange(len(lines)) + shift, xerr=wide, fmt="o", ms=4,
                    color=color, lw=1.2, label=world)  # fmt: skip
    ax.axvline(0, color=GREY, lw=1)
    ax.set_yticks(range(len(lines)), lines)
    ax.legend(loc="lower right")
    near = int((draws["errors"].abs() <= _SURE).sum())
    return finish(ax, title=f"{near} of {len(draws)} lines lie within three standard errors of the "
                  f"mean of {int(draws['runs'].iloc[0])} runs",
                  x="expected mode over the mean of the runs [%], with three standard errors", y="",
                  source="tiny, a world a run; benchmarks/compare_expected.py")  # fmt: skip


PICTURES = (expected,)
