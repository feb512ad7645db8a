"""Running channels side by side."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import REGISTRY

from services.recall.channel import Found
from services.recall.retrieval import Queries, Retriever
from shared.errors import Unavailable
from shared.tensors import Ragged

THREADS = 2


@dataclass
class FakeChannel:
    """Finds, for each query, the last item of its history and the number of its excluded rows."""

    name: str
    quota: float = 1.0
    encoded: list[int] = field(default_factory=list)

    def encode(self, histories: NDArray[np.int64], user_features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Remembers the size of the batch."""
        assert len(histories) == len(user_features)
        self.encoded.append(len(histories))
        return histories[:, -1:].astype(np.float32)

    def search(self, query: NDArray[np.float32], excluded: NDArray[np.uint32], limit: int) -> Found:
        """Finds what the query says."""
        rows = np.array([int(query[0]), 1000 + len(excluded)], dtype=np.int64)[:limit]
        return Found(rows, np.ones(len(rows), dtype=np.float32))

    def similar(self, row: int, limit: int) -> Found:
        """Finds the next rows."""
        return Found(np.arange(row + 1, row + 1 + limit), np.ones(limit, dtype=np.float32))


class BrokenChannel(FakeChannel):
    """Fails for the second query."""

    def search(self, query: NDArray[np.float32], excluded: NDArray[np.uint32], limit: int) -> Found:
        """Fails for one query."""
        if query[0] == 1:
            raise RuntimeError("broken")
        return super().search(query, excluded, limit)

    def similar(self, row: int, limit: int) -> Found:
        """Fails always."""
        raise RuntimeError(f"broken for {row}, {limit}")


class BlockedChannel(FakeChannel):
    """Does not come back before it is released."""

    released = threading.Event()

    def encode(self, histories: NDArray[np.int64], user_features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Waits."""
        assert self.released.wait(timeout=10)
        return super().encode(histories, user_features)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """The threads that channels run on."""
    BlockedChannel.released.clear()
    with ThreadPoolExecutor(THREADS) as executor:
        yield executor
        BlockedChannel.released.set()


def queries(count: int) -> Queries:
    """Returns queries of which query i has the history [i] and excludes i rows."""
    return Queries(
        histories=np.arange(count, dtype=np.int64)[:, None],
        user_features=np.zeros((count, 1), dtype=np.float32),
        excluded=Ragged.of([np.arange(query) for query in range(count)], np.uint32),
    )


def failures(channel: str, reason: str) -> float:
    """Returns how often a channel was done without."""
    labels = {"channel": channel, "reason": reason}
    return REGISTRY.get_sample_value("winnow_recall_channel_failures_total", labels) or 0.0


@pytest.mark.parametrize("count", [1, 2, 3, 40])
async def test_each_query_gets_its_own_answer_in_order(pool: ThreadPoolExecutor, count: int) -> None:
    """However the queries are spread over threads; and the encoder runs once for all of them."""
    channels = [FakeChannel("a"), FakeChannel("b")]
    results = await Retriever(pool, THREADS, 10).retrieve(channels, queries(count), limit=5)
    for found in results.found:
        assert [one.rows.tolist() for one in found] == [[query, 1000 + query] for query in range(count)]
    assert [channel.encoded for channel in channels] == [[count], [count]]
    assert results.failed == []


async def test_a_channel_that_fails_is_named_and_the_others_answer(pool: ThreadPoolExecutor) -> None:
    """Failing for one query is failing for the request; the failure is counted."""
    before = failures("broken", "error")
    channels = [BrokenChannel("broken"), FakeChannel("whole")]
    results = await Retriever(pool, THREADS, 10).retrieve(channels, queries(3), limit=1)
    assert [[one.rows.tolist() for one in found] for found in results.found] == [[[], [], []], [[0], [1], [2]]]
    assert results.failed == ["broken"]
    assert failures("broken", "error") == before + 1


async def test_a_channel_that_takes_too_long_is_named_and_the_others_answer(pool: ThreadPoolExecutor) -> None:
    """The answer does not wait for a channel beyond its time."""
    before = failures("blocked", "timeout")
    channels = [BlockedChannel("blocked"), FakeChannel("quick")]
    async with asyncio.timeout(3):  # far from both the channel's time and the time for which it blocks
        results = await Retriever(pool, THREADS, 0.05).retrieve(channels, queries(2), limit=1)
    assert not BlockedChannel.released.is_set()
    assert [one.rows.tolist() for one in results.found[1]] == [[0], [1]]
    assert results.failed == ["blocked"]
    assert failures("blocked", "timeout") == before + 1


async def test_nothing_can_be_answered_when_every_channel_fails(pool: ThreadPoolExecutor) -> None:
    """An empty list would look like an answer."""
    retriever = Retriever(pool, THREADS, 10)
    with pytest.raises(Unavailable, match="every channel failed"):
        await retriever.retrieve([BrokenChannel("x"), BrokenChannel("y")], queries(2), limit=1)


async def test_items_alike_are_found_for_each_row_and_without_a_channel_that_fails(pool: ThreadPoolExecutor) -> None:
    """The same holds for items as for users."""
    rows = np.array([5, 9, 7], dtype=np.uint32)
    results = await Retriever(pool, THREADS, 10).retrieve_similar(
        [FakeChannel("whole"), BrokenChannel("broken")], rows, limit=2
    )
    assert [one.rows.tolist() for one in results.found[0]] == [[6, 7], [10, 11], [8, 9]]
    assert results.failed == ["broken"]
