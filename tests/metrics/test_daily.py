"""Each indicator by hand on the corner shop, by an obvious loop on a simulated store."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ecomlab.metrics import KPIS, daily_kpis
from ecomlab.store import Store

# the corner shop's five days, worked out by hand from the rows in conftest.py
BY_HAND = {
    "orders": [2, 0, 2, 0, 0],  # o3 failed and o6 was cancelled
    "gross": [25.0, 0, 26.0, 0, 0],  # 2x10 + 5; 3x4 + 10 + 4
    "discounts": [2.0, 0, 1.0, 0, 0],
    "sales": [23.0, 0, 25.0, 0, 0],
    "returns": [0, 0, 0, 4.0, 3.0],  # r3 belongs to the cancelled order
    "net": [23.0, 0, 25.0, -4.0, -3.0],
    "costed_sales": [18.0, 0, 25.0, 0, 0],  # nobody knows what a mug costs
    "costed_share": [18 / 23, np.nan, 1.0, np.nan, np.nan],
    "cost_of_goods": [8.0, 0, 13.5, 0, 0],  # 2x4; 3x2.5 + 3.5 (the line's own) + 2.5
    "resale_value": [0, 0, 0, 2.0, 0],
    "margin": [10.0, 0, 11.5, -2.0, -3.0],  # 23 - 5 - 8; 25 - 13.5; -4 + 2; -3
    "units": [3, 0, 5, 0, 0],
    "average_order": [11.5, np.nan, 12.5, np.nan, np.nan],
    "buyers": [1, 0, 2, 0, 0],
    "new_buyers": [1, 0, 1, 0, 0],  # y's failed order does not make y a buyer
    "returning_buyers": [0, 0, 1, 0, 0],
    "guest_orders": [1, 0, 0, 0, 0],
    "sessions": [2, 1, 3, 0, 1],
    "converted_sessions": [1, 0, 2, 0, 0],  # s7's order was cancelled
    "conversion_share": [0.5, 0.0, 2 / 3, np.nan, 0.0],
    "ad_spend": [12.5, 0, 5.0, np.nan, np.nan],  # the log ends on the third day
}


@pytest.mark.parametrize("kpi", KPIS)
def test_each_indicator_is_what_a_hand_computes(corner, kpi):
    assert daily_kpis(corner)[kpi].tolist() == pytest.approx(
        BY_HAND[kpi], rel=1e-15, abs=0, nan_ok=True
    )


def test_the_columns_are_the_date_and_the_defined_indicators(corner):
    assert daily_kpis(corner).columns.tolist() == ["date", *KPIS]


def test_every_local_day_of_the_period_has_one_row(corner):
    days = daily_kpis(corner)["date"]
    assert days.dtype == "datetime64[us]"
    assert days.tolist() == pd.date_range("2024-03-01", "2024-03-05").tolist()


def test_since_and_until_cut_days_and_leave_history_to_tell_new_from_returning(corner):
    whole = daily_kpis(corner)
    part = daily_kpis(corner, since="2024-03-02", until="2024-03-03")
    assert_frame_equal(part, whole.iloc[1:3].reset_index(drop=True))


def test_each_rate_is_its_numerator_over_its_denominator(corner):
    days = daily_kpis(corner)
    for kpi in (kpi for kpi in KPIS.values() if kpi.numerator):
        expected = days[kpi.numerator] / days[kpi.denominator]
        assert days[kpi.name].tolist() == pytest.approx(expected.tolist(), nan_ok=True), kpi.name


LOST_WITH = {
    "returns": {"returns", "net", "resale_value", "margin"},
    "sessions": {"sessions", "converted_sessions", "conversion_share"},
    "ad_daily": {"ad_spend"},
    "order_lines": {
        "gross", "discounts", "units", "costed_sales", "costed_share", "cost_of_goods", "margin",
    },
}  # fmt: skip


@pytest.mark.parametrize("table", LOST_WITH)
def test_a_missing_table_costs_its_own_columns_and_no_other(corner_tables, corner_manifest, table):
    whole = daily_kpis(Store.from_tables(corner_tables, manifest=corner_manifest))
    del corner_tables[table]
    part = daily_kpis(Store.from_tables(corner_tables, manifest=corner_manifest))
    assert set(part.columns[part.isna().all()]) == LOST_WITH[table]
    kept = [name for name in whole if name not in LOST_WITH[table]]
    assert_frame_equal(part[kept], whole[kept])


@pytest.mark.parametrize(
    ("table", "column", "lost"),
    [
        ("returns", "resale_value", {"resale_value"}),
        ("sessions", "order_id", {"converted_sessions", "conversion_share"}),
    ],
)
def test_a_missing_column_costs_what_it_alone_can_tell(
    corner_tables, corner_manifest, table, column, lost
):
    corner_tables[table] = corner_tables[table].drop(columns=column)
    days = daily_kpis(Store.from_tables(corner_tables, manifest=corner_manifest))
    assert set(days.columns[days.isna().all()]) == lost


def test_without_costs_there_is_no_margin_rather_than_a_margin_of_nothing(
    corner_tables, corner_manifest
):
    corner_tables["order_lines"] = corner_tables["order_lines"].drop(columns="unit_cost")
    corner_tables["products"] = corner_tables["products"].drop(columns="unit_cost")
    days = daily_kpis(Store.from_tables(corner_tables, manifest=corner_manifest))
    assert days[["costed_sales", "costed_share", "cost_of_goods", "margin"]].isna().all().all()


COSTS = ["costed_sales", "costed_share", "cost_of_goods", "margin"]


def without_costs(tables):
    for name in ("order_lines", "products"):
        tables[name] = tables[name].assign(unit_cost=np.nan)
    return tables


def test_a_column_of_costs_without_a_single_cost_gives_no_margin(corner_tables, corner_manifest):
    store = Store.from_tables(without_costs(corner_tables), manifest=corner_manifest)
    assert daily_kpis(store)[COSTS].isna().all(axis=None)


def test_a_period_in_which_no_line_has_a_known_cost_has_no_margin(corner, corner_tables):
    assert daily_kpis(corner, since="2024-03-04")[COSTS].isna().all(axis=None)
    lines = without_costs(corner_tables)["order_lines"]
    known = lines["unit_cost"].mask(lines["order_id"] == "o1", 4.0)
    corner_tables["order_lines"] = lines.assign(unit_cost=known)
    late = daily_kpis(corner_tables, since="2024-03-03", until="2024-03-05")
    assert late["sales"].sum() == 25.0
    assert late[COSTS].isna().all(axis=None)
    assert daily_kpis(corner_tables, until="2024-03-05")["margin"].notna().all()


def test_a_refund_of_goods_of_unknown_cost_leaves_the_margin_alone_where_it_names_its_line(
    corner_tables,
):
    products = corner_tables["products"]
    corner_tables["products"] = products.assign(
        unit_cost=products["unit_cost"].mask(products["sku"] == "tea")
    )
    days = daily_kpis(corner_tables, until="2024-03-05")
    assert days["net"].tolist() == [23.0, 0.0, 25.0, -4.0, -3.0]
    # 18 - 8; 9 - 3.5; r1 is a tea of o4, neither its 4 nor its resale counts; r2 names no line
    assert days["margin"].tolist() == [10.0, 0.0, 5.5, 0.0, -3.0]
    corner_tables["returns"] = corner_tables["returns"].drop(columns="line")
    assert daily_kpis(corner_tables, until="2024-03-05")["margin"].tolist()[3:] == [-2.0, -3.0]


VISITS = ["sessions", "converted_sessions", "conversion_share"]


def test_visits_are_unknown_outside_their_log_and_none_on_a_silent_day_inside(corner_tables):
    log = corner_tables["sessions"]
    corner_tables["sessions"] = log[log["session_id"].isin(["s3", "s7"])]
    days = daily_kpis(corner_tables, since="2024-02-29", until="2024-03-06").set_index("date")
    assert days.loc["2024-03-02":"2024-03-05", "sessions"].tolist() == [1, 0, 0, 1]
    assert days.loc["2024-03-02":"2024-03-05", "converted_sessions"].tolist() == [0, 0, 0, 0]
    for outside in (days.loc[:"2024-03-01"], days.loc["2024-03-06":]):
        assert len(outside) > 0
        assert outside[VISITS].isna().all(axis=None)
        assert outside["orders"].notna().all()


def test_ad_spend_is_unknown_outside_its_log(corner_tables):
    days = daily_kpis(corner_tables, since="2024-02-29", until="2024-03-05")
    assert days["ad_spend"].tolist() == pytest.approx(
        [np.nan, 12.5, 0, 5.0, np.nan, np.nan], nan_ok=True
    )


def test_without_a_payment_status_every_order_counts(corner_tables, corner_manifest):
    corner_tables["orders"] = corner_tables["orders"].drop(columns="payment_status")
    days = daily_kpis(Store.from_tables(corner_tables, manifest=corner_manifest))
    assert days["orders"].tolist() == [3, 0, 2, 0, 1]
    assert days["returns"].tolist() == [0, 0, 0, 4.0, 13.0]


def test_sessions_named_by_the_orders_convert_too(corner_tables, corner_manifest):
    link = corner_tables["sessions"].set_index("order_id")["session_id"].dropna()
    orders = corner_tables["orders"]
    session_id = orders["order_id"].map(link[link.index.notna()])
    corner_tables["orders"] = orders.assign(session_id=session_id.astype("str"))
    corner_tables["sessions"] = corner_tables["sessions"].drop(columns="order_id")
    days = daily_kpis(Store.from_tables(corner_tables, manifest=corner_manifest))
    assert days["converted_sessions"].tolist() == BY_HAND["converted_sessions"]


def test_a_store_without_a_single_sale_is_all_zeros(corner_tables, corner_manifest):
    empty = {name: table.head(0) for name, table in corner_tables.items()}
    days = daily_kpis(Store.from_tables(empty, manifest=corner_manifest))
    assert days["orders"].tolist() == [0] * 5
    assert days["net"].tolist() == [0.0] * 5
    assert days["conversion_share"].isna().all()


def test_days_outside_the_order_of_since_and_until_are_refused(corner):
    with pytest.raises(ValueError, match=r"until=2024-03-01 comes before since=2024-03-04"):
        daily_kpis(corner, since="2024-03-04", until="2024-03-01")
    with pytest.raises(ValueError, match=r"'March' is not a day. Write it as YYYY-MM-DD"):
        daily_kpis(corner, since="March")


def test_frames_without_orders_ask_for_the_period(corner_tables):
    corner_tables["orders"] = corner_tables["orders"].head(0)
    with pytest.raises(ValueError, match=r"orders\.date.*since=, until="):
        daily_kpis(corner_tables)


def test_a_table_that_no_store_has_is_refused():
    with pytest.raises(ValueError, match=r"\['ordres'\] are not tables"):
        daily_kpis({"ordres": pd.DataFrame()})
