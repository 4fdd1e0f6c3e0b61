"""Key of exercise 01: drivers, last year's weeks, the baseline, chances, a commitment."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from ecomlab import metrics
from ecomlab.analysis import goals
from ecomlab.course.checks import Mistake, Question, Unanswerable
from ecomlab.events import list_events, market_of
from ecomlab.store import Store

__all__ = ["GROWTH", "OVERAGE", "QUESTIONS", "UNDERAGE", "WEEKS"]

WEEKS = 13
GROWTH = 0.05
UNDERAGE, OVERAGE = 0.45, 0.15
_HALF_YEAR = 182


@lru_cache(maxsize=4)
def _daily(store: Store) -> pd.DataFrame:
    daily = metrics.daily_kpis(store)
    if daily["net"].isna().any():
        raise Unanswerable("it has no returns, so net revenue is not known.")
    return daily


def _events(store: Store, daily: pd.DataFrame) -> pd.DataFrame:
    first, last = daily["date"].iloc[[0, -1]]
    ahead = last + pd.Timedelta(days=7 * 30)
    return list_events(first, ahead, market=market_of(store.manifest.time_zone))


@lru_cache(maxsize=8)
def _baseline(store: Store, hidden_days: int = 0, weeks: int = WEEKS) -> goals.Baseline:
    daily = _daily(store)
    seen = daily.iloc[: len(daily) - hidden_days]
    if len(seen) < 7 * 26:
        raise Unanswerable(f"{len(seen)} days are too few for a baseline.")
    return goals.forecast_baseline(seen, _events(store, daily), weeks=weeks)


def _tree(store: Store) -> goals.KpiTree:
    daily = _daily(store)
    if len(daily) < 2 * _HALF_YEAR:
        raise Unanswerable("it has less than a year of days.")
    web = daily if daily["sessions"].notna().all() else daily.drop(columns="sessions")
    last = daily["date"].iloc[-1]
    return goals.build_kpi_tree(
        web,
        start=last - pd.Timedelta(days=_HALF_YEAR - 1),
        compare_start=last - pd.Timedelta(days=2 * _HALF_YEAR - 1),
        days=_HALF_YEAR,
    )


def _leaf_with_largest(store: Store, column: str, *, last: bool = False) -> str:
    leaves = _tree(store).table.dropna(subset="contribution").set_index("node")
    size = leaves[column].abs()
    return str(size.idxmin() if last else size.idxmax())


def _last_year(store: Store, measure: str = "net", shift: int = 0) -> float:
    history = goals.sum_weeks(_daily(store), measure=measure)["value"]
    if len(history) < 52:
        raise Unanswerable("it has less than a year of whole weeks.")
    start = len(history) - 52 - shift
    if start < 0:
        raise Unanswerable("its history is too short for that.")
    return float(history.iloc[start : start + WEEKS].sum())


def _recent(store: Store) -> float:
    return float(goals.sum_weeks(_daily(store))["value"].tail(WEEKS).sum())


def _chance(store: Store, growth: float) -> float:
    target = _last_year(store) * (1 + growth)
    return goals.assess_target(_baseline(store), target=target).chance_share


def _weekly_bounds(store: Store) -> float:
    """Return the share a normal curve gives when weekly intervals are wrongly added up."""
    from scipy.stats import norm

    made = _baseline(store)
    spread = (made.table["high"].sum() - made.table["low"].sum()) / 3.92
    target = _last_year(store) * (1 + GROWTH)
    return float(norm.sf(target, made.table["value"].sum(), spread))


def _commitment(store: Store) -> goals.Commitment:
    made = _baseline(store, hidden_days=7 * WEEKS)
    return goals.plan_commitment(made, underage_cost=UNDERAGE, overage_cost=OVERAGE)


def _pay(store: Store, committed: float) -> tuple[bool, str]:
    """Judge a commitment by what could be known that day; tell what came as the luck it is."""
    made, best = _baseline(store, hidden_days=7 * WEEKS), _commitment(store)
    totals = made.draws.sum(axis=1)
    expected = sum(_cost(committed, float(total)) for total in totals) / len(totals)
    came = _recent(store)
    said = (
        f"Expected cost on the day: {expected:,.0f}, the least possible {best.expected_cost:,.0f}. "
        f"As it came ({came:,.0f}), yours cost {_cost(committed, came):,.0f} and last year plus "
        f"ten percent {_cost(1.1 * _last_year(store, shift=WEEKS), came):,.0f}: that part is luck."
    )
    is_good = expected <= 1.03 * best.expected_cost
    return is_good, ("A good decision. " if is_good else "It can be done for less. ") + said


def _cost(committed: float, came: float) -> float:
    return goals.price_commitment(committed, came, underage_cost=UNDERAGE, overage_cost=OVERAGE)


def _channel_week(store: Store) -> float:
    return float(_baseline(store).table["value"].max() / _shape(store)) * _channel_share(store)


def _shape(store: Store) -> float:
    """Return by what the medians of the weeks have to be divided to add up to the total."""
    made = _baseline(store)
    return float(made.table["value"].sum() / made.total)


def _channel_share(store: Store) -> float:
    if "sessions" not in store.tables or "channel" not in store.columns("sessions"):
        raise Unanswerable("it has no visits by channel (table sessions).")
    sold = metrics.summarize_by(store, by="channel").set_index("channel")["sales"]
    if "email" not in sold:
        raise Unanswerable("it has no sales through e-mail.")
    return float(sold["email"] / sold.sum())


def _channels(store: Store) -> int:
    return int((metrics.summarize_by(store, by="channel")["sales"] > 0).sum())


QUESTIONS = (
    Question(
        number="01.1",
        ask="Which factor moved net revenue most in the last 26 weeks against the 26 before?",
        unit="name of the node",
        hint="build_kpi_tree(..., days=182); look at the column contribution, not change_share.",
        solve=lambda s: _tree(s).biggest,
        mistakes=(
            Mistake(
                compute=lambda s: _leaf_with_largest(s, "change_share"),
                explanation="That factor changed most in percent, but not most in money: what "
                "counts is its contribution to net revenue.",
            ),
            Mistake(
                compute=lambda s: _leaf_with_largest(s, "contribution", last=True),
                explanation="That one moved net revenue least.",
            ),
            Mistake(
                compute=lambda _: "sales",
                explanation="Sales is a sum of the others: go down to the leaves of the tree.",
            ),
        ),
    ),
    Question(
        number="01.2",
        ask="What did the same 13 weeks of last year bring, net?",
        unit="currency",
        hint="sum_weeks(daily), then the 13 weeks that begin 52 weeks before the end.",
        solve=_last_year,
        tolerance=0.001,
        mistakes=(
            Mistake(
                compute=_recent,
                explanation="Those are the last 13 weeks. The weeks ahead lie in another season; "
                "take the ones a year before them.",
            ),
            Mistake(
                compute=lambda s: _last_year(s, "sales"),
                explanation="You added up sales. Returns are still in it.",
            ),
            Mistake(
                compute=lambda s: _last_year(s, "gross"),
                explanation="You added up gross: discounts and returns are still in it.",
            ),
            Mistake(
                compute=lambda s: _last_year(s, shift=WEEKS),
                explanation="One quarter too early: a year before the *last* 13 weeks, not "
                "before the next.",
            ),
        ),
    ),
    Question(
        number="01.3",
        ask="What will the next 13 weeks bring, net, if nothing changes?",
        unit="currency",
        hint="forecast_baseline(daily, events).total, events from list_events past and ahead.",
        solve=lambda s: _baseline(s).total,
        tolerance=0.015,
        mistakes=(
            Mistake(
                compute=_recent,
                explanation="You carried the last 13 weeks forward: the season is forgotten.",
            ),
            Mistake(
                compute=_last_year,
                explanation="That is last year's number: the trend since then is forgotten.",
            ),
            Mistake(
                compute=lambda s: float(_baseline(s).table["high"].sum()),
                explanation="You added up the weeks' upper ends. Not every week can be at its "
                "best at once.",
            ),
        ),
    ),
    Question(
        number="01.4",
        ask="What is the chance of last year's 13 weeks plus five percent, without action?",
        unit="share",
        hint="assess_target(baseline, target=...).chance_share",
        solve=lambda s: _chance(s, GROWTH),
        slack=0.025,
        mistakes=(
            Mistake(
                compute=lambda s: 1 - _chance(s, GROWTH),
                explanation="That is the chance of missing it.",
            ),
            Mistake(
                compute=lambda s: _chance(s, 0.0),
                explanation="That is the chance of last year's number itself, without the five "
                "percent.",
            ),
            Mistake(
                compute=_weekly_bounds,
                explanation="You added up the weeks' intervals. Weeks that go wrong do not all go "
                "wrong the same way, so the total is surer than that.",
            ),
        ),
    ),
    Question(
        number="01.5",
        ask="It is 13 weeks ago. How much do you prepare for?",
        unit="currency",
        hint="Forecast from the days before, then plan_commitment with the two costs.",
        solve=lambda s: _commitment(s).committed,
        judge=_pay,
        mistakes=(
            Mistake(
                compute=lambda s: (
                    goals.plan_commitment(
                        _baseline(s, hidden_days=7 * WEEKS),
                        underage_cost=OVERAGE,
                        overage_cost=UNDERAGE,
                    ).committed
                ),
                explanation="You swapped the two costs: you prepared for too little, as if an "
                "idle unit hurt more than a missed sale.",
            ),
            Mistake(
                compute=_recent,
                explanation="That is what came: you looked. On the day of the decision nobody "
                "could know it.",
            ),
            Mistake(
                compute=lambda s: 1.1 * _last_year(s, shift=WEEKS),
                explanation="Last year plus ten percent: a number without a chance, and without "
                "a look at what too much and too little cost.",
            ),
        ),
    ),
    Question(
        number="01.6",
        ask="What is the e-mail channel asked to bring in the strongest week of the goal?",
        unit="currency",
        hint="cascade_target with the shares of sales by channel; the week has the forecast's "
        "shape.",
        solve=_channel_week,
        tolerance=0.01,
        mistakes=(
            Mistake(
                compute=lambda s: _baseline(s).total / WEEKS * _channel_share(s),
                explanation="You gave every week the same. Weeks differ: use the forecast's shape.",
            ),
            Mistake(
                compute=lambda s: float(_baseline(s).table["value"].max()) / _channels(s),
                explanation="You gave every channel the same. Use what each has brought.",
            ),
            Mistake(
                compute=lambda s: _baseline(s).total * _channel_share(s),
                explanation="That is the channel's part of all 13 weeks, not of one.",
            ),
        ),
    ),
    Question(
        number="01.7",
        ask="What is the chance of last year's 13 weeks plus fifteen percent?",
        unit="share",
        hint="As 01.4.",
        solve=lambda s: _chance(s, 0.15),
        slack=0.025,
        is_hidden=True,
    ),
)
