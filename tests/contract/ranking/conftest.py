"""A real ranking server over a small real snapshot."""

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import pytest

from services.ranking.config import RankingSettings
from services.ranking.lanes import Lanes
from services.ranking.merging import MergedScoring, MergeLimits
from services.ranking.servicer import RankingServicer
from services.ranking.snapshot import RankingSnapshot, load_snapshot
from shared.server import RpcServer
from shared.snapshot.follower import Load, SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from tests.in_process import running
from tests.snapshot_factory import build_snapshot
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1 import ranking_service_pb2_grpc as pb_grpc


@dataclass(frozen=True)
class Ranking:
    """A running ranking.

    Attributes:
        root: Where it looks for snapshots.
        follower: Its snapshots; the test says when to look for new ones.
        channel: Leads to it.
        stub: Its methods.
    """

    root: Path
    follower: SnapshotFollower[RankingSnapshot]
    channel: grpc.aio.Channel
    stub: "pb_grpc.RankingServiceAsyncStub"


ServeRanking = Callable[..., AbstractAsyncContextManager[Ranking]]

load_on_cpu: Load[RankingSnapshot] = partial(load_snapshot, device="cpu", threads=1)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """The threads that large messages are decoded on."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def serve_ranking(tmp_path: Path, pool: ThreadPoolExecutor) -> ServeRanking:
    """Starts ranking, with another way of loading snapshots where the test wants one."""

    @asynccontextmanager
    async def serve(load: Load[RankingSnapshot] = load_on_cpu) -> AsyncIterator[Ranking]:
        limits = MergeLimits(candidates=0, waiting=256, in_flight=2)
        settings = RankingSettings(host="127.0.0.1", port=0, metrics_port=0, snapshot_dir=tmp_path, grace_seconds=5)
        follower = SnapshotFollower(SnapshotRepository(tmp_path), load, poll_seconds=1)
        await follower.poll()
        server = RpcServer(settings, pb.DESCRIPTOR.services_by_name["RankingService"])
        with Lanes(2, "scoring") as lanes:
            servicer = RankingServicer(follower, MergedScoring(lanes, limits), pool)
            pb_grpc.add_RankingServiceServicer_to_server(servicer, server.grpc)
            async with running(server, follower.ready) as channel:
                yield Ranking(tmp_path, follower, channel, pb_grpc.RankingServiceStub(channel))

    return serve


@pytest.fixture
async def ranking(tmp_path: Path, serve_ranking: ServeRanking) -> AsyncIterator[Ranking]:
    """Ranking that holds `snapshot-1`."""
    build_snapshot(tmp_path)
    async with serve_ranking() as running_ranking:
        yield running_ranking
