"""Mechanisms that declare what they read and write, and the causal graph this draws.

A mechanism is one causal arrow: a step of a day that reads named values, draws from named
streams and writes named values. A value that is read before it is written today is
yesterday's state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ecomlab.simulator.incidents import Strikes
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.world import World

__all__ = ["Day", "Mechanism", "edges", "mechanism"]


class Day:
    """What mechanisms share: the world, the day's number, and named values.

    Values stay until they are overwritten, so that state passes from day to day.
    """

    def __init__(self, world: World, noise: Noise, plans: tuple[Plan, ...]) -> None:
        self.world = world
        self.plans = plans
        self.index = -1
        self.values: dict[str, Any] = {}
        self.streams: tuple[str, ...] = ()
        self._noise = noise

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.values[name] = value

    def uniform(self, stream: str, ids: Array, *, part: str = "") -> Array:
        """Return today's uniforms of a stream that the running mechanism declared."""
        self._declared(stream)
        return self._noise.uniform(stream, ids, day=self.index, part=part)

    def words(self, stream: str, ids: Array, *, part: str = "") -> Array:
        """Return today's random words of a declared stream, for several draws of an entity."""
        self._declared(stream)
        return self._noise.words(stream, ids, day=self.index, part=part)

    def keys(self, stream: str, *, part: str = "") -> tuple[Any, Any]:
        """Return today's keys of a declared stream, for kernels that draw as they go."""
        self._declared(stream)
        return self._noise.keys(stream, day=self.index, part=part)

    def lasting(self, stream: str, ids: Array, *, part: str = "") -> Array:
        """Return uniforms of a declared stream that are the same on every day."""
        self._declared(stream)
        return self._noise.uniform(stream, ids, part=part)

    def world_words(self, stream: str, ids: Array, period: int) -> Array:
        """Return random words of a declared stream that serve for a period of days."""
        self._declared(stream)
        return self._noise.words(stream, ids, day=period, part="period")

    def world_keys(self, stream: str, period: int) -> tuple[Any, Any]:
        """Return the keys of :meth:`world_words`, for kernels that draw as they go."""
        self._declared(stream)
        return self._noise.keys(stream, day=period, part="period")

    def lot(self, experiment: str, units: Array) -> Array:
        """Return the lots of an experiment's units: theirs for good, whoever asks."""
        return self._noise.uniform("experiment", units, part=experiment)

    @cached_property
    def strikes(self) -> Strikes:
        """What incidents make of parameters."""
        return Strikes(self.world)

    def parameter(
        self,
        name: str,
        usual: Any,
        *,
        people: Array | None = None,
        skus: Array | None = None,
        at: Mapping[str, Array] | None = None,
    ) -> Any:
        """Return a parameter as today's incidents leave it (see ``Strikes.parameter``)."""
        if name not in self.strikes.of:
            return usual
        return self.strikes.parameter(name, usual, day=self.index, people=people, skus=skus, at=at)

    def put(self, name: str, at: Array, value: Any) -> None:
        """Change some entries of a state that is held for every person, in its place."""
        state = self[name]
        state[at] = value
        self[name] = state

    def _declared(self, stream: str) -> None:
        if stream not in self.streams:
            raise KeyError(f"stream {stream!r} is not declared by the mechanism that draws from it")


@dataclass(frozen=True)
class Mechanism:
    """One causal arrow of the world."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    streams: tuple[str, ...]
    step: Callable[[Day], None]

    def __call__(self, day: Day) -> None:
        """Carry out the step on a day."""
        day.streams = self.streams
        self.step(day)


def mechanism(
    *, reads: tuple[str, ...] = (), writes: tuple[str, ...] = (), streams: tuple[str, ...] = ()
) -> Callable[[Callable[[Day], None]], Mechanism]:
    """Declare a step of a day: values it reads and writes, and streams it draws from."""

    def declare(step: Callable[[Day], None]) -> Mechanism:
        return Mechanism(step.__name__, reads, writes, streams, step)

    return declare


def edges(mechanisms: Iterable[Mechanism]) -> list[tuple[str, str, str]]:
    """Return the arrows ``(cause, effect, mechanism)`` that mechanisms declare, in order."""
    return [
        (cause, effect, one.name)
        for one in mechanisms
        for cause in one.reads
        for effect in one.writes
        if cause != effect
    ]
