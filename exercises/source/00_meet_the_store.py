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
# Can you trust this store's numbers? (exercises 00)

Five questions, about 40 minutes. Put your work into the empty cells, let the last line set
`answer`, and run the check below it. A check works on the store in hand: on your own store the
answers differ from your neighbour's. `check.hint("00.1")` gives a hint.
"""

# %% tags=["parameters"]
# The folder of your store: change it, then run everything.
store: str = "../stores/demo"  # folder of the store

# %%
import pandas as pd

from ecomlab import metrics, open_store
from ecomlab.analysis import screening
from ecomlab.course import open_exercise
from ecomlab.simulator.faults import export_with_faults

shop = open_store(store)
check = open_exercise("00_meet_the_store", shop)
daily = metrics.daily_kpis(shop)
EXPORT_SEED, FEE_PER_VISIT = 11, 0.40

# %% [markdown]
"""
## 00.1 What stays

Your predecessor reported gross. Which **share of gross** stays as **net revenue**, over the whole
period? Give a share between 0 and 1.
"""

# %% tags=["solution"]
steps = metrics.bridge_revenue(shop).set_index("step")["amount"]
answer = steps["net"] / steps["gross"]

# %%
check("00.1", answer)

# %% [markdown]
"""
## 00.2 How often they buy

How many orders did a **known** customer place on average over the whole period? (Orders whose payment
failed or was cancelled do not count.)
"""

# %% tags=["solution"]
known = metrics.count_buyers(shop).set_index("group").loc["known"]
answer = known["orders"] / known["buyers"]

# %%
check("00.2", answer)

# %% [markdown]
"""
## 00.3 One conversion

What is the **conversion** (转化率) over the whole period: the share of visits in which an order was
placed that counts (not failed, not cancelled)?
"""

# %% tags=["solution"]
answer = daily["converted_sessions"].sum() / daily["sessions"].sum()

# %%
check("00.3", answer)

# %% [markdown]
"""
## 00.4 Repair the export

`lines` below is an export with planted faults. What do its rows add up to (units × price −
discount), **once repaired**?
"""

# %%
export = export_with_faults(shop, seed=EXPORT_SEED)
lines = export.lines
lines["date"] = pd.to_datetime(lines["Created"]).dt.normalize()
lines["amount"] = lines["Qty"] * lines["Unit price"] - lines["Discount"]
lines.head()

# %% tags=["solution"]
twice = screening.find_double_delivery(lines)
named = lines.rename(columns={"Region": "region_id", "SKU": "sku", "Unit price": "price"})
left = named[~twice.flags].fillna({"region_id": "?"})
slip = screening.find_currency_slip(left)
answer = left["amount"].where(~slip.flags, left["amount"] / slip.divisor).sum()

# %%
check("00.4", answer)

# %% [markdown]
"""
## 00.5 A decision: pay the agency

An agency bills **0.40 a visit** (`FEE_PER_VISIT`) for every visit on the days on which robots came
(the days of their first to last visit). You pay for people, not for robots. `visits` is the web log
of the export. **How much do you pay?**
"""

# %%
visits = export.sessions

# %% tags=["solution"]
if visits is None:
    answer = 0.0
else:
    log = visits.rename(columns={"Visitor": "visitor_id", "Order No": "order_id"})
    log["date"] = pd.to_datetime(log["Started"]).dt.normalize()
    bots = screening.find_bots(log)
    billed = log["date"].isin(log.loc[bots.flags, "date"].unique())
    answer = FEE_PER_VISIT * (billed & ~bots.flags).sum()

# %%
check("00.5", answer)

# %%
check.summary()
