"""The goals on one page, in OKR form: an objective, and key results one can measure.

In: objectives and key results as rows. Answer: a table for the meeting and a page to print.
Form: Doerr, Measure What Matters (2018), with a chance beside each key result.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import ClassVar

import pandas as pd

from ecomlab.result import Result

__all__ = ["GoalSheet", "write_goal_sheet"]

_COLUMNS = ["objective", "key_result", "baseline", "target", "unit", "chance_share", "owner", "due"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GoalSheet(Result):
    """Objectives and their key results; ``table`` has a row a key result."""

    headline: ClassVar[dict[str, str]] = {"objectives": "objectives", "key_results": "key results"}

    title: str
    objectives: int
    key_results: int

    def to_targets(self) -> pd.DataFrame:
        """Return the key results as rows of the store's table ``targets``."""
        return pd.DataFrame(
            {
                "period": self.table["due"],
                "kpi": self.table["key_result"],
                "target": self.table["target"],
                "unit": self.table["unit"],
                "owner": self.table["owner"],
            }
        )

    def to_page(self) -> str:
        """Return the sheet as a page of its own (HTML, nothing loaded from elsewhere)."""
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            f"<title>{escape(self.title)}</title><style>body{{font:16px/1.5 system-ui,sans-serif;"
            "max-width:60rem;margin:3rem auto;padding:0 1rem;color:#1f2933}"
            "table{border-collapse:collapse;width:100%}td,th{padding:.4rem .6rem;text-align:left;"
            "border-bottom:1px solid #d5d9de}td.n{text-align:right}h2{margin-top:2rem}</style>"
            f"</head><body><h1>{escape(self.title)}</h1>{self._body()}</body></html>\n"
        )

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(caveat)}</li>" for caveat in self.caveats)
        return self._body() + (f"<ul>{notes}</ul>" if notes else "")

    def _body(self) -> str:
        parts = []
        for objective, rows in self.table.groupby("objective", sort=False):
            cells = "".join(_row(row) for row in rows.itertuples())
            parts.append(
                f"<h4>Objective: {escape(str(objective))}</h4><table><thead><tr>"
                "<th>Key result</th><th>Without action</th><th>Target</th><th>Chance without "
                f"action</th><th>Owner</th><th>Due</th></tr></thead><tbody>{cells}</tbody></table>"
            )
        return "".join(parts)


def _row(row: object) -> str:
    get = row._asdict()  # type: ignore[attr-defined]
    chance = "" if pd.isna(get["chance_share"]) else f"{get['chance_share']:.0%}"
    unit = escape(str(get["unit"]))
    numbers = [
        "" if pd.isna(get[name]) else f"{_number(get[name], unit)}"
        for name in ("baseline", "target")
    ]
    texts = [escape(str(get["key_result"])), *numbers, chance]
    texts += [escape(str(get["owner"])), escape(str(get["due"]))]
    return "<tr>" + "".join(f"<td>{text}</td>" for text in texts) + "</tr>"


def _number(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "share" else f"{value:,.0f} {unit}"


def write_goal_sheet(goals: pd.DataFrame, *, title: str) -> GoalSheet:
    """Write objectives and key results as one sheet.

    Parameters
    ----------
    goals
        Columns ``objective, key_result, baseline, target, unit, chance_share, owner, due``:
        a row a key result; `chance_share` is empty where no forecast speaks of it.
    title
        Head of the sheet.

    Raises
    ------
    ValueError
        On a missing column, a target that is not a number, or a chance outside 0 to 1.

    Examples
    --------
    >>> goals = pd.DataFrame([["Grow", "Net revenue", 100.0, 120.0, "USD", 0.07, "Ann", "2026-Q1"]],
    ...     columns=["objective", "key_result", "baseline", "target", "unit", "chance_share",
    ...              "owner", "due"])
    >>> write_goal_sheet(goals, title="Goals")
    GoalSheet(objectives=1 objectives, key_results=1 key results)
    """
    if missing := [name for name in _COLUMNS if name not in goals]:
        raise ValueError(f"goals.{missing[0]}: the column is missing; a sheet needs {_COLUMNS}.")
    if (bad := goals["target"].isna()).any():
        raise ValueError(f"goals.target: rows {goals.index[bad].tolist()} are empty. A key result "
                         "that has no number is a wish.")  # fmt: skip
    if (off := ~goals["chance_share"].dropna().between(0, 1)).any():
        rows = off.index[off].tolist()
        raise ValueError(f"goals.chance_share: rows {rows} lie outside 0 to 1. Give shares.")
    caveats: tuple[str, ...] = ()
    if (goals["owner"].astype(str).str.strip() == "").any():
        caveats = ("A key result without an owner is nobody's: name one.",)
    return GoalSheet(
        table=goals[_COLUMNS].reset_index(drop=True),
        caveats=caveats,
        title=title,
        objectives=int(goals["objective"].nunique()),
        key_results=len(goals),
    )
