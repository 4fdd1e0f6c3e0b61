"""Small stores and notebooks, made in code."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ecomlab import schema
from ecomlab.store import Manifest, Store

PUBLISH = 'from ecomlab.reports import publish\npublish({"Orders": "3"})'
FIGURE = (
    "import matplotlib.pyplot as plt\nimport seaborn as sns\n"
    "_ = sns.lineplot(x=[1, 2, 3], y=[2, 1, seed if 'seed' in globals() else 5])"
)


def make_notebook(*sources: str, title: str = "A question?", parameters: str = "") -> NotebookNode:
    """Return a notebook with a heading, a parameters cell if any, and the code cells given."""
    cells = [new_markdown_cell(f"# {title}"), *map(new_code_cell, sources)]
    if parameters:
        cells.insert(1, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return new_notebook(cells=cells)


def write_notebook(folder: Path, name: str, made: NotebookNode) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(made, path)
    return path


def make_store(folder: Path, *, name: str = "tiny", seed: int = 7) -> Path:
    """Save a store of three orders."""
    orders = pd.DataFrame(
        {
            "order_id": ["a", "b", "c"],
            "ordered_at": ["2024-01-01T10:00Z", "2024-01-02T10:00Z", "2024-01-03T10:00Z"],
            "date": ["2024-01-01", "2024-01-02", "2024-01-03"],
            "customer_id": ["x", "y", None],
            "amount": [10.0, 20.0, 30.0],
        }
    )
    manifest = Manifest(
        name=name,
        currency="EUR",
        time_zone="Europe/Berlin",
        first_day="2024-01-01",
        last_day="2024-01-03",
        origin={"kind": "simulated", "scenario": "tiny", "seed": seed},
    )
    Store.from_tables({"orders": schema.cast(orders, "orders")}, manifest=manifest).save(folder)
    return folder


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("stores") / "tiny")
