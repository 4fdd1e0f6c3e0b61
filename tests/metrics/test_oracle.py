"""A slow, obvious loop over rows agrees with every indicator of a simulated store."""

from collections import Counter, defaultdict
from fractions import Fraction

import pytest

from ecomlab.metrics import KPIS, daily_kpis


def exactly(amount):
    """An amount of money as it was meant: a decimal number, not its nearest float."""
    return Fraction(str(amount))


@pytest.fixture(scope="module")
def by_loop(tiny):
    """Sums by day and indicator, one row at a time."""
    days = defaultdict(Counter)
    counted, day_of, seen = set(), {}, {}
    orders = tiny.table("orders").sort_values("ordered_at", kind="stable")
    void = set()
    for order in orders.itertuples():
        day_of[order.order_id] = order.date
        if order.payment_status in ("failed", "cancelled"):
            void.add(order.order_id)
            continue
        counted.add(order.order_id)
        day = days[order.date]
        day["orders"] += 1
        day["sales"] += exactly(order.amount)
        if order.customer_id != order.customer_id or order.customer_id is None:
            day["guest_orders"] += 1
        else:
            first = seen.setdefault(order.customer_id, order.date)
            kind = "new" if first == order.date else "returning"
            day[kind, order.customer_id] = 1
    uncosted = set()
    cost_of = tiny.table("products").set_index("sku")["unit_cost"].to_dict()
    for line in tiny.table("order_lines").itertuples():
        if line.order_id not in counted:
            continue
        day = days[day_of[line.order_id]]
        day["units"] += line.units
        day["gross"] += line.units * exactly(line.price)
        cost = getattr(line, "unit_cost", float("nan"))
        cost = cost_of[line.sku] if cost != cost else cost
        if cost == cost:
            day["costed_sales"] += exactly(line.amount)
            day["cost_of_goods"] += line.units * exactly(cost)
        else:
            uncosted.add((line.order_id, line.line))
    for back in tiny.table("returns").itertuples():
        if back.order_id not in void:
            days[back.date]["returns"] += exactly(back.refund_amount)
            if getattr(back, "resale_value", None) is not None:
                days[back.date]["resale_value"] += exactly(back.resale_value)
            if (back.order_id, back.line) in uncosted:
                days[back.date]["aside"] += exactly(back.refund_amount - back.resale_value)
    for visit in tiny.table("sessions").itertuples():
        days[visit.date]["sessions"] += 1
        days[visit.date]["converted_sessions"] += visit.order_id in counted
    for ad in tiny.table("ad_daily").itertuples():
        days[ad.date]["ad_spend"] += exactly(ad.spend)
    for day in days.values():
        day["new_buyers"] = sum(1 for key in day if key[0] == "new")
        day["returning_buyers"] = sum(1 for key in day if key[0] == "returning")
        day["buyers"] = day["new_buyers"] + day["returning_buyers"]
        day["discounts"] = day["gross"] - day["sales"]
        day["net"] = day["sales"] - day["returns"]
        unknown = day["sales"] - day["costed_sales"] - day["aside"]
        day["margin"] = day["net"] - unknown - day["cost_of_goods"] + day["resale_value"]
    return days


@pytest.mark.parametrize("kpi", [kpi.name for kpi in KPIS.values() if not kpi.numerator])
def test_the_loop_agrees_on(tiny, by_loop, kpi):
    days = daily_kpis(tiny)
    expected = [float(by_loop[day][kpi]) for day in days["date"]]
    # both are exact sums on a grid of a ten-thousandth, but for the last bit of a float
    assert days[kpi].fillna(0).tolist() == pytest.approx(expected, rel=1e-12, abs=1e-9)
