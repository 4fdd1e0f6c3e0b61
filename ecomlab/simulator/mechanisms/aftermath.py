"""After an order: buyers come back or leave, goods come back, reviews are written."""

from __future__ import annotations

import numpy as np

from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.mechanisms.checkout import PAID
from ecomlab.simulator.mechanisms.incidents import DEFECT_FEELING, DEFECT_RETURN
from ecomlab.simulator.mechanisms.satisfaction import standing
from ecomlab.simulator.noise import Array, gamma, low_half, normal, pick, to_uniform

__all__ = [  # noqa: RUF022 - the laws first
    "REASONS", "FITS", "OTHER", "WORN", "DELAY", "TO_REFUND", "WINDOW", "LATE_MOST", "BLAMED",
    "remember_buyers", "send_back", "stars_of", "write_reviews",
]  # fmt: skip

REASONS = ("does not fit", "not as described", "changed mind", "damaged", "arrived late")
FITS = np.array([0.45, 0.17, 0.24, 0.08, 0.06])  # shares of reasons, assumed
OTHER = np.array([0.06, 0.34, 0.36, 0.16, 0.08])
WORN = ("apparel", "shoes")
DELAY, TO_REFUND = 8.0, 3  # days; delays are gamma with shape 2
WINDOW = 30  # days after delivery within which goods may be returned
_USUAL_DOSE = 0.30
LATE_MOST = 4.0  # days late after which the chance of a return no longer rises
_LATE = REASONS.index("arrived late")
BLAMED = 0.8  # of what comes back more because it was late, gives that as the reason
_STARS = np.array([-1.65, -1.1, -0.45, 0.45])  # of a feeling, between one star and the next


@mechanism(
    reads=(
        "buyers",
        "order_visit",
        "payment",
        "line_order",
        "line_sku",
        "line_units",
        "live_depth",
        "front",
        "late_days",
        "delivery_days",
        "is_defective",
    ),
    writes=("back_line", "back_units", "back_after_days", "back_reason"),
    streams=("return", "return.delay", "return.which"),
)
def send_back(day: Day) -> None:
    """Decide which lines come back, after how many days, and why."""
    world, sku, order = day.world, day["line_sku"], day["line_order"]
    ids = world.people.ids[day["buyers"]][order] * 4096 + world.products.key[sku]
    live = world.scenario.live
    impulse = np.where(day["live_depth"][day["order_visit"]][order] > 0,
                       live.return_factor if live is not None else 1.0, 1.0)  # fmt: skip
    rule = np.array([front.return_factor for front in world.scenario.fronts.values()] or [1.0])
    impulse = impulse * rule[day["front"][day["order_visit"]]][order]
    law = world.scenario.fulfilment
    late = np.minimum(day["late_days"], LATE_MOST)[order] * (law.late_returns if law else 0.0)
    impulse = impulse * np.exp(late)
    bad = day["is_defective"]
    chance = np.maximum(world.products.return_share[sku] * impulse, DEFECT_RETURN * bad)
    comes = day.uniform("return", ids) < chance
    back = np.flatnonzero(comes & (day["payment"] == PAID)[order])
    ids, units = ids[back], day["line_units"][back]
    delay = np.minimum(gamma(day.uniform("return.delay", ids), 2.0) * DELAY, WINDOW)
    words = day.words("return.which", ids)
    some = np.ceil(to_uniform(words) * units).astype(np.int64)
    worn = world.once("is_worn", lambda: np.isin(list(world.scenario.categories), WORN))
    worn = worn[world.products.category[sku[back]]]
    luck = low_half(words)
    day["back_line"] = back
    day["back_units"] = some
    to_delivery = day["delivery_days"][order[back]]
    day["back_after_days"] = to_delivery + np.ceil(delay).astype(np.int64) + TO_REFUND
    # the share of returns that lateness alone brought comes first, the other reasons after it
    blamed = BLAMED * -np.expm1(-late[back])
    rest = (luck - blamed) / (1 - blamed)
    told = np.where(worn, pick(rest, FITS), pick(rest, OTHER))
    told = np.where(luck < blamed, _LATE, told)
    day["back_reason"] = np.where(bad[back], REASONS.index("damaged"), told)


@mechanism(
    reads=("buyers", "line_order", "line_sku", "payment", "delight", "delivery_days",
           "is_defective"),
    writes=("rated_line", "rated_stars", "rated_after_days", "is_invited", "feeling", "surprise"),
    streams=("review", "review.feeling", "review.delay"),
)  # fmt: skip
def write_reviews(day: Day) -> None:
    """Let some buyers say how they feel: the invited, and those who feel strongly.

    Buyers who chose a product like it better than most; of them, the disappointed and the
    delighted write of themselves (Hu, Pavlou and Zhang 2009).
    """
    world, law = day.world, day.world.scenario.reviewing
    goods, people, order, sku = world.products, world.people, day["line_order"], day["line_sku"]
    buyer = day["buyers"][order]
    ids = people.ids[buyer] * 4096 + goods.key[sku]
    fit = (people.taste[buyer] * goods.attribute[sku]).sum(axis=1)
    mean = world.of_categories("mean_price")[goods.category[sku]]
    dearer = world.scenario.shoppers.price_sensitivity * np.log(goods.list_cents[sku] / 100 / mean)
    liked = 0.6 * (goods.quality[sku] - dearer) / world.scenario.choice.quality_sd + 0.3 * fit
    surprise = 0.8 * normal(day.uniform("review.feeling", ids))
    surprise += DEFECT_FEELING * day["is_defective"]
    satisfied = world.scenario.satisfaction
    delivery = day["delight"][order] * (satisfied.reviews if satisfied is not None else 0.0)
    feeling = 0.35 + 0.5 * liked + surprise + delivery
    strong = np.abs(feeling - 0.35) ** 1.5 * law.strong_share * world.scenario.traps.reviews
    words = day.words("review", ids)
    writes = to_uniform(words) < law.usual_share + strong / _USUAL_DOSE
    invited = low_half(words) < law.invited_share
    paid = (day["payment"] == PAID)[order]
    rated = np.flatnonzero((writes | invited) & paid)
    delay = gamma(day.uniform("review.delay", ids[rated]), 2.0) * law.delay_days
    day["rated_line"], day["feeling"], day["surprise"] = rated, feeling, surprise
    day["rated_stars"] = stars_of(feeling[rated])
    arrived = day["delivery_days"][order[rated]]
    day["rated_after_days"] = arrived + 1 + np.floor(delay).astype(np.int64)
    day["is_invited"] = invited[rated]


def stars_of(feeling: Array) -> Array:
    """Return the stars, 1 to 5, that a feeling would be put into."""
    return np.asarray(1 + np.searchsorted(_STARS, feeling))


@mechanism(
    reads=("buyers", "customer", "left", "rate", "last_order", "stocked_until",
           "customers_by_region", "line_order", "line_sku", "depth", "satisfaction", "leave_luck",
           "order_count"),
    writes=("customer", "left", "rate", "last_order", "stocked_until", "customers_by_region",
            "leave_luck", "order_count"),
    streams=("leave",),
)  # fmt: skip
def remember_buyers(day: Day) -> None:
    """Make buyers customers, or let them leave for good (the dropout of BG/NBD).

    Who bought storable goods at a promotion may have bought ahead, and comes less for a
    month: what naive uplifts of promotions forget.
    """
    world, buyers = day.world, day["buyers"]
    people, ids = world.people, world.people.ids[buyers]
    fresh = buyers[~day["customer"][buyers]]
    gain = np.bincount(people.region[fresh], minlength=len(world.region_people))
    day["customers_by_region"] = day["customers_by_region"] + gain
    # keyed by the number of the order: one order more or less leaves the luck of the others
    words = day.world_words("leave", ids * 4096 + day["order_count"][buyers], 0)
    day.put("order_count", buyers, day["order_count"][buyers] + 1)
    day.put("customer", buyers, True)
    day.put("leave_luck", buyers, to_uniform(words))
    left, rate = standing(day, buyers)
    day.put("left", buyers, left)
    day.put("rate", buyers, rate)
    day.put("last_order", buyers, day.index)
    kind = world.products.category[day["line_sku"]]
    ahead = world.of_categories("stockpiled_share")[kind] * (day["depth"][day["line_sku"]] > 0)
    most = np.zeros(len(buyers))
    np.maximum.at(most, day["line_order"], ahead)
    stocks = buyers[low_half(words) < most]
    day.put("stocked_until", stocks, day.index + world.scenario.choice.stockpile_days)
