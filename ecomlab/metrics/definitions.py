"""What each daily indicator means: one definition each, with its unit and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["KPIS", "Kpi"]


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One indicator: its unit and meaning, and for a rate the two columns it is made of."""

    name: str
    unit: str
    meaning: str
    numerator: str = ""
    denominator: str = ""


def _amount(name: str, meaning: str) -> Kpi:
    return Kpi(name=name, unit="currency", meaning=meaning)


def _count(name: str, unit: str, meaning: str) -> Kpi:
    return Kpi(name=name, unit=unit, meaning=meaning)


def _rate(name: str, unit: str, numerator: str, denominator: str, meaning: str) -> Kpi:
    return Kpi(name=name, unit=unit, meaning=meaning, numerator=numerator, denominator=denominator)


_ALL = (
    _count("orders", "orders", "orders placed, without failed and cancelled payments"),
    _amount("gross", "units x price of their lines, before any discount"),
    _amount("discounts", "gross - sales"),
    _amount("sales", "goods after discounts, before shipping and returns"),
    _amount("returns", "refunds booked on the day, whenever the order was"),
    _amount("net", "sales - returns"),
    _amount("costed_sales", "sales of the lines whose unit cost is known"),
    _rate("costed_share", "share", "costed_sales", "sales", "sales whose cost is known"),
    _amount("cost_of_goods", "units x unit cost, where the cost is known"),
    _amount("resale_value", "what the goods sent back still fetch"),
    _amount("margin", "net - cost_of_goods + resale_value, without goods of unknown cost"),
    _count("units", "units", "units sold"),
    _rate("average_order", "currency/order", "sales", "orders", "sales of an order"),
    _count("buyers", "customers", "known customers with an order on the day"),
    _count("new_buyers", "customers", "buyers whose first order in the store this is"),
    _count("returning_buyers", "customers", "buyers with an order on an earlier day"),
    _count("guest_orders", "orders", "orders without a known customer"),
    _count("sessions", "sessions", "visits to the shop"),
    _count("converted_sessions", "sessions", "visits in which an order was placed that counts"),
    _rate("conversion_share", "share", "converted_sessions", "sessions", "visits that buy"),
    _amount("ad_spend", "spent on advertising"),
)

KPIS: Mapping[str, Kpi] = {kpi.name: kpi for kpi in _ALL}
