"""Do people who read the same answers see the same in them? Agreement beyond chance.

In: codes in long form, one row a unit and rater. Answer: 1 where they always agree, 0 where they
agree as often as chance would have them. Cohen's kappa
(Educational and Psychological Measurement 20, 1960, p. 37; weighted: Psychological Bulletin
70, 1968) with the standard error of Fleiss, Cohen and Everitt (Psychological Bulletin 72,
1969); Krippendorff's alpha ("Computing Krippendorff's Alpha-Reliability", 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.analysis.market.coincidence import Coincidences
from ecomlab.frames import need_columns, need_filled, need_numbers, need_unique
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Agreement", "measure_agreement"]

Method = Literal["cohen", "krippendorff"]
Scale = Literal["nominal", "ordinal", "interval", "ratio"]
_METHODS = ("cohen", "krippendorff")
_SCALES = ("nominal", "ordinal", "interval", "ratio")
_RELIABLE, _TENTATIVE = 0.8, 0.667
_DRAWS = 2_000
_FEW_UNITS = 30


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Agreement(Result):
    """How far coders agree beyond chance.

    ``table`` has a row a code: ``code, ratings, agreement_share``, the share of the other
    coders' ratings of the same units that say the same (specific agreement).
    """

    headline: ClassVar[dict[str, str]] = {
        "value": "of 1",
        "low": "of 1",
        "high": "of 1",
        "units": "units",
    }

    value: float
    low: float
    high: float
    level: float
    units: int
    raters: int
    method: str
    scale: str

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the agreement on each code, worst first."""
        ax = new_axes() if ax is None else ax
        rows = self.table.sort_values(["agreement_share", "code"], ascending=False)
        names = rows["code"].astype(str)
        worst = rows["agreement_share"].min()
        colors = [ORANGE if share == worst else BLUE for share in rows["agreement_share"]]
        ax.barh(names, rows["agreement_share"], color=colors, height=0.62)
        for place, row in enumerate(rows.itertuples()):
            ax.annotate(
                f"{row.agreement_share:.0%} of {row.ratings:,}", (row.agreement_share, place),
                (5, 0), textcoords="offset points", va="center", fontsize=9, color=GREY,
            )  # fmt: skip
        ax.set_xlim(0, 1.15)
        ax.xaxis.set_major_formatter("{x:.0%}")
        ax.grid(visible=False, axis="y")
        return finish(
            ax,
            title=f"The coders agree beyond chance at {self.value:.2f} ({self.low:.2f} to "
            f"{self.high:.2f}); least on {names.iloc[-1]}",
            x="chance that another coder gave the same code [%]",
            y="code",
        )


def measure_agreement(
    ratings: pd.DataFrame,
    *,
    method: Method,
    scale: Scale = "nominal",
    level: float = LEVEL,
    seed: int = 0,
) -> Agreement:
    """Return how far coders agree beyond chance, with an interval.

    Parameters
    ----------
    ratings
        One row a unit and rater: ``unit, rater, code``. Rows without a code count as missing.
        On every scale but the nominal one codes are numbers, or an ordered categorical.
    method
        ``"cohen"``: kappa of two raters, over the units that both have coded, with the
        analytic interval. ``"krippendorff"``: alpha of any number of raters, with gaps, and
        the percentile interval of a bootstrap over units.
    scale
        ``"nominal"``: codes are equal or not. ``"ordinal"``: ranks; kappa weighs linearly by
        steps between codes. ``"interval"``: differences; kappa weighs by their square.
        ``"ratio"``: differences relative to the sum; alpha only.
    level
        Level of the interval [share].
    seed
        Seed of the bootstrap.

    Returns
    -------
    Agreement
        ``value`` with ``low`` and ``high``.

    Raises
    ------
    ValueError
        For a column that is missing, a unit that a rater has coded twice, codes that the scale
        cannot use, kappa of other than two raters, and codes that do not vary: chance agrees
        as well there, and nothing is estimated.

    Notes
    -----
    Kappa is ``(p_o - p_e) / (1 - p_e)``, with the weighted share of agreement ``p_o`` and that
    of chance ``p_e``. Alpha is ``1 - D_o / D_e``, the observed disagreement within units over
    that between any two ratings. In words: how much of the disagreement that chance would
    bring is avoided.

    Examples
    --------
    >>> codes = pd.DataFrame({"unit": [1, 1, 2, 2, 3, 3, 4, 4], "rater": list("abababab"),
    ...                       "code": ["fit"] * 2 + ["price"] * 2 + ["fit", "price", "eco", "eco"]})
    >>> found = measure_agreement(codes, method="cohen")
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.636, 0.054, 1.0)
    """
    if method not in _METHODS:
        raise ValueError(f"method: {method!r} is not one of {', '.join(_METHODS)}.")
    if scale not in _SCALES:
        raise ValueError(f"scale: {scale!r} is not one of {', '.join(_SCALES)}.")
    if not 0 < level < 1:
        raise ValueError(f"level: {level} is not between 0 and 1. Give a share, as 0.95.")
    coded = _read(ratings, scale)
    counts = Coincidences.of(coded)
    if method == "cohen":
        value, low, high, units = _cohen(coded, scale, level)
    else:
        value, low, high = _krippendorff(counts, scale, level, seed)
        units = counts.units
    return Agreement(
        table=counts.by_code(),
        caveats=_caveats(value, low, units, coded, counts),
        value=value, low=low, high=high, level=level, units=units,
        raters=coded["rater"].nunique(), method=method, scale=scale,
    )  # fmt: skip


def _read(ratings: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """Return ``unit, rater, code`` of the rows that have a code, codes as the scale needs them."""
    need_columns(ratings, "ratings", ("unit", "rater", "code"))
    need_filled(ratings, "ratings", ("unit", "rater"))
    need_unique(ratings, "ratings", ["unit", "rater"])
    coded = ratings.loc[ratings["code"].notna(), ["unit", "rater", "code"]]
    if coded.empty:
        raise ValueError("ratings.code: every row is empty. Give at least two codes of a unit.")
    if scale == "nominal":
        return coded
    if isinstance(coded["code"].dtype, pd.CategoricalDtype):
        if not coded["code"].cat.ordered or scale != "ordinal":
            raise ValueError(
                f"ratings.code: a categorical is no number for the {scale} scale. "
                "Give numbers, or an ordered categorical with scale='ordinal'."
            )
        return coded.assign(code=coded["code"].cat.codes.astype(float))
    need_numbers(coded, "ratings", ["code"], least=0.0 if scale == "ratio" else -np.inf)
    return coded.assign(code=coded["code"].astype(float))


def _cohen(coded: pd.DataFrame, scale: Scale, level: float) -> tuple[float, float, float, int]:
    """Return kappa with its interval and the number of units both raters have coded."""
    raters = sorted(coded["rater"].unique(), key=str)
    if len(raters) != 2:
        raise ValueError(
            f"ratings.rater: {len(raters)} raters; Cohen's kappa is for two. "
            "Choose two of them, or method='krippendorff'."
        )
    if scale == "ratio":
        raise ValueError("scale: kappa has no ratio weights. Use method='krippendorff'.")
    wide = coded.pivot(index="unit", columns="rater", values="code").dropna()
    if wide.empty:
        raise ValueError("ratings.unit: no unit was coded by both raters, so nothing is compared.")
    codes = pd.unique(wide.to_numpy().ravel())
    codes = np.array(sorted(codes, key=str)) if scale == "nominal" else np.sort(codes.astype(float))
    at = {code: place for place, code in enumerate(codes.tolist())}
    shares = np.zeros((len(codes), len(codes)))
    for first, second in zip(wide[raters[0]], wide[raters[1]], strict=True):
        shares[at[first], at[second]] += 1 / len(wide)
    value, error, chance = _kappa(shares, _weights(codes, scale), len(wide))
    reach = norm.ppf(0.5 + level / 2) * error
    if error > 0:
        return value, float(max(value - reach, -1.0)), float(min(value + reach, 1.0)), len(wide)
    # Nobody disagreed: the share of agreement has the exact bound of Clopper and Pearson.
    least = ((1 - level) / 2) ** (1 / len(wide))
    return value, max((least - chance) / (1 - chance), -1.0), 1.0, len(wide)


def _weights(codes: np.ndarray, scale: Scale) -> np.ndarray:
    """Return how far each pair of codes counts as agreement: 1 on the diagonal, 0 at worst."""
    if scale == "nominal" or len(codes) == 1:
        return np.eye(len(codes))
    values = np.arange(len(codes), dtype=float) if scale == "ordinal" else codes
    apart = np.abs(values[:, None] - values[None]) / (values[-1] - values[0])
    return np.asarray(1 - (apart if scale == "ordinal" else apart**2))


def _kappa(shares: np.ndarray, weights: np.ndarray, units: int) -> tuple[float, float, float]:
    """Return weighted kappa, its standard error and the chance agreement."""
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    seen, chance = float((weights * shares).sum()), float(rows @ weights @ columns)
    if chance > 1 - 1e-12:
        raise ValueError(
            "ratings.code: not estimated, because every unit has the same code: chance agrees as "
            "well. Give units that differ."
        )
    value = (seen - chance) / (1 - chance)
    mean = (weights @ columns)[:, None] + (rows @ weights)[None]
    spread = shares * (weights * (1 - chance) - mean * (1 - seen)) ** 2
    variance = spread.sum() - (seen * chance - 2 * chance + seen) ** 2
    error = np.sqrt(max(variance, 0.0) / units) / (1 - chance) ** 2
    return value, float(error if seen < 1 - 1e-12 else 0.0), chance


def _krippendorff(
    counts: Coincidences, scale: Scale, level: float, seed: int
) -> tuple[float, float, float]:
    """Return alpha with the percentile interval of a bootstrap over units."""
    if counts.units == 0:
        raise ValueError("ratings.unit: no unit has two codes, so nothing is compared.")
    if counts.varied < 2:
        raise ValueError(
            "ratings.code: not estimated, because all units that can be compared have the same "
            "code: alpha needs units that differ."
        )
    value = float(counts.alpha(np.ones((1, counts.units)), scale)[0])
    rng = np.random.default_rng([seed, 0xA1FA])
    weights = rng.multinomial(counts.units, np.full(counts.units, 1 / counts.units), size=_DRAWS)
    drawn = counts.alpha(weights.astype(float), scale)
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    if value > 1 - 1e-12:
        least = tail ** (1 / counts.units)
        low = (least - counts.chance()) / (1 - counts.chance())
    return value, float(low), float(high)


def _caveats(
    value: float, low: float, units: int, coded: pd.DataFrame, counts: Coincidences
) -> tuple[str, ...]:
    """Say what the number is good for, and what it does not count."""
    if low >= _RELIABLE:
        said = [f"Even the low end, {low:.2f}, is above .80, the usual mark for reliable codes."]
    elif value >= _TENTATIVE:
        said = [
            f"At {value:.2f} (at least {low:.2f}) the codes carry tentative conclusions; "
            "Krippendorff asks for .80 where decisions hang on them."
        ]
    else:
        said = [
            f"At {value:.2f} the codes are too unsure to build on (below .667): discuss the cases "
            "of disagreement, sharpen the definitions and code again."
        ]
    said.append("Agreement is not truth: coders who share a misunderstanding agree, too.")
    left = coded["unit"].nunique() - units
    if left:
        said.append(f"{left} units with fewer than two codes were left out.")
    if units < _FEW_UNITS:
        said.append(f"Only {units} units were compared: the interval is rough.")
    if counts.rare:
        said.append(f"Hardly used, so hardly tested: {', '.join(map(str, counts.rare))}.")
    return tuple(said)
