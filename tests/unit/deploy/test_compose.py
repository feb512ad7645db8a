"""The suite on one machine."""

import pytest

from deploy.render_manifests import DEPLOY
from tests.unit.deploy.compose import compose_file, compose_services
from tests.unit.deploy.manifests import SERVICES
from tests.unit.deploy.test_wiring import grpc_service

SNAPSHOTS = "/var/lib/winnow/snapshots"


@pytest.mark.parametrize("name", [*SERVICES, "training"])
def test_every_container_is_hardened(name: str) -> None:
    """As in Kubernetes: a read-only root with a /tmp, no capabilities, no new privileges."""
    service = compose_services()[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "cap_add", "user", "network_mode", "pid"}


@pytest.mark.parametrize("name", [*SERVICES, "training"])
def test_every_image_is_built_from_its_own_dockerfile(name: str) -> None:
    """`docker compose up --build` needs nothing that was built before."""
    build = compose_services()[name]["build"]
    context = (DEPLOY / "compose" / build["context"]).resolve()
    assert (context / "pyproject.toml").is_file()
    assert (context / build["dockerfile"]).name == f"{name.replace('-', '_')}.Dockerfile"
    assert (context / build["dockerfile"]).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_healthy_when_its_grpc_service_is_ready(name: str) -> None:
    """The health check runs the mounted probe with the service's name from its contract."""
    service = compose_services()[name]
    (mounted,) = service["configs"]
    command = service["healthcheck"]["test"]
    assert command[:3] == ["CMD", "python", mounted["target"]]
    assert command[4] == grpc_service(name)
    assert (DEPLOY / "compose" / compose_file("compose.yaml")["configs"][mounted["source"]]["file"]).is_file()


def test_services_start_once_a_snapshot_is_published_and_the_gateway_once_they_are_healthy() -> None:
    """`docker compose up --wait` returns when the first request can be answered."""
    services = compose_services()
    trained = {"training": {"condition": "service_completed_successfully"}}
    assert [services[name]["depends_on"] for name in SERVICES[1:]] == [trained] * 3
    assert services["gateway"]["depends_on"] == {name: {"condition": "service_healthy"} for name in SERVICES[1:]}
    assert "restart" not in services["training"]
    assert {services[name]["restart"] for name in SERVICES} == {"unless-stopped"}


def test_only_training_may_write_the_snapshots() -> None:
    """The services mount them read-only where their settings look for them."""
    services = compose_services()
    assert f"snapshots:{SNAPSHOTS}" in services["training"]["volumes"]
    for name in SERVICES:
        assert f"snapshots:{SNAPSHOTS}:ro" in services[name]["volumes"]
        assert services[name]["environment"][f"{name.replace('-', '_').upper()}_SNAPSHOT_DIR"] == SNAPSHOTS


def test_the_feature_store_keeps_its_data_on_a_volume() -> None:
    """Users' histories outlive the container."""
    store = compose_services()["feature-store"]
    assert f"store:{store['environment']['FEATURE_STORE_PATH']}" in store["volumes"]


def test_the_gateway_is_pointed_at_the_other_services() -> None:
    """Each target is the name of a service in this file, with the port that its probe asks."""
    services = compose_services()
    for name in SERVICES[1:]:
        target = services["gateway"]["environment"][f"GATEWAY_{name.replace('-', '_').upper()}_TARGET"]
        assert target == f"dns:///{name}:{services[name]['healthcheck']['test'][3]}"


def test_the_gateway_finds_the_links_that_the_other_services_take() -> None:
    """At the port that each listens on."""
    services = compose_services()
    for name in SERVICES[1:]:
        prefix = name.replace("-", "_").upper()
        host, _, port = services["gateway"]["environment"][f"GATEWAY_{prefix}_LINKS"].rpartition(":")
        assert host == name
        assert services[name]["environment"][f"{prefix}_LINKS"] == f"0.0.0.0:{port}"


def test_recall_is_pointed_at_the_feature_store() -> None:
    """It follows what items changed there, and starts without it all the same."""
    services = compose_services()
    target = services["recall"]["environment"]["RECALL_FEATURE_STORE_TARGET"]
    assert target == f"dns:///feature-store:{services['feature-store']['healthcheck']['test'][3]}"


def test_only_the_gateway_is_published_and_only_to_this_machine() -> None:
    """The suite speaks plaintext and trusts its callers."""
    published = {name: service["ports"] for name, service in compose_services().items() if "ports" in service}
    assert published == {"gateway": ["127.0.0.1:50051:50051"]}


def test_the_gpu_file_changes_ranking_alone() -> None:
    """It builds the CUDA image, demands CUDA and reserves one GPU."""
    (changed,) = compose_file("compose.gpu.yaml")["services"].items()
    name, ranking = changed
    assert name == "ranking"
    assert ranking["build"]["args"] == {"GROUP": "ranking-cuda"}
    assert ranking["environment"] == {"RANKING_DEVICE": "cuda"}
    (device,) = ranking["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
