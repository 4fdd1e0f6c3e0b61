"""A synthetic control: the mixture of other units that moved as the treated one did before.

In: a panel as a matrix. Answer: weights, the effect, and what placebos say of it (Abadie,
Diamond and Hainmueller 2010). The weights are an exact least squares on the simplex.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from ecomlab.analysis.marketing.differences import Estimated, regress_two_way
from ecomlab.analysis.marketing.panel import Panel

__all__ = ["estimate_synthetic", "fit_simplex"]

_POOR_FIT = 2.0  # placebos whose error before is beyond twice the treated unit's tell little


def fit_simplex(target: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """Return weights of at least 0 that add up to 1 and bring donors nearest to a target.

    With weights that add up to 1 the error is ``(donors - target) w``: the point of a convex hull
    nearest to the origin. Writing ``u = s w``, least squares of ``[(donors - target); 1'] u``
    against ``[0; 1]`` with ``u >= 0`` has the same ``w`` (Lawson and Hanson, Solving Least Squares
    Problems, 1974, ch. 23).

    Parameters
    ----------
    target
        Outcomes of the treated unit [periods].
    donors
        Outcomes of the others [periods x donors].

    Raises
    ------
    ValueError
        Where the search does not end.

    Examples
    --------
    >>> fit_simplex(np.array([1.0, 1.0]), np.array([[0.0, 2.0, 5.0], [2.0, 0.0, 5.0]])).round(6)
    array([0.5, 0.5, 0. ])
    """
    gaps = donors - target[:, None]
    scale = np.abs(gaps).max()
    if scale == 0:
        return np.full(donors.shape[1], 1 / donors.shape[1])
    system = np.vstack([gaps / scale, np.ones(donors.shape[1])])
    goal = np.append(np.zeros(len(target)), 1.0)
    try:
        found, _ = nnls(system, goal, maxiter=100 * donors.shape[1])
    except RuntimeError:
        raise ValueError(
            "panel: not estimated, because the search for weights did not end. Drop donors that "
            "are copies of one another."
        ) from None
    return np.asarray(found / found.sum())


def estimate_synthetic(matrix: Panel, *, level: float) -> Estimated:
    """Estimate the effect against a synthetic control, with placebos in space.

    Parameters
    ----------
    matrix
        The panel; several treated units, starting together, are averaged into one.
    level
        Level of the interval [share].

    Raises
    ------
    ValueError
        Where units start at different times, or fewer than two are left as donors.
    """
    starts = set(matrix.first[matrix.is_treated])
    if len(starts) > 1:
        raise ValueError(
            "treated: starts differ. Estimate one start at a time, or use method='difference'."
        )
    begins = int(starts.pop())
    donors = matrix.outcome[~matrix.is_treated]
    names = [unit for unit, on in zip(matrix.units, matrix.is_treated, strict=True) if not on]
    if len(donors) < 2:
        raise ValueError("treated: only one unit is left as donor. Give at least two.")
    target = matrix.outcome[matrix.is_treated].mean(axis=0)
    weights, gap = _gap(target, donors, begins)
    placebos = np.array(
        [_gap(donors[i], np.delete(donors, i, axis=0), begins)[1] for i in range(len(donors))]
        if len(donors) > 2 else np.empty((0, donors.shape[1]))
    )  # fmt: skip
    effect = float(gap[begins:].mean())
    p_value, reach = _placebo_inference(gap, placebos, begins, level)
    return Estimated(
        effect=effect,
        low=effect - reach,
        high=effect + reach,
        p_value=p_value,
        pretrend_p_value=float("nan"),
        two_way_effect=regress_two_way(matrix),
        counterfactual=target - gap,
        weights={name: float(w) for name, w in zip(names, weights, strict=True)},
        groups=pd.DataFrame(columns=["start", "period", "effect", "units"]),
        caveats=_caveats(gap, target, begins, len(donors), reach),
    )


def _gap(target: np.ndarray, donors: np.ndarray, begins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights, and the target less its synthetic control in all periods."""
    weights = fit_simplex(target[:begins], donors[:, :begins].T)
    return weights, target - weights @ donors


def _placebo_inference(
    gap: np.ndarray, placebos: np.ndarray, begins: int, level: float
) -> tuple[float, float]:
    """Return the p-value of the ratio of errors, and the reach of the interval.

    The p-value ranks the treated unit's ratio of root mean squared errors, after over before,
    among all units'. The interval holds the effects that placebos, scaled to the treated unit's
    error before, do not rule out; NaN where there are too few of them for the level.
    """
    if not len(placebos):
        return float("nan"), float("nan")
    floor = 1e-9 * max(1e-12, float(np.abs(gap).max()))
    every = np.vstack([gap, placebos])
    before = np.sqrt((every[:, :begins] ** 2).mean(axis=1)) + floor
    after = np.sqrt((every[:, begins:] ** 2).mean(axis=1))
    ratio = after / before
    p_value = float((ratio >= ratio[0] * (1 - 1e-12)).mean())
    close = before[1:] <= _POOR_FIT * np.maximum(before[0], np.median(before[1:]))
    chance = np.abs(placebos[close, begins:].mean(axis=1))
    rank = int(np.ceil(level * (len(chance) + 1)))
    reach = float(np.sort(chance)[rank - 1]) if rank <= len(chance) else float("nan")
    return p_value, reach


def _caveats(
    gap: np.ndarray, target: np.ndarray, begins: int, donors: int, reach: float
) -> tuple[str, ...]:
    said: tuple[str, ...] = (
        "Donors must not have felt the launch: no shoppers, shows or news that cross over.",
    )
    error = float(np.sqrt((gap[:begins] ** 2).mean()))
    spread = float(target[:begins].std())
    if error > 0.5 * spread and error > 1e-9 * max(1.0, float(np.abs(target).max())):
        said += ("Before the start the mixture follows the treated unit badly: the rest of the "
                 "path proves little.",)  # fmt: skip
    if begins <= donors:
        said += (f"{donors} donors and {begins} periods before: many mixtures fit alike, and one "
                 "that fits by chance does not stay near.",)  # fmt: skip
    if not np.isfinite(reach):
        said += (f"The interval is not estimated, because {donors} placebos are too few for its "
                 "level.",)  # fmt: skip
    return said
