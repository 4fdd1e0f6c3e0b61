"""A demo export with planted faults: what a shop system hands over, and what is wrong with it.

Four faults, drawn from a seed: a batch delivered twice, prices of one region in cents,
times in UTC instead of local, and bots in the web log. Works on any store that has orders
and order lines; the answers say what was planted where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ecomlab import schema
from ecomlab.simulator.noise import Array, Noise
from ecomlab.store.store import Store, StoreError

__all__ = ["FaultyExport", "export_with_faults"]

_FEWEST_DAYS = 9  # three spans of days that do not touch
_CENTS = 100
_OTHER_ZONE_HOURS = 8  # the slip of a store whose local time is UTC
_BOTS = 3
_BOT_DAYS = 14
_LOG_MARGIN_DAYS = 38
_BOT_SHARE = 0.5  # of the visits that people make in these days


@dataclass(frozen=True, kw_only=True)
class FaultyExport:
    """An export as a shop system gives it, and the answers to what is wrong with it.

    ``lines`` has one row an order line: Order No, Created (local time), Customer, SKU,
    Product, Qty, Unit price, Discount, Currency, Region, Payment. ``sessions`` has one row
    a visit of the weeks around the bots: Visitor, Started (local time), Channel, Device,
    Pages, Order No; it is None for a store without visits. ``answers`` has ``duplicates``,
    ``currency``, ``time_zone`` and ``bots`` (None without visits), and ``clean``: the sound
    lines and their amount.
    """

    lines: pd.DataFrame
    sessions: pd.DataFrame | None
    answers: Mapping[str, Mapping[str, Any] | None]


def export_with_faults(store: Store, *, seed: int) -> FaultyExport:
    """Return a flat export of a store with four kinds of planted faults.

    Parameters
    ----------
    store
        Any store with orders and order lines, simulated or imported.
    seed
        Draws where the faults lie; the same seed plants the same faults.

    Raises
    ------
    StoreError
        Where the store has too few days with orders to hide anything in.

    Examples
    --------
    >>> from ecomlab.simulator import simulate
    >>> export = export_with_faults(simulate("tiny", people=400, days=90).store, seed=1)
    >>> int(export.lines.duplicated().sum()) == export.answers["duplicates"]["lines"]
    True
    """
    noise = Noise(seed)
    zone = ZoneInfo(store.manifest.time_zone)
    lines, when = _flat_lines(store)
    clean = {
        "lines": len(lines),
        "amount": round(float((lines["Qty"] * lines["Unit price"] - lines["Discount"]).sum()), 2),
    }
    day = pd.DatetimeIndex(when.dt.tz_convert(zone)).tz_localize(None).normalize()
    spans = _spans(noise, day, when, zone)
    lines, currency = _slip_currency(lines, day, spans["currency"])
    lines["Created"], shifted = _created(when, zone, day, spans["time_zone"])
    lines, duplicates = _deliver_twice(lines, day, spans["duplicates"])
    sessions, bots = _web_log(store, noise, zone)
    answers = {
        "duplicates": duplicates,
        "currency": currency,
        "time_zone": shifted,
        "bots": bots,
        "clean": clean,
    }
    return FaultyExport(lines=lines, sessions=sessions, answers=answers)


def _flat_lines(store: Store) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Join orders and lines into the export's columns, and return the instants beside them."""
    orders = store.table("orders").sort_values(["ordered_at", "order_id"], kind="stable")
    joined = orders.merge(
        store.table("order_lines"), on="order_id", suffixes=("_order", ""), sort=False
    )
    if joined.empty:
        raise StoreError(f"Store {store.name!r} has no order lines to export.")
    names = _names(store, "products", "sku", "name")
    regions = _names(store, "regions", "region_id", "name")
    region = joined.get("region_id", pd.Series(None, index=joined.index, dtype="str"))
    flat = {
        "Order No": joined["order_id"],
        "Created": "",
        "Customer": joined["customer_id"],
        "SKU": joined["sku"],
        "Product": joined["sku"].map(names).astype("str"),
        "Qty": joined["units"],
        "Unit price": joined["price"],
        "Discount": joined.get("discount_amount", pd.Series(0.0, index=joined.index)).fillna(0.0),
        "Currency": store.currency,
        "Region": region.map(regions).astype("str").fillna(region),
        "Payment": joined.get("payment_status"),
    }
    return pd.DataFrame(flat, index=joined.index), joined["ordered_at"]


def _names(store: Store, table: str, key: str, value: str) -> dict[str, str]:
    if table not in store.tables or value not in store.columns(table):
        return {}
    frame = store.table(table)
    return dict(zip(frame[key], frame[value], strict=True))


def _spans(
    noise: Noise, day: pd.DatetimeIndex, when: pd.Series[Any], zone: ZoneInfo
) -> dict[str, pd.DatetimeIndex]:
    """Choose the days of each fault: each in its own third of the period."""
    dates = day.unique().sort_values()
    if len(dates) < _FEWEST_DAYS:
        raise StoreError(
            f"The store has orders on {len(dates)} days only; faults need {_FEWEST_DAYS}. "
            f"Take a longer period."
        )
    offset = pd.Series(_offset_hours(when, zone), index=day).groupby(level=0).first()
    thirds = [dates[part] for part in np.array_split(np.arange(len(dates)), 3)]
    # Where local time is UTC for part of the year only, the slip must fall into the rest.
    moved = [int((offset[third] != 0).sum()) for third in thirds]
    place = int(np.argmax(moved)) if min(moved) < 3 else int(_luck(noise, "third") * 3)
    others = [i for i in range(3) if i != place]
    if _luck(noise, "order") < 0.5:
        others.reverse()
    eligible = thirds[place][offset[thirds[place]] != 0]
    eligible = eligible if len(eligible) else thirds[place]
    return {
        "time_zone": _span(noise, "time_zone", eligible, 10),
        "currency": _span(noise, "currency", thirds[others[0]], 6),
        "duplicates": _span(noise, "duplicates", thirds[others[1]], 2),
    }


def _luck(noise: Noise, what: str) -> float:
    return float(noise.uniform("faults", np.array([0]), part=what)[0])


def _span(noise: Noise, what: str, dates: pd.DatetimeIndex, length: int) -> pd.DatetimeIndex:
    """Choose neighbouring days with orders, away from the ends where there is room."""
    length = min(length, max(len(dates) - 2, 1))
    first = int(_luck(noise, what) * (len(dates) - length))
    return dates[first : first + length]


def _offset_hours(when: pd.Series[Any], zone: ZoneInfo) -> Array:
    local = when.dt.tz_convert(zone).dt.tz_localize(None)
    return np.asarray((local - when.dt.tz_localize(None)) / pd.Timedelta(hours=1))


def _slip_currency(
    lines: pd.DataFrame, day: pd.DatetimeIndex, span: pd.DatetimeIndex
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Give prices and discounts of the largest region in cents for some days."""
    hit = day.isin(span)
    largest = lines.loc[hit, "Region"].value_counts()
    region = str(largest.index[0]) if len(largest) else None
    hit = hit & (lines["Region"] == region).to_numpy() if region is not None else hit
    out = lines.copy()
    for column in ("Unit price", "Discount"):
        out[column] = out[column].where(~hit, (out[column] * _CENTS).round(2))
    return out, {**_from_to(span), "region": region, "factor": _CENTS, "lines": int(hit.sum())}


def _created(
    when: pd.Series[Any], zone: ZoneInfo, day: pd.DatetimeIndex, span: pd.DatetimeIndex
) -> tuple[Array, dict[str, Any]]:
    """Write times in local time, but for some days in UTC."""
    local = when.dt.tz_convert(zone).dt.tz_localize(None)
    wrong = when.dt.tz_localize(None)
    if not (local != wrong).any():
        wrong = local + pd.Timedelta(hours=_OTHER_ZONE_HOURS)
    hit = day.isin(span)
    shift = (wrong - local)[hit] / pd.Timedelta(hours=1)
    moved = (wrong.dt.normalize() != local.dt.normalize())[hit]
    answer = {
        **_from_to(span),
        "hours": sorted({float(hours) for hours in shift}),
        "lines": int(hit.sum()),
        "lines_on_another_day": int(moved.sum()),
    }
    return _clock(local.where(~hit, wrong)), answer


def _deliver_twice(
    lines: pd.DataFrame, day: pd.DatetimeIndex, span: pd.DatetimeIndex
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Repeat the batches of some days right after their first delivery."""
    hit = day.isin(span)
    stamp = np.concatenate([day.to_numpy(), day[hit].to_numpy()])
    both = pd.concat([lines, lines[hit]], ignore_index=True)
    order = np.argsort(stamp, kind="stable")
    answer = {
        **_from_to(span),
        "lines": int(hit.sum()),
        "alike_before": int(lines.duplicated().sum()),  # a real export may hold some already
    }
    return both.iloc[order].reset_index(drop=True), answer


def _from_to(span: pd.DatetimeIndex) -> dict[str, str]:
    return {"first_day": str(span[0].date()), "last_day": str(span[-1].date())}


def _clock(times: pd.Series[Any]) -> Array:
    """Return times as text, to the second."""
    seconds = pa.array(times.to_numpy().astype("datetime64[s]"))
    return np.asarray(pc.strftime(seconds, format="%Y-%m-%d %H:%M:%S").to_pylist(), dtype=object)


def _web_log(
    store: Store, noise: Noise, zone: ZoneInfo
) -> tuple[pd.DataFrame | None, dict[str, Any] | None]:
    """Return the visits with those of bots among them, or None where there are no visits."""
    needed = {"visitor_id", "started_at"}
    if "sessions" not in store.tables or not needed <= set(store.columns("sessions")):
        return None, None
    ends = f"min({_UTC}) AS first, max({_UTC}) AS last"
    about = store.query(f"SELECT count(*) AS rows, {ends} FROM sessions").iloc[0]
    if not about["rows"]:
        return None, None
    first, last = (pd.Timestamp(about[end], tz="UTC") for end in ("first", "last"))
    bots = _bots(noise, int(about["rows"]), first, last)
    visits = _visits_around(store, bots["Started"].min())
    people = pd.DataFrame({name: visits.get(column) for name, column in _LOG_COLUMNS.items()})
    both = pd.concat([people, bots.reindex(columns=people.columns)], ignore_index=True)
    both = both.sort_values(["Started", "Visitor"], kind="stable", ignore_index=True)
    both["Started"] = _clock(both["Started"].dt.tz_convert(zone).dt.tz_localize(None))
    answer = {"visitors": sorted(set(bots["Visitor"])), "sessions": len(bots)}
    return both, answer


_UTC = "timezone('UTC', started_at)"  # without a zone, which DuckDB would turn into its own
_LOG_COLUMNS = {
    "Visitor": "visitor_id",
    "Started": "started_at",
    "Channel": "channel",
    "Device": "device",
    "Pages": "product_views",
    "Order No": "order_id",
}


def _visits_around(store: Store, begin: pd.Timestamp) -> pd.DataFrame:
    """Return the visits of some weeks around the bots: a web log is not kept for years."""
    held = store.columns("sessions")
    names = [name for name in _LOG_COLUMNS.values() if name in held and name != "started_at"]
    columns = ", ".join([f"{_UTC} AS started_at", *(f'"{name}"' for name in names)])
    margin = pd.Timedelta(days=_LOG_MARGIN_DAYS)
    since, until = begin - margin, begin + pd.Timedelta(days=_BOT_DAYS) + margin
    found = store.query(
        f"SELECT {columns} FROM sessions "
        f"WHERE started_at >= TIMESTAMPTZ '{since}' AND started_at < TIMESTAMPTZ '{until}'"
    )
    return schema.cast(found, "sessions")


def _bots(noise: Noise, people: int, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Return visits of a few machines: for two weeks half as many as people, one page, no order."""
    parts = []
    span = pd.Timedelta(days=_BOT_DAYS)
    usual = people * min(span / max(last - first, span), 1.0)
    begin = first + max(last - first - span, pd.Timedelta(0)) * _luck(noise, "bot.begin")
    for bot in range(_BOTS):
        share = _BOT_SHARE / _BOTS * (0.7 + 0.6 * _luck(noise, f"bot.size.{bot}"))
        size = max(int(usual * share), 15 * _BOT_DAYS)
        slot = np.arange(size) + 1_000_000 * bot
        seconds = span.total_seconds() * noise.uniform("faults", slot, part="bot.second")
        name = int(_luck(noise, f"bot.name.{bot}") * 10**10)
        visit = {
            "Visitor": f"V{name:010d}",
            "Started": begin.floor("s") + pd.to_timedelta(np.floor(seconds), unit="s"),
            "Channel": "direct",
            "Device": "desktop",
            "Pages": (noise.uniform("faults", slot, part="bot.page") < 0.3).astype(np.int64),
        }
        parts.append(pd.DataFrame(visit))
    return pd.concat(parts, ignore_index=True)
