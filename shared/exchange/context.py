"""What a servicer sees of a call that came over a stream."""

from collections.abc import Sequence
from typing import NoReturn

import grpc

#: Where gRPC carries a serialized google.rpc.Status.
STATUS_DETAILS_KEY = "grpc-status-details-bin"

Metadata = Sequence[tuple[str, str]]


class ExchangedCall:
    """Stands for `grpc.aio.ServicerContext`, as far as servicers and what surrounds them use it.

    Args:
        metadata: What the call came with.

    Attributes:
        details: What is wrong, once the call was aborted.
        status_details: The serialized google.rpc.Status, once the call was aborted with one.
    """

    __slots__ = ("_code", "_metadata", "details", "status_details")

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._code = grpc.StatusCode.OK
        self.details = ""
        self.status_details = b""

    def invocation_metadata(self) -> Metadata:
        """Returns what the call came with."""
        return self._metadata

    def time_remaining(self) -> float | None:
        """Returns None: a caller that gives up cancels the stream."""
        return None

    def code(self) -> grpc.StatusCode:
        """Returns the status that the call was aborted with; OK until then."""
        return self._code

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: Sequence[tuple[str, bytes]] = ()
    ) -> NoReturn:
        """Ends the call.

        Raises:
            AbortError: always, as gRPC's own context does.
        """
        self._code = code
        self.details = details
        self.status_details = dict(trailing_metadata).get(STATUS_DETAILS_KEY, b"")
        raise grpc.aio.AbortError(details)
