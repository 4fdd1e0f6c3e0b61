"""The days of expected mode, one after another."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd

from ecomlab.simulator.expected.aftermath import restocked_shares
from ecomlab.simulator.expected.baskets import Baskets, Meets
from ecomlab.simulator.expected.books import Books
from ecomlab.simulator.expected.crowd import Crowd, Flows
from ecomlab.simulator.expected.desk import Desk
from ecomlab.simulator.expected.letters import Letters, mail_cost
from ecomlab.simulator.expected.mood import Mood
from ecomlab.simulator.expected.parcels import Delivered, Parcels
from ecomlab.simulator.expected.shelf import Shelf
from ecomlab.simulator.expected.shop import open_shop
from ecomlab.simulator.expected.visits import Doors, Visits
from ecomlab.simulator.graph import Day
from ecomlab.simulator.kernels.expected import COLUMNS
from ecomlab.simulator.loop import begin
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.people import People
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.world import World

__all__ = ["live_expected"]

_ORDERS, _UNITS, _GRAMS = (COLUMNS.index(name) for name in ("orders", "units", "grams"))
_STOCKING = COLUMNS.index("stocking")
_SOON = 0.03  # of awareness, within which a newcomer may come to know the shop


def live_expected(
    world: World, noise: Noise, plan: Plan | None, days: int, who: Array, weight: Array
) -> pd.DataFrame:
    """Return the expected books of a world, a row a day.

    Parameters
    ----------
    world, noise, plan, days
        As in ``loop.run_days``; noise draws what all people meet alike.
    who, weight
        Positions of the people who stand for all, and how many each stands for.
    """
    one = _Expected(world, noise, plan, days, who, weight)
    for index in range(days):
        one.live(index)
    return one.books.close(world, noise, plan)


def _some(people: People, who: Array) -> People:
    """Return some of the people."""
    return replace(people, **{one.name: getattr(people, one.name)[who] for one in fields(people)})


class _Expected:
    """A world on its way through the days."""

    def __init__(
        self, world: World, noise: Noise, plan: Plan | None, days: int, who: Array, weight: Array
    ) -> None:
        self.world, self.weight, scenario = world, weight, world.scenario
        self.day = begin(world, noise, plan)
        self.people = _some(world.people, who)
        self.crowd = Crowd(scenario, self.people)
        self.letters = Letters(scenario, self.people.has_mail.astype(float), weight)
        self.doors = Doors(scenario, self.people)
        self.baskets = Baskets(self.day, self.people, noise)
        self.books = Books(scenario, days)
        self.stays = 1 - scenario.choice.leaves_at_once
        law, goods = scenario.stock, world.products
        self.parcels, self.desk = Parcels(scenario), Desk(scenario)
        self.mood = Mood(scenario, self.people.dropout.astype(float))
        self.shelf = Shelf(self.day, noise, days) if law is not None else None
        self.delay_share = law.delay_share if law is not None else 0.0
        self.restocked = restocked_shares(world)
        self._all_held = (np.ones(len(goods.key)), np.ones(len(goods.key)))
        self.orders, self.units = 0.0, np.zeros(len(goods.key))
        names = list(scenario.routes)
        self.email = names.index("email") if "email" in names else None

    def live(self, index: int) -> None:
        """Live one day."""
        day, crowd = self.day, self.crowd
        day.index = index
        day["customers_by_region"] = self._by_region(crowd.customers)
        open_shop(day)
        opened, mails = self._send(day)
        visits = self.doors.open(day, opened, self.mood.livelier)
        weight = self._visits(visits) * self.stays
        stay = float((weight @ self.weight).sum())
        self._look(day, weight, stay, visits)
        worth = self.baskets.worth
        by_person = weight[0][:, None] * worth[0] + weight[1][:, None] * worth[1]
        delivered = self._deliver(day, by_person)
        leaves = self.mood.leaving(delivered.delight[self.people.region])
        orders = crowd.move(index, self._flows(visits, worth, leaves))
        self.mood.feel(orders, crowd.recent + crowd.idle)
        self.letters.fade(crowd)
        self._book(day, stay / self.stays, by_person, delivered)
        media = float(day["spend_cents"].sum()) / 100 + mails
        self.books.spend(index, {"marketing": media, "holding": self._stock(day)})

    def _look(self, day: Day, weight: Array, stay: float, visits: Visits) -> None:
        """Let visitors look at the shelf, and at what is left on it by those before them."""
        lift = sum(day.world.scenario.features[name].order for name in day["built"])
        answered = self.desk.answered(day, stay, self.orders)
        again, some = self.delay_share * visits.again, self._may_come(day)
        held, filled = self.shelf.open(day) if self.shelf is not None else self._all_held
        meets = Meets(held, filled, lift, answered, again)
        is_new = self.baskets.renew(day, weight, some, meets)
        if is_new and self.shelf is not None:  # other prices empty other shelves
            units = (weight * self.baskets.worth[:, :, _UNITS] @ self.weight).sum()
            wanted = units * self.baskets.wanted / np.maximum(self.baskets.served, 0.05)
            held, filled = self.shelf.served(wanted)
            meets = Meets(held, filled, lift, answered, again)
            self.baskets.renew(day, weight, some, meets)

    def _send(self, day: Day) -> tuple[tuple[Array, Array], float]:
        """Send mail; return who opens it and what it costs."""
        if self.email is None:
            none = np.zeros(len(self.weight))
            return (none, none), 0.0
        budget = day["budget_by_region"][self.email][self.people.region]
        sent = self.letters.send(self.crowd, budget)
        cost = mail_cost(self.world.scenario.mail.cost_per_thousand, self._by_region(sent.count))
        return (sent.open_recent, sent.open_idle), cost

    def _visits(self, visits: Visits) -> Array:
        """Return the chance of each person's visit, as newcomer and as customer."""
        crowd = self.crowd
        plain = crowd.recent - crowd.stocked
        customers = (crowd.idle * visits.idle + plain * visits.recent
                     + crowd.stocked * visits.stocked)  # fmt: skip
        return np.stack([crowd.new * visits.new, customers])

    def _may_come(self, day: Day) -> Array:
        """Return who may visit in the days to come."""
        soon = (day["aware"] * day["is_open"])[self.people.region] + _SOON
        new = self.crowd.new * (self.people.aware_at < soon)
        return np.flatnonzero(new + self.crowd.idle + self.crowd.recent > 1e-6)

    def _flows(self, visits: Visits, worth: Array, leaves: Array) -> Flows:
        """Return the chances of an order, by standing."""
        new, loyal = self.stays * worth[:, :, _ORDERS]
        stocks = worth[:, :, _STOCKING].sum(axis=0) / np.maximum(
            worth[:, :, _ORDERS].sum(axis=0), 1e-300
        )
        return Flows(
            new=visits.new * new, idle=visits.idle * loyal, recent=visits.recent * loyal,
            stocked=visits.stocked * loyal, leaves=leaves, stocks=stocks,
        )  # fmt: skip

    def _deliver(self, day: Day, by_person: Array) -> Delivered:
        """Return what becomes of today's parcels."""
        orders, grams = (self._by_region(by_person[:, at]) for at in (_ORDERS, _GRAMS))
        self.orders = float(orders.sum())
        return self.parcels.deliver(day, orders, grams / 1000, self.books.paid)

    def _by_region(self, share: Array) -> Array:
        return np.bincount(self.people.region, weights=self.weight * share,
                           minlength=len(self.world.region_people))  # fmt: skip

    def _book(self, day: Day, visits: float, by_person: Array, delivered: Delivered) -> None:
        """Book a day's orders, and what will come back of them."""
        books, brought = self.books, self.weight @ by_person
        books.book(day.index, visits, brought, delivered.cost)
        books.spend(day.index, {"service": float(day["service_cents"]) / 100})
        for name in ("refunds", "resale", "returns"):
            more = delivered.resale if name == "resale" else delivered.returns
            back = self._by_region(by_person[:, COLUMNS.index(name)]) * more
            books.give_back(day.index, name, back @ delivered.refunded)
        self.units = brought[COLUMNS.index("units")] * self.baskets.wanted
        day["quarter_units"] = day["quarter_units"] + self.units

    def _stock(self, day: Day) -> float:
        """Take what was ordered from the shelf; return what the day's stock costs."""
        if self.shelf is None:
            return 0.0
        paid = self.books.paid
        return self.shelf.close(
            day, self.units, self.units * self.restocked * paid, paid, self.baskets.served
        )
