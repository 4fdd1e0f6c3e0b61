"""The commands do what README says, and say in one line what is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecomlab.store import open_store

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "datasets" / "tiny"


def ecomlab(*words, cwd: Path = ROOT, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "ecomlab.cli", *map(str, words)], capture_output=True, text=True,
        cwd=cwd, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def verbs() -> list[str]:
    shown = ecomlab("--help").stdout
    return re.findall(r"^  ([a-z]+)  ", shown.split("Commands:")[1], re.M)


def test_the_verbs_that_scripts_rely_on_are_there(verbs):
    assert set(verbs) >= {"simulate", "import", "check", "run", "build", "doctor", "lab"}


def test_every_verb_shows_an_example(verbs):
    for verb in verbs:
        assert "Example: ecomlab " + verb in ecomlab(verb, "--help").stdout


def test_help_needs_none_of_the_heavy_packages():
    script = (
        "import sys, contextlib, io\nfrom ecomlab.cli import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    app(['--help'])\nprint([m for m in ('pandas', 'duckdb', 'papermill', 'numpy')"
        " if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_run_leaves_to_the_kernels_what_only_notebooks_need():
    script = (
        "import sys, contextlib\nfrom ecomlab.cli import app\n"
        "with contextlib.suppress(SystemExit):\n    app(['run', 'no_such.ipynb'])\n"
        "print([m for m in ('matplotlib', 'seaborn', 'scipy', 'ecomlab.course')"
        " if m in sys.modules], 'ecomlab.reports' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[] True"


def test_two_processes_with_other_hash_seeds_simulate_the_same_bytes(tmp_path):
    for seed in ("1", "2"):
        words = ("simulate", "--preset", "tiny", "--seed", 3, "--people", 300, "--days", 60)
        ran = ecomlab(*words, "--out", tmp_path / seed, PYTHONHASHSEED=seed)
        assert ran.returncode == 0, ran.stderr
    for one in (tmp_path / "1").iterdir():
        assert one.read_bytes() == (tmp_path / "2" / one.name).read_bytes()
    assert (tmp_path / "1.truth.zip").read_bytes() == (tmp_path / "2.truth.zip").read_bytes()
    assert not list((tmp_path / "1").glob("*truth*"))


def test_a_run_that_may_be_resumed_leaves_the_same_store_and_nothing_else(tmp_path):
    words = ("simulate", "--preset", "tiny", "--seed", 3, "--people", 300, "--days", 60)
    for name, more in (("plain", ()), ("careful", ("--resume",))):
        ran = ecomlab(*words, *more, "--out", tmp_path / name)
        assert ran.returncode == 0, ran.stderr
    plain, careful = (
        (tmp_path / name / "manifest.json").read_text() for name in ("plain", "careful")
    )
    assert plain == careful
    assert not list(tmp_path.glob(".careful*"))


def test_an_import_prints_counts_that_add_up_and_keeps_the_rejected(tmp_path):
    source = tmp_path / "orders.csv"
    source.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "1,20001,MUG,2,2011-01-03 09:00:00,2.50,7,France\n"
        "2,20001,MUG,1,2011-01-04 09:00:00,2.50,,France\n"
        "3,20001,MUG,1,2011-01-05 09:00:00,0,8,France\n",
        encoding="utf-8",
    )
    ran = ecomlab("import", source, "--format", "online_retail", "--out", tmp_path / "mine")
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"3 rows read = 2 accepted .* \+ 1 rejected", ran.stdout)
    assert "row" in (tmp_path / "mine" / "rejected.csv").read_text().splitlines()[0]
    assert open_store(tmp_path / "mine").table("orders")["amount"].tolist() == [5.0, 2.5]
    again = ecomlab("import", source, "--format", "online_retail", "--out", tmp_path / "mine")
    assert again.returncode == 0
    ids = open_store(tmp_path / "mine").table("customers")["customer_id"]
    assert "7" not in set(ids)


def test_the_template_can_be_read_back_as_a_mapping(tmp_path):
    import tomllib

    assert "columns" in tomllib.loads(ecomlab("import", "--template").stdout)


def test_check_passes_a_sound_store_and_fails_a_broken_one(tmp_path):
    import shutil

    sound = ecomlab("check", TINY)
    assert sound.returncode == 0 and "The contract holds." in sound.stdout
    assert "ready" in sound.stdout and "01_goal_setting / baseline forecast" in sound.stdout
    shutil.copytree(TINY, tmp_path / "broken")
    manifest = json.loads((tmp_path / "broken" / "manifest.json").read_text())
    manifest["tables"]["orders"]["sha256"] = "0" * 64
    (tmp_path / "broken" / "manifest.json").write_text(json.dumps(manifest))
    broken = ecomlab("check", tmp_path / "broken")
    assert broken.returncode == 1 and "orders" in broken.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--store", TINY, "-p", "sede=3"), "Did you mean seed?"),
        (("run", "--store", TINY, "-p", "seed=three"), "seed"),
        (("run", "--store", TINY, "-p", "seed=-1"), "seed"),
        (("run", "01_gaol_setting", "--store", TINY), "Did you mean 01_goal_setting?"),
        (("run", "--store", "nowhere"), "ecomlab simulate"),
        (("check", "nowhere"), "is not a store"),
        (("simulate", "--preset", "west", "--out", "x"), "west_d2c"),
        (("import", "nothing.csv", "--format", "shopify", "--out", "x"), "nothing.csv"),
        (("import", "--format", "shopify"), "give the files"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_anything_runs(words, said, tmp_path):
    ran = ecomlab(*words, "--out", tmp_path / "out") if words[0] == "run" else ecomlab(*words)
    assert ran.returncode != 0
    assert said in ran.stderr and "Traceback" not in ran.stderr
    assert not (tmp_path / "out").exists() and not (ROOT / "x").exists()
