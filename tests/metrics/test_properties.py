"""What must hold for any store: rows have no order, other columns and engines do not matter."""

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from ecomlab import schema
from ecomlab.metrics import KPIS, bridge_revenue, count_buyers, daily_kpis, summarize_by

METRICS = {
    "daily_kpis": daily_kpis,
    "bridge_revenue": bridge_revenue,
    "count_buyers": count_buyers,
    "by region": lambda tables: summarize_by(tables, by="region_id"),
    "by channel": lambda tables: summarize_by(tables, by="channel"),
    "by category": lambda tables: summarize_by(tables, by="category_id"),
}
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
few = settings(max_examples=4, deadline=None, derandomize=True)

DAY = pd.Timestamp("2024-03-01")
days = st.integers(0, 6).map(lambda n: DAY + pd.Timedelta(days=n))
cents = st.integers(0, 9_999).map(lambda n: n / 100)
regions = st.sampled_from([None, "north", "south"])
skus = st.sampled_from(["cup", "mug", "tea"])
order_rows = st.tuples(
    days,
    st.sampled_from([None, "x", "y", "z"]),
    regions,
    st.sampled_from([None, "paid", "failed", "cancelled", "refunded"]),
    st.lists(
        st.tuples(skus, st.integers(1, 9), cents, st.integers(0, 100)), min_size=1, max_size=3
    ),
)
session_rows = st.tuples(days, regions, st.sampled_from([None, "seo", "direct"]), st.booleans())


@st.composite
def tables(draw):
    """Any small store, consistent with its schema."""
    orders, lines, returns = [], [], []
    for n, (day, customer, region, status, goods) in enumerate(
        draw(st.lists(order_rows, min_size=1, max_size=8))
    ):
        amounts = [round(u * price * (100 - off) / 100, 2) for _, u, price, off in goods]
        total = round(sum(amounts), 2)
        orders.append((f"o{n}", day, day, customer, region, total, status))
        for i, ((sku, units, price, _), amount) in enumerate(zip(goods, amounts, strict=True)):
            lines.append((f"o{n}", i + 1, sku, units, price, amount))
        if draw(st.booleans()):
            back = day + pd.Timedelta(days=draw(st.integers(0, 3)))
            returns.append((f"r{n}", f"o{n}", 1, goods[0][0], back, goods[0][1], amounts[0]))
    sessions = [
        (f"s{n}", day, region, channel, f"o{n}" if bought and n < len(orders) else None)
        for n, (day, region, channel, bought) in enumerate(draw(st.lists(session_rows, max_size=9)))
    ]
    costs = draw(st.lists(st.one_of(st.none(), cents), min_size=3, max_size=3))
    columns = {
        "orders": "order_id ordered_at date customer_id region_id amount payment_status",
        "order_lines": "order_id line sku units price amount",
        "returns": "return_id order_id line sku date units refund_amount",
        "sessions": "session_id date region_id channel order_id",
        "products": "sku category_id unit_cost",
    }
    products = [("cup", "china", costs[0]), ("mug", "china", costs[1]), ("tea", None, costs[2])]
    rows = (orders, lines, returns, sessions, products)
    return {
        name: schema.cast(pd.DataFrame(held, columns=columns[name].split()), name)
        for name, held in zip(columns, rows, strict=True)
    }


def on_duckdb(frames):
    """The same tables as lazy frames on DuckDB, days as its own dates."""
    engine = duckdb.connect(config={"threads": 1})
    for name, table in frames.items():
        types = schema.arrow_schema(name, table.columns)
        engine.register(name, nw.from_native(table).to_arrow().cast(types))
    return {name: engine.table(name) for name in frames}


@every_metric
@given(frames=tables(), seed=st.integers(0, 2**32 - 1))
@few
def test_the_order_of_rows_changes_nothing(metric, frames, seed):
    rng = np.random.default_rng(seed)
    shuffled = {name: table.iloc[rng.permutation(len(table))] for name, table in frames.items()}
    assert_frame_equal(metric(shuffled), metric(frames), check_exact=True)


@every_metric
@given(frames=tables())
@few
def test_an_unrelated_column_changes_nothing(metric, frames):
    wider = {name: table.assign(note="x", weather=1.5) for name, table in frames.items()}
    assert_frame_equal(metric(wider), metric(frames), check_exact=True)


@every_metric
@given(frames=tables())
@few
def test_duckdb_and_pandas_agree_to_the_last_bit(metric, frames):
    assert_frame_equal(metric(on_duckdb(frames)), metric(frames), check_exact=True)


@given(frames=tables())
@few
def test_another_currency_scales_money_and_only_money(frames):
    money = {"amount", "price", "refund_amount", "unit_cost"}
    scaled = {
        name: table.assign(**{c: table[c] * 100 for c in money & set(table)})
        for name, table in frames.items()
    }
    before, after = daily_kpis(frames), daily_kpis(scaled)
    for kpi in KPIS.values():
        factor = 100 if kpi.unit.startswith("currency") else 1
        expected = (before[kpi.name] * factor).tolist()
        assert after[kpi.name].tolist() == pytest.approx(expected, nan_ok=True), kpi.name


@given(frames=tables())
@few
def test_doubling_every_order_doubles_what_adds_up(frames):
    twin = {}
    for name, table in frames.items():
        ids = [c for c in ("order_id", "return_id", "session_id") if c in table]
        copies = table.assign(**{c: "again " + table[c] for c in ids})
        twin[name] = table if name == "products" else pd.concat([table, copies], ignore_index=True)
    before, after = daily_kpis(frames), daily_kpis(twin)
    people = {"buyers", "new_buyers", "returning_buyers"}
    for kpi in KPIS.values():
        factor = 1 if kpi.numerator or kpi.name in people else 2
        expected = (before[kpi.name] * factor).tolist()
        assert after[kpi.name].tolist() == pytest.approx(expected, nan_ok=True), kpi.name
