"""Launches, regions, ranks, creators and mails: effects are recovered, errors are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ecomlab.analysis import marketing
from ecomlab.analysis.marketing.counts import fit_log_linear
from ecomlab.analysis.marketing.synthetic import fit_simplex


def panel_of(seed: int, *, units: int = 20, periods: int = 30, spread: float = 1.0) -> pd.DataFrame:
    """Units with a level of their own, a common path, and luck that lasts."""
    rng = np.random.default_rng(seed)
    level, path = 10 * rng.normal(size=units), np.cumsum(rng.normal(size=periods))
    luck = rng.normal(size=(units, periods))
    for t in range(1, periods):
        luck[:, t] += 0.5 * luck[:, t - 1]
    outcome = level[:, None] + path + spread * luck
    names = [f"u{i:02d}" for i in range(units)]
    long = pd.DataFrame(outcome, index=pd.Index(names, name="unit"),
                        columns=pd.Index(range(periods), name="period"))  # fmt: skip
    return long.stack().rename("outcome").reset_index()


def launched(panel: pd.DataFrame, starts: dict[str, int], grow: float = 0.0) -> pd.DataFrame:
    """Add 3 from each unit's start on, and ``grow`` more with every period since."""
    since = panel["period"] - panel["unit"].map(starts)
    return panel.assign(outcome=panel["outcome"] + np.where(since >= 0, 3 + grow * since, 0.0))


# launches: differences in differences


def test_card_and_krueger_s_means_give_their_difference():
    """Card and Krueger, American Economic Review 84, 1994, table 3: 2.76; here its means."""
    rows = [("NJ", 1, 20.44), ("NJ", 2, 21.03), ("PA", 1, 23.33), ("PA", 2, 21.17)]
    panel = pd.DataFrame(rows, columns=["unit", "period", "outcome"])
    found = marketing.estimate_launch(panel, treated="NJ", start=2)
    assert found.effect == pytest.approx(2.76, abs=0.015)
    assert np.isnan(found.low) and any("not estimated" in caveat for caveat in found.caveats)


def test_where_all_start_together_it_is_the_two_way_regression_of_statsmodels():
    import statsmodels.formula.api as smf

    treated = ["u00", "u01", "u02"]
    panel = launched(panel_of(1, units=8, periods=10), dict.fromkeys(treated, 6))
    found = marketing.estimate_launch(panel, treated=treated, start=6)
    rows = panel.assign(on=(panel["unit"].isin(treated) & (panel["period"] >= 6)).astype(int))
    fit = smf.ols("outcome ~ on + C(unit) + C(period)", rows).fit()
    assert found.effect == pytest.approx(fit.params["on"])
    assert found.two_way_effect == pytest.approx(fit.params["on"])
    assert found.table["effect"].iloc[6:].mean() == pytest.approx(found.effect)


@pytest.mark.parametrize("size", [1, 5])
def test_the_interval_of_a_launch_covers_nineteen_times_in_twenty(size):
    starts = {f"u{i:02d}": 20 for i in range(size)}
    hits = 0
    for seed in range(100):
        panel = launched(panel_of(seed), starts)
        found = marketing.estimate_launch(panel, treated=list(starts), start=20)
        hits += found.low <= 3 <= found.high
    assert 88 <= hits <= 100  # binomial at .95: below 88 in one of 300


def test_a_staggered_launch_that_grows_fools_the_two_way_regression_only():
    starts = {f"u{i:02d}": begin for i, begin in enumerate((8, 8, 8, 14, 14, 14, 20, 20, 20))}
    panel = launched(panel_of(2, spread=0.3), starts, grow=0.5)
    found = marketing.estimate_launch(panel, treated=starts)
    since = [t - b for b in starts.values() for t in range(b, 30)]
    truth = 3 + 0.5 * np.mean(since)
    assert found.low <= truth <= found.high
    assert found.effect == pytest.approx(truth, abs=0.5)
    assert found.two_way_effect < truth - 1


def test_group_time_effects_are_those_of_a_slow_loop():
    starts = {"u00": 3, "u01": 3, "u02": 5}
    panel = launched(panel_of(3, units=6, periods=8), starts)
    found = marketing.estimate_launch(panel, treated=starts)
    wide = panel.pivot(index="unit", columns="period", values="outcome")
    rows, sizes = [], []
    for begin, mine in ((3, ["u00", "u01"]), (5, ["u02"])):
        for t in range(begin, 8):
            others = [u for u in wide.index if u not in mine and starts.get(u, 99) > t]
            change = wide[t] - wide.loc[:, : begin - 1].mean(axis=1)
            rows.append(change[mine].mean() - change[others].mean())
            sizes.append(len(mine))
    np.testing.assert_allclose(found.groups["effect"], rows)
    assert found.effect == pytest.approx(np.average(rows, weights=sizes))


def test_the_interval_of_a_staggered_launch_covers():
    starts = {f"u{i:02d}": 10 + 3 * (i % 3) for i in range(9)}
    hits = 0
    for seed in range(60):
        found = marketing.estimate_launch(launched(panel_of(seed), starts), treated=starts)
        hits += found.low <= 3 <= found.high
    assert hits >= 51  # of 60 at .95: fewer in one of 2,000


def test_paths_that_part_before_the_start_are_told():
    panel = panel_of(4, spread=0.3)
    parting = panel.assign(
        outcome=panel["outcome"] + 0.4 * panel["period"] * (panel["unit"] < "u04")
    )
    treated = ["u00", "u01", "u02", "u03"]
    bad = marketing.estimate_launch(parting, treated=treated, start=20)
    assert bad.pretrend_p_value < 0.001
    assert any("not parallel" in caveat for caveat in bad.caveats)


def test_the_test_of_the_time_before_rejects_sound_panels_rarely():
    starts = [f"u{i:02d}" for i in range(5)]
    rejected = sum(
        marketing.estimate_launch(panel_of(s), treated=starts, start=20).pretrend_p_value < 0.05
        for s in range(100)
    )
    assert rejected <= 13  # binomial at .05: more in one of 1,000


# launches: synthetic control


def test_the_weights_are_those_of_a_general_solver():
    rng = np.random.default_rng(5)
    for _ in range(5):
        donors, target = rng.normal(size=(25, 8)), rng.normal(size=25)
        ours = fit_simplex(target, donors)
        found = minimize(
            lambda w, d=donors, y=target: ((y - d @ w) ** 2).sum(), np.full(8, 1 / 8),
            bounds=[(0, 1)] * 8, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            method="SLSQP", options={"ftol": 1e-14, "maxiter": 1000},
        )  # fmt: skip
        assert ours.sum() == pytest.approx(1) and (ours >= 0).all()
        np.testing.assert_allclose(ours, found.x, atol=1e-5)


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.floats(-50, 50))
@settings(max_examples=25, deadline=None)
def test_a_known_mixture_is_recovered_whatever_the_level(parts, shift):
    share = np.array(parts) / sum(parts)
    donors = np.random.default_rng(6).normal(size=(20, 3))
    np.testing.assert_allclose(
        fit_simplex(donors @ share + shift, donors + shift), share, atol=1e-6
    )


def test_a_synthetic_control_follows_its_mixture_and_finds_the_effect():
    panel = panel_of(7, units=12, spread=0.5)
    wide = panel.pivot(index="unit", columns="period", values="outcome")
    mixed = 0.6 * wide.loc["u03"] + 0.4 * wide.loc["u07"] + 4.0 * (wide.columns >= 20)
    rows = mixed.rename("outcome").reset_index().assign(unit="new")
    found = marketing.estimate_launch(
        pd.concat([panel, rows]), treated="new", start=20, method="synthetic"
    )
    assert found.weights.drop(["u03", "u07"]).max() < 1e-6
    assert found.weights["u03"] == pytest.approx(0.6) and found.weights.sum() == pytest.approx(1)
    assert found.effect == pytest.approx(4.0)
    assert found.p_value == pytest.approx(1 / 13)  # the most that twelve placebos can say
    assert np.isnan(found.low) and any("too few" in caveat for caveat in found.caveats)


def test_the_placebo_interval_covers_where_the_mixture_is_within_reach():
    rng, hits = np.random.default_rng(8), 0
    for seed in range(40):
        panel = panel_of(seed, units=40)
        wide = panel.pivot(index="unit", columns="period", values="outcome")
        path = wide.iloc[:10].mean() + rng.normal(size=30) + 3.0 * (wide.columns >= 20)
        rows = path.rename("outcome").reset_index().assign(unit="new")
        found = marketing.estimate_launch(
            pd.concat([panel, rows]), treated="new", start=20, method="synthetic"
        )
        hits += found.low <= 3 <= found.high
    assert hits >= 34  # of 40 at .95: fewer in one of 300


# regions


def regions_of(seed: int, *, lift: float = 0.15, days: int = 56) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for place, size in enumerate((20, 40, 60, 80, 30, 50)):
        on = np.repeat(rng.uniform(size=days // 7) < 0.5, 7)
        season = 1 + 0.4 * np.sin(np.arange(days) / 9)
        luck = np.exp(0.1 * np.repeat(rng.normal(size=days // 7), 7))
        mean = size * season * luck * np.where(on, 1 + lift, 1.0)
        rows.append(
            pd.DataFrame({"region_id": f"R{place}", "is_on": on,
                          "date": pd.date_range("2024-01-01", periods=days),
                          "outcome": rng.poisson(mean) * 1.0,
                          "spend": on * size * 0.05, "reported": on * size * 0.5})
        )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def test_the_geo_reading_covers_the_lift_nineteen_times_in_twenty():
    hits = 0
    for seed in range(60):
        lift = (
            marketing.read_geo_test(regions_of(seed)).table.set_index("reading").loc["lift_share"]
        )
        hits += lift["low"] <= 0.15 <= lift["high"]
    assert hits >= 51  # of 60 at .95: fewer in one of 2,000


def test_the_log_linear_fit_is_statsmodels_poisson_with_cluster_errors():
    import statsmodels.api as sm

    rng = np.random.default_rng(9)
    design = np.column_stack([np.ones(300), rng.normal(size=(300, 2))])
    exposure, cluster = rng.uniform(1, 3, 300), np.repeat(np.arange(30), 10)
    y = rng.poisson(exposure * np.exp(design @ [0.3, 0.5, -0.2])).astype(float)
    ours = fit_log_linear(y, design, exposure=exposure, cluster=cluster)
    theirs = sm.GLM(y, design, family=sm.families.Poisson(), exposure=exposure).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params() * 30 / 29, rtol=1e-5)


def test_the_geo_reading_is_a_poisson_regression_with_region_and_day_effects():
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    panel = regions_of(2, days=21)
    found = marketing.read_geo_test(panel)
    rows = panel.assign(is_on=panel["is_on"].astype(int))
    model = "outcome ~ is_on + C(region_id) + C(date)"
    fit = smf.glm(model, rows, family=sm.families.Poisson()).fit()
    assert found.lift_share == pytest.approx(np.expm1(fit.params["is_on"]), rel=1e-6)
    mean = fit.fittedvalues[panel["is_on"]]
    assert found.gained == pytest.approx((mean * -np.expm1(-fit.params["is_on"])).sum(), rel=1e-6)


def test_a_platform_that_claims_too_much_is_told_and_days_after_a_switch_can_be_left_out():
    panel = regions_of(1)
    found = marketing.read_geo_test(panel)
    assert found.reported_return == pytest.approx(10.0)
    assert found.return_ratio == pytest.approx(found.gained / panel["spend"].sum())
    assert any("claims more" in caveat for caveat in found.caveats)
    late = marketing.read_geo_test(panel, settle_days=2)
    assert late.lift_share != found.lift_share
    assert late.lift_share == pytest.approx(found.lift_share, abs=0.1)


def test_the_step_that_pays_is_found_and_not_the_average():
    steps = pd.DataFrame({"spend": [0.0, 10, 20, 30], "outcome": [100.0, 160, 185, 195]})
    found = marketing.compare_returns(steps, margin_share=0.45)
    assert found.best_spend == 20  # the last step brings 1.0 a unit and would need 2.2
    assert found.table["average_return"].tolist()[1:] == pytest.approx([6.0, 4.25, 95 / 30])


# ranks


def test_the_click_curve_covers_its_exponent_and_leaves_clusters_apart():
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rank = np.concatenate([np.full(200, 1.0), 2 + 6 * rng.uniform(size=200)])
        shown = rng.poisson(400, size=400) + 1
        share = np.where(rank == 1, 0.7, 0.3) / rank**0.8
        days = pd.DataFrame(
            {"date": np.tile(pd.date_range("2024-01-01", periods=200), 2), "rank": rank,
             "cluster": np.repeat(["brand", "generic"], 200), "impressions": shown,
             "clicks": rng.binomial(shown, share)}
        )  # fmt: skip
        curve = marketing.fit_click_curve(days)
        hits += curve.low <= -0.8 <= curve.high
    assert hits >= 51
    assert any("brand never moved" in caveat for caveat in curve.caveats)
    found = marketing.find_keyword_opportunities(days, curve, value_per_click=0.1)
    assert found["cluster"].tolist() == ["generic", "brand"]
    assert found["extra_clicks_per_day"].iloc[1] == 0


# creators


def test_shrunk_scores_are_those_of_a_mixed_model():
    """Balanced: analysis of variance is restricted maximum likelihood (Searle et al. 1992)."""
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(10)
    level = np.repeat(0.5 * rng.normal(size=12), 8)
    made = np.round(np.exp(4 + level + 0.6 * rng.normal(size=96)))
    posts = pd.DataFrame({"creator": np.repeat([f"c{i:02d}" for i in range(12)], 8), "fee": 20.0,
                          "followers": 1000, "engagements": made})  # fmt: skip
    card = marketing.score_creators(posts).table.set_index("creator").sort_index()
    rows = posts.assign(y=np.log((posts["engagements"] + 0.5) / 20))
    fit = smf.mixedlm("y ~ 1", rows, groups="creator").fit(reml=True)
    theirs = fit.params["Intercept"] + pd.Series(
        {k: v.iloc[0] for k, v in fit.random_effects.items()}
    )
    np.testing.assert_allclose(np.log(card["shrunk_per_fee"]), theirs.sort_index(), atol=2e-3)


def test_creators_who_differ_by_luck_alone_are_not_ranked():
    rng = np.random.default_rng(11)
    flat = 0
    for _ in range(40):
        posts = pd.DataFrame({"creator": np.repeat(list("abcdefgh"), 6), "fee": 10.0,
                              "followers": 500, "engagements": rng.poisson(40, 48)})  # fmt: skip
        flat += marketing.score_creators(posts).p_value > 0.05
    assert flat >= 32  # of 40 at .95: fewer in one of 5,000


def test_the_trace_of_posts_is_statsmodels_with_newey_west_errors():
    import statsmodels.api as sm

    rng = np.random.default_rng(12)
    days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=368),
                         "spend": 30 * (rng.uniform(size=368) < 0.25)})  # fmt: skip
    burst = [0.2, 0.5, 0.3, 0.1]
    mean = 20 + sum(b * days["spend"].shift(k, fill_value=0) for k, b in enumerate(burst))
    days["outcome"] = rng.poisson(mean).astype(float)
    found = marketing.trace_posts(days, lags=4)
    lagged = np.column_stack([days["spend"].shift(k) for k in range(5)])[4:]
    rest = days.iloc[4:]
    block = pd.get_dummies(np.arange(364) // 28).to_numpy(dtype=float)
    week = pd.get_dummies(rest["date"].dt.day_of_week).to_numpy(dtype=float)[:, 1:]
    fit = sm.OLS(rest["outcome"].to_numpy(), np.column_stack([lagged, week, block])).fit(
        cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": True}
    )
    np.testing.assert_allclose(found.table["response"], fit.params[:5], rtol=1e-7)
    np.testing.assert_allclose(found.table["low"], fit.conf_int()[:5, 0], rtol=1e-6)
    assert found.low <= sum(burst) <= found.high
    assert found.half_after_days == 1


# mails


def sends_of(seed: int, *, readers: int = 400) -> pd.DataFrame:
    """Keen readers open more and get more mails; each remembered mail costs 0.05 of opening."""
    rng = np.random.default_rng(seed)
    rows = []
    for reader in range(readers):
        keen = rng.uniform()
        load, last = 0.0, 0
        for day in np.flatnonzero(rng.uniform(size=180) < 0.05 + 0.25 * keen):
            load, last = load * 0.5 ** ((day - last) / 10), day
            opened = rng.uniform() < np.clip(0.2 + 0.6 * keen - 0.05 * load, 0, 1)
            gone = rng.uniform() < 0.002 * np.exp(0.4 * load)
            rows.append((reader, day, opened, gone))
            load += 1
            if gone:
                break
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "opened", "is_unsubscribed"])
    date = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame.assign(date=date, opened_at=date.where(frame.pop("opened")))


def test_one_more_mail_is_measured_among_a_reader_s_own_and_not_across_readers():
    found = [marketing.measure_fatigue(sends_of(seed, readers=200)) for seed in range(20)]
    assert all(one.naive_open_change > 0 for one in found)
    assert np.mean([one.open_change for one in found]) == pytest.approx(-0.05, abs=0.01)
    assert sum(one.low <= -0.05 <= one.high for one in found) >= 16
    assert sum(one.leave_low <= np.exp(0.4) <= one.leave_high for one in found) >= 16


def test_the_opening_slope_is_the_fixed_effects_regression_of_statsmodels():
    import statsmodels.formula.api as smf

    sends = sends_of(7, readers=12)
    found = marketing.measure_fatigue(sends)
    rows = sends.sort_values(["customer_id", "date"], ignore_index=True)
    day = (rows["date"] - rows["date"].min()).dt.days
    who = rows["customer_id"]
    load = [
        sum(0.5 ** ((day[i] - day[j]) / 10) for j in range(i) if who[j] == who[i])
        for i in range(len(rows))
    ]
    spell = who.astype(str) + "/" + (day // 91).astype(str)
    rows = rows.assign(load=load, spell=spell, opened=rows["opened_at"].notna().astype(int))
    fit = smf.ols("opened ~ load + C(spell)", rows[day >= 30]).fit()
    assert found.open_change == pytest.approx(fit.params["load"])


def test_fewer_mails_are_planned_where_readers_leave_sooner():
    calm = marketing.measure_fatigue(sends_of(1))
    angry = replace(calm, leave_factor=3 * calm.leave_factor)
    plans = [marketing.plan_mail_frequency(one, value_per_open=0.1) for one in (calm, angry)]
    assert plans[1].mails_per_week < plans[0].mails_per_week
    assert plans[0].table["value"].max() >= plans[0].value


# manners

PANEL = panel_of(0, units=4, periods=6)
REGIONS = regions_of(0, days=14)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: marketing.estimate_launch(PANEL, treated="none", start=3), "no unit of the panel"),
        (lambda: marketing.estimate_launch(PANEL, treated="u00"), "start: none given"),
        (lambda: marketing.estimate_launch(PANEL, treated="u00", start=0), "no period before it"),
        (lambda: marketing.estimate_launch(PANEL, treated="u00", start="x"), "cannot be compared"),
        (lambda: marketing.estimate_launch(PANEL.iloc[1:], treated="u01", start=3), "are missing"),
        (lambda: marketing.estimate_launch(pd.concat([PANEL, PANEL]), treated="u01", start=3),
         "rows repeat the same unit, period"),
        (lambda: marketing.estimate_launch(PANEL, treated=[f"u0{i}" for i in range(4)], start=3),
         "all units are"),
        (lambda: marketing.estimate_launch(PANEL, treated="u01", start=3, method="x"), "method"),
        (lambda: marketing.estimate_launch(PANEL, treated={"u00": 2, "u01": 3}, method="synthetic"),
         "starts differ"),
        (lambda: marketing.read_geo_test(REGIONS.assign(is_on=True)), "always on"),
        (lambda: marketing.read_geo_test(REGIONS.assign(outcome=-1.0)), "outcome: 84 rows"),
        (lambda: marketing.read_geo_test(REGIONS.assign(is_on=REGIONS["date"] > "2024-01-07")),
         "leave nothing to compare"),
        (lambda: marketing.compare_returns(pd.DataFrame({"spend": [1.0, 2.0], "outcome": 1.0}),
                                           margin_share=0.5), "without spend"),
        (lambda: marketing.fit_click_curve(pd.DataFrame({
            "date": pd.date_range("2024-01-01", periods=3), "cluster": "a", "rank": 1.0,
            "impressions": 10, "clicks": 2})), "no cluster's rank ever moved"),
        (lambda: marketing.score_creators(pd.DataFrame({
            "creator": list("ab"), "fee": 1.0, "followers": 5, "engagements": 1})), "two posts"),
        (lambda: marketing.trace_posts(pd.DataFrame({
            "date": pd.to_datetime(["2024-01-01", "2024-01-03"]), "spend": 1.0, "outcome": 1.0})),
         "missing or twice"),
        (lambda: marketing.measure_fatigue(pd.DataFrame({
            "customer_id": "a", "date": pd.date_range("2024-01-01", periods=9, freq="400D"),
            "opened_at": pd.NaT, "is_unsubscribed": False})), "not estimated"),
    ],
)  # fmt: skip
def test_bad_input_is_told_with_its_remedy(call, word):
    with pytest.raises(ValueError, match=word):
        call()


def test_results_show_themselves():
    fatigue = marketing.measure_fatigue(sends_of(1))
    days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=200),
                         "spend": 10.0 * (np.arange(200) % 5 == 0), "outcome": 3.0})  # fmt: skip
    ladder = pd.DataFrame({"spend": [0.0, 10, 20], "outcome": [100.0, 160, 185]})
    clicks = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=40), "cluster": "a",
                           "rank": np.tile([2.0, 3.0], 20), "impressions": 90,
                           "clicks": np.tile([30, 20], 20)})  # fmt: skip
    posts = pd.DataFrame({"creator": list("aabb"), "fee": 9.0, "followers": 100,
                          "engagements": [4, 6, 30, 33]})  # fmt: skip
    for result in (
        fatigue, marketing.plan_mail_frequency(fatigue, value_per_open=0.1),
        marketing.trace_posts(days, lags=3), marketing.compare_returns(ladder, margin_share=0.5),
        marketing.fit_click_curve(clicks), marketing.score_creators(posts),
        marketing.read_geo_test(REGIONS), marketing.estimate_launch(PANEL, treated="u01", start=3),
    ):  # fmt: skip
        assert result.plot().get_title()
        assert len(result.summary()) and "<table" in result._repr_html_()
