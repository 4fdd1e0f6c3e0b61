"""The books of expected mode: what a day's orders bring and cost, and when it is booked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ecomlab.simulator.kernels.expected import COLUMNS
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.tables.ledger import costs_daily
from ecomlab.simulator.tables.record import Recorder
from ecomlab.simulator.world import World

__all__ = ["COUNTS", "LINES", "Books"]

COUNTS = ("sessions", "orders", "units", "gross", "discounts", "sales", "shipping_fee", "returns")
LINES = ("revenue", "goods", "refunds", "resale", "entry", "fixed", "fulfilment", "holding",
         "marketing", "payment", "research", "returns_handling", "service")  # fmt: skip
_AT = {name: place for place, name in enumerate(COLUMNS)}


class Books:
    """Adds up expected money by day; gains are positive, costs negative, as in the P&L."""

    def __init__(self, scenario: Scenario, days: int) -> None:
        self.costs, self.days = scenario.costs, days
        self.paid = 1 - (self.costs.failed_share + self.costs.pending_share
                         + self.costs.cancelled_share)  # fmt: skip
        names = dict.fromkeys((*COUNTS, *LINES))
        self.values = {name: np.zeros(days) for name in names}

    def book(self, day: int, visits: float, brought: Array, parcels: float) -> None:
        """Book a day's orders.

        Parameters
        ----------
        day
            Number of the day.
        visits
            Visits.
        brought
            What they bring, one value for each of ``COLUMNS``.
        parcels
            Cost of the parcels of all orders, paid or not.
        """
        costs, row = self.costs, {n: float(self.paid * brought[at]) for n, at in _AT.items()}
        taken = row["sales"] + row["shipping"]
        fees = costs.payment_fee * row["orders"] + costs.payment_share * taken
        self._add(day, {
            "sessions": visits, "orders": row["orders"], "units": row["units"],
            "gross": row["gross"], "sales": row["sales"], "shipping_fee": row["shipping"],
            "discounts": row["gross"] - row["sales"], "revenue": taken, "goods": -row["goods"],
            "fulfilment": -self.paid * parcels, "payment": -fees,
        })  # fmt: skip

    def spend(self, day: int, costs: Mapping[str, float]) -> None:
        """Book costs of a day by line, given as positive amounts."""
        self._add(day, {name: -cost for name, cost in costs.items()})

    def give_back(self, day: int, name: str, back: Array) -> None:
        """Book what comes back of a day's orders on the days it does, those of the period.

        Parameters
        ----------
        day
            Day of the orders.
        name
            Of ``COLUMNS``: refunds, resale, or returns.
        back
            What comes back 0, 1, 2, ... days after them, of all orders.
        """
        part = self.paid * back[: self.days - day]
        booked = {"refunds": (("refunds", -1.0), ("returns", 1.0)), "resale": (("resale", 1.0),),
                  "returns": (("returns_handling", -self.costs.per_return),)}  # fmt: skip
        for line, each in booked[name]:
            self.values[line][day : day + len(part)] += each * part

    def _add(self, day: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.values[name][day] += value

    def close(self, world: World, noise: Noise, plan: Plan | None) -> pd.DataFrame:
        """Return a row a day: counts, lines and profit, with what the plan itself costs."""
        plain = Recorder(world, noise, plan, self.days)
        known = costs_daily(plain).to_pandas()
        for name in ("entry", "fixed", "research"):
            if name in known:
                self.values[name] -= known[name].to_numpy(dtype=float)
        frame = pd.DataFrame({"date": world.around.days.dates.astype("datetime64[ns]"),
                              **self.values})  # fmt: skip
        frame["profit"] = frame[list(LINES)].sum(axis=1)
        return frame
