"""Whatever a notebook does to look finished, the batch says that it failed, and why."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecomlab.reports import NotebookFailedError, Run, RunOptions, execute, run_notebooks
from ecomlab.reports.journal import JOURNAL

from .conftest import PUBLISH, make_notebook, write_notebook
from .liars import LIARS, TIMEOUT, Liar

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the liars use signals")
NAMES = [liar.name for liar in LIARS]


@dataclass(frozen=True)
class Batch:
    out: Path
    runs: dict[str, Run]


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory, store: Path) -> Batch:
    """All liars and one honest notebook, through one call of the runner."""
    folder = tmp_path_factory.mktemp("liars")
    paths = [write_notebook(folder, liar.name, liar.notebook) for liar in LIARS]
    paths.append(write_notebook(folder, "honest", make_notebook("1 + 1", PUBLISH)))
    execute(make_notebook(PUBLISH), cwd=folder)  # warm up: the clock is for what follows
    options = RunOptions(timeout=TIMEOUT)
    runs = run_notebooks(paths, store=store, out=folder / "out", options=options)
    return Batch(folder / "out", {run.name: run for run in runs})


@pytest.mark.parametrize("liar", LIARS, ids=NAMES)
def test_a_liar_is_told_to_have_failed_with_the_cause_in_words(batch: Batch, liar: Liar):
    run = batch.runs[liar.name]
    assert run.state == "failed"
    assert liar.words in run.reason


def test_each_leaves_its_partial_page_and_none_among_the_good_ones(batch: Batch):
    for name in NAMES:
        page = batch.runs[name].page
        assert page is not None and page.parent == batch.out / "failed"
        assert "did not reach its end" in page.read_text()
        assert not (batch.out / f"{name}.html").exists()


def test_an_honest_notebook_beside_them_is_done(batch: Batch):
    assert batch.runs["honest"].state == "done"
    assert batch.runs["honest"].card.headline == {"Orders": "3"}


def test_the_journal_and_the_index_say_the_same(batch: Batch):
    lines = [json.loads(line) for line in (batch.out / JOURNAL).read_text().splitlines()]
    states = {line["name"]: line["state"] for line in lines}
    assert states == dict.fromkeys(NAMES, "failed") | {"honest": "done"}
    index = (batch.out / "index.html").read_text()
    assert index.count("Did not reach its end:") == len(LIARS)


def test_no_death_and_no_overrun_goes_unnoticed_for_more_than_five_seconds(batch: Batch):
    for name in ("killed", "os_exit", "segfault"):
        assert batch.runs[name].seconds < 5, name
    for name in ("asleep", "interrupt_proof", "flood", "many_displays"):
        assert batch.runs[name].seconds < TIMEOUT + 5, name


def test_a_flood_is_cut_off_at_twenty_megabytes(batch: Batch):
    page = batch.runs["flood"].page
    assert 1_000_000 < page.with_suffix(".ipynb").stat().st_size < 25_000_000
    assert page.stat().st_size < 1_000_000


def test_a_slow_flood_is_stopped_by_the_limit_of_the_cell():
    noisy = make_notebook("import time\nwhile True: print('x'); time.sleep(0.0001)", PUBLISH)
    start = time.monotonic()
    with pytest.raises(NotebookFailedError, match="longer than the limit of 1 s"):
        execute(noisy, cwd=Path.cwd(), timeout=1)
    assert time.monotonic() - start < 1 + 5


def test_outputs_before_the_failure_are_kept(batch: Batch):
    page = batch.runs["error"].page.with_suffix(".ipynb")
    told = json.loads(page.read_text())["cells"]
    assert [cell["execution_count"] for cell in told[1:]] == [1, 2, None]
