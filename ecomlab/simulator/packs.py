"""Packs of incidents: the catalogue of kinds, and draws from it with an answer file.

The catalogue lies in ``presets/incidents/*.yaml``. A pack is drawn by a seed of its own, so
that a teacher can issue many; its incidents go into the scenario, where no trainee looks, and
its answers to the truth. Told in ``docs/simulator/incidents.md``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import yaml
from pydantic import Field

from ecomlab.simulator.incidents import KNOBS, Incident, incident_names
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.parameters import Part
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.scenario import Scenario, load_scenario, nearest

__all__ = ["Kind", "Pack", "draw_pack", "incident_kinds", "make_incident", "tell_incidents"]

Difficulty = Literal["easy", "medium", "hard"]
_MARGIN = 14  # days at the end of a period in which no incident of a pack starts
_STRUCK = {"sku": 2, "supplier": 4}  # how many of them an incident strikes; one of all else


class Kind(Part):
    """A kind of incident: what it overrides, how far, and what an investigator should find.

    Sizes are by difficulty, in the parameter's unit. ``scope`` is the dimension of which one
    member is drawn, ``fixed`` a scope that is the same always. ``path`` lists values of a day
    that carry the effect, in order; ``first_kpi`` and ``lag_days`` say what moves first.
    """

    parameter: str = ""
    op: Literal["times", "plus", "set"] = "times"
    sizes: Mapping[Difficulty, float] = Field(default_factory=dict)
    scope: str = ""
    fixed: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    days: tuple[int, int]
    shapes: tuple[Literal["step", "ramp", "flicker"], ...] = ("step",)
    notes: tuple[str, ...] = ()
    root_cause: str
    path: tuple[str, ...] = ()
    first_kpi: str = ""
    lag_days: int = 0
    fix: str
    needs: str = ""  # route, part of the scenario, or kind of experiment it cannot do without
    is_decoy: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether only records are wrong, and nothing that is true."""
        return not self.parameter or KNOBS[self.parameter].is_measured


@functools.cache
def incident_kinds() -> dict[str, Kind]:
    """Return the catalogue: the real, those of the record, and the decoys, by name.

    Examples
    --------
    >>> incident_kinds()["checkout_error"].parameter
    'checkout.friction'
    """
    folder = resources.files(__package__) / "presets" / "incidents"
    found: dict[str, Kind] = {}
    for name in ("real", "operations", "measurement", "decoys"):
        file = folder / f"{name}.yaml"
        if file.is_file():
            for kind, values in yaml.safe_load(file.read_text(encoding="utf-8")).items():
                found[kind] = Kind.model_validate(values)
    return found


def make_incident(
    scenario: str | Scenario,
    kind: str,
    *,
    start: date | str,
    seed: int = 0,
    difficulty: Difficulty = "medium",
    id: str = "i1",
) -> Incident:
    """Return an incident of a kind, whom it strikes, its length and its shape drawn by a seed.

    Raises
    ------
    ValueError
        Where there is no such kind (the nearest is named).

    Examples
    --------
    >>> one = make_incident("tiny", "checkout_error", start="2024-03-01", difficulty="easy")
    >>> one.value, list(one.scope)
    (4.0, ['device'])
    """
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    known = incident_kinds()
    if kind not in known:
        raise ValueError(f"There is no kind {kind!r}.{nearest(kind, tuple(known))} "
                         f"Kinds: {', '.join(known)}.")  # fmt: skip
    about, luck = known[kind], _luck(seed, f"{id}|{kind}")
    scope = {name: tuple(names) for name, names in about.fixed.items()}
    if about.scope:
        names = _worth_striking(law, about)
        first = int(luck[0] * len(names))
        count = _STRUCK.get(about.scope, 1)
        scope[about.scope] = tuple(dict.fromkeys(names[(first + i) % len(names)]
                                                 for i in range(count)))  # fmt: skip
    low, high = about.days
    first_day = start if isinstance(start, date) else date.fromisoformat(start)
    return Incident(
        id=id, kind=kind, parameter=about.parameter, op=about.op,
        value=about.sizes.get(difficulty, 1.0), scope=scope, start=first_day,
        days=low + int(luck[1] * (high - low + 1)),
        shape=about.shapes[int(luck[2] * len(about.shapes))],
        note=about.notes[int(luck[3] * len(about.notes))] if about.notes else "",
        is_decoy=about.is_decoy,
    )  # fmt: skip


def _luck(seed: int, what: str) -> Array:
    return Noise(seed).uniform("pack", np.arange(6), part=what)


def _worth_striking(scenario: Scenario, about: Kind) -> tuple[str, ...]:
    """Return the members of a kind's dimension, without those too small to be missed."""
    names = incident_names(scenario, about.scope)
    if about.scope == "channel":
        paid = {route.channel for route in scenario.routes.values() if route.spend}
        return tuple(name for name in names if name in paid)
    if about.scope == "region":
        share = {name: region.share for name, region in scenario.regions.items()}
        names = tuple(name for name in names if not scenario.regions[name].is_new)
        return tuple(sorted(names, key=lambda name: -share[name])[: (len(names) + 1) // 2])
    return names[:2] if about.scope == "device" else names  # hardly anybody uses the third


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Incidents and decoys drawn for a scenario.

    ``scenario`` is the one given with the incidents in it; ``answers`` says what they are.
    """

    scenario: Scenario
    incidents: tuple[Incident, ...]
    difficulty: str

    @property
    def answers(self) -> pa.Table:
        """What each incident is (see :func:`tell_incidents`)."""
        return tell_incidents(self.scenario)


def draw_pack(
    scenario: str | Scenario,
    seed: int,
    kinds: Sequence[str] | None = None,
    difficulty: Difficulty = "medium",
    *,
    count: int = 3,
    decoys: int = 2,
    window: tuple[date | str, date | str] | None = None,
    plan: Plan | None = None,
) -> Pack:
    """Draw incidents and decoys for a scenario.

    Parameters
    ----------
    scenario
        A preset's name, or a scenario.
    seed
        Of the pack; it has nothing to do with the store's.
    kinds
        Kinds to draw from; all that the scenario (and plan) can suffer if left out.
    difficulty
        ``easy``, ``medium`` or ``hard`` to see.
    count, decoys
        Real or recorded incidents, each of another kind, and harmless changes.
    window
        First and last day on which one may start; the scenario's period if left out.
    plan
        The plan that will be in force: without a holdout in it, none can leak.

    Raises
    ------
    ValueError
        Where a kind is not known, or there are fewer kinds than incidents.

    Examples
    --------
    >>> pack = draw_pack("tiny", seed=1, count=2, decoys=1)
    >>> [one.id for one in pack.incidents], pack == draw_pack("tiny", seed=1, count=2, decoys=1)
    (['i1', 'i2', 'i3'], True)
    """
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    known = incident_kinds()
    for name in kinds or ():
        if name not in known:
            raise ValueError(f"There is no kind {name!r}.{nearest(name, tuple(known))}")
    can = [name for name in (kinds or known)
           if not known[name].is_decoy and _can_strike(law, plan, known[name])]  # fmt: skip
    harmless = [name for name, about in known.items() if about.is_decoy]
    if len(can) < count or len(harmless) < decoys:
        raise ValueError(f"count: {count} incidents and {decoys} decoys are asked for, of "
                         f"{len(can)} and {len(harmless)} kinds. Ask for fewer.")  # fmt: skip
    drawn = _drawn(seed, "kinds", can)[:count] + _drawn(seed, "decoys", harmless)[:decoys]
    last = law.start + timedelta(days=law.days - 1 - _MARGIN)
    ends = window or (law.start + timedelta(days=_MARGIN), last)
    first, until = (one if isinstance(one, date) else date.fromisoformat(one) for one in ends)
    span = (until - first).days + 1
    when = sorted(int(_luck(seed, f"start {i}")[0] * span) for i in range(len(drawn)))
    order = _drawn(seed, "order", list(range(len(drawn))))
    incidents = tuple(
        make_incident(law, drawn[which], start=first + timedelta(days=age), seed=seed,
                      difficulty=difficulty, id=f"i{place + 1}")
        for place, (which, age) in enumerate(zip(order, when, strict=True))
    )  # fmt: skip
    struck = law.with_incidents((*law.incidents, *incidents))
    return Pack(scenario=struck, incidents=incidents, difficulty=difficulty)


def _drawn(seed: int, what: str, names: Sequence[Any]) -> list[Any]:
    """Return names in an order by lot."""
    luck = Noise(seed).uniform("pack", np.arange(len(names)), part=what)
    return [names[i] for i in np.argsort(luck, kind="stable")]


def _can_strike(scenario: Scenario, plan: Plan | None, about: Kind) -> bool:
    """Return whether a scenario, under a plan, has what a kind needs."""
    plans = plan.in_force(scenario.start) if plan is not None else ()
    running = {test.kind for one in plans for test in one.experiments}
    if about.needs in ("holdout", "feature"):
        return about.needs in running
    return (
        not about.needs
        or about.needs in scenario.routes
        or getattr(scenario, about.needs, None) is not None
    )


def tell_incidents(scenario: Scenario) -> pa.Table:
    """Return the truth of a scenario's incidents, one row each: ``truth_incident``."""
    kinds = incident_kinds()
    rows = []
    for one in scenario.incidents:
        about = kinds.get(one.kind)
        scope = "; ".join(f"{name}={'+'.join(names)}" for name, names in one.scope.items())
        rows.append({
            "incident_id": one.id, "kind": one.kind, "is_decoy": one.is_decoy,
            "is_measured_only": one.is_measured, "mechanism": one.mechanism,
            "parameter": one.parameter, "op": one.op, "value": one.value, "scope": scope,
            "start_date": one.start, "end_date": one.end, "shape": one.shape,
            "root_cause": about.root_cause if about else "",
            "path": " > ".join([one.parameter, *(about.path if about else ())]),
            "first_kpi": about.first_kpi if about else "",
            "lag_days": about.lag_days if about else 0,
            "fix": about.fix if about else "",
        })  # fmt: skip
    return pa.Table.from_pylist(rows)
