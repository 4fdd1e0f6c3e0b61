"""What do people want when they differ? A mixed logit, by maximum simulated likelihood.

In: choices with who made them. Answer: the mean part-worth and its spread over people. A
person's answers share one draw of the part-worths, so their resemblance is part of the model
(Revelt and Train, Review of Economics and Statistics 80, 1998; Train, Discrete Choice Methods
with Simulation, 2nd ed. 2009, chapters 6 and 10). Standard errors are robust (sandwich).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import norm, qmc

from ecomlab.analysis.market.choice import ChoiceFit, fit_choice
from ecomlab.analysis.market.tasks import Tasks, read_tasks
from ecomlab.stats import LEVEL

__all__ = ["draw_tastes", "fit_mixed_choice"]

Shape = Literal["normal", "positive", "negative"]
_SHAPES = ("normal", "positive", "negative")
_START, _STEP, _NARROW = 0.4, 1e-4, 0.05


@dataclass(frozen=True, eq=False)
class _Model:
    """Tasks laid out by person, filled up to the most tasks and alternatives there are.

    What is filled up shows nothing; ``gap`` keeps it from being chosen.
    """

    names: tuple[str, ...]
    shapes: tuple[str, ...]  # of each attribute: fixed, normal, positive or negative
    draws: np.ndarray  # people x attributes that differ x draws
    shown: np.ndarray  # people x (tasks x alternatives) x attributes
    gap: np.ndarray  # people x tasks x alternatives: 0, or minus infinity
    taken: np.ndarray  # people x tasks: the position of the alternative chosen
    asked: np.ndarray  # people x tasks: 1, or 0 where filled up

    @property
    def differing(self) -> np.ndarray:
        return np.flatnonzero(np.array(self.shapes) != "fixed")


def fit_mixed_choice(
    choices: pd.DataFrame,
    *,
    attributes: Sequence[str],
    spreads: Mapping[str, Shape],
    draws: int = 128,
    level: float = LEVEL,
    seed: int = 0,
) -> ChoiceFit:
    """Fit a mixed logit: part-worths that differ from person to person.

    The chance of a person's choices is the mean, over draws of the part-worths, of the product
    of logit chances (Train 2009, equation 6.2); scrambled Sobol points stand for the people.

    Parameters
    ----------
    choices
        As for :func:`fit_choice`, with ``respondent_id``.
    attributes
        The columns that make up the utility.
    spreads
        Which part-worths differ, and how: ``normal``, or a log-normal one that is ``positive``
        or ``negative`` for everybody (a price).
    draws
        Draws a person; rounded up to a power of two.
    level
        Confidence level of ``low`` and ``high``.
    seed
        Seed of the draws.

    Returns
    -------
    ChoiceFit
        ``table`` has the mean over people as ``coefficient``, and ``spread``, their standard
        deviation (0 where a part-worth is the same for all), each with its standard error.

    Raises
    ------
    ValueError
        As for :func:`fit_choice`; where `spreads` names no attribute; where the likelihood has
        no clear maximum.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> taste = np.repeat(1 + rng.normal(size=60), 16)
    >>> eco = np.tile([1.0, 0.0], 480)
    >>> price = rng.choice([0.0, 1.0], 960)
    >>> worth = (taste * eco - price + rng.gumbel(size=960)).reshape(-1, 2)
    >>> answers = pd.DataFrame({
    ...     "respondent_id": np.arange(960) // 16, "task_id": np.arange(960) // 2, "eco": eco,
    ...     "price": price, "chosen": (worth == worth.max(1, keepdims=True)).ravel() * 1})
    >>> fit = fit_mixed_choice(answers, attributes=["eco", "price"], spreads={"eco": "normal"},
    ...                        draws=64)
    >>> abs(fit.table["spread"].iloc[0] - 1) < 2 * fit.table["spread_standard_error"].iloc[0]
    np.True_
    """
    _check(attributes, spreads, draws)
    plain = fit_choice(choices, attributes=attributes, level=level)
    model = _model(choices, attributes, spreads, draws, seed)
    start = _start(model, plain.table["coefficient"].to_numpy())
    found = minimize(lambda at: _minus(model, at), start, jac=True, method="BFGS",
                     options={"gtol": 1e-3, "maxiter": 300})  # fmt: skip
    covariance = _sandwich(model, found.x)
    if not np.isfinite(found.fun) or covariance is None or np.abs(found.jac).max() > 0.5:
        raise ValueError(
            "choices: not estimated, because the simulated likelihood has no clear maximum. "
            "Let fewer part-worths differ, or ask each person more."
        )
    value, turn = _natural(model, found.x)
    return _result(model, value, turn @ covariance @ turn.T, -float(found.fun), plain)


def _check(attributes: Sequence[str], spreads: Mapping[str, Shape], draws: int) -> None:
    strange = [name for name in spreads if name not in attributes]
    if strange or not spreads:
        raise ValueError(f"spreads: {strange or 'none'} given. Name one of {list(attributes)}.")
    wrong = [shape for shape in spreads.values() if shape not in _SHAPES]
    if wrong:
        raise ValueError(f"spreads: {wrong[0]!r} is not one of {_SHAPES}.")
    if draws < 16:
        raise ValueError(f"draws: {draws} are too few to stand for people. Take 100 or more.")


def _model(
    choices: pd.DataFrame,
    attributes: Sequence[str],
    spreads: Mapping[str, str],
    draws: int,
    seed: int,
) -> _Model:
    tasks = read_tasks(choices, attributes, ("respondent_id",))
    ordered = choices.sort_values(["respondent_id", "task_id"], kind="stable")
    person = pd.factorize(ordered["respondent_id"])[0][tasks.starts]
    people, power = int(person.max()) + 1, int(np.ceil(np.log2(draws)))
    if people < 2:
        raise ValueError("choices.respondent_id: one respondent only; people cannot differ.")
    points = []
    for who in range(people):
        sobol = qmc.Sobol(len(spreads), rng=np.random.default_rng([seed, who]))
        points.append(norm.ppf(np.clip(sobol.random_base2(power), 1e-6, 1 - 1e-6)).T)
    shapes = tuple(spreads.get(name, "fixed") for name in attributes)
    return _Model(tasks.names, shapes, np.array(points), *_lay_out(tasks, person))


def _lay_out(
    tasks: Tasks, person: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return attributes, gaps, choices and tasks asked, by person."""
    turn = np.arange(len(person)) - np.searchsorted(person, person)
    place = np.arange(len(tasks.task)) - tasks.starts[tasks.task]
    size = (int(person.max()) + 1, int(turn.max()) + 1, int(place.max()) + 1)
    at = (person[tasks.task], turn[tasks.task], place)
    shown = np.zeros((*size, len(tasks.names)))
    shown[at] = tasks.shown
    asked = np.zeros(size[:2])
    asked[person, turn] = 1
    gap = np.where(asked[..., None] > 0, -np.inf, np.zeros(size))
    gap[at] = 0
    taken = np.zeros(size[:2], dtype=np.int64)
    taken[person, turn] = place[tasks.taken]
    return shown.reshape(size[0], -1, len(tasks.names)), gap, taken, asked


def _start(model: _Model, plain: np.ndarray) -> np.ndarray:
    """Return where the search starts: the plain logit, and a little spread."""
    centre = plain.copy()
    for at in model.differing:
        if model.shapes[at] != "normal":
            sign = 1 if model.shapes[at] == "positive" else -1
            centre[at] = np.log(max(sign * plain[at], 0.05))
    return np.concatenate([centre, np.full(len(model.differing), _START)])


def _minus(model: _Model, at: np.ndarray) -> tuple[float, np.ndarray]:
    """Return minus the simulated log-likelihood and its gradient."""
    likelihood, score = _by_person(model, at)
    return -float(likelihood.sum()), -score.sum(axis=0)


def _by_person(model: _Model, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each person's simulated log-likelihood and its gradient.

    The gradient of a simulated chance is the mean of the gradients over draws, weighted by how
    likely the choices are under each draw (Train 2009, section 10.6).
    """
    slope, by_centre, by_spread = _slopes(model, at)
    logs, weight = _log_chances(model, slope)
    top = logs.max(axis=1, keepdims=True)
    chance = np.exp(logs - top)
    posterior = chance / chance.sum(axis=1, keepdims=True)
    weight *= -1
    one = np.take_along_axis(weight, model.taken[:, :, None, None], axis=2) + 1
    np.put_along_axis(weight, model.taken[:, :, None, None], one, axis=2)
    rest = weight.reshape(len(weight), -1, weight.shape[3])
    pull = np.matmul(model.shown.transpose(0, 2, 1), rest) * posterior[:, None]
    score = np.concatenate(
        [(pull * by_centre).sum(axis=2), (pull[:, model.differing] * by_spread).sum(axis=2)], axis=1
    )
    return top[:, 0] + np.log(chance.mean(axis=1)), score


def _log_chances(model: _Model, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log chance of each person's choices under each draw, and of each alternative."""
    shape = (*model.gap.shape, slope.shape[2])
    utility = np.matmul(model.shown, slope).reshape(shape) + model.gap[..., None]
    utility -= utility.max(axis=2, keepdims=True)
    weight = np.exp(utility)
    total = weight.sum(axis=2)
    best = np.take_along_axis(utility, model.taken[:, :, None, None], axis=2)[:, :, 0]
    logs = ((best - np.log(total)) * model.asked[..., None]).sum(axis=1)
    return logs, weight / total[:, :, None]


def _slopes(model: _Model, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return part-worths [people x attributes x draws], and their derivatives."""
    count = len(model.shapes)
    people, _, draws = model.draws.shape
    slope = np.broadcast_to(at[:count, None], (people, count, draws)).copy()
    by_centre = np.ones_like(slope)
    by_spread = model.draws.copy()
    for place, k in enumerate(model.differing):
        slope[:, k] += at[count + place] * model.draws[:, place]
        if model.shapes[k] != "normal":
            sign = 1.0 if model.shapes[k] == "positive" else -1.0
            slope[:, k] = sign * np.exp(np.minimum(slope[:, k], 20.0))
            by_centre[:, k] = slope[:, k]
            by_spread[:, place] *= slope[:, k]
    return slope, by_centre, by_spread


def _sandwich(model: _Model, at: np.ndarray) -> np.ndarray | None:
    """Return the robust covariance; None where the likelihood is flat or not a maximum."""
    size = len(at)
    hessian = np.empty((size, size))
    for k in range(size):
        step = np.zeros(size)
        step[k] = _STEP
        hessian[k] = (_minus(model, at + step)[1] - _minus(model, at - step)[1]) / (2 * _STEP)
    hessian = (hessian + hessian.T) / 2
    if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).min() <= 0:
        return None
    bread = np.linalg.inv(hessian)
    score = _by_person(model, at)[1]
    return np.asarray(bread @ (score.T @ score) @ bread)


def _natural(model: _Model, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means and spreads over people, and their derivatives by the parameters.

    Of a log-normal part-worth the mean is ``m = exp(c + s²/2)``, the spread ``m √(exp(s²) - 1)``.
    """
    count = len(model.shapes)
    value, turn = at.copy(), np.eye(len(at))
    for place, k in enumerate(model.differing):
        j, s = count + place, at[count + place]
        sign = -1.0 if s < 0 else 1.0
        if model.shapes[k] == "normal":
            value[j], turn[j, j] = abs(s), sign
            continue
        grows = np.expm1(s**2)
        mean = np.exp(at[k] + s**2 / 2)
        root = np.sqrt(max(grows, 1e-12))
        value[k] = mean * (1 if model.shapes[k] == "positive" else -1)
        turn[k, k], turn[k, j] = value[k], value[k] * s
        value[j] = mean * root
        turn[j, k], turn[j, j] = value[j], mean * (s * root + (grows + 1) * s / root)
    return value, turn


def _result(
    model: _Model, value: np.ndarray, covariance: np.ndarray, likelihood: float, plain: ChoiceFit
) -> ChoiceFit:
    names, count = list(model.names), len(model.shapes)
    error = np.sqrt(np.diag(covariance))
    spread, spread_error = np.zeros(count), np.zeros(count)
    spread[model.differing], spread_error[model.differing] = value[count:], error[count:]
    reach = norm.ppf((1 + plain.level) / 2) * error[:count]
    caveats = [
        "What people choose on paper is not what they pay for: calibrate it against sales.",
        f"Chances are simulated with {model.draws.shape[2]} draws a person; more draws may move "
        "the last digits.",
    ]
    narrow = [n for n, s, d in zip(names, spread, model.shapes, strict=True)
              if d != "fixed" and s < _NARROW]  # fmt: skip
    if narrow:
        caveats.append(f"People hardly differ in {', '.join(narrow)}: its spread is not sure.")
    labels = [*names, *(f"{names[k]} spread" for k in model.differing)]
    return ChoiceFit(
        table=pd.DataFrame(
            {"attribute": names, "coefficient": value[:count], "standard_error": error[:count],
             "low": value[:count] - reach, "high": value[:count] + reach,
             "spread": spread, "spread_standard_error": spread_error}
        ),
        caveats=tuple(caveats),
        tasks=plain.tasks,
        log_likelihood=likelihood,
        null_log_likelihood=plain.null_log_likelihood,
        covariance=pd.DataFrame(covariance, index=labels, columns=labels),
        model="mixed logit",
        shapes=model.shapes,
        level=plain.level,
    )  # fmt: skip


def draw_tastes(
    fit: ChoiceFit, choices: pd.DataFrame, *, draws: int = 128, seed: int = 0
) -> pd.DataFrame:
    """Draw each respondent's own part-worths, given what the respondent chose.

    A draw from all people is weighted by how likely it makes the person's choices (Train 2009,
    section 11.2); the weighted mean is the best guess of the person's part-worth.

    Parameters
    ----------
    fit
        A fit of :func:`fit_mixed_choice`.
    choices
        Choices of the same or of other people, as for the fit.
    draws
        Draws a person; rounded up to a power of two.
    seed
        Seed of the draws.

    Returns
    -------
    DataFrame
        ``respondent_id, draw, weight`` (adds up to 1 for each respondent) and one column an
        attribute that differs.

    Raises
    ------
    ValueError
        Where the fit is not of a mixed logit; else as for :func:`fit_choice`.

    Examples
    --------
    >>> answers = pd.DataFrame({"respondent_id": np.arange(80) // 16, "task_id": np.arange(80) // 2,
    ...                         "eco": [1, 0] * 40, "chosen": [1, 0] * 27 + [0, 1] * 13})
    >>> fit = fit_mixed_choice(answers, attributes=["eco"], spreads={"eco": "normal"}, draws=64)
    >>> tastes = draw_tastes(fit, answers, draws=64)
    >>> own = (tastes["eco"] * tastes["weight"]).groupby(tastes["respondent_id"]).sum()
    >>> bool(own[0] > 1 > -1 > own[4])  # who always took eco, and who never did
    True
    """
    if not fit.shapes:
        raise ValueError(f"fit: {fit.model}; people do not differ in it. Use fit_mixed_choice.")
    names = fit.table["attribute"].tolist()
    spreads = {n: s for n, s in zip(names, fit.shapes, strict=True) if s != "fixed"}
    model = _model(choices, names, spreads, draws, seed)
    slope = _slopes(model, _parameters(fit))[0]
    logs, _ = _log_chances(model, slope)
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    people, count = weight.shape
    table = pd.DataFrame(
        {
            "respondent_id": np.repeat(np.sort(choices["respondent_id"].unique()), count),
            "draw": np.tile(np.arange(count), people),
            "weight": weight.ravel(),
        }
    )
    return table.assign(**{names[k]: slope[:, k].ravel() for k in model.differing})


def _parameters(fit: ChoiceFit) -> np.ndarray:
    """Return the parameters behind means and spreads (the inverse of ``_natural``)."""
    centre = fit.table["coefficient"].to_numpy(dtype=float).copy()
    spread = fit.table["spread"].to_numpy(dtype=float).copy()
    for k, shape in enumerate(fit.shapes):
        if shape in ("positive", "negative"):
            log_variance = np.log1p((spread[k] / centre[k]) ** 2)
            spread[k] = np.sqrt(log_variance)
            centre[k] = np.log(abs(centre[k])) - log_variance / 2
    differing = np.array(fit.shapes) != "fixed"
    return np.concatenate([centre, spread[differing]])
