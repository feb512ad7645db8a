"""Starts the gateway: `python -m services.gateway`. The one place that builds its parts."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from services.gateway.agreement import SnapshotAgreement
from services.gateway.backend import Backend
from services.gateway.circuit import Circuit
from services.gateway.config import GatewaySettings
from services.gateway.experiments.assignment import Assignment
from services.gateway.experiments.definition import Experiments
from services.gateway.experiments.reading import ExperimentsRefused, read_experiments
from services.gateway.explainer import Explainer
from services.gateway.exposure_client import ExposureClient
from services.gateway.exposure_log import ExposureLog
from services.gateway.feature_store_client import FeatureStoreClient
from services.gateway.forgetting import UserEraser
from services.gateway.live_items.feed import ItemFeed
from services.gateway.live_items.item_store_client import ItemStoreClient
from services.gateway.live_items.writing import ItemWriter
from services.gateway.neighbour_channels import NeighbourChannels
from services.gateway.neighbours import SnapshotHolder
from services.gateway.pipeline import RecommendPipeline
from services.gateway.ranking_client import RankingClient
from services.gateway.recall_client import RecallClient
from services.gateway.recording import EventRecorder
from services.gateway.servicer import GatewayServicer
from services.gateway.similar import SimilarPipeline
from services.gateway.snapshot import GatewaySnapshot, load_snapshot
from shared.logs import configure_logs
from shared.server import BackgroundWork, RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from shared.workers.group import supervise_workers
from winnow.gateway.v1 import gateway_service_pb2
from winnow.gateway.v1.gateway_service_pb2_grpc import add_GatewayServiceServicer_to_server

SERVICE = gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"]

#: Of the contract.
MAX_REQUEST_BYTES = 4 * 1024 * 1024

#: How long the end of the process may wait until what was shown is logged.
FLUSH_SECONDS = 2.0

NO_EXPERIMENTS = Experiments()


@dataclass(frozen=True)
class Gateway:
    """The gateway's parts, put together and not yet started.

    Attributes:
        server: With the servicer registered.
        follower: Loads snapshots.
        agreement: Asks the other services which snapshots they hold.
        feed: Follows what changes about items.
        channels: To the other services.
        exposures: Logs what is shown; None where it is not logged.
        ready: Set by `get_ready`. The other services are not waited for, because the gateway answers without them, and
            says so in the answer.
    """

    server: RpcServer
    follower: SnapshotFollower[GatewaySnapshot]
    agreement: SnapshotAgreement
    feed: ItemFeed
    channels: Sequence[NeighbourChannels]
    exposures: ExposureLog | None
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def background(self) -> list[BackgroundWork]:
        """What goes on beside serving."""
        work: list[BackgroundWork] = [self.follower.follow, self.agreement.follow, self.feed.follow, self.get_ready]
        return work if self.exposures is None else [*work, self.exposures.follow]

    async def get_ready(self) -> None:
        """Sets `ready` once there is something to answer with, and the store was asked which items are withdrawn."""
        await self.follower.ready.wait()
        await self.feed.asked.wait()
        self.ready.set()

    async def close(self) -> None:
        """Logs what was shown and is not logged yet, and closes the channels."""
        if self.exposures is not None:
            await self.exposures.flush(FLUSH_SECONDS)
            self.exposures.close()
        await asyncio.gather(*(channel.close() for channel in self.channels))


def assemble(settings: GatewaySettings, experiments: Experiments = NO_EXPERIMENTS) -> Gateway:
    """Builds the gateway from its settings and experiments. Needs a running event loop, and does no I/O."""
    neighbours = (
        (settings.feature_store_target, settings.feature_store_links),
        (settings.recall_target, settings.recall_links),
        (settings.ranking_target, settings.ranking_links),
    )
    to_store, to_recall, to_ranking = (
        NeighbourChannels.open(target, settings.streams_batches, links) for target, links in neighbours
    )
    batching = settings.batching()
    store_backend = _backend("feature_store", settings)
    feature_store = FeatureStoreClient(to_store, store_backend, batching)
    item_store = ItemStoreClient(to_store.calls, store_backend)
    recall = RecallClient(to_recall, _backend("recall", settings), batching)
    ranking = RankingClient(to_ranking, _backend("ranking", settings), batching)
    limits = settings.limits()
    repository = SnapshotRepository(settings.snapshot_dir)
    follower = SnapshotFollower(repository, load_snapshot, settings.snapshot_poll_seconds)
    feed = ItemFeed(item_store, follower, settings.item_poll_seconds)
    holders: list[SnapshotHolder] = [feature_store, recall, ranking]
    agreement = SnapshotAgreement(follower, holders, settings.status_poll_seconds, feed.beside)
    recommend = RecommendPipeline(feature_store, recall, ranking, limits)
    exposures = (
        ExposureLog(ExposureClient(to_store.calls), settings.exposure_queue) if settings.exposure_log == "on" else None
    )
    servicer = GatewayServicer(
        agreement,
        recommend,
        SimilarPipeline(recall, limits),
        EventRecorder(feature_store, settings.record_events_budget_ms / 1000),
        UserEraser(feature_store, settings.forget_user_budget_ms / 1000, exposures),
        items=ItemWriter(item_store, feed, settings.record_events_budget_ms / 1000),
        explainer=Explainer(recommend, feature_store, recall, ranking, limits.budgets),
        settings=settings,
        assignment=Assignment(experiments, settings.policy()),
        exposures=exposures,
    )
    server = RpcServer(settings, SERVICE, MAX_REQUEST_BYTES)
    add_GatewayServiceServicer_to_server(servicer, server.grpc)
    return Gateway(server, follower, agreement, feed, [to_store, to_recall, to_ranking], exposures)


async def serve(settings: GatewaySettings, experiments: Experiments) -> None:
    """Serves until a signal."""
    gateway = assemble(settings, experiments)
    try:
        await gateway.server.run(ready=gateway.ready, background=gateway.background)
    finally:
        await gateway.close()


def main() -> None:
    """Runs the process."""
    settings = GatewaySettings.load()
    settings.keep_to_cpus()
    experiments = _read_experiments(settings.experiments)
    configure_logs("gateway", settings.log_level)
    supervise_workers(settings, [SERVICE.full_name])
    uvloop.run(serve(settings, experiments))


def _read_experiments(path: str) -> Experiments:
    if not path:
        return NO_EXPERIMENTS
    try:
        return read_experiments(Path(path))
    except ExperimentsRefused as refused:
        remedy = "correct it (`winnow experiments check FILE` says the same), or unset the variable"
        print(f"GATEWAY_EXPERIMENTS: {refused}; {remedy}", file=sys.stderr)  # noqa: T201 - before there are logs
        raise SystemExit(2) from None


def _backend(name: str, settings: GatewaySettings) -> Backend:
    return Backend(name, Circuit(settings.circuit_failures))


if __name__ == "__main__":
    main()
