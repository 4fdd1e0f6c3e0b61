"""What each notebook section needs of a store, and whether this one has it.

The declaration is data: a chapter to come adds its :class:`Section` rows to ``SECTIONS``.
A need that is *required* makes its section impossible where it is not met, a *helpful* one
only degraded; every need says how to meet it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from ecomlab import schema
from ecomlab.store.importers.roles import ROLES

if TYPE_CHECKING:
    from ecomlab.store.store import Store

__all__ = [
    "SECTIONS",
    "AnyOf",
    "Asked",
    "Columns",
    "Need",
    "Section",
    "Simulated",
    "Weeks",
    "WholePeriod",
    "assess_readiness",
]


class Need(Protocol):
    """Something a section asks of a store."""

    @property
    def loss(self) -> str:
        """What is lost without it, where the section can go on."""

    @property
    def remedy(self) -> str:
        """How to meet it."""

    def missing(self, store: Store) -> str:
        """Return what the store lacks, or nothing where the need is met."""


@dataclass(frozen=True)
class Columns:
    """A table, and columns of it that are not wholly empty."""

    table: str
    columns: tuple[str, ...] = ()
    loss: str = ""

    @property
    def remedy(self) -> str:
        """How to meet it."""
        known = schema.TABLES[self.table].columns
        meant = ", ".join(f"{name} ({known[name].description})" for name in self.columns)
        said = f"Import the table {self.table}" + (f" with {meant}." if meant else ".")
        # only what an export of orders fills is mapped by roles; other tables have their own file
        roles = [name for name in self.columns if name in ROLES and self.table in _EXPORTED]
        lines = " and ".join(f'{name} = "your column"' for name in roles)
        return said + (f" In the mapping, write {lines} under [columns]." if lines else "")

    def missing(self, store: Store) -> str:
        """Return the table, or those of its columns, that the store lacks."""
        if self.table not in store.tables:
            return self.table
        held = [name for name in self.columns if name in store.columns(self.table)]
        filled = set()
        if held:
            counts = ", ".join(f'count("{name}") AS "{name}"' for name in held)
            found = store.query(f"SELECT {counts} FROM {self.table}").iloc[0]
            filled = {name for name in held if found[name] > 0}
        return ", ".join(f"{self.table}.{name}" for name in self.columns if name not in filled)


@dataclass(frozen=True)
class Asked(Columns):
    """A table of market research, which an analyst brings in by a template."""

    template: str = "survey"

    @property
    def remedy(self) -> str:
        """How to meet it."""
        return (
            f"Bring your own in: ecomlab import --template {self.template} shows the files, their "
            "columns and how to map them."
        )


@dataclass(frozen=True)
class Weeks:
    """A period long enough to learn from."""

    weeks: int
    loss: str = ""

    @property
    def remedy(self) -> str:
        """How to meet it."""
        return f"Import at least {self.weeks} weeks of orders."

    def missing(self, store: Store) -> str:
        """Return how many weeks the store has, where these are too few."""
        about = store.manifest
        days = (date.fromisoformat(about.last_day) - date.fromisoformat(about.first_day)).days + 1
        return "" if days >= 7 * self.weeks else f"{self.weeks} weeks of orders (has {days // 7})"


@dataclass(frozen=True)
class WholePeriod:
    """A log that covers the store's period; one that is not there is another need's."""

    table: str
    loss: str = ""

    @property
    def remedy(self) -> str:
        """How to meet it."""
        return f"Import the table {self.table} from the store's first day to its last."

    def missing(self, store: Store) -> str:
        """Return the days that the log does not reach."""
        if self.table not in store.tables:
            return ""
        asked = f"SELECT min(date) AS first, max(date) AS last FROM {self.table}"
        first, last = store.query(asked).iloc[0][["first", "last"]]
        if pd.isna(first):
            return ""
        early = first > pd.Timestamp(store.manifest.first_day)
        late = last < pd.Timestamp(store.manifest.last_day)
        gaps = [f"before {first:%Y-%m-%d}"] * early + [f"after {last:%Y-%m-%d}"] * late
        return f"{self.table} {' and '.join(gaps)}" if gaps else ""


@dataclass(frozen=True)
class Simulated:
    """A store that the simulator made, so that time can be run on."""

    loss: str = ""

    @property
    def remedy(self) -> str:
        """How to meet it."""
        return "Try it on a simulated store: ecomlab simulate --preset west_d2c --out STORE."

    def missing(self, store: Store) -> str:
        """Return what the store lacks, where it is not a simulated one with an open seed."""
        origin = store.manifest.origin
        if origin.get("kind") != "simulated":
            return "a simulated store"
        return "" if origin.get("seed") is not None else "the seed, which is sealed"


@dataclass(frozen=True)
class AnyOf:
    """One of several needs; the first is the one recommended."""

    needs: tuple[Columns, ...]
    loss: str = ""

    @property
    def remedy(self) -> str:
        """How to meet it."""
        return " Or: ".join(need.remedy for need in self.needs)

    def missing(self, store: Store) -> str:
        """Return what the store lacks, where it meets none of the needs."""
        lacks = [need.missing(store) for need in self.needs]
        return " or ".join(lacks) if all(lacks) else ""


@dataclass(frozen=True)
class Section:
    """One section of a notebook and what it needs; ``hint`` is said where nothing lacks."""

    notebook: str
    title: str
    required: tuple[Need, ...]
    helpful: tuple[Need, ...] = ()
    hint: str = ""


_EXPORTED = ("orders", "order_lines")
_SALES = (Columns("orders"), Columns("order_lines"))
_EIGHT_WEEKS = (*_SALES, Weeks(8))
_WEB_LOG = WholePeriod("sessions", loss="visits and conversion of these days are not known")
_AD_LOG = WholePeriod("ad_daily", loss="ad spend of these days is not known")
_MEET = "00_meet_the_store"
_GOALS = "01_goal_setting"
_PLAN = "04_marketing_plan"
_PRODUCT = "03_product_planning"
_MARKET = "02_market_analysis"
_PANEL = (
    Asked("survey_answers", ("respondent_id", "region_id", "age_band")),
    Asked("population_margins", ("share",)),
)
_SPEND = Asked("survey_answers", ("orders_last_year", "spend_last_year", "here_share"))
_CHOICES = Asked("choice_answers", ("price", "is_chosen", "is_eco"))
_SCRAPED = Asked("competitor_prices", ("price",), template="competitors")
_ASKED_PRICES = Asked("prices", ("price",), template="competitors")

_COSTED = AnyOf((Columns("order_lines", ("unit_cost",)), Columns("products", ("unit_cost",))))
_KINDS = Columns("products", ("category_id",), loss="all products count as one kind")

SECTIONS: tuple[Section, ...] = (
    Section(_MEET, "tables and dictionary", _SALES),
    Section(_MEET, "quality", _SALES),
    Section(
        _MEET,
        "gross to net",
        _SALES,
        (Columns("returns", loss="the bridge ends at sales, net is unknown"),),
    ),
    Section(
        _MEET,
        "known and guest customers",
        _SALES,
        (Columns("orders", ("customer_id",), loss="every order counts as a guest's"),),
    ),
    Section(
        _MEET,
        "traffic and conversion",
        (Columns("sessions", ("date",)),),
        (
            Columns("sessions", ("order_id",), loss="no conversion of visits"),
            Columns("sessions", ("channel",), loss="no traffic by channel"),
            _WEB_LOG,
        ),
    ),
    Section(
        _MEET,
        "margin",
        (
            *_SALES,
            Columns("returns"),
            AnyOf((Columns("order_lines", ("unit_cost",)), Columns("products", ("unit_cost",)))),
        ),
        (Columns("returns", ("resale_value",), loss="goods sent back count as worthless"),),
    ),
    Section(_MEET, "planted faults", (Columns("orders"),)),
    Section(
        _GOALS,
        "KPI tree",
        _SALES,
        (
            Columns("sessions", ("order_id",), loss="the tree ends above visits and conversion"),
            Columns("returns", loss="net is unknown, the tree ends at sales"),
            _WEB_LOG,
        ),
    ),
    Section(
        _GOALS,
        "baseline forecast",
        _EIGHT_WEEKS,
        (
            Weeks(91, loss="the season of the year is not known"),
            Columns("returns", loss="net is unknown, sales are forecast"),
        ),
    ),
    Section(
        _GOALS,
        "target probability",
        _EIGHT_WEEKS,
        (Weeks(91, loss="a chance without the season is no chance: none is given"),),
    ),
    Section(_GOALS, "market share", _SALES, hint="Give your market estimate as a parameter."),
    Section(
        _GOALS,
        "cascade to channels",
        (*_EIGHT_WEEKS, Columns("sessions", ("channel",))),
        (_WEB_LOG,),
    ),
    Section(
        _GOALS,
        "channel return",
        (*_SALES, Columns("ad_daily", ("channel", "spend")), Columns("sessions", ("channel",))),
        (_WEB_LOG, _AD_LOG),
    ),
    Section(_GOALS, "goal sheet", _EIGHT_WEEKS),
    Section(_GOALS, "next quarter in the store", (*_EIGHT_WEEKS, Simulated())),
    Section(
        _PLAN,
        "platform claims",
        (
            *_SALES,
            Columns("ad_daily", ("channel", "spend", "reported_orders")),
            Columns("sessions", ("channel", "order_id")),
        ),
        (_WEB_LOG, _AD_LOG),
    ),
    Section(
        _PLAN,
        "paths and attribution",
        (*_SALES, Columns("sessions", ("visitor_id", "started_at", "channel", "order_id"))),
        (_WEB_LOG,),
    ),
    Section(
        _PLAN,
        "unpaid search",
        (
            *_SALES,
            Columns("seo_daily", ("cluster", "rank", "impressions", "clicks")),
            Columns("sessions", ("channel", "order_id")),
        ),
    ),
    Section(
        _PLAN,
        "mails",
        (
            *_SALES,
            Columns("email_sends", ("customer_id", "date", "opened_at", "is_unsubscribed")),
            Columns("sessions", ("customer_id",)),
        ),
    ),
    Section(
        _PLAN,
        "creators",
        (
            Columns("creator_posts", ("creator", "fee", "followers", "engagements")),
            Columns("sessions", ("channel",)),
        ),
    ),
    Section(
        _PLAN,
        "mix model",
        (
            Columns("ad_daily", ("channel", "spend")),
            Columns("calendar", ("event_id",)),
            Columns("sessions", ("channel",)),
            Weeks(52),
        ),
        (_WEB_LOG, _AD_LOG),
    ),
    Section(_PLAN, "tests in the store", (*_SALES, Columns("sessions", ("channel",)), Simulated())),
    Section(
        _PLAN,
        "campaign by region",
        (*_SALES, Columns("orders", ("region_id",)), Weeks(20)),
    ),
    Section(_MARKET, "sample size", _SALES),
    Section(_MARKET, "panel weighting", _PANEL),
    Section(_MARKET, "market size", (*_SALES, *_PANEL, _SPEND)),
    Section(_MARKET, "preferences", (_CHOICES,)),
    Section(
        _MARKET,
        "price of eco products in the store",
        (
            _CHOICES,
            *_PANEL,
            Columns("products", ("is_eco", "unit_cost")),
            Columns("sessions"),
            Simulated(),
        ),
    ),
    Section(_MARKET, "segments", (*_PANEL, _SPEND)),
    Section(
        _MARKET,
        "interviews",
        (Asked("interviews", ("said",)),),
        (Asked("interview_codes", ("theme",), loss="no agreement of coders, no saturation"),),
    ),
    Section(_MARKET, "competitor prices", (_SCRAPED, _ASKED_PRICES, Columns("products", ("sku",)))),
    Section(
        _MARKET,
        "competitor reaction",
        (_SCRAPED, Asked("prices", ("price", "supply_cost_index"), template="competitors")),
    ),
    Section(
        _MARKET,
        "share of market",
        (*_PANEL, _SPEND),
        hint="Give what competitors spend on advertising as a parameter, for the share of voice.",
    ),
    Section(
        _MARKET,
        "map of brands",
        (Columns("products", ("brand", "category_id", "list_price", "attribute_1")),),
    ),
    Section(_MARKET, "map of regions", (*_PANEL, _SPEND, Columns("regions", ("name",)))),
    Section(
        _MARKET,
        "region entry",
        (*_SALES, *_PANEL, _SPEND, Columns("products", ("is_eco",)), Simulated()),
    ),
    Section(
        _PRODUCT,
        "life cycle",
        (*_SALES, Columns("products"), Weeks(27)),
        (
            Weeks(78, loss="a category's season cannot be told from a life cycle"),
            _KINDS,
            Columns("products", ("launch_date",), loss="launches are guessed from first sales"),
            Columns("prices", ("is_promoted",), loss="promotions are taken for growth"),
        ),
    ),
    Section(_PRODUCT, "the truth of stages", (Columns("products", ("launch_date",)), Simulated())),
    Section(_PRODUCT, "the line", (*_SALES, Columns("products")), (_KINDS,)),
    Section(
        _PRODUCT,
        "switching",
        (*_SALES, Columns("products", ("category_id", "launch_date"))),
        (Columns("inventory_daily", loss="only launches tell what was missing"),),
    ),
    Section(_PRODUCT, "tests by lot", (*_SALES, Columns("prices", ("price",)), Simulated())),
    Section(_PRODUCT, "price survey", (Columns("price_answers", ("too_cheap", "too_expensive")),)),
    Section(
        _PRODUCT,
        "elasticity",
        (*_SALES, Columns("products")),
        (
            Columns("prices", ("price",), loss="weeks without sales have no price and drop out"),
            Columns("prices", ("supply_cost_index",), loss="no instrument: habits stay in"),
            Columns("competitor_prices", ("price",), loss="rivals' prices cannot be held fixed"),
        ),
    ),
    Section(
        _PRODUCT,
        "prices",
        (*_SALES, Columns("products"), _COSTED),
        (Columns("competitor_prices", ("price",), loss="no ceiling from competitors"),),
    ),
    Section(_PRODUCT, "decisions in the store", (*_SALES, _COSTED, Simulated())),
    Section(
        _PRODUCT,
        "assortment",
        (*_SALES, Columns("products"), _COSTED),
        (_KINDS, Columns("inventory_daily", loss="money in stock is reckoned from sales")),
    ),
    Section(_PRODUCT, "surge watch", (*_SALES, Columns("products"), Weeks(40)), (_KINDS,)),
    Section(
        _PRODUCT,
        "reacting to a surge",
        (*_SALES, Columns("inventory_daily"), Columns("purchase_orders"), Simulated()),
    ),
)


def assess_readiness(store: Store, *, sections: Sequence[Section] = SECTIONS) -> pd.DataFrame:
    """Return for each notebook section whether the store is ready, and what would help.

    Parameters
    ----------
    store
        The store.
    sections
        What to assess; all that the course declares unless given.

    Returns
    -------
    DataFrame
        ``notebook, section, state, missing, remedy``: *ready*; *degraded*, where ``missing``
        also says what is lost; or *impossible*.

    Examples
    --------
    >>> from ecomlab.store import Manifest, Store
    >>> about = Manifest(name="empty", currency="EUR", time_zone="UTC", origin={"kind": "imported"},
    ...                  first_day="2024-01-01", last_day="2024-01-31")
    >>> empty = Store.from_tables({}, manifest=about)
    >>> assess_readiness(empty).loc[0, ["state", "missing"]].tolist()
    ['impossible', 'orders, order_lines']
    """
    rows = [_assess(store, section) for section in sections]
    return pd.DataFrame(rows, columns=["notebook", "section", "state", "missing", "remedy"])


def _assess(store: Store, section: Section) -> tuple[str, str, str, str, str]:
    """Decide one section: what it requires first, then what would help."""
    named = (section.notebook, section.title)
    lacks = [(said, need) for need in section.required if (said := need.missing(store))]
    if lacks:
        missing = ", ".join(dict.fromkeys(said for said, _ in lacks))
        remedy = " ".join(dict.fromkeys(need.remedy for _, need in lacks))
        return (*named, "impossible", missing, remedy)
    lacks = [(said, need) for need in section.helpful if (said := need.missing(store))]
    if lacks:
        missing = "; ".join(f"{said}: {need.loss}" for said, need in lacks)
        return (*named, "degraded", missing, " ".join(need.remedy for _, need in lacks))
    return (*named, "ready", "", section.hint)
