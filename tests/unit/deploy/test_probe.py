"""The health probe that Compose runs, against a real server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from deploy.compose.probe import is_serving

SERVICE = "winnow.recall.v1.RecallService"


@pytest.fixture
def servicer() -> health.HealthServicer:
    """The state that the server reports."""
    return health.HealthServicer()


@pytest.fixture
def target(servicer: health.HealthServicer) -> Iterator[str]:
    """The address of a running server with the health service alone."""
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(grace=None).wait()


def test_a_service_that_reports_serving_is_healthy(servicer: health.HealthServicer, target: str) -> None:
    """SERVING is the one answer that counts."""
    servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    assert is_serving(target, SERVICE)


def test_a_service_that_is_not_ready_is_not_healthy(servicer: health.HealthServicer, target: str) -> None:
    """A live process without a snapshot is waited for."""
    servicer.set(SERVICE, health_pb2.HealthCheckResponse.NOT_SERVING)
    assert not is_serving(target, SERVICE)


def test_a_service_that_the_server_does_not_know_is_not_healthy(target: str) -> None:
    """A misspelt name fails instead of passing for the process's liveness."""
    assert not is_serving(target, "winnow.recall.v1.Recal")


def test_a_server_that_is_away_is_not_healthy() -> None:
    """Nothing listens on port 1 of this machine."""
    assert not is_serving("127.0.0.1:1", SERVICE, timeout_seconds=0.2)
