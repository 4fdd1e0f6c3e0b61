"""A notebook as a page: pleasant to read, complete in one file, and harmless to open.

In: an executed notebook and what is said about the run. Out: HTML without scripts and without
anything to load; every text from notebook or store is escaped or cleaned, and a content
security policy forbids the rest.
"""

from __future__ import annotations

import base64
import copy
import functools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecomlab.reports.card import MIMETYPE, Card
from ecomlab.reports.execute import INJECTED
from ecomlab.reports.imports import without_grammars
from ecomlab.reports.parameters import Value
from ecomlab.reports.tables import align_columns

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from ecomlab.store import Manifest

__all__ = ["TEMPLATES", "About", "render_frame", "render_page", "title_of"]

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = ("image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "text/plain")
_HEADING = re.compile(r"<h2>(.*?)</h2>", re.DOTALL)
MOST_TEXT = 100_000  # characters of one printed output that a page shows
_NOTEBOOK_LINK = re.compile(r'href="([\w-]+)\.ipynb(["#])')  # pages lie side by side as well
_MARKUP = re.compile(r"<[^>]*>")
_CSS_PIXELS_PER_METRE = 96 / 0.0254
_FIRST_HEADING = re.compile(r"^#\s+(.+?)\s*#*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class About:
    """What a page says about the run it shows. ``reason`` is empty for a good run."""

    store: Manifest
    finished: str
    seconds: float
    versions: Mapping[str, str]
    parameters: Mapping[str, Value] = field(default_factory=dict)
    card: Card | None = None
    reason: str = ""


def render_page(notebook: NotebookNode, *, name: str, about: About, home: str) -> str:
    """Return an executed notebook as one HTML page.

    Parameters
    ----------
    notebook
        With its outputs.
    name
        What to call it where it has no heading.
    about
        The caption: data, parameters, versions, time.
    home
        Relative link to the index.
    """
    from markupsafe import Markup

    shown = _prepared(notebook)
    # One at a time: nbconvert's exporter keeps state while it works.
    with _ONE_AT_A_TIME, without_grammars():
        body, _ = _exporter().from_notebook_node(shown)
    body, contents = _with_anchors(body)
    card = about.card
    return render_frame(
        "page.html.j2",
        {
            "title": title_of(notebook, name),
            "home": home,
            "body": Markup(body),
            "contents": [(anchor, Markup(words)) for anchor, words in contents],
            "store": about.store,
            "headline": card.headline if card else {},
            "parameters": about.parameters,
            "reason": about.reason,
            "finished": about.finished,
            "seconds": f"{about.seconds:.1f}",
            "versions": ", ".join(f"{name} {number}" for name, number in about.versions.items()),
        },
    )


def render_frame(template: str, context: Mapping[str, Any]) -> str:
    """Return a page from one of our own templates; all text in the context is escaped."""
    from markupsafe import Markup

    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return str(_environment().get_template(template).render(style=style, **context))


def title_of(notebook: NotebookNode, name: str) -> str:
    """Return the first heading of a notebook, or the name given.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> title_of(new_notebook(cells=[new_markdown_cell("# Why?")]), "00_why")
    'Why?'
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := _FIRST_HEADING.search(cell.source)):
            return found[1]
    return name


def _is_shown(output: NotebookNode) -> bool:
    """Say whether a page has a form for an output; the card stands at the top already."""
    kinds = output.get("data", {"text/plain": ""})
    return MIMETYPE not in kinds and any(kind in SHOWN for kind in kinds)


def _drop_title(shown: NotebookNode) -> None:
    """Take the first heading out of the cells: it stands above the headline numbers."""
    for cell in shown.cells:
        if cell.cell_type == "markdown" and _FIRST_HEADING.search(cell.source):
            cell.source = _FIRST_HEADING.sub("", cell.source, count=1)
            return


def _width(png: str) -> int | None:
    """Return the width to show a figure at [CSS pixels]: as wide as it was made, so it is sharp."""
    try:
        head = base64.b64decode(png[:4000])
    except ValueError:  # not a picture; the browser will say so
        return None
    pixels = int.from_bytes(head[16:20], "big")
    if (at := head.find(b"pHYs")) < 0:
        return pixels
    per_metre = int.from_bytes(head[at + 4 : at + 8], "big")
    return round(pixels * _CSS_PIXELS_PER_METRE / per_metre) if per_metre else pixels


def _with_anchors(body: str) -> tuple[str, list[tuple[str, str]]]:
    """Give each second-level heading a name to link to, and list them."""
    contents: list[tuple[str, str]] = []

    def anchored(found: re.Match[str]) -> str:
        contents.append((f"section-{len(contents) + 1}", _MARKUP.sub("", found[1])))
        return f'<h2 id="{contents[-1][0]}">{found[1]}</h2>'

    return _HEADING.sub(anchored, body), contents


def _prepared(notebook: NotebookNode) -> NotebookNode:
    """Return a copy as the template wants it: hidden input marked, figures described."""
    shown = copy.deepcopy(notebook)
    shown.cells = [cell for cell in shown.cells if cell.get("id") != INJECTED]
    _drop_title(shown)
    heading, figures = title_of(notebook, "the notebook"), 0
    for cell in shown.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#{1,3}\s+(.+)$", cell.source, re.MULTILINE)
            heading = headings[-1] if headings else heading
        if cell.cell_type != "code":
            continue
        cell.metadata["hidden"] = "hide-input" in cell.metadata.get("tags", ())
        cell.outputs = [output for output in cell.outputs if _is_shown(output)]
        for output in cell.outputs:
            if output.output_type == "stream" and len(output.text) > MOST_TEXT:
                more = len(output.text) - MOST_TEXT
                output.text = f"{output.text[:MOST_TEXT]}\n… and {more:,} characters more"
            if "image/png" in output.get("data", {}):
                figures += 1
                output.metadata.setdefault("alt", f"Figure {figures}: {heading}")
                output.metadata.setdefault("width", _width(output.data["image/png"]))
    shown.cells = _folded(shown.cells)
    return shown


def _folded(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Put code that shows nothing before the code that follows it: one fold, not three."""
    kept: list[NotebookNode] = []
    waiting: list[str] = []
    for cell in cells:
        if cell.cell_type == "code" and not cell.outputs:
            if not cell.metadata["hidden"]:
                waiting.append(cell.source)
            continue
        if waiting and cell.cell_type == "code" and not cell.metadata["hidden"]:
            cell.source = "\n\n".join([*waiting, cell.source])
            waiting = []
        elif waiting and cell.cell_type != "code":
            kept.append(_code_alone(waiting))
            waiting = []
        kept.append(cell)
    return [*kept, _code_alone(waiting)] if waiting else kept


def _code_alone(sources: list[str]) -> NotebookNode:
    from nbformat.v4 import new_code_cell

    return new_code_cell("\n\n".join(sources), metadata={"hidden": False})


_ONE_AT_A_TIME = threading.Lock()


@functools.cache
def _environment() -> Any:
    import jinja2

    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


@functools.cache
def _exporter() -> Any:
    """Return nbconvert's exporter with our template for the cells and our own cleaning."""
    with without_grammars():
        from nbconvert.exporters import TemplateExporter
        from nbconvert.filters import Highlight2HTML
        from traitlets.config import Config

    from ecomlab.reports.sanitize import clean

    priority = Config({"NbConvertBase": {"display_data_priority": list(SHOWN)}})
    exporter = TemplateExporter(
        config=priority,
        template_name="ecomlab",
        extra_template_basedirs=[str(TEMPLATES)],
        template_extension=".html.j2",
    )
    exporter.register_filter("clean", clean)
    exporter.register_filter("aligned", align_columns)
    exporter.register_filter("markdown", _markdown)
    exporter.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3"))
    return exporter


def _markdown(source: str) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    html = str(MarkdownWithMath(renderer=renderer).render(source))
    return _NOTEBOOK_LINK.sub(r'href="\1.html\2', html)
