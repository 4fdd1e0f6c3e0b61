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
# Which channel earns its money, and where does the next unit go?

Five platforms report at the end of the month. Each is proud, each asks for more, and together
they claim more orders than came through them. This notebook finds out what each channel really adds,
by switching it off where one can and by careful arithmetic where one cannot, and turns the answer
into a budget that is tried in the store.

After it you will be able to

- **tell credit from effect**: why reports and attribution cannot say what a channel adds, and what can;
- **plan and read a test** of a mail, a page, a region or a launch, and know what it cannot show;
- **write a marketing plan** whose next unit of money earns the same everywhere, and say what it is worth.

*Time: 90 minutes in the room. Words marked 中文 are the terms of the Chinese curriculum.*
"""

# %% [markdown]
"""
## Setup

The parameters are the only thing to change. The store is yours; where it lacks a table, the section
says so and what would unlock it.
"""

# %% tags=["parameters"]
store: str = "../stores/demo"  # folder of the store
seed: int = 7  # seed of everything drawn here [0, 1000000]
test_weeks: int = 26  # weeks of tests before the plan starts [12, 52]
plan_weeks: int = 26  # weeks that the plan is tried for [8, 52]
campaign_region: str = ""  # region of a campaign of yours; the second largest region if empty
campaign_start: str = ""  # its first day as YYYY-MM-DD; twelve weeks before the end if empty

# %%
from datetime import date

import pandas as pd
from IPython.display import Markdown, display

from ecomlab import metrics
from ecomlab.analysis import marketing
from ecomlab.course import carry_out, open_lesson
from ecomlab.course.best_budgets import best_budgets
from ecomlab.plotting import draw_pairs, finish, format_amount, use_style
from ecomlab.reports import publish
from ecomlab.simulator import Experiment, Plan, advance, simulate

use_style()

# %%
lesson = open_lesson("04_marketing_plan", store)
shop, currency = lesson.shop, lesson.shop.currency
daily = metrics.daily_kpis(shop)
first, last = daily["date"].iloc[[0, -1]]
can_click, can_pay = lesson.can("paths and attribution"), lesson.can("platform claims")
Markdown(f"The store **{shop.name}**: {len(daily):,} days, {first:%d %B %Y} to {last:%d %B %Y}, "
         f"{daily['orders'].sum():,.0f} orders.")  # fmt: skip

# %% [markdown]
"""
## The naive answer: what the platforms report

A *channel* (渠道) is a way by which people come: search, social networks, mails, creators (达人),
partners. Each platform reports the orders it touched. Divide what these orders brought by what the
channel cost, and there is the *return on ad spend* (广告投资回报率, ROAS) that is on every screen.
"""

# %% tags=["hide-input"]
lesson.note("platform claims")

# %%
PAID = ["paid_search", "social", "creators", "affiliate"]
if can_pay:
    ads = shop.table("ad_daily")
    claims = ads.groupby("channel")[["spend", "reported_orders"]].sum()
    clicked_orders = metrics.summarize_by(shop, by="channel").set_index("channel")["orders"]
    claims["clicked_orders"] = clicked_orders.astype(float)
    average = daily["sales"].sum() / daily["orders"].sum()
    claims["claimed_return"] = claims["reported_orders"] * average / claims["spend"]
    PAID = [channel for channel in PAID if channel in claims.index]

# %% tags=["nbval-check-output"]
claims.round(1) if can_pay else "not on this store"

# %%
if can_pay:
    more = claims["reported_orders"].sum() / claims["clicked_orders"].sum()
    top = claims.loc[PAID, "claimed_return"].idxmax()
    display(Markdown(
        f"Of the channels that are paid for (a mail costs next to nothing), the reports call **{top}** the best buy: "
        f"{claims.loc[top, 'claimed_return']:.1f} {currency} of sales for one of spend. But the platforms together claim **{more:.1f} times** the orders that came "
        "through their channels last: each may count an order that another counts too, and one that would "
        "have come without any of them."
    ))  # fmt: skip

# %% [markdown]
"""
## Sharing the credit more cleverly

*Attribution* (归因) makes the credit add up. A *path* is the run of visits that ended in an order. *Last
click* gives all to the last channel, *first* to the first, *linear* the same to each. The *Markov* rule asks
how many orders a random walk over the paths would lose without the channel; the *Shapley* rule gives each its mean
contribution over all orders of joining.
"""

# %% tags=["hide-input"]
lesson.note("paths and attribution")

# %%
if can_click:
    visits = shop.table("sessions").merge(
        shop.table("orders").query("payment_status == 'paid'")[["order_id", "amount"]],
        on="order_id", how="left",
    )  # fmt: skip
    paths = marketing.collect_paths(visits)
    rules = {rule: marketing.attribute_paths(paths, method=rule).table.set_index("channel")
             for rule in ("first", "last", "linear", "markov", "shapley")}  # fmt: skip
    credit = pd.DataFrame({rule: table["conversions"] for rule, table in rules.items()})

# %% tags=["nbval-check-output"]
credit.round(0) if can_click else "not on this store"

# %%
if can_click:
    spread = (credit.max(axis=1) / credit.min(axis=1)).sort_values()
    display(Markdown(
        f"Every column adds up to the same {credit['last'].sum():,.0f} paid orders. The rules agree most on "
        f"*{spread.index[0]}* and least on *{spread.index[-1]}* (a factor of {spread.iloc[-1]:.1f}). No rule is right "
        "or wrong by itself: all share out *credit*. None asks the question that money is about: **what would "
        "be missing without the channel?** That is its *effect*, or *increment* (增量), and paths cannot show "
        "it, since those who would have come anyway leave the same path."
    ))  # fmt: skip

# %% [markdown]
"""
## Unpaid search, and why it matters for paid

*Search engine optimisation* (搜索引擎优化, SEO) works on the rank of our pages in the unpaid results. What
is a rank worth? We compare days on which the same *cluster* of keywords stood higher and lower.
"""

# %% tags=["hide-input"]
lesson.note("unpaid search")

# %%
can_seo = lesson.can("unpaid search")
if can_seo:
    ranks = shop.table("seo_daily")
    curve = marketing.fit_click_curve(ranks)
    finish(curve.plot(), source=lesson.source,
           title=f"Twice as far down, {1 - 2**curve.exponent:.0%} fewer clicks "
           f"({1 - 2**curve.high:.0%} to {1 - 2**curve.low:.0%})")  # fmt: skip

# %% [markdown]
"""
In words: clicks fall as a power of the rank, so that twice the rank always costs the same share of them. From it
follow the *opportunities*: what each cluster would bring one rank higher. A click is taken to be worth the mean
margin of a visit by unpaid search.
"""

# %%
if can_seo:
    by_seo = metrics.summarize_by(shop, by="channel").set_index("channel").loc["seo"]
    margin_an_order = float(daily["margin"].sum() / daily["orders"].sum())
    click_worth = margin_an_order * by_seo["orders"] / ranks["clicks"].sum()
    chances = marketing.find_keyword_opportunities(ranks, curve, value_per_click=click_worth)

# %%
(chances[["cluster", "rank", "clicks_per_day", "new_rank", "extra_clicks_per_day", "value_per_year"]].round(1)
 if can_seo else "not on this store")  # fmt: skip

# %%
if can_seo:
    best, top = chances.iloc[0], chances.loc[chances["rank"].idxmin()]
    taken = curve.first_share[top["cluster"]] * top["rank"] ** curve.exponent
    display(Markdown(
        f"One rank higher for *{best['cluster']}* searches is worth about **{format_amount(best['value_per_year'], currency)} "
        f"a year**, if every extra click is a new visit: at most so much the work on its pages may cost. Where we stand "
        f"highest, for *{top['cluster']}* (rank {top['rank']:.1f}), {taken:.0%} of searches click our unpaid result already. "
        "These visitors need not be bought: the better the unpaid rank, the less a paid click on the same search can add. "
        "How much it does add, the test of our own name will tell."
    ))  # fmt: skip

# %% [markdown]
"""
## Better: switch it off and look

What a channel adds shows where it is missing. In a *geo test* (地域实验) a lot decides, for each region
and block of days, whether the channel is on. Regions that are off tell what would come without it.

Before spending anything, ask what the test can show: its size follows from the rate at which people
buy and from the smallest lift that would change the decision.
"""

# %%
base = float(daily["conversion_share"].mean()) if can_click else 0.03
sizes = marketing.plan_test(base_share=base, lift_share=0.10)
_ = finish(sizes.plot(), source=lesson.source)

# %%
about = (
    f"; this store has {daily['sessions'].mean():,.0f} a day"
    if can_click
    else " (visits are not known here; three orders in a hundred are assumed)"
)
Markdown(
    f"To find ten per cent more orders a visit with a chance of 80 %, each arm needs **{sizes.units_per_arm:,} "
    f"visits**{about}. Half the lift needs four times as many. So channels are tested on *visits*, of which there are "
    "many, and what a visit is worth is measured apart. (The formula is the one of R's `power.prop.test`.)"
)

# %% [markdown]
"""
We order tests for some months (`test_weeks`). Paid search and partners go dark in blocks of two weeks, social advertisements in
blocks of four, since their effect lasts for days; the advertisements on our own name have a lot of their own. Half
of the mail list gets no mail, a shorter checkout is shown by lot, and review photos come to one region after
another.
"""

# %% tags=["hide-input"]
lesson.note("tests in the store")

# %%
can_test = lesson.can("tests in the store")
begin, test_days = (last + pd.Timedelta(days=1)).date(), 7 * test_weeks
# length of a block, and half-lives of the parts of the effect [days]
GEO = {"paid_search": (14, (0.5,)), "affiliate": (14, (1.0,)), "social": (28, (0.0, 7.0))}
start_of_photos = begin + pd.Timedelta(days=56)
ordered = [Experiment(id=f"dark-{c.replace('_', '-')}", kind="geo", what=c, start=begin, days=test_days,
                      block_days=block) for c, (block, _) in GEO.items() if c in PAID]  # fmt: skip
ordered += [
    Experiment(id="brand", kind="geo", what="paid_search.brand", start=begin, days=test_days),
    Experiment(id="no-mail", kind="holdout", what="email", start=begin, days=test_days),
    Experiment(id="checkout", kind="feature", what="one_page_checkout", start=begin, days=56),
    Experiment(id="photos", kind="launch", what="photo_reviews", start=start_of_photos, days=test_days - 56),
]  # fmt: skip

# %%
if can_test:
    trials = Plan(start=begin, experiments=tuple(ordered))
    tested = advance(shop, plan=trials, days=test_days)
    new_visits = tested.store.table("sessions").query("date >= @begin")
    new_ads = tested.store.table("ad_daily").query("date >= @begin")
    arms = tested.store.table("assignments")


# %%
if can_test:
    key, dark = ["region_id", "date"], [channel for channel in GEO if channel in PAID]
    spends = new_ads.groupby([*key, "channel"])["spend"].sum().unstack(fill_value=0.0)
    regions = spends[dark].add_prefix("spend on ")
    regions = regions.join(spends[dark].gt(0).astype(float).add_suffix(" on"))
    regions["outcome"] = new_visits.groupby(key).size()


# %%
def read_regions(channel: str) -> marketing.GeoReading:
    """Read a channel's geo test; visits by last click stand for the platform's claim."""
    block, half_lives = GEO[channel]
    panel = regions.assign(spend=regions[f"spend on {channel}"], is_on=regions[f"{channel} on"] > 0)
    panel["reported"] = new_visits[new_visits["channel"] == channel].groupby(key).size()
    panel = panel.fillna(0).reset_index()
    panel["block"] = (panel["date"] - pd.Timestamp(begin)).dt.days // block
    others = [f"{other} on" for other in dark if other != channel]
    return marketing.read_geo_test(panel, half_lives=half_lives, beside=others)


# %%
readings = {channel: read_regions(channel) for channel in dark} if can_test else {}
rows = [(c, r.reported_return, r.return_ratio, r.return_low, r.return_high, r.lift_share)
        for c, r in readings.items()]  # fmt: skip
columns = ["channel", "by_last_click", "measured", "low", "high", "lift_share"]
geo = pd.DataFrame(rows, columns=columns).set_index("channel")

# %% tags=["nbval-check-output"]
geo.round(3) if can_test else "not on this store"

# %%
if can_test:
    ax = draw_pairs(geo, before="by_last_click", after="measured", low="low", high="high")
    worst = (geo["measured"] / geo["by_last_click"]).idxmin()
    finish(ax, source=lesson.source, x=f"visits for one {currency} of spend",
           title=f"Of {worst}'s last clicks, {geo.loc[worst, 'measured'] / geo.loc[worst, 'by_last_click']:.0%} "
           f"({geo.loc[worst, 'low'] / geo.loc[worst, 'by_last_click']:.0%} to "
           f"{geo.loc[worst, 'high'] / geo.loc[worst, 'by_last_click']:.0%}) were visits it added")  # fmt: skip

# %% [markdown]
"""
On dark days what was spent before still works: the reading reckons with it (*half-lives*: half a day for search, a
day for partners, and for social a quick part and one of a week), and takes out what the other tests did to the same regions. The
bars are 95 % intervals. They are of the *average* return of the whole budget: what would be lost if it
were switched off. The *next* unit earns less, since reach saturates; that is for the mix model below.

Last click counts visits. The platforms claim *orders*. To set the two side by side, we turn the measured visits into
orders, at the rate at which visits by the channel end in one.
"""

# %%
if can_test:
    rate = new_visits["order_id"].notna().groupby(new_visits["channel"]).mean().loc[geo.index]
    money_in = new_ads.groupby("channel")[["reported_orders", "spend"]].sum().loc[geo.index]
    said = 1000 * money_in["reported_orders"] / money_in["spend"]
    by_orders = (1000 * geo[["measured", "low", "high"]]).mul(rate, axis=0)
    by_orders.insert(0, "claimed", said)

# %%
by_orders.round(1) if can_test else "not on this store"

# %%
if can_test:
    apart = geo.query("by_last_click > high or by_last_click < low").index
    over = by_orders.query("claimed > high").index
    display(Markdown(
        f"Orders for 1,000 {currency} of spend. In *visits*, the tests "
        + (f"contradict last click for {', '.join(apart)}. " if len(apart) else "do not contradict last click: each "
           "interval holds its figure, so a longer test would be needed to tell them apart. ")
        + (f"In *orders*, the platforms of {', '.join(over)} claim more than even the upper end of what was measured; "
           f"for {(by_orders['claimed'] / by_orders['measured']).idxmax()} "
           f"{(by_orders['claimed'] / by_orders['measured']).max():.1f} times the measured figure." if len(over) else
           "In *orders*, no platform claims more than its interval allows.")
    ))  # fmt: skip

# %%
if can_test:
    display(Markdown("".join(f"- {said}\n" for said in readings["paid_search"].caveats)))

# %% [markdown]
"""
### Our own name

The test above switched all of paid search; on its lit days the campaign *brand*, the advertisements on our own name,
had a lot of its own. People who type our name are close to buying, and the report credits the advertisement. Would they have
come without it? Regions and weeks in which only the campaign *brand* was off can tell.
"""

# %%
if can_test:
    search = new_ads[new_ads["channel"] == "paid_search"].pivot_table(
        index=key, columns="campaign", values=["spend", "clicks"], aggfunc="sum", fill_value=0)  # fmt: skip
    lit = search[search[("spend", "generic")] > 0]
    brand = pd.DataFrame({"spend": lit[("spend", "brand")], "reported": lit[("clicks", "brand")]})
    brand["outcome"] = new_visits.groupby(key).size()
    brand = brand.fillna(0).reset_index().assign(is_on=lambda t: t["spend"] > 0)
    brand_reading = marketing.read_geo_test(brand, settle_days=1)

# %%
if can_test:
    bought = brand_reading.reported_return * brand["spend"].sum()
    by_name = new_ads.query("channel == 'paid_search'").groupby("campaign").sum(numeric_only=True)
    per_cost = by_name["reported_orders"] / by_name["spend"]

# %%
if can_test:
    display(Markdown(
        f"For the same money the report of *brand* shows {per_cost['brand'] / per_cost['generic']:.1f} times the orders of "
        f"*generic*. The campaign bought **{bought:,.0f} clicks**. Visits that came *because* of it: **{brand_reading.gained:,.0f}** "
        f"({brand_reading.low:,.0f} to {brand_reading.high:,.0f}). "
        + ("(Less than nothing is luck: the interval holds zero.) " if brand_reading.gained < 0 < brand_reading.high else "")
        + ("Even the upper end is below what was bought: the rest would have typed the name, or clicked the unpaid result "
           "right below." if brand_reading.high < bought else "The interval is too wide here to say how many would have come "
           "anyway; a longer test, or more regions, would tell.")
    ))  # fmt: skip

# %% [markdown]
"""
## E-mail: how a test is read

A mail costs next to nothing, so every report on mails looks splendid. Four habits spoil their tests: arms
that lost people, too few units, looking every day, and asking many questions. We take the checkout
test first, since it has the most units; the craft is the same for a subject line.
"""

# %%
if can_test:
    trial = arms[arms["experiment_id"] == "checkout"][["unit_id", "arm"]]
    seen = new_visits[new_visits["date"] < pd.Timestamp(begin) + pd.Timedelta(days=56)]
    units = seen.groupby("visitor_id").agg(
        outcome=("order_id", "count"), carts=("added_to_cart", "sum"),
        checkouts=("reached_checkout", "sum"), pages=("product_views", "sum"), day=("date", "min"),
    )  # fmt: skip
    trial = trial.merge(units, left_on="unit_id", right_index=True)
    reading = marketing.read_test(trial, control="control")

# %% tags=["nbval-check-output"]
reading.table.round(4) if can_test else "not on this store"

# %%
if can_test:
    finish(reading.plot(), source=lesson.source, x="orders a visitor, more than the control")
    display(Markdown(
        ("The arms have the sizes a lot gives" if reading.sample_ratio_p_value > 0.001 else
         "**The arms have sizes a lot hardly gives: do not believe what follows**")
        + f" (*sample-ratio* p = {reading.sample_ratio_p_value:.2g}): "
        f"**{reading.difference:+.4f} orders a visitor** ({reading.low:+.4f} to {reading.high:+.4f}), "
        f"{reading.difference / reading.table['mean'].iloc[0]:+.0%} on the control. "
        + ("The interval holds zero: the test shows neither a gain nor that there is none."
           if reading.low <= 0 <= reading.high else "At this one look the interval leaves zero out.")
    ))  # fmt: skip

# %% [markdown]
"""
### An arm that lost people

In a second store the test software forgets the arm of some visitors on phones. Look at the difference first,
as everybody does, and then at the sizes of the arms.
"""

# %%
if can_test:
    leak = Experiment(
        id="leak", kind="feature", what="one_page_checkout", start="2024-01-15", days=150
    )
    leaky = simulate(
        "leaky_test", seed, plan=Plan(experiments=(leak,)), people=15_000, days=170
    ).store
    lost = leaky.table("assignments").merge(
        leaky.table("sessions").groupby("visitor_id")["order_id"].count().rename("outcome"),
        left_on="unit_id", right_index=True)  # fmt: skip
    lost_reading = marketing.read_test(lost, control="control")
    display(lost_reading.table.round(4))

# %%
if can_test:
    need = marketing.plan_ratio_check(lost_share=0.02, level=0.999).units
    display(Markdown(
        f"The new page seems to bring {lost_reading.difference / lost_reading.table['mean'].iloc[0]:+.0%} orders a visitor"
        + (", and the p-value would call it found. " if lost_reading.p_value < 0.05 else ". ")
        + lost_reading.caveats[0] + f" To notice a loss of 2 % one needs {need:,} units: small tests can leak and nobody sees it."
    ))  # fmt: skip

# %% [markdown]
"""
### Looking every day

Who looks every day and stops at the first p below 0.05 finds something where there is nothing far more
often than one time in twenty.
"""

# %%
looks = pd.DataFrame({"looks": [1, 2, 5, 10, 28, 56]})
looks["false_finds"] = [marketing.compute_false_find_share(looks=n) for n in looks["looks"]]

# %%
looks.round(3)

# %% [markdown]
"""
An *always-valid* interval is wider on any one day and holds on all days at once: it may be watched, and the
test may be stopped when it leaves zero. (What is counted must be known on the day: orders on a visitor's first day.)
"""

# %%
if can_test:
    hoped = 0.15 * float(reading.table["mean"].iloc[0])
    day_one = seen[seen["date"] == seen.groupby("visitor_id")["date"].transform("min")]
    at_once = trial.assign(
        outcome=trial["unit_id"].map(day_one.groupby("visitor_id")["order_id"].count())
    )
    watch = marketing.watch_test(at_once, control="control", expected_difference=hoped)
    finish(watch.plot(), source=lesson.source, x="day", y="orders a visitor, more than the control")

# %%
if can_test:
    usual_stop = "never" if watch.naive_stop is None else f"on {watch.naive_stop:%d %b}"
    kept_stop = "never" if watch.stopped is None else f"on {watch.stopped:%d %b}"
    display(Markdown(
        f"Stopped by the usual p-value: **{usual_stop}**. By the interval that survives watching: **{kept_stop}**. On one store "
        f"the two may agree; over many tests of nothing, {looks['false_finds'].iloc[-1]:.0%} of those who look on "
        f"{looks['looks'].iloc[-1]} days find something by the p-value."
    ))  # fmt: skip

# %% [markdown]
"""
### Many questions

Four outcomes were recorded. Where nothing happened, one p-value falls below 0.05 one time in twenty; the smallest of
four does so more often. *Holm's* rule raises the p-values so that the chance of *any* false find stays below one in twenty.
"""

# %%
if can_test:
    asked = {"orders": "outcome", "carts": "carts", "checkouts": "checkouts", "pages": "pages"}
    found = [marketing.read_test(trial.assign(outcome=trial[column]), control="control").p_value
             for column in asked.values()]  # fmt: skip
    judged = marketing.judge_metrics(pd.DataFrame({"metric": list(asked), "p_value": found}))

# %%
judged.round(3) if can_test else "not on this store"

# %%
if can_test:
    kept = judged.loc[judged["is_found"], "metric"]
    display(Markdown(
        f"Below 0.05 by themselves: {(judged['p_value'] < 0.05).sum()} of {len(judged)}. After Holm's rule: "
        f"**{', '.join(kept) or 'none'}**."
    ))  # fmt: skip

# %% [markdown]
"""
### Does mail bring visits? A test that is too small, made larger

Half of the list got no mail while the tests ran. The naive comparison is wide, since some people visit often
and some never. What they did *before* the test foretells much of it; taking that out (*CUPED*)
leaves less noise for the same people.
"""

# %%
if can_test:
    before = begin - pd.Timedelta(days=test_days)
    past = visits[visits["date"] >= pd.Timestamp(before)].groupby("customer_id").size()
    came = new_visits.groupby("customer_id").size()
    mailed = arms[arms["experiment_id"] == "no-mail"][["unit_id", "arm"]]
    mailed = mailed.assign(outcome=mailed["unit_id"].map(came).fillna(0.0),
                           before=mailed["unit_id"].map(past).fillna(0.0))  # fmt: skip
    adjusted = marketing.adjust_outcomes(mailed)
    plain, sharper = (marketing.read_test(t, control="held_out") for t in (mailed, adjusted.table))

# %%
pd.concat([plain.table.iloc[1:], sharper.table.iloc[1:]]).assign(
    arm=["mailed, as it is", "mailed, CUPED"]).set_index("arm").round(3) if can_test else "not on this store"  # fmt: skip

# %%
if can_test:
    sure = sharper.low > 0 or sharper.high < 0
    display(Markdown(
        f"CUPED saved **{adjusted.variance_saved_share:.0%}** of the variance, as if the list were "
        f"{1 / (1 - adjusted.variance_saved_share):.1f} times as long, and moved the difference from {plain.difference:+.2f} to "
        f"**{sharper.difference:+.2f} visits a reader** ({sharper.low:+.2f} to {sharper.high:+.2f}), since the two halves had not been "
        "quite alike before. "
        + ("The interval leaves zero out: an effect of mail shows." if sure else
           "Even so the interval holds zero: **this list is too short to learn by a holdout what mail does**. Not "
           "found is not the same as not there: the interval tells what could still be true.")
    ))  # fmt: skip

# %% [markdown]
"""
### Whom to mail

The naive list holds those who are most likely to visit: a *response model*. But a mail pays where it *changes*
something. An *uplift model* (增益模型) learns each reader's own effect. History has a lottery that serves: within the
sender's rule (recent buyers get more mails), which day a reader gets a mail is chance. Each mail is
paired with a day without one, of a reader of the same kind on the same date. What counts is a visit on that day, by a
reader who was recognised. A mail's cost is put in the same unit: visits that would pay for it.
"""

# %% tags=["hide-input"]
lesson.note("mails")

# %%
can_mail = lesson.can("mails")
if can_mail:
    sends = shop.table("email_sends")
    since = last - pd.Timedelta(days=83)
    pairs = marketing.collect_mail_days(sends, shop.table("orders"), shop.table("sessions"), since=since,
                                        seed=seed)  # fmt: skip
    features = ["days_since_order", "orders", "visits", "mails_remembered"]
    bill = ads.query("channel == 'email'")["spend"].sum() if can_pay else 0.0
    mail_cost = float(bill / len(sends) * daily["sessions"].sum() / daily["margin"].sum())
    targeting = marketing.compare_targeting(pairs, features=features, cost=mail_cost, seed=seed)

# %%
targeting.table.round(4) if can_mail else "not on this store"

# %% [markdown]
"""
Each row is a rule; *gain* is visits a reader and day, more than with no mail, less the cost. The *Qini curve* mails the best
scores first and counts what is gained: the higher above the straight line, the more the score knows.
"""

# %%
if can_mail:
    qini = {name: marketing.measure_qini(targeting.scores.assign(score=targeting.scores[f"{name}_score"]),
                                         seed=seed) for name in ("uplift", "response")}  # fmt: skip
    finish(qini["uplift"].plot(), source=lesson.source, y="visits gained a reader's day")

# %%
if can_mail:
    areas = {
        n: f"{1000 * q.qini:.2f} ({1000 * q.low:.2f} to {1000 * q.high:.2f})"
        for n, q in qini.items()
    }
    apart = qini["uplift"].low > qini["response"].high or qini["response"].low > qini["uplift"].high
    display(Markdown(
        f"The *Qini* area (visits gained over mailing by lot, per thousand): uplift {areas['uplift']}, response "
        f"{areas['response']}. " + ("The rankings differ. " if apart else "The intervals overlap: **this list does not tell "
        "which ranking is better.** ") + f"On these days most was gained by *{targeting.best_rule}*. A mail costs as much as "
        f"{mail_cost:.4f} visits bring: the less that is, the fewer readers are worth leaving out."
    ))  # fmt: skip

# %%
if can_mail and can_test:
    new_sends = tested.store.table("email_sends").query("date >= @begin")
    each = len(new_sends) / (mailed["arm"] == "treated").sum()
    by_rule = targeting.table.set_index("rule").loc["everybody", ["gain", "low", "high"]]
    shown, low, high = each * (by_rule.astype(float) + mail_cost)
    display(Markdown(
        f"Do the two designs agree? At {each:.0f} mails a reader, the days would add up to {shown:+.2f} visits ({low:+.2f} to {high:+.2f}); the "
        f"half of the list without mail said {sharper.low:+.2f} to {sharper.high:+.2f}. " + ("Nothing contradicts it. "
        if low <= sharper.high and sharper.low <= high else "They do **not**, and one of them is wrong: by luck, or since a visit on the day of the mail may replace one on another "
        "day. Repeat the test before the list is given up or doubled.")
    ))  # fmt: skip

# %% [markdown]
"""
### How often to write

Readers who get more mails may be the keen ones, so that comparing readers hides what a mail costs. We compare mails to *one
and the same reader*: what does each earlier mail still *remembered* (half of it is forgotten in ten days) do to opening, and to staying on the list?
"""

# %%
if can_mail:
    fatigue = marketing.measure_fatigue(sends)
    finish(fatigue.plot(), source=lesson.source)
    display(Markdown(
        f"Across readers one more mail goes with {100 * fatigue.naive_open_change:+.1f} points of opening; among a "
        f"reader's own with **{100 * fatigue.open_change:+.1f}** ({100 * fatigue.low:+.1f} to {100 * fatigue.high:+.1f}), and each multiplies "
        f"the chance to unsubscribe by **{fatigue.leave_factor:.2f}**."
    ))  # fmt: skip

# %%
if can_mail:
    gain = targeting.table.set_index("rule").loc["everybody", "gain"]
    open_worth = gain / fatigue.open_share * float(daily["margin"].sum() / daily["sessions"].sum())
    rhythm = marketing.plan_mail_frequency(fatigue, value_per_open=max(open_worth, 1e-4))
    finish(rhythm.plot(), source=lesson.source, y=f"value of a reader over a year [{currency}]")

# %%
if can_mail:
    lately = sends[sends["date"] > last - pd.Timedelta(days=84)]
    now = len(lately) / lately["customer_id"].nunique() / 12
    values = rhythm.table.set_index("mails_per_week")["value"]
    today = values.iloc[abs(values.index - now).argmin()]
    display(Markdown(
        f"Dotted: nobody ever got as many, so it is a guess. A reader now gets {now:.1f} a week and is worth about {today:.2f} {currency} a "
        f"year; **{rhythm.mails_per_week:g} a week** would make it {rhythm.value:.2f}. This is a sum on paper; none of the rhythms was tried in the store."
    ))  # fmt: skip

# %% [markdown]
"""
## Social media and creators

A creator is paid for a post. How long does a post work? The days after posts are compared with
days without, week-days and months held fixed: *carry-over* (滞后效应) made visible.
"""

# %% tags=["hide-input"]
lesson.note("creators")

# %%
can_post, by_fee = lesson.can("creators"), "no posts yet"
if can_post:
    posts = shop.table("creator_posts")
    days = pd.DataFrame({"date": pd.date_range(first, last)})
    days["spend"] = days["date"].map(posts.groupby("date")["fee"].sum()).fillna(0.0)
    by_creators = shop.table("sessions").query("channel == 'creators'").groupby("date").size()
    days["outcome"] = days["date"].map(by_creators).fillna(0.0)

# %%
if can_post:
    burst = marketing.trace_posts(days, lags=10)
    finish(burst.plot(), source=lesson.source, y=f"visits for one {currency} of fee, a day")
    display(Markdown(
        f"In all, {currency} 1 of fee brought **{burst.total:.2f} visits** by creators ({burst.low:.2f} to {burst.high:.2f}). Who looks "
        f"on the day of the post alone sees {burst.table['response'].iloc[0] / burst.total:.0%} of them."
    ))  # fmt: skip

# %%
if can_post:
    card = marketing.score_creators(posts)
    by_fee = card.best if card.p_value <= 0.05 else "whoever asks least; their ranking is luck"
    finish(card.plot(), source=lesson.source,
           x=f"engagements for one {currency} of fee; orange: as seen; in brackets: posts")  # fmt: skip
    display(Markdown("".join(f"- {said}\n" for said in card.caveats)))

# %% [markdown]
"""
A score card invites to pay the leader more. *Shrinking* (收缩) draws each creator's figure to the mean of all, by
as much as luck explains; where little is left, the ranking is luck.

### A launch in steps

Review photos came to the regions one after another. The plain comparison, before and after, takes the
season for the effect. *Difference-in-differences* (双重差分) takes regions that did not have the photos yet as
the yardstick.
"""

# %%
if can_test:
    turns = arms[arms["experiment_id"] == "photos"]
    starts = pd.to_datetime(turns.set_index("unit_id")["arm"].str.split(":").str[1])
    weekly = new_visits.assign(period=new_visits["date"].dt.to_period("W").dt.start_time)
    grid = weekly.groupby(["region_id", "period"])["added_to_cart"].mean().unstack(fill_value=0.0)
    panel = grid.iloc[:, 1:-1].stack().rename("outcome").reset_index()
    panel = panel.rename(columns={"region_id": "unit"})
    launch = marketing.estimate_launch(panel, treated=starts.to_dict())

# %%
if can_test:
    naive = (panel[panel["period"] >= panel["unit"].map(starts)]["outcome"].mean()
             - panel[panel["period"] < panel["unit"].map(starts)]["outcome"].mean())  # fmt: skip
    finish(launch.plot(), source=lesson.source, x="week", y="share of visits with a cart",
           title=f"With photos {100 * launch.effect:+.1f} points more visits fill a cart "
           f"({100 * launch.low:+.1f} to {100 * launch.high:+.1f})"
           + (", which may be luck" if launch.low <= 0 <= launch.high else ""))  # fmt: skip

# %%
if can_test:
    display(Markdown(
        f"Before and after: {100 * naive:+.2f} points. Difference-in-differences: **{100 * launch.effect:+.2f}** "
        f"({100 * launch.low:+.2f} to {100 * launch.high:+.2f}); the plain two-way regression, which goes wrong where "
        f"effects grow, {100 * launch.two_way_effect:+.2f}. Before the start the regions moved "
        + ("alike, as far as one can tell" if launch.pretrend_p_value > 0.05 else "**apart already: do not trust it**")
        + f" (p = {launch.pretrend_p_value:.2f})."
    ))  # fmt: skip

# %% [markdown]
"""
Where only *one* region has the launch, a *synthetic control* (合成控制) mixes the others so that they move as it did
before. *Placebos*, the same done to regions without a launch, tell how large an effect luck makes.
"""

# %%
if can_test:
    early = starts.idxmin()
    until = starts.drop(early).min()
    alone = panel[panel["period"] < until + pd.Timedelta(days=28)]
    single = marketing.estimate_launch(
        alone, treated=early, start=starts[early], method="synthetic"
    )
    display(single.weights[single.weights > 0.01].round(2).to_frame().T)

# %%
if can_test:
    display(Markdown(
        f"Effect in {early}: {100 * single.effect:+.2f} points, p = {single.p_value:.2f} among {len(single.weights) + 1} regions: "
        + ("placebos are seldom as large. " if single.p_value <= 0.1 else f"{single.p_value:.0%} of them move as much by luck, so "
           "**one region alone cannot show it**. ")
        + "".join(f"*Mind:* {said} " for said in single.caveats)
    ))  # fmt: skip

# %% [markdown]
"""
### The case: social and creators together at a launch

*A launch with both lifts awareness and sells fast*, says the outline. We replay it: with the same people and luck,
social advertisements, creators, both or neither get three times their money for eight weeks; and so in three worlds.
"""

# %%
if can_test:
    world, push = shop.manifest.origin["scenario"], {"social": 3.0, "creators": 3.0}
    choices = {"neither": [], "social": ["social"], "creators": ["creators"], "both": list(push)}
    sold = pd.DataFrame(0.0, index=range(seed, seed + 3), columns=list(choices))
    paid = sold.copy()

# %%
if can_test:
    for name, lifted in choices.items():
        plan = Plan(start="2024-03-04", budgets={channel: push[channel] for channel in lifted})
        for other in sold.index:
            twin = simulate(world, other, plan=plan, people=8_000, days=119)
            told, bills = twin.truth["truth_day"], twin.store.table("ad_daily")
            sold.loc[other, name] = told.query("date >= '2024-03-04'")["expected_orders"].sum()
            paid.loc[other, name] = bills.query("date >= '2024-03-04'")["spend"].sum()

# %%
if can_test:
    extra = sold[["social", "creators", "both"]].sub(sold["neither"], axis=0)
    together = extra["both"] - extra["social"] - extra["creators"]
    size = "A little" if abs(together.mean()) < 0.1 * extra["both"].mean() else "Clearly"
    helps = f"{size} more than the sum, in all three worlds: they help each other." if together.min() > 0 else (
        f"{size} less than the sum, in all three worlds: both sell most, but that they help *each other* is **not** borne out "
        "here." if together.max() < 0 else "The sign changes from world to world: no *interaction* to plan with.")  # fmt: skip
    bill = (paid["both"] - paid["neither"]).mean()
    income = extra["both"].mean() * margin_an_order

# %%
if can_test:
    display(Markdown(
        f"More orders than with neither ({sold['neither'].mean():.0f}), mean of three worlds: "
        + ", ".join(f"{n} **{v:+.1f}**" for n, v in extra.mean().items())
        + f". Beyond the sum of the two: {together.mean():+.1f} ({together.min():+.1f} to {together.max():+.1f}). {helps} "
        f"Both cost {format_amount(bill, currency)} more, and their orders brought about {format_amount(income, currency)} of margin: "
        + ("in these weeks the push **paid**." if income > bill else "in these weeks the push did **not pay**.")
    ))  # fmt: skip

# %% [markdown]
"""
## From tests to all budgets: the mix model

Tests tell what today's budget brings. For a plan we need the whole curve. A *marketing mix model* (营销组合模型) explains
weekly visits by season, events and spend, with memory (*adstock*) and saturation. First from history alone:
"""

# %% tags=["hide-input"]
lesson.note("mix model")

# %%
can_mix = lesson.can("mix model")
if can_mix:
    weeks = marketing.sum_media_weeks(daily, ads, shop.table("calendar"), outcome="sessions", channels=PAID,
                                      follow=[c for c in PAID if c in GEO])  # fmt: skip
    controls = marketing.list_controls(weeks)
    blind = marketing.fit_mix(
        weeks, outcome="sessions", channels=PAID, controls=controls, seed=seed
    )

# %%
if can_mix:
    display(blind.table[["channel", "verdict"]])
    display(Markdown(
        f"The *health card* lets **{blind.channels_estimated} of {len(PAID)}** channels speak. "
        + ("A manager who spends when demand is expected leaves no trace of what the spend did: that is not a lack of weeks but of "
           "*variation by lot*. " if blind.channels_estimated < len(PAID) else "")
        + "So the tests go in, as what they are: data on the curve."
    ))  # fmt: skip


# %%
def as_lift(channel: str) -> marketing.LiftTest:
    """Turn a geo reading into visits a week: what a unit of spend brought, at the usual spend."""
    found, usual = readings[channel], float(weeks[channel].mean())
    return marketing.LiftTest(channel=channel, spend=usual, lift=usual * found.return_ratio,
                              standard_error=usual * (found.return_high - found.return_low) / 3.92)  # fmt: skip


# %%
if can_mix and can_test:
    lifts = [as_lift(channel) for channel in readings]
    if "creators" in PAID and can_post:
        fee, error = float(weeks["creators"].mean()), (burst.high - burst.low) / 3.92
        lifts.append(marketing.LiftTest(channel="creators", spend=fee, lift=burst.total * fee,
                                        standard_error=error * fee))  # fmt: skip
    mix = marketing.fit_mix(weeks, outcome="sessions", channels=PAID, controls=controls, seed=seed,
                            prior=marketing.MixPrior(tests=tuple(lifts)))  # fmt: skip

# %% tags=["nbval-check-output"]
(mix.table[["channel", "contribution", "low", "high", "roas"]].rename(columns={"roas": "visits_for_one"}).round(2)
 if can_mix and can_test else "not on this store")  # fmt: skip

# %% [markdown]
"""
*Contribution* is visits that the channel brought in all these weeks, with its interval; the last column divides them by what
was spent. So drawn, channels can be compared:
"""

# %%
if can_mix and can_test:
    finish(mix.plot(), source=lesson.source, x=f"visits for one {currency} of spend")

# %% [markdown]
"""
### The next unit, not the average one

A visit is worth the orders that *new* visitors by the channel place, times the margin of an order, times the orders that a new
customer places within a year, for the first is not the last (客户终身价值, *customer lifetime value*, cut at a year). Along the
curve the return of the *next* unit (边际回报) falls fast: budgets are decided by it, not by the average.
"""

# %%
able = can_mix and can_test and bool(mix.table["contribution"].notna().all())
if able:
    by_time = visits.sort_values(["visitor_id", "started_at"])
    paid_now = by_time["amount"].notna()
    fresh = by_time[paid_now.groupby(by_time["visitor_id"]).cumsum() - paid_now == 0]
    orders_a_visit = fresh["amount"].notna().groupby(fresh["channel"]).mean().loc[PAID]

# %%
if able:
    bought = shop.table("orders").query("payment_status == 'paid'").dropna(subset="customer_id")
    since_first = bought["date"] - bought.groupby("customer_id")["date"].transform("min")
    began = bought["date"] - since_first
    known = began.between(first + pd.Timedelta(days=365), last - pd.Timedelta(days=365))
    in_a_year = known & (since_first < pd.Timedelta(days=365))
    orders_a_year = (
        in_a_year.sum() / bought.loc[known, "customer_id"].nunique() if known.any() else 1.0
    )

# %%
if able:
    worth = margin_an_order * orders_a_year * orders_a_visit
    margin_share = float(daily["margin"].sum() / daily["net"].sum())
    largest = weeks[PAID].mean().idxmax()
    ladder = mix.response(largest, spend=[0.25 * k * weeks[largest].mean() for k in range(9)])
    steps = ladder[["spend"]].assign(outcome=ladder["response"] * worth[largest] / margin_share)
    returns = marketing.compare_returns(steps, margin_share=margin_share)

# %%
if able:
    at = returns.table.iloc[4]
    finish(returns.plot(), source=lesson.source, x=f"spend on {largest} a week [{currency}]",
           y=f"net sales for one {currency}", title=f"{largest}: {at['average_return']:.2f} on average, "
           f"{at['marginal_return']:.2f} on the last quarter; {1 / margin_share:.1f} would pay")  # fmt: skip
    pays = returns.table.query("marginal_return * @margin_share >= 1")["spend"].max()
    display(Markdown(
        f"A new customer places **{orders_a_year:.2f} orders** within a year of the first. "
        f"Today's budget is {at['spend']:,.0f} {currency} a week. An order leaves {margin_share:.0%} of its sales as margin, so one "
        f"{currency} must bring {1 / margin_share:.1f} {currency} of sales. " + (f"The next unit does so up to about {pays:,.0f} a week."
        if pays > 0 else "Not even the first quarter of the budget does, by this curve.")
    ))  # fmt: skip

# %% [markdown]
"""
## The truth

The store is simulated, so what each channel alone brought is known. It was not used above; now it is opened.
Two things to expect: the tests ran side by side, and where another channel is dark too, a channel adds a little more than
when all are on; and nine regions are few, so that luck leaves its mark on each reading.
"""

# %%
if can_mix and can_test:
    routes = tested.truth["truth_route_day"].query("date <= @last")
    true_visits = routes.groupby("channel")["incremental_sessions"].sum()
    judged_by = pd.DataFrame({
        "last_click": visits.groupby("channel").size().loc[PAID],
        "mix_with_tests": mix.table.set_index("channel")["contribution"],
        "truth": true_visits.loc[PAID],
    }).astype(float).rename_axis("channel")  # fmt: skip
    ends = mix.table.set_index("channel")[["low", "high"]]
    held = (ends["low"] <= judged_by["truth"]) & (judged_by["truth"] <= ends["high"])
    errors = judged_by.sub(judged_by["truth"], axis=0).abs().sum() / judged_by["truth"].sum()

# %% tags=["nbval-check-output"]
judged_by.round(-2) if can_mix and can_test else "not on this store"

# %%
if can_mix and can_test:
    better = errors["mix_with_tests"] < errors["last_click"]
    missed = ", ".join(held.index[~held])
    display(Markdown(
        f"Last click is off by **{errors['last_click']:.0%}** of what the channels brought, the mix model with tests by "
        f"**{errors['mix_with_tests']:.0%}**. " + ("" if better else "Here the model was no better. ")
        + f"Its intervals hold the truth for **{held.sum()} of {len(held)}** channels"
        + (f", and miss it for {missed}: an interval counts luck, not what the tests and the model get wrong. " if missed else ". ")
        + "Over thirty stores: `docs/studies/marketing.md`."
    ))  # fmt: skip

# %%
if can_mix and can_test:
    while_tested = tested.truth["truth_route_day"].query("date >= @begin")
    own_name = while_tested.query("route == 'brand_search'")
    readers = (mailed["arm"] == "treated").sum()
    by_mail = while_tested.query("route == 'email'")["incremental_sessions"].sum() / readers
    display(Markdown(
        f"Of the clicks on our own name, {own_name['incremental_sessions'].sum():,.0f} visits in the {test_weeks} weeks came by nothing "
        f"else; the regions said {brand_reading.gained:,.0f} ({brand_reading.low:,.0f} to {brand_reading.high:,.0f})."
        + (f" Mails alone brought {by_mail:.2f} visits a reader (recognised or not); the list without mail said {sharper.low:+.2f} to "
           f"{sharper.high:+.2f}." if by_mail > 0 else "")
    ))  # fmt: skip

# %% [markdown]
"""
## The plan

The budget moves until the next unit earns the same in every channel. Below 1, a next unit brings less margin than it costs;
so a second plan may also spend less, and keeps in the till what would not earn its own cost.
"""

# %%
if able:
    total = float(weeks[PAID].mean().sum())
    same = marketing.allocate_budget(mix, total=total, worth=worth.to_dict())
    free = marketing.allocate_budget(mix, total=total, worth=worth.to_dict(), least_return=1.0)

# %%
if able:
    moved = same.table.set_index("channel")["budget"] - weeks[PAID].mean()
    finish(same.plot(), source=lesson.source, x=f"budget a week [{currency}]; bar: today's",
           title=f"Money moved from {moved.idxmin()} to {moved.idxmax()}: {same.gain:+.0f} {currency} a week expected "
           f"({same.gain_low:+.0f} to {same.gain_high:+.0f})")  # fmt: skip

# %%
if able:
    usual = weeks[PAID].mean()
    clicked = credit.loc[PAID, "last"]
    by_clicks = clicked / clicked.sum() * usual.sum() / usual
    multiples = pd.DataFrame({
        "last click": by_clicks, "mix, same total": same.table.set_index("channel")["multiple"],
        "mix, free total": free.table.set_index("channel")["multiple"],
        "no advertising": pd.Series(0.0, index=PAID),
    }).join(pd.DataFrame(best_budgets(world))).reindex(PAID).mul(20).round().div(20)  # fmt: skip

# %% tags=["nbval-check-output"]
multiples.round(2) if able else "not on this store"

# %% [markdown]
"""
Each column is a plan: multiples of the usual budget, to the nearest twentieth. They start after the tests; *no advertising* is the bluntest of them. The
*oracle* columns, where they are known, come from a search with the truth in hand on stores of this kind: nobody has
them, they tell about how much was there to be won. After the plan's weeks all go back to the usual budgets, and the plans that change the
total are watched for a year more: fewer people know the shop after a cut, and fewer have bought before.
"""

# %%
if able:
    turn = (pd.Timestamp(begin) + pd.Timedelta(days=test_days)).date()
    over = (pd.Timestamp(turn) + pd.Timedelta(days=7 * plan_weeks)).date()
    plans = {"status quo": trials} | {
        name: Plan(start=turn, budgets=column.clip(upper=20).to_dict()).after(trials)
        for name, column in multiples.items()
    }  # fmt: skip
    spent = multiples.mul(usual, axis=0).sum() / usual.sum()
    long = ["status quo", *spent.index[(spent - 1).abs() > 0.1]]

# %%
if able:
    span = test_days + 7 * plan_weeks
    again = Plan(start=over, budgets=dict.fromkeys(PAID, 1.0))
    outcome = carry_out(shop, {name: plans[name] for name in plans if name not in long}, days=span)
    outcome |= carry_out(shop, {name: again.after(plans[name]) for name in long}, days=span + 364)
    outcome |= carry_out(shop, {"no tests": None}, days=test_days)


# %%
def count_profit(name: str, since: date, until: date) -> float:
    """Margin less media spend of a plan's days."""
    days = outcome[name]
    days = days[(days["date"] >= pd.Timestamp(since)) & (days["date"] < pd.Timestamp(until))]
    return float(days["margin"].sum() - days["ad_spend"].sum())


# %%
if able:
    end = (pd.Timestamp(over) + pd.Timedelta(days=364)).date()
    earned = pd.DataFrame({"spend": {"status quo": 1.0} | spent.to_dict()})
    earned["profit"] = [count_profit(name, turn, over) for name in plans]
    earned["against_status_quo"] = earned["profit"] - earned.loc["status quo", "profit"]
    while_testing = count_profit("status quo", begin, turn) - count_profit("no tests", begin, turn)
    after = pd.Series({name: count_profit(name, over, end) for name in long})
    earned["year_after"] = after - after["status quo"]
    earned["both"] = earned["against_status_quo"] + earned["year_after"]

# %% tags=["nbval-check-output"]
earned.drop(columns="spend").round(-1).assign(
    spend=earned["spend"].round(2)
) if able else "not on this store"

# %% [markdown]
"""
*Spend* is a multiple of the usual one; profit is goods margin less media spend. *Against status quo* is of the plan's weeks, *year after* of the
52 weeks that follow, in which all spend the same again. A dash (NaN) means: same total, not watched.
"""

# %%
if able:
    ours = earned.loc["mix, free total", "against_status_quo"]
    naive_gain = earned.loc["last click", "against_status_quo"]
    even = earned.loc["mix, same total", "against_status_quo"]

# %%
if able:
    display(Markdown(
        f"In the {plan_weeks} weeks after the tests, moving money by last click changed profit by **{format_amount(naive_gain, currency)}**, the same "
        f"total by the mix model by **{format_amount(even, currency)}**, and spending only what earns its cost by "
        f"**{format_amount(ours, currency)}**. "
        + ("With the same total, the mix model did better than last click. " if even > naive_gain else "With the same total, the mix "
           "model did **no** better than last click. ")
        + f"The tests themselves, in their {test_weeks} weeks, changed profit by {format_amount(while_testing, currency)} "
        "(dark regions also save their spend)."
    ))  # fmt: skip

# %%
if able:
    none, kept = earned.loc["no advertising"], earned.loc["mix, free total"]
    best = earned["both"].drop("status quo").idxmax()
    display(Markdown(
        f"**What is saved now is partly paid later.** Switching everything off changed profit by {format_amount(none['against_status_quo'], currency)} "
        f"in the plan's weeks and by **{format_amount(none['year_after'], currency)}** in the year after, though the money was back: together "
        f"{format_amount(none['both'], currency)}. The plan that keeps what earns its cost: {format_amount(kept['against_status_quo'], currency)} and "
        f"{format_amount(kept['year_after'], currency)}, together **{format_amount(kept['both'], currency)}**. With the year after, *{best}* "
        "did best of those that were watched."
        + (" Cutting looks better the shorter one looks: who is judged by the half-year cuts too much." if none["year_after"] < 0 else "")
    ))  # fmt: skip

# %% [markdown]
"""
All worlds have the same people and luck, yet a few hundred between two plans are still luck: over fresh stores the plans with the
truth in hand are compared in `docs/studies/budgets.md`. The lesson is in the columns: a plan is judged over the time for which it works, and the
*worth* of a visit that went into it counts a customer's orders of a year. So the plan is reviewed each quarter, and the next tests are in it.
"""

# %% [markdown]
"""
### The page to hand in

A plan is data: it can be reviewed, kept and run. Here it is with its calendar (the weeks of events need no other
split, since the curve is the same; they need their stock) and its segments.
"""

# %%
if able:
    print_of = plans["mix, free total"].model_copy(update={"before": None})
    display(Markdown("```yaml\n" + print_of.to_yaml() + "```"))

# %%
if able and can_mail:
    display(pd.DataFrame(
        [("all channels", "from " + str(turn), "budgets as above, reviewed after 13 weeks"),
         ("mail", "weekly", f"{rhythm.mails_per_week:g} a week; {targeting.best_rule}"),
         ("unpaid search", "this quarter", f"work on {chances['cluster'].iloc[0]} pages, worth up to "
          f"{format_amount(chances['value_per_year'].iloc[0], currency)} a year"),
         ("creators", "next bookings", f"by what a fee brings: {by_fee}"),
         ("tests", "each half-year", "one block of regions dark, so that the curve stays known")],
        columns=["what", "when", "how"]))  # fmt: skip

# %% [markdown]
"""
## With orders alone: a campaign before and after

Many stores have orders and no web log. A campaign in one region can still be read, if other regions did not have
it. Below, the region and the day are yours to set; unless you do, they are *made up*: **no campaign of ours took place**, so
an honest method should find nothing.
"""

# %% tags=["hide-input"]
lesson.note("campaign by region")

# %%
can_region = lesson.can("campaign by region")
if can_region:
    bought = shop.table("orders").dropna(subset="region_id")
    month = -((last - bought["date"]).dt.days // 28)  # 0 is the last 28 days
    table = bought.assign(month=month).pivot_table(
        index="region_id", columns="month", values="amount", aggfunc="sum", fill_value=0.0
    )
    steady = table.iloc[:, 1:][(table.iloc[:, 1:] > 0).all(axis=1)]
    can_region = len(steady) >= 3

# %%
if can_region:
    region = campaign_region or str(steady.sum(axis=1).sort_values().index[-2])
    day = pd.Timestamp(campaign_start or last - pd.Timedelta(days=83))
    begins = -int((last - day).days // 28)
    index = steady.div(steady.loc[:, : begins - 1].mean(axis=1), axis=0)
    long = index.stack().rename("outcome").reset_index()
    long = long.set_axis(["unit", "period", "outcome"], axis=1)
    campaign = marketing.estimate_launch(long, treated=region, start=begins)

# %%
if can_region:
    finish(campaign.plot(), source=lesson.source, x="blocks of four weeks; 0 is the last one",
           y="sales, 1 = mean before",
           title=f"{region}: {campaign.effect:+.0%} ({campaign.low:+.0%} to {campaign.high:+.0%}) against the other "
           "regions")  # fmt: skip
    after = index.loc[region, begins:].mean() - 1

# %%
if can_region:
    elsewhere = index.drop(region).loc[:, begins:].mean(axis=None) - 1
    hint = ": sales are too uneven for this method" if campaign.high - campaign.low > 0.6 else ""
    said = "" if campaign_region else (
        "The interval holds zero, as it should where nothing happened. " if campaign.low <= 0 <= campaign.high else
        "The interval leaves zero out though nothing happened: one in twenty does, more where regions differ. ")  # fmt: skip
    display(Markdown(
        f"Before and after, {region} sold **{after:+.0%}**, the other {len(index) - 1} regions {elsewhere:+.0%}. Set against "
        f"them, the difference is **{campaign.effect:+.0%}** ({campaign.low:+.0%} to {campaign.high:+.0%}). "
        + said + f"A campaign here must bring about {(campaign.high - campaign.low) / 2:.0%} to be seen at all{hint}. "
        + "".join(f"*Mind:* {said} " for said in campaign.caveats)
    ))  # fmt: skip

# %% tags=["hide-input"]
if not can_region:
    why = "fewer than three regions sell in every block of four weeks."
    display(Markdown(f"> **Not estimated**, because {why}"))

# %% [markdown]
"""
With a file of ad spend (table `ad_daily`: date, channel, campaign, region, spend, clicks, reported orders) the platform
section and the mix model open. What such files cannot do is shown above: without tests or variation by lot, the mix
model refuses, and rightly.

## What we learned

- **Credit is not effect**: platforms claim more than there is, attribution only shares it out; what a channel adds shows
  where it is switched off.
- **A test is planned before it is read**: its size, its sample ratio, one look or an interval that survives many; regions,
  steps and synthetic controls where people cannot be drawn by lot.
- **The plan moves money until the next unit earns the same**, and stops where it does not earn its cost; tests
  buy the knowledge that the model needs, and its intervals count luck only.

**Exercises**: `exercises/04_marketing_plan.ipynb`.

**References.** T. Blake, C. Nosko and S. Tadelis, Consumer heterogeneity and paid search effectiveness, *Econometrica* 83, 2015.
· B. Callaway and P. Sant'Anna, Difference-in-differences with multiple time periods, *Journal of Econometrics* 225, 2021. ·
A. Abadie, A. Diamond and J. Hainmueller, Synthetic control methods, *JASA* 105, 2010. · A. Deng et al., Improving the sensitivity of
online controlled experiments, *WSDM* 2013. · R. Johari et al., Always valid inference, *Operations Research* 70, 2022. · S. Künzel et al.,
Metalearners, *PNAS* 116, 2019. · Y. Jin et al., Bayesian methods for media mix modeling, 2017.
"""

# %%
facts = {"Units to find +10 %": f"{sizes.units_per_arm:,} an arm"}
if can_pay:
    facts["Orders claimed by platforms"] = f"{more:.1f} times"
if able:
    facts["Plan's gain"] = f"{format_amount(ours, currency)} in {plan_weeks} weeks"
if can_region:
    facts["Made-up campaign"] = f"{campaign.effect:+.0%}"
publish(facts, title="Which channel earns its money, and where does the next unit go?")
