"""What would be lost if a channel vanished? Removal effects of a Markov chain, exactly.

In: coded paths. Answer: for each channel the share of conversions, and of value, that no
longer arrives where every visit to it ends in nothing (Anderl, Becker, von Wangenheim and
Schumann, International Journal of Research in Marketing 33, 2016). Nothing is simulated:
the chain absorbs, so that a sparse linear system gives the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csc_matrix, identity
from scipy.sparse.linalg import splu

from ecomlab.analysis.marketing.paths import CodedPaths

__all__ = ["Chain", "build_chain", "find_removal_effects"]

_DENSE = 1000  # states up to which moves are counted in a full table: faster, 8 MB
_PIECE = 20_000  # journeys counted at a time: what is in between stays in the cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """An absorbing chain: start -> states (runs of channels) -> conversion or nothing.

    ``begin`` is the chance to begin in each state, ``moves`` the chances from state to state,
    ``convert`` the chance to convert next, ``worth`` the value expected next, and
    ``visits`` tells which channel (column) is part of which state (row).
    """

    begin: np.ndarray
    moves: csc_matrix
    convert: np.ndarray
    worth: np.ndarray
    visits: np.ndarray


def build_chain(coded: CodedPaths, *, order: int = 1) -> Chain:
    """Return the chain of the last `order` channels, estimated by counting.

    Paths shorter than `order` are a state of their own. A move to the same state changes
    nothing about where a journey ends, so that it is left out.

    Parameters
    ----------
    coded
        The paths.
    order
        How many channels a state remembers.
    """
    states = _states(coded, order)
    code, labels = _number(states, coded, order)
    size = len(labels)
    journeys = coded.numbers[:, 0] + coded.numbers[:, 2]
    steps = np.maximum(coded.lengths - order, 0) + 1
    last = np.cumsum(steps) - 1
    first = last - steps + 1
    ends = code[last]
    if size <= _DENSE:
        square = _count_moves(code, first, steps, journeys, size)
        np.fill_diagonal(square, 0.0)
        counts = csc_matrix(square)
    else:
        weight = np.repeat(journeys, steps)
        weight[first] = 0.0  # nothing moves into a journey's first state but its start
        counts = csc_matrix((weight[1:], (code[:-1], code[1:])), shape=(size, size))
        counts.setdiag(0.0)
    won, value = (np.bincount(ends, coded.numbers[:, i], size) for i in (0, 1))
    leaving = np.asarray(counts.sum(axis=1)).ravel() + np.bincount(ends, journeys, size)
    scale = np.divide(1.0, leaving, out=np.zeros(size), where=leaving > 0)
    begin = np.bincount(code[first], journeys, size)
    return Chain(
        begin=begin / begin.sum(),
        moves=csc_matrix(counts.multiply(scale[:, None])),
        convert=won * scale,
        worth=value * scale,
        visits=_members(labels, len(coded.channels), order),
    )


def _count_moves(
    code: np.ndarray, first: np.ndarray, steps: np.ndarray, journeys: np.ndarray, size: int
) -> np.ndarray:
    """Return how many journeys move from state to state, some journeys at a time."""
    counts = np.zeros(size * size)
    piece = max(_PIECE, size * size)
    for start in range(0, len(first), piece):
        many, begin = steps[start : start + piece], first[start]
        weight = np.repeat(journeys[start : start + piece], many)
        weight[first[start : start + piece] - begin] = 0.0  # no move leads there but the start
        here = code[begin : begin + len(weight)]
        counts += np.bincount(here[:-1] * size + here[1:], weight[1:], len(counts))
    return counts.reshape(size, size)


def _states(coded: CodedPaths, order: int) -> np.ndarray:
    """Return the state at each step as one number; a path of n touches has n - order + 1 steps.

    A state's number has its channels (from 1) as digits; a shorter path has fewer digits.
    """
    base = len(coded.channels) + 1
    if order * np.log2(base) > 62:
        raise ValueError(f"order: {order} channels of {base - 1} have too many combinations. "
                         "Lower the order, or merge rare channels.")  # fmt: skip
    if order == 1:
        return coded.touches + 1
    place = np.arange(len(coded.touches)) - coded.starts[coded.path_of_touch]
    states = np.zeros(len(place), dtype=np.int64)
    for back in range(order):
        digit = coded.touches[: len(place) - back] + 1
        states[back:] += np.where(place[back:] >= back, digit * base**back, 0)
    # a long path begins with its first whole state; a short one is its last touch's state
    least = np.minimum(order, coded.lengths) - 1
    return states[place >= least[coded.path_of_touch]]


def _number(states: np.ndarray, coded: CodedPaths, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each step's state as a place among the states there are, and the states."""
    if order == 1:
        return coded.touches, np.arange(1, len(coded.channels) + 1)
    code, labels = pd.factorize(states)
    return code, np.asarray(labels)


def _members(labels: np.ndarray, channels: int, order: int) -> np.ndarray:
    """Return which channels are digits of each state's number, states x channels."""
    members = np.zeros((len(labels), channels), dtype=bool)
    rest = labels.copy()
    for _ in range(order):
        digit = rest % (channels + 1)
        rows = np.flatnonzero(digit)
        members[rows, digit[rows] - 1] = True
        rest //= channels + 1
    return members


def find_removal_effects(chain: Chain) -> np.ndarray:
    """Return what each channel's removal loses, as shares of conversions and of value.

    With ``Q`` the moves, ``b`` where journeys begin and ``c`` what a step earns, all journeys
    earn ``b (I - Q)^-1 c``; those that avoid a channel earn the same with its states struck.

    Parameters
    ----------
    chain
        The chain of :func:`build_chain`.

    Returns
    -------
    ndarray
        Channels x 2 [share]; 0 in the column of value where there is none.
    """
    gains = np.column_stack([chain.convert, chain.worth])
    total = chain.begin @ _solve(chain.moves, gains)
    effects = np.zeros((chain.visits.shape[1], 2))
    if (chain.visits.sum(axis=1) == 1).all() and len(chain.begin) == chain.visits.shape[1]:
        kept = _kept_without_each(chain, gains)
    else:
        kept = np.array([_kept_without(chain, gains, one) for one in chain.visits.T])
    has = total > 0
    effects[:, has] = 1 - kept[:, has] / total[has]
    return np.clip(effects, 0.0, 1.0)


def _solve(moves: csc_matrix, right: np.ndarray) -> np.ndarray:
    size = moves.shape[0]
    return np.asarray(splu(csc_matrix(identity(size, format="csc") - moves)).solve(right))


def _kept_without_each(chain: Chain, gains: np.ndarray) -> np.ndarray:
    """Return what journeys that avoid each single state earn, from one factorisation.

    What is lost is the chance ever to come to a state times what is earned from there on.
    """
    size = len(chain.begin)
    solver = splu(csc_matrix(identity(size, format="csc") - chain.moves))
    ahead = solver.solve(gains)
    passes = solver.solve(chain.begin, trans="T")
    returns = np.diag(solver.solve(np.eye(size)))
    reached = passes / returns
    lost = reached[:, None] * ahead
    order = np.argmax(chain.visits, axis=1)
    kept = np.empty((size, 2))
    kept[order] = chain.begin @ ahead - lost
    return kept


def _kept_without(chain: Chain, gains: np.ndarray, struck: np.ndarray) -> np.ndarray:
    """Return what journeys that avoid some states earn."""
    stays = np.flatnonzero(~struck)
    if not len(stays):
        return np.zeros(gains.shape[1])
    moves = csc_matrix(chain.moves[stays][:, stays])
    return np.asarray(chain.begin[stays] @ _solve(moves, gains[stays]))
