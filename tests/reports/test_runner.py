"""The runner: everything checked before anything runs, nothing lost, nothing done twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecomlab.reports import (
    ParameterError,
    ReportError,
    RunnerBusyError,
    RunOptions,
    run_notebooks,
)
from ecomlab.reports import task as task_module
from ecomlab.reports.lock import locked
from ecomlab.store import StoreError

from .conftest import FIGURE, PUBLISH, make_notebook, make_store, write_notebook

SEED = 'seed: int = 7  # of the draw [0, 99]\nstore: str = "none"  # folder of the store'
SHOW = "import os\nprint('seed', seed, 'in', os.path.basename(os.getcwd()), 'of', store)"


@pytest.fixture(autouse=True)
def _sources_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may be editing the package while its tests run."""
    monkeypatch.setattr(task_module, "code_hash", lambda: "code")


@pytest.fixture
def lessons(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "notebooks"
    return [
        write_notebook(folder, "00_one", make_notebook(SHOW, FIGURE, PUBLISH, parameters=SEED)),
        write_notebook(folder, "01_two", make_notebook("2 + 2", PUBLISH)),
    ]


def test_a_value_reaches_the_notebooks_that_declare_it_and_the_kernel_works_beside_them(
    lessons, store, tmp_path
):
    runs = run_notebooks(lessons, store=store, out=tmp_path / "out", values={"seed": "3"})
    assert [run.state for run in runs] == ["done", "done"]
    page = runs[0].page.read_text()
    assert "seed 3 in notebooks of " in page and str(tmp_path) not in page
    assert "<code>seed = 3</code>" in page
    assert "simulated (tiny), seed 7" in page
    index = (tmp_path / "out" / "index.html").read_text()
    assert index.count("<article") == 2 and "data:image/png;base64," in index


def test_nothing_of_this_machine_is_told_in_what_is_published(lessons, store, tmp_path):
    tell = "import sys, numpy\nprint(store, sys.prefix, numpy.__file__)\nopen(store + '/none')"
    lessons.append(write_notebook(lessons[0].parent, "02", make_notebook(tell, parameters=SEED)))
    out = tmp_path / "out"
    run_notebooks(lessons, store=store, out=out)
    for file in out.rglob("*"):
        text = file.read_text() if file.is_file() else ""
        for path in (str(tmp_path), str(store), sys.prefix, str(Path(__file__).parents[2])):
            assert path not in text, (file.name, path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sede": "3"}, "Did you mean seed"),
        ({"seed": "100"}, "outside its range"),
        ({"store": "x"}, "with --store"),
    ],
)
def test_a_wrong_parameter_stops_everything_before_anything_runs(
    lessons, store, tmp_path, values, words
):
    with pytest.raises(ParameterError, match=words):
        run_notebooks(lessons, store=store, out=tmp_path / "out", values=values)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_run_is_said_before_anything_runs(lessons, store, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(StoreError, match="is not a store"):
        run_notebooks(lessons, store=tmp_path, out=out)
    with pytest.raises(ReportError, match="No such notebook: 09"):
        run_notebooks([tmp_path / "09.ipynb"], store=store, out=out)
    with pytest.raises(ReportError, match="no notebook to run"):
        run_notebooks([], store=store, out=out)
    twin = shutil.copy(lessons[0], tmp_path)
    with pytest.raises(ReportError, match="Two notebooks are named 00_one"):
        run_notebooks([*lessons, Path(twin)], store=store, out=out)
    lessons.append(write_notebook(tmp_path, "03", make_notebook(PUBLISH, parameters="x = 1")))
    with pytest.raises(ParameterError, match=r"03\.ipynb: Line 1"):
        run_notebooks(lessons, store=store, out=out)
    assert not out.exists()


def test_a_second_run_redoes_only_what_has_changed(lessons, store, tmp_path):
    def states(**changes) -> list[str]:
        values = changes.pop("values", {})
        runs = run_notebooks(lessons, store=changes.pop("store", store), out=tmp_path / "out",
                             values=values, options=RunOptions(**changes))  # fmt: skip
        return [run.state for run in runs]

    assert states() == ["done", "done"]
    assert states() == ["kept", "kept"]
    assert states(values={"seed": "3"}) == ["done", "kept"]
    (tmp_path / "out" / "01_two.html").write_text("spoiled")
    assert states(values={"seed": "3"}) == ["kept", "done"]
    write_notebook(lessons[1].parent, "01_two", make_notebook("3 + 3", PUBLISH))
    assert states(values={"seed": "3"}) == ["kept", "done"]
    other = make_store(tmp_path / "other", seed=8)
    assert states(values={"seed": "3"}, store=other) == ["done", "done"]
    assert states(values={"seed": "3"}, store=other, fresh=True) == ["done", "done"]


def test_a_failed_rerun_leaves_the_earlier_page_and_the_index_links_both(store, tmp_path):
    out, folder = tmp_path / "out", tmp_path / "notebooks"
    path = write_notebook(folder, "00", make_notebook("1", PUBLISH))
    (good,) = run_notebooks([path], store=store, out=out)
    before = good.page.read_bytes()
    write_notebook(folder, "00", make_notebook("1 / 0", PUBLISH))
    (bad,) = run_notebooks([path], store=store, out=out)
    assert bad.state == "failed" and good.page.read_bytes() == before
    index = (out / "index.html").read_text()
    assert f'href="failed/{bad.page.name}"' in index and 'href="00.html"' in index
    write_notebook(folder, "00", make_notebook("1", PUBLISH))
    (again,) = run_notebooks([path], store=store, out=out)
    assert again.state == "done" and "Did not reach its end" not in (out / "index.html").read_text()


def test_a_file_that_is_no_notebook_fails_and_the_others_run(lessons, store, tmp_path):
    broken = tmp_path / "notebooks" / "09_broken.ipynb"
    broken.write_text('{"cells": [')
    runs = run_notebooks([*lessons, broken], store=store, out=tmp_path / "out")
    assert [run.state for run in runs] == ["done", "done", "failed"]
    assert "not a notebook that can be read" in runs[2].reason


def test_half_a_character_which_no_kernel_can_send_is_a_failure_with_a_whole_page(store, tmp_path):
    half = "print('a \\ud800 b')"
    folder = tmp_path / "notebooks"
    paths = [
        write_notebook(folder, "00", make_notebook(half, PUBLISH)),
        write_notebook(folder, "01", make_notebook("raise ValueError('\\ud800')", PUBLISH)),
    ]
    runs = run_notebooks(paths, store=store, out=tmp_path / "out", options=RunOptions(timeout=3))
    assert [run.state for run in runs] == ["failed", "failed"]
    assert all(run.page.read_text(encoding="utf-8").endswith("</html>") for run in runs)


def test_progress_is_told_line_by_line(lessons, store, tmp_path):
    told: list[str] = []
    options = RunOptions(jobs=1, progress=told.append)
    run_notebooks(lessons, store=store, out=tmp_path / "out", options=options)
    shape = [re.sub(r"[\d.]+ s$", "N s", line) for line in told]
    assert shape == ["00_one: running", "00_one: done in N s",
                     "01_two: running", "01_two: done in N s"]  # fmt: skip


def test_no_more_kernels_run_at_a_time_than_asked_for(store, tmp_path):
    count = (
        "import os, time, pathlib\n"
        "mark = pathlib.Path(f'running-{os.getpid()}'); mark.touch(); time.sleep(0.3)\n"
        "n = len(list(pathlib.Path().glob('running-*'))); mark.unlink()\n"
        "assert n <= 2, n"
    )
    folder = tmp_path / "notebooks"
    paths = [write_notebook(folder, f"{n:02}", make_notebook(count, PUBLISH)) for n in range(6)]
    runs = run_notebooks(paths, store=store, out=tmp_path / "out", options=RunOptions(jobs=2))
    assert [run.reason for run in runs] == [""] * 6
    assert [run.name for run in runs] == [path.stem for path in paths]


def test_a_second_runner_in_the_same_folder_is_told_so_and_a_dead_ones_lock_is_no_lock(
    lessons, store, tmp_path
):
    out = tmp_path / "out"
    (out / "failed").mkdir(parents=True)
    holder = (
        "import sys, time, pathlib\nfrom ecomlab.reports.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", holder, out], stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(RunnerBusyError, match=f"process {other.pid}"):
        run_notebooks(lessons, store=store, out=out)
    other.kill()
    other.communicate()
    with locked(out):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_is_recorded_and_a_rerun_redoes_only_what_was_interrupted(store, tmp_path):
    out, folder = tmp_path / "out", tmp_path / "notebooks"
    wait = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.1)"
    paths = [
        write_notebook(folder, "00_quick", make_notebook("1", PUBLISH)),
        write_notebook(folder, "01_slow", make_notebook(wait, PUBLISH)),
    ]
    script = (
        "import signal, sys; from pathlib import Path\n"
        "from ecomlab.reports import run_notebooks\n"
        # a shell that runs us in the background has Ctrl-C ignored; whoever types it has not
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import ecomlab.reports.task as t; t.code_hash = lambda: 'code'\n"
        "store, out, *nbs = map(Path, sys.argv[1:])\n"
        "run_notebooks(nbs, store=store, out=out)"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", script, store, out, *paths], stderr=subprocess.PIPE
    )
    until = time.monotonic() + 30
    while not (out / "00_quick.html").exists() and time.monotonic() < until:
        time.sleep(0.05)
    runner.send_signal(signal.SIGINT)
    _, said = runner.communicate(timeout=15)
    assert b"KeyboardInterrupt" in said
    states = [json.loads(line)["state"] for line in (out / "manifest.jsonl").open()]
    assert sorted(states) == ["done", "interrupted"]
    (folder / "go").touch()
    runs = run_notebooks(paths, store=store, out=out)
    assert [run.state for run in runs] == ["kept", "done"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs the fork server")
def test_each_notebook_gets_a_process_of_its_own_and_one_thread(store, tmp_path):
    alone = (
        "import os, sys, threading\n"
        "assert 'mark' not in os.__dict__; os.mark = 1\n"
        "assert os.environ['OMP_NUM_THREADS'] == '1'\n"
        "import matplotlib; assert 'inline' in matplotlib.get_backend()\n"
    )
    folder = tmp_path / "notebooks"
    paths = [write_notebook(folder, f"{n}", make_notebook(alone, PUBLISH)) for n in range(3)]
    runs = run_notebooks(paths, store=store, out=tmp_path / "out")
    assert [run.reason for run in runs] == [""] * 3


def rendered(notebook) -> str:
    from ecomlab.reports.page import About, render_page
    from ecomlab.store import Manifest

    manifest = Manifest(
        name="s", currency="EUR", time_zone="UTC", first_day="2024-01-01", last_day="2024-01-02",
        origin={"kind": "imported", "format": "own", "files": []},
    )  # fmt: skip
    about = About(store=manifest, finished="", seconds=1.0, versions={})
    return render_page(notebook, name="n", about=about, home="index.html")


def test_pages_rendered_by_many_threads_at_once_are_all_alike():
    from concurrent.futures import ThreadPoolExecutor

    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    words = new_output("display_data", data={"text/markdown": "- a\n- **b**\n\n> c\n" * 20})
    prose = "# Title?\n\n" + "## Part\n\n- x\n  - y\n\n| a |\n|---|\n| 1 |\n\n" * 20
    notebook = new_notebook(cells=[new_markdown_cell(prose), new_code_cell("1", outputs=[words])])
    with ThreadPoolExecutor(8) as pool:
        pages = set(pool.map(lambda _: rendered(notebook), range(24)))
    assert len(pages) == 1


def test_code_without_output_is_folded_into_the_code_that_follows():
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    shown = new_output("display_data", data={"text/plain": "seen"})
    cells = [new_code_cell("first = 1"), new_code_cell("second = 2")]
    page = rendered(new_notebook(cells=[*cells, new_code_cell("third = 3", outputs=[shown])]))
    assert page.count("Show the code") == 1
    assert page.index("first") < page.index("third") < page.index("seen")
