"""The simulator's pages say what the code does: names, pictures, plans and examples."""

from __future__ import annotations

import importlib
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
import yaml

from ecomlab.simulator import Experiment, Plan, load_scenario, presets, simulate
from ecomlab.simulator.loop import MECHANISMS
from ecomlab.simulator.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
DOOR = ROOT / "docs" / "simulator.md"
PAGES = sorted((ROOT / "docs" / "simulator").glob("*.md"))
ALL = [DOOR, *PAGES]


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the examples in a language: page and text."""
    fence = re.compile(rf"```{language}\n(.*?)```", re.S)
    return [(page.name, one) for page in ALL for one in fence.findall(text_of(page))]


def quoted(page: Path) -> set[str]:
    """Return what a page has in code font."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text_of(page), flags=re.S)))


@pytest.fixture
def script(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("draw_simulator")


def test_the_table_of_mechanisms_is_the_one_the_code_declares(script):
    assert script.with_table(text_of(DOOR)) == text_of(DOOR), "run scripts/draw_simulator.py"
    assert script.mechanism_table() in text_of(DOOR)


def test_every_mechanism_is_told_on_a_page(script):
    told = set().union(*map(quoted, PAGES))
    told |= set(re.findall(r"`(\w+)`", text_of(DOOR).replace(script.mechanism_table(), "")))
    assert {one.name for one in MECHANISMS} <= told


def test_every_picture_is_shown_once_and_every_one_shown_is_there(script):
    shown = [
        (page.parent / path).resolve()
        for page in ALL
        for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text_of(page))
    ]
    there = sorted((ROOT / "docs" / "simulator" / "pictures").iterdir())
    assert sorted(shown) == there
    assert {file.stem for file in there} == set(script.DRAWN)
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in there)


def test_every_picture_has_its_finding_as_text():
    for page in ALL:
        for words in re.findall(r"!\[([^\]]*)\]", text_of(page)):
            assert len(words) > 20, f"{page.name}: run scripts/draw_simulator.py"


def test_presets_levers_traps_truth_and_kinds_of_experiments_are_named():
    words = quoted(DOOR)
    truth = simulate("tiny", people=200, days=20).truth
    kinds = get_args(Experiment.model_fields["kind"].annotation)
    for group in (presets(), Plan.model_fields, load_scenario("tiny").traps.model_dump(),
                  truth, kinds):  # fmt: skip
        assert set(group) <= words, set(group) - words


def parameter(scenario: Scenario, name: str) -> object:
    """Return a parameter by its path, ``<name>`` standing for any entry."""
    value: object = scenario.model_dump()
    for step in name.split("."):
        assert isinstance(value, dict), name
        value = value[next(iter(value)) if step == "<name>" else step]
    return value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_parameters_and_tests_that_a_page_names_exist(page):
    world = load_scenario("cn_platform")
    named = {n for n in quoted(page) if re.fullmatch(r"[a-z]+(\.(<name>|[a-z_0-9]+))+", n)}
    parameters = {n for n in named if n.split(".")[0] in Scenario.model_fields}
    assert parameters
    for name in parameters:
        parameter(world, name)
    tests = {n for n in quoted(page) if n.startswith("test_")}
    known = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("*.py"))
    assert tests
    assert {n for n in tests if f"def {n}(" not in known} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_an_equation_a_picture_and_what_misleads(page):
    text = text_of(page)
    assert page.name in text_of(DOOR)
    for part in ("```text", "](pictures/", "**What a naive analyst concludes.**", "**Tests.**"):
        assert part in text, part


@pytest.mark.parametrize("example", blocks("yaml"), ids=lambda one: one[1].split(":")[0])
def test_the_plans_shown_fit_the_western_preset(example):
    plan = Plan.from_dict(yaml.safe_load(example[1]))
    plan.check(load_scenario("west_d2c"), days=730)


def test_every_lever_is_shown_in_a_plan():
    shown = {lever for _, text in blocks("yaml") for lever in yaml.safe_load(text)}
    assert shown == set(Plan.model_fields)


@pytest.mark.parametrize("example", blocks("python"), ids=lambda one: one[1].split("(")[0][-12:])
def test_the_examples_run(example):
    exec(compile(example[1], example[0], "exec"), {})


def test_links_between_pages_lead_somewhere():
    for page in ALL:
        for path in re.findall(r"\]\(([^)#]+\.md)\)", text_of(page)):
            assert (page.parent / path).exists(), f"{page.name}: {path}"
