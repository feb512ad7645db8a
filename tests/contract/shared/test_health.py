"""Alive, ready, draining: what an orchestrator and balancing clients go by."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.health import LIVENESS
from tests.contract.shared.probe import SERVICE, Held, Running, serving
from winnow.ranking.v1 import ranking_service_pb2 as pb

Status = health_pb2.HealthCheckResponse.ServingStatus


def health(running: Running) -> health_pb2_grpc.HealthStub:
    """A health client of the server."""
    return health_pb2_grpc.HealthStub(running.channel)


def about(service: str) -> health_pb2.HealthCheckRequest:
    """Asks for the status of one service."""
    return health_pb2.HealthCheckRequest(service=service)


async def statuses(running: Running) -> tuple[str, str]:
    """Returns liveness and readiness."""
    answers = [await health(running).Check(about(service)) for service in (LIVENESS, SERVICE.full_name)]
    live, ready = (Status.Name(answer.status) for answer in answers)
    return live, ready


async def test_a_server_is_alive_before_it_is_ready() -> None:
    """Otherwise an orchestrator would kill it while it loads its snapshot."""
    async with serving() as running:
        assert await statuses(running) == ("SERVING", "NOT_SERVING")
        await running.server.set_ready()
        assert await statuses(running) == ("SERVING", "SERVING")


async def test_a_service_that_is_not_served_here_is_not_found() -> None:
    """A probe with a wrong name must not pass."""
    async with serving() as running:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await health(running).Check(about("winnow.recall.v1.RecallService"))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watch_sees_every_change_and_ends_with_the_drain() -> None:
    """It ends by itself: a drain that waited for watching clients would always take the whole grace period."""
    async with serving(grace_seconds=3600) as running:
        watch = health(running).Watch(about(SERVICE.full_name))
        seen = [Status.Name((await watch.read()).status)]
        await running.server.set_ready()
        seen.append(Status.Name((await watch.read()).status))
        await asyncio.wait_for(running.server.stop(), 30)
        seen.append(Status.Name((await watch.read()).status))
        assert await watch.read() is grpc.aio.EOF
    assert seen == ["NOT_SERVING", "SERVING", "NOT_SERVING"]


async def test_a_watch_of_an_unknown_service_waits_for_it() -> None:
    """So the protocol asks: the service may come later."""
    async with serving() as running:
        watch = health(running).Watch(about("winnow.recall.v1.RecallService"))
        assert Status.Name((await watch.read()).status) == "SERVICE_UNKNOWN"


async def test_a_draining_server_is_neither_alive_nor_ready_for_good() -> None:
    """A snapshot that is loaded during the drain does not bring it back, and the call in flight ends."""
    held = Held()
    async with serving(held, grace_seconds=3600) as running:
        await running.server.set_ready()
        watches = [health(running).Watch(about(service)) for service in (LIVENESS, SERVICE.full_name)]
        for watch in watches:
            assert (await watch.read()).status == Status.SERVING
        call = asyncio.ensure_future(running.stub.Score(pb.ScoreRequest()))
        await held.arrivals.get()
        stopping = asyncio.create_task(running.server.stop())
        for watch in watches:
            assert (await watch.read()).status == Status.NOT_SERVING
        await running.server.set_ready()
        assert [await watch.read() for watch in watches] == [grpc.aio.EOF] * 2
        held.released.set()
        await call
        await stopping
