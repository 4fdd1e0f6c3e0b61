"""Run notebooks on a store and leave a page for each, an index, and a journal.

In: notebooks, a store, values for their parameters. Out: a ``Run`` for each notebook. All values
are checked before anything runs; results appear by renaming only; a failing notebook leaves its
partial page and the reason in words, and the others still run; what is done and unchanged is kept.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ecomlab.reports.card import Card
from ecomlab.reports.execute import CELL_SECONDS, execute
from ecomlab.reports.files import Disk, put_files, remove_parts
from ecomlab.reports.imports import without_grammars
from ecomlab.reports.index import render_index
from ecomlab.reports.journal import Entry, Journal
from ecomlab.reports.lock import locked
from ecomlab.reports.page import About, render_page, title_of
from ecomlab.reports.scrub import folders, scrub_notebook, scrub_text
from ecomlab.reports.server import CAN_FORK, fork_server
from ecomlab.reports.task import Task, plan_tasks, versions
from ecomlab.reports.verdict import Ending, NotebookFailedError, Verdict, judge
from ecomlab.store.store import Manifest, open_store

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["INDEX", "Run", "RunOptions", "run_notebooks"]

INDEX = "index.html"
FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What became of one notebook.

    ``state`` is ``done``, ``kept`` (nothing had changed since it was done) or ``failed``;
    ``reason`` says why in words; ``page`` is None where none could be written.
    """

    notebook: Path
    state: str
    reason: str = ""
    seconds: float = 0.0
    page: Path | None = None
    card: Card | None = None

    @property
    def name(self) -> str:
        """The notebook's name, without its ending."""
        return self.notebook.stem

    def __str__(self) -> str:
        told = {"done": f"done in {self.seconds:.1f} s", "kept": "kept, nothing has changed"}
        return f"{self.name}: " + told.get(self.state, f"failed: {self.reason}")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run: how many at a time, whether to redo what is done, the limit of a cell [s].

    ``progress`` is told a line of text at each start and end, one at a time, from several threads.
    """

    jobs: int = 2
    fresh: bool = False
    timeout: float = CELL_SECONDS
    progress: Callable[[str], None] | None = None
    disk: Disk = field(default_factory=Disk)


def run_notebooks(
    notebooks: Sequence[Path],
    *,
    store: Path,
    out: Path,
    values: Mapping[str, str] | None = None,
    options: RunOptions | None = None,
) -> tuple[Run, ...]:
    """Run notebooks and write their pages, the index and the journal into a folder.

    Parameters
    ----------
    notebooks
        Files, each with a name of its own.
    store
        Folder of the store; notebooks that declare ``store`` get it.
    out
        Folder for the results; made where it is missing.
    values
        Parameters as text; each goes to the notebooks that declare it.
    options
        How to run.

    Raises
    ------
    ParameterError, ReportError, StoreError
        Before anything runs: a value that is not allowed, a missing notebook, no store.
    RunnerBusyError
        Where another process is writing to the same folder.
    KeyboardInterrupt
        After what was running has been recorded as interrupted.
    """
    options = options or RunOptions()
    store = Path(store).resolve()
    manifest = open_store(store).manifest
    tasks = plan_tasks(notebooks, store=store, manifest=manifest, values=values or {})
    out = Path(out)
    (out / FAILED).mkdir(parents=True, exist_ok=True)
    with locked(out):
        remove_parts(out)
        remove_parts(out / FAILED)
        return _Batch(out=out, store=store, manifest=manifest, options=options).run(tasks)


class _Batch:
    """The runs of one call, which share a folder and its journal."""

    def __init__(self, *, out: Path, store: Path, manifest: Manifest, options: RunOptions) -> None:
        self._out, self._store, self._manifest = out, store, manifest
        self._options = options
        self._journal = Journal(out, options.disk)
        self._writing = threading.Lock()
        self._interrupted = False

    def run(self, tasks: Sequence[Task]) -> tuple[Run, ...]:
        kept = {task.name: run for task in tasks if (run := self._kept(task))}
        todo = [task for task in tasks if task.name not in kept]
        for task in tasks:
            if task.name in kept:
                self._tell(str(kept[task.name]))
        done = self._run_all(todo) if todo else {}
        self._write_index()
        return tuple({**kept, **done}[task.name] for task in tasks)

    def _kept(self, task: Task) -> Run | None:
        """Return an earlier result where nothing that it depends on has changed."""
        entry = self._journal.good(task.name)
        if self._options.fresh or entry is None or entry.key != task.key:
            return None
        if self._journal.last(task.name) is not entry:
            return None
        card = Card(headline=entry.headline, title=entry.title)
        page = self._out / entry.page
        return Run(notebook=task.path, state="kept", seconds=entry.seconds, page=page, card=card)

    def _run_all(self, tasks: Sequence[Task]) -> dict[str, Run]:
        """Run tasks side by side; on Ctrl-C end them and record that."""
        if CAN_FORK:
            fork_server()  # it makes ready while this process imports
        with without_grammars():  # once and here, not in several threads at a time
            import papermill  # noqa: F401

            from ecomlab.reports.kernels import stop_kernels
        pool = ThreadPoolExecutor(max_workers=max(1, self._options.jobs))
        futures: dict[Future[Run], Task] = {pool.submit(self._run, t): t for t in tasks}
        try:
            waiting = set(futures)
            while waiting:  # with a time, so that Ctrl-C is noticed on Windows too
                _, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
            return {task.name: future.result() for future, task in futures.items()}
        except KeyboardInterrupt:
            self._interrupted = True
            for future in futures:
                future.cancel()
            while waiting := {future for future in futures if not future.done()}:
                stop_kernels()  # again: one may have been about to start
                wait(waiting, timeout=0.5)
            self._write_index()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, task: Task) -> Run:
        """Run one task and write what came of it; never raise."""
        self._tell(f"{task.path.stem}: running")
        start = time.perf_counter()
        notebook, verdict = self._execute(task)
        seconds = round(time.perf_counter() - start, 2)
        try:
            run = self._record(task, notebook, verdict, seconds)
        except Exception as error:  # a full disk, or a notebook that cannot be shown
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            reason = "; ".join(filter(None, [verdict.reason, f"it could not be written: {words}"]))
            run = Run(notebook=task.path, state="failed", reason=reason, seconds=seconds)
        self._tell(str(run))
        return run

    def _execute(self, task: Task) -> tuple[NotebookNode, Verdict]:
        if task.notebook is None:
            return _empty_notebook(), Verdict(good=False, reason=task.trouble)
        try:
            done = execute(
                task.notebook,
                cwd=task.path.parent,
                parameters=task.values,
                timeout=self._options.timeout,
            )
        except NotebookFailedError as error:
            if self._interrupted:
                reason = Ending(kind="interrupted").reason()
                return error.notebook, replace(error.verdict, reason=reason)
            return error.notebook, error.verdict
        return done, judge(done)

    def _record(self, task: Task, notebook: NotebookNode, verdict: Verdict, seconds: float) -> Run:
        """Write page, notebook and journal line, in that order."""
        shown = folders(
            store=self._store,
            store_name=_shown_store(self._store, self._out, self._manifest.name),
            notebook_folder=task.path.parent,
        )
        scrub_notebook(notebook, shown)
        reason = scrub_text(verdict.reason, shown)
        card = verdict.card
        place = task.name if verdict.good else f"{FAILED}/{task.name}-{task.key[:8]}"
        about = self._about(task, card=card, reason=reason, seconds=seconds)
        files = _files_of(notebook, place=place, name=task.path.stem, about=about)
        entry = Entry(
            name=task.name,
            key=task.key,
            state="done" if verdict.good else "interrupted" if self._interrupted else "failed",
            finished=about.finished,
            seconds=seconds,
            store=self._manifest.name,
            title=(card.title if card else "") or title_of(notebook, task.path.stem),
            reason=reason,
            parameters=task.shown,
            headline=card.headline if card else {},
            files={path: hashlib.sha256(data).hexdigest() for path, data in files.items()},
        )
        with self._writing:
            at = {self._out / path: data for path, data in files.items()}
            put_files(self._options.disk, at, mark=task.key[:12])
            self._journal.add(entry)
        return Run(
            notebook=task.path,
            state="done" if verdict.good else "failed",
            reason=reason,
            seconds=seconds,
            page=self._out / entry.page,
            card=card,
        )

    def _about(self, task: Task, *, card: Card | None, reason: str, seconds: float) -> About:
        return About(
            store=self._manifest,
            finished=_now(),
            seconds=seconds,
            versions=versions(),
            parameters=task.shown,
            card=card,
            reason=reason,
        )

    def _write_index(self) -> None:
        page = render_index(self._out, journal=self._journal, store=self._manifest, finished=_now())
        put_files(self._options.disk, {self._out / INDEX: _encoded(page)}, mark="index")

    def _tell(self, line: str) -> None:
        if self._options.progress:
            with self._writing:
                self._options.progress(line)


def _empty_notebook() -> NotebookNode:
    with without_grammars():
        from nbformat.v4 import new_notebook
    return new_notebook()


def _files_of(notebook: NotebookNode, *, place: str, name: str, about: About) -> dict[str, bytes]:
    """Return the executed notebook and its page, by path within the folder."""
    with without_grammars():
        import nbformat
    home = f"../{INDEX}" if "/" in place else INDEX
    page = render_page(notebook, name=name, about=about, home=home)
    return {f"{place}.ipynb": _encoded(nbformat.writes(notebook)), f"{place}.html": _encoded(page)}


def _encoded(text: str) -> bytes:
    """Return UTF-8; half a character, which it has no form for, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _shown_store(store: Path, out: Path, name: str) -> str:
    """Return the store as a result names it: its path from there if near, so it can be rerun."""
    near = Path(os.path.relpath(store, out.resolve()))
    return name if list(near.parts[:3]) == [".."] * 3 else near.as_posix()
