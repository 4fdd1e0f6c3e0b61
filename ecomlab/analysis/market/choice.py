"""What do people want, and how much? Part-worths from choices (conjoint).

In: one row an alternative of a task, and which one was taken. Answer: the coefficients of a
multinomial (conditional) logit by maximum likelihood, with standard errors (McFadden,
"Conditional Logit Analysis of Qualitative Choice Behavior", 1974; Train, Discrete Choice
Methods with Simulation, 2nd ed. 2009, chapter 3). What it is worth in money is in ``wtp.py``,
people who differ in ``mixed.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.analysis.market.tasks import Tasks, find_perfect_predictor, read_tasks
from ecomlab.frames import need_share
from ecomlab.plotting import BLUE, GREY, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["ChoiceFit", "fit_choice", "predict_shares"]

_STEPS, _HALVINGS, _FLAT = 100, 30, 1e-12
_SUSPECT = 9  # Newton steps; six are common
_FEW_CHOICES = 30


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ChoiceFit(Result):
    """Part-worths: what each attribute adds to the utility of an alternative.

    ``table`` has a row an attribute: ``attribute, coefficient, standard_error, low, high``, and
    for a mixed logit ``spread, spread_standard_error``, the standard deviation over people;
    ``covariance`` is that of the coefficients (and, as ``eco spread``, of the spreads), ``shapes``
    how each of a mixed logit differs.
    """

    headline: ClassVar[dict[str, str]] = {
        "tasks": "tasks",
        "log_likelihood": "log-likelihood",
        "explained_share": "share",
    }

    tasks: int
    log_likelihood: float
    null_log_likelihood: float
    covariance: pd.DataFrame
    model: str
    level: float
    shapes: tuple[str, ...] = ()

    @property
    def explained_share(self) -> float:
        """McFadden's pseudo R²: one less the log-likelihood over that of equal chances."""
        return 1 - self.log_likelihood / self.null_log_likelihood

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the coefficients with their intervals, the largest on top."""
        ax = new_axes(height=1.2 + 0.45 * len(self.table)) if ax is None else ax
        ranked = self.table.loc[self.table["coefficient"].abs().sort_values().index]
        place = np.arange(len(ranked))
        ax.axvline(0, color=GREY, linewidth=1)
        ax.hlines(place, ranked["low"], ranked["high"], color=BLUE, linewidth=3, alpha=0.5)
        ax.plot(ranked["coefficient"], place, "o", color=BLUE, markersize=8)
        ax.set_yticks(place, ranked["attribute"])
        ax.set_ylim(-0.6, len(ranked) - 0.4)
        sure = ranked[ranked["low"] * ranked["high"] > 0]
        top = sure.iloc[-1] if len(sure) else None
        said = (
            f"{top['attribute']} {'attracts' if top['coefficient'] > 0 else 'deters'} most "
            f"for each step; {len(sure)} of {len(ranked)} attributes surely matter"
            if top is not None
            else "None of the attributes surely matters"
        )
        label = f"part-worth [utility for each unit], with {self.level:.0%} intervals"
        return finish(ax, title=said, x=label, y="")


def fit_choice(
    choices: pd.DataFrame,
    *,
    attributes: Sequence[str],
    errors: Literal["classical", "clustered"] = "classical",
    level: float = LEVEL,
) -> ChoiceFit:
    """Fit a multinomial (conditional) logit by maximum likelihood.

    The chance of an alternative is ``exp(x b) / Σ exp(x b)`` over its task; Newton's method with
    the analytic Hessian finds the b that makes the choices most likely (Train 2009, section 3.7).

    Parameters
    ----------
    choices
        One row an alternative: ``task_id``, ``chosen`` (1 for the one taken, else 0) and one
        numeric column an attribute; ``respondent_id`` for clustered errors. A task's id belongs
        to one respondent only.
    attributes
        The columns that make up the utility.
    errors
        ``classical`` (from the Hessian) or ``clustered``: by respondent, right where the answers
        of one person resemble each other.
    level
        Confidence level of ``low`` and ``high``.

    Raises
    ------
    ValueError
        Where columns are missing or not finite, a task has not exactly one choice, attributes
        are collinear, or choices are predicted perfectly (no finite estimate exists).

    Examples
    --------
    >>> tasks = pd.DataFrame({"task_id": [1, 1, 2, 2, 3, 3, 4, 4], "eco": [1, 0] * 4,
    ...                       "chosen": [1, 0, 1, 0, 1, 0, 0, 1]})
    >>> fit = fit_choice(tasks, attributes=["eco"])
    >>> round(float(fit.table["coefficient"].iloc[0]), 4)  # ln 3: chosen three times in four
    1.0986
    """
    need_share(level, of="level")
    if errors not in ("classical", "clustered"):
        raise ValueError(f"errors: {errors!r} is not one of 'classical', 'clustered'.")
    others = ("respondent_id",) if errors == "clustered" else ()
    tasks = read_tasks(choices, attributes, others)
    slopes, likelihood, information = _newton(tasks)
    covariance = np.linalg.inv(information)
    if errors == "clustered":
        owner = choices.sort_values([*others, "task_id"], kind="stable")["respondent_id"]
        covariance = _clustered(tasks, slopes, covariance, pd.factorize(owner)[0][tasks.starts])
    error = np.sqrt(np.diag(covariance))
    reach = norm.ppf((1 + level) / 2) * error
    names = list(tasks.names)
    return ChoiceFit(
        table=pd.DataFrame(
            {"attribute": names, "coefficient": slopes, "standard_error": error,
             "low": slopes - reach, "high": slopes + reach}
        ),
        caveats=_caveats(tasks, errors),
        tasks=len(tasks.starts),
        log_likelihood=likelihood,
        null_log_likelihood=float(-np.log(tasks.sizes).sum()),
        covariance=pd.DataFrame(covariance, index=names, columns=names),
        model="multinomial logit",
        level=level,
    )  # fmt: skip


def _caveats(tasks: Tasks, errors: str) -> tuple[str, ...]:
    notes = [
        "People who differ are taken for one: part-worths come out smaller than their mean.",
        "What people choose on paper is not what they pay for: calibrate it against sales.",
    ]
    if errors == "classical":
        notes.append("Answers of one person count as independent; errors='clustered' does not.")
    if len(tasks.starts) < _FEW_CHOICES * len(tasks.names):
        notes.append(f"{len(tasks.starts)} choices are few for {len(tasks.names)} attributes.")
    return tuple(notes)


def _chances(tasks: Tasks, slopes: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the chance of each row in its task, and the log-likelihood."""
    utility = tasks.shown @ slopes
    utility = utility - np.maximum.reduceat(utility, tasks.starts)[tasks.task]
    total = np.add.reduceat(np.exp(utility), tasks.starts)
    likelihood = float(utility[tasks.taken].sum() - np.log(total).sum())
    return np.exp(utility) / total[tasks.task], likelihood


def _newton(tasks: Tasks) -> tuple[np.ndarray, float, np.ndarray]:
    """Return coefficients, log-likelihood and information matrix at the maximum."""
    slopes = np.zeros(len(tasks.names))
    chance, likelihood = _chances(tasks, slopes)
    for step in range(1, _STEPS + 1):
        score, information = _derivatives(tasks, chance)
        try:
            move = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            break
        if score @ move < _FLAT * max(1.0, -likelihood):
            if step > _SUSPECT:
                _need_finite(tasks)
            return slopes, likelihood, information
        for _ in range(_HALVINGS):
            chance, better = _chances(tasks, slopes + move)
            if better > likelihood:
                break
            move = move / 2
        slopes, likelihood = slopes + move, better
        if step == _SUSPECT:
            _need_finite(tasks)
    _need_finite(tasks)
    raise ValueError(
        f"choices: not estimated, because Newton's method did not converge in {_STEPS} steps. "
        "Scale the attributes to similar sizes."
    )


def _need_finite(tasks: Tasks) -> None:
    """Raise where the likelihood has no maximum."""
    if names := find_perfect_predictor(tasks):
        raise ValueError(
            f"choices.{names[0]}: not estimated, because {', '.join(names)} predict the choices "
            "perfectly (separation): the more extreme the coefficient, the better the fit. "
            "Collect more choices, or leave an attribute out."
        )


def _derivatives(tasks: Tasks, chance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the score and the information matrix, ``Σ p (x - x̄)(x - x̄)'`` over the rows."""
    mean = np.add.reduceat(chance[:, None] * tasks.shown, tasks.starts)
    apart = tasks.shown - mean[tasks.task]
    return apart[tasks.taken].sum(axis=0), apart.T @ (chance[:, None] * apart)


def _clustered(
    tasks: Tasks, slopes: np.ndarray, bread: np.ndarray, owner: np.ndarray
) -> np.ndarray:
    """Return the sandwich covariance, scores summed by respondent (Liang and Zeger 1986)."""
    chance, _ = _chances(tasks, slopes)
    mean = np.add.reduceat(chance[:, None] * tasks.shown, tasks.starts)
    score = tasks.shown[tasks.taken] - mean
    people = int(owner.max()) + 1
    if people < 2:
        raise ValueError("choices.respondent_id: one respondent only; use errors='classical'.")
    total = np.zeros((people, len(slopes)))
    np.add.at(total, owner, score)
    return np.asarray(bread @ (total.T @ total) @ bread * people / (people - 1))


def predict_shares(fit: ChoiceFit, offers: pd.DataFrame) -> pd.DataFrame:
    """Return the share that each of some offers would be chosen with, side by side.

    Parameters
    ----------
    fit
        A fit of :func:`fit_choice`.
    offers
        One row an offer, with the attributes of the fit; a row of zeros is none of them if it
        was so in the tasks.

    Returns
    -------
    DataFrame
        The offers with ``choice_share`` (they add up to 1).

    Examples
    --------
    >>> tasks = pd.DataFrame({"task_id": [1, 1, 2, 2, 3, 3, 4, 4], "eco": [1, 0] * 4,
    ...                       "chosen": [1, 0, 1, 0, 1, 0, 0, 1]})
    >>> fit = fit_choice(tasks, attributes=["eco"])
    >>> predict_shares(fit, pd.DataFrame({"eco": [1, 0]}))["choice_share"].round(3).tolist()
    [0.75, 0.25]
    """
    names = fit.table["attribute"].tolist()
    missing = [name for name in names if name not in offers]
    if missing or offers.empty:
        raise ValueError(f"offers.{(missing or names)[0]}: missing or empty. Give {names}.")
    utility = offers[names].to_numpy(dtype=float) @ fit.table["coefficient"].to_numpy()
    weight = np.exp(utility - utility.max())
    return offers.assign(choice_share=weight / weight.sum())
