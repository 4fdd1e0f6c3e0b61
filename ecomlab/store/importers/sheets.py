"""Excel workbooks and Parquet files, read as the same columns of text as a CSV."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecomlab.store.importers.files import RawFile, check_header, sha256_of
from ecomlab.store.importers.headers import fold_header
from ecomlab.store.importers.mapping import Source
from ecomlab.store.importers.problem import ImportProblem
from ecomlab.store.importers.wording import number_of

__all__ = ["read_excel", "read_parquet"]

MOST_UNZIPPED = 2**30
HEADER_WITHIN = 30


def read_excel(path: Path, *, source: Source, wanted: Collection[str]) -> RawFile:
    """Read one sheet of a workbook as columns of text.

    Real dates become year-first text, whole numbers lose their ``.0``; what a formula
    shows counts, not the formula.
    """
    records = _sheet_rows(path, source)
    folded = {fold_header(name) for name in wanted}
    top = list(_first(records, max(HEADER_WITHIN, source.header_row)))
    if not top:
        raise ImportProblem(f"{path.name}: the sheet is empty.")
    hits = [len(folded.intersection(map(fold_header, row))) for _, row in top]
    at = source.header_row - 1 if source.header_row else hits.index(max(hits))
    if at >= len(top):
        raise ImportProblem(f"{path.name}: has no row {source.header_row} for a header.")
    names = list(top[at][1])
    while names and not names[-1]:
        names.pop()
    check_header(names, path.name)
    rows: list[int] = []
    kept: list[list[str]] = []
    broken = []
    for number, row in _chain(top[at + 1 :], records):
        if not any(row):
            continue
        if any(row[len(names) :]):
            broken.append((number, "a cell beyond the last column that has a header"))
            continue
        rows.append(number)
        kept.append((row + [""] * len(names))[: len(names)])
    columns = list(zip(*kept, strict=True)) or [()] * len(names)
    table = pa.Table.from_arrays([pa.array(c, pa.string()) for c in columns], names=names)
    notes = (
        (f"{path.name}: {number_of(at, 'row', 'rows')} above the header left out",) if at else ()
    )
    return RawFile(
        file=path.name, sha256=sha256_of(path), table=table, native=True,
        rows=np.array(rows, dtype=np.int64), broken=tuple(broken), notes=notes,
    )  # fmt: skip


def _first(records: Iterator[tuple[int, list[str]]], most: int) -> Iterator[tuple[int, list[str]]]:
    for _ in range(most):
        record = next(records, None)
        if record is None:
            return
        yield record


def _chain(
    top: list[tuple[int, list[str]]], rest: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    yield from top
    yield from rest


def _sheet_rows(path: Path, source: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield the sheet's rows, numbered from 1, as texts."""
    import openpyxl  # slow to import, and few stores come from a workbook

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MOST_UNZIPPED:
            raise ImportProblem(
                f"{path.name}: unpacks to {size / 2**20:,.0f} MB. Export it as CSV instead."
            )
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except ImportProblem:
        raise
    except Exception as error:  # openpyxl raises whatever its XML and zip parsers do
        raise ImportProblem(
            f"{path.name}: not an Excel workbook (.xlsx), or a damaged one. "
            f"Open it in a spreadsheet program and save it as .xlsx or as 'CSV UTF-8'."
        ) from error
    try:
        sheet = _sheet(book, source.sheet, path.name)
        sheet.reset_dimensions()
        mark = "," if source.decimal == "," else "."
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield number, [_cell(cell, mark) for cell in cells]
    except ImportProblem:
        raise
    except Exception as error:
        raise ImportProblem(f"{path.name}: the sheet is damaged. Save it again.") from error
    finally:
        book.close()


def _sheet(book: Any, wanted: str | int, file: str) -> Any:
    names = [sheet.title for sheet in book.worksheets]
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return book.worksheets[wanted - 1]
    if wanted in names:
        return book[wanted]
    raise ImportProblem(f"{file}: no sheet {wanted!r}; there are {', '.join(map(repr, names))}.")


def _cell(value: Any, mark: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else (
            repr(value).replace(".", mark)
        )  # fmt: skip
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def read_parquet(path: Path, *, source: Source) -> RawFile:
    """Read a Parquet file as columns of text; nested columns cannot be used."""
    try:
        held = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise ImportProblem(
            f"{path.name}: not a Parquet file, or a damaged one. Write it again."
        ) from error
    check_header(held.column_names, path.name)
    mark = "," if source.decimal == "," else "."
    flat = [name for name in held.column_names if not pa.types.is_nested(held[name].type)]
    table = pa.Table.from_arrays(
        [_as_text(held[name].combine_chunks(), mark) for name in flat], names=flat
    )
    return RawFile(file=path.name, sha256=sha256_of(path), table=table, native=True,
                   rows=np.arange(1, held.num_rows + 1, dtype=np.int64))  # fmt: skip


def _as_text(column: pa.Array, mark: str) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):
        column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%S" + ("%z" if kind.tz else ""))
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        column = column.cast(pa.string(), safe=False)
    elif pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        if pa.types.is_floating(kind):
            column = pc.if_else(pc.is_nan(column), None, column)
        column = pc.cast(column, pa.string())
        column = column if mark == "." else pc.replace_substring(column, ".", mark)
    return pc.fill_null(pc.cast(column, pa.string()), "")
