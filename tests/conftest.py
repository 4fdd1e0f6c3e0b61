"""Stores that several tests share: one small enough to check by hand, one simulated."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import ecomlab
from ecomlab import schema
from ecomlab.store import Manifest, Store


def frame(columns: str, *rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def corner_manifest() -> Manifest:
    return Manifest(
        name="corner shop",
        currency="EUR",
        time_zone="America/New_York",
        first_day="2024-03-01",
        last_day="2024-03-05",
        origin={"kind": "imported", "format": "hand", "files": [{"file": "by hand"}]},
    )


@pytest.fixture
def corner_tables() -> dict[str, pd.DataFrame]:
    """Six orders: x buys twice and cancels once, y fails once and then buys, a guest buys."""
    orders = frame(
        "order_id ordered_at date customer_id region_id amount payment_status",
        ("o1", "2024-03-01T15:00Z", "2024-03-01", "x", "north", 18.0, "paid"),
        ("o2", "2024-03-02T04:30Z", "2024-03-01", None, "south", 5.0, None),  # 23:30 local
        ("o3", "2024-03-01T16:00Z", "2024-03-01", "y", "north", 10.0, "failed"),
        ("o4", "2024-03-03T15:00Z", "2024-03-03", "x", None, 21.0, "refunded"),
        ("o5", "2024-03-03T16:00Z", "2024-03-03", "y", "north", 4.0, "pending"),
        ("o6", "2024-03-05T15:00Z", "2024-03-05", "x", "north", 10.0, "cancelled"),
    )
    lines = frame(
        "order_id line sku units price discount_amount amount unit_cost",
        ("o1", 1, "cup", 2, 10.0, 2.0, 18.0, None),
        ("o2", 1, "mug", 1, 5.0, 0.0, 5.0, None),
        ("o3", 1, "cup", 1, 10.0, 0.0, 10.0, None),
        ("o4", 1, "tea", 3, 4.0, 0.0, 12.0, None),
        ("o4", 2, "cup", 1, 10.0, 1.0, 9.0, 3.5),
        ("o5", 1, "tea", 1, 4.0, 0.0, 4.0, None),
        ("o6", 1, "cup", 1, 10.0, 0.0, 10.0, None),
    )
    products = frame(
        "sku category_id unit_cost",
        ("cup", "china", 4.0),
        ("mug", "china", None),
        ("tea", "food", 2.5),
    )
    returns = frame(
        "return_id order_id line sku date units refund_amount resale_value",
        ("r1", "o4", 1, "tea", "2024-03-04", 1, 4.0, 2.0),
        ("r2", None, None, None, "2024-03-05", 1, 3.0, None),
        ("r3", "o6", 1, "cup", "2024-03-05", 1, 10.0, 4.0),
    )
    sessions = frame(
        "session_id date region_id channel order_id",
        ("s1", "2024-03-01", "north", "seo", "o1"),
        ("s2", "2024-03-01", None, "direct", None),
        ("s3", "2024-03-02", "south", "seo", None),
        ("s4", "2024-03-03", None, "seo", "o4"),
        ("s5", "2024-03-03", "north", "direct", "o5"),
        ("s6", "2024-03-03", "north", None, None),
        ("s7", "2024-03-05", "north", "direct", "o6"),
    )
    ads = frame(
        "date channel campaign region_id spend",
        ("2024-03-01", "paid_search", "brand", "north", 10.0),
        ("2024-03-01", "social", "brand", "north", 2.5),
        ("2024-03-03", "social", "brand", "north", 5.0),
    )
    customers = frame("customer_id age_band", ("x", "25-34"), ("y", "35-44"))
    regions = frame("region_id name", ("north", "North"), ("south", "South"))
    tables = {
        "orders": orders, "order_lines": lines, "products": products, "returns": returns,
        "sessions": sessions, "ad_daily": ads, "customers": customers, "regions": regions,
    }  # fmt: skip
    return {name: _in_schema_types(table, name) for name, table in tables.items()}


@pytest.fixture
def corner(corner_tables, corner_manifest) -> Store:
    return Store.from_tables(corner_tables, manifest=corner_manifest)


@pytest.fixture(scope="session")
def tiny() -> Store:
    """A simulated store; tests must not write into it."""
    return ecomlab.simulate("tiny").store


def _in_schema_types(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return schema.cast(table, name)
