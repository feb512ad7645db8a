"""Waiting until a process is ready, as the gRPC health service tells it."""

import asyncio
from typing import Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.channel import open_channel

_POLL_SECONDS = 0.05

# A busy machine may take this long to answer; a process that does not is asked again.
_TIMEOUT_SECONDS = 2.0


class Readiness(Protocol):
    """Tells when a process is ready."""

    async def wait(self) -> None:
        """Returns once it is ready; may be awaited again after a restart."""
        ...

    async def close(self) -> None:
        """Frees what waiting takes."""
        ...


class HealthReadiness:
    """Asks the gRPC health service, over one channel that is kept.

    Args:
        target: Where the process listens.
        service: The name under which it reports readiness, such as `winnow.recall.v1.RecallService`.
    """

    def __init__(self, target: str, service: str) -> None:
        self._channel = open_channel(target, retry=False)
        self._health = health_pb2_grpc.HealthStub(self._channel)
        self._request = health_pb2.HealthCheckRequest(service=service)

    async def wait(self) -> None:
        """Returns once the process listens and reports SERVING."""
        while not await self._is_ready():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(_POLL_SECONDS)

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def _is_ready(self) -> bool:
        try:
            answer = await self._health.Check(self._request, timeout=_TIMEOUT_SECONDS, wait_for_ready=True)
        except grpc.aio.AioRpcError:  # not there yet, or it does not know the name yet
            return False
        serving: bool = answer.status == health_pb2.HealthCheckResponse.SERVING
        return serving
