"""Find the best media budgets of a half-year; write docs/studies/budgets.md and best_budgets.py.

``python benchmarks/find_budgets.py [--people N] [--train N] [--fresh N]`` lives two years of
``west_d2c``, then half a year under multiples of the usual budgets and a year at the usual ones
again, in run twins. What counts is expected goods margin less media spend of all 78 weeks:
awareness and customers that a plan leaves behind are in it. Each channel is tried at several
multiples, a curve is put through what it earns, and the curves are split; then each channel is
tried around that split, and split again. Fresh seeds tell what the answer is worth.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares, minimize

from ecomlab.simulator import Plan, SimulatedRun, advance, load_scenario, simulate

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "studies" / "budgets.md"
FOUND = ROOT / "ecomlab" / "course" / "best_budgets.py"
PRESET, HISTORY, WEEKS, AFTER = "west_d2c", 728, 182, 364  # days
CHANNELS = ("paid_search", "social", "creators", "affiliate")
LADDER, STEPS = (0.0, 0.3, 0.6, 2.0, 4.0), (0.5, 1.6)
MOST = 6.0
START = pd.Timestamp(load_scenario(PRESET).start)
Split = dict[str, float]


def earn(eve: SimulatedRun, multiples: Split) -> pd.Series:
    """Return margin and spend of the plan's weeks and of the year after [currency]."""
    begin = START + pd.Timedelta(days=HISTORY)
    turn = begin + pd.Timedelta(days=WEEKS)
    plan = Plan(start=begin.date(), budgets=multiples)
    back = Plan(start=turn.date(), budgets=dict.fromkeys(CHANNELS, 1.0)).after(plan)
    truth = advance(eve, plan=back, days=WEEKS + AFTER).truth
    told = {}
    for name, since, until in (("plan", begin, turn), ("after", turn, None)):
        for line, table, column in (("margin", "truth_day", "expected_margin"),
                                    ("spend", "truth_route_day", "spend")):  # fmt: skip
            days = truth[table]
            rows = days[(days["date"] >= since) & (True if until is None else days["date"] < until)]
            told[f"{line}, {name}"] = float(rows[column].sum())
    return pd.Series(told)


class Twins:
    """The same seeds under every split."""

    def __init__(self, seeds: Sequence[int], people: int) -> None:
        self.eves = [simulate(PRESET, seed, people=people, days=HISTORY) for seed in seeds]
        self.known: dict[tuple[float, ...], pd.DataFrame] = {}

    def live(self, split: Split) -> pd.DataFrame:
        """Return what a split earns, a row a seed."""
        key = tuple(round(split[name], 4) for name in CHANNELS)
        if key not in self.known:
            named = dict(zip(CHANNELS, key, strict=True))
            self.known[key] = pd.DataFrame([earn(eve, named) for eve in self.eves])
        return self.known[key]

    def margin(self, split: Split) -> float:
        """Return the mean margin of all weeks."""
        return float(self.live(split).filter(like="margin").sum(axis=1).mean())


def curve(at: np.ndarray, size: float, half: float) -> np.ndarray:
    """Return what a channel brings at multiples: it saturates, and is ``size`` at 1."""
    return np.asarray(size * at * (1 + half) / (at + half))


def fit_curves(twins: Twins, around: Split, tried: Sequence[float]) -> dict[str, np.ndarray]:
    """Return size and half point of each channel, the others held at a split."""
    base, fitted = twins.margin(around), {}
    for name in CHANNELS:
        at = np.array([step for step in tried if step != around[name]])
        gains = np.array([twins.margin({**around, name: float(x)}) - base for x in at])

        def miss(
            log: np.ndarray,
            at: np.ndarray = at,
            gains: np.ndarray = gains,
            here: float = around[name],
        ) -> np.ndarray:
            size, half = np.exp(log)
            return curve(at, size, half) - curve(np.array(here), size, half) - gains

        scale = max(abs(gains).max(), 1.0)
        found = least_squares(miss, [np.log(scale), 0.0], bounds=([-9, -3], [20, 5]))
        fitted[name] = np.exp(found.x)
        print(f"  {name}: at 1 {fitted[name][0]:,.0f}, half point {fitted[name][1]:.2f}; "
              + ", ".join(f"{x:g}: {g:+,.0f}" for x, g in zip(at, gains, strict=True)))  # fmt: skip
    return fitted


def split(curves: dict[str, np.ndarray], spend: pd.Series, *, is_free: bool) -> Split:
    """Return the multiples that earn most by the curves."""

    def lost(at: np.ndarray) -> float:
        gain = sum(float(curve(at[i], *curves[name])) for i, name in enumerate(CHANNELS))
        return -(gain - (float(at @ spend[list(CHANNELS)]) if is_free else 0.0))

    held = [] if is_free else [{"type": "eq", "fun": lambda at: float((at - 1) @ spend)}]
    found = minimize(lost, np.ones(len(CHANNELS)), bounds=[(0, MOST)] * 4, constraints=held,
                     method="SLSQP", options={"ftol": 1e-10, "maxiter": 500})  # fmt: skip
    return dict(zip(CHANNELS, (float(x) for x in found.x.round(2)), strict=True))


def search(twins: Twins, spend: pd.Series) -> dict[str, Split]:
    """Return the best split of the same total, and of a free one."""
    usual = dict.fromkeys(CHANNELS, 1.0)
    first = fit_curves(twins, usual, LADDER)
    found = {}
    for name, is_free in (("oracle, same total", False), ("oracle, free total", True)):
        near = split(first, spend, is_free=is_free)
        print(name, near)
        again = {}
        for channel in CHANNELS:
            here = near[channel]
            tried = (0.0, max(0.5, 2 * here)) if here < 0.3 else tuple(here * x for x in STEPS)
            again[channel] = fit_one(twins, near, channel, (0.0, *tried), first[channel])
        found[name] = split(again, spend, is_free=is_free)
        print(name, found[name])
    return found


def fit_one(
    twins: Twins, around: Split, channel: str, tried: Sequence[float], start: np.ndarray
) -> np.ndarray:
    """Return one channel's curve where the others are at a split."""
    base = twins.margin(around)
    at = np.array(sorted({round(x, 4) for x in tried} - {around[channel]}))
    gains = np.array([twins.margin({**around, channel: float(x)}) - base for x in at])

    def miss(log: np.ndarray) -> np.ndarray:
        size, half = np.exp(log)
        return curve(at, size, half) - curve(np.array(around[channel]), size, half) - gains

    return np.exp(least_squares(miss, np.log(start), bounds=([-9, -3], [20, 5])).x)


def table_of(twins: Twins, plans: dict[str, Split]) -> pd.DataFrame:
    """Return what plans gain over the usual budgets, with standard errors over seeds."""
    base, rows = twins.live(dict.fromkeys(CHANNELS, 1.0)), []
    for name, one in plans.items():
        more = twins.live(one) - base
        total = more.filter(like="margin").sum(axis=1) - more.filter(like="spend").sum(axis=1)
        rows.append({
            "plan": name,
            "spend": more["spend, plan"].mean(),
            "margin in the weeks": more["margin, plan"].mean(),
            "profit in the weeks": (more["margin, plan"] - more["spend, plan"]).mean(),
            "margin in the year after": more["margin, after"].mean(),
            "profit of both": total.mean(),
            "s.e.": total.std() / np.sqrt(len(total)),
        })  # fmt: skip
    return pd.DataFrame(rows)


def as_table(frame: pd.DataFrame) -> str:
    """Return a frame as a table of a page."""
    shown = frame.map(lambda x: x if isinstance(x, str) else f"{x:+,.0f}")
    rows = [list(shown.columns), ["---"] * shown.shape[1], *shown.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Search, check on fresh seeds, write the page and the table of the course."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=12_000)
    parser.add_argument("--train", type=int, default=3)
    parser.add_argument("--fresh", type=int, default=4)
    asked = parser.parse_args()
    train = Twins(range(9001, 9001 + asked.train), asked.people)
    usual, none = dict.fromkeys(CHANNELS, 1.0), dict.fromkeys(CHANNELS, 0.0)
    spend = pd.Series(
        {name: (train.live(usual) - train.live({**usual, name: 0.0}))["spend, plan"].mean()
         for name in CHANNELS}
    )  # fmt: skip
    best = search(train, spend)
    best = {name: {k: round(20 * v) / 20 for k, v in one.items()} for name, one in best.items()}
    fresh = Twins(range(9101, 9101 + asked.fresh), asked.people)
    plans = {**best, "no advertising": none, "half of everything": dict.fromkeys(CHANNELS, 0.5)}
    for name in CHANNELS:
        plans[f"no {name}"] = {**usual, name: 0.0}
    judged = table_of(fresh, plans)
    print(judged.round(0).to_string())
    PAGE.write_text(PROSE.format(
        preset=PRESET, people=asked.people, train=asked.train, fresh=asked.fresh,
        ecomlab=version("ecomlab"), weeks=WEEKS // 7, after=AFTER // 7,
        lived=len(train.known) * asked.train, judged=as_table(judged),
        best=as_words(best)), encoding="utf-8")  # fmt: skip
    text = FOUND.read_text(encoding="utf-8")
    entry = ""
    for name, one in best.items():
        multiples = ", ".join(f'"{channel}": {value}' for channel, value in one.items())
        entry += f'        "{name}": {{\n            {multiples},\n        }},\n'
    text = re.sub(r"(?<=# found\n).*?(?=    # end of found)",
                  lambda _: f'    "{PRESET}": {{\n{entry}    }},\n', text, flags=re.S)  # fmt: skip
    FOUND.write_text(text, encoding="utf-8")


def as_words(best: dict[str, Split]) -> str:
    """Return the splits as a list."""
    return "\n".join(f"- **{name}**: " + ", ".join(f"{k} {v:g}" for k, v in one.items())
                     for name, one in best.items())  # fmt: skip


PROSE = """# The best media budgets, found with the truth in hand

`python benchmarks/find_budgets.py` made this page and `ecomlab/course/best_budgets.py`: `{preset}`,
{people:,} people, {train} seeds to search and {fresh} fresh ones for the table. ecomlab {ecomlab}.

After two years a plan multiplies the media budgets for {weeks} weeks; then the usual budgets are
back for {after} weeks. Run twins have the same people and luck. Counted is expected goods margin
less media spend of all weeks: awareness fades slowly and customers come back, so that a plan goes
on to work, or a cut to cost, when it is over. Each channel was tried at {ladder} times its budget,
and around the best split of the curves through what that earned; {lived} lives of {weeks} + {after}
weeks in all.

{best}

More than the usual budgets [USD], mean of fresh seeds:

{judged}

*s.e.* is that of *profit of both* over seeds. The plan with a free total is the lesson about
cutting: in its own weeks a cut looks better than it is, since the year after loses margin as well.
""".replace("{ladder}", ", ".join(f"{x:g}" for x in LADDER))


if __name__ == "__main__":
    main()
