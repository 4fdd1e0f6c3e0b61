"""The strict door: what a notebook declares, and what may be asked of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecomlab.reports import Parameter, ParameterError, parse_values, read_parameters
from ecomlab.reports.parameters import split_assignments

from .conftest import PUBLISH, make_notebook

CELL = '''"""What may be changed."""
store: str = "../stores/demo"  # folder of the store
seed: int = 7  # seed of the draws [0, 1000000]
growth: float = 0.10  # growth wanted [-0.5, 1.0]
market_sales: float = (
    0.0  # the market's sales a year, 0 if unknown [0, 1e13]
)
calm: bool = False  # leave out the noise
method: str = "trend"  # how the baseline is made {trend, seasonal}
since: str = ""  # first day to use, or empty for all <date>
label: str = "plain"  # any text
'''


@pytest.fixture(scope="module")
def declared() -> dict[str, Parameter]:
    found = read_parameters(make_notebook(PUBLISH, parameters=CELL))
    return {parameter.name: parameter for parameter in found}


def test_a_declaration_is_read_with_help_range_choices_and_kind(declared):
    names = ["store", "seed", "growth", "market_sales", "calm", "method", "since", "label"]
    assert list(declared) == names
    assert declared["seed"].help == "seed of the draws"
    assert (declared["growth"].low, declared["growth"].high) == (-0.5, 1.0)
    assert declared["market_sales"].high == 1e13
    assert declared["method"].choices == ("trend", "seasonal")
    assert [p.kind for p in declared.values()] == (
        ["str", "int", "float", "float", "bool", "str", "date", "str"]
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("seed = 7", "is not a declaration"),
        ("seed: int = 3 + 4", "not a plain value"),
        ("seed: int = 7.0", "Make them agree"),
        ("seed: bool = 1", "Make them agree"),
        ("seed: list = []", "is not a declaration"),
        ("a.b: int = 7", "is not a declaration"),
        ("seed: int", "is not a declaration"),
        ("import os", "is not a declaration"),
        ("seed: int = 7\nseed: int = 8", "declared twice"),
        ("seed: int = 7  # low [8, 9]", "outside its range"),
        ("seed: int = 7  # odd [9, 1]", "upside down"),
        ("seed: int = 7  # odd [a, b]", "is not a range"),
        ('method: str = "c"  # how {a, b}', "is not one of"),
        ("seed: int = ", "is not Python"),
    ],
)
def test_a_wrong_declaration_is_refused_in_words(line, words):
    with pytest.raises(ParameterError, match=words):
        read_parameters(make_notebook(PUBLISH, parameters=line))


def test_the_parameters_cell_is_never_executed(tmp_path):
    trap = f'x: int = open({str(tmp_path / "trap")!r}, "w").write("")'
    with pytest.raises(ParameterError):
        read_parameters(make_notebook(PUBLISH, parameters=trap))
    assert not (tmp_path / "trap").exists()


def test_two_parameters_cells_are_refused():
    made = make_notebook(PUBLISH, parameters=CELL)
    made.cells.append(made.cells[1])
    with pytest.raises(ParameterError, match="2 cells are tagged"):
        read_parameters(made)


GOOD = {
    "seed": ("0", 0),
    "growth": ("-2.5e-1", -0.25),
    "market_sales": ("100", 100.0),
    "calm": ("true", True),
    "method": ("seasonal", "seasonal"),
    "since": ("2024-02-29", "2024-02-29"),
    "label": ("a=b 中文 ‘x’ 🛒 \\ ' \" { } $", "a=b 中文 ‘x’ 🛒 \\ ' \" { } $"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_value_arrives_with_its_type(declared, name):
    text, value = GOOD[name]
    (got,) = parse_values(declared.values(), {name: text}).values()
    assert got == value and type(got) is type(value)


def test_false_is_false_and_not_a_text_that_counts_as_true(declared):
    assert parse_values(declared.values(), {"calm": "false"}) == {"calm": False}


# What papermill made of these, unasked: 3.1 in the reliability notes, in that order.
REFUSED = [
    ("x=1; import os; os.system('true'); y", "1", "No parameter is named"),
    ("class", "1", "No parameter is named"),
    ("a-b", "1", "No parameter is named"),
    ("print", "1", "No parameter is named"),
    ("sede", "3", "Did you mean seed"),
    ("Seed", "3", "Did you mean seed"),
    ("seed", "00123", "whole number"),
    ("seed", "1_000", "whole number"),
    ("seed", "1e5", "whole number"),
    ("growth", "nan", "is not a number"),
    ("growth", "infinity", "is not a number"),
    ("growth", "1e999", "is not a number"),
    ("seed", "١٢٣", "whole number"),
    ("seed", "None", "whole number"),
    ("seed", " 7 ", "whole number"),
    ("seed", "", "whole number"),
    ("calm", "no", "true or false"),
    ("calm", "1", "true or false"),
    ("since", "12:30", "is not a day"),
    ("since", "2023-02-29", "is not a day"),
    ("since", "~", "is not a day"),
    ("seed", "!!python/object/apply:os.system ['true']", "whole number"),
    ("seed", "[1, 2]", "whole number"),
    ("seed", "1000001", "outside its range"),
    ("seed", "-1", "outside its range"),
    ("method", "trends", "Did you mean trend"),
    ("label", "\ud800", "hidden character"),
    ("label", "a\x00b", "hidden character"),
    ("label", "a\u202eb", "hidden character"),
    ("label", "a\nb", "hidden character"),
    ("label", "x" * 1001, "characters long"),
    *[("seed", odd, "give text")
      for odd in [(1, 2), np.int64(3), Decimal("3"), dt.date(2024, 1, 1), pd.Timestamp(0), pd.NaT,
                  Path("x"), np.bool_(True), {1: 2, "a": 3}, None, 3]],
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "words"), REFUSED)
def test_a_bad_name_or_value_is_refused_in_words(declared, name, text, words):
    with pytest.raises(ParameterError, match=words) as refusal:
        parse_values(declared.values(), {name: text})
    assert refusal.value.args[0].startswith((f"{name}:", "No parameter"))


def test_a_bomb_of_aliases_is_only_text(declared):
    bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\n".replace("\n", "; ")
    assert parse_values(declared.values(), {"label": bomb}) == {"label": bomb}


def test_a_name_given_twice_or_without_a_value_is_refused():
    with pytest.raises(ParameterError, match="seed is given twice"):
        split_assignments(["seed=1", "seed=2"])
    with pytest.raises(ParameterError, match="has no '='"):
        split_assignments(["seed"])
