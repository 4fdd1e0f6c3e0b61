"""Put files in place whole or not at all.

A result is written under a name of its own, synced, checked, and then renamed; the folder is
synced after that. Whatever ends the process, a file under its final name is complete.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Disk", "append_line", "hash_file", "put_files", "remove_parts"]

PART = ".part-"
_numbers = itertools.count()


class Disk:
    """The calls that change files, in one place so that tests can make each of them fail."""

    def open(self, path: Path, flags: int) -> int:
        """Open a file for writing and return its handle."""
        return os.open(path, flags | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o644)

    def write(self, handle: int, data: memoryview) -> int:
        """Write some of the data and return how much."""
        return os.write(handle, data)

    def sync(self, handle: int) -> None:
        """Wait until what was written is on the disk."""
        os.fsync(handle)

    def rename(self, old: Path, new: Path) -> None:
        """Put a file in the place of another, at once."""
        os.replace(old, new)

    def sync_folder(self, folder: Path) -> None:
        """Wait until a folder's list of files is on the disk."""
        if os.name == "nt":  # there is no such thing on Windows
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def put_files(disk: Disk, files: Mapping[Path, bytes], *, mark: str) -> None:
    """Write files so that each appears whole under its name, or not at all.

    Parameters
    ----------
    disk
        How to write.
    files
        Content by final path; all are complete before the first appears.
    mark
        Distinguishes the names of the parts of one result from others.

    Raises
    ------
    OSError
        Where something could not be written; files of these names are then as they were, or
        the new ones, never a mixture within a file.
    """
    parts = {path: path.with_name(f"{PART}{mark}-{os.getpid()}-{next(_numbers)}") for path in files}
    try:
        for path, data in files.items():
            with _opened(disk, parts[path], os.O_CREAT | os.O_EXCL) as handle:
                _write_all(disk, handle, data)
        for path, part in parts.items():
            disk.rename(part, path)
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)
    for folder in {path.parent for path in files}:
        disk.sync_folder(folder)


def append_line(disk: Disk, path: Path, line: str) -> None:
    """Add a line to a file, or leave the file as it was."""
    with _opened(disk, path, os.O_CREAT | os.O_APPEND) as handle:
        size = os.fstat(handle).st_size
        try:
            _write_all(disk, handle, f"{line}\n".encode("utf-8", "replace"))
        except OSError:
            os.ftruncate(handle, size)
            raise


def remove_parts(folder: Path) -> None:
    """Delete what runs that were killed have left half-written in a folder."""
    for part in folder.glob(f"{PART}*"):
        part.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(disk: Disk, path: Path, flags: int) -> Iterator[int]:
    handle = disk.open(path, flags)
    try:
        yield handle
    finally:
        os.close(handle)


def _write_all(disk: Disk, handle: int, data: bytes) -> None:
    """Write, sync and check the size: a full disk may say so only at the end, or not at all."""
    wanted = os.fstat(handle).st_size + len(data)
    rest = memoryview(data)
    while rest:
        rest = rest[disk.write(handle, rest) :]
    disk.sync(handle)
    if (size := os.fstat(handle).st_size) != wanted:
        raise OSError(f"{wanted:,} bytes were to be written, {size:,} arrived")
