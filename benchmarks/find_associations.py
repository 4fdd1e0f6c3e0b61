"""Rules of who buys what together, side by side with mlxtend's fpgrowth, on the same baskets.

``python benchmarks/find_associations.py LINES [--peer PYTHON] [--support S …] [--pairs N]`` reads
a Parquet file of order lines (the Online Retail log: 541,909 lines; its ``InvoiceNo`` and
``StockCode``, or ``order_id`` and ``sku``), gives both the same lines, in turns, each in a
process of its own with one thread, and prints medians of the CPU time of the whole way from
lines to rules, reading the file and imports apart, and whether the rules are the same. mlxtend
is no requirement of ecomlab: ``--peer`` is the Python of an environment that has it
(``pip install mlxtend pyarrow``). Goal: at most 0.20 of mlxtend's CPU time; aim: 0.10.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
READ = """
import hashlib, json, resource, sys, time
import pandas as pd
path, support = sys.argv[1], float(sys.argv[2])
names = [("InvoiceNo", "StockCode"), ("order_id", "sku"), ("order_id", "item")]
import pyarrow.parquet as pq
there = set(pq.read_schema(path).names)
order, item = next(pair for pair in names if set(pair) <= there)
lines = pd.read_parquet(path, columns=[order, item]).dropna()
lines = lines.rename(columns={order: "order_id", item: "item"})
def tell(start, middle, rules):
    end = time.process_time()
    kept = sorted(
        (tuple(sorted(a)), tuple(sorted(c)), f"{s:.9f}", f"{k:.9f}", f"{l:.6f}")
        for a, c, s, k, l in rules
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu": end - start, "mining": end - middle, "rules": len(kept),
                      "peak": peak / (1024 if sys.platform != "darwin" else 1024**2),
                      "digest": hashlib.sha256(repr(kept).encode()).hexdigest()}))
"""
OURS = """
from ecomlab.analysis.product import find_associations
start = time.process_time()
made = find_associations(lines, min_support_share=support)
rows = zip(*(made[c] for c in ("antecedent", "consequent", "support_share", "confidence_share",
                               "lift")))
tell(start, start, list(rows))
"""
THEIRS = """
from mlxtend.frequent_patterns import association_rules, fpgrowth
from mlxtend.preprocessing import TransactionEncoder
start = time.process_time()
baskets = lines.groupby("order_id")["item"].agg(list).tolist()
coder = TransactionEncoder()
wide = pd.DataFrame(coder.fit_transform(baskets), columns=coder.columns_)
middle = time.process_time()
sets = fpgrowth(wide, min_support=support, use_colnames=True, max_len=3)
made = association_rules(sets, metric="lift", min_threshold=1.0)
rows = zip(*(made[c] for c in ("antecedents", "consequents", "support", "confidence", "lift")))
tell(start, middle, list(rows))
"""


def run(python: str, code: str, lines: Path, support: float) -> dict[str, float]:
    """Find the rules in a new process; return CPU seconds, rules and their digest."""
    done = subprocess.run(
        [python, "-c", READ + code, str(lines), str(support)],
        env={**os.environ, **ONE_THREAD},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{python} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def has_peer(python: str) -> bool:
    """Say whether an environment has mlxtend."""
    look = [python, "-c", "import mlxtend.frequent_patterns, pyarrow"]
    return subprocess.run(look, capture_output=True).returncode == 0


def main() -> None:
    """Run both in turns and print the table."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("lines", type=Path, help="Parquet file of order lines")
    reader.add_argument("--peer", default=sys.executable, help="a Python that has mlxtend")
    reader.add_argument("--support", type=float, nargs="+", default=[0.02, 0.01, 0.005])
    reader.add_argument("--pairs", type=int, default=5)
    asked = reader.parse_args()
    if not asked.lines.is_file():
        raise SystemExit(
            f"{asked.lines} is not there: nothing was measured. See docs/importing.md."
        )
    if not (peer := has_peer(asked.peer)):
        print(f"{asked.peer} has no mlxtend: ours alone (pip install mlxtend pyarrow, --peer).")
    print(f"{'support':>8}{'rules':>8}{'ours [CPU s]':>14}{'mlxtend':>9}{'ratio':>7}"
          f"{'its mining alone':>18}{'ratio':>7}{'peak MB':>9}{'its':>7}  same")  # fmt: skip
    for support in asked.support:
        ours, theirs = [], []
        for _ in range(asked.pairs):
            ours.append(run(sys.executable, OURS, asked.lines.resolve(), support))
            if peer:
                theirs.append(run(asked.peer, THEIRS, asked.lines.resolve(), support))
        show(support, ours, theirs)


def show(support: float, ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> None:
    mine = statistics.median(one["cpu"] for one in ours)
    line = f"{support:>8}{ours[0]['rules']:>8,}{mine:>14.3f}"
    if theirs:
        whole, mining = (statistics.median(one[name] for one in theirs)
                         for name in ("cpu", "mining"))  # fmt: skip
        same = {one["digest"] for one in (*ours, *theirs)}
        line += (f"{whole:>9.2f}{mine / whole:>7.3f}{mining:>18.2f}{mine / mining:>7.3f}"
                 f"{ours[0]['peak']:>9.0f}{theirs[0]['peak']:>7.0f}"
                 f"  {'yes' if len(same) == 1 else 'NO'}")  # fmt: skip
    print(line, flush=True)


if __name__ == "__main__":
    main()
