"""Media are bought, remembered, and answered with saturation."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.noise import normal

__all__ = ["buy_media", "remember_media"]


@mechanism(
    reads=("forecast", "approach", "budget_factor"),
    writes=("budget_cents", "spend_cents"),
    streams=("budget", "spend"),
)
def buy_media(day: Day) -> None:
    """Spend by channel and region, in cents: more where demand is expected anyway.

    Budgets that follow the season are what makes the naive return on advertising wrong.
    """
    scenario, habits = day.world.scenario, day.world.scenario.habits
    usual = np.array([channel.spend for channel in scenario.channels.values()])
    slot = np.arange(len(scenario.channels))[:, None] * 64 + np.arange(len(scenario.regions))
    jitter = habits.spend_noise * normal(day.uniform("budget", slot))
    habit = habits.spend_on_season * day["forecast"] + habits.spend_before_events * day["approach"]
    thousands = day.world.region_people / 1000
    wanted = usual[:, None] * thousands * np.exp(habit + jitter) * day["budget_factor"][:, None]
    budget = np.rint(wanted * 100).astype(np.int64)
    day["budget_cents"] = budget
    used = 0.9 + 0.1 * day.uniform("spend", slot)
    day["spend_cents"] = np.rint(budget * used).astype(np.int64)


@mechanism(reads=("spend_cents", "media_index", "adstock"), writes=("adstock", "response"))
def remember_media(day: Day) -> None:
    """Carry spend over (geometric adstock) and saturate it, per 1,000 people and day.

    Dearer media in the last quarter buy less: spend counts at the index of the day.
    """
    channels = day.world.scenario.channels.values()
    kept = np.array([0.5 ** (1 / channel.half_life_days) for channel in channels])[:, None]
    half = np.array([channel.half_saturation for channel in channels])[:, None]
    thousands = np.maximum(day.world.region_people, 1) / 1000
    bought = day["spend_cents"] / 100 / thousands / day["media_index"]
    adstock = kept * day["adstock"] + (1 - kept) * bought
    day["adstock"] = adstock
    free = np.array([channel.spend == 0 for channel in channels])[:, None]
    day["response"] = np.where(free, 1.0, adstock / np.maximum(adstock + half, 1e-12))
