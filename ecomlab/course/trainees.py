"""A store of one's own for every trainee, drawn from a secret of the class.

Trainees cannot compute one another's numbers, nor the truth behind their own: the seed
needs the secret, and a personal store's manifest does not name its seed.
"""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import replace
from pathlib import Path

from ecomlab.simulator import simulate
from ecomlab.store import Store, safe_name

__all__ = ["make_personal_store", "trainee_seed"]


def trainee_seed(secret: str, trainee: str) -> int:
    """Return a trainee's seed: HMAC-SHA256 of the trainee's name under the class secret.

    Parameters
    ----------
    secret
        The class secret, at least 12 characters; keep it for the whole course.
    trainee
        Name or number of the trainee; case and spaces around it do not matter.

    Returns
    -------
    int
        A seed below 2**62.

    Raises
    ------
    ValueError
        For a short secret or an empty name.

    Examples
    --------
    >>> trainee_seed("a class of autumn", "Ada") == trainee_seed("a class of autumn", " ada ")
    True
    >>> trainee_seed("a class of autumn", "Ada") == trainee_seed("a class of spring", "Ada")
    False
    """
    if len(secret) < 12:
        raise ValueError("secret: shorter than 12 characters. Choose a sentence; keep it safe.")
    name = unicodedata.normalize("NFKC", trainee).strip().casefold()
    if not name:
        raise ValueError("trainee: empty. Give the name or number on your class list.")
    digest = hmac.digest(secret.encode(), name.encode(), "sha256")
    return int.from_bytes(digest[:8], "big") >> 2


def make_personal_store(
    folder: Path, *, secret: str, trainee: str, scenario: str = "west_d2c",
    people: int = 20_000, days: int = 730,
) -> Store:  # fmt: skip
    """Simulate a trainee's own store into ``folder / trainee``; the truth goes beside it.

    Keep the ``.truth.zip`` files; hand out the folders. The manifest names the scenario but
    not the seed, so that the truth cannot be made again from what a trainee holds.

    Returns
    -------
    Store
        The store, opened from its folder.
    """
    run = simulate(scenario, trainee_seed(secret, trainee), None, people, days)
    origin = {**run.store.manifest.origin, "seed": None}
    manifest = replace(run.store.manifest, name=f"Store of {trainee}", origin=origin)
    return replace(run, store=run.store.with_manifest(manifest)).save(folder / safe_name(trainee))
