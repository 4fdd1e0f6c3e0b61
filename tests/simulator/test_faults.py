from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest

from ecomlab.simulator import FaultyExport, export_with_faults, simulate
from ecomlab.store import Manifest, Store, StoreError


def within(created: pd.Series, answer: dict) -> pd.Series:
    day = pd.to_datetime(created).dt.normalize()
    return day.between(answer["first_day"], answer["last_day"])


def repaired(export: FaultyExport) -> pd.DataFrame:
    """Undo the repeated batch and the slip of currency as the answers say."""
    answers = export.answers
    lines = export.lines.drop_duplicates().copy()
    slip = within(lines["Created"], answers["currency"])
    if answers["currency"]["region"] is not None:
        slip &= lines["Region"] == answers["currency"]["region"]
    for column in ("Unit price", "Discount"):
        lines[column] = lines[column].where(~slip, lines[column] / answers["currency"]["factor"])
    return lines


@pytest.fixture(scope="module", params=["simulated", "London", "UTC"])
def case(request, small) -> tuple[Store, FaultyExport]:
    store = small.store if request.param == "simulated" else imported(request.param)
    return store, export_with_faults(store, seed=3)


def imported(zone: str) -> Store:
    """A store with orders and lines only, as an importer makes it."""
    zone = {"London": "Europe/London"}.get(zone, zone)
    at = pd.date_range("2023-01-02 09:30", periods=700, freq="13h", tz="UTC")
    orders = pd.DataFrame(
        {
            "order_id": [f"{i:06d}" for i in range(700)],
            "ordered_at": at,
            "date": at.tz_convert(zone).tz_localize(None).normalize(),
            "customer_id": [None if i % 4 == 0 else f"c{i % 50}" for i in range(700)],
            "amount": 20.0,
        }
    )
    lines = pd.DataFrame(
        {"order_id": orders["order_id"], "line": 1, "sku": "007", "units": 2, "price": 10.0,
         "amount": 20.0}
    )  # fmt: skip
    manifest = Manifest(
        name="corner", currency="GBP", time_zone=zone, first_day="2023-01-02",
        last_day="2024-01-15", origin={"kind": "imported"},
    )  # fmt: skip
    return Store.from_tables({"orders": orders, "order_lines": lines}, manifest=manifest)


def test_undoing_the_answers_gives_the_clean_export(case):
    store, export = case
    lines = repaired(export)
    clean = export.answers["clean"]
    assert len(lines) == clean["lines"] == len(store.table("order_lines"))
    amount = (lines["Qty"] * lines["Unit price"] - lines["Discount"]).sum()
    assert amount == pytest.approx(clean["amount"], abs=0.01)
    assert clean["amount"] == pytest.approx(store.table("order_lines")["amount"].sum(), abs=0.01)


def test_the_faults_are_not_there_before_they_are_undone(case):
    _, export = case
    raw = (export.lines["Qty"] * export.lines["Unit price"] - export.lines["Discount"]).sum()
    assert raw > 1.05 * export.answers["clean"]["amount"]


def test_repeated_lines_are_the_planted_days_alone(case):
    _, export = case
    again = export.lines[export.lines.duplicated()]
    assert len(again) == export.answers["duplicates"]["lines"] > 0
    assert within(again["Created"], export.answers["duplicates"]).all()


def test_prices_in_cents_lie_where_the_answers_say(case):
    store, export = case
    lines = export.lines.drop_duplicates().merge(
        store.table("order_lines").rename(columns={"order_id": "Order No", "sku": "SKU"})
    )
    slipped = lines[lines["Unit price"] / lines["price"] > 50]
    answer = export.answers["currency"]
    assert len(slipped) == answer["lines"] > 0
    assert within(slipped["Created"], answer).all()
    assert slipped["Region"].nunique() <= 1


def test_times_are_off_where_the_answers_say(case):
    store, export = case
    orders = store.table("orders").set_index("order_id")
    local = orders["ordered_at"].dt.tz_convert(store.manifest.time_zone).dt.tz_localize(None)
    lines = export.lines.drop_duplicates()
    gap = pd.to_datetime(lines["Created"]) - lines["Order No"].map(local).dt.floor("s")
    wrong = gap[gap != pd.Timedelta(0)] / pd.Timedelta(hours=1)
    answer = export.answers["time_zone"]
    assert sorted(set(wrong)) == answer["hours"]
    assert len(wrong) == answer["lines"] > 0
    days = lines["Order No"].map(orders["date"])[wrong.index]
    assert days.between(answer["first_day"], answer["last_day"]).all()
    moved = pd.to_datetime(lines.loc[wrong.index, "Created"]).dt.normalize() != days
    assert moved.sum() == answer["lines_on_another_day"]


def test_bots_come_often_and_never_buy(small):
    export = export_with_faults(small.store, seed=3)
    visits = export.sessions.groupby("Visitor").agg(
        visits=("Started", "size"), orders=("Order No", "count"), pages=("Pages", "max")
    )
    bots = visits[(visits["visits"] >= 150) & (visits["orders"] == 0)]
    assert sorted(bots.index) == export.answers["bots"]["visitors"]
    assert bots["visits"].sum() == export.answers["bots"]["sessions"]
    assert bots["pages"].max() <= 1
    people = export.sessions[~export.sessions["Visitor"].isin(bots.index)]
    whole = small.store.table("sessions")
    at = whole["started_at"].dt.tz_convert(small.store.manifest.time_zone).dt.tz_localize(None)
    first, last = pd.to_datetime(people["Started"].min()), pd.to_datetime(people["Started"].max())
    assert len(people) == at.dt.floor("s").between(first, last).sum() > 0
    assert last - first <= pd.Timedelta(days=91)


def test_without_visits_there_are_no_bots():
    export = export_with_faults(imported("UTC"), seed=3)
    assert export.sessions is None
    assert export.answers["bots"] is None


def test_the_same_seed_plants_the_same_faults_and_another_one_others(small):
    one, same, other = (export_with_faults(small.store, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.lines, same.lines)
    pd.testing.assert_frame_equal(one.sessions, same.sessions)
    assert one.answers == same.answers
    assert one.answers != other.answers


def test_faults_lie_apart_from_each_other_for_every_seed(small):
    for seed in range(40):
        answers = export_with_faults(small.store, seed=seed).answers
        spans = sorted(
            (answers[name]["first_day"], answers[name]["last_day"])
            for name in ("duplicates", "currency", "time_zone")
        )
        assert all(early[1] < late[0] for early, late in pairwise(spans))
        assert all(answers[name]["lines"] > 0 for name in ("duplicates", "currency", "time_zone"))


def test_a_store_too_short_for_faults_is_named():
    with pytest.raises(StoreError, match="faults need 9"):
        export_with_faults(simulate("tiny", days=5).store, seed=1)
