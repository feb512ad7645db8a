"""Written item features on top of the snapshots that are held, and of those that load while writes go on."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import ref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.items import FeatureSnapshot
from services.feature_store.stored_item import NOTHING, StoredItem, merge_features
from services.feature_store.write_through import WriteThrough, served
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository
from tests.snapshot_factory import CREATED, build_snapshot
from tests.snapshot_weights import ITEM_FEATURES, Weights

#: 2026-01-01, when the snapshots of the factory were made.
CREATED_MS = 1_767_225_600_000
ITEMS = 10
MATRIX = Weights.draw(ITEMS, seed=0).item_features


class FakeStore:
    """An `ItemStore` in memory.

    Attributes:
        between: Is called after each item that is read: what may happen while a snapshot loads.
    """

    def __init__(self) -> None:
        self._items: dict[str, StoredItem] = {}
        self.between: Callable[[], None] = lambda: None

    async def write_items(self, write: ItemWrite, publish: Callable[[WrittenItems], None]) -> WrittenItems:
        """Merges and publishes."""
        written = np.zeros(write.values.shape, dtype=np.bool_)
        for place, item_id in enumerate(write.item_ids):
            item = self._items.get(item_id, NOTHING)
            merged = merge_features(item, write.feature_names, write.values[place], int(write.times_ms[place]))
            self._items[item_id], written[place] = merged
        result = WrittenItems(write, written)
        publish(result)
        return result

    def items(self) -> Iterator[tuple[str, StoredItem]]:
        """Yields what was there when the reading began."""
        for entry in list(self._items.items()):
            yield entry
            self.between()


def write(row: int, feature: str, value: float, after_ms: int = 1) -> ItemWrite:
    """Returns a write of one value, so long after the snapshots of the factory were made."""
    return ItemWrite([item(row)], [feature], np.array([[value]], np.float32), np.array([CREATED_MS + after_ms]))


def item(row: int) -> str:
    """Returns the id of the item in a row."""
    return f"item-{row:05d}"


def load(through: WriteThrough, root: Path, snapshot_id: str = "snapshot-1", created: str = CREATED) -> FeatureSnapshot:
    """Builds a snapshot and loads it."""
    manifest = build_snapshot(root, snapshot_id, items=ITEMS, created=created)
    return through.load(SnapshotRepository(root).folder(manifest.id), manifest)


async def test_a_write_is_served_by_every_snapshot_that_is_held(tmp_path: Path) -> None:
    """It alone changes, in its row and column."""
    through = WriteThrough(FakeStore())
    snapshots = [load(through, tmp_path, name) for name in ("snapshot-1", "snapshot-2")]
    outcome = await through.write(write(3, "recency", 7.0))
    expected = MATRIX.copy()
    expected[3, ITEM_FEATURES.index("recency")] = 7.0
    for snapshot in snapshots:
        assert served(snapshot, outcome).tolist() == [[True]]
        assert np.array_equal(snapshot.item_features, expected)


async def test_what_was_written_is_on_top_of_snapshots_that_load_later(tmp_path: Path) -> None:
    """Where it is newer than the snapshot; one made at that time or later has its own."""
    through = WriteThrough(FakeStore())
    await through.write(write(3, "recency", 7.0, after_ms=1_000))
    column = ITEM_FEATURES.index("recency")
    values = {
        created: load(through, tmp_path, f"s{place}", created=created).item_features[3, column]
        for place, created in enumerate(["2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"])
    }
    assert list(values.values()) == [7.0, MATRIX[3, column], MATRIX[3, column]]


async def test_a_write_that_is_older_than_a_snapshot_is_not_served_by_it(tmp_path: Path) -> None:
    """The same rule as at loading, so that a restart changes nothing."""
    through = WriteThrough(FakeStore())
    snapshot = load(through, tmp_path)
    outcome = await through.write(write(3, "recency", 7.0, after_ms=0))
    assert outcome.written.tolist() == [[True]]
    assert served(snapshot, outcome).tolist() == [[False]]
    assert np.array_equal(snapshot.item_features, MATRIX)


async def test_items_and_features_that_a_snapshot_lacks_wait_for_one_that_has_them(tmp_path: Path) -> None:
    """The rest of the same write is served."""
    through = WriteThrough(FakeStore())
    snapshot = load(through, tmp_path)
    values = np.array([[1, 2], [3, 4]], np.float32)
    times = np.array([CREATED_MS + 1] * 2)
    outcome = await through.write(ItemWrite([item(ITEMS), item(0)], ["colour", "length"], values, times))
    assert served(snapshot, outcome).tolist() == [[False, False], [False, True]]
    assert snapshot.item_features[0, ITEM_FEATURES.index("length")] == 4


async def test_a_superseded_value_is_not_served(tmp_path: Path) -> None:
    """The newer one goes on being served, whichever came first."""
    through = WriteThrough(FakeStore())
    snapshot = load(through, tmp_path)
    await through.write(write(3, "recency", 7.0, after_ms=2))
    outcome = await through.write(write(3, "recency", 8.0, after_ms=1))
    assert not served(snapshot, outcome).any()
    assert snapshot.item_features[3, ITEM_FEATURES.index("recency")] == 7.0


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A snapshot's folder and manifest."""
    root = tmp_path_factory.mktemp("snapshots")
    manifest = build_snapshot(root, items=ITEMS)
    return SnapshotRepository(root).folder(manifest.id), manifest


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.floats(-5, 5, width=32)), max_size=8))
def test_a_snapshot_that_loads_between_writes_serves_what_one_that_was_there_serves(
    published: tuple[Path, Manifest], writes: list[tuple[int, int, float]]
) -> None:
    """Whatever is written while the store is read, of items that were read already and of others."""
    store = FakeStore()
    through = WriteThrough(store)
    before = through.load(*published)
    for row in range(2):  # so that there is something to read, and a time between
        asyncio.run(through.write(write(row, "length", 9.0)))
    waiting = [write(row, "length", value, after_ms) for row, after_ms, value in writes]

    def write_some() -> None:
        for _ in range(len(waiting) // 2 + 1):
            if waiting:
                asyncio.run(through.write(waiting.pop(0)))

    store.between = write_some
    after = through.load(*published)
    while waiting:
        write_some()
    assert np.array_equal(after.item_features, before.item_features)


async def test_a_snapshot_that_nobody_holds_is_let_go(tmp_path: Path) -> None:
    """Else every swap would cost the memory of its catalogue for good."""
    through = WriteThrough(FakeStore())
    gone = ref(load(through, tmp_path))
    gc.collect()
    assert gone() is None
    await through.write(write(3, "recency", 7.0))
