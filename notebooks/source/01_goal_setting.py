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
# What should we promise for the next quarter?

Every autumn the same meeting: last year's number is on the screen, somebody says "plus ten
percent", everybody nods, and three months later everybody explains. This notebook replaces the
nod with a number you can defend: what will happen if nothing changes, how sure that is, what a
target's chance is, and what it costs to prepare for the wrong one.

After it you will be able to

- **take revenue apart** into the factors that drive it, and say which one moved;
- **forecast a quarter with an honest interval**, test it on the past, and turn a target into a chance;
- **prepare for the right amount**, and hand the goal down to weeks, channels and owners on one page.

*Time: 60 minutes in the room. Words marked 中文 are the terms of the Chinese curriculum.*
"""

# %% [markdown]
"""
## Setup

The parameters are the only thing to change. `ecomlab run 01_goal_setting -p growth=0.2` does the
same from the command line (in the activated environment).
"""

# %% tags=["parameters"]
store: str = "../stores/demo"  # folder of the store
seed: int = 7  # seed of the forecast's draws [0, 1000000]
weeks: int = 13  # weeks ahead that the goal is for [4, 26]
growth: float = 0.10  # growth over the same weeks of last year that the meeting wants [-0.5, 1.0]
overage: float = 0.30  # lost on each unit of sales prepared for in vain, as a share [0.01, 1.0]
lever: float = 0.0  # what measured decisions will add, in currency [0, 1e12]
market_sales: float = 0.0  # sales of the whole market a year, 0 if unknown [0, 1e13]
share_goal: float = 0.06  # share of the market to hold in three years [0.001, 0.9]
calendar: str = "auto"  # shopping calendar {auto, US, GB, CN}

# %%
import pandas as pd
from IPython.display import Markdown, display

from ecomlab import metrics
from ecomlab.analysis import goals
from ecomlab.course import carry_out, open_lesson
from ecomlab.events import list_events, market_of
from ecomlab.plotting import (
    GREY,
    finish,
    format_amount,
    use_style,
)
from ecomlab.reports import publish
from ecomlab.simulator import Plan

use_style()

# %%
lesson = open_lesson("01_goal_setting", store)
shop, currency = lesson.shop, lesson.shop.currency
daily = metrics.daily_kpis(shop)
measure = "net" if daily["net"].notna().all() else "sales"
daily = daily.assign(returns=daily["returns"].fillna(0), net=daily["net"].fillna(daily["sales"]))
first, last = daily["date"].iloc[[0, -1]]
Markdown(f"The store **{shop.name}** has {len(daily):,} days, {first:%d %B %Y} to {last:%d %B %Y}.")

# %% [markdown]
"""
## What drives revenue?

*Net revenue* (净收入) is what customers paid for goods, less what they got back. It can be taken
apart without a remainder:

> net revenue = sessions × conversion × units per order × amount per unit − returns

*Conversion* (转化率) is the share of visits that end in an order; *average order* (客单价) is the
money in one. Each factor belongs to somebody: traffic to marketing, conversion to the shop, units
to the range, the amount to pricing. So the tree below is also a map of who could change what.
"""

# %% tags=["hide-input"]
lesson.note("KPI tree")

# %%
span = 364 if len(daily) >= 728 else len(daily) // 14 * 7
after, before = last - pd.Timedelta(days=span - 1), last - pd.Timedelta(days=2 * span - 1)
web = daily if daily["sessions"].notna().all() else daily.drop(columns="sessions")
tree = goals.build_kpi_tree(web, start=after, compare_start=before, days=span, currency=currency)
mover = tree.table.set_index("node").loc[tree.biggest]
_ = finish(
    tree.plot(),
    title=f"{tree.biggest.replace('_', ' ').capitalize()} moved net revenue most: "
    f"{format_amount(mover['contribution'], currency)}, in a change of "
    f"{format_amount(tree.after - tree.before, currency)}",
    source=f"{lesson.source}; last {span} days against the {span} before",
)

# %% [markdown]
"""
In each box: the value of the last period, its change on the period before, and how much of the
change of net revenue it explains. The explained amounts add up exactly, whatever the order in which
the factors are listed. In words: each factor gets the average level of sales times its own growth
in logarithms (the *logarithmic mean* method, LMDI).
"""

# %% tags=["nbval-check-output"]
tree.table[["node", "before", "after", "change_share", "contribution"]].round(3)

# %% [markdown]
"""
The levers are where an owner can do something about a factor. None of them is free, and later
chapters measure what each is worth.
"""

# %%
tree.table[tree.table["lever"] != ""].set_index("node")[["lever"]]

# %% [markdown]
"""
## The naive answer: last year plus ten percent

The meeting's arithmetic takes the same weeks of last year and adds what it wishes.
"""

# %%
history = goals.sum_weeks(daily, measure=measure)
has_last_year = len(history) >= 52
window = history.iloc[-52 : weeks - 52] if has_last_year else history.tail(weeks)
last_year = float(window["value"].sum())
naive_target = last_year * (1 + growth)
Markdown(
    f"The {'same' if has_last_year else 'last'} {weeks} weeks {'of last year ' * has_last_year}"
    f"brought **{format_amount(last_year, currency)}**. With {growth:+.0%} the meeting wants "
    f"**{format_amount(naive_target, currency)}**."
)

# %% [markdown]
"""
What is wrong with it? Three things. It is **one number**, as if the quarter could not turn out
otherwise. It takes **last year's luck** for granted: if last year's weeks were good by chance, the
bar is high by chance. And the ten percent come from **a wish**, not from anything the store did.
"""

# %% [markdown]
"""
## Better: what will happen if nothing changes?

A *baseline* (基线预测) is the forecast without any new decision. Ours takes weekly revenue apart, in
logarithms, into a level that wanders slowly, the season of the year, and the days of shopping events
in each week. In words: next week is at the level we have reached, higher or lower as this time of
year is, and lifted where an event falls. It carries no trend forward: growth that was seen is in the
level, growth that is hoped for is not.

From the fitted model we draw four thousand possible quarters, with the uncertainty of the
parameters in them. The *interval* (预测区间) is what 95 of 100 draws stay inside.
"""

# %% tags=["hide-input"]
lesson.note("baseline forecast")

# %%
lesson.require("baseline forecast")
market = market_of(shop.manifest.time_zone) if calendar == "auto" else calendar
events = list_events(first, last + pd.Timedelta(days=7 * weeks + 7), market=market)
baseline = goals.forecast_baseline(daily, events, measure=measure, weeks=weeks, seed=seed)
ax = finish(
    baseline.plot(),
    title=f"Without action the next {weeks} weeks bring {format_amount(baseline.total, currency)}, "
    f"give or take {(baseline.high - baseline.low) / 2 / baseline.total:.0%}",
    source=lesson.source, x="week", y=f"{measure} revenue a week [{currency}]",
)  # fmt: skip

# %% tags=["nbval-check-output"]
baseline.summary().assign(value=lambda t: t["value"].round(-2))

# %%
Markdown("".join(f"- {caveat}\n" for caveat in baseline.caveats) or "The forecast has no caveats.")

# %% [markdown]
"""
### Would it have worked?

A forecast earns trust on the past. We stand at several earlier days, hide what came after,
forecast, and compare with what then happened, and with the *seasonal-naive* forecast: simply last
year's weeks.
"""

# %%
can_test = len(history) >= 53 + weeks
backtest = None
if can_test:
    backtest = goals.backtest_baseline(
        daily, events, measure=measure, weeks=weeks, folds=4, seed=seed
    )

# %%
Markdown(
    f"In **{backtest.folds_inside} of {backtest.folds}** tries the actual total lay inside the "
    f"interval. Mean error: **{backtest.error_share:.1%}** for the baseline, "
    f"**{backtest.last_year_error_share:.1%}** for last year's weeks."
    if backtest
    else f"> **Not tested**: {len(history)} weeks are there; a test needs a year and {weeks} weeks."
)

# %%
if backtest:
    finish(
        backtest.plot(), source=lesson.source, x=f"first of the {weeks} weeks",
        title=f"What came lay inside the interval {backtest.folds_inside} times of {backtest.folds}",
        y=f"{measure} of {weeks} weeks [{currency}]",
    )  # fmt: skip

# %% [markdown]
"""
The tries overlap, so they are fewer independent trials than they seem. And mind what the test
compares: where a business hardly grows, last year's weeks are a good *forecast*. What they never
give is a *chance*.
"""

# %% [markdown]
"""
## A target is a chance

Now the meeting's number can be read for what it is. Count the draws that reach it.
"""

# %%
sure = baseline.knows_season
chance = goals.assess_target(baseline, target=naive_target) if sure else None
Markdown(
    f"Of the draws, **{chance.chance_share:.0%}** reach {format_amount(naive_target, currency)}."
    if sure
    else f"> **Not estimated**, because {len(history)} weeks do not tell the season of the year from the "
    "level; a chance without it would be no chance. The sections that build on it stay empty here."
)

# %%
if sure:
    ax = finish(
        chance.plot(), source=lesson.source, x=f"target for the {weeks} weeks [{currency}]",
        title=f"{growth:+.0%} has a chance of {chance.chance_share:.0%} without action",
        y="chance that it is reached",
    )  # fmt: skip
    ax.axvline(last_year, color=GREY, linewidth=1)
    ax.annotate("last year", (last_year, 0.93), (4, 0), textcoords="offset points", color=GREY)


# %%
def chance_of(wish: float) -> float:
    return goals.assess_target(baseline, target=last_year * (1 + wish)).chance_share


wishes = pd.DataFrame({"growth": [-0.1, 0.0, 0.05, 0.1, 0.2]})

# %% tags=["nbval-check-output"]
wishes.assign(chance=wishes["growth"].map(chance_of).round(2)) if sure else "not estimated"

# %%
if sure:
    share_of = chance.chance_share
    verdict = (
        "a wish" if share_of < 0.1 else "a stretch" if share_of < 0.4
        else "a fair goal" if share_of < 0.75 else "hardly a goal: it comes by itself"
    )  # fmt: skip
    display(Markdown(
        f"**{growth:+.0%} is {verdict}.** To reach it with even odds, decisions must add "
        f"**{format_amount(max(chance.gap, 0), currency)}**. A goal is the baseline plus what decisions "
        "add; a target without decisions is only a louder forecast.\n\n"
        + "".join(f"- *Mind:* {caveat}\n" for caveat in chance.caveats)
    ))  # fmt: skip

# %% [markdown]
"""
## The truth: the quarter that came

On a simulated store time can be run on. Nothing changes: the same habits, the same budgets. Here is
what the next weeks brought.
"""

# %% tags=["hide-input"]
lesson.note("next quarter in the store")

# %%
can_run = lesson.can("next quarter in the store")
came = carry_out(shop, {"quiet": None}, days=7 * weeks)["quiet"] if can_run else None
actual = float(came[measure].sum()) if can_run else float("nan")

# %%
if can_run:
    inside = "inside" if baseline.low <= actual <= baseline.high else "outside"
    finish(
        baseline.plot_against(goals.sum_weeks(came, measure=measure)), source=lesson.source,
        title=f"The quarter brought {format_amount(actual, currency)}: {inside} the interval, "
        f"the meeting's number was {naive_target / actual - 1:+.0%} off",
        x="week", y=f"{measure} revenue a week [{currency}]",
    )  # fmt: skip

# %%
if can_run:
    display(Markdown(
        f"The baseline was off by {baseline.total / actual - 1:+.1%}, the meeting's number by "
        f"{naive_target / actual - 1:+.1%}. One try proves nothing by itself: the study in "
        "`docs/studies/goals.md` repeats this over two hundred stores, and says how often the interval "
        "held and which rule cost least."
    ))  # fmt: skip

# %% [markdown]
"""
## The decision: how much to prepare for

A goal costs money before it earns any: goods are ordered, people hired, space rented for the amount
we say we will sell. Prepare for too little, and the margin of every missed sale is gone (the
*underage* cost). Prepare for too much, and capital, space and markdowns eat the rest (the *overage*
cost). The best amount to prepare for is the one that is exceeded with the chance

> overage cost / (underage cost + overage cost)

In words: when a missed sale hurts three times as much as an idle one, prepare so that you run short
in one case of four. This is the *newsvendor* rule (报童模型).
"""

# %%
costed = float(daily["costed_sales"].sum() / daily["sales"].sum() * daily["net"].sum())
margin_share = float(daily["margin"].sum() / costed) if costed > 0 else float("nan")
underage = margin_share if margin_share > 0 else 0.4
plan = (
    goals.plan_commitment(baseline, underage_cost=underage, overage_cost=overage) if sure else None
)

# %%
known = "the margin" if margin_share > 0 else "assumed, as the margin is not known here"
Markdown(
    f"A missed sale loses {underage:.0%} of it ({known}), an idle one {overage:.0%}. Prepare for "
    f"**{format_amount(plan.committed, currency)}**, the {plan.critical_ratio:.0%} point of the draws."
    if sure
    else "> **Not estimated**, as above."
)


# %%
def cost_of(committed: float, total: float) -> float:
    return goals.price_commitment(committed, total, underage_cost=underage, overage_cost=overage)


def expected_cost(committed: float) -> float:
    return sum(cost_of(committed, total) for total in baseline.draws.sum(axis=1)) / 4_000


# %%
HABIT, ONE, NEWS = f"last year {growth:+.0%}", "one number: the forecast", "newsvendor"
if sure:
    rules = pd.Series({HABIT: naive_target, ONE: baseline.total, NEWS: plan.committed})
    bill = pd.DataFrame({"committed": rules, "expected_cost": rules.map(expected_cost)})
    if can_run:
        bill["cost_when_it_came"] = [cost_of(committed, actual) for committed in rules]

# %% tags=["nbval-check-output"]
bill.round(-1) if sure else "not estimated"

# %%
if sure:
    more = (bill["expected_cost"] - bill["expected_cost"].min()).drop(
        bill["expected_cost"].idxmin()
    )
    display(Markdown(
        f"On the day of the decision the cheapest rule is **{bill['expected_cost'].idxmin()}**; "
        + " and ".join(f"*{rule}* is expected to cost {format_amount(gap, currency)} more"
                       for rule, gap in more.items())
        + f" over the {weeks} weeks. What came is one draw: with luck any rule can win once."
    ))  # fmt: skip

# %%
if sure and can_run:
    paid_in_fact = bill["cost_when_it_came"].map(lambda cost: format_amount(cost, currency))
    display(Markdown("In the weeks that came the rules cost: " + "; ".join(
        f"*{rule}* **{cost}**" for rule, cost in paid_in_fact.items()) + "."))  # fmt: skip

# %% [markdown]
"""
## Closing the gap: the naive lever

Somebody will say: *then we buy the missing revenue with advertising*. The naive sum takes the
average: net revenue that came through paid channels, divided by what these channels cost. So much
for a unit of spend; so much more spend for the gap. On a simulated store it can be done.
"""

# %% tags=["hide-input"]
lesson.note("channel return")

# %%
PAID = ("paid_search", "social", "affiliate")
can_spend = sure and can_run and lesson.can("channel return") and lesson.can("cascade to channels")
if can_spend:
    year = last - pd.Timedelta(days=363)
    sold = metrics.summarize_by(shop, by="channel", since=year).set_index("channel")["net"]
    spend = shop.table("ad_daily").query("date >= @year").groupby("channel")["spend"].sum()
    paid = [c for c in PAID if c in spend.index]
    average_return = float(sold.reindex(paid).sum() / spend[paid].sum())
    quarter_spend = float(spend[paid].sum()) * weeks / 52
    raise_by = 1 + max(chance.gap, 0) / average_return / quarter_spend
    display(Markdown(f"On average a unit of spend went with {average_return:.2f} of net, so the "
                     f"gap asks for **{raise_by:.2f} times** the usual budgets."))  # fmt: skip

# %%
if can_spend:
    start = str((last + pd.Timedelta(days=1)).date())
    push = Plan(start=start, budgets={channel: min(raise_by, 20) for channel in paid})
    outcome = carry_out(shop, {"no push": None, "push": push}, days=7 * weeks)["profit"]

# %% tags=["nbval-check-output"]
outcome.round(-2) if can_spend else "not on this store"

# %%
if can_spend:
    won, paid_for = outcome.loc["net", "difference"], outcome.loc["ad_spend", "difference"]
    profit = outcome.loc["profit after ads", "difference"]
    word = "lost" if profit < 0 else "earned"
    display(Markdown(
        f"The push brought **{format_amount(won, currency)}** of the "
        f"{format_amount(max(chance.gap, 0), currency)} it was meant to bring, for "
        f"{format_amount(paid_for, currency)} of spend: it **{word} "
        f"{format_amount(abs(profit), currency)}**. The next unit of spend does not return what "
        "the average one did."
    ))  # fmt: skip

# %% [markdown]
"""
Where this was run, both worlds had the same people, the same days and the same luck; only the budgets
differed, so the difference is the effect of the push and of nothing else. A later chapter will measure
such effects where no twin world can be had.

## Short goals and long ones

A quarter's goal should be a step towards a place. A common long-term goal is a share of the market
(市场份额): the store's sales over all that is sold in its field. Its denominator is always an
estimate from outside, so it comes as a range.
"""

# %%
yearly = float(daily["sales"].tail(364).mean()) * 365
likely = market_sales if market_sales > 0 else 25 * yearly
market_range = (max(0.75 * likely, 1.01 * yearly), likely, 1.4 * likely)
share = goals.plan_market_share(
    sales=yearly, market=market_range, market_growth=0.04, target_share=share_goal, years=3, seed=seed
)  # fmt: skip

# %%
Markdown(
    "The market was given as a parameter."
    if market_sales > 0
    else "> **No market estimate was given** (`-p market_sales=…`): for the exercise the market is "
    "taken as 25 times the store's sales."
)

# %%
Markdown(
    f"Today's share: **{share.share_now:.1%}** ({share.share_low:.1%} to {share.share_high:.1%}). "
    f"To hold {share_goal:.0%} in three years, sales must grow by "
    f"**{share.growth_share_per_year:.0%} a year** ({share.growth_low:.0%} to {share.growth_high:.0%}, as "
    "the market is smaller or larger), every year."
)

# %%
share.table.assign(year=lambda t: t["year"] + last.year).round({"share": 4, "growth_share": 3})

# %%
year_of = daily["sales"].tail(364).sum(), daily["sales"].iloc[-728:-364].sum()
past_growth = float(year_of[0] / year_of[1] - 1) if len(daily) >= 728 else float("nan")
needed = share.growth_share_per_year
fits = market_sales > 0 and share.growth_low <= past_growth + 0.03
Markdown(
    (f"Last year sales grew by {past_growth:+.1%}" if past_growth == past_growth else "Growth over a year "
     "is not known here") + f"; such a goal asks for {needed:+.1%} a year. "
    + ("They fit together." if fits else "With an invented market this is only an example: no goal is "
       "taken from it." if market_sales == 0 else "**They do not fit**: the goal needs a new market, "
       "range or channel, or it stays off the goal sheet. Better to say so now.")
)  # fmt: skip

# %% [markdown]
"""
## From one number to many owners

The goal we write down is what happens by itself plus what *measured* decisions add. No lever has been
measured yet (the one we tried is above), so unless `lever` says otherwise the goal is the level that is
reached with even odds (where the season is not known, last year's weeks, and no chance is given). We prepare for a little more or less than the goal, as the two costs tell. The
goal is handed down in the shape of the forecast: an event week is asked for more than a quiet one, a
channel for its usual share.
"""

# %%
OWNERS = {"direct": "brand", "seo": "content", "paid_search": "performance", "social": "social",
          "email": "CRM", "affiliate": "partners", "all": "store manager"}  # fmt: skip
expected = baseline.total if sure else last_year
target = expected + lever
by_itself = goals.assess_target(baseline, target=target).chance_share if sure else None
channels = (
    metrics.summarize_by(shop, by="channel").query("sales > 0").rename(columns={"sales": "amount"})
    if lesson.can("cascade to channels")
    else pd.DataFrame({"channel": ["all"], "amount": [1.0]})
)
cascade = goals.cascade_target(baseline, channels, target=target, owners=OWNERS)

# %% tags=["hide-input"]
lesson.note("cascade to channels")

# %%
by_week = cascade.pivot_table(index="week_start", columns="channel", values="target", sort=False)
by_week.index = by_week.index.strftime("%d %b")
by_week.assign(total=by_week.sum(axis=1)).round(0).head(6).astype(int)

# %% tags=["nbval-check-output"]
cascade.groupby(["channel", "owner"], as_index=False, sort=False)["target"].sum().round(-2)

# %% [markdown]
"""
And for the year's plan, in quarters of thirteen weeks: the forecast is run on to a full year, where the
interval opens wide, and honestly so.
"""

# %%
year_ahead = goals.forecast_baseline(
    daily, list_events(first, last + pd.Timedelta(days=380), market=market),
    measure=measure, weeks=52, seed=seed,
)  # fmt: skip
begins = year_ahead.table["week_start"].dt.strftime("%d %b %Y").iloc[::13]
by_quarter = pd.DataFrame(year_ahead.draws.reshape(-1, 4, 13).sum(axis=2), columns=begins)
by_quarter.quantile([0.5, 0.025, 0.975]).T.set_axis(["expected", "low", "high"], axis=1).round(-2)

# %% [markdown]
"""
## The goal sheet

One page, in the form of *objectives and key results* (OKR): what we want, how we shall know, what
happens without us, who answers for it. A key result without a number is a wish; one without an
owner is nobody's.
"""

# %%
due = f"{(last + pd.Timedelta(days=7 * weeks)):%Y-%m-%d}"
SELL, PREPARE = "Sell what the store can", "Prepare for the right amount"
GROW = "Grow in the market"

# %%
rows = [
    (SELL, f"{measure.capitalize()} revenue of {weeks} weeks", expected, target, currency,
     by_itself, "store manager", due),
]  # fmt: skip

# %%
if "sessions" in web:
    year = web.tail(364)[["orders", "sessions"]].sum()
    now = float(year["orders"] / year["sessions"])
    rows.insert(1, (SELL, "Conversion of visits held", now, now, "share", None, "shop", due))
if sure:
    rows.append((PREPARE, "Sales prepared for", baseline.total, plan.committed, currency, None,
                 "purchasing", due))  # fmt: skip
if fits:
    rows.append((GROW, "Share of the market in three years", share.share_now, share_goal, "share",
                 None, "general manager", str(last.year + 3)))  # fmt: skip

# %%
NAMES = ["objective", "key_result", "baseline", "target", "unit", "chance_share", "owner", "due"]
sheet = goals.write_goal_sheet(
    pd.DataFrame(rows, columns=NAMES), title=f"Goals of {shop.name} until {due}"
)
sheet

# %% [markdown]
"""
`sheet.to_page()` gives the same as a page of its own to send round, `sheet.to_targets()` the rows
for the store's table `targets`.

## What we learned

- **Taking revenue apart**: sessions × conversion × units per order × amount per unit, less returns;
  the factors' contributions add up, and each belongs to an owner.
- **A forecast with an interval**, tried on the past, turns a target into a chance; last year's
  number plus a wish has none.
- **Preparing for the right amount** follows from what too little and too much cost; the goal goes
  down to weeks, channels and owners in the shape of the forecast, on one page.

**Exercises**: `exercises/01_goal_setting.ipynb`.

**References.** R. J. Hyndman and G. Athanasopoulos, *Forecasting: Principles and Practice*, 3rd ed.,
2021, ch. 5 and 10. · K. J. Arrow, T. Harris and J. Marschak, Optimal inventory policy,
*Econometrica* 19, 1951. · B. W. Ang, The LMDI approach to decomposition analysis, *Energy Policy*
33, 2005. · J. Doerr, *Measure What Matters*, 2018.
"""

# %%
interval = f"{format_amount(baseline.low)} to {format_amount(baseline.high, currency)}"
known_only = {
    f"Expected, {weeks} weeks": format_amount(baseline.total, currency),
    "Interval": interval,
    f"Chance of {growth:+.0%}": f"{chance.chance_share:.0%}" if sure else "",
    "Prepare for": format_amount(plan.committed, currency) if sure else "",
}
goal = format_amount(target, currency) + ("" if sure else ", as last year")

# %%
publish(
    {label: text if sure else "not estimated" for label, text in known_only.items()}
    | {"Goal": goal},
    title="What should we promise for the next quarter?",
)
