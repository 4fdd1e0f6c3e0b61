"""How many people would pay more for it? From people who differ to the share that pays.

In: a mixed logit with a taste that differs and the logarithm of the price. Answer: for each
premium the share of people to whom the attribute is worth at least as much. The mean says
little here: where tastes are wide, few people make most of it (Train, Discrete Choice Methods
with Simulation, 2nd ed. 2009, section 6.3). Intervals are by draws of the coefficients
(Krinsky and Robb, Review of Economics and Statistics 68, 1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ecomlab.analysis.market.calibration import Calibration
from ecomlab.analysis.market.choice import ChoiceFit
from ecomlab.frames import need_share
from ecomlab.plotting import BLUE, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Payers", "predict_payers"]

_DRAWS, _POINTS = 2_000, 101
_LADDER = (0.0, 0.05, 0.10, 0.15, 0.20, 0.30, 0.40, 0.50)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Payers(Result):
    """The share of people who would pay a premium.

    ``table`` has ``premium_share, payers_share, low, high``.
    """

    headline: ClassVar[dict[str, str]] = {"median_premium": "share of the price", "attribute": ""}

    median_premium: float
    attribute: str
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of people who pay, by premium."""
        ax = new_axes() if ax is None else ax
        premium, share = 100 * self.table["premium_share"], 100 * self.table["payers_share"]
        ax.fill_between(premium, 100 * self.table["low"], 100 * self.table["high"], color=BLUE,
                        alpha=0.2, linewidth=0)  # fmt: skip
        ax.plot(premium, share, color=BLUE, marker="o")
        at = (self.table["premium_share"] - 0.10).abs().idxmin()
        ax.plot([premium[at]], [share[at]], "o", color=ORANGE, markersize=9)
        ax.set_ylim(0, 100)
        return finish(
            ax,
            title=f"{share[at]:.0f} % of people would pay {premium[at]:.0f} % more for "
            f"{self.attribute} ({100 * self.table['low'][at]:.0f} to "
            f"{100 * self.table['high'][at]:.0f} %)",
            x=f"premium over the price [%], with {self.level:.0%} intervals",
            y="people who would pay it [%]",
        )


def predict_payers(
    fit: ChoiceFit,
    *,
    attribute: str,
    log_price: str,
    premiums: Sequence[float] = _LADDER,
    calibration: Calibration | None = None,
    level: float = LEVEL,
    seed: int = 0,
) -> Payers:
    """Return the share of people to whom an attribute is worth a premium.

    A person with taste ω and price sensitivity β pays the premium p if ``ω ≥ β ln(1 + p)``.

    Parameters
    ----------
    fit
        A fit of :func:`fit_mixed_choice` in which the attribute's part-worth is normal.
    attribute
        The attribute, as ``eco``.
    log_price
        The attribute that is the logarithm of the price.
    premiums
        Premiums to tell of, as shares of the price [share].
    calibration
        True over stated taste, of :func:`calibrate_tastes`; None takes statements at face value.
    level
        Confidence level of the intervals.
    seed
        Seed of the draws behind the intervals.

    Raises
    ------
    ValueError
        Where the fit is not of a mixed logit, the attribute does not differ as a normal, or the
        price does not deter.

    Examples
    --------
    >>> names = ["log_price", "eco"]
    >>> table = pd.DataFrame({"attribute": names, "coefficient": [-2.0, 0.0], "spread": [0.0, 1.0]})
    >>> every = [*names, "eco spread"]
    >>> fit = ChoiceFit(table=table, tasks=1, log_likelihood=-1.0, null_log_likelihood=-2.0,
    ...     covariance=pd.DataFrame(0.0, every, every), model="mixed logit", level=0.95,
    ...     shapes=("fixed", "normal"))
    >>> predict_payers(fit, attribute="eco", log_price="log_price", premiums=[0.0, 0.5]
    ...     ).table["payers_share"].round(3).tolist()  # 1 - Φ(2 ln 1.5)
    [0.5, 0.209]
    """
    need_share(level, of="level")
    _check(fit, attribute, log_price, premiums)
    steps = np.log1p(np.asarray(premiums, dtype=float))
    mean, covariance = _normal_law(fit, attribute, log_price)
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(mean, covariance, _DRAWS, method="eigh")
    factor, doubt = (1.0, 0.0) if calibration is None else (
        calibration.factor, calibration.standard_error)  # fmt: skip
    factors = factor + doubt * rng.standard_normal(_DRAWS)
    shape = fit.shapes[fit.table["attribute"].tolist().index(log_price)]
    shares = np.array(
        [_shares(one, steps, shape, k) for one, k in zip(drawn, factors, strict=True)]
    )
    best = _shares(mean, steps, shape, factor)
    fine = np.linspace(-0.5, 1.0, 1501)
    middle = _shares(mean, np.log1p(fine), shape, factor)
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Payers(
        table=pd.DataFrame(
            {"premium_share": np.asarray(premiums, dtype=float), "payers_share": best,
             "low": low, "high": high}
        ),
        caveats=(
            "Who would pay is not who will buy: people must also see the offer and need it.",
            *(("Stated on paper, at face value: too high for what is good to be seen liking.",)
              if calibration is None else ()),
        ),
        median_premium=float(fine[np.argmin(np.abs(middle - 0.5))]),
        attribute=attribute,
        level=level,
    )  # fmt: skip


def _check(fit: ChoiceFit, attribute: str, log_price: str, premiums: Sequence[float]) -> None:
    names = fit.table["attribute"].tolist()
    for name in (attribute, log_price):
        if name not in names:
            raise ValueError(f"{name!r} is not in the model, which has {', '.join(names)}.")
    if not fit.shapes or fit.shapes[names.index(attribute)] != "normal":
        raise ValueError(
            f"attribute: people do not differ in {attribute} as a normal law has it. Use "
            f"fit_mixed_choice with spreads={{{attribute!r}: 'normal'}}."
        )
    if fit.table["coefficient"].iloc[names.index(log_price)] >= 0:
        raise ValueError(f"log_price: not estimated, because {log_price} does not deter.")
    if not len(premiums) or not (np.asarray(premiums, dtype=float) > -1).all():
        raise ValueError(f"premiums: {list(premiums)}; give shares above -1, as 0.1 for 10 %.")


def _normal_law(fit: ChoiceFit, attribute: str, log_price: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread of the taste and of the price's part-worth, with covariance."""
    table = fit.table.set_index("attribute")
    pair, law = [attribute, log_price], ["coefficient", "spread"]
    mean = table.loc[pair, law].to_numpy(dtype=float).ravel()
    labels = [attribute, f"{attribute} spread", log_price, f"{log_price} spread"]
    covariance = fit.covariance.reindex(index=labels, columns=labels).fillna(0.0)
    return mean, covariance.to_numpy()


def _shares(law: np.ndarray, steps: np.ndarray, shape: str, factor: float) -> np.ndarray:
    """Return the share of people who pay, for each log premium; sensitivities at quantiles."""
    taste, spread, price, differs = law
    points = norm.ppf((np.arange(_POINTS) + 0.5) / _POINTS)
    size = max(abs(price), 1e-9)
    if shape == "negative":
        log_sd = np.sqrt(np.log1p((differs / size) ** 2))
        beta = size * np.exp(log_sd * points - log_sd**2 / 2)
    else:
        beta = size + abs(differs) * points * (shape == "normal")
    need = beta[:, None] * steps
    sd = max(abs(factor * spread), 1e-9)
    return np.asarray(norm.sf((need - factor * taste) / sd).mean(axis=0))
