"""CSV and its relatives, read as text.

The encoding is decided on the whole file. Every row is held against the header's width, so
that nothing ever shifts, and keeps the number of the line it begins on.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ecomlab.store.importers.files import RawFile, check_header, read_bytes, sha256_of
from ecomlab.store.importers.headers import fold_header
from ecomlab.store.importers.mapping import Source
from ecomlab.store.importers.problem import ImportProblem
from ecomlab.store.importers.wording import number_of

__all__ = ["decode", "read_delimited"]

SEPARATORS = (",", ";", "\t", "|")
LONGEST_FIELD = 1_000_000
HEADER_WITHIN = 30
CHUNK = 50_000
# What Windows-1252 has where Latin-1 has control signs; five bytes are free and stay as they are.
WINDOWS = {byte: sign for byte in range(0x80, 0xA0)
           if (sign := bytes([byte]).decode("cp1252", "ignore"))}  # fmt: skip
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_delimited(path: Path, *, source: Source, wanted: Collection[str]) -> RawFile:
    """Read a CSV file as columns of text.

    Parameters
    ----------
    path
        The file, gzipped or not.
    source
        What the mapping says of the files.
    wanted
        Headers the mapping uses, by which the header row and the separator are found.

    Raises
    ------
    ImportProblem
        Where the file cannot be read as text in rows: names the file, and the line or byte.
    """
    data = read_bytes(path)
    text, encoding = decode(data, source.encodings, path.name)
    if not text.strip():
        raise ImportProblem(f"{path.name}: the file is empty.")
    folded = {fold_header(name) for name in wanted}
    if source.separator == "spaces":
        text = re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text)
        text = re.sub(r"[ \t]+", "\t", text)
    separator = _separator(text, folded, source)
    above = 0 if source.names else _above_header(text, separator, source, folded)
    records = _records(text, separator, source.escape, path.name, above=above)
    names = _names(list(source.names) or next(records, (0, []))[1])
    check_header(names, path.name)
    notes = []
    if encoding != "utf-8":
        notes.append(f"{path.name}: read as {encoding}")
    if above:
        notes.append(f"{path.name}: {number_of(above, 'row', 'rows')} above the header left out")
    body = _Body(path.name, names)
    table = body.read(records)
    return RawFile(
        file=path.name, sha256=sha256_of(path), table=table, rows=np.array(body.rows, np.int64),
        broken=tuple(body.broken), notes=(*notes, *body.notes()),
    )  # fmt: skip


def decode(data: bytes, encodings: Sequence[str], file: str) -> tuple[str, str]:
    """Return a file's text and the encoding it is in, decided on every byte.

    Raises
    ------
    ImportProblem
        Where none fits, or lines of different encodings stand in one file.

    Examples
    --------
    >>> decode("Größe".encode("latin-1"), ("utf-8", "gb18030", "latin-1"), "a.csv")
    ('Größe', 'latin-1')
    >>> decode("5 €".encode("cp1252"), ("utf-8", "gb18030", "latin-1"), "a.csv")
    ('5 €', 'Windows-1252')
    >>> decode("订单编号".encode("gb18030"), ("utf-8", "gb18030", "latin-1"), "a.csv")[1]
    'gb18030'
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ImportProblem(
            f"{file}: the file is in UTF-16. Save it as 'CSV UTF-8' and import that."
        )
    if (nul := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise ImportProblem(f"{file}: a NUL byte in line {line:,} (byte {nul:,}): not a text file.")
    tried: list[str] = []
    for name in encodings:
        codec = "utf-8-sig" if name.lower().replace("_", "-") in ("utf-8", "utf8") else name
        try:
            text = data.decode(codec)
        except LookupError as error:
            raise ImportProblem(f"{file}: [source] encodings: {name!r} is not known.") from error
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            tried.append(f"{name} fails in line {line:,}, byte {error.start:,}")
            if codec == "utf-8-sig":
                _refuse_mixture(data, file)
            continue
        if name.lower().startswith("gb") and len(encodings) > 1 and not _looks_chinese(data):
            continue
        return _windows(text, name)
    raise ImportProblem(
        f"{file}: not readable as text ({'; '.join(tried)}). Save it as UTF-8, or declare "
        f'[source] encodings = ["…"].'
    )


def _windows(text: str, name: str) -> tuple[str, str]:
    """Prefer Windows-1252 to Latin-1: there 0x80 to 0x9f are the euro sign and curly quotes."""
    codec = codecs.lookup(name).name
    if codec == "iso8859-1" and re.search("[\x80-\x9f]", text):
        return text.translate(WINDOWS), "Windows-1252"
    return text, "Windows-1252" if codec == "cp1252" else name


def _looks_chinese(data: bytes) -> bool:
    """Tell Chinese from accented Latin letters, which GB18030 reads as rare characters.

    Common Chinese characters and punctuation are a byte from 0xA1 to 0xD7 and one above 0xA0.
    An accented letter mostly stands before a plain one, and small ones are above 0xDF.
    """
    pairs = re.findall(rb"[\x81-\xfe][\x30-\xfe]", data)
    common = sum(0xA1 <= pair[0] <= 0xD7 and pair[1] >= 0xA1 for pair in pairs)
    return common > 0.6 * len(pairs)


def _refuse_mixture(data: bytes, file: str) -> None:
    """Refuse a file some of whose lines are UTF-8 and some not: no one encoding reads it."""
    utf8, other, first = 0, 0, 0
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            utf8 += 1
        except UnicodeDecodeError:
            other += 1
            first = first or number
    if utf8 > 0.25 * (utf8 + other):
        raise ImportProblem(
            f"{file}: {number_of(utf8, 'line is', 'lines are')} in UTF-8 and "
            f"{number_of(other, 'is', 'are')} not (the first is line {first:,}). "
            f"Files of different encodings were put together; import them one by one."
        )


def _separator(text: str, wanted: set[str], source: Source) -> str:
    """Return the separator declared, or that under which the top shows most wanted headers."""
    if source.separator in ("spaces", "tab"):
        return "\t"
    if source.separator != "auto":
        return source.separator
    top = _LINE_END.split(text[:200_000], HEADER_WITHIN)[:HEADER_WITHIN]

    def score(separator: str) -> tuple[int, int]:
        rows = [[fold_header(cell) for cell in _split(line, separator)] for line in top]
        return max(len(wanted.intersection(row)) for row in rows), max(len(row) for row in rows)

    return max(SEPARATORS, key=score)


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return line.split(separator)


def _above_header(text: str, separator: str, source: Source, wanted: set[str]) -> int:
    """Return how many lines stand above the header: as declared, or the best match on top."""
    if source.header_row:
        return source.header_row - 1
    top = _LINE_END.split(text[:5_000_000], HEADER_WITHIN)[:HEADER_WITHIN]
    hits = [len(wanted.intersection(map(fold_header, _split(line, separator)))) for line in top]
    return hits.index(max(hits))


def _names(header: list[str]) -> list[str]:
    """Return the header's names; columns after the last name, all empty, do not count."""
    while header and not header[-1].strip():
        header = header[:-1]
    return header


def _records(
    text: str, separator: str, escape: str, file: str, *, above: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record below some lines, with the number of the line it begins on."""
    csv.field_size_limit(LONGEST_FIELD)
    stream = io.StringIO(text, newline="")
    for _ in range(above):
        stream.readline()
    reader = csv.reader(
        stream, delimiter=separator, escapechar=escape or None, doublequote=not escape, strict=True
    )
    begins = above + 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ImportProblem(
                f"{file}: the record that begins in line {begins:,} cannot be read ({error}); most "
                f"likely a quotation mark is not closed there. Mend the line, or declare [source] "
                f'escape if quotation marks are written \\".'
            ) from error
        yield begins, record
        begins = above + reader.line_num + 1


class _Body:
    """Gathers the rows below the header, in chunks, as Arrow columns."""

    def __init__(self, file: str, names: list[str]) -> None:
        self.file, self.names = file, names
        self.rows: list[int] = []
        self.broken: list[tuple[int, str]] = []
        self.blank = 0

    def read(self, records: Iterator[tuple[int, list[str]]]) -> pa.Table:
        """Return all records that fit the header."""
        width, chunks, chunk = len(self.names), [], []
        for line, record in records:
            if len(record) != width:
                record = self._fit(line, record)
                if not record:
                    continue
            elif not any(record):
                self.blank += 1
                continue
            self.rows.append(line)
            chunk.append(record)
            if len(chunk) == CHUNK:
                chunks.append(self._pack(chunk))
                chunk = []
        return pa.concat_tables([*chunks, self._pack(chunk)])

    def _fit(self, line: int, record: list[str]) -> list[str]:
        """Return a record of another width cut to the header's where only blanks go, or none."""
        width = len(self.names)
        if not any(cell.strip() for cell in record):
            self.blank += 1
            return []
        if len(record) > width and not any(cell.strip() for cell in record[width:]):
            return record[:width]
        kind = "more" if len(record) > width else "fewer"
        self.broken.append(
            (line, f"{kind} cells than the header has ({len(record)} instead of {width})")
        )
        return []

    def _pack(self, chunk: list[list[str]]) -> pa.Table:
        columns = list(zip(*chunk, strict=True)) or [()] * len(self.names)
        return pa.Table.from_arrays(
            [pa.array(column, pa.string()) for column in columns], names=self.names
        )

    def notes(self) -> list[str]:
        """Say what was left out without being a row."""
        return [f"{self.file}: {self.blank:,} blank rows left out"] if self.blank else []
