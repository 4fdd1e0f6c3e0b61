"""The truth about regions: who lives there, what they are like, since when they are served."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab.simulator.entering import entered_on
from ecomlab.simulator.people import eco_means
from ecomlab.simulator.tables.record import Recorder

__all__ = ["tell_regions"]


def tell_regions(recorder: Recorder) -> pa.Table:
    """One row a region: the taste for ecological products, and when a plan entered it.

    ``eco_taste`` is the mean of the law [utility]; ``eco_premium_share`` is what an ecological
    claim is worth to the median person of the region, over the price.
    """
    world, plan = recorder.world, recorder.plan
    scenario, people = world.scenario, world.people
    entered = entered_on(scenario, plan.in_force(scenario.start)) if plan is not None else {}
    premium = np.expm1(people.eco_taste / people.price_sensitivity.astype(np.float64))
    here = [people.region == place for place in range(len(scenario.regions))]
    return pa.table(
        {
            "region_id": list(scenario.regions),
            "people": world.region_people,
            "eco_taste": np.round(eco_means(scenario), 6),
            "eco_premium_share": [
                round(float(np.median(premium[at])), 5) if at.any() else None for at in here
            ],
            "income_index": [region.income_index for region in scenario.regions.values()],
            "is_new": [region.is_new for region in scenario.regions.values()],
            "entered": pa.array([entered.get(place) for place in range(len(here))], pa.date32()),
        }
    )
