"""Pictures of what follows an order: returns, reviews, and platforms' claims."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, RED, amounts_on, finish, new_axes
from simulator_pictures.worlds import PEOPLE, WEST, day_after, source, west_year

__all__ = ["PICTURES"]

_LOOKED_ON, _BIN, _BINS = 357, 14, 10  # day of looking; length and number of spans of orders


def returns() -> Axes:
    """Draw return rates by fortnight of order as seen on a day, and as they turn out."""
    today = day_after(_LOOKED_ON)
    table = west_year().store.query(f"""
        select date_diff('day', o.date, date '{today}' - 1) // {_BIN} as spans, count(*) as lines,
               count(r.order_id) filter (where r.date < date '{today}') as by_now,
               count(r.order_id) as in_the_end
        from order_lines l join orders o using (order_id)
        left join returns r on r.order_id = l.order_id and r.line = l.line
        where o.payment_status = 'paid' and o.date < date '{today}'
          and o.date >= date '{today}' - {_BIN * _BINS} group by 1 order by 1""")
    ax, last = new_axes(), {}
    for name, text, color in (("in_the_end", "in the end", BLUE),
                              ("by_now", "booked by the day of looking", RED)):  # fmt: skip
        share = 100 * table[name] / table["lines"]
        last[name] = share.iloc[0]
        ax.plot(-_BIN * (table["spans"] + 0.5), share, color=color, marker="o", label=text)
    ax.legend(loc="lower left")
    ax.set_ylim(bottom=0)
    return finish(ax, title=f"Of the last fortnight's lines {last['by_now']:.0f} % are back so "
                  f"far; in the end {last['in_the_end']:.0f} % will be",
                  x="when the order was placed [days before looking]", y="lines sent back [%]",
                  source=source(WEST, f"{PEOPLE:,} people", "orders by fortnight"))  # fmt: skip


def reviews() -> Axes:
    """Draw the stars of all buyers, of those who write and of those invited by lot."""
    run = west_year()
    felt = run.truth["truth_reviews"].groupby("stars")["lines"].sum()
    written = run.store.query("select stars, is_invited from reviews")
    rows = {
        "all buyers (sealed)": felt,
        "invited by lot": written.loc[written["is_invited"], "stars"].value_counts(),
        "written unasked": written.loc[~written["is_invited"], "stars"].value_counts(),
    }
    ax, low = new_axes(), []
    for i, (name, count) in enumerate(rows.items()):
        share = 100 * count.reindex(range(1, 6), fill_value=0) / count.sum()
        low.append(share.loc[:3].sum())
        ax.bar(share.index + 0.27 * (i - 1), share, width=0.25, color=(GREY, BLUE, RED)[i],
               label=f"{name} (n={count.sum():,})")  # fmt: skip
    ax.legend(loc="upper left")
    ax.set_xticks(range(1, 6))
    return finish(ax, title=f"Up to three stars: {low[2]:.0f} % of unasked reviews, {low[1]:.0f} % "
                  f"of invited ones, {low[0]:.0f} % of buyers", x="stars", y="share [%]",
                  source=source(WEST, f"{PEOPLE:,} people", "400 days"))  # fmt: skip


def claims() -> Axes:
    """Draw what platforms claim against what their channels brought."""
    run = west_year()
    claimed = run.store.table("ad_daily").groupby("channel")["reported_orders"].sum().sort_values()
    brought = run.truth["truth_route_day"].groupby("channel")["incremental_orders"].sum()
    ax, at = new_axes(), np.arange(len(claimed))
    for values, shift, color, text in (
        (claimed, 0.2, RED, "platforms claim"),
        (brought[claimed.index], -0.2, BLUE, "brought by this channel alone (sealed)"),
    ):
        ax.barh(at + shift, values, height=0.38, color=color, label=text)
    ax.set_yticks(at, [str(name).replace("_", " ") for name in claimed.index])
    ax.legend(loc="lower right")
    times = claimed.sum() / brought[claimed.index].sum()
    return finish(amounts_on(ax, "x"), title=f"Platforms claim {times:.1f} times the orders that "
                  "their channels alone brought", x="orders in 400 days",
                  source=source(WEST, f"{PEOPLE:,} people"))  # fmt: skip


PICTURES = (returns, reviews, claims)
