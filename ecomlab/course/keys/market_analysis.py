"""Key of exercise 02: samples, weights, market size, choices, coders, prices, reactions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from ecomlab import metrics
from ecomlab.analysis import market
from ecomlab.course.checks import Mistake, Question, Unanswerable
from ecomlab.store import Store

__all__ = ["MARGIN", "PEOPLE", "QUESTIONS", "WANTS"]

MARGIN, PEOPLE = 0.04, 2_000
WANTS = ["log_price", "eco", "quality", "none"]
_GOOD_ENOUGH = 0.997  # of the best price's profit


def _need(store: Store, *tables: str) -> None:
    missing = [name for name in tables if name not in store.tables]
    if missing:
        raise Unanswerable(f"it has no {', '.join(missing)} (ecomlab import --template survey).")


def _margins(store: Store) -> dict[str, dict[str, float]]:
    _need(store, "survey_answers", "population_margins")
    table = store.table("population_margins")
    return {
        str(name): dict(zip(part["level"], part["share"].astype(float), strict=True))
        for name, part in table.groupby("variable")
    }


@lru_cache(maxsize=4)
def _raked(store: Store) -> market.Raking:
    margins = _margins(store)
    return market.rake(store.table("survey_answers"), margins=margins)


def _spend(store: Store, *columns: str) -> float:
    """Return mean spending, weighted by some of the margins; by none: as answered."""
    survey = store.table("survey_answers")
    if not columns:
        return float(survey["spend_last_year"].mean())
    margins = {name: share for name, share in _margins(store).items() if name in columns}
    raking = market.rake(survey, margins=margins)
    return market.estimate_weighted_mean(raking, value="spend_last_year").mean


def _first_year(store: Store) -> float:
    daily = metrics.daily_kpis(store)
    return float(daily["sales"].head(365).sum())


def _share_here(store: Store) -> float:
    """Return the share of what people say they spend that they say they spend here."""
    told = _raked(store).table
    here = told["here_share"].fillna(0).astype(float)
    spend = told["weight"] * told["spend_last_year"]
    return float((spend * here).sum() / spend.sum())


def _plain_share(store: Store, *, by_money: bool) -> float:
    survey = store.table("survey_answers")
    here = survey["here_share"].fillna(0).astype(float)
    if not by_money:
        return float(here.mean())
    return float((here * survey["spend_last_year"]).sum() / survey["spend_last_year"].sum())


def _tasks(store: Store) -> pd.DataFrame:
    _need(store, "choice_answers")
    tasks = store.table("choice_answers")
    usual = tasks["price"].groupby(tasks["category_id"]).transform("mean")
    return tasks.assign(
        log_price=np.log(tasks["price"] / usual).fillna(0),
        eco=tasks["is_eco"].astype(int),
        none=tasks["is_none"].astype(int),
        quality=tasks["quality_step"].fillna(0).astype(int),
        chosen=tasks["is_chosen"].astype(int),
        task_id=tasks["respondent_id"] + "/" + tasks["task"].astype(str),
    )


@lru_cache(maxsize=4)
def _fit(store: Store) -> market.ChoiceFit:
    return market.fit_choice(_tasks(store), attributes=WANTS)


def _worth(store: Store) -> float:
    made = market.estimate_willingness(_fit(store), price="log_price", price_scale="log")
    return float(made.table.set_index("attribute").loc["eco", "willingness"])


def _plain_ratio(store: Store) -> float:
    slope = _fit(store).table.set_index("attribute")["coefficient"]
    return float(-slope["eco"] / slope["log_price"])


def _chosen_more(store: Store) -> float:
    """Return how much oftener eco products are chosen than others, as a share."""
    tasks = _tasks(store)
    shares = tasks[tasks["none"] == 0].groupby("eco")["chosen"].mean()
    return float(shares[1] / shares[0] - 1)


def _stated(store: Store) -> float:
    return market.estimate_weighted_mean(_raked(store), value="eco_premium_share").mean


@lru_cache(maxsize=4)
def _ratings(store: Store) -> pd.DataFrame:
    _need(store, "interview_codes")
    codes = store.table("interview_codes")
    codes["unit"] = codes["respondent_id"] + "/" + codes["question"].astype(str)
    return codes.rename(columns={"coder": "rater", "theme": "code"})


def _agreed(store: Store) -> float:
    wide = _ratings(store).pivot(index="unit", columns="rater", values="code").dropna()
    return float((wide.iloc[:, 0] == wide.iloc[:, 1]).mean())


def _evenly_by_chance(store: Store) -> float:
    chance = 1 / _ratings(store)["code"].nunique()
    return (_agreed(store) - chance) / (1 - chance)


@lru_cache(maxsize=4)
def _index(store: Store, price: str = "asked") -> market.PriceIndex:
    _need(store, "competitor_prices", "prices")
    ours = store.table("prices")[["date", "sku", "price"]]
    if price == "list":
        listed = store.table("products")[["sku", "list_price"]]
        ours = ours.drop(columns="price").merge(listed, on="sku")
        ours = ours.rename(columns={"list_price": "price"})
    return market.compare_prices(store.table("competitor_prices"), ours)


@lru_cache(maxsize=4)
def _repricing(store: Store, *, is_calibrated: bool = True) -> market.Repricing:
    """Return the profit of each price of the eco product, beside two others and nothing."""
    daily, goods = metrics.daily_kpis(store), store.table("products")
    buying = float(daily["converted_sessions"].sum() / daily["sessions"].sum())
    offers = pd.DataFrame(0.0, index=["one", "another", "eco", "nothing"], columns=WANTS)
    offers.loc["eco", "eco"], offers.loc["nothing", "none"] = 1.0, 1.0
    offers["price"] = [float(goods["list_price"].mean())] * 3 + [np.nan]
    offers["unit_cost"] = [float(goods["unit_cost"].mean())] * 3 + [np.nan]
    offers["is_repriced"] = offers.index == "eco"
    return market.plan_repricing(
        _fit(store), offers, price="log_price", buying_share=buying if is_calibrated else None
    )


def _pay(store: Store, factor: float) -> tuple[bool, str]:
    """Judge a price by the profit that the calibrated model expects of it."""
    made = _repricing(store)
    if not 0.6 <= factor <= 1.6:
        return False, "Give a multiple of today's price between 0.6 and 1.6, as 1.1 for ten more."

    def profit(at: float) -> float:
        return 1_000 * float(np.interp(at, made.table["factor"], made.table["profit"]))

    best, now, said = profit(made.factor), profit(1.0), profit(min(1 + _stated(store), 1.6))
    told = (
        f"A thousand visitors bring {profit(factor):,.0f} at yours, {best:,.0f} at the best price, "
        f"{now:,.0f} at today's and {said:,.0f} at what people say they would pay."
    )
    is_good = profit(factor) >= _GOOD_ENOUGH * best
    return is_good, ("A good price. " if is_good else "There is a better price. ") + told


@lru_cache(maxsize=4)
def _reaction(store: Store) -> market.Reaction:
    _need(store, "competitor_prices", "prices")
    kind = store.table("products").set_index("sku")["category_id"]
    theirs, ours = store.table("competitor_prices"), store.table("prices")
    theirs = theirs.dropna(subset="price")
    item = theirs["sku"] + theirs["competitor"]
    theirs = theirs.assign(item=item, group=theirs["sku"].map(kind))
    ours = ours.assign(item=ours["sku"], group=ours["sku"].map(kind))
    cost = ours.groupby(["group", "date"])["supply_cost_index"].mean().rename("cost").reset_index()
    days = market.track_prices(ours).rename(columns={"index": "own"})
    days = days.merge(cost, on=["group", "date"])
    week = days.groupby("group")[["own", "cost"]].transform(lambda path: path.rolling(7, 1).mean())
    rival = market.track_prices(theirs).rename(columns={"index": "rival"})
    weekly = days.assign(**week).merge(rival, on=["group", "date"])
    return market.estimate_reaction(weekly.rename(columns={"group": "market", "date": "period"}))


def _answers(margin: float, population: int | None = None) -> float:
    plan = market.plan_sample(margin_share=margin, population=population)
    return float(plan.respondents)


QUESTIONS = (
    Question(
        number="02.1",
        ask="How many of 2,000 shoppers must answer for a margin of ±4 points?",
        unit="answers",
        hint="plan_sample(margin_share=..., population=...).respondents",
        solve=lambda _: _answers(MARGIN, PEOPLE),
        tolerance=0.003,
        mistakes=(
            Mistake(
                compute=lambda _: _answers(MARGIN),
                explanation="That is for a market without end. Of 2,000 people you ask a good part "
                "of them all: the finite population correction saves a quarter.",
            ),
            Mistake(
                compute=lambda _: _answers(MARGIN / 2, PEOPLE),
                explanation="You took four points for the whole width. A margin is half of it: "
                "four up and four down.",
            ),
            Mistake(
                compute=lambda _: PEOPLE / 10,
                explanation="Ten per cent is a habit, not a calculation: what counts is the "
                "margin, not the share of people asked.",
            ),
        ),
    ),
    Question(
        number="02.2",
        ask="What do people spend in a year, weighted to all margins?",
        unit="currency",
        hint="rake(survey, margins=margins), then estimate_weighted_mean(..., value=...).mean",
        solve=lambda s: market.estimate_weighted_mean(_raked(s), value="spend_last_year").mean,
        tolerance=0.002,
        mistakes=(
            Mistake(
                compute=lambda s: _spend(s),
                explanation="That is the mean of the panel, which is younger and buys more than "
                "people do. Weight it.",
            ),
            Mistake(
                compute=lambda s: _spend(s, "region_id"),
                explanation="You weighted by region only. What makes the panel odd is age and "
                "device: use all margins.",
            ),
            Mistake(
                compute=lambda s: _spend(s, "device_main"),
                explanation="You weighted by device only: use all margins.",
            ),
        ),
    ),
    Question(
        number="02.3",
        ask="How large is the market in a year, bottom-up?",
        unit="currency",
        hint="Sales of the first 365 days over the share of spending that comes here.",
        solve=lambda s: _first_year(s) / _share_here(s),
        tolerance=0.005,
        mistakes=(
            Mistake(
                compute=lambda s: _first_year(s) / _plain_share(s, by_money=True),
                explanation="You left the weights out: the panel's share is not the people's.",
            ),
            Mistake(
                compute=lambda s: _first_year(s) / _plain_share(s, by_money=False),
                explanation="You averaged people's shares. Who spends ten times as much counts ten "
                "times in a market: weigh by money.",
            ),
            Mistake(
                compute=lambda s: float(metrics.daily_kpis(s)["sales"].sum()) / _share_here(s),
                explanation="Those are the sales of the whole period; the question is a year.",
            ),
        ),
    ),
    Question(
        number="02.4",
        ask="By how much may a product be dearer for being ecological, by the choices?",
        unit="share",
        hint="estimate_willingness(fit, price='log_price', price_scale='log')",
        solve=_worth,
        tolerance=0.01,
        mistakes=(
            Mistake(
                compute=_plain_ratio,
                explanation="You divided the two coefficients. The price entered as a logarithm: "
                "take exp(...) - 1 of the ratio.",
            ),
            Mistake(
                compute=_stated,
                explanation="That is what people say when asked outright: saying costs nothing. "
                "Take it from their choices.",
            ),
            Mistake(
                compute=_chosen_more,
                explanation="That is how much oftener eco is chosen, not how much dearer it may "
                "be: set it against how prices push people away.",
            ),
        ),
    ),
    Question(
        number="02.5",
        ask="How far do the two coders agree beyond chance?",
        unit="kappa, 1 is perfect",
        hint="measure_agreement(ratings, method='cohen').value",
        solve=lambda s: market.measure_agreement(_ratings(s), method="cohen").value,
        tolerance=0.003,
        mistakes=(
            Mistake(
                compute=_agreed,
                explanation="That is the share of equal codes: chance alone would give some of it.",
            ),
            Mistake(
                compute=_evenly_by_chance,
                explanation="You took chance as one in so many themes. Themes differ in how common "
                "they are: chance agrees more often on common ones.",
            ),
            Mistake(
                compute=lambda s: 1 - _agreed(s),
                explanation="That is the share on which they differ.",
            ),
        ),
    ),
    Question(
        number="02.6",
        ask="What do competitors ask, as a multiple of what we ask, every product alike?",
        unit="ratio",
        hint="compare_prices(theirs, ours) with the table prices.",
        solve=lambda s: _index(s).index,
        tolerance=0.0004,
        mistakes=(
            Mistake(
                compute=lambda s: _index(s, "list").index,
                explanation="You compared with list prices. Customers see what is asked today, "
                "promotions and all (table prices).",
            ),
            Mistake(
                compute=lambda s: _index(s).naive_index,
                explanation="You divided the means: other products, other days. Compare each "
                "product with itself first.",
            ),
            Mistake(
                compute=lambda s: 1 / _index(s).index,
                explanation="That is the other way up: our price over theirs.",
            ),
        ),
    ),
    Question(
        number="02.7",
        ask="What should eco products cost, as a multiple of today's price?",
        unit="multiple of today's price",
        hint="plan_repricing with buying_share: the share of visits that really buy.",
        solve=lambda s: _repricing(s).factor,
        judge=_pay,
        mistakes=(
            Mistake(
                compute=lambda s: 1 + _stated(s),
                explanation="You charge what people say they would pay. They will not: saying so "
                "was free, and most visitors leave even at today's price.",
            ),
            Mistake(
                compute=lambda s: _repricing(s, is_calibrated=False).factor,
                explanation="You took the choices at their word. On paper nearly everybody buys "
                "something, so dear products lose nobody: give buying_share.",
            ),
            Mistake(
                compute=lambda s: 1 + _worth(s),
                explanation="That is what the label is worth to people. A price that takes it all "
                "leaves them no reason to prefer it; the best price weighs margin against sales.",
            ),
        ),
    ),
    Question(
        number="02.8",
        ask="How much of a lasting change of our prices do competitors copy?",
        unit="share",
        hint="estimate_reaction(weekly).reaction; costs are in prices.supply_cost_index.",
        solve=lambda s: _reaction(s).reaction,
        slack=0.02,
        is_hidden=True,
        mistakes=(
            Mistake(
                compute=lambda s: _reaction(s).naive,
                explanation="That is the plain slope: costs that both bear are in it.",
            ),
        ),
    ),
)
