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

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ecomlab import metrics, schema
from ecomlab.analysis import goals, screening
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
    return {
        "tables": tables, "daily": daily, "events": events, "lines": lines, "local": local,
        "sessions": tables["sessions"], "key_results": key_results, "channels": channels,
        "baseline": goals.forecast_baseline(daily, events, weeks=4), "store": tiny,
    }  # fmt: skip


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
