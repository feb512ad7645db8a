"""What is appended to the log is read from it, in order, whatever failed in between."""

import errno
import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.event_log import EventLog, LogBroken, LogDamaged, read_log
from shared.event_log.framing import MAX_PAYLOAD_BYTES
from shared.event_log.log import Disk
from shared.event_log.records import ItemRecord, Record
from tests.unit.shared.event_log.samples import batches, event, write


class FailingDisk(Disk):
    """A disk on which the next write stops half-way, or whose next sync fails, when told to."""

    def __init__(self) -> None:
        self.is_full = self.is_dying = False
        self.calls: list[str] = []

    def write(self, handle: int, content: memoryview) -> int:
        """Writes half of it where the disk is full, and then fails."""
        self.calls.append("write")
        if self.is_full:
            os.write(handle, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(handle, content[: max(1, len(content) // 2)])

    def sync_file(self, handle: int) -> None:
        """Fails where the disk is dying."""
        self.calls.append("sync file")
        if self.is_dying:
            raise OSError(errno.EIO, "Input/output error")
        super().sync_file(handle)

    def sync_folder(self, folder: Path) -> None:
        """Notes that it was called."""
        self.calls.append("sync folder")
        super().sync_folder(folder)


def read(folder: Path, after: int = 0) -> list[Record]:
    """Returns the records of a log."""
    return [record for _, record in read_log(folder, after)]


@given(written=batches, segment_bytes=st.integers(1, 400))
@settings(deadline=None, max_examples=60)
def test_what_is_appended_is_read_in_order_from_any_position(written: list[list[Record]], segment_bytes: int) -> None:
    """Every kind of record comes back equal, however small segments are, and after each position the rest follows."""
    with tempfile.TemporaryDirectory() as name:
        ends = write(Path(name), written, segment_bytes)
        everything = [record for batch in written for record in batch]
        found = list(read_log(Path(name)))
        assert [record for _, record in found] == everything
        assert found[-1][0] == ends[-1]
        for number, (position, _) in enumerate(found):
            assert read(Path(name), position) == everything[number + 1 :]


def test_a_folder_without_a_log_has_no_records(tmp_path: Path) -> None:
    """Neither an empty folder nor none at all is an error: nothing was written yet."""
    assert read(tmp_path) == read(tmp_path / "none") == []


def test_a_batch_is_never_split_over_segments(tmp_path: Path) -> None:
    """Segments end where batches end, hold no more than they may, and a batch that is longer has one for itself."""
    batch: list[Record] = [event(number) for number in range(10)]
    ends = write(tmp_path, [batch, batch, batch, batch * 5, batch], segment_bytes=1500)
    starts = sorted(int(path.stem) for path in tmp_path.glob("*.log"))
    assert set(starts) <= {0, *ends}
    sizes = [end - start for start, end in zip(starts, [*starts[1:], ends[-1]], strict=True)]
    assert [size <= 1500 for size in sizes] == [True, True, False, True]


def test_a_log_that_is_opened_again_goes_on_where_it_ended(tmp_path: Path) -> None:
    """Positions go on, and nothing that was there changes."""
    (end,) = write(tmp_path, [[event(1)]])
    with EventLog(tmp_path) as log:
        assert log.end == end
        log.append([event(2)])
    assert read(tmp_path) == [event(1), event(2)]
    assert read(tmp_path, end) == [event(2)]


def test_nothing_is_a_batch_of_no_bytes(tmp_path: Path) -> None:
    """Appending nothing changes nothing."""
    with EventLog(tmp_path) as log:
        assert log.append([]) == log.end == 0


def test_a_record_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """Its batch is not written; the log goes on."""
    with EventLog(tmp_path) as log:
        with pytest.raises(ValueError, match="at most"):
            log.append([event(1), ItemRecord("i", False, 1, text="x" * MAX_PAYLOAD_BYTES)])
        log.append([event(2)])
    assert read(tmp_path) == [event(2)]


def test_a_full_disk_leaves_no_half_batch(tmp_path: Path) -> None:
    """The batch that found no room is gone, and the next one that does is read."""
    disk = FailingDisk()
    with EventLog(tmp_path, disk=disk) as log:
        end = log.append([event(1)])
        disk.is_full = True
        with pytest.raises(OSError, match="No space"):
            log.append([event(2), event(3)])
        assert log.end == end
        assert read(tmp_path) == [event(1)]
        disk.is_full = False
        log.append([event(4)])
    assert read(tmp_path) == [event(1), event(4)]


def test_after_a_failed_sync_the_log_takes_nothing_more(tmp_path: Path) -> None:
    """The kernel may have thrown away what it could not write and say nothing the next time, so there is no next time."""
    disk = FailingDisk()
    with EventLog(tmp_path, disk=disk) as log:
        log.append([event(1)])
        disk.is_dying = True
        with pytest.raises(LogBroken):
            log.sync()
        disk.is_dying = False
        for use in (log.sync, lambda: log.append([event(2)]), lambda: log.rewind(0), log.retain):
            with pytest.raises(LogBroken):
                use()


def test_a_segment_is_on_disk_before_the_next_one_is_begun(tmp_path: Path) -> None:
    """A sync covers all that was appended, also before a rotation, and the new segment's name."""
    disk = FailingDisk()
    with EventLog(tmp_path, segment_bytes=1, disk=disk) as log:
        disk.calls.clear()
        log.append([event(1)])
        log.append([event(2)])
        log.sync()
        log.sync()  # there is nothing to wait for
    order = [call for place, call in enumerate(disk.calls) if disk.calls[place - 1 : place] != [call]]
    assert order == ["write", "sync file", "sync folder", "write", "sync file"]


def test_without_sync_nothing_waits_for_the_disk(tmp_path: Path) -> None:
    """What was appended is with the kernel, which outlives the process."""
    disk = FailingDisk()
    with EventLog(tmp_path, segment_bytes=1, sync=False, disk=disk) as log:
        disk.calls.clear()
        log.append([event(1)])
        log.append([event(2)])
        log.sync()
    assert set(disk.calls) == {"write"}
    assert read(tmp_path) == [event(1), event(2)]


@pytest.mark.parametrize("segment_bytes", [1, 1 << 20])
def test_what_is_taken_back_was_never_there(tmp_path: Path, segment_bytes: int) -> None:
    """Also where the batches to take back began new segments; what is appended next follows what was kept."""
    with EventLog(tmp_path, segment_bytes) as log:
        kept = log.append([event(1)])
        log.append([event(2)])
        log.append([event(3)])
        log.rewind(kept)
        assert (log.end, read(tmp_path)) == (kept, [event(1)])
        log.append([event(4)])
        log.sync()
    assert read(tmp_path) == [event(1), event(4)]


def test_a_log_that_is_shorter_than_it_is_known_to_be_is_not_opened(tmp_path: Path) -> None:
    """What was acknowledged is missing: that is for a person to decide on."""
    first, second = write(tmp_path, [[event(1)], [event(2)]])
    path = tmp_path / f"{0:020d}.log"
    os.truncate(path, second - 1)
    with pytest.raises(LogDamaged, match=f"written up to {second}"), EventLog(tmp_path, at_least=second):
        pass
    with EventLog(tmp_path, at_least=first) as log:
        assert log.end == first


def test_a_reader_beside_the_writer_sees_whole_batches_in_order(tmp_path: Path) -> None:
    """While segments come and end, each look goes on after the last one and no record is missed or seen twice."""
    count, size = 400, 5
    done = threading.Event()

    def append() -> None:
        with EventLog(tmp_path, segment_bytes=2_000, sync=False) as log:
            for number in range(0, count * size, size):
                log.append([event(number + place) for place in range(size)])
        done.set()

    writer = threading.Thread(target=append)
    writer.start()
    seen: list[Record] = []
    position, was_done = 0, False
    while not was_done:
        was_done = done.is_set()
        found = list(read_log(tmp_path, position))
        seen += [record for _, record in found]
        assert len(seen) % size == 0
        position = found[-1][0] if found else position
    writer.join()
    assert seen == [event(number) for number in range(count * size)]
