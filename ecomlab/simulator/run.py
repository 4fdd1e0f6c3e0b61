"""The door: a scenario, a seed and a plan in; a store and its truth out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from ecomlab.simulator.loop import run_days
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.plan import Plan, PlanError
from ecomlab.simulator.scenario import Scenario, load_scenario, presets
from ecomlab.simulator.tables import lay_out_tables, take_record
from ecomlab.simulator.truth import Truth, tell_truth
from ecomlab.simulator.world import build_world
from ecomlab.store.sealing import seal
from ecomlab.store.store import Manifest, Store

__all__ = ["SimulatedRun", "advance", "simulate"]


@dataclass(frozen=True, kw_only=True, repr=False)
class SimulatedRun:
    """A simulated store, and what is true of it."""

    store: Store
    truth: Truth

    def save(self, folder: str | os.PathLike[str]) -> Store:
        """Write the store to a folder and its sealed truth beside it; return the opened store.

        The truth goes to ``<folder>.truth.zip``, never into the store.
        """
        store = self.store.save(folder)
        seal(self.truth, folder)
        return store

    def __repr__(self) -> str:
        return f"SimulatedRun({self.store!r}, {self.truth!r})"


def simulate(
    scenario: str | Scenario = "west_d2c",
    seed: int = 7,
    plan: Plan | None = None,
    people: int | None = None,
    days: int | None = None,
) -> SimulatedRun:
    """Simulate a store: the same arguments give the same bytes, everywhere.

    Parameters
    ----------
    scenario
        Name of a preset (``west_d2c``, ``tiny``) or a scenario of your own.
    seed
        Draws people, products and luck.
    plan
        Decisions that replace the status quo from their start on.
    people
        Latent people, some of whom become customers [people]; the scenario's own number
        (20,000 in ``west_d2c``) if left out.
    days
        Length of the period, from the scenario's first day on [days]; the scenario's own
        (365 in ``west_d2c``) if left out.

    Raises
    ------
    ValueError
        Where there is no such preset (the nearest is named), where the plan does not fit
        the scenario (the lever is named), or where a size is out of its range.

    Examples
    --------
    >>> run = simulate("tiny", people=200, days=30)
    >>> run.store.manifest.last_day, "orders" in run.store.tables
    ('2024-01-30', True)
    """
    world = load_scenario(scenario) if isinstance(scenario, str) else scenario
    people = world.people if people is None else _size("people", people, 5_000_000)
    days = world.days if days is None else _size("days", days, 4000)
    if plan is not None:
        plan.check(world, days=days)
    noise = Noise(seed)
    drawn = build_world(world, noise, people=people, days=days)
    record = take_record(drawn, noise, plan, run_days(drawn, noise, plan, days))
    truth = tell_truth(record)
    manifest = Manifest(
        name=f"{world.name} demo",
        currency=world.currency,
        time_zone=world.time_zone,
        first_day=world.start.isoformat(),
        last_day=(world.start + timedelta(days=days - 1)).isoformat(),
        origin={
            "kind": "simulated",
            "scenario": world.name,
            "seed": noise.seed,
            "people": people,
            "days": days,
            "plan": None if plan is None else plan.to_dict(),
            "truth_sha256": truth.hash,
            **_own_parameters(world),
        },
    )
    store = Store.from_tables(lay_out_tables(record), manifest=manifest)
    return SimulatedRun(store=store, truth=truth)


def _size(name: str, value: int, most: int) -> int:
    if isinstance(value, bool) or int(value) != value or not 1 <= value <= most:
        raise ValueError(f"{name}: {value!r} is not a whole number from 1 to {most:,}.")
    return int(value)


def _own_parameters(scenario: Scenario) -> dict[str, str]:
    """Parameters of a scenario that no preset of its name has, so that it can be run again."""
    if scenario.name in presets() and load_scenario(scenario.name) == scenario:
        return {}
    # As text: a manifest sorts its keys, and the order of categories numbers the products.
    return {"parameters": scenario.model_dump_json()}


def advance(store: Store, *, plan: Plan | None = None, days: int = 91) -> SimulatedRun:
    """Let a simulated store live on: its whole history, and some days more under a plan.

    The history comes out row by row as it was; only counts that are kept to date, such as
    ``customers.orders_to_date``, move on.

    Parameters
    ----------
    store
        A store that was simulated.
    plan
        Decisions from the day after the store's last day on, or from a later start.
    days
        Days to add [days].

    Raises
    ------
    ValueError
        Where the store was imported, where its seed is sealed, where the plan starts in the
        past, or where another version of the simulator made the store.
    """
    origin = store.manifest.origin
    if origin.get("kind") != "simulated":
        raise ValueError(
            f"Store {store.name!r} was imported: only a simulated store can be advanced. "
            f"Import the next period's export instead."
        )
    if origin.get("seed") is None:
        raise ValueError(
            f"The seed of store {store.name!r} is sealed: whoever issued the store can advance it."
        )
    last = date.fromisoformat(store.manifest.last_day)
    before = Plan.from_dict(origin["plan"]) if origin.get("plan") else None
    if plan is not None:
        plan = plan if plan.start else plan.model_copy(update={"start": last + timedelta(days=1)})
        if plan.start is not None and plan.start <= last:
            raise PlanError(
                f"start: {plan.start} is not after the store's last day, {last}. "
                f"Leave it out to start on the day after."
            )
        plan = plan.after(before)
    own = origin.get("parameters")
    run = simulate(
        Scenario.model_validate_json(own) if own else str(origin["scenario"]),
        seed=int(origin["seed"]),
        plan=plan or before,
        people=int(origin["people"]),
        days=int(origin["days"]) + _size("days", days, 4000),
    )
    _same_history(run.store, store, last)
    return run


def _same_history(longer: Store, store: Store, last: date) -> None:
    """Make sure that the history of a longer run is the store's own."""
    orders = longer.table("orders")
    history = orders[orders["date"] <= pd.Timestamp(last)]
    if not history.equals(store.table("orders")):
        raise ValueError(
            f"Store {store.name!r} was made by another version of the simulator, so that its "
            f"history cannot be continued. Simulate it again with this version."
        )
