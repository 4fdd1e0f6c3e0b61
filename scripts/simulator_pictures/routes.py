"""Pictures of the routes: media, search, mail, creators and shows."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.plotting import BLUE, PALETTE, RED, finish, new_axes
from ecomlab.simulator import Plan
from ecomlab.simulator.graph import Day
from ecomlab.simulator.loop import begin
from ecomlab.simulator.mechanisms.expectation import sole_route_chance
from ecomlab.simulator.mechanisms.media import book_creators, remember_media
from ecomlab.simulator.mechanisms.regions import open_regions
from ecomlab.simulator.mechanisms.routes import fire_routes
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.scenario import Scenario
from ecomlab.simulator.world import build_world
from simulator_pictures.worlds import CHINA, PEOPLE, SEED, WEST, after, label, live, source

__all__ = ["PICTURES"]

_SETTLED, _USUAL = 60, 8  # days until adstock stands still; place of the usual budget


def _first_day(scenario: Scenario) -> Day:
    """Return the first day of a world, nothing of it lived yet."""
    noise = Noise(SEED)
    day = begin(build_world(scenario, noise, people=PEOPLE, days=15), noise, None)
    day.index, day["media_index"] = 0, 1.0
    day["fee_cents"] = np.int64(0)
    open_regions(day)
    return day


def _respond(day: Day, factor: float, days: int) -> np.ndarray:
    """Return the mean response of each route on some days at a multiple of its usual budget."""
    usual = np.array([route.spend for route in WEST.routes.values()])[:, None]
    day["budget_cents"] = np.rint(usual * factor * day.world.region_people / 10).astype(np.int64)
    path = []
    for _ in range(days):
        remember_media(day)
        path.append(day["response"].mean(axis=1))
    return np.array(path)


def saturation() -> Axes:
    """Draw response against budget, and its fading after the budget is cut."""
    names = [name for name, route in WEST.routes.items() if route.spend]
    rows = [list(WEST.routes).index(name) for name in names]
    factors = np.linspace(0, 4, 4 * _USUAL + 1)
    steady = np.array([_respond(_first_day(WEST), float(one), _SETTLED)[-1] for one in factors])
    day = _first_day(WEST)
    before = _respond(day, 1.0, _SETTLED)[-1]
    left_over = np.vstack([before, _respond(day, 0.0, 21)]) / before
    _, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.4))
    for name, row, color in zip(names, rows, PALETTE, strict=False):
        spend, level = factors * WEST.routes[name].spend, 100 * steady[:, row]
        left.plot(spend, level, color=color)
        left.plot(spend[_USUAL], level[_USUAL], "o", color=color)
        label(left, spend[-1], level[-1], name.replace("_", " "), color)
        right.plot(100 * left_over[:, row], color=color)
    left.set_xlim(0, 15)
    right.set_xlabel("days after the budget is cut to nothing")
    right.set_ylabel("response [% of before]")
    social, generic = (list(WEST.routes).index(name) for name in ("social", "generic_search"))
    half = int(np.argmax(left_over[:, social] < 0.5))
    right.set_title(f"Social is at half after {half} days")
    more = 100 * (steady[2 * _USUAL, generic] / steady[_USUAL, generic] - 1)
    return finish(left, title=f"Twice the budget, {more:.0f} % more generic search",
                  x="budget [USD per 1,000 people and day]; dot: usual",
                  y="response [% of the most there is]",
                  source=source(WEST, "calls of remember_media", "same colors"))  # fmt: skip


def search() -> Axes:
    """Draw what a paid click adds, given the rank in unpaid search."""
    ranks, found = np.arange(1, 11), []
    day = after(WEST, people=PEOPLE, days=30)
    for rank in ranks:
        day["rank"] = float(rank)
        fire_routes(day)
        chance, loyal = day["route_chance"], day["visitor_is_customer"]
        came, sole = chance / (1 - np.prod(1 - chance, axis=0)), sole_route_chance(chance)
        for route in ("generic_search", "brand_search"):
            at = list(WEST.routes).index(route)
            for who in (False, True):
                added = sole[at, loyal == who].sum() / came[at, loyal == who].sum()
                found.append((route, who, rank, 100 * added))
    table = pd.DataFrame(found, columns=["route", "loyal", "rank", "added"])
    ax = new_axes()
    for (route, who), mine in table.groupby(["route", "loyal"]):
        color = BLUE if route == "generic_search" else RED
        ax.plot(mine["rank"], mine["added"], color=color, marker="o", markersize=4,
                linestyle="--" if who else "-")  # fmt: skip
        text = f"{route.removesuffix('_search')}, {'customers' if who else 'newcomers'}"
        label(ax, 10, mine["added"].iloc[-1], text, color, up=-4 if who else 4)
    new = table[(table["route"] == "generic_search") & ~table["loyal"]].set_index("rank")["added"]
    brand = table[table["route"] == "brand_search"]["added"].max()
    ax.set_ylim(bottom=0)
    return finish(ax, title=f"Of 100 generic clicks of newcomers {new[1]:.0f} are won at rank 1, "
                  f"{new[10]:.0f} at rank 10; of clicks on our own name, {brand:.0f} at most",
                  x="our rank in unpaid search", y="paid clicks without which\nno visit [%]",
                  source=source(WEST, f"{PEOPLE:,} people", "calls of fire_routes"))  # fmt: skip


def mail() -> Axes:
    """Draw opens and departures against the number of mails."""
    rows, weeks, factors = [], 26, (0.25, 0.5, 1, 1.5, 2, 4)
    for factor in factors:
        readers = sent = opened = left = 0
        plan = Plan(budgets={"email": factor})
        for index, day in live(WEST, people=12_000, days=7 * weeks, plan=plan):
            if index == 0:
                readers = int((day["customer"] & day.world.people.has_mail).sum())
            sent += len(day["mailed"])
            opened += int(day["is_opened"].sum())
            left += int(day["has_unsubscribed"].sum())
        members = int((day["customer"] & day.world.people.has_mail).sum())
        rows.append((sent / readers / weeks, 100 * opened / readers / weeks, 100 * left / members))
    mails, opens, gone = np.array(rows).T
    times = np.array(rows)[-1] / np.array(rows)[factors.index(1)]
    _, (ax, right) = plt.subplots(1, 2, figsize=(10.5, 4.2))
    for axes, values, color in ((ax, opens, BLUE), (right, gone, RED)):
        axes.plot(mails, values, color=color, marker="o")
        axes.plot(mails[2], values[2], "o", color=color, markersize=10, fillstyle="none")
        axes.set_xlabel("mails sent [a week and subscriber]; circle: usual")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
    right.set_title(f"and {times[2]:.1f} times the departures")
    right.set_ylabel(f"unsubscribed in {weeks} weeks\n[% of all who agreed to mail]")
    return finish(ax, title=f"{times[0]:.1f} times the mails, {times[1]:.1f} times the opens",
                  y="mails opened a week\n[per 100 subscribers at the start]",
                  source=source(WEST, "12,000 people", f"{7 * weeks} days"))  # fmt: skip


def bursts() -> Axes:
    """Draw the reach of one post and one show by day, at the usual fee and at twice."""
    assert CHINA.creators is not None and CHINA.live is not None
    fees = {"creators": CHINA.creators.fee, "live": CHINA.live.fee}
    ax, gains = new_axes(), {}
    for name, color in (("creators", BLUE), ("live", RED)):
        row, paths = [*map(str, CHINA.routes)].index(name), []
        for factor in (1, 2):
            day, path = _first_day(CHINA), []
            shape = len(CHINA.routes), len(CHINA.regions)
            day["budget_by_region"] = np.zeros(shape)  # nothing is booked beside it
            day["posts"] = ((name, 0, 1.0, factor * fees[name]),)
            for index in range(14):
                day.index = index
                book_creators(day)
                path.append(100 * day["burst"][row])
            ax.plot(path, color=color, linestyle="-" if factor == 1 else "--", marker="o",
                    markersize=4)  # fmt: skip
            paths.append(path)
        gains[name] = 100 * (max(paths[1]) / max(paths[0]) - 1)
        at = int(np.argmax(paths[1]))
        text = {"creators": "a creator's post", "live": "a live show"}[name]
        label(ax, at + 0.1, paths[1][at], f"{text} (dashed: twice the fee)", color, up=5)
    low, high = sorted(gains.values())
    return finish(ax, title="A show sells on its day, a post for a week; twice the fee brings "
                  f"{low:.0f} to {high:.0f} % more", x="days since the post or the show",
                  y="reach [% of occasions]",
                  source=source(CHINA, "calls of book_creators", "quality 1"))  # fmt: skip


PICTURES = (saturation, search, mail, bursts)
