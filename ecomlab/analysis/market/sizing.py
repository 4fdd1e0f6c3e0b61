"""How big is the market, and which part of it can be ours? TAM, SAM and SOM with intervals.

In: the factors of each way of reckoning, with their standard errors. Answer: the total
(TAM), serviceable (SAM) and obtainable (SOM) market of each way and of all ways together.
Errors are carried on through logarithms (the delta method), ways are weighted by generalised
least squares; where they contradict each other the interval grows by the ratio of Birge
(Physical Review 40, 1932).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import chi2, norm

from ecomlab.frames import need_columns, need_filled, need_numbers, need_share
from ecomlab.plotting import draw_waterfall, finish, format_amount, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["MarketSize", "size_market"]

TIERS = ("TAM", "SAM", "SOM")
_WORDS = {"TAM": "total", "SAM": "serviceable", "SOM": "obtainable"}
_ROUGH = 0.35  # relative standard error from which a log-normal interval is rough


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MarketSize(Result):
    """The market in all, the part one can serve, and the part one can win.

    ``table`` has a row a step: the steps given with ``running``, the size after it. ``sizes``
    has a row a tier and way, and one of all ways ``reconciled``: ``tier, path, value, low,
    high, relative_error, agreement_p_value``.
    """

    headline: ClassVar[dict[str, str]] = {
        "total": "of the first step's unit",
        "total_low": "of the first step's unit",
        "total_high": "of the first step's unit",
    }

    total: float
    total_low: float
    total_high: float
    sizes: pd.DataFrame
    unit: str
    level: float

    def of_tier(self, tier: str) -> pd.Series:
        """Return ``value, low, high`` of a tier, all ways reconciled.

        Raises
        ------
        ValueError
            Where no step leads to the tier.
        """
        rows = self.sizes[(self.sizes["tier"] == tier) & (self.sizes["path"] == "reconciled")]
        if rows.empty:
            raise ValueError(f"tier: {tier!r} is not in the steps given.")
        return rows.iloc[0][["value", "low", "high"]]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how the total market comes down to what can be won (a waterfall)."""
        ax = new_axes() if ax is None else ax
        sizes = self.sizes[self.sizes["path"] == "reconciled"].set_index("tier")["value"]
        rows: list[tuple[str, float, bool]] = []
        for tier, before in zip(sizes.index, [None, *sizes.index[:-1]], strict=True):
            if before is not None:
                words = {"SAM": "not served", "SOM": "others' share"}[tier]
                rows.append((words, float(sizes[tier] - sizes[before]), False))
            rows.append((f"{_WORDS[tier]} ({tier})", float(sizes[tier]), True))
        draw_waterfall(
            pd.DataFrame(rows, columns=["step", "amount", "is_total"]), unit=self.unit, ax=ax
        )
        last = sizes.index[-1]
        found = self.of_tier(last)
        return finish(
            ax,
            title=f"Of a market of {format_amount(self.total, self.unit)}, "
            f"{format_amount(found['value'], self.unit)} are {_WORDS[last]} "
            f"({format_amount(found['low'])} to {format_amount(found['high'])})"
            if last != "TAM"
            else f"The market is {format_amount(self.total, self.unit)} "
            f"({format_amount(self.total_low)} to {format_amount(self.total_high)})",
        )


def size_market(steps: pd.DataFrame, *, unit: str = "", level: float = LEVEL) -> MarketSize:
    """Size a market top-down, bottom-up or both ways, with intervals.

    Each way (``path``) multiplies its steps in the order given. The steps of the tier TAM make
    the total market; those of SAM and SOM take shares of what is left.

    Parameters
    ----------
    steps
        One row a step: ``path`` (as ``top-down``), ``tier`` (``TAM``, ``SAM``, ``SOM``), ``step``
        (its name), ``value`` and ``standard_error``. Where a row's ``is_divisor`` is true the
        size is divided by it (own sales over own share). A step that two ways have in common
        has the same name and numbers in both: its error counts once.
    unit
        Unit of the sizes, for words and pictures.
    level
        Confidence level of the intervals.

    Returns
    -------
    MarketSize
        Sizes by tier and way; `agreement_p_value` tells how often honest ways would differ as
        much as these.

    Raises
    ------
    ValueError
        Where a column is missing, a value not above zero, an error negative, a way has no TAM, a
        share is above 1, or a step has two values.

    Examples
    --------
    >>> steps = pd.DataFrame(
    ...     [("top-down", "TAM", "people", 27_000, 0), ("top-down", "TAM", "spend", 720, 20),
    ...      ("bottom-up", "TAM", "own sales", 6e5, 0), ("bottom-up", "TAM", "share", 0.03, 0.003)],
    ...     columns=["path", "tier", "step", "value", "standard_error"])
    >>> size_market(steps.assign(is_divisor=steps["step"] == "share"), unit="USD").sizes[
    ...     ["path", "value"]].round(-4)
             path       value
    0    top-down  19440000.0
    1   bottom-up  20000000.0
    2  reconciled  19480000.0
    """
    need_share(level, of="level")
    steps = _check(steps)
    paths = list(steps["path"].unique())
    rows: list[dict[str, object]] = []
    caveats: list[str] = []
    for tier in [t for t in TIERS if (steps["tier"] == t).any()]:
        through = steps[steps["tier"].map(TIERS.index) <= TIERS.index(tier)]
        having = [p for p in paths if (steps.loc[steps["path"] == p, "tier"] == tier).any()]
        logs, covariance = _log_sizes(through, having)
        found, said = _reconcile(tier, having, logs, covariance, level)
        rows += found
        caveats += said
    sizes = pd.DataFrame(rows)
    whole = sizes[sizes["path"] == "reconciled"].set_index("tier")
    if (whole["value"].diff().dropna() > 0).any():
        caveats.append("A part came out larger than the whole, since the ways weigh differently.")
    rough = steps[steps["standard_error"] > _ROUGH * steps["value"]]
    if len(rough):
        caveats.append(f"{rough['step'].iloc[0]} is known so little that the interval is rough.")
    return MarketSize(
        table=steps.assign(running=_running(steps)).reset_index(drop=True),
        caveats=(*caveats, "Errors of different steps are taken as independent of each other."),
        total=float(whole.loc["TAM", "value"]),
        total_low=float(whole.loc["TAM", "low"]),
        total_high=float(whole.loc["TAM", "high"]),
        sizes=sizes,
        unit=unit,
        level=level,
    )


def _check(steps: pd.DataFrame) -> pd.DataFrame:
    names = ["path", "tier", "step", "value", "standard_error"]
    need_columns(steps, "steps", names)
    need_filled(steps, "steps", names[:3])
    need_numbers(steps, "steps", ["value"], above=0)
    need_numbers(steps, "steps", ["standard_error"], least=0)
    strange = ~steps["tier"].isin(TIERS)
    if strange.any():
        raise ValueError(
            f"steps.tier: {steps['tier'][strange].unique().tolist()[:3]} is not one of {TIERS} "
            f"(first at {list(steps.index[strange])[:3]})."
        )
    numbers = steps.groupby("step")[["value", "standard_error"]].nunique().max(axis=1)
    if (numbers > 1).any():
        raise ValueError(
            f"steps.step: {list(numbers.index[numbers > 1])[:3]} has two values. A step has one "
            "number wherever it is used; name different things differently."
        )
    divisor = steps["is_divisor"].astype(bool) if "is_divisor" in steps else False
    steps = steps.assign(is_divisor=divisor)
    for path, rows in steps.groupby("path", sort=False):
        if not (rows["tier"] == "TAM").any():
            raise ValueError(f"steps.tier: the way {path!r} has no TAM. Start from the total.")
        rank = rows["tier"].map(TIERS.index)
        if not rank.is_monotonic_increasing:
            raise ValueError(f"steps.tier: the steps of {path!r} are not in the order {TIERS}.")
    part = (steps["tier"] != "TAM") & (steps["value"] > 1) & ~steps["is_divisor"]
    if part.any():
        raise ValueError(
            f"steps.value: {steps['step'][part].tolist()[:3]} is above 1 (first at "
            f"{list(steps.index[part])[:3]}). SAM and SOM take shares, 0 to 1."
        )
    return steps


def _running(steps: pd.DataFrame) -> pd.Series:
    """Return the size after each step of its way."""
    sign = np.where(steps["is_divisor"], -1.0, 1.0)
    return np.exp((sign * np.log(steps["value"])).groupby(steps["path"]).cumsum())


def _log_sizes(steps: pd.DataFrame, paths: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the logs of the ways' sizes and their covariance: a shared step counts in both."""
    known = steps.drop_duplicates("step").set_index("step")
    design = np.zeros((len(paths), len(known)))
    for row in steps[steps["path"].isin(paths)].itertuples():
        sign = -1 if row.is_divisor else 1
        design[paths.index(row.path), known.index.get_loc(row.step)] += sign
    relative = (known["standard_error"] / known["value"]).to_numpy(dtype=float)
    return design @ np.log(known["value"].to_numpy(dtype=float)), (design * relative**2) @ design.T


def _reconcile(
    tier: str, paths: list[str], logs: np.ndarray, covariance: np.ndarray, level: float
) -> tuple[list[dict[str, object]], list[str]]:
    """Return the rows of a tier, each way and all together, and what to mind."""
    reach = float(norm.ppf((1 + level) / 2))
    weight = _weights(covariance)
    middle = float(weight @ logs)
    error = float(np.sqrt(weight @ covariance @ weight))
    chance, said = 1.0, []
    if len(paths) > 1:
        apart = logs[1:] - logs[0]
        turn = np.column_stack([-np.ones(len(paths) - 1), np.eye(len(paths) - 1)])
        square = float(apart @ np.linalg.pinv(turn @ covariance @ turn.T) @ apart)
        chance = float(chi2.sf(square, len(paths) - 1))
        if chance < 1 - level:
            error *= np.sqrt(square / (len(paths) - 1))
            odds = f"p = {chance:.2g}" if chance >= 0.001 else "p < 0.001"
            said.append(
                f"The ways to the {tier} contradict each other ({odds}): find the step "
                "that is wrong before you believe the middle; its interval was widened."
            )
    every = [*zip(paths, logs, np.sqrt(np.diag(covariance)), strict=True),
             ("reconciled", middle, error)]  # fmt: skip
    rows: list[dict[str, object]] = [
        {
            "tier": tier,
            "path": path,
            "value": float(np.exp(log)),
            "low": float(np.exp(log - reach * sd)),
            "high": float(np.exp(log + reach * sd)),
            "relative_error": float(sd),
            "agreement_p_value": chance if path == "reconciled" else np.nan,
        }
        for path, log, sd in every
    ]
    return rows, said


def _weights(covariance: np.ndarray) -> np.ndarray:
    """Return the weights of least variance, none below zero."""
    exact = np.diag(covariance) <= 0
    if exact.any():
        return np.asarray(exact / exact.sum())
    weight = np.linalg.pinv(covariance).sum(axis=1)
    weight = np.maximum(weight, 0.0)
    return np.asarray(weight / weight.sum())
