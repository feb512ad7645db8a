"""RetrieveSimilar, from outside."""

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.contract.recall.conftest import Recall
from tests.contract.recall.requests import candidates_of, rows_tensor, similar_request
from tests.in_process import assert_refused
from tests.snapshot_weights import Weights
from winnow.recall.v1 import recall_service_pb2 as pb

ITEMS = 200
WEIGHTS = Weights.draw(ITEMS, seed=0)


def cosines(vectors: NDArray[np.float32], row: int) -> NDArray[np.float32]:
    """Returns the cosine similarity of every item to one of them, but -2 for itself."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = np.asarray(unit @ unit[row], dtype=np.float32)
    alike[row] = -2.0
    return alike


def agreed(lists: dict[str, list[int]]) -> list[int]:
    """Returns the rows of the channels' lists by the sum of quota / (60 + rank), the lower row first among equals."""
    quotas = {"two_tower": 3.0, "content": 1.0}
    value = {
        row: sum(quotas[name] / (61 + rows.index(row)) for name, rows in lists.items() if row in rows)
        for row in {row for rows in lists.values() for row in rows}
    }
    return sorted(value, key=lambda row: (-value[row], row))


async def test_items_alike_are_those_that_numpy_finds(recall: Recall) -> None:
    """The channels' nearest by cosine, with it as the score, fused by rank; what is popular has no part in it."""
    answer = await recall.stub.RetrieveSimilar(similar_request([5, 9, 5], max_candidates=10))
    assert list(answer.channels) == ["two_tower", "content"]
    spaces = (WEIGHTS.tower_vectors, WEIGHTS.content_vectors)
    for row, candidates in zip([5, 9, 5], candidates_of(answer), strict=True):
        assert len(candidates.rows) == 10
        assert row not in candidates.rows
        lists: dict[str, list[int]] = {}
        for column, (name, vectors) in enumerate(zip(answer.channels, spaces, strict=True)):
            alike = cosines(vectors, row)
            nearest = lists[name] = np.argsort(-alike)[:20].tolist()
            for candidate, found_by, scores in zip(
                candidates.rows, candidates.found_by, candidates.scores, strict=True
            ):
                assert (name in found_by) == (candidate in nearest)
                expected = alike[candidate] if candidate in nearest else 0.0
                np.testing.assert_allclose(scores[column], expected, rtol=1e-4)
        assert candidates.rows == agreed(lists)[:10]


async def test_100_items_are_returned_unless_the_request_says_otherwise(recall: Recall) -> None:
    """0 stands for the default."""
    (candidates,) = candidates_of(await recall.stub.RetrieveSimilar(similar_request([1], max_candidates=0)))
    assert len(candidates.rows) == 100


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (similar_request([]), "item_rows"),
        (similar_request([0] * 257), "item_rows"),
        (pb.RetrieveSimilarRequest(snapshot_id="snapshot-1"), "item_rows"),
        (similar_request([1], max_candidates=10_001), "max_candidates"),
        (similar_request([1] * 256, max_candidates=1025), "max_candidates"),
    ],
)
async def test_a_request_beyond_the_limits_is_refused_and_the_field_named(
    recall: Recall, request_: pb.RetrieveSimilarRequest, field: str
) -> None:
    """Each limit of the contract holds."""
    await assert_refused(
        recall.stub.RetrieveSimilar(request_), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", field
    )


async def test_rows_of_the_wrong_shape_are_refused(recall: Recall) -> None:
    """Two axes are not one."""
    tensor = rows_tensor([1, 2])
    tensor.shape[:] = [1, 2]
    call = recall.stub.RetrieveSimilar(pb.RetrieveSimilarRequest(snapshot_id="snapshot-1", item_rows=tensor))
    await assert_refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", "item_rows")
