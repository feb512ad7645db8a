"""The script that takes a cluster back to an older snapshot."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.render_manifests import DEPLOY
from shared.snapshot.repository import SnapshotRepository
from tests.snapshot_factory import build_snapshot
from tests.unit.deploy.manifests import Resource, named
from tests.unit.deploy.test_pods import lax

# Answers for the cluster's API; what needs no cluster goes to the real kubectl.
FAKE_KUBECTL = """#!/bin/sh
case "$*" in
    *"create job"*) cat "{job}" ;;
    *"patch --local"*) exec "{kubectl}" "$@" ;;
    *"create --filename=-") cat > "{created}" ;;
esac
"""


def run_script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the script against a cluster that has the training job; what it creates is written to created.json."""
    template = named("base/training", "CronJob", "winnow-training")["spec"]["jobTemplate"]["spec"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "activate"}, "spec": template}
    (folder / "job.json").write_text(json.dumps(job))
    fake = folder / "bin" / "kubectl"
    fake.parent.mkdir()
    fake.write_text(
        FAKE_KUBECTL.format(job=folder / "job.json", kubectl=shutil.which("kubectl"), created=folder / "created.json")
    )
    fake.chmod(0o755)
    environment = os.environ | {"PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"}
    script = str(DEPLOY / "activate_snapshot.sh")
    return subprocess.run([script, *arguments], check=False, capture_output=True, text=True, env=environment)


def created_pod(folder: Path) -> Resource:
    """Returns the pod of the Job that the script created."""
    return dict(json.loads((folder / "created.json").read_text())["spec"]["template"]["spec"])


def test_the_job_points_current_at_the_named_snapshot(tmp_path: Path) -> None:
    """Its command, run here on a folder with two snapshots, goes back to the older one."""
    volume = tmp_path / "volume"
    build_snapshot(volume, "older")
    build_snapshot(volume, "newer")
    assert run_script(tmp_path, "older").returncode == 0
    (container,) = created_pod(tmp_path)["containers"]
    assert container["command"][0] == "python"
    assert container["args"] == ["/var/lib/winnow/snapshots", "older"]
    subprocess.run([sys.executable, *container["command"][1:], volume, container["args"][1]], check=True)
    assert SnapshotRepository(volume).current() == "older"


def test_the_job_is_admitted_where_training_is(tmp_path: Path) -> None:
    """It inherits the hardening and the writable volume of the training job."""
    run_script(tmp_path, "older")
    assert lax(created_pod(tmp_path)) == []


@pytest.mark.parametrize("arguments", [(), ('a", "b',), ("../elsewhere",), ("a b",)])
def test_what_is_no_snapshot_id_is_refused_before_the_cluster_is_asked(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """The id is placed into a command, so it may hold nothing that a command or a path would read differently."""
    answer = run_script(tmp_path, *arguments)
    assert answer.returncode == 2
    assert "SNAPSHOT_ID" in answer.stderr
    assert not (tmp_path / "created.json").exists()
