"""Arrow columns from numpy arrays, in the types of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecomlab import schema
from ecomlab.simulator.noise import Array

__all__ = ["blank", "days", "instants", "money", "table", "words"]


def table(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """Return a table of the schema; columns of the schema that are not given are left out.

    Columns of few words may stay dictionaries.
    """
    types = schema.arrow_schema(name, columns)
    held = {f.name: _as_type(columns[f.name], f.type) for f in types}
    return pa.table(held)


def _as_type(values: Any, wanted: pa.DataType) -> pa.Array:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    if pa.types.is_dictionary(array.type) and array.type.value_type == wanted:
        return array
    return array if array.type == wanted else array.cast(wanted)


def words(codes: Array, known: Sequence[str]) -> pa.DictionaryArray:
    """Return the word that each code stands for; a negative code is a gap."""
    codes = np.asarray(codes)
    gap = codes < 0
    held = pa.array(codes.astype(np.int32), mask=gap if gap.any() else None)
    return pa.DictionaryArray.from_arrays(held, pa.array(list(known), pa.string()))


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
    micro = np.asarray(seconds, dtype=np.int64) * 1_000_000
    return pa.array(micro).view(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
