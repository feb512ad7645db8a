"""Items to upsert, and a follower of their changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from services.feature_store.item_changes import Item, ItemChange
from services.feature_store.items import FeatureSnapshot
from services.feature_store.live_items import LiveItems
from shared.features import UserFeatureTransform
from tests.unit.feature_store.stores import Clock, open_store


def snapshot_of(*item_ids: str, created_ms: int = 1_000) -> FeatureSnapshot:
    """Returns a snapshot that has these items."""
    row_of = {item_id: row for row, item_id in enumerate(item_ids)}
    return FeatureSnapshot(
        row_of, created_ms, {}, np.zeros((len(row_of), 0), np.float32), UserFeatureTransform([]), max_history=10
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
