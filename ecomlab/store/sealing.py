"""The sealed side of a store: the truth beside it, as one file that its hash vouches for.

``stores/demo`` has its truth in ``stores/demo.truth.zip``, and that file's SHA-256 in its
manifest. The file is a zip of CSV tables, stored and dated so that the same truth is the
same bytes everywhere. It is sealed by convention, not by cipher: it keeps honest people
from looking by accident.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from ecomlab.store.store import StoreError, open_store

__all__ = [
    "SealError", "Truth", "TruthWriter", "open_truth", "plain_table", "seal", "truth_file",
    "verify",
]  # fmt: skip

_TYPES = {"int64": pa.int64(), "double": pa.float64(), "string": pa.string(),
          "date32[day]": pa.date32(), "bool": pa.bool_()}  # fmt: skip
_DATED = (2000, 1, 1, 0, 0, 0)
_MOST_BYTES = 4 * 1024**3


class SealError(StoreError):
    """The truth beside a store is absent, or is not the one its manifest vouches for."""


class Truth(Mapping[str, pd.DataFrame]):
    """Named tables of what is true, with the hash of them all.

    Examples
    --------
    >>> truth = Truth({"truth_sku": pa.table({"sku": ["A"], "quality": [0.5]})})
    >>> truth["truth_sku"]["quality"].tolist(), len(truth.hash)
    ([0.5], 64)
    """

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self._tables = {name: plain_table(table) for name, table in tables.items()}

    def __getitem__(self, name: str) -> pd.DataFrame:
        try:
            return self._tables[name].to_pandas(date_as_object=False)
        except KeyError:
            raise KeyError(f"no {name!r} in the truth; it has {', '.join(self._tables)}") from None

    def arrow(self, name: str) -> pa.Table:
        """Return a whole table as Arrow, just as the truth holds it."""
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    @functools.cached_property
    def sealed(self) -> bytes:
        """The sealed file's content."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            types = {n: {f.name: str(f.type) for f in t.schema} for n, t in self._tables.items()}
            _add(archive, "types.json", json.dumps(types, indent=1).encode())
            for name, table in self._tables.items():
                text = io.BytesIO()
                pacsv.write_csv(table, text)
                _add(archive, f"{name}.csv", text.getvalue())
        return out.getvalue()

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of the sealed file."""
        return hashlib.sha256(self.sealed).hexdigest()

    def __repr__(self) -> str:
        return f"Truth({', '.join(self._tables)}; sha256 {self.hash[:12]})"


class TruthWriter:
    """The sealed file of a truth that comes in pieces, with the same bytes as :class:`Truth`.

    Use it as a context; what it wrote on the way is gone afterwards.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.target = truth_file(folder)
        self._part = self.target.with_name(f".{self.target.name}.part-{os.getpid()}")
        self._files: dict[str, pacsv.CSVWriter] = {}
        self._types: dict[str, dict[str, str]] = {}

    def __enter__(self) -> TruthWriter:
        shutil.rmtree(self._part, ignore_errors=True)
        self._part.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._part, ignore_errors=True)

    def append(self, tables: Mapping[str, pa.Table]) -> None:
        """Write a piece of each table."""
        for name, piece in ((name, plain_table(table)) for name, table in tables.items()):
            if name not in self._files:
                self._types[name] = {f.name: str(f.type) for f in piece.schema}
                self._files[name] = pacsv.CSVWriter(self._part / f"{name}.csv", piece.schema)
            self._files[name].write_table(piece)

    def finish(self) -> str:
        """Seal the file beside the store's folder, whole or not at all; return its hash."""
        for file in self._files.values():
            file.close()
        sealed = self._part / "sealed"
        with zipfile.ZipFile(sealed, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            _add(archive, "types.json", json.dumps(self._types, indent=1).encode())
            for name in self._types:
                with (
                    (self._part / f"{name}.csv").open("rb") as content,
                    archive.open(_entry(f"{name}.csv"), "w") as place,
                ):
                    shutil.copyfileobj(content, place, 1 << 20)
        with sealed.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        sealed.replace(self.target)
        return found


def plain_table(table: pa.Table) -> pa.Table:
    """Return a table in the few types that a text file keeps apart."""
    types = [(field.name, _plainer(field.type)) for field in table.schema]
    return table.cast(pa.schema(types))


def _plainer(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_integer(kind):
        return pa.int64()
    return pa.float64() if pa.types.is_floating(kind) else kind


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_DATED)
    entry.external_attr = 0o600 << 16
    entry.create_system = 3  # the same byte on every system
    return entry


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_entry(name), content)


def truth_file(folder: str | os.PathLike[str]) -> Path:
    """Return where the truth of the store in a folder lies.

    Examples
    --------
    >>> truth_file("stores/demo").name
    'demo.truth.zip'
    """
    path = Path(folder)
    return path.with_name(f"{path.name}.truth.zip")


def seal(truth: Truth, folder: str | os.PathLike[str]) -> Path:
    """Write the truth beside the store's folder, whole or not at all."""
    target = truth_file(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        with part.open("wb") as file:
            file.write(truth.sealed)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def verify(folder: str | os.PathLike[str]) -> str:
    """Return the hash of a store's sealed truth, or raise where it is not the store's own.

    Raises
    ------
    SealError
        Where the file is absent, or its hash is not the one in the manifest.
    """
    return hashlib.sha256(_vouched(folder)).hexdigest()


def open_truth(folder: str | os.PathLike[str]) -> Truth:
    """Open the sealed truth of the store in a folder, after checking its hash.

    Raises
    ------
    SealError
        Where the file is absent, or its hash is not the one in the manifest.
    """
    with zipfile.ZipFile(io.BytesIO(_vouched(folder))) as archive:
        types = json.loads(archive.read("types.json"))
        return Truth({n: _read(archive.read(f"{n}.csv"), of) for n, of in types.items()})


def _read(content: bytes, types: Mapping[str, str]) -> pa.Table:
    as_types = {name: _TYPES[kind] for name, kind in types.items()}
    options = pacsv.ConvertOptions(column_types=as_types, strings_can_be_null=True,
                                   quoted_strings_can_be_null=False)  # fmt: skip
    return pacsv.read_csv(io.BytesIO(content), convert_options=options)


def _vouched(folder: str | os.PathLike[str]) -> bytes:
    file, store = truth_file(folder), open_store(folder)
    said = store.manifest.origin.get("truth_sha256")
    if said is None:
        raise SealError(f"Store {store.name!r} has no truth: it was not simulated.")
    if not file.is_file():
        raise SealError(
            f"The truth of store {store.name!r} is not beside it ({file.name}). "
            f"Copy it there, or simulate the store again."
        )
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != said:
        raise SealError(
            f"{file.name} is not the truth of store {store.name!r}: its hash differs from the "
            f"one in the manifest. Simulate the store again."
        )
    return content
