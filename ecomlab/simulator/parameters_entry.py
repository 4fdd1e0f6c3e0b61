"""Entering a region: the scenario's part with its costs, and the plan's lever."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ecomlab.simulator.parameters import NonNegative, Part, Positive, Share

__all__ = ["RANGES", "Entering", "Entry"]

RANGES = ("all", "eco", "ordinary")


class Entering(Part):
    """What it takes to sell in a region that is new [P throughout].

    A launch that spends ``x`` currency per 1,000 people and day makes the shop known to
    ``launch_effect * x / (x + launch_half_saturation)`` of those who do not know it yet.
    """

    aware_share: Share = 0.03  # of a new region's people, until it is entered
    cost_per_1000_people: NonNegative = 1.0  # a day, of the region: depot, returns, permits
    eco_cost_per_1000_people: NonNegative = 1.0  # a day more: sourcing and certification
    launch_days: int = Field(default=28, ge=1, le=364)
    launch_effect: Annotated[float, Field(ge=0, le=0.018)] = 0.018  # awareness a day
    launch_half_saturation: Positive = 10.0  # currency per 1,000 people and day
    eco_places: Share = 0.6  # of the shelf, that ecological products get in the eco range


class Entry(BaseModel):
    """A plan's decision on a new region: it is entered on the first day that a plan names it.

    Parameters
    ----------
    range
        ``all``: the shelf as it is elsewhere; ``eco``: ecological products lead it;
        ``ordinary``: there are none of them.
    launch_budget
        Currency per 1,000 people of the region, spent evenly over the launch.

    Examples
    --------
    >>> Entry(range="eco").launch_budget
    0.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    range: Literal["all", "eco", "ordinary"] = "all"
    launch_budget: Annotated[float, Field(ge=0, le=100_000)] = 0.0
