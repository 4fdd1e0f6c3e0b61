"""How an order's discount falls on its lines: in proportion, to the coin, without remainder."""

from __future__ import annotations

import numpy as np

__all__ = ["spread"]


def spread(amount: int, weights: np.ndarray, *, coin: int) -> np.ndarray:
    """Split an amount in proportion to weights into whole coins that add up to it exactly.

    The largest remainders get the coins that are left (Hamilton's method). No part exceeds
    its weight as long as the amount does not exceed their sum.

    Parameters
    ----------
    amount
        What is to be split [1e-4 currency], not more than the weights' sum.
    weights
        What each line is worth [1e-4 currency].
    coin
        The smallest coin; where amount or weights are finer, the step of 1 is used.

    Examples
    --------
    >>> spread(1000, np.array([3000, 3000, 3000]), coin=100).tolist()
    [400, 300, 300]
    """
    total = int(weights.sum())
    if amount == 0 or total == 0:
        return np.zeros(len(weights), dtype=np.int64)
    step = coin if amount % coin == 0 and not (weights % coin).any() else 1
    exact = [amount * int(weight) for weight in weights]
    parts = [share // (total * step) for share in exact]
    left = amount // step - sum(parts)
    rest = [share - part * total * step for share, part in zip(exact, parts, strict=True)]
    for place in sorted(range(len(rest)), key=lambda i: (-rest[i], i))[:left]:
        parts[place] += 1
    return np.array(parts, dtype=np.int64) * step
