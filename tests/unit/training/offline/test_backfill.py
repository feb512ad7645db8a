"""Replaying a log into tables, in one go, in several, and after crashes."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from services.training.offline.backfill import backfill
from services.training.offline.errors import OfflineStoreError
from services.training.offline.store import OfflineStore
from services.training.offline.tables import COLUMNS, TABLES, Table
from shared.event_log.records import Record
from shared.events import EventType
from tests.unit.training.offline.records import attributes, event, exposure, item, item_features, log_of

_RECORDS: list[Record] = [
    event("u1", "a", 1_000, EventType.DWELL, dwell=12.5, shown_by="r0"),
    attributes("u1", {"age": 42, "region": "Old Town"}, 1_500),
    item_features("a", {"heat": 0.25, "price": -1.0}, 1_600),
    item("b", 1_700, year=1964, shape="paperback"),
    exposure("r1", "u1", 2_000, ["a", "b"], [0.5, 1.0]),
    item("b", 2_500, withdrawn=True),
    event("u2", "b", 3_000),
    attributes("u2", {}, 3_100),
]


def _tables(store: OfflineStore) -> dict[Table, pl.DataFrame]:
    return {table: store.scan(table).collect() for table in TABLES}


def _filled(folder: Path, records: list[Record] = _RECORDS) -> OfflineStore:
    store = OfflineStore(folder)
    backfill(store, log_of(records))
    return store


def test_every_field_of_every_record_is_in_its_table(tmp_path: Path) -> None:
    """What the log says can be read from the tables, in the order of the log."""
    tables = _tables(_filled(tmp_path))

    assert tables["events"].drop("position").rows() == [
        ("u1", "u1-a-1000-7", "a", 7, 1_000, 1_000, 12.5, "r0"),
        ("u2", "u2-b-3000-1", "b", 1, 3_000, 3_000, 0.0, ""),
    ]
    assert tables["attributes"].drop("position").rows() == [
        ("u1", "age", None, 42.0, 1_500, 1_500),
        ("u1", "region", "Old Town", None, 1_500, 1_500),
    ]
    assert tables["item_features"].drop("position").rows() == [
        ("a", "heat", 0.25, 1_600, 1_600),
        ("a", "price", -1.0, 1_600, 1_600),
    ]
    facts = [
        {"name": "year", "text": None, "number": 1964.0},
        {"name": "shape", "text": "paperback", "number": None},
    ]
    assert tables["items"].drop("position").rows() == [
        ("b", False, 1_700, "Title of b", ["Fantasy"], facts, "Text of b"),
        ("b", True, 2_500, "", [], [], ""),
    ]
    (shown,) = tables["exposures"].drop("position").rows(named=True)
    assert shown == {
        "request_id": "r1",
        "user_id": "u1",
        "snapshot_id": "S1",
        "arm": "variety/high",
        "shown_at_ms": 2_000,
        "item_ids": ["a", "b"],
        "scores": [2.0, 1.0],
        "propensities": [0.5, 1.0],
        "channels": ["collaborative", "content"],
        "found_by": [2, 2],
        "degraded": [],
    }
    assert tables["events"]["position"].is_sorted()


def test_a_backfill_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    """A second run takes what is new, and says how much that is."""
    store = _filled(tmp_path, _RECORDS[:3])

    again = backfill(store, log_of(_RECORDS[:3]))
    more = backfill(store, log_of(_RECORDS))

    assert (again.records, again.end) == (0, again.start)
    assert more.records == len(_RECORDS) - 3
    assert more.rows["items"] == 2
    assert store.manifest().rows("events") == 2


@settings(max_examples=30, deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(_RECORDS)), max_size=4),
    batch_rows=st.integers(1, 5),
    part_rows=st.integers(1, 6),
)
def test_a_store_filled_over_several_crashes_equals_one_filled_at_once(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], batch_rows: int, part_rows: int
) -> None:
    """Wherever a backfill is cut off, the next one neither loses nor repeats a row."""
    root = tmp_path_factory.mktemp("stores")
    store = OfflineStore(root / "cut", part_rows=part_rows)
    for cut in cuts:
        # A log that ends early makes no crash: both are ways in which a backfill may end.
        with pytest.raises(InterruptedError) if cut < len(_RECORDS) else nullcontext():
            backfill(store, log_of(_RECORDS, broken_at=cut), batch_rows=batch_rows)
    backfill(store, log_of(_RECORDS), batch_rows=batch_rows)

    whole = _tables(_filled(root / "whole"))
    for table, rows in _tables(store).items():
        assert_frame_equal(rows, whole[table])
        assert rows.schema == COLUMNS[table]


def test_small_additions_share_a_file_and_full_files_are_left_alone(tmp_path: Path) -> None:
    """A store that grows every hour does not become thousands of tiny files."""
    store = OfflineStore(tmp_path, part_rows=10)
    records = [event("u", str(number), 1_000 + number) for number in range(25)]
    for end in range(1, 26):
        backfill(store, log_of(records[:end]))
        files = [part.rows for part in store.manifest().tables["events"]]
        assert files == [10] * (end // 10) + [end % 10] * (end % 10 > 0)


def test_files_that_no_manifest_names_are_ignored_and_cleared_away(tmp_path: Path) -> None:
    """What a crash left behind is in no answer, and goes with the next backfill."""
    store = _filled(tmp_path)
    left = tmp_path / "events" / "left-behind.parquet"
    store.scan("events").collect().write_parquet(left)
    assert store.manifest().rows("events") == len(store.scan("events").collect()) == 2

    backfill(store, log_of(_RECORDS))

    assert not left.exists()


def test_a_reader_finishes_while_the_store_grows(tmp_path: Path) -> None:
    """A table that was opened before a backfill is read as it was then."""
    store = _filled(tmp_path, _RECORDS[:1])
    before = store.scan("events")

    backfill(store, log_of(_RECORDS))

    assert len(before.collect()) == 1
    assert len(store.scan("events").collect()) == 2


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    """Two backfills at a time would lose each other's rows."""
    store = OfflineStore(tmp_path)
    with store.writing(), pytest.raises(OfflineStoreError, match="Another process writes"):
        backfill(OfflineStore(tmp_path), log_of(_RECORDS))


def test_a_rebuild_forgets_what_the_log_no_longer_has(tmp_path: Path) -> None:
    """What was erased from the log is in no file of a store that was made anew."""
    store = _filled(tmp_path)
    kept = [record for record in _RECORDS if getattr(record, "user_id", "") != "u1"]

    backfill(store, log_of(kept), rebuild=True)

    assert store.scan("events").collect()["user_id"].to_list() == ["u2"]
    # Short strings lie in a Parquet file as they are.
    assert not [path for path in tmp_path.rglob("*.parquet") if b"u1-a-1000-7" in path.read_bytes()]


def test_a_manifest_of_another_version_is_refused_with_a_remedy(tmp_path: Path) -> None:
    """A store of a later version is not half understood."""
    tmp_path.joinpath("manifest.json").write_text('{"format_version": 2, "position": 0, "tables": {}}')
    with pytest.raises(OfflineStoreError, match="--rebuild"):
        OfflineStore(tmp_path).scan("events")


def test_a_rebuild_works_where_the_manifest_is_beyond_reading(tmp_path: Path) -> None:
    """The remedy that the refusal names is one."""
    tmp_path.joinpath("manifest.json").write_text("{")
    store = OfflineStore(tmp_path)

    backfill(store, log_of(_RECORDS), rebuild=True)

    assert store.manifest().rows("events") == 2
