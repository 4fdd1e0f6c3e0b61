"""The simulated world: a scenario, a plan and a seed give a store and its sealed truth."""

from ecomlab.simulator.experiments import Experiment, Research
from ecomlab.simulator.faults import FaultyExport, export_with_faults
from ecomlab.simulator.loop import causal_graph
from ecomlab.simulator.plan import Plan, PlanError
from ecomlab.simulator.run import SimulatedRun, advance, simulate, simulate_into
from ecomlab.simulator.scenario import Scenario, load_scenario, presets
from ecomlab.simulator.score import Score, score
from ecomlab.simulator.truth import Truth
from ecomlab.simulator.twins import (
    Change,
    Effect,
    compare_days,
    measure_contribution,
    measure_effect,
    measure_elasticity,
)

__all__ = [
    "Change",
    "Effect",
    "Experiment",
    "FaultyExport",
    "Plan",
    "PlanError",
    "Research",
    "Scenario",
    "Score",
    "SimulatedRun",
    "Truth",
    "advance",
    "causal_graph",
    "compare_days",
    "export_with_faults",
    "load_scenario",
    "measure_contribution",
    "measure_effect",
    "measure_elasticity",
    "presets",
    "score",
    "simulate",
    "simulate_into",
]
