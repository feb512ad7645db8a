"""Readiness as the gRPC health service tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.cli.supervisor.ports import free_ports
from services.cli.supervisor.readiness import HealthReadiness

SERVICE = "winnow.recall.v1.RecallService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class WatchedHealth(health.aio.HealthServicer):  # type: ignore[misc]
    """Tells when somebody has begun to watch."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = asyncio.Event()

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802 - the contract's name
        """Watches, and says so."""
        self.watched.set()
        await super().Watch(request, context)


@asynccontextmanager
async def health_server(port: int, status: int) -> AsyncIterator[WatchedHealth]:
    """A server that answers nothing but health checks."""
    server = grpc.aio.server()
    servicer = WatchedHealth()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await servicer.set("", SERVING)
    await servicer.set(SERVICE, status)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield servicer
    finally:
        await server.stop(None)


async def test_a_process_that_is_alive_but_not_ready_is_waited_for() -> None:
    """Liveness alone is not enough; the wait ends with the change."""
    [port] = free_ports(1)
    readiness = HealthReadiness(f"127.0.0.1:{port}", SERVICE)
    async with asyncio.timeout(20), health_server(port, NOT_SERVING) as servicer:
        waiting = asyncio.create_task(readiness.wait())
        await servicer.watched.wait()
        assert not waiting.done()
        await servicer.set(SERVICE, SERVING)
        await waiting
    await readiness.close()


async def test_a_process_that_does_not_listen_yet_is_waited_for() -> None:
    """The wait may begin before there is anything to connect to, and again after a restart."""
    [port] = free_ports(1)
    readiness = HealthReadiness(f"127.0.0.1:{port}", SERVICE)
    async with asyncio.timeout(20):
        for _ in range(2):
            waiting = asyncio.create_task(readiness.wait())
            async with health_server(port, SERVING):
                await waiting
    await readiness.close()
