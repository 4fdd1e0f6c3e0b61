"""Every observed table of a store: columns, units, keys, allowed values.

One definition serves the simulator, the importers, the quality check and the
data dictionary. A table is a pandera schema; each column carries its unit in
``title``, its meaning in ``description`` and its kind, key and reference in
``metadata``. Money is an amount in the store's currency, a ``date`` is a local
calendar day of the store, an ``…_at`` is an instant in UTC, a ``…_share`` lies
between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

__all__ = [
    "KINDS",
    "MINIMUM",
    "TABLES",
    "VERSION",
    "ContractError",
    "Failure",
    "Kind",
    "Table",
    "arrow_schema",
    "cast",
    "check",
    "dictionary",
    "failures",
    "references",
]

VERSION = 2
MINIMUM = ("orders", "order_lines")


class ContractError(ValueError):
    """A table breaks its contract; the message names column, rows and remedy."""


@dataclass(frozen=True)
class Kind:
    """How a column is held: in pandas, and in Parquet."""

    pandas: str
    arrow: arrow.DataType
    remedy: str


KINDS: Mapping[str, Kind] = {
    "text": Kind("str", arrow.string(), "Give text."),
    "whole": Kind("int64", arrow.int64(), "Give whole numbers without gaps."),
    "whole?": Kind("Int64", arrow.int64(), "Give whole numbers; leave unknown ones empty."),
    "number": Kind("float64", arrow.float64(), "Give finite numbers with a decimal point."),
    "flag": Kind("bool", arrow.bool_(), "Give true or false."),
    "day": Kind("datetime64[us]", arrow.date32(), "Give local calendar days as YYYY-MM-DD."),
    "instant": Kind(
        "datetime64[us, UTC]",
        arrow.timestamp("us", tz="UTC"),
        "Give instants in UTC, or let the importer convert local times.",
    ),
}


def _column(
    kind: str,
    unit: str,
    meaning: str,
    *,
    key: bool = False,
    to: str = "",
    low: float | None = None,
    high: float | None = None,
    values: Iterable[str] = (),
    needed: bool = False,
    empty: bool = False,
    personal: bool = False,
) -> pa.Column:
    """Describe one column: its kind, unit and meaning, and what its values must obey."""
    checks = []
    if low is not None:
        checks.append(pa.Check.ge(low, error=f"at least {low:g}"))
    if high is not None:
        checks.append(pa.Check.le(high, error=f"at most {high:g}"))
    if values := tuple(values):
        checks.append(pa.Check.isin(values, error="one of " + ", ".join(values)))
    return pa.Column(
        None,
        checks,
        nullable=empty,
        required=needed or key,
        title=unit,
        description=meaning,
        metadata={
            "kind": kind,
            "key": key,
            "to": to,
            "values": values,
            "low": low,
            "high": high,
            "personal": personal,
        },
    )


def _text(meaning: str, **rules: Any) -> pa.Column:
    return _column("text", "", meaning, **rules)


def _key(meaning: str, to: str = "", **rules: Any) -> pa.Column:
    return _column("text", "", meaning, key=True, to=to, **rules)


def _ref(to: str, meaning: str, **rules: Any) -> pa.Column:
    return _column("text", "", meaning, to=to, **rules)


def _day(meaning: str, **rules: Any) -> pa.Column:
    return _column("day", "local day", meaning, **rules)


def _instant(meaning: str, **rules: Any) -> pa.Column:
    return _column("instant", "UTC", meaning, **rules)


def _money(meaning: str, low: float | None = 0, unit: str = "currency", **rules: Any) -> pa.Column:
    return _column("number", unit, meaning, low=low, **rules)


def _count(meaning: str, unit: str, low: float = 0, **rules: Any) -> pa.Column:
    return _column("whole", unit, meaning, low=low, **rules)


def _share(meaning: str, **rules: Any) -> pa.Column:
    return _column("number", "share", meaning, low=0, high=1, **rules)


def _number(meaning: str, unit: str, **rules: Any) -> pa.Column:
    return _column("number", unit, meaning, **rules)


def _flag(meaning: str, **rules: Any) -> pa.Column:
    return _column("flag", "true/false", meaning, **rules)


def _table(meaning: str, **columns: pa.Column) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(
        columns,
        unique=[name for name, column in columns.items() if column.metadata["key"]],
        description=meaning,
        strict=False,
    )


Table: TypeAlias = pa.DataFrameSchema

CHANNELS = (
    "direct", "seo", "paid_search", "social", "email", "creators", "affiliate", "live", "other",
)  # fmt: skip
DEVICES = ("desktop", "mobile", "tablet", "app", "other")
RESEARCH = ("survey", "conjoint", "price_answers", "interviews")
PANELS = ("online", "customers", "random")
PAYMENT = ("paid", "pending", "failed", "refunded", "cancelled")

TABLES: Mapping[str, Table] = {
    "calendar": _table(
        "One row a local calendar day.",
        date=_column("day", "local day", "the day", key=True),
        weekday=_count("0 is Monday, 6 is Sunday", "", high=6),
        week=_count("ISO week of the year", "", low=1, high=53),
        quarter=_count("quarter of the year", "", low=1, high=4),
        event_id=_text("the shopping event whose window holds the day", empty=True),
        days_to_event=_column("whole?", "days", "days until the next event's peak", empty=True),
        is_payday=_flag("salaries are commonly paid on this day"),
    ),
    "regions": _table(
        "One row a sales region.",
        region_id=_key("region code"),
        name=_text("region's name"),
        population=_count("people living there", "people"),
        income_index=_number("mean income over the mean of all regions", "ratio", low=0),
        km_to_depot=_number("road distance to the nearest depot", "km", low=0),
        launch_date=_day("first day of sale, where that lies in the period", empty=True),
        is_new=_flag("not sold in before the period; entered on launch_date, if at all"),
    ),
    "products": _table(
        "One row a stock keeping unit.",
        sku=_key("stock keeping unit"),
        name=_text("what the shop calls it", empty=True),
        category_id=_text("category", empty=True),
        brand=_text("brand", empty=True),
        is_eco=_flag("sold with an ecological claim"),
        attribute_1=_number("first taste attribute (the axes of the positioning map)", "score"),
        attribute_2=_number("second taste attribute", "score"),
        attribute_3=_number("third taste attribute", "score"),
        attribute_4=_number("fourth taste attribute", "score"),
        list_price=_money("price before any promotion", unit="currency/unit", empty=True),
        unit_cost=_money("purchase cost of a unit", unit="currency/unit", empty=True),
        weight_kg=_number("shipping weight", "kg", low=0, empty=True),
        volume_l=_number("shipping volume", "L", low=0, empty=True),
        embodied_co2_kg=_number("emissions until the depot", "kg CO2e", low=0, empty=True),
        supplier_id=_text("who delivers it", empty=True),
        launch_date=_day("first day of sale", empty=True),
        cannibal_group=_text("products that replace one another", empty=True),
    ),
    "prices": _table(
        "One row a product and day: what the shop asked.",
        date=_column("day", "local day", "the day", key=True),
        sku=_key("stock keeping unit", "products.sku"),
        price=_money("price asked before order discounts", unit="currency/unit", needed=True),
        is_promoted=_flag("the price is a promotion"),
        promo_depth_share=_share("reduction over the list price"),
        promo_cost=_money("cost of running the promotion, a unit", unit="currency/unit"),
        supply_cost_index=_number("supplier's cost over its mean", "ratio", low=0),
    ),
    "competitor_prices": _table(
        "One row a scraped price.",
        date=_column("day", "local day", "day of the scrape", key=True),
        sku=_key("our comparable product", "products.sku"),
        competitor=_key("competitor"),
        price=_money("their price", unit="currency/unit", empty=True),
        in_stock=_flag("they could deliver"),
    ),
    "customers": _table(
        "One row a known customer (guests have none).",
        customer_id=_key("pseudonym of the customer", personal=True),
        first_seen=_day("day of the first visit or order", empty=True),
        region_id=_ref("regions.region_id", "where they live", empty=True),
        device_main=_text("device used most", values=DEVICES, empty=True),
        age_band=_text("age band", empty=True),
        is_email_optin=_flag("may be mailed"),
        first_touch=_text("channel of the first visit", values=CHANNELS, empty=True),
        orders_to_date=_count("orders up to the end of the period", "orders"),
    ),
    "ad_daily": _table(
        "One row a day, channel, campaign and region: what advertising cost and claims.",
        date=_column("day", "local day", "the day", key=True),
        channel=_key("marketing channel", values=CHANNELS),
        campaign=_key("campaign"),
        region_id=_key("region", "regions.region_id"),
        budget=_money("allowed for the day", empty=True),
        spend=_money("spent on the day", needed=True),
        impressions=_count("times shown", "impressions"),
        clicks=_count("clicks", "clicks"),
        cost_per_click=_money("spend over clicks", unit="currency/click", empty=True),
        cost_per_thousand=_money("spend per thousand impressions", empty=True),
        reported_orders=_number("orders the platform claims (they overlap)", "orders", low=0),
    ),
    "seo_daily": _table(
        "One row a day and keyword cluster: unpaid search.",
        date=_column("day", "local day", "the day", key=True),
        cluster=_key("keyword cluster"),
        rank=_number("mean position in the results, 1 is best", "position", low=1),
        impressions=_count("times shown", "impressions"),
        clicks=_count("clicks", "clicks"),
    ),
    "email_sends": _table(
        "One row a mail to a customer.",
        send_id=_key("mail sent"),
        date=_day("day sent"),
        customer_id=_ref("customers.customer_id", "receiver", personal=True),
        kind=_text("campaign or automatic flow", values=("campaign", "flow")),
        opened_at=_instant("first opened", empty=True),
        clicked_at=_instant("first clicked", empty=True),
        is_unsubscribed=_flag("unsubscribed from this mail"),
        arm=_text("arm of an experiment", empty=True),
    ),
    "creator_posts": _table(
        "One row a paid post of a creator.",
        post_id=_key("post"),
        date=_day("day posted"),
        creator=_text("creator"),
        fee=_money("paid for the post"),
        followers=_count("followers on the day", "people"),
        engagements=_count("likes, comments and shares in seven days", "engagements"),
    ),
    "live_sessions": _table(
        "One row a live-selling show.",
        show_id=_key("show"),
        date=_day("day of the show"),
        creator=_text("host"),
        fee=_money("paid for the show"),
        minutes=_number("length", "minutes", low=0),
        viewers=_count("people who watched", "people"),
        skus=_text("products shown, separated by spaces", empty=True),
        discount_share=_share("reduction during the show"),
    ),
    "sessions": _table(
        "One row a visit to the shop.",
        session_id=_key("visit"),
        started_at=_instant("first request"),
        date=_day("local day of the first request", needed=True),
        visitor_id=_text("browser's pseudonym", personal=True, empty=True),
        customer_id=_ref(
            "customers.customer_id", "customer, where logged in", empty=True, personal=True
        ),
        region_id=_ref("regions.region_id", "region of the visitor", empty=True),
        device=_text("device", values=DEVICES, empty=True),
        channel=_text("channel of the last click before the visit", values=CHANNELS, empty=True),
        landing=_text("kind of the first page", empty=True),
        front=_text("storefront visited, where there are several", empty=True),
        experiment_arms=_text("arms the visit belongs to, separated by spaces", empty=True),
        product_views=_count("product pages seen", "pages"),
        added_to_cart=_flag("something went into the cart"),
        reached_checkout=_flag("the checkout was opened"),
        order_id=_ref("orders.order_id", "order placed in the visit", empty=True),
        load_ms=_number("median page load time", "ms", low=0, empty=True),
    ),
    "events": _table(
        "One row a step within a visit.",
        session_id=_key("visit", "sessions.session_id"),
        position=_column("whole", "", "order of the step, from 1", key=True, low=1),
        sku=_ref("products.sku", "product concerned", empty=True),
        kind=_text("what happened", values=("view", "add_to_cart", "remove", "checkout")),
        occurred_at=_instant("when"),
    ),
    "orders": _table(
        "One row an order placed.",
        order_id=_key("order number"),
        ordered_at=_instant("when it was placed", needed=True),
        date=_day("local day it was placed", needed=True),
        customer_id=_ref(
            "customers.customer_id", "known customer; empty for a guest",
            needed=True, empty=True, personal=True,
        ),
        session_id=_ref("sessions.session_id", "visit it was placed in", empty=True),
        region_id=_ref("regions.region_id", "delivered to", empty=True),
        amount=_money("goods after discounts, before shipping and returns", needed=True),
        discount_amount=_money("all discounts on the order", empty=True),
        shipping_fee=_money("shipping the customer paid", empty=True),
        payment_status=_text("state of the payment", values=PAYMENT, empty=True),
        promised_date=_day("delivery day promised", empty=True),
        coupon=_text("coupon code used", empty=True),
        front=_text("storefront, where there are several", empty=True),
    ),
    "order_lines": _table(
        "One row a product within an order.",
        order_id=_key("order number", "orders.order_id"),
        line=_column("whole", "", "position within the order, from 1", key=True, low=1),
        sku=_ref("products.sku", "product", needed=True),
        units=_count("units sold", "units", low=1, needed=True),
        price=_money("price of a unit before discounts", unit="currency/unit", needed=True),
        discount_amount=_money("discounts on the line", empty=True),
        amount=_money("units x price - discount_amount", needed=True),
        unit_cost=_money("purchase cost of a unit (first in, first out)",
                         unit="currency/unit", empty=True),
        substituted_for=_ref("products.sku", "what the shopper had wanted", empty=True),
    ),
    "inventory_daily": _table(
        "One row a product and day, at closing time.",
        date=_column("day", "local day", "the day", key=True),
        sku=_key("stock keeping unit", "products.sku"),
        on_hand_units=_count("in the depot", "units", needed=True),
        on_order_units=_count("ordered, not shipped", "units"),
        in_transit_units=_count("on the way to the depot", "units"),
        out_of_stock_minutes=_number("time without stock", "minutes", low=0, high=1440),
        received_units=_count("came in on the day, from suppliers", "units"),
        restocked_units=_count("returned by customers, back in the depot", "units"),
        sold_units=_count("left the depot for orders that were paid", "units"),
        written_off_units=_count("lost, broken, outdated, or sold off when delisted", "units"),
    ),
    "purchase_orders": _table(
        "One row a product ordered from a supplier.",
        purchase_id=_key("purchase order"),
        sku=_ref("products.sku", "product"),
        supplier_id=_text("supplier"),
        units=_count("units ordered", "units", low=1),
        placed_date=_day("day placed"),
        promised_date=_day("day promised", empty=True),
        received_date=_day("day received", empty=True),
        received_units=_column("whole?", "units", "units received", low=0, empty=True),
        unit_cost=_money("cost of a unit", unit="currency/unit", empty=True),
    ),
    "shipments": _table(
        "One row a parcel.",
        order_id=_key("order number", "orders.order_id"),
        parcel=_column("whole", "", "parcel within the order, from 1", key=True, low=1),
        carrier=_text("carrier"),
        picked_at=_instant("picked in the depot", empty=True),
        shipped_at=_instant("handed to the carrier", empty=True),
        delivered_at=_instant("delivered", empty=True),
        status=_text(
            "state",
            values=("waiting", "packed", "in_transit", "delivered", "lost", "returned"),
        ),
        distance_km=_number("distance", "km", low=0, empty=True),
        cost=_money("carrier's charge", empty=True),
        co2_g=_number("emissions of the delivery", "g CO2e", low=0, empty=True),
    ),
    "returns": _table(
        "One row an order line sent back or cancelled after payment.",
        return_id=_key("return"),
        order_id=_ref("orders.order_id", "order, where it can be matched", empty=True),
        line=_column("whole?", "", "line of the order", low=1, empty=True),
        sku=_ref("products.sku", "product", empty=True),
        customer_id=_ref("customers.customer_id", "who returned", empty=True, personal=True),
        requested_at=_instant("when it was asked for", empty=True),
        date=_day("local day the refund is booked", needed=True),
        units=_count("units returned", "units", low=0, needed=True),
        reason=_text("reason given", empty=True),
        refund_amount=_money("paid back", needed=True),
        resale_value=_money("what the goods still fetch", empty=True),
    ),
    "tickets": _table(
        "One row a contact with customer service that has ended, answered or not.",
        ticket_id=_key("ticket"),
        created_at=_instant("when it arrived"),
        date=_day("local day it arrived", empty=True),
        kind=_text("about", values=("presale", "where_is_my_order", "return", "damage", "other")),
        customer_id=_ref("customers.customer_id", "who wrote, where known", empty=True,
                         personal=True),
        session_id=_ref("sessions.session_id", "visit in which it was asked", empty=True),
        order_id=_ref("orders.order_id", "order concerned", empty=True),
        channel=_text("channel", values=("chat", "phone", "email")),
        first_response_at=_instant("first answer", empty=True),
        is_abandoned=_flag("the customer left before an answer"),
        resolved_at=_instant("closed, or given up", empty=True),
        team=_text("team", empty=True),
        is_put_first=_flag("put before all others, by lot"),
        satisfaction=_column("whole?", "1-5", "score given afterwards", low=1, high=5, empty=True),
    ),
    "reviews": _table(
        "One row a product review.",
        review_id=_key("review"),
        order_id=_ref("orders.order_id", "order", empty=True),
        sku=_ref("products.sku", "product"),
        date=_day("day written"),
        stars=_count("stars", "1-5", low=1, high=5),
        is_verified=_flag("the writer bought the product here"),
        is_invited=_flag("the writer was asked, by lot, to write"),
    ),
    "experiments": _table(
        "One row an experiment.",
        experiment_id=_key("experiment"),
        unit=_text(
            "what is assigned",
            values=("visitor", "customer", "region", "sku", "day", "order", "ticket"),
        ),
        arms=_text("arms, separated by spaces"),
        shares=_text("planned shares, separated by spaces"),
        start_date=_day("first day"),
        end_date=_day("last day", empty=True),
    ),
    "assignments": _table(
        "One row a unit of an experiment.",
        experiment_id=_key("experiment", "experiments.experiment_id"),
        unit_id=_key("unit", personal=True),
        arm=_text("arm"),
    ),
    "roster": _table(
        "One row an hour and team of customer service.",
        date=_column("day", "local day", "the day", key=True),
        hour=_column("whole", "local hour", "hour of the day", key=True, low=0, high=23),
        team=_key("team"),
        planned_agents=_count("agents planned", "agents"),
        present_agents=_count("agents who came", "agents"),
    ),
    "targets": _table(
        "One row a target set.",
        period=_key("period, as 2025-Q3, 2025-07 or 2025-W27"),
        kpi=_key("key indicator"),
        target=_number("value to reach", "unit of the indicator"),
        unit=_text("unit of the indicator", empty=True),
        owner=_text("who answers for it", empty=True),
    ),
    "plan_log": _table(
        "One row a decision carried out.",
        date=_column("day", "local day", "day it took effect", key=True),
        decision=_key("lever"),
        old=_text("value before", empty=True),
        new=_text("value after", empty=True),
        author=_text("who decided", empty=True),
    ),
    "costs_daily": _table(
        "One row a day: what the store paid, beside the goods.",
        date=_column("day", "local day", "the day", key=True),
        marketing=_money("advertising and creators", empty=True),
        fulfilment=_money("picking and shipping", empty=True),
        service=_money("customer service", empty=True),
        holding=_money("capital and space bound in stock", empty=True),
        returns_handling=_money("handling of returns, without the refunds", empty=True),
        payment=_money("payment providers and platforms", empty=True),
        research=_money("market research, experiments and features", empty=True),
        entry=_money("entering new regions: launch, running costs, certification", empty=True),
        fixed=_money("rent, salaries, software", empty=True),
    ),
    "population_margins": _table(
        "One row a level of a trait whose shares among people who buy online are published.",
        variable=_key("trait, named as in survey_answers"),
        level=_key("its level"),
        share=_share("share of the people", needed=True),
    ),
    "research_orders": _table(
        "One row a piece of market research bought.",
        research_id=_key("the order"),
        kind=_text("what was bought", values=RESEARCH),
        date=_day("day of the field work"),
        panel=_text("who was asked", values=PANELS),
        asked=_count("people asked until enough had answered", "people"),
        answered=_count("people who answered", "people"),
        cost=_money("paid for it"),
    ),
    "survey_answers": _table(
        "One row a respondent of a survey: what was said, not what is true.",
        research_id=_key("the order", "research_orders.research_id"),
        respondent_id=_key("pseudonym; the customer's where the panel is customers", personal=True),
        date=_day("day of the answers"),
        panel=_text("who was asked", values=PANELS),
        region_id=_ref("regions.region_id", "where they live"),
        age_band=_text("age band"),
        device_main=_text("device used most", values=DEVICES),
        is_buyer_claimed=_flag("says to have bought here"),
        is_known_unaided=_flag("names the shop without being shown its name"),
        is_known_aided=_flag("says to know the shop when shown its name"),
        orders_last_year=_count("orders in the last year, over all shops", "orders"),
        spend_last_year=_money("money spent on them"),
        here_share=_share("share of these orders placed here", empty=True),
        favourite_category=_text("category bought most"),
        satisfaction=_column("whole?", "1-5", "with the shop; of those who say they bought",
                             low=1, high=5, empty=True),
        purchase_intention=_count("will order here within three months", "1-5", low=1, high=5),
        recommends=_column("whole?", "0-10", "would recommend the shop; of those who bought",
                           low=0, high=10, empty=True),
        eco_premium_share=_share("more they would pay for an ecological product"),
        seconds=_count("time taken", "s"),
    ),
    "choice_answers": _table(
        "One row an alternative of a choice task (conjoint).",
        research_id=_key("the order", "research_orders.research_id"),
        respondent_id=_key("pseudonym; the customer's where the panel is customers", personal=True),
        task=_column("whole", "", "task of the respondent, from 1", key=True, low=1),
        alternative=_column("whole", "", "alternative of the task, from 1", key=True, low=1),
        region_id=_ref("regions.region_id", "where they live"),
        age_band=_text("age band"),
        is_none=_flag("the alternative is none of the products"),
        category_id=_text("category the products are of"),
        price=_money("price shown", unit="currency/unit", empty=True),
        brand=_text("brand shown", empty=True),
        is_eco=_flag("shown with an ecological claim"),
        quality_step=_column("whole", "steps", "quality shown: -1 plain, 0 usual, 1 fine"),
        attribute_1=_number("first taste attribute shown", "score"),
        is_chosen=_flag("this alternative was chosen", needed=True),
    ),
    "price_answers": _table(
        "One row a respondent and category: four prices (Van Westendorp).",
        research_id=_key("the order", "research_orders.research_id"),
        respondent_id=_key("pseudonym; the customer's where the panel is customers", personal=True),
        category_id=_key("category"),
        region_id=_ref("regions.region_id", "where they live"),
        age_band=_text("age band"),
        sku=_ref("products.sku", "product shown", empty=True),
        too_cheap=_money("so cheap that the quality seems doubtful", unit="currency/unit"),
        cheap=_money("a bargain", unit="currency/unit"),
        expensive=_money("dear, yet worth a thought", unit="currency/unit"),
        too_expensive=_money("too dear to consider", unit="currency/unit"),
    ),
    "interviews": _table(
        "One row a question put to a respondent of an interview.",
        research_id=_key("the order", "research_orders.research_id"),
        respondent_id=_key("pseudonym; the customer's where the panel is customers", personal=True),
        question=_column("whole", "", "number of the question, from 1", key=True, low=1),
        region_id=_ref("regions.region_id", "where they live"),
        age_band=_text("age band"),
        asked=_text("the question"),
        said=_text("the answer, in the respondent's words"),
    ),
    "interview_codes": _table(
        "One row a code that a coder gave to an answer.",
        research_id=_key("the order", "research_orders.research_id"),
        respondent_id=_key("who answered", personal=True),
        question=_column("whole", "", "number of the question", key=True, low=1),
        coder=_key("who coded"),
        theme=_text("what the answer is about, as the coder sees it"),
    ),
    "kpi_daily": _table(
        "One row a day and indicator, as the shop's own reports had it.",
        date=_column("day", "local day", "the day", key=True),
        kpi=_key("key indicator"),
        value=_number("value", "unit of the indicator"),
    ),
}  # fmt: skip


def _schema(table: str) -> Table:
    try:
        return TABLES[table]
    except KeyError:
        raise ContractError(
            f"{table!r} is not a table of a store. Known tables: {', '.join(TABLES)}."
        ) from None


def references(table: str) -> dict[str, tuple[str, str]]:
    """Return the foreign keys of a table: column -> (table, column) it points to.

    Examples
    --------
    >>> references("order_lines")["sku"]
    ('products', 'sku')
    """
    columns = _schema(table).columns
    pairs = {name: str(column.metadata["to"]) for name, column in columns.items()}
    return {name: (to.split(".")[0], to.split(".")[1]) for name, to in pairs.items() if to}


def arrow_schema(table: str, columns: Iterable[str] | None = None) -> arrow.Schema:
    """Return the Parquet types of a table's columns (all, or those named, in schema order).

    Examples
    --------
    >>> arrow_schema("reviews", ["stars", "date"]).names
    ['date', 'stars']
    """
    wanted = None if columns is None else set(columns)
    return arrow.schema(
        [
            (name, KINDS[column.metadata["kind"]].arrow)
            for name, column in _schema(table).columns.items()
            if wanted is None or name in wanted
        ]
    )


def cast(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return the frame's schema columns, in schema order, in their pandas types.

    Columns the schema does not know are left out.

    Raises
    ------
    ContractError
        Where values cannot be held in the column's type: names column, rows and remedy.
    """
    columns = _schema(table).columns
    out = {}
    for name, column in columns.items():
        if name not in frame:
            continue
        kind = KINDS[column.metadata["kind"]]
        try:
            out[name] = _as_kind(frame[name], column.metadata["kind"], kind.pandas)
        except (ValueError, TypeError, OverflowError) as error:
            raise ContractError(
                f"{table}.{name}: values are not of kind {column.metadata['kind']!r}. {kind.remedy}"
            ) from error
    return pd.DataFrame(out, index=frame.index)


def _as_kind(values: pd.Series, kind: str, dtype: str) -> pd.Series:
    """Convert one column; dates and instants need more than ``astype``."""
    if str(values.dtype) == dtype:
        return values
    if kind == "instant":
        return pd.to_datetime(values, utc=True).astype(dtype)
    if kind == "day":
        return pd.to_datetime(values).astype(dtype).dt.normalize()
    if kind == "flag" and values.isna().any():
        raise ValueError("gaps")
    if kind == "number":
        return pd.to_numeric(values).astype(dtype)
    return values.astype(dtype)


def check(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return the frame in schema types, or raise with every broken rule of the table.

    Parameters
    ----------
    frame
        Rows of the table; columns that the schema does not know are left out.
    table
        Name of the table, a key of :data:`TABLES`.

    Raises
    ------
    ContractError
        One sentence a broken rule: column, number of rows, first bad row, remedy.
        Values of personal columns are never shown.

    Examples
    --------
    >>> lines = pd.DataFrame({"order_id": ["a"], "line": [1], "sku": ["x"], "units": [0],
    ...                       "price": [2.0], "amount": [0.0]})
    >>> check(lines, "order_lines")
    Traceback (most recent call last):
    ...
    ecomlab.schema.ContractError: order_lines.units: 1 row not at least 1 (first at row 0: 0). ...
    """
    broken = failures(frame, table)
    if broken:
        raise ContractError(" ".join(str(failure) for failure in broken))
    return cast(frame, table)


@dataclass(frozen=True)
class Failure:
    """One broken rule of one column."""

    table: str
    column: str
    rule: str
    rows: int
    first: str
    remedy: str

    def __str__(self) -> str:
        count = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        where = f" (first at {self.first})" if self.first else ""
        named = f"{self.table}.{self.column}" if self.column else self.table
        return f"{named}: {count} {self.rule}{where}. {self.remedy}"


def failures(frame: pd.DataFrame, table: str) -> list[Failure]:
    """Return every broken rule of a table as data (see :func:`check`)."""
    schema = _schema(table)
    missing = [n for n, c in schema.columns.items() if c.required and n not in frame]
    if missing:
        return [
            Failure(table, n, "without it: the column is missing", len(frame), "",
                    f"Supply {n} ({schema.columns[n].description}).")
            for n in missing
        ]  # fmt: skip
    try:
        typed = cast(frame, table)
    except ContractError as error:
        column = str(error).split(":", 1)[0].split(".", 1)[1]
        kind = KINDS[schema.columns[column].metadata["kind"]]
        return [Failure(table, column, "of the wrong type", len(frame), "", kind.remedy)]
    infinite = [
        Failure(table, name, "not finite", int(bad.sum()), _first(typed, bad, name, table),
                "Leave unknown numbers empty.")
        for name in typed.select_dtypes("float64")
        if (bad := np.isinf(typed[name])).any()
    ]  # fmt: skip
    try:
        schema.validate(typed, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return infinite + _translate(errors.failure_cases, typed, table)
    return infinite


def _translate(cases: pd.DataFrame, typed: pd.DataFrame, table: str) -> list[Failure]:
    """Turn pandera's failure cases into our sentences, values of personal columns masked."""
    found = []
    columns = _schema(table).columns
    for (column, rule), group in cases.groupby(["column", "check"], sort=False, dropna=False):
        name = str(column)
        if str(rule).startswith(("multiple_fields_uniqueness", "field_uniqueness")) or (
            name not in columns
        ):
            keys = list(_schema(table).unique or [])
            bad = typed.duplicated(keys, keep="first")
            found.append(
                Failure(table, "+".join(keys), "repeating an earlier key", int(bad.sum()),
                        f"row {typed.index[bad][0]}" if bad.any() else "",
                        "Remove the repeated rows, or make the key finer.")
            )  # fmt: skip
            continue
        wording = "empty" if rule == "not_nullable" else f"not {rule}"
        first = group["index"].iloc[0]
        shown = "" if columns[name].metadata["personal"] else f": {group['failure_case'].iloc[0]}"
        remedy = "Fill or reject them while importing." if rule == "not_nullable" else (
            f"Correct or reject them while importing; see {table}.{name} in the data dictionary."
        )  # fmt: skip
        found.append(Failure(table, name, wording, len(group), f"row {first}{shown}", remedy))
    return list({(f.column, f.rule): f for f in found}.values())


def _first(typed: pd.DataFrame, bad: pd.Series, column: str, table: str) -> str:
    at = typed.index[bad][0]
    personal = _schema(table).columns[column].metadata["personal"]
    return f"row {at}" if personal else f"row {at}: {typed.loc[at, column]}"


def dictionary() -> pd.DataFrame:
    """Return the data dictionary: one row a column of every table.

    Returns
    -------
    DataFrame
        ``table, column, kind, unit, key, refers_to, needed, may_be_empty, values, meaning``.

    Examples
    --------
    >>> words = dictionary()
    >>> words.query("table == 'orders' and key")["column"].tolist()
    ['order_id']
    """
    rows = []
    for table, schema in TABLES.items():
        for name, column in schema.columns.items():
            meta = column.metadata
            bounds = [f">= {meta['low']:g}"] if meta["low"] is not None else []
            bounds += [f"<= {meta['high']:g}"] if meta["high"] is not None else []
            rows.append(
                {
                    "table": table,
                    "column": name,
                    "kind": meta["kind"].rstrip("?"),
                    "unit": column.title or "",
                    "key": bool(meta["key"]),
                    "refers_to": meta["to"],
                    "needed": bool(column.required),
                    "may_be_empty": bool(column.nullable),
                    "values": ", ".join(meta["values"]) or ", ".join(bounds),
                    "meaning": column.description,
                }
            )
    return pd.DataFrame(rows)
