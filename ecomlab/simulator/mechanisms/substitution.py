"""What shoppers do where the product they chose is out of stock, in closed form."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.noise import Array

__all__ = ["chance_with_gaps"]

_TINY = 1e-300


def chance_with_gaps(
    weight: Array, nothing: Array, is_out: Array, stay: float
) -> tuple[Array, Array, Array]:
    """Return the chance to order, how fast it rises, and each product's share, some being out.

    A shopper whose first choice is out takes the best of the others if it beats buying nothing
    once ``stay`` is added to it. With A, O and W the summed weights of products in stock, out
    of stock, and of buying nothing, and K = A exp(stay), the chance to order is

    ``(A + O) / (A + O + W)  -  W O / ((W + K)(W + K + O))``:

    that of wanting anything, less that of an out-of-stock first choice with no way to stay.

    Parameters
    ----------
    weight
        Exponential utilities of products looked at, places x visitors.
    nothing
        Exponential utility of buying nothing.
    is_out
        Which products are out of stock.
    stay
        Utility of buying something here, once a product was chosen.

    Returns
    -------
    order, rise, share
        Chance to order; A times its slope in A, over the chance; shares among what is in stock.

    Examples
    --------
    >>> weight, out = np.array([[1.0], [1.0]]), np.array([[True], [False]])
    >>> order, _, share = chance_with_gaps(weight, np.array([1.0]), out, 0.0)
    >>> order.round(4).tolist(), share.tolist()  # at stay 0, as if it were not on the shelf
    ([0.5], [[0.0], [1.0]])
    """
    held = np.where(is_out, 0.0, weight)
    here = held.sum(axis=0)
    gone = weight.sum(axis=0) - here
    more = np.exp(stay)
    kept = nothing + here * more
    order = (here + gone) / (here + gone + nothing)
    order = np.maximum(order - nothing * gone / (kept * (kept + gone)), 0.0)
    slope = nothing / (here + gone + nothing) ** 2
    slope = slope + nothing * gone * more * (2 * kept + gone) / (kept * (kept + gone)) ** 2
    return order, here * slope / np.maximum(order, _TINY), held / np.maximum(here, _TINY)
