"""Pictures of incidents and of quarters: twins that share all but one thing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, RED, finish, new_axes
from ecomlab.simulator import Plan, advance, simulate
from ecomlab.simulator.damage import measure_incident
from ecomlab.simulator.incidents import Incident
from simulator_pictures.worlds import PEOPLE, SEED, WEST, day_after, source

__all__ = ["PICTURES"]

_EVE, _SPAN, _LASTS = 60, 42, 14  # days before, shown, and of the incident


def _incident(**about: object) -> Incident:
    return Incident.model_validate({"id": "i1", "start": day_after(_EVE), "days": _LASTS, **about})


def two_falls() -> Axes:
    """Draw conversion under a broken checkout and under machines that visit."""
    eve = simulate(WEST, SEED, None, PEOPLE, _EVE)
    kinds = {
        "checkout broken on telephones": (
            RED, _incident(parameter="checkout.friction", op="plus", value=1.2,
                           scope={"device": ["mobile"]})),
        "machines among the visits": (
            BLUE, _incident(parameter="log.bot_share", op="plus", value=0.45)),
    }  # fmt: skip
    ax, lost = new_axes(), []
    for name, (color, one) in kinds.items():
        run = advance(eve, days=_SPAN, incidents=[one])
        rows = run.store.query(
            "select date, count(order_id) / count(*) as share from sessions group by 1 order by 1"
        )
        path = 100 * pd.Series(rows["share"]).rolling(7, center=True, min_periods=4).mean()
        day = np.arange(len(path)) - _EVE
        shown = (day >= -28) & (day < _SPAN - 3)
        ax.plot(day[shown], path[shown], color=color, label=name)
        lost.append(-measure_incident(WEST, SEED, incident=one, people=PEOPLE, days=_SPAN).orders)
    ax.axvspan(0, _LASTS, color=GREY, alpha=0.15, lw=0)
    ax.set_ylim(bottom=0)
    ax.legend(loc="lower left")
    return finish(ax, title=f"Conversion falls twice: once {lost[0]:.0f} orders are lost, "
                  f"once {abs(lost[1]):.0f}", x="days since the start",
                  y="visits with an order, week's mean [%]",
                  source=source(WEST, f"{PEOPLE:,} people"))  # fmt: skip


def quarters() -> Axes:
    """Draw a quarter lived twice from one checkpoint, under two plans."""
    eve = simulate(WEST, SEED, None, PEOPLE, 91)
    plan = Plan(budgets={"social": 0.0, "paid_search": 0.5})
    ax, paid = new_axes(), {}
    for name, color, decided in (("status quo", GREY, None), ("half the search, no social", BLUE,
                                                              plan)):  # fmt: skip
        orders = advance(eve, plan=decided, days=91).store.table("orders")
        daily = orders[orders["payment_status"] == "paid"].groupby("date")["amount"].sum() / 1000
        paid[name] = total = daily.cumsum()
        ax.plot(np.arange(len(total)) - 91, total, color=color, label=name)
    ax.axvline(0, color=GREY, lw=1, ls=":")
    ax.legend(loc="upper left")
    gap = [one.iloc[-1] for one in paid.values()]
    return finish(ax, title=f"One history, two quarters: {gap[0] - gap[1]:.1f} thousand less sold "
                  f"without the advertising", x="days since the quarter began",
                  y="sales since the first day [thousand USD]",
                  source=source(WEST, f"{PEOPLE:,} people"))  # fmt: skip


PICTURES = (two_falls, quarters)
