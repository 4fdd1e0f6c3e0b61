"""The data dictionary as one page, generated from the schema."""

from __future__ import annotations

import pandera.pandas as pa

from ecomlab import schema

__all__ = ["dictionary_page"]

_OPENING = """\
# Data dictionary

Every table that a store may hold. This page is generated from `ecomlab/schema.py`; edit that.

A store is a folder of Parquet tables with these columns. Every store has `orders` and
`order_lines`; each further table unlocks lessons. Money is an amount in the store's currency, a
*day* a calendar day in the store's time zone, an *instant* a moment in UTC; a *share* lies between
0 and 1. Columns in **bold** form the key. A column is *needed* where its table cannot go without
it; *may be empty* says that single values may be unknown. *Personal* columns are hashed while
importing, and no message shows their values."""


def dictionary_page() -> str:
    """Return the data dictionary as Markdown: one section a table, one row a column.

    Examples
    --------
    >>> for line in dictionary_page().split("## reviews")[1].splitlines()[2:7]:
    ...     print(line or "-")
    One row a product review.
    -
    | column | kind | unit | rules | meaning |
    |---|---|---|---|---|
    | **review_id** | text |  | needed | review |
    """
    names = ", ".join(f"[{table}](#{table})" for table in schema.TABLES)
    sections = [_section(table) for table in schema.TABLES]
    return "\n\n".join([_OPENING, f"Tables: {names}.", *sections]) + "\n"


def _section(table: str) -> str:
    """Return one table's heading, meaning and columns."""
    about = schema.TABLES[table]
    minimum = " Every store has it." if table in schema.MINIMUM else ""
    lines = [f"## {table}", "", f"{about.description}{minimum}", ""]
    lines += ["| column | kind | unit | rules | meaning |", "|---|---|---|---|---|"]
    for name, column in about.columns.items():
        shown = f"**{name}**" if column.metadata["key"] else name
        kind = column.metadata["kind"].rstrip("?")
        cells = (shown, kind, column.title or "", _rules(column), str(column.description))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _rules(column: pa.Column) -> str:
    """Return what a column's values must obey, in a few words."""
    about = column.metadata
    rules = ["needed"] if column.required else []
    rules += ["may be empty"] if column.nullable else []
    rules += [f"at least {about['low']:g}"] if about["low"] is not None else []
    rules += [f"at most {about['high']:g}"] if about["high"] is not None else []
    rules += ["one of " + ", ".join(about["values"])] if about["values"] else []
    rules += [f"in {about['to']}"] if about["to"] else []
    rules += ["personal"] if about["personal"] else []
    return "; ".join(rules)
