"""A payment status that stands on each line is honoured on each line, and told where it bites."""

from decimal import Decimal

import pytest

from ecomlab.metrics.counted import NOT_COUNTED
from ecomlab.store.importers.status import LOST

MAPPING = """[store]
currency = "EUR"
time_zone = "Europe/Berlin"
[columns]
order_id = "order"
ordered_at = { from = "at", format = "iso" }
sku = "sku"
units = "units"
price = "price"
payment_status = "status"
shipping_fee = "ship"
[[rules]]
when = { sku = "POST" }
then = "shipping"
reason = "postage"
"""
# An order that counts in full: it shows that the export gives a status on each line.
FULL = (("9", "x", 1, 1, "paid"), ("9", "y", 1, 1, "paid"), ("9", "z", 1, 1, "paid"))


def export(*lines):
    rows = (f"{order},2024-05-01,{sku},{units},{price},{status},"
            for order, sku, units, price, status in lines)  # fmt: skip
    return "order,at,sku,units,price,status,ship\n" + "\n".join(rows) + "\n"


def told(got):
    return [tuple(row) for row in got.rejected.query("status == 'rejected'")[
        ["row", "column", "reason", "money"]].itertuples(index=False)]  # fmt: skip


def status_of(got, order="1"):
    return got.store.table("orders").set_index("order_id")["payment_status"].get(order, "no order")


@pytest.mark.parametrize("good", ["paid", "pending", "refunded"])
@pytest.mark.parametrize("bad", ["failed", "cancelled"])
def test_a_lost_line_is_rejected_alone_and_the_others_keep_their_money(bring_in, good, bad):
    lines = [("1", "a", 1, 10, bad), ("1", "b", 1, 20, bad), ("1", "c", 1, 5, good)]
    got = bring_in(export(*lines), MAPPING)
    assert told(got) == [(2, "status", LOST[bad], 10.0), (3, "status", LOST[bad], 20.0)]
    assert status_of(got) == good
    assert got.reconciliation.money_accepted == Decimal(5)
    assert got.reconciliation.money_rejected == Decimal(30)
    assert (
        bring_in(export(*lines[::-1]), MAPPING).store.manifest.tables == got.store.manifest.tables
    )


def test_a_tie_never_resolves_to_cancelled(bring_in):
    got = bring_in(export(("1", "a", 1, 10, "paid"), ("1", "b", 1, 20, "cancelled")), MAPPING)
    assert status_of(got) == "paid"
    assert got.store.table("orders")["amount"].tolist() == [10.0]


def test_an_order_all_of_whose_lines_are_lost_stays_an_order(bring_in):
    got = bring_in(export(("1", "a", 1, 10, "cancelled"), ("1", "b", 1, 20, "failed")), MAPPING)
    assert told(got) == []
    assert status_of(got) in NOT_COUNTED


def test_a_status_on_the_first_line_only_holds_for_the_whole_order(bring_in):
    lines = [("1", "a", 1, 10, "cancelled"), ("1", "b", 1, 20, ""), ("1", "c", 1, 5, ""),
             ("2", "a", 1, 10, "paid"), ("2", "b", 1, 20, ""),
             *((f"{n}", "a", 1, 10, "paid") for n in range(3, 9))]  # fmt: skip
    # Twice over, as files that overlap give it: orders of one row then have two.
    for again in (lines, lines + lines):
        got = bring_in(export(*again), MAPPING)
        assert told(got) == []
        assert [status_of(got, "1"), status_of(got, "2")] == ["cancelled", "paid"]


def test_a_line_of_unknown_status_counts_where_each_line_has_its_own(bring_in):
    lines = (("1", "a", 1, 10, "cancelled"), ("1", "b", 1, 20, ""))
    got = bring_in(export(*lines, *FULL), MAPPING)
    assert told(got) == [(2, "status", LOST["cancelled"], 10.0)]
    orders = got.store.table("orders").set_index("order_id")
    assert orders["payment_status"].isna()["1"]
    assert orders["amount"]["1"] == 20.0


def test_a_paid_line_that_cannot_be_read_does_not_cost_the_cancelled_order(bring_in):
    lines = (("1", "a", 1, 10, "cancelled"), ("1", "b", 1, "?", "paid"))
    got = bring_in(export(*lines, *FULL), MAPPING)
    assert [row for row, *_ in told(got)] == [3]
    assert status_of(got) == "cancelled"


def test_a_return_goes_with_the_lost_line_it_undoes(bring_in):
    lines = (
        ("1", "a", 1, 10, "paid"),
        ("1", "b", 1, 7, "cancelled"),
        ("1", "b", -1, 7, "cancelled"),
    )
    got = bring_in(export(*lines), MAPPING)
    assert [row for row, *_ in told(got)] == [3, 4]
    assert got.reconciliation.money_accepted == Decimal(10)
    assert got.reconciliation.money_rejected == Decimal(0)


def test_a_return_marked_cancelled_still_undoes_a_paid_line(bring_in):
    got = bring_in(export(("1", "a", 1, 10, "paid"), ("1", "a", -1, 10, "cancelled")), MAPPING)
    assert told(got) == []
    assert got.reconciliation.money_accepted == Decimal(0)


def test_cancelled_postage_of_a_paid_order_is_rejected(bring_in):
    got = bring_in(export(("1", "a", 1, 10, "paid"), ("1", "POST", 1, 4, "cancelled")), MAPPING)
    assert told(got) == [(3, "status", LOST["cancelled"], 4.0)]
    assert got.reconciliation.money_accepted == Decimal(10)


def test_the_statuses_of_lost_lines_are_those_the_metrics_do_not_count():
    assert set(LOST) == set(NOT_COUNTED)
