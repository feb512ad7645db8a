"""A probe of several workers: `python -m tests.contract.shared.worker_process`.

Its snapshots are the names in a file `snapshots`, newest first, which it reads often; it is ready once there are some. A
worker for which there is a file `snapshots-NUMBER` goes by that one instead. Score tells the process that answered; a
call whose snapshot_id is "hold" is answered once a file of that name exists. With a file `broken` no worker starts.
"""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import structlog
import uvloop
from pydantic_settings import SettingsConfigDict

from shared.config import GrpcPort, MetricsPort, WorkerSettings
from shared.logs import configure_logs
from shared.server import RpcServer
from shared.workers.group import supervise_workers
from shared.workers.role import WorkerRole
from tests.contract.shared.probe import SERVICE
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import (
    RankingServiceServicer,
    add_RankingServiceServicer_to_server,
)

POLL_SECONDS = 0.02

log = structlog.get_logger()


class WorkerProbeSettings(WorkerSettings):
    """Those of the probe, and how many workers."""

    model_config = SettingsConfigDict(env_prefix="PROBE_")

    host: str = "127.0.0.1"
    port: GrpcPort = 0
    metrics_port: MetricsPort = 0


class FileSnapshots:
    """Holds what files say.

    Args:
        folder: With a file `snapshots`, and one `snapshots-N` for a worker that is to differ.
    """

    def __init__(self, folder: Path) -> None:
        role = WorkerRole.of_this_process()
        own = folder / f"snapshots-{role.number if role else 0}"
        self._files = (own, folder / "snapshots")
        self.ids: list[str] = []
        self.agreed: list[str] = []
        self.ready = asyncio.Event()

    def agree(self, snapshot_ids: Iterable[str]) -> None:
        """Takes what all workers hold."""
        self.agreed = list(snapshot_ids)

    async def follow(self) -> None:
        """Reads for ever."""
        while True:
            for file in self._files:
                if file.exists():
                    self.ids = file.read_text().split()
                    break
            if self.ids:
                self.ready.set()
            await asyncio.sleep(POLL_SECONDS)


class WorkerProbe(RankingServiceServicer):
    """Tells who it is and what it hears."""

    def __init__(self, snapshots: FileSnapshots, folder: Path) -> None:
        self._snapshots = snapshots
        self._folder = folder

    async def Score(self, request: pb.ScoreRequest, _context: Any) -> pb.ScoreResponse:  # noqa: N802
        """Tells this process."""
        if request.snapshot_id == "hold":
            log.info("held")
            while not (self._folder / "hold").exists():  # noqa: ASYNC110 - a file is the signal
                await asyncio.sleep(POLL_SECONDS)
        return pb.ScoreResponse(objectives=[str(os.getpid())])

    async def GetSnapshotStatus(self, _request: Any, _context: Any) -> pb.GetSnapshotStatusResponse:  # noqa: N802
        """Tells what all workers hold."""
        return pb.GetSnapshotStatusResponse(snapshot_ids=self._snapshots.agreed)


async def serve(settings: WorkerProbeSettings) -> None:
    """Serves until a signal."""
    if (settings.snapshot_dir / "broken").exists():
        raise SystemExit(3)
    snapshots = FileSnapshots(settings.snapshot_dir)
    server = RpcServer(settings, SERVICE)
    add_RankingServiceServicer_to_server(WorkerProbe(snapshots, settings.snapshot_dir), server.grpc)
    await server.run(snapshots.ready, [snapshots.follow], snapshots)


def main() -> None:
    """Starts as a service does."""
    settings = WorkerProbeSettings.load()
    configure_logs("probe", settings.log_level)
    supervise_workers(settings, [SERVICE.full_name])
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
