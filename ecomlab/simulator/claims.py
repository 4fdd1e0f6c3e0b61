"""Seven claims of practice, replayed: worlds that differ by a plan or an incident, and no more.

The table lies in ``presets/claims/claims.yaml``. The worlds of a claim go on from one eve under
the same luck, so that they differ by what was decided; over seeds, which draw other people,
goods and luck, the differences give a mean and its interval. Told in ``docs/claims.md``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import yaml
from pydantic import Field, model_validator
from scipy import stats

from ecomlab.simulator.incidents import Incident
from ecomlab.simulator.outcomes import OUTCOMES, Span, read_outcome
from ecomlab.simulator.parameters import Part
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.run import SimulatedRun, advance, simulate
from ecomlab.simulator.scenario import Scenario, load_scenario, nearest

__all__ = ["Claim", "Replay", "WorldOf", "load_claims", "replay_claim"]

_BEST, _LOOK_BACK = "best_seller", 28  # days
_SIGNS = {"more": 1, "less": -1}


class WorldOf(Part):
    """A world of a claim: what is decided in it, and what befalls it."""

    plan: Plan | None = None
    incidents: tuple[Incident, ...] = ()


class Claim(Part):
    """A claim, the worlds that try it, and what it says of them.

    Parameters
    ----------
    claim
        In words.
    preset, people
        The world, and its size.
    changes
        Parameters of the scenario that are other than the preset's, in all worlds.
    start, days
        First day of the decisions, and how long the worlds live on [days].
    worlds
        Name -> what is done there.
    effects
        Name -> weights of worlds; the first effect is the claim's own.
    outcomes
        Names of :data:`~ecomlab.simulator.outcomes.OUTCOMES`.
    expects
        Outcome -> whether the claim wants ``more`` or ``less`` of it.
    """

    claim: str
    preset: str = "west_d2c"
    people: int = Field(default=20_000, ge=1)
    changes: Mapping[str, Any] = Field(default_factory=dict)
    start: date
    days: int = Field(ge=2, le=730)
    worlds: Mapping[str, WorldOf] = Field(min_length=2)
    effects: Mapping[str, Mapping[str, float]] = Field(min_length=1)
    outcomes: tuple[str, ...] = Field(min_length=1)
    expects: Mapping[str, Literal["more", "less"]] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_exist(self) -> Claim:
        for name, weights in self.effects.items():
            if set(weights) - set(self.worlds) or abs(sum(weights.values())) > 1e-9:
                raise ValueError(f"effects.{name}: weigh worlds of the claim, adding up to 0")
        if set(self.expects) - set(self.outcomes):
            raise ValueError("expects: name outcomes of the claim")
        for name in self.outcomes:
            if name.split(":")[0] not in OUTCOMES:
                raise ValueError(f"outcomes: there is no {name!r}")
        return self

    @property
    def scenario(self) -> Scenario:
        """The preset with the claim's changes."""
        world = load_scenario(self.preset)
        values = world.model_dump()
        for part, change in self.changes.items():
            values[part] = values[part] | change if isinstance(values[part], dict) else change
        return Scenario.model_validate(values) if self.changes else world


@functools.cache
def load_claims() -> dict[str, Claim]:
    """Return the claims by name.

    Examples
    --------
    >>> sorted(load_claims()["M-case"].worlds)
    ['both', 'creators', 'neither', 'social']
    """
    file = resources.files(__package__) / "presets" / "claims" / "claims.yaml"
    table = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {name: Claim.model_validate(values) for name, values in table.items()}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Replay:
    """A claim replayed over seeds.

    ``table`` has a row an effect and outcome: ``mean`` over seeds, ``low`` and ``high`` (the 95 %
    interval, Student's t), ``expected`` (``more``, ``less`` or nothing) and ``holds``: whether
    the interval lies on the side that the claim wants. ``draws`` has a row a seed, world and
    outcome. ``borne_out`` if all that the claim wants of its first effect holds.
    """

    headline: ClassVar[dict[str, str]] = {"borne_out": "", "seeds": "seeds", "people": "people"}

    name: str
    table: pd.DataFrame
    draws: pd.DataFrame
    borne_out: bool
    seeds: int
    people: int

    @property
    def verdict(self) -> str:
        """The answer in a sentence."""
        if self.borne_out:
            return "Borne out."
        missed = self.table[self.table["expected"].ne("") & ~self.table["holds"]]
        parts = []
        for row in missed.itertuples():
            wrong = row.high < 0 if row.expected == "more" else row.low > 0
            how = "goes the other way" if wrong else "is not clear"
            parts.append(f"{row.outcome} {how}")
        return f"Not borne out: {'; '.join(parts)}."

    def summary(self) -> pd.DataFrame:
        """Return one row per headline quantity: quantity, value, unit."""
        rows = [(n, getattr(self, n), unit) for n, unit in self.headline.items()]
        return pd.DataFrame(rows, columns=["quantity", "value", "unit"])

    def __repr__(self) -> str:
        return f"Replay({self.name}: {self.verdict} {self.seeds} seeds, {self.people} people)"


def replay_claim(
    claim: str | Claim, seeds: Sequence[int] = (1, 2, 3, 4), *, people: int | None = None
) -> Replay:
    """Replay a claim: live its worlds under several seeds and compare them.

    Parameters
    ----------
    claim
        A name in :func:`load_claims`, or a claim of your own.
    seeds
        Two at least: an interval needs them.
    people
        Latent people of each world; the claim's own if left out.

    Raises
    ------
    ValueError
        Where there is no such claim (the nearest is named), or fewer than two seeds.

    Examples
    --------
    >>> short = load_claims()["M-case"].model_copy(update={"days": 5})
    >>> replay_claim(short, (1, 2), people=300).table["effect"].unique().tolist()
    ['both', 'social alone', 'creators alone', 'interaction']
    """
    name, about = _find(claim)
    if len(set(seeds)) < 2 or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds: {list(seeds)} are not two different seeds at least. "
                         f"Give as many as the interval is to rest on.")  # fmt: skip
    size = about.people if people is None else people
    draws = pd.concat([_live(about, seed, size) for seed in seeds], ignore_index=True)
    table = _effects(about, draws)
    wanted = table[table["expected"].ne("")]
    return Replay(name=name, table=table, draws=draws, borne_out=bool(wanted["holds"].all()),
                  seeds=len(seeds), people=size)  # fmt: skip


def _find(claim: str | Claim) -> tuple[str, Claim]:
    if isinstance(claim, Claim):
        return "own", claim
    known = load_claims()
    if claim not in known:
        raise ValueError(f"There is no claim {claim!r}.{nearest(claim, tuple(known))} "
                         f"Claims: {', '.join(known)}.")  # fmt: skip
    return claim, known[claim]


def _live(claim: Claim, seed: int, people: int) -> pd.DataFrame:
    """Return a row a world and outcome of one seed."""
    law = claim.scenario
    before = (claim.start - law.start).days
    span = Span(pd.Timestamp(claim.start),
                pd.Timestamp(claim.start + timedelta(days=claim.days - 1)))  # fmt: skip
    eve = simulate(law, seed, people=people, days=before) if before else None
    best = _best_seller(eve, claim.start) if eve is not None else ""
    rows = []
    for name, world in claim.worlds.items():
        run = _go_on(law, seed, people, eve, _named(world, best), claim.days)
        rows += [
            (seed, name, outcome, read_outcome(run, outcome.replace(_BEST, best), span))
            for outcome in claim.outcomes
        ]
    return pd.DataFrame(rows, columns=["seed", "world", "outcome", "value"])


def _go_on(
    law: Scenario, seed: int, people: int, eve: SimulatedRun | None, world: WorldOf, days: int
) -> SimulatedRun:
    if eve is None:
        return simulate(law.with_incidents(world.incidents), seed, world.plan, people, days)
    return advance(eve, plan=world.plan, days=days, incidents=world.incidents)


def _best_seller(eve: SimulatedRun, start: date) -> str:
    """Return the product that sold most in the weeks before, the first of several."""
    since = start - timedelta(days=_LOOK_BACK)
    sold = eve.store.query(f"""
        select sku from order_lines join orders using (order_id) where date >= '{since}'
        group by sku order by sum(units) desc, sku limit 1""")
    return (
        str(sold["sku"].iloc[0]) if len(sold) else str(eve.store.table("products")["sku"].iloc[0])
    )


def _named(world: WorldOf, best: str) -> WorldOf:
    """Return a world with the best seller's name in its plan and incidents."""
    text = world.model_dump_json(exclude_defaults=True)
    return WorldOf.model_validate(json.loads(text.replace(_BEST, best))) if _BEST in text else world


def _effects(claim: Claim, draws: pd.DataFrame) -> pd.DataFrame:
    """Return each effect on each outcome with its interval over seeds."""
    wide = draws.pivot(index=["outcome", "seed"], columns="world", values="value")
    rows = []
    for place, (name, weights) in enumerate(claim.effects.items()):
        gap = sum(weight * wide[world] for world, weight in weights.items())
        for outcome in claim.outcomes:
            mean, low, high = _interval(gap.loc[outcome].to_numpy())
            wants = claim.expects.get(outcome, "") if place == 0 else ""
            edge = low if wants == "more" else high
            rows.append({
                "effect": name, "outcome": outcome, "unit": OUTCOMES[outcome.split(":")[0]].unit,
                "mean": mean, "low": low, "high": high, "expected": wants,
                "holds": bool(wants and edge * _SIGNS[wants] > 0),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _interval(values: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """Return mean and 95 % interval by Student's t; gaps are left out."""
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return float("nan"), float("nan"), float("nan")
    half = stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    return float(known.mean()), float(known.mean() - half), float(known.mean() + half)
