"""What was written over the items' features travels; what ranking has with the snapshot does not."""

import asyncio
from typing import Any

import numpy as np
import pytest

from shared.tensors import FLOAT32, UINT32, decode, encode, with_tensors
from tests.contract.gateway.conftest import Suite
from tests.contract.gateway.neighbours import FOUND, answers, found_response, user_response
from winnow.feature_store.v1 import feature_store_service_pb2 as feature_store_pb
from winnow.gateway.v1 import gateway_service_pb2 as pb

TENSOR = feature_store_pb.Tensor


def written_response(places: list[int], features: Any) -> feature_store_pb.GetItemsResponse:
    """What the feature store says of items at some places."""
    return with_tensors(
        feature_store_pb.GetItemsResponse(),
        places=np.array(places, np.uint32),
        features=np.array(features, np.float32),
    )


async def written_over_some(request: Any, _context: Any) -> Any:
    """Of the items whose row is a multiple of 20 every feature was written: the row."""
    assert request.written_only
    rows = decode(request.rows, "rows", UINT32, [None])
    places = np.flatnonzero(rows % 20 == 0)
    return written_response(places.tolist(), np.repeat(rows[places][:, np.newaxis], 3, axis=1))


def check_written(request: Any) -> None:
    """Checks that a request to ranking holds the features of those items, and of no others."""
    assert not request.HasField("candidate_features")
    rows = decode(request.candidate_rows, "candidate_rows", UINT32, [None])
    places = decode(request.written_places, "written_places", UINT32, [None])
    features = decode(request.written_features, "written_features", FLOAT32, [len(places), 3])
    assert places.tolist() == np.flatnonzero(rows % 20 == 0).tolist()
    assert features.tolist() == [[row] * 3 for row in rows[places].tolist()]


async def test_only_what_was_written_is_sent_to_ranking(suite: Suite) -> None:
    """At its places among the candidates."""
    suite.neighbours.behaviours["GetItems"] = written_over_some
    response = await suite.recommend()
    assert not response.degradations
    check_written(suite.neighbours.request_of("Score"))


async def test_requests_that_go_together_each_keep_what_was_written(suite: Suite) -> None:
    """Their candidates lie end to end, at ranking as in the feature store, and differ from request to request."""

    async def finds(request: Any, _context: Any) -> Any:
        queries = request.user_features.shape[0]
        lists = [FOUND[query % 3 :] for query in range(queries)]
        offsets = np.cumsum([0, *map(len, lists)]).astype(np.uint32)
        return found_response(*(row for rows in lists for row in rows), candidate_offsets=offsets)

    suite.neighbours.behaviours |= {"GetItems": written_over_some, "Retrieve": finds}
    asked = await asyncio.gather(*(suite.recommend(user_id="", max_results=2) for _ in range(40)))
    assert not any(response.degradations for response in asked)
    scored = [request for method, request in suite.neighbours.calls if method == "Score"]
    for request in scored:
        check_written(request)
    assert max(request.user_features.shape[0] for request in scored) > 1


async def test_a_store_without_written_features_is_not_asked_for_them(suite: Suite) -> None:
    """It said so with the user, and every candidate has the features of the snapshot."""
    told = user_response()
    told.items_as_trained = True
    suite.neighbours.behaviours["GetUsers"] = answers(told)
    response = await suite.recommend()
    assert suite.neighbours.methods == ["GetUsers", "Retrieve", "Score"]
    score = suite.neighbours.request_of("Score")
    assert not any(score.HasField(name) for name in ("candidate_features", "written_places", "written_features"))
    assert [timing.stage for timing in response.timings] == [stage for stage in pb.Stage.values() if stage]
    assert not response.degradations


async def test_for_nobody_the_store_is_asked(suite: Suite) -> None:
    """No user was read, so it could not say."""
    suite.neighbours.behaviours["GetItems"] = answers(written_response([], np.empty((0, 3))))
    response = await suite.recommend(user_id="")
    assert suite.neighbours.methods == ["Retrieve", "GetItems", "Score"]
    assert not response.degradations


async def test_an_older_store_that_tells_all_features_is_understood(suite: Suite) -> None:
    """It knows nothing of places; while services are upgraded one by one nothing degrades."""
    features = np.arange(12, dtype=np.float32).reshape(4, 3)
    suite.neighbours.behaviours["GetItems"] = answers(
        feature_store_pb.GetItemsResponse(features=encode(features, TENSOR))
    )
    response = await suite.recommend()
    score = suite.neighbours.request_of("Score")
    assert decode(score.written_places, "written_places", UINT32, [None]).tolist() == [0, 1, 2, 3]
    assert np.array_equal(decode(score.written_features, "written_features", FLOAT32, [4, 3]), features)
    assert not response.degradations


@pytest.mark.parametrize(
    "unusable",
    [
        written_response([4], np.zeros((1, 3))),
        written_response([1, 1], np.zeros((2, 3))),
        written_response([2, 1], np.zeros((2, 3))),
        written_response([1], np.zeros((2, 3))),
        written_response([1], np.full((1, 3), np.nan)),
    ],
    ids=["beyond", "twice", "falling", "fewer than features", "NaN"],
)
async def test_places_that_make_no_sense_are_done_without(suite: Suite, unusable: Any) -> None:
    """The candidates are ranked by the snapshot's own features, and the answer says so."""
    suite.neighbours.behaviours["GetItems"] = answers(unusable)
    response = await suite.recommend()
    assert list(response.degradations) == [
        pb.Degradation(stage=pb.STAGE_CANDIDATE_FEATURES, reason=pb.DEGRADATION_REASON_ERROR)
    ]
    assert [item.item_id for item in response.items][:4] == [f"item-{row:05d}" for row in sorted(FOUND, reverse=True)]
