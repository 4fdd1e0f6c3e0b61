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
# What is in this store, and can we trust its numbers?

You have just been handed an online store. Before you decide anything about it, two questions come
first: what do its numbers *mean*, and are they *right*? This notebook walks through the store's
tables, from a single order to the money that stays, and then takes a broken export apart, because
one day every export is broken.

After it you will be able to

- **read the store's tables** and say how they hang together, down to a single order;
- **go from gross to net**, and keep known customers and guests apart;
- **find four faults of an export** that no error message reports, and say what believing them costs.

*Time: 45 minutes in the room. Words marked 中文 are the terms of the Chinese curriculum.*
"""

# %% [markdown]
"""
## Setup

The parameters are the only thing to change. `ecomlab run 00_meet_the_store --store stores/mine`
tells the same story about your own store, as far as its tables reach (in the activated environment).
"""

# %% tags=["parameters"]
store: str = "../stores/demo"  # folder of the store
seed: int = 7  # seed of the faults planted into the export [0, 1000000]

# %%
import pandas as pd
import seaborn as sns
from IPython.display import Markdown

from ecomlab import metrics, schema
from ecomlab.analysis import screening
from ecomlab.course import carry_out, draw_tables, open_lesson
from ecomlab.plotting import (
    BLUE,
    ORANGE,
    RED,
    amounts_on,
    draw_waterfall,
    finish,
    format_amount,
    new_axes,
    use_style,
)
from ecomlab.reports import publish
from ecomlab.simulator import Plan, export_with_faults

use_style()

# %%
lesson = open_lesson("00_meet_the_store", store)
shop, currency = lesson.shop, lesson.shop.currency
daily = metrics.daily_kpis(shop)
first, last = daily["date"].iloc[[0, -1]]
Markdown(
    f"**{shop.name}** ({lesson.source}): {len(daily):,} days from {first:%d %B %Y} to "
    f"{last:%d %B %Y}, amounts in {currency}, days in {shop.manifest.time_zone}."
)

# %% [markdown]
"""
## The store in one look

A store is a folder of tables. Each row of a table is one thing that happened or one thing that is:
an order, a line of an order, a visit, a product. A *key* (主键) names a row; where another table
repeats that key, the two rows belong together. The picture shows the main tables and those links;
grey ones this store does not have.
"""

# %%
_ = finish(
    draw_tables(shop),
    title=f"{len(shop.tables)} tables hang together through a few keys",
    source=lesson.source,
)

# %% tags=["nbval-check-output"]
about = shop.manifest.tables
pd.DataFrame(
    {"rows": [about[name]["rows"] for name in shop.tables],
     "holds": [schema.TABLES[name].description for name in shop.tables]},
    index=pd.Index(shop.tables, name="table"),
)  # fmt: skip

# %% [markdown]
"""
Every column has a unit and a meaning; `docs/data_dictionary.md` lists them all. Amounts are money of
one currency, a `date` is a day in the store's own time zone, an `…_at` is an instant in UTC.

### Follow one order

Tables become real when one follows a single order through them. Here is the largest order that came
back, at least in part.
"""

# %%
lines, orders = shop.table("order_lines"), shop.table("orders")
returns = shop.table("returns") if "returns" in shop.tables else pd.DataFrame(columns=["order_id"])
known = orders[orders["order_id"].isin(returns["order_id"])]
one = (known if len(known) else orders).nlargest(1, "amount").iloc[0]
one.drop("customer_id").dropna().to_frame("the order")

# %%
mine = lines[lines["order_id"] == one["order_id"]]
mine.head(8).merge(shop.table("products")[["sku", "name"]], on="sku")[
    ["line", "sku", "name", "units", "price", "amount"]
]

# %%
back = returns[returns["order_id"] == one["order_id"]]
sent_back = float(back["refund_amount"].sum()) if len(back) else 0.0
Markdown(
    f"The customer paid {one['amount']:,.2f} {currency} for {mine['units'].sum():,} units on "
    f"{one['date']:%d %B %Y} and got **{sent_back:,.2f} back**"
    + (f" by {back['date'].max():%d %B %Y}" if len(back) else "")
    + ". Which day's revenue was that? We come to it below."
)

# %% [markdown]
"""
## First pictures of the business

Before any statistic, look. Three pictures answer most first questions: is it growing, when is it
busy, and where does the money come from?
"""

# %%
weekly = daily.set_index("date")["sales"].resample("W-SUN").sum().iloc[1:-1]
best = weekly.idxmax()
ax = new_axes()
ax.plot(weekly.index, weekly, color=BLUE)
ax.annotate(f"{best:%d %b %Y}", (best, weekly.max()), (6, 0), textcoords="offset points",
            va="center", color=ORANGE, fontweight="bold")  # fmt: skip
ax.set_ylim(bottom=0)
half = len(daily) // 2
grown = daily["sales"].tail(half).sum() / daily["sales"].head(half).sum() - 1
_ = finish(amounts_on(ax), title=f"The second half of the period sold {grown:+.0%} against the first; the "
           f"best week {weekly.max() / weekly.median():.1f} times an ordinary one",
           source=lesson.source, x="week", y=f"sales a week [{currency}]")  # fmt: skip

# %%
local = orders["ordered_at"].dt.tz_convert(shop.manifest.time_zone)
grid = pd.crosstab(local.dt.day_name(), local.dt.hour).reindex(
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], fill_value=0
)
hours = grid.sum().rolling(3).sum()
busy, busy_share = int(hours.idxmax()), float(hours.max() / grid.to_numpy().sum())
ax = sns.heatmap(grid, cmap="crest", cbar_kws={"label": "orders"}, ax=new_axes(height=3.4))
_ = finish(ax, title=f"The three busiest hours, {busy - 2} to {busy + 1} o'clock, bring {busy_share:.0%} of orders",
           source=lesson.source, x=f"hour ({shop.manifest.time_zone})", y="")  # fmt: skip

# %%
by = next(d for d in ("category_id", "region_id", "sku") if d == "sku" or (
    d == "category_id" and shop.table("products").get("category_id", pd.Series([None])).notna().any())
    or (d == "region_id" and "region_id" in orders and orders["region_id"].notna().any()))  # fmt: skip
top = metrics.summarize_by(shop, by=by).head(8)
lead = top["sales"].iloc[0] / daily["sales"].sum()
ax = sns.barplot(top, x="sales", y=by, color=BLUE, ax=new_axes(height=3.6))
_ = finish(amounts_on(ax, "x"), title=f"{top[by].iloc[0]} brings {lead:.0%} of sales",
           source=lesson.source, x=f"sales [{currency}]", y=by.removesuffix("_id"))  # fmt: skip

# %% [markdown]
"""
## Gross is not net

Ask three people what the store turned over and you get three numbers, all of them right. *Gross*
(销售总额) adds up price times units. Discounts leave it, and it becomes *sales*. Returns leave that,
and it becomes *net revenue* (净收入). What the goods cost leaves it too, and what stays is the
*margin* (毛利). The naive answer is whichever number is biggest.
"""

# %% tags=["hide-input"]
lesson.note("gross to net")

# %%
bridge = metrics.bridge_revenue(shop).dropna(subset="amount")
bridge = bridge[(bridge["amount"] != 0) | (bridge["kind"] == "level")]
steps = bridge.assign(is_total=bridge["kind"] == "level")[["step", "amount", "is_total"]]
steps["step"] = steps["step"].str.replace("_", " ")
ends_as, stays = steps["step"].iloc[-1], steps["amount"].iloc[-1] / steps["amount"].iloc[0]
_ = finish(
    draw_waterfall(steps, unit=f"{currency}, whole period"),
    title=f"Of 100 {currency} gross, {100 * stays:.0f} stay as {ends_as}",
    source=lesson.source,
)

# %% tags=["nbval-check-output"]
bridge[["step", "kind", "amount", "rows", "counted"]].reset_index(drop=True)

# %% tags=["hide-input"]
lesson.note("margin")

# %% [markdown]
"""
The steps add up to the cent; a bridge that does not is hiding something. Two conventions need saying
aloud. Orders whose payment **failed or was cancelled** are no sales: they are in the table `orders`, not
in the bridge. And a return is booked **on the day the money goes back**, not on the day of the order, so
a month carries the returns of the weeks before it.
"""

# %%
payment = orders.get("payment_status", pd.Series("paid", index=orders.index))
void = int(payment.isin(["failed", "cancelled"]).sum())
monthly = daily.set_index("date")[["sales", "returns"]].resample("MS").sum().iloc[1:]
ratio = (monthly["returns"] / monthly["sales"]).where(monthly["sales"] > 0).dropna()
share_back = float(daily["returns"].sum() / daily["sales"].sum())
told = (
    f"{share_back:.1%} of sales went back; by month of booking, the first month apart, "
    f"{ratio.min():.1%} to {ratio.max():.1%}."
    if share_back > 0
    else "This store tells of no returns."
)
Markdown(f"Of {len(orders):,} orders, {void:,} failed or were cancelled. {told}")

# %% [markdown]
"""
## Who are our customers?

Some buyers log in, some buy as *guests* (游客). A guest has no customer id, so the column is empty.
The naive count groups by customer id: every guest falls into one group (or out of the table), and
"orders per customer" comes out wrong either way.
"""

# %% tags=["hide-input"]
lesson.note("known and guest customers")

# %% tags=["nbval-check-output"]
buyers = metrics.count_buyers(shop)
buyers.round({"sales": 0, "average_order": 2, "orders_per_buyer": 3, "order_share": 3})

# %%
total, people = int(buyers["orders"].iloc[2]), int(buyers["buyers"].iloc[0])
guests = float(buyers["order_share"].iloc[1])
Markdown(
    f"The naive count: {total:,} orders by {people + 1:,} 'customers' (all guests as one), "
    f"**{total / (people + 1):.2f} orders each**. Known customers alone: "
    f"**{float(buyers['orders_per_buyer'].iloc[0]):.2f}**. The {guests:.0%} of orders by guests stay a "
    "group of their own: how many people they are cannot be told from orders."
)

# %% [markdown]
"""
So everywhere in this course customers come in threes: known, guest, total. A rate of repeat
purchase (复购率) is a rate *of known customers*, and says so.
"""

# %% [markdown]
"""
## Can an export be trusted?

First the store itself. Its *contract* is types, keys, links and sums; a contract sees what is
*impossible*. Then three searches look for what is possible, and wrong all the same.
"""

# %%
broken = shop.check()
listed = broken[["severity", "table", "rule", "rows", "remedy"]]
listed if len(broken) else Markdown("The contract holds: no rule is broken.")

# %%
own = lines.merge(orders[["order_id", "date", "ordered_at"]], on="order_id")
own["region_id"] = (
    own["order_id"].map(orders.set_index("order_id").get("region_id", {})).fillna("?")
)
own_times = pd.DataFrame({"ordered_at": local.dt.tz_localize(None)})

# %%
twice = screening.find_double_delivery(own.drop(columns="line"))
slipped, clock = screening.find_currency_slip(own), screening.find_clock_shift(own_times)
found = {
    "delivered twice": f"{twice.rows:,} lines",
    "other currency": f"{slipped.rows:,} lines",
    "shifted clock": f"{clock.hours:+d} h from {clock.first_day}" if clock.hours else "no day",
}
pd.Series(found, name="found in this store").to_frame()

# %% [markdown]
"""
### A drill

Now a drill. Here is the same store as a shop system might hand it over: one row a line of an order,
times as text, and **four faults planted** somewhere. No error is raised. The manager's naive answer is
to add the column up (all lines, those of failed orders among them).
"""

# %% tags=["hide-input"]
lesson.note("planted faults")

# %%
export = export_with_faults(shop, seed=seed)
raw = export.lines
raw.head(3)

# %%
created = pd.to_datetime(raw["Created"], format="%Y-%m-%d %H:%M:%S")
flat = pd.DataFrame(
    {"order_id": raw["Order No"], "ordered_at": created, "date": created.dt.normalize(),
     "region_id": raw["Region"].fillna("?"), "sku": raw["SKU"], "units": raw["Qty"],
     "price": raw["Unit price"], "discount_amount": raw["Discount"]}
)  # fmt: skip
flat["amount"] = flat["units"] * flat["price"] - flat["discount_amount"]
naive_total = float(flat["amount"].sum())
Markdown(f"The column adds up to **{format_amount(naive_total, currency)}**.")

# %% [markdown]
"""
### Look before you add

A picture of the days is the cheapest test there is. Faults are patterns in time: a batch that came
twice, days in another currency, a clock that ran wrong, a robot.
"""

# %%
by_day = flat.groupby("date")["amount"].sum()
ax = new_axes(height=3.4)
ax.plot(by_day.index, by_day, color=BLUE, linewidth=0.8)
worst = by_day.idxmax()
ax.annotate(f"{worst:%d %b %Y}", (worst, by_day.max()), (6, -4), textcoords="offset points",
            color=RED, fontweight="bold")  # fmt: skip
_ = finish(amounts_on(ax), title=f"One day is {by_day.max() / by_day.median():.0f} times an ordinary "
           "one: a success, or a fault?", source="export with planted faults", x="day",
           y=f"ordered a day [{currency}]")  # fmt: skip

# %% [markdown]
"""
### Fault 1: a batch delivered twice

A few equal rows are normal: the same product, scanned twice. A *day* of which a good part is
repeated to the letter was loaded two times.
"""

# %%
text = raw.assign(date=flat["date"])
double = screening.find_double_delivery(text)
flat = flat[~double.flags]
double.table

# %% [markdown]
"""
### Fault 2: another currency

Divide each price by the usual price of its product, then look at the days of each region. One odd
price is a typing error; a whole region's day at the same factor is a currency, or cents.
"""

# %%
slip = screening.find_currency_slip(flat)
money = ["price", "discount_amount", "amount"]
flat.loc[slip.flags, money] = flat.loc[slip.flags, money] / slip.divisor
slip.table.round({"factor": 1})

# %% [markdown]
"""
### Fault 3: a clock that ran shifted

Times in UTC look like times. But people shop by daylight and evening, so the curve of the day moves.
We try every shift on every span of days and take the one under which the hours are most likely.
"""

# %%
shift = screening.find_clock_shift(flat.drop_duplicates("order_id"))
_ = finish(
    shift.plot(),
    title=f"From {shift.first_day} to {shift.last_day} the clock ran {shift.hours:+d} hours"
    if shift.hours
    else "No clock ran shifted",
    source="export with planted faults",
)

# %%
inside = flat["date"].between(shift.first_day or "1970", shift.last_day or "1970")
flat["ordered_at"] = flat["ordered_at"] - pd.to_timedelta(inside * shift.hours, unit="h")
flat["day_as_delivered"], flat["date"] = flat["date"], flat["ordered_at"].dt.normalize()
moved = int((flat["day_as_delivered"] != flat["date"]).sum())
Markdown(f"{moved:,} lines move to another day; the sum of all days stays as it was.")

# %% [markdown]
"""
### Fault 4: robots among the visitors

Robots visit, and visit, and never buy. Sessions rise, *conversion* (转化率) falls, and somebody is
blamed for it.
"""

# %%
log, bots = export.sessions, None
if log is not None:
    visits = pd.DataFrame({"visitor_id": log["Visitor"], "order_id": log["Order No"]})
    visits["date"] = pd.to_datetime(log["Started"], format="%Y-%m-%d %H:%M:%S").dt.normalize()
    bots = screening.find_bots(visits)
    then = visits["date"].isin(visits.loc[bots.flags, "date"].unique())
    bought = visits["order_id"].notna()
    seen, clean_share = bought[then].mean(), bought[then & ~bots.flags].mean()

# %%
Markdown(
    f"{len(bots.table)} visitors made {bots.rows:,} visits. On the days they came, conversion "
    f"looked like **{seen:.2%}**; without them it was **{clean_share:.2%}**."
    if bots
    else "> **No web log in this store**: robots are looked for where `sessions` exist."
)

# %% [markdown]
"""
## The truth, and what it would have cost

Now the envelope is opened: what was planted, and what we found.
"""

# %%
planted, found_total = export.answers, float(flat["amount"].sum())
clean_total = planted["clean"]["amount"]
hours = "/".join(f"{h:+.0f} h" for h in planted["time_zone"]["hours"])
score = pd.DataFrame(
    [("delivered twice", f"{planted['duplicates']['lines']} lines", f"{double.rows} lines"),
     ("other currency", f"{planted['currency']['lines']} lines, x{planted['currency']['factor']}", f"{slip.rows} lines"),
     ("shifted clock", f"{hours}, {planted['time_zone']['first_day']} to {planted['time_zone']['last_day']}",
      f"{shift.hours:+d} h, {shift.first_day} to {shift.last_day}"),
     ("robots", f"{planted['bots']['sessions']} visits" if planted["bots"] else "none", f"{bots.rows} visits" if bots else "none")],
    columns=["fault", "planted", "found"],
).set_index("fault")  # fmt: skip

# %% tags=["nbval-check-output"]
score

# %%
true_day = flat["order_id"].map(orders.set_index("order_id")["date"])
wrong = [int((flat[day] != true_day).sum()) for day in ("day_as_delivered", "date")]
Markdown(
    f"Lines on the wrong day: {wrong[0]} as delivered, **{wrong[1]}** after the repair: a span is found to "
    "within a day or so, where few orders tell. The amounts, to the cent or not:"
)

# %% tags=["nbval-check-output"]
pd.Series(
    {"naive": naive_total, "repaired": found_total, "truth": clean_total}, name=currency
).round(2).to_frame()

# %% [markdown]
"""
### The decision

The board sets next quarter's advertising as a share of what the export adds up to. Two managers do
the same sum, one on the naive total, one on the repaired one. Both budgets are spent in the store,
on the same people and the same days.
"""

# %%
inflated = naive_total / found_total
can_spend = shop.manifest.origin.get("seed") is not None and "ad_daily" in shop.tables
if can_spend:
    paid = shop.table("ad_daily")["channel"].unique()
    more = Plan(start=str((last + pd.Timedelta(days=1)).date()),
                budgets={channel: min(inflated, 20.0) for channel in paid})  # fmt: skip
    earned = carry_out(shop, {"repaired": None, "naive": more}, days=91)["profit"]
    cost = float(earned.loc["profit after ads", "difference"])

# %% tags=["nbval-check-output"]
earned.round(-1) if can_spend else "not on this store"

# %%
Markdown(
    f"The naive total was **{inflated - 1:+.1%}** off, so the naive budget was too. In the store that "
    f"{'cost' if cost < 0 else 'earned'} **{format_amount(abs(cost), currency)}** in thirteen weeks: here the "
    f"next unit of advertising returns {'less' if cost < 0 else 'more'} than it costs. A wrong number "
    "moves money; in which direction is luck."
    if can_spend
    else f"In the drill the naive total was **{inflated - 1:+.1%}** off, and so would be every budget set "
    "by it. (Spending both needs a simulated store, with its seed.)"
)

# %% [markdown]
"""
## What we learned

- **Reading the tables**: keys link an order to its lines, products, visit and returns; every column
  has a unit and a meaning.
- **From gross to net**: discounts, returns, cost; the bridge adds up to the cent. Known customers,
  guests and the total are three numbers, not one.
- **Four faults** that no error reports show as patterns in time: repeated batches, factors of price,
  a shifted day, visits without end. Believing them moves budgets.

**Exercises**: `exercises/00_meet_the_store.ipynb`.

**References.** M. Kulldorff, A spatial scan statistic, *Communications in Statistics: Theory and
Methods* 26, 1997 (the search for the shifted span). · R. Kohavi, D. Tang and Y. Xu, *Trustworthy
Online Controlled Experiments*, 2020, ch. 3 (Twyman's law: a figure that looks interesting is
usually wrong).
"""

# %%
publish(
    {
        "Sales": format_amount(float(daily["sales"].sum()), currency),
        f"Stays as {ends_as}": f"{stays:.0%} of gross",
        "Orders": f"{total:,}, {guests:.0%} by guests",
        "Broken rules": f"{len(broken)}" if len(broken) else "none: the contract holds",
    },
    title="What is in this store, and can we trust its numbers?",
)
