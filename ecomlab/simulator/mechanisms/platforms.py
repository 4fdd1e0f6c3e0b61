"""What advertising platforms report: clicks, impressions, and orders that overlap."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.kernels.visits import claim_orders, note_clicks
from ecomlab.simulator.noise import normal, poisson

__all__ = ["report_media"]

_LOST = 0.12  # clicks that never reach the shop, over those that do
_MEMORY = 7  # days a platform claims orders after a click


@mechanism(
    reads=("visitors", "fired", "buyers", "spend_cents", "mail_spend_cents", "last_click"),
    writes=("last_click", "clicks", "impressions", "claims", "paid_cents"),
    streams=("lost_clicks", "impressions"),
)
def report_media(day: Day) -> None:
    """Count clicks and shown ads, and let each platform claim any order it touched.

    A platform claims all orders of people who clicked its ads in seven days, and a share
    of the others for having been seen: the claims of all exceed the orders.
    """
    world, fired = day.world, day["fired"]
    shape = (len(world.scenario.routes), len(world.scenario.regions))
    last = day["last_click"]
    landed = note_clicks(fired.T, day["visitors"], world.people.region, shape[1], last, day.index)
    day["last_click"] = last
    day["paid_cents"] = day["spend_cents"] + day["mail_spend_cents"]
    is_paid = world.once("is_paid", lambda: world.of_routes("campaign") != "")[:, None]
    running = is_paid & ((day["paid_cents"] > 0) | (landed > 0))
    lost = poisson(day.uniform("lost_clicks", world.slots), landed * _LOST)
    here = {"route": np.arange(shape[0])[:, None], "region": np.arange(shape[1])}
    wasted = day.parameter("media.wasted_share", 0.0, at=here)
    fraud = np.rint(landed * (wasted / (1 - wasted))).astype(np.int64)  # they cost and never land
    day["clicks"] = clicks = np.where(running, landed + lost + fraud, 0)
    rate = world.of_routes("click_share")[:, None]
    rate = rate / day.parameter("pixel.impression_factor", 1.0, at=here)
    shown = (clicks + 0.5) / rate * np.exp(0.1 * normal(day.uniform("impressions", world.slots)))
    day["impressions"] = np.where(running, np.maximum(np.rint(shown), clicks), 0).astype(np.int64)
    totals = claim_orders(
        last, day["buyers"], world.people.region, day.index - _MEMORY,
        world.of_routes("claim_share"), shape[1],
    )  # fmt: skip
    still_seen = day.parameter("pixel.claims_share", 1.0, at=here)
    day["claims"] = np.where(running, totals * still_seen, 0.0)
