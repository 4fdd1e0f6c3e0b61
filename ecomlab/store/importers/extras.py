"""Templates for market research of one's own: what to ask, and how to bring the answers in.

Each is a piece of a mapping, made from the schema, to be put below one's own; it names the
file, its columns and what belongs in them, and the header to start a file with.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecomlab import schema

__all__ = ["EXTRAS", "extra_text"]

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "survey": (
        "research_orders",
        "population_margins",
        "survey_answers",
        "choice_answers",
        "price_answers",
        "interviews",
        "interview_codes",
    ),
    "competitors": ("competitor_prices", "prices"),
}
_WIDTH = 98


def extra_text(kind: str) -> str:
    """Return the piece of a mapping that brings market research in.

    Parameters
    ----------
    kind
        ``"survey"`` or ``"competitors"``.

    Examples
    --------
    >>> extra_text("competitors").splitlines()[0]
    '# Piece of a mapping: competitors. Put it below your own (ecomlab import --template).'
    """
    parts = [
        f"# Piece of a mapping: {kind}. Put it below your own (ecomlab import --template).\n"
        "# Each table is a CSV file of its own; drop the tables and columns that you do not have.\n"
        "# Left of = is our name; right of it write the header of your file, if it is another.\n"
    ]
    return "\n".join([*parts, *(_table_text(name) for name in EXTRAS[kind])])


def _table_text(name: str) -> str:
    rows = schema.dictionary().query("table == @name")
    about = [f"# {row.column}: {row.meaning}{_unit(row.unit)}" for row in rows.itertuples()]
    header = ",".join(rows["column"])
    columns = [f"{row.column} = {{ from = \"{row.column}\", optional = true }}"
               if row.column not in _needed(name) else f'{row.column} = "{row.column}"'
               for row in rows.itertuples()]  # fmt: skip
    lines = [f"[tables.{name}]", f'files = "{name}*.csv"', f"[tables.{name}.columns]", *columns]
    return "\n".join([f"# --- {name}. Header of the file:", f"# {header}", *about, *lines, ""])


def _needed(name: str) -> set[str]:
    """Return the columns that a table cannot go without."""
    table = schema.TABLES[name]
    return {column for column in table.columns if table.columns[column].required}


def _unit(unit: object) -> str:
    return f" [{unit}]" if isinstance(unit, str) and unit else ""
