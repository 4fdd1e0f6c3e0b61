"""What do people talk about? A first sorting of answers, before anybody has read them all.

In: answers in words, one a row. Answer: themes with the words that mark them, one example
each, and the theme of each answer. Words and pairs of words are weighed by how telling they
are (TF-IDF: Salton and Buckley 1988), put on few axes (latent semantic analysis: Deerwester et
al., JASIS 41, 1990) and grouped there by k-means. Stability says whether a part of the answers
gives the same themes (Ben-Hur, Elisseeff and Guyon 2002).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import normalize

from ecomlab.frames import need_columns
from ecomlab.plotting import BLUE, GREY, finish, new_axes
from ecomlab.result import Result

__all__ = ["Themes", "find_themes"]

_PARTS, _PART = 6, 0.8
_TERMS, _STARTS = 4, 20
_MANY = 40
_WORD = r"(?u)\b[^\W\d_]{2,}\b"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_STABLE = 0.6


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Themes(Result):
    """Themes found in answers.

    ``table`` has ``theme, terms, answers, share, example``, the most frequent first.
    ``assigned`` gives each row of the answers its theme (0: it has no telling word), and
    ``strength`` how near it is to the middle of the theme [cosine].
    """

    headline: ClassVar[dict[str, str]] = {
        "answers": "answers",
        "themes": "themes",
        "stability": "of 1",
    }

    answers: int
    themes: int
    stability: float
    assigned: pd.Series = field(repr=False)
    strength: pd.Series = field(repr=False)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how many answers each theme has, named by its words."""
        ax = new_axes(height=0.5 * self.themes + 1.2) if ax is None else ax
        rows = self.table.iloc[::-1]
        ax.barh(range(len(rows)), rows["answers"], color=BLUE, height=0.62)
        ax.set_yticks(range(len(rows)), [f"theme {theme}" for theme in rows["theme"]])
        for place, row in enumerate(rows.itertuples()):
            ax.annotate(row.terms, (row.answers, place), (5, 0), textcoords="offset points",
                        va="center", fontsize=9, color=GREY)  # fmt: skip
        ax.set_xlim(0, 2.2 * rows["answers"].max())
        ax.grid(visible=False, axis="y")
        top = self.table.iloc[0]
        return finish(
            ax,
            title=f"The largest theme has {top['share']:.0%} of the answers; its words: "
            f"{top['terms']}",
            x="answers",
            y="",
        )


def find_themes(
    answers: pd.DataFrame, *, themes: int, ignore: Sequence[str] = (), seed: int = 0
) -> Themes:
    """Sort answers by what they are about, from their words alone.

    Parameters
    ----------
    answers
        One row an answer, with its words in ``text``. Chinese text is read by characters.
    themes
        How many themes to look for: try some, and keep the largest number that is stable.
    ignore
        Words that tell nothing here (your shop's name), beside the usual English ones.
    seed
        Seed of the parts that stability is measured on.

    Returns
    -------
    Themes
        Themes, and the theme of each answer. ``stability`` is the mean adjusted Rand index
        (1: the same groups; 0: as alike as by chance) of the themes that random parts of four
        fifths of the answers give, each applied to all answers.

    Raises
    ------
    ValueError
        For a missing or empty column, fewer than four answers a theme, and too few telling words.

    Examples
    --------
    >>> said = ["late parcel again", "parcel came late", "price too high", "high price, no sale"]
    >>> found = find_themes(pd.DataFrame({"text": said * 3}), themes=2)
    >>> found.assigned.tolist()[:4], found.table["terms"].str.split(",").str[0].tolist()
    ([1, 1, 2, 2], ['late', 'high'])
    """
    need_columns(answers, "answers", ["text"])
    bad = answers["text"].isna() | (answers["text"].astype(str).str.strip() == "")
    if bad.any():
        raise ValueError(
            f"answers.text: {int(bad.sum())} rows are empty (first at "
            f"{list(answers.index[bad.to_numpy()][:3])}). Drop answers without words."
        )
    if themes < 2 or len(answers) < 4 * themes:
        raise ValueError(
            f"themes: {themes} of {len(answers)} answers; ask for at least 2, and have at least "
            "four answers a theme."
        )
    texts = answers["text"].astype(str)
    words, weights = _weigh(texts, ignore)
    if min(weights.shape) <= themes:
        raise ValueError(
            f"answers.text: not estimated, because {weights.shape[1]} telling words do not make "
            f"{themes} themes. Ask for fewer, or give more answers."
        )
    theme, strength = _sort(weights, weights, themes)
    seen = [np.flatnonzero(theme == one) for one in range(themes)]
    order = np.array(sorted(range(themes), key=lambda one: (-len(seen[one]), *seen[one][:1])))
    rank = np.empty(themes, dtype=int)
    rank[order] = np.arange(1, themes + 1)
    mute = np.asarray(weights.sum(axis=1)).ravel() == 0
    assigned = pd.Series(np.where(mute, 0, rank[theme]), answers.index, name="theme")
    stability = _stability(weights, themes, seed)
    return Themes(
        table=_describe(texts, assigned, strength, weights, words),
        caveats=_caveats(stability, assigned),
        answers=len(answers), themes=themes, stability=stability, assigned=assigned,
        strength=pd.Series(strength, answers.index, name="strength"),
    )  # fmt: skip


def _weigh(texts: pd.Series, ignore: Sequence[str]) -> tuple[np.ndarray, Any]:
    """Return words and pairs of words, and how telling each is of each answer (TF-IDF)."""
    by_character = bool(texts.map(lambda text: bool(_HAN.search(text))).mean() > 0.5)
    shape: dict[str, Any] = (
        {"analyzer": "char", "ngram_range": (2, 2)}
        if by_character
        else {"ngram_range": (1, 2), "token_pattern": _WORD}
    )
    left_out = [word.lower() for word in ignore] or None
    # a word of more than a fifth of all answers marks none; in few answers half may be needed
    most = 0.2 if len(texts) >= _MANY else 0.5
    reader = TfidfVectorizer(min_df=2, max_df=most, sublinear_tf=True, stop_words=left_out, **shape)
    try:
        weights = reader.fit_transform(texts)
    except ValueError:
        raise ValueError(
            "answers.text: not estimated, because no word marks a group of answers. Give more."
        ) from None
    return reader.get_feature_names_out(), weights


def _sort(learn: Any, apply: Any, themes: int) -> tuple[np.ndarray, np.ndarray]:
    """Learn themes from some answers and return each other's theme, and how clear it is."""
    space = TruncatedSVD(min(2 * themes, min(learn.shape) - 1), random_state=0)
    groups = KMeans(themes, n_init=_STARTS, random_state=0)
    groups.fit(normalize(space.fit_transform(learn)))
    placed = normalize(space.transform(apply))
    theme = groups.predict(placed)
    centre = normalize(groups.cluster_centers_)
    return theme, np.einsum("ij,ij->i", placed, centre[theme])


def _stability(weights: Any, themes: int, seed: int) -> float:
    """Return how alike the themes of random parts sort all answers (adjusted Rand index)."""
    rng = np.random.default_rng([seed, 0x7E3E5])
    size = weights.shape[0]
    keep = int(_PART * size)
    sorts = [
        _sort(weights[rng.permutation(size)[:keep]], weights, themes)[0] for _ in range(_PARTS)
    ]
    pairs = [adjusted_rand_score(sorts[i], sorts[j]) for i in range(_PARTS) for j in range(i)]
    return float(np.mean(pairs))


def _describe(
    texts: pd.Series, assigned: pd.Series, strength: np.ndarray, weights: Any, words: np.ndarray
) -> pd.DataFrame:
    """Return a row a theme: its words, how many answers it has, and the clearest one."""
    telling = np.array([ENGLISH_STOP_WORDS.isdisjoint(word.split()) for word in words])
    everywhere = np.asarray(weights.mean(axis=0)).ravel()
    rows = []
    for theme in range(1, int(assigned.max()) + 1):
        mine = (assigned == theme).to_numpy()
        lift = np.asarray(weights[np.flatnonzero(mine)].mean(axis=0)).ravel() - everywhere
        top = words[np.argsort(-np.where(telling, lift, -1), kind="stable")[:_TERMS]]
        example = texts.iloc[int(np.where(mine, strength, -2).argmax())]
        rows.append((theme, ", ".join(top), int(mine.sum()), float(mine.mean()), example))
    return pd.DataFrame(rows, columns=["theme", "terms", "answers", "share", "example"])


def _caveats(stability: float, assigned: pd.Series) -> tuple[str, ...]:
    said = [
        "Words are not meanings: read the examples before a theme gets a name.",
        "An answer has one theme here, though people often touch on two.",
    ]
    if stability < _STABLE:
        said.append(
            f"Parts of the answers give different themes (stability {stability:.2f}): take them "
            "as a first sorting only."
        )
    if (none := int((assigned == 0).sum())) > 0:
        said.append(f"{none} answers share no telling word with any other and have no theme.")
    return tuple(said)
