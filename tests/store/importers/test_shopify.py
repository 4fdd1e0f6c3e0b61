"""Shopify's orders export: order values on the first line, discounts and refunds on orders."""

from decimal import Decimal

import pytest

from ecomlab.store.importers import import_files

HEADER = (
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at",
    "Accepts Marketing", "Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code",
    "Discount Amount", "Shipping Method", "Created at", "Lineitem quantity", "Lineitem name",
    "Lineitem price", "Lineitem compare at price", "Lineitem sku", "Lineitem requires shipping",
    "Lineitem taxable", "Lineitem fulfillment status", "Billing Name", "Billing Street",
    "Billing Address1", "Billing City", "Billing Zip", "Billing Country", "Billing Phone",
    "Shipping Name", "Shipping Country", "Notes", "Cancelled at", "Payment Method",
    "Refunded Amount", "Vendor", "Id", "Tags", "Risk Level", "Source", "Lineitem discount",
    "Phone",
)  # fmt: skip


def row(**cells):
    """A row of the export: headers' spaces are written as underscores."""
    given = {name.replace("_", " "): text for name, text in cells.items()}
    assert set(given) <= set(HEADER), set(given) - set(HEADER)
    return ",".join('"' + given.get(name, "").replace('"', '""') + '"' for name in HEADER)


def order(name, **cells):
    return row(Name=name, Currency="USD", Billing_Name="Ann Lee", Billing_Street="1 Main St",
               Created_at="2024-03-01 23:11:12 -0500", Lineitem_quantity="1", **cells)  # fmt: skip


@pytest.fixture
def shop(tmp_path):
    rows = [
        # A code of 6.00 on the order; the note holds a line break.
        order("#1001", Email="Ann@Example.org", Financial_Status="paid", Subtotal="54.00",
              Shipping="5.00", Taxes="4.32", Total="63.32", Discount_Code="TEN",
              Discount_Amount="6.00", Lineitem_name="Blue Mug", Lineitem_price="30.00",
              Lineitem_compare_at_price="36.00", Lineitem_sku="MUG", Shipping_Country="US",
              Notes="call me\nat noon", Refunded_Amount="0.00", Vendor="Acme", Source="web",
              Lineitem_discount="0.00"),
        row(Name="#1001", Email="Ann@Example.org", Created_at="2024-03-01 23:11:12 -0500",
            Lineitem_quantity="2", Lineitem_name="Tea Pot", Lineitem_price="15.00",
            Lineitem_sku="POT", Vendor="Acme", Lineitem_discount="0.00"),
        # A guest, a product without a code, part of the money paid back.
        order("#1002", Financial_Status="partially_refunded", Subtotal="40.00", Shipping="0.00",
              Discount_Amount="0.00", Lineitem_name="Sticker", Lineitem_price="40.00",
              Shipping_Country="CA", Refunded_Amount="20.00", Lineitem_discount="0.00"),
        # An automatic discount stands on the line and again on the order; all paid back with tax.
        order("#1003", Email="bob@example.org", Financial_Status="refunded", Subtotal="27.00",
              Shipping="5.00", Taxes="2.00", Discount_Amount="3.00", Lineitem_name="Blue Mug",
              Lineitem_price="30.00", Lineitem_sku="MUG", Refunded_Amount="34.00",
              Lineitem_discount="3.00"),
        # A discount on shipping alone leaves the goods as they are.
        order("#1004", Email="ann@example.org", Financial_Status="voided", Subtotal="30.00",
              Shipping="0.00", Discount_Amount="5.00", Discount_Code="FREESHIP",
              Lineitem_name="Blue Mug", Lineitem_price="30.00", Lineitem_sku="MUG",
              Lineitem_discount="0.00"),
    ]  # fmt: skip
    path = tmp_path / "orders_export.csv"
    path.write_text("\n".join([",".join(HEADER), *rows]) + "\n", encoding="utf-8")
    return import_files([path], format="shopify", salt="s")


def test_orders_carry_what_stands_on_their_first_line(shop):
    orders = shop.store.table("orders").set_index("order_id")
    assert orders["amount"].to_dict() == {
        "#1001": 54.0, "#1002": 40.0, "#1003": 27.0, "#1004": 30.0,
    }  # fmt: skip
    assert orders["discount_amount"].tolist() == [6.0, 0.0, 3.0, 0.0]
    assert orders["payment_status"].tolist() == ["paid", "paid", "refunded", "cancelled"]
    assert orders["coupon"].fillna("").tolist() == ["TEN", "", "", "FREESHIP"]
    assert str(orders["ordered_at"].iloc[0]) == "2024-03-02 04:11:12+00:00"
    assert shop.store.currency == "USD"


def test_the_discount_is_spread_over_the_lines(shop):
    lines = shop.store.table("order_lines").query("order_id == '#1001'")
    assert lines[["sku", "units", "price", "discount_amount", "amount"]].values.tolist() == [
        ["MUG", 1, 30.0, 3.0, 27.0], ["POT", 2, 15.0, 3.0, 27.0],
    ]  # fmt: skip


def test_refunds_are_goods_first_then_shipping_then_tax_set_aside(shop):
    back = shop.store.table("returns").set_index("order_id")
    assert back["refund_amount"].to_dict() == {"#1002": 20.0, "#1003": 27.0}
    assert back.loc["#1003", ["sku", "units"]].tolist() == ["MUG", 1]
    assert shop.store.table("orders").set_index("order_id").loc["#1003", "shipping_fee"] == 0.0
    aside = shop.rejected.query("status == 'set_aside'")
    assert aside["money"].tolist() == [-2.0]
    assert shop.reconciliation.money_read == Decimal("54") + 5 + 40 - 20 + 27 + 5 - 34 + 30


def test_one_customer_is_one_whatever_the_case_of_the_address(shop):
    customers = shop.store.table("customers")
    assert sorted(customers["orders_to_date"]) == [1, 2]
    assert shop.store.table("orders")["customer_id"].isna().sum() == 1


def test_products_without_a_code_go_by_their_name(shop):
    products = shop.store.table("products").set_index("sku")
    assert set(products.index) == {"MUG", "POT", "Sticker"}
    assert products.loc["MUG", "list_price"] == 36.0


def test_personal_columns_are_dropped_and_named_in_the_notes(shop):
    note = next(note for note in shop.notes if note.startswith("Personal columns dropped"))
    for column in ("Billing Name", "Billing Street", "Notes", "Phone"):
        assert column in note
