"""Tools that know no contract can list, describe and call every method, whichever version of reflection they speak."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.contract.shared.probe import SERVICE, Context, serving
from tests.contract.shared.reflection_client import ReflectionClient, fields_below
from winnow.ranking.v1 import ranking_service_pb2 as pb

VERSIONS = ("v1", "v1alpha")
SERVICES = {
    SERVICE.full_name,
    "winnow.exchange.v1.ExchangeService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}

T = TypeVar("T")


async def tell_snapshot(request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """A behaviour that answers with the snapshot of the request."""
    return pb.ScoreResponse(objectives=[request.snapshot_id])


async def asked(question: Callable[[grpc.Channel], T]) -> T:
    """Starts a server and asks it, from a thread of the client's own."""

    def ask(target: str) -> T:
        with grpc.insecure_channel(target) as channel:
            return question(channel)

    async with serving(tell_snapshot) as running:
        return await asyncio.to_thread(ask, running.target)


@pytest.mark.parametrize("version", VERSIONS)
async def test_all_services_are_listed(version: str) -> None:
    """Ours, the exchange beside it, health, and both versions of reflection."""
    assert set(await asked(lambda channel: ReflectionClient(channel, version).services())) == SERVICES


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_method_is_described(version: str) -> None:
    """Of each service that is listed, requests and responses down to the last field."""

    def described(channel: grpc.Channel) -> dict[str, set[str]]:
        client = ReflectionClient(channel, version)
        return {
            method.full_name: set(fields_below(method)) for name in client.services() for method in client.methods(name)
        }

    methods = await asked(described)
    assert set(methods) == {
        f"{SERVICE.full_name}.Score",
        f"{SERVICE.full_name}.GetSnapshotStatus",
        "winnow.exchange.v1.ExchangeService.Exchange",
        "grpc.health.v1.Health.Check",
        "grpc.health.v1.Health.Watch",
        "grpc.reflection.v1.ServerReflection.ServerReflectionInfo",
        "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo",
    }
    assert methods[f"{SERVICE.full_name}.Score"] == {
        field for method in SERVICE.methods if method.name == "Score" for field in fields_below(method)
    }
    old, new = (methods[f"grpc.reflection.{one}.ServerReflection.ServerReflectionInfo"] for one in ("v1alpha", "v1"))
    assert new == {field.replace(".v1alpha.", ".v1.") for field in old}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_method_can_be_called_by_its_description_alone(version: str) -> None:
    """With messages made from what the server said, not from our stubs."""

    def call(channel: grpc.Channel) -> list[str]:
        client = ReflectionClient(channel, version)
        (score,) = [method for method in client.methods(SERVICE.full_name) if method.name == "Score"]
        tensor = {"dtype": "DATA_TYPE_FLOAT32", "shape": [1], "data": b"\x00" * 4}
        return list(client.call(score, snapshot_id="s1", user_features=tensor).objectives)

    assert await asked(call) == ["s1"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_symbol_that_the_server_does_not_have_is_an_answer(version: str) -> None:
    """The stream goes on: a tool asks for several."""
    problem = await asked(lambda channel: ReflectionClient(channel, version).problem("winnow.Nothing"))
    assert problem == "not found"


async def test_grpcios_own_client_resolves_a_service() -> None:
    """A client that others wrote, so that ours is not wrong in the same way as the server."""

    def resolved(channel: grpc.Channel) -> set[str]:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        service = pool.FindServiceByName(SERVICE.full_name)  # type: ignore[no-untyped-call]
        return {method.input_type.full_name for method in service.methods}

    assert await asked(resolved) == {method.input_type.full_name for method in SERVICE.methods}
