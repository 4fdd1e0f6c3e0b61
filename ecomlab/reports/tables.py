"""Align the columns of plain HTML tables: numbers to the right, words to the left."""

from __future__ import annotations

import re

__all__ = ["align_columns"]

_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(th|td)([^>]*)>(.*?)</\1>", re.DOTALL)
_MARKUP = re.compile(r"<[^>]*>|&nbsp;")
# A number with a sign, a currency before it and a unit after it, as in "−EUR 1,200.5" or "3.1 %".
_NUMBER = re.compile(r"[-+−]?([A-Z]{3}\s)?[-+−~€$£¥]*\d[\d.,:\s]*([eE][-+]?\d+)?\s?[^\W\d]{0,3}%?")
_NOTHING = {"", "-", "–", "—", "nan", "NaN", "None", "<NA>", "&lt;NA&gt;"}


def align_columns(html: str) -> str:
    """Return clean HTML with class ``words`` on the cells of columns that hold any.

    Tables with cells that span several columns or rows are left as they are.

    Examples
    --------
    >>> align_columns("<table><tr><td>tea</td><td>1,200</td></tr></table>")
    '<table><tr><td class="words">tea</td><td>1,200</td></tr></table>'
    """
    return _TABLE.sub(lambda found: _align(found[0]), html)


def _align(table: str) -> str:
    if "span=" in table:
        return table
    wordy: set[int] = set()
    for row in _ROW.findall(table):
        cells = _CELL.findall(row)
        if any(kind == "td" for kind, _, _ in cells):
            wordy |= {n for n, (_, _, text) in enumerate(cells) if not _is_number(text)}

    def mark(row: re.Match[str]) -> str:
        numbers = iter(range(len(row[0])))
        return _CELL.sub(lambda cell: _marked(cell, next(numbers) in wordy), row[0])

    return _ROW.sub(mark, table)


def _marked(cell: re.Match[str], words: bool) -> str:
    kind, attributes, content = cell.groups()
    if not words or "class=" in attributes:
        return cell[0]
    return f'<{kind} class="words"{attributes}>{content}</{kind}>'


def _is_number(cell: str) -> bool:
    text = _MARKUP.sub("", cell).strip()
    return text in _NOTHING or bool(_NUMBER.fullmatch(text))
