"""An answer in an exercise: right, or which misconception.

Each question computes its right answer, and the usual wrong ones, from the store in hand;
so a check works on any store, a trainee's own included. Keys live in
``ecomlab.course.keys`` and not in the trainee's notebook; whoever reads the package can
read them, so self-study is on one's honour. Grades come from :func:`grade`, which the
instructor runs, hidden questions included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from importlib import import_module

import pandas as pd

from ecomlab.store import Store

__all__ = [
    "Checker",
    "Feedback",
    "Mistake",
    "Question",
    "Unanswerable",
    "grade",
    "open_exercise",
    "questions_of",
]


class Unanswerable(ValueError):
    """A question needs what the store lacks; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A usual wrong way: how to compute it, and what to tell whoever took it."""

    compute: Callable[[Store], float | str]
    explanation: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question of an exercise.

    ``tolerance`` is relative to the right answer for numbers, ``slack`` absolute (the larger
    counts); texts are compared without case and spaces. ``judge``, where given, decides by
    consequence instead (a decision that pays): it takes the store and the answer and returns
    whether it is good, and why.
    """

    number: str
    ask: str
    unit: str
    hint: str
    solve: Callable[[Store], float | str]
    mistakes: tuple[Mistake, ...] = ()
    tolerance: float = 0.005
    slack: float = 0.0
    judge: Callable[[Store, float], tuple[bool, str]] | None = None
    is_hidden: bool = False


_GOOD, _BAD, _OPEN = "right", "not yet", "open"
_COLORS = {_GOOD: "#00664a", _BAD: "#a34700", _OPEN: "#52606d"}


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What a check says of an answer."""

    number: str
    state: str
    message: str
    hint: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the answer passed."""
        return self.state == _GOOD

    def __repr__(self) -> str:
        hint = f"\nHint: {self.hint}" if self.hint else ""
        return f"{self.number}: {self.state}. {self.message}{hint}"

    def _repr_html_(self) -> str:
        color = _COLORS[self.state]
        hint = f"<br><em>Hint: {escape(self.hint)}</em>" if self.hint else ""
        return (
            f'<p style="border-left: 4px solid {color}; padding: 0.3em 0.8em; margin: 0.3em 0">'
            f'<strong style="color: {color}">{escape(self.number)}: {self.state}.</strong> '
            f"{escape(self.message)}{hint}</p>"
        )


@dataclass
class Checker:
    """The checks of one exercise on one store; call it with a question's number and an answer."""

    exercise: str
    store: Store
    questions: Mapping[str, Question]
    passed: dict[str, bool] = field(default_factory=dict)
    misses: dict[str, int] = field(default_factory=dict)

    def __call__(self, number: str, answer: object) -> Feedback:
        """Check an answer.

        Parameters
        ----------
        number
            The question's number, as ``"01.2"``.
        answer
            A number (shares between 0 and 1, amounts in the store's currency) or a text.

        Raises
        ------
        ValueError
            Where the exercise has no such question.
        """
        if number not in self.questions:
            raise ValueError(
                f"{number!r} is not a question of {self.exercise}; "
                f"it has {', '.join(self.questions)}."
            )
        question = self.questions[number]
        if question.is_hidden:
            return Feedback(
                number=number, state=_OPEN, message="Noted. Your instructor checks this one."
            )
        feedback = _judge(question, self.store, answer)
        self.passed[number] = feedback.is_right
        if feedback.state != _BAD:
            return feedback
        self.misses[number] = self.misses.get(number, 0) + 1
        # The first miss is for thinking; the hint comes with the second, or when asked for.
        return feedback if self.misses[number] > 1 else replace(feedback, hint="")

    def hint(self, number: str) -> str:
        """Return the hint of a question."""
        return self.questions[number].hint

    def summary(self) -> str:
        """Say how many of the checks have passed, and what is left to the instructor."""
        shown = [number for number, q in self.questions.items() if not q.is_hidden]
        hidden = len(self.questions) - len(shown)
        passed = sum(self.passed.get(number, False) for number in shown)
        left = f" {hidden} more {'is' if hidden == 1 else 'are'} checked by your instructor."
        return f"{passed} of {len(shown)} checks passed." + (left if hidden else "")


def open_exercise(exercise: str, store: Store) -> Checker:
    """Return the checks of an exercise, ready for the store in hand.

    Parameters
    ----------
    exercise
        Name of the notebook, as ``"01_goal_setting"``.
    store
        The store the answers are computed from.
    """
    return Checker(exercise, store, {q.number: q for q in questions_of(exercise)})


def questions_of(exercise: str) -> tuple[Question, ...]:
    """Return the questions of an exercise, hidden ones included."""
    try:
        module = import_module(f"ecomlab.course.keys.{exercise.split('_', 1)[-1]}")
    except ModuleNotFoundError:
        raise ValueError(f"{exercise!r} is not an exercise of this course.") from None
    questions: tuple[Question, ...] = module.QUESTIONS
    return questions


def grade(exercise: str, store: Store, answers: Mapping[str, object]) -> pd.DataFrame:
    """Return the result of every question, hidden ones included: for the instructor.

    Returns
    -------
    DataFrame
        ``question, is_hidden, state, message``, one row a question of the exercise.
    """
    rows = []
    for question in questions_of(exercise):
        said = _judge(question, store, answers.get(question.number))
        rows.append((question.number, question.is_hidden, said.state, said.message))
    return pd.DataFrame(rows, columns=["question", "is_hidden", "state", "message"])


def _judge(question: Question, store: Store, answer: object) -> Feedback:
    """Right, a known misconception, a slip of unit or sign, or plainly not yet."""
    try:
        right = question.solve(store)
    except ValueError as error:  # Unanswerable, or an estimate that the data do not carry
        return Feedback(
            number=question.number, state=_OPEN, message=f"This store cannot tell: {error}"
        )
    if isinstance(right, float) and not math.isfinite(right):
        return Feedback(
            number=question.number,
            state=_OPEN,
            message="This store cannot tell: a value is missing.",
        )
    given, trouble = _read(answer, question, is_number=not isinstance(right, str))
    if trouble:
        return Feedback(number=question.number, state=_OPEN, message=trouble)
    wrong = _mistakes_of(question, store)
    if question.judge is not None and isinstance(given, float):
        if said := _nearest(given, wrong, _EXACT):
            return _not_yet(question, said)
        is_good, why = question.judge(store, given)
        return (
            Feedback(number=question.number, state=_GOOD, message=why)
            if is_good
            else _not_yet(question, why)
        )
    if _is_right(given, right, wrong, question):
        return Feedback(number=question.number, state=_GOOD, message="Right.")
    said = _nearest(given, wrong, question.tolerance) or _slip(given, right, question)
    return _not_yet(question, said or "That is not it, and none of the usual wrong ways either.")


_EXACT = 1e-3
_Wrong = list[tuple[Mistake, float | str]]


def _mistakes_of(question: Question, store: Store) -> _Wrong:
    """Compute the usual wrong ways; one that this store cannot compute is not there to be made."""
    found: _Wrong = []
    for mistake in question.mistakes:
        try:
            found.append((mistake, mistake.compute(store)))
        except ValueError:
            continue
    return found


def _is_right(given: float | str, right: float | str, wrong: _Wrong, question: Question) -> bool:
    """Within tolerance, and not nearer to a wrong way that leads elsewhere."""
    if isinstance(given, str) or isinstance(right, str):
        return _same(given, right, 0.0)
    off = abs(given - right)
    if off > max(question.tolerance * abs(right), question.slack, 1e-9):
        return False
    return not any(
        isinstance(value, float) and abs(given - value) < off and not _same(value, right, _EXACT)
        for _, value in wrong
    )


def _not_yet(question: Question, message: str) -> Feedback:
    return Feedback(number=question.number, state=_BAD, message=message, hint=question.hint)


def _read(answer: object, question: Question, *, is_number: bool) -> tuple[float | str, str]:
    """Return the answer as a number or text, or what is unusable about it."""
    if answer is None or answer is ...:
        return "", f"No answer yet. {question.ask}"
    if isinstance(answer, str):
        if is_number:
            return "", f"The answer is a text; give one number ({question.unit}) without quotes."
        return answer, "" if answer.strip() else "The answer is an empty text."
    try:
        number = float(answer)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        kind = type(answer).__name__
        return "", f"The answer is a {kind}; give one number ({question.unit}) or a text."
    if not math.isfinite(number):
        return "", f"The answer is {number}; somewhere an empty value or a division by zero got in."
    return number, ""


def _same(given: float | str, right: float | str, tolerance: float) -> bool:
    if isinstance(given, str) or isinstance(right, str):
        return "".join(str(given).lower().split()) == "".join(str(right).lower().split())
    return math.isclose(given, right, rel_tol=tolerance, abs_tol=1e-9)


def _nearest(given: float | str, wrong: _Wrong, tolerance: float) -> str:
    """Return the explanation of the wrong way that comes nearest, where one fits."""
    fitting = [(m, value) for m, value in wrong if _same(given, value, tolerance)]
    if isinstance(given, float):
        fitting.sort(key=lambda pair: abs(given - pair[1]) if isinstance(pair[1], float) else 0.0)
    return fitting[0][0].explanation if fitting else ""


def _slip(given: float | str, right: float | str, question: Question) -> str:
    """Name a slip of unit or sign that any question can suffer."""
    if isinstance(given, str) or isinstance(right, str):
        return ""
    if question.unit == "share" and _same(given, right * 100, max(question.tolerance, 0.02)):
        return "The right number, as a percentage. Give shares between 0 and 1."
    if _same(given, -right, question.tolerance):
        return "The right size with the wrong sign. Read again which way the question counts."
    for factor in (1_000, 1 / 1_000, 100, 1 / 100):
        if _same(given, right * factor, question.tolerance):
            return f"The right number, but off by a factor of {max(factor, 1 / factor):,.0f}."
    return ""
