"""Twelve traps of a shop's own data: the question, what misleads, and the way out.

Each trap has a dose in ``Scenario.traps``: at 0 the naive answer is right but for what
``remains`` says, at more it is not, however much data there are. The way out is consistent at
every dose. Both see the store only; ``truth`` reads the sealed side, and where the true answer
is a difference of worlds, the store of a twin from the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import numpy as np
import pandas as pd

from ecomlab.simulator import ways_out, ways_out_delivery, ways_out_service, ways_out_stock
from ecomlab.simulator.counts import Estimate
from ecomlab.simulator.experiments import Experiment
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.run import SimulatedRun, simulate
from ecomlab.simulator.scenario import Scenario

__all__ = ["TRAPS", "Trap", "naive_limits", "plan_ways_out"]

_ROUND_DAYS, _SWITCH_DAYS = 14, 4


@dataclass(frozen=True, kw_only=True)
class Trap:
    """A question, the confounder that misleads, and the way out.

    Parameters
    ----------
    name
        Its dose in ``Scenario.traps``.
    question, confounder
        In words.
    estimand
        What naive and way out both estimate, with its unit.
    naive, way_out
        From a store to an :class:`~ecomlab.simulator.counts.Estimate`.
    truth
        From a run and a twin of it to the number. The twin lacks the trial (search, social,
        mix), the cuts of its promotions (promotion: a plan with ``discounts`` of 0) or the
        regions' differences in taste (region: dose 0); elsewhere it is the run itself.
    trial
        Experiments that the way out needs, for a scenario and a number of days; may be none.
    remains
        What is wrong with the naive answer even at dose 0; empty where nothing is.
    world
        The world in which the question arises; the scenario itself if left out.
    """

    name: str
    question: str
    confounder: str
    estimand: str
    naive: Callable[..., Estimate]
    way_out: Callable[..., Estimate]
    truth: Callable[[SimulatedRun, SimulatedRun], float]
    trial: Callable[[Scenario, int], tuple[Experiment, ...]] = field(default=lambda *_: ())
    remains: str = ""
    world: Callable[[Scenario], Scenario] = field(default=lambda scenario: scenario)


def plan_ways_out(scenario: Scenario, *, days: int, traps: Iterable[str]) -> Plan | None:
    """Return the plan that orders the trials of some traps, for as many days as are simulated.

    Examples
    --------
    >>> from ecomlab.simulator.scenario import load_scenario
    >>> plan = plan_ways_out(load_scenario("tiny"), days=28, traps=["price", "reviews"])
    >>> [test.id for test in plan.experiments]
    ['price-1', 'price-2']
    """
    tests = tuple(test for name in traps for test in TRAPS[name].trial(scenario, days))
    return Plan(experiments=tests) if tests else None


def _rounds_of_prices(scenario: Scenario, days: int) -> tuple[Experiment, ...]:
    """Draw new lots every fortnight: a product's luck of one round is not that of the next."""
    return tuple(
        Experiment(id=f"price-{i + 1}", kind="price", days=_ROUND_DAYS,
                   start=scenario.start + timedelta(days=_ROUND_DAYS * i))
        for i in range(days // _ROUND_DAYS)
    )  # fmt: skip


def _one(id: str, kind: str, scenario: Scenario, days: int, **more: object) -> tuple[Experiment]:
    values = {"id": id, "kind": kind, "start": scenario.start, "days": min(days, 1500), **more}
    return (Experiment.model_validate(values),)


def _lottery(scenario: Scenario, days: int) -> tuple[Experiment, ...]:
    return _one("lottery", "promotion", scenario, days, share=0.98)


def _dark(channel: str) -> Callable[[Scenario, int], tuple[Experiment, ...]]:
    def trial(scenario: Scenario, days: int) -> tuple[Experiment, ...]:
        return _one(f"dark-{channel.replace('_', '-')}", "geo", scenario, days, what=channel,
                    block_days=_SWITCH_DAYS)  # fmt: skip

    return trial


def _drawn_carriers(scenario: Scenario, days: int) -> tuple[Experiment, ...]:
    return _one("carriers", "carrier", scenario, days, share=0.05)


def _drawn_places(scenario: Scenario, days: int) -> tuple[Experiment, ...]:
    return _one("queue", "queue", scenario, days)


def _social_holdout(scenario: Scenario, days: int) -> tuple[Experiment, ...]:
    return _one("social-holdout", "holdout", scenario, days, what="social")


def _true_elasticity(run: SimulatedRun, _: SimulatedRun) -> float:
    """Mean own-price elasticity, by expected units."""
    table = run.truth["truth_elasticity"]
    return float(np.average(table["own_price_elasticity"], weights=table["expected_units"]))


def _true_uplift(run: SimulatedRun, twin: SimulatedRun) -> float:
    """Units of promoted over other product-weeks, each over those of the twin without cuts."""
    mine, other = (ways_out.product_weeks(one.store) for one in (run, twin))
    both = mine.merge(other, on=["sku", "week"], suffixes=("", "_twin"))
    ratio = both.groupby("promoted")[["units", "units_twin"]].sum()
    change = ratio["units"] / ratio["units_twin"]
    return float(change[1] / change[0] - 1)


def _true_visits(run: SimulatedRun, twin: SimulatedRun, *, channel: str) -> float:
    """Share of visits that the channel alone brought in the world without the trial.

    Taken over the days of the trial, where there was one.
    """
    routes, days = twin.truth["truth_route_day"], twin.truth["truth_day"]
    if "experiments" in run.store.tables:
        tests = run.store.table("experiments").set_index("experiment_id")
        first, last = tests.loc[f"dark-{channel.replace('_', '-')}", ["start_date", "end_date"]]
        routes, days = (one[one["date"].between(first, last)] for one in (routes, days))
    mine = routes.loc[routes["channel"] == channel, "incremental_sessions"].sum()
    return float(mine / days["sessions"].sum())


def _true_first_orders(run: SimulatedRun, twin: SimulatedRun) -> float:
    """Share of new customers that those held out lost against the world without the trial."""
    arms = run.store.table("assignments")
    held = arms.loc[(arms["experiment_id"] == "social-holdout") & (arms["arm"] == "held_out")]
    count = []
    for one in (run, twin):
        people = one.store.table("customers")
        new = people["first_seen"] >= pd.Timestamp(one.store.manifest.first_day)
        count.append(int((new & people["customer_id"].isin(held["unit_id"])).sum()))
    return 1 - count[0] / count[1]


def _true_mail(run: SimulatedRun, _: SimulatedRun) -> float:
    """Orders that mail alone brought, a thousand mails to customers known by name."""
    orders = run.store.table("orders").dropna(subset="customer_id")
    told = run.truth["truth_order"][["order_id", "alone_email"]]
    brought = orders.merge(told, on="order_id")["alone_email"].sum()
    return float(1000 * brought / run.store.query("select count(*) n from email_sends")["n"][0])


def _true_taste(run: SimulatedRun, twin: SimulatedRun) -> float:
    """Gap in log odds of ecological units, less that of the twin in which tastes are alike.

    Where the twin is shorter, both are taken over its days.
    """
    last = min(one.store.manifest.last_day for one in (run, twin))
    gaps = [ways_out.taste_gap(one.store, last_day=last) for one in (run, twin)]
    return gaps[0] - gaps[1]


def _true_unsatisfied(run: SimulatedRun, _: SimulatedRun) -> float:
    """Share of paid lines whose buyers would give up to three stars."""
    table = run.truth["truth_reviews"]
    return float(table.loc[table["stars"] <= 3, "lines"].sum() / table["lines"].sum())


def _true_care(run: SimulatedRun, _: SimulatedRun) -> float:
    """Share more units that care brings, to first order.

    A choice answers to a utility as it does to a log price, once for each unit of the buyers'
    price sensitivity: so that share of care's utility arrives that the elasticity is of it.
    """
    told = run.truth["truth_params"].set_index("parameter")["value"]
    people = run.truth["truth_person"].set_index("customer_id")["price_sensitivity"]
    buyers = run.store.query("select customer_id from orders where customer_id is not null")
    weight = buyers["customer_id"].map(people).mean()
    arrives = -_true_elasticity(run, run) / weight
    return float(np.expm1(float(told["habits.coaching_effect"]) * arrives))


_ALL = (
    Trap(
        name="price",
        question="How much more do we sell if a price falls by one per cent?",
        confounder="The manager promotes products while demand for them is rising.",
        estimand="own-price elasticity of units, mean by units",
        naive=ways_out.price_over_time,
        way_out=ways_out.price_by_test,
        truth=_true_elasticity,
        trial=_rounds_of_prices,
    ),
    Trap(
        name="promotion",
        question="How much more does a product sell in a week in which it is promoted?",
        confounder="Promotions are run at events, when people come anyhow.",
        estimand="units of a promoted week over those of another, less one",
        naive=ways_out.promoted_over_time,
        way_out=ways_out.promoted_by_lot,
        truth=_true_uplift,
        trial=_lottery,
    ),
    Trap(
        name="search",
        question="How many visits would we lose without paid search?",
        confounder="Search budgets follow expected demand.",
        estimand="share of visits that paid search alone brings",
        naive=partial(ways_out.media_over_time, channel="paid_search"),
        way_out=partial(ways_out.media_by_region, channel="paid_search"),
        truth=partial(_true_visits, channel="paid_search"),
        trial=_dark("paid_search"),
    ),
    Trap(
        name="social",
        question="How many new customers do social advertisements bring?",
        confounder="Advertisements are shown to the active, who would have come by themselves.",
        estimand="share of new customers that social advertisements bring",
        naive=ways_out.first_orders_by_last_click,
        way_out=ways_out.first_orders_by_holdout,
        truth=_true_first_orders,
        trial=_social_holdout,
        remains="The last click takes credit where another route would have led to the visit.",
    ),
    Trap(
        name="email",
        question="How many orders does a thousand mails bring, on the day they are sent?",
        confounder="Mail goes to recent buyers, who buy more with or without it.",
        estimand="orders a thousand mails, on the same day",
        naive=ways_out.mails_against_none,
        way_out=ways_out.mails_within_recency,
        truth=_true_mail,
    ),
    Trap(
        name="mix",
        question="How many visits would we lose without our partners (affiliates)?",
        confounder="All budgets follow the season.",
        estimand="share of visits that the affiliate channel alone brings",
        naive=partial(ways_out.media_over_time, channel="affiliate"),
        way_out=partial(ways_out.media_by_region, channel="affiliate"),
        truth=partial(_true_visits, channel="affiliate"),
        trial=_dark("affiliate"),
    ),
    Trap(
        name="region",
        question="How much more do richer regions like ecological products?",
        confounder="Income goes with the taste, so that a line in income explains it away.",
        estimand="log odds of ecological units that tastes make, 3 richest over 3 poorest regions",
        naive=ways_out.taste_at_equal_income,
        way_out=ways_out.taste_within_products,
        truth=_true_taste,
    ),
    Trap(
        name="reviews",
        question="How many buyers are less than satisfied?",
        confounder="Strong feelings are written down, the others rarely.",
        estimand="share of buyers who would give up to three stars",
        naive=ways_out.unsatisfied_all,
        way_out=ways_out.unsatisfied_invited,
        truth=_true_unsatisfied,
    ),
    Trap(
        name="targets",
        question="What does a quarter's care do for a weak product?",
        confounder="Products are picked after their worst quarter, and recover anyhow.",
        estimand="units in the quarter of care over those without it, less one",
        naive=ways_out.care_before_and_after,
        way_out=ways_out.care_against_left_alone,
        truth=_true_care,
    ),
    Trap(
        name="stock",
        question="How much of what shoppers want meets an empty shelf?",
        confounder="Stock runs out where demand runs high: reorder points follow past sales.",
        estimand="share of units wanted that were out of stock",
        naive=ways_out_stock.short_by_days,
        way_out=ways_out_stock.short_by_demand,
        truth=lambda run, _: ways_out_stock.true_shortage(run),
    ),
    Trap(
        name="carriers",
        question="How much oftener is the cheapest carrier late than the dearest?",
        confounder="Remote regions, where everybody is late, get the better carriers.",
        estimand="late share of all parcels with the one carrier less that with the other",
        naive=ways_out_delivery.late_overall,
        way_out=ways_out_delivery.late_by_lot,
        truth=lambda run, _: ways_out_delivery.true_late_gap(run),
        trial=_drawn_carriers,
    ),
    Trap(
        name="response",
        question="How many points of the score do ten minutes of waiting cost those answered?",
        confounder="Easy questions, which end well anyhow, are answered first.",
        estimand="points of the score, 1 to 5, that ten minutes of waiting cost who was answered",
        naive=ways_out_service.cost_of_wait,
        way_out=ways_out_service.cost_of_wait_by_lot,
        truth=lambda run, _: ways_out_service.true_cost_of_wait(run),
        trial=_drawn_places,
        world=ways_out_service.busy_desk,
    ),
)

TRAPS: Mapping[str, Trap] = {trap.name: trap for trap in _ALL}


def naive_limits(
    scenario: Scenario,
    *,
    traps: Iterable[str],
    doses: Iterable[float] = (0.0, 0.15, 0.30, 0.45),
    seed: int = 7,
    people: int,
    days: int,
) -> pd.DataFrame:
    """Return what naive answers tend to as a trap's dose grows, every other dose being 0.

    Parameters
    ----------
    scenario
        The world; its own doses are not used.
    traps
        Names of traps, each of them simulated alone at each dose.
    doses
        0 to 0.45.
    seed, people, days
        See :func:`~ecomlab.simulator.run.simulate`; the limit is that of a large run.

    Examples
    --------
    >>> from ecomlab.simulator.scenario import load_scenario
    >>> found = naive_limits(load_scenario("tiny"), traps=["reviews"], doses=[0.3], people=900,
    ...                      days=200)
    >>> found.columns.tolist()
    ['trap', 'dose', 'naive', 'naive_se', 'truth']
    """
    rows, size = [], (seed, people, days)
    undosed = scenario.with_traps(dict.fromkeys(TRAPS, 0.0))
    usual = simulate(undosed, seed, None, people, days)
    for name in traps:
        for dose in doses:
            world = TRAPS[name].world(undosed.with_traps({name: dose}))
            run = usual if world == undosed else simulate(world, seed, None, people, days)
            naive = TRAPS[name].naive(run.store)
            truth = TRAPS[name].truth(*_worlds(world, run, usual, name, size))
            rows.append((name, dose, naive.value, naive.se, truth))
    return pd.DataFrame(rows, columns=["trap", "dose", "naive", "naive_se", "truth"])


def _worlds(
    world: Scenario,
    run: SimulatedRun,
    undosed: SimulatedRun,
    name: str,
    size: tuple[int, int, int],
) -> tuple[SimulatedRun, SimulatedRun]:
    """Return the two worlds that a trap's truth compares."""
    seed, people, days = size
    if name == "region":
        return run, undosed
    if name not in ("promotion", "social"):
        return run, run
    plan = plan_ways_out(world, days=days, traps=[name])
    assert plan is not None
    tried = simulate(world, seed, plan, people, days)
    if name == "social":
        return tried, run
    uncut = plan.model_copy(update={"discounts": 0.0})
    return tried, simulate(world, seed, uncut, people, days)
