"""Incidents move what they should, from their first day on, and nothing outside their scope."""

from __future__ import annotations

import itertools
import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ecomlab.simulator import (
    Plan,
    SimulatedRun,
    advance,
    causal_graph,
    load_scenario,
    simulate,
)
from ecomlab.simulator.damage import daily_signs, measure_incident, simulate_pack
from ecomlab.simulator.incidents import KNOBS, Incident
from ecomlab.simulator.packs import draw_pack, incident_kinds, make_incident
from ecomlab.store.sealing import open_truth

START, EVE, SPAN = "2024-02-10", 40, 24
PLAN = Plan.from_dict(
    {
        "start": "2024-01-01",
        "experiments": [
            {"id": "mail", "kind": "holdout", "what": "email", "start": "2024-01-10", "days": 200,
             "share": 0.5},
            {"id": "test", "kind": "feature", "what": "photo_reviews", "start": "2024-01-10",
             "days": 200},
        ],
    }
)  # fmt: skip
KINDS = incident_kinds()
REAL = [name for name, kind in KINDS.items() if not kind.is_measured]
RECORDED = [name for name, kind in KINDS.items() if kind.is_measured]
# What a fault of the record may touch; nothing that is true.
RECORDS = {"sessions", "assignments", "ad_daily", "competitor_prices", "products",
           "plan_log"}  # fmt: skip


@pytest.fixture(scope="module")
def eve() -> SimulatedRun:
    """The shop on the evening before."""
    return simulate("tiny", 7, PLAN, 2500, EVE)


@pytest.fixture(scope="module")
def calm(eve) -> SimulatedRun:
    """The days after it, without any incident."""
    return advance(eve, days=SPAN)


def of_kind(name: str, *, days: int = SPAN, number: int = 1) -> Incident:
    one = make_incident("tiny", name, start=START, difficulty="easy", id=f"i{number}")
    return one.model_copy(update={"days": days, "shape": "step"})


def moved(struck: SimulatedRun, calm: SimulatedRun, sign: str) -> pd.Series:
    one, two = (daily_signs(run.store)[sign] for run in (struck, calm))
    gap = (one.fillna(0) - two.reindex(one.index).fillna(0)).round(9)
    return gap[gap != 0]


def test_there_are_kinds_enough_real_and_recorded_and_harmless():
    assert len([name for name in KINDS if not KINDS[name].is_decoy]) >= 18
    assert len(REAL) >= 18
    assert len([name for name in RECORDED if not KINDS[name].is_decoy]) >= 8
    assert len([name for name in KINDS if KINDS[name].is_decoy]) >= 4


@pytest.mark.parametrize("name", REAL)
def test_a_real_incident_moves_its_first_sign_and_nothing_before_its_start(name, eve, calm):
    kind = KINDS[name]
    struck = advance(eve, days=SPAN, incidents=[of_kind(name)])
    gap = moved(struck, calm, kind.first_kpi)
    assert len(gap), f"{kind.first_kpi} does not move"
    assert gap.index[0] >= pd.Timestamp(START) + pd.Timedelta(days=min(kind.lag_days, 1))
    before = eve.store.table("orders")
    assert struck.store.table("orders").head(len(before)).equals(before)


def test_faults_of_the_record_and_decoys_change_nothing_true(eve, calm):
    all_ = [of_kind(name, number=i) for i, name in enumerate(RECORDED)]
    struck = advance(eve, days=SPAN, incidents=all_)
    tables, usual = struck.store.manifest.tables, calm.store.manifest.tables
    assert {name for name in tables if tables[name] != usual[name]} == RECORDS
    for name in set(struck.truth) - {"truth_incident", "truth_params"}:
        assert struck.truth.arrow(name).equals(calm.truth.arrow(name)), name
    for name in RECORDED:
        if KINDS[name].first_kpi:
            assert len(moved(struck, calm, KINDS[name].first_kpi)), name


def test_machines_visit_and_never_buy(eve, calm):
    struck = advance(eve, days=SPAN, incidents=[of_kind("bot_traffic", days=5)])
    visits, usual = (run.store.table("sessions") for run in (struck, calm))
    bots = visits[~visits["session_id"].isin(usual["session_id"])]
    assert 0.4 < len(bots) / (usual["date"] >= START).sum() / (5 / SPAN) < 1.2
    assert bots["order_id"].isna().all() and not bots["added_to_cart"].any()
    assert bots["date"].between(START, "2024-02-14").all()
    assert visits["started_at"].is_monotonic_increasing
    rest = visits[visits["session_id"].isin(usual["session_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, usual)


def test_outside_its_scope_a_broken_checkout_changes_nothing_on_the_first_day():
    world, start = load_scenario("west_d2c"), date(2024, 1, 11)
    error = Incident(id="i1", parameter="checkout.friction", op="plus", value=6.0,
                     scope={"device": ["mobile"]}, start=start, days=3)  # fmt: skip
    runs = [simulate(one, 7, None, 20_000, 11) for one in (world.with_incidents([error]), world)]
    struck, calm = (
        run.store.query(
            f"SELECT orders.order_id, amount, shipping_fee, payment_status, device "
            f"FROM orders JOIN sessions USING (session_id) "
            f"WHERE orders.date >= DATE '{start}' ORDER BY orders.order_id"
        )
        for run in runs
    )
    others = [one[one["device"] != "mobile"].reset_index(drop=True) for one in (struck, calm)]
    assert len(others[0]) > 4
    pd.testing.assert_frame_equal(*others)
    there = [int((one["device"] == "mobile").sum()) for one in (struck, calm)]
    assert there[0] < 0.2 * there[1], there
    visits = [run.store.table("sessions") for run in runs]
    carts = [one["added_to_cart"].sum() for one in visits]
    # the cart is filled before the checkout is met; empty shelves move one or two
    assert abs(carts[0] - carts[1]) <= 3
    pd.testing.assert_frame_equal(*(one[one["date"] < "2024-01-11"] for one in visits))


def test_the_world_without_its_incidents_is_the_world_that_never_had_any():
    world = load_scenario("tiny")
    off = world.with_incidents([of_kind("slow_pages")]).with_incidents(())
    one, two = (simulate(law, 7, None, 400, 60) for law in (off, world))
    assert one.store.manifest == two.store.manifest and one.truth.hash == two.truth.hash


def test_a_tenth_of_a_price_sells_much_and_loses_money():
    feed = Incident(id="i1", parameter="shelf.price_factor", op="times", value=0.1,
                    scope={"category": ["home"]}, start=START, days=3)  # fmt: skip
    found = measure_incident("tiny", incident=feed, people=2500, days=20)
    assert found.orders > 0 and found.by_line()["goods"] < 0 and found.profit < 0
    assert found.lag_days == 0 and (found.signs["price"].head(3) < 0).all()
    lines = found.table.drop(columns=["date", "orders", "profit"]).to_numpy().sum(axis=1)
    np.testing.assert_allclose(found.table["profit"], lines, atol=0.05)


def test_the_loss_is_the_difference_of_two_whole_runs():
    world, one = load_scenario("tiny"), of_kind("ads_paused", days=10)
    found = measure_incident(world, incident=one, people=900, days=SPAN)
    runs = [simulate(law, 7, None, 900, EVE + SPAN)
            for law in (world.with_incidents([one]), world)]  # fmt: skip
    paid = [run.store.query("SELECT count(*) n FROM orders WHERE payment_status = 'paid'")["n"][0]
            for run in runs]  # fmt: skip
    assert found.orders == paid[0] - paid[1]
    assert found.by_line()["marketing"] > 0 and found.lag_days == 0


@pytest.mark.parametrize(
    "shape, expected",
    [("step", [1, 1, 1, 1, 1, 0]), ("ramp", [1 / 3, 2 / 3, 1, 1, 1, 0])],
)
def test_a_shape_says_how_much_of_an_incident_is_in_force(shape, expected):
    one = of_kind("seo_drop", days=5).model_copy(update={"shape": shape})
    assert [one.strength(age) for age in range(6)] == pytest.approx(expected)
    assert one.strength(-1) == 0
    flicker = of_kind("bot_traffic", days=60).model_copy(update={"shape": "flicker"})
    on = [flicker.strength(age) for age in range(60)]
    assert on[0] == 1 and set(on) == {0.0, 1.0} and 15 < sum(on) < 45


def test_every_knob_is_asked_for_somewhere_and_no_other():
    folder = Path(simulate.__code__.co_filename).parent
    text = "".join(file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))
    asked = set(re.findall(r'\.parameter\(\s*"([a-z_.]+)"', text))
    assert asked == set(KNOBS)


@pytest.mark.parametrize("name", [name for name in REAL if KINDS[name].path])
def test_the_path_of_a_kind_is_a_chain_of_declared_causes(name):
    path, arrows = KINDS[name].path, {(a, b) for a, b, _ in causal_graph()}
    assert [pair for pair in itertools.pairwise(path) if pair not in arrows] == []


def test_a_pack_is_drawn_by_its_seed_and_tells_nothing_in_the_store(tmp_path):
    pack = draw_pack("tiny", 5, count=2, decoys=1, difficulty="easy",
                     window=("2024-01-20", "2024-02-05"))  # fmt: skip
    assert pack == draw_pack("tiny", 5, count=2, decoys=1, difficulty="easy",
                             window=("2024-01-20", "2024-02-05"))  # fmt: skip
    assert pack.incidents != draw_pack("tiny", 6, count=2, decoys=1).incidents
    run = simulate_pack(pack, people=600, days=50)
    answers = run.truth["truth_incident"].set_index("incident_id")
    assert list(answers.index) == ["i1", "i2", "i3"] and answers["is_decoy"].sum() == 1
    struck = answers[~answers["is_decoy"]]
    assert struck["profit"].notna().all() and struck["root_cause"].str.len().gt(10).all()
    parts = [name for name in answers if name.startswith("loss_")]
    np.testing.assert_allclose(-struck[parts].sum(axis=1), struck["profit"], atol=0.5)
    store = run.save(tmp_path / "shop")
    told = store.manifest.to_json() + "".join(store.table("plan_log")["decision"])
    secret = {one.kind for one in pack.incidents} | {one.parameter for one in pack.incidents}
    assert not [word for word in secret - {""} if word in told]
    assert open_truth(tmp_path / "shop").hash == run.truth.hash


def test_sealed_incidents_go_on_when_the_store_lives_on(tmp_path):
    world = load_scenario("tiny").with_incidents([of_kind("seo_drop", days=60)])
    store = simulate(world, 7, None, 500, 50).save(tmp_path / "shop")
    longer = advance(store, days=20)
    whole = simulate(world, 7, None, 500, 70)
    assert longer.store.manifest == whole.store.manifest
    (tmp_path / "shop.checkpoint.zip").unlink()
    with pytest.raises(ValueError, match="sealed incidents"):
        advance(store, days=20)


def test_an_incident_cannot_befall_the_past(eve):
    with pytest.raises(ValueError, match=r"incidents\.i1\.start: 2024-01-05 is not after"):
        advance(eve, days=5, incidents=[of_kind("seo_drop").model_copy(
            update={"start": date(2024, 1, 5)})])  # fmt: skip


@pytest.mark.parametrize(
    "change, words",
    [
        ({"parameter": "checkout.frictoin"}, "no parameter"),
        ({"scope": {"sku": ["AP-001"]}}, "is told apart by region, device, route"),
        ({"parameter": ""}, "is a decoy with a note"),
        ({"days": 0}, "greater than or equal to 1"),
    ],
)
def test_an_incident_that_makes_no_sense_is_refused(change, words):
    values = {"id": "i1", "parameter": "checkout.friction", "start": START, "days": 3} | change
    with pytest.raises(ValidationError, match=words):
        Incident.model_validate(values)


def test_an_incident_that_strikes_what_is_not_there_is_refused():
    one = of_kind("slow_pages").model_copy(update={"scope": {"region": ("XXX",)}})
    with pytest.raises(ValidationError, match="there is no 'XXX'"):
        load_scenario("tiny").with_incidents([one])
    with pytest.raises(ValidationError, match="two are called 'i1'"):
        load_scenario("tiny").with_incidents([of_kind("slow_pages"), of_kind("seo_drop")])


def test_a_kind_that_is_not_known_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'checkout_error'"):
        make_incident("tiny", "checkout_eror", start=START)
    with pytest.raises(ValueError, match="Ask for fewer"):
        draw_pack("tiny", 1, ["seo_drop"], count=2)
