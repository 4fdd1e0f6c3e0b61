"""Find the oracle of a quarter; write its tables to docs/simulator/oracle.md, its draws beside.

``python benchmarks/find_oracle.py [--people N] [--seeds N]`` lives half a year of ``west_d2c`` and
searches the quarter after it. ``python scripts/draw_simulator.py ladder`` then draws the picture.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import pandas as pd

from ecomlab.simulator import simulate
from ecomlab.simulator.oracle import Oracle, find_oracle

PAGE = Path(__file__).resolve().parents[1] / "docs" / "simulator" / "oracle.md"
DRAWS = PAGE.with_suffix(".csv")
SEED, DAYS = 7, 182
_TABLES = re.compile(r"(?<=<!-- oracle -->\n).*?(?=<!-- end of oracle -->)", re.S)


def as_table(frame: pd.DataFrame) -> str:
    """Return a frame as a table of a page."""
    rows = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def ladder(found: Oracle) -> str:
    """Return the rungs: what each earns over the status quo, and how often luck lets it win."""
    table = found.table
    return as_table(pd.DataFrame({
        "rung": table["rung"],
        "gain over the status quo [USD]": table["gain"].map("{:,.0f}".format),
        "95 % interval": [f"{a:,.0f} to {b:,.0f}" for a, b in zip(table["low"], table["high"],
                                                                  strict=True)],
        "grade": table["grade"].map("{:.2f}".format),
        "wins by realised profit": table["wins"].map("{:.0%}".format),
    }))  # fmt: skip


def levers(found: Oracle) -> str:
    """Return each lever with its bounds and its place on each rung."""
    shown = found.levers.drop(columns=["usual"]).set_index("lever")
    return as_table(shown.map("{:.3g}".format).reset_index())


def main() -> None:
    """Search, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args()
    eve = simulate("west_d2c", SEED, people=asked.people, days=DAYS)
    wall, spent = time.perf_counter(), time.process_time()
    found = find_oracle(eve, seeds=asked.seeds, progress=print)
    wall, spent = time.perf_counter() - wall, time.process_time() - spent
    print(found, f"{wall:.0f} s, {spent:.0f} CPU-seconds")
    low = found.draws.pivot(index="seed", columns="rung", values="expected")
    always = int((low["oracle"] > low["status quo"]).sum())
    gaps = found.gaps.assign(worth=found.gaps["worth"].map("{:,.0f}".format))
    parts = [
        f"`west_d2c`, seed {SEED}, {asked.people:,} people: the 91 days after the first {DAYS}. "
        f"Plan space: {found.space}.", "",
        ladder(found), "",
        f"The oracle earns more than the status quo on {always} of {asked.seeds} fresh seeds "
        f"(expected profit). Its optimism, what it promised on the training seeds over what it "
        f"kept on fresh ones, is {found.optimism:+.1%} of the gain. {found.evaluations} quarters "
        f"were lived for it, in {spent:.0f} CPU-seconds.", "",
        *(f"- {one}" for one in found.caveats), "",
        "Places of the levers, multiples of the status quo (`promise` is a quantile):", "",
        levers(found), "",
        "What the oracle loses where levers stay at their usual place:", "",
        as_table(gaps.rename(columns={"worth": "worth [USD]"})), "",
    ]  # fmt: skip
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLES.sub(lambda _: "\n".join(parts) + "\n", text), encoding="utf-8")
    found.draws.round(2).to_csv(DRAWS, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
