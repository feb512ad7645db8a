"""Streams are opened, given up, replaced and ended so that no caller notices."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from shared.errors import Unavailable
from shared.exchange.channel import REFUSAL_SECONDS
from shared.exchange.links import MAX_AGE
from shared.workers.stand_in import StandIn
from tests.contract.shared.exchanging import exchange_with, exchanging, open_stream, outcome
from tests.contract.shared.probe import SERVICE, Context, Held, Probe, answer, server_gone, serving
from tests.contract.shared.running_process import free_port
from tests.fake_server import fake_server
from winnow.exchange.v1 import exchange_service_pb2 as exchange_pb
from winnow.exchange.v1.exchange_service_pb2_grpc import (
    ExchangeServiceServicer,
    add_ExchangeServiceServicer_to_server,
)
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import add_RankingServiceServicer_to_server

REQUEST = pb.ScoreRequest()


class Flaky:
    """A behaviour that is unavailable in some of its calls.

    Args:
        calls: Which, counted from 1.
    """

    def __init__(self, *calls: int) -> None:
        self.calls = 0
        self._failing = calls

    async def __call__(self, _request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        """Fails or succeeds."""
        self.calls += 1
        if self.calls in self._failing:
            raise Unavailable("starting")
        return pb.ScoreResponse()


class HeldByName(Held):
    """Holds the calls that name the snapshot "hold"; answers each with its snapshot."""

    async def __call__(self, request: pb.ScoreRequest, context: Context) -> pb.ScoreResponse:
        """Waits or answers."""
        if request.snapshot_id == "hold":
            await super().__call__(request, context)
        return pb.ScoreResponse(objectives=[request.snapshot_id])


HOLD = pb.ScoreRequest(snapshot_id="hold")


async def test_calls_one_after_the_other_share_a_stream() -> None:
    """That is what makes them cheap."""
    async with exchanging() as (_running, exchange):
        for _ in range(5):
            await exchange.stub.Score(REQUEST, timeout=60)
            await exchange.stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest())
    assert len(exchange.streams) == 1


async def test_calls_at_once_have_a_stream_each() -> None:
    """As many as were needed at once, and no more for those that come later."""
    held = Held()
    async with exchanging(held) as (_running, exchange):
        calls = [asyncio.ensure_future(exchange.stub.Score(REQUEST)) for _ in range(3)]
        for _ in calls:
            await held.arrivals.get()
        held.released.set()
        await asyncio.gather(*calls)
        await asyncio.gather(*(exchange.stub.Score(REQUEST) for _ in range(3)))
    assert len(exchange.streams) == 3


async def test_an_old_stream_is_ended_and_replaced() -> None:
    """So that calls find new replicas; politely, with the next call already on its way."""
    async with exchanging() as (_running, exchange):
        await exchange.stub.Score(REQUEST)
        exchange.clock.seconds += MAX_AGE * 0.9
        await exchange.stub.Score(REQUEST)
        assert len(exchange.streams) == 1
        exchange.clock.seconds += MAX_AGE * 0.1
        await exchange.stub.Score(REQUEST)
        assert len(exchange.streams) == 2
        assert await exchange.streams[0].code() is grpc.StatusCode.OK
        assert not exchange.streams[1].done()


@pytest.mark.parametrize("calls_before", [0, 1])
async def test_a_deadline_that_passes_cancels_the_work_and_gives_nobody_the_answer(calls_before: int) -> None:
    """On a stream of either kind: the next call gets its own."""
    held = HeldByName()
    async with exchanging(held) as (_running, exchange):
        for _ in range(calls_before):
            await exchange.stub.Score(REQUEST)
        late = await outcome(exchange.stub.Score(HOLD, timeout=0.05))
        await held.cancelled.wait()
        held.released.set()
        response = await exchange.stub.Score(pb.ScoreRequest(snapshot_id="next"), timeout=60)
    assert late[0] == "DEADLINE_EXCEEDED"
    assert response.objectives == ["next"]
    assert len(exchange.streams) == 2
    caller = asyncio.current_task()
    assert caller is not None
    assert caller.cancelling() == 0


async def test_a_deadline_passes_while_a_connection_is_made_too() -> None:
    """A server that accepts a connection and says nothing holds up nobody."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with exchange_with(f"127.0.0.1:{silent.getsockname()[1]}") as exchange, asyncio.timeout(60):
            assert (await outcome(exchange.stub.Score(REQUEST, timeout=0.01)))[0] == "DEADLINE_EXCEEDED"
            call = asyncio.ensure_future(exchange.stub.Score(REQUEST, timeout=60))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert all(stream.done() for stream in exchange.streams)


async def test_a_caller_that_gives_up_cancels_the_work() -> None:
    """And the stream, so that the next call cannot read what was meant for it."""
    held = HeldByName()
    async with exchanging(held) as (_running, exchange):
        await exchange.stub.Score(REQUEST)
        call = asyncio.ensure_future(exchange.stub.Score(HOLD))
        await held.arrivals.get()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await held.cancelled.wait()
        response = await exchange.stub.Score(pb.ScoreRequest(snapshot_id="next"))
    assert response.objectives == ["next"]


async def test_a_used_stream_that_ends_is_followed_by_one_more() -> None:
    """Whatever ended it says nothing of the next stream. Only that far without the channel's own retries."""
    flaky = Flaky(2)
    async with exchanging(flaky) as (_running, exchange):
        await exchange.stub.Score(REQUEST)
        await exchange.stub.Score(REQUEST, timeout=60)
    assert flaky.calls == 3
    assert len(exchange.streams) == 2


async def test_a_new_stream_that_fails_fails_its_call() -> None:
    """A channel that does not retry does not."""
    flaky = Flaky(1)
    async with exchanging(flaky) as (_running, exchange):
        failed = await outcome(exchange.stub.Score(REQUEST))
    assert failed[:2] == ("UNAVAILABLE", "starting")
    assert flaky.calls == 1


async def test_the_first_call_of_a_stream_is_retried_as_the_channel_retries_calls() -> None:
    """While the server is unavailable; three attempts in all."""
    flaky = Flaky(1, 2)
    async with exchanging(flaky, retry=True) as (_running, exchange):
        await exchange.stub.Score(REQUEST, timeout=60)
    assert flaky.calls == 3


@pytest.mark.parametrize("drained", [True, False])
async def test_a_server_that_comes_back_is_found(drained: bool) -> None:
    """On the same channel: the streams of the old one are gone, and no call fails."""
    async with serving() as first, exchange_with(first.target) as exchange:
        await exchange.stub.Score(REQUEST)
        await (first.server.stop() if drained else first.server.grpc.stop(None))
        await server_gone(exchange.channel)
        async with serving(port=first.server.port):
            await exchange.channel.channel_ready()
            await exchange.stub.Score(REQUEST, timeout=60)
    assert len(exchange.streams) == 2


async def test_a_drain_ends_idle_streams_at_once_and_busy_ones_after_their_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing waits out the grace period, nothing is lost, and nothing is logged that is no news."""
    held = HeldByName()
    with caplog.at_level(logging.WARNING), capture_logs() as lines:
        async with exchanging(held, grace_seconds=600) as (running, exchange):
            busy = asyncio.ensure_future(exchange.stub.Score(HOLD))
            await held.arrivals.get()
            idle = [open_stream(running.channel) for _ in range(3)]
            for stream in idle:
                await stream.write(exchange_pb.ExchangeRequest())
                await stream.read()
            stopping = asyncio.create_task(running.server.stop())
            for stream in idle:
                assert await stream.code() is grpc.StatusCode.UNAVAILABLE
            assert not busy.done()
            held.released.set()
            assert (await busy).objectives == ["hold"]
            await asyncio.wait_for(stopping, 60)
            assert await exchange.streams[0].code() is grpc.StatusCode.UNAVAILABLE
            assert (await outcome(exchange.stub.Score(REQUEST, timeout=60)))[0] == "UNAVAILABLE"
    assert not caplog.records
    assert not [line for line in lines if line["log_level"] in {"warning", "error"}]


async def test_a_busy_stream_is_cut_when_the_grace_period_is_over() -> None:
    """A drain ends, whatever the calls do."""
    held = Held()
    async with exchanging(held, grace_seconds=0) as (running, exchange):
        call = asyncio.ensure_future(outcome(exchange.stub.Score(REQUEST)))
        await held.arrivals.get()
        await asyncio.wait_for(running.server.stop(), 60)
        await held.cancelled.wait()
        assert (await call)[0] != "OK"


async def test_a_server_without_streams_is_called_as_ever() -> None:
    """An older one; a minute later it is asked again."""
    probe = Probe(answer)
    server = fake_server(partial(add_RankingServiceServicer_to_server, probe))
    async with server as target, exchange_with(target) as exchange:
        for _ in range(3):
            await exchange.stub.Score(REQUEST, timeout=60, metadata=[("x-request-id", "id-1")])
        assert len(exchange.streams) == 1
        exchange.clock.seconds += REFUSAL_SECONDS
        await exchange.stub.Score(REQUEST)
        assert len(exchange.streams) == 2


async def test_a_service_none_of_whose_workers_is_ready_is_unavailable() -> None:
    """Its parent says so, rather than that it knows no streams: those are asked for again at once."""
    address = f"127.0.0.1:{free_port()}"
    stand_in = StandIn([SERVICE.full_name], address)
    await stand_in.listen()
    async with exchange_with(address) as exchange:
        for _ in range(2):
            assert (await outcome(exchange.stub.Score(REQUEST)))[:2] == ("UNAVAILABLE", "no snapshot is loaded yet")
        assert len(exchange.streams) == 2
    await stand_in.leave()


class Answering(ExchangeServiceServicer):
    """Answers every request of a stream with the same, and then ends it.

    Args:
        responses: What.
    """

    def __init__(self, *responses: exchange_pb.ExchangeResponse) -> None:
        self._responses = responses

    async def Exchange(  # noqa: N802
        self, requests: Any, _context: Any
    ) -> AsyncIterator[exchange_pb.ExchangeResponse]:
        """Answers."""
        async for _ in requests:
            for response in self._responses:
                yield response
            return


@pytest.mark.parametrize(
    ("responses", "code"),
    [
        ([exchange_pb.ExchangeResponse(code=99)], "UNKNOWN"),
        ([exchange_pb.ExchangeResponse(code=5, message="no")], "NOT_FOUND"),
        ([], "UNAVAILABLE"),
    ],
)
async def test_whatever_a_server_answers_is_a_status(responses: list[Any], code: str) -> None:
    """Codes that nobody knows, failures without details, and none at all."""
    server = fake_server(partial(add_ExchangeServiceServicer_to_server, Answering(*responses)))
    async with server as target, exchange_with(target) as exchange:
        for _ in range(2):
            assert (await outcome(exchange.stub.Score(REQUEST, timeout=60)))[0] == code


async def test_a_server_may_end_its_streams_at_any_time() -> None:
    """After every answer, for one: each call finds the stream ended, or about to, and gets its answer over another."""
    server = fake_server(partial(add_ExchangeServiceServicer_to_server, Answering(exchange_pb.ExchangeResponse())))
    async with server as target, exchange_with(target) as exchange:
        for number in range(50):
            for _ in range(number % 5):  # what has come from the server is known later or sooner
                await asyncio.sleep(0)
            await exchange.stub.Score(REQUEST, timeout=60)
    assert len(exchange.streams) == 50


async def test_closing_the_channel_closes_the_streams() -> None:
    """Those that idle, that are about to end, and that are in use: who waits is cancelled, as by any channel."""
    held = HeldByName()
    async with exchanging(held) as (_running, exchange):
        busy = asyncio.ensure_future(exchange.stub.Score(HOLD))
        await held.arrivals.get()
        await exchange.stub.Score(REQUEST)
        exchange.clock.seconds += MAX_AGE
        await exchange.stub.Score(REQUEST)
        await exchange.channel.close()
        assert all(stream.done() for stream in exchange.streams)
        with pytest.raises(asyncio.CancelledError):
            await busy
    assert len(exchange.streams) == 3
