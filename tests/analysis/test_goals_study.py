"""The truth study of chapter 01: does the baseline keep its promises over many stores?

Slow; run with `make study CHAPTER=goals`, which also writes docs/studies/goals.md.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecomlab import metrics, simulate
from ecomlab.analysis import goals
from ecomlab.events import list_events

SEEDS, WEEKS, DAYS, PEOPLE = range(1000, 1200), 13, 1092, 20_000
UNDERAGE, OVERAGE = 0.44, 0.30
PAGE = Path(__file__).resolve().parents[2] / "docs" / "studies" / "goals.md"


def one_store(seed: int) -> dict[str, float] | None:
    """Forecast a quarter of one store, and look at what came; amounts over the actual total.

    None where the baseline says that the store's weeks are no basis for a forecast.
    """
    run = simulate("west_d2c", seed, None, PEOPLE, DAYS + 7 * WEEKS)
    daily = metrics.daily_kpis(run.store)
    seen, came = daily.iloc[:DAYS], float(daily["net"].iloc[DAYS:].sum())
    events = list_events(daily["date"].iloc[0], daily["date"].iloc[-1])
    try:
        made = goals.forecast_baseline(seen, events, weeks=WEEKS, seed=seed)
    except ValueError as refusal:
        assert "not estimated, because" in str(refusal)
        return None
    last_year = float(goals.sum_weeks(seen)["value"].iloc[-52 : WEEKS - 52].sum())
    plan = goals.plan_commitment(made, underage_cost=UNDERAGE, overage_cost=OVERAGE)
    rules = {"last year + 10 %": 1.1 * last_year, "last year": last_year,
             "one number: the forecast": made.total, "newsvendor": plan.committed}  # fmt: skip
    cost = {f"cost: {name}": goals.price_commitment(
        amount, came, underage_cost=UNDERAGE, overage_cost=OVERAGE) / came
        for name, amount in rules.items()}  # fmt: skip
    chances = made.draws.sum(axis=1)
    return {
        "inside": float(made.low <= came <= made.high),
        "width": (made.high - made.low) / came,
        "error: baseline": made.total / came - 1,
        "error: last year": last_year / came - 1,
        "error: last year + 10 %": 1.1 * last_year / came - 1,
        "rank": float((chances < came).mean()),
        **cost,
    }


@pytest.mark.slow
def test_the_baseline_covers_what_comes_and_the_better_rule_costs_less():
    told = [one for one in map(one_store, SEEDS) if one is not None]
    found = pd.DataFrame(told)
    assert len(told) >= 0.98 * len(SEEDS)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(found), encoding="utf-8")
    coverage = found["inside"].mean()
    assert 0.91 <= coverage <= 0.99  # binomial sd is 0.015 at 200 stores
    cost = found.filter(like="cost: ").mean()
    assert cost["cost: newsvendor"] < cost["cost: last year + 10 %"]


def page(found: pd.DataFrame) -> str:
    """Write the study as a page, numbers and all."""
    size, refused = len(found), len(SEEDS) - len(found)
    rows = []
    for name in ("baseline", "last year", "last year + 10 %"):
        error = found[f"error: {name}"]
        rows.append(f"| {name} | {error.mean():+.1%} | {error.abs().mean():.1%} |")
    bill = found.filter(like="cost: ")
    bill.columns = [name.removeprefix("cost: ") for name in bill.columns]
    best = bill.mean().idxmin()
    lost = []
    for name in bill:
        gap = bill[name] - bill["newsvendor"]
        se = gap.std() / np.sqrt(size)
        lost.append(f"| {name} | {bill[name].mean():.2%} | {gap.mean():+.2%} | {se:.2%} |")
    low, high = found["inside"].mean() + np.array([-1.96, 1.96]) * np.sqrt(
        found["inside"].mean() * (1 - found["inside"].mean()) / size)  # fmt: skip
    tenths = np.histogram(found["rank"], bins=10, range=(0, 1))[0]
    return f"""# Study: what a baseline promises, and whether it keeps it

`make study CHAPTER=goals` made this page: {size} stores of the preset `west_d2c` (seeds
{SEEDS.start} to {SEEDS.stop - 1}, {PEOPLE:,} people, {DAYS} days of history), each forecast for the
next {WEEKS} weeks and then run on (in {refused} more the baseline refused). ecomlab
{version("ecomlab")}, scipy
{version("scipy")}, numpy {version("numpy")}.

**The interval.** The actual total of net revenue lay inside the 95 % interval in
{found["inside"].mean():.1%} of the stores ({low:.1%} to {high:.1%}); the interval is on average
{found["width"].mean():.0%} of the total wide. In the tenths of the draws the actual totals fell
{", ".join(map(str, tenths))} times.

**The error** of the total, as a share of the actual one:

| forecast | mean (bias) | mean absolute |
|---|---|---|
{chr(10).join(rows)}

**The decision.** Preparing for an amount loses {UNDERAGE} of each unit missed and {OVERAGE} of each
idle one. Mean cost as a share of the actual total, and the difference to the newsvendor rule with
its standard error:

| rule | cost | more than newsvendor | s.e. |
|---|---|---|---|
{chr(10).join(lost)}

The cheapest rule in this study: **{best}**.
"""
