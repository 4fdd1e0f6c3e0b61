"""The door: a scenario, a seed and a plan in; a store and its truth out."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from ecomlab import schema
from ecomlab.simulator.checkpoint import Checkpoint, open_checkpoint
from ecomlab.simulator.incidents import Incident
from ecomlab.simulator.loop import Log, run_days
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan, PlanError
from ecomlab.simulator.research import field_research
from ecomlab.simulator.resume import Pieces
from ecomlab.simulator.scenario import Scenario, load_scenario, presets
from ecomlab.simulator.tables import Recorder
from ecomlab.simulator.truth import Teller, Truth
from ecomlab.simulator.world import build_world
from ecomlab.store.sealing import TruthWriter, open_truth, plain_table, seal, truth_file
from ecomlab.store.store import Manifest, Store
from ecomlab.store.writer import StoreWriter

_Tables = Mapping[str, pa.Table]
_MARK_EVERY = 20.0  # seconds at least between two states of a run that may be resumed

__all__ = ["Setting", "SimulatedRun", "advance", "simulate", "simulate_into", "whole_size"]


@dataclass(frozen=True, kw_only=True, repr=False)
class SimulatedRun:
    """A simulated store, what is true of it, and from where it can live on."""

    store: Store
    truth: Truth
    checkpoint: Checkpoint | None = None

    def save(self, folder: str | os.PathLike[str]) -> Store:
        """Write the store to a folder and its sealed truth beside it; return the opened store.

        The truth goes to ``<folder>.truth.zip``, never into the store, and from where it can
        live on to ``<folder>.checkpoint.zip``.
        """
        store = self.store.save(folder)
        seal(self.truth, folder)
        if self.checkpoint is not None:
            self.checkpoint.save(folder)
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
    run = Setting.of(scenario, seed, plan, people, days)
    held = _Held()
    return held.finish(run, _write(run, held))


class _Sink(Protocol):
    """Where the pieces of tables and truth go."""

    def keep(self, observed: _Tables, sealed: _Tables) -> None:
        """Take a piece of the tables that come by the day."""

    def close(self, observed: _Tables, sealed: _Tables) -> None:
        """Take the tables that are known at the end."""

    def amend(self, completed: Mapping[str, tuple[Array, pa.Table]]) -> None:
        """Take what is known by now of rows that were written before."""

    def pause(self, state: Callable[[object], Checkpoint]) -> None:
        """Take, if wanted, the state after the piece that was kept last."""


class _Held:
    """Tables and truth that come in pieces, held in memory."""

    def __init__(self, history: SimulatedRun | None = None) -> None:
        self.history = history
        self.completed: Mapping[str, tuple[Array, pa.Table]] = {}
        self.tables: dict[str, list[pa.Table]] = {}
        self.truth: dict[str, list[pa.Table]] = {}

    def amend(self, completed: Mapping[str, tuple[Array, pa.Table]]) -> None:
        """Remember what is known by now of rows of the history."""
        self.completed = completed

    def pause(self, state: Callable[[object], Checkpoint]) -> None:
        """Go on."""

    def keep(self, observed: _Tables, sealed: _Tables) -> None:
        """Add a piece of the tables that come by the day, behind the history where there is one."""
        if self.history is not None and not self.tables:
            store, truth = self.history.store, self.history.truth
            known = {name: store.arrow(name) for name in observed if name in store.tables}
            known |= {n: _amended(known[n], *rows) for n, rows in self.completed.items()}
            self.close(known, {name: truth.arrow(name) for name in sealed})
        self.close(observed, sealed)

    def close(self, observed: _Tables, sealed: _Tables) -> None:
        """Add tables, or pieces of them, as they are."""
        for name, piece in observed.items():
            # Pieces of dictionaries may differ in their words: the store holds plain texts.
            plain = piece.cast(schema.arrow_schema(name, piece.column_names))
            self.tables.setdefault(name, []).append(plain)
        for name, piece in sealed.items():
            self.truth.setdefault(name, []).append(plain_table(piece))

    def finish(self, run: Setting, checkpoint: Checkpoint) -> SimulatedRun:
        """Return the whole run."""
        told = Truth({name: pa.concat_tables(pieces) for name, pieces in self.truth.items()})
        whole = {n: pa.concat_tables(pieces).combine_chunks() for n, pieces in self.tables.items()}
        manifest = run.manifest(told.hash, checkpoint.sha256)
        store = Store.from_tables(whole, manifest=manifest)
        return SimulatedRun(store=store, truth=told, checkpoint=checkpoint)


def _amended(table: pa.Table, rows: Array, columns: pa.Table) -> pa.Table:
    """Return a table in which some rows have other values in some columns."""
    place = np.arange(table.num_rows)
    place[rows] = table.num_rows + np.arange(len(rows))
    for name in columns.column_names:
        at, field = table.column_names.index(name), table.schema.field(name)
        both = [*table[name].chunks, columns[name].cast(field.type).combine_chunks()]
        whole = pa.chunked_array(both, field.type).take(pa.array(place))
        table = table.set_column(at, field, whole)
    return table


class _Stream:
    """Tables and truth that come in pieces, written as they come."""

    def __init__(self, store: StoreWriter, truth: TruthWriter) -> None:
        self.store, self.truth = store, truth

    def keep(self, observed: _Tables, sealed: _Tables) -> None:
        """Write a piece of some tables."""
        self.store.append(observed)
        self.truth.append(sealed)

    close = keep

    def amend(self, completed: Mapping[str, tuple[Array, pa.Table]]) -> None:
        """Refuse: what is written stays."""
        assert not completed

    def pause(self, state: Callable[[object], Checkpoint]) -> None:
        """Go on."""


class _Staged:
    """Tables and truth that come in pieces, kept so that the run may be stopped at any time."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces, self.marked = pieces, time.monotonic()

    def keep(self, observed: _Tables, sealed: _Tables) -> None:
        """Write a piece of some tables."""
        self.pieces.keep(observed, sealed)

    close = keep

    def amend(self, completed: Mapping[str, tuple[Array, pa.Table]]) -> None:
        """Go on: of the same period, nothing more is known than when it was written."""

    def pause(self, state: Callable[[object], Checkpoint]) -> None:
        """Remember the state now and then."""
        if time.monotonic() - self.marked >= _MARK_EVERY:
            self.pieces.mark(state({"pieces": self.pieces.count}))
            self.marked = time.monotonic()


def simulate_into(
    folder: str | os.PathLike[str],
    scenario: str | Scenario,
    seed: int = 7,
    plan: Plan | None = None,
    people: int | None = None,
    days: int | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    resume: bool = False,
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
    resume
        Whether to keep what is done in ``.<store>.resume`` beside the folder, and to go on from
        what an interrupted run of the same arguments left there. Takes some time and disk.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     store = simulate_into(f"{place}/shop", "tiny", people=200, days=30)
    >>> store.manifest.last_day
    '2024-01-30'
    """
    run = Setting.of(scenario, seed, plan, people, days)
    with _memory_kept():
        if resume:
            return _resumed(folder, run, progress)
        with StoreWriter(folder) as store, TruthWriter(folder) as truth:
            checkpoint = _write(run, _Stream(store, truth), progress=progress)
            checkpoint.save(folder)
            return store.finish(run.manifest(truth.finish(), checkpoint.sha256))


@contextmanager
def _memory_kept() -> Iterator[None]:
    """Let Arrow use the memory that numpy has just freed, and not ask for pages again and again."""
    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(usual)


def _resumed(
    folder: str | os.PathLike[str], run: Setting, progress: Callable[[int, int], None] | None
) -> Store:
    """Simulate in pieces that a stop leaves behind, then put them together."""
    pieces = Pieces(folder, {"origin": run.manifest("", "").to_json()})
    checkpoint = _write(run, _Staged(pieces), progress=progress, since=pieces.since)
    with StoreWriter(folder) as store, TruthWriter(folder) as truth:
        for observed, sealed in pieces.read():
            store.append(observed)
            truth.append(sealed)
        checkpoint.save(folder)
        done = store.finish(run.manifest(truth.finish(), checkpoint.sha256))
    pieces.clear()
    return done


@dataclass(frozen=True, kw_only=True)
class Setting:
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
    ) -> Setting:
        """Check the arguments of a run, and put the scenario's own sizes where none are given."""
        world = load_scenario(scenario) if isinstance(scenario, str) else scenario
        people = world.people if people is None else whole_size("people", people, 5_000_000)
        days = world.days if days is None else whole_size("days", days, 4000)
        if plan is not None:
            plan.check(world, days=days)
        return cls(scenario=world, noise=Noise(seed), plan=plan, people=people, days=days)

    def manifest(self, truth_hash: str, checkpoint_hash: str) -> Manifest:
        """Return the manifest of the store that the run makes."""
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
                "checkpoint_sha256": checkpoint_hash,
                **_own_parameters(world),
            },
        )


def _write(
    run: Setting,
    sink: _Sink,
    *,
    progress: Callable[[int, int], None] | None = None,
    since: Checkpoint | None = None,
) -> Checkpoint:
    """Run the days and hand every piece of the tables on; go on from a checkpoint if given."""
    world = build_world(run.scenario, run.noise, people=run.people, days=run.days)
    recorder = Recorder(world, run.noise, run.plan, run.days)
    teller = Teller(recorder)
    keepers = {"recorder": recorder, "memory": recorder.memory, "teller": teller}
    first, state = (since.days, since.restore(keepers)) if since is not None else (0, None)
    sink.amend(recorder.catch_up())

    def flush(log: Log) -> None:
        piece = recorder.take(log)
        sink.keep(recorder.write(piece), teller.write(piece))
        if (last := log.last) is not None:
            done = log.first + log.days
            sink.pause(lambda told: Checkpoint.of(last, keepers, days=done, sealed=told))
        if progress is not None:
            progress(log.first + log.days, run.days)

    day = run_days(world, run.noise, run.plan, run.days, flush=flush, first=first, state=state)
    incidents = [one.model_dump(mode="json") for one in run.scenario.incidents]
    checkpoint = Checkpoint.of(day, keepers, days=run.days, sealed={"incidents": incidents})
    research = field_research(recorder)
    sink.close({**recorder.finish(), **research}, teller.finish())
    return checkpoint


def whole_size(name: str, value: int, most: int) -> int:
    """Return a size, or raise where it is no whole number from 1 to ``most``."""
    if isinstance(value, bool) or int(value) != value or not 1 <= value <= most:
        raise ValueError(f"{name}: {value!r} is not a whole number from 1 to {most:,}.")
    return int(value)


def _own_parameters(scenario: Scenario) -> dict[str, str]:
    """Parameters of a scenario that no preset of its name has, so that it can be run again.

    Of incidents, which are for the trainee to find, a hash alone is told.
    """
    told, bare = {}, scenario.with_incidents(()) if scenario.incidents else scenario
    if scenario.incidents:
        text = "|".join(one.model_dump_json() for one in scenario.incidents)
        told = {"incidents_sha256": hashlib.sha256(text.encode()).hexdigest()}
    # Values are compared, not models, which may hold what they have worked out.
    if bare.name in presets() and load_scenario(bare.name).model_dump() == bare.model_dump():
        return told
    # As text: a manifest sorts its keys, and the order of categories numbers the products.
    return {**told, "parameters": bare.model_dump_json()}


def advance(
    store: Store | SimulatedRun,
    *,
    plan: Plan | None = None,
    days: int = 91,
    incidents: Sequence[Incident] = (),
) -> SimulatedRun:
    """Let a simulated store live on: its whole history, and some days more under a plan.

    The history comes out row by row as it was; only counts that are kept to date, such as
    ``customers.orders_to_date``, move on. Where the store's checkpoint and truth lie beside it
    (or a run in memory is given) only the new days are lived; else the history is lived again
    from its first day, which gives the same and takes longer.

    Parameters
    ----------
    store
        A store that was simulated, or a run.
    plan
        Decisions from the day after the store's last day on, or from a later start.
    days
        Days to add [days].
    incidents
        What befalls the shop in the days to come, beside what was to come anyway.

    Raises
    ------
    ValueError
        Where the store was imported, where its seed is sealed, where the plan or an incident
        starts in the past, or where another version of the simulator made the store or its
        checkpoint.
    """
    given = store.store if isinstance(store, SimulatedRun) else store
    run = _next(given, plan, days)
    history = store if isinstance(store, SimulatedRun) else _beside(store)
    run = _with_incidents(run, given, history, incidents)
    since = history.checkpoint if history is not None else None
    held = _Held(history if since is not None else None)
    longer = held.finish(run, _write(run, held, since=since))
    if since is None:
        _same_history(longer.store, given)
    return longer


def _next(store: Store, plan: Plan | None, days: int) -> Setting:
    """Return the arguments of a store's longer run, or raise where there can be none."""
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
    before = Plan.from_dict(origin["plan"]) if origin.get("plan") else None
    if plan is not None:
        plan = _from_tomorrow(plan, date.fromisoformat(store.manifest.last_day)).after(before)
    own = origin.get("parameters")
    return Setting.of(
        Scenario.model_validate_json(own) if own else str(origin["scenario"]),
        seed=int(origin["seed"]),
        plan=plan or before,
        people=int(origin["people"]),
        days=int(origin["days"]) + whole_size("days", days, 4000),
    )


def _with_incidents(
    run: Setting, store: Store, history: SimulatedRun | None, more: Sequence[Incident]
) -> Setting:
    """Return a longer run with the incidents that its checkpoint holds, and more."""
    held: list[Incident] = []
    if "incidents_sha256" in store.manifest.origin:
        if history is None or history.checkpoint is None:
            raise ValueError(
                f"Store {store.name!r} has sealed incidents, which are told by its checkpoint "
                f"alone. Put {store.folder.name if store.folder else 'it'}.checkpoint.zip and "
                f".truth.zip beside it, or simulate the store again."
            )
        sealed = history.checkpoint.sealed["incidents"]
        held = [Incident.model_validate(one) for one in sealed]
    for one in more:
        if one.start <= date.fromisoformat(store.manifest.last_day):
            raise ValueError(f"incidents.{one.id}.start: {one.start} is not after the store's "
                             f"last day, {store.manifest.last_day}.")  # fmt: skip
    if not (held or more):
        return run
    return replace(run, scenario=run.scenario.with_incidents((*held, *more)))


def _from_tomorrow(plan: Plan, last: date) -> Plan:
    """Return a plan that starts after a store's last day, or raise where it reaches back."""
    plan = plan if plan.start else plan.model_copy(update={"start": last + timedelta(days=1)})
    if plan.start is not None and plan.start <= last:
        raise PlanError(
            f"start: {plan.start} is not after the store's last day, {last}. "
            f"Leave it out to start on the day after."
        )
    for test in plan.experiments:
        if test.start <= last:
            raise PlanError(
                f"experiments.{test.id}.start: {test.start} is not after the store's last day, "
                f"{last}. An experiment begins in the days to come."
            )
    return plan


def _beside(store: Store) -> SimulatedRun | None:
    """Return the run that a folder holds, with its truth and checkpoint; None without them."""
    checkpoint = open_checkpoint(store)
    if checkpoint is None or store.folder is None or not truth_file(store.folder).is_file():
        return None
    return SimulatedRun(store=store, truth=open_truth(store.folder), checkpoint=checkpoint)


def _same_history(longer: Store, store: Store) -> None:
    """Make sure that the history of a longer run is the store's own."""
    orders = longer.table("orders")
    history = orders[orders["date"] <= pd.Timestamp(store.manifest.last_day)]
    if not history.equals(store.table("orders")):
        raise ValueError(
            f"Store {store.name!r} was made by another version of the simulator, so that its "
            f"history cannot be continued. Simulate it again with this version."
        )
