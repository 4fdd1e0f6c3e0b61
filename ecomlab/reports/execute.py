"""Execute one notebook through papermill and say truthfully whether it ran to its end."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ecomlab.reports.imports import without_grammars
from ecomlab.reports.verdict import Ending, NotebookFailedError, Verdict, judge

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from ecomlab.reports.parameters import Value

__all__ = ["CELL_SECONDS", "INJECTED", "execute"]

CELL_SECONDS = 600.0
INJECTED = "injected-parameters"
_PAPERMILL_NOTE = "papermill-error-cell-tag"


def execute(
    notebook: NotebookNode,
    *,
    cwd: Path,
    parameters: Mapping[str, Value] | None = None,
    timeout: float = CELL_SECONDS,
    needs_card: bool = True,
) -> NotebookNode:
    """Run a notebook in a fresh kernel and return it with its outputs.

    Old outputs are dropped first; the notebook given is not changed. The same notebook gives
    the same result to the byte, if its cells do: no times and no random ids are written.

    Parameters
    ----------
    notebook
        What to run.
    cwd
        Folder the kernel works in.
    parameters
        Values that take the place of those in the cell tagged ``parameters``.
    timeout
        Longest time for one cell [s].
    needs_card
        Whether the notebook must end with ``publish``.

    Raises
    ------
    NotebookFailedError
        Where the notebook did not run to its end; it holds the verdict and the partial notebook.
    """
    with without_grammars():
        import papermill

        from ecomlab.reports.client import Watch

    watch = Watch()
    trouble = ""
    try:
        papermill.execute_notebook(
            _without_outputs(notebook),
            None,  # no path: papermill would empty the file there before it has a result
            parameters=dict(parameters or {}),
            engine_name="ecomlab",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            execution_timeout=timeout,
            kernel_cwd=os.fspath(cwd),  # with "cwd", papermill would move this whole process
            watch=watch,
        )
    except Exception as error:  # the verdict below is drawn from cells and ending, not from this
        trouble = f"{type(error).__name__}: {error}"
    if watch.notebook is None:
        raise NotebookFailedError(
            judge(notebook, ending=Ending(kind="start", detail=trouble)), notebook
        )
    done = _cleaned(watch.notebook, notebook)
    verdict = judge(done, ending=watch.ending, needs_card=needs_card)
    if verdict.good and trouble:
        verdict = Verdict(good=False, reason=f"it could not be finished ({trouble})")
    if not verdict.good:
        raise NotebookFailedError(verdict, done)
    return done


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def _cleaned(executed: NotebookNode, original: NotebookNode) -> NotebookNode:
    """Take off what papermill added, but for the cell with the parameters."""
    tags = {cell.get("id"): "tags" in cell.metadata for cell in original.cells}
    executed.metadata.pop("papermill", None)
    executed.metadata.get("language_info", {}).pop("version", None)
    kept = []
    for cell in executed.cells:
        cell.metadata.pop("papermill", None)
        mine = cell.metadata.get("tags", [])
        if _PAPERMILL_NOTE in mine:
            continue
        if INJECTED in mine:
            cell.id = INJECTED
        elif not tags.get(cell.get("id"), True):
            cell.metadata.pop("tags", None)
        kept.append(cell)
    executed.cells = kept
    return executed
