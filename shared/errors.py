"""What can go wrong, said without a word about transport.

The domain raises these; `shared.status` maps them to gRPC statuses at the edge, in one table.
"""

from collections.abc import Mapping, Sequence


class WinnowError(Exception):
    """An error whose message may be shown to the caller.

    Args:
        message: What is wrong and what to do about it, for a person.
        metadata: Details for a program, sent as `google.rpc.ErrorInfo.metadata`.
    """

    reason = "ERROR"

    def __init__(self, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: dict[str, str] = dict(metadata or {})


class InvalidArgument(WinnowError):
    """A field of the request breaks a limit of the contract.

    Args:
        field: The field's path in the request, such as `events[3].item_id`.
        problem: What is wrong with it, continuing the sentence "<field> …".
    """

    reason = "INVALID_ARGUMENT"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}", {"field": field})
        self.field = field
        self.problem = problem

    def within(self, message: str) -> "InvalidArgument":
        """Returns the same refusal of a field that is within another message, such as `request`."""
        return InvalidArgument(f"{message}.{self.field}", self.problem)


class NotFound(WinnowError):
    """What the request is about does not exist."""

    reason = "NOT_FOUND"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}", {"field": field})


class SnapshotNotHeld(WinnowError):
    """The request names a snapshot that is neither the current nor the previous one here."""

    reason = "SNAPSHOT_NOT_HELD"

    def __init__(self, snapshot_id: str, held: Sequence[str]) -> None:
        known = ", ".join(held) or "none"
        super().__init__(
            f"snapshot_id names a snapshot that is not held here; held: {known}",
            {"field": "snapshot_id", "snapshot_id": snapshot_id[:128], "held": ",".join(held)},
        )


class Overloaded(WinnowError):
    """More is asked at once than the service takes on."""

    reason = "OVERLOADED"


class StorageFull(WinnowError):
    """There is no room left to write to."""

    reason = "STORAGE_FULL"


class TooManyLiveItems(WinnowError):
    """More items were upserted than snapshots have learnt of. Trying again helps once a new snapshot is loaded."""

    reason = "TOO_MANY_LIVE_ITEMS"


class Unavailable(WinnowError):
    """Not possible right now, and worth trying again."""

    reason = "UNAVAILABLE"


class DeadlineExceeded(WinnowError):
    """The caller's deadline passed."""

    reason = "DEADLINE_EXCEEDED"
