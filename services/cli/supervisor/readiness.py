"""Waiting until a process is ready, as the gRPC health service tells it."""

import asyncio
from typing import Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.channel import open_channel

# Between a connection that broke and the next attempt.
_RETRY_SECONDS = 0.1


class Readiness(Protocol):
    """Tells when a process is ready."""

    async def wait(self) -> None:
        """Returns once it is ready; may be awaited again after a restart."""
        ...

    async def close(self) -> None:
        """Frees what waiting takes."""
        ...


class HealthReadiness:
    """Watches the gRPC health service, over one channel that is kept.

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
        while not await self._served():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(_RETRY_SECONDS)

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def _served(self) -> bool:
        watch = self._health.Watch(self._request, wait_for_ready=True)
        try:
            async for answer in watch:
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return True
        except grpc.aio.AioRpcError:  # it ended before it was ready
            pass
        finally:
            watch.cancel()
        return False
