"""The truth study of chapter 02's qualitative half: coders, themes, interviews, competitors.

Slow; run with `make study CHAPTER=market`, which also writes docs/studies/market_agreement.md.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from ecomlab import simulate
from ecomlab.analysis import market
from ecomlab.simulator import Plan, Research

SEEDS, PEOPLE, DAYS = range(2000, 2200), 1_500, 546
FIELD, REACTION = {24: "2024-02-05", 60: "2024-02-12"}, 0.3
PAGE = Path(__file__).resolve().parents[2] / "docs" / "studies" / "market_agreement.md"


def one_store(seed: int) -> dict[str, float]:
    """Ask two groups in one store, and lay every answer beside the truth."""
    plan = Plan(
        research=[
            Research(kind="interviews", day=day, respondents=size, panel="random")
            for size, day in FIELD.items()
        ]
    )
    run = simulate("west_d2c", seed, plan, PEOPLE, DAYS)
    found = {}
    for size, day in FIELD.items():
        found |= read_interviews(run, f"interviews-random-{day.replace('-', '')}", size)
    return found | read_competitors(run.store)


def read_interviews(run, order: str, size: int) -> dict[str, float]:
    codes = run.store.table("interview_codes").query("research_id == @order")
    codes = codes.assign(unit=codes["respondent_id"] + "/" + codes["question"].astype(str))
    ratings = codes.rename(columns={"coder": "rater", "theme": "code"})
    truth = run.truth["truth_research"].query("research_id == @order and quantity == 'expected'")
    truth = truth.set_index("level")["value"]
    found = {}
    for method, name in (("cohen", "cohen_kappa"), ("krippendorff", "krippendorff_alpha")):
        made = market.measure_agreement(ratings, method=method)
        found[f"{method} {size}: inside"] = float(made.low <= truth[name] <= made.high)
        found[f"{method} {size}: error"] = made.value - truth[name]
        found[f"{method} {size}: width"] = made.high - made.low
    wide = ratings.pivot(index="unit", columns="rater", values="code")
    same = float((wide.iloc[:, 0] == wide.iloc[:, 1]).mean())
    found[f"percent {size}: error"] = same - truth["cohen_kappa"]
    said = run.store.table("interviews").merge(run.truth["truth_theme"]).query(
        "research_id == @order"
    )  # fmt: skip
    made = market.find_themes(said.rename(columns={"said": "text"}), themes=8)
    found[f"themes {size}: rand"] = adjusted_rand_score(said["theme"], made.assigned)
    one_coder = codes[codes["coder"] == "coder_b"].merge(said, on=["respondent_id", "question"])
    found[f"coder {size}: rand"] = adjusted_rand_score(one_coder["theme_y"], one_coder["theme_x"])
    heard = said.rename(columns={"respondent_id": "interview", "theme": "code"})
    curve = market.measure_saturation(heard)
    found[f"codes {size}: seen"] = curve.seen
    found[f"codes {size}: enough"] = curve.enough
    return found


def read_competitors(store) -> dict[str, float]:
    made = market.estimate_reaction(weekly_indices(store))
    return {
        "reaction: inside": float(made.low <= REACTION <= made.high),
        "reaction: error": made.reaction - REACTION,
        "naive: inside": float(made.naive_low <= REACTION <= made.naive_high),
        "naive: error": made.naive - REACTION,
    }


def weekly_indices(store) -> pd.DataFrame:
    """Their prices, ours and costs by category and week of a scrape."""
    group = store.table("products").set_index("sku")["category_id"]
    theirs, ours = store.table("competitor_prices"), store.table("prices")
    theirs = theirs.dropna(subset="price")
    theirs = theirs.assign(
        item=theirs["sku"] + theirs["competitor"], group=theirs["sku"].map(group)
    )
    ours = ours.assign(item=ours["sku"], group=ours["sku"].map(group))
    daily = market.track_prices(ours).rename(columns={"index": "own"})
    cost = ours.groupby(["group", "date"])["supply_cost_index"].mean().rename("cost").reset_index()
    daily = daily.merge(cost, on=["group", "date"])
    week = daily.groupby("group")[["own", "cost"]].transform(lambda x: x.rolling(7, 1).mean())
    rival = market.track_prices(theirs).rename(columns={"index": "rival"})
    return (
        daily.assign(**week)
        .merge(rival, on=["group", "date"])
        .rename(columns={"group": "market", "date": "period"})
    )


@pytest.mark.slow
def test_intervals_of_agreement_and_of_the_reaction_cover_and_naive_answers_do_not():
    found = pd.DataFrame([one_store(seed) for seed in SEEDS])
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(found), encoding="utf-8")
    covered = found.filter(regex="^(cohen|krippendorff).*inside").mean()
    assert covered.between(0.92, 0.975).all()  # binomial sd is 0.015 at 200 stores
    assert found["reaction: inside"].mean() >= 0.90
    assert found["naive: inside"].mean() < 0.2
    for size in FIELD:
        assert found[f"percent {size}: error"].mean() > 0.03


def page(found: pd.DataFrame) -> str:
    """Write the study as a page, numbers and all."""
    rows = []
    for size in FIELD:
        for name, word in (("cohen", "Cohen's kappa"), ("krippendorff", "Krippendorff's alpha")):
            part = {key: found[f"{name} {size}: {key}"] for key in ("inside", "error", "width")}
            rows.append(
                f"| {word} | {size} ({4 * size}) | {part['inside'].mean():.1%} | "
                f"{part['error'].mean():+.3f} | {part['error'].std():.3f} | "
                f"{part['width'].mean():.2f} |"
            )
        error = found[f"percent {size}: error"]
        rows.append(f"| share of equal codes (naive) | {size} ({4 * size}) | – | "
                    f"{error.mean():+.3f} | {error.std():.3f} | – |")  # fmt: skip
    themes = [
        f"| {size} ({4 * size}) | {found[f'themes {size}: rand'].mean():.2f} | "
        f"{found[f'coder {size}: rand'].mean():.2f} | {found[f'codes {size}: seen'].mean():.2f} | "
        f"{found[f'codes {size}: enough'].median():.0f} |"
        for size in FIELD
    ]
    rival = [
        f"| {word} | {found[f'{name}: inside'].mean():.1%} | "
        f"{found[f'{name}: error'].mean():+.3f} | {found[f'{name}: error'].std():.3f} |"
        for name, word in (("naive", "plain slope on our price (naive)"),
                           ("reaction", "costs and habit held fixed"))
    ]  # fmt: skip
    return f"""# Study: coders, themes, interviews and competitors, beside the truth

`make study CHAPTER=market` made this page: {len(found)} stores of the preset `west_d2c` (seeds
{SEEDS.start} to {SEEDS.stop - 1}, {PEOPLE:,} people, {DAYS} days), in each of which two groups were
interviewed. ecomlab {version("ecomlab")}, scikit-learn {version("scikit-learn")}, numpy
{np.__version__}.

**Agreement of two coders.** The truth is what is expected of coders who err by lot, given the
themes of this store. Intervals are at level .95.

| measure | interviews (answers) | interval holds the truth | bias | sd of error | mean width |
|---|---|---|---|---|---|
{chr(10).join(rows)}

**Themes from words alone**, against the planted ones (adjusted Rand index: 1 the same groups, 0 as
alike as by chance), beside the weaker of the two coders; the planted themes that came up, of 8, and
the interviews that find 95 % of them.

| interviews (answers) | words alone | coder b | themes heard | enough interviews (median) |
|---|---|---|---|---|
{chr(10).join(themes)}

**How much of our price changes competitors copy** (true: {REACTION:.0%} in the long run):

| method | interval holds the truth | bias | sd of error |
|---|---|---|---|
{chr(10).join(rival)}
"""
