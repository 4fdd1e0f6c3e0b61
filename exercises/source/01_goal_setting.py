# ---
# jupyter:
#   jupytext:
#     cell_markers: '"""'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
"""
# What would you promise? (exercises 01)

Six questions and one for your instructor, about 50 minutes. Put your work into the empty cells, let the last line set
`answer`, and run the check below it. A check works on the store in hand: on your own store the
answers differ from your neighbour's. `check.hint("01.1")` gives a hint.
"""

# %% tags=["parameters"]
# The folder of your store: change it, then run everything.
store: str = "../stores/demo"  # folder of the store

# %%
import pandas as pd

from ecomlab import metrics, open_store
from ecomlab.analysis import goals
from ecomlab.course import open_exercise
from ecomlab.events import list_events, market_of

shop = open_store(store)
check = open_exercise("01_goal_setting", shop)
daily = metrics.daily_kpis(shop)
first, last = daily["date"].iloc[[0, -1]]
market = market_of(shop.manifest.time_zone)
events = list_events(first, last + pd.Timedelta(days=210), market=market)
WEEKS, GROWTH, UNDERAGE, OVERAGE = 13, 0.05, 0.45, 0.15

# %% [markdown]
"""
## 01.1 What moved it

Compare the **last 26 weeks (182 days) with the 26 weeks before**. Which factor of the KPI tree moved net revenue
most? Give the name of the node, as the table writes it.
"""

# %% tags=["solution"]
web = daily if daily["sessions"].notna().all() else daily.drop(columns="sessions")
start, before = last - pd.Timedelta(days=181), last - pd.Timedelta(days=363)
answer = goals.build_kpi_tree(web, start=start, compare_start=before, days=182).biggest

# %%
check("01.1", answer)

# %% [markdown]
"""
## 01.2 Last year's weeks

The goal is for the **next 13 weeks**. What did the same weeks of last year bring, **net**? (Weeks
are blocks of seven days counted back from the last day.)
"""

# %% tags=["solution"]
history = goals.sum_weeks(daily)
answer = history["value"].iloc[-52 : WEEKS - 52].sum()

# %%
check("01.2", answer)

# %% [markdown]
"""
## 01.3 If nothing changes

What will the next 13 weeks bring, net, **without any new decision**? (`events` holds the shopping
events, past and ahead. Within 1.5 % counts as right.)
"""

# %% tags=["solution"]
baseline = goals.forecast_baseline(daily, events, weeks=WEEKS)
answer = baseline.total

# %%
check("01.3", answer)

# %% [markdown]
"""
## 01.4 A chance, not a number

What is the **chance** that the next 13 weeks bring last year's weeks **plus five percent**, if
nothing changes? Give a share.
"""

# %% tags=["solution"]
target = history["value"].iloc[-52 : WEEKS - 52].sum() * (1 + GROWTH)
answer = goals.assess_target(baseline, target=target).chance_share

# %%
check("01.4", answer)

# %% [markdown]
"""
## 01.5 A decision: prepare

Go **13 weeks back**: `known` is all you may know. A missed unit of sales loses 0.45 of it, an idle
one 0.15. **How much do you prepare for**, over the 13 weeks? You are judged by what could be known
that day (the expected cost), and told what luck made of it.
"""

# %%
known = daily.iloc[: len(daily) - 7 * WEEKS]

# %% tags=["solution"]
then = goals.forecast_baseline(known, events, weeks=WEEKS)
answer = goals.plan_commitment(then, underage_cost=UNDERAGE, overage_cost=OVERAGE).committed

# %%
check("01.5", answer)

# %% [markdown]
"""
## 01.6 Hand it down

The goal is the baseline's total. Hand it down in the shape of the forecast and by each channel's
share of past sales (`metrics.summarize_by(shop, by="channel")`). What is **e-mail** asked to bring
in the **strongest week**?
"""

# %% tags=["solution"]
if "sessions" in shop.tables:
    sold = metrics.summarize_by(shop, by="channel").rename(columns={"sales": "amount"})
    parts = goals.cascade_target(baseline, sold, target=baseline.total, owners={})
    answer = parts[parts["channel"] == "email"]["target"].max()
else:
    answer = 0.0

# %%
check("01.6", answer)

# %% [markdown]
"""
## 01.7 For your instructor

The same as 01.4, for **plus fifteen percent**. This one is checked by your instructor.
"""

# %% tags=["solution"]
target = history["value"].iloc[-52 : WEEKS - 52].sum() * 1.15
answer = goals.assess_target(baseline, target=target).chance_share

# %%
check("01.7", answer)

# %%
check.summary()
