"""Incidents: dated changes of one parameter of one mechanism, inside a scope.

An incident never edits what comes out. It overrides a parameter (a *knob*) while it lasts,
for those regions, devices, routes or products that it strikes, and all else follows by the
causes. A world without incidents reads every knob as it is, so that a twin without them is
the same to the bit until the first day. Told in ``docs/simulator/incidents.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from ecomlab.simulator.noise import Array
from ecomlab.simulator.parameters import DEVICES, Part

if TYPE_CHECKING:
    from ecomlab.simulator.scenario import Scenario
    from ecomlab.simulator.world import World

__all__ = ["KNOBS", "Incident", "Knob", "Strikes", "check_incidents", "incident_names"]


@dataclass(frozen=True)
class Knob:
    """A parameter that incidents may override: who reads it, by what, and what it means."""

    mechanism: str
    by: tuple[str, ...]  # dimensions that its reader can tell apart
    about: str
    is_measured: bool = False  # moves records only, and nothing that is true


# The names are those that mechanisms and tables ask for; a test holds them together.
KNOBS: dict[str, Knob] = {
    "market.traffic": Knob("observe_day", ("region",), "occasions to shop, a multiple"),
    "search.rank": Knob("observe_day", (), "mean position in unpaid search"),
    "rival.target": Knob("set_rival_prices", ("category",),
                         "log price that competitors move to, over their usual one"),
    "shelf.price_factor": Knob("post_prices", ("sku",), "price posted over price decided"),
    "shelf.is_listed": Knob("post_prices", ("sku",), "1 where the shop finds the product, or 0"),
    "media.budget_factor": Knob("buy_media", ("route", "region"), "budget used over decided"),
    "creators.burst": Knob("book_creators", ("route",), "reach that posts have on a day"),
    "media.price_index": Knob("remember_media", ("route", "region"), "price of media"),
    "media.wasted_share": Knob("remember_media", ("route", "region"),
                               "share of what is bought that no person ever sees"),
    "mail.open_share": Knob("send_mail", ("region",), "mails opened by who is not tired"),
    "mail.holdout_leak": Knob("send_mail", (), "share of people held out who are mailed"),
    "site.load_factor": Knob("choose", ("region", "device"), "time that pages take to load"),
    "checkout.friction": Knob("choose", ("region", "device", "route"),
                              "utility that an order costs at the checkout"),
    "till.failed_share": Knob("check_out", ("region", "device"), "orders whose payment fails"),
    "till.coupon_share": Knob("check_out", ("region",), "buyers who find the coupon"),
    "till.shipping_fee": Knob("check_out", ("region",), "fee of an order [currency]"),
    "service.sick_share": Knob("staff_desks", (), "agents who are sick, on the mean day"),
    "goods.defect_share": Knob("send_back", ("sku",), "share of lines that are defective"),
    "stock.phantom_units": Knob("reorder", ("sku",), "units in the books that are not there"),
    "stock.label_share": Knob("consider", ("sku",), "shoppers who see what is out of stock"),
    "supplier.disruption": Knob("watch_suppliers", ("supplier",),
                                "0, or the place of a kind in suppliers.DISRUPTIONS from 1"),
    "carrier.delay": Knob("quote_delivery", ("carrier", "region"), "mean delay under way [days]"),
    "depot.capacity": Knob("quote_delivery", (), "parcels picked a day"),
    "pixel.claims_share": Knob("report_media", ("route", "region"),
                               "orders that a platform still sees", is_measured=True),
    "pixel.impression_factor": Knob("report_media", ("route", "region"),
                                    "impressions counted over shown", is_measured=True),
    "log.bot_share": Knob("sessions", (), "visits of machines over visits", is_measured=True),
    "log.label_share": Knob("sessions", ("route", "region", "device"),
                            "visits whose channel is lost", is_measured=True),
    "log.login_share": Knob("sessions", ("region", "device"),
                            "known customers recognised", is_measured=True),
    "log.views_factor": Knob("sessions", ("region", "device"),
                             "product views counted over seen", is_measured=True),
    "log.checkout_share": Knob("sessions", ("region", "device"),
                               "checkouts recorded", is_measured=True),
    "log.lost_arm_share": Knob("sessions", ("region", "device"),
                               "treated visits without their arm", is_measured=True),
    "scrape.price_unit": Knob("competitor_prices", ("sku",),
                              "price noted over price seen", is_measured=True),
    "catalogue.weight_unit": Knob("products", ("sku",),
                                  "weight noted over weight", is_measured=True),
}  # fmt: skip
_INTO = {"channel": "route", "category": "sku"}  # scopes that stand for several of another


class Incident(Part):
    """One incident.

    Parameters
    ----------
    id
        Its name; says nothing of what it is.
    kind
        Its kind in the catalogue (see ``packs``), or a name of your own.
    parameter
        A name in ``KNOBS``; empty for a change that does nothing but stand in the log.
    op, value
        ``times`` and ``plus`` change the parameter, ``set`` replaces it.
    scope
        Dimension -> names it strikes; everything if left out.
    start, days
        First day and length [days].
    shape
        ``step``: all of it at once. ``ramp``: growing over the first half. ``flicker``: on
        about half of the days, the first among them.
    note
        What the shop's log of changes says on the first day; nothing if left out.
    is_decoy
        Whether it only coincides, and nobody should look for it.

    Examples
    --------
    >>> one = Incident(id="i1", parameter="checkout.friction", op="plus", value=2.0,
    ...                scope={"device": ["mobile"]}, start="2024-02-01", days=5)
    >>> one.mechanism, one.end.isoformat(), one.strength(0), one.strength(5)
    ('choose', '2024-02-05', 1.0, 0.0)
    """

    id: str = Field(pattern="^[a-z][a-z0-9_-]{0,39}$")
    kind: str = Field(default="own", pattern="^[a-z][a-z0-9_]{0,39}$")
    parameter: str = ""
    op: Literal["times", "plus", "set"] = "times"
    value: float = 1.0
    scope: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    start: date
    days: int = Field(ge=1, le=1500)
    shape: Literal["step", "ramp", "flicker"] = "step"
    note: str = Field(default="", max_length=80)
    is_decoy: bool = False

    @property
    def mechanism(self) -> str:
        """The mechanism, or the table, whose parameter is overridden."""
        return KNOBS[self.parameter].mechanism if self.parameter else ""

    @property
    def is_measured(self) -> bool:
        """Whether only records are wrong, and nothing that is true."""
        return not self.parameter or KNOBS[self.parameter].is_measured

    @property
    def end(self) -> date:
        """Last day."""
        return self.start + timedelta(days=self.days - 1)

    def strength(self, age: int) -> float:
        """Return how much of the change is in force some days after the start, from 0 to 1."""
        if not 0 <= age < self.days:
            return 0.0
        if self.shape == "ramp":
            return min(1.0, (age + 1) / max((self.days + 1) // 2, 1))
        if self.shape == "flicker" and age:
            return float(blake2b(f"{self.id}|{age}".encode(), digest_size=1).digest()[0] % 2)
        return 1.0

    @model_validator(mode="after")
    def _overrides_what_there_is(self) -> Incident:
        if not self.parameter:
            if not (self.is_decoy and self.note):
                raise ValueError("an incident without a parameter is a decoy with a note")
            return self
        if self.parameter not in KNOBS:
            raise ValueError(f"no parameter {self.parameter!r}. Known: {', '.join(KNOBS)}")
        by = KNOBS[self.parameter].by
        for name in self.scope:
            if name not in by and _INTO.get(name) not in by:
                raise ValueError(f"scope.{name}: {self.parameter} is told apart by "
                                 f"{', '.join(by) or 'nothing'}")  # fmt: skip
        return self


def check_incidents(scenario: Scenario) -> None:
    """Raise where incidents share a name, or strike what the scenario does not have."""
    ids = [one.id for one in scenario.incidents]
    if len(set(ids)) < len(ids):
        raise ValueError(f"incidents: two are called {max(ids, key=ids.count)!r}")
    for one in scenario.incidents:
        for dimension, names in one.scope.items():
            known = incident_names(scenario, dimension)
            for name in names:
                if name not in known:
                    raise ValueError(
                        f"incidents.{one.id}.scope.{dimension}: there is no {name!r}. "
                        f"Known: {', '.join(known[:12])}"
                    )


def incident_names(scenario: Scenario, dimension: str) -> tuple[str, ...]:
    """Return the names of a dimension, in the order that numbers them."""
    if dimension == "sku":
        return tuple(f"{kind.prefix}-{n:03d}" for kind in scenario.categories.values()
                     for n in range(1, kind.skus + 1))  # fmt: skip
    known: dict[str, tuple[str, ...]] = {
        "region": tuple(scenario.regions),
        "device": DEVICES,
        "route": tuple(map(str, scenario.routes)),
        "channel": scenario.channels,
        "category": tuple(scenario.categories),
    }
    if dimension == "carrier" and scenario.fulfilment is not None:
        return tuple(scenario.fulfilment.carriers)
    if dimension == "supplier" and scenario.stock is not None:
        return tuple(f"V-{i + 1:02d}" for i in range(scenario.stock.sourcing.suppliers))
    return known.get(dimension, ())


class Strikes:
    """What a world's incidents make of its parameters, day by day."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def of(self) -> dict[str, list[tuple[Incident, int, dict[str, Array]]]]:
        """Parameter -> incidents, with the position of their first day and whom they strike."""
        scenario = self.world.scenario
        found: dict[str, list[tuple[Incident, int, dict[str, Array]]]] = {}
        for one in scenario.incidents:
            if one.parameter:
                first = (one.start - scenario.start).days
                held = (one, first, self._inside(one))
                found.setdefault(one.parameter, []).append(held)
        return found

    def parameter(
        self,
        name: str,
        usual: Any,
        *,
        day: Array | int,
        people: Array | None = None,
        skus: Array | None = None,
        at: Mapping[str, Array] | None = None,
    ) -> Any:
        """Return a parameter as incidents leave it; just what was given where none strikes.

        Parameters
        ----------
        name
            A name in ``KNOBS``.
        usual
            Its value without incidents.
        day
            Position of the day, or of each entry's day.
        people, skus
            Positions of people, who stand for their region and device, or of products.
        at
            Dimension -> positions, for all others (see ``Knob.by``).
        """
        for one, first, inside in self.of.get(name, ()):
            strength = _strengths(one, day, first)
            if not np.any(strength):
                continue
            codes: dict[str, Any] = {"sku": skus, **(at or {})}
            if people is not None:
                crowd = self.world.people
                codes |= {"region": crowd.region[people], "device": crowd.device[people]}
            struck: Any = strength
            for dimension, members in inside.items():
                struck = struck * members.take(codes[dimension])
            usual = _changed(one, usual, struck)
        return usual

    def _inside(self, one: Incident) -> dict[str, Array]:
        """Return for each dimension of an incident's scope which positions it strikes."""
        scenario, by = self.world.scenario, KNOBS[one.parameter].by
        out: dict[str, Array] = {}
        for dimension, names in one.scope.items():
            own = incident_names(scenario, dimension)
            members = np.array([name in names for name in own])
            if dimension not in by:
                members = members[self._within(dimension)]
                dimension = _INTO[dimension]
            out[dimension] = members | out.get(dimension, members)
        return out

    def _within(self, dimension: str) -> Array:
        """Return the category of each product, or the channel of each route."""
        if dimension == "category":
            return np.asarray(self.world.products.category)
        channels = self.world.scenario.channels
        return np.array([channels.index(r.channel) for r in self.world.scenario.routes.values()])


def _strengths(one: Incident, day: Array | int, first: int) -> Any:
    if np.ndim(day) == 0:
        return one.strength(int(day) - first)
    path = np.array([one.strength(age) for age in range(one.days)] + [0.0])
    age = np.asarray(day) - first
    return path[np.where((age >= 0) & (age < one.days), age, one.days)]


def _changed(one: Incident, usual: Any, struck: Any) -> Any:
    """Return a value changed as far as it is struck (0 leaves it to the bit)."""
    if one.op == "times":
        return usual * (1 + struck * (one.value - 1))
    if one.op == "plus":
        return usual + struck * one.value
    return usual + struck * (one.value - usual)
