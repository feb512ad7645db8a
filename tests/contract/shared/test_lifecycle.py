"""A server runs until it is told to stop, and what runs beside it outlives the calls that need it."""

import asyncio
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from structlog.testing import capture_logs

from shared.channel import open_channel
from tests.contract.shared.probe import Held, ProbeSettings, answer, build_server, serving
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub


class Work:
    """Background work that runs until it is cancelled or told to fail."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()

    async def __call__(self) -> None:
        """Runs."""
        self.started.set()
        try:
            await self.failure
        finally:
            self.ended.set()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_run(signal_number: signal.Signals) -> None:
    """Background work is cancelled, and the run returns without an error."""
    work = Work()
    running = asyncio.create_task(build_server(answer, ProbeSettings()).run(asyncio.Event(), [work]))
    await work.started.wait()
    os.kill(os.getpid(), signal_number)
    await asyncio.wait_for(running, 30)
    assert work.ended.is_set()


async def test_background_work_ends_after_the_calls_in_flight() -> None:
    """A call may wait for what runs in the background, such as a batch."""
    held, work = Held(), Work()
    server = build_server(held, ProbeSettings())
    running = asyncio.create_task(server.run(asyncio.Event(), [work]))
    await work.started.wait()
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        call = asyncio.ensure_future(RankingServiceStub(channel).Score(pb.ScoreRequest()))
        await held.arrivals.get()
        watch = HealthStub(channel).Watch(HealthCheckRequest())
        assert (await watch.read()).status == HealthCheckResponse.SERVING
        running.cancel()
        assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
        assert not work.ended.is_set()
        held.released.set()
        await call
    with pytest.raises(asyncio.CancelledError):
        await running
    assert work.ended.is_set()


async def test_a_run_ends_with_the_error_of_its_background_work() -> None:
    """A service that no longer follows snapshots must not look healthy: it drains, logs and raises."""
    failing, other = Work(), Work()
    running = asyncio.create_task(build_server(answer, ProbeSettings()).run(asyncio.Event(), [failing, other]))
    await failing.started.wait()
    with capture_logs() as lines:
        failing.failure.set_exception(ZeroDivisionError("lost"))
        with pytest.raises(ZeroDivisionError, match="lost"):
            await asyncio.wait_for(running, 30)
    assert other.ended.is_set()
    assert [line["event"] for line in lines] == ["background work failed; stopping", "draining", "stopped"]


async def test_a_service_is_announced_when_it_is_ready() -> None:
    """As soon as the event is set, and not before."""
    ready, work = asyncio.Event(), Work()
    with capture_logs() as lines:
        running = asyncio.create_task(build_server(answer, ProbeSettings()).run(ready, [work]))
        await work.started.wait()
        assert "ready" not in [line["event"] for line in lines]
        ready.set()
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
    assert "ready" in [line["event"] for line in lines]


async def test_calls_that_have_come_before_the_drain_are_answered() -> None:
    """Also those that gRPC has not handed over yet: a call that it cancels is one that no client sends again."""
    held = Held()
    async with serving(held) as running:
        # A client of threads: its calls are all on their way before this event loop turns.
        with grpc.insecure_channel(f"127.0.0.1:{running.server.port}") as channel:
            await asyncio.to_thread(grpc.channel_ready_future(channel).result, 30)
            calls = [RankingServiceStub(channel).Score.future(pb.ScoreRequest()) for _ in range(300)]
            await held.arrivals.get()
            stopping = asyncio.create_task(running.server.stop())
            held.released.set()
            codes = Counter(await asyncio.to_thread(lambda: [call.code() for call in calls]))
            await stopping

    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}, codes
    assert codes[grpc.StatusCode.OK] > 1


async def test_a_busy_machine_is_given_the_time_to_take_in_what_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many turns of the loop that takes, each as long as the work in it, within half of the grace period."""
    monkeypatch.setattr("shared.server._TAKING_IN_SECONDS", 0.2)
    arrived = asyncio.Event()

    async def work(_request: pb.ScoreRequest, _context: Any) -> pb.ScoreResponse:
        arrived.set()
        time.sleep(0.02)  # noqa: ASYNC251 - keeps the loop busy, as other requests do
        return pb.ScoreResponse()

    async with serving(work, grace_seconds=60) as running:
        with grpc.insecure_channel(f"127.0.0.1:{running.server.port}") as channel:
            await asyncio.to_thread(grpc.channel_ready_future(channel).result, 30)
            calls = [RankingServiceStub(channel).Score.future(pb.ScoreRequest()) for _ in range(100)]
            await arrived.wait()
            stopping = asyncio.create_task(running.server.stop())
            codes = Counter(await asyncio.to_thread(lambda: [call.code() for call in calls]))
            await stopping

    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}, codes
    assert codes[grpc.StatusCode.OK] > 1


async def test_a_client_that_never_stops_calling_does_not_hold_up_the_drain() -> None:
    """One that does not watch the server's health hears of the end when it has come."""
    async with (
        serving(answer, grace_seconds=0.2) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.server.port}") as channel,
    ):
        calling = asyncio.create_task(_call_until_it_fails(RankingServiceStub(channel)))
        await asyncio.wait_for(running.server.stop(), 30)
        await calling


async def _call_until_it_fails(stub: Any) -> None:
    with suppress(grpc.aio.AioRpcError):
        while True:
            await stub.Score(pb.ScoreRequest())


async def test_a_call_that_outlasts_the_grace_period_is_cut() -> None:
    """A drain ends, whatever the calls do."""
    held = Held()
    async with serving(held, grace_seconds=0) as running:
        call = asyncio.ensure_future(running.stub.Score(pb.ScoreRequest()))
        await held.arrivals.get()
        await asyncio.wait_for(running.server.stop(), 30)
        await held.cancelled.wait()
        with pytest.raises(grpc.aio.AioRpcError):
            await call


async def test_a_server_listens_on_an_address_of_either_kind() -> None:
    """An IPv6 address has colons of its own."""
    server = build_server(answer, ProbeSettings(host="::1"))
    await server.start()
    try:
        async with open_channel(f"[::1]:{server.port}") as channel:
            await RankingServiceStub(channel).Score(pb.ScoreRequest())
    finally:
        await server.stop()
