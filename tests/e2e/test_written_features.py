"""What was written over an item's features counts in the next answer, and in what explains it."""

import time
from pathlib import Path

import grpc
import numpy as np
import pytest

from shared.snapshot.repository import SnapshotRepository
from shared.tensors import encode
from tests.e2e.suite import Suite
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESULTS = 50


async def scores(suite: Suite, user_id: str) -> dict[str, float]:
    """What the items of an answer were scored."""
    answer = await suite.client.recommend(user_id, max_results=RESULTS)
    assert answer.degradations == ()
    return {item.item_id: item.score for item in answer.items}


async def write(suite: Suite, snapshots: Path, item_id: str, value: float) -> None:
    """Writes every feature of an item."""
    repository = SnapshotRepository(snapshots)
    snapshot_id = repository.current() or ""
    names = repository.manifest(snapshot_id).feature_schema.item_features
    async with grpc.aio.insecure_channel(suite.ports.target("feature_store")) as channel:
        store = FeatureStoreServiceStub(channel)
        request = pb.WriteItemFeaturesRequest(
            snapshot_id=snapshot_id,
            item_ids=[item_id],
            feature_names=names,
            values=encode(np.full((1, len(names)), value, np.float32), pb.Tensor),
            written_at_ms=[time.time_ns() // 1_000_000],
        )
        assert (await store.WriteItemFeatures(request)).served == len(names)


async def test_a_written_feature_counts_in_the_very_next_answer(suite: Suite, snapshots: Path) -> None:
    """For a user and for a stranger's session; the other items are scored as before, and the explanation agrees."""
    user_id = suite.user_ids[0]
    before = await scores(suite, user_id)
    item_id = list(before)[RESULTS // 2]
    await write(suite, snapshots, item_id, 3.0)
    after = await scores(suite, user_id)
    assert abs(after.get(item_id, 0.0) - before[item_id]) > 1e-3
    others = set(before) & set(after) - {item_id}
    assert {one: after[one] for one in others} == pytest.approx({one: before[one] for one in others}, abs=1e-4)
    explained = await suite.client.explain(user_id, max_results=RESULTS)
    told = {item.item_id: item.score for item in explained.response.items}
    assert told == pytest.approx(after, abs=1e-4)


async def test_a_session_that_belongs_to_nobody_sees_it_too(suite: Suite, snapshots: Path) -> None:
    """No user is read, so nobody told the gateway that something was written."""
    session = suite.item_ids[:5]
    before = await suite.client.recommend("", session_item_ids=session, max_results=RESULTS)
    item = before.items[RESULTS // 2]
    await write(suite, snapshots, item.item_id, -3.0)
    after = await suite.client.recommend("", session_item_ids=session, max_results=RESULTS)
    score = {one.item_id: one.score for one in after.items}.get(item.item_id, 0.0)
    assert abs(score - item.score) > 1e-3
