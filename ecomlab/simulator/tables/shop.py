"""What the shop is and does by the day: calendar, regions, products, prices, advertising."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from ecomlab.simulator.plan import Plan
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Record

__all__ = ["ad_daily", "calendar", "plan_log", "prices", "products", "regions"]


def calendar(record: Record) -> pa.Table:
    """One row a day of the period."""
    days = record.world.around.days
    dates = days.dates.tolist()
    month = np.array([day.month for day in dates])
    next_day = (days.dates + 1).astype("datetime64[M]")
    last_of_month = next_day != days.dates.astype("datetime64[M]")
    return arrow.table(
        "calendar",
        {
            "date": days.dates,
            "weekday": days.weekday,
            "week": np.array([day.isocalendar().week for day in dates]),
            "quarter": (month - 1) // 3 + 1,
            "event_id": pa.array(days.event, pa.string()),
            "days_to_event": pa.array(days.to_event, mask=days.to_event < 0),
            "is_payday": last_of_month | np.array([day.day == 15 for day in dates]),
        },
    )


def regions(record: Record) -> pa.Table:
    """One row a region of the scenario."""
    known = record.world.scenario.regions
    return arrow.table(
        "regions",
        {
            "region_id": list(known),
            "name": [region.name for region in known.values()],
            "population": [region.population for region in known.values()],
            "income_index": [region.income_index for region in known.values()],
            "km_to_depot": [region.km_to_depot for region in known.values()],
            "launch_date": pa.nulls(len(known), pa.date32()),
            "is_new": [False] * len(known),
        },
    )


def products(record: Record) -> pa.Table:
    """One row a product launched by the last day."""
    goods, scenario = record.world.products, record.world.scenario
    kinds = tuple(scenario.categories)
    columns = {
        "sku": list(goods.sku),
        "name": list(goods.name),
        "category_id": arrow.words(goods.category, kinds),
        "brand": list(goods.brand),
        "is_eco": goods.is_eco,
        **{f"attribute_{axis + 1}": goods.attribute[:, axis] for axis in range(4)},
        "list_price": arrow.money(goods.list_cents),
        "unit_cost": arrow.money(goods.cost_cents),
        "weight_kg": goods.weight_g / 1000,
        "launch_date": arrow.days(scenario.start, goods.launch),
    }
    listed = np.flatnonzero(goods.launch < record.log.days)
    return arrow.table("products", columns).take(pa.array(listed))


def prices(record: Record) -> pa.Table:
    """One row a day and product on sale."""
    log, goods = record.log, record.world.products
    on_sale = log.stack("on_sale")
    day, sku = np.nonzero(on_sale)
    depth = log.stack("depth")[on_sale]
    index = log.stack("cost_index")[day, goods.category[sku]]
    return arrow.table(
        "prices",
        {
            "date": arrow.days(record.world.scenario.start, day),
            "sku": arrow.words(sku, goods.sku),
            "price": arrow.money(log.stack("price_cents")[on_sale]),
            "is_promoted": depth > 0,
            "promo_depth_share": np.round(depth, 4),
            "supply_cost_index": np.round(index, 4),
        },
    )


def ad_daily(record: Record) -> pa.Table:
    """One row a day, campaign and region; a channel's campaigns split its day by fixed shares."""
    log, scenario = record.log, record.world.scenario
    names, areas = tuple(scenario.channels), tuple(scenario.regions)
    parts = []
    for place, channel in enumerate(scenario.channels.values()):
        total, before = sum(channel.campaigns.values()), 0.0
        for campaign, weight in channel.campaigns.items():
            upto = before + weight / total
            row = {
                value: _part(log.stack(value)[:, place], before, upto)
                for value in ("budget_cents", "spend_cents", "clicks", "impressions")
            }
            claims = log.stack("claims")[:, place] * (upto - before)
            before = upto
            day, area = np.indices(claims.shape).reshape(2, -1)
            flat = {value: amounts.ravel() for value, amounts in row.items()}
            parts.append(
                arrow.table(
                    "ad_daily",
                    {
                        "date": arrow.days(scenario.start, day),
                        "channel": arrow.words(np.full(len(day), place), names),
                        "campaign": [campaign] * len(day),
                        "region_id": arrow.words(area, areas),
                        "budget": arrow.money(flat["budget_cents"]),
                        "spend": arrow.money(flat["spend_cents"]),
                        "impressions": flat["impressions"],
                        "clicks": flat["clicks"],
                        "cost_per_click": _per(flat["spend_cents"], flat["clicks"] * 100),
                        "cost_per_thousand": _per(flat["spend_cents"] * 10, flat["impressions"]),
                        "reported_orders": np.round(claims.ravel(), 4),
                    },
                )
            )
    keys = [(key, "ascending") for key in ("date", "channel", "campaign", "region_id")]
    return pa.concat_tables(parts).sort_by(keys)


def _part(whole: np.ndarray, before: float, upto: float) -> np.ndarray:
    """Split whole numbers by shares so that the parts add up to the whole."""
    return np.rint(whole * upto).astype(np.int64) - np.rint(whole * before).astype(np.int64)


def _per(top: np.ndarray, bottom: np.ndarray) -> pa.Array:
    """Divide, with gaps where there is nothing to divide by."""
    return pa.array(np.round(top / np.maximum(bottom, 1), 4), mask=bottom == 0)


def plan_log(record: Record) -> pa.Table:
    """One row a lever and day it was set; the first day states the status quo."""
    scenario = record.world.scenario
    paid = [name for name, channel in scenario.channels.items() if channel.spend]
    state = {f"budget.{name}": 1.0 for name in paid}
    state |= {f"price.{name}": 1.0 for name in scenario.categories} | {"discount": 1.0}
    rows: list[tuple[date | None, str, str | None, str, str]]
    rows = [(scenario.start, lever, None, "1", "status quo") for lever in state]
    for plan in record.plan.in_force(scenario.start) if record.plan is not None else ():
        for lever, value in sorted(_levers(plan).items()):
            row = (plan.start, lever, f"{state[lever]:g}", f"{value:g}", "plan")
            if plan.start == scenario.start:
                rows = [old for old in rows if old[1] != lever]
            rows.append(row)
            state[lever] = value
    names = ("date", "decision", "old", "new", "author")
    return arrow.table(
        "plan_log", dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    )


def _levers(plan: Plan) -> dict[str, float]:
    """Return what a plan sets, by the names of the plan log."""
    levers = {f"budget.{name}": value for name, value in plan.budgets.items()}
    levers |= {f"price.{name}": value for name, value in plan.prices.items()}
    return levers if plan.discounts is None else levers | {"discount": plan.discounts}
