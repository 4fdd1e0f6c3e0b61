"""The engine ``ecomlab`` as papermill finds it, through an entry point.

Papermill loads every engine while it is itself being imported, so nothing of papermill is
imported here at the top: the work is done in ``client``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["ForkEngine"]


class ForkEngine:
    """Quick kernels, and no failure unnoticed; ``papermill --engine ecomlab`` uses it too."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **options: Any) -> NotebookNode:
        """Execute a notebook in place and return it; papermill names the options."""
        from ecomlab.reports.client import ManagedEngine

        return ManagedEngine.execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:  # noqa: ARG003
        """Return the one kernel there is: this very Python."""
        return "python3"

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:  # noqa: ARG003
        """Return the one language there is."""
        return "python"
