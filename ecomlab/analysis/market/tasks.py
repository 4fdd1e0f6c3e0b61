"""Choice tasks as arrays: what was shown in each, and which of it was taken.

In: one row an alternative of a task. Answer: the attributes and the choice, tasks in a row,
with everything said that would keep a choice model from being estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import qr
from scipy.optimize import linprog

from ecomlab.frames import need_columns, need_filled, need_numbers

__all__ = ["Tasks", "find_perfect_predictor", "read_tasks"]

_CLOSE = 1e-9


@dataclass(frozen=True, eq=False)
class Tasks:
    """Choices, sorted by task.

    ``shown`` holds the attributes [rows x attributes], ``taken`` marks the row chosen in each
    task, ``starts`` is where each task starts, ``task`` the number of each row's task.
    """

    names: tuple[str, ...]
    shown: np.ndarray
    taken: np.ndarray
    starts: np.ndarray
    task: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """How many alternatives each task has."""
        return np.diff(np.append(self.starts, len(self.task)))

    @property
    def passed_over(self) -> np.ndarray:
        """What the row taken has more than each one that was not [rows x attributes]."""
        best = self.shown[self.taken][self.task]
        return np.asarray((best - self.shown)[~self.taken])


def read_tasks(
    choices: pd.DataFrame, attributes: Sequence[str], others: Sequence[str] = ()
) -> Tasks:
    """Read choices, in the order of `others` and the tasks.

    Raises
    ------
    ValueError
        Where a column is missing or not a finite number, a task has not exactly one choice or
        only one alternative, or attributes cannot be told apart.
    """
    names = tuple(attributes)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"attributes: {list(names)}; name at least one, each once.")
    need_columns(choices, "choices", ["task_id", "chosen", *names, *others])
    need_filled(choices, "choices", ["task_id", *others])
    need_numbers(choices, "choices", ["chosen", *names])
    other = ~choices["chosen"].isin([0, 1])
    if other.any():
        raise ValueError(
            f"choices.chosen: {int(other.sum())} rows are neither 0 nor 1 (first at "
            f"{list(choices.index[other])[:3]}). Write 1 for the alternative chosen."
        )
    ordered = choices.sort_values([*others, "task_id"], kind="stable")
    task = ordered.groupby([*others, "task_id"], sort=False).ngroup().to_numpy()
    taken = ordered["chosen"].to_numpy(dtype=float) == 1
    _need_one_choice(ordered, task, taken)
    tasks = Tasks(
        names=names,
        shown=ordered[list(names)].to_numpy(dtype=float),
        taken=taken,
        starts=np.flatnonzero(np.diff(task, prepend=-1)),
        task=task,
    )
    _need_distinct(tasks)
    return tasks


def _need_one_choice(ordered: pd.DataFrame, task: np.ndarray, taken: np.ndarray) -> None:
    count, chosen = np.bincount(task), np.bincount(task, taken)
    for bad, words in ((chosen != 1, "have not exactly one choice"),
                       (count < 2, "show only one alternative")):  # fmt: skip
        if bad.any():
            ids = ordered["task_id"].iloc[np.searchsorted(task, np.flatnonzero(bad)[:3])].tolist()
            raise ValueError(
                f"choices.chosen: {int(bad.sum())} tasks {words} (first {ids}). "
                "Drop or correct these tasks; a task's id belongs to one task only."
            )


def _need_distinct(tasks: Tasks) -> None:
    """Raise where the differences within tasks do not tell the attributes apart."""
    mean = np.add.reduceat(tasks.shown, tasks.starts) / tasks.sizes[:, None]
    within = tasks.shown - mean[tasks.task]
    size = np.sqrt((within**2).mean(axis=0))
    still = [n for n, s, m in zip(tasks.names, size, np.abs(tasks.shown).max(axis=0), strict=True)
             if s <= _CLOSE * max(m, 1e-300)]  # fmt: skip
    if still:
        raise ValueError(
            f"choices.{still[0]}: not estimated, because it never differs within a task. "
            f"Leave out {', '.join(still)}."
        )
    triangle, order = qr(within / size, mode="r", pivoting=True)
    depth = np.abs(np.diag(triangle))
    extra = [tasks.names[order[i]] for i in np.flatnonzero(depth <= 1e-7 * depth[0])]
    if extra:
        raise ValueError(
            f"choices.{extra[0]}: not estimated, because within tasks it follows from the other "
            f"attributes (collinear). Leave out {', '.join(extra)}."
        )


def find_perfect_predictor(tasks: Tasks) -> list[str]:
    """Name the attributes that predict choices perfectly: no finite coefficient fits them best.

    A direction exists in which no alternative passed over is ever better than the one taken,
    and some are worse, exactly if the likelihood has no maximum (Albert and Anderson,
    Biometrika 71, 1984); linear programming finds it.
    """
    scale = np.abs(tasks.passed_over).max(axis=0)
    gain = tasks.passed_over / np.where(scale > 0, scale, 1)
    found = linprog(-gain.sum(axis=0), A_ub=-gain, b_ub=np.zeros(len(gain)), bounds=(-1, 1),
                    method="highs")  # fmt: skip
    if not found.success or -found.fun < 1e-6:
        return []
    return [n for n, b in zip(tasks.names, found.x, strict=True) if abs(b) > 1e-6]
