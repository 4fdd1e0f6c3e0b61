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
# What is it worth, what people say? (exercises 02)

Seven questions and one for your instructor, about 70 minutes. Put your work into the empty cells, let
the last line set `answer`, and run the check below it. A check works on the store in hand: on your
own store the answers differ from your neighbour's. `check.hint("02.1")` gives a hint.
"""

# %% tags=["parameters"]
# The folder of your store: change it, then run everything.
store: str = "../stores/demo"  # folder of the store

# %%
import numpy as np
import pandas as pd

from ecomlab import metrics, open_store
from ecomlab.analysis import market
from ecomlab.course import open_exercise

shop = open_store(store)
check = open_exercise("02_market_analysis", shop)
daily = metrics.daily_kpis(shop)
MARGIN, PEOPLE = 0.04, 2_000

# %%
survey, published = shop.table("survey_answers"), shop.table("population_margins")
margins = {
    name: dict(zip(part["level"], part["share"], strict=True))
    for name, part in published.groupby("variable")
}

# %% [markdown]
"""
## 02.1 A small town

A town has **2,000 shoppers**. How many must answer, for a share to be known within **±4 points** (level
95 %, no share known beforehand)?
"""

# %% tags=["solution"]
answer = market.plan_sample(margin_share=MARGIN, population=PEOPLE).respondents

# %%
check("02.1", answer)

# %% [markdown]
"""
## 02.2 The panel, weighted

What do people **spend in a year** (`spend_last_year`), once the panel (`survey`) is weighted to **all**
the published `margins`?
"""

# %% tags=["solution"]
raking = market.rake(survey, margins=margins)
answer = market.estimate_weighted_mean(raking, value="spend_last_year").mean

# %%
check("02.2", answer)

# %% [markdown]
"""
## 02.3 The market, from our own sales

**Bottom-up**: our sales of the first 365 days (`daily["sales"]`) over our share of what people say they
spend. `here_share` is the part of a person's spending that comes here (empty: none). Weight it, and count
money, not heads.
"""

# %% tags=["solution"]
told = raking.table
money = told["weight"] * told["spend_last_year"]
share = (money * told["here_share"].fillna(0).astype(float)).sum() / money.sum()
answer = daily["sales"].head(365).sum() / share

# %%
check("02.3", answer)

# %% [markdown]
"""
## 02.4 What choices give away

`tasks` holds the choices, ready for `market.fit_choice`: `log_price` is the logarithm of the price over
the usual one. Fit `WANTS`. **By how much may a product be dearer** for being ecological? Give a share.
"""

# %%
WANTS = ["log_price", "eco", "quality", "none"]
tasks = shop.table("choice_answers")
usual = tasks["price"].groupby(tasks["category_id"]).transform("mean")
tasks = tasks.assign(
    log_price=np.log(tasks["price"] / usual).fillna(0), eco=tasks["is_eco"].astype(int),
    none=tasks["is_none"].astype(int), quality=tasks["quality_step"].fillna(0).astype(int),
    chosen=tasks["is_chosen"].astype(int),
    task_id=tasks["respondent_id"] + "/" + tasks["task"].astype(str),
)  # fmt: skip

# %% tags=["solution"]
fit = market.fit_choice(tasks, attributes=WANTS)
worth = market.estimate_willingness(fit, price="log_price", price_scale="log")
answer = worth.table.set_index("attribute").loc["eco", "willingness"]

# %%
check("02.4", answer)

# %% [markdown]
"""
## 02.5 Two coders

Two coders read the same answers (`codes`). How far do they **agree beyond chance**? Give Cohen's kappa.
"""

# %%
codes = shop.table("interview_codes")
codes = codes.assign(unit=codes["respondent_id"] + "/" + codes["question"].astype(str))

# %% tags=["solution"]
ratings = codes.rename(columns={"coder": "rater", "theme": "code"})
answer = market.measure_agreement(ratings, method="cohen").value

# %%
check("02.5", answer)

# %% [markdown]
"""
## 02.6 Are they cheaper?

`theirs` holds competitors' prices. What do they ask, **as a multiple of what we ask** on the same day for
the same product, every product alike, over all competitors?
"""

# %%
theirs = shop.table("competitor_prices")

# %% tags=["solution"]
asked_prices = shop.table("prices")
answer = market.compare_prices(theirs, asked_prices).index

# %%
check("02.6", answer)

# %% [markdown]
"""
## 02.7 A decision: the price of eco

A visitor sees the four `offers`: two ordinary products, an eco product, and leaving without any.
What should the eco product cost, **as a multiple of today's price** (1.1 for ten per cent more)? Use your `fit` of 02.4. You are judged by the profit of a thousand visitors,
and within 0.3 % of the best is good.
"""

# %%
goods = shop.table("products")
offers = pd.DataFrame(0.0, index=["one", "another", "eco", "nothing"], columns=WANTS)
offers.loc["eco", "eco"], offers.loc["nothing", "none"] = 1.0, 1.0
offers["price"] = [goods["list_price"].mean()] * 3 + [np.nan]
offers["unit_cost"] = [goods["unit_cost"].mean()] * 3 + [np.nan]
offers["is_repriced"] = offers.index == "eco"

# %% tags=["solution"]
buying = daily["converted_sessions"].sum() / daily["sessions"].sum()
answer = market.plan_repricing(fit, offers, price="log_price", buying_share=buying).factor

# %%
check("02.7", answer)

# %% [markdown]
"""
## 02.8 For your instructor

How much of a **lasting** change of our prices do competitors copy, costs held fixed? (Weekly paths by
category: theirs with an item a product and competitor; ours and costs as means of seven days.) This one is
checked by your instructor.
"""

# %% tags=["solution"]
kind = goods.set_index("sku")["category_id"]
seen = theirs.dropna(subset="price")
seen = seen.assign(item=seen["sku"] + seen["competitor"], group=seen["sku"].map(kind))
own = asked_prices.assign(item=asked_prices["sku"], group=asked_prices["sku"].map(kind))
costs = own.groupby(["group", "date"])["supply_cost_index"].mean().rename("cost").reset_index()
days = market.track_prices(own).rename(columns={"index": "own"}).merge(costs, on=["group", "date"])
means = days.groupby("group")[["own", "cost"]].transform(lambda path: path.rolling(7, 1).mean())
paths = days.assign(**means).merge(
    market.track_prices(seen).rename(columns={"index": "rival"}), on=["group", "date"]
)
weekly = paths.rename(columns={"group": "market", "date": "period"})
answer = market.estimate_reaction(weekly).reaction

# %%
check("02.8", answer)

# %%
check.summary()
