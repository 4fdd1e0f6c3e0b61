"""Do people buy what they chose on paper? Stated tastes set beside the same people's purchases.

In: each respondent's part-worths from a choice study, as draws, and what the respondents
bought. Answer: how much of a stated taste shows in purchases. In a logit a taste that is
stated at its true size has the slope 1; inflated k times, 1/k. What is unsure about a
person's taste is averaged over, so that it does not flatten the slope (errors in variables:
Carroll et al., Measurement Error in Nonlinear Models, 2nd ed. 2006, section 8.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from scipy.stats import norm

from ecomlab.analysis.market.calibration import Calibration
from ecomlab.frames import need_columns, need_filled, need_numbers, need_share
from ecomlab.stats import LEVEL

__all__ = ["calibrate_tastes"]

_STEP, _FEW = 1e-4, 200


@dataclass(frozen=True, eq=False)
class _Bought:
    """By person: draws of the taste with their weights, purchases, and those that have it."""

    taste: np.ndarray  # people x draws
    weight: np.ndarray
    bought: np.ndarray  # people x 1
    having: np.ndarray


def calibrate_tastes(
    tastes: pd.DataFrame, purchases: pd.DataFrame, *, attribute: str, level: float = LEVEL
) -> Calibration:
    """Estimate how much of a stated taste shows in what the same people bought.

    Parameters
    ----------
    tastes
        Draws of :func:`draw_tastes`: ``respondent_id, draw, weight`` and the attribute.
    purchases
        One row a thing bought: ``respondent_id`` and ``has``, 1 where it has the attribute. Who
        bought nothing is left out; purchases of people without tastes are ignored.
    attribute
        Name of the taste, as ``eco``.
    level
        Confidence level of the interval.

    Returns
    -------
    Calibration
        ``factor`` is the slope, true over stated taste; ``table`` has ``respondent_id, stated,
        bought, done``, where done is the share bought that has the attribute.

    Raises
    ------
    ValueError
        Where columns are missing or not finite, nobody bought anything, or purchases tell
        nothing (all have the attribute, or none).

    Examples
    --------
    >>> tastes = pd.DataFrame({"respondent_id": range(8), "draw": 0, "weight": 1.0,
    ...                        "eco": [-1.0, 1.0] * 4})
    >>> bought = pd.DataFrame({"respondent_id": np.repeat(range(8), 4),
    ...                        "has": [1, 0, 0, 0, 1, 1, 0, 0] * 4})
    >>> found = calibrate_tastes(tastes, bought, attribute="eco")
    >>> round(found.factor, 3)  # log odds rise by ln 3 over two units of taste
    0.549
    """
    need_share(level, of="level")
    need_columns(tastes, "tastes", ["respondent_id", "draw", "weight", attribute])
    need_columns(purchases, "purchases", ["respondent_id", "has"])
    need_numbers(tastes, "tastes", ["weight"], least=0)
    need_numbers(tastes, "tastes", [attribute])
    need_filled(purchases, "purchases", ["respondent_id"])
    need_numbers(purchases, "purchases", ["has"], least=0)
    table, held = _join(tastes, purchases, attribute)
    share = float(held.having.sum() / held.bought.sum())
    start = np.array([np.log(share / (1 - share)), 0.5])
    found = minimize(lambda at: _minus(held, at), start, jac=True, method="BFGS",
                     options={"gtol": 1e-6 * len(table)})  # fmt: skip
    slopes = [(_minus(held, found.x + step)[1] - _minus(held, found.x - step)[1]) / (2 * _STEP)
              for step in _STEP * np.eye(2)]  # fmt: skip
    information = (np.array(slopes) + np.array(slopes).T) / 2
    if not np.isfinite(found.fun) or np.linalg.eigvalsh(information).min() <= 0:
        raise ValueError(
            "purchases: not estimated, because the likelihood has no clear maximum. "
            "Ask people who bought more."
        )
    error = float(np.sqrt(np.linalg.inv(information)[1, 1]))
    reach = float(norm.ppf((1 + level) / 2)) * error
    return Calibration(
        table=table,
        caveats=_caveats(held),
        factor=float(found.x[1]),
        low=float(found.x[1]) - reach,
        high=float(found.x[1]) + reach,
        standard_error=error,
        pairs=len(table),
        level=level,
    )


def _join(
    tastes: pd.DataFrame, purchases: pd.DataFrame, attribute: str
) -> tuple[pd.DataFrame, _Bought]:
    """Return a row a person who bought, and the same as arrays."""
    sums = purchases.groupby("respondent_id")["has"].agg(["size", "sum"])
    mine = tastes[tastes["respondent_id"].isin(sums.index)]
    if mine.empty:
        raise ValueError(
            "purchases.respondent_id: none of the respondents bought anything. Ask customers, "
            "under the ids that their orders have."
        )
    mine = mine.sort_values(["respondent_id", "draw"], kind="stable")
    people = mine["respondent_id"].unique()
    shape = (len(people), -1)
    sums = sums.loc[people]
    held = _Bought(
        taste=mine[attribute].to_numpy(dtype=float).reshape(shape),
        weight=mine["weight"].to_numpy(dtype=float).reshape(shape),
        bought=sums["size"].to_numpy(dtype=float)[:, None],
        having=sums["sum"].to_numpy(dtype=float)[:, None],
    )
    if not 0 < held.having.sum() < held.bought.sum():
        raise ValueError(
            "purchases.has: not estimated, because all purchases are alike. They tell of a taste "
            "only where some have the attribute and some have not."
        )
    table = pd.DataFrame(
        {
            "respondent_id": people,
            "stated": (held.taste * held.weight).sum(axis=1) / held.weight.sum(axis=1),
            "bought": held.bought[:, 0],
            "done": (held.having / held.bought)[:, 0],
        }
    )
    return table, held


def _minus(held: _Bought, at: np.ndarray) -> tuple[float, np.ndarray]:
    """Return minus the log-likelihood of purchases, tastes averaged over, and its gradient."""
    utility = at[0] + at[1] * held.taste
    logs = held.having * log_expit(utility) + (held.bought - held.having) * log_expit(-utility)
    top = logs.max(axis=1, keepdims=True)
    chance = held.weight * np.exp(logs - top)
    total = chance.sum(axis=1, keepdims=True)
    pull = chance / total * (held.having - held.bought * expit(utility))
    likelihood = float((np.log(total) + top).sum())
    return -likelihood, -np.array([pull.sum(), (pull * held.taste).sum()])


def _caveats(held: _Bought) -> tuple[str, ...]:
    notes = [
        "Holds for customers who bought: people who never did may state differently.",
        "Takes what is offered as alike for everybody: a choice that differs flattens the slope.",
    ]
    if held.bought.sum() < _FEW:
        notes.append(f"{held.bought.sum():.0f} purchases are few.")
    return tuple(notes)
