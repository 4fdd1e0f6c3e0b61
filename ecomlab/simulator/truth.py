"""What is true of a run: parameters, people, products, and what each day was expected to bring.

*Expected* sessions are given the state of the morning; expected orders and amounts are
given the day's visits. Both are of paid orders, and in the store's currency.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.tables import Record
from ecomlab.simulator.tables.arrow import days, ids, words
from ecomlab.store.sealing import Truth

__all__ = ["Truth", "tell_truth"]


def tell_truth(record: Record) -> Truth:
    """Return the truth of a run as named tables with their common hash."""
    return Truth(
        {
            "truth_params": _params(record.world.scenario),
            "truth_person": _people(record),
            "truth_sku": _products(record),
            "truth_day": _days(record),
            "truth_channel_day": _channel_days(record),
        }
    )


def _params(scenario: Scenario) -> pa.Table:
    flat = sorted(_flatten(scenario.model_dump(mode="json")).items())
    return pa.table({"parameter": [name for name, _ in flat], "value": [text for _, text in flat]})


def _flatten(values: Any, name: str = "") -> dict[str, str]:
    if isinstance(values, dict):
        pairs = values.items()
    elif isinstance(values, (list, tuple)):
        pairs = {str(i): value for i, value in enumerate(values)}.items()
    else:
        return {name: str(values)}
    return {
        path: text
        for key, value in pairs
        for path, text in _flatten(value, f"{name}.{key}" if name else key).items()
    }


def _people(record: Record) -> pa.Table:
    people, scenario = record.world.people, record.world.scenario
    affinity = np.round(people.affinity, 6)
    return pa.table(
        {
            "person": people.ids,
            "customer_id": ids("C", np.where(record.customer_from >= 0, people.ids, -1), 6),
            "region_id": words(people.region, tuple(scenario.regions)),
            "rate": np.round(people.rate, 6),
            "dropout_share": np.round(people.dropout, 6),
            "price_sensitivity": np.round(people.price_sensitivity, 6),
            "aware_from": days(scenario.start, people.aware_from),
            "is_guest": people.is_guest,
            "is_email_optin": people.has_mail,
            **{f"reach_{name}": affinity[i] for i, name in enumerate(scenario.channels)},
        }
    )


def _products(record: Record) -> pa.Table:
    goods = record.world.products
    return pa.table(
        {
            "sku": list(goods.sku),
            "quality": np.round(goods.quality, 6),
            "popularity": np.round(goods.popularity, 6),
            "return_share": np.round(goods.return_share, 6),
            "list_price": goods.list_cents / 100,
            "unit_cost": goods.cost_cents / 100,
            "launch_date": days(record.world.scenario.start, goods.launch),
        }
    )


def _days(record: Record) -> pa.Table:
    log = record.log
    paid = log.join("payment") == PAID
    day = record.order_day
    cents = np.bincount(day, weights=log.join("order_cents") * paid, minlength=log.days)
    return pa.table(
        {
            "date": days(record.world.scenario.start, np.arange(log.days)),
            "expected_sessions": np.round(log.stack("expected_visits"), 4),
            "sessions": log.counts("visitors"),
            "expected_orders": np.round(log.stack("expected_orders"), 4),
            "orders": np.bincount(day[paid], minlength=log.days),
            "expected_amount": np.round(log.stack("expected_amount"), 2),
            "amount": np.rint(cents) / 100,
        }
    )


def _channel_days(record: Record) -> pa.Table:
    log, names = record.log, tuple(record.world.scenario.channels)
    day, channel = np.indices((log.days, len(names))).reshape(2, -1)
    return pa.table(
        {
            "date": days(record.world.scenario.start, day),
            "channel": words(channel, names),
            "incremental_orders": np.round(log.stack("channel_orders").ravel(), 4),
            "incremental_amount": np.round(log.stack("channel_amount").ravel(), 2),
        }
    )
