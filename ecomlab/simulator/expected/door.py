"""The door of expected mode: a scenario, a seed and a plan in; the mean of all luck out."""

from __future__ import annotations

from ecomlab.simulator.expected.cells import draw_cells
from ecomlab.simulator.expected.days import live_expected
from ecomlab.simulator.expected.result import Expected
from ecomlab.simulator.plan import Plan, PlanError
from ecomlab.simulator.run import Setting, whole_size
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.world import build_world

__all__ = ["expect"]

_CELLS = 5_000
_BY_PERSON = ("feature", "holdout", "launch", "carrier", "queue")


def expect(
    scenario: str | Scenario = "west_d2c",
    seed: int = 7,
    plan: Plan | None = None,
    people: int | None = None,
    days: int | None = None,
    *,
    cells: int = _CELLS,
) -> Expected:
    """Return what a simulated store is expected to do: the mean over its people's luck.

    The world of the seed is given: its people, goods and suppliers, the seasons and shocks of
    its days, and the lots of the manager's habits. What people make of it (who visits, looks,
    orders, pays, sends back and comes again) is taken at its mean, from the same parameters,
    without drawing it. See ``docs/simulator/expected.md``.

    Parameters
    ----------
    scenario, seed, plan, people, days
        See :func:`~ecomlab.simulator.simulate`.
    cells
        People that stand for all where there are more; the others' part goes to those most
        like them.

    Raises
    ------
    ValueError
        Where the scenario, or a lever of the plan, is one that expected mode does not know
        (with what to do instead), or where a size is out of its range.

    Examples
    --------
    >>> usual = expect("tiny", people=300, days=30)
    >>> more = expect("tiny", plan=Plan(budgets={"social": 1.5}), people=300, days=30)
    >>> bool(more.sessions > usual.sessions)
    True
    """
    asked = Setting.of(scenario, seed, plan, people, days)
    world, noise = asked.scenario, asked.noise
    _check_known(world, plan)
    drawn = build_world(world, noise, people=asked.people, days=asked.days)
    who, weight = draw_cells(world, drawn.people, whole_size("cells", cells, 5_000_000))
    daily = live_expected(drawn, noise, plan, asked.days, who, weight)
    return Expected(
        daily=daily, currency=world.currency, cells=len(who),
        caveats=_caveats(world, len(who), asked.people),
    )  # fmt: skip


def _check_known(scenario: Scenario, plan: Plan | None) -> None:
    """Raise where expected mode does not know what a scenario or a plan asks for."""
    rest = "Use simulate(...), over several seeds where its luck matters."
    if scenario.incidents:
        raise ValueError(f"incidents: expected mode knows ordinary days only. {rest}")
    if scenario.fronts or scenario.live is not None:
        name = "fronts" if scenario.fronts else "live"
        raise ValueError(f"{name}: {scenario.name} sells on platforms, which expected mode does "
                         f"not know. Take a scenario without, or: {rest}")  # fmt: skip
    for one in plan.in_force(scenario.start) if plan is not None else ():
        if one.personalisation:
            raise PlanError(f"personalisation: expected mode has no recommender. Leave it out. "
                            f"{rest}")  # fmt: skip
        for test in one.experiments:
            if test.kind in _BY_PERSON:
                raise PlanError(
                    f"experiments.{test.id}: a {test.kind} test draws lots among people, visits "
                    f"or orders, and expected mode draws none. Leave it out, or compare two "
                    f"plans, one of them with {test.what!r} for all. {rest}"
                )


def _caveats(scenario: Scenario, cells: int, people: int) -> tuple[str, ...]:
    told = [
        "People's luck is at its mean; seasons, shocks and the manager's habits are those of "
        "the seed. Average several seeds to take them out as well."
    ]
    if cells < people:
        told.append(f"{cells:,} people stand for {people:,}: levels are off by a per cent or two.")
    if scenario.stock is not None:
        told.append("Stock-outs follow from a share of the day that each product is in stock: "
                    "see the page for how far that is off.")  # fmt: skip
    return tuple(told)
