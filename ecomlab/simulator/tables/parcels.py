"""Parcels as the shop's records have them, and what is true of their luck."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ecomlab.simulator import carriers
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Array
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Piece, Recorder
from ecomlab.simulator.tables.trials import lot, ordered

__all__ = ["progress", "shipments", "tell_delivery", "tell_parcels"]

_STATUS = ("waiting", "packed", "in_transit", "delivered")
_PICKS_FROM, _PICKS_FOR = 6, 16  # local hours: the depot opens, and works
_LEAVES, _COMES_FROM, _COMES_FOR = 4, 8, 12  # hours: the lorry next morning, the courier's round
_HOUR = 3600


def shipments(recorder: Recorder, piece: Piece) -> dict[str, pa.Table]:
    """One row a parcel, one parcel a paid order, in the order of time.

    A parcel is picked on some day's shift, leaves the depot next morning, and comes some days
    later; what lies after the period's last day is not seen yet.
    """
    scenario = recorder.world.scenario
    if scenario.fulfilment is None:
        return {}
    sent = np.flatnonzero(piece.of_order("payment") == PAID)
    _note_lots(recorder, piece, sent)
    about = {
        "ordered": piece.order_day[sent],
        "at": piece.order_at[sent],
        **{name: piece.of_order(name)[sent]
           for name in ("pick_place", "delivery_days", "transit_days")},
    }  # fmt: skip
    moments, is_open = progress(recorder, about)
    recorder.leave_open("shipments", about, is_open)
    km = np.array([region.km_to_depot for region in scenario.regions.values()])
    region = recorder.world.people.region[piece.buyer][sent]
    names = tuple(scenario.fulfilment.carriers)
    return {
        "shipments": arrow.table(
            "shipments",
            {
                "order_id": recorder.order_id(piece.order_number[sent]),
                "parcel": np.ones(len(sent), dtype=np.int64),
                "carrier": arrow.words(piece.of_order("carrier")[sent], names),
                **moments,
                "distance_km": km[region],
                "cost": arrow.money(piece.of_order("parcel_cents")[sent]),
                "co2_g": np.round(piece.of_order("parcel_co2_g")[sent], 1),
            },
        )
    }


def progress(recorder: Recorder, about: dict[str, Array]) -> tuple[dict[str, Any], Array]:
    """Return the columns that the days complete, and whose parcels are not delivered yet."""
    picked, shipped, delivered = _moments(recorder, about)
    seen = [moment >= 0 for moment in (picked, shipped, delivered)]
    columns = {
        "picked_at": arrow.blank(arrow.instants(picked), ~seen[0]),
        "shipped_at": arrow.blank(arrow.instants(shipped), ~seen[1]),
        "delivered_at": arrow.blank(arrow.instants(delivered), ~seen[2]),
        "status": arrow.words(np.sum(seen, axis=0), _STATUS),
    }
    return columns, ~seen[2]


def _moments(recorder: Recorder, about: dict[str, Array]) -> tuple[Array, Array, Array]:
    """Return when parcels are picked, shipped and delivered [UTC second]; -1 is not seen yet."""
    bounds, days = recorder.bounds, recorder.days
    place, at = about["pick_place"], about["at"]
    wait = np.floor(place).astype(np.int64)
    pick_day = about["ordered"] + wait
    come_day = about["ordered"] + about["delivery_days"]

    def start(day: Array) -> Array:
        return np.asarray(bounds[np.minimum(day, days)])

    shift = start(pick_day) + (_PICKS_FROM + _PICKS_FOR * (place - wait)) * _HOUR
    # not before the order is there, nor before those who ordered earlier
    same_day = np.maximum(at + (start(pick_day + 1) - at) * 0.25, shift)
    picked = np.where(wait == 0, same_day, shift).astype(np.int64)
    shipped = start(pick_day + 1) + _LEAVES * _HOUR
    hour = _COMES_FROM + _COMES_FOR * (about["transit_days"] % 1)
    delivered = (start(come_day) + hour * _HOUR).astype(np.int64)
    return (
        np.where(pick_day < days, picked, -1),
        np.where(pick_day + 1 < days, shipped, -1),
        np.where(come_day < days, delivered, -1),
    )


def _note_lots(recorder: Recorder, piece: Piece, sent: Array) -> None:
    """Remember which orders were in which arm of an experiment on carriers."""
    first = np.datetime64(recorder.world.scenario.start, "D")
    for test in ordered(recorder):
        if test.kind != "carrier":
            continue
        age = piece.order_day[sent] + test.age(first)
        number = piece.order_number[sent][(age >= 0) & (age < test.days)]
        arm = test.arm(lot(recorder), number)
        recorder.met.setdefault(test.id, []).append(np.stack([number, arm]))


def tell_parcels(recorder: Recorder, piece: Piece) -> dict[str, pa.Table]:
    """Return each paid order's luck, and how late every carrier would have been with it."""
    law = recorder.world.scenario.fulfilment
    if law is None:
        return {}
    names = list(law.carriers)
    sent = np.flatnonzero(piece.of_order("payment") == PAID)
    by = piece.of_order("transit_by_carrier").reshape(-1, len(names))[sent]
    wait = np.floor(piece.of_order("pick_place")[sent])
    over = wait[:, None] + np.ceil(by) - piece.of_order("promised_days")[sent][:, None]
    late = np.maximum(over, 0).astype(np.int64)
    columns = {
        "order_id": recorder.order_id(piece.order_number[sent]),
        "luck": np.round(piece.of_order("parcel_luck")[sent], 6),
        "wait_days": wait.astype(np.int64),
        "late_days": piece.of_order("late_days")[sent].astype(np.int64),
        **{f"late_days_{name}": late[:, i] for i, name in enumerate(names)},
    }
    return {"truth_parcel": pa.table(columns)}


def tell_delivery(recorder: Recorder) -> dict[str, pa.Table]:
    """Return the law of each carrier in each region, in ordinary weeks, and what is promised.

    One set of rows for the status quo, and one more from each day a plan starts.
    """
    scenario = recorder.world.scenario
    law = scenario.fulfilment
    if law is None:
        return {}
    plans = recorder.plan.in_force(scenario.start) if recorder.plan is not None else ()
    first = np.datetime64(scenario.start, "D")
    starts = sorted({first, *(np.datetime64(plan.start, "D") for plan in plans if plan.start)})
    net = recorder.world.network
    assert net is not None
    known, mean = net.known_days, net.delay_days
    chances = carriers.arrival_chances(known, mean, net.shape, net.shock_sd)
    at, where = (one.ravel() for one in np.indices(known.shape))
    rows = []
    for start in starts:
        share, quantile = carriers.shares_in_force(scenario, net.share, plans, start)
        promise = carriers.promise_days(scenario, law, share, quantile)
        late = carriers.late_shares(chances, promise)
        rows.append(pa.table({
            "from": pa.array(np.full(known.size, start)),
            "carrier": pa.array(list(law.carriers)).take(pa.array(at)),
            "region_id": pa.array(list(scenario.regions)).take(pa.array(where)),
            "share": np.round(share.ravel(), 6),
            "promised_days": np.round(promise[where], 3),
            "known_days": np.round(known.ravel(), 4),
            "delay_days": np.round(mean.ravel(), 4),
            "delay_shape": net.shape[at],
            "shock_sd_days": net.shock_sd[at],
            "late_share": np.round(late.ravel(), 6),
        }))  # fmt: skip
    return {"truth_delivery": pa.concat_tables(rows)}
