"""The quality check finds each planted fault, names its row and remedy, and nothing else."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecomlab import schema
from ecomlab.store import Store, open_store
from ecomlab.store.quality import check_store


def trusted(tables, manifest):
    """A store that takes the tables unseen, as a hand-edited folder would bring them."""
    held = {
        name: pa.Table.from_pandas(
            table, schema=schema.arrow_schema(name, table.columns), preserve_index=False
        )
        for name, table in tables.items()
    }
    return Store.from_tables(held, manifest=manifest)


def put(table, column, row, value):
    """One cell changed."""

    def change(tables):
        frame = tables[table]
        values = frame[column].astype(object)
        values.iloc[row] = value
        tables[table] = frame.assign(**{column: values})

    return change


def again(table, row, **changes):
    """One row once more, with changes."""

    def change(tables):
        extra = tables[table].iloc[[row]].assign(**changes)
        tables[table] = pd.concat([tables[table], extra], ignore_index=True)

    return change


def without(table, column):
    def change(tables):
        tables[table] = tables[table].drop(columns=column)

    return change


def lose(table):
    return lambda tables: tables.pop(table)


def drain(table):
    return lambda tables: tables.update({table: tables[table].head(0)})


DAY = pd.Timestamp
FAULTS = {
    # the change, then table, column, rule, rows, first, severity
    "an empty value": (
        put("order_lines", "sku", 2, None),
        ("order_lines", "sku", "empty", 1, "row 2", "error"),
    ),
    "endless spend": (
        put("ad_daily", "spend", 1, np.inf),
        ("ad_daily", "spend", "not finite", 1, "row 1: inf", "error"),
    ),
    "a negative cost": (
        put("order_lines", "unit_cost", 4, -0.5),
        ("order_lines", "unit_cost", "not at least 0", 1, "row 4: -0.5", "error"),
    ),
    "a line before the first": (
        put("order_lines", "line", 5, 0),
        ("order_lines", "line", "not at least 1", 1, "row 5: 0", "error"),
    ),
    "an unknown state": (
        put("orders", "payment_status", 0, "lost"),
        ("orders", "payment_status", "not one of paid, pending, failed, refunded, cancelled", 1,
         "row 0: lost", "error"),
    ),
    "a key twice": (
        again("products", 1),
        ("products", "sku", "repeating an earlier key", 1, "row 3", "error"),
    ),
    "a line of no order": (
        again("order_lines", 0, order_id="o9"),
        ("order_lines", "order_id", "not in orders.order_id", 1, "row 7: o9", "error"),
    ),
    "a product nobody lists": (
        put("order_lines", "sku", 1, "jug"),
        ("order_lines", "sku", "not in products.sku", 1, "row 1: jug", "warning"),
    ),
    "a customer nobody knows": (
        put("orders", "customer_id", 3, "mallory@example.org"),
        ("orders", "customer_id", "not in customers.customer_id", 1, "row 3", "warning"),
    ),
    "an order that is not its lines": (
        put("orders", "amount", 3, 22.0),
        ("orders", "amount", "not the sum of the amounts of its lines", 1, "row 3: 22.0", "error"),
    ),
    "an order without lines": (
        again("orders", 1, order_id="o7"),
        ("orders", "order_id", "without order lines", 1, "row 6: o7", "error"),
    ),
    "a line that is not price times units": (
        put("order_lines", "discount_amount", 0, 1.0),
        ("order_lines", "amount", "not units x price - discount_amount", 1, "row 0: 18.0", "error"),
    ),
    "a day before the period": (
        put("returns", "date", 1, DAY("2024-02-29")),
        ("returns", "date", "outside the period 2024-03-01 to 2024-03-05", 1,
         "row 1: 2024-02-29", "error"),
    ),
    "the UTC day for the local one": (
        put("orders", "date", 1, DAY("2024-03-02")),
        ("orders", "date", "not the local day of ordered_at in America/New_York", 1,
         "row 1: 2024-03-02", "error"),
    ),
    "a line delivered twice": (
        lambda tables: (
            again("order_lines", 1, line=2)(tables), put("orders", "amount", 1, 10.0)(tables)
        ),
        ("order_lines", "order_id+sku+units+price+amount",
         "looking like an earlier line of the same order", 1, "row 7", "warning"),
    ),
    "a refund that nobody booked": (
        put("orders", "payment_status", 0, "refunded"),
        ("orders", "payment_status", "refunded, but without a row in returns", 1, "row 0",
         "warning"),
    ),
    "no orders at all": (
        lose("orders"), ("orders", "", "table is missing", 0, "", "error"),
    ),
    "a table without rows": (
        drain("ad_daily"), ("ad_daily", "", "empty table", 0, "", "warning"),
    ),
    "a needed column left out": (
        without("returns", "refund_amount"),
        ("returns", "refund_amount", "column is missing", 0, "", "error"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds(corner_tables, corner_manifest, fault):
    plant, expected = FAULTS[fault]
    plant(corner_tables)
    found = check_store(trusted(corner_tables, corner_manifest))
    rows = [*found.drop(columns="remedy").itertuples(index=False, name=None)]
    assert rows == [expected]
    assert found["remedy"].str.len().min() > 10


def test_a_sound_store_has_nothing_to_report(corner):
    found = corner.check()
    assert found.empty
    assert found.columns.tolist() == [
        "table", "column", "rule", "rows", "first", "severity", "remedy",
    ]  # fmt: skip


def test_a_simulated_store_has_nothing_to_report(tiny):
    assert check_store(tiny).empty


def test_errors_come_before_warnings(corner_tables, corner_manifest):
    put("orders", "customer_id", 3, "stranger")(corner_tables)
    put("order_lines", "units", 6, 0)(corner_tables)
    found = check_store(trusted(corner_tables, corner_manifest))
    assert found["severity"].tolist() == sorted(found["severity"])
    assert found["table"].tolist() == ["order_lines", "order_lines", "orders"]


def test_no_message_shows_a_personal_value(corner_tables, corner_manifest):
    canary = "alice@example.org"
    for table in ("orders", "customers"):
        again(table, 0, customer_id=canary)(corner_tables)
        again(table, 0, customer_id=canary)(corner_tables)
    put("orders", "customer_id", 0, "bob@example.org")(corner_tables)
    found = check_store(trusted(corner_tables, corner_manifest))
    assert len(found) >= 3
    assert "example.org" not in found.to_csv()


def test_a_file_changed_after_it_was_written_is_told(corner, tmp_path):
    store = corner.save(tmp_path / "shop")
    lines = store.arrow("order_lines").to_pandas()
    lines.loc[0, ["price", "amount"]] = [11.0, 20.0]
    held = pa.Table.from_pandas(lines, schema=store.arrow("order_lines").schema)
    pq.write_table(held, tmp_path / "shop" / "order_lines.parquet")
    found = check_store(open_store(tmp_path / "shop"))
    told = found.set_index("rule")["remedy"]
    assert "again" in told["not what the manifest tells of (7 rows): altered since"]


def test_a_column_of_another_type_is_told_and_the_other_rules_still_run(corner, tmp_path):
    store = corner.save(tmp_path / "shop")
    lines = store.arrow("order_lines").to_pandas().astype({"price": "str"})
    lines.loc[0, "units"] = 0
    pq.write_table(pa.Table.from_pandas(lines), tmp_path / "shop" / "order_lines.parquet")
    found = check_store(open_store(tmp_path / "shop"))
    rules = found.loc[found["table"] == "order_lines"].set_index("column")["rule"]
    assert rules["price"] == "held as varchar, not as double"
    assert rules["units"] == "not at least 1"


def test_a_file_that_cannot_be_read_is_told_and_nothing_crashes(corner, tmp_path):
    corner.save(tmp_path / "shop")
    (tmp_path / "shop" / "returns.parquet").write_bytes(b"PAR1 but cut")
    found = check_store(open_store(tmp_path / "shop"))
    assert found[["table", "rule"]].to_numpy().tolist() == [["returns", "its file cannot be read"]]


@pytest.mark.parametrize(
    ("column", "value"),
    [("units", 0), ("price", -1.0), ("sku", None), ("discount_amount", np.inf), ("line", 0)],
)
def test_the_check_and_the_schema_agree_on_rules_of_one_column(
    corner_tables, corner_manifest, column, value
):
    put("order_lines", column, 3, value)(corner_tables)
    by_schema = {
        (f.column, f.rule, f.rows)
        for f in schema.failures(corner_tables["order_lines"], "order_lines")
    }
    found = check_store(trusted(corner_tables, corner_manifest))
    by_check = {*found[["column", "rule", "rows"]].itertuples(index=False, name=None)}
    assert by_schema <= by_check
    assert by_schema
