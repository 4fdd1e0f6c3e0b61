from __future__ import annotations

import numpy as np
import pytest

from ecomlab.simulator import Plan, Scenario, load_scenario, simulate


def without_feedback() -> Scenario:
    """The western world in which buyers do not leave, so that days do not depend on each other."""
    values = load_scenario("west_d2c").model_dump()
    values["shoppers"] |= {"dropout_a": 0.001, "dropout_b": 100.0}
    return Scenario.model_validate(values)


def test_realised_sums_agree_with_expected_ones(year):
    day = year.truth["truth_day"]
    total = day.drop(columns="date").sum()
    # Poisson-like counts: four standard deviations. An order's amount has a coefficient of
    # variation near 0.8, so that the amount varies by sqrt(1 + 0.8**2) = 1.3 times as much.
    for counted, factor in (("sessions", 1.0), ("orders", 1.0), ("amount", 1.3)):
        orders = total["sessions" if counted == "sessions" else "orders"]
        allowed = 4 * factor / np.sqrt(orders)
        assert abs(total[counted] / total[f"expected_{counted}"] - 1) < allowed


def test_realised_days_scatter_around_expected_ones_like_counts(year):
    day = year.truth["truth_day"]
    z = (day["orders"] - day["expected_orders"]) / np.sqrt(day["expected_orders"])
    assert 0.8 < z.std() < 1.2  # 365 days: the sd of an sd is 4 %
    assert abs(z.autocorr()) < 0.2


def test_the_truth_counts_what_the_store_shows(year):
    day = year.truth["truth_day"].set_index("date")
    orders = year.store.table("orders").query("payment_status == 'paid'")
    by_day = orders.groupby("date")["amount"].agg(["size", "sum"]).reindex(day.index, fill_value=0)
    assert (by_day["size"] == day["orders"]).all()
    np.testing.assert_allclose(by_day["sum"], day["amount"], atol=1e-6)


@pytest.mark.parametrize("channel", ["paid_search", "social", "email", "affiliate"])
def test_a_channels_contribution_is_what_a_twin_without_it_lacks(channel):
    sizes = {"scenario": without_feedback(), "people": 15_000, "days": 60}
    base = simulate(**sizes)
    twin = simulate(**sizes, plan=Plan(budgets={channel: 0}))
    # Spend of the time before fades for some days: compare where it is gone.
    lost = (base.truth["truth_day"] - twin.truth["truth_day"]).loc[30:, "expected_orders"].sum()
    told = base.truth["truth_channel_day"].query("channel == @channel")
    told = told["incremental_orders"].iloc[30:].sum()
    # Both sides are free of the luck of choice; what is left is the luck of who visits.
    assert lost == pytest.approx(told, rel=0.2)


def test_contributions_add_up_to_less_than_the_total(year):
    parts = year.truth["truth_channel_day"].groupby("date")["incremental_orders"].sum()
    whole = year.truth["truth_day"].set_index("date")["expected_orders"]
    assert (parts <= whole + 1e-3).all()
    assert parts.sum() > 0.8 * whole.sum()


def test_the_naive_return_on_advertising_is_wrong_by_the_managers_habits(year):
    spend = year.store.table("ad_daily").groupby("date")["spend"].sum()
    expected = year.truth["truth_day"].set_index("date")["expected_amount"]
    truth = year.truth["truth_channel_day"]
    paid = truth[truth["channel"].isin(["paid_search", "social", "email", "affiliate"])]
    slope = np.polyfit(spend, expected, 1)[0]
    assert slope > 1.5 * paid["incremental_amount"].sum() / spend.sum()


def test_a_dearer_category_sells_about_as_much_less_as_people_are_sensitive():
    sizes = {"scenario": without_feedback(), "people": 15_000, "days": 120}
    base, dear = (simulate(**sizes, plan=plan) for plan in (None, Plan(prices={"apparel": 1.1})))
    kinds = base.store.table("products").set_index("sku")["category_id"]
    sold = []
    for run in (base, dear):
        lines = run.store.table("order_lines")
        sold.append(lines.loc[lines["sku"].map(kinds) == "apparel", "units"].sum())
    elasticity = np.log(sold[1] / sold[0]) / np.log(1.1)
    assert -3.0 < elasticity < -1.6  # the median person has -2.6; the less sensitive buy more


def test_truth_of_people_and_products_covers_all_of_them(year):
    assert len(year.truth["truth_person"]) == 20_000
    assert set(year.store.table("products")["sku"]) <= set(year.truth["truth_sku"]["sku"])
    known = year.truth["truth_person"]["customer_id"].dropna()
    assert set(known) == set(year.store.table("customers")["customer_id"])
    params = year.truth["truth_params"].set_index("parameter")["value"]
    assert params["shoppers.price_sensitivity"] == "2.6"
