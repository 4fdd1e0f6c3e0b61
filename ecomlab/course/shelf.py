"""The shelf of a store as frames: goods, and what was sold of them week by week.

What chapter 03 and its exercises start from; whatever the store lacks is left empty.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecomlab.store import Store

__all__ = ["lay_out_line", "list_goods", "sum_product_weeks"]

_COUNTED = "coalesce(payment_status, 'paid') not in ('failed', 'cancelled')"


def list_goods(store: Store) -> pd.DataFrame:
    """Return the products: name, category, launch, price, cost; empty where not known.

    Parameters
    ----------
    store
        The store.

    Returns
    -------
    DataFrame
        ``sku, name, category_id, launch_date, list_price, unit_cost``, a row a product. The cost
        is the product's own, or the mean of its lines.
    """
    goods = store.table("products")
    empty = {"name": "", "category_id": None, "launch_date": pd.NaT, "list_price": float("nan"),
             "unit_cost": float("nan")}  # fmt: skip
    goods = goods.assign(**{name: value for name, value in empty.items() if name not in goods})
    if goods["unit_cost"].isna().all() and "unit_cost" in store.columns("order_lines"):
        paid = store.query("select sku, avg(unit_cost) as cost from order_lines group by sku")
        goods["unit_cost"] = goods["sku"].map(paid.set_index("sku")["cost"])
    goods["launch_date"] = pd.to_datetime(goods["launch_date"])
    return goods[["sku", *empty]].sort_values("sku", ignore_index=True)


def sum_product_weeks(store: Store, *, until: str | None = None) -> pd.DataFrame:
    """Return sales by product and week, in whole weeks counted back from the last day.

    Parameters
    ----------
    store
        The store.
    until
        Last day to look at, as ``"2025-06-30"``; the store's last unless given.

    Returns
    -------
    DataFrame
        ``week_start, sku, units, value`` [currency] and ``price`` paid for a unit. Where the
        store has asked prices there is a row for every week on sale, ``price`` is the mean price
        asked, and ``promoted_share`` of the days, ``cost_index`` of supply, ``rival_price`` and
        ``available_share`` (time in stock) are given as far as they are known.
    """
    first = pd.Timestamp(store.manifest.first_day)
    last = pd.Timestamp(until or store.manifest.last_day)
    weeks = ((last - first).days + 1) // 7
    start = last - pd.Timedelta(days=7 * weeks - 1)
    zero = f"date '{start:%Y-%m-%d}'"
    week = f"{zero} + cast(7 * (date_diff('day', {zero}, date) // 7) as integer)"
    within = f"date between date '{start:%Y-%m-%d}' and date '{last:%Y-%m-%d}'"
    status = _COUNTED if "payment_status" in store.columns("orders") else "true"
    sold = store.query(f"""
        select cast({week} as date) as week_start, sku,
               sum(units) as units, sum(l.amount) as value
        from order_lines l join orders using (order_id)
        where {within} and {status} group by all""")
    if "prices" not in store.tables:
        sold = sold.assign(price=sold["value"] / sold["units"])
        return _tidy(sold.query("price > 0"))
    asked = store.query(f"""
        select cast({week} as date) as week_start, sku, avg(price) as price,
               avg(cast(is_promoted as double)) as promoted_share,
               avg(supply_cost_index) as cost_index
        from prices where {within} group by all having count(*) = 7""")
    both = asked.merge(sold, on=["week_start", "sku"], how="left")
    both[["units", "value"]] = both[["units", "value"]].fillna(0.0)
    if "competitor_prices" in store.tables:
        seen = store.query(f"""
            select cast({week} as date) as week_start, sku, avg(price) as rival_price
            from competitor_prices where {within} group by all""")
        both = both.merge(seen, on=["week_start", "sku"], how="left")
    if "inventory_daily" in store.tables:
        there = store.query(f"""
            select cast({week} as date) as week_start, sku,
                   1 - avg(coalesce(out_of_stock_minutes, 0)) / 1440 as available_share
            from inventory_daily where {within} group by all""")
        both = both.merge(there, on=["week_start", "sku"], how="left")
        both["available_share"] = both["available_share"].fillna(1.0)
    return _tidy(both)


def lay_out_line(
    store: Store, *, weeks: int = 26, cover_weeks: float = 8.0, least_order: float = 24.0
) -> pd.DataFrame:
    """Return the line: what each product sold, earns and binds.

    Parameters
    ----------
    store
        The store.
    weeks
        How far to look back for units sold [weeks].
    cover_weeks
        Weeks of sales that are kept in stock [weeks].
    least_order
        Smallest number of units a supplier sells [units].

    Returns
    -------
    DataFrame
        ``sku, group, units, price`` (list price, or the last one), ``unit_cost, margin`` of a unit,
        ``cash`` bound and ``rival_price``; without products whose cost is not known.
    """
    goods, weekly = list_goods(store), sum_product_weeks(store)
    recent = weekly[weekly["week_start"] > weekly["week_start"].max() - pd.Timedelta(weeks=weeks)]
    rival = "rival_price" if "rival_price" in recent else "price"
    sold = recent.groupby("sku").agg(
        units=("units", "sum"), last_price=("price", "last"), rival_price=(rival, "last")
    )
    line = goods.merge(sold, on="sku").dropna(subset=["unit_cost", "last_price"])
    line = line[line["unit_cost"] > 0].reset_index(drop=True)
    stock = np.maximum(line["units"] / weeks * cover_weeks, least_order)
    line = line.assign(
        group=line["category_id"].astype(object).fillna("all"),
        price=line["list_price"].fillna(line["last_price"]),
        margin=lambda table: table["price"] - table["unit_cost"],
        cash=line["unit_cost"] * stock,
    )
    if rival == "price":
        line["rival_price"] = np.nan
    names = ["sku", "group", "units", "price", "unit_cost", "margin", "cash", "rival_price"]
    return line[names]


def _tidy(weeks: pd.DataFrame) -> pd.DataFrame:
    numbers = [c for c in weeks if c not in ("week_start", "sku")]
    weeks = weeks.assign(week_start=pd.to_datetime(weeks["week_start"]))
    weeks[numbers] = weeks[numbers].astype(float)
    return weeks.sort_values(["week_start", "sku"], ignore_index=True)
