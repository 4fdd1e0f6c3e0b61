"""The quality check: every rule a store's tables should obey, and the rows that break it.

Tables in: whatever the store has. Answer out: one row a broken rule. An *error* breaks the
contract that metrics and lessons rely on; a *warning* deserves a look. The rules stand in
``ecomlab.store.rules``; DuckDB counts the rows, so that large stores take seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from ecomlab import schema
from ecomlab.store.rules import ROWS, Rule, rules_of

if TYPE_CHECKING:
    from ecomlab.store.store import Store

__all__ = ["check_store"]

_COLUMNS = ("table", "column", "rule", "rows", "first", "severity", "remedy")
_AGAIN = "Make or import the store again."
_HELD_AS = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
}


def check_store(store: Store) -> pd.DataFrame:
    """Return what is wrong with a store: one row a broken rule, the errors first.

    Parameters
    ----------
    store
        The store.

    Returns
    -------
    DataFrame
        ``table, column, rule, rows, first, severity, remedy``: how many rows break the rule
        and which is the first (counted from 0), with its value unless the column is personal;
        ``severity`` is *error* or *warning*. Without rows where all is well.

    Examples
    --------
    >>> from ecomlab.store import Manifest, Store
    >>> about = Manifest(name="half", currency="EUR", time_zone="UTC", origin={"kind": "imported"},
    ...                  first_day="2024-01-01", last_day="2024-01-31")
    >>> orders = pd.DataFrame({"order_id": ["a"], "ordered_at": ["2024-01-05 10:00Z"],
    ...                        "date": ["2024-01-06"], "customer_id": [None], "amount": [5.0]})
    >>> check_store(Store.from_tables({"orders": orders}, manifest=about))[["table", "rule"]]
             table                                    rule
    0  order_lines                        table is missing
    1       orders  not the local day of ordered_at in UTC
    """
    found = [
        _row(table, "", "table is missing", 0, "", "error", f"Import {table}; no store without.")
        for table in schema.MINIMUM
        if table not in store.tables
    ]
    # one file that cannot be read keeps the engine from all, so the other rules must wait
    unreadable = [row for table in store.tables for row in _unreadable(store, table)]
    found += unreadable or [row for table in store.tables for row in _broken(store, table)]
    answer = pd.DataFrame(found, columns=list(_COLUMNS)).astype({"rows": "int64"})
    errors_first = (answer["severity"] != "error").argsort(kind="stable")
    return answer.iloc[errors_first].reset_index(drop=True)


def _row(*values: str | int) -> dict[str, Any]:
    return dict(zip(_COLUMNS, values, strict=True))


def _unreadable(store: Store, table: str) -> Iterator[dict[str, Any]]:
    try:
        store.columns(table)
    except (OSError, pa.ArrowException):
        yield _row(table, "", "its file cannot be read", 0, "", "error", _AGAIN)


def _broken(store: Store, table: str) -> Iterator[dict[str, Any]]:
    """Yield what is wrong with one table: altered, empty, ill-typed, or breaking rules."""
    yield from _altered(store, table)
    misheld = [*_misheld(store, table)]
    yield from misheld
    wrong = {f"{table}.{row['column']}" for row in misheld}
    rules = [rule for rule in rules_of(store, table) if not wrong & set(rule.needs)]
    yield from _try(store, ROWS.format(table), [rule for rule in rules if not rule.source])
    for rule in rules:
        if rule.source:
            yield from _try(store, rule.source, [rule])


def _altered(store: Store, table: str) -> Iterator[dict[str, Any]]:
    """Compare a table with what the manifest says of it; a sale-less store is an error."""
    said = store.manifest.tables.get(table, {})
    rows = int(store.query(f"SELECT count(*) AS n FROM {table}")["n"].iloc[0])
    if said.get("sha256") != store.hash_of(table):
        rule = f"not what the manifest tells of ({said.get('rows', 0)} rows): altered since"
        yield _row(table, "", rule, rows, "", "error", _AGAIN)
    if not rows:
        severity = "error" if table in schema.MINIMUM else "warning"
        yield _row(table, "", "empty table", 0, "", severity, "Fill it, or leave it out.")


def _misheld(store: Store, table: str) -> Iterator[dict[str, Any]]:
    """Name the columns a table lacks, or holds in a type that is not the schema's."""
    described = store.query(f"DESCRIBE {table}")
    types = dict(zip(described["column_name"], described["column_type"], strict=True))
    for name, column in schema.TABLES[table].columns.items():
        kind = schema.KINDS[column.metadata["kind"]]
        if name not in types and column.required:
            remedy = f"Supply {name} ({column.description})."
            yield _row(table, name, "column is missing", 0, "", "error", remedy)
        elif name in types and types[name] != _HELD_AS[kind.arrow]:
            rule = f"held as {types[name].lower()}, not as {kind.arrow}"
            yield _row(table, name, rule, 0, "", "error", kind.remedy)


def _try(store: Store, source: str, rules: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    """Where a glance finds a broken rule, count the rows that break each, and show the first."""
    broken = " OR ".join(f"({rule.broken})" for rule in rules)
    glances = [rule.glance for rule in rules if rule.glance]
    glances = glances or [f"SELECT 1 FROM {source} WHERE {broken} LIMIT 1"]
    if not rules or all(store.query(glance).empty for glance in glances):
        return
    counts = ", ".join(
        f"count(*) FILTER (WHERE {rule.broken}) AS n{i}, "
        f"min(row_) FILTER (WHERE {rule.broken}) AS f{i}"
        for i, rule in enumerate(rules)
    )
    found = store.query(f"SELECT {counts} FROM {source}").iloc[0]
    for i, rule in enumerate(rules):
        if (rows := int(found[f"n{i}"])) > 0:
            first = _describe(store, source, rule, int(found[f"f{i}"]))
            severity, remedy = rule.severity, rule.remedy
            yield _row(rule.table, rule.column, rule.says, rows, first, severity, remedy)


def _describe(store: Store, source: str, rule: Rule, row: int) -> str:
    """Say which row is the first, with its value where that may be shown."""
    if not rule.shows:
        return f"row {row}"
    value = f'CAST("{rule.shows}" AS VARCHAR) AS value'
    shown = store.query(f"SELECT {value} FROM {source} WHERE row_ = {row}")["value"].iloc[0]
    return f"row {row}" if pd.isna(shown) else f"row {row}: {shown}"
