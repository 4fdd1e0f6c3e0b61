"""Experiments a plan can order: fair lots, effects where they belong, and a planted fault."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ecomlab.simulator import Plan, PlanError, load_scenario, simulate
from ecomlab.simulator.experiments import Experiment

START, PEOPLE, DAYS = date(2024, 1, 1), 20_000, 84
FAIR = 1e-4  # p-value that a fair lot undercuts once in ten thousand tests


def ordered(id: str, kind: str, **more: object) -> Experiment:
    values = {"id": id, "kind": kind, "start": START + timedelta(days=7), "days": 70, **more}
    return Experiment.model_validate(values)


TESTS = (
    ordered("checkout", "feature", what="one_page_checkout"),
    ordered("photos", "feature", what="photo_reviews", share=0.3),
    ordered("no-social", "holdout", what="social", share=0.1),
    ordered("no-mail", "holdout", what="email", share=0.4),
    ordered("dark", "geo", what="paid_search", block_days=1),
    ordered("dark-mail", "geo", what="email", block_days=14),
    ordered("prices", "price"),
    ordered("lottery", "promotion"),
    ordered("timer", "launch", what="countdown_timer"),
)


@pytest.fixture(scope="module")
def tried():
    """A store in which every kind of experiment ran."""
    return simulate("west_d2c", 7, Plan(experiments=TESTS), PEOPLE, DAYS)


def arms_of(run, test: str) -> pd.Series:
    """Arm of each unit."""
    rows = run.store.table("assignments")
    return rows[rows["experiment_id"] == test].set_index("unit_id")["arm"]


def p_of_ratio(run, test: Experiment) -> float:
    """p-value of the arms' sizes, were the lots as planned."""
    count = arms_of(run, test.id).value_counts().reindex(test.arms, fill_value=0)
    return float(stats.chisquare(count, np.array(test.shares) * count.sum()).pvalue)


@pytest.mark.parametrize("test", [t for t in TESTS if t.kind != "launch"], ids=lambda t: t.id)
def test_arms_are_as_large_as_planned(tried, test):
    assert p_of_ratio(tried, test) > FAIR


def test_the_store_says_of_each_experiment_what_was_planned(tried):
    told = tried.store.table("experiments").set_index("experiment_id")
    for test in TESTS:
        row = told.loc[test.id]
        assert row["arms"].split() == list(test.arms)
        assert [float(share) for share in row["shares"].split()] == pytest.approx(test.shares)
        assert (row["start_date"].date(), row["end_date"].date()) == (test.start, test.last_day)


@pytest.mark.parametrize(("one", "other"), [("checkout", "photos"), ("no-social", "no-mail"),
                                            ("prices", "lottery")])  # fmt: skip
def test_the_arms_of_one_experiment_say_nothing_of_another(tried, one, other):
    both = pd.crosstab(arms_of(tried, one), arms_of(tried, other))
    assert both.to_numpy().sum() > 200
    assert stats.chi2_contingency(both).pvalue > FAIR


def test_units_are_in_the_same_arm_whatever_else_is_planned(tried):
    alone = simulate("west_d2c", 7, Plan(budgets={"paid_search": 0.2}, experiments=TESTS[:4]),
                     PEOPLE, DAYS)  # fmt: skip
    for test in TESTS[:4]:
        both = pd.concat([arms_of(tried, test.id), arms_of(alone, test.id)], axis=1, join="inner")
        assert len(both) > 500
        assert (both.iloc[:, 0] == both.iloc[:, 1]).all()


def test_other_seeds_draw_other_lots(tried):
    again = simulate("west_d2c", 8, Plan(experiments=TESTS[6:7]), 200, DAYS)
    assert (arms_of(tried, "prices") != arms_of(again, "prices")).mean() > 0.5


def test_an_a_b_test_finds_the_effect_that_twins_have():
    base = load_scenario("west_d2c")
    values = base.model_dump()
    values["features"]["one_page_checkout"]["order"] = 0.5  # large, for a small test
    world = base.model_validate(values)
    size = {"people": 60_000, "days": 90}
    test = ordered("ab", "feature", what="one_page_checkout", start=START, days=90)
    run = simulate(world, 7, Plan(experiments=(test,)), **size)
    visits = run.store.query("""
        select split_part(experiment_arms, ':', 2) as arm, count(*) as n, count(order_id) as orders
        from sessions group by all""").set_index("arm")
    rate = visits["orders"] / visits["n"]
    found, se = np.log(rate["treated"] / rate["control"]), np.sqrt((1 / visits["orders"]).sum())
    with_it, without = (
        simulate(world, 7, Plan(features=names), **size).truth["truth_day"].sum(numeric_only=True)
        for names in (("one_page_checkout",), ())
    )
    truth = np.log((with_it["expected_orders"] / with_it["sessions"])
                   / (without["expected_orders"] / without["sessions"]))  # fmt: skip
    # People come back, so that orders are a little more scattered than Poisson's.
    assert abs(found - truth) < 4 * se
    assert found > 4 * se
    assert 0.3 < truth < 0.5  # below the utility: of those who buy anyhow none is won


def test_a_geo_test_switches_spend_off_in_the_blocks_drawn_and_nowhere_else(tried):
    spend = tried.store.query("""
        select region_id || ':' || date as unit_id, sum(spend) as spend from ad_daily
        where channel = 'paid_search' group by all""").set_index("unit_id")["spend"]
    arms = arms_of(tried, "dark")
    assert (spend[arms.index[arms == "off"]] == 0).all()
    assert (spend[arms.index[arms == "on"]] > 0).all()
    assert (spend.drop(arms.index) > 0).all()


def test_a_geo_test_of_mail_stops_mail_in_the_regions_switched_off(tried):
    mails = tried.store.query("""
        select c.region_id, m.date, count(*) as mails from email_sends m
        join customers c using (customer_id) group by all""")
    block = (mails["date"] - pd.Timestamp(TESTS[5].start)).dt.days // 14 * 14
    begun = (pd.Timestamp(TESTS[5].start) + pd.to_timedelta(block, unit="D")).dt.date.astype(str)
    arm = (mails["region_id"] + ":" + begun).map(arms_of(tried, "dark-mail"))
    assert (arm != "off").all()
    assert (arm == "on").sum() > 50


def test_creators_who_are_seen_everywhere_cannot_be_switched_off_by_region():
    test = ordered("g", "geo", what="creators")
    with pytest.raises(PlanError, match="creators"):
        simulate("west_d2c", 7, Plan(experiments=(test,)), 100, DAYS)


def test_who_is_held_out_gets_no_mail_and_the_others_do(tried):
    sent = tried.store.table("email_sends")
    inside = sent["date"].between(pd.Timestamp(TESTS[3].start), pd.Timestamp(TESTS[3].last_day))
    arm = sent["customer_id"].map(arms_of(tried, "no-mail"))
    assert (arm[inside] == "treated").all()
    assert inside.sum() > 500
    assert (arm[~inside] == "held_out").any()


def test_who_is_held_out_of_social_advertisements_never_comes_by_them(tried):
    visits = tried.store.table("sessions").dropna(subset="customer_id")
    arm = visits["customer_id"].map(arms_of(tried, "no-social"))
    social = (visits["channel"] == "social") & visits["date"].between(
        pd.Timestamp(TESTS[2].start), pd.Timestamp(TESTS[2].last_day)
    )
    assert (arm[social] == "treated").all()
    assert social.sum() > 50


def test_a_staggered_launch_reaches_the_regions_one_after_another(tried):
    told = arms_of(tried, "timer").str.split(":", expand=True)
    turn = pd.to_datetime(told[1]).sort_values()
    assert len(turn) == 9
    assert turn.is_unique
    assert (turn.diff().dropna().dt.days - 7).abs().max() <= 1  # 70 days, nine regions
    visits = tried.store.table("sessions")
    said = visits["experiment_arms"].fillna("").str.extract(r"timer:(\w+)")[0]
    launched = visits["date"] >= visits["region_id"].map(turn)
    assert (said.dropna() == np.where(launched, "launched", "waits")[said.notna()]).all()


def undo_promotions(prices: pd.DataFrame) -> pd.Series:
    """Mean price of each product, promotions left out."""
    usual = prices["price"] / (1 - prices["promo_depth_share"])
    return usual.groupby(prices["sku"]).mean()


def test_prices_differ_by_arm_and_promotions_by_lot(tried):
    usual = simulate("west_d2c", 7, None, 100, DAYS)
    first, last = pd.Timestamp(TESTS[6].start), pd.Timestamp(TESTS[6].last_day)
    shown, before = (run.store.table("prices") for run in (tried, usual))
    shown, before = (one[one["date"].between(first, last)] for one in (shown, before))
    ratio = undo_promotions(shown) / undo_promotions(before)
    arm = arms_of(tried, "prices").reindex(ratio.index)
    assert ratio.groupby(arm).mean().to_dict() == pytest.approx(
        {"usual": 1.0, "x0.9": 0.9, "x1.1": 1.1}, abs=0.01
    )
    lot = arms_of(tried, "lottery")
    share = shown.groupby(shown["sku"].map(lot))["is_promoted"].mean()
    assert share["lottery"] == pytest.approx(0.25, abs=0.04)  # 1,500 product-weeks: sd 0.011
    assert share["left_alone"] < 0.2


def test_a_leaky_test_shows_in_the_ratio_of_its_arms_and_a_sound_one_does_not():
    test = ordered("ab", "feature", what="countdown_timer", start=START, days=90)
    leaky, sound = (simulate(name, 7, Plan(experiments=(test,)), 60_000, 90)
                    for name in ("leaky_test", "west_d2c"))  # fmt: skip
    assert p_of_ratio(leaky, test) < 1e-6
    assert p_of_ratio(sound, test) > FAIR
    # the fault is in the records: what people did is the same
    orders = [run.store.table("orders") for run in (leaky, sound)]
    pd.testing.assert_frame_equal(*orders)
    lost = leaky.store.query("""
        select device, avg((experiment_arms is null)::int) as share from sessions
        group by all""").set_index("device")["share"]
    assert lost["mobile"] > 0.03
    assert lost["desktop"] == 0


def test_experiments_are_paid_for(tried):
    usual = simulate("west_d2c", 7, None, PEOPLE, DAYS).store.table("costs_daily")
    booked = tried.store.table("costs_daily").set_index("date")["research"]
    extra = booked - usual.set_index("date")["research"]
    world = load_scenario("west_d2c")
    running = sum(world.features[t.what].cost_per_day for t in TESTS if t.what in world.features)
    daily = running * PEOPLE / 1000
    first = len(TESTS) * world.costs.experiment_per_1000_people * PEOPLE / 1000
    assert extra.iloc[:7].sum() == 0
    assert extra.iloc[7] == pytest.approx(first + daily)
    assert extra.iloc[8:77].to_numpy() == pytest.approx(daily)
    assert extra.iloc[77:].sum() == 0
