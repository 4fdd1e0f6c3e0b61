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
they claim more orders than the shop had. This notebook finds out what each channel really adds,
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
    claims["clicked_orders"] = metrics.summarize_by(shop, by="channel").set_index("channel")[
        "orders"
    ]
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
        f"By the reports **{top}** is the best buy: {claims.loc[top, 'claimed_return']:.1f} {currency} of sales "
        f"for one of spend. But the platforms together claim **{more:.1f} times** the orders that came "
        "through their channels last: each counts an order that another counts too, and one that would have "
        "come without any of them."
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
credit.round(0).astype(int) if can_click else "not on this store"

# %%
if can_click:
    spread = (credit.max(axis=1) / credit.min(axis=1)).sort_values()
    display(Markdown(
        f"Every column adds up to the same {credit['last'].sum():,.0f} orders. The rules agree most on "
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
           title=f"Twice as far down, {1 - 2**curve.exponent:.0%} fewer clicks")  # fmt: skip

# %% [markdown]
"""
In words: clicks fall as a power of the rank. From it follow the *opportunities*: what each cluster
would bring one rank higher. A click is worth the mean margin of a visit by unpaid search.
"""

# %%
if can_seo:
    by_seo = metrics.summarize_by(shop, by="channel").set_index("channel").loc["seo"]
    margin_an_order = float(daily["margin"].sum() / daily["orders"].sum())
    click_worth = margin_an_order * by_seo["orders"] / ranks["clicks"].sum()
    chances = marketing.find_keyword_opportunities(ranks, curve, value_per_click=click_worth)

# %% tags=["nbval-check-output"]
(chances[["cluster", "rank", "clicks_per_day", "new_rank", "extra_clicks_per_day", "value_per_year"]].round(1)
 if can_seo else "not on this store")  # fmt: skip

# %%
if can_seo:
    firsts, best = curve.first_share, chances.iloc[0]
    display(Markdown(
        f"One rank higher for *{best['cluster']}* searches is worth about **{format_amount(best['value_per_year'], currency)} "
        f"a year**: so much the work on its pages may cost. And where we stand first, as for "
        f"*{firsts.idxmax()}*, {firsts.max():.0%} of searches click our unpaid result. A paid click on the same "
        "search mostly buys a visitor whom we had: the better the unpaid rank, the less paid search adds."
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
We order half a year of tests. Paid search and partners go dark in weekly blocks, social advertisements in
blocks of four weeks, since their effect lasts for days; the advertisements on our own name have a lot of their own. Half
of the mail list gets no mail, a shorter checkout is shown by lot, and review photos come to one region after
another.
"""

# %% tags=["hide-input"]
lesson.note("tests in the store")

# %%
can_test = lesson.can("tests in the store")
begin, test_days = (last + pd.Timedelta(days=1)).date(), 7 * test_weeks
GEO = {"paid_search": (7, 1), "affiliate": (7, 2), "social": (28, 10)}  # block, days to settle
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
def read_regions(channel: str) -> marketing.GeoReading:
    """Read a channel's geo test; visits by last click stand for the platform's claim."""
    key = ["region_id", "date"]
    panel = new_ads[new_ads["channel"] == channel].groupby(key)[["spend"]].sum()
    panel["outcome"] = new_visits.groupby(key).size()
    panel["reported"] = new_visits[new_visits["channel"] == channel].groupby(key).size()
    panel = panel.fillna(0).reset_index()
    return marketing.read_geo_test(
        panel.assign(is_on=panel["spend"] > 0), settle_days=GEO[channel][1]
    )


# %%
readings = {channel: read_regions(channel) for channel in GEO} if can_test else {}
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
           "were visits it added")  # fmt: skip

# %% [markdown]
"""
The bars are 95 % intervals. They are of the *average* return of the whole budget: what would be lost if it
were switched off. The *next* unit earns less, since reach saturates; that is for the mix model below.
"""

# %%
if can_test:
    display(Markdown("".join(f"- {said}\n" for said in readings["paid_search"].caveats)))

# %% [markdown]
"""
### Our own name

The test of paid search above switched all of it; on its lit days the campaign *brand* had a lot of its own. Clicks on our own name are cheap and convert well, so their report looks best of all. Would these people have come
without the advertisement? Regions and weeks in which only the campaign *brand* was off can tell.
"""

# %%
if can_test:
    key = ["region_id", "date"]
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
    display(Markdown(
        f"The campaign bought **{bought:,.0f} clicks**. Visits that came *because* of it: **{brand_reading.gained:,.0f}** "
        f"({brand_reading.low:,.0f} to {brand_reading.high:,.0f}). "
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
        f"{reading.difference / reading.table['mean'].iloc[0]:+.0%} on the control."
    ))  # fmt: skip

# %% [markdown]
"""
### An arm that lost people

In a second store the test software forgets the arm of some visitors on phones. The means look fine. The
sizes do not.
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
        f"p = {lost_reading.sample_ratio_p_value:.1g}. " + lost_reading.caveats[0] + f" To notice a loss of 2 % one "
        f"needs {need:,} units: small tests can leak and nobody sees it."
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

# %% tags=["nbval-check-output"]
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
    said = "never" if watch.naive_stop is None else f"on {watch.naive_stop:%d %b}"
    kept = "never" if watch.stopped is None else f"on {watch.stopped:%d %b}"
    display(
        Markdown(
            f"Stopped by the usual p-value: **{said}**. By the interval that survives watching: **{kept}**."
        )
    )

# %% [markdown]
"""
### Many questions

Four outcomes were recorded. Each p-value on its own is right one time in twenty; the smallest of four is not.
*Holm's* rule keeps the chance of any false find below one in twenty.
"""

# %%
if can_test:
    asked = {"orders": "outcome", "carts": "carts", "checkouts": "checkouts", "pages": "pages"}
    found = [marketing.read_test(trial.assign(outcome=trial[column]), control="control").p_value
             for column in asked.values()]  # fmt: skip
    judged = marketing.judge_metrics(pd.DataFrame({"metric": list(asked), "p_value": found}))

# %% tags=["nbval-check-output"]
judged.round(3) if can_test else "not on this store"

# %% [markdown]
"""
### Does mail bring visits? A test that is too small, made larger

Half of the list got no mail for half a year. The naive comparison is wide, since some people visit often
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

# %% tags=["nbval-check-output"]
pd.concat([plain.table.iloc[1:], sharper.table.iloc[1:]]).assign(
    way=["as it is", "CUPED"]).round(3) if can_test else "not on this store"  # fmt: skip

# %%
if can_test:
    sure = sharper.low > 0 or sharper.high < 0
    display(Markdown(
        f"CUPED saved **{adjusted.variance_saved_share:.0%}** of the variance, as if the list were "
        f"{1 / (1 - adjusted.variance_saved_share):.1f} times as long. "
        + ("The effect of mail shows." if sure else
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
reader who was recognised.
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
    targeting = marketing.compare_targeting(pairs, features=features, cost=0.001, seed=seed)

# %% tags=["nbval-check-output"]
targeting.table.round(4) if can_mail else "not on this store"

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
        f"{areas['response']}. " + ("The rankings differ. " if apart else "The intervals overlap: **on this list the two "
        "rankings cannot be told apart.** ") + f"Best on these days: *{targeting.best_rule}*. When a mail costs next "
        "to nothing, whom to leave out matters less than how often to write."
    ))  # fmt: skip

# %% [markdown]
"""
### How often to write

Across readers, those who get more mails open as many: the keen get more. Among *one reader's own* mails, each
mail still remembered costs opens, and drives readers out.
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

# %% [markdown]
"""
## Social media and creators

A creator is paid for a post. How long does a post work? The days after posts are compared with
days without, week-days and months held fixed: *carry-over* (滞后效应) made visible.
"""

# %% tags=["hide-input"]
lesson.note("creators")

# %%
can_post = lesson.can("creators")
if can_post:
    posts = shop.table("creator_posts")
    days = pd.DataFrame({"date": pd.date_range(first, last)})
    days["spend"] = days["date"].map(posts.groupby("date")["fee"].sum()).fillna(0.0)
    by_creators = shop.table("sessions").query("channel == 'creators'").groupby("date").size()
    days["outcome"] = days["date"].map(by_creators).fillna(0.0)
    burst = marketing.trace_posts(days, lags=10)
    finish(burst.plot(), source=lesson.source, y=f"visits for one {currency} of fee, a day")

# %%
if can_post:
    card = marketing.score_creators(posts)
    finish(card.plot(), source=lesson.source)
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
    panel = (
        grid.iloc[:, 1:-1]
        .stack()
        .rename("outcome")
        .reset_index()
        .rename(columns={"region_id": "unit"})
    )
    launch = marketing.estimate_launch(panel, treated=starts.to_dict())

# %%
if can_test:
    naive = (panel[panel["period"] >= panel["unit"].map(starts)]["outcome"].mean()
             - panel[panel["period"] < panel["unit"].map(starts)]["outcome"].mean())  # fmt: skip
    finish(launch.plot(), source=lesson.source, x="week", y="share of visits with a cart",
           title=f"With photos {100 * launch.effect:+.1f} points more visits fill a cart "
           f"({100 * launch.low:+.1f} to {100 * launch.high:+.1f})")  # fmt: skip
    display(Markdown(
        f"Before and after: {100 * naive:+.2f} points. Difference-in-differences: **{100 * launch.effect:+.2f}** "
        f"({100 * launch.low:+.2f} to {100 * launch.high:+.2f}); the plain two-way regression, which goes wrong where "
        f"effects grow, {100 * launch.two_way_effect:+.2f}. Test of the time before: p = {launch.pretrend_p_value:.2f}."
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
    display(Markdown(
        f"Effect in {early}: {100 * single.effect:+.2f} points, p = {single.p_value:.2f} among {len(single.weights) + 1} regions. "
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
    choices = {
        "neither": [],
        "social": ["social"],
        "creators": ["creators"],
        "both": ["social", "creators"],
    }
    sold = pd.DataFrame(0.0, index=range(seed, seed + 3), columns=list(choices))
    for name, lifted in choices.items():
        plan = Plan(start="2024-03-04", budgets={channel: push[channel] for channel in lifted})
        for other in sold.index:
            twin = simulate(world, other, plan=plan, people=8_000, days=119)
            days_after = twin.truth["truth_day"].query("date >= '2024-03-04'")
            sold.loc[other, name] = days_after["expected_orders"].sum()

# %%
if can_test:
    extra = sold[["social", "creators", "both"]].sub(sold["neither"], axis=0)
    together = extra["both"] - extra["social"] - extra["creators"]
    helps = "In all three worlds both bring more than the sum: they help each other." if together.min() > 0 else (
        "Both bring less than the sum of each alone: whom one reaches, the other often reaches too. The claim that together they "
        "do more is **not** borne out here." if together.max() < 0 else
        "The sign changes from world to world: no *interaction* that one could plan with.")  # fmt: skip
    display(Markdown(
        f"More orders than with neither ({sold['neither'].mean():.0f}), mean of three worlds: "
        + ", ".join(f"{n} **{v:+.1f}**" for n, v in extra.mean().items())
        + f". Beyond the sum of the two: {together.mean():+.1f} ({together.min():+.1f} to {together.max():+.1f}). {helps}"
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
        f"The *health card* lets **{blind.channels_estimated} of {len(PAID)}** channels speak. A manager who spends when demand is "
        "expected leaves no trace of what the spend did: that is not a lack of data but of *variation by lot*. "
        "So the tests go in, as what they are: data on the curve."
    ))  # fmt: skip


# %%
def as_lift(channel: str) -> marketing.LiftTest:
    """Turn a geo reading into visits a week at the usual spend."""
    row = readings[channel].table.set_index("reading").loc["lift_share"]
    share, low, high = (row[x] / (1 + row[x]) for x in ("value", "low", "high"))
    usual = weeks["sessions"].mean()
    return marketing.LiftTest(channel=channel, spend=float(weeks[channel].mean()), lift=float(usual * share),
                              standard_error=float(usual * (high - low) / 3.92))  # fmt: skip


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
(mix.table[["channel", "contribution", "low", "high", "roas"]].round(2) if can_mix and can_test
 else "not on this store")  # fmt: skip

# %%
if can_mix and can_test:
    finish(mix.plot(), source=lesson.source, x=f"visits for one {currency} of spend")

# %% [markdown]
"""
### The next unit, not the average one

A visit is worth the orders that *new* visitors by the channel place, times the margin of an order. Along the curve the
average return falls slowly and the return of the *next* unit (边际回报) fast: budgets are decided by the second.
"""

# %%
able = can_mix and can_test and bool(mix.table["contribution"].notna().all())
if able:
    by_time = visits.sort_values(["visitor_id", "started_at"])
    paid_now = by_time["amount"].notna()
    fresh = by_time[paid_now.groupby(by_time["visitor_id"]).cumsum() - paid_now == 0]
    orders_a_visit = fresh["amount"].notna().groupby(fresh["channel"]).mean().loc[PAID]
    worth = margin_an_order * orders_a_visit
    margin_share = float(daily["margin"].sum() / daily["net"].sum())
    largest = weeks[PAID].mean().idxmax()
    ladder = mix.response(largest, spend=[0.25 * k * weeks[largest].mean() for k in range(9)])
    steps = ladder[["spend"]].assign(outcome=ladder["response"] * worth[largest] / margin_share)
    returns = marketing.compare_returns(steps, margin_share=margin_share)

# %%
if able:
    at = returns.table.iloc[4]
    finish(returns.plot(), source=lesson.source, x=f"spend on {largest} a week [{currency}]",
           y=f"net sales for one {currency}", title=f"{largest}: {at['average_return']:.2f} on average at today's "
           f"budget, {at['marginal_return']:.2f} on the last quarter of it; {1 / margin_share:.1f} would pay")  # fmt: skip

# %% [markdown]
"""
## The truth

The store is simulated, so what each channel alone brought is known. It was not used above; now it is opened.
One thing to expect: the tests ran side by side, and where another channel is dark too, a channel adds a little more than
when all are on. Tests one after another would be nearer, and slower.
"""

# %%
if can_mix and can_test:
    routes = tested.truth["truth_route_day"].query("date <= @last")
    true_visits = routes.groupby("channel")["incremental_sessions"].sum()
    judged_by = pd.DataFrame({
        "last_click": visits.groupby("channel").size().loc[PAID],
        "mix_with_tests": mix.table.set_index("channel")["contribution"],
        "truth": true_visits.loc[PAID],
    }).rename_axis("channel")  # fmt: skip
    errors = judged_by.sub(judged_by["truth"], axis=0).abs().sum() / judged_by["truth"].sum()

# %% tags=["nbval-check-output"]
judged_by.round(-2) if can_mix and can_test else "not on this store"

# %%
if can_mix and can_test:
    better = errors["mix_with_tests"] < errors["last_click"]
    display(Markdown(
        f"Last click is off by **{errors['last_click']:.0%}** of what the channels brought, the mix model with tests by "
        f"**{errors['mix_with_tests']:.0%}**. " + ("" if better else "Here the model was no better. ")
        + "Over thirty stores: `docs/studies/marketing.md`."
    ))  # fmt: skip

# %%
if can_mix and can_test:
    own_name = tested.truth["truth_route_day"].query("route == 'brand_search' and date >= @begin")
    display(Markdown(
        f"Of the clicks on our own name, {own_name['incremental_sessions'].sum():,.0f} visits in the half-year came by nothing "
        f"else; the regions said {brand_reading.gained:,.0f} ({brand_reading.low:,.0f} to {brand_reading.high:,.0f})."
    ))  # fmt: skip

# %% [markdown]
"""
## The plan

The budget moves until the next unit earns the same in every channel; and where no next unit earns its own cost, money
stays in the till.
"""

# %%
if able:
    total = float(weeks[PAID].mean().sum())
    same = marketing.allocate_budget(mix, total=total, worth=worth.to_dict())
    free = marketing.allocate_budget(mix, total=total, worth=worth.to_dict(), least_return=1.0)

# %%
if able:
    finish(same.plot(), source=lesson.source, x=f"budget a week [{currency}]; bar: today's")

# %%
if able:
    usual = weeks[PAID].mean()
    clicked = credit.loc[PAID, "last"]
    by_clicks = clicked / clicked.sum() * usual.sum() / usual
    multiples = pd.DataFrame({
        "last click": by_clicks, "mix, same total": same.table.set_index("channel")["multiple"],
        "mix, free total": free.table.set_index("channel")["multiple"],
    }).join(pd.DataFrame(best_budgets(world))).reindex(PAID)  # fmt: skip

# %% tags=["nbval-check-output"]
multiples.round(2) if able else "not on this store"

# %% [markdown]
"""
Each column is a plan: multiples of the usual budget. They start after the half-year of tests. The
*oracle* columns, where they are known, come from a search with the truth in hand: nobody has them, they
tell what was there to be won. The status quo does not test, so the cost of testing is in the difference.
"""

# %%
if able:
    turn = (pd.Timestamp(begin) + pd.Timedelta(days=test_days)).date()
    plans = {"status quo": None} | {
        name: Plan(start=turn, budgets=column.clip(upper=20).round(3).to_dict()).after(trials)
        for name, column in multiples.items()
    }  # fmt: skip
    outcome = carry_out(shop, plans, days=test_days + 7 * plan_weeks)

# %%
if able:
    money = ["margin", "ad_spend"]
    second = {name: outcome[name].query("date >= @turn")[money].sum() for name in plans}
    earned = pd.DataFrame(second).T
    earned["profit"] = earned["margin"] - earned["ad_spend"]
    earned["against_status_quo"] = earned["profit"] - earned.loc["status quo", "profit"]
    earned["regret"] = earned["profit"].max() - earned["profit"]

# %% tags=["nbval-check-output"]
earned.round(-1) if able else "not on this store"

# %%
if able:
    ours = earned.loc["mix, free total", "against_status_quo"]
    naive_gain = earned.loc["last click", "against_status_quo"]
    display(Markdown(
        f"In the {plan_weeks} weeks after the tests, moving money by last click changed profit by **{format_amount(naive_gain, currency)}**, the same "
        f"total by the mix model by **{format_amount(earned.loc['mix, same total', 'against_status_quo'], currency)}**, and spending only what "
        f"earns its cost by **{format_amount(ours, currency)}**. All worlds have the same people and luck. They do not count what "
        "less advertising does to awareness beyond the horizon: a cut that pays for half a year can cost later."
    ))  # fmt: skip

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
         ("creators", "next bookings", f"by fee, not by rank: {card.best}"),
         ("tests", "each half-year", "one block of regions dark, so that the curve stays known")],
        columns=["what", "when", "how"]))  # fmt: skip

# %% [markdown]
"""
## With orders alone: a campaign before and after

Many stores have orders and no web log. A campaign in one region can still be read, if other regions did not have
it. Below, the region and the day are yours to set; unless you do, they are *made up*: **no campaign took place**, so
an honest method must find nothing.
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
    display(Markdown(
        f"Before and after, {region} sold **{after:+.0%}**: the season, mostly. Against {len(index) - 1} other regions the "
        f"difference is **{campaign.effect:+.0%}**"
        + (", and its interval holds zero, as it must where nothing happened. " if campaign.low <= 0 <= campaign.high
           and not campaign_region else ". ")
        + "".join(f"*Mind:* {said} " for said in campaign.caveats)
    ))  # fmt: skip
else:
    display(
        Markdown(
            "> **Not estimated**, because fewer than three regions sell in every block of four weeks."
        )
    )

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
- **The plan moves money until the next unit earns the same**, and stops where it does not earn its cost; tests cost
  something and buy the knowledge the model needs.

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
