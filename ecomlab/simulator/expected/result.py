"""What expected mode answers: a row a day, and the books of the period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from ecomlab.simulator.expected.books import COUNTS, LINES

__all__ = ["Expected"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Expected:
    """The mean of all the runs that a world's people might make of a period.

    ``daily`` has a row a day: ``date``; ``sessions``, paid ``orders``, ``units``; ``gross``,
    ``discounts``, ``sales`` and ``shipping_fee`` of paid orders, ``returns`` (refunds booked);
    and the lines of the books, gains positive and costs negative, which add up to ``profit``
    [currency]. ``cells`` people stand for all.
    """

    headline: ClassVar[dict[str, str]] = {
        "sessions": "visits", "orders": "paid orders", "sales": "currency", "profit": "currency",
    }  # fmt: skip

    daily: pd.DataFrame
    currency: str
    cells: int
    caveats: tuple[str, ...]

    @property
    def sessions(self) -> float:
        """Visits of the period."""
        return float(self.daily["sessions"].sum())

    @property
    def orders(self) -> float:
        """Paid orders of the period."""
        return float(self.daily["orders"].sum())

    @property
    def sales(self) -> float:
        """What was paid for goods [currency]."""
        return float(self.daily["sales"].sum())

    @property
    def profit(self) -> float:
        """What is left after all lines of the books [currency]."""
        return float(self.daily["profit"].sum())

    def lines(self) -> pd.Series[float]:
        """Return the period's counts, and the lines of its books down to ``profit``."""
        return self.daily[[*COUNTS, *LINES, "profit"]].sum()

    def summary(self) -> pd.DataFrame:
        """Return one row per headline quantity: quantity, value, unit."""
        rows = [(name, round(getattr(self, name), 2), unit.replace("currency", self.currency))
                for name, unit in self.headline.items()]  # fmt: skip
        return pd.DataFrame(rows, columns=["quantity", "value", "unit"])

    def __repr__(self) -> str:
        told = ", ".join(f"{row.quantity}={row.value:,} {row.unit}" for row in
                         self.summary().itertuples())  # fmt: skip
        return f"Expected({told}; {len(self.daily)} days)"
