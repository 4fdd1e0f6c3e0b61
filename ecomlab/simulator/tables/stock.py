"""Stock by the day, orders to suppliers, and what is true of demand and of suppliers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab.simulator.codes import OCCASION
from ecomlab.simulator.mechanisms.supply import PURCHASE
from ecomlab.simulator.noise import Array
from ecomlab.simulator.suppliers import DISRUPTIONS
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Piece, Recorder

__all__ = ["inventory", "purchase_orders", "tell_demand", "tell_suppliers"]

_FROM = 4096  # days added to the day an order was placed, for its code
_OPEN = -1


def inventory(recorder: Recorder, piece: Piece) -> dict[str, pa.Table]:
    """One row a day and product on sale, or sold off; none where the scenario has no stock.

    Of every product, the day before's closing stock + received + restocked - sold - written
    off is the day's closing stock. Notes orders to suppliers, and books what holding costs.
    """
    log, world = piece.log, recorder.world
    if world.scenario.stock is None:
        return {}
    _note_purchases(recorder, piece)
    cents = np.array(log.values("holding_cents"), dtype=np.float64)
    books = recorder.costs.setdefault("holding", np.zeros(recorder.days))
    books[log.first : log.first + log.days] += cents / 100
    on_sale = log.stack("on_sale")  # or delisted, and sold off on the day
    on_sale |= log.stack("is_delisted") & (log.stack("written_off") > 0)
    day, sku = np.nonzero(on_sale)

    def of(name: str) -> Array:
        return np.asarray(log.stack(name)[on_sale])

    return {
        "inventory_daily": arrow.table(
            "inventory_daily",
            {
                "date": arrow.days(world.scenario.start, log.first + day),
                "sku": arrow.words(sku, world.products.sku),
                "on_hand_units": of("closing"),
                "on_order_units": of("on_order"),
                "in_transit_units": of("in_transit"),
                "out_of_stock_minutes": np.round(of("out_minutes"), 2),
                "received_units": of("received_units"),
                "restocked_units": of("restocked_units"),
                "sold_units": of("sold_units"),
                "written_off_units": of("written_off"),
            },
        )
    }


def _note_purchases(recorder: Recorder, piece: Piece) -> None:
    """Remember orders placed and received; a day received of -1 is still to come."""
    log, rows = piece.log, recorder.purchases
    for i, both in enumerate(zip(log.values("placed"), log.values("arrived"), strict=True)):
        for found, day in zip(both, (_OPEN, log.first + i), strict=True):
            if len(found[0]):
                rows.append(np.array([*found, np.full(len(found[0]), day)], dtype=np.int64))


def purchase_orders(recorder: Recorder) -> dict[str, pa.Table]:
    """One row an order to a supplier, by the day it was placed; later receipts are not seen yet."""
    world = recorder.world
    if world.scenario.stock is None or world.suppliers is None:
        return {}
    names = (*PURCHASE, "received")
    rows = np.concatenate([np.zeros((len(names), 0), dtype=np.int64), *recorder.purchases], axis=1)
    key = (rows[0] + _FROM) * 4096 + world.products.key[rows[1]]
    number = key * 64 + rows[2]
    rank = np.lexsort((rows[-1], number))  # of an order placed and received, the receipt is last
    last = np.append(np.diff(number[rank]) != 0, True)[: len(rank)]
    kept = rank[last]
    found = dict(zip(names, rows[:, kept], strict=True))
    start, open_ = world.scenario.start, found["received"] == _OPEN
    quoted = world.suppliers.quoted_days[found["supplier"]]
    return {
        "purchase_orders": arrow.table(
            "purchase_orders",
            {
                "purchase_id": recorder.codes.write("B", number[kept], bits=OCCASION),
                "sku": arrow.words(found["sku"], world.products.sku),
                "supplier_id": arrow.words(found["supplier"], world.suppliers.code),
                "units": found["units"],
                "placed_date": arrow.days(start, found["placed"]),
                "promised_date": arrow.days(start, found["placed"] + quoted),
                "received_date": arrow.blank(arrow.days(start, found["received"]), open_),
                "received_units": arrow.blank(found["coming"], open_),
                "unit_cost": arrow.money(found["cents"]),
            },
        )
    }


def tell_demand(recorder: Recorder, piece: Piece) -> dict[str, pa.Table]:
    """Tell what was wanted of each product, and what became of it; and what shoppers did.

    ``demand = ordered - substituted in + lost + substituted out``, in units and of orders
    placed, whether paid or not.
    """
    log, world = piece.log, recorder.world
    if world.scenario.stock is None:
        return {}
    on_sale = log.stack("on_sale")
    day, sku = np.nonzero(on_sale)
    start = world.scenario.start
    met, stayed, delayed = log.stack("stock_response").T
    return {
        "truth_demand": pa.table(
            {
                "date": arrow.days(start, log.first + day),
                "sku": pa.array(world.products.sku).take(pa.array(sku)),
                "demand_units": log.stack("demand_units")[on_sale],
                "lost_units": log.stack("lost_units")[on_sale],
                "substituted_out_units": log.stack("away_units")[on_sale],
                "substituted_in_units": log.stack("instead_units")[on_sale],
            }
        ),
        "truth_stockout": pa.table(
            {
                "date": arrow.days(start, log.first + np.arange(log.days)),
                "shoppers": met,
                "stayed": stayed,
                "delayed": delayed,
                "left": met - stayed - delayed,
            }
        ),
    }


def tell_suppliers(recorder: Recorder) -> dict[str, pa.Table]:
    """Tell the laws of suppliers, and when they were disrupted."""
    known, start = recorder.world.suppliers, recorder.world.scenario.start
    if known is None:
        return {}
    fill = known.fill_a / (known.fill_a + known.fill_b)
    sd = known.transit_days / np.sqrt(known.transit_shape)
    return {
        "truth_supplier": pa.table(
            {
                "supplier_id": list(known.code),
                "handling_days": np.maximum(np.rint(known.handling_days), 1),
                "transit_days": np.round(known.transit_days, 4),
                "transit_shape": known.transit_shape,
                "lead_days": np.round(known.lead_days, 4),
                "lead_cv": np.round(sd / known.lead_days, 4),
                "quoted_days": known.quoted_days,
                "fill_share": np.round(fill, 5),
                "fill_a": known.fill_a,
                "fill_b": known.fill_b,
                "disrupted_days": (known.disruption > 0).sum(axis=0),
            }
        ),
        "truth_disruption": _spells(known.disruption, known.code, start),
    }


def _spells(disruption: Array, codes: tuple[str, ...], start: object) -> pa.Table:
    """Return one row a spell of disruption."""
    edge = np.zeros((1, disruption.shape[1]), dtype=disruption.dtype)
    change = np.diff(np.concatenate([edge, disruption, edge]), axis=0) != 0
    padded = np.concatenate([disruption, edge])
    first, who = np.nonzero((change & (padded > 0)).T)[::-1]
    last = np.nonzero((change & (np.concatenate([edge, disruption]) > 0)).T)[1] - 1
    return pa.table(
        {
            "supplier_id": pa.array(codes).take(pa.array(who)),
            "kind": pa.array(DISRUPTIONS).take(pa.array(disruption[first, who] - 1)),
            "from": arrow.days(start, first),
            "to": arrow.days(start, last),
        }
    )
