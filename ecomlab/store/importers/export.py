"""The rows of one or more files of the same export, and the texts a mapping asks of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from ecomlab.store.importers.delimited import read_delimited
from ecomlab.store.importers.files import RawFile
from ecomlab.store.importers.headers import find_header, fold_header
from ecomlab.store.importers.mapping import ColumnMap, Source
from ecomlab.store.importers.problem import ImportProblem, nearest
from ecomlab.store.importers.sheets import read_excel, read_parquet
from ecomlab.store.importers.texts import Texts

__all__ = ["Export", "put_together", "read_raw"]

KINDS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".gz": "csv",
    ".xlsx": "excel", ".xlsm": "excel", ".xls": "excel",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def read_raw(path: Path, *, source: Source, columns: Sequence[ColumnMap]) -> RawFile:
    """Read one file, by its ending or as the mapping's ``kind`` says."""
    kind = source.kind if source.kind != "auto" else KINDS.get(path.suffix.lower(), "")
    if not kind:
        raise ImportProblem(
            f"{path.name}: the ending does not say what it is. Rename it to .csv, .csv.gz, .xlsx "
            f'or .parquet, or set [source] kind = "csv".'
        )
    if path.stat().st_size == 0:
        raise ImportProblem(f"{path.name}: the file is empty.")
    wanted = [name for column in columns for name in column.headers]
    if kind == "csv":
        raw = read_delimited(path, source=source, wanted=wanted)
    elif kind == "excel":
        raw = read_excel(path, source=source, wanted=wanted)
    else:
        raw = read_parquet(path, source=source)
    _require(raw, columns)
    return raw


def _require(raw: RawFile, columns: Sequence[ColumnMap]) -> None:
    """Refuse a file that lacks columns the mapping needs, and name all of them."""
    names = raw.table.column_names
    there = {fold_header(name) for name in names}
    missing = [name for column in columns if not column.optional
               for name in (column.join or column.any_of[:1])
               if fold_header(name) not in there
               and not any(fold_header(other) in there for other in column.any_of)]  # fmt: skip
    if missing:
        others = f" Also missing: {', '.join(map(repr, missing[1:6]))}." if missing[1:] else ""
        raise ImportProblem(
            f"{raw.file}: no column {missing[0]!r}.{nearest(missing[0], names)}{others} Correct "
            f"the mapping; for a file without a header, list its columns in [source] names."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Export:
    """Files put together: each column of any of them, and where each row stands."""

    raw: tuple[RawFile, ...]
    table: pa.Table
    file_of: np.ndarray
    row_of: np.ndarray
    _seen: dict[str, Texts] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.row_of)

    @property
    def headers(self) -> tuple[str, ...]:
        """Headers of all files, each once, as first written."""
        names: dict[str, str] = {}
        for raw in self.raw:
            for name in raw.table.column_names:
                names.setdefault(fold_header(name), name.strip())
        return tuple(name for name in names.values() if name)

    def has(self, header: str) -> bool:
        """Whether any file has the column."""
        return any(fold_header(header) == fold_header(name) for name in self.headers)

    def source(self, header: str) -> Texts:
        """Return a column of the export by its own header; empty in files that lack it."""
        key = fold_header(header)
        if key not in self._seen:
            for raw in self.raw:
                find_header(header, raw.table.column_names, file=raw.file)
            held = key in self.table.column_names
            self._seen[key] = (
                Texts.from_arrow(self.table[key]) if held else Texts.constant("", len(self))
            )
        return self._seen[key]

    def texts(self, column: ColumnMap) -> Texts:
        """Return what a mapped column says in each row, before any reading of numbers."""
        found = self._found(column)
        if column.empty:
            found = found.rewrite(lambda text: "" if text in column.empty else text)
        if column.fill_down:
            found = found.fill_down()
        if column.remove:
            pattern = re.compile(column.remove)
            found = found.rewrite(lambda text: pattern.sub("", text).strip())
        if column.case != "keep":
            found = found.rewrite(str.upper if column.case == "upper" else str.lower)
        if column.default:
            found = found.rewrite(lambda text: text or column.default)
        return found

    def _found(self, column: ColumnMap) -> Texts:
        if column.row_number:
            return Texts.from_arrow(pa.array(self._row_names(), pa.string()))
        if column.constant:
            return Texts.constant(column.constant, len(self))
        if column.join:
            parts = [self.source(name) for name in column.join]
            joined = parts[0]
            for part in parts[1:]:
                joined = joined.join(part)
            return joined
        found = self.source(column.any_of[0])
        for name in column.any_of[1:]:
            found = found.where(~found.empty, self.source(name))
        return found

    def _row_names(self) -> list[str]:
        """Name each row by its number, and by its file where there are several."""
        one = len(self.raw) == 1
        places = zip(self.file_of.tolist(), self.row_of.tolist(), strict=True)
        return [f"{row}" if one else f"{file + 1}-{row}" for file, row in places]

    def repeated(self) -> np.ndarray:
        """For each row, whether an earlier one is the same in every column."""
        key = np.zeros(len(self), dtype=np.int64)
        for name in self.table.column_names:
            column = Texts.from_arrow(self.table[name])
            pairs = key * (len(column.distinct) + 1) + column.codes
            key = np.unique(pairs, return_inverse=True)[1]
        again = np.ones(len(self), dtype=bool)
        again[np.unique(key, return_index=True)[1]] = False
        return again


def put_together(raw: Sequence[RawFile]) -> Export:
    """Return the files' rows one after another; a column that a file lacks is empty there."""
    tables = []
    for file in raw:
        names, columns = [], []
        for place, name in enumerate(file.table.column_names):
            key = fold_header(name)
            # A repeated header keeps a name of its own; using it is refused where it is asked for.
            names.append(key if key not in names else f"{key}\0{place}")
            columns.append(file.table.column(place))
        tables.append(pa.Table.from_arrays(columns, names=names))
    table = pa.concat_tables(tables, promote_options="default")
    filled = [column.fill_null("") for column in table.columns]
    counts = [len(file.rows) for file in raw]
    return Export(
        raw=tuple(raw),
        table=pa.Table.from_arrays(filled, names=table.column_names),
        file_of=np.repeat(np.arange(len(raw)), counts),
        row_of=np.concatenate([file.rows for file in raw]),
    )
