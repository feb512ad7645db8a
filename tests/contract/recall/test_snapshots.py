"""Which snapshots recall answers for, from outside."""

import grpc
import numpy as np

from tests.contract.recall.conftest import Recall, ServeRecall
from tests.contract.recall.requests import candidates_of, retrieve_request, similar_request
from tests.in_process import assert_refused, health_of
from tests.snapshot_factory import build_snapshot
from tests.snapshot_weights import Weights
from winnow.recall.v1 import recall_service_pb2 as pb

SERVING, NOT_SERVING = 1, 2
SERVICE = "winnow.recall.v1.RecallService"


async def held(recall: Recall) -> list[str]:
    """Returns the ids that recall says it holds."""
    answer = await recall.stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest())
    return list(answer.snapshot_ids)


async def most_popular(recall: Recall, snapshot_id: str) -> int:
    """Returns the first candidate of somebody unknown."""
    answer = await recall.stub.Retrieve(retrieve_request([[]], snapshot_id=snapshot_id))
    return candidates_of(answer)[0].rows[0]


async def test_nothing_is_held_and_nothing_answered_before_a_snapshot_is_published(serve_recall: ServeRecall) -> None:
    """The process is alive, the service is not ready, and callers may try again."""
    async with serve_recall() as recall:
        assert await held(recall) == []
        assert await health_of(recall.channel, "") == SERVING
        assert await health_of(recall.channel, SERVICE) == NOT_SERVING
        for call in (recall.stub.Retrieve(retrieve_request([[]])), recall.stub.RetrieveSimilar(similar_request([1]))):
            await assert_refused(call, grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_a_loaded_snapshot_makes_recall_ready(recall: Recall) -> None:
    """Only then may requests be sent to it."""
    assert await held(recall) == ["snapshot-1"]
    assert await health_of(recall.channel, SERVICE) == SERVING


async def test_an_unknown_snapshot_is_refused_with_its_own_reason(recall: Recall) -> None:
    """The gateway tells from the reason that it should move on."""
    request = retrieve_request([[1]], snapshot_id="snapshot-0")
    await assert_refused(
        recall.stub.Retrieve(request), grpc.StatusCode.FAILED_PRECONDITION, "SNAPSHOT_NOT_HELD", "snapshot_id"
    )


async def test_the_previous_snapshot_is_answered_for_until_the_next_but_one(recall: Recall) -> None:
    """Requests under way when the suite moves over find what they name."""
    build_snapshot(recall.root, "snapshot-2", seed=2)
    await recall.follower.poll()
    assert await held(recall) == ["snapshot-2", "snapshot-1"]
    for snapshot_id, seed in (("snapshot-1", 0), ("snapshot-2", 2)):
        assert await most_popular(recall, snapshot_id) == np.argmax(Weights.draw(200, seed).popularity)
    build_snapshot(recall.root, "snapshot-3", seed=3)
    await recall.follower.poll()
    assert await held(recall) == ["snapshot-3", "snapshot-2"]
    call = recall.stub.Retrieve(retrieve_request([[1]], snapshot_id="snapshot-1"))
    await assert_refused(call, grpc.StatusCode.FAILED_PRECONDITION, "SNAPSHOT_NOT_HELD", "snapshot_id")


async def test_a_damaged_snapshot_changes_nothing(recall: Recall) -> None:
    """Recall goes on with what it has."""
    build_snapshot(recall.root, "snapshot-2", seed=2)
    index = recall.root / "snapshot-2" / "channels" / "content" / "index.ann"
    index.write_bytes(index.read_bytes()[:-8] + b"\0\1\2\3\4\5\6\7")
    await recall.follower.poll()
    assert await held(recall) == ["snapshot-1"]
    assert await most_popular(recall, "snapshot-1") == np.argmax(Weights.draw(200, 0).popularity)


async def test_a_worker_tells_of_no_snapshot_that_another_one_lacks(recall: Recall) -> None:
    """Whoever asks may be answered by that one next; requests that come here are answered all the same."""
    recall.follower.agree(["snapshot-0"])
    assert await held(recall) == []
    assert await most_popular(recall, "snapshot-1") >= 0
