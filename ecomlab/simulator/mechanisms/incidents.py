"""What an incident brings that no ordinary day has: defective goods."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism

__all__ = ["DEFECT_FEELING", "DEFECT_RETURN", "find_defects"]

DEFECT_RETURN = 0.65  # chance that a defective line comes back, at least [P]
DEFECT_FEELING = -2.2  # what a defect adds to the feeling of a review: two stars or so [P]


@mechanism(reads=("buyers", "line_order", "line_sku"), writes=("is_defective",),
           streams=("defect",))  # fmt: skip
def find_defects(day: Day) -> None:
    """Let some lines of a bad batch be defective; there is none on an ordinary day."""
    sku, people = day["line_sku"], day.world.people
    ids = people.ids[day["buyers"]][day["line_order"]] * 4096 + day.world.products.key[sku]
    share = day.parameter("goods.defect_share", 0.0, skus=sku)
    bad = np.zeros(len(sku), dtype=bool)
    day["is_defective"] = day.uniform("defect", ids) < share if np.any(share) else bad
