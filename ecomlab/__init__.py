"""A workbook and course for the operations of an online store.

A *store* is a folder of tables. It comes from the simulator (with the truth sealed beside
it) or from an importer. *Metrics* reduce its big tables to small frames, *analysis* turns
frames into answers, a *notebook* tells the story of one step of the operating workflow,
the *runner* executes notebooks and publishes reports. A *plan* written at the end goes
back into the simulator, and the next quarter begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecomlab.simulator import Plan, Scenario, SimulatedRun, simulate
    from ecomlab.store import Store, open_store

__all__ = ["Plan", "Scenario", "SimulatedRun", "Store", "open_store", "simulate"]

_HOMES = {
    "Plan": "ecomlab.simulator",
    "Scenario": "ecomlab.simulator",
    "SimulatedRun": "ecomlab.simulator",
    "Store": "ecomlab.store",
    "open_store": "ecomlab.store",
    "simulate": "ecomlab.simulator",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for: ``ecomlab --help`` needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ecomlab' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
