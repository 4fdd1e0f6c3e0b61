"""How the tables of a store hang together, drawn from the schema."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from ecomlab import schema
from ecomlab.plotting import BLUE, GREY, draw_boxes, new_axes
from ecomlab.store import Store

__all__ = ["draw_tables"]

# Where each table stands: who buys on the left, what is sold on the right, money below.
_PLACES: dict[str, tuple[float, float]] = {
    "regions": (0, 3),
    "customers": (0, 2),
    "sessions": (2, 3),
    "orders": (2, 2),
    "order_lines": (4, 2),
    "products": (6, 2),
    "prices": (6, 3),
    "returns": (4, 1),
    "shipments": (2, 1),
    "tickets": (0, 1),
    "reviews": (6, 1),
    "events": (4, 3),
    "calendar": (0, 4),
    "ad_daily": (2, 4),
    "costs_daily": (4, 4),
    "inventory_daily": (6, 4),
}


def draw_tables(store: Store, *, ax: Axes | None = None) -> Axes:
    """Draw the main tables, their rows and their links; absent ones are grey.

    Parameters
    ----------
    store
        The store whose tables are counted.
    ax
        Axes to draw on; a new picture where none is given.
    """
    rows = []
    for name, (x, y) in _PLACES.items():
        there = name in store.tables
        count = f"{store.manifest.tables[name]['rows']:,} rows" if there else "not in this store"
        columns = schema.TABLES[name].unique or []
        keys = " + ".join(columns[:2]) + (" + …" if len(columns) > 2 else "")
        rows.append((name, x, y, name, f"{count}\nkey: {keys}", BLUE if there else GREY))
    boxes = pd.DataFrame(rows, columns=["name", "x", "y", "title", "text", "color"])
    links = {
        (name, target)
        for name in _PLACES
        for target, _ in schema.references(name).values()
        if target in _PLACES and target != name
    }
    ax = new_axes(width=10, height=6.2) if ax is None else ax
    return draw_boxes(boxes, sorted(links), ax=ax, box_size=(1.72, 0.6))
