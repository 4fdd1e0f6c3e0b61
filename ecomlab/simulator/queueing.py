"""A contact centre's queue, M_t/G/n_t + G: arrivals, handling, patience and agents in, waits out.

Agents come and go by the hour; who waits leaves when patience runs out (Garnett, Mandelbaum
and Reiman 2002). Nothing is drawn here: a contact's arrival, handling and patience are its
own, agents are capacity only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecomlab.simulator.kernels.queues import answer_in_turn
from ecomlab.simulator.noise import Array

__all__ = ["Served", "serve"]

_HOUR = 3600.0


@dataclass(frozen=True)
class Served:
    """What became of contacts, in the order they were given.

    Parameters
    ----------
    start
        Second at which each was answered; not a number where it was not.
    wait
        Seconds in the queue: until the answer, until giving up, or until the end.
    is_abandoned
        Whether it gave up. Who was neither answered nor gave up still waits.
    """

    start: Array
    wait: Array
    is_abandoned: Array


def serve(
    arrival: Array, handling: Array, patience: Array, agents: Array, *, turn: Array | None = None
) -> Served:
    """Answer contacts first come first served, by as many agents as the hour has.

    An agent who is to leave finishes what he has begun. From the end of the last hour on
    nobody is answered.

    Parameters
    ----------
    arrival
        Second of each contact, from the beginning of the first hour; in any order, and
        negative for those that wait since before.
    handling, patience
        Seconds that answering takes, and after which it gives up.
    agents
        Contacts that can be answered at once, in each hour.
    turn
        Who goes first: the lower number, and of equal ones who came first. All alike if left
        out.

    Examples
    --------
    >>> served = serve(np.array([0.0, 10, 20]), np.array([60.0, 60, 60]),
    ...                np.array([600.0, 600, 30]), np.array([1]))
    >>> served.start.tolist(), served.is_abandoned.tolist()
    ([0.0, 60.0, nan], [False, False, True])
    """
    came = np.asarray(arrival, dtype=np.float64)
    last, end = came + patience, len(agents) * _HOUR
    place = np.empty(len(came), dtype=np.int64)  # in the queue
    place[np.lexsort((came,) if turn is None else (came, turn))] = np.arange(len(came))
    agents = np.asarray(agents)
    changes = np.flatnonzero(np.append(True, agents[1:] != agents[:-1]))
    when = np.concatenate([changes * _HOUR, np.maximum(came, 0.0), [end]])
    what = np.concatenate([-1 - agents[changes], np.arange(len(came)), [-1]])
    rank = np.lexsort((np.concatenate([changes * 0 - 1, place, [len(came)]]), when))
    work = np.asarray(handling, dtype=np.float64)
    start = answer_in_turn(when[rank], what[rank], place, work, last)
    answered = ~np.isnan(start)
    left = ~answered & (last <= end)
    wait = np.where(answered, start, np.minimum(last, end)) - came
    return Served(start=start, wait=wait, is_abandoned=left)
