"""Latent people: who they are before the shop decides anything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from ecomlab.simulator.noise import Array, Noise, beta, gamma, normal, pick, poisson
from ecomlab.simulator.scenario import Scenario

__all__ = ["TASTES", "People", "draw_people", "eco_means"]

TASTES = 4
_AGE_SHARES = (0.13, 0.27, 0.23, 0.17, 0.12, 0.08)
_BLOCK = 1 << 16  # people drawn at a time; what is drawn does not depend on it
_LEAST = 1e-9
_MET = ("taste", "price_sensitivity", "eco_taste", "readiness")


@dataclass(frozen=True)
class People:
    """Latent people, one position each; none of this is observed but through behaviour."""

    ids: Array
    region: Array
    device: Array
    age: Array
    aware_at: Array  # awareness of the region from which on the person knows the shop
    newcomer_rate: Array  # occasions a day before the first order
    customer_rate: Array  # occasions a day after it
    readiness: Array  # utility that a customer is ahead of a newcomer
    order_rate: Array  # orders a week as a customer, under the status quo
    dropout: Array  # chance to leave for good after an order
    price_sensitivity: Array
    taste: Array  # people x tastes
    eco_taste: Array  # utility of a product's ecological claim
    category_taste: Array  # people x categories, relative weight
    liking: Array  # people x routes, mean 1
    market_rate: Array  # orders a year, over all shops
    is_guest: Array
    has_mail: Array
    since: Array  # day of the first order before the period; 1 where there was none
    orders_before: Array  # orders before the first day
    has_left: Array  # among the customers of the time before

    @cached_property
    def _in_order(self) -> bool:
        return bool((self.ids == np.arange(len(self.ids))).all())

    def numbers(self, who: Array) -> Array:
        """Return the numbers of some people: their positions, where nobody is left out."""
        return who if self._in_order else np.asarray(self.ids[who])


def draw_people(scenario: Scenario, noise: Noise, count: int) -> People:
    """Draw latent people, block by block."""
    ids = np.arange(count, dtype=np.int64)
    blocks = [
        _draw(scenario, noise, ids[start : start + _BLOCK]) for start in range(0, count, _BLOCK)
    ]
    joined = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    joined |= _side_by_side({name: joined[name] for name in _MET})
    return People(ids=ids, **joined)


def _side_by_side(traits: dict[str, Array]) -> dict[str, Array]:
    """Lay traits out person by person, so that meeting somebody reads one place of memory."""
    columns = {name: values.reshape(len(values), -1) for name, values in traits.items()}
    rows, out, at = np.hstack(list(columns.values())), {}, 0
    for name, values in columns.items():
        held = rows[:, at : at + values.shape[1]]
        out[name] = held if traits[name].ndim == 2 else held[:, 0]
        at += values.shape[1]
    return out


def _draw(scenario: Scenario, noise: Noise, ids: Array) -> dict[str, Array]:
    law = scenario.shoppers
    region = pick(
        noise.uniform("person.region", ids), np.array([r.share for r in scenario.regions.values()])
    )
    income = np.array([r.income_index for r in scenario.regions.values()])[region]
    spread = law.price_sensitivity_spread * noise.normal("person.price", ids)
    eco = eco_means(scenario)[region] + law.eco_spread * noise.normal("person.eco", ids)
    kinds = _grid(noise, "person.category", ids, len(scenario.categories))
    age = pick(noise.uniform("person.age", ids), np.array(_AGE_SHARES))
    by_age = np.array(scenario.market.age_factors)
    market = noise.normal("person.market", ids) * scenario.market.spread
    market += np.log(by_age / np.average(by_age, weights=_AGE_SHARES))[age]
    out = {
        "region": region.astype(np.int8),
        "device": pick(noise.uniform("person.device", ids), np.array(law.device_shares)),
        "age": age,
        "aware_at": noise.uniform("person.aware", ids),
        "price_sensitivity": law.price_sensitivity * np.exp(spread) / income**law.income_effect,
        "taste": _grid(noise, "person.taste", ids, TASTES) * law.taste_spread,
        "eco_taste": eco,
        "category_taste": np.exp(law.category_spread * kinds),
        "liking": _likings(scenario, noise, ids),
        "market_rate": scenario.market.orders_per_year
        * np.exp(market - scenario.market.spread**2 / 2)
        * np.sqrt(income),
        "is_guest": noise.uniform("person.guest", ids) < law.guest_share,
        "has_mail": noise.uniform("person.mail", ids) < law.email_share,
        **_rates(scenario, noise, ids),
    }
    out["device"], out["age"] = out["device"].astype(np.int8), out["age"].astype(np.int8)
    strange = np.array([r.is_new for r in scenario.regions.values()])[region]
    for name, none in (("since", 1), ("orders_before", 0), ("has_left", False)):
        out[name][strange] = none  # nobody has bought where the shop does not sell
    return {n: v.astype(np.float32) if v.dtype == np.float64 else v for n, v in out.items()}


def eco_means(scenario: Scenario) -> Array:
    """Return the mean taste for ecological products by region, as far as the trap is set.

    A new region is no part of the trap: it keeps its own.
    """
    own = np.array([region.eco_taste for region in scenario.regions.values()])
    old = np.array([not region.is_new for region in scenario.regions.values()])
    share = np.array([region.share for region in scenario.regions.values()])
    mean = float(np.average(own[old], weights=share[old]))
    return np.where(old, mean + (own - mean) * (scenario.traps.region / 0.30), own)


def _rates(scenario: Scenario, noise: Noise, ids: Array) -> dict[str, Array]:
    """Return how often people come and buy, before and after their first order."""
    law, crowd = scenario.loyalty, scenario.shoppers
    weekly = gamma(noise.uniform("person.rate", ids), law.r) * law.r / law.alpha
    relative = np.sqrt(np.maximum(weekly / (law.r / law.alpha), _LEAST))
    dropout = beta(noise.uniform("person.dropout", ids), law.a, law.b)
    since = 1 - np.ceil(-np.log(noise.uniform("person.since", ids)) * law.before_days)
    was = noise.uniform("person.before", ids) < law.before_share
    was &= since < 0
    count = np.zeros(len(ids), dtype=np.int64)
    past = weekly[was] * -since[was] / 7
    count[was] = 1 + poisson(noise.uniform("person.orders", ids[was]), past)
    stays = np.exp(count * np.log1p(-np.minimum(dropout, 1 - 1e-12)))
    return {
        "order_rate": weekly,
        "newcomer_rate": crowd.occasions_per_day
        * gamma(noise.uniform("person.newcomer", ids), crowd.occasions_shape),
        "customer_rate": law.occasions_per_day * relative,
        "readiness": law.readiness + np.log(relative),
        "dropout": dropout,
        "since": np.where(was, since, 1).astype(np.int32),
        "orders_before": count.astype(np.int32),
        "has_left": was & (noise.uniform("person.left", ids) > stays),
    }


def _likings(scenario: Scenario, noise: Noise, ids: Array) -> Array:
    """How readily each person comes by each route; the mean over all people is 1."""
    rows = []
    for name, route in scenario.routes.items():
        drawn = normal(noise.uniform("person.liking", ids, part=name))
        rows.append(np.exp(route.liking_spread * drawn - route.liking_spread**2 / 2))
    return np.stack(rows, axis=1)


def _grid(noise: Noise, stream: str, ids: Array, width: int) -> Array:
    """Draw standard normals, one row an entity, keyed by entity and column."""
    return np.asarray(special.ndtri(noise.uniform(stream, ids[:, None] * 64 + np.arange(width))))
