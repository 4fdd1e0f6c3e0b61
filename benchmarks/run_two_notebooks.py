"""Run notebooks two ways, side by side: ``ecomlab run``, and papermill, then nbconvert.

``python benchmarks/run_two_notebooks.py [NOTEBOOK …] [--store STORE] [--pairs N]`` makes N pairs of
runs, one way after the other, and prints the medians of wall time and of CPU time (of all
processes, from ``os.wait4``) and their ratios. Goals: wall at most 0.5, CPU at most 0.5.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def measure(commands: Sequence[Sequence[str]], *, cwd: Path) -> tuple[float, float]:
    """Return wall and CPU time [s] of commands, one after another."""
    start, cpu = time.perf_counter(), 0.0
    for command in commands:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **ONE_THREAD},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        cpu += used.ru_utime + used.ru_stime
    return time.perf_counter() - start, cpu


def our_commands(notebooks: Sequence[Path], store: Path, out: Path) -> list[list[str]]:
    names = [str(notebook) for notebook in notebooks]
    options = ["--store", str(store), "--out", str(out), "--fresh"]
    return [[sys.executable, "-m", "ecomlab.cli", "run", *names, *options]]


def their_commands(notebooks: Sequence[Path], store: Path, out: Path) -> list[list[str]]:
    commands = []
    for notebook in notebooks:
        ran = str(out / notebook.name)
        papermill = [sys.executable, "-m", "papermill", str(notebook), ran, "-p", "store"]
        commands.append([*papermill, str(store), "--cwd", str(notebook.parent)])
        commands.append([sys.executable, "-m", "nbconvert", "--to", "html", ran])
    return commands


def medians(runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    walls, cpus = zip(*runs, strict=True)
    return statistics.median(walls), statistics.median(cpus)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("notebooks", nargs="*", type=Path)
    reader.add_argument("--store", type=Path, default=ROOT / "stores" / "demo")
    reader.add_argument("--pairs", type=int, default=5)
    asked = reader.parse_args()
    found = asked.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    notebooks = [notebook.resolve() for notebook in found]
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for pair in range(asked.pairs):
            out = Path(folder, str(pair))
            out.mkdir()
            store = asked.store.resolve()
            ours.append(measure(our_commands(notebooks, store, out / "ours"), cwd=ROOT))
            theirs.append(measure(their_commands(notebooks, store, out), cwd=ROOT))
    (wall, cpu), (their_wall, their_cpu) = medians(ours), medians(theirs)
    print(f"{len(notebooks)} notebooks, medians of {asked.pairs} pairs")
    print(f"{'':30}{'wall [s]':>9}{'CPU [s]':>9}")
    print(f"{'ecomlab run':30}{wall:9.2f}{cpu:9.2f}")
    print(f"{'papermill, then nbconvert':30}{their_wall:9.2f}{their_cpu:9.2f}")
    print(f"{'ratio (goals: 0.50 and 0.50)':30}{wall / their_wall:9.2f}{cpu / their_cpu:9.2f}")


if __name__ == "__main__":
    main()
