"""What field work and the market's truth need to know of a run, kept as the days go by.

An answer given on a day may rest on that day and those before it, never on what came later:
so a longer run leaves the answers of a shorter one as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Array
from ecomlab.simulator.world import World

if TYPE_CHECKING:
    from ecomlab.simulator.research.orders import Sample
    from ecomlab.simulator.tables.record import Piece

__all__ = ["Memory"]


class Memory:
    """Paid orders by person and by category, who knew the shop, and competitors' prices."""

    CONSTANT = frozenset({"world", "quarter", "samples"})  # not saved in a checkpoint

    def __init__(self, world: World) -> None:
        self.world = world
        dates = world.around.days.dates
        month = dates.astype("datetime64[M]").astype("int64")
        self.quarter = month // 3 - month[0] // 3  # of each day, from 0
        shape = (int(self.quarter[-1]) + 1, len(world.scenario.categories))
        self.orders, self.cents = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.samples: dict[str, Sample] = {}  # who answered each order, once it is drawn
        self._aware: list[Array] = []
        self._rival: list[Array] = []
        self._bought: list[tuple[Array, Array]] = []

    def settle(self) -> None:
        """Join what came in pieces, so that nothing shows how the days were cut into them."""
        self._aware, self._rival = ([np.concatenate(kept)] for kept in (self._aware, self._rival))
        buyer, day = zip(*self._bought, strict=True)
        self._bought = [(np.concatenate(buyer), np.concatenate(day))]

    def note(self, piece: Piece) -> None:
        """Remember some days. An order counts in the category that most of its money went to."""
        self._aware.append(piece.log.stack("aware"))
        self._rival.append(piece.log.stack("rival"))
        paid = piece.of_order("payment") == PAID
        self._bought.append(
            (piece.buyer[paid].astype(np.int32), piece.order_day[paid].astype(np.int16))
        )
        rank = np.lexsort((piece.of_line("line_cents"), piece.line_order))
        order = piece.line_order[rank]
        last = np.flatnonzero(np.diff(order, append=-1))  # the dearest line of each order
        sku = piece.of_line("line_sku")[rank[last]]
        at = (self.quarter[piece.order_day[paid]], self.world.products.category[sku][paid])
        np.add.at(self.orders, at, 1)
        np.add.at(self.cents, at, piece.of_order("order_cents")[paid])

    def aware(self, day: int) -> Array:
        """Return the share of each region's people who know the shop on a day."""
        return np.asarray(np.concatenate(self._aware)[day])

    def rival(self) -> Array:
        """Return competitors' prices, days x categories, as logs over their usual ones."""
        return np.concatenate(self._rival)

    def purchases(self, first: int, last: int) -> Array:
        """Return how many orders each person placed from one day to another, and paid."""
        count = np.zeros(len(self.world.people.ids), dtype=np.int64)
        for buyer, day in self._bought:
            here = buyer[(day >= first) & (day <= last)]
            count += np.bincount(here, minlength=len(count))
        return count
