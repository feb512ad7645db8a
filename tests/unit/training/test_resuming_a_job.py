"""A job that is killed, and a job that is done again from its run.toml."""

import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from services.training.__main__ import main
from services.training.config import TrainingConfig
from services.training.datasets import write_dataset
from shared.snapshot.repository import SnapshotRepository
from tests.unit.training.chains import chain_dataset
from tests.unit.training.job_folder import write_job

MODELS = ("channels/collaborative/item_vectors.npy", "channels/again/item_vectors.npy", "golden.json")

#: With something random in its loss, several batches in an epoch, and a graph that is soon exported.
SMALL = {"hidden": [16], "latent": 8, "batch": 17}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set, a configuration, and the snapshot of an uninterrupted job in `whole`."""
    folder = tmp_path_factory.mktemp("jobs")
    write_job(
        folder,
        max_history=8,
        channels={
            "collaborative": {"model": "mult_vae", "settings": {**SMALL, "epochs": 12, "patience": 12}},
            "again": {"model": "mult_vae", "settings": {**SMALL, "epochs": 2, "dropout": 0.4}},
            "popularity": {},
        },
        ranker={"settings": {"dimension": 4, "epochs": 2}},
        index={"trees": 2, "queries": 20},
        variants={"precisions": []},
    )
    assert main([*flags(folder, "whole"), "--quiet"]) == 0
    return folder


def flags(folder: Path, out: str) -> list[str]:
    """Returns the flags of the job, with snapshots in a folder of that name."""
    return ["--data", str(folder / "data"), "--config", str(folder / "training.toml"), "--out", str(folder / out)]


def current(root: Path) -> Path:
    """Returns the folder of the current snapshot."""
    repository = SnapshotRepository(root)
    snapshot = repository.current()
    assert snapshot is not None
    return repository.folder(snapshot)


def kill_after_a_checkpoint(arguments: list[str], out: Path) -> None:
    """Starts the job and kills it as soon as a checkpoint is there."""
    deadline = time.monotonic() + 60
    with subprocess.Popen((sys.executable, "-m", "services.training", *arguments), stdout=subprocess.DEVNULL) as job:
        while not list(out.glob(".runs/*/*.checkpoint")):
            assert time.monotonic() < deadline
            try:
                job.wait(0.01)
                pytest.fail("the job was over before it could be killed")
            except subprocess.TimeoutExpired:
                continue
        job.kill()


def test_a_killed_job_goes_on_where_it_was(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same command again says so, ends with the same models bit for bit, and leaves no checkpoint behind."""
    out = folder / "killed"
    kill_after_a_checkpoint(flags(folder, "killed"), out)
    assert SnapshotRepository(out).current() is None

    assert main(flags(folder, "killed")) == 0

    assert "fit Mult-VAE: resumes after epoch" in capsys.readouterr().out
    for path in MODELS:
        assert (current(out) / path).read_bytes() == (current(folder / "whole") / path).read_bytes()
    assert not list(out.glob(".runs/*/*checkpoint*"))


def test_a_fresh_job_takes_no_checkpoint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It begins anew, in a folder that was named as well."""
    run = folder / "run"
    given = [*flags(folder, "fresh"), "--run", str(run)]
    kill_after_a_checkpoint([*flags(folder, "fresh")], folder / "fresh")
    (made,) = (folder / "fresh" / ".runs").iterdir()
    made.rename(run)

    assert main([*given, "--fresh"]) == 0

    assert "resumes" not in capsys.readouterr().out
    assert sorted(path.name for path in run.iterdir() if path.is_file()) == ["lock", "run.toml"]


def test_run_toml_says_what_the_snapshot_was_made_of(folder: Path) -> None:
    """Every setting as it took effect, the command, where the data are and their digest, and the versions."""
    snapshot = current(folder / "whole")
    record = tomllib.loads((snapshot / "run.toml").read_text())
    run = record.pop("run")

    assert TrainingConfig.model_validate(record).effective() == record
    assert TrainingConfig.from_toml(folder / "training.toml").effective() == record
    assert record["channels"]["again"]["settings"]["kl_cap"] == 0.2
    assert run["command"].startswith("winnow train --data ")
    assert run["sources"] == {"data": str(folder / "data")}
    assert len(run["data_sha256"]) == 64
    assert {"torch", "numpy"} <= run["versions"].keys()
    assert "run.toml" in {file.path for file in SnapshotRepository(folder / "whole").manifest(snapshot.name).files}


def test_run_toml_makes_the_snapshot_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the file alone, bit for bit."""
    record = current(folder / "whole") / "run.toml"

    assert main(["--config", str(record), "--out", str(folder / "again")]) == 0

    for path in MODELS:
        assert (current(folder / "again") / path).read_bytes() == (current(folder / "whole") / path).read_bytes()
    assert "The data are not those" not in capsys.readouterr().out


def test_other_data_than_those_of_run_toml_are_used_and_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command names has its way."""
    write_dataset(chain_dataset(seed=1), folder / "other")
    record = current(folder / "whole") / "run.toml"

    assert (
        main(["--config", str(record), "--data", str(folder / "other"), "--out", str(folder / "new"), "--epochs=1"])
        == 0
    )

    assert "The data are not those of" in capsys.readouterr().out.replace("\n", " ")
    assert tomllib.loads((current(folder / "new") / "run.toml").read_text())["run"]["sources"] == {
        "data": str(folder / "other")
    }
