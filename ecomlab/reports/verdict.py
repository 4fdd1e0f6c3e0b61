"""Whether a notebook really ran to its end, judged by its cells and its last output.

In: an executed notebook and how the run ended. Out: a ``Verdict`` with the reason in words.
What papermill writes about a run is not consulted: of a killed kernel it says "completed".
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecomlab.reports.card import MIMETYPE, Card

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Ending", "NotebookFailedError", "Verdict", "judge"]

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SIGKILL = 9  # spelled out: Windows has no name for it
_TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended before its notebook did.

    ``kind`` is ``died`` (the kernel; ``exit_code`` is negative for a signal), ``timeout``,
    ``flood``, ``start`` (no kernel could be had), ``error`` (a cell raised, whether or not it
    shows that) or ``interrupted``.
    """

    kind: str
    cell: int = 0
    exit_code: int | None = None
    seconds: float | None = None
    detail: str = ""

    def reason(self) -> str:
        """Return the cause in plain words."""
        where = f"in cell {self.cell + 1}"
        if self.kind == "timeout":
            return f"stopped {where}: it took longer than the limit of {self.seconds:g} s"
        if self.kind == "flood":
            return f"stopped {where}: it showed more than 20 MB of output"
        if self.kind == "start":
            return f"no kernel could be started ({self.detail or 'it gave no reason'})"
        if self.kind == "error":
            return f"cell {self.cell + 1} failed: {self.detail}"
        if self.kind == "interrupted":
            return "interrupted by the user"
        if self.exit_code == -_SIGKILL:
            return f"kernel killed, likely memory ({where}). Close other programs or use less data"
        if self.exit_code is not None and self.exit_code < 0:
            return f"kernel crashed {where} ({_signal_name(-self.exit_code)})"
        code = "" if self.exit_code is None else f" (exit code {self.exit_code})"
        return f"kernel ended itself {where}{code}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a notebook ran to its end, why not, and the card it ended with."""

    good: bool
    reason: str = ""
    cell: int | None = None
    card: Card | None = None


class NotebookFailedError(RuntimeError):
    """A notebook did not run to its end; holds the verdict and what there is of the notebook."""

    def __init__(self, verdict: Verdict, notebook: NotebookNode) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict
        self.notebook = notebook


def judge(
    notebook: NotebookNode, *, ending: Ending | None = None, needs_card: bool = True
) -> Verdict:
    """Judge an executed notebook.

    Parameters
    ----------
    notebook
        As it is after execution.
    ending
        How the run ended, where something else than the last cell ended it.
    needs_card
        Whether the last code cell must have called ``publish``.

    Examples
    --------
    >>> from nbformat.v4 import new_notebook
    >>> judge(new_notebook()).reason
    'the notebook has no code to run'
    """
    cells = [
        (index, cell)
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.source.strip()
    ]
    if ending is not None and ending.kind != "error":
        return Verdict(good=False, reason=ending.reason(), cell=ending.cell)
    if not cells:
        return Verdict(good=False, reason="the notebook has no code to run")
    shown = next(_shown_errors(cells), None)
    hidden = (ending.cell, ending.reason()) if ending else None
    if fault := shown or hidden or next(_faults(cells), None):
        index, reason = fault
        return Verdict(good=False, reason=reason, cell=index)
    last, cell = cells[-1]
    card = _card_of(cell)
    if needs_card and card is None:
        reason = "the notebook did not reach its end: its last code cell published no card"
        return Verdict(good=False, reason=reason, cell=last)
    return Verdict(good=True, card=card)


def _shown_errors(cells: list[tuple[int, NotebookNode]]) -> Iterator[tuple[int, str]]:
    for index, cell in cells:
        for output in cell.outputs:
            if output.output_type == "error":
                yield index, _words_of_error(index, output)


def _faults(cells: list[tuple[int, NotebookNode]]) -> Iterator[tuple[int, str]]:
    """Yield what else is wrong with the cells: what printed its error, what did not run."""
    for index, cell in cells:
        for output in cell.outputs:
            if output.output_type == "stream" and _TRACEBACK in output.text:
                last = output.text.strip().splitlines()[-1][:300]
                yield index, f"cell {index + 1} printed an error instead of raising it: {last}"
    count = 0
    for index, cell in cells:
        if cell.execution_count is None:
            yield index, f"cell {index + 1} did not run"
        elif cell.execution_count <= count:
            yield index, f"cell {index + 1} ran in another kernel: it was restarted on the way"
        else:
            count = cell.execution_count


def _words_of_error(index: int, output: NotebookNode) -> str:
    if output.ename == "SystemExit":
        return f"cell {index + 1} left the notebook early (sys.exit)"
    if output.ename == "KeyboardInterrupt":
        return f"cell {index + 1} was interrupted"
    message = _COLOURS.sub("", output.evalue).strip()
    first = message.splitlines()[0][:300] if message else "no message"
    memory = " (out of memory)" if output.ename == "MemoryError" else ""
    return f"cell {index + 1} failed{memory}: {output.ename}: {first}"


def _card_of(cell: NotebookNode) -> Card | None:
    """Return the card among a cell's outputs."""
    for output in reversed(cell.outputs):
        if MIMETYPE in output.get("data", {}):
            return Card.from_output(output.data[MIMETYPE])
    return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
