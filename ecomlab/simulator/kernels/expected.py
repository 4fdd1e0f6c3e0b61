"""Compiled loops of expected mode: what a visit comes by, and what it is worth (``expected``)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ecomlab.simulator.kernels.choice import SLOTS
from ecomlab.simulator.kernels.draws import high_of, low_of, word_of
from ecomlab.simulator.kernels.visits import BRAND, BURST, GENERIC, REACH, SEO

__all__ = ["COLUMNS", "expect_baskets", "expect_visits"]

# What a visit that stays is expected to bring: orders; of lines, units; money at list and as
# asked; goods; weight; shipping fee; what comes back and is worth then; lines that come back;
# orders that stock up.
COLUMNS = (
    "orders", "units", "gross", "sales", "goods", "grams", "shipping", "refunds", "resale",
    "returns", "stocking",
)  # fmt: skip
_MOST_UNITS = 5
_LEAST, _GAP = 1e-300, 1e-3  # of the weight looked at, that is out: less is none


@njit(cache=True)
def expect_visits(region, liking, social, routes, flow, habits):
    """Return the chance that some route brings a person who has a natural occasion.

    Parameters
    ----------
    region, liking
        Of people; liking is people x routes.
    social
        By how much more social advertisements are shown to each, as newcomer and as customer.
    routes, flow, habits
        See ``visits.draw_routes``; no mail among them.

    Returns
    -------
    chance
        Newcomers' and customers', 2 x people: one less the chance that no route fires, over
        searches by name, other searches, and none.
    """
    kinds, _, is_social, reach = routes
    response, burst, found, search = flow
    share, named_new, named_loyal, most = habits
    out = np.empty((2, len(region)))
    for j in range(len(region)):
        place = region[j]
        for loyal in range(2):
            plain, named, other = 1.0, 1.0, 1.0
            for i in range(len(kinds)):
                kind = kinds[i]
                if kind in (REACH, BURST):
                    how = reach[i, loyal] * response[i, place] if kind == REACH else burst[i]
                    c = liking[j, i] * how
                    if is_social[i]:
                        c *= social[loyal, j]
                    plain *= 1 - min(c, most)
                elif kind == SEO:
                    named *= 1 - min(search[0], most)
                    other *= 1 - min(found, most)
                elif kind == BRAND:
                    named *= 1 - min(search[1] * response[i, place], most)
                elif kind == GENERIC:
                    other *= 1 - min(search[2] * response[i, place], most)
            by_name = named_loyal if loyal else named_new
            mixed = 1 - share + share * (by_name * named + (1 - by_name) * other)
            out[loyal, j] = 1 - plain * mixed
    return out


@njit(cache=True)
def _choose(weight, held, nothing, kind, first):
    """Return the chance to order, at once or on coming again; fill in the first product's shares.

    As ``substitution.chance_with_gaps`` has it for each product that may be out, of which the
    others are there in their shares; who finds the first choice gone and nothing else may come
    again, and is then as willing as one who stays.

    Parameters
    ----------
    weight, held
        Exponential utilities of the places, and the share of visits that find each in stock.
    nothing
        Exponential utility of buying nothing.
    kind
        Utility of staying, chance of coming again, share of visits with a question answered, and
        the factor of their chance to order.
    first
        Filled in: chance of each place to be the first product of an order, given an order.
    """
    stay, again, answered, lift = kind
    whole = here = gone = 0.0
    for s in range(SLOTS):
        whole += weight[s]
        here += weight[s] * held[s]
        gone += weight[s] * (1 - held[s])
    total, away = whole + nothing, 0.0
    for s in range(SLOTS):
        first[s] = weight[s] * held[s] / total
    if gone > _GAP * whole:
        more = math.exp(stay)
        for s in range(SLOTS):
            out = weight[s] * (1 - held[s])
            if out <= 0:
                continue
            others = here - weight[s] * held[s]
            kept = nothing + more * others
            leaves = nothing * out / (kept * (kept + weight[s]))
            away += leaves
            if others > 0:
                moved = max(out / total - leaves, 0.0) / others
                for k in range(SLOTS):
                    if k != s:
                        first[k] += moved * weight[k] * held[k]
    order = 0.0
    for s in range(SLOTS):
        order += first[s]
    for s in range(SLOTS):
        first[s] /= max(order, _LEAST)
    order += answered * (min(order * lift, (1 + order) / 2) - order)
    willing = whole * math.exp(stay)
    return order + away * again * willing / (willing + nothing)


@njit(cache=True)
def expect_baskets(who, looks, utilities, ready, people, goods, law, levels, keys, weight):
    """Return what visits that stay are expected to bring, and units by product.

    Exact in the chance of an order and in its lines; in the shipping fee, further lines are
    drawn, and the first product and its units are summed over.

    Parameters
    ----------
    who
        Positions of the people whose visits these are, several for each.
    looks
        Products looked at, which of them count, the category turned to.
    utilities
        Of the products, and of buying nothing as a newcomer.
    ready
        Utility that each person is ahead of a newcomer once a customer.
    people
        Numbers in the hash; share of orders with a coupon; chance that who found a product out
        visits once more; each of all people.
    goods
        Category; price at list and asked, unit cost, grams; chance of coming back; share of the
        cost that it then still has; share of purchases that stock up; share that is in stock,
        and of the units wanted then.
    law
        Utility of adding nothing, bonus of the companion category, units beyond the first, depth
        of a coupon, shipping fee, amount from which it is waived, utility of staying, share of
        visits with a question answered and the factor of their chance to order.
    levels
        Distinct shares of purchases that stock up, but 0, the largest first.
    keys
        Of the stream of further lines.
    weight
        Visits that stay, newcomers' and customers', 2 x people: what products are summed by.

    Returns
    -------
    worth, asked
        2 x people x ``COLUMNS``, the mean over a person's visits; units wanted by product.
    """
    seen, counts, main = looks
    inside, outside = utilities
    numbers, couponed, return_chance = people
    category, base, price, cost, grams, comes, resold, ahead, held, filled = goods
    nothing_more, bonus, extra, depth, fee, free_from, stay, answered, lift = law
    worth = np.zeros((2, len(numbers), len(COLUMNS)))
    times = np.zeros(len(numbers))
    asked = np.zeros(len(price))
    bar_same, bar_other = math.exp(nothing_more), math.exp(nothing_more - bonus)
    w, more, there = np.empty(SLOTS), np.empty(SLOTS), np.empty(SLOTS)
    joined, first = np.empty(SLOTS), np.empty(SLOTS)
    units_law = np.empty(_MOST_UNITS)
    term = math.exp(-extra)
    for u in range(_MOST_UNITS):
        units_law[u] = term
        term *= extra / (u + 1)
    units_law[_MOST_UNITS - 1] += 1 - units_law.sum()
    back = 1 + extra / 2  # units of a line that comes back, each number of them alike
    for v in range(len(who)):
        times[who[v]] += 1
    for v in range(len(who)):
        i = who[v]
        here = 0.0
        for s in range(SLOTS):
            w[s] = more[s] = joined[s] = 0.0
            there[s] = 1.0
            if counts[v, s]:
                sku = seen[v, s]
                whole = math.exp(inside[v, s])
                bar = bar_same if category[sku] == main[v] else bar_other
                w[s], there[s] = whole, held[sku]
                more[s] = whole / (whole + bar) * held[sku]
                here += whole * held[sku]
        if here <= _LEAST:
            continue
        nothing = math.exp(outside[v])
        kind = (stay, return_chance[i], answered, lift)
        p0 = _choose(w, there, nothing, kind, first) / times[i]
        p1 = _choose(w, there, nothing * math.exp(-ready[i]), kind, first) / times[i]
        units = gross = sales = goods_cost = heavy = refund = resale = returned = 0.0
        kept = 1 - couponed[i] * depth
        addition = 0.0
        for s in range(SLOTS):
            if w[s] <= 0:
                continue
            sku = seen[v, s]
            line = first[s] + (1 - first[s]) * more[s]
            many = line * (1 + extra) * filled[sku]
            units += many
            gross += many * base[sku]
            sales += many * price[sku] * kept
            goods_cost += many * cost[sku]
            heavy += many * grams[sku]
            again = line * comes[sku]
            returned += again
            refund += again * back * filled[sku] * price[sku] * kept
            resale += again * back * filled[sku] * cost[sku] * resold[sku]
            asked[sku] += many * (p0 * weight[0, i] + p1 * weight[1, i])
            word = word_of(numbers[i] * 4096 + v * 64 + s, keys[0], keys[1])
            if high_of(word) < more[s]:
                luck, n, below = low_of(word), 1, units_law[0]
                while n < _MOST_UNITS and luck > below:
                    below += units_law[n]
                    n += 1
                joined[s] = n * price[sku]
                addition += joined[s]
        pays = 0.0
        for s in range(SLOTS):
            if w[s] <= 0:
                continue
            for n in range(_MOST_UNITS):
                total = addition - joined[s] + (n + 1) * price[seen[v, s]]
                if total < free_from:
                    pays += first[s] * units_law[n]
                elif total * (1 - depth) < free_from:
                    pays += first[s] * units_law[n] * couponed[i]
        stocks = before = 0.0
        for level in levels:
            free_of, none = 0.0, 1.0  # no line of an order stocks up as much
            for s in range(SLOTS):
                if w[s] > 0 and ahead[seen[v, s]] >= level:
                    none *= 1 - more[s]
            for s in range(SLOTS):
                if w[s] > 0 and ahead[seen[v, s]] < level:
                    free_of += first[s]
            some = 1 - free_of * none
            stocks += level * (some - before)
            before = some
        row = (1.0, units, gross, sales, goods_cost, heavy, pays * fee, refund, resale, returned,
               stocks)  # fmt: skip
        for k in range(len(COLUMNS)):
            worth[0, i, k] += p0 * row[k]
            worth[1, i, k] += p1 * row[k]
    return worth, asked
