"""A call over an open stream is answered as a call of its own would be."""

import asyncio
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared import logs
from shared.errors import InvalidArgument, SnapshotNotHeld, Unavailable
from tests.contract.shared.exchanging import exchanging, outcome, raw_stream
from tests.contract.shared.probe import SCORE, Context, Held
from winnow.exchange.v1 import exchange_service_pb2 as exchange_pb
from winnow.ranking.v1 import ranking_service_pb2 as pb

REQUEST = pb.ScoreRequest(snapshot_id="s1")
IDENTIFIED = [("x-request-id", "id-1"), ("some-bin", b"\xff"), ("x-request-id", "id-2")]


async def echo(request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """Answers with the snapshot of the request and the id of the request in progress."""
    await asyncio.sleep(0)  # others run in between
    return pb.ScoreResponse(objectives=[request.snapshot_id, logs.request_id.get()])


async def refuse(_request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """Refuses a field."""
    raise InvalidArgument("candidate_rows", "is too long")


async def lack_snapshot(request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """Holds another snapshot."""
    raise SnapshotNotHeld(request.snapshot_id, ["s2"])


async def be_unavailable(_request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """Cannot answer yet."""
    raise Unavailable("starting")


async def abort(_request: pb.ScoreRequest, context: Context) -> pb.ScoreResponse:
    """Ends the call by itself."""
    await context.abort(grpc.StatusCode.ABORTED, "by itself")


async def fail_unexpectedly(_request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """Has a bug."""
    raise RuntimeError("password=hunter2")


def count(code: str) -> float:
    """How many calls of Score this process counted as ended with a code."""
    return REGISTRY.get_sample_value("winnow_rpc_total", {"method": SCORE, "code": code}) or 0.0


@pytest.mark.parametrize("behaviour", [echo, refuse, lack_snapshot, be_unavailable, abort, fail_unexpectedly])
async def test_callers_learn_the_same_either_way(behaviour: Any) -> None:
    """The response, or the code, the sentence and what a program can read; for the first call and for a later one."""
    async with exchanging(behaviour) as (running, exchange):
        expected = await outcome(running.stub.Score(REQUEST, metadata=IDENTIFIED))
        for _ in range(3):
            assert await outcome(exchange.stub.Score(REQUEST, timeout=60, metadata=IDENTIFIED)) == expected


async def test_bytes_that_are_no_message_are_the_callers_fault_either_way() -> None:
    """INVALID_ARGUMENT that names the request; the stream goes on."""
    async with exchanging() as (running, exchange):
        expected = await outcome(running.channel.unary_unary(SCORE, bytes)(b"\xff\xff"))
        assert expected[0] == "INVALID_ARGUMENT"
        assert await outcome(exchange.channel.unary_unary(SCORE, bytes)(b"\xff\xff")) == expected
        await exchange.stub.Score(REQUEST)
    assert len(exchange.streams) == 1


async def test_a_call_without_an_id_gets_one() -> None:
    """And leaves none behind for the next call of the stream."""
    async with exchanging(echo) as (_running, exchange):
        ids = [(await exchange.stub.Score(REQUEST)).objectives[1] for _ in range(3)]
    assert [len(one) for one in ids] == [32, 32, 32]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("behaviour", "code"), [(echo, "OK"), (refuse, "INVALID_ARGUMENT"), (fail_unexpectedly, "INTERNAL")]
)
async def test_calls_are_counted_under_the_method_that_they_call(behaviour: Any, code: str) -> None:
    """A dashboard does not show how they came."""
    before = count(code)
    async with exchanging(behaviour) as (_running, exchange):
        for _ in range(3):
            await outcome(exchange.stub.Score(REQUEST))
    assert count(code) == before + 3
    assert REGISTRY.get_sample_value("winnow_rpc_in_flight", {"method": SCORE}) == 0


async def test_the_limit_in_flight_holds_for_both_ways_together() -> None:
    """A method has one limit."""
    held = Held()
    async with exchanging(held, max_in_flight=2) as (running, exchange):
        calls = [asyncio.ensure_future(one.Score(REQUEST)) for one in (running.stub, exchange.stub)]
        for _ in calls:
            await held.arrivals.get()
        refused = await outcome(running.stub.Score(REQUEST))
        assert refused[0] == "RESOURCE_EXHAUSTED"
        assert await outcome(exchange.stub.Score(REQUEST)) == refused
        await exchange.stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest())
        held.released.set()
        await asyncio.gather(*calls)


async def test_a_call_over_a_stream_continues_its_callers_trace() -> None:
    """Each its own caller's, under the name of the method."""
    spans = pytest.importorskip("tests.unit.gateway.spans", reason="needs the extra tracing", exc_type=ImportError)
    traces = [f"{number:032x}" for number in (1, 2)]
    with spans.recording() as recorded:
        async with exchanging(echo) as (_running, exchange):
            for trace in traces:
                await exchange.stub.Score(REQUEST, metadata=[("traceparent", f"00-{trace}-00000000000000ff-01")])
    finished = recorded.get_finished_spans()
    assert [span.name for span in finished] == ["winnow.ranking.v1.RankingService/Score"] * 2
    assert [f"{span.context.trace_id:032x}" for span in finished] == traces
    assert {span.parent.span_id for span in finished} == {0xFF}


@pytest.mark.parametrize(
    "method",
    ["/winnow.ranking.v1.RankingService/Guess", "/winnow.exchange.v1.ExchangeService/Exchange", "/grpc.health.v1.Health/Check", ""],
)  # fmt: skip
async def test_a_method_that_is_not_offered_is_unimplemented(method: str) -> None:
    """Unknown, a stream itself, or somebody else's; the stream goes on, and so does the client's use of streams."""
    async with exchanging() as (_running, exchange):
        refused = await outcome(exchange.channel.unary_unary(method, bytes, bytes)(b""))
        await exchange.stub.Score(REQUEST)
    assert refused[0] == "UNIMPLEMENTED"
    assert len(exchange.streams) == 1


async def test_bytes_that_are_no_exchange_request_are_answered() -> None:
    """By their status, and what comes after them as ever."""
    asked = exchange_pb.ExchangeRequest(method=SCORE, request=REQUEST.SerializeToString())
    async with exchanging(echo) as (running, _exchange), raw_stream(running.channel) as ask:
        refused = await ask(b"\xff\xff\xff")
        answered = await ask(asked.SerializeToString())
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert refused.status_details
    assert pb.ScoreResponse.FromString(answered.response).objectives[0] == "s1"


async def test_more_metadata_than_the_contract_allows_is_refused() -> None:
    """1,024 entries; one more names the field."""
    async with exchanging(echo) as (_running, exchange):
        await exchange.stub.Score(REQUEST, metadata=[("key", "value")] * 1024)
        refused = await outcome(exchange.stub.Score(REQUEST, metadata=[("key", "value")] * 1025))
    assert refused[0] == "INVALID_ARGUMENT"
    assert ("field", "metadata") in refused[-1]  # type: ignore[operator]


async def test_a_response_that_cannot_be_written_fails_its_call_alone() -> None:
    """A bug that nothing around a call sees: INTERNAL, a line in the log under the id, and the stream goes on."""

    async def answer_oddly(request: pb.ScoreRequest, _context: Context) -> Any:
        return "no message" if request.snapshot_id == "odd" else pb.ScoreResponse()

    async with exchanging(answer_oddly) as (_running, exchange):
        await exchange.stub.Score(REQUEST)
        with capture_logs() as lines:
            failed = await outcome(exchange.stub.Score(pb.ScoreRequest(snapshot_id="odd"), metadata=IDENTIFIED))
        await exchange.stub.Score(REQUEST)
    assert failed[:2] == ("INTERNAL", "internal error; the log has it under request id id-1,id-2")
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["event"], line["method"], line["request_id"]) == ("unexpected error", SCORE, "id-1,id-2")
    assert len(exchange.streams) == 1


@pytest.mark.parametrize("size", [2_000, 17_000_000])
async def test_a_message_that_is_too_large_fails_as_it_would_alone(size: int) -> None:
    """For the server, or for the channel; the next call has another stream."""
    large = pb.ScoreRequest(snapshot_id="s" * size)
    async with exchanging(max_message_bytes=1000) as (running, exchange):
        await exchange.stub.Score(REQUEST)
        assert (await outcome(running.stub.Score(large)))[0] == "RESOURCE_EXHAUSTED"
        assert (await outcome(exchange.stub.Score(large)))[0] == "RESOURCE_EXHAUSTED"
        assert (await outcome(exchange.stub.Score(large)))[0] == "RESOURCE_EXHAUSTED"
        await exchange.stub.Score(REQUEST)


@pytest.mark.parametrize("size", [5_000_000, 15_000_000])
async def test_a_stream_carries_what_the_internal_contracts_allow(size: int) -> None:
    """In both directions."""

    async def carry_back(request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        return pb.ScoreResponse(scores=request.user_features)

    async with exchanging(carry_back) as (_running, exchange):
        for _ in range(2):
            response = await exchange.stub.Score(pb.ScoreRequest(user_features=pb.Tensor(data=bytes(size))))
            assert len(response.scores.data) == size
    assert len(exchange.streams) == 1
