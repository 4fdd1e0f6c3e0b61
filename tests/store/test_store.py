"""A store is saved whole or not at all, opened with care, and sees nothing but itself."""

import errno
import hashlib
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from ecomlab import schema
from ecomlab.metrics import daily_kpis
from ecomlab.schema import ContractError
from ecomlab.store import Manifest, Store, StoreError, open_store, safe_name
from ecomlab.store.hashing import ContentHash, canonical_hash
from ecomlab.store.writer import StoreWriter


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_what_was_saved_is_what_is_opened(corner, tmp_path):
    opened = corner.save(tmp_path / "shop")
    assert opened.manifest == corner.manifest
    assert opened.tables == corner.tables
    for name in corner.tables:
        assert_frame_equal(opened.table(name), corner.table(name))
    assert_frame_equal(daily_kpis(opened), daily_kpis(corner))


def test_saving_again_writes_the_same_bytes(corner, tmp_path):
    corner.save(tmp_path / "one")
    open_store(tmp_path / "one").save(tmp_path / "two")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_saving_over_a_store_replaces_all_of_it(corner, corner_manifest, tmp_path):
    corner.save(tmp_path / "shop")
    bare = {name: corner.arrow(name) for name in ("orders", "order_lines")}
    Store.from_tables(bare, manifest=corner_manifest).save(tmp_path / "shop")
    assert sorted(contents(tmp_path / "shop")) == [
        "manifest.json", "order_lines.parquet", "orders.parquet",
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def nth_call_fails(monkeypatch, owner, name, nth):
    """Let the n-th call of a function fail as a full disk does; return the calls made."""
    whole, calls = getattr(owner, name), []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(*args, **kwargs)

    monkeypatch.setattr(owner, name, failing)
    return calls


@pytest.mark.parametrize(
    ("owner", "name"),
    [(pq, "write_table"), (Path, "write_text"), (Path, "rename")],
    ids=["a table", "the manifest", "a rename"],
)
def test_a_write_that_fails_leaves_the_earlier_store_as_it_was(
    corner, corner_manifest, tmp_path, owner, name
):
    corner.save(tmp_path / "shop")
    before = contents(tmp_path / "shop")
    other = Store.from_tables({"orders": corner.arrow("orders")}, manifest=corner_manifest)
    nth, failed = 0, True
    while failed:
        nth += 1
        with pytest.MonkeyPatch.context() as patch:
            nth_call_fails(patch, owner, name, nth)
            try:
                other.save(tmp_path / "shop")
                failed = False
            except OSError as error:
                assert error.errno == errno.ENOSPC
                assert contents(tmp_path / "shop") == before
                assert [path.name for path in tmp_path.iterdir()] == ["shop"]
    assert nth > 1
    assert open_store(tmp_path / "shop").tables == ("orders",)


def test_a_folder_that_is_no_store_is_never_overwritten(corner, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match=r"exists and is not a store\. Choose another folder"):
        corner.save(tmp_path)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def spoil(folder, **changes):
    file = folder / "manifest.json"
    said = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**said, **changes}), "utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first_day": "1 March"}, r"first_day='1 March'.*YYYY-MM-DD"),
        ({"last_day": None}, r"last_day=None.*YYYY-MM-DD"),
        ({"last_day": "2024-02-01"}, r"last_day 2024-02-01 comes before first_day 2024-03-01"),
        ({"time_zone": "Mars/Olympus"}, r"'Mars/Olympus' is not a time zone.*Europe/London"),
        ({"time_zone": "../../etc/passwd"}, r"is not a time zone"),
        ({"currency": "Euro"}, r"'Euro' is not an ISO code.*EUR"),
        ({"colour": "red"}, r"cannot be read.*colour"),
        ({"versions": {"schema": "99"}}, r"newer ecomlab \(schema 99.*Update ecomlab"),
    ],
)
def test_a_bad_manifest_is_refused_in_words(corner, tmp_path, changes, message):
    corner.save(tmp_path / "shop")
    spoil(tmp_path / "shop", **changes)
    with pytest.raises(StoreError, match=message):
        open_store(tmp_path / "shop")


def test_a_manifest_that_is_not_json_is_refused_with_its_file(corner, tmp_path):
    corner.save(tmp_path / "shop")
    (tmp_path / "shop" / "manifest.json").write_text('{"name": "half')
    with pytest.raises(StoreError, match=r"manifest\.json cannot be read: .* Make the store again"):
        open_store(tmp_path / "shop")


def test_a_folder_without_a_manifest_is_no_store_and_the_message_says_how_to_make_one(tmp_path):
    with pytest.raises(StoreError, match=r"is not a store: .*ecomlab simulate.*ecomlab import"):
        open_store(tmp_path)


def test_a_lost_file_is_named(corner, tmp_path):
    corner.save(tmp_path / "shop")
    (tmp_path / "shop" / "returns.parquet").unlink()
    with pytest.raises(StoreError, match=r"lacks the files of returns"):
        open_store(tmp_path / "shop")


@pytest.mark.parametrize("ask", ["table", "scan", "columns", "arrow"])
def test_a_missing_table_is_told_with_those_there_are(corner, ask):
    with pytest.raises(StoreError, match=r"no table 'tickets'; it has regions, .*readiness"):
        getattr(corner, ask)("tickets")


def test_tables_that_break_the_schema_are_refused_with_column_row_and_remedy(corner_manifest):
    lines = pd.DataFrame(
        {"order_id": ["a"], "line": [1], "sku": ["s"], "units": [0], "price": [1], "amount": [0]}
    )
    with pytest.raises(ContractError, match=r"order_lines\.units: 1 row not at least 1 .*row 0: 0"):
        Store.from_tables({"order_lines": lines}, manifest=corner_manifest)
    with pytest.raises(StoreError, match=r"\['lines'\] are not tables of a store"):
        Store.from_tables({"lines": lines}, manifest=corner_manifest)


@pytest.mark.parametrize("name", ["with space", "it's", "ünï-店", "a{b}", "semi;colon"])
def test_a_store_opens_from_a_folder_of_any_name(corner, tmp_path, name):
    opened = corner.save(tmp_path / name / "shop")
    assert opened.query("SELECT count(*) AS n FROM orders")["n"][0] == 6


def test_queries_reach_the_store_and_nothing_else(corner, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (tmp_path / "beside.parquet").write_bytes(b"")
    store = corner.save(tmp_path / "shop")
    frame_in_reach = pd.DataFrame({"a": [1]})
    for source in (
        f"'{tmp_path / 'secret.csv'}'",
        f"read_parquet('{tmp_path / 'shop' / '..' / 'beside.parquet'}')",
        "read_text('/etc/hostname')",
        "glob('/*')",
        "frame_in_reach",
    ):
        with pytest.raises(duckdb.Error, match=r"(?i)permission|does not exist"):
            store.query(f"SELECT * FROM {source}")
    assert len(frame_in_reach) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1 AS a) TO '{}'",
        "EXPLAIN ANALYZE COPY (SELECT 1 AS a) TO '{}'",
        "SELECT 1; COPY (SELECT 1 AS a) TO '{}'",
        "CREATE TABLE a AS SELECT 1",
        "DROP VIEW orders",
        "ATTACH 'db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "",
    ],
)
def test_a_query_only_reads(corner, tmp_path, sql):
    store = corner.save(tmp_path / "shop")
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=r"one SELECT at a time"):
        store.query(sql.format(tmp_path / "shop" / "orders.parquet"))
    assert contents(tmp_path) == before


def test_the_content_hash_knows_content_order_and_types_but_no_packing():
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    same = pa.concat_tables([table.slice(0, 1), table.slice(1)]).select(["b", "a"])
    assert canonical_hash(same) == canonical_hash(table)
    others = [
        table.take([1, 0]),
        table.set_column(0, "a", pa.array([1.0, 2.0])),
        table.rename_columns(["a", "c"]),
        table.set_column(1, "b", pa.array(["x", ""])),
    ]
    assert len({canonical_hash(other) for other in [table, *others]}) == 5


def test_a_hash_is_of_gaps_and_values_as_a_few_lines_of_hashlib_say():
    """Whatever the pieces: a column's first gap may come early, late or never."""

    def slow(table: pa.Table) -> str:
        whole = hashlib.sha256()
        for name in sorted(table.column_names):
            rows = table[name].to_pylist()
            whole.update(f"{name}:{table.schema.field(name).type}:{len(rows)}\n".encode())
            gaps = bytes(one is None for one in rows)
            if table.schema.field(name).type == pa.string():
                texts = [(one or "").encode() for one in rows]
                parts = [np.array([len(t) for t in texts], "<i4").tobytes(), b"".join(texts)]
            else:
                parts = [np.array([one or 0 for one in rows], "<i8").tobytes(), b""]
            for part in (gaps, *parts):
                whole.update(hashlib.sha256(part).digest())
        return whole.hexdigest()

    table = pa.table({"never": range(6), "late": [1, 2, 3, 4, None, 6],
                      "early": ["a", None, "bc", "", None, "d"]})  # fmt: skip
    for cuts in ([0, 6], [0, 1, 4, 6], [0, 5, 6], range(7)):
        pieces = ContentHash()
        for start, end in pairwise(cuts):
            pieces.add(table.slice(start, end - start))
        assert pieces.digest() == canonical_hash(table) == slow(table)


def test_a_table_on_the_disk_has_the_hash_it_had_in_memory_in_one_part_or_in_several(
    corner, tmp_path
):
    saved = corner.save(tmp_path / "shop")
    for name in corner.tables:
        told = corner.manifest.tables[name]["sha256"]
        assert saved.hash_of(name) == corner.hash_of(name) == canonical_hash(saved.arrow(name))
        assert told == saved.hash_of(name)
    lines = corner.arrow("order_lines")
    parts = tmp_path / "shop" / "order_lines.parquet"
    parts.unlink()
    parts.mkdir()
    pq.write_table(lines.slice(0, 3), parts / "0.parquet")
    pq.write_table(lines.slice(3), parts / "1.parquet")
    assert open_store(tmp_path / "shop").hash_of("order_lines") == canonical_hash(lines)


NASTY = [
    "demo", "Demo", "DEMO", "../demo", "..", ".", "", "a/b", "a\\b", "<script>alert(1)</script>",
    "con", "CON", "nul.txt", "x" * 300, "x" * 301, "店", "{store.__class__}", "a b", "a\nb",
    "\u202egpj.exe", "'; DROP TABLE orders; --", "\ud800",
]  # fmt: skip


def test_safe_names_are_harmless_and_stay_apart():
    safe = [safe_name(name) for name in NASTY]
    assert len({name.lower() for name in safe}) == len(NASTY)
    for name in safe:
        assert name.isascii()
        assert 0 < len(name) <= 80
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")
        assert not name.startswith(".")
        assert name.split(".")[0] not in {"con", "nul"}


def test_the_manifest_tells_where_the_numbers_come_from(corner_manifest, tiny):
    assert corner_manifest.source == "imported (hand) from by hand"
    assert tiny.manifest.source == "simulated (tiny), seed 7"


def test_a_store_shows_itself_in_one_line_without_addresses_or_clocks(corner):
    assert repr(corner) == (
        "Store('corner shop', EUR, 2024-03-01 to 2024-03-05, 8 tables, 33 rows)"
    )


def test_a_manifest_keeps_to_its_period_when_copied(corner_manifest):
    with pytest.raises(StoreError, match=r"comes before"):
        Manifest(**{**vars(corner_manifest), "last_day": "2023-12-31"})


def test_a_writer_says_what_is_never_empty_and_refuses_gaps_in_it(corner, tmp_path):
    orders = corner.arrow("orders")
    with StoreWriter(tmp_path / "shop") as writer:
        writer.append({"orders": orders})
        store = writer.finish(replace(corner.manifest, tables={}))
    said = pq.read_schema(tmp_path / "shop" / "orders.parquet")
    known = schema.TABLES["orders"].columns
    assert {f.name: f.nullable for f in said} == {n: known[n].nullable for n in said.names}
    assert not said.field("order_id").nullable and said.field("customer_id").nullable
    assert store.arrow("orders").schema.equals(orders.schema)  # in memory all columns are alike
    assert store.hash_of("orders") == canonical_hash(orders)
    place = orders.column_names.index("order_id")
    gap = pa.array([None, *orders["order_id"].to_pylist()[1:]], pa.string())
    with StoreWriter(tmp_path / "other") as writer:
        writer.append({"orders": orders.set_column(place, "order_id", gap)})
        with pytest.raises(ValueError, match="order_id"):
            writer.finish(corner.manifest)
    assert not (tmp_path / "other").exists()
