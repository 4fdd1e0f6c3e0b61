"""Which sources made a result: one hash of the package."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

__all__ = ["code_hash"]

_SOURCES = {".py", ".toml", ".yaml", ".json", ".j2", ".css"}


@functools.cache
def code_hash() -> str:
    """Return the hash of the package's own sources, as they were when first asked for."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        if file.suffix in _SOURCES:
            digest.update(f"{file.relative_to(root).as_posix()}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
