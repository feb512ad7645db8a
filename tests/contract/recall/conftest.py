"""A real recall server over a small real snapshot."""

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import pytest

from services.recall.config import RecallSettings
from services.recall.retrieval import Retriever
from services.recall.servicer import RecallServicer
from services.recall.snapshot import RecallSnapshot, load_snapshot
from shared.server import RpcServer
from shared.snapshot.follower import Load, SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from tests.in_process import running
from tests.snapshot_factory import build_snapshot
from winnow.recall.v1 import recall_service_pb2 as pb
from winnow.recall.v1 import recall_service_pb2_grpc as pb_grpc

THREADS = 2


@dataclass(frozen=True)
class Recall:
    """A running recall.

    Attributes:
        root: Where it looks for snapshots.
        follower: Its snapshots; the test says when to look for new ones.
        channel: Leads to it.
        stub: Its methods.
    """

    root: Path
    follower: SnapshotFollower[RecallSnapshot]
    channel: grpc.aio.Channel
    stub: "pb_grpc.RecallServiceAsyncStub"


ServeRecall = Callable[..., AbstractAsyncContextManager[Recall]]

load_on_one_thread: Load[RecallSnapshot] = partial(load_snapshot, threads=1)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """The threads that channels run on."""
    with ThreadPoolExecutor(THREADS) as executor:
        yield executor


@pytest.fixture
def serve_recall(tmp_path: Path, pool: ThreadPoolExecutor) -> ServeRecall:
    """Starts recall, with another way of loading snapshots where the test wants one."""

    @asynccontextmanager
    async def serve(load: Load[RecallSnapshot] = load_on_one_thread) -> AsyncIterator[Recall]:
        settings = RecallSettings(host="127.0.0.1", port=0, metrics_port=0, snapshot_dir=tmp_path, grace_seconds=5)
        follower = SnapshotFollower(SnapshotRepository(tmp_path), load, poll_seconds=1)
        await follower.poll()
        server = RpcServer(settings, pb.DESCRIPTOR.services_by_name["RecallService"])
        pb_grpc.add_RecallServiceServicer_to_server(
            RecallServicer(follower, Retriever(pool, timeout_seconds=30)), server.grpc
        )
        async with running(server, follower.ready) as channel:
            yield Recall(tmp_path, follower, channel, pb_grpc.RecallServiceStub(channel))

    return serve


@pytest.fixture
async def recall(tmp_path: Path, serve_recall: ServeRecall) -> AsyncIterator[Recall]:
    """Recall that holds `snapshot-1`."""
    build_snapshot(tmp_path)
    async with serve_recall() as running_recall:
        yield running_recall
