"""Which carrier is later? The naive answer, the one by lot, and the truth.

Each function takes a store, or a run, and compares the cheapest carrier with the dearest: the
share of parcels late with the one less that with the other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecomlab.simulator.counts import Estimate
from ecomlab.simulator.run import SimulatedRun
from ecomlab.store.store import Store

__all__ = ["late_by_lot", "late_overall", "late_parcels", "true_late_gap"]


def late_parcels(store: Store) -> pd.DataFrame:
    """Return the parcels whose promised day is over: order, carrier, region, whether late.

    What has not arrived by the last day is late as well.
    """
    orders = store.table("orders")[["order_id", "date", "region_id", "promised_date"]]
    found = store.table("shipments")[["order_id", "carrier", "delivered_at", "cost"]]
    found = found.merge(orders, on="order_id")
    came = found["delivered_at"].dt.tz_convert(store.manifest.time_zone).dt.tz_localize(None)
    known = found["promised_date"] < pd.Timestamp(store.manifest.last_day)
    is_late = came.isna() | (came.dt.normalize() > found["promised_date"])
    return found.assign(is_late=is_late)[known].reset_index(drop=True)


def late_overall(store: Store) -> Estimate:
    """Compare all parcels of the two carriers, wherever they went."""
    return _gap(late_parcels(store))


def late_by_lot(store: Store) -> Estimate:
    """Compare the parcels whose carrier was drawn by lot in the experiment ``carriers``."""
    lots = store.table("assignments")
    drawn = lots.loc[(lots["experiment_id"] == "carriers") & (lots["arm"] == "random"), "unit_id"]
    parcels = late_parcels(store)
    return _gap(parcels[parcels["order_id"].isin(drawn)])


def true_late_gap(run: SimulatedRun) -> float:
    """Return the gap that the same parcels, with the same luck, would show with each of the two."""
    told, cost = run.truth["truth_parcel"], run.store.table("shipments")
    cheap, dear = _ends(cost)
    late = [(told[f"late_days_{name}"] > 0).mean() for name in (cheap, dear)]
    return float(late[0] - late[1])


def _gap(parcels: pd.DataFrame) -> Estimate:
    by = parcels.groupby("carrier")["is_late"].agg(["mean", "size"])
    two = by.loc[list(_ends(parcels))]
    share = two["mean"].to_numpy()
    return Estimate(
        float(share[0] - share[1]),
        float(np.sqrt((share * (1 - share) / two["size"].to_numpy()).sum())),
    )


def _ends(parcels: pd.DataFrame) -> tuple[str, str]:
    """Return the carrier that costs least a parcel, and the one that costs most."""
    cost = parcels.groupby("carrier")["cost"].mean().sort_values()
    return str(cost.index[0]), str(cost.index[-1])
