"""A checkpoint: all that a run must know to go on where it stopped, as one sealed file.

``stores/demo`` has its checkpoint in ``stores/demo.checkpoint.zip``, and that file's SHA-256
in its manifest. It holds the state of the day (whatever ``loop.STATE`` names) and what the
recorder, its memory and the teller remember; the world is drawn again from the seed. It is a
zip of a JSON text and of numpy arrays, stored and dated so that the same state is the same
bytes everywhere, and nothing in it is ever executed. Told in ``docs/simulator/quarters.md``.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ecomlab.simulator.graph import Day
from ecomlab.simulator.loop import STATE
from ecomlab.simulator.noise import Array
from ecomlab.store.store import Store, StoreError

__all__ = ["Checkpoint", "CheckpointError", "checkpoint_file", "open_checkpoint", "pack", "unpack"]

_FORMAT = 1
_DATED = (2000, 1, 1, 0, 0, 0)
_KINDS = "biufUM"  # of numpy arrays that are saved: plain values only
_KEY = "checkpoint_sha256"


class CheckpointError(StoreError):
    """The checkpoint beside a store is not the store's own, or of another version."""


@dataclass(frozen=True)
class Checkpoint:
    """The state after the last day of a run, as the content of its file."""

    content: bytes

    @classmethod
    def of(
        cls, day: Day, keepers: Mapping[str, object], *, days: int, sealed: Any = None
    ) -> Checkpoint:
        """Return the checkpoint of a run.

        Parameters
        ----------
        day
            The last day.
        keepers
            Name -> object that remembers earlier days: all its attributes are saved, but for
            those that its class names in ``CONSTANT``. Where it has a method ``settle``, that
            is called first, to join what came in pieces.
        days
            Length of the run so far [days].
        sealed
            Plain values that the store's manifest must not tell.
        """
        about = {"format": _FORMAT, "ecomlab": version("ecomlab"), "sources": _sources()}
        state = {
            "day": {name: day[name] for name in sorted(STATE)},
            **{name: _remembered(one) for name, one in keepers.items()},
        }
        return cls(_zip({**about, "days": days, "sealed": sealed}, state))

    @functools.cached_property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @functools.cached_property
    def _about(self) -> dict[str, Any]:
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            return dict(json.loads(archive.read("about.json")))

    @property
    def days(self) -> int:
        """Length of the run so far [days]."""
        return int(self._about["days"])

    @property
    def sealed(self) -> Any:
        """What the store's manifest does not tell."""
        return self._about["sealed"]

    @property
    def is_of_these_sources(self) -> bool:
        """Whether the simulator's own files are still those that made the checkpoint."""
        return bool(self._about["sources"] == _sources())

    def check_version(self) -> None:
        """Raise where another version of the package made the checkpoint."""
        made = {name: self._about.get(name) for name in ("format", "ecomlab")}
        mine = {"format": _FORMAT, "ecomlab": version("ecomlab")}
        if made != mine:
            raise CheckpointError(
                f"The checkpoint was made by ecomlab {made['ecomlab']} (format {made['format']}); "
                f"this is {mine['ecomlab']} (format {mine['format']}). Delete the file, and the "
                f"history is lived again, or simulate the store again with this version."
            )

    def restore(self, keepers: Mapping[str, Any]) -> dict[str, Any]:
        """Give objects back what they remembered; return the state of the day.

        An array that is longer in the object than in the checkpoint, since the period is
        longer now, is filled from its beginning; what else must grow is for the object's
        method ``resume``, where it has one.
        """
        state = self.state()
        for name, one in keepers.items():
            for attribute, value in state[name].items():
                setattr(one, attribute, _lengthened(getattr(one, attribute, None), value))
            if hasattr(one, "resume"):
                one.resume()
        return dict(state["day"])

    def state(self) -> dict[str, dict[str, Any]]:
        """Return what was saved: ``day``, and each keeper's attributes by its name."""
        return _unzip(self.content)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the checkpoint beside a store's folder, whole or not at all."""
        target = checkpoint_file(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part-{os.getpid()}")
        try:
            with part.open("wb") as file:
                file.write(self.content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def __repr__(self) -> str:
        return f"Checkpoint({self.days} days; sha256 {self.sha256[:12]})"


def checkpoint_file(folder: str | os.PathLike[str]) -> Path:
    """Return where the checkpoint of the store in a folder lies.

    Examples
    --------
    >>> checkpoint_file("stores/demo").name
    'demo.checkpoint.zip'
    """
    path = Path(folder)
    return path.with_name(f"{path.name}.checkpoint.zip")


def open_checkpoint(store: Store) -> Checkpoint | None:
    """Return the checkpoint beside a store, or None where there is none that may be used.

    None too where the simulator's files have changed since without a new version: the
    history is then lived again, and compared.

    Raises
    ------
    CheckpointError
        Where the file is another store's, was changed, or is of another version.
    """
    said = store.manifest.origin.get(_KEY)
    if said is None or store.folder is None:
        return None
    file = checkpoint_file(store.folder)
    if not file.is_file():
        return None
    found = Checkpoint(file.read_bytes())
    if found.sha256 != said:
        raise CheckpointError(
            f"{file.name} is not the checkpoint of store {store.name!r}: its hash differs from "
            f"the one in the manifest. Delete the file, and the history is lived again, or "
            f"simulate the store again."
        )
    found.check_version()
    return found if found.is_of_these_sources else None


def pack(value: Any, arrays: list[Array]) -> Any:
    """Return plain values as JSON can hold them, arrays put aside into a list.

    Raises
    ------
    TypeError
        Naming what cannot be saved: only arrays of plain numbers, texts and dates, and
        numbers, texts, None, tuples, lists and dictionaries of them can.

    Examples
    --------
    >>> aside = []
    >>> pack({"posts": [("live", 3, 0.5)], "tide": None}, aside), len(aside)
    ({'dict': [['posts', {'list': [{'tuple': ['live', 3, 0.5]}]}], ['tide', None]]}, 0)
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in _KINDS:
            raise TypeError(f"an array of {value.dtype} cannot be saved; keep plain numbers")
        arrays.append(np.asarray(value))
        return {"array" if isinstance(value, np.ndarray) else "scalar": len(arrays) - 1}
    if type(value) in (tuple, list):
        return {type(value).__name__: [pack(one, arrays) for one in value]}
    if type(value) is dict:
        pairs = [[pack(key, arrays), pack(one, arrays)] for key, one in value.items()]
        return {"dict": pairs}
    raise TypeError(
        f"{type(value).__name__} {value!r:.60} cannot be saved in a checkpoint; keep numbers, "
        f"texts, arrays, and tuples, lists and dictionaries of them"
    )


def unpack(packed: Any, arrays: Mapping[int, Array]) -> Any:
    """Return what :func:`pack` was given."""
    if not isinstance(packed, dict):
        return packed
    ((kind, held),) = packed.items()
    if kind == "array":
        return arrays[held]
    if kind == "scalar":
        return arrays[held][()]
    if kind == "dict":
        return {unpack(key, arrays): unpack(one, arrays) for key, one in held}
    values = [unpack(one, arrays) for one in held]
    return tuple(values) if kind == "tuple" else values


def _remembered(one: Any) -> dict[str, Any]:
    """Return what an object remembers, in a form that does not show how pieces were cut."""
    if hasattr(one, "settle"):
        one.settle()
    constant: frozenset[str] = getattr(one, "CONSTANT", frozenset())
    return {name: value for name, value in sorted(vars(one).items()) if name not in constant}


def _lengthened(fresh: Any, value: Any) -> Any:
    if not isinstance(fresh, np.ndarray) or not isinstance(value, np.ndarray):
        return value
    if fresh.shape[1:] != value.shape[1:] or len(fresh) <= len(value):
        return value
    out = fresh.copy()
    out[: len(value)] = value
    return out


@functools.cache
def _sources() -> str:
    """Return the hash of the simulator's own files: another mechanism is another history."""
    root = Path(__file__).resolve().parent
    files = [root.parent / "schema.py", *root.rglob("*.py"), *root.rglob("*.yaml")]
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda one: one.relative_to(root.parent).as_posix()):
        digest.update(f"{file.relative_to(root.parent).as_posix()}\n".encode())
        digest.update(file.read_text(encoding="utf-8").encode())
    return digest.hexdigest()


def _zip(about: Mapping[str, Any], state: Mapping[str, Any]) -> bytes:
    arrays: list[Array] = []
    tree: dict[str, Any] = {}
    for part, values in state.items():
        for name, value in values.items():
            try:
                tree.setdefault(part, {})[name] = pack(value, arrays)
            except TypeError as error:
                raise TypeError(f"{part}.{name}: {error}") from None
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry("about.json"), json.dumps(about))
        archive.writestr(_entry("state.json"), json.dumps(tree))
        for number, array in enumerate(arrays):
            with archive.open(_entry(f"{number}.npy"), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return out.getvalue()


def _unzip(content: bytes) -> dict[str, dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        tree = json.loads(archive.read("state.json"))
        arrays = {}
        for name in archive.namelist():
            if name.endswith(".npy"):
                held = io.BytesIO(archive.read(name))
                arrays[int(name[:-4])] = np.lib.format.read_array(held, allow_pickle=False)
    return {
        part: {name: unpack(value, arrays) for name, value in values.items()}
        for part, values in tree.items()
    }


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_DATED)
    entry.external_attr = 0o600 << 16
    entry.create_system = 3  # the same byte on every system
    return entry
