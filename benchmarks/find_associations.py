"""Rules of who buys what together, side by side with mlxtend's fpgrowth, on the same baskets.

``python benchmarks/find_associations.py LINES [--peer PYTHON] [--support S …] [--pairs N]
[--page FILE]`` reads a Parquet file of order lines (the Online Retail log: 541,909 lines; its
``InvoiceNo`` and ``StockCode``, or ``order_id`` and ``sku``), gives both the same lines, in turns,
each in a process of its own with one thread, and prints medians of the CPU time of the whole way
from lines to rules, reading the file and imports apart, and whether the rules are the same. With
``drawn:100000`` for LINES so many orders are drawn. ``--page`` puts the table on a page, in place
of an earlier one. mlxtend is no requirement of ecomlab: ``--peer`` is the Python of an environment
that has it (``pip install mlxtend pyarrow``). Goal: at most 0.20 of mlxtend's CPU time; aim: 0.10.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

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


def draw_lines(orders: int, *, products: int = 400, pairs: int = 40) -> pd.DataFrame:
    """Draw order lines: four or so products an order, popular ones oftener, some go together."""
    rng = np.random.default_rng(1)
    size = 1 + rng.poisson(3, orders)
    share = 1 / np.arange(1, products + 1) ** 0.8
    item = rng.choice(products, size.sum(), p=share / share.sum())
    order = np.repeat(np.arange(orders), size)
    joins = (item < 2 * pairs) & (item % 2 == 0) & (rng.random(len(item)) < 0.3)
    lines = pd.DataFrame({"order_id": np.r_[order, order[joins]],
                          "item": np.r_[item, item[joins] + 1]})  # fmt: skip
    return lines.assign(item=lines["item"].map("SKU-{:03d}".format))


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
    reader.add_argument("lines", help="Parquet file of order lines, or drawn:N")
    reader.add_argument("--peer", default=sys.executable, help="a Python that has mlxtend")
    reader.add_argument("--support", type=float, nargs="+", default=[0.02, 0.01, 0.005])
    reader.add_argument("--pairs", type=int, default=5)
    reader.add_argument("--page", type=Path, help="page that gets the table")
    asked = reader.parse_args()
    if not (peer := has_peer(asked.peer)):
        print(f"{asked.peer} has no mlxtend: ours alone (pip install mlxtend pyarrow, --peer).")
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(asked.lines)
        if asked.lines.startswith("drawn:"):
            lines = Path(folder) / "lines.parquet"
            draw_lines(int(asked.lines.removeprefix("drawn:"))).to_parquet(lines)
        if not lines.is_file():
            raise SystemExit(f"{lines} is not there: nothing was measured. See docs/importing.md.")
        rows = [compare(lines.resolve(), support, asked, peer) for support in asked.support]
    table = "\n".join(
        f"| {' | '.join(cells)} |" for cells in (rows[0], ["---"] * len(rows[0]),
                                                 *(row.values() for row in rows))
    )  # fmt: skip
    print(table, flush=True)
    if asked.page is not None:
        write_on(asked.page, Path(asked.lines).name, table, asked)


def compare(lines: Path, support: float, asked: argparse.Namespace, peer: bool) -> dict[str, str]:
    """Run both in turns; return a row of the table."""
    ours, theirs = [], []
    for _ in range(asked.pairs):
        ours.append(run(sys.executable, OURS, lines, support))
        if peer:
            theirs.append(run(asked.peer, THEIRS, lines, support))
    return show(support, ours, theirs)


def show(
    support: float, ours: list[dict[str, float]], theirs: list[dict[str, float]]
) -> dict[str, str]:
    """Return the medians, and the median and range of the ratios of the pairs."""
    mine = statistics.median(one["cpu"] for one in ours)
    row = {
        "support": f"{support:g}",
        "rules": f"{ours[0]['rules']:,}",
        "ours [CPU s]": f"{mine:.3f}",
    }
    for name, label in (("cpu", "mlxtend"), ("mining", "its mining alone")):
        if theirs:
            ratio = sorted(a["cpu"] / b[name] for a, b in zip(ours, theirs, strict=True))
            row[f"{label} [CPU s]"] = f"{statistics.median(one[name] for one in theirs):.2f}"
            row[f"ratio to {label}" if name == "cpu" else "ratio to that"] = (
                f"{statistics.median(ratio):.3f} ({ratio[0]:.3f} to {ratio[-1]:.3f})"
            )
    row["peak MB"] = f"{statistics.median(one['peak'] for one in ours):.0f}"
    if theirs:
        row["its"] = f"{statistics.median(one['peak'] for one in theirs):.0f}"
        row["same"] = "yes" if len({one["digest"] for one in (*ours, *theirs)}) == 1 else "NO"
    return row


def write_on(page: Path, name: str, table: str, asked: argparse.Namespace) -> None:
    """Put the table on a page, in place of an earlier one of the same lines."""
    start, end = f"<!-- find_associations {name} -->", f"<!-- end of {name} -->"
    tried = " ".join(f"{support:g}" for support in asked.support)
    made = f"""{start}
`python benchmarks/find_associations.py {name} --support {tried} --pairs {asked.pairs}`,
numpy {version("numpy")}, pandas {version("pandas")}:

{table}
{end}"""
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    if start in text:
        text = text[: text.index(start)] + made + text[text.index(end) + len(end) :]
    else:
        text = f"{text.rstrip()}\n\n{made}\n"
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
