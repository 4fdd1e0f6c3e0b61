"""The lock, pyproject.toml, environment.yml and the set-up tell the same story."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", LOCK, re.M))
ASKED = [
    Requirement(line)
    for line in (
        *PROJECT["project"]["dependencies"],
        *PROJECT["dependency-groups"]["test"],
        *PROJECT["dependency-groups"]["build"],
    )
]


def test_environment_yml_is_what_its_script_writes():
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "environment.py"], capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    assert made == (ROOT / "environment.yml").read_text(encoding="utf-8")


def test_every_package_asked_for_is_locked_within_its_bounds_and_given_to_conda():
    conda = (ROOT / "environment.yml").read_text(encoding="utf-8")
    for requirement in ASKED:
        version = LOCKED[requirement.name.lower()]
        assert requirement.specifier.contains(version), requirement
        assert re.search(rf"-?{re.escape(requirement.name.lower())}(-base)?={version}\n", conda)


def test_the_users_packages_are_all_there():
    named = {requirement.name for requirement in ASKED}
    assert named >= {"jupyterlab", "pandas", "seaborn", "statsmodels", "scikit-learn", "papermill",
                     "nbval"}  # fmt: skip


def test_every_lower_bound_is_given_and_every_locked_file_has_a_hash_and_no_index():
    assert all(">=" in str(requirement.specifier) for requirement in ASKED)
    entries = re.split(r"\n(?=[a-z0-9])", LOCK)
    assert len(entries) > 100
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "http" not in LOCK.replace("httpcore", "").replace("httpx", "").replace("aiohttp", "")


def test_one_numpy_serves_every_python():
    for name in ("numpy", "pandas", "scipy", "pyarrow", "statsmodels"):
        assert len(re.findall(rf"^{name}==", LOCK, re.M)) == 1


def test_the_makefile_lists_every_verb_it_has():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.*)$", text, re.M).group(1).split())
    assert phony == set(re.findall(r"^([a-z]+):.*## ", text, re.M))


def test_an_old_python_is_told_what_to_do(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1\nexit 1\n')
    old.chmod(0o755)
    ran = subprocess.run(
        ["sh", ROOT / "scripts" / "setup.sh", old, tmp_path / "venv"], capture_output=True,
        text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "Python 3.9.1 does not fit; 3.11 to 3.13 does" in ran.stderr
    missing = subprocess.run(
        ["sh", ROOT / "scripts" / "setup.sh", "python9", tmp_path / "venv"], capture_output=True,
        text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert missing.returncode == 1 and "no 'python9' here" in missing.stderr
