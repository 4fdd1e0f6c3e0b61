"""Markov attribution of a million paths: exact here, simulated by ChannelAttribution.

``python benchmarks/attribute_paths.py [--peer PYTHON] [--paths N] [--runs N] [--store DIR]`` takes
turns, each side in a process of its own with one thread, and prints median CPU seconds of the call
alone and how far the peer's answer is from the exact one. Both get the same paths twice: one row a
journey, and equal paths added up, as ``collect_paths`` returns them. The journeys are random ones
over twelve channels, or drawn from those of a store. ``PYTHON`` is the interpreter of an
environment with ChannelAttribution (GPL, so never in ours), which simulates until its answer
settles within the share that is asked for (5 % is its default); without it, a stand-in of our own
simulates as many journeys as there are, in plain numpy. Goal: at most 0.10 of the peer.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
OURS = """
import gc, json, pickle, sys, time
import scipy.sparse.linalg
from ecomlab.analysis.marketing import attribute_paths
paths = pickle.load(open(sys.argv[1], "rb"))
gc.collect()  # of the loading, not of the call
start = time.process_time()
table = attribute_paths(paths, method="markov").table
print(json.dumps({"cpu": time.process_time() - start,
                  "conversions": dict(zip(table["channel"], table["conversions"]))}))
"""
PEER = """
import contextlib, gc, io, json, pickle, sys, time
import pandas as pd
with contextlib.redirect_stdout(io.StringIO()):
    import ChannelAttribution as peer
    paths = pd.DataFrame(pickle.load(open(sys.argv[2], "rb")))
    gc.collect()
    start = time.process_time()
    found = peer.markov_model(paths, "path", "conversions", var_value="value", var_null="nulls",
                              conv_par=float(sys.argv[3]), verbose=False, flg_pro=False)
    spent = time.process_time() - start
print(json.dumps({"cpu": spent, "conversions": dict(zip(found["channel_name"],
                                                        found["total_conversions"]))}))
"""
STAND_IN = """
import gc, json, pickle, sys, time
import numpy as np
from ecomlab.analysis.marketing.chain import build_chain
from ecomlab.analysis.marketing.paths import code_paths
paths = pickle.load(open(sys.argv[1], "rb"))
gc.collect()  # of the loading, not of the call
start = time.process_time()
coded = code_paths(paths)
chain = build_chain(coded)
size, rng = len(chain.begin), np.random.default_rng(0)
moves = np.column_stack([chain.moves.toarray(), chain.convert]).cumsum(axis=1)
count = int(coded.numbers[:, [0, 2]].sum())
here = rng.choice(size, count, p=chain.begin)
seen, won = np.zeros((count, size), dtype=bool), np.zeros(count, dtype=bool)
alive = np.arange(count)
while len(alive):
    seen[alive, here] = True
    there = (rng.random(len(alive))[:, None] > moves[here]).sum(axis=1)
    won[alive[there == size]] = True
    kept = there < size
    alive, here = alive[kept], there[kept]
effect = seen[won].mean(axis=0)[chain.visits.argmax(axis=1).argsort()]
credit = effect / effect.sum() * coded.numbers[:, 0].sum()
print(json.dumps({"cpu": time.process_time() - start,
                  "conversions": dict(zip(coded.channels, credit))}))
"""


def make_paths(count: int) -> pd.DataFrame:
    """Draw journeys over twelve channels, four touches long on average."""
    rng = np.random.default_rng(0)
    names = [f"c{i:02d}" for i in range(12)]
    lengths = rng.geometric(0.25, count)
    touches = [names[i] for i in rng.choice(12, lengths.sum(), p=np.arange(1, 13) / 78)]
    ends = np.cumsum(lengths)
    paths = [tuple(touches[a:b]) for a, b in zip(ends - lengths, ends, strict=True)]
    won = (rng.random(count) < 0.1).astype(int)
    return pd.DataFrame({"path": paths, "conversions": won, "value": 50.0 * won, "nulls": 1 - won})


def draw_paths(store: Path, count: int) -> pd.DataFrame:
    """Draw journeys from those of a store, with replacement."""
    from ecomlab.analysis.marketing import collect_paths

    orders = pd.read_parquet(store / "orders.parquet").query("payment_status == 'paid'")
    visits = pd.read_parquet(store / "sessions.parquet").merge(
        orders[["order_id", "amount"]], on="order_id", how="left"
    )
    found = collect_paths(visits)
    journeys = (found["conversions"] + found["nulls"]).to_numpy()
    rng = np.random.default_rng(0)
    at = rng.choice(len(found), count, p=journeys / journeys.sum())
    won = rng.random(count) < (found["conversions"] / journeys).to_numpy()[at]
    each = (found["value"] / found["conversions"].clip(lower=1)).to_numpy()
    value = np.where(won, each[at], 0.0)
    return pd.DataFrame({"path": found["path"].to_numpy()[at], "conversions": won.astype(int),
                         "value": value, "nulls": (~won).astype(int)})  # fmt: skip


def run(python: str, code: str, *given: str) -> dict[str, Any]:
    """Run one side in a new process."""
    done = subprocess.run([python, "-c", code, *given], env={**os.environ, **ONE_THREAD},
                          capture_output=True, text=True, check=True)  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="interpreter of an environment with ChannelAttribution")
    parser.add_argument("--paths", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--store", type=Path, help="folder of a store to draw journeys from")
    asked = parser.parse_args()
    single = draw_paths(asked.store, asked.paths) if asked.store else make_paths(asked.paths)
    added = single.groupby("path", as_index=False, sort=False).sum()
    for title, paths in (("one row a journey", single), ("equal paths added up", added)):
        print(f"{title}: {len(paths):,} rows")
        compare(paths, asked.peer, asked.runs)


def compare(paths: pd.DataFrame, peer: str | None, runs: int) -> None:
    """Run the sides in turns and print what they took."""
    with tempfile.TemporaryDirectory() as place:
        ours, theirs = Path(place) / "tuples.pickle", Path(place) / "texts.pickle"
        ours.write_bytes(pickle.dumps(paths))
        texts = {name: paths[name].tolist() for name in ("conversions", "value", "nulls")}
        theirs.write_bytes(pickle.dumps({"path": [" > ".join(p) for p in paths["path"]], **texts}))
        given = (str(ours), str(theirs))
        sides: dict[str, tuple[str, ...]] = {"ecomlab, exact": (sys.executable, OURS, *given)}
        if peer:
            for share in ("0.05", "0.01"):
                name = f"ChannelAttribution, to {float(share):.1%}"
                sides[name] = (peer, PEER, *given, share)
        else:
            sides["stand-in, simulated"] = (sys.executable, STAND_IN, *given)
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
        for _ in range(runs):
            for name, side in sides.items():
                found[name].append(run(*side))
    report(found)


def report(found: dict[str, list[dict[str, Any]]]) -> None:
    """Print CPU seconds, our share of them, and the largest deviation from the exact credit."""
    exact = found["ecomlab, exact"][0]["conversions"]
    usual = statistics.median(one["cpu"] for one in found["ecomlab, exact"])
    print(f"{'side':<32}{'CPU s':>8}{'ours over it':>14}{'largest error':>15}")
    for name, runs in found.items():
        cpu = statistics.median(one["cpu"] for one in runs)
        off = max(abs(credit / exact[c] - 1) for c, credit in runs[0]["conversions"].items())
        print(f"{name:<32}{cpu:>8.3f}{usual / cpu:>14.4f}{off:>15.2%}")


if __name__ == "__main__":
    main()
