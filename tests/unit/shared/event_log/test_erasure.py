"""Erasing: of what matches no byte is left, and all else stays as it is."""

import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.event_log import Erasure, EventLog, read_log
from shared.event_log.records import AttributesRecord, EventRecord, Record
from tests.unit.shared.event_log.samples import event, write


@given(users=st.lists(st.sampled_from(["ann", "bob", "mia"]), min_size=1, max_size=40), size=st.integers(1, 300))
@settings(deadline=None, max_examples=50)
def test_nothing_is_left_of_what_was_erased(users: list[str], size: int) -> None:
    """Other records keep their positions, the log can be appended to, and a receipt counts what is gone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written: list[Record] = [event(number, user) for number, user in enumerate(users)]
        write(folder, [written[at : at + 3] for at in range(0, len(written), 3)], size)
        before = list(read_log(folder))
        with EventLog(folder, size) as log:
            erased = log.erase(_is_of_bob, containing=[b"bob"])
            log.append([event(99, "zoe")])
            log.sync()
        assert erased == Counter({"event": users.count("bob")} if "bob" in users else {})
        after = list(read_log(folder))
        assert after[:-1] == [(end, record) for end, record in before if not _is_of_bob(record)]
        assert after[-1][1] == event(99, "zoe")
        assert not any(b"bob" in path.read_bytes() for path in folder.iterdir())


def test_only_what_matches_is_erased_where_bytes_are_alike(tmp_path: Path) -> None:
    """The bytes only say where to look: a user whose id contains another's is somebody else."""
    write(tmp_path, [[event(1, "bob"), event(2, "bobby"), AttributesRecord("ann", {"friend": "bob"}, 1, 2)]])
    with EventLog(tmp_path) as log:
        assert log.erase(_is_of_bob, containing=[b"bob"]) == {"event": 1}
    assert [record.user_id for _, record in read_log(tmp_path) if hasattr(record, "user_id")] == ["bobby", "ann"]


def test_erasing_twice_finds_nothing_the_second_time(tmp_path: Path) -> None:
    """So whoever was interrupted may begin again."""
    write(tmp_path, [[event(1, "bob")], [event(2, "ann")]])
    with EventLog(tmp_path) as log:
        assert log.erase(_is_of_bob) == {"event": 1}
        assert log.erase(_is_of_bob) == {}


def test_what_came_after_a_position_is_kept(tmp_path: Path) -> None:
    """A user who comes back while the past is being erased begins anew."""
    first, _ = write(tmp_path, [[event(1, "bob")], [event(2, "bob")]])
    with EventLog(tmp_path) as log:
        assert log.erase(_is_of_bob, before=first) == {"event": 1}
    assert [record for _, record in read_log(tmp_path)] == [event(2, "bob")]


def test_a_crash_before_the_rename_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was being written beside the segment is removed when the log is opened, and erasing again succeeds."""
    write(tmp_path, [[event(1, "bob"), event(2, "ann")]])

    def crash(*_: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, EventLog(tmp_path) as log:
        patch.setattr(Path, "replace", crash)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # nothing runs after a crash
        with pytest.raises(KeyboardInterrupt):
            log.erase(_is_of_bob)
    assert list(tmp_path.glob("*.tmp"))
    assert [record for _, record in read_log(tmp_path)] == [event(1, "bob"), event(2, "ann")]
    with EventLog(tmp_path) as log:
        assert not list(tmp_path.glob("*.tmp"))
        assert log.erase(_is_of_bob) == {"event": 1}
    assert [record for _, record in read_log(tmp_path)] == [event(2, "ann")]


def test_sealed_segments_are_erased_while_another_thread_appends(tmp_path: Path) -> None:
    """No record that is appended meanwhile is lost."""
    write(tmp_path, [[event(number, "bob" if number % 2 else "ann")] for number in range(300)], segment_bytes=1_000)
    with EventLog(tmp_path, segment_bytes=1_000, sync=False) as log:
        erasure = Erasure(_is_of_bob, [b"bob"], before=log.end)
        erased = log.erase_active(erasure)
        others: list[Counter[str]] = []
        eraser = threading.Thread(target=lambda: others.append(log.erase_sealed(erasure)))
        eraser.start()
        for number in range(300, 500):
            log.append([event(number, "bob")])
        eraser.join()
    assert erased + others[0] == {"event": 150}
    kept = [event(number, "ann") for number in range(0, 300, 2)] + [event(number, "bob") for number in range(300, 500)]
    assert [record for _, record in read_log(tmp_path)] == kept


def _is_of_bob(record: Record) -> bool:
    return isinstance(record, EventRecord) and record.user_id == "bob"
