"""Imports point one way, files stay small, and private names stay at home.

Every rule is a function from one source file to the complaints about it. Below each stand a
test over the package and the small bad examples that prove that the rule bites.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ecomlab"

# who may import whom (architecture.md); types count as much as code: a name is knowledge
GROUND = {"schema", "result", "stats", "frames", "plotting", "events", "dictionary"}
ALLOWED: dict[str, set[str]] = {
    "schema": set(),
    "result": set(),
    "stats": set(),
    "frames": set(),
    "plotting": set(),
    "events": set(),
    "dictionary": {"schema"},
    "store": {"schema"},
    "metrics": {"schema", "store"},
    "simulator": {"schema", "store", "events"},
    "analysis": {"schema", "result", "stats", "frames", "plotting", "events"},
    "reports": GROUND | {"store"},
    "course": GROUND | {"store", "simulator", "metrics", "analysis", "reports"},
    "cli": GROUND | {"store", "simulator", "metrics", "analysis", "reports", "course"},
    "": {"store", "simulator"},  # ecomlab/__init__.py: the door
}
# what only those may see who compare answers with the truth
TRUTH = {"ecomlab.simulator.truth", "ecomlab.simulator.score", "ecomlab.store.sealing"}
KNOWS_TRUTH = ("simulator", "store", "course.checks", "course.keys", "cli")
# rule 5 of style.md
NAMELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "core", "tools"}
MAX_CODE_LINES, MAX_BODY_LINES = 400, 40
LONG_ON_PURPOSE = {"schema"}  # one definition of every table


@dataclass(frozen=True)
class Source:
    """One file of the package: its dotted name below ``ecomlab`` and its text."""

    name: str
    text: str
    is_package: bool = False

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def part(self) -> str:
        return self.name.split(".")[0]


def read(path: Path) -> Source:
    words = path.relative_to(PACKAGE).with_suffix("").parts
    is_package = words[-1] == "__init__"
    name = ".".join(words[:-1] if is_package else words)
    return Source(name, path.read_text("utf-8"), is_package)


SOURCES = [read(path) for path in sorted(PACKAGE.rglob("*.py"))]
MODULES = {f"ecomlab.{source.name}".rstrip(".") for source in SOURCES}


def imported(source: Source) -> Iterator[tuple[str, str]]:
    """Yield module and name of every import of the package, whatever its form and place."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(source, node)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield (whole, "") if whole in MODULES else (base, alias.name)
        elif is_dynamic_import(node):
            yield node.args[0].value, ""


def absolute(source: Source, node: ast.ImportFrom) -> str:
    """Return the module that a relative import means."""
    if not node.level:
        return node.module or ""
    words = ["ecomlab", *source.name.split(".")]
    keep = len(words) - node.level + source.is_package
    return ".".join([*words[:keep], *([node.module] if node.module else [])])


def is_dynamic_import(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
        return False
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__") and isinstance(node.args[0].value, str)


def wrong_directions(source: Source) -> Iterator[str]:
    for module, name in imported(source):
        words = module.split(".")
        if words[0] != "ecomlab":
            continue
        # the door hands out the store and the simulator
        parts = set(words[1:2]) or {"store", "simulator"}
        if source.name and not parts <= ALLOWED[source.part] | {source.part}:
            yield f"{source.name} imports {module} {name}".rstrip()
        if not source.name and not parts <= ALLOWED[""]:
            yield f"ecomlab imports {module} {name}".rstrip()


def chapters_seen(source: Source) -> Iterator[str]:
    """A chapter sees itself and what lies below analysis, no other chapter."""
    words = source.name.split(".")
    if words[0] != "analysis" or len(words) < 2:
        return
    for module, name in imported(source):
        if not f"{module}.".startswith("ecomlab.analysis."):
            continue
        seen = (module.split(".")[2:] or [name])[0]
        if seen != words[1]:
            yield f"{source.name} sees the chapter {seen}"


def peeks(source: Source) -> Iterator[str]:
    if source.name.startswith(KNOWS_TRUTH):
        return
    yield from (f"{source.name} imports {m}" for m, _ in imported(source) if m in TRUTH)


def private_names(source: Source) -> Iterator[str]:
    for module, name in imported(source):
        if module.split(".")[0] == "ecomlab":
            words = [*module.split("."), name]
            if any(word.startswith("_") and not word.startswith("__") for word in words):
                yield f"{source.name} imports {module} {name}".rstrip()


def missing_all(source: Source) -> Iterator[str]:
    body = source.tree.body
    has_code = any(
        not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in body
    )
    named = [t.id for n in body if isinstance(n, ast.Assign) for t in n.targets
             if isinstance(t, ast.Name)]  # fmt: skip
    if has_code and "__all__" not in named:
        yield f"{source.name} has no __all__"


def code_in_init(source: Source) -> Iterator[str]:
    if not source.is_package or not source.name:  # the door is lazy, and says so
        return
    for node in source.tree.body:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        if is_import and any(alias.name == "*" for alias in node.names):
            yield f"{source.name} imports *"
        if not (is_text or is_all or is_import):
            yield f"{source.name}/__init__.py holds code: {ast.unparse(node)[:40]}"


def nameless(source: Source) -> Iterator[str]:
    if NAMELESS & set(source.name.split(".")):
        yield f"{source.name}: name the file for what it knows"


def too_long(source: Source) -> Iterator[str]:
    if (lines := code_lines(source)) > MAX_CODE_LINES and source.name not in LONG_ON_PURPOSE:
        yield f"{source.name} has {lines} lines of code"


def code_lines(source: Source) -> int:
    """Count the lines that hold code: no blank ones, comments or docstrings."""
    idle = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
            tokenize.ENCODING, tokenize.ENDMARKER}  # fmt: skip
    busy = set()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type not in idle:
            busy.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(source.tree):
        if text := docstring_of(node):
            busy -= set(range(text.lineno, text.end_lineno + 1))
    return len(busy)


def docstring_of(node: ast.AST) -> ast.Expr | None:
    body = getattr(node, "body", None)
    if not isinstance(body, list) or not body or not isinstance(body[0], ast.Expr):
        return None
    value = body[0].value
    return body[0] if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def long_bodies(source: Source) -> Iterator[str]:
    if source.name.startswith("simulator.kernels."):  # one loop, compiled as a whole
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if docstring_of(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            if lines > MAX_BODY_LINES:
                yield f"{source.name}.{node.name} has a body of {lines} lines"


RULES = [
    wrong_directions, chapters_seen, peeks, private_names, missing_all, code_in_init, nameless,
    too_long, long_bodies,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_is_free_of(rule):
    assert [complaint for source in SOURCES for complaint in rule(source)] == []


def test_every_part_of_the_package_has_its_place_in_the_order():
    assert {source.part for source in SOURCES} <= set(ALLOWED)


def test_the_allowed_order_has_no_cycle():
    left = {part: set(below) for part, below in ALLOWED.items()}
    while free := [part for part, below in left.items() if not below]:
        for part in free:
            del left[part]
        left = {part: below - set(free) for part, below in left.items()}
    assert not left


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("analysis.goals", "from ecomlab.store import open_store"),
        ("analysis.goals", "from ecomlab.store.store import Store"),
        ("analysis.goals", "import ecomlab.store"),
        ("analysis.goals", "import ecomlab.store.store as s"),
        ("analysis.goals", "from ecomlab import store"),
        ("analysis.goals", "from ecomlab import open_store"),
        ("analysis.goals", "import ecomlab"),
        ("analysis.goals", "from .. import store"),
        ("analysis.goals", "from ..store import open_store"),
        ("analysis.goals.tree", "from ...store import open_store"),
        ("analysis.goals", "def f():\n    from ecomlab.store import open_store"),
        ("analysis.goals", "if TYPE_CHECKING:\n    from ecomlab.store import Store"),
        ("analysis.goals", "import importlib\nimportlib.import_module('ecomlab.store')"),
        ("analysis.goals", "__import__('ecomlab.simulator.truth')"),
        ("analysis.goals", "from ecomlab.metrics import daily_kpis"),
    ],
)
def test_every_form_of_import_is_seen(name, line):
    assert [*wrong_directions(Source(name, line))]


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (wrong_directions, "schema", "from ecomlab.stats import LEVEL"),
        (wrong_directions, "plotting", "from ecomlab.stats import LEVEL"),
        (wrong_directions, "store.store", "from ecomlab.simulator import simulate"),
        (wrong_directions, "metrics.daily", "from ecomlab.simulator import simulate"),
        (wrong_directions, "reports.page", "from ecomlab.course import build"),
        (wrong_directions, "reports.page", "from ecomlab.simulator import simulate"),
        (wrong_directions, "course.build", "from ecomlab.cli import main"),
        (chapters_seen, "analysis.goals", "from ecomlab.analysis.market import rake"),
        (chapters_seen, "analysis.goals.tree", "from ecomlab.analysis import market"),
        (chapters_seen, "analysis.goals.tree", "from ..market import rake"),
        (chapters_seen, "analysis.goals", "import ecomlab.analysis.market"),
        (peeks, "analysis.goals", "from ecomlab.simulator.truth import tell_truth"),
        (peeks, "course.lesson", "from ecomlab.store import sealing"),
        (private_names, "metrics.daily", "from ecomlab.schema import _text"),
        (private_names, "metrics.daily", "from ecomlab.store._secret import x"),
        (missing_all, "metrics.daily", "x = 1"),
        (nameless, "metrics.utils", ""),
        (nameless, "common.daily", ""),
        (too_long, "metrics.daily", "x = 1\n" * 401),
        (long_bodies, "metrics.daily", "def f():\n" + "    x = 1\n" * 41),
        (long_bodies, "metrics.daily", "class A:\n  def f(self):\n" + "    x = 1\n" * 41),
    ],
)
def test_the_rule_bites(rule, name, text):
    assert [*rule(Source(name, text))]


@pytest.mark.parametrize("text", ["x = 1", "from ecomlab.metrics.daily import *", "def f(): pass"])
def test_code_in_a_package_file_is_seen(text):
    assert [*code_in_init(Source("metrics", text, is_package=True))]


def test_comments_docstrings_and_blank_lines_are_no_code():
    text = (
        '"""Say\nmuch.\n"""\n\n# why\nx = (\n    1\n)\n\n\ndef f():\n    """Do."""\n    return x\n'
    )
    assert code_lines(Source("metrics.daily", text)) == 5
