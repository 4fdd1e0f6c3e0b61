"""What a store is: a folder of Parquet tables and a manifest.

Tables in: frames that satisfy ``ecomlab.schema``. Answer out: frames again,
whole (``table``), by query (``query``) or lazily for metrics (``scan``).
A store never changes; ``save`` writes it beside the target and renames.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ecomlab import schema
from ecomlab.store.hashing import ContentHash, canonical_hash
from ecomlab.store.manifest import Manifest, StoreError

__all__ = [
    "Manifest", "Store", "StoreError", "open_store",
    "put_in_place", "safe_name",
]  # fmt: skip

MANIFEST = "manifest.json"


def safe_name(name: str) -> str:
    """Return a file name that is harmless on every system and distinct for distinct names.

    Letters, digits, ``-``, ``_`` and ``.`` stay; where anything else had to go, or case or
    length could make two names meet, a short hash of the whole name keeps them apart.

    Examples
    --------
    >>> safe_name("demo")
    'demo'
    >>> safe_name("../<script>").startswith("script-")
    True
    >>> safe_name("Shop") == safe_name("shop")
    False
    """
    plain = unicodedata.normalize("NFC", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9_.-]+", "-", plain.lower()).strip("-. ")[:60]
    if plain == name and plain.split(".")[0] not in _RESERVED:
        return plain
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'store'}-{mark}" if plain.split(".")[0] not in _RESERVED else f"s-{mark}"


_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    "",
    *(f"{d}{i}" for d in ("com", "lpt") for i in range(10)),
}


class Store:
    """A store's observed tables, checked against the schema, and its manifest.

    Make one with :func:`open_store` or :meth:`Store.from_tables`.
    """

    def __init__(self, manifest: Manifest, sources: Mapping[str, Path | pa.Table]) -> None:
        self.manifest = manifest
        self._sources = {name: sources[name] for name in schema.TABLES if name in sources}

    @classmethod
    def from_tables(
        cls, tables: Mapping[str, pd.DataFrame | pa.Table], *, manifest: Manifest
    ) -> Store:
        """Return a store held in memory.

        Parameters
        ----------
        tables
            Frames (checked against the schema) or Arrow tables already in schema types
            (trusted: the simulator's), by table name.
        manifest
            Name, currency, time zone, period and origin; counts and hashes are filled in.

        Raises
        ------
        ContractError
            Where a frame breaks the contract of its table.
        """
        held = {name: _as_arrow(tables[name], name) for name in schema.TABLES if name in tables}
        if unknown := set(tables) - set(schema.TABLES):
            raise StoreError(
                f"{sorted(unknown)} are not tables of a store. Known: {', '.join(schema.TABLES)}."
            )
        about = {
            name: {"rows": table.num_rows, "sha256": canonical_hash(table)}
            for name, table in held.items()
        }
        versions = {"ecomlab": version("ecomlab"), "schema": str(schema.VERSION)}
        return cls(replace(manifest, tables=about, versions=versions), held)

    def with_manifest(self, manifest: Manifest) -> Store:
        """Return the same tables under another manifest (a new name, a sealed seed)."""
        return Store(manifest, self._sources)

    @property
    def name(self) -> str:
        """The store's name, as its people write it."""
        return self.manifest.name

    @property
    def folder(self) -> Path | None:
        """Where the store lies on the disk; None for one that is held in memory."""
        first = next(iter(self._sources.values()), None)
        return first.parent if isinstance(first, Path) else None

    @property
    def currency(self) -> str:
        """ISO 4217 code of every amount."""
        return self.manifest.currency

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables the store has, in schema order."""
        return tuple(self._sources)

    def columns(self, name: str) -> tuple[str, ...]:
        """Names of the columns a table has here."""
        source = self._source(name)
        if isinstance(source, pa.Table):
            return tuple(source.column_names)
        return tuple(pq.read_schema(_parts(source)[0]).names)

    def table(self, name: str) -> pd.DataFrame:
        """Return a whole table as a pandas frame in schema types.

        Raises
        ------
        StoreError
            Where the store has no such table.
        """
        return schema.cast(self.arrow(name).to_pandas(date_as_object=False), name)

    def arrow(self, name: str) -> pa.Table:
        """Return a whole table as Arrow, just as the store holds it."""
        source = self._source(name)
        if isinstance(source, pa.Table):
            return source
        table = pq.read_table(_parts(source))  # what a file says is never empty is no other type
        return table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))

    def hash_of(self, name: str) -> str:
        """Return the :func:`canonical_hash` of a table as it is now, in memory a column at a time.

        Raises
        ------
        StoreError
            Where the store has no such table.
        """
        source = self._source(name)
        if isinstance(source, pa.Table):
            return canonical_hash(source)
        files = [pq.ParquetFile(part) for part in _parts(source)]

        def read(column: str) -> pa.ChunkedArray:
            read = [file.read([column], use_threads=False)[column] for file in files]
            return pa.chunked_array([chunk for part in read for chunk in part.chunks], read[0].type)

        whole = ContentHash()
        for column in files[0].schema_arrow.names:
            whole.add_column(column, read(column))
        return whole.digest()

    def scan(self, name: str) -> nw.LazyFrame[Any]:
        """Return a table as a lazy narwhals frame on DuckDB; nothing is read yet."""
        self._source(name)
        return nw.from_native(self._engine.table(name))

    def query(self, sql: str) -> pd.DataFrame:
        """Return the answer to a query over the store's tables (DuckDB's SQL, reading only).

        Raises
        ------
        StoreError
            Where the text is anything but a query: a store never changes.
        """
        statements = self._engine.extract_statements(sql)
        if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
            raise StoreError("A store answers one SELECT at a time; it is never written to.")
        return self._engine.execute(statements[0]).df()

    @functools.cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB that sees this store's tables and nothing else."""
        engine = duckdb.connect(config={"threads": 1})
        folders = {str(s.parent.resolve()) for s in self._sources.values() if isinstance(s, Path)}
        engine.execute(f"SET allowed_directories=[{_quoted(sorted(folders))}]")
        for setting in ("enable_external_access=false", "python_enable_replacements=false"):
            engine.execute(f"SET {setting}")
        engine.execute("SET lock_configuration=true")
        for name, source in self._sources.items():
            if isinstance(source, pa.Table):
                engine.register(name, source)
            else:
                parts = _quoted(str(part.resolve()) for part in _parts(source))
                engine.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{parts}])")
        return engine

    def _source(self, name: str) -> Path | pa.Table:
        try:
            return self._sources[name]
        except KeyError:
            raise StoreError(
                f"Store {self.name!r} has no table {name!r}; it has {', '.join(self.tables)}. "
                f"Ask store.readiness() what this costs, or import the table."
            ) from None

    def save(
        self, folder: str | os.PathLike[str], *, extras: Mapping[str, str] | None = None
    ) -> Store:
        """Write the store to a folder and return it opened from there.

        The folder appears at once and whole, or not at all; an older store of the same
        name is replaced only when the new one is complete.

        Parameters
        ----------
        folder
            Where the store goes.
        extras
            Further text files to put beside the tables: file name -> content.

        Raises
        ------
        StoreError
            Where the folder exists and is not a store.
        """
        target = Path(folder)
        if target.exists() and not (target / MANIFEST).exists() and any(target.iterdir()):
            raise StoreError(
                f"{target} exists and is not a store. Choose another folder, or empty it."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.parent / f".{target.name}.part-{os.getpid()}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            for name in self.tables:
                pq.write_table(self.arrow(name), part / f"{name}.parquet", compression="zstd")
            for name, text in (extras or {}).items():
                (part / name).write_text(text, encoding="utf-8", newline="\n")
            (part / MANIFEST).write_text(self.manifest.to_json(), encoding="utf-8")
            put_in_place(part, target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return open_store(target)

    def check(self) -> pd.DataFrame:
        """Return the quality check: one row a broken rule (see ``ecomlab.store.quality``)."""
        from ecomlab.store.quality import check_store

        return check_store(self)

    def readiness(self) -> pd.DataFrame:
        """Return what each notebook section needs, and whether this store has it."""
        from ecomlab.store.readiness import assess_readiness

        return assess_readiness(self)

    def __repr__(self) -> str:
        about = self.manifest
        rows = sum(int(t["rows"]) for t in about.tables.values())
        return (
            f"Store({about.name!r}, {about.currency}, {about.first_day} to {about.last_day}, "
            f"{len(self.tables)} tables, {rows:,} rows)"
        )


def open_store(folder: str | os.PathLike[str]) -> Store:
    """Open a store.

    Parameters
    ----------
    folder
        The folder that ``ecomlab simulate`` or ``ecomlab import`` wrote.

    Raises
    ------
    StoreError
        Where the folder is not a store; the message says how to make one.
    """
    path = Path(folder)
    if not (path / MANIFEST).is_file():
        raise StoreError(
            f"{path} is not a store: it has no {MANIFEST}. Make one with "
            f"'ecomlab simulate --preset west_d2c --seed 7 --out {path}' "
            f"or from your own export with 'ecomlab import'."
        )
    try:
        said = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**said)
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path / MANIFEST} cannot be read: {error}. Make the store again.") from (
            error
        )
    if int(manifest.versions.get("schema", 0)) > schema.VERSION:
        raise StoreError(
            f"{path} was written by a newer ecomlab (schema {manifest.versions['schema']}; "
            f"this one reads up to {schema.VERSION}). Update ecomlab."
        )
    sources = {name: path / f"{name}.parquet" for name in manifest.tables}
    if absent := [name for name, file in sources.items() if not file.exists()]:
        raise StoreError(f"{path} lacks the files of {', '.join(absent)}. Make the store again.")
    return Store(manifest, sources)


def _as_arrow(table: pd.DataFrame | pa.Table, name: str) -> pa.Table:
    if isinstance(table, pa.Table):
        return table.cast(schema.arrow_schema(name, table.column_names))
    frame = schema.check(table.reset_index(drop=True), name)
    return pa.Table.from_pandas(
        frame, schema=schema.arrow_schema(name, frame.columns), preserve_index=False
    ).replace_schema_metadata(None)


def _quoted(texts: Iterable[str]) -> str:
    """Return texts as SQL's literals, separated by commas."""
    return ", ".join("'" + text.replace("'", "''") + "'" for text in texts)


def _parts(source: Path) -> list[Path]:
    """Return a table's files: one, or the parts of a folder in name order."""
    return sorted(source.glob("*.parquet")) if source.is_dir() else [source]


def _sync(path: Path) -> None:
    """Make sure that a file, or a folder's list of files, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_in_place(part: Path, target: Path) -> None:
    """Put a finished folder in the place of an older one, once it is safely on the disk."""
    for file in [*part.iterdir(), part]:
        _sync(file)
    _swap(part, target)


def _swap(part: Path, target: Path) -> None:
    """Put a finished folder in the place of an older one."""
    old = target.parent / f".{target.name}.old-{os.getpid()}"
    if target.exists():
        target.rename(old)
    try:
        part.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
    _sync(target.parent)
