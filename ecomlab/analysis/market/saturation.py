"""How many interviews were enough? The curve of new codes, and what is still unsaid.

In: codes in long form, one row an interview and code that came up in it. Answer: the expected
number of different codes after each number of interviews (rarefaction: Colwell, Mao and
Chang, Ecology 85, 2004), the number of codes there are in all (Chao2 and its
log-normal interval: Chao, Biometrics 43, 1987) and how many interviews find most of them
(Chao et al., Ecology 90, 2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import gammaln
from scipy.stats import norm

from ecomlab.frames import need_columns, need_filled
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Saturation", "measure_saturation"]

_FEW_INTERVIEWS = 8


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Saturation(Result):
    """How the number of codes grows with interviews.

    ``table`` has ``interviews, codes, low, high``: the expected number of different codes;
    past the interviews held it is extrapolated, and `is_extrapolated` says so.
    ``new_per_interview`` is how many new codes one more interview would bring, ``enough`` the
    number of interviews that finds `share` of all codes there are.
    """

    headline: ClassVar[dict[str, str]] = {
        "seen": "codes",
        "new_per_interview": "codes",
        "total": "codes",
        "total_low": "codes",
        "total_high": "codes",
        "enough": "interviews",
    }

    seen: int
    new_per_interview: float
    total: float
    total_low: float
    total_high: float
    enough: float
    share: float
    interviews: int
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve, and the number of interviews that would have been enough."""
        ax = new_axes() if ax is None else ax
        held = self.table[~self.table["is_extrapolated"]]
        ahead = self.table[self.table["interviews"] >= self.interviews]
        ax.fill_between(held["interviews"], held["low"], held["high"], color=BLUE, alpha=0.18,
                        linewidth=0)  # fmt: skip
        ax.plot(held["interviews"], held["codes"], color=BLUE)
        ax.plot(ahead["interviews"], ahead["codes"], color=BLUE, linestyle="--")
        ax.axhline(self.total, color=GREY, linewidth=1)
        ax.annotate(f"{self.total:.1f} estimated in all", (1, self.total), (2, 4),
                    textcoords="offset points", color=GREY)  # fmt: skip
        title = f"After {self.interviews} interviews {self.seen} codes had come up"
        if np.isfinite(self.enough):
            ax.axvline(self.enough, color=ORANGE, linewidth=1.2)
            ax.annotate(f"{self.enough:.0f} interviews", (self.enough, 0.6), (5, 0),
                        textcoords="offset points", color=ORANGE, fontweight="bold")  # fmt: skip
            title += f"; {self.enough:.0f} interviews find {self.share:.0%} of all"
        ax.set_ylim(0, 1.12 * max(self.total, self.seen, held["high"].max()))
        ax.set_xlim(left=0)
        return finish(ax, title=title, x="interviews", y="different codes heard")


def measure_saturation(
    codes: pd.DataFrame, *, share: float = 0.95, level: float = LEVEL
) -> Saturation:
    """Return how the number of codes grows with interviews, and what is still unseen.

    Parameters
    ----------
    codes
        Long: ``interview, code``; a code counts once an interview. An interview in which
        nothing was coded has a row with an empty code.
    share
        Part of all codes that counts as enough [share].
    level
        Level of the intervals [share].

    Returns
    -------
    Saturation
        ``seen`` codes, the estimated ``total`` (never below what was seen) and ``enough``.

    Raises
    ------
    ValueError
        For a missing column, an empty interview, fewer than three interviews, or no code.

    Notes
    -----
    With ``m_i`` the interviews that have code *i*, of *n*, the expected number of codes in *k* of
    them is ``S(k) = sum_i [1 - C(n - m_i, k) / C(n, k)]``. In words: the mean over every order
    in which the interviews could have been held. Codes heard in only one interview (``Q1``) and
    in just two (``Q2``) tell of those not heard: Chao2 adds ``(n - 1) / n * Q1^2 / (2 Q2)``, a
    lower bound where some codes are much rarer than others; one more interview brings ``Q1 / n``
    new ones (Good, Biometrika 40, 1953).

    Examples
    --------
    >>> heard = pd.DataFrame({"interview": [1, 1, 2, 2, 3, 4], "code": list("abacba")})
    >>> found = measure_saturation(heard)
    >>> found.table["codes"].head(4).round(3).tolist(), round(found.total, 3)
    ([1.5, 2.333, 2.75, 3.0], 3.375)
    """
    need_columns(codes, "codes", ("interview", "code"))
    need_filled(codes, "codes", ["interview"])
    if not 0 < share < 1 or not 0 < level < 1:
        raise ValueError(f"share, level: {share} and {level}; both lie between 0 and 1.")
    held = int(codes["interview"].nunique())
    if held < 3:
        raise ValueError(f"codes.interview: {held} interviews; a curve needs three at least.")
    met = codes.dropna(subset="code").drop_duplicates(["interview", "code"])
    if met.empty:
        raise ValueError("codes.code: no interview has a code. Code the answers first.")
    counts = met["code"].value_counts(sort=False).to_numpy()
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    unseen, spread = _chao2(held, once, twice, len(counts))
    low, high = _log_normal(len(counts), unseen, spread, level)
    if unseen <= 0:
        high = _when_none_is_rare(counts, level)
    curve = _rarefy(counts, held, len(counts) + unseen, level)
    more, enough = _run_on(curve, held, unseen, once, share)
    return Saturation(
        table=pd.concat([curve, more], ignore_index=True),
        caveats=_caveats(held, once, unseen, enough),
        seen=len(counts), new_per_interview=once / held, total=len(counts) + unseen,
        total_low=low, total_high=high, enough=enough, share=share, interviews=held, level=level,
    )  # fmt: skip


def _chao2(held: int, once: int, twice: int, seen: int) -> tuple[float, float]:
    """Return the estimated number of codes unseen and its variance."""
    part = (held - 1) / held
    if twice > 0:
        ratio = once / twice
        spread = twice * (part * ratio**2 / 2 + part**2 * ratio**3 + part**2 * ratio**4 / 4)
        return part * once**2 / (2 * twice), spread
    unseen = part * once * (once - 1) / 2
    spread = part * once * (once - 1) / 2 + part**2 * once * (2 * once - 1) ** 2 / 4
    spread -= part**2 * once**4 / (4 * (seen + unseen))
    return unseen, max(spread, 0.0)


def _log_normal(seen: int, unseen: float, spread: float, level: float) -> tuple[float, float]:
    """Return Chao's interval of the total, whose low end is never below what was seen."""
    if unseen <= 0 or spread <= 0:
        return float(seen), float(seen)  # the high end comes from _when_none_is_rare
    reach = np.exp(norm.ppf(0.5 + level / 2) * np.sqrt(np.log1p(spread / unseen**2)))
    return float(seen + unseen / reach), float(seen + unseen * reach)


def _when_none_is_rare(counts: np.ndarray, level: float) -> float:
    """Return how many codes there may be though none was heard only once (Colwell, EstimateS)."""
    missed = np.exp(-counts.sum() / len(counts))
    reach = norm.ppf(0.5 + level / 2) * np.sqrt(len(counts) * missed)
    return float((len(counts) + reach) / (1 - missed))


def _rarefy(counts: np.ndarray, held: int, total: float, level: float) -> pd.DataFrame:
    """Return the expected number of codes after each number of interviews held."""
    size = np.arange(1, held + 1)[:, None]
    left = held - counts[None]
    with np.errstate(invalid="ignore", divide="ignore"):
        log_missed = (
            gammaln(left + 1) - gammaln(left - size + 1)
            - gammaln(held + 1) + gammaln(held - size + 1)
        )  # fmt: skip
    missed = np.where(left >= size, np.exp(log_missed), 0.0)
    mean = (1 - missed).sum(axis=1)
    error = np.sqrt(np.maximum(((1 - missed) ** 2).sum(axis=1) - mean**2 / total, 0.0))
    reach = norm.ppf(0.5 + level / 2) * error
    return pd.DataFrame(
        {
            "interviews": size.ravel(),
            "codes": mean,
            "low": np.maximum(mean - reach, 0.0),
            "high": np.minimum(mean + reach, total),
            "is_extrapolated": False,
        }
    )


def _run_on(
    curve: pd.DataFrame, held: int, unseen: float, once: int, share: float
) -> tuple[pd.DataFrame, float]:
    """Return the curve past the interviews held, and how many find the share of all codes."""
    seen = float(curve["codes"].iloc[-1])
    goal = share * (seen + unseen)
    if goal <= seen + 1e-9:
        reached = curve.loc[curve["codes"] >= goal - 1e-9, "interviews"]
        return curve.iloc[:0], float(reached.iloc[0])
    keep = 1 - once / (held * unseen + once)  # chance that an unseen code stays so once more
    more = int(np.ceil(np.log(1 - (goal - seen) / unseen) / np.log(keep)))
    steps = np.unique(np.linspace(1, max(more, 1), 60).round().astype(int))
    ahead = pd.DataFrame(
        {
            "interviews": held + steps,
            "codes": seen + unseen * (1 - keep**steps),
            "low": np.nan,
            "high": np.nan,
            "is_extrapolated": True,
        }
    )
    return ahead, float(held + more)


def _caveats(held: int, once: int, unseen: float, enough: float) -> tuple[str, ...]:
    said = [
        "The number is about codes heard at all, not about how many people think so: interviews "
        "find themes, surveys count them.",
        "It speaks of people like those interviewed; another group may have other themes.",
    ]
    if once:
        said.append(f"{once} codes rest on a single interview, where a slip of the coder would do.")
    if unseen > 0:
        said.append("Chao's estimate is a lower bound: there may be more that is rare.")
    if enough > 2 * held:
        said.append(
            "The number of interviews needed is extrapolated to more than twice those held."
        )
    if held < _FEW_INTERVIEWS:
        said.append(f"{held} interviews are few: the curve is rough.")
    return tuple(said)
