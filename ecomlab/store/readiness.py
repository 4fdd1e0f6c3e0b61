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
        missing = ", ".join(said for said, _ in lacks)
        return (*named, "impossible", missing, " ".join(need.remedy for _, need in lacks))
    lacks = [(said, need) for need in section.helpful if (said := need.missing(store))]
    if lacks:
        missing = "; ".join(f"{said}: {need.loss}" for said, need in lacks)
        return (*named, "degraded", missing, " ".join(need.remedy for _, need in lacks))
    return (*named, "ready", "", section.hint)
