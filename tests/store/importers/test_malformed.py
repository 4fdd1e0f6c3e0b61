"""Bad files: a declared repair, rejected rows with their numbers, or one line that says where.

The corpus is the project's list of inputs that readers accept without a word; each number is
its place there.
"""

import gzip
import io
import zipfile

import numpy as np
import pytest

from ecomlab.store.importers import ImportProblem, import_files

MAPPING = """[store]
currency = "EUR"
time_zone = "Europe/Berlin"
[columns]
order_id = "order"
ordered_at = "at"
sku = "sku"
product_name = { from = "name", optional = true }
units = "units"
price = "price"
customer_id = { from = "who", optional = true }
"""
HEAD = "order,at,sku,units,price\n"
GOOD = "1,2024-05-01,a,2,5.00\n"


def error(bring_in, content, match, **others):
    """The file stops the import with one line that names it."""
    with pytest.raises(ImportProblem, match=match) as caught:
        bring_in(content, MAPPING, **others)
    message = str(caught.value)
    assert "\n" not in message
    return message


def rejects(got, rows, match):
    listed = got.rejected.query("status == 'rejected'")
    assert listed["row"].tolist() == rows
    assert listed["reason"].str.contains(match).all(), listed["reason"].tolist()


def test_01_04_other_encodings_are_found_and_named(bring_in):
    for codec, said in (("gb18030", "gb18030"), ("cp1252", "Windows-1252")):
        name = "订单商品" if codec == "gb18030" else "Crème “brûlée”"
        text = f"order,at,sku,units,price,name\n1,2024-05-01,a,2,5.00,{name}\n"
        got = bring_in(text.encode(codec), MAPPING)
        assert got.store.table("products")["name"].tolist() == [name]
        assert any(said in note for note in got.notes)


def test_04_the_euro_sign_is_read_as_windows_1252_and_plain_latin_1_keeps_its_name(bring_in):
    text = "order,at,sku,units,price,name\n1,2024-05-01,a,2,5.00,{}\n"
    for name, said in (("für 5 €", "Windows-1252"), ("für fünf", "latin-1")):
        got = bring_in(text.format(name).encode("cp1252"), MAPPING)
        assert got.store.table("products")["name"].tolist() == [name]
        assert f"orders.csv: read as {said}" in got.notes
    # A byte that Windows-1252 leaves free does not cost the euro sign.
    got = bring_in(text.format("5 €").encode("cp1252") + b"2,2024-05-01,b,1,1,\x81\n", MAPPING)
    assert "5 €" in got.store.table("products")["name"].tolist()


def test_an_empty_cell_is_summed_up_with_its_column(bring_in):
    got = bring_in(HEAD + GOOD + "2,,a,1,1\n3,2024-05-01,,1,1\n", MAPPING)
    assert {"at is empty", "sku is empty"} <= set(got.reasons()["reason"])
    assert "at is empty (1.00 EUR)" in got.report()


@pytest.mark.parametrize("word", ["Größe", "Stéphane", "Ærø", "façade déçue", "año", "Õun täis"])
def test_04_accented_words_are_not_taken_for_chinese(bring_in, word):
    text = f"order,at,sku,units,price,name\n1,2024-05-01,a,2,5.00,{word}\n"
    got = bring_in(text.encode("latin-1"), MAPPING)
    assert got.store.table("products")["name"].tolist() == [word]


def test_42_invisible_signs_do_not_make_another_id(bring_in):
    text = HEAD + "1,2024-05-01,\u200b007,1,1\n1,2024-05-01,007\u00a0,1,1\n"
    assert bring_in(text, MAPPING).store.table("products")["sku"].tolist() == ["007"]


def test_02_55_byte_order_mark_case_and_spaces_in_headers_do_not_matter(bring_in):
    text = "\ufeff ORDER , At,Sku,Units,PRICE\n" + GOOD
    assert bring_in(text, MAPPING).store.table("orders")["amount"].tolist() == [10.0]


def test_03_utf_16_is_refused(bring_in):
    error(bring_in, (HEAD + GOOD).encode("utf-16"), "UTF-16")


def test_05_lines_of_two_encodings_are_refused_with_the_line(bring_in):
    lines = [
        HEAD.encode(),
        GOOD.replace("a", "ä").encode(),
        GOOD.replace("a", "ö").encode("cp1252"),
    ]
    error(bring_in, b"".join(lines), "the first is line 3")


def test_06_a_nul_byte_is_refused_with_line_and_byte(bring_in):
    error(bring_in, HEAD + "1,2024-05-01,a\0,2,5.00\n", r"line 2 \(byte 39\)")


def test_07_08_empty_files_and_headers_alone_are_refused(bring_in):
    for content in ("", "\n\n", b"\xef\xbb\xbf"):
        error(bring_in, content, "empty|no column")
    error(bring_in, HEAD, "a header but no rows")


def test_09_a_row_of_totals_is_rejected(bring_in):
    got = bring_in(HEAD + GOOD + "Total,,,2,10.00\n", MAPPING)
    rejects(got, [3], "empty")
    assert got.store.table("orders")["order_id"].tolist() == ["1"]


def test_10_rows_above_the_header_are_skipped_and_reported(bring_in):
    got = bring_in("My shop\nprinted 2024\n\n" + HEAD + GOOD + "2,2024-05-01,a,x,5\n", MAPPING)
    assert any("3 rows above the header" in note for note in got.notes)
    rejects(got, [6], "not a whole number")


def test_11_12_separators_are_found_by_the_headers(bring_in):
    for separator in ";\t|":
        text = (HEAD + GOOD).replace(",", separator)
        assert bring_in(text, MAPPING).store.table("orders")["amount"].tolist() == [10.0]


def test_13_14_15_40_41_42_numbers_are_read_as_people_write_them(bring_in):
    written = ['"1,234.50"', "€1234.50", "1234.50 EUR", "１２３４.５０", "1\u00a0234.50",
               "1'234.50", "\u200b1234.50\ufeff", "1234.5"]  # fmt: skip
    rows = "".join(f"{n},2024-05-01,a,1,{text}\n" for n, text in enumerate(written))
    got = bring_in(HEAD + rows + "9,2024-05-01,a,1,(10.00)\n", MAPPING)
    assert got.store.table("orders")["amount"].tolist() == [1234.5] * len(written)
    assert got.store.table("returns")["refund_amount"].tolist() == [10.0]


def test_11_a_comma_in_the_wrong_place_is_never_swallowed(bring_in):
    text = HEAD.replace(",", ";") + "1;2024-05-01;a;1;12,50\n2;2024-05-01;a;1;12.50\n"
    error(bring_in, text, "12.50 and 12,50")
    declared = MAPPING.replace("[columns]", '[source]\ndecimal = "."\n[columns]')
    got = bring_in(text, declared)
    rejects(got, [2], "not a number")


def test_16_an_open_quotation_mark_is_refused_with_its_line(bring_in):
    error(bring_in, HEAD + GOOD + '2,2024-05-01,"a,2,5.00\n' + GOOD, "begins in line 3")


def test_17_row_numbers_hold_after_line_breaks_inside_quotes(bring_in):
    text = (
        HEAD.replace("sku", "sku,name")
        + '1,2024-05-01,a,"two\nlines",2,5.00\n2,2024-05-01,b,x,0,1\n'
    )
    got = bring_in(text, MAPPING)
    rejects(got, [4], "no units")
    assert got.store.table("products")["name"].tolist() == ["two\nlines"]


def test_18_19_20_rows_of_another_width_are_rejected_and_never_shifted(bring_in):
    rows = "2,2024-05-01,a,2,5.00,extra\n3,2024-05-01,a,2\n4,2024-05-01,a,2,5.00,,\n"
    got = bring_in(HEAD + GOOD + rows, MAPPING)
    rejects(got, [3, 4], "cells than the header")
    assert got.store.table("orders")["order_id"].tolist() == ["1", "4"]
    assert got.reconciliation.rows_read == 4


def test_21_a_header_that_occurs_twice_is_refused_if_it_is_used(bring_in):
    error(
        bring_in, "order,at,sku,units,price,price\n1,2024-05-01,a,2,5.00,6.00\n", "'price' occurs 2"
    )


def test_22_23_36_37_45_ids_stay_as_they_are_written(bring_in):
    ids = ["007", "NA", "None", "null", "nan", "True", "12345678901234567890123", "../etc", "1e5x"]
    rows = "".join(f"{i},2024-05-01,{i},1,1.00\n" for i in ids)
    got = bring_in(HEAD + rows, MAPPING)
    assert set(got.store.table("orders")["order_id"]) == set(ids)
    assert set(got.store.table("order_lines")["sku"]) == set(ids)


def test_25_ids_that_a_spreadsheet_destroyed_are_rejected(bring_in):
    got = bring_in(HEAD + GOOD + "2.02401E+17,2024-05-01,a,1,1.00\n", MAPPING)
    rejects(got, [3], "destroyed by a spreadsheet")


def test_28_30_31_bare_numbers_impossible_days_and_odd_years_are_rejected(bring_in):
    days = ["45413", "2024-02-30", "1970-01-01", "2199-01-01", "9999-12-31", "soon", ""]
    rows = "".join(f"x{n},{day},a,1,1.00\n" for n, day in enumerate(days))
    got = bring_in(HEAD + GOOD + rows, MAPPING)
    assert got.rejected["row"].tolist() == list(range(3, 10))
    reasons = got.rejected["reason"].tolist()
    assert 'format = "excel"' in reasons[0]
    assert "a day that does not exist" in reasons[1]
    assert all("a year before 1990" in reason for reason in reasons[2:5])
    assert reasons[6] == "empty"


def test_33_mixed_offsets_are_one_time_line(bring_in):
    days = ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00+02:00", "2024-05-01 10:00")
    rows = "".join(f"{n},{day},a,1,1\n" for n, day in enumerate(days, start=1))
    seen = bring_in(HEAD + rows, MAPPING).store.table("orders").set_index("order_id")["ordered_at"]
    assert seen.dt.hour.to_dict() == {"1": 10, "2": 8, "3": 8}


def test_34_38_39_numbers_beyond_reason_are_rejected(bring_in):
    rows = ("2,2024-05-01,a,9223372036854775807,1\n3,2024-05-01,a,1,1e400\n4,2024-05-01,a,1,inf\n"
            "5,2024-05-01,a,1,nan\n6,2024-05-01,a,9999999,9999999999\n7,2024-05-01,a,-1,-1\n"
            "8,2024-05-01,a,0,1\n9,2024-05-01,a,1.5,1\n")  # fmt: skip
    got = bring_in(HEAD + GOOD + rows, MAPPING)
    rejects(got, list(range(3, 11)), "units|number|order")
    assert got.store.table("orders")["amount"].tolist() == [10.0]


def test_43_44_formulas_and_scripts_stay_text_and_are_guarded_in_rejected_csv(bring_in, tmp_path):
    name = "<script>alert(1)</script>"
    rows = f'1,2024-05-01,"=HYPERLINK(1)",1,1.00,{name}\n2,2024-05-01,,1,1,x\n'
    text = f"order,at,=sku,units,price,name\n{rows}"
    got = bring_in(text, MAPPING.replace('"sku"', '"=sku"'))
    assert got.store.table("products").values.tolist() == [["=HYPERLINK(1)", name]]
    got.save(tmp_path / "store")
    assert ",'=sku,empty," in (tmp_path / "store" / "rejected.csv").read_text()


def test_46_mixed_line_ends_are_lines(bring_in):
    text = (
        HEAD.replace("\n", "\r\n") + GOOD.replace("\n", "\r") + "2,2024-05-01,a,1,1\r\n3,x,a,1,1\n"
    )
    got = bring_in(text.encode(), MAPPING)
    rejects(got, [4], "not a date")


def test_47_48_gzip_is_read_but_neither_cut_nor_a_bomb(bring_in, monkeypatch):
    packed = gzip.compress((HEAD + GOOD * 1000).encode())
    assert len(bring_in(packed, MAPPING, file="o.csv.gz").store.table("order_lines")) == 1000
    error(bring_in, packed[:-20], "cut or damaged", file="cut.csv.gz")
    bomb = gzip.compress(b"0" * 80 * 2**20)
    error(bring_in, bomb, "unpacks to more than", file="bomb.csv.gz")


def test_49_50_51_56_other_files_in_disguise_are_refused(bring_in):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.csv", HEAD + GOOD)
    error(bring_in, archive.getvalue(), "zip archive")
    error(bring_in, archive.getvalue(), "not an Excel workbook", file="a.xlsx")
    error(bring_in, "<html><table></table></html>", "not an Excel workbook", file="a.xls")
    error(bring_in, b"\x89PNG\r\n\x1a\n" + bytes(range(1, 200)), "PNG picture")
    error(bring_in, "order,at\n", "not a Parquet file", file="a.parquet")
    error(bring_in, HEAD + GOOD, "ending does not say", file="orders.data")


def test_52_53_huge_fields_and_wide_files_are_refused(bring_in):
    error(bring_in, HEAD + f"1,2024-05-01,{'x' * 1_500_000},1,1\n", "line 2")
    wide = ",".join(f"c{n}" for n in range(20_000))
    error(bring_in, wide + "\n1\n", "20,000 columns")


def test_57_a_file_without_its_header_is_refused_and_names_the_nearest(bring_in):
    error(bring_in, GOOD * 3, "no column 'order'")
    error(bring_in, HEAD.replace("price", "prize") + GOOD, "Did you mean 'prize'")


def test_58_59_one_customer_and_no_variance_are_fine(bring_in):
    rows = "".join(f"{n},2024-05-01,a,1,1.00,k\n" for n in range(5))
    got = bring_in(HEAD.replace("price", "price,who") + rows, MAPPING)
    assert got.store.table("customers")["orders_to_date"].tolist() == [5]


def test_60_a_lone_surrogate_is_not_utf_8(bring_in):
    strict = MAPPING.replace("[columns]", '[source]\nencodings = ["utf-8"]\n[columns]')
    with pytest.raises(ImportProblem, match="utf-8 fails in line 2, byte 38"):
        bring_in((HEAD + "1,2024-05-01,").encode() + b"\xed\xa0\x80,1,1\n", strict)


def test_nothing_accepted_is_an_error_that_says_why(bring_in):
    error(bring_in, HEAD + "1,someday,a,1,1\n", "no row could be taken as a sale.*not a date")


def test_flipped_cut_and_inserted_bytes_never_give_another_kind_of_error(tmp_path):
    mapping = tmp_path / "m.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    whole = (HEAD + "".join(f'{n},2024-05-0{n},"a, ä",1,{n}.50\n' for n in range(1, 9))).encode()
    draw = np.random.default_rng(7)
    for turn in range(250):
        data = bytearray(whole)
        for _ in range(draw.integers(1, 4)):
            at = int(draw.integers(0, len(data)))
            if turn % 3 == 0:
                data[at] = int(draw.integers(0, 256))
            elif turn % 3 == 1:
                del data[at : at + int(draw.integers(1, 9))]
            else:
                data[at:at] = bytes(draw.integers(0, 256, size=3).tolist())
        path = tmp_path / "fuzz.csv"
        path.write_bytes(bytes(data))
        try:
            whole_import = import_files([path], format=mapping, salt="s").reconciliation
        except ImportProblem:
            continue
        assert whole_import.rows_read == whole_import.rows_accepted + whole_import.rows_rejected
