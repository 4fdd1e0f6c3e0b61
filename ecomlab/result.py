"""What an answer is: its headline, the table it rests on, and what could make it wrong."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Result"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Result:
    """An answer, the table it rests on, and what could make it wrong."""

    headline: ClassVar[dict[str, str]] = {}  # field -> unit

    table: pd.DataFrame
    caveats: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """Return one row per headline quantity: quantity, value, unit."""
        rows = [(name, _round(getattr(self, name)), unit) for name, unit in self.headline.items()]
        return pd.DataFrame(rows, columns=["quantity", "value", "unit"])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the answer; subclasses that have a picture say which."""
        raise NotImplementedError(f"{type(self).__name__} has no picture; show its table.")

    def __repr__(self) -> str:
        parts = [f"{name}={_round(getattr(self, name))} {unit}".rstrip()
                 for name, unit in self.headline.items()]  # fmt: skip
        return f"{type(self).__name__}({', '.join(parts)})"

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(caveat)}</li>" for caveat in self.caveats)
        listed = f"<p>Mind:</p><ul>{notes}</ul>" if notes else ""
        return self.summary().to_html(index=False, border=0) + listed


def _round(value: object) -> object:
    """Keep four significant decimals of a number, leave anything else."""
    return round(value, 4) if isinstance(value, float) else value
