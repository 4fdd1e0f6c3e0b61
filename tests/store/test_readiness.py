"""Readiness says ready, degraded or impossible, what is missing, and how to supply it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ecomlab import schema
from ecomlab.store import Store
from ecomlab.store.readiness import (
    SECTIONS,
    AnyOf,
    Columns,
    Section,
    Simulated,
    Weeks,
    WholePeriod,
    assess_readiness,
)


def states(store):
    return assess_readiness(store).set_index(["notebook", "section"])["state"]


def test_a_simulated_store_is_ready_for_everything(tiny):
    found = assess_readiness(tiny)
    assert set(found["state"]) == {"ready"}
    assert set(found["missing"]) == {""}


def test_the_corner_shop_of_five_days_can_do_what_needs_no_history(corner):
    found = states(corner)
    assert found["00_meet_the_store"].to_dict() == {
        "tables and dictionary": "ready",
        "quality": "ready",
        "gross to net": "ready",
        "known and guest customers": "ready",
        "traffic and conversion": "ready",
        "margin": "ready",
        "planted faults": "ready",
    }
    assert found["01_goal_setting", "baseline forecast"] == "impossible"
    assert found["01_goal_setting", "next quarter in the store"] == "impossible"


LOSSES = {
    "sessions": {
        ("00_meet_the_store", "traffic and conversion"): "impossible",
        ("01_goal_setting", "KPI tree"): "degraded",
        ("01_goal_setting", "cascade to channels"): "impossible",
        ("01_goal_setting", "channel return"): "impossible",
        ("02_market_analysis", "price of eco products in the store"): "impossible",
        ("04_marketing_plan", "platform claims"): "impossible",
        ("04_marketing_plan", "paths and attribution"): "impossible",
        ("04_marketing_plan", "unpaid search"): "impossible",
        ("04_marketing_plan", "mails"): "impossible",
        ("04_marketing_plan", "creators"): "impossible",
        ("04_marketing_plan", "mix model"): "impossible",
        ("04_marketing_plan", "tests in the store"): "impossible",
    },
    "ad_daily": {
        ("01_goal_setting", "channel return"): "impossible",
        ("04_marketing_plan", "platform claims"): "impossible",
        ("04_marketing_plan", "mix model"): "impossible",
    },
    "returns": {
        ("00_meet_the_store", "gross to net"): "degraded",
        ("00_meet_the_store", "margin"): "impossible",
        ("01_goal_setting", "KPI tree"): "degraded",
        ("01_goal_setting", "baseline forecast"): "degraded",
    },
}


@pytest.mark.parametrize("table", LOSSES)
def test_a_lost_table_costs_the_sections_that_live_on_it(tiny, table):
    kept = {name: tiny.arrow(name) for name in tiny.tables if name != table}
    found = states(Store.from_tables(kept, manifest=tiny.manifest))
    assert found[found != "ready"].to_dict() == LOSSES[table]


def test_what_is_missing_is_named_with_what_is_lost_and_how_to_supply_it(tiny):
    kept = {name: tiny.arrow(name) for name in tiny.tables if name not in ("returns", "ad_daily")}
    found = assess_readiness(Store.from_tables(kept, manifest=tiny.manifest)).set_index("section")
    assert found.loc["gross to net", ["missing", "remedy"]].tolist() == [
        "returns: the bridge ends at sales, net is unknown",
        "Import the table returns.",
    ]
    assert found.loc["channel return", ["missing", "remedy"]].tolist() == [
        "ad_daily",
        "Import the table ad_daily with channel (marketing channel), spend (spent on the day).",
    ]


def test_a_column_without_a_single_value_counts_as_missing(corner_tables, corner_manifest):
    corner_tables["orders"] = corner_tables["orders"].assign(customer_id=None)
    store = Store.from_tables(corner_tables, manifest=corner_manifest)
    row = assess_readiness(store).set_index("section").loc["known and guest customers"]
    assert (row["state"], row["missing"]) == (
        "degraded",
        "orders.customer_id: every order counts as a guest's",
    )


def test_the_cost_may_stand_with_the_lines_or_with_the_products(corner_tables, corner_manifest):
    corner_tables["order_lines"] = corner_tables["order_lines"].drop(columns="unit_cost")
    store = Store.from_tables(corner_tables, manifest=corner_manifest)
    assert states(store)["00_meet_the_store", "margin"] == "ready"
    corner_tables["products"] = corner_tables["products"].drop(columns="unit_cost")
    found = assess_readiness(Store.from_tables(corner_tables, manifest=corner_manifest))
    row = found.set_index("section").loc["margin"]
    assert row["state"] == "impossible"
    assert row["missing"] == "order_lines.unit_cost or products.unit_cost"


@pytest.mark.parametrize(("last_day", "missing"), [("2024-02-25", ""), ("2024-02-24", "8 weeks")])
def test_weeks_are_counted_whole(corner, last_day, missing):
    about = replace(corner.manifest, first_day="2024-01-01", last_day=last_day)
    assert Weeks(8).missing(corner.with_manifest(about)).startswith(missing)
    assert bool(Weeks(8).missing(corner.with_manifest(about))) == bool(missing)


def at_weeks(store, weeks):
    last = date.fromisoformat(store.manifest.first_day) + timedelta(days=7 * weeks - 1)
    about = replace(store.manifest, last_day=str(last))
    found = assess_readiness(store.with_manifest(about))
    return found[found["notebook"] == "01_goal_setting"].set_index("section")


FROM_THE_BASELINE = {
    "baseline forecast",
    "target probability",
    "cascade to channels",
    "goal sheet",
    "next quarter in the store",
}


def test_what_follows_from_the_baseline_needs_eight_weeks_as_it_does(tiny):
    short, enough = at_weeks(tiny, 7), at_weeks(tiny, 8)
    assert set(short.index[short["state"] == "impossible"]) == FROM_THE_BASELINE
    assert set(short.loc[list(FROM_THE_BASELINE), "missing"]) == {"8 weeks of orders (has 7)"}
    assert not (enough["state"] == "impossible").any()


def test_short_of_91_weeks_the_season_is_unknown_and_no_chance_is_given(tiny):
    short, whole = at_weeks(tiny, 90), at_weeks(tiny, 91)
    lost = short.loc[short["state"] == "degraded", "missing"].to_dict()
    assert lost == {
        "baseline forecast": "91 weeks of orders (has 90): the season of the year is not known",
        "target probability": (
            "91 weeks of orders (has 90): a chance without the season is no chance: none is given"
        ),
    }
    assert set(whole["state"]) == {"ready"}


def test_a_web_log_shorter_than_the_store_degrades_what_lives_on_it(corner_tables, corner_manifest):
    log = corner_tables["sessions"]
    corner_tables["sessions"] = log[log["date"].between("2024-03-02", "2024-03-03")]
    store = Store.from_tables(corner_tables, manifest=corner_manifest)
    rows = assess_readiness(store).set_index("section")
    for section in ("traffic and conversion", "KPI tree", "channel return"):
        assert rows.loc[section, "state"] == "degraded"
        assert rows.loc[section, "missing"].startswith(
            "sessions before 2024-03-02 and after 2024-03-03: visits and conversion of these days"
        ), section
    assert WholePeriod("ad_daily").missing(store) == "ad_daily after 2024-03-03"


def test_a_log_that_covers_the_period_or_is_not_there_at_all_is_no_gap(corner):
    assert WholePeriod("sessions").missing(corner) == ""
    assert WholePeriod("tickets").missing(corner) == ""


def test_a_column_of_the_export_comes_with_the_line_to_add_to_the_mapping():
    assert Columns("order_lines", ("unit_cost",)).remedy.endswith(
        'In the mapping, write unit_cost = "your column" under [columns].'
    )
    assert "[columns]" not in Columns("sessions", ("channel",)).remedy


def test_time_runs_on_only_in_a_simulated_store_whose_seed_is_known(corner, tiny):
    assert Simulated().missing(tiny) == ""
    assert Simulated().missing(corner) == "a simulated store"
    sealed = replace(tiny.manifest, origin={**tiny.manifest.origin, "seed": None})
    assert "seed" in Simulated().missing(tiny.with_manifest(sealed))


def test_a_chapter_to_come_adds_its_sections_as_data(corner):
    mine = Section(
        "05_supply_chain",
        "stock",
        (Columns("inventory_daily", ("on_hand_units",)),),
        (Columns("shipments", loss="no delivery times"),),
    )
    found = assess_readiness(corner, sections=[mine])
    assert found.to_numpy().tolist() == [[
        "05_supply_chain", "stock", "impossible", "inventory_daily",
        "Import the table inventory_daily with on_hand_units (in the depot).",
    ]]  # fmt: skip


def columns_named():
    for section in SECTIONS:
        for need in (*section.required, *section.helpful):
            yield from need.needs if isinstance(need, AnyOf) else [need]


def test_every_need_names_columns_of_the_schema():
    for need in columns_named():
        if isinstance(need, Columns):
            assert set(need.columns) <= set(schema.TABLES[need.table].columns), need


def test_every_section_is_declared_once_and_every_helpful_need_says_what_is_lost():
    named = [(section.notebook, section.title) for section in SECTIONS]
    assert len(set(named)) == len(named)
    assert all(need.loss for section in SECTIONS for need in section.helpful)
