"""Where every row of an export went, and its money: nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from ecomlab.store.importers.amounts import TICKS
from ecomlab.store.importers.problem import ImportProblem

__all__ = ["Ledger", "Reconciliation", "reconcile"]

COLUMNS = ("file", "row", "column", "reason", "status", "money")


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """Rows and money read, and where they went.

    ``rows_reinterpreted`` are accepted rows that became something else than a plain sale.
    ``money_rejected`` holds the rejected rows' money and what was set aside from accepted
    ones (such as refunded tax). Money is in the store's currency.
    """

    rows_read: int
    rows_accepted: int
    rows_reinterpreted: int
    rows_rejected: int
    money_read: Decimal
    money_accepted: Decimal
    money_rejected: Decimal

    def __post_init__(self) -> None:
        if self.rows_read != self.rows_accepted + self.rows_rejected:
            raise ImportProblem(
                f"The rows do not add up: {self.rows_read:,} read, {self.rows_accepted:,} "
                f"accepted, {self.rows_rejected:,} rejected. "
                f"This is a fault of ecomlab; please report it."
            )
        if self.money_read != self.money_accepted + self.money_rejected:
            raise ImportProblem(
                f"The money does not add up: {self.money_read} read, {self.money_accepted} "
                f"accepted, {self.money_rejected} rejected. This is a fault of ecomlab; "
                f"please report it."
            )

    def table(self) -> pd.DataFrame:
        """Return rows and money by what became of them."""
        return pd.DataFrame(
            {
                "what": ["read", "accepted", "rejected"],
                "rows": [self.rows_read, self.rows_accepted, self.rows_rejected],
                "money": [float(m) for m in (self.money_read, self.money_accepted,
                                             self.money_rejected)],
            }
        )  # fmt: skip


class Ledger:
    """Collects what becomes of each row while an import goes on.

    Rows are addressed by their place over all files; the first rejection of a row counts.
    """

    def __init__(self, files: Sequence[str], file_of: np.ndarray, row_of: np.ndarray) -> None:
        self.files, self.file_of, self.row_of = tuple(files), file_of, row_of
        self.rejected = np.zeros(len(row_of), dtype=bool)
        self.reinterpreted = np.zeros(len(row_of), dtype=bool)
        self.money = np.zeros(len(row_of), dtype=np.int64)
        self._entries: list[tuple[np.ndarray, str, str, str, np.ndarray | None]] = []
        self._broken: list[tuple[str, int, str]] = []

    def reject(self, where: np.ndarray, *, column: str, reason: str) -> None:
        """Reject the rows where the mask holds and that are not rejected yet."""
        places = np.flatnonzero(where & ~self.rejected)
        if len(places):
            self.rejected[places] = True
            self._entries.append((places, column, reason, "rejected", None))

    def reject_each(self, problems: np.ndarray, *, column: str) -> None:
        """Reject each row that has a problem, with that problem as the reason."""
        for reason in sorted({problem for problem in problems if problem}):
            self.reject(problems == reason, column=column, reason=reason)

    def reinterpret(self, where: np.ndarray, *, column: str, reason: str) -> None:
        """Note that the rows where the mask holds count as something else than they look."""
        places = np.flatnonzero(where)
        if len(places):
            self.reinterpreted[places] = True
            self._entries.append((places, column, reason, "reinterpreted", None))

    def set_aside(self, places: np.ndarray, money: np.ndarray, *, column: str, reason: str) -> None:
        """Book money that stands in accepted rows but enters no table.

        Parameters
        ----------
        places
            Rows, by their place over all files; each at most once.
        money
            Their parts [1e-4 currency].
        column
            The export's column that holds it.
        reason
            Why it does not count.
        """
        if len(places):
            self.money[places] += money
            self._entries.append((places, column, reason, "set_aside", money))

    def break_row(self, file: str, row: int, reason: str) -> None:
        """Reject a row that could not even be held against the header."""
        self._broken.append((file, row, reason))

    @property
    def money_aside(self) -> int:
        """Money set aside from accepted rows [1e-4 currency]."""
        return sum(
            int(money[~self.rejected[places]].sum())
            for places, _, _, _, money in self._entries if money is not None
        )  # fmt: skip

    @property
    def rows_read(self) -> int:
        """All rows below the headers, blank ones excepted."""
        return len(self.row_of) + len(self._broken)

    @property
    def rows_rejected(self) -> int:
        """Rows that entered no table."""
        return int(self.rejected.sum()) + len(self._broken)

    def frame(self) -> pd.DataFrame:
        """Return one row a rejection, reinterpretation or part set aside, as the files go."""
        parts = [self._entry(*entry) for entry in self._entries]
        if self._broken:
            file, row, reason = zip(*self._broken, strict=True)
            parts.append(pd.DataFrame({"file": file, "row": row, "column": "", "reason": reason,
                                       "status": "rejected", "money": 0.0}))  # fmt: skip
        if not parts:
            return pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS}).astype(
                {"row": "int64", "money": "float64"}
            )
        whole = pd.concat(parts, ignore_index=True)
        rank = {name: place for place, name in enumerate(self.files)}
        order = whole.assign(_rank=whole["file"].map(rank))
        order = order.sort_values(["_rank", "row", "status", "column", "reason"], kind="stable")
        return order[list(COLUMNS)].reset_index(drop=True)

    def _entry(
        self, places: np.ndarray, column: str, reason: str, status: str, money: np.ndarray | None
    ) -> pd.DataFrame:
        if status != "rejected":
            kept = ~self.rejected[places]
            places, money = places[kept], None if money is None else money[kept]
        amount = self.money[places] if money is None else money
        files = np.array(self.files, dtype=object)[self.file_of[places]]
        return pd.DataFrame(
            {
                "file": files,
                "row": self.row_of[places],
                "column": column,
                "reason": reason,
                "status": status,
                "money": amount / TICKS,
            }
        )


def reconcile(ledgers: Sequence[Ledger], *, money_accepted: int) -> Reconciliation:
    """Return the reconciliation of an import; it raises where rows or money do not add up.

    Parameters
    ----------
    ledgers
        One for the orders export, one for each further table.
    money_accepted
        What the tables hold: goods and shipping, less refunds [1e-4 currency].
    """
    kept = [~ledger.rejected for ledger in ledgers]
    rejected_money = sum(
        int(ledger.money[ledger.rejected].sum()) + ledger.money_aside for ledger in ledgers
    )
    return Reconciliation(
        rows_read=sum(ledger.rows_read for ledger in ledgers),
        rows_accepted=sum(int(rows.sum()) for rows in kept),
        rows_reinterpreted=sum(int((ledger.reinterpreted & rows).sum())
                               for ledger, rows in zip(ledgers, kept, strict=True)),
        rows_rejected=sum(ledger.rows_rejected for ledger in ledgers),
        money_read=_money(sum(int(ledger.money.sum()) for ledger in ledgers)),
        money_accepted=_money(money_accepted),
        money_rejected=_money(rejected_money),
    )  # fmt: skip


def _money(ticks: int) -> Decimal:
    """Return steps as an amount with at least two decimals."""
    amount = Decimal(ticks) / TICKS
    return amount.quantize(Decimal("0.01")) if ticks % (TICKS // 100) == 0 else (
        amount.quantize(Decimal("0.0001"))
    )  # fmt: skip
