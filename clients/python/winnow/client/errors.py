"""What a call can raise: one small tree, told apart by class, with the machine-readable reason that the server gave."""

from __future__ import annotations

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


class WinnowError(Exception):
    """A call that failed.

    Attributes:
        code: The gRPC status.
        reason: Why, for a program, such as "INVALID_ARGUMENT"; empty where no server was reached or it gave none.
        field: The path of the request's field that was refused, such as "events[3].item_id"; empty where none was.
        message: Why, for a person.
        recorded_messages: Of `ingest`: how many messages of the stream, of 1,000 events each, are on disk for certain.
            None where the server did not tell; sending all of them again is safe.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        reason: str = "",
        field: str = "",
        recorded_messages: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.field = field
        self.message = message
        self.recorded_messages = recorded_messages


class InvalidArgument(WinnowError):
    """A field of the request breaks a limit; nothing was changed. Repeating the call cannot succeed."""


class NotFound(WinnowError):
    """The item that the request is about is not in the catalogue."""


class DeadlineExceeded(WinnowError):
    """The deadline passed. Events that were being recorded may or may not be: sending them again is safe."""


class Overloaded(WinnowError):
    """The server has too much to do, or the message is too large."""


class Unavailable(WinnowError):
    """The server cannot be reached or is starting or draining, and was still so after the retries."""


_ERROR_OF_CODE: dict[grpc.StatusCode, type[WinnowError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
}


def error_of(failed: grpc.RpcError) -> WinnowError:
    """Returns what to raise for a failed call of the synchronous or the asyncio API."""
    call: grpc.Call = failed  # type: ignore[assignment]  # what gRPC raises is both
    code = call.code()
    detail = _error_info(call)
    kind = _ERROR_OF_CODE.get(code, WinnowError)
    recorded = detail.metadata.get("recorded_messages", "")
    return kind(
        code,
        call.details() or code.name,
        detail.reason,
        detail.metadata.get("field", ""),
        int(recorded) if recorded.isdecimal() else None,
    )


def _error_info(call: grpc.Call) -> error_details_pb2.ErrorInfo:
    found = error_details_pb2.ErrorInfo()
    try:
        status = rpc_status.from_call(call)
    except ValueError:  # a proxy between wrote another status than the one that the server attached
        return found
    for detail in status.details if status is not None else ():
        if detail.Unpack(found):
            break
    return found
