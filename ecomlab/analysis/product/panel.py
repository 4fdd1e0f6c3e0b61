"""Sales by product and period, checked and turned into the arrays that regressions take.

In: the frame of :func:`~ecomlab.analysis.product.estimate_elasticity`. Out: a :class:`Panel`,
with groups numbered, and the rows that say something marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecomlab.frames import need_filled, need_numbers, need_unique

__all__ = ["AVAILABLE", "Panel", "mark_countable", "read_panel", "say_lost_rows"]

AVAILABLE = "available_share"  # share of the period in which a product could be bought


@dataclass(frozen=True, eq=False)
class Panel:
    """The rows that count, as arrays; ``exposure`` is the share of the period on the shelf."""

    units: np.ndarray
    log_price: np.ndarray
    instrument: np.ndarray | None
    controls: np.ndarray
    exposure: np.ndarray
    sku: np.ndarray
    date: np.ndarray
    cluster: np.ndarray

    def keep(self, rows: np.ndarray) -> Panel:
        """Return some of the rows, groups numbered anew."""
        return Panel(
            self.units[rows],
            self.log_price[rows],
            None if self.instrument is None else self.instrument[rows],
            self.controls[rows],
            self.exposure[rows],
            *(np.unique(one[rows], return_inverse=True)[1]
              for one in (self.sku, self.date, self.cluster)),
        )  # fmt: skip


def read_panel(
    sales: pd.DataFrame,
    *,
    method: str,
    instrument: str | None,
    controls: Sequence[str],
    cluster: str,
) -> Panel:
    """Check the frame and turn it into arrays.

    Parameters
    ----------
    sales, instrument, controls, cluster
        See :func:`~ecomlab.analysis.product.estimate_elasticity`.
    method
        The way of asking; ``naive`` takes no notice of the shelf, and for ``experiment`` the
        instrument is a factor, taken in logs.

    Raises
    ------
    ValueError
        Naming the column, the first bad rows and the remedy.

    Examples
    --------
    >>> sales = pd.DataFrame({"sku": ["a", "b"], "date": 1, "units": [2, 0], "price": [1.0, 1]})
    >>> read_panel(sales, method="naive", instrument=None, controls=(), cluster="sku").units
    array([2., 0.])
    """
    need_filled(sales, "sales", ["sku", "date", "units", "price", cluster])
    need_numbers(sales, "sales", ["units"], least=0)
    others = [*([instrument] if instrument else []), *controls]
    need_numbers(sales, "sales", others)
    need_unique(sales, "sales", ["sku", "date"], remedy="Add them up.")
    by_lot = method == "experiment"
    need_numbers(
        sales, "sales", ["price", *([instrument] if instrument and by_lot else [])], above=0
    )
    outside = None if instrument is None else sales[instrument].to_numpy(float)
    exposure = np.ones(len(sales)) if method == "naive" else _read_shelf(sales)
    sku, date, group = (pd.factorize(sales[c], sort=False)[0] for c in ("sku", "date", cluster))
    return Panel(
        sales["units"].to_numpy(float), np.log(sales["price"].to_numpy(float)),
        np.log(outside) if outside is not None and by_lot else outside,
        sales[list(controls)].to_numpy(float), exposure, sku, date, group,
    )  # fmt: skip


def _read_shelf(sales: pd.DataFrame) -> np.ndarray:
    """Return the share of each period in which the product could be bought; 1 if not known."""
    if AVAILABLE not in sales:
        return np.ones(len(sales))
    need_numbers(sales, "sales", [AVAILABLE], least=0)
    share, units = sales[AVAILABLE], sales["units"]
    for bad, what in ((share > 1, "above 1"), ((share == 0) & (units > 0), "0 beside units sold")):
        if bad.any():
            where = bad.index[bad][:3].tolist()
            raise ValueError(
                f"sales.{AVAILABLE}: {int(bad.sum())} rows are {what} (first at {where}). Give the "
                "share of the period in which it could be bought, or drop the column."
            )
    return share.to_numpy(float)


def mark_countable(panel: Panel, *, drop_zeros: bool) -> np.ndarray:
    """Mark rows that say something: with sales, or of a product and a period that has some.

    Parameters
    ----------
    panel
        All rows.
    drop_zeros
        Whether only rows with sales count.

    Examples
    --------
    >>> group = np.array([0, 0, 1, 1])
    >>> panel = Panel(np.array([3.0, 0, 0, 0]), np.zeros(4), None, np.empty((4, 0)), np.ones(4),
    ...               group, np.array([0, 1, 0, 1]), group)
    >>> mark_countable(panel, drop_zeros=False)
    array([ True, False, False, False])
    """
    if drop_zeros:
        return panel.units > 0
    kept = panel.exposure > 0
    while True:
        before = int(kept.sum())
        for group in (panel.sku, panel.date):
            kept &= np.bincount(group, panel.units * kept, group.max() + 1)[group] > 0
        if kept.sum() == before:
            return kept


def say_lost_rows(panel: Panel, sold: Panel, *, method: str) -> tuple[str, ...]:
    """Say which rows were left out, and what was known of the shelf.

    Parameters
    ----------
    panel, sold
        All rows, and those that count.
    method
        The way of asking.

    Examples
    --------
    >>> group = np.array([0, 0])
    >>> panel = Panel(np.array([3.0, 0]), np.zeros(2), None, np.empty((2, 0)), np.ones(2), group,
    ...               np.array([0, 1]), group)
    >>> say_lost_rows(panel, panel.keep(panel.units > 0), method="fixed_effects")[0]
    '1 of 2 rows are of products or periods without any sale, which say nothing about prices.'
    """
    lost, size = len(panel.units) - len(sold.units), len(panel.units)
    empty = int((panel.exposure == 0).sum())
    said = []
    if lost and method == "naive":
        said.append(
            f"{lost:,} of {size:,} rows have no sales, hence no logarithm, and were dropped: what "
            "is left are the lucky rows, which flattens the slope."
        )
    elif lost > empty:
        said.append(
            f"{lost - empty:,} of {size:,} rows are of products or periods without any sale, which "
            "say nothing about prices."
        )
    if (panel.exposure < 1).any():
        said.append(
            f"{int((panel.exposure < 1).sum()):,} of {size:,} rows were out of stock for a while: "
            "each counts by its time on the shelf."
        )
    return tuple(said)
