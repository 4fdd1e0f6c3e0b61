"""How personal fields enter a store: as keyed pseudonyms, or not at all.

The key (the store's *salt*) stays in a file beside the store, readable by its owner only,
so that the folder can be passed on and a later import gives the same ids.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ecomlab.store.importers.problem import ImportProblem

__all__ = ["make_pseudonyms", "make_salt", "read_salt", "write_salt"]


def make_salt() -> str:
    """Return a fresh random salt: 32 bytes as hexadecimal text."""
    return secrets.token_hex(32)


def make_pseudonyms(salt: str) -> Callable[[str], str]:
    """Return the function that turns an id into its pseudonym under this salt.

    Parameters
    ----------
    salt
        Any text; the same salt gives the same pseudonyms.

    Examples
    --------
    >>> hide = make_pseudonyms("a salt")
    >>> hide("ann@example.org") == hide("ann@example.org"), hide("")
    (True, '')
    >>> hide("ann@example.org") == make_pseudonyms("another salt")("ann@example.org")
    False
    """
    key = hashlib.blake2b(salt.encode("utf-8"), digest_size=32).digest()

    def hide(identity: str) -> str:
        if not identity:
            return ""
        text = identity.encode("utf-8", "surrogatepass")
        return "c" + hashlib.blake2b(text, key=key, digest_size=10).hexdigest()

    return hide


def read_salt(folder: str | os.PathLike[str]) -> str | None:
    """Return the salt kept beside a store's folder, or None where there is none yet.

    Parameters
    ----------
    folder
        The store's folder; it need not exist yet.
    """
    file = _salt_file(folder)
    if not file.is_file():
        return None
    salt = file.read_text(encoding="utf-8").strip()
    if not salt:
        raise ImportProblem(f"{file} is empty. Delete it to start with new pseudonyms.")
    return salt


def write_salt(folder: str | os.PathLike[str], salt: str) -> Path:
    """Keep a salt beside a store's folder, readable by its owner only.

    Raises
    ------
    ImportProblem
        Where another salt is already kept there: customers would change their ids.
    """
    file = _salt_file(folder)
    kept = read_salt(folder)
    if kept is not None:
        if kept != salt:
            raise ImportProblem(
                f"{file} holds another salt, so customers would change their ids. Import again "
                f"with that salt, or delete the file to start with new pseudonyms."
            )
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(salt + "\n")
        out.flush()
        os.fsync(out.fileno())
    return file


def _salt_file(folder: str | os.PathLike[str]) -> Path:
    path = Path(folder)
    return path.parent / f"{path.name}.salt"
