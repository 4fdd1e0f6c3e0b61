from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn.metrics import cohen_kappa_score

from ecomlab import schema
from ecomlab.simulator import Plan, Research, SimulatedRun, simulate
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.research.conjoint import choice_answers
from ecomlab.simulator.research.field import field_research
from ecomlab.simulator.research.orders import draw_sample, list_orders
from ecomlab.simulator.research.pricing import four_prices
from ecomlab.simulator.scenario import Scenario, load_scenario
from ecomlab.simulator.tables import Recorder
from ecomlab.simulator.world import build_world

TABLES = ("population_margins", "research_orders", "survey_answers", "choice_answers",
          "price_answers", "interviews", "interview_codes")  # fmt: skip


def order(kind: str, respondents: int, panel: str = "online", on: str = "2024-02-05") -> Research:
    return Research(kind=kind, day=date.fromisoformat(on), respondents=respondents, panel=panel)


@pytest.fixture(scope="module")
def field() -> SimulatedRun:
    """A western store that bought much more research than it needs, in its second month."""
    orders = (order("survey", 4000), order("survey", 2000, "random"),
              order("survey", 500, "customers"), order("interviews", 2000, "customers"),
              order("price_answers", 1500, "random"))  # fmt: skip
    return simulate("west_d2c", seed=3, plan=Plan(research=orders), people=30_000, days=60)


@pytest.fixture(scope="module")
def truth(field) -> pd.Series:
    """What is true, by order, question, level and quantity."""
    told = field.truth["truth_research"].fillna({"level": ""})
    return told.set_index(["research_id", "question", "level", "quantity"])["value"].sort_index()


def answers(run: SimulatedRun, table: str, research_id: str) -> pd.DataFrame:
    rows = run.store.table(table)
    return rows[rows["research_id"] == research_id].reset_index(drop=True)


def same(run: SimulatedRun, other: SimulatedRun, table: str, columns: list[str] | None = None):
    one, two = run.store.table(table), other.store.table(table)
    two = two[two["research_id"].isin(one["research_id"])].reset_index(drop=True)
    columns = columns or list(one.columns)
    return one[columns].equals(two[columns])


# --- contracts ---------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_field_work_keeps_the_contract_of_its_tables(field, table):
    assert schema.failures(field.store.table(table), table) == []


def test_every_answer_belongs_to_an_order_and_every_product_shown_is_listed(field):
    known = set(field.store.table("research_orders")["research_id"])
    for table in TABLES[2:]:
        assert set(field.store.table(table)["research_id"]) <= known
    listed = set(field.store.table("products")["sku"])
    assert set(field.store.table("price_answers")["sku"]) <= listed


def test_orders_outside_the_period_are_neither_carried_out_nor_paid():
    days = (("2024-01-20", 50), ("2024-09-01", 70), ("2023-12-01", 90))
    plan = Plan(research=tuple(order("survey", count, on=on) for on, count in days))
    run = simulate("tiny", plan=plan, days=40)
    assert run.store.table("research_orders")["research_id"].tolist() == ["survey-online-20240120"]
    assert run.store.table("costs_daily")["research"].sum() == 50 * 4.0


def test_the_standing_orders_of_a_scenario_are_paid():
    run = simulate("tiny", days=60)
    assert run.store.table("costs_daily")["research"].sum() == pytest.approx(
        run.store.table("research_orders")["cost"].sum()
    )


def test_a_world_with_hardly_anybody_answers_hardly_anything():
    run = simulate("tiny", people=12, days=60)
    orders = run.store.table("research_orders")
    assert (orders["answered"] <= 12).all()
    assert len(run.store.table("survey_answers")) == orders["answered"].iloc[0]


def test_pseudonyms_of_a_panel_lead_to_no_customer_and_those_of_the_list_do(field):
    customers = {one[1:] for one in field.store.table("customers")["customer_id"]}
    asked = field.store.table("survey_answers").groupby("panel")["respondent_id"]
    codes = {panel: {one[1:] for one in ids} for panel, ids in asked}
    assert codes["customers"] <= customers
    assert not {code[:8] for code in codes["online"] | codes["random"]} & customers


# --- twins -------------------------------------------------------------------------------

OWN = ["respondent_id", "region_id", "age_band", "favourite_category", "eco_premium_share"]


def test_people_answer_alike_under_another_plan_and_beside_another_order():
    later = (order("survey", 80, on="2024-02-25"),)
    more = (*later, order("conjoint", 30, on="2024-02-25"), order("survey", 40, on="2024-02-25"))
    one = simulate("tiny", plan=Plan(research=later), days=60)
    two = simulate(
        "tiny", plan=Plan(start="2024-02-01", prices={"apparel": 0.6}, research=more), days=60
    )
    assert same(one, two, "survey_answers", OWN)
    assert same(one, two, "choice_answers")
    assert same(one, two, "price_answers")
    assert not one.store.table("orders").equals(two.store.table("orders"))


def test_a_longer_run_leaves_the_answers_as_they_are():
    short, long = simulate("tiny", days=60), simulate("tiny", days=120)
    assert all(same(short, long, table) for table in TABLES[1:])


def test_a_larger_order_begins_with_the_smaller_one():
    few, many = (
        simulate("tiny", plan=Plan(research=(order("survey", n, "random"),)), days=40)
        for n in (40, 160)
    )
    first = few.store.table("survey_answers")
    assert first.equals(many.store.table("survey_answers").head(len(first)))


# --- coverage and answer biases ----------------------------------------------------------


def rake(rows: pd.DataFrame, margins: pd.DataFrame) -> np.ndarray:
    """Weights that bring each published margin in line (Deming and Stephan 1940)."""
    weight = np.ones(len(rows))
    for _ in range(30):
        for variable, known in margins.groupby("variable"):
            held = pd.Series(weight).groupby(rows[variable].to_numpy()).sum() / weight.sum()
            share = known.set_index("level")["share"]
            weight = weight * (share / held).reindex(rows[variable]).to_numpy()
    return weight / weight.mean()


def test_raking_the_online_panel_takes_away_some_of_the_bias_of_spend_and_not_all(field, truth):
    online = answers(field, "survey_answers", "survey-online-20240205")
    weight = rake(online, field.store.table("population_margins"))
    spend = online["spend_last_year"]
    # what the whole population would have said: the truth, as remembered
    true = truth["survey-online-20240205", "spend_last_year", "", "population"] * 0.9
    plain, raked = spend.mean() / true - 1, np.average(spend, weights=weight) / true - 1
    assert 0.20 < plain < 0.50
    assert 0.10 < raked < plain - 0.03  # the heavy buyers are in no margin


def test_raking_repairs_the_nonresponse_of_a_random_sample(field, truth):
    rows = answers(field, "survey_answers", "survey-random-20240205")
    weight = rake(rows, field.store.table("population_margins"))
    true = truth["survey-random-20240205", "spend_last_year", "", "population"] * 0.9
    old = rows["age_band"] == "65+"
    margin = field.store.table("population_margins").set_index("level")["share"]["65+"]
    assert old.mean() > 1.3 * margin  # the old answer more often, and buy less
    assert np.average(old, weights=weight) == pytest.approx(margin, rel=0.01)
    spend = rows["spend_last_year"]
    error = np.std(spend * weight) / np.sqrt(len(rows))
    assert abs(np.average(spend, weights=weight) - true) < 3 * error


def test_what_is_reached_differs_from_the_population_by_coverage_alone(field, truth):
    told = truth.xs(("spend_last_year", ""), level=("question", "level")).unstack("quantity")
    ratio = told["reached"] / told["population"]
    assert ratio["survey-online-20240205"] > 1.2
    assert ratio["survey-random-20240205"] < 1


@pytest.mark.parametrize(
    ("question", "least", "most"),
    [
        ("eco_premium_share", 1.2, 3.0),
        ("purchase_intention", 1.2, 2.0),
        ("satisfaction", 1.03, 1.2),
    ],
)
def test_answers_overstate_what_is_true_of_those_who_gave_them(field, truth, question, least, most):
    rows = answers(field, "survey_answers", "survey-random-20240205")
    true = truth["survey-random-20240205", question, "", "reached"]
    assert least < rows[question].mean() / true < most


def test_more_people_know_the_shop_when_prompted_than_do(field, truth):
    rows = answers(field, "survey_answers", "survey-random-20240205")
    true = truth["survey-random-20240205", "knows", "", "reached"]
    assert rows["is_known_unaided"].mean() < true < rows["is_known_aided"].mean()
    assert not (rows["is_known_unaided"] & ~rows["is_known_aided"]).any()


def test_who_ticks_the_same_box_throughout_is_fast(field):
    rows = field.store.table("survey_answers")
    same_box = (rows["satisfaction"] == 4) & (rows["purchase_intention"] == 4) & (
        rows["recommends"] == 8) & (rows["eco_premium_share"] == 0.1)  # fmt: skip
    assert rows["seconds"][same_box].median() < 0.5 * rows["seconds"][~same_box].median()


# --- conjoint ----------------------------------------------------------------------------


def choices(scenario: Scenario, seed: int, respondents: int) -> tuple[np.ndarray, np.ndarray]:
    """Attributes (people x tasks x alternatives x four) and the choices made."""
    asked = order("conjoint", respondents, "random")
    world = build_world(scenario, Noise(seed), people=6 * respondents, days=40)
    recorder = Recorder(world, Noise(seed), Plan(research=(asked,)), 40)
    sample = draw_sample(recorder, list_orders(scenario, recorder.plan, 40)[0])
    told = choice_answers(recorder, sample)
    shape = (respondents, scenario.panel.tasks, 4)
    price = told["price"].to_numpy(zero_copy_only=False)
    mean = scenario.categories["apparel"].mean_price
    log_price = np.where(told["is_none"], 0, -np.log(price / mean))
    columns = (log_price, told["is_eco"], told["quality_step"], told["attribute_1"])
    design = np.stack([np.asarray(at, dtype=float).reshape(shape) for at in columns], axis=-1)
    return design, told["is_chosen"].reshape(shape)


def fit_logit(x: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial logit by Newton's method: estimates and standard errors."""
    x, y = x.reshape(-1, *x.shape[2:]), chosen.reshape(-1, chosen.shape[2])
    b = np.zeros(x.shape[2])
    for _ in range(12):
        p = np.exp(x @ b)
        p /= p.sum(axis=1, keepdims=True)
        gap = x - (p[:, :, None] * x).sum(axis=1, keepdims=True)
        hessian = np.einsum("nj,njk,njl->kl", p, gap, gap)
        b = b + np.linalg.solve(hessian, np.einsum("nj,njk->k", y - p, x))
    return b, np.sqrt(np.diag(np.linalg.inv(hessian)))


def alike() -> Scenario:
    """The western world with one taste for all, none of it zero."""
    values = load_scenario("west_d2c").model_dump()
    values["shoppers"] |= {"price_sensitivity_spread": 0, "income_effect": 0, "taste_spread": 0,
                           "eco_spread": 0}  # fmt: skip
    values["traps"]["region"] = 0
    values["research"] = ()
    return Scenario.model_validate(values)


def test_a_logit_on_people_of_one_taste_recovers_it():
    world = alike()
    eco = np.average([region.eco_taste for region in world.regions.values()],
                     weights=[region.share for region in world.regions.values()])  # fmt: skip
    true = np.array([world.shoppers.price_sensitivity, world.panel.eco_inflation * eco,
                     world.choice.quality_sd, 0.0])  # fmt: skip
    scores = []
    for seed in range(6):
        found, error = fit_logit(*choices(world, seed, 300))
        scores.append((found - true) / error)
    assert np.abs(scores).max() < 3.3  # 24 standard normals
    assert np.abs(np.mean(scores, axis=0)).max() < 3 / np.sqrt(6)


def mixed_logit(x: np.ndarray, chosen: np.ndarray, draws: int = 100) -> tuple[np.ndarray, ...]:
    """Simulated likelihood (Train 2009, ch. 6): price lognormal; eco and taste normal.

    Parameters: mean and log sd of each of the three, and the value of a quality step.
    """
    halton = stats.qmc.Halton(3, seed=1).random(len(x) * draws)
    z = stats.norm.ppf(halton).reshape(len(x), draws, 3)

    def score(theta):
        spread = np.exp(theta[1:6:2])
        b = np.empty((*z.shape[:2], 4))
        b[..., 0] = np.exp(theta[0] + spread[0] * z[..., 0])
        b[..., 1:2] = theta[2] + spread[1] * z[..., 1:2]
        b[..., 3], b[..., 2] = theta[4] + spread[2] * z[..., 2], theta[6]
        v = np.einsum("ntjk,nrk->nrtj", x, b, optimize=True)
        p = np.exp(v - v.max(axis=3, keepdims=True))
        p /= p.sum(axis=3, keepdims=True)
        logs = np.log((p * chosen[:, None]).sum(axis=3)).sum(axis=2)
        top = logs.max(axis=1, keepdims=True)
        weight = np.exp(logs - top)
        likelihood = top[:, 0] + np.log(weight.mean(axis=1))
        weight /= weight.sum(axis=1, keepdims=True)
        g = np.einsum("nrtj,ntjk->nrk", chosen[:, None] - p, x, optimize=True)
        parts = [g[..., 0] * b[..., 0], g[..., 0] * b[..., 0] * spread[0] * z[..., 0], g[..., 1],
                 g[..., 1] * spread[1] * z[..., 1], g[..., 3], g[..., 3] * spread[2] * z[..., 2],
                 g[..., 2]]  # fmt: skip
        return likelihood, np.stack([(weight * part).sum(axis=1) for part in parts], axis=1)

    def loss(theta):
        likelihood, gradient = score(theta)
        return -likelihood.sum(), -gradient.sum(axis=0)

    start = np.array([1.0, -1.0, 0.3, 0.0, 0.0, -0.7, 0.2])
    theta = optimize.minimize(loss, start, jac=True, method="BFGS", options={"gtol": 0.5}).x
    own = score(theta)[1]
    return theta, np.linalg.inv(own.T @ own)


def test_a_mixed_logit_recovers_the_mean_tastes_that_a_plain_one_shrinks():
    world = load_scenario("west_d2c")
    x, chosen = choices(world, 5, 400)
    theta, covariance = mixed_logit(x, chosen)
    people = build_world(world, Noise(5), people=20_000, days=40).people
    true_price = people.price_sensitivity.mean()
    true_eco = world.panel.eco_inflation * people.eco_taste.mean()
    price = np.exp(theta[0] + np.exp(2 * theta[1]) / 2)
    slope = price * np.array([1, np.exp(2 * theta[1])])
    error = np.sqrt(slope @ covariance[:2, :2] @ slope)
    assert abs(price - true_price) < 3 * error < 0.2 * true_price
    assert abs(theta[2] - true_eco) < 3 * np.sqrt(covariance[2, 2])
    plain, plain_error = fit_logit(x, chosen)
    assert plain[0] + 3 * plain_error[0] < true_price


def test_levels_are_balanced_within_each_respondent():
    run = simulate("tiny", days=60)
    shown = run.store.table("choice_answers").query("not is_none")
    counts = shown.groupby(["respondent_id", "price"]).size()
    assert (counts == 6).all()  # 30 products, five prices
    assert (shown.groupby("respondent_id")["is_eco"].sum() == 15).all()
    made = run.store.table("choice_answers").groupby(["respondent_id", "task"])["is_chosen"].sum()
    assert (made == 1).all()


# --- four prices -------------------------------------------------------------------------


@given(worth=st.floats(1, 5000), gap=st.floats(0.62, 0.88), rounds=st.booleans())
def test_the_four_prices_stand_in_their_order(worth, gap, rounds):
    named = np.array(four_prices(np.array([worth]), np.array([gap]), np.array([rounds])))[:, 0]
    assert (np.diff(named) > 0).all() and named[0] > 0


def test_the_prices_named_follow_what_products_are_worth(field, truth):
    rows = answers(field, "price_answers", "price_answers-random-20240205")
    median = rows.groupby("category_id")["too_expensive"].median()
    true = truth["price_answers-random-20240205", "too_expensive"].xs("reached", level="quantity")
    stated = median / true.reindex(median.index)
    assert stated.between(1.10, 1.35).all()  # inflated by 1.21, and rounded
    prices = rows[["too_cheap", "cheap", "expensive", "too_expensive"]]
    assert (prices.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    assert prices.rank().corr().min(axis=None) > 0.8


def test_quantiles_of_worth_rise_and_worth_now_is_below_worth_when_buying(field):
    worth = field.truth["truth_wtp"].query("quantile > 0")
    wide = worth.pivot(index=["category_id", "quantity"], columns="quantile", values="value")
    assert (wide.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    median = wide[0.5].unstack("quantity")
    assert (median["price_now"] < 0.3 * median["price_when_buying"]).drop("all").all()


# --- interviews --------------------------------------------------------------------------


def test_coders_agree_as_much_as_the_truth_expects(field, truth):
    name = "interviews-customers-20240205"
    codes = answers(field, "interview_codes", name).pivot(
        index=["respondent_id", "question"], columns="coder", values="theme"
    )
    kappa = cohen_kappa_score(codes["coder_a"], codes["coder_b"])
    # the standard error is about 0.006 with 8,000 answers
    assert abs(kappa - truth[name, "agreement", "cohen_kappa", "expected"]) < 0.02
    counts = pd.Series(codes.to_numpy().ravel()).value_counts().to_numpy()
    differ = (codes["coder_a"] != codes["coder_b"]).mean()
    n = counts.sum()
    alpha = 1 - differ / (1 - (counts * (counts - 1)).sum() / (n * (n - 1)))
    assert abs(alpha - truth[name, "agreement", "krippendorff_alpha", "expected"]) < 0.02


def test_coders_find_the_true_theme_as_often_as_stated(field):
    codes = field.store.table("interview_codes").merge(
        field.truth["truth_theme"], on=["research_id", "respondent_id", "question"]
    )
    right = (codes["theme_x"] == codes["theme_y"]).groupby(codes["coder"]).mean()
    assert right["coder_a"] == pytest.approx(0.88, abs=0.015)
    assert right["coder_b"] == pytest.approx(0.80, abs=0.015)


def test_who_likes_ecological_products_speaks_of_them(field):
    spoken = field.truth["truth_theme"]
    is_eco = (spoken["theme"] == "eco").groupby(spoken["respondent_id"]).mean()
    taste = field.truth["truth_person"].set_index("customer_id")["eco_taste"]
    assert stats.spearmanr(is_eco, taste.reindex(is_eco.index))[0] > 0.3


# --- the market --------------------------------------------------------------------------


def test_sellers_add_up_to_a_market_that_holds_all_our_sales(field):
    told = field.truth["truth_market"]
    orders = told.pivot(index=["quarter", "category_id"], columns="seller", values="orders")
    assert (orders["ours"] <= orders["market"]).all()
    parts = orders.drop(columns="market")
    assert (parts >= 0).all(axis=None)
    np.testing.assert_allclose(parts.sum(axis=1), orders["market"], atol=0.05)
    ours = told[told["seller"] == "ours"]
    days = field.truth["truth_day"]
    assert ours["orders"].sum() == days["orders"].sum()
    assert ours["amount"].sum() == pytest.approx(days["amount"].sum())


def test_a_lower_price_takes_orders_from_the_others_and_leaves_the_market_as_it_is():
    usual = simulate("tiny", people=4000, days=60).truth["truth_market"]
    cheap = simulate("tiny", people=4000, days=60, plan=Plan(prices={"apparel": 0.7})).truth[
        "truth_market"
    ]
    where = "category_id == 'apparel' and seller == {!r}"
    before, after = (
        {s: t.query(where.format(s))["orders"].sum() for s in ("market", "ours", "Bluepeak")}
        for t in (usual, cheap)
    )
    assert after["market"] == before["market"]
    assert after["ours"] > before["ours"]


def test_the_cheaper_competitor_sells_more(field):
    told = field.truth["truth_market"].query("seller in ['Bluepeak', 'Corner & Co']")
    scraped = field.store.table("competitor_prices").merge(
        field.store.table("products")[["sku", "category_id", "list_price"]], on="sku"
    )
    dear = np.log(scraped["price"] / scraped["list_price"])
    dear = dear.groupby([scraped["category_id"], scraped["competitor"]]).mean().unstack()
    share = told.groupby(["category_id", "seller"])["orders"].sum().unstack()
    gap, won = (
        dear["Bluepeak"] - dear["Corner & Co"],
        np.log(share["Bluepeak"] / share["Corner & Co"]),
    )
    assert np.corrcoef(gap, won)[0, 1] < -0.7


def test_no_research_leaves_only_what_anybody_can_look_up():
    quiet = load_scenario("tiny").model_copy(update={"research": ()})
    run = simulate(quiet, days=60)
    assert not set(TABLES[1:]) & set(run.store.tables)
    assert "population_margins" in run.store.tables
    assert len(run.truth["truth_research"]) == 0


def test_field_work_is_the_same_however_often_it_is_asked_for():
    scenario = load_scenario("tiny")
    world = build_world(scenario.model_copy(update={"research": ()}), Noise(1), people=300, days=40)
    recorder = Recorder(world, Noise(1), None, 40)
    first, second = field_research(recorder), field_research(recorder)
    assert first["population_margins"].equals(second["population_margins"])
