"""Papermill's client with our kernels and our limits; ``engine`` is its door.

Kernels are forked from one prepared process where the platform can; a start that fails is tried
once more (a run never); output is capped; what ended a run early is kept as an ``Ending``; and
no time of day is written into the notebook.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine

from ecomlab.reports.kernels import new_manager
from ecomlab.reports.outstream import FLOODED, OUTPUT_CHARACTERS, CappedStream
from ecomlab.reports.server import CAN_FORK, kernel_environment
from ecomlab.reports.verdict import Ending

__all__ = ["ManagedEngine", "Watch"]

MESSAGE_CHARACTERS = 400  # what a message costs beside its text
START_SECONDS = 60
START_ATTEMPTS = 2
_CAPPED = f"--IPKernelApp.outstream_class={CappedStream.__module__}.{CappedStream.__qualname__}"

_log = logging.getLogger("ecomlab.reports")
_log.addHandler(logging.NullHandler())


@dataclass
class Watch:
    """What the caller sees of a run: the notebook, the cell it is at, and how it ended."""

    notebook: NotebookNode | None = None
    cell: int = 0
    ending: Ending | None = None


class _Client(PapermillNotebookClient):
    """Papermill's client with our kernels and our limits."""

    watch: Watch
    shown = 0

    def report_to(self, watch: Watch) -> None:
        """Keep a watch told of the cell that runs and of the first that raises."""

        def note_start(cell_index: int, **_: Any) -> None:
            watch.cell = cell_index

        def note_error(cell_index: int, execute_reply: dict[str, Any], **_: Any) -> None:
            content = execute_reply["content"]
            detail = f"{content.get('ename')}: {content.get('evalue')}".splitlines()[0][:300]
            watch.ending = watch.ending or Ending(kind="error", cell=cell_index, detail=detail)

        self.watch, self.on_cell_start, self.on_cell_error = watch, note_start, note_error

    @contextmanager
    def setup_kernel(self, **kwargs: Any) -> Iterator[None]:
        """Start a kernel, on failure once more; kill it at the end, whatever happened."""
        for attempt in range(1, START_ATTEMPTS + 1):
            self.km = new_manager()
            try:
                self.start_new_kernel(**kwargs)
                self.start_new_kernel_client()
                break
            except (RuntimeError, OSError) as error:
                if attempt == START_ATTEMPTS:
                    self.watch.ending = Ending(kind="start", detail=str(error))
                    raise
        try:
            yield
        finally:
            self._keep_exit_code()
            self._cleanup_kernel()

    def process_message(self, *args: Any, **kwargs: Any) -> NotebookNode | None:
        """Take an output in, unless there were too many."""
        content = args[0]["content"]
        self.shown += MESSAGE_CHARACTERS + len(content.get("text", ""))
        self.shown += sum(len(str(part)) for part in content.get("data", {}).values())
        if self.shown > OUTPUT_CHARACTERS:
            self._stop_flood()
            return None
        return super().process_message(*args, **kwargs)

    def _stop_flood(self) -> None:
        """Kill the kernel; that it is dead is noticed as any death is."""
        if self.watch.ending is None:
            self.watch.ending = Ending(kind="flood", cell=self.watch.cell)
            self._kill = asyncio.ensure_future(self.km.provisioner.kill())

    def _keep_exit_code(self) -> None:
        """Note how the kernel ended, where it did so by itself."""
        provisioner = self.km.provisioner if self.km else None
        pid = getattr(provisioner, "pid", None)
        server = getattr(provisioner, "server", None)
        code = server.poll(pid) if server and pid else None
        if process := getattr(provisioner, "process", None):
            code = process.poll()
        if code is not None and self.watch.ending is None:
            kind = "flood" if code == FLOODED else "died"
            self.watch.ending = Ending(kind=kind, cell=self.watch.cell, exit_code=code)


class ManagedEngine(Engine):
    """Papermill's base engine, which keeps the notebook's state, over our client."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        kernel_cwd: str | None = None,
        watch: Watch | None = None,
        execution_timeout: float | None = None,
        **_: Any,
    ) -> None:
        """Execute the cells; papermill calls this.

        Parameters
        ----------
        nb_man
            Papermill's keeper of the notebook.
        kernel_name
            Ignored: kernels are of this very Python.
        kernel_cwd
            Folder the kernel works in; None is the current one.
        watch
            Where to leave what happened.
        execution_timeout
            Longest time for one cell [s].
        """
        watch = watch or Watch()
        watch.notebook = nb_man.nb
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            timeout=execution_timeout,
            startup_timeout=START_SECONDS,
            shutdown_kernel="immediate",
            extra_arguments=[_CAPPED],
            coalesce_streams=True,
            record_timing=False,
            log=_log,
        )
        client.report_to(watch)
        env = None if CAN_FORK else kernel_environment()
        try:
            client.execute(cwd=kernel_cwd or os.getcwd(), **({"env": env} if env else {}))
        except CellTimeoutError:
            watch.ending = Ending(kind="timeout", cell=watch.cell, seconds=execution_timeout)
            raise
        except DeadKernelError:
            watch.ending = watch.ending or Ending(kind="died", cell=watch.cell)
            raise
