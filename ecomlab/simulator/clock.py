"""When in its local day a visit begins and an order is placed."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.kernels.draws import between_knots
from ecomlab.simulator.noise import Array

__all__ = ["order_seconds", "visit_seconds"]

# Visits begin by the local hour, in shares: a lunch bump and a long evening.
_HOURS = (1.2, 0.7, 0.4, 0.3, 0.3, 0.6, 1.4, 2.6, 3.8, 4.8, 5.4, 5.7,
          6.0, 5.6, 5.2, 5.2, 5.3, 5.5, 6.0, 6.9, 7.6, 7.4, 5.6, 3.1)  # fmt: skip
_PART = np.linspace(0, 1, 25)
_SHARE = np.concatenate([[0.0], np.cumsum(_HOURS) / np.sum(_HOURS)])


def visit_seconds(luck: Array, length: Array | int) -> Array:
    """Return the second of its day at which each visit begins.

    Parameters
    ----------
    luck
        Uniforms of the stream ``visit.hour``.
    length
        Seconds of the day; 86,400 but where clocks change.

    Examples
    --------
    >>> visit_seconds(np.array([0.5]), 86_400).tolist()
    [56976]
    """
    clock = between_knots(luck, _SHARE, _PART)
    return np.floor(clock * length).astype(np.int64)


def order_seconds(start: Array, luck: Array, length: Array | int) -> Array:
    """Return the second of its day at which a visit's order is placed: on the same local day.

    Parameters
    ----------
    start
        Second at which the visit begins.
    luck
        Uniforms of the stream ``order.minutes``.
    length
        Seconds of the day.

    Examples
    --------
    >>> order_seconds(np.array([100, 86_390]), np.array([0.0, 0.5]), 86_400).tolist()
    [280, 86399]
    """
    minutes = 3 + 25 * luck**2
    return np.asarray(
        np.minimum(start + np.rint(minutes * 60).astype(np.int64), np.asarray(length) - 1)
    )
