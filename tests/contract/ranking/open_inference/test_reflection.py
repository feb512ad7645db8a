"""Tools that know no contract, such as ghz and grpcurl, can call the Open Inference Protocol too."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import grpc
import pytest
from google.protobuf import descriptor_pool

from services.ranking.open_inference.messages import SERVICE
from tests.contract.ranking.open_inference.conftest import Served
from tests.contract.shared.reflection_client import ReflectionClient, fields_below

VERSIONS = ("v1", "v1alpha")

T = TypeVar("T")


async def asked(served: Served, question: Callable[[grpc.Channel], T]) -> T:
    """Asks the server, from a thread of the client's own."""

    def ask() -> T:
        with grpc.insecure_channel(f"127.0.0.1:{served.server.port}") as channel:
            return question(channel)

    return await asyncio.to_thread(ask)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_protocol_is_listed_beside_our_own_contract(served: Served, version: str) -> None:
    """And beside health and reflection."""
    assert set(await asked(served, lambda channel: ReflectionClient(channel, version).services())) == {
        "winnow.ranking.v1.RankingService",
        "inference.GRPCInferenceService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_method_of_the_protocol_is_described(served: Served, version: str) -> None:
    """Down to the last field, and our own contract as before."""

    def described(channel: grpc.Channel) -> dict[str, set[str]]:
        client = ReflectionClient(channel, version)
        return {
            method.full_name: set(fields_below(method)) for name in client.services() for method in client.methods(name)
        }

    methods = await asked(served, described)
    assert "winnow.ranking.v1.ScoreRequest.snapshot_id" in methods["winnow.ranking.v1.RankingService.Score"]
    for method in SERVICE.methods:
        assert methods[method.full_name] == set(fields_below(method)), method.name


@pytest.mark.parametrize("version", VERSIONS)
async def test_scores_can_be_asked_for_by_description_alone(served: Served, version: str) -> None:
    """With plain values, as a tool takes them from JSON."""

    def score(channel: grpc.Channel) -> tuple[int, ...]:
        client = ReflectionClient(channel, version)
        (infer,) = [method for method in client.methods(SERVICE.full_name) if method.name == "ModelInfer"]
        answer = client.call(
            infer,
            model_name="ranker",
            inputs=[
                _input("user_features", "FP32", [1, 6], fp32_contents=[0.0] * 6),
                _input("candidates", "INT64", [2], int64_contents=[7, 8]),
                _input("candidate_features", "FP32", [2, 3], fp32_contents=[0.5] * 6),
            ],
        )
        return tuple(answer.outputs[0].shape)

    assert await asked(served, score) == (2, 2)


async def test_a_message_of_the_protocol_can_be_looked_up_by_its_name(served: Served) -> None:
    """Tools ask for messages and files as well as for services."""

    def look_up(channel: grpc.Channel) -> str:
        return ReflectionClient(channel, "v1").problem("inference.ModelInferRequest")

    assert await asked(served, look_up) == ""


def test_the_protocols_names_are_free_in_the_pool_of_the_process() -> None:
    """Whoever imports a client of the protocol beside ranking needs them."""
    default = descriptor_pool.Default()  # type: ignore[no-untyped-call]
    for name in ("inference.GRPCInferenceService", "inference.ModelInferRequest"):
        with pytest.raises(KeyError):
            default.FindFileContainingSymbol(name)


def _input(name: str, datatype: str, shape: list[int], **contents: list[float]) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape, "contents": contents}
