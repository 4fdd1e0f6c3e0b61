"""Further tables of a store, each from flat files of its own: products, sessions, ad spend.

Columns go straight to the schema's; a row that breaks the table's contract is rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecomlab import schema
from ecomlab.store.importers.cells import Cells
from ecomlab.store.importers.export import put_together, read_raw
from ecomlab.store.importers.files import RawFile
from ecomlab.store.importers.ledger import Ledger
from ecomlab.store.importers.mapping import FormatMap, TableMap
from ecomlab.store.importers.problem import ImportProblem

__all__ = ["Flat", "merge_table", "open_ledger", "read_table"]

YES = ("true", "t", "yes", "y", "1", "1.0", "ja", "oui", "是", "x")
NO = ("false", "f", "no", "n", "0", "0.0", "nein", "non", "否")


@dataclass(frozen=True, kw_only=True, eq=False)
class Flat:
    """A table read from its files, and the account of it."""

    frame: pd.DataFrame
    ledger: Ledger
    notes: list[str]
    raw: list[RawFile]


def open_ledger(raw: Sequence[RawFile]) -> Ledger:
    """Return the ledger of some files, rows that do not fit their header rejected.

    Raises
    ------
    ImportProblem
        Where the files have headers only.
    """
    export = put_together(raw)
    ledger = Ledger([file.file for file in raw], export.file_of, export.row_of)
    for file in raw:
        for row, reason in file.broken:
            ledger.break_row(file.file, row, reason)
    if not ledger.rows_read:
        raise ImportProblem(
            f"{raw[0].file}: a header but no rows. Export again, with a longer period."
        )
    return ledger


def read_table(
    paths: Sequence[Path], table: TableMap, *, mapping: FormatMap, hide: Callable[[str], str]
) -> Flat:
    """Read a table of the store from its own files.

    Parameters
    ----------
    paths
        The files, all of one layout.
    table
        Which columns go where.
    mapping
        The mapping the table belongs to.
    hide
        Turns a person's id into a pseudonym.
    """
    raw = [read_raw(path, source=mapping.source, columns=table.columns) for path in paths]
    cells = Cells(put_together(raw), mapping, table.columns)
    ledger = open_ledger(raw)
    frame = pd.DataFrame(index=range(len(cells.export)))
    for column in table.columns:
        if cells.has(column.role):
            values, problems = _read(cells, column.role, column.kind, hide)
            frame[column.role] = values
            ledger.reject_each(problems, column=cells.label(column.role))
            ledger.reject_each(_broken_rules(values, column.role, table.table),
                               column=cells.label(column.role))  # fmt: skip
    keys = list(schema.TABLES[table.table].unique or [])
    copies = frame[~ledger.rejected].duplicated(keys)
    again = np.zeros(len(frame), dtype=bool)
    again[copies.index[copies]] = True
    ledger.reject(
        again, column=cells.label(keys[0]), reason=f"repeats an earlier row of {table.table}"
    )
    kept = frame[~ledger.rejected].reset_index(drop=True)
    return Flat(frame=kept, ledger=ledger, notes=cells.notes, raw=raw)


def _read(
    cells: Cells, role: str, kind: str, hide: Callable[[str], str]
) -> tuple[pd.Series, np.ndarray]:
    """Return a column in the kind of its table, and problems."""
    texts = cells.texts(role)
    none = np.full(len(texts), "", dtype=object)
    if kind == "person":
        return _text(texts.map(hide, "object")), none
    if kind == "text":
        texts, problems = cells.words(role)
        return _text(texts.map(str, "object")), problems
    if kind in ("whole", "whole?"):
        values, there, problems = cells.whole(role)
        return pd.Series(values, dtype="Int64").mask(~there), problems
    if kind == "number":
        values, problems = cells.number(role)
        return pd.Series(values), problems
    if kind == "flag":
        folded = texts.map(str.casefold, "object")
        known = np.isin(folded, (*YES, *NO, ""))
        problems = np.where(known, "", "neither yes nor no").astype(object)
        return pd.Series(np.isin(folded, YES), dtype="object").mask(folded == ""), problems
    utc, problems, _, _ = cells.instant(role, zone="UTC" if kind == "day" else "")
    problems = np.where(texts.empty, "", problems)
    stamps = pd.Series(pd.DatetimeIndex(utc))
    return (stamps.dt.normalize() if kind == "day" else stamps.dt.tz_localize("UTC")), problems


def _broken_rules(values: pd.Series, name: str, table: str) -> np.ndarray:
    """Return for each row which rule of the column's contract it breaks."""
    column = schema.TABLES[table].columns[name]
    rules = column.metadata
    broken = np.full(len(values), "", dtype=object)
    if not column.nullable:
        broken[values.isna().to_numpy()] = "empty"
    if rules["low"] is not None:
        broken[(values < rules["low"]).fillna(False).to_numpy(bool)] = f"below {rules['low']:g}"
    if rules["high"] is not None:
        broken[(values > rules["high"]).fillna(False).to_numpy(bool)] = f"above {rules['high']:g}"
    if rules["values"]:
        foreign = (values.notna() & ~values.isin(rules["values"])).to_numpy()
        broken[foreign] = f"not one of {', '.join(rules['values'])}: add it to values of {name}"
    return broken


def merge_table(given: pd.DataFrame, derived: pd.DataFrame | None, table: str) -> pd.DataFrame:
    """Return a table from its own file, completed by what the orders say.

    Parameters
    ----------
    given
        The table from its own file; its values count.
    derived
        The same table as the orders give it, or None.
    table
        Its name.

    Examples
    --------
    >>> own = pd.DataFrame({"sku": ["a"], "unit_cost": [2.0]})
    >>> seen = pd.DataFrame({"sku": ["a", "b"], "name": ["Ant", "Bee"]})
    >>> merge_table(own, seen, "products")["unit_cost"].tolist()
    [2.0, nan]
    """
    if derived is None:
        return given
    keys = list(schema.TABLES[table].unique or [])
    whole = given.set_index(keys).combine_first(derived.set_index(keys))
    return whole.sort_index().reset_index()


def _text(values: np.ndarray) -> pd.Series:
    return pd.Series(values, dtype="str").mask(values == "")
