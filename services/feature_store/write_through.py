"""Written item features on top of the snapshots: on disk first, then in the matrix of every snapshot that is held.

A snapshot's matrix is a private map of its file. Snapshots come while writes go on, so a snapshot that loads takes three
steps: from now on remember what is written; apply what the store holds; apply what was remembered, and from then on
every write at once. Whatever is written meanwhile is found in the store, or remembered, or both; it is applied in the
order in which it was stored, so twice does no harm.
"""

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
from numpy.typing import NDArray

from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.items import FeatureSnapshot, load_feature_snapshot
from services.feature_store.store import ItemStore
from services.feature_store.stored_item import StoredItem
from shared.snapshot.manifest import Manifest

#: Stored items that are applied before others may use the interpreter: about a third of a millisecond.
_ITEMS_AT_A_TIME = 32


class WriteThrough:
    """Writes item features to a store and to the snapshots that were loaded here and are still in use.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: ItemStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        # A snapshot that nobody holds any more is not written to: nobody need say so.
        self._loaded = WeakSet[FeatureSnapshot]()
        self._loading = WeakKeyDictionary[FeatureSnapshot, list[WrittenItems]]()

    def load(self, folder: Path, manifest: Manifest) -> FeatureSnapshot:
        """Loads a snapshot with everything on top of it that was written after it was made.

        Raises:
            SnapshotRefused: as by `load_feature_snapshot`.
        """
        snapshot = load_feature_snapshot(folder, manifest)
        with self._lock:
            self._loading[snapshot] = []
        _apply_stored(snapshot, self._store.items())
        with self._lock:
            for written in self._loading.pop(snapshot):
                _apply(snapshot, written)
            self._loaded.add(snapshot)
        return snapshot

    async def write(self, write: ItemWrite) -> WrittenItems:
        """Writes values, all or none; once this returns they are on disk and every snapshot serves them.

        Raises:
            Overloaded: too much is waiting to be written.
            StorageFull: there is no room for them.
            Unavailable: the store is closing.
        """
        return await self._store.write_items(write, self.publish)

    def publish(self, written: WrittenItems) -> None:
        """Brings what was stored, here or by another replica, to every snapshot that is in use."""
        with self._lock:
            for snapshot in self._loaded:
                _apply(snapshot, written)
            for remembered in self._loading.values():
                remembered.append(written)


def served(snapshot: FeatureSnapshot, written: WrittenItems) -> NDArray[np.bool_]:
    """Returns which values of a write the snapshot serves: bool [items, features].

    Those that were written, of items and features that it has, and that are newer than it: what was written before a
    snapshot was made is taken to be in what it was made from.
    """
    rows, columns = _places(snapshot, written.write)
    newer = (written.write.times_ms > snapshot.created_ms) & (rows >= 0)
    served: NDArray[np.bool_] = written.written & newer[:, None] & (columns >= 0)
    return served


def _apply(snapshot: FeatureSnapshot, written: WrittenItems) -> None:
    write = written.write
    rows, columns = _places(snapshot, write)
    items, features = np.nonzero(served(snapshot, written))
    snapshot.written.put(rows[items], columns[features], write.values[items, features], write.times_ms[items])


def _places(snapshot: FeatureSnapshot, write: ItemWrite) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the row of each item and the column of each feature, -1 for those that the snapshot does not have."""
    rows = [snapshot.row_of.get(item_id, -1) for item_id in write.item_ids]
    columns = [snapshot.column_of.get(name, -1) for name in write.feature_names]
    return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)


def _apply_stored(snapshot: FeatureSnapshot, items: Iterator[tuple[str, StoredItem]]) -> None:
    columns_of: dict[tuple[str, ...], NDArray[np.int64]] = {}  # most items were written the same features
    while some := list(islice(items, _ITEMS_AT_A_TIME)):
        # Lets go of the interpreter, which answers requests meanwhile: else it waits 5 ms each time.
        time.sleep(1e-6)
        parts = [part for item_id, item in some if (part := _newer(snapshot, item_id, item, columns_of)) is not None]
        if parts:
            rows, columns, values, times = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
            snapshot.written.put(rows, columns, values, times)


def _newer(
    snapshot: FeatureSnapshot, item_id: str, item: StoredItem, columns_of: dict[tuple[str, ...], NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]] | None:
    """Returns the row, column, value and time of each of an item's values that the snapshot serves."""
    row = snapshot.row_of.get(item_id)
    if row is None:
        return None
    names = tuple(item.names)
    columns = columns_of.get(names)
    if columns is None:
        found = [snapshot.column_of.get(name, -1) for name in names]
        columns = columns_of[names] = np.array(found, dtype=np.int64)
    newer = (item.times_ms > snapshot.created_ms) & (columns >= 0)
    chosen = columns[newer]
    return np.full(len(chosen), row), chosen, item.numbers[newer], item.times_ms[newer]
