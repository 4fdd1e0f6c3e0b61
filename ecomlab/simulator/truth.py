"""What is true of a run: laws, people, products, and what each route brought.

Two layers: *expected* values are conditional on the state and on who visits, free of the luck
of choice, and are what an estimate is scored against; *realised* ones are under this luck.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ecomlab.simulator.mechanisms.aftermath import stars_of
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.mechanisms.expectation import shapley_route_share, sole_route_chance
from ecomlab.simulator.noise import Array
from ecomlab.simulator.packs import tell_incidents
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.tables.arrow import days
from ecomlab.simulator.tables.parcels import tell_delivery, tell_parcels
from ecomlab.simulator.tables.record import NEVER, Piece, Recorder
from ecomlab.simulator.tables.regions import tell_regions
from ecomlab.simulator.tables.service import tell_service
from ecomlab.simulator.tables.stock import tell_demand, tell_suppliers
from ecomlab.store.sealing import Truth

__all__ = ["Teller", "Truth"]


class Teller:
    """Collects the truth of a run, piece by piece."""

    CONSTANT = frozenset({"recorder"})  # not saved in a checkpoint

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        goods = len(recorder.world.products.key)
        quarters = recorder.days // 91 + 1
        self.units, self.slope = np.zeros((quarters, goods)), np.zeros((quarters, goods))

    def write(self, piece: Piece) -> dict[str, pa.Table]:
        """Return the piece of each truth table that some days add."""
        log = piece.log
        quarter = (log.first + np.arange(log.days)) // 91
        np.add.at(self.units, quarter, log.stack("sku_units"))
        np.add.at(self.slope, quarter, log.stack("sku_slope"))
        return {
            "truth_day": _days(self.recorder, piece),
            "truth_route_day": _route_days(self.recorder, piece),
            "truth_region_day": _region_days(self.recorder, piece),
            "truth_order": _orders(self.recorder, piece),
            "truth_reviews": _reviews(self.recorder, piece),
            **tell_parcels(self.recorder, piece),
            **tell_service(self.recorder, piece),
            **tell_demand(self.recorder, piece),
        }

    def finish(self) -> dict[str, pa.Table]:
        """Return the truth tables that are known at the end."""
        from ecomlab.simulator.research.market import tell_market, tell_willingness
        from ecomlab.simulator.research.telling import tell_research, tell_themes

        scenario = self.recorder.world.scenario
        return {
            "truth_params": _params(scenario),
            "truth_person": _people(self.recorder),
            "truth_sku": _products(self.recorder),
            "truth_elasticity": self._elasticities(),
            "truth_feature": _features(scenario),
            "truth_region": tell_regions(self.recorder),
            "truth_market": tell_market(self.recorder),
            "truth_wtp": tell_willingness(self.recorder),
            "truth_research": tell_research(self.recorder),
            "truth_theme": tell_themes(self.recorder),
            **({"truth_incident": tell_incidents(scenario)} if scenario.incidents else {}),
            **tell_delivery(self.recorder),
            **tell_suppliers(self.recorder),
        }

    def _elasticities(self) -> pa.Table:
        """Same-day elasticity of expected units to the own price, by product and quarter."""
        # What was not on sale has no true value, only the crumbs of a very low utility.
        quarter, sku = np.nonzero(np.round(self.units, 4) > 0)
        units, slope = self.units[quarter, sku], self.slope[quarter, sku]
        start = self.recorder.world.scenario.start
        return pa.table(
            {
                "from": days(start, quarter * 91),
                "sku": pa.array(self.recorder.world.products.sku).take(pa.array(sku)),
                "expected_units": np.round(units, 4),
                "own_price_elasticity": np.round(slope / units, 5),
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


def _people(recorder: Recorder) -> pa.Table:
    """People the shop has met by name; the others are drawn from the same laws."""
    people, scenario = recorder.world.people, recorder.world.scenario
    who = np.flatnonzero(recorder.customer_from < NEVER)

    def rounded(values: Array) -> Array:
        return np.round(values[who].astype(np.float64), 5)

    return pa.table(
        {
            "customer_id": recorder.person(who),
            "region_id": pa.array(list(scenario.regions)).take(pa.array(people.region[who])),
            "orders_per_week": rounded(people.order_rate),
            "dropout_share": rounded(people.dropout),
            "price_sensitivity": rounded(people.price_sensitivity),
            "eco_taste": rounded(people.eco_taste),
            "eco_premium_share": np.round(
                np.expm1(people.eco_taste[who] / people.price_sensitivity[who].astype(np.float64)),
                5,
            ),
            "market_orders_per_year": rounded(people.market_rate),
            "is_email_optin": people.has_mail[who],
            **{
                f"liking_{name}": rounded(people.liking[:, i])
                for i, name in enumerate(scenario.routes)
            },
        }
    )


def _products(recorder: Recorder) -> pa.Table:
    goods = recorder.world.products
    return pa.table(
        {
            "sku": list(goods.sku),
            "quality": np.round(goods.quality, 6),
            "popularity_share": np.round(goods.popularity, 6),
            "partner": pa.array(goods.sku).take(pa.array(goods.partner)),
            "return_share": np.round(goods.return_share, 6),
            "list_price": goods.list_cents / 100,
            "unit_cost": goods.cost_cents / 100,
            "launch_date": days(recorder.world.scenario.start, goods.launch),
        }
    )


def _features(scenario: Scenario) -> pa.Table:
    known = scenario.features
    return pa.table(
        {
            "feature": pa.array(list(known), pa.string()),
            "order_utility": pa.array([f.order for f in known.values()], pa.float64()),
            "novelty_utility": pa.array([f.novelty for f in known.values()], pa.float64()),
        }
    )


def _days(recorder: Recorder, piece: Piece) -> pa.Table:
    log = piece.log
    paid = piece.of_order("payment") == PAID
    day = piece.order_day - log.first
    cents = np.bincount(day, weights=piece.of_order("order_cents") * paid, minlength=log.days)
    return pa.table(
        {
            "date": days(recorder.world.scenario.start, log.first + np.arange(log.days)),
            "occasions": log.counts("people_today"),
            "sessions": log.counts("visitors"),
            "expected_orders": np.round(log.stack("expected_orders"), 4),
            "orders": np.bincount(day[paid], minlength=log.days),
            "expected_amount": np.round(log.stack("expected_amount"), 2),
            "amount": np.rint(cents) / 100,
            "expected_margin": np.round(log.stack("expected_margin"), 2),
        }
    )


def _route_days(recorder: Recorder, piece: Piece) -> pa.Table:
    """Tell what each route alone brought, and what was spent on it."""
    log, names = piece.log, list(recorder.world.scenario.routes)
    day, route = (at.ravel() for at in np.indices((log.days, len(names))))
    channels = [one.channel for one in recorder.world.scenario.routes.values()]
    return pa.table(
        {
            "date": days(recorder.world.scenario.start, log.first + day),
            "route": pa.array(names).take(pa.array(route)),
            "channel": pa.array(channels).take(pa.array(route)),
            "incremental_sessions": np.round(log.stack("route_visits").ravel(), 4),
            "incremental_orders": np.round(log.stack("route_orders").ravel(), 4),
            "incremental_amount": np.round(log.stack("route_amount").ravel(), 2),
            "incremental_margin": np.round(log.stack("route_margin").ravel(), 2),
            "spend": log.stack("paid_cents").sum(axis=2).ravel() / 100,
        }
    )


def _region_days(recorder: Recorder, piece: Piece) -> pa.Table:
    log, names = piece.log, list(recorder.world.scenario.regions)
    day, region = (at.ravel() for at in np.indices((log.days, len(names))))
    return pa.table(
        {
            "date": days(recorder.world.scenario.start, log.first + day),
            "region_id": pa.array(names).take(pa.array(region)),
            "aware_share": np.round(log.stack("aware").ravel(), 6),
        }
    )


def _reviews(recorder: Recorder, piece: Piece) -> pa.Table:
    """Return the stars that all paid lines would have got, had every buyer written."""
    log = piece.log
    paid = (piece.of_order("payment") == PAID)[piece.line_order]
    day = piece.order_day[piece.line_order][paid] - log.first
    stars = stars_of(piece.of_line("feeling")[paid])
    count = np.zeros((log.days, 5), dtype=np.int64)
    np.add.at(count, (day, stars - 1), 1)
    at, star = (one.ravel() for one in np.indices(count.shape))
    return pa.table(
        {
            "date": days(recorder.world.scenario.start, log.first + at),
            "stars": star + 1,
            "lines": count.ravel(),
        }
    )


def _orders(recorder: Recorder, piece: Piece) -> pa.Table:
    """Which routes had fired for each order, and what of it each route brought."""
    names = list(recorder.world.scenario.routes)
    chance = piece.of_order("route_chance").reshape(-1, len(names)).T
    fired = piece.of_order("fired").reshape(-1, len(names)).T
    alone, fair = sole_route_chance(chance), shapley_route_share(chance)
    sole = np.where(fired.sum(axis=0) == 1, np.argmax(fired, axis=0), -1)
    mask = (fired * (1 << np.arange(len(names)))[:, None]).sum(axis=0)
    which = np.unique(mask)
    words = ["+".join(n for i, n in enumerate(names) if m >> i & 1) for m in which.tolist()]
    return pa.table(
        {
            "order_id": recorder.order_id(piece.order_number),
            "fired": pa.array(words, pa.string()).take(pa.array(np.searchsorted(which, mask))),
            "only_route": pa.array(names).take(pa.array(sole, mask=sole < 0)),
            **{f"alone_{n}": np.round(alone[i], 4) for i, n in enumerate(names)},
            **{f"shapley_{n}": np.round(fair[i], 4) for i, n in enumerate(names)},
        }
    )
