"""One notebook through papermill: the same bytes every time, quick kernels or plain ones."""

from __future__ import annotations

import copy
import sys
import textwrap
import time

import nbformat
import papermill
import pytest

from ecomlab.reports import NotebookFailedError, client, execute, kernels, server

from .conftest import FIGURE, PUBLISH, make_notebook, write_notebook

SEED = "seed: int = 7  # of the draw [0, 99]"
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the fork server")


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    return [o.text for c in notebook.cells for o in c.get("outputs", ()) if "text" in o]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that cannot fork."""
    for module in (client, kernels):
        monkeypatch.setattr(module, "CAN_FORK", False)


def test_the_same_notebook_gives_the_same_bytes_and_is_not_changed(tmp_path):
    made = make_notebook("print('a'); import sys; print('b', file=sys.stderr)", FIGURE, PUBLISH)
    before = copy.deepcopy(made)
    first, second = (nbformat.writes(execute(made, cwd=tmp_path)) for _ in range(2))
    assert first == second and made == before
    assert "papermill" not in first and str(tmp_path) not in first


@pytest.mark.usefixtures("plain")
def test_a_plain_kernel_gives_what_a_forked_one_gives(tmp_path):
    made = make_notebook("print(seed, 'in')", FIGURE, PUBLISH, parameters=SEED)
    slow = nbformat.writes(execute(made, cwd=tmp_path, parameters={"seed": 3}))
    for module in (client, kernels):
        module.CAN_FORK = server.CAN_FORK
    assert nbformat.writes(execute(made, cwd=tmp_path, parameters={"seed": 3})) == slow
    assert "3 in" in slow


@linux
def test_a_forked_kernel_draws_a_figure_only_to_show_it(tmp_path):
    count = """
    import matplotlib.pyplot as plt
    from IPython.core.pylabtools import print_figure
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    drawn, draw = [], FigureCanvasAgg.draw
    FigureCanvasAgg.draw = lambda self: drawn.append(self) or draw(self)
    """
    again = """
    shown = len(drawn)
    _ = print_figure(plt.subplots()[0], bbox_inches="tight")
    plt.close("all")
    print(shown, len(drawn) - shown)
    """
    made = make_notebook(textwrap.dedent(count), FIGURE, textwrap.dedent(again), PUBLISH)
    done = execute(made, cwd=tmp_path)
    shown, printed = texts(done)[0].split()
    assert shown == printed
    assert nbformat.writes(done).count('"image/png"') == 1


@pytest.mark.usefixtures("plain")
@pytest.mark.skipif(sys.platform == "win32", reason="uses signals")
def test_the_death_of_a_plain_kernel_is_noticed_too(tmp_path):
    with pytest.raises(NotebookFailedError, match="kernel killed, likely memory"):
        execute(make_notebook("import os; os.kill(os.getpid(), 9)", PUBLISH), cwd=tmp_path)


def test_a_folder_with_braces_in_its_name_is_just_a_folder(tmp_path):
    folder = tmp_path / "store{1} {off} {store.__class__}"
    folder.mkdir()
    where = make_notebook("import os; print(os.path.basename(os.getcwd()))", PUBLISH)
    assert texts(execute(where, cwd=folder)) == [f"{folder.name}\n"]


def test_a_value_cannot_leave_its_quotes(tmp_path):
    hard = "'; import os; os._exit(1) #\\ \" {x} 中文 🛒"
    made = make_notebook("print(label)", PUBLISH, parameters='label: str = ""')
    assert texts(execute(made, cwd=tmp_path, parameters={"label": hard})) == [f"{hard}\n"]


def test_a_notebook_may_go_without_a_card_where_none_is_needed(tmp_path):
    made = make_notebook("print('x')")
    assert texts(execute(made, cwd=tmp_path, needs_card=False)) == ["x\n"]
    with pytest.raises(NotebookFailedError, match="did not reach its end"):
        execute(made, cwd=tmp_path)


@linux
def test_a_start_that_fails_is_tried_once_more_and_a_run_never(tmp_path, monkeypatch):
    count = make_notebook("open('runs', 'a').write('x')", PUBLISH)
    launch, failures = server.ForkServer.launch, [1]

    def launch_or_fail(self, argv, *, cwd):
        if failures:
            failures.pop()
            raise RuntimeError("not this time")
        return launch(self, argv, cwd=cwd)

    monkeypatch.setattr(server.ForkServer, "launch", launch_or_fail)
    execute(count, cwd=tmp_path)
    assert (tmp_path / "runs").read_text() == "x"
    failures.extend([1, 1])
    with pytest.raises(NotebookFailedError, match=r"no kernel could be started.*not this time"):
        execute(count, cwd=tmp_path)
    dies = make_notebook("open('runs', 'a').write('y')", "import os; os._exit(3)", PUBLISH)
    with pytest.raises(NotebookFailedError, match="exit code 3"):
        execute(dies, cwd=tmp_path)
    assert (tmp_path / "runs").read_text() == "xy"


@linux
def test_a_lost_server_is_replaced(tmp_path):
    made = make_notebook("1", PUBLISH)
    execute(made, cwd=tmp_path)
    lost = server.fork_server()
    lost._process.kill()
    lost._process.wait()
    execute(made, cwd=tmp_path)


@linux
def test_a_server_whose_end_nobody_has_heard_of_is_lost_all_the_same():
    made = server.ForkServer()
    made._process.kill()
    made._process.wait()
    while not made._lost:  # the listener hears of it in its own time
        time.sleep(0.01)
    made._lost = False
    assert made.lost
    made.stop()


@linux
def test_what_a_notebook_starts_ends_with_it(tmp_path):
    child = "import subprocess; p = subprocess.Popen(['sleep', '600']); print(p.pid)"
    (pid,) = texts(execute(make_notebook(child, PUBLISH), cwd=tmp_path))
    import psutil

    assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == "zombie"


def test_papermill_finds_the_engine_by_its_name(tmp_path):
    path = write_notebook(tmp_path, "00", make_notebook("print(seed)", PUBLISH, parameters=SEED))
    done = papermill.execute_notebook(
        path,
        tmp_path / "out.ipynb",
        {"seed": 5},
        engine_name="ecomlab",
        kernel_name="python3",
        language="python",
        progress_bar=False,
    )
    assert texts(done) == ["5\n"]
