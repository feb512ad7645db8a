"""Written item features in LMDB: what was acknowledged is there, and what was refused has changed nothing."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.lmdb_store import LmdbStore
from shared.errors import Overloaded, StorageFull
from tests.unit.feature_store.stores import MIB, event, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LmdbStore]:
    """An empty store."""
    with open_store(tmp_path) as opened:
        yield opened


def write(*item_ids: str, at_ms: int = 0, value: float = 1.0, names: Sequence[str] = ("length",)) -> ItemWrite:
    """Returns a write of one value to every feature of every item."""
    values = np.full((len(item_ids), len(names)), value, dtype=np.float32)
    return ItemWrite(item_ids, names, values, np.full(len(item_ids), at_ms))


def ignore(_written: WrittenItems) -> None:
    """Follows nothing."""


def items(store: LmdbStore) -> dict[str, dict[str, float]]:
    """Returns the value of every feature that was written."""
    return {item_id: dict(zip(item.names, item.numbers.tolist(), strict=True)) for item_id, item in store.items()}


async def test_what_was_acknowledged_is_there_after_the_store_is_opened_again(tmp_path: Path) -> None:
    """Of each item and feature the newest value, whatever order they came in."""
    with open_store(tmp_path) as store:
        await store.write_items(write("a", "ü", at_ms=5, value=5.0, names=("length", "recency")), ignore)
        outcome = await store.write_items(write("a", "b", at_ms=4, value=4.0), ignore)
        assert outcome.written.tolist() == [[False], [True]]
    with open_store(tmp_path) as store:
        assert items(store) == {"a": {"length": 5, "recency": 5}, "b": {"length": 4}, "ü": {"length": 5, "recency": 5}}
        outcome = await store.write_items(write("a", at_ms=4, value=4.0), ignore)
        assert outcome.written.tolist() == [[False]]


async def test_a_write_is_on_disk_when_it_is_published(store: LmdbStore) -> None:
    """Whoever follows the store never runs ahead of it, and is told before the caller."""
    told: list[tuple[list[list[bool]], dict[str, dict[str, float]]]] = []
    await store.write_items(write("a"), lambda written: told.append((written.written.tolist(), items(store))))
    assert told == [([[True]], {"a": {"length": 1.0}})]


async def test_a_full_store_refuses_the_whole_write(tmp_path: Path) -> None:
    """Nothing of it remains, and nobody is told of it."""
    told: list[WrittenItems] = []
    with open_store(tmp_path, max_bytes=MIB) as store:
        await store.write_items(write("kept"), ignore)
        with pytest.raises(StorageFull):
            await store.write_items(write(*(f"{number}" * 50 for number in range(1_000, 9_000))), told.append)
        assert items(store) == {"kept": {"length": 1.0}}
    assert told == []


async def test_items_wait_in_the_same_queue_as_events(tmp_path: Path) -> None:
    """What does not fit beside the waiting is told to come back."""
    with open_store(tmp_path, max_queued_events=10) as store:
        writes = [store.write_items(write(*(f"{call}-{number}" for number in range(8))), ignore) for call in range(20)]
        results = await asyncio.gather(
            *writes, *(store.record_events([event(f"e{number}")]) for number in range(5)), return_exceptions=True
        )
        refused = [result for result in results[:20] if isinstance(result, Overloaded)]
        assert refused
        assert len(items(store)) == 8 * (20 - len(refused))
