"""Pictures of prices: the manager's habit, buying ahead, and competitors."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, ORANGE, RED, finish, new_axes
from ecomlab.simulator import Plan
from ecomlab.simulator.scenario import Scenario
from simulator_pictures.worlds import PEOPLE, WEST, day_after, label, live, source

__all__ = ["PICTURES"]

_DAYS, _WEEKS = 300, 8  # days of promotions; weeks for which a buyer is followed


def habit() -> Axes:
    """Draw how often products are promoted against the demand that the manager feels."""
    ax = new_axes()
    for dose, color in zip((0.45, 0.30, 0.15, 0.0), (RED, ORANGE, BLUE, GREY), strict=True):
        world = WEST.with_traps({"price": dose, "promotion": 0.0})
        felt, promoted = [], []
        for index, day in live(world, people=300, days=364):
            if index % 7 == 0:
                kind = day.world.products.category
                felt.append(day["category_shock"][kind] + day["sku_shock"])
                promoted.append(day["depth"] > 0)
        edges = np.quantile(felt, np.linspace(0, 1, 11))
        group = np.clip(np.searchsorted(edges, np.ravel(felt)) - 1, 0, 9)
        share = 100 * np.bincount(group, np.ravel(promoted)) / np.bincount(group)
        middle = 100 * np.expm1((edges[1:] + edges[:-1]) / 2)
        ax.plot(middle, share, color=color, marker="o", markersize=4)
        label(ax, middle[-1], share[-1], f"dose {dose:.2f}", color)
        if dose == WEST.traps.price:
            most, least = share[-1], share[0]
    return finish(ax, title=f"At the usual dose of {WEST.traps.price:g} the manager promotes "
                  f"{most:.0f} % of what is in most demand, {least:.0f} % of what is in least",
                  x="demand shock of the week, by tenths [% over the product's usual]",
                  y="promoted [% of product-weeks]",
                  source=source(WEST, "364 days", "no promotions at events"))  # fmt: skip


def _come_back(world: Scenario) -> tuple[np.ndarray, int]:
    """Return the occasions of buyers by week after a promoted storable purchase, and how many."""
    keeps = np.array([kind.stockpiled_share > 0 for kind in WEST.categories.values()])
    bought, came = [], np.zeros((_DAYS, PEOPLE), dtype=bool)
    plan = Plan(promotions=5.0)
    for index, day in live(world, people=PEOPLE, days=_DAYS, plan=plan):
        came[index, day["people_today"][day["is_natural"]]] = True
        if index < _DAYS - 7 * _WEEKS:
            sku = day["line_sku"]
            at = keeps[day.world.products.category[sku]] & (day["depth"][sku] > 0)
            bought.append((index + 1, np.unique(day["buyers"][day["line_order"][at]])))
    counts = sum(came[first : first + 7 * _WEEKS, who].sum(axis=1) for first, who in bought)
    return counts.reshape(_WEEKS, 7).sum(axis=1), sum(len(who) for _, who in bought)


def stockpiling() -> Axes:
    """Draw how often buyers of promoted storable goods come by in the weeks after."""
    kinds = {name: kind.model_copy(update={"stockpiled_share": 0.0})
             for name, kind in WEST.categories.items()}  # fmt: skip
    ax, rows, weeks = new_axes(), [], np.arange(1, _WEEKS + 1)
    for world, text, color in (
        (WEST.model_copy(update={"categories": kinds}), "if nobody bought ahead", GREY),
        (WEST, "as it is", BLUE),
    ):
        came, count = _come_back(world)
        rows.append(100 * came / count)
        ax.plot(weeks, rows[-1], color=color, marker="o", markersize=4, label=text)
    ax.fill_between(weeks, rows[1], rows[0], color=BLUE, alpha=0.15)
    ax.legend(loc="lower right")
    ax.set_ylim(bottom=0)
    lost = 100 * (1 - rows[1][:4].sum() / rows[0][:4].sum())
    return finish(ax, title=f"Who bought storable goods on promotion comes {lost:.0f} % less often "
                  "in the four weeks after", x="week after the purchase",
                  y="occasions [per 100 such purchases]",
                  source=source(WEST, f"{PEOPLE:,} people", f"{_DAYS} days of many promotions",
                                f"{count:,} purchases"))  # fmt: skip


def rivals() -> Axes:
    """Draw competitors' answer to a price cut."""
    start, days = 28, 112
    plan = Plan(start=day_after(start), prices=dict.fromkeys(WEST.categories, 0.9))
    ours, theirs = [], []
    both = zip(live(WEST, people=300, days=days), live(WEST, people=300, days=days, plan=plan),
               strict=True)  # fmt: skip
    for (_, base), (_, cut) in both:
        ours.append((cut["own_index"][-1] - base["own_index"][-1]).mean())
        theirs.append((cut["rival"] - base["rival"]).mean())
    ax, x = new_axes(), np.arange(days) - start
    for path, text, color in ((ours, "we", BLUE), (theirs, "competitors", RED)):
        level = 100 * np.expm1(path)
        ax.plot(x, level, color=color)
        label(ax, x[-1], level[-1], text, color)
    share, first = 100 * theirs[-1] / ours[-1], int(np.argmax(np.array(theirs) < -1e-6)) - start
    return finish(ax, title=f"Competitors first move {first} days after our cut, and follow "
                  f"{share:.0f} % of it", x="days since our cut",
                  y="price [% over the world without the cut]",
                  source=source(WEST, "two runs with the same luck"))  # fmt: skip


PICTURES = (habit, stockpiling, rivals)
