"""The picture of the oracle ladder, from the draws that benchmarks/find_oracle.py left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, finish, new_axes

__all__ = ["PICTURES"]

_DRAWS = Path(__file__).resolve().parents[2] / "docs" / "simulator" / "oracle.csv"


def ladder() -> Axes:
    """Draw each rung's gain seed by seed: as expected, and as luck made it."""
    draws = pd.read_csv(_DRAWS).pivot(index="seed", columns="rung")
    ax, mean = new_axes(), {}
    for place, rung in enumerate(("naive", "analyst", "oracle")):
        for kind, color, shift in (("realised", GREY, -0.1), ("expected", BLUE, 0.1)):
            gain = (draws[kind][rung] - draws[kind]["status quo"]) / 1000
            ax.plot(gain, np.full(len(gain), place + shift), "o", color=color, alpha=0.6, ms=5,
                    label={"realised": "under one luck", "expected": "expected"}[kind]
                    if not place else None)  # fmt: skip
        mean[rung] = float((draws["expected"][rung] - draws["expected"]["status quo"]).mean())
    ax.axvline(0, color=GREY, lw=1)
    ax.set_yticks(range(3), list(mean))
    ax.set_ylim(-0.6, 2.6)
    ax.legend(loc="lower right")
    share = {rung: gain / mean["oracle"] for rung, gain in mean.items()}
    return finish(ax, title=f"An analyst with trials gets {share['analyst']:.0%} of what there is "
                  f"to get, a naive one {share['naive']:.0%}",
                  x="profit over the status quo, a dot a seed [1,000 USD a quarter]", y="",
                  source="west_d2c, 20,000 people; benchmarks/find_oracle.py")  # fmt: skip


PICTURES = (ladder,)
