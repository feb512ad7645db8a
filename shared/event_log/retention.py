"""Which segments are no longer to be kept."""

from collections.abc import Sequence

from shared.event_log.segments import Segment


def superfluous(segments: Sequence[Segment], before_ms: int | None, max_bytes: int | None) -> list[Segment]:
    """Returns the segments to drop: the oldest ones, in order, and never the last, which is being written to.

    Args:
        segments: All of them, in order.
        before_ms: Drop those whose newest record was written before this time, in milliseconds since 1970, UTC.
        max_bytes: Drop until the rest is not larger.
    """
    status = [segment.path.stat() for segment in segments]
    left = sum(each.st_size for each in status)
    dropped = []
    for segment, each in zip(segments[:-1], status, strict=False):
        # A segment is written to at its end alone: its file's time is that of its newest record.
        is_old = before_ms is not None and each.st_mtime_ns // 1_000_000 < before_ms
        if not is_old and (max_bytes is None or left <= max_bytes):
            break
        dropped.append(segment)
        left -= each.st_size
    return dropped
