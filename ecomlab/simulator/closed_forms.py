"""Best decisions in closed form, one lever at a time: where a search for the oracle starts.

Textbook rules with the world's true parameters in them; each leaves something out, which the
search then finds. ``first_guess`` puts them together for a quarter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from ecomlab.simulator.parameters import Route
from ecomlab.simulator.plan_space import Lever
from ecomlab.simulator.run import SimulatedRun
from ecomlab.simulator.scenario import Scenario
from ecomlab.store.store import Store

__all__ = [
    "critical_fractile", "equal_marginal", "first_guess", "lerner_factor", "square_root_staff",
    "unit_economics",
]  # fmt: skip

_QUARTER = 91  # days
_SLOWEST = 1.05  # elasticity at which a price has no best place


def equal_marginal(contribution: float, spend: float, *, load: float) -> float:
    """Return the multiple of a budget at which the last unit of money brings one back.

    The response to ``b`` times the spend is ``b load / (b load + 1)``, Hill's with slope 1.

    Parameters
    ----------
    contribution, spend
        What the budget brings, all costs but its own paid, and what it costs [currency].
    load
        Spend over the spend of half the response.

    Examples
    --------
    >>> equal_marginal(200.0, 100.0, load=1.0)  # marginal return is half the mean one
    1.0
    >>> equal_marginal(100.0, 100.0, load=1.0) < 1
    True
    """
    if spend <= 0:
        return 1.0
    whole = max(contribution, 0.0) * (load + 1) / load
    return max(math.sqrt(whole * load / spend) - 1, 0.0) / load


def lerner_factor(elasticity: float, cost_share: float, kept_share: float = 1.0) -> float:
    """Return the multiple of a price by Lerner's rule, ``(p - c) / p = 1 / |elasticity|``.

    Parameters
    ----------
    elasticity
        Own-price elasticity of units; infinite is returned at -1.05 or weaker.
    cost_share
        Costs of a unit over today's price.
    kept_share
        Share of a price that is kept after refunds and fees.

    Examples
    --------
    >>> lerner_factor(-2.0, 0.5)
    1.0
    """
    size = -elasticity
    return cost_share / kept_share * size / (size - 1) if size > _SLOWEST else math.inf


def square_root_staff(load: float, grade: float = 1.0) -> float:
    """Return the agents that an offered load needs: ``load + grade sqrt(load)`` [agents].

    Examples
    --------
    >>> square_root_staff(16.0)
    20.0
    """
    return load + grade * math.sqrt(load)


def critical_fractile(under: float, over: float) -> float:
    """Return the share of demand a newsvendor covers: ``under / (under + over)``.

    Parameters
    ----------
    under, over
        Cost of a unit that is missing, and of one that is left [currency].

    Examples
    --------
    >>> critical_fractile(3.0, 1.0)
    0.75
    """
    return under / (under + over)


def unit_economics(store: Store) -> pd.DataFrame:
    """Return what a unit of sales keeps and costs, one row a category.

    Returns
    -------
    DataFrame
        Index ``category_id``: ``amount``; ``kept_share`` of it after refunds and payment fees;
        ``cost_share``: goods that do not come back to the shelf, parcels and handling, over it;
        ``goods_share``: goods alone, as price lists know them.
    """
    rows = store.query("""
        with sold as (
            select p.category_id, sum(l.amount) as amount, sum(l.units * l.unit_cost) as goods
            from order_lines l join orders o using (order_id) join products p using (sku)
            where o.payment_status = 'paid' group by all),
        back as (
            select category_id, sum(refund_amount) as refund, sum(resale_value) as resale
            from returns join products using (sku) group by all)
        select category_id, amount, goods, coalesce(refund, 0) as refund,
               coalesce(resale, 0) as resale
        from sold left join back using (category_id) order by 1""").set_index("category_id")
    costs = store.table("costs_daily").sum(numeric_only=True)
    fees = store.query("""select coalesce(sum(shipping_fee), 0) as v from orders
                          where payment_status = 'paid'""")["v"][0]
    total = rows["amount"].sum()
    each = (costs["fulfilment"] + costs["returns_handling"] - fees) / total
    return pd.DataFrame({
        "amount": rows["amount"],
        "kept_share": 1 - rows["refund"] / rows["amount"] - costs["payment"] / total,
        "cost_share": (rows["goods"] - rows["resale"]) / rows["amount"] + each,
        "goods_share": rows["goods"] / rows["amount"],
    })  # fmt: skip


def contribution_share(economics: pd.DataFrame) -> float:
    """Return what is kept of the goods margin when refunds, parcels and fees are paid."""
    weight = economics["amount"]
    kept = (economics["kept_share"] - economics["cost_share"]) @ weight
    return float(kept / ((1 - economics["goods_share"]) @ weight))


def first_guess(
    run: SimulatedRun, scenario: Scenario, levers: tuple[Lever, ...]
) -> dict[str, float]:
    """Return the place of each lever by its closed form; at its usual place where it has none.

    Reads the truth: it is the oracle's.
    """
    economics = unit_economics(run.store)
    found = {
        **_budgets(run, scenario, contribution_share(economics)),
        **_prices(run, economics),
        **_agents(run, scenario),
        **_stock(run, scenario, economics),
        "carriers": 1.05,
    }
    return {
        one.name: float(np.clip(found.get(one.name, one.usual), one.low, one.high))
        for one in levers
    }


def _last_quarter(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["date"] > table["date"].max() - pd.Timedelta(days=_QUARTER)]


def _budgets(run: SimulatedRun, scenario: Scenario, share: float) -> dict[str, float]:
    """Equal marginal return, by the routes' true response and what they truly bring."""
    told = _last_quarter(run.truth["truth_route_day"])
    total = told.groupby("route")[["incremental_margin", "spend"]].sum()
    days, thousands = told["date"].nunique(), sum_people(run) / 1000
    laws: dict[str, Route] = {str(name): law for name, law in scenario.routes.items()}
    found = {}
    for name, routes in scenario.levers.items():
        route, law = routes[0], laws[routes[0]]
        brought, spend = share * total.loc[route, "incremental_margin"], total.loc[route, "spend"]
        if len(routes) > 1 or route == "email":  # mails cost next to nothing: no closed form
            continue
        if route == "creators" and scenario.creators is not None:
            power = scenario.creators.elasticity
            best = (power * max(brought, 0.0) / spend) ** (1 / (1 - power)) if spend else 1.0
        elif law.half_saturation:
            best = equal_marginal(
                brought, spend, load=spend / days / thousands / law.half_saturation
            )
        else:
            continue
        found[f"budgets.{name}"] = float(best)
    return found


def sum_people(run: SimulatedRun) -> float:
    """Return how many people live where the shop sells."""
    told = run.truth["truth_region"]
    return float(told.loc[~told["is_new"] | told["entered"].notna(), "people"].sum())


def _prices(run: SimulatedRun, economics: pd.DataFrame) -> dict[str, float]:
    """Lerner's rule by category, at the true elasticities of the last quarter."""
    told = run.truth["truth_elasticity"]
    told = told[told["from"] >= told["from"].max() - pd.Timedelta(days=_QUARTER)]
    kinds = run.store.table("products").set_index("sku")["category_id"]
    found = {}
    for kind, rows in told.groupby(told["sku"].map(kinds)):
        mean = float(np.average(rows["own_price_elasticity"], weights=rows["expected_units"]))
        if kind in economics.index:
            one = economics.loc[kind]
            found[f"prices.{kind}"] = lerner_factor(mean, one["cost_share"], one["kept_share"])
    return found


def _agents(run: SimulatedRun, scenario: Scenario) -> dict[str, float]:
    """Square-root staffing of each team at the load of the last quarter."""
    if scenario.service is None:
        return {}
    told = _last_quarter(run.truth["truth_service"]).merge(
        run.store.table("tickets")[["ticket_id", "channel"]], on="ticket_id"
    )
    roster = _last_quarter(run.store.table("roster"))
    found: dict[str, float] = {}
    for name, channel in scenario.service.channels.items():
        hours = _QUARTER * (channel.closes - channel.opens)
        load = told.loc[told["channel"] == name, "handling_minutes"].sum() / 60 / hours
        planned = roster.loc[roster["team"] == name, "planned_agents"]
        usual = float(planned[planned > 0].mean()) if (planned > 0).any() else 1.0
        found[f"service.{name}"] = square_root_staff(load / channel.at_a_time) / usual
    return found


def _stock(run: SimulatedRun, scenario: Scenario, economics: pd.DataFrame) -> dict[str, float]:
    """Newsvendor's fractile of demand over a lead time, as a multiple of the usual point."""
    law = scenario.stock
    if law is None:
        return {}
    demand = _last_quarter(run.truth["truth_demand"]).groupby("sku")["demand_units"].sum()
    goods = run.store.table("products").set_index("sku")
    lead = run.truth["truth_supplier"].set_index("supplier_id")
    rate = demand / _QUARTER
    days = goods["supplier_id"].map(lead["lead_days"]).reindex(rate.index) + law.review_days
    cv = goods["supplier_id"].map(lead["lead_cv"]).reindex(rate.index)
    quoted = goods["supplier_id"].map(lead["quoted_days"]).reindex(rate.index)
    margin = economics["kept_share"] - economics["cost_share"]
    gain = float(np.average(margin, weights=economics["amount"]))
    keep = law.holding_share_per_year * law.cover_days / 365
    cover = critical_fractile(max(gain, 0.01), keep * float(economics["goods_share"].mean()))
    spread = np.sqrt(rate * days + (rate * cv * days) ** 2)
    point = rate * days + stats.norm.ppf(cover) * spread
    ahead = rate * (quoted + law.review_days + law.spare_days)
    return {"reorder.all": float(point.sum() / (ahead + law.safety * np.sqrt(ahead)).sum())}


def told_levers(point: Mapping[str, float]) -> str:
    """Return numbers of a plan as text, one lever after another."""
    return ", ".join(f"{name} {value:.3g}" for name, value in point.items())
