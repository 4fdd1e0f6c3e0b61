"""The mapped columns of an export, read as numbers, shares and instants.

Each reader returns one value a row and one problem a row (empty where there is none); who
asks decides whether a problem rejects the row.
"""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np

from ecomlab import schema
from ecomlab.store.importers.amounts import (
    PRICE_STEPS,
    TICKS,
    currency_of,
    decide_decimal,
    read_number,
    to_steps,
)
from ecomlab.store.importers.export import Export
from ecomlab.store.importers.mapping import ColumnMap, FormatMap
from ecomlab.store.importers.moments import read_moments
from ecomlab.store.importers.problem import ImportProblem, nearest
from ecomlab.store.importers.texts import Texts
from ecomlab.store.importers.wording import number_of

__all__ = ["Cells"]

NUMBERS = ("money", "whole", "share", "number", "whole?")
DESTROYED = re.compile(r"^\d(\.\d+)?E\+\d+$", re.IGNORECASE)
FINE = ("price", "list_price", "unit_cost")
WORDS = {"payment_status": schema.PAYMENT, "channel": schema.CHANNELS}
MOST_UNITS = 10**7


class Cells:
    """Reads the columns of a mapping from an export, each once."""

    def __init__(self, export: Export, mapping: FormatMap, columns: tuple[ColumnMap, ...]) -> None:
        self.export, self.mapping = export, mapping
        self._columns = {column.role: column for column in columns}
        self._texts: dict[str, Texts] = {}
        self.notes: list[str] = []
        self.decimal = self._decide_decimal()

    def has(self, role: str) -> bool:
        """Whether the mapping gives the role and the export its column."""
        column = self._columns.get(role)
        if column is None or not column.optional:
            return column is not None
        return any(self.export.has(name) for name in (*column.any_of, *column.join))

    def map(self, role: str) -> ColumnMap:
        """Return how the mapping writes a role."""
        return self._columns[role]

    def label(self, role: str) -> str:
        """Return what the report calls a role's column."""
        column = self._columns.get(role)
        if column is None:
            return role
        present = [name for name in column.any_of if self.export.has(name)]
        return "/".join(present) or column.label

    def texts(self, role: str) -> Texts:
        """Return a role's texts; empty everywhere where the mapping leaves it out."""
        if role not in self._texts:
            known = self.has(role)
            self._texts[role] = (
                self.export.texts(self._columns[role]) if known
                else Texts.constant("", len(self.export))
            )  # fmt: skip
        return self._texts[role]

    def any_texts(self, name: str) -> Texts:
        """Return a column by role or, failing that, by its header in the export."""
        if name in self._columns:
            return self.texts(name)
        if not self.export.has(name):
            known = [*self._columns, *self.export.headers]
            raise ImportProblem(
                f"{self.mapping.title}: a rule looks at {name!r}, which is neither a mapped column "
                f"nor one of the export.{nearest(name, known)}"
            )
        return self.export.source(name)

    def any_numbers(self, name: str) -> np.ndarray:
        """Return a column by role or header as numbers, NaN where there is none."""

        def read(text: str) -> float:
            number = self._number(text, name)
            return float("nan") if number is None else float(number)

        return self.any_texts(name).map(read, "float64")

    def money(self, role: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return amounts in whole steps, whether they are given, and problems.

        Prices and costs of one unit come in 1e-8 of the currency unit, amounts in 1e-4.
        """
        steps = PRICE_STEPS if role in FINE else TICKS
        texts = self.texts(role)
        read = [self._number(text, role) for text in texts.distinct]
        values = np.array([0 if n is None else to_steps(n, steps) for n in read], dtype=np.int64)
        problems = np.array(
            [self._complaint(t, n) for t, n in zip(texts.distinct, read, strict=True)], dtype=object
        )
        return texts.take(values), ~texts.empty, texts.take(problems)

    def whole(self, role: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return whole numbers, whether they are given, and problems."""
        texts = self.texts(role)
        read = [self._number(text, role) for text in texts.distinct]

        def complaint(text: str, number: Decimal | None) -> str:
            if not text:
                return ""
            if number is None or number != number.to_integral_value():
                return "not a whole number"
            return "" if abs(number) <= MOST_UNITS else "more units than any order has"

        problems = [complaint(t, n) for t, n in zip(texts.distinct, read, strict=True)]
        values = [0 if n is None or p else int(n) for n, p in zip(read, problems, strict=True)]
        return (
            texts.take(np.array(values, dtype=np.int64)),
            ~texts.empty,
            texts.take(np.array(problems, dtype=object)),
        )

    def share(self, role: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return shares in parts of a million, whether they are given, and problems."""
        texts, percent = self.texts(role), self.has(role) and self.map(role).percent

        def read(text: str) -> int:
            number = self._number(text.replace("%", "").replace("％", ""), role)
            if number is None:
                return -1 if text else 0
            hundredth = percent or "%" in text or "％" in text
            part = abs(number) / 100 if hundredth else abs(number)
            return to_steps(part, 1_000_000) if part <= 1 else -1

        parts = texts.map(read, "int64")
        problems = np.where(
            parts < 0, "not a share between 0 and 1: declare percent = true if 15 means 15 %", ""
        ).astype(object)
        return np.maximum(parts, 0), ~texts.empty, problems

    def number(self, role: str) -> tuple[np.ndarray, np.ndarray]:
        """Return plain numbers, NaN where there is none, and problems."""
        texts = self.texts(role)
        read = [self._number(text, role) for text in texts.distinct]
        values = np.array([np.nan if n is None else float(n) for n in read], dtype="float64")
        wrong = [self._complaint(t, n) for t, n in zip(texts.distinct, read, strict=True)]
        return texts.take(values), texts.take(np.array(wrong, dtype=object))

    def instant(
        self, role: str, *, zone: str = ""
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return instants in UTC, problems, and where the clocks were turned back or forward."""
        texts, column = self.texts(role), self._columns[role]
        try:
            seen = read_moments(
                texts.distinct, formats=column.format,
                zone=zone or column.time_zone or self.mapping.time_zone,
                nonexistent=self.mapping.settings.nonexistent_times,
            )  # fmt: skip
        except ImportProblem as problem:
            raise ImportProblem(f"{column.label}: {problem}") from problem
        self.notes += [f"{column.label}: {note}" for note in seen.notes]
        return (texts.take(seen.utc), texts.take(seen.problems),
                texts.take(seen.ambiguous), texts.take(seen.shifted))  # fmt: skip

    def words(self, role: str) -> tuple[Texts, np.ndarray]:
        """Return a role's texts in the store's words, and problems.

        A channel that is not translated is "other"; any other such value is a problem.
        """
        texts, column = self.texts(role), self._columns.get(role)
        allowed = WORDS.get(role, ())
        if column is None or not (column.values or allowed):
            return texts, np.full(len(texts), "", dtype=object)
        otherwise = column.otherwise or ("other" if role == "channel" else "")

        def word(text: str) -> str | None:
            known = column.values.get(text.casefold())
            if known is None and (not text or text.casefold() in allowed):
                known = text.casefold()
            return known

        strange = texts.map(lambda text: word(text) is None, "bool")
        translated = texts.rewrite(lambda text: word(text) or otherwise)
        if otherwise:
            if strange.any():
                rows = number_of(int(strange.sum()), "row has", "rows have")
                self.notes.append(
                    f"{self.label(role)}: {rows} a value that the mapping does not translate; "
                    f'{"it counts" if strange.sum() == 1 else "they count"} as "{otherwise}"'
                )
            return translated, np.full(len(texts), "", dtype=object)
        problem = f"a value the mapping does not translate: add it to values of {role}"
        fine = translated.map(lambda text: not allowed or text in (*allowed, ""), "bool")
        return translated, np.where(strange | ~fine, problem, "").astype(object)

    def ids(self, role: str) -> tuple[Texts, np.ndarray]:
        """Return ids, sorted, and where a spreadsheet has destroyed them (2.02401E+17)."""
        texts = self.texts(role).sorted()
        reason = "the id was destroyed by a spreadsheet (2.0E+17): export it as text"
        bad = texts.map(lambda text: DESTROYED.match(text) is not None, "bool")
        return texts, np.where(bad, reason, "").astype(object)

    def _number(self, text: str, name: str) -> Decimal | None:
        column = self._columns.get(name)
        if column is not None and column.constant:
            return read_number(text)
        return read_number(text, decimal=self.decimal)

    def _complaint(self, text: str, number: Decimal | None) -> str:
        if not text:
            return ""
        if number is None:
            return f'not a number with "{self.decimal}" as the decimal mark'
        named = currency_of(text)
        if named and self.mapping.currency not in ("AUTO", named):
            return f"in {named}, but the store's currency is {self.mapping.currency}"
        return ""

    def _decide_decimal(self) -> str:
        declared = self.mapping.source.decimal
        if declared != "auto":
            return declared
        if all(raw.native for raw in self.export.raw):
            return "."
        roles = [role for role, column in self._columns.items()
                 if column.kind in NUMBERS and not column.constant]  # fmt: skip
        decided = decide_decimal(text for role in roles for text in self.texts(role).distinct)
        if decided == ",":
            self.notes.append("numbers read with a decimal comma: the data prove it")
        return decided
