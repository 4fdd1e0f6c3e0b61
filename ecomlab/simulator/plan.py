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
from ecomlab.simulator.parameters_entry import Entry
from ecomlab.simulator.parameters_service import ServicePlan
from ecomlab.simulator.scenario import Scenario, nearest

__all__ = ["Plan", "PlanError"]

_LEVERS = (
    "start", "budgets", "prices", "discounts", "promotions", "features", "experiments",
    "research", "before", "carriers", "promise", "reorder", "suppliers", "service",
    "regions", "delist", "personalisation",
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
    carriers
        Region, or ``all`` -> share of each carrier, adding up to 1; a region's own mix wins.
    reorder
        Category, product, or ``all`` -> multiple of the usual reorder point (0 to 10).
    suppliers
        Category, product, or ``all`` -> share of its purchase orders that goes to the second
        supplier (0 to 1), who is dearer; none by habit.
    promise
        Quantile of the delivery time that is promised (0.5 to 0.999).
    service
        See :class:`~ecomlab.simulator.parameters_service.ServicePlan`.
    regions
        New region -> how it is entered, on ``start``: see
        :class:`~ecomlab.simulator.parameters_entry.Entry`. A later plan may change the range.
    delist
        Products that are not on sale from ``start`` on; a later plan's list replaces it, so
        that an empty one brings all back.
    personalisation
        Whether a recommender chooses the products that visitors look at; off by habit.
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
    carriers: Mapping[str, Mapping[str, Annotated[float, Field(ge=0, le=1)]]] = Field(
        default_factory=dict
    )
    reorder: Mapping[str, Annotated[float, Field(ge=0, le=10)]] = Field(default_factory=dict)
    suppliers: Mapping[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    promise: Annotated[float, Field(ge=0.5, le=0.999)] | None = None
    service: ServicePlan | None = None
    regions: Mapping[str, Entry] = Field(default_factory=dict)
    delist: tuple[str, ...] | None = None
    personalisation: bool | None = None
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
        if self.service is not None:
            values["service"] = {n: v for n, v in values["service"].items() if v not in (None, {})}
        kept = {name: value for name, value in values.items() if value not in (None, {}, [])}
        return kept if self.delist is None else kept | {"delist": list(self.delist)}

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
        for lever, levels in (("reorder", self.reorder), ("suppliers", self.suppliers)):
            known = ("all", *scenario.categories, *goods) if scenario.stock else ()
            _known(lever, levels, known, "categories and products",
                   shown=("all", *scenario.categories) if scenario.stock else ())  # fmt: skip
        _known("features", self.features, tuple(scenario.features), "features")
        _known(
            "delist",
            self.delist or (),
            goods,
            "products",
            shown=tuple(
                f"{k.prefix}-001 to {k.prefix}-{k.skus:03d}" for k in scenario.categories.values()
            ),
        )
        self._check_regions(scenario)
        self._check_carriers(scenario)
        if self.service is not None:
            known = tuple(scenario.service.channels) if scenario.service else ()
            if not known:
                raise PlanError("service: the scenario has no customer service to decide about.")
            _known("service.agents", self.service.agents, known, "channels")
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

    def _check_regions(self, scenario: Scenario) -> None:
        new = tuple(name for name, region in scenario.regions.items() if region.is_new)
        earlier = self.before.in_force(scenario.start) if self.before is not None else ()
        for name, entry in self.regions.items():
            if name in scenario.regions and name not in new:
                raise PlanError(
                    f"regions.{name}: the shop sells there already; leave it out. "
                    f"Regions that can be entered: {', '.join(new) or 'none'}."
                )
            _known("regions", (name,), new, "new regions")
            if entry.launch_budget and any(name in one.regions for one in earlier):
                raise PlanError(
                    f"regions.{name}.launch_budget: an earlier plan opened the region, and a "
                    f"launch comes once. Leave it out; the range may change."
                )

    def _check_carriers(self, scenario: Scenario) -> None:
        law = scenario.fulfilment
        if law is None and self.promise is not None:
            raise PlanError("promise: the scenario has no carriers, whose days could be promised.")
        _known("carriers", self.carriers, ("all", *scenario.regions) if law else (), "regions")
        for where, mix in self.carriers.items():
            _known(f"carriers.{where}", mix, tuple(law.carriers) if law else (), "carriers")
            if abs(sum(mix.values()) - 1) > 0.001:
                raise PlanError(
                    f"carriers.{where}: shares add up to {sum(mix.values()):g}, not to 1."
                )


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
        "carrier": ("all",) if scenario.fulfilment else (),
        "queue": ("all",) if scenario.service else (),
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
