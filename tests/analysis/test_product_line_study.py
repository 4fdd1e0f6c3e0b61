"""The truth study of chapter 03: stages, who switches, what to let go, and cross effects.

Slow; run with `make study CHAPTER=product`, which also writes docs/studies/product_line.md.
"""

from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecomlab import simulate
from ecomlab.analysis import product
from ecomlab.course.shelf import lay_out_line, list_goods, sum_product_weeks
from ecomlab.simulator import Experiment, Plan, load_scenario, measure_elasticity

SEEDS, DAYS, PEOPLE, ROUNDS = range(6000, 6200), 182, 20_000, 13
LIFE_SEEDS, LIFE_DAYS, LIFE_PEOPLE = range(7000, 7200), 651, 10_000  # launches end on day 657
TRUTH_SEEDS = range(8000, 8005)  # of the true cross effect: it hardly differs between stores
CAPITAL, YEARS = 0.22, 0.5
PAGE = Path(__file__).resolve().parents[2] / "docs" / "studies" / "product_line.md"
SHELVES, WORLD = load_scenario("west_d2c"), load_scenario("west_d2c").without_operations()
KINDS = list(WORLD.categories)
FORTNIGHTS = """
    with sold as (
        select o.date, l.sku, sum(l.units) as units
        from order_lines l join orders o using (order_id) group by all
    )
    select p.sku, g.category_id as group, date_diff('day', date '{start}', p.date) // 14 as period,
           coalesce(sum(s.units), 0)::double as units, exp(avg(ln(p.price))) as price
    from prices p left join sold s using (sku, date) join products g using (sku)
    group by all having count(*) = 14 order by all"""


def day_of(period: int):
    return WORLD.start + timedelta(days=14 * period)


def fortnights(run) -> pd.DataFrame:
    """Units and mean price by product and fortnight on sale."""
    found = run.store.query(FORTNIGHTS.format(start=WORLD.start))
    return found.assign(group=found["group"].astype(str))


# ---------------------------------------------------------------- stages


def true_stages(run, goods: pd.DataFrame) -> pd.DataFrame:
    """The stage by the world's law: a launch's handicap fades, then fashion does."""
    law = run.truth["truth_params"].set_index("parameter")["value"]
    fade = goods["category_id"].map(lambda k: float(law[f"categories.{k}.fades_per_year"]))
    age = (pd.Timestamp(run.store.manifest.last_day) - goods["launch_date"]).dt.days
    lost = fade.astype(float) * ((age / 365 - 1).clip(0, 3) - (age / 365 - 2).clip(0, 3))
    new = float(law["choice.launch_dip"]) * 0.5 ** (age / 45) * np.log(2) * 365 / 45
    stage = np.select([age < 56, new > 0.25, lost > 0.1], (*product.STAGES[:2], "decline"),
                      "maturity")  # fmt: skip
    return pd.DataFrame({"sku": goods["sku"], "stage": stage})[age >= 0]


def compare_quarters(weeks: pd.DataFrame) -> pd.DataFrame:
    """The naive rule: a tenth more or less than in the quarter before."""
    wide = weeks.pivot(index="week_start", columns="sku", values="units").fillna(0)
    change = wide.tail(13).sum() / wide.iloc[-26:-13].sum().clip(lower=0.5) - 1
    stage = np.select([change > 0.1, change < -0.1], ["growth", "decline"], "maturity")
    return pd.DataFrame({"sku": wide.columns, "stage": stage})


def one_life(seed: int) -> pd.DataFrame:
    """Every product of a store after 93 weeks: its stage, as found and as it is."""
    run = simulate(SHELVES, seed, None, LIFE_PEOPLE, LIFE_DAYS)
    goods, weeks = list_goods(run.store), sum_product_weeks(run.store)
    found = product.stage_products(weeks, goods).table
    naive = compare_quarters(weeks).rename(columns={"stage": "naive"})
    both = true_stages(run, goods).rename(columns={"stage": "true"}).merge(naive, on="sku")
    return both.merge(found[["sku", "stage", "is_sure"]], on="sku").assign(seed=seed)


# ---------------------------------------------------------------- who switches, who may go


def one_line(seed: int) -> dict[str, object]:
    """Take products off by lot in a store's twin; read it, decide by it, score both."""
    usual = simulate(WORLD, seed, None, PEOPLE, DAYS)
    before, goods = fortnights(usual), list_goods(usual.store)
    on_sale = goods[~(goods["launch_date"] > pd.Timestamp(WORLD.start))]
    on_sale = on_sale.assign(group=on_sale["category_id"].astype(str))
    lot = product.plan_delist_test(on_sale[["sku", "group"]].reset_index(drop=True),
                                   periods=ROUNDS, missing_share=0.25, seed=seed)  # fmt: skip
    plan = None
    for period, part in lot.groupby("period"):
        off = tuple(part.loc[part["available_share"] == 0, "sku"])
        plan = Plan(start=day_of(period), delist=off).after(plan)
    after = fortnights(simulate(WORLD, seed, plan, PEOPLE, DAYS))
    key = ["period", "sku"]
    panel = lot.merge(after[[*key, "units"]], on=key, how="left").fillna({"units": 0.0})
    twin = lot.merge(before[[*key, "units"]], on=key, how="left").fillna({"units": 0.0})
    out = lot["available_share"] == 0
    found = product.measure_switching(panel, block_periods=ROUNDS)
    return {
        "seed": seed, "lost": float(twin["units"][out].sum()),
        "gained": float((panel["units"] - twin["units"])[~out].sum()),
        "share": found.share, "low": found.low, "high": found.high,
        "error": found.standard_error, "naive": plain_line(panel),
        "books": cross_by_books(before), "goods": line_of(usual),
    }  # fmt: skip


def plain_line(panel: pd.DataFrame) -> float:
    """The plain answer: others' sales over their usual, on what the missing usually sell."""
    usual = panel[panel["available_share"] == 1].groupby("sku")["units"].mean()
    rows = panel.assign(usual=panel["sku"].map(usual).fillna(0.0))
    there = rows["available_share"] == 1
    rows = rows.assign(gained=(rows["units"] - rows["usual"]) * there, lost=rows["usual"] * ~there)
    both = rows.groupby(["group", "period"])[["gained", "lost"]].sum()
    both -= both.groupby("group").transform("mean")
    return float((both["gained"] * both["lost"]).sum() / (both["lost"] ** 2).sum())


HELD = """
    select sku, count(distinct order_id)::double as orders
    from order_lines join orders using (order_id)
    where date > (select max(date) - interval 182 day from orders) group by all"""


def line_of(run) -> pd.DataFrame:
    """The line as the lesson lays it out, with the units a year that the truth expects."""
    told = run.truth["truth_elasticity"]
    late = told[told["from"] >= told["from"].max() - pd.Timedelta(days=91)]
    expected = late.groupby("sku")["expected_units"].sum() * 365 / 182
    line = lay_out_line(run.store).merge(run.store.query(HELD), on="sku", how="left")
    line["orders"] = line["orders"].fillna(0.0)
    return line.assign(expected=line["sku"].map(expected).fillna(0.0))


def true_gains(line: pd.DataFrame, share: float) -> pd.Series:
    """What letting each product go truly brings a year, by itself."""
    by_group = line["group"]
    units, earned = line["expected"], line["expected"] * line["margin"]
    rest = units.groupby(by_group).transform("sum") - units
    taken = (earned.groupby(by_group).transform("sum") - earned) / rest
    return units * (share * taken - line["margin"]) + CAPITAL * line["cash"]


def one_decision(row: pd.Series, share: float) -> list[dict[str, object]]:
    """Who is let go by each rule, and what that truly brings of the most possible."""
    line = row["goods"].assign(true=lambda f: true_gains(f, share))
    known = np.isfinite(row["share"])
    found = product.find_delist_candidates(
        line, years=YEARS, capital_cost_share=CAPITAL, seed=int(row["seed"]),
        switching_share=float(np.clip(row["share"], -0.9, 0.9)) if known else 0.0,
        switching_error=float(row["error"]) if known else 0.0,
    ).table.merge(line[["sku", "true"]], on="sku")  # fmt: skip
    slowest = found["units"].rank(method="first") <= len(found) // 10
    rules = {"slowest tenth": slowest, "sure gain (the candidates)": found["is_candidate"],
             "gain on balance": found["gain"] > 0}  # fmt: skip
    best = found["true"].clip(lower=0).sum()
    inside = float(found["true"].between(found["low"], found["high"]).mean())
    return [
        {"rule": rule, "gone": int(off.sum()), "right": int((found["true"] > 0)[off].sum()),
         "loss": 1 - found["true"][off].sum() / best, "inside": inside,
         "possible": int((found["true"] > 0).sum()), "products": len(found)}
        for rule, off in rules.items()
    ]  # fmt: skip


# ---------------------------------------------------------------- cross effects


def cross_by_books(sales: pd.DataFrame) -> tuple[float, float, float]:
    """What the others' prices do, by the shop's own price history."""
    found = product.estimate_cross_elasticity(sales.rename(columns={"period": "date"}),
                                              group="group")  # fmt: skip
    return found.cross, found.low, found.high


def one_cross(seed: int) -> tuple[float, float, float]:
    """The same where a lot draws prices: of each category, and of each product within it."""
    rng, plan, drawn = np.random.default_rng(seed), None, []
    tests = tuple(Experiment(id=f"price-{i + 1}", kind="price", days=14, start=day_of(i))
                  for i in range(ROUNDS))  # fmt: skip
    for i in range(ROUNDS):
        factors = dict(zip(KINDS, rng.choice([0.9, 1.0, 1.1], len(KINDS)).tolist(), strict=True))
        drawn += [(i, kind, factor) for kind, factor in factors.items()]
        plan = Plan(start=day_of(i), prices=factors, experiments=() if i else tests).after(plan)
    run = simulate(WORLD, seed, plan, PEOPLE, DAYS)
    arms = run.store.table("assignments").rename(columns={"unit_id": "sku"})
    arms = arms.assign(
        period=arms["experiment_id"].str.removeprefix("price-").astype(int) - 1,
        own=arms["arm"].str.removeprefix("x").replace("usual", "1").astype(float),
    )
    shelf = pd.DataFrame(drawn, columns=["period", "group", "shelf"])
    sales = fortnights(run).merge(arms[["sku", "period", "own"]], on=["sku", "period"])
    sales = sales.merge(shelf, on=["period", "group"])
    sales = sales.assign(price=sales["own"] * sales["shelf"], date=sales["period"],
                         cell=sales["group"] + sales["period"].astype(str))  # fmt: skip
    found = product.estimate_cross_elasticity(sales, group="group", cluster="cell")
    return found.cross, found.low, found.high


def true_cross(seed: int) -> float:
    """A category's elasticity to all its prices, less its products' own: from twin days."""
    size = {"people": PEOPLE}
    told = measure_elasticity(WORLD, seed, priced=KINDS, weeks=[0], **size)
    same = told[(told["kind"] == "arc") & (told["priced"] == told["affected"])]
    run = simulate(WORLD, seed, None, PEOPLE, 91)
    own = run.truth["truth_elasticity"]
    group = list_goods(run.store).set_index("sku")["category_id"].astype(str)
    units = own.groupby(own["sku"].map(group))["expected_units"].sum()
    whole = np.average(same.set_index("priced")["elasticity"].reindex(units.index), weights=units)
    return float(whole - np.average(own["own_price_elasticity"], weights=own["expected_units"]))


# ---------------------------------------------------------------- the page


@pytest.mark.slow
def test_stages_switching_and_delisting_are_told_better_than_by_habit():
    lives = pd.concat([one_life(seed) for seed in LIFE_SEEDS], ignore_index=True)
    lines = pd.DataFrame([one_line(seed) for seed in SEEDS])
    share = float(lines["gained"].sum() / lines["lost"].sum())
    decided = (
        pd.DataFrame([one for _, row in lines.iterrows() for one in one_decision(row, share)])
        .groupby("rule")
        .mean()
    )
    lots = pd.DataFrame([one_cross(seed) for seed in SEEDS], columns=["cross", "low", "high"])
    books = pd.DataFrame(lines["books"].tolist(), columns=["cross", "low", "high"])
    truths = np.array([true_cross(seed) for seed in TRUTH_SEEDS])
    PAGE.write_text(page(lives, lines, decided, (lots, books, truths)), encoding="utf-8")
    naive, better = (balanced(lives, name) for name in ("naive", "stage"))
    assert better > naive + 0.1
    sure = lives[lives["is_sure"]]
    assert (sure["stage"] == sure["true"]).mean() > (lives["stage"] == lives["true"]).mean()
    assert share < 0 and truths.max() < 0  # what the page says of this world
    assert 0.92 <= cover(lines[lines["share"].notna()], share) <= 0.98  # sd .015 at 200 stores
    assert abs(lines["share"].mean() - share) < 0.1
    assert decided.loc["gain on balance", "loss"] < decided.loc["slowest tenth", "loss"]
    assert decided.loc["gain on balance", "inside"] > 0.9
    assert 0.9 <= cover(lots, truths.mean()) <= 0.99
    assert cover(books, truths.mean()) < cover(lots, truths.mean())


def balanced(lives: pd.DataFrame, name: str) -> float:
    """Mean over the true stages of the share found right."""
    return float((lives[name] == lives["true"]).groupby(lives["true"]).mean().mean())


def cover(found: pd.DataFrame, truth: float) -> float:
    return float((found["low"].le(truth) & found["high"].ge(truth)).mean())


def confusion(lives: pd.DataFrame, name: str) -> str:
    """Rows of a table: of the products of each true stage, the share found in each."""
    table = pd.crosstab(lives["true"], lives[name], normalize="index")
    table = table.reindex(index=product.STAGES, columns=product.STAGES, fill_value=0.0)
    count = lives["true"].value_counts()
    return "\n".join(
        f"| {stage} ({count.get(stage, 0):,}) | " + " | ".join(f"{x:.0%}" for x in row) + " |"
        for stage, row in zip(table.index, table.to_numpy(), strict=True)
    )


def row_of(name: str, found: pd.Series, inside: float, truth: float, width: float) -> str:
    error = found - truth
    return (f"| {name} | {error.mean():+.2f} ± {error.std() / np.sqrt(len(error)):.2f} | "
            f"{error.std():.2f} | {inside:.1%} | {width:.2f} |")  # fmt: skip


def page(
    lives: pd.DataFrame,
    lines: pd.DataFrame,
    decided: pd.DataFrame,
    cross: tuple[pd.DataFrame, pd.DataFrame, np.ndarray],
) -> str:
    """Write the study as a page, numbers and all."""
    sold = np.mean([goods["units"].mean() for goods in lines["goods"]])
    return f"""# Study: stages of life, who switches, who may go

`make study CHAPTER=product` made this page, with stores of the preset `west_d2c`:
{len(LIFE_SEEDS)} of {LIFE_PEOPLE:,} people and {LIFE_DAYS} days, with operations, for the stages
(seeds {LIFE_SEEDS.start} to {LIFE_SEEDS.stop - 1}); for the rest {len(SEEDS)} of {PEOPLE:,} people
and {DAYS} days, without (seeds {SEEDS.start} to {SEEDS.stop - 1}), which sell some {sold:.0f} units
of a product in that time.
ecomlab {version("ecomlab")}, numpy {version("numpy")}, scipy {version("scipy")}.

{tell_stages(lives)}

{tell_switching(lines)}

{tell_delisting(decided)}

{tell_cross(*cross)}
"""


SHORT = """ Nor does the chance of 80 % behind *sure* know of
that: it counts the luck of sales alone, and fewer are right than it says."""


def tell_stages(lives: pd.DataFrame) -> str:
    hit, old = lives["stage"] == lives["true"], lives["naive"] == lives["true"]
    lead = hit.groupby(lives["seed"]).mean() - old.groupby(lives["seed"]).mean()
    error = lead.std() / np.sqrt(len(lead))
    common, sure = lives["true"].value_counts(normalize=True), lives["is_sure"]
    short = SHORT if hit[sure].mean() < 0.8 else ""
    falls = (lives["true"] == "decline")[lives["stage"] == "decline"].mean()
    stages = " | ".join(product.STAGES)
    return f"""## Stages

By the world's law a product is in its introduction for 56 days, grows while its launch's handicap
fades by more than a quarter a year, and declines while fashion costs it more than a tenth of its
weight a year. {len(lives):,} products; rows add up to 100 %.

| as found → | {stages} |
|---|---|---|---|---|
{confusion(lives, "stage")}

| by last quarter against the one before → | {stages} |
|---|---|---|---|---|
{confusion(lives, "naive")}

| | right | balanced: mean over the true stages |
|---|---|---|
| `stage_products` | {hit.mean():.1%} | {balanced(lives, "stage"):.1%} |
| quarter against quarter | {old.mean():.1%} | {balanced(lives, "naive"):.1%} |
| *{common.index[0]}* for every product | {common.iloc[0]:.1%} | {1 / common.size:.1%} |

Store by store `stage_products` is right for {100 * lead.mean():.0f} products in a hundred more than
the rule (± {100 * error:.1f}). It calls {sure.mean():.0%} of the stages sure, and of those
{hit[sure].mean():.1%} are right. Of the products it takes for declining {falls:.0%} decline: what a
whole category loses for a while cannot be told from age.{short}"""


def tell_switching(lines: pd.DataFrame) -> str:
    share = float(lines["gained"].sum() / lines["lost"].sum())
    told = lines[lines["share"].notna()]
    width = float((told["high"] - told["low"]).median())
    ours = row_of("`measure_switching`", told["share"], cover(told, share), share, width)
    ratio = lines["naive"].std() / told["share"].std()
    naive = row_of("a line through the fortnights", lines["naive"], np.nan, share, np.nan)
    return f"""## Who switches

Every fortnight a quarter of each category's products is taken off by lot. The truth is
the twin without the lot, from the same draws: the missing would have sold
{lines["lost"].mean():,.0f} units a store, and for each of them others of the category sold
**{share:+.2f}** units more. **It is below 0**: few buyers have a second choice that they like
better than nothing, and who comes for one product takes others along. In this world a category's
products go together more than they replace each other.

| | bias ± s.e. | sd | coverage | width |
|---|---|---|---|---|
{ours}
{naive.replace("nan%", "–").replace("nan", "–")}

It was estimated in {len(told) / len(lines):.0%} of the stores. The line, which holds no season and
no busy weeks fixed, is kept honest by the lot; it scatters {ratio:.2f} times as much."""


def tell_delisting(decided: pd.DataFrame) -> str:
    rows = "\n".join(
        f"| {rule} | {row['gone']:.0f} | {row['right'] / row['gone']:.0%} | {row['loss']:.0%} |"
        for rule, row in decided.sort_values("loss").iterrows()
    )
    mean = decided.mean()
    return f"""## Who may go

True gains: the units a year that the truth expects, at the true share that switches; money bound
costs {CAPITAL:.0%} a year, and eight weeks of sales or 24 units are kept. Of {mean["products"]:.0f}
products {mean["possible"]:.0f} would truly not be missed. The loss is the part of their gain that a
rule misses.

| let go | products | of them rightly | loss |
|---|---|---|---|
{rows}

A product's true gain lies inside its interval in {mean["inside"]:.1%}. Being sure has its price:
who lets only the sure ones go keeps most of those that bring nothing. Where letting go can be taken
back, the gain on balance is the better rule; the sure ones are for what cannot."""


BESIDE = """Even the lot leaves a bias towards 0: a dear category sells less of the *other*
categories too, and these are what its weeks are compared with. """


def tell_cross(lots: pd.DataFrame, books: pd.DataFrame, truths: np.ndarray) -> str:
    truth = float(truths.mean())
    off = (lots["cross"] - truth).mean() / (lots["cross"].std() / np.sqrt(len(lots)))
    bias = BESIDE if off > 2 else ""
    rows = "\n".join(
        row_of(name, found["cross"], cover(found, truth), truth,
               float((found["high"] - found["low"]).median()))
        for name, found in (("prices of categories and products by lot", lots),
                            ("the shop's own price history", books))
    )  # fmt: skip
    return f"""## Cross effects

What one per cent on all other prices of a category does to a product's units. The truth, from twin
days in {len(truths)} stores: the category's elasticity to all its prices less the products' own,
**{truth:+.2f}** ({truths.min():+.2f} to {truths.max():+.2f}): complements, as above.

| | bias ± s.e. | sd | coverage | width |
|---|---|---|---|---|
{rows}

{bias}One store of this size tells little: the interval is wider than the difference between near
substitutes and none."""
