"""What every public function promises: its signature, its words, its manners.

A function is public where its module's ``__all__`` names it, a method where its class is and
its own name has no underscore. Rules are read from the source, so that nothing is run; each
stands beside small bad examples that prove that it bites. Only the last rule, that inputs are
never changed, runs the functions.
"""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ecomlab import metrics, schema
from ecomlab.analysis import goals, market, marketing, product, screening
from ecomlab.events import list_events
from ecomlab.store.quality import check_store
from ecomlab.store.readiness import assess_readiness

PACKAGE = Path(__file__).parent.parent / "ecomlab"
TREES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
MAX_PARAMETERS = 6
# signatures that papermill and jupyter_client dictate to who fills in for them
DICTATED = {"execute_managed_notebook", "execute_notebook", "pre_launch", "launch_kernel"}


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield the public functions of a module, and the public methods of its public classes."""
    names = {
        element.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for element in node.value.elts
    }
    for node in tree.body:
        if isinstance(node, Function) and node.name in names:
            yield node.name, node
        if isinstance(node, ast.ClassDef) and node.name in names:
            for item in node.body:
                if isinstance(item, Function) and not item.name.startswith("_"):
                    yield f"{node.name}.{item.name}", item


def starred(tree: ast.Module) -> list[str]:
    return [
        name
        for name, function in public_functions(tree)
        if (function.args.vararg or function.args.kwarg) and function.name not in DICTATED
    ]


def crowded(tree: ast.Module) -> list[str]:
    """Name functions with too many parameters; those before defaults and ``*`` are subjects."""
    found = []
    for name, function in public_functions(tree):
        args = function.args
        if len(args.kwonlyargs) + len(args.defaults) > MAX_PARAMETERS:
            found.append(name)
    return found


def own_levels(tree: ast.Module) -> list[str]:
    """Name defaults of ``level`` that are not the shared constant, private functions included."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, Function):
            args = node.args
            last = [*args.posonlyargs, *args.args][-len(args.defaults) :] if args.defaults else []
            pairs = [
                *zip(last, args.defaults, strict=True),
                *zip(args.kwonlyargs, args.kw_defaults, strict=True),
            ]
            found += [f"{node.name}(level={ast.unparse(default)})" for arg, default in pairs
                      if arg.arg == "level" and default and not is_shared(default)]  # fmt: skip
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "level":
            found += [ast.unparse(node)] if node.value and not is_shared(node.value) else []
    return found


def is_shared(default: ast.expr) -> bool:
    return ast.unparse(default) in ("LEVEL", "stats.LEVEL")


def talkers(tree: ast.Module) -> list[str]:
    """Name calls that print or show: answers are returned."""
    loud = {"print", "plt.show", "pyplot.show", "sys.stdout.write"}
    calls = [ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return [call for call in calls if call in loud]


def wordless(name: str, function: Function) -> list[str]:
    """Say what the docstring of a function with a formal one lacks (numpydoc)."""
    said = ast.get_docstring(function) or ""
    section = re.split(r"\n(?=\w+\n-{3,}\n)", said)
    parts = {part.splitlines()[0]: part for part in section[1:]}
    args = function.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    found = []
    if not re.match(r"[A-Z][^\n]*\.$", section[0].splitlines()[0] if said else ""):
        found.append(f"{name}: no first line that is a sentence")
    for arg in names if len(names) > 1 else []:
        if not re.search(rf"^(\w+, )*{arg}(, \w+)*$", parts.get("Parameters", ""), re.MULTILINE):
            found.append(f"{name}: Parameters do not tell of {arg}")
    found += [f"{name}: {line!r} holds a type, which belongs to the annotation"
              for line in parts.get("Parameters", "").splitlines()
              if re.match(r"^\w+(, \w+)* :", line)]  # fmt: skip
    if ">>> " not in parts.get("Examples", ""):
        found.append(f"{name}: no Examples that run")
    return found


def chapters() -> list[str]:
    """The modules whose functions readers call: metrics, and each chapter of analysis."""
    return [
        "metrics",
        *sorted(
            {
                f"analysis.{n.split('.')[1]}"
                for n in TREES
                if n.startswith("analysis.") and "__init__" not in n.split(".")[1]
            }
        ),
    ]


def exported(module_name: str) -> dict[str, object]:
    """Functions that a chapter exports."""
    module = importlib.import_module(f"ecomlab.{module_name}")
    named = {name: getattr(module, name) for name in module.__all__}
    return {name: value for name, value in named.items() if inspect.isfunction(value)}


@pytest.mark.parametrize("rule", [starred, crowded, own_levels], ids=lambda rule: rule.__name__)
def test_no_function_is(rule):
    assert {name: found for name, tree in TREES.items() if (found := rule(tree))} == {}


def test_nothing_prints_but_the_command_line():
    found = {name: talk for name, tree in TREES.items() if (talk := talkers(tree))}
    assert set(found) <= {"cli"}


@pytest.mark.parametrize("chapter", chapters())
def test_functions_that_readers_call_are_told_of_in_numpydoc_with_an_example(chapter):
    found = []
    for name, function in exported(chapter).items():
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        found += wordless(name, tree.body[0])
    assert found == []


@pytest.mark.parametrize("chapter", chapters())
def test_everything_that_is_exported_has_words(chapter):
    module = importlib.import_module(f"ecomlab.{chapter}")
    silent = [name for name in module.__all__
              if (inspect.isclass(v := getattr(module, name)) or inspect.isfunction(v))
              and not inspect.getdoc(v)]  # fmt: skip
    assert silent == []


def module(*lines: str) -> ast.Module:
    return ast.parse("\n".join(["__all__ = ['f', 'A']", *lines]))


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (starred, "def f(*args): ..."),
        (starred, "def f(frame, **options): ..."),
        (starred, "class A:\n    def plot(self, *axes): ..."),
        (crowded, "def f(x, *, a, b, c, d, e, g, h): ..."),
        (crowded, "def f(a=1, b=1, c=1, d=1, *, e, g, h): ..."),
        (own_levels, "def _hidden(level=0.9): ..."),
        (own_levels, "def f(frame, *, level: float = 0.95): ..."),
        (own_levels, "class A:\n    level: float = 0.9"),
        (talkers, "def f():\n    print('hello')"),
        (talkers, "def f():\n    plt.show()"),
    ],
)
def test_the_rule_bites(rule, line):
    assert rule(module(line))


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (starred, "def _hidden(*args): ..."),
        (crowded, "def f(one, two, *, a, b, c, d, e, g): ..."),
        (own_levels, "def f(*, level: float = LEVEL, level_name='x'): ..."),
        (own_levels, "def f(*, level): ..."),
    ],
)
def test_the_rule_lets_pass(rule, line):
    assert not rule(module(line))


GOOD_WORDS = '''
def f(frame, *, first, last):
    """Do it.

    Parameters
    ----------
    frame
        The rows.
    first, last
        Days.

    Examples
    --------
    >>> f(1, first=2, last=3)
    """
'''


def test_good_words_pass_and_each_lack_is_told():
    def told(text):
        return wordless("f", ast.parse(text).body[0])

    assert told(GOOD_WORDS) == []
    assert "sentence" in told(GOOD_WORDS.replace("Do it.", "do it"))[0]
    assert "last" in told(GOOD_WORDS.replace("    first, last\n", "    first\n"))[0]
    assert "type" in told(GOOD_WORDS.replace("    frame\n", "    frame : DataFrame\n"))[-1]
    assert "Examples" in told(GOOD_WORDS.replace(">>> f", "f"))[0]


def rival_frames() -> dict[str, object]:
    """Codes and answers of interviews, and prices of two sellers."""
    ratings = pd.DataFrame({"unit": [1, 1, 2, 2, 3, 3], "rater": list("ababab"),
                            "code": list("xxyyxy")})  # fmt: skip
    said = ["late parcel again", "parcel came late", "price too high", "high price, no sale"]
    ours = pd.DataFrame({"date": [1, 1, 2, 2], "sku": list("ABAB"), "price": [10.0, 20, 11, 21]})
    weeks = pd.DataFrame({"market": "toys", "period": range(20)})
    paths = {name: 1 + (weeks["period"] * step % 7) / 90
             for name, step in {"rival": 3, "own": 5, "cost": 2}.items()}  # fmt: skip
    rated = pd.DataFrame({"item": list("AABBCC"), "dear": [1.0, 2, 5, 6, 9, 9],
                          "green": [3.0, 4, 3, 4, 4, 3]})  # fmt: skip
    return {
        "ratings": ratings, "said": pd.DataFrame({"text": said * 3}), "our_prices": ours,
        "their_prices": ours.assign(competitor="Bluepeak"), "rated": rated,
        "rivalry": weeks.assign(**paths),
    }  # fmt: skip


def market_frames() -> dict[str, object]:
    """Samples, choices and steps of a small market, and answers taken from them."""
    rows = np.arange(240)
    rng = np.random.default_rng(0)
    choices = pd.DataFrame(
        {"respondent_id": rows // 24, "task_id": rows // 2, "price": rng.choice([1.0, 2, 3], 240),
         "eco": rng.integers(0, 2, 240)}
    )  # fmt: skip
    worth = choices["eco"] - choices["price"] + rng.gumbel(size=240)
    best = worth.groupby(choices["task_id"]).transform("max")
    choices["chosen"] = (worth == best).astype(int)
    answers = pd.DataFrame({"stratum": list("aaab") * 10, "value": rng.normal(5, 1, 40)})
    pairs = pd.DataFrame({"stated": [5.0, 6, 7, 8], "done": [3.0, 3, 4, 5]})
    mixed = market.fit_mixed_choice(
        choices, attributes=["price", "eco"], spreads={"eco": "normal"}, draws=32
    )
    steps = pd.DataFrame(
        [("one", "TAM", "people", 100.0, 5.0), ("two", "TAM", "sales", 110.0, 9.0)],
        columns=["path", "tier", "step", "value", "standard_error"],
    )
    return {
        "strata": pd.DataFrame({"stratum": ["a", "b"], "people": [500, 500], "sd": [1.0, 2.0]}),
        "strata_answers": answers, "pairs": pairs, "steps": steps, "choices": choices,
        "mixed_fit": mixed, "tastes": market.draw_tastes(mixed, choices, draws=32),
        "purchases": pd.DataFrame({"respondent_id": [0, 1, 2, 3], "has": [1, 0, 1, 0]}),
        "raking": market.rake(answers, margins={"stratum": {"a": 0.5, "b": 0.5}}),
        "calibration": market.calibrate_answers(pairs),
        "choice_fit": market.fit_choice(choices, attributes=["price", "eco"]),
    }  # fmt: skip


def trial_frames() -> dict[str, object]:
    """Tests drawn by lot, panels of regions, and a platform's days, for chapter 04."""
    rng, rows = np.random.default_rng(0), np.arange(400)
    outcomes = pd.DataFrame(
        {"unit_id": rows, "arm": np.where(rows % 2, "A", "B"), "before": rng.normal(size=400),
         "outcome": rng.normal(size=400), "day": rows // 100, "treated": rows % 2,
         "score": rng.normal(size=400), "metric": rows, "p_value": rows / 400}
    )  # fmt: skip
    days = pd.date_range("2024-01-01", periods=140)
    panel = pd.DataFrame(
        [(f"R{r}", t, day, 50.0 + r + rng.normal(), (t // 7 + r) % 2 == 0)
         for r in range(4) for t, day in enumerate(days[:28])],
        columns=["unit", "period", "date", "outcome", "is_on"],
    ).assign(region_id=lambda p: p["unit"])  # fmt: skip
    clicks = pd.DataFrame({"date": days, "cluster": "shoes", "impressions": 900})
    clicks = clicks.assign(rank=1.0 + np.arange(140) % 5, clicks=300 - 20 * (np.arange(140) % 5))
    spend = pd.DataFrame({"date": days, "spend": 9.0 * (rng.uniform(size=140) < 0.3),
                          "outcome": rng.poisson(9, 140)})  # fmt: skip
    return {
        "outcomes": outcomes, "panel": panel, "clicks": clicks, "fees": spend,
        "click_curve": marketing.fit_click_curve(clicks),
        "ladder": pd.DataFrame({"spend": [0.0, 5.0, 9.0], "outcome": [9.0, 30.0, 36.0]}),
        "fatigue": marketing.Fatigue(
            table=clicks, open_change=-0.05, low=-0.06, high=-0.04, naive_open_change=0.01,
            leave_factor=1.4, leave_low=1.2, leave_high=1.6, open_share=0.4, leave_share=0.004,
            mean_remembered=1.0, most_remembered=5.0, half_life_days=10.0, level=0.9),
    }  # fmt: skip


def mix_frames() -> dict[str, object]:
    """Paths, visits, advertising by day, weeks with a channel's spend, and a mix model of them."""
    days = pd.date_range("2024-01-01", periods=42)
    rng = np.random.default_rng(0)
    tv = rng.gamma(2.0, 50.0, size=60)
    weekly = pd.DataFrame({"tv": tv, "sales": 900 + 2 * tv + rng.normal(0, 5, 60)})
    visits = pd.DataFrame(
        {
            "visitor_id": list("aab"),
            "started_at": days[:3],
            "channel": ["seo", "email", "seo"],
            "amount": [np.nan, 9.0, np.nan],
        }
    )
    return {
        "visits": visits, "paths": marketing.collect_paths(visits), "weekly": weekly,
        "daily": pd.DataFrame({"date": days, "sales": 5.0}),
        "ads": pd.DataFrame({"date": days, "channel": "tv", "spend": 3.0}),
        "calendar": pd.DataFrame({"date": days, "event_id": "sale"}),
        "fit": marketing.fit_mix(weekly, outcome="sales", channels=["tv"]),
    }  # fmt: skip


def line_frames() -> dict[str, object]:
    """Sales of a line of four products, of which two are missing now and then."""
    weeks = pd.date_range("2023-01-02", periods=60, freq="7D")
    weekly = pd.concat([pd.DataFrame({"week_start": weeks, "sku": sku, "units": 20 + 3 * n})
                        for n, sku in enumerate("abcd")], ignore_index=True)  # fmt: skip
    goods = pd.DataFrame({"sku": list("abcd"), "category_id": list("xxyy"), "margin": 4.0,
                          "group": list("xxyy"), "units": [90.0, 40, 60, 5]})  # fmt: skip
    goods["cash"] = 70.0
    lot = product.plan_delist_test(goods, periods=12, missing_share=0.5)
    by_period = weekly.assign(period=weekly.index % 60 // 4, value=weekly["units"] * 9.0)
    by_period = by_period.groupby(["sku", "period"], as_index=False)[["units", "value"]].sum()
    return {
        "weekly": weekly, "goods": goods, "stages": product.stage_products(weekly, goods),
        "panel": lot.assign(units=7 * lot["available_share"]), "by_period": by_period,
        "segments": pd.DataFrame({"segment": ["x", "y"], "own_before": [1.0, 2.0],
                                  "own_after": [2.0, 2.0]}),
        "adoptions": pd.DataFrame({"period": range(1, 8), "units": [1, 4, 9, 12, 9, 4, 2]}),
    }  # fmt: skip


@pytest.fixture(scope="module")
def given(tiny):
    """What the functions are called with: a frame, or a result that holds frames, a name."""
    tables = {name: tiny.table(name) for name in tiny.tables}
    daily = metrics.daily_kpis(tiny)
    events = list_events("2024-01-01", "2026-06-30")
    orders = tables["orders"]
    lines = tables["order_lines"].merge(orders[["order_id", "date", "region_id"]], on="order_id")
    local = orders.assign(ordered_at=orders["ordered_at"].dt.tz_localize(None))
    key_results = pd.DataFrame(
        [["Grow", "Net revenue", 100.0, 120.0, "USD", 0.07, "Ann", "2026-Q1"]],
        columns=[
            "objective",
            "key_result",
            "baseline",
            "target",
            "unit",
            "chance_share",
            "owner",
            "due",
        ],
    )
    channels = pd.DataFrame({"channel": ["seo", "email"], "amount": [60.0, 40.0]})
    return market_frames() | rival_frames() | trial_frames() | {"mix": mix_frames()} | {
        "tables": tables, "daily": daily, "events": events, "lines": lines, "local": local,
        "sessions": tables["sessions"], "key_results": key_results, "channels": channels,
        "baseline": goals.forecast_baseline(daily, events, weeks=4), "store": tiny,
        "line": line_frames(),
        **given_of_prices(),
    }  # fmt: skip


def given_of_prices() -> dict[str, pd.DataFrame]:
    """Return what the price functions of chapter 03 are called with."""
    baskets = pd.DataFrame({"order_id": [1, 1, 2, 2, 3], "item": list("ababa")})
    sales = pd.DataFrame(
        {
            "sku": list("aabbcc"),
            "date": [1, 2] * 3,
            "shelf": list("ssssss"),
            "price": [10.0, 8, 20, 21, 5, 6],
            "units": [3, 5, 2, 2, 7, 6],
        }
    )
    four = pd.DataFrame(
        {
            "respondent_id": ["p", "q"],
            "too_cheap": [5.0, 6],
            "cheap": [7.0, 8],
            "expensive": [9.0, 12],
            "too_expensive": [11.0, 15],
        }
    )
    asked = pd.DataFrame(
        {"respondent_id": [1, 1, 2, 2], "price": [8.0, 9] * 2, "buys": [1, 1, 1, 0]}
    )
    goods = pd.DataFrame(
        {"sku": ["a", "b"], "rung": [1, 2], "price": [20.0, 30.0], "unit_cost": [10.0, 15.0]}
    )
    rules = product.find_associations(baskets, min_support_share=0.5)
    return {"baskets": baskets, "sales": sales, "four_prices": four, "asked": asked,
            "goods": goods, "rules": rules}  # fmt: skip


# every exported function of metrics and the chapters, called once; add yours here
CALLS = {
    "metrics.daily_kpis": lambda g: metrics.daily_kpis(g["tables"]),
    "metrics.bridge_revenue": lambda g: metrics.bridge_revenue(g["tables"]),
    "metrics.count_buyers": lambda g: metrics.count_buyers(g["tables"]),
    "metrics.summarize_by": lambda g: metrics.summarize_by(g["tables"], by="channel"),
    "analysis.goals.sum_weeks": lambda g: goals.sum_weeks(g["daily"]),
    "analysis.goals.forecast_baseline": lambda g: goals.forecast_baseline(
        g["daily"], g["events"], weeks=2
    ),
    "analysis.goals.backtest_baseline": lambda g: goals.backtest_baseline(
        g["daily"], g["events"], weeks=4, folds=2
    ),
    "analysis.goals.build_kpi_tree": lambda g: goals.build_kpi_tree(
        g["daily"], start="2024-07-01", compare_start="2024-01-01", days=91
    ),
    "analysis.goals.assess_target": lambda g: goals.assess_target(g["baseline"], target=1e3),
    "analysis.goals.plan_commitment": lambda g: goals.plan_commitment(
        g["baseline"], underage_cost=1.0, overage_cost=2.0
    ),
    "analysis.goals.price_commitment": lambda _: goals.price_commitment(
        1.0, 2.0, underage_cost=1.0, overage_cost=2.0
    ),
    "analysis.goals.cascade_target": lambda g: goals.cascade_target(
        g["baseline"], g["channels"], target=1e3, owners={"seo": "Ann"}
    ),
    "analysis.goals.plan_market_share": lambda _: goals.plan_market_share(
        sales=1.0, market=(8.0, 9.0, 10.0), market_growth=0.05, target_share=0.2, years=3
    ),
    "analysis.goals.write_goal_sheet": lambda g: goals.write_goal_sheet(
        g["key_results"], title="Goals"
    ),
    "analysis.market.plan_repricing": lambda g: market.plan_repricing(
        g["choice_fit"],
        g["choices"].head(2).assign(unit_cost=0.5, is_repriced=[True, False]),
        price="price",
        price_scale="linear",
    ),
    "analysis.market.draw_region_map": lambda g: market.draw_region_map(
        g["rated"].rename(columns={"item": "region_id"}), value="dear", unit="points"
    ),
    "analysis.market.forecast_taste": lambda g: market.forecast_taste(
        g["rated"].assign(
            region_id=range(6), units=[5.0, 6, 7, 8, 9, None], other_units=[9.0, 8, 7, 6, 5, None]
        ),
        by="dear",
    ),
    "analysis.market.plan_entry": lambda g: market.plan_entry(
        g["channels"]
        .rename(columns={"channel": "option", "amount": "cost"})
        .assign(multiple=1.0, relative_error=0.1),
        sales=100.0,
        sales_error=0.1,
        earned_share=0.2,
    ),
    "analysis.market.measure_agreement": lambda g: market.measure_agreement(
        g["ratings"], method="krippendorff"
    ),
    "analysis.market.measure_saturation": lambda g: market.measure_saturation(
        g["ratings"].rename(columns={"unit": "interview"})
    ),
    "analysis.market.find_themes": lambda g: market.find_themes(g["said"], themes=2),
    "analysis.market.compare_prices": lambda g: market.compare_prices(
        g["their_prices"], g["our_prices"]
    ),
    "analysis.market.track_prices": lambda g: market.track_prices(
        g["our_prices"].rename(columns={"sku": "item"})
    ),
    "analysis.market.compare_ranges": lambda g: market.compare_ranges(
        g["their_prices"].rename(columns={"competitor": "seller", "sku": "item"})
    ),
    "analysis.market.estimate_reaction": lambda g: market.estimate_reaction(g["rivalry"]),
    "analysis.market.measure_concentration": lambda g: market.measure_concentration(
        g["channels"].rename(columns={"channel": "seller"})
    ),
    "analysis.market.compare_voice": lambda g: market.compare_voice(
        *2 * [g["channels"].rename(columns={"channel": "seller"})]
    ),
    "analysis.market.map_positions": lambda g: market.map_positions(
        g["rated"], attributes=["dear", "green"]
    ),
    "analysis.market.map_counts": lambda g: market.map_counts(
        pd.crosstab(g["rated"]["item"], g["rated"]["dear"])
    ),
    "analysis.market.plan_sample": lambda _: market.plan_sample(margin_share=0.05),
    "analysis.market.allocate_sample": lambda g: market.allocate_sample(
        g["strata"], respondents=20, method="neyman"
    ),
    "analysis.market.estimate_stratified_mean": lambda g: market.estimate_stratified_mean(
        g["strata_answers"], g["strata"]
    ),
    "analysis.market.rake": lambda g: market.rake(
        g["strata_answers"], margins={"stratum": {"a": 0.5, "b": 0.5}}
    ),
    "analysis.market.estimate_weighted_mean": lambda g: market.estimate_weighted_mean(
        g["raking"], value="value"
    ),
    "analysis.market.size_market": lambda g: market.size_market(g["steps"]),
    "analysis.market.calibrate_answers": lambda g: market.calibrate_answers(g["pairs"]),
    "analysis.market.correct_answer": lambda g: market.correct_answer(
        g["calibration"], value=2.0, standard_error=0.1
    ),
    "analysis.market.fit_choice": lambda g: market.fit_choice(
        g["choices"], attributes=["price", "eco"], errors="clustered"
    ),
    "analysis.market.fit_mixed_choice": lambda g: market.fit_mixed_choice(
        g["choices"], attributes=["price", "eco"], spreads={"eco": "normal"}, draws=32
    ),
    "analysis.market.draw_tastes": lambda g: market.draw_tastes(
        g["mixed_fit"], g["choices"], draws=32
    ),
    "analysis.market.calibrate_tastes": lambda g: market.calibrate_tastes(
        g["tastes"], g["purchases"], attribute="eco"
    ),
    "analysis.market.predict_payers": lambda g: market.predict_payers(
        g["mixed_fit"], attribute="eco", log_price="price"
    ),
    "analysis.market.predict_shares": lambda g: market.predict_shares(
        g["choice_fit"], g["choices"].head(2)
    ),
    "analysis.market.estimate_willingness": lambda g: market.estimate_willingness(
        g["choice_fit"], price="price"
    ),
    "analysis.market.find_segments": lambda g: market.find_segments(
        g["tables"]["survey_answers"], traits=["orders_last_year"], segments=2, resamples=2
    ),
    "analysis.market.compare_segment_counts": lambda g: market.compare_segment_counts(
        g["tables"]["survey_answers"], traits=["orders_last_year"], counts=(2, 3), resamples=2
    ),
    "analysis.product.fit_bass": lambda g: product.fit_bass(g["line"]["adoptions"]),
    "analysis.product.stage_products": lambda g: product.stage_products(
        g["line"]["weekly"], g["line"]["goods"]
    ),
    "analysis.product.confuse_stages": lambda g: product.confuse_stages(
        g["line"]["stages"].table, g["line"]["stages"].table
    ),
    "analysis.product.advise_by_stage": lambda g: product.advise_by_stage(g["line"]["stages"]),
    "analysis.product.classify_products": lambda g: product.classify_products(
        g["line"]["by_period"]
    ),
    "analysis.product.map_growth_share": lambda g: product.map_growth_share(g["line"]["segments"]),
    "analysis.product.measure_switching": lambda g: product.measure_switching(g["line"]["panel"]),
    "analysis.product.watch_surges": lambda g: product.watch_surges(
        g["line"]["weekly"].rename(columns={"sku": "group"})
    ),
    "analysis.product.choose_assortment": lambda g: product.choose_assortment(
        g["line"]["goods"], places=2, switching=0.2
    ),
    "analysis.product.value_assortment": lambda g: product.value_assortment(
        g["line"]["goods"], ["a"], switching=0.2
    ),
    "analysis.product.list_best_sellers": lambda g: product.list_best_sellers(
        g["line"]["goods"], places=2
    ),
    "analysis.product.find_delist_candidates": lambda g: product.find_delist_candidates(
        g["line"]["goods"], years=1.0, switching_share=0.2
    ),
    "analysis.product.plan_delist_test": lambda g: product.plan_delist_test(
        g["line"]["goods"], periods=4
    ),
    "analysis.product.find_associations": lambda g: product.find_associations(
        g["lines"].rename(columns={"sku": "item"}), min_support_share=0.005
    ),
    "analysis.product.screen_associations": lambda g: product.screen_associations(
        g["rules"], g["baskets"]
    ),
    "analysis.product.find_price_range": lambda g: product.find_price_range(g["four_prices"]),
    "analysis.product.build_purchase_answers": lambda g: product.build_purchase_answers(
        g["four_prices"], prices=[10, 20]
    ),
    "analysis.product.estimate_demand_curve": lambda g: product.estimate_demand_curve(g["asked"]),
    "analysis.product.estimate_elasticity": lambda g: product.estimate_elasticity(g["sales"]),
    "analysis.product.estimate_cross_elasticity": lambda g: product.estimate_cross_elasticity(
        g["sales"], group="shelf"
    ),
    "analysis.product.plan_prices": lambda g: product.plan_prices(g["goods"], elasticity=-2.5),
    "analysis.product.build_price_ladder": lambda g: product.build_price_ladder(
        g["goods"], elasticity=-2.5
    ),
    "analysis.product.list_price_points": lambda _: product.list_price_points(
        lowest=10.0, highest=20.0
    ),
    "analysis.marketing.plan_test": lambda _: marketing.plan_test(base_share=0.1, lift_share=0.1),
    "analysis.marketing.plan_ratio_check": lambda _: marketing.plan_ratio_check(lost_share=0.1),
    "analysis.marketing.read_test": lambda g: marketing.read_test(g["outcomes"], control="A"),
    "analysis.marketing.adjust_outcomes": lambda g: marketing.adjust_outcomes(g["outcomes"]),
    "analysis.marketing.watch_test": lambda g: marketing.watch_test(
        g["outcomes"], control="A", expected_difference=0.1
    ),
    "analysis.marketing.compute_false_find_share": lambda _: marketing.compute_false_find_share(
        looks=2
    ),
    "analysis.marketing.judge_metrics": lambda g: marketing.judge_metrics(g["outcomes"]),
    "analysis.marketing.measure_qini": lambda g: marketing.measure_qini(g["outcomes"], resamples=5),
    "analysis.marketing.compare_targeting": lambda g: marketing.compare_targeting(
        g["outcomes"], features=["before", "score"]
    ),
    "analysis.marketing.collect_mail_days": lambda g: marketing.collect_mail_days(
        g["tables"]["email_sends"], g["tables"]["orders"], g["sessions"], since="2025-10-01"
    ),
    "analysis.marketing.measure_fatigue": lambda g: marketing.measure_fatigue(
        g["tables"]["email_sends"]
    ),
    "analysis.marketing.plan_mail_frequency": lambda g: marketing.plan_mail_frequency(
        g["fatigue"], value_per_open=0.1
    ),
    "analysis.marketing.estimate_launch": lambda g: [
        marketing.estimate_launch(g["panel"], treated="R1", start=9, method=method)
        for method in ("difference", "synthetic")
    ],
    "analysis.marketing.read_geo_test": lambda g: marketing.read_geo_test(g["panel"]),
    "analysis.marketing.compare_returns": lambda g: marketing.compare_returns(
        g["ladder"], margin_share=0.5
    ),
    "analysis.marketing.fit_click_curve": lambda g: marketing.fit_click_curve(g["clicks"]),
    "analysis.marketing.find_keyword_opportunities": lambda g: marketing.find_keyword_opportunities(
        g["clicks"], g["click_curve"], value_per_click=0.1
    ),
    "analysis.marketing.score_creators": lambda g: marketing.score_creators(
        g["tables"]["creator_posts"]
    ),
    "analysis.marketing.trace_posts": lambda g: marketing.trace_posts(g["fees"], lags=3),
    "analysis.marketing.collect_paths": lambda g: marketing.collect_paths(g["mix"]["visits"]),
    "analysis.marketing.attribute_paths": lambda g: [
        marketing.attribute_paths(g["mix"]["paths"], method=method) for method in ("last", "markov")
    ],
    "analysis.marketing.sum_media_weeks": lambda g: marketing.sum_media_weeks(
        g["mix"]["daily"], g["mix"]["ads"], g["mix"]["calendar"], outcome="sales", channels=["tv"]
    ),
    "analysis.marketing.list_controls": lambda g: marketing.list_controls(g["mix"]["weekly"]),
    "analysis.marketing.fit_mix": lambda g: marketing.fit_mix(
        g["mix"]["weekly"], outcome="sales", channels=["tv"]
    ),
    "analysis.marketing.allocate_budget": lambda g: marketing.allocate_budget(
        g["mix"]["fit"], total=90.0
    ),
    "analysis.screening.find_double_delivery": lambda g: screening.find_double_delivery(g["lines"]),
    "analysis.screening.find_currency_slip": lambda g: screening.find_currency_slip(g["lines"]),
    "analysis.screening.find_clock_shift": lambda g: screening.find_clock_shift(g["local"]),
    "analysis.screening.find_bots": lambda g: screening.find_bots(g["sessions"]),
    "schema.check": lambda g: schema.check(g["tables"]["orders"], "orders"),
    "schema.cast": lambda g: schema.cast(g["tables"]["orders"], "orders"),
    "schema.failures": lambda g: schema.failures(g["tables"]["orders"], "orders"),
    "store.check_store": lambda g: check_store(g["store"]),
    "store.assess_readiness": lambda g: assess_readiness(g["store"]),
}


@pytest.mark.parametrize("call", CALLS)
def test_inputs_are_left_as_they_were(given, call):
    before = {path: copy.deepcopy(frame) for path, frame in frames_in(given)}
    CALLS[call](given)
    for path, frame in frames_in(given):
        assert_frame_equal(frame, before[path], check_exact=True, obj=path)


def frames_in(value: object, path: str = "given") -> Iterator[tuple[str, pd.DataFrame]]:
    if isinstance(value, pd.DataFrame):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from frames_in(item, f"{path}.{key}")
    elif is_dataclass(value):
        for field in fields(value):
            yield from frames_in(getattr(value, field.name), f"{path}.{field.name}")


def test_a_changed_input_would_be_noticed(given):
    before = {path: copy.deepcopy(frame) for path, frame in frames_in(given)}
    given["channels"].loc[0, "amount"] += 1
    assert any(not frame.equals(before[path]) for path, frame in frames_in(given))
    given["channels"].loc[0, "amount"] -= 1


def test_every_exported_function_is_among_those_called():
    named = {f"{chapter}.{name}" for chapter in chapters() for name in exported(chapter)}
    assert named <= set(CALLS)
