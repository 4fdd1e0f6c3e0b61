"""Compare expected mode with sampled runs; write docs/simulator/expected.md's tables and .csv.

``python benchmarks/compare_expected.py [--runs N] [--people N] [--days N]`` simulates as many
worlds as runs, one seed each, with operations and without, and expects each of them.
``python scripts/draw_simulator.py expected`` then draws the picture.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ecomlab.simulator import Scenario, expect, load_scenario, simulate
from ecomlab.store.store import Store

PAGE = Path(__file__).resolve().parents[1] / "docs" / "simulator" / "expected.md"
DRAWS = PAGE.with_suffix(".csv")
SURE = 3.0  # standard errors within which a line is to lie
_TABLES = re.compile(r"(?<=<!-- expected -->\n).*?(?=<!-- end of expected -->)", re.S)
_LINES = """
    SELECT count(*) AS orders, sum(amount) AS sales, sum(discount_amount) AS discounts,
           sum(shipping_fee) AS shipping_fee, sum(amount) + sum(shipping_fee) AS revenue
    FROM orders WHERE payment_status = 'paid'"""
_GOODS = """
    SELECT sum(units) AS units, sum(units * price) AS gross, -sum(units * unit_cost) AS goods
    FROM order_lines JOIN orders USING (order_id) WHERE payment_status = 'paid'"""
_BACK = "SELECT -sum(refund_amount) AS refunds, sum(resale_value) AS resale FROM returns"


def books_of(store: Store) -> pd.Series:
    """Return counts and the lines of the books of a store's period, costs negative."""
    found = {"sessions": float(len(store.arrow("sessions")))}
    for sql in (_LINES, _GOODS, _BACK):
        found |= store.query(sql).iloc[0].fillna(0.0).astype(float).to_dict()
    costs = store.table("costs_daily").drop(columns="date").astype(float).sum()
    found |= (-costs).to_dict()
    lines = ("revenue", "goods", "refunds", "resale", *costs.index)
    found["profit"] = sum(found[name] for name in lines)
    return pd.Series(found)


def compare(law: Scenario, runs: int, people: int, days: int) -> tuple[pd.DataFrame, list[float]]:
    """Return a row a seed and line, sampled and expected, and CPU-seconds of a run of each."""
    rows, spent = [], [0.0, 0.0]
    expect(law, 0, people=people, days=30), simulate(law, 0, people=people, days=30)
    for seed in range(1, runs + 1):
        begun = time.process_time()
        store = simulate(law, seed, people=people, days=days).store
        middle = time.process_time()
        told = expect(law, seed, people=people, days=days).lines()
        spent = [spent[0] + middle - begun, spent[1] + time.process_time() - middle]
        drawn = books_of(store)
        rows += [(seed, name, drawn[name], told[name]) for name in told.index if name in drawn]
    frame = pd.DataFrame(rows, columns=["seed", "line", "sampled", "expected"])
    return frame, [one / runs for one in spent]


def summarise(draws: pd.DataFrame) -> pd.DataFrame:
    """Return a row a line: means, standard error of the mean difference, and the deviation."""
    found = []
    for name, some in draws.groupby("line", sort=False):
        gap, mean = some["expected"] - some["sampled"], some["sampled"].mean()
        error = gap.std(ddof=1) / np.sqrt(len(gap))
        if mean:
            found.append((name, mean, some["expected"].mean(), error, gap.mean()))
    table = pd.DataFrame(found, columns=["line", "sampled", "expected", "error", "gap"])
    return table.assign(share=table["gap"] / table["sampled"].abs(),
                        errors=table["gap"] / table["error"].where(table["error"] > 0))  # fmt: skip


def race(people: int, days: int) -> str:
    """Return the sentence that tells what a large shop takes, sampled and expected."""
    law, spent, cells = load_scenario("west_d2c"), [], 0
    for live in (simulate, expect):
        live(law, 7, people=300, days=30)
        begun = time.process_time()
        found = live(law, 7, people=people, days=days)
        spent.append(time.process_time() - begun)
        cells = getattr(found, "cells", cells)
    return (f"Of `west_d2c` with {people:,} people and {days} days, where {cells:,} people "
            f"stand for all, a sampled run took {spent[0]:.1f} CPU-seconds and expected mode "
            f"{spent[1]:.1f}.")  # fmt: skip


def stand_in(people: int, days: int) -> str:
    """Return the sentence that tells by how much a few who stand for all are off."""
    off = []
    for seed in (1, 2, 3):
        some = expect("west_d2c", seed, people=people, days=days).lines()
        all_of_them = expect("west_d2c", seed, people=people, days=days, cells=people).lines()
        off.append(
            (some / all_of_them.where(all_of_them != 0) - 1)[["sessions", "orders", "sales"]]
        )
    told = pd.DataFrame(off).abs().max()
    return (f"Of {people:,} people, those who stand for all moved visits by up to "
            f"{told['sessions']:.1%}, orders by {told['orders']:.1%} and sales by "
            f"{told['sales']:.1%} in three worlds of {days} days.")  # fmt: skip


def as_table(table: pd.DataFrame) -> str:
    """Return the summary as a table of the page."""
    rows = ["| line | mean of the runs | expected mode | standard error | off by | in s.e. |",
            "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for one in table.itertuples():
        errors = "–" if np.isnan(one.errors) else f"{one.errors:+.1f}"
        rows.append(f"| {one.line} | {one.sampled:,.1f} | {one.expected:,.1f} | {one.error:,.2f} | "
                    f"{per_cent(one.share)} | {errors} |")  # fmt: skip
    return "\n".join(rows)


def per_cent(share: float) -> str:
    """Return a deviation in per cent, with as many decimals as show it."""
    return f"{share:+.2%}" if abs(share) >= 0.0001 or not share else f"{share:+.4%}"


def verdict(table: pd.DataFrame, runs: int) -> str:
    """Return the sentence that tells which lines agree."""
    known = table[table["errors"].notna()]
    off = known[known["errors"].abs() > SURE]
    text = (f"{len(known) - len(off)} of the {len(known)} lines that luck moves lie within "
            f"{SURE:g} standard errors of the mean of {runs} runs")  # fmt: skip
    if off.empty:
        return f"{text}."
    told = ", ".join(f"{one.line} by {per_cent(one.share)}" for one in off.itertuples())
    return f"{text}; not {told}."


def main() -> None:
    """Compare, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--people", type=int, default=2500)
    parser.add_argument("--days", type=int, default=120)
    asked = parser.parse_args()
    tiny, parts, draws = load_scenario("tiny"), [], []
    for title, law in (("without operations", tiny.without_operations()),
                       ("with operations", tiny)):  # fmt: skip
        frame, spent = compare(law, asked.runs, asked.people, asked.days)
        table = summarise(frame)
        draws.append(table.assign(world=title, runs=asked.runs))
        parts += [
            f"`tiny` {title}, {asked.people:,} people, {asked.days} days, seeds 1 to "
            f"{asked.runs}: each seed's world once sampled and once expected. "
            f"{verdict(table, asked.runs)} A sampled run took {spent[0]:.2f} CPU-seconds, expected "
            f"mode {spent[1]:.2f}.", "", as_table(table), "",
        ]  # fmt: skip
        print("\n".join(parts[-4:]))
    parts += [f"{race(100_000, 365)} {stand_in(20_000, 182)}", ""]
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLES.sub(lambda _: "\n".join(parts), text), encoding="utf-8")
    pd.concat(draws).round(6).to_csv(DRAWS, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
