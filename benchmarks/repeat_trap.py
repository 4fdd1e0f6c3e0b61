"""One trap's way out over many worlds: is what one world shows bias, or luck?

``python benchmarks/repeat_trap.py email [--runs N] [--people N]`` prints the way out less the
truth, in each world and as the mean with its standard error. Half a minute a world. For traps
whose truth and way out need one run of the status quo alone: email and reviews.
"""

from __future__ import annotations

import argparse

import numpy as np

from ecomlab.simulator import load_scenario, simulate
from ecomlab.simulator.traps import TRAPS


def main() -> None:
    """Print the errors of the way out, world by world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trap", choices=["email", "reviews"])
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--people", type=int, default=300_000)
    asked = parser.parse_args()
    world, trap = load_scenario("west_d2c").without_operations(), TRAPS[asked.trap]
    errors, own = [], []
    for seed in range(20, 20 + asked.runs):
        run = simulate(world, seed, people=asked.people, days=728)
        truth, found = trap.truth(run, run), trap.way_out(run.store)
        errors.append((found.value - truth) / truth)
        own.append(found.se / truth)
        print(f"seed {seed}: {errors[-1]:+.1%} (s.e. {own[-1]:.1%})", flush=True)
    error = np.sqrt(np.square(own).sum()) / len(own)
    print(f"mean of {asked.runs} worlds: {np.mean(errors):+.1%} (s.e. {error:.1%})")


if __name__ == "__main__":
    main()
