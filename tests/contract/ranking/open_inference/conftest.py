"""A real ranking server that speaks the Open Inference Protocol beside its own contract."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from services.ranking.config import RankingSettings
from services.ranking.lanes import Lanes
from services.ranking.merging import MergedScoring, MergeLimits, Scorer
from services.ranking.open_inference.messages import SERVICE
from services.ranking.open_inference.registration import add_open_inference
from services.ranking.open_inference.servicer import OpenInferenceServicer
from services.ranking.servicer import RankingServicer
from services.ranking.snapshot import RankingSnapshot
from shared.server import RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from tests.contract.ranking.conftest import load_on_cpu
from tests.in_process import running
from tests.snapshot_factory import build_snapshot
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1 import ranking_service_pb2_grpc as pb_grpc


@dataclass(frozen=True)
class Served:
    """A running ranking.

    Attributes:
        root: Where it looks for snapshots.
        follower: Its snapshots; the test says when to look for new ones.
        server: The server.
        channel: Leads to it.
        stub: The methods of its own contract.
    """

    root: Path
    follower: SnapshotFollower[RankingSnapshot]
    server: RpcServer
    channel: grpc.aio.Channel
    stub: "pb_grpc.RankingServiceAsyncStub"

    def call(self, method: str, request: Any = None, **fields: Any) -> Any:
        """Calls a method of the protocol with a request, or with the fields of one."""
        described = SERVICE.methods_by_name[method]
        request_class, response_class = (
            GetMessageClass(kind) for kind in (described.input_type, described.output_type)
        )
        call = self.channel.unary_unary(
            f"/{SERVICE.full_name}/{method}",
            request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString,
        )
        return call(request if request is not None else request_class(**fields))


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@asynccontextmanager
async def serving(
    root: Path, pool: ThreadPoolExecutor, score: Scorer | None = None, max_in_flight: int = 64
) -> AsyncIterator[Served]:
    """Serves the snapshots below `root`, with another way of scoring where the test wants one."""
    settings = RankingSettings(
        host="127.0.0.1",
        port=0,
        metrics_port=0,
        snapshot_dir=root,
        grace_seconds=5,
        max_in_flight=max_in_flight,
    )
    follower = SnapshotFollower(SnapshotRepository(root), load_on_cpu, poll_seconds=1)
    await follower.poll()
    server = RpcServer(settings, pb.DESCRIPTOR.services_by_name["RankingService"], beside=[SERVICE])
    with Lanes(2, "scoring") as lanes:
        merged = MergedScoring(lanes, MergeLimits(candidates=0, waiting=256, in_flight=2))
        pb_grpc.add_RankingServiceServicer_to_server(RankingServicer(follower, merged, pool), server.grpc)
        servicer = OpenInferenceServicer(follower, lambda: server.is_ready, score or merged, pool)
        add_open_inference(servicer, server.grpc)
        async with running(server, follower.ready) as channel:
            yield Served(root, follower, server, channel, pb_grpc.RankingServiceStub(channel))


@pytest.fixture
def serve(tmp_path: Path, pool: ThreadPoolExecutor) -> Serve:
    """Serves the snapshots of this test."""
    return partial(serving, tmp_path, pool)


@pytest.fixture
async def served(tmp_path: Path, serve: Serve) -> AsyncIterator[Served]:
    """Ranking that holds `snapshot-1`."""
    build_snapshot(tmp_path)
    async with serve() as running_ranking:
        yield running_ranking
