"""A real server of one of our services, in the test's own process and on a free port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.server import RpcServer
from shared.status import error_info


@asynccontextmanager
async def running(server: RpcServer, ready: asyncio.Event) -> AsyncIterator[grpc.aio.Channel]:
    """Starts a server that listens on port 0, gives a channel to it, and stops it in the end.

    Args:
        server: The server, with its service added.
        ready: When set, the service is reported ready, as by `RpcServer.run`.
    """

    async def announce() -> None:
        await ready.wait()
        await server.set_ready()

    await server.start()
    announcing = asyncio.create_task(announce())
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield channel
    finally:
        announcing.cancel()
        await server.stop()


async def health_of(channel: grpc.aio.Channel, service: str) -> int:
    """Returns the health status of a service by name; the empty name asks for liveness."""
    stub = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


async def assert_refused(call: Any, code: grpc.StatusCode, reason: str, field: str | None = None) -> None:
    """Asserts that a call ends with a status, a machine-readable reason and, where given, the name of a field."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    info = error_info(caught.value)
    assert caught.value.code() == code, caught.value.details()
    assert info is not None
    assert info.reason == reason
    if field is not None:
        assert info.metadata["field"] == field, caught.value.details()
