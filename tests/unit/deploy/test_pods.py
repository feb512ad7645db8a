"""What holds for every pod: hardening, draining, volumes."""

import pytest

from tests.unit.deploy.manifests import SERVICES, Resource, environment, of_kind, pod_templates, server, workload

OVERLAYS = [f"overlays/{name}" for name in ("cpu", "gpu", "local")]
SNAPSHOTS = "/var/lib/winnow/snapshots"


def lax(pod: Resource) -> list[str]:
    """Returns what the `restricted` Pod Security Standard would refuse, and what we demand beyond it."""
    found = []
    security = pod.get("securityContext", {})
    if not security.get("runAsNonRoot") or not security.get("runAsUser"):
        found.append("may run as root")
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        found.append("no seccomp profile")
    if pod.get("automountServiceAccountToken", True):
        found.append("mounts a token of the Kubernetes API")
    found += [f"host access: {key}" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    found += [f"host path: {volume['name']}" for volume in pod.get("volumes", []) if "hostPath" in volume]
    for container in pod["containers"] + pod.get("initContainers", []):
        own = container.get("securityContext", {})
        demanded = {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        found += [f"{container['name']}: {key}" for key, value in demanded.items() if own.get(key) != value]
    return found


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_pod_satisfies_the_restricted_standard(folder: str) -> None:
    """The namespace enforces it: a pod that does not would never start."""
    templates = pod_templates(folder)
    assert len(templates) == 5
    assert [lax(template["spec"]) for template in templates] == [[]] * 5


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_container_requests_and_limits_cpu_and_memory(folder: str) -> None:
    """Threads are sized from the CPU limit, the autoscaler from the CPU request, and no pod can starve its node."""
    for template in pod_templates(folder):
        for container in template["spec"]["containers"]:
            for bound in ("requests", "limits"):
                assert {"cpu", "memory"} <= container["resources"][bound].keys(), container["image"]


@pytest.mark.parametrize("folder", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_is_given_longer_to_end_than_it_takes_to_drain(folder: str, service: str) -> None:
    """preStop and the grace for calls in flight together end before Kubernetes kills the process."""
    container = server(folder, service)
    pre_stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = float(environment(folder, service)[f"{service.replace('-', '_').upper()}_GRACE_SECONDS"])
    assert pre_stop > 0
    assert workload(folder, service)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > pre_stop + grace


@pytest.mark.parametrize("folder", OVERLAYS)
def test_only_training_may_write_the_snapshots(folder: str) -> None:
    """All pods mount the one claim; a fault in a service cannot harm what the others load."""
    (claim,) = of_kind(folder, "PersistentVolumeClaim")
    writers = []
    for template in pod_templates(folder):
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        for container in template["spec"]["containers"]:
            (mount,) = [mount for mount in container["volumeMounts"] if mount["mountPath"] == SNAPSHOTS]
            claimed = volumes[mount["name"]]["persistentVolumeClaim"]["claimName"]
            assert claimed == claim["metadata"]["name"]
            if not mount.get("readOnly"):
                writers.append(container["name"])
    assert writers == ["training"]


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_pod_can_write_temporary_files(folder: str) -> None:
    """The root file system is read-only and libraries expect a /tmp."""
    for template in pod_templates(folder):
        for container in template["spec"]["containers"]:
            (mount,) = [mount for mount in container["volumeMounts"] if mount["mountPath"] == "/tmp"]  # noqa: S108
            (volume,) = [volume for volume in template["spec"]["volumes"] if volume["name"] == mount["name"]]
            assert "emptyDir" in volume


@pytest.mark.parametrize("folder", OVERLAYS)
def test_the_feature_store_keeps_its_data_on_a_claim_of_its_own(folder: str) -> None:
    """Its path is on the claimed volume, so users' histories outlive the pod, and one pod alone writes them."""
    store = workload(folder, "feature-store")
    (claim,) = store["spec"]["volumeClaimTemplates"]
    mounts = {mount["name"]: mount["mountPath"] for mount in server(folder, "feature-store")["volumeMounts"]}
    assert mounts[claim["metadata"]["name"]] == environment(folder, "feature-store")["FEATURE_STORE_PATH"]
    assert store["spec"]["replicas"] == 1
