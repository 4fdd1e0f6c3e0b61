"""Whom does a mail move? An uplift model, and how it ranks people who were drawn by lot.

In: people with their traits, whether they were mailed by lot, and what they then did.
Answers: an estimator of each one's own effect (T- and X-learner: Kuenzel, Sekhon, Bickel
and Yu, PNAS 116, 2019), the Qini curve of a ranking (Radcliffe 2007) with a bootstrap
interval, and what mailing by uplift earns beside mailing by response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestRegressor

from ecomlab.frames import need_columns, need_numbers, need_share, where
from ecomlab.plotting import BLUE, GREY, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["QiniCurve", "ResponseModel", "UpliftModel", "measure_qini"]


def _fitted(learner: Any, seed: int, traits: pd.DataFrame, outcome: np.ndarray) -> Any:
    """Fit a copy of a learner; by default few large leaves: effects of mails are small."""
    if learner is None:
        learner = RandomForestRegressor(
            n_estimators=16, max_leaf_nodes=16, min_samples_leaf=max(20, len(outcome) // 200),
            max_samples=0.5, max_features=None, n_jobs=1, random_state=seed,
        )  # fmt: skip
    return clone(learner).fit(traits, outcome)


class ResponseModel(BaseEstimator):
    """Expected outcome of those who were mailed: the naive model of whom to mail.

    Parameters
    ----------
    learner
        A scikit-learn regressor; a forest of small trees where left out.
    seed
        Seed of the learner.

    Examples
    --------
    >>> x = pd.DataFrame({"orders": np.repeat([0.0, 1.0], 400)})
    >>> mailed = np.tile([0, 1], 400)
    >>> ResponseModel().fit(x, mailed, 2 * x["orders"]).predict(x.iloc[[0, -1]]).round(1)
    array([0., 2.])
    """

    def __init__(self, learner: Any = None, seed: int = 0) -> None:
        self.learner = learner
        self.seed = seed

    def fit(self, traits: pd.DataFrame, treated: Any, outcome: Any) -> Self:
        """Fit on those who were mailed.

        Parameters
        ----------
        traits
            A row a person, numeric columns.
        treated
            1 for those who were mailed, 0 for the others.
        outcome
            What each did.
        """
        on, y = _check(traits, treated, outcome)
        self.model_ = _fitted(self.learner, self.seed, traits[on], y[on])
        return self

    def predict(self, traits: pd.DataFrame) -> np.ndarray:
        """Return the expected outcome if mailed.

        Parameters
        ----------
        traits
            The columns fitted.
        """
        return np.asarray(self.model_.predict(traits), dtype=float)


class UpliftModel(BaseEstimator):
    """Each person's own effect of being mailed, learned from mails sent by lot.

    ``t``: one model of the outcome for each arm, and their difference. ``x``: the arm models fill
    in what each person would have done in the other arm; two further models learn the effects that
    this implies, and are weighted by the share treated (Kuenzel et al. 2019, section 2).

    Parameters
    ----------
    kind
        ``x`` or ``t``.
    learner
        A scikit-learn regressor; a forest of small trees where left out.
    seed
        Seed of the learner.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = pd.DataFrame({"orders": rng.integers(0, 2, 4000).astype(float)})
    >>> mailed = rng.integers(0, 2, 4000)
    >>> outcome = x["orders"] * mailed + 0.1 * rng.normal(size=4000)
    >>> one = pd.DataFrame({"orders": [0.0, 1.0]})
    >>> (UpliftModel().fit(x, mailed, outcome).predict(one).round(1) + 0).tolist()
    [0.0, 1.0]
    """

    def __init__(self, kind: str = "x", learner: Any = None, seed: int = 0) -> None:
        self.kind = kind
        self.learner = learner
        self.seed = seed

    def fit(self, traits: pd.DataFrame, treated: Any, outcome: Any) -> Self:
        """Fit both arms.

        Parameters
        ----------
        traits
            A row a person, numeric columns.
        treated
            1 for those who were mailed by lot, 0 for the others.
        outcome
            What each did.

        Raises
        ------
        ValueError
            Where the kind is unknown, lengths differ, or an arm is missing.
        """
        if self.kind not in ("t", "x"):
            raise ValueError(f"kind: {self.kind!r}. Give 't' or 'x'.")
        on, y = _check(traits, treated, outcome)
        self.arms_ = tuple(self._fitted(traits[arm], y[arm]) for arm in (~on, on))
        self.share_ = float(on.mean())
        if self.kind == "x":
            self.effects_ = (
                self._fitted(traits[~on], self.arms_[1].predict(traits[~on]) - y[~on]),
                self._fitted(traits[on], y[on] - self.arms_[0].predict(traits[on])),
            )
        return self

    def _fitted(self, traits: pd.DataFrame, outcome: np.ndarray) -> Any:
        return _fitted(self.learner, self.seed, traits, outcome)

    def predict(self, traits: pd.DataFrame) -> np.ndarray:
        """Return each person's effect of being mailed, in the outcome's unit.

        Parameters
        ----------
        traits
            The columns fitted.
        """
        if self.kind == "t":
            return np.asarray(self.arms_[1].predict(traits) - self.arms_[0].predict(traits))
        of_control, of_treated = (model.predict(traits) for model in self.effects_)
        # the arm models behind an arm's effects are those of the other, larger one
        return np.asarray(self.share_ * of_control + (1 - self.share_) * of_treated)


def _check(traits: pd.DataFrame, treated: Any, outcome: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return who was treated and the outcomes, or say what is wrong with them."""
    need_columns(traits, "traits", ())
    need_numbers(traits, "traits", list(traits.columns))
    on, y = np.asarray(treated).astype(float), np.asarray(outcome).astype(float)
    if not len(traits) == len(on) == len(y):
        raise ValueError(f"traits, treated, outcome: {len(traits)}, {len(on)} and {len(y)} rows.")
    if not np.isin(on, (0, 1)).all() or not np.isfinite(y).all():
        raise ValueError("treated: give 0 or 1. outcome: give finite numbers.")
    if not 0 < on.mean() < 1:
        raise ValueError("treated: only one arm is there. Give people with and without a mail.")
    return on == 1, y


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class QiniCurve(Result):
    """What is gained by mailing the best-ranked share.

    ``table`` has ``share, gain, low, high, random``: outcome gained a person of all, if the share
    with the highest scores is mailed, and if as many are mailed by lot. ``qini`` is the area
    between the two. ``best_share`` gains most net of the cost, ``net_gain`` a person of all.
    """

    headline: ClassVar[dict[str, str]] = {
        "qini": "outcome a person", "low": "", "high": "", "best_share": "share",
        "net_gain": "outcome a person",
    }  # fmt: skip

    qini: float
    low: float
    high: float
    best_share: float
    net_gain: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the gain against the share mailed."""
        ax = new_axes() if ax is None else ax
        table = self.table
        ax.fill_between(table["share"], table["low"], table["high"], color=BLUE, alpha=0.18,
                        linewidth=0)  # fmt: skip
        ax.plot(table["share"], table["gain"], color=BLUE)
        ax.plot(table["share"], table["random"], color=GREY, linestyle="--")
        ax.annotate("by score", (0.42, np.interp(0.42, table["share"], table["gain"])), (-6, 8),
                    textcoords="offset points", ha="right", color=BLUE,
                    fontweight="bold")  # fmt: skip
        ax.annotate("by lot", (0.6, np.interp(0.6, table["share"], table["random"])), (6, -14),
                    textcoords="offset points", color=GREY, fontweight="bold")  # fmt: skip
        ax.xaxis.set_major_formatter("{x:.0%}")
        ax.set_xlabel("share of people mailed, best score first")
        ax.set_ylabel("gained [outcome a person of all]")
        better = "better than" if self.low > 0 else "not surely better than"
        ax.set_title(f"Mailing by this score is {better} mailing by lot")
        return ax


def measure_qini(
    outcomes: pd.DataFrame, *, cost: float = 0.0, resamples: int = 200, seed: int = 0,
    level: float = LEVEL,
) -> QiniCurve:  # fmt: skip
    """Measure how well a score ranks people by what a mail does to them.

    People are sorted by score; at each share the mean outcome of those mailed by lot, less that of
    the others, both among the best-ranked, is multiplied by the share (Radcliffe, Direct Marketing
    Analytics Journal, 2007). The interval resamples people, scores held fixed.

    Parameters
    ----------
    outcomes
        Columns ``treated`` (0 or 1, by lot), ``outcome`` and ``score``, from a model that has not
        seen these people.
    cost
        Cost of treating one person, in the outcome's unit.
    resamples
        Bootstrap samples.
    seed
        Seed of the bootstrap.
    level
        Level of the interval [share].

    Raises
    ------
    ValueError
        Where a column is missing or not a number, or an arm has fewer than ten people.

    Examples
    --------
    >>> people = pd.DataFrame({"treated": [0, 1] * 40, "score": np.repeat([2.0, 1.0], 40)})
    >>> people["outcome"] = people["treated"] * (people["score"] == 2)
    >>> found = measure_qini(people)
    >>> round(found.qini, 2), found.low > 0
    (0.13, True)
    """
    need_columns(outcomes, "outcomes", ("treated", "outcome", "score"))
    need_numbers(outcomes, "outcomes", ("treated", "outcome", "score"))
    need_share(level, of="level")
    treated = outcomes["treated"].to_numpy(dtype=float)
    if (odd := ~outcomes["treated"].isin((0, 1))).any():
        raise ValueError(f"outcomes.treated: {where(odd)} neither 0 nor 1. Give the arm as 0 or 1.")
    if min(treated.sum(), (1 - treated).sum()) < 10:
        raise ValueError("outcomes.treated: an arm has fewer than ten people. Give more.")
    order = np.argsort(-outcomes["score"].to_numpy(dtype=float), kind="stable")
    on, y = treated[order], outcomes["outcome"].to_numpy(dtype=float)[order]
    cuts = np.unique(np.round(np.linspace(0, 1, 51) * len(y)).astype(int))
    gain = _gains(on, y, np.ones(len(y)), cuts)
    rng = np.random.default_rng(seed)
    drawn = np.array(
        [_gains(on, y, rng.multinomial(len(y), np.full(len(y), 1 / len(y))), cuts)
         for _ in range(resamples)]
    )  # fmt: skip
    share = cuts / len(y)
    areas = np.array([_area(share, one) for one in drawn])
    edges = [(1 - level) / 2, (1 + level) / 2]
    net = gain - cost * share
    best = int(net.argmax())
    low, high = np.quantile(drawn, edges, axis=0)
    return QiniCurve(
        table=pd.DataFrame({"share": share, "gain": gain, "low": low, "high": high,
                            "random": gain[-1] * share}),
        caveats=("The best share is chosen on these people: its gain is a little flattered.",),
        qini=_area(share, gain),
        low=float(np.quantile(areas, edges[0])),
        high=float(np.quantile(areas, edges[1])),
        best_share=float(share[best]),
        net_gain=float(net[best]),
        level=level,
    )  # fmt: skip


def _gains(on: np.ndarray, y: np.ndarray, weight: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Return the gain a person at each cut, people weighted."""
    parts = [np.append(0, np.cumsum(w))[cuts] for w in (
        weight * on, weight * (1 - on), weight * on * y, weight * (1 - on) * y)]  # fmt: skip
    treated, control, sum_on, sum_off = parts
    both = (treated > 0) & (control > 0)
    difference = np.zeros(len(cuts))
    difference[both] = sum_on[both] / treated[both] - sum_off[both] / control[both]
    return np.asarray(difference * (treated + control) / weight.sum())


def _area(share: np.ndarray, gain: np.ndarray) -> float:
    """Return the area between a curve and the line to its end."""
    return float(np.trapezoid(gain - gain[-1] * share, share))
