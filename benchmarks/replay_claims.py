"""Replay the seven claims between simulated worlds; write docs/claims.md.

``python benchmarks/replay_claims.py [--seeds N] [--people N]`` lives every world of every claim
under each seed. Without options it does so for 12 seeds and 20,000 people, as the page says.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pandas as pd

from ecomlab.simulator.claims import Claim, Replay, load_claims, replay_claim

PAGE = Path(__file__).resolve().parents[1] / "docs" / "claims.md"
_TABLES = re.compile(r"(?<=<!-- claims -->\n).*?(?=<!-- end of claims -->)", re.S)


def number(value: float) -> str:
    """Write a number with as many digits as it is worth."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return (
        f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
        if abs(value) >= 1
        else f"{value:.4f}"
    )


def verdicts(replays: dict[str, Replay]) -> str:
    """Return one row a claim: what it says, and whether the worlds bear it out."""
    rows = ["| claim | what it says | verdict | effect on profit |", "|---|---|---|---|"]
    for name, replay in replays.items():
        told = replay.table.query("outcome == 'profit'").iloc[0]
        money = f"{number(told['mean'])} ({number(told['low'])} to {number(told['high'])})"
        rows.append(f"| {name} | {load_claims()[name].claim} | {replay.verdict} | {money} |")
    return "\n".join(rows)


def worlds(claim: Claim) -> str:
    """Return the worlds of a claim as a list."""
    rows = []
    for name, world in claim.worlds.items():
        told = []
        if world.plan is not None:
            told.append(f"plan `{world.plan.to_dict()}`")
        told += [
            f"incident `{one.parameter} {one.op} {one.value:g}`"
            f"{f' of {dict(one.scope)}' if one.scope else ''}, {one.start}, {one.days} days"
            for one in world.incidents
        ]
        rows.append(f"- **{name}**: {'; '.join(told) or 'the status quo'}")
    return "\n".join(rows)


def effects(table: pd.DataFrame) -> str:
    """Return the effects with their intervals as a table."""
    rows = [
        "| effect | outcome | mean | 95 % interval | the claim wants |",
        "|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        wants = f"{row.expected}, {'holds' if row.holds else 'does not hold'}"
        rows.append(
            f"| {row.effect} | {row.outcome} [{row.unit}] | {number(row.mean)} | "
            f"{number(row.low)} to {number(row.high)} | {wants if row.expected else ''} |"
        )
    return "\n".join(rows)


def section(name: str, replay: Replay) -> str:
    """Return the section of a claim."""
    claim = load_claims()[name]
    changed = f" The scenario is changed: `{dict(claim.changes)}`." if claim.changes else ""
    return "\n".join([
        f"### {name}", "", f"*{claim.claim}*", "", worlds(claim), "",
        f"`{claim.preset}`, from {claim.start} for {claim.days} days.{changed} {replay.verdict}",
        "", effects(replay.table), "",
    ])  # fmt: skip


def main() -> None:
    """Replay, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--people", type=int, default=None)
    asked = parser.parse_args()
    replays = {}
    for name in load_claims():
        seeds = range(1, asked.seeds + 1)
        replays[name] = replay_claim(name, tuple(seeds), people=asked.people)
        print(replays[name], flush=True)
    size = next(iter(replays.values())).people
    stated = f"Seeds 1 to {asked.seeds}, {size:,} people a world."
    parts = [stated, "", verdicts(replays), "", *(section(n, r) for n, r in replays.items())]
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLES.sub(lambda _: "\n".join(parts) + "\n", text), encoding="utf-8")


if __name__ == "__main__":
    main()
