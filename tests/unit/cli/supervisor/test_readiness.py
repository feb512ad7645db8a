"""Readiness as the gRPC health service tells it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli.supervisor.ports import free_ports
from services.cli.supervisor.readiness import HealthReadiness

SERVICE = "winnow.recall.v1.RecallService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class ScriptedHealth(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Answers each check with the next of some statuses; None stands for a name that is not known yet."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = deque(statuses)
        self.asked_for: list[str] = []

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        """Tells the next status."""
        self.asked_for.append(request.service)
        status = self.statuses.popleft()
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return health_pb2.HealthCheckResponse(status=status)


@asynccontextmanager
async def serving(health: ScriptedHealth, port: int) -> AsyncIterator[None]:
    """A server that answers nothing but health checks."""
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


async def test_a_process_that_is_not_ready_yet_is_waited_for() -> None:
    """It is alive when it answers, but not ready until it says so."""
    [port] = free_ports(1)
    readiness = HealthReadiness(f"127.0.0.1:{port}", SERVICE)
    health = ScriptedHealth(None, NOT_SERVING, NOT_SERVING, SERVING)
    async with asyncio.timeout(20), serving(health, port):
        await readiness.wait()
    await readiness.close()
    assert health.asked_for == [SERVICE] * 4


async def test_a_process_that_does_not_listen_yet_is_waited_for() -> None:
    """The wait may begin before there is anything to connect to, and again after a restart."""
    [port] = free_ports(1)
    readiness = HealthReadiness(f"127.0.0.1:{port}", SERVICE)
    async with asyncio.timeout(20):
        for _ in range(2):
            waiting = asyncio.create_task(readiness.wait())
            async with serving(ScriptedHealth(SERVING), port):
                await waiting
    await readiness.close()
