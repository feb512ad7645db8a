"""What a caller is told when the feature store did not take a write."""

from services.gateway.degradation import NeighbourFailed, Reason
from services.gateway.run import Deadline
from shared.errors import DeadlineExceeded, Overloaded, StorageFull, Unavailable, WinnowError


def write_error(failure: NeighbourFailed, deadline: Deadline, work: str) -> WinnowError:
    """Returns the error for a write that may be repeated.

    Args:
        failure: Of the feature store.
        deadline: Of the caller.
        work: What it did not do, such as "record the events".
    """
    if failure.storage_full:
        return StorageFull("the feature store has no room left to write to")
    if failure.reason is Reason.OVERLOADED:
        return Overloaded("the feature store has too much to do; try again later")
    if failure.reason is Reason.DEADLINE and deadline.remaining <= 0:
        return DeadlineExceeded("the deadline passed before the feature store answered; repeating is safe")
    return Unavailable(f"the feature store did not {work} ({failure.reason}); repeating is safe")
