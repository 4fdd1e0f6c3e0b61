"""Pictures of choice: coupling, price sensitivity, and what is looked at."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, GREY, RED, finish, new_axes
from ecomlab.simulator.graph import Day
from ecomlab.simulator.mechanisms.choice import choose, value_products
from ecomlab.simulator.noise import Noise
from simulator_pictures.worlds import PEOPLE, SEED, WEST, after, label, let_all_visit, live, source

__all__ = ["PICTURES"]

_SETTLED = 30  # days until the run is used


def _reprice(day: Day, at: np.ndarray, factor: float) -> None:
    """Let everybody choose anew at other prices."""
    usual = day["price_cents"]
    day["price_cents"] = np.where(at, usual * factor, usual)
    value_products(day)
    choose(day)
    day["price_cents"] = usual


def _bestseller(day: Day) -> np.ndarray:
    """Return which product is expected to sell best."""
    units = np.bincount(day["considered"].ravel(), day["line_chance"].ravel())
    return np.arange(len(day.world.products.key)) == np.argmax(units)


def _changes(day: Day) -> np.ndarray:
    """Return whose orders differ where the bestseller is dearer: same luck, other luck."""
    let_all_visit(day)
    sku, before = _bestseller(day), day["wanted"]
    own = sku[day["considered"]]
    _reprice(day, sku, 1.1)
    other = Day(day.world, Noise(SEED + 1), ())
    other.index, other.values, other.streams = day.index, dict(day.values), choose.streams
    choose(other)
    found = []
    for wanted in (day["wanted"], other["wanted"]):
        differs = (before != wanted).any(axis=0)  # it may stay in the order as an addition
        of_it = differs & ((before | wanted) & own).any(axis=0)
        found.append((of_it.sum(), (differs & ~of_it).sum()))
    return np.array(found)


def coupling() -> Axes:
    """Draw whose orders change where one price rises, with the same luck and with other luck."""
    rounds, counts = 20, np.zeros((2, 2))
    for index, day in live(WEST, people=PEOPLE, days=_SETTLED + rounds):
        if index >= _SETTLED:
            kept = dict(day.values)
            counts += _changes(day)
            day.values = kept
    counts /= PEOPLE * rounds / 1e5
    ax = new_axes(height=3.4)
    for row in range(2):
        ax.barh(row, counts[row, 0], color=BLUE, height=0.55)
        ax.barh(row, counts[row, 1], left=counts[row, 0], color=GREY, height=0.55)
        ax.annotate(f"{counts[row, 0]:,.0f} over that product, {counts[row, 1]:,.0f} over others",
                    (counts[row].sum(), row), (6, 0), va="center",
                    textcoords="offset points")  # fmt: skip
    ax.set_yticks([0, 1], ["same luck", "other luck"])
    ax.set_xlim(right=counts.sum(axis=1).max() * 1.5)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return finish(ax, title=f"One price up 10 %: {counts[0].sum():.0f} of 100,000 visitors change "
                  f"their order, {counts[0, 1]:.0f} of them elsewhere",
                  x="visitors whose order changes [of 100,000]",
                  source=source(WEST, f"{PEOPLE:,} visitors on {rounds} days"))  # fmt: skip


def sensitivity() -> Axes:
    """Draw the demand for one product against its price, by thirds of price sensitivity."""
    day = after(WEST, people=PEOPLE, days=_SETTLED)
    let_all_visit(day)
    sku, factors = _bestseller(day), np.linspace(0.8, 1.3, 21)
    weight = day.world.people.price_sensitivity
    third = np.searchsorted(np.quantile(weight, [1 / 3, 2 / 3]), weight)
    rows = []
    for factor in factors:
        _reprice(day, sku, float(factor))
        mine = (day["line_chance"] * sku[day["considered"]]).sum(axis=0)
        rows.append(np.bincount(third, mine))
    units = 100 * np.array(rows) / rows[int(np.argmin(abs(factors - 1)))]
    ax = new_axes()
    for i, (text, color) in enumerate((("least sensitive third", BLUE), ("middle third", GREY),
                                       ("most sensitive third", RED))):  # fmt: skip
        ax.plot(100 * factors - 100, units[:, i], color=color)
        label(ax, 30, units[-1, i], text, color, up=(6, 0, -6)[i])
    lost = 100 - units[int(np.argmin(abs(factors - 1.1)))]
    return finish(ax, title=f"Ten per cent dearer: the least price-sensitive third buys "
                  f"{lost[0]:.0f} % less, the most sensitive {lost[2]:.0f} %",
                  x="price of one product [% over usual]", y="expected units [% of usual]",
                  source=source(WEST, f"{PEOPLE:,} visitors of one day"))  # fmt: skip


def shelf() -> Axes:
    """Draw how often products are looked at, against how often they are bought when seen."""
    days, looks, sold = 60, np.zeros(1), np.zeros(1)
    for index, day in live(WEST, people=PEOPLE, days=days):
        if index >= _SETTLED:
            size = len(day.world.products.key)
            looks = looks + np.bincount(day["considered"][day["is_seen"]], minlength=size)
            sold = sold + np.bincount(day["considered"].ravel(), day["line_chance"].ravel(), size)
    seen = looks > 50
    looks, sold = looks[seen], sold[seen]
    top = looks >= np.quantile(looks, 0.9)
    share = 100 * sold[top].sum() / sold.sum()
    worth = (sold[top].sum() / looks[top].sum()) / (sold[~top].sum() / looks[~top].sum())
    ax = new_axes()
    for those, color in ((~top, GREY), (top, BLUE)):
        ax.plot(looks[those], 1000 * sold[those] / looks[those], "o", color=color, alpha=0.6,
                markersize=5)  # fmt: skip
    ax.set_xscale("log")
    ticks = (50, 100, 200, 500, 1000, 2000)
    ax.set_xticks(ticks, [f"{one:,}" for one in ticks])
    return finish(ax, title=f"The tenth seen most (blue) makes {share:.0f} % of sales, though a "
                  f"look at one is worth {worth:.1f} times a look at another product",
                  x=f"times looked at in {days - _SETTLED} days (log scale)",
                  y="expected orders in 1,000 looks",
                  source=source(WEST, f"{PEOPLE:,} people", "each dot a product"))  # fmt: skip


PICTURES = (coupling, sensitivity, shelf)
