"""Parameters of picking, carriers and promises, and of what buyers make of them.

Both parts are optional in a scenario: without `fulfilment` every parcel arrives in time at
the cost of ``costs.per_parcel``, without `satisfaction` nothing that happens changes loyalty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ecomlab.simulator.parameters import NonNegative, Part, Positive, Share

__all__ = ["Carrier", "Fulfilment", "Satisfaction"]


class Carrier(Part):
    """A parcel carrier: what it asks, how long it takes, and how that varies.

    Days from the depot are ``base_days + days_per_1000_km x km`` and a gamma delay of mean
    ``delay_days x (1 + remote_delay x remoteness) x (1 + strain x load above capacity)``, and a
    shock of the region's day.
    """

    share: Positive  # of parcels under the status quo, relative to the other carriers'
    remote_favour: float = 0.0  # log odds by which remote regions get it, at the usual dose
    per_parcel: NonNegative  # currency
    per_kg: NonNegative = 0.0
    per_1000_km: NonNegative = 0.0
    peak_surcharge: NonNegative = 0.0  # currency a parcel, while carriers are above capacity
    base_days: NonNegative
    days_per_1000_km: NonNegative
    delay_days: Positive
    delay_shape: Positive = 1.0  # of the gamma: small is more unequal
    remote_delay: NonNegative = 0.0  # share more delay in the remotest region
    strain: NonNegative = 1.0
    shock_sd: NonNegative = 0.15  # days
    co2_stop_g: NonNegative  # of the last mile, g CO2e a parcel [R75]
    co2_per_1000_km_g: NonNegative = 0.0


class Fulfilment(Part):
    """The depot, its carriers, and what the shop promises.

    The promise is a quantile of the delivery time that distance and the mix of carriers give;
    remoteness, crowded weeks and a backlog in the depot are not allowed for.
    """

    carriers: Mapping[str, Carrier] = Field(min_length=1, max_length=8)
    picks_per_1000_people: Positive  # parcels a day that the depot can pick
    promise_quantile: Annotated[float, Field(ge=0.5, le=0.999)] = 0.97
    promise_utility: NonNegative = 0.0112  # lost for each calendar day: 1.5 % a business day [R66]
    usual_promise_days: NonNegative  # for which ``choice.outside`` was set
    market_capacity: Positive = 1.15  # of carriers, over their mean load of the year
    remote_from_km: NonNegative  # from here to the next, a region grows remote
    remote_full_km: Positive
    late_returns: NonNegative = 0.35  # log of the return chance, each day late up to four [P]


class Satisfaction(Part):
    """How an order leaves a buyer satisfied, and what that does to coming again.

    ``new = memory x old + (1 - memory) x (usual + surprise x luck of the goods
    - late x (1 - exp(-days late / scale_days)) + early x (1 - exp(-days early / scale_days))
    - the mean of the last two)``: late is felt more than early, and less with each day [R68].
    """

    usual: float = 0.4
    memory: Share = 0.7
    surprise: NonNegative = 0.5
    late: NonNegative = 0.55
    early: NonNegative = 0.15
    scale_days: Positive = 2.0
    rate: NonNegative = 0.25  # log of the rate of occasions, for each unit above the usual
    leaving: NonNegative = 0.8  # fall of the logit of leaving after an order, likewise
    reviews: NonNegative = 1.0  # of the delivery's part in what is said of the goods
