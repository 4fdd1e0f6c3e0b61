"""Texts that would run in a careless page, and the places where a page shows texts."""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

__all__ = ["PAYLOADS", "SINKS", "hostile_notebook"]

HIT = "document.documentElement.dataset.hit=1"
PAYLOADS = (
    f"<script>{HIT}</script>",
    f"<img src=x onerror={HIT}>",
    f"<svg onload={HIT}></svg>",
    f"<svg><script>{HIT}</script></svg>",
    f"<iframe srcdoc=\"<script>parent.{HIT}</script>\"></iframe>",
    f"<a class=press href=\"javascript:{HIT}\">press</a>",
    f"<a class=press href=\" jav&#x09;ascript:{HIT}\">press</a>",
    f"<details open ontoggle={HIT}>x</details>",
    f"<input autofocus onfocus={HIT}>",
    f"<form action=\"javascript:{HIT}\"><button class=press>x</button></form>",
    f"<object data=\"javascript:{HIT}\"></object>",
    f"<math><mtext></p><style><img src=x onerror={HIT}></style></mtext></math>",
    f"<noscript><p title=\"</noscript><img src=x onerror={HIT}>\">",
    f"\"><script>{HIT}</script>",
    f"' onmouseover={HIT} x='",
    f"</title></style></textarea></pre><script>{HIT}</script>",
    f"<base href=\"javascript:/a/-{HIT}///\"><a class=press href=../..>press</a>",
    f"<meta http-equiv=refresh content=\"0;url=javascript:{HIT}\">",
    f"{{{{ '<script>{HIT}</script>' | safe }}}}",
    f"<div style=\"background:url(javascript:{HIT})\" onclick={HIT} class=press>x</div>",
)  # fmt: skip


def _show(kind: str, data: str, **metadata: object) -> NotebookNode:
    return new_output("display_data", data={kind: data}, metadata=metadata)


def _cells(text: str) -> dict[str, NotebookNode]:
    """Return a cell for each place in a notebook where a text can be shown."""
    table = f'<table><caption>{text}</caption><tr><th title="{text}">{text}</th></tr></table>'
    error = new_output("error", ename=text, evalue=text, traceback=[text])
    outputs = {
        "html": _show("text/html", text),
        "table": _show("text/html", table),
        "isolated": _show("text/html", text, **{"text/html": {"isolated": True}}),
        "markdown": _show("text/markdown", f"# {text}\n\n[{text}](http://{text})"),
        "latex": _show("text/latex", text),
        "plain": _show("text/plain", text),
        "svg": _show("image/svg+xml", f"<svg>{text}</svg>"),
        "javascript": _show("application/javascript", HIT),
        "png": _show("image/png", text),
        "png_width": _show("image/png", "", **{"image/png": {"width": text}}),
        "png_alt": _show("image/png", "", alt=text),
        "stdout": new_output("stream", name="stdout", text=text),
        "stderr": new_output("stream", name="stderr", text=text),
        "error": error,
    }  # fmt: skip
    cells = {
        name: new_code_cell(text, execution_count=1, outputs=[output])
        for name, output in outputs.items()
    }
    written = {
        "prose": text,
        "heading": f"## {text}",
        "link": f"[{text}]({text}) ![{text}]({text})",
        "code_block": f"```{text}\n{text}\n```",
    }
    return cells | {name: new_markdown_cell(words) for name, words in written.items()}


SINKS = (*_cells(""), "title", "store", "parameter", "headline", "reason", "index")


def hostile_notebook() -> NotebookNode:
    """Return a notebook with every payload in every place."""
    first = new_markdown_cell(f"# Title {PAYLOADS[0]} {PAYLOADS[1]}")
    return new_notebook(cells=[first, *(c for text in PAYLOADS for c in _cells(text).values())])
