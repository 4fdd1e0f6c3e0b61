"""Prices of chapter 03: stated prices, elasticities, price plans; and what is bought together."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize_scalar
from scipy.stats import fisher_exact
from scipy.stats import t as student
from sklearn.isotonic import IsotonicRegression
from statsmodels.sandbox.regression.gmm import IV2SLS
from statsmodels.stats.multitest import multipletests

from ecomlab.analysis import product

# ---------------------------------------------------------------- stated prices


def ranked_answers(size: int = 4001) -> pd.DataFrame:
    """Answers whose curves are straight lines, so that crossings follow by hand."""
    ends = {"too_cheap": (2, 8), "cheap": (4, 10), "expensive": (5, 12), "too_expensive": (6, 14)}
    return pd.DataFrame({name: np.linspace(*span, size) for name, span in ends.items()})


def drawn_answers(seed: int, size: int = 250) -> pd.DataFrame:
    """The sample of the R package's page: four normal prices, each drawn by itself."""
    rng = np.random.default_rng(seed)
    means = {"too_cheap": (8.5, 1), "cheap": (10, 1), "expensive": (12, 0.75),
             "too_expensive": (13, 1)}  # fmt: skip
    return pd.DataFrame({n: rng.normal(m, s, size).round(2) for n, (m, s) in means.items()})


def test_straight_curves_cross_where_two_lines_do():
    """By hand, for example (x - 6) / 8 = (8 - x) / 6 for too expensive and too cheap."""
    found = product.find_price_range(ranked_answers())
    assert found.optimal_price == pytest.approx(100 / 14, abs=0.01)
    assert found.indifference_price == pytest.approx(100 / 13, abs=0.01)
    assert found.lowest_price == pytest.approx(6.0, abs=0.01)
    assert found.highest_price == pytest.approx(9.2, abs=0.01)
    narrower = product.find_price_range(ranked_answers(), definition="narrower")
    assert narrower.lowest_price == pytest.approx(86 / 13, abs=0.01)
    assert narrower.highest_price == pytest.approx(116 / 14, abs=0.01)
    assert narrower.optimal_price == found.optimal_price


@pytest.mark.parametrize("seed", range(5))
def test_the_four_points_follow_the_rule_of_the_r_package_pricesensitivitymeter(seed):
    """Its defaults: validate, no interpolation, "min", "original" (manual of version 1.3.3)."""
    said = drawn_answers(seed)
    valid = said[(said.diff(axis=1).iloc[:, 1:] > 0).all(axis=1)]
    grid = sorted(set(valid.to_numpy().ravel()))

    def upto(name: str, price: float) -> int:
        return int((valid[name] <= price).sum())

    def first(rising: str, falling: str) -> float:
        return next(p for p in grid if upto(rising, p) + upto(falling, p) >= len(valid))

    found = product.find_price_range(said)
    assert found.respondents == len(valid) and found.dropped == len(said) - len(valid)
    assert found.optimal_price == first("too_expensive", "too_cheap")
    assert found.indifference_price == first("expensive", "cheap")
    assert found.lowest_price == first("cheap", "too_cheap")
    assert found.highest_price == first("too_expensive", "expensive")


def test_the_interval_of_the_optimal_price_covers_that_of_everybody():
    everybody, hits = ranked_answers(), 0
    for seed in range(40):
        sample = everybody.sample(150, replace=True, random_state=seed)
        row = product.find_price_range(sample, seed=seed).table.set_index("point")
        hits += row.loc["optimal_price", "low"] <= 100 / 14 <= row.loc["optimal_price", "high"]
    assert hits >= 34  # of 40 at level .95: below 34 in one of 300 (binomial)


def test_weights_count_as_repeated_answers_do_and_a_statement_can_be_deflated():
    said = drawn_answers(1, 60)
    times = np.random.default_rng(2).integers(1, 4, 60)
    one = product.find_price_range(said.assign(times=times), weight="times")
    two = product.find_price_range(said.loc[said.index.repeat(times)].reset_index(drop=True))
    assert one.table["price"].tolist() == two.table["price"].tolist()
    less = product.find_price_range(said.assign(times=times), weight="times", overstated_share=0.25)
    np.testing.assert_allclose(less.table["price"], one.table["price"] / 1.25)
    assert not any("not prices they pay" in caveat for caveat in less.caveats)


def test_answers_that_do_not_rise_are_left_out_and_said():
    said = ranked_answers(101)
    swapped = said.rename(columns={"cheap": "expensive", "expensive": "cheap"})
    found = product.find_price_range(pd.concat([said, swapped.iloc[:9]], ignore_index=True))
    assert found.dropped == 9 and "9 of 110" in found.caveats[0]
    assert found.optimal_price == product.find_price_range(said).optimal_price
    with pytest.raises(ValueError, match="no respondent"):
        product.find_price_range(swapped)


def test_a_gap_in_which_nobody_refuses_is_a_caveat():
    said = ranked_answers(50).assign(too_expensive=lambda f: f["too_expensive"] + 9)
    assert any("Nobody refuses" in caveat for caveat in product.find_price_range(said).caveats)


def ladder_answers(seed: int, size: int = 400) -> pd.DataFrame:
    """People who buy up to what it is worth to them: uniform from 10 to 30."""
    worth = np.random.default_rng(seed).uniform(10, 30, size)
    prices = np.arange(8.0, 33.0)
    return pd.DataFrame({
        "respondent_id": np.repeat(np.arange(size), len(prices)),
        "price": np.tile(prices, size),
        "buys": (np.repeat(worth, len(prices)) >= np.tile(prices, size)).astype(int),
    })  # fmt: skip


def test_the_price_of_most_margin_is_found_and_covered():
    """Share (30 - p) / 20: revenue is highest at 15, margin at cost 6 at 18."""
    hits = 0
    for seed in range(20):
        curve = product.estimate_demand_curve(ladder_answers(seed), unit_cost=6.0, seed=seed)
        hits += curve.low <= 18.0 <= curve.high
    assert hits >= 16
    big = product.estimate_demand_curve(ladder_answers(0, 20_000))
    assert abs(big.best_price - 15.0) <= 1.0
    dear = product.estimate_demand_curve(ladder_answers(0, 20_000), unit_cost=6.0)
    assert abs(dear.best_price - 18.0) <= 1.0
    assert big.best_share == pytest.approx((30 - big.best_price) / 20, abs=0.02)


def test_shares_that_fall_are_isotonic_regression():
    rng = np.random.default_rng(5)
    rows = [(person, price, int(rng.random() < 0.9 - 0.05 * price)) for person in range(60)
            for price in range(1, 13) if rng.random() < 0.7]  # fmt: skip
    asked = pd.DataFrame(rows, columns=["respondent_id", "price", "buys"])
    curve = product.estimate_demand_curve(asked)
    grouped = asked.groupby("price")["buys"].agg(["mean", "size"])
    pooled = IsotonicRegression(increasing=False).fit(
        grouped.index, grouped["mean"], sample_weight=grouped["size"]
    )
    np.testing.assert_allclose(curve.table["share"], pooled.predict(grouped.index), atol=1e-12)
    assert any("not at a lower one" in caveat for caveat in curve.caveats)


def test_purchase_answers_are_built_from_what_is_too_expensive_and_too_cheap():
    said = ranked_answers(21).assign(respondent_id=range(21))
    for refuse in (False, True):
        made = product.build_purchase_answers(said, prices=[3.0, 7.0, 13.5], refuse_cheap=refuse)
        bought = made.groupby("price")["buys"].sum()
        for price in bought.index:
            cheap = said["too_cheap"] >= price
            ok = (price < said["too_expensive"]) & ~(cheap & refuse)
            assert bought[price] == ok.sum()


# ---------------------------------------------------------------- elasticity


def make_sales(seed: int, *, confounded: float = 0.0, mean: float = 3.0, skus: int = 40,
               weeks: int = 26, slope: float = -2.0) -> pd.DataFrame:  # fmt: skip
    """Counts with levels for product and week; prices follow a cost, and demand as dosed."""
    rng = np.random.default_rng(seed)
    sku, week = np.repeat(np.arange(skus), weeks), np.tile(np.arange(weeks), skus)
    shock, cost = 0.3 * rng.standard_normal((2, len(sku)))
    log_price = rng.normal(3, 0.5, skus)[sku] + 0.5 * cost - confounded * shock
    lot = np.log(rng.choice([0.9, 1.0, 1.1], len(sku)))
    level = rng.normal(np.log(mean), 0.7, skus)[sku] + 0.3 * np.sin(week / 4)
    usual = rng.normal(3, 0.5, skus)[sku]
    rate = np.exp(level + shock + slope * (log_price + lot - usual))
    rate *= mean / rate.mean()
    return pd.DataFrame({
        "sku": sku, "date": week, "units": rng.poisson(rate).astype(float),
        "price": np.exp(log_price + lot), "cost": cost, "factor": np.exp(lot),
        "log_kept": log_price, "rate": rate,
    })  # fmt: skip


def dummies(sales: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    levels = pd.get_dummies(sales[["sku", "date"]].astype(str), drop_first=True, dtype=float)
    return sm.add_constant(pd.concat([sales[columns], levels], axis=1))


def test_fixed_effects_are_those_of_a_poisson_regression_with_dummies():
    sales = make_sales(1, skus=8, weeks=10)
    sales = sales.assign(log_price=np.log(sales["price"]))
    fit = sm.GLM(sales["units"], dummies(sales, ["log_price", "cost"]),
                 family=sm.families.Poisson()).fit(tol=1e-12)  # fmt: skip
    found = product.estimate_elasticity(sales, controls=["cost"])
    assert found.elasticity == pytest.approx(fit.params["log_price"], abs=1e-6)


def test_the_naive_answer_is_ordinary_least_squares_of_logs_without_the_zeros():
    sales = make_sales(2)
    sold = sales[sales["units"] > 0]
    fit = sm.OLS(np.log(sold["units"]), sm.add_constant(np.log(sold["price"]))).fit()
    found = product.estimate_elasticity(sales, method="naive")
    assert found.elasticity == pytest.approx(fit.params["price"])
    assert found.rows == len(sold) < len(sales)
    assert any("no logarithm" in caveat for caveat in found.caveats)


def test_errors_are_those_of_leaving_one_product_out_at_a_time():
    sales = make_sales(3, mean=30)
    found = product.estimate_elasticity(sales, method="naive")
    sold = sales[sales["units"] > 0]
    left = []
    for sku in sold["sku"].unique():
        rest = sold[sold["sku"] != sku]
        left.append(np.polyfit(np.log(rest["price"]), np.log(rest["units"]), 1)[0])
    size = len(left)
    spread = (size - 1) / size * ((np.array(left) - found.elasticity) ** 2).sum()
    assert found.standard_error == pytest.approx(np.sqrt(spread))
    wide = student.ppf(0.975, size - 1) * found.standard_error
    assert found.high - found.elasticity == pytest.approx(wide)


def test_without_zeros_the_instrument_gives_two_stage_least_squares():
    sales = make_sales(4, mean=400, skus=8, weeks=10, confounded=0.5)
    assert (sales["units"] > 0).all()
    sales = sales.assign(log_price=np.log(sales["price"]))
    fit = IV2SLS(np.log(sales["units"]), dummies(sales, ["log_price"]),
                 dummies(sales, ["cost"])).fit()  # fmt: skip
    found = product.estimate_elasticity(sales, method="instrument", instrument="cost")
    assert found.elasticity == pytest.approx(fit.params["log_price"], abs=1e-6)
    assert found.first_stage_f > 10
    # the same is chosen where an instrument comes with the default
    assert product.estimate_elasticity(sales, instrument="cost").elasticity == found.elasticity


def test_the_ends_of_the_instruments_interval_are_where_anderson_and_rubins_test_refuses():
    sales = make_sales(5, mean=400, skus=8, weeks=10, confounded=0.5)
    found = product.estimate_elasticity(sales, method="instrument", instrument="cost")
    levels = dummies(sales, []).to_numpy()
    clear = sales["cost"] - levels @ np.linalg.lstsq(levels, sales["cost"], rcond=None)[0]
    for end in (found.low, found.high):
        rest = np.log(sales["units"]) - end * np.log(sales["price"])
        rest = rest - levels @ np.linalg.lstsq(levels, rest, rcond=None)[0]
        parts = (clear * rest).groupby(sales["sku"]).sum()
        ratio = parts.sum() / np.sqrt((parts**2).sum() * 8 / 7)
        assert abs(ratio) == pytest.approx(student.ppf(0.975, 7), rel=1e-3)


def covers(found: product.Elasticity, truth: float = -2.0) -> bool:
    return found.is_estimated and found.low <= truth <= found.high


def test_confounded_prices_mislead_all_but_the_instrument_and_the_experiment():
    hits = dict.fromkeys(("naive", "fixed_effects", "instrument", "experiment"), 0)
    for seed in range(40):
        sales = make_sales(seed, confounded=0.4, mean=2.0)
        asks = {"instrument": {"instrument": "cost"},
                "experiment": {"instrument": "factor"}}  # fmt: skip
        for method in hits:
            found = product.estimate_elasticity(sales, method=method, **asks.get(method, {}))
            hits[method] += covers(found)
    # of 40 at level .95: below 34 in one of 300 (binomial)
    assert hits["instrument"] >= 34 and hits["experiment"] >= 34
    assert hits["naive"] <= 5 and hits["fixed_effects"] <= 5


def test_zeros_are_not_dropped_without_bias():
    """At half a unit a week dropping the zeros flattens the slope; Poisson keeps it."""
    sales = [make_sales(seed, mean=0.5, skus=60) for seed in range(8)]
    kept = np.mean([product.estimate_elasticity(one).elasticity for one in sales])
    dropped = np.mean([
        product.estimate_elasticity(one[one["units"] > 0]).elasticity for one in sales
    ])  # fmt: skip
    assert abs(kept + 2) < 0.15 < abs(dropped + 2)


def test_a_feeble_instrument_is_refused_or_warned_of():
    sales = make_sales(6, mean=5).assign(noise=lambda f: np.sin(1e3 * f.index.to_numpy()))
    found = product.estimate_elasticity(sales, method="instrument", instrument="noise")
    assert not found.is_estimated and np.isnan(found.elasticity)
    assert "not estimated, because" in found.caveats[0] and "too weak" in found.caveats[0]
    mixed = sales.assign(faint=sales["noise"] + 0.35 * sales["cost"])
    warned = product.estimate_elasticity(mixed, method="instrument", instrument="faint")
    assert not warned.is_estimated or warned.first_stage_f > 10 or "weak" in warned.caveats[0]


def test_scaling_prices_or_permuting_rows_changes_nothing():
    sales = make_sales(7)
    one = product.estimate_elasticity(sales)
    two = product.estimate_elasticity(
        sales.assign(price=sales["price"] * 100).sample(frac=1, random_state=1)
    )
    assert (one.elasticity, one.low) == pytest.approx((two.elasticity, two.low), abs=1e-7)


def test_one_product_alone_and_prices_common_to_all_are_told():
    sales = make_sales(8, mean=50)
    alone = product.estimate_elasticity(sales[sales["sku"] == 3])
    assert alone.is_estimated and any("all products at once" in c for c in alone.caveats)
    common = sales.assign(price=20 * np.exp(0.1 * np.sin(sales["date"] * 1.0)))
    assert any("all products at once" in c for c in product.estimate_elasticity(common).caveats)
    still = product.estimate_elasticity(sales.assign(price=9.9))
    assert not still.is_estimated and "do not move" in still.caveats[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="price"), r"sales\.price: the column is missing"),
        (lambda f: f.iloc[:0], r"sales: the frame is empty"),
        (
            lambda f: f.assign(units=-1.0),
            r"sales\.units: 1040 rows are below 0 \(first at \[0, 1, 2\]",
        ),
        (lambda f: f.assign(price=0.0), r"sales\.price: 1040 rows are not above 0"),
        (lambda f: f.assign(price=np.inf), r"sales\.price: 1040 rows are not finite"),
        (lambda f: f.assign(units="many"), r"sales\.units"),
        (lambda f: f.assign(date=1), r"sales\.date: .* sku, date"),
    ],
)
def test_bad_sales_are_named(change, said):
    with pytest.raises(ValueError, match=said):
        product.estimate_elasticity(change(make_sales(1)))


def test_a_method_is_known_and_has_its_column():
    with pytest.raises(ValueError, match="method: 'best'"):
        product.estimate_elasticity(make_sales(1), method="best")
    with pytest.raises(ValueError, match=r"instrument: method 'experiment' .* 0\.9, 1 or 1\.1"):
        product.estimate_elasticity(make_sales(1), method="experiment")


def empty_shelves(seed: int, *, slope: float = -2.0) -> pd.DataFrame:
    """Buyers come at random times of a week, until the few units on the shelf are gone."""
    rng = np.random.default_rng(seed)
    sku, week = np.repeat(np.arange(60), 20), np.tile(np.arange(20), 60)
    factor = rng.choice([0.8, 1.0, 1.2], len(sku))
    rate = rng.uniform(1, 6, 60)[sku] * factor**slope
    waits = rng.exponential(1 / rate[:, None], (len(sku), 60)).cumsum(axis=1)
    shelf = rng.integers(2, 6, len(sku))
    units = np.minimum((waits <= 1).sum(axis=1), shelf)
    gone = np.where(units == shelf, waits[np.arange(len(sku)), shelf - 1], 1.0)
    return pd.DataFrame({"sku": sku, "date": week, "units": units, "price": 10 * factor,
                         "factor": factor, "available_share": gone})  # fmt: skip


def test_units_sold_understate_what_a_low_price_brings_and_time_on_the_shelf_mends_it():
    """Leaving out the rows that ran out does not: they are those in which much was sold."""
    hits, slopes = dict.fromkeys(("known", "ignored", "left out"), 0), []
    for seed in range(40):
        sales = empty_shelves(seed)
        ways = {"known": sales, "ignored": sales.drop(columns="available_share"),
                "left out": sales[sales["available_share"] == 1]}  # fmt: skip
        for way, frame in ways.items():
            found = product.estimate_elasticity(frame, method="experiment", instrument="factor")
            hits[way] += covers(found)
            slopes.append((way, found.elasticity))
    mean = pd.DataFrame(slopes).groupby(0)[1].mean()
    assert hits["known"] >= 34  # below in one of 300 (binomial)
    assert hits["ignored"] <= 5 and hits["left out"] <= 5
    assert abs(mean["known"] + 2) < 0.05 and min(mean["ignored"], mean["left out"]) > -1.8


@pytest.mark.parametrize("method", ["fixed_effects", "experiment"])
def test_time_on_the_shelf_is_the_exposure_of_a_poisson_regression(method):
    sales = make_sales(9, skus=8, weeks=10)
    share = np.random.default_rng(1).uniform(0.2, 1, len(sales))
    sales = sales.assign(available_share=share, lot=np.log(sales["factor"]))
    sales["log_price"] = np.log(sales["price"])
    by_lot = method == "experiment"
    column = "lot" if by_lot else "log_price"
    fit = sm.GLM(sales["units"], dummies(sales, [column]), family=sm.families.Poisson(),
                 offset=np.log(share)).fit(tol=1e-12)  # fmt: skip
    found = product.estimate_elasticity(
        sales, method=method, instrument="factor" if by_lot else None
    )
    assert found.elasticity == pytest.approx(fit.params[column], abs=1e-5)
    assert any("time on the shelf" in caveat for caveat in found.caveats)


@pytest.mark.parametrize("zeros", [False, True])
def test_the_instrument_counts_time_on_the_shelf_too(zeros):
    sales = make_sales(4, mean=50, skus=10, weeks=12)
    share = np.random.default_rng(2).uniform(0.2, 1, len(sales))
    units = share * sales["sku"].add(5) * 1e4 * sales["price"] ** -2.0
    if zeros:  # one row without sales: moments of an exponential mean instead of logs
        units = units.where(np.arange(len(sales)) != 7, 0.0)
    sales = sales.assign(units=units, available_share=share)
    found = product.estimate_elasticity(sales, instrument="cost")
    assert found.elasticity == pytest.approx(-2, abs=0.1 if zeros else 1e-6)
    blind = product.estimate_elasticity(sales.drop(columns="available_share"), instrument="cost")
    assert blind.high - blind.low > 2 * (found.high - found.low)


def test_a_shelf_that_was_never_empty_changes_nothing_and_an_impossible_one_is_named():
    sales = make_sales(3)
    with_shelf = product.estimate_elasticity(sales.assign(available_share=1.0))
    assert with_shelf.elasticity == product.estimate_elasticity(sales).elasticity
    gone = sales.assign(available_share=1.0)
    gone.loc[gone.index[:40], ["units", "available_share"]] = 0.0  # rows never on the shelf
    left = product.estimate_elasticity(sales.drop(index=sales.index[:40]))
    assert product.estimate_elasticity(gone).elasticity == pytest.approx(left.elasticity)
    for share, said in ((1.2, "above 1"), (0.0, "0 beside units sold"), (-0.1, "below 0")):
        with pytest.raises(ValueError, match=rf"sales\.available_share: \d+ rows.* {said}"):
            product.estimate_elasticity(sales.assign(available_share=share))


def make_pairs(seed: int) -> pd.DataFrame:
    """Twelve shelves of three products: own elasticity -2, 0.6 to the mean of the two others."""
    rng = np.random.default_rng(seed)
    sku, week = np.repeat(np.arange(36), 40), np.tile(np.arange(40), 36)
    log_price = 0.15 * rng.standard_normal((36, 40))
    shelves = log_price.reshape(12, 3, 40)
    others = ((shelves.sum(axis=1, keepdims=True) - shelves) / 2).reshape(36, 40)
    rate = 8 * np.exp(-2 * log_price + 0.6 * others)
    return pd.DataFrame({"sku": sku, "date": week, "shelf": sku // 3,
                         "price": 20 * np.exp(log_price).ravel(),
                         "units": rng.poisson(rate).ravel()})  # fmt: skip


def test_the_cross_elasticity_of_a_shelf_is_covered():
    found = [product.estimate_cross_elasticity(make_pairs(seed), group="shelf")
             for seed in range(25)]  # fmt: skip
    assert sum(one.low <= 0.6 <= one.high for one in found) >= 20
    assert np.mean([one.cross for one in found]) == pytest.approx(0.6, abs=0.08)
    assert np.mean([one.own for one in found]) == pytest.approx(-2, abs=0.06)
    lonely = make_pairs(0).assign(shelf=lambda f: f["sku"])
    assert "not estimated" in product.estimate_cross_elasticity(lonely, group="shelf").caveats[0]


def test_errors_of_a_cross_effect_go_together_as_named():
    pairs = make_pairs(1).query("date < 8").assign(units=lambda f: 500 * f["units"] + 1)
    pairs["cell"] = pairs["shelf"] * 8 + pairs["date"]
    found = product.estimate_cross_elasticity(pairs, group="shelf", cluster="cell")
    assert found.cross == product.estimate_cross_elasticity(pairs, group="shelf").cross
    by_sku = product.estimate_cross_elasticity(pairs, group="shelf", cluster="sku")
    few = pairs[pairs["shelf"] < 8]  # fewer than ten groups: products are the clusters
    alone = product.estimate_cross_elasticity(few, group="shelf")
    assert alone.high == product.estimate_cross_elasticity(few, group="shelf", cluster="sku").high
    assert len({found.high, by_sku.high}) == 2
    assert any("fewer than ten groups" in caveat for caveat in alone.caveats)
    with pytest.raises(ValueError, match=r"sales\.lot: the column is missing"):
        product.estimate_cross_elasticity(pairs, group="shelf", cluster="lot")


# ---------------------------------------------------------------- the price to ask

GOODS = pd.DataFrame(
    {"sku": list("abcd"), "price": [20.0, 20.0, 20.0, 50.0], "unit_cost": [10.0, 14.0, 19.5, 22.0],
     "units": [100.0, 50.0, 20.0, 10.0]}
)  # fmt: skip


def test_the_best_price_is_where_profit_is_highest():
    plan = product.plan_prices(GOODS, elasticity=-2.4, most_change_share=0.9, ending_gap=None)
    for row, best in zip(GOODS.itertuples(), plan.table["best_price"], strict=True):
        top = minimize_scalar(lambda p, r=row: -((p / r.price) ** -2.4) * (p - r.unit_cost),
                              bounds=(5, 80), options={"xatol": 1e-9})  # fmt: skip
        assert best == pytest.approx(top.x, abs=1e-4)
    gain = plan.table["profit_change"]
    assert (gain >= -1e-9).all()


def test_limits_bind_in_their_order_and_cost_last():
    goods = GOODS.assign(competitor_price=[15.0, np.nan, 10.0, 60.0],
                         willing_price=[np.nan, 22.0, 30.0, 40.0])  # fmt: skip
    plan = product.plan_prices(goods, elasticity=-2.0, most_change_share=0.4, ending_gap=None)
    assert plan.table["best_price"].tolist() == [20.0, 28.0, 39.0, 44.0]
    assert plan.table["price"].tolist() == [15.0, 22.0, 19.5, 40.0]
    assert plan.table["limit"].tolist() == [
        "competitors' price", "willingness to pay", "cost", "willingness to pay"]  # fmt: skip
    assert any("look at delisting" in caveat for caveat in plan.caveats)
    steps = product.plan_prices(goods, elasticity=-2.0, most_change_share=0.1, ending_gap=None)
    assert steps.table["price"].tolist() == [18.0, 22.0, 19.5, 45.0]


def test_where_demand_is_inelastic_the_limit_decides_and_this_is_said():
    plan = product.plan_prices(GOODS, elasticity=-0.8, most_change_share=0.2, ending_gap=None)
    assert np.isinf(plan.table["best_price"]).all()
    np.testing.assert_allclose(plan.table["price"], GOODS["price"] * 1.2)
    assert any("set by a limit" in caveat for caveat in plan.caveats)


def test_no_price_point_within_the_limits_earns_more():
    plan = product.plan_prices(GOODS, elasticity=-2.6, most_change_share=0.5)
    for row, price in zip(GOODS.itertuples(), plan.table["price"], strict=True):
        low = max(row.price * 0.5, row.unit_cost)
        points = product.list_price_points(lowest=low, highest=row.price * 1.5)
        profit = (points / row.price) ** -2.6 * (points - row.unit_cost)
        assert price == pytest.approx(points[profit.argmax()])


def test_the_interval_of_the_elasticity_becomes_one_of_the_price():
    found = product.estimate_elasticity(make_sales(9, mean=20))
    plan = product.plan_prices(GOODS, elasticity=found, most_change_share=0.9, ending_gap=None)
    ends = [product.plan_prices(GOODS, elasticity=e, most_change_share=0.9, ending_gap=None)
            for e in (found.low, found.high)]  # fmt: skip
    np.testing.assert_allclose(plan.table["price_low"], ends[0].table["price"])
    np.testing.assert_allclose(plan.table["price_high"], ends[1].table["price"])
    assert plan.low <= plan.profit_change_share <= plan.high
    still = product.estimate_elasticity(make_sales(9).assign(price=9.9))
    with pytest.raises(ValueError, match="not estimated"):
        product.plan_prices(GOODS, elasticity=still)
    with pytest.raises(ValueError, match="not below 0"):
        product.plan_prices(GOODS, elasticity=0.3)


def test_the_ladder_is_the_best_of_all_ladders():
    line = GOODS.assign(rung=[1, 2, 3, 4], price=[12.0, 12.5, 13.0, 20.0],
                        unit_cost=[5.0, 6.0, 6.5, 9.0])  # fmt: skip
    made = product.build_price_ladder(line, elasticity=-2.2, least_gap_share=0.12)
    choices = [product.list_price_points(lowest=p * 0.7, highest=p * 1.3) for p in line["price"]]

    def profit(prices) -> float:
        return sum(u * (p / q) ** -2.2 * (p - c) for p, q, c, u in zip(
            prices, line["price"], line["unit_cost"], line["units"], strict=True))  # fmt: skip

    fits = [prices for prices in itertools.product(*choices)
            if all(b >= a * 1.12 for a, b in itertools.pairwise(prices))]  # fmt: skip
    assert profit(made["price"]) == pytest.approx(max(profit(prices) for prices in fits))
    assert (made["gap_share"].iloc[1:] >= 0.12 - 1e-9).all()
    with pytest.raises(ValueError, match="no ladder fits"):
        product.build_price_ladder(line, elasticity=-2.2, least_gap_share=0.9)


def test_every_answer_on_prices_shows_itself_and_its_finding():
    sales = make_sales(10)
    found = product.estimate_elasticity(sales)
    answers = [product.find_price_range(drawn_answers(1)), found,
               product.estimate_demand_curve(ladder_answers(1, 50)),
               product.plan_prices(GOODS, elasticity=found)]  # fmt: skip
    for answer in answers:
        assert answer.plot().get_title() and answer.caveats
        assert "0x" not in repr(answer) + answer._repr_html_()
    low, high = -found.high, -found.low
    assert f"({low:.1f} to {high:.1f} %)" in found.plot().get_title()


# ---------------------------------------------------------------- bought together

MARKET = [{"Bread", "Milk"}, {"Bread", "Diapers", "Beer", "Eggs"},
          {"Milk", "Diapers", "Beer", "Cola"}, {"Bread", "Milk", "Diapers", "Beer"},
          {"Bread", "Milk", "Diapers", "Cola"}]  # fmt: skip


def lines_of(baskets) -> pd.DataFrame:
    rows = [(order, item) for order, basket in enumerate(baskets) for item in sorted(basket)]
    return pd.DataFrame(rows, columns=["order_id", "item"])


def test_the_rule_of_the_textbook_has_its_support_and_confidence():
    """Tan, Steinbach and Kumar, Introduction to Data Mining: Milk, Diapers -> Beer 0.4, 0.67."""
    rules = product.find_associations(lines_of(MARKET), min_support_share=0.4, min_lift=0.0)
    mine = rules[(rules["antecedent"] == ("Diapers", "Milk")) & (rules["consequent"] == ("Beer",))]
    assert mine["support_share"].item() == pytest.approx(0.4)
    assert mine["confidence_share"].item() == pytest.approx(2 / 3)
    assert mine["lift"].item() == pytest.approx(2 / 3 / 0.6)


def obvious_rules(baskets, min_support_share: float, min_lift: float, max_items: int) -> dict:
    """Try every set and every way to split it."""
    size, found = len(baskets), {}

    def share(items) -> float:
        return sum(set(items) <= basket for basket in baskets) / size

    items = sorted(set().union(*baskets))
    for count in range(2, max_items + 1):
        for whole in itertools.combinations(items, count):
            support = share(whole)
            if not support or support < min_support_share - 1e-12:
                continue
            for left in range(1, count):
                for a in itertools.combinations(whole, left):
                    c = tuple(item for item in whole if item not in a)
                    lift = support / share(a) / share(c)
                    if lift >= min_lift:
                        found[a, c] = (support, support / share(a), lift)
    return found


@pytest.mark.parametrize(
    ("seed", "support", "lift", "most"),
    [(0, 0.05, 1.0, 3), (1, 0.1, 0.0, 4), (2, 0.02, 1.2, 2), (3, 0.2, 1.0, 5), (4, 0.9, 1.0, 3)],
)
def test_rules_are_those_that_trying_everything_finds(seed, support, lift, most):
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.05, 0.6, 9)
    baskets = [{f"i{k}" for k in np.flatnonzero(rng.random(9) < chance)} | {"x"}
               for _ in range(150)]  # fmt: skip
    lines = lines_of(baskets).sample(frac=1.3, replace=True, random_state=seed)
    lines = pd.concat([lines, lines_of(baskets)], ignore_index=True)  # repeated lines count once
    rules = product.find_associations(
        lines, min_support_share=support, min_lift=lift, max_items=most
    )
    mine = {(row.antecedent, row.consequent): (row.support_share, row.confidence_share, row.lift)
            for row in rules.itertuples()}  # fmt: skip
    theirs = obvious_rules(baskets, support, lift, most)
    edge = {key for key, (*_, value) in theirs.items() if abs(value - lift) < 1e-9}
    assert set(mine) - edge == set(theirs) - edge
    for key in set(mine) & set(theirs):
        assert mine[key] == pytest.approx(theirs[key])
    assert rules["lift"].is_monotonic_decreasing


def test_rules_equal_those_of_mlxtend():
    frequent = pytest.importorskip("mlxtend.frequent_patterns", reason="mlxtend is not installed")
    lines = lines_of(MARKET * 3)
    wide = pd.crosstab(lines["order_id"], lines["item"]).astype(bool)
    sets = frequent.fpgrowth(wide, min_support=0.2, use_colnames=True, max_len=3)
    theirs = frequent.association_rules(sets, metric="lift", min_threshold=1.0)
    mine = product.find_associations(lines, min_support_share=0.2)
    keys = {(tuple(sorted(a)), tuple(sorted(c)))
            for a, c in zip(theirs["antecedents"], theirs["consequents"], strict=True)}  # fmt: skip
    assert keys == set(zip(mine["antecedent"], mine["consequent"], strict=True))


def noise_baskets(seed: int, orders: int = 800) -> list[set[str]]:
    rng = np.random.default_rng(seed)
    held = rng.random((orders, 40)) < rng.uniform(0.01, 0.15, 40)
    return [{f"i{k:02}" for k in np.flatnonzero(row)} | {"bag"} for row in held]


def test_screening_is_fishers_test_with_benjamini_and_hochbergs_step():
    baskets = noise_baskets(1)
    for order in range(60):
        baskets[order] |= {"i00", "i01"}
    lines = lines_of(baskets)
    rules = product.find_associations(lines, min_support_share=0.01, max_items=2)
    told = product.screen_associations(rules, lines)
    row = told.iloc[len(told) // 2]
    a, c = row["antecedent"][0], row["consequent"][0]
    cells = [[sum((a in b) == x and (c in b) == y for b in baskets) for y in (True, False)]
             for x in (True, False)]  # fmt: skip
    assert row["p_value"] == pytest.approx(fisher_exact(cells, alternative="greater").pvalue)
    items = sum(sum(f"i{k:02}" in b for b in baskets) >= 8 for k in range(40)) + 1
    padded = np.r_[told["p_value"], np.ones(items * (items - 1) - len(told))]
    adjusted = multipletests(padded, method="fdr_bh")[1][: len(told)]
    np.testing.assert_allclose(told["q_value"], adjusted, rtol=1e-9)
    assert told.loc[told["antecedent"] == ("i00",), "is_solid"].iloc[0]


def test_where_all_is_luck_hardly_any_list_of_rules_holds_a_solid_one():
    falsely = 0
    for seed in range(40):
        lines = lines_of(noise_baskets(seed))
        rules = product.find_associations(lines, min_support_share=0.005, max_items=2)
        assert rules["lift"].iloc[0] > 1.5  # the naive list looks impressive
        falsely += product.screen_associations(rules, lines)["is_solid"].any()
    assert falsely <= 6  # at 5 %: above 6 in one of 200 (binomial)


@pytest.mark.parametrize(
    ("tea_share", "with_tea", "without"), [(0.2, 0.3, 0.15), (0.05, 0.9, 0.01)]
)
def test_the_interval_of_a_lift_covers_it_and_is_no_wider_than_it_must(
    tea_share, with_tea, without
):
    rng, hits, logs, widths = np.random.default_rng(3), 0, [], []
    lift = with_tea / (tea_share * with_tea + (1 - tea_share) * without)
    for _ in range(60):
        tea = rng.random(1500) < tea_share
        mug = rng.random(1500) < np.where(tea, with_tea, without)
        rows = pd.concat([
            pd.DataFrame({"order_id": np.flatnonzero(held), "item": name})
            for name, held in (("tea", tea), ("mug", mug), ("bag", np.ones(1500, bool)))
        ])  # fmt: skip
        told = product.screen_associations(
            product.find_associations(rows, min_support_share=0.01, max_items=2), rows
        )
        mine = told[(told["antecedent"] == ("tea",)) & (told["consequent"] == ("mug",))].iloc[0]
        hits += mine["low"] <= lift <= mine["high"]
        logs.append(np.log(mine["lift"]))
        widths.append(np.log(mine["high"] / mine["low"]))
    assert hits >= 52  # of 60 at level .95: below 52 in one of 5,000 (binomial)
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.std(logs), rel=0.3)


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        (lines_of(MARKET).drop(columns="item"), {}, r"baskets\.item: the column is missing"),
        (lines_of(MARKET).iloc[:0], {}, "baskets: the frame is empty"),
        (lines_of(MARKET).assign(item=None), {}, r"baskets\.item: 18 rows are empty"),
        (lines_of(MARKET), {"min_support_share": 0.0}, "min_support_share: 0.0"),
        (lines_of(MARKET), {"max_items": 1}, "max_items: 1"),
        (lines_of(MARKET), {"min_lift": np.nan}, "min_lift"),
        (pd.DataFrame({"order_id": [1, 1], "item": ["a", 2]}), {}, "several types"),
    ],
)
def test_bad_baskets_are_named(lines, options, said):
    with pytest.raises(ValueError, match=said):
        product.find_associations(lines, **{"min_support_share": 0.1, **options})


def test_no_rule_is_an_empty_frame_with_its_columns():
    none = product.find_associations(lines_of([{"a"}, {"b"}]), min_support_share=0.5)
    assert none.empty and "antecedent" in none and "lift" in none
    assert product.screen_associations(none, lines_of([{"a"}])).empty
