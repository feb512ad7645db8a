"""Alive, ready, draining: what an orchestrator and balancing clients go by."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY

from shared.health import LIVENESS
from tests.contract.shared.probe import SERVICE, Held, Running, serving
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub

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


async def test_calls_are_taken_while_clients_hear_of_the_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that has just sent one must not lose it; once no client watches any more, the server stops."""
    monkeypatch.setattr("shared.health.NOTICE_SECONDS", 3600)
    async with serving() as running:
        watch = health(running).Watch(about(LIVENESS))
        assert (await watch.read()).status == Status.SERVING
        stopping = asyncio.create_task(running.server.stop())
        assert (await watch.read()).status == Status.NOT_SERVING
        async with grpc.aio.insecure_channel(running.target, [("grpc.inhibit_health_checking", 1)]) as other:
            await RankingServiceStub(other).Score(pb.ScoreRequest())
        watch.cancel()
        del watch  # a call keeps its channel, and the channel its own watch
        await running.channel.close()
        await asyncio.wait_for(stopping, 30)


async def test_health_checks_are_not_counted_as_calls() -> None:
    """Neither by metrics nor against what may be in flight: an orchestrator gets its answer from a busy service."""
    async with serving() as running:
        await health(running).Check(about(LIVENESS))
    assert (
        REGISTRY.get_sample_value("winnow_rpc_total", {"method": "/grpc.health.v1.Health/Check", "code": "OK"}) is None
    )


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
