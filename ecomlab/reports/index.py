"""The page that opens first: a card for each notebook."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ecomlab.reports.journal import Entry, Journal
from ecomlab.reports.page import render_frame

if TYPE_CHECKING:
    from ecomlab.store import Manifest

__all__ = ["IndexCard", "render_index"]

THUMBNAIL = (560, 380)  # pixels; shown at half of that


@dataclass(frozen=True, kw_only=True)
class IndexCard:
    """What the index shows of one notebook."""

    title: str
    link: str
    note: str
    picture: str = ""
    reason: str = ""
    earlier: str = ""
    headline: Mapping[str, str] = field(default_factory=dict)


def render_index(folder: Path, *, journal: Journal, store: Manifest, finished: str) -> str:
    """Return the index of a folder of reports.

    Parameters
    ----------
    folder
        With the pages that the journal tells of.
    journal
        The runs so far.
    store
        What the newest run was made from.
    finished
        Time of day, as text.
    """
    names = sorted({entry.name for entry in journal.entries})
    cards = [card for name in names if (card := _card(folder, journal, name, store.name))]
    failed = sum(bool(card.reason) for card in cards)
    ready = len(cards) - failed
    summary = f"{ready} notebook{'s' if ready != 1 else ''} ready to read"
    return render_frame(
        "index.html.j2",
        {
            "title": f"{store.name}: reports",
            "store": store,
            "cards": cards,
            "summary": summary + (f", {failed} did not reach the end." if failed else "."),
            "version": store.versions.get("ecomlab", ""),
            "finished": finished,
        },
    )


def _card(folder: Path, journal: Journal, name: str, store: str) -> IndexCard | None:
    """Return the card of a notebook, or None where nothing is there to show."""
    last, good = journal.last(name), journal.good(name)
    shown = last if last and (last.state == "failed" or last == good) else good
    if shown is None:
        return None
    bad = shown.state == "failed"
    return IndexCard(
        title=shown.title,
        link=quote(shown.page),
        note=_note(shown, store),
        picture="" if bad else _thumbnail(folder / shown.notebook),
        reason=shown.reason if bad else "",
        earlier=quote(good.page) if bad and good else "",
        headline={} if bad else shown.headline,
    )


def _note(entry: Entry, store: str) -> str:
    parts = [f"{entry.finished}, {entry.seconds:.1f} s"]
    if entry.store != store:
        parts.insert(0, f"store {entry.store}")
    parts += [f"{name} = {value}" for name, value in entry.parameters.items()]
    return " · ".join(parts)


def _thumbnail(notebook: Path) -> str:
    """Return the first figure of an executed notebook as a small picture, or nothing."""
    from PIL import Image

    try:
        png = next(_figures(json.loads(notebook.read_text(encoding="utf-8"))["cells"]))
        with Image.open(io.BytesIO(base64.b64decode(png))) as figure:
            small = figure.convert("RGBA")
        white = Image.new("RGBA", small.size, "white")
        flat = Image.alpha_composite(white, small).convert("RGB")
        flat.thumbnail(THUMBNAIL)
        packed = io.BytesIO()
        flat.quantize(64).save(packed, "PNG", optimize=True)
    except (StopIteration, OSError, ValueError, KeyError):
        return ""
    return "data:image/png;base64," + base64.b64encode(packed.getvalue()).decode()


def _figures(cells: Iterable[dict[str, Any]]) -> Iterator[str]:
    for cell in cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                yield output["data"]["image/png"]
