"""How much common random numbers sharpen the comparison of two plans.

``python benchmarks/compare_noise.py [--people N] [--days N] [--runs N]`` runs one world under the
status quo and under a plan, many times, and prints the variance of the profit difference with
independent noise over that with common noise. Goal: above 50. The more orders a plan touches,
and the dearer they are, the less the two worlds have in common.
"""

from __future__ import annotations

import argparse

import numpy as np

from ecomlab.simulator import Plan, load_scenario
from ecomlab.simulator.loop import Log, run_days
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.world import World, build_world

PLANS = {
    "search budget -30 %": Plan(budgets={"paid_search": 0.7}),
    **{
        f"{category} prices +5 %": Plan(prices={category: 1.05})
        for category in ("apparel", "shoes", "home", "beauty", "toys")
    },
    "late share 7 -> 3 %": Plan(promise=0.99),
    "reorder point +30 %": Plan(reorder={"all": 1.3}),
}


def profit_of(world: World, seed: int, plan: Plan | None, days: int) -> float:
    """Return sales less goods, media and parcels [currency]: the luck of a seed, one world."""
    total = 0.0

    def add(log: Log) -> None:
        nonlocal total
        paid = log.join("payment") == PAID
        lines = paid[log.join_positions("line_order", "buyers")]
        goods = (log.join("line_units") * log.join("line_cost_cents") * lines).sum()
        sales = (log.join("order_cents") * paid).sum()
        total += (sales - goods - log.stack("paid_cents").sum()) / 100
        total -= (log.join("parcel_cents") * paid).sum() / 100
        total -= sum(log.values["holding_cents"]) / 100

    run_days(world, Noise(seed), plan, days, flush=add)
    return total


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--runs", type=int, default=24)
    asked = parser.parse_args()
    world = build_world(load_scenario("west_d2c"), Noise(7), people=asked.people, days=asked.days)
    base = [profit_of(world, 100 + s, None, asked.days) for s in range(asked.runs)]
    print(f"{asked.people:,} people, {asked.days} days, {asked.runs} runs of each")
    print(f"{'plan':<22}{'mean':>9}{'sd common':>12}{'sd independent':>16}{'variance ratio':>16}")
    for name, plan in PLANS.items():
        there = [profit_of(world, 100 + s, plan, asked.days) for s in range(asked.runs)]
        common = np.array(there) - np.array(base)
        apart = np.array(there) - np.roll(base, 1)
        ratio = apart.var(ddof=1) / common.var(ddof=1)
        print(
            f"{name:<22}{common.mean():>9,.0f}{common.std(ddof=1):>12,.0f}"
            f"{apart.std(ddof=1):>16,.0f}{ratio:>16.0f}"
        )


if __name__ == "__main__":
    main()
