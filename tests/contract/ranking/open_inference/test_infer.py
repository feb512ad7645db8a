"""ModelInfer, from outside."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import REGISTRY

from services.ranking.batch import ScoringBatch
from services.ranking.snapshot import RankingSnapshot
from tests.contract.ranking.open_inference.conftest import Serve, Served
from tests.contract.ranking.open_inference.requests import (
    HISTORIES,
    ITEMS,
    LENGTHS,
    Arrays,
    one_query_arrays,
    raw_request,
    scores_of,
    sound_arrays,
    typed_request,
)
from tests.contract.ranking.requests import score_request
from tests.contract.ranking.requests import scores_of as own_scores_of
from tests.in_process import assert_refused
from tests.snapshot_factory import MAX_HISTORY, build_snapshot
from tests.snapshot_weights import OBJECTIVES, Weights

EITHER_WAY = pytest.mark.parametrize("request_of", [raw_request, typed_request])

RequestOf = Callable[..., Any]


def expected(arrays: Arrays, seed: int = 0) -> NDArray[np.float32]:
    """Computes the scores in NumPy."""
    names = ("history", "user_features", "candidates", "candidate_features", "candidate_query")
    return Weights.draw(ITEMS, seed).scores(*(arrays[name] for name in names))


def assert_close(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> None:
    """Asserts that scores agree as golden ones must."""
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@EITHER_WAY
async def test_scores_are_those_that_numpy_computes(served: Served, request_of: RequestOf) -> None:
    """For users with and without a history, whichever way the elements travel."""
    arrays = sound_arrays()
    assert_close(scores_of(await served.call("ModelInfer", request_of(arrays))), expected(arrays))


@EITHER_WAY
async def test_scores_are_those_of_our_own_contract(served: Served, request_of: RequestOf) -> None:
    """To the last bit: the same model is run with the same batch."""
    arrays = sound_arrays()
    candidates = np.split(arrays["candidates"], np.cumsum(LENGTHS)[:-1])
    own = await served.stub.Score(
        score_request(
            HISTORIES, [rows.tolist() for rows in candidates], arrays["user_features"], arrays["candidate_features"]
        )
    )
    arrays["history"] = arrays["history"][:, -max(map(len, HISTORIES)) :]
    answer = await served.call("ModelInfer", request_of(arrays))
    np.testing.assert_array_equal(scores_of(answer), own_scores_of(own))


@pytest.mark.parametrize(("request_of", "raw"), [(raw_request, 1), (typed_request, 0)])
async def test_an_answer_comes_as_the_request_did(served: Served, request_of: RequestOf, raw: int) -> None:
    """Raw for raw and typed for typed, with the request's id, the model, and the version that answered."""
    answer = await served.call("ModelInfer", request_of(sound_arrays(), id="request-7"))
    assert len(answer.raw_output_contents) == raw
    assert (answer.id, answer.model_name, answer.model_version) == ("request-7", "ranker", "snapshot-1")
    assert scores_of(answer).shape == (sum(LENGTHS), len(OBJECTIVES))


async def test_inputs_may_come_in_any_order(served: Served) -> None:
    """They are known by their names."""
    arrays = sound_arrays()
    backwards = dict(reversed(arrays.items()))
    assert_close(scores_of(await served.call("ModelInfer", raw_request(backwards))), expected(arrays))


@EITHER_WAY
async def test_history_and_candidate_query_may_be_left_out_for_one_query(served: Served, request_of: RequestOf) -> None:
    """Then nobody has a history, and all candidates are of the one query there is."""
    arrays = one_query_arrays()
    answer = await served.call("ModelInfer", request_of(arrays))
    nothing = {"history": np.full((1, 1), -1), "candidate_query": np.zeros(5, dtype=np.int64)}
    assert_close(scores_of(answer), expected(arrays | nothing))


async def test_a_history_of_no_width_is_no_history(served: Served) -> None:
    """Clients that hold an empty array send it."""
    arrays = one_query_arrays()
    without = scores_of(await served.call("ModelInfer", raw_request(arrays)))
    empty = {"history": np.empty((1, 0), dtype=np.int64)}
    np.testing.assert_array_equal(scores_of(await served.call("ModelInfer", raw_request(arrays | empty))), without)


async def test_a_long_history_is_cut_at_its_old_end(served: Served) -> None:
    """As in our own contract: the ranker looks at the newest items alone."""
    arrays = one_query_arrays()
    long = np.arange(MAX_HISTORY + 9)[None]
    cut = raw_request(arrays | {"history": long[:, -MAX_HISTORY:]})
    whole = raw_request(arrays | {"history": long})
    np.testing.assert_array_equal(
        scores_of(await served.call("ModelInfer", whole)), scores_of(await served.call("ModelInfer", cut))
    )


@EITHER_WAY
async def test_no_candidates_give_no_scores(served: Served, request_of: RequestOf) -> None:
    """An answer of the right shape, not an error."""
    answer = await served.call("ModelInfer", request_of(one_query_arrays(candidates=0)))
    assert scores_of(answer).shape == (0, len(OBJECTIVES))


async def test_the_output_that_there_is_can_be_asked_for_by_name(served: Served) -> None:
    """Clients that name what they want get it."""
    request = raw_request(sound_arrays(), outputs=[{"name": "scores"}])
    assert_close(scores_of(await served.call("ModelInfer", request)), expected(sound_arrays()))


async def test_parameters_that_change_nothing_are_let_pass(served: Served) -> None:
    """Triton's clients send a priority or a sequence id, which mean nothing to a model without state."""
    request = raw_request(sound_arrays(), parameters={"priority": {"uint64_param": 1}})
    assert_close(scores_of(await served.call("ModelInfer", request)), expected(sound_arrays()))


async def test_the_largest_request_is_answered(served: Served) -> None:
    """The limits themselves are allowed: 256 queries and 65,536 candidates."""
    arrays: Arrays = {
        "history": np.ones((256, MAX_HISTORY), dtype=np.int64),
        "user_features": np.zeros((256, 6), dtype=np.float32),
        "candidates": np.full(65_536, 2),
        "candidate_features": np.zeros((65_536, 3), dtype=np.float32),
        "candidate_query": np.repeat(np.arange(256), 256),
    }
    assert scores_of(await served.call("ModelInfer", raw_request(arrays))).shape == (65_536, len(OBJECTIVES))


async def test_a_version_is_a_snapshot_and_none_is_the_newest(served: Served) -> None:
    """The previous one is still answered for by name; what answered is said."""
    build_snapshot(served.root, "snapshot-2", seed=2)
    await served.follower.poll()
    for asked, answered, seed in (
        ("", "snapshot-2", 2),
        ("snapshot-2", "snapshot-2", 2),
        ("snapshot-1", "snapshot-1", 0),
    ):
        answer = await served.call("ModelInfer", raw_request(sound_arrays(), model_version=asked))
        assert answer.model_version == answered
        assert_close(scores_of(answer), expected(sound_arrays(), seed))


async def test_more_than_the_limit_in_flight_is_refused_and_counted(tmp_path: Path, serve: Serve) -> None:
    """The protocol's methods have the same edge as our own: limit, error details and metrics."""
    build_snapshot(tmp_path)
    counted = {"method": "/inference.GRPCInferenceService/ModelInfer", "code": "RESOURCE_EXHAUSTED"}
    before = REGISTRY.get_sample_value("winnow_rpc_total", counted) or 0.0
    arrived, released = asyncio.Event(), asyncio.Event()

    async def held(_snapshot: RankingSnapshot, batch: ScoringBatch) -> NDArray[np.float32]:
        arrived.set()
        await released.wait()
        return np.zeros((len(batch), 2), dtype=np.float32)

    async with serve(held, max_in_flight=1) as ranking:
        first = asyncio.ensure_future(ranking.call("ModelInfer", raw_request(sound_arrays())))
        await arrived.wait()
        second = ranking.call("ModelInfer", raw_request(sound_arrays()))
        await assert_refused(second, grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        released.set()
        assert scores_of(await first).shape == (sum(LENGTHS), 2)
    assert REGISTRY.get_sample_value("winnow_rpc_total", counted) == before + 1
