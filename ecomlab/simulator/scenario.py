"""A scenario: every parameter of a simulated world, validated, with its unit.

A scenario is data. The presets live in ``presets/*.yaml``; ``extends`` lets one preset
start from another. Nothing here depends on a plan or on a seed.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from importlib import resources
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = [
    "Category",
    "Channel",
    "Costs",
    "Event",
    "Habits",
    "Region",
    "Scenario",
    "Shoppers",
    "load_scenario",
    "nearest",
    "presets",
]

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
ChannelId = Literal["direct", "seo", "paid_search", "social", "email", "affiliate"]
DEVICES = ("desktop", "mobile", "tablet")
AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Region(_Part):
    """A sales region: its share of the people, and how it differs."""

    name: str
    population: int = Field(gt=0)
    share: Share
    income_index: Positive = 1.0
    km_to_depot: NonNegative = 0.0


class Category(_Part):
    """A product category. Season is a share of the mean: 0.3 is 30 % above it at the peak."""

    prefix: str = Field(pattern="^[A-Z]{2}$")
    skus: int = Field(ge=1, le=63)
    mean_price: Positive  # currency/unit
    popularity: Positive  # relative weight when shoppers look around
    margin_share: Share  # gross margin over list price
    return_share: Share  # of lines sent back
    weight_kg: Positive
    season: Share = 0.0
    season_peak_day: int = Field(default=1, ge=1, le=366)
    goods: tuple[str, ...] = Field(min_length=1)


class Channel(_Part):
    """A route to the shop.

    The chance of a visit is ``reach_per_day`` times the person's rate and affinity, and for
    a paid route times the response ``x / (x + half_saturation)`` to the adstock ``x`` of
    spend, both in currency per 1,000 people and day: absolute units, so that another plan
    does not change the curve.
    """

    reach_per_day: Positive
    spend: NonNegative = 0.0  # currency per 1,000 people and day, status quo
    half_saturation: NonNegative = 0.0
    half_life_days: Positive = 1.0
    activity_bias: float = 0.0  # affinity grows with the person's rate to this power
    click_share: Share = 0.05  # clicks over impressions
    claim_share: Share = 0.0  # of orders it claims on seeing alone, without a click
    campaigns: Mapping[str, Positive] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _paid_routes_are_complete(self) -> Channel:
        if self.spend and not (self.half_saturation and self.campaigns):
            raise ValueError("a channel with spend needs half_saturation and campaigns")
        return self


class Event(_Part):
    """A shopping event: a day by rule, and how the days around it differ (log effects)."""

    month: int = Field(ge=1, le=12)
    day: int | None = Field(default=None, ge=1, le=31)
    weekday: int | None = Field(default=None, ge=0, le=6)  # 0 is Monday
    nth: int = Field(default=1, ge=1, le=4)
    shift_days: int = 0
    peak_days: int = Field(default=1, ge=1, le=14)
    peak: float = 0.0
    before_days: int = Field(default=0, ge=0, le=28)
    before: float = 0.0  # negative where people wait for the event
    after_days: int = Field(default=0, ge=0, le=28)
    after: float = 0.0  # negative where demand was pulled forward
    intent: float = 0.0  # how much readier visitors are to buy at the peak
    promotion_share: Share = 0.0  # of products the shop promotes at the peak

    @model_validator(mode="after")
    def _one_rule(self) -> Event:
        if (self.day is None) == (self.weekday is None):
            raise ValueError("give an event either day or weekday and nth")
        if self.day is not None:
            date(2023, self.month, self.day)  # raises where not every year has the day
        return self


class Shoppers(_Part):
    """How people come, choose, buy and leave."""

    rate_shape: Positive  # gamma shape of visit rates: small is unequal
    dropout_a: Positive  # beta law of leaving for good after an order
    dropout_b: Positive
    price_sensitivity: Positive  # median; minus the price elasticity of choice
    price_sensitivity_spread: NonNegative  # log standard deviation
    taste_spread: NonNegative
    considered: int = Field(ge=2, le=20)  # products looked at in a visit
    outside: float  # utility of buying nothing here
    cart_slack: NonNegative  # how far below buying a product still enters the cart
    add_on_outside: float  # utility at which a further product joins an order half the time
    extra_units: NonNegative  # mean of units beyond the first, a line
    aware_share: Share  # of people who know the shop on the first day
    aware_half_life_days: Positive  # until half of the others know it
    guest_share: Share
    email_share: Share
    login_share: Share  # of a known customer's visits
    device_shares: tuple[Share, Share, Share] = (0.38, 0.55, 0.07)
    device_outside: tuple[float, float, float] = (-0.3, 0.2, 0.0)
    weekday_factors: tuple[Positive, ...] = Field(min_length=7, max_length=7)
    season: Share = 0.0
    season_peak_day: int = Field(default=340, ge=1, le=366)
    half_year_season: Share = 0.0
    growth_per_year: float = 0.0
    shock_sd: NonNegative = 0.0  # of the daily demand shock, log
    shock_memory: Share = 0.0
    category_shock_sd: NonNegative = 0.0  # of the weekly shock of a category, utility


class Habits(_Part):
    """The status-quo manager, whose habits confound what an analyst sees."""

    spend_on_season: NonNegative  # elasticity of budgets to forecast demand
    spend_before_events: NonNegative  # log lift in the two weeks before an event
    spend_noise: NonNegative
    promotion_share: Share  # of products, in an ordinary week
    promotion_on_demand: NonNegative  # dose of discounting into demand, 0 to 0.45
    promotion_depths: tuple[Share, ...] = Field(min_length=1)
    cost_pass_through: Share
    coupon_share: Share  # of orders of people who get mail
    coupon_depth: Share


class Costs(_Part):
    """What orders cost beside the goods, in the store's currency."""

    shipping_fee: NonNegative
    free_shipping_from: NonNegative
    per_parcel: NonNegative
    per_kg: NonNegative
    payment_share: Share
    payment_fee: NonNegative
    per_return: NonNegative
    fixed_per_1000_people: NonNegative  # a day
    cost_index_sd: NonNegative
    media_index_q4: Positive
    failed_share: Share
    pending_share: Share
    cancelled_share: Share
    resale_share: Share


class Scenario(_Part):
    """Every parameter of a world (see the classes of its parts for the units).

    Examples
    --------
    >>> load_scenario("west_d2c").currency
    'USD'
    """

    name: str = Field(pattern="^[a-z][a-z0-9_]{0,39}$")
    currency: str = Field(pattern="^[A-Z]{3}$")
    time_zone: str
    start: date
    people: int = Field(ge=1)
    days: int = Field(ge=1, le=4000)
    regions: Mapping[str, Region] = Field(min_length=1)
    categories: Mapping[str, Category] = Field(min_length=1, max_length=60)
    brands: tuple[str, ...] = Field(min_length=1)
    channels: Mapping[ChannelId, Channel] = Field(min_length=1)
    events: Mapping[str, Event] = Field(default_factory=dict)
    shoppers: Shoppers
    habits: Habits
    costs: Costs

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
        return self


def presets() -> tuple[str, ...]:
    """Return the names of the presets, sorted."""
    folder = resources.files(__package__) / "presets"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Return a hint naming the known word that is most like the one given."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f" Did you mean {close[0]!r}?" if close else ""


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
    return _merge(_read(parent), values) if parent else values


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one tree of values over another."""
    out = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _merge(out[key], value) if both else value
    return out
