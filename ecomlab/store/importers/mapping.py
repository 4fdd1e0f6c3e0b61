"""What a mapping file says: where each column of an export goes, and what its rows mean.

A mapping is TOML with ``[store]``, ``[source]``, ``[settings]``, ``[columns]``, ``[[rules]]``,
``[rates]`` and ``[tables.*]``. Every key is known; a misspelt one is an error.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ecomlab import schema
from ecomlab.store.importers.extras import EXTRAS, extra_text
from ecomlab.store.importers.problem import ImportProblem, nearest
from ecomlab.store.importers.roles import ROLES
from ecomlab.store.importers.rules import Rule, read_rules

__all__ = [
    "ColumnMap",
    "FormatMap",
    "Settings",
    "Source",
    "TableMap",
    "load_mapping",
    "ready_formats",
    "template_text",
]

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class Source:
    """How the files are to be read."""

    kind: str = AUTO
    encodings: tuple[str, ...] = ("utf-8", "gb18030", "latin-1")
    separator: str = AUTO
    escape: str = ""
    decimal: str = AUTO
    header_row: int = 0
    names: tuple[str, ...] = ()
    sheet: str | int = 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to do where an export leaves a choice."""

    duplicates: str = "keep"
    negative: str = "return"
    zero_price: str = "keep"
    nonexistent_times: str = "reject"


CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": (AUTO, "csv", "excel", "parquet"),
    "decimal": (AUTO, ".", ","),
    "duplicates": ("keep", "reject"),
    "negative": ("return", "reject"),
    "zero_price": ("keep", "reject"),
    "nonexistent_times": ("reject", "shift"),
    "case": ("keep", "upper", "lower"),
    "per": ("order", "line"),
}


@dataclass(frozen=True, kw_only=True)
class ColumnMap:
    """Where a role's values come from, and how they are written there.

    ``any_of`` gives source columns of which the first filled one counts; ``join`` gives
    columns put together with a space; ``constant`` needs no column at all.
    """

    role: str
    kind: str
    any_of: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    constant: str = ""
    default: str = ""
    format: tuple[str, ...] = (AUTO,)
    time_zone: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = ""
    case: str = "keep"
    remove: str = ""
    empty: tuple[str, ...] = ()
    per: str = "order"
    fill_down: bool = False
    percent: bool = False
    optional: bool = False
    row_number: bool = False

    @property
    def headers(self) -> tuple[str, ...]:
        """The columns of the export that the role uses."""
        return (*self.any_of, *self.join)

    @property
    def label(self) -> str:
        """What the report calls the column: its name in the export where it has one."""
        return " + ".join(self.join) or "/".join(self.any_of) or self.role


@dataclass(frozen=True, kw_only=True, eq=False)
class TableMap:
    """A further table of the store that comes from flat files of its own."""

    table: str
    files: str
    columns: tuple[ColumnMap, ...]


@dataclass(frozen=True, kw_only=True)
class FormatMap:
    """A whole mapping file."""

    title: str
    sha256: str
    name: str
    currency: str
    time_zone: str
    source: Source
    settings: Settings
    columns: tuple[ColumnMap, ...]
    rules: tuple[Rule, ...]
    rates: Mapping[str, float]
    tables: tuple[TableMap, ...]
    personal: tuple[str, ...]

    def column(self, role: str) -> ColumnMap | None:
        """Return where a role comes from, or None where the mapping leaves it out."""
        return next((column for column in self.columns if column.role == role), None)

    @property
    def hides_orders(self) -> bool:
        """Whether order ids are made from a personal column and so become pseudonyms too."""
        person, order = self.column("customer_id"), self.column("order_id")
        people = {*self.personal, *(person.headers if person else ())}
        folded = {name.casefold() for name in people}
        return order is not None and any(name.casefold() in folded for name in order.headers)


def ready_formats() -> tuple[str, ...]:
    """Return the names of the mappings that come with the package.

    Examples
    --------
    >>> ready_formats()
    ('online_retail', 'shopify')
    """
    folder = files(__package__).joinpath("formats")
    names = (entry.name.removesuffix(".toml") for entry in folder.iterdir())
    return tuple(sorted(name for name in names if "." not in name and name != "template"))


def template_text(kind: str = "orders") -> str:
    """Return a commented mapping file to start one's own from.

    Parameters
    ----------
    kind
        ``"orders"``, the general template; ``"survey"`` or ``"competitors"``, pieces to put below
        it; or the name of a ready format.

    Examples
    --------
    >>> template_text().splitlines()[0]
    '# Mapping: tells "ecomlab import" what the columns of your export are.'
    """
    if kind in EXTRAS:
        return extra_text(kind)
    name = "template" if kind == "orders" else kind
    if name != "template" and name not in ready_formats():
        raise ImportProblem(
            f"There is no template {kind!r}. Ask for 'orders' or one of "
            f"{', '.join((*EXTRAS, *ready_formats()))}."
            f"{nearest(kind, ['orders', *EXTRAS, *ready_formats()])}"
        )
    return files(__package__).joinpath("formats", f"{name}.toml").read_text(encoding="utf-8")


def load_mapping(format: str | Path) -> FormatMap:
    """Return a ready mapping by name, or one's own by path.

    Parameters
    ----------
    format
        A ready format's name (see :func:`ready_formats`) or the path of a TOML file.

    Raises
    ------
    ImportProblem
        Where there is no such mapping, or the file says something that is not known.

    Examples
    --------
    >>> load_mapping("online_retail").currency
    'GBP'
    """
    text, title = _text_of(format)
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ImportProblem(f"{title}: not valid TOML: {error}.") from error
    return _build(said, title, hashlib.sha256(text.encode("utf-8")).hexdigest())


def _text_of(format: str | Path) -> tuple[str, str]:
    if str(format) in ready_formats():
        return template_text(str(format)), str(format)
    path = Path(format)
    if not path.is_file():
        raise ImportProblem(
            f"{str(format)!r} is neither a ready format ({', '.join(ready_formats())}) nor a "
            f"mapping file. Write one with 'ecomlab import --template'."
            f"{nearest(str(format), ready_formats())}"
        )
    try:
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n"), path.name
    except UnicodeDecodeError as error:
        raise ImportProblem(f"{path.name}: save the mapping file as UTF-8.") from error


SECTIONS = ("store", "source", "settings", "columns", "rules", "rates", "tables", "privacy")


def _build(said: dict[str, Any], title: str, sha256: str) -> FormatMap:
    _known(said, SECTIONS, title, "")
    store = _section(said, "store", title)
    _known(store, ("name", "currency", "time_zone"), title, "[store] ")
    privacy = _section(said, "privacy", title)
    _known(privacy, ("drop",), title, "[privacy] ")
    columns = _columns(_section(said, "columns", title), ROLES, title, "[columns] ")
    personal = _texts(privacy.get("drop", ()), f"{title}: [privacy] drop")
    mapping = FormatMap(
        title=title,
        sha256=sha256,
        name=str(store.get("name", "")),
        currency=str(store.get("currency", AUTO)).upper(),
        time_zone=_zone(str(store.get("time_zone", "")), f"{title}: [store] time_zone"),
        source=_plain(Source, said, "source", title),
        settings=_plain(Settings, said, "settings", title),
        columns=columns,
        rules=read_rules(said.get("rules", []), title),
        rates={k.upper(): _rate(v, k, title) for k, v in _section(said, "rates", title).items()},
        tables=_tables(_section(said, "tables", title), title),
        personal=personal,
    )
    _complete(mapping)
    return mapping


def _complete(mapping: FormatMap) -> None:
    """Refuse a mapping from which no order could be built, or that lets a person through."""
    title = mapping.title
    for role in ("order_id", "ordered_at"):
        if mapping.column(role) is None:
            raise ImportProblem(f"{title}: [columns] needs {role}. Say which column it is.")
    if not any(mapping.column(role) for role in ("price", "gross_amount", "amount")):
        raise ImportProblem(f"{title}: [columns] needs price, gross_amount or amount.")
    if not mapping.time_zone:
        raise ImportProblem(f'{title}: [store] needs time_zone, such as "Europe/London".')
    people = {name.casefold() for name in mapping.personal}
    for column in mapping.columns:
        if column.kind == "person":
            people |= {name.casefold() for name in column.headers}
    for column in mapping.columns:
        used = {name.casefold() for name in column.headers}
        if column.kind != "person" and column.role != "order_id" and used & people:
            raise ImportProblem(
                f"{title}: [columns] {column.role} uses a personal column. Those can only become "
                f"customer_id or part of order_id, as a pseudonym."
            )


def _tables(said: dict[str, Any], title: str) -> tuple[TableMap, ...]:
    tables = []
    for table, entry in said.items():
        where = f"[tables.{table}] "
        if table in ("orders", "order_lines") or table not in schema.TABLES:
            raise ImportProblem(
                f"{title}: {where}is not a table that can have a file of its own."
                f"{nearest(table, schema.TABLES)}"
            )
        if not isinstance(entry, dict):
            raise ImportProblem(f"{title}: {where}must be a table.")
        _known(entry, ("files", "columns"), title, where)
        if "files" not in entry:
            raise ImportProblem(f'{title}: {where}needs files, such as files = "products*.csv".')
        described = schema.TABLES[table].columns
        kinds = {
            name: "person" if column.metadata["personal"] else column.metadata["kind"]
            for name, column in described.items()
        }
        columns = _columns(_section(entry, "columns", title), kinds, title, where)
        given = {column.role for column in columns}
        if absent := [n for n, c in described.items() if c.required and n not in given]:
            raise ImportProblem(f"{title}: {where}needs the columns {', '.join(absent)}.")
        tables.append(TableMap(table=table, files=str(entry["files"]), columns=columns))
    return tuple(tables)


def _columns(
    said: dict[str, Any], kinds: Mapping[str, str], title: str, where: str
) -> tuple[ColumnMap, ...]:
    _known(said, kinds, title, where)
    return tuple(_column(role, entry, kinds[role], f"{title}: {where}{role}")
                 for role, entry in said.items())  # fmt: skip


def _column(role: str, entry: Any, kind: str, where: str) -> ColumnMap:
    if isinstance(entry, str):
        entry = {"from": entry}
    if not isinstance(entry, dict):
        raise ImportProblem(f'{where}: give a column\'s name or a table like {{ from = "Name" }}.')
    names = [f.name for f in fields(ColumnMap) if f.name not in ("role", "kind")]
    _known(entry, ["from", *names], where, "")
    given = dict(entry)
    if "from" in given:
        given["any_of"] = (str(given.pop("from")),)
    for name in ("any_of", "join", "format", "empty"):
        if name in given:
            given[name] = _texts(given[name], f"{where}: {name}")
    for name in ("constant", "default", "otherwise", "remove"):
        if name in given:
            given[name] = str(given[name])
    if "values" in given:
        if not isinstance(given["values"], dict):
            raise ImportProblem(f"{where}: values must be a table from what is written to ours.")
        given["values"] = {_fold(str(k)): str(v) for k, v in given["values"].items()}
    _choose(given, where)
    if sum(name in given for name in ("any_of", "join", "constant", "row_number")) != 1:
        raise ImportProblem(
            f"{where}: give exactly one of from, any_of, join, constant and row_number."
        )
    column = ColumnMap(role=role, kind=kind, **given)
    _zone(column.time_zone, f"{where}: time_zone")
    return column


def _plain(cls: type[Any], said: dict[str, Any], name: str, title: str) -> Any:
    """Build a section that is a flat dataclass."""
    given = dict(_section(said, name, title))
    _known(given, [f.name for f in fields(cls)], title, f"[{name}] ")
    for key in ("encodings", "names"):
        if key in given:
            given[key] = _texts(given[key], f"{title}: [{name}] {key}")
    _choose(given, f"{title}: [{name}]")
    return cls(**given)


def _choose(given: Mapping[str, Any], where: str) -> None:
    for name, value in given.items():
        if name in CHOICES and value not in CHOICES[name]:
            allowed = ", ".join(repr(choice) for choice in CHOICES[name])
            raise ImportProblem(f"{where}: {name} must be one of {allowed}.")


def _section(said: Mapping[str, Any], name: str, title: str) -> dict[str, Any]:
    section = said.get(name, {})
    if not isinstance(section, dict):
        raise ImportProblem(f"{title}: [{name}] must be a table.")
    return section


def _known(given: Iterable[str], known: Iterable[str], title: str, where: str) -> None:
    known = list(known)
    for key in given:
        if key not in known:
            raise ImportProblem(
                f"{title}: {where}{key!r} is not known.{nearest(key, known)} "
                f"Known: {', '.join(known)}."
            )


def _texts(value: Any, where: str) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(v, str) for v in listed):
        raise ImportProblem(f"{where} must be a text or a list of texts.")
    return tuple(listed)


def _zone(name: str, where: str) -> str:
    try:
        return ZoneInfo(name).key if name else ""
    except (KeyError, ValueError, OSError) as error:
        raise ImportProblem(
            f'{where}: {name!r} is not a time zone. Write one such as "Europe/London".'
        ) from error


def _rate(value: Any, code: str, title: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ImportProblem(f"{title}: [rates] {code} must be a number above 0.")
    return float(value)


def _fold(text: str) -> str:
    return text.strip().casefold()
