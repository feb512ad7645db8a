"""Streams are balanced over replicas, and follow them as they come and go."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from shared.exchange.links import MAX_AGE
from tests.contract.shared.exchanging import exchange_with
from tests.contract.shared.probe import Context, serving
from winnow.ranking.v1 import ranking_service_pb2 as pb

REQUEST = pb.ScoreRequest()


class Named:
    """A behaviour that tells who answered.

    Args:
        name: Who.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, _request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        """Tells."""
        return pb.ScoreResponse(objectives=[self._name])


async def test_streams_go_to_all_replicas_in_turn() -> None:
    """Each for as long as it is young."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(Named(name))) for name in ("a", "b")]
        target = "ipv4:" + ",".join(running.target for running in servers)
        exchange = await stack.enter_async_context(exchange_with(target))

        async def answers() -> list[str]:
            """Asks three times, when the streams have grown old."""
            exchange.clock.seconds += MAX_AGE
            return [(await exchange.stub.Score(REQUEST, timeout=60)).objectives[0] for _ in range(3)]

        async with asyncio.timeout(60):
            while (await answers())[0] == (await answers())[0]:  # until both are connected
                pass
        seen = [await answers() for _ in range(4)]
    assert all(len(set(one)) == 1 for one in seen)
    assert [one[0] for one in seen] in (["a", "b"] * 2, ["b", "a"] * 2)


async def test_a_replica_that_stops_loses_no_call_of_a_stream() -> None:
    """Under load and without retries of the channel's own."""
    stopped = asyncio.Event()

    async def call_until_stopped(stub: Any) -> int:
        calls = 0
        while not stopped.is_set():
            await stub.Score(REQUEST, timeout=60)
            calls += 1
        return calls

    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving()) for _ in range(2)]
        target = "ipv4:" + ",".join(running.target for running in servers)
        exchange = await stack.enter_async_context(exchange_with(target))
        callers = [asyncio.create_task(call_until_stopped(exchange.stub)) for _ in range(8)]
        await servers[0].server.stop()
        stopped.set()
        assert all(await asyncio.gather(*callers))
