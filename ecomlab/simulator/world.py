"""The world before anybody decides: people, products, and the paths of shocks.

Nothing here depends on a plan, nor on the number of days simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ecomlab.simulator.dates import Days, lay_out_days, wave
from ecomlab.simulator.noise import Array, Noise, beta, gamma, pick
from ecomlab.simulator.scenario import Scenario

__all__ = ["People", "Products", "Surroundings", "World", "build_world"]

TASTES = 4
_AGE_SHARES = (0.13, 0.27, 0.23, 0.17, 0.12, 0.08)


@dataclass(frozen=True)
class People:
    """Latent people, one position each; none of this is observed but through behaviour."""

    ids: Array
    region: Array
    device: Array
    age: Array
    rate: Array  # visits relative to the mean person
    dropout: Array  # chance to leave for good after an order
    price_sensitivity: Array
    taste: Array  # people x tastes
    category_taste: Array  # people x categories, relative weight
    affinity: Array  # channels x people, with the rate
    is_guest: Array
    has_mail: Array
    aware_from: Array  # day on which the person knows the shop


@dataclass(frozen=True)
class Products:
    """Products, one position each; ``key`` is the number their noise is keyed by."""

    sku: tuple[str, ...]
    name: tuple[str, ...]
    brand: tuple[str, ...]
    key: Array
    category: Array
    is_eco: Array
    attribute: Array  # products x tastes
    popularity: Array  # weight when shoppers look around
    quality: Array  # utility at list price, for the mean person
    list_cents: Array
    cost_cents: Array
    weight_g: Array
    return_share: Array
    launch: Array  # day of launch; negative is before the period


@dataclass(frozen=True)
class Surroundings:
    """Paths nobody in the shop decides: one position a day."""

    days: Days
    traffic: Array  # multiplier of visits
    forecast: Array  # log of what of it can be foreseen
    category_season: Array  # days x categories, log
    category_shock: Array  # days x categories, utility
    cost_index: Array  # days x categories
    media_index: Array


@dataclass(frozen=True)
class World:
    """A scenario with its people, products and surroundings drawn."""

    scenario: Scenario
    people: People
    products: Products
    around: Surroundings
    region_people: Array


def build_world(scenario: Scenario, noise: Noise, *, people: int, days: int) -> World:
    """Draw a world."""
    crowd = _people(scenario, noise, people)
    return World(
        scenario=scenario,
        people=crowd,
        products=_products(scenario, noise),
        around=_surroundings(scenario, noise, days),
        region_people=np.bincount(crowd.region, minlength=len(scenario.regions)),
    )


def _people(scenario: Scenario, noise: Noise, count: int) -> People:
    law = scenario.shoppers
    ids = np.arange(count, dtype=np.int64)
    rate = gamma(noise.uniform("person.rate", ids), law.rate_shape)
    region = pick(
        noise.uniform("person.region", ids), np.array([r.share for r in scenario.regions.values()])
    )
    income = np.array([r.income_index for r in scenario.regions.values()])[region]
    spread = law.price_sensitivity_spread * noise.normal("person.price", ids)
    has_mail = noise.uniform("person.mail", ids) < law.email_share
    aware = noise.uniform("person.aware", ids)
    unaware = np.clip((1 - aware) / (1 - law.aware_share), 1e-12, 1) if law.aware_share < 1 else 1.0
    aware_from = np.where(
        aware < law.aware_share, 0, np.ceil(-np.log2(unaware) * law.aware_half_life_days)
    )
    return People(
        ids=ids,
        region=region,
        device=pick(noise.uniform("person.device", ids), np.array(law.device_shares)),
        age=pick(noise.uniform("person.age", ids), np.array(_AGE_SHARES)),
        rate=rate,
        dropout=beta(noise.uniform("person.dropout", ids), law.dropout_a, law.dropout_b),
        price_sensitivity=law.price_sensitivity * np.exp(spread) / np.sqrt(income),
        taste=_grid(noise, "person.taste", ids, TASTES) * law.taste_spread,
        category_taste=np.exp(0.5 * _grid(noise, "person.category", ids, len(scenario.categories))),
        affinity=_affinities(scenario, noise, ids, rate, has_mail),
        is_guest=noise.uniform("person.guest", ids) < law.guest_share,
        has_mail=has_mail,
        aware_from=aware_from.astype(np.int64),
    )


def _grid(noise: Noise, stream: str, ids: Array, width: int) -> Array:
    """Draw standard normals, one row an entity, keyed by entity and column."""
    return noise.normal(stream, ids[:, None] * 64 + np.arange(width))


def _affinities(
    scenario: Scenario, noise: Noise, ids: Array, rate: Array, has_mail: Array
) -> Array:
    """How readily each person comes by each channel: mean ``reach_per_day`` over all people."""
    shape = scenario.shoppers.rate_shape
    rows = []
    for name, channel in scenario.channels.items():
        power = 1 + channel.activity_bias
        mean = np.exp(special.gammaln(shape + power) - special.gammaln(shape)) / shape**power
        liking = np.exp(0.5 * noise.normal("person.affinity", ids, part=name) - 0.125)
        reach = channel.reach_per_day * rate**power / mean * liking
        rows.append(np.where(has_mail, reach, 0.0) if name == "email" else reach)
    return np.array(rows)


def _products(scenario: Scenario, noise: Noise) -> Products:
    kinds = list(scenario.categories.values())
    category = np.repeat(np.arange(len(kinds)), [kind.skus for kind in kinds])
    number = np.concatenate([np.arange(1, kind.skus + 1) for kind in kinds])
    key = category * 64 + number

    def of_kind(field: str) -> Array:
        return np.array([getattr(kind, field) for kind in kinds])[category]

    relative = np.exp(0.32 * noise.normal("sku.price", key))
    list_cents = _charm(of_kind("mean_price") * relative)
    margin = np.clip(of_kind("margin_share") + 0.04 * noise.normal("sku.margin", key), 0.1, 0.9)
    weight = of_kind("weight_kg") * np.exp(0.3 * noise.normal("sku.weight", key))
    share = of_kind("return_share") * np.exp(0.25 * noise.normal("sku.return", key) - 0.03)
    brand = pick(noise.uniform("sku.brand", key), np.ones(len(scenario.brands)))
    return Products(
        sku=tuple(f"{kinds[c].prefix}-{n:03d}" for c, n in zip(category, number, strict=True)),
        name=_names(scenario, category, number, brand),
        brand=tuple(scenario.brands[b] for b in brand),
        key=key,
        category=category,
        is_eco=noise.uniform("sku.eco", key) < 0.22,
        attribute=np.round(_grid(noise, "sku.attribute", key, TASTES), 3),
        popularity=of_kind("popularity") * _zipf(noise, key, category),
        quality=0.25 * noise.normal("sku.quality", key)
        + scenario.shoppers.price_sensitivity * np.log(list_cents / 100 / of_kind("mean_price")),
        list_cents=list_cents,
        cost_cents=np.rint(list_cents * (1 - margin)).astype(np.int64),
        weight_g=np.rint(weight * 1000).astype(np.int64),
        return_share=np.clip(share, 0, 0.8),
        launch=_launches(noise, key),
    )


def _zipf(noise: Noise, key: Array, category: Array) -> Array:
    """Return each product's share of its category's popularity, by a rank drawn for it."""
    luck = noise.uniform("sku.rank", key)
    rank = [1 + np.sum(luck[category == c] < u) for c, u in zip(category, luck, strict=True)]
    weight = np.array(rank) ** -0.9
    total = np.bincount(category, weights=weight)
    return np.asarray(weight / total[category])


def _launches(noise: Noise, key: Array) -> Array:
    """Return the day of launch: one product in seven comes within two years of the first day."""
    luck = noise.uniform("sku.launch", key)
    days = np.where(luck < 0.86, -1 - np.floor(luck * 1400), np.ceil((luck - 0.86) * 4600))
    return days.astype(np.int64)


def _charm(price: Array) -> Array:
    """Round prices to what shops print, such as 23.99, 47.49 and 119.99; in cents."""
    step = np.where(price < 30, 100, np.where(price < 100, 250, 500))
    return (np.maximum(np.rint(price * 100 / step), 1) * step - 1).astype(np.int64)


def _names(scenario: Scenario, category: Array, number: Array, brand: Array) -> tuple[str, ...]:
    kinds = list(scenario.categories.values())
    goods = [kinds[c].goods for c in category]
    return tuple(
        f"{scenario.brands[b]} {good[(n - 1) % len(good)]} {100 + 7 * n}"
        for good, n, b in zip(goods, number.tolist(), brand.tolist(), strict=True)
    )


def _surroundings(scenario: Scenario, noise: Noise, count: int) -> Surroundings:
    law, days = scenario.shoppers, lay_out_days(scenario, count)
    kinds = list(scenario.categories.values())
    foreseen = (
        np.log(np.array(law.weekday_factors))[days.weekday]
        + wave(days.year_day, law.season, law.season_peak_day)
        + wave(days.year_day, law.half_year_season, law.season_peak_day, per_year=2)
        + days.years * np.log1p(law.growth_per_year)
        + days.lift
    )
    shock = _autoregress(noise.normal("shock", np.arange(count)), law.shock_memory, law.shock_sd)
    column = np.arange(len(kinds))
    weeks = (days.dates.astype("int64") + 3) // 7
    weeks -= weeks[0]
    months = days.dates.astype("datetime64[M]").astype("int64")
    months -= months[0]
    weekly = _paths(noise, "shock.category", int(weeks[-1]) + 1, column)
    monthly = _paths(noise, "cost", int(months[-1]) + 1, column)
    return Surroundings(
        days=days,
        traffic=np.exp(foreseen + shock),
        forecast=foreseen,
        category_season=np.stack(
            [wave(days.year_day, kind.season, kind.season_peak_day) for kind in kinds], axis=1
        ),
        category_shock=law.category_shock_sd * weekly[weeks],
        cost_index=np.exp(scenario.costs.cost_index_sd * monthly[months]),
        media_index=1
        + (scenario.costs.media_index_q4 - 1) * np.clip((days.year_day - 274) / 45, 0, 1),
    )


def _paths(noise: Noise, stream: str, steps: int, column: Array) -> Array:
    """Draw standard autoregressive paths; a longer one begins with a shorter one."""
    drawn = noise.normal(stream, np.arange(steps)[:, None] * 64 + column)
    return _autoregress(drawn, 0.8, 1.0)


def _autoregress(drawn: Array, memory: float, sd: float) -> Array:
    """Turn independent normals into a stationary first-order path."""
    out = drawn * sd
    fresh = np.sqrt(1 - memory**2)
    for i in range(1, len(out)):
        out[i] = memory * out[i - 1] + fresh * out[i]
    return out
