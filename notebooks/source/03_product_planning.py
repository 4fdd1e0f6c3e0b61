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
# Which products to list, to push, to price how, to let go?

A shop's shelf fills by itself: every season brings new products, and hardly any ever leaves. Then
money lies in goods nobody wants, while the best sellers are priced by habit. This notebook goes
along the shelf with four questions, and each time shows the answer that everybody gives, what is
wrong with it, and one you can defend.

After it you will be able to

- **place every product in its life cycle**, and tell a season from a decline;
- **sort the line and choose what to list** when places and money are short, and say who would not be missed;
- **set prices from an elasticity you can trust**, and know which one you cannot.

*Time: 90 minutes in the room. Words marked 中文 are the terms of the Chinese curriculum.*
"""

# %% [markdown]
"""
## Setup

The parameters are the only thing to change. `ecomlab run 03_product_planning -p cash_share=0.4`
does the same from the command line (in the activated environment).
"""

# %% tags=["parameters"]
store: str = "../stores/demo"  # folder of the store
seed: int = 7  # seed of draws and lots [0, 1000000]
places_share: float = 0.6  # share of today's products there is room for [0.05, 1.0]
cash_share: float = 0.5  # share of today's money in stock that may stay bound [0.05, 1.0]
cover_weeks: float = 8.0  # weeks of sales that are kept in stock [1, 52]
least_order: int = 24  # smallest number of units a supplier sells [1, 1000]
capital_cost: float = 0.22  # what a year's use of money costs, ageing and space included [0, 1.0]
most_change: float = 0.3  # largest price change that anybody dares, as a share [0.01, 0.6]
test_weeks: int = 26  # length of the test by lot, where the store can be run on [4, 52]

# %%
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ecomlab.analysis import product
from ecomlab.course import carry_out, open_lesson
from ecomlab.course.shelf import lay_out_line, list_goods, sum_product_weeks
from ecomlab.plotting import GREY, ORANGE, finish, format_amount, new_axes, use_style
from ecomlab.reports import publish
from ecomlab.simulator import Experiment, Plan, advance, score
from ecomlab.store.sealing import open_truth

use_style()

# %%
lesson = open_lesson("03_product_planning", store)
shop, currency = lesson.shop, lesson.shop.manifest.currency
goods, weekly = list_goods(shop), sum_product_weeks(shop)
goods["group"] = goods["category_id"].astype(object).fillna("all")
first, last = weekly["week_start"].min(), pd.Timestamp(shop.manifest.last_day)
years = weekly["week_start"].nunique() / 52
Markdown(
    f"**{shop.name}** lists {len(goods):,} products (*SKUs*); {weekly['units'].sum():,.0f} units were "
    f"sold in {weekly['week_start'].nunique()} whole weeks."
)

# %% [markdown]
"""
## Where is each product in its life?

Products have a *life cycle* (产品生命周期): *introduction* (导入期), when few know it; *growth*
(成长期); *maturity* (成熟期); and *decline* (衰退期). What to do with a product depends on where it
is, so a mistake here is a mistake in everything that follows.

### The naive answer: is it selling less than last quarter?
"""

# %% tags=["hide-input"]
lesson.note("life cycle")

# %%
lesson.require("life cycle")


def compare_quarters(weeks: pd.DataFrame) -> pd.DataFrame:
    wide = weeks.pivot(index="week_start", columns="sku", values="units").fillna(0)
    change = wide.tail(13).sum() / wide.iloc[-26:-13].sum().clip(lower=0.5) - 1
    stage = np.select([change > 0.1, change < -0.1], ["growth", "decline"], "maturity")
    return pd.DataFrame({"sku": wide.columns, "stage": stage, "change": change.to_numpy()})


# %%
naive = compare_quarters(weekly)
count = naive["stage"].value_counts().reindex(["growth", "maturity", "decline"], fill_value=0)
Markdown(
    f"By this rule **{count['growth']:,}** products grow, **{count['decline']:,}** decline, and only "
    f"**{count['maturity']:,}** hold their place."
)

# %% [markdown]
"""
A shop in which everything rises or falls? Two things make it look so. The quarters are **different
seasons**, and a slow product's sales are mostly **luck**. The picture shows the first: each line is a
category's share of what the store sells, and the orange one moves most.
"""

# %%
by_group = weekly.merge(goods[["sku", "group"]], on="sku")
share = by_group.pivot_table(index="week_start", columns="group", values="units", aggfunc="sum")
smooth = share.fillna(0).rolling(8, center=True).sum()
kinds = smooth.shape[1] > 1
part = (smooth.div(smooth.sum(axis=1), axis=0) if kinds else smooth / smooth.mean()).dropna()
busiest = (part.max() / part.mean()).idxmax()
top_month, most, least = part[busiest].idxmax(), part[busiest].max(), part[busiest].min()

# %%
ax = new_axes(height=3.4)
part.plot(ax=ax, legend=False, color=GREY, linewidth=0.8)
part[busiest].plot(ax=ax, color=ORANGE, linewidth=2.2)
ax.text(
    top_month, most, f" {busiest if kinds else ''}", color=ORANGE, fontweight="bold", va="bottom"
)
ax.yaxis.set_major_formatter("{x:.0%}")
_ = finish(
    ax, source=lesson.source, x="week", y="share of units" if kinds else "units over their mean",
    title=f"{busiest if kinds else 'The store'}: {most:.0%} of {'all units' if kinds else 'its mean'} at the peak in "
    f"{top_month:%B %Y}, {least:.0%} at the lowest",
)  # fmt: skip

# %%
called = naive.merge(goods[["sku", "group"]], on="sku").groupby("group")["stage"]
called = called.value_counts(normalize=True).unstack(fill_value=0).reindex(columns=["growth", "decline"], fill_value=0)  # fmt: skip
up, down = called["growth"].idxmax(), called["decline"].idxmax()
Markdown(
    f"By the rule {called.loc[up, 'growth']:.0%} of the products in *{up}* grow, and {called.loc[down, 'decline']:.0%} "
    f"in *{down}* decline. Whole categories move together, as seasons move them; the ages of their products differ."
    if kinds else "All products share the store's season, and the rule takes it for their lives."
)  # fmt: skip

# %% [markdown]
"""
### Better: what would a product that stands still have sold?

For each week we say what a steady product would have sold: the store's sales that week, times its
category's season, more if it was promoted, nothing if it was not on the shelf. Only what is left
over is the product's own life. In words: *not "does it sell less than in December", but "does it
hold its place among the others"*.

And because slow products tell little, each leans on products of its kind, the more the less it
sells itself (*partial pooling*). The answer is a chance for each stage; a full dot below is *sure*, a
chance of at least 80 %.
"""

# %%
stages = product.stage_products(weekly, goods)
ax = stages.plot()
_ = finish(ax, title=ax.get_title(loc="left"), source=lesson.source)

# %%
Markdown("".join(f"- *Mind:* {caveat}\n" for caveat in stages.caveats))

# %% tags=["nbval-check-output"]
stages.summary().round(2)

# %%
lift = stages.promotion_lift
Markdown(
    f"Of {len(stages.table):,} products **{stages.decline:,}** most likely decline; "
    f"{stages.sure_share:.0%} of all stages are sure."
    + (f" (A promoted week sells {lift:.1f} times a usual one, which is taken out.)" if lift != 1 else "")
)  # fmt: skip

# %% [markdown]
"""
What to do follows from the stage. The levers are those of a plan (`Plan`), which later notebooks
and the game of the last chapter carry out.
"""

# %%
product.advise_by_stage(stages).set_index("stage")[["products", "aim", "plan_levers", "stock"]]

# %% [markdown]
"""
### The truth

In a simulated store each product's life is known: new ones start with a handicap that fades, and
fashion fades from its second year to its fourth. We open it last, for today and for a year ago.
"""

# %% tags=["hide-input"]
lesson.note("the truth of stages")


# %%
def true_stages(day: pd.Timestamp) -> pd.DataFrame:
    law = open_truth(shop.folder)["truth_params"].set_index("parameter")["value"]
    fade = goods["group"].map(lambda kind: float(law[f"categories.{kind}.fades_per_year"]))
    age = (day - goods["launch_date"]).dt.days
    lost = fade * ((age / 365 - 1).clip(0, 3) - (age / 365 - 2).clip(0, 3))
    new = float(law["choice.launch_dip"]) * 0.5 ** (age / 45) * np.log(2) * 365 / 45
    stage = np.select(
        [age < 56, new > 0.25, lost > 0.1], (*product.STAGES[:2], "decline"), "maturity"
    )
    return pd.DataFrame({"sku": goods["sku"], "stage": stage})[age >= 0]


# %%
sealed = shop.folder.with_name(f"{shop.folder.name}.truth.zip")
can_truth, tables, judged = lesson.can("the truth of stages") and sealed.exists(), [], []
for day in (last, last - pd.Timedelta(days=364)) if can_truth else ():
    seen = weekly[weekly["week_start"] <= day - pd.Timedelta(days=6)]
    true, found = true_stages(day), product.stage_products(seen, goods).table
    naive_then = compare_quarters(seen)
    tables.append([product.confuse_stages(f, true) for f in (naive_then, found)])
    judged.append(found.merge(true, on="sku", suffixes=("", "_true")))

# %% tags=["nbval-check-output"]
naive_table, better_table = map(sum, zip(*tables, strict=True)) if can_truth else (None, None)
better_table if can_truth else "not on this store"

# %%
if can_truth:
    right = [np.trace(t.to_numpy()) / t.to_numpy().sum() for t in (naive_table, better_table)]
    by_truth, declining = better_table.sum(axis=1), better_table["decline"]
    found_share = declining["decline"] / max(by_truth["decline"], 1)
    precision = declining["decline"] / max(declining.sum(), 1)
    display(Markdown(
        f"The naive answer is right for **{right[0]:.0%}** of the products, ours for **{right[1]:.0%}**. For comparison: "
        f"who writes *{by_truth.idxmax()}* on every product is right for {by_truth.max() / by_truth.sum():.0%}, and sees nothing "
        f"else. Ours finds {found_share:.0%} of what truly declines, and of those it says decline **{precision:.0%}** do."
    ))  # fmt: skip

# %%
if can_truth:
    judged = pd.concat(judged).merge(goods[["sku", "group"]], on="sku")
    sure = judged.query("is_sure")
    going = sure.query("stage == 'decline'")
    missed = judged.query("stage == 'decline' and stage_true == 'maturity'")
    where = missed["group"].value_counts(normalize=True).head(2)
    display(Markdown(
        f"Of the stages it calls sure {sure['stage'].eq(sure['stage_true']).mean():.0%} are right, of the sure declines "
        f"{going['stage_true'].eq('decline').mean():.0%}. {where.sum():.0%} of the mature products taken for declining are "
        f"in {' and '.join(where.index)}: what a whole category loses for a while, the books cannot tell from age. "
        "**So a decline found is a reason to look at a product, not yet to drop it.**"
    ))  # fmt: skip

# %% [markdown]
"""
### How large will a new product become?

For products that are bought once, the *Bass model* (巴斯模型) describes how sales rise and fall:
some buy of their own accord (*innovation*), others because others have (*imitation*). Its textbook
case are the video recorders of the 1980s. What matters to a manager is when it can be believed.
"""

# %%
VCR = [840, 1470, 2110, 4000, 7590, 10950, 10530, 9470, 7790, 5890]  # thousands, 1980 to 1989
sold = pd.DataFrame({"period": range(1, 11), "units": 1000 * np.array(VCR)})
fits = {years_seen: product.fit_bass(sold.head(years_seen)) for years_seen in (5, 6, 7, 8, 10)}
ax = fits[10].plot()
_ = finish(ax, title=ax.get_title(loc="left"), x="year since 1979", y="units a year",
           source="VCR sales in the United States, in Cowpertwait and Metcalfe 2009, section 3.3.4")  # fmt: skip

# %%
rows = [(n, f.is_estimated, f.market_units, f.market_low, f.market_high) for n, f in fits.items()]
told = pd.DataFrame(rows, columns=["years seen", "estimated", "market [million]", "low", "high"])
(told.set_index("years seen") / [1, 1e6, 1e6, 1e6]).round(1).astype({"estimated": bool})

# %%
Markdown(
    f"With seven years the guess is {fits[7].market_units / 1e6:.1f} million recorders; by the tenth year "
    f"{sold['units'].sum() / 1e6:.1f} million had been sold, people went on buying, and the guess was "
    f"{fits[10].market_units / 1e6:.1f} million: "
    + ("outside" if fits[10].market_units > fits[7].market_high else "inside")
    + " the interval of the seven years."
)

# %% [markdown]
"""
With five or six years the curve has not turned, and the model says *not estimated* rather than a
number: any market size fits a curve that still rises. Soon after the peak it is still too sure. So ask
of every growth forecast on your desk: *has the peak been seen, and how long ago?* Let us try it on a
product of this store: of those launched since the books began, the one that sold in most weeks.
"""

# %%
born = weekly[weekly["units"] > 0].groupby("sku")["week_start"].min()
new = born[(born > first + pd.Timedelta(weeks=8)) & (born < last - pd.Timedelta(weeks=26))].index
weeks_sold = weekly[(weekly["units"] > 0) & weekly["sku"].isin(new)].groupby("sku")["units"].size()
star = weeks_sold.idxmax()  # the new one that sold in most weeks
own = weekly[(weekly["sku"] == star) & (weekly["week_start"] >= born[star])].set_index("week_start")
monthly = own["units"].resample("28D").sum().iloc[:-1]
launched = pd.DataFrame({"period": range(1, len(monthly) + 1), "units": monthly.to_numpy()})

# %%
star_fit = product.fit_bass(launched)
ax = star_fit.plot()
_ = finish(ax, title=f"{star}: {ax.get_title(loc='left')}", x="four-week periods since launch",
           y="units in four weeks", source=lesson.source)  # fmt: skip

# %%
Markdown("".join(f"- *Mind:* {caveat}\n" for caveat in star_fit.caveats))

# %% [markdown]
"""
## What does each product bring?

*ABC* (ABC 分类) sorts products by what they bring: A are the best ones that together bring 80 % of the
value. *XYZ* sorts by how steadily they sell: X can be planned, Z cannot. The usual measure is the
*variation*, the standard deviation of units in four weeks over their mean, and Z begins at 1.
"""

# %% tags=["hide-input"]
lesson.note("the line")

# %%
months = weekly.assign(period=(weekly["week_start"] - first).dt.days // 28)
months = months.groupby(["sku", "period"], as_index=False)[["units", "value"]].sum()
classes = product.classify_products(months)
ax = classes.plot()
_ = finish(ax, title=ax.get_title(loc="left"), source=lesson.source)

# %%
classes.summary().round(3)

# %% [markdown]
"""
Z means "erratic". But a product that sells one unit in four weeks must look erratic even if nothing
ever changes: counting alone gives a variation of 1. So we take that luck out (`excess`), and count
again.
"""

# %%
Markdown(
    f"By the usual measure **{classes.z_products:,}** of {len(classes.table):,} products are Z; beyond "
    f"the luck of counting **{classes.z_beyond_luck:,}** are. "
    + (
        "A shop that drops its Z products by the usual measure drops its slow ones, and thinks they were "
        "erratic."
        if classes.z_beyond_luck < 0.7 * classes.z_products
        else "So here most of it is real: seasons, single large orders, products that came and went."
    )
)

# %%
classes.matrix.rename_axis(index="value", columns="steadiness, beyond luck")

# %%
Markdown(
    f"The {classes.matrix.loc['A', 'X']:,} products in the corner AX bring much and sell steadily: a forecast orders "
    f"them. The {classes.matrix.loc['C', 'Z']:,} in CZ bring little and come and go: nobody can plan them, and little "
    "is lost if they are ordered only when they are wanted."
)  # fmt: skip

# %% [markdown]
"""
### Where does the line grow?

The *growth–share map* (波士顿矩阵) shows each category's growth and its sales over those of the
largest rival: stars, cash cows, question marks, dogs. Mind what it needs: the *market's* sales, which
no shop sees in its own books. Without them the map below shows the store's own growth, and says so.

Large shares are on the left. The dots are as large as sales, the upright lines are what luck leaves
open, and the level line is the growth of all categories together: above it a category gains on the rest.
"""

# %%
span = 52 if years >= 2 else max(int(26 * years), 4)
when = np.select([weekly["week_start"] > last - pd.Timedelta(weeks=span),
                  weekly["week_start"] > last - pd.Timedelta(weeks=2 * span)],
                 ["after", "before"], "")  # fmt: skip
halves = by_group.assign(when=when).query("when != ''").pivot_table(
    index="group", columns="when", values=["value", "units"], aggfunc="sum", fill_value=0)  # fmt: skip

# %%
segments = pd.DataFrame({
    "segment": halves.index, "own_before": halves["value", "before"].to_numpy(),
    "own_after": halves["value", "after"].to_numpy(),
    "orders_before": halves["units", "before"].to_numpy(),
    "orders_after": halves["units", "after"].to_numpy(),
})  # fmt: skip

# %%
if len(segments) > 1:
    growth_map = product.map_growth_share(segments)
    ax = growth_map.plot()
    finish(ax, title=ax.get_title(loc="left"), source=lesson.source)
    certain = growth_map.table.query("is_sure").set_index("segment")["field"]
    display(Markdown(f"Sure of their field are {', '.join(f'{n} ({f})' for n, f in certain.items()) or 'none'}; the "
                     f"span is {span} weeks against the {span} before.\n\n" + "".join(f"- *Mind:* {caveat}\n" for caveat in growth_map.caveats)))  # fmt: skip
else:
    display(Markdown("> **No map**: the products have no categories here."))

# %% [markdown]
"""
### What is bought together?

*Lift* (提升度) says how many times oftener two products meet in an order than if chance alone put them
there. The naive list is the one with the highest lift.
"""

# %%
lines = shop.table("order_lines").rename(columns={"sku": "item"})[["order_id", "item"]]
orders = lines["order_id"].nunique()
rules = product.find_associations(
    lines, min_support_share=max(5.5, 0.002 * orders) / orders, max_items=2
)
pairs = rules[rules["antecedent"] < rules["consequent"]].reset_index(drop=True)


def show(table: pd.DataFrame) -> pd.DataFrame:
    names = {"one": table["antecedent"].str[0], "other": table["consequent"].str[0]}
    return table.drop(columns=["antecedent", "consequent"]).assign(**names).set_index([*names])


show(pairs.head(5))[["support_share", "lift"]].round(4)

# %% [markdown]
"""
A high lift often rests on a handful of orders, and among so many pairs some meet often by luck.
So every lift gets an interval, and a test that knows how many pairs were looked at.
"""

# %%
screened = product.screen_associations(pairs, lines)
show(screened.head(5))[["orders", "lift", "low", "high", "is_solid"]].round(2)

# %%
solid, top_solid = int(screened["is_solid"].sum()), int(screened.head(5)["is_solid"].sum())
Markdown(
    f"{len(pairs):,} pairs met often enough to be listed and more often than by chance; **{solid:,}** of them are "
    f"solid, and of the first five by lift {top_solid}. The solid ones are worth showing together. That they are "
    "bought together does not say that one sells the other: only a test would."
)  # fmt: skip

# %% [markdown]
"""
## Does one product take the place of another?

If a product is missing, do its buyers take another, or leave? This share, the *diversion ratio*
(替代率), decides what an assortment is worth. The naive answer compares weeks in which a product
was out with others; but products run out *because* a week is busy.

Products that were launched in the period were missing before, and some were out of stock for weeks:
trials that nobody planned. Here is what they say.
"""

# %% tags=["hide-input"]
lesson.note("switching")


# %%
def lay_panel(weeks: pd.DataFrame, shelf: pd.DataFrame) -> pd.DataFrame:
    start = weeks["week_start"].min()
    grid = weeks.pivot(index="week_start", columns="sku", values="units").fillna(0)
    panel = grid.reset_index().melt(id_vars="week_start", value_name="units").merge(shelf, on="sku")
    there = (~(panel["launch_date"] > panel["week_start"])).astype(float)
    if "available_share" in weeks:
        stock = weeks[["week_start", "sku", "available_share"]]
        there *= panel.merge(stock, how="left", on=["week_start", "sku"])["available_share"].fillna(
            1
        )
    period = (panel["week_start"] - start).dt.days // 7
    return panel.assign(period=period, available_share=there)


# %%
can_switch = lesson.can("switching")
launches = (
    product.measure_switching(lay_panel(weekly, goods), block_periods=26) if can_switch else None
)
told_by = (
    f"Of 100 units lost, others sold {100 * launches.share:.0f} more ({100 * launches.low:.0f} to "
    f"{100 * launches.high:.0f}).\n\n" if launches is not None and launches.is_estimated else ""
)  # fmt: skip
Markdown("> **Not estimated** on this store." if launches is None else told_by + "".join(
    f"- *Mind:* {caveat}\n" for caveat in launches.caveats))  # fmt: skip

# %% [markdown]
"""
If the answer is above 100, it cannot be what it says: then others of the group sold more because *demand
for the group was up*, and that is why products ran out. Such trials are few, and they do not come at any
time. What would tell is a test: take some products off by lot, and look where their buyers go.
"""

# %% tags=["hide-input"]
lesson.note("tests by lot")

# %%
can_test = lesson.can("tests by lot")
rounds = test_weeks // 2
starts = [(last + pd.Timedelta(days=1 + 14 * i)).date() for i in range(rounds)]
tests = tuple(Experiment(id=f"price-{i}", kind="price", what="all", start=day, days=14)
              for i, day in enumerate(starts))  # fmt: skip
on_sale = goods[goods["launch_date"].isna() | (goods["launch_date"] <= last)]
lot = product.plan_delist_test(on_sale, periods=rounds, missing_share=0.25, seed=seed)

# %%
OFF = 5.0  # at five times its price hardly anybody buys; a delisted one would be sold off too


def shelf_of(round_of_test: int) -> dict[str, float]:
    part = lot[lot["period"] == round_of_test]
    return {
        s: 1.0 if there else OFF
        for s, there in zip(part["sku"], part["available_share"], strict=True)
    }


# %%
if can_test:
    plan = None
    for i, day in enumerate(starts):
        plan = Plan(start=day, prices=shelf_of(i), experiments=tests if i == 0 else ()).after(plan)
    tested = advance(shop, plan=plan, days=14 * rounds).store
    after = sum_product_weeks(tested)
    after = after[after["week_start"] > last].assign(
        period=lambda w: (w["week_start"] - last).dt.days // 14
    )

# %%
if can_test:
    panel = (
        after.groupby(["period", "sku"], as_index=False)["units"]
        .sum()
        .merge(lot, on=["period", "sku"])
    )
    switching = product.measure_switching(panel, block_periods=rounds)
    ax = switching.plot()
    finish(
        ax, title=ax.get_title(loc="left"), source=f"{lesson.source}, {test_weeks} weeks of tests"
    )

# %%
knows_switching = can_test and switching.is_estimated
go_share = round(float(np.clip(switching.share, -0.9, 0.9)), 2) if knows_switching else 0.0
switch_share = max(go_share, 0.0)

# %%
said = "> **Not estimated** here: we reckon as if nobody switched, so every product looks a little more needed than it is."  # fmt: skip
if knows_switching:
    more = f"**{abs(100 * switching.share):.0f}** {'more' if switching.share >= 0 else 'fewer'}"
    said = (f"Of 100 units that missing products would have sold, others sold {more} ({100 * switching.low:+.0f} to "
            f"{100 * switching.high:+.0f}). We reckon with {switch_share:.0%}"
            + ("." if switching.share >= 0 else ": a list is chosen as if nobody switched. Fewer than none is "
               "possible, too: who comes for one product takes others along."))  # fmt: skip
    if switching.high - switching.low > 0.5:
        said += " Mind how wide that is: a store of this size learns only roughly who leaves, even from such a test."  # fmt: skip
Markdown(said)

# %% [markdown]
"""
In the course's study (`docs/studies/product_line.md`), where a twin of each store shows the truth, such a
test covers it about as often as it says. And the truth surprises: products of a category are bought
together more than they replace each other. *Substitute* is a word for a shelf; whether it is one for the
buyers, only they can say.

## What should it cost?

A price has three limits (定价三要素): what the product *costs*, what *competitors* ask, and what people
are *willing to pay*. Between them the *price elasticity* (价格弹性) decides: by how many per cent sales
fall if the price rises by one.

### What people say

Four questions (Van Westendorp): at which price is it so cheap that you doubt it, a bargain, dear, too
dear? The curves cross at a range of accepted prices.
"""

# %% tags=["hide-input"]
lesson.note("price survey")

# %%
can_survey = lesson.can("price survey")
if can_survey:
    said = shop.table("price_answers")
    asked_about = said["category_id"].value_counts().index[0]
    answers = said[said["category_id"] == asked_about].reset_index(drop=True)
    raw, paid = (
        product.find_price_range(answers, overstated_share=over, seed=seed) for over in (0, 0.21)
    )
    ax = raw.plot()
    finish(ax, title=f"{asked_about}: {ax.get_title(loc='left')}", source=lesson.source)

# %%
Markdown(
    f"For {asked_about} people name {raw.lowest_price:.2f} to {raw.highest_price:.2f} {currency}. But they "
    "*say* it; nobody paid. In studies of consumer goods what people say is on average 21 % above what "
    f"they pay, which brings the range to **{paid.lowest_price:.2f} to {paid.highest_price:.2f}**."
    if can_survey
    else "> **No survey on this store**; the ceiling of prices is left open below."
)

# %% [markdown]
"""
The same answers give a ladder (Gabor and Granger): the share that would buy at each price, and the
price that earns most over what the category's middle product costs. Its prices are taken down by the
same 21 %. It looks like a demand curve. It is one of *sayings*, and tells nothing of who would look
elsewhere, so it bounds a price and does not set it.
"""

# %%
if can_survey:
    ladder = np.unique(np.quantile(answers["expensive"], np.linspace(0.05, 0.95, 9)).round())
    curve = product.estimate_demand_curve(
        product.build_purchase_answers(answers, prices=list(ladder)), overstated_share=0.21,
        unit_cost=float(goods.loc[goods["group"] == asked_about, "unit_cost"].median()), seed=seed,
    )  # fmt: skip
    ax = curve.plot()
    finish(ax, title=f"{asked_about}: {ax.get_title(loc='left')}", source=lesson.source)

# %% [markdown]
"""
### What people do: four ways to ask

The naive way puts a line through all prices and sales. Better, a product is compared *with itself*
over time (*fixed effects*, 固定效应). A third way counts only price movements that came from outside,
through supply costs (an *instrument*, 工具变量). Best is the lot: prices drawn at random, where the
store can be run on.

One trap is left even then. **What is sold is not what was wanted** where a shelf runs empty, and cheap
weeks empty it first, so that sales understate what a low price brings. Leaving out the weeks with a gap
makes it worse: they are the weeks in which much was sold. So each week counts by its *time on the shelf*
(`available_share`): in words, not "how many were sold", but "how fast, while there were any".
"""

# %% tags=["hide-input"]
lesson.note("elasticity")

# %%
sales = by_group.rename(columns={"week_start": "date"})
ways = {
    "naive": product.estimate_elasticity(sales, method="naive"),
    "fixed effects": product.estimate_elasticity(sales),
}

# %%
if {"cost_index", "rival_price"} <= set(sales):
    with_cost = sales.assign(
        log_cost=np.log(sales["cost_index"]),
        log_rival=np.log(
            sales.groupby("sku")["rival_price"].transform(lambda p: p.ffill().bfill())
        ),
    ).dropna(subset=["log_cost", "log_rival"])
    ways["cost instrument"] = product.estimate_elasticity(
        with_cost, instrument="log_cost", controls=["log_rival"]
    )

# %%
if can_test:
    arms = tested.table("assignments").merge(tested.table("experiments"), on="experiment_id")
    arms["factor"] = arms["arm"].str.removeprefix("x").replace("usual", "1").astype(float)
    arms["period"] = arms["experiment_id"].str.removeprefix("price-").astype(int)
    there = lot.query("available_share == 1")[["period", "sku"]]

# %%
if can_test:
    by_lot = after.merge(there, on=["period", "sku"]).merge(
        arms[["unit_id", "period", "factor"]],
        left_on=["sku", "period"],
        right_on=["unit_id", "period"],
    )
    by_lot = by_lot.rename(columns={"week_start": "date"}).reset_index(drop=True)
    asked = {"method": "experiment", "instrument": "factor"}
    ways["price test by lot"] = product.estimate_elasticity(by_lot, **asked)
    sold_only = product.estimate_elasticity(
        by_lot.drop(columns="available_share", errors="ignore"), **asked
    )

# %% tags=["nbval-check-output"]
told = pd.DataFrame(
    [(way, e.elasticity, e.low, e.high, e.first_stage_f) for way, e in ways.items()],
    columns=["way", "elasticity", "low", "high", "first_stage_F"],
).round(2)
told

# %% [markdown]
"""
Why do they differ? The naive line compares dear products with cheap ones and throws away every week
without a sale. Fixed effects compare a product with itself, but where a manager promotes what is in
demand anyhow, low prices meet high demand, and buyers look more sensitive than they are.

Costs move prices from outside, provided competitors' prices, which the same costs move, are held fixed.
The *weak-instrument check* is *F*: above 10, costs do move prices. **But passing it is not enough, and in
a store of this size, in this world, the cost instrument does not work.** Products of a category share
their costs and their seasons, so thousands of rows hold a handful of independent movements. In the
course's study (`docs/studies/product.md`) stores several times larger all passed the check; yet the
answers scattered widely, one interval in six missed the truth, and prices set by the instrument lost far
more than prices set by plain fixed effects. It stands here as a lesson in humility: even where it comes
near the truth below, that is luck, and we set no price by it.
"""

# %%
by_cost = ways.get("cost instrument")
Markdown(
    f"Here *F* is {by_cost.first_stage_f:,.0f}, and the interval still reaches from {by_cost.low:.2f} to "
    f"{by_cost.high:.2f}, {(by_cost.high - by_cost.low) / (ways['fixed effects'].high - ways['fixed effects'].low):.1f} "
    "times as wide as that of the fixed effects; by the study it should be wider still."
    if by_cost is not None and by_cost.is_estimated
    else "The cost instrument is **not estimated** here: it needs supply costs and competitors' prices."
)  # fmt: skip

# %%
way_out = "price test by lot" if can_test else "fixed effects"
trusted = ways[way_out]
head = "We trust the price test by lot:" if can_test else "The best this store's books give is"
Markdown(f"**{head} {trusted.elasticity:.2f}** ({trusted.low:.2f} to {trusted.high:.2f}).\n\n"
         + "".join(f"- *Mind:* {caveat}\n" for caveat in trusted.caveats)
         + (f"- Had time on the shelf not been looked at, it would have been {sold_only.elasticity:.2f}.\n"
            if can_test and "available_share" in by_lot else ""))  # fmt: skip

# %% [markdown]
"""
### The truth, and what each way costs

Pricing by an elasticity earns less, the further it is from the truth. `score` opens the sealed truth
and says how much profit of a year would be lost by acting on each answer.
"""

# %%
if can_truth:
    year = (str((last - pd.Timedelta(days=363)).date()), str(last.date()))
    marks = {w: score({"value": e.elasticity, "low": e.low, "high": e.high}, "elasticity:all", year, of=shop.folder)
             for w, e in ways.items() if e.is_estimated}  # fmt: skip
    truth = next(iter(marks.values())).truth
    scored = pd.DataFrame([(w, m.estimate, m.truth, m.covered, m.decision_loss, m.decision_loss_share)
                           for w, m in marks.items()],
                          columns=["way", "estimate", "truth", "covered", "loss", "loss_share"])  # fmt: skip

# %% tags=["nbval-check-output"]
scored.round({"estimate": 2, "truth": 2, "loss": -2, "loss_share": 3}) if can_truth else "not on this store"  # fmt: skip

# %%
if can_truth:
    lost = {w: f"{format_amount(m.decision_loss, currency)} ({m.decision_loss_share:.1%})" for w, m in marks.items()}  # fmt: skip
    lucky = "cost instrument" in marks and marks["cost instrument"].covered
    display(Markdown(
        f"Of a year's best profit, prices by the naive line would lose **{lost['naive']}**, by fixed effects "
        f"{lost['fixed effects']}" + (f", by the lot **{lost[way_out]}**." if can_test else ".")
        + (" The cost instrument's interval holds the truth this time; one store is one draw, and the study says "
           "how it goes in many." if lucky else " The cost instrument's interval misses the truth."
           if by_cost is not None else "")
    ))  # fmt: skip

# %% [markdown]
"""
### The decision: new prices

At an elasticity *e* below −1, profit is highest at *cost × e / (1 + e)* (Lerner's rule): in words, the
share of the price that is margin is one over the size of the elasticity. We keep to what anybody dares
(`most_change`), to at most a tenth above competitors and to prices that shops print. At an elasticity of
−1 or weaker every rise seems to pay, and only these limits stop it.

We carry two plans out for a quarter: one by the naive line, one by the trusted elasticity.
"""

# %% tags=["hide-input"]
lesson.note("prices")

# %%
can_price = lesson.can("prices")
if can_price:
    line = lay_out_line(shop, cover_weeks=cover_weeks, least_order=least_order)
    shelf = line.rename(columns={"rival_price": "competitor_price"})


# %%
def prices_by(elasticity) -> product.PricePlan:
    return product.plan_prices(shelf, elasticity=elasticity, most_change_share=most_change,
                               over_competitor_share=0.1)  # fmt: skip


if can_price:
    by_naive, by_trusted = prices_by(ways["naive"]), prices_by(trusted)
    ax = by_trusted.plot()
    finish(ax, title=ax.get_title(loc="left"), source=lesson.source)

# %%
if can_price:
    moves = np.sign((by_trusted.table["price"] - by_trusted.table["price_today"]).round(2))
    stops = by_trusted.table["limit"].value_counts()
    display(Markdown(
        f"{(moves < 0).sum()} prices fall and {(moves > 0).sum()} rise. What set them: "
        + ", ".join(f"*{name}* for {count}" for name, count in stops.items()) + "."
    ))  # fmt: skip

# %% tags=["hide-input"]
lesson.note("decisions in the store")

# %%
can_run = lesson.can("decisions in the store") and can_price
next_day = str((last + pd.Timedelta(days=1)).date())


def as_plan(plan: product.PricePlan) -> Plan:
    moved = plan.table[~np.isclose(plan.table["price"], plan.table["price_today"])]
    ratio = (moved["price"] / moved["price_today"]).round(4)
    return Plan(start=next_day, prices=dict(zip(moved["sku"], ratio, strict=True)))


# %%
if can_run:
    price_worlds = carry_out(
        shop, {"today": None, "naive": as_plan(by_naive), "trusted": as_plan(by_trusted)}, days=91
    )["profit"]

# %% tags=["nbval-check-output"]
price_worlds.round(-2) if can_run else "not on this store"

# %%
if can_run:
    gain = price_worlds.loc["profit after ads"] - price_worlds.loc["profit after ads", "today"]
    came = price_worlds.loc["margin", "trusted"] / price_worlds.loc["margin", "today"] - 1
    display(Markdown(
        f"In the quarter that followed the naive prices changed profit by **{format_amount(gain['naive'], currency)}**, "
        f"the trusted ones by **{format_amount(gain['trusted'], currency)}** (`difference`: trusted against today). The plan "
        f"had said {by_trusted.profit_change_share:+.1%} of margin; {came:+.1%} came. All three worlds had the same people "
        "and the same luck."
        + ("" if gain["trusted"] > gain["naive"] else
           " The better estimate did not earn more here: limits, competitors' answers or this quarter's "
           "luck weigh more than the difference between the two.")
    ))  # fmt: skip

# %% [markdown]
"""
## Which products to list?

There is room for some of the products only, and money for less stock than today. The usual answer is
the *best-seller list* (畅销榜): take them by units until room or money is used up. But units are not
profit, a best seller may bind more money than it earns, and some of a product's buyers would take another
one.

What a product binds: `cover_weeks` of its sales, at least the supplier's smallest order, at cost. What it
earns: the units of the last 26 weeks at its list price, less their cost. A *solver* then finds the list
that earns most within both limits.
"""

# %% tags=["hide-input"]
lesson.note("assortment")

# %%
can_list = lesson.can("assortment") and can_price
if can_list:
    limits = {
        "places": max(int(places_share * len(line)), 1),
        "cash": cash_share * float(line["cash"].sum()),
    }
    usual = product.value_assortment(
        line, product.list_best_sellers(line, **limits), switching=switch_share
    )
    chosen = product.choose_assortment(line, **limits, switching=switch_share)

# %%
if can_list:
    ax = chosen.plot()
    finish(ax, title=ax.get_title(loc="left"), source=lesson.source)

# %%
if can_list:
    on_paper = [(n, a.listed, round(a.profit, -2), round(a.cash, -2))
                for n, a in (("best sellers", usual), ("chosen", chosen))]  # fmt: skip
    display(
        pd.DataFrame(on_paper, columns=["list", "products", "profit of 26 weeks", "cash bound"])
    )

# %%
if can_list:
    only = sorted(set(chosen.skus) - set(usual.skus)), sorted(set(usual.skus) - set(chosen.skus))
    display(Markdown(
        f"On paper the chosen list earns **{format_amount(chosen.profit, currency)}** in 26 weeks, the best "
        f"sellers **{format_amount(usual.profit, currency)}**, within the same room and money. It lists "
        f"{len(only[0])} products that the best-seller list leaves out, and drops {len(only[1])} that it has. "
        "The solver proves that no list within the limits is better, as far as the numbers it was given are true."
    ))  # fmt: skip


# %% [markdown]
"""
Both lists can be carried out: what is not on a list is *delisted* for a quarter (lever `delist`).
"""


# %%
def only_these(listed: tuple[str, ...]) -> Plan:
    off = sorted(set(goods["sku"]) - set(listed))
    return Plan(start=next_day, delist=tuple(off))


if can_run and can_list:
    lists = {"best sellers": only_these(usual.skus), "chosen": only_these(chosen.skus)}
    list_worlds = carry_out(shop, lists, days=91)["profit"]

# %% tags=["nbval-check-output"]
list_worlds.round(-2) if can_run and can_list else "not on this store"

# %%
if can_run and can_list:
    more = float(list_worlds.loc["profit after ads", "difference"])
    display(Markdown(
        f"Within the same room and money, the chosen list earned **{format_amount(abs(more), currency)} "
        f"{'more' if more > 0 else 'less'}** in the quarter than the best-seller list. Paper counts another half-year, at "
        "list prices: compare lists by it, do not budget by it."
    ))  # fmt: skip

# %% [markdown]
"""
And the limits themselves? The quarter was also run with everything listed: what did the short list give
up, and what would the money that it frees have cost?
"""

# %%
if can_run and can_list:
    earned = (
        price_worlds.loc["profit after ads", "today"],
        list_worlds.loc["profit after ads", "chosen"],
    )
    forgone, freed = float(earned[0] - earned[1]), float(line["cash"].sum()) - chosen.cash
    spared = freed * capital_cost / 4
    display(Markdown(
        f"With everything listed the quarter earned **{format_amount(abs(forgone), currency)} {'more' if forgone > 0 else 'less'}**; "
        f"the chosen list frees {format_amount(freed, currency)}, whose use costs {format_amount(spared, currency)} a quarter. "
        f"So {'do not cut so far unless you must' if forgone > spared else 'the shorter list pays'}."
    ))  # fmt: skip

# %% [markdown]
"""
## Who would not be missed?

The last question is the one shops put off: which products to let go (下架). Taking one off loses its
margin, keeps the margin of those who switch, and frees the money it binds. A product that sold two
units may have been unlucky, so each gain comes with an interval, and only those are candidates for
which even the lower end is a gain. Units that come several to an order tell less than as many orders
would, so we count those too.
"""

# %%
if can_list:
    held = shop.query(
        "select sku, count(distinct order_id) as orders from order_lines join orders using (order_id) "
        f"where date > date '{last:%Y-%m-%d}' - 182 group by sku"
    )
    line = line.merge(held, on="sku", how="left").fillna({"orders": 0})

# %%
if can_list:
    goers = product.find_delist_candidates(
        line, years=0.5, switching_share=go_share, seed=seed, capital_cost_share=capital_cost,
        switching_error=switching.standard_error if can_test and switching.is_estimated else 0.0,
    )  # fmt: skip
    ax = goers.plot()
    finish(ax, title=ax.get_title(loc="left"), source=lesson.source)

# %%
goers.summary().round({"value": 0}) if can_list else "not on this store"

# %%
if can_list:
    slowest = set(line.nsmallest(len(line) // 10, "units")["sku"])
    by_habit = float(goers.table.loc[goers.table["sku"].isin(slowest), "gain"].sum())
    likely = goers.table.query("gain > 0")
    display(Markdown(
        f"Dropping the slowest tenth ({len(slowest)} products), as is usual, should change profit by "
        f"**{format_amount(by_habit, currency)}** a year. {len(likely)} products would, on balance, not be missed "
        f"({format_amount(likely['gain'].sum(), currency)}, a best case, for they were picked by these very numbers); for "
        f"**{goers.candidates}** this is sure ({format_amount(goers.gain, currency)}).\n\n"
        + "".join(f"- *Mind:* {c}\n" for c in goers.caveats)
    ))  # fmt: skip

# %% [markdown]
"""
To be sure has its price. The share that switches is itself known only roughly, and whoever waits until every
product is beyond doubt keeps most of those that bring nothing. In the course's study
(`docs/studies/product_line.md`) letting go whatever gains *on balance* forgoes least, and waiting to be sure
forgoes most. Letting go can be taken back: be sure only where it cannot.

Was it true here? The rules are carried out for a quarter beside today's list. To what the quarter earned we
add what the money that is freed would have cost.
"""

# %%
if can_run and can_list:
    leaving = {
        "slowest tenth": slowest,
        "gain on balance": set(likely["sku"]),
        "sure gain": set(goers.skus),
    }
    leaving = {name: off for name, off in leaving.items() if off}
    plans = {n: Plan(start=next_day, delist=tuple(sorted(off))) for n, off in leaving.items()}
    go_worlds = carry_out(shop, {"today": None, **plans}, days=91)["profit"]

# %%
if can_run and can_list:
    changed = go_worlds.loc["profit after ads"] - go_worlds.loc["profit after ads", "today"]
    money = line.set_index("sku")["cash"] * capital_cost / 4
    gains = goers.table.set_index("sku")["gain"] / 4
    let_go = pd.DataFrame(
        {n: [len(off), changed[n], money[list(off)].sum(), gains[list(off)].sum()]
         for n, off in leaving.items()}, index=["products", "profit_change", "money_saved", "expected"]
    ).T  # fmt: skip
    let_go["together"] = let_go["profit_change"] + let_go["money_saved"]

# %% tags=["nbval-check-output"]
let_go.round(-1).assign(products=let_go["products"]).astype(int) if can_run and can_list else "not on this store"  # fmt: skip

# %%
if can_run and can_list and "gain on balance" in let_go.index:
    brought = let_go["together"]
    ours, habit = brought["gain on balance"], brought["slowest tenth"]
    verdict = (
        "**Nothing was gained by letting go here**: let products go by lot, a few at a time." if max(ours, habit) <= 0 else
        "**Fewer products, chosen by their gain, brought more than habit.**" if ours > habit else
        "**Habit brought more in this quarter**: the gain on balance is where to begin, not where to end.")  # fmt: skip

# %%
if can_run and can_list and "gain on balance" in let_go.index:
    sure_words = (
        f"the {goers.candidates} sure ones {format_amount(brought['sure gain'], currency)}"
        if goers.candidates else "no product was sure"
    )  # fmt: skip
    display(Markdown(
        f"The {len(likely)} products that gain on balance brought **{format_amount(ours, currency)}** in the quarter, the "
        f"{len(slowest)} slowest **{format_amount(habit, currency)}**; {sure_words}. {verdict} One quarter of slow sales is "
        "mostly luck: look again."
    ))  # fmt: skip

# %% [markdown]
"""
## The case: a surge noticed early

Some products surge at a holiday. Who sees it in time orders ahead and keeps the price; who does not,
sells out. A *watch* adds up what is sold above the usual, week after week, and rings when luck would
hardly bring so much: that tells a surge from a good week.
"""

# %% tags=["hide-input"]
lesson.note("surge watch")

# %%
can_watch = lesson.can("surge watch")
totals = by_group.groupby(["week_start", "group"], as_index=False)["units"].sum()
watch = product.watch_surges(totals, seed=seed) if can_watch else None
if can_watch:
    ax = watch.plot()
    finish(ax, title=ax.get_title(loc="left"), source=lesson.source)

# %%
if can_watch:
    display(watch.table.nlargest(6, "peak_ratio").sort_values("noticed").reset_index(drop=True))

# %%
if can_watch:
    late = int((watch.table["lead_weeks"] < 2).sum())
    display(Markdown(
        f"Surges noticed: {watch.surges}; less than two weeks before their peak: **{late}**. "
        + ("That is too late for goods that take longer to come. For a holiday there is the calendar: *last year's* peak "
           "says when to order. The watch is for what no calendar knows." if late > watch.surges / 4 else
           "So there was time to order.") + "\n\n" + "".join(f"- *Mind:* {c}\n" for c in watch.caveats)
    ))  # fmt: skip

# %% tags=["hide-input"]
lesson.note("reacting to a surge")

# %%
can_react = lesson.can("reacting to a surge") and can_watch and watch.surges > 0
if can_react:
    lately = watch.table[watch.table["peak"] > last - pd.Timedelta(weeks=52)]
    top = lately.loc[lately["peak_ratio"].idxmax()]
    near = lately[(lately["peak"] - top["peak"]).abs() <= pd.Timedelta(weeks=6)]["group"]
    coming = top["peak"] + pd.Timedelta(weeks=52)
    begin = max(coming - pd.Timedelta(weeks=8), last + pd.Timedelta(days=1))
    react = Plan(start=begin.date(), reorder=dict.fromkeys(sorted(set(near)), 2.0))

# %% [markdown]
"""
Where the store can be run on, we try it: eight weeks before last year's peak comes round, the reorder
points of what surged then are doubled, against doing nothing. Prices stay as they are in both worlds, so
that the difference is the stock's alone.
"""

# %%
if can_react:
    days = (coming + pd.Timedelta(weeks=4) - last).days
    surge_worlds = carry_out(shop, {"not reacting": None, "reacting": react}, days=days)["profit"]

# %% tags=["nbval-check-output"]
surge_worlds.round(-2) if can_react else "not on this store"

# %%
if can_react:
    gained = float(surge_worlds.loc["profit after ads", "difference"])
    share_gained = gained / abs(surge_worlds.loc["profit after ads", "not reacting"])
    display(Markdown(
        f"Ordering ahead for {', '.join(sorted(set(near)))} changed profit by **{format_amount(gained, currency)}** "
        f"({share_gained:+.1%} of the profit from now to four weeks after the peak), before the cost of holding the goods. "
        + ("Ordering ahead kept sales that a sold-out shelf would have lost: **react, by the calendar**, if holding the goods "
           "costs less than that." if share_gained > 0.005 else
           "**Not worth the trouble here**: this shelf hardly sells out, so there was little to save.")
    ))  # fmt: skip

# %% [markdown]
"""
## What we learned

- **Life cycle**: against a product that stands still, not against last quarter; with a chance for each
  stage, and with the honest word where a product sells too little to tell.
- **The line**: what looks erratic may only be slow; what to list follows from margin, money and who would
  switch, by a solver that proves its answer; and some products would not be missed.
- **Prices**: what people say is not what they pay, and a shop's books hold its own habits. The lot tells. A
  cost instrument that passes its check may still not; and a wrong number, acted on, costs money.

**Exercises**: `exercises/03_product_planning.ipynb`.

**References.** F. M. Bass, A new product growth model for consumer durables, *Management Science* 15,
1969. · V. Srinivasan and C. H. Mason, Nonlinear least squares estimation of new product diffusion
models, *Marketing Science* 5, 1986. · A. P. Lerner, The concept of monopoly and the measurement of
monopoly power, *Review of Economic Studies* 1, 1934. · C. T. Conlon and J. H. Mortimer, Empirical
properties of diversion ratios, *RAND Journal of Economics* 52, 2021. · J. Schmidt and T. H. A. Bijmolt,
Accurately measuring willingness to pay for consumer goods, *Journal of the Academy of Marketing
Science* 48, 2020. · J. M. Lucas, Counted data CUSUM's, *Technometrics* 27, 1985.
"""

# %%
known = {
    "Products in decline": f"{stages.decline} of {len(stages.table)}, {stages.sure_share:.0%} sure",
    "Elasticity": f"{trusted.elasticity:.2f} ({way_out})",
    "New prices": f"{by_trusted.profit_change_share:+.1%} margin expected{'' if can_test else ', if buyers are that sensitive'}"
    if can_price
    else "",
    "List": f"{chosen.listed} products, {format_amount(chosen.profit, currency)} in 26 weeks on paper"
    if can_list
    else "",
    "Let go": f"{len(likely)} products on balance, {goers.candidates} for sure" if can_list else "",
}

# %%
publish(
    {label: text or "not estimated" for label, text in known.items()},
    title="Which products to list, to push, to price how, to let go?",
)
