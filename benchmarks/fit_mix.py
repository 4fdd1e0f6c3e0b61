"""A mix model with intervals: our draws beside PyMC-Marketing's NUTS.

``python benchmarks/fit_mix.py [--peer PYTHON] [--runs N]`` takes turns, each side in a process of
its own with one thread, and prints median CPU seconds of the fit alone (peer: compiling and four
chains of 1,000 draws after 1,000 of tuning, its defaults). ``PYTHON`` is the interpreter of an
environment with PyMC-Marketing; without it only our side runs. Goal: at most 0.04 of the peer.
Coverage over 200 simulated stores is in docs/studies/marketing.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
NAMES = ["tv", "search", "social", "radio"]
CLOCK = """
import json, resource, sys
import pandas as pd
def cpu():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)
weekly, names = pd.read_csv(sys.argv[1], parse_dates=["week_start"]), sys.argv[2].split()
"""
OURS = (
    CLOCK
    + """
from ecomlab.analysis.marketing import fit_mix
start = cpu()
fit_mix(weekly, outcome="sales", channels=names)
print(json.dumps({"cpu": cpu() - start}))
"""
)
PEER = (
    CLOCK
    + """
from pymc_marketing.mmm import GeometricAdstock, LogisticSaturation
from pymc_marketing.mmm.multidimensional import MMM
start = cpu()
model = MMM(date_column="week_start", target_column="sales", channel_columns=names,
            adstock=GeometricAdstock(l_max=8), saturation=LogisticSaturation(),
            yearly_seasonality=2, time_varying_intercept=False)
x, y = weekly[["week_start", *names]], weekly["sales"]
model.build_model(x, y)
model.fit(x, y, random_seed=1, progressbar=False, chains=4, cores=1)
spent = cpu() - start
print(json.dumps({"cpu": spent}))
"""
)


def make_weeks() -> pd.DataFrame:
    """Two years of four channels with memory and saturation."""
    rng, weeks = np.random.default_rng(4), np.arange(104)
    frame = pd.DataFrame({"week_start": pd.date_range("2024-01-01", periods=104, freq="7D")})
    sales = 1000 + 120 * np.sin(2 * np.pi * weeks / 52.18) + rng.normal(0, 30, 104)
    for name, mean, most, memory in zip(NAMES, (300, 150, 100, 60), (300, 200, 150, 80),
                                        (0.5, 0.0, 0.3, 0.2), strict=True):  # fmt: skip
        spend = rng.gamma(2.0, mean / 2, 104)
        stock, effect = mean, np.zeros(104)
        for week, spent in enumerate(spend):
            stock = memory * stock + (1 - memory) * spent
            effect[week] = most * stock / (stock + mean)
        frame[name], sales = spend, sales + effect
    return frame.assign(sales=sales)


def run(python: str, code: str, *given: str) -> float:
    """Run one side in a new process; return its CPU seconds."""
    done = subprocess.run(
        [python, "-W", "ignore", "-c", code, *given],
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return float(json.loads(done.stdout.splitlines()[-1])["cpu"])


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="interpreter of an environment with PyMC-Marketing")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    sides = {"ecomlab": (sys.executable, OURS)}
    if asked.peer:
        sides["PyMC-Marketing, NUTS"] = (asked.peer, PEER)
    found: dict[str, list[float]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "weeks.csv"
        make_weeks().to_csv(file, index=False)
        for _ in range(asked.runs):
            for name, side in sides.items():
                found[name].append(run(*side, str(file), " ".join(NAMES)))
    usual = statistics.median(found["ecomlab"])
    print(f"{'side':<24}{'CPU s':>8}{'ours over it':>14}")
    for name, runs in found.items():
        cpu = statistics.median(runs)
        print(f"{name:<24}{cpu:>8.2f}{usual / cpu:>14.3f}")


if __name__ == "__main__":
    main()
