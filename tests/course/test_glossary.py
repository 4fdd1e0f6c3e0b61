"""The glossary has every term of the curriculum that a notebook introduces, and no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(
    r"^\| (.+?) \| (.+?) \| (\d\d) \| .+\. \|$",
    (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"),
    flags=re.M,
)
CHINESE = re.compile(r"(?:ABC )?[\u4e00-\u9fff]{2,}")


def introduced() -> dict[str, str]:
    """Return each term of the notebooks with the first chapter that has it."""
    found: dict[str, str] = {}
    for source in sorted((ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py")):
        for term in CHINESE.findall(source.read_text(encoding="utf-8")):
            found.setdefault(term, source.name[:2])
    found.pop("中文")  # the word for the terms themselves
    return found


def test_every_term_of_a_notebook_is_told_in_the_glossary_with_the_chapter_it_comes_from():
    assert {chinese: chapter for _, chinese, chapter in ROWS} == introduced()


def test_terms_stand_once_and_in_order():
    terms = [term.casefold() for term, _, _ in ROWS]
    assert terms == sorted(set(terms))
