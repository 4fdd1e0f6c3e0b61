"""Compiled loops of occasions, routes, mails and clicks (see the mechanisms of those names)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ecomlab.simulator.kernels.draws import gather_rows, hash_uniforms, high_of, low_of, word_of

__all__ = [  # noqa: RUF022 - the kinds of routes first
    "AHEAD", "BURST", "EMAIL", "BRAND", "GENERIC", "REACH", "SEO",
    "draw_mails", "draw_occasions", "draw_routes", "gather_people", "note_clicks", "only_route",
    "screen_occasions",
]  # fmt: skip

SEO, BRAND, GENERIC, EMAIL, BURST, REACH = range(6)  # what a route's chance is made of
_LOW_HALF, _HALF_WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
AHEAD = 0.6  # occasions of who has bought ahead, over the usual ones [P]
_MOST_LUCK = np.float32(2.0**32 - 512)  # the largest chance as 32 bits


@njit(cache=True)
def screen_occasions(known, ids, ceiling, slack, keys):
    """Return, for two days, whose luck may bring an occasion, and that luck.

    One word serves a person for two days. ``ceiling`` is the highest rate of each of the known,
    ``slack`` the chance that a rate of 1 has at most, in 2^32ths.
    """
    who_1, who_2 = np.empty(len(known), dtype=np.int64), np.empty(len(known), dtype=np.int64)
    luck_1, luck_2 = np.empty(len(known), dtype=np.uint32), np.empty(len(known), dtype=np.uint32)
    first = second = 0
    for k in range(len(known)):
        word = word_of(ids[known[k]], keys[0], keys[1])
        most = np.uint32(min(ceiling[k] * slack, _MOST_LUCK))
        low, high = np.uint32(word & _LOW_HALF), np.uint32(word >> _HALF_WORD)
        # written always, counted only where it is close: no branch to guess wrong
        who_1[first], luck_1[first] = known[k], low
        first += low < most
        who_2[second], luck_2[second] = known[k], high
        second += high < most
    return (
        (who_1[:first].copy(), luck_1[:first].copy()),
        (who_2[:second].copy(), luck_2[:second].copy()),
    )


@njit(cache=True)
def draw_occasions(close, luck, rate, traffic, crowd, state, day):
    """Return who of some people has an occasion to shop, in order.

    ``crowd`` is (region, aware_at), ``state`` is (customer, aware, stocked_until).
    """
    region, aware_at = crowd
    customer, aware, stocked_until = state
    out, few = np.empty(len(close), dtype=np.int64), np.empty(len(close), dtype=np.int64)
    count, some, busiest = 0, 0, traffic.max()
    for k in range(len(close)):
        who, few[some] = close[k], k  # written always, counted only where it may be
        u = (np.float64(luck[k]) + 0.5) * 2.0**-32
        knows = customer[who] | (aware_at[who] < aware[region[who]])
        some += knows & (u < rate[who] * busiest)  # a chance is below its rate
    for k in few[:some]:
        who, u = close[k], (np.float64(luck[k]) + 0.5) * 2.0**-32
        chance = -math.expm1(-np.float64(rate[who]) * traffic[region[who]])
        out[count] = who
        count += u < (chance * AHEAD if stocked_until[who] >= day else chance)
    return out[:count].copy()


@njit(cache=True)
def gather_people(natural, returned, opened):
    """Merge people in order into one list; tell who came by nature, and who by mail.

    Who returns to a shelf that was empty comes by nature.
    """
    most = len(natural) + len(returned) + len(opened)
    here = np.empty(most, dtype=np.int64)
    by_nature = np.empty(most, dtype=np.bool_)
    by_mail = np.empty(most, dtype=np.bool_)
    a = b = c = count = 0
    end = np.iinfo(np.int64).max
    while a < len(natural) or b < len(returned) or c < len(opened):
        one = natural[a] if a < len(natural) else end
        two = returned[b] if b < len(returned) else end
        three = opened[c] if c < len(opened) else end
        who = min(one, two, three)
        here[count] = who
        by_nature[count] = who in (one, two)
        by_mail[count] = who == three
        a += one == who
        b += two == who
        c += three == who
        count += 1
    return here[:count].copy(), by_nature[:count].copy(), by_mail[:count].copy()


@njit(cache=True, inline="always")
def _chance_of(kind, brand, generic, mail, liking, reach, bought, search):
    """Return the chance that a route fires; bought is (response, burst, unpaid click)."""
    response, burst, found = bought
    if kind == SEO:
        return search[0] * brand + found * generic
    if kind == BRAND:
        return search[1] * response * brand
    if kind == GENERIC:
        return search[2] * response * generic
    if kind == EMAIL:
        return search[3] * mail
    if kind == BURST:
        return liking * burst
    return reach * liking * response


@njit(cache=True)
def draw_routes(here, ids, flags, crowd, routes, flow, habits, keys):
    """Let routes fire on each occasion; keep the occasions on which one did.

    Parameters
    ----------
    here, ids
        Whose occasions; numbers of all people.
    flags
        Of each occasion: is a customer's, is natural, has a mail, and the factor of social.
    crowd
        Of all people: region, liking (people x routes).
    routes
        Of each route: kind, number in the hash, is social, (reach, loyal reach).
    flow
        Response (routes x regions), burst by route, chance of an unpaid click on a generic
        search, and four chances: unpaid and paid clicks on a search by name, paid ones on a
        generic search, a visit from an opened mail.
    habits
        Shares of occasions that begin with a search, by name among newcomers and customers;
        the largest chance of a route.
    keys
        Two keys of the stream of searches, two of the stream of routes.

    Returns
    -------
    kept, chance, fired, route, searches
        Positions of kept occasions; occasions x routes; the last route; searches by name and
        others, and those found unpaid.
    """
    is_customer, is_natural, has_mail, social = flags
    region, liking = crowd[0], gather_rows(crowd[1], here)
    kinds, numbers, is_social, reach = routes
    response, burst, found, search = flow
    share, named_new, named_loyal, most = habits
    count, wide = 0, len(kinds)
    kept = np.empty(len(here), dtype=np.int64)
    chance = np.empty((len(here), wide))
    fired = np.empty((len(here), wide), dtype=np.bool_)
    route = np.empty(len(here), dtype=np.int64)
    searches = np.zeros((2, 2), dtype=np.int64)
    for j in range(len(here)):
        who, loyal = here[j], is_customer[j]
        word = word_of(ids[who], keys[0], keys[1])
        looks = high_of(word) < share
        named = low_of(word) < (named_loyal if loyal else named_new)
        brand, generic = looks and named, looks and not named
        searches[0, 0] += brand
        searches[1, 0] += generic
        last, came, place = -1.0, False, region[who]
        for i in range(wide):
            c = _chance_of(
                kinds[i], brand, generic, has_mail[j], np.float64(liking[j, i]),
                reach[i, 1] if loyal else reach[i, 0],
                (response[i, place], burst[i], found), search,
            )  # fmt: skip
            if is_social[i]:
                c *= social[j]
            if kinds[i] != EMAIL and not is_natural[j]:
                c = 0.0
            c = min(c, most)
            chance[count, i] = c
            fired[count, i] = False
            if c > 0:
                word = word_of(ids[who] * 64 + numbers[i], keys[2], keys[3])
                if high_of(word) < c:
                    fired[count, i] = came = True
                    if low_of(word) > last:
                        last = low_of(word)
                        route[count] = i
                    if kinds[i] == SEO:
                        searches[0, 1] += brand
                        searches[1, 1] += generic
        if came:
            kept[count] = j
            count += 1
    kept, chance = kept[:count].copy(), chance[:count].copy()
    return kept, chance, fired[:count].copy(), route[:count].copy(), searches


@njit(cache=True)
def draw_mails(members, last_order, region, law, budget, ids, keys, day):
    """Return which members of the mailing list are sent a mail today.

    ``law`` is (mails a week to recent buyers, to others, days of recency, strength of the
    habit): without the habit all get the mean.
    """
    to_recent, to_others, recent_days, habit = law
    count, recents = len(members), 0
    for who in members:
        recents += day - last_order[who] <= recent_days
    share = recents / max(count, 1)
    mean = to_recent * share + to_others * (1 - share)
    often = max(mean + habit * (to_recent - mean), 0.0) / 7
    seldom = max(mean + habit * (to_others - mean), 0.0) / 7
    out = np.empty(count, dtype=np.int64)
    sent = 0
    most = min(max(often, seldom) * budget.max(), 1.0)
    luck = hash_uniforms(ids[members], keys[0], keys[1])
    for k in range(count):
        if luck[k] >= most:
            continue
        who = members[k]
        rate = often if day - last_order[who] <= recent_days else seldom
        if luck[k] < min(rate * budget[region[who]], 1.0):
            out[sent] = who
            sent += 1
    return out[:sent].copy()


@njit(cache=True)
def note_clicks(fired, visitors, region, regions, last_click, day):
    """Count routes that fired, routes x regions, and note the day with each visitor."""
    landed = np.zeros((fired.shape[1], regions), dtype=np.int64)
    for j in range(fired.shape[0]):
        for i in range(fired.shape[1]):
            if fired[j, i]:
                landed[i, region[visitors[j]]] += 1
                last_click[i, visitors[j]] = day
    return landed


@njit(cache=True)
def only_route(chance):
    """Return the chance of each route to be the only one, given that one fired; visits x routes."""
    out = np.empty_like(chance)
    for j in range(chance.shape[0]):
        none = 1.0
        for i in range(chance.shape[1]):
            none *= 1 - chance[j, i]
        for i in range(chance.shape[1]):
            out[j, i] = (none / (1 - chance[j, i]) - none) / max(1 - none, 1e-300)
    return out
