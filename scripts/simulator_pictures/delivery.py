"""Pictures of delivery: which carrier is late where, and how it looks over all parcels."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, RED, finish, new_axes
from ecomlab.simulator.ways_out_delivery import late_parcels
from simulator_pictures.worlds import PEOPLE, WEST, source, west_year

__all__ = ["PICTURES"]


def carriers() -> Axes:
    """Draw the share late by carrier and region for the same parcels, and over those it carried."""
    run = west_year()
    told = run.truth["truth_parcel"].merge(
        run.store.table("orders")[["order_id", "region_id"]], on="order_id"
    )
    km = run.store.table("regions").set_index("region_id")["km_to_depot"].sort_values()
    km = km[km.index.isin(told["region_id"])]  # a new region has no parcels
    seen = 100 * late_parcels(run.store).groupby("carrier")["is_late"].mean()
    ax, late = new_axes(), {}
    for name, color in (("economy", RED), ("standard", GREY), ("premium", BLUE)):
        is_late = told[f"late_days_{name}"].gt(0).groupby(told["region_id"]).mean()
        late[name] = 100 * is_late[km.index]
        ax.plot(np.arange(len(km)), late[name], color=color, marker="o", label=name)
        ax.plot(len(km) + 0.5, seen[name], color=color, marker="D", linestyle="none")
    ax.set_xticks([*range(len(km)), len(km) + 0.5], [*km.index, "all it\ncarried"])
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left")
    better = int((late["premium"] < late["economy"]).sum())
    return finish(ax, title=f"Premium is late less often in {better} of {len(km)} regions; of all "
                  f"it carried {seen['premium']:.1f} % are late, with economy "
                  f"{seen['economy']:.1f} %",
                  x="region, by distance; every parcel with each carrier (sealed)",
                  y="parcels late [%]", source=source(WEST, f"{PEOPLE:,} people"))  # fmt: skip


PICTURES = (carriers,)
