"""Compiled loops of consideration, choice and what is expected of it (see the mechanisms)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ecomlab.simulator.kernels.draws import gather_rows, hash_uniforms, hash_words, high_of, word_of

__all__ = [
    "SLOTS", "choose_products", "expect_money", "expect_units", "find_gaps", "look_around",
    "serve_in_turn", "weigh_products", "weigh_routes",
]  # fmt: skip

SLOTS = 8  # products looked at: six of a category, one of its companion, one partner
_OWN, _BITS = 6, 5  # places of the own category; places that one word serves
_TWELVE, _TINY, _AFTER = np.uint64(12), 1e-300, 1 + 1e-9
_LEAST_READY, _MOST_READY = -8.0, 4.5


@njit(cache=True)
def look_around(visitors, stays, numbers, taste, mood, companion, goods, keys):
    """Return the category each visitor turns to, the products looked at, and which count.

    ``numbers`` are the visitors' in the hash, ``goods`` is (shelf by range and category, range by
    visit, partner, is on sale, is offered by range); ``keys`` are those of the streams of
    categories, of the first five places and of the others. What is seen twice counts once; who
    does not stay looks at nothing.
    """
    shelf, range_of, partner, on_sale, is_offered = goods
    own = gather_rows(taste, visitors)
    _, kinds, size = shelf.shape
    main = np.zeros(len(visitors), dtype=np.int64)
    seen = np.zeros((len(visitors), SLOTS), dtype=np.int32)
    counts = np.zeros((len(visitors), SLOTS), dtype=np.bool_)
    edges, mask = np.empty(kinds), np.uint64(size - 1)
    kind_luck = hash_uniforms(numbers, keys[0], keys[1])
    few_words = hash_words(numbers, keys[2], keys[3])
    more_words = hash_words(numbers, keys[4], keys[5])
    for v in range(len(visitors)):
        if not stays[v]:
            continue
        total = 0.0
        for kind in range(kinds):
            total += np.float64(own[v, kind]) * mood[kind]
            edges[kind] = total
        luck = kind_luck[v] * total
        kind = 0
        for edge in range(kinds - 1):  # counted, which takes no guess
            kind += luck > edges[edge]
        main[v] = kind
        few, more, of = few_words[v], more_words[v], range_of[v]
        for slot in range(_OWN + 1):
            word = few if slot < _BITS else more
            place = (word >> (_TWELVE * np.uint64(slot % _BITS))) & mask
            seen[v, slot] = shelf[of, kind if slot < _OWN else companion[kind], place]
        seen[v, _OWN + 1] = partner[seen[v, 0]]
        for slot in range(SLOTS):
            sku = seen[v, slot]
            is_new = on_sale[sku] & is_offered[of, sku]
            for earlier in range(slot):
                is_new &= seen[v, earlier] != sku
            counts[v, slot] = is_new
    return main, seen, counts


@njit(cache=True, inline="always")
def _any(of_visits, v):
    """Return whether any place of a visit is not zero; without a slice, which costs more."""
    found = False
    for slot in range(SLOTS):
        found |= of_visits[v, slot] != 0
    return found


@njit(cache=True)
def find_gaps(seen, counts, is_empty):
    """Return what is looked at and out of stock, and the visits that meet it."""
    out = np.zeros(seen.shape, dtype=np.bool_)
    short = np.empty(len(seen), dtype=np.int64)
    n = 0
    for v in range(len(seen)):
        met = False
        for slot in range(SLOTS):
            if counts[v, slot] and is_empty[seen[v, slot]]:
                out[v, slot] = met = True
        if met:
            short[n] = v
            n += 1
    return out, short[:n].copy()


@njit(cache=True)
def weigh_products(visitors, looks, crowd, goods, visits, law):
    """Return utilities without noise: of the products looked at, and of buying nothing.

    Parameters
    ----------
    visitors, looks
        Whose visits; products looked at, which of them count, and the category turned to.
    crowd
        Of all people: price sensitivity, eco taste, taste, readiness, device and region.
    goods
        Of all products: appeal, log price, is ecological, attributes.
    visits
        Of each visit: is a customer's, discount of a show, readiness by features and stock.
    law
        Utility of buying nothing; more of it by device and region; readiness of the day; pull of
        competitors by category.

    Returns
    -------
    inside, outside
        Visits x places, where an empty place weighs nothing; and by visit.
    """
    seen, counts, main = looks
    sensitivity, eco_taste, taste, readiness, device, region = crowd
    appeal, log_price, is_eco, attribute = goods
    is_customer, depth, lift = visits
    nothing, by_device, by_region, intent, rival = law
    own = gather_rows(taste, visitors)
    inside, outside = np.full(seen.shape, -np.inf), np.zeros(len(visitors))
    for v in range(len(visitors)):
        if not _any(counts, v):
            continue
        who = visitors[v]
        beta, off = np.float64(sensitivity[who]), 0.0
        if depth[v] > 0:
            off = math.log1p(-depth[v])
        for slot in range(SLOTS):
            sku = seen[v, slot]
            if not counts[v, slot]:
                continue
            fit = appeal[sku]
            if is_eco[sku]:
                fit += eco_taste[who]
            for axis in range(own.shape[1]):
                fit += np.float64(own[v, axis]) * attribute[sku, axis]
            inside[v, slot] = fit - beta * (log_price[sku] + off)
        ready = 0.0
        if is_customer[v]:
            ready = min(max(np.float64(readiness[who]), _LEAST_READY), _MOST_READY)
        ready += intent + lift[v]
        outside[v] = nothing + by_device[device[who]] - ready
        outside[v] += by_region[region[who]] - beta * rival[main[v]]
    return inside, outside


@njit(cache=True, inline="always")
def _lift(total, nothing, lift):
    """Return the weight of buying nothing at which the chance to order is lifted."""
    chance = total / (total + nothing)
    lifted = min(chance * lift, (1 + chance) / 2)
    return total * (1 - lifted) / lifted


@njit(cache=True, inline="always")
def _chance_of_lifted(chance, lift):
    """Return what ``service.rise_of_lifted`` does, of one chance."""
    alone = max(chance / lift, 2 * chance - 1)
    return (1.0 if alone * lift < (1 + alone) / 2 else alone / (1 + alone)) * (1 - alone)


@njit(cache=True, inline="always")
def _chance_with_gaps(here, gone, nothing, stay):
    """Return what ``substitution.chance_with_gaps`` does: chance and rise of one visit."""
    more = math.exp(stay)
    kept, total = nothing + here * more, here + gone + nothing
    order = max((here + gone) / total - nothing * gone / (kept * (kept + gone)), 0.0)
    slope = nothing / total**2
    slope += nothing * gone * more * (2 * kept + gone) / (kept * (kept + gone)) ** 2
    return order, here * slope / max(order, _TINY)


@njit(cache=True, error_model="numpy")  # a weight may be as small as 0
def choose_products(numbers, looks, utilities, goods, law, feature_cart, keys, gaps, answers):
    """Take the best product if it beats buying nothing, and add others by their own appeal.

    A product's utility with Gumbel noise is ``V - log(E)`` with exponential E: the best has
    the least ``E exp(-V)``, its time in a race (the exponential race of Luce's choice model).

    Parameters
    ----------
    numbers
        Visitors' numbers in the hash.
    looks
        Products looked at, which of them count, and the category turned to.
    utilities
        Of the products (visits x places), and of buying nothing, which is put right where an
        answer lifts the chance to order.
    goods
        Keys and categories of products.
    law
        Bonus of the companion category; utility of adding nothing; slack of the cart.
    feature_cart
        What features add to the slack, by visit.
    keys
        Keys of the streams of noise and of what is added.
    gaps
        Which products are out of stock (visits x places); utility of staying; luck of seeing a
        label by visit, and its share by product. Empty where stock is unlimited.
    answers
        Which visits had an answer by chat, and by what factor it lifts the chance to order.

    Returns
    -------
    time, rest, wants, in_cart
        Times in the race, of products and of buying nothing (those of all products only where
        one of them wins); which visits want to order, and which fill a cart.
    wanted, order, line, pull
        What is wanted; chances to order, of each line, and how fast a line's chance grows with
        the product's own utility.
    """
    seen, counts, main = looks
    inside, outside = utilities
    key, category = goods
    bonus, nothing_more, slack = law
    is_out, stay, label_luck, label_share = gaps
    answered, lift = answers
    shape, has_gaps = seen.shape, len(is_out) > 0
    time, rest = np.full(shape, np.inf), np.ones(len(seen))
    wants, in_cart = np.zeros(len(seen), dtype=np.bool_), np.zeros(len(seen), dtype=np.bool_)
    wanted = np.zeros(shape, dtype=np.bool_)
    order, line, pull = np.zeros(len(seen)), np.zeros(shape), np.zeros(shape)
    weight, added, luck = np.empty(SLOTS), np.empty(SLOTS), np.empty(SLOTS)
    bar_same, bar_other = math.exp(nothing_more), math.exp(nothing_more - bonus)
    for v in range(len(seen)):
        if not _any(counts, v):
            continue
        base = numbers[v] * 4096
        nothing = math.exp(outside[v])
        here = gone = 0.0
        for slot in range(SLOTS):
            weight[slot] = added[slot] = 0.0
            if not counts[v, slot]:
                continue
            sku = seen[v, slot]
            w = math.exp(inside[v, slot])
            bar = bar_same if category[sku] == main[v] else bar_other
            weight[slot], added[slot] = w, w / (w + bar)
            luck[slot] = high_of(word_of(base + key[sku], keys[0], keys[1]))
            if has_gaps and is_out[v, slot]:
                gone += w
            else:
                here += w
        if answered[v] and here + gone > 0:
            nothing = nothing / lift if gone > 0 else _lift(here, nothing, lift)
            outside[v] = math.log(nothing)
        rest[v] = -math.log(high_of(word_of(base, keys[0], keys[1]))) / nothing
        cart = rest[v] * math.exp(slack + feature_cart[v])
        late = max(rest[v], cart) * _AFTER  # a time after it decides nothing
        best, first, offered, in_stock = np.inf, -1, np.inf, np.inf
        for slot in range(SLOTS):
            if not counts[v, slot] or 1 - luck[slot] > late * weight[slot]:  # -log(u) >= 1 - u
                continue
            time[v, slot] = t = -math.log(luck[slot]) / weight[slot]
            if t < best:
                best, first = t, slot
            if not (has_gaps and is_out[v, slot]):
                offered, in_stock = min(offered, t), min(in_stock, t)
            elif label_luck[v] >= label_share[seen[v, slot]]:
                offered = min(offered, t)
        wants[v] = best < rest[v]
        in_cart[v] = offered < cart
        if wants[v]:
            for slot in range(SLOTS):
                if counts[v, slot]:
                    time[v, slot] = t = -math.log(luck[slot]) / weight[slot]
                    if not (has_gaps and is_out[v, slot]):
                        in_stock = min(in_stock, t)
                    number = base + key[seen[v, slot]]
                    joins = high_of(word_of(number, keys[2], keys[3])) < added[slot]
                    wanted[v, slot] = slot == first or joins
            if gone > 0 and in_stock < rest[v] * math.exp(stay):
                in_cart[v] = True
        chance = (here + gone) / (here + gone + nothing)
        rise = 1 - chance
        if gone > 0:
            chance, rise = _chance_with_gaps(here, gone, nothing, stay)
        elif answered[v]:
            rise = _chance_of_lifted(chance, lift)
        order[v] = chance
        for slot in range(SLOTS):
            if has_gaps and is_out[v, slot]:
                weight[slot] = added[slot] = 0.0
            share = weight[slot] / here if here > 0 else 0.0
            more = added[slot]
            kept = share + (1 - share) * more
            line[v, slot] = chance * kept
            pull[v, slot] = chance * (
                rise * share * kept
                + (1 - more) * share * (1 - share)
                + (1 - share) * more * (1 - more)
            )
    return time, rest, wants, in_cart, wanted, order, line, pull


@njit(cache=True)
def serve_in_turn(stock, asked, wanted, liking, turn, stay):
    """Serve orders one after another from what is left on the shelf.

    Parameters
    ----------
    stock
        Units left of each product; it is lowered.
    asked
        Of each order: its places' products, and units they would be bought in.
    wanted
        Which places were chosen.
    liking
        Utilities of the places less that of buying nothing; the largest is the first choice.
    turn
        Orders in the order in which they are served.
    stay
        Utility of buying something here, once a product was chosen.

    Returns
    -------
    taken, chosen, emptied
        Units taken by order and place; the place that each first choice became, -1 if the
        shopper bought nothing; of each product, the order that took the last unit, or -1.
    """
    sku, units = asked
    taken = np.zeros(sku.shape, dtype=np.int64)
    chosen = np.full(len(sku), -1)
    emptied = np.full(len(stock), -1)
    for i in turn:
        main = np.argmax(liking[i])
        if stock[sku[i, main]] <= 0:
            main, best = -1, -stay
            for place in range(sku.shape[1]):
                if liking[i, place] > best and stock[sku[i, place]] > 0:
                    main, best = place, liking[i, place]
        chosen[i] = main
        if main < 0:
            continue
        for place in range(sku.shape[1]):
            if place == main or wanted[i, place]:
                left = stock[sku[i, place]]
                size = min(units[i, place], left)
                if size > 0:
                    taken[i, place] = size
                    stock[sku[i, place]] = left - size
                    if left == size:
                        emptied[sku[i, place]] = i
    return taken, chosen, emptied


@njit(cache=True)
def expect_money(seen, chances, goods, till):
    """Return each visit's expected paid orders, their amount and their margin, in rows.

    ``chances`` is (to order, of each line), ``goods`` the price and the cost of a unit by
    product, ``till`` the units of a line and, by visit, the share of orders that are paid, that of
    the price that a coupon takes off and that which a live show does.
    """
    order, line = chances
    asked, cost = goods
    units, paid, coupon, depth = till
    out = np.zeros((3, len(seen)))
    for v in range(len(seen)):
        out[0, v] = paid[v] * order[v]
        if not _any(line, v):
            continue
        amount = spent = 0.0
        for slot in range(SLOTS):
            amount += line[v, slot] * asked[seen[v, slot]]
            spent += line[v, slot] * cost[seen[v, slot]]
        sold = paid[v] * units
        out[1, v] = sold * (1 - coupon[v]) * (1 - depth[v]) * amount
        out[2, v] = out[1, v] - sold * spent
    return out


@njit(cache=True)
def expect_units(seen, chances, visitors, paid, sensitivity, count):
    """Return paid lines expected of each product, and their slope in its log price, negated.

    ``chances`` is (of each line, how fast it grows), ``paid`` the share of orders that are paid, by
    visit, ``sensitivity`` that of all people to the price.
    """
    line, pull = chances
    units, slope = np.zeros(count), np.zeros(count)
    for v in range(len(seen)):
        if not _any(line, v):
            continue
        beta = np.float64(sensitivity[visitors[v]])
        for slot in range(SLOTS):
            units[seen[v, slot]] += paid[v] * line[v, slot]
            slope[seen[v, slot]] += paid[v] * beta * pull[v, slot]
    return units, slope


@njit(cache=True)
def weigh_routes(alone, worth):
    """Return the sums over visits of alone (visits x routes) times 1 and each row of worth."""
    out = np.zeros((1 + len(worth), alone.shape[1]))
    for v in range(alone.shape[0]):
        for i in range(alone.shape[1]):
            out[0, i] += alone[v, i]
        for k in range(len(worth)):
            for i in range(alone.shape[1]):
                out[1 + k, i] += alone[v, i] * worth[k, v]
    return out
