"""What each overlay changes."""

import pytest

from tests.unit.deploy.manifests import SERVICES, environment, named, of_kind, pod_templates, server, workload


def test_the_cpu_overlay_ranks_on_cpu_and_asks_for_no_gpu() -> None:
    """It schedules on ordinary nodes and never tries CUDA."""
    assert environment("overlays/cpu", "ranking")["RANKING_DEVICE"] == "cpu"
    assert "nvidia.com/gpu" not in server("overlays/cpu", "ranking")["resources"]["limits"]


def test_the_gpu_overlay_ranks_on_a_gpu_or_not_at_all() -> None:
    """One GPU each, on tainted nodes too, with the CUDA image, and without the silent fall-back of `auto`."""
    container = server("overlays/gpu", "ranking")
    assert container["resources"]["requests"]["nvidia.com/gpu"] == 1
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert container["image"].endswith("-cuda")
    assert environment("overlays/gpu", "ranking")["RANKING_DEVICE"] == "cuda"
    tolerations = workload("overlays/gpu", "ranking")["spec"]["template"]["spec"]["tolerations"]
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in tolerations


def test_the_gpu_overlay_frees_a_gpu_before_it_needs_one() -> None:
    """A roll-out on a cluster whose GPUs are all in use does not wait for ever."""
    rolling = workload("overlays/gpu", "ranking")["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 0, "maxUnavailable": 1}


@pytest.mark.parametrize("service", ["gateway", "feature-store", "recall"])
def test_only_ranking_asks_for_a_gpu(service: str) -> None:
    """The other services never hold one."""
    assert server("overlays/gpu", service) == server("overlays/cpu", service)


@pytest.mark.parametrize("folder", ["overlays/cpu", "overlays/gpu", "overlays/local"])
@pytest.mark.parametrize("service", SERVICES)
def test_pods_read_the_configuration_that_was_rendered_with_them(folder: str, service: str) -> None:
    """A changed setting changes the ConfigMap's name, so that the pods roll; the reference follows it."""
    configuration = named(folder, "ConfigMap", f"winnow-{service}")["metadata"]["name"]
    assert server(folder, service)["envFrom"] == [{"configMapRef": {"name": configuration}}]


def test_the_local_overlay_runs_one_replica_of_each_on_one_node() -> None:
    """No autoscaler or budget, a volume that the default storage class offers, no image pulled that is loaded."""
    folder = "overlays/local"
    assert of_kind(folder, "HorizontalPodAutoscaler", "PodDisruptionBudget") == []
    assert [one["spec"].get("replicas", 1) for one in of_kind(folder, "Deployment", "StatefulSet")] == [1] * 4
    assert named(folder, "PersistentVolumeClaim", "winnow-snapshots")["spec"]["accessModes"] == ["ReadWriteOnce"]
    containers = [container for template in pod_templates(folder) for container in template["spec"]["containers"]]
    assert {container["imagePullPolicy"] for container in containers} == {"IfNotPresent"}


def test_the_local_overlay_fits_on_a_laptop() -> None:
    """All pods together request no more than one CPU, training included."""
    containers = [one for template in pod_templates("overlays/local") for one in template["spec"]["containers"]]
    requested = [container["resources"]["requests"]["cpu"] for container in containers]
    assert all(cpu.endswith("m") for cpu in requested)
    assert sum(int(cpu.removesuffix("m")) for cpu in requested) <= 1000


def test_production_snapshots_can_be_mounted_on_many_nodes() -> None:
    """Replicas spread over nodes, and each reads the one volume."""
    claim = named("overlays/cpu", "PersistentVolumeClaim", "winnow-snapshots")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
