"""Where is which? A schematic map: one tile a region, near its place, coloured by a number.

In: regions with a value. Answer: a picture. Tiles are of one size, so that a large region does
not shout down a rich one. The layouts are those of the nine census divisions of the United
States and of the seven regions of China, with a neighbour each; others stand in a row below.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from ecomlab.frames import need_columns, need_filled, need_numbers
from ecomlab.plotting import GREY, finish, new_axes

__all__ = ["draw_region_map"]

_PLACES = {
    "WCA": (0, 2),
    "PAC": (0, 1), "MTN": (1, 1), "WNC": (2, 2), "ENC": (3, 2), "MAT": (4, 2), "NEW": (5, 3),
    "WSC": (2, 0), "ESC": (3, 0), "SAT": (4, 1),
    "NW": (0, 2), "SW": (0, 0), "NC": (2, 2), "CC": (2, 1), "SC": (2, 0), "EC": (3, 1),
    "NE": (3, 3),
    "HKM": (3, 0),
}  # fmt: skip
_TILE = 0.94


def draw_region_map(
    regions: pd.DataFrame, *, value: str, unit: str, ax: Axes | None = None
) -> Axes:
    """Draw regions as tiles coloured by a value.

    Parameters
    ----------
    regions
        A row a region: ``region_id``, a numeric column for the colour, and ``name`` where there is
        one; ``text`` is written under the name instead of the value, ``is_new`` frames a region.
    value
        Column of the colour.
    unit
        Unit of the value, for the title; ``share`` is written as a percentage.
    ax
        Axes to draw on; a new picture where none is given.

    Returns
    -------
    Axes
        The map; its title names the highest and the lowest region.

    Raises
    ------
    ValueError
        For a missing column or a value that is not a number.

    Examples
    --------
    >>> regions = pd.DataFrame({"region_id": ["NEW", "PAC"], "eco": [0.4, 0.3]})
    >>> draw_region_map(regions, value="eco", unit="share").get_title()
    'eco is highest in NEW (40%), lowest in PAC (30%)'
    """
    need_columns(regions, "regions", ("region_id", value))
    need_filled(regions, "regions", ["region_id"])
    need_numbers(regions, "regions", [value])
    ax = new_axes(width=9.0, height=4.6) if ax is None else ax
    rows = regions.reset_index(drop=True)
    names = rows["name"] if "name" in rows else rows["region_id"]
    shown = rows[value].astype(float)
    rank = (shown - shown.min()) / max(float(shown.max() - shown.min()), 1e-12)
    places = _place(rows["region_id"].astype(str).tolist())
    for at, (column, row) in enumerate(places):
        color = colormaps["Blues"](0.12 + 0.72 * rank[at])
        is_new = bool(rows["is_new"][at]) if "is_new" in rows else False
        ink = "white" if rank[at] > 0.6 else "#1F2933"
        corner = (column - _TILE / 2, row - _TILE / 2)
        ax.add_patch(FancyBboxPatch(corner, _TILE, _TILE, boxstyle="round,pad=0,rounding_size=0.08",
                                    facecolor=color, edgecolor="#D55E00" if is_new else GREY,
                                    linewidth=2.4 if is_new else 0.6))  # fmt: skip
        text = str(rows["text"][at]) if "text" in rows else _say(shown[at], unit)
        ax.text(column, row + 0.16, str(names[at]).replace(" ", "\n", 1), ha="center", va="center",
                fontsize=8.5, fontweight="bold", color=ink, linespacing=1.0)  # fmt: skip
        ax.text(column, row - 0.27, text, ha="center", va="center", fontsize=8.5, color=ink)
    across, down = np.array(places).T
    ax.set_xlim(across.min() - 0.6, across.max() + 0.6)
    ax.set_ylim(down.min() - 0.6, down.max() + 0.6)
    ax.set_axis_off()
    high, low = int(shown.argmax()), int(shown.argmin())
    return finish(
        ax,
        title=f"{value.replace('_', ' ')} is highest in {names[high]} ({_say(shown[high], unit)}), "
        f"lowest in {names[low]} ({_say(shown[low], unit)})",
    )


def _place(ids: list[str]) -> list[tuple[float, float]]:
    """Return column and row of each tile; those that no layout knows stand in a row below."""
    known = [_PLACES.get(name) for name in ids]
    floor = min((place[1] for place in known if place is not None), default=1) - 1
    beside = iter(range(len(ids)))
    return [place if place is not None else (next(beside), floor) for place in known]


def _say(value: float, unit: str) -> str:
    return f"{value:.0%}" if unit == "share" else f"{value:,.3g} {unit}".rstrip()
