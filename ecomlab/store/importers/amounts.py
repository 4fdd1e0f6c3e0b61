"""How numbers are written in exports, read exactly.

Money is held in whole steps so that sums reconcile: amounts in 1e-4 of the currency unit
(``TICK``), unit prices in 1e-8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from ecomlab.store.importers.problem import ImportProblem

__all__ = ["PRICE_STEPS", "TICKS", "currency_of", "decide_decimal", "read_number", "to_steps"]

TICKS = 10_000
PRICE_STEPS = 100_000_000
LARGEST = Decimal(10) ** 10

SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₫": "VND",
    "฿": "THB", "₪": "ILS", "₴": "UAH", "R$": "BRL", "ZŁ": "PLN", "KČ": "CZK",
    "元": "CNY", "圆": "CNY", "人民币": "CNY", "円": "JPY", "US$": "USD", "HK$": "HKD",
    "RMB": "CNY",
}  # fmt: skip
# Shared by several currencies: they say that it is money, not whose.
SHARED_SIGNS = ("$", "¥", "KR.", "KR", "FR.", "RS.", "RS")
CODES = (
    "AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EUR",
    "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD",
    "PHP", "PLN", "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD",
    "VND", "ZAR",
)  # fmt: skip
_MARKS = sorted([*SIGNS, *SHARED_SIGNS, *CODES], key=len, reverse=True)
_MARK = "|".join(re.escape(mark) for mark in _MARKS)
_MONEY = re.compile(rf"^({_MARK})?\s*(.*?)\s*({_MARK})?$", re.IGNORECASE | re.DOTALL)
_EXPONENT = re.compile(r"^-?\d+(\.\d+)?E[+-]?\d{1,2}$", re.IGNORECASE)
_GROUPING = re.compile("[ '’]")
_MINUS = str.maketrans("−–﹣", "---")


def currency_of(text: str) -> str:
    """Return the currency a text names by sign or code, or nothing.

    Examples
    --------
    >>> currency_of("12,50 €"), currency_of("$5"), currency_of("CHF 3")
    ('EUR', '', 'CHF')
    """
    body = _bare(text).lstrip("-(+ ")
    match = _MONEY.match(body.rstrip(")- "))
    marks = [m.upper() for m in (match.group(1), match.group(3)) if m] if match else []
    named = {SIGNS.get(m, m if m in CODES else "") for m in marks} - {""}
    return named.pop() if len(named) == 1 else ""


def read_number(text: str, *, decimal: str = ".") -> Decimal | None:
    """Return the number a text writes, or None where it is none.

    Currency signs, thousands separators, accounting negatives ``(10.00)``, a trailing
    minus, full-width digits and no-break spaces are understood; a separator in a place
    where it can only be the other kind is refused.

    Parameters
    ----------
    text
        What stands in the cell.
    decimal
        The decimal mark, ``"."`` or ``","``.

    Examples
    --------
    >>> read_number("£1,234.50"), read_number("(10.00)"), read_number("１２.５")
    (Decimal('1234.50'), Decimal('-10.00'), Decimal('12.5'))
    >>> read_number("1.234,50 €", decimal=",")
    Decimal('1234.50')
    >>> read_number("12,50") is None
    True
    """
    body = _bare(text)
    negative = False
    if body.startswith("(") and body.endswith(")"):
        body, negative = body[1:-1].strip(), True
    body, negative = _sign(body, negative)
    match = _MONEY.match(body)
    if match is None:
        return None
    body, negative = _sign(match.group(2), negative)
    plain = _plain(body, decimal)
    if plain is None:
        return None
    number = Decimal(plain)
    if abs(number) > LARGEST:
        return None
    return -number if negative else number


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_MINUS).strip().upper()


def _sign(body: str, negative: bool) -> tuple[str, bool]:
    if body.startswith(("-", "+")):
        return body[1:].strip(), negative ^ (body[0] == "-")
    if body.endswith("-"):
        return body[:-1].strip(), not negative
    return body, negative


def _plain(body: str, decimal: str) -> str | None:
    """Return digits with a decimal point, after checking that groups are groups of three."""
    if _EXPONENT.match(body) and decimal == ".":
        return body
    thousands = "," if decimal == "." else "."
    body = _GROUPING.sub(thousands, body)
    whole, mark, part = body.partition(decimal)
    if (mark and not re.fullmatch(r"[0-9]+", part)) or not re.fullmatch(r"[0-9.,]*", whole):
        return None
    groups = whole.split(thousands)
    if len(groups) > 1 and (
        not 1 <= len(groups[0]) <= 3 or not all(re.fullmatch(r"[0-9]{3}", g) for g in groups[1:])
    ):
        return None
    digits = "".join(groups)
    if not (digits or part) or not re.fullmatch(r"[0-9]*", digits):
        return None
    return f"{digits or '0'}.{part or '0'}" if mark else digits


def decide_decimal(texts: Iterable[str]) -> str:
    """Return the decimal mark that the numbers of an export prove.

    Parameters
    ----------
    texts
        Distinct cells of the number columns.

    Raises
    ------
    ImportProblem
        Where both marks are proven, or where a number could mean two things.

    Examples
    --------
    >>> decide_decimal(["1.234,50", "7"]), decide_decimal(["7", "2.5"])
    (',', '.')
    """
    proven, doubtful = set(), False
    for text in texts:
        body = re.sub(r"[^0-9.,]", "", _bare(text)).strip(".,")
        marks = [sign for sign in body if sign in ".,"]
        if not marks:
            continue
        last = marks[-1]
        if len(set(marks)) == 2 and marks.count(last) == 1:
            proven.add(last)
        elif len(set(marks)) == 1 and len(marks) > 1:
            proven.add("," if last == "." else ".")
        elif len(marks) == 1 and (
            len(body.rpartition(last)[2]) != 3 or body.startswith("0" + last)
        ):
            proven.add(last)
        elif len(marks) == 1:
            doubtful = True
    if len(proven) == 2:
        raise ImportProblem(
            "The numbers use both 12.50 and 12,50. Say which is meant: "
            '[source] decimal = "." or ",".'
        )
    if not proven and doubtful:
        raise ImportProblem(
            "Numbers such as 1,234 could mean one thousand or one and a bit. Say which: "
            '[source] decimal = "." or ",".'
        )
    return proven.pop() if proven else "."


def to_steps(number: Decimal, steps: int) -> int:
    """Return a number in whole steps, half to even.

    Examples
    --------
    >>> to_steps(Decimal("2.55"), TICKS)
    25500
    """
    return int((number * steps).to_integral_value())
