"""Own data in: one declarative mapping a format, two ready ones, a template for the rest."""

from ecomlab.store.importers.imported import Imported
from ecomlab.store.importers.importing import import_files
from ecomlab.store.importers.ledger import Reconciliation
from ecomlab.store.importers.mapping import ready_formats, template_text
from ecomlab.store.importers.privacy import read_salt
from ecomlab.store.importers.problem import ImportProblem

__all__ = [
    "ImportProblem",
    "Imported",
    "Reconciliation",
    "import_files",
    "read_salt",
    "ready_formats",
    "template_text",
]
