"""What advertising platforms report: clicks, impressions, and orders that overlap."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import normal, poisson

__all__ = ["report_media"]

_LOST = 0.12  # clicks that never reach the shop, over those that do
_MEMORY = 7  # days a platform claims orders after a click


@mechanism(
    reads=("visitors", "fired", "buyers", "spend_cents", "last_click"),
    writes=("last_click", "clicks", "impressions", "claims"),
    streams=("lost_clicks", "impressions"),
)
def report_media(day: Day) -> None:
    """Count clicks and shown ads, and let each platform claim any order it touched.

    A platform claims all orders of people who clicked its ads in seven days, and a share
    of the others for having been seen: the claims of all exceed the orders.
    """
    world, fired = day.world, day["fired"]
    channels = list(world.scenario.channels.values())
    shape = (len(channels), len(world.scenario.regions))
    region = world.people.region[day["visitors"]]
    landed = np.array([np.bincount(region[row], minlength=shape[1]) for row in fired])
    slot = np.arange(shape[0])[:, None] * 64 + np.arange(shape[1])
    paid = day["spend_cents"] > 0
    lost = poisson(day.uniform("lost_clicks", slot), landed * _LOST)
    day["clicks"] = clicks = np.where(paid, landed + lost, 0)
    rate = np.array([channel.click_share for channel in channels])[:, None]
    shown = (clicks + 0.5) / rate * np.exp(0.1 * normal(day.uniform("impressions", slot)))
    day["impressions"] = np.where(paid, np.maximum(np.rint(shown), clicks), 0).astype(np.int64)
    last = day["last_click"].copy()
    for row, hit in zip(last, fired, strict=True):
        row[day["visitors"][hit]] = day.index
    day["last_click"] = last
    touched = day.index - last[:, day["buyers"]] < _MEMORY
    seen = np.array([channel.claim_share for channel in channels])[:, None]
    claimed = np.where(touched, 1.0, seen)
    where = world.people.region[day["buyers"]]
    totals = [np.bincount(where, weights=row, minlength=shape[1]) for row in claimed]
    day["claims"] = np.where(paid, np.array(totals), 0.0)
