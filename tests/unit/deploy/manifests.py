"""The rendered manifests, as the tests of this folder ask for them."""

import functools
import json
import shutil
import subprocess
from typing import Any

import pytest

from deploy.render_manifests import DEPLOY, OVERLAYS, render

Resource = dict[str, Any]

SERVICES = ("gateway", "feature-store", "recall", "ranking")
BASE_FOLDERS = ("namespace", "snapshots", *SERVICES, "training")
FOLDERS = tuple(f"base/{name}" for name in BASE_FOLDERS) + tuple(f"overlays/{name}" for name in OVERLAYS)


@functools.cache
def _kustomize_major() -> int:
    if shutil.which("kubectl") is None:
        return 0
    command = ["kubectl", "version", "--client", "--output=json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    version: str = json.loads(answer.stdout).get("kustomizeVersion", "v0")
    return int(version.removeprefix("v").partition(".")[0])


@functools.cache
def rendered(folder: str) -> tuple[Resource, ...]:
    """Returns the resources of a folder under deploy/; skips the test where no kubectl can render it."""
    if _kustomize_major() < 5:
        pytest.skip("kubectl with Kustomize 5 is not installed, so the manifests cannot be rendered")
    return tuple(render(DEPLOY / folder))


def of_kind(folder: str, *kinds: str) -> list[Resource]:
    """Returns the resources of these kinds."""
    return [resource for resource in rendered(folder) if resource["kind"] in kinds]


def named(folder: str, kind: str, name: str) -> Resource:
    """Returns the one resource of that kind and name, a ConfigMap also by its name without the hash."""
    found = [
        resource for resource in of_kind(folder, kind)
        if resource["metadata"]["name"] == name
        or (kind == "ConfigMap" and resource["metadata"]["name"].rpartition("-")[0] == name)
    ]  # fmt: skip
    (resource,) = found
    return resource


def workload(folder: str, service: str) -> Resource:
    """Returns the Deployment of a service, or the StatefulSet of the feature store."""
    return named(folder, "StatefulSet" if service == "feature-store" else "Deployment", f"winnow-{service}")


def pod_templates(folder: str) -> list[Resource]:
    """Returns the pod template of everything that runs pods."""
    templates = [resource["spec"]["template"] for resource in of_kind(folder, "Deployment", "StatefulSet")]
    templates += [resource["spec"]["jobTemplate"]["spec"]["template"] for resource in of_kind(folder, "CronJob")]
    return templates


def server(folder: str, service: str) -> Resource:
    """Returns the container of a service."""
    (container,) = workload(folder, service)["spec"]["template"]["spec"]["containers"]
    return dict(container)


def environment(folder: str, service: str) -> dict[str, str]:
    """Returns the variables that the manifests set for a service."""
    return dict(named(folder, "ConfigMap", f"winnow-{service}")["data"])
