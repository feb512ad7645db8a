"""The gateway serves nothing before its first snapshot, and moves to a new one when all neighbours have it."""

from pathlib import Path

import grpc
import pytest

from shared.snapshot.repository import SnapshotRepository
from tests.contract.gateway.conftest import StartSuite, Suite
from tests.snapshot_factory import build_snapshot
from winnow.gateway.v1 import gateway_service_pb2 as pb


async def snapshots_of(suite: Suite) -> set[str]:
    """The snapshots that the answer and all calls of one request name."""
    suite.neighbours.calls.clear()
    response = await suite.recommend()
    return {response.snapshot_id, *(request.snapshot_id for _, request in suite.neighbours.calls)}


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Recommend", pb.RecommendRequest()),
        ("RecommendSimilar", pb.RecommendSimilarRequest(item_id="item-00001")),
        ("RecordEvents", pb.RecordEventsRequest(events=[pb.Event(event_id="e", user_id="u", item_id="item-00001")])),
    ],
)
async def test_every_rpc_is_unavailable_before_a_first_snapshot(
    start_suite: StartSuite, tmp_path: Path, method: str, request_: object
) -> None:
    """Safe to retry, and the gateway is not ready meanwhile."""
    suite = await start_suite(snapshot_dir=tmp_path / "empty")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(suite.stub, method)(request_, timeout=60)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert not suite.gateway.follower.ready.is_set()


async def test_the_gateway_is_ready_with_its_own_snapshot_alone(start_suite: StartSuite) -> None:
    """Neighbours that are down do not keep it from answering, so they do not keep it from being ready."""
    nowhere = "127.0.0.1:1"
    suite = await start_suite(feature_store_target=nowhere, recall_target=nowhere, ranking_target=nowhere)
    assert suite.gateway.follower.ready.is_set()
    assert len((await suite.recommend()).items) == 10


async def test_no_request_mixes_snapshots_while_the_suite_moves(suite: Suite) -> None:
    """The old one serves until the last neighbour has the new one; then the new one serves everywhere."""
    build_snapshot(suite.root, "s2", items=60, seed=1)
    await suite.gateway.follower.poll()
    seen = []
    for ready in (["feature_store"], ["feature_store", "recall"], ["feature_store", "recall", "ranking"]):
        for name in ready:
            suite.neighbours.held[name] = ["s2", "s1"]
        await suite.gateway.agreement.poll()
        seen.append(await snapshots_of(suite))
    assert seen == [{"s1"}, {"s1"}, {"s2"}]


async def test_a_roll_back_is_followed(suite: Suite) -> None:
    """Pointing back at the old snapshot serves from it as soon as all neighbours have told that they hold it."""
    build_snapshot(suite.root, "s2", items=50, seed=1)
    await suite.gateway.follower.poll()
    suite.neighbours.hold("s2", "s1")
    await suite.gateway.agreement.poll()
    assert await snapshots_of(suite) == {"s2"}
    SnapshotRepository(suite.root).activate("s1")
    await suite.gateway.follower.poll()
    await suite.gateway.agreement.poll()
    assert await snapshots_of(suite) == {"s1"}
