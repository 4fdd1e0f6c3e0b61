"""How much common random numbers sharpen the comparison of two plans.

``python benchmarks/compare_noise.py [--people N] [--days N] [--runs N]`` runs one world under the
status quo and under a plan, many times, and prints the variance of the profit difference with
independent noise over that with common noise, with an interval of 90 % (bootstrap over runs): for
the world of demand alone, and with operations. Goal: above 50. The more orders a plan touches,
and the dearer they are, the less the two worlds have in common; where goods run out, an order
more or less touches others.
"""

from __future__ import annotations

import argparse

import numpy as np

from ecomlab.simulator import Plan, load_scenario
from ecomlab.simulator.loop import Log, run_days
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.world import World, build_world

DEMAND = {
    "search budget -30 %": Plan(budgets={"paid_search": 0.7}),
    **{
        f"{category} prices +5 %": Plan(prices={category: 1.05})
        for category in ("apparel", "shoes", "home", "beauty", "toys")
    },
}
OPERATIONS = {
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
        total -= sum(log.values("holding_cents")) / 100

    run_days(world, Noise(seed), plan, days, flush=add)
    return total


def ratio_of(base: np.ndarray, there: np.ndarray) -> float:
    """Return the variance of a difference of independent runs over that of runs side by side."""
    return float((base.var(ddof=1) + there.var(ddof=1)) / (there - base).var(ddof=1))


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--runs", type=int, default=40)
    asked = parser.parse_args()
    whole, again = load_scenario("west_d2c"), np.random.default_rng(7)
    picks = again.integers(0, asked.runs, (2000, asked.runs))
    print(f"{asked.people:,} people, {asked.days} days, {asked.runs} runs of each")
    for title, scenario, plans in (
        ("demand alone", whole.without_operations(), DEMAND),
        ("with operations", whole, DEMAND | OPERATIONS),
    ):
        world = build_world(scenario, Noise(7), people=asked.people, days=asked.days)
        runs = {
            name: np.array([profit_of(world, 100 + s, plan, asked.days) for s in range(asked.runs)])
            for name, plan in {"status quo": None, **plans}.items()
        }
        base = runs.pop("status quo")
        print(f"{title:<22}{'mean':>9}{'sd common':>12}{'variance ratio':>16}{'90 %':>12}")
        for name, there in runs.items():
            drawn = [ratio_of(base[at], there[at]) for at in picks if len(set(at)) > 1]
            low, high = np.percentile(drawn, [5, 95])
            gain = there - base
            print(
                f"{name:<22}{gain.mean():>9,.0f}{gain.std(ddof=1):>12,.0f}"
                f"{ratio_of(base, there):>16.0f}{f'{low:.0f} to {high:.0f}':>12}"
            )


if __name__ == "__main__":
    main()
