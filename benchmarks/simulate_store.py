"""Speed and memory of the simulator, every table written to Parquet.

``python benchmarks/simulate_store.py [--runs N] [--large]`` makes each store in a process of its
own, in turns, and prints medians: sessions a CPU-second, cost a session against the first, and peak
memory above what the imports take. Goals: 0.4 million sessions a CPU-second (0.3 million with
operations) and under 300 MB at the default size; cost a session up by less than 15 % from 2 to 20
million sessions (``--large``); memory that does not grow with the days; ``tiny`` under a second.
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

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SIZES = {
    "demand alone": ("west_d2c", 150_000, 730, False),
    "with operations": ("west_d2c", 150_000, 730, True),
    "demand, a quarter of the days": ("west_d2c", 150_000, 182, False),
    "tiny, demand alone": ("tiny", 1500, 730, False),
    "tiny, with operations": ("tiny", 1500, 730, True),
}
LARGE = {"demand, ten times the people": ("west_d2c", 1_500_000, 730, False)}
RUN = """
import json, resource, sys, time
import numpy, pandas, pyarrow.parquet, scipy.special
from ecomlab.simulator import load_scenario, simulate, simulate_into
simulate("tiny", seed=1, people=40, days=12)  # loads the compiled loops, as imports load modules
preset, people, days, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
world = load_scenario(preset)
world = world if sys.argv[5] == "True" else world.without_operations()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
before, start = peak(), time.process_time()
store = simulate_into(out, world, 7, None, people, days)
print(json.dumps({"cpu": time.process_time() - start, "mb": peak() - before,
                  "sessions": store.manifest.tables["sessions"]["rows"]}))
"""  # noqa: E501


def run(preset: str, people: int, days: int, operations: bool) -> dict[str, float]:
    """Make one store in a new process; return its CPU seconds, megabytes and sessions."""
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                RUN,
                preset,
                str(people),
                str(days),
                str(Path(place) / "s"),
                str(operations),
            ],
            env={**os.environ, **ONE_THREAD},
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout)


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="20 million sessions as well")
    asked = parser.parse_args()
    sizes = SIZES | (LARGE if asked.large else {})
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in sizes}
    for turn in range(asked.runs):
        for name, size in sizes.items():
            if name not in LARGE or turn == 0:
                runs[name].append(run(*size))
    print(
        f"{'store':<31}{'sessions':>12}{'CPU s':>8}{'sessions/CPU s':>16}{'cost':>7}{'peak MB':>9}"
    )
    usual = None
    for name, found in runs.items():
        cpu = statistics.median(one["cpu"] for one in found)
        sessions, peak = found[0]["sessions"], max(one["mb"] for one in found)
        usual = usual or cpu / sessions
        print(
            f"{name:<31}{sessions:>12,}{cpu:>8.2f}{sessions / cpu:>16,.0f}"
            f"{cpu / sessions / usual:>6.2f}x{peak:>9,.0f}"
        )


if __name__ == "__main__":
    main()
