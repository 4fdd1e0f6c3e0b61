"""Import Jupyter's libraries without what no notebook needs.

With JupyterLab installed, ``jsonschema`` (which ``nbformat`` imports) imports
``rfc3987_syntax``, which compiles 35 grammars in more than a second to check international web
addresses. No notebook's schema has one; where the module is absent jsonschema leaves it out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

__all__ = ["without_grammars"]

_SLOW = "rfc3987_syntax"


@contextmanager
def without_grammars() -> Iterator[None]:
    """Hide the slow module while others are imported."""
    if _SLOW in sys.modules:
        yield
        return
    sys.modules[_SLOW] = cast(Any, None)
    try:
        yield
    finally:
        del sys.modules[_SLOW]
