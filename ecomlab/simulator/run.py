"""The door: a scenario, a seed and a plan in; a store and its truth out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa

from ecomlab import schema
from ecomlab.simulator.loop import Log, run_days
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.plan import Plan, PlanError
from ecomlab.simulator.research import field_research
from ecomlab.simulator.scenario import Scenario, load_scenario, presets
from ecomlab.simulator.tables import Recorder
from ecomlab.simulator.truth import Teller, Truth
from ecomlab.simulator.world import build_world
from ecomlab.store.sealing import TruthWriter, seal
from ecomlab.store.store import Manifest, Store
from ecomlab.store.writer import StoreWriter

__all__ = ["SimulatedRun", "advance", "simulate", "simulate_into"]


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
    run = _Setting.of(scenario, seed, plan, people, days)
    tables: dict[str, list[pa.Table]] = {}
    truth: dict[str, list[pa.Table]] = {}

    def keep(observed: Mapping[str, pa.Table], sealed: Mapping[str, pa.Table]) -> None:
        for into, pieces in ((tables, observed), (truth, sealed)):
            for name, piece in pieces.items():
                into.setdefault(name, []).append(piece)

    _write(run, keep)
    told = Truth({name: pa.concat_tables(pieces) for name, pieces in truth.items()})
    # Pieces of dictionaries may differ in their words: the store holds plain texts.
    whole = {
        name: pa.concat_tables(
            [p.cast(schema.arrow_schema(name, p.column_names)) for p in pieces]
        ).combine_chunks()
        for name, pieces in tables.items()
    }
    store = Store.from_tables(whole, manifest=run.manifest(told.hash))
    return SimulatedRun(store=store, truth=told)


def simulate_into(
    folder: str | os.PathLike[str],
    scenario: str | Scenario = "west_d2c",
    seed: int = 7,
    plan: Plan | None = None,
    people: int | None = None,
    days: int | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Store:
    """Simulate a store straight into a folder, in memory that does not grow with the days.

    The store and its truth beside it are those of :func:`simulate`.

    Parameters
    ----------
    folder
        Where the store goes; the truth goes to ``<folder>.truth.zip``.
    scenario, seed, plan, people, days
        See :func:`simulate`.
    progress
        Called with the days done and the days in all, whenever a piece is written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     store = simulate_into(f"{place}/shop", "tiny", people=200, days=30)
    >>> store.manifest.last_day
    '2024-01-30'
    """
    run = _Setting.of(scenario, seed, plan, people, days)
    with StoreWriter(folder) as store, TruthWriter(folder) as truth:

        def keep(observed: Mapping[str, pa.Table], sealed: Mapping[str, pa.Table]) -> None:
            store.append(observed)
            truth.append(sealed)

        _write(run, keep, progress)
        return store.finish(run.manifest(truth.finish()))


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """The arguments of a run, checked."""

    scenario: Scenario
    noise: Noise
    plan: Plan | None
    people: int
    days: int

    @classmethod
    def of(
        cls,
        scenario: str | Scenario,
        seed: int,
        plan: Plan | None,
        people: int | None,
        days: int | None,
    ) -> _Setting:
        world = load_scenario(scenario) if isinstance(scenario, str) else scenario
        people = world.people if people is None else _size("people", people, 5_000_000)
        days = world.days if days is None else _size("days", days, 4000)
        if plan is not None:
            plan.check(world, days=days)
        return cls(scenario=world, noise=Noise(seed), plan=plan, people=people, days=days)

    def manifest(self, truth_hash: str) -> Manifest:
        world = self.scenario
        return Manifest(
            name=f"{world.name} demo",
            currency=world.currency,
            time_zone=world.time_zone,
            first_day=world.start.isoformat(),
            last_day=(world.start + timedelta(days=self.days - 1)).isoformat(),
            origin={
                "kind": "simulated",
                "scenario": world.name,
                "seed": self.noise.seed,
                "people": self.people,
                "days": self.days,
                "plan": None if self.plan is None else self.plan.to_dict(),
                "truth_sha256": truth_hash,
                **_own_parameters(world),
            },
        )


def _write(
    run: _Setting,
    keep: Callable[[Mapping[str, pa.Table], Mapping[str, pa.Table]], None],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Run the days and hand every piece of the tables on."""
    world = build_world(run.scenario, run.noise, people=run.people, days=run.days)
    recorder = Recorder(world, run.noise, run.plan, run.days)
    teller = Teller(recorder)

    def flush(log: Log) -> None:
        piece = recorder.take(log)
        keep(recorder.write(piece), teller.write(piece))
        if progress is not None:
            progress(log.first + log.days, run.days)

    run_days(world, run.noise, run.plan, run.days, flush=flush)
    research = field_research(recorder)
    keep({**recorder.finish(), **research}, teller.finish())


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
