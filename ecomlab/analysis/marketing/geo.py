"""What does a channel bring that would not have come anyway? Regions in which it was off.

In: outcome, spend and what the platform claims, by region and day, with the channel on or
off by lot. Answers: the outcome gained with an interval, return on spend beside the
platform's own, and average against marginal return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import t as student

from ecomlab.analysis.marketing.counts import LogLinearFit, fit_log_linear
from ecomlab.frames import need_columns, need_numbers, need_share, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, amounts_on, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["GeoReading", "ReturnLadder", "compare_returns", "read_geo_test"]

_QUICK_SLOW = (0.0, 7.0)  # half-lives of the effects of tests beside [days]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GeoReading(Result):
    """What a channel brought where it was on.

    ``gained`` is the outcome that its days on brought, ``lift_share`` the same over what would
    have come without it. ``return_ratio`` is the gain over spend and ``reported_return`` what the
    platform claims over spend; NaN without spend or claims. ``table`` has ``reading, value, low,
    high``, one row each of these.
    """

    headline: ClassVar[dict[str, str]] = {
        "gained": "outcome", "low": "", "high": "", "lift_share": "share",
        "return_ratio": "outcome/currency", "reported_return": "outcome/currency",
    }  # fmt: skip

    gained: float
    low: float
    high: float
    p_value: float
    lift_share: float
    return_ratio: float
    return_low: float
    return_high: float
    reported_return: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the return measured by the regions beside the platform's."""
        ax = new_axes(height=2.6) if ax is None else ax
        ax.plot([self.return_low, self.return_high], [0, 0], color=BLUE, linewidth=4)
        ax.plot([self.return_ratio], [0], "o", color=BLUE, markersize=10)
        ax.plot([self.reported_return], [1], "o", color=ORANGE, markersize=10)
        for place, value, color in ((0, self.return_ratio, BLUE),
                                    (1, self.reported_return, ORANGE)):  # fmt: skip
            ax.annotate(f"{value:.2f}", (value, place), (0, 9), textcoords="offset points",
                        ha="center", color=color, fontweight="bold")  # fmt: skip
        ax.axvline(0, color=GREY, linewidth=1)
        ax.set_yticks([0, 1], ["regions off and on", "platform's report"])
        ax.set_ylim(-0.6, 1.6)
        ax.set_xlabel("outcome for a unit of spend")
        ax.set_title(f"Measured {self.return_ratio:.2f} a unit of spend, claimed "
                     f"{self.reported_return:.2f}")  # fmt: skip
        return ax


def read_geo_test(
    panel: pd.DataFrame, *, settle_days: int = 0, half_lives: Sequence[float] = (),
    beside: Sequence[str] = (), level: float = LEVEL,
) -> GeoReading:  # fmt: skip
    """Read a test in which a channel was off by region and block of days.

    ``outcome = exp(region + day + b * on)``: each region is compared with itself and with the other
    regions on the same day, as a ratio, since regions differ in size. Errors allow for anything
    within a region's block, and for few blocks (a jackknife over them: MacKinnon and White, Journal
    of Econometrics 29, 1985). The gain over spend is the incremental return of Vaver and Koehler
    (Measuring Ad Effectiveness Using Geo Experiments, Google 2011).

    Parameters
    ----------
    panel
        Columns ``region_id, date, outcome, is_on``; and, if known, ``spend``, ``reported`` (what
        the platform claims, in the outcome's unit) and ``block`` (else the calendar week).
    settle_days
        Days left out after each switch, for the effect of earlier spend to settle [days].
    half_lives
        Half-lives of the parts of the effect [days], in the place of ``settle_days``: 0 is gone at
        once. With ``(0, 7)`` the days tell how much is quick and how much lasts. Nothing is left
        out then: a dark day still has what is left of earlier ones, and before the first day the
        channel is taken to have been on.
    beside
        Columns of other tests on the same regions and days, 1 where their channel was on: their
        effect is taken out, so that it adds no luck to this one's.
    level
        Level of the intervals [share].

    Raises
    ------
    ValueError
        Where a column is missing, a region and day appears twice, or nothing is compared.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=28)
    >>> rows = [(r, day, 100.0 * size * (1.2 if on else 1.0), on, 10.0 * on)
    ...         for r, size in (("N", 1), ("S", 2)) for week, day in enumerate(days)
    ...         for on in [(week // 7 + (r == "S")) % 2 == 0]]
    >>> panel = pd.DataFrame(rows, columns=["region_id", "date", "outcome", "is_on", "spend"])
    >>> found = read_geo_test(panel)
    >>> round(found.gained), round(found.lift_share, 3), round(found.return_ratio, 2)
    (840, 0.2, 3.0)
    """
    need_share(level, of="level")
    rows = _exposed(_settled(_checked(panel, beside), settle_days), half_lives, beside)
    found = _fit(rows, parts=max(len(half_lives), 1))
    theta, error = found.lift
    freedom = found.fit.clusters - 1
    reach = student.ppf((1 + level) / 2, freedom)
    on = rows["is_on"].to_numpy(dtype=bool)
    gains = found.gains(reach)
    spend = float(rows.loc[on, "spend"].sum()) if "spend" in rows else float("nan")
    returns = [gain / spend if spend > 0 else float("nan") for gain in gains]
    claimed = float(rows.loc[on, "reported"].sum()) if "reported" in rows else float("nan")
    reported = claimed / spend if spend > 0 else float("nan")
    lifts = np.expm1([theta, theta - reach * error, theta + reach * error])
    table = pd.DataFrame(
        [("gained", *gains), ("lift_share", *lifts),
         ("return_ratio", *returns), ("reported_return", reported, np.nan, np.nan)],
        columns=["reading", "value", "low", "high"],
    )  # fmt: skip
    return GeoReading(
        table=table,
        caveats=_caveats(found.fit.clusters, returns, reported),
        gained=gains[0],
        low=gains[1],
        high=gains[2],
        p_value=float(2 * student.sf(abs(theta) / error, freedom)) if error > 0 else 0.0,
        lift_share=float(np.expm1(theta)),
        return_ratio=returns[0],
        return_low=returns[1],
        return_high=returns[2],
        reported_return=reported,
        level=level,
    )


def _checked(panel: pd.DataFrame, beside: Sequence[str]) -> pd.DataFrame:
    need_columns(panel, "panel", ("region_id", "date", "outcome", "is_on", *beside))
    need_numbers(panel, "panel", beside, least=0)
    numbers = [name for name in ("outcome", "spend", "reported") if name in panel]
    need_numbers(panel, "panel", numbers, least=0)
    need_unique(panel, "panel", ("region_id", "date"),
                remedy="Give one row each region and day: add its campaigns up.")  # fmt: skip
    if not pd.api.types.is_datetime64_any_dtype(panel["date"]):
        raise ValueError("panel.date: give days (pd.to_datetime first).")
    on = panel["is_on"].astype(bool)
    if on.all() or not on.any():
        raise ValueError(
            "panel.is_on: the channel is always on, or always off. Nothing to compare."
        )
    if panel["region_id"].nunique() < 2:
        raise ValueError("panel.region_id: one region only. Give at least two.")
    return panel.assign(is_on=on).sort_values(["region_id", "date"], ignore_index=True)


def _settled(rows: pd.DataFrame, settle_days: int) -> pd.DataFrame:
    """Leave out the days after a switch."""
    if settle_days <= 0:
        return rows
    change = rows["is_on"] != rows.groupby("region_id")["is_on"].shift()
    since = rows.groupby(change.cumsum()).cumcount()
    kept = rows[since >= settle_days]
    if kept.empty or kept["is_on"].nunique() < 2:
        raise ValueError(f"settle_days: {settle_days} leaves nothing to compare. Leave fewer out.")
    return kept.reset_index(drop=True)


def _exposed(
    rows: pd.DataFrame, half_lives: Sequence[float], beside: Sequence[str]
) -> pd.DataFrame:
    """Add what is at work of the channel, by part of its effect, and of the others."""
    if not len(half_lives):
        work = {"part 0": rows["is_on"].astype(float)}
        return rows.assign(**work, **{f"other {name}": rows[name].astype(float) for name in beside})
    if not all(np.isfinite(one) and one >= 0 for one in half_lives):
        raise ValueError(f"half_lives: {tuple(half_lives)}; give days of at least 0.")
    places = rows.groupby("region_id")["date"]
    if ((places.diff().dt.days != 1) & (places.cumcount() > 0)).any():
        raise ValueError("half_lives: a region misses days, so that what is at work on them is not "
                         "known. Give every day, and settle_days=0.")  # fmt: skip
    parts = {f"part {i}": ("is_on", one) for i, one in enumerate(half_lives)}
    parts |= {
        f"other {name} {i}": (name, one) for name in beside for i, one in enumerate(_QUICK_SLOW)
    }
    return rows.assign(**{label: _remember(rows, *part) for label, part in parts.items()})


def _remember(rows: pd.DataFrame, column: str, half_life: float) -> np.ndarray:
    """Return the share of a lasting effect that is at work, region by region."""
    values = rows[column].to_numpy(dtype=float)
    if half_life == 0:
        return values
    kept, begins = 0.5 ** (1 / half_life), rows["region_id"].ne(rows["region_id"].shift())
    work, stock = np.empty(len(values)), 1.0
    for i, (value, is_first) in enumerate(zip(values, begins, strict=True)):
        stock = kept * (1.0 if is_first else stock) + (1 - kept) * value
        work[i] = stock
    return work


@dataclass(frozen=True, eq=False)
class _Found:
    """The fit, and what is at work of the channel, rows x parts."""

    fit: LogLinearFit
    work: np.ndarray

    @property
    def lift(self) -> tuple[float, float]:
        """The log lift where the channel is on for ever, and its standard error."""
        size = self.work.shape[1]
        spread = float(self.fit.covariance[:size, :size].sum())
        return float(self.fit.coefficients[:size].sum()), float(np.sqrt(max(spread, 0.0)))

    def gains(self, reach: float) -> list[float]:
        """Return what the channel brought, and the bounds this many standard errors away."""
        size = self.work.shape[1]
        parts, spread = self.fit.coefficients[:size], self.fit.covariance[:size, :size]

        def gain(moved: np.ndarray) -> float:
            # the mean is the fitted one: only what would be missing moves
            return float(self.fit.mean @ -np.expm1(-self.work @ moved))

        slope = self.work.T @ (self.fit.mean * np.exp(-self.work @ parts))
        error = float(np.sqrt(max(slope @ spread @ slope, 0.0)))
        if error == 0:
            return [gain(parts)] * 3
        along = spread @ slope / error
        return [gain(parts), gain(parts - reach * along), gain(parts + reach * along)]


def _fit(rows: pd.DataFrame, *, parts: int) -> _Found:
    """Fit outcome by what is at work, region and day."""
    dead = rows.groupby("date")["outcome"].transform("sum") == 0
    rows_left = rows[~dead]
    places = [pd.factorize(rows_left[name], sort=True)[0] for name in ("region_id", "date")]
    dummies = [np.eye(place.max() + 1)[place] for place in places]
    mine = [f"part {i}" for i in range(parts)]
    others = [name for name in rows if str(name).startswith("other ")]
    works = rows_left[[*mine, *others]].to_numpy(dtype=float)
    design = np.column_stack([works, dummies[0], dummies[1][:, 1:]]).astype(float)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError(
            "panel.is_on: not estimated, because regions and days leave nothing to compare. Switch "
            "some regions on while others are off, on the same days."
        )
    block = rows_left["block"] if "block" in rows else rows_left["date"].dt.to_period("W")
    cluster = rows_left.groupby([rows_left["region_id"], block]).ngroup().to_numpy()
    try:
        fit = fit_log_linear(rows_left["outcome"].to_numpy(dtype=float), design,
                             exposure=np.ones(len(rows_left)), cluster=cluster)  # fmt: skip
    except ValueError as error:
        raise ValueError(
            f"panel.outcome: {error} A region without any outcome does this."
        ) from None
    mean = np.zeros(len(rows))
    mean[~dead.to_numpy()] = fit.mean
    spread = _jackknife(design, rows_left["outcome"].to_numpy(dtype=float), fit, cluster)
    whole = LogLinearFit(fit.coefficients, spread, mean, fit.clusters)
    return _Found(whole, rows[mine].to_numpy(dtype=float))


def _jackknife(
    design: np.ndarray, outcome: np.ndarray, fit: LogLinearFit, cluster: np.ndarray
) -> np.ndarray:
    """Return the covariance of coefficients, each block left out once (in one step of Newton's)."""
    inverse = np.linalg.pinv(design.T @ (design * fit.mean[:, None]), hermitian=True)
    left, moved = outcome - fit.mean, np.zeros((fit.clusters, design.shape[1]))
    for i in range(fit.clusters):
        rows = np.flatnonzero(cluster == i)
        mine, mean = design[rows], fit.mean[rows]
        pulled = np.eye(len(rows)) - mean[:, None] * (mine @ inverse @ mine.T)
        moved[i] = mine.T @ np.linalg.lstsq(pulled, left[rows], rcond=1e-9)[0]
    moved = moved @ inverse
    return np.asarray(moved.T @ moved * (fit.clusters - 1) / fit.clusters)


def _caveats(clusters: int, returns: list[float], reported: float) -> tuple[str, ...]:
    said: tuple[str, ...] = (
        "It is the average return of the budget that was switched off, over the test's days; the "
        "next unit of spend brings less.",
        "Effects that take longer than the blocks, and shoppers who cross regions, are not in it.",
    )
    if clusters < 30:
        said += (f"Only {clusters} blocks of regions were compared: the interval is rough.",)
    if np.isfinite(reported) and np.isfinite(returns[2]) and reported > returns[2]:
        said += ("The platform claims more than the regions allow: it counts people who would "
                 "have come anyway.",)  # fmt: skip
    return said


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ReturnLadder(Result):
    """Average and marginal return along a ladder of budgets.

    ``table`` has ``spend, outcome, average_return, marginal_return, profit``: the average is what
    all spend brought over no spend, the marginal what the step from the budget before brought.
    """

    headline: ClassVar[dict[str, str]] = {
        "best_spend": "currency",
        "average_return": "outcome/currency",
        "marginal_return": "outcome/currency",
    }

    best_spend: float
    average_return: float
    marginal_return: float
    margin_share: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both returns against spend, and where a step stops paying."""
        ax = new_axes() if ax is None else ax
        table = self.table.iloc[1:]
        for column, color, label in (("average_return", ORANGE, "average"),
                                     ("marginal_return", BLUE, "next step")):  # fmt: skip
            ax.plot(table["spend"], table[column], "o-", color=color)
            ax.annotate(label, (table["spend"].iloc[-1], table[column].iloc[-1]), (7, 0),
                        textcoords="offset points", color=color, va="center",
                        fontweight="bold", annotation_clip=False)  # fmt: skip
        ax.axhline(1 / self.margin_share, color=GREY, linestyle="--", linewidth=1)
        ax.annotate("pays above", (table["spend"].iloc[0], 1 / self.margin_share), (0, 4),
                    textcoords="offset points", color=GREY)  # fmt: skip
        ax.set_xlabel("spend")
        ax.set_ylabel("outcome for a unit of spend")
        ax.set_title("The next unit of spend brings less than the average one")
        return amounts_on(ax, "x")


def compare_returns(steps: pd.DataFrame, *, margin_share: float) -> ReturnLadder:
    """Compare average with marginal return along a ladder of budgets.

    Parameters
    ----------
    steps
        Columns ``spend`` and ``outcome``, one row a budget, one of them without spend.
    margin_share
        Margin on a unit of outcome [share].

    Returns
    -------
    ReturnLadder
        The headline is of the step with the highest profit: margin less spend.

    Raises
    ------
    ValueError
        Where a column is missing or negative, two rows have the same spend, or none is without.

    Examples
    --------
    >>> steps = pd.DataFrame({"spend": [0.0, 100.0, 200.0], "outcome": [500.0, 900.0, 1000.0]})
    >>> found = compare_returns(steps, margin_share=0.5)
    >>> found.best_spend, found.table["marginal_return"].tolist()[1:]
    (100.0, [4.0, 1.0])
    """
    need_columns(steps, "steps", ("spend", "outcome"))
    need_numbers(steps, "steps", ("spend", "outcome"), least=0)
    need_unique(steps, "steps", ("spend",), remedy="Give one row a budget.")
    need_share(margin_share, of="margin_share")
    table = steps[["spend", "outcome"]].sort_values("spend", ignore_index=True).astype(float)
    if table["spend"].iloc[0] != 0 or len(table) < 2:
        raise ValueError("steps.spend: give one row without spend, and at least one with.")
    gained = table["outcome"] - table["outcome"].iloc[0]
    table = table.assign(
        average_return=gained / table["spend"].where(table["spend"] > 0),
        marginal_return=table["outcome"].diff() / table["spend"].diff(),
        profit=margin_share * table["outcome"] - table["spend"],
    )
    best = table.loc[table["profit"].idxmax()]
    caveats: tuple[str, ...] = ()
    if (table["marginal_return"].diff() > 0).any():
        caveats = ("The marginal return rises somewhere: noise, or a budget too small to be seen.",)
    return ReturnLadder(
        table=table,
        caveats=caveats,
        best_spend=float(best["spend"]),
        average_return=float(best["average_return"]),
        marginal_return=float(best["marginal_return"]),
        margin_share=margin_share,
    )
