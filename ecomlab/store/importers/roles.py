"""What a column of an export can be: the roles a mapping may give, and their kinds."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ACTIONS", "ORDER_MONEY", "ORDER_TEXTS", "ROLES"]

ROLES: Mapping[str, str] = {
    "order_id": "text",
    "ordered_at": "instant",
    "customer_id": "person",
    "sku": "text",
    "product_name": "text",
    "category": "text",
    "brand": "text",
    "units": "whole",
    "price": "money",
    "list_price": "money",
    "unit_cost": "money",
    "cost_amount": "money",
    "margin_amount": "money",
    "gross_amount": "money",
    "amount": "money",
    "discount_amount": "money",
    "discount_share": "share",
    "refund_amount": "money",
    "refund_units": "whole",
    "returned_at": "instant",
    "return_reason": "text",
    "returned_order_id": "text",
    "region": "text",
    "channel": "text",
    "payment_status": "text",
    "coupon": "text",
    "currency": "text",
    "shipping_fee": "money",
    "order_discount_amount": "money",
    "order_discount_share": "share",
    "order_refund_amount": "money",
    "order_amount": "money",
}

# One value an order, though an export may repeat it on every line or give it on the first only.
ORDER_TEXTS = ("customer_id", "region", "channel", "payment_status", "coupon")
ORDER_MONEY = ("shipping_fee", "order_discount_amount", "order_refund_amount", "order_amount")

ACTIONS = ("sale", "return", "sold_and_returned", "shipping", "discount", "reject")
