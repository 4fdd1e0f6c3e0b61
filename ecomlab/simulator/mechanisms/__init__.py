"""Mechanisms: one file per causal arrow; their order of the day is in ``simulator.loop``."""
