"""The notebooks run on the ready stores of both presets, as on any other store."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["west", "china"])
def test_every_notebook_runs_on_the_ready_store(name, tmp_path):
    store = shutil.copytree(ROOT / "datasets" / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "ecomlab.cli", "run", "--store", str(store),
         "--out", str(tmp_path / "reports")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {page.stem for page in (tmp_path / "reports").glob("*.html")}
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} <= pages
