"""The strict door to papermill: parameters checked, results true, pages safe to open.

A notebook declares its ``parameters`` and ends with ``publish``; ``execute`` runs one,
``run_notebooks`` runs several on a store and leaves a page for each and an index.
"""

from ecomlab.reports.card import Card, publish
from ecomlab.reports.code import code_hash
from ecomlab.reports.execute import execute
from ecomlab.reports.lock import RunnerBusyError
from ecomlab.reports.parameters import (
    Parameter,
    ParameterError,
    parse_values,
    read_parameters,
    split_assignments,
)
from ecomlab.reports.runner import Run, RunOptions, run_notebooks
from ecomlab.reports.task import ReportError
from ecomlab.reports.verdict import NotebookFailedError, Verdict, judge

__all__ = [
    "Card",
    "NotebookFailedError",
    "Parameter",
    "ParameterError",
    "ReportError",
    "Run",
    "RunOptions",
    "RunnerBusyError",
    "Verdict",
    "code_hash",
    "execute",
    "judge",
    "parse_values",
    "publish",
    "read_parameters",
    "run_notebooks",
    "split_assignments",
]
