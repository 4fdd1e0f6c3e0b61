"""What the shop is and does by the day: calendar, regions, products, prices, advertising."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from ecomlab.simulator.entering import entered_on
from ecomlab.simulator.noise import Array, normal, poisson
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Piece, Recorder

__all__ = [
    "ad_daily", "calendar", "competitor_prices", "note_care", "plan_log", "posts", "prices",
    "products", "regions", "seo_daily",
]  # fmt: skip

_SCRAPED_EVERY, _MISSING = 7, 0.08  # days; share of scrapes that fail


def calendar(recorder: Recorder) -> pa.Table:
    """One row a day of the period."""
    days = recorder.world.around.days
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


def regions(recorder: Recorder) -> pa.Table:
    """One row a region of the scenario."""
    scenario = recorder.world.scenario
    known, plan = scenario.regions, recorder.plan
    entered = entered_on(scenario, plan.in_force(scenario.start)) if plan is not None else {}
    return arrow.table(
        "regions",
        {
            "region_id": list(known),
            "name": [region.name for region in known.values()],
            "population": [region.population for region in known.values()],
            "income_index": [region.income_index for region in known.values()],
            "km_to_depot": [region.km_to_depot for region in known.values()],
            "launch_date": pa.array([entered.get(i) for i in range(len(known))], pa.date32()),
            "is_new": [region.is_new for region in known.values()],
        },
    )


def products(recorder: Recorder) -> pa.Table:
    """One row a product launched by the last day."""
    goods, scenario = recorder.world.products, recorder.world.scenario
    columns = {
        "sku": list(goods.sku),
        "name": list(goods.name),
        "category_id": arrow.words(goods.category, tuple(scenario.categories)),
        "brand": list(goods.brand),
        "is_eco": goods.is_eco,
        **{f"attribute_{axis + 1}": goods.attribute[:, axis] for axis in range(4)},
        "list_price": arrow.money(goods.list_cents),
        "unit_cost": arrow.money(goods.cost_cents),
        "weight_kg": goods.weight_g
        / 1000
        * recorder.parameter(
            "catalogue.weight_unit", 1.0, day=recorder.days - 1, skus=np.arange(len(goods.key))
        ),
        "launch_date": arrow.days(scenario.start, goods.launch),
    }
    known = recorder.world.suppliers
    if known is not None:
        columns["supplier_id"] = arrow.words(known.main, known.code)
    listed = np.flatnonzero(goods.launch < recorder.days)
    return arrow.table("products", columns).take(pa.array(listed))


def prices(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a day and product on sale."""
    log, goods, scenario = piece.log, recorder.world.products, recorder.world.scenario
    on_sale = log.stack("on_sale")
    day, sku = np.nonzero(on_sale)
    depth = log.stack("depth")[on_sale]
    index = log.stack("cost_index")[day, goods.category[sku]]
    return arrow.table(
        "prices",
        {
            "date": arrow.days(scenario.start, log.first + day),
            "sku": arrow.words(sku, goods.sku),
            "price": arrow.money(log.stack("price_cents")[on_sale]),
            "is_promoted": depth > 0,
            "promo_depth_share": np.round(depth, 4),
            "promo_cost": np.where(depth > 0, scenario.habits.promotion_cost, 0.0),
            "supply_cost_index": np.round(index, 4),
        },
    )


def competitor_prices(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a scraped price: once a week, some scrapes failing."""
    log, goods, law = piece.log, recorder.world.products, recorder.world.scenario.competitors
    days = log.first + np.arange(log.days)
    kept = np.flatnonzero(days % _SCRAPED_EVERY == 0)
    shape = (len(kept), len(goods.key), len(law.names))
    place, sku, shop = (at.ravel() for at in np.indices(shape))
    place = kept[place]
    slot = (days[place] * 4096 + goods.key[sku]) * 8 + shop
    seen = (goods.launch[sku] <= days[place]) & (recorder.noise.uniform("scrape", slot) >= _MISSING)
    place, sku, shop, slot = place[seen], sku[seen], shop[seen], slot[seen]
    own = 0.08 * normal(recorder.noise.uniform("scrape.level", goods.key[sku] * 8 + shop))
    today = 0.015 * normal(recorder.noise.uniform("scrape.noise", slot))
    level = log.stack("rival")[place, goods.category[sku]]
    cents = np.rint(goods.list_cents[sku] * np.exp(level + own + today) / 10) * 10 - 1
    cents = cents * recorder.parameter("scrape.price_unit", 1.0, day=days[place], skus=sku)
    return arrow.table(
        "competitor_prices",
        {
            "date": arrow.days(recorder.world.scenario.start, days[place]),
            "sku": arrow.words(sku, goods.sku),
            "competitor": arrow.words(shop, law.names),
            "price": arrow.money(np.maximum(cents, 1)),
            "in_stock": recorder.noise.uniform("scrape.stock", slot) < 0.95,
        },
    )


def ad_daily(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a day, campaign and region that is sold in."""
    log, scenario = piece.log, recorder.world.scenario
    routes = list(scenario.routes.values())
    paid = [i for i, route in enumerate(routes) if route.campaign]
    paid.sort(key=lambda i: (routes[i].channel, routes[i].campaign))
    areas = sorted(range(len(scenario.regions)), key=lambda i: list(scenario.regions)[i])
    shape = (log.days, len(paid), len(areas))
    is_open = np.broadcast_to(log.stack("is_open")[:, None, areas], shape)

    def flat(name: str) -> Array:
        return log.stack(name)[:, paid][:, :, areas][is_open]

    day, row, area = np.nonzero(is_open)
    route, spend, clicks = np.array(paid)[row], flat("paid_cents"), flat("clicks")
    shown, budget = flat("impressions"), flat("budget_cents")
    channels = scenario.channels
    channel = np.array([channels.index(one.channel) for one in routes])[route]
    return arrow.table(
        "ad_daily",
        {
            "date": arrow.days(scenario.start, log.first + day),
            "channel": arrow.words(channel, channels),
            "campaign": arrow.words(route, tuple(one.campaign for one in routes)),
            "region_id": arrow.words(np.array(areas)[area], tuple(scenario.regions)),
            "budget": arrow.money(np.maximum(budget, spend)),
            "spend": arrow.money(spend),
            "impressions": shown,
            "clicks": clicks,
            "cost_per_click": _per(spend, clicks * 100),
            "cost_per_thousand": _per(spend * 10, shown),
            "reported_orders": np.round(flat("claims"), 4),
        },
    )


def _per(top: Array, bottom: Array) -> pa.Array:
    """Divide, with gaps where there is nothing to divide by."""
    return pa.array(np.round(top / np.maximum(bottom, 1), 4), mask=bottom == 0)


def seo_daily(recorder: Recorder, piece: Piece) -> pa.Table:
    """One row a day and keyword cluster."""
    log, counts = piece.log, piece.log.stack("searches")  # days x (brand, generic) x (shown, came)
    day, cluster = (at.ravel() for at in np.indices(counts.shape[:2]))
    rank = np.where(cluster == 0, 1.0, np.round(log.stack("rank")[day], 2))
    return arrow.table(
        "seo_daily",
        {
            "date": arrow.days(recorder.world.scenario.start, log.first + day),
            "cluster": arrow.words(cluster, ("brand", "generic")),
            "rank": rank,
            "impressions": counts[:, :, 0].ravel(),
            "clicks": counts[:, :, 1].ravel(),
        },
    )


def posts(recorder: Recorder, piece: Piece) -> dict[str, pa.Table]:
    """One row a creator's post, and one a live show, where the scenario has them."""
    rows = [(piece.log.first + i, *post) for i, day in enumerate(piece.log.values("posted"))
            for post in day]  # fmt: skip
    out = {}
    if "creators" in recorder.world.scenario.routes:
        mine = [r for r in rows if r[1] == "creators"]
        out["creator_posts"] = _creator_posts(recorder, piece, mine)
    if "live" in recorder.world.scenario.routes:
        out["live_sessions"] = _shows(recorder, piece, [r for r in rows if r[1] == "live"])
    return out


_Post = tuple[int, str, int, float, float]  # day, route, slot, quality, fee


def _creator_posts(recorder: Recorder, piece: Piece, rows: list[_Post]) -> pa.Table:
    slot, quality = np.array([r[2] for r in rows], dtype=int), np.array([r[3] for r in rows])
    size = _followers(recorder, slot)
    luck = recorder.noise.uniform("post.liked", slot)
    return arrow.table(
        "creator_posts",
        {
            "post_id": pa.array([f"P{s:06d}" for s in slot], pa.string()),
            **_booked(recorder, piece, rows, "creator"),
            "followers": size,
            "engagements": poisson(luck, np.minimum(size * 0.03 * quality, 400)),
        },
    )


def _shows(recorder: Recorder, piece: Piece, rows: list[_Post]) -> pa.Table:
    slot, quality = np.array([r[2] for r in rows], dtype=int), np.array([r[3] for r in rows])
    live = recorder.world.scenario.live
    return arrow.table(
        "live_sessions",
        {
            "show_id": pa.array([f"L{s:06d}" for s in slot], pa.string()),
            **_booked(recorder, piece, rows, "host"),
            "minutes": 60 + np.rint(120 * recorder.noise.uniform("post.minutes", slot)),
            "viewers": np.rint(_followers(recorder, slot) * 0.05 * quality).astype(int),
            "discount_share": np.full(len(slot), live.discount_share if live is not None else 0.0),
        },
    )


def _booked(recorder: Recorder, piece: Piece, rows: list[_Post], who: str) -> dict[str, pa.Array]:
    """Return day, person and fee of posts: they are paid for where the shop sells."""
    offsets = np.array([r[0] for r in rows], dtype=int)
    served = piece.log.stack("is_open") @ recorder.world.region_people
    thousands = served[offsets - piece.log.first] / 1000
    return {
        "date": arrow.days(recorder.world.scenario.start, offsets),
        "creator": pa.array([f"{who}-{1 + r[2] % 12:02d}" for r in rows], pa.string()),
        "fee": np.round(np.array([r[4] for r in rows]) * thousands, 2),
    }


def _followers(recorder: Recorder, slot: Array) -> Array:
    thousands = len(recorder.world.people.ids) / 1000
    return np.rint(400 * np.exp(1.1 * recorder.noise.normal("post.size", slot)) * thousands).astype(
        int
    )


def note_care(recorder: Recorder, piece: Piece) -> None:
    """Remember which products were picked for care, and which of them were left alone."""
    picked, coached = piece.log.stack("picked"), piece.log.stack("coached")
    for i in range(piece.log.days):
        day = piece.log.first + i
        if day % 91 or day == 0:
            continue
        for sku in np.flatnonzero(picked[i]):
            given = "care" if coached[i, sku] else "left alone"
            recorder.care.append((day, recorder.world.products.sku[sku], given))


def plan_log(recorder: Recorder) -> pa.Table:
    """One row a lever and day it was set; the first day states the status quo."""
    scenario = recorder.world.scenario
    state = {f"budget.{name}": "1" for name in scenario.levers if "." not in name}
    state |= {f"price.{name}": "1" for name in scenario.categories}
    state |= {"discount": "1", "promotion": "1"}
    state |= {f"region.{n}": "closed" for n, one in scenario.regions.items() if one.is_new}
    state |= {"reorder.all": "1", "supplier.all": "0"} if scenario.stock is not None else {}
    if scenario.fulfilment is not None:
        state["promise"] = f"{scenario.fulfilment.promise_quantile:g}"
    rows: list[tuple[date, str, str | None, str, str]]
    rows = [(scenario.start, lever, None, value, "status quo") for lever, value in state.items()]
    for plan in recorder.plan.in_force(scenario.start) if recorder.plan is not None else ():
        begun = plan.start or scenario.start
        for lever, value in sorted({**_levers(plan), **_listings(plan, state)}.items()):
            if begun == scenario.start:
                rows = [old for old in rows if old[1] != lever]
            usual = "on" if lever.startswith("listing.") else None
            rows.append((begun, lever, state.get(lever, usual), value, "plan"))
            state[lever] = value
    rows += [(scenario.start + timedelta(days=day), f"care.{sku}", None, what, "status quo")
             for day, sku, what in recorder.care]  # fmt: skip
    rows += [(one.start, f"change.{one.note}", None, "done", "shop")
             for one in scenario.incidents
             if one.note and 0 <= (one.start - scenario.start).days < recorder.days]  # fmt: skip
    names = ("date", "decision", "old", "new", "author")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return arrow.table("plan_log", {**columns, "old": pa.array(columns["old"], pa.string())})


def _listings(plan: Plan, state: dict[str, str]) -> dict[str, str]:
    """Return products that a plan takes off or brings back; its list replaces an earlier one."""
    if plan.delist is None:
        return {}
    off = {name for name, value in state.items() if name.startswith("listing.") and value == "off"}
    gone = {f"listing.{sku}" for sku in plan.delist}
    return dict.fromkeys(off - gone, "on") | dict.fromkeys(gone - off, "off")


def _levers(plan: Plan) -> dict[str, str]:
    """Return what a plan sets, by the names of the plan log."""
    levers = {f"budget.{name}": f"{value:g}" for name, value in plan.budgets.items()}
    levers |= {f"price.{name}": f"{value:g}" for name, value in plan.prices.items()}
    levers |= {f"feature.{name}": "on" for name in plan.features}
    levers |= {f"reorder.{name}": f"{value:g}" for name, value in plan.reorder.items()}
    levers |= {f"supplier.{name}": f"{value:g}" for name, value in plan.suppliers.items()}
    levers |= {f"carriers.{where}": " ".join(f"{name} {share:g}" for name, share in mix.items())
               for where, mix in plan.carriers.items()}  # fmt: skip
    levers |= {f"region.{name}": entry.range for name, entry in plan.regions.items()}
    levers |= {f"launch.{name}": f"{entry.launch_budget:g}"
               for name, entry in plan.regions.items() if entry.launch_budget}  # fmt: skip
    if plan.service is not None:
        levers |= {f"agents.{n}": f"{value:g}" for n, value in plan.service.agents.items()}
        for name, value in (("routing", plan.service.routing),
                            ("queue_jump", plan.service.queue_jump)):  # fmt: skip
            if value is not None:
                levers[f"service.{name}"] = str(value)
    if plan.personalisation is not None:
        levers["personalisation"] = "on" if plan.personalisation else "off"
    for name, value in (("discount", plan.discounts), ("promotion", plan.promotions),
                        ("promise", plan.promise)):  # fmt: skip
        if value is not None:
            levers[name] = f"{value:g}"
    return levers
