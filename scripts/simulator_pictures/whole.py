"""Pictures of the world as a whole: its causal graph, and what the same luck is worth."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, ORANGE, RED, amounts_on, draw_boxes, finish, new_axes
from ecomlab.simulator import Plan, simulate
from ecomlab.simulator.loop import MECHANISMS
from simulator_pictures.worlds import PEOPLE, SEED, WEST, day_after, label, source

__all__ = ["PICTURES"]

_STANDS = {
    "surroundings": (0, 2.3), "competition": (1.75, 4.6), "prices": (1.75, 3.3),
    "media": (1.75, 1.1), "mail": (1.75, -0.1), "awareness": (3.4, 2.05), "routes": (5.0, 1.1),
    "choice": (5.0, 3.3), "expectation": (8.5, 4.6), "checkout": (7.2, 3.3),
    "aftermath": (6.9, 1.6), "platforms": (8.5, -0.1),
}  # fmt: skip
_OPERATIONS = {
    "regions": (0.2, 4.4),
    "supply": (0.2, 2.3),
    "clock": (2.2, 4.4),
    "choice": (4.2, 4.4),
    "stock": (2.4, 2.3),
    "checkout": (6.2, 4.4),
    "delivery": (8.2, 4.4),
    "contacts": (4.6, 2.3),
    "satisfaction": (8.2, 0.3),
    "aftermath": (6.6, 2.3),
    "incidents": (8.6, 2.3),
    "routes": (2.4, 0.1),
}
_WATCH = ("expectation", "platforms")  # they act on nothing else
_BENT = {
    ("surroundings", "competition"): -0.15, ("prices", "checkout"): -0.22,
    ("prices", "expectation"): -0.12, ("prices", "aftermath"): -0.06,
    ("media", "platforms"): 0.16, ("mail", "platforms"): 0.08, ("checkout", "prices"): 0.30,
    ("aftermath", "mail"): -0.32, ("aftermath", "awareness"): 0.10,
    ("aftermath", "routes"): -0.35, ("routes", "aftermath"): -0.15,
    ("routes", "expectation"): -0.25, ("surroundings", "mail"): 0.14, ("media", "routes"): 0.05,
}  # fmt: skip


def part_of(step: object) -> str:
    """Return the file that a mechanism's step lives in."""
    return step.__module__.rsplit(".", 1)[-1]


def file_arrows() -> dict[tuple[str, str], bool]:
    """Return the arrows between files that the declarations draw: True where all of it waits."""
    found: dict[tuple[str, str], bool] = {}
    for at, reader in enumerate(MECHANISMS):
        for place, writer in enumerate(MECHANISMS):
            pair = part_of(writer.step), part_of(reader.step)
            if pair[0] != pair[1] and set(writer.writes) & set(reader.reads):
                found[pair] = found.get(pair, True) and place > at
    return found


def graph() -> Axes:
    """Draw the causal graph between the files of demand, from the declarations."""
    return _graph(_STANDS, _BENT, "of demand")


def graph_operations() -> Axes:
    """Draw the causal graph between the files of operations, and what they take and give."""
    return _graph(_OPERATIONS, {}, "about operations")


def _graph(
    stands: dict[str, tuple[float, float]], bent: dict[tuple[str, str], float], which: str
) -> Axes:
    rows, count = [], 0
    for name, (x, y) in stands.items():
        steps = [one.name for one in MECHANISMS if part_of(one.step) == name]
        count += len(steps)
        color = GREY if name in _WATCH else BLUE
        rows.append((name, x, y, name, "\n".join(steps), color))
    boxes = pd.DataFrame(rows, columns=["name", "x", "y", "title", "text", "color"])
    ax = draw_boxes(boxes, (), ax=new_axes(width=12, height=7), box_size=(1.2, 0.86))
    patch = dict(zip(stands, ax.patches, strict=True))
    arrows = {pair: late for pair, late in file_arrows().items() if set(pair) <= set(stands)}
    for (cause, effect), late in arrows.items():
        color = ORANGE if late else "#B4B9C0" if effect in _WATCH else BLUE
        ax.annotate("", stands[effect], stands[cause], zorder=1, arrowprops={
            "arrowstyle": "-|>", "color": color, "linewidth": 1.3, "mutation_scale": 13,
            "patchA": patch[cause], "patchB": patch[effect], "shrinkA": 1, "shrinkB": 1,
            "connectionstyle": f"arc3,rad={bent.get((cause, effect), 0.0)}",
            "linestyle": "--" if late else "-"})  # fmt: skip
    waits = sum(arrows.values())
    title = (f"{count} mechanisms in {len(stands)} files {which}: {len(arrows) - waits} arrows "
             f"act at once, {waits} tomorrow (dashed)")  # fmt: skip
    return finish(ax, title=title, source="the declarations of ecomlab.simulator.loop.MECHANISMS; "
                  "grey: what only reports")  # fmt: skip


def luck() -> Axes:
    """Draw the running difference of two plans, with the same luck and with other luck."""
    start, days = 91, 182
    plan = Plan(start=day_after(start), prices={"apparel": 1.1})
    usual, dearer, other = (
        simulate(WEST, seed, given, PEOPLE, days).truth["truth_day"].set_index("date")["amount"]
        for seed, given in ((SEED, None), (SEED, plan), (SEED + 1, plan))
    )
    ax = new_axes()
    for run, text, color in ((dearer, "same luck", BLUE), (other, "another seed", GREY)):
        total = (run - usual).cumsum()
        ax.plot(total, color=color)
        label(ax, total.index[-1], total.iloc[-1], text, color)
    ax.axvline(usual.index[start], color=RED, linestyle=":")
    ax.annotate("apparel 10 % dearer", (usual.index[start], 0.97), (6, 0), color=RED, va="top",
                xycoords=("data", "axes fraction"), textcoords="offset points")  # fmt: skip
    return finish(amounts_on(ax), title="With the same luck two plans differ by the plan alone; "
                  "with another seed, by chance", y="running difference in sales [USD]", x="date",
                  source=source(WEST, f"{PEOPLE:,} people", f"{days} days"))  # fmt: skip


PICTURES = (graph, graph_operations, luck)
