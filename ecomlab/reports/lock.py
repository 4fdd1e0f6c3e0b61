"""One runner at a time in a folder of reports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["RunnerBusyError", "locked"]

LOCK = ".lock"


class RunnerBusyError(RuntimeError):
    """Another runner is at work in the folder; try again when it has ended (exit code 75)."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock.

    The system drops the lock when its holder ends, however it ends, so a lock is never stale.

    Raises
    ------
    RunnerBusyError
        Where another process holds it.
    """
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _taken(handle):
            holder = os.pread(handle, 20, 1).decode(errors="replace").strip() or "unknown"
            raise RunnerBusyError(
                f"Another run is writing to {folder} (process {holder}). "
                f"Wait until it ends, or choose another folder with --out."
            )
        os.truncate(handle, 1)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 1)
        yield
    finally:
        os.close(handle)


if os.name == "nt":
    import msvcrt

    def _taken(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True

else:
    import fcntl

    def _taken(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
