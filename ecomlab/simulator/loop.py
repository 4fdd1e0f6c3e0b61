"""The day loop: the order of the day, the state it starts from, and the log it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np

from ecomlab.simulator.carriers import usual_delight
from ecomlab.simulator.entering import is_old
from ecomlab.simulator.graph import Day, Mechanism, edges
from ecomlab.simulator.mechanisms.aftermath import remember_buyers, send_back, write_reviews
from ecomlab.simulator.mechanisms.awareness import spread_awareness
from ecomlab.simulator.mechanisms.checkout import check_out
from ecomlab.simulator.mechanisms.choice import choose, consider, see_features, value_products
from ecomlab.simulator.mechanisms.clock import time_orders, time_visits
from ecomlab.simulator.mechanisms.competition import set_rival_prices
from ecomlab.simulator.mechanisms.contacts import (
    NO_CONTACTS,
    answer_contacts,
    note_contacts,
    staff_desks,
    weigh_chats,
    write_in,
)
from ecomlab.simulator.mechanisms.delivery import carry_parcels, pick_parcels, quote_delivery
from ecomlab.simulator.mechanisms.expectation import expect
from ecomlab.simulator.mechanisms.incidents import find_defects
from ecomlab.simulator.mechanisms.mail import send_mail
from ecomlab.simulator.mechanisms.media import book_creators, buy_media, remember_media
from ecomlab.simulator.mechanisms.platforms import report_media
from ecomlab.simulator.mechanisms.prices import coach, post_prices, usual_shares
from ecomlab.simulator.mechanisms.regions import open_regions
from ecomlab.simulator.mechanisms.routes import enter_front, fire_routes, look_in, meet_occasions
from ecomlab.simulator.mechanisms.satisfaction import (
    NO_PARCELS,
    feel,
    first_luck,
    judge_delivery,
)
from ecomlab.simulator.mechanisms.stock import allocate, count_stock
from ecomlab.simulator.mechanisms.supply import (
    begin_stock,
    receive_goods,
    reorder,
    watch_suppliers,
)
from ecomlab.simulator.mechanisms.surroundings import apply_plan, observe_day, run_experiments
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.world import World

__all__ = ["MECHANISMS", "STATE", "Log", "begin", "causal_graph", "run_days"]

MECHANISMS: tuple[Mechanism, ...] = (
    observe_day,
    apply_plan,
    open_regions,
    run_experiments,
    staff_desks,
    quote_delivery,
    watch_suppliers,
    receive_goods,
    set_rival_prices,
    post_prices,
    coach,
    buy_media,
    book_creators,
    remember_media,
    send_mail,
    spread_awareness,
    meet_occasions,
    fire_routes,
    enter_front,
    look_in,
    time_visits,
    write_in,
    answer_contacts,
    value_products,
    consider,
    see_features,
    choose,
    weigh_chats,
    time_orders,
    allocate,
    expect,
    check_out,
    pick_parcels,
    carry_parcels,
    judge_delivery,
    find_defects,
    send_back,
    write_reviews,
    report_media,
    note_contacts,
    feel,
    remember_buyers,
    count_stock,
    reorder,
)

# What passes from one day to the next; everything else is made anew every day.
STATE = (
    "adstock", "aware", "coached", "customer", "customers_by_region", "fatigue", "last_click",
    "last_order", "left", "order_count", "mailed_on", "own_index", "picked", "posts",
    "quarter_units", "rate", "rival", "stocked_until", "tide", "unsubscribed",
    "on_hand", "purchases", "restocking", "returning", "sales_memory", "source_cost",
    "backlog", "feelings", "leave_luck", "on_the_way", "satisfaction", "usual_delight",
    "contacts_due", "waiting", "usual_share",
)  # fmt: skip

_KEPT = (
    "on_sale", "base_cents", "price_cents", "depth", "cost_index", "budget_cents", "paid_cents",
    "clicks", "impressions", "claims", "posted", "picked", "coached", "rank",
    "searches", "rival", "aware",
    "mailed", "is_opened", "has_unsubscribed", "visitors", "route", "front", "stays", "in_cart",
    "running",
    "buyers", "order_visit", "order_cents", "order_discount_cents", "shipping_cents", "payment",
    "coupon", "line_order", "line_sku", "line_units", "line_price_cents", "line_discount_cents",
    "line_cents", "line_cost_cents", "back_line", "back_units", "back_after_days", "back_reason",
    "rated_line", "rated_stars", "rated_after_days", "is_invited", "feeling", "people_today",
    "expected_orders", "expected_amount", "expected_margin", "route_visits", "route_orders",
    "route_amount", "route_margin", "sku_units", "sku_slope",
    "carrier", "promised_days", "pick_place", "transit_days", "late_days", "parcel_cents",
    "parcel_co2_g", "parcel_luck", "delivery_days", "transit_by_carrier",
    "received_units", "restocked_units", "sold_units", "written_off", "closing", "out_minutes",
    "holding_cents", "on_order", "in_transit", "arrived", "placed", "demand_units", "lost_units",
    "away_units", "instead_units", "stock_response",
    "visit_luck", "planned_agents", "present_agents", "service_cents", "tickets",
    "ticket_order_chance", "is_open", "is_delisted",
)  # fmt: skip
_OF_BUYERS = ("route_chance", "fired")  # kept of visits that ordered, routes x orders
_pick_kept = itemgetter(*_KEPT)
_PLACE = {name: place for place, name in enumerate((*_KEPT, *_OF_BUYERS))}
_FLUSH_VISITS = 1 << 17


@dataclass
class Log:
    """What some days left behind: one entry a day for each kept value."""

    first: int
    days: int = 0
    visits: int = 0
    rows: list[tuple[Array, ...]] = field(default_factory=list)
    last: Day | None = None  # set when the log is handed over

    def keep(self, day: Day) -> None:
        """Add a day."""
        bought = day["order_visit"]
        of_buyers = [day[name][:, bought].T for name in _OF_BUYERS]
        self.rows.append((*_pick_kept(day.values), *of_buyers))
        self.days += 1
        self.visits += len(day["visitors"])

    def values(self, name: str) -> list[Any]:
        """Return a value of each day."""
        place = _PLACE[name]
        return [row[place] for row in self.rows]

    def join(self, name: str) -> Array:
        """Return a value of all days, one after another."""
        return np.concatenate(self.values(name))

    def stack(self, name: str) -> Array:
        """Return a value of fixed shape with the days as its first axis."""
        return np.array(self.values(name))

    def counts(self, name: str) -> Array:
        """Return how many entries a value has on each day."""
        return np.array([len(one) for one in self.values(name)], dtype=np.int64)

    def day_of(self, name: str) -> Array:
        """Return the day of each entry of a joined value."""
        return self.first + np.repeat(np.arange(self.days), self.counts(name))

    def join_positions(self, name: str, within: str) -> Array:
        """Return joined positions that count through all entries of another value."""
        before = np.cumsum(self.counts(within)) - self.counts(within)
        return self.join(name) + np.repeat(before, self.counts(name))


def run_days(
    world: World,
    noise: Noise,
    plan: Plan | None,
    days: int,
    *,
    flush: Callable[[Log], None],
    mechanisms: Sequence[Mechanism] = MECHANISMS,
    first: int = 0,
    state: Mapping[str, Any] | None = None,
) -> Day:
    """Run a world under a plan, day by day; hand the log over whenever it has grown long.

    Mechanisms run in the order given, every day; see :func:`causal_graph`. When the log is
    handed over depends on what happened and on nothing else. A run that goes on from a
    checkpoint starts on the day ``first``, in the state that was kept.
    """
    day = begin(world, noise, plan)
    day.values.update(state or {})
    log = Log(first=first)
    for index in range(first, days):
        day.index = index
        for step in mechanisms:
            step(day)
        log.keep(day)
        if log.visits >= _FLUSH_VISITS or index == days - 1:
            log.last = day
            flush(log)
            log = Log(first=index + 1)
    return day


def begin(world: World, noise: Noise, plan: Plan | None) -> Day:
    """Set the state before the first day: as if the status quo had always been."""
    scenario, people = world.scenario, world.people
    day = Day(world, noise, plan.in_force(scenario.start) if plan is not None else ())
    count, kinds = len(people.ids), len(scenario.categories)
    customer = people.since <= 0
    rate = np.where(customer, people.customer_rate, people.newcomer_rate)
    usual = np.array([route.spend for route in scenario.routes.values()])
    usually = (scenario.shoppers.aware_share, scenario.entry.aware_share)  # where it sells, or not
    known = [
        usually[region.is_new] if region.aware_share is None else region.aware_share
        for region in scenario.regions.values()
    ]
    long_ago = np.full(count, -10_000, dtype=np.int32)
    day["customer"], day["left"] = customer, people.has_left.copy()
    day["rate"] = np.where(people.has_left, 0, rate).astype(np.float32)
    day["last_order"] = np.where(customer, people.since, long_ago).astype(np.int32)
    day["order_count"] = people.orders_before.copy()
    day["stocked_until"], day["mailed_on"] = long_ago.copy(), long_ago.copy()
    day["last_click"] = np.tile(long_ago.astype(np.int16), (len(scenario.routes), 1))
    day["fatigue"] = np.zeros(count, dtype=np.float32)
    day["unsubscribed"] = np.zeros(count, dtype=bool)
    day["customers_by_region"] = np.bincount(
        people.region[customer], minlength=len(scenario.regions)
    )
    day["adstock"] = np.outer(usual, is_old(scenario))
    day["aware"], day["posts"], day["tide"] = np.array(known), (), None
    day["rival"], day["own_index"] = np.zeros(kinds), np.zeros((14, kinds))
    goods = len(world.products.key)
    day["picked"], day["coached"] = np.zeros(goods, dtype=bool), np.zeros(goods, dtype=bool)
    day["quarter_units"], day["usual_share"] = np.zeros(goods), usual_shares(world)
    felt = scenario.satisfaction.usual if scenario.satisfaction is not None else 0.0
    day["satisfaction"] = np.full(count, felt, dtype=np.float32)
    day["leave_luck"], day["feelings"] = first_luck(people.has_left), []
    day["backlog"], day["on_the_way"] = 0.0, NO_PARCELS
    day["usual_delight"] = usual_delight(scenario)
    day["contacts_due"], day["waiting"] = NO_CONTACTS, NO_CONTACTS
    begin_stock(day, noise.uniform("stock.begin", world.products.key))
    return day


def causal_graph(mechanisms: Sequence[Mechanism] = MECHANISMS) -> list[tuple[str, str, str]]:
    """Return the arrows (cause, effect, mechanism) that the mechanisms declare.

    Examples
    --------
    >>> ("budget_by_region", "budget_cents", "buy_media") in causal_graph()
    True
    """
    return edges(mechanisms)
