"""What may be asked of a notebook: its parameters, declared in one cell, checked at the door.

In: the notebook's cell tagged ``parameters``, where each line is a literal assignment with
a type, and a comment that says what it means and what is allowed::

    horizon_days: int = 91  # days ahead to forecast [28, 366]
    method: str = "trend"  # how the baseline is made {trend, seasonal}
    since: str = ""  # first day to use, or empty for all <date>

Out: typed values, or a ``ParameterError``. The cell is read as text and never executed.
"""

from __future__ import annotations

import ast
import difflib
import io
import math
import re
import tokenize
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = [
    "TAG",
    "Parameter",
    "ParameterError",
    "Value",
    "parse_values",
    "read_parameters",
    "split_assignments",
]

TAG = "parameters"
MAX_TEXT = 1000  # characters of one value; longer is a mistake or an attack
Value = int | float | bool | str

_KINDS: dict[str, type[Value]] = {"int": int, "float": float, "bool": bool, "str": str}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_RANGE = re.compile(r"\[([^\[\],]+),([^\[\],]+)\]\s*$")
_CHOICES = re.compile(r"\{([^{}]+)\}\s*$")
_DATE_MARK = re.compile(r"<date>\s*$")
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # they make text read as what it is not


class ParameterError(ValueError):
    """A parameter is declared wrongly, is not known, or has a value it cannot have."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One thing that may be asked of a notebook.

    ``kind`` is ``int``, ``float``, ``bool``, ``str`` or ``date`` (ISO text, empty where the
    default is empty). ``low`` and ``high`` are inclusive; empty ``choices`` means any text.
    """

    name: str
    kind: str
    default: Value
    help: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        """Return the value that a text stands for.

        Raises
        ------
        ParameterError
            Where the text is not a value of this kind, or is outside what is allowed.

        Examples
        --------
        >>> days = Parameter(name="days", kind="int", default=91, low=28, high=366)
        >>> days.parse("28")
        28
        >>> days.parse("1e2")
        Traceback (most recent call last):
        ...
        ecomlab.reports.parameters.ParameterError: days: '1e2' is not a whole number. \
Write digits only, as in days=91.
        """
        if not isinstance(text, str):
            raise ParameterError(f"{self.name}: give text, as on a command line, not {text!r}.")
        if flaw := _flaw_of_text(text):
            raise ParameterError(f"{self.name}: the value {flaw}. Type it again by hand.")
        value = self._read(text)
        self._confine(value)
        return value

    def _read(self, text: str) -> Value:
        if self.kind == "int":
            if not _INTEGER.fullmatch(text):
                raise self._wrong(text, "a whole number", "Write digits only")
            return int(text)
        if self.kind == "float":
            if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
                raise self._wrong(text, "a number", "Write digits with a point")
            return float(text)
        if self.kind == "bool":
            if text not in {"true", "True", "false", "False"}:
                raise self._wrong(text, "true or false", "Write true or false")
            return text.lower() == "true"
        if self.kind == "date" and not (text == "" and self.default == ""):
            return self._read_day(text)
        return text

    def _read_day(self, text: str) -> str:
        try:
            if not _DAY.fullmatch(text):
                raise ValueError
            date.fromisoformat(text)
        except ValueError:
            raise self._wrong(text, "a day", "Write year, month, day") from None
        return text

    def _wrong(self, text: str, wanted: str, remedy: str) -> ParameterError:
        example = str(self.default).lower() if self.kind == "bool" else str(self.default)
        if self.kind == "date":
            example = example or "2024-01-31"
        return ParameterError(
            f"{self.name}: {text!r} is not {wanted}. {remedy}, as in {self.name}={example}."
        )

    def _confine(self, value: Value) -> None:
        """Refuse a value outside the range or the choices."""
        if self.choices and value not in self.choices:
            near = _nearest(str(value), self.choices)
            raise ParameterError(
                f"{self.name}: {value!r} is not one of {', '.join(self.choices)}.{near}"
            )
        if isinstance(value, str):
            return
        if (self.low is not None and value < self.low) or (
            self.high is not None and value > self.high
        ):
            raise ParameterError(
                f"{self.name}: {value} is outside its range. "
                f"Choose from {self.low:g} to {self.high:g}."
            )


def read_parameters(notebook: NotebookNode) -> tuple[Parameter, ...]:
    """Return the parameters a notebook declares, in their order.

    Parameters
    ----------
    notebook
        With at most one cell tagged ``parameters``, of literal assignments with a type each.

    Raises
    ------
    ParameterError
        Where there are several such cells, or a line is anything but a literal assignment.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> cell = new_code_cell("seed: int = 7  # of the draw [0, 99]", metadata={"tags": [TAG]})
    >>> read_parameters(new_notebook(cells=[cell]))[0].high
    99.0
    """
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and TAG in cell.metadata.get("tags", ())
    ]
    if len(cells) > 1:
        raise ParameterError(f"{len(cells)} cells are tagged '{TAG}'. Keep one, with all of them.")
    found = tuple(_declared(cells[0].source)) if cells else ()
    names = [parameter.name for parameter in found]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ParameterError(f"{min(doubled)} is declared twice. Keep one line.")
    return found


def parse_values(parameters: Iterable[Parameter], values: Mapping[str, str]) -> dict[str, Value]:
    """Return typed values for texts as they come from a command line.

    Parameters
    ----------
    parameters
        What may be asked.
    values
        Text by parameter name; what is not named keeps its default and is not returned.

    Raises
    ------
    ParameterError
        Where a name is not known (with the nearest one that is) or a value is not allowed.

    Examples
    --------
    >>> seed = Parameter(name="seed", kind="int", default=7)
    >>> parse_values([seed], {"seed": "3"})
    {'seed': 3}
    >>> parse_values([seed], {"sede": "3"})
    Traceback (most recent call last):
    ...
    ecomlab.reports.parameters.ParameterError: No parameter is named 'sede'. \
Did you mean seed? There is: seed.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in values:
        if name not in known:
            listed = ", ".join(known) or "none at all"
            raise ParameterError(
                f"No parameter is named {name!r}.{_nearest(str(name), known)} There is: {listed}."
            )
    return {name: known[name].parse(text) for name, text in values.items()}


def split_assignments(assignments: Iterable[str]) -> dict[str, str]:
    """Return names and texts from ``NAME=VALUE`` arguments; a name may come once only.

    Examples
    --------
    >>> split_assignments(["seed=3", "label=a=b"])
    {'seed': '3', 'label': 'a=b'}
    """
    values: dict[str, str] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ParameterError(f"{assignment!r} has no '='. Write NAME=VALUE, as in seed=3.")
        if name in values:
            raise ParameterError(f"{name} is given twice. Give it once.")
        values[name] = text
    return values


def _declared(source: str) -> Iterator[Parameter]:
    """Read the declarations of a parameters cell without executing them."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(
            f"The cell tagged '{TAG}' is not Python (its line {error.lineno}: {error.msg}). "
            f"Write lines such as  days: int = 91  # days ahead [28, 366]"
        ) from None
    comments = _comments(source)
    for statement in body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring
        lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        yield _declaration(statement, " ".join(comments[n] for n in lines if n in comments))


def _declaration(statement: ast.stmt, comment: str) -> Parameter:
    if (
        not isinstance(statement, ast.AnnAssign)
        or not isinstance(statement.target, ast.Name)
        or not isinstance(statement.annotation, ast.Name)
        or statement.annotation.id not in _KINDS
        or statement.value is None
    ):
        raise ParameterError(
            f"Line {statement.lineno} of the cell tagged '{TAG}' is not a declaration. "
            f"Write  name: int = 91  # help [28, 366]  with int, float, bool or str."
        )
    name, kind = statement.target.id, statement.annotation.id
    try:
        default = cast(Value, ast.literal_eval(statement.value))
    except ValueError:
        raise ParameterError(
            f"{name}: the default is not a plain value. Write a literal."
        ) from None
    if type(default) is not _KINDS[kind] and not (kind == "float" and type(default) is int):
        raise ParameterError(f"{name}: the default {default!r} is not {kind}. Make them agree.")
    return _with_rules(Parameter(name=name, kind=kind, default=default), comment)


def _comments(source: str) -> dict[int, str]:
    """Return the comment of each line, without its mark."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def _with_rules(plain: Parameter, comment: str) -> Parameter:
    """Read help, range, choices or the date mark from a comment."""
    kind, low, high = plain.kind, None, None
    choices: tuple[str, ...] = ()
    if (found := _RANGE.search(comment)) and kind in {"int", "float"}:
        low, high = _bounds(plain.name, found)
    elif (found := _CHOICES.search(comment)) and kind == "str":
        choices = tuple(choice.strip() for choice in found[1].split(","))
    elif (found := _DATE_MARK.search(comment)) and kind == "str":
        kind = "date"
    words = (comment[: found.start()] if found else comment).strip()
    ruled = Parameter(
        name=plain.name,
        kind=kind,
        default=plain.default,
        help=words,
        low=low,
        high=high,
        choices=choices,
    )
    ruled._confine(plain.default)
    return ruled


def _bounds(name: str, found: re.Match[str]) -> tuple[float, float]:
    try:
        low, high = float(found[1]), float(found[2])
    except ValueError:
        raise ParameterError(f"{name}: {found[0]} is not a range. Write it as [28, 366].") from None
    if not low <= high:
        raise ParameterError(f"{name}: the range {found[0]} is upside down.")
    return low, high


def _flaw_of_text(text: str) -> str:
    """Say what makes a text unfit to be passed on, if anything."""
    if len(text) > MAX_TEXT:
        return f"is {len(text):,} characters long; {MAX_TEXT:,} are allowed"
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in {"Cc", "Cs"} or ord(character) in _BIDI:
            return f"holds a hidden character (U+{ord(character):04X}, number {position})"
    return ""


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else ""
