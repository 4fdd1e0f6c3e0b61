"""Saving, sealing and living on."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

import ecomlab
from ecomlab.simulator import Plan, PlanError, Scenario, advance, load_scenario, simulate
from ecomlab.store import Store, open_store
from ecomlab.store.sealing import SealError, open_truth, seal, truth_file, verify


@pytest.fixture
def saved(tmp_path, small):
    return small.save(tmp_path / "demo"), tmp_path / "demo"


def test_the_manifest_says_how_the_store_came_to_be(small):
    origin = dict(small.store.manifest.origin)
    assert origin.pop("truth_sha256") == small.truth.hash
    assert origin.pop("checkpoint_sha256") == small.checkpoint.sha256
    assert origin == {"kind": "simulated", "scenario": "tiny", "seed": 7, "people": 2500,
                      "days": 182, "plan": None}  # fmt: skip
    assert small.store.name == "tiny demo"
    assert (small.store.manifest.first_day, small.store.manifest.last_day) == (
        "2024-01-01", "2024-06-30",
    )  # fmt: skip


def test_a_saved_run_opens_as_it_was_with_the_truth_beside_it_not_in_it(saved, small):
    store, folder = saved
    assert open_store(folder).manifest == store.manifest == small.store.manifest
    assert not [file.name for file in folder.iterdir() if "truth" in file.name]
    again = open_truth(folder)
    assert list(again) == list(small.truth)
    for name in again:
        pd.testing.assert_frame_equal(again[name], small.truth[name])
    assert verify(folder) == small.truth.hash == again.hash


def test_saving_twice_writes_the_same_bytes(saved, small):
    _, folder = saved
    first = truth_file(folder).read_bytes()
    small.save(folder)
    assert truth_file(folder).read_bytes() == first


def test_no_truth_leaks_into_the_observed_tables(small):
    told = {column for name in small.store.tables for column in small.store.columns(name)}
    secret = {"rate", "dropout_share", "price_sensitivity", "quality", "popularity", "aware_from"}
    assert not told & secret


def test_a_truth_that_was_changed_is_refused(saved):
    _, folder = saved
    file = truth_file(folder)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(SealError, match="its hash differs"):
        open_truth(folder)


def test_a_truth_that_is_not_there_is_named(saved):
    _, folder = saved
    truth_file(folder).unlink()
    with pytest.raises(SealError, match=r"demo\.truth\.zip"):
        verify(folder)


def test_a_write_that_fails_leaves_the_earlier_truth(saved, small, monkeypatch):
    _, folder = saved
    before = truth_file(folder).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        seal(simulate("tiny", people=20, days=5).truth, folder)
    assert truth_file(folder).read_bytes() == before
    assert not list(folder.parent.glob(".*part*"))


def test_the_seal_is_a_plain_zip_with_fixed_dates(saved):
    _, folder = saved
    with zipfile.ZipFile(truth_file(folder)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {2000}
        assert archive.testzip() is None


def test_an_unknown_table_of_the_truth_lists_the_known_ones(small):
    with pytest.raises(KeyError, match="truth_day"):
        small.truth["truth_days"]


def test_a_store_lives_on_with_its_history_unchanged(saved):
    store, _ = saved
    plan = Plan(budgets={"paid_search": 2.0}, prices={"food": 1.5})
    longer = advance(store, plan=plan, days=40).store
    assert longer.manifest.last_day == "2024-08-09"
    for name in ("orders", "sessions", "ad_daily", "prices", "returns", "costs_daily"):
        old = store.table(name)
        pd.testing.assert_frame_equal(longer.table(name).head(len(old)), old, obj=name)
    spend = longer.query(
        "SELECT avg(spend) FILTER (date > DATE '2024-06-30') / avg(spend) AS ratio "
        "FROM ad_daily WHERE channel = 'paid_search'"
    )
    assert spend["ratio"][0] > 1.3
    assert longer.manifest.origin["plan"]["start"] == "2024-07-01"


def test_quarters_follow_one_another_with_a_plan_each(small):
    first = advance(small.store, plan=Plan(budgets={"email": 2}), days=20)
    second = advance(first.store, plan=Plan(discounts=0.5), days=20)
    whole = Plan(start=date(2024, 7, 21), discounts=0.5).after(
        Plan(start=date(2024, 7, 1), budgets={"email": 2})
    )
    at_once = simulate("tiny", seed=7, days=222, plan=whole)
    assert second.store.manifest == at_once.store.manifest
    third = advance(second.store, days=10)
    assert third.store.manifest.origin["plan"] == second.store.manifest.origin["plan"]


def test_a_scenario_of_ones_own_lives_on_too(tmp_path):
    values = load_scenario("tiny").model_dump()
    values["choice"]["outside"] = 5.0
    own = Scenario.model_validate(values)
    store = simulate(own, people=200, days=30).save(tmp_path / "own")
    assert advance(store, days=5).store.manifest.origin["days"] == 35


def relabelled(store: Store, **origin: object) -> Store:
    manifest = replace(store.manifest, origin={**store.manifest.origin, **origin})
    return Store.from_tables({n: store.table(n) for n in store.tables}, manifest=manifest)


@pytest.mark.parametrize(
    "origin, words",
    [
        ({"kind": "imported"}, "was imported"),
        ({"seed": None}, "is sealed"),
        ({"seed": 8}, "another version"),
    ],
)
def test_a_store_that_cannot_live_on_says_why(small, origin, words):
    with pytest.raises(ValueError, match=words):
        advance(relabelled(small.store, **origin), days=5)


def test_the_past_cannot_be_planned(small):
    with pytest.raises(PlanError, match="not after the store's last day, 2024-06-30"):
        advance(small.store, plan=Plan(start=date(2024, 6, 30)), days=5)


def test_the_package_door_simulates():
    assert ecomlab.simulate("tiny", people=20, days=3).store.name == "tiny demo"
