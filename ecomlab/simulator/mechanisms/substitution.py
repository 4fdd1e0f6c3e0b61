"""What shoppers do where the product they chose is out of stock: closed form, and one by one."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ecomlab.simulator.noise import Array

__all__ = ["Served", "chance_with_gaps", "serve_in_turn"]

_TINY = 1e-300
Served: TypeAlias = tuple[list[list[tuple[int, int]]], list[int], list[int]]


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


def serve_in_turn(
    stock: list[int],
    sku: list[list[int]],
    units: list[list[int]],
    liking: list[list[float]],
    wanted: list[list[int]],
    first: list[int],
    stay: float,
) -> Served:
    """Serve orders one after another from what is left on the shelf.

    Parameters
    ----------
    stock
        Units left of each product; it is lowered.
    sku, units, liking
        Of each order, in turn: its places' products, units they would be bought in, and
        utilities less that of buying nothing.
    wanted, first
        Of each order: the places chosen, and the first choice among them.
    stay
        Utility of buying something here, once a product was chosen.

    Returns
    -------
    taken, chosen, emptied
        Of each order, places and units taken; the place its first choice became, -1 if the
        shopper bought nothing; of each product, the order that took the last unit, or -1.

    Examples
    --------
    >>> taken, chosen, emptied = serve_in_turn(
    ...     [1, 5], [[0, 1], [0, 1]], [[1, 1], [1, 1]], [[2.0, -1.0]] * 2, [[0], [0]], [0, 0], 3.0)
    >>> taken, chosen, emptied
    ([[(0, 1)], [(1, 1)]], [0, 1], [0, -1])
    """
    taken: list[list[tuple[int, int]]] = []
    chosen, emptied = [], [-1] * len(stock)
    for turn, places in enumerate(wanted):
        goods, sizes = sku[turn], units[turn]
        main = first[turn]
        if stock[goods[main]] <= 0:
            main = _next_best(stock, goods, liking[turn], stay)
        chosen.append(main)
        mine: list[tuple[int, int]] = []
        for place in sorted({main, *places}) if main >= 0 else ():
            left = stock[goods[place]]
            size = min(sizes[place], left)
            if size > 0:
                mine.append((place, size))
                stock[goods[place]] = left - size
                if left == size:
                    emptied[goods[place]] = turn
        taken.append(mine)
    return taken, chosen, emptied


def _next_best(stock: list[int], goods: list[int], liking: list[float], stay: float) -> int:
    """Return the best place in stock that beats buying nothing, or -1."""
    best, found = -stay, -1
    for place, value in enumerate(liking):
        if value > best and stock[goods[place]] > 0:
            best, found = value, place
    return found
