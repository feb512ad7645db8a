"""Items to upsert, and a follower of their changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from services.feature_store.field_states import FieldRules
from services.feature_store.item_changes import Item, ItemChange
from services.feature_store.items import FeatureSnapshot
from services.feature_store.live_items import LiveItems
from services.feature_store.seen_filter import ItemHashes, hash_items
from services.feature_store.written_values import WrittenValues
from shared.features import UserFeatureTransform
from tests.unit.feature_store.stores import Clock, open_store


def snapshot_of(*item_ids: str, created_ms: int = 1_000) -> FeatureSnapshot:
    """Returns a snapshot that has these items."""
    values = np.zeros((len(item_ids), 0), np.float32)
    return FeatureSnapshot(
        row_of={item_id: row for row, item_id in enumerate(item_ids)},
        created_ms=created_ms,
        column_of={},
        item_features=values,
        written=WrittenValues(values, values, []),
        item_hashes=ItemHashes(hash_items(item_ids)),
        user_features=UserFeatureTransform([]),
        field_rules=FieldRules([]),
        max_history=10,
    )


@contextmanager
def open_live_items(path: Path, limit: int = 100, clock: Clock | None = None) -> Iterator[LiveItems]:
    """Opens the live items of a store."""
    time = clock or Clock(now_ms=2_000)
    with open_store(path, clock=time) as store:
        yield LiveItems(store.item_changes, limit, lambda: time.now_ms)


def items(*item_ids: str, title: str = "t") -> list[Item]:
    """Returns items of one title."""
    return [Item(item_id, title=title) for item_id in item_ids]


def follow(live: LiveItems, state: dict[str, ItemChange], after: int, limit: int = 1_000) -> int:
    """Takes into `state` what changed after a version, page by page; returns the version to go on from."""
    while True:
        page = live.changes(after, limit)
        assert [change.version for change in page.changes] == sorted(change.version for change in page.changes)
        assert len(page.changes) <= limit
        state.update((change.item.item_id, change) for change in page.changes)
        after = page.version
        if not page.more:
            return after


def rows_beside(live: LiveItems, snapshot: FeatureSnapshot) -> dict[str, int]:
    """Returns the row of each item whose change counts beside a snapshot."""
    rows = live.beside(snapshot)
    return {} if rows is None else rows.row_of
