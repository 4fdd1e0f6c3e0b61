"""Stock in expected mode: many shelves under the same demand, which luck empties one by one.

What is in stock cannot be known from means: an order arrives before or after the last unit is
gone. So many depots are followed at once, alike but for luck: their Poisson sales, suppliers'
delays and fill rates. The share of them that can serve a product is the share of visits that
find it. That share is the same for all visits of the day, and the depots' luck is drawn.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from ecomlab.simulator.graph import Day
from ecomlab.simulator.noise import Array, Noise, low_half, poisson, to_uniform
from ecomlab.simulator.reordering import leanness, reorder_levels

__all__ = ["Shelf"]

_SHELVES, _MOST_DEPOTS, _LEAST_DEPOTS = 1200, 48, 8  # products of all depots; depots
_HORIZON = 400  # days after the period, in which nothing is wrong with suppliers
_ORDERS, _SHIPMENTS, _TRANSIT, _RECEIPTS = 1, 2, 3, 4  # kinds of disruption
_BACK_AFTER = 15  # days, about, until what comes back is on the shelf again
_YEAR = 365
_FEW = 8  # units on hand beyond the first, from which on an order gets all it asks for


class Shelf:
    """The depots: units on hand and under way, depots x products."""

    def __init__(self, day: Day, noise: Noise, days: int) -> None:
        world = day.world
        law, known = world.scenario.stock, world.suppliers
        assert law is not None and known is not None
        self.law, self.known, self.noise, self.world = law, known, noise, world
        goods = len(world.products.key)
        depots = int(np.clip(_SHELVES // goods, _LEAST_DEPOTS, _MOST_DEPOTS))
        shape = (depots, goods)
        self.on_hand = np.tile(day["on_hand"].astype(float), (depots, 1))
        self.under_way = np.zeros(shape)
        self.memory = np.tile(day["sales_memory"][:, None, :].astype(float), (1, depots, 1))
        self.guess = day["sales_memory"][0].astype(float)
        # by day of arrival: depots, products, units that come and units that were ordered, and
        # whether they come from the second supplier
        self.due: dict[int, list[tuple[Array, Array, Array, Array, int]]] = {}
        self.restock = np.zeros((_BACK_AFTER, shape[1]))
        self.rate = self.guess.copy()  # units a day that are wanted where there are some
        kinds = list(world.scenario.categories.values())
        fades = np.array([kind.fades_per_year for kind in kinds])[world.products.category]
        self.written_off = (law.written_off_per_year + law.obsolete_per_year * fades) / _YEAR
        self.ids = np.arange(depots)[:, None] * 4096 + world.products.key
        # units that an order of 1 and a Poisson number more gets of 0, 1, 2, ... over what it asks
        extra = world.scenario.choice.extra_units
        more = special.pdtrc(np.arange(_FEW), extra)
        self.cover = np.concatenate([[0.0, 1.0], 1 + np.cumsum(more)]) / (1 + extra)
        self._next_day(days)
        for sku, units, coming, left, by in zip(
            *(day["purchases"][n] for n in ("sku", "units", "coming", "transit", "supplier")),
            strict=True,
        ):
            self.under_way[:, sku] += units
            here = self._after(1, by, np.array([-1]), np.array([left]))
            at, all_of_them = int(self._handed_over(by, here)[0]), np.arange(depots)
            each = np.ones(depots)
            self.due.setdefault(at, []).append((all_of_them, np.full(depots, sku),
                                                each * coming, each * units, 0))  # fmt: skip

    def _next_day(self, days: int) -> None:
        """Count, for each supplier, the days on which it ships, moves and hands over."""
        calm = np.zeros((_HORIZON, self.known.disruption.shape[1]), dtype=np.int8)
        trouble = np.concatenate([self.known.disruption[:days], calm])
        free = [trouble != kind for kind in (_SHIPMENTS, _TRANSIT, _RECEIPTS)]
        self.moves = [np.cumsum(one, axis=0) for one in free]
        self.stops_orders = trouble == _ORDERS

    def _after(self, what: int, supplier: int, day: Array, steps: Array) -> Array:
        """Return the day by the end of which a supplier has had so many free days more."""
        count = self.moves[what][:, supplier]
        had = np.where(day >= 0, count[np.maximum(day, 0)], 0)
        return np.searchsorted(count, had + steps)

    def _handed_over(self, supplier: int, here: Array) -> Array:
        """Return the first day, from the one given on, on which a supplier hands over."""
        count = self.moves[2][:, supplier]
        before = np.where(here > 0, count[np.clip(here - 1, 0, len(count) - 1)], 0)
        return np.searchsorted(count, before + 1)

    def open(self, day: Day) -> tuple[Array, Array]:
        """Take in what arrives; return what today's shelves can serve (see :meth:`served`)."""
        held, (new, worth) = self.on_hand.sum(axis=0), np.zeros((2, self.on_hand.shape[1]))
        for depot, sku, coming, units, rank in self.due.pop(day.index, ()):
            np.add.at(self.on_hand, (depot, sku), coming)
            np.add.at(self.under_way, (depot, sku), -units)
            np.add.at(new, sku, coming)
            np.add.at(worth, sku, coming * day["cost_of_supplier"][rank])
        mixed = (held * day["source_cost"] + worth) / np.maximum(held + new, 1e-9)
        day["source_cost"] = np.where(new > 0, mixed, day["source_cost"])
        launched = (self.world.products.launch == day.index) & (day.index > 0)
        if launched.any():
            lead = self.known.quoted_days[self.known.main]
            lean = leanness(self.world.scenario.traps.stock)
            level = reorder_levels(self.law, self.guess, lead, lean)[1]
            self.on_hand[:, launched] += level[launched]
        luck = self.noise.uniform("expected.back", self.ids, day=day.index)
        self.on_hand += np.floor(self.restock[day.index % _BACK_AFTER] + luck)
        return self.served(self.rate)

    def served(self, rate: Array) -> tuple[Array, Array]:
        """Return what today's shelves can serve, over all depots.

        Returns
        -------
        held, filled
            Share of lines that find at least a unit; units that these get, over units wanted.
        """
        extra = self.world.scenario.choice.extra_units
        units, each = self.on_hand, 1 + extra
        over = (extra / each + extra) / 2  # units that the last line would have taken more
        lines = _serve(np.where(units > 0, (units + over) / each, 0.0), rate / each)
        few = np.minimum(units, len(self.cover) - 1).astype(np.int64)
        got = (lines * self.cover[few]).mean(axis=0)
        held = lines.mean(axis=0)
        return held, got / np.maximum(held, 1e-9)

    def close(self, day: Day, wanted: Array, back: Array, paid: float, served: Array) -> float:
        """Sell, write off and order anew; return what the day's stock costs [currency].

        Parameters
        ----------
        day
            Today.
        wanted
            Units that go to orders today, by product, as the share in stock has it.
        back
            Units that come back and can be sold again, of today's orders, by product.
        paid
            Share of orders that are paid.
        served
            Share of wanted units that ``wanted`` counts on being there.
        """
        self.rate = wanted / np.maximum(served, 0.05)
        extra = 1 + self.world.scenario.choice.extra_units
        luck = self.noise.uniform("expected.sold", self.ids, day=day.index)
        lines = poisson(luck, np.broadcast_to(self.rate / extra, luck.shape))
        more = self.noise.uniform("expected.units", self.ids, day=day.index)
        asked = lines + poisson(more, lines * (extra - 1))
        sold = np.minimum(asked, self.on_hand)
        words = self.noise.words("expected.kept", self.ids, day=day.index)
        self.on_hand -= np.floor(sold * paid + low_half(words))  # what is not paid for stays
        self.restock[day.index % _BACK_AFTER] = back
        left = day["is_delisted"]
        lose = np.floor(self.on_hand * self.written_off + to_uniform(words))
        gone = np.where(left, self.on_hand, np.minimum(lose, self.on_hand))
        self.on_hand -= gone
        holding = self.law.holding_share_per_year / _YEAR
        lost = np.where(left, 1 - self.world.scenario.costs.resale_share, 1.0)
        worth = (self.on_hand * holding + gone * lost).mean(axis=0) @ day["unit_cost_cents"]
        self._order(day, sold)
        return float(worth) / 100

    def _order(self, day: Day, sold: Array) -> None:
        """Order more where stock and what is under way have fallen to the reorder point."""
        law, known = self.law, self.known
        row = day.index % law.window_days
        self.memory[row] = np.where(day["on_sale"], sold, self.memory[row])
        factor = day["reorder_factor"] * leanness(self.world.scenario.traps.stock)
        low, high = reorder_levels(law, self.memory.mean(axis=0), known.quoted_days[known.main],
                                   factor)  # fmt: skip
        looked_at = (known.main + day.index) % law.review_days == 0
        position = self.on_hand + self.under_way
        depot, sku = np.nonzero((position <= low) & looked_at & day["on_sale"])
        if not len(sku):
            return
        units = (high - position)[depot, sku]
        other = np.rint(units * day["second_share"][sku])
        for rank, (by, size) in enumerate(((known.main[sku], units - other),
                                           (known.second[sku], other))):  # fmt: skip
            go = (size > 0) & ~self.stops_orders[day.index, by]
            if go.any():
                self._place(day.index, (depot[go], sku[go], size[go]), by[go], rank)

    def _place(self, today: int, asked: tuple[Array, ...], by: Array, rank: int) -> None:
        """Place orders with suppliers, each with its own luck, and note when they will come."""
        depot, sku, units = asked
        known, ids = self.known, self.ids[depot, sku]
        luck = self.noise.uniform("expected.lead", ids, day=today)
        filled = self.noise.uniform("expected.fill", ids, day=today)
        shape = known.transit_shape[by]
        takes = special.gammaincinv(shape, luck) * (known.transit_days[by] / shape)
        coming = np.rint(units * special.betaincinv(known.fill_a[by], known.fill_b[by], filled))
        handling = np.maximum(np.rint(known.handling_days[by]), 1)
        transit = np.maximum(np.rint(takes), 1)
        self.under_way[depot, sku] += units
        for supplier in np.unique(by).tolist():
            at = np.flatnonzero(by == supplier)
            start = np.full(len(at), today)
            shipped = self._after(0, supplier, start, handling[at])
            here = self._after(1, supplier, shipped, transit[at])
            come = self._handed_over(supplier, here)
            for on in np.unique(come).tolist():
                one = at[come == on]
                self.due.setdefault(on, []).append((depot[one], sku[one], coming[one],
                                                    units[one], rank))  # fmt: skip


def _serve(stock: Array, mean: Array) -> Array:
    """Return the share of Poisson demand that stock can serve: E[min(X, n)] / m."""
    some = np.broadcast_to(np.maximum(mean, 1e-9), stock.shape)
    share = np.ones(stock.shape)
    short = stock < some + 6 * np.sqrt(some) + 3
    few, mean = stock[short], some[short]
    # E[min(X, n)] of a Poisson X of mean m is m P(X < k) + n P(X > k), k the whole part of n
    whole = np.floor(few)
    lacking = np.where(whole > 0, special.pdtr(np.maximum(whole - 1, 0), mean), 0.0)
    over = np.where(few > 0, special.pdtrc(whole, mean), 0.0)
    share[short] = np.minimum(lacking + few / mean * over, 1.0)
    return share
