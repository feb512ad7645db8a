"""One gRPC server process: health, reflection, metrics, and a drain that loses no accepted call."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence

import grpc
import prometheus_client
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from shared.channel import MAX_MESSAGE_BYTES
from shared.config import ServiceSettings
from shared.interceptors import EdgeInterceptor
from shared.reflection import add_reflection

#: The health service's name for "this process is alive".
LIVENESS = ""

log = structlog.get_logger()

#: Work that goes on beside serving until it is cancelled, such as following snapshots.
BackgroundWork = Callable[[], Coroutine[None, None, None]]


class RpcServer:
    """A server for one service. Alive as soon as it listens; ready once told; drained on SIGTERM or SIGINT.

    Args:
        settings: Where to listen and how to drain.
        service: The descriptor of the service; its full name is also the name of its readiness.
        max_message_bytes: The largest request that is read.
    """

    def __init__(
        self, settings: ServiceSettings, service: ServiceDescriptor, max_message_bytes: int = MAX_MESSAGE_BYTES
    ) -> None:
        self._settings = settings
        self._name: str = service.full_name
        self._health = health.aio.HealthServicer()
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
        await self.start()
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._stopping.set)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for work in background]
            tasks.append(group.create_task(self._announce(ready)))
            try:
                await self._stopping.wait()
            finally:
                await self.stop()
                for task in tasks:
                    task.cancel()
        log.info("stopped", port=self.port)

    async def start(self) -> None:
        """Starts listening and answers liveness; `port` then holds the port that was taken."""
        settings = self._settings
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        add_reflection(self.grpc, (self._name, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name))
        try:
            self.port = self.grpc.add_insecure_port(f"{settings.host}:{settings.port}")
            if settings.metrics_port:
                prometheus_client.start_http_server(settings.metrics_port, addr=settings.host)
        except (RuntimeError, OSError) as error:
            log.error(
                "cannot listen: is another process on the port?",
                host=settings.host, port=settings.port, metrics_port=settings.metrics_port, error=str(error),
            )  # fmt: skip
            raise SystemExit(1) from error
        await self._health.set(self._name, health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._health.set(LIVENESS, health_pb2.HealthCheckResponse.SERVING)
        await self.grpc.start()
        log.info("listening", host=settings.host, port=self.port, metrics_port=settings.metrics_port)

    async def set_ready(self) -> None:
        """Reports the service as ready."""
        await self._health.set(self._name, health_pb2.HealthCheckResponse.SERVING)
        log.info("ready", port=self.port)

    async def stop(self) -> None:
        """Reports not ready, takes no new calls, and waits up to the grace period for those in flight."""
        log.info("draining", grace_seconds=self._settings.grace_seconds)
        await self._health.enter_graceful_shutdown()
        await self.grpc.stop(self._settings.grace_seconds)

    async def _announce(self, ready: asyncio.Event) -> None:
        await ready.wait()
        await self.set_ready()
