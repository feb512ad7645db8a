"""What the Open Inference Protocol's requests are refused for, and how."""

from typing import Any

import grpc
import numpy as np
import pytest

from tests.contract.ranking.open_inference.conftest import Serve, Served
from tests.contract.ranking.open_inference.requests import (
    ITEMS,
    InferTensorContents,
    ModelInferRequest,
    one_query_arrays,
    raw_request,
    sound_arrays,
    typed_request,
)
from tests.contract.ranking.requests import ITEM_FEATURES, USER_FEATURES
from tests.in_process import assert_refused

SHARED_MEMORY = {"shared_memory_region": {"string_param": "region"}}


def changed(**arrays: Any) -> Any:
    """Returns a sound request but for the given arrays."""
    return raw_request(sound_arrays() | {name: np.asarray(array) for name, array in arrays.items()})


def edited(request: Any, name: str, **fields: Any) -> Any:
    """Returns a request with some fields of one of its inputs replaced."""
    (tensor,) = [one for one in request.inputs if one.name == name]
    for field in fields:
        tensor.ClearField(field)
    tensor.MergeFrom(type(tensor)(**fields))
    return request


def without(*names: str) -> Any:
    """Returns a sound request but for the inputs that are missing."""
    return raw_request({name: array for name, array in sound_arrays().items() if name not in names})


def with_raw(name: str, content: bytes) -> Any:
    """Returns a sound request but for the bytes of one input."""
    request = raw_request(sound_arrays())
    request.raw_input_contents[list(sound_arrays()).index(name)] = content
    return request


def with_contents(name: str, **lists: Any) -> Any:
    """Returns a sound typed request but for the values of one input."""
    request = typed_request(sound_arrays())
    (tensor,) = [one for one in request.inputs if one.name == name]
    tensor.contents.CopyFrom(InferTensorContents(**lists))
    return request


def twice(name: str) -> Any:
    """Returns a sound request with one input repeated."""
    request = raw_request(sound_arrays())
    position = list(sound_arrays()).index(name)
    request.inputs.append(request.inputs[position])
    request.raw_input_contents.append(request.raw_input_contents[position])
    return request


def raw_missing() -> Any:
    """Returns a request with fewer raw contents than inputs."""
    request = raw_request(sound_arrays())
    del request.raw_input_contents[-1]
    return request


def floats(*shape: int, value: float = 0.0) -> Any:
    """Returns a float32 array of one value."""
    return np.full(shape, value, dtype=np.float32)


REFUSED = {
    "raw and typed": (edited(raw_request(sound_arrays()), "history", contents={"int64_contents": [1]}), "history"),
    "raw and typed but empty": (edited(raw_request(sound_arrays()), "history", contents={}), "history"),
    "raw of too few inputs": (raw_missing(), "raw_input_contents"),
    "raw of no input": (ModelInferRequest(model_name="ranker", raw_input_contents=[b""]), "raw_input_contents"),
    "raw bytes too short": (with_raw("candidates", bytes(8)), "candidates"),
    "raw bytes that are no whole elements": (with_raw("candidates", bytes(8 * 12 + 1)), "candidates"),
    "typed values too few": (with_contents("candidates", int64_contents=[1]), "candidates"),
    "typed values absent": (with_contents("user_features"), "user_features"),
    "typed values in another list": (with_contents("candidates", int_contents=[1] * 12), "candidates"),
    "typed values in two lists": (
        with_contents("candidates", int64_contents=[1] * 12, uint_contents=[1]),
        "candidates",
    ),
    "typed values not finite": (with_contents("user_features", fp32_contents=[np.nan] * 18), "user_features"),
    "an unknown input": (raw_request({"popularity": floats(3)}), "inputs[0].name"),
    "an input without a name": (raw_request({"": floats(3)}), "inputs[0].name"),
    "an input twice": (twice("candidates"), "candidates"),
    "another datatype": (changed(candidates=floats(12)), "candidates"),
    "a datatype that does not exist": (edited(changed(), "candidates", datatype="INT65"), "candidates"),
    "an input in shared memory": (edited(changed(), "history", parameters=SHARED_MEMORY), "history"),
    "another rank": (changed(history=np.zeros(3, dtype=np.int64)), "history"),
    "negative axes of the right product": (edited(changed(), "history", shape=[-3, -12]), "history"),
    "an axis up to the request": (edited(changed(), "candidates", shape=[-1]), "candidates"),
    "axes too long to multiply": (edited(changed(), "history", shape=[2**62, 2**62]), "history"),
    "another width of users": (changed(user_features=floats(3, USER_FEATURES + 1)), "user_features"),
    "another width of items": (changed(candidate_features=floats(12, ITEM_FEATURES - 1)), "candidate_features"),
    "no users": (without("user_features"), "user_features"),
    "no candidates": (without("candidates"), "candidates"),
    "no candidate features": (without("candidate_features"), "candidate_features"),
    "no inputs at all": (ModelInferRequest(model_name="ranker"), "user_features"),
    "many queries and no word whose candidates": (without("candidate_query"), "candidate_query"),
    "no query": (changed(user_features=floats(0, USER_FEATURES)), "user_features"),
    "too many queries": (changed(user_features=floats(257, USER_FEATURES)), "user_features"),
    "user features not finite": (changed(user_features=floats(3, USER_FEATURES, value=np.inf)), "user_features"),
    "candidate features not finite": (
        changed(candidate_features=floats(12, ITEM_FEATURES, value=np.nan)),
        "candidate_features",
    ),
    "too many candidates": (changed(candidates=np.zeros(65_537, dtype=np.int64)), "candidates"),
    "a candidate beyond the catalogue": (changed(candidates=np.full(12, ITEMS)), "candidates"),
    "a candidate below it": (changed(candidates=np.full(12, -1)), "candidates"),
    "features of fewer candidates": (changed(candidate_features=floats(11, ITEM_FEATURES)), "candidate_features"),
    "histories of fewer queries": (changed(history=np.zeros((2, 4), dtype=np.int64)), "history"),
    "an item beyond the catalogue": (changed(history=np.full((3, 4), ITEMS)), "history"),
    "an item below -1": (changed(history=np.full((3, 4), -2)), "history"),
    "padding on the right": (changed(history=np.tile([3, -1], (3, 1))), "history"),
    "padding in between": (changed(history=np.tile([3, -1, 3], (3, 1))), "history"),
    "too many history items": (changed(history=np.zeros((3, 21_846), dtype=np.int64)), "history"),
    "owners of fewer candidates": (changed(candidate_query=np.zeros(11, dtype=np.int64)), "candidate_query"),
    "an owner beyond the queries": (changed(candidate_query=np.full(12, 3)), "candidate_query"),
    "an owner below them": (changed(candidate_query=np.full(12, -1)), "candidate_query"),
    "an unknown output": (raw_request(sound_arrays(), outputs=[{"name": "scores"}, {"name": "x"}]), "outputs[1].name"),
    "an output in shared memory": (
        raw_request(sound_arrays(), outputs=[{"name": "scores", "parameters": SHARED_MEMORY}]),
        "scores",
    ),
    "a classification": (
        raw_request(sound_arrays(), outputs=[{"name": "scores", "parameters": {"classification": {"int64_param": 3}}}]),
        "scores",
    ),
}


@pytest.mark.parametrize(("request_", "field"), REFUSED.values(), ids=REFUSED)
async def test_a_request_beyond_the_contract_is_refused_and_the_field_named(
    served: Served, request_: Any, field: str
) -> None:
    """Each limit holds, for raw bytes and typed values, and so does what the tensors say of each other."""
    call = served.call("ModelInfer", request_)
    await assert_refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", field)


NAMED = {"ModelReady": "name", "ModelMetadata": "name", "ModelConfig": "name", "ModelInfer": "model_name"}
VERSIONED = {"ModelMetadata": "version", "ModelConfig": "version", "ModelInfer": "model_version"}


@pytest.mark.parametrize(("method", "field"), NAMED.items())
@pytest.mark.parametrize("name", ["", "rank", "ranker2"])
async def test_an_unknown_model_is_not_found(served: Served, method: str, field: str, name: str) -> None:
    """By whichever RPC; there is one model."""
    await assert_refused(served.call(method, **{field: name}), grpc.StatusCode.NOT_FOUND, "NOT_FOUND", field)


@pytest.mark.parametrize(("method", "field"), VERSIONED.items())
async def test_a_version_that_is_not_held_is_not_found(served: Served, method: str, field: str) -> None:
    """As the protocol's clients expect; those of our own contract hear of a snapshot."""
    call = served.call(method, **{NAMED[method]: "ranker", field: "snapshot-0"})
    await assert_refused(call, grpc.StatusCode.NOT_FOUND, "NOT_FOUND", field)


@pytest.mark.parametrize("method", list(VERSIONED))
async def test_nothing_is_answered_before_a_snapshot_is_loaded(serve: Serve, method: str) -> None:
    """Callers may try again."""
    async with serve() as ranking:
        call = ranking.call(method, **{NAMED[method]: "ranker"})
        await assert_refused(call, grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_bytes_that_are_no_message_are_the_callers_fault(served: Served) -> None:
    """As for our own methods."""
    infer: Any = served.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer", bytes)
    call = infer(b"\xff\xff\xff")
    await assert_refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", "request")


@pytest.mark.parametrize("method", ["ModelStreamInfer", "ModelStatistics", "RepositoryIndex"])
async def test_what_triton_adds_to_the_protocol_is_unimplemented(served: Served, method: str) -> None:
    """Clients tell from the status that they must do without."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await served.channel.unary_unary(f"/inference.GRPCInferenceService/{method}", bytes)(b"")
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_refusal_changes_nothing(served: Served) -> None:
    """The next request is answered."""
    await assert_refused(
        served.call("ModelInfer", changed(candidates=floats(12))), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"
    )
    answer = await served.call("ModelInfer", raw_request(one_query_arrays()))
    assert answer.model_version == "snapshot-1"
