"""What a visit brings in expected mode: orders, lines and money of looks laid out evenly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.simulator.expected.aftermath import resold_shares
from ecomlab.simulator.graph import Day
from ecomlab.simulator.kernels.choice import look_around, weigh_products
from ecomlab.simulator.kernels.expected import COLUMNS, expect_baskets
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.people import People

__all__ = ["Baskets", "Meets"]

_LEAST_READY, _MOST_READY = -8.0, 4.5  # as in ``kernels.choice``
_SHORTER = 0.01  # a change of the share in stock, over all units, at which to look anew
_ENOUGH = 2_000  # looks that are laid out when what is on the shelf has changed


@dataclass(frozen=True)
class Meets:
    """What visitors meet beside prices.

    The share of lines that find each product in stock, and of the units wanted that they get;
    utility that features add to readiness;
    share of visits that stay with a question answered; and, of each person, the chance of coming
    once more where the product wanted was out.
    """

    held: Array
    filled: Array
    lift: float
    answered: float
    again: Array


class Baskets:
    """What a visit that stays brings, of each person, until prices or products change.

    ``worth`` is 2 x people x ``COLUMNS``: as newcomer and as customer. Luck of looking around
    is the one thing that is drawn, by keys of its own, many times for each person and year.
    """

    def __init__(self, day: Day, people: People, noise: Noise) -> None:
        world, scenario = day.world, day.world.scenario
        self.world, self.people, self.noise = world, people, noise
        count, kinds = len(people.ids), list(scenario.categories.values())
        names = list(scenario.categories)
        self.companion = np.array([names.index(k.companion or n) for n, k in
                                   scenario.categories.items()])  # fmt: skip
        self.mood = np.array([kind.popularity for kind in kinds])
        self.ahead = np.array([kind.stockpiled_share for kind in kinds])[world.products.category]
        self.resold = resold_shares(world)
        self.ready = np.clip(people.readiness.astype(float), _LEAST_READY, _MOST_READY)
        self.couponed = people.has_mail * scenario.habits.coupon_share
        self.device = np.array(scenario.shoppers.device_outside)
        self.away = np.array([region.elsewhere for region in scenario.regions.values()])
        self.worth = np.zeros((2, count, len(COLUMNS)))
        self.wanted = np.zeros(len(world.products.key))  # share of units, by product
        self._seen: tuple[Array, ...] = ()
        self._held = self.served = np.ones(len(world.products.key))  # when it was looked at

    def renew(self, day: Day, weight: Array, some: Array, meets: Meets) -> bool:
        """Look at the shelf again, if it is not as it was; tell whether more than stock is new.

        Parameters
        ----------
        day
            Today, with products valued.
        weight
            Visits that stay today, newcomers' and customers', 2 x people.
        some
            Positions of those who may come in the days to come.
        meets
            What visitors meet beside prices.
        """
        now = (day["log_price"], day["coached"], day["on_sale"], day["wait_cost"],
               day["shelf_range"], np.array([day["intent"], meets.lift]))  # fmt: skip
        same = self._seen and all(map(np.array_equal, now, self._seen))
        if same and self.wanted @ np.abs(meets.held - self._held) < _SHORTER:
            return False
        self._seen, self._held = now, meets.held
        self.served = meets.held * meets.filled
        times = max(1, round(_ENOUGH / max(len(some), 1)))
        who = np.concatenate([some] * times)
        self.worth[:], asked = self._expect(day, who, times, weight, meets)
        self.wanted = asked / max(asked.sum(), 1e-300)
        return not same

    def _expect(
        self, day: Day, who: Array, times: int, weight: Array, meets: Meets
    ) -> tuple[Array, Array]:
        """Return what visits bring, and units wanted of each product."""
        scenario, goods, people = day.world.scenario, day.world.products, self.people
        choice, costs = scenario.choice, scenario.costs
        looks = self._look(day, who, times)
        inside, outside = weigh_products(
            who, looks,
            (people.price_sensitivity, people.eco_taste, people.taste, people.readiness,
             people.device, people.region),
            (day["appeal"], day["log_price"], goods.is_eco, goods.attribute),
            (np.zeros(len(who), dtype=bool), np.zeros(len(who)), np.full(len(who), meets.lift)),
            (choice.outside, self.device, self.away + day["wait_cost"], float(day["intent"]),
             choice.competition * day["rival"]),
        )  # fmt: skip
        ahead = self.ahead * (day["depth"] > 0)
        levels = np.unique(ahead[ahead > 0])[::-1]
        stay = scenario.stock.stay if scenario.stock is not None else 0.0
        worth, asked = expect_baskets(
            who, looks, (inside, outside), self.ready, (people.ids, self.couponed, meets.again),
            (goods.category, day["base_cents"] / 100, day["price_cents"] / 100,
             day["unit_cost_cents"] / 100, goods.weight_g.astype(float), goods.return_share,
             self.resold, ahead, meets.held, meets.filled),
            (choice.add_on_outside, choice.companion_bonus, choice.extra_units,
             scenario.habits.coupon_depth, costs.shipping_fee, costs.free_shipping_from, stay,
             meets.answered, scenario.service.lift if scenario.service is not None else 1.0),
            levels, self.noise.keys("expected.lines", day=day.index), weight,
        )  # fmt: skip
        return worth, asked

    def _look(self, day: Day, who: Array, times: int) -> tuple[Array, Array, Array]:
        """Return products looked at, which count, and the category turned to."""
        goods, people, found = day.world.products, self.people, []
        mood = self.mood * np.exp(day["category_season"] + day["category_shock"])
        for turn, some in enumerate(np.split(who, times)):
            streams = ("expected.category", "expected.few", "expected.more")
            keys = [self.noise.keys(one, day=day.index, part=str(turn)) for one in streams]
            shelf = (goods.shelf, day["shelf_range"][people.region[some]], goods.partner,
                     day["on_sale"], goods.is_offered)  # fmt: skip
            main, seen, counts = look_around(
                some, np.ones(len(some), dtype=bool), people.ids[some], people.category_taste, mood,
                self.companion, shelf, tuple(key for pair in keys for key in pair),
            )  # fmt: skip
            found.append((seen, counts, main))
        seen, counts, main = (np.concatenate(part) for part in zip(*found, strict=True))
        return seen, counts, main
