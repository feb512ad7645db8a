"""Health by the standard protocol: whether the process is alive, and whether its service is ready for requests."""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

#: The name that asks whether this process is alive.
LIVENESS = ""

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Alive from the start, ready once told, neither once the drain has begun.

    Unlike grpcio's own servicer it ends every watch when the drain begins. A watch never ends by itself, so one
    client that watches would hold up each drain for the whole grace period.

    Args:
        service: The full name of the service; asking for it by this name asks whether it is ready.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._statuses = {LIVENESS: _SERVING, service: _NOT_SERVING}
        self._draining = False
        self._changed = asyncio.Event()

    def set_ready(self) -> None:
        """Reports the service as ready, unless the drain has begun."""
        if not self._draining:
            self._statuses[self._service] = _SERVING
            self._wake_watches()

    def drain(self) -> None:
        """Reports, for good, that nothing is served."""
        self._draining = True
        self._statuses = dict.fromkeys(self._statuses, _NOT_SERVING)
        self._wake_watches()

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - named by the protocol
        """Answers the status of one service; NOT_FOUND for a name that is not served here."""
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service here")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802 - named by the protocol
        """Sends the status of one service now and whenever it changes, until the drain."""
        told = None
        while True:
            # Read together and before sending, so that no change in between goes unnoticed.
            changed, draining = self._changed, self._draining
            status = self._statuses.get(request.service, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
            if status != told:
                await context.write(health_pb2.HealthCheckResponse(status=status))
                told = status
            if draining:
                return
            await changed.wait()

    def _wake_watches(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
