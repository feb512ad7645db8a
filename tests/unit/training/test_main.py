"""The entry point."""

from pathlib import Path

import pytest

from services.training.__main__ import main
from shared.snapshot.repository import SnapshotRepository
from tests.unit.training.job_folder import write_job


def test_a_folder_becomes_a_current_snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Flags override the file, the result is published, and quiet means quiet."""
    small = {"dimension": 8, "blocks": 1, "feedforward": 8, "epochs": 1}
    write_job(tmp_path, channels={"collaborative": {"model": "sasrec", "settings": small}, "popularity": {}})

    status = main(
        ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--config", str(tmp_path / "training.toml"),
         "--seed", "5", "--epochs", "2", "--quiet"]
    )  # fmt: skip

    repository = SnapshotRepository(tmp_path / "out")
    current = repository.current()
    assert status == 0
    assert current is not None
    training = repository.manifest(current).training
    assert training["seed"] == 5
    settings = "channels.collaborative.settings"
    assert (training[f"{settings}.epochs"], training[f"{settings}.dimension"]) == (2, 8)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("config", "data", "said"),
    [
        ("", "nowhere", "there is no such folder"),
        ("[channels.sasrec]\nsettings = { heads = 5 }\n", "", "does not divide"),
        ("[channels\n", "", "Expected"),
    ],
)
def test_what_cannot_be_used_is_explained_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, data: str, said: str
) -> None:
    """A missing folder and a wrong configuration give status 2 and one explanation, without a traceback."""
    path = tmp_path / "training.toml"
    path.write_text(config)

    status = main(["--data", str(tmp_path / data), "--out", str(tmp_path / "out"), "--config", str(path), "--quiet"])

    error = capsys.readouterr().err
    assert status == 2
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks for help sees what can be chosen."""
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])

    output = capsys.readouterr().out
    assert exit_.value.code == 0
    for flag in ("--data", "--out", "--config", "--recall", "--seed", "--epochs", "--threads", "--quiet"):
        assert flag in output
