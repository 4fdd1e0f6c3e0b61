"""Compiled loops of occasions, routes, mails and clicks (see the mechanisms of those names)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ecomlab.simulator.kernels.draws import (
    gather_rows,
    hash_uniforms,
    hash_words,
    high_of,
    low_of,
    word_of,
)

__all__ = [  # noqa: RUF022 - the kinds of routes first
    "AHEAD", "BURST", "EMAIL", "BRAND", "GENERIC", "REACH", "SEO",
    "claim_orders", "draw_mails", "draw_occasions", "draw_routes", "gather_people", "list_members",
    "note_clicks", "only_route", "screen_occasions",
]  # fmt: skip

SEO, BRAND, GENERIC, EMAIL, BURST, REACH = range(6)  # what a route's chance is made of
_LOW_HALF, _HALF_WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
AHEAD = 0.6  # occasions of who has bought ahead, over the usual ones [P]
_ONE = np.uint8(1)
_MOST_LUCK = np.float32(2.0**32 - 512)  # the largest chance as 32 bits


@njit(cache=True)
def screen_occasions(known, numbers, ceiling, slack, keys):
    """Return, for two days, whose luck may bring an occasion, and that luck.

    One word serves a person for two days. ``numbers`` are those of the known in the hash,
    ``ceiling`` their highest rates, ``slack`` the chance that a rate of 1 has at most, in 2^32ths.
    """
    who_1, who_2 = np.empty(len(known), dtype=np.int64), np.empty(len(known), dtype=np.int64)
    luck_1, luck_2 = np.empty(len(known), dtype=np.uint32), np.empty(len(known), dtype=np.uint32)
    first = second = 0
    for k in range(len(known)):
        word = word_of(numbers[k], keys[0], keys[1])
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


@njit(cache=True)
def _weigh_route(kind, out, looks, comers, reach, bought, search):
    """Set the chances that a route fires on natural occasions.

    ``looks`` is (searches by name, other searches), ``comers`` (has a mail, is a customer's,
    liking, region), ``bought`` (response by region, burst, chance of an unpaid click).
    """
    brand, generic = looks
    has_mail, is_customer, liking, region = comers
    response, burst, found = bought
    for j in range(len(out)):
        if kind == SEO:
            out[j] = search[0] * brand[j] + found * generic[j]
        elif kind == BRAND:
            out[j] = search[1] * response[region[j]] * brand[j]
        elif kind == GENERIC:
            out[j] = search[2] * response[region[j]] * generic[j]
        elif kind == EMAIL:
            out[j] = search[3] * has_mail[j]
        elif kind == BURST:
            out[j] = np.float64(liking[j]) * burst
        else:
            usual = reach[1] if is_customer[j] else reach[0]
            out[j] = usual * np.float64(liking[j]) * response[region[j]]


@njit(cache=True)
def draw_routes(here, numbers, flags, crowd, routes, flow, habits, keys):
    """Let routes fire on each occasion; keep the occasions on which one did.

    Parameters
    ----------
    here, numbers
        Whose occasions, and their numbers in the hash.
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
    region, liking = crowd[0][here], gather_rows(crowd[1], here)
    kinds, number_of, is_social, reach = routes
    response, burst, found, search = flow
    share, named_new, named_loyal, most = habits
    size, wide = len(here), len(kinds)
    brand, generic = np.empty(size, dtype=np.bool_), np.empty(size, dtype=np.bool_)
    words = hash_words(numbers, keys[0], keys[1])
    for j in range(size):
        looks = high_of(words[j]) < share
        named = low_of(words[j]) < (named_loyal if is_customer[j] else named_new)
        brand[j], generic[j] = looks and named, looks and not named
    searches = np.zeros((2, 2), dtype=np.int64)
    searches[0, 0], searches[1, 0] = brand.sum(), generic.sum()
    # route by route, each step a loop without branches: several occasions at a time
    chances, hits = np.empty((wide, size)), np.empty((wide, size), dtype=np.bool_)
    last, by = np.full(size, -1.0), np.full(size, -1)
    for i in range(wide):
        chance, hit = chances[i], hits[i]
        _weigh_route(
            kinds[i], chance, (brand, generic), (has_mail, is_customer, liking[:, i], region),
            reach[i], (response[i], burst[i], found), search,
        )  # fmt: skip
        for j in range(size):
            words[j] = word_of(numbers[j] * 64 + number_of[i], keys[2], keys[3])
        for j in range(size):
            c = chance[j] * social[j] if is_social[i] else chance[j]
            c = c if is_natural[j] or kinds[i] == EMAIL else 0.0
            chance[j] = min(c, most)
            hit[j] = high_of(words[j]) < chance[j]
        for j in range(size):
            second = low_of(words[j]) if hit[j] else -1.0
            by[j] = i if second > last[j] else by[j]
            last[j] = max(second, last[j])
        if kinds[i] == SEO:
            searches[0, 1] += (hit & brand).sum()
            searches[1, 1] += (hit & generic).sum()
    kept = np.flatnonzero(by >= 0)
    return kept, _columns(chances, kept), _columns(hits, kept), by[kept], searches


@njit(cache=True)
def _columns(table, kept):
    """Return some columns of a table as rows."""
    out = np.empty((len(kept), len(table)), dtype=table.dtype)
    for k in range(len(kept)):
        for i in range(len(table)):
            out[k, i] = table[i, kept[k]]
    return out


@njit(cache=True)
def list_members(has_mail, customer, unsubscribed):
    """Return who is on the mailing list."""
    agreed, bought = has_mail.view(np.uint8), customer.view(np.uint8)
    gone = unsubscribed.view(np.uint8)
    out, count = np.empty(len(has_mail), dtype=np.int64), 0
    for who in range(len(has_mail)):
        out[count] = who  # written always, counted only where it holds
        count += np.int64(agreed[who] & bought[who] & (gone[who] ^ _ONE))
    return out[:count].copy()


@njit(cache=True)
def draw_mails(members, last_order, region, law, budget, numbers, keys, day):
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
    luck = hash_uniforms(numbers, keys[0], keys[1])
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
def claim_orders(last_click, buyers, region, since, seen, regions):
    """Return the orders that each route's platform claims, routes x regions.

    It claims those of people who clicked after the day ``since``, and of others the share ``seen``.
    """
    out = np.zeros((len(last_click), regions))
    for i in range(len(last_click)):
        for who in buyers:
            out[i, region[who]] += 1.0 if last_click[i, who] > since else seen[i]
    return out


@njit(cache=True, error_model="numpy")  # a chance is below 1
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
