"""What will a region like that we do not sell in yet? A forecast from what people there say.

In: regions with what people state there and, where we sell, what they bought. Answer: the share
of units of the kind in question in each region, the new one included, with the interval of a
forecast. A meta-regression: log odds of the share on the statement, regions weighted by how
much was sold, differences between regions left over estimated by moments (DerSimonian and Laird
1986; intervals of Knapp and Hartung, Statistics in Medicine 22, 2003).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import expit
from scipy.stats import t as student

from ecomlab.frames import need_columns, need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["TasteForecast", "forecast_taste"]

_LEAST = 5


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TasteForecast(Result):
    """Shares of units by region, forecast from one number a region.

    ``table`` has ``region_id, predictor, share, forecast, low, high, is_new``: for regions we
    sell in, ``forecast`` is made without the region itself, so that it can be judged.
    ``error_share`` is the root mean square of those errors, ``mean_error_share`` that of
    forecasting every region by the mean of the others.
    """

    headline: ClassVar[dict[str, str]] = {
        "slope": "log odds per unit",
        "error_share": "share",
        "mean_error_share": "share",
        "regions": "regions",
    }

    slope: float
    error_share: float
    mean_error_share: float
    regions: int
    by: str
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what was bought against the predictor, and the forecast of new regions."""
        ax = new_axes() if ax is None else ax
        old, new = self.table[~self.table["is_new"]], self.table[self.table["is_new"]]
        ax.plot(old["predictor"], 100 * old["share"], "o", color=BLUE)
        for row in old.itertuples():
            ax.annotate(str(row.region_id), (row.predictor, 100 * row.share), (5, 4),
                        textcoords="offset points", fontsize=8.5, color=GREY)  # fmt: skip
        for row in new.itertuples():
            ax.plot([row.predictor] * 2, [100 * row.low, 100 * row.high], color=ORANGE, linewidth=2)
            ax.plot([row.predictor], [100 * row.forecast], "D", color=ORANGE, markersize=8)
            ax.annotate(str(row.region_id), (row.predictor, 100 * row.forecast), (7, 4),
                        textcoords="offset points", color=ORANGE, fontweight="bold")  # fmt: skip
        told = "; ".join(f"{row.region_id}: {row.forecast:.0%} ({row.low:.0%} to {row.high:.0%})"
                         for row in new.itertuples())  # fmt: skip
        return finish(
            ax,
            title=(f"{told}, by {self.by}; k" if told else f"By {self.by} k")
            + f"nown regions are missed by {100 * self.error_share:.1f} points",
            x=self.by,
            y="share of units [%]",
        )


def forecast_taste(regions: pd.DataFrame, *, by: str, level: float = LEVEL) -> TasteForecast:
    """Forecast the share of units of a kind in regions, new ones included.

    Parameters
    ----------
    regions
        A row a region: ``region_id``, the predictor, ``units`` of the kind and ``other_units``
        sold (both empty where we do not sell yet).
    by
        Column of the predictor, as the mean of what people there state.
    level
        Level of the intervals [share].

    Returns
    -------
    TasteForecast
        Shares with intervals of a forecast, not of the line.

    Raises
    ------
    ValueError
        For a missing column, fewer than five regions with sales, no sales of one of the two, or a
        predictor that is the same everywhere.

    Notes
    -----
    ``ln(units / other) = a + b x + region + error``. In words: where people say more, more is
    sold, by as much as the regions we know show, and each region has a will of its own.

    Examples
    --------
    >>> known = pd.DataFrame({"region_id": list("ABCDEN"), "stated": [0.2, 0.3, 0.3, 0.4, 0.5, 0.6],
    ...     "units": [20.0, 28, 30, 37, 46, None], "other_units": [80.0, 72, 70, 63, 54, None]})
    >>> found = forecast_taste(known, by="stated")
    >>> float(found.table["forecast"].iloc[-1].round(2))
    0.56
    """
    need_columns(regions, "regions", ("region_id", by, "units", "other_units"))
    need_filled(regions, "regions", ["region_id"])
    need_unique(regions, "regions", ["region_id"])
    need_numbers(regions, "regions", [by])
    is_new = regions["units"].isna() | regions["other_units"].isna()
    old = regions[~is_new]
    if len(old) < _LEAST:
        raise ValueError(f"regions.units: {len(old)} regions with sales; five are needed.")
    need_numbers(old, "regions", ["units", "other_units"], above=0.0)
    x = regions[by].to_numpy(dtype=float)
    if np.ptp(x[~is_new]) < 1e-12:
        raise ValueError(f"regions.{by}: not estimated, because it is the same in every region.")
    units, other = (old[name].to_numpy(dtype=float) for name in ("units", "other_units"))
    odds, noise = np.log(units / other), 1 / units + 1 / other
    places = np.flatnonzero(~is_new)
    rows = []
    for at in range(len(regions)):
        rest = places != at
        rows.append(_predict(x[~is_new][rest], odds[rest], noise[rest], x[at], level))
    share = np.full(len(regions), np.nan)
    share[places] = units / (units + other)
    table = pd.DataFrame(rows, columns=["forecast", "low", "high"])
    table = pd.DataFrame({"region_id": regions["region_id"].to_numpy(), "predictor": x,
                          "share": share}).join(table).assign(is_new=is_new.to_numpy())  # fmt: skip
    known = share[places]
    mean_of_others = (known.sum() - known) / (len(known) - 1)
    return TasteForecast(
        table=table,
        caveats=_caveats(table, len(old), by),
        slope=_line(x[~is_new], odds, noise)[0][1],
        error_share=float(np.sqrt(((table["forecast"].to_numpy()[places] - known) ** 2).mean())),
        mean_error_share=float(np.sqrt(((mean_of_others - known) ** 2).mean())),
        regions=len(old), by=by, level=level,
    )  # fmt: skip


def _line(
    x: np.ndarray, odds: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return coefficients, their covariance and the variance between regions."""
    design = np.column_stack([np.ones_like(x), x])

    def solve(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inverse = np.linalg.inv(design.T @ (weight[:, None] * design))
        return inverse @ design.T @ (weight * odds), inverse

    weight = 1 / noise
    slopes, inverse = solve(weight)
    left = (weight * (odds - design @ slopes) ** 2).sum()
    spread = weight.sum() - np.trace(inverse @ design.T @ (weight[:, None] ** 2 * design))
    between = max((left - (len(x) - 2)) / spread, 0.0)
    weight = 1 / (noise + between)
    slopes, inverse = solve(weight)
    scale = max((weight * (odds - design @ slopes) ** 2).sum() / (len(x) - 2), 1.0)
    return slopes, scale * inverse, between


def _predict(
    x: np.ndarray, odds: np.ndarray, noise: np.ndarray, at: float, level: float
) -> tuple[float, float, float]:
    """Return the share forecast at a place, with its interval."""
    slopes, covariance, between = _line(x, odds, noise)
    place = np.array([1.0, at])
    middle = float(place @ slopes)
    error = np.sqrt(place @ covariance @ place + between)
    reach = student.ppf(0.5 + level / 2, len(x) - 2) * error
    return float(expit(middle)), float(expit(middle - reach)), float(expit(middle + reach))


def _caveats(table: pd.DataFrame, regions: int, by: str) -> tuple[str, ...]:
    said = [
        f"A line through {regions} regions is rough, and no cause.",
        "A forecast from home holds if the new region's shelf and prices are like ours.",
    ]
    old, new = table[~table["is_new"]]["predictor"], table[table["is_new"]]
    beyond = new.loc[~new["predictor"].between(old.min(), old.max()), "region_id"].astype(str)
    if len(beyond):
        said.append(f"Beyond every region we know in {by}: {', '.join(beyond)}.")
    return tuple(said)
