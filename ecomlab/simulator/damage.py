"""What incidents cost: the same world with and without one, under the same luck.

A run in; for an incident the loss of each day and line of the books, what moved first, and
when. Both twins go on from one checkpoint on the eve of the incident, so that all before it is
shared. Told in ``docs/simulator/incidents.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa

from ecomlab.simulator.incidents import Incident
from ecomlab.simulator.packs import Pack, tell_incidents
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.run import SimulatedRun, advance, simulate
from ecomlab.simulator.scenario import Scenario, load_scenario
from ecomlab.store.sealing import Truth
from ecomlab.store.store import Store

__all__ = ["Damage", "daily_books", "daily_signs", "measure_incident", "simulate_pack"]

_NOTICED = 1.0  # standard deviations from day to day by which a sign counts as moved
_LEAST = 0.002  # of a sign's level, the least that it is taken to vary
_USUAL_DAYS = 28  # days before the start that say what is usual

# Signs a watchful analyst could keep, each from a table of the store; one value a day.
_FROM = {"shipments": "shipments JOIN orders USING (order_id)"}  # where a table has no day
_SIGNS: dict[str, tuple[str, str]] = {
    "sessions": ("sessions", "count(*)"),
    "creator_sessions": ("sessions", "count(*) filter (channel = 'creators')"),
    "direct_share": ("sessions", "avg((channel = 'direct')::int)"),
    "known_share": ("sessions", "avg((customer_id is not null)::int)"),
    "arms_share": ("sessions", "avg((experiment_arms is not null)::int)"),
    "views": ("sessions", "avg(product_views)"),
    "load_ms": ("sessions", "avg(load_ms)"),
    "checkout_share": ("sessions", "avg(reached_checkout::int)"),
    "orders_per_cart": ("sessions", "avg((order_id is not null)::int) "
                                    "/ nullif(avg(added_to_cart::int), 0)"),
    "orders": ("orders", "count(*)"),
    "amount": ("orders", "sum(amount)"),
    "paid_share": ("orders", "avg((payment_status = 'paid')::int)"),
    "coupon_share": ("orders", "avg((coupon is not null)::int)"),
    "shipping_fee": ("orders", "avg(shipping_fee)"),
    "price": ("prices", "avg(price)"),
    "products_on_sale": ("prices", "count(*)"),
    "competitor_price": ("competitor_prices", "avg(price)"),
    "rank": ("seo_daily", "max(rank)"),
    "ad_spend": ("ad_daily", "sum(spend)"),
    "ad_clicks": ("ad_daily", "sum(clicks)"),
    "impressions": ("ad_daily", "sum(impressions)"),
    "reported_orders": ("ad_daily", "sum(reported_orders)"),
    "mails": ("email_sends", "count(*)"),
    "mail_open_share": ("email_sends", "avg((opened_at is not null)::int)"),
    "damaged_returns": ("returns", "count(*) filter (reason = 'damaged')"),
    "returns": ("returns", "count(*)"),
    "stars": ("reviews", "avg(stars)"),
    "on_order_units": ("inventory_daily", "sum(on_order_units)"),
    "received_units": ("inventory_daily", "sum(received_units)"),
    "out_of_stock_minutes": ("inventory_daily", "sum(out_of_stock_minutes)"),
    "delivery_days": ("shipments", "avg(epoch(delivered_at) - epoch(ordered_at)) / 86400"),
    "present_agents": ("roster", "sum(present_agents)"),
    "tickets": ("tickets", "count(*)"),
    "abandoned_share": ("tickets", "avg(is_abandoned::int)"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Damage:
    """What an incident took from the shop, in a window from its first day on.

    ``table`` has a row a day and a column a line of the books [currency], the world with the
    incident less the world without it, and ``profit``, their sum; ``signs`` the same of what an
    analyst watches. ``first_kpi`` is the sign that moved first (of several on one day, the one
    that moved most), ``lag_days`` after the start.
    """

    headline: ClassVar[dict[str, str]] = {
        "profit": "currency", "revenue": "currency", "orders": "orders", "lag_days": "days",
    }  # fmt: skip

    table: pd.DataFrame
    signs: pd.DataFrame
    profit: float
    revenue: float
    orders: float
    first_kpi: str
    lag_days: int

    def by_line(self) -> pd.Series[float]:
        """Return what each line of the books gained or lost in the window [currency]."""
        return self.table.drop(columns=["date", "orders"]).sum()

    def summary(self) -> pd.DataFrame:
        """Return one row per headline quantity: quantity, value, unit."""
        rows = [(n, round(getattr(self, n), 4), unit) for n, unit in self.headline.items()]
        return pd.DataFrame(rows, columns=["quantity", "value", "unit"])

    def __repr__(self) -> str:
        parts = [f"{n}={round(getattr(self, n), 2)} {unit}" for n, unit in self.headline.items()]
        return f"Damage({', '.join(parts)}, first_kpi={self.first_kpi!r})"


def measure_incident(
    scenario: str | Scenario,
    seed: int = 7,
    *,
    incident: Incident | str,
    plan: Plan | None = None,
    people: int | None = None,
    days: int | None = None,
) -> Damage:
    """Measure what an incident costs: the world with it less the same world without it.

    Parameters
    ----------
    scenario, seed, plan, people
        See :func:`~ecomlab.simulator.simulate`.
    incident
        The incident, or the name of one of the scenario's; its other incidents strike in both
        worlds.
    days
        Days from the incident's first day on that count; four weeks more than it lasts, or to
        the end of the scenario's period, if left out.

    Examples
    --------
    >>> from ecomlab.simulator.packs import make_incident
    >>> off = make_incident("tiny", "pixel_loss", start="2024-02-01", difficulty="easy")
    >>> found = measure_incident("tiny", incident=off, people=300, days=9)
    >>> found.profit, found.orders, found.first_kpi
    (0.0, 0.0, 'reported_orders')
    """
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    others = [one for one in law.incidents if one.id != _name_of(incident)]
    mine = [one for one in law.incidents if one.id == _name_of(incident)]
    one = incident if isinstance(incident, Incident) else mine[0] if mine else None
    if one is None:
        raise ValueError(f"incident: the scenario has no {incident!r}. "
                         f"It has {', '.join(i.id for i in law.incidents) or 'none'}.")  # fmt: skip
    first = (one.start - law.start).days
    if first < 1:
        raise ValueError(f"incident: {one.start} is not after the scenario's first day, "
                         f"{law.start}, so that there is no day to compare with.")  # fmt: skip
    span = min(one.days + 28, law.days - first) if days is None else days
    shared = law.with_incidents(others)
    if plan is not None and any(p.start and p.start >= one.start for p in plan.in_force(law.start)):
        both = [simulate(world, seed, plan, people, first + span)
                for world in (shared.with_incidents([*others, one]), shared)]  # fmt: skip
    else:
        eve = simulate(shared, seed, plan, people, first)
        both = [advance(eve, days=span, incidents=more) for more in ([one], [])]
    return _damage(both[0].store, both[1].store, pd.Timestamp(one.start), span)


def _name_of(incident: Incident | str) -> str:
    return incident.id if isinstance(incident, Incident) else incident


def _damage(struck: Store, whole: Store, start: pd.Timestamp, span: int) -> Damage:
    index = pd.date_range(start, periods=span, freq="D")
    usual = pd.date_range(end=start - timedelta(days=1), periods=_USUAL_DAYS, freq="D")
    books = [daily_books(store).reindex(index, fill_value=0.0) for store in (struck, whole)]
    table = (books[0] - books[1]).round(2)
    seen = [daily_signs(store) for store in (struck, whole)]
    before = seen[1].reindex(usual)
    signs = (seen[0].reindex(index).fillna(0) - seen[1].reindex(index).fillna(0)).round(6)
    first_kpi, lag = _first_moved(signs, before)
    total = table.sum()
    return Damage(
        table=table.rename_axis("date").reset_index(),
        signs=signs.rename_axis("date").reset_index(),
        profit=round(float(total["profit"]), 2),
        revenue=round(float(total["revenue"]), 2),
        orders=float(total["orders"]),
        first_kpi=first_kpi,
        lag_days=lag,
    )


def _first_moved(signs: pd.DataFrame, before: pd.DataFrame) -> tuple[str, int]:
    """Return the sign that moved first by more than it varies from day to day, and when.

    Of several on one day it is the one that moved most. Where none moves by so much, it is the
    one that moved most on any day.
    """
    least = before.abs().mean().fillna(0) * _LEAST + 1e-9
    usual = before.std().fillna(0).clip(lower=least)
    moved = signs.abs() / usual
    clear = (moved > _NOTICED).any(axis=1)
    if clear.any():
        lag = int(np.argmax(clear))
        return str(moved.iloc[lag].idxmax()), lag
    if not (moved > 0).any(axis=None):
        return "", 0
    name = str(moved.max().idxmax())
    return name, int(np.argmax(moved[name]))


def daily_signs(store: Store) -> pd.DataFrame:
    """Return what an analyst can watch, one row a day, as far as the store has the tables.

    Examples
    --------
    >>> daily_signs(simulate("tiny", people=200, days=10).store)["sessions"].gt(0).all()
    np.True_
    """
    found: dict[str, pd.Series[float]] = {}
    for table in dict.fromkeys(table for table, _ in _SIGNS.values()):
        if table in store.tables:
            signs = {name: value for name, (of, value) in _SIGNS.items() if of == table}
            values = ", ".join(f"{value} AS {name}" for name, value in signs.items())
            source = _FROM.get(table, table)
            rows = store.query(f"SELECT date, {values} FROM {source} GROUP BY date")
            day = pd.DatetimeIndex(pd.to_datetime(rows["date"]))
            found |= {name: pd.Series(rows[name].to_numpy(dtype=float), day) for name in signs}
    if "products" in store.tables:
        weight = float(store.query("SELECT avg(weight_kg) AS w FROM products")["w"][0])
        found["weight_kg"] = pd.Series([weight], index=[pd.Timestamp(store.manifest.last_day)])
    return pd.DataFrame(found).sort_index()


def daily_books(store: Store) -> pd.DataFrame:
    """Return what came in and went out on each day, by line, gains positive [currency].

    Examples
    --------
    >>> daily_books(simulate("tiny", people=200, days=10).store)["profit"].notna().all()
    np.True_
    """
    parts = {
        "revenue": "SELECT date, sum(amount + shipping_fee) v FROM orders "
                   "WHERE payment_status = 'paid' GROUP BY date",
        "goods": "SELECT date, -sum(units * unit_cost) v FROM order_lines JOIN orders "
                 "USING (order_id) WHERE payment_status = 'paid' GROUP BY date",
        "refunds": "SELECT date, -sum(refund_amount) v FROM returns GROUP BY date",
        "resale": "SELECT date, sum(resale_value) v FROM returns GROUP BY date",
    }  # fmt: skip
    lines = {}
    for name, sql in parts.items():
        rows = store.query(sql)
        lines[name] = pd.Series(rows["v"].to_numpy(dtype=float), pd.to_datetime(rows["date"]))
    costs = store.table("costs_daily").set_index("date")
    books = pd.DataFrame(lines).reindex(costs.index).fillna(0.0)
    books = books.join(-costs.astype(float))
    books["profit"] = books.sum(axis=1)
    count = store.query("SELECT date, count(*) n FROM orders WHERE payment_status = 'paid' "
                        "GROUP BY date")  # fmt: skip
    orders = pd.Series(count["n"].to_numpy(dtype=float), pd.to_datetime(count["date"]))
    return books.assign(orders=orders.reindex(books.index).fillna(0.0))


def simulate_pack(
    pack: Pack,
    seed: int = 7,
    plan: Plan | None = None,
    people: int | None = None,
    days: int | None = None,
) -> SimulatedRun:
    """Simulate a store with a pack of incidents; its truth says what each of them cost.

    ``truth_incident`` has, beside what :func:`~ecomlab.simulator.packs.tell_incidents` says,
    ``measured_kpi`` and ``measured_lag_days`` (what moved first in this store), ``profit``,
    ``orders`` and a column ``loss_…`` for each line of the books: by twin runs, from the
    incident's first day to the end of the period. Nothing of it is in the store.

    Examples
    --------
    >>> from ecomlab.simulator.packs import draw_pack
    >>> window = ("2024-02-01", "2024-02-05")
    >>> pack = draw_pack("tiny", seed=1, count=1, decoys=1, window=window)
    >>> run = simulate_pack(pack, people=200, days=40)
    >>> len(run.truth["truth_incident"]), "incidents" in run.store.manifest.to_json()
    (2, True)
    """
    run = simulate(pack.scenario, seed, plan, people, days)
    length = int(run.store.manifest.origin["days"])
    told = tell_incidents(pack.scenario).to_pandas()
    rows: list[dict[str, object]] = []
    for one in pack.scenario.incidents:
        span = length - (one.start - pack.scenario.start).days
        if span < 1 or not one.parameter:
            rows.append({"incident_id": one.id})
            continue
        off = [other for other in pack.scenario.incidents if other.id != one.id]
        twin = simulate(pack.scenario.with_incidents(off), seed, plan, people, days)
        found = _damage(run.store, twin.store, pd.Timestamp(one.start), span)
        lines = {f"loss_{name}": -value for name, value in found.by_line().items()
                 if name != "profit"}  # fmt: skip
        rows.append({"incident_id": one.id, "measured_kpi": found.first_kpi,
                     "measured_lag_days": found.lag_days, "profit": found.profit,
                     "orders": found.orders, **lines})  # fmt: skip
    whole = told.merge(pd.DataFrame(rows), on="incident_id", how="left")
    return _with_truth(run, {"truth_incident": pa.Table.from_pandas(whole, preserve_index=False)})


def _with_truth(run: SimulatedRun, tables: dict[str, pa.Table]) -> SimulatedRun:
    """Return a run with other tables of its truth, which the manifest vouches for."""
    truth = Truth({**{name: run.truth.arrow(name) for name in run.truth}, **tables})
    origin = {**run.store.manifest.origin, "truth_sha256": truth.hash}
    manifest = replace(run.store.manifest, origin=origin)
    return replace(run, store=run.store.with_manifest(manifest), truth=truth)
