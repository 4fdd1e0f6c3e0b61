"""Empty shelves: what sales say of demand where stock ran out, naively and consistently.

Both estimates look at the store only; the truth reads the sealed side as well.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecomlab.simulator.counts import Estimate, fit_slope, number_groups
from ecomlab.simulator.noise import Array
from ecomlab.simulator.run import SimulatedRun
from ecomlab.store.store import Store

__all__ = ["short_by_days", "short_by_demand", "true_shortage"]

_ROUNDS = 60
_WHOLE = 0.999  # share of a day with stock from which on it counts as whole
_STRENGTH = 3.0  # units of prior, at the product's own mean, that four weeks of a product are given


def _stock_days(store: Store) -> pd.DataFrame:
    """Products on sale by day: units ordered, and the share of the day with stock."""
    return store.query("""
        with ordered as (
            select o.date, l.sku, sum(l.units) as units
            from order_lines l join orders o using (order_id) group by all)
        select i.date, i.sku, p.category_id, coalesce(s.units, 0) as units,
               1 - i.out_of_stock_minutes / 1440.0 as in_stock, ln(r.price) as log_price
        from inventory_daily i join products p using (sku) join prices r using (date, sku)
        left join ordered s using (date, sku)
        order by 1, 2""")


def short_by_days(store: Store) -> Estimate:
    """Take the share of product-days without stock for the share of demand unmet."""
    days = _stock_days(store)
    out = 1 - days["in_stock"].to_numpy(dtype=float)
    return _ratio(out, np.ones(len(out)), number_groups(days["sku"]))


def short_by_demand(store: Store) -> Estimate:
    """Weigh time without stock by what would have been wanted in it.

    Demand has a level for each product and four weeks, and one for each category and week, and
    falls with the price, all fitted to time with stock: units over exposure, so that a day cut
    short counts as far as it went. Promoted products sell out sooner, so that price matters.
    """
    days = _stock_days(store)
    units = days["units"].to_numpy(dtype=float)
    held = days["in_stock"].to_numpy(dtype=float)
    since = (pd.to_datetime(days["date"]) - pd.to_datetime(days["date"]).min()).dt.days
    product = number_groups(days["sku"])
    week = number_groups(days["category_id"], since // 7)
    month = number_groups(days["sku"], since // 28)
    price, whole = days["log_price"].to_numpy(dtype=float), held > _WHOLE
    slope = fit_slope(units[whole], price[whole], (month[whole], week[whole]), product[whole])
    pull = np.exp(slope.value * (price - price.mean()))
    wanted = pull * _rates(units, held * pull, product, month, week)
    return _ratio(wanted * (1 - held), wanted, product)


def _rates(units: Array, held: Array, product: Array, month: Array, week: Array) -> Array:
    """Fit units over exposure as (four weeks of a product) x (week of a category)."""
    level, season = np.ones(len(units)), np.ones(len(units))
    sold, sold_in_week = _sum(units, product), _sum(units, week)
    for _ in range(_ROUNDS):
        time = held * season
        own = (sold / np.maximum(_sum(time, product), 1e-9))[product]
        here = _sum(units, month)[month] + _STRENGTH
        level = here / np.maximum(_sum(time, month)[month] + _STRENGTH / (own + 1e-9), 1e-9)
        season = ((sold_in_week + 1) / (_sum(held * level, week) + 1))[week]
    return np.asarray(level * season)


def _sum(values: Array, group: Array) -> Array:
    return np.bincount(group, weights=values)


def _ratio(top: Array, bottom: Array, cluster: Array) -> Estimate:
    """Return the ratio of two sums, with an error in which the rows of a cluster go together."""
    share = float(top.sum() / bottom.sum())
    rest = _sum(top - share * bottom, cluster)
    return Estimate(share, float(np.sqrt((rest**2).sum()) / bottom.sum()))


def true_shortage(run: SimulatedRun) -> float:
    """Return the share of units wanted, of products out of stock at some time of their day."""
    told = run.truth["truth_demand"]
    stock = run.store.table("inventory_daily")[["date", "sku", "out_of_stock_minutes"]]
    both = told.assign(date=pd.to_datetime(told["date"])).merge(
        stock.assign(date=pd.to_datetime(stock["date"])), on=["date", "sku"]
    )
    gone = (both["lost_units"] + both["substituted_out_units"])[both["out_of_stock_minutes"] > 0]
    return float(gone.sum() / both["demand_units"].sum())
