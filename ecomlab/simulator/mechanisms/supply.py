"""Goods come in from suppliers, and the manager orders more of them, at day's end."""

from __future__ import annotations

import numpy as np
from scipy import special

from ecomlab.simulator.entering import people_served
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.mechanisms.stock import UNLIMITED
from ecomlab.simulator.noise import Array
from ecomlab.simulator.reordering import leanness, reorder_levels

__all__ = ["PURCHASE", "begin_stock", "receive_goods", "reorder", "watch_suppliers"]

# What is known of an order to a supplier: day placed, product, supplier, units ordered and
# units that will come, days of handling and under way that are left, cost of a unit.
PURCHASE = ("placed", "sku", "supplier", "units", "coming", "handling", "transit", "cents")
_ORDERS, _SHIPMENTS, _TRANSIT, _RECEIPTS = 1, 2, 3, 4  # kinds of disruption


@mechanism(writes=("disruption", "cost_of_supplier"))
def watch_suppliers(day: Day) -> None:
    """See which suppliers are disrupted today, and how."""
    world = day.world
    if world.suppliers is None or world.scenario.stock is None:
        day["disruption"], day["cost_of_supplier"] = np.zeros(0, dtype=np.int8), np.ones(2)
        return
    usual, which = world.suppliers.disruption[day.index], np.arange(len(world.suppliers.code))
    day["disruption"] = day.parameter("supplier.disruption", usual, at={"supplier": which})
    day["cost_of_supplier"] = np.array([1.0, world.scenario.stock.sourcing.second_cost_factor])


@mechanism(
    reads=("disruption", "purchases", "on_hand", "restocking", "source_cost", "cost_of_supplier"),
    writes=("purchases", "on_hand", "restocking", "source_cost", "arrived", "received_units",
            "restocked_units"),
)  # fmt: skip
def receive_goods(day: Day) -> None:
    """Move orders one day on, take in what arrives, and put returned goods back on the shelf."""
    world, goods = day.world, day.world.products
    law, known = world.scenario.stock, world.suppliers
    if law is None or known is None:
        return
    count, orders = len(goods.key), day["purchases"]
    trouble = day["disruption"][orders["supplier"]]
    handled = orders["handling"] <= 0
    handling = orders["handling"] - (~handled & (trouble != _SHIPMENTS))
    transit = orders["transit"] - (handled & (trouble != _TRANSIT))
    here = handled & (transit <= 0) & (trouble != _RECEIPTS)
    moved = {**orders, "handling": handling, "transit": transit}
    arrived = {name: values[here] for name, values in moved.items()}
    day["purchases"] = {name: values[~here] for name, values in moved.items()}
    day["arrived"] = tuple(arrived[name] for name in PURCHASE)
    new = np.bincount(arrived["sku"], arrived["coming"], count).astype(np.int64)
    second = arrived["supplier"] != known.main[arrived["sku"]]
    price = day["cost_of_supplier"][second.astype(np.int64)]
    worth = np.bincount(arrived["sku"], arrived["coming"] * price, count)
    launched = _first_stock(day)
    due = day["restocking"][:, 0] <= day.index
    back = np.bincount(day["restocking"][due, 1], day["restocking"][due, 2], count).astype(np.int64)
    day["restocking"] = day["restocking"][~due]
    held = day["on_hand"] + back + launched
    mixed = held * day["source_cost"] + worth
    day["source_cost"] = np.where(new > 0, mixed / np.maximum(held + new, 1), day["source_cost"])
    day["received_units"], day["restocked_units"] = new + launched, back
    day["on_hand"] = held + new


@mechanism(
    reads=("on_sale", "line_sku", "line_units", "sales_memory", "purchases", "on_hand",
           "disruption", "reorder_factor", "second_share", "unit_cost_cents", "source_cost",
           "cost_of_supplier"),
    writes=("sales_memory", "purchases", "placed", "on_order", "in_transit"),
    streams=("lead", "fill"),
)  # fmt: skip
def reorder(day: Day) -> None:
    """Order more where the stock position has fallen to the reorder point, after the day's sales.

    The forecast is the mean of past sales: on days without stock, fewer than were wanted.
    """
    world, goods = day.world, day.world.products
    law, known = world.scenario.stock, world.suppliers
    if law is None or known is None:
        return
    count = len(goods.key)
    sold = np.bincount(day["line_sku"], day["line_units"], count)
    memory = day["sales_memory"].copy()
    row = day.index % law.window_days
    memory[row] = np.where(day["on_sale"], sold, memory[row])
    day["sales_memory"] = memory
    orders = day["purchases"]
    on_way = np.bincount(orders["sku"], orders["units"], count).astype(np.int64)
    factor = day["reorder_factor"] * leanness(world.scenario.traps.stock)
    low, high = reorder_levels(law, memory.mean(axis=0), known.quoted_days[known.main], factor)
    looked_at = (known.main + day.index) % law.review_days == 0
    unseen = day.parameter("stock.phantom_units", np.zeros(count), skus=np.arange(count))
    position = day["on_hand"] + np.rint(unseen).astype(np.int64) + on_way
    sku = np.flatnonzero(day["on_sale"] & looked_at & (position <= low))
    _place(day, sku, (high - position)[sku])
    day["on_order"], day["in_transit"] = _under_way(day["purchases"], count)


def _under_way(orders: dict[str, Array], count: int) -> tuple[Array, Array]:
    """Return units ordered and not shipped, and units shipped, of each product."""
    left = orders["handling"] > 0
    waits = np.bincount(orders["sku"], orders["units"] * left, count).astype(np.int64)
    moves = np.bincount(orders["sku"], orders["units"] * ~left, count).astype(np.int64)
    return waits, moves


def _place(day: Day, sku: Array, units: Array) -> None:
    """Place orders with the main and the second supplier of products, as the split says.

    A product's luck of the day serves both: another supplier changes the law, not the luck.
    """
    known, goods = day.world.suppliers, day.world.products
    assert known is not None
    luck, filled = day.uniform("lead", goods.key[sku]), day.uniform("fill", goods.key[sku])
    other = np.rint(units * day["second_share"][sku]).astype(np.int64)
    cents = day["unit_cost_cents"][sku] / day["source_cost"][sku]
    parts = []
    for rank, (by, size) in enumerate(((known.main, units - other), (known.second, other))):
        supplier = by[sku]
        go = (size > 0) & (day["disruption"][supplier] != _ORDERS)
        parts.append({
            "placed": np.full(int(go.sum()), day.index), "sku": sku[go], "supplier": supplier[go],
            "units": size[go], **_lucky(day, supplier[go], size[go], luck[go], filled[go]),
            "cents": np.rint(cents * day["cost_of_supplier"][rank]).astype(np.int64)[go],
        })  # fmt: skip
    fresh = {name: np.concatenate([part[name] for part in parts]) for name in PURCHASE}
    day["placed"] = tuple(fresh[name] for name in PURCHASE)
    day["purchases"] = {
        name: np.concatenate([day["purchases"][name], fresh[name]]) for name in PURCHASE
    }


def _lucky(day: Day, supplier: Array, units: Array, luck: Array, filled: Array) -> dict[str, Array]:
    """Return how long orders take, and how many of their units will come."""
    known = day.world.suppliers
    assert known is not None
    shape = known.transit_shape[supplier]
    takes = special.gammaincinv(shape, luck) * (known.transit_days[supplier] / shape)
    share = special.betaincinv(known.fill_a[supplier], known.fill_b[supplier], filled)
    return {
        "coming": np.rint(units * share).astype(np.int64),
        "handling": np.maximum(np.rint(known.handling_days[supplier]), 1).astype(np.int64),
        "transit": np.maximum(np.rint(takes), 1).astype(np.int64),
    }


def _first_guess(day: Day) -> Array:
    """Return the manager's first guess of each product's sales [units/day], by looks and price."""
    world, goods = day.world, day.world.products
    law, kinds = world.scenario.stock, list(world.scenario.categories.values())
    assert law is not None
    mean = np.array([kind.mean_price for kind in kinds])[goods.category]
    looks = np.array([kind.popularity for kind in kinds])[goods.category] * goods.popularity
    dearer = world.scenario.shoppers.price_sensitivity * np.log(goods.list_cents / 100 / mean)
    weight = looks * np.exp(goods.quality - dearer)
    share = weight / weight[goods.launch <= 0].sum()
    return np.asarray(law.units_per_1000_people * people_served(world) / 1000 * share)


def _first_levels(day: Day) -> tuple[Array, Array, Array]:
    world = day.world
    assert world.suppliers is not None and world.scenario.stock is not None
    lead = world.suppliers.quoted_days[world.suppliers.main]
    rate = _first_guess(day)
    lean = leanness(world.scenario.traps.stock)
    low, high = reorder_levels(world.scenario.stock, rate, lead, lean)
    return rate, low, high


def _first_stock(day: Day) -> Array:
    """Return the units that products launched today come with: up to their level."""
    new = day.world.products.launch == day.index
    if not new.any() or day.index == 0:  # the first day's stock is there from the beginning
        return np.zeros(len(new), dtype=np.int64)
    return np.where(new, _first_levels(day)[2], 0)


def begin_stock(day: Day, luck: Array) -> None:
    """Set stock and orders before the first day, as if the manager had always been there.

    Parameters
    ----------
    luck
        A uniform for each product: when, between two orders, the first day falls.
    """
    goods, known, law = day.world.products, day.world.suppliers, day.world.scenario.stock
    count = len(goods.key)
    day["restocking"] = np.zeros((0, 3), dtype=np.int64)
    day["returning"], day["source_cost"] = np.zeros((0, 2), dtype=np.int64), np.ones(count)
    if known is None or law is None:
        _begin_unlimited(day, count)
        return
    rate, low, high = _first_levels(day)
    here = goods.launch <= 0
    age = luck * (high - low) / np.maximum(rate, 1e-9)  # days since the last order
    lead = known.lead_days[known.main]
    waits = here & (age < lead)
    held = np.maximum(np.rint(np.where(waits, low, high) - luck * (high - low)), 0)
    day["on_hand"] = np.where(here, held, 0).astype(np.int64)
    day["sales_memory"] = np.tile(rate, (law.window_days, 1))
    sku = np.flatnonzero(waits)
    zero = np.zeros(len(sku), dtype=np.int64)
    day["purchases"] = {
        "placed": -np.ceil(age[sku]).astype(np.int64), "sku": sku, "supplier": known.main[sku],
        "units": (high - low)[sku], "coming": (high - low)[sku], "handling": zero,
        "transit": np.maximum(np.rint(lead[sku] - age[sku]), 1).astype(np.int64),
        "cents": goods.cost_cents[sku],
    }  # fmt: skip


def _begin_unlimited(day: Day, count: int) -> None:
    """Fill the shelf for good, and set what mechanisms of stock would write to nothing."""
    nothing, none = np.zeros(count, dtype=np.int64), np.zeros(0, dtype=np.int64)
    day["on_hand"], day["sales_memory"] = np.full(count, UNLIMITED), np.zeros((1, count))
    day["purchases"] = dict.fromkeys(PURCHASE, none)
    day["arrived"] = day["placed"] = (none,) * len(PURCHASE)
    for name in ("received_units", "restocked_units", "sold_units", "written_off", "closing",
                 "out_minutes", "on_order", "in_transit"):  # fmt: skip
        day[name] = nothing
    day["holding_cents"] = 0
