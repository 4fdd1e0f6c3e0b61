"""How good is an answer? Its error, whether its interval covers, and what acting on it costs.

An answer, the name of what it estimates and a run in; a :class:`Score` out. The headline is the
decision loss: the profit lost by acting on the estimate rather than on the truth, by the small
rule that belongs to each family of estimands. The rules and their equations are told with the
functions below and in ``docs/truth.md``.
"""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ecomlab.simulator.plan import Plan
from ecomlab.simulator.run import SimulatedRun
from ecomlab.simulator.scenario import Scenario, load_scenario, nearest
from ecomlab.simulator.twins import Change, compare_days
from ecomlab.store.sealing import Truth, open_truth
from ecomlab.store.store import Store, open_store

__all__ = ["Score", "score"]

_LOWEST, _HIGHEST = 0.6, 1.6  # of today's price, where the price rule may go
_YEAR = 365  # days that the use of a feature counts
_MOST_PEOPLE = 20_000  # in a feature's twins: a relative effect needs no more
_QUARTER = 91  # days of a row of truth_elasticity


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Score:
    """What an answer is worth.

    Parameters
    ----------
    estimand, unit
        What was asked, and in which unit.
    estimate, truth
        The answer and the expected truth.
    error, relative_error
        Estimate less truth, and the same over the truth's size (None where that is 0).
    covered
        Whether the answer's interval holds the truth; None where it has no interval.
    decision, best_decision
        What the estimate, and the truth, would have one do.
    decision_loss
        Profit lost by the one over the other [currency]; None where the estimand alone decides
        nothing (``caveats`` says why).
    decision_loss_share
        The same over what is at stake, by family: the profit at the best price, the money spent
        on the channel, a year's cost of the feature, the budget.
    """

    headline: ClassVar[dict[str, str]] = {
        "decision_loss": "currency", "decision_loss_share": "share", "estimate": "unit",
        "truth": "unit", "error": "unit", "relative_error": "share", "covered": "",
    }  # fmt: skip

    estimand: str
    unit: str
    currency: str
    estimate: float
    truth: float
    error: float
    relative_error: float | None
    covered: bool | None
    decision: str | None
    best_decision: str | None
    decision_loss: float | None
    decision_loss_share: float | None
    caveats: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """Return one row per headline quantity: quantity, value, unit."""
        rows = [(name, _shown(getattr(self, name)), self._unit_of(name)) for name in self.headline]
        return pd.DataFrame(rows, columns=["quantity", "value", "unit"], dtype=object)

    def _unit_of(self, name: str) -> str:
        unit = self.headline[name]
        return {"currency": self.currency, "unit": self.unit}.get(unit, unit)

    def __repr__(self) -> str:
        parts = [f"{name}={_shown(getattr(self, name))} {self._unit_of(name)}".rstrip()
                 for name in self.headline if getattr(self, name) is not None]  # fmt: skip
        return f"Score({self.estimand}: {', '.join(parts)})"


def _shown(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


@dataclass(frozen=True)
class _Case:
    """The truth of an estimand, and what follows from believing a value of it.

    ``act`` turns a value into an action and the profit that this action truly brings.
    """

    truth: float
    unit: str
    act: Callable[[float], tuple[str, float]] | None = None
    at_stake: float = 0.0
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Facts:
    """A run, and the days that count."""

    store: Store
    truth: Truth
    first: pd.Timestamp
    last: pd.Timestamp

    @property
    def days(self) -> int:
        return int((self.last - self.first).days) + 1

    def dated(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["date"].between(self.first, self.last)]

    def overlap(self, starts: pd.Series, ends: pd.Series) -> pd.Series:
        """Return how many days of each span, ends included, lie in the window."""
        low, high = starts.clip(lower=self.first), ends.clip(upper=self.last)
        return ((high - low).dt.days + 1).clip(lower=0)

    @functools.cached_property
    def parameters(self) -> dict[str, str]:
        told = self.truth["truth_params"]
        return dict(zip(told["parameter"], told["value"], strict=True))


def score(
    answer: object,
    estimand: str,
    window: tuple[date | str, date | str] | None = None,
    *,
    of: SimulatedRun | str | os.PathLike[str],
) -> Score:
    """Score an answer against the truth: error, coverage, and the loss from acting on it.

    Parameters
    ----------
    answer
        A number, or a mapping or result with ``value`` and, for coverage, ``low`` and ``high``.
    estimand
        What it estimates: a family, mostly with a name after a colon, such as
        ``elasticity:AP-001``, ``roas:paid_search.brand`` or ``eco_premium``.
    window
        First and last day that count; the whole period if left out.
    of
        The run, or the folder of a store with its truth beside it.

    Raises
    ------
    ValueError
        Where the estimand is unknown (the nearest is named), where the answer is not a finite
        number with an interval around nothing else, or where the window is outside the period.

    Examples
    --------
    >>> from ecomlab.simulator.run import simulate
    >>> run = simulate("tiny", people=400, days=60)
    >>> score({"value": 1.2, "low": 0.5, "high": 90}, "orders:social", of=run).covered
    True
    """
    facts = _facts(of, window)
    value, low, high = _parse(answer)
    case = _case(estimand, facts)
    decision = best = None
    loss = share = None
    if case.act is not None:
        (decision, got), (best, most) = case.act(value), case.act(case.truth)
        # equal actions lose nothing, whatever rounding says
        loss = 0.0 if decision == best else max(most - got, 0.0)
        share = loss / case.at_stake if case.at_stake > 0 else None
    error = value - case.truth
    return Score(
        estimand=estimand,
        unit=case.unit,
        currency=facts.store.manifest.currency,
        estimate=value,
        truth=case.truth,
        error=error,
        relative_error=error / abs(case.truth) if case.truth else None,
        covered=None if low is None or high is None else low <= case.truth <= high,
        decision=decision,
        best_decision=best,
        decision_loss=loss,
        decision_loss_share=share,
        caveats=case.caveats,
    )


def _facts(
    of: SimulatedRun | str | os.PathLike[str], window: tuple[date | str, date | str] | None
) -> _Facts:
    store, truth = (of.store, of.truth) if isinstance(of, SimulatedRun) else (
        open_store(of), open_truth(of))  # fmt: skip
    begin, end = (pd.Timestamp(day) for day in (store.manifest.first_day, store.manifest.last_day))
    first, last = (begin, end) if window is None else (pd.Timestamp(day) for day in window)
    if not begin <= first <= last <= end:
        raise ValueError(
            f"window: {first.date()} to {last.date()} is not a span of days within "
            f"{begin.date()} to {end.date()}. Give its first and last day."
        )
    return _Facts(store, truth, first, last)


def _parse(answer: object) -> tuple[float, float | None, float | None]:
    """Return an answer's value and, where it has one, its interval."""
    if isinstance(answer, Mapping):
        parts = [answer.get(name) for name in ("value", "low", "high")]
    elif isinstance(answer, (int, float, np.number)):
        parts = [answer, None, None]
    else:
        own = next(iter(getattr(answer, "headline", {})), "value")
        name = "value" if hasattr(answer, "value") else own
        parts = [getattr(answer, name, None) for name in (name, "low", "high")]
    value, low, high = (None if part is None else _number(part) for part in parts)
    if value is None:
        raise ValueError(
            f"the answer {str(answer)[:60]!r} has no value. Give a number, or value, low and high."
        )
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise ValueError(f"the answer's interval {low} to {high} needs a low and a higher high.")
    return value, low, high


def _number(value: object) -> float:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(float(value)):  # type: ignore[arg-type]
        raise ValueError(f"the answer holds {value!r}, which is not a finite number.")
    return float(value)  # type: ignore[arg-type]


def _case(estimand: str, facts: _Facts) -> _Case:
    """Find the family of an estimand, and its truth."""
    family, _, what = str(estimand).partition(":")
    if family not in _FAMILIES:
        raise ValueError(
            f"There is no estimand {str(estimand)[:60]!r}.{nearest(family, tuple(_FAMILIES))} "
            f"Families: {', '.join(n + hint for n, (_, hint) in _FAMILIES.items())}."
        )
    return _FAMILIES[family][0](facts, family, what)


def _known(family: str, what: str, known: tuple[str, ...]) -> None:
    if what not in known:
        full = tuple(f"{family}:{name}" for name in known)
        raise ValueError(
            f"There is no estimand {f'{family}:{what}'[:60]!r}.{nearest(f'{family}:{what}', full)} "
            f"Known for {family}: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}."
        )


def _elasticity(facts: _Facts, family: str, what: str) -> _Case:
    """Average own-price elasticities over products, weighted by their expected units.

    The rule sets the price of each product to ``p* = c e / (1 + e)`` (Lerner), between 0.6 and
    1.6 times today's; at an elasticity of -1 or weaker, to the upper end. The profit is
    ``units (p* / p)^e_true (p* - c)``: demand of constant elasticity around today's price.
    """
    goods = facts.store.table("products").set_index("sku")
    kinds = tuple(goods["category_id"].unique())
    _known(family, what, ("all", *kinds, *goods.index))
    told = facts.truth["truth_elasticity"]
    days = facts.overlap(told["from"], told["from"] + pd.Timedelta(days=_QUARTER - 1))
    told = told.assign(units=told["expected_units"] * days / _QUARTER)
    mine = goods.index if what == "all" else (
        goods.index[goods["category_id"] == what] if what in kinds else [what])  # fmt: skip
    told = told[told["sku"].isin(mine) & (told["units"] > 0)]
    if told.empty:
        raise ValueError(f"{family}:{what} has no true value in the window: nothing was on sale.")
    truth = float(np.average(told["own_price_elasticity"], weights=told["units"]))
    units = told.groupby("sku")["units"].sum()
    price = facts.dated(facts.store.table("prices")).groupby("sku")["price"].mean()
    price, cost = price.reindex(units.index), goods["unit_cost"].reindex(units.index)

    def act(elasticity: float) -> tuple[str, float]:
        wanted = cost * elasticity / (1 + elasticity) if elasticity < -1 else price * _HIGHEST
        asked = wanted.clip(price * _LOWEST, price * _HIGHEST)
        profit = units * (asked / price) ** truth * (asked - cost)
        factor = float(np.average(asked / price, weights=units))
        return f"prices x{factor:.4g}", float(profit.sum())

    return _Case(truth, "", act, act(truth)[1])


def _channel(facts: _Facts, family: str, what: str) -> _Case:
    """Count what a channel brings on the day: orders, amount, margin, or amount over spend.

    The rule keeps a channel whose estimated margin exceeds its spend, and cuts it otherwise;
    an estimate is turned into margin at the channel's own true rate (the shop's where it
    brings nothing). Kept, it truly earns margin less spend; cut, nothing.
    """
    told = facts.dated(facts.truth["truth_route_day"])
    campaign = told["route"].map(lambda route: facts.parameters[f"routes.{route}.campaign"])
    levers = told["channel"] + "." + campaign
    known = pd.concat([told["channel"], levers[campaign != ""], told["route"]]).unique()
    _known(family, what, tuple(known))
    mine = told[(told["channel"] == what) | (told["route"] == what) | (levers == what)]
    total = mine[[c for c in mine if c.startswith("incremental_")] + ["spend"]].sum()
    spend, margin = float(total["spend"]), float(total["incremental_margin"])
    of = "amount" if family == "roas" else family
    truth, base = float(total[f"incremental_{of}"]), facts.dated(facts.truth["truth_day"])
    rate = margin / truth if truth else base["expected_margin"].sum() / base[f"expected_{of}"].sum()
    currency = facts.store.manifest.currency
    if family == "roas":
        if not spend:
            raise ValueError(f"roas:{what} has no true value: nothing was spent. Ask for orders.")
        truth, rate = truth / spend, rate * spend
    unit = {"orders": "orders", "roas": f"{currency}/{currency}"}.get(family, currency)
    if not spend:
        return _Case(truth, unit, caveats=("Nothing is spent on it, so there is nothing to cut.",))

    def act(estimate: float) -> tuple[str, float]:
        return ("keep", margin - spend) if estimate * rate > spend else ("cut", 0.0)

    note = "Repeat orders and awareness are left out: see measure_contribution for the long run."
    return _Case(truth, unit, act, spend, (note,))


def _feature(facts: _Facts, family: str, what: str) -> _Case:
    """Measure how many more orders a feature makes, as a share of orders, by same-day twins.

    The rule builds it where a year's margin gained, ``effect x margin per day x 365``, exceeds
    a year's cost; built, it truly earns the gain at the true effect less the cost.
    """
    _known(family, what, tuple(facts.truth["truth_feature"]["feature"]))
    origin = facts.store.manifest.origin
    start = pd.Timestamp(facts.store.manifest.first_day)
    span = ((facts.first - start).days, (facts.last - start).days + 1)
    asked = {name: origin.get(name) for name in
             ("scenario", "parameters", "seed", "plan", "people")}  # fmt: skip
    truth = _lift(json.dumps(asked), what, span)
    margin = float(facts.dated(facts.truth["truth_day"])["expected_margin"].sum()) / facts.days
    a_day = float(facts.parameters[f"features.{what}.cost_per_day"]) * int(origin["people"]) / 1000

    def act(effect: float) -> tuple[str, float]:
        gain = truth * margin * _YEAR - a_day * _YEAR
        return ("build", gain) if effect * margin > a_day else ("leave", 0.0)

    return _Case(truth, "share of orders", act, a_day * _YEAR)


@functools.lru_cache(maxsize=64)
def _lift(origin: str, feature: str, span: tuple[int, int]) -> float:
    """Measure the relative effect of a feature on expected orders in a span of days."""
    asked: dict[str, Any] = json.loads(origin)
    own, plan = asked["parameters"], asked["plan"]
    law = Scenario.model_validate_json(own) if own else load_scenario(asked["scenario"])
    plan = _without(Plan.from_dict(plan), feature) if plan else None
    # Where the seed is sealed another world of the same laws tells the same effect.
    twins = compare_days(
        law, 7 if asked["seed"] is None else int(asked["seed"]), plan=plan, days=span[1],
        people=min(int(asked["people"]), _MOST_PEOPLE), changes={"it": Change(feature=feature)},
    ).iloc[span[0] :]  # fmt: skip
    return float(twins["expected_orders"].sum() / twins["base_orders"].sum())


def _without(plan: Plan, feature: str) -> Plan:
    """Return a plan that neither builds nor tries a feature."""
    return plan.model_copy(
        update={
            "features": tuple(name for name in plan.features if name != feature),
            "experiments": tuple(test for test in plan.experiments if test.what != feature),
            "before": None if plan.before is None else _without(plan.before, feature),
        }
    )


def _market(facts: _Facts, family: str, what: str) -> _Case:
    """Count the market's orders, or our share of them, in the days of the window.

    The rule for the size makes a budget proportional to it, with a return that grows with the
    square root: the loss is ``B (sqrt(estimate / truth) - 1)^2``, where ``B`` is what was spent
    on media in the window, in a category by its share of our orders. A share decides nothing.
    """
    told = facts.truth["truth_market"]
    kinds = tuple(told["category_id"].unique())
    _known(family, what, ("all", *kinds))
    months = pd.PeriodIndex(told["quarter"].str.replace("-", ""), freq="Q")
    begin = pd.Timestamp(facts.store.manifest.first_day)
    starts = pd.Series(months.start_time, index=told.index).clip(lower=begin)
    days = facts.overlap(starts, starts + pd.to_timedelta(told["days"] - 1, unit="D"))
    counted = told.assign(orders=told["orders"] * days / told["days"])
    mine = counted if what == "all" else counted[counted["category_id"] == what]
    size, ours = (float(mine.loc[mine["seller"] == who, "orders"].sum())
                  for who in ("market", "ours"))  # fmt: skip
    if family == "market_share":
        note = "A share decides nothing by itself: score market_size, or what would change it."
        return _Case(ours / size, "share of orders", caveats=(note,))
    spend = float(facts.dated(facts.truth["truth_route_day"])["spend"].sum())
    all_ours = float(counted.loc[counted["seller"] == "ours", "orders"].sum())
    budget = spend * (ours / all_ours if all_ours else 0.0)

    def act(estimate: float) -> tuple[str, float]:
        ratio = max(estimate, 0.0) / size
        return f"budget x{ratio:.4g}", budget * (2 * math.sqrt(ratio) - ratio)

    return _Case(size, "orders", act, budget)


def _worth(facts: _Facts, family: str, what: str) -> _Case:
    """Tell what people would pay: the mean eco premium, or a category's median price.

    No rule: at an elasticity that does not change with the price, a premium tells how much
    sells, and not what to ask.
    """
    told = facts.truth["truth_wtp"]
    if family == "eco_premium":
        _known(family, what, ("",))
        mine = told[(told["quantity"] == "eco_premium_share") & (told["quantile"] < 0)]
        unit = "share of price"
    else:
        worth = told[(told["quantity"] == "price_when_buying") & (told["quantile"] == 0.5)]
        _known(family, what, tuple(worth["category_id"]))
        mine, unit = worth[worth["category_id"] == what], facts.store.manifest.currency
    note = "It tells how much would sell, not what to ask: no decision follows from it alone."
    return _Case(float(mine["value"].iloc[0]), unit, caveats=(note, _UNDATED))


def _satisfaction(facts: _Facts, family: str, what: str) -> _Case:
    """Average the stars that paid lines would have got, had every buyer written."""
    _known(family, what, ("",))
    told = facts.dated(facts.truth["truth_reviews"])
    if not told["lines"].sum():
        raise ValueError(f"{family} has no true value in the window: nothing was bought.")
    note = "A mean decides nothing by itself: score the effect of what would raise it."
    truth = float(np.average(told["stars"], weights=told["lines"]))
    return _Case(truth, "stars", caveats=(note,))


_UNDATED = "The truth is not dated: the window does not move it."
_Family = tuple[Callable[[_Facts, str, str], _Case], str]  # the truth, a hint at its names
_FAMILIES: dict[str, _Family] = {
    "elasticity": (_elasticity, ":SKU|CATEGORY|all"),
    "orders": (_channel, ":CHANNEL"),
    "amount": (_channel, ":CHANNEL"),
    "margin": (_channel, ":CHANNEL"),
    "roas": (_channel, ":CHANNEL"),
    "feature": (_feature, ":FEATURE"),
    "market_size": (_market, ":CATEGORY|all"),
    "market_share": (_market, ":CATEGORY|all"),
    "eco_premium": (_worth, ""),
    "willingness": (_worth, ":CATEGORY"),
    "mean_satisfaction": (_satisfaction, ""),
}
