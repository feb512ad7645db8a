"""Passes on who is to be forgotten: the gateway itself remembers nobody."""

from services.gateway.degradation import NeighbourFailed, Reason
from services.gateway.neighbours import Erased, FeatureStore
from services.gateway.run import Deadline
from shared.errors import DeadlineExceeded, Overloaded, StorageFull, Unavailable, WinnowError


class UserEraser:
    """Forgets users.

    Args:
        feature_store: What remembers them.
        budget: The most seconds to wait for it.
    """

    def __init__(self, feature_store: FeatureStore, budget: float) -> None:
        self._feature_store = feature_store
        self._budget = budget

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
