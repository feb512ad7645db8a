"""Score, from outside."""

from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.contract.ranking.conftest import Ranking
from tests.contract.ranking.requests import ITEM_FEATURES, USER_FEATURES, rows_tensor, score_request, scores_of
from tests.in_process import assert_refused
from tests.snapshot_factory import left_pad
from tests.snapshot_weights import OBJECTIVES, Weights
from winnow.ranking.v1 import ranking_service_pb2 as pb

ITEMS = 200
WEIGHTS = Weights.draw(ITEMS, seed=0)
LENGTHS = (7, 0, 1, 30, 4)


class Users:
    """Five users with histories (the second has none), features and candidates (the second has none)."""

    def __init__(self) -> None:
        random = np.random.default_rng(3)
        self.histories = [random.integers(0, ITEMS, size=length).tolist() for length in (3, 0, 40, 12, 1)]
        self.candidates = [random.integers(0, ITEMS, size=length).tolist() for length in LENGTHS]
        self.user_features = random.standard_normal((5, USER_FEATURES), dtype=np.float32)
        self.candidate_features = random.standard_normal((sum(LENGTHS), ITEM_FEATURES), dtype=np.float32)
        self.owners = np.repeat(np.arange(5), LENGTHS)

    def request(self) -> pb.ScoreRequest:
        """Returns one request for all of them."""
        return score_request(self.histories, self.candidates, self.user_features, self.candidate_features)

    def request_of(self, user: int) -> pb.ScoreRequest:
        """Returns a request for one of them."""
        return score_request(
            [self.histories[user]],
            [self.candidates[user]],
            self.user_features[user : user + 1],
            self.candidate_features[self.owners == user],
        )

    def expected(self) -> NDArray[np.float32]:
        """Computes the scores in NumPy."""
        rows = np.array([row for one in self.candidates for row in one])
        return WEIGHTS.scores(left_pad(self.histories), self.user_features, rows, self.candidate_features, self.owners)


async def test_scores_are_those_that_numpy_computes(ranking: Ranking) -> None:
    """For users with long, short and no histories, and one without candidates."""
    users = Users()
    answer = await ranking.stub.Score(users.request())
    assert tuple(answer.objectives) == OBJECTIVES
    np.testing.assert_allclose(scores_of(answer), users.expected(), rtol=1e-4, atol=1e-4)


async def test_candidates_without_features_have_those_of_the_snapshot(ranking: Ranking) -> None:
    """Row by row, as training gave them."""
    users = Users()
    users.candidate_features = WEIGHTS.item_features[[row for one in users.candidates for row in one]]
    request = users.request()
    request.ClearField("candidate_features")
    np.testing.assert_allclose(scores_of(await ranking.stub.Score(request)), users.expected(), rtol=1e-4, atol=1e-4)


async def test_what_was_written_goes_over_the_features_of_the_snapshot(ranking: Ranking) -> None:
    """At its places among all candidates, the others as they were; the snapshot's stay what they are."""
    users = Users()
    own = WEIGHTS.item_features[[row for one in users.candidates for row in one]]
    places = [0, 8, 41]
    written = users.candidate_features[places]
    users.candidate_features = own.copy()
    plain = users.expected()
    users.candidate_features[places] = written
    request = users.request()
    request.ClearField("candidate_features")
    request.written_places.CopyFrom(rows_tensor(places))
    request.written_features.CopyFrom(floats(written))
    np.testing.assert_allclose(scores_of(await ranking.stub.Score(request)), users.expected(), rtol=1e-4, atol=1e-4)
    request.ClearField("written_places")
    request.ClearField("written_features")
    np.testing.assert_allclose(scores_of(await ranking.stub.Score(request)), plain, rtol=1e-4, atol=1e-4)


async def test_a_batch_scores_as_its_queries_do_one_by_one(ranking: Ranking) -> None:
    """Whom a query is sent together with makes no difference."""
    users = Users()
    together = scores_of(await ranking.stub.Score(users.request()))
    for user in range(5):
        alone = scores_of(await ranking.stub.Score(users.request_of(user)))
        np.testing.assert_allclose(alone, together[users.owners == user], rtol=1e-5, atol=1e-5)


async def test_concurrent_requests_each_get_their_own_scores(ranking: Ranking) -> None:
    """They are merged into few runs, large ones among them, and taken apart again."""
    users = Users()
    large = score_request([[1] * 40] * 60, [[2] * 400] * 60)
    together = scores_of(await ranking.stub.Score(users.request()))
    calls = [ranking.stub.Score(users.request_of(number % 5)) for number in range(60)]
    assert scores_of(await ranking.stub.Score(large)).shape == (24_000, len(OBJECTIVES))
    for number, call in enumerate(calls):
        own = together[users.owners == number % 5]
        np.testing.assert_allclose(scores_of(await call), own, rtol=1e-5, atol=1e-5)


async def test_no_candidates_give_no_scores(ranking: Ranking) -> None:
    """An answer of the right shape, not an error."""
    answer = await ranking.stub.Score(score_request([[1], []], [[], []]))
    assert scores_of(answer).shape == (0, len(OBJECTIVES))


async def test_the_largest_request_is_answered(ranking: Ranking) -> None:
    """The limits themselves are allowed: 256 queries, 65,536 candidates, 65,536 rows of history."""
    request = score_request([[1] * 256] * 256, [[2] * 256] * 256)
    assert scores_of(await ranking.stub.Score(request)).shape == (65_536, len(OBJECTIVES))


def changed(**tensors: pb.Tensor) -> pb.ScoreRequest:
    """Returns a sound request for two users but for the given fields."""
    request = score_request([[1, 2], [3]], [[4, 5], [6]])
    for name, tensor in tensors.items():
        getattr(request, name).CopyFrom(tensor)
    return request


def written(**tensors: pb.Tensor) -> pb.ScoreRequest:
    """Returns one without the candidates' features, for those of the snapshot."""
    request = changed(**tensors)
    request.ClearField("candidate_features")
    return request


def floats(array: Any) -> pb.Tensor:
    """Returns a float32 tensor."""
    values = np.asarray(array, dtype=np.float32)
    return pb.Tensor(dtype=pb.DATA_TYPE_FLOAT32, shape=values.shape, data=values.tobytes())


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (changed(user_features=floats(np.zeros((2, USER_FEATURES - 1)))), "user_features"),
        (changed(user_features=floats(np.full((2, USER_FEATURES), np.inf))), "user_features"),
        (changed(user_features=rows_tensor([1])), "user_features"),
        (score_request([], []), "user_features"),
        (score_request([[]] * 257, [[]] * 257), "user_features"),
        (changed(history_rows=rows_tensor([1, 2, ITEMS])), "history_rows"),
        (changed(history_rows=floats([1, 2, 3])), "history_rows"),
        (score_request([[0] * 65_537], [[]]), "history_rows"),
        (changed(history_offsets=rows_tensor([0, 3])), "history_offsets"),
        (changed(history_offsets=rows_tensor([0, 2, 4])), "history_offsets"),
        (changed(candidate_rows=rows_tensor([4, 5, ITEMS])), "candidate_rows"),
        (changed(candidate_rows=pb.Tensor(dtype=pb.DATA_TYPE_UINT32, shape=[3], data=b"x")), "candidate_rows"),
        (score_request([[]], [[0] * 65_537]), "candidate_rows"),
        (changed(candidate_offsets=rows_tensor([0, 3])), "candidate_offsets"),
        (changed(candidate_offsets=rows_tensor([0, 3, 2])), "candidate_offsets"),
        (changed(candidate_features=floats(np.zeros((2, ITEM_FEATURES)))), "candidate_features"),
        (changed(candidate_features=floats(np.zeros((3, ITEM_FEATURES + 1)))), "candidate_features"),
        (changed(candidate_features=floats(np.full((3, ITEM_FEATURES), np.nan))), "candidate_features"),
        (changed(written_places=rows_tensor([0])), "written_places"),
        (changed(written_features=floats(np.zeros((1, ITEM_FEATURES)))), "written_places"),
        (written(written_features=floats(np.zeros((1, ITEM_FEATURES)))), "written_places"),
        (written(written_places=floats([0])), "written_places"),
        (written(written_places=rows_tensor([0])), "written_features"),
        (
            written(written_places=rows_tensor([3]), written_features=floats(np.zeros((1, ITEM_FEATURES)))),
            "written_places",
        ),
        (
            written(written_places=rows_tensor([1, 2]), written_features=floats(np.zeros((1, ITEM_FEATURES)))),
            "written_features",
        ),
        (
            written(written_places=rows_tensor([1]), written_features=floats(np.full((1, ITEM_FEATURES), np.nan))),
            "written_features",
        ),
    ],
)
async def test_a_request_beyond_the_limits_is_refused_and_the_field_named(
    ranking: Ranking, request_: pb.ScoreRequest, field: str
) -> None:
    """Each limit of the contract holds, and so does what the tensors say of each other."""
    await assert_refused(ranking.stub.Score(request_), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", field)
