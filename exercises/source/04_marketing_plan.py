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
# Where would you put the money? (exercises 04)

Nine questions and one for your instructor, about 80 minutes. Put your work into the empty cells, let the last line set
`answer`, and run the check below it. A check works on the store in hand: on your own store the
answers differ from your neighbour's. `check.hint("04.1")` gives a hint.
"""

# %% tags=["parameters"]
# The folder of your store: change it, then run everything.
store: str = "../stores/demo"  # folder of the store

# %%
import numpy as np
import pandas as pd

from ecomlab import open_store
from ecomlab.analysis import marketing
from ecomlab.course import open_exercise

shop = open_store(store)
check = open_exercise("04_marketing_plan", shop)
LIFT, DAYS, VALUE_PER_OPEN, COST_PER_MAIL = 0.10, 182, 0.06, 0.004


def table(name: str) -> pd.DataFrame:
    """Return a table, or an empty one where the store has none."""
    return shop.table(name) if name in shop.tables else pd.DataFrame()


sessions, ads, sends = table("sessions"), table("ad_daily"), table("email_sends")
orders = shop.table("orders")
size = f"{len(sessions):,} visits, {len(orders):,} orders, {len(sends):,} mails"
size

# %% [markdown]
"""
## 04.1 Proud platforms

Add up the orders that all platforms in `ad_daily` claim, and the orders whose visit came by one of these channels.
**How many times** as many are claimed?
"""

# %% tags=["solution"]
answer = 0.0
if len(ads):
    clicked = sessions[sessions["channel"].isin(ads["channel"].unique())]["order_id"].count()
    answer = ads["reported_orders"].sum() / clicked

# %%
check("04.1", answer)

# %% [markdown]
"""
## 04.2 Sharing the credit

`visits` has the amount of the paid order of a visit. How many orders does the **Markov** rule credit to **paid search**?
(Journeys as `collect_paths` makes them, with its usual window.)
"""

# %%
paid = orders[orders["payment_status"] == "paid"] if "payment_status" in orders else orders
visits = (
    sessions.merge(paid[["order_id", "amount"]], on="order_id", how="left")
    if len(sessions)
    else None
)

# %% tags=["solution"]
answer = 0.0
if visits is not None:
    markov = marketing.attribute_paths(marketing.collect_paths(visits), method="markov")
    answer = markov.table.set_index("channel")["conversions"].get("paid_search", 0.0)

# %%
check("04.2", answer)

# %% [markdown]
"""
## 04.3 Twice as far down

A page falls from rank 2 to rank 4 in unpaid search. **What share of its clicks does it lose?** Fit the click curve to
`seo_daily`. (Within 1 % counts as right.)
"""

# %% tags=["solution"]
answer = 0.0
if "seo_daily" in shop.tables:
    curve = marketing.fit_click_curve(shop.table("seo_daily"))
    answer = 1 - 2**curve.exponent

# %%
check("04.3", answer)

# %% [markdown]
"""
## 04.4 How large a test?

A new page is to bring **ten per cent more orders a visit**. How many visits does **each arm** need, for a chance of 80 % to
find it? The base is the share of all visits in `sessions` with an order.
"""

# %% tags=["solution"]
answer = 0.0
if len(sessions):
    base = sessions["order_id"].notna().mean()
    answer = marketing.plan_test(base_share=base, lift_share=LIFT).units_per_arm

# %%
check("04.4", answer)

# %% [markdown]
"""
## 04.5 How long?

The page is expected to bring only **five per cent** more. How many **days** does the test take, with two arms and all
visits of a mean day in it? (Within 1 %.)
"""

# %% tags=["solution"]
answer = 0.0
if len(sessions):
    sizes = marketing.plan_test(base_share=base, lift_share=LIFT / 2)
    a_day = len(sessions) / ((sessions["date"].max() - sessions["date"].min()).days + 1)
    answer = 2 * sizes.units_per_arm / a_day

# %%
check("04.5", answer)

# %% [markdown]
"""
## 04.6 A test of nothing

Before the first real test the software is tried with nothing: an *A/A test*. Customers whose pseudonym ends on 0 to 7 are arm A,
those on 8 to f arm B; the outcome is what a customer spent in all (`orders.amount`, customers with an order). **What is the
p-value?**
"""

# %% tags=["solution"]
spent = orders.dropna(subset="customer_id").groupby("customer_id")["amount"].sum().reset_index()
spent["arm"] = np.where(spent["customer_id"].str[-1] < "8", "A", "B")
spent = spent.rename(columns={"customer_id": "unit_id", "amount": "outcome"})
answer = marketing.read_test(spent, control="A").p_value

# %%
check("04.6", answer)

# %% [markdown]
"""
## 04.7 Sharper with the past

Take all customers who ever got a mail, in the same two arms. The outcome is their visits in the **last 182 days**, `before` their visits
in the 182 days before these. **What share of the variance does CUPED save?**
"""

# %% tags=["solution"]
answer = 0.0
if len(sends):
    known, last = sessions.dropna(subset="customer_id"), sessions["date"].max()
    half, year = last - pd.Timedelta(days=DAYS), last - pd.Timedelta(days=2 * DAYS)
    now = known[known["date"] > half].groupby("customer_id").size()
    past = known[(known["date"] > year) & (known["date"] <= half)].groupby("customer_id").size()
    readers = pd.DataFrame({"unit_id": sends["customer_id"].unique()})
    readers["arm"] = np.where(readers["unit_id"].str[-1] < "8", "A", "B")
    readers["outcome"] = readers["unit_id"].map(now).fillna(0.0)
    readers["before"] = readers["unit_id"].map(past).fillna(0.0)
    answer = marketing.adjust_outcomes(readers).variance_saved_share

# %%
check("04.7", answer)

# %% [markdown]
"""
## 04.8 One mail more

A reader forgets half of a mail in ten days; what is left of all earlier mails adds up to the *mails remembered*. By how much does
**one more mail remembered** change the share of mails that **the same reader** opens? Give it as a share (one
point is 0.01), with its sign.
"""

# %% tags=["solution"]
answer = 0.0
if len(sends):
    fatigue = marketing.measure_fatigue(sends)
    answer = fatigue.open_change

# %%
check("04.8", answer)

# %% [markdown]
"""
## 04.9 A decision: the rhythm

An opened mail adds a margin of 0.06, sending one costs 0.004. **How many mails a week does each reader get?** You are judged by what a
reader is then worth over a year, those who unsubscribe included.
"""

# %% tags=["solution"]
answer = 1.0
if len(sends):
    plan = marketing.plan_mail_frequency(
        fatigue, value_per_open=VALUE_PER_OPEN, cost_per_mail=COST_PER_MAIL
    )
    answer = plan.mails_per_week

# %%
check("04.9", answer)

# %% [markdown]
"""
## 04.10 For your instructor

How many visits by *creators* does **one unit of fee** bring, over the day of the post and the ten days after it? This one is checked
by your instructor.
"""

# %% tags=["solution"]
answer = 0.0
if "creator_posts" in shop.tables:
    days = pd.DataFrame({"date": pd.date_range(sessions["date"].min(), sessions["date"].max())})
    fees = shop.table("creator_posts").groupby("date")["fee"].sum()
    came = sessions[sessions["channel"] == "creators"].groupby("date").size()
    days["spend"] = days["date"].map(fees).fillna(0.0)
    days["outcome"] = days["date"].map(came).fillna(0.0)
    answer = marketing.trace_posts(days, lags=10).total

# %%
check("04.10", answer)

# %%
check.summary()
