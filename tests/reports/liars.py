"""Notebooks that do not run to their end, and would like to be taken for some that did.

Each is a name, its cells, and words that the reason must hold. ``PUBLISH`` ends most of them,
as it ends an honest notebook.
"""

from __future__ import annotations

from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from .conftest import PUBLISH, make_notebook

__all__ = ["LIARS", "TIMEOUT", "Liar"]

TIMEOUT = 3.0  # seconds a cell may take in the batch of liars

FORGED_CARD = (
    "from IPython.display import display\n"
    'display({"application/vnd.ecomlab.card+json": {"headline": {"Orders": "3"}}}, raw=True)'
)
NEW_KERNEL = """
import os, signal, subprocess, sys
connection = sys.argv[sys.argv.index("-f") + 1]
# A new kernel on the same connection, while the first one is gone.
subprocess.Popen([sys.executable, "-m", "ipykernel_launcher", "-f", connection],
                 start_new_session=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
SWALLOW = """
import time
while True:
    try:
        while True:
            time.sleep(0.01)
    except BaseException:
        pass
"""
HIDE_ERRORS = """
def hide(shell, kind, value, traceback, tb_offset=None):
    return []
get_ipython().set_custom_exc((Exception,), hide)
"""
LITTLE_MEMORY = """
import resource
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200_000_000, used + 200_000_000))
table = bytearray(2_000_000_000)
"""
MAIM_PUBLISH = """
import ecomlab.reports
ecomlab.reports.publish = lambda headline: None
"""


@dataclass(frozen=True)
class Liar:
    """A notebook that must be told to have failed, and words of the reason."""

    name: str
    notebook: NotebookNode
    words: str


def _liar(name: str, words: str, *sources: str) -> Liar:
    return Liar(name, make_notebook("before = 1", *sources, PUBLISH), words)


def _tagged() -> NotebookNode:
    made = make_notebook("1 / 0", PUBLISH)
    made.cells[1].metadata["tags"] = ["raises-exception"]
    return made


def _stale() -> NotebookNode:
    """A notebook whose stored outputs look like success, and whose last cell is gone."""
    made = make_notebook("1 + 1", "2 + 2")
    card = {"application/vnd.ecomlab.card+json": {"headline": {"Orders": "3"}}}
    made.cells[-1].outputs = [new_output("display_data", data=card)]
    made.cells[-1].execution_count = 3
    return made


LIARS = (
    _liar("killed", "kernel killed, likely memory", "import os; os.kill(os.getpid(), 9)"),
    _liar("os_exit", "ended itself in cell 3 (exit code 0)", "import os; os._exit(0)"),
    _liar("sys_exit", "left the notebook early", "import sys; sys.exit(0)"),
    _liar("system_exit_text", "left the notebook early", "raise SystemExit('all is well')"),
    _liar("segfault", "kernel crashed in cell 3 (SIGSEGV)", "import os; os.kill(os.getpid(), 11)"),
    _liar("asleep", "longer than the limit of 3 s", "import time; time.sleep(3600)"),
    _liar("interrupt_proof", "longer than the limit of 3 s", SWALLOW),
    _liar("error", "cell 3 failed: KeyError: 'net'", "{}['net']"),
    _liar("memory", "out of memory", LITTLE_MEMORY),
    _liar("flood", "more than 20 MB", "while True: print('x' * 10_000)"),
    _liar("many_displays", "more than 20 MB", "while True: display('x' * 7_000_000)"),
    _liar("restart", "kernel killed", NEW_KERNEL),
    _liar("hidden_error", "cell 4 failed: ZeroDivisionError", HIDE_ERRORS, "1 / 0"),
    _liar("wrong_magic", "cell 3 failed: UsageError", "%store -x"),
    _liar("on_stderr", "printed an error instead of raising it: ZeroDivisionError",
          "import traceback\ntry:\n    1 / 0\nexcept Exception:\n    traceback.print_exc()"),
    _liar("no_number", "'Net' has no value",
          "import ecomlab.reports as reports\nreports.publish({'Net': 'EUR nan'})"),
    _liar("maimed", "did not reach its end", MAIM_PUBLISH),
    Liar("swallowed", make_notebook(
        "try:\n    1 / 0\n    publish({'Orders': '3'})\nexcept Exception: pass"),
        "did not reach its end"),
    Liar("raises_exception_tag", _tagged(), "cell 2 failed: ZeroDivisionError"),
    Liar("early_card", make_notebook(FORGED_CARD, "import os; os._exit(0)"), "ended itself"),
    Liar("early_card_only", make_notebook(FORGED_CARD, "1 + 1"), "did not reach its end"),
    Liar("last_cell_deleted", make_notebook("1 + 1"), "did not reach its end"),
    Liar("stale_outputs", _stale(), "did not reach its end"),
    Liar("no_cells", new_notebook(), "no code to run"),
    Liar("only_words", new_notebook(cells=[new_markdown_cell("# Hm")]), "no code to run"),
    Liar("empty_cells", new_notebook(cells=[new_code_cell("  ")]), "no code to run"),
    Liar("not_python", make_notebook("this is no Python", PUBLISH), "SyntaxError"),
)  # fmt: skip
