"""Print environment.yml: the direct dependencies of pyproject.toml at the locked versions."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base"}


def direct_names(project: dict[str, Any]) -> list[str]:
    """Names of the packages that pyproject.toml asks for, those of the groups included."""
    lines = [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]
    lines += project["dependency-groups"]["build"]
    return sorted({re.split(r"[^A-Za-z0-9-]", line)[0].lower() for line in lines})


def locked_versions(text: str) -> dict[str, str]:
    """Version of each package in requirements.lock (the lowest Python's, where they differ)."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text, flags=re.MULTILINE):
        found.setdefault(name, version)
    return found


def main() -> None:
    """Print the file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = locked_versions((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    print("# Made from pyproject.toml and requirements.lock by scripts/environment.py; a test")
    print("# keeps it true. After 'conda env create -f environment.yml': conda activate ecomlab,")
    print("# then")
    print("# python -m pip install --no-deps --no-build-isolation -e .")
    print("name: ecomlab\nchannels:\n  - conda-forge\ndependencies:")
    print("  - python >=3.11,<3.14\n  - pip")
    for name in direct_names(project):
        print(f"  - {CONDA_NAMES.get(name, name)}={versions[name]}")


if __name__ == "__main__":
    main()
