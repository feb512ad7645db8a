"""What the protocol says of the server and its model, and whether they can be asked."""

import asyncio

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.ranking.open_inference.messages import SERVICE
from shared import health
from shared.version import VERSION
from tests.contract.ranking.open_inference.conftest import Serve, Served
from tests.contract.ranking.requests import ITEM_FEATURES, USER_FEATURES
from tests.in_process import health_of
from tests.snapshot_factory import build_snapshot
from tests.snapshot_weights import OBJECTIVES

SERVING, NOT_SERVING = 1, 2


async def readiness(served: Served, version: str = "") -> tuple[bool, bool]:
    """Returns whether the server and the model are ready."""
    server = await served.call("ServerReady")
    model = await served.call("ModelReady", name="ranker", version=version)
    return server.ready, model.ready


async def test_the_server_is_live_and_not_ready_before_a_snapshot_is_loaded(serve: Serve) -> None:
    """An orchestrator must neither restart it nor send requests."""
    async with serve() as ranking:
        assert (await ranking.call("ServerLive")).live
        assert await readiness(ranking) == (False, False)
        assert await readiness(ranking, "snapshot-1") == (False, False)
        assert await health_of(ranking.channel, SERVICE.full_name) == NOT_SERVING


async def test_a_loaded_snapshot_makes_server_and_model_ready(served: Served) -> None:
    """By the protocol's own words and by gRPC's health."""
    assert (await served.call("ServerLive")).live
    assert await readiness(served) == (True, True)
    assert await readiness(served, "snapshot-1") == (True, True)
    assert await health_of(served.channel, SERVICE.full_name) == SERVING


async def test_a_version_is_ready_once_it_is_held(served: Served) -> None:
    """Whoever waits for a snapshot asks again until it is; that it is absent is no error."""
    assert await readiness(served, "snapshot-2") == (True, False)
    build_snapshot(served.root, "snapshot-2", seed=2)
    await served.follower.poll()
    assert await readiness(served, "snapshot-2") == (True, True)


async def test_a_server_that_drains_is_live_and_not_ready(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are to go elsewhere, before the port closes."""
    monkeypatch.setattr(health, "NOTICE_SECONDS", 60)  # the drain goes on as soon as nobody watches any more
    watch = health_pb2_grpc.HealthStub(served.channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE.full_name))
    assert (await watch.read()).status == SERVING
    draining = asyncio.ensure_future(served.server.stop())
    assert (await watch.read()).status == NOT_SERVING
    assert (await served.call("ServerLive")).live
    assert await readiness(served) == (False, False)
    watch.cancel()
    await draining


async def test_the_server_names_itself(served: Served) -> None:
    """With its release, and the one extension that it has."""
    answer = await served.call("ServerMetadata")
    assert (answer.name, answer.version) == ("winnow-ranking", VERSION)
    assert list(answer.extensions) == ["model_configuration"]


async def test_the_model_is_described_by_its_metadata(served: Served) -> None:
    """Names, types and shapes of all tensors, with the widths of this very snapshot."""
    build_snapshot(served.root, "snapshot-2", seed=2)
    await served.follower.poll()
    answer = await served.call("ModelMetadata", name="ranker")
    assert (answer.name, answer.platform) == ("ranker", "onnxruntime_onnx")
    assert list(answer.versions) == ["snapshot-2", "snapshot-1"]
    assert [(one.name, one.datatype, list(one.shape)) for one in answer.inputs] == [
        ("history", "INT64", [-1, -1]),
        ("user_features", "FP32", [-1, USER_FEATURES]),
        ("candidates", "INT64", [-1]),
        ("candidate_features", "FP32", [-1, ITEM_FEATURES]),
        ("candidate_query", "INT64", [-1]),
    ]
    assert [(one.name, one.datatype, list(one.shape)) for one in answer.outputs] == [
        ("scores", "FP32", [-1, len(OBJECTIVES)])
    ]
    assert await served.call("ModelMetadata", name="ranker", version="snapshot-1") == answer


async def test_the_model_is_described_by_its_configuration(served: Served) -> None:
    """As its metadata does, and which inputs may be left out."""
    config = (await served.call("ModelConfig", name="ranker")).config
    metadata = await served.call("ModelMetadata", name="ranker")
    assert (config.name, config.platform, config.backend, config.max_batch_size) == (
        "ranker",
        "onnxruntime_onnx",
        "onnxruntime",
        0,
    )
    types = {"INT64": 9, "FP32": 11}
    for described, configured in ((metadata.inputs, config.input), (metadata.outputs, config.output)):
        assert [(one.name, types[one.datatype], list(one.shape)) for one in described] == [
            (one.name, one.data_type, list(one.dims)) for one in configured
        ]
    assert [one.name for one in config.input if one.optional] == ["history", "candidate_query"]
