"""How much less do we sell if a price rises by one per cent? Four ways to ask, from bad to good.

In: units and prices by product and period. Answer: the own-price elasticity of expected units,
its interval, and what the way of asking cannot rule out. Poisson with levels for product and
period is told in ``levels.py``, instruments in ``instrument.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import t as student

from ecomlab.analysis.product.instrument import fit_by_instrument
from ecomlab.analysis.product.levels import Slopes, fit_counts, fit_logs, take_out
from ecomlab.analysis.product.panel import Panel, mark_countable, read_panel, say_lost_rows
from ecomlab.frames import need_share
from ecomlab.plotting import BLUE, GREY, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Elasticity", "estimate_elasticity"]

_METHODS = ("naive", "fixed_effects", "instrument", "experiment")
_WEAK = 10.0  # first-stage F below which an instrument counts as weak (Staiger and Stock 1997)
_FEW_CLUSTERS, _BINS = 10, 12
_NOTHING, _NAN = "not estimated, because", float("nan")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Elasticity(Result):
    """The own-price elasticity: per cent more units for one per cent more price.

    ``table`` has ``price_index, units_index, fitted_index, rows``: units over those at the usual
    price, by how far the price is from usual, in twelfths of the rows. Where ``is_estimated``
    is false the numbers are NaN and the caveats say why. ``first_stage_f`` is NaN without an
    instrument.
    """

    headline: ClassVar[dict[str, str]] = {
        "elasticity": "%/%",
        "low": "%/%",
        "high": "%/%",
        "rows": "rows",
        "products": "products",
    }

    elasticity: float
    low: float
    high: float
    standard_error: float
    level: float
    method: str
    rows: int
    products: int
    first_stage_f: float
    is_estimated: bool

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw units over price, both against the usual, and the fitted curve."""
        ax = new_axes() if ax is None else ax
        table = self.table.sort_values("price_index")
        ax.scatter(table["price_index"], table["units_index"], color=GREY, s=36)
        ax.plot(table["price_index"], table["fitted_index"], color=BLUE)
        title = "The elasticity is not estimated"
        if self.is_estimated:
            title = (f"A price 1 % higher sells {-self.elasticity:.1f} % less "
                     f"({-self.high:.1f} to {-self.low:.1f} %)")  # fmt: skip
        ax.set_ylim(bottom=0)
        return finish(ax, title=title, x="price over usual [ratio]", y="units over usual [ratio]")


@dataclass(frozen=True, eq=False)
class _Found:
    """What a way of asking found: slope, error, interval, units at the usual price, words."""

    slope: float
    error: float
    low: float
    high: float
    usual: np.ndarray
    apart: np.ndarray
    said: tuple[str, ...] = ()
    first_stage_f: float = _NAN


def estimate_elasticity(
    sales: pd.DataFrame,
    *,
    method: Literal["naive", "fixed_effects", "instrument", "experiment"] = "fixed_effects",
    instrument: str | None = None,
    controls: Sequence[str] = (),
    cluster: str = "sku",
    level: float = LEVEL,
) -> Elasticity:
    """Estimate the own-price elasticity of units, one number for all products.

    - ``naive``: log units on log price over all rows. Rows without sales have no logarithm and
      drop out, dear products are compared with cheap ones, and whoever sets prices by demand
      puts demand into the slope.
    - ``fixed_effects``: a product is compared with itself, and a period with itself. Poisson
      pseudo-maximum likelihood, so that rows without sales count. What moves one product's
      price and demand in one period is still in the slope.
    - ``instrument``: only those movements of price count that a column from outside brings
      about, such as a cost. Two-stage least squares in logs where every row has sales, the
      same moments of an exponential mean where not. The interval is Anderson and Rubin's.
      Chosen by itself where ``instrument`` is given with ``fixed_effects``.
    - ``experiment``: prices were drawn by lot. ``instrument`` is needed here too and names the
      factor drawn (0.9, 1 or 1.1 times the usual price). Units are compared by that factor and
      by nothing else.

    A cheap product sells out sooner, so that units sold understate what a low price brings.
    Where ``sales`` has ``available_share``, all ways but the naive one count a row by its time
    on the shelf: sales over exposure, as for a Poisson process that is watched until the shelf
    is empty. Leaving out the days without stock would not do, for they are the days on which
    much was sold.

    Errors may go together within a cluster; intervals are Student's with a degree of freedom
    for each cluster but one.

    Parameters
    ----------
    sales
        One row a product and period: ``sku, date, units`` [units] and ``price``
        [currency/unit], with zeros where nothing was sold; where known ``available_share`` of
        the period in which it could be bought [share].
    method
        How to ask.
    instrument
        Column with the instrument, or with the factor drawn by lot.
    controls
        Columns that may move demand by themselves, as they are (logs of prices).
    cluster
        Column of which rows with the same value may share their errors.
    level
        Level of the interval [share].

    Returns
    -------
    Elasticity
        The estimate; NaN with the reason in the caveats where the data do not tell.

    Raises
    ------
    ValueError
        Where a column is missing or not numeric, units are negative, a price is not above 0,
        a product has two rows in a period, units were sold by a product that was never on the
        shelf, or the method needs a column that was not named.

    Examples
    --------
    >>> sales = pd.DataFrame({"sku": list("aabbcc"), "date": ["w1", "w2"] * 3,
    ...                       "price": [10.0, 8, 20, 20, 5, 6]})
    >>> sales["units"] = 4_000 / sales["price"] ** 2
    >>> round(estimate_elasticity(sales).elasticity, 3)
    -2.0
    >>> by_lot = sales.assign(factor=[1.0, 0.8, 1.0, 1.0, 1.0, 1.2])
    >>> round(estimate_elasticity(by_lot, method="experiment", instrument="factor").elasticity, 3)
    -2.0
    """
    way = "instrument" if instrument and method == "fixed_effects" else method
    _check_ways(way, instrument, level)
    panel = read_panel(sales, method=way, instrument=instrument, controls=controls,
                       cluster=cluster)  # fmt: skip
    asks = {"naive": _ask_naive, "fixed_effects": _ask_levels, "instrument": _ask_instrument,
            "experiment": _ask_experiment}  # fmt: skip
    sold = panel.keep(mark_countable(panel, drop_zeros=way == "naive"))
    words = say_lost_rows(panel, sold, method=way)
    found = asks[way](sold, level) if len(sold.units) > 2 else f"{_NOTHING} hardly a row has sales."
    return _answer(found, sold, way, level, words)


def _check_ways(method: str, instrument: str | None, level: float) -> None:
    if method not in _METHODS:
        raise ValueError(f"method: {method!r}; choose one of {', '.join(_METHODS)}.")
    if method in ("instrument", "experiment") and instrument is None:
        what = "what moves prices from outside, such as a cost"
        if method == "experiment":
            what = "the factor drawn by lot: the price over the usual, such as 0.9, 1 or 1.1"
        raise ValueError(
            f"instrument: method {method!r} needs the name of its column. Give instrument=, the "
            f"column of sales with {what}."
        )
    need_share(level, of="level")


def _ask_naive(panel: Panel, level: float) -> _Found | str:
    columns = np.column_stack([panel.log_price, panel.controls, np.ones(len(panel.units))])
    fit = fit_logs(np.log(panel.units), columns, [])
    fit = None if fit is None else replace(fit, mean=np.exp(fit.mean))
    said = "Prices were not set by lot: what raised demand may have moved prices too."
    return _slope_of(fit, panel, level, said)


def _ask_levels(panel: Panel, level: float) -> _Found | str:
    sets, said = _levels(panel, panel.log_price)
    columns = np.column_stack([panel.log_price, panel.controls])
    fit = fit_counts(panel.units, columns, sets, exposure=panel.exposure)
    return _slope_of(
        fit, panel, level,
        "Whoever lowers a product's price when its own demand rises still makes buyers look "
        "more sensitive than they are; only prices moved from outside tell.", *said,
    )  # fmt: skip


def _ask_experiment(panel: Panel, level: float) -> _Found | str:
    assert panel.instrument is not None
    sets, said = _levels(panel, panel.instrument)
    columns = np.column_stack([panel.instrument, panel.controls])
    fit = fit_counts(panel.units, columns, sets, exposure=panel.exposure)
    return _slope_of(fit, panel, level, "It holds for the prices tried, and while they are new: "
                     "competitors had no time to answer.", *said)  # fmt: skip


def _ask_instrument(panel: Panel, level: float) -> _Found | str:
    assert panel.instrument is not None
    sets, said = _levels(panel, panel.instrument)
    cluster = _clusters(panel)
    critical = float(student.ppf(0.5 + level / 2, cluster.max()))
    found = fit_by_instrument(panel.units, panel.log_price, panel.instrument, panel.controls,
                              sets, cluster, critical, exposure=panel.exposure)  # fmt: skip
    if found is None:
        return (f"{_NOTHING} the instrument does not move beside products and periods, or no "
                "elasticity makes demand independent of it.")  # fmt: skip
    if np.isinf([found.low, found.high]).any():
        weak = "instrument is too weak" if found.first_stage_f < _WEAK else "data tell too little"
        return (
            f"{_NOTHING} the {weak} (first-stage F = {found.first_stage_f:.1f}): by Anderson and "
            f"Rubin's test all values from {found.low:.1f} to {found.high:.1f} go with them."
        )
    said = (
        "An instrument tells the truth only if it reaches demand through our prices alone; "
        "costs that move competitors' prices too do not (hold those fixed in controls).",
        *said, *_words_on_clusters(cluster),
    )  # fmt: skip
    if found.first_stage_f < _WEAK:
        said = (f"The instrument is weak (first-stage F = {found.first_stage_f:.1f}, below "
                f"{_WEAK:.0f}): believe the interval, not the number.", *said)  # fmt: skip
    error = (found.high - found.low) / 2 / critical
    return _Found(found.slope, error, found.low, found.high, found.usual, found.apart, said,
                  found.first_stage_f)  # fmt: skip


def _levels(panel: Panel, column: np.ndarray) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return the levels that leave the column something to tell: product, and period if it can."""
    both = [panel.sku, panel.date]
    spread = np.std(column)
    left = take_out(column[:, None], np.ones(len(column)), both)
    if spread == 0 or np.std(left) > 1e-6 * spread:
        return both, ()
    return [panel.sku], (
        "It moves for all products at once, so that periods could not be held fixed: seasons and "
        "events may be in the number.",
    )


def _clusters(panel: Panel) -> np.ndarray:
    """Return the clusters; each row is one where there would be a single one."""
    return panel.cluster if panel.cluster.max() > 0 else np.arange(len(panel.units))


def _words_on_clusters(cluster: np.ndarray) -> tuple[str, ...]:
    size = int(cluster.max()) + 1
    if size == len(cluster):
        return ("All rows share one cluster, so that each counts as independent.",)
    if size < _FEW_CLUSTERS:
        return (f"Only {size} clusters: the interval rests on little.",)
    return ()


def _slope_of(fit: Slopes | None, panel: Panel, level: float, *said: str) -> _Found | str:
    """Turn a fit into the first slope's estimate, or say why there is none."""
    if fit is None:
        return (f"{_NOTHING} prices do not move beside products and periods, or move together "
                "with the controls.")  # fmt: skip
    cluster = _clusters(panel)
    error = float(np.sqrt(fit.covariance(cluster)[0, 0]))
    if not np.isfinite(error):
        return f"{_NOTHING} a single cluster holds all movements of price."
    slope, apart = float(fit.values[0]), fit.inside[:, 0]
    apart = apart - np.average(apart, weights=fit.weight)  # levels have done so already
    wide = error * float(student.ppf(0.5 + level / 2, cluster.max()))
    return _Found(slope, error, slope - wide, slope + wide, fit.mean / np.exp(slope * apart),
                  apart, (*said, *_words_on_clusters(cluster)))  # fmt: skip


def _answer(
    found: _Found | str, panel: Panel, method: str, level: float, words: tuple[str, ...]
) -> Elasticity:
    if isinstance(found, str):
        found = _Found(_NAN, _NAN, _NAN, _NAN, np.empty(0), np.empty(0), (found,))
    return Elasticity(
        table=_bins(found, panel),
        caveats=(*found.said, *words),
        elasticity=found.slope,
        low=found.low,
        high=found.high,
        standard_error=found.error,
        level=level,
        method=method,
        rows=len(panel.units),
        products=len(np.unique(panel.sku)),
        first_stage_f=found.first_stage_f,
        is_estimated=bool(np.isfinite(found.slope)),
    )


_BIN_COLUMNS = ("price_index", "units_index", "fitted_index", "rows")


def _bins(found: _Found, panel: Panel) -> pd.DataFrame:
    """Compare units with those at the usual price, by how far the price is from it."""
    if not len(found.apart):
        return pd.DataFrame({name: pd.Series(dtype=float) for name in _BIN_COLUMNS})
    rank = pd.Series(found.apart).rank(method="average", pct=True).to_numpy()
    rows = pd.DataFrame({"bin": np.ceil(rank * _BINS), "apart": found.apart * found.usual,
                         "units": panel.units, "usual": found.usual})  # fmt: skip
    sums = rows.groupby("bin")[["apart", "units", "usual"]].sum()
    price = np.exp(sums["apart"] / sums["usual"])
    overall = (sums["usual"] * price**found.slope).sum() / sums["units"].sum()
    return pd.DataFrame(
        {"price_index": price, "units_index": overall * sums["units"] / sums["usual"],
         "fitted_index": price**found.slope, "rows": rows.groupby("bin").size()}
    ).reset_index(drop=True)  # fmt: skip
