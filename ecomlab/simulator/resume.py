"""Long runs that may be interrupted: pieces and a checkpoint on the disk as the days go by.

While ``simulate_into(..., resume=True)`` runs, ``.<store>.resume`` beside the store holds every
piece written so far and the state after the last of them. Started again with the same
arguments, the run goes on from there; the finished store is the one of a run never stopped.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather

from ecomlab.simulator.checkpoint import Checkpoint

__all__ = ["Pieces"]

_STATE = "state.zip"
_ASKED = "asked.json"
_PARTS = ("observed", "sealed")


class Pieces:
    """The pieces of a run, kept in a folder until the run is whole.

    Parameters
    ----------
    folder
        Where the store will go; the pieces lie beside it.
    asked
        What the run was asked for: pieces of another run are thrown away.
    """

    def __init__(self, folder: str | os.PathLike[str], asked: Mapping[str, object]) -> None:
        target = Path(folder)
        self.place = target.with_name(f".{target.name}.resume")
        text = json.dumps(asked, sort_keys=True, default=str)
        if not self._is_of(text):
            shutil.rmtree(self.place, ignore_errors=True)
            self.place.mkdir(parents=True)
            (self.place / _ASKED).write_text(text, encoding="utf-8")
        self.since = self._state()
        self.count = self.since.sealed["pieces"] if self.since is not None else 0

    def _is_of(self, text: str) -> bool:
        asked = self.place / _ASKED
        return asked.is_file() and asked.read_text(encoding="utf-8") == text

    def _state(self) -> Checkpoint | None:
        """Return the state after the last whole piece, if these sources made it."""
        file = self.place / _STATE
        if not file.is_file():
            return None
        found = Checkpoint(file.read_bytes())
        return found if found.is_of_these_sources else None

    def keep(self, observed: Mapping[str, pa.Table], sealed: Mapping[str, pa.Table]) -> None:
        """Write a piece of some tables; one of the same number, left by a stop, is replaced."""
        for part, tables in zip(_PARTS, (observed, sealed), strict=True):
            folder = self.place / f"{self.count:06d}.{part}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for number, (name, table) in enumerate(tables.items()):
                feather.write_feather(table, folder / f"{number:03d}.{name}", "lz4")
        self.count += 1

    def mark(self, state: Checkpoint) -> None:
        """Remember the state after the last piece: from here on a stop loses nothing before it."""
        part = self.place / f".{_STATE}"
        with part.open("wb") as file:
            file.write(state.content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.place / _STATE)

    def read(self) -> Iterator[tuple[dict[str, pa.Table], dict[str, pa.Table]]]:
        """Yield all pieces in the order of time."""
        for number in range(self.count):
            observed, sealed = (
                {file.name[4:]: feather.read_table(file, memory_map=False)
                 for file in sorted((self.place / f"{number:06d}.{part}").iterdir())}
                for part in _PARTS
            )  # fmt: skip
            yield observed, sealed

    def clear(self) -> None:
        """Remove the folder, once the store is in its place."""
        shutil.rmtree(self.place, ignore_errors=True)
