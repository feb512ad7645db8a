"""`winnow snapshot` on folders with small real snapshots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.snapshot.repository import SnapshotRepository
from tests.snapshot_factory import build_snapshot
from tests.unit.cli.invocation import Outcome, winnow


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots, of which the second is current. Not to be written to."""
    root = tmp_path_factory.mktemp("snapshots")
    build_snapshot(root, "2026-01-01", items=30)
    build_snapshot(root, "2026-01-02", items=40)
    return root


def snapshot(root: Path, *arguments: str) -> Outcome:
    """Runs `winnow snapshot` on a folder."""
    return winnow("snapshot", *arguments, "--root", str(root))


def test_the_list_marks_what_is_served(published: Path) -> None:
    """Oldest first, an arrow at the current one."""
    lines = snapshot(published, "list").stdout.splitlines()
    assert lines[1].split()[0] == "2026-01-01"
    assert lines[2].split()[:2] == ["→", "2026-01-02"]


def test_the_list_is_there_for_programs(published: Path) -> None:
    """One object a snapshot."""
    listed = json.loads(snapshot(published, "list", "--json").stdout)
    assert [(one["id"], one["current"], one["items"]) for one in listed] == [
        ("2026-01-01", False, 30),
        ("2026-01-02", True, 40),
    ]


def test_a_snapshot_that_cannot_be_read_is_listed_with_its_problem(tmp_path: Path) -> None:
    """One bad manifest does not hide the others."""
    build_snapshot(tmp_path, "good", items=10)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text("{}")
    listed = {one["id"]: one for one in json.loads(snapshot(tmp_path, "list", "--json").stdout)}
    assert "problem" in listed["bad"]
    assert listed["good"]["items"] == 10


def test_show_prints_the_current_one_by_default(published: Path) -> None:
    """Contents, channels and files."""
    outcome = snapshot(published, "show")
    assert outcome.exit_code == 0
    assert "2026-01-02 (current)" in outcome.stdout
    assert "two_tower" in outcome.stdout
    assert "channels/content/index.ann" in outcome.stdout


def test_show_prints_what_each_depth_of_search_finds(published: Path) -> None:
    """An operator chooses the recall to aim at from what training measured."""
    lines = [line.split() for line in snapshot(published, "show").stdout.splitlines()]
    for channel in ("two_tower", "content"):
        for point in (["100", "400", "0.9000", "0.25"], ["100", "800", "0.9800", "0.50"]):
            assert [channel, *point] in lines


def test_show_prints_the_whole_manifest_as_json(published: Path) -> None:
    """Every field that a program may want."""
    manifest = json.loads(snapshot(published, "show", "2026-01-01", "--json").stdout)
    assert (manifest["id"], manifest["current"], manifest["items"]) == ("2026-01-01", False, 30)
    assert {channel["name"] for channel in manifest["channels"]} == {"two_tower", "content", "popularity"}


def test_an_intact_snapshot_verifies(published: Path) -> None:
    """Status 0."""
    outcome = snapshot(published, "verify")
    assert outcome.exit_code == 0
    assert "files of 2026-01-02 are what training wrote" in outcome.stdout


def test_every_wrong_file_is_named(tmp_path: Path) -> None:
    """One changed, one cut short and one missing; status 1, for people and for programs."""
    manifest = build_snapshot(tmp_path, "s", items=10)
    folder = tmp_path / "s"
    changed = bytearray((folder / "catalogue.jsonl").read_bytes())
    changed[-3] ^= 1
    (folder / "catalogue.jsonl").write_bytes(changed)
    (folder / "popularity.npy").write_bytes(b"short")
    (folder / "ranker" / "model.onnx").unlink()
    outcome = snapshot(tmp_path, "verify", "--json")
    answer = json.loads(outcome.stdout)
    assert outcome.exit_code == 1
    assert answer["files"] == len(manifest.files)
    assert [problem.split()[0] for problem in answer["problems"]] == [
        "catalogue.jsonl",
        "popularity.npy",
        "ranker/model.onnx",
    ]
    for problem in ("another checksum", "has 5 bytes", "is missing"):
        assert problem in outcome.stderr


def test_an_older_snapshot_can_be_served_again(tmp_path: Path) -> None:
    """The way back after a bad training."""
    build_snapshot(tmp_path, "old", items=10)
    build_snapshot(tmp_path, "new", items=10)
    outcome = snapshot(tmp_path, "activate", "old")
    assert outcome.exit_code == 0
    assert "Current is old; before it was new." in outcome.stdout
    assert SnapshotRepository(tmp_path).current() == "old"


def test_a_snapshot_that_does_not_exist_cannot_be_served(published: Path) -> None:
    """The pointer stays where it was."""
    outcome = snapshot(published, "activate", "2030-01-01")
    assert outcome.exit_code == 1
    assert "There is no snapshot '2030-01-01'" in outcome.stderr
    assert SnapshotRepository(published).current() == "2026-01-02"


@pytest.mark.parametrize("command", ["list", "show", "verify"])
def test_an_empty_folder_is_answered_with_what_to_do(tmp_path: Path, command: str) -> None:
    """Status 1 and one sentence that names the next step."""
    outcome = snapshot(tmp_path / "nowhere", command)
    assert outcome.exit_code == 1
    assert "There is no snapshot in" in outcome.stderr
    assert "winnow train" in outcome.stderr


def test_without_a_current_snapshot_one_must_be_named(tmp_path: Path) -> None:
    """The message says how to choose one."""
    build_snapshot(tmp_path, "s", items=10, activate=False)
    outcome = snapshot(tmp_path, "show")
    assert outcome.exit_code == 1
    assert "winnow snapshot activate ID" in outcome.stderr
