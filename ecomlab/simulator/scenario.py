"""A scenario: every parameter of a simulated world, validated, with its unit.

A scenario is data. The presets live in ``presets/*.yaml``; ``extends`` lets one preset
start from another. Nothing here depends on a plan or on a seed.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from datetime import date
from importlib import resources
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, field_validator, model_validator

from ecomlab.simulator.experiments import Research
from ecomlab.simulator.incidents import Incident, check_incidents
from ecomlab.simulator.parameters import (
    Category,
    Choice,
    Competitor,
    Costs,
    Creators,
    Event,
    Feature,
    Front,
    Habits,
    Live,
    Loyalty,
    Mail,
    Market,
    Panel,
    Part,
    Region,
    Reviewing,
    Route,
    Search,
    Shoppers,
    Traps,
)
from ecomlab.simulator.parameters_delivery import Fulfilment, Satisfaction
from ecomlab.simulator.parameters_entry import Entering
from ecomlab.simulator.parameters_service import Service
from ecomlab.simulator.parameters_stock import Stock

__all__ = ["ROUTES", "Scenario", "load_scenario", "nearest", "presets"]

# A route's place here numbers its draws: add new ones at the end.
ROUTES = (
    "direct", "seo", "brand_search", "generic_search", "social", "email", "creators",
    "affiliate", "live",
)  # fmt: skip
_TEACHING = 3.0  # how much larger effects are where the lesson matters more than the size
RouteId = Literal[
    "direct", "seo", "brand_search", "generic_search", "social", "email", "creators",
    "affiliate", "live",
]  # fmt: skip


class Scenario(Part):
    """Every parameter of a world (see ``parameters`` for the units).

    Examples
    --------
    >>> load_scenario("west_d2c").currency
    'USD'
    >>> load_scenario("west_d2c").with_traps({"price": 0}).traps.price
    0.0
    """

    name: str = Field(pattern="^[a-z][a-z0-9_]{0,39}$")
    currency: str = Field(pattern="^[A-Z]{3}$")
    time_zone: str
    start: date
    people: int = Field(ge=1)
    days: int = Field(ge=1, le=4000)
    regions: Mapping[str, Region] = Field(min_length=1, max_length=60)
    categories: Mapping[str, Category] = Field(min_length=1, max_length=60)
    brands: tuple[str, ...] = Field(min_length=1)
    routes: Mapping[RouteId, Route] = Field(min_length=1)
    fronts: Mapping[str, Front] = Field(default_factory=dict)
    search: Search
    mail: Mail
    creators: Creators | None = None
    live: Live | None = None
    events: Mapping[str, Event] = Field(default_factory=dict)
    loyalty: Loyalty
    shoppers: Shoppers
    choice: Choice
    competitors: Competitor
    features: Mapping[str, Feature] = Field(default_factory=dict)
    habits: Habits
    traps: Traps = Traps()
    reviewing: Reviewing = Reviewing()
    stock: Stock | None = None  # unlimited if left out
    fulfilment: Fulfilment | None = None
    satisfaction: Satisfaction | None = None
    service: Service | None = None
    entry: Entering = Entering()
    market: Market
    research: tuple[Research, ...] = ()  # ordered by the status quo
    panel: Panel = Panel()
    costs: Costs
    power: Literal["teaching", "realistic"] = "teaching"
    lost_arm_share: float = Field(default=0.0, ge=0, le=0.5)  # a fault of the test software
    incidents: tuple[Incident, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels in the order of their first routes."""
        return tuple(dict.fromkeys(route.channel for route in self.routes.values()))

    @property
    def levers(self) -> dict[str, tuple[str, ...]]:
        """Budget lever -> routes it moves: channels, and ``channel.campaign`` where they split."""
        paid = {n: r for n, r in self.routes.items() if r.campaign}
        whole = {r.channel: () for r in paid.values()}
        found: dict[str, tuple[str, ...]] = {
            c: tuple(n for n, r in paid.items() if r.channel == c) for c in whole
        }
        split = {c for c, names in found.items() if len(names) > 1}
        found |= {f"{r.channel}.{r.campaign}": (n,) for n, r in paid.items() if r.channel in split}
        return found

    def with_power(self, power: Literal["teaching", "realistic"]) -> Scenario:
        """Return the world in which features do much, for small classes, or as little as usual.

        Realistic effects are a third of the teaching ones: a feature then lifts orders by some
        6 %, the median of published trials [R20], which needs more visits than most shops have.
        """
        if power == self.power:
            return self
        scale = 1 / _TEACHING if power == "realistic" else _TEACHING
        values = self.model_dump()
        for feature in values["features"].values():
            for effect in ("order", "cart", "novelty"):
                feature[effect] *= scale
        return Scenario.model_validate(values | {"power": power})

    def without_operations(self) -> Scenario:
        """Return the world of unlimited stock, perfect delivery and no contacts."""
        off = dict.fromkeys(("stock", "fulfilment", "satisfaction", "service"))
        return Scenario.model_validate(self.model_dump() | off)

    def with_traps(self, doses: Mapping[str, float]) -> Scenario:
        """Return the twin of this world in which some habits have another dose."""
        values = self.model_dump()
        values["traps"] |= dict(doses)
        return Scenario.model_validate(values)

    def with_incidents(self, incidents: Iterable[Incident]) -> Scenario:
        """Return the twin of this world with other incidents; none at all if they are empty."""
        held = [one.model_dump() for one in incidents]
        return Scenario.model_validate(self.model_dump() | {"incidents": held})

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("name a zone such as America/New_York") from None
        return value

    @model_validator(mode="after")
    def _shares_add_up(self) -> Scenario:
        total = sum(region.share for region in self.regions.values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"shares of regions add up to {total:g}, not to 1")
        if all(region.is_new or not region.share for region in self.regions.values()):
            raise ValueError("regions: one with people in it must not be new")
        return self

    @model_validator(mode="after")
    def _incidents_strike_what_there_is(self) -> Scenario:
        check_incidents(self)
        return self

    @model_validator(mode="after")
    def _names_that_are_named_exist(self) -> Scenario:
        for name, kind in self.categories.items():
            if kind.companion and kind.companion not in self.categories:
                raise ValueError(f"categories.{name}.companion: there is no {kind.companion!r}")
        for name, route in self.routes.items():
            if set(route.fronts) - set(self.fronts) or bool(self.fronts) != bool(route.fronts):
                known = ", ".join(self.fronts) or "no fronts"
                raise ValueError(f"routes.{name}.fronts: the scenario has {known}")
        if "creators" in self.routes and self.creators is None:
            raise ValueError("the route creators needs the part creators")
        if "live" in self.routes and self.live is None:
            raise ValueError("the route live needs the part live")
        return self


def presets() -> tuple[str, ...]:
    """Return the names of the presets, sorted."""
    folder = resources.files(__package__) / "presets"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Return a hint naming the known word that is most like the one given."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f" Did you mean {close[0]!r}?" if close else ""


@functools.cache
def load_scenario(name: str) -> Scenario:
    """Return a preset.

    Raises
    ------
    ValueError
        Where no preset has that name; the message names the nearest one.
    """
    return Scenario.model_validate({**_read(name), "name": name})


def _read(name: str) -> dict[str, Any]:
    known = presets()
    if name not in known:
        raise ValueError(
            f"There is no scenario {name!r}.{nearest(name, known)} Presets: {', '.join(known)}."
        )
    text = (resources.files(__package__) / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = yaml.safe_load(text)
    parent = values.pop("extends", None)
    if not parent:
        return values
    replaced = values.pop("replaces", ())  # parts that are not laid over the parent's
    below = {part: value for part, value in _read(parent).items() if part not in replaced}
    return _merge(below, values)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one tree of values over another."""
    out = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _merge(out[key], value) if both else value
    return out
