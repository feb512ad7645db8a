"""Retention: whole segments go, oldest first, and what follows keeps its position."""

import os
from pathlib import Path

from shared.event_log import EventLog, read_log
from tests.unit.shared.event_log.samples import event, write


def test_the_oldest_segments_go_until_the_rest_fits(tmp_path: Path) -> None:
    """Positions of what is kept do not change, and reading from the beginning begins with it."""
    ends = write(tmp_path, [[event(number)] for number in range(5)], segment_bytes=1)
    with EventLog(tmp_path, segment_bytes=1) as log:
        assert log.retain(max_bytes=ends[-1] - ends[2]) == 3
        assert log.start == ends[2]
        assert log.retain(max_bytes=ends[-1] - ends[2]) == 0
    assert list(read_log(tmp_path)) == [(ends[3], event(3)), (ends[4], event(4))]


def test_what_is_being_written_to_stays_however_little_may_be_kept(tmp_path: Path) -> None:
    """The bound is on sealed segments; the last one is the log's end."""
    write(tmp_path, [[event(1)], [event(2)]], segment_bytes=1)
    with EventLog(tmp_path) as log:
        assert log.retain(max_bytes=0) == 1
    assert [record for _, record in read_log(tmp_path)] == [event(2)]


def test_segments_go_by_the_age_of_their_newest_record(tmp_path: Path) -> None:
    """One that was written to within the time is kept whole, also when what it began with is older."""
    ends = write(tmp_path, [[event(number)] for number in range(3)], segment_bytes=1)
    for start, written_at in zip([0, *ends[:2]], (1_000, 2_000, 3_000), strict=True):
        os.utime(tmp_path / f"{start:020d}.log", (written_at, written_at))
    with EventLog(tmp_path, segment_bytes=1) as log:
        assert log.retain(older_than_ms=1_500_000, now_ms=3_000_000) == 1
        assert [record for _, record in read_log(tmp_path)] == [event(1), event(2)]


def test_the_last_records_of_a_log_that_nobody_writes_to_go_too(tmp_path: Path) -> None:
    """A bound on age holds for all records, not only for those that others follow."""
    (end,) = write(tmp_path, [[event(1)]])
    with EventLog(tmp_path) as log:
        os.utime(tmp_path / f"{0:020d}.log", (1_000, 1_000))
        assert log.retain(older_than_ms=1_000, now_ms=3_000_000) == 1
        assert list(read_log(tmp_path)) == []
        log.append([event(2)])
        assert list(read_log(tmp_path, end)) == [(log.end, event(2))]
    with EventLog(tmp_path) as log:
        assert log.start == end


def test_an_erasure_does_not_make_a_segment_younger(tmp_path: Path) -> None:
    """Else who asks to be forgotten would prolong what is kept of others."""
    write(tmp_path, [[event(1, "bob"), event(2, "ann")], [event(3)]], segment_bytes=1)
    os.utime(tmp_path / f"{0:020d}.log", (1_000, 1_000))
    with EventLog(tmp_path) as log:
        log.erase(lambda record: getattr(record, "user_id", "") == "bob")
        assert log.retain(older_than_ms=1_000, now_ms=3_000_000) == 1
