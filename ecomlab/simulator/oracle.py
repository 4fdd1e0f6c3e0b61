"""The oracle ladder of a quarter: how much better than the status quo a plan could have been.

The *oracle* knows the world's parameters and not its luck: the best plan of a space by expected
profit. It starts from closed forms and is found by a coordinate search on common random
numbers; what it is worth is measured under luck it has not seen. Below it stand the status quo
and the plans of two analysts (see ``rungs``). Told in ``docs/simulator/oracle.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import stats

from ecomlab.simulator.checkpoint import open_checkpoint
from ecomlab.simulator.closed_forms import first_guess, told_levers
from ecomlab.simulator.noise import Array
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.plan_space import Lever, PlanSpace
from ecomlab.simulator.run import SimulatedRun
from ecomlab.simulator.rungs import analyst_guess, naive_guess
from ecomlab.simulator.valuing import Eve
from ecomlab.store.sealing import open_truth, truth_file
from ecomlab.store.store import Store

__all__ = ["RUNGS", "Oracle", "find_oracle", "run_of"]

RUNGS = ("status quo", "naive", "analyst", "oracle")
_TRAIN = 1_000_003  # seeds from here on are the search's own
_SEARCHED, _POLISHED = 2, 8  # training seeds of the first rounds, and of the last
_STEPS = (0.25, 0.12, 0.06)  # of the logarithm of a lever's place, round by round
_OFF = 0.02  # a place so near to 0 is 0
_FLAT = 0.004  # share of the gain, below which a lever's last steps are not looked at again
_SURE = 1.0  # standard errors by which a move must win


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Oracle:
    """The best plan found in a space, the ladder below it, and what they earn over the status quo.

    ``table`` has a row a rung: ``gain`` over the status quo in expected profit (mean over fresh
    seeds), its ``low`` and ``high`` (95 %, Student's t), ``grade`` (gain over the oracle's) and
    ``wins``, the share of fresh seeds in which the rung beats the status quo by *realised*
    profit: luck. ``draws`` has a row a fresh seed and rung with both profits. ``levers`` has a
    row a lever with its bounds and its place on each rung; ``gaps`` what the oracle loses where
    one group of levers stays at its usual place. ``optimism`` is training gain less fresh gain,
    over fresh gain. ``space`` tells what plans there were to choose from.
    """

    headline: ClassVar[dict[str, str]] = {
        "gain": "currency", "optimism": "share of gain", "wins": "share of seeds",
        "evaluations": "quarters lived",
    }  # fmt: skip

    plan: Plan
    gain: float
    optimism: float
    wins: float
    table: pd.DataFrame
    draws: pd.DataFrame
    levers: pd.DataFrame
    gaps: pd.DataFrame
    space: str
    evaluations: int
    caveats: tuple[str, ...]

    def grade(self, plan: Plan, run: SimulatedRun | Store, *, days: int = 91) -> float:
        """Return a plan's gain over the oracle's, on the fresh seeds: 1 is the oracle."""
        eve = Eve.of(run_of(run), days)
        rows = self.draws[self.draws["rung"] == "status quo"]
        mine = np.array([eve.value(plan, seed=int(seed)).expected for seed in rows["seed"]])
        return float((mine - rows["expected"].to_numpy()).mean() / self.gain)

    def summary(self) -> pd.DataFrame:
        """Return one row per headline quantity: quantity, value, unit."""
        rows = [(n, round(getattr(self, n), 4), unit) for n, unit in self.headline.items()]
        return pd.DataFrame(rows, columns=["quantity", "value", "unit"])

    def __repr__(self) -> str:
        parts = [f"{n}={round(getattr(self, n), 4)} {unit}" for n, unit in self.headline.items()]
        return f"Oracle({', '.join(parts)}; of plans with {self.space})"


def find_oracle(
    run: SimulatedRun | Store,
    *,
    days: int = 91,
    space: PlanSpace | None = None,
    seeds: int | Sequence[int] = 20,
    progress: Callable[[str], None] | None = None,
) -> Oracle:
    """Find the oracle's plan for the quarter that follows a run, and the ladder below it.

    Parameters
    ----------
    run
        A run, or a saved store with its checkpoint and truth beside it.
    days
        Length of the quarter [days].
    space
        Levers and their bounds; see :class:`~ecomlab.simulator.plan_space.PlanSpace`.
    seeds
        Fresh seeds of luck to validate on, or how many of them; two at least.
    progress
        Called with a sentence whenever a step is done.

    Raises
    ------
    ValueError
        Where the run cannot be lived on (see :meth:`~ecomlab.simulator.valuing.Eve.of`), or
        there are fewer than two seeds.

    Examples
    --------
    >>> from ecomlab.simulator import simulate
    >>> eve = simulate("tiny", people=400, days=60)
    >>> narrow = PlanSpace(budgets=None, prices=None, discounts=None, promotions=None,
    ...                    reorder=None, service=None, carriers=None)
    >>> found = find_oracle(eve, days=7, space=narrow, seeds=2)
    >>> found.table["rung"].tolist()
    ['status quo', 'naive', 'analyst', 'oracle']
    """
    whole, space = run_of(run), space or PlanSpace()
    fresh = list(range(1, seeds + 1)) if isinstance(seeds, int) else [int(one) for one in seeds]
    if len(set(fresh)) < 2 or len(set(fresh)) != len(fresh) or max(fresh) >= _TRAIN:
        raise ValueError(f"seeds: give two different ones at least, below {_TRAIN}, "
                         f"to validate on; got {fresh}.")  # fmt: skip
    hunt = _Hunt(Eve.of(whole, days), space)
    say = progress or (lambda _: None)
    start = first_guess(whole, hunt.eve.world.scenario, hunt.levers)
    say(f"closed forms: {told_levers(start)}")
    hunt.begin(start)
    for step in _STEPS:
        hunt.sweep(step)
        say(f"step {step}: {told_levers(hunt.best)}")
    gaps = hunt.tidy()
    places = {
        "status quo": {one.name: one.usual for one in hunt.levers},
        "naive": naive_guess(whole.store, hunt.levers),
        "analyst": analyst_guess(whole.store, hunt.eve.world.scenario, hunt.levers),
        "oracle": hunt.best,
    }
    return _ladder(hunt, places, fresh, gaps)


def run_of(run: SimulatedRun | Store) -> SimulatedRun:
    """Return the run that a saved store is, with the checkpoint and truth beside it."""
    if isinstance(run, SimulatedRun):
        return run
    checkpoint = open_checkpoint(run)
    if checkpoint is None or run.folder is None or not truth_file(run.folder).is_file():
        raise ValueError(f"store {run.name!r} has no checkpoint and truth beside it that may be "
                         f"used. Simulate it again, or give the run.")  # fmt: skip
    return SimulatedRun(store=run, truth=open_truth(run.folder), checkpoint=checkpoint)


@dataclass
class _Hunt:
    """A search over a plan space from one eve, by expected profit on the training seeds."""

    eve: Eve
    space: PlanSpace
    known: dict[tuple[object, int], float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    seeds: int = _SEARCHED
    last_gain: float = 0.0  # of the last round, a share of all
    stakes: dict[str, float] = field(default_factory=dict)  # what a lever's step is worth

    def __post_init__(self) -> None:
        self.levers: tuple[Lever, ...] = self.space.levers(self.eve.world.scenario)
        self.usual = {one.name: one.usual for one in self.levers}

    def worth(self, point: Mapping[str, float]) -> Array:
        """Return expected profit on each training seed."""
        plan = self.space.plan(self.eve.world.scenario, point)
        key = tuple(sorted(point.items()))
        for one in range(self.seeds):
            if (key, one) not in self.known:
                self.known[key, one] = self.eve.value(plan, seed=_TRAIN + one).expected
        return np.array([self.known[key, one] for one in range(self.seeds)])

    def wins(self, point: Mapping[str, float], over: Mapping[str, float]) -> bool:
        """Return whether a place beats another by more than luck, seed by seed."""
        gap = self.worth(point) - self.worth(over)
        error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else 0.0
        return bool(gap.mean() > _SURE * error)

    def begin(self, start: Mapping[str, float]) -> None:
        """Start from the closed forms, group by group where they beat the status quo."""
        self.best = dict(self.usual)
        for group in dict.fromkeys(one.group for one in self.levers):
            moved = self.best | {n: v for n, v in start.items() if n.split(".")[0] == group}
            if moved != self.best and self.wins(moved, self.best):
                self.best = moved

    def sweep(self, step: float) -> None:
        """Try each lever up and down, and where a parabola through the three has its top."""
        if step == _STEPS[-1]:
            self.seeds = _POLISHED // 2
        before = self.worth(self.best).mean()
        gained = before - self.worth(self.usual).mean()
        for lever in self.levers:
            if self.stakes.get(lever.name, np.inf) > _FLAT * gained:
                self._try(lever, step)
        total = self.worth(self.best).mean() - self.worth(self.usual).mean()
        self.last_gain = float((self.worth(self.best).mean() - before) / max(total, 1e-9))

    def tidy(self) -> pd.DataFrame:
        """Put groups of levers back that win nothing on more seeds; return what others win."""
        self.seeds = _POLISHED
        worth = {}
        for group in dict.fromkeys(one.group for one in self.levers):
            back = {one.name: one.usual for one in self.levers if one.group == group}
            gap = float((self.worth(self.best) - self.worth(self.best | back)).mean())
            if gap <= 0:
                self.best = self.best | back
            worth[group] = max(gap, 0.0)
        table = pd.DataFrame(list(worth.items()), columns=["levers", "worth"])
        return table.sort_values("worth", ascending=False, ignore_index=True)

    def _try(self, lever: Lever, step: float) -> None:
        here = self.best[lever.name]
        around = [_moved(lever, here, side * step) for side in (-1, 1)]
        tried = {here: self.worth(self.best).mean()}
        for place in around:
            if place != here:
                tried[place] = self.worth(self.best | {lever.name: place}).mean()
        top = _top(lever, tried)
        if top is not None and top not in tried:
            tried[top] = self.worth(self.best | {lever.name: top}).mean()
        place = max(tried, key=lambda one: tried[one])
        self.stakes[lever.name] = max(tried.values()) - min(tried.values())
        moved = self.best | {lever.name: place}
        if place != here and self.wins(moved, self.best):
            self.best = moved


def _moved(lever: Lever, here: float, step: float) -> float:
    """Return a place one step on; from 0 upwards, and down to 0 where it is near."""
    if lever.name == "promise":  # its distance from 1 is what counts
        return float(np.clip(1 - (1 - here) * np.exp(-4 * step), lever.low, lever.high))
    there = max(here, _OFF * (step > 0) * 5) * np.exp(step)
    return float(np.clip(0.0 if there < _OFF else there, lever.low, lever.high))


def _top(lever: Lever, tried: Mapping[float, float]) -> float | None:
    """Return where the parabola through three places has its top, if it has one."""
    if len(tried) < 3:
        return None
    x, y = np.array(list(tried)), np.array(list(tried.values()))
    bend, slope, _ = np.polyfit(x - x.mean(), y - y.mean(), 2)
    if bend >= 0:
        return None
    top = float(x.mean() - slope / (2 * bend))
    reach = x.max() - x.min()  # no further than the places lie apart
    return float(np.clip(top, max(lever.low, x.min() - reach), min(lever.high, x.max() + reach)))


def _ladder(
    hunt: _Hunt,
    places: Mapping[str, Mapping[str, float]],
    fresh: Sequence[int],
    gaps: pd.DataFrame,
) -> Oracle:
    """Value every rung on fresh seeds."""
    scenario = hunt.eve.world.scenario
    plans = {rung: hunt.space.plan(scenario, point) for rung, point in places.items()}
    rows = []
    for seed in fresh:
        for rung, plan in plans.items():
            value = hunt.eve.value(plan, seed=seed)
            rows.append((seed, rung, value.expected, value.realised))
    draws = pd.DataFrame(rows, columns=["seed", "rung", "expected", "realised"])
    trained = float((hunt.worth(hunt.best) - hunt.worth(hunt.usual)).mean())
    table = _rungs(draws)
    oracle = table.set_index("rung").loc["oracle"]
    gain = float(oracle["gain"])
    levers = hunt.space.table(scenario).set_index("lever")
    levers = levers.assign(**{rung: pd.Series(point) for rung, point in places.items()})
    return Oracle(
        plan=plans["oracle"], gain=gain, wins=float(oracle["wins"]),
        optimism=float((trained - gain) / gain) if gain else float("nan"), table=table, draws=draws,
        levers=levers.reset_index(), gaps=gaps, space=str(hunt.space),
        evaluations=len(hunt.known) + len(draws), caveats=_caveats(hunt, table),
    )  # fmt: skip


def _rungs(draws: pd.DataFrame) -> pd.DataFrame:
    """Return each rung's gain with its interval, its grade, and how often luck lets it win."""
    wide = draws.pivot(index="seed", columns="rung", values=["expected", "realised"])
    rows = []
    for rung in RUNGS:
        gap = wide["expected"][rung] - wide["expected"]["status quo"]
        luck = wide["realised"][rung] > wide["realised"]["status quo"]
        half = stats.t.ppf(0.975, len(gap) - 1) * gap.std() / np.sqrt(len(gap))
        rows.append((rung, gap.mean(), gap.mean() - half, gap.mean() + half, luck.mean()))
    table = pd.DataFrame(rows, columns=["rung", "gain", "low", "high", "wins"])
    best = table["gain"].iloc[-1]
    return table.assign(grade=table["gain"] / best if best > 0 else np.nan)


def _caveats(hunt: _Hunt, table: pd.DataFrame) -> tuple[str, ...]:
    told = [
        "The oracle is the best of its plan space: with more levers, or wider bounds, it moves.",
        "It looks at the quarter alone: what awareness, stock and satisfaction are worth "
        "afterwards does not count.",
    ]
    at_edge = [one.name for one in hunt.levers if hunt.best[one.name] in (one.low, one.high)]
    if at_edge:
        told.append(f"At the edge of the space: {', '.join(at_edge)}.")
    if hunt.last_gain > 0.02:
        told.append(f"The last round of the search still added {hunt.last_gain:.0%} of the gain: "
                    f"a longer one would find more.")  # fmt: skip
    if table["low"].iloc[-1] <= 0:
        told.append("The oracle does not clearly beat the status quo on these seeds.")
    return tuple(told)
