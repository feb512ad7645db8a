"""Health by the standard protocol: whether the process is alive, and whether its services are ready for requests."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

#: The name that asks whether this process is alive.
LIVENESS = ""

#: How long clients that watch have, once the drain has begun, to send their calls elsewhere: many times the way there.
NOTICE_SECONDS = 0.25

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Alive from the start, ready once told, neither once the drain has begun.

    A call that arrives just as gRPC's server stops is answered CANCELLED, which no client retries. So clients that
    watch (`shared.channel` makes them) are told first, and stop sending. After that their watches are ended, because
    none ends by itself and the drain would wait for it.

    Args:
        services: The full names of the services, which become ready together; asking by such a name asks whether
            they are.
    """

    def __init__(self, services: Sequence[str]) -> None:
        self._services = tuple(services)
        self._statuses = {LIVENESS: _SERVING} | dict.fromkeys(services, _NOT_SERVING)
        self._draining = False
        self._ended = False
        self._changed = asyncio.Event()
        self._watches = 0
        self._unwatched = asyncio.Event()
        self._unwatched.set()

    @property
    def is_ready(self) -> bool:
        """Whether the services are reported ready."""
        return all(self._statuses[service] == _SERVING for service in self._services)

    def set_ready(self) -> None:
        """Reports the services as ready, unless the drain has begun."""
        if not self._draining:
            self._statuses |= dict.fromkeys(self._services, _SERVING)
            self._wake_watches()

    async def drain(self) -> None:
        """Reports, for good, that nothing is served, and gives the clients that watch time to hear of it."""
        self._draining = True
        self._statuses = dict.fromkeys(self._statuses, _NOT_SERVING)
        self._wake_watches()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._unwatched.wait(), NOTICE_SECONDS)
        self._ended = True
        self._wake_watches()

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - named by the protocol
        """Answers the status of one service; NOT_FOUND for a name that is not served here."""
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service here")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802 - named by the protocol
        """Sends the status of one service now and whenever it changes, until the drain."""
        self._watches += 1
        self._unwatched.clear()
        try:
            await self._tell_changes(request.service, context)
        finally:
            self._watches -= 1
            if not self._watches:
                self._unwatched.set()

    async def _tell_changes(self, service: str, context: Any) -> None:
        told = None
        while True:
            # Read together and before sending, so that no change in between goes unnoticed.
            changed, ended = self._changed, self._ended
            status = self._statuses.get(service, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
            if status != told:
                await context.write(health_pb2.HealthCheckResponse(status=status))
                told = status
            if ended:
                return
            await changed.wait()

    def _wake_watches(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
