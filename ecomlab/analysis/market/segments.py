"""Who is in the market? Groups of people who are alike, and whether the groups are real.

In: one row a person, one numeric column a trait. Answer: segments by k-means or a Gaussian
mixture on standardised traits, each described in words, each with its stability: the mean
Jaccard similarity to the segments of bootstrap samples (Hennig, Computational Statistics and
Data Analysis 52, 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

from ecomlab.frames import need_columns, need_numbers
from ecomlab.plotting import BLUE, GREEN, GREY, RED, finish, new_axes
from ecomlab.result import Result

__all__ = ["Segments", "compare_segment_counts", "find_segments"]

Method = Literal["kmeans", "mixture"]
STABLE, DOUBTFUL = 0.75, 0.6  # Hennig's marks of the mean Jaccard similarity
_STARTS, _SAMPLED = 8, 2_000
_MUCH, _SOME = 1.0, 0.35  # standard deviations off the mean, for the words


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Segments(Result):
    """Groups of people who are alike.

    ``table`` has a row a segment: ``segment, people, share, stability, description`` and the
    mean of each trait; ``members`` holds each person's segment (the index is that of the input).
    """

    headline: ClassVar[dict[str, str]] = {
        "segments": "segments",
        "lowest_stability": "Jaccard",
        "silhouette": "of 1",
    }

    segments: int
    lowest_stability: float
    silhouette: float
    members: pd.Series = field(repr=False)
    means: pd.DataFrame = field(repr=False)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each segment's traits against the mean person's."""
        ax = new_axes(height=1.4 + 0.55 * self.segments) if ax is None else ax
        apart = self.means
        ax.imshow(apart.to_numpy(), cmap="RdBu", vmin=-2, vmax=2, aspect="auto")
        ax.grid(visible=False)
        for row in range(len(apart)):
            for column in range(apart.shape[1]):
                value = apart.iat[row, column]
                ax.text(column, row, f"{value:+.1f}", ha="center", va="center",
                        color="white" if abs(value) > 1.3 else "black")  # fmt: skip
        ax.set_xticks(range(apart.shape[1]), [str(c).replace("_", "\n") for c in apart.columns])
        labels = [f"{row.segment}: {row.share:.0%}" for row in self.table.itertuples()]
        ax.set_yticks(range(len(apart)), labels)
        stable = int((self.table["stability"] >= STABLE).sum())
        return finish(
            ax,
            title=f"{stable} of {self.segments} segments come back when other people are asked",
            x="trait, in standard deviations from the mean person",
            y="segment, share of people",
        )

    def plot_stability(self, ax: Axes | None = None) -> Axes:
        """Draw how well each segment came back in the bootstrap samples."""
        ax = new_axes(height=1.4 + 0.4 * self.segments) if ax is None else ax
        value = self.table["stability"]
        shade = [GREEN if v >= STABLE else GREY if v >= DOUBTFUL else RED for v in value]
        ax.barh(range(self.segments), value, color=shade)
        ax.axvline(STABLE, color=BLUE, linestyle="--", linewidth=1)
        ax.set_yticks(range(self.segments), [f"segment {s}" for s in self.table["segment"]])
        ax.invert_yaxis()
        ax.set_xlim(0, 1)
        return finish(
            ax,
            title=f"{int((value >= STABLE).sum())} of {self.segments} segments are stable",
            x="mean Jaccard similarity in bootstrap samples [0 to 1]",
            y="",
        )


def find_segments(
    people: pd.DataFrame,
    *,
    traits: Sequence[str],
    segments: int,
    method: Method = "kmeans",
    resamples: int = 50,
    seed: int = 0,
) -> Segments:
    """Divide people into segments, and test whether the segments are stable.

    Traits are standardised, so that each counts alike. For the stability people are drawn with
    replacement and divided anew; a segment's is the mean, over the draws, of its best Jaccard
    similarity to a new segment. From 0.75 on a segment is stable, below 0.6 it is not to be
    trusted (Hennig 2007). Segment 1 is the largest.

    Parameters
    ----------
    people
        One row a person.
    traits
        Numeric columns to divide by. Take logarithms of what is spread over magnitudes.
    segments
        How many segments; see :func:`compare_segment_counts`.
    method
        ``kmeans``, or ``mixture``: a Gaussian mixture, whose segments may differ in spread.
    resamples
        Bootstrap samples behind the stability.
    seed
        Seed of the starts and of the samples.

    Raises
    ------
    ValueError
        Where a trait is missing, not finite or the same for all, there are fewer than ten people
        a segment, or the mixture did not converge.

    Examples
    --------
    >>> people = pd.DataFrame({"orders": [1, 2, 1, 2, 1] * 4 + [9, 8, 9, 8, 9] * 3})
    >>> found = find_segments(people, traits=["orders"], segments=2, resamples=20)
    >>> found.table["people"].tolist(), found.lowest_stability
    ([20, 15], 1.0)
    """
    scores = _standardise(people, traits, segments, method)
    found, settled = _divide(scores, segments, method, seed)
    if not settled:
        raise ValueError(
            f"traits: not estimated, because the mixture of {segments} segments did not converge. "
            "Take fewer segments, or method='kmeans'."
        )
    found = _by_size(found, segments)
    stability, failed = _stability(scores, found, method, resamples, seed)
    means = pd.DataFrame(scores, columns=list(traits)).groupby(found).mean()
    means.index = means.index + 1
    plain = people[list(traits)].astype(float).groupby(found).mean().to_numpy()
    count = np.bincount(found, minlength=segments)
    table = pd.DataFrame(
        {
            "segment": np.arange(1, segments + 1),
            "people": count,
            "share": count / len(people),
            "stability": stability,
            "description": [_describe(row) for _, row in means.iterrows()],
        }
    ).assign(**{name: plain[:, i] for i, name in enumerate(traits)})
    return Segments(
        table=table,
        caveats=_caveats(table, failed),
        segments=segments,
        lowest_stability=float(stability.min()),
        silhouette=_silhouette(scores, found, seed),
        members=pd.Series(found + 1, index=people.index, name="segment"),
        means=means,
    )


def _standardise(
    people: pd.DataFrame, traits: Sequence[str], segments: int, method: str
) -> np.ndarray:
    if not traits or len(set(traits)) < len(traits):
        raise ValueError(f"traits: {list(traits)}; name at least one, each once.")
    need_columns(people, "people", traits)
    need_numbers(people, "people", traits)
    if method not in ("kmeans", "mixture"):
        raise ValueError(f"method: {method!r} is not one of 'kmeans', 'mixture'.")
    values = people[list(traits)].to_numpy(dtype=float)
    spread = values.std(axis=0)
    if (spread <= 0).any():
        still = [name for name, sd in zip(traits, spread, strict=True) if sd <= 0]
        raise ValueError(f"people.{still[0]}: the same for everybody. Leave out {still}.")
    if segments < 2 or len(people) < 10 * segments:
        raise ValueError(
            f"segments: {segments} of {len(people)} people. Take two or more, of ten people each."
        )
    return np.asarray((values - values.mean(axis=0)) / spread)


def _divide(scores: np.ndarray, segments: int, method: str, seed: int) -> tuple[np.ndarray, bool]:
    """Return each row's segment, and whether the search came to an end."""
    if method == "kmeans":
        means = KMeans(segments, n_init=_STARTS, max_iter=500, random_state=seed).fit(scores)
        return means.labels_, means.n_iter_ < 500
    mixture = GaussianMixture(segments, n_init=_STARTS // 2, max_iter=500, reg_covar=1e-4,
                              random_state=seed).fit(scores)  # fmt: skip
    return mixture.predict(scores), bool(mixture.converged_)


def _by_size(found: np.ndarray, segments: int) -> np.ndarray:
    """Renumber segments from 0 by size, the largest first."""
    order = np.argsort(-np.bincount(found, minlength=segments), kind="stable")
    return np.asarray(np.argsort(order, kind="stable")[found])


def _stability(
    scores: np.ndarray, found: np.ndarray, method: str, resamples: int, seed: int
) -> tuple[np.ndarray, int]:
    """Return each segment's mean Jaccard similarity, and how many resamples came to no end."""
    segments, failed = int(found.max()) + 1, 0
    total = np.zeros(segments)
    for draw in range(resamples):
        rng = np.random.default_rng([seed, draw])
        rows = rng.integers(len(scores), size=len(scores))
        again, settled = _divide(scores[rows], segments, method, seed + 1)
        failed += not settled
        _, first = np.unique(rows, return_index=True)  # each person once
        total += _jaccard(found[rows[first]], again[first], segments)
    return total / max(resamples, 1), failed


def _jaccard(old: np.ndarray, new: np.ndarray, segments: int) -> np.ndarray:
    """Return each old segment's best Jaccard similarity to a new one, over the same people."""
    both = np.bincount(old * segments + new, minlength=segments**2).reshape(segments, segments)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
    return np.asarray((both / np.maximum(either, 1)).max(axis=1))


def _describe(apart: pd.Series) -> str:
    """Say in words what sets a segment apart, the most telling traits first."""
    ranked = apart.loc[apart.abs().sort_values(ascending=False).index]
    words = [
        f"{'very ' if abs(value) >= _MUCH else ''}{'high' if value > 0 else 'low'} "
        f"{str(name).replace('_', ' ')}"
        for name, value in ranked.items()
        if abs(value) >= _SOME
    ]
    return ", ".join(words[:3]) or "like the mean person"


def _caveats(table: pd.DataFrame, failed: int) -> tuple[str, ...]:
    notes = ["Segments are a way of looking: people differ by degrees, and within a segment too."]
    weak = table.loc[table["stability"] < DOUBTFUL, "segment"].tolist()
    if weak:
        names = ", ".join(map(str, weak))
        notes.append(f"Segments {names} dissolve when other people are asked: build nothing on it.")
    if failed:
        notes.append(f"In {failed} of the bootstrap samples the search came to no end.")
    return tuple(notes)


def _silhouette(scores: np.ndarray, found: np.ndarray, seed: int) -> float:
    if len(np.unique(found)) < 2:
        return float("nan")
    size = min(len(scores), _SAMPLED)
    return float(silhouette_score(scores, found, sample_size=size, random_state=seed))


def compare_segment_counts(
    people: pd.DataFrame,
    *,
    traits: Sequence[str],
    counts: Sequence[int] = (2, 3, 4, 5, 6),
    method: Method = "kmeans",
    resamples: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how stable and how separate the segments are for several counts of them.

    Parameters
    ----------
    people, traits, method, seed
        As in :func:`find_segments`.
    counts
        The numbers of segments to try.
    resamples
        Bootstrap samples for each.

    Returns
    -------
    DataFrame
        ``segments, lowest_stability, mean_stability, silhouette, is_stable``: stable where each
        segment's similarity is 0.75 or more. The largest stable count tells most.

    Examples
    --------
    >>> people = pd.DataFrame({"orders": [1, 2, 1, 2, 1] * 4 + [9, 8, 9, 8, 9] * 3})
    >>> found = compare_segment_counts(people, traits=["orders"], counts=(2, 3), resamples=10)
    >>> found["is_stable"].iloc[0]
    np.True_
    """
    rows = []
    for count in counts:
        found = find_segments(people, traits=traits, segments=count, method=method,
                              resamples=resamples, seed=seed)  # fmt: skip
        mean = float((found.table["stability"] * found.table["share"]).sum())
        rows.append((count, found.lowest_stability, mean, found.silhouette,
                     found.lowest_stability >= STABLE))  # fmt: skip
    names = ["segments", "lowest_stability", "mean_stability", "silhouette", "is_stable"]
    return pd.DataFrame(rows, columns=names)
