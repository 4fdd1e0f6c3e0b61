"""Visits of machines among those of people: an incident of the record, never of the shop."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab import schema
from ecomlab.simulator.entering import is_old
from ecomlab.simulator.noise import Array
from ecomlab.simulator.parameters import DEVICES
from ecomlab.simulator.tables import arrow, trials
from ecomlab.simulator.tables.record import Piece, Recorder

__all__ = ["with_bots"]

_MACHINES = 12
_FIRST_VISIT, _FIRST_COOKIE = 1 << 47, 1 << 39  # numbers that no person's visits reach
_PER_DAY = 1 << 22


def with_bots(recorder: Recorder, piece: Piece, people: pa.Table) -> pa.Table:
    """Return the visits of some days with those of machines among them, in the order of time."""
    days = piece.log.first + np.arange(piece.log.days)
    share = recorder.parameter("log.bot_share", 0.0, day=days)
    if not np.any(share):
        return people
    visits = np.bincount(piece.visit_day - piece.log.first, minlength=len(days))
    count = np.floor(share * visits + recorder.noise.uniform("bot.count", days)).astype(np.int64)
    day = np.repeat(days, np.minimum(count, _PER_DAY - 1))
    turn = np.arange(len(day)) - np.searchsorted(day, day)
    number = _FIRST_VISIT + day * _PER_DAY + turn
    start, machines = _visits(recorder, people.column_names, day, number)
    both = pa.concat_tables([_plain(people), _plain(machines)])
    rank = np.argsort(np.concatenate([piece.visit_start, start]), kind="stable")
    return both.take(pa.array(rank)).combine_chunks()


def _visits(
    recorder: Recorder, columns: list[str], day: Array, number: Array
) -> tuple[Array, pa.Table]:
    """Return when machines came, and their visits: quick, of one page, without an order."""
    scenario, bounds = recorder.world.scenario, recorder.bounds
    old = is_old(scenario)
    luck = [recorder.noise.uniform("bot", number, part=part) for part in ("hour", "who", "pages")]
    start = bounds[day] + np.floor(luck[0] * (bounds[day + 1] - bounds[day])).astype(np.int64)
    machine = (luck[1] * _MACHINES).astype(np.int64)
    nobody = np.full(len(day), -1)
    zero = np.zeros(len(day), dtype=np.int64)
    direct = scenario.routes.get("direct", next(iter(scenario.routes.values()))).channel
    known = {
        "front": arrow.words(zero, tuple(scenario.fronts) or ("",)),
        "session_id": recorder.session_id(number),
        "started_at": arrow.instants(start),
        "date": arrow.days(scenario.start, day),
        "visitor_id": trials.write_cookies(recorder, _FIRST_COOKIE + machine),
        "customer_id": recorder.person(nobody),
        "region_id": arrow.words(np.flatnonzero(old)[machine % old.sum()], tuple(scenario.regions)),
        "device": arrow.words(zero, DEVICES),
        "channel": arrow.words(zero, (direct,)),
        "landing": arrow.words(zero, ("product",)),
        "experiment_arms": arrow.words(nobody, ("",)),
        "product_views": (luck[2] < 0.9).astype(np.int64),
        "added_to_cart": zero > 0,
        "reached_checkout": zero > 0,
        "order_id": recorder.order_id(nobody),
        "load_ms": np.rint(180 + 90 * luck[0]),
    }
    return start, arrow.table("sessions", {name: known[name] for name in columns})


def _plain(table: pa.Table) -> pa.Table:
    """Return a table without dictionaries, whose words may differ from piece to piece."""
    return table.cast(schema.arrow_schema("sessions", table.column_names))
