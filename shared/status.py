"""The one table from the domain's errors to gRPC statuses."""

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from shared import errors

ERROR_DOMAIN = "winnow"

#: Longest text in a status, in characters. Messages and fields' paths may quote what the caller sent, and past 8 kB
#: of metadata a client sees RESOURCE_EXHAUSTED instead of the status.
MAX_TEXT = 256

# The most particular class comes first: the first that matches is used.
STATUS_OF: tuple[tuple[type[errors.WinnowError], int], ...] = (
    (errors.InvalidArgument, code_pb2.INVALID_ARGUMENT),
    (errors.NotFound, code_pb2.NOT_FOUND),
    (errors.SnapshotNotHeld, code_pb2.FAILED_PRECONDITION),
    (errors.Overloaded, code_pb2.RESOURCE_EXHAUSTED),
    (errors.StorageFull, code_pb2.RESOURCE_EXHAUSTED),
    (errors.TooManyLiveItems, code_pb2.RESOURCE_EXHAUSTED),
    (errors.DeadlineExceeded, code_pb2.DEADLINE_EXCEEDED),
    (errors.Unavailable, code_pb2.UNAVAILABLE),
)


def status_of(error: errors.WinnowError) -> grpc.Status:
    """Returns the status that tells a caller of `error`, with its `google.rpc.ErrorInfo`."""
    code = next((code for kind, code in STATUS_OF if isinstance(error, kind)), code_pb2.INTERNAL)
    return _rich_status(code, error.message, error.reason, error.metadata)


def internal_status(request_id: str) -> grpc.Status:
    """Returns the status for an error nobody expected: its text stays in the log, under the request's id."""
    return _rich_status(
        code_pb2.INTERNAL,
        f"internal error; the log has it under request id {request_id}",
        "INTERNAL",
        {"request_id": request_id},
    )


def error_info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo | None:
    """Returns the `ErrorInfo` that a failed call carries, or None where it carries none."""
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        found = error_details_pb2.ErrorInfo()
        if detail.Unpack(found):
            return found
    return None


def _rich_status(code: int, message: str, reason: str, metadata: dict[str, str]) -> grpc.Status:
    detail = any_pb2.Any()
    metadata = {key: _cut(value) for key, value in metadata.items()}
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=ERROR_DOMAIN, metadata=metadata))
    status: grpc.Status = rpc_status.to_status(status_pb2.Status(code=code, message=_cut(message), details=[detail]))
    return status


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
