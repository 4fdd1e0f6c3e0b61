"""House style for pictures, and the few primitives that take frames.

Every picture has a finding for a title, units on its axes, direct labels and a source
line. The palette is Okabe and Ito's (2008), told apart by colour-blind readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter

__all__ = [
    "BLUE",
    "GREY",
    "ORANGE",
    "PALETTE",
    "RED",
    "amounts_on",
    "draw_boxes",
    "draw_fan",
    "draw_pairs",
    "draw_waterfall",
    "finish",
    "format_amount",
    "new_axes",
    "use_style",
]

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
GREY, INK = "#8A8F98", "#1F2933"
PALETTE = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#B8A500", GREY)


def use_style() -> None:
    """Set the house style for every picture and every table that follows."""
    pd.set_option("display.float_format", _table_number)
    pd.set_option("display.max_colwidth", 120)
    # pandas guesses these two from the terminal: a table must not depend on who runs it.
    pd.set_option("display.max_columns", 20)
    pd.set_option("display.width", 110)
    sns.set_theme(
        style="ticks",
        palette=list(PALETTE),
        rc={
            "figure.figsize": (9.0, 4.2),
            "figure.dpi": 140,
            "figure.constrained_layout.use": True,
            "savefig.bbox": "standard",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.titlesize": 12.5,
            "axes.titlepad": 12,
            "axes.labelcolor": INK,
            "axes.edgecolor": GREY,
            "axes.grid": True,
            "grid.color": "#E6E8EB",
            "grid.linewidth": 0.8,
            "axes.axisbelow": True,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "font.size": 10.5,
        },
    )


def _table_number(value: float) -> str:
    """Write a number of a table: no decimals from a thousand on, three figures below."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def new_axes(*, width: float = 9.0, height: float = 4.2) -> Axes:
    """Return the axes of a new picture [inches]."""
    return plt.subplots(figsize=(width, height))[1]


def format_amount(value: float, unit: str = "") -> str:
    """Return a number as people write it in a meeting: three figures and a magnitude.

    Examples
    --------
    >>> format_amount(1_234_567, "GBP"), format_amount(-950, "USD"), format_amount(0.5)
    ('1.23 M GBP', '-950 USD', '0.5')
    """
    size = abs(value)
    for scale, mark in ((1e9, " bn"), (1e6, " M"), (1e4, " k")):
        if size >= scale:
            divisor = 1e3 if mark == " k" else scale
            return f"{_three_figures(value / divisor)}{mark} {unit}".rstrip()
    return f"{_three_figures(value)} {unit}".rstrip()


def _three_figures(value: float) -> str:
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    shown = f"{value:,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def finish(
    ax: Axes,
    *,
    title: str | None = None,
    source: str = "",
    x: str | None = None,
    y: str | None = None,
) -> Axes:
    """Give a picture its finding, its units and its source line.

    Parameters
    ----------
    ax
        The axes to finish.
    title
        What the picture shows, as a sentence, long ones wrapped; ``None`` keeps what is there.
    source
        Where the numbers come from (``store.manifest.source``).
    x, y
        Axis labels with their units; ``None`` keeps what is there.
    """
    ax.set_title(fill(ax.get_title(loc="left") or ax.get_title() if title is None else title, 84))
    if x is not None:
        ax.set_xlabel(x)
    if y is not None:
        ax.set_ylabel(y)
    if source:
        ax.figure.supxlabel(
            fill(f"Source: {source}", 130), fontsize=8, color=GREY, x=0.01, ha="left"
        )
    return ax


def amounts_on(ax: Axes, axis: str = "y") -> Axes:
    """Write an axis' ticks as amounts (10 k, 1.5 M)."""
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_major_formatter(FuncFormatter(lambda value, _: format_amount(value)))
    return ax


def draw_waterfall(steps: pd.DataFrame, *, unit: str, ax: Axes | None = None) -> Axes:
    """Draw how one amount becomes another.

    Parameters
    ----------
    steps
        Columns ``step``, ``amount`` and ``is_total``: totals stand on the ground, the other
        steps hang between them [unit].
    unit
        Unit of the amounts, for the axis.
    ax
        Axes to draw on; a new picture where none is given.
    """
    ax = new_axes() if ax is None else ax
    level = 0.0
    for place, row in enumerate(steps.itertuples()):
        bottom = 0.0 if row.is_total else level
        color = BLUE if row.is_total else (GREEN if row.amount >= 0 else RED)
        ax.bar(place, row.amount, bottom=bottom, color=color, width=0.62)
        level = bottom + row.amount
        top = max(level, bottom)
        ax.annotate(
            format_amount(row.amount), (place, top), (0, 4),
            textcoords="offset points", ha="center", va="bottom", fontweight="bold",
        )  # fmt: skip
        if place < len(steps) - 1:
            ax.plot([place + 0.31, place + 0.69], [level, level], color=GREY, linewidth=0.9)
    ax.set_xticks(
        range(len(steps)), [fill(str(step), 9, break_long_words=False) for step in steps["step"]]
    )
    ax.set_ylabel(unit)
    ax.grid(visible=False, axis="x")
    ax.set_ylim(top=1.1 * ax.get_ylim()[1])
    return amounts_on(ax)


def draw_fan(forecast: pd.DataFrame, *, ax: Axes, color: str = ORANGE, label: str = "") -> Axes:
    """Draw a forecast as a line with its interval: columns ``date, value, low, high``."""
    ax.fill_between(forecast["date"], forecast["low"], forecast["high"], color=color, alpha=0.22,
                    linewidth=0)  # fmt: skip
    ax.plot(forecast["date"], forecast["value"], color=color)
    if label:
        last = forecast.iloc[-1]
        ax.annotate(label, (last["date"], last["value"]), (6, 0), textcoords="offset points",
                    va="center", color=color, fontweight="bold", annotation_clip=False)  # fmt: skip
    return ax


def draw_pairs(
    rows: pd.DataFrame, *, before: str, after: str, low: str = "", high: str = ""
) -> Axes:
    """Draw two values of each row and the way between them, the second with its interval.

    Parameters
    ----------
    rows
        One row a line, named by the index.
    before, after
        Columns of the two values; their names label them, underscores as spaces.
    low, high
        Columns of the second value's interval, if there is one.
    """
    ax = new_axes(height=1.5 + 0.6 * len(rows))
    places = range(len(rows))
    ax.hlines(places, rows[before], rows[after], color=GREY, linewidth=1.2)
    if low and high:
        ax.hlines(places, rows[low], rows[high], color=BLUE, linewidth=7, alpha=0.3)
    ax.plot(rows[before], places, "o", color=ORANGE, markersize=8)
    ax.plot(rows[after], places, "o", color=BLUE, markersize=8)
    for column, color, away in ((before, ORANGE, 11), (after, BLUE, -17)):
        ax.annotate(column.replace("_", " "), (rows[column].iloc[0], 0), (0, away),
                    textcoords="offset points", ha="center", color=color,
                    fontweight="bold")  # fmt: skip
    ax.set_yticks(places, [str(name) for name in rows.index])
    ax.set_ylim(len(rows) - 0.5, -0.7)
    ax.grid(visible=False, axis="y")
    return ax


def draw_boxes(
    boxes: pd.DataFrame,
    links: Sequence[tuple[str, str]],
    *,
    ax: Axes | None = None,
    box_size: tuple[float, float] = (1.6, 0.62),
    dashed: Sequence[tuple[str, str]] = (),
) -> Axes:
    """Draw labelled boxes and the lines between them (a tree, a table diagram).

    Parameters
    ----------
    boxes
        Columns ``name, x, y, title, text, color``: centre of the box in any units.
    links
        Pairs of names to join, from (parent) to (child).
    ax
        Axes to draw on; a new picture where none is given.
    box_size
        Width and height of each box, in the units of ``x`` and ``y``.
    dashed
        Those of the links to draw dashed.
    """
    ax = new_axes(height=4.8) if ax is None else ax
    width, height = box_size
    at = boxes.set_index("name")
    for link in links:
        start, end = at.loc[link[0]], at.loc[link[1]]
        ax.plot([start["x"], end["x"]], [start["y"], end["y"]], color=GREY, linewidth=1.2,
                linestyle="--" if link in dashed else "-", zorder=1)  # fmt: skip
    for row in boxes.itertuples():
        corner = (row.x - width / 2, row.y - height / 2)
        ax.add_patch(FancyBboxPatch(corner, width, height, facecolor="white", edgecolor=row.color,
                                    boxstyle="round,pad=0.02,rounding_size=0.08",
                                    linewidth=1.6, zorder=2))  # fmt: skip
        ax.text(row.x, row.y + height * 0.22, row.title, ha="center", va="center", zorder=3,
                fontweight="bold", fontsize=9)  # fmt: skip
        ax.text(row.x, row.y - height * 0.17, row.text, ha="center", va="center", zorder=3,
                fontsize=8, linespacing=1.15)  # fmt: skip
    ax.set_xlim(boxes["x"].min() - width * 0.6, boxes["x"].max() + width * 0.6)
    ax.set_ylim(boxes["y"].min() - height * 0.9, boxes["y"].max() + height * 0.9)
    ax.set_axis_off()
    return ax
