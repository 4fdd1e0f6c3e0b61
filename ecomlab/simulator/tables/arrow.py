"""Arrow columns from numpy arrays, in the types of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecomlab import schema
from ecomlab.simulator.noise import Array

__all__ = ["blank", "days", "ids", "instants", "money", "table", "words"]


def table(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """Return a table of the schema; columns of the schema that are not given are left out."""
    types = schema.arrow_schema(name, columns)
    return pa.table([pa.array(columns[f.name]).cast(f.type) for f in types], schema=types)


def words(codes: Array, known: Sequence[str]) -> pa.Array:
    """Return the word that each code stands for; a negative code is a gap."""
    return pa.array(list(known), pa.string()).take(
        pa.array(codes, pa.int64(), mask=np.asarray(codes) < 0)
    )


def ids(prefix: str, numbers: Array, width: int) -> pa.Array:
    """Return identifiers such as ``S000123``; a negative number is a gap."""
    numbers = np.asarray(numbers, dtype=np.int64)
    text = pc.cast(pa.array(numbers, mask=numbers < 0), pa.string())
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(text, width, "0"), "")


def blank(values: Any, mask: Array) -> pa.Array:
    """Return values with gaps where the mask is true."""
    return pc.if_else(pa.array(mask), None, pa.array(values))


def money(cents: Array) -> Array:
    """Return whole cents as an amount."""
    return np.asarray(cents) / 100


def days(first: Any, offsets: Array) -> Array:
    """Return the local days that lie some days after the first."""
    return np.datetime64(first, "D") + np.asarray(offsets)


def instants(seconds: Array) -> pa.Array:
    """Return instants from seconds since 1970 in UTC."""
    return pa.array(np.asarray(seconds, dtype=np.int64) * 1_000_000).cast(
        pa.timestamp("us", tz="UTC")
    )
