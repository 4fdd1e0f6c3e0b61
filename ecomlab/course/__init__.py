"""The notebooks as artefacts: building them, checking answers, a store for every trainee."""

from ecomlab.course.checks import Checker, Feedback, grade, open_exercise
from ecomlab.course.decisions import carry_out
from ecomlab.course.diagram import draw_tables
from ecomlab.course.lesson import Lesson, open_lesson

__all__ = [
    "Checker",
    "Feedback",
    "Lesson",
    "carry_out",
    "draw_tables",
    "grade",
    "open_exercise",
    "open_lesson",
]
