"""What a folder of reports says of itself: ``manifest.jsonl``, one line a run, never rewritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ecomlab.reports.files import Disk, append_line, hash_file

__all__ = ["JOURNAL", "Entry", "Journal"]

JOURNAL = "manifest.jsonl"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run of one notebook.

    ``state`` is ``done``, ``failed`` or ``interrupted``; ``key`` stands for all that the result
    depends on; ``files`` holds the hash of each file written, by path within the folder.
    """

    name: str
    key: str
    state: str
    finished: str
    seconds: float
    store: str
    title: str
    reason: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    headline: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Path of the page within the folder, or empty."""
        return next((path for path in self.files if path.endswith(".html")), "")

    @property
    def notebook(self) -> str:
        """Path of the executed notebook within the folder, or empty."""
        return next((path for path in self.files if path.endswith(".ipynb")), "")


class Journal:
    """The lines of a folder's journal, and how to add one."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder, self._disk = folder, disk
        self._path = folder / JOURNAL
        self.entries: list[Entry] = []
        if self._path.exists():
            text = self._path.read_text(encoding="utf-8", errors="replace")
            self.entries = [entry for line in text.splitlines() if (entry := _read(line))]
            self._torn = bool(text) and not text.endswith("\n")
        else:
            self._torn = False

    def add(self, entry: Entry) -> None:
        """Append a run to the file, and then to what is known."""
        line = json.dumps(asdict(entry), ensure_ascii=False)
        append_line(self._disk, self._path, "\n" + line if self._torn else line)
        self._torn = False
        self.entries.append(entry)

    def last(self, name: str) -> Entry | None:
        """Return the last run of a notebook that was not interrupted."""
        runs = (e for e in reversed(self.entries) if e.name == name and e.state != "interrupted")
        return next(runs, None)

    def good(self, name: str) -> Entry | None:
        """Return the last good run of a notebook whose files are all still as it left them."""
        for entry in reversed(self.entries):
            if entry.name == name and entry.state == "done":
                return entry if self._intact(entry) else None
        return None

    def _intact(self, entry: Entry) -> bool:
        try:
            return bool(entry.files) and all(
                hash_file(self._folder / path) == digest for path, digest in entry.files.items()
            )
        except OSError:
            return False


def _read(line: str) -> Entry | None:
    """Return the run of a line, or None for a line cut short or of another version."""
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
