"""Key of exercise 04: claims, credit, ranks, test sizes, readings, mails, a rhythm that pays."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from ecomlab.analysis import marketing
from ecomlab.course.checks import Mistake, Question, Unanswerable
from ecomlab.store import Store

__all__ = ["COST_PER_MAIL", "DAYS", "LIFT", "QUESTIONS", "VALUE_PER_OPEN"]

LIFT = 0.10
DAYS = 182
VALUE_PER_OPEN, COST_PER_MAIL = 0.06, 0.004


def _table(store: Store, name: str) -> pd.DataFrame:
    if name not in store.tables:
        raise Unanswerable(f"it has no table {name}.")
    return store.table(name)


def _visits(store: Store) -> pd.DataFrame:
    paid = store.table("orders").query("payment_status == 'paid'")[["order_id", "amount"]]
    return _table(store, "sessions").merge(paid, on="order_id", how="left")


def _claims(store: Store) -> pd.DataFrame:
    """Return orders claimed and orders by last click, by channel that has a platform."""
    claimed = _table(store, "ad_daily").groupby("channel")["reported_orders"].sum()
    clicked = _table(store, "sessions").groupby("channel")["order_id"].count()
    return pd.DataFrame({"claimed": claimed, "clicked": clicked.reindex(claimed.index)})


@lru_cache(maxsize=8)
def _credit(store: Store, method: str) -> float:
    paths = marketing.collect_paths(_visits(store))
    credit = marketing.attribute_paths(paths, method=method).table.set_index("channel")
    if "paid_search" not in credit.index:
        raise Unanswerable("nobody came by paid search.")
    return float(credit.loc["paid_search", "conversions"])


def _fewer_clicks(store: Store, *, pooled: bool = False) -> float:
    days = _table(store, "seo_daily")
    if pooled:
        days = days.assign(cluster="all")
    return 1 - 2.0 ** marketing.fit_click_curve(days).exponent


def _base(store: Store) -> float:
    return float(_table(store, "sessions")["order_id"].notna().mean())


def _units(store: Store, lift: float = LIFT) -> float:
    return float(marketing.plan_test(base_share=_base(store), lift_share=lift).units_per_arm)


def _days_for(store: Store, lift: float, arms: int = 2) -> float:
    sessions = _table(store, "sessions")
    span = (sessions["date"].max() - sessions["date"].min()).days + 1
    return arms * _units(store, lift) / (len(sessions) / span)


def _arms(store: Store) -> pd.DataFrame:
    """Return customers who ordered, in two arms by the last sign of their pseudonym."""
    orders = store.table("orders").dropna(subset="customer_id")
    if orders.empty:
        raise Unanswerable("it has no known customers.")
    spent = orders.groupby("customer_id")["amount"].sum().rename("outcome").reset_index()
    arm = np.where(spent["customer_id"].str[-1] < "8", "A", "B")
    return spent.assign(arm=arm).rename(columns={"customer_id": "unit_id"})


def _p_value(store: Store) -> float:
    return marketing.read_test(_arms(store), control="A").p_value


def _p_value_of_orders(store: Store) -> float:
    orders = store.table("orders").dropna(subset="customer_id")
    arm = np.where(orders["customer_id"].str[-1] < "8", "A", "B")
    rows = orders.assign(arm=arm, unit_id=orders["order_id"], outcome=orders["amount"])
    return marketing.read_test(rows, control="A").p_value


@lru_cache(maxsize=4)
def _adjusted(store: Store) -> marketing.Adjustment:
    """Return visits of mailed readers in the last half-year, adjusted by the one before."""
    visits = _table(store, "sessions").dropna(subset="customer_id")
    readers = _table(store, "email_sends")["customer_id"].unique()
    last = visits["date"].max()
    half, year = (last - pd.Timedelta(days=days) for days in (DAYS, 2 * DAYS))
    now = visits[visits["date"] > half].groupby("customer_id").size()
    before = (
        visits[(visits["date"] > year) & (visits["date"] <= half)].groupby("customer_id").size()
    )
    rows = pd.DataFrame({"unit_id": readers}).assign(
        arm=lambda t: np.where(t["unit_id"].str[-1] < "8", "A", "B"),
        outcome=lambda t: t["unit_id"].map(now).fillna(0.0),
        before=lambda t: t["unit_id"].map(before).fillna(0.0),
    )
    return marketing.adjust_outcomes(rows)


@lru_cache(maxsize=4)
def _fatigue(store: Store) -> marketing.Fatigue:
    return marketing.measure_fatigue(_table(store, "email_sends"))


@lru_cache(maxsize=4)
def _rhythm(store: Store) -> marketing.FrequencyPlan:
    return marketing.plan_mail_frequency(
        _fatigue(store), value_per_open=VALUE_PER_OPEN, cost_per_mail=COST_PER_MAIL
    )


def _pay(store: Store, rate: float) -> tuple[bool, str]:
    """Judge a rhythm by what a reader is worth over a year under it."""
    plan = _rhythm(store)
    seen = plan.table[plan.table["is_seen"]]
    if not seen["mails_per_week"].min() <= rate <= seen["mails_per_week"].max():
        return False, (
            f"Readers never had {rate:g} mails a week: what that does is a guess. Stay between "
            f"{seen['mails_per_week'].min():g} and {seen['mails_per_week'].max():g}."
        )
    value = float(np.interp(rate, seen["mails_per_week"], seen["value"]))
    said = (
        f"A reader is worth {value:.2f} a year at {rate:g} mails a week; {plan.value:.2f} is the "
        "most there is."
    )
    is_good = value >= 0.97 * plan.value
    return is_good, ("A rhythm that pays. " if is_good else "It can be worth more. ") + said


@lru_cache(maxsize=4)
def _burst(store: Store) -> marketing.PostResponse:
    posts, sessions = _table(store, "creator_posts"), _table(store, "sessions")
    days = pd.DataFrame({"date": pd.date_range(sessions["date"].min(), sessions["date"].max())})
    came = sessions[sessions["channel"] == "creators"].groupby("date").size()
    fees = posts.groupby("date")["fee"].sum()
    days = days.assign(spend=days["date"].map(fees).fillna(0.0),
                       outcome=days["date"].map(came).fillna(0.0))  # fmt: skip
    return marketing.trace_posts(days, lags=10)


QUESTIONS = (
    Question(
        number="04.1",
        ask="How many times the orders that came by their channels last do the platforms claim?",
        unit="times",
        hint="Add up ad_daily.reported_orders; add up the orders of sessions by these channels.",
        solve=lambda s: float(_claims(s)["claimed"].sum() / _claims(s)["clicked"].sum()),
        mistakes=(
            Mistake(
                compute=lambda s: float(_claims(s)["claimed"].sum() / len(s.table("orders"))),
                explanation="You divided by all orders. Most of them came by channels that have no "
                "platform to claim them.",
            ),
            Mistake(
                compute=lambda s: float(
                    (lambda t: (t["claimed"] / t["clicked"]).mean())(_claims(s))
                ),
                explanation="You averaged the channels' ratios: a small channel then counts as "
                "much as a large one. Divide the sums.",
            ),
        ),
    ),
    Question(
        number="04.2",
        ask="How many orders does the Markov rule credit to paid search?",
        unit="orders",
        hint="collect_paths, then attribute_paths(..., method='markov').",
        solve=lambda s: _credit(s, "markov"),
        mistakes=(
            Mistake(
                compute=lambda s: _credit(s, "last"),
                explanation="That is last click: all to whoever came last.",
            ),
            Mistake(
                compute=lambda s: _credit(s, "linear"),
                explanation="That is the linear rule: the same to every touch.",
            ),
        ),
    ),
    Question(
        number="04.3",
        ask="What share of its clicks does a page lose that falls to twice its rank?",
        unit="share",
        hint="fit_click_curve gives the exponent b; clicks go with rank to the power of b.",
        solve=_fewer_clicks,
        tolerance=0.01,
        mistakes=(
            Mistake(
                compute=lambda s: marketing.fit_click_curve(_table(s, "seo_daily")).exponent,
                explanation="That is the exponent. Twice the rank multiplies clicks by 2 to its "
                "power; what is lost is the rest.",
            ),
            Mistake(
                compute=lambda s: _fewer_clicks(s, pooled=True),
                explanation="You threw the clusters together: people who search for the shop's "
                "name click it anyway. Compare days of the same cluster.",
            ),
        ),
    ),
    Question(
        number="04.4",
        ask="How many visits does each arm need to find ten per cent more orders a visit?",
        unit="visits",
        hint="plan_test(base_share=share of visits with an order, lift_share=0.1).units_per_arm",
        solve=_units,
        tolerance=0.002,
        mistakes=(
            Mistake(
                compute=lambda s: 2 * _units(s),
                explanation="That is both arms together.",
            ),
            Mistake(
                compute=lambda s: _units(s, LIFT / _base(s)),
                explanation="You took ten per cent as ten points. The lift is relative: ten per "
                "cent of the base.",
            ),
        ),
    ),
    Question(
        number="04.5",
        ask="How many days does a test of a lift of five per cent take, both arms together?",
        unit="days",
        hint="Two arms of plan_test(..., lift_share=0.05), over the visits of a mean day.",
        solve=lambda s: _days_for(s, LIFT / 2),
        tolerance=0.01,
        mistakes=(
            Mistake(
                compute=lambda s: _days_for(s, LIFT / 2, arms=1),
                explanation="That fills one arm. The visits of a day are shared by two.",
            ),
            Mistake(
                compute=lambda s: 2 * _days_for(s, LIFT),
                explanation="Half the lift does not take twice the time but about four times: the "
                "size goes with one over the lift squared.",
            ),
        ),
    ),
    Question(
        number="04.6",
        ask="What is the p-value of this test of nothing, a customer being a unit?",
        unit="p-value",
        hint="One row a customer: groupby customer_id, sum of amount; then read_test.",
        solve=_p_value,
        slack=0.001,
        tolerance=0.001,
        mistakes=(
            Mistake(
                compute=_p_value_of_orders,
                explanation="You took orders as units. The lot fell on customers: a customer's "
                "orders are one draw, not many.",
            ),
            Mistake(
                compute=lambda s: _p_value(s) / 2,
                explanation="That is one-sided: it only asks for more. Nothing said which arm "
                "would be better.",
            ),
        ),
    ),
    Question(
        number="04.7",
        ask="What share of the variance does CUPED save?",
        unit="share",
        hint="adjust_outcomes(...).variance_saved_share; readers without visits count with 0.",
        solve=lambda s: _adjusted(s).variance_saved_share,
        tolerance=0.005,
        mistakes=(
            Mistake(
                compute=lambda s: _adjusted(s).slope,
                explanation="That is the slope of the adjustment.",
            ),
            Mistake(
                compute=lambda s: float(np.sqrt(_adjusted(s).variance_saved_share)),
                explanation="That is the correlation with the past. The variance saved is its "
                "square.",
            ),
        ),
    ),
    Question(
        number="04.8",
        ask="By how much does one more mail remembered change the share a reader opens?",
        unit="share",
        hint="measure_fatigue(shop.table('email_sends')).open_change",
        solve=lambda s: _fatigue(s).open_change,
        tolerance=0.005,
        mistakes=(
            Mistake(
                compute=lambda s: _fatigue(s).naive_open_change,
                explanation="That compares different readers: those who get more mails are the "
                "keen ones. Compare a reader's own mails.",
            ),
            Mistake(
                compute=lambda s: _fatigue(s).leave_factor,
                explanation="That is what a mail does to the chance to unsubscribe.",
            ),
        ),
    ),
    Question(
        number="04.9",
        ask="How many mails a week do you send to each reader?",
        unit="mails a week",
        hint="plan_mail_frequency(fatigue, value_per_open=..., cost_per_mail=...)",
        solve=lambda s: _rhythm(s).mails_per_week,
        judge=_pay,
        mistakes=(
            Mistake(
                compute=lambda _: 7.0,
                explanation="A mail every day: each pays by last click, until the readers have "
                "left. The report on a mail does not show what it does to the next.",
            ),
            Mistake(
                compute=lambda _: 0.25,
                explanation="A mail a month tires nobody, and sells next to nothing: readers "
                "forget half of a mail in ten days.",
            ),
        ),
    ),
    Question(
        number="04.10",
        ask="How many visits by creators does a unit of fee bring over ten days?",
        unit="visits per currency",
        hint="trace_posts(days, lags=10).total",
        solve=lambda s: _burst(s).total,
        tolerance=0.005,
        is_hidden=True,
    ),
)
