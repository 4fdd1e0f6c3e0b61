"""Take this machine's folders out of a notebook's outputs before they are published."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ecomlab.reports.execute import INJECTED

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["folders", "scrub_notebook", "scrub_text"]


def folders(*, store: Path, store_name: str, notebook_folder: Path) -> dict[str, str]:
    """Return what is shown in the place of each folder whose name tells about the machine.

    Longer ones come first, so that what lies inside another is replaced as itself.
    """
    shown = {
        str(store): store_name,
        str(notebook_folder): ".",
        str(Path(__file__).resolve().parents[2]): "ecomlab",
        sys.prefix: "python",
        sys.base_prefix: "python",
        tempfile.gettempdir(): "tmp",
        os.path.expanduser("~"): "~",
    }
    real = {os.path.realpath(path): name for path, name in shown.items()}
    both = {path: name for path, name in (real | shown).items() if len(path) > 1}
    return dict(sorted(both.items(), key=lambda pair: -len(pair[0])))


def scrub_text(text: str, shown: Mapping[str, str]) -> str:
    """Return a text with each folder replaced.

    Examples
    --------
    >>> scrub_text("File /home/ada/shop/x.py", {"/home/ada/shop": ".", "/home/ada": "~"})
    'File ./x.py'
    """
    for path, name in shown.items():
        text = text.replace(path, name)
    return text


def scrub_notebook(notebook: NotebookNode, shown: Mapping[str, str]) -> None:
    """Replace folders in all outputs, and in the cell of injected parameters."""

    def scrub(text: str) -> str:
        return scrub_text(text, shown)

    for cell in notebook.cells:
        if cell.get("id") == INJECTED:
            cell.source = scrub(cell.source)
        for output in cell.get("outputs", ()):
            _scrub_output(output, scrub)


def _scrub_output(output: NotebookNode, scrub: Callable[[str], str]) -> None:
    if output.output_type == "stream":
        output.text = scrub(output.text)
    elif output.output_type == "error":
        output.evalue = scrub(output.evalue)
        output.traceback = [scrub(line) for line in output.traceback]
    else:
        for kind, data in output.data.items():
            if isinstance(data, str) and not kind.startswith("image/"):
                output.data[kind] = scrub(data)
