"""A notebook's hold on its store: open it, and say plainly what a section lacks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

from ecomlab.store import Store, StoreError, open_store

__all__ = ["Lesson", "open_lesson"]


@dataclass(frozen=True, eq=False)
class Lesson:
    """One notebook on one store.

    ``shop`` is the store; ``source`` the words for captions.
    """

    name: str
    shop: Store
    sections: pd.DataFrame

    @property
    def source(self) -> str:
        """Where the numbers come from, for captions."""
        return self.shop.manifest.source

    def can(self, section: str) -> bool:
        """Return whether a section can run, perhaps degraded, on this store."""
        return str(self._row(section)["state"]) != "impossible"

    def require(self, section: str) -> None:
        """Stop the notebook with a plain word where a section that all else needs cannot run.

        Raises
        ------
        StoreError
            Says what is missing and how to supply it.
        """
        row = self._row(section)
        if row["state"] == "impossible":
            raise StoreError(f"{self.name} needs {row['missing']}. {row['remedy']}")

    def note(self, section: str) -> Markdown | None:
        """Say what a section lacks here and what would unlock it; nothing where it is whole."""
        row = self._row(section)
        if row["state"] == "ready":
            return None
        head = "This section cannot run" if row["state"] == "impossible" else (
            "This section runs with less than it could"
        )  # fmt: skip
        return Markdown(f"> **{head} on this store.** Missing: {row['missing']}. {row['remedy']}")

    def _row(self, section: str) -> pd.Series:
        found = self.sections[self.sections["section"] == section]
        if found.empty:
            raise StoreError(
                f"{section!r} is not a section of {self.name}; "
                f"it has {', '.join(self.sections['section'])}."
            )
        return found.iloc[0]


def open_lesson(name: str, store: str | Path) -> Lesson:
    """Open a notebook's store.

    Parameters
    ----------
    name
        The notebook, as ``"00_meet_the_store"``.
    store
        Folder of the store.

    Raises
    ------
    StoreError
        Where the folder is not a store; the message says how to make one.
    """
    shop = open_store(store)
    readiness = shop.readiness()
    return Lesson(name, shop, readiness[readiness["notebook"] == name])
