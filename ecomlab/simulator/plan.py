"""A plan: dated decisions that replace the status quo from a day on.

A plan is data and never changes; ``after`` puts one plan behind another, and a lever
that the later plan does not name stays where the earlier one left it.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecomlab.simulator.experiments import Experiment, Research
from ecomlab.simulator.scenario import Scenario, nearest

__all__ = ["Plan", "PlanError"]

_LEVERS = (
    "start", "budgets", "prices", "discounts", "promotions", "features", "experiments",
    "research", "before",
)  # fmt: skip


class PlanError(ValueError):
    """A plan names a lever that does not exist, or sets one out of its range."""


class Plan(BaseModel):
    """Decisions as multiples of the status quo, in force from ``start`` on.

    Parameters
    ----------
    start
        First day of the plan; the first simulated day if left out.
    budgets
        Channel, or ``channel.campaign`` -> multiple of the usual budget (0 switches it off, at
        most 20). For e-mail it is the number of mails that is multiplied.
    prices
        Category or product -> multiple of the usual price (0.2 to 5).
    discounts
        Multiple of the usual depth of promotions (0 to 3).
    promotions
        Multiple of the usual share of products promoted (0 to 5).
    features
        Features of the scenario that every visitor sees from ``start`` on.
    experiments, research
        See :class:`~ecomlab.simulator.experiments.Experiment` and ``Research``.
    before
        The plan in force until ``start``; see :meth:`after`.

    Examples
    --------
    >>> plan = Plan(start="2024-07-01", budgets={"paid_search": 0.7})
    >>> print(plan.to_yaml())
    start: '2024-07-01'
    budgets:
      paid_search: 0.7
    <BLANKLINE>
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    start: date | None = None
    budgets: Mapping[str, Annotated[float, Field(ge=0, le=20)]] = Field(default_factory=dict)
    prices: Mapping[str, Annotated[float, Field(ge=0.2, le=5)]] = Field(default_factory=dict)
    discounts: Annotated[float, Field(ge=0, le=3)] | None = None
    promotions: Annotated[float, Field(ge=0, le=5)] | None = None
    features: tuple[str, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    research: tuple[Research, ...] = ()
    before: Plan | None = None

    @model_validator(mode="before")
    @classmethod
    def _known_levers(cls, values: Any) -> Any:
        for name in values if isinstance(values, Mapping) else ():
            if name not in _LEVERS:
                raise PlanError(
                    f"a plan has no lever {str(name)[:40]!r}.{nearest(str(name), _LEVERS)} "
                    f"Levers: {', '.join(_LEVERS)}"
                )
        return values

    @model_validator(mode="after")
    def _later_than_the_one_before(self) -> Plan:
        if self.before is None:
            return self
        if self.start is None:
            raise PlanError("start: a plan that follows another one needs a start")
        if self.before.start is not None and self.start <= self.before.start:
            raise PlanError(f"start: {self.start} is not after the earlier {self.before.start}")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values, levers left alone omitted."""
        values = self.model_dump(mode="json")
        if self.before is not None:
            values["before"] = self.before.to_dict()
        return {name: value for name, value in values.items() if value not in (None, {}, [])}

    def to_yaml(self) -> str:
        """Return the plan as YAML text."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Plan:
        """Return the plan that plain values describe.

        Raises
        ------
        PlanError
            Naming the lever that is unknown (and the nearest one) or out of its range.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise PlanError(_in_words(error)) from None

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> Plan:
        """Return the plan in a YAML file (see :meth:`from_dict`)."""
        file = Path(path)
        try:
            values = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise PlanError(f"{file.name} cannot be read as a plan: {error}") from None
        if not isinstance(values, dict):
            raise PlanError(
                f"{file.name} is not a plan. Write levers, for example 'budgets: {{social: 0.5}}'."
            )
        return cls.from_dict(values)

    def after(self, earlier: Plan | None) -> Plan:
        """Return this plan with another one in force until it starts."""
        if earlier is None:
            return self
        before = earlier if self.before is None else self.before.after(earlier)
        return Plan.from_dict({**self.to_dict(), "before": before.to_dict()})

    def in_force(self, first_day: date) -> tuple[Plan, ...]:
        """Return the plan and those before it, oldest first, each with a start."""
        started = self if self.start else self.model_copy(update={"start": first_day})
        earlier = self.before.in_force(first_day) if self.before is not None else ()
        return (*earlier, started)

    def check(self, scenario: Scenario, *, days: int) -> None:
        """Raise where the plan does not fit a scenario and its period.

        Raises
        ------
        PlanError
            Naming the lever, and the nearest valid name.
        """
        _known("budgets", self.budgets, tuple(scenario.levers), "budgets")
        goods = tuple(f"{k.prefix}-{n:03d}" for k in scenario.categories.values()
                      for n in range(1, k.skus + 1))  # fmt: skip
        _known("prices", self.prices, (*scenario.categories, *goods), "categories and products",
               shown=tuple(scenario.categories))  # fmt: skip
        _known("features", self.features, tuple(scenario.features), "features")
        for test in self.experiments:
            _check_experiment(test, scenario)
        last = scenario.start + timedelta(days=days - 1)
        if self.start is not None and not scenario.start <= self.start <= last:
            raise PlanError(
                f"start: {self.start} lies outside the simulated period, "
                f"{scenario.start} to {last}."
            )
        if self.before is not None:
            self.before.check(scenario, days=days)


def _check_experiment(test: Experiment, scenario: Scenario) -> None:
    """Raise where an experiment is about something that the scenario does not have."""
    known = {
        "feature": tuple(scenario.features),
        "launch": tuple(scenario.features),
        "holdout": tuple(n for n in ("email", "social") if n in scenario.routes),
        "geo": tuple(lever for lever, routes in scenario.levers.items()
                     if not {"creators", "live"} & set(routes)),  # seen in the whole country
        "price": ("all", *scenario.categories),
        "promotion": ("all", *scenario.categories),
    }[test.kind]  # fmt: skip
    _known(f"experiments.{test.id}.what", (test.what,), known, f"things a {test.kind} test tries")


def _known(
    lever: str,
    given: Iterable[str],
    known: tuple[str, ...],
    what: str,
    *,
    shown: tuple[str, ...] = (),
) -> None:
    for name in given:
        if name not in known:
            raise PlanError(
                f"{lever}.{name}: not one of the {what}.{nearest(name, known)} "
                f"Known: {', '.join(shown or known) or 'none'}."
            )


def _in_words(error: ValidationError) -> str:
    """Turn pydantic's list into one sentence a lever."""
    return " ".join(
        f"{'.'.join(map(str, one['loc'])) or 'plan'}: {one['msg'].removeprefix('Value error, ')} "
        f"(given {reprlib.repr(one['input'])})."
        for one in error.errors()
    )
