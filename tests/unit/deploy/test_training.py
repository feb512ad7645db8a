"""The training job, in Kubernetes and in Compose."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.render_manifests import DEPLOY, OVERLAYS, render
from tests.unit.deploy.compose import compose_services
from tests.unit.deploy.manifests import Resource, named, rendered

SNAPSHOTS = "/var/lib/winnow/snapshots"
FOLDERS = [f"overlays/{name}" for name in OVERLAYS]


def pod(cronjob: Resource) -> Resource:
    """Returns the pod that a CronJob starts."""
    return dict(cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"])


@pytest.fixture(scope="module")
def training_help() -> str:
    """What training says about its flags."""
    command = [sys.executable, "-m", "services.training", "--help"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def with_dataset(tmp_path: Path) -> Resource:
    """The CronJob of an overlay that adds the component with a data set."""
    rendered("overlays/cpu")  # skips where nothing can be rendered
    overlay, component = (os.path.relpath(DEPLOY / path, tmp_path) for path in ("overlays/cpu", "components/dataset"))
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{overlay}]\ncomponents: [{component}]\n")
    (cronjob,) = [resource for resource in render(tmp_path) if resource["kind"] == "CronJob"]
    return cronjob


@pytest.mark.parametrize("folder", FOLDERS)
def test_two_runs_never_overlap_and_none_goes_on_for_ever(folder: str) -> None:
    """A run that is still going when the next is due is not joined by it."""
    cronjob = named(folder, "CronJob", "winnow-training")["spec"]
    assert cronjob["concurrencyPolicy"] == "Forbid"
    assert cronjob["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_publishes_to_the_volume_that_the_services_read(folder: str) -> None:
    """And only when asked: one training on the generated data set is enough."""
    cronjob = named(folder, "CronJob", "winnow-training")
    (container,) = pod(cronjob)["containers"]
    assert container["args"] == [f"--out={SNAPSHOTS}"]
    assert cronjob["spec"]["suspend"] is True


def test_with_a_data_set_it_trains_on_it_every_night(with_dataset: Resource) -> None:
    """The component mounts the claim read-only where the flag says, and keeps the snapshot volume."""
    (container,) = pod(with_dataset)["containers"]
    flags = dict(argument.split("=", 1) for argument in container["args"])
    mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
    assert mounts[flags["--data"]] is True
    assert mounts[flags["--out"]] is False
    claims = [volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod(with_dataset)["volumes"]]
    assert "winnow-dataset" in claims
    assert with_dataset["spec"]["suspend"] is False


def test_every_flag_in_a_manifest_is_one_that_training_takes(with_dataset: Resource, training_help: str) -> None:
    """A flag that it does not know would fail the run, at night."""
    (container,) = pod(with_dataset)["containers"]
    assert all(argument.partition("=")[0] in training_help for argument in container["args"])


def test_compose_trains_only_where_no_snapshot_is(tmp_path: Path) -> None:
    """`up` starts the finished job again: its command then ends at once and keeps what is served."""
    shell, option, command = compose_services()["training"]["entrypoint"]
    ran = tmp_path / "ran"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> {ran}\n')
    python.chmod(0o755)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    volume = tmp_path / "volume"
    volume.mkdir()

    def up() -> None:
        subprocess.run([shell, option, command.replace(SNAPSHOTS, str(volume))], check=True, env=environment)

    up()
    assert ran.read_text() == f"-m services.training --out={volume}\n"
    (volume / "current").write_text("a-snapshot\n")
    up()
    assert len(ran.read_text().splitlines()) == 1
