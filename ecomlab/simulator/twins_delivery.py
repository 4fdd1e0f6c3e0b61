"""What late parcels do to coming again, by twins: the same world and luck, parcels later.

The effect is computed, not assumed: satisfaction falls, with it the rate of occasions and the
chance to stay. What follows from both within 90 days is counted, and expected by a closed form.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecomlab.simulator.carriers import delight_of
from ecomlab.simulator.graph import Day, Mechanism, mechanism
from ecomlab.simulator.loop import MECHANISMS, Log, run_days
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.mechanisms.satisfaction import leaving_chance
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.scenario import Scenario, load_scenario
from ecomlab.simulator.world import World, build_world

__all__ = ["measure_lateness"]

_WITHIN = 90  # days in which a buyer may come again


def measure_lateness(
    scenario: str | Scenario,
    seed: int = 7,
    *,
    late_days: Sequence[int] = (1, 2, 5),
    first: int = 0,
    days: int = 91,
    people: int | None = None,
) -> pd.DataFrame:
    """Measure what days of delay do to buying again within 90 days, by run twins.

    Of everybody who orders in some days, the first order comes later in the twin by some days
    than it did; all else is the same. Other orders keep their own luck.

    Parameters
    ----------
    scenario, seed, people
        See :func:`~ecomlab.simulator.simulate`.
    late_days
        Days that parcels come later [days].
    first, days
        First day, and number of days, whose orders count [days].

    Returns
    -------
    DataFrame
        One row a number of ``late_days``: ``orders``, ``repurchase_share`` as it was and
        ``late_repurchase_share`` in the twin, their difference ``effect`` and its ``se``, and
        ``expected_effect``, free of the luck of coming and choosing.

    Examples
    --------
    >>> found = measure_lateness("tiny", late_days=[3], days=20, people=300)
    >>> found.columns.tolist()[:3]
    ['late_days', 'orders', 'repurchase_share']
    """
    law = load_scenario(scenario) if isinstance(scenario, str) else scenario
    span = first + days + _WITHIN
    world = build_world(law, Noise(seed), people=people or law.people, days=span)
    usual = _orders(world, seed, span, MECHANISMS)
    rows = []
    for more in late_days:
        changes: list[Array] = []
        twin = _orders(world, seed, span, _with_delay(more, first, first + days, changes))
        expected = float(np.concatenate(changes).mean())
        rows.append((more, *_compare(usual, twin, first, first + days), expected))
    names = ["late_days", "orders", "repurchase_share", "late_repurchase_share", "effect", "se",
             "expected_effect"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _with_delay(more: int, first: int, last: int, changes: list[Array]) -> tuple[Mechanism, ...]:
    """Return the order of the day in which first orders of a span come some days later.

    What this changes in the chance of each buyer to come again is added to ``changes``.
    """

    @mechanism(
        reads=("buyers", "payment", "last_order", "late_days", "delivery_days", "promised_days",
               "satisfaction", "usual_delight"),
        writes=("late_days", "delivery_days"),
    )  # fmt: skip
    def delay(day: Day) -> None:
        if not first <= day.index < last:
            return
        hit = day["last_order"][day["buyers"]] < first
        counts = hit & (day["payment"] == PAID)
        before = _chance_to_return(day)
        day["delivery_days"] = day["delivery_days"] + more * hit
        day["late_days"] = np.maximum(day["delivery_days"] - day["promised_days"], 0.0)
        changes.append((_chance_to_return(day) - before)[counts])

    at = 1 + [one.name for one in MECHANISMS].index("carry_parcels")
    return (*MECHANISMS[:at], delay, *MECHANISMS[at:])


def _chance_to_return(day: Day) -> Array:
    """Return the chance that each of today's buyers orders again, once the parcel is there.

    ``(1 - chance to leave) (1 - exp(-orders a day x 90 days x exp(rate x change)))``, by the
    orders a person makes as a customer under the status quo, with goods as good as usual.
    """
    scenario, people, buyers = day.world.scenario, day.world.people, day["buyers"]
    law = scenario.satisfaction
    if law is None:
        return np.zeros(len(buyers))
    early = np.maximum(day["promised_days"] - day["delivery_days"], 0)
    told = law.usual + delight_of(scenario, day["late_days"], early) - day["usual_delight"]
    after = law.memory * day["satisfaction"][buyers] + (1 - law.memory) * told
    stays = 1 - leaving_chance(scenario, people.dropout[buyers], after - law.usual)
    orders = people.order_rate[buyers] / 7 * _WITHIN * np.exp(law.rate * (after - law.usual))
    return np.asarray(stays * -np.expm1(-orders))


def _orders(world: World, seed: int, days: int, steps: Sequence[Mechanism]) -> pd.DataFrame:
    """Return person and day of each paid order."""
    found: list[tuple[Array, Array]] = []

    def keep(log: Log) -> None:
        paid = log.join("payment") == PAID
        found.append((log.join("buyers")[paid], log.day_of("buyers")[paid]))

    run_days(world, Noise(seed), None, days, flush=keep, mechanisms=steps)
    person, day = (np.concatenate(part) for part in zip(*found, strict=True))
    return pd.DataFrame({"person": person, "day": day})


def _compare(
    usual: pd.DataFrame, twin: pd.DataFrame, first: int, last: int
) -> tuple[int, float, float, float, float]:
    """Return how many ordered in a span, and the shares of them that came again."""
    start = usual[usual["day"].between(first, last - 1)].groupby("person")["day"].min()
    again = []
    for orders in (usual, twin):
        since = orders["day"] - orders["person"].map(start)
        came = orders.loc[since.between(1, _WITHIN), "person"].unique()
        again.append(start.index.isin(came).astype(float))
    change = again[1] - again[0]
    se = float(change.std(ddof=1) / np.sqrt(len(change))) if len(change) > 1 else float("nan")
    return len(start), float(again[0].mean()), float(again[1].mean()), float(change.mean()), se
