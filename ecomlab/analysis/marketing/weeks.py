"""Which weeks can a mix model look at? Outcome, spend and what else moved, week by week.

In: daily outcomes, advertising by day and channel, the calendar of events. Answer: the table
that :func:`~ecomlab.analysis.marketing.fit_mix` takes, controls included.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecomlab.frames import need_columns, need_numbers, where

__all__ = ["list_controls", "sum_media_weeks"]

_PULL = "budget_pull"
_EVENT = "event_"


def sum_media_weeks(
    daily: pd.DataFrame,
    ads: pd.DataFrame,
    calendar: pd.DataFrame,
    *,
    outcome: str,
    channels: Sequence[str],
    follow: Sequence[str] = (),
) -> pd.DataFrame:
    """Add up days to whole weeks, with the controls that a mix model needs.

    Budgets are set in view of the demand that is expected, and the analyst does not see that
    expectation. What the budgets of all channels have in common shows it: ``budget_pull`` is
    the mean over channels of the log of the week's budget over the channel's mean. Held fixed,
    it leaves of a channel's spend what the manager did not mean.

    Parameters
    ----------
    daily
        Column ``date`` and the outcome, a row a day without gaps.
    ads
        Columns ``date, channel, spend``, and ``budget`` if known (else spend stands for it)
        [currency].
    calendar
        Columns ``date`` and ``event_id``, empty on ordinary days.
    outcome
        Column of `daily`.
    channels
        Channels that become columns of spend.
    follow
        Channels whose budgets follow the expected demand; all of them if none are named.

    Returns
    -------
    DataFrame
        ``week_start``, the outcome, the channels' spend [currency/week], ``budget_pull``, and
        the share of the week's days in each event, ``event_`` and its name.

    Raises
    ------
    ValueError
        On missing columns, gaps between days, no whole week, or an unknown channel.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=14)
    >>> daily = pd.DataFrame({"date": days, "orders": 10})
    >>> ads = pd.DataFrame({"date": days, "channel": "social", "spend": [2.0] * 7 + [4.0] * 7})
    >>> calendar = pd.DataFrame({"date": days, "event_id": [None] * 13 + ["sale"]})
    >>> weeks = sum_media_weeks(daily, ads, calendar, outcome="orders", channels=["social"])
    >>> weeks[["orders", "social", "event_sale"]].round(3).values.tolist()
    [[70.0, 14.0, 0.0], [70.0, 28.0, 0.143]]
    """
    _check(daily, ads, calendar, outcome, channels, follow)
    first, count = daily["date"].min(), len(daily) // 7

    def week_of(frame: pd.DataFrame) -> pd.DataFrame:
        week = (frame["date"] - first).dt.days // 7
        return frame.assign(week=week)[(week >= 0) & (week < count)]

    weeks = pd.RangeIndex(count)
    spent = week_of(ads)
    by_channel = spent.groupby(["week", "channel"])
    spend = by_channel["spend"].sum().unstack(fill_value=0.0).reindex(weeks, fill_value=0.0)
    budget = by_channel["budget" if "budget" in ads else "spend"].sum().unstack(fill_value=0.0)
    budget = budget.reindex(weeks, fill_value=0.0)[list(follow or channels)]
    table = pd.DataFrame({"week_start": first + pd.to_timedelta(7 * np.arange(count), "D")})
    table[outcome] = week_of(daily).groupby("week")[outcome].sum().astype(float)
    for name in channels:
        table[name] = spend[name]
    relative = (budget / budget.mean()).clip(lower=0.05)  # a week without budget is no forecast
    table[_PULL] = np.log(relative).mean(axis=1)
    named = week_of(calendar.dropna(subset="event_id"))
    days = named.groupby(["week", "event_id"]).size().unstack(fill_value=0)
    for name in days:
        table[f"{_EVENT}{name}"] = (days[name] / 7).reindex(weeks, fill_value=0.0)
    return table


def list_controls(weekly: pd.DataFrame) -> list[str]:
    """Return the columns of :func:`sum_media_weeks` that are controls and ever change.

    Parameters
    ----------
    weekly
        Its table, or part of its rows.

    Examples
    --------
    >>> list_controls(pd.DataFrame({"budget_pull": [0.1, 0.2], "event_x": [0, 0], "orders": 1}))
    ['budget_pull']
    """
    return [
        str(name)
        for name in weekly
        if str(name).startswith((_PULL, _EVENT)) and weekly[name].nunique() > 1
    ]


def _check(
    daily: pd.DataFrame,
    ads: pd.DataFrame,
    calendar: pd.DataFrame,
    outcome: str,
    channels: Sequence[str],
    follow: Sequence[str],
) -> None:
    need_columns(daily, "daily", ("date", outcome))
    need_columns(ads, "ads", ("date", "channel", "spend"))
    need_columns(calendar, "calendar", ("date", "event_id"))
    need_numbers(daily, "daily", (outcome,), least=0)
    need_numbers(ads, "ads", ("spend",), least=0)
    gap = daily["date"].sort_values().diff().dt.days.fillna(1) != 1
    if gap.any():
        raise ValueError(f"daily.date: {where(gap)} not one day after the day before. Give a row "
                         "a day, zeros included.")  # fmt: skip
    if len(daily) < 7:
        raise ValueError(f"daily.date: {len(daily)} days are no week. Give at least 7.")
    if not channels:
        raise ValueError("channels: none given. Name those of ads.channel that count.")
    known = set(ads["channel"])
    for name in (*channels, *follow):
        if name not in known:
            raise ValueError(f"ads.channel: there is no {name!r}. Known: "
                             f"{', '.join(sorted(map(str, known)))}.")  # fmt: skip
