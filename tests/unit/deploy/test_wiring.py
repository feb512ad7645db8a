"""What one resource says about another: selectors, ports, targets, probes."""

import importlib
from typing import Any

import pytest

from deploy.render_manifests import OVERLAYS
from tests.unit.deploy.manifests import SERVICES, Resource, environment, named, of_kind, server, workload

FOLDERS = [f"overlays/{name}" for name in OVERLAYS]


def selects(selector: dict[str, str], service: str, folder: str) -> bool:
    """Tells whether a selector's labels are all on a service's pods."""
    labels: dict[str, str] = workload(folder, service)["spec"]["template"]["metadata"]["labels"]
    return selector.items() <= labels.items()


def selected(selector: dict[str, str], folder: str) -> list[str]:
    """Returns the services whose pods a selector matches."""
    return [service for service in SERVICES if selects(selector, service, folder)]


def container_port(container: Resource, name: str) -> int:
    """Returns the number of a container's named port."""
    (port,) = [port["containerPort"] for port in container["ports"] if port["name"] == name]
    return int(port)


def grpc_service(service: str) -> str:
    """Returns the full name of a service's gRPC service, from its contract."""
    package = service.replace("-", "_")
    stub: Any = importlib.import_module(f"winnow.{package}.v1.{package}_service_pb2")
    (descriptor,) = stub.DESCRIPTOR.services_by_name.values()
    return str(descriptor.full_name)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES)
def test_selectors_match_the_pods_of_their_service_and_no_others(folder: str, service: str) -> None:
    """Workload, Service, budget and policy each speak of exactly one service's pods."""
    name = f"winnow-{service}"
    selectors = [
        workload(folder, service)["spec"]["selector"]["matchLabels"],
        named(folder, "Service", name)["spec"]["selector"],
        named(folder, "NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"],
    ]
    selectors += [
        budget["spec"]["selector"]["matchLabels"]
        for budget in of_kind(folder, "PodDisruptionBudget") if budget["metadata"]["name"] == name
    ]  # fmt: skip
    assert [selected(selector, folder) for selector in selectors] == [[service]] * len(selectors)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES)
def test_pods_are_spread_by_service_and_revision(folder: str, service: str) -> None:
    """The spread counts only the pods of the same service; all of the suite's pods together would say nothing."""
    for constraint in workload(folder, service)["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        assert selects(constraint["labelSelector"]["matchLabels"], service, folder)
        assert "app.kubernetes.io/name" in constraint["matchLabelKeys"]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES)
def test_services_are_headless_on_the_ports_of_their_pods(folder: str, service: str) -> None:
    """A client that resolves the name sees every pod and balances requests over them."""
    spec = named(folder, "Service", f"winnow-{service}")["spec"]
    assert spec["clusterIP"] == "None"
    assert [port["name"] for port in spec["ports"]] == (["grpc"] if service == "gateway" else ["grpc", "links"])
    for port in spec["ports"]:
        assert port["port"] == container_port(server(folder, service), port["targetPort"])


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES)
def test_probes_ask_liveness_of_the_process_and_readiness_of_the_named_service(folder: str, service: str) -> None:
    """A service without a snapshot is not sent requests, and is not restarted either."""
    container = server(folder, service)
    port = container_port(container, "grpc")
    assert container["startupProbe"]["grpc"] == {"port": port}
    assert container["livenessProbe"]["grpc"] == {"port": port}
    assert container["readinessProbe"]["grpc"] == {"port": port, "service": grpc_service(service)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_gateway_is_pointed_at_the_services_that_are_deployed(folder: str) -> None:
    """Each target names a Service of the same overlay and the port that it has."""
    targets = {
        service: environment(folder, "gateway")[f"GATEWAY_{service.replace('-', '_').upper()}_TARGET"]
        for service in SERVICES[1:]
    }
    expected = {}
    for service in targets:
        resource = named(folder, "Service", f"winnow-{service}")
        expected[service] = f"dns:///{resource['metadata']['name']}:{resource['spec']['ports'][0]['port']}"
    assert targets == expected


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES[1:])
def test_the_gateway_finds_the_links_that_a_backend_takes(folder: str, service: str) -> None:
    """At the port that the pod listens on, by the name of its Service."""
    prefix = service.replace("-", "_").upper()
    port = container_port(server(folder, service), "links")
    assert environment(folder, service)[f"{prefix}_LINKS"] == f"0.0.0.0:{port}"
    assert environment(folder, "gateway")[f"GATEWAY_{prefix}_LINKS"] == f"winnow-{service}:{port}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_recall_is_pointed_at_the_feature_store_that_is_deployed(folder: str) -> None:
    """It follows what items changed there."""
    resource = named(folder, "Service", "winnow-feature-store")
    target = f"dns:///{resource['metadata']['name']}:{resource['spec']['ports'][0]['port']}"
    assert environment(folder, "recall")["RECALL_FEATURE_STORE_TARGET"] == target


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES[1:])
def test_a_backend_takes_calls_from_those_alone_that_need_it(folder: str, service: str) -> None:
    """Internal RPCs trust their caller: the gateway, and recall at the feature store. These may call."""
    callers_of = {"grpc": ["gateway", "recall"] if service == "feature-store" else ["gateway"], "links": ["gateway"]}
    incoming = named(folder, "NetworkPolicy", f"winnow-{service}")["spec"]["ingress"]
    for port, callers in callers_of.items():
        (calls,) = [rule for rule in incoming if {"port": port} in rule["ports"]]
        allowed = [name for peer in calls["from"] for name in selected(peer["podSelector"]["matchLabels"], folder)]
        assert allowed == callers
        for caller in callers:
            assert (service, container_port(server(folder, service), port)) in reached_by(caller, folder)


def reached_by(caller: str, folder: str) -> set[tuple[str, int]]:
    """Returns the services and ports that a service's policy lets it call."""
    outgoing = named(folder, "NetworkPolicy", f"winnow-{caller}")["spec"]["egress"]
    return {
        (name, port["port"])
        for rule in outgoing for peer in rule["to"] if "podSelector" in peer
        for name in selected(peer["podSelector"]["matchLabels"], folder) for port in rule["ports"]
    }  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_gateway_takes_calls_from_anywhere(folder: str) -> None:
    """It is the public API."""
    assert {"ports": [{"port": "grpc"}]} in named(folder, "NetworkPolicy", "winnow-gateway")["spec"]["ingress"]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", ["gateway", "recall"])
def test_who_calls_others_may_look_up_names(folder: str, service: str) -> None:
    """They are found by DNS."""
    policy = named(folder, "NetworkPolicy", f"winnow-{service}")["spec"]
    ports = [(port["port"], port.get("protocol")) for rule in policy["egress"] for port in rule["ports"]]
    assert {(53, "UDP"), (53, "TCP")} <= set(ports)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_pod_has_a_policy_for_both_directions(folder: str) -> None:
    """What no rule allows is refused, incoming and outgoing."""
    policies = of_kind(folder, "NetworkPolicy")
    assert {policy["metadata"]["name"] for policy in policies} == {f"winnow-{name}" for name in (*SERVICES, "training")}
    assert all(policy["spec"]["policyTypes"] == ["Ingress", "Egress"] for policy in policies)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("service", SERVICES)
def test_prometheus_is_pointed_at_the_metrics_port_and_let_in(folder: str, service: str) -> None:
    """The annotations name the port that the container declares and that the policy opens to monitoring."""
    annotations = workload(folder, service)["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/path"] == "/metrics"
    assert int(annotations["prometheus.io/port"]) == container_port(server(folder, service), "metrics")
    rules = named(folder, "NetworkPolicy", f"winnow-{service}")["spec"]["ingress"]
    assert [{"port": "metrics"}] in [rule["ports"] for rule in rules]


@pytest.mark.parametrize("folder", ["overlays/cpu", "overlays/gpu"])
@pytest.mark.parametrize("service", ["gateway", "recall", "ranking"])
def test_stateless_services_scale_and_survive_a_drained_node(folder: str, service: str) -> None:
    """The autoscaler names an existing Deployment that fixes no number itself, and a budget guards it."""
    deployment = workload(folder, service)
    scaler = named(folder, "HorizontalPodAutoscaler", f"winnow-{service}")["spec"]
    expected = {key: deployment[key] for key in ("apiVersion", "kind")} | {"name": deployment["metadata"]["name"]}
    assert scaler["scaleTargetRef"] == expected
    assert scaler["minReplicas"] < scaler["maxReplicas"]
    assert "replicas" not in deployment["spec"]
    assert named(folder, "PodDisruptionBudget", f"winnow-{service}")["spec"]["maxUnavailable"] == 1
