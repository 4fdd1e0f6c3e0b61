"""The parts of a scenario about stock and who supplies it, with units and marks of source."""

from __future__ import annotations

from pydantic import Field, model_validator

from ecomlab.simulator.parameters import NonNegative, Part, Positive, Share

__all__ = ["Sourcing", "Stock"]


class Sourcing(Part):
    """Suppliers: how long they take, how much of an order comes, how they fail.

    A supplier's lead time is a fixed part, for making and handling, and a gamma one, under way
    (Burgin 1975); what comes of an order is a beta share. Now and then a supplier is disrupted,
    in one of the four ways of stockpyl [R19].
    """

    suppliers: int = Field(default=12, ge=2, le=60)
    lead_days: tuple[Positive, Positive] = (6.0, 28.0)  # means, of the quickest and slowest
    lead_cv: tuple[Positive, Positive] = (0.25, 0.5)  # sd of a lead time over its mean [R82]
    quoted_share: Positive = 0.9  # lead time promised over the mean one [P]
    fill_share: Share = 0.97  # mean share of units ordered that come [P]
    fill_strength: Positive = 40.0  # a + b of the beta law: large is alike every time [P]
    disrupted_per_day: Share = 0.004  # chance that a supplier's disruption begins [P]
    recovered_per_day: Share = 0.08  # chance that it ends [P]
    second_cost_factor: Positive = 1.04  # cost of a unit from a product's second supplier [P]

    @model_validator(mode="after")
    def _ranges_run_upwards(self) -> Sourcing:
        for name in ("lead_days", "lead_cv"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: {low:g} is above {high:g}; give the smaller one first")
        return self


class Stock(Part):
    """Goods in the depot: what shoppers do where there are none, and how more are ordered.

    The status-quo manager forecasts by the mean of past sales, and orders up to a level
    whenever stock and orders under way have fallen to the reorder point:
    ``reorder point = forecast x (lead + review + spare) + safety x sqrt(the same)``.
    """

    sourcing: Sourcing = Sourcing()
    label_share: Share = 0.70  # of shoppers who see that a product is out of stock [P]
    stay: NonNegative = 2.3  # utility of buying something here, once a product was chosen [P]
    delay_share: Share = 0.27  # of those who find no other: come again within days [P]
    delay_days: int = Field(default=5, ge=1, le=30)  # at most
    hurt: NonNegative = 0.30  # satisfaction lost where stock is missing at the checkout [P]
    window_days: int = Field(default=28, ge=7, le=200)  # of the moving average of sales
    review_days: int = Field(default=7, ge=1, le=28)  # between looks at a supplier's products
    cover_days: Positive = 30.0  # of forecast sales that an order is for
    least_units: int = Field(default=2, ge=1, le=10_000)  # of an order, not counting arrears
    spare_days: NonNegative = 4.0  # of forecast sales, held against late deliveries [P]
    safety: float = Field(default=0.3, ge=-3, le=6)  # standard deviations of Poisson demand
    units_per_1000_people: Positive = 0.9  # sold a day, the manager's first guess
    restocked_share: Share = 0.70  # of returned lines that were not damaged, back on the shelf
    holding_share_per_year: Share = 0.22  # cost of holding over the goods' cost
    written_off_per_year: Share = 0.02  # of units: lost, broken
    obsolete_per_year: Share = 0.10  # of units, for each unit of utility lost a year: fashion
