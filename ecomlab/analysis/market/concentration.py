"""Who holds the market, in sales and in voice? Shares, their concentration, their interval.

In: amounts by seller, as they are known or as respondents report them. Answer: shares,
concentration (Herfindahl 1950, Hirschman 1964: the sum of squared shares) with an interval over
respondents, and share of voice beside share of market (Jones, Harvard Business Review 68,
1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ecomlab.frames import need_columns, need_filled, need_numbers
from ecomlab.plotting import BLUE, GREY, ORANGE, finish, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["Concentration", "compare_voice", "measure_concentration"]

_DRAWS = 2_000
_HIGH, _MODERATE = 0.18, 0.10  # US Merger Guidelines 2023: 1,800 and 1,000 points


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Concentration(Result):
    """Shares of sellers and how concentrated the market is.

    ``table`` has ``seller, amount, share, low, high``, the largest first. ``hhi`` counts the
    pool of unnamed sellers as many small ones; ``hhi_if_one`` as a single one.
    """

    headline: ClassVar[dict[str, str]] = {
        "hhi": "of 1",
        "low": "of 1",
        "high": "of 1",
        "hhi_if_one": "of 1",
        "equal_sellers": "sellers",
    }

    hhi: float
    low: float
    high: float
    hhi_if_one: float
    equal_sellers: float
    pool: str | None
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the shares, with their intervals where they were asked of respondents."""
        ax = new_axes(height=0.45 * len(self.table) + 1.6) if ax is None else ax
        rows = self.table.iloc[::-1].reset_index(drop=True)
        place = np.arange(len(rows))
        ax.barh(place, rows["share"], color=BLUE, height=0.6)
        if rows["low"].notna().all():
            reach = [rows["share"] - rows["low"], rows["high"] - rows["share"]]
            ax.errorbar(rows["share"], place, xerr=reach, fmt="none", ecolor=ORANGE, capsize=3)
        far = rows["high"].fillna(rows["share"])
        for at, share in enumerate(rows["share"]):
            ax.annotate(f"{share:.1%}", (far[at], at), (6, 0), textcoords="offset points",
                        va="center", color=GREY)  # fmt: skip
        ax.set_yticks(place, rows["seller"])
        ax.xaxis.set_major_formatter("{x:.0%}")
        ax.set_xlim(0, 1.12 * far.max())
        ax.grid(visible=False, axis="y")
        named = self.table[self.table["seller"] != self.pool]
        top = named.iloc[0] if len(named) else self.table.iloc[0]
        return finish(
            ax,
            title=f"Largest by name: {top['seller']} with {top['share']:.1%}. Concentrated like a "
            f"market of {self.equal_sellers:.1f} equal sellers",
            x="share of the market [%]",
            y="",
        )


def measure_concentration(
    sales: pd.DataFrame, *, pool: str | None = None, level: float = LEVEL, seed: int = 0
) -> Concentration:
    """Return the shares of sellers and the Herfindahl-Hirschman index.

    Parameters
    ----------
    sales
        Long: ``seller, amount`` [currency]. Where respondents report what they spent at each
        seller, also ``respondent``: the interval is then a bootstrap over them, and ``weight``
        (one a respondent) counts, where it is there.
    pool
        Name of the seller that stands for all unnamed ones ("other shops"), if any.
    level
        Level of the intervals [share].
    seed
        Seed of the bootstrap.

    Returns
    -------
    Concentration
        Index and shares; without respondents the interval is empty.

    Raises
    ------
    ValueError
        For a missing column, negative or empty amounts, nothing sold, and a pool that is no seller.

    Notes
    -----
    ``HHI = sum of squared shares``; 1 is a monopoly. In words: the chance that two coins spent
    in the market end at the same seller; ``1 / HHI`` is how many equal sellers have that chance.

    Examples
    --------
    >>> market = pd.DataFrame({"seller": ["we", "rival", "others"], "amount": [20.0, 30.0, 50.0]})
    >>> found = measure_concentration(market, pool="others")
    >>> round(found.hhi, 3), round(found.hhi_if_one, 3)
    (0.13, 0.38)
    """
    need_columns(sales, "sales", ("seller", "amount"))
    need_filled(sales, "sales", ["seller"])
    need_numbers(sales, "sales", ["amount"], least=0.0)
    if pool is not None and pool not in set(sales["seller"]):
        raise ValueError(f"pool: {pool!r} is no seller of the table; name one, or leave it out.")
    if not 0 < level < 1:
        raise ValueError(f"level: {level} is not between 0 and 1. Give a share, as 0.95.")
    asked = "respondent" in sales
    table = _by_respondent(sales) if asked else sales.groupby("seller")["amount"].sum().to_frame().T
    total = table.sum()
    if not total.sum() > 0:
        raise ValueError("sales.amount: nothing was sold. Give amounts above 0.")
    shares = total / total.sum()
    drawn = _resample(table.to_numpy(dtype=float), seed) if asked else None
    named = np.array([seller != pool for seller in table.columns])
    tail = (1 - level) / 2
    low, high = np.full((2, len(shares)), np.nan)
    index_low = index_high = np.nan
    if drawn is not None:
        low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
        index_low, index_high = np.quantile((drawn[:, named] ** 2).sum(axis=1), [tail, 1 - tail])
    hhi = float((shares[named] ** 2).sum())
    result = pd.DataFrame({"seller": shares.index, "amount": total.to_numpy(),
                           "share": shares.to_numpy(), "low": low, "high": high})  # fmt: skip
    return Concentration(
        table=result.sort_values("share", ascending=False, kind="stable", ignore_index=True),
        caveats=_caveats(hhi, pool, asked),
        hhi=hhi, low=float(index_low), high=float(index_high),
        hhi_if_one=float((shares**2).sum()), equal_sellers=1 / hhi if hhi > 0 else np.inf,
        pool=pool, level=level,
    )  # fmt: skip


def _by_respondent(sales: pd.DataFrame) -> pd.DataFrame:
    """Return weighted amounts, respondents x sellers."""
    need_filled(sales, "sales", ["respondent"])
    amount = sales["amount"]
    if "weight" in sales:
        need_numbers(sales, "sales", ["weight"], least=0.0)
        amount = amount * sales["weight"]
    return sales.assign(amount=amount).pivot_table(
        index="respondent", columns="seller", values="amount", aggfunc="sum", fill_value=0.0
    )


def _resample(amounts: np.ndarray, seed: int) -> np.ndarray:
    """Return shares in resamples of respondents: draws x sellers."""
    rng = np.random.default_rng([seed, 0x4841])
    times = rng.multinomial(len(amounts), np.full(len(amounts), 1 / len(amounts)), size=_DRAWS)
    totals = times @ amounts
    return np.asarray(totals / np.maximum(totals.sum(axis=1, keepdims=True), 1e-300))


def _caveats(hhi: float, pool: str | None, asked: bool) -> tuple[str, ...]:
    word = "highly" if hhi > _HIGH else "moderately" if hhi > _MODERATE else "hardly"
    said = [
        f"At {hhi * 10_000:,.0f} points the market is {word} concentrated by the US Merger "
        "Guidelines of 2023 (1,000 and 1,800 points).",
        "A share depends on where the market is said to end: draw the border as buyers do.",
    ]
    if pool is not None:
        said.append(f"{pool} are counted as many small sellers: few large ones would raise it.")
    said.append(
        "The interval knows who happened to be asked, not who never answers or forgets."
        if asked
        else "The amounts are taken as known: no interval."
    )
    return tuple(said)


def compare_voice(spend: pd.DataFrame, sales: pd.DataFrame) -> pd.DataFrame:
    """Return each seller's share of advertising beside its share of sales.

    Parameters
    ----------
    spend
        Long: ``seller, amount`` [currency] (or impressions), one row a channel or period.
    sales
        Long: ``seller, amount`` [currency].

    Returns
    -------
    DataFrame
        ``seller, voice_share, market_share, excess_share``, the loudest first. In words: who
        is louder than large buys growth, who is quieter lives on what was built before.

    Raises
    ------
    ValueError
        For a missing column, negative amounts, or totals of zero.

    Examples
    --------
    >>> spend = pd.DataFrame({"seller": ["we", "rival"], "amount": [30.0, 70.0]})
    >>> sold = pd.DataFrame({"seller": ["we", "rival"], "amount": [20.0, 80.0]})
    >>> compare_voice(spend, sold)["excess_share"].round(2).tolist()
    [-0.1, 0.1]
    """
    shares = {}
    for frame, name in ((spend, "spend"), (sales, "sales")):
        need_columns(frame, name, ("seller", "amount"))
        need_filled(frame, name, ["seller"])
        need_numbers(frame, name, ["amount"], least=0.0)
        total = frame.groupby("seller")["amount"].sum()
        if not total.sum() > 0:
            raise ValueError(f"{name}.amount: the total is 0. Give amounts above 0.")
        shares[name] = total / total.sum()
    table = pd.DataFrame({"voice_share": shares["spend"], "market_share": shares["sales"]})
    table = table.fillna(0.0).rename_axis("seller").reset_index()
    table["excess_share"] = table["voice_share"] - table["market_share"]
    return table.sort_values("voice_share", ascending=False, kind="stable", ignore_index=True)
