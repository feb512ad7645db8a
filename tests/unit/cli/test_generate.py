"""`winnow generate`."""

from __future__ import annotations

from pathlib import Path

from services.training.datasets import load_dataset
from tests.unit.cli.invocation import winnow


def test_a_data_set_of_the_size_that_was_asked_for_is_written(tmp_path: Path) -> None:
    """It can be loaded again."""
    size = ["--users", "40", "--items", "64", "--events", "300", "--seed", "3"]
    outcome = winnow("generate", "--out", str(tmp_path / "data"), *size)
    dataset = load_dataset(tmp_path / "data")
    assert outcome.exit_code == 0
    assert "40 readers, 64 books" in outcome.stdout
    assert (len(dataset.users), len(dataset.items)) == (40, 64)


def test_a_size_that_cannot_be_is_a_wrong_call(tmp_path: Path) -> None:
    """Status 2 and the limit."""
    outcome = winnow("generate", "--out", str(tmp_path), "--items", "3")
    assert (outcome.exit_code, outcome.stderr) == (
        2,
        "winnow: This cannot be generated: items must be at least 64, not 3.\n",
    )


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """One sentence, status 1."""
    (tmp_path / "file").write_text("")
    size = ["--users", "40", "--items", "64", "--events", "300"]
    outcome = winnow("generate", "--out", str(tmp_path / "file"), *size)
    assert outcome.exit_code == 1
    assert f"{tmp_path / 'file'} cannot be written" in outcome.stderr
