"""Retrieve, from outside."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from services.recall.snapshot import RecallSnapshot
from shared.snapshot.manifest import Manifest
from tests.contract.recall.conftest import Recall, ServeRecall, load_on_one_thread
from tests.contract.recall.requests import USER_FEATURES, candidates_of, retrieve_request, rows_tensor
from tests.in_process import assert_refused
from tests.snapshot_factory import QUOTAS, build_snapshot, left_pad
from tests.snapshot_weights import Weights
from winnow.recall.v1 import recall_service_pb2 as pb

ITEMS = 200
WEIGHTS = Weights.draw(ITEMS, seed=0)


def random_users(count: int) -> tuple[list[list[int]], list[list[int]], NDArray[np.float32]]:
    """Returns histories (the first is empty), excluded rows and user features."""
    random = np.random.default_rng(7)
    histories = [random.integers(0, ITEMS, size=3 * user).tolist() for user in range(count)]
    excluded = [random.integers(0, ITEMS, size=5 * user).tolist() for user in range(count)]
    return histories, excluded, random.standard_normal((count, USER_FEATURES), dtype=np.float32)


def expected_channels(
    history: list[int], excluded: list[int], user_features: NDArray[np.float32], limit: int
) -> dict[str, dict[int, float]]:
    """Computes in NumPy what each channel must find, best first, with its scores."""
    padded = left_pad([history])
    scores = {
        "two_tower": WEIGHTS.tower_vectors @ WEIGHTS.tower_queries(padded, user_features[None])[0],
        "content": WEIGHTS.content_vectors @ WEIGHTS.content_queries(padded)[0],
        "popularity": WEIGHTS.popularity,
    }
    if not history:
        del scores["content"]
    return {
        name: {row: float(one[row]) for row in [r for r in np.argsort(-one).tolist() if r not in excluded][:limit]}
        for name, one in scores.items()
    }


def expected_order(channels: dict[str, dict[int, float]], limit: int) -> list[int]:
    """Merges by the definition: earliest (rank + 1) / quota, larger quota, lower row."""
    arrivals: dict[int, tuple[float, float, int]] = {}
    for name, found in channels.items():
        for rank, row in enumerate(found):
            arrival = ((rank + 1) / QUOTAS[name], -QUOTAS[name], row)
            arrivals[row] = min(arrivals.get(row, arrival), arrival)
    return sorted(arrivals, key=lambda row: arrivals[row])[:limit]


async def test_candidates_are_those_that_numpy_finds(recall: Recall) -> None:
    """Rows, order, provenance and scores, for users with and without a history, features and exclusions."""
    histories, excluded, user_features = random_users(6)
    answer = await recall.stub.Retrieve(retrieve_request(histories, excluded, user_features, max_candidates=25))
    assert list(answer.channels) == ["two_tower", "content", "popularity"]
    assert list(answer.failed_channels) == []
    for user, candidates in enumerate(candidates_of(answer)):
        channels = expected_channels(histories[user], excluded[user], user_features[user], limit=25)
        assert candidates.rows == expected_order(channels, limit=25)
        for row, found_by, scores in zip(candidates.rows, candidates.found_by, candidates.scores, strict=True):
            assert found_by == {name for name, found in channels.items() if row in found}
            wanted = [channels.get(name, {}).get(row, 0.0) for name in answer.channels]
            np.testing.assert_allclose(scores, wanted, rtol=1e-4, atol=1e-4)


async def test_a_batch_answers_as_its_queries_do_one_by_one(recall: Recall) -> None:
    """Whom a query is sent together with makes no difference."""
    histories, excluded, user_features = random_users(20)
    together = candidates_of(await recall.stub.Retrieve(retrieve_request(histories, excluded, user_features)))
    for user, batched in enumerate(together):
        request = retrieve_request([histories[user]], [excluded[user]], user_features[user : user + 1])
        (alone,) = candidates_of(await recall.stub.Retrieve(request))
        assert alone.rows == batched.rows
        assert alone.found_by == batched.found_by
        np.testing.assert_allclose(alone.scores, batched.scores, rtol=1e-5, atol=1e-5)


async def test_somebody_unknown_gets_what_is_popular(recall: Recall) -> None:
    """Without history and features no other channel has anything to go by."""
    (candidates,) = candidates_of(await recall.stub.Retrieve(retrieve_request([[]], max_candidates=10)))
    assert candidates.rows == np.argsort(-WEIGHTS.popularity)[:10].tolist()
    assert candidates.found_by == [{"popularity"}] * 10


async def test_500_candidates_are_returned_unless_the_request_says_otherwise(
    tmp_path: Path, serve_recall: ServeRecall
) -> None:
    """0 stands for the default."""
    build_snapshot(tmp_path, items=700)
    async with serve_recall() as recall:
        (candidates,) = candidates_of(await recall.stub.Retrieve(retrieve_request([[1]], max_candidates=0)))
    assert len(candidates.rows) == 500


async def test_everything_is_found_when_there_is_room_and_nothing_when_all_is_excluded(recall: Recall) -> None:
    """The list ends where the catalogue does."""
    request = retrieve_request([[1], [2]], [[], list(range(ITEMS))], max_candidates=5000)
    everything, nothing = candidates_of(await recall.stub.Retrieve(request))
    assert sorted(everything.rows) == list(range(ITEMS))
    assert nothing.rows == []


async def test_a_long_history_counts_by_its_recent_end(recall: Recall) -> None:
    """What is older than the snapshot's max_history makes no difference."""
    recent = list(range(12))
    short, long = candidates_of(await recall.stub.Retrieve(retrieve_request([recent, [150, 160, 170, *recent]])))
    assert short.rows == long.rows


class BrokenChannel:
    """Fails whatever it is asked."""

    name = "broken"
    quota = 1.0
    instant = False

    def encode(self, histories: Any, user_features: Any) -> Any:
        """Fails."""
        raise RuntimeError(f"secret of {len(histories)} users, {len(user_features)}")

    def search(self, queries: Any, excluded: Any, limit: int) -> Any:
        """Is never reached."""
        raise AssertionError(queries, excluded, limit)


def load_with_broken(keep: bool) -> Callable[[Path, Manifest], RecallSnapshot]:
    """Returns a way of loading that adds a broken channel in front of the others, or puts it in their place."""

    def load(folder: Path, manifest: Manifest) -> RecallSnapshot:
        snapshot = load_on_one_thread(folder, manifest)
        return dataclasses.replace(snapshot, channels=(BrokenChannel(), *(snapshot.channels if keep else ())))

    return load


async def test_a_channel_that_fails_is_named_and_done_without(tmp_path: Path, serve_recall: ServeRecall) -> None:
    """The candidates are those of the other channels."""
    build_snapshot(tmp_path)
    async with serve_recall(load_with_broken(keep=True)) as recall:
        answer = await recall.stub.Retrieve(retrieve_request([[3, 4]]))
    (candidates,) = candidates_of(answer)
    channels = expected_channels([3, 4], [], np.zeros(USER_FEATURES, dtype=np.float32), limit=20)
    assert list(answer.failed_channels) == ["broken"]
    assert candidates.rows == expected_order(channels, limit=20)
    assert not any("broken" in found_by for found_by in candidates.found_by)


async def test_the_call_fails_when_every_channel_does(tmp_path: Path, serve_recall: ServeRecall) -> None:
    """The caller hears that it may try again, and nothing of the cause."""
    build_snapshot(tmp_path)
    async with serve_recall(load_with_broken(keep=False)) as recall:
        call = recall.stub.Retrieve(retrieve_request([[3, 4]]))
        await assert_refused(call, grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


def changed(**fields: Any) -> pb.RetrieveRequest:
    """Returns a sound request for two users but for the given fields."""
    request = retrieve_request([[1, 2], [3]], [[4], [5]])
    for name, value in fields.items():
        if isinstance(value, pb.Tensor):
            getattr(request, name).CopyFrom(value)
        else:
            setattr(request, name, value)
    return request


def floats(array: Any) -> pb.Tensor:
    """Returns a float32 tensor."""
    values = np.asarray(array, dtype=np.float32)
    return pb.Tensor(dtype=pb.DATA_TYPE_FLOAT32, shape=values.shape, data=values.tobytes())


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (changed(history_rows=floats([1, 2, 3])), "history_rows"),
        (changed(history_rows=pb.Tensor(dtype=pb.DATA_TYPE_UINT32, shape=[3], data=b"short")), "history_rows"),
        (retrieve_request([[0] * 65_537]), "history_rows"),
        (changed(history_offsets=rows_tensor([0, 2])), "history_offsets"),
        (changed(history_offsets=rows_tensor([0, 3, 2])), "history_offsets"),
        (changed(history_offsets=rows_tensor([])), "history_offsets"),
        (retrieve_request([]), "history_offsets"),
        (retrieve_request([[]] * 257), "history_offsets"),
        (changed(user_features=floats(np.zeros((2, USER_FEATURES + 1)))), "user_features"),
        (changed(user_features=floats(np.zeros((3, USER_FEATURES)))), "user_features"),
        (changed(user_features=floats(np.full((2, USER_FEATURES), np.nan))), "user_features"),
        (changed(user_features=rows_tensor([1, 2])), "user_features"),
        (retrieve_request([[1]], [[0] * 1_048_577]), "excluded_rows"),
        (changed(excluded_offsets=rows_tensor([0, 2])), "excluded_offsets"),
        (changed(excluded_offsets=rows_tensor([1, 1, 2])), "excluded_offsets"),
        (changed(max_candidates=10_001), "max_candidates"),
        (retrieve_request([[]] * 256, max_candidates=1025), "max_candidates"),
    ],
)
async def test_a_request_beyond_the_limits_is_refused_and_the_field_named(
    recall: Recall, request_: pb.RetrieveRequest, field: str
) -> None:
    """Each limit of the contract holds."""
    await assert_refused(recall.stub.Retrieve(request_), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", field)


async def test_the_largest_request_is_answered(recall: Recall) -> None:
    """The limits themselves are allowed: 256 users, and 262,144 candidates asked for in all."""
    answer = await recall.stub.Retrieve(retrieve_request([[1]] * 256, max_candidates=1024))
    assert [len(candidates.rows) for candidates in candidates_of(answer)] == [ITEMS] * 256
