"""What is bought together? Frequent item sets, the rules in them, and which of them are luck.

In: order lines (order and item). Answer: every rule above a support, exactly, then its lift
with an interval and a test that knows how many pairs were looked at. Item sets are counted on
bit columns, set by set (Eclat: Zaki, IEEE Transactions on Knowledge and Data Engineering 12,
2000): a set's orders are the bits that all its items share.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import ceil, comb

import numpy as np
import pandas as pd
from scipy.stats import hypergeom, norm

from ecomlab.frames import need_filled, need_numbers
from ecomlab.stats import LEVEL

__all__ = ["find_associations", "screen_associations"]

_COLUMNS = ["antecedent", "consequent", "support_share", "confidence_share", "lift"]
_Sets = dict[int, tuple[np.ndarray, np.ndarray]]  # size -> members (rows of codes), orders


def find_associations(
    baskets: pd.DataFrame,
    *,
    min_support_share: float,
    min_lift: float = 1.0,
    max_items: int = 3,
) -> pd.DataFrame:
    """Find all rules "who buys these also buys those" above a support and a lift.

    Exact: every set of up to ``max_items`` items that enough orders hold is counted, and split
    into antecedent and consequent in every way (Agrawal, Imielinski and Swami, SIGMOD 1993).
    An item counts once an order, however many units or lines.

    Parameters
    ----------
    baskets
        Order lines, with ``order_id`` and ``item``.
    min_support_share
        Share of orders that must hold all items of a rule [share].
    min_lift
        Least lift: how many times oftener the two sides meet than if they were independent.
    max_items
        Most items of a rule, both sides together.

    Returns
    -------
    pandas.DataFrame
        One row a rule, strongest lift first: ``antecedent`` and ``consequent`` (tuples of
        items), ``support_share`` of all orders, ``confidence_share`` (of the orders with the
        antecedent, those that also hold the consequent) and ``lift``.

    Raises
    ------
    ValueError
        Where a column is missing or has gaps, there are no rows, or a bound is out of range.

    Examples
    --------
    >>> lines = pd.DataFrame({"order_id": [1, 1, 2, 2, 3, 3, 4], "item": list("abababc")})
    >>> find_associations(lines, min_support_share=0.5)  # doctest: +NORMALIZE_WHITESPACE
      antecedent consequent  support_share  confidence_share      lift
    0       (a,)       (b,)           0.75               1.0  1.333333
    1       (b,)       (a,)           0.75               1.0  1.333333
    """
    need_filled(baskets, "baskets", ["order_id", "item"])
    _check_bounds(min_support_share, min_lift, max_items)
    order, orders = _number(baskets["order_id"])
    item, names = _items(baskets["item"])
    least = max(ceil(min_support_share * orders - 1e-9), 1)
    sets = _frequent(order, item, orders, len(names), least, max_items)
    return _rules(sets, names, orders, min_lift)


def _check_bounds(min_support_share: float, min_lift: float, max_items: int) -> None:
    if not 0 < min_support_share <= 1:
        raise ValueError(
            f"min_support_share: {min_support_share} is not a share. Give one above 0, up to 1: "
            "0.01 asks for one order in a hundred."
        )
    if not (np.isfinite(min_lift) and min_lift >= 0):
        raise ValueError(f"min_lift: {min_lift} is not a number from 0 on. Give 1 for all above.")
    if isinstance(max_items, bool) or max_items != int(max_items) or max_items < 2:
        raise ValueError(f"max_items: {max_items} is not a whole number from 2 on.")


def _number(values: pd.Series) -> tuple[np.ndarray, int]:
    """Return a number for each row's value, and how many values there are."""
    codes, seen = pd.factorize(values)
    return codes, len(seen)


def _items(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return a number for each row's item, in the items' own order, and the items."""
    codes, seen = pd.factorize(values)
    names = np.empty(len(seen), dtype=object)
    names[:] = list(seen)
    try:
        place = np.argsort(names, kind="stable")
    except TypeError as wrong:
        raise ValueError(
            "baskets.item: items of several types cannot be put in order. Make all of them text."
        ) from wrong
    rank = np.empty(len(names), dtype=np.int64)
    rank[place] = np.arange(len(names))
    return rank[codes], names[place]


def _frequent(
    order: np.ndarray, item: np.ndarray, orders: int, items: int, least: int, max_items: int
) -> _Sets:
    """Count every set of items that enough orders hold."""
    size = np.bincount(item, minlength=items)
    often = (size >= least)[item]  # lines are at least as many as orders
    order, item = order[often], item[often]
    pairs = np.sort(order.astype(np.int64) * items + item)
    pairs = pairs[np.r_[True, pairs[1:] != pairs[:-1]]] if len(pairs) else pairs
    order, item = np.divmod(pairs, items)
    held = np.bincount(item, minlength=items)
    kept = np.flatnonzero(held >= least)
    sets: _Sets = {1: (kept[:, None], held[kept])}
    if len(kept) < 2:
        return sets
    place = np.full(items, -1)
    place[kept] = np.arange(len(kept))
    inside = place[item] >= 0
    bits = _bit_columns(order[inside], place[item[inside]], orders, len(kept))
    for count, (members, seen) in _grow(bits, least, max_items).items():
        sets[count] = (kept[members], seen)
    return sets


def _bit_columns(order: np.ndarray, item: np.ndarray, orders: int, items: int) -> np.ndarray:
    """Return items x words: one bit an order, set where the order holds the item."""
    words = -(-orders // 64)
    bits = np.zeros(items * words, dtype=np.uint64)
    word = item * words + (order >> 6)
    mask = np.left_shift(np.uint64(1), (order & 63).astype(np.uint64))
    place = np.argsort(word, kind="stable")
    word, mask = word[place], mask[place]
    starts = np.flatnonzero(np.r_[True, word[1:] != word[:-1]])
    bits[word[starts]] = np.bitwise_or.reduceat(mask, starts)
    return bits.reshape(items, words)


def _grow(bits: np.ndarray, least: int, max_items: int) -> _Sets:
    """Add items to sets as long as enough orders hold them: a set's parts are frequent too."""
    found: dict[int, tuple[list[np.ndarray], list[np.ndarray]]] = {}
    for prefix, ends, seen in _extend(bits, (), np.arange(len(bits)), None, least, max_items):
        rows = np.empty((len(ends), len(prefix) + 1), dtype=np.int64)
        rows[:, :-1], rows[:, -1] = prefix, ends
        members, counts = found.setdefault(len(prefix) + 1, ([], []))
        members.append(rows)
        counts.append(seen)
    return {count: (np.concatenate(m), np.concatenate(c)) for count, (m, c) in found.items()}


def _extend(
    bits: np.ndarray,
    prefix: tuple[int, ...],
    tail: np.ndarray,
    shared: np.ndarray | None,
    least: int,
    max_items: int,
) -> Iterator[tuple[tuple[int, ...], np.ndarray, np.ndarray]]:
    """Yield a set of items, the items that extend it, and how many orders hold the whole.

    ``tail`` are the items that may follow, ``shared`` the bit columns of prefix and each of
    them; the next level need only look at those still frequent.
    """
    columns = bits if shared is None else shared
    for i in range(len(tail) - 1):
        both = columns[i + 1 :] & columns[i]
        seen = np.bitwise_count(both).sum(axis=1, dtype=np.int64)
        enough = seen >= least
        if not enough.any():
            continue
        mine, ends = (*prefix, int(tail[i])), tail[i + 1 :][enough]
        yield mine, ends, seen[enough]
        if len(mine) + 1 < max_items and len(ends) > 1:
            yield from _extend(bits, mine, ends, both[enough], least, max_items)


def _rules(sets: _Sets, names: np.ndarray, orders: int, min_lift: float) -> pd.DataFrame:
    """Split every set into two sides, and keep those whose lift is enough."""
    index = {size: _index(members, len(names)) for size, (members, _) in sets.items()}
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for size in range(2, max(sets) + 1):
        members, seen = sets[size]
        for left in _sides(size):
            right = [place for place in range(size) if place not in left]
            mine = _orders_of(members[:, left], sets, index, len(names))
            other = _orders_of(members[:, right], sets, index, len(names))
            lift = (seen / mine) / (other / orders)
            ok = np.flatnonzero(lift >= min_lift)
            parts += [
                (_tuples(members[ok][:, left], names), _tuples(members[ok][:, right], names),
                 seen[ok] / orders, seen[ok] / mine[ok], lift[ok])
            ]  # fmt: skip
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=object if i < 2 else float)
                             for i, name in enumerate(_COLUMNS)})  # fmt: skip
    columns = [np.concatenate(one) for one in zip(*parts, strict=True)]
    table = pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))
    place = np.lexsort((-table["support_share"], -table["lift"]))  # stable: then by size and item
    return table.iloc[place].reset_index(drop=True)


def _sides(size: int) -> list[list[int]]:
    return [list(c) for count in range(1, size) for c in combinations(range(size), count)]


def _index(members: np.ndarray, base: int) -> np.ndarray:
    """Return one sortable number a set; sets come in this order already."""
    key = np.zeros(len(members), dtype=object if base ** members.shape[1] > 2**62 else np.int64)
    for column in members.T:
        key = key * base + column
    return key


def _orders_of(
    side: np.ndarray, sets: _Sets, index: dict[int, np.ndarray], base: int
) -> np.ndarray:
    """Look up how many orders hold each set of a side."""
    size = side.shape[1]
    place = np.searchsorted(index[size], _index(side, base))
    return sets[size][1][place]


def _tuples(side: np.ndarray, names: np.ndarray) -> np.ndarray:
    made = np.empty(len(side), dtype=object)
    made[:] = list(zip(*(names[column] for column in side.T), strict=True))
    return made


def screen_associations(
    rules: pd.DataFrame,
    baskets: pd.DataFrame,
    *,
    false_share: float = 0.05,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Tell rules from luck: intervals of the lift, and a test that counts all that were tried.

    The longest list of lifts is topped by rare pairs that met by chance. Fisher's exact test
    (one-sided: more often than by chance) is made for each rule, and Benjamini and Hochberg's
    procedure (Journal of the Royal Statistical Society B 57, 1995) keeps the expected share of
    false ones among those believed at ``false_share``. The number of tests is that of all
    splits of items as frequent as those of the rules, found or not. The interval is the delta
    method's for the log of the lift.

    Parameters
    ----------
    rules
        What :func:`find_associations` found.
    baskets
        The order lines it was found in.
    false_share
        Share of the believed rules that may be false, on average [share].
    level
        Level of the intervals [share].

    Returns
    -------
    pandas.DataFrame
        The rules with ``orders`` (that hold both sides), ``low`` and ``high`` (of the lift),
        ``p_value``, ``q_value`` (the least ``false_share`` at which the rule is believed) and
        ``is_solid``.

    Raises
    ------
    ValueError
        Where a column is missing or a share is not between 0 and 1.

    Examples
    --------
    >>> lines = pd.DataFrame({"order_id": list(range(40)) * 2, "item": ["tea"] * 20 + ["mug"] * 40
    ...                       + ["pot"] * 20})
    >>> rules = find_associations(lines, min_support_share=0.2)
    >>> screen_associations(rules, lines)["is_solid"].tolist()
    [False, False, False, False]
    """
    need_filled(baskets, "baskets", ["order_id", "item"])
    for name, share in (("false_share", false_share), ("level", level)):
        if not 0 < share < 1:
            raise ValueError(f"{name}: {share} is not a share between 0 and 1.")
    if missing := [name for name in _COLUMNS if name not in rules]:
        raise ValueError(f"rules.{missing[0]}: the column is missing. Use find_associations.")
    if rules.empty:
        return rules.assign(**{name: pd.Series(dtype=float) for name in _ADDED})
    need_numbers(rules, "rules", ["support_share", "confidence_share", "lift"], least=0)
    orders = baskets["order_id"].nunique()
    both = np.rint(rules["support_share"] * orders).to_numpy()
    mine = np.rint(both / rules["confidence_share"]).to_numpy()
    other = np.rint(rules["confidence_share"] / rules["lift"] * orders).to_numpy()
    # delta method: the log of a ratio of multinomial shares, which share their orders
    shared = 2 * both / (mine * other)
    spread = np.sqrt(np.maximum(1 / both - 1 / mine - 1 / other + shared - 1 / orders, 0))
    wide = norm.ppf(0.5 + level / 2) * spread
    p_value = hypergeom.sf(both - 1, orders, other, mine)
    q_value = _false_shares(rules, baskets, p_value)
    return rules.assign(
        orders=both.astype(int),
        low=rules["lift"] * np.exp(-wide),
        high=rules["lift"] * np.exp(wide),
        p_value=p_value,
        q_value=q_value,
        is_solid=q_value <= false_share,
    )


_ADDED = ("orders", "low", "high", "p_value", "q_value", "is_solid")


def _false_shares(rules: pd.DataFrame, baskets: pd.DataFrame, p_value: np.ndarray) -> np.ndarray:
    """Return Benjamini and Hochberg's adjusted p-values, among all that could have been found."""
    held = baskets.drop_duplicates(["order_id", "item"])["item"].value_counts()
    orders = baskets["order_id"].nunique()
    items = int((held >= rules["support_share"].min() * orders - 1e-9).sum())
    size = np.array([len(a) + len(c) for a, c in zip(rules["antecedent"], rules["consequent"],
                                                     strict=True)])  # fmt: skip
    tests = sum(comb(items, int(n)) * (2 ** int(n) - 2) for n in range(2, size.max() + 1))
    place = np.argsort(p_value, kind="stable")
    raised = p_value[place] * max(tests, len(rules)) / np.arange(1, len(rules) + 1)
    adjusted = np.empty(len(rules))
    adjusted[place] = np.minimum.accumulate(raised[::-1])[::-1].clip(max=1.0)
    return adjusted
