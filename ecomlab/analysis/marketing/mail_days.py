"""Which days of readers can be compared, with a mail and without? A lottery found in history.

In: mails sent, orders and visits. Answer: for each mail a day of another reader of the same
kind who got none on that date, with what was known of both before: the table that the
uplift functions take.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from ecomlab.frames import need_columns

__all__ = ["collect_mail_days"]

_NEVER = 999  # days since an order that is not in the table


def collect_mail_days(
    sends: pd.DataFrame,
    orders: pd.DataFrame,
    visits: pd.DataFrame,
    *,
    since: str | date | pd.Timestamp,
    recent_days: int = 60,
    seed: int = 0,
) -> pd.DataFrame:
    """Pair each mail with a day without one, of a reader whom the sender treats alike.

    The sender's rule is known: who bought in the last `recent_days` gets mails more often. Within
    the rule and the date, who gets one is chance, so that the pairs are as good as drawn by lot.

    Parameters
    ----------
    sends
        Columns ``customer_id, date, is_unsubscribed``.
    orders
        Columns ``customer_id, date``.
    visits
        Columns ``customer_id, date``: visits of readers who were recognised.
    since
        First day to compare; the days before tell what readers remember.
    recent_days
        Days since an order within which the sender counts a reader as recent [days].
    seed
        Seed of the draw of days without a mail.

    Returns
    -------
    DataFrame
        ``customer_id, date, treated`` (1 with a mail), ``outcome`` (1 if the reader visited on the
        day), and what was known before: ``is_recent, days_since_order`` (999 if there is none),
        ``orders, visits`` (of the last 28 days), ``mails_remembered``.

    Raises
    ------
    ValueError
        Where a column is missing, or no mail went out since the day.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"])
    >>> sends = pd.DataFrame({"customer_id": list("aba"), "date": days, "is_unsubscribed": False})
    >>> bought = pd.DataFrame({"customer_id": list("ab"), "date": pd.Timestamp("2023-12-30")})
    >>> found = collect_mail_days(sends, bought, bought, since="2024-01-02")
    >>> found[["customer_id", "treated", "days_since_order", "orders"]].values.tolist()
    [['a', 0, 3, 1], ['b', 1, 3, 1], ['a', 1, 4, 1], ['b', 0, 4, 1]]
    """
    need_columns(sends, "sends", ("customer_id", "date", "is_unsubscribed"))
    need_columns(orders, "orders", ("customer_id", "date"))
    need_columns(visits, "visits", ("customer_id", "date"))
    first = pd.Timestamp(since)
    if not (sends["date"] >= first).any():
        raise ValueError(f"since: no mail went out since {first:%Y-%m-%d}. Give an earlier day.")
    grid = _reader_days(sends, first)
    bought = _last_before(grid, orders)
    grid["days_since_order"] = bought["days"].fillna(_NEVER).clip(upper=_NEVER).astype(int)
    grid["orders"] = bought["count"].fillna(0).astype(int)
    grid["is_recent"] = (grid["days_since_order"] <= recent_days).astype(int)
    grid["treated"] = _marked(grid, sends)
    pairs = _paired(grid, seed)
    remembered = _last_before(pairs, sends)
    load = remembered["load"] * 0.5 ** (remembered["days"] / 10)
    came = visits.dropna(subset="customer_id")
    month = _last_before(pairs, came, back=28)
    return pairs.assign(
        mails_remembered=load.fillna(0.0), visits=month["lately"], outcome=_marked(pairs, came)
    )


def _reader_days(sends: pd.DataFrame, first: pd.Timestamp) -> pd.DataFrame:
    """Return a row for each reader and date, from a reader's first mail to the farewell."""
    last = sends["date"].max()
    begins = sends.groupby("customer_id")["date"].min().clip(lower=first)
    left = sends[sends["is_unsubscribed"]].groupby("customer_id")["date"].min()
    ends = left.reindex(begins.index).fillna(last)
    span = ((ends - begins).dt.days + 1).clip(lower=0).to_numpy()
    at = np.arange(span.sum()) - np.repeat(np.cumsum(span) - span, span)
    day = np.repeat(begins.to_numpy(), span) + at.astype("timedelta64[D]")
    grid = pd.DataFrame({"customer_id": np.repeat(begins.index.to_numpy(), span), "date": day})
    return grid.sort_values(["date", "customer_id"], ignore_index=True)


def _last_before(grid: pd.DataFrame, log: pd.DataFrame, *, back: int = 0) -> pd.DataFrame:
    """Return days since the last entry before each day, entries so far, and what is remembered."""
    rows = log[["customer_id", "date"]].dropna().drop_duplicates()
    rows = rows.assign(date=rows["date"].astype(grid["date"].dtype))
    rows = rows.sort_values(["customer_id", "date"], ignore_index=True)
    group = rows.groupby("customer_id")
    rows["count"] = group.cumcount() + 1
    rows["at"] = rows["date"]
    gap = group["date"].diff().dt.days.to_numpy()
    load = np.ones(len(rows))
    for i in np.flatnonzero(~np.isnan(gap)):
        load[i] += load[i - 1] * 0.5 ** (gap[i] / 10)
    rows["load"] = load
    rows = rows.sort_values("date", kind="stable")

    def as_of(days: pd.DataFrame) -> pd.DataFrame:
        return pd.merge_asof(days, rows, on="date", by="customer_id", allow_exact_matches=False)

    found = as_of(grid[["customer_id", "date"]])
    found["days"] = (found["date"] - found["at"]).dt.days
    if back:
        early = as_of(grid[["customer_id", "date"]].assign(
            date=grid["date"] - pd.Timedelta(days=back)))  # fmt: skip
        found["lately"] = (found["count"].fillna(0) - early["count"].fillna(0)).astype(int)
    return found.set_axis(grid.index)


def _marked(grid: pd.DataFrame, log: pd.DataFrame) -> np.ndarray:
    """Return 1 for the readers and days that are in a log."""
    keys = pd.MultiIndex.from_frame(log[["customer_id", "date"]].dropna().drop_duplicates())
    own = pd.MultiIndex.from_frame(grid[["customer_id", "date"]])
    return np.asarray(own.isin(keys)).astype(int)


def _paired(grid: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Keep mails, and as many days without one by date and kind of reader, drawn by lot."""
    kind = [grid["date"], grid["is_recent"]]
    luck = pd.Series(np.random.default_rng(seed).uniform(size=len(grid)), index=grid.index)
    place = luck.groupby([*kind, grid["treated"]]).rank(method="first")
    mails = grid["treated"].groupby(kind).transform("sum")
    without = grid.groupby(kind)["treated"].transform("size") - mails
    return grid[place <= np.minimum(mails, without)].reset_index(drop=True)
