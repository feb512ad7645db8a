"""One gRPC server process: health, reflection, metrics, and a drain that loses no accepted call."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence

import grpc
import prometheus_client
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.channel import MAX_MESSAGE_BYTES
from shared.config import ServiceSettings
from shared.health import Health
from shared.interceptors import EdgeInterceptor
from shared.reflection import add_reflection

log = structlog.get_logger()

#: Work that goes on beside serving until it is cancelled, such as following snapshots.
BackgroundWork = Callable[[], Coroutine[None, None, None]]


class RpcServer:
    """A server for one service. Alive as soon as it listens; ready once told; drained on SIGTERM or SIGINT.

    Args:
        settings: Where to listen and how to drain.
        service: The descriptor of the service; its full name is also the name of its readiness.
        max_message_bytes: The largest request that is read.
        beside: Descriptors of services that are offered beside it, from whatever pool; they are ready when it is.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        service: ServiceDescriptor,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        beside: Sequence[ServiceDescriptor] = (),
    ) -> None:
        self._settings = settings
        self._services = (service, *beside)
        self._health = Health([one.full_name for one in self._services])
        self._stopping = asyncio.Event()
        self.port = settings.port
        self.grpc = grpc.aio.server(
            interceptors=[EdgeInterceptor(settings.max_in_flight)],
            options=[
                # A second process on the port must fail loudly instead of taking half of the connections.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_connection_age_ms", settings.max_connection_age_seconds * 1000),
                ("grpc.max_connection_age_grace_ms", int(settings.grace_seconds * 1000)),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
        )

    async def run(self, ready: asyncio.Event, background: Sequence[BackgroundWork] = ()) -> None:
        """Serves until a signal, then drains: not ready, calls in flight end, then background work is cancelled.

        Args:
            ready: When set, the service is reported ready.
            background: Work to run beside serving. If one ends with an error, the server drains and raises it.

        Raises:
            SystemExit: the address cannot be listened on (status 1).
        """
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._stopping.set)
        await self.start()
        tasks = [asyncio.create_task(self._announce(ready)), *(asyncio.create_task(work()) for work in background)]
        for task in tasks:
            task.add_done_callback(self._stop_on_failure)
        try:
            await self._stopping.wait()
        finally:
            await self.stop()  # before the background work ends: calls in flight may need it
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        log.info("stopped", port=self.port)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def start(self) -> None:
        """Starts listening and answers liveness; `port` then holds the port that was taken.

        Raises:
            SystemExit: the address cannot be listened on (status 1).
        """
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        add_reflection(self.grpc, (*self._services, health_pb2.DESCRIPTOR.services_by_name["Health"]))
        self._listen()
        await self.grpc.start()
        settings = self._settings
        log.info("listening", host=settings.host, port=self.port, metrics_port=settings.metrics_port)

    @property
    def is_ready(self) -> bool:
        """Whether the service is reported ready: it was told so, and the drain has not begun."""
        return self._health.is_ready

    async def set_ready(self) -> None:
        """Reports the service as ready."""
        self._health.set_ready()
        log.info("ready", port=self.port)

    async def stop(self) -> None:
        """Reports not ready, takes no new calls, and waits up to the grace period for those in flight."""
        log.info("draining", grace_seconds=self._settings.grace_seconds)
        await self._health.drain()
        await self.grpc.stop(self._settings.grace_seconds)

    def _listen(self) -> None:
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        try:
            self.port = self.grpc.add_insecure_port(f"{host}:{settings.port}")
        except RuntimeError as error:
            raise _cannot_listen("grpc", settings.host, settings.port, error) from error
        if settings.metrics_port:
            try:
                prometheus_client.start_http_server(settings.metrics_port, addr=settings.host)
            except OSError as error:
                raise _cannot_listen("metrics", settings.host, settings.metrics_port, error) from error

    async def _announce(self, ready: asyncio.Event) -> None:
        await ready.wait()
        await self.set_ready()

    def _stop_on_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work failed; stopping", exc_info=error)
            self._stopping.set()


def _cannot_listen(purpose: str, host: str, port: int, error: Exception) -> SystemExit:
    log.error("cannot listen; is another process on the port?", purpose=purpose, host=host, port=port, error=str(error))
    return SystemExit(1)
