"""What do people do when the product they want is not there.

In: units and availability by product and period. Answer: of a hundred units that missing
products would have sold, how many others of their group sold instead, and which. It reads
stock-outs, launches and delist tests alike; only a test is free of the reasons why a product
was missing. The share is the diversion ratio (Conlon and Mortimer, RAND Journal of Economics
52, 2021); others gain in proportion to what they sell, as in a logit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.optimize import minimize_scalar
from scipy.stats import false_discovery_control, norm

from ecomlab.frames import need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Switching", "measure_switching"]

_GONE, _THERE = 0.1, 0.9
_LEAST_LOST, _WIDEST = 5.0, 0.8  # a standard error beyond which the share is not known
_RANGE, _STEP = (-0.9, 2.0), 0.02


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Switching(Result):
    """Where the buyers of missing products went.

    ``table`` has a row a group: ``group, lost_units, share, low, high``. ``products`` has
    ``sku, group, periods`` missing, ``lost_units``; ``pairs`` has ``sku, to_sku, gained_units,
    share, p_value, is_found``, with the share of false finds held at 5 % (Benjamini and
    Hochberg 1995).
    """

    headline: ClassVar[dict[str, str]] = {
        "share": "share",
        "low": "share",
        "high": "share",
        "lost_units": "units",
    }

    share: float
    low: float
    high: float
    standard_error: float
    lost_units: float
    products: pd.DataFrame
    pairs: pd.DataFrame
    is_estimated: bool

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share that switches, by group, with intervals."""
        ax = new_axes() if ax is None else ax
        whole = {"group": "all", "share": self.share, "low": self.low, "high": self.high}
        rows = self.table.sort_values("share", ignore_index=True)
        rows = pd.DataFrame([whole, *rows[list(whole)].to_dict("records")])
        spread = [rows["share"] - rows["low"], rows["high"] - rows["share"]]
        ax.errorbar(rows["share"], rows.index, xerr=spread, fmt="o", color=BLUE, ecolor=GREY)
        ax.set_yticks(rows.index, rows["group"])
        ax.axvline(0, color=GREY, linewidth=1)
        ax.xaxis.set_major_formatter("{x:.0%}")
        title = (
            f"Of 100 units of a missing product, others sell {abs(100 * self.share):.0f} "
            f"{'more' if self.share >= 0 else 'fewer'} "
            f"({100 * self.low:+.0f} to {100 * self.high:+.0f})"
            if self.is_estimated
            else "Too little was missing to tell who switches"
        )
        return finish(ax, title=title, x="share of the lost units that others of the group sold")


@dataclass(frozen=True, eq=False)
class _Group:
    """Sales of a group: periods x products, what is there, the exposure, blocks of periods."""

    name: str
    skus: pd.Index
    units: np.ndarray
    there: np.ndarray
    exposure: np.ndarray
    block: np.ndarray

    def expect(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Return expected units, and those of the missing had they been there."""
        member = np.eye(self.block.max() + 1)[self.block]
        boost = np.ones(len(self.units))
        told = member.T @ (self.units * self.there)
        for _ in range(60):
            base = member.T @ (self.there * (self.exposure * boost)[:, None])
            rate = member @ np.where(base > 0, told / np.where(base > 0, base, 1), 0.0)
            usual = rate * self.exposure[:, None]
            lost, kept = (usual * (1 - self.there)).sum(axis=1), (usual * self.there).sum(axis=1)
            before = boost
            boost = np.maximum(
                1 + share * np.where(kept > 0, lost / np.maximum(kept, 1e-9), 0), 0.05
            )
            if np.abs(boost - before).max() < 1e-7:
                break
        return usual * boost[:, None] * self.there, usual * (1 - self.there)

    def likelihood(self, share: float) -> float:
        """Return the Poisson log-likelihood under a share that switches."""
        mean, _ = self.expect(share)
        seen = mean > 0
        return float((self.units[seen] * np.log(mean[seen]) - mean[seen]).sum())


def measure_switching(
    panel: pd.DataFrame, *, block_periods: int = 16, level: float = LEVEL
) -> Switching:
    """Measure who switches to what where products were missing.

    Within a block of periods a product's sales, while it is there, are its rate times the sales
    of other groups (a busy week is not taken for switching) times what it gains from the
    missing: ``1 + share * lost / kept``. In words: what the missing would have sold, times the
    share that switches, is divided among those there by what each sells.

    Parameters
    ----------
    panel
        ``period`` (whole numbers), ``group, sku, units, available_share``: a row a product and
        period, zeros included. A product not yet launched or delisted has availability 0.
    block_periods
        How long rates are taken to stay the same [periods]: longer than a usual gap; for a test
        by lot as long as the test.
    level
        Level of the intervals.

    Returns
    -------
    Switching
        Not estimated (NaN, and a caveat) where fewer than five units were lost, or where the
        standard error is above 0.8.

    Raises
    ------
    ValueError
        Where a column is missing or impossible, or a product has two rows in a period.

    Examples
    --------
    >>> weeks = range(8)
    >>> there = [1, 1, 1, 1, 0, 0, 1, 1]
    >>> a = pd.DataFrame({"period": weeks, "sku": "a", "units": [10 * t for t in there],
    ...                   "available_share": there, "group": "x"})
    >>> b = a.assign(sku="b", units=[24 - 4 * t for t in there], available_share=1)
    >>> c = a.assign(sku="c", units=50, available_share=1, group="y")
    >>> round(measure_switching(pd.concat([a, b, c], ignore_index=True)).share, 3)
    0.4
    """
    _check(panel, block_periods)
    groups = _lay_out(panel, block_periods)
    parts = [(part, *_best(part.likelihood)) for part in groups]
    best, curvature = _best(lambda share: sum(part.likelihood(share) for part in groups))
    scale = _dispersion(groups, best)
    width = float(norm.ppf((1 + level) / 2))
    rows = []
    for part, share, curve in parts:
        half = width * np.sqrt(scale / max(curve, 1e-9))
        lost = float(part.expect(best)[1].sum())
        if lost >= _LEAST_LOST and half <= width * _WIDEST:
            rows.append((part.name, lost, share, share - half, share + half))
    table = pd.DataFrame(rows, columns=["group", "lost_units", "share", "low", "high"])
    return _summarize(groups, table, best, np.sqrt(scale / max(curvature, 1e-9)), (width, scale))


def _check(panel: pd.DataFrame, block: int) -> None:
    need_filled(panel, "panel", ["period", "group", "sku"])
    need_numbers(panel, "panel", ["units", "available_share"], least=0)
    need_numbers(panel, "panel", ["period"])
    need_unique(panel, "panel", ["period", "sku"], remedy="Add them up.")
    if (bad := panel["available_share"] > 1).any():
        where = panel.index[bad][:3].tolist()
        raise ValueError(
            f"panel.available_share: {int(bad.sum())} rows above 1 (first at {where}). Give the "
            "share of the period in which it could be bought."
        )
    if block < 2:
        raise ValueError(f"block_periods: {block}. Give at least 2.")


def _lay_out(panel: pd.DataFrame, block: int) -> list[_Group]:
    """Return the groups in which something was missing, and something else was there."""
    wide = panel.pivot(index="period", columns="sku", values="units").fillna(0.0)
    there = panel.pivot(index="period", columns="sku", values="available_share").fillna(0.0)
    group = panel.drop_duplicates("sku").set_index("sku")["group"].reindex(wide.columns)
    store = wide.sum(axis=1).to_numpy(float)
    period = wide.index.to_numpy()
    blocks = np.unique((period - period.min()) // block, return_inverse=True)[1]
    found = []
    for name in sorted(group.unique(), key=str):
        own = (group == name).to_numpy()
        part, shelf = wide.loc[:, own].to_numpy(float), there.loc[:, own].to_numpy(float)
        beside = store - part.sum(axis=1)
        exposure = beside if (beside > 0).all() else np.ones(len(store))
        whole = ((shelf <= _GONE) | (shelf >= _THERE)).all(axis=1)
        if own.sum() > 1 and (shelf[whole] <= _GONE).any():
            found.append(_Group(str(name), wide.columns[own], part[whole],
                                (shelf[whole] >= _THERE).astype(float), exposure[whole],
                                np.unique(blocks[whole], return_inverse=True)[1]))  # fmt: skip
    return found


def _best(likelihood: Callable[[float], float]) -> tuple[float, float]:
    """Return the most likely share, and the curvature of the likelihood there."""
    found = minimize_scalar(lambda s: -likelihood(float(s)), bounds=_RANGE, options={"xatol": 1e-4})
    at = float(np.clip(found.x, _RANGE[0] + _STEP, _RANGE[1] - _STEP))
    sides = likelihood(at - _STEP) + likelihood(at + _STEP) - 2 * likelihood(at)
    return float(found.x), max(-sides / _STEP**2, 0.0)


def _dispersion(groups: list[_Group], share: float) -> float:
    """Return variance over mean of a group's sales of a period about what is expected.

    Of the group and not of its products: what moves them together, the exposure's own luck
    among it, would otherwise be taken for knowledge.
    """
    squares, freedom = 0.0, 0.0
    for part in groups:
        seen, mean = part.units.sum(axis=1), part.expect(share)[0].sum(axis=1)
        told = mean > 0.5
        squares += float(((seen - mean)[told] ** 2 / mean[told]).sum())
        freedom += int(told.sum()) - int(part.block.max()) - 2
    return max(squares / freedom, 1.0) if freedom >= 4 else 2.0


def _summarize(
    groups: list[_Group], table: pd.DataFrame, best: float, error: float,
    rule: tuple[float, float],
) -> Switching:  # fmt: skip
    width, scale = rule
    products, pairs = _who_switched(groups, best, scale)
    lost = float(products["lost_units"].sum())
    told = lost >= _LEAST_LOST and error <= _WIDEST
    caveats = [
        "Stock-outs happen when demand is high, and launches for a reason: only products taken "
        "off by lot tell the effect alone."
    ]
    if any((part.exposure == 1).all() for part in groups):
        caveats.append("There is no other group to tell busy periods by.")
    if not told:
        caveats.insert(0, f"Not estimated, because only {lost:.1f} units were lost to gaps, too "
                       "few beside the luck of sales.")  # fmt: skip
        best = error = float("nan")
    return Switching(
        table=table, caveats=tuple(caveats), share=best, low=best - width * error,
        high=best + width * error, standard_error=float(error), lost_units=lost,
        products=products, pairs=pairs, is_estimated=told,
    )  # fmt: skip


def _who_switched(
    groups: list[_Group], share: float, scale: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what each missing product lost, and what each other gained while it was missing."""
    products, pairs = [], []
    for part in groups:
        mean, missed = part.expect(share)
        kept = np.maximum((mean > 0).astype(float) * mean, 0).sum(axis=1)
        for j in np.flatnonzero((part.there < 1).any(axis=0)):
            gone = part.there[:, j] == 0
            lost = float(missed[gone, j].sum())
            products.append((part.skus[j], part.name, int(gone.sum()), lost))
            # what others would have sold had only this one been there
            moved = share * missed[gone, j] / np.maximum(kept[gone], 1e-9)
            without = mean[gone] * (1 - np.clip(moved, -1, 1))[:, None]
            gained = (part.units[gone] - without).sum(axis=0)
            noise = np.sqrt(scale * np.maximum(without.sum(axis=0), 0.5))
            some = np.arange(len(part.skus)) != j
            pairs.append(pd.DataFrame({
                "sku": part.skus[j], "to_sku": part.skus[some], "gained_units": gained[some],
                "share": gained[some] / max(lost, 1e-9),
                "p_value": norm.sf(gained[some] / noise[some]),
            }))  # fmt: skip
    names = ["sku", "to_sku", "gained_units", "share", "p_value"]
    links = pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(columns=names)
    kept_links = false_discovery_control(links["p_value"]) < 0.05 if len(links) else []
    links = links.assign(is_found=kept_links).sort_values("p_value", ignore_index=True)
    lost_by = pd.DataFrame(products, columns=["sku", "group", "periods", "lost_units"])
    return lost_by.astype({"lost_units": float}), links
