"""Which snapshots ranking answers for, and when it is ready, from outside."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import grpc
import numpy as np

from services.ranking.snapshot import load_snapshot
from shared.onnx_session import Provider, Session, open_session
from tests.contract.ranking.conftest import Ranking, ServeRanking
from tests.contract.ranking.requests import USER_FEATURES, score_request, scores_of
from tests.in_process import assert_refused, health_of
from tests.snapshot_factory import build_snapshot, left_pad
from tests.snapshot_weights import Weights
from winnow.ranking.v1 import ranking_service_pb2 as pb

SERVING, NOT_SERVING = 1, 2
SERVICE = "winnow.ranking.v1.RankingService"


async def held(ranking: Ranking) -> list[str]:
    """Returns the ids that ranking says it holds."""
    answer = await ranking.stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest())
    return list(answer.snapshot_ids)


async def assert_scored_by(ranking: Ranking, snapshot_id: str, seed: int) -> None:
    """Asserts that a snapshot's own model answers for it."""
    answer = await ranking.stub.Score(score_request([[1, 2]], [[3]], snapshot_id=snapshot_id))
    users, items = np.zeros((1, USER_FEATURES), dtype=np.float32), np.zeros((1, 3), dtype=np.float32)
    expected = Weights.draw(200, seed).scores(left_pad([[1, 2]]), users, np.array([3]), items, np.array([0]))
    np.testing.assert_allclose(scores_of(answer), expected, rtol=1e-4, atol=1e-4)


async def test_nothing_is_held_and_nothing_scored_before_a_snapshot_is_published(serve_ranking: ServeRanking) -> None:
    """The process is alive, the service is not ready, and callers may try again."""
    async with serve_ranking() as ranking:
        assert await held(ranking) == []
        assert await health_of(ranking.channel, "") == SERVING
        assert await health_of(ranking.channel, SERVICE) == NOT_SERVING
        call = ranking.stub.Score(score_request([[1]], [[2]]))
        await assert_refused(call, grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_a_loaded_snapshot_makes_ranking_ready(ranking: Ranking) -> None:
    """Only then may requests be sent to it."""
    assert await held(ranking) == ["snapshot-1"]
    assert await health_of(ranking.channel, SERVICE) == SERVING


async def test_an_unknown_snapshot_is_refused_with_its_own_reason(ranking: Ranking) -> None:
    """The gateway tells from the reason that it should move on."""
    call = ranking.stub.Score(score_request([[1]], [[2]], snapshot_id="snapshot-0"))
    await assert_refused(call, grpc.StatusCode.FAILED_PRECONDITION, "SNAPSHOT_NOT_HELD", "snapshot_id")


async def test_the_previous_snapshot_is_answered_for_until_the_next_but_one(ranking: Ranking) -> None:
    """Requests under way when the suite moves over find what they name."""
    build_snapshot(ranking.root, "snapshot-2", seed=2)
    await ranking.follower.poll()
    assert await held(ranking) == ["snapshot-2", "snapshot-1"]
    await assert_scored_by(ranking, "snapshot-1", seed=0)
    await assert_scored_by(ranking, "snapshot-2", seed=2)
    build_snapshot(ranking.root, "snapshot-3", seed=3)
    await ranking.follower.poll()
    assert await held(ranking) == ["snapshot-3", "snapshot-2"]
    call = ranking.stub.Score(score_request([[1]], [[2]], snapshot_id="snapshot-1"))
    await assert_refused(call, grpc.StatusCode.FAILED_PRECONDITION, "SNAPSHOT_NOT_HELD", "snapshot_id")


async def test_a_damaged_snapshot_changes_nothing(ranking: Ranking) -> None:
    """Ranking goes on with what it has."""
    build_snapshot(ranking.root, "snapshot-2", seed=2)
    model = ranking.root / "snapshot-2" / "ranker" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    await ranking.follower.poll()
    assert await held(ranking) == ["snapshot-1"]
    await assert_scored_by(ranking, "snapshot-1", seed=0)


def open_without_gpu(model: Path, threads: int, _providers: Sequence[Provider]) -> Session:
    """Opens a model as ONNX Runtime does where there is no GPU."""
    return open_session(model, threads)


async def test_a_demanded_gpu_that_is_absent_keeps_ranking_alive_and_not_ready(
    tmp_path: Path, serve_ranking: ServeRanking
) -> None:
    """An orchestrator must neither send requests to it nor restart it for ever."""
    build_snapshot(tmp_path)
    load = partial(load_snapshot, device="cuda", threads=1, open_session=open_without_gpu)
    async with serve_ranking(load) as ranking:
        assert await health_of(ranking.channel, "") == SERVING
        assert await health_of(ranking.channel, SERVICE) == NOT_SERVING
        assert not ranking.follower.ready.is_set()
        call = ranking.stub.Score(score_request([[1]], [[2]]))
        await assert_refused(call, grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_a_worker_tells_of_no_snapshot_that_another_one_lacks(ranking: Ranking) -> None:
    """Whoever asks may be answered by that one next."""
    ranking.follower.agree(["snapshot-0"])
    assert await held(ranking) == []
