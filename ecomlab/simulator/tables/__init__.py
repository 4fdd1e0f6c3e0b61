"""The observed tables of a run, laid out piece by piece as the days go by."""

from ecomlab.simulator.tables.record import Recorder

__all__ = ["Recorder"]
