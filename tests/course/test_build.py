"""Built notebooks are what their sources give, and obey the rules of the house."""

from pathlib import Path

import nbformat
import pytest

from ecomlab.course.build import BuildError, find_drift, lesson_from, read_source, trainee_copy

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HEAD = (
    '# %% [markdown]\n# # A question?\n\n# %% tags=["parameters"]\nseed: int = 1  # seed [0, 9]\n'
)
END = "\n# %%\nfrom ecomlab.reports import publish\npublish({'n': str(seed)})\n"


def write(folder: Path, text: str) -> Path:
    (folder / "notebooks" / "source").mkdir(parents=True, exist_ok=True)
    (folder / "exercises" / "source").mkdir(parents=True, exist_ok=True)
    path = folder / "notebooks" / "source" / "00_try.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_has_drifted_from_its_source():
    assert find_drift(ROOT) == ()


def test_a_changed_source_a_cut_output_and_an_edited_copy_are_drift(tmp_path):
    source = write(tmp_path, HEAD + '\n# %% tags=["nbval-check-output"]\nseed + 1\n' + END)
    built = tmp_path / "notebooks" / "00_try.ipynb"
    assert "missing" in find_drift(tmp_path)[0]
    nbformat.write(lesson_from(source), built)
    assert find_drift(tmp_path) == ()
    notebook = nbformat.read(built, as_version=4)
    notebook.cells[2].outputs = []
    nbformat.write(notebook, built)
    assert "has no output" in find_drift(tmp_path)[0]
    notebook.cells[2].execution_count = None
    nbformat.write(notebook, built)
    assert "whole run" in find_drift(tmp_path)[0]
    source.write_text(HEAD + END, encoding="utf-8")
    assert "not its source's" in find_drift(tmp_path)[0]


def test_a_lesson_is_built_to_the_same_bytes_twice(tmp_path):
    plot = "\n# %%\nimport matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\n"
    source = write(tmp_path, HEAD + plot + END)
    once, twice = (nbformat.writes(lesson_from(source)) for _ in range(2))
    assert once == twice
    assert "image/png" in once


def test_a_lesson_that_fails_or_stops_early_is_not_built(tmp_path):
    with pytest.raises(BuildError, match="ZeroDivisionError"):
        lesson_from(write(tmp_path, HEAD + "\n# %%\n1 / 0\n" + END))
    with pytest.raises(BuildError, match="end"):
        lesson_from(write(tmp_path, HEAD))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (HEAD.replace('"parameters"', '"parameter"') + END, "unknown tag"),
        (HEAD + '\n# %% tags=["hide_input"]\n1\n', "unknown tag"),
        (HEAD + "\n# %% [markdown]\n# # Another\n", "first-level headings"),
        (HEAD + '\n# %%\nimport warnings\nwarnings.filterwarnings("ignore")\n', "banned"),
        ("# %% [markdown]\n# # Title\n", "needs one"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused(tmp_path, text, rule):
    with pytest.raises(BuildError, match=rule):
        read_source(write(tmp_path, text))


def test_a_solution_of_several_cells_becomes_one_empty_cell(tmp_path):
    solved = '\n# %% tags=["solution"]\nsecret = 1\n\n# %% tags=["solution"]\nanswer = secret\n'
    copy = trainee_copy(write(tmp_path, HEAD + solved + "\n# %%\nanswer\n"))
    sources = [cell.source for cell in copy.cells]
    assert sum("your work goes here" in text for text in sources) == 1
    assert not any("secret" in text for text in sources)


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_has_short_cells_prose_and_checked_tables(path):
    notebook = nbformat.read(path, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    long = [c.source.splitlines()[0] for c in code if _lines(c.source) > 12]
    assert not long, f"cells of more than 12 lines: {long}"
    checked = [c for c in code if "nbval-check-output" in c.metadata.get("tags", ())]
    assert 3 <= len(checked) <= 8
    words = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    assert words >= 3 * sum(_lines(c.source) for c in code)
    first = notebook.cells[0].source
    assert first.splitlines()[0].endswith("?") and first.count("\n- **") == 3
    learned = next(c.source for c in notebook.cells if "## What we learned" in c.source)
    assert learned.count("\n- **") == 3 and "exercises/" in learned


def _lines(source: str) -> int:
    """Count lines of code that a reader has to follow: imports and blank lines apart."""
    body, inside_import = 0, False
    for line in source.splitlines():
        text = line.strip()
        if text.startswith(("from ", "import ")):
            inside_import = text.endswith("(")
        elif inside_import:
            inside_import = text != ")"
        elif text and not text.startswith("#"):
            body += 1
    return body
