"""Manifests and Compose against the settings that the services read."""

import importlib

import pytest

from deploy.render_manifests import OVERLAYS
from services.feature_store.config import FeatureStoreSettings
from shared.config import ServiceSettings
from shared.exchange.link_address import LinkAddress
from tests.unit.deploy.compose import compose_services
from tests.unit.deploy.manifests import SERVICES, environment, server, workload

FOLDERS = [f"overlays/{name}" for name in OVERLAYS]


def settings_class(service: str) -> type[ServiceSettings]:
    """Returns the one settings class that a service declares."""
    module = importlib.import_module(f"services.{service.replace('-', '_')}.config")
    (declared,) = [
        value for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServiceSettings) and value.__module__ == module.__name__
    ]  # fmt: skip
    return declared


def loaded(service: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    """Returns the settings as the service reads them from these variables and no flags."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return settings_class(service).load([])


def unknown_variables(service: str, variables: dict[str, str]) -> set[str]:
    """Returns the variables that the service would ignore without a word."""
    declared = settings_class(service)
    return variables.keys() - {
        f"{declared.model_config['env_prefix']}{field.upper()}" for field in declared.model_fields
    }


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_in_a_manifest_is_a_setting_of_its_service(folder: str, service: str) -> None:
    """A misspelt variable would be ignored, and the default used, without an error."""
    assert unknown_variables(service, environment(folder, service)) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_in_compose_is_a_setting_of_its_service(service: str) -> None:
    """The same holds for Compose."""
    assert unknown_variables(service, compose_services()[service]["environment"]) == set()


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_listens_where_its_manifest_says(folder: str, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the manifest's variables the service starts, on the ports that the container declares."""
    settings = loaded(service, environment(folder, service), monkeypatch)
    declared = {port["name"]: port["containerPort"] for port in server(folder, service)["ports"]}
    listened = {"grpc": settings.port, "metrics": settings.metrics_port}
    if service != "gateway":
        listened["links"] = LinkAddress.parse(settings.model_dump()["links"]).port
    assert declared == listened


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_feature_store_keeps_within_its_volume(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its databases, their copy while a user is erased, and the log: a full volume would end all writing."""
    settings = loaded("feature-store", environment(folder, "feature-store"), monkeypatch)
    assert isinstance(settings, FeatureStoreSettings)
    (claim,) = workload(folder, "feature-store")["spec"]["volumeClaimTemplates"]
    room = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) << 30
    assert 2 * settings.max_bytes + settings.log_retention_bytes < room


@pytest.mark.parametrize("service", SERVICES)
def test_compose_waits_longer_for_a_service_than_it_takes_to_drain(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker kills a container after its grace period, with the calls that are then in flight."""
    definition = compose_services()[service]
    settings = loaded(service, definition["environment"], monkeypatch)
    assert int(definition["stop_grace_period"].removesuffix("s")) > settings.grace_seconds


@pytest.mark.parametrize("service", SERVICES)
def test_compose_probes_the_port_that_a_service_listens_on(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The health check asks the right server."""
    definition = compose_services()[service]
    settings = loaded(service, definition["environment"], monkeypatch)
    assert definition["healthcheck"]["test"][3] == str(settings.port)
