"""The schema is complete, its references hold, and the data dictionary is true to it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecomlab import schema
from ecomlab.dictionary import dictionary_page

ROOT = Path(__file__).parent.parent
COLUMNS = [(table, name) for table, about in schema.TABLES.items() for name in about.columns]


def test_every_table_and_column_says_what_it_means():
    for table, about in schema.TABLES.items():
        assert about.description.startswith("One row a"), table
        assert about.unique, f"{table} has no key"
    for table, name in COLUMNS:
        column = schema.TABLES[table].columns[name]
        assert column.description, f"{table}.{name}"
        assert column.metadata["kind"] in schema.KINDS, f"{table}.{name}"


def test_numbers_with_a_dimension_carry_a_unit():
    for table, name in COLUMNS:
        column = schema.TABLES[table].columns[name]
        if column.metadata["kind"] == "number":
            assert column.title, f"{table}.{name}"


def test_names_carry_the_kind_of_their_column():
    for table, name in COLUMNS:
        column = schema.TABLES[table].columns[name]
        kind, bounds = column.metadata["kind"], (column.metadata["low"], column.metadata["high"])
        assert (kind == "instant") == name.endswith("_at"), f"{table}.{name}"
        assert (kind == "flag") == name.startswith(("is_", "added_", "reached_", "in_stock")), name
        if name.endswith("_share"):
            assert bounds == (0, 1), f"{table}.{name}"


def test_references_point_to_keys_of_their_own_kind():
    for table in schema.TABLES:
        for name, (target, key) in schema.references(table).items():
            pointed = schema.TABLES[target].columns[key].metadata
            assert pointed["key"], f"{table}.{name}"
            assert pointed["kind"] == schema.TABLES[table].columns[name].metadata["kind"]


def test_columns_that_hold_people_are_personal_wherever_they_stand():
    for table, name in COLUMNS:
        if name in ("customer_id", "visitor_id"):
            assert schema.TABLES[table].columns[name].metadata["personal"], f"{table}.{name}"


def test_the_dictionary_page_is_the_one_that_the_schema_makes():
    written = (ROOT / "docs" / "data_dictionary.md").read_text("utf-8")
    assert written == dictionary_page(), "Run `ecomlab build` to write the page again."


def test_the_dictionary_page_holds_every_column_in_its_table():
    sections = dictionary_page().split("\n## ")[1:]
    assert [section.split("\n")[0] for section in sections] == [*schema.TABLES]
    for section, (table, about) in zip(sections, schema.TABLES.items(), strict=True):
        rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
        assert [row.split("|")[1].strip(" *") for row in rows] == [*about.columns], table


def test_every_kind_of_column_survives_parquet_types_and_back():
    for table, about in schema.TABLES.items():
        empty = pd.DataFrame({name: [] for name in about.columns})
        held = schema.cast(empty, table)
        for name, column in about.columns.items():
            assert str(held[name].dtype) == schema.KINDS[column.metadata["kind"]].pandas
        assert schema.arrow_schema(table).names == held.columns.tolist()


GOOD = pd.DataFrame(
    {
        "order_id": ["a", "b"],
        "ordered_at": ["2024-03-01 10:00Z", "2024-03-02 10:00Z"],
        "date": ["2024-03-01", "2024-03-02"],
        "customer_id": ["alice", None],
        "amount": [1.0, 2.0],
    }
)


def test_a_good_frame_passes_and_is_left_as_it_was():
    before = GOOD.copy(deep=True)
    checked = schema.check(GOOD.assign(extra=1), "orders")
    assert "extra" not in checked
    assert str(checked["ordered_at"].dtype) == "datetime64[us, UTC]"
    pd.testing.assert_frame_equal(GOOD, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"amount": [1.0, -2.0]},
            r"orders\.amount: 1 row not at least 0 \(first at row 1: -2\.0\)",
        ),
        ({"amount": [np.inf, 2.0]}, r"orders\.amount: 1 row not finite \(first at row 0: inf\)"),
        ({"amount": [None, 2.0]}, r"orders\.amount: 1 row empty"),
        ({"amount": ["one", "two"]}, r"orders\.amount: .*wrong type.*finite numbers"),
        ({"date": ["2024-02-30", "2024-03-01"]}, r"orders\.date: .*wrong type.*YYYY-MM-DD"),
        ({"order_id": ["a", "a"]}, r"orders\.order_id: 1 row repeating an earlier key .*row 1"),
        ({"payment_status": ["paid", "gone"]}, r"payment_status: 1 row not one of .*row 1: gone"),
    ],
)
@pytest.mark.filterwarnings("ignore:Could not infer format:UserWarning")
def test_a_bad_frame_is_refused_with_column_row_and_remedy(changes, message):
    with pytest.raises(schema.ContractError, match=message):
        schema.check(GOOD.assign(**changes), "orders")


def test_all_broken_rules_are_told_at_once():
    bad = GOOD.assign(amount=[-1.0, 2.0], shipping_fee=[1.0, -3.0])
    assert {failure.column for failure in schema.failures(bad, "orders")} == {
        "amount", "shipping_fee",
    }  # fmt: skip


def test_a_missing_column_and_a_missing_table_are_named():
    with pytest.raises(schema.ContractError, match=r"orders\.amount: .*column is missing\. Supply"):
        schema.check(GOOD.drop(columns="amount"), "orders")
    with pytest.raises(schema.ContractError, match=r"'ordres' is not a table.*orders"):
        schema.check(GOOD, "ordres")


def test_personal_values_stay_out_of_messages():
    people = pd.DataFrame({"customer_id": ["alice", "alice"], "orders_to_date": [1, -1]})
    with pytest.raises(schema.ContractError) as caught:
        schema.check(people, "customers")
    assert "alice" not in str(caught.value)
    assert "-1" in str(caught.value)
