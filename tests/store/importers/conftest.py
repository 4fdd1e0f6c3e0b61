"""What the importers' tests share: real data where it is, and imports from a few lines of text."""

import os
from pathlib import Path

import pytest

from ecomlab.store.importers import import_files

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def online_retail():
    """The folder of the real export; tests that need it skip where it is absent."""
    shared = Path(os.environ.get("ECOMLAB_SHARED_DATA", ROOT.parent / "shared" / "data"))
    folder = shared / "online_retail"
    if not (folder / "online_retail.parquet").is_file():
        pytest.skip("the Online Retail data are not here; set ECOMLAB_SHARED_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def whole_import(online_retail):
    """The whole of Online Retail, imported once."""
    return import_files([online_retail / "online_retail.parquet"], format="online_retail", salt="s")


@pytest.fixture
def bring_in(tmp_path):
    """Import an export and a mapping given as text (or bytes), as a stranger would."""

    def bring_in(content, mapping, *, file="orders.csv", salt="salt", **others):
        paths = []
        for name, data in {file: content, **others}.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
            paths.append(path)
        described = tmp_path / "mapping.toml"
        described.write_text(mapping, encoding="utf-8")
        return import_files(paths, format=described, salt=salt)

    return bring_in
