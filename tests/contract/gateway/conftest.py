"""One real gateway in this process, between a caller and neighbours that do as they are told."""

import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.gateway.__main__ import NO_EXPERIMENTS, Gateway, assemble
from services.gateway.config import GatewaySettings
from services.gateway.experiments.definition import Experiments
from shared.snapshot.manifest import read_manifest
from tests.contract.gateway.neighbours import Neighbours
from tests.snapshot_factory import build_snapshot
from winnow.gateway.v1 import gateway_service_pb2 as pb
from winnow.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub

#: Waits that no test is about are long, so that a slow machine changes nothing.
PATIENT: dict[str, Any] = {
    "request_deadline_ms": 60_000,
    "user_features_budget_ms": 60_000,
    "recall_budget_ms": 60_000,
    "candidate_features_budget_ms": 60_000,
    "ranking_budget_ms": 60_000,
    "record_events_budget_ms": 60_000,
    "circuit_failures": 1_000,
}


@dataclass
class Suite:
    """A gateway that serves, its neighbours, and a stub to call it.

    Attributes:
        gateway: The gateway's parts.
        neighbours: What it asks.
        stub: Calls it.
        channel: The stub's.
        root: Where snapshots are published.
    """

    gateway: Gateway
    neighbours: Neighbours
    stub: Any
    channel: grpc.aio.Channel
    root: Path

    async def recommend(self, **request: Any) -> pb.RecommendResponse:
        """Asks for a known user unless told otherwise."""
        response: pb.RecommendResponse = await self.stub.Recommend(
            pb.RecommendRequest(**{"user_id": "ann"} | request), timeout=60
        )
        return response

    async def explain(self, *item_ids: str, **request: Any) -> pb.ExplainResponse:
        """Asks how the answer for a known user comes about, and why these items are not in it."""
        recommend = pb.RecommendRequest(**{"user_id": "ann"} | request)
        response: pb.ExplainResponse = await self.stub.Explain(
            pb.ExplainRequest(request=recommend, item_ids=item_ids), timeout=60
        )
        return response


#: Starts a suite, with experiments if there are any; settings override the patient ones.
StartSuite = Callable[..., Coroutine[Any, Any, Suite]]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One published snapshot, `s1`, for tests to copy: building it takes longer than most of them."""
    root = tmp_path_factory.mktemp("published")
    build_snapshot(root, "s1", items=50)
    return root


@pytest.fixture
async def start_suite(published: Path, tmp_path: Path) -> AsyncIterator[StartSuite]:
    """Starts suites over a copy of the snapshot, and stops them in the end."""
    root = tmp_path / "snapshots"
    shutil.copytree(published, root)
    manifest = read_manifest(root / "s1")
    async with AsyncExitStack() as stack:

        async def start(experiments: Experiments = NO_EXPERIMENTS, **settings: Any) -> Suite:
            neighbours = await stack.enter_async_context(Neighbours(manifest))
            targets = dict(
                zip(("feature_store_target", "recall_target", "ranking_target"), neighbours.targets, strict=True)
            )
            gateway = assemble(_settings(root, targets | settings), experiments)
            stack.push_async_callback(gateway.close)
            await gateway.follower.poll()
            await gateway.agreement.poll()
            await gateway.server.start()
            stack.push_async_callback(gateway.server.stop)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{gateway.server.port}"))
            return Suite(gateway, neighbours, GatewayServiceStub(channel), channel, root)

        yield start


@pytest.fixture
async def suite(start_suite: StartSuite) -> Suite:
    """A suite that works and waits patiently."""
    return await start_suite()


def _settings(root: Path, settings: dict[str, Any]) -> GatewaySettings:
    fixed = {"host": "127.0.0.1", "port": 0, "metrics_port": 0, "snapshot_dir": root, "grace_seconds": 0}
    return GatewaySettings(**PATIENT | fixed | settings)
