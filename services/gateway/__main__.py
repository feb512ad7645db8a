"""Starts the gateway: `python -m services.gateway`. The one place that builds its parts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import uvloop

from services.gateway.agreement import SnapshotAgreement
from services.gateway.backend import Backend
from services.gateway.circuit import Circuit
from services.gateway.config import GatewaySettings
from services.gateway.explainer import Explainer
from services.gateway.feature_store_client import FeatureStoreClient
from services.gateway.forgetting import UserEraser
from services.gateway.pipeline import RecommendPipeline
from services.gateway.ranking_client import RankingClient
from services.gateway.recall_client import RecallClient
from services.gateway.recording import EventRecorder
from services.gateway.servicer import GatewayServicer
from services.gateway.similar import SimilarPipeline
from services.gateway.snapshot import GatewaySnapshot, load_snapshot
from shared.channel import open_channel
from shared.logs import configure_logs
from shared.server import RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from shared.workers.group import supervise_workers
from winnow.gateway.v1 import gateway_service_pb2
from winnow.gateway.v1.gateway_service_pb2_grpc import add_GatewayServiceServicer_to_server

SERVICE = gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"]

#: Of the contract.
MAX_REQUEST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Gateway:
    """The gateway's parts, put together and not yet started.

    Attributes:
        server: With the servicer registered.
        follower: Loads snapshots. Ready means that it loaded one: the other services are not waited for, because
            the gateway answers without them, and says so in the answer.
        agreement: Asks the other services which snapshots they hold.
        channels: To the other services.
    """

    server: RpcServer
    follower: SnapshotFollower[GatewaySnapshot]
    agreement: SnapshotAgreement
    channels: Sequence[grpc.aio.Channel]

    async def close(self) -> None:
        """Closes the channels."""
        await asyncio.gather(*(channel.close() for channel in self.channels))


def assemble(settings: GatewaySettings) -> Gateway:
    """Builds the gateway from its settings. Needs a running event loop, and does no I/O."""
    targets = (settings.feature_store_target, settings.recall_target, settings.ranking_target)
    channels = [open_channel(target) for target in targets]
    batching = settings.batching()
    feature_store = FeatureStoreClient(channels[0], _backend("feature_store", settings), batching)
    recall = RecallClient(channels[1], _backend("recall", settings), batching)
    ranking = RankingClient(channels[2], _backend("ranking", settings), batching)
    limits = settings.limits()
    repository = SnapshotRepository(settings.snapshot_dir)
    follower = SnapshotFollower(repository, load_snapshot, settings.snapshot_poll_seconds)
    agreement = SnapshotAgreement(follower, [feature_store, recall, ranking], settings.status_poll_seconds)
    recommend = RecommendPipeline(feature_store, recall, ranking, limits)
    servicer = GatewayServicer(
        agreement,
        recommend,
        SimilarPipeline(recall, limits),
        EventRecorder(feature_store, settings.record_events_budget_ms / 1000),
        UserEraser(feature_store, settings.forget_user_budget_ms / 1000),
        explainer=Explainer(recommend, feature_store, recall, ranking, limits),
        settings=settings,
    )
    server = RpcServer(settings, SERVICE, MAX_REQUEST_BYTES)
    add_GatewayServiceServicer_to_server(servicer, server.grpc)
    return Gateway(server, follower, agreement, channels)


async def serve(settings: GatewaySettings) -> None:
    """Serves until a signal."""
    gateway = assemble(settings)
    try:
        await gateway.server.run(
            ready=gateway.follower.ready, background=[gateway.follower.follow, gateway.agreement.follow]
        )
    finally:
        await gateway.close()


def main() -> None:
    """Runs the process."""
    settings = GatewaySettings.load()
    configure_logs("gateway", settings.log_level)
    supervise_workers(settings, [SERVICE.full_name])
    uvloop.run(serve(settings))


def _backend(name: str, settings: GatewaySettings) -> Backend:
    return Backend(name, Circuit(settings.circuit_failures))


if __name__ == "__main__":
    main()
