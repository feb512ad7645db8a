"""Erasing records from a segment, so that no file holds them any more."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from shared.event_log.errors import LogDamaged
from shared.event_log.framing import ERASED, HEADER_BYTES, BadFrame, Frame, erased_frame, read_batches
from shared.event_log.records import Record, decode_record, kind_of
from shared.event_log.search import contains_any, has_any
from shared.event_log.segments import UNFINISHED_SUFFIX, Segment, sync_folder


@dataclass(frozen=True)
class Erasure:
    """What is to be erased.

    Attributes:
        matches: Says which records.
        containing: Of each matching record, the encoding has one of these bytes in it; none where nothing is known of it.
        before: Only records that end at or before this position.
        since: Only segments that end after this position.
    """

    matches: Callable[[Record], bool]
    containing: Sequence[bytes]
    before: int
    since: int = 0


def erase_in(segment: Segment, erasure: Erasure) -> "Counter[str]":
    """Overwrites the matching records of a segment with filler; returns how many, by kind.

    The file is replaced by one of the same length and times, whole or not at all.

    Raises:
        LogDamaged: the segment cannot be read.
        OSError: there is no room for a copy.
    """
    erased: Counter[str] = Counter()
    if segment.start >= erasure.before or segment.start + segment.path.stat().st_size <= erasure.since:
        return erased
    if not contains_any(segment.path, erasure.containing):
        return erased
    fillers: list[tuple[int, bytes]] = []
    try:
        for batch in read_batches(segment.path):
            for frame in batch:
                if (record := _matching(segment, frame, erasure)) is not None:
                    erased[kind_of(record)] += 1
                    filler = erased_frame(frame)
                    fillers.append((frame.end - len(filler), filler))
    except BadFrame as bad:
        raise LogDamaged(segment.path, bad.offset, bad.problem) from bad
    if fillers:
        _replace(segment.path, fillers)
    return erased


def _matching(segment: Segment, frame: Frame, erasure: Erasure) -> Record | None:
    if frame.flags & ERASED or segment.start + frame.end > erasure.before:
        return None
    if not has_any(bytes(frame.payload), erasure.containing):
        return None
    try:
        record = decode_record(frame.payload)
    except msgspec.MsgspecError as error:
        offset = frame.end - len(frame.payload) - HEADER_BYTES
        raise LogDamaged(segment.path, offset, f"is no record ({error})") from error
    return record if erasure.matches(record) else None


def _replace(path: Path, fillers: list[tuple[int, bytes]]) -> None:
    unfinished = path.with_suffix(UNFINISHED_SUFFIX)
    try:
        shutil.copyfile(path, unfinished)
        with unfinished.open("r+b") as file:
            for place, filler in fillers:
                file.seek(place)
                file.write(filler)
            file.flush()
            # Retention goes by when the last record was written, which is not now.
            times = path.stat()
            os.utime(file.fileno(), ns=(times.st_atime_ns, times.st_mtime_ns))
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)
