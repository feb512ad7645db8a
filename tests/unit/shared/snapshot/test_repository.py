"""A snapshot appears whole or not at all, and the pointer always names one."""

import os
from pathlib import Path
from typing import Never

import pytest

from shared.snapshot import repository as repository_module
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import MANIFEST_FILE
from shared.snapshot.repository import CURRENT_FILE, SnapshotRepository
from tests.unit.shared.snapshot.published import manifest_for, publish


class Crash(BaseException):
    """The process ends here."""


def crash(*_arguments: object) -> Never:
    """Stands for an operation in whose middle the process ends."""
    raise Crash


@pytest.fixture
def repository(tmp_path: Path) -> SnapshotRepository:
    """An empty repository, whose folder does not exist yet."""
    return SnapshotRepository(tmp_path / "snapshots")


def test_an_empty_repository_has_nothing(repository: SnapshotRepository) -> None:
    """A service may start before anything was published, even before there is a folder."""
    assert repository.ids() == []
    assert repository.current() is None


def test_a_published_snapshot_can_be_read(repository: SnapshotRepository) -> None:
    """Its manifest and every file are in the folder of its name; it is not activated."""
    manifest = publish(repository, "s1")
    assert repository.manifest("s1") == manifest
    assert (repository.folder("s1") / "ranker" / "model.onnx").read_bytes() == b"model"
    assert repository.ids() == ["s1"]
    assert repository.current() is None


def test_snapshots_are_listed_in_the_order_of_their_names(repository: SnapshotRepository) -> None:
    """Names begin with the time of training, so the last is the newest."""
    for snapshot_id in ("20260102-b", "20260103-c", "20260101-a"):
        publish(repository, snapshot_id)
    assert repository.ids() == ["20260101-a", "20260102-b", "20260103-c"]


def test_what_is_no_snapshot_is_not_listed(repository: SnapshotRepository) -> None:
    """Folders without a manifest, files, and folders whose names are no ids."""
    publish(repository, "s1", activate=True)
    (repository.root / "notes").mkdir()
    (repository.root / "a name").mkdir()
    (repository.root / "a name" / MANIFEST_FILE).touch()
    assert repository.ids() == ["s1"]


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_crash_while_publishing_leaves_nothing_listed(
    repository: SnapshotRepository, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Until the last step the snapshot has another name, which no reader looks at."""
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # a crash cleans nothing up
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", crash)
    else:
        monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(Crash):
        publish(repository, "s1")
    assert len(list(repository.root.iterdir())) == 1
    assert repository.ids() == []
    assert not repository.folder("s1").exists()


def test_everything_is_on_disk_before_the_snapshot_has_its_name(
    repository: SnapshotRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader sees all of it or nothing, and so does one after a power cut."""
    steps: list[str] = []
    rename = Path.rename
    monkeypatch.setattr(repository_module, "sync", lambda path: steps.append(path.name))

    def renamed(path: Path, target: Path) -> Path:
        steps.append("renamed")
        assert repository.ids() == []
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", renamed)
    with repository.staging() as staged:
        (staged / "a.npy").touch()
        (staged / "folder").mkdir()
        (staged / "folder" / "b.npy").touch()
        repository.publish(staged, manifest_for(staged, "s1"))
    assert set(steps[: steps.index("renamed")]) == {"a.npy", "folder", "b.npy", MANIFEST_FILE, staged.name}
    assert steps[-1] == repository.root.name


def test_a_staged_folder_that_was_not_published_is_removed(repository: SnapshotRepository) -> None:
    """Training that fails leaves nothing behind."""

    def fail() -> None:
        with repository.staging() as staged:
            (staged / "half.npy").touch()
            raise Crash

    with pytest.raises(Crash):
        fail()
    assert list(repository.root.iterdir()) == []


def test_a_snapshot_is_never_replaced(repository: SnapshotRepository) -> None:
    """Services may have its files mapped into memory."""
    publish(repository, "s1")
    with pytest.raises(SnapshotRefused, match="it exists already; snapshots are immutable"):
        publish(repository, "s1")


@pytest.mark.parametrize(
    "snapshot_id", ["", ".", "..", "../s1", "/etc", "a/b", ".hidden", "a b", "a\n", "é", "a\x00", "x" * 129]
)
def test_an_id_that_could_leave_the_folder_is_refused(repository: SnapshotRepository, snapshot_id: str) -> None:
    """Ids come from requests and from the pointer; none may lead anywhere else."""
    with pytest.raises(SnapshotRefused, match="an id has letters, digits"):
        repository.folder(snapshot_id)
    with pytest.raises(SnapshotRefused, match="an id has letters, digits"):
        repository.activate(snapshot_id)


def test_the_pointer_moves_forward_and_back(repository: SnapshotRepository) -> None:
    """Roll back is to activate an older one."""
    publish(repository, "s1", activate=True)
    publish(repository, "s2", activate=True)
    assert repository.current() == "s2"
    repository.activate("s1")
    assert repository.current() == "s1"


def test_only_what_can_be_read_is_activated(repository: SnapshotRepository) -> None:
    """The pointer stays where it was."""
    publish(repository, "s1", activate=True)
    with pytest.raises(SnapshotRefused, match=r"manifest\.json cannot be read"):
        repository.activate("s2")
    assert repository.current() == "s1"


def test_a_snapshot_in_anothers_folder_is_refused(repository: SnapshotRepository) -> None:
    """A copied folder would answer for a snapshot that it is not."""
    publish(repository, "s1")
    repository.folder("s1").rename(repository.root / "s2")
    with pytest.raises(SnapshotRefused, match="snapshot s2: its manifest is that of s1"):
        repository.manifest("s2")
    with pytest.raises(SnapshotRefused, match="snapshot s2: its manifest is that of s1"):
        repository.activate("s2")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_while_activating_leaves_the_pointer(
    repository: SnapshotRepository, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The new pointer is written aside and takes the place of the old one in one step."""
    publish(repository, "s1", activate=True)
    publish(repository, "s2")
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", crash)
    else:
        monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(Crash):
        repository.activate("s2")
    assert repository.current() == "s1"


@pytest.mark.parametrize(("content", "current"), [(b"", None), (b"\n", None), (b"s1", "s1"), (b"\xff\n", "\ufffd")])
def test_a_pointer_written_by_hand_is_read(repository: SnapshotRepository, content: bytes, current: str | None) -> None:
    """An empty one points to nothing; text that is no id is returned for whoever looks it up to refuse."""
    repository.root.mkdir()
    (repository.root / CURRENT_FILE).write_bytes(content)
    assert repository.current() == current
