"""Decisions are carried out once, remembered, and compared on the same luck."""

import pandas as pd
import pytest

from ecomlab import metrics, simulate
from ecomlab.course import carry_out, decisions
from ecomlab.simulator import Plan, advance


@pytest.fixture
def shop(tmp_path):
    return simulate("tiny", seed=5, people=400, days=120).save(tmp_path / "shop")


def test_what_is_remembered_is_what_running_on_gives(shop, monkeypatch):
    plan = Plan(budgets={"social": 2.0})
    first = carry_out(shop, {"usual": None, "more": plan}, days=14)
    by_hand = metrics.daily_kpis(advance(shop, plan=plan, days=14).store, since="2024-04-30")
    pd.testing.assert_frame_equal(first["more"].drop(columns="costs"), by_hand)
    bills = advance(shop, plan=plan, days=14).store.table("costs_daily").tail(14)
    paid = bills.drop(columns="date").sum(axis=1)
    assert first["more"]["costs"].tolist() == pytest.approx(paid.tolist())
    assert first["profit"].loc["ad_spend", "difference"] > 0

    monkeypatch.setattr(decisions, "advance", lambda *_, **__: pytest.fail("run a second time"))
    again = carry_out(shop, {"usual": None, "more": plan}, days=14)
    for name in first:
        pd.testing.assert_frame_equal(first[name], again[name])


def test_another_plan_other_days_or_other_sources_are_another_world(shop, monkeypatch):
    carry_out(shop, {"usual": None}, days=7)
    folder = shop.folder.with_name("shop.worlds")
    carry_out(shop, {"usual": None}, days=8)
    carry_out(shop, {"less": Plan(budgets={"social": 0.5})}, days=7)
    assert len(list(folder.iterdir())) == 3
    monkeypatch.setattr(decisions, "code_hash", lambda: "changed")
    carry_out(shop, {"usual": None}, days=7)
    assert len(list(folder.iterdir())) == 4


def test_the_totals_name_is_refused_for_a_plan(shop):
    with pytest.raises(ValueError, match="profit"):
        carry_out(shop, {"profit": None}, days=7)
