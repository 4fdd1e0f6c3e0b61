"""Runs that the simulator's tests share."""

from __future__ import annotations

import pytest

from ecomlab.simulator import SimulatedRun, simulate


@pytest.fixture(scope="session")
def year() -> SimulatedRun:
    """A western store of 40,000 people over one year."""
    return simulate("west_d2c", seed=7, people=40_000, days=365)


@pytest.fixture(scope="session")
def small() -> SimulatedRun:
    """A tiny store of half a year."""
    return simulate("tiny", seed=7, days=182)
