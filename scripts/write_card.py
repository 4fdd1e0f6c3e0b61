"""Write datasets/README.md: one line a ready store, from its manifest."""

from pathlib import Path

from ecomlab import open_store

DATASETS = Path(__file__).resolve().parents[1] / "datasets"
HEAD = """# Ready stores

Small stores to open right after cloning, without simulating anything:

```python
import ecomlab

ecomlab.open_store("datasets/west")
```

| store | origin | period | rows | size | units | licence |
|---|---|---|---|---|---|---|
"""
TAIL = """

Made by `sh scripts/make_datasets.sh`; a test makes them again and compares the contents. The
truth is not here: `ecomlab simulate` with the same preset, seed, people and days writes it
beside the store. Columns are explained in `docs/data_dictionary.md`, the worlds in
`docs/simulator.md`; what in them is published and what is assumed stands in
`docs/calibration.md`. `tiny` has few orders: good for trying commands and for tests, too noisy
for the lessons.
"""


def main() -> None:
    """Write the card."""
    lines = []
    for folder in sorted(
        path for path in DATASETS.iterdir() if path.is_dir() and path.suffix != ".worlds"
    ):
        about = open_store(folder).manifest
        rows = sum(int(table["rows"]) for table in about.tables.values())
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1024**2
        made = about.origin
        lines.append(
            f"| `{folder.name}` | simulated: preset `{made['scenario']}`, seed {made['seed']}, "
            f"{made['people']:,} people, {made['days']} days | {about.first_day} to "
            f"{about.last_day} | {rows:,} in {len(about.tables)} tables | {size:.1f} MiB | "
            f"{about.currency}, days in {about.time_zone}, instants in UTC | MIT, as the rest |\n"
        )
    (DATASETS / "README.md").write_text(HEAD + "".join(lines) + TAIL, encoding="utf-8")


if __name__ == "__main__":
    main()
