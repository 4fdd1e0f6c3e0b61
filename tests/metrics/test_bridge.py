"""Gross to net to margin: by hand, to the cent, and the same as the days."""

import pandas as pd
import pytest

from ecomlab.metrics import bridge_revenue, daily_kpis
from ecomlab.store import Store

BY_HAND = [
    ("gross", "level", 51.0, 5, "order lines"),
    ("discounts", "change", -3.0, 2, "discounted lines"),
    ("sales", "level", 48.0, 4, "orders"),
    ("returns", "change", -7.0, 2, "returns"),
    ("net", "level", 41.0, 4, "orders"),
    ("uncosted_sales", "change", -5.0, 1, "order lines"),
    ("cost_of_goods", "change", -21.5, 4, "order lines"),
    ("resale_value", "change", 2.0, 2, "returns"),
    ("margin", "level", 16.5, 4, "order lines"),
]


def test_the_bridge_is_what_a_hand_computes(corner):
    assert [*bridge_revenue(corner).itertuples(index=False, name=None)] == BY_HAND


def test_changes_lead_from_level_to_level_to_the_cent(tiny):
    bridge = bridge_revenue(tiny)
    cents = (bridge["amount"] * 100).round().astype(int)
    running = 0
    for kind, amount in zip(bridge["kind"], cents, strict=True):
        running = running + amount if kind == "change" else running or amount
        if kind == "level":
            assert running == amount
    assert len(bridge) == len(BY_HAND)


def test_days_add_up_to_the_bridge(tiny):
    days, bridge = daily_kpis(tiny), bridge_revenue(tiny).set_index("step")["amount"]
    for level in ("gross", "sales", "net", "margin"):
        assert days[level].sum() == pytest.approx(bridge[level], abs=0.005), level


def test_a_bridge_of_some_days_is_that_of_their_sales(corner):
    first = bridge_revenue(corner, until="2024-03-01").set_index("step")["amount"]
    assert first["sales"] == 23.0
    assert first["returns"] == 0.0


def test_prices_of_a_tenth_of_a_cent_still_add_up(corner_tables, corner_manifest):
    lines = corner_tables["order_lines"]
    corner_tables["order_lines"] = lines.assign(price=lines["price"] + 0.0049)
    amounts = bridge_revenue(Store.from_tables(corner_tables, manifest=corner_manifest))["amount"]
    assert amounts[0] == 51.04  # 51 + 8 units x 0.0049 = 51.0392
    assert amounts[0] + amounts[1] == pytest.approx(amounts[2], abs=1e-9)


def test_without_costs_the_bridge_ends_at_net(corner_tables, corner_manifest):
    corner_tables["order_lines"] = corner_tables["order_lines"].drop(columns="unit_cost")
    del corner_tables["products"]
    bridge = bridge_revenue(Store.from_tables(corner_tables, manifest=corner_manifest))
    known = bridge.set_index("step")["amount"].notna()
    assert known[known].index.tolist() == ["gross", "discounts", "sales", "returns", "net"]


def test_a_column_of_costs_without_a_single_cost_ends_the_bridge_at_net(corner_tables):
    for name in ("order_lines", "products"):
        corner_tables[name] = corner_tables[name].assign(unit_cost=float("nan"))
    bridge = bridge_revenue(corner_tables).set_index("step")["amount"]
    assert bridge.index[bridge.notna()].tolist() == [
        "gross", "discounts", "sales", "returns", "net",
    ]  # fmt: skip


def test_refunds_of_goods_of_unknown_cost_are_set_aside_with_their_sales(corner_tables):
    products = corner_tables["products"]
    corner_tables["products"] = products.assign(
        unit_cost=products["unit_cost"].mask(products["sku"] == "tea")
    )
    bridge = bridge_revenue(corner_tables, until="2024-03-05").set_index("step")["amount"]
    assert bridge["uncosted_sales"] == -17.0  # mug 5, tea 12 + 4, less the 4 refunded for a tea
    assert bridge["resale_value"] == 0.0  # the only resale is of that tea
    assert bridge["margin"] == 12.5  # 18 - 8 + 9 - 3.5, less the refund that names no line


def test_without_returns_the_bridge_ends_at_sales(corner_tables, corner_manifest):
    del corner_tables["returns"]
    bridge = bridge_revenue(Store.from_tables(corner_tables, manifest=corner_manifest))
    assert bridge["amount"].notna().tolist() == [True] * 3 + [False] * 6
    assert pd.isna(bridge["rows"][3])
