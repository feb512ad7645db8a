"""Passes on who is to be forgotten: the gateway itself remembers nobody, but for what it has not logged yet."""

from services.gateway.degradation import NeighbourFailed, Reason
from services.gateway.exposure_log import ExposureLog
from services.gateway.neighbours import Erased, FeatureStore
from services.gateway.run import Deadline
from shared.errors import DeadlineExceeded, Overloaded, StorageFull, Unavailable, WinnowError


class UserEraser:
    """Forgets users.

    Args:
        feature_store: What remembers them.
        budget: The most seconds to wait for it.
        exposures: What waits to be logged; None where nothing is.
    """

    def __init__(self, feature_store: FeatureStore, budget: float, exposures: ExposureLog | None) -> None:
        self._feature_store = feature_store
        self._budget = budget
        self._exposures = exposures

    async def forget(self, user_id: str, deadline: Deadline) -> Erased:
        """Erases everything that is remembered of a user; on return no file of the feature store holds it.

        Raises:
            Unavailable: the feature store cannot be reached, does not answer within the budget, or fails.
            Overloaded: it has too much to do.
            StorageFull: it has no room for the copies that an erasure makes.
            DeadlineExceeded: the caller's deadline passed first.
        """
        if deadline.remaining <= 0:
            raise DeadlineExceeded("the deadline passed before the request was sent on; nothing was erased")
        if self._exposures is not None:
            await self._exposures.discard(user_id)
        try:
            return await self._feature_store.forget_user(user_id, min(self._budget, deadline.remaining))
        except NeighbourFailed as failure:
            raise _error_of(failure, deadline) from failure


def _error_of(failure: NeighbourFailed, deadline: Deadline) -> WinnowError:
    if failure.storage_full:
        return StorageFull("the feature store has no room for the copies that an erasure makes; nothing is lost")
    if failure.reason is Reason.OVERLOADED:
        return Overloaded("the feature store has too much to do; try again later")
    if failure.reason is Reason.DEADLINE:
        problem = "the feature store is still erasing; ask again to be sure that it is done"
        return DeadlineExceeded(problem) if deadline.remaining <= 0 else Unavailable(problem)
    return Unavailable(f"the feature store did not erase the user ({failure.reason}); repeating is safe")
