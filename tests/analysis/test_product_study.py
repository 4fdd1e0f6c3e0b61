"""The truth study of chapter 03: what each way of asking for the elasticity, and the price, costs.

Slow; run with `make study CHAPTER=product`, which also writes docs/studies/product.md: in a world
without operations, where what is sold is what was wanted. With ECOMLAB_STUDY_OPERATIONS=1 shelves
run empty as they do in the preset; that page is docs/studies/product_operations.md. Stages,
switching and delisting are in test_product_line_study.py.
"""

import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecomlab import simulate
from ecomlab.analysis import product
from ecomlab.simulator import Plan, Research, load_scenario, score
from ecomlab.simulator.traps import plan_ways_out

DAYS, PEOPLE = 364, 10_000
OPERATIONS = bool(os.environ.get("ECOMLAB_STUDY_OPERATIONS"))
LARGE_SEEDS, LARGE = range(4000, 4024), 100_000  # a cost index says little in a small store
SURVEYS, RESPONDENTS, OVERSTATED = range(5000, 5060), 400, 0.21  # the same with operations
LOT_SEEDS = range(3000, 3300 if OPERATIONS else 3400)
SEEDS = range(3000, 3060 if OPERATIONS else 3200)  # what habits mislead to hardly differs by store
NAME = "product_operations.md" if OPERATIONS else "product.md"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "studies" / NAME
WORLD = load_scenario("west_d2c")
WORLD = WORLD if OPERATIONS else WORLD.without_operations()

BY_LOT, SOLD_ONLY = "random price test", "random price test, stock not looked at"
LEFT_OUT = "random price test, weeks with gaps left out"
SHELF = """
    select sku, date_trunc('week', date)::date as date,
           1 - avg(coalesce(out_of_stock_minutes, 0)) / 1440 as available_share
    from inventory_daily group by all order by all"""
WEEKS = """
    with sold as (
        select o.date, l.sku, sum(l.units) as units
        from order_lines l join orders o using (order_id) group by all
    )
    select p.sku, g.category_id, date_trunc('week', p.date)::date as date,
           coalesce(sum(s.units), 0)::double as units, exp(avg(ln(p.price))) as price,
           avg(ln(1 - p.promo_depth_share)) as log_kept,
           avg(ln(p.supply_cost_index)) as log_cost
    from prices p left join sold s using (sku, date) join products g using (sku)
    group by all having count(*) = 7 order by all"""
RIVALS = """
    select sku, category_id, date_trunc('week', date)::date as date, avg(ln(r.price)) as log_rival
    from competitor_prices r join products using (sku) group by all order by all"""
ARMS = """
    select a.unit_id as sku, replace(replace(a.arm, 'x', ''), 'usual', '1')::double as factor,
           e.start_date, e.end_date
    from assignments a join experiments e using (experiment_id)"""


def weeks_of(store) -> pd.DataFrame:
    """Product-weeks: units, price, promotion, cost index, and the rivals' price of the category."""
    rival = store.query(RIVALS)
    usual = rival.groupby("sku")["log_rival"].transform("mean")
    rival = rival.assign(log_rival=rival["log_rival"] - usual)
    rival = rival.groupby(["category_id", "date"], as_index=False)["log_rival"].mean()
    weeks = store.query(WEEKS).merge(rival, on=["category_id", "date"], how="left")
    filled = weeks.groupby("category_id")["log_rival"].transform(lambda one: one.ffill().bfill())
    weeks = weeks.assign(log_rival=filled)
    if not OPERATIONS:
        return weeks
    return weeks.merge(store.query(SHELF), on=["sku", "date"], how="left")


def ask(run, weeks: pd.DataFrame, **options) -> dict[str, float]:
    """Estimate the elasticity, and score it against the truth of the run."""
    found = product.estimate_elasticity(weeks, **options)
    if not found.is_estimated:
        return {"estimated": 0.0}
    told = score({"value": found.elasticity, "low": found.low, "high": found.high},
                 "elasticity:all", of=run)  # fmt: skip
    return {"estimated": 1.0, "error": told.error, "covered": float(told.covered),
            "width": found.high - found.low, "loss": told.decision_loss_share}  # fmt: skip


def one_store(seed: int) -> list[dict[str, object]]:
    """Ask a store as it is."""
    usual = simulate(WORLD, seed, None, PEOPLE, DAYS)
    weeks = weeks_of(usual.store)
    rows = {
        "naive": ask(usual, weeks, method="naive"),
        "fixed effects": ask(usual, weeks, method="fixed_effects"),
    }
    return [{"method": name, "seed": seed, **row} for name, row in rows.items()]


def one_tested_store(seed: int) -> list[dict[str, object]]:
    """Ask the store's twin with a random price test, with the time on the shelf and without."""
    plan = plan_ways_out(WORLD, days=DAYS, traps=["price"])
    tested = simulate(WORLD, seed, plan, PEOPLE, DAYS)
    trial = weeks_of(tested.store).merge(tested.store.query(ARMS), on="sku")
    trial = trial[trial["date"].between(trial["start_date"], trial["end_date"])]
    frames = {BY_LOT: trial}
    if OPERATIONS:
        full = trial["available_share"] == 1
        frames |= {SOLD_ONLY: trial.drop(columns="available_share"), LEFT_OUT: trial[full]}
    asked = {"method": "experiment", "instrument": "factor", "controls": ["log_kept"]}
    return [
        {"method": name, "seed": seed, **ask(tested, frame.reset_index(drop=True), **asked)}
        for name, frame in frames.items()
    ]


def one_large_store(seed: int) -> list[dict[str, object]]:
    """Ask a store ten times the size, with the cost index as an instrument too."""
    run = simulate(WORLD, seed, None, LARGE, DAYS)
    weeks = weeks_of(run.store)
    month = pd.to_datetime(weeks["date"]).dt.strftime("%Y-%m")
    weeks = weeks.assign(cell=weeks["category_id"].astype(str) + month)
    rows = {
        "fixed effects, large store": ask(run, weeks, method="fixed_effects"),
        "cost instrument, large store": ask(
            run, weeks, method="instrument", instrument="log_cost", controls=["log_rival"],
            cluster="cell",
        ),
    }  # fmt: skip
    return [{"method": name, "seed": seed, **row} for name, row in rows.items()]


def survival(prices: np.ndarray, worth: pd.DataFrame) -> np.ndarray:
    """Share of people to whom a product is worth more than a price, between true quantiles."""
    known = worth[worth["quantile"] > 0].sort_values("quantile")
    log_price = np.log(known["value"].to_numpy())
    at = np.log(prices)
    return 1 - np.interp(at, log_price, known["quantile"], left=0.0, right=1.0)


def one_survey(seed: int) -> list[dict[str, object]]:
    """Ask people for prices; see what each way to a price earns of the most possible."""
    panel = Research(kind="price_answers", day="2024-01-03", respondents=RESPONDENTS,
                     panel="random")  # fmt: skip
    run = simulate(WORLD, seed, Plan(research=[panel]), PEOPLE, 7)
    answers, goods = run.store.table("price_answers"), run.store.table("products")
    told = run.truth["truth_wtp"].query("quantity == 'price_when_buying'")
    rows = []
    for kind, said in answers.groupby("category_id", observed=True):
        mine = goods[goods["category_id"] == kind]
        worth, cost = told[told["category_id"] == kind], float(mine["unit_cost"].mean())
        ladder = mine["list_price"].mean() * np.linspace(0.4, 2.6, 23)
        asked = product.build_purchase_answers(said, prices=ladder)
        meter = product.find_price_range(said)
        refused = product.build_purchase_answers(said, prices=ladder, refuse_cheap=True)
        raw, mended, wary = (
            product.estimate_demand_curve(made, unit_cost=cost, overstated_share=share)
            for made, share in ((asked, 0.0), (asked, OVERSTATED), (refused, OVERSTATED))
        )
        grid = np.exp(np.linspace(np.log(ladder[0]), np.log(ladder[-1]), 400))
        margin = (grid - cost) * survival(grid, worth)
        best = float(grid[margin.argmax()])
        prices = {"ladder as stated": raw.best_price, "ladder over 1.21": mended.best_price,
                  "ladder over 1.21, cheap prices refused": wary.best_price,
                  "optimal price of the meter": meter.optimal_price,
                  "highest price of the meter": meter.highest_price}  # fmt: skip
        for name, price in prices.items():
            earns = (price - cost) * float(survival(np.array([price]), worth)[0])
            rows.append({"method": name, "seed": seed, "off": price / best - 1,
                         "loss": 1 - earns / float(margin.max())})  # fmt: skip
    return rows


@pytest.mark.slow
def test_the_random_price_test_covers_and_its_prices_earn_more():
    asked = pd.DataFrame(
        [row for seed in SEEDS for row in one_store(seed)]
        + [row for seed in LOT_SEEDS for row in one_tested_store(seed)]
        + [row for seed in LARGE_SEEDS if not OPERATIONS for row in one_large_store(seed)]
    )
    stated = pd.DataFrame(
        [row for seed in SURVEYS if not OPERATIONS for row in one_survey(seed)],
        columns=["method", "seed", "off", "loss"],
    )
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(asked, stated), encoding="utf-8")
    mean = asked.groupby("method")[["covered", "loss", "error"]].mean()
    assert 0.92 <= mean.loc[BY_LOT, "covered"] <= 0.97  # sd .011 at 400 stores, .013 at 300
    assert mean.loc["fixed effects", "covered"] < 0.8
    assert mean.loc[[BY_LOT, "fixed effects"], "loss"].max() < mean.loc["naive", "loss"]
    if OPERATIONS:
        assert abs(mean.loc[BY_LOT, "error"]) < mean.loc[SOLD_ONLY, "error"] / 2
        assert mean.loc[BY_LOT, "covered"] > mean.loc[[SOLD_ONLY, LEFT_OUT], "covered"].max()
    else:
        assert mean.loc[BY_LOT, "loss"] < mean.loc["fixed effects", "loss"]
        lost = stated.groupby("method")["loss"].mean()
        assert lost["ladder over 1.21"] < lost["ladder as stated"]


EMPTY = """
**Where shelves run empty** what is sold is not what was wanted, and the cheap weeks are those that
empty them. Sales alone make buyers look less sensitive than they are. Leaving out the weeks with a
gap is no remedy and mostly worse: these are the weeks in which much was sold, cheap ones most of
all. Counting each week by its time on the shelf (`available_share`) is: a shelf that is watched
until it is empty tells its rate of sales without bias."""


def page(asked: pd.DataFrame, stated: pd.DataFrame) -> str:
    """Write the study as a page, numbers and all."""
    rows, by_lot = [], asked[asked["method"] == BY_LOT].set_index("seed")
    reference = by_lot["loss"]
    for name, mine in asked.groupby("method", sort=False):
        sure, told = mine["estimated"].mean(), mine[mine["estimated"] == 1]
        more = (told.set_index("seed")["loss"] - reference).dropna()
        gap = "–"
        if len(more) and name != BY_LOT:
            gap = f"{more.mean():+.1%} ± {more.std() / np.sqrt(len(more)):.1%}"
        rows.append(
            f"| {name} | {len(mine)} | {sure:.0%} | {told['error'].mean():+.2f} ± "
            f"{told['error'].std() / np.sqrt(len(told)):.2f} | {told['error'].std():.2f} | "
            f"{told['covered'].mean():.1%} | {told['width'].median():.2f} | "
            f"{told['loss'].mean():.1%} | {gap} |"
        )
    covered, wide = by_lot["covered"].mean(), 1.96 / np.sqrt(len(by_lot))
    half, spread = len(by_lot) // 2, by_lot["width"].median() / 2 / 1.97
    aside = "\n" if OPERATIONS else tell_instrument(asked)
    others = f"; {len(LARGE_SEEDS)} large stores of {LARGE:,}\npeople; {len(SURVEYS)} surveys"
    others = "" if OPERATIONS else others
    shelf = ", each week counted by its time on the shelf" if OPERATIONS else ""
    low, high = covered + np.array([-wide, wide]) * np.sqrt(covered * (1 - covered))
    return f"""# Study: what a wrong elasticity costs, and what stated prices are worth

`{"ECOMLAB_STUDY_OPERATIONS=1 " if OPERATIONS else ""}make study CHAPTER=product` made this page:
stores of the preset `west_d2c` ({PEOPLE:,} people, {DAYS} days,
{"with" if OPERATIONS else "without"} operations). {len(SEEDS)} of them as they are (seeds
{SEEDS.start} to {SEEDS.stop - 1}), and {len(LOT_SEEDS)} with a random price test (seeds
{LOT_SEEDS.start} to {LOT_SEEDS.stop - 1}, the same draws; every fortnight a lot gives each product
its usual price, 10 % less or 10 % more){others}.
ecomlab {version("ecomlab")}, numpy {version("numpy")}, scipy {version("scipy")}.

## The elasticity

**What is estimated** is the mean of the products' own-price elasticities of the same day, weighted
by expected units over the whole period (`score(…, "elasticity:all")`): the number that a Poisson
regression of units on log price aims at. **The decision** is the price of each product by Lerner's
rule, within 0.6 and 1.6 of today's. The loss is the profit it forgoes, as a share of the profit at
the best prices.

| asked by | stores | estimated | bias ± s.e. | sd | coverage | width | loss | over the test |
|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

**The random price test covered in {covered:.1%} of the stores** ({low:.1%} to {high:.1%}): in
{by_lot["covered"].iloc[:half].mean():.1%} of the first {half} and in
{by_lot["covered"].iloc[half:].mean():.1%} of the others. Estimates scatter by
{by_lot["error"].std():.2f} about the truth, and the intervals allow for {spread:.2f}.
{EMPTY if OPERATIONS else ""}

- *naive*: ordinary least squares of log units on log price over all product-weeks. Weeks without a
  sale, most of them in a store of this size, drop out, and dear products are compared with cheap
  ones.
- *fixed effects*: Poisson with a level for each product and each week. What is left is the
  manager's habit: he promotes a product while demand for it rises. A larger store makes the same
  error with more confidence.
- *random price test*: units by the factor drawn, promotions held fixed{shelf}.{aside}
The other intervals come from leaving out one product at a time.
{REST if OPERATIONS else tell_stated(stated)}"""


REST = """
The instrument, and stated prices, are in [product.md](product.md): they do not turn on what is on
the shelf.
"""


def tell_instrument(asked: pd.DataFrame) -> str:
    aside = asked.loc[asked["method"] == "cost instrument, large store", "covered"].mean()
    return f"""
- *cost instrument*: the supplier's cost index, with rivals' prices held fixed, errors free to go
  together within a category's month. A year of eight categories is little: the first stage is
  strong, and the answer is wide all the same. Its interval covers in {aside:.0%} only, since the
  cells are not independent: the index carries over from month to month, and so does a category's
  season. In this world the instrument is a lesson in humility, not a way to prices.
"""


def tell_stated(stated: pd.DataFrame) -> str:
    offers = stated.groupby("method")[["off", "loss"]].agg(["mean", "median"])
    prices = [
        f"| {name} | {offers.loc[name, ('off', 'median')]:+.0%} | "
        f"{offers.loc[name, ('loss', 'mean')]:.1%} |"
        for name in offers[("loss", "mean")].sort_values().index
    ]
    return f"""
## Stated prices

{len(SURVEYS)} surveys of {RESPONDENTS} random people, a product of each of eight categories. What
people say is 1.21 times what a product is worth to them, rounded, which the truth knows. Earnings
are margin times the share of people to whom the product is worth the price, at the category's mean
cost; the loss is the share missed of the most possible.

| price from | median distance to the best price | mean loss |
|---|---|---|
{chr(10).join(prices)}

In this world nobody refuses a product for being cheap, so that a ladder which counts "too cheap to
trust" as a refusal hides the buyers that a low price wins. Van Westendorp's points know no cost and
do not look for the most margin: they bound what sounds acceptable. That the highest of them lies
near the best price is owed to these costs; at others the best price moves, and the point does not.
"""
