"""What every RPC of every service has around it."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared import logs
from shared.errors import InvalidArgument, SnapshotNotHeld
from shared.status import error_info
from tests.contract.shared.probe import SCORE, Context, Held, serving
from winnow.ranking.v1 import ranking_service_pb2 as pb

REQUEST = pb.ScoreRequest()


async def tell_request_id(_request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """A behaviour that answers with the id of the request in progress."""
    await asyncio.sleep(0)  # others run in between
    return pb.ScoreResponse(objectives=[logs.request_id.get()])


async def fail_unexpectedly(_request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """A behaviour with a bug, whose error holds what no caller may see."""
    raise RuntimeError("password=hunter2")


async def abort(_request: pb.ScoreRequest, context: Context) -> pb.ScoreResponse:
    """A behaviour that ends the call by itself."""
    await context.abort(grpc.StatusCode.ABORTED, "by itself")


async def refuse(_request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """A behaviour that refuses the request."""
    raise InvalidArgument("candidate_rows", "is too long")


def count(code: str) -> float:
    """How many calls of Score this process counted as ended with a code."""
    return REGISTRY.get_sample_value("winnow_rpc_total", {"method": SCORE, "code": code}) or 0.0


async def failure(call: Any) -> grpc.aio.AioRpcError:
    """Waits for a call, which must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value


async def test_a_domain_error_arrives_with_its_status_and_details() -> None:
    """The code, the sentence, and an ErrorInfo that a program can read."""

    async def lack_snapshot(request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        raise SnapshotNotHeld(request.snapshot_id, ["s2"])

    async with serving(lack_snapshot) as running:
        error = await failure(running.stub.Score(pb.ScoreRequest(snapshot_id="s1")))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "snapshot_id names a snapshot that is not held here; held: s2"
    info = error_info(error)
    assert info is not None
    assert (info.domain, info.reason) == ("winnow", "SNAPSHOT_NOT_HELD")
    assert dict(info.metadata) == {"field": "snapshot_id", "snapshot_id": "s1", "held": "s2"}


async def test_an_unexpected_error_does_not_leak() -> None:
    """The caller gets a generic INTERNAL with the request's id; the log has kind and place, and nobody the text."""
    async with serving(fail_unexpectedly) as running:
        with capture_logs() as lines:
            error = await failure(running.stub.Score(REQUEST, metadata=[("x-request-id", "id-1")]))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "internal error; the log has it under request id id-1"
    assert "hunter2" not in f"{error.trailing_metadata()} {error.debug_error_string()}"
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["event"], line["method"]) == ("unexpected error", SCORE)
    assert line["error"].startswith("RuntimeError at ")
    assert line["error"].endswith(" fail_unexpectedly")
    assert "hunter2" not in str(lines)


async def test_an_abort_inside_of_a_servicer_passes() -> None:
    """It is an answer, not an unexpected error, and may carry no details for programs."""
    with capture_logs() as lines:
        async with serving(abort) as running:
            error = await failure(running.stub.Score(REQUEST))
    assert (error.code(), error.details()) == (grpc.StatusCode.ABORTED, "by itself")
    assert error_info(error) is None
    assert [line["code"] for line in lines if line["event"] == "rpc"] == ["ABORTED"]
    assert not [line for line in lines if line["log_level"] == "error"]


async def test_bytes_that_are_no_message_are_the_callers_fault() -> None:
    """gRPC itself would answer INTERNAL, and the caller would look for the fault in the service."""
    async with serving() as running:
        error = await failure(running.channel.unary_unary(SCORE, bytes)(b"\xff\xff\xff"))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    info = error_info(error)
    assert info is not None
    assert info.metadata["field"] == "request"


async def test_a_message_over_the_limit_is_refused() -> None:
    """Before it is read into memory, let alone parsed."""
    async with serving(max_message_bytes=1000) as running:
        error = await failure(running.stub.Score(pb.ScoreRequest(snapshot_id="s" * 1000)))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await running.stub.Score(pb.ScoreRequest(snapshot_id="s" * 900))


async def test_a_method_that_does_not_exist_is_unimplemented() -> None:
    """Newer clients meet older services."""
    async with serving() as running:
        error = await failure(running.channel.unary_unary("/winnow.ranking.v1.RankingService/Guess", bytes)(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_more_than_the_limit_in_flight_is_refused() -> None:
    """At once, and by method: other methods and health checks still answer. A place that is freed is given again."""
    held = Held()
    async with serving(held, max_in_flight=2) as running:
        calls = [asyncio.ensure_future(running.stub.Score(REQUEST)) for _ in range(2)]
        for _ in calls:
            await held.arrivals.get()
        error = await failure(running.stub.Score(REQUEST))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.details() == "more than 2 requests are in flight; try again later"
        info = error_info(error)
        assert info is not None
        assert info.reason == "OVERLOADED"
        await running.stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest())
        await health_pb2_grpc.HealthStub(running.channel).Check(health_pb2.HealthCheckRequest())
        held.released.set()
        await asyncio.gather(*calls)
        await running.stub.Score(REQUEST)


async def test_a_caller_that_gives_up_frees_its_place() -> None:
    """The work is cancelled, which is no error to log, and the next request is let in."""
    held = Held()
    before = count("CANCELLED")
    async with serving(held, max_in_flight=1) as running:
        with capture_logs() as lines:
            call = running.stub.Score(REQUEST)
            await held.arrivals.get()
            call.cancel()
            await held.cancelled.wait()
            held.released.set()
            await running.stub.Score(REQUEST)
    assert not [line for line in lines if line["log_level"] in {"warning", "error"}]
    assert count("CANCELLED") == before + 1


async def test_a_deadline_that_passes_cancels_the_work() -> None:
    """Nobody waits for the answer any more."""
    held = Held()
    async with serving(held) as running:
        error = await failure(running.stub.Score(REQUEST, timeout=0.05))
        await held.cancelled.wait()
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_request_keeps_the_id_that_it_came_with() -> None:
    """So that it can be followed through the logs of all services."""
    async with serving(tell_request_id) as running:
        response = await running.stub.Score(REQUEST, metadata=[("x-request-id", "id-1")])
    assert response.objectives == ["id-1"]


@pytest.mark.parametrize("metadata", [[], [("x-request-id", "")], [("x-request-id", "x" * 129)], [("other", "id-1")]])
async def test_a_request_without_a_usable_id_gets_one(metadata: list[tuple[str, str]]) -> None:
    """An id is 1 to 128 characters long; logs are not for what is longer."""
    async with serving(tell_request_id) as running:
        response = await running.stub.Score(REQUEST, metadata=metadata)
    assert len(response.objectives[0]) == 32


async def test_requests_side_by_side_keep_their_ids_apart() -> None:
    """They share the event loop and nothing else."""
    ids = [f"id-{number}" for number in range(20)]
    async with serving(tell_request_id) as running:
        calls = [running.stub.Score(REQUEST, metadata=[("x-request-id", one)]) for one in ids]
        responses = [await call for call in calls]
    assert [response.objectives[0] for response in responses] == ids


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [(tell_request_id, "OK"), (refuse, "INVALID_ARGUMENT"), (abort, "ABORTED"), (fail_unexpectedly, "INTERNAL")],
)
async def test_calls_are_counted_by_code(behaviour: Any, code: str) -> None:
    """Each once, with its duration, and none stays in flight."""
    seconds = {"method": SCORE}
    before, timed = count(code), REGISTRY.get_sample_value("winnow_rpc_seconds_count", seconds) or 0.0
    async with serving(behaviour) as running:
        await running.stub.Score(REQUEST).code()
    assert count(code) == before + 1
    assert REGISTRY.get_sample_value("winnow_rpc_seconds_count", seconds) == timed + 1
    assert REGISTRY.get_sample_value("winnow_rpc_in_flight", {"method": SCORE}) == 0
