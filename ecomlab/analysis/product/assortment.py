"""Which products to list when places and money are short? The list that earns most.

In: a product's units at today's assortment, margin, cash it binds, group; how many buyers of a
missing product take another. Answer: the list that earns most, proven best by a solver, beside
the best-seller list. Demand is a multinomial logit within a group, made linear as in
Méndez-Díaz, Miranda-Bront, Vulcano and Zabala, Discrete Applied Mathematics 164, 2014.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, brentq, milp

from ecomlab.frames import need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, amounts_on, finish, format_amount, new_axes
from ecomlab.result import Result

__all__ = ["Assortment", "choose_assortment", "list_best_sellers", "value_assortment"]

_GAP = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Assortment(Result):
    """A list of products, and what it is expected to earn.

    ``table`` has a row a product: ``sku, group, is_listed, units`` (expected under this list),
    ``profit`` (margin less the cost of listing) and ``cash``.
    """

    headline: ClassVar[dict[str, str]] = {
        "listed": "products",
        "profit": "currency",
        "cash": "currency",
        "gap_share": "share",
    }

    listed: int
    profit: float
    cash: float
    gap_share: float

    @property
    def skus(self) -> tuple[str, ...]:
        """The products listed."""
        return tuple(self.table.loc[self.table["is_listed"], "sku"])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw profit against cash by product: listed ones full, the others rings."""
        ax = new_axes() if ax is None else ax
        for is_listed, color, name in ((True, BLUE, "listed"), (False, GREY, "not listed")):
            here = self.table[self.table["is_listed"] == is_listed]
            ax.scatter(here["cash"], here["margin_today"], s=26, edgecolors=color,
                       facecolors=color if is_listed else "none", label=name)  # fmt: skip
        ax.legend()
        title = (
            f"{self.listed} of {len(self.table)} products earn "
            f"{format_amount(self.profit)} with {format_amount(self.cash)} of cash"
        )
        amounts_on(amounts_on(ax), "x")
        return finish(ax, title=title, x="cash bound [currency]",
                      y="margin at today's list [currency]")  # fmt: skip


def choose_assortment(
    products: pd.DataFrame,
    *,
    places: int,
    cash: float = float("inf"),
    switching: float | Mapping[str, float] = 0.0,
) -> Assortment:
    """Choose the list that earns most within places and cash.

    Leave a product out and a share of its buyers takes another of its group, each in proportion
    to what it sells; the others leave. In words: what a product earns for the shop is less than
    its own margin, as some of it would come anyway.

    Parameters
    ----------
    products
        ``sku, group, units`` (expected of it with all listed), ``margin`` of a unit (may be
        negative) and ``cash`` that listing it binds; ``cost`` of listing, and ``is_kept`` where
        it must stay, are optional.
    places
        How many can be listed.
    cash
        How much money may be bound [currency].
    switching
        Share of the buyers of a missing product that take another of its group: one for all, or
        one a group; below 1.

    Raises
    ------
    ValueError
        Where a column is missing or impossible, a product repeats, switching is not in [0, 1), or
        what must be kept does not fit.

    Examples
    --------
    >>> goods = pd.DataFrame({"sku": list("abcd"), "group": "x", "cash": 1.0,
    ...                       "units": [2.0, 6.0, 3.0, 52.0], "margin": [9.5, 9.0, 7.0, 4.5]})
    >>> choose_assortment(goods, places=2, switching=0.0).skus
    ('b', 'd')
    >>> choose_assortment(goods, places=3, switching=0.838).skus
    ('a', 'b', 'c')
    """
    goods = _check(products, places, cash)
    rho, outside, group = _attraction(goods, switching)
    solved = _solve(goods, (rho, outside, group), places, cash)
    if solved.x is None:
        raise ValueError(
            f"products: not solved, because {solved.message.lower()} Check that what must be "
            "kept fits into places and cash."
        )
    chosen = set(goods["sku"][solved.x[: len(goods)] > 0.5])
    gap = float(solved.mip_gap) if solved.mip_gap is not None else 0.0
    return _value(goods, chosen, (rho, outside, group), gap)


def _solve(
    goods: pd.DataFrame,
    attraction: tuple[np.ndarray, np.ndarray, np.ndarray],
    places: int,
    cash: float,
) -> OptimizeResult:
    """Solve for x (listed), y (what a listed product's units are multiplied by), z (of a group).

    The logit's ratio is linear in y and z: z times what is attractive outside, plus y times
    what is attractive and listed, is one.
    """
    rho, outside, group = attraction
    n, groups = len(goods), len(outside)
    member = np.eye(groups)[group]
    top = 1 / outside[group]  # reached where all others of the group are gone
    one, none = np.eye(n), np.zeros((n, groups))
    adds_up = np.hstack([np.zeros((groups, n)), (member * rho[:, None]).T, np.diag(outside)])
    rows = [
        LinearConstraint(adds_up, 1.0, 1.0),
        LinearConstraint(np.hstack([0 * one, one, -member]), -np.inf, 0.0),
        LinearConstraint(np.hstack([-np.diag(top), one, none]), -np.inf, 0.0),
        LinearConstraint(np.hstack([-np.diag(top), one, -member]), -top, np.inf),
        LinearConstraint(np.r_[np.ones(n), np.zeros(n + groups)][None], -np.inf, places),
    ]
    if np.isfinite(cash):
        bound = np.r_[goods["cash"], np.zeros(n + groups)][None]
        rows.append(LinearConstraint(bound, -np.inf, cash))
    return milp(
        np.r_[goods["cost"], -(goods["margin"] * goods["units"]), np.zeros(groups)],
        constraints=rows,
        integrality=np.r_[np.ones(n), np.zeros(n + groups)],
        bounds=Bounds(
            np.r_[goods["is_kept"].astype(float), np.zeros(n), np.ones(groups)],
            np.r_[np.ones(n), top, 1 / outside],
        ),
        options={"mip_rel_gap": _GAP, "node_limit": 20_000},
    )


def value_assortment(
    products: pd.DataFrame,
    listed: Iterable[str],
    *,
    switching: float | Mapping[str, float] = 0.0,
) -> Assortment:
    """Return what a list is expected to earn.

    Parameters
    ----------
    products
        As for :func:`choose_assortment`.
    listed
        The products on the list.
    switching
        As for :func:`choose_assortment`.

    Raises
    ------
    ValueError
        As for :func:`choose_assortment`, or where a product listed is not among the products.

    Examples
    --------
    >>> goods = pd.DataFrame({"sku": ["a", "b"], "group": "x", "units": [10.0, 10.0],
    ...                       "margin": [2.0, 2.0], "cash": [50.0, 50.0]})
    >>> value_assortment(goods, ["a"], switching=0.5)  # 10 of a, and 5 that wanted b
    Assortment(listed=1 products, profit=30.0 currency, cash=50.0 currency, gap_share=0.0 share)
    """
    goods = _check(products, len(products), float("inf"))
    chosen = set(listed)
    if strange := sorted(chosen - set(goods["sku"])):
        raise ValueError(f"listed: {strange[:3]} are not among products.sku. Add or drop them.")
    return _value(goods, chosen, _attraction(goods, switching), 0.0)


def list_best_sellers(
    products: pd.DataFrame, *, places: int, cash: float = float("inf")
) -> tuple[str, ...]:
    """Return the usual list: best sellers by units, as long as places and cash last.

    Parameters
    ----------
    products
        As for :func:`choose_assortment`.
    places, cash
        As for :func:`choose_assortment`; a product that is too dear for what is left is passed
        over.

    Examples
    --------
    >>> goods = pd.DataFrame({"sku": ["a", "b", "c"], "group": "x", "units": [9.0, 8.0, 7.0],
    ...                       "margin": 1.0, "cash": [60.0, 60.0, 30.0]})
    >>> list_best_sellers(goods, places=2, cash=100.0)
    ('a', 'c')
    """
    goods = _check(products, places, cash)
    left = cash - float(goods.loc[goods["is_kept"], "cash"].sum())
    chosen: list[str] = []
    for row in goods.sort_values(
        ["is_kept", "units", "sku"], ascending=[False, False, True]
    ).itertuples():
        if row.is_kept or (len(chosen) < places and row.cash <= left):
            chosen.append(str(row.sku))
            left -= 0.0 if row.is_kept else float(row.cash)
    return tuple(chosen)


def _check(products: pd.DataFrame, places: int, cash: float) -> pd.DataFrame:
    need_filled(products, "products", ["sku", "group"])
    need_numbers(products, "products", ["units", "cash"], least=0)
    need_numbers(products, "products", ["margin"])
    need_unique(products, "products", ["sku"])
    if places < 1 or not cash >= 0:
        raise ValueError(f"places, cash: {places}, {cash}. Give at least one place and no debt.")
    cost = products.get("cost", 0.0)
    kept = products["is_kept"].astype(bool) if "is_kept" in products else False
    goods = products.assign(cost=cost, is_kept=kept).reset_index(drop=True)
    need_numbers(goods, "products", ["cost"], least=0)
    return goods


def _attraction(
    goods: pd.DataFrame, switching: float | Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each product's share of its group's attraction, what is outside, and the group.

    What is outside is set so that the mean buyer of a missing product switches as measured.
    """
    groups, group = np.unique(goods["group"].astype(str), return_inverse=True)
    units = goods["units"].to_numpy(float)
    rho, outside = np.zeros(len(goods)), np.ones(len(groups))
    for place, name in enumerate(groups):
        share = switching.get(name, 0.0) if isinstance(switching, Mapping) else switching
        if not 0 <= share < 1:
            raise ValueError(f"switching: {share} for {name!r}. Give a share in [0, 1).")
        here = group == place
        total = units[here].sum()
        part = units[here] / total if total > 0 else np.zeros(here.sum())
        if share == 0 or here.sum() == 1 or total == 0:
            continue

        def missed(out: float, part: np.ndarray = part, share: float = share) -> float:
            """Units gained by others over units lost, with ``out`` attractive outside."""
            rest = (1 - out) * (1 - part)
            return float((part * rest / (out + rest)).sum() - share)

        low = 1e-6
        outside[place] = brentq(missed, low, 1.0) if missed(low) > 0 else low
        rho[here] = (1 - outside[place]) * part
    return rho, outside, group


def _value(
    goods: pd.DataFrame,
    chosen: set[str],
    attraction: tuple[np.ndarray, np.ndarray, np.ndarray],
    gap: float,
) -> Assortment:
    rho, outside, group = attraction
    is_listed = goods["sku"].isin(chosen)
    held = outside + np.bincount(group, rho * is_listed, minlength=len(outside))
    units = np.where(is_listed, goods["units"] / held[group], 0.0)
    profit = units * goods["margin"] - np.where(is_listed, goods["cost"], 0.0)
    table = goods[["sku", "group", "cash"]].assign(
        is_listed=is_listed, units=units, profit=profit,
        margin_today=goods["units"] * goods["margin"],
    )  # fmt: skip
    caveats = [
        "Units are expected from the past: a product that was out of stock or new is worth more "
        "than its sales.",
        "Buyers of a missing product are taken to switch in proportion to what the others sell.",
    ]
    if gap > 10 * _GAP:
        caveats.append(f"The solver stopped early: a list up to {gap:.1%} better may exist.")
    return Assortment(
        table=table, caveats=tuple(caveats), listed=int(is_listed.sum()),
        profit=float(profit.sum()), cash=float(goods["cash"][is_listed].sum()), gap_share=gap,
    )  # fmt: skip
