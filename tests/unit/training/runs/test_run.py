"""The folder of a run."""

from pathlib import Path

import pytest

from services.training.runs.run import RunInUse, open_run, slug


def test_a_folder_is_one_process_s_at_a_time(tmp_path: Path) -> None:
    """A second is refused with the folder's name; afterwards it is free again."""
    with (
        open_run(tmp_path / "run", "data"),
        pytest.raises(RunInUse, match="run; wait for it"),
        open_run(tmp_path / "run", "data"),
    ):
        pass
    with open_run(tmp_path / "run", "data") as run:
        assert run.folder == tmp_path / "run"


def test_checkpoints_are_forgotten_and_the_rest_stays(tmp_path: Path) -> None:
    """Also those that were being written when the process was killed."""
    with open_run(tmp_path, "data") as run:
        checkpoint = run.checkpoint("fit X", "0123456789abcdef")
        checkpoint.write_bytes(b"")
        checkpoint.with_name(f".{checkpoint.name}-00ff").write_bytes(b"")
        (tmp_path / "run.toml").write_bytes(b"")

        run.forget_checkpoints()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "run.toml"]


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    """A job that is killed again and again must not fill the disk."""
    half_written = tmp_path / ".fit-x-0123456789ab.checkpoint-00ff"
    half_written.write_bytes(b"")

    with open_run(tmp_path, "data"):
        assert not half_written.exists()


def test_a_fresh_run_has_no_checkpoints(tmp_path: Path) -> None:
    """Those of before are removed; without being asked to, they stay."""
    with open_run(tmp_path, "data") as run:
        checkpoint = run.checkpoint("fit X", "0123456789abcdef")
        checkpoint.write_bytes(b"")
    with open_run(tmp_path, "data"):
        assert checkpoint.exists()
    with open_run(tmp_path, "data", fresh=True):
        assert not checkpoint.exists()


def test_others_are_the_checkpoints_of_the_same_stage_alone(tmp_path: Path) -> None:
    """A stage whose name begins alike is another one."""
    with open_run(tmp_path, "data") as run:
        for stage, fingerprint in (("fit X", "a" * 64), ("fit X", "b" * 64), ("fit X two", "c" * 64)):
            run.checkpoint(stage, fingerprint).write_bytes(b"")

        assert run.others("fit X", "a" * 64) == [run.checkpoint("fit X", "b" * 64)]


@pytest.mark.parametrize(("name", "expected"), [("fit Mult-VAE", "fit-mult-vae"), ("../..", "unnamed"), ("a/b", "a-b")])
def test_a_stage_s_name_becomes_a_file_s(name: str, expected: str) -> None:
    """Whatever it is called, it stays within the folder."""
    assert slug(name) == expected
