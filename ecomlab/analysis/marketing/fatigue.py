"""How many mails are too many? What one more mail does to the next ones, and to the reader.

In: mails sent, opened and unsubscribed from. Answers: opening and leaving by the number of
mails still remembered, among a reader's own mails (across readers, those who get more are
the keen ones), and the number of mails a week that is worth most over a year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.analysis.marketing.counts import fit_log_linear
from ecomlab.frames import need_columns, need_share
from ecomlab.plotting import BLUE, GREY, ORANGE, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Fatigue", "FrequencyPlan", "measure_fatigue", "plan_mail_frequency"]

_SPELL_DAYS = 91
_FEW_LEAVERS = 20
_MOST_A_WEEK = 7


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Fatigue(Result):
    """What remembered mails do.

    ``open_change`` is the change of the share opened with one more mail remembered, among a
    reader's own mails; ``naive_open_change`` the same across readers. ``leave_factor`` multiplies
    the chance to unsubscribe with each. ``table`` has ``remembered, mails, open_share,
    unsubscribe_share`` by rounded number of mails remembered.
    """

    headline: ClassVar[dict[str, str]] = {
        "open_change": "share a mail", "low": "", "high": "", "naive_open_change": "share a mail",
        "leave_factor": "ratio a mail",
    }  # fmt: skip

    open_change: float
    low: float
    high: float
    naive_open_change: float
    leave_factor: float
    leave_low: float
    leave_high: float
    open_share: float
    leave_share: float
    mean_remembered: float
    most_remembered: float
    half_life_days: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share opened by mails remembered, as seen and among a reader's own."""
        ax = new_axes() if ax is None else ax
        table = self.table
        ax.plot(table["remembered"], table["open_share"], "o-", color=GREY)
        line = self.open_share + self.open_change * (table["remembered"] - self.mean_remembered)
        ax.plot(table["remembered"], line, color=BLUE)
        last = table["remembered"].iloc[-1]
        for value, color, label in ((table["open_share"].iloc[-1], GREY, "as seen"),
                                    (line.iloc[-1], BLUE, "a reader's own mails")):  # fmt: skip
            ax.annotate(label, (last, value), (6, 0), textcoords="offset points", color=color,
                        va="center", fontweight="bold", annotation_clip=False)  # fmt: skip
        ax.yaxis.set_major_formatter("{x:.0%}")
        ax.set_xlabel("earlier mails still remembered")
        ax.set_ylabel("share of mails opened")
        ax.set_title(f"One more mail remembered changes opening by {100 * self.open_change:+.1f} "
                     "points")  # fmt: skip
        return ax


def measure_fatigue(
    sends: pd.DataFrame, *, half_life_days: float = 10.0, level: float = LEVEL
) -> Fatigue:
    """Measure how earlier mails change opening and leaving.

    A mail counts as remembered by ``0.5^(days / half_life_days)``. Opening is compared among the
    mails of one reader within one quarter (fixed effects: Wooldridge, Econometric Analysis of Cross
    Section and Panel Data, 2nd ed. 2010, section 10.5), errors by reader; leaving by a log-linear
    rate of unsubscribing.

    Parameters
    ----------
    sends
        Columns ``customer_id, date, opened_at`` (empty where not opened), ``is_unsubscribed``.
    half_life_days
        Days after which half of a mail is forgotten [days].
    level
        Level of the interval [share].

    Raises
    ------
    ValueError
        Where a column is missing, or no reader got mails at different intervals.

    Examples
    --------
    >>> days = pd.to_timedelta([0, 1, 2, 40, 60, 80], unit="D")  # two opened at leisure
    >>> sends = pd.DataFrame({"customer_id": "a", "date": pd.Timestamp("2024-01-01") + days,
    ...                       "is_unsubscribed": False})
    >>> sends["opened_at"] = sends["date"].where([True, False, False, True, True, True])
    >>> measure_fatigue(sends, half_life_days=10).table["mails"].tolist()
    [3]
    """
    need_columns(sends, "sends", ("customer_id", "date", "opened_at", "is_unsubscribed"))
    need_share(level, of="level")
    if not pd.api.types.is_datetime64_any_dtype(sends["date"]):
        raise ValueError("sends.date: give days (pd.to_datetime first).")
    if not half_life_days > 0:
        raise ValueError(f"half_life_days: {half_life_days} given. Give a positive number of days.")
    mails = _remembered(sends, half_life_days)
    opened, load = mails["opened"].to_numpy(), mails["remembered"].to_numpy()
    spell = mails.groupby(["reader", "spell"]).ngroup().to_numpy()
    within = [v - (np.bincount(spell, v) / np.bincount(spell))[spell] for v in (opened, load)]
    spread = float((within[1] ** 2).sum())
    if spread < 1e-9 * len(mails):
        raise ValueError("sends.date: not estimated, because each reader's mails came as regularly "
                         "as clockwork. Vary how often mails go out.")  # fmt: skip
    slope = float((within[0] * within[1]).sum()) / spread
    scores = np.bincount(mails["reader"], (within[0] - slope * within[1]) * within[1])
    reach = norm.isf((1 - level) / 2) * np.sqrt((scores**2).sum()) / spread
    factor, caveats = _leaving(mails, level)
    return Fatigue(
        table=_by_load(mails),
        caveats=caveats,
        open_change=slope,
        low=slope - reach,
        high=slope + reach,
        naive_open_change=float(np.polyfit(load, opened, 1)[0]),
        leave_factor=factor[0],
        leave_low=factor[1],
        leave_high=factor[2],
        open_share=float(opened.mean()),
        leave_share=float(mails["left"].mean()),
        mean_remembered=float(load.mean()),
        most_remembered=float(np.quantile(load, 0.995)),
        half_life_days=half_life_days,
        level=level,
    )


def _remembered(sends: pd.DataFrame, half_life_days: float) -> pd.DataFrame:
    """Return mails with what their reader still remembers of earlier ones."""
    mails = pd.DataFrame(
        {
            "reader": pd.factorize(sends["customer_id"], sort=True)[0],
            "day": (sends["date"] - sends["date"].min()).dt.days.to_numpy(),
            "opened": sends["opened_at"].notna().to_numpy(dtype=float),
            "left": sends["is_unsubscribed"].to_numpy(dtype=float),
        }
    ).sort_values(["reader", "day"], ignore_index=True)
    load = np.zeros(len(mails))
    reader, day = mails["reader"].to_numpy(), mails["day"].to_numpy()
    kept = 0.5 ** (np.diff(day, prepend=0) / half_life_days)
    for i in range(1, len(mails)):
        if reader[i] == reader[i - 1]:
            load[i] = kept[i] * (load[i - 1] + 1)
    # what was sent before the table begins is not known: let it be forgotten first
    known = day >= min(3 * half_life_days, day.max() / 3)
    return mails.assign(remembered=load, spell=day // _SPELL_DAYS)[known].reset_index(drop=True)


def _by_load(mails: pd.DataFrame) -> pd.DataFrame:
    """Return shares by rounded load; the rare highest ones together."""
    rounded = mails["remembered"].round().clip(upper=np.ceil(mails["remembered"].quantile(0.995)))
    return (
        mails.groupby(rounded.astype(int))
        .agg(mails=("opened", "size"), open_share=("opened", "mean"),
             unsubscribe_share=("left", "mean"))
        .rename_axis("remembered").reset_index()
    )  # fmt: skip


def _leaving(
    mails: pd.DataFrame, level: float
) -> tuple[tuple[float, float, float], tuple[str, ...]]:
    """Return the factor of unsubscribing with its interval, and what to mind."""
    said: tuple[str, ...] = (
        "Readers are compared with themselves within a quarter; what changes within it, as a "
        "purchase that brings more mails, is not held fixed.",
    )
    leavers = int(mails["left"].sum())
    if leavers < _FEW_LEAVERS:
        note = f"Leaving is not estimated, because {leavers} readers unsubscribed."
        return (float("nan"), float("nan"), float("nan")), (note, *said)
    design = np.column_stack([np.ones(len(mails)), mails["remembered"]])
    fit = fit_log_linear(mails["left"].to_numpy(), design, exposure=np.ones(len(mails)),
                         cluster=mails["reader"].to_numpy())  # fmt: skip
    reach = norm.isf((1 - level) / 2) * np.sqrt(fit.covariance[1, 1])
    value = fit.coefficients[1]
    found = tuple(float(np.exp(v)) for v in (value, value - reach, value + reach))
    return (found[0], found[1], found[2]), said


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FrequencyPlan(Result):
    """How many mails a week are worth most.

    ``table`` has ``mails_per_week, open_share, readers_left_share, value, is_seen``: value is of
    one reader over the weeks [currency]; ``is_seen`` says that readers have had as many.
    """

    headline: ClassVar[dict[str, str]] = {"mails_per_week": "mails", "value": "currency a reader"}

    mails_per_week: float
    value: float
    weeks: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the value of a reader against mails a week."""
        ax = new_axes() if ax is None else ax
        ax.plot(self.table["mails_per_week"], self.table["value"], color=GREY, linestyle=":")
        seen = self.table[self.table["is_seen"]]
        ax.plot(seen["mails_per_week"], seen["value"], color=BLUE)
        ax.plot([self.mails_per_week], [self.value], "o", color=ORANGE, markersize=9)
        ax.set_xlabel("mails a week")
        ax.set_ylabel(f"value of a reader over {self.weeks} weeks")
        ax.set_title(f"{self.mails_per_week:g} mails a week are worth most, as far as was tried")
        return ax


def plan_mail_frequency(
    fatigue: Fatigue, *, value_per_open: float, cost_per_mail: float = 0.0, weeks: int = 52
) -> FrequencyPlan:
    """Plan how many mails a week to send, readers who leave included.

    At a steady rhythm of ``k`` mails a week ``m / (1 - m)`` mails are remembered, ``m`` being what
    is left of one after ``7 / k`` days; opening follows the line, leaving the rate, of
    :func:`measure_fatigue`.

    Parameters
    ----------
    fatigue
        The result of :func:`measure_fatigue`.
    value_per_open
        Margin that an opened mail adds, as measured by a test [currency/open].
    cost_per_mail
        Cost of sending one [currency/mail].
    weeks
        Horizon [weeks].

    Raises
    ------
    ValueError
        Where leaving was not estimated, or a value is not positive.

    Examples
    --------
    >>> tired = Fatigue(table=pd.DataFrame(), open_change=-0.05, low=-0.06, high=-0.04,
    ...     naive_open_change=0.01, leave_factor=1.4, leave_low=1.2, leave_high=1.6,
    ...     open_share=0.4, leave_share=0.004, mean_remembered=1.0, most_remembered=5.0,
    ...     half_life_days=10.0, level=0.95)
    >>> plan_mail_frequency(tired, value_per_open=0.5).mails_per_week
    1.5
    """
    if not np.isfinite(fatigue.leave_factor):
        raise ValueError("fatigue: leaving was not estimated; a plan without it only says: more.")
    if not (value_per_open > 0 and cost_per_mail >= 0 and weeks >= 1):
        raise ValueError("value_per_open, weeks: give positive ones. cost_per_mail: 0 or more.")
    rate = np.arange(1, 4 * _MOST_A_WEEK + 1) / 4
    kept = 0.5 ** (7 / rate / fatigue.half_life_days)
    load = kept / (1 - kept)
    opened = fatigue.open_share + fatigue.open_change * (load - fatigue.mean_remembered)
    opened = np.clip(opened, 0, 1)
    leave = fatigue.leave_share * fatigue.leave_factor ** (load - fatigue.mean_remembered)
    stay = (1 - np.clip(leave, 0, 1)) ** rate
    reader_weeks = np.where(stay < 1, (1 - stay**weeks) / np.where(stay < 1, 1 - stay, 1), weeks)
    table = pd.DataFrame(
        {
            "mails_per_week": rate, "open_share": opened, "readers_left_share": 1 - stay**weeks,
            "value": rate * (opened * value_per_open - cost_per_mail) * reader_weeks,
            "is_seen": load <= fatigue.most_remembered,
        }
    )  # fmt: skip
    seen = table[table["is_seen"]]
    best = seen.loc[seen["value"].idxmax()]
    caveats: tuple[str, ...] = (
        "A reader who unsubscribes is taken to be lost for mail, and for nothing else.",
        "Beyond what readers have had, the curve is a guess and is not chosen from.",
    )
    if best["mails_per_week"] == seen["mails_per_week"].iloc[-1]:
        caveats = ("The best is the most that was tried: try more before believing it.", *caveats)
    return FrequencyPlan(
        table=table,
        caveats=caveats,
        mails_per_week=float(best["mails_per_week"]),
        value=float(best["value"]),
        weeks=weeks,
    )
