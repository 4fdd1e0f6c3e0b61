"""The notebooks as artefacts: building them, checking answers, a store for every trainee."""

from ecomlab.course.checks import Checker, Feedback, grade, open_exercise

__all__ = ["Checker", "Feedback", "grade", "open_exercise"]
