"""Pictures of stock: a product's level over time, and what sales hide of demand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, RED, finish, new_axes
from simulator_pictures.worlds import PEOPLE, WEST, source, west_year

__all__ = ["PICTURES"]

_SHOWN = 250  # days


def shelf_gaps() -> Axes:
    """Draw the stock of the product that lost most, and the days on which it was missing."""
    run = west_year()
    told = run.truth["truth_demand"]
    lost = told["lost_units"] + told["substituted_out_units"]
    sku = str(lost.groupby(told["sku"]).sum().idxmax())
    mine = told[told["sku"] == sku].assign(unmet=lost).reset_index(drop=True).head(_SHOWN)
    stock = run.store.table("inventory_daily").query("sku == @sku").reset_index(drop=True)
    stock = stock.head(_SHOWN)
    ax, days = new_axes(), np.arange(len(stock))
    ax.step(days, stock["on_hand_units"], where="post", color=BLUE, label="in the depot")
    under_way = stock["on_order_units"] + stock["in_transit_units"]
    ax.step(days, under_way, where="post", color=GREY, label="ordered, or on the way")
    short = mine["unmet"] > 0
    ax.bar(days[short], mine.loc[short, "unmet"], color=RED, width=1.5,
           label="wanted and not there (sealed)")  # fmt: skip
    ax.legend(loc="upper right")
    out = (stock["out_of_stock_minutes"] / 1440).mean()
    missed = mine["unmet"].sum() / mine["demand_units"].sum()
    return finish(ax, title=f"{sku} was out of stock on {100 * out:.0f} % of days and missed "
                  f"{100 * missed:.0f} % of what was wanted", x="day", y="units",
                  source=source(WEST, f"{PEOPLE:,} people", pd.Timestamp(mine["date"].iloc[0])
                                .date().isoformat() + " on"))  # fmt: skip


PICTURES = (shelf_gaps,)
