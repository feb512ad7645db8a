"""A channel balances, retries what is safe to retry, and finds a server that comes back."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from shared.channel import channel_options, open_channel
from shared.errors import Unavailable, WinnowError
from tests.contract.door import Door, standing
from tests.contract.shared.probe import Context, Running, server_gone, serving
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub

REQUEST = pb.ScoreRequest()


class Flaky:
    """A behaviour that fails some times before it succeeds.

    Args:
        failures: How often.
        error: With what.
    """

    def __init__(self, failures: int, error: Exception) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error

    async def __call__(self, _request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        """Fails or succeeds."""
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return pb.ScoreResponse()


class Counting:
    """A behaviour that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, _request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        """Succeeds."""
        self.calls += 1
        return pb.ScoreResponse()


async def code_of(running: Running, *, retry: bool) -> grpc.StatusCode:
    """Calls once, on a channel of its own, and returns how it ended."""
    async with open_channel(running.target, retry) as channel:
        call = RankingServiceStub(channel).Score(REQUEST)
        return await call.code()


async def test_a_call_is_retried_while_the_server_is_unavailable() -> None:
    """Twice: a service that restarts is not seen by the caller."""
    flaky = Flaky(2, Unavailable("starting"))
    async with serving(flaky) as running:
        assert await code_of(running, retry=True) is grpc.StatusCode.OK
    assert flaky.calls == 3


async def test_retries_come_to_an_end() -> None:
    """After three attempts in all."""
    flaky = Flaky(100, Unavailable("starting"))
    async with serving(flaky) as running:
        assert await code_of(running, retry=True) is grpc.StatusCode.UNAVAILABLE
    assert flaky.calls == 3


@pytest.mark.parametrize("error", [RuntimeError("a bug"), WinnowError("refused")])
async def test_another_failure_is_not_retried(error: Exception) -> None:
    """It would fail again, or do twice what must be done once."""
    flaky = Flaky(1, error)
    async with serving(flaky) as running:
        assert await code_of(running, retry=True) is grpc.StatusCode.INTERNAL
    assert flaky.calls == 1


async def test_a_channel_that_does_not_retry_does_not() -> None:
    """Behind the gateway every retry would multiply with the gateway's own."""
    flaky = Flaky(1, Unavailable("starting"))
    async with serving(flaky) as running:
        assert await code_of(running, retry=False) is grpc.StatusCode.UNAVAILABLE
    assert flaky.calls == 1


async def test_calls_go_to_all_replicas_in_turn() -> None:
    """One connection each, and every other call."""
    replicas = Counting(), Counting()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(replica)) for replica in replicas]
        target = "ipv4:" + ",".join(running.target for running in servers)
        stub = RankingServiceStub(await stack.enter_async_context(open_channel(target)))
        async with asyncio.timeout(20):
            while not all(replica.calls for replica in replicas):  # until both are connected
                await stub.Score(REQUEST)
        before = [replica.calls for replica in replicas]
        for _ in range(10):
            await stub.Score(REQUEST)
    assert [replica.calls - calls for replica, calls in zip(replicas, before, strict=True)] == [5, 5]


async def test_a_replica_that_stops_loses_no_call() -> None:
    """Under load and without retries: clients hear of the drain before the server stops taking calls."""
    stopped = asyncio.Event()

    async def call_until_stopped(stub: Any) -> None:
        while not stopped.is_set():
            await stub.Score(REQUEST)

    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving()) for _ in range(2)]
        target = "ipv4:" + ",".join(running.target for running in servers)
        stub = RankingServiceStub(await stack.enter_async_context(open_channel(target, retry=False)))
        callers = [asyncio.create_task(call_until_stopped(stub)) for _ in range(8)]
        await servers[0].server.stop()
        stopped.set()
        await asyncio.gather(*callers)


async def test_a_server_that_comes_back_is_found() -> None:
    """On the same channel, which lives as long as the process."""
    async with serving() as first:
        port = first.server.port
        async with open_channel(first.target, retry=False) as channel:
            stub = RankingServiceStub(channel)
            await stub.Score(REQUEST)
            await first.server.grpc.stop(None)
            await server_gone(channel)
            assert await stub.Score(REQUEST).code() is grpc.StatusCode.UNAVAILABLE
            async with serving(port=port):
                await stub.Score(REQUEST, wait_for_ready=True, timeout=10)


def test_a_server_that_was_away_for_long_is_found_soon() -> None:
    """gRPC's own backoff grows to two minutes; ours stays below a second."""
    options = dict(channel_options(retry=True))
    assert int(options["grpc.max_reconnect_backoff_ms"]) < 1000


async def test_a_server_that_greets_late_is_waited_for() -> None:
    """It is busy: a connection is not given up to be made anew, which would never end."""
    async with (
        serving() as running,
        standing(Door(behind=running.target)) as door,
        open_channel(door.target, retry=False) as channel,
    ):
        asked = asyncio.ensure_future(RankingServiceStub(channel).Score(REQUEST))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(door.reached(2), 1.0)
        door.opened.set()
        assert await asked == pb.ScoreResponse()


@pytest.mark.parametrize("size", [5_000_000, 15_000_000])
async def test_a_channel_carries_what_the_internal_contracts_allow(size: int) -> None:
    """gRPC's own limit is 4 MiB, and a batch may be larger in both directions."""

    async def echo(request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        return pb.ScoreResponse(scores=request.user_features)

    sent = pb.Tensor(data=bytes(size))
    async with serving(echo) as running:
        response = await running.stub.Score(pb.ScoreRequest(user_features=sent))
    assert len(response.scores.data) == size
