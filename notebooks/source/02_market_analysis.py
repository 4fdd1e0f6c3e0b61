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
# How big is the market, what does it want, and where do we go next?

The owner has money for one step: a dearer ecological line, a new region, or neither. On the table lie
a survey ("people would gladly pay more!"), a stack of interviews, and a list of competitors'
prices. Every one of them misleads if it is read as it stands. This notebook reads each one twice,
once as it stands and once with what is wrong with it put right, and then carries the decisions out.

After it you will be able to

- **size a market in two ways, with an interval**, from a panel that is not a fair sample of anybody;
- **read what people say** in answers, choices and interviews, and correct it by what they do;
- **place competitors, brands and regions**, tell a difference from luck, and judge a step by its profit.

*Time: 90 minutes in the room. Words marked 中文 are the terms of the Chinese curriculum.*
"""

# %% [markdown]
"""
## Setup

The parameters are the only thing to change. `ecomlab run 02_market_analysis -p margin=0.03` does the
same from the command line (in the activated environment).
"""

# %% tags=["parameters"]
store: str = "../stores/demo"  # folder of the store
seed: int = 7  # seed of resampling [0, 1000000]
people: int = 0  # people who might buy, 0: what the store says [0, 2000000000]
margin: float = 0.05  # margin of error that the survey may have [0.005, 0.3]
themes: int = 8  # themes to look for in the interviews [2, 30]
rival_spend: float = 0.0  # what competitors spend on advertising a year, 0: unknown [0, 1e12]
weeks: int = 52  # weeks that decisions are run on for [13, 52]

# %%
from dataclasses import replace

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from scipy.stats import norm
from sklearn.metrics import adjusted_rand_score

from ecomlab import metrics
from ecomlab.analysis import market
from ecomlab.course import carry_out, open_lesson
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, format_amount, new_axes, use_style
from ecomlab.reports import publish
from ecomlab.simulator import Plan, load_scenario
from ecomlab.store import StoreError
from ecomlab.store.sealing import open_truth

use_style()

# %%
lesson = open_lesson("02_market_analysis", store)
shop, currency = lesson.shop, lesson.shop.currency
daily = metrics.daily_kpis(shop)
people = people or int(shop.manifest.origin.get("people") or 0)
try:
    truth = open_truth(shop.folder)
except StoreError:
    truth = None

# %%
has_truth = "The truth lies beside it." if truth else "Its truth is not at hand, so none is opened."
Markdown(
    f"The store **{shop.name}** sold {format_amount(daily['sales'].sum(), currency)} in "
    f"{len(daily):,} days. {has_truth}"
)


# %%
def caption(ax, source: str = ""):
    """Write under a picture where its numbers come from."""
    title = " ".join(ax.get_title(loc="left").split())
    return finish(ax, title=title, source=f"{lesson.source}{source}")


def write_out(table: pd.DataFrame, digits: int = 2) -> pd.DataFrame:
    """Return a table of numbers as text, empty where nothing was estimated."""
    return table.map(lambda value: "" if pd.isna(value) else f"{value:.{digits}f}")


# %% [markdown]
"""
## How many people must we ask?

Before any field work (*market research*, 市场调研) comes the question what it costs. Somebody always
says "ask ten per cent of them", as if a larger market needed a larger sample.

What counts is how sure we want to be. For a share that is to be known within a *margin of error*
(误差范围) of *e*, the number of answers is

> n = z² · p · (1 − p) / e²

In words: the answer varies most where half say yes (p = ½); to halve the margin takes four times the
answers; and the size of the market does not appear at all, unless it is so small that we ask a good
part of it (then the *finite population correction* saves some).
"""

# %%
plan = market.plan_sample(margin_share=margin)
_ = finish(plan.plot(), source="formula of Cochran (1977), level 95 %",
           title=f"{plan.respondents:,} answers tell a share within ±{margin:.0%}; "
           "half the margin takes four times as many")  # fmt: skip

# %%
small = market.plan_sample(margin_share=margin, population=500)
panel = market.plan_sample(margin_share=margin, design_effect=1.5)
sizes = pd.DataFrame(
    {"answers": [round(people / 10), plan.respondents, small.respondents, panel.respondents]},
    index=["ten per cent of the market", "any large market", "a town of 500 shoppers",
           "an uneven panel (design effect 1.5)"],
).query("answers > 0")  # fmt: skip

# %% tags=["nbval-check-output"]
sizes

# %% [markdown]
"""
The rule of ten per cent pays for answers nobody needs in a large market, and asks far too few people in
a small one. The last row is the price of an uneven panel; we meet it next.

If regions differ, do not leave it to chance how many of each are asked: a *stratified sample* (分层抽样)
fixes it. Each region gets answers by its people, or, better where spending differs, by people times
how much they differ (*Neyman's* rule).
"""

# %% tags=["hide-input"]
lesson.note("panel weighting")

# %%
can_ask = lesson.can("panel weighting")
if can_ask:
    margins_table = shop.table("population_margins")
    margins = {name: dict(zip(part["level"], part["share"], strict=True))
               for name, part in margins_table.groupby("variable")}  # fmt: skip
    survey = shop.table("survey_answers")
    share_of = margins["region_id"]

# %%
if can_ask and lesson.can("market size"):
    strata = survey.groupby("region_id")["spend_last_year"].agg(sd="std").reset_index()
    strata = strata.rename(columns={"region_id": "stratum"}).dropna()
    strata["people"] = (strata["stratum"].map(share_of) * max(people, 10_000)).round()
    fair, neyman = (market.allocate_sample(strata, respondents=plan.respondents, method=rule)
                    for rule in ("proportional", "neyman"))  # fmt: skip
    asked = fair.assign(neyman=neyman["respondents"]).drop(columns="sampling_share")
    asked = asked.set_index("stratum").rename_axis("region")
    asked = asked.rename(
        columns={"respondents": "asked by people", "neyman": "asked by Neyman's rule"}
    )

# %%
asked if can_ask and lesson.can("market size") else "not on this store"

# %% [markdown]
"""
Both columns ask equally many in all. Neyman's rule asks fewer where everybody spends alike, and more where
people differ: there each answer teaches more.

## Whom did we ask?

The shop bought answers of an *online panel* (在线样本库): people who have signed up to be asked. Such people
tend to be younger, more on their phones, and to buy more than others. The naive reading takes their mean
for everybody's.

What we know of everybody are the *margins*: how many live where, how old they are, what device they
use. *Raking* (加权, iterative proportional fitting) gives each answer a weight, so that the weighted
panel has these margins. In words: an answer counts more if there are too few of its kind.
"""

# %%
if can_ask:
    raking = market.rake(survey.dropna(subset=list(margins)), margins=margins)
    _ = caption(raking.plot())

# %%
QUESTIONS = {"orders_last_year": "orders a year", "spend_last_year": "spend a year",
             "eco_premium_share": "premium for eco", "is_known_aided": "know us when asked"}  # fmt: skip
if can_ask:
    means = {
        name: market.estimate_weighted_mean(raking, value=name)
        for name in QUESTIONS
        if name in survey and survey[name].notna().all()
    }
    read = pd.DataFrame(
        [(QUESTIONS[n], m.table["mean"].iloc[0], m.mean, m.low, m.high) for n, m in means.items()],
        columns=["question", "as answered", "weighted", "low", "high"],
    )

# %%
read.set_index("question").round(3) if can_ask else "not on this store"

# %%
if can_ask:
    display(Markdown(
        f"Weights cost: {raking.respondents:,} answers say as much as "
        f"**{raking.effective_respondents:,.0f}** of a fair sample would (a *design effect* of "
        f"{raking.design_effect:.2f}).\n\n" + "".join(f"- *Mind:* {c}\n" for c in raking.caveats)
    ))  # fmt: skip

# %% [markdown]
"""
Is all well now? Weights repair what the margins know of. That heavy buyers sign up for panels more
often is not a margin anybody publishes. On a simulated store we may open the sealed truth: what the
same question has for an answer in the whole population, and among those the panel reached.
"""

# %%
if can_ask and truth:
    order = survey["research_id"].iloc[0]
    known = truth["truth_research"].query("research_id == @order and level == ''")
    known = known.pivot(index="question", columns="quantity", values="value")
    told = read.assign(question=list(means)).set_index("question")[["as answered", "weighted"]]
    known = told.join(known[["reached", "population"]], how="inner").rename(index=QUESTIONS)

# %%
known.round(3) if can_ask and truth else "no truth at hand"

# %% [markdown]
"""
*Reached* is true of those who answered, *population* of everybody. Two errors stand between what is
said and what is true: **who** answers (reached against population), which weights repair as far as the
margins know of it; and **how** they answer (as answered against reached): things are forgotten, a taste
that sounds good is overstated. No weight repairs the second kind. Where the truth is at hand, each is measured.
"""

# %%
if can_ask and truth:
    display(Markdown("".join(
        f"- *{name}*: who was reached makes {row['reached'] / row['population'] - 1:+.0%}, how they answered "
        f"{row['as answered'] / row['reached'] - 1:+.0%}; weights moved the mean by "
        f"{row['weighted'] / row['as answered'] - 1:+.0%}.\n" for name, row in known.iterrows()
    )))  # fmt: skip

# %% [markdown]
"""
## How big is the market?

The total market (*TAM*), the part we could serve (*SAM*) and the part we may win (*SOM*) are the three
boxes (市场规模). There are two ways to the first one, and a careful analyst walks both.

- **Top-down**: people × what they say they spend in a year.
- **Bottom-up**: what we sell in a year ÷ our share of what they say they buy.

The naive analyst takes one of them and one number. We carry the error of every step along. Of the total
we can serve only people who know us; what they spend here is what we may win.
"""

# %% tags=["hide-input"]
lesson.note("market size")

# %%
can_size = lesson.can("market size") and people > 0
if can_size:
    first = daily["date"].iloc[0]
    year = daily[daily["date"] < first + pd.Timedelta(days=365)]
    sales = float(year["sales"].sum()) * 365 / len(year)
    told = raking.table.assign(here=raking.table["here_share"].fillna(0).astype(float))
    split = {"here": told["here"], "all other shops": 1 - told["here"]}
    bought = pd.concat([
        told[["respondent_id", "weight"]].assign(seller=name, amount=told["spend_last_year"] * part)
        for name, part in split.items()
    ]).rename(columns={"respondent_id": "respondent"})  # fmt: skip

# %%
if can_size:
    held = market.measure_concentration(bought, pool="all other shops", seed=seed)
    ours = held.table.set_index("seller").loc["here"]
    share_error = (ours["high"] - ours["low"]) / 3.92
    spend, aware = means["spend_last_year"], means["is_known_aided"]
    wallet = ours["share"] / aware.mean  # of those who know us

# %%
if can_size:
    NAMES = ["path", "tier", "step", "value", "standard_error", "is_divisor"]
    STEPS = [
        ("top-down", "TAM", "people", people, 0.0, False),
        ("top-down", "TAM", "spend a year", spend.mean, spend.standard_error, False),
        ("bottom-up", "TAM", "our sales a year", sales, 0.0, False),  # counted, not estimated
        ("bottom-up", "TAM", "our share of spend", ours["share"], share_error, True),
        ("top-down", "SAM", "know us", aware.mean, aware.standard_error, False),
        ("top-down", "SOM", "of it spent here", wallet, share_error / aware.mean, False),
    ]
    size = market.size_market(pd.DataFrame(STEPS, columns=NAMES), unit=currency)
    _ = caption(size.plot(), "; people, survey, own sales of the first year")

# %% tags=["nbval-check-output"]
size.sizes.set_index(["tier", "path"])[["value", "low", "high"]].round(
    -4
) if can_size else "no size"

# %% [markdown]
"""
*Reconciled* is the middle of the ways, each weighed by how sure it is; the picture shows it. Its smaller boxes
come from the first way alone.
"""

# %%
if can_size:
    display(Markdown("".join(f"- *Mind:* {caveat}\n" for caveat in size.caveats)))

# %% [markdown]
"""
If the two ways contradict each other, that is the most useful line on the page: one of the steps is
wrong, and no interval of a single way would ever have shown it. Here is what the market really was.
"""

# %%
if can_size and truth:
    quarters = truth["truth_market"]["quarter"].unique()[:4]
    sold = truth["truth_market"].query("quarter in @quarters").groupby("seller")["amount"].sum()
    ways = size.sizes[size.sizes["tier"] == "TAM"].set_index("path")
    verdict = pd.DataFrame({"estimate": ways["value"], "low": ways["low"], "high": ways["high"]})
    verdict = verdict.assign(truth=sold["market"])
    verdict["error"] = verdict["estimate"] / verdict["truth"] - 1

# %%
verdict.round({"error": 2}) if can_size and truth else "no truth at hand"

# %%
if can_size and truth:
    inside = {w: r["low"] <= r["truth"] <= r["high"] for w, r in verdict.iterrows()}
    display(Markdown(
        f"The market was **{format_amount(sold['market'], currency)}**. Top-down says "
        f"{verdict.loc['top-down', 'error']:+.0%}, bottom-up {verdict.loc['bottom-up', 'error']:+.0%}. "
        + ("Neither interval holds the truth" if not (inside["top-down"] or inside["bottom-up"])
           else "Not both intervals hold the truth" if not all(inside.values()) else
           "Every interval holds the truth")
        + f"; the reconciled one {'does' if inside['reconciled'] else 'does not'}. The panel says that we have "
        f"{ours['share']:.1%} of what people spend; it was {sold['ours'] / sold['market']:.1%}. The second way "
        "divides by this share: said too high, it makes the market too small."
    ))  # fmt: skip

# %% [markdown]
"""
There is one check that needs no sealed truth: the obtainable market is what we sell today. If the
survey were right in everything, its SOM would be our sales.
"""

# %%
if can_size:
    winnable = size.of_tier("SOM")
    honesty = sales / winnable["value"]
    display(Markdown(
        f"The survey has people spend **{format_amount(winnable['value'], currency)}** here; they "
        f"spent **{format_amount(sales, currency)}**. For each unit said, **{honesty:.2f}** came in "
        f"({sales / winnable['high']:.2f} to {sales / winnable['low']:.2f}). We keep this *honesty factor*: a "
        "forecast for a place where we do not sell yet must be multiplied by it. It holds more than "
        "honesty: the panel spoke of the year before it was asked, the sales are of our first year."
    ))  # fmt: skip

# %% [markdown]
"""
## What do they want?

Asking "how much more would you pay?" costs nothing and gets what it costs. In a *choice-based
conjoint* (联合分析) people choose among a few products and none of them, several times. Nobody is asked
about the price, but every choice gives it away. The *multinomial logit* turns choices into
part-worths:

> chance to choose j = exp(V_j) / Σ exp(V_k), V = β · attributes

In words: the product with the highest worth mostly wins, and the more so the larger its lead. How
strongly a price rise pushes people away, set against how strongly an attribute draws them, is the
*willingness to pay* (支付意愿). In the tables `eco` is the ecological label, `quality` one step better
made, `log_price` how far a price lies over the usual one, and `none` to buy nothing.
"""

# %% tags=["hide-input"]
lesson.note("preferences")

# %%
can_choose = lesson.can("preferences")
if can_choose:
    tasks = shop.table("choice_answers")
    usual = tasks["price"].groupby(tasks["category_id"]).transform("mean")
    tasks = tasks.assign(
        log_price=np.log(tasks["price"] / usual).fillna(0), eco=tasks["is_eco"].astype(int),
        none=tasks["is_none"].astype(int), chosen=tasks["is_chosen"].astype(int),
        quality=tasks["quality_step"].fillna(0).astype(int),
        task_id=tasks["respondent_id"] + "/" + tasks["task"].astype(str),
    )  # fmt: skip

# %%
WANTS = ["log_price", "eco", "quality", "none"]
if can_choose:
    fit = market.fit_choice(tasks, attributes=WANTS, errors="clustered")
    mixed = market.fit_mixed_choice(tasks, attributes=WANTS, draws=64, seed=seed,
                                    spreads={"log_price": "negative", "eco": "normal"})  # fmt: skip
    worth = market.estimate_willingness(fit, price="log_price", price_scale="log")

# %% tags=["nbval-check-output"]
fit.table.set_index("attribute").round(2) if can_choose else "not on this store"

# %%
if can_choose:
    products_only = replace(worth, table=worth.table[worth.table["attribute"] != "none"])
    _ = caption(products_only.plot())

# %% [markdown]
"""
People differ, and a model that takes them for one blurs what they want. The *mixed logit* gives each
person part-worths of their own: `spread` below is how far people are apart.
"""

# %%
mixed.table.set_index("attribute")[["coefficient", "spread"]].round(2) if can_choose else "none"

# %%
if can_choose:
    taste, apart = mixed.table.set_index("attribute").loc["eco", ["coefficient", "spread"]]
    unmoved = float(norm.cdf(0, taste, max(apart, 1e-9)))
    display(Markdown(
        f"On average eco is worth {taste:+.2f}, with a spread of {apart:.2f} over people: for about "
        f"**{unmoved:.0%}** of them the label is worth nothing or less. There is no such thing as "
        "*the* customer's premium."
    ))  # fmt: skip

# %% [markdown]
"""
### Three answers to one question

What would people pay more for an ecological product? The survey asked outright, the conjoint let them
choose, and the sealed truth knows.
"""

# %%
if can_choose and can_ask and "eco_premium_share" in means:
    eco_worth = worth.table.set_index("attribute").loc["eco"]
    stated = means["eco_premium_share"]
    rows = [("asked outright (survey, weighted)", stated.mean, stated.low, stated.high),
            ("chosen on paper (conjoint)", eco_worth["willingness"], eco_worth["low"],
             eco_worth["high"])]  # fmt: skip
    if truth:
        real = truth["truth_wtp"].query("quantity == 'eco_premium_share'").set_index("quantile")
        everybody = known.loc[QUESTIONS["eco_premium_share"], "population"]
        rows.insert(1, ("truth: the mean of everybody", everybody, np.nan, np.nan))
        rows.append(("truth: the person in the middle", real.loc[0.5, "value"], np.nan, np.nan))
    premium = pd.DataFrame(rows, columns=["source", "premium", "low", "high"]).set_index("source")

# %% tags=["nbval-check-output"]
write_out(premium) if can_choose and can_ask else "not on this store"

# %%
if can_choose and can_ask and truth and "eco_premium_share" in means:
    middle = real.loc[0.5, "value"]
    display(Markdown(
        f"Asked outright, the mean lies **{100 * (stated.mean - everybody):+.0f} points** off the true mean. One "
        "model for all people speaks for the person in the middle: chosen on paper, the premium lies "
        f"**{100 * (eco_worth['willingness'] - middle):+.0f} points** off that one (interval "
        f"{100 * (eco_worth['low'] - middle):+.0f} to {100 * (eco_worth['high'] - middle):+.0f})."
    ))  # fmt: skip

# %% [markdown]
"""
Such a gap is the *hypothetical bias* (假设性偏差): what costs nothing to say is said freely, above all where
it sounds good. Choices are no cure: paper money is paper money, too.

### The decision: what should eco products cost?

The naive plan takes the survey at its word and raises the price of every eco product by what people
say. The better plan asks the choice model which price earns most, and *calibrates* it first. On paper
nearly everybody buys something, so that a dear product seems to lose nobody. In the shop most visitors
leave. So the offers are made less tempting, all alike, until the model sells to as many visitors as
we do. In words: keep what people say about A against B, and take from sales whether they buy at all.
"""

# %% tags=["hide-input"]
lesson.note("price of eco products in the store")

# %%
can_price = lesson.can("price of eco products in the store") and can_choose
if can_price:
    goods = shop.table("products")
    eco_skus = goods.loc[goods["is_eco"], "sku"]
    price, cost = (float(goods[name].mean()) for name in ("list_price", "unit_cost"))
    buying = float(daily["converted_sessions"].sum() / daily["sessions"].sum())
    offers = pd.DataFrame(0.0, index=["one", "another", "eco", "nothing"], columns=WANTS)
    offers.loc["eco", "eco"], offers.loc["nothing", "none"] = 1.0, 1.0
    offers["price"], offers["unit_cost"] = [price] * 3 + [np.nan], [cost] * 3 + [np.nan]
    offers["is_repriced"] = offers.index == "eco"

# %%
if can_price:
    ask = {"price": "log_price", "seed": seed}
    at_word = market.plan_repricing(fit, offers, **ask)
    calibrated = market.plan_repricing(fit, offers, **ask, buying_share=buying)
    _ = caption(calibrated.plot(), f"; {buying:.1%} of visits buy")

# %%
if can_price:
    display(Markdown(
        f"Taken at its word the model would charge {at_word.factor - 1:+.0%}"
        + (" (the end of what was tried)" if at_word.factor >= at_word.table["factor"].max() else "")
        + f"; calibrated, {calibrated.factor - 1:+.0%}. We run three worlds for {weeks} weeks, in {currency}: "
        f"as now, the price raised by what people *say* ({stated.mean:+.0%}), and the calibrated price."
    ))  # fmt: skip


# %%
def reprice(factor: float) -> Plan:
    start = str((daily["date"].iloc[-1] + pd.Timedelta(days=1)).date())
    return Plan(start=start, prices=dict.fromkeys(eco_skus, round(factor, 2)))


# %%
if can_price:
    SAID, CALIBRATED = "what they say", "calibrated"
    worlds = {
        "stay out": None,
        SAID: reprice(1 + stated.mean),
        CALIBRATED: reprice(calibrated.factor),
    }
    paid = carry_out(shop, worlds, days=7 * weeks)["profit"].drop(columns="difference")
    paid = paid.rename(columns={"stay out": "as now"})
    bill = paid.rename(index={"net": "net sales", "ad_spend": "advertising"})

# %% tags=["nbval-check-output"]
bill.round(-2) if can_price else "not on this store"

# %%
if can_price:
    profit = paid.loc["profit after ads"]
    naive_gain, gain = profit[SAID] - profit["as now"], profit[CALIBRATED] - profit["as now"]
    display(Markdown(
        f"Over {weeks} weeks the price that people said they would pay "
        f"**{'loses' if naive_gain < 0 else 'earns'} {format_amount(abs(naive_gain), currency)}**, the "
        f"calibrated one **{'loses' if gain < 0 else 'earns'} {format_amount(abs(gain), currency)}** "
        f"({naive_gain / abs(profit['as now']):+.0%} and {gain / abs(profit['as now']):+.0%} of the profit). "
        f"Best of the three: **{profit.idxmax()}**. All three worlds have the same people, days and luck; competitors answer in each."
    ))  # fmt: skip

# %% [markdown]
"""
## Who is in it?

*Segments* (市场细分) are groups of people who resemble each other. Any method finds groups in anything, so
the question is whether the groups come back when other people are asked. We ask again and again, by
drawing the panel anew (*bootstrap*), and count how much of each segment returns (*Jaccard*: what both
have in common, over what either has; above 0.75 is stable).
"""

# %% tags=["hide-input"]
lesson.note("segments")

# %%
can_segment = lesson.can("segments")
if can_segment:
    careful = survey[survey["orders_last_year"] > 0]
    careful = careful[careful["seconds"] >= 60] if "seconds" in careful else careful
    traits = careful.assign(
        orders=np.log(careful["orders_last_year"]),
        basket=np.log((careful["spend_last_year"] / careful["orders_last_year"]).clip(lower=1)),
        eco_premium=careful.get("eco_premium_share"), intention=careful.get("purchase_intention"),
    )  # fmt: skip
    wanted = [
        t for t in ("orders", "basket", "eco_premium", "intention") if traits[t].notna().all()
    ]

# %%
if can_segment:
    counts = market.compare_segment_counts(traits, traits=wanted, resamples=20, seed=seed)
    stable = counts.loc[counts["is_stable"], "segments"]
    number = int(stable.max()) if len(stable) else 2
    groups = market.find_segments(traits, traits=wanted, segments=number, seed=seed)
    _ = caption(groups.plot(), "; answers of a minute or more")

# %%
counts.round(2) if can_segment else "not on this store"

# %%
(groups.table.set_index("segment")[["share", "stability", "description"]].round(2)
 if can_segment else "not on this store")  # fmt: skip

# %%
if can_segment:
    islands = groups.silhouette > 0.5
    shape = (
        "they are islands."
        if islands
        else "they are parts of one crowd, cut where we chose to cut."
    )
    eco_group = ""
    if "eco_premium" in wanted:
        fans = groups.table.loc[groups.table["eco_premium"].idxmax()]
        eco_group = (f" For an eco line, segment **{fans['segment']}** counts: {fans['share']:.0%} of "
                     f"people, who state a premium of {fans['eco_premium']:.0%} on average.")  # fmt: skip

# %%
if can_segment:
    display(Markdown(
        (f"The largest number of segments that all come back is **{number}**." if len(stable) else
         f"No number of segments comes back whole; **{number}** are shown.") + " The *silhouette*, "
        f"{groups.silhouette:.2f} of 1, says how far apart they are: "
        + shape
        + f" {len(survey) - len(traits):,} people were left out first: those who ordered nothing, or ticked "
        "through in under a minute and so say little about themselves."
        + eco_group
    ))  # fmt: skip

# %% [markdown]
"""
## What do they say in their own words?

Surveys count what we thought of asking. *Qualitative research* (定性研究: in-depth interviews 深度访谈,
focus groups 焦点小组) finds what we did not think of. Its naive use is the best quote on a slide. To be
worth anything, answers are sorted by a *coding frame* (编码框架), a list of themes with a definition
each, by two people who do not talk to each other.
"""

# %% tags=["hide-input"]
lesson.note("interviews")

# %%
can_read = lesson.can("interviews")
can_code = can_read and "interview_codes" in shop.tables
if can_read:
    talks = shop.table("interviews")
    talks = talks.assign(unit=talks["respondent_id"] + "/" + talks["question"].astype(str))
    display(talks.head(4).set_index("asked")[["said"]])

# %%
if can_code:
    codes = shop.table("interview_codes")
    codes = codes.assign(unit=codes["respondent_id"] + "/" + codes["question"].astype(str))
    ratings = codes.rename(columns={"coder": "rater", "theme": "code"})
    side = ratings.pivot(index="unit", columns="rater", values="code").dropna()
    same = float((side.iloc[:, 0] == side.iloc[:, 1]).mean())

# %% [markdown]
"""
### Do two coders see the same?

The naive measure is the share of answers on which they agree. But two coders who throw dice agree
sometimes, too, and often if one theme is common. *Cohen's kappa* takes that away:

> κ = (agreement seen − agreement by chance) / (1 − agreement by chance)

In words: of the agreement that chance would not give, how much was there? *Krippendorff's alpha* (信度)
does the same for any number of coders, with gaps, and for codes that are ranks or numbers.
"""

# %%
if can_code:
    kappa = market.measure_agreement(ratings, method="cohen")
    alpha = market.measure_agreement(ratings, method="krippendorff", seed=seed)
    _ = caption(kappa.plot())

# %%
if can_code:
    agreed = pd.DataFrame(
        [("share of equal codes", same, np.nan, np.nan),
         ("Cohen's kappa", kappa.value, kappa.low, kappa.high),
         ("Krippendorff's alpha", alpha.value, alpha.low, alpha.high)],
        columns=["measure", "value", "low", "high"],
    ).set_index("measure")  # fmt: skip

# %% tags=["nbval-check-output"]
write_out(agreed) if can_code else "not on this store"

# %%
if can_code:
    display(Markdown("".join(f"- *Mind:* {caveat}\n" for caveat in kappa.caveats)))

# %% [markdown]
"""
### What is there, before anybody has read it?

A computer can sort answers by the words they share: each word weighs by how telling it is, answers with
similar words come together. It finds themes nobody defined, and cannot say what they mean.
"""

# %%
can_sort = can_read and len(talks) >= 4 * themes
if can_sort:
    found = market.find_themes(talks.rename(columns={"said": "text"}), themes=themes, seed=seed)
    _ = caption(found.plot())

# %%
if can_sort:
    display(found.table.set_index("theme")[["answers", "example"]])

# %%
if can_sort and truth:
    planted = talks.merge(truth["truth_theme"], on=["research_id", "respondent_id", "question"])
    sorts = {"words alone": found.assigned.to_numpy()}
    if can_code:
        wide = side.reindex(planted["unit"])
        sorts |= {name: wide[name].fillna("none") for name in wide}
    match = pd.Series({n: adjusted_rand_score(planted["theme"], s) for n, s in sorts.items()})
    match = match.rename("match with the true themes (1: the same)").to_frame()

# %%
match.round(2) if can_sort and truth else "no truth at hand"

# %%
if can_sort:
    display(Markdown(
        f"*Stability*, {found.stability:.2f} of 1, is what one can know without the truth: how alike the "
        "themes of different parts of the answers are."
    ))  # fmt: skip

# %%
if can_sort and truth and can_code:
    score = match.iloc[:, 0]
    display(Markdown(
        "Words alone come closer to the truth than both coders here: simulated people speak in a small "
        "stock of phrases, and coders slip." if score["words alone"] > score.drop("words alone").max() else
        f"The best reader here is *{score.idxmax()}*."
    ))  # fmt: skip

# %% [markdown]
"""
Sorting by words is a quick first reader. With real talk it does not replace the second one, who knows what
*cheap* means in *it felt cheap*.

### How many interviews were enough?

The naive answer is a number somebody read once. *Saturation* (信息饱和) can be seen: put the interviews
into every possible order, and count how many different themes have come up after the first, the
second, the tenth. Where the curve lies flat, one more interview brings nothing new.
"""

# %%
if can_code:
    heard = codes[codes["coder"] == codes["coder"].min()]
    heard = heard.rename(columns={"respondent_id": "interview", "theme": "code"})
    curve = market.measure_saturation(heard)
    _ = caption(curve.plot(), "; codes of one coder")

# %%
curve.summary().round(2) if can_code else "not on this store"

# %%
if can_code:
    enough = np.isfinite(curve.enough) and curve.enough <= curve.interviews
    display(Markdown(
        f"**{curve.enough:.0f}** of the {curve.interviews} interviews would have found {curve.share:.0%} of the "
        "themes: the next study of this kind may be smaller." if enough else
        f"The {curve.interviews} interviews were not enough to find {curve.share:.0%} of the themes."
    ))  # fmt: skip

# %% [markdown]
"""
Interviews tell *which* themes there are, and in whose words. How *many* people care is not their
question: the few customers who agreed to talk are no sample of anybody. That number comes from a survey.

## Who else sells to them?

*Competitor analysis* (竞争对手分析) starts with prices. The naive index divides their mean price by ours,
whatever they happen to carry. Like for like, each of our products is compared with itself, on the same
day, and the ratios are averaged. Against *which* of our prices? Customers do not see the list price:
they see the price asked today.
"""

# %% tags=["hide-input"]
lesson.note("competitor prices")

# %%
can_compare = lesson.can("competitor prices")
if can_compare:
    theirs, asked_prices, range_ = (shop.table(name) for name in
                                    ("competitor_prices", "prices", "products"))  # fmt: skip
    lines = shop.table("order_lines").merge(
        shop.table("orders")[["order_id", "date"]], on="order_id"
    )
    units = lines.groupby(["date", "sku"], as_index=False)["units"].sum()
    offered = asked_prices.merge(units, on=["date", "sku"], how="left").fillna({"units": 0})
    on_list = asked_prices.drop(columns="price").merge(range_[["sku", "list_price"]], on="sku")
    on_list = on_list.rename(columns={"list_price": "price"}).dropna(subset="price")

# %%
if can_compare:
    index = market.compare_prices(theirs, offered)
    basket = market.compare_prices(theirs, offered, method="laspeyres")
    rows = [("prices asked, every product alike (Jevons)", index),
            ("prices asked, by what we sell (Laspeyres)", basket)]  # fmt: skip
    rows += (
        [("list prices (naive)", market.compare_prices(theirs, on_list))] if len(on_list) else []
    )
    against = pd.DataFrame([(n, i.index, i.low, i.high) for n, i in rows],
                           columns=["compared with our", "index", "low", "high"])  # fmt: skip
    _ = caption(index.plot())

# %%
write_out(against.set_index("compared with our"), 3) if can_compare else "not on this store"

# %%
if can_compare:
    told_apart = against[(against["low"] > 1) | (against["high"] < 1)]
    told_apart = told_apart.assign(they=np.where(told_apart["index"] > 1, "dearer", "cheaper"))
    display(Markdown("".join(
        f"- Against our *{row[0]}*, competitors are **{row.they}** by {abs(row.ratio - 1):.1%}.\n"
        for row in told_apart.rename(columns={"index": "ratio"}).itertuples(index=False)
    ) or "None of these tells their prices from ours."))  # fmt: skip

# %% [markdown]
"""
The next table says how many of our products each of them carries (`shared_share`), how alike both ranges are
(`jaccard_share`: common to both, over all), and how often they have the product in stock.
"""

# %%
if can_compare:
    carried = pd.concat([
        range_[["sku"]].assign(seller="we"),
        theirs[["competitor", "sku"]].drop_duplicates().rename(columns={"competitor": "seller"}),
    ]).rename(columns={"sku": "item"})  # fmt: skip
    overlap = market.compare_ranges(carried)
    stock = theirs.groupby("competitor")["in_stock"].mean() if "in_stock" in theirs else {}
    overlap = overlap[overlap["seller"] == "we"].set_index("other")
    overlap["can_deliver_share"] = pd.Series(stock)

# %%
(overlap[["shared_share", "jaccard_share", "can_deliver_share"]].round(2)
 if can_compare else "not on this store")  # fmt: skip

# %% [markdown]
"""
Mind what the *assortment overlap* (品类重合度) counts: the scrape looked for *our* products, so what
others carry beyond them is not in it.

### If we cut our prices, do they follow?

Plot their prices over ours, fit a line: the steeper, the more they react. So the naive analyst says. But
when goods become dearer to buy, both raise their prices, and nobody has reacted to anybody: costs are a
*confounder* (混杂因素). The better regression holds costs and their own habit fixed and asks what is left.
"""

# %% tags=["hide-input"]
lesson.note("competitor reaction")

# %%
can_react = lesson.can("competitor reaction") and can_compare
if can_react:
    kind = range_.set_index("sku")["category_id"].fillna("all")
    scraped = theirs.dropna(subset="price")
    scraped = scraped.assign(item=scraped["sku"] + scraped["competitor"],
                             group=scraped["sku"].map(kind))  # fmt: skip
    our_items = asked_prices.assign(item=asked_prices["sku"], group=asked_prices["sku"].map(kind))
    rival = market.track_prices(scraped).rename(columns={"index": "rival"})
    own = market.track_prices(our_items).rename(columns={"index": "own"})
    costs = our_items.groupby(["group", "date"])["supply_cost_index"].mean().rename("cost")

# %%
if can_react:
    days = own.merge(costs.reset_index(), on=["group", "date"])
    days[["own", "cost"]] = days.groupby("group")[["own", "cost"]].transform(
        lambda path: path.rolling(7, min_periods=1).mean()
    )
    weekly = days.merge(rival, on=["group", "date"])
    weekly = weekly.rename(columns={"group": "market", "date": "period"})
    reaction = market.estimate_reaction(weekly)
    _ = caption(reaction.plot(), "; by category and week")

# %%
if can_react:
    rows = [("plain slope (naive)", reaction.naive, reaction.naive_low, reaction.naive_high),
            ("costs and habit held fixed", reaction.reaction, reaction.low, reaction.high)]  # fmt: skip
    if truth:
        law = truth["truth_params"].set_index("parameter")["value"]
        rows.append(("truth", float(law["competitors.reaction"]), np.nan, np.nan))
    follow = pd.DataFrame(rows, columns=["how", "they follow", "low", "high"]).set_index("how")

# %% tags=["nbval-check-output"]
write_out(follow) if can_react else "not on this store"

# %%
if can_react:
    display(Markdown(
        f"If we cut prices by 10 % for good, the plain slope has them follow by {10 * reaction.naive:.1f} %, the "
        f"better estimate by **{10 * reaction.reaction:.1f} %** ({10 * reaction.low:.1f} to "
        f"{10 * reaction.high:.1f} %): the rest of the cut is left to us."
    ))  # fmt: skip

# %% [markdown]
"""
What it means for a decision: who believes too steep a slope leaves prices alone, since "they undercut us at
once"; who believes too flat a one starts a price war.

### Who holds the market, and who is heard?

*Concentration* (市场集中度) is the sum of squared shares (HHI): near 0 where nobody counts, 1 where one
seller has all. The survey knows what people spend here and elsewhere, not with whom elsewhere.
"""

# %% tags=["hide-input"]
lesson.note("share of market")

# %%
if can_size:
    shown = held.table.set_index("seller")[["share", "low", "high"]]
    if truth:
        shown = shown.assign(truth=np.nan)
        shown.loc["here", "truth"] = sold["ours"] / sold["market"]
        shown.loc["all other shops", "truth"] = 1 - sold["ours"] / sold["market"]
        named = sold.drop("market").rename_axis("seller").reset_index()
        all_known = market.measure_concentration(named, pool="other shops")
        _ = caption(all_known.plot(), "; sealed truth")

# %%
write_out(shown, 3) if can_size else "not on this store"

# %%
if can_size:
    ours_share = float(ours["share"])
    said = (f"With our {ours_share:.1%} alone the index lies anywhere from {held.hhi:.4f} (all others tiny) "
            f"to {held.hhi_if_one:.2f} (one giant): a survey that does not ask *where else* cannot tell.")  # fmt: skip
    more = (f" The truth, if the other shops are many and small: **{all_known.hhi:.3f}** "
            f"({all_known.hhi * 10_000:,.0f} points of 10,000, as it is often written), as of "
            f"{all_known.equal_sellers:.0f} equal sellers.") if truth else ""  # fmt: skip
    display(Markdown(said + more))

# %%
if rival_spend > 0 and can_size and "ad_daily" in shop.tables:
    ads = float(shop.table("ad_daily").query("date in @year.date")["spend"].sum()) * 365 / len(year)
    spent = pd.DataFrame({"seller": ["we", "others"], "amount": [ads, rival_spend]})
    held_sales = pd.DataFrame({"seller": ["we", "others"], "amount": [sales, size.total - sales]})
    display(market.compare_voice(spent, held_sales).round(3))
else:
    display(Markdown(
        "> **Share of voice** (广告声量份额) **is not computed**: no shop's books hold what competitors "
        "spend on advertising. A media agency's estimate unlocks it: `-p rival_spend=…`."
    ))  # fmt: skip

# %% [markdown]
"""
### Where does each brand stand?

A *positioning map* (定位图) turns many attributes into two axes. It always draws something. So ask two
questions of it: what are the axes made of, and would the points look as far apart if brands did not
differ at all? The second is answered by shuffling: hand the products out to the brands by lot, many
times, and see. The arrows show what pulls a brand where: *dear* is the price over its category's, *style* a
score of looks from the product list.
"""

# %% tags=["hide-input"]
lesson.note("map of brands")

# %%
can_map = lesson.can("map of brands")
if can_map:
    stock_list = shop.table("products").dropna(subset=["brand", "list_price", "category_id"])
    typical = stock_list.groupby("category_id")["list_price"].transform("mean")
    traits_of = [
        n for n in stock_list if n.startswith("attribute_") and stock_list[n].notna().all()
    ]

# %%
if can_map:
    rated = stock_list.assign(item=stock_list["brand"], eco=stock_list["is_eco"].astype(float),
                              dear=np.log(stock_list["list_price"] / typical))  # fmt: skip
    rated = rated.rename(columns=lambda name: name.replace("attribute_", "style "))
    styles = [name.replace("attribute_", "style ") for name in traits_of]
    brands = market.map_positions(rated, attributes=[*styles, "dear", "eco"], seed=seed)
    _ = caption(brands.plot(), "; products, standardised")

# %%
if can_map:
    display(Markdown(
        f"Between brands lie **{brands.between_share:.1%}** of the differences between products, the rest "
        f"is inside each brand. Brands handed out by lot would lie as far apart {brands.p_value:.0%} of the "
        "time. " + ("The map tells of the brands, but hardly of what a customer finds in each."
                    if brands.is_told_apart else "Nobody should be told to reposition from it.")
    ))  # fmt: skip

# %% [markdown]
"""
The same map for **regions**, made of what people there answer: here the axes decide where an eco line
has friends.
"""

# %% tags=["hide-input"]
lesson.note("map of regions")

# %%
can_regions = lesson.can("map of regions") and can_size
ASKED = {"eco_premium_share": "eco premium", "spend_last_year": "spend", "orders_last_year": "orders",
         "here_share": "share here", "is_known_unaided": "know us"}  # fmt: skip
if can_regions:
    had = [name for name in ASKED if name in survey]
    answers = survey.dropna(subset=had)
    answers = answers[had].astype(float).rename(columns=ASKED).assign(item=answers["region_id"])
    places = market.map_positions(answers, attributes=[ASKED[n] for n in had], seed=seed)
    _ = caption(places.plot(), "; survey")

# %%
if can_regions:
    display(Markdown(
        f"Regions handed out by lot would lie as far apart {places.p_value:.1%} of the time. "
        "Mind an axis made of *know us* and *share here*: a region where we never sold stands apart on it, "
        "and that tells nothing of its taste.\n\n" + "".join(f"- *Mind:* {caveat}\n" for caveat in places.caveats)
    ))  # fmt: skip

# %% [markdown]
"""
## The case: a new region, with or without the eco line

The owner may open a region where the shop has never sold. On the desk: a quote for what it costs to
be there, a dearer one with an ecological line of its own (sourcing, certificates), and the agency's
offer for a launch. Enter with everything, lead with eco, leave eco at home, or stay out?

The panel asked people there, too. First a look at what all regions say, on a schematic map.
"""

# %% tags=["hide-input"]
lesson.note("region entry")

# %%
LAUNCH, YEAR = 200, 7 * weeks  # currency per 1,000 people; days run on
about = shop.table("regions") if "regions" in shop.tables else pd.DataFrame()
fresh = about[about["is_new"].fillna(False)] if "is_new" in about else about.iloc[:0]
can_enter = lesson.can("region entry") and can_size and len(fresh) > 0
if lesson.can("region entry") and not can_enter:
    display(Markdown("> **No region to enter**: this store sells in every region it knows of. "
                     "Simulate a newer one to open the case."))  # fmt: skip

# %%
if lesson.can("region entry"):
    asked_there = told.groupby("region_id").agg(
        stated=("eco_premium_share", "mean"), spend=("spend_last_year", "mean")
    )
    said_map = about.merge(asked_there, on="region_id").rename(
        columns={"stated": "Stated eco premium"}
    )
    _ = caption(market.draw_region_map(said_map, value="Stated eco premium", unit="share"),
                "; survey; a framed region is new")  # fmt: skip

# %% [markdown]
"""
### How much eco would sell there?

**Naive: compare regions.** Richer regions buy more eco products, a line through them shows it. The new
region has an income, so read its taste off the line. **At face value**: people there say what they would
pay more. **Calibrated**: where we sell, we know both what people say *and* what they buy. That relation
turns what people say in the new place into a forecast, with the error it has had in places we know. (Answers are not weighted here: a region has
too few for that, and only the differences between regions count.)
"""

# %%
if lesson.can("region entry"):
    basket_lines = shop.table("order_lines").merge(
        shop.table("products")[["sku", "is_eco"]], on="sku"
    )
    basket_lines = basket_lines.merge(
        shop.table("orders")[["order_id", "region_id"]], on="order_id"
    )
    taken = basket_lines.groupby(["region_id", "is_eco"])["units"].sum().unstack()
    known_regions = about.set_index("region_id").join(asked_there)
    known_regions["units"], known_regions["other_units"] = taken.get(True), taken.get(False)
    known_regions = known_regions.dropna(subset=["stated", "income_index"]).reset_index()

# %%
INCOME, WORDS = "income over the mean", "premium stated"
if lesson.can("region entry"):
    known_regions = known_regions.rename(columns={"income_index": INCOME, "stated": WORDS})
    by_income, by_words = (
        market.forecast_taste(known_regions, by=name) for name in (INCOME, WORDS)
    )
    ax = by_words.plot()
    ax.set(xlabel="eco premium stated [share]", ylabel="eco share of units [%]")
    _ = caption(ax, "; stated eco premium and units sold, by region")

# %%
if lesson.can("region entry"):
    tries = pd.DataFrame(
        {"missed by, points": [100 * by_income.mean_error_share, 100 * by_income.error_share,
                               100 * by_words.error_share]},
        index=["the mean of the other regions", "income", "what people there say, calibrated"],
    )  # fmt: skip

# %%
tries.round(1) if lesson.can("region entry") else "not on this store"

# %% [markdown]
"""
Each known region was forecast *as if it were new*, from the others alone: so a forecast is judged before
it is needed. But mind what this test cannot see. Regions we know may be alike in a way the new one is
not: if all the rich ones happen to like eco, income looks like a cause, and passes the test. Words come
from the place itself; income is an analogy with other places.
"""

# %%
if can_enter:
    there = fresh["region_id"].iloc[0]
    rows = [
        ("income of the region (naive)", by_income),
        ("what people there say, calibrated", by_words),
    ]
    taste = pd.DataFrame(
        [(n, *f.table.set_index("region_id").loc[there, ["forecast", "low", "high"]]) for n, f in rows],
        columns=["by", "eco share", "low", "high"],
    ).set_index("by")  # fmt: skip

# %%
taste.astype(float).round(2) if can_enter else "not on this store"

# %% [markdown]
"""
### What does each option earn?

Sales there are people × spend × share of it that comes to us; all ways suppose that after the launch as many
know us there as at home. **Compare regions** takes our sales a head from home. **At face value** the survey's
spending and our share are taken as said, and eco units grow by the premium people state. **Calibrated**, the
spending is multiplied by the honesty factor found above, and eco comes from the line. The range changes how much of it we get: a product of the kind people like sells more for
each place on the shelf, so the shelf can be weighed.

> pull of a shelf = ordinary places + eco places × (odds of eco units there / odds of eco places)

In words: if eco has a fifth of the places and a third of the sales, each eco place pulls twice as
much as an ordinary one; giving it more places gives the shelf more pull.
"""


# %%
def pull(eco_share: float, places: float, of_shelf: float) -> float:
    """Return how much a shelf attracts, for a region's eco share of units on today's shelf."""
    each = (eco_share / (1 - eco_share)) / (of_shelf / (1 - of_shelf))
    return 1 - places + places * each


if can_enter:
    shelf = float(shop.table("products")["is_eco"].mean())
    at_home = float(taken[True].sum() / taken.sum().sum())
    usual_pull = pull(at_home, shelf, shelf)
    quote = load_scenario(shop.manifest.origin["scenario"]).entry
    PLACES = {"all": shelf, "eco": quote.eco_places, "ordinary": 0.0}

# %%
if can_enter:
    head = people * share_of[there]  # people who might buy there
    recent = daily.tail(YEAR)
    bills = shop.table("costs_daily").tail(YEAR)
    growing = [n for n in ("fulfilment", "returns_handling", "payment") if n in bills]
    net = float(recent["net"].sum())
    earned = float(recent["margin"].sum() - bills[growing].sum().sum()) / net
    ads_a_head = float(recent["ad_spend"].sum()) / (people * (1 - share_of[there]))
    fixed = {name: head * (ads_a_head + YEAR / 1000 * (quote.cost_per_1000_people
             + quote.eco_cost_per_1000_people * (name == "eco")) + LAUNCH / 1000)
             for name in PLACES}  # fmt: skip


# %%
def choose(eco: list[float], a_head: float, a_head_error: float) -> market.EntryPlan:
    """Plan the entry from a region's eco share, its low and high, and sales a head [currency]."""
    pulls = {name: [pull(share, places, shelf) for share in eco] for name, places in PLACES.items()}
    rows = [(name, mid / usual_pull, (high - low) / 3.92 / mid, fixed[name])
            for name, (mid, low, high) in pulls.items()]  # fmt: skip
    options = pd.DataFrame(rows, columns=["option", "multiple", "relative_error", "cost"])
    return market.plan_entry(options, sales=head * a_head, sales_error=a_head_error,
                             earned_share=earned, unit=currency, seed=seed)  # fmt: skip


# %%
if can_enter:
    sales_a_head = net / (people * (1 - share_of[there]))
    in_words = float(asked_there.loc[there, "spend"]) * wallet * aware.mean * YEAR / 365
    counted = in_words * honesty * net / (recent["sales"].sum())
    stated_there = float(asked_there.loc[there, "stated"])
    doubt = float((ours["high"] - ours["low"]) / 3.92 / ours["share"])

# %%
if can_enter:
    ways = {
        "compare regions": choose(taste.iloc[0].tolist(), sales_a_head, 0.1),
        "survey at face value": choose([min(at_home * (1 + stated_there), 0.9)] * 3, in_words, 0.1),
        "calibrated": choose(taste.iloc[1].tolist(), counted, doubt),
    }
    _ = caption(
        ways["calibrated"].plot(), f"; {about.set_index('region_id').loc[there, 'name']}, a year"
    )

# %%
if can_enter:
    forecast = pd.DataFrame(
        {way: plan.table.set_index("option")["profit"] for way, plan in ways.items()}
    )
    chosen = {way: plan.best for way, plan in ways.items()}

# %%
forecast.round(-2) if can_enter else "not on this store"

# %% [markdown]
"""
### What it earned

Now the eco line and whatever one of the ways has chosen are carried out in the store, and staying out
beside them: same people, same days, same luck. The profit counts every bill: goods, parcels, returns, payment,
advertising, service, the region's own costs. *Regret* is what the best of the options run earned, less what
this choice earned.
"""

# %%
if can_enter:
    opening = str((daily["date"].iloc[-1] + pd.Timedelta(days=1)).date())
    entries = {name: Plan(start=opening, regions={there: {"range": name, "launch_budget": LAUNCH}})
               for name in PLACES if name == "eco" or name in chosen.values()}  # fmt: skip
    came = carry_out(shop, {"stay out": None, **entries}, days=YEAR)
    final = {
        name: came[name]["margin"].sum() - came[name]["costs"].sum()
        for name in ("stay out", *entries)
    }
    gained = pd.Series(final) - final["stay out"]

# %%
if can_enter:
    result = pd.DataFrame({"decision": chosen})
    result["forecast"] = [ways[way].profit for way in chosen]
    result["came"] = result["decision"].map(gained)
    result["regret"] = gained.max() - result["came"]

# %% tags=["nbval-check-output"]
result.round(-1) if can_enter else "not on this store"

# %%
if can_enter:
    worst = result["regret"].idxmax()
    finding = (f"'{worst.capitalize()}' leaves {format_amount(result['regret'].max(), currency)} on the table; "
               f"the best of those run was '{gained.idxmax()}'" if result["regret"].max() > 0 else
               f"Every way chose '{gained.idxmax()}', the best of those run")  # fmt: skip

# %%
if can_enter:
    ax = new_axes(height=3.0)
    ax.barh(result.index[::-1], result["regret"][::-1], color=[BLUE, ORANGE, ORANGE], height=0.55)
    for place, row in enumerate(result[::-1].itertuples()):
        ax.annotate(f"{row.decision}: {format_amount(row.regret, currency)}", (row.regret, place), (6, 0),
                    textcoords="offset points", va="center", color=GREY)  # fmt: skip
    _ = finish(ax, title=finding,
               x=f"regret: profit of the best option less that of the choice [{currency}]", y="",
               source=f"{lesson.source}; options run for {weeks} weeks")  # fmt: skip

# %%
if can_enter:
    lines = [f"- *{way}* chose **{row.decision}**, forecast {format_amount(row.forecast, currency)}, got "
             f"{format_amount(row.came, currency)}" for way, row in result.iterrows()]  # fmt: skip
    off = (
        result.loc["survey at face value", "forecast"] - result.loc["survey at face value", "came"]
    )
    display(Markdown("\n".join(lines) + f"\n\nTaken at its word, the survey was off by "
                     f"**{format_amount(abs(off), currency)}**. A forecast like that orders too "
                     f"{'much stock and hires too many' if off > 0 else 'little stock and hires too few'} "
                     "people, whatever becomes of the yes or no."))  # fmt: skip

# %%
if can_enter:
    weight = result["regret"].max() / abs(final["stay out"])
    display(Markdown(
        f"Between the best and the worst choice lie {weight:.1%} of the profit of staying out"
        + (": here the yes or no hardly matters. Look at the forecasts instead."
           if weight < 0.02 else ".")
    ))  # fmt: skip

# %% [markdown]
"""
And the sealed truth about the taste of the place (0: the label changes nothing; the higher, the more it
draws):
"""

# %%
if lesson.can("region entry") and truth:
    laws = truth["truth_params"].set_index("parameter")["value"]
    real_taste = known_regions[["region_id", INCOME, WORDS]].assign(
        true_taste=[float(laws[f"regions.{name}.eco_taste"]) for name in known_regions["region_id"]]
    )

# %%
real_taste.set_index("region_id").round(2) if lesson.can("region entry") and truth else "no truth"

# %%
if lesson.can("region entry") and truth and can_enter:
    ranks = real_taste.set_index("region_id").rank(ascending=False).loc[there].astype(int)
    display(Markdown(
        f"Of {len(real_taste)} regions the new one is number **{ranks[INCOME]}** by income, number "
        f"**{ranks[WORDS]}** by what people say, and number **{ranks['true_taste']}** in truth."
    ))  # fmt: skip

# %%
if can_price or can_enter:
    notes = []
    if can_price:
        notes += [f"- Eco prices: **{profit.idxmax()}** earned most, {format_amount(profit.max(), currency)} "
                  f"in {weeks} weeks; as now, {format_amount(profit['as now'], currency)}.\n"]  # fmt: skip
    if can_enter:
        notes += [f"- The region, over staying out: *{way}* said **{row.decision}** and earned "
                  f"{format_amount(row.came, currency)}.\n" for way, row in result.iterrows()]  # fmt: skip
    display(Markdown("**For the owner:**\n\n" + "".join(notes)))

# %% [markdown]
"""
## What we learned

- **Sizing a market**: two ways, an interval each; where they contradict each other a step is wrong. Weights
  repair who was asked as far as margins know, never how people answer.
- **Reading what people say**: choices tell more than opinions; both are calibrated by what people do. Two
  coders, kappa and a curve of new themes make interviews worth more than their best quote.
- **Placing competitors and regions**: like for like, costs held fixed, and a test whether a map shows more
  than luck; a step is judged by its profit beside the naive one.

**Exercises**: `exercises/02_market_analysis.ipynb`.

**References.** W. G. Cochran, *Sampling Techniques*, 3rd ed., 1977. · W. E. Deming and F. F. Stephan,
*Annals of Mathematical Statistics* 11, 1940 (raking). · K. Train, *Discrete Choice Methods with
Simulation*, 2nd ed., 2009. · J. Cohen, *Educational and Psychological Measurement* 20, 1960. ·
K. Krippendorff, *Computing Krippendorff's Alpha-Reliability*, 2011. · A. Chao, *Biometrics* 43, 1987. ·
C. Hennig, *Computational Statistics and Data Analysis* 52, 2007. · IMF and others, *Consumer Price Index
Manual*, 2020. · M. Greenacre, *Correspondence Analysis in Practice*, 2007.
"""

# %%
card = {
    "Answers for a margin of " + f"{margin:.0%}": f"{plan.respondents:,}",
    "Market": format_amount(size.total, currency) if can_size else "",
    "Said, for each unit done": f"{1 / honesty:.2f}" if can_size else "",
    "Premium said / chosen": (f"{stated.mean:.0%} / {eco_worth['willingness']:.0%}"
                              if can_choose and can_ask else ""),
    "Agreement of coders": f"{kappa.value:.2f}" if can_code else "",
    "Competitors' prices over ours": f"{index.index:.3f}" if can_compare else "",
    "They follow our prices": f"{reaction.reaction:.0%}" if can_react else "",
    "Region": chosen["calibrated"] if can_enter else "",
}  # fmt: skip

# %%
publish(
    {label: text or "not estimated" for label, text in card.items()},
    title="How big is the market, what does it want, and where do we go next?",
)
