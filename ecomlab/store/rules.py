"""The rules that a store's tables should obey, as conditions that DuckDB can count.

Rules of one column, its reference included, come from the schema; the rules that know
several columns or tables stand below, each used where its columns are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecomlab import schema

if TYPE_CHECKING:
    from ecomlab.store.store import Store

__all__ = ["ROWS", "Rule", "rules_of"]

# a table with its rows counted from 0; {} is the table's name
ROWS = "(SELECT *, row_number() OVER () - 1 AS row_ FROM {})"
# amounts carry cents and prices four decimals, so a line may differ by half of either
_HALF_A_CENT = "0.005 + 0.00005 * units"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of one table: in SQL, the condition of the rows that break it."""

    table: str
    column: str
    says: str
    broken: str
    remedy: str
    severity: str = "error"
    shows: str = ""  # the column whose value may be shown
    source: str = ""  # what to read, where one pass over the table's rows is not enough
    glance: str = ""  # a cheaper query: where it finds nothing, no row breaks the rule
    needs: tuple[str, ...] = ()  # columns the rule reads, as table.column


def rules_of(store: Store, table: str) -> Iterator[Rule]:
    """Yield the rules that can be tried on a table of a store, given what the store has.

    Examples
    --------
    >>> from ecomlab.store import Manifest, Store
    >>> about = Manifest(name="s", currency="EUR", time_zone="UTC", origin={},
    ...                  first_day="2024-01-01", last_day="2024-01-31")
    >>> import pandas as pd
    >>> reviews = pd.DataFrame({"review_id": ["a"], "stars": [5]})
    >>> store = Store.from_tables({"reviews": reviews}, manifest=about)
    >>> [(rule.column, rule.says) for rule in rules_of(store, "reviews")][-2:]
    [('stars', 'not at most 5'), ('review_id', 'repeating an earlier key')]
    """
    held = {f"{name}.{column}" for name in store.tables for column in store.columns(name)}
    declared = [
        rule for name in schema.TABLES[table].columns for rule in _column_rules(table, name)
    ]
    declared += [_key_rule(table), *_period_rules(store, table), *_table_rules(store, table)]
    for rule in declared:
        if set(rule.needs) <= held:
            yield rule


def _column_rules(table: str, name: str) -> Iterator[Rule]:
    """Yield the rules of one column's values, as the schema declares them."""
    column = schema.TABLES[table].columns[name]
    about, value = column.metadata, f'"{name}"'
    base = Rule(
        table=table,
        column=name,
        says="empty",
        broken=f"{value} IS NULL",
        remedy="Fill or reject them while importing.",
        shows="" if about["personal"] else name,
        needs=(f"{table}.{name}",),
    )
    see = f"Correct or reject them while importing; see {table}.{name} in the data dictionary."
    if not column.nullable:
        yield base
    if about["kind"] == "number":
        remedy = "Leave unknown numbers empty."
        yield replace(base, says="not finite", broken=f"NOT isfinite({value})", remedy=remedy)
        value = f"CASE WHEN isfinite({value}) THEN {value} END"
    for bound, sign, says in (("low", "<", "least"), ("high", ">", "most")):
        if (limit := about[bound]) is not None:
            says = f"not at {says} {limit:g}"
            yield replace(base, says=says, broken=f"{value} {sign} {limit}", remedy=see)
    if about["values"]:
        says = "not one of " + ", ".join(about["values"])
        listed = ", ".join(f"'{known}'" for known in about["values"])
        yield replace(base, says=says, broken=f"{value} NOT IN ({listed})", remedy=see)
    if about["to"]:
        yield _reference_rule(base, about["to"], is_key=about["key"])


def _reference_rule(base: Rule, to: str, *, is_key: bool) -> Rule:
    """Return the rule that a reference points to a row that is there."""
    target, key = to.split(".")
    rows, value = ROWS.format(base.table), f'"{base.column}"'
    return replace(
        base,
        says=f"not in {to}",
        source=f'(SELECT * FROM {rows} WHERE {value} NOT IN (SELECT "{key}" FROM {target}))',
        broken=f"{value} IS NOT NULL",
        remedy=f"Add the missing rows to {target}, or leave the reference empty.",
        severity="error" if is_key else "warning",
        needs=(*base.needs, to),
    )


def _key_rule(table: str) -> Rule:
    return _repeats(
        table,
        tuple(schema.TABLES[table].unique or ()),
        says="repeating an earlier key",
        remedy="Remove the repeated rows, or make the key finer.",
    )


def _repeats(table: str, columns: tuple[str, ...], *, says: str, remedy: str) -> Rule:
    """Return the rule that no two rows agree in all the columns named."""
    listed = ", ".join(f'"{column}"' for column in columns)
    nth = f"row_number() OVER (PARTITION BY {listed} ORDER BY row_) AS nth_"
    return Rule(
        table=table,
        column="+".join(columns),
        says=says,
        source=f"(SELECT *, {nth} FROM {ROWS.format(table)})",
        glance=f"SELECT 1 FROM {table} GROUP BY {listed} HAVING count(*) > 1 LIMIT 1",
        broken="nth_ > 1",
        remedy=remedy,
        needs=tuple(f"{table}.{column}" for column in columns),
    )


def _period_rules(store: Store, table: str) -> Iterator[Rule]:
    """Yield the rules of time: days lie in the period, and are the instants' local days."""
    about = store.manifest
    base = Rule(
        table=table,
        column="date",
        says=f"outside the period {about.first_day} to {about.last_day}",
        broken=f"\"date\" NOT BETWEEN DATE '{about.first_day}' AND DATE '{about.last_day}'",
        remedy="Widen the period in the manifest, or correct the dates while importing.",
        shows="date",
        needs=(f"{table}.date",),
    )
    # calendars and price lists rightly reach beyond the period
    if table not in ("calendar", "prices"):
        yield base
    if instant := {"orders": "ordered_at", "sessions": "started_at"}.get(table):
        zone = about.time_zone.replace("'", "''")
        yield replace(
            base,
            says=f"not the local day of {instant} in {about.time_zone}",
            broken=f"\"date\" <> CAST(timezone('{zone}', {instant}) AS DATE)",
            remedy="Correct the time zone of the instants, or the store's, while importing.",
            needs=(f"{table}.date", f"{table}.{instant}"),
        )


def _table_rules(store: Store, table: str) -> Iterator[Rule]:
    """Yield the rules that know how the columns and tables of sales hang together."""
    if table == "orders":
        yield from _order_rules()
    if table == "order_lines":
        with_discount = "discount_amount" in store.columns(table)
        discount = "coalesce(discount_amount, 0)" if with_discount else "0"
        sign = "abs" if with_discount else ""
        yield Rule(
            table=table,
            column="amount",
            says="not units x price - discount_amount" if with_discount else "above units x price",
            broken=f"{sign}(amount - (units * price - {discount})) > {_HALF_A_CENT}",
            remedy="Correct price, discount or amount while importing.",
            shows="amount",
            needs=tuple(f"{table}.{name}" for name in ("units", "price", "amount")),
        )
        looks_twice = _repeats(
            table,
            ("order_id", "sku", "units", "price", "amount"),
            says="looking like an earlier line of the same order",
            remedy="Find out whether the export holds lines twice; the importer can reject them.",
        )
        yield replace(looks_twice, severity="warning")


def _order_rules() -> Iterator[Rule]:
    """Yield the rules between orders and their lines and returns."""
    rows = ROWS.format("orders")
    summed = "(SELECT order_id, sum(amount) AS lines_ FROM order_lines GROUP BY order_id)"
    base = Rule(
        table="orders",
        column="order_id",
        says="without order lines",
        source=f"(SELECT * FROM {rows} LEFT JOIN {summed} USING (order_id))",
        broken="lines_ IS NULL",
        remedy="Import the lines of these orders, or reject the orders.",
        shows="order_id",
        needs=("orders.order_id", "order_lines.order_id", "order_lines.amount"),
    )
    yield base
    yield replace(
        base,
        column="amount",
        says="not the sum of the amounts of its lines",
        broken="abs(amount - lines_) > 0.005",
        remedy="Let the importer add up the lines; shipping does not belong to them.",
        shows="amount",
        needs=(*base.needs, "orders.amount"),
    )
    yield replace(
        base,
        column="payment_status",
        says="refunded, but without a row in returns",
        source=f"(SELECT * FROM {rows} ANTI JOIN returns USING (order_id))",
        broken="payment_status = 'refunded'",
        remedy="Import the refunds into returns, or net sales come out too high.",
        severity="warning",
        shows="",
        needs=("orders.order_id", "orders.payment_status", "returns.order_id"),
    )
