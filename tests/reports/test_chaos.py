"""Kill the runner, its group or a kernel at any moment: nothing finished is lost or half there."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from ecomlab.reports import judge

from .conftest import PUBLISH, make_notebook, write_notebook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes of Linux")

KILLS = 25
NAMES = ("00_one", "01_two", "02_three")
RUNNER = """
import sys
from pathlib import Path
import ecomlab.reports.task as task
from ecomlab.reports import RunOptions, run_notebooks
task.code_hash = lambda: "code"  # somebody may be editing the package
store, out, fresh, *notebooks = sys.argv[1:]
runs = run_notebooks([Path(n) for n in notebooks], store=Path(store), out=Path(out),
                     options=RunOptions(fresh=fresh == "fresh"))
print(*[f"{run.name}={run.state}" for run in runs])
"""


def without_heavy_libraries(out: Path) -> Path:
    """Return a folder that hides libraries which only cost time here."""
    folder = out.parent / "hidden"
    folder.mkdir(exist_ok=True)
    for name in ("seaborn", "statsmodels", "scipy", "sklearn"):
        (folder / f"{name}.py").write_text("raise ImportError")
    return folder


def start(paths: list[Path], store: Path, out: Path, *, fresh: bool) -> subprocess.Popen[str]:
    mode = "fresh" if fresh else "resume"
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, store, out, mode, *paths],
        env={**os.environ, "CHAOS": str(out), "PYTHONPATH": str(without_heavy_libraries(out))},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def processes(out: Path) -> list[psutil.Process]:
    """Return what runs on behalf of this test: runner, server, kernels."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CHAOS") == str(out) and process.status() != "zombie":
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_something(target: str, runner: subprocess.Popen[str], out: Path) -> None:
    if target == "runner":
        runner.kill()
    elif target == "group":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(runner.pid, signal.SIGKILL)
    else:
        for process in processes(out):
            # what ended between being seen and being struck was not ours to kill
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.pid != runner.pid and not process.children():
                    process.kill()
                    return


def assert_nothing_is_broken(out: Path, *, complete: bool) -> None:
    """Check the invariants that hold at every moment."""
    for page in [*out.glob("*.html"), *out.glob("failed/*.html")]:
        assert page.read_text().endswith("</html>"), page
    for notebook in out.glob("*.ipynb"):
        assert judge(nbformat.read(notebook, as_version=4)).good, notebook
    journal = out / "manifest.jsonl"
    for line in journal.read_text().splitlines() if journal.exists() else ():
        assert json.loads(line)["name"] in NAMES
    if complete:
        pages = {page.stem for page in out.glob("*.html")}
        assert pages == {*NAMES, "index"}


def assert_nobody_is_left(out: Path) -> None:
    until = time.monotonic() + 10
    while processes(out) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [described(process) for process in processes(out)]


def described(process: psutil.Process) -> str:
    """Say what is left and for how long, since it will be gone when somebody looks."""
    with contextlib.suppress(psutil.Error):
        age = time.time() - process.create_time()
        return f"{process} since {age:.0f} s, {process.cpu_times()}: {process.cmdline()[:4]}"
    return f"{process}, gone by now"


def test_after_any_kill_what_was_finished_is_whole_and_a_rerun_completes(store, tmp_path):
    work = make_notebook("import time; time.sleep(0.2)", PUBLISH)
    paths = [write_notebook(tmp_path / "notebooks", name, work) for name in NAMES]
    out = tmp_path / "out"
    began = time.monotonic()
    assert start(paths, store, out, fresh=True).wait() == 0
    whole = time.monotonic() - began
    chance = random.Random(17)
    for _ in range(KILLS):
        runner = start(paths, store, out, fresh=True)
        target = chance.choice(["runner", "group", "kernel"])
        time.sleep(chance.uniform(0.2, 1.0) * whole)
        kill_something(target, runner, out)
        runner.communicate(timeout=60)
        assert_nothing_is_broken(out, complete=True)
        assert_nobody_is_left(out)
    last = start(paths, store, out, fresh=False)
    said, _ = last.communicate(timeout=60)
    assert [word.split("=")[0] for word in said.split()] == list(NAMES)
    assert all(word.endswith(("=done", "=kept")) for word in said.split())
    assert not list(out.rglob(".part-*"))
    assert_nobody_is_left(out)


def test_a_first_run_that_was_killed_is_resumed(store, tmp_path):
    work = make_notebook("import time; time.sleep(0.2)", PUBLISH)
    slow = make_notebook("import time; time.sleep(60)", PUBLISH)
    paths = [write_notebook(tmp_path, name, work) for name in NAMES[:2]]
    paths.append(write_notebook(tmp_path, NAMES[2], slow))
    out = tmp_path / "out"
    runner = start(paths, store, out, fresh=False)
    until = time.monotonic() + 30
    journal = out / "manifest.jsonl"
    while not journal.exists() or journal.read_text().count("\n") < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    runner.kill()
    runner.communicate()
    assert_nothing_is_broken(out, complete=False)
    assert_nobody_is_left(out)
    write_notebook(tmp_path, NAMES[2], work)
    said, _ = start(paths, store, out, fresh=False).communicate(timeout=60)
    assert said.split() == ["00_one=kept", "01_two=kept", "02_three=done"]
