"""Where does each brand stand, what do the axes mean, and is it more than luck? A map.

In: attributes of items, many rows an item, or a table of counts. Answer: a map of two axes that
keep as much of the differences as two can, each axis named by what it is made of, and a
test of whether items differ at all: a map draws noise just as beautifully. Numbers go through
principal components (Hotelling 1933; biplot: Gabriel, Biometrika 58, 1971), counts through
correspondence analysis (Greenacre, Correspondence Analysis in Practice, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from scipy.stats import chi2, chi2_contingency

from ecomlab.frames import need_columns, need_filled, need_numbers
from ecomlab.plotting import BLUE, GREY, RED, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["PositionMap", "map_counts", "map_positions"]

_DRAWS, _SHUFFLES = 500, 999
_SAYS, _BY_LUCK = 0.6, 0.05


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PositionMap(Result):
    """A map of items and what its axes are made of.

    ``table`` has ``item, axis_1, axis_2, error_1, error_2`` (standard errors over the rows of
    an item; empty for counts); ``attributes`` has ``attribute, axis_1, axis_2``, the arrows.
    ``meanings`` says each axis in words, ``explained_share`` how much of the differences between
    items it shows. ``p_value`` is the chance of differences as large if items did not differ.
    """

    headline: ClassVar[dict[str, str]] = {
        "shown_share": "share",
        "between_share": "share",
        "p_value": "chance",
    }

    attributes: pd.DataFrame = field(repr=False)
    explained_share: tuple[float, float]
    meanings: tuple[str, str]
    between_share: float
    p_value: float
    level: float

    @property
    def shown_share(self) -> float:
        """How much of the differences between items the two axes show."""
        return float(sum(self.explained_share))

    @property
    def is_told_apart(self) -> bool:
        """Whether items differ by more than luck."""
        return self.p_value < _BY_LUCK

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw items with their uncertainty, and attributes as arrows."""
        ax = new_axes(height=5.8) if ax is None else ax
        size = np.abs(self.table[["axis_1", "axis_2"]].to_numpy()).max()
        arrows = self.attributes[["axis_1", "axis_2"]].to_numpy()
        scale = 1.15 * size / max(np.abs(arrows).max(), 1e-12)
        for x, y in scale * arrows:
            ax.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": GREY})
        reach = 2 * np.sqrt(chi2.ppf(self.level, 2))
        for row in self.table.itertuples():
            if np.isfinite(row.error_1):
                wide, tall = reach * row.error_1, reach * row.error_2
                here = (row.axis_1, row.axis_2)
                ax.add_patch(Ellipse(here, wide, tall, color=BLUE, alpha=0.1, linewidth=0))
            ax.plot([row.axis_1], [row.axis_2], "o", color=BLUE if self.is_told_apart else RED)
        ax.margins(0.14)
        places = self.table[["axis_1", "axis_2"]].to_numpy()
        names = [*self.table["item"].astype(str), *self.attributes["attribute"].astype(str)]
        _write(ax, names, np.vstack([places, scale * arrows]), bold=len(places))
        ax.axhline(0, color=GREY, linewidth=0.6)
        ax.axvline(0, color=GREY, linewidth=0.6)
        first, second = self.explained_share
        title = (
            f"What sets them apart most: {self.meanings[0].removeprefix('+ ')}"
            if self.is_told_apart
            else "The map shows luck: items that do not differ would look as far apart "
            f"{self.p_value:.0%} of the time"
        )
        return finish(
            ax, title=title, x=f"axis 1 ({first:.0%}): {self.meanings[0]}",
            y=f"axis 2 ({second:.0%}): {self.meanings[1]}",
        )  # fmt: skip


def _write(ax: Axes, names: list[str], places: np.ndarray, *, bold: int) -> None:
    """Write names beside their points, each on the first side where none is written yet."""
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    at = (places - low) / (high - low)
    taken: list[tuple[float, float, float]] = []
    for order, (name, (x, y)) in enumerate(zip(names, at, strict=True)):
        length = 0.0125 * len(name)
        beside, before = x + 0.01, x - 0.01 - length
        sides = [(beside, y + 0.025), (before, y + 0.025), (beside, y - 0.03),
                 (before, y - 0.03), (beside, y + 0.06), (beside, y - 0.065)]  # fmt: skip
        clashes = [
            sum(left < u + w and u < left + length and abs(up - v) < 0.034 for u, v, w in taken)
            for left, up in sides
        ]
        left, up = sides[int(np.argmin(clashes))]
        taken.append((left, up, length))
        ax.annotate(name, (left, up), xycoords="axes fraction", va="center",
                    fontweight="bold" if order < bold else "normal", fontsize=9,
                    color="black" if order < bold else GREY)  # fmt: skip


def map_positions(
    ratings: pd.DataFrame, *, attributes: list[str], level: float = LEVEL, seed: int = 0
) -> PositionMap:
    """Place items by their mean attributes.

    Parameters
    ----------
    ratings
        A row a rating (a respondent's, or a product's) with ``item`` and a numeric column an
        attribute; at least three items and two rows an item.
    attributes
        Names of the attributes' columns, two at least.
    level
        Level of the ellipses in the picture [share].
    seed
        Seed of resampling and shuffling.

    Returns
    -------
    PositionMap
        Positions with standard errors; ``between_share`` is the part of all variance that lies
        between items, ``p_value`` its chance under shuffled items.

    Raises
    ------
    ValueError
        For a missing or non-numeric column, fewer than three items, an item with a single row, and
        an attribute that never changes.

    Notes
    -----
    Attributes are standardised over rows, averaged by item and turned so that axis 1 carries the
    most of the differences between items (principal components of the item means). In words: the
    angle from which the items look farthest apart.

    Examples
    --------
    >>> rated = pd.DataFrame({"item": list("AAABBBCCC"), "dear": [1.0, 2, 1, 5, 6, 5, 9, 9, 8],
    ...                       "green": [3.0, 4, 3, 3, 4, 4, 4, 3, 4]})
    >>> found = map_positions(rated, attributes=["dear", "green"])
    >>> found.meanings, round(found.p_value, 2)
    (('+ dear', '+ green'), 0.06)
    """
    _check_ratings(ratings, attributes)
    values = ratings[attributes].to_numpy(dtype=float)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    code, items = pd.factorize(ratings["item"], sort=True)
    means = _means(values, code, len(items))
    centre = means.mean(axis=0)
    _, sizes, axes = np.linalg.svd(means - centre, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    spread = _resampled(values, code, len(items), axes, seed)
    explained = (sizes**2 / (sizes**2).sum())[:2]
    places = (means - centre) @ axes.T
    between, chance = _shuffled(values, code, len(items), seed)
    found = [_meaning(axis, attributes) for axis in axes]
    return PositionMap(
        table=pd.DataFrame({"item": items, "axis_1": places[:, 0], "axis_2": places[:, 1],
                            "error_1": spread[:, 0], "error_2": spread[:, 1]}),
        caveats=_caveats(float(explained.sum()), chance),
        attributes=pd.DataFrame({"attribute": attributes, "axis_1": axes[0], "axis_2": axes[1]}),
        explained_share=(float(explained[0]), float(explained[1])), meanings=(found[0], found[1]),
        between_share=between, p_value=chance, level=level,
    )  # fmt: skip


def _check_ratings(ratings: pd.DataFrame, attributes: list[str]) -> None:
    need_columns(ratings, "ratings", ("item", *attributes))
    need_filled(ratings, "ratings", ["item"])
    need_numbers(ratings, "ratings", attributes)
    if len(attributes) < 2:
        raise ValueError(f"attributes: {len(attributes)} given; a map needs two.")
    size = ratings["item"].value_counts()
    if len(size) < 3 or size.min() < 2:
        raise ValueError(
            f"ratings.item: {len(size)} items, the rarest ({size.index[-1]}) with {size.min()} "
            "rows; a map needs three items of two rows each."
        )
    for name in attributes:
        if ratings[name].astype(float).std() < 1e-12:
            raise ValueError(f"ratings.{name}: the attribute never changes. Leave it out.")


def _means(values: np.ndarray, code: np.ndarray, items: int) -> np.ndarray:
    sums = np.zeros((items, values.shape[1]))
    np.add.at(sums, code, values)
    return sums / np.bincount(code, minlength=items)[:, None]


def _resampled(
    values: np.ndarray, code: np.ndarray, items: int, axes: np.ndarray, seed: int
) -> np.ndarray:
    """Return the standard error of each item's place, over resamples of its rows."""
    rng = np.random.default_rng([seed, 0x3A9])
    placed, out = values @ axes.T, np.empty((items, 2))
    for item in range(items):
        mine = placed[code == item]
        times = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=_DRAWS)
        out[item] = (times @ mine / len(mine)).std(axis=0)
    return out


def _shuffled(values: np.ndarray, code: np.ndarray, items: int, seed: int) -> tuple[float, float]:
    """Return the share of variance between items, and its chance where items are shuffled."""
    rng = np.random.default_rng([seed, 0x5AF])
    size = np.bincount(code, minlength=items)[:, None]

    def between(by: np.ndarray) -> float:
        return float((size * _means(values, by, items) ** 2).sum() / (values**2).sum())

    seen = between(code)
    drawn = [between(rng.permutation(code)) for _ in range(_SHUFFLES)]
    return seen, (1 + sum(one >= seen - 1e-12 for one in drawn)) / (1 + _SHUFFLES)


def map_counts(counts: pd.DataFrame, *, level: float = LEVEL) -> PositionMap:
    """Place the rows and columns of a table of counts (correspondence analysis).

    Parameters
    ----------
    counts
        A row an item (its index names it), a column an attribute, how often both met; at least
        three by three, no row or column without any count.
    level
        Level that the test is read at [share].

    Returns
    -------
    PositionMap
        Rows and columns in principal coordinates. ``between_share`` is the total inertia
        (chi-square over the sum of counts), ``p_value`` that of Pearson's chi-square test.

    Raises
    ------
    ValueError
        For cells that are no counts, and tables that are too small or have an empty row or column.

    Notes
    -----
    The singular value decomposition of
    ``(p_ij - r_i c_j) / sqrt(r_i c_j)``. In words: what is over- or under-represented where, each
    cell against what its row and column alone would make one expect.

    Examples
    --------
    >>> smoke = pd.DataFrame([[4, 2, 3, 2], [4, 3, 7, 4], [25, 10, 12, 4], [18, 24, 33, 13],
    ...     [10, 6, 7, 2]], ["SM", "JM", "SE", "JE", "SC"], ["none", "light", "medium", "heavy"])
    >>> found = map_counts(smoke)
    >>> [round(share, 3) for share in found.explained_share], round(found.between_share, 5)
    ([0.878, 0.118], 0.08519)
    """
    _check_counts(counts)
    table = counts.to_numpy(dtype=float)
    shares = table / table.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    expected = np.outer(rows, columns)
    left, sizes, right = np.linalg.svd((shares - expected) / np.sqrt(expected))
    turn = np.sign(right[:2][np.arange(2), np.abs(right[:2]).argmax(axis=1)])
    places = turn * left[:, :2] * sizes[:2] / np.sqrt(rows)[:, None]
    arrows = turn * right[:2].T * sizes[:2] / np.sqrt(columns)[:, None]
    inertia = float((sizes**2).sum())
    explained = sizes[:2] ** 2 / max(inertia, 1e-300)
    chance = float(chi2_contingency(table, correction=False).pvalue)
    names = [str(name) for name in counts.columns]
    pulls = (turn[:, None] * right[:2]) ** 2 * np.sign(turn[:, None] * right[:2])
    found = [_meaning(pull / np.abs(pull).max(), names) for pull in pulls]
    thin = int((expected * table.sum() < 5).sum())
    more = (f"{thin} cells expect fewer than 5: the test is rough.",) if thin else ()
    return PositionMap(
        table=pd.DataFrame({"item": counts.index.astype(str), "axis_1": places[:, 0],
                            "axis_2": places[:, 1], "error_1": np.nan, "error_2": np.nan}),
        caveats=(*_caveats(float(explained.sum()), chance), *more),
        attributes=pd.DataFrame(
            {"attribute": names, "axis_1": arrows[:, 0], "axis_2": arrows[:, 1]}
        ),
        explained_share=(float(explained[0]), float(explained[1])), meanings=(found[0], found[1]),
        between_share=inertia, p_value=chance, level=level,
    )  # fmt: skip


def _check_counts(counts: pd.DataFrame) -> None:
    if min(counts.shape) < 3:
        rows, columns = counts.shape
        raise ValueError(f"counts: {rows} rows and {columns} columns; a map needs three of each.")
    need_numbers(counts, "counts", counts.columns, least=0.0)
    for axis, word in ((1, "row"), (0, "column")):
        total = counts.sum(axis=axis)
        if (total <= 0).any():
            raise ValueError(f"counts: {word} {total.idxmin()!r} has no count. Leave it out.")


def _meaning(axis: np.ndarray, names: list[str]) -> str:
    """Name an axis by its strongest attributes, with the direction they grow in."""
    strong = [i for i in np.argsort(-np.abs(axis), kind="stable") if
              abs(axis[i]) >= _SAYS * np.abs(axis).max()]  # fmt: skip
    up = [names[i] for i in strong if axis[i] > 0][:3]
    down = [names[i] for i in strong if axis[i] < 0][:3]
    return "; ".join(
        f"{sign} {', '.join(words)}" for sign, words in (("+", up), ("\u2212", down)) if words
    )


def _caveats(shown: float, chance: float) -> tuple[str, ...]:
    said = ["The map shows what was measured; what buyers care about may not be among it."]
    if shown < 0.7:
        said.append(f"Two axes show {shown:.0%} of the differences; points that look near may be "
                    "far apart on a third.")  # fmt: skip
    if chance >= _BY_LUCK:
        said.append(f"Items that do not differ would look as far apart {chance:.0%} of the time: "
                    "read no position out of this map.")  # fmt: skip
    return tuple(said)
