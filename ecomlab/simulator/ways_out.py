"""What analysts make of a store's tables: the naive answer to each trap, and a consistent one.

Every function takes a store and returns an :class:`~ecomlab.simulator.counts.Estimate`; none
looks at the truth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecomlab.simulator.counts import Estimate, fit_counts, fit_slope, number_groups, to_share
from ecomlab.store.store import Store

__all__ = [
    "care_against_left_alone",
    "care_before_and_after",
    "first_orders_by_holdout",
    "first_orders_by_last_click",
    "mails_against_none",
    "mails_within_recency",
    "media_by_region",
    "media_over_time",
    "price_by_test",
    "price_over_time",
    "product_weeks",
    "promoted_by_lot",
    "promoted_over_time",
    "taste_at_equal_income",
    "taste_gap",
    "taste_within_products",
    "unsatisfied_all",
    "unsatisfied_invited",
]

_HALF_LIFE = {"paid_search": 0.5, "affiliate": 1.0}  # days, as their platforms say
_RECENT = 60  # days since an order, within which a customer counts as recent
_QUARTER = 91
_CALM = 3.0  # where a product of mean volume has three parts of shocks to one of sales


def product_weeks(store: Store) -> pd.DataFrame:
    """Whole weeks of products on sale: units, mean log price, and whether promoted."""
    return store.query("""
        with sold as (
            select o.date, l.sku, sum(l.units) as units
            from order_lines l join orders o using (order_id) group by all
        )
        select p.sku, date_trunc('week', p.date)::date as week, coalesce(sum(s.units), 0) as units,
               avg(ln(p.price)) as log_price, max(p.is_promoted::int) as promoted,
               avg(ln(1 - p.promo_depth_share)) as log_kept
        from prices p left join sold s using (sku, date)
        group by all having count(*) = 7 order by all""")


def _arms(store: Store, unit: str, arms: str, like: str = "%") -> pd.DataFrame:
    """Arms of the experiments on a unit whose arms and name are like those given."""
    _demand(store, unit, arms, like)
    return store.query(f"""
        select experiment_id, a.unit_id, a.arm, e.start_date, e.end_date
        from assignments a join experiments e using (experiment_id)
        where e.unit = '{unit}' and e.arms like '{arms}' and experiment_id like '{like}'""")


def _demand(store: Store, unit: str, arms: str, like: str) -> None:
    """Raise where a store has no such experiment."""
    wanted = f"unit = '{unit}' and arms like '{arms}' and experiment_id like '{like}'"
    if (
        "experiments" not in store.tables
        or store.query(f"select experiment_id from experiments where {wanted}").empty
    ):
        raise ValueError(
            f"store {store.name!r}: no experiment on a {unit} with arms like {arms!r}. Order it "
            f"in a plan: ecomlab.simulator.traps.plan_ways_out makes one."
        )


def price_over_time(store: Store) -> Estimate:
    """Regress a product's weekly units on its own price over time."""
    weeks = product_weeks(store)
    return fit_slope(weeks["units"], weeks["log_price"], (weeks["sku"],), weeks["sku"])


def price_by_test(store: Store) -> Estimate:
    """Compare products by the price factors that the lot gave them, in every round of a test.

    Promotions, which lots do not decide, are held fixed: they only add scatter.
    """
    weeks, arms = product_weeks(store), _arms(store, "sku", "usual %")
    arms["factor"] = np.log(arms["arm"].str.removeprefix("x").replace("usual", "1").astype(float))
    both = weeks.merge(arms, left_on="sku", right_on="unit_id")
    both = both[(both["week"] >= both["start_date"]) & (both["week"] <= both["end_date"])]
    quarter = (both["week"] - weeks["week"].min()).dt.days // _QUARTER
    product = number_groups(both["sku"])
    b, se = fit_counts(
        both["units"].to_numpy(dtype=float),
        both[["factor", "log_kept"]].to_numpy(dtype=float),
        (number_groups(product, quarter), number_groups(both["week"])),
        cluster=product,
    )
    return Estimate(float(b[0]), float(se[0]))


def promoted_over_time(store: Store) -> Estimate:
    """Compare a product's promoted weeks with its others [share more units]."""
    weeks = product_weeks(store)
    return to_share(fit_slope(weeks["units"], weeks["promoted"], (weeks["sku"],), weeks["sku"]))


def promoted_by_lot(store: Store) -> Estimate:
    """Compare weeks promoted by lot with others, among products in the lottery."""
    weeks, arms = product_weeks(store), _arms(store, "sku", "left_alone lottery")
    arms = arms[arms["arm"] == "lottery"]
    both = weeks.merge(arms, left_on="sku", right_on="unit_id")
    both = both[(both["week"] >= both["start_date"]) & (both["week"] <= both["end_date"])]
    found = fit_slope(both["units"], both["promoted"], (both["sku"], both["week"]), both["sku"])
    return to_share(found)


def media_over_time(store: Store, *, channel: str) -> Estimate:
    """Regress visits on the saturated adstock of spend over time [share of visits]."""
    days = _media_days(store, channel)
    found = fit_slope(days["visits"], days["response"], (days["region_id"],), days["date"])
    return _lost(found, days)


def media_by_region(store: Store, *, channel: str) -> Estimate:
    """Compare regions of the same day in which the channel is on and off [share of visits]."""
    days = _media_days(store, channel)
    mine = _arms(store, "region", "off on", f"dark-{channel.replace('_', '-')}").iloc[0]
    days = days[(days["date"] >= mine["start_date"]) & (days["date"] <= mine["end_date"])]
    spell = number_groups(days["region_id"], days["date"].dt.to_period("W"))
    found = fit_slope(days["visits"], days["response"], (spell, days["date"]), spell)
    return _lost(found, days)


def _lost(found: Estimate, days: pd.DataFrame) -> Estimate:
    """Turn a slope into the share of visits lost where the channel goes dark."""
    lit = days[days["spend"] > 0]
    on = float(np.average(lit["steady"], weights=lit["visits"]))
    return Estimate(float(-np.expm1(-found.value * on)), float(found.se * on))


def _media_days(store: Store, channel: str) -> pd.DataFrame:
    """Days and regions: visits, and the response to spend, one half at the usual spend."""
    days = store.query(f"""
        with came as (select date, region_id, count(*) as visits from sessions group by all)
        select a.date, a.region_id, sum(a.spend) as spend, max(coalesce(c.visits, 0)) as visits
        from ad_daily a left join came c using (date, region_id)
        where a.channel = '{channel}' group by all order by 1, 2""")
    days["date"] = pd.to_datetime(days["date"])
    wide = days.pivot(index="date", columns="region_id", values="spend").to_numpy(dtype=float)
    kept = 0.5 ** (1 / _HALF_LIFE[channel])
    usual = np.array([np.median(one[one > 0]) for one in wide.T])
    stock, held = np.empty_like(wide), usual
    for i, spent in enumerate(wide):
        held = kept * held + (1 - kept) * spent
        stock[i] = held
    steady = wide / (wide + usual)  # the response where the day's spend had lasted
    return days.assign(response=(stock / (stock + usual)).ravel(), steady=steady.ravel())


def first_orders_by_last_click(store: Store) -> Estimate:
    """Share of new customers whose first order came by a social visit."""
    found = store.query("""
        with firsts as (
            select arg_min(session_id, ordered_at) as session_id
            from orders join customers using (customer_id)
            where first_seen >= (select min(date) from calendar) group by customer_id
        )
        select avg((channel = 'social')::int) as share, count(*) as size
        from firsts join sessions using (session_id)""").iloc[0]
    return Estimate(found["share"], float(np.sqrt(found["share"] / found["size"])))


def first_orders_by_holdout(store: Store) -> Estimate:
    """Compare how many of those who may and may not see social advertisements become customers."""
    _demand(store, "customer", "held_out treated", "social%")
    arms = store.query("""
        select a.arm, count(*) as people, count(c.customer_id) filter (
                 where c.first_seen >= (select min(date) from calendar)) as fresh,
               count(c.customer_id) filter (
                 where c.first_seen < (select min(date) from calendar)) as old
        from assignments a join experiments e using (experiment_id)
        left join customers c on c.customer_id = a.unit_id
        where e.arms = 'held_out treated' and e.experiment_id like 'social%'
        group by all""").set_index("arm")
    rate = arms["fresh"] / (arms["people"] - arms["old"])
    kept = rate["held_out"] / rate["treated"]
    se = kept * np.sqrt((1 / arms["fresh"]).sum())
    return Estimate(float(1 - kept), float(se))


_MEMBER_DAYS = """
with bounds as (select min(date) as first, max(date) as last from calendar),
members as (
    select c.customer_id, c.first_seen,
           coalesce((select min(e.date) from email_sends e
                     where e.customer_id = c.customer_id and e.is_unsubscribed), b.last) as gone
    from customers c, bounds b where c.is_email_optin),
bought as (
    select customer_id, first_seen as date from members, bounds where first_seen < first
    union select customer_id, date from orders where customer_id is not null),
spells as (
    select m.customer_id, m.gone, o.date as start,
           lead(o.date) over (partition by m.customer_id order by o.date) as next
    from members m join bought o using (customer_id)),
parts as (
    select s.customer_id, is_recent, next,
           greatest(start + 1 + (not is_recent)::int * $recent, first) as since,
           least(case when is_recent then start + $recent else last end,
                 coalesce(next, last), gone, last) as until
    from spells s, bounds b, (values (true), (false)) as v(is_recent)),
days as (
    select *, until - since + 1 as days, coalesce(next = until, false) as ordered
    from parts where until >= since),
mailed as (
    select d.customer_id, d.since, count(*) as mails,
           bool_or(d.ordered and e.date = d.until) as ordered_with
    from days d join email_sends e
      on e.customer_id = d.customer_id and e.date between d.since and d.until group by all)
select is_recent, sum(days) as days, sum(ordered::int) as ordered,
       sum(coalesce(mails, 0)) as mails, sum(coalesce(ordered_with, false)::int) as ordered_with
from days left join mailed using (customer_id, since) group by all order by 1
""".replace("$recent", str(_RECENT))


def mails_against_none(store: Store) -> Estimate:
    """Compare customers' days with a mail with those without [orders a thousand mails]."""
    return _per_thousand(store.query(_MEMBER_DAYS).drop(columns="is_recent").sum().to_frame().T)


def mails_within_recency(store: Store) -> Estimate:
    """Compare days with and without a mail among the recent, and among the others.

    Who gets a mail on a day is chance, given that rule of the sender's.
    """
    return _per_thousand(store.query(_MEMBER_DAYS))


def _per_thousand(rows: pd.DataFrame) -> Estimate:
    """Weigh the differences of order rates by the mails sent."""
    days, mails, both, ordered = (
        rows[name].to_numpy(dtype=float) for name in ("days", "mails", "ordered_with", "ordered")
    )
    usual = (ordered - both) / (days - mails)
    value = (both - mails * usual).sum() / mails.sum()
    error = np.sqrt((both + mails**2 * usual / (days - mails)).sum()) / mails.sum()
    return Estimate(1000 * float(value), 1000 * float(error))


def _product_regions(store: Store, last_day: str = "9999-12-31") -> pd.DataFrame:
    """Units by product and region, with the product's usual price and the region's income."""
    return store.query(f"""
        with sold as (
            select l.sku, o.region_id, sum(l.units) as units
            from order_lines l join orders o using (order_id)
            where o.date <= '{last_day}' group by all),
        usual as (select sku, avg(ln(price)) as log_price from prices group by all)
        select p.sku, p.is_eco, u.log_price, r.region_id, ln(r.income_index) as log_income,
               coalesce(s.units, 0) as units,
               rank() over (partition by p.sku order by r.income_index) as place
        from products p join usual u using (sku)
        cross join (select * from regions where not is_new) r
        left join sold s on s.sku = p.sku and s.region_id = r.region_id order by 1, 4""")


def taste_at_equal_income(store: Store) -> Estimate:
    """Return the regional gap in log odds of ecological units that a line in income leaves.

    The gap is that of the three regions with the highest income over the three with the lowest.
    """
    units = _product_regions(store).groupby(["region_id", "log_income", "is_eco"])["units"].sum()
    odds = units.unstack("is_eco")
    income = odds.index.get_level_values("log_income").to_numpy(dtype=float)
    value = np.log(odds[True] / odds[False]).to_numpy()
    rest = value - np.polyval(np.polyfit(income, value, 1), income)
    rank = np.argsort(income)
    noise = np.sqrt((1 / odds).to_numpy().sum(axis=1).mean() / 3 * 2)
    return Estimate(float(rest[rank[-3:]].mean() - rest[rank[:3]].mean()), float(noise))


def taste_gap(store: Store, *, last_day: str) -> float:
    """Return the gap in log odds of ecological units, three richest over three poorest regions."""
    panel = _product_regions(store, last_day)
    end = panel["place"].max() - 3
    odds = []
    for these in (panel["place"] > end, panel["place"] <= 3):
        units = panel[these].groupby("is_eco")["units"].sum()
        odds.append(np.log(units[True] / units[False]))
    return float(odds[0] - odds[1])


def taste_within_products(store: Store) -> Estimate:
    """Compare regions' demand for the same products, income acting through prices alone.

    What income does to the weight of prices shows in how regions divide between cheap and dear
    products; what remains between ecological and other products is taste.
    """
    panel = _product_regions(store)
    panel = panel[(panel["place"] <= 3) | (panel["place"] > panel["place"].max() - 3)]
    rich = panel["place"].to_numpy() > 3
    x = np.column_stack([panel["is_eco"] & rich, panel["log_price"] * panel["log_income"]])
    groups = (number_groups(panel["sku"]), number_groups(panel["region_id"]))
    counts = panel["units"].to_numpy(dtype=float)
    b, se = fit_counts(counts, x.astype(float), groups, cluster=groups[0])
    return Estimate(float(b[0]), float(se[0]))


def unsatisfied_all(store: Store) -> Estimate:
    """Share of up to three stars among all reviews."""
    return _share_of_reviews(store, "true")


def unsatisfied_invited(store: Store) -> Estimate:
    """Share of up to three stars among reviews of buyers who were invited by lot."""
    return _share_of_reviews(store, "is_invited")


def _share_of_reviews(store: Store, which: str) -> Estimate:
    found = store.query(
        f"select avg((stars <= 3)::int) as share, count(*) as size from reviews where {which}"
    ).iloc[0]
    error = np.sqrt(found["share"] * (1 - found["share"]) / found["size"])
    return Estimate(float(found["share"]), float(error))


def _care(store: Store) -> pd.DataFrame:
    """Products picked for care: units of the quarters before and after, theirs and their kind's."""
    return store.query(f"""
        with picked as (
            select date, substr(decision, 6) as sku, new = 'care' as is_cared from plan_log
            where decision like 'care.%'
              and date + {_QUARTER - 1} <= (select max(date) from calendar)),
        sold as (
            select l.sku, p.category_id, o.date, sum(l.units) as units from order_lines l
            join orders o using (order_id) join products p using (sku) group by all),
        spans as (
            select k.date, s.sku, s.category_id,
                   sum(s.units) filter (where s.date < k.date) as before,
                   sum(s.units) filter (where s.date >= k.date) as after
            from (select distinct date from picked) k join sold s
              on s.date between k.date - {_QUARTER} and k.date + {_QUARTER - 1} group by all),
        kinds as (
            select date, category_id, sum(before) as kind_before, sum(after) as kind_after
            from spans group by all),
        ever as (select sku, sum(units) as ever from sold group by all)
        select k.date, k.sku, k.is_cared, r.category_id, coalesce(s.before, 0) as before,
               coalesce(s.after, 0) as after, coalesce(e.ever, 0) as ever,
               kind_before, kind_after
        from picked k join products r using (sku)
        left join spans s on s.date = k.date and s.sku = k.sku
        left join ever e on e.sku = k.sku
        join kinds c on c.date = k.date and c.category_id = r.category_id order by 1, 2""")


def care_before_and_after(store: Store) -> Estimate:
    """Compare cared-for products after and before, against their category [share more units]."""
    rows = _care(store)
    rows = rows[rows["is_cared"]]
    expected = (rows["before"] * rows["kind_after"] / rows["kind_before"]).to_numpy(dtype=float)
    came = rows["after"].to_numpy(dtype=float)
    ratio = came.sum() / expected.sum()
    error = np.sqrt(((came - ratio * expected) ** 2).sum()) / expected.sum()
    return Estimate(float(ratio - 1), float(error))


def care_against_left_alone(store: Store) -> Estimate:
    """Compare cared-for products with those picked as well and left alone by lot.

    Each counts for what its luck allows: that of sales shrinks with volume, its own shocks do not.
    """
    rows = _care(store)
    elsewhere = (rows["ever"] - rows["before"] - rows["after"] + 1) / rows["ever"].sum()
    usual = (elsewhere * rows["kind_after"]).to_numpy(dtype=float)
    weight = 1 / (1 + usual / usual.mean() * _CALM)
    before = (rows["before"] + 1) / (elsewhere * rows["kind_before"])
    x = np.column_stack([rows["is_cared"], np.log(usual * weight), np.log(before)])
    b, se = fit_counts(
        rows["after"].to_numpy(dtype=float) * weight, x.astype(float),
        (number_groups(rows["date"]), number_groups(rows["category_id"])),
        cluster=number_groups(rows["sku"]),
    )  # fmt: skip
    return to_share(Estimate(float(b[0]), float(se[0])))
