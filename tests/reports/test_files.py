"""The n-th call to the disk fails, for every n: what was there before is still there."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from ecomlab.reports import RunOptions, run_notebooks
from ecomlab.reports import runner as runner_module
from ecomlab.reports import task as task_module
from ecomlab.reports.files import Disk, append_line, put_files
from ecomlab.reports.journal import JOURNAL

from .conftest import PUBLISH, make_notebook, write_notebook


class FailingDisk(Disk):
    """A disk whose n-th call fails; ``fault`` is an error number, or ``short``."""

    def __init__(self, n: int, fault: str) -> None:
        self.left, self.fault, self.failed = n, fault, False

    def _fails(self) -> bool:
        self.left -= 1
        if self.left == 0:
            self.failed = True
        return self.left == 0

    def _maybe_raise(self) -> None:
        if self._fails():
            number = getattr(errno, self.fault, errno.EIO)
            raise OSError(number, os.strerror(number))

    def open(self, path: Path, flags: int) -> int:
        self._maybe_raise()
        return super().open(path, flags)

    def write(self, handle: int, data: memoryview) -> int:
        if self._fails():
            super().write(handle, data[: len(data) // 2])
            if self.fault == "short":
                return len(data)  # a lie, as some disks and networks tell
            number = getattr(errno, self.fault)
            raise OSError(number, os.strerror(number))
        return super().write(handle, data)

    def sync(self, handle: int) -> None:
        self._maybe_raise()
        super().sync(handle)

    def rename(self, old: Path, new: Path) -> None:
        self._maybe_raise()
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._maybe_raise()
        super().sync_folder(folder)


FAULTS = ("ENOSPC", "EIO", "EMFILE", "short")


@pytest.mark.parametrize("fault", FAULTS)
def test_files_are_old_or_new_and_never_in_between_whichever_call_fails(tmp_path, fault):
    one, two = tmp_path / "one", tmp_path / "two"
    for n in range(1, 100):
        one.write_bytes(b"old")
        two.write_bytes(b"old")
        disk = FailingDisk(n, fault)
        try:
            put_files(disk, {one: b"new" * 1000, two: b"new" * 1000}, mark="x")
        except OSError:
            assert disk.failed
        assert {one.read_bytes(), two.read_bytes()} <= {b"old", b"new" * 1000}
        assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}
        if not disk.failed:
            break
    assert n > 8  # each call has failed once
    assert one.read_bytes() == two.read_bytes() == b"new" * 1000


@pytest.mark.parametrize("fault", FAULTS)
def test_a_line_is_there_whole_or_not_at_all_whichever_call_fails(tmp_path, fault):
    path = tmp_path / "lines"
    append_line(Disk(), path, "first")
    for n in range(1, 10):
        disk = FailingDisk(n, fault)
        try:
            append_line(disk, path, "second")
        except OSError:
            assert path.read_text() == "first\n"
        if not disk.failed:
            break
    assert path.read_text() == "first\nsecond\n"


@pytest.fixture
def no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks that are executed without a kernel: this is about files."""
    monkeypatch.setattr(task_module, "code_hash", lambda: "code")
    monkeypatch.setattr(runner_module, "CAN_FORK", False)

    def execute(notebook, **_):
        for count, cell in enumerate(notebook.cells[1:], start=1):
            cell.execution_count = count
        card = {"application/vnd.ecomlab.card+json": {"headline": {"Orders": "3"}}}
        from nbformat.v4 import new_output

        notebook.cells[-1].outputs = [new_output("display_data", data=card)]
        return notebook

    monkeypatch.setattr(runner_module, "execute", execute)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.usefixtures("no_kernels")
def test_a_rerun_on_a_failing_disk_leaves_earlier_results_readable(tmp_path, store, fault):
    names = ("00_one", "01_two")
    paths = [write_notebook(tmp_path, name, make_notebook("1", PUBLISH)) for name in names]
    out = tmp_path / "out"
    run_notebooks(paths, store=store, out=out)
    for n in range(1, 200):
        disk = FailingDisk(n, fault)
        options = RunOptions(fresh=True, jobs=1, disk=disk)
        try:
            runs = run_notebooks(paths, store=store, out=out, options=options)
        except OSError:  # the index could not be written, and that is said
            assert disk.failed
        else:
            failed = [run for run in runs if run.state == "failed"]
            assert len(failed) == disk.failed
            assert all("could not be written" in run.reason for run in failed)
        for page in (*(out / f"{name}.html" for name in names), out / "index.html"):
            assert page.read_text().endswith("</html>")
        for line in (out / JOURNAL).read_text().splitlines():
            assert json.loads(line)["state"] == "done"
        if not disk.failed:
            break
    assert n > 20
    resumed = run_notebooks(paths, store=store, out=out)
    assert [run.state for run in resumed] == ["kept", "kept"]
