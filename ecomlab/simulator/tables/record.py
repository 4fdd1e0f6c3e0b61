"""The record of a run: days come in, pieces of tables go out, in the order of time.

An occasion is a person on a day; visit and order are numbered by it, so that the same
visit has the same number under another plan. What is booked later (returns, reviews) waits
here, and so does what is known at the end only (customers, costs).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ecomlab.simulator.clock import order_seconds, visit_seconds
from ecomlab.simulator.codes import OCCASION, PERSON, Codes, occasions
from ecomlab.simulator.dates import day_bounds
from ecomlab.simulator.incidents import Strikes
from ecomlab.simulator.loop import Log
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.research.memory import Memory
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.world import World

__all__ = ["NEVER", "Piece", "Recorder"]

NEVER = np.int32(1 << 30)
_CONTACT = 56  # bits of a contact's code


@dataclass(frozen=True)
class Piece:
    """Some days' visits, orders and lines, each in the order of time."""

    log: Log
    visitor: Array
    visit_day: Array
    visit_start: Array  # UTC second
    occasion: Array
    route: Array
    front: Array
    stays: Array
    in_cart: Array
    order_rank: Array  # position in the log of each order
    order_visit: Array  # position of its visit above
    order_at: Array  # UTC second
    line_rank: Array  # position in the log of each line
    line_order: Array  # position of its order
    line_number: Array

    @property
    def buyer(self) -> Array:
        """Person of each order."""
        return self.visitor[self.order_visit]

    @property
    def order_day(self) -> Array:
        """Day of each order."""
        return self.visit_day[self.order_visit]

    @property
    def order_number(self) -> Array:
        """Occasion of each order."""
        return self.occasion[self.order_visit]

    def of_order(self, name: str) -> Array:
        """Return a value of the log, one an order, in the order of time."""
        return self.log.join(name)[self.order_rank]

    def of_line(self, name: str) -> Array:
        """Return a value of the log, one a line, in the order of time."""
        return self.log.join(name)[self.line_rank]


class Recorder:
    """Turns logs into tables, and remembers what later days need to know.

    A checkpoint saves every attribute but those named in ``CONSTANT``, which are made anew.
    """

    CONSTANT = frozenset({"world", "noise", "plan", "days", "codes", "bounds", "memory",
                          "parameter", "cookie_life", "cookie_shift"})  # fmt: skip

    def __init__(self, world: World, noise: Noise, plan: Plan | None, days: int) -> None:
        people, self.world, self.noise, self.plan = world.people, world, noise, plan
        self.days, self.codes = days, Codes(noise)
        self.bounds = day_bounds(world.scenario, days)
        was = people.since <= 0
        named = was & ~people.is_guest
        self.first_seen = np.where(was, people.since, NEVER).astype(np.int32)
        self.first_touch = np.full(len(people.ids), -1, dtype=np.int8)
        self.customer_from = np.where(named, people.since, NEVER).astype(np.int32)
        self.orders_to_date = np.where(named, people.orders_before, 0).astype(np.int32)
        self.pending: dict[str, list[dict[str, Array]]] = {"returns": [], "reviews": []}
        self.costs: dict[str, Array] = {}
        life = 60 + np.floor(120 * noise.uniform("cookie.life", people.ids))
        shift = np.floor(life * noise.uniform("cookie.shift", people.ids))
        self.cookie_life, self.cookie_shift = life.astype(np.int16), shift.astype(np.int16)
        self.met: dict[str, list[Array]] = {}
        self.care: list[tuple[int, str, str]] = []
        self.purchases: list[Array] = []
        self.written: dict[str, int] = {}  # rows of tables whose rows are completed later
        self.unfinished: dict[str, dict[str, Array]] = {}
        self.memory = Memory(world)
        self.parameter = Strikes(world).parameter  # what incidents leave of what is recorded

    def settle(self) -> None:
        """Join what came in pieces, so that nothing shows how the days were cut into them."""
        self.met = {name: [np.unique(np.concatenate(met, axis=1), axis=1)]
                    for name, met in self.met.items()}  # fmt: skip
        self.purchases = [np.concatenate(self.purchases, axis=1)] if self.purchases else []

    def resume(self) -> None:
        """Make room for the days that follow those of a checkpoint."""
        self.costs = {line: np.pad(books, (0, self.days - len(books)))
                      for line, books in self.costs.items()}  # fmt: skip

    def leave_open(self, table: str, about: dict[str, Array], is_open: Array) -> None:
        """Remember rows just written that days after the period will complete.

        ``about`` has what ``catch_up`` needs to write them again, one value a row; every
        piece of the table must be told, rows in its order.
        """
        start = self.written.get(table, 0)
        self.written[table] = start + len(is_open)
        rows = {"row": start + np.arange(len(is_open)), **about}
        fresh = {name: values[is_open] for name, values in rows.items()}
        kept = self.unfinished.get(table, {name: v[:0] for name, v in fresh.items()})
        self.unfinished[table] = {n: np.concatenate([kept[n], v]) for n, v in fresh.items()}

    def catch_up(self) -> dict[str, tuple[Array, pa.Table]]:
        """Return the rows left open by a shorter period, and their columns as known by now."""
        from ecomlab.simulator.tables import parcels

        out = {}
        for name, completed in (("shipments", parcels.progress),):
            if name in self.unfinished:
                about = self.unfinished[name]
                columns, is_open = completed(self, about)
                out[name] = (about["row"], arrow.table(name, columns))
                self.unfinished[name] = {key: values[is_open] for key, values in about.items()}
        return out

    def take(self, log: Log) -> Piece:
        """Date the visits and orders of a log, and remember whom it met for the first time."""
        piece = self._take(log)
        self._meet(piece)
        self.memory.note(piece)
        return piece

    def write(self, piece: Piece) -> dict[str, pa.Table]:
        """Return the piece of each table that some days add."""
        from ecomlab.simulator.tables import behaviour, ledger, parcels, service, shop, stock

        out = {
            "prices": shop.prices(self, piece),
            "competitor_prices": shop.competitor_prices(self, piece),
            "ad_daily": shop.ad_daily(self, piece),
            "seo_daily": shop.seo_daily(self, piece),
            **shop.posts(self, piece),
            "email_sends": behaviour.email_sends(self, piece),
            "sessions": behaviour.sessions(self, piece),
            "orders": ledger.orders(self, piece),
            "order_lines": ledger.order_lines(self, piece),
            **stock.inventory(self, piece),
            **parcels.shipments(self, piece),
            "returns": ledger.returns(self, piece),
            "reviews": ledger.reviews(self, piece),
            **service.tickets(self, piece),
            **service.roster(self, piece),
        }
        ledger.add_costs(self, piece)
        service.book_service(self, piece)
        shop.note_care(self, piece)
        return out

    def finish(self) -> dict[str, pa.Table]:
        """Return the tables that are known at the end."""
        from ecomlab.simulator.tables import behaviour, ledger, shop, stock, trials

        return {
            "calendar": shop.calendar(self),
            "regions": shop.regions(self),
            "products": shop.products(self),
            "customers": behaviour.customers(self),
            "plan_log": shop.plan_log(self),
            "costs_daily": ledger.costs_daily(self),
            **stock.purchase_orders(self),
            **trials.experiments(self),
        }

    def _take(self, log: Log) -> Piece:
        """Date the visits and orders of a log, and put them into the order of time."""
        visitor, day = log.join("visitors"), log.day_of("visitors")
        occasion = occasions(visitor, day)
        midnight, length = self.bounds[day], self.bounds[day + 1] - self.bounds[day]
        second = visit_seconds(log.join("visit_luck"), length)
        start = midnight + second
        rank = _rank(start)  # visits of a day stand in the order of people
        place = np.empty_like(rank)
        place[rank] = np.arange(len(rank))
        visit = log.join_positions("order_visit", "visitors")
        luck = self.noise.uniform("order.minutes", occasion[visit])
        at = midnight[visit] + order_seconds(second[visit], luck, length[visit])
        order_rank = _rank(at)
        order_place = np.empty_like(order_rank)
        order_place[order_rank] = np.arange(len(order_rank))
        line_order = log.join_positions("line_order", "buyers")
        number = np.arange(len(line_order)) - np.searchsorted(line_order, line_order) + 1
        line_rank = np.argsort(order_place[line_order], kind="stable")
        return Piece(
            log=log,
            visitor=visitor[rank],
            visit_day=day[rank],
            visit_start=start[rank],
            occasion=occasion[rank],
            route=log.join("route")[rank],
            front=log.join("front")[rank],
            stays=log.join("stays")[rank],
            in_cart=log.join("in_cart")[rank],
            order_rank=order_rank,
            order_visit=place[visit[order_rank]],
            order_at=at[order_rank],
            line_rank=line_rank,
            line_order=order_place[line_order][line_rank],
            line_number=number[line_rank],
        )

    def _meet(self, piece: Piece) -> None:
        """Remember who was seen, and who ordered under a name, for the first time."""
        back = slice(None, None, -1)  # assigning backwards leaves the earliest
        new = self.first_seen[piece.visitor] == NEVER
        who, when, by = piece.visitor[new][back], piece.visit_day[new][back], piece.route[new][back]
        self.first_seen[who], self.first_touch[who] = when, by
        named = ~self.world.people.is_guest[piece.buyer]
        buyer, day = piece.buyer[named], piece.order_day[named]
        fresh = self.customer_from[buyer] == NEVER
        self.customer_from[buyer[fresh][back]] = day[fresh][back]
        np.add.at(self.orders_to_date, buyer, 1)

    def person(self, people: Array) -> pa.Array:
        """Return customer identifiers; -1 is a guest."""
        return self.codes.write("C", people, bits=PERSON)

    def order_id(self, number: Array) -> pa.Array:
        """Return order identifiers from occasion numbers; -1 is none."""
        return self.codes.write("O", number, bits=OCCASION)

    def ticket_id(self, number: Array) -> pa.Array:
        """Return identifiers of contacts from their numbers."""
        return self.codes.write("T", number, bits=_CONTACT)

    def session_id(self, number: Array) -> pa.Array:
        """Return visit identifiers from occasion numbers."""
        return self.codes.write("S", number, bits=OCCASION)

    def named_buyer(self, piece: Piece) -> Array:
        """Person of each order where known to the shop, -1 for guests."""
        return np.where(self.world.people.is_guest[piece.buyer], -1, piece.buyer)


def _rank(seconds: Array) -> Array:
    """Return the positions in the order of time, as a stable ``argsort`` does, but faster."""
    bits = max(len(seconds) - 1, 1).bit_length()
    least = seconds.min() if len(seconds) else 0
    packed = (seconds - least) << bits | np.arange(len(seconds))
    packed.sort()
    return np.asarray(packed & ((1 << bits) - 1))
