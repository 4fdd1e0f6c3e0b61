"""What one row is worth: goods before discounts, the discount, what was paid.

Amounts are whole steps of 1e-4 currency units, unit prices of 1e-8, so that sums reconcile.
Signs are taken off first: a row with negative units or a negative amount is money back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecomlab.store.importers.amounts import PRICE_STEPS, TICKS
from ecomlab.store.importers.cells import Cells

__all__ = ["RowMoney", "coin_of", "read_money"]

ZERO_DECIMALS = ("CLP", "IDR", "ISK", "JPY", "KRW", "VND")
PER_PRICE = PRICE_STEPS // TICKS
LARGEST = 9.0e13
MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class RowMoney:
    """Units, price and money of each row, without their signs; ``sign`` is -1 for money back.

    ``price_steps`` is -1 where no stated price gives ``gross`` exactly: the price then
    follows from the amount.
    """

    units: np.ndarray
    price_steps: np.ndarray
    gross: np.ndarray
    discount: np.ndarray
    sign: np.ndarray
    problems: dict[str, np.ndarray]

    @property
    def signed(self) -> np.ndarray:
        """What was paid for the row's goods, with its sign [1e-4 currency]."""
        return np.asarray(self.sign * (self.gross - self.discount))


@dataclass(frozen=True, eq=False)
class Given:
    """One number column: values, whether a row gives one, what is wrong."""

    value: np.ndarray
    there: np.ndarray

    @property
    def size(self) -> np.ndarray:
        """The values without their signs."""
        return np.abs(self.value)

    @property
    def negative(self) -> np.ndarray:
        """Where a negative value is given."""
        return self.there & (self.value < 0)


def coin_of(currency: str) -> int:
    """Return a currency's smallest coin [1e-4 currency].

    Examples
    --------
    >>> coin_of("EUR"), coin_of("JPY")
    (100, 10000)
    """
    return TICKS if currency in ZERO_DECIMALS else TICKS // 100


def read_money(cells: Cells, *, rate: np.ndarray, currency: str) -> RowMoney:
    """Return the money of each row.

    Parameters
    ----------
    cells
        The mapped columns.
    rate
        What one unit of the row's currency is worth in the store's.
    currency
        The store's currency; discounts given as shares round to its smallest coin.
    """
    problems: dict[str, np.ndarray] = {}

    def read(
        role: str, reader: Callable[[str], tuple[np.ndarray, np.ndarray, np.ndarray]]
    ) -> Given:
        value, there, problems[role] = reader(role)
        return Given(value, there & (problems[role] == ""))

    def money(role: str) -> Given:
        given = read(role, cells.money)
        return given if (rate == 1).all() else Given(_times(given.value, rate), given.there)

    units = read("units", cells.whole)
    if not cells.has("units"):
        units = Given(np.ones(len(rate), dtype=np.int64), np.ones(len(rate), dtype=bool))
    price, stated, paid = money("price"), money("gross_amount"), money("amount")
    cut, share = money("discount_amount"), read("discount_share", cells.share)
    by_price = _by_price(units, price, problems)
    gross = Given(np.where(price.there, by_price, stated.size), price.there | stated.there)
    whole, discount = _balance(gross, paid, cut, share, problems, coin_of(currency), units.size)
    back = units.negative | price.negative | stated.negative | paid.negative
    _complain(problems, units.negative & price.negative, "price", "units and price are negative")
    _complain(problems, ~units.there, "units", "empty")
    _complain(problems, units.there & (units.value == 0), "units", "no units")
    money_column = next(r for r in ("price", "gross_amount", "amount") if cells.has(r))
    _complain(problems, ~(gross.there | paid.there), money_column, "empty")
    _complain(problems, discount > whole, "discount_amount", "the discount is more than the goods")
    return RowMoney(
        units=units.size, gross=whole, discount=discount, problems=problems,
        price_steps=np.where(price.there & (by_price == whole), price.size, -1),
        sign=np.where(back, -1, 1),
    )  # fmt: skip


def _balance(
    gross: Given, paid: Given, cut: Given, share: Given,
    problems: dict[str, np.ndarray], coin: int, units: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return goods before discounts and the discount, from whichever the export gives.

    Where it gives all three, what was paid is the truth, as far as rounding explains it.
    """
    part = share.value.astype(float) / MILLION
    by_share = np.rint(gross.value * part / coin).astype(np.int64) * coin
    before = np.rint(paid.size / np.maximum(1 - part, 1e-6) / coin).astype(np.int64) * coin
    told = np.where(cut.there, cut.size, np.where(share.there, by_share, 0))
    both, shared = gross.there & paid.there, share.there & ~cut.there
    tolerance = np.maximum(2 * coin, units * coin // 2 + 1)
    silent = both & ~cut.there & ~share.there
    discount = np.where(silent, np.maximum(gross.value - paid.size, 0), told)
    off = np.abs(gross.value - discount - paid.size)
    _complain(problems, both & (off > tolerance), "amount",
              "not units x price less the discount: map the one that is net of discounts, "
              "with the same tax")  # fmt: skip
    whole = np.where(both, paid.size + discount, gross.value)
    alone = paid.there & ~gross.there
    lone = np.where(shared, before - paid.size, told)
    return np.where(alone, paid.size + lone, whole), np.where(alone, lone, discount)


def _by_price(units: Given, price: Given, problems: dict[str, np.ndarray]) -> np.ndarray:
    """Return units x price, half up to a step; what cannot be held is a problem."""
    huge = units.size * price.size.astype(float) / PER_PRICE > LARGEST
    _complain(problems, huge, "price", "units x price is beyond any order")
    safe = np.where(huge, 0, price.size)
    return np.asarray((units.size * safe + PER_PRICE // 2) // PER_PRICE)


def _times(value: np.ndarray, rate: np.ndarray) -> np.ndarray:
    return np.rint(value * rate).astype(np.int64)


def _complain(problems: dict[str, np.ndarray], where: np.ndarray, column: str, reason: str) -> None:
    """Note a problem where the rows have none yet in the column."""
    problems[column] = np.where(where & (problems[column] == ""), reason, problems[column])
