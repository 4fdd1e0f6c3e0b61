"""Who gets the credit for an order that several channels led to? Five rules.

In: paths of touches with what came of them. Answer: conversions and value by channel, by
rules that all add up to the totals. None of them is an effect: an effect needs a test.
The chain is in ``chain.py``, paths are in ``paths.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.analysis.marketing.chain import build_chain, find_removal_effects
from ecomlab.analysis.marketing.paths import CodedPaths, check_paths, code_paths
from ecomlab.plotting import BLUE, format_amount, new_axes
from ecomlab.result import Result

__all__ = ["Attribution", "attribute_paths"]

_METHODS = ("first", "last", "linear", "markov", "shapley")
_IN_WORDS = {
    "first": "first touch",
    "last": "last touch",
    "linear": "all touches alike",
    "markov": "Markov chain",
    "shapley": "Shapley value",
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Attribution(Result):
    """Credit by channel.

    ``table`` has ``channel, conversions, value``; for the Markov chain also
    ``removal_effect`` and ``removal_effect_value``: the share of conversions, and of value,
    that the chain loses without the channel.
    """

    headline: ClassVar[dict[str, str]] = {
        "conversions": "conversions",
        "value": "currency",
        "top_channel": "",
        "top_share": "share",
    }

    method: str
    order: int
    conversions: float
    value: float
    top_channel: str
    top_share: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the credit of each channel, the largest on top."""
        ax = new_axes(height=0.9 + 0.45 * len(self.table)) if ax is None else ax
        rows = self.table.sort_values("conversions")
        names = rows["channel"].astype(str)
        ax.barh(names, rows["conversions"], color=BLUE, height=0.62)
        for place, credit in enumerate(rows["conversions"]):
            ax.annotate(format_amount(credit), (credit, place), (4, 0), textcoords="offset points",
                        va="center", fontweight="bold")  # fmt: skip
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("conversions credited")
        ax.set_title(f"{self.top_channel} gets {self.top_share:.0%} of the credit by "
                     f"{_IN_WORDS[self.method]}")  # fmt: skip
        return ax


def attribute_paths(paths: pd.DataFrame, *, method: str, order: int = 1) -> Attribution:
    """Share out conversions and value among the channels that the paths touched.

    ``first``, ``last`` and ``linear`` give each path's conversions to its first touch, its
    last, or to all its touches in equal parts (a channel touched twice gets two). ``markov``
    gives them in proportion to removal effects: with the chain start -> channels ->
    conversion or nothing, how much less converts where a channel ends in nothing. ``shapley``
    takes the worth of a set of channels to be the conversions of the paths that need no
    others; its Shapley value gives a path's conversions in equal parts to the channels in it,
    each counted once.

    Parameters
    ----------
    paths
        One row a path: ``path`` (tuple of channels in the order of the touches),
        ``conversions`` and ``nulls`` (journeys of this path that did and did not convert),
        ``value`` of the conversions [currency].
    method
        ``first``, ``last``, ``linear``, ``markov`` or ``shapley``.
    order
        For ``markov``: how many channels a state of the chain remembers.

    Returns
    -------
    Attribution
        ``table`` with ``channel, conversions, value``, which add up to the totals.

    Raises
    ------
    ValueError
        On bad input, an unknown method, an order below 1, or where nothing converted.

    References
    ----------
    Anderl, Becker, von Wangenheim and Schumann, Mapping the customer journey,
    International Journal of Research in Marketing 33 (2016): removal effects.
    Zhao, Mahboobi and Bagheri, Shapley value methods for attribution modeling in online
    advertising (2018): the simplified Shapley value.

    Examples
    --------
    >>> paths = pd.DataFrame({"path": [("c1", "c2", "c3"), ("c1",), ("c2", "c3")],
    ...                       "conversions": [1, 0, 0], "value": [10.0, 0.0, 0.0],
    ...                       "nulls": [0, 1, 1]})
    >>> attribute_paths(paths, method="markov").table.round(3)
      channel  conversions  value  removal_effect  removal_effect_value
    0      c1          0.2    2.0             0.5                   0.5
    1      c2          0.4    4.0             1.0                   1.0
    2      c3          0.4    4.0             1.0                   1.0
    """
    if method not in _METHODS:
        raise ValueError(f"method: {method!r} is none of {', '.join(_METHODS)}.")
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or order < 1:
        raise ValueError(f"order: {order!r}; give a whole number from 1 on.")
    check_paths(paths)
    coded = code_paths(paths)
    total, value = coded.numbers[:, 0].sum(), coded.numbers[:, 1].sum()
    if total == 0:
        raise ValueError("paths.conversions: all are 0, there is no credit to give. Take a longer "
                         "period.")  # fmt: skip
    effects = None
    if method == "markov":
        effects = find_removal_effects(build_chain(coded, order=int(order)))
        credit = _in_proportion(effects, np.array([total, value]))
    else:
        credit = _by_rule(coded, method)
    return _answer(coded, credit, effects, method, int(order))


def _by_rule(coded: CodedPaths, method: str) -> np.ndarray:
    """Return conversions and value by channel, channels x 2, by a rule for each path alone."""
    size = len(coded.channels)
    at, path, weight = coded.touches, coded.path_of_touch, np.ones(len(coded.touches))
    if method in ("first", "last"):
        ends = coded.starts if method == "first" else coded.starts + coded.lengths - 1
        at, path, weight = at[ends], np.arange(len(ends)), np.ones(len(ends))
    elif method == "linear":
        weight = 1 / coded.lengths[path]
    else:
        single = np.unique(path * size + at)
        path, at = single // size, single % size
        weight = 1 / np.bincount(path)[path]
    return np.column_stack([np.bincount(at, weight * coded.numbers[path, i], size) for i in (0, 1)])


def _in_proportion(effects: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return the totals shared out in proportion to the effects, column by column."""
    sums = effects.sum(axis=0)
    shares = np.divide(effects, sums, out=np.zeros_like(effects), where=sums > 0)
    return np.asarray(shares * totals)


def _answer(
    coded: CodedPaths, credit: np.ndarray, effects: np.ndarray | None, method: str, order: int
) -> Attribution:
    table = pd.DataFrame(
        {"channel": list(coded.channels), "conversions": credit[:, 0], "value": credit[:, 1]}
    )
    if effects is not None:
        table = table.assign(removal_effect=effects[:, 0], removal_effect_value=effects[:, 1])
    best = int(credit[:, 0].argmax())
    caveats = [
        "Credit is not effect: who would have bought anyway is credited to the channels too. "
        "Ask a test what a channel adds.",
        "Only touches that were recorded count: what people saw and did not click is missing.",
    ]
    if order > 1 and effects is not None:
        caveats.append(f"States of {order} channels are many, so that rare ones rest on few paths.")
    return Attribution(
        table=table,
        caveats=tuple(caveats),
        method=method,
        order=order,
        conversions=float(credit[:, 0].sum()),
        value=float(credit[:, 1].sum()),
        top_channel=str(coded.channels[best]),
        top_share=float(credit[best, 0] / credit[:, 0].sum()),
    )
