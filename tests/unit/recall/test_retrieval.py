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
from services.recall.retrieval import ChannelResults, Queries, Retriever
from shared.errors import Unavailable
from shared.short_work import ShortWork
from shared.tensors import Ragged

THREADS = 2


@dataclass
class FakeChannel:
    """Finds, for each query, the last item of its history and the number of its excluded rows."""

    name: str
    quota: float = 1.0
    instant: bool = False
    encoded: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def encode(self, histories: NDArray[np.int64], user_features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Remembers the size of the batch."""
        assert len(histories) == len(user_features)
        self.encoded.append(len(histories))
        self.threads.append(threading.get_ident())
        return histories[:, -1:].astype(np.float32)

    def search(self, queries: NDArray[np.float32], excluded: Ragged, limit: int) -> list[Found]:
        """Finds what the queries say."""
        lists = [[int(query[0]), 1000 + len(rows)][:limit] for query, rows in zip(queries, excluded, strict=True)]
        return [Found(np.array(rows, dtype=np.int64), np.ones(len(rows), dtype=np.float32)) for rows in lists]

    def similar(self, rows: NDArray[np.int64], limit: int) -> list[Found]:
        """Finds the next rows."""
        return [Found(np.arange(row + 1, row + 1 + limit), np.ones(limit, dtype=np.float32)) for row in rows.tolist()]


class BrokenChannel(FakeChannel):
    """Fails always."""

    def search(self, queries: NDArray[np.float32], excluded: Ragged, limit: int) -> list[Found]:
        """Fails."""
        raise RuntimeError(f"broken for {queries}, {excluded}, {limit}")

    def similar(self, rows: NDArray[np.int64], limit: int) -> list[Found]:
        """Fails."""
        raise RuntimeError(f"broken for {rows}, {limit}")


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


def as_found(results: ChannelResults) -> ChannelResults:
    """Finishes with what was found."""
    return results


@pytest.mark.parametrize("instant", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 40])
async def test_each_query_gets_its_own_answer_in_order(pool: ThreadPoolExecutor, count: int, instant: bool) -> None:
    """From channels that take a thread and from those that look up; each encodes once for all queries."""
    channels = [FakeChannel("a"), FakeChannel("b", instant=instant), FakeChannel("c", instant=instant)]
    results = await Retriever(pool, 10).retrieve(channels, queries(count), 5, as_found)
    assert len(results.found) == 3
    for found in results.found:
        assert [one.rows.tolist() for one in found] == [[query, 1000 + query] for query in range(count)]
    assert [channel.encoded for channel in channels] == [[count]] * 3
    assert results.failed == []


@pytest.mark.parametrize("instant", [False, True])
async def test_a_channel_that_fails_is_named_and_the_others_answer(pool: ThreadPoolExecutor, instant: bool) -> None:
    """The failure is counted, whether the channel takes a thread or looks up."""
    before = failures("broken", "error")
    channels = [BrokenChannel("broken", instant=instant), FakeChannel("whole")]
    results = await Retriever(pool, 10).retrieve(channels, queries(3), 1, as_found)
    assert [[one.rows.tolist() for one in found] for found in results.found] == [[[], [], []], [[0], [1], [2]]]
    assert results.failed == ["broken"]
    assert failures("broken", "error") == before + 1


async def test_a_channel_that_takes_too_long_is_named_and_the_others_answer(pool: ThreadPoolExecutor) -> None:
    """The answer does not wait for a channel beyond its time."""
    before = failures("blocked", "timeout")
    channels = [BlockedChannel("blocked"), FakeChannel("quick"), FakeChannel("instant", instant=True)]
    async with asyncio.timeout(3):  # far from both the channel's time and the time for which it blocks
        results = await Retriever(pool, 0.05).retrieve(channels, queries(2), 1, as_found)
    assert not BlockedChannel.released.is_set()
    for found in results.found[1:]:
        assert [one.rows.tolist() for one in found] == [[0], [1]]
    assert results.failed == ["blocked"]
    assert failures("blocked", "timeout") == before + 1


async def test_nothing_can_be_answered_when_every_channel_fails(pool: ThreadPoolExecutor) -> None:
    """An empty list would look like an answer."""
    with pytest.raises(Unavailable, match="every channel failed"):
        await Retriever(pool, 10).retrieve([BrokenChannel("x"), BrokenChannel("y")], queries(2), 1, as_found)


async def test_items_alike_are_found_for_each_row_and_without_a_channel_that_fails(pool: ThreadPoolExecutor) -> None:
    """The same holds for items as for users."""
    rows = np.array([5, 9, 7], dtype=np.uint32)
    channels = [FakeChannel("whole"), BrokenChannel("broken")]
    results = await Retriever(pool, 10).retrieve_similar(channels, rows, 2, as_found)
    assert [one.rows.tolist() for one in results.found[0]] == [[6, 7], [10, 11], [8, 9]]
    assert results.failed == ["broken"]


async def test_what_failed_while_finishing_fails_the_call(pool: ThreadPoolExecutor) -> None:
    """The caller hears of it instead of waiting."""

    def finish(results: ChannelResults) -> None:
        raise ValueError(f"{len(results.found)} lists are too many")

    with pytest.raises(ValueError, match="2 lists are too many"):
        await Retriever(pool, 10).retrieve([FakeChannel("a"), FakeChannel("b")], queries(1), 1, finish)


async def test_the_event_loop_computes_nothing_that_it_knows_nothing_of(pool: ThreadPoolExecutor) -> None:
    """Encoding, looking up and finishing all happen on threads the first time."""
    channels = [FakeChannel("a"), FakeChannel("b", instant=True)]
    finisher = await Retriever(pool, 10).retrieve(channels, queries(1), 1, lambda _results: threading.get_ident())
    assert threading.get_ident() not in {finisher, *channels[0].threads, *channels[1].threads}


class EverythingIsShort(ShortWork):
    """Takes all work to be short."""

    def fits(self, _subject: object, _weight: int) -> bool:
        """Always."""
        return True


async def test_a_channel_that_is_quick_is_searched_without_a_thread(pool: ThreadPoolExecutor) -> None:
    """The way there and back would take longer; the answer is the same, and so is a failure."""
    channel = FakeChannel("a")
    channels = [channel, FakeChannel("b", instant=True), BrokenChannel("broken", instant=True)]
    results = await Retriever(pool, 10, EverythingIsShort).retrieve(channels, queries(2), 1, as_found)
    assert channel.threads == [threading.get_ident()]
    assert [[one.rows.tolist() for one in found] for found in results.found] == [[[0], [1]]] * 2 + [[[], []]]
    assert results.failed == ["broken"]
    with pytest.raises(Unavailable, match="every channel failed"):
        await Retriever(pool, 10, EverythingIsShort).retrieve([BrokenChannel("x")], queries(2), 1, as_found)


async def test_channels_that_can_be_searched_side_by_side_are(pool: ThreadPoolExecutor) -> None:
    """However quick they are: one after the other they would take as long as both."""
    channels = [FakeChannel("a"), FakeChannel("b")]
    await Retriever(pool, 10, EverythingIsShort).retrieve(channels, queries(1), 1, as_found)
    assert threading.get_ident() not in {*channels[0].threads, *channels[1].threads}


async def test_it_is_measured_how_long_searches_take(pool: ThreadPoolExecutor) -> None:
    """Of all sizes, on threads or not, so that what follows is known to be short or not."""
    taken: list[tuple[object, int]] = []

    class Noting(ShortWork):
        """Notes what it is told."""

        def took(self, subject: object, weight: int, seconds: float) -> None:
            """Notes it."""
            assert 0.0 < seconds < 10.0
            taken.append((subject, weight))

    channel = FakeChannel("a")
    retriever = Retriever(pool, 10, Noting)
    await retriever.retrieve([channel], queries(3), 5, as_found)
    await retriever.retrieve_similar([channel], np.array([4], dtype=np.uint32), 7, as_found)
    assert taken == [(channel, 3 * 5 + 3 + 3), (channel, 7)]


async def test_candidates_are_counted_for_each_query(pool: ThreadPoolExecutor) -> None:
    """A batch of 40 counts 40 times."""
    await Retriever(pool, 10).retrieve([FakeChannel("counted")], queries(40), 5, as_found)
    labels = {"channel": "counted"}
    assert REGISTRY.get_sample_value("winnow_recall_channel_candidates_count", labels) == 40
    assert REGISTRY.get_sample_value("winnow_recall_channel_candidates_sum", labels) == 80
    assert REGISTRY.get_sample_value("winnow_recall_channel_candidates_bucket", labels | {"le": "1.0"}) == 0
    assert REGISTRY.get_sample_value("winnow_recall_channel_candidates_bucket", labels | {"le": "10.0"}) == 40
