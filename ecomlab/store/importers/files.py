"""An export's file as it is: columns of text, rows with their numbers, nothing guessed."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ecomlab.store.importers.problem import ImportProblem

__all__ = ["MOST_BYTES", "MOST_COLUMNS", "RawFile", "check_header", "read_bytes", "sha256_of"]

MOST_BYTES = 4 * 2**30
MOST_RATIO = 200
MOST_COLUMNS = 5_000

_DISGUISES = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a SQLite database"),
)


@dataclass(frozen=True, kw_only=True)
class RawFile:
    """One file's rows as text.

    ``rows`` numbers the table's rows as an editor would (a CSV's or sheet's header is row 1;
    the first row of a Parquet file is 1). ``broken`` are rows that could not be held against
    the header, with the reason. ``notes`` say what had to be decided or repaired.
    """

    file: str
    sha256: str
    table: pa.Table
    rows: np.ndarray
    broken: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()
    native: bool = False


def read_bytes(path: Path) -> bytes:
    """Return a file's content, unpacked where it is gzipped.

    Raises
    ------
    ImportProblem
        Where the file is empty, cut, unpacks to too much, or is no text at all.
    """
    packed = path.read_bytes()
    data = _unpack(packed, path.name) if packed[:2] == b"\x1f\x8b" else packed
    if not data.strip():
        raise ImportProblem(f"{path.name}: the file is empty.")
    for magic, what in _DISGUISES:
        if data.startswith(magic):
            raise ImportProblem(
                f"{path.name}: this is {what}, not a CSV file. Give it its true ending, or "
                f"export the orders as CSV, .xlsx or Parquet."
            )
    return data


def _unpack(packed: bytes, name: str) -> bytes:
    """Unpack gzip in pieces, and stop where it grows beyond reason."""
    limit = min(MOST_BYTES, max(len(packed) * MOST_RATIO, 64 * 2**20))
    pieces, size = [], 0
    try:
        with gzip.open(io.BytesIO(packed), "rb") as stream:
            while piece := stream.read(2**22):
                size += len(piece)
                if size > limit:
                    raise ImportProblem(
                        f"{name}: unpacks to more than {limit / 2**20:,.0f} MB, which is not "
                        f"what an export does. Unpack it yourself if you trust it."
                    )
                pieces.append(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ImportProblem(
            f"{name}: the gzip file is cut or damaged after {size:,} unpacked bytes. "
            f"Fetch it again."
        ) from error
    return b"".join(pieces)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as it lies on the disk."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_header(names: list[str], file: str) -> None:
    """Refuse a header that is too wide to be one."""
    if len(names) > MOST_COLUMNS:
        raise ImportProblem(
            f"{file}: {len(names):,} columns; an export has at most {MOST_COLUMNS:,}. "
            f"Export one row an order line."
        )
