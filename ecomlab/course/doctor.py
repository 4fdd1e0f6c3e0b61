"""Is this machine fit for the course? Versions, memory, disk, and a trial run."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import nbformat
import psutil
from packaging.requirements import Requirement

__all__ = ["Finding", "examine"]

_LEAST_MEMORY_GB = 2.0
_LEAST_DISK_GB = 1.0
_TRIAL = """
import matplotlib.pyplot as plt
from ecomlab import simulate
from ecomlab.reports import publish
run = simulate("tiny", seed=1, people=500, days=60)
_ = plt.plot(run.store.table("orders")["amount"])
publish({"orders": str(len(run.store.table("orders")))})
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what, whether it is good, and what was found."""

    what: str
    is_good: bool
    said: str


def examine() -> tuple[Finding, ...]:
    """Return what was found, the trial run last; takes about ten seconds."""
    return (_python(), _packages(), _memory(), _disk(), _trial())


def _python() -> Finding:
    shown = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("Python", good, shown if good else f"{shown}; the course needs 3.11 to 3.13")


def _packages() -> Finding:
    wrong = []
    for line in requires("ecomlab") or ():
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate():
            continue
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if not needed.specifier.contains(found, prereleases=True):
            wrong.append(f"{needed.name} {found} (needs {needed.specifier})")
    said = "; ".join(wrong) + ". Run 'make course' again" if wrong else "all there"
    return Finding("packages", not wrong, said)


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 1e9
    said = f"{free:.1f} GB free" + ("" if free >= _LEAST_MEMORY_GB else "; close other programs")
    return Finding("memory", free >= _LEAST_MEMORY_GB, said)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    said = f"{free:.1f} GB free" + ("" if free >= _LEAST_DISK_GB else "; make room first")
    can_write = os.access(Path.cwd(), os.W_OK)
    return Finding("disk", free >= _LEAST_DISK_GB and can_write,
                   said if can_write else "this folder cannot be written to")  # fmt: skip


def _trial() -> Finding:
    from ecomlab.reports.execute import execute
    from ecomlab.reports.verdict import NotebookFailedError

    began = time.monotonic()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(_TRIAL)])
    try:
        execute(notebook, cwd=Path.cwd())
    except NotebookFailedError as error:
        return Finding("trial run", False, str(error))
    return Finding("trial run", True, f"{time.monotonic() - began:.1f} s")
