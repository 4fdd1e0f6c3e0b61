"""The simulated world: a scenario, a plan and a seed give a store and its sealed truth."""

from ecomlab.simulator.checkpoint import CheckpointError
from ecomlab.simulator.claims import Claim, Replay, load_claims, replay_claim
from ecomlab.simulator.damage import Damage, measure_incident, simulate_pack
from ecomlab.simulator.expected import Expected, expect
from ecomlab.simulator.experiments import Experiment, Research
from ecomlab.simulator.faults import FaultyExport, export_with_faults
from ecomlab.simulator.incidents import Incident
from ecomlab.simulator.loop import causal_graph
from ecomlab.simulator.oracle import Oracle, find_oracle
from ecomlab.simulator.packs import Pack, draw_pack, incident_kinds, make_incident
from ecomlab.simulator.plan import Plan, PlanError
from ecomlab.simulator.plan_space import PlanSpace
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
    "CheckpointError",
    "Claim",
    "Damage",
    "Effect",
    "Expected",
    "Experiment",
    "FaultyExport",
    "Incident",
    "Oracle",
    "Pack",
    "Plan",
    "PlanError",
    "PlanSpace",
    "Replay",
    "Research",
    "Scenario",
    "Score",
    "SimulatedRun",
    "Truth",
    "advance",
    "causal_graph",
    "compare_days",
    "draw_pack",
    "expect",
    "export_with_faults",
    "find_oracle",
    "incident_kinds",
    "load_claims",
    "load_scenario",
    "make_incident",
    "measure_contribution",
    "measure_effect",
    "measure_elasticity",
    "measure_incident",
    "presets",
    "replay_claim",
    "score",
    "simulate",
    "simulate_into",
    "simulate_pack",
]
