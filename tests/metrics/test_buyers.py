"""Known customers, guests and the total of both."""

import pytest

from ecomlab.metrics import bridge_revenue, count_buyers


def test_known_guest_and_total_are_what_a_hand_computes(corner):
    buyers = count_buyers(corner).set_index("group")
    assert buyers["orders"].to_dict() == {"known": 3, "guest": 1, "total": 4}
    assert buyers["sales"].to_dict() == {"known": 43.0, "guest": 5.0, "total": 48.0}
    assert buyers["average_order"].tolist() == pytest.approx([43 / 3, 5, 12])
    assert buyers["order_share"].tolist() == [0.75, 0.25, 1.0]
    assert buyers.loc["known", "orders_per_buyer"] == 1.5


def test_nobody_claims_to_know_how_many_people_guests_are(corner):
    buyers = count_buyers(corner)
    assert buyers["buyers"][0] == 2
    assert buyers["buyers"][1:].isna().all()
    assert buyers["orders_per_buyer"][1:].isna().all()


def test_known_and_guests_add_up_to_the_bridge(tiny):
    buyers = count_buyers(tiny).set_index("group")
    bridge = bridge_revenue(tiny).set_index("step")
    assert buyers.loc["total", "sales"] == pytest.approx(bridge.loc["sales", "amount"], abs=0.005)
    assert buyers.loc["total", "orders"] == bridge.loc["sales", "rows"]
    assert buyers.loc[["known", "guest"], "orders"].sum() == buyers.loc["total", "orders"]


def test_a_period_counts_only_its_own_orders(corner):
    first = count_buyers(corner, until="2024-03-02")
    assert first["orders"].tolist() == [1, 1, 2]


def test_a_period_without_orders_counts_nobody(corner):
    quiet = count_buyers(corner, since="2024-03-04")
    assert quiet["orders"].tolist() == [0, 0, 0]
    assert quiet["buyers"][0] == 0
    assert quiet["average_order"].isna().all()
