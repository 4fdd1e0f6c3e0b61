"""The laws of delivery: whom regions are served by, what is promised, how often it is kept.

Closed forms over carriers and regions; the luck of a parcel is drawn in
``mechanisms/delivery.py`` from the same laws. Equations are in ``docs/simulator/delivery.md``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy import special

from ecomlab.simulator.noise import Array
from ecomlab.simulator.parameters_delivery import Fulfilment
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.scenario import Scenario

__all__ = [
    "Network", "arrival_chances", "delay_means", "delight_of", "known_days", "late_shares",
    "lay_network", "promise_days", "remoteness", "shares_in_force", "usual_delight",
    "usual_shares",
]  # fmt: skip

_USUAL_DOSE = 0.30
_LONGEST = 60  # days that a delivery may take in the laws
_STEP = 0.05  # days, of the search for a promise
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)


@dataclass(frozen=True)
class Network:
    """Carriers and regions as arrays: what holds in ordinary weeks of the status quo."""

    share: Array  # carriers x regions, as the next two
    known_days: Array  # by distance
    delay_days: Array  # mean of what comes on top
    strain: Array  # of a carrier, as the rest
    shape: Array
    shock_sd: Array
    surcharge: Array  # currency, while carriers are above capacity
    rates: Array  # fee, currency/kg, currency/1,000 km, g of the last mile, g/1,000 km
    distance: Array  # of a region, 1,000 km


def lay_network(scenario: Scenario) -> Network | None:
    """Return the carriers of a scenario as arrays, if it has any."""
    law = scenario.fulfilment
    if law is None:
        return None
    rates = ("per_parcel", "per_kg", "per_1000_km", "co2_stop_g", "co2_per_1000_km_g")
    return Network(
        share=usual_shares(scenario, law),
        known_days=known_days(scenario, law),
        delay_days=delay_means(scenario, law),
        strain=_of(law, "strain"),
        shape=_of(law, "delay_shape"),
        shock_sd=_of(law, "shock_sd"),
        surcharge=_of(law, "peak_surcharge"),
        rates=np.stack([_of(law, name) for name in rates]),
        distance=_km(scenario) / 1000,
    )


def _of(law: Fulfilment, name: str) -> Array:
    return np.array([getattr(one, name) for one in law.carriers.values()], dtype=np.float64)


def _km(scenario: Scenario) -> Array:
    return np.array([region.km_to_depot for region in scenario.regions.values()])


def _usual_weight(scenario: Scenario) -> Array:
    """Return what share of the people the shop has always sold to lives in each region."""
    share = np.array([0.0 if r.is_new else r.share for r in scenario.regions.values()])
    some_are_new = any(region.is_new for region in scenario.regions.values())
    return share / share.sum() if some_are_new else share


def remoteness(scenario: Scenario, law: Fulfilment) -> Array:
    """Return how remote each region is: 0 near the depot, 1 in the remotest parts."""
    span = law.remote_full_km - law.remote_from_km
    return np.clip((_km(scenario) - law.remote_from_km) / span, 0, 1)


def usual_shares(scenario: Scenario, law: Fulfilment) -> Array:
    """Return the status-quo share of each carrier in each region, carriers x regions.

    By habit the manager gives remote regions the better carriers, as far as the trap is set.
    """
    weight = _usual_weight(scenario)
    far = remoteness(scenario, law)
    far = far - np.average(far, weights=weight)
    dose = scenario.traps.carriers / _USUAL_DOSE
    share = _of(law, "share")[:, None] * np.exp(dose * np.outer(_of(law, "remote_favour"), far))
    return np.asarray(share / share.sum(axis=0))


def shares_in_force(
    scenario: Scenario, usual: Array, plans: tuple[Plan, ...], today: np.datetime64
) -> tuple[Array, float]:
    """Return the carriers' shares, carriers x regions, and the promised quantile on a day."""
    law = scenario.fulfilment
    assert law is not None
    share, quantile = usual.copy(), law.promise_quantile
    regions, names = list(scenario.regions), list(law.carriers)
    for plan in plans:
        if plan.start is None or np.datetime64(plan.start, "D") > today:
            continue
        for where, mix in sorted(plan.carriers.items(), key=lambda one: one[0] != "all"):
            at = slice(None) if where == "all" else regions.index(where)
            column = np.array([mix.get(name, 0.0) for name in names])
            share.T[at] = column / column.sum()
        quantile = quantile if plan.promise is None else plan.promise
    return share, quantile


def known_days(scenario: Scenario, law: Fulfilment) -> Array:
    """Return the days that distance takes each carrier to each region, carriers x regions."""
    per_km = _of(law, "days_per_1000_km") / 1000
    return _of(law, "base_days")[:, None] + np.outer(per_km, _km(scenario))


def delay_means(scenario: Scenario, law: Fulfilment) -> Array:
    """Return the mean of the gamma delay in ordinary weeks, carriers x regions [days]."""
    more = 1 + np.outer(_of(law, "remote_delay"), remoteness(scenario, law))
    return _of(law, "delay_days")[:, None] * more


def promise_days(scenario: Scenario, law: Fulfilment, share: Array, quantile: float) -> Array:
    """Return what each region is promised: a quantile of the mix of carriers [days].

    Distance is allowed for, remoteness is not: remote regions wait longer than promised.

    Examples
    --------
    >>> from ecomlab.simulator.scenario import load_scenario
    >>> world = load_scenario("west_d2c")
    >>> law = world.fulfilment
    >>> days = promise_days(world, law, usual_shares(world, law), law.promise_quantile)
    >>> len(days) == len(world.regions), bool((days > 1).all())
    (True, True)
    """
    carriers = tuple(zip(_of(law, "delay_days"), _of(law, "delay_shape"), strict=True))
    known = known_days(scenario, law)
    return np.array(
        [_quantile(carriers, tuple(k), tuple(s), quantile)
         for k, s in zip(known.T.tolist(), share.T.tolist(), strict=True)]
    )  # fmt: skip


@functools.lru_cache(maxsize=4096)
def _quantile(
    carriers: tuple[tuple[float, float], ...],
    known: tuple[float, ...],
    share: tuple[float, ...],
    quantile: float,
) -> float:
    """Return the quantile of a mixture of shifted gammas, to a twentieth of a day."""
    days = np.arange(0.0, _LONGEST, _STEP)
    below = sum(
        part * special.gammainc(shape, shape * np.maximum(days - start, 0) / mean)
        for (mean, shape), start, part in zip(carriers, known, share, strict=True)
    )
    return float(days[min(int(np.searchsorted(below, quantile)), len(days) - 1)])


def arrival_chances(known: Array, mean: Array, shape: Array, shock_sd: Array) -> Array:
    """Return the chance of arriving on day 1, 2, ... after leaving, last axis the days.

    Parameters
    ----------
    known, mean
        Days by distance and mean delay, carriers x regions.
    shape, shock_sd
        Of each carrier's delay, and of its daily shock [days].

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> arrival_chances(one, one, one[0], 0 * one[0])[0, 0, :3].round(3).tolist()  # 1 + exponential
    [0.0, 0.632, 0.233]
    """
    days = np.arange(_LONGEST + 1.0)
    below = np.zeros((*known.shape, len(days)))
    shape, sd = shape[:, None, None], shock_sd[:, None, None]
    for node, weight in zip(_NODES, _WEIGHTS / _WEIGHTS.sum(), strict=True):
        left = np.maximum(days - known[..., None] - sd * node, 0)
        below += weight * special.gammainc(shape, shape * left / mean[..., None])
    below[..., 0], below[..., -1] = 0.0, 1.0
    return np.diff(below, axis=-1)


def late_shares(chances: Array, promise: Array) -> Array:
    """Return the share of parcels that come after the promised day, carriers x regions.

    A promise between two whole days is the one or the other, so that its mean is right.
    """
    over = np.cumsum(chances[..., ::-1], axis=-1)[..., ::-1]  # P(day >= 1), P(day >= 2), ...
    whole = np.floor(promise).astype(np.int64)
    rest = promise - whole
    at = np.arange(len(promise))
    return np.asarray((1 - rest) * over[:, at, whole] + rest * over[:, at, whole + 1])


def delight_of(scenario: Scenario, late: Array, early: Array) -> Array:
    """Return the delivery's part in satisfaction, before its mean is taken off."""
    law = scenario.satisfaction
    if law is None:
        return np.zeros(np.broadcast(late, early).shape)
    gain = law.early * -np.expm1(-early / law.scale_days)
    return np.asarray(gain + law.late * np.expm1(-late / law.scale_days))


def usual_delight(scenario: Scenario) -> float:
    """Return the mean of the delivery's part in ordinary weeks of the status quo."""
    law = scenario.fulfilment
    if law is None:
        return float(delight_of(scenario, np.zeros(1), np.zeros(1))[0])
    net = lay_network(scenario)
    assert net is not None
    share = net.share
    promise = promise_days(scenario, law, share, law.promise_quantile)
    chances = arrival_chances(net.known_days, net.delay_days, net.shape, net.shock_sd)
    weight = _usual_weight(scenario)
    days, total = np.arange(1, chances.shape[-1] + 1), 0.0
    for place, (whole, rest) in enumerate(zip(np.floor(promise), promise % 1, strict=True)):
        for said, part in ((whole, 1 - rest), (whole + 1, rest)):
            felt = delight_of(scenario, np.maximum(days - said, 0), np.maximum(said - days, 0))
            mixed = share[:, place] @ chances[:, place]
            total += weight[place] * part * float(mixed @ felt)
    return total
