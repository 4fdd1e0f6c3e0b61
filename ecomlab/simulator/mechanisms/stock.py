"""Shoppers take goods from the shelf, in the order of their clocks; what is left is counted."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.kernels.choice import serve_in_turn
from ecomlab.simulator.mechanisms.aftermath import REASONS
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Array, low_half, poisson, to_uniform

__all__ = ["UNLIMITED", "allocate", "count_stock"]

UNLIMITED = 1 << 40  # units on the shelf where a scenario has no part stock
_YEAR, _DAY = 365, 86_400  # days, seconds
_DAMAGED = REASONS.index("damaged")


@mechanism(
    reads=("visitors", "considered", "wanted", "wants", "liking", "order_second", "label_luck",
           "label_share", "on_hand", "returning", "feelings"),
    writes=("lines", "on_hand", "empty_from", "returning", "feelings", "demand_units",
            "lost_units", "away_units", "instead_units", "stock_response"),
    streams=("units", "delay"),
)  # fmt: skip
def allocate(day: Day) -> None:
    """Give each order its units from what is left on the shelf, in order of the order's second.

    Who finds the first choice gone takes the best of the other products looked at, comes again
    within days, or leaves. ``lines`` holds the units sold, those who want something x places.
    """
    world, goods = day.world, day.world.products
    who = day["visitors"][day["wants"]]
    sku, wanted = day["considered"][:, day["wants"]], day["wanted"][:, day["wants"]]
    luck = day.uniform("units", world.people.ids[who] * 4096 + goods.key.take(sku))
    units = 1 + poisson(luck, world.scenario.choice.extra_units)
    asked = np.where(wanted, units, 0)
    count = len(goods.key)
    demand = _by_sku(sku, asked, count)
    first = day["liking"].argmax(axis=0) if len(who) else np.zeros(0, dtype=np.int64)
    day["empty_from"] = np.where(day["on_hand"] <= 0, 0, -1)
    if (demand < np.maximum(day["on_hand"], 1)).all():
        taken, chosen = asked, first
    else:
        taken, chosen = _serve(day, sku, units, wanted)
    day["lines"] = taken.T
    instead = np.where(wanted, 0, taken)
    away = np.zeros_like(asked)
    moved = np.flatnonzero((chosen != first) & (chosen >= 0))
    away[first[moved], moved] = asked[first[moved], moved]
    lost = asked - np.where(wanted, taken, 0) - away
    day["demand_units"], day["away_units"] = demand, _by_sku(sku, away, count)
    day["lost_units"] = _by_sku(sku, lost, count)
    day["instead_units"] = _by_sku(sku, instead, count)
    if world.scenario.stock is not None:
        day["on_hand"] = day["on_hand"] - _by_sku(sku, taken, count)
    _disappoint(day, who, chosen, first)


def _by_sku(sku: Array, units: Array, count: int) -> Array:
    return np.bincount(sku.ravel(), units.ravel(), count).astype(np.int64)


def _serve(day: Day, sku: Array, units: Array, wanted: Array) -> tuple[Array, Array]:
    """Serve orders by the second, and by the person where seconds are the same."""
    law, second = day.world.scenario.stock, day["order_second"][day["wants"]]
    turn = np.argsort(second, kind="stable")
    rows = [np.ascontiguousarray(one.T) for one in (sku, units, wanted, day["liking"])]
    taken, chosen, last = serve_in_turn(
        day["on_hand"].copy(), (rows[0], rows[1]), rows[2], rows[3], turn,
        law.stay if law is not None else 0.0,
    )  # fmt: skip
    gone = np.flatnonzero(last >= 0)
    day["empty_from"][gone] = second[last[gone]]
    return taken.T, chosen


def _disappoint(day: Day, who: Array, chosen: Array, first: Array) -> None:
    """Let those who found their choice gone come again or leave; note who was hurt by it."""
    law = day.world.scenario.stock
    met = np.flatnonzero(chosen != first)
    if law is None or not len(met):
        day["stock_response"] = np.zeros(3, dtype=np.int64)
        day["returning"], day["feelings"] = day["returning"], day["feelings"]
        return
    words = day.words("delay", day.world.people.ids[who[met]])
    stays = chosen[met] >= 0
    delays = ~stays & (to_uniform(words) < law.delay_share)
    due = day.index + 1 + np.floor(low_half(words) * law.delay_days).astype(np.int64)
    fresh = np.stack([due[delays], who[met][delays]], axis=1)
    day["returning"] = np.concatenate([day["returning"], fresh])
    sku = day["considered"][first[met], day["wants"][met]]
    hurt = who[met][day["label_luck"][day["wants"][met]] >= day["label_share"][sku]]
    day["feelings"] = [*day["feelings"], (hurt, np.full(len(hurt), -law.hurt))]
    day["stock_response"] = np.array([len(met), stays.sum(), delays.sum()])


@mechanism(
    reads=("buyers", "payment", "line_order", "line_sku", "line_units", "back_line", "back_units",
           "back_after_days", "back_reason", "on_hand", "empty_from", "unit_cost_cents",
           "restocking", "is_delisted"),
    writes=("on_hand", "sold_units", "written_off", "closing", "out_minutes", "holding_cents",
            "restocking"),
    streams=("write_off", "restock"),
)  # fmt: skip
def count_stock(day: Day) -> None:
    """Count what is left: what was not paid for stays on the shelf, some is lost or outdated.

    Returned goods that are as good as new go back on the shelf on the day of the refund. What
    there is of a delisted product is sold off, at what returned goods fetch.
    """
    world, law, goods = day.world, day.world.scenario.stock, day.world.products
    if law is None:
        return
    count, order, sku = len(goods.key), day["line_order"], day["line_sku"]
    paid = (day["payment"] == PAID)[order]
    kept = np.bincount(sku, day["line_units"] * ~paid, count).astype(np.int64)
    fades = world.of_categories("fades_per_year")
    yearly = law.written_off_per_year + law.obsolete_per_year * fades[goods.category]
    held = day["on_hand"] + kept
    gone = np.minimum(poisson(day.uniform("write_off", goods.key), held * yearly / _YEAR), held)
    left = day["is_delisted"]
    gone = np.where(left, held, gone)
    day["sold_units"] = np.bincount(sku, day["line_units"] * paid, count).astype(np.int64)
    day["written_off"], day["closing"] = gone, held - gone
    day["on_hand"] = held - gone
    empty = np.where(day["empty_from"] < 0, _DAY, day["empty_from"])
    day["out_minutes"] = (_DAY - empty) / 60
    rate = law.holding_share_per_year / _YEAR
    lost = np.where(left, 1 - world.scenario.costs.resale_share, 1.0)  # of what is written off
    worth = (held - gone) * rate + gone * lost
    day["holding_cents"] = int(np.rint(worth @ day["unit_cost_cents"]))
    _plan_restock(day, law.restocked_share)


def _plan_restock(day: Day, share: float) -> None:
    """Put today's lines that will come back in good state aside, with the day they are due."""
    world, back = day.world, day["back_line"]
    sku = day["line_sku"][back]
    ids = world.people.ids[day["buyers"]][day["line_order"][back]] * 4096 + world.products.key[sku]
    good = (day.uniform("restock", ids) < share) & (day["back_reason"] != _DAMAGED)
    due = day.index + day["back_after_days"]
    fresh = np.stack([due[good], sku[good], day["back_units"][good]], axis=1)
    day["restocking"] = np.concatenate([day["restocking"], fresh])
