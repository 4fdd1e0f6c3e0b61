"""Carry decisions out in the store, and read what they earned.

Every plan is run on the same people, days and luck, so the differences are the effect of the
plans and of nothing else. A world that was run before is remembered beside the store, under
a key of everything it depends on: the store, the plan, the days and the package's sources.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ecomlab import metrics
from ecomlab.reports import code_hash
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
        For each plan the daily KPIs of the new days with ``costs``, all that was paid but goods
        [currency], and under ``"profit"`` the totals: a row
        each for ``net``, ``margin``, ``ad_spend`` and ``profit after ads`` [currency], a column a
        plan, and the last plan less the first as ``difference``.

    Raises
    ------
    ValueError
        Where the store cannot be run on (imported, or its seed is sealed), or a plan is called
        ``profit``.
    """
    if "profit" in plans:
        raise ValueError("plans: 'profit' is the name of the totals. Call the plan something else.")
    worlds = {name: _run_on(store, plan, days) for name, plan in plans.items()}
    totals = pd.DataFrame({name: daily[list(_LINES)].sum() for name, daily in worlds.items()})
    totals.loc["profit after ads"] = totals.loc["margin"] - totals.loc["ad_spend"]
    names = list(plans)
    totals["difference"] = totals[names[-1]] - totals[names[0]]
    return {**worlds, "profit": totals}


def _run_on(store: Store, plan: Plan | None, days: int) -> pd.DataFrame:
    """Return the daily KPIs of the days to come, from memory where they are remembered."""
    kept = _memory_of(store, plan, days)
    if kept is not None and kept.is_file():
        return pd.read_parquet(kept)
    start = pd.Timestamp(store.manifest.last_day) + pd.Timedelta(days=1)
    after = advance(store, plan=plan, days=days).store
    daily = metrics.daily_kpis(after, since=start.date())
    bills = after.table("costs_daily").set_index("date")
    daily["costs"] = daily["date"].map(bills.sum(axis=1))
    if kept is not None:
        _remember(daily, kept)
    return daily


def _memory_of(store: Store, plan: Plan | None, days: int) -> Path | None:
    """Return the file that this world is, or would be, remembered in."""
    if store.folder is None or store.manifest.origin.get("seed") is None:
        return None
    decided = None if plan is None else plan.to_dict()
    key = [store.manifest.to_json(), decided, days, code_hash()]
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    return store.folder.with_name(f"{store.folder.name}.worlds") / f"{name}.parquet"


def _remember(daily: pd.DataFrame, kept: Path) -> None:
    """Write beside and rename; a folder that cannot be written to only costs time."""
    part = kept.with_name(f".part-{os.getpid()}-{kept.name}")
    try:
        kept.parent.mkdir(exist_ok=True)
        daily.to_parquet(part)
        part.replace(kept)
    except OSError:
        part.unlink(missing_ok=True)
