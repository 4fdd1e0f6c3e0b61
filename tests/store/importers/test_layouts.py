"""A stranger's exports come in by a mapping file alone."""

import io
from datetime import datetime
from decimal import Decimal

import openpyxl
import pandas as pd
import pytest

from ecomlab.store.importers import ImportProblem

BASE = '[store]\nname = "S"\ncurrency = "EUR"\ntime_zone = "Europe/Berlin"\n'
PLAIN = """[columns]
order_id = "order"
ordered_at = "at"
sku = "sku"
units = "units"
price = "price"
"""


def money(imported):
    """Rows and money of an import, checked to add up independently of its own check."""
    whole = imported.reconciliation
    assert whole.rows_read == whole.rows_accepted + whole.rows_rejected
    assert whole.money_read == whole.money_accepted + whole.money_rejected
    store = imported.store
    held = store.table("order_lines")["amount"].sum()
    orders = store.table("orders")
    held += orders["shipping_fee"].sum() if "shipping_fee" in orders else 0
    held -= store.table("returns")["refund_amount"].sum() if "returns" in store.tables else 0
    assert float(whole.money_accepted) == pytest.approx(held, abs=1e-6)
    listed = imported.rejected.query("status == 'rejected'")
    assert len(listed) == whole.rows_rejected
    return whole


def test_a_german_export_with_semicolons_commas_and_latin_1(bring_in):
    text = (
        "Bestellnummer;Datum;Artikel-Nr.;Artikel;Menge;Einzelpreis;Land\r\n"
        "0001;13.02.2024 09:30;007;Bücher für Größen;2;1.234,50 €;Österreich\r\n"
        "0001;13.02.2024 09:30;008;Fuß;1;0,99 €;Österreich\r\n"
        "0002;01.03.2024;007;Bücher für Größen;1;1.234,50 €;Österreich\r\n"
    ).encode("cp1252")
    got = bring_in(
        text,
        BASE
        + """[columns]
order_id = "Bestellnummer"
ordered_at = "Datum"
sku = "Artikel-Nr."
product_name = "Artikel"
units = "Menge"
price = "Einzelpreis"
region = "Land"
""",
    )
    lines = got.store.table("order_lines")
    assert lines["sku"].tolist() == ["007", "008", "007"]
    assert lines["amount"].tolist() == [2469.0, 0.99, 1234.5]
    assert got.store.table("products")["name"].tolist() == ["Bücher für Größen", "Fuß"]
    orders = got.store.table("orders")
    assert orders["order_id"].tolist() == ["0001", "0002"]
    assert str(orders["ordered_at"][0]) == "2024-02-13 08:30:00+00:00"
    assert orders["date"].astype(str).tolist() == ["2024-02-13", "2024-03-01"]
    assert any("Windows-1252" in note for note in got.notes)
    assert any("decimal comma" in note for note in got.notes)
    assert any("day first" in note for note in got.notes)
    assert money(got).money_read == Decimal("3704.49")


def test_a_chinese_export_in_gb18030(bring_in):
    text = (
        "订单编号,下单时间,商品编码,商品名称,数量,单价,买家,订单状态\n"
        "202405010001,2024年5月1日 10时11分12秒,S-1,陶瓷杯,２,￥１９.９０,张三,已付款\n"
        "202405010002,2024年5月1日 下午3:05,S-2,茶叶,1,88元,李四,已关闭\n"
    ).encode("gb18030")
    got = bring_in(
        text,
        """[store]
currency = "CNY"
time_zone = "Asia/Shanghai"
[columns]
order_id = "订单编号"
ordered_at = { from = "下单时间", format = "chinese" }
sku = "商品编码"
product_name = "商品名称"
units = "数量"
price = "单价"
customer_id = "买家"
payment_status = { from = "订单状态", values = { "已付款" = "paid", "已关闭" = "cancelled" } }
""",
    )
    orders = got.store.table("orders")
    assert orders["amount"].tolist() == [39.8, 88.0]
    assert orders["payment_status"].tolist() == ["paid", "cancelled"]
    assert orders["ordered_at"].astype(str).tolist() == [
        "2024-05-01 02:11:12+00:00", "2024-05-01 07:05:00+00:00",
    ]  # fmt: skip
    assert got.store.table("products")["name"].tolist() == ["陶瓷杯", "茶叶"]
    assert got.store.name == "orders"
    money(got)


def test_us_dates_accounting_negatives_and_dollar_signs(bring_in):
    text = (
        'order,at,sku,units,price\n1,12/31/2023 11:05 PM,a,1,"$1,000.00"\n'
        "1,12/31/2023 11:05 PM,b,1,($10.00)\n"
    )
    got = bring_in(text, BASE.replace("EUR", "USD") + PLAIN)
    assert got.store.table("orders")["amount"].tolist() == [1000.0]
    assert got.store.table("returns")["refund_amount"].tolist() == [10.0]
    assert money(got).rows_reinterpreted == 1


def test_ambiguous_dates_stop_the_import_and_name_the_remedy(bring_in):
    text = "order,at,sku,units,price\n1,01/02/2024,a,1,5.00\n"
    with pytest.raises(ImportProblem, match=r'at: .*"day_first" or "month_first"'):
        bring_in(text, BASE + PLAIN)
    declared = PLAIN.replace('"at"', '{ from = "at", format = "day_first" }')
    assert bring_in(text, BASE + declared).store.manifest.first_day == "2024-02-01"


def test_excel_serials_unix_seconds_and_offsets_give_the_same_instant(bring_in):
    written = {
        "excel": "45413.375", "unix": "1714548600", "unix_ms": "1714548600000",
        "iso": "2024-05-01T03:30:00-04:00", "%d.%m.%y %H.%M": "01.05.24 09.30",
        "auto": "1 May 2024, 09:30",
    }  # fmt: skip
    seen = set()
    for name, text in written.items():
        column = PLAIN.replace('"at"', f'{{ from = "at", format = "{name}" }}')
        text = text.replace("45413.375", str(45413 + 9.5 / 24))
        got = bring_in(f'order,at,sku,units,price\n1,"{text}",a,1,5.00\n', BASE + column)
        seen.add(str(got.store.table("orders")["ordered_at"][0]))
    assert seen == {"2024-05-01 07:30:00+00:00"}


def test_date_and_time_in_two_columns(bring_in):
    text = "order,day,clock,sku,units,price\n1,2024-05-01,09:30,a,1,5.00\n"
    column = PLAIN.replace('"at"', '{ join = ["day", "clock"] }')
    got = bring_in(text, BASE + column)
    assert str(got.store.table("orders")["ordered_at"][0]) == "2024-05-01 07:30:00+00:00"


def test_discounts_as_percentages_round_to_the_cent(bring_in):
    text = "order,at,sku,units,price,off\n1,2024-05-01,a,3,3.33,15%\n2,2024-05-01,a,1,3.33,\n"
    got = bring_in(text, BASE + PLAIN + 'discount_share = "off"\n')
    lines = got.store.table("order_lines")
    assert lines["discount_amount"].tolist() == [1.5, 0.0]
    assert lines["amount"].tolist() == [8.49, 3.33]
    assert got.store.table("orders")["discount_amount"].tolist() == [1.5, 0.0]


def test_line_totals_after_a_percentage_give_back_price_and_discount(bring_in):
    """The layout of the Superstore sample: sales after discount, share of discount, profit."""
    text = "order,at,sku,units,Sales,Discount,Profit\n1,2024-05-01,a,2,80.00,0.2,30.00\n"
    mapping = BASE + PLAIN.replace('price = "price"', 'amount = "Sales"')
    got = bring_in(text, mapping + 'discount_share = "Discount"\nmargin_amount = "Profit"\n')
    line = got.store.table("order_lines").iloc[0]
    assert (line["price"], line["discount_amount"], line["amount"]) == (50.0, 20.0, 80.0)
    assert line["unit_cost"] == 25.0


def test_line_totals_without_a_price_give_the_price(bring_in):
    text = "order,at,sku,units,total\n1,2024-05-01,a,3,10.00\n"
    got = bring_in(text, BASE + PLAIN.replace('price = "price"', 'amount = "total"'))
    line = got.store.table("order_lines").iloc[0]
    assert line["amount"] == 10.0
    assert line["units"] * line["price"] == pytest.approx(10.0, abs=1e-8)


def test_a_total_that_contradicts_the_price_is_rejected(bring_in):
    text = (
        "order,at,sku,units,price,off,total\n1,2024-05-01,a,2,5.00,1.00,9.00\n"
        "2,2024-05-01,a,2,5.00,1.00,7.00\n"
    )
    got = bring_in(text, BASE + PLAIN + 'discount_amount = "off"\namount = "total"\n')
    assert money(got).rows_rejected == 1
    assert got.rejected["row"].tolist() == [3]
    assert "less the discount" in got.rejected["reason"][0]


def test_an_order_discount_is_spread_to_the_cent(bring_in):
    text = (
        "order,at,sku,units,price,off,ship\n1,2024-05-01,a,1,10.00,1.00,4.90\n"
        "1,2024-05-01,b,1,10.00,,\n1,2024-05-01,c,1,10.00,,\n2,2024-05-02,a,1,10.00,,\n"
    )
    got = bring_in(text, BASE + PLAIN + 'order_discount_amount = "off"\nshipping_fee = "ship"\n')
    lines = got.store.table("order_lines")
    assert lines["discount_amount"].tolist() == [0.34, 0.33, 0.33, 0.0]
    assert got.store.table("orders")["amount"].tolist() == [29.0, 10.0]
    assert got.store.table("orders")["shipping_fee"].tolist() == [4.9, 0.0]
    assert money(got).money_read == Decimal("43.90")


def test_order_values_repeated_on_each_line_count_once(bring_in):
    text = (
        "order,at,sku,units,price,off,ship\n1,2024-05-01,a,1,10.00,1.00,4.90\n"
        "1,2024-05-01,b,1,10.00,1.00,4.90\n"
    )
    mapping = BASE + PLAIN + 'order_discount_amount = "off"\n'
    got = bring_in(text, mapping + 'shipping_fee = "ship"\n')
    assert got.store.table("orders").loc[0, ["amount", "shipping_fee"]].tolist() == [19.0, 4.9]
    per_line = bring_in(text, mapping + 'shipping_fee = { from = "ship", per = "line" }\n')
    assert per_line.store.table("orders").loc[0, ["amount", "shipping_fee"]].tolist() == [19.0, 9.8]


def test_order_money_that_differs_within_an_order_rejects_the_order(bring_in):
    text = (
        "order,at,sku,units,price,ship\n1,2024-05-01,a,1,10.00,4\n"
        "1,2024-05-01,b,1,10.00,5\n2,2024-05-01,b,1,1.00,5\n"
    )
    got = bring_in(text, BASE + PLAIN + 'shipping_fee = "ship"\n')
    assert money(got).rows_rejected == 2
    assert 'per = "line"' in got.rejected["reason"][0]


def test_a_discount_line_and_a_postage_line_become_order_values(bring_in):
    text = (
        "order,at,sku,units,price\n1,2024-05-01,a,2,10.00\n1,2024-05-01,VOUCHER,1,-5.00\n"
        "1,2024-05-01,POST,1,3.00\n2,2024-05-01,POST,1,3.00\n"
    )
    rules = """
[[rules]]
when = { sku = "voucher" }
then = "discount"
reason = "voucher"
[[rules]]
when = { sku = { matches = "^post$" } }
then = "shipping"
reason = "postage"
"""
    got = bring_in(text, BASE + PLAIN + rules)
    order = got.store.table("orders").iloc[0]
    assert (order["amount"], order["discount_amount"], order["shipping_fee"]) == (15.0, 5.0, 3.0)
    whole = money(got)
    assert (whole.rows_reinterpreted, whole.rows_rejected) == (2, 1)
    assert whole.money_rejected == Decimal("3.00")


def test_refunds_by_status_by_column_and_by_negative_rows_agree(bring_in):
    rule = (
        '[[rules]]\nwhen = { status = "refunded" }\nthen = "sold_and_returned"\nreason = "status"\n'
    )
    by_status = bring_in(
        "order,at,sku,units,price,status\n1,2024-05-01,a,2,5.00,refunded\n2,2024-05-01,a,1,5.00,\n",
        BASE + PLAIN + rule,
    )
    by_column = bring_in(
        "order,at,sku,units,price,back\n1,2024-05-01,a,2,5.00,10.00\n2,2024-05-01,a,1,5.00,0\n",
        BASE + PLAIN + 'refund_amount = "back"\n',
    )
    by_row = bring_in(
        "order,at,sku,units,price\n1,2024-05-01,a,2,5.00\n1,2024-05-01,a,-2,5.00\n"
        "2,2024-05-01,a,1,5.00\n",
        BASE + PLAIN,
    )
    columns = ["order_id", "line", "sku", "date", "units", "refund_amount"]
    tables = [got.store.table("returns")[columns] for got in (by_status, by_column, by_row)]
    assert tables[0].values.tolist() == [["1", 1, "a", pd.Timestamp("2024-05-01"), 2, 10.0]]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])
    assert {money(got).money_read for got in (by_status, by_column, by_row)} == {Decimal("5.00")}


def test_an_order_refund_goes_to_goods_then_shipping_and_the_rest_is_set_aside(bring_in):
    text = (
        "order,at,sku,units,price,ship,back\n1,2024-05-01,a,2,5.00,4.00,16.00\n"
        "2,2024-05-01,a,2,5.00,4.00,3.00\n"
    )
    got = bring_in(text, BASE + PLAIN + 'shipping_fee = "ship"\norder_refund_amount = "back"\n')
    back = got.store.table("returns")
    assert back["refund_amount"].tolist() == [10.0, 3.0]
    assert back["units"].tolist() == [2, 0]
    assert got.store.table("orders")["shipping_fee"].tolist() == [0.0, 4.0]
    assert money(got).money_rejected == Decimal("-2.00")


def test_one_row_an_order_needs_no_product(bring_in):
    text = "id;when;who;total\nA1;2024-05-01 10:00;k1;19,90\nA2;2024-05-02 10:00;;5,00\n"
    got = bring_in(
        text,
        BASE
        + """[columns]
order_id = "id"
ordered_at = "when"
customer_id = "who"
amount = "total"
""",
    )
    assert got.store.table("orders")["amount"].tolist() == [19.9, 5.0]
    assert got.store.table("orders")["customer_id"].isna().tolist() == [False, True]
    assert got.store.table("order_lines")["sku"].tolist() == ["order", "order"]


def test_a_log_without_header_or_order_number_comes_in(bring_in):
    """The layout of the CDNOW log: customer, day, units, amount, in columns of spaces."""
    text = " 00004 19970101  2  29.33\n 00004 19970118  2  29.73\n 00021 19970101  3  63.34\n"
    got = bring_in(
        text,
        """[store]
currency = "USD"
time_zone = "America/New_York"
[source]
separator = "spaces"
names = ["customer", "day", "units", "amount"]
[columns]
order_id = { row_number = true }
ordered_at = { from = "day", format = "%Y%m%d" }
customer_id = "customer"
units = "units"
amount = "amount"
""",
        file="log.txt",
    )
    assert got.store.table("orders")["order_id"].tolist() == ["1", "3", "2"]
    assert sorted(got.store.table("customers")["orders_to_date"]) == [1, 2]


def test_order_numbers_made_of_the_customer_become_pseudonyms(bring_in):
    text = "who,at,price\nann@x.org,2024-05-01,5.00\nann@x.org,2024-05-02,6.00\n"
    got = bring_in(
        text,
        BASE
        + """[columns]
order_id = { join = ["who", "at"] }
ordered_at = "at"
customer_id = "who"
price = "price"
""",
    )
    assert got.store.table("orders")["order_id"].str.fullmatch("o[0-9a-f]{20}").all()


def test_several_files_are_one_export(bring_in):
    header = "order,at,sku,units,price\n"
    one, two = "1,2024-05-01,a,1,5.00\n", "2,2024-05-02,b,2,5.00\n"
    whole = bring_in(header + one + two, BASE + PLAIN)
    parts = bring_in(header + one, BASE + PLAIN, file="a.csv", **{"b__csv": header + two})
    for table in whole.store.tables:
        pd.testing.assert_frame_equal(whole.store.table(table), parts.store.table(table))
    assert parts.rejected.empty


def test_other_currencies_are_rejected_or_converted_at_the_declared_rate(bring_in):
    text = "order,at,sku,units,price,cur\n1,2024-05-01,a,1,5.00,EUR\n2,2024-05-01,a,1,10.00,usd\n"
    mapping = BASE + PLAIN + 'currency = "cur"\n'
    strict = bring_in(text, mapping)
    assert strict.store.table("orders")["amount"].tolist() == [5.0]
    assert "not in EUR" in strict.rejected["reason"][0]
    converted = bring_in(text, mapping + "[rates]\nUSD = 0.92\n")
    assert converted.store.table("orders")["amount"].tolist() == [5.0, 9.2]
    assert money(converted).rows_reinterpreted == 1
    with pytest.raises(ImportProblem, match="several currencies"):
        bring_in(text, mapping.replace('currency = "EUR"', ""))
    signs = text.replace(",cur", "").replace(",EUR", "").replace("10.00,usd", "US$10.00")
    assert "in USD" in bring_in(signs, BASE + PLAIN).rejected["reason"][0]


def test_a_currency_on_the_first_line_holds_for_the_whole_order(bring_in):
    text = (
        "order,at,sku,units,price,cur\n1,2024-05-01,a,1,5,USD\n1,,b,1,5,\n2,2024-05-01,a,1,5,EUR\n"
    )
    got = bring_in(text, BASE + PLAIN + 'currency = "cur"\n')
    assert got.store.table("orders")["order_id"].tolist() == ["2"]
    assert money(got).rows_rejected == 2


def test_local_times_that_never_were_are_rejected_or_shifted(bring_in):
    text = "order,at,sku,units,price\n1,2024-03-31 02:30,a,1,5.00\n2,2024-10-27 02:30,a,1,5.00\n"
    strict = bring_in(text, BASE + PLAIN)
    assert "did not exist in Europe/Berlin" in strict.rejected["reason"][0]
    assert any("occurred twice" in note for note in strict.notes)
    assert str(strict.store.table("orders")["ordered_at"][0]) == "2024-10-27 00:30:00+00:00"
    moved = bring_in(text, BASE + '[settings]\nnonexistent_times = "shift"\n' + PLAIN)
    assert str(moved.store.table("orders")["ordered_at"][0]) == "2024-03-31 01:00:00+00:00"
    assert money(moved).rows_reinterpreted == 1


def test_excel_and_parquet_hold_the_same_store_as_csv(bring_in):
    rows = [("0001", datetime(2024, 2, 1, 9, 30), "007", 2, 1234.555),
            ("0002", datetime(2024, 2, 3), "008", 1, 0.1)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["order", "at", "sku", "units", "price"])
    book = openpyxl.Workbook()
    book.active.append(["My export, printed today"])
    book.active.append(list(frame.columns))
    for row in rows:
        book.active.append(row)
    excel, parquet = io.BytesIO(), io.BytesIO()
    book.save(excel)
    frame.to_parquet(parquet)
    for decimal in ("auto", ","):
        mapping = BASE + f'[source]\ndecimal = "{decimal}"\n' + PLAIN
        got = [
            bring_in(excel.getvalue(), mapping, file="a.xlsx"),
            bring_in(parquet.getvalue(), mapping, file="a.parquet"),
            bring_in(frame.to_csv(index=False, decimal="." if decimal == "auto" else ",", sep=";"),
                     mapping),
        ]  # fmt: skip
        hashes = [one.store.manifest.tables for one in got]
        assert hashes[0] == hashes[1] == hashes[2]
        assert got[0].store.table("order_lines")["amount"].tolist() == [2469.11, 0.1]


def test_further_tables_come_from_files_of_their_own(bring_in):
    tables = """
[tables.products]
files = "products*.csv"
columns = { sku = "SKU", name = "Title", unit_cost = "Cost" }
[tables.ad_daily]
files = "ads*"
[tables.ad_daily.columns]
date = "Day"
channel = { from = "Where", values = { google = "paid_search" } }
campaign = "Campaign"
region_id = { constant = "all" }
spend = "Spend"
"""
    got = bring_in(
        "order,at,sku,units,price\n1,2024-05-01,a,1,5.00\n1,2024-05-01,z,1,5.00\n",
        BASE + PLAIN + tables,
        products__csv="SKU,Title,Cost\na,Ant,2.50\na,Again,1\nb,Bee,oops\n",
        ads__csv="Day,Where,Campaign,Spend\n2024-05-01,google,brand,10\n2024-05-01,tv,brand,10\n",
    )
    products = got.store.table("products")
    assert products["sku"].tolist() == ["a", "z"]
    assert products["unit_cost"].fillna(-1).tolist() == [2.5, -1]
    assert got.store.table("ad_daily")["channel"].tolist() == ["paid_search", "other"]
    assert got.rejected[["file", "row"]].values.tolist() == [
        ["products.csv", 3], ["products.csv", 4],
    ]  # fmt: skip
    assert any('it counts as "other"' in note for note in got.notes)
    assert money(got).rows_read == 7


def test_ids_written_down_once_can_be_filled_down(bring_in):
    text = "order,at,sku,units,price\n1,2024-05-01,a,1,5.00\n,,b,1,5.00\n2,2024-05-02,a,1,5.00\n"
    mapping = BASE + PLAIN.replace('"order"', '{ from = "order", fill_down = true }')
    got = bring_in(text, mapping)
    assert got.store.table("orders")["amount"].tolist() == [10.0, 5.0]


def test_duplicates_are_counted_and_kept_unless_the_mapping_says_otherwise(bring_in):
    text = "order,at,sku,units,price\n1,2024-05-01,a,1,5.00\n1,2024-05-01,a,1,5.00\n"
    kept = bring_in(text, BASE + PLAIN)
    assert kept.store.table("orders")["amount"].tolist() == [10.0]
    assert any("1 row is an exact copy of an earlier one" in note for note in kept.notes)
    left = bring_in(text, BASE + '[settings]\nduplicates = "reject"\n' + PLAIN)
    assert left.store.table("orders")["amount"].tolist() == [5.0]


def test_customer_ids_that_differ_only_by_case_are_told_and_joined_on_request(bring_in):
    rows = [f"{n},2024-05-01,a,1,5.00,{who}" for n, who in enumerate(("Ann", "ann", "Bo", "Bo"))]
    text = "order,at,sku,units,price,who\n" + "\n".join(rows) + "\n"
    kept = bring_in(text, BASE + PLAIN + 'customer_id = "who"\n')
    note = next(note for note in kept.notes if "only by case" in note)
    assert note.startswith("who: 1 id differs from another only by case")
    assert "ann" not in note.lower()
    joined = bring_in(text, BASE + PLAIN + 'customer_id = { from = "who", case = "lower" }\n')
    assert not any("only by case" in note for note in joined.notes)
    assert [len(got.store.table("customers")) for got in (kept, joined)] == [3, 2]
