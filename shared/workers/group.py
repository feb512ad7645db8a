"""The parent of several workers: it starts them, answers in their place until one is ready, and stops them."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

import structlog

from shared.address import cannot_listen, written
from shared.config import WorkerSettings
from shared.workers.backoff import Backoff
from shared.workers.metrics import WorkerMetrics
from shared.workers.port import SharedPort
from shared.workers.process import WorkerProcess
from shared.workers.role import WorkerRole
from shared.workers.stand_in import StandIn

#: What a worker may take, beyond the grace period, to close what it has open.
_CLOSING_SECONDS = 5.0

log = structlog.get_logger()


def supervise_workers(settings: WorkerSettings, services: Sequence[str]) -> None:
    """Returns in a process that is to serve: the only one, or one of several workers. The parent of workers stays here.

    Args:
        settings: How many workers, and where they listen.
        services: The full names of the services on the port.

    Raises:
        SystemExit: this was the parent, and it is over: 0 after a signal when every worker drained, 1 where the port is
            taken, no worker would start or one did not drain.
    """
    if settings.workers == 1 or WorkerRole.of_this_process() is not None:
        return
    # The workers are this program again, as it was called; never a fork of it, which gRPC does not survive.
    command = [sys.executable, *sys.orig_argv[1:]]
    raise SystemExit(asyncio.run(WorkerGroup(settings, services, command).run()))


class WorkerGroup:
    """Workers of one service that share a port. The parent owns the port, the metrics and the signals; it serves no call.

    Args:
        settings: How many workers, where they listen, and how long they may drain.
        services: The full names of the services on the port.
        command: Starts one worker, given its role by the environment.
        backoff: How long to wait before restarts.
    """

    def __init__(
        self, settings: WorkerSettings, services: Sequence[str], command: Sequence[str], backoff: Backoff | None = None
    ) -> None:
        self._settings = settings
        self._services = services
        self._command = command
        self._backoff = backoff or Backoff()
        self._workers: list[WorkerProcess] = []
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._was_ready = False

    async def run(self) -> int:
        """Runs until a signal; returns the exit status.

        Raises:
            SystemExit: a port cannot be listened on (status 1).
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        settings = self._settings
        try:
            shared = SharedPort.reserve(settings.host, settings.port)
        except OSError as error:
            raise cannot_listen("grpc", settings.host, settings.port, error) from error
        metrics = WorkerMetrics.create(shared.port, self._pids)
        try:
            self._serve_metrics(metrics)
            return await self._supervise(shared, metrics)
        finally:
            metrics.remove()
            shared.release()

    def _serve_metrics(self, metrics: WorkerMetrics) -> None:
        settings = self._settings
        if settings.metrics_port:
            try:
                metrics.serve(settings.host, settings.metrics_port)
            except OSError as error:
                raise cannot_listen("metrics", settings.host, settings.metrics_port, error) from error

    async def _supervise(self, shared: SharedPort, metrics: WorkerMetrics) -> int:
        settings = self._settings
        stand_in = StandIn(self._services, written(settings.host, shared.port))
        self._workers = [self._worker(number, shared.port, metrics) for number in range(1, settings.workers + 1)]
        tasks = [asyncio.create_task(worker.keep_running()) for worker in self._workers]
        log.info("starting workers", workers=settings.workers, host=settings.host, port=shared.port)
        started = True
        try:
            while started and not self._stopping.is_set():
                await self._attend(stand_in, metrics)
                started = self._was_ready or not any(worker.starts_failed for worker in self._workers)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            drained = await self._drain(stand_in)
        if not started:
            log.error("workers do not start; their lines above say why")
        return 0 if started and drained else 1

    def _worker(self, number: int, port: int, metrics: WorkerMetrics) -> WorkerProcess:
        return WorkerProcess(
            number,
            port,
            self._command,
            environment=metrics.environment(),
            agreed=self._agreed,
            changed=self._changed.set,
            ended=lambda: metrics.worker_ended(number),
            backoff=self._backoff,
        )

    async def _attend(self, stand_in: StandIn, metrics: WorkerMetrics) -> None:
        """Does what the state of the workers asks for, then waits until it changes or the end begins."""
        self._changed.clear()
        ready = sum(worker.word.ready for worker in self._workers)
        metrics.ready.set(ready)
        self._was_ready |= ready > 0
        if ready:
            await stand_in.leave()
        else:
            await stand_in.listen()
        waits = [asyncio.create_task(event.wait()) for event in (self._changed, self._stopping)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _drain(self, stand_in: StandIn) -> bool:
        seconds = self._settings.grace_seconds
        log.info("draining", grace_seconds=seconds)
        await stand_in.leave()
        drained = await asyncio.gather(*(worker.stop(seconds + _CLOSING_SECONDS) for worker in self._workers))
        log.info("stopped", workers=len(drained))
        return all(drained)

    def _agreed(self) -> list[str]:
        """Returns what every worker holds that takes connections, in the order of one of them: newest first."""
        held = [worker.word.held for worker in self._workers if worker.word.ready]
        return [one for one in held[0] if all(one in other for other in held)] if held else []

    def _pids(self) -> list[int]:
        pids = [worker.pid for worker in self._workers]
        return [os.getpid(), *(pid for pid in pids if pid is not None)]
