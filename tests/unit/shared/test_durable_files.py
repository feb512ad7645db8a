"""Files that no crash leaves half written."""

import os
from pathlib import Path

import pytest

from shared.durable_files import replace_file


class Crash(Exception):
    """Stands for the power going off."""


def test_a_file_has_the_new_content_and_nothing_else_is_left(tmp_path: Path) -> None:
    """It may be there already or not."""
    for content in (b"first", b"second"):
        replace_file(tmp_path / "pointer", content)
        assert (tmp_path / "pointer").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["pointer"]


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_crash_leaves_the_old_content(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it comes while the new content is written or before it has its name."""
    replace_file(tmp_path / "pointer", b"old")

    def crash(*_: object) -> None:
        raise Crash

    monkeypatch.setattr(Path, step, crash)
    with pytest.raises(Crash):
        replace_file(tmp_path / "pointer", b"new")
    monkeypatch.undo()
    assert (tmp_path / "pointer").read_bytes() == b"old"


def test_the_content_is_on_disk_before_it_has_its_name_and_the_name_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another order a power cut leaves an empty file under the right name."""
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        steps.append("folder" if Path(f"/proc/self/fd/{descriptor}").resolve() == tmp_path.resolve() else "content")
        fsync(descriptor)

    def replaced(path: Path, target: Path) -> Path:
        steps.append("named")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    replace_file(tmp_path / "pointer", b"new")
    assert steps == ["content", "named", "folder"]
