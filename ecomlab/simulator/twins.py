"""Truth by twin runs: the same world and the same luck, with one thing changed.

*Same-day twins* live every day twice from the very same state, so that what they differ by is
the change's effect of the day. *Run twins* are two whole runs of one seed, so that what they
differ by includes all that follows: repeat orders, awareness, competitors' answers.
Frames out; the truth tables that the closed forms fill are told in ``docs/truth.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ecomlab.simulator.graph import Day, Mechanism, mechanism
from ecomlab.simulator.loop import MECHANISMS, STATE, Log, begin, run_days
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.run import SimulatedRun, simulate
from ecomlab.simulator.scenario import Scenario, load_scenario, nearest
from ecomlab.simulator.world import World, build_world

__all__ = [
    "Change", "Effect", "compare_days", "measure_contribution", "measure_effect",
    "measure_elasticity",
]  # fmt: skip

_UNTIL = 1 + [one.name for one in MECHANISMS].index("check_out")
_SPAN = ("orders", "amount", "margin", "units")
# What makes a route fire beside the liking of people, by the part of the scenario it stands in.
_CLICKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "seo": ("search", ("organic_brand", "organic_first")),
    "brand_search": ("search", ("click_brand",)),
    "generic_search": ("search", ("click_generic",)),
    "email": ("mail", ("visit_share",)),
}
_KINDS = {"point": (0.99, 1.01), "arc": (0.9, 1.1)}


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is different in a twin: give one of ``route``, ``priced`` and ``feature``.

    Parameters
    ----------
    route
        A route that never fires; what people, media and mails are remains.
    priced
        A product, a category, or ``all``: its prices are multiplied by ``factor``, exactly
        (a plan's prices are rounded to what shops print).
    feature
        A feature that every visitor sees.
    factor
        Of the prices.
    """

    route: str | None = None
    priced: str | None = None
    feature: str | None = None
    factor: float = 1.0

    def __post_init__(self) -> None:
        named = [n for n in ("route", "priced", "feature") if getattr(self, n) is not None]
        if len(named) != 1:
            raise ValueError(
                f"a change has one of route, priced and feature, not {named or 'none'}. "
                f"Give several changes to compare several things."
            )
        if not 0.1 <= self.factor <= 10:
            raise ValueError(f"factor: {self.factor!r} is not a number from 0.1 to 10.")


@dataclass(frozen=True)
class _Twin:
    """A world and the steps of its days, changed."""

    world: World
    steps: tuple[Mechanism, ...]


def compare_days(
    scenario: str | Scenario,
    seed: int = 7,
    *,
    changes: Mapping[str, Change],
    plan: Plan | None = None,
    people: int | None = None,
    days: int | None = None,
) -> pd.DataFrame:
    """Measure what changes do on the day itself, by brute force.

    On every day the status quo (or the plan) goes on; from the state that the day starts
    from, the day is lived once more under each change, with the same luck.

    Parameters
    ----------
    scenario, seed, plan, people, days
        See :func:`~ecomlab.simulator.simulate`.
    changes
        Name -> what is different.

    Returns
    -------
    DataFrame
        One row a change and day, the twin less the original: ``expected_orders``,
        ``expected_amount`` [currency], ``expected_margin``, ``expected_units`` given who
        visits; ``orders``, ``amount``, ``margin``, ``units`` under the day's luck. Beside them
        ``base_orders``, the expected orders of the original day.

    Examples
    --------
    >>> off = compare_days("tiny", changes={"no seo": Change(route="seo")}, people=300, days=20)
    >>> len(off), bool((off["expected_orders"] <= 0).all())
    (20, True)
    """
    world, noise, days = _set_up(scenario, seed, plan, people, days)
    twins = {name: _alter(world, change) for name, change in changes.items()}
    rows = []
    for index, base, others in _live_days(world, noise, plan, days, twins):
        for name, other in others.items():
            row: dict[str, object] = {"change": name, "date": world.around.days.dates[index]}
            for what in _SPAN:
                for of in (f"expected_{what}", what):
                    row[of] = float(np.sum(other[of] - base[of]))
            rows.append({**row, "base_orders": base["expected_orders"]})
    names = ["change", "date", *(f"expected_{what}" for what in _SPAN), *_SPAN, "base_orders"]
    return pd.DataFrame(rows, columns=names).assign(date=lambda f: pd.to_datetime(f["date"]))


def _set_up(
    scenario: str | Scenario, seed: int, plan: Plan | None, people: int | None, days: int | None
) -> tuple[World, Noise, int]:
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    days = law.days if days is None else days
    if plan is not None:
        plan.check(law, days=days)
    noise = Noise(seed)
    return build_world(law, noise, people=people or law.people, days=days), noise, days


def _alter(world: World, change: Change) -> _Twin:
    """Return the twin of a world under a change."""
    if change.route is not None:
        _known("route", change.route, tuple(world.scenario.routes))
        return _Twin(_without(world, change.route), MECHANISMS)
    if change.feature is not None:
        _known("feature", change.feature, tuple(world.scenario.features))
        return _Twin(world, _after("apply_plan", _build(change.feature)))
    at = _goods(world, str(change.priced))
    return _Twin(world, _after("post_prices", _reprice(at, change.factor)))


def _known(kind: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ValueError(
            f"{kind}: there is no {name!r}.{nearest(name, known)} Known: {', '.join(known[:12])}."
        )


def _goods(world: World, name: str) -> Array:
    """Return which products a name means: one, a category's, or all."""
    goods, kinds = world.products, list(world.scenario.categories)
    _known("priced", name, ("all", *kinds, *goods.sku))
    if name == "all":
        return np.ones(len(goods.key), dtype=bool)
    if name in kinds:
        return np.asarray(goods.category == kinds.index(name))
    return np.array(goods.sku) == name


def _without(world: World, route: str) -> World:
    """Return the world in which a route never fires: nobody likes it, nobody clicks."""
    known: list[str] = list(world.scenario.routes)
    liking = world.people.liking.copy()
    liking[:, known.index(route)] = 0
    scenario = world.scenario
    if route in _CLICKS:
        part, clicks = _CLICKS[route]
        silent = getattr(scenario, part).model_copy(update=dict.fromkeys(clicks, 0.0))
        scenario = scenario.model_copy(update={part: silent})
    return replace(world, scenario=scenario, people=replace(world.people, liking=liking))


def _after(name: str, step: Mechanism) -> tuple[Mechanism, ...]:
    """Return the order of the day with a step more."""
    at = 1 + [one.name for one in MECHANISMS].index(name)
    return (*MECHANISMS[:at], step, *MECHANISMS[at:])


def _reprice(at: Array, factor: float, first: int = 0) -> Mechanism:
    """Return the step that multiplies prices from a day on, competitors noticing."""

    @mechanism(
        reads=("base_cents", "price_cents", "own_index"),
        writes=("base_cents", "price_cents", "own_index"),
    )
    def reprice(day: Day) -> None:
        if day.index < first:
            return
        goods = day.world.products
        moved = np.where(at, factor, 1.0)
        day["base_cents"] = day["base_cents"] * moved
        day["price_cents"] = day["price_cents"] * moved
        index = day["own_index"].copy()
        index[-1] += np.bincount(goods.category, weights=np.log(moved) * goods.popularity)
        day["own_index"] = index

    return reprice


def _build(feature: str) -> Mechanism:
    """Return the step that shows a feature to everybody."""

    @mechanism(reads=("built",), writes=("built",))
    def build(day: Day) -> None:
        day["built"] = tuple(dict.fromkeys((*day["built"], feature)))

    return build


def _live_days(
    world: World, noise: Noise, plan: Plan | None, days: int, twins: Mapping[str, _Twin]
) -> Iterator[tuple[int, dict[str, Any], dict[str, dict[str, Any]]]]:
    """Yield each day's sums, and those of its twins that started from the same state."""
    day = begin(world, noise, plan)
    for index in range(days):
        day.index = index
        before = _copy(day.values)
        for step in MECHANISMS[:_UNTIL]:
            step(day)
        base, others = _sums(day), {}
        for name, twin in twins.items():
            other = Day(twin.world, noise, day.plans)
            other.index, other.values = index, _copy(before)
            for step in twin.steps[: _UNTIL + len(twin.steps) - len(MECHANISMS)]:
                step(other)
            others[name] = _sums(other)
        yield index, base, others
        for step in MECHANISMS[_UNTIL:]:
            step(day)


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the state, since some mechanisms change it in its place."""
    return {n: v.copy() if isinstance(v := values[n], np.ndarray) else v for n in STATE}


def _sums(day: Day) -> dict[str, Any]:
    """Add up a day after checkout; units are by product."""
    paid = day["payment"] == PAID
    units = day["line_units"] * paid[day["line_order"]]
    amount = float((day["order_cents"] * paid).sum()) / 100
    return {
        "expected_orders": day["expected_orders"],
        "expected_amount": day["expected_amount"],
        "expected_margin": day["expected_margin"],
        "expected_units": day["sku_units"],
        "orders": int(paid.sum()),
        "amount": amount,
        "margin": amount - float((units * day["line_cost_cents"]).sum()) / 100,
        "units": np.bincount(day["line_sku"], units, len(day.world.products.key)),
    }


def measure_elasticity(
    scenario: str | Scenario,
    seed: int = 7,
    *,
    priced: Sequence[str],
    start: date | str | None = None,
    weeks: Sequence[int] = (0, 13),
    plan: Plan | None = None,
    people: int | None = None,
) -> pd.DataFrame:
    """Measure elasticities of expected units by twins, by scope, horizon and size of the change.

    With prices at ``f`` below and ``g`` above today's, the elasticity is
    ``ln(units_g / units_f) / ln(g / f)``: at 0.99 and 1.01 for ``point``, at 0.9 and 1.1
    for ``arc``. The same-day one holds everybody's visits; the longer ones are from run twins
    and include repeat orders and competitors' answers. Prices move exactly, unrounded.

    Parameters
    ----------
    scenario, seed, plan, people
        See :func:`~ecomlab.simulator.simulate`.
    priced
        Products, categories, or ``all``.
    start
        First day of the other prices; the scenario's first day if left out.
    weeks
        Horizons, all from ``start`` on [weeks]; 0 is the same day, over as long as the longest
        of the others (13 weeks if there is none).

    Returns
    -------
    DataFrame
        ``priced``, ``affected`` (itself, its category, ``all``), ``scope`` of what is priced,
        ``horizon``, ``kind``, ``elasticity``, ``support``: False, with a gap for the value,
        where the one or the other was not on sale or had no expected units.

    Examples
    --------
    >>> measure_elasticity("tiny", priced=["AP-001"], weeks=[0], people=300)["scope"].tolist()
    ['sku', 'sku', 'sku', 'sku', 'sku', 'sku']
    """
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    first = 0 if start is None else (pd.Timestamp(start).date() - law.start).days
    if first < 0 or not weeks or min(weeks) < 0:
        raise ValueError(
            f"start: {start} and weeks: {list(weeks)} must not lie before {law.start}. "
            f"Name a day of the period and horizons from 0 on."
        )
    longest = 7 * (max(weeks) or 13)
    world, noise, days = _set_up(law, seed, plan, people, first + longest)
    sides = sorted({side for pair in _KINDS.values() for side in pair})
    found: dict[tuple[str, int, float], Array] = {}
    if 0 in weeks:
        found |= _same_day_units(world, noise, plan, (first, days), priced, sides)
    for name in priced if max(weeks) else ():
        for side in sides:
            steps = _after("post_prices", _reprice(_goods(world, name), side, first))
            units = _run_units(world, noise, plan, days, steps)
            for span in filter(None, weeks):
                found[name, span, side] = units[first : first + 7 * span].sum(axis=0)
    rows = [
        row for name in priced for span in weeks for row in _elasticities(world, name, span, found)
    ]
    on_sale = world.products.launch < first + longest
    return _supported(world, pd.DataFrame(rows), on_sale)


def _same_day_units(
    world: World,
    noise: Noise,
    plan: Plan | None,
    span: tuple[int, int],
    priced: Sequence[str],
    sides: Sequence[float],
) -> dict[tuple[str, int, float], Array]:
    """Return expected units by product in same-day twins, by what is priced and how."""
    changes = {(n, s): Change(priced=n, factor=s) for n in priced for s in sides}
    twins = {f"{n}|{s}": _alter(world, change) for (n, s), change in changes.items()}
    found = {(n, 0, s): np.zeros(len(world.products.key)) for n, s in changes}
    for index, _, others in _live_days(world, noise, plan, span[1], twins):
        if index >= span[0]:
            for n, s in changes:
                found[n, 0, s] += others[f"{n}|{s}"]["expected_units"]
    return found


def _run_units(
    world: World, noise: Noise, plan: Plan | None, days: int, steps: tuple[Mechanism, ...]
) -> Array:
    """Return expected units of a whole run, days x products."""
    pieces: list[Array] = []

    def flush(log: Log) -> None:
        pieces.append(log.stack("sku_units"))

    run_days(world, noise, plan, days, flush=flush, mechanisms=steps)
    return np.concatenate(pieces)


def _elasticities(
    world: World, name: str, span: int, found: Mapping[tuple[str, int, float], Array]
) -> Iterator[dict[str, object]]:
    """Yield the elasticities of what is affected by one priced name, over one horizon."""
    kinds = list(world.scenario.categories)
    own = [name]
    if name not in ("all", *kinds):
        own.append(kinds[world.products.category[world.products.sku.index(name)]])
    scope = "all" if name == "all" else "category" if name in kinds else "sku"
    for affected in dict.fromkeys([*own, "all"]):
        at = _goods(world, affected)
        for kind, (low, high) in _KINDS.items():
            below, above = (float(found[name, span, side][at].sum()) for side in (low, high))
            has_units = below > 0 and above > 0
            yield {
                "priced": name,
                "affected": affected,
                "scope": scope,
                "horizon": f"{span} weeks" if span else "same day",
                "kind": kind,
                "elasticity": np.log(above / below) / np.log(high / low) if has_units else np.nan,
                "support": has_units,
            }


def _supported(world: World, frame: pd.DataFrame, on_sale: Array) -> pd.DataFrame:
    """Mark what has no true value, since what is priced was never on sale."""
    sold = {name: bool((_goods(world, name) & on_sale).any()) for name in frame["priced"].unique()}
    support = frame["support"] & frame["priced"].map(sold).astype(bool)
    return frame.assign(support=support, elasticity=frame["elasticity"].where(support))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Effect:
    """What one plan does over another in a window, by two runs of the same seed.

    Orders, amount and margin (goods only) are expected given who visits; ``spend`` is what
    media cost; ``profit`` is what is left under the same luck when delivery, payments, refunds
    by the day they are booked, media, features and research are paid.
    """

    headline: ClassVar[dict[str, str]] = {
        "orders": "orders", "amount": "currency", "margin": "currency", "spend": "currency",
        "profit": "currency",
    }  # fmt: skip

    table: pd.DataFrame
    orders: float
    amount: float
    margin: float
    spend: float
    profit: float

    def summary(self) -> pd.DataFrame:
        """Return one row per headline quantity: quantity, value, unit."""
        rows = [(n, round(getattr(self, n), 4), unit) for n, unit in self.headline.items()]
        return pd.DataFrame(rows, columns=["quantity", "value", "unit"])

    def __repr__(self) -> str:
        parts = [f"{n}={round(getattr(self, n), 4)} {unit}" for n, unit in self.headline.items()]
        return f"Effect({', '.join(parts)})"


def measure_effect(
    scenario: str | Scenario,
    seed: int = 7,
    *,
    plan: Plan,
    against: Plan | None = None,
    people: int | None = None,
    window: tuple[date | str, date | str],
) -> Effect:
    """Measure what a plan does over another in a window, all that follows included.

    Parameters
    ----------
    scenario, seed, people
        See :func:`~ecomlab.simulator.simulate`.
    plan
        The plan.
    against
        What it is compared with; the status quo if left out.
    window
        First and last day that count; the runs end with it.

    Examples
    --------
    >>> window = ("2024-01-15", "2024-02-14")
    >>> effect = measure_effect("tiny", plan=Plan(budgets={"social": 0}), people=300, window=window)
    >>> effect.spend < 0, len(effect.table)
    (True, 31)
    """
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    first, last = (pd.Timestamp(day) for day in window)
    days = (last.date() - law.start).days + 1
    if not pd.Timestamp(law.start) <= first <= last:
        raise ValueError(
            f"window: {first.date()} to {last.date()} is not a span of days from {law.start} on. "
            f"Give its first and last day."
        )
    with_it, without = (
        _daily(simulate(law, seed, plan=one, people=people, days=days)) for one in (plan, against)
    )
    return _effect((with_it - without).loc[first:last])


def _effect(table: pd.DataFrame) -> Effect:
    total = table.sum()
    return Effect(
        table=table.reset_index(),
        orders=float(total["expected_orders"]),
        amount=float(total["expected_amount"]),
        margin=float(total["expected_margin"]),
        spend=float(total["spend"]),
        profit=float(total["profit"]),
    )


def _daily(run: SimulatedRun) -> pd.DataFrame:
    """Return a run's expected and realised results, one row a day."""
    days = run.truth["truth_day"].set_index("date")
    days = days.assign(spend=run.truth["truth_route_day"].groupby("date")["spend"].sum())
    return days.assign(profit=_profit(run, days.index)).drop(columns="occasions")


def _profit(run: SimulatedRun, index: pd.Index) -> pd.Series:
    """Return what is left of each day's money, all costs paid."""
    tables = run.store
    orders = tables.table("orders").query("payment_status == 'paid'")
    lines = tables.table("order_lines").merge(orders[["order_id", "date"]], on="order_id")
    back = tables.table("returns")
    costs = tables.table("costs_daily").set_index("date")
    parts = (
        (orders["amount"] + orders["shipping_fee"]).groupby(orders["date"]).sum(),
        -(lines["units"] * lines["unit_cost"]).groupby(lines["date"]).sum(),
        (back["resale_value"] - back["refund_amount"]).groupby(back["date"]).sum(),
        -costs.sum(axis=1),
    )
    return sum((part.reindex(index, fill_value=0.0) for part in parts), pd.Series(0.0, index=index))


def measure_contribution(
    scenario: str | Scenario,
    seed: int = 7,
    *,
    channels: Sequence[str] | None = None,
    start: date | str | None = None,
    weeks: Sequence[int] = (13, 26),
    people: int | None = None,
) -> pd.DataFrame:
    """Measure what paid channels bring in the long run: what a run without their budget lacks.

    Parameters
    ----------
    scenario, seed, people
        See :func:`~ecomlab.simulator.simulate`.
    channels
        Budget levers (see ``Scenario.levers``); every whole channel if left out.
    start
        Day from which on nothing is spent; the scenario's first day if left out.
    weeks
        Horizons from ``start`` on [weeks].

    Returns
    -------
    DataFrame
        One row a channel and horizon: ``orders``, ``amount``, ``margin`` (expected), ``spend``
        and ``profit`` that the channel adds, ``return_on_spend``, and ``same_day_orders``, the
        sum of ``truth_route_day`` beside it: what it leaves out is awareness, carry-over and
        repeat orders, less what loyal people would have done anyway.

    Examples
    --------
    >>> found = measure_contribution("tiny", channels=["social"], weeks=[4], people=300)
    >>> found[["channel", "weeks"]].values.tolist()
    [['social', 4]]
    """
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    first = law.start if start is None else pd.Timestamp(start).date()
    names = [n for n in law.levers if "." not in n] if channels is None else list(channels)
    days = (first - law.start).days + 7 * max(weeks)
    base = simulate(law, seed, people=people, days=days)
    mine, routes = _daily(base), base.truth["truth_route_day"].set_index("date")
    rows = []
    for name in names:
        plan = Plan(start=first, budgets={name: 0})
        gap = mine - _daily(simulate(law, seed, plan=plan, people=people, days=days))
        own = routes.loc[routes["route"].isin(law.levers[name]), "incremental_orders"]
        for span in weeks:
            until = pd.Timestamp(first) + timedelta(days=7 * span - 1)
            told = _effect(gap.loc[pd.Timestamp(first) : until])
            rows.append(
                {"channel": name, "weeks": span, **{n: getattr(told, n) for n in told.headline},
                 "return_on_spend": told.amount / told.spend if told.spend else np.nan,
                 "same_day_orders": float(own.loc[pd.Timestamp(first) : until].sum())}
            )  # fmt: skip
    return pd.DataFrame(rows)
