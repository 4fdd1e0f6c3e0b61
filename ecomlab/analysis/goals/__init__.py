"""Chapter 01: from the drivers of revenue to goals one can be held to."""

from ecomlab.analysis.goals.baseline import (
    Backtest,
    Baseline,
    backtest_baseline,
    forecast_baseline,
    sum_weeks,
)
from ecomlab.analysis.goals.sheet import GoalSheet, write_goal_sheet
from ecomlab.analysis.goals.targets import (
    Commitment,
    MarketGoal,
    TargetChance,
    assess_target,
    cascade_target,
    plan_commitment,
    plan_market_share,
    price_commitment,
)
from ecomlab.analysis.goals.tree import KpiTree, build_kpi_tree

__all__ = [
    "Backtest",
    "Baseline",
    "Commitment",
    "GoalSheet",
    "KpiTree",
    "MarketGoal",
    "TargetChance",
    "assess_target",
    "backtest_baseline",
    "build_kpi_tree",
    "cascade_target",
    "forecast_baseline",
    "plan_commitment",
    "plan_market_share",
    "price_commitment",
    "sum_weeks",
    "write_goal_sheet",
]
