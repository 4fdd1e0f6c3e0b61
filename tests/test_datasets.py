"""The ready stores are what their card says, to the byte."""

import re
from pathlib import Path

import pytest

from ecomlab import open_store, simulate

DATASETS = Path(__file__).resolve().parents[1] / "datasets"


@pytest.mark.parametrize("name", ["tiny", "west", "china"])
def test_a_ready_store_can_be_made_again(name):
    held = open_store(DATASETS / name)
    origin = held.manifest.origin
    made = simulate(
        origin["scenario"], origin["seed"], None, origin["people"], origin["days"]
    ).store.manifest
    assert made.tables == held.manifest.tables
    assert held.check().empty


def test_every_store_has_a_line_on_the_card_with_its_rows():
    card = (DATASETS / "README.md").read_text(encoding="utf-8")
    for folder in (
        path for path in DATASETS.iterdir() if path.is_dir() and path.suffix != ".worlds"
    ):
        held = open_store(folder)
        rows = sum(int(table["rows"]) for table in held.manifest.tables.values())
        line = next(line for line in card.splitlines() if line.startswith(f"| `{folder.name}`"))
        assert f"{rows:,} in {len(held.tables)} tables" in line
        assert f"{held.manifest.first_day} to {held.manifest.last_day}" in line
        assert re.search(rf"seed {held.manifest.origin['seed']}\b", line)
