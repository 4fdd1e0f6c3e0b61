"""What a row of an export is: a sale, a return, shipping, or nothing to be counted.

Rules stand in the mapping in order; the first whose every condition holds decides the row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecomlab.store.importers.problem import ImportProblem, nearest
from ecomlab.store.importers.roles import ACTIONS
from ecomlab.store.importers.texts import Texts

__all__ = ["Condition", "Rule", "holds", "read_rules"]

TESTS = (
    "equals", "not_equals", "matches", "not_matches",
    "below", "above", "at_least", "at_most", "empty",
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """One test of one column (a role, or a column of the export by its own name)."""

    column: str
    test: str
    value: Any


@dataclass(frozen=True)
class Rule:
    """What a row is where all conditions hold, and why."""

    when: tuple[Condition, ...]
    then: str
    reason: str


def read_rules(said: Any, title: str) -> tuple[Rule, ...]:
    """Return the rules of a mapping, checked."""
    if not isinstance(said, list) or not all(isinstance(entry, dict) for entry in said):
        raise ImportProblem(f"{title}: write each rule as a [[rules]] table.")
    return tuple(_rule(entry, f"{title}: rule {n}") for n, entry in enumerate(said, start=1))


def _rule(entry: dict[str, Any], where: str) -> Rule:
    for key in entry:
        if key not in ("when", "then", "reason"):
            hint = nearest(key, ("when", "then", "reason"))
            raise ImportProblem(f"{where}: {key!r} is not known.{hint}")
    then, reason = entry.get("then", ""), str(entry.get("reason", ""))
    if then not in ACTIONS:
        raise ImportProblem(f"{where}: then must be one of {', '.join(ACTIONS)}.")
    if not reason and then != "sale":
        raise ImportProblem(f"{where}: give a reason; it stands beside each row it decides.")
    when = entry.get("when")
    if not isinstance(when, dict) or not when:
        raise ImportProblem(
            f'{where}: needs conditions, such as when = {{ sku = {{ equals = "POST" }} }}.'
        )
    conditions = []
    for column, tests in when.items():
        tests = tests if isinstance(tests, dict) else {"equals": tests}
        for test, value in tests.items():
            conditions.append(Condition(column, test, _value(test, value, f"{where}, {column}")))
    return Rule(tuple(conditions), then, reason)


def _value(test: str, value: Any, where: str) -> Any:
    """Check a condition's value, and prepare it: texts folded, patterns compiled."""
    if test in ("equals", "not_equals"):
        listed = value if isinstance(value, list) else [value]
        return frozenset(_fold(str(v)) for v in listed)
    if test in ("matches", "not_matches"):
        try:
            return re.compile(str(value), re.IGNORECASE)
        except re.error as error:
            raise ImportProblem(f"{where}: {value!r} is not a pattern: {error}.") from error
    if test == "empty" and isinstance(value, bool):
        return value
    if test in ("below", "above", "at_least", "at_most") and isinstance(value, int | float):
        return float(value)
    raise ImportProblem(f"{where}: {test!r} = {value!r} is not a condition.{nearest(test, TESTS)}")


def holds(
    rule: Rule,
    *,
    text: Callable[[str], Texts],
    number: Callable[[str], np.ndarray],
) -> np.ndarray:
    """Return for each row whether all conditions of a rule hold.

    Parameters
    ----------
    rule
        The rule.
    text, number
        Give a column's texts, or its numbers with NaN where there is none.
    """
    masks = [_test(condition, text, number) for condition in rule.when]
    return np.logical_and.reduce(masks)


def _test(
    condition: Condition, text: Callable[[str], Texts], number: Callable[[str], np.ndarray]
) -> np.ndarray:
    value = condition.value
    compare = _COMPARE.get(condition.test)
    if compare is not None:
        with np.errstate(invalid="ignore"):
            return np.asarray(compare(number(condition.column), value))
    each: Mapping[str, Callable[[str], bool]] = {
        "equals": lambda t: _fold(t) in value,
        "not_equals": lambda t: _fold(t) not in value,
        "matches": lambda t: value.search(t) is not None,
        "not_matches": lambda t: value.search(t) is None,
        "empty": lambda t: (t == "") == value,
    }
    return text(condition.column).map(each[condition.test], "bool")


_COMPARE: Mapping[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "below": np.less,
    "above": np.greater,
    "at_least": np.greater_equal,
    "at_most": np.less_equal,
}


def _fold(text: str) -> str:
    return text.strip().casefold()
