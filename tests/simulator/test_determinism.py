from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecomlab.simulator import Plan, SimulatedRun, simulate, simulate_into
from ecomlab.simulator.graph import Day, Mechanism, mechanism
from ecomlab.simulator.loop import MECHANISMS, run_days
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.scenario import load_scenario
from ecomlab.simulator.tables import Recorder
from ecomlab.simulator.world import build_world
from ecomlab.store.sealing import open_truth

# The identity of the preset `tiny`. A change here is a new edition of the simulated data:
# say so in the changelog, and make the ready stores again.
TINY = "9a4f313ff94eb03030d4617cb2dd99b4a5bf286a4adf55a80603c3e7611454c7"

DATED = ("calendar", "prices", "competitor_prices", "ad_daily", "seo_daily", "creator_posts",
         "email_sends", "sessions", "orders", "returns", "reviews", "plan_log",
         "costs_daily")  # fmt: skip


def identity(run: SimulatedRun) -> str:
    hashes = {name: about["sha256"] for name, about in run.store.manifest.tables.items()}
    return hashlib.sha256(
        json.dumps({**hashes, "truth": run.truth.hash}, sort_keys=True).encode()
    ).hexdigest()


def test_the_tiny_store_is_the_one_it_has_always_been():
    assert identity(simulate("tiny")) == TINY


def test_other_processes_hash_seeds_and_threads_give_the_same_bytes(tmp_path):
    script = (
        "import sys; from ecomlab.simulator import simulate;"
        "simulate('tiny', seed=11, people=500, days=60).save(sys.argv[1])"
    )
    contents = []
    for hash_seed, threads in (("0", "1"), ("4242", "2"), ("random", "4")):
        folder = tmp_path / hash_seed / "store"
        settings = {
            "PYTHONHASHSEED": hash_seed,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "TZ": "Asia/Tokyo" if threads == "4" else "UTC",
            "LC_ALL": "C",
        }
        subprocess.run(
            [sys.executable, "-c", script, str(folder)], check=True, env={**os.environ, **settings}
        )
        contents.append(
            {
                str(file.relative_to(folder.parent)): hashlib.sha256(file.read_bytes()).hexdigest()
                for file in sorted(folder.parent.rglob("*"))
                if file.is_file()
            }
        )
    assert contents[0] == contents[1] == contents[2]
    assert "store.truth.zip" in contents[0]


def test_another_seed_gives_another_store(small):
    assert (
        not simulate("tiny", seed=8, days=182)
        .store.table("orders")
        .equals(small.store.table("orders"))
    )


@mechanism(writes=("weather",), streams=("weather", "weather.region"))
def rain(day: Day) -> None:
    """A mechanism that draws, for people and for regions."""
    day["weather"] = day.uniform("weather", day.world.people.ids).mean()
    day.uniform("weather.region", np.arange(5))


def tables_of(mechanisms: Sequence[Mechanism]) -> dict[str, pa.Table]:
    scenario, noise = load_scenario("tiny"), Noise(7)
    world = build_world(scenario, noise, people=900, days=90)
    recorder = Recorder(world, noise, None, 90)
    pieces: list[dict[str, pa.Table]] = []
    run_days(
        world, noise, None, 90, mechanisms=mechanisms,
        flush=lambda log: pieces.append(recorder.write(recorder.take(log))),
    )  # fmt: skip
    return {name: pa.concat_tables([p[name] for p in pieces]) for name in pieces[0]}


@pytest.mark.parametrize("place", [0, 8, len(MECHANISMS)])
def test_a_mechanism_more_leaves_every_other_draw_unchanged(place):
    one = tables_of(MECHANISMS)
    two = tables_of([*MECHANISMS[:place], rain, *MECHANISMS[place:]])
    assert one["orders"].num_rows > 20
    assert all(one[name].equals(two[name]) for name in one)


def test_the_size_of_blocks_and_pieces_changes_nothing(monkeypatch):
    whole = simulate("tiny", seed=7, people=900, days=120)
    monkeypatch.setattr("ecomlab.simulator.people._BLOCK", 1 << 7)
    monkeypatch.setattr("ecomlab.simulator.loop._FLUSH_VISITS", 500)
    pieces = simulate("tiny", seed=7, people=900, days=120)
    assert pieces.store.manifest.tables == whole.store.manifest.tables
    assert pieces.truth.hash == whole.truth.hash


def test_a_store_written_as_the_days_go_by_is_the_one_held_in_memory(tmp_path):
    held = simulate("tiny", seed=7, people=900, days=120)
    seen: list[tuple[int, int]] = []
    written = simulate_into(
        tmp_path / "shop", "tiny", 7, None, 900, 120,
        progress=lambda done, days: seen.append((done, days)),
    )  # fmt: skip
    assert written.manifest == held.store.manifest
    assert open_truth(tmp_path / "shop").hash == held.truth.hash
    assert seen[-1] == (120, 120)
    for name in held.store.tables:
        pd.testing.assert_frame_equal(written.table(name), held.store.table(name))


def until(run: SimulatedRun, last: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Tables with a date, up to a day; lines by their order's."""
    for name in DATED:
        frame = run.store.table(name)
        yield name, frame[frame["date"] <= last].reset_index(drop=True)
    orders = run.store.table("orders")
    lines = run.store.table("order_lines")
    kept = lines[lines["order_id"].isin(orders.loc[orders["date"] <= last, "order_id"])]
    yield "order_lines", kept.reset_index(drop=True)


def same_until(one: SimulatedRun, other: SimulatedRun, last: str) -> None:
    for (name, left), (_, right) in zip(until(one, last), until(other, last), strict=True):
        pd.testing.assert_frame_equal(left, right, obj=name)
        assert len(left), name


def test_the_first_days_do_not_depend_on_how_many_follow(small):
    longer = simulate("tiny", seed=7, days=400)
    same_until(small, longer, small.store.manifest.last_day)
    day = small.truth["truth_day"]
    pd.testing.assert_frame_equal(day, longer.truth["truth_day"].head(len(day)))


def test_history_before_a_plan_does_not_depend_on_it(small):
    plan = Plan(
        start="2024-05-01", budgets={"paid_search": 0, "email": 3}, prices={"home": 1.2},
        discounts=0,
    )  # fmt: skip
    planned = simulate("tiny", seed=7, days=182, plan=plan)
    same_until(small, planned, "2024-04-30")
    later = [run.store.query("SELECT sum(amount) a FROM orders").a[0] for run in (small, planned)]
    assert later[0] != later[1]


def test_the_same_person_and_day_has_the_same_ids_under_another_plan(small):
    planned = simulate("tiny", seed=7, days=182, plan=Plan(discounts=0.5))
    one, two = small.store.table("orders"), planned.store.table("orders")
    both = one.merge(two, on="order_id", suffixes=("", "_planned"))
    assert len(both) > 0.7 * len(one)
    assert (both["ordered_at"] == both["ordered_at_planned"]).all()
    assert both["customer_id"].equals(both["customer_id_planned"])
