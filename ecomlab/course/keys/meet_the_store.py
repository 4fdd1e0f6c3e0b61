"""Key of exercise 00: from gross to net, known and guest, and the faults of an export."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from ecomlab import metrics
from ecomlab.course.checks import Mistake, Question, Unanswerable
from ecomlab.simulator import FaultyExport, export_with_faults
from ecomlab.store import Store

__all__ = ["EXPORT_SEED", "FEE_PER_VISIT", "QUESTIONS"]

EXPORT_SEED = 11
FEE_PER_VISIT = 0.40


@lru_cache(maxsize=2)
def _faulty(store: Store) -> FaultyExport:
    return export_with_faults(store, seed=EXPORT_SEED)


@lru_cache(maxsize=2)
def _daily(store: Store) -> pd.Series:
    totals = metrics.daily_kpis(store).drop(columns="date").sum(skipna=False)
    if pd.isna(totals["net"]):
        raise Unanswerable("it has no returns, so net revenue is not known.")
    return totals


def _known(store: Store) -> pd.Series:
    known = metrics.count_buyers(store).set_index("group").loc["known"]
    if not known["buyers"]:
        raise Unanswerable("every order is a guest's.")
    return known


def _visits(store: Store) -> pd.DataFrame:
    daily = metrics.daily_kpis(store)
    if daily[["sessions", "converted_sessions"]].isna().any(axis=None):
        raise Unanswerable("it has no visits with their orders (table sessions) for every day.")
    return daily


def _placed_share(store: Store) -> float:
    _visits(store)
    sessions = store.table("sessions")
    return float(sessions["order_id"].notna().mean())


def _known_placed(store: Store) -> float:
    """Return orders of known customers, failed and cancelled ones among them."""
    return float(store.table("orders")["customer_id"].notna().sum())


def _margin_share(store: Store) -> float:
    totals = _daily(store)
    if pd.isna(totals["margin"]):
        raise Unanswerable("no unit costs.")
    return float(totals["margin"] / totals["gross"])


def _all_orders(store: Store) -> float:
    return float(metrics.count_buyers(store).set_index("group").loc["total", "orders"])


def _export(store: Store) -> pd.DataFrame:
    lines = _faulty(store).lines
    return lines.assign(amount=lines["Qty"] * lines["Unit price"] - lines["Discount"])


def _without_slip(store: Store) -> pd.Series:
    """Mark the lines outside the days and region whose prices slipped."""
    slip = _faulty(store).answers["currency"]
    lines = _export(store)
    day = lines["Created"].str[:10]
    inside = day.between(str(slip["first_day"]), str(slip["last_day"])) if slip else day == ""
    if slip and slip["region"] is not None:
        inside &= lines["Region"] == slip["region"]
    return ~inside


def _repaired_twice_counted(store: Store) -> float:
    """Return the export's sum with the cents repaired and the double delivery left in."""
    slip = _faulty(store).answers["currency"]
    factor = float(slip["factor"]) if slip else 1.0
    amount = _export(store)["amount"]
    return float(amount.where(_without_slip(store), amount / factor).sum())


def _whole_log(store: Store, *, with_bots: bool) -> float:
    export = _faulty(store)
    if export.sessions is None or export.answers["bots"] is None:
        raise Unanswerable("it has no visits (table sessions).")
    bots = int(export.answers["bots"]["sessions"])
    return FEE_PER_VISIT * float(len(export.sessions) - (0 if with_bots else bots))


def _bot_days(store: Store) -> pd.DataFrame:
    """Return the visits of the days on which robots came, robots marked."""
    export = _faulty(store)
    if export.sessions is None or export.answers["bots"] is None:
        raise Unanswerable("it has no visits (table sessions).")
    log = export.sessions
    is_bot = log["Visitor"].isin(export.answers["bots"]["visitors"])
    day = log["Started"].str[:10]
    hit = day.isin(day[is_bot].unique())
    return log[hit].assign(is_bot=is_bot[hit])


QUESTIONS = (
    Question(
        number="00.1",
        ask="Which share of gross stays as net revenue, over the whole period?",
        unit="share",
        hint="metrics.bridge_revenue gives the steps; net comes after discounts and returns.",
        solve=lambda s: float(_daily(s)["net"] / _daily(s)["gross"]),
        mistakes=(
            Mistake(
                compute=lambda s: float(_daily(s)["sales"] / _daily(s)["gross"]),
                explanation="You stopped at sales: discounts are off, returns are not. What "
                "went back to customers is not revenue.",
            ),
            Mistake(
                compute=lambda s: float(_daily(s)["net"] / _daily(s)["sales"]),
                explanation="You started from sales. The question starts from gross, before "
                "discounts.",
            ),
            Mistake(
                compute=_margin_share,
                explanation="You went one step too far: the cost of goods is off too. That is "
                "the margin.",
            ),
        ),
    ),
    Question(
        number="00.2",
        ask="How many orders did a known customer place on average?",
        unit="orders",
        hint="metrics.count_buyers keeps known customers and guests apart.",
        solve=lambda s: float(_known(s)["orders"] / _known(s)["buyers"]),
        mistakes=(
            Mistake(
                compute=lambda s: _all_orders(s) / float(_known(s)["buyers"]),
                explanation="You divided all orders, the guests' among them, by the known "
                "customers. Numerator and denominator must speak of the same people.",
            ),
            Mistake(
                compute=lambda s: _known_placed(s) / float(len(s.table("customers"))),
                explanation="You counted rows of `orders` and `customers`: orders that failed or "
                "were cancelled are no purchases.",
            ),
            Mistake(
                compute=lambda s: _known_placed(s) / float(_known(s)["buyers"]),
                explanation="You counted orders that failed or were cancelled: they are no "
                "purchases.",
            ),
            Mistake(
                compute=lambda s: _all_orders(s) / (float(_known(s)["buyers"]) + 1),
                explanation="You counted all guests as one very busy customer: that is what "
                "grouping by an empty id does.",
            ),
        ),
    ),
    Question(
        number="00.3",
        ask="What is the conversion over the whole period?",
        unit="share",
        hint="Add up numerator and denominator first, divide once at the end.",
        solve=lambda s: float(
            _visits(s)["converted_sessions"].sum() / _visits(s)["sessions"].sum()
        ),
        tolerance=0.001,
        mistakes=(
            Mistake(
                compute=_placed_share,
                explanation="You counted every order placed. Orders whose payment failed or was "
                "cancelled do not count.",
            ),
            Mistake(
                compute=lambda s: float(_visits(s)["conversion_share"].mean()),
                explanation="You averaged the days' rates: a quiet Sunday then weighs as much as "
                "Black Friday. Add up first, divide once.",
            ),
            Mistake(
                compute=lambda s: float(
                    _visits(s)["sessions"].sum() / _visits(s)["converted_sessions"].sum()
                ),
                explanation="That is the other way up: visits per order.",
            ),
            Mistake(
                compute=lambda s: float(_known(s)["orders"] / _visits(s)["sessions"].sum()),
                explanation="You left out the guests' orders, but not the guests' visits.",
            ),
        ),
    ),
    Question(
        number="00.4",
        ask="What does the broken export add up to, once repaired?",
        unit="currency",
        hint="Two of the four faults change amounts: rows that came twice, and prices in cents. "
        "Repair the second, do not drop it.",
        solve=lambda s: float(_faulty(s).answers["clean"]["amount"]),  # type: ignore[index]
        tolerance=0.00002,
        mistakes=(
            Mistake(
                compute=lambda s: float(_export(s)["amount"].sum()),
                explanation="That is the column as it came: every fault is still in it.",
            ),
            Mistake(
                compute=lambda s: float(_export(s).drop_duplicates()["amount"].sum()),
                explanation="The double delivery is gone, but some days of one region are still "
                "in cents. Compare each price with the usual price of its product.",
            ),
            Mistake(
                compute=_repaired_twice_counted,
                explanation="The cents are repaired, but some days were delivered twice: look for "
                "rows that are equal in every column.",
            ),
            Mistake(
                compute=lambda s: float(metrics.daily_kpis(s)["sales"].sum()),
                explanation="That is the store's sales: without the lines of failed and cancelled "
                "orders, which the export has. Repair the export itself.",
            ),
            Mistake(
                compute=lambda s: float(
                    _export(s)[_without_slip(s)].drop_duplicates()["amount"].sum()
                ),
                explanation="You dropped the days in cents. Those orders were real: divide their "
                "amounts by the factor instead.",
            ),
        ),
    ),
    Question(
        number="00.5",
        ask="On the days robots came, an agency bills every visit. What do you pay?",
        unit="currency",
        hint="Find who came more than ten times on a day and never ordered; pay for the others.",
        solve=lambda s: FEE_PER_VISIT * float((~_bot_days(s)["is_bot"]).sum()),
        tolerance=0.01,
        mistakes=(
            Mistake(
                compute=lambda s: FEE_PER_VISIT * len(_bot_days(s)),
                explanation="You paid the bill as it came: money for robots that will never buy. "
                "Every one of their visits is a loss.",
            ),
            Mistake(
                compute=lambda s: _whole_log(s, with_bots=True),
                explanation="That is every visit of the whole period, robots among them. The "
                "bill is for the days on which robots came.",
            ),
            Mistake(
                compute=lambda s: _whole_log(s, with_bots=False),
                explanation="That is every person's visit of the whole period. The bill is for "
                "the days on which robots came.",
            ),
            Mistake(
                compute=lambda s: FEE_PER_VISIT * float(_bot_days(s)["is_bot"].sum()),
                explanation="That is the robots' part of the bill: the part not to pay.",
            ),
            Mistake(
                compute=lambda s: FEE_PER_VISIT * float(_bot_days(s)["Order No"].notna().sum()),
                explanation="You paid only for visits that ordered. The agency sends visitors; "
                "whether they buy is the shop's affair.",
            ),
        ),
    ),
)
