"""What is to be run: notebooks read, values checked, and a key for each result."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecomlab.reports.code import code_hash
from ecomlab.reports.imports import without_grammars
from ecomlab.reports.parameters import ParameterError, Value, parse_values, read_parameters
from ecomlab.store.store import Manifest, safe_name

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["ReportError", "Task", "plan_tasks", "versions"]

STORE = "store"
_PACKAGES = ("ecomlab", "duckdb", "matplotlib", "numpy", "pandas", "seaborn", "statsmodels")


class ReportError(ValueError):
    """Notebooks cannot be run as asked; nothing was run."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One notebook to run: its text, its values, and the key of its result.

    ``trouble`` says why it cannot be run at all; ``shown`` holds every parameter as a reader
    of the page should see it.
    """

    path: Path
    name: str
    key: str
    notebook: NotebookNode | None
    values: Mapping[str, Value] = field(default_factory=dict)
    shown: Mapping[str, Value] = field(default_factory=dict)
    trouble: str = ""


def plan_tasks(
    notebooks: Sequence[Path], *, store: Path, manifest: Manifest, values: Mapping[str, str]
) -> tuple[Task, ...]:
    """Read notebooks and check all values for all of them.

    Raises
    ------
    ReportError
        Where there is no notebook, one is missing, or two would write the same page.
    ParameterError
        Where no notebook knows a parameter, or a value is not allowed in one.
    """
    paths = [Path(path).resolve() for path in notebooks]
    _check_paths(paths)
    if STORE in values:
        raise ParameterError("The store is chosen with --store, not as a parameter.")
    read = [_read(path) for path in paths]
    declared = [_parameters_of(path, found) for path, found in zip(paths, read, strict=True)]
    everything = {p.name: p for parameters in declared for p in parameters if p.name != STORE}
    parse_values(everything.values(), values)
    tasks = []
    for path, found, parameters in zip(paths, read, declared, strict=True):
        own = {p.name for p in parameters}
        typed = parse_values(parameters, {n: text for n, text in values.items() if n in own})
        shown = {p.name: typed.get(p.name, p.default) for p in parameters if p.name != STORE}
        if STORE in own:
            typed[STORE] = str(store)
        notebook, trouble = (None, found) if isinstance(found, str) else (found, "")
        key = _key(path, shown, manifest)
        name = safe_name(path.stem)
        tasks.append(
            Task(
                path=path,
                name=name,
                key=key,
                notebook=notebook,
                values=typed,
                shown=shown,
                trouble=trouble,
            )
        )
    return tuple(tasks)


def _parameters_of(path: Path, found: NotebookNode | str) -> tuple[Any, ...]:
    """Return a notebook's parameters; an error says which notebook."""
    if isinstance(found, str):
        return ()
    try:
        return read_parameters(found)
    except ParameterError as error:
        raise ParameterError(f"{path.name}: {error}") from None


def _check_paths(paths: Sequence[Path]) -> None:
    if not paths:
        raise ReportError("There is no notebook to run. Name one, or build them: ecomlab build.")
    if missing := [path.name for path in paths if not path.is_file()]:
        raise ReportError(f"No such notebook: {', '.join(missing)}. Look at its name and folder.")
    names = [safe_name(path.stem) for path in paths]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ReportError(
            f"Two notebooks are named {min(doubled)}; they would write the same page. "
            f"Run them into different folders."
        )


def _read(path: Path) -> NotebookNode | str:
    """Return a notebook, or why it is none."""
    with without_grammars():
        import nbformat
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat raises many kinds for a broken file
        words = str(error).strip().splitlines() or [type(error).__name__]
        return f"it is not a notebook that can be read ({words[0][:200]})"
    return notebook


def _key(path: Path, shown: Mapping[str, Value], manifest: Manifest) -> str:
    """Return what a result depends on, as one hash."""
    parts = [
        hashlib.sha256(path.read_bytes()).hexdigest(),
        dict(shown),
        manifest.to_json(),
        code_hash(),
        versions(),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = [("python", platform.python_version())]
    for package in _PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def versions() -> dict[str, str]:
    """Return the versions that results depend on."""
    return dict(_versions())
