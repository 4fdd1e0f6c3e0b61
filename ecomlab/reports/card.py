"""What a notebook found, in a few numbers: the last thing it says, and the proof that it ended.

``publish`` is called by the last code cell of every notebook. Its output carries the card that
the index page shows; a notebook without one did not reach its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MIMETYPE", "Card", "publish"]

MIMETYPE = "application/vnd.ecomlab.card+json"
MAX_NUMBERS = 8
_NOT_A_NUMBER = re.compile(r"(?<!\w)(nan|NaN|NaT|inf|<NA>|None)(?!\w)")


@dataclass(frozen=True, kw_only=True)
class Card:
    """The headline numbers of a notebook, as text with their units.

    Examples
    --------
    >>> Card(headline={"Net revenue": "EUR 1,204,000"})
    Net revenue: EUR 1,204,000
    """

    headline: Mapping[str, str] = field(default_factory=dict)
    title: str = ""

    @classmethod
    def from_output(cls, data: object) -> Card | None:
        """Return the card that an output carries, or None where it carries none."""
        if not isinstance(data, Mapping) or not isinstance(data.get("headline"), Mapping):
            return None
        headline = {str(label): str(value) for label, value in data["headline"].items()}
        return cls(headline=headline, title=str(data.get("title", "")))

    def to_output(self) -> dict[str, Any]:
        """Return the card as plain data."""
        return {"headline": dict(self.headline), "title": self.title}

    def __repr__(self) -> str:
        return "\n".join(f"{label}: {value}" for label, value in self.headline.items())

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {MIMETYPE: self.to_output(), "text/plain": repr(self)}


def publish(headline: Mapping[str, str], *, title: str = "") -> None:
    """End a notebook: show its headline numbers and put them on its card in the index.

    Parameters
    ----------
    headline
        Up to eight lines, label to text, the most important first. The text carries the
        unit and is rounded as a reader needs it.
    title
        The card's title where the notebook's own first heading does not fit.

    Raises
    ------
    ValueError
        Where there is no line, or one is empty, or a number in it is missing or infinite.

    Examples
    --------
    >>> publish({"Net revenue": "EUR 1,204,000", "Orders": "18,211"})
    Net revenue: EUR 1,204,000
    Orders: 18,211
    >>> publish({"Net revenue": "EUR nan"})
    Traceback (most recent call last):
    ...
    ValueError: 'Net revenue' has no value ('EUR nan'). Publish what is known, or say why not.
    """
    from IPython.display import display

    if not 1 <= len(headline) <= MAX_NUMBERS:
        raise ValueError(f"{len(headline)} headline numbers. Publish from 1 to {MAX_NUMBERS}.")
    for label, value in headline.items():
        if not isinstance(label, str) or not isinstance(value, str):
            raise ValueError(f"{label!r}: {value!r} is not text. Format it with its unit.")
        if not label.strip() or not value.strip() or _NOT_A_NUMBER.search(value):
            raise ValueError(
                f"{label!r} has no value ({value!r}). Publish what is known, or say why not."
            )
    display(Card(headline=dict(headline), title=title))
