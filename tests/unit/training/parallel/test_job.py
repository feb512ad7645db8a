"""A whole job in two processes: what it publishes, and what becomes of it when one of them dies."""

import contextlib
import os
import signal
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from services.training.__main__ import main
from services.training.report import Report
from shared.snapshot.repository import SnapshotRepository
from tests.unit.training.job_folder import write_job, write_settings
from tests.unit.training.parallel.launched import launcher, process_of, torchrun, without_launcher

#: Each process imports torch and exports graphs, on what may be few cores.
pytestmark = pytest.mark.timeout(600)
JOB = "services.training"


#: None of the models has chance in it: dropout is drawn by each process.
SHORT: dict[str, Any] = {"max_history": 8, "index": {"trees": 2, "queries": 20}, "variants": {"precisions": []}}

#: Models of the kinds that a job has where it is not told others.
USUAL = SHORT | {
    "channels": {
        "main": {"model": "sasrec", "settings": {"dimension": 16, "dropout": 0.0, "epochs": 3}},
        "popularity": {},
    },
    "ranker": {
        "model": "signals",
        "begin_with_recall": True,
        "settings": {"epochs": 2, "hidden": [4], "dropout": 0.0},
    },
}

#: Models that are soon exported, with enough epochs to be killed among them.
LONG = SHORT | {
    "channels": {
        "main": {
            "model": "dae",
            "settings": {"latent": 16, "dropout": 0.0, "batch": 7, "epochs": 40, "patience": 40},
        },
        "popularity": {},
    },
    "ranker": {"settings": {"epochs": 2}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set and a configuration."""
    folder = tmp_path_factory.mktemp("jobs")
    write_job(folder, **USUAL)
    write_settings(folder / "long.toml", **LONG)
    return folder


def flags(folder: Path, out: str, config: str = "training.toml") -> list[str]:
    """Returns the flags of a job with its snapshots in a folder of that name."""
    return ["--data", str(folder / "data"), "--config", str(folder / config), "--out", str(folder / out)]


def current(root: Path) -> Path:
    """Returns the folder of the one snapshot."""
    repository = SnapshotRepository(root)
    snapshot = repository.current()
    assert snapshot is not None
    assert sorted(path.name for path in root.iterdir()) == sorted([".runs", snapshot, "current"])
    return repository.folder(snapshot)


def wait_for_a_checkpoint(out: Path, job: subprocess.Popen[str]) -> None:
    """Until the first epoch is on disk."""
    deadline = time.monotonic() + 120
    while not list(out.glob(".runs/*/*.checkpoint")):
        assert time.monotonic() < deadline
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.wait(0.01)
            pytest.fail("the job was over before it could be killed")


def test_two_processes_publish_one_snapshot_as_one_would(folder: Path) -> None:
    """With the same models, but for what other orders of the same sums leave; the report says how it was computed."""
    together = torchrun(JOB, *flags(folder, "together"))
    assert together.returncode == 0, together.stderr
    assert main([*flags(folder, "alone"), "--quiet"]) == 0

    snapshots = [current(folder / out) for out in ("together", "alone")]
    first, second = (np.load(snapshot / "channels/main/item_vectors.npy") for snapshot in snapshots)
    np.testing.assert_allclose(first, second, rtol=1e-3, atol=2e-3)
    reports = [msgspec.json.decode((snapshot / "report.json").read_bytes(), type=Report) for snapshot in snapshots]
    assert reports[0].quality["test"]["ranked"]["ndcg@10"] == pytest.approx(
        reports[1].quality["test"]["ranked"]["ndcg@10"], abs=0.02
    )
    assert [report.computed_on for report in reports] == ["cpu, float32, 2 processes", "cpu, float32, 1 process"]
    record = tomllib.loads((snapshots[0] / "run.toml").read_text())
    assert record["run"]["computed_on"] == "cpu, float32, 2 processes"
    assert together.stdout.count("is current; its report is in") == 1


def test_a_killed_process_ends_the_job_and_the_same_command_goes_on(folder: Path) -> None:
    """Nothing is published before; afterwards both processes begin where the first one's checkpoint is."""
    out, arguments = folder / "killed", flags(folder, "killed", "long.toml")
    with subprocess.Popen(launcher(JOB, *arguments), stderr=subprocess.PIPE, text=True) as job:
        wait_for_a_checkpoint(out, job)
        second = process_of(job.pid, 1)
        assert second is not None
        os.kill(second, signal.SIGKILL)
        _, error = job.communicate(timeout=120)
    assert job.returncode != 0
    assert "SIGKILL" in error
    assert SnapshotRepository(out).current() is None

    again = torchrun(JOB, *arguments)

    assert again.returncode == 0, again.stderr
    assert "fit Mult-DAE: resumes after epoch" in again.stdout
    assert current(out)
    assert not list(out.glob(".runs/*/*checkpoint*"))


def test_a_process_says_what_to_do_when_another_one_died(folder: Path) -> None:
    """Also where nobody watches over them, it neither waits for ever nor shows a traceback."""
    first, second = without_launcher(JOB, *flags(folder, "orphan", "long.toml"))
    with first, second:
        wait_for_a_checkpoint(folder / "orphan", first)
        second.kill()
        _, error = first.communicate(timeout=120)

    assert first.returncode == 3
    assert "another process of this job has ended" in error
    assert "the same command goes on from the last complete epoch" in error
    assert "Traceback" not in error


def test_what_the_first_process_cannot_read_ends_all(folder: Path) -> None:
    """One of them says why."""
    ended = torchrun(JOB, "--data", str(folder / "nothing"), "--out", str(folder / "none"))

    assert ended.returncode != 0
    assert ended.stderr.count(str(folder / "nothing")) == 1
    assert not (folder / "none").exists()
