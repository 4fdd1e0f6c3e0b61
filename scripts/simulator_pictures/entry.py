"""A picture of a new region: what each range earns where the taste is strong, and where not."""

from __future__ import annotations

from datetime import date

from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, RED, finish, new_axes
from ecomlab.simulator import Plan
from ecomlab.simulator.parameters_entry import Entry
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.twins import measure_effect
from simulator_pictures.worlds import WEST, source

__all__ = ["PICTURES"]

_PEOPLE, _START, _END = 60_000, date(2024, 4, 1), date(2024, 12, 30)
_RANGES = {"all": GREY, "eco": BLUE, "ordinary": RED}
_TASTES = (0.05, 0.55)


def _with_taste(taste: float) -> Scenario:
    regions = WEST.model_dump()["regions"]
    regions["WCA"]["eco_taste"] = taste
    return Scenario.model_validate(WEST.model_dump() | {"regions": regions})


def entry() -> Axes:
    """Draw the profit of entering with each range, at a weak and at the preset's taste."""
    ax, profit = new_axes(), {}
    for place, (name, color) in enumerate(_RANGES.items()):
        entry = Entry.model_validate({"range": name, "launch_budget": 300})
        plan = Plan(start=_START, regions={"WCA": entry})
        for row, taste in enumerate(_TASTES):
            told = measure_effect(_with_taste(taste), 7, plan=plan, people=_PEOPLE,
                                  window=(_START, _END))  # fmt: skip
            at = row + (place - 1) * 0.27
            profit[taste, name] = told.profit / 1000
            ax.bar(at, profit[taste, name], width=0.25, color=color)
            ax.text(at, profit[taste, name], f"{name}\n{profit[taste, name]:+.1f}", ha="center",
                    va="bottom" if profit[taste, name] > 0 else "top", color=color)  # fmt: skip
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_xticks(range(len(_TASTES)), [f"taste {taste:g}" for taste in _TASTES])
    ax.margins(y=0.2)
    gap = [profit[taste, "eco"] - profit[taste, "all"] for taste in _TASTES]
    words = ["more" if one > 0 else "less" for one in gap]
    return finish(ax, title=f"Leading with eco earns {abs(gap[1]):.1f} thousand {words[1]} than "
                  f"all products where the taste is strong, {abs(gap[0]):.1f} {words[0]} where "
                  f"it is weak",
                  x="mean taste for ecological products in the region [utility]",
                  y="profit [thousand USD]",
                  source=source(WEST, f"{_PEOPLE:,} people", "39 weeks, WCA entered or not"),
                  )  # fmt: skip


PICTURES = (entry,)
