"""What does waiting cost? The naive answers, those by lot and by sickness, and the truth.

Each function takes a store, or runs, and looks at contacts by chat: points of the score (1 to
5), asked of some contacts by lot, whether they were answered or not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecomlab.simulator.counts import Estimate
from ecomlab.simulator.run import SimulatedRun
from ecomlab.simulator.scenario import Scenario
from ecomlab.store.store import Store

__all__ = [
    "busy_desk", "chats", "cost_of_queue_by_sickness", "cost_of_wait", "cost_of_wait_by_lot",
    "true_cost_of_queue", "true_cost_of_wait",
]  # fmt: skip

_TEN = 10.0  # minutes
_ASK = 0.78  # of visits that stay, at the busy desk
_CHAT = {"agents_per_1000_people": 0.036, "patience_minutes": 12.0}


def busy_desk(scenario: Scenario) -> Scenario:
    """Return the world in which so many ask by chat that one often waits behind another."""
    values = scenario.model_dump()
    values["service"]["presale_share"] = _ASK
    values["service"]["channels"]["chat"] |= _CHAT
    return Scenario.model_validate(values)


def chats(store: Store) -> pd.DataFrame:
    """Return chats with the day, the minutes in the queue, and whether somebody was sick."""
    return store.query("""
        with sick as (
            select date, sum(present_agents) as present, sum(planned_agents) as planned
            from roster where team = 'chat' group by all)
        select ticket_id, t.date, is_abandoned, satisfaction as score,
               epoch(coalesce(first_response_at, resolved_at) - created_at) / 60 as minutes,
               1 - present / planned as sick_share
        from tickets t join sick using (date) where channel = 'chat' and planned > 0""")


def cost_of_wait(store: Store) -> Estimate:
    """Regress the scores of answered chats on their wait [points lost in ten minutes]."""
    found = chats(store)
    return _slope(found[~found["is_abandoned"]])


def cost_of_wait_by_lot(store: Store) -> Estimate:
    """Regress them among chats whose place in the queue was drawn by lot."""
    found = chats(store)
    return _slope(found[~found["is_abandoned"] & found["ticket_id"].isin(_drawn(store))])


def true_cost_of_wait(run: SimulatedRun) -> float:
    """Return the slope of what the wait did to each chat's expected score.

    Of chats whose place was drawn; of all those answered where there is no such experiment.
    """
    told = run.truth["truth_service"].merge(chats(run.store)[["ticket_id"]], on="ticket_id")
    told = told[~told["is_abandoned"]]
    if "experiments" in run.store.tables:
        told = told[told["ticket_id"].isin(_drawn(run.store))]
    lost = told["expected_score_at_once"] - told["expected_score"]
    return float(_TEN * np.polyfit(told["wait_minutes"], lost, 1)[0])


def cost_of_queue_by_sickness(store: Store) -> Estimate:
    """Use agents' sickness as an instrument for the time in the queue, whoever left included.

    Points lost in ten minutes. Errors are by day, since a day's chats share their agents.
    """
    found = chats(store).dropna(subset="score")
    x, y, z = (found[name].to_numpy(dtype=float) for name in ("minutes", "score", "sick_share"))
    z = z - z.mean()
    slope = (z * y).sum() / (z * x).sum()
    rest = z * (y - y.mean() - slope * (x - x.mean()))
    error = np.sqrt((pd.Series(rest).groupby(found["date"].to_numpy()).sum() ** 2).sum())
    return Estimate(float(-_TEN * slope), float(_TEN * error / abs((z * x).sum())))


def true_cost_of_queue(run: SimulatedRun, twin: SimulatedRun) -> float:
    """Return points lost in ten minutes that sickness made the same chats wait more.

    The twin is the world in which nobody is sick (``service.sick_share`` of 0).
    """
    told = [one.truth["truth_service"].set_index("ticket_id") for one in (run, twin)]
    same = chats(run.store)["ticket_id"]
    both = (
        told[0].loc[same].merge(told[1], left_index=True, right_index=True, suffixes=("", "_well"))
    )
    lost = (both["expected_score_well"] - both["expected_score"]).sum()
    return float(_TEN * lost / (both["wait_minutes"] - both["wait_minutes_well"]).sum())


def _drawn(store: Store) -> pd.Series:
    """Return contacts that took part in an experiment on the queue and were drawn."""
    if "experiments" not in store.tables:
        raise ValueError(
            f"store {store.name!r}: no experiments to learn from. Order one in a plan "
            f"(see the trap's plan)."
        )
    arms = store.table("assignments")
    tests = store.table("experiments").query("unit == 'ticket'")["experiment_id"]
    return arms.loc[arms["experiment_id"].isin(tests) & (arms["arm"] == "drawn"), "unit_id"]


def _slope(found: pd.DataFrame) -> Estimate:
    """Regress scores on minutes; errors as the scatter differs from point to point."""
    scored = found.dropna(subset="score")
    x, y = scored["minutes"].to_numpy(dtype=float), scored["score"].to_numpy(dtype=float)
    x = x - x.mean()
    slope = (x * y).sum() / (x * x).sum()
    rest = x * (y - y.mean() - slope * x)
    return Estimate(float(-_TEN * slope), float(_TEN * np.sqrt((rest**2).sum()) / (x * x).sum()))
