"""Passes what users did to the feature store: the one RPC that cannot be answered without a neighbour."""

from collections.abc import Sequence

from services.gateway.degradation import NeighbourFailed, Reason
from services.gateway.neighbours import FeatureStore, Recorded
from services.gateway.query import Event
from services.gateway.run import Deadline
from shared.errors import DeadlineExceeded, Overloaded, StorageFull, Unavailable, WinnowError


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
            raise _error_of(failure, deadline) from failure


def _error_of(failure: NeighbourFailed, deadline: Deadline) -> WinnowError:
    if failure.storage_full:
        return StorageFull("the feature store has no room left to write to")
    if failure.reason is Reason.OVERLOADED:
        return Overloaded("the feature store has too much to do; try again later")
    if failure.reason is Reason.DEADLINE and deadline.remaining <= 0:
        return DeadlineExceeded("the deadline passed before the feature store answered; repeating is safe")
    return Unavailable(f"the feature store did not record the events ({failure.reason}); repeating is safe")
