"""The day loop: the order of the day, the state it starts from, and the log it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ecomlab.simulator.expectation import expect
from ecomlab.simulator.graph import Day, Mechanism, edges
from ecomlab.simulator.mechanisms.aftermath import leave, send_back
from ecomlab.simulator.mechanisms.checkout import check_out
from ecomlab.simulator.mechanisms.choice import choose, consider
from ecomlab.simulator.mechanisms.media import buy_media, remember_media
from ecomlab.simulator.mechanisms.platforms import report_media
from ecomlab.simulator.mechanisms.prices import post_prices
from ecomlab.simulator.mechanisms.routes import fire_routes
from ecomlab.simulator.mechanisms.surroundings import apply_plan, observe_day
from ecomlab.simulator.noise import Array, Noise
from ecomlab.simulator.plan import Plan
from ecomlab.simulator.world import World

__all__ = ["MECHANISMS", "Log", "causal_graph", "run_days"]

MECHANISMS: tuple[Mechanism, ...] = (
    observe_day,
    apply_plan,
    post_prices,
    buy_media,
    remember_media,
    fire_routes,
    consider,
    choose,
    expect,
    check_out,
    send_back,
    report_media,
    leave,
)

_KEPT = (
    "on_sale", "base_cents", "price_cents", "depth", "cost_index", "budget_cents", "spend_cents",
    "clicks", "impressions", "claims", "visitors", "channel", "in_cart", "lines", "buyers",
    "order_visit", "order_cents", "order_discount_cents", "shipping_cents", "payment", "coupon",
    "line_order", "line_sku", "line_units", "line_price_cents", "line_discount_cents",
    "line_cents", "line_cost_cents", "back_line", "back_units", "back_after_days", "back_reason",
    "expected_visits", "expected_orders", "expected_amount", "channel_orders", "channel_amount",
)  # fmt: skip


@dataclass
class Log:
    """What the days left behind: one entry a day for each kept value."""

    days: int
    values: dict[str, list[Array]] = field(default_factory=dict)

    def join(self, name: str) -> Array:
        """Return a value of all days, one after another."""
        return np.concatenate(self.values[name])

    def stack(self, name: str) -> Array:
        """Return a value of fixed shape with the days as its first axis."""
        return np.array(self.values[name])

    def counts(self, name: str) -> Array:
        """Return how many entries a value has on each day."""
        return np.array([len(one) for one in self.values[name]], dtype=np.int64)

    def day_of(self, name: str) -> Array:
        """Return the day of each entry of a joined value."""
        return np.repeat(np.arange(self.days), self.counts(name))

    def join_positions(self, name: str, within: str) -> Array:
        """Return joined positions that count through all entries of another value."""
        before = np.cumsum(self.counts(within)) - self.counts(within)
        return self.join(name) + np.repeat(before, self.counts(name))


def run_days(
    world: World,
    noise: Noise,
    plan: Plan | None,
    days: int,
    *,
    mechanisms: Sequence[Mechanism] = MECHANISMS,
) -> Log:
    """Run a world under a plan, day by day, and return the log.

    Mechanisms run in the order given, every day; see :func:`causal_graph`.
    """
    plans = plan.in_force(world.scenario.start) if plan is not None else ()
    day = Day(world, noise, plans)
    _begin(day)
    log = Log(days, {name: [] for name in _KEPT})
    for index in range(days):
        day.index = index
        for step in mechanisms:
            step(day)
        for name, kept in log.values.items():
            kept.append(day[name])
    return log


def _begin(day: Day) -> None:
    """Set the state before the first day: as if the status quo had always been."""
    people = len(day.world.people.ids)
    channels = list(day.world.scenario.channels.values())
    usual = np.array([channel.spend for channel in channels])
    day["alive"] = np.ones(people, dtype=bool)
    day["adstock"] = np.repeat(usual[:, None], len(day.world.scenario.regions), axis=1)
    day["last_click"] = np.full((len(channels), people), -10_000, dtype=np.int32)


def causal_graph(mechanisms: Sequence[Mechanism] = MECHANISMS) -> list[tuple[str, str, str]]:
    """Return the arrows (cause, effect, mechanism) that the mechanisms declare.

    Examples
    --------
    >>> ("budget_factor", "spend_cents", "buy_media") in causal_graph()
    True
    """
    return edges(mechanisms)
