"""The component with which feature stores share a Redis."""

import os
from pathlib import Path

import pytest

from deploy.render_manifests import DEPLOY, VERSIONS, render, schema_problems
from tests.unit.deploy.manifests import Resource, rendered

NAME = "winnow-feature-store"


@pytest.fixture
def resources(tmp_path: Path) -> list[Resource]:
    """An overlay that adds the component."""
    rendered("overlays/cpu")  # skips where nothing can be rendered
    overlay, component = (os.path.relpath(DEPLOY / path, tmp_path) for path in ("overlays/cpu", "components/redis"))
    (tmp_path / "kustomization.yaml").write_text(
        f"namespace: winnow\nresources: [{overlay}]\ncomponents: [{component}]\n"
    )
    return render(tmp_path)


def the(resources: list[Resource], kind: str) -> Resource:
    """Returns the feature store's resource of a kind."""
    (found,) = [one for one in resources if one["kind"] == kind and one["metadata"]["name"] == NAME]
    return found


def test_kubernetes_takes_it(resources: list[Resource]) -> None:
    """Every field is one that it knows."""
    assert [problem for version in VERSIONS for problem in schema_problems(resources, version)] == []


def test_replicas_have_the_url_of_a_secret_and_no_volume_of_their_own(resources: list[Resource]) -> None:
    """What they know is in Redis; what else was mounted, and its settings, stay."""
    store = the(resources, "StatefulSet")["spec"]
    (server,) = store["template"]["spec"]["containers"]
    assert store["replicas"] > 1
    assert server["env"] == [
        {"name": "FEATURE_STORE_URL", "valueFrom": {"secretKeyRef": {"name": "winnow-redis", "key": "url"}}}
    ]
    assert not store.get("volumeClaimTemplates")
    volumes = {volume["name"] for volume in store["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in server["volumeMounts"]} == volumes == {"tmp", "snapshots"}
    assert server["envFrom"]


def test_the_feature_store_may_call_redis_and_resolve_its_name(resources: list[Resource]) -> None:
    """And is called by the same as before."""
    policy = the(resources, "NetworkPolicy")["spec"]
    (before,) = [
        one for one in rendered("overlays/cpu") if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == NAME
    ]
    ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    assert ports == {53, 6379}
    assert policy["ingress"] == before["spec"]["ingress"]


def test_one_replica_is_kept_while_nodes_are_drained(resources: list[Resource]) -> None:
    """The budget speaks of the feature store's pods alone."""
    budget = the(resources, "PodDisruptionBudget")
    labels = the(resources, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert budget["metadata"]["namespace"] == "winnow"
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
