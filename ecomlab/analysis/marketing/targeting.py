"""Whom to mail: what each rule of choosing earns, judged on mails that went out by lot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.analysis.marketing.uplift import ResponseModel, UpliftModel
from ecomlab.frames import need_columns, need_numbers, need_share
from ecomlab.plotting import BLUE, GREY, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Targeting", "compare_targeting"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Targeting(Result):
    """What rules of choosing whom to mail earn.

    ``table`` has ``rule, mailed_share, gain, low, high``: outcome gained over mailing nobody, net
    of the cost, a person of all. ``scores`` is the frame given with ``uplift_score`` and
    ``response_score``, each from models that had not seen the person.
    """

    headline: ClassVar[dict[str, str]] = {"best_rule": "", "gain": "outcome a person"}

    best_rule: str
    gain: float
    level: float
    scores: pd.DataFrame = field(repr=False)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what each rule gains with its interval."""
        ax = new_axes(height=1.2 + 0.6 * len(self.table)) if ax is None else ax
        for place, row in enumerate(self.table.itertuples()):
            color = BLUE if row.rule == self.best_rule else GREY
            ax.plot([row.low, row.high], [place, place], color=color, linewidth=3)
            ax.plot([row.gain], [place], "o", color=color, markersize=9)
        labels = [f"{row.rule} ({row.mailed_share:.0%})" for row in self.table.itertuples()]
        ax.set_yticks(range(len(labels)), labels)
        ax.set_ylim(len(labels) - 0.5, -0.5)
        ax.axvline(0, color=GREY, linewidth=1)
        ax.set_xlabel("gained over mailing nobody [outcome a person]")
        ax.set_title(f"Best on these people: {self.best_rule}")
        return ax


def compare_targeting(
    people: pd.DataFrame,
    *,
    features: Sequence[str],
    cost: float = 0.0,
    share: float = 0.5,
    seed: int = 0,
    level: float = LEVEL,
) -> Targeting:
    """Compare mailing by uplift with mailing by response, to everybody and to nobody.

    Both models are fitted on four fifths of the people and score the fifth left out, in turn. What
    a rule earns is estimated without a model: among those that it would mail, the lot decided who
    was (inverse probability weighting: Athey and Wager, Econometrica 89, 2021, section 2).

    Parameters
    ----------
    people
        Columns ``treated`` (0 or 1, by lot), ``outcome`` and the features.
    features
        Names of numeric columns known before the mail.
    cost
        Cost of a mail, in the outcome's unit.
    share
        Share of people that the two rules with a fixed number of mails reach.
    seed
        Seed of the folds and the models.
    level
        Level of the intervals [share].

    Raises
    ------
    ValueError
        Where a column is missing or not a number, or fewer than 200 people are given.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> people = pd.DataFrame({"treated": rng.integers(0, 2, 4000),
    ...                        "loyal": rng.integers(0, 2, 4000).astype(float)})
    >>> people["outcome"] = people["loyal"] + people["treated"] * (1.0 - people["loyal"])
    >>> compare_targeting(people, features=["loyal"], cost=0.2).best_rule
    'uplift above its cost'
    """
    columns = ("treated", "outcome", *features)
    need_columns(people, "people", columns)
    need_numbers(people, "people", columns)
    need_share(share, of="share")
    need_share(level, of="level")
    if not features or len(people) < 200:
        raise ValueError("people: give at least one feature, and 200 people.")
    uplift, response = _cross_fit(people, list(features), seed)
    treated = people["treated"].to_numpy(dtype=float)
    lot = float(treated.mean())
    own = people["outcome"].to_numpy(dtype=float)
    own = own - own.mean()  # the same for all rules, and far less scatter
    effect = treated * own / lot - (1 - treated) * own / (1 - lot) - cost
    rules = {
        "nobody": np.zeros(len(people), dtype=bool),
        "everybody": np.ones(len(people), dtype=bool),
        f"highest response ({share:.0%})": _top(response, share),
        f"highest uplift ({share:.0%})": _top(uplift, share),
        "uplift above its cost": uplift > cost,
    }
    reach = norm.isf((1 - level) / 2) / np.sqrt(len(people))
    rows = [(name, mailed.mean(), (mailed * effect).mean(), (mailed * effect).std(ddof=1) * reach)
            for name, mailed in rules.items()]  # fmt: skip
    table = pd.DataFrame(rows, columns=["rule", "mailed_share", "gain", "reach"])
    table = table.assign(low=table["gain"] - table["reach"], high=table["gain"] + table["reach"])
    best = table.sort_values("gain", ascending=False, kind="stable").iloc[0]
    return Targeting(
        table=table.drop(columns="reach"),
        caveats=("A response model finds those who buy; a mail pays where it changes something.",
                 "Rules whose intervals overlap much may trade places on other people."),
        best_rule=str(best["rule"]),
        gain=float(best["gain"]),
        level=level,
        scores=people.assign(uplift_score=uplift, response_score=response),
    )  # fmt: skip


def _top(score: np.ndarray, share: float) -> np.ndarray:
    """Mark the share of people with the highest scores."""
    mailed = np.zeros(len(score), dtype=bool)
    mailed[np.argsort(-score, kind="stable")[: round(share * len(score))]] = True
    return mailed


def _cross_fit(
    people: pd.DataFrame, features: list[str], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Score each person by models that have not seen the person."""
    fold = np.random.default_rng(seed).permutation(len(people)) % 5
    uplift, response = np.empty(len(people)), np.empty(len(people))
    for one in range(5):
        seen, new = people[fold != one], people.loc[fold == one, features]
        given = (seen[features], seen["treated"], seen["outcome"])
        uplift[fold == one] = UpliftModel(seed=seed).fit(*given).predict(new)
        response[fold == one] = ResponseModel(seed=seed).fit(*given).predict(new)
    return uplift, response
