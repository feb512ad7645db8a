"""What Kustomize makes of the folders."""

import pytest

from deploy.render_manifests import OVERLAYS, VERSIONS, schema_problems
from tests.unit.deploy.manifests import BASE_FOLDERS, FOLDERS, of_kind, rendered


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_renders_by_itself_and_is_strictly_valid(folder: str, version: str) -> None:
    """`kubectl apply -k` of any one folder sends nothing that Kubernetes, oldest or newest, refuses or drops."""
    assert schema_problems(list(rendered(folder)), version) == []


def test_a_misspelt_field_is_found() -> None:
    """The check that the manifests pass does refuse a field that Kubernetes would silently drop."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [], "tolerationz": []}}
    (problem,) = schema_problems([pod], VERSIONS[-1])
    assert "tolerationz" in problem


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_an_overlay_has_every_resource_of_every_base_folder(overlay: str) -> None:
    """Applying the suite leaves out nothing that applying its folders one by one would bring."""

    def kinds_and_names(folder: str) -> set[tuple[str, str]]:
        return {
            (resource["kind"], "" if resource["kind"] == "ConfigMap" else resource["metadata"]["name"])
            for resource in rendered(folder)
        }

    of_folders = set().union(*(kinds_and_names(f"base/{name}") for name in BASE_FOLDERS))
    assert kinds_and_names(f"overlays/{overlay}") == of_folders


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_puts_everything_into_a_namespace_that_enforces_restricted_pods(overlay: str) -> None:
    """Nothing lands in the namespace that happens to be current, and the cluster itself refuses a lax pod."""
    (namespace,) = of_kind(f"overlays/{overlay}", "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [resource for resource in rendered(f"overlays/{overlay}") if resource["kind"] != "Namespace"]
    assert {resource["metadata"].get("namespace") for resource in others} == {namespace["metadata"]["name"]}


@pytest.mark.parametrize("folder", [f"base/{name}" for name in BASE_FOLDERS])
def test_a_base_folder_names_no_namespace(folder: str) -> None:
    """Each folder applies to the namespace that the caller names."""
    assert all("namespace" not in resource["metadata"] for resource in rendered(folder))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_resource_says_that_it_is_part_of_winnow(folder: str) -> None:
    """`kubectl get all -l app.kubernetes.io/part-of=winnow` shows the whole suite."""
    labels = [resource["metadata"].get("labels", {}) for resource in rendered(folder)]
    assert all(label.get("app.kubernetes.io/part-of") == "winnow" for label in labels)
