"""How often two codes meet in one unit, and Krippendorff's alpha of many resamples at once.

The arithmetic behind :mod:`~ecomlab.analysis.market.agreement`. Ordinal differences are
interval differences between mid-ranks (Krippendorff 2011, section D), and squared differences
need sums only, so that no step is slower than units x codes x resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Coincidences"]

_RARE_RATINGS = 5


@dataclass(frozen=True, eq=False)
class Coincidences:
    """Counts of each code in each unit that has two ratings or more: units x codes."""

    codes: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, coded: pd.DataFrame) -> Coincidences:
        """Count codes by unit; units with a single rating cannot be compared."""
        numbers = pd.api.types.is_numeric_dtype(coded["code"])
        codes = sorted(coded["code"].unique(), key=None if numbers else str)
        place = coded["code"].map({code: at for at, code in enumerate(codes)}).to_numpy(dtype=int)
        unit, _ = pd.factorize(coded["unit"])
        counts = np.zeros((unit.max() + 1, len(codes)))
        np.add.at(counts, (unit, place), 1)
        counts = counts[counts.sum(axis=1) >= 2]
        used = counts.sum(axis=0) > 0
        return cls(np.array(codes, dtype=float if numbers else object)[used], counts[:, used])

    @property
    def units(self) -> int:
        """Units that can be compared."""
        return len(self.counts)

    @property
    def varied(self) -> int:
        """Different codes among them."""
        return len(self.codes)

    @property
    def rare(self) -> list[object]:
        """Codes given fewer than five times."""
        return list(self.codes[self.counts.sum(axis=0) < _RARE_RATINGS])

    def by_code(self) -> pd.DataFrame:
        """Return ``code, ratings, agreement_share``: how often another rater says the same."""
        others = self.counts.sum(axis=1, keepdims=True) - 1
        met = (self.counts * (self.counts - 1) / others).sum(axis=0)
        ratings = self.counts.sum(axis=0)
        return pd.DataFrame(
            {"code": self.codes, "ratings": ratings.astype(int), "agreement_share": met / ratings}
        )

    def chance(self) -> float:
        """Return the share of pairs of any two ratings that say the same."""
        ratings = self.counts.sum(axis=0)
        total = ratings.sum()
        return float((ratings * (ratings - 1)).sum() / (total * (total - 1)))

    def alpha(self, weights: np.ndarray, scale: str) -> np.ndarray:
        """Return alpha for each row of unit weights; NaN where a resample does not vary.

        Parameters
        ----------
        weights
            Resamples x units: how often each unit is in.
        scale
            ``nominal``, ``ordinal``, ``interval`` or ``ratio``.
        """
        totals = weights @ self.counts
        within = (
            self._by_distance(weights, totals, scale)
            if scale in ("nominal", "ratio")
            else self._by_squares(weights, totals, scale)
        )
        seen, expected = within
        size = totals.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            alpha = 1 - (size - 1) * seen / expected
        return np.where(expected > 0, alpha, np.nan)

    def _by_distance(
        self, weights: np.ndarray, totals: np.ndarray, scale: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sum up distances that do not depend on the resample."""
        if scale == "nominal":
            apart = 1 - np.eye(len(self.codes))
        else:
            values = self.codes.astype(float)
            sums = values[:, None] + values[None]
            apart = ((values[:, None] - values[None]) / np.where(sums > 0, sums, 1)) ** 2
        unit = np.einsum("uc,ck,uk->u", self.counts, apart, self.counts, optimize=True)
        unit /= self.counts.sum(axis=1) - 1
        return weights @ unit, np.einsum("bc,bc->b", totals @ apart, totals)

    def _by_squares(
        self, weights: np.ndarray, totals: np.ndarray, scale: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sum up squared differences; ordinal ones are between the resample's own mid-ranks."""
        values = (
            np.cumsum(totals, axis=1) - totals / 2
            if scale == "ordinal"
            else np.broadcast_to(self.codes.astype(float), totals.shape)
        )
        values = values - ((totals * values).sum(axis=1) / totals.sum(axis=1))[:, None]
        size = self.counts.sum(axis=1)[:, None]
        first, second = self.counts @ values.T, self.counts @ (values**2).T
        unit = 2 * (size * second - first**2) / (size - 1)
        everyone = totals.sum(axis=1) * (totals * values**2).sum(axis=1)
        return np.einsum("bu,ub->b", weights, unit), 2 * everyone
