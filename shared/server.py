"""One gRPC server process: health, reflection, metrics, and a drain that loses no accepted call."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar, cast

import grpc
import prometheus_client
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared import tracing
from shared.address import cannot_listen, written
from shared.channel import MAX_MESSAGE_BYTES
from shared.config import ServiceSettings
from shared.exchange.link_address import LinkAddress
from shared.exchange.link_listener import LinkListener
from shared.exchange.offered import OfferedMethods
from shared.exchange.serving import ExchangeServicer
from shared.health import Health
from shared.interceptors import EdgeInterceptor
from shared.poller import let_the_loop_go_first
from shared.reflection import add_reflection
from shared.workers.link import ParentLink, SharedSnapshots
from shared.workers.role import WorkerRole
from winnow.exchange.v1 import exchange_service_pb2
from winnow.exchange.v1.exchange_service_pb2_grpc import add_ExchangeServiceServicer_to_server

log = structlog.get_logger()

#: Work that goes on beside serving until it is cancelled, such as following snapshots.
BackgroundWork = Callable[[], Coroutine[None, None, None]]

Servicer = TypeVar("Servicer")

#: So many turns of so many seconds in which no call is taken in tell that none waits for it, even on a busy machine.
_QUIET_TURNS = 10
_TURN_SECONDS = 0.01

#: After so long a single such turn is enough: by then most drains that are still at it have a client that goes on calling.
_TAKING_IN_SECONDS = 2.0


class RpcServer:
    """A server for one service. Alive as soon as it listens; ready once told; drained on SIGTERM or SIGINT.

    As one of several workers it listens only once it is ready: the system gives connections to all that listen on a
    port, ready or not. It then also drains when its parent is gone.

    Args:
        settings: Where to listen and how to drain.
        service: The descriptor of the service; its full name is also the name of its readiness.
        max_message_bytes: The largest request that is read.
        beside: Descriptors of services that are offered beside it, from whatever pool; they are ready when it is.
        links: Where calls of what is offered over streams are also taken over links; empty for nowhere.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        service: ServiceDescriptor,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        beside: Sequence[ServiceDescriptor] = (),
        links: str = "",
    ) -> None:
        self._settings = settings
        self._services = (service, *beside)
        self._health = Health([one.full_name for one in self._services])
        self._stopping = asyncio.Event()
        self._role = WorkerRole.of_this_process()
        self.port = settings.port if self._role is None else self._role.port
        self._edge = EdgeInterceptor(settings.max_in_flight)
        self._exchange: ExchangeServicer | None = None
        self._links = links
        self._link_listener: LinkListener | None = None
        self.grpc = grpc.aio.server(
            interceptors=[self._edge],
            options=[
                # But for workers, a second process on the port must fail loudly instead of taking half of the connections.
                ("grpc.so_reuseport", 0 if self._role is None else 1),
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_connection_age_ms", settings.max_connection_age_seconds * 1000),
                ("grpc.max_connection_age_grace_ms", int(settings.grace_seconds * 1000)),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
        )
        self._offered = OfferedMethods(self.grpc)

    def offer(self, add: Callable[[Servicer, grpc.aio.Server], None], servicer: Servicer) -> None:
        """Adds a servicer whose unary methods are offered over open streams too, as the ExchangeService.

        Args:
            add: The generated `add_…Servicer_to_server`.
            servicer: The servicer.
        """
        add(servicer, cast("grpc.aio.Server", self._offered))

    async def run(
        self,
        ready: asyncio.Event,
        background: Sequence[BackgroundWork] = (),
        snapshots: SharedSnapshots | None = None,
    ) -> None:
        """Serves until a signal, then drains: not ready, calls in flight end, then background work is cancelled.

        Args:
            ready: When set, the service is reported ready.
            background: Work to run beside serving. If one ends with an error, the server drains and raises it.
            snapshots: What workers agree on, where callers ask the service which snapshots it holds.

        Raises:
            SystemExit: the address cannot be listened on (status 1).
        """
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._stopping.set)
        tracing.start(f"winnow-{self._services[0].full_name.split('.')[1].replace('_', '-')}")
        link = None if self._role is None else ParentLink(self._role, snapshots)
        if link is None:
            await self.start()
            opening = self._announce(ready)
        else:
            background = [*background, lambda: self._follow_parent(link)]
            opening = self._join(ready, link)
        tasks = [asyncio.create_task(work) for work in (opening, *(work() for work in background))]
        for task in tasks:
            task.add_done_callback(self._stop_on_failure)
        try:
            await self._stopping.wait()
        finally:
            tasks[0].cancel()  # what has not opened stays closed
            if link is not None:
                link.count_out()
            await self.stop()  # before the background work ends: calls in flight may need it
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(tracing.stop)
        log.info("stopped", port=self.port)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def start(self) -> None:
        """Starts listening and answers liveness; `port` then holds the port that was taken.

        Raises:
            SystemExit: the address cannot be listened on (status 1).
        """
        self._add_own_services()
        self._listen()
        await self.grpc.start()
        let_the_loop_go_first()
        await self._take_links()
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
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.grace_seconds
        await self._take_in_what_has_come()
        if self._exchange is not None:
            self._exchange.drain()
        grace = max(0.0, end - loop.time())
        if self._link_listener is not None:
            self._link_listener.drain()
            await asyncio.gather(self.grpc.stop(grace), self._link_listener.stop(grace))
        else:
            await self.grpc.stop(grace)

    async def _take_in_what_has_come(self) -> None:
        """Waits until no more calls are taken in, half of the grace period at most.

        gRPC hands calls over one by one, each in a turn of the event loop. Those that still wait for theirs when it stops
        are answered CANCELLED, though they came before the drain began. While any do, every turn takes one in, and on a
        slow machine that may go on for seconds; a client that goes on calling all the same leaves some turns out.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        quiet = 0
        while (elapsed := loop.time() - began) < self._settings.grace_seconds / 2:
            if quiet >= (_QUIET_TURNS if elapsed < _TAKING_IN_SECONDS else 1):
                return
            before = self._edge.taken_in
            await asyncio.sleep(_TURN_SECONDS)
            quiet = quiet + 1 if self._edge.taken_in == before else 0

    def _add_own_services(self) -> None:
        """Adds what every server offers beside its services, and reflection for all of them."""
        services = [*self._services, health_pb2.DESCRIPTOR.services_by_name["Health"]]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        if offered := self._offered.unary:
            # Not before: what surrounds a call depends on whether there is tracing by now.
            methods = {name: self._edge.wrapped(name, handler) for name, handler in offered.items()}
            self._exchange = ExchangeServicer(methods)
            add_ExchangeServiceServicer_to_server(self._exchange, self.grpc)
            services.append(exchange_service_pb2.DESCRIPTOR.services_by_name["ExchangeService"])
        add_reflection(self.grpc, services)

    def _listen(self) -> None:
        settings = self._settings
        try:
            self.port = self.grpc.add_insecure_port(written(settings.host, self.port))
        except RuntimeError as error:
            raise cannot_listen("grpc", settings.host, self.port, error) from error
        if settings.metrics_port and self._role is None:  # the parent serves those of all workers
            try:
                prometheus_client.start_http_server(settings.metrics_port, addr=settings.host)
            except OSError as error:
                raise cannot_listen("metrics", settings.host, settings.metrics_port, error) from error

    async def _take_links(self) -> None:
        if not self._links or self._exchange is None:
            return
        address = LinkAddress.parse(self._links)
        if address.is_local and self._role is not None:
            log.info("workers cannot share this address; calls come over streams instead", links=self._links)
            return
        self._link_listener = LinkListener(address, self._exchange.answer_serialized, share_port=self._role is not None)
        try:
            await self._link_listener.start()
        except OSError as error:
            raise cannot_listen("links", address.host or address.name, address.port, error) from error

    async def _announce(self, ready: asyncio.Event) -> None:
        await ready.wait()
        await self.set_ready()

    async def _join(self, ready: asyncio.Event, link: ParentLink) -> None:
        """Opens a worker once it is ready and its parent knows what it holds."""
        await ready.wait()
        await link.count_in()
        await self.start()
        await self.set_ready()

    async def _follow_parent(self, link: ParentLink) -> None:
        await link.follow()
        log.warning("the parent of this worker is gone; stopping")
        self._stopping.set()

    def _stop_on_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work failed; stopping", exc_info=error)
            self._stopping.set()
