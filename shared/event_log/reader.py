"""Reading the log, also while it is written."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from shared.event_log.errors import LogDamaged
from shared.event_log.framing import ERASED, BadFrame, Frame, is_torn, read_batches
from shared.event_log.records import Record, decode_record
from shared.event_log.segments import Segment, list_segments


def read_log(folder: Path, after: int = 0) -> Iterator[tuple[int, Record]]:
    """Yields what the log holds, oldest first, up to the last whole batch.

    Whoever wants more asks again, later, after the position that came last. What is read may be lost to a power failure
    unless its writer has synced it.

    Args:
        folder: The folder of the log. Where there is none, or nothing in it, nothing is yielded.
        after: A position that this function yielded, or the beginning of a segment. Where retention has dropped what
            follows it, reading begins with the oldest segment.

    Yields:
        The position at which the record ends, and the record.

    Raises:
        LogDamaged: a segment does not hold what was written, and not because a crash cut short its last batch.
    """
    for segment, batch in read_frames(folder, after):
        for end, flags, payload in batch:
            if not flags & ERASED:
                yield segment.start + end, _decoded(segment, end, payload)


def read_frames(folder: Path, after: int = 0) -> Iterator[tuple[Segment, list[Frame]]]:
    """Yields the whole batches of the log with the segment that they are in, as `read_log` does, erased frames too.

    Raises:
        LogDamaged: as by `read_log`.
    """
    position = after
    tried_at = -1  # where reading failed last: nothing is called damaged that reads well a moment later
    while (found := _find(folder, position)) is not None:
        segment, is_last = found
        position = max(position, segment.start)
        try:
            for batch in read_batches(segment.path, position - segment.start):
                position = segment.start + batch[-1].end
                yield segment, batch
        except FileNotFoundError:  # retention took it away just now
            continue
        except BadFrame as bad:
            if is_last and tried_at == position and is_torn(segment.path, bad.offset):
                return
            if tried_at == position:
                raise LogDamaged(segment.path, bad.offset, bad.problem) from bad
            tried_at = position
            continue
        if is_last and _find(folder, position) == found:
            return


def _find(folder: Path, position: int) -> tuple[Segment, bool] | None:
    """Returns the segment to read on in from a position, and whether it is the last one."""
    segments = list_segments(folder)
    if not segments:
        return None
    before = [segment for segment in segments if segment.start <= position]
    if not before:
        return segments[0], len(segments) == 1
    segment = before[-1]
    is_last = len(before) == len(segments)
    if not is_last and segment.path.exists() and segment.start + segment.path.stat().st_size <= position:
        raise LogDamaged(
            segment.path,
            position - segment.start,
            f"ends here, but the next segment is {segments[len(before)].path.name}",
        )
    return segment, is_last


def _decoded(segment: Segment, end: int, payload: memoryview) -> Record:
    try:
        return decode_record(payload)
    except msgspec.MsgspecError as error:
        problem = f"is no record of a kind that this version of winnow knows ({error})"
        raise LogDamaged(segment.path, end - len(payload), problem) from error
