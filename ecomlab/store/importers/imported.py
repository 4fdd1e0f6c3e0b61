"""An import's outcome: the store, what became of every row, and how to keep both."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

import pandas as pd

from ecomlab.store.importers.ledger import Reconciliation
from ecomlab.store.importers.privacy import write_salt
from ecomlab.store.store import Store

__all__ = ["Imported"]

# A spreadsheet program takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """A store made from an export, and the account of it.

    ``rejected`` has one row a rejected or reinterpreted row: ``file, row, column, reason,
    status, money``; status ``set_aside`` is money of an accepted row that enters no table,
    such as refunded tax. ``notes`` are sentences on what was decided or repaired. The salt is
    never part of the store.
    """

    store: Store
    rejected: pd.DataFrame
    reconciliation: Reconciliation
    notes: tuple[str, ...] = ()
    salt: str = field(repr=False)

    def reasons(self) -> pd.DataFrame:
        """Return rows and money by status and reason, the most frequent first.

        A cell that is empty is told with its column: ``ordered_at is empty``.
        """
        bare = self.rejected["reason"] == "empty"
        named = self.rejected["reason"].mask(bare, self.rejected["column"] + " is empty")
        grouped = self.rejected.assign(reason=named).groupby(["status", "reason"], sort=True)
        table = grouped.agg(rows=("row", "size"), money=("money", "sum")).reset_index()
        table["money"] = table["money"].round(4)
        return table.sort_values(
            ["status", "rows", "reason"], ascending=[True, False, True], ignore_index=True
        )

    def report(self) -> str:
        """Return the account as plain text."""
        whole, money = self.reconciliation, self.store.currency
        lines = [
            f"{whole.rows_read:,} rows read = {whole.rows_accepted:,} accepted "
            f"(of which {whole.rows_reinterpreted:,} reinterpreted) "
            f"+ {whole.rows_rejected:,} rejected",
            f"{whole.money_read:,} {money} read = {whole.money_accepted:,} accepted "
            f"+ {whole.money_rejected:,} rejected",
        ]
        for status, group in self.reasons().groupby("status", sort=False):
            lines.append(f"{str(status).replace('_', ' ').capitalize()}:")
            lines += [f"  {row.rows:>9,}  {row.reason} ({row.money:,.2f} {money})"
                      for row in group.itertuples()]  # fmt: skip
        if self.notes:
            lines += ["Mind:", *(f"  {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"

    def save(self, folder: str | os.PathLike[str]) -> Store:
        """Write the store, its ``rejected.csv`` and ``import_report``, and keep the salt beside.

        Parameters
        ----------
        folder
            Where the store goes; the salt goes to ``<folder>.salt``, which is to stay at home.

        Raises
        ------
        ImportProblem
            Where another salt is already kept there.
        """
        write_salt(folder, self.salt)
        extras = {
            "rejected.csv": _plain_cells(self.rejected).to_csv(index=False, lineterminator="\n"),
            "import_report.json": self._as_json(),
            "import_report.txt": self.report(),
        }
        return self.store.save(folder, extras=extras)

    def _as_json(self) -> str:
        whole = self.reconciliation
        said = {
            "rows": {"read": whole.rows_read, "accepted": whole.rows_accepted,
                     "reinterpreted": whole.rows_reinterpreted, "rejected": whole.rows_rejected},
            "money": {"currency": self.store.currency, "read": str(whole.money_read),
                      "accepted": str(whole.money_accepted), "rejected": str(whole.money_rejected)},
            "reasons": self.reasons().to_dict("records"),
            "notes": list(self.notes),
        }  # fmt: skip
        return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def _plain_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with an apostrophe before texts that a spreadsheet would execute."""
    guarded = {
        name: frame[name].map(lambda text: f"'{text}" if text.startswith(FORMULA) else text)
        for name in ("file", "column", "reason")
    }
    return frame.assign(**guarded)
