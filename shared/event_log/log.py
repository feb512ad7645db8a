"""Writing the log. One process writes, one thread of it at a time; anybody reads meanwhile."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.event_log.erasure import Erasure, erase_in
from shared.event_log.errors import LogBroken, LogDamaged
from shared.event_log.framing import BadFrame, encode_batch, is_torn, read_batches
from shared.event_log.records import Record
from shared.event_log.retention import superfluous
from shared.event_log.segments import UNFINISHED_SUFFIX, Segment, check_joined, list_segments, segment_at, sync_folder

SEGMENT_BYTES = 64 << 20


class Disk:
    """What writes, and makes it durable: the seam at which tests watch the order and let it fail."""

    def write(self, handle: int, content: memoryview) -> int:
        """Writes the beginning of `content` to the end of a file, and returns how many bytes."""
        return os.write(handle, content)

    def sync_file(self, handle: int) -> None:
        """Waits until what was written to a file is on disk."""
        os.fdatasync(handle)

    def sync_folder(self, folder: Path) -> None:
        """Waits until the names of a folder's files are on disk."""
        sync_folder(folder)


class EventLog:
    """The log in a folder, open for writing; a context manager.

    Opening it cuts off what a crash left of an unfinished batch. A method that raises `OSError` has changed nothing, and
    the log can be used on; after `LogBroken` it must be opened anew.

    Args:
        folder: The folder, which is made when missing. On a local disk.
        segment_bytes: A batch that would make a segment longer than this begins the next one.
        sync: Whether `sync` waits for the disk. Without it, what was appended survives the end of the process, however
            it ends, but not a loss of power.
        at_least: The position up to which the log is known to have been written. Opening a log that does not reach it
            is refused.
        disk: What makes writes durable.
    """

    def __init__(
        self,
        folder: Path,
        segment_bytes: int = SEGMENT_BYTES,
        sync: bool = True,
        at_least: int = 0,
        disk: Disk | None = None,
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._sync = sync
        self._at_least = at_least
        self._disk = disk or Disk()
        self._segment = segment_at(folder, 0)
        self._handle = -1
        self._end = 0
        self._unsynced = self._broken = False
        # Held while sealed segments are replaced or removed: one that was removed must not come back.
        self._sealed = threading.Lock()

    def __enter__(self) -> Self:
        """Opens the log.

        Raises:
            LogDamaged: it does not hold what was written to it.
            OSError: the folder cannot be written to.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.glob(f"*{UNFINISHED_SUFFIX}"):
            path.unlink()
        segments = list_segments(self._folder)
        check_joined(segments)
        self._segment = segments[-1] if segments else segment_at(self._folder, 0)
        whole = _whole_bytes(self._segment) if segments else 0
        self._end = self._segment.start + whole
        if self._end < self._at_least:
            raise LogDamaged(self._segment.path, whole, f"the log ends here, but was written up to {self._at_least}")
        self._handle = _open(self._segment)
        os.ftruncate(self._handle, whole)
        self._disk.sync_file(self._handle)
        self._disk.sync_folder(self._folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._handle)

    @property
    def folder(self) -> Path:
        """The folder."""
        return self._folder

    @property
    def start(self) -> int:
        """The position of the oldest record that is kept."""
        return list_segments(self._folder)[0].start

    @property
    def end(self) -> int:
        """The position after the newest record."""
        return self._end

    @property
    def active_start(self) -> int:
        """The position at which the segment that is being written to begins; those before it are sealed."""
        return self._segment.start

    def append(self, records: Sequence[Record]) -> int:
        """Writes records as one batch: after a crash all of them are there or none. `sync` makes them durable.

        Returns:
            The position after the last of them.

        Raises:
            ValueError: a record is too long; nothing was written.
            OSError: there is no room; nothing was written.
            LogBroken: as the class says.
        """
        self._check()
        batch = encode_batch(records)
        if not batch:
            return self._end
        if self._end > self._segment.start and self._end - self._segment.start + len(batch) > self._segment_bytes:
            self._rotate()
        self._unsynced = True
        try:
            left = memoryview(batch)
            while left:
                left = left[self._disk.write(self._handle, left) :]
        except OSError:
            self._cut(self._end)
            raise
        self._end += len(batch)
        return self._end

    def sync(self) -> None:
        """Waits until everything that was appended is on disk.

        Raises:
            LogBroken: the disk failed; nobody knows what is on it.
        """
        self._check()
        if not self._unsynced:
            return
        if self._sync:
            try:
                self._disk.sync_file(self._handle)
            except OSError as error:
                raise self._break(error) from error
        self._unsynced = False

    def rewind(self, position: int) -> None:
        """Takes back what was appended after a position: for a writer whose own commit then failed.

        Args:
            position: What `end` was before.

        Raises:
            LogBroken: it could not be taken back.
        """
        self._check()
        with self._sealed:
            while position < self._segment.start:
                segments = list_segments(self._folder)
                try:
                    os.close(self._handle)
                    segments.pop().path.unlink()
                    self._segment = segments[-1]
                    self._handle = _open(self._segment)
                except OSError as error:
                    raise self._break(error) from error
            self._cut(position)

    def retain(self, older_than_ms: int | None = None, max_bytes: int | None = None, now_ms: int | None = None) -> int:
        """Drops whole segments, oldest first.

        Args:
            older_than_ms: Drop those whose newest record was written longer ago than this, in milliseconds.
            max_bytes: Drop until the rest is not larger. What is being written to stays.
            now_ms: The time, in milliseconds since 1970, UTC; that of the clock by default.

        Returns:
            How many were dropped.

        Raises:
            LogBroken: as the class says.
        """
        self._check()
        before_ms = None
        if older_than_ms is not None:
            before_ms = (time.time_ns() // 1_000_000 if now_ms is None else now_ms) - older_than_ms
            written_ms = os.fstat(self._handle).st_mtime_ns // 1_000_000
            if self._end > self._segment.start and written_ms < before_ms:
                self._rotate()  # so that the last events of a service that nobody uses any more go too
        with self._sealed:
            dropped = superfluous(list_segments(self._folder), before_ms, max_bytes)
            for segment in dropped:
                segment.path.unlink()
        if dropped:
            self._disk.sync_folder(self._folder)
        return len(dropped)

    def erase(
        self,
        matches: Callable[[Record], bool],
        containing: Sequence[bytes] = (),
        before: int | None = None,
        since: int = 0,
    ) -> "Counter[str]":
        """Overwrites records with filler of the same length. Positions stay, and so do all other records.

        It is done segment by segment: each is written anew beside the old one, synced, and renamed over it. A crash in
        between leaves some segments erased and others not; erasing again finishes it. It is the caller's part that
        nobody keeps the old file open: a reader that does reads on in it.

        Args:
            matches: Says which records.
            containing: The encoding of each matching record has one of these bytes in it; segments without any of them
                are passed over quickly.
            before: Erase only records that end at or before this position.
            since: Look only at segments that end after this position.

        Returns:
            How many were erased, by the record's kind.

        Raises:
            LogDamaged: a segment cannot be read.
            OSError: there is no room for a copy of a segment.
            LogBroken: as the class says.
        """
        self._check()
        self.sync()
        erasure = Erasure(matches, containing, self._end if before is None else before, since)
        return self.erase_sealed(erasure) + self.erase_active(erasure)

    def erase_active(self, erasure: Erasure) -> "Counter[str]":
        """Erases in the segment that is being written to. As `erase`, with what was appended synced."""
        erased = erase_in(self._segment, erasure)
        if erased:
            os.close(self._handle)
            try:
                self._handle = _open(self._segment)
            except OSError as error:
                raise self._break(error) from error
        return erased

    def erase_sealed(self, erasure: Erasure) -> "Counter[str]":
        """Erases in the other segments. As `erase`; in any thread, while another one appends."""
        erased: Counter[str] = Counter()
        for segment in list_segments(self._folder)[:-1]:
            with self._sealed:
                if segment.path.exists():
                    erased += erase_in(segment, erasure)
        return erased

    def _rotate(self) -> None:
        self.sync()
        following = segment_at(self._folder, self._end)
        handle = _open(following)
        try:
            if self._sync:
                self._disk.sync_folder(self._folder)
        except OSError:
            os.close(handle)
            following.path.unlink()
            raise
        os.close(self._handle)
        self._segment, self._handle = following, handle

    def _cut(self, position: int) -> None:
        try:
            os.ftruncate(self._handle, position - self._segment.start)
        except OSError as error:
            raise self._break(error) from error
        self._end = position
        self._unsynced = True

    def _break(self, error: OSError) -> LogBroken:
        self._broken = True
        return LogBroken(f"{self._segment.path}: {error.strerror}")

    def _check(self) -> None:
        if self._broken:
            raise LogBroken(f"{self._segment.path}: a write failed before; open the log anew")


def _open(segment: Segment) -> int:
    # What is written goes to the end of the file, also after it was cut.
    return os.open(segment.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _whole_bytes(segment: Segment) -> int:
    """Returns where the last whole batch of the last segment ends, in bytes from its beginning.

    Raises:
        LogDamaged: something else than a torn batch follows it.
    """
    whole = 0
    try:
        for batch in read_batches(segment.path):
            whole = batch[-1].end
    except BadFrame as bad:
        if not is_torn(segment.path, bad.offset):
            raise LogDamaged(segment.path, bad.offset, bad.problem) from bad
    return whole
