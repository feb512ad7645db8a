"""Segments: the files of the log.

A position is the number of bytes that were ever written before it, also of those that retention dropped since. A segment
is named by the position at which it begins, in 20 digits, so that names sort as they follow on each other; the next one
begins where it ends. The last one is written to; the others are sealed.
"""

import os
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from shared.event_log.errors import LogDamaged

_DIGITS = 20
_SUFFIX = ".log"
#: What is being written beside the segments; left over, it means nothing.
UNFINISHED_SUFFIX = ".tmp"


class Segment(NamedTuple):
    """One file of the log.

    Attributes:
        start: The position at which it begins.
        path: The file.
    """

    start: int
    path: Path


def segment_at(folder: Path, start: int) -> Segment:
    """Returns the segment of a folder that begins at a position, whether or not there is one."""
    return Segment(start, folder / f"{start:0{_DIGITS}d}{_SUFFIX}")


def list_segments(folder: Path) -> list[Segment]:
    """Returns the segments of a folder in order; none where there is no such folder."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    starts = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
    return sorted(
        segment_at(folder, int(start))
        for start in starts
        if len(start) == _DIGITS and start.isascii() and start.isdigit()
    )


def check_joined(segments: list[Segment]) -> None:
    """Checks that each segment begins where the one before it ends.

    Raises:
        LogDamaged: bytes are missing, or there are too many.
    """
    for segment, following in pairwise(segments):
        size = segment.path.stat().st_size
        if segment.start + size != following.start:
            raise LogDamaged(segment.path, size, f"ends here, but the next segment is {following.path.name}")


def sync_folder(folder: Path) -> None:
    """Waits until the names of the files in a folder are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
