"""The checks of exercises: right on any store, and a name for the usual wrong ways."""

import json
from functools import lru_cache
from pathlib import Path

import jupytext
import pytest

from ecomlab.course import grade, open_exercise
from ecomlab.course.build import read_source, trainee_copy
from ecomlab.course.checks import questions_of
from ecomlab.course.trainees import make_personal_store, trainee_seed
from ecomlab.reports import execute
from ecomlab.store import open_store

ROOT = Path(__file__).resolve().parents[2]
EXERCISES = sorted(path.stem for path in (ROOT / "exercises" / "source").glob("*.py"))
SECRET = "a class of two for the tests"


@lru_cache
def store_of(folder: Path, trainee: str) -> Path:
    make_personal_store(folder, secret=SECRET, trainee=trainee, people=10_000, days=800)
    return folder / trainee


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("class")


def run_solutions(exercise: str, store: Path) -> dict:
    """Run an exercise's source, solutions and all, and return what it left behind."""
    space: dict = {"__name__": "exercise"}
    for cell in jupytext.read(ROOT / "exercises" / "source" / f"{exercise}.py").cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, exercise, "exec"), space)
            if "parameters" in cell.metadata.get("tags", ()):
                space["store"] = str(store)
    return space


@pytest.mark.parametrize("trainee", ["ada", "grace"])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_solutions_pass_every_check_on_a_store_of_ones_own(exercise, trainee, home):
    space = run_solutions(exercise, store_of(home, trainee))
    check = space["check"]
    shown = [n for n, q in check.questions.items() if not q.is_hidden]
    assert check.passed == dict.fromkeys(shown, True)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_each_usual_mistake_gets_its_own_explanation(exercise, home):
    store = open_store(store_of(home, "ada"))
    check = open_exercise(exercise, store)
    heard = 0
    for question in questions_of(exercise):
        right = question.solve(store)
        for mistake in () if question.is_hidden else question.mistakes:
            value = mistake.compute(store)
            check(question.number, value)
            said = check(question.number, value)  # the hint comes with the second miss
            if said.is_right:  # in this store the wrong way leads to the right answer
                alike = value == right or value == pytest.approx(right, rel=question.tolerance)
                assert question.judge or alike
                continue
            known = {m.explanation for m in question.mistakes}
            assert said.message in known and said.hint == question.hint
            heard += 1
    assert heard >= 2 * len(questions_of(exercise)) - 4


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_question_has_two_misconceptions_a_hint_and_a_prompt(exercise):
    text = (ROOT / "exercises" / "source" / f"{exercise}.py").read_text(encoding="utf-8")
    for question in questions_of(exercise):
        assert question.is_hidden or len(question.mistakes) >= 2
        assert question.hint and f'check("{question.number}", answer)' in text


def test_slips_of_unit_and_sign_are_named(home):
    store = open_store(store_of(home, "ada"))
    check = open_exercise("00_meet_the_store", store)
    right = float(questions_of("00_meet_the_store")[0].solve(store))
    assert "percentage" in check("00.1", right * 100).message
    assert "wrong sign" in check("00.1", -right).message
    assert "No answer yet" in check("00.1", ...).message
    assert "empty value" in check("00.1", float("nan")).message
    assert "list" in check("00.1", [1]).message
    assert check("00.1", 0.123456).state == "not yet"
    with pytest.raises(ValueError, match="not a question"):
        check("00.9", 1)


def test_the_summary_never_says_all_while_hidden_checks_remain(home):
    check = run_solutions("01_goal_setting", store_of(home, "ada"))["check"]
    assert check.summary() == "6 of 6 checks passed. 1 more is checked by your instructor."
    assert "right" not in check("01.7", 0.5).message


def test_the_instructor_grades_hidden_questions_too(home):
    store = open_store(store_of(home, "ada"))
    hidden = next(q for q in questions_of("01_goal_setting") if q.is_hidden)
    table = grade("01_goal_setting", store, {hidden.number: hidden.solve(store)})
    row = table.set_index("question").loc[hidden.number]
    assert row["is_hidden"] and row["state"] == "right"
    assert (table["state"] == "open").sum() == len(table) - 1


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_trainees_copy_runs_before_anything_is_answered(exercise, home):
    copy = trainee_copy(ROOT / "exercises" / "source" / f"{exercise}.py")
    ran = execute(
        copy, cwd=ROOT / "exercises", parameters={"store": str(store_of(home, "ada"))},
        needs_card=False,
    )  # fmt: skip
    shown = [o.data["text/plain"] for c in ran.cells for o in c.get("outputs", ()) if "data" in o]
    assert sum("No answer yet" in text for text in shown) >= 5
    assert any(text.startswith("'0 of") for text in shown)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_neither_solutions_nor_answers_are_in_the_trainees_files(exercise, home):
    source = ROOT / "exercises" / "source" / f"{exercise}.py"
    text = (ROOT / "exercises" / f"{exercise}.ipynb").read_text(encoding="utf-8")
    solved = [c for c in read_source(source).cells if "solution" in c.metadata.get("tags", ())]
    lines = {line.strip() for cell in solved for line in cell.source.splitlines()}
    telling = [line for line in lines if len(line) > 25]
    assert telling and not [line for line in telling if json.dumps(line)[1:-1] in text]
    assert not any(cell.get("outputs") for cell in trainee_copy(source).cells)
    store = open_store(store_of(home, "ada"))
    for question in questions_of(exercise):
        right = question.solve(store)
        shown = right if isinstance(right, str) else f"{right:.4f}"
        assert shown not in text.replace('"name"', "")


def test_a_personal_store_does_not_tell_its_seed(home):
    folder = store_of(home, "ada")
    manifest = (folder / "manifest.json").read_text(encoding="utf-8")
    assert str(trainee_seed(SECRET, "ada")) not in manifest
    assert open_store(folder).manifest.origin["seed"] is None
    with pytest.raises(ValueError, match="secret"):
        trainee_seed("short", "ada")
    with pytest.raises(ValueError, match="trainee"):
        trainee_seed(SECRET, "  ")


def test_a_store_that_lacks_what_a_question_needs_says_so(home):
    whole = open_store(store_of(home, "ada"))
    from ecomlab.store import Store

    bare = Store.from_tables(
        {name: whole.arrow(name) for name in ("orders", "order_lines")}, manifest=whole.manifest
    )
    said = open_exercise("00_meet_the_store", bare)("00.3", 0.03)
    assert said.state == "open" and "no visits" in said.message


def test_a_wrong_way_that_cannot_be_computed_does_not_close_the_question(home):
    whole = open_store(store_of(home, "ada"))
    tables = {name: whole.table(name) for name in ("orders", "order_lines", "returns")}
    tables["order_lines"] = tables["order_lines"].drop(columns="unit_cost")
    from ecomlab.store import Store

    costless = Store.from_tables(tables, manifest=whole.manifest)
    right = float(questions_of("00_meet_the_store")[0].solve(costless))
    assert open_exercise("00_meet_the_store", costless)("00.1", right).is_right


def test_the_hint_comes_with_the_second_miss(home):
    check = open_exercise("00_meet_the_store", open_store(store_of(home, "ada")))
    assert check("00.1", 0.5).hint == ""
    assert check("00.1", 0.6).hint == check.hint("00.1")


def test_a_decision_is_judged_by_what_could_be_known_not_by_luck(home):
    store = open_store(store_of(home, "ada"))
    check = open_exercise("01_goal_setting", store)
    question = check.questions["01.5"]
    best = float(question.solve(store))
    assert check("01.5", best).is_right and "luck" in check("01.5", best).message
    peeked = next(m.compute(store) for m in question.mistakes if "you looked" in m.explanation)
    assert "you looked" in check("01.5", peeked).message
