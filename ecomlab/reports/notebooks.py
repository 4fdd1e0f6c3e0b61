"""Where the course's notebooks are.

Here and not in ``course``: who runs notebooks need not import what they use.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

__all__ = ["course_root", "find_notebooks"]


def course_root(start: Path | None = None) -> Path:
    """Return the folder that holds ``notebooks/``: here, above here, or where we were cloned.

    Raises
    ------
    FileNotFoundError
        Where there is none; the message says what to do.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (folder / "notebooks").is_dir() and (folder / "exercises").is_dir():
            return folder
    raise FileNotFoundError(
        "no notebooks here. Go to the folder you cloned ecomlab into, or name a notebook's file."
    )


def find_notebooks(names: list[str]) -> list[Path]:
    """Return the notebooks of these names (or files), all of the course where none is named.

    Raises
    ------
    ValueError
        For a name that is neither a notebook of the course nor a file; suggests the nearest.
    """
    files = [Path(name) for name in names if name.endswith(".ipynb")]
    if absent := [file for file in files if not file.is_file()]:
        raise ValueError(f"{absent[0]}: no such notebook.")
    if names and len(files) == len(names):
        return files
    there = {path.stem: path for path in sorted((course_root() / "notebooks").glob("*.ipynb"))}
    if not names:
        return list(there.values())
    found = []
    for name in names:
        fitting = [stem for stem in there if name in (stem, stem.split("_")[0], stem[3:])]
        if not fitting and not name.endswith(".ipynb"):
            near = get_close_matches(name, there, n=1, cutoff=0.3)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"{name!r} is not a notebook of this course.{hint} "
                             f"There are: {', '.join(there)}.")  # fmt: skip
        found.append(there[fitting[0]] if fitting else Path(name))
    return found
