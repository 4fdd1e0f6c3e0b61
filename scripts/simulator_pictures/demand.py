"""Pictures of who knows the shop, when people come, and whether they come again."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, PALETTE, RED, finish, new_axes
from ecomlab.simulator import Plan
from ecomlab.simulator.dates import event_peak, lay_out_days
from ecomlab.simulator.scenario import Scenario
from simulator_pictures.worlds import CHINA, WEST, label, live, source, west_year

__all__ = ["PICTURES"]

_HORIZON = 180


def awareness() -> Axes:
    """Draw awareness under three budgets of what makes the shop known."""
    ax, ends = new_axes(), []
    days, share = 365, np.array([region.share for region in WEST.regions.values()])
    for factor, text, color, up in ((2.0, "twice", BLUE, 4), (1.0, "as usual", GREY, -4),
                                    (0.0, "neither", RED, 0)):  # fmt: skip
        plan = Plan(budgets={"social": factor, "creators": factor})
        path = [100 * float(day["aware"] @ share)
                for _, day in live(WEST, people=2000, days=days, plan=plan)]  # fmt: skip
        ends.append(path[-1])
        ax.plot(path, color=color)
        label(ax, days - 1, path[-1], text, color, up=up)
    more, less = ends[0] - ends[1], ends[1] - ends[2]
    return finish(ax, title=f"A year without social and creators costs {less:.0f} points of "
                  f"awareness, twice their budget gains {more:.0f}", x="day",
                  y="people who know the shop [%]",
                  source=source(WEST, "2,000 people"))  # fmt: skip


def season() -> Axes:
    """Draw what events do to occasions in both presets."""
    _, axes = plt.subplots(2, 1, figsize=(9.0, 5.6), sharex=True)
    for ax, world, color in ((axes[0], WEST, BLUE), (axes[1], CHINA, RED)):
        days = lay_out_days(world, 366)
        level = 100 * np.expm1(days.lift)
        ax.plot(days.dates, level, color=color)
        ax.fill_between(days.dates, level, 0, where=level < 0, color=color, alpha=0.25)
        _name_events(ax, world, level)
        ax.set_ylim(min(level) - 25, max(level) * 1.25)
        ax.set_ylabel(f"{world.name}\noccasions [% over usual]")
    lone = WEST.model_copy(update={"events": {"only": WEST.events["black_friday"]}})
    level = np.expm1(lay_out_days(lone, 366).lift)
    taken = -level[level < 0].sum() / level[level > 0].sum()
    return finish(axes[0], title=f"{100 * taken:.0f} % of the occasions that Black Friday "
                  "brings are taken from the days around it",
                  source="calls of lay_out_days for 2024; shaded: below usual")  # fmt: skip


def _name_events(ax: Axes, world: Scenario, level: np.ndarray) -> None:
    """Write each event over its peak, near ones turned away from each other."""
    at = {
        name: (event_peak(event, 2024) - world.start).days for name, event in world.events.items()
    }
    for name, day in at.items():
        up = level[day] > 0
        turn = {-1: "left", 0: "center", 1: "right"}[
            max(-1, min(1, sum(np.sign(other - day) for other in at.values()
                               if 0 < abs(other - day) < 31)))]  # fmt: skip
        ax.annotate(name.replace("_", " "), (world.start + pd.Timedelta(days=day), level[day]),
                    (0, 3 if up else -3), textcoords="offset points", ha=turn, fontsize=8,
                    va="bottom" if up else "top")  # fmt: skip


def repeat() -> Axes:
    """Draw how soon customers order again, by how often they did (Kaplan and Meier)."""
    store = west_year().store
    orders = store.query(
        "select customer_id, o.date from orders o join customers using (customer_id) "
        "where first_seen >= (select min(date) from calendar) order by 1, 2"
    )
    orders["number"] = orders.groupby("customer_id").cumcount() + 1
    wait = orders.groupby("customer_id")["date"].shift(-1) - orders["date"]
    orders["again"] = wait.notna()
    orders["days"] = wait.fillna(pd.Timestamp(store.manifest.last_day) - orders["date"]).dt.days
    ax, found = new_axes(), {}
    for number, color in zip((3, 2, 1), PALETTE, strict=False):
        mine = orders[orders["number"] == number]
        path = 100 * (1 - _not_yet(mine))
        naive = 100 * mine["again"].mean()
        found[number] = path[-1]
        ax.plot(path, color=color)
        ax.plot([0, _HORIZON], [naive, naive], color=color, linestyle=":", linewidth=1.2)
        label(ax, _HORIZON, path[-1], f"after order {number} (n={len(mine):,})", color)
    return finish(ax, title=f"{found[1]:.0f} % order again within {_HORIZON} days of a first "
                  f"order, {found[3]:.0f} % of a third",
                  x="days since the order", y="have ordered again [%]",
                  source=source(WEST, "20,000 people", "400 days", "new customers"))  # fmt: skip


def _not_yet(orders: pd.DataFrame) -> np.ndarray:
    """Return the share of orders that no other one has followed, by days since."""
    left = [1.0]
    for age in range(1, _HORIZON + 1):
        came = (orders["again"] & (orders["days"] == age)).sum()
        left.append(left[-1] * (1 - came / (orders["days"] >= age).sum()))
    return np.array(left)


PICTURES = (awareness, season, repeat)
