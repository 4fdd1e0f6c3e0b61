"""The lower rungs of the oracle ladder: plans that people make of a store's own tables.

The *naive* rung takes what the tables seem to say; the *analyst* runs the trials that traps
need, and acts on what they find. Neither looks at the truth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecomlab.simulator import ways_out
from ecomlab.simulator.closed_forms import (
    contribution_share,
    equal_marginal,
    lerner_factor,
    unit_economics,
)
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.plan_space import Lever
from ecomlab.simulator.run import simulate
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.traps import plan_ways_out
from ecomlab.store.store import Store

__all__ = ["analyst_guess", "naive_guess"]

_TRIALS = {"paid_search": "search", "affiliate": "mix", "social": "social"}
_HALF_USED = 1.0  # an analyst's guess of spend over the spend of half the response


def naive_guess(store: Store, levers: tuple[Lever, ...]) -> dict[str, float]:
    """Return last-click budgets, and prices by the elasticity that the past seems to show.

    A channel gets as many times its budget as the goods margin of its last-click sales is its
    spend; prices are set by Lerner's rule on the goods' cost alone. Stock and agents stay.
    """
    economics = unit_economics(store)
    margin = 1 - np.average(economics["goods_share"], weights=economics["amount"])
    found = {
        channel: margin * float(row["amount"] / row["spend"])
        for channel, row in _last_click(store).iterrows() if row["spend"] > 0
    }  # fmt: skip
    elasticity = ways_out.price_over_time(store).value
    prices = {
        kind: lerner_factor(elasticity, share) for kind, share in economics["goods_share"].items()
    }
    return _placed(levers, found, prices)


def analyst_guess(store: Store, scenario: Scenario, levers: tuple[Lever, ...]) -> dict[str, float]:
    """Return what trials and full costs recommend: the ceiling of an analysis of the data.

    The trials of prices, search, affiliates and social run through a history of the same seed
    and length: prices by lot, channels dark by region and week, people held out. Where a
    channel has no trial (mail, creators) its budget stays.
    """
    origin = store.manifest.origin
    days = int(origin["days"])
    trials = {c: t for c, t in _TRIALS.items() if any(one == c for one in scenario.channels)}
    plan = plan_ways_out(scenario, days=days, traps=["price", *trials.values()])
    before = Plan.from_dict(origin["plan"]) if origin.get("plan") else None
    if plan is not None and before is not None:
        plan = before.model_copy(update={"experiments": (*before.experiments, *plan.experiments)})
    tried = simulate(scenario, int(origin["seed"]), plan, int(origin["people"]), days).store
    economics = unit_economics(tried)
    kept = contribution_share(economics) * float(
        (1 - economics["goods_share"]) @ economics["amount"]
    )
    brought = {channel: _share_brought(tried, channel) * kept for channel in trials}
    spend = _spend(tried)
    budgets = {
        channel: equal_marginal(money, spend[channel], load=_HALF_USED)
        for channel, money in brought.items()
    }
    elasticity = ways_out.price_by_test(tried).value
    prices = {
        kind: lerner_factor(elasticity, one["cost_share"], one["kept_share"])
        for kind, one in economics.iterrows()
    }
    return _placed(levers, budgets, prices)


def _share_brought(store: Store, channel: str) -> float:
    """Return the share of sales that a channel brought while it was on, by its trial."""
    if channel == "social":
        # who is held out loses this share of first orders; the others' orders it moves little
        first = ways_out.first_orders_by_holdout(store).value
        fresh = store.query("""
            select avg((first_seen >= (select min(date) from calendar))::int) as share
            from orders join customers using (customer_id)""")["share"][0]
        return first * float(fresh)
    lit = store.query(f"""
        select avg((spend > 0)::int) as share from (select date, region_id, sum(spend) as spend
        from ad_daily where channel = '{channel}' group by all)""")["share"][0]
    return ways_out.media_by_region(store, channel=channel).value * float(lit)


def _last_click(store: Store) -> pd.DataFrame:
    """Return sales and spend by the channel of the visit that ended in the order."""
    sold = store.query("""
        select channel, sum(amount) as amount from orders join sessions using (session_id)
        where payment_status = 'paid' group by channel""").set_index("channel")
    return sold.assign(spend=_spend(store)).fillna(0.0)


def _spend(store: Store) -> pd.Series[float]:
    rows = store.query("select channel, sum(spend) as spend from ad_daily group by channel")
    return rows.set_index("channel")["spend"]


def _placed(
    levers: tuple[Lever, ...], budgets: dict[str, float], prices: dict[str, float]
) -> dict[str, float]:
    """Return each lever's place within its bounds; a channel's serves for its campaigns."""
    place = {}
    for one in levers:
        group, _, name = one.name.partition(".")
        value = one.usual
        if group == "budgets":
            value = budgets.get(name.split(".")[0], value)
        elif group == "prices":
            value = prices.get(name, value)
        place[one.name] = float(np.clip(value, one.low, one.high))
    return place
