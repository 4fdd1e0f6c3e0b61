"""Whose price moves whose sales? Own and cross elasticity within groups of products.

In: units and prices by product and period, with the group of products that replace each other.
Answer: what one per cent on the other prices of the group does to a product's units, beside its
own price, with intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ecomlab.analysis.product.levels import fit_counts
from ecomlab.frames import need_filled, need_numbers, need_share, need_unique
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["CrossElasticity", "estimate_cross_elasticity"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CrossElasticity(Result):
    """Per cent more units of a product for one per cent on its own price, and on the others'.

    ``table`` has ``price_of`` (own, others), ``elasticity, standard_error, low, high``. Where
    ``is_estimated`` is false the numbers are NaN and the caveats say why.
    """

    headline: ClassVar[dict[str, str]] = {
        "own": "%/%",
        "cross": "%/%",
        "low": "%/%",
        "high": "%/%",
    }

    own: float
    cross: float
    low: float
    high: float
    products: int
    is_estimated: bool


def estimate_cross_elasticity(
    sales: pd.DataFrame,
    *,
    group: str = "category_id",
    cluster: str | None = None,
    level: float = LEVEL,
) -> CrossElasticity:
    """Estimate what the other prices of a group do to a product's units.

    Poisson pseudo-maximum likelihood of units on the log of the product's own price and the mean
    log price of the other products of its group on sale in the period, weighted by what they
    sell overall and each over its own mean, with levels for product and period. Errors may go
    together within a ``cluster``; unless one is named within a group, where there are ten
    groups, else within a product.

    Where a lot was drawn for the prices of whole groups, give the factor drawn as ``price`` and
    what was drawn together (a group's period) as the cluster.

    Parameters
    ----------
    sales
        One row a product and period: ``sku, date, units, price`` and the group's column.
    group
        Column with the products that replace each other.
    cluster
        Column of which rows with the same value may share their errors.
    level
        Level of the intervals [share].

    Returns
    -------
    CrossElasticity
        ``low`` and ``high`` bound the cross elasticity: above 0 for substitutes, below for
        goods that are bought together.

    Raises
    ------
    ValueError
        As :func:`~ecomlab.analysis.product.estimate_elasticity`, and where the column of the
        group or the cluster is missing.

    Examples
    --------
    >>> at = np.arange(60)
    >>> price = np.exp(0.1 * np.sin(2.0 + at * at))
    >>> sales = pd.DataFrame({"sku": at % 6, "date": at // 6, "price": price, "shelf": at % 6 // 2})
    >>> other = price.reshape(10, 3, 2)[:, :, ::-1].ravel()  # two products a shelf
    >>> sales["units"] = 50 * price**-2.0 * other**0.5
    >>> found = estimate_cross_elasticity(sales, group="shelf")
    >>> round(found.own, 3), round(found.cross, 3)
    (-2.0, 0.5)
    """
    named = [] if cluster is None else [cluster]
    need_filled(sales, "sales", ["sku", "date", "units", "price", group, *named])
    need_numbers(sales, "sales", ["units"], least=0)
    need_numbers(sales, "sales", ["price"], above=0)
    need_unique(sales, "sales", ["sku", "date"], remedy="Add them up.")
    need_share(level, of="level")
    rows = _with_others(sales, group, cluster)
    if len(rows) < 4:
        return _nothing("no group has two products on sale in the same period.", 0)
    sku, date, shared = (pd.factorize(rows[c])[0] for c in ("sku", "date", "shared"))
    few = cluster is None and shared.max() < 9
    shared = sku if few else shared
    columns = rows[["own", "others"]].to_numpy()
    fit = fit_counts(rows["units"].to_numpy(), columns, [sku, date])
    products = int(sku.max()) + 1
    if fit is None:
        return _nothing("the prices of a group move together.", products)
    errors = np.sqrt(np.diag(fit.covariance(shared)))
    if not np.isfinite(errors).all():
        return _nothing("a single cluster holds all movements of price.", products)
    wide = errors * float(student.ppf(0.5 + level / 2, shared.max()))
    table = pd.DataFrame(
        {"price_of": ["own", "others"], "elasticity": fit.values, "standard_error": errors,
         "low": fit.values - wide, "high": fit.values + wide}
    )  # fmt: skip
    return CrossElasticity(
        table=table,
        caveats=_caveats(few),
        own=float(fit.values[0]),
        cross=float(fit.values[1]),
        low=float(table["low"][1]),
        high=float(table["high"][1]),
        products=products,
        is_estimated=True,
    )


def _with_others(sales: pd.DataFrame, group: str, cluster: str | None) -> pd.DataFrame:
    """Return the rows that have neighbours, with both log prices."""
    log_price = np.log(sales["price"].astype(float))
    rows = pd.DataFrame(
        {"sku": sales["sku"], "date": sales["date"], "group": sales[group],
         "shared": sales[group if cluster is None else cluster],
         "units": sales["units"].astype(float), "own": log_price}
    )  # fmt: skip
    weight = rows.groupby("sku")["units"].transform("sum")
    moved = (log_price - log_price.groupby(rows["sku"]).transform("mean")) * weight
    keys = [rows["group"], rows["date"]]
    total = weight.groupby(keys).transform("sum") - weight
    others = (moved.groupby(keys).transform("sum") - moved) / total.where(total > 0)
    rows = rows.assign(others=others).dropna(subset="others")
    while True:
        size = len(rows)
        for column in ("sku", "date"):
            rows = rows[rows.groupby(column)["units"].transform("sum") > 0]
        if len(rows) == size:
            return rows


def _caveats(few: bool) -> tuple[str, ...]:
    said = [
        "One number for all pairs of a group: near substitutes move more, others not at all.",
        "Unless a lot drew the prices, what moves a group's prices and demand together is in it.",
        "It is measured beside the other groups: what their sales lose too, where people buy from "
        "several groups, is not in it.",
    ]
    if few:
        said.append(
            "There are fewer than ten groups, so that errors were only allowed to go together "
            "within a product: the interval is rather too narrow."
        )
    return tuple(said)


def _nothing(why: str, products: int) -> CrossElasticity:
    nan = float("nan")
    return CrossElasticity(
        table=pd.DataFrame(columns=["price_of", "elasticity", "standard_error", "low", "high"]),
        caveats=(f"not estimated, because {why}",),
        own=nan, cross=nan, low=nan, high=nan, products=products, is_estimated=False,
    )  # fmt: skip
