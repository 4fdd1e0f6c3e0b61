"""Which of many outcomes has a test really moved? P-values of several questions at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecomlab.frames import need_columns, need_numbers, need_share, where
from ecomlab.stats import LEVEL

__all__ = ["judge_metrics"]


def judge_metrics(
    metrics: pd.DataFrame, *, method: str = "holm", level: float = LEVEL
) -> pd.DataFrame:
    """Judge several p-values together.

    ``holm`` (Scandinavian Journal of Statistics 6, 1979) keeps the chance of *any* false find
    below one less the level; ``benjamini_hochberg`` (Journal of the Royal Statistical Society B
    57, 1995) keeps the expected *share* of false finds among the finds below it.

    Parameters
    ----------
    metrics
        Columns ``metric, p_value``, one row a question.
    method
        ``holm`` or ``benjamini_hochberg``.
    level
        One less the error allowed [share].

    Returns
    -------
    DataFrame
        The rows given, with ``adjusted_p_value`` and ``is_found``.

    Raises
    ------
    ValueError
        Where a p-value does not lie between 0 and 1, or the method is unknown.

    Examples
    --------
    >>> asked = pd.DataFrame({"metric": list("abc"), "p_value": [0.01, 0.04, 0.03]})
    >>> judge_metrics(asked)["adjusted_p_value"].tolist()
    [0.03, 0.06, 0.06]
    >>> judge_metrics(asked, method="benjamini_hochberg")["is_found"].tolist()
    [True, True, True]
    """
    need_columns(metrics, "metrics", ("metric", "p_value"))
    need_numbers(metrics, "metrics", ("p_value",), least=0)
    need_share(level, of="level")
    if (over := metrics["p_value"] > 1).any():
        raise ValueError(f"metrics.p_value: {where(over)} above 1. Give shares.")
    values = metrics["p_value"].to_numpy(dtype=float)
    order, size = np.argsort(values, kind="stable"), len(values)
    if method == "holm":
        steps = np.maximum.accumulate(values[order] * np.arange(size, 0, -1))
    elif method == "benjamini_hochberg":
        scaled = values[order] * size / np.arange(1, size + 1)
        steps = np.minimum.accumulate(scaled[::-1])[::-1]
    else:
        raise ValueError(f"method: {method!r}. Give 'holm' or 'benjamini_hochberg'.")
    adjusted = np.empty(size)
    adjusted[order] = np.minimum(steps, 1)
    return metrics.assign(adjusted_p_value=adjusted, is_found=adjusted <= 1 - level + 1e-12)
