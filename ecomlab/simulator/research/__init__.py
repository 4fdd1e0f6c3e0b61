"""Market research on sale: what panels would answer, drawn from the true tastes."""

from ecomlab.simulator.research.field import field_research

__all__ = ["field_research"]
