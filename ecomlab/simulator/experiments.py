"""Experiments a plan can order: who is in which arm, decided by lot.

An arm belongs to (seed, experiment, unit): the same people are in the same arm whatever
else is planned.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ecomlab.simulator.noise import Array

__all__ = ["Experiment", "Research"]

Lot = Callable[[str, Array], Array]  # experiment, units -> uniforms

UNITS = {"feature": "visitor", "holdout": "customer", "geo": "region", "price": "sku",
         "promotion": "sku", "launch": "region", "carrier": "order", "queue": "ticket"}  # fmt: skip
ARMS = {"feature": ("control", "treated"), "holdout": ("held_out", "treated"),
        "geo": ("off", "on"), "promotion": ("left_alone", "lottery"),
        "launch": ("waits", "launched"), "carrier": ("usual", "random"),
        "queue": ("usual", "drawn")}  # fmt: skip


class Experiment(BaseModel):
    """One experiment.

    Parameters
    ----------
    id
        Its name in the store's tables.
    kind
        ``feature``: visitors see a feature or not. ``holdout``: people get no mail, or no
        social advertisements. ``geo``: a budget is switched off by region and block of days.
        ``price``: products at other prices. ``promotion``: promotions by lottery.
        ``launch``: a feature comes to the regions one after another. ``carrier``: orders of the
        arm get any of the carriers, each with the same chance. ``queue``: contacts of the arm
        get their place in the queue by lot, easy or not.
    what
        The feature, the budget lever or the category (``all`` for every one).
    start, days
        First day and length [days].
    share
        Share of units that are treated (``holdout``: of people who are held out; ``geo``: of
        region-blocks that are switched off).
    factors
        Of prices, in the arms beside the usual price.
    block_days
        Length of a geo experiment's blocks [days]; 0 keeps a region in its arm throughout.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,39}$")]
    kind: Literal["feature", "holdout", "geo", "price", "promotion", "launch", "carrier", "queue"]
    what: str = "all"
    start: date
    days: Annotated[int, Field(ge=1, le=1500)]
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    factors: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = (0.9, 1.1)
    block_days: Annotated[int, Field(ge=0, le=91)] = 7

    @model_validator(mode="after")
    def _arms_differ(self) -> Experiment:
        if self.kind == "price" and not self.factors:
            raise ValueError("factors: a price experiment needs at least one")
        return self

    @property
    def unit(self) -> str:
        """What is assigned: visitor, customer, region, sku, order or ticket."""
        return UNITS[self.kind]

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms; the untreated one comes first."""
        if self.kind == "price":
            return ("usual", *(f"x{factor:g}" for factor in self.factors))
        return ARMS[self.kind]

    @property
    def shares(self) -> tuple[float, ...]:
        """Planned share of each arm."""
        if self.kind == "price":
            return (1 / len(self.arms),) * len(self.arms)
        treated = 1 - self.share if self.kind in ("holdout", "geo") else self.share
        return (round(1 - treated, 12), round(treated, 12))

    @property
    def last_day(self) -> date:
        """Last day of the experiment."""
        return self.start + timedelta(days=self.days - 1)

    def age(self, today: np.datetime64) -> int:
        """Days since the start; negative before it, and from its length on it is over."""
        return int((today - np.datetime64(self.start, "D")).astype(int))

    def arm(self, lot: Lot, units: Array) -> Array:
        """Return the arm of each unit, as a position in ``arms``."""
        edges = np.cumsum(self.shares)[:-1]
        return np.searchsorted(edges, lot(self.id, units), side="right")

    def regions_on(self, lot: Lot, takes_part: Array, age: int) -> Array:
        """Return which regions are in the last arm on a day of a geo or launch experiment.

        Who takes no part goes on as usual: no feature, and the whole budget.
        """
        places = np.arange(len(takes_part))
        if self.kind == "launch":
            turn = np.argsort(np.argsort(np.where(takes_part, lot(self.id, places), np.inf)))
            return np.asarray(takes_part & (age >= turn * self.days / (takes_part.sum() + 1)))
        block = age // self.block_days if self.block_days else 0
        return np.asarray(~takes_part | (self.arm(lot, places + 4096 * block) == 1))


class Research(BaseModel):
    """Market research ordered: drawn from the true tastes, as a panel would answer.

    Parameters
    ----------
    kind
        ``survey``, ``conjoint``, ``price_answers`` (Van Westendorp) or ``interviews``.
    day
        Day of the field work.
    respondents
        How many answers are bought [people]; fewer come where the panel is smaller.
    panel
        ``online`` (young, heavy buyers), ``customers`` (own list) or ``random``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["survey", "conjoint", "price_answers", "interviews"]
    day: date
    respondents: Annotated[int, Field(ge=1, le=20_000)]
    panel: Literal["online", "customers", "random"] = "online"
