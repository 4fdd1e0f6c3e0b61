"""Pictures of customer service: what waiting costs, as it looks and as it is."""

from __future__ import annotations

from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, RED, finish, new_axes
from ecomlab.simulator import ways_out_service as ways
from ecomlab.simulator.run import simulate
from ecomlab.simulator.traps import plan_ways_out
from simulator_pictures.worlds import WEST, source

__all__ = ["PICTURES"]

_PEOPLE, _DAYS = 60_000, 182


def waiting() -> Axes:
    """Draw the points that ten minutes cost: of those answered, and of all in the queue."""
    world = ways.busy_desk(WEST)
    lots = plan_ways_out(world, days=_DAYS, traps=["response"])
    usual, tried = (simulate(world, 7, plan, _PEOPLE, _DAYS) for plan in (None, lots))
    rows = [
        ("answered, place by habit", ways.cost_of_wait(usual.store), RED),
        ("answered, place by lot", ways.cost_of_wait_by_lot(tried.store), BLUE),
        ("all, by agents' sickness", ways.cost_of_queue_by_sickness(usual.store), GREY),
    ]
    ax = new_axes()
    for place, (_, found, color) in enumerate(rows):
        ax.errorbar(found.value, place, xerr=1.96 * found.se, color=color, marker="o", capsize=3)
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(left=0)
    habit, lot, all_of_them = (found.value for _, found, _ in rows)
    return finish(ax, title=f"Ten minutes cost {habit:.1f} points as it looks, {lot:.1f} by lot,\n"
                  f"and {all_of_them:.1f} if those count who gave up",
                  x="points of the score, 1 to 5, lost in ten minutes (95 % interval)", y="",
                  source=source(WEST, f"{_PEOPLE:,} people, a busy desk"))  # fmt: skip


PICTURES = (waiting,)
