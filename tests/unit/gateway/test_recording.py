"""What the feature store cannot do becomes an error that says whether to try again."""

import math
from collections.abc import AsyncIterator, Sequence

import pytest

from services.gateway.degradation import Reason
from services.gateway.neighbours import Recorded
from services.gateway.query import Event
from services.gateway.recording import EventRecorder, Ingested
from services.gateway.run import Deadline
from shared.errors import DeadlineExceeded, InvalidArgument, Overloaded, StorageFull, Unavailable, WinnowError
from shared.events import EventType
from tests.unit.gateway.fakes import FakeClock, FakeFeatureStore

EVENT = Event("e1", "ann", "i1", EventType.LIKE, 1_700_000_000_000)


async def test_events_are_handed_on_as_they_are() -> None:
    """The store's count is the answer."""
    store = FakeFeatureStore()
    result = await EventRecorder(store, 1.0).record([EVENT], Deadline(math.inf))
    assert store.events == [EVENT]
    assert (result.recorded, result.duplicates) == (1, 0)


@pytest.mark.parametrize(
    ("reason", "storage_full", "error"),
    [
        (Reason.UNAVAILABLE, False, Unavailable),
        (Reason.ERROR, False, Unavailable),
        (Reason.SNAPSHOT, False, Unavailable),
        (Reason.DEADLINE, False, Unavailable),
        (Reason.OVERLOADED, False, Overloaded),
        (Reason.OVERLOADED, True, StorageFull),
    ],
)
async def test_every_failure_has_a_documented_error(
    reason: Reason, storage_full: bool, error: type[WinnowError]
) -> None:
    """While the caller has time left, what the store did not do may be tried again."""
    store = FakeFeatureStore(reason, storage_full=storage_full)
    with pytest.raises(error):
        await EventRecorder(store, 1.0).record([EVENT], Deadline(60.0))


async def test_the_callers_deadline_is_told_from_the_servers_patience() -> None:
    """Only when the caller's own time is up is it the caller's deadline that passed."""
    clock = FakeClock()
    deadline = Deadline(0.5, clock)

    class SlowStore(FakeFeatureStore):
        async def record_events(self, events: Sequence[Event], budget: float) -> Recorded:
            clock.now += budget
            return await super().record_events(events, budget)

    with pytest.raises(DeadlineExceeded):
        await EventRecorder(SlowStore(Reason.DEADLINE), 1.0).record([EVENT], deadline)


async def test_nothing_is_sent_after_the_deadline() -> None:
    """The caller is gone; the store is not troubled."""
    store = FakeFeatureStore()
    with pytest.raises(DeadlineExceeded):
        await EventRecorder(store, 1.0).record([EVENT], Deadline(0.0))
    assert store.events == []


async def test_a_batch_of_a_stream_is_taken_when_the_one_before_is_on_disk() -> None:
    """A sender who is too quick waits, instead of filling memory."""
    store = FakeFeatureStore()

    async def batches() -> AsyncIterator[list[Event]]:
        for number in range(1, 4):
            assert len(store.events) == number - 1
            yield [EVENT]

    assert await EventRecorder(store, 1.0).ingest(batches(), Deadline(math.inf)) == Ingested(3, 0, 3)


async def test_a_stream_that_ends_early_says_how_many_batches_are_on_disk() -> None:
    """Whether the store failed or the next batch was bad."""
    store = FakeFeatureStore()

    async def fails_at_the_store() -> AsyncIterator[list[Event]]:
        yield [EVENT]
        store.failure = Reason.UNAVAILABLE
        yield [EVENT]

    async def is_bad() -> AsyncIterator[list[Event]]:
        yield [EVENT]
        yield [EVENT]
        raise InvalidArgument("events", "must not be empty")

    recorder = EventRecorder(store, 1.0)
    with pytest.raises(InvalidArgument) as refused:
        await recorder.ingest(is_bad(), Deadline(math.inf))
    assert refused.value.metadata == {"field": "events", "recorded_messages": "2"}
    with pytest.raises(Unavailable) as failed:
        await recorder.ingest(fails_at_the_store(), Deadline(math.inf))
    assert failed.value.metadata == {"recorded_messages": "1"}
