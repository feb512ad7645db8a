"""What a servicer sees of a call that came over a stream."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

import grpc

#: Where gRPC carries a serialized google.rpc.Status.
STATUS_DETAILS_KEY = "grpc-status-details-bin"

Metadata = Sequence[tuple[str, str]]
TrailingMetadata = Iterable[tuple[str, str | bytes]]


class ExchangedCall:
    """Stands for `grpc.aio.ServicerContext`, as far as the servicers of unary methods and what surrounds them use it.

    Args:
        metadata: What the call came with.

    Attributes:
        message: What is wrong, once the call was aborted.
        status_details: The serialized google.rpc.Status, once the call was aborted with one.
    """

    __slots__ = ("_code", "_metadata", "message", "status_details")

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._code = grpc.StatusCode.OK
        self.message = ""
        self.status_details = b""

    def invocation_metadata(self) -> Metadata:
        """Returns what the call came with."""
        return self._metadata

    def time_remaining(self) -> float | None:
        """Returns None: a caller whose time is up cancels the stream."""
        return None

    def code(self) -> grpc.StatusCode:
        """Returns the status that the call was aborted with; OK until then."""
        return self._code

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: TrailingMetadata = ()
    ) -> NoReturn:
        """Ends the call. Of the metadata the status details are carried alone.

        Raises:
            AbortError: always, as gRPC's own context does.
        """
        self.fail(code, details, trailing_metadata)
        raise grpc.aio.AbortError(details)

    def fail(self, code: grpc.StatusCode, details: str | None, trailing_metadata: TrailingMetadata) -> None:
        """Notes what the call was aborted with."""
        self._code = code
        self.message = details or ""
        for key, value in trailing_metadata:
            if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
                self.status_details = value
