"""One table maps the domain's errors to statuses, and nothing else reaches a caller."""

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from shared import errors
from shared.status import MAX_TEXT, internal_status, status_of

EXPECTED: list[tuple[errors.WinnowError, str, str, dict[str, str]]] = [
    (errors.InvalidArgument("rows", "is too long"), "INVALID_ARGUMENT", "INVALID_ARGUMENT", {"field": "rows"}),
    (errors.NotFound("item_id", "is not in the catalogue"), "NOT_FOUND", "NOT_FOUND", {"field": "item_id"}),
    (
        errors.SnapshotNotHeld("s3", ["s2", "s1"]),
        "FAILED_PRECONDITION",
        "SNAPSHOT_NOT_HELD",
        {"field": "snapshot_id", "snapshot_id": "s3", "held": "s2,s1"},
    ),
    (errors.Overloaded("try later"), "RESOURCE_EXHAUSTED", "OVERLOADED", {}),
    (errors.StorageFull("no room"), "RESOURCE_EXHAUSTED", "STORAGE_FULL", {}),
    (errors.TooManyLiveItems("train"), "RESOURCE_EXHAUSTED", "TOO_MANY_LIVE_ITEMS", {}),
    (errors.Unavailable("starting", {"stage": "recall"}), "UNAVAILABLE", "UNAVAILABLE", {"stage": "recall"}),
    (errors.DeadlineExceeded("too late"), "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", {}),
]


def error_info_of(status: grpc.Status) -> error_details_pb2.ErrorInfo:
    """Unpacks the one detail that a status carries."""
    (packed,) = [value for key, value in status.trailing_metadata if key == "grpc-status-details-bin"]
    (detail,) = status_pb2.Status.FromString(packed).details
    info = error_details_pb2.ErrorInfo()
    assert detail.Unpack(info)
    return info


@pytest.mark.parametrize(("error", "code", "reason", "metadata"), EXPECTED, ids=[row[2] for row in EXPECTED])
def test_each_error_has_its_status(error: errors.WinnowError, code: str, reason: str, metadata: dict[str, str]) -> None:
    """Code and message for people, and an ErrorInfo with domain, reason and metadata for programs."""
    status = status_of(error)
    assert (status.code.name, status.details) == (code, error.message)
    assert error_info_of(status) == error_details_pb2.ErrorInfo(domain="winnow", reason=reason, metadata=metadata)


def test_no_error_is_left_out() -> None:
    """A class that is added to `shared.errors` needs a status and a line above."""
    declared = {kind for kind in vars(errors).values() if isinstance(kind, type)} - {errors.WinnowError}
    assert {type(error) for error, *_ in EXPECTED} == {kind for kind in declared if issubclass(kind, Exception)}


def test_a_more_particular_error_has_the_status_of_its_kind() -> None:
    """A service may derive errors of its own."""

    class CatalogueFull(errors.StorageFull):
        reason = "CATALOGUE_FULL"

    status = status_of(CatalogueFull("no room"))
    assert status.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error_info_of(status).reason == "CATALOGUE_FULL"


def test_an_unexpected_error_is_told_by_its_request_id_alone() -> None:
    """The caller can quote the id to whoever reads the logs, and learns nothing else."""
    status = internal_status("id-1")
    assert status.code is grpc.StatusCode.INTERNAL
    assert status.details == "internal error; the log has it under request id id-1"
    assert error_info_of(status) == error_details_pb2.ErrorInfo(
        domain="winnow", reason="INTERNAL", metadata={"request_id": "id-1"}
    )


def test_what_a_status_quotes_from_the_request_is_cut() -> None:
    """A key of a map may be a megabyte long, and metadata of more than 8 kB would hide the status itself."""
    status = status_of(errors.InvalidArgument("weights['" + "w" * 1_000_000 + "']", "is negative"))
    assert len(status.details) == MAX_TEXT
    assert status.details.endswith("…")
    assert len(error_info_of(status).metadata["field"]) == MAX_TEXT


def test_an_error_that_holds_no_snapshot_says_so() -> None:
    """While a service starts, it holds none."""
    assert str(errors.SnapshotNotHeld("s1", [])).endswith("held: none")
