"""The compiled loop of a contact centre's queue (see ``queueing``)."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np
from numba import njit

__all__ = ["answer_in_turn"]


@njit(cache=True)
def answer_in_turn(when, what, place, work, last):
    """Go through arrivals (0 and up) and agents' coming and going (-1 less their number).

    Return the second at which each contact is answered, not a number where it is not.
    """
    begun = np.full(len(place), np.nan)
    busy = [0.0 for _ in range(0)]  # when those under way are done
    queue = [(0, 0) for _ in range(0)]
    agents = 0
    for k in range(len(when)):
        now, one = when[k], what[k]
        while busy and busy[0] <= now:
            done = heappop(busy)
            while queue and len(busy) < agents:
                _, following = heappop(queue)
                if last[following] > done:
                    begun[following] = done
                    heappush(busy, done + work[following])
        if one < 0:
            agents = -1 - one
        else:
            heappush(queue, (place[one], one))
        while queue and len(busy) < agents:
            _, following = heappop(queue)
            if last[following] > now:
                begun[following] = now
                heappush(busy, now + work[following])
    return begun
