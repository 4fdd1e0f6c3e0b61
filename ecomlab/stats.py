"""Intervals and their shared level: the arithmetic that chapters have in common."""

from __future__ import annotations

__all__ = ["LEVEL"]

LEVEL = 0.95
