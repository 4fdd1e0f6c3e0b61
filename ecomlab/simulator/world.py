"""The world before anybody decides: people, products, and the paths of shocks.

Nothing here depends on a plan, nor on the number of days simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ecomlab.simulator.carriers import Network, lay_network
from ecomlab.simulator.dates import Days, lay_out_days, wave
from ecomlab.simulator.goods import Products, draw_products
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.people import People, draw_people
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.suppliers import Suppliers, draw_suppliers

__all__ = ["Surroundings", "World", "build_world"]

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Surroundings:
    """Paths nobody in the shop decides: one position a day."""

    days: Days
    week: Array  # number of the week since Monday 29 December 1969
    traffic: Array  # days x regions, multiplier of occasions
    forecast: Array  # log of what of it can be foreseen
    category_season: Array  # days x categories, log
    category_shock: Array  # days x categories, utility
    sku_shock: Array  # weeks x products, utility
    cost_index: Array  # days x categories
    media_index: Array
    rank: Array  # mean position in unpaid search


@dataclass(frozen=True)
class World:
    """A scenario with its people, products and surroundings drawn."""

    scenario: Scenario
    people: People
    products: Products
    around: Surroundings
    region_people: Array
    suppliers: Suppliers | None = None
    network: Network | None = None
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, name: Hashable, make: Callable[[], _Made]) -> _Made:
        """Return what ``make`` returned when the name was first asked for; days are many."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @property
    def slots(self) -> Array:
        """Numbers in the hash of routes in regions, routes x regions."""
        routes, regions = len(self.scenario.routes), len(self.scenario.regions)
        return self.once("slots", lambda: np.arange(routes)[:, None] * 64 + np.arange(regions))

    def of_categories(self, name: str) -> Array:
        """Return a parameter of all categories."""
        kinds = self.scenario.categories.values()
        return self.once(f"category.{name}", lambda: np.array([getattr(k, name) for k in kinds]))

    def of_routes(self, name: str) -> Array:
        """Return a parameter of all routes."""
        routes = self.scenario.routes.values()
        return self.once(f"route.{name}", lambda: np.array([getattr(r, name) for r in routes]))


def build_world(scenario: Scenario, noise: Noise, *, people: int, days: int) -> World:
    """Draw a world."""
    crowd = draw_people(scenario, noise, people)
    goods = draw_products(scenario, noise)
    stock = scenario.stock
    return World(
        scenario=scenario,
        people=crowd,
        products=goods,
        around=_surroundings(scenario, noise, goods, days),
        region_people=np.bincount(crowd.region, minlength=len(scenario.regions)),
        suppliers=draw_suppliers(stock.sourcing, noise, goods.key, days) if stock else None,
        network=lay_network(scenario),
    )


def _surroundings(scenario: Scenario, noise: Noise, goods: Products, count: int) -> Surroundings:
    law, days = scenario.shoppers, lay_out_days(scenario, count)
    kinds = list(scenario.categories.values())
    week = (days.dates.astype("int64") + 3) // 7
    weeks = week - week[0]
    months = days.dates.astype("datetime64[M]").astype("int64")
    months -= months[0]
    foreseen = (
        np.log(np.array(law.weekday_factors))[days.weekday]
        + wave(days.year_day, law.season, law.season_peak_day)
        + wave(days.year_day, law.half_year_season, law.season_peak_day, per_year=2)
        + days.years * np.log1p(law.growth_per_year)
        + days.lift
    )
    shock = _autoregress(noise.normal("shock", np.arange(count)), law.shock_memory, law.shock_sd)
    region = law.region_shock_sd * _paths(noise, "shock.region", weeks, len(scenario.regions))
    span = np.arange(int(weeks[-1]) + 1)
    return Surroundings(
        days=days,
        week=week,
        traffic=np.exp((foreseen + shock)[:, None] + region[weeks]),
        forecast=foreseen,
        category_season=np.stack(
            [wave(days.year_day, kind.season, kind.season_peak_day) for kind in kinds], axis=1
        ),
        category_shock=scenario.choice.category_shock_sd
        * _paths(noise, "shock.category", weeks, len(kinds))[weeks],
        sku_shock=scenario.choice.sku_shock_sd
        * _autoregress(noise.normal("shock.sku", span[:, None] * 4096 + goods.key), 0.8, 1.0),
        cost_index=np.exp(
            scenario.costs.cost_index_sd * _paths(noise, "cost", months, len(kinds))[months]
        ),
        media_index=1
        + (scenario.costs.media_index_q4 - 1) * np.clip((days.year_day - 274) / 45, 0, 1),
        rank=1
        + (scenario.search.rank - 1)
        * np.exp(scenario.search.rank_sd * _paths(noise, "shock.rank", weeks, 1)[weeks, 0]),
    )


def _paths(noise: Noise, stream: str, steps: Array, width: int) -> Array:
    """Draw standard autoregressive paths; a longer one begins with a shorter one."""
    ids = np.arange(int(steps[-1]) + 1)[:, None] * 64 + np.arange(width)
    return _autoregress(noise.normal(stream, ids), 0.8, 1.0)


def _autoregress(drawn: Array, memory: float, sd: float) -> Array:
    """Turn independent normals into a stationary first-order path."""
    out = drawn * sd
    fresh = np.sqrt(1 - memory**2)
    for i in range(1, len(out)):
        out[i] = memory * out[i - 1] + fresh * out[i]
    return out
