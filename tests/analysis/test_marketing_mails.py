"""Days with a mail and without: pairs are alike, features are of before, effects are recovered."""

import numpy as np
import pandas as pd
import pytest

from ecomlab.analysis import marketing

START = pd.Timestamp("2024-01-01")


def logs_of(seed: int, *, readers: int = 300, days: int = 150) -> dict[str, pd.DataFrame]:
    """Recent buyers get three times the mails and visit three times as often; a mail adds 0.05."""
    rng = np.random.default_rng(seed)
    orders, sends, visits = [], [], []
    for reader in range(readers):
        last = -rng.integers(1, 200)
        orders.append((reader, last))
        for day in range(days):
            recent = day - last <= 60
            mailed = rng.uniform() < (0.3 if recent else 0.1)
            came = rng.uniform() < (0.06 if recent else 0.02) + 0.05 * mailed
            if mailed:
                sends.append((reader, day))
            if came:
                visits.append((reader, day))
            if came and rng.uniform() < 0.2:
                orders.append((reader, day))
                last = day
    made = {}
    for name, rows in (("sends", sends), ("orders", orders), ("visits", visits)):
        frame = pd.DataFrame(rows, columns=["customer_id", "day"])
        who = frame["customer_id"].map("C{:03d}".format)
        date = START + pd.to_timedelta(frame["day"], unit="D")
        made[name] = pd.DataFrame({"customer_id": who, "date": date})
    made["sends"]["is_unsubscribed"] = False
    return made


def pairs_of(logs: dict[str, pd.DataFrame], since: int = 60) -> pd.DataFrame:
    since_day = START + pd.Timedelta(days=since)
    return marketing.collect_mail_days(*logs.values(), since=since_day)


def test_every_mail_has_a_day_without_one_of_the_same_kind_and_date():
    pairs = pairs_of(logs_of(0))
    sizes = pairs.groupby(["date", "is_recent", "treated"]).size().unstack()
    assert (sizes[0] == sizes[1]).all()
    assert not pairs.duplicated(["customer_id", "date"]).any()


def test_what_is_known_of_a_reader_is_what_a_slow_loop_finds_before_the_day():
    logs = logs_of(1, readers=40)
    pairs = pairs_of(logs)
    for row in pairs.sample(25, random_state=0).itertuples():
        own = {name: log.loc[log["customer_id"] == row.customer_id, "date"].drop_duplicates()
               for name, log in logs.items()}  # fmt: skip
        past = {name: days[days < row.date] for name, days in own.items()}
        ago = (row.date - past["orders"].max()).days
        assert row.days_since_order == ago and row.is_recent == (ago <= 60)
        assert row.orders == len(past["orders"])
        assert row.visits == (past["visits"] >= row.date - pd.Timedelta(days=28)).sum()
        load = sum(0.5 ** ((row.date - day).days / 10) for day in past["sends"])
        assert row.mails_remembered == pytest.approx(load)
        assert row.treated == (own["sends"] == row.date).any()
        assert row.outcome == (own["visits"] == row.date).any()


def test_pairs_recover_what_a_mail_adds_and_the_plain_comparison_does_not():
    paired, plain = [], []
    for seed in range(6):
        logs = logs_of(seed)
        means = pairs_of(logs).groupby("treated")["outcome"].mean()
        paired.append(means[1] - means[0])
        keys = [pd.MultiIndex.from_frame(logs[name][["customer_id", "date"]])
                for name in ("sends", "visits")]  # fmt: skip
        grid = pd.MultiIndex.from_product([logs["orders"]["customer_id"].unique(),
                                           pd.date_range(START, periods=150)])  # fmt: skip
        mailed, came = (grid.isin(one) for one in keys)
        plain.append(came[mailed].mean() - came[~mailed].mean())
    error = np.std(paired, ddof=1) / np.sqrt(6)
    assert abs(np.mean(paired) - 0.05) < 3 * error
    assert np.mean(plain) > 0.05 + 3 * error


def test_a_day_after_the_last_mail_is_refused():
    logs = logs_of(2, readers=5, days=30)
    with pytest.raises(ValueError, match="no mail went out since"):
        pairs_of(logs, since=400)
    with pytest.raises(ValueError, match=r"sends.is_unsubscribed: the column is missing"):
        pairs_of({**logs, "sends": logs["sends"].drop(columns="is_unsubscribed")})
