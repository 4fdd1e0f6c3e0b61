"""The business by a dimension: by hand, and adding up to the whole."""

import pytest

from ecomlab.metrics import DIMENSIONS, bridge_revenue, summarize_by
from ecomlab.schema import TABLES


def rows(frame, by, *columns):
    return {row[0]: row[1:] for row in frame[[by, *columns]].itertuples(index=False, name=None)}


def test_regions_are_what_a_hand_computes(corner):
    # r1 came back from o4, whose region nobody knows; r2 from no known order
    found = summarize_by(corner, by="region_id")
    columns = ("orders", "units", "sales", "returns", "net", "sessions", "converted_sessions")
    assert rows(found, "region_id", *columns) == {
        "north": (2, 3, 22.0, 0.0, 22.0, 4, 2),
        "unknown": (1, 4, 21.0, 7.0, 14.0, 2, 1),
        "south": (1, 1, 5.0, 0.0, 5.0, 1, 0),
    }
    assert found["region_id"].tolist() == ["north", "unknown", "south"]


def test_channels_come_from_the_visit_an_order_was_placed_in(corner):
    found = summarize_by(corner, by="channel")
    assert rows(found, "channel", "orders", "sales", "sessions", "converted_sessions") == {
        "seo": (2, 39.0, 3, 2),
        "unknown": (1, 5.0, 1, 0),
        "direct": (1, 4.0, 3, 1),
    }


def test_an_order_that_two_visits_claim_counts_once(corner_tables):
    visits = corner_tables["sessions"]
    corner_tables["sessions"] = visits.assign(order_id=visits["order_id"].fillna("o1"))
    found = summarize_by(corner_tables, by="channel")
    assert found["orders"].sum() == 4
    assert found["sales"].sum() == 48.0


def test_categories_come_from_the_lines(corner):
    found = summarize_by(corner, by="category_id")
    assert rows(found, "category_id", "orders", "units", "sales", "returns") == {
        "china": (3, 4, 32.0, 0.0),
        "food": (2, 4, 16.0, 4.0),
        "unknown": (0, 0, 0.0, 3.0),
    }
    assert found["sessions"].isna().all()


@pytest.mark.parametrize("by", ["region_id", "channel", "age_band", "sku", "category_id"])
def test_the_parts_add_up_to_the_whole(tiny, by):
    found, bridge = summarize_by(tiny, by=by), bridge_revenue(tiny).set_index("step")["amount"]
    assert found["sales"].sum() == pytest.approx(bridge["sales"], abs=0.005)
    assert found["net"].sum() == pytest.approx(bridge["net"], abs=0.005)


def test_a_period_counts_only_its_own_orders_returns_and_visits(corner):
    found = summarize_by(corner, by="region_id", since="2024-03-04")
    assert found["orders"].sum() == 0
    assert found["returns"].sum() == 7.0
    assert found["sessions"].sum() == 1


def test_an_unknown_dimension_is_refused_with_the_known_ones(corner):
    with pytest.raises(ValueError, match=r"by='weather' is not a dimension\. Choose from region"):
        summarize_by(corner, by="weather")


def test_a_dimension_the_store_lacks_is_refused_with_its_column(corner):
    with pytest.raises(ValueError, match=r"products\.brand is missing"):
        summarize_by(corner, by="brand")


def test_every_dimension_is_a_text_column_of_the_schema():
    for name, table in DIMENSIONS.items():
        assert TABLES[table].columns[name].metadata["kind"] == "text"
