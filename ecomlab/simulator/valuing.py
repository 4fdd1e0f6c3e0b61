"""What a quarter under a plan is worth, from one eve, under this luck or another.

Nothing is written down but money, so that a quarter takes about half of what tables take.
What an order will cost later (goods that come back) counts on the order's own day. The
*expected* value puts the expected orders, amounts and margins of ``truth_day`` in the place of
those that luck made; all else is as it happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from ecomlab.simulator.entering import book_entries, people_served
from ecomlab.simulator.loop import Log, run_days
from ecomlab.simulator.mechanisms.aftermath import REASONS
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.plan import Plan, PlanError
from ecomlab.simulator.recommending import book_recommender
from ecomlab.simulator.run import SimulatedRun
from ecomlab.simulator.scenario import Scenario, load_scenario
from ecomlab.simulator.world import World, build_world
from ecomlab.store.store import Store

__all__ = ["Eve", "Value"]

_DAMAGED = REASONS.index("damaged")


@dataclass(frozen=True, kw_only=True)
class Value:
    """Profit of a quarter: as this luck made it, and as expected given who visits [currency].

    ``lines`` are the books: gains positive, summing to ``realised``.
    """

    realised: float
    expected: float
    lines: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Eve:
    """The evening before a quarter: a world, how it stands, and the plan in force until then."""

    world: World
    state: Mapping[str, Any]
    plan: Plan | None
    seed: int
    first: int
    days: int

    @classmethod
    def of(cls, run: SimulatedRun, days: int) -> Eve:
        """Return the eve of the ``days`` that follow a run.

        Raises
        ------
        ValueError
            Where the run has no checkpoint, its seed is sealed, or incidents are sealed in it.
        """
        origin = run.store.manifest.origin
        if run.checkpoint is None or origin.get("seed") is None:
            raise ValueError(f"store {run.store.name!r} cannot be lived on: it has no checkpoint "
                             f"or its seed is sealed. Simulate it with this version.")  # fmt: skip
        law = _scenario_of(run.store)
        first, noise = int(origin["days"]), Noise(int(origin["seed"]))
        world = build_world(law, noise, people=int(origin["people"]), days=first + days)
        before = Plan.from_dict(origin["plan"]) if origin.get("plan") else None
        return cls(world=world, state=run.checkpoint.state()["day"], plan=before,
                   seed=noise.seed, first=first, days=days)  # fmt: skip

    @property
    def start(self) -> date:
        """First day of the quarter."""
        return self.world.scenario.start + timedelta(days=self.first)

    def value(self, plan: Plan | None = None, *, seed: int | None = None) -> Value:
        """Return what the quarter is worth under a plan.

        Parameters
        ----------
        plan
            Decisions from the quarter's first day on; the plan in force goes on if left out.
        seed
            Of the days to come: shocks, and the luck of everybody. People, goods and the state
            of the eve stay. The run's own luck if left out.
        """
        other = self.seed if seed is None else seed
        world = self.world if other == self.seed else _with_luck(self, other)
        whole = self._from_eve(plan)
        if whole is not None:
            whole.check(world.scenario, days=self.first + self.days)
        books = _Books(world)
        run_days(world, Noise(other), whole, self.first + self.days, flush=books.take,
                 first=self.first, state=_copied(self.state))  # fmt: skip
        return books.close(whole, self.first, self.days)

    def _from_eve(self, plan: Plan | None) -> Plan | None:
        if plan is None:
            return self.plan
        started = plan if plan.start else plan.model_copy(update={"start": self.start})
        if plan.start is not None and plan.start < self.start:
            raise PlanError(
                f"start: {plan.start} is before the quarter's first day, {self.start}. "
                f"Leave it out to start on that day."
            )
        return started.after(self.plan)


def _scenario_of(store: Store) -> Scenario:
    """Return the scenario of a store without incidents of its own."""
    origin = store.manifest.origin
    if "incidents_sha256" in origin:
        raise ValueError(f"store {store.name!r} has sealed incidents: what a quarter is worth "
                         f"would tell of them. Take a store without.")  # fmt: skip
    own = origin.get("parameters")
    return Scenario.model_validate_json(own) if own else load_scenario(str(origin["scenario"]))


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state that a run may change in its place."""
    return {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in state.items()}


def _with_luck(eve: Eve, seed: int) -> World:
    """Return the same people and goods in days that, from the quarter on, have other shocks."""
    world, first = eve.world, eve.first
    other = build_world(world.scenario, Noise(seed), people=1, days=first + eve.days)
    mine, fresh = world.around, other.around
    week = int(mine.week[first] - mine.week[0])
    around = replace(
        mine,
        traffic=np.concatenate([mine.traffic[:first], fresh.traffic[first:]]),
        category_shock=np.concatenate([mine.category_shock[:first], fresh.category_shock[first:]]),
        sku_shock=np.concatenate([mine.sku_shock[:week], fresh.sku_shock[week:]]),
        cost_index=np.concatenate([mine.cost_index[:first], fresh.cost_index[first:]]),
        rank=np.concatenate([mine.rank[:first], fresh.rank[first:]]),
    )
    if world.suppliers is None or other.suppliers is None:
        return replace(world, around=around)
    spells = [world.suppliers.disruption[:first], other.suppliers.disruption[first:]]
    known = replace(world.suppliers, disruption=np.concatenate(spells))
    return replace(world, around=around, suppliers=known)


class _Books:
    """Adds up the money of days as they come."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lines: dict[str, float] = dict.fromkeys(
            ("revenue", "shipping", "goods", "refunds", "resale", "returns_handling",
             "fulfilment", "payment", "marketing", "service", "holding"), 0.0
        )  # fmt: skip
        self.orders = self.expected_orders = self.expected_amount = self.expected_margin = 0.0

    def take(self, log: Log) -> None:
        """Add some days."""
        costs, lines = self.world.scenario.costs, self.lines
        of = log.join_positions("line_order", "buyers")
        paid = log.join("payment") == PAID
        cents, ship = log.join("order_cents")[paid] / 100, log.join("shipping_cents")[paid] / 100
        units, cost = log.join("line_units"), log.join("line_cost_cents") / 100
        lines["revenue"] += cents.sum()
        lines["shipping"] += ship.sum()
        lines["goods"] -= (units * cost)[paid[of]].sum()
        lines["fulfilment"] -= log.join("parcel_cents")[paid].sum() / 100
        fees = [front.fee_share for front in self.world.scenario.fronts.values()] or [0.0]
        front = log.join("front")[log.join_positions("order_visit", "visitors")][paid]
        share = costs.payment_share + np.array(fees)[front]
        lines["payment"] -= (costs.payment_fee + share * (cents + ship)).sum()
        back, some = log.join_positions("back_line", "line_sku"), log.join("back_units")
        kept = np.where(log.join("back_reason") == _DAMAGED, 0.0, costs.resale_share)
        lines["refunds"] -= (log.join("line_cents")[back] / 100 * some / units[back]).sum()
        lines["resale"] += (cost[back] * some * kept).sum()
        lines["returns_handling"] -= costs.per_return * len(back)
        for name in ("service", "holding"):
            lines[name] -= float(np.sum(log.stack(f"{name}_cents"))) / 100
        lines["marketing"] -= log.stack("paid_cents").sum() / 100
        self.orders += paid.sum()
        for name in ("orders", "amount", "margin"):
            total = getattr(self, f"expected_{name}") + float(log.stack(f"expected_{name}").sum())
            setattr(self, f"expected_{name}", total)

    def close(self, plan: Plan | None, first: int, days: int) -> Value:
        """Return the quarter's profit, with what the plan itself costs."""
        lines, scenario = self.lines, self.world.scenario
        plans = plan.in_force(scenario.start) if plan is not None else ()
        thousands = people_served(self.world) / 1000
        lines["fixed"] = -days * scenario.costs.fixed_per_1000_people * thousands
        lines["entry"] = -float(book_entries(self.world, plans, first + days)[first:].sum())
        built = 0.0
        for one in plans:
            begun = max(((one.start or scenario.start) - scenario.start).days, first)
            cost = sum(scenario.features[name].cost_per_day for name in one.features)
            built += cost * max(first + days - begun, 0)
        people = len(self.world.people.ids)
        shown = book_recommender(scenario, people, plans, first + days)[first:].sum()
        lines["features"] = -built * people / 1000 - float(shown)
        realised = float(sum(lines.values()))
        each = (lines["shipping"] + lines["fulfilment"] + lines["payment"]) / max(self.orders, 1)
        share = (lines["refunds"] + lines["resale"] + lines["returns_handling"]) / max(
            lines["revenue"], 1e-9
        )
        luck = (
            lines["revenue"] + lines["goods"] - self.expected_margin
            + each * (self.orders - self.expected_orders)
            + share * (lines["revenue"] - self.expected_amount)
        )  # fmt: skip
        return Value(realised=realised, expected=realised - luck, lines=dict(lines))
