"""Draw every picture of docs/simulator.md and docs/simulator/, and renew what the pages quote.

``python scripts/draw_simulator.py`` runs small worlds of one seed and calls the mechanisms
themselves; names after it draw those pictures alone. The same code writes the same bytes. A
picture's title, with its numbers, becomes its text in the pages, and the table of mechanisms is
made from the code.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from simulator_pictures import (
    choice,
    delivery,
    demand,
    entry,
    expected,
    incidents,
    ladder,
    prices,
    routes,
    sales,
    service,
    stock,
    whole,
)

from ecomlab.plotting import use_style
from ecomlab.simulator.loop import MECHANISMS

__all__ = ["DOCS", "DRAWN", "mechanism_table", "pages", "with_table"]

DOCS = Path(__file__).resolve().parents[1] / "docs"
DRAWN = {
    draw.__name__: draw
    for part in (
        whole,
        demand,
        routes,
        choice,
        prices,
        sales,
        delivery,
        stock,
        service,
        incidents,
        ladder,
        expected,
        entry,
    )
    for draw in part.PICTURES
}
_TABLE = re.compile(r"(?<=<!-- mechanisms -->\n).*?(?=<!-- end of mechanisms -->)", re.S)


def pages() -> list[Path]:
    """Return the pages about the simulator."""
    return [DOCS / "simulator.md", *sorted((DOCS / "simulator").glob("*.md"))]


def mechanism_table() -> str:
    """Return the order of the day as a table, from the declarations."""
    rows = ["| | mechanism | what it does | reads | writes | draws from | file |",
            "|---|---|---|---|---|---|---|"]  # fmt: skip
    for place, one in enumerate(MECHANISMS, start=1):
        does = (one.step.__doc__ or "").split("\n")[0].strip()
        names = (", ".join(some) or "–" for some in (one.reads, one.writes, one.streams))
        file = one.step.__module__.rsplit(".", 1)[-1]
        rows.append(f"| {place} | `{one.name}` | {does} | {' | '.join(names)} | `{file}.py` |")
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    """Return a page with its table of mechanisms renewed."""
    return _TABLE.sub(lambda _: mechanism_table(), text)


def with_title(text: str, name: str, title: str) -> str:
    """Return a page in which a picture's text is its title."""
    shown = re.compile(rf"!\[[^\]]*\](?=\([^)]*pictures/{name}\.png\))")
    return shown.sub(lambda _: f"![{title}]", text)


def main(names: list[str]) -> None:
    """Draw the pictures named, or all, and renew the pages."""
    unknown = sorted(set(names) - set(DRAWN))
    if unknown:
        sys.exit(f"There is no picture {unknown[0]!r}. Pictures: {', '.join(DRAWN)}.")
    use_style()
    folder = DOCS / "simulator" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    titles = {}
    for name in names or DRAWN:
        ax = DRAWN[name]()
        title = " ".join(ax.get_title(loc="left").split())
        if ax.figure.axes[0] is ax and len(ax.figure.axes) > 1:
            others = (one.get_title(loc="left") for one in ax.figure.axes[1:])
            title = "; ".join([title.rstrip(";"), *filter(None, others)])
        titles[name] = title
        ax.figure.savefig(folder / f"{name}.png", metadata={"Software": None})
        plt.close("all")
        print(f"{name}: {title}")
    for page in pages():
        text = with_table(page.read_text(encoding="utf-8"))
        for name, title in titles.items():
            text = with_title(text, name, title)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
