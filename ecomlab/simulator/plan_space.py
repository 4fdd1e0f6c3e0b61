"""Which plans an oracle may choose from: levers as numbers, each within bounds.

An oracle is the best of a space: in a wider one it moves. The space is told with every score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from ecomlab.simulator.carriers import delay_means, known_days, usual_shares
from ecomlab.simulator.noise import Array
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.scenario import Scenario

__all__ = ["Lever", "PlanSpace", "carrier_mix"]

_Bounds = tuple[float, float] | None


@dataclass(frozen=True)
class Lever:
    """One number of a plan: its bounds, and where the status quo has it."""

    name: str
    low: float
    high: float
    usual: float = 1.0

    @property
    def group(self) -> str:
        """The plan's lever that it belongs to."""
        return self.name.split(".")[0]


@dataclass(frozen=True, kw_only=True)
class PlanSpace:
    """Levers and their bounds, as multiples of the status quo; None leaves a lever alone.

    Parameters
    ----------
    budgets
        Of each channel, or campaign where a channel has several.
    prices
        Of each category.
    discounts, promotions
        Depth of promotions, and share of products promoted.
    reorder
        Reorder point of all products.
    service
        Agents of each team.
    carriers
        Mean days on the way; :func:`carrier_mix` finds the cheapest mix that is as quick.
    promise
        Quantile of the delivery time that is promised; the only one that is no multiple.

    Examples
    --------
    >>> from ecomlab.simulator.scenario import load_scenario
    >>> space = PlanSpace(prices=None, service=None)
    >>> [lever.name for lever in space.levers(load_scenario("west_d2c"))][:3]
    ['budgets.social', 'budgets.email', 'budgets.creators']
    """

    budgets: _Bounds = (0.0, 3.0)
    prices: _Bounds = (0.8, 1.3)
    discounts: _Bounds = (0.0, 1.5)
    promotions: _Bounds = (0.0, 2.0)
    reorder: _Bounds = (0.3, 4.0)
    service: _Bounds = (0.3, 3.0)
    carriers: _Bounds = (0.9, 1.25)
    promise: _Bounds = (0.8, 0.995)

    def __post_init__(self) -> None:
        for one in fields(self):
            bounds = getattr(self, one.name)
            if bounds is not None and not 0 <= bounds[0] < bounds[1]:
                raise ValueError(
                    f"{one.name}: {bounds} does not run upwards from 0 or more. Give (low, high), "
                    f"or None to leave the lever alone."
                )
        if all(getattr(self, one.name) is None for one in fields(self)):
            raise ValueError("a plan space needs one lever at least; all of them are None.")

    def levers(self, scenario: Scenario) -> tuple[Lever, ...]:
        """Return the levers that a scenario has."""
        whole = {name.split(".")[0] for name in scenario.levers if "." in name}
        names: dict[str, list[str]] = {
            "budgets": [name for name in scenario.levers if name not in whole],
            "prices": list(scenario.categories),
            "discounts": [""],
            "promotions": [""],
            "reorder": ["all"] if scenario.stock else [],
            "service": list(scenario.service.channels) if scenario.service else [],
            "carriers": [""] if scenario.fulfilment else [],
            "promise": [""] if scenario.fulfilment else [],
        }
        promised = scenario.fulfilment.promise_quantile if scenario.fulfilment else 1.0
        found = []
        for group, some in names.items():
            bounds: _Bounds = getattr(self, group)
            usual = promised if group == "promise" else 1.0
            if bounds is not None:
                low, high = bounds
                if not low <= usual <= high:
                    raise ValueError(
                        f"{group}: {bounds} leaves the status quo out, {usual:g}, which every "
                        f"plan is compared with. Widen it."
                    )
                found += [Lever(f"{group}.{n}" if n else group, low, high, usual) for n in some]
        return tuple(found)

    def plan(self, scenario: Scenario, point: Mapping[str, float]) -> Plan:
        """Return the plan that numbers mean; a lever at its usual place is left alone.

        Raises
        ------
        ValueError
            Naming a lever that the space does not have, or that lies out of its bounds.
        """
        known = {lever.name: lever for lever in self.levers(scenario)}
        for name, value in point.items():
            if name not in known or not known[name].low <= value <= known[name].high:
                raise ValueError(f"{name}: {value:g} is not in the plan space:\n{self}")
        moved = {n: round(float(v), 4) for n, v in point.items() if v != known[n].usual}
        inner = {
            group: {n.split(".", 1)[1]: v for n, v in moved.items() if n.startswith(f"{group}.")}
            for group in ("budgets", "prices", "reorder", "service")
        }
        plan: dict[str, Any] = {
            n: v for n, v in moved.items() if n in ("discounts", "promotions", "promise")
        }
        plan |= {n: inner[n] for n in ("budgets", "prices", "reorder") if inner[n]}
        if inner["service"]:
            plan["service"] = {"agents": inner["service"]}
        if "carriers" in moved:
            plan["carriers"] = carrier_mix(scenario, moved["carriers"])
        return Plan.from_dict(plan)

    def table(self, scenario: Scenario) -> pd.DataFrame:
        """Return one row a lever: name, low, high, usual."""
        return pd.DataFrame(
            [(one.name, one.low, one.high, one.usual) for one in self.levers(scenario)],
            columns=["lever", "low", "high", "usual"],
        )

    def __str__(self) -> str:
        parts = []
        for one in fields(self):
            bounds = getattr(self, one.name)
            parts.append(f"{one.name} " + ("left alone" if bounds is None else
                                           f"{bounds[0]:g} to {bounds[1]:g}"))  # fmt: skip
        return "; ".join(parts)


def carrier_mix(scenario: Scenario, days: float) -> dict[str, dict[str, float]]:
    """Return the cheapest mix of carriers by region that is on the way no longer than asked.

    A linear programme: cost of the mean parcel over regions' people, shares of a region adding
    up to 1, and mean days on the way at most ``days`` times those of the usual mix (or those of
    the quickest carriers, where nobody is so quick).

    Examples
    --------
    >>> from ecomlab.simulator.scenario import load_scenario
    >>> west = load_scenario("west_d2c")
    >>> quick, slow = (carrier_mix(west, days)["PAC"] for days in (0.9, 1.25))
    >>> slow.get("economy", 0) > quick.get("economy", 0)
    True
    """
    law = scenario.fulfilment
    if law is None:
        raise ValueError(f"{scenario.name}: the scenario has no carriers to mix.")
    names, regions = list(law.carriers), list(scenario.regions)
    weight = np.array([region.share for region in scenario.regions.values()])
    takes = known_days(scenario, law) + delay_means(scenario, law)
    usual = usual_shares(scenario, law)
    most = max(days * (weight * (usual * takes).sum(axis=0)).sum(), weight @ takes.min(axis=0))
    ones = np.kron(np.ones((1, len(names))), np.eye(len(regions)))
    found = optimize.linprog(
        (weight * _parcel_costs(scenario)).ravel(), A_ub=[(weight * takes).ravel()],
        b_ub=[most * (1 + 1e-9)], A_eq=ones, b_eq=np.ones(len(regions)), bounds=(0, 1),
    )  # fmt: skip
    if found.status != 0:
        raise RuntimeError(f"the mix of carriers was not found: {found.message}")
    share = np.clip(found.x.reshape(len(names), len(regions)), 0, 1)
    share = np.round(share / share.sum(axis=0), 5)
    return {
        region: {name: float(share[i, at]) for i, name in enumerate(names) if share[i, at] > 0}
        for at, region in enumerate(regions)
    }


def _parcel_costs(scenario: Scenario) -> Array:
    """Return what a parcel of the mean weight costs, carriers x regions [currency]."""
    law = scenario.fulfilment
    assert law is not None
    kinds = scenario.categories.values()
    kilos = np.average([k.weight_kg for k in kinds], weights=[k.popularity for k in kinds])
    km = np.array([region.km_to_depot for region in scenario.regions.values()]) / 1000
    return np.stack([
        one.per_parcel + one.per_kg * kilos + one.per_1000_km * km for one in law.carriers.values()
    ])  # fmt: skip
