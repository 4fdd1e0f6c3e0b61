"""The real export: every line accounted for, and the money equal to a plain sum by hand."""

from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from ecomlab.store.importers import import_files

SAMPLE = "online_retail_sample_dec2010.csv"


@pytest.fixture(scope="module")
def lines(online_retail):
    return pd.read_parquet(online_retail / "online_retail.parquet")


def test_every_line_is_accepted_or_rejected_with_a_reason(whole_import):
    whole = whole_import.reconciliation
    assert whole.rows_read == 541_909
    assert whole.rows_accepted + whole.rows_rejected == 541_909
    rejected = whole_import.rejected.query("status == 'rejected'")
    assert len(rejected) == whole.rows_rejected
    assert not rejected.duplicated(["file", "row"]).any()
    assert (rejected["reason"] != "").all()


def test_net_revenue_is_a_plain_sum_to_the_cent(whole_import, lines):
    """The sum is over the lines not listed as rejected or postage, by the rows' numbers."""
    listed = whole_import.rejected
    out = listed[(listed["status"] == "rejected") | listed["reason"].str.startswith("postage")]
    kept = lines.drop(index=lines.index[out["row"] - 1])
    by_hand = (kept["Quantity"] * kept["UnitPrice"]).sum()
    store = whole_import.store
    net = store.table("order_lines")["amount"].sum() - store.table("returns")["refund_amount"].sum()
    assert round(net, 2) == round(by_hand, 2) == 9_792_708.88


def test_the_money_of_all_lines_is_accounted_for(whole_import, lines):
    whole = whole_import.reconciliation
    by_hand = (lines["Quantity"] * lines["UnitPrice"]).sum()
    assert whole.money_read == Decimal(str(round(by_hand, 4))).quantize(Decimal("0.0001"))
    rejected = whole_import.rejected.query("status == 'rejected'")["money"].sum()
    assert float(whole.money_rejected) == pytest.approx(rejected, abs=1e-4)


def test_the_same_lines_are_rejected_by_rules_written_a_second_time(whole_import, lines):
    code = lines["StockCode"].str.upper()
    invoice = lines["InvoiceNo"]
    fees = ["BANK CHARGES", "AMAZONFEE", "CRUK", "M", "D", "S", "PADS", "B"]
    postage = code.isin(["POST", "DOT", "C2"])
    out = (
        invoice.str.startswith("A") | code.isin(fees) | code.str.startswith("GIFT_")
        | (lines["UnitPrice"] <= 0) | (postage & invoice.str.startswith("C"))
    )  # fmt: skip
    goods = set(invoice[~out & ~postage])
    out |= postage & ~invoice.isin(goods)
    rejected = whole_import.rejected.query("status == 'rejected'")["row"]
    assert set(rejected) == set(lines.index[out] + 1)


def test_cancellations_are_matched_to_an_earlier_sale_of_the_same_product(whole_import):
    back = whole_import.store.table("returns").dropna(subset=["order_id"])
    assert len(back) / len(whole_import.store.table("returns")) > 0.8
    sold = whole_import.store.table("order_lines").merge(
        whole_import.store.table("orders")[["order_id", "ordered_at", "customer_id"]]
    )
    pairs = back.merge(sold, on=["order_id", "line"], suffixes=("", "_sold"), validate="m:1")
    assert len(pairs) == len(back)
    assert (pairs["sku"] == pairs["sku_sold"]).all()
    assert (pairs["customer_id"] == pairs["customer_id_sold"]).all()
    assert (pairs["ordered_at"] <= pairs["requested_at"]).all()
    taken = pairs.groupby(["order_id", "line"]).agg(
        back=("units", "sum"), sold=("units_sold", "first")
    )
    assert (taken["back"] <= taken["sold"]).all()


def test_the_store_passes_its_own_quality_check(whole_import):
    found = whole_import.store.check()
    assert found[found["severity"] == "error"].empty


def test_the_guide_shows_the_account_as_it_is(whole_import):
    guide = (Path(__file__).parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")
    for line in whole_import.report().splitlines()[:2]:
        assert line in guide


def test_exact_copies_are_kept_and_counted(whole_import):
    assert any("5,268 rows are exact copies" in note for note in whole_import.notes)


def test_times_are_local_times_of_london(whole_import, lines):
    orders = whole_import.store.table("orders").set_index("order_id")
    first = lines[lines["InvoiceNo"].isin(orders.index)].groupby("InvoiceNo")["InvoiceDate"].min()
    local = orders["ordered_at"].dt.tz_convert("Europe/London").dt.tz_localize(None)
    pd.testing.assert_series_equal(
        local.sort_index().astype("datetime64[ns]"), first.sort_index(), check_names=False
    )


def test_csv_excel_and_parquet_give_the_same_store(online_retail, tmp_path):
    frame = pd.read_csv(online_retail / SAMPLE, dtype=str, keep_default_na=False)
    typed = pd.read_csv(online_retail / SAMPLE, dtype={"InvoiceNo": str, "StockCode": str},
                        parse_dates=["InvoiceDate"])  # fmt: skip
    typed.to_parquet(tmp_path / "sample.parquet")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Online Retail")
    sheet.append(list(typed.columns))
    for row in typed.astype(object).where(typed.notna(), None).itertuples(index=False):
        sheet.append([v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for v in row])
    book.save(tmp_path / "sample.xlsx")
    frame.to_csv(tmp_path / "semicolons.csv", sep=";", index=False, encoding="utf-8-sig")
    files = [online_retail / SAMPLE, *(tmp_path / f"{name}" for name in
             ("sample.parquet", "sample.xlsx", "semicolons.csv"))]  # fmt: skip
    got = [import_files([file], format="online_retail", salt="s") for file in files]
    assert got[0].reconciliation.rows_read == len(frame)
    for one in got[1:]:
        assert one.store.manifest.tables == got[0].store.manifest.tables
        assert one.reconciliation == got[0].reconciliation
    numbers = [one.rejected["row"].tolist() for one in got]
    assert numbers[0] == numbers[2] == numbers[3] == [row + 1 for row in numbers[1]]
