"""How fast does each product grow, beside season, store, promotions and empty shelves.

In: units by week and product, and the exposure they were sold under. Answer: a growth rate a
product with its spread, drawn towards that of products alike. Given how much was sold in all,
the weeks of a product are a multinomial, so that its level drops out; growth rates of a kind
are normal around their mean (empirical Bayes by EM: Efron and Morris, JASA 68, 1973).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["YOUNG_KINDS", "Exposure", "Growth", "build_exposure", "fit_growth"]

_SEASON_WEEKS, _TWO_WAVES_WEEKS = 78, 100
_BLOCK = 13  # weeks within which promoted and other weeks of a product are compared
_ROUNDS = 60
_WIDE = 4.0  # variance of a growth rate nothing is known of [(log units a year)^2]
_LEAST = 1e-4
_KIND_FLOOR = 0.08**2  # a kind's growth is never known better: fashions come and go
_MONTH, _LAGS, _FEW_KINDS = 4, 6, 4
YOUNG_KINDS = ("young", "first year")  # kinds that may well grow


@dataclass(frozen=True, eq=False)
class Exposure:
    """Weeks x products: what would be sold of a product that neither grows nor declines."""

    weeks: pd.DatetimeIndex
    skus: pd.Index
    units: np.ndarray
    expected: np.ndarray  # up to a factor of each product; 0 where it was not on sale
    age_weeks: np.ndarray  # of the product at the end; NaN where its launch is not known
    promotion_lift: float
    knows_season: bool


@dataclass(frozen=True, eq=False)
class Growth:
    """Growth of each product [log units a year] and its standard error."""

    rate: np.ndarray
    error: np.ndarray
    own_rate: np.ndarray  # before it was drawn towards its kind
    kind_rate: np.ndarray  # of products alike
    spread: float  # of products about their kind
    wander: float  # standard deviation of growth that is none: demand that comes back
    dispersion: float


def build_exposure(weekly: pd.DataFrame, products: pd.DataFrame) -> Exposure:
    """Lay sales out by week and product, beside what season, store and shop explain.

    Parameters
    ----------
    weekly
        ``week_start, sku, units``; also ``promoted_share`` and ``available_share`` of the week,
        where known.
    products
        ``sku, category_id``, and ``launch_date`` where known.

    Examples
    --------
    >>> weeks = pd.date_range("2024-01-01", periods=3, freq="7D")
    >>> sold = pd.DataFrame({"week_start": weeks, "sku": "A", "units": [1, 2, 3]})
    >>> build_exposure(sold, pd.DataFrame({"sku": ["A"], "category_id": "x"})).expected.ravel()
    array([1., 2., 3.])
    """
    weeks = pd.date_range(weekly["week_start"].min(), weekly["week_start"].max(), freq="7D")
    kinds = products.set_index("sku")["category_id"].astype(object).fillna("all")

    def wide(column: str, empty: float) -> np.ndarray:
        if column not in weekly:
            return np.full((len(weeks), len(kinds)), empty)
        table = weekly.pivot_table(index="week_start", columns="sku", values=column, aggfunc="sum")
        return np.asarray(table.reindex(index=weeks, columns=kinds.index).fillna(empty), float)

    units = wide("units", 0.0)
    on_sale, age = _shelf_life(units, weeks, products)
    store = units.sum(axis=1)
    season, knows = _seasons(units, store, kinds.to_numpy())
    expected = store[:, None] * season * on_sale * wide("available_share", 1.0).clip(0, 1)
    promoted = wide("promoted_share", 0.0).clip(0, 1)
    lift = _promotion_lift(units, expected, promoted)
    return Exposure(
        weeks, kinds.index, units, expected * (1 + (lift - 1) * promoted), age, lift, knows
    )


def _shelf_life(
    units: np.ndarray, weeks: pd.DatetimeIndex, products: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Say when each product was on sale, and how old it is at the end.

    Without a launch date the first sale tells, where it comes late enough to be no accident.
    """
    place = np.arange(len(weeks))[:, None]
    sold = units > 0
    first = np.where(sold.any(axis=0), sold.argmax(axis=0), 0)
    after = (sold & (place >= first)).sum(axis=0) / np.maximum(len(weeks) - first, 1)
    is_late = (1 - np.minimum(after, 0.999)) ** first < 0.01
    start = np.where(is_late, first, 0).astype(float)
    age = np.where(is_late, len(weeks) - first, np.nan).astype(float)
    if "launch_date" in products:
        launch = pd.to_datetime(products["launch_date"]).to_numpy()
        known = ~np.isnat(launch)
        since = (launch - weeks[0].to_datetime64()) / np.timedelta64(7, "D")
        start = np.where(known, np.maximum(np.ceil(since), 0), start)
        age = np.where(known, len(weeks) - since, age)
    return (place >= start).astype(float), age


def _seasons(units: np.ndarray, store: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return each category's season beside the store's: waves of the year in its share."""
    weeks = len(units)
    factor = np.ones_like(units)
    if weeks < _SEASON_WEEKS:
        return factor, False
    waves = 2 if weeks >= _TWO_WAVES_WEEKS else 1
    t = np.arange(weeks)
    angle = 2 * np.pi * np.outer(t, np.arange(1, waves + 1)) / 52.18
    year = np.column_stack([np.sin(angle), np.cos(angle)])
    design = np.column_stack([np.ones(weeks), t / 52.18, year])
    for kind in np.unique(kinds):
        own = units[:, kinds == kind].sum(axis=1)
        if own.sum() < 100:
            continue
        slopes = _poisson(design, own, np.maximum(store, 0.5))
        factor[:, kinds == kind] = np.exp(year @ slopes[2:])[:, None]
    return factor, True


def _poisson(design: np.ndarray, counts: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Fit a log-linear rate by Newton's method, a little ridge against empty weeks."""
    slopes = np.zeros(design.shape[1])
    slopes[0] = np.log((counts.sum() + 0.5) / exposure.sum())
    for _ in range(30):
        mean = exposure * np.exp(np.clip(design @ slopes, -30, 30))
        information = design.T @ (design * mean[:, None]) + 1e-6 * np.eye(len(slopes))
        step = np.linalg.solve(information, design.T @ (counts - mean))
        slopes = slopes + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return slopes


def _promotion_lift(units: np.ndarray, expected: np.ndarray, promoted: np.ndarray) -> float:
    """Return by what a promotion multiplies sales, product by product within a quarter."""
    if not promoted.any():
        return 1.0
    edges = np.arange(0, len(units), _BLOCK)
    size = np.diff(np.append(edges, len(units)))
    sold = np.add.reduceat(units, edges)
    lift = 1.0
    for _ in range(50):
        base = np.add.reduceat(expected * (1 + (lift - 1) * promoted), edges)
        rate = np.repeat(np.where(base > 0, sold / np.where(base > 0, base, 1), 0), size, axis=0)
        mean = rate * expected
        more = ((units - mean) * promoted).sum() / max(float((mean * promoted**2).sum()), 1e-9)
        before, lift = lift, float(np.clip(1 + more, 0.2, 20))
        if abs(lift - before) < 1e-6:
            break
    return lift


def fit_growth(exposure: Exposure, kinds: np.ndarray, *, window_weeks: int) -> Growth:
    """Estimate each product's growth over the window, drawn towards its kind's.

    Parameters
    ----------
    exposure
        What was sold, and under which exposure.
    kinds
        What each product is alike to; growth is drawn towards the mean of these.
    window_weeks
        How far to look back [weeks].

    Examples
    --------
    >>> weeks = pd.date_range("2024-01-01", periods=52, freq="7D")
    >>> year = np.arange(52.0)[:, None] / 52
    >>> told = Exposure(weeks, pd.Index(list("ABC")), 1e4 * np.exp(year * [0.0, 0.0, 0.2]),
    ...                 np.ones((52, 3)), np.full(3, 52.0), 1.0, False)
    >>> abs(fit_growth(told, np.array(["x"] * 3), window_weeks=52).own_rate).round(3)
    array([0. , 0. , 0.2])
    """
    units, expected = exposure.units[-window_weeks:], exposure.expected[-window_weeks:]
    units = np.where(expected > 0, units, 0.0)
    years = np.arange(-len(units) + 1, 1)[:, None] / 52.0
    own, _, fitted = _maximise(units, expected, years, 0.0, 1 / _WIDE)
    scale = _dispersion(units, fitted)
    group = np.unique(kinds, return_inverse=True)[1]
    member = np.eye(group.max() + 1)[group]
    common, alone = _wander(units @ member, fitted @ member), _wander(
        units, _with_its_kind(units, fitted, member)
    )  # fmt: skip
    size = member.sum(axis=0)
    grown_up = ~np.isin(np.unique(kinds), YOUNG_KINDS)
    grown_up = grown_up if grown_up.any() else ~grown_up
    means, total = np.zeros(len(size)), alone + 0.1
    for _ in range(_ROUNDS):
        seen, precision, _ = _maximise(units / scale, expected, years, means[group], 1 / total)
        middle = np.bincount(group, seen) / size
        # products of a kind share what their kind has met: only what is beside it is their own
        total = max(float(np.mean((seen - middle[group]) ** 2 + 1 / precision)), alone + _LEAST)
        means = middle
    vague = total / size + max(common, _KIND_FLOOR)
    if grown_up.sum() >= _FEW_KINDS:
        centre = _holding(middle[grown_up], size[grown_up])
        between = max(float(np.average((middle - centre) ** 2 - vague, weights=size)), _LEAST)
    else:  # then the products themselves tell who holds its place, and kinds are what they are
        centre, vague = float(np.median(seen[grown_up[group]])), np.full(len(size), _LEAST)
        between = 1.0
    kept = between / (between + vague)
    own_share = (total - alone) / total
    kind_rate = kept * (middle - centre)
    rate = kind_rate[group] + own_share * (seen - middle[group])
    variance = own_share * alone + own_share**2 / precision + (kept * vague)[group]
    return Growth(rate, np.sqrt(variance), own - centre, kind_rate[group],
                  float(np.sqrt(total - alone)), float(np.sqrt(alone)), scale)  # fmt: skip


def _holding(middle: np.ndarray, size: np.ndarray) -> float:
    """Return the growth that the upper quarter of products is above: who holds its place.

    Past its youth a product can hold its place or lose it. So the store's own trend is what
    those do that hold it, not the mean of all: where half the range fades, the mean fades.
    """
    order = np.argsort(middle)
    reached = np.cumsum(size[order]) / size.sum()
    return float(middle[order][np.searchsorted(reached, 0.75 - 1e-9)])


def _with_its_kind(units: np.ndarray, fitted: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Return what was expected of each product, moved month by month as others of its kind."""
    edges = np.arange(0, len(units), _MONTH)
    seen, mean = np.add.reduceat(units, edges), np.add.reduceat(fitted, edges)
    others = (seen @ member) @ member.T - seen
    usual = (mean @ member) @ member.T - mean
    moved = np.where(usual > 5, others / np.where(usual > 5, usual, 1), 1.0)
    return np.asarray(fitted * np.repeat(moved, _MONTH, axis=0)[: len(units)])


def _maximise(
    units: np.ndarray, expected: np.ndarray, years: np.ndarray, prior: np.ndarray | float,
    weight: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return the best rate of each product, the precision there, and the units it expects."""
    rate = np.zeros(units.shape[1]) + prior
    total = units.sum(axis=0)
    moment = (units * years).sum(axis=0)
    for _ in range(25):
        share = _shares(expected, years, rate)
        mean = (share * years).sum(axis=0)
        variance = (share * years**2).sum(axis=0) - mean**2
        precision = total * variance + weight
        step = (moment - total * mean - weight * (rate - prior)) / precision
        rate = rate + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return rate, precision, share * total


def _shares(expected: np.ndarray, years: np.ndarray, rate: np.ndarray) -> np.ndarray:
    weight = expected * np.exp(years * rate)
    total = weight.sum(axis=0)
    return np.asarray(weight / np.where(total > 0, total, 1.0))


def _dispersion(units: np.ndarray, fitted: np.ndarray) -> float:
    """Return variance over mean of weeks within their month: several units an order, say."""
    months = np.add.reduceat(np.arange(len(units)) >= 0, np.arange(0, len(units), _MONTH))
    edges = np.arange(0, len(units), _MONTH)
    sold = np.repeat(np.add.reduceat(units, edges), months, axis=0)
    base = np.repeat(np.add.reduceat(fitted, edges), months, axis=0)
    mean = np.where((sold >= 3) & (base > 0), fitted * sold / np.where(base > 0, base, 1), 0)
    told = mean > 0
    if told.sum() < 40:
        return 1.0
    squares = ((units - mean)[told] ** 2 / mean[told]).sum()
    return float(max(squares / (told.sum() * (1 - 1 / _MONTH)), 1.0))


def _wander(units: np.ndarray, fitted: np.ndarray) -> float:
    """Return the variance of growth that comes from demand that wanders and comes back.

    Months near each other deviate alike; how much, by their distance, gives the variance of a
    slope through deviations of that kind [(log units a year)^2].
    """
    edges = np.arange(0, len(units), _MONTH)
    seen, mean = np.add.reduceat(units, edges), np.add.reduceat(fitted, edges)
    off = np.where(mean > 0, seen - mean, 0.0)
    lags = range(1, min(_LAGS, len(edges) - 2) + 1)
    near = [
        max((off[:-k] * off[k:]).sum() / max((mean[:-k] * mean[k:]).sum(), 1e-9), 0.0) for k in lags
    ]
    if not near or near[0] <= 0:
        return 0.0
    # a first-order wandering: its value at distance 0 cannot be seen beside counting luck
    memory = float(np.clip(near[1] / near[0], 0.05, 0.9)) if len(near) > 1 else 0.5
    time = np.arange(len(edges)) * _MONTH / 52.0
    time = time - time.mean()
    distance = np.abs(np.subtract.outer(np.arange(len(edges)), np.arange(len(edges))))
    together = near[0] / memory * memory**distance
    return float(time @ together @ time / (time @ time) ** 2)
