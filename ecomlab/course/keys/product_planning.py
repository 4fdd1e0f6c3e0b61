"""Key of exercise 03: life cycle, the line, prices, the list."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from ecomlab.analysis import product
from ecomlab.course.checks import Mistake, Question, Unanswerable
from ecomlab.course.shelf import lay_out_line, list_goods, sum_product_weeks
from ecomlab.store import Store

__all__ = [
    "COVER_WEEKS",
    "ELASTICITY",
    "LEAST_ORDER",
    "MONEY_COST",
    "QUESTIONS",
    "SWITCHING",
]

ELASTICITY = -2.5
SWITCHING, MONEY_COST = 0.1, 0.30
COVER_WEEKS, LEAST_ORDER = 8.0, 24
_WEEKS = 26


@lru_cache(maxsize=4)
def _weekly(store: Store) -> pd.DataFrame:
    weekly = sum_product_weeks(store)
    if weekly["week_start"].nunique() < _WEEKS:
        raise Unanswerable(f"it has fewer than {_WEEKS} whole weeks.")
    return weekly


@lru_cache(maxsize=4)
def _stages(store: Store) -> product.LifeStages:
    return product.stage_products(_weekly(store), list_goods(store))


def _fewer_than_last_quarter(store: Store) -> int:
    wide = _weekly(store).pivot(index="week_start", columns="sku", values="units").fillna(0)
    return int((wide.tail(13).sum() < 0.9 * wide.iloc[-26:-13].sum()).sum())


@lru_cache(maxsize=4)
def _classes(store: Store) -> product.ProductClasses:
    weekly = _weekly(store)
    since = (weekly["week_start"] - weekly["week_start"].min()).dt.days // 28
    months = weekly.assign(period=since)
    months = months.groupby(["sku", "period"], as_index=False)[["units", "value"]].sum()
    return product.classify_products(months)


def _a_by_units(store: Store) -> int:
    units = _classes(store).table["units"].sort_values(ascending=False)
    before = units.cumsum() - units
    return int((before < 0.8 * units.sum()).sum())


@lru_cache(maxsize=4)
def _pairs(store: Store) -> pd.DataFrame:
    lines = store.table("order_lines").rename(columns={"sku": "item"})[["order_id", "item"]]
    share = max(0.002, 5.5 / lines["order_id"].nunique())
    rules = product.find_associations(lines, min_support_share=share, max_items=2)
    pairs = rules[rules["antecedent"] < rules["consequent"]].reset_index(drop=True)
    if pairs.empty:
        raise Unanswerable("no two products meet in five orders or more.")
    return product.screen_associations(pairs, lines)


def _solid(store: Store) -> int:
    return int(_pairs(store)["is_solid"].sum())


@lru_cache(maxsize=4)
def _elasticity(store: Store, method: str) -> product.Elasticity:
    sales = _asked(store).rename(columns={"week_start": "date"})
    if method != "instrument":
        return product.estimate_elasticity(sales, method=method)  # type: ignore[arg-type]
    rival = sales.groupby("sku")["rival_price"].transform(lambda price: price.ffill().bfill())
    logs = sales.assign(log_cost=np.log(sales["cost_index"]), log_rival=np.log(rival))
    return product.estimate_elasticity(
        logs.dropna(subset=["log_cost", "log_rival"]).reset_index(drop=True),
        instrument="log_cost", controls=["log_rival"],
    )  # fmt: skip


def _asked(store: Store) -> pd.DataFrame:
    weekly = _weekly(store)
    if not {"cost_index", "rival_price"} <= set(weekly):
        raise Unanswerable("it has no asked prices with supply costs (tables prices and "
                           "competitor_prices).")  # fmt: skip
    return weekly


def _estimate(store: Store, method: str) -> float:
    found = _elasticity(store, method)
    if not found.is_estimated:
        raise Unanswerable(found.caveats[0])
    return found.elasticity


def _without_rivals(store: Store) -> float:
    sales = _asked(store).rename(columns={"week_start": "date"})
    logs = sales.assign(log_cost=np.log(sales["cost_index"]))
    return product.estimate_elasticity(logs, instrument="log_cost").elasticity


@lru_cache(maxsize=4)
def _line(store: Store) -> pd.DataFrame:
    line = lay_out_line(store, least_order=LEAST_ORDER, cover_weeks=COVER_WEEKS)
    if line.empty:
        raise Unanswerable("it does not know what goods cost.")
    return line


def _dearest(store: Store) -> pd.Series:
    """Return the best seller of the line, which question 5 prices."""
    line = _line(store)
    return line.loc[line["units"].idxmax()]


def _best_price(store: Store, elasticity: float = ELASTICITY) -> float:
    return float(_dearest(store)["unit_cost"] * elasticity / (1 + elasticity))


@lru_cache(maxsize=64)
def _net(store: Store, money: float) -> float:
    """Return the profit of the list that earns most for its money, less what the money costs."""
    line = _line(store)
    ranked = line.iloc[(line["margin"] * line["units"] / line["cash"]).argsort()[::-1]]
    listed = ranked["sku"][ranked["cash"].cumsum() <= money + 1e-6]
    found = product.value_assortment(line, listed, switching=SWITCHING)
    return found.profit - MONEY_COST * found.cash


def _budgets(store: Store) -> np.ndarray:
    return np.linspace(0.02, 1, 50) * float(_line(store)["cash"].sum())


def _best_budget(store: Store) -> float:
    return float(max(_budgets(store), key=lambda money: _net(store, float(money))))


def _best_return(store: Store) -> float:
    """Return the smallest budget tried: there money earns most for each unit of it."""
    return float(_budgets(store)[0])


def _pay(store: Store, money: float) -> tuple[bool, str]:
    """Judge a budget by what it earns after the cost of the money."""
    yours, best = _net(store, float(money)), _net(store, _best_budget(store))
    whole = _net(store, float(_line(store)["cash"].sum()))
    said = (
        f"After the cost of money your list earns {yours:,.0f} in 26 weeks; listing all "
        f"{whole:,.0f}, the best budget {best:,.0f}."
    )
    good = yours >= 0.98 * best
    return good, ("A good decision. " if good else "It can be done better. ") + said


@lru_cache(maxsize=4)
def _goers(store: Store, switching: float = SWITCHING) -> product.DelistPlan:
    return product.find_delist_candidates(_line(store), years=0.5, switching_share=switching)


def _likely_goers(store: Store, switching: float = SWITCHING) -> int:
    return int((_goers(store, switching).table["gain"] > 0).sum())


QUESTIONS = (
    Question(
        number="03.1",
        ask="How many products most likely decline?",
        unit="products",
        hint="stage_products(weekly, goods).decline",
        solve=lambda s: float(_stages(s).decline),
        tolerance=0.02,
        mistakes=(
            Mistake(
                compute=lambda s: float(_fewer_than_last_quarter(s)),
                explanation="You compared with the quarter before: that is another season.",
            ),
            Mistake(
                compute=lambda s: float(
                    (_stages(s).table.query("is_sure")["stage"] == "decline").sum()
                ),
                explanation="Those are the ones that are sure. Asked is the most likely stage.",
            ),
            Mistake(
                compute=lambda s: float((_stages(s).table["growth_share"] < 0).sum()),
                explanation="You counted every growth below zero: steady products scatter around "
                "zero, and decline begins at a tenth a year.",
            ),
        ),
    ),
    Question(
        number="03.2",
        ask="How many products are A: the best that together bring 80 % of the value?",
        unit="products",
        hint="classify_products on units and value by four-week period.",
        solve=lambda s: float(_classes(s).a_products),
        tolerance=0.0,
        mistakes=(
            Mistake(
                compute=lambda s: float(_a_by_units(s)),
                explanation="You sorted by units. A cheap best seller can bring little money.",
            ),
            Mistake(
                compute=lambda s: float(np.floor(0.2 * len(_classes(s).table))),
                explanation="You took a fifth of the products, as the rule of thumb has it. Look "
                "at what this store's products bring.",
            ),
        ),
    ),
    Question(
        number="03.3",
        ask="How many products are erratic (Z) beyond the luck of counting?",
        unit="products",
        hint="The column xyz_beyond_luck, or ProductClasses.z_beyond_luck.",
        solve=lambda s: float(_classes(s).z_beyond_luck),
        tolerance=0.0,
        mistakes=(
            Mistake(
                compute=lambda s: float(_classes(s).z_products),
                explanation="That is the usual measure: most of these are slow, not erratic.",
            ),
            Mistake(
                compute=lambda s: float(
                    ((_classes(s).table["xyz"] == "Z") & (_classes(s).table["abc"] == "C")).sum()
                ),
                explanation="Those are the CZ products by the usual measure, luck and all.",
            ),
        ),
    ),
    Question(
        number="03.4",
        ask="How many pairs with at least five orders are solid, not luck?",
        unit="pairs",
        hint="find_associations with max_items=2, one row a pair, then screen_associations.",
        solve=lambda s: float(_solid(s)),
        tolerance=0.0,
        mistakes=(
            Mistake(
                compute=lambda s: float(len(_pairs(s))),
                explanation="Those are all pairs with a lift above 1. Among so many some meet "
                "often by luck.",
            ),
            Mistake(
                compute=lambda s: float(2 * _solid(s)),
                explanation="You counted every pair twice, once in each direction.",
            ),
            Mistake(
                compute=lambda s: float((_pairs(s)["p_value"] < 0.05).sum()),
                explanation="You tested each pair as if it were the only one looked at: one in "
                "twenty passes by luck.",
            ),
        ),
    ),
    Question(
        number="03.5",
        ask="Which price of the best seller is the most profitable, at an elasticity of -2.5?",
        unit="currency/unit",
        hint="Lerner's rule: cost * e / (1 + e), without limits or price points.",
        solve=_best_price,
        tolerance=0.005,
        mistakes=(
            Mistake(
                compute=lambda s: float(_dearest(s)["price"]),
                explanation="That is today's price.",
            ),
            Mistake(
                compute=lambda s: float(_dearest(s)["unit_cost"] * (1 + 1 / -ELASTICITY)),
                explanation="You added the margin to the cost. One over the elasticity is the "
                "margin's share of the *price*.",
            ),
            Mistake(
                compute=lambda s: 2 * float(_dearest(s)["unit_cost"]),
                explanation="Twice the cost is a habit (keystone pricing): it fits an elasticity "
                "of -2.",
            ),
        ),
    ),
    Question(
        number="03.6",
        ask="What is the own-price elasticity by the cost instrument, rivals held fixed?",
        unit="%/%",
        hint="estimate_elasticity(..., instrument='log_cost', controls=['log_rival']). It is asked "
        "to be seen, not to be priced by: in a store of this size it scatters widely.",
        solve=lambda s: _estimate(s, "instrument"),
        tolerance=0.02,
        mistakes=(
            Mistake(
                compute=lambda s: _estimate(s, "fixed_effects"),
                explanation="That is the estimate with fixed effects: the manager promotes what is "
                "in demand anyhow, and that is still in it.",
            ),
            Mistake(
                compute=lambda s: _estimate(s, "naive"),
                explanation="That is the naive line: dear products against cheap ones, and weeks "
                "without a sale thrown away.",
            ),
            Mistake(
                compute=_without_rivals,
                explanation="You left competitors' prices out. The same costs move them, so the "
                "instrument reaches demand by a second way.",
            ),
        ),
    ),
    Question(
        number="03.7",
        ask="How much money do you ask for, if a unit of it costs 0.30 for the half-year?",
        unit="currency",
        hint="Sort products by margin * units / cash; try budgets, and take the cost of the money "
        "off what each list earns.",
        solve=_best_budget,
        judge=_pay,
        mistakes=(
            Mistake(
                compute=lambda s: float(_line(s)["cash"].sum()),
                explanation="You asked for money for everything: the last products earn less than "
                "the money they bind costs.",
            ),
            Mistake(
                compute=_best_return,
                explanation="You looked for the highest return on money. The owner lives on "
                "profit: go on as long as the next product earns more than its money costs.",
            ),
        ),
    ),
    Question(
        number="03.8",
        ask="How many products would, in expectation, not be missed?",
        unit="products",
        hint="find_delist_candidates(...).table, column gain.",
        solve=lambda s: float(_likely_goers(s)),
        slack=1.0,
        is_hidden=True,
    ),
)
