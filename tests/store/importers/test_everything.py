"""Every role at once, with values that contradict: rows and money still add up, in any order."""

import csv
import io
import random

import pytest

from ecomlab.store.importers import ImportProblem

MAPPING = """[store]
currency = "EUR"
time_zone = "Europe/Berlin"
[source]
decimal = "."
[settings]
duplicates = "{duplicates}"
[rates]
USD = 0.913
[columns]
order_id = "order"
ordered_at = {{ from = "at", format = "iso" }}
customer_id = "who"
sku = "sku"
product_name = "name"
units = "units"
{money}
discount_amount = "off"
refund_amount = "back"
refund_units = "back_units"
returned_at = {{ from = "back_at", format = "iso" }}
return_reason = "why"
returned_order_id = "undoes"
region = "land"
channel = "source"
payment_status = "status"
currency = "cur"
shipping_fee = "ship"
order_discount_amount = "order_off"
order_discount_share = "order_share"
order_refund_amount = "order_back"
{total}
unit_cost = "cost"
[[rules]]
when = {{ sku = "POST" }}
then = "shipping"
reason = "postage"
[[rules]]
when = {{ sku = "DISC" }}
then = "discount"
reason = "voucher"
[[rules]]
when = {{ sku = "TEST" }}
then = "reject"
reason = "test"
[[rules]]
when = {{ status = "refunded" }}
then = "sold_and_returned"
reason = "status"
[[rules]]
when = {{ order = {{ matches = "^C" }} }}
then = "return"
reason = "cancelled"
"""
MONEY = ('price = "price"', 'price = "price"\namount = "amount"', 'gross_amount = "gross"',
         'amount = "amount"\ndiscount_share = "share"')  # fmt: skip
CHOICES = {
    "order": ("1", "2", "3", "4", "5", "C9"),
    "at": ("2024-05-01", "2024-05-01 10:00", "2024-05-02T03:00:00+02:00", "2024-03-31 02:30", ""),
    "who": ("k1", "k2", ""), "sku": ("a", "b", "c", "POST", "DISC", "TEST"), "name": ("n", "m", ""),
    "off": ("", "", "0.10"), "share": ("", "", "10%", "0.05"), "back": ("", "", "", "0.50", "99"),
    "back_units": ("", "1"), "back_at": ("", "2024-06-01"), "why": ("", "broken"),
    "undoes": ("", "1"), "land": ("DE", "AT", ""), "source": ("seo", "zzz"),
    "status": ("paid", "paid", "", "refunded", "cancelled"),
    "cur": ("EUR", "EUR", "", "USD", "GBP"),
    "ship": ("", "", "4.90"), "order_off": ("", "", "1.00"), "order_share": ("", "", "", "10%"),
    "order_back": ("", "", "", "2.00", "500"), "total": ("", "", "3.00"), "cost": ("", "1.00"),
}  # fmt: skip
JUNK = ("x", "-1", "1e400", "(3.00)", "99999999999", "-0.005", "1.23456789", "€4.00", "")


def rows(draw):
    """Up to a dozen rows, about one cell in fifty junk, sometimes with a repeated row."""
    made = []
    for _ in range(draw.randint(2, 12)):
        units, price = (
            draw.choice((1, 1, 2, 3, 5, -1)),
            draw.choice((1.0, 2.5, 9.99, 0.335, 0.001, 0)),
        )
        row = {name: draw.choice(values) for name, values in CHOICES.items()}
        row |= {"units": units, "price": price, "gross": f"{abs(units) * price:.4f}",
                "amount": f"{abs(units) * price:.2f}"}  # fmt: skip
        for name in row:
            if draw.random() < 0.01:
                row[name] = draw.choice(JUNK)
        made.append(row)
    return made + made[: draw.randint(0, 1)]


def as_csv(made):
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(made[0]))
    writer.writeheader()
    writer.writerows(made)
    return out.getvalue()


@pytest.mark.parametrize("seed", range(8))
def test_any_mixture_adds_up_passes_the_check_and_does_not_depend_on_order(bring_in, seed):
    draw, taken = random.Random(seed), 0
    for _ in range(8):
        mapping = MAPPING.format(
            duplicates=draw.choice(("keep", "reject")),
            money=draw.choice(MONEY),
            total=draw.choice(('order_amount = "total"', "")),
        )
        made = rows(draw)
        try:
            got = bring_in(as_csv(made), mapping)
        except ImportProblem as problem:
            assert "no row could be taken" in str(problem)
            continue
        taken += 1
        found = got.store.check()
        assert found[found["severity"] == "error"].empty, found.to_string()
        draw.shuffle(made)
        again = bring_in(as_csv(made), mapping)
        assert again.store.manifest.tables == got.store.manifest.tables
        assert again.reconciliation == got.reconciliation
    assert taken >= 2
