"""A store lives on from its checkpoint as if it had been simulated in one go."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO

import numpy as np
import pytest

from ecomlab.simulator import (
    Plan,
    PlanError,
    SimulatedRun,
    advance,
    load_scenario,
    simulate,
    simulate_into,
)
from ecomlab.simulator.checkpoint import (
    Checkpoint,
    CheckpointError,
    checkpoint_file,
    open_checkpoint,
    pack,
    unpack,
)
from ecomlab.simulator.graph import Day
from ecomlab.simulator.loop import STATE
from ecomlab.store import open_store
from ecomlab.store.sealing import truth_file

OTHER = Plan(budgets={"email": 2.0}, discounts=0.5)
PEOPLE = {"tiny": 1200, "cn_platform": 700}


def started(plan: Plan | None, preset: str, day: int) -> Plan | None:
    first = load_scenario(preset).start + timedelta(days=day)
    return None if plan is None else plan.model_copy(update={"start": first})


def lived(preset: str, days: int, plan: Plan | None = None, seed: int = 7) -> SimulatedRun:
    return simulate(preset, seed, plan, PEOPLE[preset], days)


def same(one: SimulatedRun, other: SimulatedRun) -> None:
    tables = one.store.manifest.tables
    assert {n for n in tables if tables[n] != other.store.manifest.tables[n]} == set()
    assert one.truth.hash == other.truth.hash
    assert one.store.manifest == other.store.manifest
    assert one.checkpoint == other.checkpoint


@pytest.mark.parametrize(
    "preset, before, after, plan",
    [
        ("tiny", 100, 31, OTHER),
        ("tiny", 61, 44, None),
        ("cn_platform", 61, 44, OTHER),
        ("cn_platform", 80, 31, None),
    ],
)
def test_living_on_gives_what_one_long_run_gives(preset, before, after, plan):
    first = lived(preset, before)
    longer = advance(first, plan=plan, days=after)
    same(longer, lived(preset, before + after, started(plan, preset, before)))
    tables = longer.store
    late = tables.query(
        f"SELECT count(*) n FROM returns JOIN orders USING (order_id) "
        f"WHERE orders.date <= DATE '{first.store.manifest.last_day}' "
        f"AND returns.date > DATE '{first.store.manifest.last_day}'"
    )
    assert late["n"][0] > 0  # some returns were pending at the border


def test_a_store_on_the_disk_lives_on_from_its_checkpoint_alone(tmp_path, monkeypatch):
    store = lived("tiny", 75).save(tmp_path / "shop")
    lives = []
    steps = Day.__setitem__

    def count(day: Day, name: str, value: object) -> None:
        if name == "traffic":
            lives.append(day.index)
        steps(day, name, value)

    monkeypatch.setattr(Day, "__setitem__", count)
    longer = advance(store, days=20)
    assert lives == list(range(75, 95))
    monkeypatch.undo()
    same(longer, lived("tiny", 95))


def test_experiments_and_field_work_run_on_across_the_border():
    features = list(load_scenario("tiny").features)
    tests = [
        {"id": "badge", "kind": "feature", "what": features[0], "start": "2024-02-20", "days": 40},
        {"id": "mail", "kind": "holdout", "what": "email", "start": "2024-02-20", "days": 60},
        {"id": "ads", "kind": "geo", "what": "social", "start": "2024-02-20", "days": 60},
    ]
    asked = {"kind": "survey", "day": "2024-03-25", "respondents": 30, "panel": "customers"}
    plan = Plan.from_dict({"start": "2024-02-15", "experiments": tests, "research": [asked]})
    first = advance(advance(lived("tiny", 45), plan=plan, days=15), days=30)
    same(first, lived("tiny", 90, plan))


def test_quarters_may_follow_one_another_in_steps_of_any_length():
    run = lived("tiny", 30)
    for days in (1, 2, 3, 30):
        run = advance(run, days=days)
    same(run, lived("tiny", 66))


QUARTERS = (
    "budgets: {paid_search: 0.7, email: 1.5}",
    "prices: {home: 1.08}\ndiscounts: 0.6",
    "budgets: {social: 0}\nexperiments:\n"
    "  - {id: mail, kind: holdout, what: email, start: 2024-03-31, days: 60, share: 0.2}",
    "promotions: 1.5",
)


def test_four_quarters_are_replayed_from_their_plan_files(tmp_path):
    files = []
    for number, text in enumerate(QUARTERS, start=1):
        files.append(tmp_path / f"quarter{number}.yaml")
        files[-1].write_text(text, encoding="utf-8")

    def play(run: SimulatedRun) -> list[str]:
        marks = []
        for file in files:
            run = advance(run, plan=Plan.from_yaml(file), days=14)
            marks.append(run.store.manifest.to_json())
        return marks

    start = simulate("tiny", people=300, days=61)
    folder = tmp_path / "shop"
    store = start.save(folder)
    for file, mark in zip(files, play(start), strict=True):
        store = advance(store, plan=Plan.from_yaml(file), days=14).save(folder)
        assert store.manifest.to_json() == mark
    plans = store.manifest.origin["plan"]
    assert plans["start"] == "2024-04-13" and plans["before"]["experiments"][0]["id"] == "mail"
    same(advance(store, days=1), simulate("tiny", 7, Plan.from_dict(plans), 300, 118))


def test_a_run_that_was_killed_goes_on_from_its_last_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("ecomlab.simulator.loop._FLUSH_VISITS", 400)
    monkeypatch.setattr("ecomlab.simulator.run._MARK_EVERY", 0.0)
    asked = {"people": 500, "days": 60, "resume": True}
    seen: list[int] = []

    def stop(done: int, _: int) -> None:
        seen.append(done)
        if done > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_into(tmp_path / "shop", "tiny", progress=stop, **asked)
    assert not (tmp_path / "shop").exists() and (tmp_path / ".shop.resume").is_dir()
    again: list[int] = []
    store = simulate_into(
        tmp_path / "shop", "tiny", progress=lambda done, _: again.append(done), **asked
    )
    assert again[0] > seen[-1] and again[-1] == 60
    held = simulate("tiny", people=500, days=60)
    assert store.manifest == held.store.manifest
    assert checkpoint_file(tmp_path / "shop").read_bytes() == held.checkpoint.content
    assert not (tmp_path / ".shop.resume").exists()
    with pytest.raises(KeyboardInterrupt):
        simulate_into(tmp_path / "shop", "tiny", progress=stop, **asked)
    other = simulate_into(tmp_path / "shop", "tiny", 8, **asked)  # another run starts anew
    assert other.manifest == simulate("tiny", 8, people=500, days=60).store.manifest


def test_a_store_without_checkpoint_or_truth_lives_its_history_again(tmp_path):
    whole = lived("tiny", 60)
    for lost in (checkpoint_file, truth_file):
        store = lived("tiny", 40).save(tmp_path / "shop")
        lost(tmp_path / "shop").unlink()
        same(advance(store, days=20), whole)


def test_the_checkpoint_of_another_store_is_refused(tmp_path):
    store = lived("tiny", 40).save(tmp_path / "shop")
    lived("tiny", 40, seed=8).checkpoint.save(tmp_path / "shop")
    with pytest.raises(CheckpointError, match=r"not the checkpoint of store 'tiny demo'.*Delete"):
        advance(store, days=5)


def test_the_checkpoint_of_another_version_is_refused_with_a_remedy(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ecomlab.simulator.checkpoint.version", lambda _: "0.0.1")
        run = lived("tiny", 40)
    store = run.save(tmp_path / "shop")
    with pytest.raises(CheckpointError, match=r"made by ecomlab 0\.0\.1.*Delete the file"):
        advance(store, days=5)


def test_other_sources_of_the_same_version_live_the_history_again(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ecomlab.simulator.checkpoint._sources", lambda: "other")
        store = lived("tiny", 40).save(tmp_path / "shop")
    assert open_checkpoint(store) is None
    assert advance(store, days=5).store.manifest.origin["days"] == 45


def test_an_experiment_cannot_begin_in_the_past():
    test = {"id": "mail", "kind": "holdout", "what": "email", "start": "2024-01-20", "days": 60}
    plan = Plan.from_dict({"experiments": [test]})
    with pytest.raises(PlanError, match=r"experiments\.mail\.start: 2024-01-20"):
        advance(lived("tiny", 40), plan=plan, days=5)


def test_a_run_written_as_it_goes_has_the_checkpoint_of_the_run_in_memory(tmp_path):
    simulate_into(tmp_path / "shop", "tiny", people=400, days=50)
    held = simulate("tiny", people=400, days=50)
    assert checkpoint_file(tmp_path / "shop").read_bytes() == held.checkpoint.content
    assert open_checkpoint(open_store(tmp_path / "shop")) == held.checkpoint


def test_whatever_the_state_is_made_of_comes_back_as_it_was():
    value = {
        "numbers": (1, 2.5, float("inf"), True, None, "x"), 3: [np.float32(0.1), {"a": ()}],
        ("k", 1): np.arange(6).reshape(2, 3).T, "days": np.array(["2024-01-01"], "M8[D]"),
        "texts": np.array(["a", "bc"]),
    }  # fmt: skip
    arrays: list[np.ndarray] = []
    again = unpack(pack(value, arrays), dict(enumerate(arrays)))
    assert list(again) == list(value)
    assert again["numbers"] == value["numbers"] and again[3] == value[3]
    assert type(again[3][0]) is np.float32
    assert np.array_equal(again["k", 1], value["k", 1])


@pytest.mark.parametrize("bad", [{1, 2}, object(), np.array([None]), date(2024, 1, 1)])
def test_what_cannot_be_saved_is_named(bad):
    run = lived("tiny", 2)
    day = Day(None, None, ())  # type: ignore[arg-type]
    day.values = dict.fromkeys(STATE) | {STATE[0]: [bad]}
    with pytest.raises(TypeError, match=rf"day\.{STATE[0]}: .* cannot be saved"):
        Checkpoint.of(day, {}, days=run.checkpoint.days)


def test_every_state_and_every_memory_is_in_the_file():
    run = lived("tiny", 30)
    state = run.checkpoint.state()
    assert set(state["day"]) == set(STATE)
    assert {"pending", "customer_from", "costs", "met"} <= set(state["recorder"])
    assert {"_bought", "orders"} <= set(state["memory"])
    assert {"units", "slope"} <= set(state["teller"])
    with zipfile.ZipFile(BytesIO(run.checkpoint.content)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {2000}
        assert not {n for n in archive.namelist() if not n.endswith((".npy", ".json"))}


def test_a_damaged_file_is_refused(tmp_path):
    run = lived("tiny", 20)
    store = run.save(tmp_path / "shop")
    file = checkpoint_file(tmp_path / "shop")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="its hash differs"):
        advance(store, days=5)
    assert replace(run.checkpoint, content=bytes(content)).sha256 != run.checkpoint.sha256
