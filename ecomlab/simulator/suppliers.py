"""Suppliers as the world draws them: lead times, fill rates, disruptions, whom they supply.

Nothing here depends on a plan, nor on the number of days simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.parameters_stock import Sourcing

__all__ = ["DISRUPTIONS", "Suppliers", "draw_suppliers"]

# What a disrupted supplier cannot do: take orders, ship them, move what is under way, hand over.
# A kind's place here, from 1, is its number; 0 is no disruption.
DISRUPTIONS = ("orders", "shipments", "transit", "receipts")


@dataclass(frozen=True)
class Suppliers:
    """Suppliers, one position each; ``main`` and ``second`` name two for every product."""

    code: tuple[str, ...]
    handling_days: Array  # fixed part of the lead time
    transit_days: Array  # mean of the gamma part
    transit_shape: Array  # of the gamma part
    quoted_days: Array  # lead time promised
    fill_a: Array  # of the beta law of units that come
    fill_b: Array
    disruption: Array  # days x suppliers: 0, or 1 + place in DISRUPTIONS
    main: Array
    second: Array

    @property
    def lead_days(self) -> Array:
        """Mean lead time [days]."""
        return self.handling_days + self.transit_days


def draw_suppliers(law: Sourcing, noise: Noise, keys: Array, days: int) -> Suppliers:
    """Draw suppliers, and two of them for each product; ``keys`` are the products'."""
    ids = np.arange(law.suppliers)
    low, high = law.lead_days
    mean = low + (high - low) * noise.uniform("supplier.lead", ids)
    least, most = law.lead_cv
    cv = least + (most - least) * noise.uniform("supplier.cv", ids)
    handling = 0.2 + 0.3 * noise.uniform("supplier.handling", ids)
    fill = np.clip(law.fill_share + 0.02 * noise.normal("supplier.fill", ids), 0.5, 0.995)
    luck = noise.uniform("supplier.product", keys)
    main = (luck * law.suppliers).astype(np.int64)
    step = 1 + (noise.uniform("supplier.second", keys) * (law.suppliers - 1)).astype(np.int64)
    return Suppliers(
        code=tuple(f"V-{i + 1:02d}" for i in range(law.suppliers)),
        handling_days=handling * mean,
        transit_days=(1 - handling) * mean,
        transit_shape=np.round(((1 - handling) / cv) ** 2, 3),
        quoted_days=np.maximum(np.rint(law.quoted_share * mean), 1).astype(np.int64),
        fill_a=np.round(fill * law.fill_strength, 3),
        fill_b=np.round((1 - fill) * law.fill_strength, 3),
        disruption=_disrupt(law, noise, days),
        main=main,
        second=(main + step) % law.suppliers,
    )


def _disrupt(law: Sourcing, noise: Noise, days: int) -> Array:
    """Draw spells of disruption: a chain of two states for each supplier, a kind for each spell."""
    ids = np.arange(days)[:, None] * 64 + np.arange(law.suppliers)
    luck = noise.uniform("supplier.disruption", ids)
    kind = 1 + (noise.uniform("supplier.kind", ids) * len(DISRUPTIONS)).astype(np.int8)
    out = np.zeros(luck.shape, dtype=np.int8)
    now = np.zeros(law.suppliers, dtype=np.int8)
    for day in range(days):
        begins = luck[day] < law.disrupted_per_day
        ends = luck[day] < law.recovered_per_day
        now = np.where(now == 0, np.where(begins, kind[day], 0), np.where(ends, 0, now))
        out[day] = now
    return out
