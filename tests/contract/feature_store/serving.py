"""The feature store in this process, on a free port, with a real store and a real snapshot folder."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from services.feature_store.__main__ import open_feature_store
from services.feature_store.config import FeatureStoreSettings
from services.feature_store.items import FeatureSnapshot
from shared.snapshot.follower import SnapshotFollower
from tests.in_process import running
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1 import feature_store_service_pb2_grpc as pb_grpc

SERVICE = pb.DESCRIPTOR.services_by_name["FeatureStoreService"].full_name


@dataclass(frozen=True)
class Serving:
    """A running feature store.

    Attributes:
        stub: Its methods.
        channel: Leads to it.
        follower: Its snapshots; the test says when to look for new ones.
        background: What would run beside it; the test does.
    """

    stub: "pb_grpc.FeatureStoreServiceAsyncStub"
    channel: grpc.aio.Channel
    follower: SnapshotFollower[FeatureSnapshot]
    background: Sequence[Callable[[], Coroutine[None, None, None]]]


@asynccontextmanager
async def serving(store: Path, snapshots: Path, **settings: Any) -> AsyncIterator[Serving]:
    """Serves a store until the block ends; the current snapshot, if there is one, is loaded."""
    chosen = FeatureStoreSettings(
        host="127.0.0.1", port=0, metrics_port=0, path=store, snapshot_dir=snapshots, grace_seconds=5, **settings
    )
    async with open_feature_store(chosen) as service:
        await service.follower.poll()
        async with running(service.server, service.follower.ready) as channel:
            yield Serving(pb_grpc.FeatureStoreServiceStub(channel), channel, service.follower, service.background)
