"""The simulated world: a scenario, a plan and a seed give a store and its sealed truth."""

from ecomlab.simulator.experiments import Experiment, Research
from ecomlab.simulator.faults import FaultyExport, export_with_faults
from ecomlab.simulator.loop import causal_graph
from ecomlab.simulator.plan import Plan, PlanError
from ecomlab.simulator.run import SimulatedRun, advance, simulate, simulate_into
from ecomlab.simulator.scenario import Scenario, load_scenario, presets
from ecomlab.simulator.truth import Truth

__all__ = [
    "Experiment",
    "FaultyExport",
    "Plan",
    "PlanError",
    "Research",
    "Scenario",
    "SimulatedRun",
    "Truth",
    "advance",
    "causal_graph",
    "export_with_faults",
    "load_scenario",
    "presets",
    "simulate",
    "simulate_into",
]
