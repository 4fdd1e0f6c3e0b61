"""What a store says of itself: name, currency, time zone, period, origin, contents."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["Manifest", "StoreError"]


class StoreError(ValueError):
    """A folder is not a store, or a store lacks what was asked of it."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a store says of itself.

    ``origin`` holds how the store came to be: ``{"kind": "simulated", "scenario": …,
    "seed": …, "people": …, "days": …}`` or ``{"kind": "imported", "format": …, "files": …}``.
    ``tables`` maps each table to its row count and its content hash.
    """

    name: str
    currency: str
    time_zone: str
    first_day: str
    last_day: str
    origin: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what later arithmetic with days and amounts would stumble over."""
        try:
            backwards = date.fromisoformat(self.last_day) < date.fromisoformat(self.first_day)
        except (TypeError, ValueError):
            raise StoreError(
                f"first_day={self.first_day!r}, last_day={self.last_day!r}: "
                f"not both days. Write them as YYYY-MM-DD."
            ) from None
        if backwards:
            raise StoreError(f"last_day {self.last_day} comes before first_day {self.first_day}.")
        try:
            ZoneInfo(self.time_zone)
        except (TypeError, ValueError, OSError, KeyError):
            raise StoreError(
                f"time_zone={self.time_zone!r} is not a time zone. "
                f"Write it as Europe/London or America/New_York."
            ) from None
        if not re.fullmatch("[A-Z]{3}", str(self.currency)):
            raise StoreError(
                f"currency={self.currency!r} is not an ISO code. Write three capitals, as EUR."
            )

    def to_json(self) -> str:
        """Return the manifest as text, the same for the same store."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @property
    def source(self) -> str:
        """One phrase for captions: where the numbers come from."""
        origin = self.origin
        if origin.get("kind") == "simulated":
            seed = origin.get("seed")
            return f"simulated ({origin['scenario']}), " + (
                "a sealed seed" if seed is None else f"seed {seed}"
            )
        files = ", ".join(str(f["file"]) for f in origin.get("files", ()))
        return f"imported ({origin.get('format', 'own format')}) from {files}"
