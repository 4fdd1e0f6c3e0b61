"""Carry decisions out in the store, and read what they earned.

Every plan is run on the same people, days and luck, so the differences are the effect of the
plans and of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ecomlab import metrics
from ecomlab.simulator import Plan, advance
from ecomlab.store import Store

__all__ = ["carry_out"]

_LINES = ("net", "margin", "ad_spend")


def carry_out(
    store: Store, plans: Mapping[str, Plan | None], *, days: int = 91
) -> dict[str, pd.DataFrame]:
    """Run a store on under each plan.

    Parameters
    ----------
    store
        A simulated store with an open seed.
    plans
        Name -> plan; None is the status quo.
    days
        How far to run on [days].

    Returns
    -------
    dict of str to DataFrame
        For each plan the daily KPIs of the new days, and under ``"profit"`` the totals: a row
        each for ``net``, ``margin``, ``ad_spend`` and ``profit after ads`` [currency], a column a
        plan, and the last plan less the first as ``difference``.

    Raises
    ------
    ValueError
        Where the store cannot be run on: imported, or its seed is sealed.
    """
    start = pd.Timestamp(store.manifest.last_day) + pd.Timedelta(days=1)
    worlds = {
        name: metrics.daily_kpis(advance(store, plan=plan, days=days).store, since=start.date())
        for name, plan in plans.items()
    }
    totals = pd.DataFrame({name: daily[list(_LINES)].sum() for name, daily in worlds.items()})
    totals.loc["profit after ads"] = totals.loc["margin"] - totals.loc["ad_spend"]
    names = list(plans)
    totals["difference"] = totals[names[-1]] - totals[names[0]]
    return {**worlds, "profit": totals}
