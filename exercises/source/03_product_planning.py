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
# What would you list, and at which price? (exercises 03)

Seven questions and one for your instructor, about 70 minutes. Put your work into the empty cells, let
the last line set `answer`, and run the check below it. A check works on the store in hand: on your own
store the answers differ from your neighbour's. `check.hint("03.1")` gives a hint.
"""

# %% tags=["parameters"]
# The folder of your store: change it, then run everything.
store: str = "../stores/demo"  # folder of the store

# %%
import numpy as np
import pandas as pd

from ecomlab import open_store
from ecomlab.analysis import product
from ecomlab.course import open_exercise
from ecomlab.course.shelf import lay_out_line, list_goods, sum_product_weeks

shop = open_store(store)
check = open_exercise("03_product_planning", shop)
goods, weekly = list_goods(shop), sum_product_weeks(shop)
ELASTICITY, SWITCHING = -2.5, 0.1

# %% [markdown]
"""
## 03.1 Who declines?

Your manager wants to clear "everything that sells less than last quarter". How many products **most
likely decline**, once season, store and promotions are taken out? (`weekly` and `goods` hold what you
need.)
"""

# %% tags=["solution"]
answer = product.stage_products(weekly, goods).decline

# %%
check("03.1", answer)

# %% [markdown]
"""
## 03.2 The few that bring most

`months` holds units and value by product and four weeks. How many products are **A**: the best that
together bring 80 % of the *value*?
"""

# %%
since = (weekly["week_start"] - weekly["week_start"].min()).dt.days // 28
months = weekly.assign(period=since)
months = months.groupby(["sku", "period"], as_index=False)[["units", "value"]].sum()

# %% tags=["solution"]
classes = product.classify_products(months)
answer = classes.a_products

# %%
check("03.2", answer)

# %% [markdown]
"""
## 03.3 Erratic, or only slow?

How many products are **Z beyond the luck of counting**, on the same `months`?
"""

# %% tags=["solution"]
answer = classes.z_beyond_luck

# %%
check("03.3", answer)

# %% [markdown]
"""
## 03.4 Bought together

`pairs` holds every pair of products that meets in at least 0.2 % of the orders (and in five orders at
least) more often than by chance, one row a pair. How many of them are **solid**, that is, more than
what luck gives to so many pairs?
"""

# %%
lines = shop.table("order_lines").rename(columns={"sku": "item"})[["order_id", "item"]]
least = max(0.002, 5.5 / lines["order_id"].nunique())
rules = product.find_associations(lines, min_support_share=least, max_items=2)
pairs = rules[rules["antecedent"] < rules["consequent"]].reset_index(drop=True)

# %% tags=["solution"]
answer = product.screen_associations(pairs, lines)["is_solid"].sum() if len(pairs) else 0

# %%
check("03.4", answer)

# %% [markdown]
"""
## 03.5 The price of most profit

`line` is the line of the last 26 weeks. Take its **best seller by units**. Buyers lose 2.5 % of units for
each per cent of price. Which price earns **most**, whatever limits there may be? (Exactly, without price
points.)
"""

# %%
line = lay_out_line(shop)

# %% tags=["solution"]
answer = 0.0
if len(line):
    best_seller = line.loc[line["units"].idxmax()]
    answer = best_seller["unit_cost"] * ELASTICITY / (1 + ELASTICITY)

# %%
check("03.5", answer)

# %% [markdown]
"""
## 03.6 What the supply costs say

What is the **own-price elasticity** by the cost instrument, with competitors' prices **held fixed**?
(In `weekly` are `cost_index` and `rival_price`; where a rival's price was not seen, take the product's
last one, and before the first the next.) Then look at *F* and at the interval: would you set a price by
it? The lesson says why not.
"""

# %% tags=["solution"]
answer = 0.0
if {"cost_index", "rival_price"} <= set(weekly):
    rival = weekly.groupby("sku")["rival_price"].transform(lambda price: price.ffill().bfill())
    logs = weekly.rename(columns={"week_start": "date"}).assign(
        log_cost=np.log(weekly["cost_index"]), log_rival=np.log(rival)
    )
    logs = logs.dropna(subset=["log_cost", "log_rival"]).reset_index(drop=True)
    answer = product.estimate_elasticity(
        logs, instrument="log_cost", controls=["log_rival"]
    ).elasticity

# %%
check("03.6", answer)

# %% [markdown]
"""
## 03.7 A decision: how much money do you ask for?

Every product of `line` binds `cash` for the half-year, and the bank takes **0.30 for each unit** of money
bound. You list products by what they earn for their money (`margin * units / cash`), best first, until
your budget is spent; one in ten buyers of a missing product takes another. **Which budget** do you ask
for? You are judged by the profit of the list, less what the money costs.
"""

# %% tags=["solution"]
ranked = line.iloc[(line["margin"] * line["units"] / line["cash"]).argsort()[::-1]]


def net_of(budget: float) -> float:
    listed = ranked["sku"][ranked["cash"].cumsum() <= budget]
    found = product.value_assortment(line, listed, switching=SWITCHING)
    return found.profit - 0.30 * found.cash


budgets = pd.Series(np.linspace(0.02, 1, 50) * line["cash"].sum())
answer = budgets[budgets.map(net_of).idxmax()] if len(line) else 0.0

# %%
check("03.7", answer)

# %% [markdown]
"""
## 03.8 For your instructor

How many products of `line` would, **in expectation**, not be missed, if one in ten of their buyers takes
another product and a year's use of money costs 22 %? This one is checked by your instructor.
"""

# %% tags=["solution"]
answer = 0
if len(line):
    goers = product.find_delist_candidates(line, years=0.5, switching_share=SWITCHING)
    answer = (goers.table["gain"] > 0).sum()

# %%
check("03.8", answer)

# %%
check.summary()
