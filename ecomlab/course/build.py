"""From percent sources to notebooks: lessons with outputs, exercises without solutions.

In: ``notebooks/source/NN_topic.py`` and ``exercises/source/NN_topic.py`` (jupytext percent).
Out: ``notebooks/NN_topic.ipynb``, executed, and ``exercises/NN_topic.ipynb`` for trainees.
The same sources and the same versions give the same bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

__all__ = [
    "TAGS",
    "BuildError",
    "build_course",
    "find_drift",
    "lesson_from",
    "read_source",
    "trainee_copy",
]

TAGS = frozenset(
    {"parameters", "nbval-check-output", "nbval-skip", "raises-exception", "hide-input", "solution"}
)
_KERNEL = {
    "name": "python3",
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
}
_BANNED = {
    "filterwarnings(\"ignore\"": "fix what warns, or say why it may",
    "!pip": "packages come from the lock file",
    "%autoreload": "restart the kernel instead",
    "import *": "name what you use",
}  # fmt: skip


class BuildError(ValueError):
    """A source breaks the rules of the house; the message names file, cell and rule."""


def read_source(path: Path) -> NotebookNode:
    """Return a percent source as a notebook with fixed cell ids, checked against the rules.

    Raises
    ------
    BuildError
        For an unknown tag, a banned line, a second H1, or a wrong number of `parameters` cells.
    """
    raw = jupytext.read(path, fmt="py:percent")
    cells = []
    for place, cell in enumerate(raw.cells):
        tags = list(cell.metadata.get("tags", ()))
        make = nbformat.v4.new_code_cell if cell.cell_type == "code" else (
            nbformat.v4.new_markdown_cell
        )  # fmt: skip
        marks = {"tags": tags} if tags else {}
        cells.append(make(cell.source, id=f"{path.stem[:50]}-{place:03d}", metadata=marks))
    _check_rules(cells, path)
    about: dict[str, Any] = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=about)


def _check_rules(cells: list[NotebookNode], path: Path) -> None:
    headings = 0
    for place, cell in enumerate(cells):
        where = f"{path.name}, cell {place}"
        if unknown := set(cell.metadata.get("tags", ())) - TAGS:
            raise BuildError(f"{where}: unknown tag {sorted(unknown)}. Known: {sorted(TAGS)}.")
        for line, remedy in _BANNED.items():
            if cell.cell_type == "code" and line in cell.source:
                raise BuildError(f"{where}: {line!r} is banned; {remedy}.")
        if cell.cell_type == "markdown":
            headings += len(re.findall(r"^# ", cell.source, flags=re.MULTILINE))
    if headings != 1:
        raise BuildError(f"{path.name}: {headings} first-level headings; a notebook has one.")
    marked = [c for c in cells if "parameters" in c.metadata.get("tags", ())]
    if len(marked) != 1:
        raise BuildError(f"{path.name}: {len(marked)} cells tagged 'parameters'; it needs one.")


def lesson_from(source: Path) -> NotebookNode:
    """Return the lesson of a source, executed in its folder, free of times and counters.

    Raises
    ------
    BuildError
        Where a cell fails or the notebook does not reach its end.
    """
    from ecomlab.reports.execute import execute
    from ecomlab.reports.verdict import NotebookFailedError

    try:
        ran = execute(read_source(source), cwd=source.parent.parent)
    except NotebookFailedError as error:
        raise BuildError(f"{source.name}: {error}") from error
    return _clean(ran, read_source(source))


def _clean(ran: NotebookNode, source: NotebookNode) -> NotebookNode:
    """Put the outputs of a run into the source's cells; all else of the run is left behind."""
    outputs = {cell.id: cell for cell in ran.cells}
    count = 0
    for cell in source.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = [_plain(output, count) for output in outputs[cell.id].outputs]
    return source


def _plain(output: NotebookNode, count: int) -> NotebookNode:
    kept = nbformat.from_dict({k: v for k, v in output.items() if k != "transient"})
    if kept.output_type == "execute_result":
        kept.execution_count = count
    if "metadata" in kept:
        kept.metadata = nbformat.from_dict({})
    return kept


def trainee_copy(source: Path) -> NotebookNode:
    """Return an exercise without its solutions: each solution becomes one empty cell.

    Cells tagged ``solution`` never reach the trainee's notebook, nor do outputs.
    """
    notebook = read_source(source)
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        if "solution" not in cell.metadata.get("tags", ()):
            cells.append(cell)
        elif not (cells and cells[-1].metadata.get("tags") == [] and cells[-1].source == _EMPTY):
            cells.append(nbformat.v4.new_code_cell(_EMPTY, id=cell.id, metadata={"tags": []}))
    for cell in cells:
        if not cell.metadata.get("tags", True):
            cell.metadata.pop("tags")
    notebook.cells = cells
    return notebook


_EMPTY = "answer = ...  # your work goes here"


def build_course(
    root: Path, *, only: str = "", progress: Callable[[str], None] = lambda _: None
) -> tuple[Path, ...]:
    """Build every lesson and exercise (or those whose name holds ``only``).

    Returns
    -------
    tuple of Path
        The files whose bytes changed.
    """
    changed = []
    for target, make in _targets(root, only):
        progress(target.relative_to(root).as_posix())
        text = nbformat.writes(make()) + "\n"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            part = target.with_name(f".part-{os.getpid()}-{target.name}")
            part.write_text(text, encoding="utf-8")
            part.replace(target)
            changed.append(target)
    return tuple(changed)


def _targets(root: Path, only: str) -> Iterator[tuple[Path, Callable[[], NotebookNode]]]:
    for source in sorted((root / "notebooks" / "source").glob("*.py")):
        if only in source.stem:
            yield root / "notebooks" / f"{source.stem}.ipynb", partial(lesson_from, source)
    for source in sorted((root / "exercises" / "source").glob("*.py")):
        if only in source.stem:
            yield root / "exercises" / f"{source.stem}.ipynb", partial(trainee_copy, source)


def find_drift(root: Path) -> tuple[str, ...]:
    """Return a sentence for each built notebook that no longer matches its source.

    Lessons are compared cell by cell (kind, text, tags), and each must carry the counts and
    outputs of a whole run; exercises are compared byte for byte. Nothing is executed: the
    outputs themselves are compared by nbval.
    """
    said: list[str] = []
    for source in sorted((root / "notebooks" / "source").glob("*.py")):
        built = root / "notebooks" / f"{source.stem}.ipynb"
        said += _drift_of_lesson(read_source(source), built)
    for source in sorted((root / "exercises" / "source").glob("*.py")):
        built = root / "exercises" / f"{source.stem}.ipynb"
        expected = nbformat.writes(trainee_copy(source)) + "\n"
        if not built.exists() or built.read_text(encoding="utf-8") != expected:
            said.append(f"{built.name}: not what its source gives. Run 'ecomlab build'.")
    return tuple(said)


def _drift_of_lesson(source: NotebookNode, built: Path) -> list[str]:
    if not built.exists():
        return [f"{built.name}: missing. Run 'ecomlab build'."]
    held = nbformat.read(built, as_version=4)
    shape = [(c.id, c.cell_type, c.source, c.metadata) for c in source.cells]
    if [(c.id, c.cell_type, c.source, c.metadata) for c in held.cells] != shape:
        return [f"{built.name}: its cells are not its source's. Run 'ecomlab build'."]
    code = [c for c in held.cells if c.cell_type == "code"]
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        return [f"{built.name}: not a whole run in order. Run 'ecomlab build'."]
    silent = [c.id for c in code if "nbval-check-output" in c.metadata.get("tags", ()) and (
        not c.outputs)]  # fmt: skip
    return [f"{built.name}, {cell}: compared by nbval, but has no output." for cell in silent]
