"""A store written piece by piece: pieces of tables in, one folder out, whole or not at all.

Used where a store is larger than memory. What has been written is hashed on the way, so
that the manifest vouches for the same content as that of a store held in memory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from ecomlab import schema
from ecomlab.store.hashing import ContentHash
from ecomlab.store.store import (
    MANIFEST,
    Manifest,
    Store,
    StoreError,
    open_store,
    put_in_place,
)

__all__ = ["StoreWriter"]

_GROUP = 1 << 17  # rows that are written together, at least


class StoreWriter:
    """Write a store's tables as they come.

    Parameters
    ----------
    folder
        Where the store goes; it appears there when :meth:`finish` is called.

    Raises
    ------
    StoreError
        Where the folder exists and is not a store.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.target = Path(folder)
        if (
            self.target.exists()
            and not (self.target / MANIFEST).exists()
            and any(self.target.iterdir())
        ):
            raise StoreError(
                f"{self.target} exists and is not a store. Choose another folder, or empty it."
            )
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._part = self.target.parent / f".{self.target.name}.part-{os.getpid()}"
        self._files: dict[str, pq.ParquetWriter] = {}
        self._hashes: dict[str, ContentHash] = {}
        self._waiting: dict[str, list[pa.Table]] = {}

    def __enter__(self) -> StoreWriter:
        shutil.rmtree(self._part, ignore_errors=True)
        self._part.mkdir()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._part, ignore_errors=True)

    def append(self, tables: Mapping[str, pa.Table]) -> None:
        """Write a piece of each table; a table's pieces have the same columns.

        Small pieces wait for each other: every group of rows that is written costs some time.
        """
        for name, piece in tables.items():
            waits = self._waiting.setdefault(name, [])
            waits.append(piece)
            if sum(one.num_rows for one in waits) >= _GROUP:
                self._write(name)

    def _write(self, name: str) -> None:
        """Write and hash what waits of a table, as one group of rows."""
        piece = pa.concat_tables(self._waiting.pop(name)).combine_chunks()
        known = schema.TABLES[name].columns  # what is never empty is written without marks of gaps
        fields = [f.with_nullable(known[f.name].nullable) for f in piece.schema]
        piece = piece.cast(pa.schema(fields))
        if name not in self._files:
            self._hashes[name] = ContentHash()
            # no Arrow schema inside: dictionaries are an encoding, not a type of the store
            self._files[name] = pq.ParquetWriter(
                self._part / f"{name}.parquet", piece.schema, compression="zstd",
                compression_level=1, store_schema=False,
                use_dictionary=[f.name for f in piece.schema if not _encoding(f)],
                write_statistics=[f.name for f in piece.schema if pa.types.is_temporal(f.type)],
                column_encoding={f.name: how for f in piece.schema if (how := _encoding(f))},
            )  # fmt: skip
        self._hashes[name].add(piece)
        if piece.num_rows:
            self._files[name].write_table(piece, row_group_size=piece.num_rows)

    def finish(self, manifest: Manifest) -> Store:
        """Close the tables, write the manifest and put the store in its place; open it."""
        for name in tuple(self._waiting):
            self._write(name)
        for file in self._files.values():
            file.close()
        about = {
            name: {"rows": self._hashes[name].rows, "sha256": self._hashes[name].digest()}
            for name in schema.TABLES
            if name in self._hashes
        }
        versions = {"ecomlab": version("ecomlab"), "schema": str(schema.VERSION)}
        full = replace(manifest, tables=about, versions=versions)
        (self._part / MANIFEST).write_text(full.to_json(), encoding="utf-8")
        put_in_place(self._part, self.target)
        return open_store(self.target)


def _encoding(field: pa.Field) -> str | None:
    """Return how a column's values are written where a dictionary of them would only cost."""
    if pa.types.is_string(field.type):
        return "DELTA_LENGTH_BYTE_ARRAY"
    if pa.types.is_timestamp(field.type) or pa.types.is_int64(field.type):
        return "DELTA_BINARY_PACKED"
    return None
