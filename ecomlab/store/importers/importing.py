"""Turn an export into a store: read, type, classify, reconcile, hide who bought.

Files in, a checked store out, with a list of every row that did not become a plain sale.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ecomlab.store.importers.cells import Cells
from ecomlab.store.importers.export import put_together, read_raw
from ecomlab.store.importers.files import RawFile
from ecomlab.store.importers.flat import merge_table, open_ledger, read_table
from ecomlab.store.importers.headers import fold_header
from ecomlab.store.importers.imported import Imported
from ecomlab.store.importers.ledger import Ledger, reconcile
from ecomlab.store.importers.lines import read_lines, settle_currency
from ecomlab.store.importers.mapping import FormatMap, TableMap, load_mapping
from ecomlab.store.importers.orders import build_lines, gather_values
from ecomlab.store.importers.privacy import make_pseudonyms, make_salt
from ecomlab.store.importers.problem import ImportProblem
from ecomlab.store.importers.returned import build_returns
from ecomlab.store.importers.tables import make_tables
from ecomlab.store.importers.wording import number_of
from ecomlab.store.store import Manifest, Store

__all__ = ["import_files"]


def import_files(
    sources: Sequence[Path], *, format: str | Path, name: str | None = None, salt: str | None = None
) -> Imported:
    """Turn the files of an export into a store.

    Parameters
    ----------
    sources
        CSV (also gzipped), Excel or Parquet files. All are parts of one orders export, except
        those that the mapping assigns to other tables by name.
    format
        A ready format (``"online_retail"``, ``"shopify"``) or the path of a mapping file.
    name
        The store's name; the mapping's, or the first file's, where left out.
    salt
        Key of the customers' pseudonyms; a fresh random one where left out. Give the one of
        an earlier import (``read_salt``) to keep its ids.

    Raises
    ------
    ImportProblem
        Where a file or the mapping cannot be used: one line with place and remedy.
    """
    mapping = load_mapping(format)
    main, others = _assign(_paths(sources), mapping)
    salt = salt or make_salt()
    hide = make_pseudonyms(salt)
    raw = [read_raw(path, source=mapping.source, columns=mapping.columns) for path in main]
    cells = Cells(put_together(raw), mapping, mapping.columns)
    cells.mapping = mapping = replace(mapping, currency=settle_currency(cells, mapping))
    ledger = open_ledger(raw)
    tables, money = _read_orders(cells, mapping, ledger, hide)
    notes, ledgers = [*cells.notes, *_case_twins(cells), *_left_out(cells)], [ledger]
    for table, paths in others.items():
        flat = read_table(paths, table, mapping=mapping, hide=hide)
        tables[table.table] = merge_table(flat.frame, tables.get(table.table), table.table)
        ledgers.append(flat.ledger)
        notes += flat.notes
        raw += flat.raw
    notes = [note for file in raw for note in file.notes] + notes
    manifest = _manifest(mapping, name or mapping.name or main[0].name.split(".")[0], tables, raw)
    return Imported(
        store=Store.from_tables(tables, manifest=manifest),
        rejected=pd.concat([one.frame() for one in ledgers], ignore_index=True),
        reconciliation=reconcile(ledgers, money_accepted=money), notes=tuple(notes), salt=salt,
    )  # fmt: skip


def _paths(sources: Sequence[Path]) -> list[Path]:
    paths = [Path(source) for source in sources]
    if not paths:
        raise ImportProblem("No files were given. Name the files of the export.")
    for path in paths:
        if not path.is_file():
            raise ImportProblem(f"{path.name}: there is no such file.")
    if len({path.resolve() for path in paths}) < len(paths):
        raise ImportProblem("A file is given twice. Name each file once.")
    return paths


def _assign(
    paths: Sequence[Path], mapping: FormatMap
) -> tuple[list[Path], dict[TableMap, list[Path]]]:
    """Return the files of the orders export, and those of other tables by their names."""
    main: list[Path] = []
    others: dict[TableMap, list[Path]] = {}
    for path in paths:
        fits = [t for t in mapping.tables
                if fnmatch.fnmatch(path.name.casefold(), t.files.casefold())]  # fmt: skip
        if fits:
            others.setdefault(fits[0], []).append(path)
        else:
            main.append(path)
    if not main:
        raise ImportProblem("No file holds the orders: all belong to other tables by their names.")
    return main, others


def _read_orders(
    cells: Cells, mapping: FormatMap, ledger: Ledger, hide: Callable[[str], str]
) -> tuple[dict[str, pd.DataFrame], int]:
    """Return the tables of an orders export and the money in them [1e-4 currency]."""
    _repeated(cells, mapping, ledger)
    lines = read_lines(cells, mapping=mapping, ledger=ledger)
    values = gather_values(cells, lines, ledger=ledger, currency=mapping.currency)
    sold = build_lines(lines, values, ledger=ledger, currency=mapping.currency)
    back = build_returns(cells, lines, values, sold, ledger=ledger)
    if sold.empty:
        reasons = ledger.frame()["reason"].value_counts()
        raise ImportProblem(
            f"{cells.export.raw[0].file}: no row could be taken as a sale. Most often: "
            f"{'; '.join(str(reason) for reason in reasons.index[:3])}. Correct the mapping."
        )
    accepted = int(sold["amount"].sum() + values.shipping[values.exists].sum())
    accepted -= int(back["refund"].sum())
    tables = make_tables(cells, lines, values, sold, back, mapping=mapping, hide=hide)
    return tables, accepted


def _repeated(cells: Cells, mapping: FormatMap, ledger: Ledger) -> None:
    """Count rows that are exact copies of earlier ones; reject them if the mapping says so."""
    again = cells.export.repeated()
    if mapping.settings.duplicates == "reject":
        ledger.reject(again, column="", reason="an exact copy of an earlier row")
    elif again.any():
        count = int(again.sum())
        rows = number_of(count, "row is an exact copy of an earlier one and was kept",
                         "rows are exact copies of earlier ones and were kept")  # fmt: skip
        remedy = (
            f'set [settings] duplicates = "reject" to leave {"it" if count == 1 else "them"} out'
        )
        cells.notes.append(f"{rows}; {remedy}")


def _case_twins(cells: Cells) -> list[str]:
    """Warn of customers' ids that differ only by case: one person may count as several."""
    ids = set(cells.texts("customer_id").distinct)
    if not (more := len(ids) - len({text.casefold() for text in ids})):
        return []
    return [
        f"{cells.label('customer_id')}: "
        f"{number_of(more, 'id differs from another', 'ids differ from others')} only by case and "
        f"{'counts as a customer' if more == 1 else 'count as customers'} of "
        f'{"its" if more == 1 else "their"} own; set case = "lower" for customer_id '
        f"if case means nothing"
    ]


def _left_out(cells: Cells) -> list[str]:
    """Name the columns that did not enter the store, those declared personal first."""
    mapping = cells.mapping
    used = {fold_header(n) for c in mapping.columns for n in c.headers}
    used |= {fold_header(c.column) for rule in mapping.rules for c in rule.when}
    personal = {fold_header(name) for name in mapping.personal}
    idle = [name for name in cells.export.headers if fold_header(name) not in used]
    dropped = [name for name in idle if fold_header(name) in personal]
    unused = [name for name in idle if fold_header(name) not in personal]
    notes = [f"Personal columns dropped: {', '.join(dropped)}"] if dropped else []
    return notes + ([f"Columns not used: {', '.join(unused)}"] if unused else [])


def _manifest(
    mapping: FormatMap, name: str, tables: dict[str, pd.DataFrame], raw: Sequence[RawFile]
) -> Manifest:
    days = pd.concat([tables[t]["date"] for t in ("orders", "returns") if t in tables])
    return Manifest(
        name=name,
        currency=mapping.currency,
        time_zone=mapping.time_zone,
        first_day=f"{days.min():%Y-%m-%d}",
        last_day=f"{days.max():%Y-%m-%d}",
        origin={
            "kind": "imported",
            "format": mapping.title,
            "mapping_sha256": mapping.sha256,
            "files": [{"file": file.file, "sha256": file.sha256, "rows": len(file.rows)}
                      for file in sorted(raw, key=lambda file: (file.file, file.sha256))],
        },
    )  # fmt: skip
