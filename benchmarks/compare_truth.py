"""The closed forms of the truth beside brute force: every route, and the price of ten products.

``python benchmarks/compare_truth.py`` lives each day of a quarter twice, once with one thing
changed, runs whole twins for what follows, and writes the tables into ``docs/truth.md``. About
two CPU-minutes.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from find_oracle import as_table

from ecomlab.simulator import Change, SimulatedRun, compare_days, load_scenario, score, simulate
from ecomlab.simulator.twins import measure_contribution, measure_elasticity

PAGE = Path(__file__).resolve().parents[1] / "docs" / "truth.md"
_TABLES = re.compile(r"(?<=<!-- twins -->\n).*?(?=<!-- end of twins -->)", re.S)
_SCORES = re.compile(r"(?<=<!-- scores -->\n).*?(?=<!-- end of scores -->)", re.S)
SEED, PEOPLE, DAYS, PRICED = 7, 20_000, 91, 10
MANY = (
    150_000  # people of the routes: a mail is seldom all that brought somebody who would have come
)


def routes_table() -> str:
    """Return orders that each route alone brought: by closed form, and by twin days."""
    run = simulate("west_d2c", SEED, people=MANY, days=DAYS)
    names = list(load_scenario("west_d2c").routes)
    twins = compare_days(
        "west_d2c", SEED, changes={n: Change(route=n) for n in names}, people=MANY, days=DAYS
    )
    told = run.truth["truth_route_day"].set_index(["route", "date"])["incremental_orders"]
    lost = -twins.set_index(["change", "date"])[["expected_orders", "orders"]]
    rows = []
    for name in names:
        gap = lost.loc[name, "expected_orders"] - told[name]
        rows.append(
            {"route": name, "closed form": f"{told[name].sum():.1f}",
             "twin days, expected": f"{lost.loc[name, 'expected_orders'].sum():.1f}",
             "deviation [standard errors]": f"{gap.sum() / np.sqrt((gap**2).sum()):.1f}",
             "twin days, realised": f"{lost.loc[name, 'orders'].sum():.0f}"}
        )  # fmt: skip
    return as_table(pd.DataFrame(rows))


def prices_table(run: SimulatedRun) -> str:
    """Return own-price elasticities of ten products, a category and the shop."""
    told = run.truth["truth_elasticity"].set_index("sku").sort_values("expected_units")
    picked = list(told.index[np.linspace(len(told) // 3, len(told) - 1, PRICED).astype(int)])
    found = measure_elasticity(
        "west_d2c", SEED, priced=[*picked, "apparel", "all"], weeks=[0, 13], people=PEOPLE
    )
    own = found.query("affected == priced").set_index(["priced", "horizon", "kind"])["elasticity"]
    rows = []
    for name in (*picked, "apparel", "all"):
        known = f"{told['own_price_elasticity'][name]:.4f}" if name in told.index else ""
        places = 4 if name in told.index else 3
        rows.append(
            {"priced, and affected": name, "closed form": known,
             "same day, ±1 %": f"{own[name, 'same day', 'point']:.{places}f}",
             "same day, ±10 %": f"{own[name, 'same day', 'arc']:.{places}f}",
             "13 weeks, ±10 %": f"{own[name, '13 weeks', 'arc']:.{places}f}"}
        )  # fmt: skip
    return as_table(pd.DataFrame(rows))


def channels_table() -> str:
    """Return what a channel brings in half a year, beside the sum of its days."""
    found = measure_contribution("west_d2c", SEED, weeks=[26], people=PEOPLE)
    rows = [
        {"channel": one.channel, "weeks": one.weeks, "orders": f"{one.orders:.1f}",
         "same-day orders": f"{one.same_day_orders:.1f}",
         "amount over spend": f"{one.return_on_spend:.1f}"}
        for one in found.itertuples()
    ]  # fmt: skip
    return as_table(pd.DataFrame(rows))


def scores_text(run: SimulatedRun) -> str:
    """Return three answers and their scores, as a session at the keyboard."""
    ads = run.store.table("ad_daily").query("channel == 'social'")
    paid = run.store.table("orders").query("payment_status == 'paid'")
    claimed = ads["reported_orders"].sum() * paid["amount"].mean() / ads["spend"].sum()
    truth = score(claimed, "roas:social", of=run)
    near = round(truth.truth, 1) + 0.2
    earned = run.truth["truth_day"]
    share = earned["expected_margin"].sum() / earned["expected_amount"].sum()
    pays = "pays" if truth.truth * share > 1 else "does not pay"
    span = ("2024-02-01", "2024-03-31")
    interval = {"value": near, "low": round(near - 0.4, 1), "high": round(near + 0.4, 1)}
    steep = {"value": -2.0, "low": -2.4, "high": -1.6}
    return "\n".join(
        [
            f"By the platform's own claims, social advertising is worth {claimed:.1f} times its "
            f"cost. It brings {truth.truth:.1f}, which at a margin of {share:.0%} {pays}:",
            "",
            "```python",
            '>>> ads = run.store.table("ad_daily").query("channel == \'social\'")',
            '>>> paid = run.store.table("orders").query("payment_status == \'paid\'")',
            '>>> claimed = ads["reported_orders"].sum() * paid["amount"].mean() '
            '/ ads["spend"].sum()',
            '>>> score(claimed, "roas:social", of=run)',
            repr(truth),
            f'>>> score({interval!r}, "roas:social", of=run)'.replace("'", '"'),
            repr(score(interval, "roas:social", of=run)),
            f'>>> score({steep!r}, "elasticity:apparel", {span!r}, of=run)'.replace("'", '"'),
            repr(score(steep, "elasticity:apparel", span, of=run)),
            "```",
        ]
    )


def main() -> None:
    """Write the page's tables anew."""
    run = simulate("west_d2c", SEED, people=PEOPLE, days=DAYS)
    tables = f"""\
Made by `python benchmarks/compare_truth.py`. Orders that each route alone brought,
of {MANY:,} people in {DAYS} days:

{routes_table()}

The realised column is, order by order, the paid orders whose `only_route` it is, but for
stock: the last unit that one shopper does not take is another's. (Where there are live shows this
holds for expected values only: a show also sells for less, so that without it some orders of
other routes are lost too. The closed form counts these to the show.)

Elasticities of a product to its own price; a category, and the shop, are for twins alone:

{prices_table(run)}

A change of 1 % moves few people, so that over 13 weeks a single one who comes again weighs much:
read the ±10 % there, or take more people. What sells out is sold at either price: over weeks that
makes scarce products less elastic. Prices of a twin move exactly; a plan's are rounded to what
shops print.

What a channel brings in the long run, beside the sum of its days
(`measure_contribution("west_d2c", 7, people=20_000)`):

{channels_table()}

"""
    text = _TABLES.sub(lambda _: tables, PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(_SCORES.sub(lambda _: scores_text(run) + "\n", text), encoding="utf-8")
    print(tables)


if __name__ == "__main__":
    main()
