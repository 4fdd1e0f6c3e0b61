"""The truth study of chapter 02: are market sizes and part-worths where their intervals say?

Slow; run with `make study CHAPTER=market`, which also writes docs/studies/market.md.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecomlab import simulate
from ecomlab.analysis import market
from ecomlab.simulator import Plan, Research

SEEDS, PEOPLE, DAYS = range(2000, 2200), 10_000, 368
EARLY, LATE, ASKED, CUSTOMERS = "2024-02-20", "2025-01-02", 1_000, 500
RECALL, RECALL_ERROR = 0.90, 0.02  # orders remembered over orders placed, of a study outside
GROWTH, GROWTH_ERROR = 1.04, 0.015  # this year's market over last year's, of a forecast outside
INFLATION, INFLATION_ERROR = 1.6, 0.1  # eco taste stated over true, of a study outside
PAGE = Path(__file__).resolve().parents[2] / "docs" / "studies" / "market.md"
PLAN = Plan(
    research=[
        Research(kind="survey", day=EARLY, respondents=ASKED, panel="random"),
        Research(kind="survey", day=LATE, respondents=ASKED, panel="random"),
        Research(kind="survey", day=LATE, respondents=CUSTOMERS, panel="customers"),
        Research(kind="conjoint", day=LATE, respondents=CUSTOMERS, panel="customers"),
    ]
)
WORTH = ["log_price", "eco", "quality", "taste", "none"]
SPREADS = {"log_price": "negative", "eco": "normal", "taste": "normal"}


def one_store(seed: int) -> dict[str, float]:
    """Size one market and take one conjoint study, and look at the truth; sizes over true ones."""
    run = simulate("west_d2c", seed, PLAN, PEOPLE, DAYS)
    luck = np.random.default_rng([seed, 1])
    return {**sizes(run, luck), **worths(run, luck)}


def sizes(run, luck: np.random.Generator) -> dict[str, float]:
    told = run.truth["truth_market"]
    year = told[told["quarter"].str.startswith("2024")]
    true = float(year.loc[year["seller"] == "market", "amount"].sum())
    found = {}
    for name, size in estimate_sizes(run, luck).items():
        value, low, high = size
        found |= {
            f"size: {name}": value / true - 1,
            f"size inside: {name}": float(low <= true <= high),
            f"size width: {name}": (high - low) / true,
            f"size loss: {name}": (np.sqrt(value / true) - 1) ** 2,
        }
    return found


def estimate_sizes(run, luck: np.random.Generator) -> dict[str, tuple[float, float, float]]:
    """Size the market of 2024 in several ways [currency a year]."""
    answers = run.store.table("survey_answers")
    answers["ours"] = answers["here_share"].fillna(0).astype(float) * answers["orders_last_year"]
    known = run.store.table("population_margins")
    margins = {name: dict(zip(g["level"], g["share"], strict=True))
               for name, g in known.groupby("variable")}  # fmt: skip
    online, early, late = (
        market.rake(answers[answers["research_id"].str.startswith(name)], margins=margins)
        for name in ("survey-online", f"survey-random-{EARLY.replace('-', '')}",
                     f"survey-random-{LATE.replace('-', '')}")
    )  # fmt: skip
    recall = RECALL + RECALL_ERROR * luck.standard_normal()
    face = market.estimate_weighted_mean(online, value="spend_last_year").table.iloc[0]
    steps = pd.concat(
        [top_down("top-down", early, recall), bottom_up(run, answers, late, recall)],
        ignore_index=True,
    )
    both = market.size_market(steps)
    raked = market.size_market(top_down("online", online, recall))
    rows = both.sizes.set_index("path")[["value", "low", "high"]]
    return {
        "online panel at face value": tuple(PEOPLE * face[["mean", "low", "high"]]),
        "online panel, raked and corrected": (raked.total, raked.total_low, raked.total_high),
        "top-down, random panel": tuple(rows.loc["top-down"]),
        "bottom-up, own sales": tuple(rows.loc["bottom-up"]),
        "both reconciled": tuple(rows.loc["reconciled"]),
    }


COLUMNS = ["path", "tier", "step", "value", "standard_error", "is_divisor"]


def top_down(path: str, raking: market.Raking, recall: float) -> pd.DataFrame:
    spend = market.estimate_weighted_mean(raking, value="spend_last_year")
    rows = [
        ("people", PEOPLE, 0.0, False),
        ("spend remembered", spend.mean, spend.standard_error, False),
        ("recall", recall, RECALL_ERROR, True),
        ("growth", GROWTH, GROWTH_ERROR, False),
    ]
    return pd.DataFrame([(path, "TAM", *row) for row in rows], columns=COLUMNS)


def bottom_up(run, answers: pd.DataFrame, raking: market.Raking, recall: float) -> pd.DataFrame:
    """Own sales over own share; what customers say of orders here is checked by their orders."""
    orders = run.store.table("orders").query("payment_status == 'paid'")
    year = orders[(orders["date"] >= "2024-01-04") & (orders["date"] <= LATE)]
    mine = answers[(answers["panel"] == "customers") & answers["is_buyer_claimed"]]
    done = mine["respondent_id"].map(year.groupby("customer_id").size()).fillna(0)
    checked = market.calibrate_answers(
        pd.DataFrame({"stated": mine["ours"], "done": done.astype(float)})
    )
    share = market.estimate_weighted_mean(raking, value="ours", over="orders_last_year")
    sold = float(orders.loc[orders["date"] < "2025-01-01", "amount"].sum())
    rows = [
        ("own sales", sold, 0.0, False),
        ("own share stated", share.mean, share.standard_error, True),
        ("done over stated", checked.factor, checked.standard_error, True),
        ("recall", recall, RECALL_ERROR, True),
    ]
    return pd.DataFrame([("bottom-up", "TAM", *row) for row in rows], columns=COLUMNS)


def worths(run, luck: np.random.Generator) -> dict[str, float]:
    answers = run.store.table("choice_answers")
    ours = answers["research_id"].str.startswith("conjoint-customers")
    choices = read_choices(answers[~ours])
    told = run.truth["truth_research"].query("quantity == 'population' and level == 'mean'")
    told = told[told["research_id"].str.startswith("conjoint-random")]
    mean = told.drop_duplicates("question").set_index("question")["value"]
    ratio = mean["eco_taste"] / mean["price_sensitivity"]
    fits = {
        "plain logit, classical errors": market.fit_choice(choices, attributes=WORTH),
        "plain logit, clustered errors": market.fit_choice(
            choices, attributes=WORTH, errors="clustered"
        ),
        "mixed logit": market.fit_mixed_choice(
            choices, attributes=WORTH, spreads=SPREADS, draws=64
        ),
    }
    found = {}
    for name, fit in fits.items():
        table = market.estimate_willingness(fit, price="log_price", price_scale="log").table
        row = table.set_index("attribute").loc["eco"]
        stated, part = np.expm1(INFLATION * ratio), fit.table.set_index("attribute")
        price, eco = part.loc["log_price"], part.loc["eco"]
        found |= {
            f"stated: {name}": row["willingness"] - stated,
            f"stated inside: {name}": float(row["low"] <= stated <= row["high"]),
            f"price: {name}": -price["coefficient"] / mean["price_sensitivity"] - 1,
            f"price inside: {name}": float(
                price["low"] <= -mean["price_sensitivity"] <= price["high"]
            ),
            f"eco inside: {name}": float(
                eco["low"] <= INFLATION * mean["eco_taste"] <= eco["high"]
            ),
            f"face inside: {name}": float(row["low"] <= np.expm1(ratio) <= row["high"]),
            f"face: {name}": row["willingness"] - np.expm1(ratio),
        }
    own = sold(run, read_choices(answers[ours]))
    inflation = INFLATION + INFLATION_ERROR * luck.standard_normal()
    outside = market.Calibration(
        table=pd.DataFrame(), factor=1 / inflation, low=np.nan, high=np.nan, pairs=0, level=0.95,
        standard_error=INFLATION_ERROR / inflation**2,
    )  # fmt: skip
    found |= {"factor": own.factor - 1 / INFLATION,
              "factor inside": float(own.low <= 1 / INFLATION <= own.high)}  # fmt: skip
    for name, by in (("by another study", outside), ("by own sales", own)):
        low, high, value = calibrate(fits["mixed logit"], by)
        found[f"calibrated {name}"] = value - np.expm1(ratio)
        found[f"calibrated {name} inside"] = float(low <= np.expm1(ratio) <= high)
    return found


def sold(run, choices: pd.DataFrame) -> market.Calibration:
    """Set customers' stated tastes beside what the same customers bought."""
    fit = market.fit_mixed_choice(choices, attributes=WORTH, spreads=SPREADS, draws=64)
    tastes = market.draw_tastes(fit, choices, draws=64)
    orders = run.store.table("orders").query("payment_status == 'paid' and customer_id.notna()")
    lines = run.store.table("order_lines").merge(orders[["order_id", "customer_id"]])
    lines = lines.merge(run.store.table("products")[["sku", "is_eco"]])
    bought = pd.DataFrame(
        {"respondent_id": lines["customer_id"], "has": lines["is_eco"].astype(int)}
    )
    return market.calibrate_tastes(tastes, bought, attribute="eco")


def calibrate(fit: market.ChoiceFit, by: market.Calibration) -> tuple[float, float, float]:
    """Multiply the stated premium's logarithm by true over stated taste."""
    worth = market.estimate_willingness(fit, price="log_price", method="delta").table
    row = worth.set_index("attribute").loc["eco"]
    error = (row["high"] - row["low"]) / (2 * 1.959964)
    table = market.correct_answer(by, value=row["willingness"], standard_error=error)
    return tuple(np.expm1(table[["low", "high", "value"]].iloc[1]))


def read_choices(answers: pd.DataFrame) -> pd.DataFrame:
    usual = 37.0  # apparel's mean price
    return pd.DataFrame(
        {
            "respondent_id": answers["respondent_id"],
            "task_id": answers["respondent_id"] + "-" + answers["task"].astype(str),
            "chosen": answers["is_chosen"].astype(int),
            "log_price": np.log(answers["price"].astype(float).fillna(usual) / usual),
            "eco": answers["is_eco"].astype(int),
            "quality": answers["quality_step"],
            "taste": answers["attribute_1"],
            "none": answers["is_none"].astype(int),
        }
    )


@pytest.mark.slow
def test_market_sizes_and_premiums_are_covered_and_the_naive_ones_are_not():
    found = pd.DataFrame([one_store(seed) for seed in SEEDS])
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(found), encoding="utf-8")
    for name in (
        "size inside: both reconciled",
        "stated inside: mixed logit",
        "calibrated by another study inside",
    ):
        assert 0.92 <= found[name].mean() <= 0.98, name  # binomial sd 0.015 at 200 stores
    assert found["size inside: online panel at face value"].mean() < 0.2
    assert found["size loss: both reconciled"].mean() < found[
        "size loss: online panel at face value"].mean() / 5  # fmt: skip


def page(found: pd.DataFrame) -> str:
    """Write the study as a page, numbers and all."""
    count = len(found)
    size_rows = [
        f"| {name} | {found[f'size: {name}'].mean():+.1%} | {found[f'size: {name}'].std():.1%} "
        f"| {found[f'size inside: {name}'].mean():.1%} | {found[f'size width: {name}'].mean():.0%} "
        f"| {found[f'size loss: {name}'].mean():.2%} |"
        for name in (c.removeprefix("size: ") for c in found if c.startswith("size: "))
    ]
    models = [c.removeprefix("stated: ") for c in found if c.startswith("stated: ")]
    mean = found.mean()
    part_rows = [
        f"| {name} | {mean[f'price: {name}']:+.1%} | {mean[f'price inside: {name}']:.1%} "
        f"| {mean[f'eco inside: {name}']:.1%} |"
        for name in models
    ]
    worth_rows = [
        f"| {name} | {100 * mean[f'stated: {name}']:+.1f} | {mean[f'stated inside: {name}']:.1%} "
        f"| {100 * mean[f'face: {name}']:+.1f} | {mean[f'face inside: {name}']:.1%} |"
        for name in models
    ]
    worth_rows += [
        f"| mixed logit, calibrated {by} | | | {100 * mean[f'calibrated {by}']:+.1f} "
        f"| {mean[f'calibrated {by} inside']:.1%} |"
        for by in ("by another study", "by own sales")
    ]
    reach = 1.96 * np.sqrt(0.95 * 0.05 / count)
    return f"""# Study: how big the market is, and what an ecological claim is worth

`make study CHAPTER=market` made this page: {count} stores of the preset `west_d2c` (seeds
{SEEDS.start} to {SEEDS.stop - 1}, {PEOPLE:,} people, {DAYS} days). ecomlab {version("ecomlab")},
numpy {version("numpy")}, scipy {version("scipy")}. A 95 % interval that keeps its promise is found
to hold the truth in {0.95 - reach:.1%} to {0.95 + reach:.1%} of so many stores, 19 times in 20.

## Market size

The truth is the money spent in the whole market in 2024 (`truth_market`).

- Top-down: people x spend remembered (a random panel of {ASKED:,} in February, raked) / recall x
  growth.
- Bottom-up: own sales of 2024 / own share stated by another {ASKED:,} in January 2025 / what those
  of {CUSTOMERS} customers who say that they bought did over what they stated / recall.

Two numbers come from outside the store, with the errors they have there: recall ({RECALL}, standard
error {RECALL_ERROR}, drawn anew for each store) and growth over last year ({GROWTH}, standard error
{GROWTH_ERROR}). The loss is that of a budget set in proportion to the size, as a share of it:
`(sqrt(estimate / truth) - 1)²`, the rule of `docs/truth.md`.

| estimate | mean error (bias) | s.d. | inside 95 % | width | loss |
|---|---|---|---|---|---|
{chr(10).join(size_rows)}

Raking repairs age, device and region, but not that heavy buyers join panels: the online panel stays
too high after it. At face value it looks better, since forgetting hides a part of that error.
Respondents tell the orders of a usual year, while the market grew: the bottom-up way, which has no
step for growth, comes out lower by that much.

## What an ecological claim is worth

300 people, ten choices each. People differ: ω is a person's taste for ecological goods, β the
sensitivity to prices. A logit that takes people for one finds part-worths that are too small and,
with classical errors, takes ten answers of one person for answers of ten people.

| model | price part-worth: bias | inside 95 % | eco part-worth: inside 95 % |
|---|---|---|---|
{chr(10).join(part_rows)}

The premium is `exp(ω / β) - 1` at the population's mean ω and β. Stated tastes are inflated
{INFLATION} times, so that the premium stated is `exp({INFLATION} ω / β) - 1`. Errors in points of
the price. A calibrated premium has its logarithm multiplied by true over stated taste: known from
another study (1 / {INFLATION}, standard error of the inflation {INFLATION_ERROR}, drawn anew for
each store), or measured by what {CUSTOMERS} customers who made the same choices on paper bought.

The factor measured by own sales is off by {mean["factor"]:+.3f} on average (s.d.
{found["factor"].std():.3f}) where {1 / INFLATION:.3f} is true, and the truth is inside
{mean["factor inside"]:.1%} of its intervals. It is a little too small: what customers see on a
visit differs by chance, which flattens the slope.

| model | from the stated one: bias | inside 95 % | from the true one: bias | inside 95 % |
|---|---|---|---|---|
{chr(10).join(worth_rows)}
"""
