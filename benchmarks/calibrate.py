"""Hold the simulated world against published figures; write docs/calibration.md.

``python benchmarks/calibrate.py [--people N]`` simulates both presets at their own size under the
status quo and prints, for each quantity: the range, its source and how good that is, what was
simulated, and whether it lies inside. What is assumed rather than published is marked.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecomlab.simulator import simulate_into
from ecomlab.simulator.truth import Truth
from ecomlab.store.sealing import open_truth
from ecomlab.store.store import Store

PAGE = Path(__file__).resolve().parents[1] / "docs" / "calibration.md"
SEEDS = (7, 8, 9)
PRESETS = ("west_d2c", "cn_platform")
SURVEY, META, BLOG, OURS = "industry survey", "meta-analysis or paper", "secondary page", "assumed"
Reading = Callable[[Store, Truth], float]


@dataclass(frozen=True)
class Row:
    """A quantity, where it should lie, and how to read it from a run."""

    quantity: str
    west: tuple[float, float] | None
    china: tuple[float, float] | None
    source: str
    quality: str
    read: Reading
    style: str = "{:.1%}"


def one(sql: str) -> Reading:
    """Read a single number by a query."""
    return lambda store, _: float(store.query(sql).iloc[0, 0])


def repeat(order: int) -> Reading:
    """Share of new customers with ``order`` orders within a year, of those with one less."""

    def read(store: Store, _: Truth) -> float:
        counts = orders_in_first_year(store)
        return float((counts >= order).sum() / (counts >= order - 1).sum())

    return read


def orders_in_first_year(store: Store) -> pd.Series:
    """Orders within a year of the first, of each new customer seen for a year."""
    orders = store.query(
        "SELECT o.customer_id, o.date, min(o.date) OVER (PARTITION BY o.customer_id) AS first, "
        "c.first_seen FROM orders o JOIN customers c USING (customer_id)"
    )
    begun, ended = orders["date"].min(), orders["date"].max()
    known = (orders["first_seen"] >= begun) & ((ended - orders["first"]).dt.days >= 365)
    within = orders[known & ((orders["date"] - orders["first"]).dt.days <= 365)]
    return within.groupby("customer_id").size()


def elasticity(_: Store, truth: Truth) -> float:
    """Mean own-price elasticity, products weighted by units."""
    table = truth["truth_elasticity"]
    return float(np.average(table["own_price_elasticity"], weights=table["expected_units"]))


def per_click(route: str) -> Reading:
    """Share of a route's clicks that would not have come anyway."""

    def read(_: Store, truth: Truth) -> float:
        orders = truth["truth_order"]
        fired = orders["fired"].str.contains(route)
        return float(orders.loc[fired, f"alone_{route}"].mean())

    return read


def event_lift(name: str) -> Reading:
    """Mean daily sales in an event's peak over the mean of its quarter."""

    def read(store: Store, _: Truth) -> float:
        daily = store.query("SELECT date, sum(amount) AS amount FROM orders GROUP BY 1")
        daily = daily.set_index("date")["amount"]
        peaks = store.query(
            f"SELECT date FROM calendar WHERE event_id = '{name}' AND days_to_event = 0"
        )["date"]
        season = [daily[str(pd.Timestamp(d).year)][lambda s: s.index.month >= 11].mean()
                  for d in peaks]  # fmt: skip
        return float(np.mean(daily.reindex(peaks).to_numpy() / season)) if len(peaks) else np.nan

    return read


SHARE = "SELECT count(*) FILTER ({}) / count(*) FROM {}"
PUBLISHED = (
    Row("visits that order", (0.025, 0.032), (0.025, 0.045), "R24-R26", BLOG,
        one(SHARE.format("order_id IS NOT NULL", "sessions"))),
    Row("visits that fill a cart", (0.065, 0.09), None, "R24, R27", BLOG,
        one(SHARE.format("added_to_cart", "sessions"))),
    Row("carts abandoned", (0.66, 0.72), None, "R28, R24", SURVEY,
        one("SELECT 1 - count(order_id) / count(*) FROM sessions WHERE added_to_cart")),
    Row("order value [currency]", (68, 85), (140, 190), "none", OURS,
        one("SELECT avg(amount) FROM orders"), "{:.0f}"),
    Row("units an order", (1.7, 2.1), (1.4, 1.8), "none", OURS,
        one("SELECT sum(units) / count(DISTINCT order_id) FROM order_lines"), "{:.2f}"),
    Row("second order within a year", (0.30, 0.34), None, "R29", SURVEY, repeat(2)),
    Row("third order after the second", (0.51, 0.55), None, "R29", SURVEY, repeat(3)),
    Row("fourth order after the third", (0.62, 0.66), None, "R29", SURVEY, repeat(4)),
    Row("own-price elasticity, mean", (-2.9, -2.3), (-2.9, -2.3), "R37", META,
        elasticity, "{:.2f}"),
    Row("order lines sent back", (0.12, 0.21), (0.15, 0.25), "R32-R36", SURVEY,
        one("SELECT (SELECT count(*) FROM returns) / count(*) FROM order_lines")),
    Row("brand search: orders only it brought, of those it touched", (0.0, 0.06), None, "R44", META,
        per_click("brand_search")),
    Row("generic search: orders only it brought, of those it touched", (0.10, 0.60), None, "R44",
        META, per_click("generic_search")),
    Row("cost a brand click [currency]", (0.25, 0.60), None, "R45-R47", BLOG,
        one("SELECT sum(spend) / sum(clicks) FROM ad_daily WHERE campaign = 'brand'"), "{:.2f}"),
    Row("cost a generic click [currency]", (0.66, 1.5), None, "R45-R47", BLOG,
        one("SELECT sum(spend) / sum(clicks) FROM ad_daily WHERE campaign = 'generic'"), "{:.2f}"),
    Row("mails opened", (0.35, 0.50), None, "R51-R53", BLOG,
        one(SHARE.format("opened_at IS NOT NULL", "email_sends"))),
    Row("mails clicked", (0.005, 0.015), None, "R51-R53", BLOG,
        one(SHARE.format("clicked_at IS NOT NULL", "email_sends"))),
    Row("orders a mail", (0.0003, 0.0014), None, "R51-R53", BLOG,
        one("SELECT (SELECT count(order_id) FROM sessions WHERE channel = 'email') / count(*) "
            "FROM email_sends"), "{:.2%}"),
    Row("Black Friday over the season's mean", (1.8, 3.6), None, "R86", SURVEY,
        event_lift("black_friday"), "{:.1f}"),
    Row("live shows' share of sales", None, (0.12, 0.28), "R87, R88", BLOG,
        one("SELECT sum(o.amount) FILTER (s.channel = 'live') / sum(o.amount) FROM orders o "
            "JOIN sessions s USING (session_id)")),
    Row("orders that platforms claim, over all", (1.1, 1.9), (1.1, 1.9), "none", OURS,
        one("SELECT sum(reported_orders) / (SELECT count(*) FROM orders) FROM ad_daily"), "{:.2f}"),
    Row("marketing over sales", (0.10, 0.22), (0.10, 0.25), "none", OURS,
        one("SELECT sum(marketing) / (SELECT sum(amount) FROM orders) FROM costs_daily")),
    Row("sales at a discount, of the full price", (0.03, 0.10), (0.04, 0.14), "none", OURS,
        one("SELECT sum(discount_amount) / sum(units * price) FROM order_lines")),
    Row("ecological premium accepted, median customer", (0.0, 0.17), (0.0, 0.17), "R84", META,
        lambda _, truth: float(truth["truth_person"]["eco_premium_share"].median())),
)  # fmt: skip


def measure(preset: str, seed: int, people: int | None) -> tuple[np.ndarray, str]:
    """Return every quantity of a run, and its size in words."""
    with tempfile.TemporaryDirectory() as place:
        store = simulate_into(f"{place}/store", preset, seed, None, people)
        truth = open_truth(f"{place}/store")
        about = store.manifest
        sessions = int(about.tables["sessions"]["rows"])
        size = (
            f"{about.origin['people']:,} people, {about.origin['days']} days, {sessions:,} visits"
        )
        return np.array([row.read(store, truth) for row in PUBLISHED]), size


def cell(row: Row, bounds: tuple[float, float] | None, value: float) -> str:
    """Return a value with whether it lies in its range; without a range only the value."""
    if np.isnan(value):
        return "–"
    text = row.style.format(value)
    if bounds is None:
        return text
    return f"{text} {'✓' if bounds[0] <= value <= bounds[1] else '**outside**'}"


def page(columns: dict[str, np.ndarray], sizes: dict[str, str]) -> str:
    """Return the table as a page."""
    lines = [
        "# The world held against published figures",
        "",
        "Made by `python benchmarks/calibrate.py`. Sources are numbered as in the simulator's",
        "reference; *assumed* ranges are ours: do not quote them as facts about any shop. A value",
        "without a mark has no published range for that preset.",
        "",
        "Where a source gives a point, the range is ours: for carts (published 7.1 to 7.2 %),",
        "abandonment (70.0 to 70.8 %) and what generic search adds (no figure). Published rates",
        "contradict one another, as they count visits and visitors differently; conversion is kept",
        "here, and abandonment lies below the published one.",
        "",
        *(
            f"`{name}`, seeds 7, 8 and 9, means: {size} in the first.  "
            for name, size in sizes.items()
        ),
        "",
        "| quantity | range west | range China | source | its quality | west_d2c | cn_platform |",
        "|---|---|---|---|---|---|---|",
    ]
    for i, row in enumerate(PUBLISHED):
        spans = ["–" if b is None else " to ".join(row.style.format(x) for x in b)
                 for b in (row.west, row.china)]  # fmt: skip
        found = [
            cell(row, b, columns[p][i]) for p, b in zip(PRESETS, (row.west, row.china), strict=True)
        ]
        lines.append(
            "| " + " | ".join([row.quantity, *spans, row.source, row.quality, *found]) + " |"
        )
    inside = sum("✓" in line for line in lines[10:])
    outside = sum("outside" in line for line in lines[10:])
    return "\n".join(
        [*lines, "", f"{inside} rows with a value inside, {outside} with one outside.", ""]
    )


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=None)
    asked = parser.parse_args()
    columns, sizes = {}, {}
    for preset in PRESETS:
        runs = [measure(preset, seed, asked.people) for seed in SEEDS]
        columns[preset] = np.mean([values for values, _ in runs], axis=0)
        sizes[preset] = "; ".join(size for _, size in runs[:1])
    text = page(columns, sizes)
    print(text)
    if asked.people is None:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
