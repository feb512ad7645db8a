"""Passes what users did to the feature store: the one RPC that cannot be answered without a neighbour."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from services.gateway.degradation import NeighbourFailed
from services.gateway.neighbours import FeatureStore, Recorded
from services.gateway.query import Event
from services.gateway.run import Deadline
from services.gateway.write_errors import write_error
from shared.errors import DeadlineExceeded, WinnowError


@dataclass(frozen=True)
class Ingested:
    """What became of a stream of events.

    Attributes:
        recorded: How many events were new.
        duplicates: How many had been recorded before, or came twice.
        messages: How many batches the stream had.
    """

    recorded: int = 0
    duplicates: int = 0
    messages: int = 0

    def and_(self, batch: Recorded) -> "Ingested":
        """Returns what became of the stream with one batch more."""
        return Ingested(self.recorded + batch.recorded, self.duplicates + batch.duplicates, self.messages + 1)


class EventRecorder:
    """Records events.

    Args:
        feature_store: Keeps them.
        budget: The most seconds to wait for it.
    """

    def __init__(self, feature_store: FeatureStore, budget: float) -> None:
        self._feature_store = feature_store
        self._budget = budget

    async def record(self, events: Sequence[Event], deadline: Deadline) -> Recorded:
        """Records all events or none; on return they are on disk.

        Raises:
            Unavailable: the feature store cannot be reached, does not answer within the budget, or fails.
            Overloaded: it has too much to do.
            StorageFull: it has no room left.
            DeadlineExceeded: the caller's deadline passed first.
        """
        if deadline.remaining <= 0:
            raise DeadlineExceeded("the deadline passed before the events were sent on; nothing was recorded")
        try:
            return await self._feature_store.record_events(events, min(self._budget, deadline.remaining))
        except NeighbourFailed as failure:
            raise write_error(failure, deadline, "record the events") from failure

    async def ingest(self, batches: AsyncIterator[Sequence[Event]], deadline: Deadline) -> Ingested:
        """Records batch after batch. The next is taken when the one before is on disk, so that a quick sender waits.

        Raises:
            WinnowError: as `record` does, or as `batches` does; its metadata `recorded_messages` says how many batches
                are on disk.
        """
        ingested = Ingested()
        try:
            async for events in batches:
                ingested = ingested.and_(await self.record(events, deadline))
        except WinnowError as error:
            error.metadata["recorded_messages"] = str(ingested.messages)
            raise
        return ingested
