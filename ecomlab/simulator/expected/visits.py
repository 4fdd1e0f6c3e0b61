"""Who comes in expected mode: chances of an occasion, of a route, and of a mail's visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.simulator.graph import Day
from ecomlab.simulator.kernels.expected import expect_visits
from ecomlab.simulator.kernels.visits import AHEAD, REACH
from ecomlab.simulator.mechanisms.routes import BIAS, KINDS, MOST
from ecomlab.simulator.noise import Array
from ecomlab.simulator.people import People
from ecomlab.simulator.scenario import Scenario

__all__ = ["Doors", "Visits"]

_EDGE = 0.005  # of awareness, over which a person comes to know the shop; 0 in the sampled world


@dataclass(frozen=True)
class Visits:
    """Chances of a visit today, by standing, one position each person."""

    new: Array
    idle: Array
    recent: Array
    stocked: Array
    known: Array  # share of newcomers that may visit at all
    again: Array  # who comes once more because a product was out: customers, on any occasion


class Doors:
    """Turns a day's media and mail into chances to visit."""

    def __init__(self, scenario: Scenario, people: People) -> None:
        self.scenario, self.people = scenario, people
        names = [str(name) for name in scenario.routes]
        routes = list(scenario.routes.values())
        reach = [(r.reach, r.reach if r.loyal_reach is None else r.loyal_reach) for r in routes]
        self.routes = (
            np.array([KINDS.get(name, REACH) for name in names]), np.zeros(len(names)),
            np.array([name == "social" for name in names]), np.array(reach, dtype=float),
        )  # fmt: skip
        self.habits = (scenario.search.share, scenario.search.brand_share_new,
                       scenario.search.brand_share_loyal, MOST)  # fmt: skip
        self.rates = np.stack([people.newcomer_rate, people.customer_rate]).astype(float)
        usual, power = scenario.shoppers.occasions_per_day, BIAS * scenario.traps.social
        self.social = (self.rates / usual) ** power

    def open(self, day: Day, mails: tuple[Array, Array], livelier: Array | float) -> Visits:
        """Return the chances of today's visits.

        Parameters
        ----------
        day
            Today, with media remembered and awareness spread.
        mails
            Chances to open a mail today, of recent and of other customers.
        livelier
            Factor of customers' rate of occasions, by satisfaction.
        """
        search, people = self.scenario.search, self.people
        chances = (search.organic_brand, search.click_brand, search.click_generic,
                   self.scenario.mail.visit_share)  # fmt: skip
        flow = (day["response"], day["burst"], float(search.organic_first / day["rank"]), chances)
        by_route = expect_visits(people.region, people.liking, self.social, self.routes, flow,
                                 self.habits)  # fmt: skip
        traffic = np.asarray(day["traffic"])[people.region]
        level = (day["aware"] * day["is_open"])[people.region]
        known = np.clip((level - people.aware_at) / (2 * _EDGE) + 0.5, 0.0, 1.0)
        new = known * -np.expm1(-self.rates[0] * traffic) * by_route[0]
        natural = -np.expm1(-self.rates[1] * livelier * traffic) * by_route[1]
        clicks = min(self.scenario.mail.visit_share, MOST)
        recent, idle = (1 - clicks * one for one in mails)
        return Visits(
            new=new,
            idle=1 - (1 - natural) * idle,
            recent=1 - (1 - natural) * recent,
            stocked=1 - (1 - AHEAD * natural) * recent,
            known=known,
            again=by_route[1],
        )
