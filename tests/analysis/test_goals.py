"""Goal setting: the tree adds up, the forecast covers, targets are chances, sheets are whole."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from ecomlab.analysis import goals
from ecomlab.events import list_events

START = pd.Timestamp("2022-01-03")
NO_EVENTS = pd.DataFrame({"date": pd.Series([], dtype="datetime64[us]"), "event_id": []})


def daily_from(weekly: np.ndarray) -> pd.DataFrame:
    """Days whose whole weeks add up to the values given."""
    days = pd.date_range(START, periods=7 * len(weekly))
    return pd.DataFrame({"date": days, "net": np.repeat(weekly / 7, 7)})


def world(seed: int, *, weeks: int = 169, carry: float = 0.5, spread: float = 0.06) -> np.ndarray:
    """A world the model knows: trend, yearly season, AR(1) mood."""
    rng = np.random.default_rng(seed)
    time = np.arange(weeks)
    angle = 2 * np.pi * (START + pd.to_timedelta(7 * time, "D")).day_of_year.to_numpy() / 365.25
    mood = np.zeros(weeks)
    for week in range(1, weeks):
        mood[week] = carry * mood[week - 1] + spread * rng.standard_normal()
    return np.exp(9 + 0.08 * time / 52 + 0.15 * np.sin(angle) + 0.1 * np.cos(2 * angle) + mood)


def test_the_interval_covers_the_total_that_came_nineteen_times_in_twenty():
    hits = 0
    for seed in range(60):
        weekly = world(seed)
        made = goals.forecast_baseline(daily_from(weekly[:-13]), NO_EVENTS, seed=seed)
        hits += made.low <= weekly[-13:].sum() <= made.high
    assert hits >= 52  # of 60 at level .95: below 52 in one of 5,000 (binomial)


def test_the_effect_of_an_event_is_forecast_where_the_event_falls():
    weekly = world(3, spread=0.02)
    days = daily_from(weekly)
    events = list_events(days["date"].iloc[0], "2026-01-01")
    hit = days["date"].isin(events.loc[events["event_id"] == "black_friday", "date"])
    lifted = days.assign(net=days["net"] * np.where(hit, 2.0, 1.0))
    cut = pd.Timestamp("2024-10-07")
    made = goals.forecast_baseline(lifted[lifted["date"] < cut], events, weeks=13)
    came = goals.sum_weeks(lifted[lifted["date"] < cut + pd.Timedelta(days=91)]).tail(13)
    peak = came["value"].to_numpy().argmax()
    assert made.table["value"].to_numpy().argmax() == peak
    assert made.table["value"].iloc[peak] == pytest.approx(came["value"].iloc[peak], rel=0.12)


def test_without_season_and_events_the_level_is_simple_exponential_smoothing_by_hand():
    rng = np.random.default_rng(4)
    weekly = np.exp(8 + 0.1 * np.cumsum(rng.standard_normal(80)) + 0.02 * rng.standard_normal(80))
    made = goals.forecast_baseline(daily_from(weekly), NO_EVENTS, weeks=1)
    logs = np.log(weekly)

    def smooth(gain: float) -> tuple[float, float]:
        level, squares = logs[0], 0.0
        for value in logs[1:]:
            squares += (value - level) ** 2
            level += gain * (value - level)
        return squares, level

    _, level = min(smooth(gain) for gain in np.linspace(0.02, 1.0, 99))
    assert np.log(made.total) == pytest.approx(level, abs=0.012)  # median of 4,000 draws


def test_a_level_that_stands_still_is_forecast_as_its_mean():
    for seed in range(8):
        noise = 0.05 * np.random.default_rng(seed).standard_normal(120)
        weekly = np.exp(8 + noise)
        made = goals.forecast_baseline(daily_from(weekly), NO_EVENTS, weeks=13)
        assert made.total == pytest.approx(13 * np.exp(8), rel=0.04)
        assert (made.high - made.low) / made.total < 0.16


def test_the_median_path_agrees_with_the_state_space_forecast_of_statsmodels():
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    weekly = world(5, spread=0.03)
    made = goals.forecast_baseline(daily_from(weekly), NO_EVENTS, weeks=6)
    starts = pd.date_range(START, periods=len(weekly) + 6, freq="7D")
    angle = 2 * np.pi * (starts.day_of_year.to_numpy() + 3) / 365.25
    season = np.column_stack([f(k * angle) for k in (1, 2) for f in (np.sin, np.cos)])
    fitted = SARIMAX(np.log(weekly), exog=season[:-6], order=(0, 1, 1)).fit(disp=False)
    path = np.exp(fitted.get_forecast(6, exog=season[-6:]).predicted_mean)
    np.testing.assert_allclose(made.table["value"], path, rtol=0.015)  # median of 4,000 draws


def test_the_same_seed_gives_the_same_forecast_and_units_scale_through():
    days = daily_from(world(1))
    one, two = (goals.forecast_baseline(days, NO_EVENTS, seed=4) for _ in range(2))
    assert one.total == two.total
    in_cents = goals.forecast_baseline(days.assign(net=days["net"] * 100), NO_EVENTS, seed=4)
    assert in_cents.total == pytest.approx(100 * one.total, rel=0.01)


def test_a_short_history_forecasts_its_level_and_says_so():
    made = goals.forecast_baseline(daily_from(world(2)[:40]), NO_EVENTS)
    assert "season of the year is not known" in made.caveats[0]


def test_an_event_never_seen_is_a_caveat_and_a_dry_week_is_left_out():
    weekly = world(2)[:100].copy()
    weekly[50] = 0.0
    ahead = START + pd.Timedelta(days=7 * 100 + 3)
    event = pd.DataFrame({"date": [ahead], "event_id": ["opening"]})
    made = goals.forecast_baseline(daily_from(weekly), event)
    assert any("opening" in caveat for caveat in made.caveats)
    assert any("1 weeks without" in caveat for caveat in made.caveats)


def test_the_backtest_never_sees_the_weeks_it_forecasts():
    weekly = world(6)
    spoiled = weekly.copy()
    spoiled[-13:] *= 3
    plain = goals.backtest_baseline(daily_from(weekly), NO_EVENTS, folds=1).table.iloc[0]
    other = goals.backtest_baseline(daily_from(spoiled), NO_EVENTS, folds=1).table.iloc[0]
    assert plain["forecast"] == other["forecast"] and plain["last_year"] == other["last_year"]
    assert other["actual"] == pytest.approx(3 * plain["actual"])
    assert plain["last_year"] == pytest.approx(weekly[-65:-52].sum())


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (daily_from(world(1)).drop(columns="net"), r"daily\.net"),
        (daily_from(world(1)).assign(net=np.nan), r"daily\.net: 1183 rows"),
        (daily_from(world(1)).drop(index=5), r"daily\.date: days are missing"),
        (daily_from(world(1)).iloc[:3], "at least one week"),
        (daily_from(world(1)[:7]), "7 whole weeks"),
    ],
)
def test_bad_days_are_named(frame, said):
    with pytest.raises(ValueError, match=said):
        goals.forecast_baseline(frame, NO_EVENTS)


def test_weeks_that_are_all_alike_are_not_turned_into_a_number_without_a_word():
    with pytest.raises(ValueError, match="not estimated"):
        goals.forecast_baseline(daily_from(np.full(60, 70.0)), NO_EVENTS)


def baseline_of(draws: np.ndarray) -> goals.Baseline:
    weeks = pd.date_range("2026-01-01", periods=draws.shape[1], freq="7D")
    table = pd.DataFrame({"week_start": weeks, "value": np.median(draws, axis=0)})
    return goals.Baseline(
        table=table, total=1.0, low=0.0, high=2.0, level=0.95, measure="net",
        history=pd.DataFrame(), draws=draws,
    )  # fmt: skip


def normal_draws(mean: float, sd: float) -> np.ndarray:
    points = (np.arange(20_000) + 0.5) / 20_000
    return norm.ppf(points, mean, sd).reshape(-1, 1)


def test_the_commitment_is_the_published_newsvendor_quantity():
    """Snyder and Shen, Fundamentals of Supply Chain Theory, 2nd ed., Example 4.3: S* = 56.6."""
    plan = goals.plan_commitment(
        baseline_of(normal_draws(50, 8)), underage_cost=0.70, overage_cost=0.18
    )
    assert plan.committed == pytest.approx(56.604, abs=0.005)
    assert plan.critical_ratio == pytest.approx(0.7955, abs=0.0001)
    assert plan.expected_cost == pytest.approx(1.9976, abs=0.003)  # their g(S*), eq. (4.10)


def test_no_other_commitment_is_expected_to_cost_less():
    base = baseline_of(np.random.default_rng(0).lognormal(3, 0.4, size=(500, 3)))
    plan = goals.plan_commitment(base, underage_cost=0.4, overage_cost=0.1)
    for amount in np.linspace(20, 150, 60):
        cost = np.mean([
            goals.price_commitment(amount, t, underage_cost=0.4, overage_cost=0.1)
            for t in base.draws.sum(axis=1)
        ])  # fmt: skip
        assert cost >= plan.expected_cost - 1e-9


def test_a_chance_is_the_normal_tail_where_the_draws_are_normal():
    base = baseline_of(normal_draws(100, 10))
    for target in (90.0, 100.0, 115.0):
        chance = goals.assess_target(base, target=target).chance_share
        assert chance == pytest.approx(norm.sf(target, 100, 10), abs=2e-4)
    assert any("hardly any" in c for c in goals.assess_target(base, target=141.0).caveats)
    with pytest.raises(ValueError, match="target"):
        goals.assess_target(base, target=-1.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.5, 2.0), min_size=8, max_size=8))
def test_contributions_add_up_to_the_change_whatever_moves(factors):
    rows = []
    for f in (factors[:4], factors[4:]):
        sessions, orders = 1_000 * f[0], 1_000 * f[0] * 0.03 * f[1]
        units = orders * 2 * f[2]
        sales = units * 30 * f[3]
        rows.append((sessions, orders, units, sales, 0.1 * sales, 0.9 * sales))
    names = ["sessions", "orders", "units", "sales", "returns", "net"]
    days = pd.DataFrame(rows, columns=names).loc[[0] * 7 + [1] * 7].reset_index(drop=True)
    days["date"] = pd.date_range("2024-01-01", periods=14)
    tree = goals.build_kpi_tree(days, start="2024-01-08", compare_start="2024-01-01", days=7)
    assert tree.table["contribution"].sum() == pytest.approx(tree.after - tree.before, abs=1e-6)


def test_a_factor_that_did_not_move_contributes_nothing_and_a_lone_one_all():
    days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=14), "orders": 3.0})
    days = days.assign(units=6.0, sales=60.0, returns=0.0, net=60.0, sessions=100.0)
    days.loc[7:, ["orders", "units", "sales", "net"]] *= 2
    tree = goals.build_kpi_tree(days, start="2024-01-08", compare_start="2024-01-01", days=7)
    moved = tree.table.set_index("node")["contribution"]
    assert moved["conversion"] == pytest.approx(420.0) and moved["sessions"] == 0
    stub = days.drop(columns="sessions")
    short = goals.build_kpi_tree(stub, start="2024-01-08", compare_start="2024-01-01", days=7)
    assert short.biggest == "orders" and "stops at orders" in short.caveats[0]
    assert short.table["contribution"].sum() == pytest.approx(420.0)


def test_the_tree_refuses_periods_that_are_not_there():
    days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=14), "orders": 3.0})
    days = days.assign(units=6.0, sales=60.0, returns=0.0, net=60.0)
    with pytest.raises(ValueError, match="of the 7 days"):
        goals.build_kpi_tree(days, start="2024-01-09", compare_start="2024-01-01", days=7)
    with pytest.raises(ValueError, match="nothing sold"):
        goals.build_kpi_tree(days.assign(orders=0.0), start="2024-01-08",
                             compare_start="2024-01-01", days=7)  # fmt: skip


def test_a_cascade_adds_up_to_the_cent_in_every_direction():
    base = baseline_of(np.random.default_rng(1).lognormal(2, 0.3, size=(50, 13)))
    shares = pd.DataFrame({"channel": ["a", "b", "c"], "amount": [1.0, 2.0, 4.0]})
    parts = goals.cascade_target(base, shares, target=98_765.43, owners={"a": "Ann"})
    assert round(parts["target"].sum(), 2) == 98_765.43
    by_channel = parts.groupby("channel")["target"].sum()
    np.testing.assert_allclose(by_channel / by_channel["a"], [1, 2, 4], rtol=1e-4)
    assert set(parts["owner"]) == {"Ann", "to be named"}
    with pytest.raises(ValueError, match=r"channels\.amount"):
        goals.cascade_target(base, shares.assign(amount=-1.0), target=1.0, owners={})


def test_a_market_share_goal_ends_where_it_was_asked_to():
    goal = goals.plan_market_share(
        sales=40.0, market=(900.0, 1_000.0, 1_200.0), market_growth=0.05, target_share=0.06, years=4
    )
    last = goal.table.iloc[-1]
    assert last["share"] == pytest.approx(0.06)
    assert last["sales"] == pytest.approx(0.06 * 1_000 * 1.05**4)
    assert goal.growth_share_per_year == pytest.approx((last["sales"] / 40.0) ** 0.25 - 1)
    assert goal.share_low < goal.share_now < goal.share_high
    for bad in ((1_000.0, 900.0, 1_200.0), (30.0, 50.0, 60.0)):
        with pytest.raises(ValueError, match="market"):
            goals.plan_market_share(
                sales=40.0, market=bad, market_growth=0.0, target_share=0.1, years=3
            )


GOOD = pd.DataFrame(
    [["Grow <b>", "Net", 1.0, 2.0, "USD", 0.2, "Ann", "Q1"]],
    columns=["objective", "key_result", "baseline", "target", "unit", "chance_share", "owner",
             "due"],
)  # fmt: skip


def test_a_goal_sheet_is_a_table_a_page_and_targets_of_the_store():
    from ecomlab import schema

    sheet = goals.write_goal_sheet(GOOD, title="Goals & more")
    page = sheet.to_page()
    assert "Goals &amp; more" in page and "<b>" not in page and "20%" in page
    assert "http" not in page.replace("http-equiv", "")
    schema.check(sheet.to_targets(), "targets")


@pytest.mark.parametrize(
    ("goals_frame", "said"),
    [
        (GOOD.drop(columns="owner"), r"goals\.owner"),
        (GOOD.assign(target=np.nan), "a wish"),
        (GOOD.assign(chance_share=1.5), r"goals\.chance_share"),
    ],
)
def test_a_goal_sheet_refuses_wishes(goals_frame, said):
    with pytest.raises(ValueError, match=said):
        goals.write_goal_sheet(goals_frame, title="Goals")


def test_an_owner_nobody_is_a_caveat():
    assert goals.write_goal_sheet(GOOD.assign(owner=" "), title="G").caveats


def test_every_answer_shows_itself_the_same_way_twice():
    base = goals.forecast_baseline(daily_from(world(1)), NO_EVENTS)
    for answer, _ in itertools.product((base, goals.assess_target(base, target=1e6)), range(2)):
        assert repr(answer) == repr(answer) and "0x" not in repr(answer) + answer._repr_html_()
        assert answer.plot().get_figure() is not None


def test_a_chance_or_a_commitment_without_a_season_is_refused():
    made = goals.forecast_baseline(daily_from(world(2)[:60]), NO_EVENTS)
    assert not made.knows_season
    with pytest.raises(ValueError, match="not estimated, because 60 weeks"):
        goals.assess_target(made, target=1e5)
    with pytest.raises(ValueError, match="not estimated"):
        goals.plan_commitment(made, underage_cost=1.0, overage_cost=1.0)


def test_weeks_without_sales_are_no_basis_where_they_are_many_or_recent():
    weekly = world(2)[:120].copy()
    recent, often = weekly.copy(), weekly.copy()
    recent[-2] = 0.0
    often[::10] = 0.0
    for dry in (recent, often):
        with pytest.raises(ValueError, match="no positive sales"):
            goals.forecast_baseline(daily_from(dry), NO_EVENTS)


def test_an_event_on_the_day_after_the_last_week_is_not_in_the_forecast():
    weekly = world(7)[:120]
    days = daily_from(weekly)
    past = pd.DataFrame({"date": days["date"].iloc[[30, 400]], "event_id": "fair"})
    after = pd.DataFrame({"date": [days["date"].iloc[-1] + pd.Timedelta(days=4 * 7 + 1)],
                          "event_id": "fair"})  # fmt: skip
    with_it = goals.forecast_baseline(days, pd.concat([past, after]), weeks=4)
    without = goals.forecast_baseline(days, past, weeks=4)
    assert with_it.total == without.total


def test_a_backtest_uses_the_model_that_is_shown_and_at_most_a_year():
    days = daily_from(world(8)[:110])
    assert goals.backtest_baseline(days, NO_EVENTS, folds=6).folds == 2  # cuts at 97 and 93
    with pytest.raises(ValueError, match="weeks"):
        goals.backtest_baseline(days, NO_EVENTS, weeks=53)
