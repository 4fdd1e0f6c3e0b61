"""Which creators are worth their fee, and for how long does a post work? Posts.

In: posts with fee, followers and engagements; days with fees and visits. Answers: a score
card that shrinks a creator with few posts towards the mean (Efron and Morris 1975), and the
burst of visits after a post.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import f as fisher
from scipy.stats import norm

from ecomlab.frames import need_columns, need_numbers, need_share
from ecomlab.plotting import BLUE, GREY, ORANGE, new_axes
from ecomlab.result import Result
from ecomlab.stats import LEVEL

__all__ = ["CreatorCard", "PostResponse", "score_creators", "trace_posts"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CreatorCard(Result):
    """Creators by what a unit of fee brings.

    ``table`` has ``creator, posts, fee, followers, engagement_share, per_fee, shrunk_per_fee, low,
    high, own_share``: engagements for a unit of fee as seen (the geometric mean of the posts), and
    shrunk; ``own_share`` is how much of the shrunk figure is the creator's own, the rest is the
    mean of all. ``spread_share`` is the standard deviation between creators (on the log scale), 0
    where they cannot be told apart.
    """

    headline: ClassVar[dict[str, str]] = {
        "creators": "creators", "best": "", "spread_share": "share", "p_value": "",
    }  # fmt: skip

    creators: int
    best: str
    spread_share: float
    p_value: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each creator as seen and shrunk."""
        ax = new_axes(height=1.4 + 0.33 * len(self.table)) if ax is None else ax
        for place, row in enumerate(self.table.itertuples()):
            ax.plot([row.low, row.high], [place, place], color=BLUE, linewidth=2.5, alpha=0.5)
            ax.plot([row.per_fee], [place], "o", color=ORANGE, markersize=6)
            ax.plot([row.shrunk_per_fee], [place], "D", color=BLUE, markersize=6)
        top = self.table.iloc[0]
        ax.annotate("shrunk", (top["shrunk_per_fee"], 0), (0, 8), textcoords="offset points",
                    color=BLUE, ha="center", fontweight="bold")  # fmt: skip
        ax.set_yticks(range(len(self.table)),
                      [f"{r.creator} ({r.posts})" for r in self.table.itertuples()])  # fmt: skip
        ax.set_ylim(len(self.table) - 0.4, -1.1)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("engagements for a unit of fee (dots: as seen)")
        share = self.table["own_share"].mean()
        ax.set_title(
            "The creators differ no more than luck would make them" if self.p_value > 0.05
            else f"Of what differs between creators, {share:.0%} is theirs"
        )  # fmt: skip
        return ax


def score_creators(posts: pd.DataFrame, *, level: float = LEVEL) -> CreatorCard:
    """Score creators by engagements for a unit of fee, shrunk towards the mean.

    On the log scale a post is its creator's level plus luck. The spread of levels is what is left
    of the spread of means when luck is taken out (analysis of variance); each mean is drawn to the
    mean of all by ``luck / (luck + spread)`` (Efron and Morris, Journal of the American Statistical
    Association 70, 1975).

    Parameters
    ----------
    posts
        Columns ``creator, fee, followers, engagements``, one row a post.
    level
        Level of the intervals [share].

    Raises
    ------
    ValueError
        Where a column is missing or negative, a fee is 0, or luck cannot be told: no creator has
        two posts.

    Examples
    --------
    >>> posts = pd.DataFrame({"creator": list("aaabbb"), "fee": 10.0, "followers": 1000,
    ...                       "engagements": [90, 100, 110, 30, 33, 36]})
    >>> score_creators(posts).table[["creator", "per_fee", "own_share"]].round(2).values.tolist()
    [['a', 10.02, 1.0], ['b', 3.34, 1.0]]
    """
    need_columns(posts, "posts", ("creator", "fee", "followers", "engagements"))
    need_numbers(posts, "posts", ("fee", "followers", "engagements"), least=0)
    need_share(level, of="level")
    if (posts["fee"] <= 0).any():
        raise ValueError("posts.fee: some posts cost nothing. Leave unpaid posts out.")
    logs = np.log((posts["engagements"] + 0.5) / posts["fee"])
    own = logs.groupby(posts["creator"]).agg(["size", "mean"])
    freedom = len(posts) - len(own)
    if freedom < 1 or len(own) < 2:
        raise ValueError("posts.creator: give at least two creators, one of them with two posts.")
    luck = float(((logs - logs.groupby(posts["creator"]).transform("mean")) ** 2).sum() / freedom)
    spread, p_value = _spread_of_means(own, luck, freedom, len(posts))
    table = _card(posts, own, luck=luck, spread=spread, reach=norm.isf((1 - level) / 2))
    caveats: tuple[str, ...] = (
        "Engagements are not orders: a creator who is liked need not sell.",
    )
    if p_value > 0.05:
        caveats = ("The creators differ no more than luck would make them: do not pay for rank.",
                   *caveats)  # fmt: skip
    return CreatorCard(
        table=table,
        caveats=caveats,
        creators=len(own),
        best=str(table["creator"].iloc[0]) if spread > 0 else "none stands out",
        spread_share=float(np.sqrt(spread)),
        p_value=p_value,
        level=level,
    )


def _card(
    posts: pd.DataFrame, own: pd.DataFrame, *, luck: float, spread: float, reach: float
) -> pd.DataFrame:
    """Return the score card, the best first."""
    noise = luck / own["size"]
    weight = 1 / (spread + noise).clip(lower=1e-12)
    middle = float((weight * own["mean"]).sum() / weight.sum())
    own_share = spread / (spread + noise).clip(lower=1e-12)
    shrunk = middle + own_share * (own["mean"] - middle)
    reach_of = reach * np.sqrt(own_share * noise + (1 - own_share) ** 2 / weight.sum())
    sums = posts.groupby("creator")[["fee", "followers", "engagements"]].sum()
    followed = sums["followers"].where(sums["followers"] > 0)
    table = pd.DataFrame(
        {
            "posts": own["size"], "fee": sums["fee"], "followers": sums["followers"] / own["size"],
            "engagement_share": sums["engagements"] / followed,
            "per_fee": np.exp(own["mean"]), "shrunk_per_fee": np.exp(shrunk),
            "low": np.exp(shrunk - reach_of), "high": np.exp(shrunk + reach_of),
            "own_share": own_share,
        }
    )  # fmt: skip
    return table.sort_values(["shrunk_per_fee", "per_fee"], ascending=False).reset_index()


def _spread_of_means(
    own: pd.DataFrame, luck: float, freedom: int, posts: int
) -> tuple[float, float]:
    """Return the variance between creators, at least 0, and the p-value that there is none."""
    size = own["size"].to_numpy(dtype=float)
    grand = float((size * own["mean"]).sum() / posts)
    between = float((size * (own["mean"] - grand) ** 2).sum()) / (len(own) - 1)
    effective = (posts - (size**2).sum() / posts) / (len(own) - 1)
    p_value = float(fisher.sf(between / luck, len(own) - 1, freedom)) if luck > 0 else 0.0
    return max(0.0, (between - luck) / effective), p_value


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PostResponse(Result):
    """Visits after a post.

    ``table`` has ``days_since, response, low, high`` [outcome for a unit of fee]. ``total`` adds
    all days up; ``half_after_days`` is the first day by which half of it has come.
    """

    headline: ClassVar[dict[str, str]] = {
        "total": "outcome/currency", "low": "", "high": "", "half_after_days": "days",
    }  # fmt: skip

    total: float
    low: float
    high: float
    half_after_days: float
    level: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the burst."""
        ax = new_axes() if ax is None else ax
        table = self.table
        ax.fill_between(table["days_since"], table["low"], table["high"], color=BLUE, alpha=0.2,
                        linewidth=0)  # fmt: skip
        ax.plot(table["days_since"], table["response"], "o-", color=BLUE)
        ax.axhline(0, color=GREY, linewidth=1)
        ax.set_xlabel("days since the post")
        ax.set_ylabel("outcome for a unit of fee, a day")
        found = np.isfinite(self.half_after_days)
        half = f"Half of what a post brings has come by day {self.half_after_days:.0f}"
        ax.set_title(half if found else "No burst that stands out")
        return ax


def trace_posts(days: pd.DataFrame, *, lags: int = 14, level: float = LEVEL) -> PostResponse:
    """Trace what posts bring on each of the days after them.

    A distributed lag: the day's outcome on the fees posted on that day and each day before, beside
    day of the week and months (blocks of 28 days). Errors allow for neighbouring days being alike
    (Newey and West, Econometrica 55, 1987).

    Parameters
    ----------
    days
        Columns ``date, spend, outcome``, one row a day without gaps: fees of the posts of the day,
        and for example the visits by that channel.
    lags
        Days after a post to look at [days].
    level
        Level of the intervals [share].

    Raises
    ------
    ValueError
        Where a column is missing, days are missing or too few, or nothing was posted.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=400),
    ...                      "spend": 50.0 * (rng.uniform(size=400) < 0.2)})
    >>> burst = [0.2, 0.4, 0.2, 0.0]
    >>> days["outcome"] = sum(b * days["spend"].shift(k, fill_value=0) for k, b in enumerate(burst))
    >>> found = trace_posts(days, lags=3)
    >>> round(found.total, 3), found.half_after_days
    (0.8, 1.0)
    """
    need_share(level, of="level")
    rows = _daily(days, lags)
    spend = rows["spend"].to_numpy(dtype=float)
    lagged = np.column_stack([np.roll(spend, k) for k in range(lags + 1)])[lags:]
    rest = rows.iloc[lags:]
    weekday = np.eye(7)[rest["date"].dt.day_of_week][:, 1:]
    block = np.eye(len(rest) // 28 + 1)[np.arange(len(rest)) // 28]
    design = np.column_stack([lagged, weekday, block[:, block.any(axis=0)]])
    y = rest["outcome"].to_numpy(dtype=float)
    inverse = np.linalg.pinv(design.T @ design)
    b = inverse @ design.T @ y
    covariance = _newey_west(design, y - design @ b, inverse, window=lags)
    reach = norm.isf((1 - level) / 2)
    error = np.sqrt(np.diag(covariance)[: lags + 1].clip(min=0))
    total = float(b[: lags + 1].sum())
    total_error = float(np.sqrt(max(covariance[: lags + 1, : lags + 1].sum(), 0)))
    reached = np.cumsum(b[: lags + 1]) >= total / 2
    found = total - reach * total_error > 0
    return PostResponse(
        table=pd.DataFrame({"days_since": np.arange(lags + 1), "response": b[: lags + 1],
                            "low": b[: lags + 1] - reach * error,
                            "high": b[: lags + 1] + reach * error}),
        caveats=(
            "Posts must not have been timed by demand; a post booked for a sale gets its credit.",
            *(() if found else ("Over all days the response is not surely more than nothing.",)),
        ),
        total=total,
        low=total - reach * total_error,
        high=total + reach * total_error,
        half_after_days=float(np.argmax(reached)) if found else float("nan"),
        level=level,
    )  # fmt: skip


def _daily(days: pd.DataFrame, lags: int) -> pd.DataFrame:
    need_columns(days, "days", ("date", "spend", "outcome"))
    need_numbers(days, "days", ("spend", "outcome"), least=0)
    if not pd.api.types.is_datetime64_any_dtype(days["date"]):
        raise ValueError("days.date: give days (pd.to_datetime first).")
    rows = days.sort_values("date", ignore_index=True)
    if (rows["date"].diff().iloc[1:] != pd.Timedelta(days=1)).any():
        raise ValueError("days.date: some days are missing or twice. Give each once, 0 if nothing.")
    if not 0 <= lags <= 60 or len(rows) < 5 * (lags + 10):
        raise ValueError(f"days: {len(rows)} days are too few for {lags} lags. Give more days.")
    if (rows["spend"] > 0).sum() < 10:
        raise ValueError("days.spend: fewer than ten days with a post. Give a longer time.")
    return rows


def _newey_west(
    design: np.ndarray, error: np.ndarray, inverse: np.ndarray, *, window: int
) -> np.ndarray:
    """Return the covariance of coefficients, neighbouring days' errors being alike."""
    scores = design * error[:, None]
    meat = scores.T @ scores
    for lag in range(1, window + 1):
        cross = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (window + 1)) * (cross + cross.T)
    freedom = len(error) / max(len(error) - design.shape[1], 1)
    return np.asarray(freedom * inverse @ meat @ inverse)
