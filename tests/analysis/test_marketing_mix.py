"""A mix model finds what was put in, says when it cannot, and splits a budget best."""

import numpy as np
import pandas as pd
import pytest

from ecomlab.analysis import marketing
from ecomlab.analysis.marketing.mix_health import CHECKS, say_verdicts

CHANNELS = ("tv", "search", "social")


# weeks


def test_weeks_hold_spend_events_and_what_budgets_have_in_common():
    days = pd.date_range("2024-01-01", periods=30)
    daily = pd.DataFrame({"date": days, "orders": np.arange(30)})
    ads = pd.concat([pd.DataFrame({"date": days, "channel": c, "region_id": r, "spend": 1.0 * k,
                                   "budget": [k * 2.0] * 14 + [k * 4.0] * 16})
                     for k, c in ((1, "tv"), (3, "search")) for r in "NS"])  # fmt: skip
    calendar = pd.DataFrame({"date": days, "event_id": [None] * 20 + ["sale"] * 10})
    weeks = marketing.sum_media_weeks(
        daily, ads, calendar, outcome="orders", channels=["tv", "search"]
    )
    assert weeks["orders"].tolist() == [21, 70, 119, 168]
    assert weeks["search"].tolist() == [42.0] * 4
    assert weeks["event_sale"].tolist() == pytest.approx([0, 0, 1 / 7, 1])
    assert np.diff(weeks["budget_pull"]).tolist() == pytest.approx([0, np.log(2), 0])
    assert marketing.list_controls(weeks) == ["budget_pull", "event_sale"]
    with pytest.raises(ValueError, match="one day after"):
        marketing.sum_media_weeks(
            daily.drop(index=3), ads, calendar, outcome="orders", channels=["tv"]
        )
    with pytest.raises(ValueError, match="there is no 'radio'"):
        marketing.sum_media_weeks(daily, ads, calendar, outcome="orders", channels=["radio"])


# the mix model


def weekly_of(seed: int, *, weeks: int = 104, times: bool = False, noise: float = 0.03):
    """Three channels with known memory, saturation and size; the season is known to be smooth."""
    rng = np.random.default_rng([seed, 7])
    spend = rng.gamma(2.0, 1.0, size=(weeks, 3)) * [150, 75, 50]
    turn = 2 * np.pi * np.arange(weeks) / 52.18
    base = 1 + 0.1 * np.arange(weeks) / weeks + 0.12 * np.sin(turn + rng.uniform(0, 6))
    effects = []
    for c in range(3):
        memory, half, size = rng.beta(1, 3), np.exp(0.7 * rng.normal()), rng.uniform(0.05, 0.3)
        scaled = spend[:, c] / spend[:, c].mean()
        stock, stocks = scaled[:4].mean(), []
        for x in scaled:
            stock = memory * stock + (1 - memory) * x
            stocks.append(stock)
        effects.append(size * np.array(stocks) / (np.array(stocks) + half) * (1 + half))
    effects = 1000 * np.array(effects)
    if times:
        effects = effects * base
    luck = noise * 1000 * rng.normal(size=weeks)
    sales = 1000 * base + effects.sum(axis=0) + luck
    frame = pd.DataFrame(spend, columns=CHANNELS).assign(sales=sales)
    return frame, dict(zip(CHANNELS, effects.sum(axis=1), strict=True))


@pytest.fixture(scope="module")
def mix():
    return marketing.fit_mix(weekly_of(1)[0], outcome="sales", channels=CHANNELS)


def test_intervals_cover_what_was_put_in_about_nineteen_times_in_twenty():
    """Five worlds of three channels; the study has 200 of them."""
    hits = []
    for seed in range(5):
        frame, truth = weekly_of(seed, times=seed % 2 == 1)
        table = marketing.fit_mix(frame, outcome="sales", channels=CHANNELS).table
        put_in = table["channel"].map(truth)
        hits += ((table["low"] <= put_in) & (put_in <= table["high"])).tolist()
        assert (table["contribution"] / put_in - 1).abs().max() < 1.0
    assert sum(hits) >= 12  # of 15: binomial chance of fewer 0.005 where 95 % is meant


def test_the_likelier_form_is_the_one_that_made_the_data():
    forms = [marketing.fit_mix(weekly_of(seed, times=times, noise=0.01)[0], outcome="sales",
                               channels=CHANNELS).form
             for seed, times in ((11, False), (12, True))]  # fmt: skip
    assert forms == ["additive", "multiplicative"]


def test_money_in_another_currency_changes_returns_and_no_contribution(mix):
    frame = weekly_of(1)[0]
    scaled = frame.assign(**{name: 128 * frame[name] for name in CHANNELS})
    again = marketing.fit_mix(scaled, outcome="sales", channels=CHANNELS).table
    assert again["contribution"].tolist() == pytest.approx(mix.table["contribution"].tolist())
    assert (128 * again["roas"]).tolist() == pytest.approx(mix.table["roas"].tolist())


def test_the_same_seed_gives_the_same_answer_and_another_seed_nearly(mix):
    frame = weekly_of(1)[0]
    same, other = (marketing.fit_mix(frame, outcome="sales", channels=CHANNELS, seed=s).table
                   for s in (0, 1))  # fmt: skip
    pd.testing.assert_frame_equal(same, mix.table)
    width = (mix.table["high"] - mix.table["low"]).to_numpy()
    moved = (other["contribution"] - same["contribution"]).abs().to_numpy()
    assert (moved < 0.12 * width).all()


def test_the_table_adds_up_and_effects_are_never_negative(mix):
    table = mix.table
    assert table["roas"].tolist() == pytest.approx(
        (table["contribution"] / table["spend"]).tolist()
    )
    assert (table["low"] >= 0).all()
    assert (table["low"] < table["contribution"]).all()
    assert (table["contribution"] < table["high"]).all()
    assert mix.low < mix.media_share < mix.high
    assert mix.channels_estimated == 3


def test_the_response_at_the_mean_spend_rises_with_falling_returns(mix):
    curve = mix.response("tv")
    assert curve["response"].iloc[0] == pytest.approx(0, abs=1e-6)
    assert (np.diff(curve["response"]) > 0).all()
    assert (np.diff(curve["marginal_return"]) < 0).all()
    steps = np.diff(curve["response"]) / np.diff(curve["spend"])
    middle = (
        curve["marginal_return"].to_numpy()[1:] + curve["marginal_return"].to_numpy()[:-1]
    ) / 2
    assert steps[5:].tolist() == pytest.approx(middle[5:].tolist(), rel=0.02)
    assert mix.response("tv", spend=[10.0, 20.0])["spend"].tolist() == [10.0, 20.0]
    with pytest.raises(ValueError, match="there is no 'radio'"):
        mix.response("radio")


def test_results_draw_titles_that_are_findings(mix):
    best = mix.table.loc[mix.table["roas"].idxmax(), "channel"]
    assert best in mix.plot().get_title()
    plan = marketing.allocate_budget(mix, total=300.0)
    assert "Money moved from" in plan.plot().get_title()
    curve = mix.response("tv").iloc[20]
    share = curve["marginal_return"] * curve["spend"] / curve["response"]
    assert f"next unit on tv brings {share:.0%}" in mix.plot_response("tv").get_title()


# calibration, and the health card


def confounded(seed: int = 0, *, weeks: int = 104):
    """Budgets follow the season; what the channels add is 120 sales a week each."""
    rng = np.random.default_rng([seed, 9])
    season = 0.25 * np.sin(2 * np.pi * np.arange(weeks) / 52.18)
    spend = {name: mean * np.exp(season + 0.01 * rng.normal(size=weeks))
             for name, mean in (("tv", 300.0), ("search", 150.0))}  # fmt: skip
    sales = 1000 * (1 + season) + 240 + rng.normal(0, 20, weeks)
    return pd.DataFrame(spend).assign(sales=sales)


def test_budgets_that_follow_the_season_are_not_read_as_effects():
    fit = marketing.fit_mix(confounded(), outcome="sales", channels=["tv", "search"])
    assert fit.table["contribution"].isna().all()
    assert np.isnan(fit.media_share)
    assert fit.channels_estimated == 0
    assert fit.table["verdict"].str.startswith("not estimated, because its spend moves by").all()
    with pytest.raises(ValueError, match="not estimated, because"):
        fit.response("tv")
    with pytest.raises(ValueError, match="calibrate it with a lift test"):
        marketing.allocate_budget(fit, total=100.0)
    assert "do not tell" in fit.plot().get_title()


def test_a_lift_test_makes_the_same_weeks_speak_and_its_error_is_theirs():
    tests = tuple(
        marketing.LiftTest(channel=name, spend=spend, lift=120.0, standard_error=12.0)
        for name, spend in (("tv", 310.0), ("search", 155.0))
    )
    fit = marketing.fit_mix(confounded(), outcome="sales", channels=["tv", "search"],
                            prior=marketing.MixPrior(tests=tests))  # fmt: skip
    assert fit.channels_estimated == 2
    per_week = fit.table["contribution"] / 104
    assert per_week.tolist() == pytest.approx([120, 120], abs=15)
    spread = (fit.table["high"] - fit.table["low"]) / 104 / (2 * 1.96)
    assert spread.tolist() == pytest.approx([12, 12], rel=0.3)


def states(fit, check: str) -> set[str]:
    return set(fit.health.loc[fit.health["check"] == check, "state"])


def test_the_health_card_has_nine_checks_and_a_good_fit_passes_them(mix):
    assert tuple(dict.fromkeys(mix.health["check"])) == CHECKS
    assert len(CHECKS) == 9
    assert set(mix.health["state"]) == {"pass"}


def test_a_missing_driver_shows_in_residuals_that_hang_together():
    frame = weekly_of(1)[0]
    wave = np.sin(np.arange(104) / 4.0)
    fit = marketing.fit_mix(frame.assign(sales=frame["sales"] + 150 * np.where(wave > 0, 1, -1)),
                            outcome="sales", channels=CHANNELS)  # fmt: skip
    left = fit.health.set_index("check").loc["residual autocorrelation"]
    plain = marketing.fit_mix(
        frame.assign(sales=frame["sales"] + 150 * np.where(wave > 0, 1, -1), driver=wave > 0),
        outcome="sales", channels=CHANNELS, controls=["driver"],
    )  # fmt: skip
    assert plain.health.set_index("check").loc["residual autocorrelation", "value"] < left["value"]
    width = [(f.table["high"] - f.table["low"]).sum() for f in (fit, plain)]
    assert width[0] > 2 * width[1]


def test_channels_that_move_together_are_told_as_not_identified():
    frame = weekly_of(2)[0]
    rng = np.random.default_rng(0)
    twin = 0.5 * frame["tv"] * np.exp(0.05 * rng.normal(size=104))
    fit = marketing.fit_mix(frame.assign(social=twin), outcome="sales", channels=CHANNELS)
    health = fit.health.set_index(["check", "channel"])
    assert health.loc[("collinearity", "tv"), "state"] == "warn"
    assert health.loc[("identifiability", "tv"), "value"] > 0.4
    assert health.loc[("collinearity", "search"), "state"] == "pass"


def test_a_channel_credited_with_the_level_leaves_a_negative_baseline():
    weeks = np.arange(104)
    rng = np.random.default_rng(8)
    tv = rng.gamma(2.0, 50.0, size=104)
    sales = np.clip(6 * tv + rng.normal(0, 20, 104) - 60, 0, None) + 0.001 * weeks
    prior = marketing.MixPrior(form="additive", share=1.0, half_spread=0.05, slope=0.5)
    frame = pd.DataFrame({"tv": tv, "sales": sales})
    fit = marketing.fit_mix(frame, outcome="sales", channels=["tv"], prior=prior)
    assert states(fit, "negative baseline") == {"fail"}
    assert "less than nothing" in fit.table["verdict"].iloc[0]


def test_a_break_in_the_last_weeks_shows_out_of_sample():
    frame = weekly_of(3)[0]
    rng = np.random.default_rng(1)
    late = np.arange(104) >= 85
    turned = frame.assign(sales=np.where(late, 2400 - frame["sales"], frame["sales"])
                          + rng.normal(0, 5, 104))  # fmt: skip
    good, bad = (marketing.fit_mix(f, outcome="sales", channels=CHANNELS) for f in (frame, turned))
    value = [f.health.set_index("check").loc["out-of-sample error", "value"] for f in (good, bad)]
    assert value[0] < 0.8
    assert value[1] > value[0]


def test_contributions_of_nearly_all_sales_are_not_believed():
    rng = np.random.default_rng(9)
    tv = rng.gamma(4.0, 25.0, size=104)
    frame = pd.DataFrame({"tv": tv, "sales": 50 + 9 * tv + rng.normal(0, 15, 104)})
    fit = marketing.fit_mix(frame, outcome="sales", channels=["tv"],
                            prior=marketing.MixPrior(share=1.0, form="additive"))  # fmt: skip
    health = fit.health.set_index(["check", "channel"])
    assert health.loc[("contribution plausibility", "all"), "state"] == "warn"


def test_a_failed_check_of_all_keeps_every_channel_back_and_its_own_only_one():
    card = pd.DataFrame({"channel": ["all", "tv", "search"], "state": ["pass", "fail", "warn"],
                         "meaning": ["x", "its spend stands still", "y"]})  # fmt: skip
    assert say_verdicts(card, ("tv", "search")) == [
        "not estimated, because its spend stands still", ""
    ]  # fmt: skip
    assert all(say_verdicts(card.assign(state=["fail", "pass", "pass"]), ("tv", "search")))


@pytest.mark.parametrize(
    ("change", "given", "words"),
    [
        ({"tv": None}, {}, "weekly.tv: the column is missing"),
        ({"tv": -1.0}, {}, "weekly.tv: 104 rows .* below 0"),
        ({"tv": 0.0}, {}, "weekly.tv: nothing was ever spent"),
        ({"tv": "much"}, {}, "weekly.tv: 104 rows are not finite numbers"),
        ({"sales": np.nan}, {}, "weekly.sales: 104 rows .* finite"),
        ({"sales": 7.0}, {}, "weekly.sales: it never changes"),
        ({"price": 2.0}, {"controls": ["price"]}, "weekly.price: it never changes"),
        ({}, {"channels": []}, "channels: none given"),
        ({}, {"channels": ["tv", "tv"]}, "tv: named twice"),
        ({}, {"level": 95}, "level: 95 is not between 0 and 1"),
        ({"week_start": range(104, 0, -1)}, {}, "weekly.week_start: 103 rows .* Sort by it"),
        ({}, {"channels": "tv"}, "channels: 'tv' is one name"),
        ({"sales": [0.0, *[5.0] * 102, 6.0]},
         {"prior": marketing.MixPrior(form="multiplicative")}, "outcome: it is 0"),
        ({}, {"prior": marketing.MixPrior(tests=(marketing.LiftTest(
            channel="radio", spend=1.0, lift=1.0, standard_error=1.0),))}, "'radio' is none"),
    ],
)  # fmt: skip
def test_bad_weeks_are_named_with_a_remedy(change, given, words):
    frame = weekly_of(1)[0].drop(columns=[c for c, v in change.items() if v is None])
    frame = frame.assign(**{c: v for c, v in change.items() if v is not None})
    with pytest.raises(ValueError, match=words):
        marketing.fit_mix(frame, **{"outcome": "sales", "channels": CHANNELS, **given})


def test_too_few_weeks_and_impossible_priors_are_refused():
    with pytest.raises(ValueError, match="weekly: 10 rows; these channels and controls need 16"):
        marketing.fit_mix(weekly_of(1)[0].head(10), outcome="sales", channels=CHANNELS)
    for bad in ({"share": 0}, {"memory": (0, 1)}, {"saturation": "log"}, {"form": "log"},
                {"waves": -1}):  # fmt: skip
        with pytest.raises(ValueError, match=f"MixPrior.{next(iter(bad))}"):
            marketing.MixPrior(**bad)
    good = {"channel": "tv", "spend": 5.0, "lift": 1.0, "standard_error": 1.0}
    for bad in ({"standard_error": 0.0}, {"spend": np.inf}, {"spend": 1.0, "spend_without": 2.0}):
        with pytest.raises(ValueError, match=f"LiftTest.{next(iter(bad))}"):
            marketing.LiftTest(**{**good, **bad})


# the budget


def brute(fit, total: float, steps: int = 60) -> float:
    """The most that three budgets on a grid bring."""
    spends = np.linspace(0, total, steps + 1)
    gains = [fit.curves.respond(name, spends)[0].mean(axis=0) for name in CHANNELS]
    return max(gains[0][i] + gains[1][j] + gains[2][steps - i - j]
               for i in range(steps + 1) for j in range(steps + 1 - i))  # fmt: skip


@pytest.mark.parametrize("total", [60.0, 550.0, 3000.0])
def test_the_split_beats_every_split_of_a_grid_and_margins_are_equal(mix, total):
    plan = marketing.allocate_budget(mix, total=total)
    assert plan.table["budget"].sum() == pytest.approx(total)
    assert plan.response >= brute(mix, total) - 1e-9
    inside = plan.table.loc[plan.table["budget"] > 0.01, "marginal_return"]
    assert inside.max() == pytest.approx(inside.min(), rel=1e-5)
    empty = plan.table.loc[plan.table["budget"] <= 0.01, "marginal_return"]
    assert (empty <= inside.min() * (1 + 1e-5)).all()


def test_s_shaped_curves_are_split_as_well_as_by_brute_force():
    fit = marketing.fit_mix(weekly_of(1)[0], outcome="sales", channels=CHANNELS,
                            prior=marketing.MixPrior(slope=3.0))  # fmt: skip
    for total in (60.0, 200.0, 900.0):
        plan = marketing.allocate_budget(fit, total=total)
        assert plan.table["budget"].sum() == pytest.approx(total)
        assert plan.response >= brute(fit, total) * (1 - 1e-4)  # grids of 60 and of 1,000 steps


def test_bounds_hold_and_cost_something(mix):
    free = marketing.allocate_budget(mix, total=500.0)
    name = free.table["channel"][free.table["budget"].idxmax()]
    most = free.table["budget"].max() / 2
    bound = marketing.allocate_budget(mix, total=500.0, bounds={name: (10.0, most)})
    table = bound.table.set_index("channel")
    assert table.loc[name, "budget"] == pytest.approx(most)
    assert table["budget"].sum() == pytest.approx(500.0)
    assert bound.response < free.response
    assert any(name in words and "bound" in words for words in bound.caveats)


def test_worth_moves_money_and_a_least_return_leaves_some_unspent(mix):
    plain = marketing.allocate_budget(mix, total=500.0).table.set_index("channel")
    dear = marketing.allocate_budget(mix, total=500.0, worth={"social": 3.0})
    assert dear.table.set_index("channel").loc["social", "budget"] > plain.loc["social", "budget"]
    hurdle = 1.5 * plain["marginal_return"].max()
    less = marketing.allocate_budget(mix, total=500.0, least_return=hurdle)
    assert less.total < 500.0
    spent = less.table[less.table["budget"] > 1]
    assert spent["marginal_return"].tolist() == pytest.approx([hurdle] * len(spent), rel=1e-4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"total": 0.0}, "total: 0.0"),
        ({"total": np.nan}, "total: nan"),
        ({"total": 100.0, "bounds": {"radio": (0, 1)}}, "there is no channel 'radio'"),
        ({"total": 100.0, "bounds": {"tv": (5, 1)}}, "the least first"),
        ({"total": 100.0, "bounds": {"tv": (200, 300)}}, "together they allow"),
        ({"total": 100.0, "worth": {"radio": 1.0}}, "worth: there is no channel"),
        ({"total": 100.0, "worth": {"tv": -1.0}}, "worth.tv: -1.0"),
        ({"total": 100.0, "least_return": -1.0}, "least_return: -1.0"),
    ],
)
def test_bad_budgets_are_named_with_a_remedy(mix, given, words):
    with pytest.raises(ValueError, match=words):
        marketing.allocate_budget(mix, **given)
