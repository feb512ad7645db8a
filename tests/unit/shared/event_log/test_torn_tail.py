"""What a crash leaves is cut off; what a bad disk leaves is told."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.event_log import EventLog, LogDamaged, read_log
from shared.event_log.records import Record
from tests.unit.shared.event_log.samples import batches, event, write


def read(folder: Path) -> list[Record]:
    """Returns the records of a log."""
    return [record for _, record in read_log(folder)]


def test_a_log_that_was_cut_at_any_byte_holds_its_whole_batches(tmp_path: Path) -> None:
    """Reading stops after them without an error, opening cuts off the rest, and appending goes on."""
    written: list[list[Record]] = [[event(1)], [event(2), event(3)], [event(4)]]
    ends = write(tmp_path / "log", written)
    for length in range(ends[-1]):
        _check_cut(tmp_path / "log", tmp_path / "cut", written, ends, length)


@given(written=batches, where=st.floats(0, 1, exclude_max=True))
@settings(deadline=None, max_examples=60)
def test_whatever_the_log_holds_it_may_be_cut_anywhere(written: list[list[Record]], where: float) -> None:
    """The same of any records."""
    with tempfile.TemporaryDirectory() as name:
        ends = write(Path(name, "log"), written)
        _check_cut(Path(name, "log"), Path(name, "cut"), written, ends, int(where * ends[-1]))


@given(written=batches, where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(deadline=None, max_examples=80)
def test_a_flipped_bit_never_changes_a_record(written: list[list[Record]], where: float, bit: int) -> None:
    """What is before it is read as it was; nothing from it on is, and where two batches follow, it is told."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ends = write(folder, written)
        place = int(where * ends[-1])
        _flip(folder / f"{0:020d}.log", place, bit)
        hit = sum(end <= place for end in ends)  # the batch that was hit
        found, damaged = _read_until_damage(folder)
        assert found == [record for batch in written[:hit] for record in batch]
        if damaged:
            assert damaged.path == folder / f"{0:020d}.log"
            assert (ends[hit - 1] if hit else 0) <= damaged.offset <= place
        if hit < len(written) - 2:
            assert damaged
            with pytest.raises(LogDamaged), EventLog(folder):
                pass


def test_a_flipped_bit_in_a_sealed_segment_is_always_told(tmp_path: Path) -> None:
    """No crash touches a segment that another one follows."""
    ends = write(tmp_path, [[event(1)], [event(2)], [event(3)]], segment_bytes=1)
    _flip(tmp_path / f"{ends[0]:020d}.log", 12, 0)
    found = read_log(tmp_path)
    assert next(found) == (ends[0], event(1))
    with pytest.raises(LogDamaged, match=rf"{ends[0]:020d}.log at byte 0"):
        next(found)
    assert [record for _, record in read_log(tmp_path, ends[1])] == [event(3)]


def test_zeros_at_the_end_are_what_a_crash_left(tmp_path: Path) -> None:
    """Some file systems grow a file before they write its bytes."""
    write(tmp_path, [[event(1)]])
    with (tmp_path / f"{0:020d}.log").open("ab") as file:
        file.write(bytes(10_000))
    assert read(tmp_path) == [event(1)]
    write(tmp_path, [[event(2)]])
    assert read(tmp_path) == [event(1), event(2)]


def test_a_hole_in_the_last_batch_is_what_a_crash_left(tmp_path: Path) -> None:
    """Pages of an unsynced batch reach the disk in any order, so its end may be there without its middle."""
    first, second = write(tmp_path, [[event(1)], [event(number) for number in range(100)]])
    path = tmp_path / f"{0:020d}.log"
    content = bytearray(path.read_bytes())
    middle = (first + second) // 2
    content[middle : middle + 500] = bytes(500)
    path.write_bytes(content)
    assert read(tmp_path) == [event(1)]
    with EventLog(tmp_path) as log:
        assert log.end == first


def test_a_missing_segment_is_told(tmp_path: Path) -> None:
    """By reading, which names the file before the gap, and by opening."""
    ends = write(tmp_path, [[event(1)], [event(2)], [event(3)]], segment_bytes=1)
    (tmp_path / f"{ends[0]:020d}.log").unlink()
    with pytest.raises(LogDamaged, match="the next segment is"):
        read(tmp_path)
    with pytest.raises(LogDamaged, match="the next segment is"), EventLog(tmp_path):
        pass


def _check_cut(folder: Path, cut: Path, written: list[list[Record]], ends: list[int], length: int) -> None:
    shutil.copytree(folder, cut, dirs_exist_ok=True)
    os.truncate(cut / f"{0:020d}.log", length)
    whole = sum(end <= length for end in ends)
    kept = [record for batch in written[:whole] for record in batch]
    assert read(cut) == kept
    with EventLog(cut) as log:
        assert log.end == (ends[whole - 1] if whole else 0)
        log.append([event(99)])
    assert read(cut) == [*kept, event(99)]


def _read_until_damage(folder: Path) -> tuple[list[Record], LogDamaged | None]:
    found: list[Record] = []
    try:
        for _, record in read_log(folder):
            found.append(record)
    except LogDamaged as damaged:
        return found, damaged
    return found, None


def _flip(path: Path, place: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)
